"""Issued bills computed again from what is kept with them, through both bindings: identical, or what differs is named."""

from datetime import date
from typing import Any

import psycopg
import pytest
from tests.service.billing.county import (
    ACCOUNTANT,
    CLERK,
    MONTH,
    OPERATOR,
    OTHER_PERSON,
    County,
    Prepare,
    Prepared,
    Supply,
    daily,
    prices,
    settle_county,
)

from denghuo.kernel.values import Money, Price
from denghuo.service.billing.api import BillNotFound, NotIssued, ReplayBill, Replayed, ReplayMonth, StartCycle
from denghuo.service.contract.api import ChangeTerms, ContractApi, ContractsOf
from denghuo.service.tariff.api import DraftTariff, TariffApi, TariffVersion

HEAVY = Supply(1, 1, daily(120), contract_kw=9)
SOLAR = Supply(2, 2, daily(3), surplus=daily(9))
CHANGED = Supply(3, 1, daily(40), tariff_class="general_single_part", contract_kw=10)
UNREAD = Supply(4, 1, {day: shown for day, shown in daily(30).items() if day not in (10, 11, 12)}, contract_kw=10)
EMPTY = Supply(5, 1, daily(0))
ALL = [HEAVY, SOLAR, CHANGED, UNREAD, EMPTY]


def number(supply: Supply, kind: str = "1", suffix: str = "01") -> str:
    return f"202604{supply.account_no}{kind}{suffix}"


@pytest.fixture(scope="module")
def prepared_county(prepare: Prepare) -> Prepared:
    def make(made: County) -> None:
        settle_county(made, ALL)
        for supply, to in ((CHANGED, "resident"), (UNREAD, "general_single_part")):
            change(made, supply, date(2026, 4, 11), to)
        made.billing.start_cycle(ACCOUNTANT, StartCycle(month=MONTH))
        made.settle()

    return prepare(make)


def change(found: County, supply: Supply, on: date, tariff_class: Any) -> None:
    contracts = found.directory(ContractApi)
    (known,) = contracts.contracts_of(OPERATOR, ContractsOf(account_no=supply.account_no)).rows
    contracts.change_terms(
        OPERATOR,
        ChangeTerms(contract_no=known.contract_no, effective_from=on, tariff_class=tariff_class, reason="用电性质变更"),
    )


def replayed(found: County, bill_no: str) -> Replayed:
    return found.billing.replay_bill(ACCOUNTANT, ReplayBill(bill_no=bill_no))


def test_a_bill_stays_what_it_was_whatever_changed_since(found: County) -> None:
    dearer = prices()[0].components[0]
    more = [one.model_copy(update={"price": Price.of("0.99")}) for one in dearer.prices]
    document = prices()[0].model_copy(
        update={"effective_from": date(2026, 4, 2), "components": [dearer.model_copy(update={"prices": more})]}
    )
    tariffs = found.directory(TariffApi)
    drafted = tariffs.draft(OPERATOR, DraftTariff(document=document))
    tariffs.publish(OTHER_PERSON, TariffVersion(code=drafted.code, version=drafted.version))
    change(found, HEAVY, date(2026, 4, 21), "general_single_part")

    heavy = replayed(found, number(HEAVY))
    assert (heavy.outcome, heavy.differences) == ("identical", [])
    assert heavy.computed == heavy.amount == Money.of("2245.20")
    page = found.billing.replay_month(ACCOUNTANT, ReplayMonth(month=MONTH))
    # Four accounts, one with a purchase statement; what is held was not issued.
    assert (page.checked, page.identical, page.total, page.next, page.rows) == (5, 5, 5, None, [])


def test_what_was_changed_in_the_store_is_named(found: County) -> None:
    with psycopg.connect(found.dsn, autocommit=True) as connection:
        connection.execute("SET search_path TO billing")
        for change in (
            f"UPDATE bill_line SET amount_fen = amount_fen + 1 WHERE bill_no = '{number(HEAVY)}' AND line = 2",
            f"""UPDATE bill_line SET detail = jsonb_set(detail, '{{sentence,zh}}', '"改"') WHERE bill_no = '{number(CHANGED)}'
                AND line = 1""",
            f"DELETE FROM bill_line WHERE bill_no = '{number(SOLAR)}'",
            f"UPDATE bill_basis SET rating = NULL WHERE bill_no = '{number(SOLAR, '2')}'",
        ):
            connection.execute(change)
    page = found.billing.replay_month(ACCOUNTANT, ReplayMonth(month=MONTH))
    assert (page.checked, page.identical, page.not_kept, len(page.rows)) == (5, 1, 1, 3)
    named = {row.bill_no: [(one.where, one.kept, one.computed) for one in row.differences] for row in page.rows}
    assert named[number(HEAVY)] == [("line 2 (energy).amount_fen", "32017", "32016")]
    assert [where for where, _, _ in named[number(CHANGED)]] == ["line 1 (energy).sentence"]
    assert named[number(SOLAR)] == [("lines", "0", "1")]
    assert replayed(found, number(SOLAR, "2")).outcome == "not_kept"


def test_pages_hold_every_bill_once_and_a_seed_chooses_the_same_ones(found: County) -> None:
    def pages(seed: str | None, size: int) -> list[int]:
        after, counts = None, []
        while True:
            request = ReplayMonth(month=MONTH, seed=seed, limit=size, after=after)
            page = found.billing.replay_month(ACCOUNTANT, request)
            counts.append(page.checked)
            after = page.next
            if after is None:
                return counts

    assert pages(None, 2) == pages("a", 2) == [2, 2, 1]
    first = [
        found.billing.replay_month(ACCOUNTANT, ReplayMonth(month=MONTH, seed=seed, limit=1)).next for seed in "aabcdef"
    ]
    assert first[0] == first[1] and len(set(first)) == 6


def test_only_issued_bills_within_the_scope_are_computed(found: County) -> None:
    with pytest.raises(NotIssued):
        replayed(found, number(EMPTY))
    with pytest.raises(BillNotFound):
        found.billing.replay_bill(CLERK, ReplayBill(bill_no=number(SOLAR)))
    assert found.billing.replay_month(CLERK, ReplayMonth(month=MONTH)).total == 3

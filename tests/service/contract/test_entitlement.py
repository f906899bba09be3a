"""Households entitled to free energy through both bindings: listed, refused row by row, ended, told with the terms of a month."""

import pathlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.service.records import CLERK, NOW, OPERATOR, account, contract, held, number

from denghuo.kernel.batch import BatchTaken, RefusedItem
from denghuo.service.contract.api import (
    AgreeSpecial,
    ContractApi,
    EndContract,
    EndEntitlement,
    EntitledListRefused,
    EntitlementNotFound,
    EntitlementRefused,
    FindEntitled,
    ImportEntitled,
    ListEntitled,
    NewEntitlement,
    SignContracts,
    SpecialTerms,
    TermsIn,
)
from denghuo.service.contract.entitlement import judge
from denghuo.service.contract.rules import Span
from denghuo.service.contract.service import ContractService
from denghuo.service.customer.api import CustomerApi, OpenAccounts
from denghuo.service.customer.service import CustomerService
from denghuo.service.host.binding import Ask
from denghuo.service.tariff.api import TariffApi
from denghuo.service.tariff.service import TariffService

SERVICES = {CustomerApi: CustomerService, TariffApi: TariffService, ContractApi: ContractService}
MANAGER = replace(CLERK, permits=frozenset({"contract.*"}))


@pytest.fixture(params=["local", "remote"])
def ask(request: pytest.FixtureRequest, database_dsn: str, tmp_path: pathlib.Path) -> Iterator[Ask]:
    yield from held(request.param, database_dsn, tmp_path, SERVICES)


@pytest.fixture
def contracts(ask: Ask) -> ContractApi:
    shop = account(4, tariff_class="general_single_part")
    accounts = [account(1), account(2), account(3, 2), shop]
    ask(CustomerApi).open_accounts(OPERATOR, OpenAccounts(accounts=accounts))
    signing = [contract(1), contract(2), contract(3, 2), contract(4, tariff_class="general_single_part")]
    assert not ask(ContractApi).sign_contracts(OPERATOR, SignContracts(contracts=signing)).refused
    return ask(ContractApi)


def entitled(serial: int = 1, station: int = 1, **changes: Any) -> NewEntitlement:
    return NewEntitlement(
        account_no=number(serial, station),
        kind="low_income",
        evidence_no=f"DB{serial:04d}",
        from_month="2026-04",
        until_month="2027-04",
    ).model_copy(update=changes)


def take(contracts: ContractApi, *items: NewEntitlement, call: Any = OPERATOR) -> BatchTaken:
    return contracts.list_entitled(call, ListEntitled(entitled=list(items)))


def special(contracts: ContractApi, month: str, serial: int = 1, known_at: datetime | None = None) -> Any:
    asked = TermsIn(month=month, account_nos=[number(serial)], known_at=known_at)
    (row,) = contracts.terms_in(OPERATOR, asked).rows
    return row.special


def test_a_list_is_taken_row_by_row_and_once(contracts: ContractApi) -> None:
    rows = [
        entitled(1),
        entitled(2, evidence_no=""),
        entitled(2, until_month="2026-04"),
        entitled(4),
        entitled(9),
        entitled(1, evidence_no="DB0099", from_month="2027-03", until_month="2028-01"),
        entitled(3, 2, kind="five_guarantee"),
    ]
    taken = take(contracts, *rows)
    assert [(one.item, one.field) for one in taken.refused] == [
        (1, "evidence_no"),
        (2, "until_month"),
        (3, "account_no"),
        (4, "account_no"),
        (5, "from_month"),
    ]
    assert taken.taken == 2 and "DB0001" in taken.refused[-1].what.en
    again = take(contracts, *rows)
    assert (again.taken, again.unchanged, len(again.refused)) == (0, 2, 5)
    # Another unit's account is an unknown one, and its entitlement is not seen.
    assert [one.field for one in take(contracts, entitled(3, 2, kind="low_income"), call=MANAGER).refused] == [
        "account_no"
    ]
    assert [row.account_no for row in contracts.entitled(MANAGER, FindEntitled()).rows] == [number(1)]


def test_a_csv_list_names_the_row_and_the_remedy(contracts: ContractApi) -> None:
    text = (
        "\ufeff户号,优惠类别,证件编号,起始月,截止月（不含）\r\n"
        f"{number(1)},低保,DB1,2026-04,2026-10\r\n"
        f"{number(2)},五保户,,2026-04,2026-10\r\n"
        f"{number(2)},困难,WB2,2026-04,2026-10\r\n"
        "\r\n"
        f"{number(2)},五保,WB2,2026-13,2026-10\r\n"
        f"{number(2)},五保,WB2,2026-04,2026-10\r\n"
    )
    taken = contracts.import_entitled(OPERATOR, ImportEntitled(text=text))
    assert [(one.item, one.field, one.value) for one in taken.refused] == [
        (3, "证件编号", ""),
        (4, "优惠类别", "困难"),
        (6, "起始月", "2026-13"),
    ]
    assert taken.taken == 2
    assert contracts.import_entitled(OPERATOR, ImportEntitled(text=text)).unchanged == 2
    for wrong in ("户号,证件编号\n", "account_no,kind,evidence_no,from_month,until_month\n"):
        with pytest.raises(EntitledListRefused):
            contracts.import_entitled(OPERATOR, ImportEntitled(text=wrong))


def test_the_terms_of_a_month_have_it_once_and_until_it_expires(contracts: ContractApi) -> None:
    take(contracts, entitled(1, from_month="2026-02", until_month="2026-04"))
    free = SpecialTerms(free_energy=True, free_as="low_income", free_evidence="0001")
    assert [special(contracts, month) for month in ("2026-01", "2026-02", "2026-03", "2026-04")] == [
        None,
        free,
        free,
        None,
    ]
    # The special term says the same: it is neither given twice nor lost, and what else is agreed stays.
    agreed = AgreeSpecial(
        contract_no=contract(1).contract_no,
        effective_from=date(2026, 1, 1),
        persons=5,
        persons_since=date(2026, 1, 1),
        free_energy=True,
        free_until=date(2026, 2, 28),
        reason="多人口与优惠",
    )
    contracts.agree_special(OPERATOR, agreed)
    both = special(contracts, "2026-03")
    assert (both.persons, both.free_energy, both.free_until) == (5, True, None)
    assert special(contracts, "2026-04").free_until == date(2026, 2, 28)


@pytest.mark.scope("B05-23")
def test_an_end_is_kept_with_its_reason_and_what_was_known_before(contracts: ContractApi) -> None:
    take(contracts, entitled(1), entitled(2, kind="five_guarantee", evidence_no="WB2", until_month="2026-08"))
    one, two = contracts.entitled(OPERATOR, FindEntitled()).rows
    assert (one.evidence_no, one.listed_by, two.kind) == ("DB0001", "system", "five_guarantee")
    soon = contracts.entitled(OPERATOR, FindEntitled(ends_within=(date(2026, 8, 1) - NOW.date()).days + 1))
    assert [row.entitlement_no for row in soon.rows] == [two.entitlement_no]
    page = contracts.entitled(OPERATOR, FindEntitled(limit=1))
    assert page.total == 2
    following = contracts.entitled(OPERATOR, FindEntitled(limit=1, after=page.next))
    assert following.rows == [two]

    request = EndEntitlement(entitlement_no=one.entitlement_no, ends_from="2026-06", reason="家庭收入已超标准")
    with pytest.raises(EntitlementRefused):
        contracts.end_entitlement(OPERATOR, request.model_copy(update={"ends_from": "2027-04"}))
    later = replace(OPERATOR, now=datetime(2027, 1, 1, tzinfo=UTC))
    ended = contracts.end_entitlement(later, request)
    assert (ended.ended_from, ended.ended_reason, ended.days_left) == (date(2026, 6, 1), request.reason, 0)
    assert special(contracts, "2026-05") is not None and special(contracts, "2026-06") is None
    assert special(contracts, "2026-06", known_at=datetime(2026, 12, 1, tzinfo=UTC)).free_evidence == "0001"
    with pytest.raises(EntitlementRefused):
        contracts.end_entitlement(later, request)
    with pytest.raises(EntitlementNotFound):
        contracts.end_entitlement(OPERATOR, request.model_copy(update={"entitlement_no": 99}))
    everything = contracts.entitled(later, FindEntitled(past=True))
    assert [row.entitlement_no for row in everything.rows] == [one.entitlement_no, two.entitlement_no]
    # From the month of the end on, another can be listed.
    assert take(contracts, entitled(1, evidence_no="DB9", from_month="2026-06")).taken == 1


def test_it_ends_with_the_contract_of_the_household(contracts: ContractApi) -> None:
    """The household moves out on the sixteenth of June; who moves in has none, and can be listed from the month after."""
    take(contracts, entitled(1), entitled(2))
    old = contract(1).contract_no
    contracts.end_contract(OPERATOR, EndContract(contract_no=old, effective_to=date(2026, 6, 16), reason="用户迁出"))
    moved_in = contract(1).model_copy(update={"contract_no": f"{old}N", "effective_from": date(2026, 6, 16)})
    assert not contracts.sign_contracts(OPERATOR, SignContracts(contracts=[moved_in])).refused

    def free(month: str) -> dict[str, bool]:
        rows = contracts.terms_in(OPERATOR, TermsIn(month=month, account_nos=[number(1)])).rows
        return {row.contract_no: row.special is not None for row in rows}

    assert free("2026-05") == {old: True}
    assert free("2026-06") == {old: True, moved_in.contract_no: False}
    assert free("2026-07") == {moved_in.contract_no: False}
    rows = contracts.entitled(OPERATOR, FindEntitled(past=True)).rows
    assert [(row.ended_from, row.ended_reason is not None) for row in rows] == [(date(2026, 7, 1), True), (None, False)]
    assert take(contracts, entitled(1, evidence_no="X", from_month="2026-06")).refused[0].field == "from_month"
    assert take(contracts, entitled(1, evidence_no="X", from_month="2026-07")).taken == 1
    assert free("2026-07") == {moved_in.contract_no: True}


MONTHS = st.integers(1, 12).map(lambda month: f"2026-{month:02d}")


@given(st.lists(st.tuples(MONTHS, MONTHS, st.sampled_from(["", "A", "B"])), max_size=12))
def test_what_is_taken_never_overlaps(spans: list[tuple[str, str, str]]) -> None:
    items = [entitled(from_month=start, until_month=end, evidence_no=evidence_no) for start, end, evidence_no in spans]
    resident = {number(1): [Span("GY1", date(2020, 1, 1), None)]}
    verdicts = judge(items, {number(1): "1405810.01"}, resident, {})
    taken = [item for item, verdict in zip(items, verdicts, strict=True) if verdict == "new"]
    months = [month for item in taken for month in range(int(item.from_month[-2:]), int(item.until_month[-2:]))]
    assert len(months) == len(set(months)) and all(item.evidence_no for item in taken)
    for item, verdict in zip(items, verdicts, strict=True):
        if isinstance(verdict, RefusedItem):
            assert verdict.key == item.account_no and verdict.remedy.zh

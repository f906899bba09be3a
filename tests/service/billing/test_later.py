"""What happens to bills after their month: a later price leaves them as they were, a cured fault bills its account alone."""

from datetime import date

import pytest
from tests.service.billing.county import (
    ACCOUNTANT,
    MONTH,
    OPERATOR,
    OTHER_PERSON,
    County,
    Prepare,
    Prepared,
    Supply,
    daily,
    settle_county,
    tariff,
)

from denghuo.service.billing.api import BILLS, BillRef, FindBills, FindExceptions, Recalculate, StartCycle
from denghuo.service.tariff.api import DraftTariff, TariffApi, TariffDocument, TariffVersion

RESIDENT = Supply(1, 1, daily(8))
BUSINESS = Supply(2, 2, daily(40), tariff_class="general_single_part", contract_kw=10)
FARM = Supply(3, 1, daily(5), tariff_class="agricultural")


@pytest.fixture(scope="module")
def prepared_county(prepare: Prepare) -> Prepared:
    def make(made: County) -> None:
        settle_county(made, [RESIDENT, BUSINESS, FARM])
        made.billing.start_cycle(ACCOUNTANT, StartCycle(month=MONTH))
        made.settle()

    return prepare(make)


def publish(found: County, document: TariffDocument) -> int:
    drafted = found.ask(TariffApi).draft(OPERATOR, DraftTariff(document=document))
    found.ask(TariffApi).publish(OTHER_PERSON, TariffVersion(code=drafted.code, version=drafted.version))
    return drafted.version


def runs(found: County) -> dict[str, int]:
    rows = found.datasets.scan(found.datasets.newest(BILLS.name, MONTH)).to_pylist()
    return {row["bill_no"]: row["amount_fen"] for row in rows}


@pytest.mark.scope("B05-02")
def test_a_bill_is_made_again_to_the_fen_after_prices_changed(found: County) -> None:
    number = f"202604{BUSINESS.account_no}101"
    before = found.billing.bill(ACCOUNTANT, BillRef(bill_no=number))
    assert (str(before.amount), before.tariff_version) == ("942.36", 1)
    dearer = tariff("test.business", "energy", "0.9", classes=["general_single_part"])
    assert publish(found, dearer.model_copy(update={"effective_from": date(2026, 5, 1)})) == 2
    again = found.billing.recalculate(ACCOUNTANT, Recalculate(account_no=BUSINESS.account_no, month=MONTH))
    assert (again.issued, again.unchanged, again.differs) == (0, 1, 0)
    after = found.billing.bill(ACCOUNTANT, BillRef(bill_no=number))
    assert (after.amount, after.tariff_version, after.lines) == (before.amount, 1, before.lines)


@pytest.mark.scope("B05-15")
def test_a_cured_fault_bills_its_account_alone_at_one_click(found: County) -> None:
    (held,) = found.billing.exceptions(ACCOUNTANT, FindExceptions(month=MONTH, state="open")).rows
    assert (held.account_no, held.code) == (FARM.account_no, "tariff_unknown")
    before = runs(found)
    assert len(before) == 2
    publish(found, tariff("test.farm", "energy", "0.5", classes=["agricultural"]))
    done = found.billing.recalculate(ACCOUNTANT, Recalculate(account_no=FARM.account_no, month=MONTH))
    assert (done.issued, done.held, str(done.amount), done.run_no) == (1, 0, "75.00", 2)
    after = runs(found)
    assert {number: after[number] for number in before} == before
    assert set(after) - set(before) == {f"202604{FARM.account_no}101"}
    assert found.billing.bills(ACCOUNTANT, FindBills(month=MONTH, state="issued")).total == 3
    assert found.billing.exceptions(ACCOUNTANT, FindExceptions(month=MONTH, state="open")).rows == []

"""Customers of the market on a route that is read every two months, through both bindings: they are read and settled by calendar
months (市场化用户按自然月结算), and where their terms came too late, one is told how to part the months."""

import pathlib
from collections.abc import Iterator
from datetime import date

import pytest
from tests.service.billing.county import (
    ACCOUNTANT,
    OPERATOR,
    County,
    Prepare,
    Prepared,
    Supply,
    prices,
    settle_county,
)
from tests.service.billing.months import bill_no
from tests.service.billing.test_market_terms import at, contract_no, market_tariff

from denghuo.service.billing.api import BillRef, FindBills, FindExceptions, Recalculate, Release, StartCycle
from denghuo.service.contract.api import AgreeSpecial, ChangeTerms, ContractApi, MarketIn
from denghuo.service.contract.store import MARKET_ACCOUNTS
from denghuo.service.reading.api import MonthRef, NewRouteCycle, ReadingApi, UnitMonth

FEBRUARY, MARCH, APRIL = "2026-02", "2026-03", "2026-04"
SHOWN = {-58: 720, -30: 1_000, 1: 1_310, 31: 1_610}
"""280 kWh in February, which is read and billed with everybody, 310 kWh in March, 300 in April."""
HOME = Supply(1, 1, SHOWN)
SHOP = Supply(2, 1, SHOWN, tariff_class="general_single_part", contract_kw=10)
"""On the market from March on."""
LATE = Supply(3, 1, SHOWN, tariff_class="general_single_part", contract_kw=10)
"""On the market from March on, which is said only after March was read."""
JOINS = Supply(4, 1, SHOWN, tariff_class="general_single_part", contract_kw=10)
"""On the market from April on, which is agreed in time: March is read apart."""
EVEN = NewRouteCycle(route="TG1", cycle="even", effective_from=date(2026, 3, 1), reason="居民改双月抄表")


def to_market(found: County, supply: Supply, since: date) -> None:
    contracts = found.directory(ContractApi)
    number = contract_no(found, supply)
    change = {"contract_no": number, "effective_from": since, "reason": "转入市场化交易"}
    contracts.change_terms(OPERATOR, ChangeTerms(settlement_mode="market", **change))
    package = {"retail_title": "固定价套餐", "retail_document": "LS-2026-001", "retail_prices": at("0.42")}
    contracts.agree_special(OPERATOR, AgreeSpecial.model_validate({**change, **package}))


def run(found: County, month: str) -> None:
    found.billing.start_cycle(ACCOUNTANT, StartCycle(month=month))
    found.settle()


def release(found: County, month: str) -> None:
    """First bills and other tariffs are looked at by a person."""
    for row in found.billing.exceptions(ACCOUNTANT, FindExceptions(month=month, state="open", releasable=True)).rows:
        found.billing.release(ACCOUNTANT, Release(exception_no=row.exception_no, reason="资料已核实"))
    found.settle()


@pytest.fixture(scope="module")
def billed(prepare: Prepare) -> Prepared:
    def make(made: County) -> None:
        settle_county(made, [HOME, SHOP, LATE, JOINS], [*prices(), market_tariff()])
        made.directory(ReadingApi).change_cycle(OPERATOR, EVEN)
        to_market(made, SHOP, date(2026, 3, 1))
        to_market(made, JOINS, date(2026, 4, 1))
        for month in (FEBRUARY, MARCH, APRIL):
            run(made, month)
            release(made, month)
            if month == MARCH:
                to_market(made, LATE, date(2026, 3, 1))

    return prepare(make)


@pytest.fixture(params=["local", "remote"])
def found(request: pytest.FixtureRequest, billed: Prepared, tmp_path: pathlib.Path) -> Iterator[County]:
    with billed.copy(request.param, tmp_path) as made:
        yield made


def issued(found: County, month: str) -> dict[str, str]:
    rows = found.billing.bills(ACCOUNTANT, FindBills(month=month, state="issued")).rows
    return {row.account_no: str(row.energy) for row in rows}


def days(found: County, supply: Supply, month: str) -> tuple[date, date]:
    bill = found.billing.bill(ACCOUNTANT, BillRef(bill_no=bill_no(supply, month)))
    return bill.from_on, bill.to_on


def test_the_market_is_read_every_month_and_the_households_every_two(found: County) -> None:
    assert issued(found, MARCH) == {SHOP.account_no: "310", JOINS.account_no: "310"}
    assert issued(found, APRIL) == {
        HOME.account_no: "610",
        SHOP.account_no: "300",
        JOINS.account_no: "300",
    }
    assert days(found, SHOP, APRIL) == (date(2026, 4, 1), date(2026, 4, 30))


def test_the_market_tells_who_is_on_it_in_some_days(found: County) -> None:
    def told(first: date, last: date, after: str | None = None) -> list[str]:
        asked = MarketIn(first_day=first, last_day=last, after=after)
        return found.ask(ContractApi).market_accounts(OPERATOR, asked).account_nos

    assert told(date(2026, 3, 1), date(2026, 3, 31)) == [SHOP.account_no, LATE.account_no]
    assert told(date(2026, 3, 1), date(2026, 4, 1)) == [SHOP.account_no, LATE.account_no, JOINS.account_no]
    assert told(date(2026, 3, 1), date(2026, 4, 1), SHOP.account_no) == [
        LATE.account_no,
        JOINS.account_no,
    ]
    assert told(date(2026, 1, 1), date(2026, 2, 28)) == []
    # Where tables are large they are not read through for the few. Small ones would be, so that is forbidden for the question.
    with found.directory.hosted["contract"].store.work("contract", OPERATOR, read_only=True) as work:
        work.run("SET LOCAL enable_seqscan = off")
        asked = {"first": date(2026, 3, 1), "last": date(2026, 4, 1), "known_at": None, "after": None, "most": 100}
        plan = "\n".join(work.values("EXPLAIN " + MARKET_ACCOUNTS, asked))
    assert "terms_market" in plan, plan


def test_terms_that_come_late_are_told_and_the_months_are_parted_by_calculating_them(found: County) -> None:
    (held,) = found.billing.exceptions(ACCOUNTANT, FindExceptions(month=APRIL, state="open")).rows
    assert held.account_no == LATE.account_no and f"请先对该户单户核算 {MARCH}" in held.reason.zh
    for month, energy in ((MARCH, "310"), (APRIL, "300")):
        found.billing.recalculate(ACCOUNTANT, Recalculate(account_no=LATE.account_no, month=month))
        release(found, month)
        assert issued(found, month)[LATE.account_no] == energy
    assert days(found, LATE, MARCH) == (date(2026, 3, 1), date(2026, 3, 31))
    assert not found.billing.exceptions(ACCOUNTANT, FindExceptions(month=APRIL, state="open")).rows


def test_a_unit_counts_who_is_read_apart_among_those_that_are_due(found: County) -> None:
    read = found.ask(ReadingApi).read_unit(OPERATOR, UnitMonth(month=MARCH, org="1405810.01"))
    assert (read.due, read.read) == (3, 3)
    assert found.ask(ReadingApi).read_month(OPERATOR, MonthRef(month=MARCH)).changed == 0

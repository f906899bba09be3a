"""Routes read every two months, through both bindings: who waits, what a bill of two months says, and that all ways agree."""

import base64
import json
import pathlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta

import pytest
from tests.service.billing.county import (
    ACCOUNTANT,
    OPERATOR,
    County,
    Prepare,
    Prepared,
    Supply,
    holder,
    prices,
    settle_county,
    take_registers,
)
from tests.service.billing.months import bill_months, bill_no
from tests.service.bindings import clock

from denghuo.kernel.contract import Call
from denghuo.kernel.period import midnight
from denghuo.service.billing.api import (
    AsKnown,
    Bill,
    BillNotFound,
    BillRef,
    EstimateDay,
    EstimatesOf,
    FindBills,
    FindExceptions,
    Recalculate,
    ReplayMonth,
    SoFar,
    TryOnBill,
)
from denghuo.service.reading.api import (
    MONTH_FLOW,
    CycleRefused,
    FindPlan,
    FindRoutes,
    MonthRef,
    NewRouteCycle,
    ReadingApi,
    RouteRef,
    StateCycles,
)
from denghuo_verify.check import verify

SLOW = Supply(1, 1)
"""On route TG1, read in even months from March on."""
HEAVY = Supply(2, 1)
MONTHLY = Supply(3, 2)
USED = {
    SLOW: {"2026-01": 200, "2026-02": 200, "2026-03": 210, "2026-04": 190},
    HEAVY: {"2026-01": 900, "2026-02": 900, "2026-03": 900, "2026-04": 900},
    MONTHLY: {"2026-01": 100, "2026-02": 100, "2026-03": 100, "2026-04": 100},
}
CLERK = replace(OPERATOR, actor="clerk", scope=("1405810.01",))
EVEN = NewRouteCycle(route="TG1", cycle="even", effective_from=date(2026, 3, 1), reason="居民抄表段改双月抄表")
STEPPED = ("2026-01", "2026-02", "2026-03", "2026-04")


def bill_by_cycle(found: County, months: tuple[str, ...] = STEPPED) -> None:
    used = {supply: {month: {"total": kwh} for month, kwh in by.items()} for supply, by in USED.items()}
    bill_months(found, {supply: {month: by[month] for month in months} for supply, by in used.items()})


@pytest.fixture(scope="module")
def prepared_county(prepare: Prepare) -> Prepared:
    def make(made: County) -> None:
        settle_county(made, list(USED), prices())
        made.directory(ReadingApi).change_cycle(OPERATOR, EVEN)
        bill_by_cycle(made)

    return prepare(make)


def bill(found: County, supply: Supply, month: str = "2026-04") -> Bill:
    return found.billing.bill(ACCOUNTANT, BillRef(bill_no=bill_no(supply, month)))


def issued(found: County, month: str) -> set[str]:
    return {row.account_no for row in found.billing.bills(ACCOUNTANT, FindBills(month=month, state="issued")).rows}


def proven(found: County, number: str) -> None:
    document = json.loads(base64.b64decode(found.billing.bill_file(ACCOUNTANT, BillRef(bill_no=number)).content))
    report = verify(document)
    assert not report.differs and not report.unknown, report


def test_a_month_without_reading_has_no_bill_and_the_next_one_has_both(found: County) -> None:
    assert issued(found, "2026-03") == {MONTHLY.account_no}
    assert issued(found, "2026-04") == {one.account_no for one in USED}
    assert not found.billing.exceptions(ACCOUNTANT, FindExceptions(month="2026-03", state="open")).rows
    two = bill(found, SLOW)
    assert (two.from_on, two.to_on, str(two.energy)) == (date(2026, 3, 1), date(2026, 4, 30), "400")
    assert str(two.amount) == "246.80"
    proven(found, two.bill_no)


def test_tiers_of_the_year_stand_where_monthly_readings_leave_them(quick: County) -> None:
    # 1,800 kWh by February, 3,120 in the first tier of the year: 1,320 of 1,800 are left in it.
    heavy = bill(quick, HEAVY)
    assert [(line.tier, str(line.quantity)) for line in heavy.lines] == [(1, "1320"), (2, "480")]
    assert not heavy.remarks
    proven(quick, heavy.bill_no)


def test_the_plan_has_the_points_in_the_month_in_which_they_are_read(found: County) -> None:
    reading = found.ask(ReadingApi)
    march = reading.plan(OPERATOR, FindPlan(month="2026-03")).rows
    april = reading.plan(OPERATOR, FindPlan(month="2026-04")).rows
    assert {row.account_no for row in march} == {MONTHLY.account_no}
    assert {row.account_no for row in april} == {one.account_no for one in USED}


def test_by_itself_and_as_known_an_account_has_the_same_bill(found: County) -> None:
    before = bill(found, HEAVY)
    again = found.billing.recalculate(ACCOUNTANT, Recalculate(account_no=HEAVY.account_no, month="2026-04"))
    assert (again.issued, again.unchanged) == (0, 1)
    today = replace(ACCOUNTANT, now=clock())
    known = found.billing.as_known(today, AsKnown(account_no=HEAVY.account_no, month="2026-04", kind="supply"))
    assert (known.amount, known.energy, known.from_on) == (before.amount, before.energy, before.from_on)
    assert not known.differences


# --- routes -----------------------------------------------------------------------------------------------------------------


def test_routes_tell_how_often_they_are_read_and_when_next(found: County) -> None:
    reading = found.ask(ReadingApi)
    rows = {row.route: row for row in reading.routes(OPERATOR, FindRoutes()).rows}
    assert set(rows) == {"F1", "F2", "TG1", "TG2"}
    assert (rows["TG1"].cycle, rows["TG1"].effective_from, rows["TG1"].next_month) == (
        "even",
        date(2026, 3, 1),
        "2026-06",
    )
    assert (rows["TG2"].cycle, rows["TG2"].next_month, rows["TG2"].account_count) == ("monthly", "2026-05", 1)
    assert [row.route for row in reading.routes(CLERK, FindRoutes(keyword="TG")).rows] == ["TG1"]
    (first,) = reading.route(OPERATOR, RouteRef(route="TG1")).cycles
    assert (first.cycle, first.reason, first.stated_by) == ("even", EVEN.reason, OPERATOR.actor)


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 200])
def test_a_page_of_routes_holds_as_many_as_are_asked_for(quick: County, limit: int) -> None:
    reading, seen, after = quick.ask(ReadingApi), list[str](), None
    for _ in range(6):
        page = reading.routes(OPERATOR, FindRoutes(limit=limit, after=after))
        assert len(page.rows) <= limit and page.total == 4
        seen += [row.route for row in page.rows]
        after = page.next
        if after is None:
            break
    assert seen == ["F1", "F2", "TG1", "TG2"] and after is None


def test_a_customer_is_told_no_routes_of_the_company(found: County) -> None:
    customer = replace(holder(SLOW.account_no), permits=frozenset({"reading.read"}))
    page = found.ask(ReadingApi).routes(customer, FindRoutes())
    assert (page.rows, page.total, page.next) == ([], 0, None)
    with pytest.raises(CycleRefused):
        found.ask(ReadingApi).route(customer, RouteRef(route="TG1"))


def test_a_cycle_cannot_reach_a_month_that_was_read(found: County) -> None:
    reading = found.ask(ReadingApi)
    with pytest.raises(CycleRefused) as refusal:
        reading.change_cycle(OPERATOR, EVEN.model_copy(update={"cycle": "monthly", "effective_from": date(2026, 4, 1)}))
    assert "2026-05-01" in refusal.value.detail["en"]
    monthly = EVEN.model_copy(update={"cycle": "monthly", "effective_from": date(2026, 5, 1)})
    assert reading.change_cycle(OPERATOR, monthly).next_month == "2026-05"
    with pytest.raises(CycleRefused):
        reading.change_cycle(OPERATOR, EVEN.model_copy(update={"route": "TG9"}))
    with pytest.raises(CycleRefused):
        reading.route(CLERK, RouteRef(route="TG2"))


def test_cycles_of_many_routes_are_taken_one_by_one(found: County) -> None:
    later = EVEN.model_copy(update={"route": "TG2", "effective_from": date(2026, 6, 1), "cycle": "odd"})
    unknown = later.model_copy(update={"route": "TG9"})
    read = later.model_copy(update={"effective_from": date(2026, 2, 1)})
    taken = found.ask(ReadingApi).state_cycles(OPERATOR, StateCycles(routes=[later, EVEN, unknown, read]))
    assert (taken.taken, taken.unchanged) == (1, 1)
    assert [(one.item, one.field) for one in taken.refused] == [(2, "route"), (3, "effective_from")]


# --- while the months run ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def under_way(prepare: Prepare) -> Prepared:
    """Billed to February; read every day until April 11, 10 kWh a day."""

    def make(made: County) -> None:
        settle_county(made, list(USED), prices())
        made.directory(ReadingApi).change_cycle(OPERATOR, EVEN)
        bill_by_cycle(made, STEPPED[:2])
        begun = sum(USED[SLOW][month] for month in STEPPED[:2]) + 1_000
        take_registers(made, [replace(SLOW, registers={day: begun + 10 * (day + 31) - 10 for day in range(-30, 12)})])

    return prepare(make)


@pytest.fixture(params=["local", "remote"])
def running(request: pytest.FixtureRequest, under_way: Prepared, tmp_path: pathlib.Path) -> Iterator[County]:
    with under_way.copy(request.param, tmp_path) as made:
        yield made


def test_what_was_used_since_the_last_reading_runs_up_over_the_end_of_the_month(running: County) -> None:
    april, march = (Call.system(midnight(day) + timedelta(hours=9)) for day in (date(2026, 4, 11), date(2026, 3, 21)))
    first = running.billing.bill_so_far(march, SoFar(account_no=SLOW.account_no, month="2026-03"))
    assert (first.from_on, first.days_known, str(first.energy)) == (date(2026, 3, 1), 20, "200")
    running.directory(ReadingApi).plan_month(OPERATOR, MonthRef(month="2026-04"))
    both = running.billing.bill_so_far(april, SoFar(account_no=SLOW.account_no, month="2026-04"))
    assert (both.from_on, both.through_on, both.days_known) == (date(2026, 3, 1), date(2026, 4, 10), 41)
    assert (str(both.energy), str(both.amount), str(both.expected_energy)) == ("410", "252.97", "595")

    running.billing.estimate_day(march, EstimateDay(month="2026-03", everyone=True))
    asked = EstimatesOf(account_nos=[SLOW.account_no])
    (estimate,) = running.billing.unbilled(march, asked).rows
    assert (estimate.month, str(estimate.energy)) == ("2026-03", "200")
    # The estimate of April has the days of March too, and stands in the place of the one before.
    running.billing.estimate_day(april, EstimateDay(month="2026-04", everyone=True))
    (estimate,) = running.billing.unbilled(april, asked).rows
    assert (estimate.month, str(estimate.energy), estimate.amount) == ("2026-04", "410", both.amount)


def test_what_flowed_in_each_month_is_told_for_balances(quick: County) -> None:
    def flowed(month: str) -> dict[str, int]:
        rows = quick.datasets.scan(quick.datasets.newest(MONTH_FLOW.name, month)).to_pylist()
        return {row["account_no"]: row["energy_wh"] // 1_000 for row in rows}

    assert not quick.datasets.newest(MONTH_FLOW.name, "2026-02")
    assert flowed("2026-03") == {one.account_no: USED[one]["2026-03"] for one in USED}
    assert flowed("2026-04") == {one.account_no: USED[one]["2026-04"] for one in USED}


def test_bills_of_two_months_come_out_the_same_again(found: County) -> None:
    replayed = found.billing.replay_month(ACCOUNTANT, ReplayMonth(month="2026-04"))
    assert replayed.checked == replayed.identical == len(USED)
    tried = found.billing.try_on_bill(
        ACCOUNTANT, TryOnBill(bill_no=bill_no(HEAVY, "2026-04"), tariff_code="test.resident")
    )
    assert (tried.from_on, tried.to_on, tried.amount) == (
        date(2026, 3, 1),
        date(2026, 4, 30),
        bill(found, HEAVY).amount,
    )


def test_a_month_that_is_not_read_cannot_be_calculated_for_one_account_either(found: County) -> None:
    with pytest.raises(BillNotFound) as raised:
        found.billing.recalculate(ACCOUNTANT, Recalculate(account_no=SLOW.account_no, month="2026-03"))
    assert "2026-03" in raised.value.detail["en"] and "双月抄表" in raised.value.detail["zh"]

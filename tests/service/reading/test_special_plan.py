"""Plans beside the month's: points read for a reason, an area's meters read at the same midnights; the month stays as it was."""

from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from denghuo.kernel.contract import Call
from denghuo.kernel.period import SHANGHAI, midnight
from denghuo.service.host.jobs import InlineJobs
from denghuo.service.host.relay import settle
from denghuo.service.reading.api import (
    REGISTER_INTAKE,
    DecideFieldEntry,
    FindFieldOrders,
    FindSpecialPlans,
    MakeSpecialPlan,
    MyFieldOrders,
    NoSuchSpecialPlan,
    SpecialEnergies,
    SpecialPlan,
    SpecialPlanFaulty,
    SpecialPlanRef,
    SpecialPlansDue,
)
from denghuo.service.reading.rules import energy_wh
from denghuo.service.reading.rules.special_plan import GATHERED_AFTER, Ends, energy_of, gathering_of
from tests.service.reading.conftest import Bench, Make
from tests.service.reading.county import installation, month_of, steady
from tests.service.reading.test_field import CLERK, HOME, OTHER, READER, SEEN, TERMS, entry, outcome, shown

SUBSTITUTE = replace(READER, actor="substitute")


@pytest.fixture
def area(bench: Make) -> Bench:
    """Two homes behind a gateway: one was collected until the tenth only, the other and the gateway (ratio 10) all month."""
    gateway = installation("G1", "M9", account_no=None, role="gateway", multiplier=10)
    homes = [installation("P1", "M1", account_no=HOME), installation("P2", "M2", account_no=OTHER)]
    found = bench([*homes, gateway, installation("P9", "M8", area_no="TG2", account_no=OTHER, org="1405810.02")], TERMS)
    found.receive(month_of("M1", steady()[:10]), month_of("M2", steady()), month_of("M9", steady(), "active_fwd"))
    found.run()
    return found


def make(made: Bench, **words: Any) -> SpecialPlan:
    return made.api.make_special_plan(CLERK, MakeSpecialPlan(reason="客户申请校表", **words))


def known(plan: SpecialPlan) -> dict[tuple[str, date], tuple[str | None, str | None]]:
    return {(one.point_no, one.read_on): (one.shown and str(one.shown), one.source) for one in plan.reads}


def energies(made: Bench, plan: SpecialPlan) -> SpecialEnergies:
    return made.api.special_energies(CLERK, SpecialPlanRef(plan_no=plan.plan_no))


def test_points_are_read_for_a_reason_by_whom_the_plan_names_and_the_month_stays(area: Bench) -> None:
    day, before, energy = date(2026, 4, 15), area.reads(), area.energy()
    plan = make(area, kind="temporary", point_nos=["P2", "P1"], on=day, reader="substitute")
    assert (plan.org, plan.point_count, plan.read_count, plan.due_count) == ("1405810.01", 2, 1, 1)
    assert known(plan) == {("P1", day): (None, None), ("P2", day): ("170.00", "collected")}
    (order,) = area.api.my_field_orders(SUBSTITUTE, MyFieldOrders()).rows
    assert (order.meter_no, order.read_at, order.plan_no) == ("M1", midnight(day), plan.plan_no)
    assert (order.plan_kind, order.plan_reason) == ("temporary", "客户申请校表")
    assert (str(order.channels[0].last), str(order.channels[0].usual_a_day)) == ("145.00", "5.00")
    # The reader of the book has nothing to do, and gathering again makes nothing new.
    assert area.api.my_field_orders(READER, MyFieldOrders()).rows == []
    assert area.api.gather_special_plan(CLERK, SpecialPlanRef(plan_no=plan.plan_no)).reads == plan.reads
    one = entry(order.order_no, "169.00")
    assert outcome(area, one, SUBSTITUTE) == "counted"
    area.api.accept_field_entry(CLERK, DecideFieldEntry(entry_no=one.entry_no, reason="照片与示数一致"))
    done = area.api.special_plan(CLERK, SpecialPlanRef(plan_no=plan.plan_no))
    assert known(done)["P1", day] == ("169.00", "field") and done.due_count == 0
    assert shown(area, order.order_no).state == "accepted"
    # The month was read without it and is told nothing of it, now or when it is read anew.
    assert (area.reads(), area.energy()) == (before, energy)
    area.run()
    assert [(row.energy, row.end, row.status) for row in area.reads()] == [
        (row.energy, row.end, row.status) for row in before
    ]
    assert area.api.special_energies(CLERK, SpecialPlanRef(plan_no=plan.plan_no)).rows == []


def test_a_plan_over_two_units_goes_to_its_reader_in_each(area: Bench) -> None:
    plan = make(area, kind="temporary", point_nos=["P1", "P9"], on=date(2026, 4, 15), reader="substitute")
    assert (plan.org, plan.due_count) == ("1405810", 2)
    there = replace(SUBSTITUTE, scope=("1405810.02",))
    (order,) = area.api.my_field_orders(there, MyFieldOrders()).rows
    assert (order.meter_no, order.plan_kind, order.reader) == ("M8", "temporary", "substitute")
    assert {one.point_no for one in area.api.special_plan(there, SpecialPlanRef(plan_no=plan.plan_no)).reads} == {"P9"}
    elsewhere = replace(there, scope=("1405810.03",))
    assert area.api.my_field_orders(elsewhere, MyFieldOrders()).rows == []


def test_what_is_collected_late_settles_the_order_and_a_day_to_come_waits(area: Bench) -> None:
    day = date(2026, 4, 15)
    plan = make(area, kind="temporary", point_nos=["P1"], on=day)
    ahead = make(area, kind="temporary", point_nos=["P1"], on=CLERK.today + timedelta(days=3))
    assert (ahead.due_count, [one.order_no for one in ahead.reads]) == (0, [None])
    (order,) = area.api.field_orders(CLERK, FindFieldOrders()).rows
    area.receive(month_of("M1", {15: 1_695_000}))
    plan = area.api.gather_special_plan(CLERK, SpecialPlanRef(plan_no=plan.plan_no))
    assert known(plan) == {("P1", day): ("169.50", "collected")}
    assert shown(area, order.order_no).state == "settled"
    assert outcome(area, entry(order.order_no, "170.00")) == "settled"


def test_an_area_is_read_at_two_midnights_for_its_loss(area: Bench) -> None:
    since, day = date(2026, 4, 5), date(2026, 4, 15)
    plan = make(area, kind="loss", area_no="TG001", since=since, on=day, reader="reader")
    assert known(plan)["G1", since] == ("120.00", "collected") and ("P9", day) not in known(plan)
    assert {row.point_no: row.energy and str(row.energy) for row in energies(area, plan).rows} == {
        "G1": "500",
        "P1": None,
        "P2": "50",
    }
    (order,) = area.api.my_field_orders(READER, MyFieldOrders()).rows
    late = entry(order.order_no, "245.50", SEEN, shown_as="current")
    assert outcome(area, late) == "counted"
    area.api.accept_field_entry(CLERK, DecideFieldEntry(entry_no=late.entry_no, reason="现场核实"))
    (mine,) = [row for row in energies(area, plan).rows if row.point_no == "P1"]
    assert (str(mine.start), str(mine.end), str(mine.energy)) == ("120.00", "245.50", "125.5")
    assert mine.remark is not None and "不同时" in mine.remark.zh
    found = area.api.special_plans(CLERK, FindSpecialPlans(kind="loss", area_no="TG001", org="1405810"))
    assert [row.plan_no for row in found.rows] == [plan.plan_no]
    elsewhere = replace(CLERK, scope=("1405810.02",))
    assert area.api.special_plans(elsewhere, FindSpecialPlans()).rows == []
    with pytest.raises(NoSuchSpecialPlan):
        area.api.special_plan(elsewhere, SpecialPlanRef(plan_no=plan.plan_no))


def test_plans_are_gathered_on_the_mornings_on_which_they_wait(area: Bench) -> None:
    now = CLERK.now

    def morning(days: int, hour: int = 7) -> datetime:
        return midnight(CLERK.today + timedelta(days=days)) + timedelta(hours=hour)

    jobs = InlineJobs()

    def run(at: datetime) -> None:
        settle(area.directory, lambda: at, jobs)

    day = CLERK.today + timedelta(days=3)
    ahead = [make(area, kind="temporary", point_nos=[one], on=day).plan_no for one in ("P1", "P2")]
    late = make(area, kind="temporary", point_nos=["P1"], on=date(2026, 4, 15)).plan_no

    def plan(plan_no: int) -> SpecialPlan:
        return area.api.special_plan(CLERK, SpecialPlanRef(plan_no=plan_no))

    run(morning(3, 5))
    # The plan that waits is gathered meanwhile, those of a day to come are not yet.
    assert plan(late).gathered_at == morning(3, 5) and {plan(one).gathered_at for one in ahead} == {now}
    came = area.intake(REGISTER_INTAKE, month_of("M2", {day.day: 3_000_000}, month=f"{day:%Y-%m}"))
    area.api.receive_registers(Call.system(morning(3, 6)), came)
    run(morning(3))
    assert known(plan(ahead[1])) == {("P2", day): ("300.00", "collected")}
    (waits,) = plan(ahead[0]).reads
    assert waits.shown is None and waits.order_no is not None
    assert [plan(one).gathered_at for one in (*ahead, late)] == [morning(3)] * 3
    # The step that a job repeats finds nothing; the next morning looks for what is absent alone.
    again = area.api.gather_special_plans(Call.system(morning(3, 8)), SpecialPlansDue(day=day))
    assert (again.gathered, again.again) == (0, False)
    run(morning(4))
    assert [plan(one).gathered_at for one in (*ahead, late)] == [morning(4), morning(3), morning(4)]
    # What never came is not looked for without an end.
    run(morning(60))
    gathered = [plan(one).gathered_at for one in (*ahead, late)]
    run(morning(61))
    assert [plan(one).gathered_at for one in (*ahead, late)] == gathered


@given(st.dates(date(2024, 1, 1), date(2028, 1, 1)), st.integers(-60, 60), st.integers(0, 86_399))
def test_the_next_morning_is_after_now_and_not_before_the_day(since: date, days: int, second: int) -> None:
    now = midnight(since + timedelta(days=days)) + timedelta(seconds=second)
    at = gathering_of(since, now)
    assert at > now and at >= midnight(since) + GATHERED_AFTER
    assert (at - GATHERED_AFTER).astimezone(SHANGHAI).time() == time(0)
    earlier = at - timedelta(days=1)
    assert earlier <= now or earlier < midnight(since)


@pytest.mark.parametrize(
    ("words", "field"),
    [
        ({"kind": "temporary", "point_nos": ["P1", "NONE"], "on": date(2026, 4, 15)}, "point_nos"),
        ({"kind": "loss", "area_no": "NONE", "since": date(2026, 4, 5), "on": date(2026, 4, 15)}, "area_no"),
    ],
)
def test_what_nobody_has_is_refused_with_its_number(area: Bench, words: dict[str, Any], field: str) -> None:
    with pytest.raises(SpecialPlanFaulty) as caught:
        make(area, **words)
    assert (caught.value.fields["field"], caught.value.fields["value"]) == (field, "NONE")


@pytest.mark.parametrize(
    "words",
    [
        {"kind": "temporary", "on": date(2026, 4, 15)},
        {"kind": "temporary", "point_nos": ["P1"], "on": date(2026, 4, 15), "since": date(2026, 4, 1)},
        {"kind": "loss", "area_no": "TG001", "on": date(2026, 4, 15)},
        {"kind": "loss", "area_no": "TG001", "on": date(2026, 4, 15), "since": date(2026, 4, 15)},
    ],
)
def test_a_plan_says_what_its_kind_needs(words: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        MakeSpecialPlan(reason="校表", **words)


def test_a_meter_that_is_changed_between_the_midnights_counts_by_the_registers_of_its_exchange(bench: Make) -> None:
    """At the noon of the tenth M1 (ratio 1) goes for M3 (ratio 10), M2 comes new, and M4 goes without its final register."""
    noon = midnight(date(2026, 4, 10)) + timedelta(hours=12)
    made = bench(
        [
            installation("P1", "M1", account_no=HOME, to_at=noon, final_e4=1_475_000),
            installation("P1", "M3", account_no=HOME, from_at=noon, start_e4=20_000, multiplier=10, piece=2),
            installation("P2", "M2", account_no=OTHER, from_at=noon, start_e4=0),
            installation("P4", "M4", account_no=OTHER, to_at=noon),
            installation("G1", "M9", account_no=None, role="gateway"),
        ],
        TERMS,
    )
    made.receive(month_of("M1", steady()[:10]), month_of("M3", {one: 20_000 + one * 1_000 for one in range(11, 31)}))
    made.receive(month_of("M2", {one: one * 10_000 for one in range(11, 31)}), month_of("M9", steady(), "active_fwd"))
    made.receive(month_of("M4", steady()[:10]))
    plan = make(made, kind="loss", area_no="TG001", since=date(2026, 4, 5), on=date(2026, 5, 1))
    rows = energies(made, plan).rows
    # 27.5 kWh of the old meter; the new one showed 5.00 after 3 kWh of its register at ratio 10.
    assert [(row.point_no, row.meter_no, row.energy and str(row.energy)) for row in rows] == [
        ("G1", "M9", "130"),
        ("P1", "M1", "27.5"),
        ("P1", "M3", None),
        ("P2", "M2", None),
        ("P4", "M4", None),
    ]
    made.receive(month_of("M3", {31: 50_000}), month_of("M2", {31: 310_000}))
    made.api.gather_special_plan(CLERK, SpecialPlanRef(plan_no=plan.plan_no))
    done = {(row.point_no, row.meter_no): row for row in energies(made, plan).rows}
    assert str(done["P1", "M3"].energy) == "30" and str(done["P2", "M2"].energy) == "31"
    assert [str(done["P1", "M3"].start), str(done["P1", "M3"].end)] == ["2.00", "5.00"]
    told = {meter: row.remark.zh if row.remark else None for (_, meter), row in done.items()}
    assert told == {
        "M9": None,
        "M1": "2026-04-10 拆表，至拆表示数止",
        "M3": "2026-04-10 装表，自装表示数起",
        "M2": "2026-04-10 装表，自装表示数起",
        "M4": "缺换表示数，请补录拆装示数",
    }


e4 = st.integers(0, 10**10)


@given(e4, e4, st.integers(1, 4_000), st.booleans())
def test_energy_is_the_advance_by_the_ratio_or_nothing(before: int, after: int, multiplier: int, late: bool) -> None:
    wh, remark = energy_of(Ends(before, after, late), multiplier)
    assert wh == (energy_wh(after - before, multiplier) if after >= before else None)
    assert (remark is not None) == (late or after < before)
    assert energy_of(Ends(None, after), multiplier)[0] is None


@given(st.lists(st.tuples(e4, st.integers(0, 10**8)), min_size=1, max_size=5), st.integers(1, 4_000))
def test_the_meters_of_a_point_add_up_to_what_passed(meters: list[tuple[int, int]], multiplier: int) -> None:
    """However often the meter is changed: each took what it advanced, with the registers of the exchanges at its ends."""
    day = midnight(date(2026, 4, 10))
    parts = [
        energy_of(Ends(start, start + took, hung_at=day if at else None, off_at=day), multiplier)[0]
        for at, (start, took) in enumerate(meters)
    ]
    assert parts == [energy_wh(took, multiplier) for _, took in meters]

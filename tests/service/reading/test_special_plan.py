"""Plans beside the month's: points read for a reason, an area's meters read at the same midnights; the month stays as it was."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from denghuo.kernel.period import midnight
from denghuo.service.reading.api import (
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
)
from denghuo.service.reading.rules import energy_wh
from denghuo.service.reading.rules.special_plan import energy_between
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


e4 = st.integers(0, 10**10)


@given(e4, e4, st.integers(1, 4_000), st.booleans())
def test_energy_is_the_advance_by_the_ratio_or_nothing(before: int, after: int, multiplier: int, late: bool) -> None:
    first = {"meter_no": "M1", "shown_e4": before, "multiplier": multiplier, "late": False}
    last = {**first, "shown_e4": after, "late": late}
    wh, remark = energy_between(first, last)
    assert wh == (energy_wh(after - before, multiplier) if after >= before else None)
    assert (remark is not None) == (late or after < before)
    assert energy_between(first, {**last, "meter_no": "M2"})[0] is None
    assert energy_between({**first, "shown_e4": None}, last)[0] is None

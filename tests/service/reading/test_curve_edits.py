"""Clerks accept and edit values of a day with a reason: what was received stays, every version is told, later values true it up."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from denghuo.kernel.contract import Call
from denghuo.kernel.period import midnight
from denghuo.kernel.values import Energy
from denghuo.service.reading.api import (
    CheckedCurve,
    CurveHistoryAsked,
    CurveNotFound,
    EditCurve,
    FindCurveExceptions,
    MeterMonthAsked,
    MonthRef,
    NotYet,
    SpanUnfit,
)
from tests.service.bindings import NOW, settle
from tests.service.reading.conftest import Bench, Make
from tests.service.reading.county import MONTH, curve_rows, energy_day, installation, registers

DAY = date(2026, 4, 13)
CLERK = Call(
    actor="reader", now=NOW, permits=frozenset({"reading.read", "reading.review"}), scope=("1405810.01",), channel="pc"
)


@pytest.fixture
def made(bench: Make) -> Bench:
    """A day of 250 Wh with a gap of two hours from ten on and, at three, a value far above those of the week before."""
    bench_ = bench([installation("P1", "M1")])
    week = energy_day("M1", DAY - timedelta(days=7), [250] * 96)
    bench_.receive_curves(week, energy_day("M1", DAY, [250] * 40 + [None] * 8 + [250] * 12 + [9_000] + [250] * 35))
    settle(bench_.directory)
    return bench_


def edit(made: Bench, begins: str, ends: str, way: str, **more: Any) -> CheckedCurve:
    words = {"meter_no": "M1", "day": DAY, "begins": begins, "ends": ends, "way": way, "reason": "现场核实"}
    return made.api.edit_curve(made.call(), EditCurve.model_validate(words | more))


def spans(curve: CheckedCurve) -> list[tuple[str, str, str, str, str]]:
    return [(one.begins, one.ends, one.status, one.rule, one.method) for one in curve.spans]


def test_a_span_is_edited_accepted_and_withdrawn_and_every_version_is_told(made: Bench) -> None:
    curve = edit(made, "10:00", "12:00", "value", energy=Energy(4_000))
    assert spans(curve) == [
        ("10:00", "12:00", "estimated", "edited", "manual"),
        ("15:00", "15:15", "held", "spike", "none"),
    ]
    assert curve.counted[40] == Energy(500) and curve.raw[40] is None and curve.limit is None
    assert curve.like[0] == Energy(250) and [one.may_accept for one in curve.spans] == [False, True]
    curve = edit(made, "14:45", "15:30", "accept")
    assert spans(curve)[1] == ("15:00", "15:15", "valid", "accepted", "actual") and curve.slots_held == 0
    curve = edit(made, "11:00", "12:00", "like_day")
    assert curve.counted[43:45] == [Energy(500), Energy(250)]
    curve = edit(made, "10:00", "11:00", "withdraw")
    assert spans(curve)[:2] == [
        ("10:00", "11:00", "estimated", "gap", "linear"),
        ("11:00", "12:00", "estimated", "edited", "like_day"),
    ]
    history = made.api.curve_history(made.call(), CurveHistoryAsked(meter_no="M1", day=DAY))
    assert [(row.way, row.state, row.begins) for row in history.edits] == [
        ("withdraw", "counts", "10:00"),
        ("like_day", "counts", "11:00"),
        ("accept", "counts", "14:45"),
        ("value", "lapsed", "10:00"),
    ]
    assert (history.edits[3].energy, history.edits[3].reason, history.edits[3].entered_by) == (
        Energy(4_000),
        "现场核实",
        made.call().actor,
    )
    assert [(row.version, row.received) for row in history.received] == [(1, 88)]
    rows = made.api.curve_exceptions(made.call(), FindCurveExceptions(rule="edited")).rows
    assert [(row.meter_no, row.status, row.slots_estimated) for row in rows] == [("M1", "estimated", 8)]


def test_later_values_true_up_what_was_put_in_and_what_was_accepted(made: Bench) -> None:
    edit(made, "10:00", "12:00", "value", energy=Energy(4_000))
    edit(made, "15:00", "15:15", "accept")
    at = midnight(DAY)
    rows = [("active_fwd_wh", "M1", at + slot * timedelta(minutes=15), value) for slot, value in ((40, 260), (60, 270))]
    made.receive_curves(curve_rows(*rows))
    settle(made.directory)
    curve = edit(made, "11:45", "12:00", "withdraw")
    assert (curve.counted[40], curve.rules[40]) == (Energy(260), "checked")
    assert (curve.counted[41], curve.rules[41]) == (Energy(500), "edited")
    assert (curve.counted[60], curve.rules[60]) == (Energy(270), "checked")
    history = made.api.curve_history(made.call(), CurveHistoryAsked(meter_no="M1", day=DAY))
    assert [row.state for row in history.edits] == ["counts", "lapsed", "partly"]
    assert [(row.version, row.received, row.changed) for row in history.received] == [(2, 89, 2), (1, 88, 88)]


def test_what_cannot_be_edited_so_is_told_and_nothing_outside_the_unit(made: Bench) -> None:
    for begins, ends, way in (
        ("00:00", "10:00", "accept"),
        ("10:00", "12:00", "accept"),
        ("10:00", "12:00", "register_even"),
        ("00:00", "01:00", "linear"),
    ):
        with pytest.raises(SpanUnfit):
            edit(made, begins, ends, way)
    theirs = replace(CLERK, scope=("1405810.02",))
    words = EditCurve(meter_no="M1", day=DAY, begins="10:00", ends="12:00", way="linear", reason="现场核实")
    month = MeterMonthAsked(meter_no="M1", month=MONTH)
    for ask in (
        lambda: made.api.edit_curve(theirs, words),
        lambda: made.api.curve_history(theirs, CurveHistoryAsked(meter_no="M1", day=DAY)),
        lambda: made.api.meter_month(theirs, month),
    ):
        with pytest.raises(CurveNotFound):
            ask()
    with pytest.raises(NotYet):
        made.api.edit_curve(CLERK, words.model_copy(update={"day": NOW.date()}))
    assert made.api.edit_curve(CLERK, words).methods[40] == "linear"


def test_registers_that_are_known_give_a_span_its_energy(made: Bench) -> None:
    """88 values of 22 kWh and one of 9 kWh lie between registers 40 kWh apart: 250 Wh are left of 40 - 21.75 - 9 kWh."""
    made.receive(registers(("M1", DAY, 1_000_000), ("M1", DAY + timedelta(days=1), 1_000_000 + 400_000)))
    settle(made.directory)
    curve = edit(made, "10:00", "12:00", "register_even")
    counted = [value for value in curve.counted if value is not None]
    assert sum(value.wh for value in counted) == 40_000 and curve.methods[40] == "register_even"


def test_a_month_of_a_meter_has_registers_beside_its_curve_and_says_how_much_is_estimated(made: Bench) -> None:
    made.receive(registers(("M1", DAY, 1_000_000), ("M1", DAY + timedelta(days=1), 1_000_000 + 327_500)))
    made.api.plan_month(made.call(), MonthRef(month=MONTH))
    settle(made.directory)
    found = made.api.meter_month(made.call(), MeterMonthAsked(meter_no="M1", month=MONTH))
    week, day = found.days[5], found.days[12]
    assert (week.status, week.received, week.energy, week.register_energy) == ("valid", 96, Energy(24_000), None)
    assert (day.register_energy, day.energy, day.difference) == (Energy(32_750), Energy(32_750), Energy(0))
    assert (day.status, day.rule, day.slots_estimated, day.estimated_energy) == ("estimated", "gap", 8, Energy(2_000))
    # Of the days between on which nothing came, the first is still like the day before; the others wait for somebody's word.
    assert [one.status for one in found.days[5:13]] == ["valid", "estimated", *["held"] * 5, "estimated"]
    assert found.days[6].estimated_energy == Energy(24_000)
    # 24 and 2 kWh of 80.75.
    assert (str(found.share), found.days_complete, found.register_energy) == ("32.20", 1, None)
    assert (found.days[0].status, found.days[0].energy, found.days[0].difference) == (None, None, None)
    assert len(found.counted) == 30 * 96 and str(found.energy) == "80.75"

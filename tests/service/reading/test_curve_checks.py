"""Curves checked day by day: gaps are filled beside what came in, at once where the day has ended, else when it ends."""

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from denghuo.kernel.contract import Call
from denghuo.kernel.period import midnight
from denghuo.kernel.problem import Unavailable
from denghuo.service.reading.api import (
    CheckedCurve,
    CheckedCurveAsked,
    CurveNotFound,
    CurvesChecked,
    CurvesToCheck,
    FindCurveExceptions,
    NotYet,
    ReleaseEstimates,
)
from denghuo.service.reading.batch.checked import CHECKED
from denghuo.service.reading.batch.intake import CURVES
from denghuo.service.reading.service import curves
from denghuo.service.reading.store import ReadingStore
from tests.service.bindings import NOW, settle
from tests.service.reading.conftest import Make
from tests.service.reading.county import MONTH, curve_rows, energy_day, installation, registers

READER = Call(
    actor="reader", now=NOW, permits=frozenset({"reading.read", "reading.review"}), scope=("1405810.01",), channel="pc"
)


def test_gaps_of_a_curve_are_filled_beside_it_until_the_real_value_comes(bench: Make) -> None:
    made = bench([installation("P1", "M1")])
    day = date(2026, 4, 13)
    made.receive_curves(energy_day("M1", day, [250] * 40 + [None] * 6 + [250] * 50))
    made.receive(registers(("M1", day, 1_000_000), ("M1", day + timedelta(days=1), 1_000_000 + 240_000)))

    def check() -> CurvesChecked:
        return made.api.check_curves(made.call(), CurvesToCheck(day=day))

    def shown() -> CheckedCurve:
        return made.api.checked_curve(made.call(), CheckedCurveAsked(meter_no="M1", day=day))

    first = check()
    assert (first.curves, first.slots_estimated, first.slots_held) == (1, 6, 0) and first.changed == 96 + 6
    assert check().changed == 0
    curve = shown()
    assert [str(value) for value in curve.counted[40:46]] == ["0.25"] * 6 and curve.raw[40:46] == [None] * 6
    assert (
        curve.methods[40] == "register_linear" and curve.rules[0] == "checked" and str(curve.estimated_energy) == "1.5"
    )
    (row,) = made.api.curve_exceptions(made.call(), FindCurveExceptions(month=MONTH)).rows
    assert (row.meter_no, row.status, row.slots_estimated, row.rule) == ("M1", "estimated", 6, "gap")
    theirs = replace(READER, scope=("1405810.02",))
    assert made.api.curve_exceptions(theirs, FindCurveExceptions()).rows == []
    with pytest.raises(CurveNotFound):
        made.api.checked_curve(theirs, CheckedCurveAsked(meter_no="M1", day=day))

    late = midnight(day) + 40 * timedelta(minutes=15)
    made.receive_curves(curve_rows(*(("active_fwd_wh", "M1", late + n * timedelta(minutes=15), 250) for n in range(6))))
    assert check().slots_estimated == 0
    assert not any(shown().estimated) and shown().raw == shown().counted
    assert made.api.curve_exceptions(made.call(), FindCurveExceptions()).total == 0
    kind = CHECKED["active_fwd_wh"]
    before, after = made.lake.versions(kind, day)
    assert (made.lake.version(kind, before)["p40"][0].as_py(), before.version, after.version) == (250, 1, 2)
    with pytest.raises(NotYet):
        made.api.check_curves(made.call(), CurvesToCheck(day=date(2099, 1, 1)))


def test_a_large_day_that_comes_in_pieces_is_not_checked_for_each(bench: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """One check waits for what else comes, the longer the more there is; what comes after it began makes the next one due."""
    made, day = bench([installation("P1", "M1"), installation("P2", "M2")]), date(2026, 4, 13)
    monkeypatch.setattr(curves, "CHECKED_AT_ONCE", 1)
    monkeypatch.setattr(curves, "PAUSE_A_CURVE", timedelta(minutes=1))

    def receive(meter_no: str, slot: int) -> None:
        at = midnight(day) + slot * timedelta(minutes=15)
        made.receive_curves(curve_rows(("active_fwd_wh", meter_no, at, 250)))

    def ordered() -> list[timedelta | None]:
        """How long after it was ordered each check begins."""
        with made.directory.hosted["reading"].store.work("reading", made.call()) as work:
            told = work.rows("SELECT at, events FROM journal WHERE operation = 'reading.receive_curves' ORDER BY seq")
        return [
            datetime.fromisoformat(part["at"]) - row["at"] if "at" in part else None
            for row in told
            for part in row["events"]
            if part.get("job") == "reading.check_curves"
        ]

    receive("M1", 0)
    assert ordered() == [None], "a day of few curves is checked at once"
    made.api.check_curves(made.call(), CurvesToCheck(day=day))
    for slot in range(1, 4):
        receive("M2", slot)
    assert ordered() == [None, timedelta(minutes=2)]
    made.api.check_curves(made.call(), CurvesToCheck(day=day))
    receive("M1", 9)
    assert ordered() == [None, timedelta(minutes=2), timedelta(minutes=2)]


def test_what_is_broken_off_after_the_lake_was_written_is_taken_anew(
    bench: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Values count together with the event and the check that follow from them: none of the three is left behind alone."""
    made, day = bench([installation("P1", "M1")]), date(2026, 4, 13)
    rows, kind = energy_day("M1", day, [250] * 96), CURVES["active_fwd_wh"]

    def broken(*_: object) -> None:
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(ReadingStore, "save_subjects", broken)
        with pytest.raises((MemoryError, Unavailable)):
            made.receive_curves(rows)
    assert made.lake.versions(kind, day) == []

    received = made.receive_curves(rows)
    assert (received.taken, received.unchanged) == (96, 0)
    with made.directory.hosted["reading"].store.work("reading", made.call()) as work:
        told = work.values("SELECT events FROM journal WHERE operation = 'reading.receive_curves'")
    (event, job) = told[0]
    assert len(told) == 1 and event["type"] == "reading.curves.received.v1" and job["job"] == "reading.check_curves"
    assert made.receive_curves(rows).unchanged == 96


def test_estimates_are_looked_at_again_when_their_time_to_wait_is_over(bench: Make) -> None:
    made = bench([installation("P1", "M1", to_at=midnight(date(2026, 6, 1)))])
    day = NOW.date() - timedelta(days=1)
    made.receive_curves(energy_day("M1", day, [250] * 40 + [None] * 6 + [250] * 50))
    at, system = midnight(day + timedelta(days=4)), Call.system(NOW)
    for _ in range(2):
        made.api.check_curves(replace(system, key=None), CurvesToCheck(day=day))
    with made.directory.hosted["reading"].store.work("reading", system) as work:
        told = work.values("SELECT events FROM journal WHERE operation = 'reading.check_curves' ORDER BY seq")
    orders = [part for parts in told for part in parts if part.get("job") == "reading.release_estimates"]
    assert [(one["data"], one["at"]) for one in orders] == [({"day": str(day)}, at.isoformat())], "once"
    asked = ReleaseEstimates(day=day)
    early = replace(system, now=at - timedelta(seconds=1))
    assert [made.api.release_estimates(call, asked).released for call in (early, replace(system, now=at))] == [
        False,
        True,
    ]


def test_a_day_that_came_in_before_its_end_is_checked_when_its_last_register_comes(bench: Make) -> None:
    made = bench([installation("P1", "M1", to_at=midnight(date(2026, 6, 1)))])
    today, after = NOW.date(), NOW.date() + timedelta(days=1)
    made.receive_curves(energy_day("M1", today, [250] * 30))
    settle(made.directory)
    asked = FindCurveExceptions(month=str(today)[:7])
    assert made.api.curve_exceptions(made.call(), asked).rows == []

    made.calls = 24 * 3600
    made.receive(registers(("M1", today, 1_000_000), ("M1", after, 1_000_000 + 240_000)))
    settle(made.directory)
    found = made.api.curve_exceptions(made.call(), asked)
    (row,) = found.rows
    assert (row.day, row.slots_estimated, row.method) == (today, 66, "register_even")
    assert made.api.curve_exceptions(made.call(), asked).as_of == found.as_of


def test_a_meter_that_is_silent_for_days_is_estimated_on_each_of_them_while_it_hangs(bench: Make) -> None:
    gone = installation("P2", "M2", to_at=midnight(date(2026, 4, 15)))
    made = bench([installation("P1", "M1"), gone, installation("P3", "M3")])
    days = [date(2026, 4, day) for day in (13, 14, 15, 16)]
    others = [energy_day("M3", day, [100] * 96) for day in days]
    made.receive_curves(energy_day("M1", days[0], [250] * 96), energy_day("M2", days[0], [250] * 96), *others)
    settle(made.directory)
    rows = made.api.curve_exceptions(made.call(), FindCurveExceptions(month=MONTH)).rows
    found = {(row.meter_no, row.day, row.status, row.method) for row in rows}
    assert found == {
        ("M1", days[1], "estimated", "like_day"),
        ("M2", days[1], "estimated", "like_day"),
        ("M1", days[2], "held", "none"),
        ("M1", days[3], "held", "none"),
    }


def test_days_on_which_nothing_came_of_anybody_are_checked_once_later_ones_come(bench: Make) -> None:
    made = bench([installation("P1", "M1")])
    first, silent, last = (date(2026, 4, day) for day in (13, 14, 16))
    made.receive_curves(energy_day("M1", first, [250] * 96), energy_day("M1", last, [250] * 96))
    # Whichever day is checked first.
    for day in (silent + timedelta(days=1), silent):
        made.api.check_curves(made.call(), CurvesToCheck(day=day))
    settle(made.directory)
    rows = made.api.curve_exceptions(made.call(), FindCurveExceptions(month=MONTH)).rows
    assert [(row.day.day, row.status, row.method) for row in rows] == [
        (15, "held", "none"),
        (14, "estimated", "like_day"),
    ]


def test_who_has_no_day_like_it_is_estimated_by_meters_of_the_class_then_by_last_year(bench: Make) -> None:
    others = ["M2", "M3", "M4"]
    made = bench([installation(f"P{place}", name) for place, name in enumerate(["M1", *others, "M5"])])
    first, silent, day = (date(2026, 4, number) for number in (12, 13, 14))
    shape = [100] * 48 + [300] * 48
    last_year = energy_day("M5", day - timedelta(days=364), [50] * 96)
    of_first = [energy_day(name, first, [200] * 96) for name in ("M1", "M5")]
    of_others = [energy_day(name, one, shape) for name in others for one in (first, silent, day)]
    made.receive_curves(last_year, *of_first, *of_others)
    made.receive(registers(("M1", day, 1_000_000), ("M1", day + timedelta(days=1), 1_000_000 + 384_000)))
    settle(made.directory)
    curve = made.api.checked_curve(made.call(), CheckedCurveAsked(meter_no="M1", day=day))
    assert set(curve.methods) == {"register_group"} and str(curve.estimated_energy) == "38.4"
    assert [str(value) for value in curve.counted[::48]] == ["0.2", "0.6"]
    # Without registers and without a value of the day nobody knows its level among the others.
    curve = made.api.checked_curve(made.call(), CheckedCurveAsked(meter_no="M5", day=day))
    assert set(curve.methods) == {"last_year"} and {str(value) for value in curve.counted} == {"0.05"}
    # With a quarter of the day it is known.
    made.receive_curves(energy_day("M5", day, [30] * 24 + [None] * 72))
    settle(made.directory)
    curve = made.api.checked_curve(made.call(), CheckedCurveAsked(meter_no="M5", day=day))
    assert curve.methods[24:] == ["group"] * 72
    assert [str(value) for value in (curve.counted[24], curve.counted[95])] == ["0.03", "0.09"]

"""The month's energy by band from atoms against a plain reference: any curves, any calendars, any gaps."""

import pathlib
from datetime import date, timedelta

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.atoms import atoms_file, atoms_of

from denghuo.data.analysis.cells import month_cells
from denghuo.data.analysis.lake_day import curve_class
from denghuo.service.billing.engine.atoms import Calendar, by_band, calendars_of, month_plan
from denghuo.service.reading.batch.atoms import atoms_in
from denghuo.service.tariff.api import BandSpan

BANDS = ("sharp", "peak", "flat", "valley", "deep")
FIRST = date(2026, 4, 1)
KIND = curve_class("test")


@st.composite
def calendars(draw: st.DrawFn) -> Calendar:
    """A day of a few stretches, each of some band."""
    starts = [0, *sorted(draw(st.sets(st.integers(1, 95), max_size=8)))]
    bands = [draw(st.sampled_from(BANDS)) for _ in starts]
    ends = [*starts[1:], 96]
    return tuple(band for band, start, end in zip(bands, starts, ends, strict=True) for _ in range(start, end))  # type: ignore[return-value]


VALUES = st.one_of(st.integers(0, 9_000), st.integers(0, 9_000), st.integers(0, 9_000), st.none())
CURVE = st.lists(VALUES, min_size=96, max_size=96)
MONTHS = st.lists(st.dictionaries(st.sampled_from(["M1", "M2", "M3"]), CURVE), min_size=1, max_size=4)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(MONTHS, st.lists(calendars(), min_size=1, max_size=3), st.data())
def test_bands_of_the_month_are_the_sums_of_their_slots(
    tmp_path: pathlib.Path, months: list[dict[str, list[int | None]]], choices: list[Calendar], data: st.DataObject
) -> None:
    days = [FIRST + timedelta(days=place) for place in range(len(months))]
    told = {tariff: {day: data.draw(st.sampled_from(choices)) for day in days} for tariff in ("one", "another")}
    plan = month_plan(told)
    atoms: dict[date, list[str]] = {}
    for day, curves in zip(days, months, strict=True):
        subjects = sorted(curves)
        columns = [pa.array([curves[one][slot] for one in subjects], pa.int32()) for slot in range(96)]
        raw = tmp_path / f"{day}.parquet"
        table = pa.table([pa.array(subjects, pa.string()), *columns], schema=KIND.schema)
        pq.write_table(table, raw)
        assert atoms_in(table, plan.cut).to_pylist() == atoms_of(raw, plan.cut).to_pylist()
        atoms[day] = [atoms_file(tmp_path, raw, plan.cut)]
    cells = month_cells(atoms, plan)
    assert cells.subjects.to_pylist() == sorted({one for curves in months for one in curves})
    for tariff, by_day in told.items():
        energy, received = by_band(cells, plan, tariff, BANDS)
        for row, subject in enumerate(cells.subjects.to_pylist()):
            slots = [
                (by_day[day][slot], curves[subject][slot])
                for day, curves in zip(days, months, strict=True)
                if subject in curves
                for slot in range(96)
            ]
            for at, band in enumerate(BANDS):
                mine = [value for one, value in slots if one == band and value is not None]
                assert (energy[row, at], received[row, at]) == (sum(mine), len(mine))
            assert energy[row].sum() == sum(value or 0 for _, value in slots)


def test_cut_is_the_coarsest_that_all_calendars_fit() -> None:
    night: Calendar = ("valley",) * 32 + ("peak",) * 64
    noon: Calendar = ("flat",) * 44 + ("deep",) * 12 + ("flat",) * 40
    plan = month_plan({"a": {FIRST: night}, "b": {FIRST: noon}})
    assert plan.cut == (0, 32, 44, 56)
    assert plan.bands_of("a") == ("valley", "peak")
    assert plan.bands["b"] == (("flat", "flat", "deep", "flat"),)


def test_days_with_the_same_bands_are_of_one_kind() -> None:
    one: Calendar = ("flat",) * 96
    other: Calendar = ("peak",) * 96
    days = [FIRST + timedelta(days=place) for place in range(3)]
    plan = month_plan({"a": dict(zip(days, (one, other, one), strict=True))})
    assert [plan.kinds[day] for day in days] == [0, 1, 0]


def test_band_that_begins_within_a_slot_cannot_be_told_from_curves() -> None:
    def spans(at: str) -> list[BandSpan]:
        return [
            BandSpan(day=FIRST, band="valley", start="00:00", end=at),
            BandSpan(day=FIRST, band="peak", start=at, end="24:00"),
        ]

    assert calendars_of(spans("08:10")) is None
    assert calendars_of(spans("08:15")) == {FIRST: ("valley",) * 33 + ("peak",) * 63}


def test_month_without_files_has_no_subjects() -> None:
    assert len(month_cells({}, month_plan({"a": {FIRST: ("flat",) * 96}})).subjects) == 0

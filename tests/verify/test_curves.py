"""The verifier's own bands of a day, and its own split of a register by a curve, beside those of the platform."""

from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from denghuo.kernel.period import Month
from denghuo.kernel.values import Energy
from denghuo.service.billing.batch import Entry, Piece
from denghuo.service.billing.cuts import Channel, Shown, cut
from denghuo.service.billing.engine.atoms import Calendar, calendars_of
from denghuo.service.billing.engine.figures import Flags, Int
from denghuo.service.billing.engine.split import Tolerance, split
from denghuo.service.billing.file import tariff_part
from denghuo.service.billing.pieces import piece_json
from denghuo.service.billing.rating import Span
from denghuo.service.billing.rules.quantities import settled
from denghuo.service.billing.stage_curves import StageCurves
from denghuo.service.billing.whole_months import key
from denghuo.service.reading.api import AtomDay
from denghuo.service.tariff import shipped
from denghuo.service.tariff.api import BandSpan, TariffDocument
from denghuo.service.tariff.rules.clock import DayFacts, spans_of_day
from denghuo_verify.clock import day_bands
from denghuo_verify.curves import Disagrees, Right, from_curves, shared_over
from denghuo_verify.energy import NoBill
from denghuo_verify.figures import exact
from denghuo_verify.stages import days_from, touching

TARIFFS = [
    tariff
    for area in shipped.codes()
    for tariff in [*(shipped.published(area) or []), *shipped.partial(area, date(2026, 3, 1))]
    if tariff.time_of_use
]


def test_bands_of_days_are_those_of_the_platform() -> None:
    days = [date(2026, 1, 1) + timedelta(days=step) for step in range(365)]
    compared = refused = 0
    for tariff in TARIFFS:
        written = tariff_part(tariff)
        for day in days[::29]:
            spans = [
                BandSpan(day=day, band=band, start=start, end=end)
                for band, start, end in spans_of_day(tariff, DayFacts(day))
            ]
            calendars = calendars_of(spans)
            if calendars is None or not settled(tariff, Month.holding(day)):
                refused += 1
                with pytest.raises(NoBill):
                    [day_bands(written, day + timedelta(days=step)) for step in range(-31, 32)]
                continue
            compared += 1
            assert tuple(day_bands(written, day)) == calendars[day], (tariff.code, day)
    assert compared > 150


def test_bands_of_special_days_are_those_of_the_platform() -> None:
    """Every tariff of every area over holidays, moved working days, rest days and hot days."""
    facts = [
        DayFacts(date(2026, 5, 1), "holiday", "劳动节", 5),
        DayFacts(date(2026, 2, 17), "holiday", "春节", 9),
        DayFacts(date(2026, 4, 5), "holiday", "清明节", 3),
        DayFacts(date(2026, 5, 9), "workday"),
        DayFacts(date(2026, 5, 10), "rest_day"),
        DayFacts(date(2026, 7, 15), maxima=(35, 35, 36)),
        DayFacts(date(2026, 8, 15), "rest_day", maxima=(34, 40, 40)),
    ]
    special = 0
    for tariff in TARIFFS:
        written = tariff_part(tariff)
        for one in facts:
            spans = [
                BandSpan(day=one.day, band=band, start=start, end=end) for band, start, end in spans_of_day(tariff, one)
            ]
            calendars = calendars_of(spans)
            kept = {"day": str(one.day), "kind": one.kind, "holiday": one.holiday, "holiday_days": one.holiday_days}
            if calendars is not None:
                found = day_bands(written, one.day, {str(one.day): kept | {"maxima": list(one.maxima)}})
                assert tuple(found) == calendars[one.day], (tariff.code, one)
                special += not settled(tariff, Month.holding(one.day))
    assert special > 20


FEW = st.integers(0, 3)
BANDS = st.lists(st.tuples(st.integers(0, 900_000), FEW, st.integers(1, 900)), min_size=1, max_size=5)


@settings(max_examples=400, deadline=None)
@given(BANDS, st.integers(-20_000, 20_000), st.integers(-1, 3_000), st.booleans())
def test_split_is_that_of_the_platform(
    bands: list[tuple[int, int, int]], beside: int, highest: int, gaps: bool
) -> None:
    curve = [energy for energy, _, _ in bands]
    missing = [lacks if gaps else 0 for _, lacks, _ in bands]
    expected = [slots for _, _, slots in bands]
    total = sum(curve) + beside
    rows = [np.array([row], dtype=np.int64) for row in (curve, missing, expected)]
    whole = rows[2].sum(axis=1)
    right = split(np.array([total]), rows[0], rows[1], whole, np.array([highest]), Tolerance())
    names = [f"band {at}" for at in range(len(bands))]
    wh = Decimal("0.001")
    with exact():
        try:
            found = shared_over(
                total * wh,
                {name: energy * wh for name, energy in zip(names, curve, strict=True)},
                dict(zip(names, missing, strict=True)),
                sum(expected),
                None if highest < 0 else highest * wh,
            )
        except Disagrees:
            assert right.gaps[0] or right.apart[0]
            return
    assert not right.gaps[0] and not right.apart[0]
    assert [int(found[name] / wh) for name in names] == right.energy_wh[0].tolist()


# --- months in stages -------------------------------------------------------------------------------------------------------

APRIL = [date(2026, 4, 1) + timedelta(days=step) for step in range(30)]
PLAIN = [one for one in TARIFFS if settled(one, Month(2026, 4))][::9]
"""The bands of their days in April follow from the day alone."""


def calendar(tariff: TariffDocument) -> dict[date, Calendar] | None:
    spans = [
        BandSpan(day=day, band=band, start=start, end=end)
        for day in APRIL
        for band, start, end in spans_of_day(tariff, DayFacts(day))
    ]
    return calendars_of(spans)


CALENDARS = {key(one): (one, told) for one in PLAIN if (told := calendar(one)) is not None}


def register(energy_wh: int) -> Piece:
    period = Month(2026, 4).period
    return Piece(
        "P", "A", None, "sale", "M", 1, "active_fwd", "total", period.start, period.end, 0, energy_wh * 10, 1, energy_wh,
        "valid", "checked", "actual", 0,
    )  # fmt: skip


@settings(max_examples=15, deadline=None)
@given(
    st.lists(st.sampled_from(sorted(CALENDARS)), min_size=2, max_size=3),
    st.sets(st.sampled_from(APRIL[1:]), min_size=2, max_size=2).map(sorted),
    st.integers(0, 2**32 - 1),
    st.lists(st.integers(-300, 300), min_size=3, max_size=3),
    st.sampled_from([0, 0, 3, 40]),
)
def test_stages_are_split_as_the_platform_does_and_add_up_to_the_register(
    names: list[str], cuts: list[date], seed: int, beside: list[int], gaps: int
) -> None:
    """Any tariffs one after the other, any days of change, a register that is a little beside its curve in each stage."""
    values = np.random.default_rng(seed).integers(0, 900, (30, 96))
    there = np.ones((30, 96), dtype=bool)
    there.flat[np.random.default_rng(seed + 1).choice(30 * 96, gaps, replace=False)] = False
    firsts = [APRIL[0], *cuts[: len(names) - 1]]
    lasts = [*(day - timedelta(days=1) for day in firsts[1:]), APRIL[-1]]
    energies = [
        max(0, int(values[first.day - 1 : last.day].sum()) + off)
        for first, last, off in zip(firsts, lasts, beside, strict=False)
    ]
    shown = {
        day: {Channel("P", "M", 1, "active_fwd", "total"): Shown(sum(energies[: at + 1]) * 10, "actual")}
        for at, day in enumerate(firsts[1:])
    }
    whole = register(sum(energies))
    parts = cut([whole], firsts[1:], shown)
    days = [_atom(day, values[day.day - 1], there[day.day - 1]) for day in APRIL]
    told = StageCurves(Month(2026, 4), {name: CALENDARS[name][1] for name in names}, range(96), {"supply": days})
    stated = [None if not ok else f"{int(wh) / 1000:.3f}" for wh, ok in zip(values.flat, there.flat, strict=True)]
    curve = {"meter_no": "M", "quantity": "active_fwd", "from": "2026-04-01", "values": stated}
    added = 0
    for name, first, last, own in zip(names, firsts, lasts, parts, strict=True):
        tariff = CALENDARS[name][0]
        rows = told.divided(Entry("A", "supply", (), ()), Span(first, last, (), tariff, {}), own)
        if any(row.status == "held" for row in rows):
            assert gaps
            return
        registers = [piece_json(row) for row in rows]
        bands = [row for row in rows if row.band != "total"]
        assert {row.method for row in bands} == {"curve"}
        assert sum(row.energy_wh or 0 for row in bands) == sum(piece.energy_wh or 0 for piece in own)
        added += sum(row.energy_wh or 0 for row in bands)
        with exact():
            found = list(
                from_curves(touching(registers, first, last), [curve], tariff_part(tariff), days_from(first, last))
            )
            for one in found:
                assert isinstance(one, Right) and Decimal(one.register["energy"]) == one.figure, one
        assert len(found) == len(bands)
    assert added == whole.energy_wh


def _atom(day: date, values: Int, there: Flags) -> AtomDay:
    marks = "".join("0" if ok else "1" for ok in there)
    return AtomDay(
        subject="M",
        day=day,
        cells=[Energy(int(wh) if ok else 0) for wh, ok in zip(values, there, strict=True)],
        missing=marks.count("1"),
        gaps=marks if "1" in marks else None,
        highest=Energy(int(values[there].max())) if "1" in marks else None,
    )

"""The verifier's own bands of a day, and its own split of a register by a curve, beside those of the platform."""

from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from denghuo.kernel.period import Month
from denghuo.service.billing.curves import settled
from denghuo.service.billing.engine.atoms import calendars_of
from denghuo.service.billing.engine.split import Tolerance, split
from denghuo.service.billing.file import tariff_part
from denghuo.service.tariff import shipped
from denghuo.service.tariff.api import BandSpan
from denghuo.service.tariff.rules.clock import DayFacts, spans_of_day
from denghuo_verify.clock import day_bands
from denghuo_verify.curves import Disagrees, shared_over
from denghuo_verify.energy import NoBill
from denghuo_verify.figures import exact

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
            if calendars is None or not settled(tariff, Month(day.year, day.month)):
                refused += 1
                with pytest.raises(NoBill):
                    [day_bands(written, day + timedelta(days=step)) for step in range(-31, 32)]
                continue
            compared += 1
            assert tuple(day_bands(written, day)) == calendars[day], (tariff.code, day)
    assert compared > 150


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

"""From atoms to the energy of bands (日电量原子): which cut the tariffs of a month need, and the month added up by cells.

A calendar is the band of each of a day's 96 slots by one tariff. The cut of a month is the coarsest that all calendars of all its
tariffs fit, so that one set of atoms serves them all. Days on which every tariff has the same bands are of one kind: a month is
added up by subject and kind of day, and turned into the bands of a tariff as often as anybody asks.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np

from denghuo.data.analysis.cells import DayCut, Int, MonthCells
from denghuo.kernel.period import SLOTS_A_DAY, midnight
from denghuo.service.tariff.api import Band, BandSpan

Calendar = tuple[Band, ...]
"""The band of each slot of a day."""
MINUTES_A_SLOT = 24 * 60 // SLOTS_A_DAY


def calendars_of(spans: Iterable[BandSpan]) -> dict[date, Calendar] | None:
    """The calendars of days that are told by their spans; None where a band begins within a slot, so that curves of this
    interval cannot tell its energy."""
    days: dict[date, list[Band]] = {}
    for span in spans:
        start, end = _minute(span.start), _minute(span.end)
        if start % MINUTES_A_SLOT or end % MINUTES_A_SLOT:
            return None
        days.setdefault(span.day, []).extend([span.band] * ((end - start) // MINUTES_A_SLOT))
    return {day: tuple(bands) for day, bands in days.items()}


def slots_in(calendars: Mapping[date, Calendar], bands: Sequence[Band], begin: datetime, end: datetime) -> list[int]:
    """Slots of each band between two instants; one in which either lies is not whole and does not count."""
    count = dict.fromkeys(bands, 0)
    slot = timedelta(minutes=MINUTES_A_SLOT)
    # Days of the same hours are many.
    alike: Counter[tuple[Calendar, int, int]] = Counter()
    for day, calendar in calendars.items():
        start = midnight(day)
        first = max(0, -((start - begin) // slot))
        alike[calendar, first, max(first, min(SLOTS_A_DAY, (end - start) // slot))] += 1
    for (calendar, first, last), days in alike.items():
        for band in calendar[first:last]:
            count[band] += days
    return list(count.values())


def _minute(clock: str) -> int:
    return int(clock[:2]) * 60 + int(clock[3:])


@dataclass(frozen=True)
class MonthPlan(DayCut):
    """What the tariffs of a month ask of its curves. bands: by tariff, for each kind of day, the band of each cell."""

    bands: Mapping[str, tuple[tuple[Band, ...], ...]]

    def matrix(self, tariff: str, bands: Sequence[Band]) -> Int:
        """1 where a cell of a kind of day belongs to a band: (kinds x cells, bands)."""
        flat = [band for kind in self.bands[tariff] for band in kind]
        return np.array([[int(one == band) for band in bands] for one in flat], dtype=np.int64)

    def bands_of(self, tariff: str) -> tuple[Band, ...]:
        """The bands that the tariff has on some day of the month, in the order in which they first come."""
        return tuple(dict.fromkeys(band for kind in self.bands[tariff] for band in kind))


def month_plan(calendars: Mapping[str, Mapping[date, Calendar]], finer: Sequence[int] = ()) -> MonthPlan:
    """The plan of a month (or of a stage of it) from the calendars of its tariffs, each of which tells every day of it.

    finer: slots at which cells begin in any case, as those of atoms that are there do.
    """
    days = sorted(next(iter(calendars.values()), {}))
    names = sorted(calendars)
    starts = {0, *finer}
    numbers: dict[tuple[Calendar, ...], int] = {}
    kinds: dict[date, int] = {}
    for day in days:
        told = tuple(calendars[name][day] for name in names)
        kinds[day] = numbers.setdefault(told, len(numbers))
    for told in numbers:
        for calendar in told:
            starts |= {slot for slot in range(1, SLOTS_A_DAY) if calendar[slot] != calendar[slot - 1]}
    cut = tuple(sorted(starts))
    bands = {name: tuple(tuple(told[at][start] for start in cut) for told in numbers) for at, name in enumerate(names)}
    return MonthPlan(cut, kinds, bands)


def by_band(cells: MonthCells, plan: MonthPlan, tariff: str, bands: Sequence[Band]) -> tuple[Int, Int]:
    """Energy and received slots by band of a tariff (subjects x bands)."""
    matrix = plan.matrix(tariff, bands)
    return banded(cells.energy, matrix), banded(cells.received, matrix)


def banded(cells: Int, matrix: Int) -> Int:
    """Cells (subjects x cells) added up by the bands of a matrix of 0 and 1 (cells x bands): whole numbers have no fast product
    of matrices."""
    found = np.zeros((matrix.shape[1], len(cells)), dtype=np.int64)
    for cell, band in np.argwhere(matrix):
        found[band] += cells[:, cell]
    return found.T

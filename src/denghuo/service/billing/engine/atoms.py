"""From atoms to the energy of bands (日电量原子): which cut the tariffs of a month need, and the month added up by cells.

A calendar is the band of each of a day's 96 slots by one tariff. The cut of a month is the coarsest that all calendars of all its
tariffs fit, so that one set of atoms serves them all. Days on which every tariff has the same bands are of one kind: a month is
added up by subject and kind of day, and turned into the bands of a tariff as often as anybody asks.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from denghuo.kernel.period import SLOTS_A_DAY
from denghuo.service.billing.engine.figures import Int
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


def _minute(clock: str) -> int:
    return int(clock[:2]) * 60 + int(clock[3:])


@dataclass(frozen=True)
class MonthPlan:
    """What the tariffs of a month ask of its curves.

    cut: the first slots of the cells. kinds: the number of each day's kind. bands: by tariff, for each kind of day, the band of
    each cell.
    """

    cut: tuple[int, ...]
    kinds: Mapping[date, int]
    bands: Mapping[str, tuple[tuple[Band, ...], ...]]

    @property
    def lengths(self) -> Int:
        """Slots of each cell."""
        return np.diff([*self.cut, SLOTS_A_DAY])

    def matrix(self, tariff: str, bands: Sequence[Band]) -> Int:
        """1 where a cell of a kind of day belongs to a band: (kinds x cells, bands)."""
        flat = [band for kind in self.bands[tariff] for band in kind]
        return np.array([[int(one == band) for band in bands] for one in flat], dtype=np.int64)

    def bands_of(self, tariff: str) -> tuple[Band, ...]:
        """The bands that the tariff has on some day of the month, in the order in which they first come."""
        return tuple(dict.fromkeys(band for kind in self.bands[tariff] for band in kind))


def month_plan(calendars: Mapping[str, Mapping[date, Calendar]]) -> MonthPlan:
    """The plan of a month from the calendars of its tariffs, each of which tells every day of it."""
    days = sorted(next(iter(calendars.values()), {}))
    names = sorted(calendars)
    starts = {0}
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


@dataclass(frozen=True)
class MonthCells:
    """A month added up: subjects in order, and for each the energy of every cell by kind of day (subjects x (kinds x cells)),
    the slots received in it, and the highest slot that was told (-1 where none was)."""

    subjects: Any
    energy: Int
    received: Int
    highest: Int
    gap_days: Int

    def by_band(self, plan: MonthPlan, tariff: str, bands: Sequence[Band]) -> tuple[Int, Int]:
        """Energy and received slots by band of a tariff (subjects x bands)."""
        matrix = plan.matrix(tariff, bands)
        return self.energy @ matrix, self.received @ matrix


_ADDED = """
SELECT a.subject, d.kind, {sums}, count(*) AS days, coalesce(max(a.highest), -1)::BIGINT AS highest,
       count(*) FILTER (a.missing > 0) AS gap_days
FROM read_parquet($paths, filename = true) a JOIN day d ON a.filename = d.filename
GROUP BY a.subject, d.kind
"""
_GAPS = """
SELECT a.subject, d.kind, a.gaps
FROM read_parquet($paths, filename = true) a JOIN day d ON a.filename = d.filename
WHERE a.missing > 0
"""


def month_cells(atoms: Mapping[date, Sequence[str]], plan: MonthPlan, threads: int = 2) -> MonthCells:
    """Adds up the atoms of a month: the paths of each day's files, all made by the plan's cut."""
    names = [f"e{start:02d}" for start in plan.cut]
    files = [(path, plan.kinds[day]) for day, paths in atoms.items() for path in paths]
    kinds = max(plan.kinds.values(), default=-1) + 1
    if not files:
        empty = np.zeros((0, kinds * len(names)), dtype=np.int64)
        return MonthCells(pa.array([], pa.string()), empty, empty, empty[:, 0], empty[:, 0])
    paths = [path for path, _ in files]
    with duckdb.connect(config={"threads": threads}) as connection:
        day = pa.table({"filename": paths, "kind": pa.array([kind for _, kind in files], pa.int32())})
        connection.register("day", day)
        sums = ", ".join(f"sum(a.{name})::BIGINT AS {name}" for name in names)
        added: Any = connection.sql(_ADDED.format(sums=sums), params={"paths": paths}).to_arrow_table()
        gaps: Any = connection.sql(_GAPS, params={"paths": paths}).to_arrow_table()
    encoded: Any = added["subject"].combine_chunks().dictionary_encode()
    order = encoded.dictionary.cast(pa.string())
    sorting = np.asarray(pa.compute.sort_indices(order))
    place = np.empty(len(sorting), dtype=np.int64)
    place[sorting] = np.arange(len(sorting))
    rows = place[encoded.indices.to_numpy()]
    kind = added["kind"].to_numpy()
    shape = (len(order), kinds, len(names))
    energy, received = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)
    for at, name in enumerate(names):
        energy[rows, kind, at] = added[name].to_numpy()
    received[rows, kind] = added["days"].to_numpy()[:, None] * plan.lengths
    highest, gap_days = np.full(len(order), -1, dtype=np.int64), np.zeros(len(order), dtype=np.int64)
    np.maximum.at(highest, rows, added["highest"].to_numpy())
    np.add.at(gap_days, rows, added["gap_days"].to_numpy())
    if len(gaps):
        subjects = order.take(pa.array(sorting))
        where = pa.compute.index_in(gaps["subject"].combine_chunks(), subjects).to_numpy()
        marks = np.frombuffer("".join(gaps["gaps"].to_pylist()).encode(), dtype=np.uint8).reshape(-1, SLOTS_A_DAY)
        absent = np.add.reduceat((marks == ord("1")).astype(np.int64), plan.cut, axis=1)
        np.subtract.at(received, (where, gaps["kind"].to_numpy()), absent)
    flat = (len(order), kinds * len(names))
    return MonthCells(order.take(pa.array(sorting)), energy.reshape(flat), received.reshape(flat), highest, gap_days)

"""From atoms to the energy of bands (日电量原子): which cut the tariffs of a month need, and the month added up by cells.

A calendar is the band of each of a day's 96 slots by one tariff. The cut of a month is the coarsest that all calendars of all its
tariffs fit, so that one set of atoms serves them all. Days on which every tariff has the same bands are of one kind: a month is
added up by subject and kind of day, and turned into the bands of a tariff as often as anybody asks.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet as pq

from denghuo.data.analysis.subjects import said_in
from denghuo.kernel.period import SLOTS_A_DAY, midnight
from denghuo.service.billing.engine.figures import Int
from denghuo.service.tariff.api import Band, BandSpan

pc: Any = pyarrow.compute
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
    for day, calendar in calendars.items():
        start = midnight(day)
        first = max(0, -((start - begin) // slot))
        last = min(SLOTS_A_DAY, (end - start) // slot)
        for band in calendar[first:last] if last > first else ():
            count[band] += 1
    return list(count.values())


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
        return banded(self.energy, matrix), banded(self.received, matrix)


def banded(cells: Int, matrix: Int) -> Int:
    """Cells (subjects x cells) added up by the bands of a matrix of 0 and 1 (cells x bands): whole numbers have no fast product
    of matrices."""
    found = np.zeros((matrix.shape[1], len(cells)), dtype=np.int64)
    for cell, band in np.argwhere(matrix):
        found[band] += cells[:, cell]
    return found.T


def month_cells(atoms: Mapping[date, Sequence[str]], plan: MonthPlan) -> MonthCells:
    """Adds up the atoms of a month: the paths of each day's files, all made by the plan's cut, a subject once in each."""
    wanted = [*_cells(plan), "gaps", "highest"]
    sums = _Sums(plan)
    # One file at a time: the month as a whole would not fit the caches, nor always the memory.
    for day, paths in sorted(atoms.items()):
        for path in paths:
            with pq.ParquetFile(path) as file:
                said = said_in(file.metadata.metadata)
                known = sums.has(said)
                table = file.read(columns=wanted if known else ["subject", *wanted], use_threads=False)
            sums.add(table, day, said)
    return sums.cells()


def _cells(plan: MonthPlan) -> list[str]:
    return [f"e{start:02d}" for start in plan.cut]


def cells_in(atoms: Iterable[tuple[date, pa.Table]], plan: MonthPlan) -> MonthCells:
    """As `month_cells`, of atoms in memory, each with its day."""
    sums = _Sums(plan)
    for day, table in atoms:
        sums.add(table, day)
    return sums.cells()


class _Sums:
    """Sums of the subjects met so far; subjects come last, so that a day's column is added to numbers side by side."""

    def __init__(self, plan: MonthPlan) -> None:
        self._plan = plan
        kinds = max(plan.kinds.values(), default=-1) + 1
        self._subjects: Any = pa.array([], pa.string())
        self._said: bytes | None = None
        self._energy, self._absent = np.zeros((2, kinds, len(plan.cut), 0), dtype=np.int64)
        self._days = np.zeros((kinds, 0), dtype=np.int64)
        self._highest, self._gap_days = np.zeros((2, 0), dtype=np.int64)

    def has(self, said: bytes | None) -> bool:
        """Whether all subjects met so far, in their order, are those of a file whose head says this."""
        return said is not None and said == self._said

    def add(self, table: pa.Table, day: date, said: bytes | None = None) -> None:
        """Adds a day's atoms. said: the digest of their subjects; where `has` knows it, the table need not name them."""
        kind = self._plan.kinds[day]
        rows = slice(None) if self.has(said) else self._rows(table["subject"].combine_chunks(), said)
        for at, name in enumerate(_cells(self._plan)):
            self._energy[kind, at][rows] += table[name].to_numpy()
        self._days[kind][rows] += 1
        _note_gaps(table, self._plan, self._absent[kind], rows, self._gap_days)
        if table["highest"].null_count < len(table):
            tops = pc.fill_null(table["highest"], -1).to_numpy()
            self._highest[rows] = np.maximum(self._highest[rows], tops)

    def _rows(self, column: Any, said: bytes | None) -> Int | slice:
        """Where the subjects of a file stand; those that are new are given a place."""
        if not len(self._subjects):
            self._grow(column)
        if column.equals(self._subjects):
            self._said = said
            return slice(None)
        rows = pc.index_in(column, self._subjects)
        if rows.null_count:
            self._said = None
            self._grow(pa.concat_arrays([self._subjects, column.filter(pc.is_null(rows))]))
            rows = pc.index_in(column, self._subjects)
        found: Int = rows.to_numpy()
        return found

    def _grow(self, subjects: Any) -> None:
        more = [(0, len(subjects) - len(self._subjects))]
        self._subjects = subjects
        self._energy, self._absent = (np.pad(one, [(0, 0), (0, 0), *more]) for one in (self._energy, self._absent))
        self._days = np.pad(self._days, [(0, 0), *more])
        self._highest, self._gap_days = np.pad(self._highest, more, constant_values=-1), np.pad(self._gap_days, more)

    def cells(self) -> MonthCells:
        """The month, by subject in order."""
        received = self._days[:, None] * self._plan.lengths[:, None] - self._absent
        flat = (-1, len(self._subjects))
        if not len(self._subjects):
            flat = (self._energy.shape[0] * self._energy.shape[1], 0)
        energy, slots = self._energy.reshape(flat), received.reshape(flat)
        order = pc.sort_indices(self._subjects).to_numpy()
        if not (order[1:] > order[:-1]).all():
            energy, slots = energy[:, order], slots[:, order]
            subjects, tops, gaps = self._subjects.take(pa.array(order)), self._highest[order], self._gap_days[order]
            return MonthCells(subjects, energy.T, slots.T, tops, gaps)
        return MonthCells(self._subjects, energy.T, slots.T, self._highest, self._gap_days)


def _note_gaps(table: pa.Table, plan: MonthPlan, absent: Int, rows: "Int | slice", gap_days: Int) -> None:
    """Adds the slots that a file lacks to those of its subjects (cells x subjects, of the day's kind)."""
    gaps: Any = table["gaps"].combine_chunks()
    if gaps.null_count == len(gaps):
        return
    of_file = np.flatnonzero(gaps.is_valid().to_numpy(zero_copy_only=False))
    mine = np.arange(len(gap_days))[rows][of_file]
    marks = np.frombuffer("".join(gaps.drop_null().to_pylist()).encode(), dtype=np.uint8).reshape(-1, SLOTS_A_DAY)
    absent[:, mine] += np.add.reduceat((marks == ord("1")).astype(np.int64), plan.cut, axis=1).T
    gap_days[mine] += 1

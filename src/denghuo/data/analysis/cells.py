"""A month of curves added up by cells of the day and kinds of days (月内分格求和): what atoms, bands and demands are made of.

A day is cut into cells, and days that are of one kind to whoever asks are added together, subject by subject.
"""

import pathlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet as pq

from denghuo.data.analysis.subjects import SUBJECT, names_of, said_in
from denghuo.kernel.period import SLOTS_A_DAY

pc: Any = pyarrow.compute
Int = npt.NDArray[np.int64]


@dataclass(frozen=True)
class DayCut:
    """cut: the first slots of the cells. kinds: the number of each day's kind."""

    cut: tuple[int, ...]
    kinds: Mapping[date, int]

    @property
    def lengths(self) -> Int:
        """Slots of each cell."""
        return np.diff([*self.cut, SLOTS_A_DAY])


@dataclass(frozen=True)
class MonthCells:
    """A month added up: subjects in order, and for each the energy of every cell by kind of day (subjects x (kinds x cells)),
    the slots received in it, and the highest slot that was told (-1 where none was)."""

    subjects: Any
    energy: Int
    received: Int
    highest: Int
    gap_days: Int
    estimates: "Estimates | None" = None


@dataclass(frozen=True)
class Estimates:
    """What stands in for values of a month: by subject as in `MonthCells` the energy and the slots of every cell, and the days on
    which anything does."""

    energy: Int
    filled: Int
    days: Int


def month_cells(
    atoms: Mapping[date, Sequence[str]], plan: DayCut, named: Mapping[str, pathlib.Path] | None = None
) -> MonthCells:
    """Adds up the atoms of a month: the paths of each day's files, all made by the plan's cut, a subject once in each.

    named: where the subjects of files that do not name theirs lie, by the digest in their heads.
    """
    wanted = [*_cells(plan), "gaps", "highest"]
    sums = _Sums(plan)
    # One file at a time: the month as a whole would not fit the caches, nor always the memory.
    for day, paths in sorted(atoms.items()):
        for path in paths:
            with pq.ParquetFile(path) as file:
                said = said_in(file.metadata.metadata)
                rows = sums.known(said)
                own = rows is None and SUBJECT in file.schema_arrow.names
                table = file.read(columns=[*([SUBJECT] if own else []), *wanted], use_threads=False)
            if rows is None:
                names = table[SUBJECT] if own else names_of((named or {})[(said or b"").decode()])
                rows = sums.rows(names.combine_chunks(), said)
            sums.add(table, day, rows)
    return sums.cells()


def _cells(plan: DayCut) -> list[str]:
    return [f"e{start:02d}" for start in plan.cut]


def cells_in(atoms: Iterable[tuple[date, pa.Table]], plan: DayCut) -> MonthCells:
    """As `month_cells`, of atoms in memory, each with its day."""
    sums = _Sums(plan)
    for day, table in atoms:
        sums.add(table, day, sums.rows(table[SUBJECT].combine_chunks()))
    return sums.cells()


class _Sums:
    """Sums of the subjects met so far; subjects come last, so that a day's column is added to numbers side by side."""

    def __init__(self, plan: DayCut) -> None:
        self._plan = plan
        kinds = max(plan.kinds.values(), default=-1) + 1
        self._subjects: Any = pa.array([], pa.string())
        self._known: dict[bytes, Int | slice] = {}
        self._energy, self._absent = np.zeros((2, kinds, len(plan.cut), 0), dtype=np.int64)
        self._days = np.zeros((kinds, 0), dtype=np.int64)
        self._highest, self._gap_days = np.zeros((2, 0), dtype=np.int64)

    def known(self, said: bytes | None) -> "Int | slice | None":
        """Where the subjects of a file stand whose head says this; None where they are not known by it."""
        return None if said is None else self._known.get(said)

    def add(self, table: pa.Table, day: date, rows: "Int | slice") -> None:
        """Adds a day's atoms of the subjects that stand in these rows."""
        kind = self._plan.kinds[day]
        for at, name in enumerate(_cells(self._plan)):
            self._energy[kind, at][rows] += table[name].to_numpy()
        self._days[kind][rows] += 1
        _note_gaps(table, self._plan, self._absent[kind], rows, self._gap_days)
        if table["highest"].null_count < len(table):
            tops = pc.fill_null(table["highest"], -1).to_numpy()
            self._highest[rows] = np.maximum(self._highest[rows], tops)

    def rows(self, column: Any, said: bytes | None = None) -> "Int | slice":
        """Where subjects stand; those that are new are given a place, which they keep. said: their digest."""
        rows = self._placed(column)
        if said is not None:
            self._known[said] = rows
        return rows

    def _placed(self, column: Any) -> "Int | slice":
        met, count = len(self._subjects), len(column)
        # A shard's subjects stand side by side as a rule: numbers are added faster to a span than to places picked one by one.
        if column.equals(self._subjects):
            return slice(0, count)
        found = pc.index_in(column, self._subjects)
        if found.null_count:
            self._grow(pa.concat_arrays([self._subjects, column.filter(pc.is_null(found))]))
            if found.null_count == count:
                return slice(met, met + count)
            found = pc.index_in(column, self._subjects)
        places: Int = found.to_numpy()
        return places

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


def with_estimates(cells: MonthCells, days: Iterable[tuple[date, pa.Table]], plan: DayCut) -> MonthCells:
    """The month beside what stands in for values of it, of subjects that are in it. What was received where something else stands
    in counts as not received.

    days: subject, energy that stands in (`e00`, ...), energy that was received there (`x00`, ...), and 96 marks of the slots in
    which something stands in (`filled`) and of those in which something was received (`over`).
    """
    energy, received = cells.energy.copy(), cells.received.copy()
    given, filled, on = np.zeros_like(energy), np.zeros_like(energy), np.zeros(len(energy), dtype=np.int64)
    cut, met = list(plan.cut), False
    for day, table in days:
        place = pc.index_in(table["subject"].combine_chunks(), cells.subjects)
        known = table.filter(pc.is_valid(place))
        rows: Int = place.drop_null().to_numpy()
        if not len(rows):
            continue
        met, at = True, (rows[:, None], plan.kinds[day] * len(cut) + np.arange(len(cut))[None, :])
        given[at] += np.stack([known[f"e{start:02d}"].to_numpy() for start in cut], axis=1)
        energy[at] -= np.stack([known[f"x{start:02d}"].to_numpy() for start in cut], axis=1)
        filled[at] += _marked(known["filled"], cut)
        received[at] -= _marked(known["over"], cut)
        on[rows] += 1
    return replace(cells, energy=energy, received=received, estimates=Estimates(given, filled, on)) if met else cells


def _marked(marks: Any, cut: Sequence[int]) -> Int:
    """Marked slots by rows and cells."""
    flat = np.frombuffer("".join(marks.to_pylist()).encode(), dtype=np.uint8).reshape(-1, SLOTS_A_DAY)
    found: Int = np.add.reduceat((flat == ord("1")).astype(np.int64), cut, axis=1)
    return found


def _note_gaps(table: pa.Table, plan: DayCut, absent: Int, rows: "Int | slice", gap_days: Int) -> None:
    """Adds the slots that a file lacks to those of its subjects (cells x subjects, of the day's kind)."""
    gaps: Any = table["gaps"].combine_chunks()
    if gaps.null_count == len(gaps):
        return
    of_file = np.flatnonzero(gaps.is_valid().to_numpy(zero_copy_only=False))
    mine = np.arange(len(gap_days))[rows][of_file]
    marks = np.frombuffer("".join(gaps.drop_null().to_pylist()).encode(), dtype=np.uint8).reshape(-1, SLOTS_A_DAY)
    absent[:, mine] += np.add.reduceat((marks == ord("1")).astype(np.int64), plan.cut, axis=1).T
    gap_days[mine] += 1

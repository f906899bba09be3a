"""Atoms (日电量原子): the quarter-hours of a meter's day added up over the cells of a cut, once, for whatever is made of them.

A cut says at which slots of the day a cell begins, so that no band of any tariff begins or ends inside a cell. Every tariff that
fits the cut is billed from the same atoms; the curves are scanned again only where a day's file has changed or a tariff needs a
finer cut. The arithmetic is that of whole numbers in DuckDB, which raises rather than wrap around, one file of the lake at a
time.
"""

import errno
import functools
import hashlib
import os
import pathlib
from collections.abc import Sequence
from datetime import date
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet as pq

from denghuo.data.analysis.lake_day import SLOTS
from denghuo.data.analysis.subjects import SUBJECTS, names_of
from denghuo.data.processing.dataset import DatasetFile, placed_file, write_file
from denghuo.kernel.period import Month
from denghuo.service.reading.api import ATOM_METERS, cell_name, day_atoms

pc: Any = pyarrow.compute
INT64_MIN = -(2**63)
ROW_GROUP = 2**18
SMALL_ROWS = 1_000
"""Up to so many rows of a file are added up in less time in memory than a query over 96 columns is planned in."""


def cells_of(cut: Sequence[int]) -> list[range]:
    """The slots of each cell.

    Raises:
        ValueError: the cut does not begin with 0, does not ascend, or ends past the day.
    """
    if not cut or cut[0] != 0 or cut[-1] >= len(SLOTS) or any(a >= b for a, b in zip(cut, cut[1:], strict=False)):
        raise ValueError(f"unable to cut a day of {len(SLOTS)} slots at {list(cut)}")
    return [range(start, end) for start, end in zip(cut, [*cut[1:], len(SLOTS)], strict=True)]


def write_atoms(
    folder: pathlib.Path,
    curves: pathlib.Path,
    cut: Sequence[int],
    day: date,
    shard: str,
    said: bytes | None,
    highest: bool = False,
    threads: int = 2,
) -> DatasetFile:
    """Writes the atoms of a file of curves below the folder of all datasets, a row for each of its rows and in their order, as
    `day_atoms` has them.

    shard: of the dataset. said: the digest of the meters that the file's head tells, and that of the atoms then; without one they
    are named. The highest is told only of days with gaps, unless `highest` asks for it everywhere: it costs nearly as much as the
    sums.

    Raises:
        ValueError: there is no such cut.
        Unavailable: the disk is full.
    """
    cells = cells_of(cut)

    def write(target: pathlib.Path) -> int:
        try:
            return _copy(curves, target, _query(cells, said, highest), threads)
        except duckdb.OutOfRangeException:
            return _copy(curves, target, _query(cells, said, highest, "::BIGINT"), threads)

    return placed_file(folder, day_atoms(cut, named=said is None), str(day), shard, write)


def write_meters(folder: pathlib.Path, month: Month, digest: bytes, curves: pathlib.Path) -> DatasetFile:
    """Writes whose rows the atoms of a file of curves have, as all files with the digest have them.

    Raises:
        Unavailable: the disk is full.
    """
    names = pa.table({"subject": names_of(curves)})
    return write_file(folder, ATOM_METERS, str(month), digest.decode(), names)


def atoms_in(curves: pa.Table, cut: Sequence[int], highest: bool = False) -> pa.Table:
    """The atoms of curves in memory: a row for each of theirs and in their order. To plan a query over 96 columns would take longer
    than to add up a year of a meter."""
    cells = cells_of(cut)
    whole = curves.combine_chunks()
    slots: list[Any] = [whole[name].combine_chunks() for name in SLOTS]
    numbers = np.stack([slot.fill_null(0).to_numpy(zero_copy_only=False) for slot in slots], axis=1).astype(np.int64)
    lacking = np.stack([slot.is_null().to_numpy(zero_copy_only=False) for slot in slots], axis=1)
    sums = np.add.reduceat(numbers, list(cut), axis=1) if len(whole) else np.zeros((0, len(cells)), dtype=np.int64)
    missing = lacking.sum(axis=1)
    gaps = ["".join(map(str, row.astype(int))) if row.any() else None for row in lacking]
    tops = np.where(lacking, INT64_MIN, numbers).max(axis=1, initial=INT64_MIN)
    untold = (missing == len(SLOTS)) if highest else (missing == 0) | (missing == len(SLOTS))
    columns: dict[str, Any] = {"subject": whole["subject"]}
    columns |= {cell_name(cell.start): pa.array(sums[:, place]) for place, cell in enumerate(cells)}
    columns |= {"gaps": pa.array(gaps, pa.string()), "highest": pa.array(tops, mask=np.asarray(untold))}
    return pa.table(columns)


def atoms_of_small(path: pathlib.Path, cut: Sequence[int], highest: bool = False) -> pa.Table:
    """The atoms of a file with few rows; it names its meters, for a file with their names would cost more."""
    with pq.ParquetFile(path) as file:
        curves = file.read(columns=["subject", *SLOTS], use_threads=False)
        return atoms_in(curves, cut, highest)


def atoms_key(digest: str, cut: Sequence[int], highest: bool) -> str:
    """What the atoms of a file are known by: where the key is the same, so are they."""
    told = f"{digest} {day_atoms(cut).version} {','.join(map(str, cut))} {highest}"
    return hashlib.sha256(told.encode()).hexdigest()[:24]


@functools.cache
def _engine(threads: int) -> duckdb.DuckDBPyConnection:
    """The reader of this process; every use takes a cursor of its own. To make one for each file would take as long as to add up
    ten thousand meters."""
    return duckdb.connect(config={"threads": threads})


def _copy(curves: pathlib.Path, target: pathlib.Path, query: str, threads: int) -> int:
    try:
        found = _engine(threads).cursor().execute(query, [str(curves), str(target)]).fetchone()
    except duckdb.IOException as error:
        if os.strerror(errno.ENOSPC) in str(error):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from error
        raise
    assert found is not None
    return int(found[0])


def _query(cells: Sequence[range], said: bytes | None, highest: bool, added_as: str = "") -> str:
    """What copies the atoms of a file to another.

    Slots are added without regard to gaps, which make a sum null; of such days the slots are put into a list, once, for all that is
    asked of them with care. As the 32 bits in which they lie, slots are added in half the time; DuckDB raises where a sum is past
    them. added_as: the type of the first slot of each sum, and so of the sum. Numbers are written as differences, which a
    dictionary of them (the limit of 1) would prevent.
    """

    def added(cell: range) -> str:
        first, *more = (SLOTS[slot] for slot in cell)
        return " + ".join([first + added_as, *more])

    names = [cell_name(cell.start) for cell in cells]
    sums = ", ".join(f"({added(cell)})::BIGINT AS whole_{name}" for cell, name in zip(cells, names, strict=True))
    told = ", ".join(
        f"CASE WHEN whole_{name} IS NULL THEN coalesce(list_sum(slots[{cell.start + 1}:{cell.stop}]), 0)::BIGINT"
        f" ELSE whole_{name} END AS {name}"
        for cell, name in zip(cells, names, strict=True)
    )
    every, whole = ", ".join(SLOTS), ", ".join(f"whole_{name}" for name in names)
    gappy = " OR ".join(f"whole_{name} IS NULL" for name in names)
    named, top = "" if said is not None else "subject, ", f", greatest({every})::BIGINT AS top" if highest else ""
    head = "" if said is None else f", KV_METADATA {{{SUBJECTS}: '{said.decode()}'}}"
    return f"""
        COPY (
            SELECT {named}{told},
                   CASE WHEN slots IS NOT NULL THEN
                       array_to_string(list_transform(slots, lambda slot: CASE WHEN slot IS NULL THEN '1' ELSE '0' END), '')
                   END AS gaps,
                   {"top" if highest else "CASE WHEN slots IS NOT NULL THEN list_max(slots)::BIGINT END"} AS highest
            FROM (
                SELECT {named}{whole}{top}, CASE WHEN {gappy} THEN [{every}] END AS slots
                FROM (SELECT *, {sums} FROM read_parquet(?))
            )
        ) TO ? (FORMAT parquet, PARQUET_VERSION V2, COMPRESSION uncompressed, DICTIONARY_SIZE_LIMIT 1,
                ROW_GROUP_SIZE {ROW_GROUP}{head})
    """

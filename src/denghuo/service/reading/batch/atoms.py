"""Atoms (日电量原子): the quarter-hours of a meter's day added up over the cells of a cut, once, for whatever is made of them.

A cut says at which slots of the day a cell begins, so that no band of any tariff begins or ends inside a cell. Every tariff that
fits the cut is billed from the same atoms; the curves are scanned again only where a day's file has changed or a tariff needs a
finer cut. The arithmetic is that of whole numbers in DuckDB, which raises rather than wrap around, one file of the lake at a
time.
"""

import functools
import hashlib
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
from denghuo.data.analysis.subjects import names_of, said_in, said_of, told_of
from denghuo.data.processing.dataset import DatasetFile, write_file
from denghuo.kernel.period import Month
from denghuo.service.reading.api import ATOM_METERS, cell_name, day_atoms

pc: Any = pyarrow.compute
INT64_MIN = -(2**63)
ROWS = 2**20
"""Rows of a batch of what a query finds: of so many a column is one piece as a rule, which need not be joined."""
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


def atoms_of(path: pathlib.Path, cut: Sequence[int], highest: bool = False, threads: int = 2) -> pa.Table:
    """The atoms of a file of curves, a row for each of its rows and in their order, as `day_atoms` has them.

    The meters are named only where the file's head does not tell them by a digest; else the table's head tells it too. The highest
    is told only of days with gaps, unless `highest` asks for it everywhere: it costs nearly as much as the sums.
    """
    cells = cells_of(cut)
    try:
        found = _scan(path, _query(cells, highest), threads)
    except duckdb.OutOfRangeException:
        found = _scan(path, _query(cells, highest, "::BIGINT"), threads)
    atoms, digest = _filled(found, cells), said_of(path)
    return atoms.add_column(0, "subject", names_of(path)) if digest is None else told_of(atoms, digest)


def write_atoms(folder: pathlib.Path, starts: Sequence[int], day: date, shard: str, atoms: pa.Table) -> DatasetFile:
    """Writes the atoms of a file below the folder of all datasets. shard: of the dataset.

    Raises:
        Unavailable: the disk is full.
    """
    return write_file(folder, day_atoms(starts, named="subject" in atoms.column_names), str(day), shard, atoms)


def write_meters(folder: pathlib.Path, month: Month, digest: bytes, curves: pathlib.Path) -> DatasetFile:
    """Writes whose rows the atoms of a file of curves have, as all files with the digest have them.

    Raises:
        Unavailable: the disk is full.
    """
    names = pa.table({"subject": names_of(curves)})
    return write_file(folder, ATOM_METERS, str(month), digest.decode(), names)


def atoms_in(curves: pa.Table, cut: Sequence[int], highest: bool = False) -> pa.Table:
    """As `atoms_of`, of curves in memory: a row for each of theirs and in their order. To plan a query over 96 columns would take
    longer than to add up a year of a meter."""
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
    """As `atoms_of`, of a file with few rows: it names its meters, for a file with their names would cost more."""
    with pq.ParquetFile(path) as file:
        curves = file.read(columns=["subject", *SLOTS], use_threads=False)
        return told_of(atoms_in(curves, cut, highest), said_in(file.metadata.metadata))


def atoms_key(digest: str, cut: Sequence[int], highest: bool) -> str:
    """What the atoms of a file are known by: where the key is the same, so are they."""
    told = f"{digest} {day_atoms(cut).version} {','.join(map(str, cut))} {highest}"
    return hashlib.sha256(told.encode()).hexdigest()[:24]


@functools.cache
def _engine(threads: int) -> duckdb.DuckDBPyConnection:
    """The reader of this process; every use takes a cursor of its own. To make one for each file would take as long as to add up
    ten thousand meters."""
    return duckdb.connect(config={"threads": threads})


def _scan(path: pathlib.Path, query: str, threads: int) -> pa.Table:
    found: Any = _engine(threads).cursor().sql(query, params=[str(path)])
    table: pa.Table = found.to_arrow_table(ROWS)
    return table


def _query(cells: Sequence[range], highest: bool, added_as: str = "") -> str:
    """Sums without regard to gaps, which make them null; those days come along slot by slot, to be added with care.

    As the 32 bits in which they lie, slots are added in half the time; DuckDB raises where a sum is past them. added_as: the type
    of the first slot of each sum, and so of the sum.
    """

    def added(cell: range) -> str:
        first, *more = (SLOTS[slot] for slot in cell)
        return " + ".join([first + added_as, *more])

    sums = ", ".join(f"({added(cell)})::BIGINT AS {cell_name(cell.start)}" for cell in cells)
    names = [cell_name(cell.start) for cell in cells]
    top = f"greatest({', '.join(SLOTS)})::BIGINT" if highest else "NULL::BIGINT"
    return f"""
        SELECT {", ".join(names)}, {top} AS highest,
               CASE WHEN {" OR ".join(f"{name} IS NULL" for name in names)} THEN [{", ".join(SLOTS)}] END AS slots
        FROM (SELECT *, {sums} FROM read_parquet(?))
    """


def _filled(table: pa.Table, cells: Sequence[range]) -> pa.Table:
    """The cells of days with gaps from the slots that there are."""
    slots: Any = table["slots"].combine_chunks()
    gappy = slots.is_valid()
    values: Any = slots.flatten()
    there = values.is_valid().to_numpy(zero_copy_only=False).reshape(-1, len(SLOTS))
    numbers = values.fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64).reshape(-1, len(SLOTS))
    columns: dict[str, Any] = {}
    for cell in cells:
        name = cell_name(cell.start)
        of_cell = slice(cell.start, cell.stop)
        lacking = ~there[:, of_cell].all(axis=1)
        added: Any = table[name].combine_chunks()
        columns[name] = pc.replace_with_mask(
            added, added.is_null(), pa.array(numbers[lacking, of_cell].sum(axis=1), pa.int64())
        )
    marks = ["".join(day) for day in np.where(there, "0", "1").tolist()]
    tops = pa.array(np.where(there, numbers, INT64_MIN).max(axis=1, initial=INT64_MIN), mask=~there.any(axis=1))
    columns |= {
        "gaps": pc.replace_with_mask(pa.nulls(len(table), pa.string()), gappy, pa.array(marks, pa.string())),
        "highest": pc.replace_with_mask(table["highest"].combine_chunks(), gappy, tops),
    }
    return pa.table(columns)

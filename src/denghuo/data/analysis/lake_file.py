"""A file of the day lake: its line in the manifest, its rows, and a few of them out of many files."""

import functools
import hashlib
import pathlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from denghuo.data.analysis import blocks
from denghuo.data.analysis.held import HeldFile, HeldFiles
from denghuo.data.analysis.lake_day import LakeClass
from denghuo.kernel.problem import Unavailable, text

KEYS_BY_BLOCK = 64
"""Up to so many keys are looked for block by block; of more, one query over the columns costs less."""
_HELD = HeldFiles()


@dataclass(frozen=True)
class LakeFile:
    """A line of the manifest. digest and row_count are those of the file."""

    day: date
    shard: str
    version: int
    digest: str
    row_count: int
    path: str
    source: str
    recorded_at: datetime
    since: int
    """The first version whose rows stand in the file (see `pieces`); 1: the whole day."""
    day_rows: int
    """Rows of the day at this version."""

    def load(self, folder: pathlib.Path, columns: Sequence[str]) -> pa.Table:
        """Columns of all rows.

        Raises:
            Unavailable: the file is missing or damaged.
        """
        try:
            with pq.ParquetFile(folder / self.path) as parquet:
                return parquet.read(columns=list(columns), use_threads=False)
        except (pa.ArrowException, OSError) as error:
            raise lake_damaged(self) from error

    def is_whole(self, folder: pathlib.Path) -> bool:
        """Whether the file still is what was written."""
        try:
            with (folder / self.path).open("rb") as stream:
                return hashlib.file_digest(stream, "sha256").hexdigest() == self.digest
        except OSError:
            return False

    def blocks_in(self, folder: pathlib.Path) -> pathlib.Path:
        """Where the same rows lie in blocks, if they do."""
        return (folder / self.path).with_suffix(blocks.SUFFIX)

    def has_blocks(self, folder: pathlib.Path, kind: LakeClass) -> bool:
        return blocks.Looked(kind.schema, ()).add(self.blocks_in(folder), self.digest) is not None


@functools.lru_cache(maxsize=64)
def dated(kind: LakeClass, names: tuple[str, ...]) -> pa.Schema:
    """Columns of a class behind a column `day`."""
    return pa.schema([("day", pa.date32()), *((name, kind.schema.field(name).type) for name in names)])


def picked(
    folder: pathlib.Path,
    kind: LakeClass,
    files: Sequence[LakeFile],
    names: tuple[str, ...],
    only: tuple[str, Sequence[str]],
) -> pa.Table:
    """A few rows out of many files, by day: of small ones from memory, of large ones from their blocks, or else their columns.

    only: a key column and the values of it that are wanted.
    """
    schema = dated(kind, names)
    by_first = only[0] == kind.key_names[0]
    looked = blocks.Looked(kind.schema, sorted(set(only[1])))
    found: list[Any] = []
    days: list[date] = []
    beside: list[date] = []
    large: list[LakeFile] = []
    for file in files:
        # Files are in the order of their first key.
        held = _held(folder, kind, file) if by_first else None
        if held is not None:
            for rows in held.of(only[1]):
                found.append(rows)
                days += [file.day] * len(rows)
        elif (
            by_first
            and len(looked.keys) <= KEYS_BY_BLOCK
            and (count := looked.add(file.blocks_in(folder), file.digest)) is not None
        ):
            beside += [file.day] * count
        else:
            large.append(file)
    parts = []
    if beside:
        parts.append(_dated(looked.table().select(list(names)), beside, schema))
    if found or not (beside or large):
        held_rows = pa.concat_arrays([pa.array([], pa.struct(list(kind.schema))), *found])
        parts.append(_dated(pa.Table.from_struct_array(held_rows).select(list(names)), days, schema))
    if large:
        parts.append(_pick(folder, large, names, only).cast(schema))
    return parts[0] if len(parts) == 1 else pa.concat_tables(parts).sort_by("day")


def values_of(rows: pa.Table, names: Sequence[str]) -> dict[date, list[Any]]:
    """The values of some columns, by the day of each row."""
    columns: list[list[Any]] = [rows[name].to_pylist() for name in ("day", *names)]
    return {day: values for day, *values in zip(*columns, strict=True)}


def _dated(rows: pa.Table, days: Sequence[date], schema: pa.Schema) -> pa.Table:
    table: pa.Table = rows.add_column(0, "day", pa.array(days, pa.date32()))
    return table if table.schema.equals(schema) else table.cast(schema)


def _held(folder: pathlib.Path, kind: LakeClass, file: LakeFile) -> HeldFile | None:
    names = kind.schema.names
    cells = file.row_count * len(names)
    return _HELD.file(f"{folder}/{file.path}", names[0], cells, lambda: file.load(folder, names).cast(kind.schema))


def _pick(
    folder: pathlib.Path, files: Sequence[LakeFile], names: tuple[str, ...], only: tuple[str, Sequence[str]]
) -> pa.Table:
    """A few rows out of many files: DuckDB reads no more of a file than the pages in which they can stand."""
    paths = {str(folder / file.path): file for file in files}
    wanted = ", ".join("?" for _ in only[1]) or "NULL"
    shown = ", ".join(f'"{name}"' for name in names)
    try:
        table: Any = (
            _engine()
            .cursor()
            .sql(
                f'SELECT filename, {shown} FROM read_parquet(?, filename = true) WHERE "{only[0]}" IN ({wanted})',
                params=[list(paths), *only[1]],
            )
            .to_arrow_table()
        )
    except duckdb.Error as error:
        raise lake_damaged(next((file for file in files if not file.is_whole(folder)), files[0])) from error
    days = pa.array([paths[name].day for name in table["filename"].to_pylist()], pa.date32())
    found: pa.Table = table.select(list(names)).add_column(0, "day", days).sort_by("day")
    return found


@functools.cache
def _engine() -> duckdb.DuckDBPyConnection:
    """The reader of this process; every use takes a cursor of its own."""
    return duckdb.connect(config={"threads": 2})


def lake_damaged(file: LakeFile) -> Unavailable:
    return Unavailable(
        text(
            f"数据湖文件 {file.path} 缺失或损坏。请从备份恢复该文件后重试；其余数据不受影响。",
            f"The lake file {file.path} is missing or damaged. Restore it from a backup, then try again; all else is safe.",
        ),
        part="lake",
        retry_after_s=300,
    )

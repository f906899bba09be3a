"""The day lake (日湖): measured values as immutable Parquet files, one for each class, day, shard and version.

A class of values has key columns and value columns. Curves are wide: one row a subject and day with columns `p00` to `p95`.
What is written is never changed: late and corrected values make a new version of their day, in which they win over the older
ones; every version stays and can be read as it was known. The manifest in PostgreSQL says which files count, so a file that a
killed process left behind is no part of the lake, and writing the same values again changes nothing.
"""

import contextlib
import functools
import hashlib
import os
import pathlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import duckdb
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
from psycopg.rows import class_row

from denghuo.data.analysis.held import HeldFile, HeldFiles
from denghuo.data.analysis.lake_day import SLOTS, Changes, LakeClass, merge, write_day
from denghuo.data.processing.database import Database
from denghuo.kernel.problem import Unavailable, text

ORPHAN_AGE = timedelta(hours=1)
ONE_SHARD = "all"
_HELD = HeldFiles()


@dataclass(frozen=True)
class LakeFile:
    """A line of the manifest."""

    day: date
    shard: str
    version: int
    digest: str
    row_count: int
    path: str
    source: str
    recorded_at: datetime


class Lake:
    """The manifest and the files of the lake. All processes of a deployment share the folder."""

    def __init__(self, database: Database, folder: pathlib.Path) -> None:
        self._database = database
        self.folder = folder

    # -- writing ---------------------------------------------------------------------------------------------------------

    def append(
        self, kind: LakeClass, days: Mapping[date, pa.Table], now: datetime, source: str, shard: str = ONE_SHARD
    ) -> dict[date, Changes]:
        """Writes rows of one or more days, all or nothing; where a value is known already the given one wins. Gives the counts
        of each day.

        Keys are unique within a day; a null value leaves what is known. `source` says where the rows came from.

        Raises:
            Unavailable: the disk is full, or a stored file is damaged. Nothing was changed.
        """
        counts: dict[date, Changes] = {}
        with self._database.connection() as connection:
            self._lock(connection, kind, sorted(days), shard)
            newest = {file.day: file for file in self._newest(connection, kind, sorted(days), shard)}
            for day in sorted(days):
                incoming = days[day].select(kind.schema.names).cast(kind.schema)
                before = newest.get(day)
                known = self._load(before, kind.schema.names) if before else None
                merged, counts[day] = merge(kind, known, incoming)
                if merged is not None:
                    version = before.version + 1 if before else 1
                    path, digest = self._write(kind, day, shard, version, merged)
                    name, size = str(path.relative_to(self.folder)), path.stat().st_size
                    self._enter(
                        connection, (kind.name, day, shard, version, digest, merged.num_rows, size, name, source, now)
                    )
        return counts

    def _lock(self, connection: psycopg.Connection, kind: LakeClass, days: Sequence[date], shard: str) -> None:
        """One writer a day and shard, until the end of the transaction; in the order of days, so no two wait for each other."""
        for day in days:
            connection.execute(
                "SELECT pg_advisory_xact_lock(hashtextextended(%s, 7))", (f"lake {kind.name} {day} {shard}",)
            )

    def _write(self, kind: LakeClass, day: date, shard: str, version: int, table: pa.Table) -> tuple[pathlib.Path, str]:
        """A file under its final name, on the disk before the manifest knows of it."""
        folder = self.folder / kind.name / f"{day:%Y-%m}"
        partial = folder / f".{day}-{shard}-{os.getpid()}-{id(table)}.partial"
        with _disk_problems():
            folder.mkdir(parents=True, exist_ok=True)
            try:
                write_day(kind, table, partial)
                with partial.open("rb+") as file:
                    digest = hashlib.file_digest(file, "sha256").hexdigest()
                    os.fsync(file.fileno())
                final = folder / f"{day}-{shard}-v{version}-{digest[:16]}.parquet"
                partial.rename(final)
                _sync_folder(folder)
            finally:
                partial.unlink(missing_ok=True)
        return final, digest

    def _enter(self, connection: psycopg.Connection, line: tuple[Any, ...]) -> None:
        connection.execute(
            "INSERT INTO data.lake_file (class, day, shard, version, digest, row_count, byte_count, path, source,"
            " recorded_at) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            line,
        )

    # -- reading ---------------------------------------------------------------------------------------------------------

    def scan(
        self,
        kind: LakeClass,
        first: date,
        last: date,
        columns: Sequence[str] | None = None,
        only: tuple[str, Sequence[str]] | None = None,
        as_of: datetime | None = None,
    ) -> pa.Table:
        """The newest values of the days `first` to `last` (both included), with a column `day` before the others.

        only: a key column and the values of it that are wanted.
        as_of: as the lake was known then.

        Raises:
            Unavailable: a file is missing or damaged.
        """
        names = tuple(columns or kind.schema.names)
        with self._database.connection() as connection:
            files = self._newest(connection, kind, None, None, first, last, as_of)
        schema = _dated(kind, names)
        if not files:
            return schema.empty_table()
        if only is not None:
            return self._picked(kind, files, names, only)
        tables = []
        for file in files:
            table = self._load(file, names)
            day = pa.repeat(pa.scalar(file.day, pa.date32()), table.num_rows)
            tables.append(table.add_column(0, "day", day).cast(schema))
        return pa.concat_tables(tables)

    def _picked(
        self, kind: LakeClass, files: Sequence[LakeFile], names: tuple[str, ...], only: tuple[str, Sequence[str]]
    ) -> pa.Table:
        """A few rows out of many files, by day: of small ones from memory, of large ones from the disk."""
        schema = _dated(kind, names)
        found: list[Any] = [pa.array([], pa.struct(list(kind.schema)))]
        days: list[date] = []
        large: list[LakeFile] = []
        for file in files:
            # Files are in the order of their first key.
            held = self._held(kind, file) if only[0] == kind.key_names[0] else None
            if held is None:
                large.append(file)
                continue
            for rows in held.of(only[1]):
                found.append(rows)
                days += [file.day] * len(rows)
        small = pa.Table.from_struct_array(pa.concat_arrays(found)).select(list(names))
        table = small.add_column(0, "day", pa.array(days, pa.date32())).cast(schema)
        return pa.concat_tables([table, self._pick(large, names, only).cast(schema)]).sort_by("day") if large else table

    def _held(self, kind: LakeClass, file: LakeFile) -> HeldFile | None:
        names = kind.schema.names
        cells = file.row_count * len(names)
        return _HELD.file(
            f"{self.folder}/{file.path}", names[0], cells, lambda: self._load(file, names).cast(kind.schema)
        )

    def _pick(self, files: Sequence[LakeFile], names: tuple[str, ...], only: tuple[str, Sequence[str]]) -> pa.Table:
        """A few rows out of many files: DuckDB reads no more of a file than the pages in which they can stand."""
        paths = {str(self.folder / file.path): file for file in files}
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
            raise lake_damaged(next((file for file in files if not self._whole(file)), files[0])) from error
        days = pa.array([paths[name].day for name in table["filename"].to_pylist()], pa.date32())
        found: pa.Table = table.select(list(names)).add_column(0, "day", days).sort_by("day")
        return found

    def files(self, kind: LakeClass, first: date, last: date) -> list[LakeFile]:
        """The newest file of each day and shard, for those who scan files themselves; in order."""
        with self._database.connection() as connection:
            return self._newest(connection, kind, None, None, first, last)

    def rows_of(self, kind: LakeClass, files: Sequence[LakeFile], subjects: Sequence[str]) -> pa.Table:
        """The rows that some subjects have in files, by day."""
        return self._picked(kind, files, tuple(kind.schema.names), (kind.key_names[0], subjects))

    def there(self, kinds: Iterable[LakeClass], days: Sequence[date]) -> set[str]:
        """The names of the classes that hold anything of these days."""
        with self._database.connection() as connection:
            rows = connection.execute(
                "SELECT DISTINCT class FROM data.lake_file WHERE class = ANY (%s) AND day = ANY (%s)",
                ([kind.name for kind in kinds], list(days)),
            ).fetchall()
        return {str(name) for (name,) in rows}

    def curve(
        self, kind: LakeClass, subject: str, first: date, last: date, as_of: datetime | None = None
    ) -> dict[date, list[int | None]]:
        """A subject's 96 values of each day that has any. as_of: as the lake was known then."""
        found: dict[date, list[int | None]] = {}
        for row in self.scan(kind, first, last, only=("subject", (subject,)), as_of=as_of).to_pylist():
            found[row["day"]] = [row[slot] for slot in SLOTS]
        return found

    def versions(self, kind: LakeClass, day: date, shard: str = ONE_SHARD) -> list[LakeFile]:
        """Every version of a day, oldest first."""
        with self._database.connection() as connection, connection.cursor(row_factory=class_row(LakeFile)) as cursor:
            cursor.execute(
                "SELECT day, shard, version, digest, row_count, path, source, recorded_at FROM data.lake_file"
                " WHERE class = %s AND day = %s AND shard = %s ORDER BY version",
                (kind.name, day, shard),
            )
            return cursor.fetchall()

    def version(self, kind: LakeClass, file: LakeFile) -> pa.Table:
        """The rows of one version of a day."""
        return self._load(file, kind.schema.names)

    def recorded_at(self, classes: Sequence[str], first: date, last: date) -> datetime | None:
        """When the newest version of these classes and days was written."""
        with self._database.connection() as connection:
            row = connection.execute(
                "SELECT max(recorded_at) FROM data.lake_file WHERE class = ANY (%s) AND day BETWEEN %s AND %s",
                (list(classes), first, last),
            ).fetchone()
        return row[0] if row else None

    def row_counts(self, kind: LakeClass) -> dict[date, int]:
        """How many rows each day of a class has, by the manifest alone: no file is opened."""
        with self._database.connection() as connection:
            rows = connection.execute(
                "SELECT day, sum(row_count)::bigint FROM (SELECT DISTINCT ON (day, shard) day, row_count FROM data.lake_file"
                " WHERE class = %s ORDER BY day, shard, version DESC) newest GROUP BY day ORDER BY day",
                (kind.name,),
            ).fetchall()
        return dict(rows)

    def _newest(
        self,
        connection: psycopg.Connection,
        kind: LakeClass,
        days: Sequence[date] | None,
        shard: str | None,
        first: date | None = None,
        last: date | None = None,
        as_of: datetime | None = None,
    ) -> list[LakeFile]:
        with connection.cursor(row_factory=class_row(LakeFile)) as cursor:
            cursor.execute(
                "SELECT DISTINCT ON (day, shard) day, shard, version, digest, row_count, path, source, recorded_at"
                " FROM data.lake_file WHERE class = %(class)s"
                " AND (%(days)s::date[] IS NULL OR day = ANY (%(days)s))"
                " AND (%(shard)s::text IS NULL OR shard = %(shard)s)"
                " AND (%(first)s::date IS NULL OR day >= %(first)s) AND (%(last)s::date IS NULL OR day <= %(last)s)"
                " AND (%(as_of)s::timestamptz IS NULL OR recorded_at <= %(as_of)s)"
                " ORDER BY day, shard, version DESC",
                {
                    "class": kind.name,
                    "days": list(days) if days is not None else None,
                    "shard": shard,
                    "first": first,
                    "last": last,
                    "as_of": as_of,
                },
            )
            return cursor.fetchall()

    def _load(self, file: LakeFile, columns: Sequence[str]) -> pa.Table:
        try:
            with pq.ParquetFile(self.folder / file.path) as parquet:
                return parquet.read(columns=list(columns), use_threads=False)
        except (pa.ArrowException, OSError) as error:
            raise lake_damaged(file) from error

    def _whole(self, file: LakeFile) -> bool:
        """Whether a file still is what was written."""
        try:
            with (self.folder / file.path).open("rb") as stream:
                return hashlib.file_digest(stream, "sha256").hexdigest() == file.digest
        except OSError:
            return False

    # -- upkeep ----------------------------------------------------------------------------------------------------------

    def sweep(self, now: datetime, age: timedelta = ORPHAN_AGE) -> list[str]:
        """Removes files that the manifest does not know and that are older than `age` (a writer may be about to enter a
        younger one); gives their names."""
        with self._database.connection() as connection:
            known = {str(row[0]) for row in connection.execute("SELECT path FROM data.lake_file")}
        removed: list[str] = []
        for path in sorted(self.folder.rglob("*.parquet")) + sorted(self.folder.rglob("*.partial")):
            name = str(path.relative_to(self.folder))
            if name not in known and path.stat().st_mtime < (now - age).timestamp():
                path.unlink(missing_ok=True)
                removed.append(name)
        return removed

    def damaged(self) -> list[LakeFile]:
        """Files of the manifest whose content is not what was written."""
        with self._database.connection() as connection, connection.cursor(row_factory=class_row(LakeFile)) as cursor:
            cursor.execute(
                "SELECT day, shard, version, digest, row_count, path, source, recorded_at FROM data.lake_file"
                " ORDER BY class, day, shard, version"
            )
            return [file for file in cursor if not self._whole(file)]


@functools.lru_cache(maxsize=64)
def _dated(kind: LakeClass, names: tuple[str, ...]) -> pa.Schema:
    """Columns of a class behind a column `day`."""
    return pa.schema([("day", pa.date32()), *((name, kind.schema.field(name).type) for name in names)])


@functools.cache
def _engine() -> duckdb.DuckDBPyConnection:
    """The reader of this process; every use takes a cursor of its own."""
    return duckdb.connect(config={"threads": 2})


def _sync_folder(folder: pathlib.Path) -> None:
    """Makes the rename itself durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextlib.contextmanager
def _disk_problems() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Unavailable(
            text(
                f"曲线数据写入失败：{error.strerror or error}。本次写入未生效，原有数据不受影响；请检查数据盘空间与权限后重试。",
                f"The lake cannot be written: {error.strerror or error}. Nothing was changed; check the space and the rights of the"
                " data disk, then try again.",
            ),
            part="lake",
            retry_after_s=60,
        ) from error


def lake_damaged(file: LakeFile) -> Unavailable:
    return Unavailable(
        text(
            f"数据湖文件 {file.path} 缺失或损坏。请从备份恢复该文件后重试；其余数据不受影响。",
            f"The lake file {file.path} is missing or damaged. Restore it from a backup, then try again; all else is safe.",
        ),
        part="lake",
        retry_after_s=300,
    )

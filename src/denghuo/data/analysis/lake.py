"""The day lake (日湖): measured values as immutable Parquet files, one for each class, day, shard and version.

A class of values has key columns and value columns. Curves are wide: one row a subject and day with columns `p00` to `p95`.
What is written is never changed: late and corrected values make a new version of their day, in which they win over the older
ones; every version stays and can be read as it was known. The manifest in PostgreSQL says which files count, so a file that a
killed process left behind is no part of the lake, and writing the same values again changes nothing.
"""

import contextlib
import hashlib
import os
import pathlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import psycopg
import pyarrow as pa
from psycopg.rows import class_row, tuple_row

from denghuo.data.analysis import held
from denghuo.data.analysis.blocks import SUFFIX, write_blocks
from denghuo.data.analysis.lake_day import SLOTS, Changes, LakeClass, merge, write_day
from denghuo.data.analysis.lake_file import LakeFile, dated, picked, values_of
from denghuo.data.processing.database import Database
from denghuo.kernel.problem import Unavailable, text

ORPHAN_AGE = timedelta(hours=1)
ONE_SHARD = "all"


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
                known = before.load(self.folder, kind.schema.names) if before else None
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
                if not held.is_small(table.num_rows, kind.schema):
                    self._write_blocks(table, digest, final)
                partial.rename(final)
                _sync_folder(folder)
            finally:
                partial.unlink(missing_ok=True)
        return final, digest

    def _write_blocks(self, table: pa.Table, digest: str, path: pathlib.Path) -> None:
        """The same rows in blocks beside a file. They are not brought to the disk with it: what is not whole is not used."""
        partial = path.with_name(f".{path.stem}-{os.getpid()}-{id(table)}.partial")
        try:
            if write_blocks(table, digest, partial):
                partial.rename(path.with_suffix(SUFFIX))
        finally:
            partial.unlink(missing_ok=True)

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
        schema = dated(kind, names)
        if not files:
            return schema.empty_table()
        if only is not None:
            return picked(self.folder, kind, files, names, only)
        tables = []
        for file in files:
            table = file.load(self.folder, names)
            day = pa.repeat(pa.scalar(file.day, pa.date32()), table.num_rows)
            tables.append(table.add_column(0, "day", day).cast(schema))
        return pa.concat_tables(tables)

    def files(self, kind: LakeClass, first: date, last: date) -> list[LakeFile]:
        """The newest file of each day and shard, for those who scan files themselves; in order."""
        with self._database.connection() as connection:
            return self._newest(connection, kind, None, None, first, last)

    def rows_of(self, kind: LakeClass, files: Sequence[LakeFile], subjects: Sequence[str]) -> pa.Table:
        """The rows that some subjects have in files, by day."""
        return picked(self.folder, kind, files, tuple(kind.schema.names), (kind.key_names[0], subjects))

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
        return self.curves([kind], subject, first, last, as_of)[kind.name]

    def curves(
        self, kinds: Sequence[LakeClass], subject: str, first: date, last: date, as_of: datetime | None = None
    ) -> dict[str, dict[date, list[int | None]]]:
        """The same of several classes, by their names."""
        return {
            kind.name: values_of(rows, SLOTS)
            for kind, rows in zip(kinds, self.days_of(kinds, [subject], first, last, as_of), strict=True)
        }

    def days_of(
        self,
        kinds: Sequence[LakeClass],
        subjects: Sequence[str],
        first: date,
        last: date,
        as_of: datetime | None = None,
    ) -> list[pa.Table]:
        """What `scan` gives of some subjects, for each of several classes; the manifest is asked once for all of them."""
        with self._database.connection() as connection:
            files = self._newest_by_class(connection, [kind.name for kind in kinds], None, None, first, last, as_of)
        return [
            picked(self.folder, kind, files.get(kind.name, []), tuple(kind.schema.names), (kind.key_names[0], subjects))
            for kind in kinds
        ]

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
        return file.load(self.folder, kind.schema.names)

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
        return self._newest_by_class(connection, [kind.name], days, shard, first, last, as_of).get(kind.name, [])

    def _newest_by_class(
        self,
        connection: psycopg.Connection,
        names: Sequence[str],
        days: Sequence[date] | None,
        shard: str | None,
        first: date | None = None,
        last: date | None = None,
        as_of: datetime | None = None,
    ) -> dict[str, list[LakeFile]]:
        with connection.cursor(row_factory=tuple_row) as cursor:
            cursor.execute(
                "SELECT DISTINCT ON (class, day, shard) class, day, shard, version, digest, row_count, path, source, recorded_at"
                " FROM data.lake_file WHERE class = ANY (%(names)s)"
                " AND (%(days)s::date[] IS NULL OR day = ANY (%(days)s))"
                " AND (%(shard)s::text IS NULL OR shard = %(shard)s)"
                " AND (%(first)s::date IS NULL OR day >= %(first)s) AND (%(last)s::date IS NULL OR day <= %(last)s)"
                " AND (%(as_of)s::timestamptz IS NULL OR recorded_at <= %(as_of)s)"
                " ORDER BY class, day, shard, version DESC",
                {
                    "names": list(names),
                    "days": list(days) if days is not None else None,
                    "shard": shard,
                    "first": first,
                    "last": last,
                    "as_of": as_of,
                },
            )
            found: dict[str, list[LakeFile]] = {}
            for name, *line in cursor:
                found.setdefault(name, []).append(LakeFile(*line))
            return found

    # -- upkeep ----------------------------------------------------------------------------------------------------------

    def sweep(self, now: datetime, age: timedelta = ORPHAN_AGE) -> list[str]:
        """Removes files that the manifest does not know and that are older than `age` (a writer may be about to enter a
        younger one); gives their names."""
        with self._database.connection() as connection:
            known = {str(row[0]) for row in connection.execute("SELECT path FROM data.lake_file")}
        removed: list[str] = []
        for path in sorted(
            one for suffix in ("parquet", SUFFIX[1:], "partial") for one in self.folder.rglob(f"*.{suffix}")
        ):
            name = str(path.relative_to(self.folder))
            of = name.removesuffix(SUFFIX) + ".parquet" if name.endswith(SUFFIX) else name
            if of not in known and path.stat().st_mtime < (now - age).timestamp():
                path.unlink(missing_ok=True)
                removed.append(name)
        return removed

    def add_blocks(self, kinds: Sequence[LakeClass], first: date, last: date) -> int:
        """Puts blocks beside the newest large files of these days that have none that can be used; gives how many.

        Raises:
            Unavailable: the disk is full, or a file is missing or damaged.
        """
        with self._database.connection() as connection:
            found = self._newest_by_class(connection, [kind.name for kind in kinds], None, None, first, last)
        made = 0
        for kind in kinds:
            for file in found.get(kind.name, []):
                if held.is_small(file.row_count, kind.schema) or file.has_blocks(self.folder, kind):
                    continue
                table = file.load(self.folder, kind.schema.names).cast(kind.schema)
                with _disk_problems():
                    self._write_blocks(table, file.digest, self.folder / file.path)
                made += 1
        return made

    def damaged(self) -> list[LakeFile]:
        """Files of the manifest whose content is not what was written."""
        with self._database.connection() as connection, connection.cursor(row_factory=class_row(LakeFile)) as cursor:
            cursor.execute(
                "SELECT day, shard, version, digest, row_count, path, source, recorded_at FROM data.lake_file"
                " ORDER BY class, day, shard, version"
            )
            return [file for file in cursor if not file.is_whole(self.folder)]


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

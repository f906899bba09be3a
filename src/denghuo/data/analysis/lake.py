"""The day lake (日湖): measured values as immutable Parquet files, one for each class, day, shard and version.

A class of values has key columns and value columns. Curves are wide: one row a subject and day with columns `p00` to `p95`.
What is written is never changed: late and corrected values make a new version of their day, in which they win over the older
ones; every version stays and can be read as it was known. Of a large day a version is a file with what came, read over the older
ones until they are merged (see `pieces`). The manifest in PostgreSQL says which files count, so a file that a killed process left
behind is no part of the lake, and writing the same values again changes nothing.
"""

import contextlib
import hashlib
import os
import pathlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, LiteralString

import psycopg
import pyarrow as pa
from psycopg.rows import class_row, tuple_row

from denghuo.data.analysis import held
from denghuo.data.analysis.blocks import SUFFIX, write_blocks
from denghuo.data.analysis.lake_day import SLOTS, Changes, LakeClass, write_day
from denghuo.data.analysis.lake_file import LakeFile, dated, picked, values_of
from denghuo.data.analysis.pieces import Chain, chains, day_rows, grown, picked_of, whole
from denghuo.data.processing.database import Database
from denghuo.kernel.problem import Unavailable, text

ORPHAN_AGE = timedelta(hours=1)
ONE_SHARD = "all"
_OF_DAY: LiteralString = "coalesce(day_rows, row_count) AS day_rows"
_LINE: LiteralString = f"day, shard, version, digest, row_count, path, source, recorded_at, since, {_OF_DAY}"
_WANTED: LiteralString = (
    "class = ANY (%(names)s) AND (%(days)s::date[] IS NULL OR day = ANY (%(days)s))"
    " AND (%(shard)s::text IS NULL OR shard = %(shard)s)"
    " AND (%(first)s::date IS NULL OR day >= %(first)s) AND (%(last)s::date IS NULL OR day <= %(last)s)"
)
_ORDER: LiteralString = " ORDER BY class, day, shard, version DESC"
_NEWEST: LiteralString = f"SELECT class, {_LINE} FROM data.lake_file WHERE {_WANTED} AND until IS NULL" + _ORDER
_KNOWN: LiteralString = (
    f"SELECT class, {_LINE} FROM data.lake_file JOIN (SELECT class, day, shard, max(version) AS top FROM data.lake_file"
    f" WHERE {_WANTED} AND recorded_at <= %(as_of)s GROUP BY class, day, shard) AS known USING (class, day, shard)"
    " WHERE version <= top AND (until IS NULL OR until > top)" + _ORDER
)
"""The files of each day as it was known at an instant."""


Transaction = Callable[[], contextlib.AbstractContextManager[psycopg.Connection]]


class Lake:
    """The manifest and the files of the lake. All processes of a deployment share the folder.

    On its own each writing is a transaction. Within a command (`within`) what it appends counts once the command itself is
    committed, with its events and jobs: killed in between, it has written nothing, and repeated it takes the same rows again.
    """

    def __init__(self, database: Database, folder: pathlib.Path, transaction: Transaction | None = None) -> None:
        self._database = database
        self.folder = folder
        self._transaction = transaction
        self._appended = False

    def within(self, transaction: Transaction) -> "Lake":
        """The lake as one command sees it. transaction: lends its connection, in a role that may write the manifest."""
        return Lake(self._database, self.folder, transaction)

    @contextlib.contextmanager
    def _connected(self, appends: bool = False) -> Iterator[psycopg.Connection]:
        """A connection; once the command appended it is always that of the command, which alone sees what was appended and holds
        the locks of those days."""
        self._appended = self._appended or appends
        lent = self._transaction if self._appended else None
        with lent() if lent is not None else self._database.connection() as connection:
            yield connection

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
        with self._connected(appends=True) as connection:
            self._lock(connection, kind, sorted(days), shard)
            known = {
                chain[0].day: chain for chain in self._chains(connection, [kind], days=days, shard=shard)[kind.name]
            }
            for day in sorted(days):
                incoming, chain = days[day].select(kind.schema.names).cast(kind.schema), known.get(day, [])
                rows, taken, fresh, counts[day] = grown(self.folder, kind, chain, incoming)
                if rows is not None:
                    version, count = (chain[0].version + 1, chain[0].day_rows) if chain else (1, 0)
                    told = (source, now, chain[taken - 1].since if taken else version, count + fresh)
                    self._put(connection, kind, day, shard, version, rows, told)
        return counts

    def settle(self, kinds: Sequence[LakeClass], first: date, last: date) -> None:
        """Merges the pieces of these days: each is one file then, with the values and the time of its newest version.

        Raises:
            Unavailable: the disk is full, or a stored file is damaged. Nothing was changed.
        """
        with self._connected() as connection:
            found = self._chains(connection, kinds, first=first, last=last)
        for kind in kinds:
            for chain in found[kind.name]:
                if len(chain) > 1:
                    self._settle_day(kind, chain[0].day, chain[0].shard)

    def _settle_day(self, kind: LakeClass, day: date, shard: str) -> None:
        with self._connected() as connection:
            self._lock(connection, kind, [day], shard)
            for chain in self._chains(connection, [kind], days=[day], shard=shard)[kind.name]:
                if len(chain) > 1:
                    rows, newest = whole(self.folder, kind, chain), chain[0]
                    told = (newest.source, newest.recorded_at, 1, rows.num_rows)
                    self._put(connection, kind, day, shard, newest.version + 1, rows, told)

    def _put(
        self,
        connection: psycopg.Connection,
        kind: LakeClass,
        day: date,
        shard: str,
        version: int,
        rows: pa.Table,
        told: tuple[str, datetime, int, int],
    ) -> None:
        """Writes the next version of a day and enters it; files that it stands in for are read no more. told: where it came from,
        when it was recorded, the first version it stands in for, and the rows of the day."""
        path, digest = self._write(kind, day, shard, version, rows)
        name, size = str(path.relative_to(self.folder)), path.stat().st_size
        self._enter(connection, (kind.name, day, shard, version, digest, rows.num_rows, size, name, *told))
        connection.execute(
            "UPDATE data.lake_file SET until = %s WHERE class = %s AND day = %s AND shard = %s AND version < %s"
            " AND version >= %s AND until IS NULL",
            (version, kind.name, day, shard, version, told[2]),
        )

    def _lock(self, connection: psycopg.Connection, kind: LakeClass, days: Sequence[date], shard: str) -> None:
        """One writer a day and shard, until the end of the transaction; in the order of days, so no two wait for each other."""
        for day in days:
            _lock_day(connection, kind.name, day, shard)

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
            " recorded_at, since, day_rows) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
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
        with self._connected() as connection:
            found = self._chains(connection, [kind], first=first, last=last, as_of=as_of)[kind.name]
        if only is not None:
            return picked_of(self.folder, kind, found, names, only)
        tables = [day_rows(self.folder, kind, chain, names) for chain in found]
        return pa.concat_tables([dated(kind, names).empty_table(), *tables])

    def files(self, kind: LakeClass, first: date, last: date) -> list[LakeFile]:
        """The newest file of each day and shard, for those who scan files themselves; in order. What lies in pieces is merged."""
        self.settle([kind], first, last)
        with self._connected() as connection:
            return [chain[0] for chain in self._chains(connection, [kind], first=first, last=last)[kind.name]]

    def rows_of(self, kind: LakeClass, files: Sequence[LakeFile], subjects: Sequence[str]) -> pa.Table:
        """The rows that some subjects have in files, by day; in a file that is a piece of a day, those that it holds."""
        return picked(self.folder, kind, files, tuple(kind.schema.names), (kind.key_names[0], subjects))

    def there(self, kinds: Iterable[LakeClass], days: Sequence[date]) -> set[str]:
        """The names of the classes that hold anything of these days."""
        with self._connected() as connection:
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
        with self._connected() as connection:
            found = self._chains(connection, kinds, first=first, last=last, as_of=as_of)
        return [
            picked_of(self.folder, kind, found[kind.name], tuple(kind.schema.names), (kind.key_names[0], subjects))
            for kind in kinds
        ]

    def versions(self, kind: LakeClass, day: date, shard: str = ONE_SHARD) -> list[LakeFile]:
        """Every version of a day, oldest first."""
        with self._connected() as connection, connection.cursor(row_factory=class_row(LakeFile)) as cursor:
            cursor.execute(
                f"SELECT {_LINE} FROM data.lake_file WHERE class = %s AND day = %s AND shard = %s ORDER BY version",
                (kind.name, day, shard),
            )
            return cursor.fetchall()

    def version(self, kind: LakeClass, file: LakeFile) -> pa.Table:
        """The rows of one version of a day."""
        (chain,) = chains(one for one in self.versions(kind, file.day, file.shard)[::-1] if one.version <= file.version)
        return whole(self.folder, kind, chain)

    def recorded_at(self, classes: Sequence[str], first: date, last: date) -> datetime | None:
        """When the newest version of these classes and days was written."""
        with self._connected() as connection:
            row = connection.execute(
                "SELECT max(recorded_at) FROM data.lake_file WHERE class = ANY (%s) AND day BETWEEN %s AND %s",
                (list(classes), first, last),
            ).fetchone()
        return row[0] if row else None

    def row_counts(self, kind: LakeClass) -> dict[date, int]:
        """How many rows each day of a class has, by the manifest alone: no file is opened."""
        with self._connected() as connection:
            rows = connection.execute(
                "SELECT day, sum(rows)::bigint FROM (SELECT DISTINCT ON (day, shard) day, coalesce(day_rows, row_count) AS rows"
                " FROM data.lake_file WHERE class = %s AND until IS NULL ORDER BY day, shard, version DESC) newest"
                " GROUP BY day ORDER BY day",
                (kind.name,),
            ).fetchall()
        return dict(rows)

    def _chains(
        self,
        connection: psycopg.Connection,
        kinds: Sequence[LakeClass],
        *,
        days: Iterable[date] | None = None,
        shard: str | None = None,
        first: date | None = None,
        last: date | None = None,
        as_of: datetime | None = None,
    ) -> dict[str, list[Chain]]:
        """The files that are read of each class, by day and shard."""
        found: dict[str, list[LakeFile]] = {kind.name: [] for kind in kinds}
        with connection.cursor(row_factory=tuple_row) as cursor:
            cursor.execute(
                _NEWEST if as_of is None else _KNOWN,
                {
                    "names": list(found),
                    "days": list(days) if days is not None else None,
                    "shard": shard,
                    "first": first,
                    "last": last,
                    "as_of": as_of,
                },
            )
            for name, *line in cursor:
                found[name].append(LakeFile(*line))
        return {name: chains(files) for name, files in found.items()}

    def row_count(self, kinds: Sequence[LakeClass], day: date) -> int:
        """How many rows a day has in some classes, by the manifest alone."""
        with self._connected() as connection:
            found = self._chains(connection, kinds, first=day, last=day)
        return sum(chain[0].day_rows for of_class in found.values() for chain in of_class)

    # -- upkeep ----------------------------------------------------------------------------------------------------------

    def sweep(self, now: datetime, age: timedelta = ORPHAN_AGE) -> list[str]:
        """Removes files that the manifest does not know and that are older than `age` (a writer may be about to enter a
        younger one); gives their names."""
        with self._connected() as connection:
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

    def forget(self, name: str, before: date) -> int:
        """Takes the days of a class before `before` out of the lake with all their versions; gives how many files. The files
        themselves go with a later `sweep`, so who reads one at this moment still finds it."""
        forgotten = 0
        with self._connected() as connection:
            found = connection.execute(
                "SELECT DISTINCT day, shard FROM data.lake_file WHERE class = %s AND day < %s ORDER BY day, shard",
                (name, before),
            ).fetchall()
        for day, shard in found:
            with self._connected() as connection:
                # A writer who is adding to the day must not stand on versions that are gone.
                _lock_day(connection, name, day, shard)
                forgotten += connection.execute(
                    "DELETE FROM data.lake_file WHERE class = %s AND day = %s AND shard = %s", (name, day, shard)
                ).rowcount
        return forgotten

    def add_blocks(self, kinds: Sequence[LakeClass], first: date, last: date) -> int:
        """Puts blocks beside the newest large files of these days that have none that can be used; gives how many.

        Raises:
            Unavailable: the disk is full, or a file is missing or damaged.
        """
        with self._connected() as connection:
            found = self._chains(connection, kinds, first=first, last=last)
        made = 0
        for kind in kinds:
            for file in (file for chain in found[kind.name] for file in chain):
                if held.is_small(file.row_count, kind.schema) or file.has_blocks(self.folder, kind):
                    continue
                table = file.load(self.folder, kind.schema.names).cast(kind.schema)
                with _disk_problems():
                    self._write_blocks(table, file.digest, self.folder / file.path)
                made += 1
        return made

    def damaged(self) -> list[LakeFile]:
        """Files of the manifest whose content is not what was written."""
        with self._connected() as connection, connection.cursor(row_factory=class_row(LakeFile)) as cursor:
            cursor.execute(f"SELECT {_LINE} FROM data.lake_file ORDER BY class, day, shard, version")
            return [file for file in cursor if not file.is_whole(self.folder)]


def _lock_day(connection: psycopg.Connection, name: str, day: date, shard: str) -> None:
    connection.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 7))", (f"lake {name} {day} {shard}",))


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

"""Datasets: rows that are too many for a reply, published as immutable Parquet files with a manifest in PostgreSQL.

The data plane beside the control plane: a service publishes a dataset for a period and a shard, puts the reference into a reply
or an event, and whoever holds the reference scans it by column. A file never changes; publishing again adds a version.
"""

import hashlib
import json
import os
import pathlib
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet as pq
from psycopg.rows import dict_row

from denghuo.data.processing.database import Database, disk_full
from denghuo.kernel.contract import ColumnType, DatasetRef, DatasetSchema
from denghuo.kernel.problem import NotFound, text

pc: Any = pyarrow.compute
_LOOK = 1000
"""Rows by which a column is judged."""
_ARROW: dict[ColumnType, pa.DataType] = {
    "text": pa.string(),
    "int64": pa.int64(),
    "int32": pa.int32(),
    "bool": pa.bool_(),
    "date": pa.date32(),
    "instant": pa.timestamp("us", tz="UTC"),
    "json": pa.string(),
}


def arrow_schema(schema: DatasetSchema) -> pa.Schema:
    return pa.schema([pa.field(name, _ARROW[kind]) for name, kind in schema.columns.items()])


class Datasets:
    """The catalogue and the files of all datasets of this deployment.

    Files lie under `folder/<name>/<period>/<shard>-<digest>.parquet`; the digest is the SHA-256 of the file, so publishing the same
    rows again gives the same reference.
    """

    def __init__(self, database: Database, folder: pathlib.Path) -> None:
        self._database = database
        self.folder = folder

    def publish(
        self,
        schema: DatasetSchema,
        period: str,
        shard: str,
        rows: pa.Table | Iterable[Mapping[str, Any]],
        now: datetime,
    ) -> DatasetRef:
        """Writes the rows and enters them into the manifest as the newest version of (name, period, shard)."""
        return self.enter(write_file(self.folder, schema, period, shard, rows), now)

    def enter(self, made: "DatasetFile", now: datetime) -> DatasetRef:
        """Enters a file that `write_file` wrote into the manifest, as the newest version of (name, period, shard)."""
        ref = made.ref
        with self._database.connection() as connection:
            connection.execute(
                "INSERT INTO data.dataset (name, version, period, shard, digest, row_count, path, published_at)"
                " VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (name, period, shard, digest)"
                " DO UPDATE SET published_at = excluded.published_at",
                (ref.name, ref.version, ref.period, ref.shard, ref.digest, ref.row_count, made.path, now),
            )
        return ref

    def newest(self, name: str, period: str) -> list[DatasetRef]:
        """The newest published file of each shard of a period, in shard order."""
        with self._database.connection() as connection, connection.cursor(row_factory=dict_row) as cursor:
            cursor.execute(
                "SELECT DISTINCT ON (shard) name, version, period, shard, digest, row_count FROM data.dataset"
                " WHERE name = %s AND period = %s ORDER BY shard, published_at DESC, id DESC",
                (name, period),
            )
            return [DatasetRef(**row) for row in cursor]

    def files(self, name: str, periods: Sequence[str]) -> dict[tuple[str, str], pathlib.Path]:
        """Where the newest file of each period and shard lies."""
        with self._database.connection() as connection:
            rows = connection.execute(
                "SELECT DISTINCT ON (period, shard) period, shard, path FROM data.dataset WHERE name = %s"
                " AND period = ANY (%s) ORDER BY period, shard, published_at DESC, id DESC",
                (name, list(periods)),
            ).fetchall()
        return {(period, shard): self.folder / path for period, shard, path in rows}

    def path(self, ref: DatasetRef) -> pathlib.Path:
        """Where the file of a reference lies.

        Raises:
            NotFound: no such file was published here.
        """
        with self._database.connection() as connection:
            row = connection.execute(
                "SELECT path FROM data.dataset WHERE name = %s AND period = %s AND shard = %s AND digest = %s",
                (ref.name, ref.period, ref.shard, ref.digest),
            ).fetchone()
        if row is None:
            raise NotFound(
                text(
                    f"数据集 {ref.name}（{ref.period}，分片 {ref.shard}）未发布。",
                    f"Dataset {ref.name} ({ref.period}, shard {ref.shard}) was never published.",
                ),
                subject="dataset",
                value=ref.name,
            )
        return self.folder / str(row[0])

    def scan(self, refs: DatasetRef | Sequence[DatasetRef], columns: Sequence[str] | None = None) -> pa.Table:
        """The columns of one or more references as one table."""
        many = [refs] if isinstance(refs, DatasetRef) else list(refs)
        tables = [pq.read_table(self.path(ref), columns=list(columns) if columns else None) for ref in many]
        return pa.concat_tables(tables) if tables else pa.table({})


@dataclass(frozen=True)
class DatasetFile:
    """A file of a dataset that stands under its final name, and the reference that it is to be found by once it is entered."""

    ref: DatasetRef
    path: str


def write_file(
    folder: pathlib.Path,
    schema: DatasetSchema,
    period: str,
    shard: str,
    rows: pa.Table | Iterable[Mapping[str, Any]],
    row_group: int | None = None,
) -> DatasetFile:
    """Writes rows below the folder of all datasets; needs no database, so any process can do it.

    row_group: rows of a group, of files of which a few rows are looked for.

    Raises:
        Unavailable: the disk is full.
    """
    table = rows if isinstance(rows, pa.Table) else pa.Table.from_pylist(list(rows), schema=arrow_schema(schema))
    said = table.schema.metadata
    table = table.select(list(schema.columns)).cast(arrow_schema(schema)).replace_schema_metadata(said)

    def write(path: pathlib.Path) -> int:
        write_rows(table, path, row_group)
        return table.num_rows

    return placed_file(folder, schema, period, shard, write)


def placed_file(
    folder: pathlib.Path, schema: DatasetSchema, period: str, shard: str, write: Callable[[pathlib.Path], int]
) -> DatasetFile:
    """As `write_file`, of rows that `write` writes where it is told; it gives their number.

    Raises:
        Unavailable: the disk is full.
    """
    own = folder / schema.name / period
    own.mkdir(parents=True, exist_ok=True)
    partial = own / f".{shard}-{os.getpid()}-{threading.get_ident()}.partial"
    try:
        row_count = write(partial)
        digest = _sha256(partial)
        final = own / f"{shard}-{digest[:16]}.parquet"
        with partial.open("rb+") as file:
            os.fsync(file.fileno())
        partial.rename(final)
    except OSError as error:
        raise disk_full() from error
    finally:
        partial.unlink(missing_ok=True)
    ref = DatasetRef(
        name=schema.name,
        version=schema.version,
        period=period,
        shard=shard,
        digest=digest,
        row_count=row_count,
    )
    return DatasetFile(ref, str(final.relative_to(folder)))


def write_rows(table: pa.Table, path: pathlib.Path, row_group: int | None = None) -> None:
    """Writes the file of a dataset. Numbers as differences and keys as they are: both are written and read in less time than by a
    dictionary, which is for texts that come again. Differences take no more bits than they need; to compress them makes them no
    smaller."""
    numbers = [field.name for field in table.schema if pa.types.is_integer(field.type)]
    others = [name for name in table.column_names if name not in numbers]
    begin = table.slice(0, _LOOK)
    pq.write_table(
        table,
        path,
        compression=cast(Any, dict.fromkeys(numbers, "none") | dict.fromkeys(others, "zstd")),
        use_dictionary=cast(Any, [name for name in others if pc.count_distinct(begin[name]).as_py() < len(begin)]),
        column_encoding=dict.fromkeys(numbers, "DELTA_BINARY_PACKED"),
        row_group_size=row_group,
    )


def _sha256(path: pathlib.Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def json_column(value: Any) -> str:
    """The text of a `json` column."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))

"""The warehouse's DuckDB file: tables by schema, views over published datasets, and the position up to which all is applied."""

import contextlib
import json
import pathlib
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from denghuo.data.analysis.pgoutput import UNCHANGED
from denghuo.data.analysis.slot import Batch, Key, Pending, Table, TableChanges
from denghuo.data.analysis.sources import DATASETS, LAKE_FILES, External, LakeView

MEMORY = "512MB"
THREADS = 2
_MANIFESTS = frozenset({DATASETS.name, LAKE_FILES.name})


class WarehouseFile:
    """One writer (the follower) and any number of readers, each on a cursor of its own with a consistent view."""

    def __init__(self, path: pathlib.Path, datasets: pathlib.Path, externals: Sequence[External | LakeView]) -> None:
        self._connection = duckdb.connect(str(path), config={"memory_limit": MEMORY, "threads": str(THREADS)})
        self._datasets = datasets.absolute()
        self._externals = tuple(externals)
        self._names: frozenset[str] | None = None
        self._state: dict[str, Any] | None = None
        self._lock = threading.Lock()
        self._connection.execute("CREATE SCHEMA IF NOT EXISTS denghuo")
        self._connection.execute("CREATE TABLE IF NOT EXISTS denghuo.position (body VARCHAR NOT NULL)")
        # The organisation scope of a caller, as the database's own policies read it.
        self._connection.execute(
            "CREATE OR REPLACE MACRO in_scope(org, scope) AS"
            " len(list_filter(scope, lambda unit: unit = '' OR starts_with(org || '.', unit || '.'))) > 0"
        )
        with self.transaction() as cursor:
            self._show_externals(cursor)

    def close(self) -> None:
        self._connection.close()

    # -- reading -------------------------------------------------------------------------------------------------------------

    def rows(self, query: str, params: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        cursor = self._cursor()
        try:
            cursor.execute(query, dict(params) if params else None)
            names = [column[0] for column in cursor.description or ()]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
        finally:
            cursor.close()

    def names(self) -> frozenset[str]:
        """All tables and views, as `schema.name`."""
        if self._names is None:
            found = self.rows("SELECT table_schema AS s, table_name AS t FROM information_schema.tables")
            self._names = frozenset(f"{row['s']}.{row['t']}" for row in found)
        return self._names

    def state(self) -> dict[str, Any]:
        """What `remember` kept last; empty for a new file."""
        if self._state is None:
            rows = self.rows("SELECT body FROM denghuo.position")
            self._state = dict(json.loads(rows[0]["body"])) if rows else {}
        return self._state

    # -- writing -------------------------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def transaction(self) -> Iterator[duckdb.DuckDBPyConnection]:
        cursor = self._cursor()
        cursor.execute("BEGIN")
        try:
            yield cursor
        except BaseException:
            cursor.execute("ROLLBACK")
            raise
        else:
            cursor.execute("COMMIT")
            self._names = self._state = None
        finally:
            cursor.close()

    def remember(self, cursor: duckdb.DuckDBPyConnection, state: Mapping[str, Any]) -> None:
        cursor.execute("DELETE FROM denghuo.position")
        cursor.execute("INSERT INTO denghuo.position VALUES (?)", [json.dumps(state)])

    def load(
        self, cursor: duckdb.DuckDBPyConnection, table: Table, rows: Iterable[list[tuple[str | None, ...]]]
    ) -> None:
        """Makes the table anew and fills it."""
        cursor.execute(f"CREATE SCHEMA IF NOT EXISTS {_quoted(table.schema)}")
        columns = ", ".join(f"{_quoted(name)} {kind}" for name, kind in table.types.items())
        cursor.execute(f"CREATE OR REPLACE TABLE {_named(table)} ({columns})")
        for batch in rows:
            self._insert(cursor, table, [dict(zip(table.types, row, strict=True)) for row in batch])
        if table.full_name in _MANIFESTS:
            self._show_externals(cursor)

    def drop_others(self, cursor: duckdb.DuckDBPyConnection, tables: Mapping[str, Table]) -> None:
        """Drops tables that are no longer followed."""
        cursor.execute(
            "SELECT table_schema, table_name FROM information_schema.tables WHERE table_type = 'BASE TABLE'"
            " AND table_schema NOT IN ('denghuo', 'main')"
        )
        for schema, name in cursor.fetchall():
            if f"{schema}.{name}" not in tables:
                cursor.execute(f"DROP TABLE {_quoted(schema)}.{_quoted(name)}")

    def apply(self, cursor: duckdb.DuckDBPyConnection, batch: Batch, tables: Mapping[str, Table]) -> None:
        for name, changes in batch.changes.items():
            table = tables.get(name)
            if table is None:
                continue
            if changes.emptied:
                cursor.execute(f"DELETE FROM {_named(table)}")
            if changes.rows:
                self._apply_rows(cursor, table, changes)
            if name in _MANIFESTS:
                self._show_externals(cursor)

    def _apply_rows(self, cursor: duckdb.DuckDBPyConnection, table: Table, changes: TableChanges) -> None:
        self._complete(cursor, table, changes)
        keys = [dict(zip(table.key, key, strict=True)) for key in changes.rows]
        cursor.register("gone", _texts(table.key, keys))
        cursor.execute(f"DELETE FROM {_named(table)} AS t USING gone AS g WHERE {_same_key(table, 't', 'g')}")
        cursor.unregister("gone")
        new = [_sent(pending) for pending in changes.rows.values() if pending.values is not None]
        if new:
            self._insert(cursor, table, new)

    def _complete(self, cursor: duckdb.DuckDBPyConnection, table: Table, changes: TableChanges) -> None:
        """Fills in what an update left unchanged and was therefore not sent, from the row in the file."""
        wanting: dict[Key, Pending] = {
            pending.origin: pending
            for pending in changes.rows.values()
            if pending.values is not None and UNCHANGED in pending.values.values()
        }
        for key, pending in wanting.items():
            condition = " AND ".join(f"CAST({_quoted(name)} AS VARCHAR) = ?" for name in table.key)
            columns = ", ".join(f"CAST({_quoted(name)} AS VARCHAR)" for name in table.types)
            cursor.execute(f"SELECT {columns} FROM {_named(table)} WHERE {condition}", list(key))
            rows = cursor.fetchall()
            before = dict(zip(table.types, rows[0], strict=True)) if rows else {}
            assert pending.values is not None
            pending.values = {
                name: before.get(name) if value is UNCHANGED else value for name, value in pending.values.items()
            }

    def _insert(
        self, cursor: duckdb.DuckDBPyConnection, table: Table, rows: Sequence[Mapping[str, str | None]]
    ) -> None:
        cursor.register("incoming", _texts(tuple(table.types), rows))
        casts = ", ".join(f"CAST({_quoted(name)} AS {kind})" for name, kind in table.types.items())
        cursor.execute(f"INSERT INTO {_named(table)} SELECT {casts} FROM incoming")
        cursor.unregister("incoming")

    # -- published datasets ----------------------------------------------------------------------------------------------------

    def _show_externals(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """Points each view at the newest published files of its dataset or lake class."""
        # By the columns that are asked for: a file of a former version may lack one until it is read afresh.
        cursor.execute(
            "SELECT table_schema || '.' || table_name FROM information_schema.columns WHERE column_name IN ('period', 'until')"
        )
        known = {name for (name,) in cursor.fetchall()}
        for external in self._externals:
            if isinstance(external, External):
                schema, _, name = external.dataset.partition(".")
                files = (
                    self._files(cursor, _NEWEST_DATASETS, external.dataset, self._datasets)
                    if DATASETS.name in known
                    else []
                )
                view = _view("month", "VARCHAR", external.columns, files)
            else:
                schema, name = "lake", external.lake_class
                files = (
                    self._files(cursor, _NEWEST_DAYS, name, self._datasets / "lake") if LAKE_FILES.name in known else []
                )
                view = _view("day", "DATE", external.columns, files, external.key)
            cursor.execute(f"CREATE SCHEMA IF NOT EXISTS {_quoted(schema)}")
            cursor.execute(f"CREATE OR REPLACE VIEW {_quoted(schema)}.{_quoted(name)} AS {view}")

    def _files(
        self, cursor: duckdb.DuckDBPyConnection, query: str, name: str, folder: pathlib.Path
    ) -> list[tuple[str, pathlib.Path]]:
        """(period, file) of what the manifest names and is there."""
        cursor.execute(query, [name])
        found = [(str(period), folder / path) for period, path in cursor.fetchall()]
        return [(period, path) for period, path in found if path.is_file()]

    def _cursor(self) -> duckdb.DuckDBPyConnection:
        with self._lock:
            return self._connection.cursor()


_NEWEST_DATASETS = """
SELECT period, path FROM data.dataset WHERE name = ?
QUALIFY row_number() OVER (PARTITION BY period, shard ORDER BY published_at DESC, id DESC) = 1 ORDER BY period, shard
"""
_NEWEST_DAYS = """
SELECT day, path FROM data.lake_file WHERE class = ? AND until IS NULL ORDER BY day, shard, version
"""


def _view(
    period_name: str,
    period_type: str,
    columns: Mapping[str, str],
    files: Sequence[tuple[str, pathlib.Path]],
    key: str | None = None,
) -> str:
    """The text of a view over Parquet files, with the period of each file as its first column. Of rows of a period with the same
    key that of the last file counts."""
    if not files:
        empty = ", ".join(f"CAST(NULL AS {kind}) AS {_quoted(name)}" for name, kind in columns.items())
        return f"SELECT CAST(NULL AS {period_type}) AS {period_name}, {empty} WHERE false"
    parts = []
    for period in sorted({period for period, _ in files}):
        paths = [path for each, path in files if each == period]
        present = set(pq.read_schema(paths[-1]).names)
        selected = ", ".join(
            f"CAST({_quoted(name) if name in present else 'NULL'} AS {kind}) AS {_quoted(name)}"
            for name, kind in columns.items()
        )
        listed = ", ".join(_text(str(path)) for path in paths)
        named = newest = ""
        if key is not None and len(paths) > 1:
            place = f"list_position([{listed}], filename)"
            named = ", filename = true"
            newest = f" QUALIFY row_number() OVER (PARTITION BY {_quoted(key)} ORDER BY {place} DESC) = 1"
        parts.append(
            f"SELECT CAST({_text(period)} AS {period_type}) AS {period_name}, {selected}"
            f" FROM read_parquet([{listed}], union_by_name = true{named}){newest}"
        )
    return " UNION ALL ".join(parts)


def _sent(pending: Pending) -> dict[str, str | None]:
    assert pending.values is not None
    return {name: value if isinstance(value, str) else None for name, value in pending.values.items()}


def _texts(names: Sequence[str], rows: Sequence[Mapping[str, str | None]]) -> pa.Table:
    return pa.table({name: pa.array([row.get(name) for row in rows], pa.string()) for name in names})


def _same_key(table: Table, left: str, right: str) -> str:
    return " AND ".join(
        f"{left}.{_quoted(name)} = CAST({right}.{_quoted(name)} AS {table.types[name]})" for name in table.key
    )


def _named(table: Table) -> str:
    return f"{_quoted(table.schema)}.{_quoted(table.name)}"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"

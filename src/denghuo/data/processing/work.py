"""Work: one transaction in one service's schema, opened at its first use (工作单元).

Because the connection is taken only when own tables are touched, an operation asks its peers first and writes after, and no
lock is held while a peer answers. The transaction runs in the role of the service's schema and carries the caller's organisation
scope in `denghuo.scope`, from which the row-level security policies of the tables decide what exists for this caller.
"""

import contextlib
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, LiteralString, TypeVar

import psycopg
import pyarrow as pa
from psycopg import sql
from psycopg.rows import BaseRowFactory, class_row, dict_row, scalar_row

from denghuo.data.processing.columns import copy_out, copy_text, read_csv
from denghuo.data.processing.database import Database, role_of
from denghuo.data.processing.dataset import Datasets
from denghuo.data.processing.parts import Workers
from denghuo.kernel.contract import Call, Event

if TYPE_CHECKING:
    from denghuo.data.analysis.lake import Lake
    from denghuo.data.analysis.warehouse import Warehouse

Row = TypeVar("Row")
Params = Sequence[Any] | Mapping[str, Any] | None

_OPEN = """
SELECT set_config('role', %(role)s, true), set_config('search_path', %(schema)s || ', denghuo', true),
       set_config('denghuo.scope', %(scope)s, true), set_config('denghuo.accounts', %(accounts)s, true),
       set_config('transaction_read_only', %(read_only)s, true)
"""

_FEW = 32
EVERYTHING = "*"
"""What `denghuo.scope` holds for the whole company; an empty setting means that nothing is visible."""


def containing(keyword: str) -> str:
    """The LIKE pattern of lower-case text that contains a keyword, its wildcards taken literally."""
    literal = keyword.strip().lower().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{literal}%"


class Work:
    """A unit of work. Made by the host for each operation; a service only uses it.

    `datasets` publishes and scans rows that are too many for a reply; `lake` keeps measured values by day; `warehouse` holds the
    figures of all services, where this process follows the store; `workers` compute parts of large work, where there are any.
    `emit` adds an event to the journal row of the command.
    """

    def __init__(
        self,
        database: Database,
        schema: str,
        call: Call,
        datasets: Datasets,
        lake: "Lake",
        read_only: bool = False,
        warehouse: "Warehouse | None" = None,
        workers: Workers | None = None,
    ) -> None:
        self.schema = schema
        self.call = call
        self.datasets = datasets
        self.lake = lake if read_only else lake.within(self._as_platform)
        self.warehouse = warehouse
        self.workers = workers
        self.events: list[Event] = []
        self.jobs: list[tuple[str, dict[str, Any], datetime | None]] = []
        self._database = database
        self._read_only = read_only
        self._scope: contextlib.AbstractContextManager[psycopg.Connection] | None = None
        self._connection: psycopg.Connection | None = None

    # -- life ------------------------------------------------------------------------------------------------------------

    @property
    def connection(self) -> psycopg.Connection:
        """The transaction's connection; the first use opens it."""
        if self._connection is None:
            self._scope = self._database.connection()
            self._connection = self._scope.__enter__()
            self._connection.execute(
                _OPEN,
                {
                    "role": role_of(self.schema),
                    "schema": self.schema,
                    "scope": EVERYTHING if "" in self.call.scope else ",".join(f"{unit}." for unit in self.call.scope),
                    "accounts": ",".join(self.call.accounts),
                    "read_only": "on" if self._read_only else "off",
                },
            )
        return self._connection

    @property
    def opened(self) -> bool:
        return self._connection is not None

    @contextlib.contextmanager
    def _as_platform(self) -> Iterator[psycopg.Connection]:
        """The transaction in the platform's own role, for a manifest that belongs to no service; all of it is written or none."""
        with self.connection.transaction():
            self.connection.execute("SELECT set_config('role', 'none', true)")
            yield self.connection
            self.connection.execute("SELECT set_config('role', %s, true)", (role_of(self.schema),))

    def __enter__(self) -> "Work":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        scope, self._scope, self._connection = self._scope, None, None
        if scope is not None:
            scope.__exit__(kind, error, traceback)

    # -- statements ------------------------------------------------------------------------------------------------------

    def rows(
        self, query: LiteralString | sql.Composed, params: Params = None, into: type[Row] | None = None
    ) -> list[Any]:
        """All rows, as instances of `into` (columns by name) or as dicts."""
        return self._execute(query, params, class_row(into) if into is not None else dict_row).fetchall()

    def row(
        self, query: LiteralString | sql.Composed, params: Params = None, into: type[Row] | None = None
    ) -> Any | None:
        """The first row or None."""
        return self._execute(query, params, class_row(into) if into is not None else dict_row).fetchone()

    def value(self, query: LiteralString | sql.Composed, params: Params = None) -> Any | None:
        """The first column of the first row, or None."""
        return self._execute(query, params, scalar_row).fetchone()

    def values(self, query: LiteralString | sql.Composed, params: Params = None) -> list[Any]:
        """The first column of all rows."""
        return self._execute(query, params, scalar_row).fetchall()

    def run(self, query: LiteralString | sql.Composed, params: Params = None) -> int:
        """Executes and gives the number of rows touched."""
        return self.connection.execute(query, params).rowcount

    def run_many(self, query: LiteralString | sql.Composed, each: Iterable[Sequence[Any] | Mapping[str, Any]]) -> int:
        """Executes once per parameter set in one pipeline; gives the number of rows touched in all."""
        with self.connection.cursor() as cursor:
            cursor.executemany(query, each)
            return cursor.rowcount

    def copy_in(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
        """Bulk insert by COPY; gives the number of rows written.

        COPY refuses tables with row-level security, so the rows go through a temporary table; the INSERT from there is checked by
        the table's policies like any other. A few rows are inserted as they are: to make and drop a table costs as much as fifty.
        """
        rows = iter(rows)
        first = list(itertools.islice(rows, _FEW + 1))
        if len(first) <= _FEW:
            return self._insert(table, columns, first) if first else 0

        def write(copy: psycopg.Copy) -> None:
            for row in itertools.chain(first, rows):
                copy.write_row(row)

        return self._copy(table, columns, write)

    def copy_columns(self, table: str, rows: pa.Table) -> int:
        """As `copy_in`, from columns that have the names of the table's."""

        def write(copy: psycopg.Copy) -> None:
            for piece in copy_text(rows):
                copy.write(piece)

        return self._copy(table, rows.column_names, write)

    def _copy(self, table: str, columns: Sequence[str], write: Callable[[psycopg.Copy], None]) -> int:
        names = {
            "table": sql.Identifier(table),
            "incoming": sql.Identifier(f"incoming_{table}"),
            "columns": sql.SQL(", ").join(map(sql.Identifier, columns)),
        }
        self.run(
            sql.SQL(
                "CREATE TEMPORARY TABLE {incoming} ON COMMIT DROP AS SELECT {columns} FROM {table} WITH NO DATA"
            ).format(**names)
        )
        with self.connection.cursor() as cursor:
            with cursor.copy(sql.SQL("COPY {incoming} FROM STDIN").format(**names)) as copy:
                write(copy)
        written = self.run(sql.SQL("INSERT INTO {table} ({columns}) SELECT * FROM {incoming}").format(**names))
        self.run(sql.SQL("DROP TABLE {incoming}").format(**names))
        return written

    def _insert(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> int:
        """Rows in one statement: a trigger of the table sees all of them."""
        one = sql.SQL("({})").format(sql.SQL(", ").join([sql.Placeholder()] * len(columns)))
        insert = sql.SQL("INSERT INTO {table} ({columns}) VALUES {rows}").format(
            table=sql.Identifier(table),
            columns=sql.SQL(", ").join(map(sql.Identifier, columns)),
            rows=sql.SQL(", ").join([one] * len(rows)),
        )
        return self.run(insert, [value for row in rows for value in row])

    def table(self, query: LiteralString, params: Params, schema: pa.Schema) -> pa.Table:
        """All rows as columns; the query gives them in the order of the schema."""
        statement = psycopg.ClientCursor(self.connection).mogrify(
            sql.SQL("COPY ({}) TO STDOUT (FORMAT csv)").format(sql.SQL(query)), params
        )
        return read_csv(b"".join(copy_out(self.connection, statement)), schema)

    def stream(self, query: LiteralString | sql.Composed, params: Params = None, batch: int = 5_000) -> Iterator[Any]:
        """Rows as dicts through a server-side cursor, for results that should not stand in memory whole."""
        with self.connection.cursor("stream", row_factory=dict_row) as cursor:
            cursor.itersize = batch
            cursor.execute(query, params)
            yield from cursor

    @contextlib.contextmanager
    def savepoint(self) -> Iterator[None]:
        """A part of the transaction that may fail without ending the rest."""
        with self.connection.transaction():
            yield

    def _execute(
        self, query: LiteralString | sql.Composed, params: Params, factory: BaseRowFactory[Any]
    ) -> psycopg.Cursor[Any]:
        cursor = self.connection.cursor(row_factory=factory)
        cursor.execute(query, params)
        return cursor

    # -- what follows from the command -----------------------------------------------------------------------------------

    def emit(self, event: Event) -> None:
        """Publishes a fact with this transaction: it is stored in the command's journal row and relayed after commit."""
        self.events.append(event)

    def enqueue(self, operation: str, request: Mapping[str, Any], at: datetime | None = None) -> None:
        """Orders long work with this transaction: `operation` (`noun.verb`, a command whose reply has a field `again`) is
        called after commit, not before `at`, and called again as long as its reply says `again`."""
        self.jobs.append((operation, dict(request), at))

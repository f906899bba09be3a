"""Housekeeping: months of partitioned tables, made ahead and, where told, dropped (按月分区).

Journals and events are divided by month, with a rest partition for what no month covers. Nothing is ever moved: a month whose
first rows lie in the rest already stays there. The months that are made here can be detached and kept apart as a whole.
"""

import logging
import re
import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

import psycopg
from psycopg import sql

from denghuo.data.processing.database import Database
from denghuo.kernel.period import SHANGHAI, Month
from denghuo.kernel.problem import Unavailable

log = logging.getLogger("denghuo.housekeeping")

MONTHS_AHEAD = 3
EVERY_S = 24 * 60 * 60.0
LOCK_TIMEOUT = "2s"
"""Making a partition waits for who writes, and who comes meanwhile waits behind it: rather give up until the next round."""


_MONTH = re.compile(r"[0-9]{4}_[0-9]{2}")


class Housekeeping:
    """Keeps house in the given service schemas: once at the start and once a day while it runs. Any number of processes may.

    kept_months: how many months before the present one a table (`schema.table`) keeps; one that is not named keeps all.
    also: what else is seen to in each round.
    """

    def __init__(
        self,
        database: Database,
        schemas: Collection[str],
        clock: Callable[[], datetime],
        kept_months: Mapping[str, int] | None = None,
        also: Callable[[datetime], object] = lambda now: None,
    ) -> None:
        self._database, self._schemas, self._clock = database, list(schemas), clock
        self._kept_months, self._also = kept_months or {}, also
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """The first round is over when this returns, so that what starts next finds its months."""
        self._round()
        self._thread = threading.Thread(target=self._keep, name="denghuo-housekeeping", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        if self._thread is not None:
            self._thread.join(timeout=20)

    def _keep(self) -> None:
        while not self._stopped.wait(EVERY_S):
            self._round()

    def _round(self) -> None:
        try:
            now = self._clock()
            make_months(self._database, self._schemas, now)
            drop_months(self._database, self._schemas, now, self._kept_months)
            self._also(now)
        except (psycopg.Error, Unavailable, OSError) as error:
            log.warning("the months of tables will be seen to in the next round: %s", error)


def make_months(database: Database, schemas: Collection[str], now: datetime) -> list[str]:
    """Makes the partitions of this month and the coming ones where they are missing; gives their names."""
    months = [_month_of(now)]
    for _ in range(MONTHS_AHEAD):
        months.append(months[-1].next)
    return [
        f"{table.schema}.{table.month(month)}"
        for table in _divided(database, schemas)
        for month in months
        if table.month(month) not in table.parts and _make(database, table, month)
    ]


def drop_months(
    database: Database, schemas: Collection[str], now: datetime, kept_months: Mapping[str, int]
) -> list[str]:
    """Drops the months that tables keep no longer, each as a whole; gives their names."""
    dropped = []
    for table in _divided(database, schemas):
        kept = kept_months.get(f"{table.schema}.{table.name}")
        if kept is None:
            continue
        oldest = _month_of(now)
        for _ in range(kept):
            oldest = oldest.previous
        for part in sorted(table.parts):
            if _MONTH.fullmatch(part.removeprefix(f"{table.name}_")) and part < table.month(oldest):
                drop = sql.SQL("DROP TABLE {}").format(sql.Identifier(table.schema, part))
                if _alone(database, f"{table.schema}.{part}", drop):
                    dropped.append(f"{table.schema}.{part}")
    return dropped


@dataclass(frozen=True)
class _Divided:
    """A table divided by an instant, with a rest partition; `parts`: the names of all its partitions."""

    schema: str
    name: str
    key: str
    parts: frozenset[str]

    def month(self, month: Month) -> str:
        return f"{self.name}_{month.year}_{month.month:02d}"


def _divided(database: Database, schemas: Collection[str]) -> list[_Divided]:
    with database.connection() as connection:
        rows = connection.execute(
            "SELECT n.nspname, c.relname, a.attname, array_agg(part.relname)"
            " FROM pg_partitioned_table t JOIN pg_class c ON c.oid = t.partrelid JOIN pg_namespace n ON n.oid = c.relnamespace"
            " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = t.partattrs[0]"
            " JOIN pg_inherits i ON i.inhparent = c.oid JOIN pg_class part ON part.oid = i.inhrelid"
            " WHERE n.nspname = ANY(%s) GROUP BY 1, 2, 3 ORDER BY 1, 2",
            (list(schemas),),
        ).fetchall()
    return [_Divided(schema, name, key, frozenset(parts)) for schema, name, key, parts in rows]


def _month_of(now: datetime) -> Month:
    return Month.of(now.astimezone(SHANGHAI).strftime("%Y-%m"))


def _make(database: Database, table: _Divided, month: Month) -> bool:
    """Makes one partition; False where it is not to be had now, or its first rows lie in the rest."""
    parts = {
        "table": sql.Identifier(table.schema, table.name),
        "rest": sql.Identifier(table.schema, f"{table.name}_rest"),
        "key": sql.Identifier(table.key),
        "month": sql.Identifier(table.schema, table.month(month)),
        "start": sql.Literal(month.period.start),
        "end": sql.Literal(month.period.end),
    }
    create = sql.SQL("CREATE TABLE {month} PARTITION OF {table} FOR VALUES FROM ({start}) TO ({end})")
    lies_in_rest = sql.SQL("SELECT EXISTS (SELECT FROM {rest} WHERE {key} >= {start} AND {key} < {end})")
    return _alone(
        database, f"{table.schema}.{table.month(month)}", create.format(**parts), lies_in_rest.format(**parts)
    )


def _alone(database: Database, name: str, statement: sql.Composed, unless: sql.Composed | None = None) -> bool:
    """Runs one statement in a transaction of its own; False where it cannot be done now, or `unless` is true."""
    with database.connection() as connection:
        try:
            with connection.transaction():
                connection.execute("SELECT set_config('lock_timeout', %s, true)", (LOCK_TIMEOUT,))
                # One process at a time, so that no two wait for each other's locks.
                connection.execute("SELECT pg_advisory_xact_lock(hashtextextended('denghuo months', 0))")
                if unless is not None and connection.execute(unless).fetchone() == (True,):
                    return False
                connection.execute(statement)
        except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected) as error:
            log.info("%s will be seen to in the next round: %s", name, error)
            return False
        except (
            psycopg.errors.DuplicateTable,  # another process was first
            psycopg.errors.UndefinedTable,
            psycopg.errors.CheckViolation,  # a row came into the rest meanwhile
        ):
            return False
    return True

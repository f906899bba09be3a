"""Housekeeping: what the store needs from time to time. Today: the journals' partitions of the coming months (按月分区).

Nothing is ever moved: a month whose first rows lie in the rest partition already stays there. The months that are made here can be
detached and kept apart as a whole.
"""

import logging
import threading
from collections.abc import Callable, Collection
from datetime import datetime

import psycopg
from psycopg import sql

from denghuo.data.processing.database import Database
from denghuo.kernel.period import SHANGHAI, Month, Period
from denghuo.kernel.problem import Unavailable

log = logging.getLogger("denghuo.housekeeping")

MONTHS_AHEAD = 3
EVERY_S = 24 * 60 * 60.0
LOCK_TIMEOUT = "2s"
"""Making a partition waits for who writes, and who comes meanwhile waits behind it: rather give up until the next round."""


class Housekeeping:
    """Keeps house in the given service schemas: once at the start and once a day while it runs. Any number of processes may."""

    def __init__(self, database: Database, schemas: Collection[str], clock: Callable[[], datetime]) -> None:
        self._database, self._schemas, self._clock = database, list(schemas), clock
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
            make_journal_months(self._database, self._schemas, self._clock())
        except (psycopg.Error, Unavailable) as error:
            log.warning("the journals' months will be made in the next round: %s", error)


def make_journal_months(database: Database, schemas: Collection[str], now: datetime) -> list[str]:
    """Makes the partitions of this month and the coming ones where they are missing; gives their names."""
    months = [Month.of(now.astimezone(SHANGHAI).strftime("%Y-%m"))]
    for _ in range(MONTHS_AHEAD):
        months.append(months[-1].next)
    wanted = [(schema, month, f"journal_{month.year}_{month.month:02d}") for schema in schemas for month in months]
    with database.connection() as connection:
        known = connection.execute(
            "SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE n.nspname = ANY(%s) AND c.relname = ANY(%s)",
            (list(schemas), [name for _, _, name in wanted]),
        ).fetchall()
    return [
        f"{schema}.{name}"
        for schema, month, name in wanted
        if (schema, name) not in known and _make(database, schema, month.period, name)
    ]


def _make(database: Database, schema: str, period: Period, name: str) -> bool:
    """Makes one partition in a transaction of its own; False where it is not to be had now."""
    parts = {
        "journal": sql.Identifier(schema, "journal"),
        "rest": sql.Identifier(schema, "journal_rest"),
        "month": sql.Identifier(schema, name),
        "start": sql.Literal(period.start),
        "end": sql.Literal(period.end),
    }
    with database.connection() as connection:
        try:
            with connection.transaction():
                connection.execute("SELECT set_config('lock_timeout', %s, true)", (LOCK_TIMEOUT,))
                # One process at a time, so that no two wait for each other's locks.
                connection.execute("SELECT pg_advisory_xact_lock(hashtextextended('denghuo journal months', 0))")
                lies_in_rest = sql.SQL("SELECT EXISTS (SELECT FROM {rest} WHERE at >= {start} AND at < {end})")
                if connection.execute(lies_in_rest.format(**parts)).fetchone() == (True,):
                    return False
                create = sql.SQL("CREATE TABLE {month} PARTITION OF {journal} FOR VALUES FROM ({start}) TO ({end})")
                connection.execute(create.format(**parts))
        except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected) as error:
            log.info("%s.%s will be made in the next round: %s", schema, name, error)
            return False
        except (
            psycopg.errors.DuplicateTable,  # another process was first
            psycopg.errors.CheckViolation,  # a row came into the rest meanwhile
        ):
            return False
    return True

"""Jobs that ended with an error (滞留作业): they stay in the queue's tables with the reason until somebody has them run again."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pgqueuer.adapters.persistence.qb import QueryQueueBuilder
from psycopg import RawCursor, sql
from psycopg.rows import dict_row

from denghuo.data.processing.database import Database
from denghuo.service.host.jobs import ENTRY, SCHEMA, SETTINGS

_QUERIES = QueryQueueBuilder(SETTINGS)
_OF = "FROM {queue} AS job WHERE status = 'failed' AND entrypoint = ANY (%(entries)s)"


@dataclass(frozen=True)
class HeldJob:
    """`why`: the error of the last run."""

    number: int
    operation: str
    request: dict[str, Any]
    actor: str
    why: str
    held_at: datetime


def held_jobs(
    database: Database, nouns: Iterable[str], limit: int, below: int | None = None
) -> tuple[list[HeldJob], int]:
    """Jobs of these services that ended with an error, the newest order first, and how many there are. below: the number with which
    the page before ended."""
    page = (
        "SELECT id, payload, updated, (SELECT traceback FROM {log} AS said WHERE said.job_id = job.id AND traceback IS NOT NULL"
        f" ORDER BY created DESC LIMIT 1) AS said {_OF} AND (%(below)s::bigint IS NULL OR id < %(below)s)"
        " ORDER BY id DESC LIMIT %(limit)s"
    )
    params = {"entries": [f"{ENTRY}.{noun}" for noun in nouns], "below": below, "limit": limit}
    with database.connection() as connection, connection.cursor(row_factory=dict_row) as cursor:
        if not _installed(cursor):
            return [], 0
        rows = cursor.execute(_named(page), params).fetchall()
        total = cursor.execute(_named(f"SELECT count(*) AS count {_OF}"), params).fetchone()
    return [_held(row) for row in rows], total["count"] if total else 0


def run_again(database: Database, nouns: Iterable[str], number: int) -> bool:
    """Has a job begin again behind the steps that it committed; whether there is such a one."""
    with database.connection() as connection:
        with connection.cursor(row_factory=dict_row) as cursor:
            params = {"entries": [f"{ENTRY}.{noun}" for noun in nouns], "number": number}
            query = _named(f"SELECT id {_OF} AND id = %(number)s FOR UPDATE")
            if not _installed(cursor) or cursor.execute(query, params).fetchone() is None:
                return False
        RawCursor(connection).execute(_QUERIES.build_requeue_jobs_query(), ([number],))
    return True


def _installed(cursor: Any) -> bool:
    """Whether this database has a queue."""
    found = cursor.execute("SELECT to_regclass(%s) IS NOT NULL AS there", (_QUERIES.qualified.queue_table,)).fetchone()
    return bool(found["there"])


def _named(query: str) -> sql.Composed:
    queue, log = (
        table.removeprefix(f"{SCHEMA}.")
        for table in (_QUERIES.qualified.queue_table, _QUERIES.qualified.queue_table_log)
    )
    return sql.SQL(query).format(queue=sql.Identifier(SCHEMA, queue), log=sql.Identifier(SCHEMA, log))


def _held(row: dict[str, Any]) -> HeldJob:
    order, said = json.loads(row["payload"]), row["said"] or {}
    why = ": ".join(part for part in (said.get("exception_type"), said.get("exception_message")) if part)
    return HeldJob(row["id"], order["operation"], order["request"], str(order["actor"]), why, row["updated"])

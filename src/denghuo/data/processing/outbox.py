"""Outbox: reads the events and jobs that the journals hold, in the order of commits, once per consumer (事件出箱).

The position of a consumer is (xid, seq). Rows become visible in the order of commits and not of their numbers, so reading is
bounded by the oldest transaction that still runs: nothing that commits later can lie before the position.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from denghuo.data.processing.database import Database

CHANNEL = "denghuo_journal"


@dataclass(frozen=True)
class Outgoing:
    """One journal row with something to deliver. `parts` are event envelopes {type, data} and job orders {job, data}."""

    schema: str
    xid: str
    seq: int
    at: datetime
    actor: str
    trace: str
    parts: list[dict[str, Any]]

    def part_id(self, position: int) -> str:
        """The identity of a part, the same at every delivery."""
        return f"{self.schema}-{self.xid}-{self.seq}-{position}"


def with_something(database: Database, consumer: str, schemas: Iterable[str], held_back: bool = False) -> list[str]:
    """Those of the schemas that hold rows which the consumer has not taken: asked in one statement, for most have none.

    held_back: also where a running transaction, of any database of the server, still keeps the rows from being read.
    """
    outboxes = [Outbox(database, schema) for schema in schemas]
    if not outboxes:
        return []
    each = [
        sql.SQL("SELECT {schema} WHERE EXISTS (SELECT FROM ").format(schema=outbox.schema)
        + outbox.waiting(held_back)
        + sql.SQL(")")
        for outbox in outboxes
    ]
    with database.connection() as connection:
        return [row[0] for row in connection.execute(sql.SQL(" UNION ALL ").join(each), {"consumer": consumer})]


class Outbox:
    """The outgoing rows of one service schema."""

    def __init__(self, database: Database, schema: str) -> None:
        self._database = database
        self.schema = schema

    def pending(self, consumer: str, limit: int = 200) -> list[Outgoing]:
        """The next rows that the consumer has not taken, oldest commit first."""
        columns = sql.SQL("SELECT xid::text, seq, at, actor, trace, events AS parts FROM ")
        query = columns + self.waiting() + sql.SQL(" ORDER BY xid, seq LIMIT %(limit)s")
        with self._database.connection() as connection, connection.cursor(row_factory=dict_row) as cursor:
            cursor.execute(query, {"consumer": consumer, "limit": limit})
            return [Outgoing(schema=self.schema, **row) for row in cursor]

    def waiting(self, held_back: bool = False) -> sql.Composed:
        """What stands after FROM: the rows that `consumer` has not taken and that no running transaction can come before, or with
        `held_back` also those that one can."""
        settled = sql.SQL("" if held_back else " AND xid < pg_snapshot_xmin(pg_current_snapshot())")
        return sql.SQL(
            "{journal} WHERE events <> '[]'{settled}"
            " AND (xid, seq) > (coalesce((SELECT xid FROM {position} WHERE consumer = %(consumer)s), '0'::xid8),"
            "                   coalesce((SELECT seq FROM {position} WHERE consumer = %(consumer)s), 0))"
        ).format(settled=settled, **self._names())

    def advance(self, connection: psycopg.Connection, consumer: str, row: Outgoing) -> None:
        """The consumer has taken the row; part of the connection's transaction."""
        connection.execute(
            sql.SQL(
                "INSERT INTO {position} (consumer, xid, seq) VALUES (%s, %s::xid8, %s)"
                " ON CONFLICT (consumer) DO UPDATE SET xid = excluded.xid, seq = excluded.seq"
            ).format(**self._names()),
            (consumer, row.xid, row.seq),
        )

    def park(self, consumer: str, part_id: str, part: dict[str, Any], reason: str) -> None:
        """Keeps a part that the consumer cannot take, so that those behind it go on."""
        with self._database.connection() as connection:
            connection.execute(
                sql.SQL(
                    "INSERT INTO {parked} (consumer, event_id, event, reason) VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING"
                ).format(**self._names()),
                (consumer, part_id, json.dumps(part, ensure_ascii=False), reason[:2_000]),
            )

    def parked(self) -> list[dict[str, Any]]:
        """What was parked, oldest first: {consumer, event_id, event, reason, parked_at}."""
        query = sql.SQL("SELECT consumer, event_id, event, reason, parked_at FROM {parked} ORDER BY parked_at")
        with self._database.connection() as connection, connection.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(query.format(**self._names())).fetchall()

    def _names(self) -> dict[str, sql.Composable]:
        return {
            "journal": sql.Identifier(self.schema, "journal"),
            "position": sql.Identifier(self.schema, "relay_position"),
            "parked": sql.Identifier(self.schema, "relay_parked"),
        }

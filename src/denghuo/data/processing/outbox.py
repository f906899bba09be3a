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
from psycopg.rows import class_row, dict_row

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


@dataclass(frozen=True)
class Parked:
    """A part that a consumer refused too often. `asked_at`: somebody wants it delivered again, since then."""

    schema: str
    consumer: str
    event_id: str
    event: dict[str, Any]
    reason: str
    actor: str
    parked_at: datetime
    asked_at: datetime | None


def parked(
    database: Database, schemas: Iterable[str], limit: int, below: tuple[datetime, str, str] | None = None
) -> tuple[list[Parked], int]:
    """What is parked in these schemas, newest first, and how many there are. below: the instant, consumer and event with which the
    page before ended."""
    each = [
        sql.SQL(
            "SELECT {name} AS schema, consumer, event_id, event, reason, actor, parked_at, asked_at FROM {parked}"
        ).format(name=sql.Literal(schema), parked=sql.Identifier(schema, "relay_parked"))
        for schema in schemas
    ]
    if not each:
        return [], 0
    found = sql.SQL(" FROM ({}) AS each").format(sql.SQL(" UNION ALL ").join(each))
    page = (
        sql.SQL("SELECT *")
        + found
        + sql.SQL(
            " WHERE %(at)s::timestamptz IS NULL OR (parked_at, consumer, event_id) < (%(at)s, %(consumer)s, %(event_id)s)"
            " ORDER BY parked_at DESC, consumer DESC, event_id DESC LIMIT %(limit)s"
        )
    )
    at, consumer, event_id = below or (None, "", "")
    with database.connection() as connection, connection.cursor(row_factory=class_row(Parked)) as cursor:
        rows = cursor.execute(page, {"at": at, "consumer": consumer, "event_id": event_id, "limit": limit}).fetchall()
        total = connection.execute(sql.SQL("SELECT count(*)") + found).fetchone()
    return rows, int(total[0]) if total else 0


def with_something(database: Database, consumer: str, schemas: Iterable[str], held_back: bool = False) -> list[str]:
    """Those of the schemas that hold rows which the consumer has not taken, or is to be given again: asked in one statement, for
    most have none.

    held_back: also where a running transaction, of any database of the server, still keeps the rows from being read.
    """
    outboxes = [Outbox(database, schema) for schema in schemas]
    if not outboxes:
        return []
    each = [
        sql.SQL("SELECT {schema} WHERE EXISTS (SELECT FROM ").format(schema=outbox.schema)
        + outbox.waiting(held_back)
        + sql.SQL(") OR EXISTS (SELECT FROM ")
        + outbox.asked_again()
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

    def park(self, consumer: str, part_id: str, part: dict[str, Any], actor: str, reason: str) -> None:
        """Keeps a part that the consumer cannot take, so that those behind it go on; or keeps it on, with the reason of now."""
        with self._database.connection() as connection:
            connection.execute(
                sql.SQL(
                    "INSERT INTO {parked} (consumer, event_id, event, actor, reason) VALUES (%s, %s, %s, %s, %s)"
                    " ON CONFLICT (consumer, event_id) DO UPDATE"
                    " SET reason = excluded.reason, parked_at = excluded.parked_at, asked_at = NULL"
                ).format(**self._names()),
                (consumer, part_id, json.dumps(part, ensure_ascii=False), actor, reason[:2_000]),
            )

    def unpark(self, consumer: str, part_id: str) -> None:
        """The consumer has taken it after all."""
        with self._database.connection() as connection:
            statement = sql.SQL("DELETE FROM {parked} WHERE consumer = %s AND event_id = %s").format(**self._names())
            connection.execute(statement, (consumer, part_id))

    def ask_again(self, consumer: str, part_id: str, at: datetime) -> bool:
        """Has a parked part delivered again by whoever delivers to its consumer; whether there is such a part."""
        statement = sql.SQL("UPDATE {parked} SET asked_at = %s WHERE consumer = %s AND event_id = %s").format(
            **self._names()
        )
        with self._database.connection() as connection:
            found = connection.execute(statement, (at, consumer, part_id)).rowcount > 0
            connection.execute(sql.SQL("NOTIFY {}").format(sql.Identifier(CHANNEL)))
        return found

    def asked_again(self) -> sql.Composed:
        """What stands after FROM: the parked parts that `consumer` is to be given again."""
        return sql.SQL("{parked} WHERE consumer = %(consumer)s AND asked_at IS NOT NULL").format(**self._names())

    def to_deliver_again(self, consumer: str) -> list[Parked]:
        """The parked parts that the consumer is to be given again, in the order in which they were asked for."""
        query = (
            sql.SQL("SELECT {name} AS schema, * FROM ").format(name=sql.Literal(self.schema))
            + self.asked_again()
            + sql.SQL(" ORDER BY asked_at, event_id")
        )
        with self._database.connection() as connection, connection.cursor(row_factory=class_row(Parked)) as cursor:
            return cursor.execute(query, {"consumer": consumer}).fetchall()

    def _names(self) -> dict[str, sql.Composable]:
        return {
            "journal": sql.Identifier(self.schema, "journal"),
            "position": sql.Identifier(self.schema, "relay_position"),
            "parked": sql.Identifier(self.schema, "relay_parked"),
        }

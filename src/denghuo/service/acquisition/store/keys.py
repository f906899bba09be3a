"""Queries on which keys of direct meters are in force."""

from collections.abc import Sequence
from datetime import datetime
from typing import LiteralString

from denghuo.data.processing.work import Work
from denghuo.service.acquisition.api import FindKeys, MeterKey, UseKeys

_KEY: LiteralString = (
    "SELECT key_no, terminal_no, org, version, check_value, transfer, state, cause, reason, asked_by, asked_at, approval_no,"
    " decided_by, since FROM meter_key "
)


class KeyStore:
    """Queries on keys of meters; the keys themselves are nowhere in the database."""

    def __init__(self, work: Work) -> None:
        self._work = work

    def ask(self, request: UseKeys, org: str, by: str, now: datetime) -> int | None:
        """The number of a new row; None where another of the meter is open."""
        return self._work.value(
            "INSERT INTO meter_key (terminal_no, org, version, check_value, transfer, state, reason, asked_by, asked_at)"
            " VALUES (%(terminal_no)s, %(org)s, %(version)s, %(check_value)s, %(transfer)s, 'waiting', %(reason)s, %(by)s, %(now)s)"
            " ON CONFLICT (terminal_no) WHERE state IN ('waiting', 'ordered') DO NOTHING RETURNING key_no",
            {**request.model_dump(), "org": org, "by": by, "now": now},
        )

    def asked(self, key_no: int, approval_no: int) -> None:
        self._work.run("UPDATE meter_key SET approval_no = %s WHERE key_no = %s", (approval_no, key_no))

    def key(self, key_no: int) -> MeterKey | None:
        return self._work.row(_KEY + "WHERE key_no = %s", (key_no,), MeterKey)

    def in_force(self, terminal_no: str) -> bool:
        return bool(
            self._work.value("SELECT 1 FROM meter_key WHERE terminal_no = %s AND state = 'in_force'", (terminal_no,))
        )

    def decide(self, key_no: int, state: str, by: str, order_no: str | None = None) -> None:
        self._work.run(
            "UPDATE meter_key SET state = %s, decided_by = %s, order_no = %s WHERE key_no = %s AND state = 'waiting'",
            (state, by, order_no, key_no),
        )

    def put_in_force(self, key_no: int, now: datetime) -> None:
        self._work.run(
            "UPDATE meter_key SET state = 'replaced' WHERE state = 'in_force'"
            " AND terminal_no = (SELECT terminal_no FROM meter_key WHERE key_no = %s)",
            (key_no,),
        )
        self._work.run("UPDATE meter_key SET state = 'in_force', since = %s WHERE key_no = %s", (now, key_no))

    def settled(self, orders: Sequence[str]) -> list[tuple[int, str | None]]:
        """Changes whose orders were settled: number, and why one came to nothing."""
        rows = self._work.rows(
            "SELECT key_no, o.cause FROM meter_key k JOIN terminal_order o USING (order_no)"
            " WHERE k.state = 'ordered' AND o.state <> 'waiting' AND order_no = ANY (%s)",
            (list(orders),),
        )
        return [(row["key_no"], row["cause"]) for row in rows]

    def fail(self, key_no: int, cause: str) -> None:
        self._work.run("UPDATE meter_key SET state = 'failed', cause = %s WHERE key_no = %s", (cause, key_no))

    def find(self, request: FindKeys) -> list[MeterKey]:
        return self._work.rows(
            _KEY + "WHERE (%(terminal_no)s::text IS NULL OR terminal_no = %(terminal_no)s)"
            " AND (%(state)s::text IS NULL OR state = %(state)s) AND (%(after)s::bigint IS NULL OR key_no < %(after)s)"
            " ORDER BY key_no DESC LIMIT %(limit)s",
            {**request.model_dump(), "after": request.after_number},
            MeterKey,
        )

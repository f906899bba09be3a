"""Queries on switchings and on guards against them."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, LiteralString

from denghuo.data.processing.work import Work
from denghuo.kernel.fields import TextPair
from denghuo.kernel.problem import Text
from denghuo.service.acquisition.api import (
    EndGuard,
    FindGuards,
    FindSwitchings,
    Guard,
    RequestSwitching,
    SetGuard,
    Switching,
)

# Before an order was sent, or against a clear no, nothing was switched; after it, silence leaves the result open.
_STATE: LiteralString = (
    "CASE WHEN s.state <> 'ordered' THEN s.state WHEN o.state = 'waiting' THEN 'ordered' WHEN o.state = 'answered' THEN 'done'"
    " WHEN o.cause IN ('denied', 'not_applied', 'no_cipher') OR o.answered_at = o.asked_at THEN 'failed' ELSE 'unknown' END"
)
_SWITCHING: LiteralString = (
    "SELECT switching_no, s.meter_no, account_no, action, ground, s.terminal_no, s.org, "
    + _STATE
    + " AS state, o.cause,"
    " o.answer ->> 'position' AS position, reason, note_zh, note_en, s.asked_by, s.asked_at, approval_no, decided_by,"
    " o.asked_at AS ordered_at, o.answered_at FROM switching s LEFT JOIN terminal_order o USING (order_no) "
)
_GUARD: LiteralString = (
    "SELECT guard_no, kind, org, meter_no, lower(valid) AS first_day, upper(valid) - 1 AS last_day, reason, set_by, set_at"
    " FROM guard "
)


class SwitchingStore:
    """Queries on switchings and guards."""

    def __init__(self, work: Work) -> None:
        self._work = work

    def ask(
        self, request: RequestSwitching, account_no: str | None, place: Mapping[str, Any], by: str, now: datetime
    ) -> int | None:
        """The number of a new switching; None where one of the meter waits already."""
        return self._work.value(
            "INSERT INTO switching (meter_no, account_no, action, ground, terminal_no, number, address, org, state, reason,"
            " asked_by, asked_at) VALUES (%(meter_no)s, %(account_no)s, %(action)s, %(ground)s, %(terminal_no)s, %(number)s,"
            " %(address)s, %(org)s, 'waiting', %(reason)s, %(by)s, %(now)s)"
            " ON CONFLICT (meter_no) WHERE state = 'waiting' DO NOTHING"
            " RETURNING switching_no",
            {**request.model_dump(), **place, "account_no": account_no, "by": by, "now": now},
        )

    def asked(self, no: int, approval_no: int) -> None:
        self._work.run("UPDATE switching SET approval_no = %s WHERE switching_no = %s", (approval_no, no))

    def open_of(self, meter_no: str) -> int | None:
        """A switching of the meter that waits or is under way."""
        return self._work.value(
            "SELECT switching_no FROM switching s LEFT JOIN terminal_order o USING (order_no) WHERE s.meter_no = %s"
            " AND (s.state = 'waiting' OR o.state = 'waiting') ORDER BY 1 DESC LIMIT 1",
            (meter_no,),
        )

    def decide(self, no: int, state: str, by: str, note: Text | None = None) -> bool:
        """Whether it still waited."""
        said = note or {"zh": "", "en": ""}
        return bool(
            self._work.run(
                "UPDATE switching SET state = %s, decided_by = %s, note_zh = %s, note_en = %s"
                " WHERE switching_no = %s AND state = 'waiting'",
                (state, by, said["zh"], said["en"], no),
            )
        )

    def ordered(self, no: int, order_no: str) -> None:
        self._work.run("UPDATE switching SET order_no = %s WHERE switching_no = %s", (order_no, no))

    def switching(self, no: int) -> Switching | None:
        row = self._work.row(_SWITCHING + "WHERE switching_no = %s", (no,))
        return _switching(row) if row else None

    def place(self, no: int) -> Mapping[str, Any]:
        return dict(self._work.row("SELECT number, address FROM switching WHERE switching_no = %s", (no,)) or {})

    def of_orders(self, orders: Sequence[str]) -> list[Switching]:
        rows = self._work.rows(_SWITCHING + "WHERE s.order_no = ANY (%s) ORDER BY 1", (list(orders),))
        return [_switching(row) for row in rows]

    def find(self, request: FindSwitchings) -> list[Switching]:
        rows = self._work.rows(
            _SWITCHING + "WHERE (%(meter_no)s::text IS NULL OR s.meter_no = %(meter_no)s)"
            " AND (%(action)s::text IS NULL OR action = %(action)s)"
            " AND (%(state)s::text IS NULL OR " + _STATE + " = %(state)s) AND denghuo.of_unit(s.org, %(org)s)"
            " AND (%(after)s::bigint IS NULL OR switching_no < %(after)s) ORDER BY switching_no DESC LIMIT %(limit)s",
            {**request.model_dump(), "after": request.after_number},
        )
        return [_switching(row) for row in rows]

    # -- guards ----------------------------------------------------------------------------------------------------------

    def set_guard(self, request: SetGuard, by: str, now: datetime) -> Guard:
        no = self._work.value(
            "INSERT INTO guard (kind, org, meter_no, valid, reason, set_by, set_at) VALUES (%(kind)s, %(org)s, %(meter_no)s,"
            " daterange(%(first_day)s, %(last_day)s::date + 1), %(reason)s, %(by)s, %(now)s) RETURNING guard_no",
            {**request.model_dump(), "by": by, "now": now},
        )
        found = self.guard(int(no or 0))
        assert found is not None  # just written
        return found

    def guard(self, guard_no: int) -> Guard | None:
        return self._work.row(_GUARD + "WHERE guard_no = %s", (guard_no,), Guard)

    def end_guard(self, request: EndGuard) -> None:
        self._work.run(
            "UPDATE guard SET valid = daterange(lower(valid), %(ends_on)s) WHERE guard_no = %(guard_no)s",
            request.model_dump(),
        )

    def on(self, day: date) -> list[Guard]:
        return self._work.rows(_GUARD + "WHERE valid @> %s::date ORDER BY guard_no", (day,), Guard)

    def guards(self, request: FindGuards, above: Sequence[str]) -> list[Guard]:
        """Those of the caller's units and of their meters, and those that bind all of a unit of `above`. Every row is there to be
        read, because no guard may be missed before a customer is switched off; whom the others protect is not told."""
        return self._work.rows(
            _GUARD + "WHERE (denghuo.in_scope(org) OR (meter_no IS NULL AND org = ANY (%(above)s))"
            " OR EXISTS (SELECT FROM terminal_meter m WHERE m.meter_no = guard.meter_no))"
            " AND (%(kind)s::text IS NULL OR kind = %(kind)s)"
            " AND (%(meter_no)s::text IS NULL OR meter_no = %(meter_no)s)"
            " AND (%(in_force_on)s::date IS NULL OR valid @> %(in_force_on)s::date)"
            " AND (%(after)s::bigint IS NULL OR guard_no < %(after)s) ORDER BY guard_no DESC LIMIT %(limit)s",
            {**request.model_dump(), "above": list(above), "after": request.after_number},
            Guard,
        )


def _switching(row: dict[str, Any]) -> Switching:
    note = TextPair(zh=row.pop("note_zh"), en=row.pop("note_en"))
    return Switching.model_validate({**row, "note": note})

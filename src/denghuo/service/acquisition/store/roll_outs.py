"""Queries on roll-outs and their terminals."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, LiteralString

from denghuo.data.processing.work import Work
from denghuo.kernel.problem import Text, text
from denghuo.service.acquisition.api import DayPart, FindMembers, FindRollOuts, Member, RollOut, StartRollOut
from denghuo.service.acquisition.rules import ORDERS_OF, PARAMETERS
from denghuo.service.acquisition.store.records import LIVE, NODE_GONE

_COUNTS: LiteralString = (
    "SELECT count(*) AS terminals, count(*) FILTER (WHERE m.state = 'pending') AS pending,"
    " count(*) FILTER (WHERE m.state = 'ordered') AS ordered, count(*) FILTER (WHERE m.state = 'done') AS done,"
    " count(*) FILTER (WHERE m.state = 'failed') AS failed FROM roll_out_member m WHERE m.roll_out_no = r.roll_out_no"
)
_ROLL_OUT: LiteralString = (
    "SELECT roll_out_no, kind, content, org, errors_max, at_once, state, reason, note_zh, note_en, asked_by, asked_at, approval_no,"
    " decided_by, ended_at, c.* FROM roll_out r CROSS JOIN LATERAL (" + _COUNTS + ") c "
)
_SETTLE = """
UPDATE roll_out_member m SET state = CASE WHEN o.state = 'answered' THEN 'done' WHEN o.cause = 'offline' THEN 'pending'
 ELSE 'failed' END, cause = o.cause FROM terminal_order o
WHERE m.roll_out_no = %(no)s AND m.state = 'ordered' AND o.order_no = m.order_no AND o.state <> 'waiting'
"""
_ORDER = """
WITH chosen AS (
 SELECT m.terminal_no, m.org, %(prefix)s || '-' || m.terminal_no AS order_no FROM roll_out_member m
 JOIN session s USING (terminal_no) JOIN terminal t USING (terminal_no)
 WHERE roll_out_no = %(no)s AND m.state = 'pending' AND t.state <> 'stopped' AND {live} ORDER BY m.terminal_no LIMIT %(room)s),
given AS (
 INSERT INTO terminal_order (order_no, kind, terminal_no, org, content, asked_by, asked_at, state)
 SELECT order_no, %(kind)s, terminal_no, org, %(content)s, %(by)s, %(now)s, 'waiting' FROM chosen)
UPDATE roll_out_member m SET state = 'ordered', order_no = c.order_no, cause = NULL FROM chosen c
WHERE m.roll_out_no = %(no)s AND m.terminal_no = c.terminal_no
""".replace("{live}", LIVE)


class RollOutStore:
    """Queries on roll-outs and their members."""

    def __init__(self, work: Work) -> None:
        self._work = work

    def start(
        self, request: StartRollOut, content: Mapping[str, Any], org: str, state: str, by: str, now: datetime
    ) -> int:
        """The number of a new roll-out, and with it its terminals, those whose protocol has such an order; 0 where none fits."""
        params = {
            **request.model_dump(),
            "content": json.dumps(content),
            "of": org,
            "state": state,
            "by": by,
            "now": now,
            "protocols": [
                protocol
                for protocol, kinds in ORDERS_OF.items()
                if request.kind in kinds
                and (request.parameter is None or protocol in PARAMETERS[request.parameter].places)
            ],
        }
        no = self._work.value(
            "INSERT INTO roll_out (kind, content, org, errors_max, at_once, state, reason, asked_by, asked_at)"
            " VALUES (%(kind)s, %(content)s, %(of)s, %(errors_max)s, %(at_once)s, %(state)s, %(reason)s, %(by)s, %(now)s)"
            " RETURNING roll_out_no",
            params,
        )
        found = self._work.run(
            "INSERT INTO roll_out_member (roll_out_no, terminal_no, org) SELECT %(no)s, terminal_no, t.org FROM terminal t"
            " LEFT JOIN session s USING (terminal_no) WHERE t.state = 'in_use' AND protocol = ANY (%(protocols)s)"
            " AND denghuo.of_unit(t.org, %(org)s)"
            " AND (%(protocol)s::text IS NULL OR protocol = %(protocol)s) AND (%(vendor)s::text IS NULL OR vendor = %(vendor)s)"
            " AND (%(channel)s::text IS NULL OR channel = %(channel)s)"
            " AND (cardinality(%(terminals)s::text[]) = 0 OR terminal_no = ANY (%(terminals)s))"
            " AND (%(clock_off_s)s::bigint IS NULL OR abs(s.clock_offset_s) > %(clock_off_s)s)",
            {**params, "no": no},
        )
        return int(no or 0) if found else 0

    def asked(self, no: int, approval_no: int) -> None:
        self._work.run("UPDATE roll_out SET approval_no = %s WHERE roll_out_no = %s", (approval_no, no))

    def decided(self, no: int, state: str, by: str, note: Text) -> None:
        self._work.run(
            "UPDATE roll_out SET state = %s, decided_by = %s, note_zh = %s, note_en = %s"
            " WHERE roll_out_no = %s AND state = 'waiting'",
            (state, by, note["zh"], note["en"], no),
        )

    def move(self, no: int, state: str, note: Text, ended_at: datetime | None = None) -> None:
        self._work.run(
            "UPDATE roll_out SET state = %s, note_zh = %s, note_en = %s, ended_at = %s WHERE roll_out_no = %s",
            (state, note["zh"], note["en"], ended_at, no),
        )

    def try_again(self, no: int) -> None:
        self._work.run(
            "UPDATE roll_out_member SET state = 'pending', cause = NULL WHERE roll_out_no = %s AND state = 'failed'",
            (no,),
        )

    def hold(self, no: int) -> None:
        """One hand at a time moves a roll-out."""
        self._work.run("SELECT FROM roll_out WHERE roll_out_no = %s FOR UPDATE", (no,))

    def settle(self, no: int) -> None:
        """Takes over what became of the orders. A terminal that went away is asked again when it is back."""
        self._work.run(_SETTLE, {"no": no})

    def order(self, one: RollOut, content: Mapping[str, Any], room: int, now: datetime) -> None:
        """Gives orders to so many of its terminals that are online."""
        self._work.run(
            _ORDER,
            {
                "no": one.roll_out_no,
                "prefix": f"{now:%Y%m%d%H%M%S%f}",
                "room": room,
                "kind": one.kind,
                "content": json.dumps(content),
                "by": one.asked_by,
                "now": now,
                "alive": now - NODE_GONE,
            },
        )

    def of_orders(self, orders: Sequence[str]) -> list[int]:
        return self._work.values(
            "SELECT DISTINCT roll_out_no FROM roll_out_member WHERE order_no = ANY (%s) ORDER BY 1", (list(orders),)
        )

    def roll_out(self, no: int) -> RollOut | None:
        row = self._work.row(_ROLL_OUT + "WHERE roll_out_no = %s", (no,))
        return _roll_out(row) if row else None

    def content(self, no: int) -> Mapping[str, Any]:
        return dict(self._work.value("SELECT content FROM roll_out WHERE roll_out_no = %s", (no,)) or {})

    def roll_outs(self, request: FindRollOuts) -> list[RollOut]:
        rows = self._work.rows(
            _ROLL_OUT
            + "WHERE (%(kind)s::text IS NULL OR kind = %(kind)s) AND (%(state)s::text IS NULL OR state = %(state)s)"
            " AND (%(after)s::bigint IS NULL OR roll_out_no < %(after)s) ORDER BY roll_out_no DESC LIMIT %(limit)s",
            {**request.model_dump(), "after": request.after_number},
        )
        return [_roll_out(row) for row in rows]

    def members(self, request: FindMembers) -> list[Member]:
        return self._work.rows(
            "SELECT m.terminal_no, m.org, m.state, m.cause, order_no, (o.answer ->> 'clock_offset_s')::bigint AS clock_offset_s"
            " FROM roll_out_member m LEFT JOIN terminal_order o USING (order_no)"
            " WHERE roll_out_no = %(roll_out_no)s AND (%(state)s::text IS NULL OR m.state = %(state)s)"
            " AND (%(after)s::text IS NULL OR m.terminal_no > %(after)s) ORDER BY m.terminal_no LIMIT %(limit)s",
            request.model_dump(),
            Member,
        )


def _roll_out(row: Mapping[str, Any]) -> RollOut:
    content = row["content"]
    parts = [DayPart.model_validate(part) for part in content.get("parts", ())]
    value = content.get("value")
    said = {
        "parts": parts,
        "note": text(row["note_zh"], row["note_en"]),
        "parameter": content.get("parameter"),
        "value": None if value is None else str(value),
    }
    return RollOut.model_validate(
        {**{name: value for name, value in row.items() if name in RollOut.model_fields}, **said}
    )

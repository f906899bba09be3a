"""Queries on orders to terminals."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, LiteralString

from denghuo.data.processing.work import Work
from denghuo.service.acquisition.api import FindOrders, Order, OrderAnswer

_ORDER: LiteralString = (
    "SELECT order_no, kind, terminal_no, meter_no, org, asked_by, asked_at, state, cause, answered_at, {answer} AS answer"
    " FROM terminal_order "
)
_WHOLE: LiteralString = _ORDER.format(answer="answer")
_SHORT: LiteralString = _ORDER.format(answer="answer - 'meters'")
_OFFSET: LiteralString = (
    "CASE WHEN {order}.answer ? 'meters' THEN {order}.answer -> 'meters' -> m.meter_no ->> 'clock_offset_s'"
    " ELSE {order}.answer ->> 'clock_offset_s' END::bigint"
)
"""How far a meter's clock was ahead by an order's answer: its own where each meter has one, else that of its terminal."""


class OrderStore:
    """Queries on orders to terminals."""

    def __init__(self, work: Work) -> None:
        self._work = work

    def give(self, order: Order, content: Mapping[str, Any], place: Mapping[str, Any]) -> None:
        self._work.run(
            "INSERT INTO terminal_order (order_no, kind, terminal_no, meter_no, number, address, org, content, asked_by, asked_at,"
            " state, cause, answered_at) VALUES (%(order_no)s, %(kind)s, %(terminal_no)s, %(meter_no)s, %(number)s, %(address)s,"
            " %(org)s, %(content)s, %(asked_by)s, %(asked_at)s, %(state)s, %(cause)s, %(answered_at)s)",
            {"number": None, "address": None, **place, **order.model_dump(), "content": json.dumps(content)},
        )

    def order(self, order_no: str) -> Order | None:
        row = self._work.row(_WHOLE + "WHERE order_no = %s", (order_no,))
        return _order(row) if row else None

    def orders(self, request: FindOrders) -> list[Order]:
        rows = self._work.rows(
            _SHORT
            + "WHERE (%(kind)s::text IS NULL OR kind = %(kind)s) AND (%(state)s::text IS NULL OR state = %(state)s)"
            " AND (%(terminal_no)s::text IS NULL OR terminal_no = %(terminal_no)s)"
            " AND (%(after)s::text IS NULL OR order_no < %(after)s) ORDER BY order_no DESC LIMIT %(limit)s",
            request.model_dump(),
        )
        return [_order(row) for row in rows]

    def answer(self, answers: Sequence[OrderAnswer], now: datetime) -> int:
        """What is settled stays as it is."""
        return self._work.run_many(
            "UPDATE terminal_order SET state = %s, cause = %s, answer = %s, answered_at = %s"
            " WHERE order_no = %s AND state = 'waiting'",
            [
                (
                    "failed" if one.cause else "answered",
                    one.cause,
                    json.dumps(_kept(one)),
                    now,
                    one.order_no,
                )
                for one in answers
            ],
        )

    def clocks(self, orders: Sequence[str], off_s: int) -> list[dict[str, Any]]:
        """The meters whose clock was measured by these orders and is off by more, or was when it was measured before them."""
        return self._work.rows(
            "SELECT meter_no, offset_s FROM (SELECT DISTINCT ON (m.meter_no) m.meter_no, "
            + _OFFSET.format(order="o")
            + " AS offset_s, earlier.offset_s AS before_s FROM terminal_order o"
            " JOIN terminal_meter m ON m.terminal_no = o.terminal_no AND (o.meter_no IS NULL OR o.meter_no = m.meter_no)"
            " LEFT JOIN LATERAL (SELECT " + _OFFSET.format(order="b") + " AS offset_s FROM terminal_order b"
            " WHERE b.terminal_no = o.terminal_no AND b.meter_no IS NOT DISTINCT FROM o.meter_no AND b.answer ? 'clock_offset_s'"
            " AND b.answered_at < o.answered_at ORDER BY b.answered_at DESC LIMIT 1) AS earlier ON true"
            " WHERE o.order_no = ANY (%(orders)s) AND o.answer ? 'clock_offset_s' ORDER BY m.meter_no, o.order_no DESC) AS measured"
            " WHERE offset_s IS NOT NULL AND greatest(abs(offset_s), abs(coalesce(before_s, 0))) > %(off_s)s ORDER BY meter_no",
            {"orders": list(orders), "off_s": off_s},
        )

    def note_told(self, orders: Sequence[str]) -> None:
        """What these orders measured of terminals themselves is stated by their answers, and not again as seen at their lines."""
        self._work.run(
            "UPDATE session s SET clock_told_s = (o.answer ->> 'clock_offset_s')::bigint FROM terminal_order o"
            " WHERE o.terminal_no = s.terminal_no AND o.meter_no IS NULL AND o.order_no = ANY (%s) AND o.answer ? 'clock_offset_s'",
            (list(orders),),
        )

    def clocks_seen(self, node: str, off_s: int, jitter_s: int) -> list[dict[str, Any]]:
        """The meters of a front's terminals whose clock is off by more, or was when it was stated, and is another now; notes that
        it is stated."""
        return self._work.rows(
            f"WITH seen AS (UPDATE session s SET clock_told_s = clock_offset_s FROM terminal t WHERE {CLOCK_TO_TELL}"
            " RETURNING s.terminal_no, s.clock_offset_s)"
            " SELECT m.meter_no, max(clock_offset_s) AS offset_s FROM seen JOIN terminal_meter m USING (terminal_no)"
            " GROUP BY m.meter_no ORDER BY m.meter_no",
            {"node": node, "off_s": off_s, "jitter_s": jitter_s},
        )


CLOCK_TO_TELL: LiteralString = (
    "s.node = %(node)s AND t.terminal_no = s.terminal_no AND t.protocol <> 'dlt645'"
    " AND greatest(abs(s.clock_offset_s), abs(coalesce(s.clock_told_s, 0))) > %(off_s)s"
    " AND abs(s.clock_offset_s - coalesce(s.clock_told_s, 0)) > %(jitter_s)s"
)
"""Sessions of a front whose clock was told by their terminals and is to be stated."""


def _kept(one: OrderAnswer) -> dict[str, Any]:
    """An answer as it is written down: its meters by their numbers, so that one is found without looking through them."""
    said = one.model_dump(mode="json", exclude={"order_no", "cause", "meters"}, exclude_none=True)
    if one.meters:
        meters = {meter.meter_no: meter.model_dump(exclude={"meter_no"}) for meter in one.meters}
        failed = sum(meter.cause is not None for meter in one.meters)
        said |= {"meters": meters, "meters_failed": failed}
    return said


def _order(row: Mapping[str, Any]) -> Order:
    answer = dict(row["answer"])
    meters = [{"meter_no": no, **said} for no, said in sorted(answer.pop("meters", {}).items())]
    return Order.model_validate({**{name: row[name] for name in row if name != "answer"}, **answer, "meters": meters})

"""Orders to terminals: given, shown, and answered by whichever front holds the terminal."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from denghuo.data.processing.work import Work
from denghuo.kernel.batch import ITEMS_MAX
from denghuo.kernel.contract import Call
from denghuo.kernel.problem import text
from denghuo.service.acquisition.api import (
    CLOCK_JITTER_S,
    CLOCK_OFF_S,
    ORDER_KINDS,
    TERMINAL_PROTOCOLS,
    AnswerOrders,
    ClocksMeasured,
    ClocksTold,
    FindOrders,
    MeasuredClock,
    Order,
    OrderClock,
    OrderEvents,
    OrderNotFound,
    OrderNotPossible,
    OrderRef,
    OrdersAnswered,
    OrdersFound,
    TellClocks,
    Terminal,
)
from denghuo.service.acquisition.api.order import OrderOperations
from denghuo.service.acquisition.records import Records
from denghuo.service.acquisition.rules import ORDERS_OF
from denghuo.service.acquisition.store.orders import OrderStore


def possible(kind: str, terminal: Terminal) -> None:
    """Raises OrderNotPossible where the terminal's protocol has no such order."""
    if kind not in ORDERS_OF[terminal.protocol]:
        what, protocol = ORDER_KINDS.entries[kind], TERMINAL_PROTOCOLS.entries[terminal.protocol]
        raise OrderNotPossible(
            text(
                f"{terminal.terminal_no} 使用 {protocol['zh']}，没有“{what['zh']}”命令。请在现场办理。",
                f"{terminal.terminal_no} speaks {protocol['en']}, which has no order to: {what['en']}. Do that on site.",
            ),
            terminal_no=terminal.terminal_no,
            kind=kind,
            protocol=terminal.protocol,
        )


class Orders:
    """Orders to terminals, and their answers."""

    def __init__(self, work: Work) -> None:
        self._work, self._store = work, OrderStore(work)

    def events(self, call: Call, request: OrderEvents, terminal: Terminal) -> Order:
        return self.give(call, "events", terminal, {"days": request.days})

    def give(
        self,
        call: Call,
        kind: str,
        terminal: Terminal,
        content: Mapping[str, Any],
        place: Mapping[str, Any] | None = None,
    ) -> Order:
        """`place`: the meter that it is for (meter_no, number, address)."""
        possible(kind, terminal)
        online = terminal.link == "online"
        order = Order.model_validate(
            {
                "order_no": f"{call.now:%Y%m%d%H%M%S%f}-{uuid.uuid4().hex[:8]}",
                "kind": kind,
                "terminal_no": terminal.terminal_no,
                "meter_no": place["meter_no"] if place else None,
                "org": terminal.org,
                "asked_by": call.actor,
                "asked_at": call.now,
                "state": "waiting" if online else "failed",
                "cause": None if online else "offline",
                "answered_at": None if online else call.now,
            }
        )
        self._store.give(order, content, place or {})
        return order

    def order(self, order_no: str) -> Order:
        found = self._store.order(order_no)
        if found is None:
            raise OrderNotFound(
                text(
                    f"命令 {order_no} 不存在，或不在您的管辖范围内。",
                    f"Order {order_no} does not exist or is outside your scope.",
                ),
                order_no=order_no,
            )
        return found

    def find(self, call: Call, request: FindOrders) -> OrdersFound:
        rows = self._store.orders(request)
        following = rows[-1].order_no if len(rows) == request.limit else None
        return OrdersFound(rows=rows, next=following, as_of=call.now)

    def answer(self, call: Call, request: AnswerOrders) -> OrdersAnswered:
        answered = self._store.answer(request.answers, call.now)
        measured = [one.order_no for one in request.answers if one.clock_offset_s is not None]
        if answered and measured:
            self._tell(call, self._store.clocks(measured, CLOCK_OFF_S))
            self._store.note_told(measured)
        return OrdersAnswered(answered=answered)

    def tell_clocks(self, call: Call, request: TellClocks) -> ClocksTold:
        clocks = self._store.clocks_seen(request.node, CLOCK_OFF_S, CLOCK_JITTER_S)
        self._tell(call, clocks)
        return ClocksTold(told=len(clocks))

    def _tell(self, call: Call, clocks: Sequence[Mapping[str, Any]]) -> None:
        for first in range(0, len(clocks), ITEMS_MAX):
            some = [MeasuredClock(**one) for one in clocks[first : first + ITEMS_MAX]]
            self._work.emit(ClocksMeasured(at=call.now, clocks=some))


class OrderPart(OrderOperations):
    """The operations of a service that keeps `_orders` and `_records`."""

    _orders: Orders
    _records: Records

    def order_events(self, call: Call, request: OrderEvents) -> Order:
        return self._orders.events(call, request, self._records.known(call, request.terminal_no))

    def check_clock(self, call: Call, request: OrderClock) -> Order:
        return self._orders.give(call, "check_clock", self._records.known(call, request.terminal_no), {})

    def set_clock(self, call: Call, request: OrderClock) -> Order:
        return self._orders.give(call, "set_clock", self._records.known(call, request.terminal_no), {})

    def order(self, call: Call, request: OrderRef) -> Order:
        return self._orders.order(request.order_no)

    def orders(self, call: Call, request: FindOrders) -> OrdersFound:
        return self._orders.find(call, request)

    def tell_clocks(self, call: Call, request: TellClocks) -> ClocksTold:
        return self._orders.tell_clocks(call, request)

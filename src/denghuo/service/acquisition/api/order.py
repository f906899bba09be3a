"""Messages and operations about orders to terminals (下行命令): what one is asked or told besides values, and what it answered."""

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, StringConstraints

from denghuo.kernel.batch import ITEMS_MAX
from denghuo.kernel.contract import Api, Call, Dictionary, Event, Label, Message, Page, command, query
from denghuo.kernel.fields import AsOf, MeterNo, OrganisationCode
from denghuo.kernel.problem import NotFound, text
from denghuo.service.acquisition.api.collection import CauseCode, ReadState
from denghuo.service.acquisition.api.switching import SwitchingEnded, SwitchPosition
from denghuo.service.acquisition.api.terminal import OrderNotPossible, TerminalNo, TerminalNotFound

ORDER_KINDS = Dictionary(
    "acquisition.order_kind",
    {
        "events": text("召读事件", "Read events"),
        "check_clock": text("核对时钟", "Check the clock"),
        "set_clock": text("对时", "Set the clock"),
        "set_times": text("下发费率时段", "Set times of use"),
        "set_parameter": text("设置参数", "Set a parameter"),
        "change_keys": text("更换密钥", "Change the keys"),
        "switch_off": text("停电（拉闸）", "Disconnect"),
        "switch_on": text("复电（合闸）", "Reconnect"),
    },
)
OrderKind = Annotated[
    Literal[
        "events", "check_clock", "set_clock", "set_times", "set_parameter", "change_keys", "switch_off", "switch_on"
    ],
    Label("命令", "Order", dictionary=ORDER_KINDS.name),
]
OrderNo = Annotated[str, Field(max_length=40), Label("命令编号", "Order no.")]


class OrderEvents(Message):
    """Asks a terminal for the events that it keeps of the last days."""

    terminal_no: TerminalNo
    days: Annotated[int, Field(ge=1, le=31), Label("天数", "Days")] = 7


class OrderClock(Message):
    """Asks for a terminal's clock, or sets it."""

    terminal_no: TerminalNo


class OrderRef(Message):
    order_no: OrderNo


ClockOffset = Annotated[int | None, Label("时钟偏差（秒）", "Clock offset (s)")]
METERS_MAX = 4_096
"""So many measuring points a terminal has at most."""


class MeterAnswer(Message):
    """What became of an order at one of the meters behind a gateway."""

    meter_no: MeterNo
    cause: CauseCode | None
    clock_offset_s: ClockOffset = None


class Order(Message):
    """An order and its answer, once it is there. `events`: how many a terminal told, new or known. `clock_offset_s`: how far its
    clock is ahead, after it was set if it was. Where an order goes to each meter behind a gateway: `cause` is that of the first
    that failed, `clock_offset_s` that of the clock that is off most, and `meters` says what became of it at each (not in lists)."""

    order_no: OrderNo
    kind: OrderKind
    terminal_no: TerminalNo
    meter_no: Annotated[MeterNo | None, Label("表号", "Meter no.")]
    org: OrganisationCode
    asked_by: Annotated[str, Label("下发人", "Ordered by", dictionary="staff")]
    asked_at: Annotated[AwareDatetime, Label("下发时间", "Ordered")]
    state: ReadState
    cause: CauseCode | None
    answered_at: Annotated[AwareDatetime | None, Label("应答时间", "Answered at")]
    events: Annotated[int | None, Label("事件数", "Events")] = None
    clock_offset_s: ClockOffset = None
    position: SwitchPosition | None = None
    meters_failed: Annotated[int | None, Label("失败表数", "Meters that failed")] = None
    meters: list[MeterAnswer] = []


class FindOrders(Page):
    """The newest first; pages by number."""

    kind: OrderKind | None = None
    state: ReadState | None = None
    terminal_no: TerminalNo | None = None


class OrdersFound(Message):
    rows: list[Order]
    next: str | None
    as_of: AsOf


class OrderAnswer(Message):
    """What a terminal answered, or why it did not."""

    order_no: OrderNo
    cause: CauseCode | None
    events: int | None = None
    clock_offset_s: int | None = None
    position: SwitchPosition | None = None
    meters: Annotated[list[MeterAnswer], Field(max_length=METERS_MAX)] = []


class AnswerOrders(Message):
    answers: Annotated[list[OrderAnswer], Field(min_length=1, max_length=ITEMS_MAX)]


class OrdersAnswered(Message):
    answered: int


CLOCK_OFF_S = 60
"""A clock that is off by no more counts as right: it is told again only where it was off before."""


CLOCK_JITTER_S = 10
"""What a terminal tells unasked travels for a while: a clock that differs by no more from what was stated of it is the same."""


class MeasuredClock(Message):
    """How far the clock by which a meter's readings are stamped is ahead (negative: behind). Of a direct meter it is its own, of
    others that of their terminal."""

    meter_no: MeterNo
    offset_s: int


class ClocksMeasured(Event, name="acquisition.clocks.measured", version=1):
    """Clocks that are off, or that were when they were measured before: at most 1,000 of them. at: when they were measured."""

    at: AwareDatetime
    clocks: list[MeasuredClock]


class TellClocks(Message):
    """A front (前置) whose terminals told their clocks unasked."""

    node: Annotated[str, StringConstraints(min_length=1, max_length=200)]


class ClocksTold(Message):
    told: int


class OrderNotFound(NotFound, noun="acquisition", status=404, zh="未找到该命令", en="No such order"):
    """Fields: order_no. Raised also for an order outside the caller's organisation scope."""


class OrderOperations(Api):
    """Orders to one terminal."""

    @command(permit="acquisition.call", problems=(TerminalNotFound, OrderNotPossible))
    def order_events(self, call: Call, request: OrderEvents) -> Order:
        """Asks a terminal for the events that it keeps (召读事件). The answer follows; offline it fails at once."""

    @command(permit="acquisition.call", problems=(TerminalNotFound, OrderNotPossible))
    def check_clock(self, call: Call, request: OrderClock) -> Order:
        """Asks a terminal for its clock (核对时钟). The answer follows; offline it fails at once."""

    @command(permit="acquisition.set", problems=(TerminalNotFound, OrderNotPossible))
    def set_clock(self, call: Call, request: OrderClock) -> Order:
        """Sets a terminal's clock and reads it again (对时), where clocks are told. The answer follows; offline it fails."""

    @query(permit="acquisition.read", problems=(OrderNotFound,))
    def order(self, call: Call, request: OrderRef) -> Order:
        """An order, with its answer once that is there."""

    @query(permit="acquisition.read")
    def orders(self, call: Call, request: FindOrders) -> OrdersFound:
        """The newest orders to terminals (下行命令)."""

    @command(permit="acquisition.front", emits=(SwitchingEnded, ClocksMeasured))
    def answer_orders(self, call: Call, request: AnswerOrders) -> OrdersAnswered:
        """Keeps what terminals answered to orders, or why they did not."""

    @command(permit="acquisition.front", emits=(ClocksMeasured,))
    def tell_clocks(self, call: Call, request: TellClocks) -> ClocksTold:
        """States the clocks that the terminals of a front told without an order, at their logins or with what they sent, and that
        are off, or were when that was stated before: each where it is another now. By that of a gateway no reading is stamped."""

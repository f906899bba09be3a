"""Messages and operations about switching customers off and on from afar (远程停复电) and what stands against it (停电闭锁)."""

from datetime import date
from typing import Annotated, Literal

from pydantic import AwareDatetime

from denghuo.kernel.contract import Api, Call, Dictionary, Event, Label, Message, Page, command, query
from denghuo.kernel.fields import AccountNo, AsOf, Day, MeterNo, OrganisationCode, Reason, TextPair
from denghuo.kernel.problem import NotFound, Problem, text
from denghuo.service.acquisition.api.collection import CauseCode, MeterNotCollected
from denghuo.service.acquisition.api.notice import CallMinutes, NoticeDays
from denghuo.service.acquisition.api.terminal import OrderNotPossible, OutsideScope, TerminalNo

ACTIONS = Dictionary(
    "acquisition.switch_action",
    {"off": text("停电（拉闸）", "Disconnect"), "on": text("复电（合闸）", "Reconnect")},
    tones={"off": "danger", "on": "good"},
)
SwitchAction = Annotated[Literal["off", "on"], Label("操作", "Action", dictionary=ACTIONS.name)]
GROUNDS = Dictionary(
    "acquisition.switch_ground",
    {
        "arrears": text("欠费", "Arrears"),
        "fee_control": text("费控余额用尽", "Balance used up"),
        "customer_request": text("用户申请", "Asked for by the customer"),
    },
)
SwitchGround = Annotated[
    Literal["arrears", "fee_control", "customer_request"], Label("停复电原因", "Ground", dictionary=GROUNDS.name)
]
POSITIONS = Dictionary(
    "acquisition.switch_position",
    {"on": text("合闸", "Closed"), "off": text("拉闸", "Open")},
    tones={"on": "good", "off": "danger"},
)
SwitchPosition = Annotated[Literal["on", "off"], Label("开关状态", "Switch", dictionary=POSITIONS.name)]
GUARD_KINDS = Dictionary(
    "acquisition.guard_kind",
    {
        "protected": text("保电用户", "Protected customer"),
        "holiday": text("节假日", "Holiday"),
        "storm": text("灾害天气", "Storm"),
    },
    tones={"protected": "notice", "holiday": "plain", "storm": "danger"},
)
GuardKind = Annotated[Literal["protected", "holiday", "storm"], Label("闭锁类型", "Kind", dictionary=GUARD_KINDS.name)]
SWITCHING_STATES = Dictionary(
    "acquisition.switching_state",
    {
        "waiting": text("待审批", "Waiting for approval"),
        "refused": text("审批未通过", "Refused"),
        "blocked": text("执行时被闭锁", "Blocked when due"),
        "ordered": text("已下发", "Ordered"),
        "done": text("成功（已回读）", "Done, read back"),
        "failed": text("失败", "Failed"),
        "unknown": text("结果不明", "Not known"),
    },
    tones={
        "waiting": "notice",
        "blocked": "danger",
        "ordered": "notice",
        "done": "good",
        "failed": "danger",
        "unknown": "danger",
    },
)
SwitchingState = Annotated[
    Literal["waiting", "refused", "blocked", "ordered", "done", "failed", "unknown"],
    Label("状态", "State", dictionary=SWITCHING_STATES.name),
]
SwitchingNo = Annotated[int, Label("停复电编号", "Switching no.")]
GuardNo = Annotated[int, Label("闭锁编号", "Guard no.")]


class RequestSwitching(Message):
    """`ground`: what must have been told before depends on it."""

    meter_no: MeterNo
    action: SwitchAction
    ground: SwitchGround = "arrears"
    reason: Reason


class SwitchingRef(Message):
    switching_no: SwitchingNo


class Switching(Message):
    """A customer switched off or on. `position`: where the switch was read to be, afterwards. `unknown`: the order may have come
    through and the switch could not be read; it is not repeated by itself."""

    switching_no: SwitchingNo
    meter_no: MeterNo
    account_no: AccountNo | None
    action: SwitchAction
    ground: SwitchGround
    terminal_no: TerminalNo
    org: OrganisationCode
    state: SwitchingState
    cause: CauseCode | None
    position: SwitchPosition | None
    reason: Annotated[str, Label("事由", "Reason")]
    note: Annotated[TextPair, Label("说明", "Note")]
    asked_by: Annotated[str, Label("申请人", "Asked by", dictionary="staff")]
    asked_at: Annotated[AwareDatetime, Label("申请时间", "Asked")]
    approval_no: Annotated[int | None, Label("审批编号", "Approval no.")]
    decided_by: Annotated[str | None, Label("审批人", "Decided by", dictionary="staff")]
    ordered_at: Annotated[AwareDatetime | None, Label("下发时间", "Ordered")]
    answered_at: Annotated[AwareDatetime | None, Label("回读时间", "Read back")]


class FindSwitchings(Page):
    """The newest first; pages by number."""

    meter_no: MeterNo | None = None
    action: SwitchAction | None = None
    state: SwitchingState | None = None
    org: OrganisationCode | None = None


class SwitchingsFound(Message):
    rows: list[Switching]
    next: str | None
    as_of: AsOf


class SetGuard(Message):
    """What forbids disconnection on some days: of a meter, or of a unit and what lies below it. `last_day` is the last such day;
    without it the guard holds until it is ended."""

    kind: GuardKind
    org: OrganisationCode
    meter_no: MeterNo | None = None
    first_day: Annotated[date, Label("起始日期", "From")]
    last_day: Annotated[date | None, Label("截止日期", "Through")] = None
    reason: Reason


class EndGuard(Message):
    """The guard holds no more from this day on."""

    guard_no: GuardNo
    ends_on: Annotated[Day, Label("失效日期", "Ends on")]


class Guard(Message):
    guard_no: GuardNo
    kind: GuardKind
    org: OrganisationCode
    meter_no: Annotated[MeterNo | None, Label("表号", "Meter no.")]
    first_day: Annotated[date, Label("起始日期", "From")]
    last_day: Annotated[date | None, Label("截止日期", "Through")]
    reason: Annotated[str, Label("事由", "Reason")]
    set_by: Annotated[str, Label("设置人", "Set by", dictionary="staff")]
    set_at: Annotated[AwareDatetime, Label("设置时间", "Set")]


class FindGuards(Page):
    """Guards of a day or later; pages by number."""

    kind: GuardKind | None = None
    meter_no: MeterNo | None = None
    in_force_on: Annotated[date | None, Label("有效日期", "In force on")] = None


class GuardsFound(Message):
    rows: list[Guard]
    next: str | None
    as_of: AsOf


class AskOutlook(Message):
    """`ground`: what must have been told before depends on it."""

    meter_no: MeterNo
    ground: SwitchGround


class DisconnectionOutlook(Message):
    """Whether a meter could be disconnected today, and what must be told before. `against`: a sentence for each thing that stands
    against it; what was not told yet is not among them."""

    meter_no: MeterNo
    account_no: AccountNo | None
    org: OrganisationCode
    against: list[TextPair]
    notice_days: NoticeDays
    call_minutes: CallMinutes
    as_of: AsOf


class SwitchingEnded(Event, name="acquisition.switching.ended", version=1):
    """A customer was switched off or on, or was not. state: done, failed, unknown, or before any order blocked or refused."""

    switching_no: int
    meter_no: str
    account_no: str | None
    org: str
    action: Literal["off", "on"]
    state: str


class SwitchingNotFound(NotFound, noun="acquisition", status=404, zh="未找到该停复电", en="No such switching"):
    """Fields: switching_no. Raised also for one outside the caller's organisation scope."""


class SwitchingBlocked(Problem, noun="acquisition", status=409, zh="不得停电", en="Must not be disconnected"):
    """Fields: meter_no, blocks: a sentence for each thing that stands against it."""


class SwitchingOpen(
    Problem, noun="acquisition", status=409, zh="该表已有停复电在办", en="The meter is being switched already"
):
    """Fields: meter_no, switching_no."""


class GuardNotFound(NotFound, noun="acquisition", status=404, zh="未找到该闭锁", en="No such guard"):
    """Fields: guard_no. Raised also for one outside the caller's organisation scope."""


class GuardRefused(Problem, noun="acquisition", status=422, zh="闭锁不能这样设置", en="The guard cannot be set so"):
    """Fields: field, value."""


class SwitchingOperations(Api):
    """Customers switched off and on from afar, and what stands against it."""

    @command(
        permit="acquisition.switch",
        problems=(MeterNotCollected, OrderNotPossible, SwitchingBlocked, SwitchingOpen),
        emits=(SwitchingEnded,),
    )
    def request_switching(self, call: Call, request: RequestSwitching) -> Switching:
        """Asks for a customer to be switched off or on (远程停复电); interlocks hold now and again when a second person agrees."""

    @query(permit="acquisition.read", problems=(MeterNotCollected, OrderNotPossible))
    def disconnection_outlook(self, call: Call, request: AskOutlook) -> DisconnectionOutlook:
        """What stands against disconnecting a meter today, and what its customer must be told before."""

    @query(permit="acquisition.read", problems=(SwitchingNotFound,))
    def switching(self, call: Call, request: SwitchingRef) -> Switching:
        """One switching, with where the switch was read to be."""

    @query(permit="acquisition.read")
    def switchings(self, call: Call, request: FindSwitchings) -> SwitchingsFound:
        """The newest switchings."""

    @command(permit="acquisition.guard", problems=(OutsideScope, GuardRefused))
    def set_guard(self, call: Call, request: SetGuard) -> Guard:
        """Forbids disconnection on some days: of a protected customer, on holidays, in a storm (停电闭锁)."""

    @command(permit="acquisition.guard", problems=(GuardNotFound, GuardRefused))
    def end_guard(self, call: Call, request: EndGuard) -> Guard:
        """Ends a guard on a day; what it forbade before stays on record."""

    @query(permit="acquisition.read")
    def guards(self, call: Call, request: FindGuards) -> GuardsFound:
        """Guards against disconnection that are of the caller's units and meters or bind them, the newest first."""

"""Messages and operations about orders to groups of terminals (批量下发): clocks checked and set, times of use set and read."""

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from denghuo.kernel.batch import ITEMS_MAX
from denghuo.kernel.contract import Api, Call, Dictionary, Label, Message, Page, command, query
from denghuo.kernel.fields import AsOf, OrganisationCode, Reason, TextPair
from denghuo.kernel.problem import NotFound, Problem, text
from denghuo.service.acquisition.api.collection import CauseCode
from denghuo.service.acquisition.api.terminal import ChannelCode, OutsideScope, TerminalNo, TerminalProtocol, Vendor

ROLL_OUT_KINDS = Dictionary(
    "acquisition.roll_out_kind",
    {
        "check_clock": text("核对时钟", "Check clocks"),
        "set_clock": text("对时", "Set clocks"),
        "set_times": text("下发费率时段", "Set times of use"),
        "set_parameter": text("设置参数", "Set a parameter"),
    },
)
RollOutKind = Annotated[
    Literal["check_clock", "set_clock", "set_times", "set_parameter"],
    Label("下发内容", "What", dictionary=ROLL_OUT_KINDS.name),
]
ROLL_OUT_STATES = Dictionary(
    "acquisition.roll_out_state",
    {
        "waiting": text("待审批", "Waiting for approval"),
        "running": text("执行中", "Running"),
        "halted": text("已暂停", "Halted"),
        "refused": text("审批未通过", "Refused"),
        "done": text("已完成", "Done"),
    },
    tones={"waiting": "notice", "running": "notice", "halted": "danger", "refused": "plain", "done": "good"},
)
RollOutState = Annotated[
    Literal["waiting", "running", "halted", "refused", "done"],
    Label("状态", "State", dictionary=ROLL_OUT_STATES.name),
]
MEMBER_STATES = Dictionary(
    "acquisition.member_state",
    {
        "pending": text("待执行", "Pending"),
        "ordered": text("执行中", "Ordered"),
        "done": text("成功", "Done"),
        "failed": text("失败", "Failed"),
    },
    tones={"pending": "plain", "ordered": "notice", "done": "good", "failed": "danger"},
)
MemberState = Annotated[
    Literal["pending", "ordered", "done", "failed"], Label("执行状态", "State", dictionary=MEMBER_STATES.name)
]
RATES = Dictionary(
    "acquisition.rate",
    {
        "sharp": text("尖", "Sharp"),
        "peak": text("峰", "Peak"),
        "flat": text("平", "Flat"),
        "valley": text("谷", "Valley"),
        "deep": text("深谷", "Deep valley"),
    },
)
PARAMETER_CODES = Dictionary(
    "acquisition.parameter",
    {
        "heartbeat_min": text("心跳周期（1～60 分钟）", "Heartbeat period (1..60 min)"),
        "main_station": text("主站地址（IP:端口）", "Main station (IP:port)"),
        "event_valid": text("事件记录有效标志（16位十六进制）", "Events that are recorded (16 hexadecimal digits)"),
        "event_important": text("事件重要性等级（16位十六进制）", "Events that are important (16 hexadecimal digits)"),
        "tells_events": text("允许主动上报（1 允许，0 禁止；698.45）", "Tells events unasked (1 yes, 0 no; 698.45)"),
        "demand_period_min": text("最大需量周期（1～60 分钟；645 电能表）", "Demand period (1..60 min; 645 meters)"),
        "demand_slip_min": text(
            "需量滑差时间（1～30 分钟；645 电能表）", "Sliding step of demand (1..30 min; 645 meters)"
        ),
        "settlement_day": text("每月第1结算日（1～28 日；645 电能表）", "First settlement day (1..28; 645 meters)"),
        "load_interval_min": text(
            "电能负荷记录间隔（1～60 分钟；645 电能表）", "Interval of the energy load record (1..60 min; 645 meters)"
        ),
    },
)
ParameterCode = Annotated[
    Literal[
        "heartbeat_min",
        "main_station",
        "event_valid",
        "event_important",
        "tells_events",
        "demand_period_min",
        "demand_slip_min",
        "settlement_day",
        "load_interval_min",
    ],
    Label("参数", "Parameter", dictionary=PARAMETER_CODES.name),
]
ParameterText = Annotated[str, Field(max_length=64), Label("参数值", "Value")]
RollOutNo = Annotated[int, Label("下发编号", "Roll-out no.")]
ErrorsMax = Annotated[int, Field(ge=0, le=10_000), Label("允许失败数", "Failures allowed")]
AtOnce = Annotated[int, Field(ge=1, le=500), Label("同时执行数", "At a time")]


class DayPart(Message):
    """From a half hour of the day on, one rate holds until the next part begins."""

    begins: Annotated[
        str, Field(pattern=r"^([01][0-9]|2[0-3]):(00|30)$", examples=["08:00"]), Label("起始时间", "Begins")
    ]
    rate: Annotated[Literal["sharp", "peak", "flat", "valley", "deep"], Label("费率", "Rate", dictionary=RATES.name)]


class StartRollOut(Message):
    """To terminals in use that fit all that is given. `clock_off_s`: only those whose clock is off by more than that. `parts`: of
    the day, where times of use are set. It halts when more than `errors_max` terminals failed."""

    kind: RollOutKind
    org: OrganisationCode | None = None
    protocol: TerminalProtocol | None = None
    vendor: Vendor | None = None
    channel: ChannelCode | None = None
    terminals: Annotated[list[TerminalNo], Field(max_length=ITEMS_MAX), Label("指定终端", "Terminals")] = []
    clock_off_s: Annotated[
        int | None, Field(ge=0, le=10_000_000), Label("时钟偏差超过（秒）", "Clock off by more than (s)")
    ] = None
    parts: Annotated[list[DayPart], Field(max_length=14), Label("时段", "Parts of the day")] = []
    parameter: ParameterCode | None = None
    value: ParameterText | None = None
    errors_max: ErrorsMax = 0
    at_once: AtOnce = 20
    reason: Reason


class RollOutRef(Message):
    roll_out_no: RollOutNo


class ReasonedRollOut(Message):
    roll_out_no: RollOutNo
    reason: Reason


class RollOut(Message):
    """Orders of one kind to a group. `note`: why it halted, goes on or was refused."""

    roll_out_no: RollOutNo
    kind: RollOutKind
    parts: list[DayPart]
    parameter: ParameterCode | None
    value: ParameterText | None
    org: OrganisationCode
    errors_max: ErrorsMax
    at_once: AtOnce
    state: RollOutState
    reason: Annotated[str, Label("事由", "Reason")]
    note: Annotated[TextPair, Label("说明", "Note")]
    asked_by: Annotated[str, Label("下发人", "Ordered by", dictionary="staff")]
    asked_at: Annotated[AwareDatetime, Label("下发时间", "Ordered")]
    approval_no: Annotated[int | None, Label("审批编号", "Approval no.")]
    decided_by: Annotated[str | None, Label("审批人", "Decided by", dictionary="staff")]
    ended_at: Annotated[AwareDatetime | None, Label("结束时间", "Ended")]
    terminals: Annotated[int, Label("终端数", "Terminals")]
    pending: Annotated[int, Label("待执行", "Pending")]
    ordered: Annotated[int, Label("执行中", "Ordered")]
    done: Annotated[int, Label("成功", "Done")]
    failed: Annotated[int, Label("失败", "Failed")]


class FindRollOuts(Page):
    """The newest first; pages by number."""

    kind: RollOutKind | None = None
    state: RollOutState | None = None


class RollOutsFound(Message):
    rows: list[RollOut]
    next: str | None
    as_of: AsOf


class FindMembers(Page):
    """The terminals of a roll-out; pages by address."""

    roll_out_no: RollOutNo
    state: MemberState | None = None


class Member(Message):
    terminal_no: TerminalNo
    org: OrganisationCode
    state: MemberState
    cause: CauseCode | None
    order_no: Annotated[str | None, Label("命令编号", "Order no.")]
    clock_offset_s: Annotated[int | None, Label("时钟偏差（秒）", "Clock offset (s)")]


class MembersFound(Message):
    rows: list[Member]
    next: str | None
    as_of: AsOf


class RollOutNotFound(NotFound, noun="acquisition", status=404, zh="未找到该下发任务", en="No such roll-out"):
    """Fields: roll_out_no. Raised also for one outside the caller's organisation scope."""


class WrongRollOutState(
    Problem, noun="acquisition", status=409, zh="当前状态不能这样办理", en="Not possible in the present state"
):
    """Fields: roll_out_no, state."""


class NothingToRollOut(
    Problem, noun="acquisition", status=422, zh="没有符合条件的终端", en="No terminal fits the group"
):
    """Fields: none."""


class WrongTimes(Problem, noun="acquisition", status=422, zh="时段表有误", en="The parts of the day are wrong"):
    """Fields: field, value."""


class WrongParameter(Problem, noun="acquisition", status=422, zh="参数有误", en="The parameter is wrong"):
    """Fields: field, value."""


class RollOutOperations(Api):
    """Orders to groups of terminals."""

    @command(permit="acquisition.set", problems=(OutsideScope, NothingToRollOut, WrongTimes, WrongParameter))
    def start_roll_out(self, call: Call, request: StartRollOut) -> RollOut:
        """Orders a group of terminals to do one thing (批量下发); what changes something waits for a second person."""

    @query(permit="acquisition.read")
    def roll_outs(self, call: Call, request: FindRollOuts) -> RollOutsFound:
        """The newest roll-outs."""

    @query(permit="acquisition.read", problems=(RollOutNotFound,))
    def roll_out(self, call: Call, request: RollOutRef) -> RollOut:
        """One roll-out with its counts."""

    @query(permit="acquisition.read", problems=(RollOutNotFound,))
    def roll_out_members(self, call: Call, request: FindMembers) -> MembersFound:
        """The terminals of a roll-out and what became of each."""

    @command(permit="acquisition.set", problems=(RollOutNotFound, WrongRollOutState))
    def halt_roll_out(self, call: Call, request: ReasonedRollOut) -> RollOut:
        """Stops a roll-out; orders that are on their way are still answered."""

    @command(permit="acquisition.set", problems=(RollOutNotFound, WrongRollOutState))
    def resume_roll_out(self, call: Call, request: ReasonedRollOut) -> RollOut:
        """Goes on with a halted roll-out: what failed is tried again, what is done stays."""

    @command(permit="acquisition.front", problems=(RollOutNotFound,))
    def advance_roll_out(self, call: Call, request: RollOutRef) -> RollOut:
        """Takes over what was answered and gives the next orders."""

"""Messages and operations about events of meters and terminals (事件) and the alarms that they raise (告警)."""

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from denghuo.kernel.batch import ITEMS_MAX
from denghuo.kernel.contract import Api, Call, Dictionary, Event, Label, Message, Page, command, query
from denghuo.kernel.fields import AreaNo, AsOf, Day, Instant, MeterNo, OrganisationCode, Reason
from denghuo.kernel.problem import NotFound, Problem, text
from denghuo.service.acquisition.api.terminal import TerminalNo

ALARM_KINDS = Dictionary(
    "acquisition.alarm_kind",
    {
        "power_loss": text("停电", "Power loss"),
        "phase_loss": text("断相", "Phase loss"),
        "voltage_loss": text("失压", "Voltage loss"),
        "over_voltage": text("过压", "Over-voltage"),
        "under_voltage": text("欠压", "Under-voltage"),
        "current_loss": text("失流（电流回路开路）", "Current loss"),
        "current_short": text("电流回路短路", "Current circuit shorted"),
        "over_current": text("过流", "Over-current"),
        "reverse_power": text("功率（电流）反向", "Reverse power"),
        "phase_sequence": text("相序异常", "Wrong phase sequence"),
        "cover_open": text("开表盖", "Meter cover open"),
        "terminal_cover_open": text("开端钮盒", "Terminal cover open"),
        "magnetic_field": text("恒定磁场干扰", "Magnetic field"),
        "clock_fault": text("时钟异常", "Clock fault"),
        "meter_fault": text("电能表故障", "Meter fault"),
        "switch_fault": text("负荷开关误动作", "Switch acted wrongly"),
        "register_fell": text("示度下降", "Register fell"),
        "runs_away": text("电能表飞走", "Meter runs away"),
        "stands_still": text("电能表停走", "Meter stands still"),
        "reading_failed": text("终端抄表失败", "Terminal cannot read the meter"),
        "terminal_fault": text("终端故障", "Terminal fault"),
        "unknown_meter": text("发现未知电能表", "Unknown meter found"),
        "other": text("其他事件", "Other event"),
    },
    tones={
        "power_loss": "danger",
        "cover_open": "danger",
        "terminal_cover_open": "danger",
        "magnetic_field": "danger",
        "reverse_power": "danger",
        "phase_loss": "warning",
        "voltage_loss": "warning",
        "over_voltage": "warning",
        "under_voltage": "warning",
    },
)
AlarmKind = Annotated[
    Literal[
        "power_loss",
        "phase_loss",
        "voltage_loss",
        "over_voltage",
        "under_voltage",
        "current_loss",
        "current_short",
        "over_current",
        "reverse_power",
        "phase_sequence",
        "cover_open",
        "terminal_cover_open",
        "magnetic_field",
        "clock_fault",
        "meter_fault",
        "switch_fault",
        "register_fell",
        "runs_away",
        "stands_still",
        "reading_failed",
        "terminal_fault",
        "unknown_meter",
        "other",
    ],
    Label("事件类型", "Kind", dictionary=ALARM_KINDS.name),
]
ALARM_STATES = Dictionary(
    "acquisition.alarm_state",
    {"new": text("新告警", "New"), "acknowledged": text("已确认", "Acknowledged"), "closed": text("已关闭", "Closed")},
    tones={"new": "danger", "acknowledged": "warning", "closed": "plain"},
)
AlarmState = Annotated[
    Literal["new", "acknowledged", "closed"], Label("处理状态", "State", dictionary=ALARM_STATES.name)
]
AlarmNo = Annotated[int, Label("告警编号", "Alarm no.")]
Phases = Annotated[str, Field(pattern=r"^A?B?C?$"), Label("相别", "Phases")]
Begun = Annotated[AwareDatetime, Label("发生时间", "Began")]
Ended = Annotated[AwareDatetime | None, Label("结束时间", "Ended")]


class ToldEvent(Message):
    """An event as a terminal told it: that it began, that it ended, or both. `number` or `address`: of the meter; neither: of the
    terminal itself. `code`: the protocol's own name of it."""

    terminal_no: TerminalNo
    number: Annotated[int, Field(ge=0, le=4095)] | None = None
    address: Annotated[str, Field(max_length=32)] | None = None
    kind: AlarmKind
    code: Annotated[str, Field(pattern=r"^[0-9A-Z]{1,8}$")]
    phases: Phases = ""
    begun_at: AwareDatetime | None = None
    ended_at: AwareDatetime | None = None


class TakeEvents(Message):
    events: Annotated[list[ToldEvent], Field(min_length=1, max_length=ITEMS_MAX)]


class EventsTaken(Message):
    """`new`: events that were not known. `ended`: known ones whose end was told. `raised`: alarms that follow from them."""

    new: int
    ended: int
    raised: int


class FindAlarms(Page):
    """The newest first; pages by number. Days are those on which alarms were raised, both included."""

    kind: AlarmKind | None = None
    state: AlarmState | None = None
    org: OrganisationCode | None = None
    meter_no: MeterNo | None = None
    terminal_no: TerminalNo | None = None
    area_no: AreaNo | None = None
    open_only: Annotated[bool, Label("仅未关闭", "Open only")] = False
    first_day: Annotated[Day | None, Label("起始日期", "From")] = None
    last_day: Annotated[Day | None, Label("截止日期", "Through")] = None


class Alarm(Message):
    """What is to be looked into: events of one kind at one meter (or terminal) until it is closed. `count`: how many events."""

    alarm_no: AlarmNo
    kind: AlarmKind
    meter_no: Annotated[MeterNo | None, Label("表号", "Meter no.")]
    terminal_no: TerminalNo
    place: Annotated[str, Label("测量点", "Measuring point")]
    org: OrganisationCode
    state: AlarmState
    count: Annotated[int, Label("次数", "Times")]
    first_at: Annotated[AwareDatetime, Label("首次发生", "First")]
    last_at: Annotated[AwareDatetime, Label("最近发生", "Last")]
    over_at: Annotated[AwareDatetime | None, Label("恢复时间", "Over")]
    raised_at: Annotated[AwareDatetime, Label("告警时间", "Raised")]
    acknowledged_by: Annotated[str | None, Label("确认人", "Acknowledged by", dictionary="staff")]
    acknowledged_at: Annotated[AwareDatetime | None, Label("确认时间", "Acknowledged")]
    closed_by: Annotated[str | None, Label("关闭人", "Closed by", dictionary="staff")]
    closed_at: Annotated[AwareDatetime | None, Label("关闭时间", "Closed")]
    reason: Annotated[str, Label("处理结果", "What was found")]


class AlarmsFound(Message):
    """A page; the counts are of everything that was asked for."""

    rows: list[Alarm]
    total: Annotated[int, Label("合计", "Total")]
    new: Annotated[int, Label("新告警", "New")]
    acknowledged: Annotated[int, Label("已确认", "Acknowledged")]
    next: str | None
    as_of: AsOf


class AlarmRef(Message):
    alarm_no: AlarmNo


class MeterEvent(Message):
    """`told_at`: when it was told first."""

    event_no: Annotated[int, Label("事件编号", "Event no.")]
    kind: AlarmKind
    code: Annotated[str, Label("规约事件", "Protocol's event")]
    phases: Phases
    begun_at: Begun
    ended_at: Ended
    told_at: Annotated[AwareDatetime, Label("上报时间", "Told")]


class AlarmDetail(Message):
    """An alarm with its newest events, at most 200."""

    alarm: Alarm
    events: list[MeterEvent]
    as_of: AsOf


class CloseAlarm(Message):
    alarm_no: AlarmNo
    reason: Reason


class AlarmGroupRef(Message):
    """Alarms of a kind and unit at one place: at a supply area, or at a terminal of which no area is recorded."""

    kind: AlarmKind
    org: OrganisationCode
    area_no: AreaNo | None = None
    terminal_no: TerminalNo | None = None


class AlarmGroup(AlarmGroupRef):
    """Those that are open. `newest`: the newest of them. `area_name`: where the area is known to the caller."""

    area_name: Annotated[str | None, Label("台区名称", "Area")] = None
    count: Annotated[int, Label("未关闭告警", "Open alarms")]
    first_at: Annotated[AwareDatetime | None, Label("最早发生", "First")]
    last_at: Annotated[AwareDatetime | None, Label("最近发生", "Last")]
    newest: Annotated[int | None, Label("最新告警编号", "Newest alarm no.")]
    as_of: AsOf


class CloseAlarms(AlarmGroupRef):
    """`up_to`: the newest that was seen; what is raised after it stays open."""

    up_to: AlarmNo
    reason: Reason


class AlarmsClosed(Message):
    closed: Annotated[int, Label("关闭条数", "Closed")]


class FindEvents(Page):
    """Events of a meter or terminal, the newest told first, with those that raise no alarm; pages by number."""

    kind: AlarmKind | None = None
    org: OrganisationCode | None = None
    meter_no: MeterNo | None = None
    terminal_no: TerminalNo | None = None


class FoundEvent(MeterEvent):
    terminal_no: TerminalNo
    meter_no: Annotated[MeterNo | None, Label("表号", "Meter no.")]
    place: Annotated[str, Label("测量点", "Measuring point")]
    org: OrganisationCode
    alarm_no: Annotated[int | None, Label("告警编号", "Alarm no.")]


class EventsFound(Message):
    rows: list[FoundEvent]
    next: str | None
    as_of: AsOf


class RaisedAlarm(Message):
    """Of one alarm, within an event."""

    alarm_no: int
    kind: AlarmKind
    meter_no: str | None
    terminal_no: str
    org: str
    begun_at: Instant


class AlarmsRaised(Event, name="acquisition.alarms.raised", version=1):
    """Alarms that are new: at most 1,000 of them. Further events of an open alarm raise none."""

    alarms: list[RaisedAlarm]


class AlarmSettled(Event, name="acquisition.alarm.closed", version=1):
    """Somebody closed an alarm with what was found."""

    alarm_no: int
    reason: str


class AlarmGroupSettled(Event, name="acquisition.alarm_group.closed", version=1):
    """Somebody closed the alarms of a kind at one place together, with what was found."""

    kind: AlarmKind
    org: str
    area_no: str | None
    terminal_no: str | None
    reason: str


class AlarmNotFound(NotFound, noun="acquisition", status=404, zh="未找到该告警", en="No such alarm"):
    """Fields: alarm_no. Raised also for an alarm outside the caller's organisation scope."""


class AlarmClosed(Problem, noun="acquisition", status=409, zh="告警已关闭", en="The alarm is closed"):
    """Fields: alarm_no, closed_by."""


class AlarmOperations(Api):
    """Events of meters and terminals, and the alarms that they raise."""

    @command(permit="acquisition.front", emits=(AlarmsRaised,))
    def take_events(self, call: Call, request: TakeEvents) -> EventsTaken:
        """Takes what terminals told of events. The same meter, kind and begin told again changes nothing but adds its end."""

    @query(permit="acquisition.read")
    def alarms(self, call: Call, request: FindAlarms) -> AlarmsFound:
        """Alarms of meters and terminals, the newest first (告警)."""

    @query(permit="acquisition.read", problems=(AlarmNotFound,))
    def alarm(self, call: Call, request: AlarmRef) -> AlarmDetail:
        """One alarm with its events."""

    @query(permit="acquisition.read")
    def events(self, call: Call, request: FindEvents) -> EventsFound:
        """Events as they were told, with those that raise no alarm (事件)."""

    @command(permit="acquisition.alarm", problems=(AlarmNotFound, AlarmClosed))
    def acknowledge_alarm(self, call: Call, request: AlarmRef) -> Alarm:
        """Says that somebody looks into an alarm (告警确认)."""

    @command(permit="acquisition.alarm", problems=(AlarmNotFound, AlarmClosed), emits=(AlarmSettled,))
    def close_alarm(self, call: Call, request: CloseAlarm) -> Alarm:
        """Ends an alarm with what was found. A later event of its kind raises another."""

    @query(permit="acquisition.read")
    def alarm_group(self, call: Call, request: AlarmGroupRef) -> AlarmGroup:
        """The open alarms of a kind at one place, as one matter on a to-do list (同类告警)."""

    @command(permit="acquisition.alarm", emits=(AlarmGroupSettled,))
    def close_alarms(self, call: Call, request: CloseAlarms) -> AlarmsClosed:
        """Ends the open alarms of a kind at one place together, with what was found."""

"""Messages and operations about collecting (采集任务与召测): what is due, what came, why the rest did not, and reads on demand."""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from denghuo.kernel.batch import ITEMS_MAX
from denghuo.kernel.contract import (
    Api,
    Call,
    DatasetRef,
    DatasetSchema,
    Dictionary,
    Event,
    Label,
    Message,
    Page,
    command,
    query,
)
from denghuo.kernel.fields import AsOf, Day, Instant, MeterNo, OrganisationCode, TextPair
from denghuo.kernel.problem import NotFound, Problem, text
from denghuo.kernel.values import Percent, Register
from denghuo.service.acquisition.api.terminal import MeasuringPoint, TerminalNo

KINDS = Dictionary(
    "acquisition.kind",
    {
        "freeze": text("日冻结示值", "Midnight registers"),
        "month": text("月冻结示值", "Registers of a month's end"),
        "curve": text("96点曲线", "96-point curve"),
    },
)
CollectionKind = Annotated[
    Literal["freeze", "month", "curve"], Label("采集项目", "What is collected", dictionary=KINDS.name)
]
CAUSES = Dictionary(
    "acquisition.cause",
    {
        "offline": text("终端离线", "Terminal offline"),
        "no_answer": text("终端无应答", "No answer"),
        "denied": text("终端否认", "Terminal denied"),
        "no_data": text("终端无此数据", "Terminal has no data"),
        "wrong_day": text("时标不符（时钟错误）", "Another day's data (wrong clock)"),
        "bad_frame": text("应答无法解析", "Answer not understood"),
        "not_applied": text("回读不一致", "Read back otherwise"),
        "no_cipher": text(
            "密码机或密钥未接入（设置 cipher_machine、key_safe）",
            "No cipher machine or keys (settings cipher_machine, key_safe)",
        ),
        "waiting": text("尚未采集", "Not asked yet"),
    },
    tones={
        "offline": "danger",
        "no_answer": "warning",
        "wrong_day": "danger",
        "bad_frame": "danger",
        "not_applied": "danger",
        "no_cipher": "danger",
    },
)
CauseCode = Annotated[
    Literal[
        "offline", "no_answer", "denied", "no_data", "wrong_day", "bad_frame", "not_applied", "no_cipher", "waiting"
    ],
    Label("原因", "Cause", dictionary=CAUSES.name),
]
STATES = Dictionary(
    "acquisition.state",
    {"due": text("补采中", "Being collected"), "done": text("成功", "Collected"), "missing": text("缺数", "Missing")},
    tones={"due": "notice", "done": "good", "missing": "danger"},
)
CollectionState = Annotated[Literal["due", "done", "missing"], Label("状态", "State", dictionary=STATES.name)]
READ_STATES = Dictionary(
    "acquisition.read_state",
    {"waiting": text("等待应答", "Waiting"), "answered": text("已应答", "Answered"), "failed": text("失败", "Failed")},
    tones={"waiting": "notice", "answered": "good", "failed": "danger"},
)
ReadState = Annotated[Literal["waiting", "answered", "failed"], Label("状态", "State", dictionary=READ_STATES.name)]
GROUPS = Dictionary(
    "acquisition.by",
    {
        "org": text("单位", "Unit"),
        "terminal": text("终端", "Terminal"),
        "vendor": text("厂家", "Vendor"),
        "channel": text("通道", "Channel"),
    },
)
GroupBy = Annotated[Literal["org", "terminal", "vendor", "channel"], Label("分组", "By", dictionary=GROUPS.name)]
QUANTITIES = Dictionary(
    "acquisition.quantity",
    {"active_fwd": text("正向有功", "Active, forward"), "active_rev": text("反向有功", "Active, reverse")},
)
BANDS = Dictionary(
    "acquisition.band",
    {
        "total": text("总", "Total"),
        "sharp": text("尖", "Sharp"),
        "peak": text("峰", "Peak"),
        "flat": text("平", "Flat"),
        "valley": text("谷", "Valley"),
    },
)

COLLECTED_REGISTERS = DatasetSchema(
    "acquisition.collected_registers",
    1,
    {"meter_no": "text", "read_at": "instant", "quantity": "text", "band": "text", "value_e4": "int64"},
    text("采集示数", "Collected registers"),
)
COLLECTED_CURVES = DatasetSchema(
    "acquisition.collected_curves",
    1,
    {"meter_no": "text", "quantity": "text", "at": "instant", "energy_e4": "int64"},
    text("采集曲线（未乘倍率）", "Collected curves, before the multiplier"),
)
OUTCOMES = DatasetSchema(
    "acquisition.outcomes",
    1,
    {"day": "date", "kind": "text", "meter_no": "text", "cause": "text"},
    text("采集结果", "Outcomes of asking; without a cause it was collected"),
)


class StartCollection(Message):
    """Asks for a day's values of all terminals in use. What is due or was collected already stays as it is. Registers of a
    month's end are those of its last day."""

    day: Day
    kinds: Annotated[list[CollectionKind], Field(min_length=1, max_length=3)] = ["freeze", "curve"]


class CollectionStarted(Message):
    day: Day
    due: Annotated[int, Label("新增应采", "Newly due")]


class TakeCollected(Message):
    """What a front collected: values by kind, and the outcome for every meter that was asked."""

    outcomes: DatasetRef
    registers: DatasetRef | None = None
    curves: DatasetRef | None = None


class CollectedTaken(Message):
    collected: int
    failed: int


class RegistersCollected(Event, name="acquisition.registers.collected", version=1):
    rows: DatasetRef


class CurvesCollected(Event, name="acquisition.curves.collected", version=1):
    rows: DatasetRef


class ReadNow(Message):
    meter_no: MeterNo


class ReadRef(Message):
    read_no: Annotated[str, Field(max_length=40), Label("召测编号", "Read no.")]


class ReadValue(Message):
    quantity: Annotated[str, Label("示数类型", "Quantity", dictionary=QUANTITIES.name)]
    band: Annotated[str, Label("时段", "Band", dictionary=BANDS.name)]
    value: Annotated[Register, Label("示数", "Register")]
    read_at: Annotated[Instant | None, Label("抄表时间", "Read at")]


class OnDemandRead(Message):
    """A read on demand and its answer, once it is there."""

    read_no: Annotated[str, Label("召测编号", "Read no.")]
    meter_no: MeterNo
    terminal_no: TerminalNo
    number: MeasuringPoint
    org: OrganisationCode
    asked_by: Annotated[str, Label("召测人", "Asked by", dictionary="staff")]
    asked_at: Annotated[Instant, Label("召测时间", "Asked at")]
    state: ReadState
    cause: CauseCode | None
    answered_at: Annotated[Instant | None, Label("应答时间", "Answered at")]
    rows: list[ReadValue]


class FindReads(Page):
    """The newest reads on demand; pages by number."""

    meter_no: MeterNo | None = None


class ReadsFound(Message):
    rows: list[OnDemandRead]
    next: str | None
    as_of: AsOf


class ReadAnswer(Message):
    read_no: str
    cause: CauseCode | None
    rows: list[ReadValue]


class AnswerReads(Message):
    answers: Annotated[list[ReadAnswer], Field(min_length=1, max_length=ITEMS_MAX)]


class ReadsAnswered(Message):
    answered: int


class AskSuccess(Message):
    """Without a day: the newest one."""

    day: Annotated[date | None, Label("日期", "Day")] = None
    kind: CollectionKind = "freeze"
    by: GroupBy = "org"


class SuccessRow(Message):
    """A group; `org`: the unit that all of it belongs to, if there is one."""

    key: Annotated[str, Label("分组代码", "Group's code")]
    group: Annotated[TextPair, Label("分组", "Group")]
    org: Annotated[OrganisationCode | None, Label("供电单位", "Unit", dictionary="organisation")]
    due: Annotated[int, Label("应采", "Due")]
    done: Annotated[int, Label("成功", "Collected")]
    rate: Annotated[Percent, Label("成功率", "Success rate")]
    offline: Annotated[int, Label("终端离线", "Offline")]
    no_answer: Annotated[int, Label("无应答", "No answer")]
    denied: Annotated[int, Label("否认", "Denied")]
    no_data: Annotated[int, Label("无数据", "No data")]
    wrong_day: Annotated[int, Label("时标不符", "Wrong clock")]
    bad_frame: Annotated[int, Label("无法解析", "Not understood")]
    no_cipher: Annotated[int, Label("无密钥", "No keys")]
    waiting: Annotated[int, Label("尚未采集", "Not asked yet")]


class SuccessBoard(Message):
    day: Annotated[date | None, Label("日期", "Day")]
    kind: CollectionKind
    due: Annotated[int, Label("应采", "Due")]
    done: Annotated[int, Label("成功", "Collected")]
    missing: Annotated[int, Label("缺数", "Missing")]
    rate: Annotated[Percent | None, Label("成功率", "Success rate")]
    rows: list[SuccessRow]
    as_of: AsOf


class FindLeft(Page):
    """Meters of a day that were not collected; pages by meter. Without a day: the newest one."""

    day: Annotated[date | None, Label("日期", "Day")] = None
    kind: CollectionKind | None = None
    cause: CauseCode | None = None
    terminal_no: TerminalNo | None = None
    org: OrganisationCode | None = None


class Left(Message):
    row_key: Annotated[str, Label("键", "Key")]
    day: Day
    kind: CollectionKind
    meter_no: MeterNo
    terminal_no: TerminalNo
    number: MeasuringPoint
    org: OrganisationCode
    state: CollectionState
    cause: CauseCode
    tries: Annotated[int, Label("次数", "Tries")]
    deadline: Annotated[Instant, Label("补采截止", "Until")]


class LeftFound(Message):
    rows: list[Left]
    total: Annotated[int, Label("合计", "Total")]
    next: str | None
    as_of: AsOf


class MeterNotCollected(
    NotFound, noun="acquisition", status=404, zh="该表不在任何终端下", en="The meter is behind no terminal"
):
    """Fields: meter_no. Raised also for a meter outside the caller's organisation scope."""


class ReadNotFound(NotFound, noun="acquisition", status=404, zh="未找到该召测", en="No such read on demand"):
    """Fields: read_no."""


class DayNotOver(Problem, noun="acquisition", status=422, zh="该日尚未结束", en="The day is not over"):
    """Fields: day."""


class NotMonthEnd(Problem, noun="acquisition", status=422, zh="不是月末日", en="Not the last day of a month"):
    """Fields: day."""


class CollectionOperations(Api):
    """What is collected, asked for on demand, and how much of it came."""

    @command(permit="acquisition.collect", problems=(DayNotOver, NotMonthEnd))
    def start_collection(self, call: Call, request: StartCollection) -> CollectionStarted:
        """Makes a past day's values due for all meters of terminals in use, and asks again for what is missing (补采)."""

    @command(permit="acquisition.front", emits=(RegistersCollected, CurvesCollected))
    def take_collected(self, call: Call, request: TakeCollected) -> CollectedTaken:
        """Takes what a front collected: marks what is done, plans the next try of the rest, and publishes the values."""

    @command(permit="acquisition.call", problems=(MeterNotCollected,))
    def read_now(self, call: Call, request: ReadNow) -> OnDemandRead:
        """Asks a meter for its present registers through its terminal (召测). The answer follows; offline it fails at once."""

    @query(permit="acquisition.read", problems=(ReadNotFound,))
    def on_demand_read(self, call: Call, request: ReadRef) -> OnDemandRead:
        """A read on demand, with its answer once that is there."""

    @query(permit="acquisition.read")
    def on_demand_reads(self, call: Call, request: FindReads) -> ReadsFound:
        """The newest reads on demand."""

    @command(permit="acquisition.front")
    def answer_reads(self, call: Call, request: AnswerReads) -> ReadsAnswered:
        """Keeps what terminals answered to reads on demand, or why they did not."""

    @query(permit="acquisition.read")
    def success(self, call: Call, request: AskSuccess) -> SuccessBoard:
        """The success rate of a day by unit, terminal, vendor or channel, with causes (采集成功率)."""

    @query(permit="acquisition.read")
    def left(self, call: Call, request: FindLeft) -> LeftFound:
        """The meters of a day that were not collected, and why (采集缺数)."""

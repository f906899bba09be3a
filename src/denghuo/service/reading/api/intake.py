"""Messages and operations about registers and curves that come in (示数与曲线入库), and rows that are refused."""

from typing import Annotated, Literal

from denghuo.kernel.contract import Api, Call, DatasetRef, Dictionary, Event, Label, Message, Page, command, query
from denghuo.kernel.fields import AsOf, Instant, MonthText, TextPair
from denghuo.kernel.problem import Problem, text
from denghuo.service.reading.api.vocabulary import RowCount


class Intake(Message):
    """Rows to take in: a published dataset of the intake's schema."""

    rows: DatasetRef


REFUSALS = Dictionary(
    "reading.refusal",
    {
        "empty": text("缺值", "Value missing"),
        "unknown_code": text("代码不明", "Unknown code"),
        "unknown_subject": text("不在档案", "Not in the archive"),
        "not_installed": text("不在装用期", "Not in use"),
        "future": text("时间在未来", "In the future"),
        "clock": text("时钟超前", "Clock ahead"),
        "negative": text("负值", "Negative"),
        "digits": text("位数不符", "Digits do not fit"),
        "superseded": text("被同批后值取代", "Replaced by a later row"),
        "off_slot": text("非15分钟整点", "Not on a quarter-hour"),
    },
)
RefusalCode = Annotated[
    Literal[
        "empty",
        "unknown_code",
        "unknown_subject",
        "not_installed",
        "future",
        "clock",
        "negative",
        "digits",
        "superseded",
        "off_slot",
    ],
    Label("类别", "Kind", dictionary=REFUSALS.name),
]


class RefusedRead(Message):
    """Why a row of an intake was not taken. It is kept beside the raw reads, with what it said."""

    subject: Annotated[str, Label("表号", "Meter no.")]
    at: Instant | None
    value: Annotated[str, Label("原值", "Value")]
    code: RefusalCode
    reason: Annotated[TextPair, Label("原因", "Reason")]


class Received(Message):
    """Counts of an intake. `unchanged` were known with the same value; `corrected` got a new version, the old one is kept.

    refused_rows holds the first hundred; the list operation `refused` has all of them.
    """

    taken: Annotated[int, Label("入库", "Taken")]
    unchanged: Annotated[int, Label("未变", "Unchanged")]
    corrected: Annotated[int, Label("更正", "Corrected")]
    refused: Annotated[int, Label("拒收", "Refused")]
    refused_rows: list[RefusedRead]


class FindRefused(Page):
    month: MonthText | None = None


class RefusedFound(Message):
    rows: list[RefusedRead]
    total: RowCount
    next: str | None
    as_of: AsOf


class AnyMonth(Message):
    """All months that there are."""


class MonthReceived(Message):
    """A month in which registers were received: those of its days, each day closed by the midnight after it."""

    month: MonthText
    registers: Annotated[int, Label("已接收示数", "Registers received")]


class MonthsReceived(Message):
    """Months with registers of the whole company, newest first."""

    rows: list[MonthReceived]


class RegistersReceived(Event, name="reading.registers.received", version=1):
    """An intake changed the stored reads of a month."""

    month: str
    taken: int
    corrected: int


class CurvesReceived(Event, name="reading.curves.received", version=1):
    """An intake changed the stored curves of a month."""

    month: str
    taken: int
    corrected: int


class WrongIntake(Problem, noun="reading", status=422, zh="数据集不是所需格式", en="The dataset has another schema"):
    """Fields: expected, given."""


class IntakeOperations(Api):
    """Registers and curves as they come in."""

    @command(permit="reading.receive", problems=(WrongIntake,), emits=(RegistersReceived,))
    def receive_registers(self, call: Call, request: Intake) -> Received:
        """Takes registers in (`reading.register_intake`, or `reading.marked_register_intake` where their sender says which of them
        nobody read). The same rows again change nothing; raw values are never overwritten. What ends a month has its units
        counted by a job."""

    @command(permit="reading.receive", problems=(WrongIntake,), emits=(CurvesReceived,))
    def receive_curves(self, call: Call, request: Intake) -> Received:
        """Takes 15-minute curves in (`reading.curve_intake`, or `reading.marked_curve_intake` where their sender says which values
        he did not measure) into the day lake. The same rows again change nothing."""

    @query(permit="reading.read")
    def refused(self, call: Call, request: FindRefused) -> RefusedFound:
        """Rows of intakes that were refused, newest first."""

    @query(permit="reading.read")
    def months(self, call: Call, request: AnyMonth) -> MonthsReceived:
        """The months of which registers were received, newest first: with the newest a page about a month begins."""

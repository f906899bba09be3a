"""Customers' own reading (客户自报读数) in the reading contract: what a customer sees of their meters, reports and is told, and the
review of it."""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from denghuo.kernel.contract import Api, Call, Dictionary, Event, Label, Message, Page, command, query
from denghuo.kernel.fields import AccountNo, AsOf, Instant, MeterNo, MonthText, OrganisationCode, PointNo, Reason
from denghuo.kernel.problem import NotFound, Problem, text
from denghuo.kernel.values import Multiplier, Register
from denghuo.service.reading.api.field import FieldRegister, ReadAt, Warnings
from denghuo.service.reading.api.review import ReadCorrected, TooManyDigits
from denghuo.service.reading.api.vocabulary import Band, Quantity, Source

SELF_READ_STATES = Dictionary(
    "reading.self_read_state",
    {
        "counted": text("已采用", "Taken"),
        "waiting": text("示数可疑，待核实", "Doubtful, to be looked at"),
        "outweighed": text("已有采集或现场示数，以其为准", "A collected or field read goes before it"),
        "superseded": text("已被后来的自报取代", "Replaced by a later report"),
        "accepted": text("已核实采用", "Looked at and taken"),
        "refused": text("未采用", "Not taken"),
    },
    tones={
        "counted": "good",
        "waiting": "warning",
        "outweighed": "plain",
        "superseded": "plain",
        "accepted": "good",
        "refused": "danger",
    },
)
SelfReadState = Annotated[
    Literal["counted", "waiting", "outweighed", "superseded", "accepted", "refused"],
    Label("状态", "State", dictionary=SELF_READ_STATES.name),
]
SelfReadNo = Annotated[int, Field(gt=0), Label("自报编号", "Report")]
ReportNo = Annotated[str, StringConstraints(pattern=r"^[0-9a-f-]{36}$"), Label("报送编号", "Report no.")]
NumberSeen = Annotated[
    str,
    StringConstraints(pattern=r"^[0-9A-Za-z][0-9A-Za-z._-]*$", min_length=4, max_length=32),
    Label("电表上的编号（可只填末四位）", "Number on the meter (its last four suffice)"),
]
ReportedAt = Annotated[Instant, Label("报送时间", "Reported at")]
OpensOn = Annotated[date, Label("自报开始", "Reports from")]
ClosesOn = Annotated[date, Label("自报截止", "Reports until")]
Confirmed = Annotated[bool, Label("客户已核对", "Checked by the customer")]
WhyConfirmed = Annotated[
    Annotated[str, StringConstraints(max_length=200, strip_whitespace=True)] | None, Label("说明", "Remark")
]


# --- the customer ---------------------------------------------------------------------------------------------------------


class MyMeters(Message):
    account_no: AccountNo


class OwnRegister(Message):
    """A register to report, and what it is held against."""

    quantity: Quantity
    band: Band
    last: Annotated[Register | None, Label("上次示数", "Last register")]
    last_at: Annotated[Instant | None, Label("上次时间", "Read last at")]
    usual_a_day: Annotated[Register | None, Label("平常日走字", "Usual advance a day")]
    most_a_day: Annotated[Register | None, Label("容量日走字上限", "Most a day by capacity")]


class OwnReport(Message):
    """What the customer reported and what became of it. remark: why it was not taken."""

    self_read_no: SelfReadNo
    report_no: ReportNo
    month: MonthText
    meter_no: MeterNo
    registers: list[FieldRegister]
    reported_at: ReportedAt
    warnings: Warnings
    state: SelfReadState
    remark: Annotated[str | None, Label("审核意见", "Remark")]


class OwnMeter(Message):
    """A meter of the account in the reading that is next or open. read_at: the midnight at which it is read. source: from where the
    register of that midnight is known so far. times, rollover_e4: as of a field order."""

    meter_no: MeterNo
    month: MonthText
    read_at: ReadAt
    opens_on: OpensOn
    closes_on: ClosesOn
    is_open: Annotated[bool, Label("可自报", "Open")]
    multiplier: Annotated[Multiplier, Label("倍率", "Multiplier")]
    integer_digits: Annotated[int, Label("整数位", "Digits before the point")]
    decimal_digits: Annotated[int, Label("小数位", "Digits after the point")]
    times: Annotated[int, Label("倍数", "Times")]
    rollover_e4: Annotated[int, Label("翻转范围（万分之一）", "Share near the turn (1e-4)")]
    source: Source
    registers: list[OwnRegister]
    reports: list[OwnReport]


class MyMetersFound(Message):
    """No rows: the account has no meter now."""

    rows: list[OwnMeter]
    as_of: AsOf


class ReportRegisters(Message):
    """What the customer read today, numbered by their device: the same number again changes nothing and is told what has become of
    it. A warning needs `confirmed`."""

    report_no: ReportNo
    account_no: AccountNo
    number_seen: NumberSeen
    registers: Annotated[list[FieldRegister], Field(min_length=1, max_length=30)]
    confirmed: Confirmed = False
    reason: WhyConfirmed = None


# --- the office -----------------------------------------------------------------------------------------------------------


class FindSelfReads(Page):
    month: MonthText | None = None
    state: SelfReadState | None = None
    org: OrganisationCode | None = None
    account_no: AccountNo | None = None
    meter_no: MeterNo | None = None


class SelfReadRow(OwnReport):
    point_no: PointNo
    account_no: AccountNo
    org: OrganisationCode
    read_at: Annotated[Instant, Label("计作零点", "Counts at")]
    shown: Annotated[str, Label("示数", "Registers")]
    confirmed: Confirmed
    reason: WhyConfirmed
    decided_by: Annotated[str | None, Label("审核人", "Decided by", dictionary="staff")]
    decided_at: Annotated[Instant | None, Label("审核时间", "Decided at")]


class SelfReadsFound(Message):
    rows: list[SelfReadRow]
    total: Annotated[int, Label("总数", "Total")]
    next: str | None
    as_of: AsOf


class SelfReadRef(Message):
    self_read_no: SelfReadNo


class DecideSelfRead(Message):
    self_read_no: SelfReadNo
    reason: Reason


class FollowSelfRead(Message):
    """A meter whose reports of a month have changed."""

    month: MonthText
    meter_no: MeterNo


class SelfReadFollowed(Message):
    """How many reads are other than before."""

    changed: Annotated[int, Label("变更", "Changed")]


class ReporterTold(Message):
    """Whether there was anything to tell."""

    told: bool


class SelfReadReceived(Event, name="reading.self_read.received", version=1):
    """A customer reported the registers of a meter. state: counted, or waiting for the office's word."""

    self_read_no: int
    account_no: str
    org: str
    month: str
    state: str


class NoSuchSelfRead(NotFound, noun="reading", status=404, zh="未找到该自报记录", en="No such report"):
    """Fields: self_read_no. Raised also for a report outside the caller's scope."""


class NotYourAccount(NotFound, noun="reading", status=404, zh="未找到该户号", en="No such account"):
    """Fields: account_no. Raised for an account that is not bound to the caller's login."""


class WrongMeter(Problem, noun="reading", status=409, zh="电表编号不符", en="This is another meter"):
    """Fields: number_seen, meters: those of the account."""


class OutsideWindow(Problem, noun="reading", status=409, zh="不在自报时间内", en="Not the time to report"):
    """Fields: opens_on, closes_on."""


class RegistersUnfit(Problem, noun="reading", status=422, zh="示数项目不全或多余", en="Other registers are asked for"):
    """Fields: given, expected: quantity and band of each."""


class Doubtful(Problem, noun="reading", status=409, zh="示数可疑，请再看一眼电表", en="Look at the meter again"):
    """Fields: warnings. Report it again with `confirmed` if the meter shows it."""


class ReportSettled(Problem, noun="reading", status=409, zh="供电所已核定示数", en="The office has settled it"):
    """A report of the month was looked at and taken; what the office has settled stays. Fields: meter_no, month."""


class NothingToReview(
    Problem, noun="reading", status=409, zh="该自报不待审核", en="The report does not wait for a word"
):
    """It was decided or replaced. Fields: self_read_no, state."""


class SelfReadOperations(Api):
    """What customers read of their own meters."""

    @query(permit="reading.own", problems=(NotYourAccount,))
    def my_meters(self, call: Call, request: MyMeters) -> MyMetersFound:
        """The meters of one of the caller's own accounts in the reading that is next: when to report and what a report is held
        against, with the reports of that reading, the newest first."""

    @command(
        permit="reading.own",
        problems=(
            NotYourAccount,
            WrongMeter,
            OutsideWindow,
            RegistersUnfit,
            TooManyDigits,
            Doubtful,
            ReportSettled,
        ),
        emits=(SelfReadReceived,),
    )
    def report_registers(self, call: Call, request: ReportRegisters) -> OwnReport:
        """Takes what the caller's own meter shows today. A plausible report counts at the midnight that begins the day, where
        nothing was collected or read on site; a doubtful one that was confirmed waits for the office. It stands in place of an
        earlier one of the same reading."""

    @query(permit="reading.read")
    def self_reads(self, call: Call, request: FindSelfReads) -> SelfReadsFound:
        """What customers reported, by month, state, unit, account and meter, the newest first."""

    @query(permit="reading.read", problems=(NoSuchSelfRead,))
    def self_read(self, call: Call, request: SelfReadRef) -> SelfReadRow:
        """One report."""

    @command(permit="reading.review", problems=(NoSuchSelfRead, NothingToReview), emits=(ReadCorrected,))
    def accept_self_read(self, call: Call, request: DecideSelfRead) -> SelfReadRow:
        """The office looked at a report and takes it; a doubtful one counts from now on. The read is made anew."""

    @command(permit="reading.review", problems=(NoSuchSelfRead, NothingToReview), emits=(ReadCorrected,))
    def refuse_self_read(self, call: Call, request: DecideSelfRead) -> SelfReadRow:
        """The office does not take a report; its customer is told why, and the read is made anew without it."""

    @command(permit="reading.run", emits=(ReadCorrected,))
    def follow_self_read(self, call: Call, request: FollowSelfRead) -> SelfReadFollowed:
        """Makes the reads of a meter's month anew after a report, where they were made already. A job does it; again, it changes
        nothing."""

    @command(permit="reading.run")
    def tell_reporter(self, call: Call, request: SelfReadRef) -> ReporterTold:
        """Tells a customer what the office said of their report. A job does it; each word is told once."""

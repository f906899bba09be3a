"""Messages and operations about the month's reads (抄表示数): by status and rule, of an account, of a point, at a midnight."""

from datetime import date
from typing import Annotated

from pydantic import Field

from denghuo.kernel.batch import ITEMS_MAX
from denghuo.kernel.contract import Api, Call, Label, Message, Page, query
from denghuo.kernel.fields import (
    AccountNo,
    AreaNo,
    AsOf,
    Day,
    Instant,
    MeterNo,
    MonthText,
    OrganisationCode,
    PointNo,
    PointRole,
    TextPair,
)
from denghuo.kernel.problem import NotFound
from denghuo.kernel.values import Energy, Register
from denghuo.service.reading.api.row import RegisterRow
from denghuo.service.reading.api.vocabulary import (
    Band,
    End,
    Measured,
    Method,
    MissingDays,
    Piece,
    Quantity,
    RowCount,
    RowKey,
    RuleCode,
    Severity,
    Source,
    Start,
    Status,
)


class MonthReadRow(RegisterRow):
    """One register difference of the month: a point's piece, quantity and band, with its status and the rule that set it."""

    row_key: RowKey
    month: MonthText
    days_missing: MissingDays
    notices: Annotated[list[str], Label("提示", "Notices")]
    accepted_by: Annotated[str | None, Label("确认人", "Accepted by", dictionary="staff")]
    remark: Annotated[str | None, Label("事由", "Reason given")]
    version: Annotated[int, Label("版本", "Version")]
    start_source: Annotated[Source | None, Label("起度来源", "Source of the start")] = None
    end_source: Annotated[Source | None, Label("止度来源", "Source of the end")] = None
    start_mark: Annotated[str | None, Label("起度对方标记", "Sender's mark of the start")] = None
    end_mark: Annotated[str | None, Label("止度对方标记", "Sender's mark of the end")] = None
    chain: Annotated[TextPair | None, Label("取数链", "Sources tried")] = None


class FindReads(Page):
    month: MonthText
    status: Status | None = None
    rule: RuleCode | None = None
    org: OrganisationCode | None = None
    account_no: AccountNo | None = None
    point_no: PointNo | None = None
    meter_no: MeterNo | None = None
    area_no: AreaNo | None = None


class ReadsFound(Message):
    """A page of the month's reads in the order of points; `next` is the `after` of the following page."""

    rows: list[MonthReadRow]
    total: RowCount
    next: str | None
    as_of: AsOf


class FindExceptions(Page):
    """Held reads first; `notices` adds those that passed with an estimate or a remark (rollover, exchange, missing days)."""

    month: MonthText
    org: OrganisationCode | None = None
    rule: RuleCode | None = None
    notices: Annotated[bool, Label("含提示", "With notices")] = True


class ReadException(Message):
    """A read that a clerk looks at: what is wrong, in words, and what may be done about it."""

    row_key: RowKey
    month: MonthText
    point_no: PointNo
    piece: Piece
    quantity: Quantity
    band: Band
    account_no: AccountNo | None
    area_no: AreaNo | None
    org: OrganisationCode
    role: PointRole
    meter_no: MeterNo
    start: Start
    end: End
    energy: Measured
    status: Status
    rule: RuleCode
    method: Method
    title: Annotated[TextPair, Label("异常", "Exception")]
    remedy: Annotated[TextPair, Label("处理办法", "What to do")]
    may_accept: Annotated[bool, Label("可确认", "May be accepted")]


class ExceptionsFound(Message):
    rows: list[ReadException]
    total: RowCount
    held: Annotated[int, Label("待核", "Held")]
    next: str | None
    as_of: AsOf


class AccountMonth(Message):
    account_no: AccountNo
    month: MonthText | None = None


class AccountReads(Message):
    """The reads of all points of an account, newest month first."""

    account_no: AccountNo
    rows: list[MonthReadRow]
    as_of: AsOf


class PointMonthRef(Message):
    point_no: PointNo
    month: MonthText
    quantity: Quantity | None = None
    band: Band = "total"


class DayRead(Message):
    """A midnight of the month: the register as it was read (or estimated, and marked) and the energy of the day it begins.
    sent: what another system estimated, with its mark, whether or not it counts."""

    day: Day
    read_at: Instant
    meter_no: MeterNo
    piece: Piece
    shown: Annotated[Register | None, Label("示数", "Register")]
    raw: Annotated[Register | None, Label("原始示数", "Register as received")]
    energy: Annotated[Energy | None, Label("日电量", "Energy of the day")]
    status: Status
    rule: RuleCode
    method: Method
    sent: Annotated[Register | None, Label("对方估计示数", "Estimated by the sender")] = None
    mark: Annotated[str | None, Label("对方标记", "Sender's mark")] = None


class PointMonth(Message):
    """One point's month: its reads, its midnights, and the daily energies as parallel lists for a curve."""

    point_no: PointNo
    month: MonthText
    account_no: AccountNo | None
    org: OrganisationCode
    role: PointRole
    quantity: Quantity
    reads: list[MonthReadRow]
    days: list[DayRead]
    starts: Annotated[date, Label("起始日期", "First day")]
    energies: Annotated[list[Energy | None], Label("日电量", "Energy a day")]
    estimated: Annotated[list[bool], Label("估计", "Estimated")]
    as_of: AsOf


class RegistersAt(Message):
    """Points whose registers are asked for at the midnight that begins a day inside the month. known_at: as they were known then,
    else by the month's plan as it is."""

    month: MonthText
    day: Day
    point_nos: Annotated[list[PointNo], Field(min_length=1, max_length=ITEMS_MAX)]
    known_at: Instant | None = None


class RegisterAt(Message):
    """A register at a midnight: as read, else on the line between its neighbours (interpolated). None: no line leads there."""

    point_no: PointNo
    meter_no: MeterNo
    piece: Piece
    quantity: Quantity
    band: Band
    shown: Annotated[Register | None, Label("示数", "Register")]
    method: Method


class RegistersFound(Message):
    rows: list[RegisterAt]
    as_of: AsOf


class RuleRow(Message):
    """A rule of validation or estimation as it is in force on a day."""

    code: RuleCode
    title: Annotated[TextPair, Label("规则", "Rule")]
    severity: Severity
    parameters: Annotated[TextPair | None, Label("依据", "Goes by")]
    effective_from: Annotated[date, Label("生效日期", "Effective from")]
    effective_to: Annotated[date | None, Label("失效日期", "Effective to")]


class RulesOn(Message):
    on: Annotated[date, Label("日期", "On")] | None = None


class Rules(Message):
    rows: list[RuleRow]


class NotPlanned(NotFound, noun="reading", status=404, zh="未找到该抄表计划", en="No such reading plan"):
    """Fields: point_no, month. Raised also for a point outside the caller's scope."""


class ReadOperations(Api):
    """The month's reads, and what they were judged by."""

    @query(permit="reading.read")
    def reads(self, call: Call, request: FindReads) -> ReadsFound:
        """The month's reads by status, rule, station, account, point, meter or area."""

    @query(permit="reading.read")
    def exceptions(self, call: Call, request: FindExceptions) -> ExceptionsFound:
        """Reads to look at: held ones first, then those that passed with an estimate or a remark."""

    @query(permit="reading.read")
    def account_reads(self, call: Call, request: AccountMonth) -> AccountReads:
        """The reads of an account."""

    @query(permit="reading.read", problems=(NotPlanned,))
    def point_month(self, call: Call, request: PointMonthRef) -> PointMonth:
        """One point's month: registers and energies of its days."""

    @query(permit="reading.read")
    def registers_at(self, call: Call, request: RegistersAt) -> RegistersFound:
        """The energy registers of points at a midnight inside the month, where a bill changes its terms. Meters that were exchanged
        at that very midnight have none: their pieces end there."""

    @query(permit="reading.read")
    def rules(self, call: Call, request: RulesOn) -> Rules:
        """The rules of validation and estimation in force."""

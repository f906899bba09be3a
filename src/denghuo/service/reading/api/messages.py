"""Messages of the reading contract."""

from datetime import date, datetime
from typing import Annotated

from pydantic import Field

from denghuo.kernel.batch import ITEMS_MAX
from denghuo.kernel.contract import DatasetRef, Label, Message, Page
from denghuo.kernel.fields import (
    AccountNo,
    AreaNo,
    AsOf,
    Day,
    FeederNo,
    Instant,
    MeterNo,
    MonthText,
    OrganisationCode,
    PointNo,
    PointRole,
    Reason,
    TextPair,
)
from denghuo.kernel.values import Energy, Multiplier, Percent, Power, ReactiveEnergy, Register
from denghuo.service.reading.api.vocabulary import (
    Band,
    Method,
    PerUnit,
    Quantity,
    ReactivePower,
    RuleCode,
    Severity,
    Side,
    Source,
    Status,
    Volts,
)

Piece = Annotated[int, Field(ge=1, le=99), Label("分段", "Piece")]
Days = Annotated[int, Label("估计天数", "Days estimated")]
MissingDays = Annotated[int, Label("缺数天数", "Days missing")]
Rate = Annotated[Percent | None, Label("比例", "Share")]
Start = Annotated[Register | None, Label("起示数", "Start register")]
End = Annotated[Register | None, Label("止示数", "End register")]
Measured = Annotated[Energy | None, Label("电量", "Energy")]
RowKey = Annotated[str, Label("行标识", "Row")]
RowCount = Annotated[int, Label("行数", "Rows")]


# --- taking in ------------------------------------------------------------------------------------------------------------


class Intake(Message):
    """Rows to take in: a published dataset of the intake's schema."""

    rows: DatasetRef


class RefusedRead(Message):
    """Why a row of an intake was not taken. It is kept beside the raw reads, with what it said."""

    subject: Annotated[str, Label("表号", "Meter no.")]
    at: Instant | None
    value: Annotated[str, Label("原值", "Value")]
    code: Annotated[str, Label("原因代码", "Reason code")]
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


# --- the month ------------------------------------------------------------------------------------------------------------


class MonthRef(Message):
    month: MonthText


class Planned(Message):
    """The reading plan of a month: points, their pieces, and how many rows of the plan were new or changed."""

    month: MonthText
    points: Annotated[int, Label("计量点数", "Points")]
    pieces: Annotated[int, Label("分段数", "Pieces")]
    changed: Annotated[int, Label("变更行数", "Rows changed")]


class MonthRead(Message):
    """What a run over the month's registers gave. `energy` refers to the rows of `reading.month_energy`; `waiting` to the accounts
    (`reading.month_waiting`) that are read in a later month, None where all are read in this one."""

    month: MonthText
    points: Annotated[int, Label("计量点数", "Points")]
    rows: RowCount
    valid: Annotated[int, Label("正常", "Valid")]
    estimated: Annotated[int, Label("估计", "Estimated")]
    held: Annotated[int, Label("待核", "Held")]
    changed: Annotated[int, Label("变更行数", "Rows changed")]
    energy: DatasetRef
    waiting: DatasetRef | None = None
    as_of: AsOf


class SettleAccounts(Message):
    """A month of some accounts."""

    month: MonthText
    account_nos: Annotated[list[AccountNo], Field(min_length=1, max_length=ITEMS_MAX)]


class KnownEnergies(Message):
    """A month of some accounts as it was known at an instant."""

    month: MonthText
    account_nos: Annotated[list[AccountNo], Field(min_length=1, max_length=ITEMS_MAX)]
    known_at: Instant


class EnergyRow(Message):
    """What a row of `reading.month_energy` says, in values: a register over a piece of the month. What is held has no energy."""

    point_no: PointNo
    account_no: AccountNo
    area_no: AreaNo | None
    feeder_no: FeederNo | None
    org: OrganisationCode
    role: PointRole
    meter_no: MeterNo
    piece: Piece
    quantity: Quantity
    band: Band
    from_at: Annotated[datetime, Label("起始时间", "From")]
    to_at: Annotated[datetime, Label("终止时间", "To")]
    start: Start
    end: End
    multiplier: Annotated[Multiplier, Label("倍率", "Multiplier")]
    energy: Measured
    status: Status
    rule: RuleCode
    method: Method
    days_estimated: Days


class EnergiesFound(Message):
    """In the order of points, pieces, quantities and bands. waiting: those of the accounts that are read in a later month."""

    month: MonthText
    rows: list[EnergyRow]
    waiting: list[AccountNo] = []
    as_of: AsOf


class EnergyPublished(Message):
    """Whether the month's dataset was behind its reads, so that it was published anew."""

    month: MonthText
    published: bool


class EnergySoFar(Message):
    """What a running month took until a midnight. `energy` refers to the rows of `reading.energy_so_far`, in the form of
    `reading.month_energy`; both None where nothing was read after the month's first midnight."""

    month: MonthText
    until: Annotated[date | None, Label("至零点", "Until the midnight of")]
    energy: DatasetRef | None
    as_of: AsOf


class PlanRow(Message):
    row_key: RowKey
    month: MonthText
    point_no: PointNo
    piece: Piece
    account_no: AccountNo | None
    area_no: AreaNo | None
    feeder_no: FeederNo | None
    org: OrganisationCode
    role: PointRole
    meter_no: MeterNo
    multiplier: Annotated[Multiplier, Label("倍率", "Multiplier")]
    route: Annotated[str, Label("抄表段", "Route")]
    reading_day: Annotated[date, Label("抄表例日", "Reading day")]


class FindPlan(Page):
    month: MonthText
    org: OrganisationCode | None = None
    route: Annotated[str, Field(max_length=32), Label("抄表段", "Route")] | None = None


class PlanFound(Message):
    rows: list[PlanRow]
    total: RowCount
    next: str | None
    as_of: AsOf


class StationProgress(Message):
    """The month's reading in one unit, counted in metering points."""

    org: OrganisationCode
    planned: Annotated[int, Label("应抄", "Planned")]
    collected: Annotated[int, Label("已采", "Collected")]
    valid: Annotated[int, Label("正常", "Valid")]
    estimated: Annotated[int, Label("估计", "Estimated")]
    held: Annotated[int, Label("待核", "Held")]
    collection_rate: Annotated[Percent | None, Label("采集率", "Collection rate")]


class Progress(Message):
    month: MonthText
    total: StationProgress
    rows: list[StationProgress]
    as_of: AsOf


class MonthReadRow(Message):
    """One register difference of the month: a point's piece, quantity and band, with its status and the rule that set it."""

    row_key: RowKey
    month: MonthText
    point_no: PointNo
    piece: Piece
    quantity: Quantity
    band: Band
    account_no: AccountNo | None
    area_no: AreaNo | None
    feeder_no: FeederNo | None
    org: OrganisationCode
    role: PointRole
    meter_no: MeterNo
    from_at: Annotated[datetime, Label("起始时间", "From")]
    to_at: Annotated[datetime, Label("终止时间", "To")]
    start: Start
    end: End
    multiplier: Annotated[Multiplier, Label("倍率", "Multiplier")]
    energy: Measured
    status: Status
    rule: RuleCode
    method: Method
    days_estimated: Days
    days_missing: MissingDays
    notices: Annotated[list[str], Label("提示", "Notices")]
    accepted_by: Annotated[str | None, Label("确认人", "Accepted by")]
    remark: Annotated[str | None, Label("事由", "Reason given")]
    version: Annotated[int, Label("版本", "Version")]
    start_source: Annotated[Source | None, Label("起度来源", "Source of the start")] = None
    end_source: Annotated[Source | None, Label("止度来源", "Source of the end")] = None
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


# --- one point ------------------------------------------------------------------------------------------------------------


class PointMonthRef(Message):
    point_no: PointNo
    month: MonthText
    quantity: Quantity | None = None
    band: Band = "total"


class DayRead(Message):
    """A midnight of the month: the register as it was read (or estimated, and marked) and the energy of the day it begins."""

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


class Resolve(Message):
    """A register that a clerk enters at the beginning or the end of a piece, in place of a missing or a wrong one."""

    month: MonthText
    point_no: PointNo
    piece: Piece = 1
    quantity: Quantity | None = None
    band: Band = "total"
    side: Side = "end"
    shown: Annotated[Register, Label("示数", "Register")]
    reason: Reason
    confirmed: Annotated[bool, Label("已现场核实", "Checked on site")] = False


class Accept(Message):
    """A clerk's word that a suspicious value is right. It holds for these registers only."""

    month: MonthText
    point_no: PointNo
    piece: Piece = 1
    quantity: Quantity | None = None
    band: Band = "total"
    reason: Reason


class Reviewed(Message):
    """The read after the review, and the dataset of the month that now holds it."""

    read: MonthReadRow
    energy: DatasetRef


# --- rules ----------------------------------------------------------------------------------------------------------------


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


# --- curves ---------------------------------------------------------------------------------------------------------------


class CurveDay(Message):
    """A day of a gateway (by area number) or of a meter."""

    subject: Annotated[str, Field(max_length=32), Label("曲线对象", "Subject")]
    day: Day


class CurveMonth(Message):
    """The month of a gateway or of a meter; known_at: as its curve was known then, without what was corrected since."""

    subject: Annotated[str, Field(max_length=32), Label("曲线对象", "Subject")]
    month: MonthText
    known_at: Annotated[Instant | None, Label("以当时所知为准", "As known at")] = None


class CurveValues(Message):
    """15-minute values from `starts` on, as parallel lists; a series that was never received is an empty list."""

    subject: Annotated[str, Label("曲线对象", "Subject")]
    starts: Annotated[date, Label("起始日期", "First day")]
    minutes: Annotated[int, Label("间隔(分钟)", "Minutes a slot")]
    power: Annotated[list[Power | None], Label("有功功率", "Active power")]
    reactive: Annotated[list[ReactivePower | None], Label("无功功率", "Reactive power")]
    per_unit: Annotated[list[PerUnit | None], Label("电压标幺值", "Voltage per unit")]
    voltage: Annotated[list[Volts | None], Label("电压", "Voltage")]
    energy: Annotated[list[Energy | None], Label("正向有功电量", "Active energy, forward")] = []
    energy_rev: Annotated[list[Energy | None], Label("反向有功电量", "Active energy, reverse")] = []
    reactive_energy: Annotated[list[ReactiveEnergy | None], Label("正向无功电量", "Reactive energy, forward")] = []
    reactive_energy_rev: Annotated[list[ReactiveEnergy | None], Label("反向无功电量", "Reactive energy, reverse")] = []
    energy_a: Annotated[list[Energy | None], Label("A相正向有功电量", "Active energy of phase A, forward")] = []
    energy_b: Annotated[list[Energy | None], Label("B相正向有功电量", "Active energy of phase B, forward")] = []
    energy_c: Annotated[list[Energy | None], Label("C相正向有功电量", "Active energy of phase C, forward")] = []
    received: Annotated[int, Label("到数点数", "Values received")]
    expected: Annotated[int, Label("应有点数", "Values expected")]
    as_of: AsOf

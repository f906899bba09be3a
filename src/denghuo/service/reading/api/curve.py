"""Checked curves (曲线校验与补全): messages and operations."""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from denghuo.kernel.contract import Api, Call, Dictionary, Event, Label, Message, Page, command, query
from denghuo.kernel.fields import AccountNo, AsOf, Day, MeterNo, MonthText, OrganisationCode
from denghuo.kernel.problem import text
from denghuo.kernel.values import Energy
from denghuo.service.reading.api.curve_rule import CurveRuleCode, RuleVersion
from denghuo.service.reading.api.curve_values import CurveNotFound
from denghuo.service.reading.api.month import WholeCompanyOnly
from denghuo.service.reading.api.review import NotYet
from denghuo.service.reading.api.vocabulary import EnergySeries, Status

CURVE_METHODS = Dictionary(
    "reading.curve_method",
    {
        "actual": text("实采", "As received"),
        "register_like_day": text("示数差按相似日分摊", "Register difference by a like day"),
        "register_linear": text("示数差按直线分摊", "Register difference by a line"),
        "register_last_year": text("示数差按去年同期分摊", "Register difference by the same day last year"),
        "register_group": text("示数差按群体曲线分摊", "Register difference by meters of the class"),
        "register_even": text("示数差平均分摊", "Register difference, evenly"),
        "linear": text("线性插补", "Straight line"),
        "manual": text("人工录入", "Entered by hand"),
        "sender": text("对方估计", "Estimated by the sender"),
        "spread": text("由较长间隔分摊", "Spread from a longer interval"),
        "like_day": text("相似日", "Like day"),
        "last_year": text("去年同期折算", "Same day last year, scaled"),
        "group": text("群体曲线", "Meters of the class"),
        "none": text("无", "None"),
    },
)
CurveMethod = Annotated[
    Literal[
        "actual",
        "register_like_day",
        "register_linear",
        "register_last_year",
        "register_group",
        "register_even",
        "linear",
        "like_day",
        "last_year",
        "group",
        "manual",
        "none",
        "sender",
        "spread",
    ],
    Label("补全方法", "Method", dictionary=CURVE_METHODS.name),
]
SlotsEstimated = Annotated[int, Label("估计点数", "Slots estimated")]
SlotsHeld = Annotated[int, Label("待核点数", "Slots held")]
EstimatedEnergy = Annotated[Energy, Label("估计电量", "Energy estimated")]
SPREAD = "spread"
"""How the mark of a value begins that was divided out of a longer interval; its minutes stand behind: `spread 60`."""
SenderMark = Annotated[str, Field(max_length=40), Label("对方标记", "Mark of the sender")]
"""How the sender of a value says that it is not measured, by the code of his format: `nem12 E52`, `espi 8`, `cim 3.8.0`; or that it
was spread as it came in."""


class CurvesToCheck(Message):
    """A day that has ended."""

    day: Day


class CurvesChecked(Message):
    """What was found of a day's curves; `changed`: values and verdicts that are other than before."""

    day: Day
    curves: Annotated[int, Label("曲线数", "Curves")]
    slots_estimated: SlotsEstimated
    slots_held: SlotsHeld
    changed: Annotated[int, Label("变动数", "Changed")]


class FindCurveExceptions(Page):
    month: MonthText | None = None
    status: Status | None = None
    rule: CurveRuleCode | None = None
    org: OrganisationCode | None = None
    meter_no: MeterNo | None = None


class CurveExceptionRow(Message):
    """A meter-day with estimated or held slots, or with a remark; rule, its version and method are those that weigh most in it."""

    day: Day
    meter_no: MeterNo
    series: EnergySeries
    account_no: AccountNo | None
    org: OrganisationCode
    status: Status
    rule: CurveRuleCode
    version: RuleVersion
    method: CurveMethod
    slots_estimated: SlotsEstimated
    slots_held: SlotsHeld
    estimated_energy: EstimatedEnergy


class CurveExceptionsFound(Message):
    rows: list[CurveExceptionRow]
    total: Annotated[int, Label("行数", "Rows")]
    next: str | None
    as_of: AsOf


class CheckedCurveAsked(Message):
    """A meter's curve with its verdicts from a day on; `days`: how many."""

    meter_no: MeterNo
    series: EnergySeries = "active_fwd_wh"
    day: Day
    days: Annotated[int, Field(ge=1, le=31), Label("天数", "Days")] = 1


class CurveSpan(Message):
    """Slots in a row of one day with the same verdict that is not simply valid, and their energy. ends: 24:00 is the end of the
    day."""

    span_no: Annotated[str, Label("时段号", "Span")]
    meter_no: MeterNo
    series: EnergySeries
    day: Day
    begins: Annotated[str, Label("起", "From")]
    ends: Annotated[str, Label("止", "To")]
    slots: Annotated[int, Label("点数", "Slots")]
    status: Status
    rule: CurveRuleCode
    version: RuleVersion
    method: CurveMethod
    mark: SenderMark | None = None
    received: Annotated[Energy | None, Label("原始电量", "Received")]
    counts: Annotated[Energy | None, Label("采用电量", "Counted")]
    may_accept: Annotated[bool, Label("可确认", "May be accepted")]


class CheckedCurve(Message):
    """15-minute values as parallel lists: what counts, what was received, and of each slot its verdict (status, rule, version of
    the rule, method). A slot of a day that was not checked yet has no verdict; what was received counts there.

    estimated: what counts was not measured, by a verdict or by the word of its sender. marks: what the sender of a value that
    counts said of it. like, limit: what days like it had, and what the capacity allows a slot; told where a single day is asked
    for.
    """

    meter_no: MeterNo
    series: EnergySeries
    starts: Annotated[date, Label("起始日期", "First day")]
    month: Annotated[MonthText, Label("月份", "Month of the first day")]
    minutes: Annotated[int, Label("间隔(分钟)", "Minutes a slot")]
    counted: Annotated[list[Energy | None], Label("采用值", "Counted")]
    raw: Annotated[list[Energy | None], Label("原始值", "Received")]
    estimated: Annotated[list[bool], Label("估计", "Estimated")]
    statuses: list[Status | None]
    rules: list[CurveRuleCode | None]
    versions: Annotated[list[int | None], Label("规则版本", "Version of the rule")]
    methods: list[CurveMethod | None]
    marks: list[SenderMark | None] = []
    like: Annotated[list[Energy | None], Label("相似日", "Days like it")]
    limit: Annotated[Energy | None, Label("容量限值", "Limit by capacity")]
    spans: list[CurveSpan]
    slots_estimated: SlotsEstimated
    slots_held: SlotsHeld
    estimated_energy: EstimatedEnergy
    as_of: AsOf


class CurvesJudged(Event, name="reading.curves.judged", version=1):
    """Values or verdicts of a month's curves are other than before: they were checked, or a clerk said something of them."""

    month: str
    changed: int


class EstimatesReleased(Event, name="reading.estimates.released", version=1):
    """The time to wait for real values of a day is over: from now on its estimates stand in bills."""

    month: str
    day: date


class ReleaseEstimates(Message):
    """A day whose time to wait may be over."""

    day: Day


class EstimatesToWait(Message):
    """released: from now on the estimates of the day stand in bills."""

    day: Day
    released: Annotated[bool, Label("已可计费", "In bills from now on")]


class CurveOperations(Api):
    """Curves as they were checked."""

    @command(permit="reading.run", problems=(NotYet, WholeCompanyOnly), emits=(CurvesJudged,))
    def check_curves(self, call: Call, request: CurvesToCheck) -> CurvesChecked:
        """Gives every energy value of a day that has ended its verdict, and fills its gaps where a method allows; beside what was
        received, which stays. A job does it when curves or registers came in; again, it changes only what its input did."""

    @command(permit="reading.run", problems=(WholeCompanyOnly,), emits=(EstimatesReleased,))
    def release_estimates(self, call: Call, request: ReleaseEstimates) -> EstimatesToWait:
        """Says that the estimates of a day stand in bills, once its time to wait is over by the rule in force; before that it is
        looked at again when it will be. A job does it for each day with estimates."""

    @query(permit="reading.read")
    def curve_exceptions(self, call: Call, request: FindCurveExceptions) -> CurveExceptionsFound:
        """Meter-days with held or estimated values or a remark, newest first, and of a day in this order."""

    @query(permit="reading.read", problems=(CurveNotFound,))
    def checked_curve(self, call: Call, request: CheckedCurveAsked) -> CheckedCurve:
        """A meter's curve of a few days: what counts, what was received, and the verdict of every value."""

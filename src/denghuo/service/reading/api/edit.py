"""What clerks say of values of curves (曲线人工确认与编辑), and a meter's month, in the reading contract."""

from datetime import date
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, StringConstraints, model_validator

from denghuo.kernel.contract import Api, Call, Dictionary, Label, Message, command, query
from denghuo.kernel.fields import AsOf, Day, MeterNo, MonthText, Reason
from denghuo.kernel.problem import Problem, text
from denghuo.kernel.values import Energy, Percent, Register
from denghuo.service.reading.api.curve import CheckedCurve, CurveMethod, CurvesJudged
from denghuo.service.reading.api.curve_rule import CurveRuleCode
from denghuo.service.reading.api.curve_values import CurveNotFound
from denghuo.service.reading.api.review import NotYet
from denghuo.service.reading.api.vocabulary import EnergySeries, Status

WAYS = Dictionary(
    "reading.curve_way",
    {
        "accept": text("确认有效", "Accept"),
        "value": text("录入电量", "Enter energy"),
        "linear": text("按直线", "By a line"),
        "like_day": text("按相似日", "By days like it"),
        "register_even": text("示数差平均", "By registers, evenly"),
        "withdraw": text("撤回", "Withdraw"),
    },
)
EditWay = Annotated[
    Literal["accept", "value", "linear", "like_day", "register_even", "withdraw"],
    Label("处理", "Edit", dictionary=WAYS.name),
]
SlotBegin = Annotated[
    str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):(00|15|30|45)$"), Label("起（时:分）", "From (hh:mm)")
]
SlotEnd = Annotated[
    str, StringConstraints(pattern=r"^(([01][0-9]|2[0-3]):(00|15|30|45)|24:00)$"), Label("止（时:分）", "To (hh:mm)")
]
EDIT_STATES = Dictionary(
    "reading.edit_state",
    {
        "counts": text("生效", "Counts"),
        "partly": text("部分生效", "Counts in part"),
        "lapsed": text("已失效", "No longer counts"),
    },
    tones={"counts": "good", "partly": "notice", "lapsed": "plain"},
)
EditState = Annotated[Literal["counts", "partly", "lapsed"], Label("状态", "Status", dictionary=EDIT_STATES.name)]


class EditCurve(Message):
    """What holds for a span of a meter's day from `begins` to `ends` (quarters of an hour, 24:00 is the end of the day).

    accept: suspicious values count as they were received. value: `energy` stands in for what is not valid in the span, spread
    evenly. linear, like_day, register_even: another method stands in for it. withdraw: what clerks said of the span counts no more.
    """

    meter_no: MeterNo
    series: EnergySeries = "active_fwd_wh"
    day: Day
    begins: SlotBegin
    ends: SlotEnd
    way: EditWay
    energy: Annotated[Energy | None, Label("时段电量", "Energy of the span")] = None
    reason: Reason

    @model_validator(mode="after")
    def _is_a_span(self) -> "EditCurve":
        if self.ends <= self.begins:
            raise ValueError(f"ends “{self.ends}” is after begins “{self.begins}”")
        if (self.way == "value") != (self.energy is not None):
            raise ValueError("energy is given where the way is value, and only there")
        return self


class CurveHistoryAsked(Message):
    """A meter's day."""

    meter_no: MeterNo
    series: EnergySeries = "active_fwd_wh"
    day: Day


class CurveEditRow(Message):
    """What a clerk said. energy: that of the span as put in or accepted. state: whether it counts still, for what was received may
    have changed, or a later word stands before it."""

    edit_no: Annotated[int, Label("编号", "Number")]
    begins: SlotBegin
    ends: SlotEnd
    way: EditWay
    energy: Annotated[Energy | None, Label("电量", "Energy")]
    state: EditState
    reason: Annotated[str, Label("事由", "Reason")]
    entered_by: Annotated[str, Label("办理人", "Entered by", dictionary="staff")]
    entered_at: Annotated[AwareDatetime, Label("办理时间", "Entered at")]


class CurveVersionRow(Message):
    """A version of what was received of a meter's day. changed: slots with another value than in the version before."""

    version: Annotated[int, Label("版本", "Version")]
    recorded_at: Annotated[AwareDatetime, Label("入库时间", "Recorded at")]
    received: Annotated[int, Label("到数点数", "Values received")]
    changed: Annotated[int, Label("变动点数", "Values changed")]
    energy: Annotated[Energy, Label("电量", "Energy")]


class CurveHistory(Message):
    """What clerks said of a meter's day, newest first, and the versions of what was received, newest first."""

    edits: list[CurveEditRow]
    received: list[CurveVersionRow]
    as_of: AsOf


class MeterMonthAsked(Message):
    meter_no: MeterNo
    series: EnergySeries = "active_fwd_wh"
    month: MonthText


class MeterMonthDay(Message):
    """A day of a meter: the register at its first midnight, what registers and curve say, and the verdict that weighs most.
    energy: None where the curve has no value of the day."""

    day: Day
    shown: Annotated[Register | None, Label("零点示数", "Register at midnight")]
    register_energy: Annotated[Energy | None, Label("示数电量", "By registers")]
    energy: Annotated[Energy | None, Label("曲线电量", "By the curve")]
    estimated_energy: Annotated[Energy, Label("其中估计", "Of it estimated")]
    difference: Annotated[Energy | None, Label("相差", "Difference")]
    status: Status | None
    rule: CurveRuleCode | None
    method: CurveMethod | None
    received: Annotated[int, Label("到数点数", "Values received")]
    slots_estimated: Annotated[int, Label("估计点数", "Slots estimated")]
    slots_held: Annotated[int, Label("待核点数", "Slots held")]


class MeterMonth(Message):
    """A meter's month by days. energy: of the values that there are, None where there is none. share: of it, what is estimated.
    register_energy: where all days have registers."""

    meter_no: MeterNo
    series: EnergySeries
    month: MonthText
    days: list[MeterMonthDay]
    starts: Annotated[date, Label("起始日期", "First day")]
    counted: Annotated[list[Energy | None], Label("采用值", "Counted")]
    estimated: Annotated[list[bool], Label("估计", "Estimated")]
    energy: Annotated[Energy | None, Label("曲线电量", "By the curve")]
    estimated_energy: Annotated[Energy, Label("其中估计", "Of it estimated")]
    share: Annotated[Percent | None, Label("估计占比", "Share estimated")]
    register_energy: Annotated[Energy | None, Label("示数电量", "By registers")]
    days_complete: Annotated[int, Label("完整日数", "Days complete")]
    slots_estimated: Annotated[int, Label("估计点数", "Slots estimated")]
    slots_held: Annotated[int, Field(ge=0), Label("待核点数", "Slots held")]
    as_of: AsOf


class SpanUnfit(
    Problem, noun="reading", status=409, zh="该时段不能这样处理", en="The span cannot be edited in this way"
):
    """Fields: day, begins, ends, way."""


class EditOperations(Api):
    """A clerk's word on a curve, and what there was before it."""

    @command(permit="reading.review", problems=(CurveNotFound, NotYet, SpanUnfit), emits=(CurvesJudged,))
    def edit_curve(self, call: Call, request: EditCurve) -> CheckedCurve:
        """Accepts suspicious values of a span, enters its energy, asks for another method for it, or withdraws what was said, with
        the reason. What was received stays; where another value comes in later, the word counts there no more."""

    @query(permit="reading.read", problems=(CurveNotFound,))
    def curve_history(self, call: Call, request: CurveHistoryAsked) -> CurveHistory:
        """What clerks said of a meter's day, and every version of what was received of it."""

    @query(permit="reading.read", problems=(CurveNotFound,))
    def meter_month(self, call: Call, request: MeterMonthAsked) -> MeterMonth:
        """A meter's month by days: registers and curve, status of each day, and the share that is estimated."""

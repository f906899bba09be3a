"""Rules of curves as dated data (曲线校验规则), with their codes, problems and events."""

from datetime import date
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from denghuo.kernel.contract import Api, Call, Dictionary, Event, Label, Message, Page, command, query
from denghuo.kernel.fields import TARIFF_CLASSES, AsOf, Reason, TextPair
from denghuo.kernel.problem import NotFound, Problem, text
from denghuo.service.reading.api.month import WholeCompanyOnly

CURVE_RULES = Dictionary(
    "reading.curve_rule",
    {
        "checked": text("校验通过", "Checked"),
        "gap": text("曲线缺点", "Gap in the curve"),
        "register_sum": text("曲线与示数不符", "Curve and registers disagree"),
        "phase_sum": text("三相之和不符", "Phases do not add up"),
        "over_capacity": text("功率超过容量", "Power above the capacity"),
        "spike": text("曲线突变", "Spike in the curve"),
        "reverse": text("无电源反向送电", "Reverse energy without a plant"),
        "zero_days": text("连续多日为零", "Zero for many days"),
        "clock_drift": text("时钟偏差", "Clock measured off"),
        "spread": text("由较长间隔分摊", "Spread from a longer interval"),
        "fill_line": text("补全方法：直线", "Fills gaps: a line"),
        "fill_like_day": text("补全方法：相似日", "Fills gaps: like days"),
        "fill_group": text("补全方法：群体曲线", "Fills gaps: meters of the class"),
        "fill_last_year": text("补全方法：去年同期", "Fills gaps: the same day last year"),
        "unknown_subject": text("表号不在档案", "Unknown meter"),
        "negative": text("电量为负", "Negative energy"),
        "duplicate": text("同一时段两个值", "Two values of one quarter-hour"),
        "clock": text("时钟超前", "Clock ahead"),
        "billing": text("估计值计费", "Estimates in bills"),
        "accepted": text("人工确认", "Accepted by a clerk"),
        "edited": text("人工编辑", "Edited by a clerk"),
        "sender": text("对方标为估计", "Told as estimated by the sender"),
    },
)
_ToSet = Literal[
    "gap",
    "register_sum",
    "phase_sum",
    "over_capacity",
    "spike",
    "reverse",
    "zero_days",
    "clock_drift",
    "spread",
    "fill_line",
    "fill_like_day",
    "fill_group",
    "fill_last_year",
    "unknown_subject",
    "negative",
    "duplicate",
    "clock",
    "billing",
]
CurveRuleCode = Annotated[
    Literal["checked", _ToSet, "accepted", "edited", "sender"], Label("规则", "Rule", dictionary=CURVE_RULES.name)
]
RuleToSet = Annotated[_ToSet, Label("规则", "Rule", dictionary=CURVE_RULES.name)]
METER_CLASSES = Dictionary(
    "reading.meter_class",
    {
        "all": text("全部表计", "All meters"),
        **{code: words for code, words in TARIFF_CLASSES.entries.items() if code != "generation"},
        "generation": text("发电上网", "Generation"),
        "gateway": text("关口", "Gateway"),
    },
)
MeterClass = Annotated[
    Literal[
        "all",
        "resident",
        "agricultural",
        "general_single_part",
        "two_part_capacity",
        "two_part_demand",
        "generation",
        "gateway",
    ],
    Label("适用类别", "Class of meters", dictionary=METER_CLASSES.name),
]
CURVE_EFFECTS = Dictionary(
    "reading.curve_effect",
    {
        "hold": text("待核", "Holds the value"),
        "estimate": text("估计并标记", "Estimates and marks"),
        "notice": text("提示", "Remarks"),
        "refuse": text("拒收", "Refuses the value"),
        "off": text("不用", "Off"),
    },
    tones={"hold": "warning", "estimate": "notice", "notice": "plain", "refuse": "warning", "off": "plain"},
)
CurveEffect = Annotated[
    Literal["hold", "estimate", "notice", "refuse", "off"], Label("作用", "Effect", dictionary=CURVE_EFFECTS.name)
]
RULE_STATUSES = Dictionary(
    "reading.curve_rule_status",
    {"draft": text("草稿", "Draft"), "published": text("已发布", "Published")},
    tones={"draft": "notice", "published": "good"},
)
RuleStatus = Annotated[Literal["draft", "published"], Label("状态", "Status", dictionary=RULE_STATUSES.name)]
PARAMETERS = Dictionary(
    "reading.curve_parameter",
    {
        "linear_slots_max": text("直线插补最多点数", "Slots filled by a line, at most"),
        "share_e4": text("比例（万分之一）", "Share (1e-4)"),
        "floor_wh": text("电量下限（Wh）", "Floor (Wh)"),
        "times": text("倍数", "Times"),
        "days": text("天数", "Days"),
        "ahead_s": text("最多超前（秒）", "Ahead at most (s)"),
        "order": text("次序", "Order"),
        "drift_s": text("最多偏差（秒）", "Off at most (s)"),
    },
)
ParameterName = Annotated[
    Literal["linear_slots_max", "share_e4", "floor_wh", "times", "days", "ahead_s", "order", "drift_s"],
    Label("参数", "Parameter", dictionary=PARAMETERS.name),
]
RuleVersion = Annotated[int, Field(ge=0), Label("规则版本", "Version of the rule")]
"""0 is the rule as it ships; later ones are numbered through."""


class CurveParameter(Message):
    name: ParameterName
    value: Annotated[int, Field(ge=0, le=1_000_000_000), Label("取值", "Value")]


class DraftCurveRule(Message):
    """A rule as it is to hold for a class of meters on some days; parameters that are not named stay as they are on the first day.
    effective_to: the first day on which it holds no more."""

    code: RuleToSet
    meter_class: MeterClass = "all"
    effect: CurveEffect
    parameters: Annotated[list[CurveParameter], Field(max_length=6), Label("参数", "Parameters")] = []
    effective_from: Annotated[date, Label("生效日期", "Effective from")]
    effective_to: Annotated[date | None, Label("失效日期", "Effective to")] = None
    reason: Reason


class CurveRuleRef(Message):
    """A version of a rule; without a number the one that holds for the class on a day, today where none is told."""

    code: RuleToSet
    meter_class: MeterClass = "all"
    version: RuleVersion | None = None
    on: Annotated[date, Label("日期", "On")] | None = None


class FindCurveRules(Page):
    """on: only published ones that hold on this day, as far as no later one stands before them."""

    code: RuleToSet | None = None
    meter_class: MeterClass | None = None
    status: RuleStatus | None = None
    on: Annotated[date, Label("日期", "On")] | None = None


class CurveRuleRow(Message):
    rule_no: Annotated[str, Label("规则号", "Rule number")]
    code: RuleToSet
    meter_class: MeterClass
    version: RuleVersion
    status: RuleStatus
    effect: CurveEffect
    parameters: list[CurveParameter]
    goes_by: Annotated[TextPair, Label("依据", "Goes by")]
    effective_from: Annotated[date, Label("生效日期", "Effective from")]
    effective_to: Annotated[date | None, Label("失效日期", "Effective to")]
    reason: Annotated[str, Label("事由", "Reason")]
    drafted_by: Annotated[str | None, Label("起草人", "Drafted by", dictionary="staff")]
    drafted_at: Annotated[AwareDatetime | None, Label("起草时间", "Drafted at")]
    published_by: Annotated[str | None, Label("发布人", "Published by", dictionary="staff")]
    published_at: Annotated[AwareDatetime | None, Label("发布时间", "Published at")]


class CurveRulesFound(Message):
    rows: list[CurveRuleRow]
    total: Annotated[int, Label("行数", "Rows")]
    next: str | None
    as_of: AsOf


class ParameterChange(Message):
    """A parameter before and after."""

    name: ParameterName
    before: Annotated[int | None, Label("原值", "Before")]
    after: Annotated[int | None, Label("新值", "After")]


class CurveRuleShown(CurveRuleRow):
    """changes: beside the rule that held for the class on its first day without it. days: days whose curves were checked that it
    touches; they are checked again once it is published."""

    stands_before: Annotated[RuleVersion | None, Label("替代的版本", "Stands before version")]
    effect_before: Annotated[CurveEffect | None, Label("原作用", "Effect before")]
    changes: list[ParameterChange]
    days: Annotated[int, Label("涉及日数", "Days touched")]


class CurveRulePublished(Event, name="reading.curve_rule.published", version=1):
    """A rule of curves came into force; `days` that were checked are checked again."""

    code: str
    meter_class: str
    rule_version: int
    effective_from: date
    effective_to: date | None
    days: int


class NoSuchCurveRule(NotFound, noun="reading", status=404, zh="没有该规则版本", en="No such version of the rule"):
    """Fields: code, meter_class, version."""


class CurveRuleFaulty(Problem, noun="reading", status=422, zh="规则内容有误", en="The rule is faulty"):
    """Fields: field, value."""


class RuleIsPublished(Problem, noun="reading", status=409, zh="该规则版本已发布", en="The version is published"):
    """Fields: code, meter_class, version."""


class DrafterMayNotPublish(
    Problem, noun="reading", status=409, zh="起草人不能发布自己的规则", en="The drafter may not publish the rule"
):
    """Fields: drafted_by."""


class CurveRuleOperations(Api):
    """The rules of curves, by class of meters."""

    @query(permit="reading.read")
    def curve_rules(self, call: Call, request: FindCurveRules) -> CurveRulesFound:
        """Versions of the rules of curves by class of meters, newest first; those that ship are the last."""

    @query(permit="reading.read", problems=(NoSuchCurveRule,))
    def curve_rule(self, call: Call, request: CurveRuleRef) -> CurveRuleShown:
        """A version of a rule beside the one that it stands before, and how many days it touches."""

    @command(permit="reading.set_rules", problems=(CurveRuleFaulty, WholeCompanyOnly))
    def draft_curve_rule(self, call: Call, request: DraftCurveRule) -> CurveRuleShown:
        """Drafts a version of a rule for a class of meters from a day on, in place of another draft of both."""

    @command(
        permit="reading.set_rules",
        problems=(NoSuchCurveRule, RuleIsPublished, DrafterMayNotPublish, WholeCompanyOnly),
        emits=(CurveRulePublished,),
    )
    def publish_curve_rule(self, call: Call, request: CurveRuleRef) -> CurveRuleShown:
        """Puts a draft in force; another person than its drafter does it. Days that were checked and that it touches are checked
        again by jobs."""

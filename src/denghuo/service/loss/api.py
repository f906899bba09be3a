"""Contract of the loss service (线损管理): what an area or a feeder was supplied, what was sold there, and what is missing."""

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

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
from denghuo.kernel.fields import (
    AccountNo,
    AreaNo,
    AsOf,
    FeederNo,
    MeterNo,
    MonthText,
    OrganisationCode,
    PointNo,
    PointRole,
    TextPair,
)
from denghuo.kernel.problem import NotFound, Problem, text
from denghuo.kernel.values import Energy, Multiplier, Percent, Register

FLAGS = Dictionary(
    "loss.flag",
    {
        "negative": text("负线损", "Negative loss"),
        "high": text("线损率偏高", "High loss"),
        "ratio": text("疑似关口倍率错误", "Gateway multiplier in doubt"),
        "over_rating": text("超出变压器容量", "More than the transformer carries"),
        "held_members": text("有待核电量", "Readings held"),
        "estimated_members": text("含估计电量", "Readings estimated"),
        "incomplete": text("关口电量不全", "Gateway incomplete"),
    },
    tones={
        "negative": "danger",
        "high": "danger",
        "ratio": "danger",
        "over_rating": "danger",
        "held_members": "warning",
        "estimated_members": "notice",
        "incomplete": "warning",
    },
)
FlagCode = Annotated[
    Literal["negative", "high", "ratio", "over_rating", "held_members", "estimated_members", "incomplete"],
    Label("异常类型", "Finding", dictionary=FLAGS.name),
]
SIDES = Dictionary(
    "loss.side",
    {
        "supply": text("供电", "Supply"),
        "sale": text("售电", "Sale"),
        "generation": text("上网", "Fed in"),
        "return": text("反送", "Returned"),
    },
)
Side = Annotated[Literal["supply", "sale", "generation", "return"], Label("计入", "Counted as", dictionary=SIDES.name)]
Supplied = Annotated[Energy | None, Label("供电量", "Supply")]
Sold = Annotated[Energy, Label("售电量", "Sales")]
FedIn = Annotated[Energy, Label("上网电量", "Fed in locally")]
Lost = Annotated[Energy | None, Label("损失电量", "Loss")]
Rate = Annotated[Percent | None, Label("线损率", "Loss rate")]
Limit = Annotated[Percent | None, Label("线损率限值", "Limit of the rate")]
Rank = Annotated[int | None, Label("排名", "Rank")]
Count = Annotated[int, Label("数量", "Count")]

AREA_MONTH = DatasetSchema(
    "loss.area_month",
    1,
    {
        "month": "text",
        "area_no": "text",
        "feeder_no": "text",
        "org": "text",
        "supply_wh": "int64",
        "generation_wh": "int64",
        "sales_wh": "int64",
        "loss_wh": "int64",
        "rate_e2": "int32",
        "limit_e2": "int32",
        "flags": "json",
    },
    text("台区月线损", "Monthly loss of areas"),
)


class Flag(Message):
    """A finding with its reason."""

    code: FlagCode
    reason: Annotated[TextPair, Label("原因", "Reason")]


class MonthRef(Message):
    month: MonthText


class Computed(Message):
    """What a computation gave. `areas_month` refers to the rows of `loss.area_month`."""

    month: MonthText
    areas: Annotated[int, Label("台区数", "Areas")]
    feeders: Annotated[int, Label("馈线数", "Feeders")]
    flagged: Annotated[int, Label("异常台区", "Areas with findings")]
    areas_month: DatasetRef
    as_of: AsOf


class DueComputed(Message):
    """Whether the month was computed, and whether it was asked for again meanwhile."""

    month: MonthText
    computed: bool
    again: bool


class AreaLoss(Message):
    """An area's month. The rate is loss by supply, the limit what transformer and lines explain.

    The rank counts from the highest rate; `finding` is the gravest of the flags.
    """

    month: MonthText
    area_no: AreaNo
    name: Annotated[str, Label("台区名称", "Area")]
    feeder_no: FeederNo
    org: OrganisationCode
    supply: Supplied
    generation: FedIn
    sale: Sold
    loss: Lost
    rate: Rate
    limit: Limit
    rank: Rank
    sale_points: Annotated[int, Label("售电计量点", "Points of sale")]
    held: Annotated[int, Label("待核", "Held")]
    estimated: Annotated[int, Label("估计", "Estimated")]
    finding: FlagCode | None
    flags: Annotated[list[Flag], Label("异常", "Findings")]


class FindAreas(Page):
    """Areas of a month by rank: the highest loss rate first."""

    month: MonthText
    keyword: Annotated[str, StringConstraints(max_length=64), Label("台区编号/名称", "Area no. or name")] = ""
    feeder_no: FeederNo | None = None
    org: OrganisationCode | None = None
    flag: FlagCode | None = None
    only_flagged: Annotated[bool, Label("只看异常", "With findings only")] = False


class AreasFound(Message):
    rows: list[AreaLoss]
    total: Annotated[int, Label("合计", "Total")]
    next: str | None
    as_of: AsOf


class AreaMonth(Message):
    area_no: AreaNo
    month: MonthText


class Member(Message):
    """A point's part in its area's month: registers, multiplier and energy, as reading has them."""

    row_key: Annotated[str, Label("行标识", "Row")]
    point_no: PointNo
    account_no: AccountNo | None
    role: PointRole
    side: Side
    meter_no: MeterNo
    piece: Annotated[int, Label("分段", "Piece")]
    start: Annotated[Register | None, Label("起示数", "Start register")]
    end: Annotated[Register | None, Label("止示数", "End register")]
    multiplier: Annotated[Multiplier, Label("倍率", "Multiplier")]
    energy: Annotated[Energy | None, Label("电量", "Energy")]
    status: Annotated[str, Label("状态", "Status", dictionary="reading.status")]
    rule: Annotated[str, Label("规则", "Rule", dictionary="reading.rule")]


class AreaDetail(AreaLoss):
    """An area's month with its members: gateway first, then by energy."""

    members: list[Member]
    as_of: AsOf


class PlanRef(Message):
    plan_no: Annotated[int, Field(gt=0), Label("计划编号", "Plan no.")]


class PlanMember(Message):
    """A point's part in its area's loss by a plan; `remark` says why its energy is not known, or what is to be known of it."""

    row_key: Annotated[str, Label("行标识", "Row")]
    point_no: PointNo
    account_no: AccountNo | None
    role: PointRole
    side: Side
    meter_no: MeterNo
    start: Annotated[Register | None, Label("起示数", "Start register")]
    end: Annotated[Register | None, Label("止示数", "End register")]
    multiplier: Annotated[Multiplier, Label("倍率", "Multiplier")]
    energy: Annotated[Energy | None, Label("电量", "Energy")]
    remark: Annotated[TextPair | None, Label("说明", "Remark")]


class PlanLoss(Message):
    """An area between the two midnights of a plan for line loss: all its meters were read at the same time."""

    plan_no: Annotated[int, Label("计划编号", "Plan no.")]
    area_no: AreaNo
    name: Annotated[str, Label("台区名称", "Area")]
    org: OrganisationCode
    since: Annotated[date, Label("起日（0 点）", "Since (00:00)")]
    on: Annotated[date, Label("止日（0 点）", "Until (00:00)")]
    supply: Supplied
    generation: FedIn
    sale: Sold
    loss: Lost
    rate: Rate
    limit: Limit
    sale_points: Annotated[int, Label("售电计量点", "Points of sale")]
    held: Annotated[int, Label("未抄齐", "Not read")]
    flags: Annotated[list[Flag], Label("异常", "Findings")]
    members: list[PlanMember]
    as_of: AsOf


class FeederLoss(Message):
    """A feeder's month: from its head, plus what was fed in on it, minus what was sold on it.

    Its loss is that inside the areas below plus that of the medium-voltage lines and transformers above their gateways.
    """

    month: MonthText
    feeder_no: FeederNo
    name: Annotated[str, Label("馈线名称", "Feeder")]
    org: OrganisationCode
    supply: Supplied
    generation: FedIn
    sale: Sold
    loss: Lost
    area_loss: Annotated[Energy | None, Label("台区内损失", "Lost inside areas")]
    line_loss: Annotated[Energy | None, Label("中压损失", "Lost at medium voltage")]
    rate: Rate
    rank: Rank
    areas: Annotated[int, Label("台区数", "Areas")]
    flagged: Annotated[int, Label("异常台区", "Areas with findings")]
    held: Annotated[int, Label("待核", "Held")]


class FindFeeders(Message):
    month: MonthText
    org: OrganisationCode | None = None


class FeedersFound(Message):
    rows: list[FeederLoss]
    as_of: AsOf


class Summary(Message):
    """All areas in scope together, without those whose gateway is incomplete."""

    month: MonthText
    supply: Annotated[Energy, Label("供电量", "Supply")]
    sale: Sold
    loss: Annotated[Energy, Label("损失电量", "Loss")]
    rate: Rate
    areas: Annotated[int, Label("台区数", "Areas")]
    flagged: Annotated[int, Label("异常台区", "Areas with findings")]
    computed_at: Annotated[datetime | None, Label("计算时间", "Computed at")]
    as_of: AsOf


class LossComputed(Event, name="loss.month.computed", version=1):
    month: str
    areas: int
    flagged: int
    areas_month: DatasetRef


class NotRead(Problem, noun="loss", status=409, zh="该月电量尚未形成", en="The month has not been read"):
    """Fields: month."""


class WholeCompanyOnly(
    Problem, noun="loss", status=403, zh="须由公司级岗位办理", en="Only for a post of the whole company"
):
    """A month is computed for the whole company at once. Fields: scope."""


class AreaNotComputed(NotFound, noun="loss", status=404, zh="没有该台区的线损", en="No loss of this area"):
    """Fields: area_no, month. Raised also for an area outside the caller's organisation scope."""


class NoLossPlan(NotFound, noun="loss", status=404, zh="没有该线损抄表计划", en="No such plan for line loss"):
    """Fields: plan_no. Raised also for a temporary plan and for one outside the caller's organisation scope."""


class LossApi(Api, noun="loss", version=1):
    """Operations on line loss."""

    @command(permit="loss.compute", problems=(NotRead, WholeCompanyOnly), emits=(LossComputed,))
    def compute(self, call: Call, request: MonthRef) -> Computed:
        """Computes the month for all areas and feeders from the energy that reading made; again, it replaces what was computed."""

    @command(permit="loss.compute", problems=(NotRead, WholeCompanyOnly), emits=(LossComputed,))
    def compute_due(self, call: Call, request: MonthRef) -> DueComputed:
        """Computes the month where its energy has changed since it was computed: once, however often it changed."""

    @query(permit="loss.read")
    def areas(self, call: Call, request: FindAreas) -> AreasFound:
        """Areas of a month by rank, within the caller's organisation scope."""

    @query(permit="loss.read", problems=(AreaNotComputed,))
    def area(self, call: Call, request: AreaMonth) -> AreaDetail:
        """One area's month down to the registers of its members."""

    @query(permit="loss.read", problems=(NoLossPlan,))
    def plan_loss(self, call: Call, request: PlanRef) -> PlanLoss:
        """The loss of an area between the two midnights of a plan for line loss, from the registers that were read for it."""

    @query(permit="loss.read")
    def feeders(self, call: Call, request: FindFeeders) -> FeedersFound:
        """Feeders of a month, the highest loss rate first."""

    @query(permit="loss.read")
    def summary(self, call: Call, request: MonthRef) -> Summary:
        """The month of all areas in scope together."""

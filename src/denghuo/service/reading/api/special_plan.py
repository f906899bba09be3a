"""Plans beside the month's (临时抄表、线损抄表) in the reading contract: points that are read at a midnight for a reason, and the
meters of a transformer area that are read at the same two midnights. A month's energy is not made of their reads."""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, model_validator

from denghuo.kernel.batch import ITEMS_MAX
from denghuo.kernel.contract import Api, Call, Dictionary, Label, Message, Page, command, query
from denghuo.kernel.fields import (
    AccountNo,
    AreaNo,
    AsOf,
    Instant,
    MeterNo,
    OrganisationCode,
    PointNo,
    PointRole,
    Reason,
    TextPair,
    UserName,
)
from denghuo.kernel.problem import NotFound, Problem, text
from denghuo.kernel.values import Energy, Multiplier, Register
from denghuo.service.reading.api.vocabulary import Band, Quantity

PLAN_KINDS = Dictionary(
    "reading.special_plan_kind",
    {"temporary": text("临时抄表", "Temporary"), "loss": text("线损抄表", "Line loss")},
)
PlanKind = Annotated[Literal["temporary", "loss"], Label("计划类别", "Kind", dictionary=PLAN_KINDS.name)]
SPECIAL_SOURCES = Dictionary(
    "reading.special_source",
    {
        "collected": text("采集冻结", "Collected"),
        "entered": text("人工录入", "Entered by hand"),
        "field": text("现场抄表", "Read on site"),
    },
)
SpecialSource = Annotated[
    Literal["collected", "entered", "field"] | None, Label("来源", "Source", dictionary=SPECIAL_SOURCES.name)
]
PlanNo = Annotated[int, Field(gt=0), Label("计划编号", "Plan no.")]
ReadOn = Annotated[date, Label("抄表日（0 点）", "Read on (00:00)")]
Since = Annotated[date | None, Label("线损起日（0 点）", "Loss since (00:00)")]
PlanReader = Annotated[UserName | None, Label("抄表员", "Reader", dictionary="staff")]


class MakeSpecialPlan(Message):
    """temporary: points that are read on a day. loss: an area, all meters of which are read on two days, `since` and `on`; each at
    the midnight that begins it. reader: who reads on site what was not collected; where nobody is named, the reader of the book."""

    kind: PlanKind
    point_nos: Annotated[list[PointNo], Field(max_length=ITEMS_MAX), Label("计量点", "Points")] = []
    area_no: AreaNo | None = None
    on: ReadOn
    since: Since = None
    reader: PlanReader = None
    reason: Reason

    @model_validator(mode="after")
    def _of_its_kind(self) -> "MakeSpecialPlan":
        loss = self.kind == "loss"
        if loss != (self.area_no is not None) or loss != (self.since is not None) or loss == bool(self.point_nos):
            raise ValueError("a temporary plan names points, a loss plan an area and the day since which it is read")
        if self.since is not None and self.since >= self.on:
            raise ValueError("the days of a loss plan follow each other: since before on")
        return self


class SpecialPlanRow(Message):
    """read_count: how many of the plan's registers are known. due_count: how many are not, though their midnight is over.
    gathered_at: when it was last looked for what was collected; on every morning until all is read, for a month at most."""

    plan_no: PlanNo
    kind: PlanKind
    area_no: AreaNo | None
    on: ReadOn
    since: Since
    reader: Annotated[str | None, Label("抄表员", "Reader", dictionary="staff")]
    org: OrganisationCode
    reason: Reason
    point_count: Annotated[int, Label("计量点数", "Points")]
    read_count: Annotated[int, Label("已抄示数", "Registers read")]
    due_count: Annotated[int, Label("未抄示数", "Registers due")]
    made_by: Annotated[str, Label("制定人", "Made by", dictionary="staff")]
    made_at: Annotated[Instant, Label("制定时间", "Made at")]
    gathered_at: Annotated[Instant | None, Label("最近取数时间", "Last gathered")] = None


class SpecialRead(Message):
    """A register of a plan. shown_at: when it showed so; later than its midnight where it was read as it showed then. order_no: of
    who reads it on site."""

    row_key: Annotated[str, Label("行标识", "Row")]
    point_no: PointNo
    account_no: AccountNo | None
    role: PointRole
    meter_no: MeterNo
    quantity: Quantity
    band: Band
    read_on: ReadOn
    shown: Annotated[Register | None, Label("示数", "Register")]
    shown_at: Annotated[Instant | None, Label("示数时间", "Shown at")]
    source: SpecialSource
    order_no: Annotated[int | None, Label("现场单号", "Order no.")]


class SpecialPlan(SpecialPlanRow):
    """A plan with its registers, those that are not known first."""

    reads: list[SpecialRead]
    as_of: AsOf


class SpecialPlanRef(Message):
    plan_no: PlanNo


class SpecialPlansDue(Message):
    """day: on whose morning plans are gathered, or on the last one after it."""

    day: Annotated[date, Label("日期", "Day")]


class SpecialPlansGathered(Message):
    """gathered: how many plans this step looked at. again: more of them wait."""

    day: Annotated[date, Label("日期", "Day")]
    gathered: Annotated[int, Label("计划数", "Plans")]
    again: bool


class FindSpecialPlans(Page):
    """Plans, the newest first."""

    kind: PlanKind | None = None
    area_no: AreaNo | None = None
    org: OrganisationCode | None = None


class SpecialPlansFound(Message):
    rows: list[SpecialPlanRow]
    total: Annotated[int, Label("总数", "Total")]
    next: str | None
    as_of: AsOf


class SpecialEnergy(Message):
    """What a meter of a loss plan took or gave between the plan's midnights, or while it hung there between them; `remark` says why
    there is no energy, or what is to be known of it."""

    point_no: PointNo
    account_no: AccountNo | None
    role: PointRole
    org: OrganisationCode
    meter_no: MeterNo
    multiplier: Annotated[Multiplier, Label("倍率", "Multiplier")]
    quantity: Quantity
    start: Annotated[Register | None, Label("起示数", "Start register")]
    end: Annotated[Register | None, Label("止示数", "End register")]
    energy: Annotated[Energy | None, Label("电量", "Energy")]
    remark: Annotated[TextPair | None, Label("说明", "Remark")]


class SpecialEnergies(Message):
    plan: SpecialPlanRow
    rows: list[SpecialEnergy]
    as_of: AsOf


class NoSuchSpecialPlan(NotFound, noun="reading", status=404, zh="未找到该抄表计划", en="No such plan"):
    """Fields: plan_no. Raised also for a plan outside the caller's scope."""


class SpecialPlanFaulty(Problem, noun="reading", status=409, zh="抄表计划不能受理", en="The plan cannot be taken"):
    """Fields: field, value."""


class SpecialPlanOperations(Api):
    """Temporary plans and plans for line loss."""

    @command(permit="reading.review", problems=(SpecialPlanFaulty,))
    def make_special_plan(self, call: Call, request: MakeSpecialPlan) -> SpecialPlan:
        """Makes a plan of up to 1,000 points, takes what was collected at its midnights, and makes field orders for the rest of
        those that are over. A register that the month's reading has too is neither changed nor counted by it."""

    @command(permit="reading.review", problems=(NoSuchSpecialPlan,))
    def gather_special_plan(self, call: Call, request: SpecialPlanRef) -> SpecialPlan:
        """Takes what was collected for a plan by now, and makes field orders for what is still absent of midnights that are over.
        Again, it adds only what is new."""

    @command(permit="reading.run")
    def gather_special_plans(self, call: Call, request: SpecialPlansDue) -> SpecialPlansGathered:
        """Does the same for some of the plans that wait for registers, each once a day. A job does it on the morning of every day
        that a plan reads, and on those after it until all of the plan is read, for a month at most."""

    @query(permit="reading.read")
    def special_plans(self, call: Call, request: FindSpecialPlans) -> SpecialPlansFound:
        """Plans beside the month's by kind, area and unit, the newest first."""

    @query(permit="reading.read", problems=(NoSuchSpecialPlan,))
    def special_plan(self, call: Call, request: SpecialPlanRef) -> SpecialPlan:
        """A plan with its registers."""

    @query(permit="reading.read", problems=(NoSuchSpecialPlan,))
    def special_energies(self, call: Call, request: SpecialPlanRef) -> SpecialEnergies:
        """The active energy of each meter of a loss plan between its two midnights; of a temporary plan there is none."""

"""A tariff tried on all customers over up to twelve months (全体用户测算批次): a job with progress, and its winners and losers."""

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, model_validator

from denghuo.kernel.contract import Api, Call, Dictionary, Label, Message, Page, command, query
from denghuo.kernel.fields import AsOf, MonthText, OrganisationCode, TariffCode, TextPair
from denghuo.kernel.period import Month
from denghuo.kernel.problem import NotFound, text
from denghuo.kernel.values import Money, Percent
from denghuo.service.billing.api.cycle import WholeCompanyOnly
from denghuo.service.billing.api.population import MonthNotRead, Mover, NoTariffToTry, Segment

MONTHS_MAX = 12
POPULATION_STATES = Dictionary(
    "billing.population_state",
    {
        "running": text("进行中", "Running"),
        "stopped": text("已暂停", "Stopped"),
        "failed": text("失败", "Failed"),
        "done": text("完成", "Done"),
    },
    tones={"running": "notice", "stopped": "warning", "failed": "danger", "done": "good"},
)
PopulationState = Annotated[
    Literal["running", "stopped", "failed", "done"], Label("状态", "State", dictionary=POPULATION_STATES.name)
]
RunNo = Annotated[int, Field(ge=1), Label("批次号", "Run no.")]
FirstMonth = Annotated[MonthText, Label("起始月", "From")]
LastMonth = Annotated[MonthText, Label("截止月", "To")]


class StartPopulationRun(Message):
    """Without a version: the newest published one, or the newest draft where none is. The same tariff and months under way is
    answered with its run."""

    code: TariffCode
    version: Annotated[int, Field(ge=1), Label("版本", "Version")] | None = None
    first_month: FirstMonth
    last_month: LastMonth

    @model_validator(mode="after")
    def _a_year_at_most(self) -> "StartPopulationRun":
        first, last = Month.of(self.first_month), Month.of(self.last_month)
        count = 12 * (last.year - first.year) + last.month - first.month + 1
        if not 1 <= count <= MONTHS_MAX:
            raise ValueError(f"months from {first} to {last}: give one to {MONTHS_MAX} months, the first one first")
        return self


class PopulationRunRef(Message):
    run_no: RunNo


class AdvancePopulationRun(Message):
    run_no: RunNo
    epoch: int


class PopulationAdvanced(Message):
    run_no: int
    done: int
    again: bool


class FindPopulationRuns(Page):
    code: TariffCode | None = None


class PopulationMonth(Message):
    """A month of the run, as in `TriedOnAll`."""

    month: MonthText
    contracts: Annotated[int, Label("测算合同数", "Contracts")]
    by_rules: Annotated[int, Label("逐户计费", "Rated one by one")]
    without_bands: Annotated[int, Label("无分时电量", "Without use by hours")]
    not_rated: Annotated[int, Label("未能测算", "Not rated")]
    now: Annotated[Money, Label("现行电费", "Now")]
    then: Annotated[Money, Label("测算电费", "Then")]
    difference: Annotated[Money, Label("增减", "Difference")]


class UnitTried(Message):
    """The contracts of a unit together."""

    org: OrganisationCode
    contracts: Annotated[int, Label("合同数", "Contracts")]
    now: Annotated[Money, Label("现行电费", "Now")]
    then: Annotated[Money, Label("测算电费", "Then")]
    difference: Annotated[Money, Label("增减", "Difference")]
    percent: Annotated[Percent | None, Label("增减幅度", "Change")]
    more: Annotated[int, Label("增加户数", "Pay more")]
    less: Annotated[int, Label("减少户数", "Pay less")]


class PopulationResult(Message):
    """All months together: a contract pays more or less over all of them. Use is that of a month on average."""

    contracts: Annotated[int, Label("测算合同数", "Contracts")]
    now: Annotated[Money, Label("现行电费", "Now")]
    then: Annotated[Money, Label("测算电费", "Then")]
    difference: Annotated[Money, Label("增减", "Difference")]
    percent: Annotated[Percent | None, Label("增减幅度", "Change")]
    more: Annotated[int, Label("增加户数", "Pay more")]
    less: Annotated[int, Label("减少户数", "Pay less")]
    same: Annotated[int, Label("不变户数", "Pay the same")]
    segments: Annotated[list[Segment], Label("分类", "Segments")]
    units: Annotated[list[UnitTried], Label("单位", "Units")]
    most_more: Annotated[list[Mover], Label("增加最多", "Pay most more")]
    most_less: Annotated[list[Mover], Label("减少最多", "Pay most less")]


class PopulationRow(Message):
    run_no: RunNo
    code: TariffCode
    version: Annotated[int, Label("版本", "Version")]
    first_month: FirstMonth
    last_month: LastMonth
    state: PopulationState
    done: Annotated[int, Label("已完成月数", "Months done")]
    months_asked: Annotated[int, Label("总月数", "Months")]
    started_by: Annotated[str, Label("发起人", "Started by", dictionary="staff")]
    started_at: Annotated[AwareDatetime, Label("开始时间", "Started")]
    ended_at: Annotated[AwareDatetime | None, Label("结束时间", "Ended")]


class PopulationRun(PopulationRow):
    """ends_at: when it will be done at the rate of the months so far. result: once all months are done."""

    ends_at: Annotated[AwareDatetime | None, Label("预计完成", "Expected end")]
    seconds: Annotated[str, Label("用时（秒）", "Seconds")]
    trouble: Annotated[TextPair | None, Label("失败原因", "Trouble")]
    months: list[PopulationMonth]
    result: PopulationResult | None
    as_of: AsOf


class PopulationRunsFound(Message):
    rows: list[PopulationRow]
    total: int
    next: str | None
    as_of: AsOf


class PopulationRunNotFound(NotFound, noun="billing", status=404, zh="没有该测算批次", en="No such run"):
    """Fields: run_no."""


class PopulationRunOperations(Api):
    """A tariff tried on all contracts of up to twelve months, by jobs."""

    @command(permit="billing.try_tariff", problems=(MonthNotRead, NoTariffToTry, WholeCompanyOnly))
    def start_population_run(self, call: Call, request: StartPopulationRun) -> PopulationRun:
        """Begins to try a tariff, draft or published, on all contracts of up to twelve months; no bill is touched."""

    @command(permit="billing.try_tariff", problems=(PopulationRunNotFound, WholeCompanyOnly))
    def stop_population_run(self, call: Call, request: PopulationRunRef) -> PopulationRun:
        """Stops a run after the month that is under way. Nothing that was done is lost."""

    @command(permit="billing.try_tariff", problems=(PopulationRunNotFound, WholeCompanyOnly))
    def resume_population_run(self, call: Call, request: PopulationRunRef) -> PopulationRun:
        """Goes on with a run that was stopped or failed."""

    @command(permit="billing.advance", problems=(PopulationRunNotFound,))
    def advance_population_run(self, call: Call, request: AdvancePopulationRun) -> PopulationAdvanced:
        """A month of a run: a step of the job worker, called until all are done and added up."""

    @query(permit="billing.try_tariff", problems=(PopulationRunNotFound, WholeCompanyOnly))
    def population_run(self, call: Call, request: PopulationRunRef) -> PopulationRun:
        """How far a run is, when it will be done, and who would pay more or less: by class and use, by unit, by month."""

    @query(permit="billing.try_tariff", problems=(WholeCompanyOnly,))
    def population_runs(self, call: Call, request: FindPopulationRuns) -> PopulationRunsFound:
        """The runs, the newest first."""

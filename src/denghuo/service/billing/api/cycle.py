"""The month's cycle as it is seen: stages, progress, rate and expected end."""

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from denghuo.kernel.contract import Api, Call, Dictionary, Label, Message, Page, command, query
from denghuo.kernel.fields import AsOf, BillNo, MonthText, TextPair
from denghuo.kernel.problem import NotFound, Problem, text
from denghuo.kernel.values import Energy, Money
from denghuo.service.billing.api.bill import BillsIssued

CYCLE_STATES = Dictionary(
    "billing.cycle_state",
    {
        "running": text("进行中", "Running"),
        "units": text("按单位核算", "Billed by unit"),
        "stopped": text("已暂停", "Stopped"),
        "failed": text("出错停止", "Failed"),
        "done": text("已完成", "Done"),
    },
    tones={"running": "notice", "units": "notice", "stopped": "warning", "failed": "danger", "done": "good"},
)
CycleState = Annotated[
    Literal["running", "units", "stopped", "failed", "done"], Label("状态", "State", dictionary=CYCLE_STATES.name)
]
STAGES = Dictionary(
    "billing.stage",
    {
        "plan": text("抄表计划", "Reading plan"),
        "read": text("抄表与校验", "Read and validate"),
        "rate": text("电费计算", "Rate"),
        "review": text("电费审核", "Review"),
        "issue": text("电费发行", "Issue"),
    },
)
StageName = Annotated[
    Literal["plan", "read", "rate", "review", "issue"], Label("环节", "Stage", dictionary=STAGES.name)
]
STAGE_STATES = Dictionary(
    "billing.stage_state",
    {
        "waiting": text("待办", "Waiting"),
        "running": text("进行中", "Under way"),
        "stopped": text("已暂停", "Stopped"),
        "failed": text("出错", "Failed"),
        "done": text("完成", "Done"),
    },
    tones={"running": "notice", "stopped": "warning", "failed": "danger", "done": "good"},
)
StageState = Annotated[
    Literal["waiting", "running", "stopped", "failed", "done"],
    Label("状态", "State", dictionary=STAGE_STATES.name),
]
Count = Annotated[int, Label("件数", "Count")]


class StartCycle(Message):
    month: MonthText


class CycleRef(Message):
    month: MonthText


class Advance(Message):
    """One step. `epoch` tells the runs of a cycle apart: after a resume, the job of the run before ends by itself."""

    month: MonthText
    epoch: int


class Advanced(Message):
    """`again`: there is more to do."""

    month: MonthText
    stage: StageName
    again: bool


class TasksKept(Message):
    """Tasks raised and finished by this step; `again`: there are more."""

    month: MonthText
    raised: int
    finished: int
    again: bool


class TellHolders(Message):
    """A page of the notices of an issue: bills behind `after` in the order of their numbers."""

    month: MonthText
    run_no: int
    after: BillNo | None = None


class HoldersTold(Message):
    """`next`: the last bill of this page, where another page follows by a job of its own."""

    told: int
    next: BillNo | None


class Stage(Message):
    name: StageName
    state: StageState
    count: Annotated[str, Label("进度", "Progress")]
    done: Annotated[int, Label("已处理", "Done")]
    total: Annotated[int, Label("总数", "Total")]
    started_at: Annotated[AwareDatetime | None, Label("开始", "Started")]
    ended_at: Annotated[AwareDatetime | None, Label("结束", "Ended")]


Later = Annotated[int, Label("非本月抄表", "Read in a later month")]


class Cycle(Message):
    """The state of a month. Counts and amounts are those of the caller's units; the stages are those of the whole company.

    done, total: how much of the work over all stages is done, told as accounts of `accounts`. rate: accounts a second. `amount` is
    what customers owe, `purchase_amount` what the company owes for bought energy. later: accounts that are not read in the
    month, because their routes are read every two.
    """

    month: MonthText
    run_no: Annotated[int, Label("发行批次", "Issue no.")]
    state: CycleState
    trouble: Annotated[TextPair | None, Label("停止原因", "Why it stopped")]
    stages: list[Stage]
    done: Annotated[int, Label("已处理", "Done")]
    total: Annotated[int, Label("总数", "Total")]
    rate: Annotated[int | None, Label("每秒户数", "Accounts a second")]
    started_at: Annotated[AwareDatetime, Label("开始", "Started")]
    ended_at: Annotated[AwareDatetime | None, Label("结束", "Ended")]
    ends_at: Annotated[AwareDatetime | None, Label("预计结束", "Expected end")]
    seconds: Annotated[str | None, Label("用时（秒）", "Seconds taken")]
    started_by: Annotated[str, Label("发起人", "Started by", dictionary="staff")]
    accounts: Annotated[int, Label("核算合同", "Contracts to bill")]
    rated: Annotated[int, Label("已算费", "Rated")]
    issued: Annotated[int, Label("已发行", "Issued")]
    held: Annotated[int, Label("异常待处理", "Held")]
    passed_share: Annotated[str | None, Label("自动通过率", "Passed by itself")]
    energy: Annotated[Energy, Label("售电量", "Energy sold")]
    amount: Annotated[Money, Label("应收电费", "Amount receivable")]
    purchase_energy: Annotated[Energy, Label("购电量", "Energy bought")]
    purchase_amount: Annotated[Money, Label("应付购电费", "Amount payable")]
    later: Later = 0
    as_of: AsOf


class FindCycles(Page):
    state: CycleState | None = None


class CycleRow(Message):
    month: MonthText
    state: CycleState
    run_no: Annotated[int, Label("发行批次", "Issue no.")]
    started_at: Annotated[AwareDatetime, Label("开始", "Started")]
    ended_at: Annotated[AwareDatetime | None, Label("结束", "Ended")]
    accounts: Annotated[int, Label("核算合同", "Contracts to bill")]
    issued: Annotated[int, Label("已发行", "Issued")]
    held: Annotated[int, Label("异常待处理", "Held")]
    amount: Annotated[Money, Label("应收电费", "Amount receivable")]
    purchase_amount: Annotated[Money, Label("应付购电费", "Amount payable")]


class CyclesFound(Message):
    rows: list[CycleRow]
    total: Annotated[int, Field(ge=0)]
    next: str | None
    as_of: AsOf


class CycleNotFound(NotFound, noun="billing", status=404, zh="该月尚未启动核算", en="The month was not started"):
    """Fields: month."""


class MonthNotOver(Problem, noun="billing", status=409, zh="该月尚未结束", en="The month is not over"):
    """Fields: month. A month is billed from the midnight that ends it."""


class WholeCompanyOnly(
    Problem, noun="billing", status=403, zh="须由公司级岗位办理", en="Only for a post of the whole company"
):
    """A month is billed for the whole company at once. Fields: scope."""


class UnitsUnderWay(Problem, noun="billing", status=409, zh="单位核算未结束", en="Units are under way"):
    """Fields: month, units. The whole month is run once no unit of it is under way."""


class CycleOperations(Api):
    """The month's cycle, and what follows from it."""

    @command(permit="billing.run", problems=(MonthNotOver, WholeCompanyOnly, UnitsUnderWay))
    def start_cycle(self, call: Call, request: StartCycle) -> Cycle:
        """Starts the month: plan, read, rate, review, issue. A month that was started already is answered with its cycle; one that
        was billed unit by unit is brought to its end, and what was issued stays."""

    @query(permit="billing.read", problems=(CycleNotFound,))
    def cycle(self, call: Call, request: CycleRef) -> Cycle:
        """How far the month is: stages, accounts done, rate, expected end, held and issued bills, amount."""

    @query(permit="billing.read")
    def cycles(self, call: Call, request: FindCycles) -> CyclesFound:
        """The months that were started, newest first."""

    @command(permit="billing.run", problems=(CycleNotFound, WholeCompanyOnly))
    def stop_cycle(self, call: Call, request: CycleRef) -> Cycle:
        """Stops the month after the step that is under way. Nothing that was done is lost."""

    @command(permit="billing.run", problems=(CycleNotFound, WholeCompanyOnly))
    def resume_cycle(self, call: Call, request: CycleRef) -> Cycle:
        """Goes on where the month was stopped, failed or interrupted."""

    @command(permit="billing.advance", emits=(BillsIssued,))
    def advance_cycle(self, call: Call, request: Advance) -> Advanced:
        """One step of the month, called by the job worker until nothing is left to do."""

    @command(permit="billing.advance")
    def keep_tasks(self, call: Call, request: CycleRef) -> TasksKept:
        """Brings the to-do lists in line with what is held: a step of the job worker, called until all is told."""

    @command(permit="billing.advance")
    def tell_holders(self, call: Call, request: TellHolders) -> HoldersTold:
        """Tells holders that their bills were issued: a page of notices, and the job of the next page."""

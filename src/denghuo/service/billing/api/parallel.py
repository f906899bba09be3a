"""The parallel run of a migration (双轨对账): bills of the old system beside ours, every difference with its cause.

A run is a month and a file of old bills. Bills are handed over in batches, then compared page by page; all of it is kept, so a run
that was broken off goes on where it stood. A cause counts only where our rules, computed with what the old bill says, give the
old amount to the fen; what no derivation reaches is unexplained, and with one such bill the gate is shut.
"""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from denghuo.kernel.contract import Api, Call, Dictionary, Label, Message, command, query
from denghuo.kernel.fields import AccountNo, AsOf, BillNo, Document, MonthText, OrganisationCode, TariffClass, TextPair
from denghuo.kernel.problem import NotFound, Problem, text
from denghuo.kernel.values import Energy, Money, Price
from denghuo.service.billing.api.bill import BillKind, Counted
from denghuo.service.billing.api.cycle import WholeCompanyOnly
from denghuo.service.tariff.api import BASIC_LINES, CHARGES, COMPONENTS, Band, TierNumber

OLD_BILLS_MAX = 1_000
OLD_LINES_MAX = 1_000
REFUSALS_MAX = 1_000
CSV_ROWS_MAX = 20_000

VERDICTS = Dictionary(
    "billing.parallel_verdict",
    {
        "equal": text("一致", "Equal"),
        "quantity": text("电量不同", "Quantity"),
        "price": text("单价不同", "Price"),
        "tiers": text("阶梯不同", "Tiers"),
        "rounding": text("进位差（每行不超过 1 分）", "Rounding, at most 1 fen a line"),
        "loss": text("变损、线损不同", "Losses"),
        "power_factor": text("功率因数调整不同", "Power factor"),
        "basic_charge": text("基本电费不同", "Basic charge"),
        "missing_component": text("缺少项目", "Missing component"),
        "tariff_class": text("电价类别不同", "Tariff class differs"),
        "several": text("多种原因", "Several causes"),
        "only_old": text("仅旧系统有", "Only in the old system"),
        "only_new": text("仅本系统有", "Only here"),
        "unexplained": text("未能解释", "Unexplained"),
    },
    tones={"equal": "good", "unexplained": "danger", "only_old": "warning", "only_new": "warning"},
)
Verdict = Annotated[
    Literal[
        "equal",
        "quantity",
        "price",
        "tiers",
        "rounding",
        "loss",
        "power_factor",
        "basic_charge",
        "missing_component",
        "tariff_class",
        "several",
        "only_old",
        "only_new",
        "unexplained",
    ],
    Label("结论", "Verdict", dictionary=VERDICTS.name),
]
RUN_STATES = Dictionary(
    "billing.parallel_state",
    {
        "taking": text("接收旧账单", "Taking old bills"),
        "comparing": text("比对中", "Comparing"),
        "done": text("已完成", "Done"),
    },
    tones={"done": "good", "comparing": "notice", "taking": "notice"},
)
RunState = Annotated[Literal["taking", "comparing", "done"], Label("状态", "State", dictionary=RUN_STATES.name)]
GATES = Dictionary(
    "billing.parallel_gate",
    {"open": text("可以上线", "Open"), "shut": text("不可上线", "Shut")},
    tones={"open": "good", "shut": "danger"},
)
Gate = Annotated[Literal["open", "shut"], Label("上线门槛", "Go-live gate", dictionary=GATES.name)]

RunNo = Annotated[int, Field(ge=1), Label("对账批次", "Parallel run")]
Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$"), Label("文件摘要", "Digest of the file")]
LINES = Dictionary("billing.line", {**COMPONENTS.entries, **CHARGES.entries, **BASIC_LINES.entries})
"""Names of our lines by code; a line of an old bill that has none of these codes is shown as the file calls it."""
ComponentName = Annotated[
    str, StringConstraints(min_length=1, max_length=60), Label("项目", "Component", dictionary=LINES.name)
]
Reason = Annotated[str, StringConstraints(min_length=2, max_length=400), Label("理由", "Reason")]
BillCount = Annotated[int, Label("户数", "Bills")]


# --- handing over -------------------------------------------------------------------------------------------------------------


class OldLine(Message):
    """A line of an old bill; quantity in kWh (of a basic charge kW or kVA, of a power factor percent)."""

    account_no: AccountNo
    kind: BillKind = "supply"
    component: ComponentName
    band: Band | None = None
    tier: TierNumber | None = None
    quantity: Counted | None = None
    price: Price | None = None
    amount: Annotated[Money, Label("金额", "Amount")]
    file_line: Annotated[int, Field(ge=1), Label("文件行号", "Line of the file")]


class OldBill(Message):
    """A bill of the old system. tariff_class, used_before (energy before in the tier year): where the old system tells them."""

    account_no: AccountNo
    kind: BillKind = "supply"
    energy: Annotated[Energy | None, Label("旧电量", "Old energy")] = None
    amount: Annotated[Money, Label("旧金额", "Old amount")]
    tariff_class: TariffClass | None = None
    used_before: Annotated[Energy | None, Label("本年前期电量", "Energy before in the tier year")] = None
    file_line: Annotated[int, Field(ge=1), Label("文件行号", "Line of the file")]


class RefusedRow(Message):
    """A row of the file that is no old bill: where it stands, what is wrong and what to do."""

    file: Annotated[str, StringConstraints(max_length=200), Label("文件", "File")]
    line: Annotated[int, Label("文件行号", "Line of the file")]
    field: Annotated[str, StringConstraints(max_length=200), Label("列", "Column")]
    value: Annotated[str, StringConstraints(max_length=400), Label("值", "Value")]
    what: Annotated[TextPair, Label("问题", "What is wrong")]
    remedy: Annotated[TextPair, Label("办法", "What to do")]


class BeginParallelRun(Message):
    """A file of old bills of a month; the digest covers the file, its lines and how its columns are read."""

    month: MonthText
    digest: Digest
    file_name: Annotated[str, StringConstraints(min_length=1, max_length=200), Label("文件", "File")]


class HandOldBills(Message):
    """A batch of the file. What was handed before is passed over; the last batch says so, and comparing begins."""

    run_no: RunNo
    bills: Annotated[list[OldBill], Field(max_length=OLD_BILLS_MAX)] = []
    lines: Annotated[list[OldLine], Field(max_length=OLD_LINES_MAX)] = []
    refused: Annotated[list[RefusedRow], Field(max_length=OLD_BILLS_MAX)] = []
    last: bool = False


class OldBillsHanded(Message):
    """taken: bills and lines that were new; unchanged: those that were handed before."""

    taken: Annotated[int, Label("新接收", "Taken")]
    unchanged: Annotated[int, Label("未变", "Unchanged")]


class ParallelRef(Message):
    run_no: RunNo


class ParallelAdvanced(Message):
    """One step was done; `again`: there is more."""

    run_no: RunNo
    again: bool


# --- what came of it ----------------------------------------------------------------------------------------------------------


class VerdictTotal(Message):
    """Bills of a verdict: their count and sums; difference = ours less the old one. accepted: how many a person accepted."""

    verdict: Verdict
    count: BillCount
    old_amount: Annotated[Money, Label("旧金额", "Old amount")]
    new_amount: Annotated[Money, Label("新金额", "New amount")]
    difference: Annotated[Money, Label("差额", "Difference")]
    accepted: Annotated[int, Label("已认可", "Accepted")]


class UnitTotal(Message):
    """Bills of a unit; org: that of our bill or of the account, the company where the account is unknown here."""

    org: OrganisationCode
    count: BillCount
    equal: Annotated[int, Label("一致", "Equal")]
    explained: Annotated[int, Label("已解释", "Explained")]
    unexplained: Annotated[int, Label("未解释", "Unexplained")]
    accepted: Annotated[int, Label("已认可", "Accepted")]
    old_amount: Annotated[Money, Label("旧金额", "Old amount")]
    new_amount: Annotated[Money, Label("新金额", "New amount")]
    difference: Annotated[Money, Label("差额", "Difference")]


class ParallelRow(Message):
    """A run in the list. refused: rows of the file that could not be read; they keep the gate shut like unexplained bills."""

    run_no: RunNo
    month: MonthText
    file_name: Annotated[str, Label("文件", "File")]
    state: RunState
    gate: Gate
    old_bills: Annotated[int, Label("旧账单", "Old bills")]
    compared: Annotated[int, Label("已比对", "Compared")]
    equal: Annotated[int, Label("一致", "Equal")]
    explained: Annotated[int, Label("已解释", "Explained")]
    unexplained: Annotated[int, Label("未解释", "Unexplained")]
    accepted: Annotated[int, Label("已认可", "Accepted")]
    refused: Annotated[int, Label("拒收行", "Rows refused")]
    old_amount: Annotated[Money, Label("旧金额", "Old amount")]
    new_amount: Annotated[Money, Label("新金额", "New amount")]
    difference: Annotated[Money, Label("差额", "Difference")]
    started_by: Annotated[str, Label("发起人", "Started by", dictionary="staff")]
    started_at: Annotated[datetime, Label("开始时间", "Started")]
    ended_at: Annotated[datetime | None, Label("完成时间", "Ended")]


class ParallelRun(ParallelRow):
    """A run with its totals by verdict and by unit; to a post of the whole company the first rows that were refused as well."""

    digest: Digest
    verdicts: list[VerdictTotal]
    units: list[UnitTotal]
    refusals: list[RefusedRow]
    as_of: AsOf


class FindParallelRuns(Message):
    month: MonthText | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50
    after: RunNo | None = None


class ParallelRunsFound(Message):
    rows: list[ParallelRow]
    total: int
    next: int | None
    as_of: AsOf


class ParallelCause(Message):
    """What part of a difference comes from: amounts of all causes and of what is left add up to the difference."""

    number: Annotated[int, Label("序号", "No.")]
    cause: Verdict
    amount: Annotated[Money, Label("差额", "Difference")]
    sentence: Annotated[TextPair, Label("说明", "Explanation")]


class DifferenceRow(Message):
    """An account whose bills were compared. difference = ours less the old one."""

    row_key: Annotated[str, Label("键", "Key")]
    account_no: AccountNo
    kind: BillKind
    org: OrganisationCode
    verdict: Verdict
    old_energy: Annotated[Energy | None, Label("旧电量", "Old energy")]
    new_energy: Annotated[Energy | None, Label("新电量", "New energy")]
    old_amount: Annotated[Money | None, Label("旧金额", "Old amount")]
    new_amount: Annotated[Money | None, Label("新金额", "New amount")]
    difference: Annotated[Money, Label("差额", "Difference")]
    unexplained: Annotated[Money, Label("未解释", "Unexplained")]
    sentence: Annotated[TextPair, Label("说明", "Explanation")]
    bill_no: BillNo | None
    accepted_by: Annotated[str | None, Label("认可人", "Accepted by", dictionary="staff")]


class FindDifferences(Message):
    """Differences of a run, the largest first; without a verdict all but the equal ones. accepted: only these, or only others."""

    run_no: RunNo
    verdict: Verdict | None = None
    org: OrganisationCode | None = None
    account_no: AccountNo | None = None
    accepted: Annotated[bool | None, Label("已认可", "Accepted")] = None
    limit: Annotated[int, Field(ge=1, le=1_000)] = 50
    after: Annotated[str, StringConstraints(max_length=80)] | None = None


class DifferencesFound(Message):
    rows: list[DifferenceRow]
    total: int
    next: str | None
    difference: Annotated[Money, Label("差额合计", "Difference in all")]
    as_of: AsOf


class DifferenceRef(Message):
    run_no: RunNo
    account_no: AccountNo
    kind: BillKind = "supply"


class ComparedLine(Message):
    """A line of either bill beside the other's of the same component, band and tier."""

    row_key: Annotated[str, Label("键", "Key")]
    component: ComponentName
    band: Band | None
    tier: TierNumber | None
    old_quantity: Annotated[Counted | None, Label("旧数量", "Old quantity")]
    new_quantity: Annotated[Counted | None, Label("新数量", "New quantity")]
    old_price: Annotated[Price | None, Label("旧单价", "Old price")]
    new_price: Annotated[Price | None, Label("新单价", "New price")]
    old_amount: Annotated[Money | None, Label("旧金额", "Old amount")]
    new_amount: Annotated[Money | None, Label("新金额", "New amount")]
    difference: Annotated[Money, Label("差额", "Difference")]


class BillDifference(DifferenceRow):
    """One account: the causes of its difference, and both bills line by line where the old one has lines."""

    month: MonthText
    file_line: Annotated[int | None, Label("文件行号", "Line of the file")]
    causes: list[ParallelCause]
    lines: list[ComparedLine]
    accepted_at: Annotated[datetime | None, Label("认可时间", "Accepted at")]
    accepted_why: Annotated[str | None, Label("认可理由", "Why accepted")]
    as_of: AsOf


class AcceptDifferences(Message):
    """Explained differences of a verdict, of one unit or all, or of named accounts, accepted for a reason."""

    run_no: RunNo
    verdict: Verdict
    org: OrganisationCode | None = None
    account_nos: Annotated[list[AccountNo], Field(max_length=1_000)] = []
    reason: Reason


class DifferencesAccepted(Message):
    accepted: Annotated[int, Label("已认可", "Accepted")]


class DifferencesFile(Message):
    """The differences of a run as CSV; at most 20,000 rows at once."""

    run_no: RunNo
    verdict: Verdict | None = None
    org: OrganisationCode | None = None


class ParallelRunNotFound(
    NotFound, noun="billing", status=404, zh="没有该对账批次", en="There is no such parallel run"
):
    """Fields: run_no."""


class NoSuchDifference(NotFound, noun="billing", status=404, zh="该批次没有此账户", en="The run has no such account"):
    """Fields: run_no, account_no."""


class NotAcceptable(Problem, noun="billing", status=409, zh="不能认可", en="Not to be accepted"):
    """Unexplained differences are never accepted, equal bills need it not. Fields: verdict."""


class TooManyRows(Problem, noun="billing", status=422, zh="行数过多", en="Too many rows"):
    """Fields: rows."""


class ParallelOperations(Api):
    """The parallel run of a migration."""

    @command(permit="billing.compare", problems=(WholeCompanyOnly,))
    def begin_parallel_run(self, call: Call, request: BeginParallelRun) -> ParallelRun:
        """Begins to compare a file of old bills with a month; a file that was begun before is answered with its run."""

    @command(permit="billing.compare", problems=(ParallelRunNotFound, WholeCompanyOnly))
    def hand_old_bills(self, call: Call, request: HandOldBills) -> OldBillsHanded:
        """A batch of old bills and their lines; after the last one comparing begins."""

    @command(permit="billing.advance", problems=(ParallelRunNotFound,))
    def advance_parallel_run(self, call: Call, request: ParallelRef) -> ParallelAdvanced:
        """Compares a page of bills: a step of the job worker, called until nothing is left to do."""

    @command(permit="billing.compare", problems=(ParallelRunNotFound, WholeCompanyOnly))
    def compare_again(self, call: Call, request: ParallelRef) -> ParallelRun:
        """Compares a run anew with the bills as they stand now; what was accepted and is the same stays accepted."""

    @query(permit="billing.read")
    def parallel_runs(self, call: Call, request: FindParallelRuns) -> ParallelRunsFound:
        """The runs, newest first, each with its gate and its totals within the caller's units."""

    @query(permit="billing.read", problems=(ParallelRunNotFound,))
    def parallel_run(self, call: Call, request: ParallelRef) -> ParallelRun:
        """One run: its gate, totals by verdict and by unit, rows of the file that were refused."""

    @query(permit="billing.read")
    def bill_differences(self, call: Call, request: FindDifferences) -> DifferencesFound:
        """Differences of a run, the largest first."""

    @query(permit="billing.read", problems=(NoSuchDifference,))
    def bill_difference(self, call: Call, request: DifferenceRef) -> BillDifference:
        """Both bills of an account line by line, and what their difference comes from."""

    @query(permit="billing.read", problems=(TooManyRows,))
    def differences_file(self, call: Call, request: DifferencesFile) -> Document:
        """The differences of a run as CSV."""

    @command(permit="billing.accept_difference", problems=(ParallelRunNotFound, NotAcceptable))
    def accept_differences(self, call: Call, request: AcceptDifferences) -> DifferencesAccepted:
        """Accepts explained differences of a verdict within the caller's units, for a stated reason."""

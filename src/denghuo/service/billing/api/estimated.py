"""Bills that rest on estimates (估计电费清单), and what they came to when real values came."""

from typing import Annotated, Literal

from pydantic import AwareDatetime

from denghuo.kernel.contract import Api, Call, Dictionary, Label, Message, Page, command, query
from denghuo.kernel.fields import AccountNo, AsOf, BillNo, MonthText, OrganisationCode, TextPair
from denghuo.kernel.problem import text
from denghuo.kernel.values import Energy, Money
from denghuo.service.billing.api.bill import BillKind, HolderName
from denghuo.service.billing.api.resting import PerMille, RestingEnergy

ESTIMATED_STATES = Dictionary(
    "billing.estimated_state",
    {
        "rests": text("待真实值", "Rests on estimates"),
        "partly": text("部分真实值已到", "Some real values came"),
        "unchanged": text("真实值已到，金额不变", "Real values came, same amount"),
        "differs": text("真实值已到，金额有差异", "Real values came, another amount"),
        "unrated": text("真实值已到，不能算费", "Real values came, cannot be rated"),
    },
    tones={"rests": "notice", "partly": "notice", "unchanged": "good", "differs": "warning", "unrated": "danger"},
)
EstimatedState = Annotated[
    Literal["rests", "partly", "unchanged", "differs", "unrated"],
    Label("状态", "State", dictionary=ESTIMATED_STATES.name),
]


class FindEstimatedBills(Page):
    """Issued bills that stand and rest on estimates, those with a difference first, then by their numbers."""

    month: MonthText | None = None
    org: OrganisationCode | None = None
    state: EstimatedState | None = None
    account_no: AccountNo | None = None


class EstimatedBillRow(Message):
    """again, difference: what the bill came to when it was last calculated by what came since, and how much more that is."""

    bill_no: BillNo
    account_no: AccountNo
    name: HolderName
    org: OrganisationCode
    month: MonthText
    kind: BillKind
    billed: Annotated[Energy, Label("计费电量", "Energy billed")]
    energy: RestingEnergy
    per_mille: PerMille
    methods: Annotated[TextPair, Label("估计方法", "Methods")]
    amount: Annotated[Money, Label("账单金额", "Amount of the bill")]
    state: EstimatedState
    again: Annotated[Money | None, Label("重算金额", "Calculated again")]
    difference: Annotated[Money | None, Label("差额", "Difference")]
    again_at: Annotated[AwareDatetime | None, Label("重算时间", "Calculated again at")]


class EstimatedBillsFound(Message):
    """A page; sums over all that match. differing: bills whose real values came and give another amount."""

    rows: list[EstimatedBillRow]
    total: Annotated[int, Label("账单数", "Bills")]
    energy: RestingEnergy
    differing: Annotated[int, Label("有差异", "With a difference")]
    difference: Annotated[Money, Label("差额合计", "Difference in all")]
    next: str | None
    as_of: AsOf


class NoteEstimates(Message):
    """A month whose issued bills are looked at for what rests on estimates."""

    month: MonthText


class EstimatesNoted(Message):
    """again: others wait."""

    month: MonthText
    noted: Annotated[int, Label("登记账单数", "Bills noted")]
    again: bool


class CalculateEstimated(Message):
    """Whose bills of a month are calculated again: of an account, of a unit, or all that rest on estimates."""

    month: MonthText
    account_no: AccountNo | None = None
    org: OrganisationCode | None = None


class EstimatedOrdered(Message):
    month: MonthText
    ordered: Annotated[int, Label("应重算户数", "Accounts")]


class EstimatedOperations(Api):
    """What bills rest on estimates."""

    @command(permit="billing.advance")
    def note_estimates(self, call: Call, request: NoteEstimates) -> EstimatesNoted:
        """Notes what of the next issued bills of a month rests on estimates: a step of the job worker, called until none waits."""

    @query(permit="billing.read")
    def estimated_bills(self, call: Call, request: FindEstimatedBills) -> EstimatedBillsFound:
        """Issued bills that rest on estimates: how much of them, by which methods, and what they come to by what came since."""

    @command(permit="billing.recalculate")
    def calculate_estimated(self, call: Call, request: CalculateEstimated) -> EstimatedOrdered:
        """Has the accounts of such bills calculated again by a job, by all that came in until now. Issued bills stand: the list
        then tells the difference."""

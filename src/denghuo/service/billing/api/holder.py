"""Changes of customer (过户): the old customer is billed to the day by a special reading, the new one begins on it."""

from datetime import date
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, StringConstraints

from denghuo.kernel.contract import Api, Call, Dictionary, Label, Message, Page, command, query
from denghuo.kernel.fields import AccountNo, AsOf, BillNo, ContractNo, MonthText, OrganisationCode, Reason, TextPair
from denghuo.kernel.problem import NotFound, Problem, text
from denghuo.kernel.values import Money, Register
from denghuo.service.billing.api.bill import BillsIssued, BillState
from denghuo.service.customer.api import AccountNotFound, CustomerKind, HolderName, Phone
from denghuo.service.reading.api import Band, Quantity

CHANGE_STATES = Dictionary(
    "billing.holder_change_state",
    {
        "points": text("待移交计量点", "Points to hand over"),
        "contract": text("待换签合同", "Contracts to change"),
        "readings": text("待登记特抄示数", "Special readings to enter"),
        "bill": text("待清算", "To be settled"),
        "settled": text("已算清算电费", "Final bill rated"),
    },
    tones={"points": "notice", "contract": "notice", "readings": "notice", "bill": "notice", "settled": "good"},
)
ChangeNo = Annotated[str, StringConstraints(pattern=r"^GH[0-9]{10}$"), Label("过户编号", "Change no.")]
Since = Annotated[date, Label("过户日期（新客户首日）", "First day of the new customer")]
NewNo = Annotated[AccountNo, Label("新户号", "New account")]
ChangeState = Annotated[
    Literal["points", "contract", "readings", "bill", "settled"],
    Label("办理环节", "Step", dictionary=CHANGE_STATES.name),
]


class SpecialReading(Message):
    """A register at the midnight that begins the first day of the new customer (特抄)."""

    point_no: Annotated[str, StringConstraints(min_length=1, max_length=32), Label("计量点", "Point")]
    quantity: Quantity = "active_fwd"
    band: Band = "total"
    shown: Annotated[Register, Label("示数", "Register")]
    confirmed: Annotated[bool, Label("已现场核实", "Checked on site")] = False


class ChangeHolder(Message):
    """A change of customer. since: the first day of the new customer, whose midnight has passed.

    readings: what was read on the spot, in place of the midnight registers that were collected; a register that neither gives holds
    the final bill until it is entered.
    """

    account_no: AccountNo
    since: Since
    name: HolderName
    phone: Phone | None = None
    kind: CustomerKind | None = None
    readings: Annotated[list[SpecialReading], Field(max_length=50), Label("特抄示数", "Special readings")] = []
    reason: Reason


class HolderChangeRef(Message):
    change_no: ChangeNo


class ResumeHolderChange(Message):
    """Goes on with a change that stands still. readings: in the place of those that were entered, where they were wrong."""

    change_no: ChangeNo
    readings: Annotated[list[SpecialReading] | None, Field(max_length=50), Label("特抄示数", "Special readings")] = None


class FindHolderChanges(Page):
    """Changes of customer by the old or the new account, step and unit; the newest first."""

    account_no: AccountNo | None = None
    state: ChangeState | None = None
    org: OrganisationCode | None = None


class HolderChange(Message):
    """A change of customer with what came of it.

    final_month: the month whose bill settles the old customer; bill_no: that bill, once there is one, in whatever state; waiting:
    open exceptions of it. trouble: why the step was refused, until it is tried again.
    """

    change_no: ChangeNo
    account_no: Annotated[AccountNo, Label("原户号", "Old account")]
    successor_no: NewNo
    org: OrganisationCode
    contract_no: Annotated[ContractNo, Label("原合同", "Old contract")]
    since: Since
    readings: list[SpecialReading]
    reason: Reason
    state: ChangeState
    trouble: Annotated[TextPair | None, Label("未能办理的原因", "Why it stands still")] = None
    final_month: Annotated[MonthText, Label("清算月份", "Month of the final bill")]
    bill_no: Annotated[BillNo | None, Label("清算账单", "Final bill")] = None
    bill_state: BillState | None = None
    amount: Annotated[Money | None, Label("清算电费", "Amount of the final bill")] = None
    waiting: Annotated[int, Label("待处理异常", "Open exceptions")] = 0
    asked_by: Annotated[str, Label("经办人", "Asked by", dictionary="staff")]
    asked_at: Annotated[AwareDatetime, Label("受理时间", "Asked at")]
    settled_at: Annotated[AwareDatetime | None, Label("清算时间", "Settled at")] = None


class HolderChangesFound(Message):
    rows: list[HolderChange]
    total: Annotated[int, Label("合计", "Total")]
    next: str | None
    as_of: AsOf


class HolderChangeAdvanced(Message):
    """`again`: there is another step."""

    change_no: ChangeNo
    state: ChangeState
    again: bool


class HolderChangeNotFound(NotFound, noun="billing", status=404, zh="未找到该过户", en="No such change of customer"):
    """Fields: change_no. Raised also for one outside the caller's scope."""


class NotTransferable(
    Problem, noun="billing", status=409, zh="该户现在不能过户", en="The account cannot change its customer now"
):
    """Fields: account_no, field, value."""


class HolderOperations(Api):
    """Changes of customer."""

    @command(permit="billing.change_holder", problems=(NotTransferable, AccountNotFound))
    def change_holder(self, call: Call, request: ChangeHolder) -> HolderChange:
        """Another customer takes over from a day on (过户): the old account is billed to that day by special readings with its tier
        year settled by actual months, and closed with what it owes; a new one with its own contract begins at the same points."""

    @command(permit="billing.change_holder", problems=(HolderChangeNotFound, NotTransferable))
    def resume_holder_change(self, call: Call, request: ResumeHolderChange) -> HolderChange:
        """Goes on with a change of customer after the reason for which it stands still was seen to."""

    @command(permit="billing.advance", emits=(BillsIssued,))
    def advance_holder_change(self, call: Call, request: HolderChangeRef) -> HolderChangeAdvanced:
        """One step of a change of customer: points, contracts, readings, final bill. What was refused is said with the change."""

    @query(permit="billing.read", problems=(HolderChangeNotFound,))
    def holder_change(self, call: Call, request: HolderChangeRef) -> HolderChange:
        """A change of customer with its step and its final bill."""

    @query(permit="billing.read")
    def holder_changes(self, call: Call, request: FindHolderChanges) -> HolderChangesFound:
        """Changes of customer, the newest first."""

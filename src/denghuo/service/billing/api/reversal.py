"""Bills taken back after their issue and billed again (全减、全减另发): asked for by one person, agreed to by another."""

from datetime import date
from typing import Annotated, Literal

from pydantic import AwareDatetime

from denghuo.kernel.contract import Dictionary, Label, Message
from denghuo.kernel.fields import BillNo, Reason
from denghuo.kernel.problem import Problem, text
from denghuo.kernel.values import Energy, Money

REQUEST_STATES = Dictionary(
    "billing.reversal_state",
    {
        "waiting": text("待审批", "Waits for approval"),
        "done": text("已冲销", "Taken back"),
        "refused": text("未同意", "Refused"),
        "withdrawn": text("已撤回", "Withdrawn"),
        "void": text("已失效", "Void"),
    },
    tones={"waiting": "notice", "done": "good", "refused": "danger", "withdrawn": "plain", "void": "plain"},
)
RequestState = Annotated[
    Literal["waiting", "done", "refused", "withdrawn", "void"],
    Label("办理状态", "State", dictionary=REQUEST_STATES.name),
]
ROLES = Dictionary(
    "billing.chain_role",
    {
        "first": text("原账单", "First bill"),
        "reversal": text("冲销账单", "Reversal"),
        "replacement": text("另发账单", "Billed again"),
        "adjustment": text("退补账单", "Adjustment"),
    },
    tones={"first": "plain", "reversal": "warning", "replacement": "good", "adjustment": "notice"},
)
ChainRole = Annotated[
    Literal["first", "reversal", "replacement", "adjustment"], Label("性质", "Part", dictionary=ROLES.name)
]
Rebilled = Annotated[bool, Label("另发", "Billed again")]
ApprovalNo = Annotated[int, Label("审批编号", "Approval no.")]


class ReverseBill(Message):
    """Takes an issued bill back as a whole. `reason` stands in the books of the utility, not on the bill."""

    bill_no: BillNo
    reason: Reason


class ReversalAsked(Message):
    """The request waits for another person; once agreed to, the reversal is issued, and with `rebill` the account billed again."""

    bill_no: BillNo
    approval_no: ApprovalNo
    rebill: Rebilled
    state: RequestState


class ReversalRequest(Message):
    """Who asked that a bill be taken back, and what came of it."""

    approval_no: ApprovalNo
    rebill: Rebilled
    reason: Annotated[str, Label("冲销原因", "Reason")]
    state: RequestState
    requested_by: Annotated[str, Label("申请人", "Asked by", dictionary="staff")]
    requested_at: Annotated[AwareDatetime, Label("申请时间", "Asked at")]
    decided_by: Annotated[str | None, Label("审批人", "Decided by", dictionary="staff")]
    decided_at: Annotated[AwareDatetime | None, Label("审批时间", "Decided at")]


class ChainedBill(Message):
    """A bill of the same account, month and kind: what was issued first, what took it back, what was billed again,
    what adjusted it."""

    bill_no: BillNo
    role: ChainRole
    of: Annotated[BillNo | None, Label("对应账单", "Of bill")]
    energy: Annotated[Energy, Label("电量", "Energy")]
    amount: Annotated[Money, Label("金额", "Amount")]
    state: Annotated[str, Label("账单状态", "State", dictionary="billing.state")]
    issued_on: Annotated[date | None, Label("发行日期", "Issued on")]


class NotReversible(Problem, noun="billing", status=409, zh="该账单不能冲销", en="The bill cannot be taken back"):
    """Fields: bill_no, why (not_issued, reversed, reversal, waiting, adjusted, adjustment, no_number), state; reversed_by,
    approval_no or adjusted_by where there is one."""

"""What needs another person: taking back a payment of another day or cashier, and closing a day with a difference."""

from datetime import date

from denghuo.kernel.contract import Call
from denghuo.kernel.fields import TextPair
from denghuo.kernel.values import Money
from denghuo.service.host.binding import Ask
from denghuo.service.payment.api import Payment
from denghuo.service.payment.peers import home_of
from denghuo.service.workflow.api import RequestApproval, WorkflowApi

REVERSAL, CLOSE = "payment.reversal", "payment.day_close"
APPROVER = "manager"


def ask_reversal(ask: Ask, call: Call, payment: Payment, reason: str) -> int:
    """The number of the approval that decides on the reversal."""
    return _ask(
        ask,
        call,
        RequestApproval(
            kind=REVERSAL,
            subject_noun="payment",
            subject_id=payment.receipt_no,
            title=TextPair(
                zh=f"冲正收款 {payment.receipt_no}，{payment.amount} 元",
                en=f"Reverse payment {payment.receipt_no} of {payment.amount} yuan",
            ),
            org=payment.org,
            role=APPROVER,
            payload={"account_no": payment.account_no, "amount": str(payment.amount), "reason": reason},
            remark=reason,
        ),
    )


def ask_close(ask: Ask, call: Call, day: date, difference: Money, reason: str) -> int:
    """The number of the approval that decides on closing a day with a difference."""
    return _ask(
        ask,
        call,
        RequestApproval(
            kind=CLOSE,
            subject_noun="payment",
            subject_id=f"{call.actor} {day}",
            title=TextPair(
                zh=f"{call.actor} {day} 扎账差额 {difference} 元",
                en=f"Day {day} of {call.actor}: difference of {difference} yuan",
            ),
            org=home_of(call),
            role=APPROVER,
            payload={"difference": str(difference), "reason": reason},
            remark=reason,
        ),
    )


def _ask(ask: Ask, call: Call, request: RequestApproval) -> int:
    return ask(WorkflowApi).request_approval(call.only("workflow.raise"), request).approval_no

"""What payment hears: posted bills are collected by direct debit; decisions on reversals and on differences are carried out."""

from denghuo.kernel.contract import Call, on
from denghuo.service.ledger.api import BillsPosted
from denghuo.service.payment.service import PaymentService
from denghuo.service.workflow.api import ApprovalDecided


@on(BillsPosted)
def collect_by_debit(service: PaymentService, call: Call, event: BillsPosted) -> None:
    service.bank.order_batches(call, event.month, retry=False)


@on(ApprovalDecided)
def carry_out_decision(service: PaymentService, call: Call, event: ApprovalDecided) -> None:
    if event.subject_noun == "payment":
        service.counter.decided(call, event.approval_no, event.agreed)

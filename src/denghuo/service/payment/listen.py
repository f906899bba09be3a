"""What payment hears: posted bills are collected by direct debit; decisions on reversals and on differences are carried out; who
has used up a balance under fee control is told and disconnected, and reconnected once it is restored."""

from denghuo.kernel.contract import Call, on
from denghuo.service.acquisition.api import SwitchingEnded
from denghuo.service.ledger.api import BalancesExhausted, BalancesRestored, BillsPosted
from denghuo.service.payment.service import PaymentService
from denghuo.service.workflow.api import ApprovalDecided


@on(BillsPosted)
def collect_by_debit(service: PaymentService, call: Call, event: BillsPosted) -> None:
    service.bank.order_batches(call, event.month, retry=False)


@on(ApprovalDecided)
def carry_out_decision(service: PaymentService, call: Call, event: ApprovalDecided) -> None:
    if event.subject_noun == "payment":
        service.counter.decided(call, event.approval_no, event.agreed)


@on(BalancesExhausted)
def interrupt(service: PaymentService, call: Call, event: BalancesExhausted) -> None:
    service.interrupting.used_up(call, event.accounts)


@on(BalancesRestored)
def restore(service: PaymentService, call: Call, event: BalancesRestored) -> None:
    service.interrupting.restored(call, event.accounts)


@on(SwitchingEnded)
def follow_switching(service: PaymentService, call: Call, event: SwitchingEnded) -> None:
    service.interrupting.switched(call, event)

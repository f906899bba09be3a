"""What the ledger hears: issued bills are posted, estimates move balances under fee control."""

from denghuo.kernel.contract import Call, on
from denghuo.service.billing.api import BillsIssued, EstimatesMade
from denghuo.service.contract.api import FeeControlAgreed
from denghuo.service.ledger.service import LedgerService


@on(BillsIssued)
def post_bills(service: LedgerService, call: Call, event: BillsIssued) -> None:
    service.take_bills(event.month, event.run_no, event.bills, event.lines)


@on(FeeControlAgreed)
def follow_fee_control(service: LedgerService, call: Call, event: FeeControlAgreed) -> None:
    """What begins later is known from the publication of that day."""
    if event.effective_from <= call.today:
        service.take_fee_control(call, event)


@on(EstimatesMade)
def move_balances(service: LedgerService, call: Call, event: EstimatesMade) -> None:
    service.take_estimates(call, event)

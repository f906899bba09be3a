"""What the ledger hears: issued bills are posted."""

from denghuo.kernel.contract import Call, on
from denghuo.service.billing.api import BillsIssued
from denghuo.service.ledger.service import LedgerService


@on(BillsIssued)
def post_bills(service: LedgerService, call: Call, event: BillsIssued) -> None:
    service.take_bills(event.month, event.run_no, event.bills, event.lines)

"""Posting: brings what was recorded here into the ledger, in steps that may be repeated.

A step asks the ledger first and marks after. Killed in between, the next step asks again with the same receipt numbers, and the
ledger answers that they are in the books already.
"""

from denghuo.data.processing.work import Work
from denghuo.kernel.contract import Call
from denghuo.kernel.values import Money
from denghuo.service.host.binding import Ask
from denghuo.service.ledger.api import LedgerApi, PostReceipts, Receipt, ReverseReceipt
from denghuo.service.payment.api import StepDone
from denghuo.service.payment.online import Online
from denghuo.service.payment.store.payments import PaymentStore

RECEIPTS_A_STEP = 500
REVERSALS_A_STEP = 50


class Posting:
    def __init__(self, work: Work, ask: Ask) -> None:
        self._ask = ask
        self._store, self._online = PaymentStore(work), Online(work, ask)

    def step(self, call: Call) -> StepDone:
        """Reports of channels become payments, then payments are posted, then reversals; `again` while there is more."""
        made = self._online.settle(call, RECEIPTS_A_STEP)
        if made:
            return StepDone(again=True, done=made)
        pending = self._store.pending(RECEIPTS_A_STEP)
        if pending:
            reply = self._ask(LedgerApi).post_receipts(
                call.only("ledger.post"),
                PostReceipts(
                    receipts=[
                        Receipt(
                            receipt_no=row["receipt_no"],
                            account_no=row["account_no"],
                            org=row["org"],
                            amount=Money(row["amount_fen"]),
                            method=row["method"],
                            paid_at=row["taken_at"],
                            bill_nos=row["bill_nos"],
                        )
                        for row in pending
                    ]
                ),
            )
            return StepDone(again=True, done=self._store.mark_posted(reply.rows, call.now))
        reversing = self._store.reversing(REVERSALS_A_STEP)
        for row in reversing:
            self._ask(LedgerApi).reverse_receipt(
                call.only("ledger.post"),
                ReverseReceipt(
                    reversal_no=reversal_no(row["receipt_no"]),
                    receipt_no=row["receipt_no"],
                    reason=row["reversal_reason"],
                ),
            )
        self._store.mark_reversed([row["receipt_no"] for row in reversing])
        return StepDone(again=bool(reversing), done=len(reversing))


def reversal_no(receipt_no: str) -> str:
    """A payment is reversed once, so its reversal bears its number."""
    return f"CZ{receipt_no}"

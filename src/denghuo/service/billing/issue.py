"""Issue of bills (电费发行): due date, tier-year use, datasets and the event that the ledger follows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from denghuo.data.processing.work import Work
from denghuo.kernel.contract import Call
from denghuo.kernel.values import Money
from denghuo.service.billing.api import BILL_LINES, BILLS, BillsIssued
from denghuo.service.billing.batch import dataset_table
from denghuo.service.billing.store import BillingStore

DUE_DAYS = 20
"""Days from issue to the last day of payment without a late fee."""


@dataclass(frozen=True)
class Issued:
    run_no: int | None
    count: int


def issue_bills(work: Work, store: BillingStore, month: str, bill_nos: Sequence[str], call: Call) -> Issued:
    """Issues passed bills as one run of the month.

    All of it is one transaction: where it is undone, the dataset files that were written stay without a reference and do no harm.
    """
    if not bill_nos:
        return Issued(None, 0)
    run_no = store.cycles.next_run(month)
    today = call.today
    rows = store.bills.issue(bill_nos, run_no, today, today + timedelta(days=DUE_DAYS))
    if not rows:
        return Issued(None, 0)
    numbers = [str(row["bill_no"]) for row in rows]
    store.bills.note_use(numbers, call.now)
    shard = f"run-{run_no:04d}"
    bills = work.datasets.publish(BILLS, month, shard, dataset_table(BILLS, rows), call.now)
    lines = work.datasets.publish(
        BILL_LINES, month, shard, dataset_table(BILL_LINES, store.bills.lines(numbers)), call.now
    )
    signed = sum(row["amount_fen"] if row["kind"] == "supply" else -row["amount_fen"] for row in rows)
    store.proofs.open_run(month, run_no, today, len(rows))
    work.enqueue("billing.seal_runs", {})
    work.enqueue("billing.tell_holders", {"month": month, "run_no": run_no})
    work.emit(BillsIssued(month=month, run_no=run_no, bills=bills, lines=lines, count=len(rows), amount=Money(signed)))
    return Issued(run_no, len(rows))

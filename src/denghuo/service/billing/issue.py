"""Issue of bills (电费发行): due date, tier-year use, datasets and the event that the ledger follows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pyarrow.compute

from denghuo.data.processing.work import Work
from denghuo.kernel.contract import Call
from denghuo.kernel.values import Money
from denghuo.service.billing.api import BILL_LINES, BILLS, BillsIssued
from denghuo.service.billing.replaced import take_back_drafts
from denghuo.service.billing.store import BillingStore
from denghuo.service.billing.store.bills import Run

pc: Any = pyarrow.compute

DUE_DAYS = 20
"""Days from issue to the last day of payment without a late fee."""


@dataclass(frozen=True)
class Issued:
    run_no: int | None
    count: int


def issue_bills(work: Work, store: BillingStore, month: str, bill_nos: Sequence[str], call: Call) -> Issued:
    """Issues passed bills as one run of the month; none by prices that were corrected meanwhile.

    All of it is one transaction: where it is undone, the dataset files that were written stay without a reference and do no harm.
    """
    if not bill_nos:
        return Issued(None, 0)
    take_back_drafts(work, store, month, call)
    return _issue(work, store, Run(month, store.cycles.next_run(month), numbers=bill_nos), call)


def issue_passed(work: Work, store: BillingStore, month: str, limit: int, call: Call, org: str | None = None) -> Issued:
    """As `issue_bills`, for the next passed bills of a month or of a unit in it, at most so many."""
    take_back_drafts(work, store, month, call)
    span = store.bills.passed_span(month, limit, org)
    if span is None:
        return Issued(None, 0)
    return _issue(work, store, Run(month, store.cycles.next_run(month), span=span, org=org), call)


def _issue(work: Work, store: BillingStore, run: Run, call: Call) -> Issued:
    today = call.today
    count = store.bills.issue(run, today, today + timedelta(days=DUE_DAYS))
    if not count:
        return Issued(None, 0)
    store.year_use.note_use(run, call.now)
    shard = f"run-{run.run_no:04d}"
    issued = store.bills.issued_table(run)
    bills = work.datasets.publish(BILLS, run.month, shard, issued, call.now)
    lines = work.datasets.publish(BILL_LINES, run.month, shard, store.bills.lines_table(run), call.now)
    signed = pc.sum(
        pc.if_else(pc.equal(issued["kind"], "supply"), issued["amount_fen"], pc.negate(issued["amount_fen"]))
    )
    store.proofs.open_run(run.month, run.run_no, today, count)
    work.enqueue("billing.seal_runs", {})
    work.enqueue("billing.tell_holders", {"month": run.month, "run_no": run.run_no})
    work.enqueue("billing.sum_curves", {"month": run.month})
    work.enqueue("billing.note_estimates", {"month": run.month})
    work.emit(
        BillsIssued(
            month=run.month, run_no=run.run_no, bills=bills, lines=lines, count=count, amount=Money(signed.as_py())
        )
    )
    return Issued(run.run_no, count)

"""Accounts calculated again together (批量重算): a job for each unit and cause instead of one for each account."""

from collections.abc import Mapping

from denghuo.data.processing.work import Work
from denghuo.kernel.contract import Call
from denghuo.service.billing.api.recalculation import (
    FindRecalculations,
    RecalculationCause,
    RecalculationRow,
    RecalculationsFound,
)
from denghuo.service.billing.store import BillingStore


def order_again(
    work: Work, store: BillingStore, call: Call, month: str, cause: RecalculationCause, accounts: Mapping[str, str]
) -> None:
    """Has accounts of a month calculated again. accounts: the unit of each."""
    for org in sorted(set(accounts.values())):
        mine = sorted(account_no for account_no, one in accounts.items() if one == org)
        number = store.recalculations.order(month, org, cause, mine, call.now)
        if number is not None:
            work.enqueue("billing.advance_recalculation", {"recalculation_no": number})


def recalculations(store: BillingStore, call: Call, request: FindRecalculations) -> RecalculationsFound:
    """The recalculations of units, the newest first."""
    rows, total = store.recalculations.found(request.month, request.org, request.after_number, request.limit)
    return RecalculationsFound(
        rows=[
            RecalculationRow.model_validate({**row, "state": "done" if row["ended_at"] else "running"}) for row in rows
        ],
        total=total,
        next=str(rows[-1]["recalculation_no"]) if len(rows) == request.limit else None,
        as_of=call.now,
    )

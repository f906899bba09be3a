"""Notices of issued bills (账单通知): each holder is told once per bill; a repeat is without effect by the notice's key."""

from collections.abc import Mapping
from typing import Any

from denghuo.data.processing.work import Work
from denghuo.kernel.contract import Call
from denghuo.kernel.values import Money
from denghuo.service.billing.api import HoldersTold, TellHolders
from denghuo.service.billing.store import BillingStore
from denghuo.service.host.binding import Ask
from denghuo.service.notice.api import NewNotice, NoticeApi, Send

AT_ONCE = 1_000
TEMPLATES = {"supply": "bill_issued", "purchase": "purchase_settled"}
REVERSED, ADJUSTED = "bill_reversed", "bill_adjusted"


def tell_holders(work: Work, store: BillingStore, ask: Ask, call: Call, request: TellHolders) -> HoldersTold:
    """Sends one page of notices and orders the next page, if there is one."""
    rows = store.bills.issued(request.month, request.run_no, request.after or "", AT_ONCE)
    if rows:
        ask(NoticeApi).send(call, Send(notices=[_notice(row, request.month) for row in rows]))
    last = str(rows[-1]["bill_no"]) if len(rows) == AT_ONCE else None
    if last is not None:
        work.enqueue("billing.tell_holders", request.model_copy(update={"after": last}).model_dump())
    return HoldersTold(told=len(rows), next=last)


def _notice(row: Mapping[str, Any], month: str) -> NewNotice:
    parameters = {
        "month": month,
        "account_no": row["account_no"],
        "amount": str(Money(row["amount_fen"])),
        "bill_no": row["bill_no"],
    }
    template = TEMPLATES[row["kind"]]
    if row["reverses"] is not None:
        template = REVERSED
        parameters |= {"amount": str(Money(-row["amount_fen"])), "bill_no": row["reverses"]}
    elif row["case_no"] is not None:
        template = ADJUSTED
        del parameters["month"]
        parameters["due_on"] = row["due_on"].isoformat()
    elif row["kind"] == "supply":
        parameters["due_on"] = row["due_on"].isoformat()
    return NewNotice(
        template=template,
        account_no=row["account_no"],
        org=row["org"],
        parameters=parameters,
        key=f"bill-{row['bill_no']}",
    )

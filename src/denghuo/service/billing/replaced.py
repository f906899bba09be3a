"""Bills that were rated and not issued when their month's prices were corrected (价格更正后未发行的账单).

They are taken back and held under a reason of their own, and each account is calculated again by a job, by the corrected prices.
What was issued stays; `corrected` names it.
"""

from denghuo.data.processing.work import Work
from denghuo.kernel.contract import Call
from denghuo.kernel.period import Month
from denghuo.service.billing.review import finding
from denghuo.service.billing.store import BillingStore, Finished
from denghuo.service.tariff.api import PriceTableCorrected


def follow_prices(work: Work, store: BillingStore, call: Call, event: PriceTableCorrected) -> None:
    """A correction was published: bills of its month, and of the next in which two months are read together, are looked at."""
    store.replaced.note(event.month, [(one.code, one.version) for one in event.replaced], call.now)
    for month in (event.month, str(Month.of(event.month).next)):
        take_back_drafts(work, store, month, call)


def take_back_drafts(work: Work, store: BillingStore, month: str, call: Call) -> int:
    """Takes back the drafts of a month by replaced prices, and orders their accounts to be calculated again; how many."""
    drafts = store.replaced.drafts(month)
    if not drafts:
        return 0
    store.bills.drop([draft["bill_no"] for draft in drafts])
    store.held.hold(
        [
            Finished(
                month=month,
                account_no=draft["account_no"],
                org=draft["org"],
                kind=draft["kind"],
                tariff_class=draft["tariff_class"],
                finding=finding(
                    "prices_corrected",
                    f"账单 {draft['bill_no']} 按 {draft['tariff_code']} 第 {draft['tariff_version']} 版算费，该版价格已被更正，"
                    "未发行即收回，按更正价自动重算。",
                    f"Bill {draft['bill_no']} was rated by version {draft['tariff_version']} of {draft['tariff_code']}. Its prices"
                    " were corrected; it was taken back before its issue and is calculated again by the new ones.",
                    tariff=draft["tariff_code"],
                    version=draft["tariff_version"],
                ),
                pieces=[],
            )
            for draft in drafts
        ],
        call.now,
    )
    for account_no in sorted({draft["account_no"] for draft in drafts}):
        work.enqueue("billing.recalculate", {"account_no": account_no, "month": month})
    work.enqueue("billing.keep_tasks", {"month": month})
    return len(drafts)

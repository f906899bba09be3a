"""Bills that were rated and not issued when what they were rated by was published anew (计费依据更正后未发行的账单).

That is a month's prices, spot prices, holidays and temperatures, and the price area of a unit.

They are taken back and held under a reason of their own, and the accounts of each unit are calculated again by a job. What was
issued stays; `corrected` names it.
"""

from typing import Any

from denghuo.data.processing.work import Work
from denghuo.kernel.contract import Call
from denghuo.kernel.fields import TextPair
from denghuo.service.billing.recalculation import order_again
from denghuo.service.billing.review import finding
from denghuo.service.billing.store import BillingStore, Finished


def take_back_drafts(work: Work, store: BillingStore, month: str, call: Call) -> int:
    """Takes back the drafts of a month by what was replaced, and orders their accounts to be calculated again; how many."""
    drafts = store.replaced.drafts(month)
    if not drafts:
        return 0
    store.bills.drop([draft["bill_no"] for draft in drafts])
    store.held.hold([_taken_back(month, draft) for draft in drafts], call.now)
    for subject in sorted({draft["subject"] for draft in drafts}):
        accounts = {draft["account_no"]: draft["org"] for draft in drafts if draft["subject"] == subject}
        order_again(work, store, call, month, subject, accounts)
    work.enqueue("billing.keep_tasks", {"month": month})
    return len(drafts)


def _taken_back(month: str, draft: dict[str, Any]) -> Finished:
    what = _WHAT[draft["subject"]]
    return Finished(
        month=month,
        account_no=draft["account_no"],
        org=draft["org"],
        kind=draft["kind"],
        tariff_class=draft["tariff_class"],
        finding=finding(
            "prices_corrected",
            f"账单 {draft['bill_no']} 按 {draft['tariff_code']} 第 {draft['tariff_version']} 版算费后，{what.zh}，"
            "未发行即收回，自动重算。",
            f"Bill {draft['bill_no']} was rated by version {draft['tariff_version']} of {draft['tariff_code']}. {what.en}; it was"
            " taken back before its issue and is calculated again.",
            tariff=draft["tariff_code"],
            version=draft["tariff_version"],
        ),
        pieces=[],
    )


_WHAT = {
    "prices": TextPair(zh="该版价格已被更正", en="Its prices were corrected"),
    "spot_prices": TextPair(zh="其价格节点的现货价格已重新发布", en="The spot prices of its node were published anew"),
    "areas": TextPair(zh="其单位的价区已变更", en="The price area of its unit was changed"),
    "days": TextPair(zh="其时段所依据的节假日或气温已发布", en="The days that its hours hang on were published"),
}

"""A bill in the lists of what corrections touch, and a page of them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from denghuo.kernel.contract import Call, Page
from denghuo.kernel.fields import TextPair
from denghuo.kernel.values import Money
from denghuo.service.billing.api.corrected import CorrectedBill, CorrectedBills
from denghuo.service.billing.lines import CannotRate

Row = Mapping[str, Any]
"""A bill as it is stored, with what it was rated from."""
NOT_KEPT = TextPair(
    zh="该账单早于计费依据的留存，不能按更正后的依据重算。",
    en="The bill is older than the keeping of its terms and cannot be computed again.",
)


def page_of(rows: Sequence[CorrectedBill], sums: Mapping[str, int], request: Page, call: Call) -> CorrectedBills:
    """sums: issued, issued_fen and not_issued of all pages."""
    return CorrectedBills(
        rows=list(rows),
        issued=sums["issued"],
        issued_amount=Money(sums["issued_fen"]),
        not_issued=sums["not_issued"],
        total=sums["issued"] + sums["not_issued"],
        next=rows[-1].bill_no if len(rows) == request.limit else None,
        as_of=call.now,
    )


def corrected_bill(
    row: Row, compute: Callable[[], Money | TextPair], by: TextPair, corrected_version: int | None = None
) -> CorrectedBill:
    """A bill beside what it comes to. compute: gives that or why it cannot be told, and may raise CannotRate; by: by what it
    computes, in words."""
    amount, found = Money(row["amount_fen"]), _computed(compute) if row["rating"] is not None else NOT_KEPT
    corrected = found if isinstance(found, Money) else None
    said = _said(amount, found, by) if isinstance(found, Money) else found
    return CorrectedBill(
        **{name: row[name] for name in ("bill_no", "account_no", "month", "kind", "state", "issued_on")},
        tariff_code=row["tariff_code"],
        tariff_version=row["tariff_version"],
        corrected_version=row["tariff_version"] if corrected_version is None else corrected_version,
        amount=amount,
        corrected=corrected,
        difference=None if corrected is None else Money(corrected.fen - amount.fen),
        said=said,
    )


def _computed(compute: Callable[[], Money | TextPair]) -> Money | TextPair:
    try:
        return compute()
    except CannotRate as refusal:
        return TextPair(zh=refusal.detail["zh"], en=refusal.detail["en"])


def _said(amount: Money, corrected: Money, by: TextPair) -> TextPair:
    more = corrected.fen - amount.fen
    if more == 0:
        return TextPair(zh=f"{by.zh}重算金额不变。", en=f"By {by.en} it comes to the same amount.")
    zh, en = ("应补收", "to be charged more") if more > 0 else ("应退", "to be given back")
    return TextPair(
        zh=f"{by.zh}为 {corrected} 元，{zh} {Money(abs(more))} 元。",
        en=f"By {by.en} {corrected} yuan: {Money(abs(more))} {en}.",
    )

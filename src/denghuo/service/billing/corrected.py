"""Bills under prices that were corrected (价格更正影响): each computed again from what is kept with it, by the corrected versions.

A bill that was issued is never changed: this names what cancel-and-rebill (全减另发) or a case of back-billing would put right.
Bills that were taken back, what takes them back and adjustments are left out.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

from denghuo.kernel.contract import Call
from denghuo.kernel.fields import TextPair
from denghuo.kernel.values import Money
from denghuo.service.billing.api.corrected import CorrectedBill, CorrectedBills, FindCorrectedBills
from denghuo.service.billing.explained import computed_again
from denghuo.service.billing.find import BillingFinder
from denghuo.service.billing.lines import CannotRate
from denghuo.service.billing.proving import Prover
from denghuo.service.host.binding import Ask
from denghuo.service.tariff.api import PriceTableRef, TariffApi, TariffDocument, TariffRef

Version = tuple[str, int]
Row = Mapping[str, Any]


class PricesCorrected:
    """The corrections of a month's price table, and the bills by what they replace."""

    def __init__(self, find: BillingFinder, prover: Prover, ask: Ask, call: Call) -> None:
        self._find, self._prover, self._call = find, prover, call
        self._tariffs, self._asking = ask(TariffApi), call.only("tariff.read")
        self._tariff = cache(self._of)

    def page(self, request: FindCorrectedBills) -> CorrectedBills:
        """Raises:
        NoSuchPriceTable: there is none of the month.
        """
        by = self._corrected_by(request)
        rows, sums = self._find.billed_by(sorted(by), request.month, request.after, request.limit)
        return CorrectedBills(
            rows=[self._corrected(row, by) for row in rows],
            issued=sums["issued"],
            issued_amount=Money(sums["issued_fen"]),
            not_issued=sums["not_issued"],
            total=sums["issued"] + sums["not_issued"],
            next=rows[-1]["bill_no"] if len(rows) == request.limit else None,
            as_of=self._call.now,
        )

    def _corrected_by(self, request: FindCorrectedBills) -> dict[Version, Version]:
        """What is replaced, and the last version that replaces it: a correction may be corrected again."""
        asked = PriceTableRef(area=request.area, month=request.month, issue=request.issue)
        newest = self._tariffs.price_table(self._asking, asked)
        found: dict[Version, Version] = {}
        for issue in range(newest.head.issue, 1, -1):
            ref = asked.model_copy(update={"issue": issue})
            table = newest if issue == newest.head.issue else self._tariffs.price_table(self._asking, ref)
            for one in table.versions:
                if one.before_version is not None:
                    by = (one.code, one.version)
                    found[one.code, one.before_version] = found.get(by, by)
        return found

    def _corrected(self, row: Row, by: Mapping[Version, Version]) -> CorrectedBill:
        def tariff_of(code: str, version: int) -> TariffDocument:
            return self._tariff(by.get((code, version), (code, version)))

        billed = (row["tariff_code"], row["tariff_version"])
        amount, corrected, said = Money(row["amount_fen"]), None, _NOT_KEPT
        if row["rating"] is not None:
            try:
                corrected = computed_again(row, tariff_of).total
                said = _said(amount, corrected)
            except CannotRate as refusal:
                said = TextPair(zh=refusal.detail["zh"], en=refusal.detail["en"])
        return CorrectedBill(
            **{name: row[name] for name in ("bill_no", "account_no", "month", "kind", "state", "issued_on")},
            tariff_code=row["tariff_code"],
            tariff_version=row["tariff_version"],
            corrected_version=by.get(billed, billed)[1],
            amount=amount,
            corrected=corrected,
            difference=None if corrected is None else Money(corrected.fen - amount.fen),
            said=said,
        )

    def _of(self, version: Version) -> TariffDocument:
        asked = TariffRef(code=version[0], version=version[1])
        return self._tariffs.tariff(self._asking, asked).document


_NOT_KEPT = TextPair(
    zh="该账单早于计费依据的留存，不能按更正价重算。",
    en="The bill is older than the keeping of its terms and cannot be computed by the corrected prices.",
)


def _said(amount: Money, corrected: Money) -> TextPair:
    more = corrected.fen - amount.fen
    if more == 0:
        return TextPair(zh="按更正价重算金额不变。", en="The corrected prices come to the same amount.")
    zh, en = ("应补收", "to be charged more") if more > 0 else ("应退", "to be given back")
    return TextPair(
        zh=f"按更正价为 {corrected} 元，{zh} {Money(abs(more))} 元。",
        en=f"By the corrected prices {corrected} yuan: {Money(abs(more))} {en}.",
    )

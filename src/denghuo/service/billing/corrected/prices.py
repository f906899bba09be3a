"""Bills by a month's prices that were corrected: each computed again from what is kept with it, by the corrected versions."""

from collections.abc import Mapping
from functools import cache

from denghuo.kernel.contract import Call
from denghuo.kernel.fields import TextPair
from denghuo.service.billing.api.corrected import CorrectedBill, CorrectedBills, FindCorrectedBills
from denghuo.service.billing.corrected.shape import Row, corrected_bill, page_of
from denghuo.service.billing.explained import computed_again
from denghuo.service.billing.find import BillingFinder
from denghuo.service.billing.proving import Prover
from denghuo.service.host.binding import Ask
from denghuo.service.tariff.api import PriceTableRef, TariffApi, TariffDocument, TariffRef

Version = tuple[str, int]


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
        rows, sums = self._find.billed_by(sorted(by), [request.month], request)
        return page_of([self._corrected(row, by) for row in rows], sums, request, self._call)

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
        return corrected_bill(
            row, lambda: computed_again(row, tariff_of).total, _BY, corrected_version=by.get(billed, billed)[1]
        )

    def _of(self, version: Version) -> TariffDocument:
        asked = TariffRef(code=version[0], version=version[1])
        return self._tariffs.tariff(self._asking, asked).document


_BY = TextPair(zh="按更正价", en="the corrected prices")

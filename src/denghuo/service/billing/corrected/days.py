"""Bills by holidays or temperatures that were published since: each computed again as its account's month stands today.

Other days mean other bands of the same curve, which a bill does not keep; so the month is computed anew from its readings.
"""

from denghuo.data.processing.work import Work
from denghuo.kernel.contract import Call
from denghuo.kernel.fields import TextPair
from denghuo.kernel.period import Month
from denghuo.kernel.values import Money
from denghuo.service.billing.api import AsKnown
from denghuo.service.billing.api.corrected import CorrectedBill, CorrectedBills, FindBillsByDays
from denghuo.service.billing.corrected.shape import Row, corrected_bill, page_of
from denghuo.service.billing.cycle import tariffs_of
from denghuo.service.billing.find import BillingFinder
from denghuo.service.billing.known import as_known
from denghuo.service.billing.published import hanging
from denghuo.service.billing.store import BillingStore
from denghuo.service.billing.store.replaced import Fact
from denghuo.service.host.binding import Ask
from denghuo.service.tariff.api import DayTableRef, TariffApi, TariffDocument, TariffRef

_BY = TextPair(zh="按现有日历、示数、合同和电价", en="the days, readings, terms and prices of today")
_DRAFT = TextPair(
    zh="该日历尚未发布；发布后在此按新日历重算。",
    en="The table is not published yet; once it is, the bill is computed by it here.",
)


class DaysCorrected:
    """A table of days, and the bills rated before it whose bands hang on its days."""

    def __init__(self, work: Work, store: BillingStore, ask: Ask, call: Call) -> None:
        self._work, self._store, self._ask, self._call = work, store, ask, call
        self._find, self._asking = BillingFinder(work), call.only("tariff.read")

    def page(self, request: FindBillsByDays) -> CorrectedBills:
        """Raises:
        NoSuchDayTable: there is no such table.
        """
        asked = DayTableRef(kind=request.kind, area=request.area, period=request.period, issue=request.issue)
        table = self._ask(TariffApi).day_table(self._asking, asked)
        draft = table.head.published_at is None
        facts = {fact for month in table.months for fact in self._facts(request, month)}
        rows, sums = self._find.billed_by(sorted(facts), table.months, request, table.head.published_at)
        return page_of([self._corrected(row, draft) for row in rows], sums, request, self._call)

    def _facts(self, request: FindBillsByDays, month: str) -> list[Fact]:
        """The versions by which bills of a month were or would be rated and whose bands hang on the table."""
        following = str(Month.of(month).next)
        billed = self._find.versions([month, following])
        known = {(one.code, one.version): one for one in tariffs_of(self._ask, self._call, Month.of(month))}
        tariffs = [known.get(fact) or self._tariff(*fact) for fact in {*billed, *known}]
        return [(one.code, one.version) for one in hanging(tariffs, request.kind, request.area, month)]

    def _tariff(self, code: str, version: int) -> TariffDocument:
        return self._ask(TariffApi).tariff(self._asking, TariffRef(code=code, version=version)).document

    def _corrected(self, row: Row, draft: bool) -> CorrectedBill:
        def compute() -> Money | TextPair:
            if draft:
                return _DRAFT
            request = AsKnown(account_no=row["account_no"], month=row["month"], kind=row["kind"])
            found = as_known(self._work, self._store, self._ask, self._call, request)
            return found.said if found.amount is None else found.amount

        return corrected_bill(row, compute, _BY)

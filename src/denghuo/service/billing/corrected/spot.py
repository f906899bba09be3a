"""Bills by spot prices that were corrected: each computed again from what is kept with it, its points at the prices of now."""

from collections.abc import Mapping
from datetime import date, timedelta
from functools import cache
from typing import Any

from denghuo.kernel.contract import Call
from denghuo.kernel.fields import TextPair
from denghuo.kernel.period import SLOTS_A_DAY, Month
from denghuo.kernel.values import Money
from denghuo.service.billing.api.corrected import CorrectedBill, CorrectedBills, FindBillsBySpotPrices
from denghuo.service.billing.corrected.shape import Row, corrected_bill, page_of
from denghuo.service.billing.explained import computed_again
from denghuo.service.billing.find import BillingFinder
from denghuo.service.billing.kept import stored
from denghuo.service.billing.slots import mean_price, priced
from denghuo.service.billing.spot import DAY_AHEAD, REAL_TIME, PricesOfNode, prices_of
from denghuo.service.host.binding import Ask
from denghuo.service.tariff.api import AskSpotPrices, SpotTableRef, TariffApi, TariffDocument, TariffRef

_BY = TextPair(zh="按现行现货价格", en="the spot prices that stand now")
_BY_DRAFT = TextPair(zh="按此份现货价格", en="these spot prices")


class SpotPricesCorrected:
    """An issue of spot prices, and the bills that were rated before it by the prices of its nodes."""

    def __init__(self, find: BillingFinder, ask: Ask, call: Call) -> None:
        self._find, self._call = find, call
        self._tariffs, self._asking = ask(TariffApi), call.only("tariff.read")
        self._tariff = cache(self._of)

    def page(self, request: FindBillsBySpotPrices) -> CorrectedBills:
        """Raises:
        NoSuchSpotTable: there are no such prices.
        """
        asked = SpotTableRef(area=request.area, month=request.month, issue=request.issue)
        table = self._tariffs.spot_table(self._asking, asked)
        rows, sums = self._find.billed_by(
            [(node, 0) for node in table.nodes], [request.month], request, table.head.published_at
        )
        draft = table.head.issue if table.head.status == "draft" else None

        @cache
        def prices(node: str) -> PricesOfNode:
            of_node = AskSpotPrices(area=request.area, node=node, month=request.month, issue=draft)
            return prices_of(self._tariffs.spot_prices(self._asking, of_node))

        def corrected(row: Row) -> CorrectedBill:
            def compute() -> Money:
                return computed_again(with_prices(row, prices), self._tariff).total

            return corrected_bill(row, compute, _BY if draft is None else _BY_DRAFT)

        return page_of([corrected(row) for row in rows], sums, request, self._call)

    def _of(self, code: str, version: int) -> TariffDocument:
        return self._tariffs.tariff(self._asking, TariffRef(code=code, version=version)).document


def with_prices(row: Row, prices_at: Any) -> Row:
    """A bill with its points at other prices. prices_at: gives those of a node.

    Raises:
        CannotRate: a day has no price.
    """
    rating = dict(row["rating"])
    month = Month.of(row["month"])
    if "stages" in rating:
        return {**row, "rating": rating | {"stages": [_priced(stage, month, prices_at) for stage in stored(rating)]}}
    return {**row, "rating": _priced(rating, month, prices_at)}


def _priced(stage: Mapping[str, Any], month: Month, prices_at: Any) -> dict[str, Any]:
    market = stage.get("market") or {}
    slots = market.get("slots")
    if slots is None:
        return dict(stage)
    node = market["node"]
    prices: PricesOfNode = prices_at(node)
    first = date.fromisoformat(stage["first_day"]) if stage.get("first_day") else month.first_day
    days = [first + timedelta(days=at) for at in range(len(slots["actual_wh"]) // SLOTS_A_DAY)]
    real_time = priced(prices["real_time"], days, REAL_TIME, node)
    found = {**slots, "real_time_price_e8": real_time}
    if slots.get("day_ahead_price_e8"):
        found["day_ahead_price_e8"] = priced(prices["day_ahead"], days, DAY_AHEAD, node)
    balance = {"balance_price": str(mean_price(real_time))} if market.get("balance_price") is not None else {}
    return {**stage, "market": {**market, "slots": found, **balance}}

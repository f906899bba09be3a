"""What the market side of a bill is made of (市场结算数据), asked of the peers: curves of the meters, prices of the node.

Each meter's curve and each node's prices of a month are asked for once; many meters together, as long as one caller knows them.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from denghuo.kernel.contract import Call
from denghuo.kernel.period import SLOTS_A_DAY, Month, days_between
from denghuo.kernel.values import Price
from denghuo.service.billing.batch import Entry, Piece, Terms
from denghuo.service.billing.lines import ContractEnergy, MarketSlots
from denghuo.service.billing.slots import DayCurve, actual, mean_price, planned, priced
from denghuo.service.contract.api import ForwardEnergy, SpecialTerms
from denghuo.service.host.binding import Ask
from denghuo.service.reading.api import METERS_MAX, DayEstimates, MeterAtoms, ReadingApi
from denghuo.service.tariff.api import AskSpotPrices, SpotPrices, TariffApi, TariffDocument

ALL = 10_000
"""100 % in 0.01 %."""
_ONE_DAY = timedelta(days=1)
REAL_TIME, DAY_AHEAD = ("实时", "real-time"), ("日前", "day-ahead")
PricesOfNode = dict[str, dict[date, list[int]]]
"""Prices of a node (1e-8 yuan per kWh) by series and day."""


@dataclass(frozen=True)
class MarketFacts:
    """The points of a contract's days, the contracts behind them, and the price of what the days have beyond their points."""

    slots: MarketSlots
    contracts: list[ContractEnergy]
    balance_price: Price | None


MarketOf = Callable[[Entry, SpecialTerms, TariffDocument, date, date], MarketFacts | None]
"""The market facts of a contract from a day to a day, both included; None where its terms need none, or where nobody knows them."""


def nothing_known(entry: Entry, special: SpecialTerms, tariff: TariffDocument, first: date, last: date) -> None:
    """For who is not settled by spot prices: nothing is known of an entry's market."""
    return None


def by_points(special: SpecialTerms) -> bool:
    """Whether special terms are settled by points: spot prices are part of what they ask."""
    if special.market_node is None:
        return False
    share = special.retail_spot_share
    return special.retail_title is None or (share is not None and share.number > 0)


class Spot:
    """Gives the market facts of contracts in a month. call: the platform's own. known_at: as things were known then."""

    def __init__(self, ask: Ask, call: Call, month: Month, known_at: datetime | None = None) -> None:
        self._ask, self._call, self._month, self._known_at = ask, call, month, known_at
        self._curves: dict[str, dict[date, DayCurve]] = {}
        self._prices: dict[tuple[str, str], PricesOfNode] = {}
        self._found: dict[tuple[str, date], MarketFacts] = {}
        self.frozen = False
        """What was found of an account stands, whatever days are asked for: days to come have neither curve nor price."""

    def prepare(self, entries: Iterable[Entry], special_of: Callable[[str], SpecialTerms]) -> None:
        """Asks for the curves of all entries that are settled by points."""
        pieces = [
            piece
            for entry in entries
            if any(_by_points(terms, special_of) for terms in entry.terms)
            for piece in entry.pieces
        ]
        self._ask_curves(pieces)

    def of(
        self, entry: Entry, special: SpecialTerms, tariff: TariffDocument, first: date, last: date
    ) -> MarketFacts | None:
        """As `MarketOf`.

        Raises:
            CannotRate: a curve or a price is missing.
        """
        node = special.market_node
        if node is None or not by_points(special):
            return None
        key = (entry.account_no, first)
        if not (self.frozen and key in self._found):
            self._found[key] = self._facts(entry, special, tariff, node, days_between(first, last))
        return self._found[key]

    def until(self, pieces: Sequence[Piece], node: str, area: str, last: date) -> date | None:
        """The midnight until which prices and the curves of all meters are there, no later than one; None where there are none."""
        self._ask_curves(pieces)
        meters = {one.meter_no for one in pieces if one.quantity == "active_fwd"}
        prices = self._prices_of(area, node)["real_time"]
        day = self._month.first_day
        while day < last and day in prices and all(day in self._curves[meter] for meter in meters):
            day += _ONE_DAY
        return day if day > self._month.first_day else None

    def _facts(
        self, entry: Entry, special: SpecialTerms, tariff: TariffDocument, node: str, days: Sequence[date]
    ) -> MarketFacts:
        self._ask_curves(entry.pieces)
        apart = [part.point_no for part in special.parts]
        energy, *guessed = actual(entry.pieces, self._curves, days, tariff.rounding.quantity_places, apart)
        estimated, by_estimates = guessed
        prices = self._prices_of(tariff.area, node)
        real_time = priced(prices["real_time"], days, REAL_TIME, node)
        if special.retail_title is not None:
            slots = MarketSlots(
                actual_wh=energy, real_time_price_e8=real_time, estimated=estimated, by_estimates=by_estimates
            )
            return MarketFacts(slots, [], None)
        contracted = planned(special.forward, days)
        slots = MarketSlots(
            contract_wh=contracted,
            contract_price_e8=[0] * len(contracted),
            day_ahead_wh=planned(special.declared, days) if special.declared else contracted,
            day_ahead_price_e8=priced(prices["day_ahead"], days, DAY_AHEAD, node),
            actual_wh=energy,
            real_time_price_e8=real_time,
            estimated=estimated,
            by_estimates=by_estimates,
        )
        return MarketFacts(slots, _contracts(special.forward, days), mean_price(real_time))

    def _ask_curves(self, pieces: Iterable[Piece]) -> None:
        wanted = {one.meter_no for one in pieces if one.quantity == "active_fwd"}
        meters = sorted(wanted - self._curves.keys())
        for begin in range(0, len(meters), METERS_MAX):
            asked = meters[begin : begin + METERS_MAX]
            self._curves.update({meter: {} for meter in asked})
            request = MeterAtoms(
                month=str(self._month),
                series="active_fwd_wh",
                starts=list(range(SLOTS_A_DAY)),
                meter_nos=asked,
                known_at=self._known_at,
            )
            for row in self._ask(ReadingApi).meter_atoms(self._call, request).rows:
                highest = -1 if row.highest is None else row.highest.wh
                cells, stands_in = (
                    [one.wh for one in row.cells],
                    None if row.estimates is None else guesses(row.estimates),
                )
                self._curves[row.subject][row.day] = DayCurve(cells, row.gaps, highest, stands_in)

    def _prices_of(self, area: str, node: str) -> PricesOfNode:
        if (area, node) not in self._prices:
            request = AskSpotPrices(area=area, node=node, month=str(self._month), known_at=self._known_at)
            self._prices[area, node] = prices_of(self._ask(TariffApi).spot_prices(self._call, request))
        return self._prices[area, node]


def guesses(told: DayEstimates) -> list[int]:
    """What stands in for each point of a day in Wh, -1 where nothing does. told: of a day that was cut into its points."""
    return [one.wh if mark == "1" else -1 for one, mark in zip(told.cells, told.filled, strict=True)]


def prices_of(told: SpotPrices) -> PricesOfNode:
    """Prices of a node by series and day, in 1e-8 yuan, one a point of the day."""
    found: PricesOfNode = {"day_ahead": {}, "real_time": {}}
    for row in told.rows:
        found[row.series][row.day] = [price.e8 for price in row.prices]
    return found


def _by_points(terms: Terms, special_of: Callable[[str], SpecialTerms]) -> bool:
    return terms.settlement_mode == "market" and terms.special is not None and by_points(special_of(terms.special))


def _contracts(rows: Sequence[ForwardEnergy], days: Sequence[date]) -> list[ContractEnergy]:
    """Energy of the days by contract and price, in the order of the rows."""
    sums: dict[tuple[str, Price], int] = {}
    for row in rows:
        key = (row.document, row.price)
        sums[key] = sums.get(key, 0) + sum(planned([row], days))
    return [
        ContractEnergy(document=document, quantity_wh=wh, price=price) for (document, price), wh in sums.items() if wh
    ]

"""The agency purchase price and what is composed with it (代理购电价格), as a utility publishes them month by month.

发改办价格〔2021〕809号, from 2021-12-01: the agency price is the month's average purchase price and the deviation of earlier
months; a customer's price adds line loss, transmission, system operation and funds. With time of use only what the area lets
float is multiplied: absolute published prices rule over these compositions.
"""

from collections.abc import Sequence

from denghuo.kernel.values import Energy, Money, Percent, Price, round_half_up
from denghuo.service.tariff.api import Rounding, floated_price

PUBLISHED = Rounding(price_places=6)
"""Published tables have six decimals of yuan."""


def agency_price(average: Price, deviation: Price) -> Price:
    """Average of the month and deviation of earlier months (negative = given back)."""
    return average + deviation


def purchase_scale(priority: Energy, market: Energy) -> Energy:
    """What the utility buys for its agency customers: priority generation and market purchase."""
    return priority + market


def deviation_price(balance: Money, energy: Energy, places: int = 6) -> Price | None:
    """Gains or losses of earlier months (positive = the customers owe them) over the energy of the month; None without energy."""
    if energy.wh == 0:
        return None
    unit = 10 ** (8 - places)
    return Price(round_half_up(balance.fen * 10**9, energy.wh * unit) * unit)


def composed(
    floating: Sequence[Price], fixed: Sequence[Price], ratio: Percent | None = None, rounding: Rounding = PUBLISHED
) -> Price:
    """A customer's price: what floats, at its share of flat (None = flat), and what does not.

    The floating part is multiplied as one, as the published tables do; bill lines multiply and round component by component.
    """
    base = Price(sum(price.e8 for price in floating))
    moved = base if ratio is None else floated_price(base, ratio, rounding)
    return Price(moved.e8 + sum(price.e8 for price in fixed))


def multiplied(agency: Price, share: Percent, rounding: Rounding = PUBLISHED) -> Price:
    """The agency price of customers who pay a multiple of it (150.00 = 1.5 times)."""
    return floated_price(agency, share, rounding)

"""The market side of a month (市场化电费): settlement points and their deviations, or a retail package; green energy."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

from denghuo_verify.charges import Line, charged
from denghuo_verify.energy import BAND_ORDER, WH, Bands, NoBill
from denghuo_verify.figures import ZERO, half_up, number, rounded

REPLACED = "market_energy"
"""The component of the tariff in whose place the market's lines stand."""
E8 = Decimal("0.00000001")
PRICED = ("contract_price_e8", "day_ahead_price_e8", "real_time_price_e8")
SETTLED = ("contract_wh", "day_ahead_wh", "actual_wh")


def market_lines(market: Mapping[str, Any], bands: Bands) -> list[Line]:
    """The lines of market energy for the billed kWh of a month by band."""
    if market.get("package") is not None:
        return package_lines(market, market["package"], bands)
    if market.get("slots") is None:
        raise NoBill("没有结算点，也没有零售套餐", "there are neither settlement points nor a retail package")
    return settled_lines(market, market["slots"], sum(bands.values(), ZERO))


def green_lines(market: Mapping[str, Any]) -> list[Line]:
    """绿电环境价值: a line for each green contract."""
    lines = []
    for one in market.get("green") or []:
        kwh, price = one["quantity_wh"] * WH, number(one["price"])
        lines.append(Line("green_power", "energy", charged(price, kwh), one["document"], quantity=kwh, price=price))
    return lines


# --- settlement points ---------------------------------------------------------------------------------------------------------


def settled_lines(market: Mapping[str, Any], slots: Mapping[str, Any], kwh: Decimal) -> list[Line]:
    """The contract at its prices, what was bought a day ahead beyond the contract at those of the day ahead, what was used beyond
    that at real-time prices, point by point; and what the month has beyond its points at the month's price."""
    if len({len(slots.get(name) or []) for name in (*SETTLED, *PRICED)}) > 1:
        raise NoBill("结算点数不一致", "the settlement points are not equally many")
    contract, ahead, actual = (_times(slots.get(name) or [], WH) for name in SETTLED)
    lines = _contracts(market, sum(contract, ZERO))
    for code, energies, name in (
        *(() if market.get("contracts") else (("market_contract", contract, PRICED[0]),)),
        ("market_day_ahead", _beyond(ahead, contract), PRICED[1]),
        ("market_real_time", _beyond(actual, ahead), PRICED[2]),
    ):
        prices = _times(slots.get(name) or [], E8)
        amount = sum((energy * price for energy, price in zip(energies, prices, strict=True)), ZERO)
        quantity = sum(energies, ZERO)
        lines.append(Line(code, "energy", half_up(amount, 2), market["document"], quantity=quantity))
    balance = kwh - sum(actual, ZERO)
    if balance:
        if market.get("balance_price") is None:
            raise NoBill("缺少月度平衡价格", "there is no price for the month's balance")
        price = number(market["balance_price"])
        lines.append(
            Line("market_balance", "energy", charged(price, balance), market["document"], quantity=balance, price=price)
        )
    return lines


def _contracts(market: Mapping[str, Any], kwh: Decimal) -> list[Line]:
    """A line for each forward contract; together they are the contract energy of the points."""
    lines = []
    for one in market.get("contracts") or []:
        quantity, price = one["quantity_wh"] * WH, number(one["price"])
        lines.append(
            Line("market_contract", "energy", charged(price, quantity), one["document"], quantity=quantity, price=price)
        )
    if lines and sum((line.quantity or ZERO for line in lines), ZERO) != kwh:
        raise NoBill(
            "合约电量与各点合约电量之和不符", "the contracts do not add up to the contract energy of the points"
        )
    return lines


def _times(values: Sequence[int], unit: Decimal) -> list[Decimal]:
    return [value * unit for value in values]


def _beyond(energies: Sequence[Decimal], less: Sequence[Decimal]) -> list[Decimal]:
    return [one - other for one, other in zip(energies, less, strict=True)]


# --- retail packages -------------------------------------------------------------------------------------------------------------


def package_lines(market: Mapping[str, Any], package: Mapping[str, Any], bands: Bands) -> list[Line]:
    """零售套餐: fixed prices for a share of the energy, the spot price of its points for the rest, a fee on all of it; then the
    line that brings the month's average price to the bound that it passed."""
    kwh = sum(bands.values(), ZERO)
    fixed = number(package.get("fixed_share", "100")) / 100
    # code, band, kWh, price, share of the kWh that has this price
    asked: list[tuple[str, str | None, Decimal, Fraction, Decimal]] = []
    if fixed:
        for band, energy, price in _fixed(package, bands, kwh):
            asked.append(("retail_fixed", band, energy, Fraction(price), fixed))
    if fixed < 1:
        asked.append(("retail_spot", None, kwh, spot_price(market), 1 - fixed))
    if number(package.get("fee", "0")):
        asked.append(("retail_fee", None, kwh, Fraction(number(package["fee"])), Decimal(1)))
    lines, exact = [], Fraction(0)
    for code, band, energy, of_kwh, share in asked:
        part = Fraction(share * energy) * of_kwh
        exact += part
        shown = rounded(of_kwh, 8) if share == 1 else None
        lines.append(
            Line(code, "energy", rounded(part, 2), package["document"], quantity=energy, price=shown, band=band)
        )
    return lines + bound_lines(package, kwh, exact, lines)


def _fixed(package: Mapping[str, Any], bands: Bands, kwh: Decimal) -> list[tuple[str | None, Decimal, Decimal]]:
    prices = package.get("fixed") or {}
    if set(prices) == {"total"}:
        return [(None, kwh, number(prices["total"]))]
    used = {band: bands[band] for band in sorted(bands, key=BAND_ORDER.index) if bands[band]}
    if used.keys() - prices.keys():
        raise NoBill("套餐缺少某时段的价格", "the package has no price for a band")
    return [(None if band == "total" else band, energy, number(prices[band])) for band, energy in used.items()]


def spot_price(market: Mapping[str, Any]) -> Fraction:
    """The average of the real-time prices, weighted by the energy of the points; their mean where none had energy."""
    slots = market.get("slots") or {"actual_wh": [], "real_time_price_e8": []}
    energies, prices = slots["actual_wh"], slots["real_time_price_e8"]
    if len(energies) != len(prices) or not energies:
        raise NoBill("缺少结算点的电量与电价", "the energy and price of the settlement points are missing")
    if not sum(energies):
        return Fraction(sum(prices), len(prices)) * Fraction(E8)
    weighted = sum(energy * price for energy, price in zip(energies, prices, strict=True))
    return Fraction(weighted, sum(energies)) * Fraction(E8)


def bound_lines(package: Mapping[str, Any], kwh: Decimal, exact: Fraction, lines: Sequence[Line]) -> list[Line]:
    """The difference between the lines and the energy at the cap or at the floor; none within the bounds."""
    cap, floor = (None if package.get(name) is None else number(package[name]) for name in ("cap", "floor"))
    if not kwh:
        return []
    if cap is not None and exact > Fraction(cap * kwh):
        bound = cap
    elif floor is not None and exact < Fraction(floor * kwh):
        bound = floor
    else:
        return []
    amount = charged(bound, kwh) - sum((line.amount for line in lines), ZERO)
    return [Line("retail_bound", "energy", amount, package["document"], quantity=kwh)]

"""What few bills hold: charges that are not per kWh, free energy, the multiplied agency price, the subsidy of generation."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

from denghuo_verify.charges import HUNDRED, Line, billed_days, days_of_month, metered_demand
from denghuo_verify.energy import WH, NoBill, places_of
from denghuo_verify.figures import ZERO, half_up, number, rounded

SUBSIDY = "generation_subsidy"


def charge_lines(
    tariff: Mapping[str, Any], registers: Sequence[Mapping[str, Any]], span: tuple[date, date]
) -> list[Line]:
    """A line for each charge by month, by day, or by kW of the largest demand (固定电费、需量电费)."""
    days = (span[1] - span[0]).days + 1
    lines = []
    for one in tariff.get("charges") or []:
        price = number(one["price"])
        share, divisor = days, days_of_month(tariff, span, days)
        if one["per"] == "day":
            unit, quantity, share, divisor = "d", Decimal(days), 1, 1
        elif one["per"] == "month":
            unit, quantity = "month", Decimal(1)
        else:
            demand = metered_demand(registers, one.get("band") or "total")
            if demand is None:
                raise NoBill("没有最大需量示数", "there is no register of the largest demand")
            unit, quantity = "kW", demand
        amount = half_up(price * quantity * share / divisor, 2)
        lines.append(Line(one["code"], "basic", amount, one["document"], unit, quantity, price, one.get("band")))
    return lines


def free_energy_lines(
    tariff: Mapping[str, Any], rating: Mapping[str, Any], lines: Sequence[Line], kwh: Decimal
) -> list[Line]:
    """Energy that entitled households have free, as a negative line at the average price of the lowest tier (免费电量)."""
    free = tariff.get("free_energy")
    if free is None or not rating.get("free_months"):
        return []
    given = min(number(free["per_month"]) * rating["free_months"], kwh)
    if not given:
        return []
    price = Fraction(0)
    for code in dict.fromkeys(line.code for line in lines):
        priced = [
            (line.tier or 0, line.price or ZERO, line.quantity) for line in lines if line.code == code and line.quantity
        ]
        lowest = min((tier for tier, _, _ in priced), default=0)
        if lowest > 1 and sum(quantity for _, _, quantity in priced) < kwh:
            continue  # a surcharge on higher tiers only
        of_tier = [(one, quantity) for tier, one, quantity in priced if tier == lowest]
        if of_tier:
            price += Fraction(sum(one * quantity for one, quantity in of_tier)) / Fraction(
                sum(quantity for _, quantity in of_tier)
            )
    amount = rounded(price * Fraction(given), 2)
    return [Line("free_energy", "adjustment", -amount, free["document"], quantity=given, price=rounded(price, 8))]


def with_agency_multiple(
    component: Mapping[str, Any], tariff: Mapping[str, Any], rating: Mapping[str, Any]
) -> Mapping[str, Any]:
    """The component for a customer who pays a multiple of the agency price: its prices times the share, before they float."""
    case = rating.get("agency_case")
    if case is None:
        return component
    rule = tariff.get("agency_multiple")
    if rule is None or case not in rule["cases"]:
        raise NoBill("电价没有该情形的代理购电加价", "the tariff has no multiple of the agency price for this case")
    if component["code"] not in rule.get("components", ["agency_energy"]):
        return component
    share = number(rule.get("share", "150"))
    places = (tariff.get("rounding") or {}).get("price_places", 8)
    prices = [
        {**row, "price": f"{half_up(number(row['price']) * share / HUNDRED, places):f}"} for row in component["prices"]
    ]
    return {**component, "prices": prices}


def subsidised(tariff: Mapping[str, Any], rating: Mapping[str, Any], exported: Decimal) -> Decimal:
    """kWh of the month that are subsidised: within the years from connection and the hours of the plant's life."""
    rule, plant = tariff["subsidy"], rating.get("generation")
    if plant is None:
        raise NoBill("缺少发电量、装机容量与并网日期", "generation, capacity and day of connection are missing")
    places = places_of(tariff)
    on_export = rule.get("on", "generation") == "export"
    kwh = half_up(exported if on_export else plant["generated_wh"] * WH, places)
    if rule.get("years") is not None:
        end = _years_after(date.fromisoformat(plant["connected_on"]), rule["years"])
        first, last = billed_days(rating)
        billed = (last - first).days + 1
        days = min(max((end - first).days, 0), billed)
        if days < billed:
            kwh = half_up(half_up(kwh * days / billed, 3), places)
    if rule.get("hours") is not None:
        left = max(plant["capacity_w"] * rule["hours"] - plant.get("subsidised_before_wh", 0), 0) * WH
        kwh = min(kwh, left)
    return kwh


def _years_after(day: date, years: int) -> date:
    """The same day so many years on; 29 February becomes 1 March."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return date(day.year + years, 3, 1)

"""From energy to lines: prices, the basic charge, the power factor (电费明细). One function for each rule."""

import calendar
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from denghuo_verify.capacity import installed, terms, without_equal_neighbours
from denghuo_verify.energy import BAND_ORDER, WH, Cells, NoBill, by_meter, places_of, seasons_of
from denghuo_verify.figures import ZERO, half_up, number

HUNDRED = Decimal(100)
CALENDAR_DAYS_FROM = date(2024, 6, 1)
FREE_SHARE_FROM = date(2016, 7, 1)


@dataclass(frozen=True)
class Line:
    """A line as it must stand on the bill: kWh, kW, kVA or percent; yuan."""

    code: str
    group: str
    amount: Decimal
    document_no: str
    unit: str = "kWh"
    quantity: Decimal | None = None
    price: Decimal | None = None
    band: str | None = None
    tier: int | None = None
    illustrative: bool = False


def charged(price: Decimal, quantity: Decimal) -> Decimal:
    """Price times quantity, rounded to the fen by itself."""
    return half_up(price * quantity, 2)


# --- energy ---------------------------------------------------------------------------------------------


def component_lines(
    component: Mapping[str, Any], tariff: Mapping[str, Any], voltage: str, month: int, cells: Cells, in_tiers: bool
) -> list[Line]:
    """The lines of one part of the price per kWh: one for each tier and band that it distinguishes."""
    rows = at_voltage(component["prices"], voltage)
    if not rows:
        raise _no_price(component["code"], voltage)
    tiered = in_tiers and any(row.get("tier") is not None for row in rows)
    floats = bool(component.get("floats"))
    banded = bool(tariff.get("seasons")) and (floats or any(row.get("band") is not None for row in rows))
    lines = []
    for (tier, band), kwh in _collapsed(cells, tiered, banded).items():
        found = price_of(component, rows, tariff, month, band, tier)
        if found is None:
            continue
        price, row = found
        lines.append(
            Line(
                component["code"],
                component.get("group", "energy"),
                charged(price, kwh),
                row.get("document") or component["document"],
                quantity=kwh,
                price=price,
                band=None if band == "total" else band,
                tier=tier,
                illustrative=bool(row.get("illustrative")),
            )
        )
    return lines


def _collapsed(cells: Cells, tiered: bool, banded: bool) -> dict[tuple[int | None, str | None], Decimal]:
    summed: dict[tuple[int | None, str | None], Decimal] = {}
    for (tier, band), kwh in cells.items():
        key = (tier if tiered else None, band if banded else None)
        summed[key] = summed.get(key, ZERO) + kwh
    # No use at all is one line of zero.
    kept = {key: kwh for key, kwh in summed.items() if kwh} or dict([next(iter(summed.items()))])
    return dict(sorted(kept.items(), key=lambda one: (one[0][0] or 0, BAND_ORDER.index(one[0][1]))))


def at_voltage(prices: Iterable[Mapping[str, Any]], voltage: str) -> list[Mapping[str, Any]]:
    """Prices that name the voltage; where none does, those that name no voltage."""
    rows = list(prices)
    return [row for row in rows if voltage in row.get("voltages", [])] or [
        row for row in rows if not row.get("voltages")
    ]


def price_of(
    component: Mapping[str, Any],
    rows: Sequence[Mapping[str, Any]],
    tariff: Mapping[str, Any],
    month: int,
    band: str | None,
    tier: int | None,
) -> tuple[Decimal, Mapping[str, Any]] | None:
    """A price and the row that gives it: that of the band, else the plain one with the share of the band; a price of the tier
    before one for all tiers. None where a surcharge on some tiers has none for this one."""
    named = None if band == "total" else band
    for in_tier in (tier, None) if tier is not None else (None,):
        fitting = [row for row in rows if row.get("tier") == in_tier]
        exact = next((row for row in fitting if row.get("band") == named), None)
        if exact is not None:
            return number(exact["price"]), exact
        plain = next((row for row in fitting if row.get("band") is None), None)
        if plain is not None:
            return floated(component, plain, tariff, month, str(named)), plain
    if component.get("some_tiers"):
        return None
    raise _no_price(component["code"], str(band))


def floated(
    component: Mapping[str, Any], plain: Mapping[str, Any], tariff: Mapping[str, Any], month: int, band: str
) -> Decimal:
    """A plain price in a band: times the band's share of flat where the component floats, rounded as the tariff says."""
    price = number(plain["price"])
    if not component.get("floats"):
        return price
    share = share_of_flat(seasons_of(tariff, month), band)
    if share is not None:
        return half_up(price * share / HUNDRED, (tariff.get("rounding") or {}).get("price_places", 8))
    if band == "flat":
        return price
    raise _no_price(component["code"], band)


def share_of_flat(seasons: Sequence[Mapping[str, Any]], band: str) -> Decimal | None:
    """Percent of the flat price, by the first season that says it; a share of another band is multiplied with that one's."""
    for season in seasons:
        for entry in season["bands"]:
            if entry["band"] != band or entry.get("ratio") is None:
                continue
            ratio, base = number(entry["ratio"]), entry.get("of", "flat")
            if base == "flat":
                return ratio
            stated = [
                number(one["ratio"])
                for other in (season, *seasons)
                for one in other["bands"]
                if one["band"] == base and one.get("of", "flat") == "flat" and one.get("ratio") is not None
            ]
            return half_up(ratio * stated[0] / HUNDRED, 2) if stated else None
    return None


def _no_price(code: str, what: str) -> NoBill:
    return NoBill(f"电价没有 {code} 在 {what} 的价格", f"the tariff gives {code} no price at {what}")


# --- the basic charge ---------------------------------------------------------------------------------------------


def basic_lines(
    basic: Mapping[str, Any],
    tariff: Mapping[str, Any],
    rating: Mapping[str, Any],
    registers: Sequence[Mapping[str, Any]],
    span: tuple[date, date],
    kwh: Decimal,
    resold: Decimal = ZERO,
) -> list[Line]:
    """基本电费: a line for each span of unchanged capacity or contract demand, and the discount.

    A central charging station pays nothing before its exemption ends: a line of zero. resold: kW that are passed on
    to others.
    """
    code, unit = f"basic_{basic['by']}", "kVA" if basic["by"] == "capacity" else "kW"
    exemption = basic.get("charging_stations")
    if rating.get("charging_station") and exemption is not None and span[0] < date.fromisoformat(exemption["until"]):
        until = date.fromisoformat(exemption["until"])
        free = Line(code, "basic", ZERO, exemption["document"], unit)
        if span[1] < until:
            return [free]
        paying = {**rating, "charging_station": False}
        return [free, *basic_lines(basic, tariff, paying, registers, (until, span[1]), kwh, resold)]
    spans = terms(rating, *span)
    if basic["by"] == "capacity":
        spans = [one for one in spans if one["capacity"] is not None]
    spans = without_equal_neighbours(spans, ["capacity"] if basic["by"] == "capacity" else ["capacity", "contract"])
    rows = at_voltage(basic["prices"], rating["voltage"])
    if not spans or not rows:
        raise NoBill("没有容量、需量或基本电价", "there is no capacity, no demand or no basic price")
    metered = None if basic["by"] == "capacity" else metered_demand(registers)
    metered = None if metered is None else max(metered - resold, ZERO)
    lines = []
    for one in spans:
        quantity = (
            one["capacity"] if basic["by"] == "capacity" else billed_demand(basic.get("demand") or {}, one, metered)
        )
        price, days = number(rows[0]["price"]), (one["last"] - one["first"]).days + 1
        lines.append(
            Line(
                code,
                "basic",
                half_up(price * quantity * days / days_of_month(tariff, span, days), 2),
                rows[0].get("document") or basic["document"],
                unit,
                quantity,
                price,
                illustrative=bool(rows[0].get("illustrative")),
            )
        )
    return [*lines, *demand_discount(basic, rating, span, lines, kwh)]


def days_of_month(tariff: Mapping[str, Any], span: tuple[date, date], days: int) -> int:
    """By how many days the monthly charge is divided: those of the month, or thirty by the older rule, which ended in May 2024;
    a whole month is whole."""
    in_month = calendar.monthrange(span[0].year, span[0].month)[1]
    basis = tariff.get("days", "dated")
    by_thirty = basis == "thirty" or (basis == "dated" and span[0] < CALENDAR_DAYS_FROM)
    return 30 if by_thirty and days != in_month else in_month


def metered_demand(registers: Iterable[Mapping[str, Any]], band: str = "total") -> Decimal | None:
    """The largest demand of each point, added over the points; None without a demand register."""
    largest: dict[str, Decimal] = {}
    for one in registers:
        if one["quantity"] == "demand" and one["band"] == band:
            largest[one["point_no"]] = max(largest.get(one["point_no"], ZERO), number(one["energy"]))
    return sum(largest.values(), ZERO) if largest else None


def billed_demand(rule: Mapping[str, Any], span: Mapping[str, Any], metered: Decimal | None) -> Decimal:
    """The 105 % rule (发改办价格〔2016〕1583号): up to the free share the contract demand, what lies above counts twice.

    At least the floor share of the capacity. Without a register the contract demand, without a contract demand the metered one.
    """
    contract, capacity = span["contract"], span["capacity"]
    if metered is None:
        if contract is None:
            raise NoBill("既无需量示数也无合同最大需量", "there is neither a demand register nor a contract demand")
        return Decimal(contract)
    billed = metered
    if contract is not None:
        free = half_up(contract * number(rule.get("free_share", "105")) / HUNDRED, 3)
        if metered <= free:
            billed = contract
        else:
            above = rule.get("above", "dated")
            newer = above == "free_share" or (above == "dated" and span["first"] >= FREE_SHARE_FROM)
            start = free if newer else contract
            billed = start + rule.get("excess_times", 2) * (metered - start)
    if rule.get("floor_share") is not None and capacity is not None:
        billed = max(billed, half_up(capacity * number(rule["floor_share"]) / HUNDRED, 3))
    return billed


def demand_discount(
    basic: Mapping[str, Any],
    rating: Mapping[str, Any],
    span: tuple[date, date],
    lines: Sequence[Line],
    kwh: Decimal,
) -> list[Line]:
    """A part of the charge is taken off where the month's kWh per kVA of the contract, over all points of the customer, reach the
    threshold."""
    discount = basic.get("discount")
    stated = [
        one.get("capacity_va") or 0
        for one in rating.get("spans") or []
        if date.fromisoformat(one["first_day"]) <= span[1] and date.fromisoformat(one["last_day"]) >= span[0]
    ]
    capacity = max(stated, default=0) * WH
    if not capacity and rating.get("transformers"):
        capacity = installed(rating["transformers"], *span) * WH
    if rating.get("customer_capacity_va") is not None:
        capacity = rating["customer_capacity_va"] * WH
    if rating.get("customer_energy_wh") is not None:
        kwh = rating["customer_energy_wh"] * WH
    if discount is None or not capacity or kwh < number(discount["energy_per_kva"]) * capacity:
        return []
    total = sum((line.amount for line in lines), ZERO)
    off = half_up(total * (HUNDRED - number(discount["price_share"])) / HUNDRED, 2)
    return [Line("basic_discount", "basic", -off, discount["document"], unit="%")]


# --- power factor ---------------------------------------------------------------------------------------------


def power_factor_lines(
    rule: Mapping[str, Any],
    tariff: Mapping[str, Any],
    rating: Mapping[str, Any],
    registers: Sequence[Mapping[str, Any]],
    base: Decimal,
    lost: tuple[Decimal, Decimal],
) -> list[Line]:
    """功率因数调整电费 (水电财字〔83〕215号): a percentage of the base by table, on the energies of the registers and losses.

    None without a standard, a reactive register or energy.
    """
    standard = pf_standard(rule, rating)
    reactive = [one for one in registers if one["quantity"].startswith("reactive") and one["band"] == "total"]
    if standard is None or not reactive:
        return []
    places = places_of(tariff)
    kvarh = sum((half_up(abs(number(one["energy"])), places) for one in reactive), lost[1])
    wanted = "active_rev" if tariff.get("kind") == "purchase" else "active_fwd"
    kwh = lost[0]
    for rows in by_meter(one for one in registers if one["quantity"] == wanted):
        rounded = {one["band"]: half_up(number(one["energy"]), places) for one in rows}
        kwh += rounded.get("total", sum(rounded.values(), ZERO))
    if not kwh:
        return []
    factor = int(half_up(HUNDRED * kwh / (kwh * kwh + kvarh * kvarh).sqrt(), 0))
    if not factor:
        return []
    percent = adjustment(standard, factor)
    if rating.get("standard_lowered") or not rule.get("reward", True):
        percent = max(percent, ZERO)
    amount = half_up(base * percent / HUNDRED, 2)
    return [Line("power_factor", "power_factor", amount, rule["document"], unit="%", quantity=percent)]


def pf_standard(rule: Mapping[str, Any], rating: Mapping[str, Any]) -> int | None:
    """The contract's standard in hundredths, else that of the tariff for capacity and voltage."""
    if rating.get("standard") is not None:
        return int(rating["standard"])
    stated = max((one.get("capacity_va") or 0 for one in rating.get("spans") or []), default=0)
    if rating.get("transformers"):
        _, last = billed_days(rating)
        begin, end = month_days(last.year, last.month)
        stated = max(stated, installed(rating["transformers"], begin, end))
    capacity = stated * WH
    fitting = [
        row
        for row in rule.get("standards") or []
        if capacity >= number(row.get("capacity_from", "0"))
        and (not row.get("voltages") or rating["voltage"] in row["voltages"])
    ]
    return max(fitting, key=lambda row: number(row.get("capacity_from", "0")))["standard"] if fitting else None


def adjustment(standard: int, factor: int) -> Decimal:
    """Percent by the tables of the rule, for standard and factor in hundredths; negative is a reward.

    Below the standard 0.5 for each hundredth, from the 21st on 1, from the 26th on 2. Above it 0.1 each up to 0.90 and 0.15
    each beyond, up to 0.75, 1.1 and 1.3 for the standards 0.90, 0.85 and 0.80.
    """
    if factor < standard:
        below = standard - factor
        halves, ones, twos = min(below, 20), min(max(below - 20, 0), 5), max(below - 25, 0)
        return Decimal("0.5") * halves + ones + 2 * twos
    largest = {90: Decimal("0.75"), 85: Decimal("1.1"), 80: Decimal("1.3")}[standard]
    tenths, beyond = max(min(factor, 90) - standard, 0), max(factor - 90, 0)
    return -min(Decimal("0.1") * tenths + Decimal("0.15") * beyond, largest)


# --- days ---------------------------------------------------------------------------------------------


def billed_days(rating: Mapping[str, Any]) -> tuple[date, date]:
    """First and last day that is billed, both included; they may begin in an earlier one of the months between two readings."""
    begin, end = month_days(*year_month(rating))
    earliest = begin
    for _ in range(rating.get("reading_months", 1) - 1):
        earliest = (earliest - timedelta(days=1)).replace(day=1)
    first = max(date.fromisoformat(rating["first_day"]), earliest) if rating.get("first_day") else begin
    last = min(date.fromisoformat(rating["last_day"]), end) if rating.get("last_day") else end
    if last < first:
        raise NoBill("没有应计费的天数", "no day is to be billed")
    return first, last


def year_month(rating: Mapping[str, Any]) -> tuple[int, int]:
    """Year and month of a bill."""
    year, month = map(int, rating["month"].split("-"))
    return year, month


def month_days(year: int, month: int) -> tuple[date, date]:
    """First and last day of a month."""
    return date(year, month, 1), date(year, month, calendar.monthrange(year, month)[1])

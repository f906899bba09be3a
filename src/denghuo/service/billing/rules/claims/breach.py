"""Breach of use and theft (违约用电、窃电): what is charged again and the penalty charge on it.

供电营业规则: the 1996 text (arts. 100, 102 and 103) and the 2024 text (art. 101 and following) ask for the same amounts; the
2024 text says "not more than" three times where the 1996 text said three times, so `times` is what the contract says, at most
the number of the text. A penalty is N times the exact difference, not N times its rounded fen.

`on` is the day by which the text is chosen that a line cites; None = the text of today.
"""

from collections.abc import Sequence
from datetime import date
from fractions import Fraction

from denghuo.kernel.period import Month
from denghuo.kernel.values import Money, Percent, Price, round_half_up
from denghuo.service.billing.lines import Claim, ClaimLine, Unit
from denghuo.service.billing.rules.claims.making import (
    PricedEnergy,
    claim,
    energy_line,
    line,
    penalty_line,
    rounded,
)
from denghuo.service.billing.rules.registry import RULES, dated
from denghuo.service.billing.rules.words import milli, percent, step

CATEGORY_TIMES = 2
CAPACITY_TIMES = 3
SEALED_TIMES = 2
THEFT_TIMES = 3
CAPACITY_PRICE = Price.of("50")
SEALED_PRICE = Price.of("30")
SUPPLY_PRICE = Price.of("500")
QUOTA_PRICE = Price.of("1")
QUOTA_TIMES = 5
TOUCHED = Money(5000_00)
TOUCHED_RESIDENT = Money(500_00)
UNKNOWN_DAYS = 180
HOURS_A_DAY = {"power": 12, "lighting": 6}


def wrong_category(pieces: Sequence[PricedEnergy], times: int = CATEGORY_TIMES, *, on: date | None = None) -> Claim:
    """Energy used in a dearer category (擅自改变用电类别): each piece with the difference of its prices, then N times it all."""
    _at_most(times, CATEGORY_TIMES)
    rule = dated("breach.category", on)
    lines = [energy_line("breach", rule, one, []) for one in pieces]
    base = sum((one.exact_fen for one in pieces), Fraction(0))
    lines.append(penalty_line("breach", "breach_penalty", _PENALTY, rule, base, times, []))
    return claim(lines, sum(one.energy_wh for one in pieces))


def unauthorised_capacity(
    excess_milli: int,
    *,
    two_part_price: Price | None = None,
    first_day: date | None = None,
    last_day: date | None = None,
    days: str = "dated",
    times: int = CAPACITY_TIMES,
    unit: Unit = "kVA",
    on: date | None = None,
) -> Claim:
    """Capacity above the contract (擅自超过合同约定容量), VA or W.

    With two_part_price (a month's basic price) and the days of use, both included: the basic charge of these days and N times
    it; days "thirty" divides parts of a month by thirty, "calendar" by the days of the month, "dated" by the text in force in that
    month. Without it: 50 yuan a kVA or kW.

    Raises:
        ValueError: two-part without its days, or more times than the text allows.
    """
    _at_most(times, CAPACITY_TIMES)
    rule = dated("breach.capacity", on)
    if two_part_price is None:
        return claim([_by_power(rule, excess_milli, CAPACITY_PRICE, unit)])
    return _basic_again(rule, excess_milli, two_part_price, first_day, last_day, days, times, unit)


def sealed_equipment(
    power_milli: int,
    *,
    two_part_price: Price | None = None,
    first_day: date | None = None,
    last_day: date | None = None,
    days: str = "dated",
    unit: Unit = "kVA",
    on: date | None = None,
) -> Claim:
    """Sealed or paused equipment in use (擅自使用已封存或暂停的设备): two-part as above and twice; others 30 yuan a kVA or kW."""
    rule = dated("breach.sealed", on)
    if two_part_price is None:
        return claim([_by_power(rule, power_milli, SEALED_PRICE, unit)])
    return _basic_again(rule, power_milli, two_part_price, first_day, last_day, days, SEALED_TIMES, unit)


def unauthorised_supply(power_milli: int, unit: Unit = "kW", *, on: date | None = None) -> Claim:
    """Power brought in, passed on or connected to the grid without leave (擅自引入、供出电源或并网): 500 yuan a kW or kVA."""
    return claim([_by_power(dated("breach.supply", on), power_milli, SUPPLY_PRICE, unit)])


def over_quota(peak_power_w: int, pieces: Sequence[PricedEnergy]) -> Claim:
    """Use beyond the planned quota (超计划用电; 1996 text, to 2024-05-31): 1 yuan a kW of peak power, five times the price of the
    energy. The energy itself is on the bill."""
    rule = "breach.quota"
    base = sum((one.exact_fen for one in pieces), Fraction(0))
    lines = [
        _by_power(rule, peak_power_w, QUOTA_PRICE, "kW"),
        penalty_line("breach", "breach_penalty", _PENALTY, rule, base, QUOTA_TIMES, []),
    ]
    return claim(lines, sum(one.energy_wh for one in pieces))


def touched_metering(count: int = 1, *, resident: bool, on: date | None = None) -> Claim:
    """Metering and load devices moved, changed or used without leave: 5000 yuan a time, residents 500."""
    each = TOUCHED_RESIDENT if resident else TOUCHED
    amount = Money(each.fen * count)
    said = step("base", {"count": str(count)}, f"共 {count} 次，每次 {each} 元。", f"{count} times, {each} yuan each. ")
    return claim(
        [
            line(
                "breach",
                "breach_penalty",
                _PENALTY,
                dated("breach.metering", on),
                amount,
                f"{each} × {count} = {amount}",
                [said],
                quantity_milli=count * 1000,
                unit="time",
            )
        ]
    )


def theft_energy(power_w: int, hours_a_day: int, days: int = UNKNOWN_DAYS) -> int:
    """Wh of equipment in use: power x hours x days; without a known time 180 days of 12 h (power) or 6 h (lighting)."""
    return power_w * hours_a_day * days


def rated_power_w(phase_volts: int, rated_amperes: int, phases: int, multiplier: int = 1) -> int:
    """The power that a meter's rated current stands for (标定电流所指的容量), where the stealing equipment is not known:
    phase voltage x current x phases, times the ratio of its transformers."""
    return phase_volts * rated_amperes * phases * multiplier


def stolen_by_load(
    power_w: int,
    price: Price,
    *,
    use: str = "power",
    hours_a_day: int | None = None,
    days: int | None = None,
    on: date | None = None,
) -> PricedEnergy:
    """The energy of equipment that stole, at a price: for hours and days that are not known, what the text says for its use."""
    hours, count = HOURS_A_DAY[use] if hours_a_day is None else hours_a_day, UNKNOWN_DAYS if days is None else days
    energy = theft_energy(power_w, hours, count)
    said = step(
        "quantity",
        {"power": milli(power_w), "hours": str(hours), "days": str(count)},
        f"{milli(power_w)} 千瓦 × 每日 {hours} 小时 × {count} 天 = {milli(energy)} 千瓦时。",
        f"{milli(power_w)} kW x {hours} h a day x {count} days = {milli(energy)} kWh. ",
        dated("theft.energy", on),
    )
    return PricedEnergy(energy, price, steps=[said])


def stolen_by_share(registered_wh: int, share: Percent, price: Price) -> PricedEnergy:
    """The energy that was not registered as a share of what was (少计比例), in whole Wh, at a price."""
    energy = round_half_up(registered_wh * share.number, 10_000)
    shown = f"{milli(registered_wh)} × {percent(share.number)}% = {milli(energy)}"
    said = step(
        "quantity",
        {"registered": milli(registered_wh), "share": percent(share.number), "energy": milli(energy)},
        f"少计电量 {shown} 千瓦时。",
        f"Not registered: {shown} kWh. ",
    )
    return PricedEnergy(energy, price, steps=[said])


def theft(pieces: Sequence[PricedEnergy], times: int = THEFT_TIMES, *, on: date | None = None) -> Claim:
    """Stolen energy at its prices, and up to three times the charge (窃电)."""
    _at_most(times, THEFT_TIMES)
    rule = dated("theft.penalty", on)
    lines = [energy_line("theft", rule, one, []) for one in pieces]
    base = sum((one.exact_fen for one in pieces), Fraction(0))
    lines.append(penalty_line("theft", "theft_penalty", _PENALTY, rule, base, times, []))
    return claim(lines, sum(one.energy_wh for one in pieces))


def months_charged(first_day: date, last_day: date, days: str) -> Fraction:
    """Months between two days, both included: whole calendar months count one, parts by days of thirty or of their month; dated =
    by the text in force in each."""
    if last_day < first_day:
        raise ValueError(f"{last_day} lies before {first_day}")
    total, month = Fraction(0), Month.holding(first_day)
    while month.first_day <= last_day:
        begins = max(first_day, month.first_day)
        ends = min(last_day, month.first_day.replace(day=month.day_count))
        count = (ends - begins).days + 1
        total += (
            1 if count == month.day_count else Fraction(count, 30 if _thirtieths(days, begins) else month.day_count)
        )
        month = month.next
    return total


def _thirtieths(days: str, on: date) -> bool:
    return days == "thirty" or (days == "dated" and RULES["basic.days.1996"].holds_on(on))


_PENALTY = ("违约使用电费", "Penalty charge")


def _basic_again(
    rule: str,
    quantity_milli: int,
    price: Price,
    first_day: date | None,
    last_day: date | None,
    days: str,
    times: int,
    unit: Unit,
) -> Claim:
    if first_day is None or last_day is None:
        raise ValueError("two-part: give the first and the last day of use")
    months = months_charged(first_day, last_day, days)
    exact = months * Fraction(price.e8 * quantity_milli, 10**9)
    amount = rounded(exact)
    shown = str(months.numerator) if months.denominator == 1 else f"{months.numerator}/{months.denominator}"
    said = step(
        "days",
        {"first": first_day.isoformat(), "last": last_day.isoformat(), "months": shown},
        f"{first_day} 至 {last_day} 合 {shown} 个月。",
        f"{first_day} to {last_day} are {shown} months. ",
        " ".join(
            dict.fromkeys(
                "basic.days.1996" if _thirtieths(days, day) else "basic.days.2024" for day in (first_day, last_day)
            )
        ),
    )
    back = line(
        "breach",
        "breach_basic",
        ("补交基本电费", "Basic charge again"),
        rule,
        amount,
        f"{milli(quantity_milli)} {unit} × {price} × {shown} = {amount}",
        [said],
        quantity_milli=quantity_milli,
        unit=unit,
        price=price,
    )
    return claim([back, penalty_line("breach", "breach_penalty", _PENALTY, rule, exact, times, [])])


def _by_power(rule: str, quantity_milli: int, price: Price, unit: Unit) -> ClaimLine:
    amount = rounded(Fraction(price.e8 * quantity_milli, 10**9))
    return line(
        "breach",
        "breach_penalty",
        _PENALTY,
        rule,
        amount,
        f"{milli(quantity_milli)} {unit} × {price} = {amount}",
        [],
        quantity_milli=quantity_milli,
        unit=unit,
        price=price,
    )


def _at_most(times: int, most: int) -> None:
    if not 0 <= times <= most:
        raise ValueError(f"the text allows at most {most} times, not {times}")

"""Residents: room of the tiers for larger households and for parts of a year, and free energy (居民阶梯、多人口、免费电量)."""

from collections.abc import Iterable, Sequence
from datetime import date
from fractions import Fraction

from denghuo.kernel.period import Month
from denghuo.kernel.values import Money, Price, round_half_up
from denghuo.service.billing.lines import BillLine, RatingSubject
from denghuo.service.billing.rules.making import made
from denghuo.service.billing.rules.words import milli, step
from denghuo.service.contract.api import ENTITLEMENTS, RENEWED_AFTER_YEARS
from denghuo.service.tariff.api import FreeEnergy, HouseholdRoom, TariffDocument


def tier_months(year_from: date, opened: date, closed: date | None = None) -> int:
    """Months of the tier year that begins on `year_from` which an account counts: a part of a month is a month.

    opened, closed: first and last day of the account's use (or of its class); closed None = still in use.
    """
    begin = Month.holding(year_from)
    end = begin.year * 12 + begin.month + 11
    first = max(begin.year * 12 + begin.month, opened.year * 12 + opened.month)
    last = end if closed is None else min(end, closed.year * 12 + closed.month)
    return max(0, last - first + 1)


def household_months(month: Month, count: int, accepted: date, ended: date | None = None) -> int:
    """How many of the `count` months that end with `month` a larger household has its extra room.

    It begins in the month after acceptance and holds for two years without renewal (`ended`: last day of a renewed or
    withdrawn one).
    """
    first = Month.holding(accepted).next
    begins = first.year * 12 + first.month
    ends = begins + 12 * RENEWED_AFTER_YEARS - 1 if ended is None else ended.year * 12 + ended.month
    last = month.year * 12 + month.month
    return max(0, min(last, ends) - max(last - count + 1, begins) + 1)


def household_extra_wh(rooms: Iterable[HouseholdRoom], persons: int, months: int) -> int:
    """Additional room of tier one for a household of so many persons over so many months: that of the largest number reached."""
    reached = [room for room in rooms if persons >= room.persons_from]
    if not reached:
        return 0
    return max(reached, key=lambda room: room.persons_from).per_month.wh * months


def free_energy_line(
    tariff: TariffDocument, free: FreeEnergy, subject: RatingSubject, energy_wh: int, lines: Sequence[BillLine]
) -> BillLine | None:
    """Free energy as a negative line at the prices of the lowest tier of this bill, all components together; None without energy.

    Where bands have prices of their own, free energy has the average of the tier's bands.
    """
    months, per_month = subject.free_months, milli(free.per_month.wh)
    (entitled_zh, entitled_en), entitled = _entitled(subject)
    given = min(free.per_month.wh * months, energy_wh)
    if given == 0:
        return None
    exact = Fraction(0)
    for code in dict.fromkeys(line.code for line in lines):
        of_code = [line for line in lines if line.code == code and line.quantity_milli]
        lowest = min((line.tier or 0 for line in of_code), default=0)
        if lowest > 1 and sum(line.quantity_milli or 0 for line in of_code) < energy_wh:
            continue  # a surcharge on the energy of higher tiers only
        in_tier = [line for line in of_code if (line.tier or 0) == lowest]
        quantity = sum(line.quantity_milli or 0 for line in in_tier)
        if quantity:
            charged = sum(line.price.e8 * (line.quantity_milli or 0) for line in in_tier if line.price is not None)
            exact += Fraction(charged, quantity)
    price = Price(round_half_up(exact.numerator, exact.denominator))
    amount = -Money(round_half_up(exact.numerator * given, exact.denominator * 10**9))
    arithmetic = f"-{milli(given)} kWh × {price} = {amount}"
    steps = [
        step(
            "quantity",
            {"per_month": per_month, "months": str(months), "free": milli(given)} | entitled,
            f"{entitled_zh}免费电量每月 {per_month} 千瓦时 × {months} 个月，本次 {milli(given)} 千瓦时，依据{free.document}。",
            f"{entitled_en}Free energy: {per_month} kWh a month x {months}, here {milli(given)} kWh, {free.document}. ",
            "tier.free",
        ),
        step("charge", {"amount": str(amount)}, f"金额：{arithmetic} 元。", f"Amount: {arithmetic} yuan. "),
    ]
    title = ("免费电量", "Free energy")
    return made(
        "free_energy", title, "adjustment", tariff, None, free.document, given, "kWh", price, amount, steps, arithmetic
    )


def _entitled(subject: RatingSubject) -> tuple[tuple[str, str], dict[str, str]]:
    """As what a household is listed, and by which evidence: in words, and as values of the step."""
    if subject.free_as is None:
        return ("", ""), {}
    title = ENTITLEMENTS.entries[subject.free_as]
    words = (
        f"{title['zh']}（证件编号尾号 {subject.free_evidence}）：",
        f"{title['en']} (evidence no. ending in {subject.free_evidence}). ",
    )
    return words, {"entitled_as": subject.free_as, "evidence": subject.free_evidence}

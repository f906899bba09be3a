"""A bill as a whole: one rating, or a month in stages (分段计费); and what reverses a bill (冲销)."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from itertools import pairwise, zip_longest
from typing import Any

from denghuo_verify.charges import billed_days
from denghuo_verify.clock import Calendar, calendar_of
from denghuo_verify.energy import WH, NoBill
from denghuo_verify.extras import SUBSIDY
from denghuo_verify.figures import ZERO
from denghuo_verify.rating import Expected, rated

CHINA = timezone(timedelta(hours=8))
ONE_DAY = timedelta(days=1)
SAME = {"account_no": "", "kind": "supply", "month": ""}
"""What the head and all stages have in common, with what stands where it is not said."""
Terms = Mapping[str, Any]


def rated_bill(bill: Terms, registers: Sequence[Terms], own: Terms, further: Sequence[Terms]) -> Expected:
    """What must stand on a bill. own: its tariff; further: those of earlier stages and of parts, as `rating.tariffs` names them.

    Raises:
        NoBill: no bill follows from these terms, prices and readings.
    """
    found = rated_once(bill, registers, own, further)
    return reversal(found) if bill.get("reverses") is not None else found


def rated_once(bill: Terms, registers: Sequence[Terms], own: Terms, further: Sequence[Terms]) -> Expected:
    """The bill, or the one that it reverses."""
    rating, tariffs = bill["rating"], [own, *further]
    stages = rating.get("stages")
    if not stages:
        return rated(rating, own, registers, tariffs)
    named = by_name(bill, own, further)
    follow(rating, stages)
    found = in_order(stages, registers, named, tariffs, None)
    if any((found_tariff(named, one).get("basic") or {}).get("discount") for one in stages):
        months: dict[tuple[int, int], Decimal] = {}
        for stage, one in zip(stages, found, strict=True):
            months[ends_in(stage)] = months.get(ends_in(stage), ZERO) + one.energy
        found = in_order(stages, registers, named, tariffs, months)
    return Expected(
        sum((one.energy for one in found), ZERO),
        added(one.tiers for one in found),
        [line for one in found for line in one.lines],
    )


def by_name(bill: Terms, own: Terms, further: Sequence[Terms]) -> dict[tuple[str, int], Terms]:
    """The tariffs of a bill by code and version."""
    names = bill["rating"].get("tariffs", [])
    found = {(one["code"], one["version"]): tariff for one, tariff in zip(names, further, strict=True)}
    found[bill["tariff_code"], bill["tariff_version"]] = own
    return found


def stages_of(bill: Terms, own: Terms, further: Sequence[Terms]) -> list[tuple[date, date, Terms, Calendar | None]]:
    """First day, last day, tariff and kept days of each stage of a bill; a bill that has none is one stage.

    Raises:
        NoBill: the file has not the tariff of a stage.
    """
    stages = bill["rating"].get("stages")
    if not stages:
        return [(*billed_days(bill["rating"]), own, calendar_of(bill["rating"]))]
    named = by_name(bill, own, further)
    return [(*billed_days(one), found_tariff(named, one), calendar_of(one)) for one in stages]


def days_from(first: date, last: date) -> list[date]:
    """All days from a day to another, both included."""
    return [first + ONE_DAY * step for step in range((last - first).days + 1)]


def days_of(rating: Terms) -> tuple[date, date]:
    """First and last day of a bill, both included."""
    stages = rating.get("stages")
    return (billed_days(stages[0])[0], billed_days(stages[-1])[1]) if stages else billed_days(rating)


def follow(rating: Terms, stages: Sequence[Terms]) -> None:
    """The stages are of one account and month, each on the day after the one before."""
    for one in stages:
        if any(one.get(name, default) != rating.get(name, default) for name, default in SAME.items()):
            raise NoBill("分段与账单的户号、类别或月份不同", "a stage is of another account, kind or month")
    for one, two in pairwise(stages):
        if billed_days(one)[1] + ONE_DAY != billed_days(two)[0]:
            raise NoBill("分段不相接", "the stages do not follow each other")


def ends_in(stage: Terms) -> tuple[int, int]:
    """Year and month in which a stage ends."""
    last = billed_days(stage)[1]
    return last.year, last.month


def found_tariff(named: Mapping[tuple[str, int], Terms], stage: Terms) -> Terms:
    """The tariff of a stage."""
    key = stage["tariff_code"], stage["tariff_version"]
    if key not in named:
        raise NoBill(f"文件没有电价 {key[0]} 第 {key[1]} 版", f"the file has no tariff {key[0]} of version {key[1]}")
    return named[key]


def in_order(
    stages: Sequence[Terms],
    registers: Sequence[Terms],
    named: Mapping[tuple[str, int], Terms],
    tariffs: Sequence[Terms],
    month_kwh: Mapping[tuple[int, int], Decimal] | None,
) -> list[Expected]:
    """The stages one after the other; tiers run on. month_kwh: the energy of each month, by which a discount is decided."""
    found: list[Expected] = []
    for stage in stages:
        tariff, terms = found_tariff(named, stage), dict(stage)
        if month_kwh is not None:
            terms.setdefault("customer_energy_wh", month_kwh[ends_in(stage)] / WH)
        used = [kwh / WH for kwh in added(one.tiers for one in found)]
        if used and tariff.get("tiers") is not None:
            if tariff["tiers"]["period"] == "annual" and not terms.get("used_tiers_wh"):
                terms["used_before_wh"] = terms.get("used_before_wh", 0) + sum(used)
            else:
                terms["used_tiers_wh"] = added([[Decimal(one) for one in terms.get("used_tiers_wh") or []], used])
        if terms.get("generation"):
            # The hours of a plant's life run on.
            before = sum((line.quantity or ZERO for one in found for line in one.lines if line.code == SUBSIDY), ZERO)
            plant = terms["generation"]
            terms["generation"] = {**plant, "subsidised_before_wh": plant.get("subsidised_before_wh", 0) + before / WH}
        found.append(rated(terms, tariff, within(registers, stage), tariffs))
    return found


def added(rows: Any) -> list[Decimal]:
    """Tiers added up, the shorter ones filled with nothing."""
    return [sum(tier, ZERO) for tier in zip_longest(*rows, fillvalue=ZERO)]


def within(registers: Sequence[Terms], stage: Terms) -> list[Terms]:
    """The registers of a stage's days. Energies are cut at its midnights; a demand stands in each stage that it touches."""
    first, last = billed_days(stage)
    begin, end = midnight(first), midnight(last + ONE_DAY)
    found = touching(registers, first, last)
    for one in found:
        since, until = datetime.fromisoformat(one["from_at"]), datetime.fromisoformat(one["to_at"])
        if one["quantity"] != "demand" and (since < begin or until > end):
            raise NoBill(
                f"表 {one['meter_no']} 的示数跨越分段", f"a register of meter {one['meter_no']} is not cut at the stage"
            )
    return found


def touching(registers: Sequence[Terms], first: date, last: date) -> list[Terms]:
    """The registers of which the period touches these days."""
    begin, end = midnight(first), midnight(last + ONE_DAY)
    return [
        one
        for one in registers
        if datetime.fromisoformat(one["from_at"]) < end and datetime.fromisoformat(one["to_at"]) > begin
    ]


def midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=CHINA)


def reversal(original: Expected) -> Expected:
    """The bill that takes another one back: the same lines with opposite quantities and amounts."""
    lines = [
        replace(line, amount=-line.amount, quantity=None if line.quantity is None else -line.quantity)
        for line in original.lines
    ]
    return Expected(-original.energy, original.tiers, lines)

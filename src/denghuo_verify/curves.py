"""Bands and demands from a curve (曲线): the register says how much, the 15-minute values say when.

A register that agrees with its curve (within 0.5 %, and never less than 2 kWh) is shared over the bands: what the curve differs
from it goes to the bands by their energy. Up to 5 % of missing values are filled with what the register has beyond the curve, by
how many each band lacks, as long as none would be higher than any seen on days with gaps. Where something stands in for every value
that is missing, however many they are, they are filled by its energy in each band. A demand is the highest value of all.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any

from denghuo_verify.clock import MINUTES, SLOTS, Calendar, day_bands
from denghuo_verify.energy import WH, NoBill, by_meter, shared
from denghuo_verify.figures import ZERO, number
from denghuo_verify.stages import midnight

METHOD = "curve"
SLOT = timedelta(minutes=MINUTES)
AN_HOUR = 60 // MINUTES
SHARE, FLOOR, GAPS = Decimal("0.005"), Decimal(2), Decimal("0.05")
Register = Mapping[str, Any]
Values = list[Decimal | None]


@dataclass(frozen=True)
class Right:
    """What a register must say by the curve: its figure and, for a demand, when its quarter-hour began."""

    register: Register
    figure: Decimal
    began: datetime | None = None


class Disagrees(Exception):
    """Curve and register do not agree, so that no bands follow; says why in Chinese and English."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(en)
        self.zh, self.en = zh, en


def from_curves(
    registers: Sequence[Register],
    curves: Sequence[Mapping[str, Any]],
    tariff: Mapping[str, Any],
    days: Sequence[date],
    calendar: Calendar | None = None,
) -> Iterator[Right | tuple[Register, Disagrees | NoBill]]:
    """The figures of all registers that were taken from a curve and whose curve is given, or why none follows.

    registers, days: of a bill, or of a stage of it, which has its bands by its own days and its own tariff.
    calendar: what the bill keeps of special days.
    """
    known = {(one["meter_no"], one["quantity"]): on_days(one, days) for one in curves}
    estimated = {
        (one["meter_no"], one["quantity"]): on_days({**one, "values": one["estimated"]}, days)
        for one in curves
        if one.get("estimated")
    }
    for rows in by_meter(registers):
        taken = [one for one in rows if one["method"] == METHOD]
        for quantity in sorted({one["quantity"] for one in taken}):
            source = "active_fwd" if quantity == "demand" else quantity
            values = known.get((rows[0]["meter_no"], source))
            total = next((one for one in rows if (one["quantity"], one["band"]) == (source, "total")), None)
            if values is None or total is None:
                continue
            mine = [one for one in taken if one["quantity"] == quantity]
            try:
                yield from (
                    _demand(mine, total, values)
                    if quantity == "demand"
                    else _bands(mine, total, values, tariff, calendar, estimated.get((rows[0]["meter_no"], source)))
                )
            except (Disagrees, NoBill) as reason:
                yield mine[0], reason


def on_days(curve: Mapping[str, Any], days: Sequence[date]) -> dict[date, Values]:
    """The values of each of these days in kWh; of a day that the curve does not have, none."""
    first, values = date.fromisoformat(curve["from"]), curve["values"]
    found: dict[date, Values] = {}
    for day in days:
        at = (day - first).days * SLOTS
        of_day = [None if one is None else number(one) for one in values[at : at + SLOTS]] if at >= 0 else []
        found[day] = of_day or [None] * SLOTS
    return found


def whole_slots(total: Register, day: date) -> range:
    """The quarter-hours of a day that lie whole in the period of a register."""
    since, until = datetime.fromisoformat(total["from_at"]), datetime.fromisoformat(total["to_at"])
    start = midnight(day)
    first = max(0, -((start - since) // SLOT))
    return range(first, max(first, min(SLOTS, (until - start) // SLOT)))


def _demand(rows: Sequence[Register], total: Register, days: Mapping[date, Values]) -> Iterator[Right]:
    found = [
        (value, day, slot)
        for day, values in sorted(days.items())
        for slot in whole_slots(total, day)
        if (value := values[slot]) is not None
    ]
    if not found:
        raise Disagrees("曲线没有数值", "the curve has no value")
    highest, day, slot = max(found, key=lambda one: one[0])
    for one in rows:
        yield Right(one, highest * AN_HOUR, midnight(day) + SLOT * slot)


def _bands(
    rows: Sequence[Register],
    total: Register,
    days: Mapping[date, Values],
    tariff: Mapping[str, Any],
    calendar: Calendar | None,
    estimated: Mapping[date, Values] | None,
) -> Iterator[Right]:
    """Shares the register over the bands; every band that it comes to stands in the file, and no other."""
    energy = split(number(total["energy"]), total, days, tariff, calendar, estimated)
    stated = {one["band"]: one for one in rows}
    for band, figure in energy.items():
        yield Right(stated.get(band, {**total, "band": band, "energy": "0"}), figure)
    for band, one in stated.items():
        if band not in energy:
            yield Right(one, ZERO)


def split(
    register: Decimal,
    total: Register,
    days: Mapping[date, Values],
    tariff: Mapping[str, Any],
    calendar: Calendar | None = None,
    estimated: Mapping[date, Values] | None = None,
) -> dict[str, Decimal]:
    """kWh by band, in the order in which the bands first come on the days. estimated: what stands in for values.

    Raises:
        Disagrees: register and curve do not agree, or too much is missing.
    """
    seen: dict[str, Decimal] = {}
    received: dict[str, int] = {}
    expected: dict[str, int] = {}
    filled: dict[str, int] = {}
    given: dict[str, Decimal] = {}
    highest: Decimal | None = None
    for day, values in days.items():
        bands = day_bands(tariff, day, calendar)
        for band in bands:
            for of_band in (received, expected, filled):
                of_band.setdefault(band, 0)
            for energy in (seen, given):
                energy.setdefault(band, ZERO)
        for slot in whole_slots(total, day):
            expected[bands[slot]] += 1
        there = [value for value in values if value is not None]
        if there and len(there) < SLOTS:
            highest = max([*there, *([] if highest is None else [highest])])
        for band, value, guess in zip(bands, values, (estimated or {}).get(day, [None] * SLOTS), strict=True):
            if guess is not None:
                given[band] += guess
                filled[band] += 1
            elif value is not None:
                seen[band] += value
                received[band] += 1
    missing = {band: max(expected[band] - received[band], 0) for band in seen}
    told = any(missing.values()) and all(filled[band] >= missing[band] for band in seen)
    return shared_over(register, seen, missing, sum(expected.values()), highest, given if told else None)


def shared_over(
    register: Decimal,
    seen: dict[str, Decimal],
    missing: dict[str, int],
    expected: int,
    highest: Decimal | None,
    given: dict[str, Decimal] | None = None,
) -> dict[str, Decimal]:
    """given: what stands in for all that is missing, where something does."""
    lacking, beyond = sum(missing.values()), register - sum(seen.values(), ZERO)
    may = max((abs(register) * SHARE).quantize(WH, ROUND_FLOOR), FLOOR)
    if given is None and lacking > expected * GAPS:
        raise Disagrees(f"曲线缺 {lacking} 点，超过 5%", f"{lacking} values are missing, more than 5 %")
    if lacking:
        each = (max(beyond - may, ZERO) / lacking).quantize(WH, ROUND_CEILING)
        fits = beyond >= -may and (given is not None or each <= (-WH if highest is None else highest))
    else:
        fits = abs(beyond) <= may
    if not fits:
        raise Disagrees(
            f"示数 {register} 千瓦时与曲线相差 {beyond}，超出容许 {may}",
            f"the register has {register} kWh, {beyond} more than the curve; {may} are allowed",
        )
    bands = list(seen)
    filled = [seen[band] for band in bands]
    if lacking:
        by = given if given is not None and any(given.values()) else missing
        added = shared(max(beyond, ZERO), [Decimal(by[band]) for band in bands], WH)
        filled = [one + more for one, more in zip(filled, added, strict=True)]
    rest = register - sum(filled, ZERO)
    weights = filled if sum(filled, ZERO) > 0 else [Decimal(1)] * len(bands)
    moved = shared(abs(rest), weights, WH)
    energy = [one - more if rest < 0 else one + more for one, more in zip(filled, moved, strict=True)]
    if register < 0 or min(energy, default=ZERO) < 0:
        raise Disagrees("示数或某一时段的电量为负", "the register or a band is negative")
    return dict(zip(bands, energy, strict=True))

"""Energy to be billed: from registers to bands, from bands to tiers (计费电量)."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from denghuo_verify.figures import ZERO, half_up, number

PARENT = {"sharp": "peak", "deep": "valley"}
"""What a band counts as in a month in which the tariff does not have it."""
BAND_ORDER = (None, "total", "sharp", "peak", "flat", "valley", "deep")
"""The order of a bill's lines, and of the bands over which energy is shared."""
WH = Decimal("0.001")
Bands = dict[str, Decimal]
"""kWh by band; `total` is what has no time of use."""
Cells = dict[tuple[int, str], Decimal]


class NoBill(Exception):
    """No bill follows from what was given; says why in Chinese and English."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(en)
        self.zh, self.en = zh, en


def seasons_of(tariff: Mapping[str, Any], month: int) -> list[Mapping[str, Any]]:
    """Seasons of a month; those that state some bands only come last."""
    holding = [season for season in tariff.get("seasons") or [] if month in season.get("months", range(1, 13))]
    return sorted(holding, key=lambda season: bool(season.get("overlay")))


def bands_of(seasons: Iterable[Mapping[str, Any]]) -> set[str]:
    return {entry["band"] for season in seasons for entry in season["bands"]}


def places_of(tariff: Mapping[str, Any]) -> int:
    """Decimals to which each metered row is rounded."""
    return int((tariff.get("rounding") or {}).get("quantity_places", 0))


def unit_of(places: int) -> Decimal:
    """The unit that has so many decimals."""
    return Decimal(1).scaleb(-places)


def by_meter(registers: Iterable[Mapping[str, Any]]) -> list[list[Mapping[str, Any]]]:
    """Registers of one meter over one piece of the month, together."""
    found: dict[tuple[str, str, int], list[Mapping[str, Any]]] = {}
    for one in registers:
        found.setdefault((one["point_no"], one["meter_no"], one["piece"]), []).append(one)
    return list(found.values())


# --- bands ---------------------------------------------------------------------------------------------


def energy_by_band(registers: Sequence[Mapping[str, Any]], tariff: Mapping[str, Any], month: int) -> Bands:
    """Billed kWh by band, `total` for what is billed without time of use. Supply is forward energy, purchase reverse energy."""
    wanted = "active_rev" if tariff.get("kind") == "purchase" else "active_fwd"
    active = [one for one in registers if one["quantity"] == wanted]
    if not active:
        raise NoBill("没有可计费的有功示数", "there is no active register to bill")
    summed: Bands = {}
    for rows in by_meter(active):
        if len({one["band"] for one in rows}) < len(rows):
            raise NoBill(
                f"表 {rows[0]['meter_no']} 的同一示数出现两次", f"a register of {rows[0]['meter_no']} stands twice"
            )
        rounded = {one["band"]: half_up(number(one["energy"]), places_of(tariff)) for one in rows}
        if any(value < 0 for value in rounded.values()):
            raise NoBill(f"表 {rows[0]['meter_no']} 的电量为负", f"meter {rows[0]['meter_no']} has negative energy")
        for band, value in meter_bands(rounded, tariff, month).items():
            summed[band] = summed.get(band, ZERO) + value
    return summed or {"total": ZERO}


def meter_bands(rounded: Mapping[str, Decimal], tariff: Mapping[str, Any], month: int) -> Bands:
    """Energy of one meter by the bands of the month.

    A meter without a band that the season needs is billed without time of use. The flat band is what the total leaves over, unless
    the bands contradict the total by more than their rounding: then the bands stand.
    """
    total = rounded.get("total")
    banded = {band: value for band, value in rounded.items() if band != "total"}
    whole = total if total is not None else sum(banded.values(), ZERO)
    if not tariff.get("seasons"):
        return {"total": whole}
    seasons = seasons_of(tariff, month)
    known, needed = bands_of(seasons), bands_of(one for one in seasons if not one.get("overlay"))
    rest_band = "flat" if "flat" in needed else "peak"
    missing = needed - set(banded)
    if total is not None and banded:
        missing.discard(rest_band)
    if missing:
        return {"total": whole}
    bands: Bands = {}
    for band, value in banded.items():
        into = _counts_as(band, known, value)
        if into in known or value:
            bands[into] = bands.get(into, ZERO) + value
    if total is None:
        return bands
    rest = total - sum((value for band, value in bands.items() if band != rest_band), ZERO)
    stated = bands.get(rest_band)
    if rest < 0 or (stated is not None and abs(rest - stated) > len(banded) + 1):
        return bands
    bands[rest_band] = rest
    return bands


def without_band(bands: Bands) -> str:
    """The band that energy without bands of its own belongs to: what is billed without time of use, flat, or peak without flat."""
    return next((band for band in ("total", "flat", "peak") if band in bands), "flat")


def _counts_as(band: str, known: set[str], value: Decimal) -> str:
    while band not in known and band in PARENT:
        band = PARENT[band]
    if band not in known and value:
        return "flat" if "flat" in known else "total"
    return band


# --- tiers ---------------------------------------------------------------------------------------------


def tier_rooms(
    tiers: Mapping[str, Any],
    rating: Mapping[str, Any],
    month: int,
    places: int,
    size: Decimal = ZERO,
    counted: tuple[int, int] | None = None,
) -> list[Decimal | None]:
    """Room of each tier in kWh for this account in its tier period; the last one is open.

    Annual limits are cut to the months of the year that the account counts, monthly ones added over the months between two
    readings, others are for each kVA or kW of `size`; a larger household has additional room in the first tier. counted: months of
    the year and additional Wh, where not those of this bill.
    """
    months, extra = counted or (rating.get("tier_months", 12), rating.get("tier_extra_wh", 0))
    if tiers["period"] == "annual":
        limits = [half_up(half_up(limit * months / 12, 3), places) for limit in _limits(tiers, month)]
    elif tiers["period"] == "monthly":
        read = [(month - 1 - back) % 12 + 1 for back in range(rating.get("reading_months", 1))]
        tables = [_limits(tiers, at) for at in read]
        if len({len(table) for table in tables}) > 1:
            raise NoBill(
                "抄表周期内各月的阶梯档数不同", "the months between two readings have tables of different tiers"
            )
        limits = [sum(one, ZERO) for one in zip(*tables, strict=True)]
    else:
        limits = [half_up(limit * size, places) for limit in _limits(tiers, month)]
    rooms: list[Decimal | None] = [high - low for low, high in zip([ZERO, *limits], limits, strict=False)]
    assert rooms[0] is not None
    rooms[0] += extra * WH
    return [*rooms, None]


def energy_by_tier(
    tiers: Mapping[str, Any], rating: Mapping[str, Any], month: int, kwh: Decimal, places: int, size: Decimal = ZERO
) -> list[Decimal]:
    """The month's kWh filled in order into the room that earlier months of the tier year have left.

    A tier year that ends early is settled: all its energy is split by the months that count, less what was billed in each tier.
    """
    rooms = tier_rooms(tiers, rating, month, places, size)
    used = [value * WH for value in rating.get("used_tiers_wh") or []]
    closing = rating.get("tier_closing") if tiers["period"] == "annual" else None
    if not used:
        before = rating.get("used_before_wh", 0) * WH if tiers["period"] == "annual" else ZERO
        billed = rooms
        if closing:
            counted = closing["billed_months"], closing.get("billed_extra_wh", 0)
            billed = tier_rooms(tiers, rating, month, places, size, counted)
        used = _filled(billed, before)
    used += [ZERO] * (len(rooms) - len(used))
    if closing:
        used = [*used[: len(rooms) - 1], sum(used[len(rooms) - 1 :], ZERO)]
        return [due - had for due, had in zip(_filled(rooms, sum(used, ZERO) + kwh), used, strict=True)]
    left = [None if room is None else max(room - taken, ZERO) for room, taken in zip(rooms, used, strict=False)]
    return _filled(left, kwh)


def _limits(tiers: Mapping[str, Any], month: int) -> list[Decimal]:
    table = next((one for one in tiers["tables"] if month in one.get("months", range(1, 13))), None)
    if table is None or not table["up_to"]:
        raise NoBill(f"电价没有 {month} 月的阶梯", f"the tariff has no tiers for month {month}")
    return [number(limit) for limit in table["up_to"]]


def _filled(rooms: Sequence[Decimal | None], amount: Decimal) -> list[Decimal]:
    taken = []
    for room in rooms:
        part = amount if room is None else min(room, amount)
        taken.append(part)
        amount -= part
    return taken


def by_tier_and_band(tiers: Sequence[Decimal], bands: Bands, places: int) -> Cells:
    """kWh by tier and band: each tier takes its share of what is left of every band, in whole units."""
    left = dict(bands)
    unit = unit_of(places) if all(value % unit_of(places) == 0 for value in (*tiers, *bands.values())) else WH
    cells: Cells = {}
    for tier, kwh in enumerate(tiers, 1):
        parts = over_bands(kwh, left, unit)
        if parts and not sum(left.values(), ZERO):
            # A settled tier year moves energy between tiers where nothing was used: the first band has it.
            parts[min(parts, key=BAND_ORDER.index)] = kwh
        for band, part in parts.items():
            cells[tier, band] = part
            left[band] -= part
    return cells


def over_bands(kwh: Decimal, bands: Bands, unit: Decimal) -> Bands:
    """kWh split over bands in proportion to their energy, the bands taken in the order of a bill's lines."""
    ordered = sorted(bands, key=BAND_ORDER.index)
    return dict(zip(ordered, shared(kwh, [bands[band] for band in ordered], unit), strict=True))


def shared(total: Decimal, weights: Sequence[Decimal], unit: Decimal) -> list[Decimal]:
    """A total split by weights into whole units; the largest remainders get the units that are left, the first one first."""
    whole = sum(weights, ZERO)
    if not whole:
        return [ZERO] * len(weights)
    units = _floor(total, unit)
    parts = [_floor(units * weight, whole) for weight in weights]
    left = [units * weight - part * whole for weight, part in zip(weights, parts, strict=True)]
    order = sorted(range(len(weights)), key=lambda at: (-left[at], at))
    for at in order[: int(units - sum(parts))]:
        parts[at] += 1
    return [part * unit for part in parts]


def _floor(value: Decimal, by: Decimal) -> Decimal:
    """How many whole times a positive figure goes into another, rounded down: Decimal's own division rounds towards zero."""
    times = value // by
    return times - 1 if times * by > value else times

"""What is priced apart from the main meter: parallel meters, sub-meters, fixed quantities, fixed ratios (套表、定量、定比)."""

import calendar
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from denghuo_verify.energy import WH, Bands, NoBill, energy_by_band, over_bands, places_of, unit_of, without_band
from denghuo_verify.figures import ZERO, half_up, number

ORDER = ("parallel", "meter", "quantity", "ratio")
"""In which the parts are taken off the main meter; a parallel meter stands beside it and takes nothing off."""
KWH_FOR_A_KW = {"one_shift": 180, "two_shifts": 360, "three_shifts": 540, "farming": 270}
Registers = Sequence[Mapping[str, Any]]
Tariffs = Sequence[Mapping[str, Any]]
"""All that the file holds, the bill's own first."""


@dataclass
class PartEnergy:
    """A part with its kWh, and the tariff that it is billed by on this bill: None where it is billed elsewhere."""

    terms: Mapping[str, Any]
    bands: Bands
    tariff: Mapping[str, Any] | None

    @property
    def parallel(self) -> bool:
        return bool(self.terms["way"] == "parallel")


def in_force(tariffs: Tariffs, code: str, first: date) -> Mapping[str, Any]:
    """The tariff of a code that is in force on a day: of its versions in the file the one that begins last."""
    begun = [one for one in tariffs if one["code"] == code and date.fromisoformat(one["effective_from"]) <= first]
    if not begun:
        raise NoBill(
            f"文件没有 {first} 有效的电价 {code}", f"the file has no tariff {code} that is in force on {first}"
        )
    return max(begun, key=lambda one: str(one["effective_from"]))


def resold(parts: Sequence[PartEnergy], first: date, last: date) -> Decimal:
    """转供: kW that customers behind the meter take off its demand, by the kWh of a month that stand for one kW.

    The energy of a part of a month is brought to a whole one.
    """
    in_month, days = calendar.monthrange(first.year, first.month)[1], (last - first).days + 1
    return sum(
        (
            half_up(sum(one.bands.values(), ZERO) * in_month / (KWH_FOR_A_KW[one.terms["resale"]] * days), 3)
            for one in parts
            if one.terms.get("resale") is not None
        ),
        ZERO,
    )


def main_registers(rating: Mapping[str, Any], registers: Registers) -> Registers:
    """The registers of the main meters: those at no part's point."""
    apart = {part["point_no"] for part in rating.get("parts") or []}
    return [one for one in registers if one["point_no"] not in apart]


def taken_off(
    main: Bands,
    rating: Mapping[str, Any],
    registers: Registers,
    tariff: Mapping[str, Any],
    tariffs: Tariffs,
    first: date,
) -> list[PartEnergy]:
    """The parts in their order; what they have of the main meter is taken off `main`."""
    places = places_of(tariff)
    found = []
    for terms in sorted(rating.get("parts") or [], key=lambda one: ORDER.index(one["way"])):
        own = None if terms.get("tariff_code") is None else in_force(tariffs, terms["tariff_code"], first)
        left = sum(main.values(), ZERO)
        if terms["way"] == "quantity":
            bands = {"total": min(half_up(terms.get("quantity_wh", 0) * WH, places), left)}
        elif terms["way"] == "ratio":
            bands = {"total": half_up(left * number(terms.get("ratio", 0)) / 100, places)}
        else:
            at_point = [one for one in registers if one["point_no"] == terms["point_no"]]
            bands = energy_by_band(at_point, own or tariff, first.month)
        part = PartEnergy(terms, bands, own)
        if not part.parallel:
            for band, kwh in part_of_bands(main, part, places).items():
                if kwh:
                    main[band] -= kwh
        found.append(part)
    return found


def part_of_bands(main: Bands, part: PartEnergy, places: int) -> Bands:
    """What a part takes off each band of its main meter: band by band where the main meter has as much of each, else off the
    flat band as far as it goes and off all bands in proportion."""
    kwh = sum(part.bands.values(), ZERO)
    if kwh < 0 or kwh > sum(main.values(), ZERO):
        raise NoBill(
            f"分表 {part.terms['point_no']} 电量大于总表余量",
            f"sub-meter {part.terms['point_no']} shows more than is left on its main meter",
        )
    if all(value <= main.get(band, Decimal(-1)) for band, value in part.bands.items()):
        return dict(part.bands)
    taken = dict.fromkeys(main, ZERO)
    if part.terms.get("take_from", "flat") == "flat":
        band = without_band(main)
        taken[band] = min(main.get(band, ZERO), kwh)
    rest = kwh - sum(taken.values(), ZERO)
    left = {band: value - taken[band] for band, value in main.items()}
    unit = unit_of(places) if all(value % unit_of(places) == 0 for value in (*left.values(), rest)) else WH
    for band, value in over_bands(rest, left, unit).items():
        taken[band] += value
    return taken

"""One contract's month, rated from the beginning: what the lines of its bill must be."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from denghuo_verify.charges import (
    Line,
    basic_lines,
    billed_days,
    component_lines,
    metered_demand,
    power_factor_lines,
    year_month,
)
from denghuo_verify.energy import (
    WH,
    Bands,
    NoBill,
    by_tier_and_band,
    energy_by_band,
    energy_by_tier,
    places_of,
    without_band,
)
from denghuo_verify.extras import SUBSIDY, charge_lines, free_energy_lines, subsidised, with_agency_multiple
from denghuo_verify.figures import ZERO, half_up, number
from denghuo_verify.losses import Lost, borne, line_loss, transformer_loss
from denghuo_verify.market import REPLACED, green_lines, market_lines
from denghuo_verify.parts import PartEnergy, Tariffs, main_registers, resold, taken_off

Terms = Mapping[str, Any]

SYSTEM_OPERATION = (
    "system_operation",
    "pumped_storage",
    "coal_capacity",
    "line_loss_balance",
    "cross_subsidy_balance",
    "capacity_compensation_balance",
    "mechanism_difference",
    "power_factor_balance",
    "time_of_use_balance",
)


@dataclass(frozen=True)
class Expected:
    """What must stand on the bill: kWh, kWh by tier, lines, yuan."""

    energy: Decimal
    tiers: list[Decimal]
    lines: list[Line]

    @property
    def total(self) -> Decimal:
        return sum((line.amount for line in self.lines), ZERO)


@dataclass
class Energies:
    """The month's energies before they are priced. registers: those of the main meters, on which the power factor is taken; lost:
    what the losses add to its energies."""

    main: Bands
    parts: list[PartEnergy]
    registers: Sequence[Terms]
    lost: Lost = (ZERO, ZERO)

    @property
    def billed(self) -> Decimal:
        return sum((kwh_of(one.bands) for one in self.parts if one.tariff is not None), kwh_of(self.main))


def kwh_of(bands: Bands) -> Decimal:
    return sum(bands.values(), ZERO)


def rated(rating: Terms, tariff: Terms, registers: Sequence[Terms], tariffs: Tariffs) -> Expected:
    """The lines in the order of the bill: energy, basic charge, other charges, system operation, government funds, free energy,
    power factor.

    tariffs: those of what is priced apart from the main meter are found among them.

    Raises:
        NoBill: no bill follows from these terms, prices and readings.
    """
    first, last = billed_days(rating)
    applies(rating, tariff, first)
    one_month(rating, tariff, first, last)
    energies = measured(rating, tariff, registers, tariffs, first)
    kwh = kwh_of(energies.main)
    tiers: list[Decimal] = []
    if tariff.get("tiers") is not None:
        size = tier_size(tariff["tiers"], rating, energies.registers)
        tiers = energy_by_tier(tariff["tiers"], rating, year_month(rating)[1], kwh, places_of(tariff), size)
    energy, funds, base = priced(rating, tariff, energies.main, tiers, first)
    free = free_energy_lines(tariff, rating, [*energy, *funds], kwh)
    for part in energies.parts:
        for line in part_lines(part, rating, first):
            (funds if line.group == "fund" else energy).append(line)
    basic: list[Line] = []
    if tariff.get("basic") is not None:
        less = resold(energies.parts, first, last)
        basic = basic_lines(tariff["basic"], tariff, rating, energies.registers, (first, last), energies.billed, less)
    adjustment: list[Line] = []
    if tariff.get("power_factor") is not None:
        rule = tariff["power_factor"]
        if rule.get("with_basic_charge", True):
            base += sum((line.amount for line in basic), ZERO)
        adjustment = power_factor_lines(rule, tariff, rating, energies.registers, base, energies.lost)
    charges = charge_lines(tariff, energies.registers, (first, last))
    # The basic charge belongs to transmission and distribution, which stand before system operation.
    at = next((at for at, line in enumerate(energy) if line.code in SYSTEM_OPERATION), len(energy))
    lines = [*energy[:at], *basic, *charges, *energy[at:], *funds, *free, *adjustment]
    return Expected(energies.billed, tiers, lines)


# --- energies ------------------------------------------------------------------------------------------------------------------


def measured(rating: Terms, tariff: Terms, registers: Sequence[Terms], tariffs: Tariffs, first: date) -> Energies:
    """Main meter and parts with their losses."""
    own = main_registers(rating, registers)
    main = energy_by_band(own, tariff, first.month)
    found = Energies(main, taken_off(main, rating, registers, tariff, tariffs, first), own)
    add_losses(found, rating, registers, places_of(tariff))
    if any(value < 0 for value in main.values()):
        raise NoBill("扣减线损后电量为负", "taking off line loss leaves less than nothing")
    return found


def add_losses(found: Energies, rating: Terms, registers: Sequence[Terms], places: int) -> None:
    """Loss energy belongs to the flat band of those who bear it. A transformer's is found on all that is metered behind it; that
    of a line on what the main meter has by then. What a parallel meter bears stays out of the power factor."""
    # The reactive energy of a sub-meter is inside that of its main meter.
    inside = {one.terms["point_no"] for one in found.parts if not one.parallel}
    through = sum(
        (
            half_up(abs(number(one["energy"])), places)
            for one in registers
            if one["quantity"].startswith("reactive") and one["band"] == "total" and one["point_no"] not in inside
        ),
        ZERO,
    )
    bearers = [found.main, *(one.bands for one in found.parts)]
    beside = {at for at, one in enumerate(found.parts, 1) if one.parallel}
    behind = [kwh_of(bands) for bands in bearers]
    active, reactive = found.lost
    for terms in rating.get("losses") or []:
        lost = transformer_loss(terms, sum(behind, ZERO), through, places)
        each = terms.get("behind_each") or ([terms["behind_wh"]] if terms.get("behind_wh") else [])
        others = [one * WH for one in each]
        main = terms.get("bears_remainder", True) or not others
        if others and not any(behind) and not any(others):
            # Nobody used anything: each contract bears the same, and each meter of it.
            contracts = [ZERO] * (1 + len(others))
            kwh, kvarh = (borne(borne(one, contracts, places, main)[0], behind, places) for one in lost)
        else:
            kwh, kvarh = (borne(one, [*behind, *others], places, main) for one in lost)
        for at, bands in enumerate(bearers):
            _add(bands, kwh[at])
            if at not in beside:
                active, reactive = active + kwh[at], reactive + kvarh[at]
    for terms in rating.get("line_losses") or []:
        kwh_lost = line_loss(terms, kwh_of(found.main), places)
        _add(found.main, kwh_lost)
        active += kwh_lost
    found.lost = active, reactive


def _add(bands: Bands, kwh: Decimal) -> None:
    band = without_band(bands)
    bands[band] = bands.get(band, ZERO) + kwh


# --- prices --------------------------------------------------------------------------------------------------------------------


def priced(
    rating: Terms, tariff: Terms, bands: Bands, tiers: Sequence[Decimal], first: date
) -> tuple[list[Line], list[Line], Decimal]:
    """Energy lines and government funds of the main meter, and what of them the power factor is taken on."""
    kwh, market = kwh_of(bands), rating.get("market")
    cells = by_tier_and_band(tiers or [kwh], bands, places_of(tariff))
    energy = [] if market is None else market_lines(market, bands)
    funds: list[Line] = []
    base = sum((line.amount for line in energy), ZERO)
    for component in tariff["components"]:
        if market is not None and component["code"] == REPLACED:
            continue
        price = with_agency_multiple(component, tariff, rating)
        if component["code"] == SUBSIDY and tariff.get("subsidy") is not None:
            bounded = {(1, "total"): subsidised(tariff, rating, kwh)}
            lines = component_lines(price, tariff, rating["voltage"], first.month, bounded, False)
        else:
            lines = component_lines(price, tariff, rating["voltage"], first.month, cells, bool(tiers))
        (funds if component.get("group") == "fund" else energy).extend(lines)
        if component.get("group") != "fund" and component.get("in_power_factor_base", True):
            base += sum((line.amount for line in lines), ZERO)
    if market is not None:
        energy += green_lines(market)
    return energy, funds, base


def part_lines(part: PartEnergy, rating: Terms, first: date) -> list[Line]:
    """A part that is billed here: by its own tariff, without tiers, outside basic charge and power factor."""
    tariff = part.tariff
    if tariff is None:
        return []
    terms = {
        **rating,
        "tariff_class": part.terms.get("tariff_class") or tariff["classes"][0],
        "settlement": part.terms.get("settlement") or tariff.get("settlements", ["agency"])[0],
    }
    applies(terms, tariff, first)
    cells = by_tier_and_band([kwh_of(part.bands)], part.bands, places_of(tariff))
    return [
        line
        for component in tariff["components"]
        for line in component_lines(component, tariff, rating["voltage"], first.month, cells, False)
    ]


def tier_size(tiers: Terms, rating: Terms, registers: Sequence[Terms]) -> Decimal:
    """kVA of capacity or kW of demand that limits by capacity or demand are for; nothing where the limits are in kWh."""
    spans = rating.get("spans") or []
    if tiers["period"] == "per_kw":
        contract = max((one.get("contract_w") or 0 for one in spans), default=0) * WH
        size = metered_demand(registers) or contract
    elif tiers["period"] == "per_kva":
        capacity = max((one.get("capacity_va") or 0 for one in spans), default=0) * WH
        size = (rating.get("customer_capacity_va") or 0) * WH or capacity
    else:
        return ZERO
    if not size:
        raise NoBill(
            "按容量或需量分档，而合同没有容量或需量", "the tiers are by capacity or demand, which is not given"
        )
    return size


def one_month(rating: Terms, tariff: Terms, first: date, last: date) -> None:
    """What hangs on the month is rated month by month, also where a reading covers several."""
    by_month = tariff.get("seasons") or tariff.get("basic") is not None or tariff.get("charges")
    if (first.year, first.month) != (last.year, last.month) and (
        by_month or rating.get("losses") or rating.get("parts")
    ):
        raise NoBill(
            "跨月的账单未按月分段，而其费用按月计算", "charges of a month are not rated month by month on this bill"
        )


def applies(rating: Terms, tariff: Terms, first: date) -> None:
    """The tariff is one for this contract and in force on the first day."""
    fits = (
        rating.get("kind", "supply") == tariff.get("kind", "supply")
        and rating["tariff_class"] in tariff["classes"]
        and rating.get("settlement", "agency") in tariff.get("settlements", ["agency"])
        and rating["voltage"] in tariff["voltages"]
        and date.fromisoformat(tariff["effective_from"]) <= first
    )
    if not fits:
        raise NoBill(
            f"电价 {tariff['code']} 不适用于该合同（类别、结算方式、电压等级或生效日）",
            f"tariff {tariff['code']} is not for this contract (class, settlement, voltage or day in force)",
        )

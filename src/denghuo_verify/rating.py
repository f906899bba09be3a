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
)
from denghuo_verify.energy import WH, NoBill, by_tier_and_band, energy_by_band, energy_by_tier, places_of
from denghuo_verify.extras import SUBSIDY, charge_lines, free_energy_lines, subsidised, with_agency_multiple
from denghuo_verify.figures import ZERO, exact


@dataclass(frozen=True)
class Expected:
    """What must stand on the bill: kWh, lines, yuan."""

    energy: Decimal
    lines: list[Line]

    @property
    def total(self) -> Decimal:
        return sum((line.amount for line in self.lines), ZERO)


def rated(rating: Mapping[str, Any], tariff: Mapping[str, Any], registers: Sequence[Mapping[str, Any]]) -> Expected:
    """The lines in the order of the bill: energy, basic charge, other charges, government funds, free energy, power factor.

    Raises:
        NoBill: no bill follows from these terms, prices and readings.
    """
    with exact():
        first, last = billed_days(rating)
        applies(rating, tariff, first)
        month, places = first.month, places_of(tariff)
        bands = energy_by_band(registers, tariff, month)
        kwh = sum(bands.values(), ZERO)
        tiers = [kwh]
        if tariff.get("tiers") is not None:
            size = tier_size(tariff["tiers"], rating, registers)
            tiers = energy_by_tier(tariff["tiers"], rating, month, kwh, places, size)
        cells = by_tier_and_band(tiers, bands, places)

        energy: list[Line] = []
        funds: list[Line] = []
        base = ZERO
        for component in tariff["components"]:
            priced = with_agency_multiple(component, tariff, rating)
            if component["code"] == SUBSIDY and tariff.get("subsidy") is not None:
                bounded = {(1, "total"): subsidised(tariff, rating, first, kwh)}
                lines = component_lines(priced, tariff, rating["voltage"], month, bounded, False)
            else:
                lines = component_lines(
                    priced, tariff, rating["voltage"], month, cells, tariff.get("tiers") is not None
                )
            if component.get("group") == "fund":
                funds += lines
                continue
            energy += lines
            if component.get("in_power_factor_base", True):
                base += sum((line.amount for line in lines), ZERO)
        basic: list[Line] = []
        if tariff.get("basic") is not None:
            basic = basic_lines(tariff["basic"], tariff, rating, registers, (first, last), kwh)
        adjustment: list[Line] = []
        if tariff.get("power_factor") is not None:
            rule = tariff["power_factor"]
            if rule.get("with_basic_charge", True):
                base += sum((line.amount for line in basic), ZERO)
            adjustment = power_factor_lines(rule, tariff, rating, registers, base)
        charges = charge_lines(tariff, registers, (first, last))
        free = free_energy_lines(tariff, rating, [*energy, *funds], kwh)
        return Expected(kwh, [*energy, *basic, *charges, *funds, *free, *adjustment])


def tier_size(tiers: Mapping[str, Any], rating: Mapping[str, Any], registers: Sequence[Mapping[str, Any]]) -> Decimal:
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


def applies(rating: Mapping[str, Any], tariff: Mapping[str, Any], first: date) -> None:
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

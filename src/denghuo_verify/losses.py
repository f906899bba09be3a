"""Losses between the border of property and the meters (变损、线损): how large they are, and who bears them."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

from denghuo_verify.energy import WH, NoBill, unit_of
from denghuo_verify.figures import ZERO, half_up, number, rounded

MONTH_DAYS, DAY_HOURS, MONTH_HOURS = 30, 24, 720
Lost = tuple[Decimal, Decimal]
"""kWh and kvarh."""


def transformer_loss(terms: Mapping[str, Any], kwh: Decimal, kvarh: Decimal, places: int) -> Lost:
    """What a transformer loses in the month with this energy behind it, that of other contracts in `terms`.

    Agreed, looked up in a loss table on all energy behind it, or from its nameplate. Of a transformer that is in operation on some
    days only, the month counts by thirtieths; a stage of a month in which it runs throughout counts by the days of that month.
    """
    kwh += terms.get("behind_wh", 0) * WH
    kvarh += terms.get("behind_varh", 0) * WH
    days = terms.get("days", MONTH_DAYS)
    share = Fraction(days, terms.get("month_days") or MONTH_DAYS)
    if terms.get("active_wh") is not None:
        month = terms["active_wh"], terms.get("reactive_varh", 0)
    elif terms.get("table"):
        row = _row(terms["table"], rounded(Fraction(kwh) / share, 3))
        month = row["active_wh"], row["reactive_varh"]
    else:
        hours = Fraction(terms.get("hours", MONTH_HOURS))
        if "days" in terms:
            hours = hours * share if terms.get("month_days") else Fraction(DAY_HOURS * days)
        active, reactive = by_nameplate(terms, Fraction(kwh), Fraction(kvarh), hours)
        return rounded(active, places), rounded(reactive, places)
    return rounded(Fraction(month[0] * WH) * share, places), rounded(Fraction(month[1] * WH) * share, places)


def _row(table: Sequence[Mapping[str, Any]], kwh: Decimal) -> Mapping[str, Any]:
    for row in table:
        if row.get("up_to_wh") is None or kwh <= row["up_to_wh"] * WH:
            return row
    raise NoBill(f"变损表没有 {kwh} 千瓦时的行", f"the loss table has no row for {kwh} kWh")


def by_nameplate(
    terms: Mapping[str, Any], kwh: Fraction, kvarh: Fraction, hours: Fraction
) -> tuple[Fraction, Fraction]:
    """Active: no-load loss, and load loss by the square of the load rate, or a share of the energy in its place. Reactive:
    capacity by no-load current, and by impedance and the square of the load rate."""
    capacity = Fraction(terms.get("capacity_va", 0), 1000)
    copper = terms.get("copper_share")
    if terms.get("no_load_w") is None or (not capacity and copper is None):
        raise NoBill(
            f"变压器 {terms['transformer_no']} 没有损耗参数",
            f"transformer {terms['transformer_no']} has no figures of its loss",
        )
    square = (kwh**2 + kvarh**2) / (capacity * hours) ** 2 if capacity else Fraction(0)
    iron = Fraction(terms["no_load_w"], 1000) * hours
    if copper is None:
        active = iron + square * Fraction(terms.get("load_w", 0), 1000) * hours
    else:
        active = iron + kwh * _share(copper)
    current, impedance = _share(terms.get("no_load_current", 0)), _share(terms.get("impedance", 0))
    return active, capacity * (current + square * impedance) * hours


def _share(percent: Any) -> Fraction:
    return Fraction(number(percent)) / 100


def line_loss(terms: Mapping[str, Any], kwh: Decimal, places: int) -> Decimal:
    """kWh that a line loses of what goes through it and what is agreed; negative where it is taken off."""
    lost = terms.get("active_wh", 0) * WH
    if terms.get("share") is not None:
        lost += kwh * number(terms["share"]) / 100
    return half_up(lost, places) * (-1 if terms.get("deduct") else 1)


def borne(lost: Decimal, energies: Sequence[Decimal], places: int, main: bool = True) -> list[Decimal]:
    """A loss over those behind a transformer, the main meter first: by energy in whole units, equally where there is none.

    The main meter bears what remains; where that is another contract's, the last one does. Where so many shares round up that less
    than nothing would remain, they are rounded down.
    """
    weights = list(energies) if any(energies) else [Decimal(1)] * len(energies)
    unit, whole = unit_of(places), sum(weights, ZERO)
    bearer = 0 if main else len(weights) - 1
    exact = [Fraction(lost * weight) / Fraction(whole * unit) for weight in weights]
    parts = [rounded(one, 0) * unit for one in exact]
    if lost - sum(parts, ZERO) + parts[bearer] < 0:
        parts = [(one // 1) * unit for one in exact]
    parts[bearer] += lost - sum(parts, ZERO)
    return parts

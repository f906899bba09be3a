"""Losses between the property border and the meters (变损、线损): how much, and who bears which part.

Transformer, three ways: from the nameplate, active = (P0 + b² Pk) x hours and reactive = S (I0% + b² Uk%) x hours with the
load rate b = √(kWh² + kvarh²) / (S x hours); from a loss table, looked up on all energy behind the transformer; or agreed a
month. A part of a month counts by thirtieths: its energy is scaled to a full month, looked up, and scaled back. The stages of a
month in which the transformer runs throughout bear it by their days, so that together they bear one month. An idle transformer
still loses P0 x hours. Everything in Wh and varh, rounded once, half up, to the tariff's decimals of kWh.
"""

import csv
import importlib.resources
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache

from denghuo.kernel.problem import text
from denghuo.kernel.values import Percent, Power, round_half_up
from denghuo.service.billing.lines import CannotRate, LineLoss, LossBand, Step, TransformerLoss
from denghuo.service.billing.rules.quantities import whole_of
from denghuo.service.billing.rules.words import milli, percent, step

MONTH_DAYS = 30


@dataclass(frozen=True)
class Nameplate:
    """What a transformer's nameplate says: W, VA and shares in 0.01 %."""

    series: str
    capacity_va: int
    no_load_w: int
    load_w: int
    no_load_current: Percent
    impedance: Percent
    source: str


@dataclass(frozen=True)
class Lost:
    """Losses of a month: Wh and varh, with the steps that explain them."""

    active_wh: int
    reactive_varh: int
    steps: Sequence[Step]


@cache
def nameplates() -> Mapping[tuple[str, int], Nameplate]:
    """Published nameplates by series and VA (S9, S10, S11 of 30 to 800 kVA, some S13); what a type lacks must be entered."""
    file = importlib.resources.files("denghuo.service.billing.rules").joinpath("data", "transformers.csv")
    found = {}
    for row in csv.DictReader(io.StringIO(file.read_text("utf-8"))):
        plate = Nameplate(
            row["series"],
            int(row["kVA"]) * 1000,
            Power.of(row["P0_kW"]).w,
            Power.of(row["Pk_kW"]).w,
            Percent.of(row["I0_pct"]),
            Percent.of(row["Uk_pct"]),
            row["source"],
        )
        found[plate.series, plate.capacity_va] = plate
    return found


def powers_lost(
    no_load_w: int, load_w: int, capacity_va: int, no_load_current: Percent, impedance: Percent, square: Fraction
) -> tuple[Fraction, Fraction]:
    """Active (W) and reactive (var) power lost at a load rate, given as its square."""
    active = no_load_w + square * load_w
    reactive = Fraction(capacity_va, 10_000) * (no_load_current.number + square * impedance.number)
    return active, reactive


def load_rate_square(active_wh: int, reactive_varh: int, capacity_va: int, hours: int | Fraction) -> Fraction:
    """b²: what went through the transformer by what it could carry in these hours."""
    return Fraction(active_wh**2 + reactive_varh**2, (capacity_va * hours) ** 2)


def looked_up(table: Sequence[LossBand], energy_wh: int) -> LossBand:
    """The row of a loss table for an energy.

    Raises:
        CannotRate: the energy is beyond the table.
    """
    for row in table:
        if row.up_to_wh is None or energy_wh <= row.up_to_wh:
            return row
    raise CannotRate(
        text(f"变损表没有 {milli(energy_wh)} 千瓦时的行。", f"The loss table has no row for {milli(energy_wh)} kWh."),
        code="no_terms",
        value=milli(energy_wh),
    )


def transformer_loss(loss: TransformerLoss, active_wh: int, reactive_varh: int, places: int) -> Lost:
    """The loss of a transformer with these energies of this contract behind it (others' are in `loss`).

    Raises:
        CannotRate: the transformer is described in none of the three ways, or its table ends before the energy.
    """
    through_wh, through_varh = active_wh + loss.behind_wh, reactive_varh + loss.behind_varh
    if loss.active_wh is not None:
        active, reactive = _part(loss, loss.active_wh), _part(loss, loss.reactive_varh)
        zh, en = f"约定月损耗 {milli(loss.active_wh)} 千瓦时", f"agreed loss of a month {milli(loss.active_wh)} kWh"
        rule = _rule_of_days(loss)
    elif loss.table:
        full = through_wh if loss.days is None else round_half_up(through_wh * _month_days(loss), loss.days)
        row = looked_up(loss.table, full)
        active, reactive = _part(loss, row.active_wh), _part(loss, row.reactive_varh)
        zh = f"按变压器后全部电量 {milli(full)} 千瓦时查表得 {milli(row.active_wh)} 千瓦时"
        en = f"looked up on all {milli(full)} kWh behind it: {milli(row.active_wh)} kWh"
        rule = f"loss.table {_rule_of_days(loss) or ''}".rstrip()
    else:
        active, reactive, zh, en, rule = _by_nameplate(loss, through_wh, through_varh)
    found = Lost(
        whole_of(active.numerator, active.denominator, places),
        whole_of(reactive.numerator, reactive.denominator, places),
        [],
    )
    days_zh, days_en = (
        (f"，{loss.days}/{_month_days(loss)} 个月", f", {loss.days}/{_month_days(loss)} of a month")
        if loss.days
        else ("", "")
    )
    said = step(
        "loss",
        {
            "transformer": loss.transformer_no,
            "through": milli(through_wh),
            "active": milli(found.active_wh),
            "reactive": milli(found.reactive_varh),
        },
        f"变压器 {loss.transformer_no}：{zh}{days_zh}，变损有功 {milli(found.active_wh)} 千瓦时、"
        f"无功 {milli(found.reactive_varh)} 千乏时。",
        f"Transformer {loss.transformer_no}: {en}{days_en}; loss {milli(found.active_wh)} kWh,"
        f" {milli(found.reactive_varh)} kvarh. ",
        rule,
    )
    return Lost(found.active_wh, found.reactive_varh, [said])


def _by_nameplate(
    loss: TransformerLoss, active_wh: int, reactive_varh: int
) -> tuple[Fraction, Fraction, str, str, str]:
    if loss.no_load_w is None or (loss.capacity_va == 0 and loss.copper_share is None):
        raise CannotRate(
            text(
                f"变压器 {loss.transformer_no} 没有损耗参数。",
                f"Transformer {loss.transformer_no} has no figures for its loss.",
            ),
            code="no_terms",
            value=loss.transformer_no,
        )
    hours, hours_said = _hours(loss)
    plain = f"{milli(loss.no_load_w)} kW × {hours_said} h"
    square = load_rate_square(active_wh, reactive_varh, loss.capacity_va, hours) if loss.capacity_va else Fraction(0)
    if loss.copper_share is not None:
        _, reactive = powers_lost(0, 0, loss.capacity_va, loss.no_load_current, loss.impedance, square)
        active = Fraction(loss.no_load_w * hours) + Fraction(active_wh * loss.copper_share.number, 10_000)
        share = percent(loss.copper_share.number)
        shown = f"{plain} + {milli(active_wh)} kWh × {share}%"
        return active, reactive * hours, shown, shown, "loss.copper_share"
    watts, vars_ = powers_lost(
        loss.no_load_w, loss.load_w, loss.capacity_va, loss.no_load_current, loss.impedance, square
    )
    rate = percent(round_half_up(square.numerator * 10_000, square.denominator))
    shown = f"{plain} + {milli(loss.load_w)} kW × {hours_said} h × b² ({rate}%)"
    return watts * hours, vars_ * hours, shown, shown, "loss.formula"


def _hours(loss: TransformerLoss) -> tuple[Fraction, str]:
    """Hours of operation, and how they are said."""
    if loss.days is None:
        return Fraction(loss.hours), str(loss.hours)
    if loss.month_days is None:
        return Fraction(24 * loss.days), str(24 * loss.days)
    return Fraction(loss.hours * loss.days, loss.month_days), f"{loss.hours} × {loss.days}/{loss.month_days}"


def _part(loss: TransformerLoss, month: int) -> Fraction:
    return Fraction(month) if loss.days is None else Fraction(month * loss.days, _month_days(loss))


def _month_days(loss: TransformerLoss) -> int:
    return loss.month_days or MONTH_DAYS


def _rule_of_days(loss: TransformerLoss) -> str | None:
    if loss.days is None:
        return None
    return "loss.part_month" if loss.month_days is None else "loss.stage"


def line_loss(loss: LineLoss, energy_wh: int, places: int) -> Lost:
    """The loss of a line that this energy went through; negative where it is taken off."""
    exact = Fraction(loss.active_wh)
    shown = f"{milli(loss.active_wh)} kWh"
    if loss.share is not None:
        exact += Fraction(energy_wh * loss.share.number, 10_000)
        shown = f"{milli(energy_wh)} kWh × {percent(loss.share.number)}%"
    value = whole_of(exact.numerator, exact.denominator, places) * (-1 if loss.deduct else 1)
    verb = ("扣减", "taken off") if loss.deduct else ("加计", "added")
    said = step(
        "loss",
        {"line": loss.line_no, "active": milli(value)},
        f"线路 {loss.line_no} 线损：{shown}，{verb[0]} {milli(abs(value))} 千瓦时。",
        f"Line {loss.line_no}: {shown}, {verb[1]} {milli(abs(value))} kWh. ",
        "loss.line",
    )
    return Lost(value, 0, [said])


def shared(loss: int, energies: Sequence[int], unit: int, *, main: bool = True) -> list[int]:
    """A loss over the meters behind the transformer, the main meter first: each gets its share by energy in whole units,
    rounded half up, and the main meter the remainder (the last of them where the main meter is another contract's). Without
    any energy the shares are equal."""
    whole = sum(energies)
    weights = list(energies) if whole else [1] * len(energies)
    bearer, total = 0 if main else len(weights) - 1, (whole or len(weights)) * unit
    parts = [round_half_up(loss * weight, total) * unit for weight in weights]
    rest = loss - sum(parts) + parts[bearer]
    if rest < 0:
        # Many shares that all round up would leave the bearer less than nothing.
        parts = [loss * weight // total * unit for weight in weights]
        rest = loss - sum(parts) + parts[bearer]
    parts[bearer] = rest
    return parts


def own_shares(loss: int, own: Sequence[int], others: Sequence[int], unit: int, *, main: bool = True) -> list[int]:
    """What the meters of a contract bear of a loss that other contracts share. Where none has any energy each contract bears the
    same, and so does each meter of it."""
    if others and not any(own) and not any(others):
        bearer = [0] * (1 + len(others))
        return shared(shared(loss, bearer, unit, main=main)[0], own, unit)
    return shared(loss, [*own, *others], unit, main=main)[: len(own)]

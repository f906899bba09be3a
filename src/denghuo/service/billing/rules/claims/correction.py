"""Correction of registered energy (退补电量): how much was not registered, or too much, and why.

Each function gives a factor K = true / registered, or the energy itself; `corrected` applies K to each register. Exact fractions
until the energy is rounded, once, to whole Wh (or to `places` decimals of kWh). 供电营业规则 1996 (arts. 80 and 81)
and 2024.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import isqrt

from denghuo.kernel.values import Percent, round_half_up
from denghuo.service.billing.lines import Step
from denghuo.service.billing.rules.words import band_name, milli, percent, step
from denghuo.service.tariff.api import Band

_SQRT3 = Fraction(isqrt(3 * 10**40), 10**20)
"""To twenty decimals: a Wh of 10**15 does not move."""


@dataclass(frozen=True)
class Correction:
    """Energy to bill (positive) or to give back, by register, with its explanation and rule."""

    by_band: Mapping[Band, int]
    steps: Sequence[Step]
    rule: str

    @property
    def energy_wh(self) -> int:
        return sum(self.by_band.values())


# --- factors -----------------------------------------------------------------------------------------------------------------


def ratio_factor(actual: Fraction, billed: Fraction) -> Fraction:
    """K of a wrong multiplier: the real ratio by the one that was billed (600/5 for 300/5 is 2)."""
    return actual * Fraction(billed.denominator, billed.numerator)


def elements_factor(ratios: Sequence[Fraction], billed: Fraction) -> Fraction:
    """K of a three-phase four-wire meter whose current transformers have these ratios, negative where reversed.

    Each element registers a third of the true energy by its own ratio, so K = 3 / (billed ratio x sum of 1/ratio).

    Raises:
        ValueError: the elements cancel out, so that nothing was registered.
    """
    inverse = sum((Fraction(ratio.denominator, ratio.numerator) for ratio in ratios), Fraction(0))
    if inverse == 0:
        raise ValueError("the elements cancel out; correct by the energy of a normal month")
    return Fraction(len(ratios)) * _inverse(billed * inverse)


def errors_factor(errors: Sequence[Percent]) -> Fraction:
    """K of current transformers with errors in 0.01 %: 3 / sum of (1 + error)."""
    whole = sum((1 + Fraction(error.number, 10_000) for error in errors), Fraction(0))
    return len(errors) * _inverse(whole)


def error_factor(error: Percent) -> Fraction:
    """K of a meter with an error: registered / (1 + error) is true."""
    return _inverse(1 + Fraction(error.number, 10_000))


def drop_factor(drop: Percent, allowed: Percent) -> Fraction:
    """K of a voltage drop of the secondary circuit beyond what is allowed; 1 within the limit."""
    return 1 + Fraction(max(drop.number - allowed.number, 0), 10_000)


def phases_factor(working: int, phases: int = 3) -> Fraction:
    """K of a four-wire meter of which only `working` voltages or currents were there: 3/2 with two of three."""
    if not 0 < working <= phases:
        raise ValueError(f"{working} of {phases} phases; without any, correct by the energy of a normal month")
    return Fraction(phases, working)


def three_wire_lost_voltage(phase: str, tangent: Fraction) -> Fraction:
    """K of a three-phase three-wire meter (two elements) without the voltage of a phase; tangent = kvarh / kWh, inductive.

    A: 2√3 / (√3 + tan φ); B: 2; C: 2√3 / (√3 - tan φ).
    """
    if phase == "B":
        return Fraction(2)
    sign = {"A": 1, "C": -1}[phase]
    return 2 * _SQRT3 * _inverse(_SQRT3 + sign * tangent)


def three_wire_reversed_current(phase: str, tangent: Fraction) -> Fraction:
    """K of a three-phase three-wire meter with one current reversed: √3 / tan φ for A, -√3 / tan φ for C."""
    return {"A": 1, "C": -1}[phase] * _SQRT3 * _inverse(tangent)


def _inverse(value: Fraction) -> Fraction:
    if value == 0:
        raise ValueError("nothing was registered; correct by the energy of a normal month")
    return Fraction(value.denominator, value.numerator)


# --- corrections -------------------------------------------------------------------------------------------------------------


def corrected(registered: Mapping[Band, int], factor: Fraction, rule: str, *, places: int = 3) -> Correction:
    """(K - 1) x registered, register by register (Wh), rounded to `places` decimals of kWh. Negative energy is given back."""
    by_band: dict[Band, int] = {}
    steps = []
    for band, energy in registered.items():
        by_band[band] = _rounded((factor - 1) * energy, places)
        name = ("", "") if band == "total" else band_name(band)
        shown = f"({_shown(factor)} - 1) × {milli(energy)} = {milli(by_band[band])}"
        steps.append(
            step(
                "correction",
                {"factor": _shown(factor), "band": band, "registered": milli(energy), "energy": milli(by_band[band])},
                f"{name[0]}更正系数 {_shown(factor)}，退补电量 {shown} 千瓦时。",
                f"{name[1].capitalize()} factor {_shown(factor)}; correction {shown} kWh. ".lstrip(),
                rule,
            )
        )
    return Correction(by_band, steps, rule)


def meter_error(
    registered: Mapping[Band, int], error: Percent, *, known_since: bool = False, places: int = 3
) -> Correction:
    """A meter with an error beyond its limits, taken back to zero error: registered / (1 + error) is true.

    registered: energy since the last verification; only half the time counts, unless the beginning is known.
    """
    factor = error_factor(error)
    if known_since:
        return corrected(registered, factor, "correction.error", places=places)
    half = {band: round_half_up(energy, 2) for band, energy in registered.items()}
    found = corrected(half, factor, "correction.error", places=places)
    return Correction(found.by_band, [half_the_time(error), *found.steps], found.rule)


def half_the_time(error: Percent) -> Step:
    """Says that half the time since the last verification counts."""
    return step(
        "days",
        {"error": percent(error.number), "share": "1/2"},
        f"误差 {percent(error.number)}%，按上次校验至更正时间的二分之一计。",
        f"Error {percent(error.number)} %, over half the time since the last verification. ",
        "correction.error",
    )


def creep(minutes: int, minutes_a_turn: int, turns_a_kwh: int) -> Correction:
    """Energy that a meter registered by creep (潜动), to be given back."""
    energy = Fraction(minutes * 1000, minutes_a_turn * turns_a_kwh)
    wh = _rounded(energy, 3)
    return Correction(
        {"total": -wh},
        [
            step(
                "correction",
                {
                    "minutes": str(minutes),
                    "turn": str(minutes_a_turn),
                    "constant": str(turns_a_kwh),
                    "energy": milli(wh),
                },
                f"潜动 {minutes} 分钟，每 {minutes_a_turn} 分钟一转，常数 {turns_a_kwh} 转/千瓦时：{milli(wh)} 千瓦时。",
                f"Creep of {minutes} min, a turn in {minutes_a_turn} min, {turns_a_kwh} turns per kWh: {milli(wh)} kWh. ",
                "correction.creep",
            )
        ],
        "correction.creep",
    )


def normal_month(normal_wh: int, registered_wh: int) -> Correction:
    """A device that failed: the energy of a normal month less what was registered in the month of the fault."""
    energy = normal_wh - registered_wh
    return Correction(
        {"total": energy},
        [
            step(
                "correction",
                {"normal": milli(normal_wh), "registered": milli(registered_wh)},
                f"正常月电量 {milli(normal_wh)} - 抄见 {milli(registered_wh)} = {milli(energy)} 千瓦时。",
                f"Normal month {milli(normal_wh)} - registered {milli(registered_wh)} = {milli(energy)} kWh. ",
                "correction.normal_month",
            )
        ],
        "correction.normal_month",
    )


def _rounded(energy: Fraction, places: int) -> int:
    unit: int = 10 ** (3 - places)
    return round_half_up(energy.numerator, energy.denominator * unit) * unit


def _shown(factor: Fraction) -> str:
    """A factor for reading: as a fraction where that is short, else with six decimals."""
    if factor.denominator == 1:
        return str(factor.numerator)
    if factor.denominator <= 1000:
        return f"{factor.numerator}/{factor.denominator}"
    scaled = round_half_up(factor.numerator * 10**6, factor.denominator)
    sign = "-" if scaled < 0 else ""
    return f"{sign}{abs(scaled) // 10**6}.{abs(scaled) % 10**6:06d}"

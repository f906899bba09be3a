"""The arithmetic of bills by columns (列式计费): int64 only, the same fen as the rules, line by line.

Every array has one element per contract. What int64 cannot hold, and what the plan has no price for, is marked `left` and belongs
to the rules; nothing is ever wrapped around or rounded twice.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from denghuo.service.billing.engine.plan import PricedComponent, PricePlan, Source
from denghuo.service.tariff.api import Band

Int = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

_SAFE = 2.0**61
"""Products below this can be doubled and rounded within int64. Compared as doubles, which err by less than the room left."""
_SAFE_UNITS = 2**30
"""Units of energy whose square is safe, for shares by weight."""
_FEN = 10**9
"""1e-8 yuan x 1e-3 kWh in a fen."""


@dataclass(frozen=True)
class Line:
    """One kind of line of a bill: quantities in Wh and amounts in fen of the contracts that have it (`present`)."""

    component: PricedComponent
    tier: int | None
    band: Band | None
    price_e8: int
    quantity_wh: Int
    amount_fen: Int
    present: Flags

    @property
    def source(self) -> Source:
        """Where its price stands."""
        return self.component.sources[self.tier, self.band]


@dataclass(frozen=True)
class Figures:
    """What contracts are charged. left: those that the columns cannot rate; their figures mean nothing."""

    energy_wh: Int
    lines: tuple[Line, ...]
    amount_fen: Int
    left: Flags


@dataclass(frozen=True)
class Energies:
    """Energy of contracts in Wh by band, rounded as the tariff says; `given`: who has the band at all."""

    by_band: Mapping[Band, Int]
    given: Mapping[Band, Flags]


def figures(plan: PricePlan, energies: Energies, used_before_wh: Int, tier_months: Int) -> Figures:
    """Rates contracts of one plan.

    energies: of each of the plan's bands. used_before_wh: energy of the tier year before
    this month; tier_months: months that count in the tier year, 1..12.
    """
    energy = [energies.by_band[band] for band in plan.bands]
    given = [energies.given[band] for band in plan.bands]
    total = sum(energy[1:], start=energy[0])
    left: Flags = (total < 0) | (total >= _SAFE_UNITS * plan.unit_wh)
    for one in energy:
        left |= one < 0
    in_tiers = _tiers(plan, total, used_before_wh, tier_months)
    exact = _divisible([*in_tiers, *energy], plan.unit_wh)
    left |= ~exact & (total >= _SAFE_UNITS)
    unit = np.where(exact, plan.unit_wh, 1)
    cells = _cells(in_tiers, energy, unit)
    lines: list[Line] = []
    amount = np.zeros_like(total)
    for component in plan.components:
        for line in _lines(plan, component, cells, given, left):
            lines.append(line)
            amount += np.where(line.present, line.amount_fen, 0)
    return Figures(total, tuple(lines), amount, left)


def _tiers(plan: PricePlan, total: Int, used_before: Int, tier_months: Int) -> list[Int]:
    """Energy by tier: filled in order into the room that the energy before left."""
    if not plan.limits_wh:
        return [total]
    limits = np.asarray(plan.limits_wh, dtype=np.int64)[tier_months]
    before = used_before if plan.annual else np.zeros_like(total)
    tiers: list[Int] = []
    rest, lower = total, np.zeros_like(total)
    for at in range(limits.shape[1]):
        width = limits[:, at] - lower
        room = np.maximum(width - np.minimum(width, before), 0)
        before = before - np.minimum(width, before)
        tiers.append(np.minimum(room, rest))
        rest = rest - tiers[-1]
        lower = limits[:, at]
    return [*tiers, rest]


def _divisible(values: list[Int], unit: int) -> Flags:
    found = np.ones(values[0].shape, dtype=np.bool_)
    if unit > 1:
        for value in values:
            found &= value % unit == 0
    return found


def _cells(tiers: list[Int], energy: list[Int], unit: Int) -> list[list[Int]]:
    """Energy by tier and band: each tier takes its share of every band from what is left (largest remainders get the rest)."""
    if len(tiers) == 1:
        return [energy]
    if len(energy) == 1:
        return [[tier] for tier in tiers]
    # Who stays within one tier has its bands in that tier as they are; only the others' are shared.
    several = np.flatnonzero(sum((tier != 0).astype(np.int64) for tier in tiers) > 1)
    cells = [[np.where(tier != 0, band, 0) for band in energy] for tier in tiers]
    left = np.stack([band[several] for band in energy]) // unit[several]
    for tier, cell in zip(tiers, cells, strict=True):
        units, weight = tier[several] // unit[several], left.sum(axis=0)
        parts, remainders = np.divmod(units * left, np.maximum(weight, 1))
        missing = np.where(weight > 0, units - parts.sum(axis=0), 0)
        parts += ranks(remainders) < missing
        left = left - parts
        for band, part in zip(cell, parts, strict=True):
            band[several] = part * unit[several]
    return cells


def ranks(values: Int) -> Int:
    """The place of each element of a column among the column's, the largest first and equals in their order. Bands are few, so that
    to compare each with each takes a fraction of sorting a million columns."""
    rank = np.zeros_like(values)
    for place in range(len(values)):
        for other in range(place):
            before = values[place] > values[other]
            rank[other] += before
            rank[place] += ~before
    return rank


def _lines(
    plan: PricePlan, component: PricedComponent, cells: list[list[Int]], given: list[Flags], left: Flags
) -> list[Line]:
    """The component's lines; marks in `left` who needs a price that there is none for, or an amount past int64."""
    tiers: list[int | None] = [*range(1, len(cells) + 1)] if component.tiered else [None]
    bands: list[Band | None] = [*plan.bands] if component.banded else [None]
    summed: dict[tuple[int | None, Band | None], Int] = {}
    for tier in tiers:
        rows = cells if tier is None else [cells[tier - 1]]
        for at, band in enumerate(bands):
            parts = [value for row in rows for value in (row if band is None else [row[at]])]
            summed[tier, band] = sum(parts[1:], start=parts[0])
    nothing = np.logical_and.reduce([quantity == 0 for quantity in summed.values()])
    # Parts without energy have no line; without any energy the first part that there is stands, a line of zero.
    zero = nothing.copy()
    lines: list[Line] = []
    for at, (key, quantity) in enumerate(summed.items()):
        first = zero & given[at] if component.banded and at < len(bands) else zero & (at == 0)
        zero &= ~first
        present = (quantity != 0) | first
        if key in component.unpriced:
            left |= present
            continue
        price = component.prices[key]
        if price is not None:
            amount, past = charge(price, quantity)
            left |= past & present
            lines.append(Line(component, *key, price, quantity, amount, present))
    return lines


def charge(price_e8: int, quantity_wh: Int) -> tuple[Int, Flags]:
    """price x quantity in fen, ties away from zero; and where the product is past what int64 holds, so that it is not told.

    Whole kWh are charged as such, which holds amounts up to some ten million million kWh-fen; anything finer by the Wh.
    """
    whole = quantity_wh % 1000 == 0
    quantity = np.where(whole, quantity_wh // 1000, quantity_wh)
    past = np.abs(quantity).astype(np.float64) * float(abs(price_e8)) >= _SAFE
    product = np.where(past, 0, quantity) * np.int64(price_e8)
    denominator = np.where(whole, _FEN // 1000, _FEN)
    magnitude = (2 * np.abs(product) + denominator) // (2 * denominator)
    return np.where(product < 0, -magnitude, magnitude), past

"""A register's energy split over the bands by the meter's curve (曲线分时): the register says how much, the curve says when.

Both have to agree. What a whole curve differs from the register by (rounding of either) is shared over the bands by their energy.
Where slots are missing, what the register has beyond the curve belongs to them and is shared by how many each band lacks, as long
as they are few and none would have to be higher than any that was seen. Everything else is for a person to look at.
"""

from dataclasses import dataclass

import numpy as np

from denghuo.kernel.values import INT64_MAX
from denghuo.service.billing.engine.figures import Flags, Int, ranks

_E4 = 10_000


@dataclass(frozen=True)
class Tolerance:
    """How far curve and register may lie apart: share_e4 of the register's energy, and never less than floor_wh. gaps_e4: which
    share of the slots may be missing."""

    share_e4: int = 50
    floor_wh: int = 2_000
    gaps_e4: int = 500

    def of(self, energy_wh: Int) -> Int:
        """What energies may differ by, in Wh."""
        whole, rest = np.divmod(np.abs(energy_wh), _E4)
        found: Int = np.maximum(whole * self.share_e4 + rest * self.share_e4 // _E4, self.floor_wh)
        return found


@dataclass(frozen=True)
class Split:
    """Energy by band (meters x bands, in Wh); rows of `estimated`, `apart` and `gaps` are marked so, and those of the last two have
    no energy that means anything. The others add up to the register exactly."""

    energy_wh: Int
    estimated: Flags
    apart: Flags
    gaps: Flags


def split(
    total: Int,
    curve: Int,
    missing: Int,
    expected: Int,
    highest: Int,
    tolerance: Tolerance,
    stands_in: Int | None = None,
    told: Flags | None = None,
) -> Split:
    """Splits registers by curves.

    total: the register's energy of each meter. curve: what the curve has by band, missing: the slots that it lacks by band
    (both meters x bands). expected: slots of each meter's period; highest: the highest slot that was seen where slots are missing.
    told: meters of which something stands in for every missing slot; what the register has beyond the curve is shared by
    `stands_in`, its energy by band, or by the slots where that is nothing, however many they are.
    """
    # Band by band: numbers of the same band lie side by side, which adds up several times as fast.
    curve, missing = np.ascontiguousarray(curve.T), np.ascontiguousarray(missing.T)
    lacking, seen = missing.sum(axis=0), curve.sum(axis=0)
    beyond, may = total - seen, tolerance.of(total)
    by_told = np.zeros(len(total), dtype=np.bool_) if told is None else told
    if stands_in is not None:
        missing = np.where(by_told & (stands_in.sum(axis=1) > 0), stands_in.T, missing)
    estimated = lacking > 0
    # Compared as shares, so that a high peak times many slots cannot overflow.
    room = (np.maximum(beyond - may, 0) + np.maximum(lacking, 1) - 1) // np.maximum(lacking, 1)
    fits = np.where(estimated, (beyond >= -may) & ((room <= highest) | by_told), np.abs(beyond) <= may)
    gaps = (lacking * _E4 > expected * tolerance.gaps_e4) & ~by_told
    filled = curve + shares(np.where(estimated & fits, np.maximum(beyond, 0), 0), missing)
    whole = filled.sum(axis=0)
    rest = np.where(fits, total - whole, 0)
    moved = shares(np.abs(rest), np.where(whole > 0, filled, 1))
    energy = np.where(rest < 0, filled - moved, filled + moved)
    good = fits & (total >= 0) & (energy >= 0).all(axis=0)
    return Split(energy.T, estimated & good & ~gaps, ~good & ~gaps, gaps)


def shares(amount: Int, weights: Int) -> Int:
    """Each amount split by its column of weights (parts x amounts) into whole parts that add up to it, the largest remainders
    first; nothing where all weights are 0. No part exceeds its weight where the amount does not exceed the sum of the weights."""
    found = np.zeros_like(weights)
    some = np.flatnonzero(amount)
    if len(some):
        found[:, some] = _shares(amount[some], weights[:, some])
    return found


def _shares(amount: Int, weights: Int) -> Int:
    whole = weights.sum(axis=0)
    divisor = np.maximum(whole, 1)
    spread = np.where(whole > 0, amount, 0)
    # A product past int64 is rare and goes the exact way, number by number.
    past = spread.astype(np.float64) * weights.max(axis=0, initial=0).astype(np.float64) >= INT64_MAX / 2
    parts, remainders = np.divmod(np.where(past, 0, spread) * weights, divisor)
    for column in np.flatnonzero(past):
        products = [int(spread[column]) * int(weight) for weight in weights[:, column]]
        parts[:, column] = [product // int(divisor[column]) for product in products]
        remainders[:, column] = [product % int(divisor[column]) for product in products]
    found: Int = parts + (ranks(remainders) < spread - parts.sum(axis=0))
    return found

"""Rules of the day's curves (曲线校验与补全): which values count as they came, and what stands in for those that are missing.

Every slot has a verdict: a status, the rule that gave it and, where it was estimated, the method. Energies are integers of Wh; -1
in a matrix is "not received". What came in is never changed; a verdict stands beside it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple

import numpy as np

from denghuo.kernel.problem import Text, text

Ints = Any
Flags = Any
INT32_MAX = 2**31 - 1
_WEIGHT_BITS = 20
"""Weights are cut to so many bits a row: a day's energy times their sum stays within 64 bits."""
_POWERS = 1 << np.arange(63, dtype=np.int64)


class Verdict(NamedTuple):
    status: str
    rule: str
    method: str


VERDICTS: tuple[Verdict, ...] = (
    Verdict("valid", "checked", "actual"),
    Verdict("estimated", "gap", "register_like_day"),
    Verdict("estimated", "gap", "register_even"),
    Verdict("estimated", "gap", "linear"),
    Verdict("estimated", "gap", "like_day"),
    Verdict("held", "gap", "none"),
    Verdict("held", "register_sum", "none"),
)
"""By the number that the lake keeps for a slot. The order never changes; new ones are put at the end."""
VALID, REGISTER_LIKE_DAY, REGISTER_EVEN, LINEAR, LIKE_DAY, UNKNOWN, APART = range(len(VERDICTS))
STANDS_IN = (REGISTER_LIKE_DAY, REGISTER_EVEN, LINEAR, LIKE_DAY)


@dataclass(frozen=True)
class CurveRule:
    """A rule in force from a day on."""

    code: str
    title: Text
    parameters: Mapping[str, int] = field(default_factory=dict)
    effective_from: date = date(2020, 1, 1)
    effective_to: date | None = None


CURVE_RULE_BOOK: tuple[CurveRule, ...] = (
    CurveRule("gap", text("曲线缺点", "Gap in the curve"), {"linear_slots_max": 8}),
    # As the month's split by curve holds them against each other.
    CurveRule(
        "register_sum",
        text("曲线与示数不符", "Curve and registers disagree"),
        {"share_e4": 50, "floor_wh": 2_000},
    ),
)


def curve_rules(on: date) -> dict[str, CurveRule]:
    """The rules of a day by code."""
    return {
        rule.code: rule
        for rule in CURVE_RULE_BOOK
        if rule.effective_from <= on and (rule.effective_to is None or on < rule.effective_to)
    }


def judged(raw: Ints, like: Ints, difference: Ints, rules: Mapping[str, CurveRule]) -> tuple[Ints, Ints]:
    """(what stands in for each slot, -1 where nothing does; the number of its verdict) of meters by slots.

    like: the same slots of a day that is like this one. difference: what the registers say that passed in the day, -1 where one of
    them is not known.
    """
    gap = raw < 0
    estimate, verdict = np.full(raw.shape, -1, dtype=np.int64), np.zeros(raw.shape, dtype=np.int8)
    received = np.where(gap, 0, raw).sum(axis=1)
    bound, some = difference >= 0, gap.any(axis=1)
    beyond = difference - received
    share, floor = rules["register_sum"].parameters["share_e4"], rules["register_sum"].parameters["floor_wh"]
    allowed = np.maximum(difference // 10_000 * share, floor)
    # With gaps the curve may lie below its registers, never above them.
    apart = bound & ((beyond < -allowed) | (~some & (beyond > allowed)))
    verdict[apart] = np.where(gap[apart], UNKNOWN, APART)
    by_register = np.flatnonzero(bound & some & ~apart)
    if len(by_register):
        # A curve that is above its registers by no more than they are allowed to differ leaves nothing for the gaps.
        left = np.maximum(beyond[by_register], 0)
        weights = np.where(gap, np.maximum(like, 0), 0)[by_register]
        known = ((like >= 0) | ~gap)[by_register].all(axis=1) & (weights.sum(axis=1) > 0)
        weights = np.where(known[:, None], weights, gap[by_register])
        method = np.where(known, REGISTER_LIKE_DAY, REGISTER_EVEN)[:, None]
        _fill(estimate, verdict, by_register, gap[by_register], spread(left, weights), method)
    others = np.flatnonzero(some & ~bound)
    if len(others):
        line = _line(raw[others], rules["gap"].parameters["linear_slots_max"])
        open_, alike = gap[others], like[others]
        value = np.where(line >= 0, line, alike)
        _fill(estimate, verdict, others, open_, value, np.where(line >= 0, LINEAR, LIKE_DAY))
    return estimate, verdict


def _fill(estimate: Ints, verdict: Ints, rows: Ints, gap: Flags, value: Ints, method: Ints) -> None:
    """Puts values with their method into the gaps of these rows; what no slot can hold is unknown."""
    fits = (value >= 0) & (value <= INT32_MAX)
    estimate[rows] = np.where(gap & fits, value, -1)
    verdict[rows] = np.where(gap, np.where(fits, method, UNKNOWN), VALID)


def spread(total: Ints, weights: Ints) -> Ints:
    """A total of each row shared by the weights of its slots; the shares add up to the total exactly.

    Weights are not negative, and a row has one above zero. A slot without weight gets nothing.
    """
    sums = weights.sum(axis=1)
    bits = np.maximum(np.searchsorted(_POWERS, sums) - _WEIGHT_BITS, 0)
    cut = weights >> bits[:, None]
    running = np.cumsum(cut, axis=1)
    reached = total[:, None] * running // np.maximum(running[:, -1:], 1)
    return np.diff(reached, axis=1, prepend=0)


def _line(raw: Ints, slots_max: int) -> Ints:
    """The straight line between the neighbours of each gap that is short enough and has both; -1 elsewhere."""
    slots = np.arange(raw.shape[1])
    there = raw >= 0
    before = np.maximum.accumulate(np.where(there, slots, -1), axis=1)
    after = np.minimum.accumulate(np.where(there, slots, raw.shape[1])[:, ::-1], axis=1)[:, ::-1]
    within = ~there & (before >= 0) & (after < raw.shape[1]) & (after - before - 1 <= slots_max)
    first = np.take_along_axis(raw, np.maximum(before, 0), axis=1)
    last = np.take_along_axis(raw, np.minimum(after, raw.shape[1] - 1), axis=1)
    value = first + (last - first) * (slots - before) // np.maximum(after - before, 1)
    return np.where(within, value, -1)

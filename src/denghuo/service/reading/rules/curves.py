"""Rules of the day's curves (曲线校验与补全): which values count as they came, and what stands in for those that are missing.

Every slot has a verdict: a status, the rule that gave it and, where it was estimated, the method. Energies are integers of Wh; -1
in a matrix is "not received". What came in is never changed; a verdict stands beside it.
"""

from collections.abc import Mapping, Sequence
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
    Verdict("estimated", "gap", "register_linear"),
    Verdict("held", "spike", "none"),
)
"""By the number that the lake keeps for a slot. The order never changes; new ones are put at the end."""
VALID, REGISTER_LIKE_DAY, REGISTER_EVEN, LINEAR, LIKE_DAY, UNKNOWN, APART, REGISTER_LINEAR, SPIKE = range(len(VERDICTS))
STANDS_IN = tuple(number for number, verdict in enumerate(VERDICTS) if verdict.status == "estimated")
HELD = tuple(number for number, verdict in enumerate(VERDICTS) if verdict.status == "held")
LIKE_DAYS = (7, 14, 21, 28)
"""How many days before a day those lie that are like it: their mean errs least for households and for industry
(docs/reference/estimation.md)."""
DAY_BEFORE = 1
"""What stands for days like it where none is known."""


@dataclass(frozen=True)
class CurveRule:
    """A rule in force from a day on."""

    code: str
    title: Text
    parameters: Mapping[str, int] = field(default_factory=dict)
    effective_from: date = date(2020, 1, 1)
    effective_to: date | None = None


CURVE_RULE_BOOK: tuple[CurveRule, ...] = (
    CurveRule("gap", text("曲线缺点", "Gap in the curve"), {"linear_slots_max": 16}),
    # As the month's split by curve holds them against each other.
    CurveRule(
        "register_sum",
        text("曲线与示数不符", "Curve and registers disagree"),
        {"share_e4": 50, "floor_wh": 2_000},
    ),
    CurveRule("spike", text("曲线突变", "Spike in the curve"), {"times": 10, "floor_wh": 1_000}),
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

    like: the same slots as `likened` gives them, -1 where they are not known; it counts for meters with gaps or without registers
    alone. difference: what the registers say that passed in the day, -1 where one of them is not known.
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
    slots_max = rules["gap"].parameters["linear_slots_max"]
    by_register = np.flatnonzero(bound & some & ~apart)
    if len(by_register):
        # A curve that is above its registers by no more than they are allowed to differ leaves nothing for the gaps.
        left = np.maximum(beyond[by_register], 0)
        weights, method = _profile(raw[by_register], like[by_register], slots_max)
        _fill(estimate, verdict, by_register, gap[by_register], spread(left, weights), method[:, None])
    others = np.flatnonzero(~bound)
    if len(others):
        line, open_ = _line(raw[others], slots_max), gap[others]
        value = np.where(line >= 0, line, like[others])
        _fill(estimate, verdict, others, open_, value, np.where(line >= 0, LINEAR, LIKE_DAY))
        verdict[others] = np.where(_spikes(raw[others], like[others], rules["spike"]), SPIKE, verdict[others])
    return estimate, verdict


def likened(days: Sequence[Ints], before: Ints) -> Ints:
    """The mean of the days that are like a day, slot by slot, of those that are known; else the day before."""
    count = sum((day >= 0).astype(np.int64) for day in days)
    total = sum(np.maximum(day, 0) for day in days)
    return np.where(count > 0, total // np.maximum(count, 1), before)


def _profile(raw: Ints, like: Ints, slots_max: int) -> tuple[Ints, Ints]:
    """How the energy that registers leave for the gaps lies in them, as weights, and the method of each row.

    By the line where it reaches over every gap of the day, else by days like it, else evenly.
    """
    gap = raw < 0
    line = _line(raw, slots_max)
    by_line, by_like = (np.where(gap, np.maximum(found, 0), 0) for found in (line, like))
    has_line = ((line >= 0) | ~gap).all(axis=1) & (by_line.sum(axis=1) > 0)
    has_like = ((like >= 0) | ~gap).all(axis=1) & (by_like.sum(axis=1) > 0)
    weights = np.where(has_line[:, None], by_line, np.where(has_like[:, None], by_like, gap))
    return weights, np.where(has_line, REGISTER_LINEAR, np.where(has_like, REGISTER_LIKE_DAY, REGISTER_EVEN))


def _spikes(raw: Ints, like: Ints, rule: CurveRule) -> Flags:
    """Values far above all that days like this one had. Only where no registers bear the day out: these prove a real peak."""
    highest = like.max(axis=1)
    most = np.maximum(highest * rule.parameters["times"], rule.parameters["floor_wh"])
    return (raw > most[:, None]) & (highest >= 0)[:, None]


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

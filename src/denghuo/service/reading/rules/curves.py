"""Rules of the day's curves (曲线校验与补全): which values count as they came, and what stands in for those that are missing.

Every slot has a verdict: a status, the rule that gave it and, where it was estimated, the method. Energies are integers of Wh; -1
in a matrix is "not received". What came in is never changed; a verdict stands beside it.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from denghuo.service.reading.rules.curve_book import CurveRule, RuleSet, methods_of

Ints = Any
Flags = Any
INT32_MAX = 2**31 - 1
SLOTS_AN_HOUR = 4
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
    Verdict("held", "phase_sum", "none"),
    Verdict("held", "over_capacity", "none"),
    Verdict("held", "reverse", "none"),
    Verdict("held", "zero_days", "none"),
    Verdict("valid", "register_sum", "actual"),
    Verdict("valid", "phase_sum", "actual"),
    Verdict("valid", "over_capacity", "actual"),
    Verdict("valid", "spike", "actual"),
    Verdict("valid", "reverse", "actual"),
    Verdict("valid", "zero_days", "actual"),
    Verdict("valid", "accepted", "actual"),
    Verdict("estimated", "edited", "manual"),
    Verdict("estimated", "edited", "linear"),
    Verdict("estimated", "edited", "like_day"),
    Verdict("estimated", "edited", "register_even"),
    Verdict("estimated", "sender", "sender"),
    Verdict("estimated", "gap", "register_last_year"),
    Verdict("estimated", "gap", "register_group"),
    Verdict("estimated", "gap", "last_year"),
    Verdict("estimated", "gap", "group"),
    Verdict("estimated", "spread", "spread"),
    Verdict("held", "spread", "none"),
    Verdict("valid", "spread", "actual"),
    Verdict("held", "clock_drift", "none"),
    Verdict("valid", "clock_drift", "actual"),
)
"""By the number that the lake keeps for a slot. The order never changes; new ones are put at the end."""
VALID, REGISTER_LIKE_DAY, REGISTER_EVEN, LINEAR, LIKE_DAY, UNKNOWN, APART, REGISTER_LINEAR, SPIKE = range(9)
REGISTER_LAST_YEAR, REGISTER_GROUP, LAST_YEAR, GROUP = range(25, 29)
STANDS_IN = tuple(number for number, verdict in enumerate(VERDICTS) if verdict.status == "estimated")
HELD = tuple(number for number, verdict in enumerate(VERDICTS) if verdict.status == "held")
REMARKED = tuple(number for number, one in enumerate(VERDICTS) if one.status == "valid" and one.rule != "checked")
ACCEPTED = VERDICTS.index(Verdict("valid", "accepted", "actual"))
SENDER, SPREAD = (VERDICTS.index(Verdict("estimated", code, code)) for code in ("sender", "spread"))
TOLD = (SENDER, SPREAD)
"""What was received and counts as it came, though nobody measured it."""
EDITED = tuple(number for number, one in enumerate(VERDICTS) if one.rule == "edited")
_EFFECTS = {"held": "hold", "valid": "notice", "estimated": "estimate"}
_OF_SUSPECT = {
    (one.rule, _EFFECTS[one.status]): number
    for number, one in enumerate(VERDICTS)
    if one.rule not in ("checked", "gap", "accepted", "edited", "sender")
}
"""The verdict of a rule by its effect."""


class Beside(NamedTuple):
    """What else is known of each meter's day.

    capacity_w: the power that may pass at most, -1 where nobody says. phases: the sums of the three phases by slots, -1 where one
    of them is not known; None: of no meter. no_plant: nothing generates behind the meter, and the series is what it delivered.
    zero_days: for how many days up to this one nothing passed. last_year, group: what the same day last year and meters of the same
    class make of the day's slots, -1 where that is not known; None: of no meter. clock_off_s: by how much its clock was off at
    most; None: nothing is known of any.
    """

    capacity_w: Ints
    phases: Ints | None
    no_plant: Flags
    zero_days: Ints
    last_year: Ints | None = None
    group: Ints | None = None
    clock_off_s: Ints | None = None


def nothing_beside(rows: int) -> Beside:
    """For so many rows of which nothing beside the curve is known."""
    none = np.full(rows, -1, dtype=np.int64)
    return Beside(none, None, np.zeros(rows, dtype=np.bool_), np.zeros_like(none))


def judged(raw: Ints, like: Ints, difference: Ints, beside: Beside, rules: RuleSet) -> tuple[Ints, Ints]:
    """(what stands in for each slot, -1 where nothing does; the number of its verdict) of meters by slots.

    like: the same slots as `likened` gives them, -1 where they are not known; it counts for meters with gaps or without registers
    alone. difference: what the registers say that passed in the day, -1 where one of them is not known.
    """
    gap = raw < 0
    estimate, verdict = np.full(raw.shape, -1, dtype=np.int64), np.zeros(raw.shape, dtype=np.int8)
    received = np.where(gap, 0, raw).sum(axis=1)
    bound, some = difference >= 0, gap.any(axis=1)
    beyond = difference - received
    sums = rules["register_sum"]
    allowed = np.maximum(difference // 10_000 * sums.parameters["share_e4"], sums.parameters["floor_wh"])
    # With gaps the curve may lie below its registers, never above them.
    apart = bound & ((beyond < -allowed) | (~some & (beyond > allowed)))
    verdict[gap] = UNKNOWN
    if rules["gap"].effect == "estimate":
        left = np.where(bound, np.maximum(beyond, 0), -1)
        known = {
            "fill_line": _Profile(None, LINEAR, REGISTER_LINEAR),
            "fill_like_day": _Profile(like, LIKE_DAY, REGISTER_LIKE_DAY),
        }
        if beside.group is not None:
            known["fill_group"] = _Profile(beside.group, GROUP, REGISTER_GROUP)
        if beside.last_year is not None:
            known["fill_last_year"] = _Profile(beside.last_year, LAST_YEAR, REGISTER_LAST_YEAR)
        profiles = [known[code] for code in methods_of(rules) if code in known]
        _fill_gaps(estimate, verdict, raw, profiles, left, apart & (sums.effect == "hold"), rules["gap"])
    where: dict[str, Callable[[CurveRule], Flags]] = {
        "register_sum": lambda rule: apart,
        "phase_sum": lambda rule: _phases_apart(raw, beside.phases, rule),
        "over_capacity": lambda rule: _over_capacity(raw, beside.capacity_w, rule),
        "spike": lambda rule: ~bound[:, None] & _spikes(raw, like, rule),
        "reverse": lambda rule: _delivered(raw, received, beside.no_plant, rule),
        "zero_days": lambda rule: beside.zero_days >= rule.parameters["days"],
        "clock_drift": lambda rule: _clock_off(raw, beside.clock_off_s, rule),
    }
    for code, suspect in where.items():
        if rules[code].effect != "off":
            _suspect(verdict, suspect(rules[code]), _OF_SUSPECT[code, rules[code].effect])
    return estimate, verdict


def as_told(raw: Ints, estimate: Ints, verdict: Ints, told: Flags) -> None:
    """Gives what its sender did not measure the verdict that says so: it counts as it came, but never as measured, whether the
    rules passed it or a clerk accepted it. What is held stays so."""
    there = told & (raw >= 0) & np.isin(verdict, (VALID, *REMARKED))
    verdict[there] = SENDER
    estimate[there] = raw[there]


def as_spread(raw: Ints, estimate: Ints, verdict: Ints, spread: Flags, rule: CurveRule) -> None:
    """Gives what was divided out of a longer interval the verdict of the rule. Held or estimated it is also where another rule only
    remarked it; what a clerk accepted is not held again."""
    if rule.effect == "off":
        return
    remarked = [one for one in REMARKED if one != ACCEPTED or rule.effect == "estimate"]
    passed = (VALID,) if rule.effect == "notice" else (VALID, *remarked)
    there = spread & (raw >= 0) & np.isin(verdict, passed)
    verdict[there] = _OF_SUSPECT["spread", rule.effect]
    if rule.effect == "estimate":
        estimate[there] = raw[there]


def _suspect(verdict: Ints, flags: Flags, number: int) -> None:
    """Gives a verdict to the slots with a flag, or to all of the rows with one, that have none yet: a few rows of many."""
    rows = np.flatnonzero(flags if flags.ndim == 1 else flags.any(axis=1))
    if len(rows):
        found = verdict[rows]
        found[(flags[rows] if flags.ndim > 1 else True) & (found == VALID)] = number
        verdict[rows] = found


class _Profile(NamedTuple):
    """What gaps may look like (meters by slots, -1 where it is not known; None: by the line), with the numbers of the verdicts that
    it gives: by itself, and as the shape of what registers leave. The first that is known counts."""

    values: Ints | None
    number: int
    of_register: int


def _fill_gaps(
    estimate: Ints, verdict: Ints, raw: Ints, profiles: Sequence[_Profile], left: Ints, apart: Flags, rule: CurveRule
) -> None:
    """What stands in for gaps. left: what the registers leave for those of a row, -1 where they are not known. A curve that is
    above its registers by no more than they are allowed to differ leaves nothing; one that lies further apart is not filled."""
    gap = raw < 0
    bound, some = left >= 0, gap.any(axis=1)
    slots_max = rule.parameters["linear_slots_max"]
    by_register = np.flatnonzero(bound & some & ~apart)
    if len(by_register):
        weights, method = _shape(raw[by_register], _rows_of(profiles, by_register, raw, slots_max))
        _fill(estimate, verdict, by_register, gap[by_register], spread(left[by_register], weights), method[:, None])
    others = np.flatnonzero(~bound & some)
    if len(others):
        value, method = np.full((2, len(others), raw.shape[1]), -1, dtype=np.int64)
        for values, number, _ in _rows_of(profiles, others, raw, slots_max):
            open_ = (value < 0) & (values >= 0)
            value, method = np.where(open_, values, value), np.where(open_, number, method)
        _fill(estimate, verdict, others, gap[others], value, method)


def _rows_of(profiles: Sequence[_Profile], rows: Ints, raw: Ints, slots_max: int) -> list[tuple[Ints, int, int]]:
    """The profiles of some rows, that of the line among them."""
    return [
        (line(raw[rows], slots_max) if one.values is None else one.values[rows], one.number, one.of_register)
        for one in profiles
    ]


def _phases_apart(raw: Ints, phases: Ints | None, rule: CurveRule) -> Flags:
    """Values that are not the sum of their three phases, where all of these are known."""
    if phases is None:
        return np.zeros(len(raw), dtype=np.bool_)
    allowed = np.maximum(phases * rule.parameters["share_e4"] // 10_000, rule.parameters["floor_wh"])
    return (raw >= 0) & (phases >= 0) & (abs(raw - phases) > allowed)


def most_wh(capacity_w: Ints, rule: CurveRule) -> Any:
    """The energy of a slot up to which a capacity bears it out, in Wh."""
    return np.maximum(capacity_w * rule.parameters["share_e4"] // (10_000 * SLOTS_AN_HOUR), rule.parameters["floor_wh"])


def _over_capacity(raw: Ints, capacity_w: Ints, rule: CurveRule) -> Flags:
    """Values whose mean power is above this share of what may pass."""
    most = most_wh(capacity_w, rule)
    return raw > np.where(capacity_w >= 0, most, INT32_MAX)[:, None]


def _delivered(raw: Ints, received: Ints, no_plant: Flags, rule: CurveRule) -> Flags:
    """Energy that came back on a day with more of it than may be creep."""
    rows = no_plant & (received > rule.parameters["floor_wh"])
    return rows[:, None] & (raw > 0) if rows.any() else rows


def _clock_off(raw: Ints, clock_off_s: Ints | None, rule: CurveRule) -> Flags:
    """Meters by whose clock nobody knows in which quarter-hour a value lies."""
    nothing = np.zeros(len(raw), dtype=np.bool_)
    return nothing if clock_off_s is None else clock_off_s > rule.parameters["drift_s"]


def _shape(raw: Ints, profiles: Sequence[tuple[Ints, int, int]]) -> tuple[Ints, Ints]:
    """How the energy that registers leave for the gaps lies in them, as weights, and the method of each row.

    By the first profile that reaches over every gap of the day, else evenly.
    """
    gap = raw < 0
    weights, method = gap.astype(np.int64), np.full(len(raw), REGISTER_EVEN)
    for values, _, of_register in reversed(profiles):
        mine = np.where(gap, np.maximum(values, 0), 0)
        reaches = ((values >= 0) | ~gap).all(axis=1) & (mine.sum(axis=1) > 0)
        weights, method = np.where(reaches[:, None], mine, weights), np.where(reaches, of_register, method)
    return weights, method


def _spikes(raw: Ints, like: Ints, rule: CurveRule) -> Flags:
    """Values far above all that days like this one had. Only where no registers bear the day out: these prove a real peak."""
    highest = like.max(axis=1)
    most = np.maximum(highest * rule.parameters["times"], rule.parameters["floor_wh"])
    return raw > np.where(highest >= 0, most, INT32_MAX)[:, None]


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


def line(raw: Ints, slots_max: int) -> Ints:
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

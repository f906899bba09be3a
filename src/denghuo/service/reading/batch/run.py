"""How the registers of each channel run: advances, rollovers, falls, sudden rises, standing still."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from denghuo.service.reading.batch.plan import BIG, NONE, Flags, Ints, PlanPiece
from denghuo.service.reading.rules import Rule, modulus_e4, outliers


@dataclass
class Run:
    sequence: Ints
    outlier: Flags
    advance: Ints
    rolled: Flags
    backwards: Flags
    spike: Flags
    over_capacity: Flags
    drop: Flags
    total: Ints
    zero_run: Ints


def run_of(
    pieces: Sequence[PlanPiece],
    channels: Sequence[tuple[int, str, str]],
    sequence: Ints,
    seconds: Ints,
    rules: Mapping[str, Rule],
) -> Run:
    """How the registers of each channel run: advances, rollovers, falls, sudden rises, standing still."""
    modulus = np.array([modulus_e4(pieces[place].integer_digits) for place, _, _ in channels], dtype=np.int64)
    multiplier = np.array([pieces[place].multiplier for place, _, _ in channels], dtype=np.int64)
    demand: Flags = np.array([quantity == "demand" for _, quantity, _ in channels], dtype=np.bool_)
    share = share_of(rules)
    outlier = np.zeros(sequence.shape, dtype=np.bool_)
    advance, rolled, backwards, gap, there = _advances(sequence, seconds, modulus, share)
    fallen = np.flatnonzero(backwards.any(axis=1) & ~demand)
    if len(fallen) and "outlier" in rules:
        sequence = sequence.copy()
        for row in fallen:
            places = np.flatnonzero(sequence[row] >= 0)
            dropped = outliers([int(value) for value in sequence[row, places]], int(modulus[row]), share)
            if dropped:
                outlier[row, places[dropped]] = True
                sequence[row, places[dropped]] = NONE
        advance, rolled, backwards, gap, there = _advances(sequence, seconds, modulus, share)
    backwards[demand] = False
    total = np.where(demand, sequence.max(axis=1, initial=0), np.where(there, advance, 0).sum(axis=1))
    active = np.array([quantity.startswith("active") for _, quantity, _ in channels], dtype=np.bool_)
    rate = np.where(there & active[:, None] & (advance > 0), advance, 0) * 86_400 // gap
    roles = [pieces[place].role for place, _, _ in channels]
    pv_w = np.array([pieces[place].pv_w or 0 for place, _, _ in channels], dtype=np.int64)
    return Run(
        sequence,
        outlier,
        advance,
        rolled,
        backwards,
        _spikes(rate, multiplier, roles, rules.get("spike")),
        _over_capacity(rate, multiplier, pv_w, roles, rules.get("over_capacity")),
        _drops(rate, there, multiplier, roles, rules.get("drop")),
        total,
        _standing(advance, gap, there),
    )


def _advances(sequence: Ints, seconds: Ints, modulus: Ints, share_e4: int) -> tuple[Ints, Flags, Flags, Ints, Flags]:
    """From each figure's predecessor: advance, rolled over, ran backwards, seconds between, and where there are both."""
    columns = np.arange(sequence.shape[1])
    last = np.maximum.accumulate(np.where(sequence >= 0, columns, 0), axis=1)
    before_place = np.concatenate([np.zeros((len(sequence), 1), dtype=np.int64), last[:, :-1]], axis=1)
    before = np.take_along_axis(sequence, before_place, axis=1)
    there = (sequence >= 0) & (before >= 0) & (columns > 0)
    advance = np.where(there, sequence - before, 0)
    reach = modulus[:, None] * share_e4 // 10_000
    turned = advance + modulus[:, None]
    rolled = there & (advance < 0) & (before >= modulus[:, None] - reach) & (turned <= reach)
    advance = np.where(rolled, turned, advance)
    gap = np.where(there, seconds - np.take_along_axis(seconds, before_place, axis=1), 1)
    return advance, rolled, there & (advance < 0), np.maximum(gap, 1), there


def _spikes(rate: Ints, multiplier: Ints, roles: Sequence[str], rule: Rule | None) -> Flags:
    """Days whose energy is a multiple of the median of the channel's other days, and more than a floor."""
    if rule is None or not len(rate):
        return np.zeros(rate.shape, dtype=np.bool_)
    ordered = np.sort(np.where(rate > 0, rate, BIG), axis=1)
    count = (rate > 0).sum(axis=1)
    middle = np.clip((count - 2) // 2, 0, None)
    median = np.take_along_axis(ordered, middle[:, None], axis=1)[:, 0]
    judged = (count >= rule.parameters["days_min"]) & _in_roles(roles, rule)
    # Capped, so that the product stays within an int64; no register advances that far in a day.
    limit = np.minimum(median, BIG // (rule.parameters["factor"] + 1)) * rule.parameters["factor"]
    floor = rule.parameters["floor_wh_a_day"] * 10 // multiplier
    found: Flags = (rate > np.maximum(limit, floor)[:, None]) & judged[:, None]
    return found


def _over_capacity(rate: Ints, multiplier: Ints, pv_w: Ints, roles: Sequence[str], rule: Rule | None) -> Flags:
    """Days on which more was delivered than the rated power gives from midnight to midnight."""
    if rule is None or not len(rate):
        return np.zeros(rate.shape, dtype=np.bool_)
    limit = pv_w * 24 * rule.parameters["share_e4"] // 10_000 * 10 // multiplier
    found: Flags = (rate > limit[:, None]) & ((pv_w > 0) & _in_roles(roles, rule))[:, None]
    return found


def _drops(rate: Ints, there: Flags, multiplier: Ints, roles: Sequence[str], rule: Rule | None) -> Flags:
    """Channels whose last days, by number of reads, lie far below the median of those before."""
    if rule is None or not len(rate):
        return np.zeros(len(rate), dtype=np.bool_)
    days = rule.parameters["days"]
    from_end = np.cumsum(there[:, ::-1], axis=1)[:, ::-1]
    last, before = there & (from_end <= days), there & (from_end > days)
    count = before.sum(axis=1)
    ordered = np.sort(np.where(before, rate, BIG), axis=1)
    median = np.take_along_axis(ordered, np.clip((count - 1) // 2, 0, None)[:, None], axis=1)[:, 0]
    average = np.where(last, rate, 0).sum(axis=1) // days
    judged = (count >= days) & (median >= rule.parameters["floor_wh_a_day"] * 10 // multiplier)
    limit = np.where(judged, median, 0) * rule.parameters["share_e4"] // 10_000
    found: Flags = judged & (average < limit) & _in_roles(roles, rule)
    return found


def _in_roles(roles: Sequence[str], rule: Rule) -> Flags:
    return np.array([not rule.roles or role in rule.roles for role in roles], dtype=np.bool_)


def _standing(advance: Ints, gap: Ints, there: Flags) -> Ints:
    """The longest time in days that each channel stood still."""
    run, longest = np.zeros(len(advance), dtype=np.int64), np.zeros(len(advance), dtype=np.int64)
    for column in range(advance.shape[1]):
        known = there[:, column]
        run = np.where(known, np.where(advance[:, column] == 0, run + gap[:, column], 0), run)
        longest = np.maximum(longest, run)
    return longest // 86_400


def share_of(rules: Mapping[str, Rule]) -> int:
    """Within which share of its range a register may roll over; 0 where the rule is not in force."""
    return rules["rollover"].parameters["share_e4"] if "rollover" in rules else 0

"""Rules of the day's curves: what stands in for gaps is exact, and what came in is never touched."""

from datetime import date
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from denghuo.service.reading.rules.curve_book import rules_of
from denghuo.service.reading.rules.curves import (
    APART,
    INT32_MAX,
    LIKE_DAY,
    LINEAR,
    REGISTER_EVEN,
    REGISTER_LIKE_DAY,
    REGISTER_LINEAR,
    SPIKE,
    UNKNOWN,
    VALID,
    VERDICTS,
    judged,
    nothing_beside,
    spread,
)
from denghuo.service.reading.rules.profiles import likened

RULES = rules_of([], date(2026, 4, 1))
VALUES = st.lists(st.integers(-1, 50_000), min_size=96, max_size=96)


def one(raw: list[int], like: list[int], difference: int) -> tuple[list[int], list[int]]:
    row: Any = np.array([raw], dtype=np.int64)
    beside = nothing_beside(1)
    estimate, verdict = judged(row, np.array([like], dtype=np.int64), np.array([difference]), beside, RULES)
    assert row[0].tolist() == raw
    return estimate[0].tolist(), verdict[0].tolist()


@given(
    total=st.integers(0, 2**38 - 1),
    weights=st.lists(st.integers(0, INT32_MAX), min_size=1, max_size=96).filter(any),
)
def test_shares_add_up_exactly(total: int, weights: list[int]) -> None:
    shares = spread(np.array([total]), np.array([weights]))[0].tolist()
    assert sum(shares) == total and min(shares) >= 0


@given(raw=VALUES, like=VALUES, beyond=st.integers(0, 1_000_000))
def test_gaps_between_registers_sum_to_their_difference(raw: list[int], like: list[int], beyond: int) -> None:
    raw[5] = -1
    received = sum(value for value in raw if value >= 0)
    estimate, verdict = one(raw, like, received + beyond)
    assert received + sum(value for value in estimate if value >= 0) == received + beyond
    for value, kind in zip(raw, verdict, strict=True):
        assert (kind == VALID) == (value >= 0)
        assert value >= 0 or kind in (REGISTER_LINEAR, REGISTER_LIKE_DAY, REGISTER_EVEN)


@given(raw=VALUES, like=VALUES)
def test_every_slot_has_a_verdict_and_only_gaps_are_filled(raw: list[int], like: list[int]) -> None:
    estimate, verdict = one(raw, like, -1)
    for value, alike, guess, kind in zip(raw, like, estimate, verdict, strict=True):
        assert (value >= 0) == (kind in (VALID, SPIKE)) and (guess >= 0) == (kind in (LINEAR, LIKE_DAY))
        assert (kind == SPIKE) == (max(like) >= 0 and value > max(10 * max(like), 1_000))
        assert kind != LIKE_DAY or guess == alike
        assert kind != UNKNOWN or (value < 0 and alike < 0)


def test_short_gap_lies_on_the_line_and_a_long_one_is_like_another_day() -> None:
    raw = [100] * 96
    raw[10:13], raw[13] = [-1] * 3, 500
    estimate, verdict = one(raw, [7] * 96, -1)
    assert estimate[10:13] == [200, 300, 400] and verdict[10:13] == [LINEAR] * 3
    raw[20:37] = [-1] * 17
    estimate, verdict = one(raw, [7] * 96, -1)
    assert estimate[20:37] == [7] * 17 and verdict[20:37] == [LIKE_DAY] * 17
    raw[0] = -1
    assert one(raw, [-1] * 96, -1)[1][0] == UNKNOWN


def test_whole_curve_that_disagrees_with_its_registers_is_held() -> None:
    assert set(one([1_000] * 96, [-1] * 96, 96_000 + 2_000)[1]) == {VALID}
    assert set(one([1_000] * 96, [-1] * 96, 96_000 + 2_001)[1]) == {APART}
    assert {one.status for one in VERDICTS if one.method == "none"} == {"held"}, "what is held has no method"
    assert all(one.method == "none" for one in VERDICTS if one.status == "held")
    gap = [-1] + [1_000] * 95
    assert one(gap, [-1] * 96, 90_000)[1] == [UNKNOWN] + [APART] * 95


def test_registers_leave_a_short_gap_by_the_line_and_a_long_one_by_days_like_it() -> None:
    raw = [100] * 40 + [-1] * 4 + [200] * 52
    estimate, verdict = one(raw, [7] * 96, 100 * 40 + 200 * 52 + 1_200)
    assert verdict[40:44] == [REGISTER_LINEAR] * 4 and sum(estimate[40:44]) == 1_200
    assert estimate[40:44] == sorted(estimate[40:44]) and estimate[40] < estimate[43]
    raw = [100] * 40 + [-1] * 17 + [200] * 39
    estimate, verdict = one(raw, [1] * 48 + [3] * 48, 100 * 40 + 200 * 39 + 3_500)
    assert verdict[40:57] == [REGISTER_LIKE_DAY] * 17 and estimate[40:57] == [100] * 8 + [300] * 9
    estimate, verdict = one(raw, [-1] * 96, 100 * 40 + 200 * 39 + 1_700)
    assert verdict[40:57] == [REGISTER_EVEN] * 17 and estimate[40:57] == [100] * 17


def test_a_peak_that_registers_bear_out_is_no_spike() -> None:
    raw = [100] * 95 + [20_000]
    assert one(raw, [100] * 96, -1)[1] == [VALID] * 95 + [SPIKE]
    assert one(raw, [100] * 96, sum(raw))[1] == [VALID] * 96
    assert one(raw, [-1] * 96, -1)[1] == [VALID] * 96


def test_the_mean_of_days_like_a_day_passes_over_those_that_are_not_known() -> None:
    days = [np.array([[10, -1, -1]]), np.array([[21, 6, -1]])]
    assert likened(days, np.array([[1, 2, 3]])).tolist() == [[15, 6, 3]]

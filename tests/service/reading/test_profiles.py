"""What gaps may look like: last year at the level of today, others at the level of the meter."""

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from denghuo.service.reading.rules.curves import INT32_MAX
from denghuo.service.reading.rules.profiles import group_profile, of_group, scaled_year

DAY = st.lists(st.integers(-1, INT32_MAX), min_size=4, max_size=4)


def rows(*values: list[int]) -> Any:
    return np.array(values, dtype=np.int64)


def test_last_year_is_scaled_by_the_days_that_are_known_whole_in_both_years() -> None:
    then = rows([100, -1, 300, 0], [100, 100, 100, 100], [7, 7, 7, 7])
    recent = [
        (rows([150] * 4, [900] * 4, [-1] * 4), rows([100] * 4, [80] * 4, [1] * 4)),
        (rows([150, -1, 1, 1], [900] * 4, [1] * 4), rows([1] * 4, [90] * 4, [-1] * 4)),
    ]
    # Half as much again; more than ten times as much is another use; nothing to compare with.
    assert scaled_year(then, recent).tolist() == [[150, -1, 450, 0], [-1] * 4, [7] * 4]


def test_a_group_is_at_least_three_meters_received_whole() -> None:
    two = [[10, 20, 30, 40], [30, 40, 50, 60], [-1, 1, 1, 1]]
    assert group_profile(rows(*two)) is None and group_profile(rows(*[[0] * 4] * 3)) is None
    profile = group_profile(rows(*two, [20, 30, 40, 51]))
    assert profile is not None and profile.tolist() == [20, 30, 40, 50]


def test_a_group_is_brought_to_the_level_of_a_meter_by_what_was_received_of_it() -> None:
    profile = np.array([100] * 48 + [200] * 48)
    half, little = [50] * 24 + [-1] * 72, [50] * 23 + [-1] * 73
    found = of_group(rows(half, little, little), profile, np.array([False, False, True]))
    assert found[0].tolist() == [50] * 48 + [100] * 48
    assert set(found[1].tolist()) == {-1} and found[2].tolist() == profile.tolist()


@given(then=DAY, now=DAY, before=DAY)
def test_scaled_values_are_unknown_or_at_most_tenfold(then: list[int], now: list[int], before: list[int]) -> None:
    for value, found in zip(then, scaled_year(rows(then), [(rows(now), rows(before))])[0].tolist(), strict=True):
        assert found == -1 or (value >= 0 and 0 <= found <= 10 * value)


@given(
    raw=st.lists(st.integers(-1, INT32_MAX), min_size=96, max_size=96),
    profile=st.lists(st.integers(0, INT32_MAX), min_size=96, max_size=96),
    bound=st.booleans(),
)
def test_what_others_make_of_a_day_is_known_whole_or_not_at_all(
    raw: list[int], profile: list[int], bound: bool
) -> None:
    found = of_group(rows(raw), np.array(profile), np.array([bound]))[0]
    assert (found >= 0).all() or (not bound and set(found.tolist()) == {-1})

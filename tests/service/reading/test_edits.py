"""What clerks say of values: exact in sum, beside what was received, and only as long as that stays as it was."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from denghuo.service.reading.rules.curves import ACCEPTED, APART, EDITED, LINEAR, UNKNOWN, VALID
from denghuo.service.reading.rules.edits import (
    VERDICT_OF,
    Edit,
    Unfit,
    accepted,
    apply,
    by_like_days,
    by_line,
    by_registers,
    counts_of,
    entered,
)

DAY = 96
RAW = st.lists(st.integers(-1, 3), min_size=DAY, max_size=DAY).map(lambda day: np.array(day, dtype=np.int64))
KINDS = st.lists(st.sampled_from([VALID, LINEAR, UNKNOWN, APART]), min_size=DAY, max_size=DAY).map(np.array)
SPANS = st.tuples(st.integers(0, 95), st.integers(0, 95)).map(sorted)


@st.composite
def edits(draw: st.DrawFn) -> list[Edit]:
    found = []
    for number in range(1, draw(st.integers(0, 5)) + 1):
        first, last = draw(SPANS)
        size = last - first + 1
        way = draw(st.sampled_from(["accept", "value", "linear", "withdraw"]))
        seen = tuple(draw(st.lists(st.integers(-1, 3), min_size=size, max_size=size)))
        put = (
            (-1,) * size
            if way == "withdraw"
            else tuple(draw(st.lists(st.integers(-1, 9), min_size=size, max_size=size)))
        )
        found.append(Edit(number, first, last, way, seen, put))
    return found


@given(edits(), RAW, KINDS)
def test_the_last_word_counts_where_what_was_received_is_what_was_seen(
    said: list[Edit], raw: Any, verdict: Any
) -> None:
    """Slot by slot, as a person would go through the list."""
    estimate, found = np.full(DAY, -1, dtype=np.int64), verdict.copy()
    before = raw.copy()
    apply(said, raw, estimate, found)
    assert raw.tolist() == before.tolist()
    counts = counts_of(said, raw)
    for slot in range(DAY):
        standing = None
        for edit in said:
            place = slot - edit.first
            if 0 <= place < len(edit.seen) and edit.seen[place] == raw[slot]:
                standing = edit if edit.given[place] >= 0 or edit.way == "withdraw" else standing
        assert [number for number, flags in counts.items() if flags[slot]] == ([standing.edit_no] if standing else [])
        if standing is None or standing.way == "withdraw":
            assert (found[slot], estimate[slot]) == (verdict[slot], -1)
        else:
            given_ = standing.given[slot - standing.first]
            assert found[slot] == VERDICT_OF[standing.way]
            assert estimate[slot] == (-1 if standing.way == "accept" else given_)


@given(KINDS, SPANS, st.integers(0, 10_000_000))
def test_energy_of_a_span_is_placed_exactly_on_what_is_not_valid(verdict: Any, span: list[int], energy: int) -> None:
    first, last = span
    touched = verdict[first : last + 1] != VALID
    if not touched.any():
        with pytest.raises(Unfit):
            entered(verdict, first, last, energy)
        return
    put = entered(verdict, first, last, energy)
    assert put[touched].sum() == energy and (put[touched] >= 0).all() and (put[~touched] == -1).all()
    assert put[touched].max() - put[touched].min() <= 1


@given(RAW, KINDS, SPANS, st.integers(-1, 1_000))
def test_what_registers_leave_makes_the_day_whole(raw: Any, verdict: Any, span: list[int], difference: int) -> None:
    first, last = span
    estimate = np.where(verdict == LINEAR, 2, -1)
    try:
        put = by_registers(raw, estimate, verdict, first, last, difference)
    except Unfit:
        return
    counted = np.where(raw >= 0, raw, np.maximum(estimate, 0))
    counted[first : last + 1] = np.where(put >= 0, put, counted[first : last + 1])
    assert counted.sum() == difference


def test_a_line_lies_between_valid_neighbours_and_days_like_it_give_their_values() -> None:
    raw, verdict = np.full(DAY, 100), np.zeros(DAY, dtype=np.int64)
    raw[10:13], verdict[10:13], raw[13] = 9_999, APART, 500
    assert by_line(raw, verdict, 10, 12).tolist() == [200, 300, 400]
    assert by_line(raw, verdict, 9, 13).tolist() == [-1, 200, 300, 400, -1]
    verdict[:10] = APART
    with pytest.raises(Unfit):
        by_line(raw, verdict, 10, 12)
    like = np.arange(DAY)
    assert by_like_days(verdict, like, 8, 13).tolist() == [8, 9, 10, 11, 12, -1]
    with pytest.raises(Unfit):
        by_like_days(verdict, np.where(like == 9, -1, like), 8, 13)


def test_only_what_was_received_and_is_held_can_be_accepted() -> None:
    raw, verdict = np.full(DAY, 7), np.zeros(DAY, dtype=np.int64)
    raw[3], verdict[3:5] = -1, [UNKNOWN, APART]
    assert accepted(raw, verdict, 2, 5).tolist() == [-1, -1, 7, -1]
    with pytest.raises(Unfit):
        accepted(raw, verdict, 2, 3)
    assert VERDICT_OF["accept"] == ACCEPTED and set(VERDICT_OF.values()) == {ACCEPTED, *EDITED}

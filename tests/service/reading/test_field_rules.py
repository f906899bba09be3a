"""Plausibility of entries on site: worked cases that the phone is held to as well, and what holds for all of them."""

import json
import pathlib
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from denghuo.kernel.values import Register
from denghuo.service.reading.rules.field import Expected, field_check, most_a_day_e4, shows, warnings_of

CASES = json.loads((pathlib.Path(__file__).parent / "field_cases.json").read_text("utf-8"))
CHECK = field_check(date(2026, 5, 1))
AT = datetime(2026, 4, 30, 16, tzinfo=UTC)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_an_entry_is_held_against_what_is_known_of_its_meter(case: dict[str, Any]) -> None:
    known = [
        None if case[name] is None else Register.of(case[name]).e4 for name in ("last", "usual_a_day", "most_a_day")
    ]
    last_at = None if case["last_at"] is None else datetime.fromisoformat(case["last_at"])
    expected = Expected(6, 2, known[0], last_at, known[1], known[2])
    shown, at = Register.of(case["shown"]).e4, datetime.fromisoformat(case["at"])
    found = warnings_of(shown, at, expected, CHECK) if shows(shown, expected) else None
    assert found == case["warnings"]


@given(st.integers(0, 9_000_000_000), st.integers(1, 60), st.integers(1, 1_000_000), st.integers(1, 3))
def test_the_usual_advance_and_up_to_three_times_it_pass(last: int, days: int, usual: int, times: int) -> None:
    expected = Expected(6, 4, last, AT - timedelta(days=days), usual)
    assert warnings_of(last + usual * days * times, AT, expected, CHECK) == []
    assert warnings_of(last + usual * days * 3 + 1, AT, expected, CHECK) == ["high"]


@given(st.integers(1, 8_900_000_000), st.integers(1, 8_900_000_000))
def test_whatever_runs_backwards_far_from_the_turn_is_told(last: int, less: int) -> None:
    if less <= last:
        assert warnings_of(last - less, AT, Expected(6, 4, last, AT - timedelta(days=1), 10), CHECK) == ["negative"]


def test_what_a_capacity_lets_pass_in_a_day_is_divided_by_the_multiplier() -> None:
    assert (most_a_day_e4(8_000, 1), most_a_day_e4(100_000, 40)) == (1_920_000, 600_000)

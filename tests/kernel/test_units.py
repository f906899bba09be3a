"""What holds for a unit on a day: what was said last of itself, else of the nearest unit above it."""

from datetime import date, timedelta
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from denghuo.kernel.units import ByUnit


class Word(NamedTuple):
    org: str
    from_day: date
    said: int | None


ORGS = st.sampled_from(["1", "1.1", "1.1.1", "1.2", "11"])
DAYS = st.integers(0, 9).map(lambda days: date(2026, 5, 1) + timedelta(days=days))
WORDS = st.lists(st.builds(Word, ORGS, DAYS, st.none() | st.integers(0, 3)), max_size=12, unique_by=lambda one: one[:2])


@given(WORDS, ORGS, DAYS)
def test_the_nearest_unit_holds_by_its_last_word(words: list[Word], org: str, day: date) -> None:
    expected = None
    unit = org
    while unit and expected is None:
        own = max(
            (one for one in words if one.org == unit and one.from_day <= day),
            key=lambda one: one.from_day,
            default=None,
        )
        expected = own if own is not None and own.said is not None else None
        unit = unit.rpartition(".")[0]
    by_unit = ByUnit(words, lambda one: one.said is not None)
    assert by_unit.on(org, day) == expected
    assert bool(by_unit) == bool(words)


@given(WORDS, ORGS, DAYS, DAYS)
def test_nothing_changes_between_the_days_on_which_something_is_said(
    words: list[Word], org: str, after: date, until: date
) -> None:
    by_unit = ByUnit(words, lambda one: one.said is not None)
    days, before = by_unit.days(org, after, until), by_unit.on(org, after)
    day = after
    while day < until:
        day += timedelta(days=1)
        if day not in days:
            assert by_unit.on(org, day) == before
        before = by_unit.on(org, day)

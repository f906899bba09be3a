"""Periods are half open and months run between Shanghai midnights."""

import itertools
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from denghuo.kernel.period import Month, Period, days_between

instants = st.integers(1_577_836_800, 1_893_456_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))


def test_month_runs_between_shanghai_midnights() -> None:
    april = Month.of("2026-04")
    assert april.period == Period(datetime(2026, 3, 31, 16, tzinfo=UTC), datetime(2026, 4, 30, 16, tzinfo=UTC))
    assert april.period.days()[0] == date(2026, 4, 1)
    assert len(april.period.days()) == april.day_count == 30
    assert str(Month.of("2026-12").next) == "2027-01"
    assert str(Month.of("2026-01").previous) == "2025-12" and Month.of("2026-12").previous.next == Month.of("2026-12")


@given(cuts=st.lists(instants, max_size=5), start=instants, hours=st.integers(1, 10_000))
def test_split_loses_nothing(cuts: list[datetime], start: datetime, hours: int) -> None:
    period = Period(start, start + timedelta(hours=hours))
    pieces = period.split(*cuts)
    assert pieces[0].start == period.start
    assert pieces[-1].end == period.end
    assert all(left.end == right.start for left, right in itertools.pairwise(pieces))


@pytest.mark.parametrize("text", ["2026-13", "2026-4", "26-04", "", "2026-04-01", "二〇二六-04"])
def test_month_refuses(text: str) -> None:
    with pytest.raises(ValueError, match="not a month"):
        Month.of(text)


def test_period_refuses_naive_and_backward() -> None:
    with pytest.raises(ValueError, match="time zone"):
        Period(datetime(2026, 4, 1), datetime(2026, 5, 1))  # noqa: DTZ001  (a naive instant is what is refused)
    with pytest.raises(ValueError, match="ends after"):
        Period(datetime(2026, 5, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC))


def test_the_month_of_a_day_and_the_days_from_one_to_another() -> None:
    assert [Month.holding(day) for day in (date(2024, 2, 29), date(2024, 3, 1))] == [Month(2024, 2), Month(2024, 3)]
    assert days_between(date(2024, 2, 28), date(2024, 3, 1)) == [date(2024, 2, 28), date(2024, 2, 29), date(2024, 3, 1)]
    assert days_between(date(2024, 3, 1), date(2024, 2, 29)) == []

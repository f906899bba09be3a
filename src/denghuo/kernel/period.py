"""Periods: half-open spans of aware instants, and the months and days of the trade in Shanghai time (期间)."""

import calendar
import itertools
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")
SLOTS_A_DAY = 96


def midnight(day: date) -> datetime:
    """The instant at which a Shanghai day begins, in UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=SHANGHAI).astimezone(UTC)


def days_between(first: date, last: date) -> list[date]:
    """The days from one to another, both included."""
    return [first + timedelta(days=step) for step in range((last - first).days + 1)]


@dataclass(frozen=True, order=True)
class Period:
    """[start, end): two aware instants, kept in UTC. Empty periods do not exist."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        for name in ("start", "end"):
            instant: datetime = getattr(self, name)
            if instant.tzinfo is None:
                raise ValueError(f"period {name} {instant.isoformat()} has no time zone; give an aware instant")
            object.__setattr__(self, name, instant.astimezone(UTC))
        if self.end <= self.start:
            raise ValueError(f"a period ends after it starts: {self.start.isoformat()} .. {self.end.isoformat()}")

    def __contains__(self, instant: datetime) -> bool:
        return self.start <= instant < self.end

    def split(self, *instants: datetime) -> "list[Period]":
        """The pieces between the given instants; those outside the period are passed over."""
        cuts = [self.start, *sorted({at.astimezone(UTC) for at in instants if self.start < at < self.end}), self.end]
        return [Period(start, end) for start, end in itertools.pairwise(cuts)]

    def days(self) -> list[date]:
        """The Shanghai days that the period touches."""
        first = self.start.astimezone(SHANGHAI).date()
        last = (self.end - timedelta(microseconds=1)).astimezone(SHANGHAI).date()
        return days_between(first, last)


@dataclass(frozen=True, order=True)
class Month:
    """A calendar month, written "2026-04"."""

    year: int
    month: int

    @classmethod
    def of(cls, text: str) -> "Month":
        match = re.fullmatch(r"(\d{4})-(0[1-9]|1[0-2])", text)
        if match is None:
            raise ValueError(f"{text[:20]!r} is not a month such as 2026-04")
        return cls(int(match.group(1)), int(match.group(2)))

    @classmethod
    def holding(cls, day: date) -> "Month":
        """The month that a day lies in."""
        return cls(day.year, day.month)

    def __str__(self) -> str:
        return f"{self.year:04d}-{self.month:02d}"

    @property
    def day_count(self) -> int:
        return calendar.monthrange(self.year, self.month)[1]

    @property
    def next(self) -> "Month":
        return Month(self.year + self.month // 12, self.month % 12 + 1)

    @property
    def previous(self) -> "Month":
        return Month(self.year - (self.month == 1), (self.month - 2) % 12 + 1)

    @property
    def first_day(self) -> date:
        return date(self.year, self.month, 1)

    @property
    def period(self) -> Period:
        return Period(midnight(self.first_day), midnight(self.next.first_day))

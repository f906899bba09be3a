"""When a day's values are due, asked again, and given up (补采)."""

from datetime import date, datetime, timedelta

from denghuo.kernel.period import SHANGHAI

COLLECT_FOR = timedelta(hours=20)
"""How long a day's values are asked for, from when they were made due: until the evening of the next day."""
FIRST_RETRY, LONGEST_RETRY = timedelta(minutes=1), timedelta(hours=1)
"""A meter that did not answer is asked again after this, and each time after twice as long, at most the longest."""


def midnight_after(day: date) -> datetime:
    """The instant at which a day ends; its midnight registers are those of then."""
    return datetime(day.year, day.month, day.day, tzinfo=SHANGHAI) + timedelta(days=1)


def deadline_of(started: datetime) -> datetime:
    """Until when a collection is tried."""
    return started + COLLECT_FOR

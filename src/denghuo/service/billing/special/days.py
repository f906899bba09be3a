"""The days that are rated and the tier year that counts for them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from denghuo.kernel.period import Month
from denghuo.kernel.values import round_half_up


@dataclass(frozen=True)
class Days:
    """The days that are rated, both included, and whether the bill's last day is among them.

    month: in which they end; those of a reading of several months that is rated as one begin before it. begins, ends: the first
    month and the last day of the whole bill; None where these days are all of it.
    """

    month: Month
    first: date
    last: date
    closing: bool = True
    begins: Month | None = None
    ends: date | None = None

    @property
    def count(self) -> int:
        return (self.last - self.first).days + 1

    @property
    def whole(self) -> bool:
        return self.count == self.month.day_count


@dataclass(frozen=True)
class TierYear:
    """What of a tier year counts for an account: the months before this one, the last that counts, and how many count.

    billed: as the bills before counted, where the year ends early with this bill. read: the months that this reading covers. since:
    the first day of a year by readings, where it is not the one that the length of this reading lets expect.
    """

    earlier: Sequence[Month]
    last: Month
    months: int = 12
    billed: "TierYear | None" = None
    read: int = 1
    since: date | None = None


def of_days(month_wh: int, days: Days) -> int:
    """A quantity agreed for a month, for some of its days: what has run up by their end less what had before them, so that the
    stages of a month add up to it."""
    before = (days.first - days.month.first_day).days
    by_end = round_half_up(month_wh * (before + days.count), days.month.day_count)
    return by_end - round_half_up(month_wh * before, days.month.day_count)

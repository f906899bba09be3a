"""The days that a contract is billed for, and the month whose prices and monthly charges hold on them."""

from datetime import date, timedelta

from denghuo.kernel.period import Month
from denghuo.kernel.problem import text
from denghuo.service.billing.lines import CannotRate, RatingSubject


def billed_days(subject: RatingSubject) -> tuple[date, date]:
    """The first and the last day, both included; where nothing is said, all days of the month. They may begin in an earlier one of
    the months between two readings.

    Raises:
        CannotRate: there are none.
    """
    month = Month.of(subject.month)
    end = month.next.first_day - timedelta(days=1)
    begin = month
    for _ in range(subject.reading_months - 1):
        begin = begin.previous
    first = max(subject.first_day or month.first_day, begin.first_day)
    last = min(subject.last_day or end, end)
    if last < first:
        raise CannotRate(
            text(f"{subject.month} 没有应计费的天数。", f"No day of {subject.month} is to be billed."),
            code="no_days",
            value=f"{subject.first_day}..{subject.last_day}",
        )
    return first, last


def priced_month(subject: RatingSubject) -> Month:
    """The month in which the billed days end."""
    _, last = billed_days(subject)
    return Month.holding(last)

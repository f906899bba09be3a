"""Working days by the published holidays of the country (工作日): for what is asked for so many working days ahead. Pure.

In a year without published holidays they are Mondays to Fridays; what is refused for want of notice says so.
"""

from dataclasses import dataclass
from datetime import date, timedelta

from denghuo.kernel.problem import Text, text

_DAY = timedelta(days=1)
_SATURDAY = 5


@dataclass(frozen=True)
class WorkDays:
    """off: Mondays to Fridays on which nobody works; worked: Saturdays and Sundays on which one does. unpublished: years of which
    neither is known."""

    off: frozenset[date] = frozenset()
    worked: frozenset[date] = frozenset()
    unpublished: tuple[int, ...] = ()
    documents: tuple[str, ...] = ()

    def between(self, start: date, end: date) -> int:
        """How many there are from a day, itself included, to another, which is not."""
        weeks, rest = divmod(max((end - start).days, 0), 7)
        weekdays = weeks * 5 + sum((start + _DAY * at).weekday() < _SATURDAY for at in range(rest))
        return weekdays + sum(start <= day < end for day in self.worked) - sum(start <= day < end for day in self.off)

    def after_notice(self, applied_on: date, notice: int) -> date:
        """The first day on which what needs so many working days of notice can take effect."""
        day = applied_on + _DAY
        while self.between(applied_on, day) < notice:
            day += _DAY
        return day

    def said(self, first: date, last: date) -> Text:
        """By what the working days from a day to another were counted, as a further sentence."""
        missing = [str(year) for year in self.unpublished if first.year <= year <= last.year]
        zh = f"工作日按{'、'.join(self.documents)}。" if self.documents else ""
        en = f" Working days are those of {', '.join(self.documents)}." if self.documents else ""
        if missing:
            zh += f"{'、'.join(missing)} 年节假日尚未发布，按周一至周五计。"
            en += f" No holidays of {', '.join(missing)} are published; Mondays to Fridays count."
        return text(zh, en)


WEEKDAYS = WorkDays()
"""Mondays to Fridays."""

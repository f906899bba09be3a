"""The days of a month for tariffs whose bands hang on kinds of days, holidays or heat (日历), as the tariff service tells.

A bill that was divided by its curve keeps the days that are not ordinary, so that whoever computes it again finds the same bands.
"""

from collections.abc import Callable
from datetime import date, datetime
from functools import cache

from denghuo.kernel.contract import Call
from denghuo.kernel.period import Month
from denghuo.service.billing.lines import DayCalendar, SpecialDay
from denghuo.service.billing.rules.quantities import settled
from denghuo.service.host.binding import Ask
from denghuo.service.tariff.api import AskCalendar, AskedDay, CalendarShown, TariffApi, TariffDocument

CalendarOf = Callable[[TariffDocument, Month], DayCalendar | None]
"""What a bill keeps of the days of a month for a tariff."""
_SATURDAY = 6


def no_calendar(tariff: TariffDocument, month: Month) -> DayCalendar | None:
    """For tariffs whose bands hang on no day."""
    return None


def calendars_of(
    ask: Ask, call: Call, known_at: datetime | None = None, until: date | None = None
) -> Callable[[Month], "Calendars"]:
    """The calendars of months, each asked for once; arguments as those of `Calendars`."""
    return cache(lambda month: Calendars(ask, call, month, known_at, until))


class Calendars:
    """The days of one month. call: the platform's own. known_at: as published then, else as now. until: the midnight at which a
    running month ends; days behind it need not be known."""

    def __init__(
        self, ask: Ask, call: Call, month: Month, known_at: datetime | None = None, until: date | None = None
    ) -> None:
        self._ask, self._call, self._month, self._known_at, self._until = ask, call, month, known_at, until
        self._shown: dict[tuple[str, int], CalendarShown] = {}

    def asked(self, tariff: TariffDocument) -> list[AskedDay] | None:
        """All days of the month as the bands of the tariff are asked for; None where what they hang on is not published."""
        if settled(tariff, self._month):
            return [AskedDay(day=day) for day in self._month.period.days()]
        shown = self._of(tariff)
        unknown = [day for day in shown.missing if self._until is None or day < self._until]
        return None if unknown else shown.days

    def of(self, tariff: TariffDocument) -> DayCalendar | None:
        """What a bill keeps; None where the day of the week alone says which bands a day has, or not all is published."""
        if settled(tariff, self._month) or self.asked(tariff) is None:
            return None
        shown = self._of(tariff)
        days = [
            SpecialDay(
                day=one.day, kind=one.kind, holiday=one.holiday, holiday_days=one.holiday_days, maxima=one.maxima
            )
            for one in shown.days
            if one.maxima or one.kind != ("rest_day" if one.day.isoweekday() >= _SATURDAY else "workday")
        ]
        return DayCalendar(days=days, documents=shown.documents)

    def _of(self, tariff: TariffDocument) -> CalendarShown:
        at = (tariff.code, tariff.version)
        if at not in self._shown:
            request = AskCalendar(
                code=tariff.code, version=tariff.version, month=str(self._month), known_at=self._known_at
            )
            self._shown[at] = self._ask(TariffApi).calendar(self._call, request)
        return self._shown[at]

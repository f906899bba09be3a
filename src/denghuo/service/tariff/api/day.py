"""Messages and operations about which band holds at which time of a day (某日时段)."""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from denghuo.kernel.contract import Api, Call, Label, Message, query
from denghuo.kernel.fields import TariffCode
from denghuo.service.tariff.api.tariff import TariffNotFound, VersionNo
from denghuo.service.tariff.season import DAY_TYPES, Band, ClockTime

DAYS_MAX = 1_000


class AskedDay(Message):
    """A day with what a calendar and the weather say of it.

    holiday: the name of the holiday that the day belongs to, and how many days it lasts. maxima: the highest temperature of the day
    and of the days before it, the latest first, in degrees, as many as are known.
    """

    day: Annotated[date, Label("日期", "Day")]
    kind: Annotated[
        Literal["workday", "rest_day", "holiday"], Label("日类型", "Day type", dictionary=DAY_TYPES.name)
    ] = "workday"
    holiday: Annotated[str, StringConstraints(max_length=40), Label("节假日", "Holiday")] = ""
    holiday_days: Annotated[int, Field(ge=0, le=30), Label("假期天数", "Days of the holiday")] = 0
    maxima: Annotated[list[Annotated[int, Field(ge=-80, le=80)]], Field(max_length=31)] = []


class AskBands(Message):
    """Up to 1,000 days of one version; without `version` the newest published one, or the newest draft where none is."""

    code: TariffCode
    version: VersionNo | None = None
    days: Annotated[list[AskedDay], Field(min_length=1, max_length=DAYS_MAX)]


class BandSpan(Message):
    """A band over [start, end) of a day; "total" where the tariff has no bands. An end at midnight is 24:00."""

    day: Annotated[date, Label("日期", "Day")]
    band: Band
    start: Annotated[ClockTime, Label("起", "From")]
    end: Annotated[ClockTime, Label("止", "To")]


class BandsOfDays(Message):
    """Each day is covered once, in the order of the days asked for."""

    spans: list[BandSpan]


class DayOperations(Api):
    """Bands of days."""

    @query(permit="tariff.read", problems=(TariffNotFound,))
    def bands(self, call: Call, request: AskBands) -> BandsOfDays:
        """Which band of a tariff holds at which time of given days: what an energy curve needs to become band energies."""

"""Time of use in the tariff model (分时): the bands, when each holds, and its price as a share of another band's.

A season says which bands the days of some months have. Everything that makes a day special is a condition of it: months, kind of
day, days of the week, named holidays or holidays of a length, and heat. All conditions of a season must hold.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Annotated, Literal, Protocol

from pydantic import Field, StringConstraints

from denghuo.kernel.contract import Dictionary, Label, Message
from denghuo.kernel.fields import TextPair
from denghuo.kernel.problem import text
from denghuo.kernel.values import Percent, round_half_up

BANDS = Dictionary(
    "tariff.band",
    {
        "total": text("不分时", "All hours"),
        "sharp": text("尖峰", "Sharp peak"),
        "peak": text("峰", "Peak"),
        "flat": text("平", "Flat"),
        "valley": text("谷", "Valley"),
        "deep": text("深谷", "Deep valley"),
    },
    tones={"sharp": "danger", "peak": "warning", "valley": "good", "deep": "good"},
)
Band = Annotated[
    Literal["total", "sharp", "peak", "flat", "valley", "deep"], Label("时段", "Band", dictionary=BANDS.name)
]
BAND_ORDER = ("sharp", "deep", "peak", "valley", "flat")
"""The order in which windows are tested: in 14 of 89 published tables the sharp or deep window lies outside peak and valley."""
DAY_TYPES = Dictionary(
    "tariff.day_type",
    {
        "all": text("每日", "Every day"),
        "workday": text("工作日", "Working days"),
        "rest_day": text("休息日", "Rest days"),
        "holiday": text("节假日", "Holidays"),
    },
)
DayType = Annotated[
    Literal["all", "workday", "rest_day", "holiday"], Label("日类型", "Day type", dictionary=DAY_TYPES.name)
]

SourceNumber = Annotated[str, StringConstraints(min_length=2, max_length=120), Label("文号", "Document no.")]
MonthOfYear = Annotated[int, Field(ge=1, le=12)]
DayOfWeek = Annotated[int, Field(ge=1, le=7)]
"""1 = Monday."""
EVERY_MONTH = list(range(1, 13))
ClockTime = Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$|^24:00$")]


class Window(Message):
    """[start, end) in clock time; an end at or before the start lies on the following day, so 22:00-06:00 wraps midnight."""

    start: ClockTime
    end: ClockTime


class BandWindows(Message):
    """When a band holds and its price as a share (160.00 = 1.6 times) of the price of flat or, by `of`, of another band that is
    itself a share of flat: "尖峰在高峰基础上上浮20%" is 120.00 of peak. Exactly one band of a season may stand without windows: it
    takes the rest of the day."""

    band: Band
    windows: Annotated[list[Window], Field(max_length=24)] = []
    ratio: Annotated[Percent | None, Label("浮动比例", "Share of flat")] = None
    of: Annotated[Band, Label("浮动基准", "Share of")] = "flat"


class Season(Message):
    """The bands of some months and days. An `overlay` states some bands only (deep valley on holidays, sharp on hot days) and is
    tested before the season that it lies on.

    weekdays: days of the week, 1 = Monday; empty = every day of the kind `days`.
    holidays: names of the holidays that it is for; holiday_days_from: only holidays that last at least so many days.
    temperature_from: degrees of the day's maximum from which it holds, on `temperature_days` days running (the day itself is the
    last of them), measured at `temperature_at`.
    """

    title: TextPair
    months: Annotated[list[MonthOfYear], Field(min_length=1, max_length=12)] = EVERY_MONTH
    days: DayType = "all"
    weekdays: Annotated[list[DayOfWeek], Field(max_length=7)] = []
    holidays: list[Annotated[str, StringConstraints(min_length=1, max_length=40)]] = []
    holiday_days_from: Annotated[int, Field(ge=2, le=10)] | None = None
    temperature_from: Annotated[int, Field(ge=-60, le=60)] | None = None
    temperature_days: Annotated[int, Field(ge=1, le=10)] = 1
    temperature_at: Annotated[str, StringConstraints(max_length=40)] = ""
    overlay: bool = False
    bands: Annotated[list[BandWindows], Field(min_length=1, max_length=6)]
    document: SourceNumber | None = None

    @property
    def conditional(self) -> bool:
        """Whether it holds only on days that a calendar of months and kinds of days does not settle."""
        return bool(self.holidays or self.holiday_days_from or self.temperature_from is not None)


class DayFacts(Protocol):
    """What a calendar and the weather say of a day: workday, rest_day or holiday; the holiday's name and how many days it lasts;
    the highest temperature of the day and of the days before it, the latest first, in degrees."""

    @property
    def day(self) -> date: ...
    @property
    def kind(self) -> str: ...
    @property
    def holiday(self) -> str: ...
    @property
    def holiday_days(self) -> int: ...
    @property
    def maxima(self) -> Sequence[int]: ...


def seasons_on(seasons: Iterable[Season], day: DayFacts) -> list[Season]:
    """The seasons that hold on a day, in their order: of the base ones those of its kind, and the overlays."""
    holding = [season for season in seasons if _conditions_hold(season, day)]
    kinds = {day.kind, "all"} | ({"rest_day"} if day.kind == "holiday" else set())
    base = of_kind([season for season in holding if not season.overlay], day.kind)
    overlays = [season for season in holding if season.overlay and season.days in kinds]
    return [*base, *overlays]


def of_kind(seasons: list[Season], kind: str) -> list[Season]:
    """The base seasons for a kind of day: those that name it rule over those for every day; a holiday that none names is a
    rest day."""
    named = [season for season in seasons if season.days == kind]
    if kind == "holiday" and not named:
        named = [season for season in seasons if season.days == "rest_day"]
    return named or [season for season in seasons if season.days == "all"]


def _conditions_hold(season: Season, day: DayFacts) -> bool:
    """Whether all conditions of a season but the kind of its days hold on a day."""
    hot = day.maxima[: season.temperature_days]
    return (
        day.day.month in season.months
        and (not season.weekdays or day.day.isoweekday() in season.weekdays)
        and (not season.holidays or day.holiday in season.holidays)
        and (season.holiday_days_from is None or day.holiday_days >= season.holiday_days_from)
        and (
            season.temperature_from is None
            or (len(hot) == season.temperature_days and min(hot) >= season.temperature_from)
        )
    )


def share_of_flat(seasons: Iterable[Season], band: str) -> tuple[Percent, Season] | None:
    """The price of a band as a share of flat, and the season that states it; None where none of the seasons does.

    `seasons` are those of one month, base before overlay. A share of another band is multiplied with that band's own share; the
    product is rounded half up to 0.01 %, and the checker refuses what does not come out even.
    """
    in_order = list(seasons)
    for season in in_order:
        for entry in season.bands:
            if entry.band == band and entry.ratio is not None:
                if entry.of == "flat":
                    return entry.ratio, season
                base = stated_share([season, *in_order], entry.of)
                return None if base is None else (product(entry.ratio, base)[0], season)
    return None


def product(one: Percent, other: Percent) -> tuple[Percent, bool]:
    """Two shares multiplied, to 0.01 %, and whether that is exact."""
    number = one.number * other.number
    return Percent(round_half_up(number, 10_000)), number % 10_000 == 0


def stated_share(seasons: list[Season], band: str) -> Percent | None:
    """The share of flat that one of the seasons states for a band without leaning on another."""
    if band == "flat":
        return Percent(10_000)
    entries = (entry for season in seasons for entry in season.bands)
    return next((entry.ratio for entry in entries if entry.band == band and entry.of == "flat" and entry.ratio), None)

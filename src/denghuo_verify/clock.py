"""The bands of a day (时段): which one holds in each quarter-hour by the seasons of a tariff."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from denghuo_verify.energy import NoBill

SLOTS, MINUTES = 96, 15
FIRST = ("sharp", "deep", "peak", "flat", "valley")
"""Sharp and deep are tested before peak and valley."""
CONDITIONS = ("holidays", "holiday_days_from", "temperature_from")
SATURDAY = 6
Season = Mapping[str, Any]
Calendar = Mapping[str, Mapping[str, Any]]
"""What a bill keeps of days: kind, holiday and its length, and the highest temperatures."""


def day_bands(tariff: Mapping[str, Any], day: date, calendar: Calendar | None = None) -> list[str]:
    """The band of each quarter-hour of a day: that of the base season, and over it what the overlays of the day state.

    calendar: the days that a bill keeps; what it does not name is a day like others of its day of the week.

    Raises:
        NoBill: the bands hang on what the files do not tell (kinds of days, holidays, heat), or one begins within a quarter-hour.
    """
    every = [one for one in tariff.get("seasons") or [] if _in_time(one, day)]
    if calendar is None and any(
        one.get("days", "all") != "all" or any(one.get(name) for name in CONDITIONS) for one in every
    ):
        raise NoBill(
            f"{day} 的时段取决于节假日、日类型或气温，文件未载",
            f"the bands of {day} hang on holidays, kinds of days or heat, which the files do not tell",
        )
    facts = (calendar or {}).get(day.isoformat(), {})
    kind = facts.get("kind") or ("workday" if day.isoweekday() < SATURDAY else "rest_day")
    seasons = [one for one in every if _on_such_a_day(one, facts)]
    under = [one for one in seasons if not one.get("overlay")]
    kinds = ["holiday", "rest_day", "all"] if kind == "holiday" else [kind, "all"]
    first = next((one for name in kinds for one in under if one.get("days", "all") == name), None)
    base = [] if first is None else [_windows(first)]
    over = [_windows(one) for one in seasons if one.get("overlay") and one.get("days", "all") in kinds]
    return [_of_slot(slot, base + over, day) for slot in range(SLOTS)]


def calendar_of(rating: Mapping[str, Any]) -> Calendar | None:
    """The days that a bill (or a stage of it) keeps, by date; None where it keeps none."""
    kept = rating.get("calendar")
    return None if kept is None else {one["day"]: one for one in kept.get("days") or []}


def _in_time(season: Season, day: date) -> bool:
    weekdays = season.get("weekdays")
    return day.month in season.get("months", range(1, 13)) and (not weekdays or day.isoweekday() in weekdays)


def _on_such_a_day(season: Season, facts: Mapping[str, Any]) -> bool:
    """Holidays by name or length, and heat on so many days running, the day itself the last of them."""
    named, least, degrees = (season.get(name) for name in CONDITIONS)
    running = season.get("temperature_days", 1)
    hottest = list(facts.get("maxima") or [])[:running]
    return (
        (not named or facts.get("holiday", "") in named)
        and (least is None or facts.get("holiday_days", 0) >= least)
        and (degrees is None or (len(hottest) == running and min(hottest) >= degrees))
    )


def _windows(season: Season) -> list[tuple[str, int, int] | tuple[str, None, None]]:
    """Band, first and last minute of each window of a season, in the order in which they are tested; the band without windows
    comes last and holds for the rest."""
    found: list[tuple[str, int, int] | tuple[str, None, None]] = []
    bands = sorted(season["bands"], key=lambda one: FIRST.index(one["band"]))
    for one in bands:
        for window in one.get("windows") or []:
            found += [(one["band"], start, end) for start, end in _parts(window)]
    return found + [(one["band"], None, None) for one in bands if not one.get("windows")]


def _parts(window: Mapping[str, str]) -> Iterator[tuple[int, int]]:
    """A window that wraps midnight is the end and the beginning of a day."""
    start, end = _minute(window["start"]), _minute(window["end"])
    if start < end:
        yield start, end
    else:
        yield start, SLOTS * MINUTES
        yield 0, end


def _minute(clock: str) -> int:
    hours, _, minutes = clock.partition(":")
    return int(hours) * 60 + int(minutes)


def _of_slot(slot: int, seasons: Sequence[Sequence[Any]], day: date) -> str:
    bands = {_of_minute(minute, seasons) for minute in range(slot * MINUTES, (slot + 1) * MINUTES)}
    if len(bands) > 1:
        raise NoBill(
            f"{day} 有时段在15分钟之内起止，曲线不能区分",
            f"on {day} a band begins within a quarter-hour, which the curve cannot tell",
        )
    return bands.pop()


def _of_minute(minute: int, seasons: Sequence[Sequence[Any]]) -> str:
    """The last season that states a band for the minute; none states: no time of use."""
    found = "total"
    for windows in seasons:
        stated = next((band for band, start, end in windows if start is None or start <= minute < end), None)
        found = stated or found
    return found

"""The bands of a day (时段): which one holds in each quarter-hour by the seasons of a tariff."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from denghuo_verify.energy import NoBill

SLOTS, MINUTES = 96, 15
FIRST = ("sharp", "deep", "peak", "flat", "valley")
"""Sharp and deep are tested before peak and valley."""
CONDITIONS = ("holidays", "holiday_days_from", "temperature_from")
Season = Mapping[str, Any]


def day_bands(tariff: Mapping[str, Any], day: date) -> list[str]:
    """The band of each quarter-hour of a day: that of the base season, and over it what the overlays of the day state.

    Raises:
        NoBill: the bands hang on what neither file tells (kinds of days, holidays, heat), or one begins within a quarter-hour.
    """
    seasons = [one for one in tariff.get("seasons") or [] if _holds(one, day)]
    if any(one.get("days", "all") != "all" or any(one.get(name) for name in CONDITIONS) for one in seasons):
        raise NoBill(
            f"{day} 的时段取决于节假日、日类型或气温，文件未载",
            f"the bands of {day} hang on holidays, kinds of days or heat, which the files do not tell",
        )
    base = [_windows(one) for one in seasons if not one.get("overlay")][:1]
    over = [_windows(one) for one in seasons if one.get("overlay")]
    return [_of_slot(slot, base + over, day) for slot in range(SLOTS)]


def _holds(season: Season, day: date) -> bool:
    weekdays = season.get("weekdays")
    return day.month in season.get("months", range(1, 13)) and (not weekdays or day.isoweekday() in weekdays)


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

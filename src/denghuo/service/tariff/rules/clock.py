"""The day of a tariff: which band holds at which minute, and whether every day of the year is covered once."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from denghuo.service.tariff.api import BAND_ORDER, Band, Season, TariffDocument, Window
from denghuo.service.tariff.season import of_kind, product, seasons_on, stated_share

DAY = 24 * 60
QUARTER = 15
RATIO_MAX = 100_000
DAY_KINDS = ("workday", "rest_day", "holiday")
Found = tuple[str, str, str]


@dataclass(frozen=True)
class DayFacts:
    """What a calendar and the weather say of a day.

    kind: workday, rest_day or holiday; holiday: its name; holiday_days: how many days it lasts.
    maxima: the highest temperature of the day and of the days before it, the latest first, in degrees.
    """

    day: date
    kind: str = "workday"
    holiday: str = ""
    holiday_days: int = 0
    maxima: tuple[int, ...] = ()


def minutes_of(clock: str) -> int:
    return int(clock[:2]) * 60 + int(clock[3:])


def clock_of(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


def minutes_in(window: Window) -> list[range]:
    """The minutes of a day that a window covers; one that wraps midnight covers its end and its beginning."""
    start, end = minutes_of(window.start), minutes_of(window.end)
    return [range(start, end)] if start < end else [range(start, DAY), range(end)]


def day_of(season: Season) -> list[Band | None]:
    """The band of each minute by the windows of one season: sharp and deep are tested before peak and valley. What no window
    covers belongs to the band without windows, or to none."""
    rest = next((entry.band for entry in season.bands if not entry.windows), None)
    day: list[Band | None] = [rest] * DAY
    by_band = {entry.band: entry for entry in season.bands}
    for band in reversed(BAND_ORDER):
        if band in by_band:
            for window in by_band[band].windows:
                for minutes in minutes_in(window):
                    day[minutes.start : minutes.stop] = [band] * len(minutes)
    return day


def bands_of_day(tariff: TariffDocument, facts: DayFacts) -> list[Band]:
    """The band of each minute of a day: that of the base season, and over it what the overlays of the day state.

    A tariff without time of use, and a minute that no season covers, gives "total".
    """
    holding = seasons_on(tariff.seasons, facts)
    base = [season for season in holding if not season.overlay]
    day: list[Band] = [band or "total" for band in day_of(base[0])] if base else ["total"] * DAY
    for season in holding:
        if season.overlay:
            day = [over or under for over, under in zip(day_of(season), day, strict=True)]
    return day


def spans_of_day(tariff: TariffDocument, facts: DayFacts) -> list[tuple[Band, str, str]]:
    """The bands of a day with their clock times, in order; each begins where the one before ends."""
    day = bands_of_day(tariff, facts)
    starts = [minute for minute in range(DAY) if minute == 0 or day[minute] != day[minute - 1]]
    return [(day[start], clock_of(start), clock_of(end)) for start, end in zip(starts, [*starts[1:], DAY], strict=True)]


def season_findings(tariff: TariffDocument) -> Iterator[Found]:
    """Gaps, overlaps and missing shares in the time bands."""
    floats, needed = any(component.floats for component in tariff.components), seasons_in_force(tariff)
    for at, season in enumerate(tariff.seasons):
        yield from _one_season(f"/seasons/{at}", season, floats and season in needed)
    if tariff.seasons:
        yield from _year(tariff)
    yield from _shares(tariff)


def _shares(tariff: TariffDocument) -> Iterator[Found]:
    """Shares of another band: that band must be stated as a share of flat wherever it is leaned on, and come out even."""
    for at, season in enumerate(tariff.seasons):
        for row, entry in enumerate(season.bands):
            if entry.of == "flat" or entry.ratio is None:
                continue
            place = f"/seasons/{at}/bands/{row}"
            for month in season.months:
                others = [one for one in tariff.seasons if month in one.months]
                base = stated_share([season, *others], entry.of) if entry.of != entry.band else None
                if base is None:
                    yield (
                        f"{place}/of",
                        f"{month} 月没有以平段为基准的{entry.of}段比例",
                        f"month {month} states no share of flat for {entry.of}",
                    )
                elif not product(entry.ratio, base)[1]:
                    yield (
                        f"{place}/ratio",
                        f"{month} 月 {entry.ratio}% × {base}% 不是 0.01% 的整数倍，请直接写占平段的比例",
                        f"month {month}: {entry.ratio} % of {base} % is no multiple of 0.01 %: state the share of flat",
                    )


def _one_season(where: str, season: Season, floats: bool) -> Iterator[Found]:
    names = [entry.band for entry in season.bands]
    if len(set(names)) != len(names):
        yield f"{where}/bands", "时段重复", "a band stands twice"
    if "total" in names:
        yield f"{where}/bands", "“不分时”不是时段", "total is not a band of the day"
    if season.temperature_from is None and (season.temperature_days > 1 or season.temperature_at):
        yield f"{where}/temperature_from", "缺少启用气温", "the temperature from which it holds is missing"
    for name, values in (("months", season.months), ("weekdays", season.weekdays), ("holidays", season.holidays)):
        if len(set(values)) != len(values):
            yield f"{where}/{name}", "有重复", "has repeated values"
    open_bands = [entry.band for entry in season.bands if not entry.windows]
    if len(open_bands) > 1 or (season.overlay and open_bands):
        yield (
            f"{where}/bands",
            f"只能有一个时段不写起止：{'、'.join(open_bands)}",
            f"only one band may stand without windows: {', '.join(open_bands)}",
        )
    for row, entry in enumerate(season.bands):
        place = f"{where}/bands/{row}"
        for window in entry.windows:
            if minutes_of(window.start) == minutes_of(window.end) or window.start == "24:00":
                yield f"{place}/windows", f"{window.start}-{window.end} 为空", f"{window.start}-{window.end} is empty"
            if any(minutes_of(clock) % QUARTER for clock in (window.start, window.end)):
                yield (
                    f"{place}/windows",
                    f"{window.start}-{window.end} 应在整刻钟起止，曲线每日 96 点",
                    f"{window.start}-{window.end} must begin and end on a quarter-hour: curves have 96 points a day",
                )
        if floats and entry.band != "flat" and entry.ratio is None:
            yield f"{place}/ratio", "缺少浮动比例", "the share of flat is missing"
        if entry.ratio is not None and not 0 < entry.ratio.number <= RATIO_MAX:
            yield f"{place}/ratio", f"浮动比例 {entry.ratio}% 不合理", f"share {entry.ratio} % is out of reason"
    yield from _overlaps(where, season)
    if not season.overlay and not open_bands:
        gaps = _spans([band is None for band in day_of(season)])
        if gaps:
            yield f"{where}/bands", f"未覆盖全天 24 小时：缺 {gaps}", f"the day is not covered: {gaps} is missing"


def _overlaps(where: str, season: Season) -> Iterator[Found]:
    """Two windows of the same rank over one minute. Sharp and deep may lie in or over peak, flat and valley."""
    for rank in (("sharp", "deep"), ("peak", "flat", "valley")):
        count = [0] * DAY
        for entry in season.bands:
            if entry.band in rank:
                for window in entry.windows:
                    for minutes in minutes_in(window):
                        for minute in minutes:
                            count[minute] += 1
        doubled = _spans([number > 1 for number in count])
        if doubled:
            yield f"{where}/bands", f"时段重叠：{doubled}", f"windows overlap: {doubled}"


def _spans(marks: list[bool]) -> str:
    """The marked minutes as clock times."""
    parts: list[str] = []
    start: int | None = None
    for minute, marked in enumerate([*marks, False]):
        if marked and start is None:
            start = minute
        elif not marked and start is not None:
            parts.append(f"{clock_of(start)}-{clock_of(minute)}")
            start = None
    return ", ".join(parts)


def _year(tariff: TariffDocument) -> Iterator[Found]:
    """Each kind of day on each day of the week in each month in force has one season below the overlays."""
    for month, kind, weekday, count in _unsettled(tariff):
        if count or not tariff.partial:
            yield (
                "/seasons",
                f"{month} 月（{kind}，星期{weekday}）有 {count} 套时段",
                f"month {month}, {kind}, day {weekday} of the week: {count} sets of bands",
            )
    for at, season in enumerate(tariff.seasons):
        if not season.overlay and season.conditional:
            yield (
                f"/seasons/{at}",
                "按节假日或气温启用的时段应为叠加",
                "bands of holidays or hot days must be an overlay",
            )


def season_notices(tariff: TariffDocument) -> Iterator[Found]:
    """Months of a partial tariff for which no bands were found."""
    missing = sorted({month for month, _, _, count in _unsettled(tariff) if not count}) if tariff.partial else []
    if missing:
        said = ", ".join(map(str, missing))
        yield "/seasons", f"未见 {said} 月的时段", f"no bands were found for months {said}"


def _unsettled(tariff: TariffDocument) -> Iterator[tuple[int, str, int, int]]:
    """Month, kind of day, day of the week and number of seasons where that is not one; the first such day of a kind."""
    base = [season for season in tariff.seasons if not season.overlay and not season.conditional]
    for month in months_in_force(tariff) if tariff.seasons else ():
        for kind in DAY_KINDS:
            for weekday in range(1, 8):
                on_it = [one for one in base if month in one.months and (not one.weekdays or weekday in one.weekdays)]
                count = len(of_kind(on_it, kind))
                if count != 1:
                    yield month, kind, weekday, count
                    break


def seasons_in_force(tariff: TariffDocument) -> list[Season]:
    """The seasons that some day of the tariff can lie in."""
    months = set(months_in_force(tariff))
    return [season for season in tariff.seasons if months & set(season.months)]


def months_in_force(tariff: TariffDocument) -> list[int]:
    """The months of the year that a tariff touches, 1 to 12; all of them where its end is open or far."""
    start, end = tariff.effective_from, tariff.effective_to
    if end is None or (end - start).days >= 366:
        return list(range(1, 13))
    last = end - timedelta(days=1)
    count = (last.year - start.year) * 12 + last.month - start.month + 1
    return sorted({(start.month - 1 + after) % 12 + 1 for after in range(count)})

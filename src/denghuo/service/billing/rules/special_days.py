"""What a bill says of days whose bands a calendar or the weather decided (节假日与高温日)."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta

from denghuo.service.billing.lines import DayCalendar, RatingRemark, SpecialDay
from denghuo.service.billing.rules.words import remark
from denghuo.service.tariff.api import Season, TariffDocument, seasons_on

_DAY = timedelta(days=1)


def days_counted(tariff: TariffDocument, calendar: DayCalendar) -> Iterator[RatingRemark]:
    """One remark for each season of the tariff that holds on special days: which days, why, and by which documents."""
    by_document = "、".join(calendar.documents)
    in_english = ", ".join(calendar.documents)
    holding = [(day, seasons_on(tariff.seasons, day)) for day in calendar.days]
    for season in tariff.seasons:
        if season.days == "all" and not season.conditional:
            continue
        named = [day for day, seasons in holding if any(one is season for one in seasons)]
        if not named:
            continue
        in_words = ", ".join(dict.fromkeys(_why(season, day)[1] for day in named))
        reasons = "、".join(dict.fromkeys(_why(season, day)[0] for day in named))
        yield remark(
            "special_days",
            f"{_spans(named)} 按“{season.title.zh}”时段计（{reasons}），依据{by_document}；"
            f"时段规则见{season.document or tariff.sources[0].number}。",
            f"{_spans(named)} count by the hours of “{season.title.en}” ({in_words}) by {in_english}; the hours stand in"
            f" {season.document or tariff.sources[0].number}.",
        )


def _why(season: Season, day: SpecialDay) -> tuple[str, str]:
    if season.temperature_from is not None:
        degrees = season.temperature_from
        running = season.temperature_days
        return (
            f"{f'连续 {running} 日' if running > 1 else ''}最高气温达到 {degrees}℃",
            f"maximum of {degrees} °C{f' on {running} days running' if running > 1 else ''}",
        )
    if day.kind == "holiday":
        return day.holiday, day.holiday
    return ("调休上班", "moved working day") if day.kind == "workday" else ("休息日", "rest day")


def _spans(days: Sequence[SpecialDay]) -> str:
    """Days that follow each other as one span."""
    spans: list[tuple[date, date]] = []
    for one in days:
        if spans and spans[-1][1] + _DAY == one.day:
            spans[-1] = (spans[-1][0], one.day)
        else:
            spans.append((one.day, one.day))
    return ", ".join(f"{first}" if first == last else f"{first}..{last}" for first, last in spans)

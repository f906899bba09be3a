"""Tables of days (日历): read row by row, and what they say of the days of a month for the bands of a tariff. Pure."""

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from denghuo.kernel.fields import TextPair
from denghuo.kernel.period import Month
from denghuo.service.tariff.api import DraftDays, Season, TableFault, TariffDocument
from denghuo.service.tariff.rules.clock import DayFacts

COLUMNS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "holidays": {"day": ("day", "日期"), "kind": ("kind", "日类型"), "name": ("name", "节假日")},
    "temperatures": {
        "day": ("day", "日期"),
        "maximum": ("maximum", "最高气温", "最高气温(℃)"),
        "place": ("place", "测温地点"),
    },
}
OPTIONAL = frozenset({"place"})
KINDS = {
    "holiday": "holiday",
    "节假日": "holiday",
    "workday": "workday",
    "上班": "workday",
    "调休上班": "workday",
    "rest_day": "rest_day",
    "休息日": "rest_day",
}
DEGREES = re.compile(r"-?[0-9]{1,2}(\.[0-9])?")
FAULTS_MAX = 200
SATURDAY = 6
_DAY = timedelta(days=1)
Row = dict[str, Any]
"""A day as it is kept: day, and kind and name, or maximum (text) and place."""


@dataclass
class ReadDays:
    rows: list[Row] = field(default_factory=list)
    faults: list[TableFault] = field(default_factory=list)


def read_days(request: DraftDays, content: str) -> ReadDays:
    """The days of a file; a fault for each place that cannot be right, 200 at most."""
    read = ReadDays()
    length = 4 if request.kind == "holidays" else 7
    if len(request.period) != length:
        said = ("节假日按年，气温按年月", "holidays are of a year, temperatures of a month")
        remedy = ("写 2026 或 2026-07", "write 2026, or 2026-07")
        read.faults.append(_fault(0, "period", request.period, said, remedy))
        return read
    rows = csv.reader(io.StringIO(content.removeprefix("\ufeff")))
    try:
        columns = _columns(next(rows, []), COLUMNS[request.kind], read.faults)
        seen: set[tuple[str, str]] = set()
        for cells in rows if not read.faults else ():
            if any(cell.strip() for cell in cells) and len(read.faults) < FAULTS_MAX:
                named = {name: cells[at].strip() if at < len(cells) else "" for name, at in columns.items()}
                _take(read, rows.line_num, named, request, seen)
    except csv.Error as error:
        said = ("不是合法的 CSV", f"not CSV: {error}")
        read.faults.append(_fault(rows.line_num, "", "", said, ("请另存为 CSV(UTF-8)", "save it as CSV (UTF-8)")))
    if not read.rows and not read.faults:
        read.faults.append(_fault(1, "", "", ("没有数据行", "there is no row"), ("请选择日历文件", "choose the file")))
    read.rows.sort(key=lambda row: (row["day"], row.get("place", "")))
    return read


def _columns(heading: list[str], labels: Mapping[str, tuple[str, ...]], faults: list[TableFault]) -> dict[str, int]:
    known = {label: name for name, own in labels.items() for label in own}
    given = [cell.strip().replace("（", "(").replace("）", ")") for cell in heading]
    found = {known[label]: at for at, label in enumerate(given) if label in known}
    listed = ", ".join(labels)
    for label in given:
        if label not in known:
            remedy = (f"可用的列：{listed}", f"columns are: {listed}")
            faults.append(_fault(1, label, label, ("未知的列", "unknown column"), remedy))
    for name in labels:
        if name not in found and name not in OPTIONAL:
            faults.append(_fault(1, name, "", ("缺少该列", "the column is missing"), (f"补充 {name}", f"add {name}")))
    return found


def _take(read: ReadDays, line: int, cells: Mapping[str, str], request: DraftDays, seen: set[tuple[str, str]]) -> None:
    try:
        day = date.fromisoformat(cells["day"])
    except ValueError:
        day = None
    if day is None or not cells["day"].startswith(request.period):
        said = ("不是该期间的日期", f"not a day of {request.period}")
        read.faults.append(
            _fault(line, "day", cells["day"], said, ("写为 2026-05-01", "write it like 2026-05-01, within the period"))
        )
        return
    place = cells.get("place", "")
    if (cells["day"], place) in seen:
        said = ("日期重复", "the day stands twice")
        read.faults.append(_fault(line, "day", cells["day"], said, ("删去一行", "remove one")))
    seen.add((cells["day"], place))
    if request.kind == "temperatures":
        if DEGREES.fullmatch(cells["maximum"]):
            read.rows.append({"day": str(day), "maximum": cells["maximum"], "place": place})
            return
        said = ("不是气温", "not a temperature")
        read.faults.append(
            _fault(line, "maximum", cells["maximum"], said, ("写摄氏度，至多一位小数", "degrees, one decimal at most"))
        )
        return
    kind = KINDS.get(cells["kind"])
    if kind is None:
        said = ("未知的日类型", "unknown kind of day")
        remedy = ("写 节假日、调休上班 或 休息日", "write holiday, workday or rest_day")
        read.faults.append(_fault(line, "kind", cells["kind"], said, remedy))
    elif kind == "holiday" and not cells["name"]:
        said = ("节假日须有名称", "a holiday has a name")
        read.faults.append(_fault(line, "name", "", said, ("写节假日名称", "write its name")))
    else:
        read.rows.append({"day": str(day), "kind": kind, "name": cells["name"]})


def _fault(line: int, column: str, value: str, what: tuple[str, str], remedy: tuple[str, str]) -> TableFault:
    return TableFault(
        line=line,
        field=column,
        value=value[:80],
        what=TextPair(zh=what[0], en=what[1]),
        remedy=TextPair(zh=remedy[0], en=remedy[1]),
    )


_NEAR = 9
"""A season asks for up to ten days running."""

# --- what they say of a month ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Needs:
    """What the bands of a tariff in a month hang on: kinds of days, and temperatures of places over so many days running."""

    holidays: bool
    places: tuple[str, ...]
    running: int


def needs_of(tariff: TariffDocument, month: Month) -> Needs:
    seasons = [season for season in tariff.seasons if month.month in season.months]
    hot = [season for season in seasons if season.temperature_from is not None]
    return Needs(
        holidays=any(_by_kind(season) for season in seasons),
        places=tuple(sorted({season.temperature_at for season in hot})),
        running=max((season.temperature_days for season in hot), default=0),
    )


def _by_kind(season: Season) -> bool:
    return season.days != "all" or bool(season.holidays) or season.holiday_days_from is not None


def days_of_month(
    month: Month,
    needs: Needs,
    holidays: Mapping[int, Sequence[Row]],
    temperatures: Sequence[Row],
) -> tuple[list[DayFacts], list[date]]:
    """The days of a month, and those of which what is needed is not known.

    holidays: rows by year, only of years that are published. temperatures: rows of the month and of the days before it. Bands that
    hang on the temperatures of several places at once are not told.
    """
    named = {row["day"]: row for rows in holidays.values() for row in rows}
    place = needs.places[0] if len(needs.places) == 1 else None
    maxima = {row["day"]: _degrees(row["maximum"]) for row in temperatures if row["place"] == place}
    found: list[DayFacts] = []
    missing: list[date] = []
    for at in range(month.day_count):
        day = month.first_day + _DAY * at
        hot = list(_running(day, maxima, needs.running))
        lacking = (needs.holidays and day.year not in holidays) or len(hot) < needs.running
        if lacking:
            missing.append(day)
        row = named.get(str(day), {}) if needs.holidays else {}
        kind = row.get("kind") or ("rest_day" if day.isoweekday() >= SATURDAY else "workday")
        holiday = kind == "holiday"
        found.append(
            DayFacts(day, kind, row["name"] if holiday else "", _length(day, named) if holiday else 0, tuple(hot))
        )
    return found, missing


def months_touched(period: str, days: Sequence[Row], before: Sequence[Row] | None) -> list[str]:
    """The months whose bands a table of a year ("2026") or a month ("2026-04") can change. before: the days that it replaces; the
    first table of a year tells of all its days. A day counts for those near it: holidays are counted, and hot days run on."""
    if before is None and len(period) == len("2026"):
        return [f"{period}-{month:02d}" for month in range(1, 13)]
    rows, rows_before = ({(row["day"], row.get("place", "")): row for row in one} for one in (days, before or ()))
    changed = {key[0] for key in rows.keys() | rows_before.keys() if rows.get(key) != rows_before.get(key)}
    return sorted({str(date.fromisoformat(day) + _DAY * near)[:7] for day in changed for near in (-_NEAR, 0, _NEAR)})


def _running(day: date, maxima: Mapping[str, int], count: int) -> Iterator[int]:
    """The maxima of a day and of those before it, as far as they are known without a gap."""
    for back in range(count):
        degrees = maxima.get(str(day - _DAY * back))
        if degrees is None:
            return
        yield degrees


def _length(day: date, named: Mapping[str, Row]) -> int:
    """How many days the holiday of a day lasts: all holidays that follow each other."""
    first = last = day
    while named.get(str(first - _DAY), {}).get("kind") == "holiday":
        first -= _DAY
    while named.get(str(last + _DAY), {}).get("kind") == "holiday":
        last += _DAY
    return (last - first).days + 1


def _degrees(said: str) -> int:
    """Whole degrees that a maximum reaches: 34.9 does not reach 35, and -0.5 does not reach 0."""
    whole, _, tenths = said.partition(".")
    below = said.startswith("-") and tenths not in ("", "0")
    return int(whole) - below

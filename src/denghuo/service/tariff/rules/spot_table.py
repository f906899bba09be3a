"""Spot prices (现货电价) as a file: read row by row, and refused where they cannot be right. Pure.

CSV with a heading; columns in Chinese or English, in any order; a row is a point of a day of a node. Whether a day has 96, 48 or 24
points follows from its times.
"""

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from denghuo.kernel.fields import TextPair
from denghuo.kernel.period import Month
from denghuo.kernel.values import Price, round_half_up
from denghuo.service.tariff.api import DraftSpotPrices, TableFault

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "node": ("node", "节点", "价格节点"),
    "series": ("series", "价格类型"),
    "day": ("day", "日期"),
    "time": ("time", "时刻", "时段起"),
    "end": ("end", "时段止"),
    "price": ("price", "电价(元/千瓦时)", "电价"),
    "price_mwh": ("price_mwh", "电价(元/兆瓦时)"),
}
SERIES = {"day_ahead": "day_ahead", "日前": "day_ahead", "real_time": "real_time", "实时": "real_time"}
NODE = re.compile(r"[0-9A-Za-z\u4e00-\u9fff][0-9A-Za-z\u4e00-\u9fff._-]{0,31}")
CLOCK = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])|24:00")
FAULTS_MAX = 200
A_DAY = 24 * 60
_KWH_A_MWH = 1_000
Key = tuple[str, str, date]
"""Node, series and day."""


@dataclass
class ReadSpot:
    """The days of a file with their prices (1e-8 yuan) in order, and what was refused; complete where `faults` is empty."""

    days: dict[Key, tuple[int, ...]] = field(default_factory=dict)
    faults: list[TableFault] = field(default_factory=list)


@dataclass(frozen=True)
class _Point:
    line: int
    price: int


def read_spot(request: DraftSpotPrices) -> ReadSpot:
    """The prices of a file; a fault for each place that cannot be right, 200 at most."""
    read = ReadSpot()
    points: dict[Key, dict[int, _Point]] = {}
    rows = csv.reader(io.StringIO(request.text.removeprefix("\ufeff")))
    try:
        columns = _columns(next(rows, []), read.faults)
        for cells in rows if not read.faults else ():
            if any(cell.strip() for cell in cells):
                named = {name: cells[at].strip() if at < len(cells) else "" for name, at in columns.items()}
                _take(read.faults, rows.line_num, named, request, points)
            if len(read.faults) >= FAULTS_MAX:
                return read
    except csv.Error as error:
        said = ("不是合法的 CSV", f"not CSV: {error}")
        read.faults.append(_fault(rows.line_num, "", "", said, ("请另存为 CSV(UTF-8)", "save it as CSV (UTF-8)")))
        return read
    if not points and not read.faults:
        said = ("没有数据行", "there is no row")
        read.faults.append(_fault(1, "", "", said, ("请选择现货价格文件", "choose the file of spot prices")))
    for key, of_day in points.items():
        read.faults += _lacking(key, of_day)
        read.days[key] = tuple(of_day[at].price for at in sorted(of_day))
    return read


def mean_of(prices: Sequence[int]) -> Price:
    return Price(round_half_up(sum(prices), len(prices)))


def _columns(heading: list[str], faults: list[TableFault]) -> dict[str, int]:
    known = {label: name for name, labels in COLUMNS.items() for label in labels}
    found: dict[str, int] = {}
    for at, label in enumerate(cell.strip().replace("（", "(").replace("）", ")") for cell in heading):
        name = known.get(label)
        if name is None:
            listed = ", ".join(labels[0] for labels in COLUMNS.values())
            remedy = (f"可用的列：{listed}", f"columns are: {listed}")
            faults.append(_fault(1, label, label, ("未知的列", "unknown column"), remedy))
        elif name in found:
            faults.append(_fault(1, label, label, ("列重复", "column stands twice"), ("删去一列", "remove one")))
        else:
            found[name] = at
    for one in (("node",), ("series",), ("day",), ("time", "end"), ("price", "price_mwh")):
        if sum(name in found for name in one) != 1:
            said = ("须有且只有其中一列", "exactly one of these columns is needed")
            faults.append(_fault(1, "/".join(one), "", said, (f"补充或删去：{'、'.join(one)}", "add or remove one")))
    return found


def _take(
    faults: list[TableFault],
    line: int,
    cells: Mapping[str, str],
    request: DraftSpotPrices,
    points: dict[Key, dict[int, _Point]],
) -> None:
    before = len(faults)
    node, series = cells["node"], SERIES.get(cells["series"])
    if not NODE.fullmatch(node):
        remedy = ("写节点名称，至多 32 个字", "write the node's name, at most 32 characters")
        faults.append(_fault(line, "node", node, ("不是节点名称", "not the name of a node"), remedy))
    if series is None:
        remedy = ("写 日前 或 实时", "write day_ahead or real_time")
        faults.append(_fault(line, "series", cells["series"], ("未知的价格类型", "unknown series"), remedy))
    day, minute = _day(faults, line, cells["day"], request.month), _minute(faults, line, cells)
    price = _price(faults, line, cells, request)
    if len(faults) > before or series is None or day is None or minute is None or price is None:
        return
    of_day = points.setdefault((node, series, day), {})
    if minute in of_day:
        said = (f"与第 {of_day[minute].line} 行重复", f"the same point as line {of_day[minute].line}")
        value = f"{node} {cells['series']} {day} {_clock(minute)}"
        faults.append(_fault(line, "time", value, said, ("删去一行", "remove one of the rows")))
        return
    of_day[minute] = _Point(line, price)


def _day(faults: list[TableFault], line: int, cell: str, month: str) -> date | None:
    try:
        day = date.fromisoformat(cell)
    except ValueError:
        remedy = ("写成 2026-04-01", "write it as 2026-04-01")
        faults.append(_fault(line, "day", cell, ("不是日期", "not a day"), remedy))
        return None
    if str(Month.holding(day)) != month:
        remedy = (f"只导入 {month} 的价格", f"only days of {month} belong here")
        faults.append(_fault(line, "day", cell, ("不在本月", "not of the month"), remedy))
        return None
    return day


def _minute(faults: list[TableFault], line: int, cells: Mapping[str, str]) -> int | None:
    """When the point begins, in minutes of the day; of a point that is told by its end, its end."""
    name = "time" if "time" in cells else "end"
    cell = cells[name]
    minute = int(cell[:2]) * 60 + int(cell[3:]) if CLOCK.fullmatch(cell) else -1
    fits = 0 <= minute < A_DAY if name == "time" else 0 < minute <= A_DAY
    if not fits or minute % 15:
        remedy = ("写整刻钟，如 00:15；时段起至 23:45，时段止至 24:00", "write a quarter of an hour as 00:15")
        faults.append(_fault(line, name, cell, ("不是时刻", "not the time of a point"), remedy))
        return None
    return minute


def _price(faults: list[TableFault], line: int, cells: Mapping[str, str], request: DraftSpotPrices) -> int | None:
    name = "price" if "price" in cells else "price_mwh"
    cell = cells[name]
    try:
        price = Price.of(cell)
        if name == "price_mwh":
            whole, rest = divmod(price.e8, _KWH_A_MWH)
            if rest:
                raise ValueError("more than five decimals of a yuan per MWh")
            price = Price(whole)
    except ValueError as error:
        unit = ("元/千瓦时", "yuan per kWh") if name == "price" else ("元/兆瓦时", "yuan per MWh")
        remedy = (f"以{unit[0]}写小数", f"write a decimal in {unit[1]}")
        faults.append(_fault(line, name, cell, ("不是价格", str(error)[:120]), remedy))
        return None
    if not request.lowest.e8 <= price.e8 <= request.highest.e8:
        bounds = f"{request.lowest} ~ {request.highest}"
        said = (f"超出价格限值 {bounds} 元/千瓦时", f"outside the bounds {bounds} yuan per kWh")
        remedy = (
            "核对单位与限值；规则允许负价时填写价格下限",
            "check unit and bounds; give a lower one where the rules have one",
        )
        faults.append(_fault(line, name, cell, said, remedy))
        return None
    return price.e8


def _lacking(key: Key, of_day: Mapping[int, _Point]) -> Iterator[TableFault]:
    """The points that a day lacks of its 96, 48 or 24."""
    length = next(one for one in (60, 30, 15) if all(at % one == 0 for at in of_day))
    by_end = A_DAY in of_day
    expected = [at + (length if by_end else 0) for at in range(0, A_DAY, length)]
    missing = [at for at in expected if at not in of_day]
    odd = [at for at in of_day if at not in set(expected)]
    if not missing and not odd:
        return
    node, series, day = key
    first = min(point.line for point in of_day.values())
    named = ", ".join(_clock(at) for at in (missing or odd)[:8])
    said = (
        f"{A_DAY // length} 点缺 {len(missing)} 点：{named}",
        f"{len(missing)} of {A_DAY // length} points are missing: {named}",
    )
    remedy = ("补齐该日全部点", "complete the points of the day")
    yield _fault(first, "time", f"{node} {series} {day}", said, remedy)


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


def _fault(line: int, name: str, value: str, what: tuple[str, str], remedy: tuple[str, str]) -> TableFault:
    return TableFault(
        line=line,
        field=name[:60],
        value=value[:60],
        what=TextPair(zh=what[0], en=what[1]),
        remedy=TextPair(zh=remedy[0], en=remedy[1]),
    )


def file_of(node: str, days: Mapping[tuple[str, date], Sequence[int]]) -> str:
    """The prices of a node as a file that can be taken in again, and that the verifier reads."""
    found = ["node,series,day,time,price"]
    for (series, day), prices in sorted(days.items(), key=lambda one: (one[0][1], one[0][0])):
        length = timedelta(minutes=A_DAY // len(prices)) // timedelta(minutes=1)
        found += [f"{node},{series},{day},{_clock(at * length)},{Price(price)}" for at, price in enumerate(prices)]
    return "\n".join(found) + "\n"

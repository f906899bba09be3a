"""The monthly price table of agency purchase (代理购电价格表) as a file: read, and refused where it cannot be right.

CSV with a heading; columns in Chinese or English, in any order. A row is a scheme at a voltage with the parts of its price and, as
far as the province prints them, the prices by band. All prices are yuan.
"""

import csv
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from denghuo.kernel.fields import TextPair
from denghuo.kernel.period import Month
from denghuo.kernel.values import Price
from denghuo.service.tariff.api import TableFault

ROWS_MAX = 200
ENERGY_MAX = Price.of("5")
BASIC_MAX = Price.of("200")
SUM_NOTICED = Price.of("0.000002")
"""Prices are published with six decimals, so a sum of parts may differ by as much."""
SUM_REFUSED = Price.of("0.001")
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "scheme": ("scheme", "用电分类", "用电类别"),
    "voltage": ("voltage", "电压等级"),
    "agent": ("agent", "代理购电价格"),
    "average": ("average", "当月平均购电价格"),
    "deviation": ("deviation", "历史偏差折价"),
    "line_loss": ("line_loss", "上网环节线损费用"),
    "transmission": ("td", "transmission", "输配电价", "电度输配电价"),
    "system_operation": ("sysop", "system_operation", "系统运行费用"),
    "pumped_storage": ("pumped_storage", "抽水蓄能容量电费"),
    "coal_capacity": ("coal_capacity", "煤电容量电费"),
    "line_loss_balance": ("line_loss_balance", "上网环节线损代理采购损益", "线损代理采购损益"),
    "cross_subsidy_balance": ("cross_subsidy_balance", "电价交叉补贴新增损益", "交叉补贴新增损益"),
    "capacity_compensation_balance": ("capacity_compensation_balance", "容量补偿分时损益"),
    "mechanism_difference": ("mechanism_difference", "新能源机制电价差价"),
    "time_of_use_balance": ("time_of_use_balance", "分时电价损益"),
    "power_factor_balance": ("power_factor_balance", "力调电费损益"),
    "arose_in": ("arose_in", "损益所属月份"),
    "funds": ("gov_fund", "funds", "政府性基金及附加"),
    "total": ("non_tou", "total", "非分时电度用电价格", "电度用电价格"),
    "sharp": ("sharp", "尖峰时段"),
    "peak": ("peak", "高峰时段"),
    "flat": ("flat", "平时段"),
    "valley": ("valley", "低谷时段"),
    "deep": ("deep", "深谷时段"),
    "demand": ("demand_yuan_per_kW", "demand", "最大需量"),
    "capacity": ("capacity_yuan_per_kVA", "capacity", "变压器容量"),
}
PASSED_OVER = frozenset({"note", "source", "备注", "来源"})
PARTS = ("agent", "line_loss", "transmission", "system_operation", "funds")
OPERATION = (
    "pumped_storage",
    "coal_capacity",
    "line_loss_balance",
    "cross_subsidy_balance",
    "capacity_compensation_balance",
    "mechanism_difference",
    "time_of_use_balance",
    "power_factor_balance",
)
"""What the price of system operation is made of, where the table tells it apart; in this order on the bill."""
FROM_EARLIER = frozenset({"deviation", *(name for name in OPERATION if name.endswith("_balance"))})
"""Gains and losses of an earlier month that this month's customers share."""
SIGNED = FROM_EARLIER | {"mechanism_difference"}
_WORDS = ("scheme", "voltage", "arose_in")
REQUIRED = ("scheme", "voltage", *PARTS)
BY_BAND = ("sharp", "peak", "flat", "valley", "deep")
SCHEMES = {"single": "single", "单一制": "single", "two": "two", "两部制": "two"}
VOLTAGES = {
    ("<1kv", "不满1千伏"): ("0.22", "0.38"),
    ("1-10kv", "1-10千伏"): ("6", "10"),
    ("1-10(20)kv", "1-10(20)千伏", "1-20千伏"): ("6", "10", "20"),
    ("20kv", "20千伏"): ("20",),
    ("35kv", "35千伏"): ("35",),
    ("35-110kv以下", "35-110千伏以下"): ("35", "66"),
    ("35-110kv", "35-110千伏"): ("35", "66", "110"),
    ("66kv", "66千伏"): ("66",),
    ("66-110kv", "66-110千伏"): ("66", "110"),
    ("110kv", "110千伏"): ("110",),
    ("110-220kv以下", "110-220千伏以下"): ("110",),
    ("220kv", "220千伏"): ("220",),
    ("220kv+", "220kv及以上", "220千伏及以上"): ("220", "330", "500"),
}
_LEVELS = {label: levels for labels, levels in VOLTAGES.items() for label in labels}


@dataclass(frozen=True)
class TableRow:
    """A row as read. `parts`: agent, line_loss, transmission, system_operation and funds, and average with deviation and the items
    of system operation where they are given; `bands`: printed prices by band, "total" without time of use; demand, capacity: prices
    of two-part rows; arose_in: the month whose gains and losses the row shares."""

    line: int
    scheme: str
    voltages: tuple[str, ...]
    parts: Mapping[str, Price]
    bands: Mapping[str, Price]
    demand: Price | None
    capacity: Price | None
    arose_in: Month | None = None

    @property
    def sum(self) -> Price:
        return Price(sum(self.parts[name].e8 for name in PARTS))


@dataclass
class Read:
    """The rows of a table, what was refused, and what a person should know."""

    rows: list[TableRow] = field(default_factory=list)
    faults: list[TableFault] = field(default_factory=list)
    notices: list[TableFault] = field(default_factory=list)


def read_price_table(text: str) -> Read:
    """A table from its text. `rows` are complete only where `faults` is empty."""
    read = Read()
    lines = csv.reader(text.removeprefix("\ufeff").splitlines())
    try:
        heading = next(lines, [])
        columns = _columns(heading, read.faults)
        if read.faults:
            return read
        for cells in lines:
            if any(cell.strip() for cell in cells):
                _take(
                    read, lines.line_num, {name: cells[at].strip() for name, at in columns.items() if at < len(cells)}
                )
            if len(read.rows) > ROWS_MAX:
                read.faults.append(
                    _fault(
                        lines.line_num,
                        "",
                        "",
                        ("行数过多", "too many rows"),
                        (f"至多 {ROWS_MAX} 行", f"at most {ROWS_MAX}"),
                    )
                )
                return read
    except csv.Error as error:
        said = ("不是合法的 CSV", f"not CSV: {error}")
        read.faults.append(_fault(lines.line_num, "", "", said, ("请另存为 CSV(UTF-8)", "save it as CSV (UTF-8)")))
        return read
    if not read.rows and not read.faults:
        read.faults.append(
            _fault(1, "", "", ("没有数据行", "there is no row"), ("请选择价格表文件", "choose the price table"))
        )
    read.faults += _repeated(read.rows)
    read.faults += _of_several_months(read.rows)
    return read


def _columns(heading: list[str], faults: list[TableFault]) -> dict[str, int]:
    known = {label: name for name, labels in COLUMNS.items() for label in labels}
    found: dict[str, int] = {}
    for at, label in enumerate(cell.strip() for cell in heading):
        name = known.get(label)
        if name in found:
            faults.append(_fault(1, label, label, ("列重复", "column stands twice"), ("删去一列", "remove one")))
        elif name is not None:
            found[name] = at
        elif label not in PASSED_OVER:
            listed = ", ".join(labels[0] for labels in COLUMNS.values())
            faults.append(
                _fault(
                    1, label, label, ("未知的列", "unknown column"), (f"可用的列：{listed}", f"columns are: {listed}")
                )
            )
    for name in REQUIRED:
        apart = (name == "agent" and {"average", "deviation"} <= set(found)) or (
            name == "system_operation" and not found.keys().isdisjoint(OPERATION)
        )
        if name not in found and not apart:
            labels = COLUMNS[name]
            faults.append(
                _fault(
                    1, labels[0], "", ("缺少该列", "column is missing"), (f"列名 {labels[-1]}", f"name it {labels[0]}")
                )
            )
    return found


def _take(read: Read, line: int, cells: dict[str, str]) -> None:
    before = len(read.faults)
    scheme = SCHEMES.get(cells.get("scheme", ""))
    if scheme is None:
        read.faults.append(
            _fault(
                line,
                "scheme",
                cells.get("scheme", ""),
                ("未知的用电分类", "unknown scheme"),
                ("写 单一制 或 两部制", "write single or two"),
            )
        )
    levels = _LEVELS.get(cells.get("voltage", "").lower().replace(" ", "").replace("（", "(").replace("）", ")"))
    if levels is None:
        listed = "、".join(labels[-1] for labels in VOLTAGES), ", ".join(labels[0] for labels in VOLTAGES)
        read.faults.append(
            _fault(line, "voltage", cells.get("voltage", ""), ("未知的电压等级", "unknown voltage"), listed)
        )
    prices = {
        name: price
        for name in COLUMNS
        if name not in _WORDS
        for price in [_price(read.faults, line, name, cells.get(name, ""))]
        if price is not None
    }
    arose_in = _month(read.faults, line, cells.get("arose_in", ""))
    # A column of the heading is filled in every row, so that an item is never left out by a slip.
    missing = [name for name in OPERATION if name in cells and name not in prices]
    if len(read.faults) == before:
        read.faults += [
            _fault(line, name, "", ("缺少该价格", "price is missing"), ("没有则填 0", "write 0 where there is none"))
            for name in missing
        ]
    if len(read.faults) > before or scheme is None or levels is None:
        return
    if "average" in prices and "deviation" in prices:
        prices.setdefault("agent", prices["average"] + prices["deviation"])
    items = [prices[name] for name in OPERATION if name in prices]
    if items:
        prices.setdefault("system_operation", Price(sum(price.e8 for price in items)))
    read.faults += _misfits(line, scheme, prices)
    if len(read.faults) > before:
        return
    row = TableRow(
        line=line,
        scheme=scheme,
        voltages=levels,
        parts={name: prices[name] for name in (*PARTS, "average", "deviation", *OPERATION) if name in prices},
        bands={name: prices[name] for name in ("total", *BY_BAND) if name in prices},
        demand=prices.get("demand"),
        capacity=prices.get("capacity"),
        arose_in=arose_in,
    )
    read.rows.append(row)
    read.faults += _sum_faults(row, read.notices)


def _price(faults: list[TableFault], line: int, name: str, cell: str) -> Price | None:
    if not cell:
        return None
    remedy = ("以元为单位写小数，如 0.384470", "write yuan as a decimal such as 0.384470")
    try:
        price = Price.of(cell)
    except ValueError as error:
        faults.append(_fault(line, name, cell, ("不是价格", str(error)[:120]), remedy))
        return None
    largest = BASIC_MAX if name in ("demand", "capacity") else ENERGY_MAX
    if abs(price.e8) > largest.e8 or (price.e8 < 0 and name not in SIGNED):
        faults.append(
            _fault(
                line,
                name,
                cell,
                ("价格超出合理范围", "price is out of reason"),
                ("请核对单位（元）", "check the unit (yuan)"),
            )
        )
        return None
    return price


def _month(faults: list[TableFault], line: int, cell: str) -> Month | None:
    """The month from which gains and losses come."""
    try:
        return Month.of(cell) if cell else None
    except ValueError:
        said, remedy = ("不是月份", "not a month"), ("写年-月，如 2025-11", "write year and month such as 2025-11")
        faults.append(_fault(line, "arose_in", cell, said, remedy))
        return None


def _misfits(line: int, scheme: str, prices: Mapping[str, Price]) -> Iterator[TableFault]:
    for name in PARTS:
        if name not in prices:
            yield _fault(line, name, "", ("缺少该价格", "price is missing"), ("补上该格", "fill in the cell"))
    if scheme == "two" and not ("demand" in prices and "capacity" in prices):
        name = "capacity" if "demand" in prices else "demand"
        said = ("两部制缺少容（需）量电价", "a two-part row needs demand and capacity prices")
        yield _fault(line, name, "", said, ("补上该格", "fill in the cell"))
    if {"agent", "average", "deviation"} <= set(prices) and prices["average"] + prices["deviation"] != prices["agent"]:
        said = ("代理购电价格不等于平均价加历史偏差", "agent is not average + deviation")
        total = str(prices["average"] + prices["deviation"])
        yield _fault(line, "agent", str(prices["agent"]), said, (f"应为 {total}", f"should be {total}"))
    items = [prices[name].e8 for name in OPERATION if name in prices]
    if items and "system_operation" in prices and sum(items) != prices["system_operation"].e8:
        whole = Price(sum(items))
        said = (f"系统运行费用不等于各项之和 {whole}", f"system operation is not the sum of its items, {whole}")
        yield _fault(line, "system_operation", str(prices["system_operation"]), said, ("请核对各项", "check the items"))
    printed = [(name, prices[name]) for name in BY_BAND if name in prices]
    for (higher, above), (lower, below) in zip(printed, printed[1:], strict=False):
        if not above > below:
            said = (f"{higher} 不高于 {lower}", f"{higher} is not above {lower}")
            yield _fault(
                line, higher, str(above), said, ("请核对两格是否互换", "see whether the two cells were swapped")
            )


def _sum_faults(row: TableRow, notices: list[TableFault]) -> Iterator[TableFault]:
    for name in ("total", "flat"):
        if name in row.bands:
            difference = abs(row.bands[name] - row.sum)
            said = (
                f"与各项之和 {row.sum} 相差 {difference} 元",
                f"differs from the sum of its parts, {row.sum}, by {difference} yuan",
            )
            fault = _fault(row.line, name, str(row.bands[name]), said, ("请核对各项", "check the parts"))
            if difference > SUM_REFUSED:
                yield fault
            elif difference > SUM_NOTICED:
                notices.append(fault)


def _of_several_months(rows: list[TableRow]) -> Iterator[TableFault]:
    """A table shares the gains and losses of one month."""
    for row in rows:
        if row.arose_in != rows[0].arose_in:
            said = (f"与首行的月份 {rows[0].arose_in} 不同", f"another month than {rows[0].arose_in} of the first row")
            shown = str(row.arose_in) if row.arose_in else ""
            yield _fault(row.line, "arose_in", shown, said, ("各行写同一月份", "write the same month in every row"))


def _repeated(rows: list[TableRow]) -> Iterator[TableFault]:
    seen: Counter[tuple[str, str]] = Counter()
    for row in rows:
        for level in row.voltages:
            seen[row.scheme, level] += 1
            if seen[row.scheme, level] == 2:
                said = (f"{level} 千伏已有一行", f"{level} kV has a row already")
                yield _fault(row.line, "voltage", level, said, ("删去一行", "remove one of the rows"))


def _fault(line: int, name: str, value: str, what: tuple[str, str], remedy: tuple[str, str]) -> TableFault:
    return TableFault(
        line=line,
        field=name[:60],
        value=value[:60],
        what=TextPair(zh=what[0], en=what[1]),
        remedy=TextPair(zh=remedy[0], en=remedy[1]),
    )

"""What COSEM objects are by their logical name and class, in both languages (data/*.csv), and what their numbers count."""

from collections.abc import Mapping
from functools import cache, lru_cache
from typing import NamedTuple

from denghuo.kernel.problem import Text, text
from denghuo.service.acquisition.protocol.axdr import STRUCTURE, Data
from denghuo.service.acquisition.protocol.fault import BadFrame
from denghuo.service.acquisition.protocol.words import rows

UNKNOWN: Text = text("未知对象", "unknown object")
ERRORS: Mapping[int, Text] = {
    0: text("成功", "success"),
    1: text("硬件失效", "hardware fault"),
    2: text("暂时失效", "temporary failure"),
    3: text("拒绝读写", "read-write denied"),
    4: text("对象未定义", "object undefined"),
    9: text("对象类不符", "object class inconsistent"),
    11: text("对象不可用", "object unavailable"),
    12: text("类型不匹配", "type unmatched"),
    13: text("超出访问范围", "scope of access violated"),
    14: text("数据块不可用", "data block unavailable"),
    15: text("长块读取中止", "long get aborted"),
    16: text("没有正在进行的长块读取", "no long get in progress"),
    17: text("长块设置中止", "long set aborted"),
    18: text("没有正在进行的长块设置", "no long set in progress"),
    19: text("数据块序号错误", "data block number invalid"),
    250: text("其他原因", "other reason"),
}
_INTEGRALS = (8, 9, 29)
_PHASES = {0: text("", ""), 20: text("A相", "phase A"), 40: text("B相", "phase B"), 60: text("C相", "phase C")}


class Kind(NamedTuple):
    """An interface class: its name, and its attributes (a1..) and methods (m1..)."""

    name: Text
    members: Mapping[str, Text]


class Scale(NamedTuple):
    """A count is in 10**`scaler` of `unit` (its code of IEC 62056-6-2)."""

    scaler: int
    unit: int


@cache
def classes() -> Mapping[int, Kind]:
    """The classes of objects with the names of their members."""
    found = {}
    for row in rows(__package__, "classes.csv"):
        members = {}
        for said in row["members"].split(";"):
            key, zh, en = said.split(" ", 2)
            members[key] = text(zh, en)
        found[int(row["class"])] = Kind(text(row["zh"], row["en"]), members)
    return found


@cache
def _units() -> Mapping[int, str]:
    return {int(row["code"]): row["unit"] for row in rows(__package__, "units.csv")}


def unit_of(code: int) -> str:
    """The sign of a unit; empty where it has none."""
    return _units().get(code, "")


@cache
def _numbered(table: str, key: str) -> Mapping[int, Text]:
    return {int(row[key]): text(row["zh"], row["en"]) for row in rows(__package__, table)}


@cache
def _objects() -> list[tuple[list[str], Text]]:
    return [(row["obis"].split("."), text(row["zh"], row["en"])) for row in rows(__package__, "objects.csv")]


@lru_cache(4096)
def name_of(obis: str) -> Text:
    """What the object with a logical name like 1.0.1.8.0.255 is; `UNKNOWN` where the tables do not say."""
    parts = obis.split(".")
    for pattern, name in _objects():
        if all(want in ("x", part) for want, part in zip(pattern, parts, strict=True)):
            return name
    medium, _, quantity, kind, tariff, period = map(int, parts)
    return _measured(quantity, kind, tariff, period) if medium == 1 else UNKNOWN


def _measured(quantity: int, kind: int, tariff: int, period: int) -> Text:
    """An electrical value by what is measured (C), how it is made (D), its tariff (E), and the billing period (F)."""
    quantities, kinds = _numbered("quantities.csv", "c"), _numbered("kinds.csv", "d")
    shift = 0 if quantity in quantities else (quantity - 1) // 20 * 20
    base = quantity - shift
    if base not in quantities or shift not in _PHASES or kind not in kinds:
        return UNKNOWN
    what, phase, how = quantities[base], _PHASES[shift], kinds[kind]
    zh, en = f"{phase['zh']}{what['zh']}", f"{what['en']} {phase['en']}".strip()
    of_power = base <= 10 or base in (15, 16)
    if of_power and kind == 8:
        zh, en = f"{zh}电能", f"{en}, energy"
    elif of_power and kind in _INTEGRALS:
        zh, en = f"{zh}电能（{how['zh']}）", f"{en}, energy ({how['en']})"
    elif of_power:
        zh, en = f"{zh}功率 {how['zh']}", f"{en}, power, {how['en']}"
    else:
        zh, en = f"{zh} {how['zh']}", f"{en}, {how['en']}"
    if of_power and kind != 7:
        zh, en = (f"{zh} 总", f"{en}, total") if tariff == 0 else (f"{zh} 费率{tariff}", f"{en}, tariff {tariff}")
    if period != 255:
        zh, en = f"{zh}（结算周期{period}）", f"{en} (billing period {period})"
    return text(zh, en)


def member_of(interface: int, kind: str, number: int) -> Text:
    """What an attribute (`kind` a) or method (m) of a class is."""
    known = classes().get(interface)
    said = known.members.get(f"{kind}{number}") if known else None
    return said or (
        text(f"属性{number}", f"attribute {number}") if kind == "a" else text(f"方法{number}", f"method {number}")
    )


def scale_of(data: Data) -> Scale:
    """The scaler and unit that an attribute of a register says; BadFrame where it is none."""
    tag, parts = data
    if tag == STRUCTURE and len(parts) == 2 and parts[0][0] == 0x0F and parts[1][0] == 0x16:
        return Scale(parts[0][1], parts[1][1])
    raise BadFrame("content", 0, str(data), "a scaler and a unit")

"""Load records of DL/T 645-2007 (负荷记录, class 06): points of a curve as the meter kept them.

    A0 A0 | length | mm hh DD MM YY | class 1 | AA | .. | class 6 | AA | sum | E5

A class that the meter does not keep is just its AA. E0 E0 in place of A0 A0: the meter kept no point.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from denghuo.service.acquisition.protocol.fault import BadFrame
from denghuo.service.acquisition.protocol.fields import Item, Value, format_of
from denghuo.service.acquisition.protocol.words import named

_START = b"\xa0\xa0"
_MISSING = b"\xe0\xe0"
_HEAD_SIZE = 8
_PHASES = ("A相", "B相", "C相")
_TOTAL = ("总", *_PHASES)
CLASSES: Sequence[Sequence[tuple[str, str, str]]] = (
    (
        *((f"{phase}电压", "3.1", "V") for phase in _PHASES),
        *((f"{phase}电流", "-3.3", "A") for phase in _PHASES),
        ("电网频率", "2.2", "Hz"),
    ),
    (
        *((f"{phase}有功功率", "-2.4", "kW") for phase in _TOTAL),
        *((f"{phase}无功功率", "-2.4", "kvar") for phase in _TOTAL),
    ),
    tuple((f"{phase}功率因数", "-1.3", "") for phase in _TOTAL),
    (
        ("正向有功总电能", "6.2", "kWh"),
        ("反向有功总电能", "6.2", "kWh"),
        ("组合无功1总电能", "-6.2", "kvarh"),
        ("组合无功2总电能", "-6.2", "kvarh"),
    ),
    tuple((f"第{name}象限无功总电能", "6.2", "kvarh") for name in "一二三四"),
    (("当前有功需量", "-2.4", "kW"), ("当前无功需量", "-2.4", "kvar")),
)


@dataclass(frozen=True, slots=True)
class Point:
    """One kept point: `at` None where the meter marks it as not kept. Items lie at [start, end) of the data."""

    at: datetime | None
    items: Sequence[Item]
    start: int
    end: int


def points(data: bytes) -> list[Point]:
    """The points in the data behind a 06 identifier; BadFrame where a record is cut, its sum or marks are wrong."""
    found = []
    at = 0
    while at < len(data):
        if data[at : at + 2] not in (_START, _MISSING):
            raise BadFrame("start", at, data[at : at + 2].hex(), "a0a0")
        if len(data) < at + _HEAD_SIZE:
            raise BadFrame("short", at, str(len(data) - at), str(_HEAD_SIZE))
        body_end = at + 3 + data[at + 2]
        if body_end < at + _HEAD_SIZE or len(data) < body_end + 2:
            raise BadFrame("length", at + 2, str(data[at + 2]))
        if sum(data[at:body_end]) & 255 != data[body_end]:
            raise BadFrame("checksum", body_end, f"{data[body_end]:02X}", f"{sum(data[at:body_end]) & 255:02X}")
        if data[body_end + 1] != 0xE5:
            raise BadFrame("end", body_end + 1, f"{data[body_end + 1]:02X}", "E5")
        kept = data[at : at + 2] == _START
        moment = format_of("YYMMDDhhmm").parse(data[at + 3 : at + _HEAD_SIZE])
        items = _classes(data, at + _HEAD_SIZE, body_end) if kept else []
        found.append(Point(moment if isinstance(moment, datetime) and kept else None, items, at, body_end + 2))
        at = body_end + 2
    return found


def _classes(data: bytes, at: int, end: int) -> list[Item]:
    found: list[Item] = []
    for forms in CLASSES:
        if at < end and data[at] != 0xAA:
            for zh, spec, unit in forms:
                form = format_of(spec)
                if at + form.size > end:
                    raise BadFrame("short", at, str(end - at), str(form.size))
                found.append(Item(named(zh), form.parse(data[at : at + form.size]), unit, at, at + form.size))
                at += form.size
        if at >= end or data[at] != 0xAA:
            raise BadFrame("content", at, "", "AA")
        at += 1
    if at != end:
        raise BadFrame("length", at, str(end - at), "0")
    return found


def record(moment: datetime, classes: Sequence[Sequence[Value] | None]) -> bytes:
    """The bytes of one point: for each of the six classes its values in order, or None where the meter does not keep it."""
    body = format_of("YYMMDDhhmm").build(moment)
    for forms, values in zip(CLASSES, classes, strict=True):
        if values is not None:
            body += b"".join(format_of(spec).build(value) for (_, spec, _), value in zip(forms, values, strict=True))
        body += b"\xaa"
    whole = _START + bytes((len(body),)) + body
    return whole + bytes((sum(whole) & 255, 0xE5))

"""Reads meter readings of IEC 61968-9: the message MeterReadings, as XML or as the same names in JSON.

A MeterReading names its meter and usage point and holds Readings (registers) and IntervalBlocks. Each has a ReadingType, whose
eighteen numbers say what is measured (annex C of the standard); an interval's time is where it ends. Namespaces and what wraps the
message are not looked at, so that messages of several editions are read.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from decimal import Decimal, InvalidOperation
from typing import Any, BinaryIO
from xml.etree.ElementTree import Element

import numpy as np

from denghuo.kernel.problem import text
from denghuo.service.reading.foreign.blocks import ASK_SENDER, Block, Channel, Malformed, RegisterRead, marks_of
from denghuo.service.reading.foreign.json import parts as json_parts
from denghuo.service.reading.foreign.xml import local, parts

PLACES = 6
_MINUTES = {1: 10, 2: 15, 3: 1, 5: 30, 6: 5, 7: 60, 10: 2, 14: 3, 31: 20}
"""Measuring periods by their code."""
_UNITS = {(0, 72): "wh", (3, 72): "kwh", (6, 72): "mwh", (0, 73): "varh", (3, 73): "kvarh", (6, 73): "mvarh"}
"""Units by multiplier and unit of measure."""
_BULK, _DELTA = 1, 4
_FLOWS = {1: "fwd", 19: "rev"}
_ENERGY = 12
_ELECTRICITY = (1, 2)
_ESTIMATED = frozenset({"7", "8", "12"})
"""Categories of a quality (its second number) of values that are not measured: edited, estimated, projected."""

Found = Block | RegisterRead
Node = Mapping[str, Any]
"""An element: its children by name, each a list."""


@dataclass(frozen=True)
class _Type:
    """What of a reading type counts here. flow: None where it is no total of active or reactive energy in one direction."""

    name: str
    unit: str
    flow: str | None
    bulk: bool
    minutes: int


def read_cim_xml(stream: BinaryIO, zone: tzinfo) -> Iterator[Found]:
    """The readings of a message. zone: of times that are told without one.

    Raises:
        Malformed: it is no such message, or breaks its rules.
    """
    number = 0
    for number, element in enumerate(parts(stream, "MeterReading"), 1):
        yield from _reading(_tree(element), number, zone)
    if not number:
        raise _no_message()


def read_cim_json(stream: BinaryIO, zone: tzinfo) -> Iterator[Found]:
    """As `read_cim_xml`, of JSON."""
    number = 0
    for number, part in enumerate(json_parts(stream, ("Payload", "MeterReadings"), "MeterReading"), 1):
        if not isinstance(part, dict):
            raise _fault(number, "MeterReading", str(part), "应有下级元素", "it should have elements within")
        yield from _reading(part, number, zone)
    if not number:
        raise _no_message()


def _reading(node: Node, number: int, zone: tzinfo) -> Iterator[Found]:
    meter, point = _name(node, "Meter"), _name(node, "UsagePoint")
    if not meter and not point:
        raise _fault(number, "Meter", "", "没有表号或用电点", "neither meter nor usage point is named")
    for one in _nodes(node, "Readings", number):
        kind = _type(one, number)
        channel = Channel(point or meter, kind.name, kind.unit, kind.flow, meter)
        at, value = _at(one, number, zone), _value(one, number)
        if kind.bulk:
            shift = {"wh": -3, "varh": -3, "mwh": 3, "mvarh": 3}.get(kind.unit, 0)
            yield RegisterRead(number, channel, at, value.scaleb(shift), None, _mark(one))
        else:
            yield from _runs(number, channel, kind, [(at, value, _mark(one))])
    for block in _nodes(node, "IntervalBlocks", number):
        kind = _type(block, number)
        channel = Channel(point or meter, kind.name, kind.unit, kind.flow, meter)
        rows = [
            (_at(one, number, zone), _value(one, number), _mark(one))
            for one in _nodes(block, "IntervalReadings", number)
        ]
        yield from _runs(number, channel, kind, sorted(rows, key=lambda row: row[0]))


def _runs(number: int, channel: Channel, kind: _Type, rows: list[tuple[datetime, Decimal, str]]) -> Iterator[Block]:
    """Intervals, each told by its end, in runs without a break."""
    step = timedelta(minutes=kind.minutes)
    if not kind.minutes and len(rows) > 1:
        step = min(later[0] - before[0] for before, later in zip(rows, rows[1:], strict=False))
    start = 0
    for place in range(1, len(rows) + 1):
        if place == len(rows) or rows[place][0] - rows[place - 1][0] != step:
            run = rows[start:place]
            numbers = np.array([int(value.scaleb(PLACES)) for _, value, _ in run], dtype=np.int64)
            marks = marks_of(mark for _, _, mark in run)
            yield Block(number, channel, run[0][0] - step, int(step.total_seconds()), numbers, PLACES, None, marks)
            start = place


def _type(node: Node, number: int) -> _Type:
    said = _first(node, "ReadingType")
    ref = str(said.get("ref") or _first_text(said, "mRID")) if isinstance(said, dict) else str(said or "")
    parts = ref.split(".")
    if len(parts) != 18 or not all(part.isascii() and part.isdigit() and len(part) < 6 for part in parts):
        raise _fault(
            number, "ReadingType", ref, "应为 18 个以点分隔的数字", "it is eighteen numbers with points between"
        )
    codes = [int(part) for part in parts]
    _, _, period, accumulation, direction, commodity, measured = codes[:7]
    tou, phase, multiplier, uom = codes[11], codes[14], codes[15], codes[16]
    unit = _UNITS.get((multiplier, uom), f"{multiplier}.{uom}")
    plain = commodity in _ELECTRICITY and measured == _ENERGY and tou == phase == 0 and accumulation in (_BULK, _DELTA)
    way = _FLOWS.get(direction)
    flow = f"{'reactive' if uom == 73 else 'active'}_{way}" if plain and way and uom in (72, 73) else None
    return _Type(ref, unit, flow, accumulation == _BULK, _MINUTES.get(period, 0))


def _at(node: Node, number: int, zone: tzinfo) -> datetime:
    said = _first_text(node, "timeStamp")
    try:
        found = datetime.fromisoformat(said)
    except ValueError:
        raise _fault(number, "timeStamp", said, "不是有效时刻", "it is no instant") from None
    return found if found.tzinfo else found.replace(tzinfo=zone)


def _value(node: Node, number: int) -> Decimal:
    said = _first_text(node, "value")
    try:
        value = Decimal(said) if len(said) <= 40 else Decimal("NaN")
        if not value.is_finite() or abs(value) >= 10**12 or value.scaleb(PLACES) % 1:
            raise InvalidOperation
    except InvalidOperation:
        raise _fault(number, "value", said, "不是六位小数以内的数", "it is no number of at most six places") from None
    return value


def _mark(node: Node) -> str:
    for quality in _all(node, "ReadingQualities"):
        said = _first(quality, "ReadingQualityType") if isinstance(quality, dict) else None
        ref = said.get("ref", "") if isinstance(said, dict) else said
        parts = str(ref or "").split(".")
        if len(parts) == 3 and parts[1] in _ESTIMATED and len(str(ref)) <= 20:
            return f"cim {ref}"
    return ""


def _name(node: Node, part: str) -> str:
    """The name of a meter or usage point, else its identity."""
    own = _first(node, part)
    if not isinstance(own, dict):
        return ""
    names = _first(own, "Names")
    return (_first_text(names, "name") if isinstance(names, dict) else "") or _first_text(own, "mRID")


# --- elements ---------------------------------------------------------------------------------------------------------------


def _tree(element: Element) -> dict[str, Any]:
    """An element as its children and attributes by name; a leaf without attributes as its text."""
    found: dict[str, Any] = dict(element.attrib)
    for child in element:
        plain = not len(child) and not child.attrib
        found.setdefault(local(child.tag), []).append((child.text or "").strip() if plain else _tree(child))
    return found


def _all(node: Node, name: str) -> list[Any]:
    found = node.get(name, [])
    return found if isinstance(found, list) else [found]


def _nodes(node: Node, name: str, number: int) -> list[Node]:
    """The children of a name, each with elements of its own.

    Raises:
        Malformed: one has none.
    """
    found = _all(node, name)
    if not all(isinstance(one, dict) for one in found):
        raise _fault(number, name, "", "应有下级元素", "it should have elements within")
    return found


def _first(node: Node, name: str) -> Any:
    return next(iter(_all(node, name)), None)


def _first_text(node: Node, name: str) -> str:
    found = _first(node, name)
    return found.strip() if isinstance(found, str) else ""


def _no_message() -> Malformed:
    return _fault(0, "MeterReadings", "", "不是 IEC 61968-9 抄表消息", "it is no MeterReadings message of IEC 61968-9")


def _fault(number: int, field: str, value: str, zh: str, en: str) -> Malformed:
    return Malformed(number, field, value[:80], text(zh, en), ASK_SENDER)

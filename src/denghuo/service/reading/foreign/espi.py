"""Reads Green Button files (NAESB ESPI: XML in an Atom feed), as utilities hand them to their customers.

Readings stand in IntervalBlock entries, which belong to a MeterReading, which has a ReadingType; Atom links say what belongs to
what, and a ReadingType may follow its readings. So the file is read twice: its types first, then its blocks one by one.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import BinaryIO
from xml.etree.ElementTree import Element

import numpy as np

from denghuo.kernel.problem import text
from denghuo.service.reading.foreign.blocks import ASK_SENDER, Block, Channel, Malformed, marks_of
from denghuo.service.reading.foreign.xml import parts

_ATOM = "{http://www.w3.org/2005/Atom}"
_ESPI = "{http://naesb.org/espi}"
_UNITS = {
    "72": "wh",
    "73": "varh",
    "38": "w",
    "63": "var",
    "119": "ft3",
    "42": "m3",
    "169": "therm",
    "128": "usgal",
    "134": "l",
}
"""Units of measure (UomType of the ESPI schema) by their code; others keep the code."""
_FORWARD, _REVERSE = "1", "19"
_ESTIMATED = frozenset({"7", "8", "9", "12", "13", "15"})
"""Codes of QualityOfReading of values that are not measured: replaced by hand, estimated by a reference day or a line, forecast, of
mixed quality, adjusted for the weather."""
_LARGEST = 2**53


@dataclass(frozen=True)
class _Type:
    unit: str
    places: int
    flow: str | None
    seconds: int
    quality: str


def read_espi(opened: Callable[[], BinaryIO]) -> Iterator[Block]:
    """The blocks of a file, in its order. `opened` gives the file from its beginning.

    Raises:
        Malformed: it is no ESPI feed, or breaks its rules.
    """
    types, readings, seen = _types(opened)
    if not seen:
        raise _fault("feed", "", "不是 Green Button（ESPI）文件", "it is no Green Button (ESPI) file")
    number = 0
    for entry in _entries(opened):
        for block in entry.iter(_ESPI + "IntervalBlock"):
            number += 1
            up = _reading_of(entry, readings)
            yield from _runs(block, _channel(up), types.get(readings.get(up, "")) or _only(types), number)


def _entries(opened: Callable[[], BinaryIO]) -> Iterator[Element]:
    with opened() as stream:
        yield from parts(stream, "entry")


def _types(opened: Callable[[], BinaryIO]) -> tuple[dict[str, _Type], dict[str, str], int]:
    """ReadingTypes by their address, the address of the type of each MeterReading, and how many entries there are."""
    types: dict[str, _Type] = {}
    readings: dict[str, str] = {}
    seen = 0
    for entry in _entries(opened):
        seen += 1
        own = _link(entry, "self")
        kind = entry.find(f"{_ATOM}content/{_ESPI}ReadingType")
        if kind is not None:
            types[own] = _type(kind)
        if entry.find(f"{_ATOM}content/{_ESPI}MeterReading") is not None:
            readings[own] = next((href for href in _links(entry, "related") if "ReadingType/" in href), "")
    return types, readings, seen


def _type(kind: Element) -> _Type:
    uom, flow = _text(kind, "uom"), _text(kind, "flowDirection")
    energy = "active" if uom == "72" else "reactive" if uom == "73" else ""
    way = {_FORWARD: "fwd", _REVERSE: "rev"}.get(flow)
    power = _number(_text(kind, "powerOfTenMultiplier") or "0", "powerOfTenMultiplier", -12, 9)
    return _Type(
        _UNITS.get(uom, uom),
        -power,
        f"{energy}_{way}" if energy and way else None,
        _number(_text(kind, "intervalLength") or "0", "intervalLength", 0, 366 * 86_400),
        _text(kind, "defaultQuality"),
    )


def _runs(block: Element, channel: tuple[str, str], kind: _Type | None, line: int) -> Iterator[Block]:
    """The readings of a block in runs of one length without a break."""
    own = _Type("", 0, None, 0, "") if kind is None else kind
    of = Channel(channel[0], channel[1], own.unit, own.flow)
    begins = ends = seconds = 0
    numbers: list[int] = []
    marks: list[str] = []
    for reading in block.iter(_ESPI + "IntervalReading"):
        start = _number(_text(reading, "timePeriod/start"), "start", -(2**40), 2**40)
        length = _number(_text(reading, "timePeriod/duration") or str(own.seconds), "duration", 0, 366 * 86_400)
        value = _number(_text(reading, "value"), "value", -_LARGEST, _LARGEST)
        if numbers and (start != ends or length != seconds):
            yield _block(line, of, begins, seconds, numbers, own.places, marks)
            numbers, marks = [], []
        if not numbers:
            begins, seconds = start, length
        ends = start + length
        numbers.append(value)
        marks.append(_mark(reading, own.quality))
    if numbers:
        yield _block(line, of, begins, seconds, numbers, own.places, marks)


def _mark(reading: Element, usual: str) -> str:
    said = [_text(one, "quality") for one in reading.iter(_ESPI + "ReadingQuality")] or [usual]
    return next((f"espi {one}" for one in said if one in _ESTIMATED), "")


def _block(
    line: int, of: Channel, begins: int, seconds: int, numbers: list[int], places: int, marks: list[str]
) -> Block:
    at = datetime.fromtimestamp(begins, UTC)
    return Block(line, of, at, seconds, np.array(numbers, dtype=np.int64), places, None, marks_of(marks))


def _channel(address: str) -> tuple[str, str]:
    """(usage point, meter reading) of the address of a MeterReading."""
    parts = address.rstrip("/").split("/")
    point = parts[parts.index("UsagePoint") + 1] if "UsagePoint" in parts[:-1] else ""
    return point, parts[-1] if address else ""


def _reading_of(entry: Element, readings: dict[str, str]) -> str:
    """The address of the MeterReading that an IntervalBlock belongs to."""
    for href in (*_links(entry, "up"), _link(entry, "self")):
        near = href.partition("/IntervalBlock")[0]
        if near in readings:
            return near
    return next(iter(readings)) if len(readings) == 1 else ""


def _only(types: dict[str, _Type]) -> _Type | None:
    return next(iter(types.values())) if len(types) == 1 else None


def _links(entry: Element, rel: str) -> list[str]:
    return [link.get("href", "").rstrip("/") for link in entry.findall(_ATOM + "link") if link.get("rel") == rel]


def _link(entry: Element, rel: str) -> str:
    return next(iter(_links(entry, rel)), "")


def _text(element: Element, path: str) -> str:
    found = element.find("/".join(_ESPI + part for part in path.split("/")))
    return "" if found is None or found.text is None else found.text.strip()


def _number(said: str, field: str, low: int, high: int) -> int:
    try:
        number = int(said) if len(said) <= 20 else high + 1
    except ValueError:
        number = high + 1
    if not low <= number <= high:
        raise _fault(field, said, f"不是 {low} 至 {high} 的整数", f"it is no whole number from {low} to {high}")
    return number


def _fault(field: str, value: str, zh: str, en: str) -> Malformed:
    return Malformed(0, field, value, text(zh, en), ASK_SENDER)

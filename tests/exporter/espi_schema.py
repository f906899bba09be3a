"""What the schema of ESPI 4.0 and of Atom feeds says of the elements that an export writes: their order, how often each stands, and
what it holds. Taken from the published schema as facts, in words of our own."""

import re
from collections.abc import Iterator
from typing import NamedTuple
from xml.etree.ElementTree import Element

ATOM = "{http://www.w3.org/2005/Atom}"
ESPI = "{http://naesb.org/espi}"


class Child(NamedTuple):
    name: str
    least: int
    most: int
    holds: str


def _one(name: str, holds: str) -> Child:
    return Child(name, 1, 1, holds)


def _some(name: str, holds: str) -> Child:
    return Child(name, 0, 1, holds)


SEQUENCES: dict[str, tuple[Child, ...]] = {
    "LocalTimeParameters": (
        _one("dstEndRule", "rule"),
        _one("dstOffset", "long"),
        _one("dstStartRule", "rule"),
        _one("tzOffset", "long"),
    ),
    "UsagePoint": (
        _some("roleFlags", "flags"),
        _some("ServiceCategory", "ServiceCategory"),
        _some("status", "uint8"),
    ),
    "ServiceCategory": (_one("kind", "service"),),
    "MeterReading": (),
    "ReadingType": (
        _some("accumulationBehaviour", "accumulation"),
        _some("commodity", "commodity"),
        _some("consumptionTier", "int16"),
        _some("currency", "uint16"),
        _some("dataQualifier", "qualifier"),
        _some("defaultQuality", "quality"),
        _some("flowDirection", "flow"),
        _some("intervalLength", "uint32"),
        _some("kind", "measurement"),
        _some("phase", "uint16"),
        _some("powerOfTenMultiplier", "power"),
        _some("timeAttribute", "interest"),
        _some("tou", "int16"),
        _some("uom", "unit"),
    ),
    "IntervalBlock": (_some("interval", "interval"), Child("IntervalReading", 0, 10**9, "IntervalReading")),
    "interval": (_one("duration", "uint32"), _one("start", "long")),
    "IntervalReading": (
        _some("cost", "int48"),
        Child("ReadingQuality", 0, 10**9, "ReadingQuality"),
        _some("timePeriod", "interval"),
        _some("value", "int48"),
        _some("consumptionTier", "int16"),
        _some("tou", "int16"),
        _some("cpp", "int16"),
    ),
    "ReadingQuality": (_one("quality", "quality"),),
}
CODES = {
    "accumulation": {0, 1, 2, 3, 4, 6, 9, 10, 12, 13, 14},
    "commodity": set(range(27)),
    "qualifier": {0, 2, 4, 5, 7, 8, 9, 11, 12, 16, 17, 23, 24, 25, 26},
    "flow": {0, 1, 2, 3, 4, 5, *range(7, 22)},
    "measurement": {0, *range(2, 29), *range(31, 39), *range(40, 61), 64, 81, *range(90, 156)},
    "power": {-12, -9, -6, -3, -2, -1, 0, 1, 2, 3, 6, 9, 12},
    "interest": {0, 8, 11, 13, 22, 24, 32},
    "service": set(range(10)),
    "quality": {0, *range(7, 20)},
    "unit": {38, 61, 63, 71, 72, 73},
}
BOUNDS = {
    "uint8": (0, 2**8 - 1),
    "int16": (-(2**15), 2**15 - 1),
    "uint16": (0, 2**16 - 1),
    "uint32": (0, 2**32 - 1),
    "int48": (-(2**47), 2**47),
    "long": (-(2**63), 2**63 - 1),
}
_STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_NUMBER = re.compile("urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def faults(feed: Element) -> Iterator[str]:
    """What in a feed is not as the schemas say, or leads nowhere."""
    if feed.tag != ATOM + "feed":
        yield f"{feed.tag} is no feed"
    yield from _heads(feed)
    entries = feed.findall(ATOM + "entry")
    links = [_links(entry) for entry in entries]
    there = {of["self"] for of in links if "self" in of} | {of["up"] for of in links if "up" in of}
    for entry in entries:
        yield from _heads(entry)
        own = entry.findall(ATOM + "link")
        if not {"self", "up"} <= {link.get("rel") for link in own}:
            yield "an entry has a link to itself and one up"
        for link in own:
            if not link.get("href") or not link.get("type"):
                yield "a link has an address and a type"
            if link.get("rel") == "related" and link.get("href") not in there:
                yield f"{link.get('href')} leads nowhere"
        contents = entry.findall(ATOM + "content")
        if len(contents) != 1 or len(contents[0]) != 1:
            yield "an entry has one content of one resource"
            continue
        resource = contents[0][0]
        name = resource.tag.removeprefix(ESPI)
        yield from _within(resource, name) if name in SEQUENCES else [f"{resource.tag} is no resource"]


def _links(entry: Element) -> dict[str, str]:
    return {link.get("rel", ""): link.get("href", "") for link in entry.findall(ATOM + "link")}


def _heads(element: Element) -> Iterator[str]:
    for name, form in (("id", _NUMBER), ("title", None), ("updated", _STAMP)):
        found = [one.text or "" for one in element.findall(ATOM + name)]
        if len(found) != 1 or not (found[0] if form is None else form.fullmatch(found[0])):
            yield f"{element.tag} has one {name}, not {found}"


def _within(element: Element, name: str) -> Iterator[str]:
    sequence = SEQUENCES[name]
    names = [one.name for one in sequence]
    given = [child.tag.removeprefix(ESPI) for child in element]
    if set(given) - set(names):
        yield f"{name} holds no {sorted(set(given) - set(names))}"
        return
    if given != sorted(given, key=names.index):
        yield f"{name} holds {given}, out of order"
    for one in sequence:
        if not one.least <= given.count(one.name) <= one.most:
            yield f"{name} holds {given.count(one.name)} {one.name}"
    for child in element:
        holds = sequence[names.index(child.tag.removeprefix(ESPI))].holds
        yield from _within(child, holds) if holds in SEQUENCES else _value(child, holds)


def _value(element: Element, holds: str) -> Iterator[str]:
    said = element.text or ""
    if holds in ("rule", "flags"):
        fits = re.fullmatch("[0-9A-F]{8}" if holds == "rule" else "[0-9A-F]{4}", said) is not None
    else:
        number = int(said) if re.fullmatch("-?[0-9]{1,19}", said) else None
        low, high = BOUNDS.get(holds, (0, 0))
        fits = number is not None and (number in CODES[holds] if holds in CODES else low <= number <= high)
    if not fits or len(element):
        yield f"{element.tag} holds {said!r}, no {holds}"

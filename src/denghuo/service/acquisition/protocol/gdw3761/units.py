"""Data units of Q/GDW 376.1: which points and Fn a frame speaks of, and what it says of each (data/units.csv, events.csv)."""

from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from typing import NamedTuple

from denghuo.kernel.problem import Text, text
from denghuo.service.acquisition.protocol.fault import BadFrame, BadValue
from denghuo.service.acquisition.protocol.fields import Item, Value
from denghuo.service.acquisition.protocol.gdw3761.formats import da, dt, form, functions_of, points_of
from denghuo.service.acquisition.protocol.gdw3761.frame import PASSWORD_SIZES, WITH_PASSWORD, Frame
from denghuo.service.acquisition.protocol.layout import Layout
from denghuo.service.acquisition.protocol.packed import Packed
from denghuo.service.acquisition.protocol.words import named, rows

FUNCTIONS: Mapping[int, Text] = {
    0x00: text("确认否认", "confirm, deny"),
    0x01: text("复位", "reset"),
    0x02: text("链路接口检测", "link"),
    0x03: text("中继站命令", "relay station"),
    0x04: text("设置参数", "set parameters"),
    0x05: text("控制命令", "control"),
    0x06: text("身份认证及密钥协商", "authentication"),
    0x08: text("请求被级联终端主动上报", "cascaded terminals"),
    0x09: text("请求终端配置及信息", "configuration"),
    0x0A: text("查询参数", "query parameters"),
    0x0B: text("请求任务数据", "task data"),
    0x0C: text("请求1类数据", "class 1 data"),
    0x0D: text("请求2类数据", "class 2 data"),
    0x0E: text("请求3类数据（事件）", "class 3 data (events)"),
    0x0F: text("文件传输", "file"),
    0x10: text("数据转发", "forward"),
}
_EVENTS = "event "
PADDING_MAX = 8


class Kind(NamedTuple):
    """A data unit of the table. `events`: event records follow its layout."""

    name: Text
    down: Layout
    up: Layout
    events: bool


class Unit(NamedTuple):
    """What a frame says of one point and Fn: `content` at bytes [start, end) of its data. `kind` None: not in the table,
    then `content` is all that is left of the frame. `head`: where its identifier begins."""

    point: int
    number: int
    content: bytes
    start: int
    end: int
    head: int
    kind: Kind | None


@cache
def kinds(other: bool = False) -> Mapping[tuple[int, int], Kind]:
    """The table by AFN and Fn. `other`: units in the forms that an older edition or some implementations send, among them
    registers that are counted with their total (M of them, not M+1)."""
    found = {}
    for row in rows(__package__, "units.csv"):
        up, down, events = row["up"], row["down"], _EVENTS in row["up"]
        if events:
            up = ";".join(item for item in up.split(";") if not item.startswith(_EVENTS))
        key = int(row["afn"], 16), int(row["fn"])
        if other:
            up = up.replace("*M+1", "*M")
        elif key in found:
            continue
        found[key] = Kind(named(row["zh"]), _layout(down), _layout(up), events)
    return found


@cache
def _layout(written: str) -> Layout:
    return Layout(written, form)


@cache
def event_kinds() -> Mapping[int, tuple[Text, Layout]]:
    """Event records by their number (ERC)."""
    return {int(row["erc"]): (named(row["zh"]), _layout(row["layout"])) for row in rows(__package__, "events.csv")}


def units(frame: Frame) -> list[Unit]:
    """The data units of `frame` in order. BadFrame: one is cut, or something follows the last one.

    Nothing says which form a unit has, so the forms of the table are tried first and the others where those do not fit.
    """
    try:
        return _units(frame, other=False)
    except BadFrame as wrong:
        try:
            return _units(frame, other=True)
        except BadFrame:
            raise wrong from None


def settle(frame: Frame) -> Frame:
    """`frame` with its password told apart from its data: there where the units leave just its bytes, else not."""
    size = PASSWORD_SIZES.get(frame.edition, 16)
    if frame.up or frame.function not in WITH_PASSWORD or len(frame.data) < size + 4 or frame.password is not None:
        return frame
    inner = frame._replace(data=frame.data[:-size], password=frame.data[-size:])
    for one in (inner, frame):
        try:
            found = units(one)
        except BadFrame:
            continue
        if all(unit.kind for unit in found):
            return one
    return inner


def _units(frame: Frame, other: bool) -> list[Unit]:
    data, function, up = frame.data, frame.function, frame.up
    at, size = 0, len(data)
    found: list[Unit] = []
    while at < size:
        # Some terminals fill up with zeros; they would be units of no Fn.
        if at and size - at <= PADDING_MAX and not any(data[at:]):
            return found
        head, at = at, at + 4
        if at > size:
            raise BadFrame("short", head, str(size - head), "4")
        plans = _plans(data[head:at], function, up, other)
        if not plans:
            raise BadFrame("content", head, data[head:at].hex().upper(), "a point and an Fn")
        for point, number, kind, fixed, _ in plans:
            if kind is None:
                found.append(Unit(point, number, data[at:], at, size, head, None))
                return found
            end = at + fixed if fixed is not None else _end(kind, up, data, at)
            if end > size:
                raise BadFrame("short", size, str(size - at), str(fixed))
            # A named tuple made without its own constructor costs half.
            found.append(tuple.__new__(Unit, (point, number, data[at:end], at, end, head, kind)))
            at = end
    return found


@lru_cache(16384)
def _plans(
    identifier: bytes, function: int, up: bool, other: bool
) -> tuple[tuple[int, int, Kind | None, int | None, Packed | None], ...]:
    """What a data unit identifier announces: points and Fn in the order in which their contents follow, by point, then by Fn, each
    with its kind, its size where that is fixed, and its fields where they are packed decimals alone."""
    numbers = functions_of(identifier[2], identifier[3])
    table = kinds(other)
    found = []
    for point in points_of(identifier[0], identifier[1]):
        for number in numbers:
            kind = table.get((function, number))
            layout = None if kind is None else kind.up if up else kind.down
            fixed = None if layout is None or (kind and kind.events and up) else layout.size
            found.append((point, number, kind, fixed, layout.packed if layout and fixed else None))
    return tuple(found)


def _end(kind: Kind, up: bool, data: bytes, at: int) -> int:
    end = (kind.up if up else kind.down).end(data, at)
    # Event records have lengths of their own and run to the end.
    return len(data) if kind.events and up else end


def items(unit: Unit, up: bool) -> list[Item]:
    """The fields of a unit's content, without its event records."""
    if unit.kind is None:
        return []
    return (unit.kind.up if up else unit.kind.down).parse(unit.content)


def counts(unit: Unit, up: bool = True) -> list[int | None]:
    """The numbers of a unit's content in bulk (`Layout.counts`)."""
    if unit.kind is None:
        return []
    return (unit.kind.up if up else unit.kind.down).counts(unit.content)[0]


def numbers(frame: Frame) -> list[tuple[int, int, list[int | None]]]:
    """Point, Fn and numbers (`counts`) of each data unit of `frame`, in order. BadFrame: as of `units`.

    Answers say the same of many points: units of one Fn and packed decimals alone are read in one piece.
    """
    data, function, up = frame.data, frame.function, frame.up
    plans = _plans(data[:4], function, up, False)
    if len(plans) == 1 and (packed := plans[0][4]):
        step = 4 + packed.size
        if len(data) % step == 0:
            every = [_plans(data[at : at + 4], function, up, False) for at in range(0, len(data), step)]
            if all(len(one) == 1 and one[0][4] is packed for one in every):
                found, width = packed.read(data, 0, len(every), 4), packed.width
                return [
                    (one[0][0], one[0][1], found[at : at + width])
                    for one, at in zip(every, range(0, len(found), width), strict=True)
                ]
    return [(unit.point, unit.number, counts(unit, up)) for unit in units(frame)]


class Event(NamedTuple):
    """One event record at [start, end) of its unit's content. `number`: its ERC. `items`: time first."""

    number: int
    name: Text
    items: Sequence[Item]
    start: int
    end: int


def events(unit: Unit) -> list[Event]:
    """The event records of an answer to 0E; one that the table does not know has its time and its bytes. BadFrame: one is cut."""
    if unit.kind is None or not unit.kind.events:
        return []
    data, at, found = unit.content, unit.kind.up.size or 0, []
    while at < len(data):
        if at + 2 > len(data) or at + 2 + data[at + 1] > len(data):
            raise BadFrame("short", at, str(len(data) - at))
        number, end = data[at], at + 2 + data[at + 1]
        name, layout = event_kinds().get(
            number, (text(f"事件 ERC{number}", f"event ERC{number}"), _layout("rest 数据"))
        )
        inner = data[at + 2 : end]
        parsed: list[Item] = []
        if len(inner) >= 5:
            parsed = [*_layout("A15 发生时间").parse(inner), *_tolerant(layout, inner)]
        moved = [item._replace(start=item.start + at + 2, end=item.end + at + 2) for item in parsed]
        found.append(Event(number, name, moved, at, end))
        at = end
    return found


def _tolerant(layout: Layout, inner: bytes) -> list[Item]:
    """The fields behind the time; records shorter or longer than the table's, as other editions have them, as bytes."""
    try:
        parsed = layout.parse(inner, 5)
    except BadFrame:
        parsed = []
    end = parsed[-1].end if parsed else 5
    if end < len(inner):
        parsed.append(Item(text("其余字节", "further bytes"), inner[end:], "", end, len(inner)))
    return parsed


def unit_bytes(function: int, point: int, number: int, values: Sequence[Value] = (), up: bool = False) -> bytes:
    """One data unit: its identifier and the content that says `values`; BadValue where the table has no such unit."""
    kind = kinds().get((function, number))
    if kind is None:
        raise BadValue("unit", f"{function:02X} F{number}", "a data unit of the table")
    return da([point]) + dt([number]) + (kind.up if up else kind.down).build(values)

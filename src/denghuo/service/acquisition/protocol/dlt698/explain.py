"""A DL/T 698.45 frame field by field (报文解析), by the same grammar that reads it."""

from collections.abc import Callable, Sequence
from typing import Any

from denghuo.kernel.problem import Text, text
from denghuo.service.acquisition.protocol.carried import carried
from denghuo.service.acquisition.protocol.dlt698 import apdu, data, link
from denghuo.service.acquisition.protocol.dlt698.grammar import COMPOSITES, RCSD, Address, Record, reader
from denghuo.service.acquisition.protocol.dlt698.objects import DARS, Scale, method_of, name_of, scale_of
from denghuo.service.acquisition.protocol.fault import BadFrame
from denghuo.service.acquisition.protocol.fields import shown
from denghuo.service.acquisition.protocol.grammar import Any_, Choice, Fixed, List, Maybe, Name, Node, Octets, Seq
from denghuo.service.acquisition.protocol.number import Number
from denghuo.service.acquisition.protocol.part import Part
from denghuo.service.acquisition.protocol.words import COMMA, both, rows, spoken

FUNCTIONS = {1: text("链路管理", "link management"), 3: text("用户数据", "user data")}
SEGMENTS = {
    link.FIRST: text("首帧", "first"),
    link.LAST: text("末帧", "last"),
    link.CONFIRM: text("确认", "confirmation"),
    link.MIDDLE: text("中间帧", "middle"),
}
_NUMBER_TAGS = frozenset(data.NUMBERS) - {0x16, 0x17, 0x18}
_TYPES = {0: text("空", "NULL"), 1: text("数组", "array"), 2: text("结构", "structure")}
_LABELS: dict[str, Text] = {row["key"]: {"zh": row["zh"], "en": row["en"]} for row in rows(__package__, "fields.csv")}


def label(key: str) -> Text:
    """The words for a field or message of the grammar."""
    return _LABELS.get(key) or {"zh": key, "en": key}


def explain(raw: bytes) -> list[Part]:
    """Every byte of the one frame that `raw` is; BadFrame where it is none. An APDU that is no known message stays bytes."""
    wake = len(raw) - len(raw.lstrip(b"\xfe"))
    frame = raw[wake:]
    one = link.decode(frame)
    size = len(one.server) // 2
    head = size + 6
    parts = [Part(0, wake, text("唤醒字节", "wake-up bytes"))] if wake else []
    own = [
        Part(0, 1, text("起始符", "start")),
        Part(1, 3, text("长度", "length"), str(len(frame) - 2)),
        Part(3, 4, text("控制域", "control"), _control(one)),
        Part(4, 5, text("服务器地址标志", "server address flags"), _flags(one)),
        Part(5, 5 + size, text("服务器地址", "server address"), one.server),
        Part(5 + size, head, text("客户机地址", "client address"), f"{one.client:02X}"),
        Part(head, head + 2, text("帧头校验 HCS", "head checksum HCS"), frame[head : head + 2].hex().upper()),
    ]
    at, end = head + 2, len(frame) - 3
    if end > at:
        own.append(_payload(one, at, end))
    own.append(Part(end, end + 2, text("帧校验 FCS", "frame checksum FCS"), frame[end : end + 2].hex().upper()))
    own.append(Part(end + 2, end + 3, text("结束符", "end")))
    return parts + [part.moved(wake) for part in own]


def _control(one: link.Link) -> str:
    who = spoken("服务器发出", "from server") if one.from_server else spoken("客户机发出", "from client")
    function = FUNCTIONS.get(one.function, text("保留", "reserved"))
    said = f"{one.control:02X} {who}{COMMA}{both(function)}"
    if one.fragment:
        said += spoken("，分帧", ", fragment")
    return said + (spoken("，加扰", ", scrambled") if one.scrambled else "")


def _flags(one: link.Link) -> str:
    kinds = (
        text("单地址", "single"),
        text("通配地址", "wildcard"),
        text("组地址", "group"),
        text("广播地址", "broadcast"),
    )
    return f"{both(kinds[one.address_type])}{spoken('，逻辑地址', ', logical')} {one.logical}"


def _payload(one: link.Link, at: int, end: int) -> Part:
    name = text("应用层数据（已减33H）", "APDU (33H taken off)") if one.scrambled else text("应用层数据", "APDU")
    if one.fragment and end - at >= 2:
        segment = link.segment(one)
        kind = SEGMENTS[segment.kind]
        word = Part(at, at + 2, text("分帧域", "segment"), f"{both(kind)} {segment.number}")
        return Part(at, end, text("分帧数据", "fragment"), parts=(word, Part(at + 2, end, text("片段", "piece"))))
    try:
        inner = tuple(part.moved(at) for part in explain_apdu(one.payload))
    except BadFrame as wrong:
        return Part(at, end, name, both(wrong.detail))
    return Part(at, end, name, parts=inner)


def explain_apdu(raw: bytes) -> list[Part]:
    """Every byte of the one message that `raw` is; BadFrame where it is none."""
    message = apdu.decode(raw)
    tag = raw[0]
    choices = apdu.MESSAGES[tag]
    choice = None if None in choices else raw[1]
    node = choices[choice][1]
    said = label(message.name)
    at = 1 if choice is None else 2
    parts = [Part(0, at, text("服务", "service"), f"{raw[:at].hex(' ').upper()} {both(said)}")]
    for fields in (node, apdu.tail(tag)):
        for key, of in fields.fields:
            part = _part(raw, at, key, of, "")
            at = part.end
            if part.end > part.start:
                parts.append(part)
    return parts


def _part(raw: bytes, at: int, key: str, node: Node, oad: str) -> Part:
    """The part of `node` at `at`. `oad`: the attribute that data at this place belong to, as far as it is known."""
    value, end = reader(node)(raw, at)
    own = label(key)
    inner: Sequence[Part] = ()
    said = ""
    match node:
        case Seq(fields):
            inner = _seq(raw, at, fields, oad)
        case List(of):
            inner = _members(raw, data.length(raw, at)[1], len(value), lambda place: _part(raw, place, key, of, oad))
            said = f"{len(value)}"
        case Choice(cases):
            chosen, of = next((name, of) for tag, name, of in cases if tag == value[0])
            said = f"{value[0]} {both(label(chosen))}"
            inside = _part(raw, at + 1, chosen, of, oad)
            inner = (inside,) if inside.end > inside.start else ()
        case Maybe(of):
            if value is not None:
                inner = (_part(raw, at + 1, key, of, oad),)
            else:
                said = spoken("无", "none")
        case Any_():
            return _data(raw, at, own, oad)
        case Record():
            inner = _record(raw, at)
        case _:
            said = _scalar(key, node, value)
    if key == "plain":
        inner = _wrapped(value, end - len(value))
    elif key == "octets" and isinstance(value, bytes):
        inner = carried(value, end - len(value))
    return Part(at, end, own, said, parts=tuple(inner))


def _members(raw: bytes, at: int, count: int, one: Callable[[int], Part]) -> list[Part]:
    found = []
    for _ in range(count):
        part = one(at)
        found.append(part)
        at = part.end
    return found


def _seq(raw: bytes, at: int, fields: Sequence[tuple[str, Node]], oad: str) -> list[Part]:
    found = []
    for key, of in fields:
        part = _part(raw, at, key, of, oad)
        if key in ("oad", "read"):
            oad = raw[at : at + 4].hex()
        at = part.end
        if part.end > part.start:
            found.append(part)
    return found


def _scalar(key: str, node: Node, value: Any) -> str:
    if isinstance(node, Name) and key in ("oad", "oads", "read", "port", "columns"):
        name = name_of(value)
        return f"{value.upper()} {both(name)}"
    if isinstance(node, Name) and key == "omd":
        name = method_of(value)
        return f"{value.upper()} {both(name)}"
    if key == "dar":
        name = DARS.get(value, {"zh": "其它", "en": "other"})
        return f"{value} {both(name)}"
    if isinstance(node, Fixed) and node.size in (7, 10):
        return shown(data.instant(value))
    if isinstance(node, Address):
        return f"{value[2:].upper()}"
    if isinstance(node, Fixed | Octets):
        return shown(bytes(value))
    return str(value)


def _wrapped(octets: bytes, at: int) -> Sequence[Part]:
    """The message in a security wrapper, where it is one."""
    try:
        return tuple(part.moved(at) for part in explain_apdu(octets))
    except BadFrame:
        return ()


def _record(raw: bytes, at: int) -> list[Part]:
    value, end = reader(Record())(raw, at)
    parts = [_part(raw, at, "oad", Name(4), ""), _part(raw, at + 4, "columns", RCSD, "")]
    place = parts[-1].end
    kind, content = value["result"]
    if kind == 0:
        parts.append(Part(place, place + 1, label("result"), "0"))
        parts.append(Part(place + 1, end, label("dar"), _scalar("dar", Fixed(1), content)))
        return parts
    start = data.length(raw, place + 1)[1]
    parts.append(Part(place, start, label("rows"), str(len(content))))
    for number, _ in enumerate(content, 1):
        cells = []
        at_row = start
        for choice, column in value["columns"]:
            oad = column if choice == 0 else column["oad"]
            cell = _data(raw, start, name_of(oad), oad, column["columns"] if choice else ())
            cells.append(cell)
            start = cell.end
        parts.append(Part(at_row, start, label("row"), str(number), parts=tuple(cells)))
    return parts


def _data(raw: bytes, at: int, name: Text, oad: str, members_of: Sequence[str] = ()) -> Part:
    """Data with their tag. `oad` gives numbers their unit; `members_of` are the attributes of an array's members."""
    (tag, value), end = data.read(raw, at)
    if tag in (data.ARRAY, data.STRUCTURE):
        start = data.length(raw, at + 1)[1]
        inner = []
        for number, _ in enumerate(value):
            own = members_of[number] if number < len(members_of) else oad
            label_of = name_of(own) if number < len(members_of) else {"zh": str(number + 1), "en": ""}
            part = _data(raw, start, label_of, own)
            inner.append(part)
            start = part.end
        said = _TYPES[tag]
        return Part(at, end, name, f"{both(said)} {len(value)}", parts=tuple(inner))
    if tag in COMPOSITES:
        inside = _part(raw, at + 1, "value", COMPOSITES[tag], "")
        return Part(at, end, name, inside.value, parts=inside.parts)
    scale = scale_of(oad) if oad and tag in _NUMBER_TAGS else None
    return Part(at, end, name, _said(tag, value, scale), scale.unit if scale else "")


def _said(tag: int, value: Any, scale: Scale | None) -> str:
    if tag in data.TIMES:
        return shown(data.instant(value)) if tag in (data.DATE_TIME, data.DATE_TIME_S) else _part_of_time(value)
    if scale is not None:
        return str(Number(value, scale.decimals))
    if tag in data.NAMES and tag == 0x51:
        name = name_of(value)
        return f"{value.upper()} {both(name)}"
    return spoken("空", "NULL") if tag == 0 else shown(value)


def _part_of_time(octets: bytes) -> str:
    """A date (5 bytes) or a time of day (3); FF stands for any."""
    if len(octets) == 5:
        year, month, day = octets[:2], octets[2], octets[3]
        said = "*" if year == b"\xff\xff" else str(int.from_bytes(year, "big"))
        return "-".join((said, *("*" if part == 0xFF else f"{part:02}" for part in (month, day))))
    return ":".join("*" if part == 0xFF else f"{part:02}" for part in octets)

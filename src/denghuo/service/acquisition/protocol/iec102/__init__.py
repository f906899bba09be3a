"""IEC 60870-5-102 (DL/T 719), between metering masters and the energy terminals of stations and plants: frames, both ways.

    10 | C A A | sum | 16          68 | L L | 68 | C A A | type VSQ cause point(2) record objects | sum | 16          E5

A is the address of the link, low byte first; what a type holds is a table (data/types.csv).
"""

from collections.abc import Mapping
from functools import cache, lru_cache
from typing import NamedTuple

from denghuo.kernel.problem import Text, text
from denghuo.service.acquisition.protocol.fault import BadFrame, BadValue
from denghuo.service.acquisition.protocol.fields import Format, Item, format_of, shown
from denghuo.service.acquisition.protocol.iec104 import CAUSES, flags
from denghuo.service.acquisition.protocol.iec104.moment import CP56, TIME_A
from denghuo.service.acquisition.protocol.layout import Layout
from denghuo.service.acquisition.protocol.part import Part
from denghuo.service.acquisition.protocol.stream import MORE, NEVER, Framing
from denghuo.service.acquisition.protocol.words import COMMA, both, named, rows, spoken

FIXED_SIZE, HEAD_SIZE, LINK_SIZE, ASDU_HEAD_SIZE = 6, 4, 3, 6
FRAME_SIZE_MAX = 255 + HEAD_SIZE + 2
CONFIRMED = b"\xe5"
_PRIMARY = {
    0: text("复位远方链路", "reset the link"),
    3: text("发送数据", "send data"),
    9: text("请求链路状态", "ask for the link's state"),
    10: text("请求1级用户数据", "request class 1"),
    11: text("请求2级用户数据", "request class 2"),
}
_SECONDARY = {
    0: text("认可", "confirm"),
    1: text("否定认可", "not accepted"),
    8: text("用户数据", "user data"),
    9: text("无所请求数据", "no such data"),
    11: text("链路状态", "link state"),
}


class Frame(NamedTuple):
    """`control` and `link` of every frame; of one with data also its ASDU. `asdu` None: a frame of fixed size.

    `single`: the one character with which some stations confirm; it has neither control nor link.
    """

    control: int
    link: int
    asdu: "Asdu | None" = None
    single: bool = False


class Asdu(NamedTuple):
    """`number`: of objects (low bits of VSQ). `point`: the ASDU's own address. `record`: which of the meter's records."""

    type: int
    vsq: int
    cause: int
    point: int
    record: int
    objects: bytes

    @property
    def number(self) -> int:
        return self.vsq & 0x7F

    def items(self) -> list[Item]:
        """The fields of the objects; BadFrame where the table has no such type or the bytes do not fit it."""
        if self.type not in kinds():
            raise BadFrame("unknown", HEAD_SIZE + LINK_SIZE, str(self.type))
        found = _layout(self.type, self.number).parse(self.objects)
        end = found[-1].end if found else 0
        if end < len(self.objects):
            raise BadFrame("long", HEAD_SIZE + LINK_SIZE + ASDU_HEAD_SIZE + end, str(len(self.objects) - end))
        return found


@cache
def kinds() -> Mapping[int, tuple[Text, str]]:
    """The types of the table by number: name and layout."""
    return {int(row["type"]): (named(row["zh"]), row["layout"]) for row in rows(__package__, "types.csv")}


_FORMS: Mapping[str, Format] = {
    "time": TIME_A,
    "cp56": CP56,
    "quality": flags(lambda byte: "" if byte & 0x80 else spoken("有效", "valid"), {7: spoken("无效", "invalid")}),
}


def _form(spec: str) -> Format:
    return _FORMS.get(spec) or format_of(spec)


@lru_cache(1024)
def _layout(kind: int, count: int) -> Layout:
    return Layout(kinds()[kind][1].replace("*n", f"*{count}"), _form)


def decode(raw: bytes) -> Frame:
    """The one frame that `raw` is; BadFrame says what is wrong and where."""
    if raw == CONFIRMED:
        return Frame(0, 0, single=True)
    if raw[:1] not in (b"\x10", b"\x68"):
        raise BadFrame("start", 0, raw[:1].hex().upper(), "10 68")
    fixed = raw[0] == 0x10
    if len(raw) < FIXED_SIZE:
        raise BadFrame("short", len(raw), str(len(raw)), str(FIXED_SIZE))
    if not fixed and raw[3] != 0x68:
        raise BadFrame("start", 3, f"{raw[3]:02X}", "68")
    size = _measure(raw, 0)
    if size == NEVER:
        raise BadFrame("length", 1, raw[1:HEAD_SIZE].hex(" ").upper(), "the length twice")
    if len(raw) < size:
        raise BadFrame("short", len(raw), str(len(raw)), str(size))
    body = raw[1 : size - 2] if fixed else raw[HEAD_SIZE : size - 2]
    if sum(body) & 255 != raw[size - 2]:
        raise BadFrame("checksum", size - 2, f"{raw[size - 2]:02X}", f"{sum(body) & 255:02X}")
    if raw[size - 1] != 0x16:
        raise BadFrame("end", size - 1, f"{raw[size - 1]:02X}", "16")
    if len(raw) > size:
        raise BadFrame("long", size, str(len(raw) - size))
    frame = Frame(body[0], int.from_bytes(body[1:3], "little"))
    if fixed:
        return frame
    kind, vsq, cause = body[3:6]
    return frame._replace(asdu=Asdu(kind, vsq, cause, int.from_bytes(body[6:8], "little"), body[8], body[9:]))


def encode(frame: Frame) -> bytes:
    """The bytes of `frame`; BadValue where a part does not fit."""
    if frame.single:
        return CONFIRMED
    one = frame.asdu
    limits = [("control", frame.control, 255), ("link", frame.link, 0xFFFF)]
    if one is not None:
        limits += [(name, getattr(one, name), 255) for name in ("type", "vsq", "cause", "record")]
        limits.append(("point", one.point, 0xFFFF))
    for name, value, limit in limits:
        if not 0 <= value <= limit:
            raise BadValue(name, value, f"0..{limit}")
    body = bytes((frame.control,)) + frame.link.to_bytes(2, "little")
    if one is None:
        return b"\x10" + body + bytes((sum(body) & 255, 0x16))
    body += bytes((one.type, one.vsq, one.cause)) + one.point.to_bytes(2, "little") + bytes((one.record,)) + one.objects
    if len(body) > 255:
        raise BadValue("objects", len(one.objects), f"at most {255 - LINK_SIZE - ASDU_HEAD_SIZE} bytes")
    return bytes((0x68, len(body), len(body), 0x68)) + body + bytes((sum(body) & 255, 0x16))


def explain(raw: bytes) -> list[Part]:
    """Every byte of the one frame that `raw` is; BadFrame where it is none. Objects that do not fit the table stay bytes."""
    frame, end = decode(raw), len(raw) - 2
    if frame.single:
        return [Part(0, 1, text("单字符认可", "confirmed by one character"))]
    parts = [Part(0, 1, text("起始符", "start"))]
    one, at = frame.asdu, 1
    if one is not None:
        parts += [Part(at, at + 1, text("长度", "length"), str(raw[at])) for at in (1, 2)]
        parts.append(Part(3, 4, text("起始符", "start")))
        at = HEAD_SIZE
    parts.append(Part(at, at + 1, text("控制域", "control"), _control(frame.control)))
    parts.append(Part(at + 1, at + 3, text("链路地址", "link address"), str(frame.link)))
    at += LINK_SIZE
    if one is not None:
        name = kinds()[one.type][0] if one.type in kinds() else text("其他类型", "another type")
        cause = CAUSES.get(one.cause & 0x3F, text("其他", "other"))
        denied = spoken("，否定", ", negative") if one.cause & 0x40 else ""
        parts += [
            Part(at, at + 1, text("类型标识", "type"), f"{one.type} {both(name)}"),
            Part(at + 1, at + 2, text("可变结构限定词", "count"), str(one.number)),
            Part(at + 2, at + 3, text("传送原因", "cause"), f"{one.cause & 0x3F} {both(cause)}{denied}"),
            Part(at + 3, at + 5, text("测量点地址", "metering point"), str(one.point)),
            Part(at + 5, at + 6, text("记录地址", "record"), str(one.record)),
        ]
        at += ASDU_HEAD_SIZE
        if at < end:
            inner = tuple(part.moved(at) for part in _objects(one))
            parts.append(Part(at, end, text("信息体", "objects"), one.objects.hex(" ").upper(), parts=inner))
    parts.append(Part(end, end + 1, text("校验和", "checksum"), f"{raw[end]:02X}"))
    parts.append(Part(end + 1, end + 2, text("结束符", "end")))
    return parts


def _control(control: int) -> str:
    down = control & 0x40 != 0
    said = (_PRIMARY if down else _SECONDARY).get(control & 0x0F, text("备用", "reserved"))
    flags = (
        ""
        if down
        else spoken("，要求访问 ACD", ", access demanded ACD") * (control >> 5 & 1)
        + spoken("，数据流控制 DFC", ", data flow control DFC") * (control >> 4 & 1)
    )
    return f"{control:02X} {spoken('下行', 'down') if down else spoken('上行', 'up')}{COMMA}{both(said)}{flags}"


def _objects(one: Asdu) -> list[Part]:
    try:
        return [Part(item.start, item.end, item.name, shown(item.value), item.unit) for item in one.items()]
    except BadFrame:
        return []


def _measure(buffer: bytes, at: int) -> int:
    if buffer[at] == 0x10:
        return FIXED_SIZE
    if len(buffer) < at + HEAD_SIZE:
        return MORE
    size = buffer[at + 1]
    right = buffer[at + 2] == size and buffer[at + 3] == 0x68 and size >= LINK_SIZE + ASDU_HEAD_SIZE
    return size + HEAD_SIZE + 2 if right else NEVER


def _whole(frame: bytes) -> bool:
    return frame[-1] == 0x16 and sum(frame[HEAD_SIZE:-2]) & 255 == frame[-2]


# A frame of fixed size begins with another byte; a stream is cut at those with data.
FRAMING = Framing(start=0x68, measure=_measure, whole=_whole, limit=FRAME_SIZE_MAX)

"""IEC 60870-5-104 (DL/T 634.5104), between control centres and stations with gateway meters: frames and what they hold.

    68 | L | control(4) | type VSQ cause originator common(2) | objects          S and U frames end behind the control

Numbers are low byte first. An information object is its address of three bytes and what its type holds (data/types.csv); with
the SQ bit the address of the first is followed by the others' contents. Connections and their timers: the library `hat-drivers`.
"""

import math
import struct
from collections.abc import Callable, Mapping
from functools import cache, lru_cache
from typing import NamedTuple

from denghuo.kernel.problem import Text, text
from denghuo.service.acquisition.protocol.fault import BadFrame, BadValue
from denghuo.service.acquisition.protocol.fields import Format, Item, Value, format_of, shown
from denghuo.service.acquisition.protocol.iec104.moment import CP24, CP56
from denghuo.service.acquisition.protocol.layout import Layout
from denghuo.service.acquisition.protocol.part import Part
from denghuo.service.acquisition.protocol.stream import MORE, NEVER, Framing
from denghuo.service.acquisition.protocol.words import both, named, rows, spoken

HEAD_SIZE, ASDU_HEAD_SIZE = 6, 6
FRAME_SIZE_MAX = 255
UNNUMBERED: Mapping[int, Text] = {
    0x07: text("启动传输 STARTDT 激活", "STARTDT act"),
    0x0B: text("启动传输 STARTDT 确认", "STARTDT con"),
    0x13: text("停止传输 STOPDT 激活", "STOPDT act"),
    0x23: text("停止传输 STOPDT 确认", "STOPDT con"),
    0x43: text("链路测试 TESTFR 激活", "TESTFR act"),
    0x83: text("链路测试 TESTFR 确认", "TESTFR con"),
}
CAUSES: Mapping[int, Text] = {
    1: text("周期", "periodic"),
    2: text("背景扫描", "background scan"),
    3: text("突发", "spontaneous"),
    4: text("初始化", "initialised"),
    5: text("请求或被请求", "requested"),
    6: text("激活", "activation"),
    7: text("激活确认", "activation confirmed"),
    8: text("停止激活", "deactivation"),
    9: text("停止激活确认", "deactivation confirmed"),
    10: text("激活终止", "activation ended"),
    11: text("远方命令引起的返送信息", "return by a remote command"),
    12: text("当地命令引起的返送信息", "return by a local command"),
    13: text("文件传输", "file"),
    20: text("响应站召唤", "interrogated by station"),
    37: text("响应累计量站召唤", "counters interrogated"),
    44: text("未知的类型标识", "unknown type"),
    45: text("未知的传送原因", "unknown cause"),
    46: text("未知的公共地址", "unknown common address"),
    47: text("未知的信息体地址", "unknown object address"),
    **{20 + group: text(f"响应第{group}组召唤", f"group {group} interrogated") for group in range(1, 17)},
    **{
        37 + group: text(f"响应第{group}组累计量召唤", f"counters of group {group} interrogated")
        for group in range(1, 5)
    },
}
_QUALITY = {
    7: spoken("无效", "invalid"),
    6: spoken("非当前值", "not topical"),
    5: spoken("被取代", "substituted"),
    4: spoken("被闭锁", "blocked"),
}
_OVERFLOW = {**_QUALITY, 0: spoken("溢出", "overflow")}
_SEQUENCE = {7: spoken("无效", "invalid"), 6: spoken("被调整", "adjusted"), 5: spoken("进位", "carried over")}
_DOUBLE = (
    spoken("不确定或中间", "intermediate"),
    spoken("开", "off"),
    spoken("合", "on"),
    spoken("不确定", "indeterminate"),
)


class Asdu(NamedTuple):
    """`number` of information objects, one address for all where `in_sequence`. `cause` 0..63; `negative`, `test`: its bits."""

    type: int
    in_sequence: bool
    number: int
    cause: int
    originator: int
    common: int
    objects: bytes
    negative: bool = False
    test: bool = False

    def items(self) -> list[Item]:
        """Addresses and values of the objects, in order; BadFrame where the type is not known or the bytes do not fit it."""
        if self.type not in kinds():
            raise BadFrame("unknown", HEAD_SIZE, str(self.type))
        found = _layout(self.type, self.in_sequence, self.number).parse(self.objects)
        end = found[-1].end if found else 0
        if end < len(self.objects):
            raise BadFrame("long", HEAD_SIZE + ASDU_HEAD_SIZE + end, str(len(self.objects) - end))
        return found


class Frame(NamedTuple):
    """`control`: four bytes. `asdu`: what an I frame carries."""

    control: bytes
    asdu: Asdu | None = None

    @property
    def kind(self) -> str:
        """I, S or U."""
        return "I" if not self.control[0] & 1 else "U" if self.control[0] & 2 else "S"

    @property
    def sent(self) -> int:
        return int.from_bytes(self.control[:2], "little") >> 1

    @property
    def received(self) -> int:
        return int.from_bytes(self.control[2:], "little") >> 1


class Kind(NamedTuple):
    """A type: its code in the standard, its name, what an object holds."""

    code: str
    name: Text
    layout: str


@cache
def kinds() -> Mapping[int, Kind]:
    """The types of the table by number."""
    return {
        int(row["type"]): Kind(row["code"], named(row["zh"]), row["layout"]) for row in rows(__package__, "types.csv")
    }


def flags(low: Callable[[int], str], bits: Mapping[int, str]) -> Format:
    """A byte as text: its number, what `low` says of it, and the name of each of its `bits` that is set."""

    def parse(raw: bytes) -> Value:
        said = [low(raw[0]), *(name for bit, name in bits.items() if raw[0] >> bit & 1)]
        return " ".join((f"{raw[0]:02X}", *filter(None, said)))

    def build(value: Value) -> bytes:
        return format_of("hex1").build(str(value)[:2])

    return Format(1, parse, build)


def _float(raw: bytes) -> Value:
    (value,) = struct.unpack("<f", raw)
    return f"{value:.7g}" if math.isfinite(value) else None


def _float_bytes(value: Value) -> bytes:
    try:
        return struct.pack("<f", math.nan if value is None else float(str(value)))
    except (ValueError, OverflowError):
        raise BadValue("number", value, "a number of four bytes") from None


_FORMS: Mapping[str, Format] = {
    "siq": flags(lambda byte: spoken("合", "on") if byte & 1 else spoken("分", "off"), _QUALITY),
    "diq": flags(lambda byte: _DOUBLE[byte & 3], _QUALITY),
    "vti": flags(lambda byte: str((byte & 0x7F) - (0x80 if byte & 0x40 else 0)), {7: spoken("瞬变", "transient")}),
    "qds": flags(lambda byte: "" if byte & 0xF1 else spoken("有效", "valid"), _OVERFLOW),
    "bcr": flags(lambda byte: str(byte & 0x1F), _SEQUENCE),
    "qualifier": flags(str, {}),
    "f4": Format(4, _float, _float_bytes),
    "cp24": CP24,
    "cp56": CP56,
}


def _form(spec: str) -> Format:
    return _FORMS.get(spec) or format_of(spec)


@lru_cache(1024)
def _layout(kind: int, in_sequence: bool, count: int) -> Layout:
    content = kinds()[kind].layout
    if in_sequence:
        return Layout(f"u3 信息体地址;[{content}]*{count}", _form)
    return Layout(f"[u3 信息体地址;{content}]*{count}", _form)


def decode(raw: bytes) -> Frame:
    """The one frame that `raw` is; BadFrame says what is wrong and where."""
    if raw[:1] != b"\x68":
        raise BadFrame("start", 0, raw[:1].hex().upper(), "68")
    if len(raw) < HEAD_SIZE:
        raise BadFrame("short", len(raw), str(len(raw)), str(HEAD_SIZE))
    if _measure(raw, 0) == NEVER:
        raise BadFrame("start", 1, raw[1:HEAD_SIZE].hex(" ").upper(), "04 and an S or U control, or an I control")
    if len(raw) < raw[1] + 2:
        raise BadFrame("short", len(raw), str(len(raw)), str(raw[1] + 2))
    if len(raw) > raw[1] + 2:
        raise BadFrame("long", raw[1] + 2, str(len(raw) - raw[1] - 2))
    frame = Frame(raw[2:HEAD_SIZE])
    if frame.kind != "I":
        return frame
    kind, vsq, cause, originator = raw[HEAD_SIZE : HEAD_SIZE + 4]
    common = int.from_bytes(raw[HEAD_SIZE + 4 : HEAD_SIZE + 6], "little")
    asdu = Asdu(
        kind,
        vsq & 0x80 != 0,
        vsq & 0x7F,
        cause & 0x3F,
        originator,
        common,
        raw[HEAD_SIZE + ASDU_HEAD_SIZE :],
        cause & 0x40 != 0,
        cause & 0x80 != 0,
    )
    return frame._replace(asdu=asdu)


def encode(frame: Frame) -> bytes:
    """The bytes of `frame`; BadValue where its parts do not agree or do not fit."""
    if len(frame.control) != 4 or (frame.asdu is not None) != (frame.kind == "I"):
        raise BadValue("control", frame.control.hex(), "four bytes; an I frame alone has an ASDU")
    body = frame.control
    if (one := frame.asdu) is not None:
        limits = {"type": 255, "number": 127, "cause": 63, "originator": 255, "common": 0xFFFF}
        for name, limit in limits.items():
            if not 0 <= getattr(one, name) <= limit:
                raise BadValue(name, getattr(one, name), f"0..{limit}")
        cause = one.cause | one.negative << 6 | one.test << 7
        body += bytes((one.type, one.in_sequence << 7 | one.number, cause, one.originator))
        body += one.common.to_bytes(2, "little") + one.objects
    if len(body) + 2 > FRAME_SIZE_MAX:
        raise BadValue("objects", len(body), f"frames of at most {FRAME_SIZE_MAX} bytes")
    raw = bytes((0x68, len(body))) + body
    if _measure(raw, 0) != len(raw):
        raise BadValue("control", frame.control.hex(), "the control of an I, S or U frame")
    return raw


def explain(raw: bytes) -> list[Part]:
    """Every byte of the one frame that `raw` is; BadFrame where it is none or its objects do not fit their type."""
    frame = decode(raw)
    parts = [
        Part(0, 1, text("起始符", "start")),
        Part(1, 2, text("长度", "length"), str(raw[1])),
        Part(2, 6, text("控制域", "control"), _control(frame)),
    ]
    one = frame.asdu
    if one is None:
        return parts
    kind = kinds().get(one.type)
    said = f"{one.type} {kind.code} {both(kind.name)}" if kind else str(one.type)
    cause = CAUSES.get(one.cause, text("其他", "other"))
    marks = (spoken("，否定", ", negative") if one.negative else "") + (spoken("，试验", ", test") if one.test else "")
    order = spoken("，顺序", ", in sequence") if one.in_sequence else ""
    parts += [
        Part(6, 7, text("类型标识", "type"), said),
        Part(7, 8, text("可变结构限定词", "count"), f"{one.number}{order}"),
        Part(8, 9, text("传送原因", "cause"), f"{one.cause} {both(cause)}{marks}"),
        Part(9, 10, text("源发站地址", "originator"), str(one.originator)),
        Part(10, 12, text("公共地址", "common address"), str(one.common)),
    ]
    at = HEAD_SIZE + ASDU_HEAD_SIZE
    if at < len(raw):
        inner = () if kind is None else tuple(_item(item).moved(at) for item in one.items())
        parts.append(Part(at, len(raw), text("信息体", "objects"), one.objects.hex(" ").upper(), parts=inner))
    elif one.number:
        raise BadFrame("short", len(raw), "0", f"{one.number} objects")
    return parts


def known(raw: bytes) -> bool:
    """Whether the table has the type of the whole frame `raw`; bytes of other protocols seldom fit one."""
    one = decode(raw).asdu
    return one is None or one.type in kinds()


def _control(frame: Frame) -> str:
    if frame.kind == "I":
        return f"I {frame.sent}{spoken('，待收', ', expects')} {frame.received}"
    if frame.kind == "S":
        return f"S {spoken('待收', 'expects')} {frame.received}"
    said = UNNUMBERED[frame.control[0]]
    return f"U {both(said)}"


def _item(item: Item) -> Part:
    return Part(item.start, item.end, item.name, shown(item.value), item.unit)


def _measure(buffer: bytes, at: int) -> int:
    if len(buffer) < at + HEAD_SIZE:
        return MORE
    size, control = buffer[at + 1], buffer[at + 2 : at + HEAD_SIZE]
    if control[0] & 1 == 0:
        right = HEAD_SIZE + ASDU_HEAD_SIZE <= size + 2 <= FRAME_SIZE_MAX and control[2] & 1 == 0
    elif control[0] & 2:
        right = size == 4 and control[0] in UNNUMBERED and not any(control[1:])
    else:
        right = size == 4 and control[:2] == b"\1\0" and control[2] & 1 == 0
    return size + 2 if right else NEVER


# Nothing but its length proves a frame.
FRAMING = Framing(start=0x68, measure=_measure, whole=lambda frame: True, limit=FRAME_SIZE_MAX)

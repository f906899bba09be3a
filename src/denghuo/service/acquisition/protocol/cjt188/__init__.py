"""CJ/T 188, the protocol of water, heat and gas meters (户用计量仪表数据传输技术条件), editions of 2004 and 2018.

    FE.. | 68 | T | A0..A6 | C | L | DI(2) SER data | sum | 16

Meters send the two bytes of the data identifier in either order; `swapped` keeps which, so that a frame comes back as it was.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import NamedTuple

from denghuo.kernel.period import SHANGHAI
from denghuo.kernel.problem import Text, text
from denghuo.service.acquisition.protocol.fault import BadFrame, BadValue
from denghuo.service.acquisition.protocol.fields import Format, Item, Value, format_of, shown
from denghuo.service.acquisition.protocol.layout import Layout
from denghuo.service.acquisition.protocol.part import Part
from denghuo.service.acquisition.protocol.stream import MORE, NEVER, Framing
from denghuo.service.acquisition.protocol.words import COMMA, both, rows, spoken

HEAD_SIZE = 11
FRAME_SIZE_MIN = HEAD_SIZE + 2
KINDS: dict[int, Text] = {
    0x10: text("冷水水表", "cold water meter"),
    0x11: text("生活热水水表", "hot water meter"),
    0x12: text("直饮水水表", "drinking water meter"),
    0x13: text("中水水表", "grey water meter"),
    0x20: text("热量表（热）", "heat meter"),
    0x21: text("热量表（冷）", "cooling meter"),
    0x30: text("燃气表", "gas meter"),
    0x40: text("电度表", "electricity meter"),
    0xAA: text("任意类型", "any kind"),
}
FUNCTIONS: dict[int, Text] = {
    0x01: text("读数据", "read"),
    0x03: text("读地址", "read the address"),
    0x04: text("写数据", "write"),
    0x15: text("写地址", "write the address"),
    0x16: text("写机电同步数据", "set the register"),
}
UNITS = {
    **{
        0x02: "Wh",
        0x05: "kWh",
        0x08: "MWh",
        0x0A: "100MWh",
        0x01: "J",
        0x0B: "kJ",
        0x0E: "MJ",
        0x11: "GJ",
        0x13: "100GJ",
    },
    **{0x14: "W", 0x17: "kW", 0x1A: "MW", 0x29: "L", 0x2C: "m³", 0x32: "L/h", 0x35: "m³/h"},
}
VALVES = {0: text("阀开", "valve open"), 1: text("阀关", "valve closed"), 3: text("阀异常", "valve fault")}
ORDERS = {0x55: text("开阀", "open the valve"), 0x99: text("关阀", "close the valve")}
# High bytes of the standard's identifiers: their place tells in which order the two bytes came.
_HIGH = frozenset((0x81, 0x90, 0x91, 0xA0, 0xD1))
_HEAT = frozenset((0x20, 0x21))


class Frame(NamedTuple):
    """`kind`: the byte T. `address`: 14 lower-case digits, high one first (`a` wildcard). `di`: 4 digits, "" where a refusal
    has none. `swapped`: its low byte came first."""

    kind: int
    address: str
    control: int
    di: str
    serial: int
    data: bytes
    swapped: bool = False

    @property
    def answer(self) -> bool:
        return self.control & 0x80 != 0

    @property
    def refused(self) -> bool:
        return self.control & 0x40 != 0

    def items(self) -> list[Item]:
        """The fields of the data; BadFrame where the table does not know the identifier or the data do not fit it."""
        layout = _layout_of(self)
        if layout is None:
            raise BadFrame("unknown", HEAD_SIZE, self.di)
        found = layout.parse(self.data)
        end = found[-1].end if found else 0
        if end < len(self.data):
            found.append(Item(text("其余字节", "further bytes"), self.data[end:], "", end, len(self.data)))
        return found


def decode(raw: bytes) -> Frame:
    """The one frame that `raw` is, wake-up bytes before it allowed; BadFrame says what is wrong and where."""
    body = raw.lstrip(b"\xfe")
    at = len(raw) - len(body)
    if body and body[0] != 0x68:
        raise BadFrame("start", at, f"{body[0]:02X}", "68")
    if len(body) < FRAME_SIZE_MIN or len(body) < body[10] + FRAME_SIZE_MIN:
        raise BadFrame("short", len(raw), str(len(body)))
    size = body[10] + FRAME_SIZE_MIN
    if sum(body[: size - 2]) & 255 != body[size - 2]:
        raise BadFrame("checksum", at + size - 2, f"{body[size - 2]:02X}", f"{sum(body[: size - 2]) & 255:02X}")
    if body[size - 1] != 0x16:
        raise BadFrame("end", at + size - 1, f"{body[size - 1]:02X}", "16")
    if len(body) > size:
        raise BadFrame("long", at + size, str(len(body) - size))
    data = body[HEAD_SIZE : size - 2]
    address, control = body[8:1:-1].hex(), body[9]
    if len(data) < 3:
        return Frame(body[1], address, control, "", data[0] if data else 0, data[1:])
    swapped = data[1] in _HIGH and data[0] not in _HIGH
    di = data[1::-1].hex() if swapped else data[:2].hex()
    return Frame(body[1], address, control, di, data[2], data[3:], swapped)


def encode(frame: Frame, wake_up: int = 0) -> bytes:
    """The bytes of `frame` behind `wake_up` bytes FE; BadValue where a part does not fit."""
    try:
        address, di = bytes.fromhex(frame.address), bytes.fromhex(frame.di)
    except ValueError:
        raise BadValue("address", frame.address, "14 digits, and 4 of the identifier") from None
    data = (di[::-1] if frame.swapped else di) + bytes((frame.serial & 255,)) + frame.data
    if not di and not frame.data and frame.serial == 0:
        data = b""
    if len(address) != 7 or len(di) not in (0, 2) or len(data) > 255:
        raise BadValue("address", frame.address, "14 digits, at most 252 bytes of data")
    head = b"\x68" + bytes((frame.kind,)) + address[::-1] + bytes((frame.control, len(data)))
    return b"\xfe" * wake_up + head + data + bytes((sum(head + data) & 255, 0x16))


def _unit(raw: bytes) -> Value:
    return UNITS.get(raw[0], f"{raw[0]:02X}")


def _unit_byte(value: Value) -> bytes:
    for code, unit in UNITS.items():
        if unit == value:
            return bytes((code,))
    return format_of("hex1").build(value)


def _clock(raw: bytes) -> Value:
    """Second, minute, hour, day, month, and the year in two bytes, the low one first."""
    digits = raw[::-1].hex()
    try:
        return datetime.strptime(digits, "%Y%m%d%H%M%S").replace(tzinfo=SHANGHAI)
    except ValueError:
        return None


def _clock_bytes(value: Value) -> bytes:
    if value is None:
        return b"\xff" * 7
    if not isinstance(value, datetime):
        raise BadValue("time", value, "an instant")
    return bytes.fromhex(f"{value.astimezone(SHANGHAI):%Y%m%d%H%M%S}")[::-1]


def _status(raw: bytes) -> Value:
    valve = VALVES.get(raw[0] & 3, text("阀状态未定义", "valve undefined"))
    battery = spoken("，电池欠压", ", battery low") if raw[0] & 4 else ""
    return f"{raw.hex(' ').upper()} {both(valve)}{battery}"


def _order(raw: bytes) -> Value:
    order = ORDERS.get(raw[0], text("其他", "other"))
    return f"{raw[0]:02X} {both(order)}"


def _hex_first(size: int) -> Callable[[Value], bytes]:
    """What begins with its bytes as hexadecimal digits, back to them."""
    return lambda value: format_of(f"raw{size}").build(bytes.fromhex(str(value)[: 3 * size - 1]))


_OWN: Mapping[str, Format] = {
    "unit": Format(1, _unit, _unit_byte),
    "clock": Format(7, _clock, _clock_bytes),
    "status": Format(2, _status, _hex_first(2)),
    "order": Format(1, _order, _hex_first(1)),
}


def _form(spec: str) -> Format:
    return _OWN.get(spec) or format_of(spec)


_LAYOUTS = {
    (row["way"] == "up", row["di"], row["heat"] == "1"): Layout(row["layout"], _form)
    for row in rows(__package__, "identifiers.csv")
}


def _layout_of(frame: Frame) -> Layout | None:
    if frame.refused:
        return None
    di = "d12x" if "d120" <= frame.di <= "d12b" else frame.di
    return _LAYOUTS.get((frame.answer, di, frame.kind in _HEAT)) or _LAYOUTS.get((frame.answer, di, False))


def explain(raw: bytes) -> list[Part]:
    """Every byte of the one frame that `raw` is; BadFrame where it is none."""
    frame = decode(raw)
    at = len(raw) - len(raw.lstrip(b"\xfe"))
    parts = [Part(0, at, text("唤醒字节", "wake-up bytes"))] if at else []
    function = FUNCTIONS.get(frame.control & 0x3F, text("其他功能", "another function"))
    kind = KINDS.get(frame.kind, text("其他类型", "another kind"))
    way = spoken("应答", "answer") if frame.answer else spoken("请求", "request")
    refused = spoken("，异常", ", refused") if frame.refused else ""
    parts += [
        Part(at, at + 1, text("起始符", "start")),
        Part(at + 1, at + 2, text("仪表类型", "kind of meter"), f"{frame.kind:02X} {both(kind)}"),
        Part(at + 2, at + 9, text("地址", "address"), frame.address.upper()),
        Part(
            at + 9,
            at + 10,
            text("控制码", "control"),
            f"{frame.control:02X} {way}{COMMA}{both(function)}{refused}",
        ),
        Part(at + 10, at + 11, text("数据长度", "length"), str(raw[at + 10])),
    ]
    at, end = at + HEAD_SIZE, len(raw) - 2
    if frame.di:
        parts.append(Part(at, at + 2, text("数据标识", "data identifier"), frame.di.upper()))
        at += 2
    if at < end:
        parts.append(Part(at, at + 1, text("序号", "serial number"), str(frame.serial)))
        at += 1
    if at < end:
        try:
            inner = tuple(Part(i.start + at, i.end + at, i.name, shown(i.value), i.unit) for i in frame.items())
        except BadFrame:
            inner = ()
        parts.append(Part(at, end, text("数据", "data"), frame.data.hex(" ").upper(), parts=inner))
    parts.append(Part(end, end + 1, text("校验和", "checksum"), f"{raw[end]:02X}"))
    parts.append(Part(end + 1, end + 2, text("结束符", "end")))
    return parts


def _measure(buffer: bytes, at: int) -> int:
    if len(buffer) < at + HEAD_SIZE:
        return MORE
    # The kind of meter is the only other byte that tells noise from a frame before its end.
    return buffer[at + 10] + FRAME_SIZE_MIN if buffer[at + 1] in KINDS else NEVER


def _whole(frame: bytes) -> bool:
    return frame[-1] == 0x16 and sum(frame[:-2]) & 255 == frame[-2]


FRAMING = Framing(start=0x68, measure=_measure, whole=_whole, limit=255 + FRAME_SIZE_MIN)

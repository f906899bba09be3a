"""Q/GDW 376.2, between a concentrator and its local communication module (集中器与本地通信模块接口): power line or radio.

    68 | L(2) | C | R(6) | [A1 relays.. A3] | AFN | DT(2) data | sum | 16

The address field is there when R's module flag is set; its middle has as many relays as R's relay level says.
"""

from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

from denghuo.kernel.problem import Text, text
from denghuo.service.acquisition.protocol.carried import carried
from denghuo.service.acquisition.protocol.fault import BadFrame, BadValue
from denghuo.service.acquisition.protocol.fields import Item, shown
from denghuo.service.acquisition.protocol.gdw3761.formats import dt, form, functions_of
from denghuo.service.acquisition.protocol.layout import Layout
from denghuo.service.acquisition.protocol.part import Part
from denghuo.service.acquisition.protocol.stream import MORE, NEVER, Framing
from denghuo.service.acquisition.protocol.words import COMMA, both, named, rows, spoken

# Marks, length, control, R, function, unit, sum.
FRAME_SIZE_MIN = 15
FRAME_SIZE_MAX = 4096
FUNCTIONS: Mapping[int, Text] = {
    0x00: text("确认否认", "confirm, deny"),
    0x01: text("初始化", "initialise"),
    0x02: text("数据转发", "forward"),
    0x03: text("查询数据", "query"),
    0x04: text("链路接口检测", "link test"),
    0x05: text("控制命令", "control"),
    0x06: text("主动上报", "report"),
    0x10: text("路由查询", "route query"),
    0x11: text("路由设置", "route setting"),
    0x12: text("路由控制", "route control"),
    0x13: text("路由数据转发", "forward by route"),
    0x14: text("路由数据抄读", "reading by route"),
    0x15: text("文件传输", "file"),
    0xF1: text("并发抄表", "concurrent reading"),
}


class Frame(NamedTuple):
    """`route`: the six bytes R. `addresses`: source, relays, destination, 12 digits each, empty where the field is not there.
    `number`: the Fn; None where the unit names none or several, then `unit` (DT) tells."""

    control: int
    route: bytes
    addresses: tuple[str, ...]
    function: int
    unit: bytes
    data: bytes

    @property
    def up(self) -> bool:
        """From the module."""
        return self.control & 0x80 != 0

    @property
    def number(self) -> int | None:
        found = functions_of(self.unit[0], self.unit[1])
        return found[0] if len(found) == 1 else None

    def items(self) -> list[Item]:
        """The fields of the data; BadFrame where the table has no such unit or the data do not fit it."""
        kind = kinds().get((self.function, self.number or 0))
        if kind is None:
            raise BadFrame("unknown", 0, f"{self.function:02X} F{self.number}")
        layout = kind[2] if self.up else kind[1]
        found = layout.parse(self.data)
        end = found[-1].end if found else 0
        if end < len(self.data):
            found.append(Item(text("其余字节", "further bytes"), self.data[end:], "", end, len(self.data)))
        return found


@cache
def kinds() -> Mapping[tuple[int, int], tuple[Text, Layout, Layout]]:
    """The table by AFN and Fn: name, layout to the module, layout from it."""
    return {
        (int(row["afn"], 16), int(row["fn"])): (named(row["zh"]), Layout(row["down"], form), Layout(row["up"], form))
        for row in rows(__package__, "units.csv")
    }


def _relays(route: bytes) -> int:
    """How many addresses the address field has; none where the module flag is not set."""
    return (route[0] >> 4) + 2 if route[0] & 0x04 else 0


def decode(raw: bytes) -> Frame:
    """The one frame that `raw` is; BadFrame says what is wrong and where."""
    if raw and raw[0] != 0x68:
        raise BadFrame("start", 0, f"{raw[0]:02X}", "68")
    if len(raw) < FRAME_SIZE_MIN:
        raise BadFrame("short", len(raw), str(len(raw)), str(FRAME_SIZE_MIN))
    size = raw[1] | raw[2] << 8
    if size < FRAME_SIZE_MIN:
        raise BadFrame("length", 1, str(size), f"at least {FRAME_SIZE_MIN}")
    if len(raw) < size:
        raise BadFrame("short", len(raw), str(len(raw)), str(size))
    if sum(raw[3 : size - 2]) & 255 != raw[size - 2]:
        raise BadFrame("checksum", size - 2, f"{raw[size - 2]:02X}", f"{sum(raw[3 : size - 2]) & 255:02X}")
    if raw[size - 1] != 0x16:
        raise BadFrame("end", size - 1, f"{raw[size - 1]:02X}", "16")
    if len(raw) > size:
        raise BadFrame("long", size, str(len(raw) - size))
    route = raw[4:10]
    at = 10 + 6 * _relays(route)
    if at + 5 > size:
        raise BadFrame("content", 10, str(size - 15), f"{_relays(route)} addresses")
    addresses = tuple(raw[place + 5 : place - 1 : -1].hex() for place in range(10, at, 6))
    return Frame(raw[3], route, addresses, raw[at], raw[at + 1 : at + 3], raw[at + 3 : size - 2])


def encode(frame: Frame) -> bytes:
    """The bytes of `frame`; BadValue where its addresses do not agree with its route, or a part does not fit."""
    if len(frame.route) != 6 or len(frame.unit) != 2 or len(frame.addresses) != _relays(frame.route):
        raise BadValue(
            "addresses", len(frame.addresses), str(_relays(frame.route) if len(frame.route) == 6 else "R of 6 bytes")
        )
    try:
        addresses = [bytes.fromhex(address)[::-1] for address in frame.addresses]
    except ValueError:
        addresses = [b""]
    if any(len(address) != 6 for address in addresses):
        raise BadValue("addresses", frame.addresses, "12 digits each")
    body = (
        bytes((frame.control,)) + frame.route + b"".join(addresses) + bytes((frame.function,)) + frame.unit + frame.data
    )
    if len(body) + 5 > FRAME_SIZE_MAX:
        raise BadValue("data", len(frame.data), f"frames of at most {FRAME_SIZE_MAX} bytes")
    return b"\x68" + (len(body) + 5).to_bytes(2, "little") + body + bytes((sum(body) & 255, 0x16))


def unit_of(number: int) -> bytes:
    """The two bytes (DT) that name an Fn."""
    return dt([number])


def explain(raw: bytes) -> list[Part]:
    """Every byte of the one frame that `raw` is; BadFrame where it is none."""
    frame = decode(raw)
    way = spoken("上行", "up") if frame.up else spoken("下行", "down")
    function = FUNCTIONS.get(frame.function, text("未知功能", "unknown function"))
    kind = kinds().get((frame.function, frame.number or 0))
    said = f"F{frame.number}" + (f" {both(kind[0])}" if kind else "")
    parts = [
        Part(0, 1, text("起始符", "start")),
        Part(1, 3, text("长度", "length"), str(len(raw))),
        Part(
            3,
            4,
            text("控制域", "control"),
            f"{frame.control:02X} {way}{spoken('，通信方式', ', mode')} {frame.control & 0x3F}",
        ),
        Part(4, 10, text("信息域 R", "information R"), frame.route.hex(" ").upper(), parts=_route(frame)),
    ]
    at = 10
    for number, address in enumerate(frame.addresses):
        last = number == len(frame.addresses) - 1
        name = text("源地址 A1", "source A1") if not number else text("中继地址 A2", "relay A2")
        parts.append(Part(at, at + 6, text("目的地址 A3", "destination A3") if last else name, address))
        at += 6
    parts.append(Part(at, at + 1, text("功能码 AFN", "function AFN"), f"{frame.function:02X} {both(function)}"))
    parts.append(Part(at + 1, at + 3, text("数据单元标识", "data unit identifier"), said))
    at, end = at + 3, len(raw) - 2
    if at < end:
        parts.append(Part(at, end, text("数据", "data"), frame.data.hex(" ").upper(), parts=_data(frame, at)))
    parts.append(Part(end, end + 1, text("校验和", "checksum"), f"{raw[end]:02X}"))
    parts.append(Part(end + 1, end + 2, text("结束符", "end")))
    return parts


def _route(frame: Frame) -> tuple[Part, ...]:
    first = frame.route[0]
    flags = (
        spoken("旁路", "around the route") if first & 1 else spoken("带路由", "by route"),
        spoken("对节点", "to a node") if first & 4 else spoken("对模块", "to the module"),
        spoken("冲突检测", "conflict check") if first & 8 else "",
        f"{spoken('中继级别', 'relays')} {first >> 4}",
    )
    said = COMMA.join(filter(None, flags))
    parts = [Part(4, 5, text("路由与中继", "route and relays"), said)]
    if not frame.up:
        parts += [
            Part(5, 6, text("信道标识", "channel"), str(frame.route[1] & 0x0F)),
            Part(6, 7, text("纠错编码", "error correction"), str(frame.route[2] & 0x0F)),
            Part(7, 8, text("预计应答字节数", "expected answer"), str(frame.route[3])),
        ]
    return *parts, Part(9, 10, text("报文序列号", "number of the message"), str(frame.route[5]))


def _data(frame: Frame, at: int) -> tuple[Part, ...]:
    try:
        found = frame.items()
    except BadFrame:
        return ()
    return tuple(Part(i.start + at, i.end + at, i.name, shown(i.value), i.unit, _inside(i, at)) for i in found)


def _inside(item: Item, at: int) -> tuple[Part, ...]:
    return carried(item.value, item.start + at) if isinstance(item.value, bytes) else ()


def _measure(buffer: bytes, at: int) -> int:
    if len(buffer) < at + 3:
        return MORE
    size = buffer[at + 1] | buffer[at + 2] << 8
    return size if FRAME_SIZE_MIN <= size <= FRAME_SIZE_MAX else NEVER


def _whole(frame: bytes) -> bool:
    return frame[-1] == 0x16 and sum(frame[3:-2]) & 255 == frame[-2]


FRAMING = Framing(start=0x68, measure=_measure, whole=_whole, limit=FRAME_SIZE_MAX)

"""Modbus of energy meters: frames on a serial line (RTU) and over TCP, and what their registers mean as a table (points.py).

    RTU  unit | function | data | CRC(2)          TCP  transaction(2) | 0000 | length(2) | unit | function | data

A frame does not say whether it asks or answers; where the data fit both, `explain` shows it as an answer.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from denghuo.kernel.problem import Text, text
from denghuo.service.acquisition.protocol.fault import BadFrame, BadValue
from denghuo.service.acquisition.protocol.part import Part
from denghuo.service.acquisition.protocol.words import both, spoken

FRAME_SIZE_MIN, FRAME_SIZE_MAX = 4, 256
TCP_HEAD_SIZE = 7
REGISTERS_MAX, BITS_MAX = 125, 2000
READ_BITS = frozenset((1, 2))
READ_REGISTERS = frozenset((3, 4))
_DEVICE = 0x0E
FUNCTIONS: dict[int, Text] = {
    1: text("读线圈", "read coils"),
    2: text("读离散输入", "read discrete inputs"),
    3: text("读保持寄存器", "read holding registers"),
    4: text("读输入寄存器", "read input registers"),
    5: text("写单个线圈", "write a coil"),
    6: text("写单个寄存器", "write a register"),
    7: text("读异常状态", "read exception status"),
    8: text("诊断", "diagnostics"),
    11: text("读通信事件计数", "read the event counter"),
    12: text("读通信事件记录", "read the event log"),
    15: text("写多个线圈", "write coils"),
    16: text("写多个寄存器", "write registers"),
    17: text("报告设备标识", "report the device"),
    20: text("读文件记录", "read a file record"),
    21: text("写文件记录", "write a file record"),
    22: text("屏蔽写寄存器", "mask a register"),
    23: text("读写多个寄存器", "read and write registers"),
    24: text("读先进先出队列", "read a queue"),
    43: text("读设备标识", "read device identification"),
}
EXCEPTIONS: dict[int, Text] = {
    1: text("非法功能", "illegal function"),
    2: text("非法数据地址", "illegal address"),
    3: text("非法数据值", "illegal value"),
    4: text("设备故障", "device failure"),
    5: text("已接受，处理中", "acknowledged, in progress"),
    6: text("设备忙", "device busy"),
    8: text("存储奇偶校验错", "memory parity error"),
    10: text("网关路径不可用", "gateway path unavailable"),
    11: text("网关目标设备无响应", "gateway target does not answer"),
}


def _table() -> tuple[int, ...]:
    found = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ 0xA001 if value & 1 else value >> 1
        found.append(value)
    return tuple(found)


_CRC = _table()


def crc16(raw: bytes) -> bytes:
    """The two bytes, low one first, that prove a serial frame."""
    crc = 0xFFFF
    for byte in raw:
        crc = crc >> 8 ^ _CRC[(crc ^ byte) & 255]
    return crc.to_bytes(2, "little")


class Frame(NamedTuple):
    """`function` with its top bit set is a refusal. `transaction`: None on a serial line."""

    unit: int
    function: int
    data: bytes
    transaction: int | None = None

    @property
    def refused(self) -> bool:
        return self.function & 0x80 != 0


def decode(raw: bytes) -> Frame:
    """The one serial frame that `raw` is; BadFrame says what is wrong and where."""
    if not FRAME_SIZE_MIN <= len(raw) <= FRAME_SIZE_MAX:
        raise BadFrame("short" if len(raw) < FRAME_SIZE_MIN else "long", len(raw), str(len(raw)))
    if crc16(raw[:-2]) != raw[-2:]:
        raise BadFrame("checksum", len(raw) - 2, raw[-2:].hex().upper(), crc16(raw[:-2]).hex().upper())
    return Frame(raw[0], raw[1], raw[2:-2])


def encode(frame: Frame) -> bytes:
    """The bytes of `frame`: with a checksum on a serial line, behind a head with its `transaction` over TCP."""
    for name, value in (("unit", frame.unit), ("function", frame.function)):
        if not 0 <= value <= 255:
            raise BadValue(name, value, "0..255")
    body = bytes((frame.unit, frame.function)) + frame.data
    if len(body) > FRAME_SIZE_MAX - 2:
        raise BadValue("data", len(frame.data), f"at most {FRAME_SIZE_MAX - 4} bytes")
    if frame.transaction is None:
        return body + crc16(body)
    return (frame.transaction & 0xFFFF).to_bytes(2, "big") + b"\0\0" + len(body).to_bytes(2, "big") + body


def decode_tcp(raw: bytes) -> Frame:
    """The one frame over TCP that `raw` is; BadFrame says what is wrong and where."""
    if len(raw) < TCP_HEAD_SIZE + 1:
        raise BadFrame("short", len(raw), str(len(raw)), str(TCP_HEAD_SIZE + 1))
    if raw[2:4] != b"\0\0":
        raise BadFrame("start", 2, raw[2:4].hex(), "0000")
    size = int.from_bytes(raw[4:6], "big")
    if not 2 <= size <= FRAME_SIZE_MAX - 2:
        raise BadFrame("length", 4, str(size), f"2..{FRAME_SIZE_MAX - 2}")
    if len(raw) != size + 6:
        raise BadFrame(
            "short" if len(raw) < size + 6 else "long", min(len(raw), size + 6), str(len(raw)), str(size + 6)
        )
    return Frame(raw[6], raw[7], raw[8:], int.from_bytes(raw[:2], "big"))


class TcpReader:
    """Frames out of a TCP stream by their lengths; BadFrame ends a stream whose head is none, as nothing marks the next."""

    def __init__(self) -> None:
        self._kept = b""

    def feed(self, chunk: bytes) -> list[Frame]:
        """The frames that are complete now."""
        self._kept += chunk
        found = []
        while len(self._kept) >= 6:
            size = int.from_bytes(self._kept[4:6], "big") + 6
            if self._kept[2:4] != b"\0\0" or not 8 <= size <= FRAME_SIZE_MAX + 4:
                self._kept = b""
                raise BadFrame("start", 2, chunk[:8].hex())
            if len(self._kept) < size:
                break
            found.append(decode_tcp(self._kept[:size]))
            self._kept = self._kept[size:]
        return found


def read(unit: int, function: int, register: int, count: int, transaction: int | None = None) -> Frame:
    """Asks for `count` registers or bits from `register` (counted from 0)."""
    limit = BITS_MAX if function in READ_BITS else REGISTERS_MAX
    if function not in READ_BITS | READ_REGISTERS or not 1 <= count <= limit or not 0 <= register <= 0x10000 - count:
        raise BadValue("registers", f"{function}: {register} x {count}", f"functions 1 to 4, at most {limit}")
    return Frame(unit, function, register.to_bytes(2, "big") + count.to_bytes(2, "big"), transaction)


def registers(answer: Frame) -> list[int]:
    """The registers that an answer to 03 or 04 has; BadFrame where it refuses or its count does not fit."""
    if answer.refused:
        code = answer.data[0] if answer.data else 0
        said = EXCEPTIONS.get(code, text("其他异常", "another exception"))
        raise BadFrame("content", 1, f"{answer.function:02X} {code} {said['en']}", "an answer")
    data = answer.data
    if answer.function not in READ_REGISTERS or not data or data[0] != len(data) - 1 or data[0] % 2:
        raise BadFrame("length", 2, str(data[0] if data else 0), str(max(len(data) - 1, 0)))
    return [data[at] << 8 | data[at + 1] for at in range(1, len(data), 2)]


def explain(raw: bytes) -> list[Part]:
    """Every byte of the one serial frame that `raw` is; BadFrame where it is none."""
    frame = decode(raw)
    end = len(raw) - 2
    return [*_body(frame, 0), Part(end, end + 2, text("校验 CRC", "checksum CRC"), raw[end:].hex().upper())]


def explain_tcp(raw: bytes) -> list[Part]:
    """Every byte of the one frame over TCP that `raw` is; BadFrame where it is none, or its function, which is all that tells
    it from other bytes, is not of the protocol."""
    frame = decode_tcp(raw)
    if frame.function & 0x7F not in FUNCTIONS:
        raise BadFrame("unknown", TCP_HEAD_SIZE, f"{frame.function:02X}")
    return [
        Part(0, 2, text("事务号", "transaction"), str(frame.transaction)),
        Part(2, 4, text("协议号", "protocol"), "0"),
        Part(4, 6, text("长度", "length"), str(len(raw) - 6)),
        *_body(frame, 6),
    ]


def _body(frame: Frame, at: int) -> list[Part]:
    function = FUNCTIONS.get(frame.function & 0x7F, text("其他功能", "another function"))
    refused = spoken("，异常", ", refused") if frame.refused else ""
    said = f"{frame.function:02X} {both(function)}{refused}"
    parts = [
        Part(at, at + 1, text("设备地址", "unit"), str(frame.unit)),
        Part(at + 1, at + 2, text("功能码", "function"), said),
    ]
    if frame.data:
        inner = tuple(part.moved(at + 2) for part in _data(frame))
        name = text("数据", "data")
        parts.append(Part(at + 2, at + 2 + len(frame.data), name, frame.data.hex(" ").upper(), parts=inner))
    return parts


def _data(frame: Frame) -> Sequence[Part]:
    """The fields of a frame's data; none where they fit neither a request nor an answer."""
    data, function, size = frame.data, frame.function, len(frame.data)
    if frame.refused:
        said = EXCEPTIONS.get(data[0], text("其他异常", "another exception"))
        return (Part(0, 1, text("异常码", "exception"), f"{data[0]} {both(said)}"),)
    if function in READ_REGISTERS and data[0] == size - 1 and not data[0] % 2:
        return _counted(data, 0, _registers)
    # Eight bits or more in three bytes are an answer; four bytes are a request, or 24 bits.
    if function in READ_BITS and data[0] == size - 1 and size != 4:
        return _counted(data, 0, _bits)
    if function in READ_REGISTERS | READ_BITS | {15, 16} and size == 4:
        return _span(data)
    if function == 5 and size == 4:
        state = {b"\xff\0": spoken("合", "on"), b"\0\0": spoken("分", "off")}.get(data[2:], data[2:].hex().upper())
        return (_address(data), Part(2, 4, text("值", "value"), state))
    if function == 6 and size == 4:
        return (_address(data), Part(2, 4, text("值", "value"), str(data[2] << 8 | data[3])))
    if function in (15, 16) and size > 5 and data[4] == size - 5:
        return (*_span(data), *_counted(data, 4, _registers if function == 16 else _bits))
    if function == 43 and size == 3 and data[0] == _DEVICE:
        return _device_head(data)[:3]
    return _device(data) if function == 43 and size > 6 and data[0] == _DEVICE else ()


def _address(data: bytes) -> Part:
    return Part(0, 2, text("起始地址", "first address"), str(data[0] << 8 | data[1]))


def _span(data: bytes) -> tuple[Part, Part]:
    return _address(data), Part(2, 4, text("数量", "count"), str(data[2] << 8 | data[3]))


def _counted(data: bytes, at: int, said: Callable[[bytes, int], list[Part]]) -> tuple[Part, ...]:
    return (Part(at, at + 1, text("字节数", "bytes"), str(data[at])), *said(data, at + 1))


def _registers(data: bytes, start: int) -> list[Part]:
    return [
        Part(at, at + 2, text(f"寄存器{number}", f"register {number}"), str(data[at] << 8 | data[at + 1]))
        for number, at in enumerate(range(start, len(data) - 1, 2))
    ]


def _bits(data: bytes, start: int) -> list[Part]:
    """The bits of each byte, the first one on the left."""
    return [
        Part(at, at + 1, text(f"位{8 * (at - start)}起", f"bits from {8 * (at - start)}"), f"{data[at]:08b}"[::-1])
        for at in range(start, len(data))
    ]


def _device_head(data: bytes) -> list[Part]:
    names = (
        text("MEI 类型", "MEI type"),
        text("读取码", "read code"),
        text("对象号", "object"),
        text("后续", "more follows"),
        text("下一对象", "next object"),
        text("对象数", "number of objects"),
    )
    return [Part(at, at + 1, name, f"{data[at]:02X}") for at, name in enumerate(names) if at < len(data)]


def _device(data: bytes) -> Sequence[Part]:
    """The objects of an answer to 2B/0E: vendor, product and their like."""
    parts = _device_head(data)
    parts[2] = Part(2, 3, text("一致性等级", "conformity"), f"{data[2]:02X}")
    at = 6
    while at + 2 <= len(data) and at + 2 + data[at + 1] <= len(data):
        end = at + 2 + data[at + 1]
        said = data[at + 2 : end].decode("utf-8", "replace")
        parts.append(Part(at, end, text(f"对象{data[at]}", f"object {data[at]}"), said))
        at = end
    return parts

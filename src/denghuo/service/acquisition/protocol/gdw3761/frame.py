"""Frames of Q/GDW 376.1 (and its forerunner 130-2005): link, addresses, function, sequence, and what is added behind the data.

    68 | L L | 68 | C | A1 A2 A3 | AFN | SEQ | data units | password, event counters, time tag | sum | 16

What is added is told by direction, function and flags: a terminal with its access flag (ACD) set adds two event counters,
a frame with a time tag (TpV) its six bytes, and a request that changes something the password of 16 bytes (2 in 130-2005).
"""

from typing import NamedTuple

from denghuo.service.acquisition.protocol.fault import BadFrame, BadValue
from denghuo.service.acquisition.protocol.stream import MORE, NEVER, Framing

HEAD_SIZE = 6
# Control, address, function, sequence.
LINK_SIZE = 8
FRAME_SIZE_MAX = 16383 + 8
PASSWORD_SIZES = {1: 2, 2: 16}
# Reset, set, control, authentication, file, forward.
WITH_PASSWORD = frozenset((0x01, 0x04, 0x05, 0x06, 0x0F, 0x10))
TIME_TAG_SIZE = 6


class Frame(NamedTuple):
    """`region`: two bytes as digits. `terminal` 0..65535 (65535 everyone). `group` and `station` (MSA) are A3.

    `data`: the data units, without what is added behind them. `password`, `counters` (EC1, EC2) and `time_tag` (6 bytes) are
    None where they are not there.
    """

    control: int
    region: str
    terminal: int
    station: int
    group: bool
    function: int
    sequence: int
    data: bytes
    password: bytes | None = None
    counters: tuple[int, int] | None = None
    time_tag: bytes | None = None
    edition: int = 2

    @property
    def up(self) -> bool:
        """From the terminal."""
        return self.control & 0x80 != 0

    @property
    def first(self) -> bool:
        return self.sequence & 0x40 != 0

    @property
    def last(self) -> bool:
        return self.sequence & 0x20 != 0

    @property
    def confirm(self) -> bool:
        """The sender wants a confirmation."""
        return self.sequence & 0x10 != 0

    @property
    def number(self) -> int:
        return self.sequence & 0x0F


def decode(raw: bytes) -> Frame:
    """The one frame that `raw` is. BadFrame says what is wrong and where.

    `data` still holds the password of a request: whether one is there only the data units can tell (`units.settle`).
    """
    body = _body(raw)
    control, sequence = body[0], body[7]
    end = len(body)
    time_tag = counters = None
    if sequence & 0x80:
        if end - TIME_TAG_SIZE < LINK_SIZE:
            raise BadFrame("content", HEAD_SIZE + end, str(end - LINK_SIZE), "a time tag of 6 bytes")
        time_tag, end = body[end - TIME_TAG_SIZE : end], end - TIME_TAG_SIZE
    if control & 0x80 and control & 0x20:
        if end - 2 < LINK_SIZE:
            raise BadFrame("content", HEAD_SIZE + end, str(end - LINK_SIZE), "two event counters")
        counters, end = (body[end - 2], body[end - 1]), end - 2
    return Frame(
        control,
        body[2:0:-1].hex(),
        body[3] | body[4] << 8,
        body[5] >> 1,
        body[5] & 1 == 1,
        body[6],
        sequence,
        body[LINK_SIZE:end],
        None,
        counters,
        time_tag,
        raw[1] & 3,
    )


def _body(raw: bytes) -> bytes:
    if len(raw) < HEAD_SIZE:
        raise BadFrame("short", len(raw), str(len(raw)), str(HEAD_SIZE + LINK_SIZE + 2))
    for mark in (0, 5):
        if raw[mark] != 0x68:
            raise BadFrame("start", mark, f"{raw[mark]:02X}", "68")
    if raw[1:3] != raw[3:5]:
        raise BadFrame("length", 3, raw[3:5].hex().upper(), raw[1:3].hex().upper())
    size = (raw[1] | raw[2] << 8) >> 2
    if size < LINK_SIZE:
        raise BadFrame("length", 1, str(size), f"at least {LINK_SIZE}")
    end = HEAD_SIZE + size
    if len(raw) < end + 2:
        raise BadFrame("short", len(raw), str(len(raw)), str(end + 2))
    body = raw[HEAD_SIZE:end]
    if sum(body) & 255 != raw[end]:
        raise BadFrame("checksum", end, f"{raw[end]:02X}", f"{sum(body) & 255:02X}")
    if raw[end + 1] != 0x16:
        raise BadFrame("end", end + 1, f"{raw[end + 1]:02X}", "16")
    if len(raw) > end + 2:
        raise BadFrame("long", end + 2, str(len(raw) - end - 2))
    return body


def encode(frame: Frame) -> bytes:
    """The bytes of `frame`; the flags of control and sequence must agree with what it adds, else BadValue."""
    _agree("counters", frame.counters is not None, frame.up and frame.control & 0x20 != 0)
    _agree("time_tag", frame.time_tag is not None, frame.sequence & 0x80 != 0)
    try:
        region = bytes.fromhex(frame.region)[::-1]
    except ValueError:
        region = b""
    if len(region) != 2:
        raise BadValue("region", frame.region, "4 digits")
    limits = {"control": 255, "terminal": 65535, "station": 127, "function": 255, "sequence": 255, "edition": 3}
    for name, limit in limits.items():
        if not 0 <= getattr(frame, name) <= limit:
            raise BadValue(name, getattr(frame, name), f"0..{limit}")
    body = bytes((frame.control,)) + region + frame.terminal.to_bytes(2, "little")
    body += bytes((frame.station << 1 | frame.group, frame.function, frame.sequence))
    body += frame.data + (frame.password or b"") + bytes(frame.counters or ()) + (frame.time_tag or b"")
    if len(body) > 16383:
        raise BadValue("data", len(body), "at most 16383 bytes")
    length = (len(body) << 2 | frame.edition).to_bytes(2, "little")
    return b"\x68" + length + length + b"\x68" + body + bytes((sum(body) & 255, 0x16))


def _agree(name: str, there: bool, flagged: bool) -> None:
    if there != flagged:
        raise BadValue(name, there, f"{flagged}, as the flags say")


def _measure(buffer: bytes, at: int) -> int:
    if len(buffer) < at + HEAD_SIZE:
        known = len(buffer) - at
        return NEVER if known == 5 and buffer[at + 1 : at + 3] != buffer[at + 3 : at + 5] else MORE
    if buffer[at + 5] != 0x68 or buffer[at + 1 : at + 3] != buffer[at + 3 : at + 5]:
        return NEVER
    size = (buffer[at + 1] | buffer[at + 2] << 8) >> 2
    return size + HEAD_SIZE + 2 if size >= LINK_SIZE else NEVER


def _whole(frame: bytes) -> bool:
    return frame[-1] == 0x16 and sum(frame[HEAD_SIZE:-2]) & 255 == frame[-2]


FRAMING = Framing(start=0x68, measure=_measure, whole=_whole, limit=FRAME_SIZE_MAX)

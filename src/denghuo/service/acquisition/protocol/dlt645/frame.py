"""Frames of DL/T 645: wake-up bytes, marks, address, control, the offset of the data, checksum.

FE.. | 68 | A0..A5 | 68 | C | L | data + 33H each | sum | 16
"""

from collections.abc import Iterable
from typing import NamedTuple

from denghuo.service.acquisition.protocol.fault import BadFrame, BadValue
from denghuo.service.acquisition.protocol.stream import MORE, NEVER, Framing

WAKE_UP = 0xFE
HEAD_SIZE = 10
# Head, checksum and end mark.
FRAME_SIZE_MIN = 12
OFFSET_OFF = bytes((value - 0x33) % 256 for value in range(256))
OFFSET_ON = bytes((value + 0x33) % 256 for value in range(256))


class Frame(NamedTuple):
    """`address`: 12 lower-case digits, high one first (`a` wildcard, `999999999999` everyone). `data` is without its offset."""

    address: str
    control: int
    data: bytes

    @property
    def answer(self) -> bool:
        return self.control >= 0x80

    @property
    def refused(self) -> bool:
        return self.control & 0xC0 == 0xC0

    @property
    def more(self) -> bool:
        """More data follows in further frames."""
        return self.control & 0x20 != 0

    @property
    def function(self) -> int:
        return self.control & 0x1F


def decode(raw: bytes) -> Frame:
    """The one frame that `raw` is, wake-up bytes before it allowed. BadFrame says what is wrong and where."""
    try:
        if (
            raw[0] == 0x68 == raw[7]
            and len(raw) == raw[9] + FRAME_SIZE_MIN
            and raw[-1] == 0x16
            and not (sum(raw) - 2 * raw[-2] - 0x16) & 255
        ):
            return Frame(raw[6:0:-1].hex(), raw[8], raw[10:-2].translate(OFFSET_OFF))
    except IndexError:
        pass
    body = raw.lstrip(b"\xfe")
    wrong = _wrong(body, len(raw) - len(body))
    if wrong:
        raise wrong
    return Frame(body[6:0:-1].hex(), body[8], body[10:-2].translate(OFFSET_OFF))


def _wrong(body: bytes, at: int) -> BadFrame | None:
    for mark in (0, 7):
        if len(body) > mark and body[mark] != 0x68:
            return BadFrame("start", at + mark, f"{body[mark]:02X}", "68")
    if len(body) < FRAME_SIZE_MIN or len(body) < body[9] + FRAME_SIZE_MIN:
        return BadFrame("short", at + len(body), f"{len(body)}", f"{body[9] + FRAME_SIZE_MIN}" if len(body) > 9 else "")
    size = body[9] + FRAME_SIZE_MIN
    if sum(body[: size - 2]) & 255 != body[size - 2]:
        return BadFrame("checksum", at + size - 2, f"{body[size - 2]:02X}", f"{sum(body[: size - 2]) & 255:02X}")
    if body[size - 1] != 0x16:
        return BadFrame("end", at + size - 1, f"{body[size - 1]:02X}", "16")
    if len(body) > size:
        return BadFrame("long", at + size, f"{len(body) - size}")
    return None


def encode(frame: Frame, wake_up: int = 0) -> bytes:
    """The bytes of `frame` behind `wake_up` bytes FE. BadValue: an address of other than 12 digits, more than 255 bytes."""
    try:
        address = bytes.fromhex(frame.address)
    except ValueError:
        address = b""
    if len(address) != 6:
        raise BadValue("address", frame.address, "12 digits")
    if len(frame.data) > 255:
        raise BadValue("data", len(frame.data), "at most 255 bytes")
    if not 0 <= frame.control <= 255:
        raise BadValue("control", frame.control, "0..255")
    head = b"\x68" + address[::-1] + bytes((0x68, frame.control, len(frame.data)))
    body = head + frame.data.translate(OFFSET_ON)
    return b"\xfe" * wake_up + body + bytes((sum(body) & 255, 0x16))


def decode_all(raws: Iterable[bytes]) -> list[Frame]:
    """Frames in bulk, as from a reader: the fast way for what is right, BadFrame at the first that is not."""
    off, new = OFFSET_OFF, tuple.__new__
    frames: list[Frame] = []
    add = frames.append
    for raw in raws:
        if (
            len(raw) > 11
            and raw[0] == 0x68 == raw[7]
            and len(raw) == raw[9] + FRAME_SIZE_MIN
            and raw[-1] == 0x16
            # The sum without a copy: of the whole frame, less the checksum itself and the end mark, equals the checksum.
            and not (sum(raw) - 2 * raw[-2] - 0x16) & 255
        ):
            add(new(Frame, (raw[6:0:-1].hex(), raw[8], raw[10:-2].translate(off))))
        else:
            add(decode(raw))
    return frames


def _measure(buffer: bytes, at: int) -> int:
    if len(buffer) < at + HEAD_SIZE:
        return MORE if len(buffer) <= at + 7 or buffer[at + 7] == 0x68 else NEVER
    return buffer[at + 9] + FRAME_SIZE_MIN if buffer[at + 7] == 0x68 else NEVER


def _whole(frame: bytes) -> bool:
    return frame[-1] == 0x16 and sum(frame[:-2]) & 255 == frame[-2]


FRAMING = Framing(start=0x68, measure=_measure, whole=_whole, limit=255 + FRAME_SIZE_MIN)

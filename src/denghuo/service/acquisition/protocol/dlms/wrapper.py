"""The wrapper of DLMS/COSEM over TCP and UDP (IEC 62056-47): version 0001, from, to, length, two bytes each, and the APDU."""

from typing import NamedTuple

from denghuo.service.acquisition.protocol.dlms.apdu import ASSOCIATIONS, MESSAGES
from denghuo.service.acquisition.protocol.fault import BadFrame, BadValue
from denghuo.service.acquisition.protocol.stream import MORE, NEVER, Framing

HEAD_SIZE = 8
VERSION = b"\0\1"
FRAME_SIZE_MAX = HEAD_SIZE + 0xFFFF


class Frame(NamedTuple):
    """One APDU from port `source` to port `to`: a client (16 public, 1 management) or a logical device (1 the first)."""

    source: int
    to: int
    payload: bytes


def decode(raw: bytes) -> Frame:
    """The one frame that `raw` is. BadFrame says what is wrong and where."""
    if raw[:2] != VERSION[: len(raw)] or not raw:
        raise BadFrame("start", 0, raw[:2].hex().upper(), "0001")
    if len(raw) < HEAD_SIZE:
        raise BadFrame("short", len(raw), str(len(raw)), str(HEAD_SIZE))
    size = int.from_bytes(raw[6:8], "big") + HEAD_SIZE
    if len(raw) != size:
        raise BadFrame("short" if len(raw) < size else "long", min(len(raw), size), str(len(raw)), str(size))
    return Frame(int.from_bytes(raw[2:4], "big"), int.from_bytes(raw[4:6], "big"), raw[8:])


def encode(frame: Frame) -> bytes:
    """The bytes of `frame`; BadValue where a port or the size does not fit."""
    for name, value in (("source", frame.source), ("to", frame.to), ("payload", len(frame.payload))):
        if not 0 <= value <= 0xFFFF:
            raise BadValue(name, value, "0..65535")
    numbers = (frame.source, frame.to, len(frame.payload))
    return VERSION + b"".join(number.to_bytes(2, "big") for number in numbers) + frame.payload


def _measure(buffer: bytes, at: int) -> int:
    if not VERSION.startswith(buffer[at : at + 2]):
        return NEVER
    if len(buffer) - at < HEAD_SIZE:
        return MORE
    size = int.from_bytes(buffer[at + 6 : at + 8], "big")
    return HEAD_SIZE + size if size else NEVER


def _whole(frame: bytes) -> bool:
    """It has no checksum: whether a frame is one shows in its APDU."""
    return frame[HEAD_SIZE] in MESSAGES or frame[HEAD_SIZE] in ASSOCIATIONS


FRAMING = Framing(start=0, measure=_measure, whole=_whole, limit=FRAME_SIZE_MAX)

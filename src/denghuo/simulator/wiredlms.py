"""DLMS/COSEM over TCP as a meter writes and reads it, in the wrapper and without ciphers.

0001 | from(2) | to(2) | length(2) | message
"""

from collections.abc import Iterable
from datetime import datetime, timedelta, timezone
from typing import Any, NamedTuple

VERSION, HEAD_SIZE = b"\x00\x01", 8
ASSOCIATE, RELEASE, GET, SET = 0x60, 0x62, 0xC0, 0xC1
NORMAL, NEXT = 1, 2
BLOCK_SIZE = 400
DENIED, UNDEFINED = 3, 4
ASSOCIATED = bytes.fromhex("6129a109060760857405080101a203020100a305a103020100be10040e0800065f1f040000101c02000007")
"""Accepted, to get and set, with selective access and blocks; a message has 512 bytes at most."""
RELEASED = bytes.fromhex("6303800100")
REFUSED = bytes.fromhex("d80102")
CLOCK, NAME, FORWARD, REVERSE = (
    bytes.fromhex(name) for name in ("0000010000ff", "00002a0000ff", "0100010800ff", "0100020800ff")
)
LOAD, DAILY = bytes.fromhex("0100630100ff"), bytes.fromhex("0100620200ff")
COLUMNS = ((8, CLOCK), (3, FORWARD), (3, REVERSE))
SCALE = bytes.fromhex("02020f01161e")
"""A count is 10 Wh."""
ABSENT = b"\x00"


class Question(NamedTuple):
    """`data`: what follows the attribute: a selection, or what is to be set."""

    service: int
    kind: int
    invoke: int
    name: bytes = b""
    attribute: int = 0
    data: bytes = b""


def split(buffer: bytes) -> tuple[list[bytes], bytes]:
    """The frames of a buffer, and what is left of it. The head-end sends nothing but frames."""
    found = []
    while len(buffer) >= HEAD_SIZE and len(buffer) >= (size := HEAD_SIZE + int.from_bytes(buffer[6:8], "big")):
        found.append(buffer[:size])
        buffer = buffer[size:]
    return found, buffer


def frame(asked: bytes, message: bytes) -> bytes:
    """The answer to a frame: from whom it was for to whom it came from."""
    return VERSION + asked[4:6] + asked[2:4] + len(message).to_bytes(2, "big") + message


def question(message: bytes) -> Question:
    """What a message asks; of one that is cut short IndexError."""
    service = message[0]
    if service not in (GET, SET):
        return Question(service, 0, 0)
    if message[1] != NORMAL:
        return Question(service, message[1], message[2])
    return Question(service, NORMAL, message[2], message[5:11], message[11], message[12:])


class Answers:
    """Answers of one connection: what is long goes in blocks, the next when it is asked for."""

    def __init__(self) -> None:
        self._rest, self._block = b"", 0

    def given(self, asked: Question, value: bytes) -> bytes:
        if len(value) <= BLOCK_SIZE:
            return bytes((0xC4, NORMAL, asked.invoke, 0)) + value
        self._rest, self._block = value, 0
        return self.following(asked)

    def following(self, asked: Question) -> bytes:
        piece, self._rest = self._rest[:BLOCK_SIZE], self._rest[BLOCK_SIZE:]
        self._block += 1
        head = bytes((0xC4, NEXT, asked.invoke, not self._rest)) + self._block.to_bytes(4, "big")
        return head + b"\x00" + _size(len(piece)) + piece


def refused(asked: Question, why: int) -> bytes:
    return bytes((0xC4, NORMAL, asked.invoke, 1, why))


def was_set(asked: Question, why: int = 0) -> bytes:
    return bytes((0xC5, NORMAL, asked.invoke, why))


def span(selection: bytes, now: datetime) -> tuple[datetime, datetime] | None:
    """From when to when rows are asked for; None for all of them. ValueError for another selection."""
    if not selection[:1] or selection[0] == 0:
        return None
    if selection[1] != 1:
        raise ValueError(f"selector {selection[1]}")
    (_, begin, end, _), _ = _value(selection, 2)
    return moment(begin, now), moment(end, now)


# -- values -----------------------------------------------------------------------------------------------------------


def octets(raw: bytes) -> bytes:
    return bytes((9, len(raw))) + raw


def count(value_e4: int | None) -> bytes:
    return ABSENT if value_e4 is None else b"\x06" + (value_e4 // 100).to_bytes(4, "big")


def seconds(number: int) -> bytes:
    return b"\x06" + number.to_bytes(4, "big")


def time(at: datetime) -> bytes:
    """Twelve octets; the deviation is that of the local time from UTC, the other way round."""
    west = -int((at.utcoffset() or timedelta()).total_seconds()) // 60
    return (
        at.year.to_bytes(2, "big")
        + bytes((at.month, at.day, at.isoweekday(), at.hour, at.minute, at.second, at.microsecond // 10_000))
        + west.to_bytes(2, "big", signed=True)
        + b"\x00"
    )


def moment(raw: bytes, now: datetime) -> datetime:
    """The instant of twelve octets, of local time where they name no deviation; ValueError where it is none."""
    if len(raw) != 12:
        raise ValueError(raw.hex())
    year, west = int.from_bytes(raw[:2], "big"), int.from_bytes(raw[9:11], "big", signed=True)
    zone = now.tzinfo if west == -0x8000 else timezone(timedelta(minutes=-west))
    hundredths = raw[8] if raw[8] != 0xFF else 0
    return datetime(year, raw[2], raw[3], raw[5], raw[6], raw[7], hundredths * 10_000, tzinfo=zone)


def columns() -> bytes:
    """What a profile's rows hold: the time and both registers."""
    return group(
        1,
        (
            group(2, (b"\x12" + kind.to_bytes(2, "big"), octets(name), b"\x0f\x02", b"\x12\x00\x00"))
            for kind, name in COLUMNS
        ),
    )


def group(tag: int, members: Iterable[bytes]) -> bytes:
    """An array (1) or a structure (2)."""
    found = list(members)
    return bytes((tag,)) + _size(len(found)) + b"".join(found)


def set_time(data: bytes, now: datetime) -> datetime:
    """The instant that a clock is to be set to; ValueError where it is none."""
    if data[:3] != b"\x00\x09\x0c":
        raise ValueError(data.hex())
    return moment(data[3:15], now)


def _size(number: int) -> bytes:
    return bytes((number,)) if number < 0x80 else b"\x82" + number.to_bytes(2, "big")


_FIXED = {0x00: 0, 0x03: 1, 0x05: 4, 0x06: 4, 0x0F: 1, 0x10: 2, 0x11: 1, 0x12: 2, 0x14: 8, 0x15: 8, 0x16: 1, 0x19: 12}


def _value(raw: bytes, at: int) -> tuple[Any, int]:
    """A value and where the next begins: groups as lists, all else as its octets. ValueError for what is no value."""
    tag = raw[at]
    if tag in (1, 2):
        found, place = [], at + 2
        for _ in range(raw[at + 1]):
            member, place = _value(raw, place)
            found.append(member)
        return found, place
    begin, size = (at + 2, raw[at + 1]) if tag == 9 else (at + 1, _FIXED.get(tag, -1))
    if size < 0 or begin + size > len(raw):
        raise ValueError(f"tag {tag}")
    return raw[begin : begin + size], begin + size

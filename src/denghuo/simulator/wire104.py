"""IEC 60870-5-104 as a station writes and reads it.

68 | length | control(4) | type | number of objects | cause | originator | common address(2) | objects
"""

from collections import deque
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

START = 0x68
COMMAND_SIZE_MIN = 9
UNACKNOWLEDGED_MAX = 12
"""Numbered frames that a station sends without being told that they came (k)."""
NUMBERS = 1 << 15
CONFIRMATIONS = {0x07: 0x0B, 0x13: 0x23, 0x43: 0x83}
"""Of the frames without a number: begin, end and test."""
TOTALS, INTERROGATION, COUNTERS, CLOCK = 37, 100, 101, 103
CONFIRMED, ENDED, COUNTERS_ASKED, UNKNOWN_TYPE, UNKNOWN_ADDRESS = 7, 10, 37, 44, 46
NEGATIVE = 0x40
EVERYBODY = 0xFFFF
TOTALS_MAX = 16
"""So many fit a frame."""


class Link:
    """One connection's count of frames, and what waits to be sent over it."""

    def __init__(self) -> None:
        self._sent = self._acknowledged = self._received = self._told = 0
        self._waiting: deque[bytes] = deque()

    def hear(self, frame: bytes) -> tuple[bytes, bytes]:
        """What is to be said at once, and the message that the frame carries; empty where there is none."""
        if frame[2] & 3 == 3:
            confirmation = CONFIRMATIONS.get(frame[2])
            return (b"" if confirmation is None else bytes((START, 4, confirmation, 0, 0, 0))), b""
        self._acknowledged = int.from_bytes(frame[4:6], "little") >> 1
        if frame[2] & 1:
            return b"", b""
        self._received = ((int.from_bytes(frame[2:4], "little") >> 1) + 1) % NUMBERS
        return b"", frame[6:]

    def say(self, messages: Iterable[bytes]) -> None:
        self._waiting.extend(messages)

    def due(self) -> bytes:
        """The frames that may be sent now; where there is none, one that tells what came, if that was not told yet."""
        found = b""
        received = (self._received << 1).to_bytes(2, "little")
        while self._waiting and (self._sent - self._acknowledged) % NUMBERS < UNACKNOWLEDGED_MAX:
            message = self._waiting.popleft()
            found += bytes((START, 4 + len(message))) + (self._sent << 1).to_bytes(2, "little") + received + message
            self._sent = (self._sent + 1) % NUMBERS
        if not found and self._told != self._received:
            found = bytes((START, 4, 1, 0)) + received
        self._told = self._received
        return found


class Command(NamedTuple):
    """`objects`: of its one object the address and what is asked for."""

    type: int
    originator: int
    common: int
    objects: bytes

    def mirrored(self, cause: int, common: int, negative: bool = False) -> bytes:
        """The command as the station gives it back."""
        return _message(self.type, 1, cause | (NEGATIVE if negative else 0), self.originator, common, self.objects)


def split(buffer: bytes) -> tuple[list[bytes], bytes]:
    """The frames of a buffer, and what is left of it. The head-end sends nothing but frames."""
    found = []
    while len(buffer) >= 6 and len(buffer) >= (size := max(buffer[1], 4) + 2):
        found.append(buffer[:size])
        buffer = buffer[size:]
    return found, buffer


def command(message: bytes) -> Command:
    return Command(message[0], message[3], int.from_bytes(message[4:6], "little"), message[6:])


def totals(originator: int, common: int, counts: Sequence[tuple[int, int]], number: int, at: datetime) -> list[bytes]:
    """Integrated totals with their time: (address of the object, count) each; `number`: of the freeze, 0 to 31."""
    objects = [
        where.to_bytes(3, "little") + count.to_bytes(4, "little", signed=True) + bytes((number,)) + time(at)
        for where, count in counts
    ]
    return [
        _message(TOTALS, len(part), COUNTERS_ASKED, originator, common, b"".join(part))
        for part in (objects[first : first + TOTALS_MAX] for first in range(0, len(objects), TOTALS_MAX))
    ]


def time(at: datetime) -> bytes:
    """A time of seven bytes."""
    return (at.second * 1_000 + at.microsecond // 1_000).to_bytes(2, "little") + bytes(
        (at.minute, at.hour, at.day | at.isoweekday() << 5, at.month, at.year % 100)
    )


def moment(raw: bytes, now: datetime) -> datetime:
    """The time of seven bytes; ValueError where it is none."""
    second, milli = divmod(int.from_bytes(raw[:2], "little"), 1_000)
    minute, hour, day, month, year = (byte & mask for byte, mask in zip(raw[2:], (63, 31, 31, 15, 127), strict=True))
    return datetime(2000 + year, month, day, hour, minute, second, milli * 1_000, tzinfo=now.tzinfo)


def _message(kind: int, number: int, cause: int, originator: int, common: int, objects: bytes) -> bytes:
    return bytes((kind, number, cause, originator)) + common.to_bytes(2, "little") + objects

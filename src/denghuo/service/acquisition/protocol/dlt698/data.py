"""Data of DL/T 698.45: those of A-XDR, and

19 1A 1B 1C times: their bytes, see `instant`          50 OI, 51 OAD, 53 OMD .. hexadecimal digits
52 ROAD, 54 TI, 57.. composite values as grammar.py reads them
"""

import struct
from datetime import datetime
from functools import lru_cache

from denghuo.kernel.period import SHANGHAI
from denghuo.service.acquisition.protocol.axdr import (
    ARRAY,
    BITS,
    BOOL,
    NULL,
    NUMBERS,
    OCTETS,
    STRUCTURE,
    TEXT,
    UTF8,
    Data,
    Read,
    Types,
    Write,
    length,
    members,
    piece,
)
from denghuo.service.acquisition.protocol.fault import BadValue

__all__ = [
    "ARRAY",
    "BITS",
    "BOOL",
    "DATE_TIME",
    "DATE_TIME_S",
    "FIXED",
    "NAMES",
    "NULL",
    "NUMBERS",
    "OCTETS",
    "STRUCTURE",
    "TEXT",
    "TIMES",
    "TYPES",
    "UNSIGNED",
    "UTF8",
    "Data",
    "instant",
    "instant_bytes",
    "length",
    "members",
    "read",
    "read_all",
    "write",
]

UNSIGNED, DATE_TIME, DATE_TIME_S = 0x11, 0x19, 0x1C
TIMES = {0x19: 10, 0x1A: 5, 0x1B: 3, 0x1C: 7}
NAMES = {0x50: 2, 0x51: 4, 0x53: 4}


def _name(size: int) -> tuple[Read, Write]:
    def write(digits: str) -> bytes:
        octets = bytes.fromhex(digits)
        if len(octets) != size:
            raise BadValue("data", digits, f"{size} bytes")
        return octets

    return lambda raw, at: (piece(raw, at, size).hex(), at + size), write


# grammar.py adds the composite types.
TYPES = Types(TIMES, {tag: _name(size) for tag, size in NAMES.items()})
FIXED = TYPES.fixed
read, read_all, write = TYPES.read, TYPES.read_all, TYPES.write


@lru_cache(4096)
def instant(octets: bytes) -> datetime | None:
    """The instant that a date_time (10 bytes) or date_time_s (7 bytes) says; None where a part is FF or no date."""
    try:
        if len(octets) == 10:
            year, month, day, _, hour, minute, second, milli = struct.unpack(">HBBBBBBH", octets)
            return datetime(year, month, day, hour, minute, second, min(milli, 999) * 1000, SHANGHAI)
        year, month, day, hour, minute, second = struct.unpack(">HBBBBB", octets)
        return datetime(year, month, day, hour, minute, second, 0, SHANGHAI)
    except (ValueError, struct.error):
        return None


def instant_bytes(moment: datetime) -> bytes:
    """`moment` as the 7 bytes of a date_time_s."""
    local = moment.astimezone(SHANGHAI)
    return struct.pack(">HBBBBB", local.year, local.month, local.day, local.hour, local.minute, local.second)

"""Data of DLMS/COSEM (IEC 62056-6-2): those of A-XDR, and

    0D bcd, 19 1A 1B date-time, date, time: their bytes, see `instant`         FF don't care: None
    13 compact array: (type, values), where a type is a tag, (01, count, type) or (02, types)

Meters send most times as octets (09) of twelve bytes.
"""

import struct
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

from denghuo.kernel.period import SHANGHAI
from denghuo.service.acquisition.protocol.axdr import (
    ARRAY,
    DEPTH_MAX,
    OCTETS,
    STRUCTURE,
    Data,
    Types,
    length,
    length_bytes,
    piece,
)
from denghuo.service.acquisition.protocol.fault import BadFrame, BadValue

DATE_TIME, DATE, TIME, BCD, COMPACT, DONT_CARE = 0x19, 0x1A, 0x1B, 0x0D, 0x13, 0xFF
TIMES = {DATE_TIME: 12, DATE: 5, TIME: 4}
INSTANT_SIZE = 12
NO_DEVIATION = -0x8000

Kind = int | tuple[int, int, Any] | tuple[int, Sequence[Any]]


def _read_bcd(raw: bytes, at: int) -> tuple[int, int]:
    return raw[at], at + 1


def _read_kind(raw: bytes, at: int, depth: int = 0) -> tuple[Kind, int]:
    tag = raw[at]
    if depth > DEPTH_MAX:
        raise BadFrame("content", at, f"depth {depth}", f"at most {DEPTH_MAX}")
    if tag == ARRAY and raw[at + 1] | raw[at + 2]:
        kind, end = _read_kind(raw, at + 3, depth + 1)
        return (ARRAY, int.from_bytes(piece(raw, at + 1, 2), "big"), kind), end
    if tag == STRUCTURE and raw[at + 1]:
        count, at = length(raw, at + 1)
        kinds = []
        for _ in range(count):
            kind, at = _read_kind(raw, at, depth + 1)
            kinds.append(kind)
        return (STRUCTURE, kinds), at
    # Types without bytes would let a few bytes say any number of values.
    if tag in (0, ARRAY, STRUCTURE, COMPACT, DONT_CARE):
        raise BadFrame("content", at, f"{tag:02X}", "a type that has bytes")
    return tag, at + 1


def _kind_bytes(kind: Kind) -> bytes:
    if isinstance(kind, int):
        return bytes((kind,))
    if len(kind) == 3:
        return b"\1" + kind[1].to_bytes(2, "big") + _kind_bytes(kind[2])
    return b"\2" + length_bytes(len(kind[1])) + b"".join(map(_kind_bytes, kind[1]))


def _read_of(kind: Kind, raw: bytes, at: int) -> tuple[Data, int]:
    if isinstance(kind, int):
        return TYPES.read_of(kind, raw, at)
    kinds = [kind[2]] * kind[1] if len(kind) == 3 else kind[1]
    found = []
    for one in kinds:
        value, at = _read_of(one, raw, at)
        found.append(value)
    return (kind[0], found), at


def _read_compact(raw: bytes, at: int) -> tuple[tuple[Kind, list[Data]], int]:
    kind, after = _read_kind(raw, at)
    size, start = length(raw, after)
    return (kind, [value for value, _, _ in compact_values(raw, at)]), start + size


def compact_values(raw: bytes, at: int) -> list[tuple[Data, int, int]]:
    """The values of the compact array whose type begins at `at`, each with its place. BadFrame where it is cut."""
    kind, at = _read_kind(raw, at)
    size, at = length(raw, at)
    end, found = at + len(piece(raw, at, size)), []
    raw = raw[:end]
    while at < end:
        value, after = _read_of(kind, raw, at)
        found.append((value, at, after))
        at = after
    return found


def _of_kind(kind: Kind, data: Data) -> bytes:
    if isinstance(kind, int):
        if data[0] != kind:
            raise BadValue("data", data, f"type {kind:02X}")
        return TYPES.write(data)[1:]
    kinds = [kind[2]] * kind[1] if len(kind) == 3 else kind[1]
    if data[0] != kind[0] or len(data[1]) != len(kinds):
        raise BadValue("data", data, f"{len(kinds)} members")
    return b"".join(map(_of_kind, kinds, data[1]))


def _write_compact(value: tuple[Kind, Sequence[Data]]) -> bytes:
    kind, values = value
    contents = b"".join(_of_kind(kind, one) for one in values)
    return _kind_bytes(kind) + length_bytes(len(contents)) + contents


TYPES = Types(
    TIMES,
    {
        BCD: (_read_bcd, lambda value: bytes((value,))),
        COMPACT: (_read_compact, _write_compact),
        DONT_CARE: (lambda raw, at: (None, at), lambda value: b""),
    },
)
read, write = TYPES.read, TYPES.write


def instant(octets: bytes) -> datetime | None:
    """The instant that twelve bytes say; None where a part of it is FF or no date. Without a deviation it is of Shanghai.

    The deviation is what must be added to the local time, in minutes, to have UTC (IEC 62056-6-2, 4.1.6.1).
    """
    try:
        year, month, day, _, hour, minute, second, hundredths, deviation, _ = struct.unpack(">HBBBBBBBhB", octets)
        if not -900 <= deviation <= 900 and deviation != NO_DEVIATION:
            return None
        zone = SHANGHAI if deviation == NO_DEVIATION else timezone(timedelta(minutes=-deviation))
        micro = hundredths * 10_000 if hundredths < 100 else 0
        return datetime(year, month, day, hour, minute, second, micro, zone)
    except (ValueError, struct.error):
        return None


def instant_bytes(moment: datetime, deviation: bool = True) -> bytes:
    """`moment` as twelve bytes in the time of Shanghai; without its deviation for meters that keep none."""
    local = moment.astimezone(SHANGHAI)
    said = -480 if deviation else NO_DEVIATION
    parts = (local.year, local.month, local.day, local.isoweekday(), local.hour, local.minute, local.second, 0, said, 0)
    return struct.pack(">HBBBBBBBhB", *parts)


def instant_of(data: Data) -> datetime | None:
    """The instant that a datum says, as date-time or as octets; None where it says none."""
    tag, value = data
    return instant(value) if tag in (OCTETS, DATE_TIME) and len(value) == INSTANT_SIZE else None

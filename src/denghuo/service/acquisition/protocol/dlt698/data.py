"""Data of DL/T 698.45: values that carry their type, as (tag, value), both ways.

    00 NULL None          01 array, 02 structure  list of data       03 bool            04 bit string  text of 0 and 1
    05 06 0F..12 14 15 whole numbers    16 enumeration    17 18 float        09 octets, 0A 0C text
    19 1A 1B 1C times: their bytes, see `instant`          50 OI, 51 OAD, 53 OMD .. hexadecimal digits
    52 ROAD, 54 TI, 57.. composite values as grammar.py reads them

NULL is a value that is not there; it never becomes zero.
"""

import struct
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from denghuo.kernel.period import SHANGHAI
from denghuo.service.acquisition.protocol.fault import BadFrame, BadValue

Data = tuple[int, Any]
NULL: Data = (0, None)
ARRAY, STRUCTURE, BOOL, BITS, OCTETS, TEXT, UTF8, DATE_TIME, DATE_TIME_S = 1, 2, 3, 4, 9, 10, 12, 0x19, 0x1C
# Arrays in structures in arrays: real ones have up to six levels.
DEPTH_MAX = 24

NUMBERS = {0x05: ">i", 0x06: ">I", 0x0F: ">b", 0x10: ">h", 0x11: ">B", 0x12: ">H", 0x14: ">q", 0x15: ">Q"}
NUMBERS |= {0x16: ">B", 0x17: ">f", 0x18: ">d"}
TIMES = {0x19: 10, 0x1A: 5, 0x1B: 3, 0x1C: 7}
NAMES = {0x50: 2, 0x51: 4, 0x53: 4}
# Composite tags are read by grammar.py, which puts them here: tag to (read, write).
COMPOSITE: dict[int, tuple[Callable[[bytes, int], tuple[Any, int]], Callable[[Any], bytes]]] = {}

# What has a fixed size, by tag: how to unpack it and its size with the tag. `struct` itself refuses bytes that are cut.
_FIXED = {tag: struct.Struct(form) for tag, form in NUMBERS.items()}
_FIXED |= {tag: struct.Struct(f"{size}s") for tag, size in TIMES.items()}
FIXED = {tag: (form.unpack_from, form.size + 1) for tag, form in _FIXED.items()}
_RUNS = {count: struct.Struct(">" + "xI" * count).unpack_from for count in range(2, 64)}
_TAGS_OF_RUN = {count: b"\x06" * count for count in range(2, 64)}


def length(raw: bytes, at: int) -> tuple[int, int]:
    """A length and where it ends: one byte up to 127, else 81 and one byte or 82 and two."""
    first = raw[at]
    if first < 0x80:
        return first, at + 1
    if first == 0x81:
        return raw[at + 1], at + 2
    if first == 0x82:
        return raw[at + 1] << 8 | raw[at + 2], at + 3
    raise BadFrame("content", at, f"{first:02X}", "00..7F, 81, 82")


def length_bytes(count: int) -> bytes:
    if count < 0x80:
        return bytes((count,))
    if count < 0x100:
        return bytes((0x81, count))
    if count < 0x10000:
        return b"\x82" + count.to_bytes(2, "big")
    raise BadValue("length", count, "at most 65535")


def piece(raw: bytes, at: int, size: int) -> bytes:
    if at + size > len(raw):
        raise BadFrame("short", len(raw), str(len(raw) - at), str(size))
    return raw[at : at + size]


def read(raw: bytes, at: int) -> tuple[Data, int]:
    """The data at `at` and where they end. BadFrame, IndexError or struct.error where they are cut or of no known type."""
    found, at = read_all(raw, at, 1)
    return found[0], at


def read_all(raw: bytes, at: int, count: int, depth: int = 0) -> tuple[list[Data], int]:
    """`count` data one after the other, as `read`. The one loop that everything measured goes through, so without calls
    for what is frequent: numbers, times, arrays of them, meter addresses."""
    found: list[Data] = []
    fixed, add = FIXED, found.append
    for _ in range(count):
        tag = raw[at]
        if tag in fixed:
            unpack, size = fixed[tag]
            add((tag, unpack(raw, at + 1)[0]))
            at += size
        elif tag == 0:
            add(NULL)
            at += 1
        elif tag <= STRUCTURE:
            if depth > DEPTH_MAX:
                raise BadFrame("content", at, f"depth {depth}", f"at most {DEPTH_MAX}")
            inner, at = (raw[at + 1], at + 2) if raw[at + 1] < 0x80 else length(raw, at + 1)
            # Registers come as runs of equal u32: one unpacking for all of them.
            if inner in _RUNS and raw[at] == 6 and raw[at : at + 5 * inner : 5] == _TAGS_OF_RUN[inner]:
                add((tag, [(6, value) for value in _RUNS[inner](raw, at)]))
                at += 5 * inner
            else:
                some, at = read_all(raw, at, inner, depth + 1)
                add((tag, some))
        else:
            one, at = _read_rest(raw, at)
            add(one)
    return found, at


def _read_rest(raw: bytes, at: int) -> tuple[Data, int]:
    tag = raw[at]
    if tag in COMPOSITE:
        value, end = COMPOSITE[tag][0](raw, at + 1)
        return (tag, value), end
    if tag in (OCTETS, TEXT, UTF8, BITS):
        return _read_octets(raw, at)
    if tag == BOOL:
        return (tag, raw[at + 1] != 0), at + 2
    if tag in NAMES:
        size = NAMES[tag]
        return (tag, piece(raw, at + 1, size).hex()), at + 1 + size
    raise BadFrame("unknown", at, f"{tag:02X}")


def _read_octets(raw: bytes, at: int) -> tuple[Data, int]:
    tag = raw[at]
    count, at = length(raw, at + 1)
    if tag == BITS:
        size = (count + 7) // 8
        bits = "".join(f"{byte:08b}" for byte in piece(raw, at, size))
        return (tag, bits[:count]), at + size
    octets = piece(raw, at, count)
    if tag == OCTETS:
        return (tag, octets), at + count
    return (tag, octets.decode("utf-8" if tag == UTF8 else "latin-1", "surrogateescape")), at + count


def write(data: Data) -> bytes:
    """The bytes of `data`, the inverse of `read`; BadValue where the value does not fit its tag."""
    try:
        return _write(data, 0)
    except BadValue:
        raise
    except (ValueError, TypeError, KeyError, AttributeError, struct.error, UnicodeError):
        raise BadValue("data", data, "a tag and a value of its type") from None


def _write(data: Data, depth: int) -> bytes:
    tag, value = data
    if depth > DEPTH_MAX:
        raise BadValue("data", "deeper", f"at most {DEPTH_MAX} levels")
    head = bytes((tag,))
    if tag == 0:
        return head
    if tag in (ARRAY, STRUCTURE):
        return head + length_bytes(len(value)) + b"".join(_write(member, depth + 1) for member in value)
    if tag in NUMBERS:
        return head + struct.pack(NUMBERS[tag], value)
    if tag == BOOL:
        return head + bytes((1 if value else 0,))
    if tag == BITS:
        size = (len(value) + 7) // 8
        return head + length_bytes(len(value)) + int(value.ljust(8 * size, "0") or "0", 2).to_bytes(size, "big")
    if tag in (OCTETS, TEXT, UTF8):
        octets: bytes = (
            value if tag == OCTETS else value.encode("utf-8" if tag == UTF8 else "latin-1", "surrogateescape")
        )
        return head + length_bytes(len(octets)) + octets
    if tag in TIMES or tag in NAMES:
        fixed: bytes = value if tag in TIMES else bytes.fromhex(value)
        if len(fixed) != (TIMES.get(tag) or NAMES.get(tag)):
            raise BadValue("data", data, f"{TIMES.get(tag) or NAMES.get(tag)} bytes")
        return head + fixed
    return head + COMPOSITE[tag][1](value)


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


def members(data: Data) -> Sequence[Data]:
    """The members of an array or structure; nothing for NULL; the value itself for a single one."""
    tag, value = data
    if tag in (ARRAY, STRUCTURE):
        found: Sequence[Data] = value
        return found
    return () if tag == 0 else (data,)

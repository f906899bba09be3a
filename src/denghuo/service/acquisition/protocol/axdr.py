"""A-XDR, the encoding that DLMS/COSEM and DL/T 698.45 share (IEC 61334-6): values with their type, as (tag, value), both ways.

    00 NULL None          01 array, 02 structure  list of data       03 bool            04 bit string  text of 0 and 1
    05 06 0F..12 14 15 whole numbers    16 enumeration    17 18 float        09 octets, 0A 0C text

A protocol adds the tags of its own: times as their bytes, and others with a reader and a writer. NULL is a value that is not
there; it never becomes zero.
"""

import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from denghuo.service.acquisition.protocol.fault import BadFrame, BadValue

Data = tuple[int, Any]
Read = Callable[[bytes, int], tuple[Any, int]]
Write = Callable[[Any], bytes]
NULL: Data = (0, None)
ARRAY, STRUCTURE, BOOL, BITS, OCTETS, TEXT, UTF8 = 1, 2, 3, 4, 9, 10, 12
# Arrays in structures in arrays: real ones have up to six levels.
DEPTH_MAX = 24

NUMBERS = {0x05: ">i", 0x06: ">I", 0x0F: ">b", 0x10: ">h", 0x11: ">B", 0x12: ">H", 0x14: ">q", 0x15: ">Q"}
NUMBERS |= {0x16: ">B", 0x17: ">f", 0x18: ">d"}

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
    """The length of an A-XDR value. Raises BadValue above 65535."""
    if count < 0x80:
        return bytes((count,))
    if count < 0x100:
        return bytes((0x81, count))
    if count < 0x10000:
        return b"\x82" + count.to_bytes(2, "big")
    raise BadValue("length", count, "at most 65535")


def piece(raw: bytes, at: int, size: int) -> bytes:
    """So many bytes from a place on. Raises BadFrame where there are fewer."""
    if at + size > len(raw):
        raise BadFrame("short", len(raw), str(len(raw) - at), str(size))
    return raw[at : at + size]


def members(data: Data) -> Sequence[Data]:
    """The members of an array or structure; nothing for NULL; the value itself for a single one."""
    tag, value = data
    if tag in (ARRAY, STRUCTURE):
        found: Sequence[Data] = value
        return found
    return () if tag == 0 else (data,)


class Types:
    """The data of one protocol. `times`: sizes by tag; `others`: (read, write) of what follows a tag, to which it may add."""

    def __init__(self, times: Mapping[int, int], others: Mapping[int, tuple[Read, Write]] | None = None) -> None:
        self.times = times
        self.others = dict(others or {})
        # What has a fixed size, by tag: how to unpack it, and its size with the tag. `struct` itself refuses bytes that are cut.
        forms = {tag: struct.Struct(form) for tag, form in NUMBERS.items()}
        forms |= {tag: struct.Struct(f"{size}s") for tag, size in times.items()}
        self.fixed = {tag: (form.unpack_from, form.size + 1) for tag, form in forms.items()}

    def read(self, raw: bytes, at: int) -> tuple[Data, int]:
        """The data at `at` and where they end. BadFrame, IndexError or struct.error where they are cut or of no known type."""
        found, at = self.read_all(raw, at, 1)
        return found[0], at

    def read_all(self, raw: bytes, at: int, count: int, depth: int = 0) -> tuple[list[Data], int]:
        """`count` data one after the other, as `read`. The one loop that everything measured goes through, so without calls
        for what is frequent: numbers, times, arrays of them."""
        found: list[Data] = []
        fixed, add = self.fixed, found.append
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
                    some, at = self.read_all(raw, at, inner, depth + 1)
                    add((tag, some))
            else:
                value, at = self._read_rest(tag, raw, at + 1)
                add((tag, value))
        return found, at

    def read_of(self, tag: int, raw: bytes, at: int) -> tuple[Data, int]:
        """The datum of a type whose tag does not stand before it; not for arrays and structures."""
        if tag in self.fixed:
            unpack, size = self.fixed[tag]
            return (tag, unpack(raw, at)[0]), at + size - 1
        value, at = self._read_rest(tag, raw, at)
        return (tag, value), at

    def _read_rest(self, tag: int, raw: bytes, at: int) -> tuple[Any, int]:
        if tag in self.others:
            return self.others[tag][0](raw, at)
        if tag in (OCTETS, TEXT, UTF8, BITS):
            return _read_octets(tag, raw, at)
        if tag == BOOL:
            return raw[at] != 0, at + 1
        raise BadFrame("unknown", at - 1, f"{tag:02X}")

    def write(self, data: Data) -> bytes:
        """The bytes of `data`, the inverse of `read`; BadValue where the value does not fit its tag."""
        try:
            return self._write(data, 0)
        except BadValue:
            raise
        except (ValueError, TypeError, KeyError, AttributeError, IndexError, struct.error, UnicodeError):
            raise BadValue("data", data, "a tag and a value of its type") from None

    def _write(self, data: Data, depth: int) -> bytes:
        tag, value = data
        if depth > DEPTH_MAX:
            raise BadValue("data", "deeper", f"at most {DEPTH_MAX} levels")
        head = bytes((tag,))
        if tag == 0:
            return head
        if tag in (ARRAY, STRUCTURE):
            return head + length_bytes(len(value)) + b"".join(self._write(member, depth + 1) for member in value)
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
        if tag in self.times:
            if len(value) != self.times[tag]:
                raise BadValue("data", data, f"{self.times[tag]} bytes")
            return head + bytes(value)
        return head + self.others[tag][1](value)


def _read_octets(tag: int, raw: bytes, at: int) -> tuple[Any, int]:
    count, at = length(raw, at)
    if tag == BITS:
        size = (count + 7) // 8
        bits = "".join(f"{byte:08b}" for byte in piece(raw, at, size))
        return bits[:count], at + size
    octets = piece(raw, at, count)
    if tag == OCTETS:
        return octets, at + count
    return octets.decode("utf-8" if tag == UTF8 else "latin-1", "surrogateescape"), at + count

"""A grammar for messages in A-XDR, stated once and used to read, to write and to explain.

A node is a small value; a Grammar turns a node into a function once. Reading gives plain values: whole numbers, hexadecimal
digits for names, bytes for octets and times, dicts for sequences, lists, (choice, value) pairs.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from denghuo.service.acquisition.protocol.axdr import Read, Types, Write, length, length_bytes, piece
from denghuo.service.acquisition.protocol.fault import BadFrame, BadValue


@dataclass(frozen=True)
class Whole:
    """A whole number of `size` bytes, high byte first."""

    size: int
    signed: bool = False


@dataclass(frozen=True)
class Name:
    """`size` bytes that name something, as hexadecimal digits."""

    size: int


@dataclass(frozen=True)
class Fixed:
    """`size` bytes: times, bit fields, version texts."""

    size: int


@dataclass(frozen=True)
class Octets:
    """Bytes behind their length."""


@dataclass(frozen=True)
class Nothing:
    """No bytes."""


@dataclass(frozen=True)
class Any_:
    """Data with their tag."""


@dataclass(frozen=True)
class Seq:
    """Fields one after the other."""

    fields: tuple[tuple[str, "Node"], ...]


@dataclass(frozen=True)
class List:
    """A count, and so many of the same."""

    of: "Node"


@dataclass(frozen=True)
class Choice:
    """A mark, and the case that it names."""

    cases: tuple[tuple[int, str, "Node"], ...]


@dataclass(frozen=True)
class Maybe:
    """00, or 01 and the value. At the very end it may be missing altogether, which means 00."""

    of: "Node"


class Own(ABC):
    """A node that one protocol alone has, and that reads and writes itself."""

    @abstractmethod
    def read(self, raw: bytes, at: int) -> tuple[Any, int]:
        """The value at `at` and where it ends."""

    @abstractmethod
    def write(self, value: Any) -> bytes:
        """The inverse of `read`."""


Node = Whole | Name | Fixed | Octets | Nothing | Any_ | Seq | List | Choice | Maybe | Own
U1, U2, U4 = Whole(1), Whole(2), Whole(4)


def seq(**fields: Node) -> Seq:
    """A sequence of named fields."""
    return Seq(tuple(fields.items()))


class Grammar:
    """Readers and writers of nodes, with the data types of a protocol."""

    def __init__(self, types: Types) -> None:
        self._types = types
        # Nodes are few and live as long as the program.
        self.reader = cache(self._reader)
        self.writer = cache(self._writer)

    def _reader(self, node: Node) -> Read:
        """The function that reads `node` at a place and says where it ends."""
        match node:
            case Whole(1, False):
                return lambda raw, at: (raw[at], at + 1)
            case Whole(size, signed):
                return lambda raw, at: (int.from_bytes(piece(raw, at, size), "big", signed=signed), at + size)
            case Name(size):
                return lambda raw, at: (piece(raw, at, size).hex(), at + size)
            case Fixed(size):
                return lambda raw, at: (piece(raw, at, size), at + size)
            case Octets():
                return _read_octets
            case Nothing():
                return lambda raw, at: (None, at)
            case Any_():
                return self._types.read
            case Seq(fields):
                return _read_seq(tuple((name, self.reader(of)) for name, of in fields))
            case List(of):
                return _read_list(self.reader(of))
            case Choice(cases):
                return _read_choice({tag: self.reader(of) for tag, _, of in cases})
            case Maybe(of):
                return _read_maybe(self.reader(of))
            case Own():
                return node.read
        raise TypeError(node)

    def _writer(self, node: Node) -> Write:
        """The function that writes a value of `node`; BadValue, or an error of Python where the value has another shape."""
        match node:
            case Whole(size, signed):
                return lambda value: _whole(value, size, signed)
            case Name(size):
                return lambda value: sized(bytes.fromhex(value), size)
            case Fixed(size):
                return lambda value: sized(value, size)
            case Octets():
                return lambda value: length_bytes(len(value)) + value
            case Nothing():
                return lambda value: b""
            case Any_():
                return self._types.write
            case Seq(fields):
                return lambda value: b"".join(self.writer(of)(value[name]) for name, of in fields)
            case List(of):
                return lambda value: length_bytes(len(value)) + b"".join(map(self.writer(of), value))
            case Choice(cases):
                nodes = {tag: of for tag, _, of in cases}
                return lambda value: bytes((value[0],)) + self.writer(nodes[value[0]])(value[1])
            case Maybe(of):
                return lambda value: b"\0" if value is None else b"\1" + self.writer(of)(value)
            case Own():
                return node.write
        raise TypeError(node)


def _read_octets(raw: bytes, at: int) -> tuple[bytes, int]:
    count, at = length(raw, at)
    return piece(raw, at, count), at + count


def _read_seq(fields: Sequence[tuple[str, Read]]) -> Read:
    def read(raw: bytes, at: int) -> tuple[dict[str, Any], int]:
        found: dict[str, Any] = {}
        for name, one in fields:
            found[name], at = one(raw, at)
        return found, at

    return read


def _read_list(of: Read) -> Read:
    def read(raw: bytes, at: int) -> tuple[list[Any], int]:
        count, at = length(raw, at)
        if count > len(raw):
            raise BadFrame("short", at, str(len(raw) - at), str(count))
        found = []
        for _ in range(count):
            value, at = of(raw, at)
            found.append(value)
        return found, at

    return read


def _read_choice(cases: Mapping[int, Read]) -> Read:
    def read(raw: bytes, at: int) -> tuple[tuple[int, Any], int]:
        tag = raw[at]
        if tag not in cases:
            raise BadFrame("unknown", at, f"{tag:02X}", " ".join(f"{case:02X}" for case in cases))
        value, at = cases[tag](raw, at + 1)
        return (tag, value), at

    return read


def _read_maybe(of: Read) -> Read:
    def read(raw: bytes, at: int) -> tuple[Any, int]:
        if at == len(raw) or raw[at] == 0:
            return None, min(at + 1, len(raw))
        if raw[at] != 1:
            raise BadFrame("content", at, f"{raw[at]:02X}", "00 01")
        return of(raw, at + 1)

    return read


def _whole(value: int, size: int, signed: bool) -> bytes:
    try:
        return value.to_bytes(size, "big", signed=signed)
    except OverflowError:
        raise BadValue("number", value, f"{size} bytes") from None


def sized(octets: bytes, size: int) -> bytes:
    """`octets`; BadValue where they are not `size`."""
    if len(octets) != size:
        raise BadValue("bytes", octets.hex(), f"{size} bytes")
    return octets

"""The grammar of DL/T 698.45's composite types, stated once and used three ways: to read, to write, to explain.

A node is a small value; `reader` and `writer` turn a node into a function once. Reading gives plain values: whole numbers,
hexadecimal digits for names and addresses, bytes for octets and times, dicts for sequences, lists, (choice, value) pairs.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from denghuo.service.acquisition.protocol.dlt698 import data
from denghuo.service.acquisition.protocol.dlt698.rows import read_rows
from denghuo.service.acquisition.protocol.fault import BadFrame, BadValue

Read = Callable[[bytes, int], tuple[Any, int]]
Write = Callable[[Any], bytes]


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
class Address:
    """A TSA: a length, a flag byte (bits 0-3 the address's length - 1, bits 4-7 kind), the digits. As hexadecimal digits."""


@dataclass(frozen=True)
class Nothing:
    """No bytes."""


@dataclass(frozen=True)
class Any_:
    """Data with their tag."""


@dataclass(frozen=True)
class Rows:
    """A record's rows, as many data in each as the record has columns; inside Record only."""


@dataclass(frozen=True)
class Seq:
    fields: tuple[tuple[str, "Node"], ...]


@dataclass(frozen=True)
class List:
    of: "Node"


@dataclass(frozen=True)
class Choice:
    cases: tuple[tuple[int, str, "Node"], ...]


@dataclass(frozen=True)
class Maybe:
    """00, or 01 and the value. At the very end it may be missing altogether, which means 00."""

    of: "Node"


@dataclass(frozen=True)
class Record:
    """A record result: object, columns, and a DAR or rows."""


Node = Whole | Name | Fixed | Octets | Address | Nothing | Any_ | Rows | Seq | List | Choice | Maybe | Record


def seq(**fields: Node) -> Seq:
    return Seq(tuple(fields.items()))


U1, U2, U4 = Whole(1), Whole(2), Whole(4)
OAD, OMD = Name(4), Name(4)
MOMENT, MOMENT_MS = Fixed(7), Fixed(10)
TI = seq(unit=U1, interval=U2)
ROAD = seq(oad=OAD, columns=List(OAD))
CSD = Choice(((0, "oad", OAD), (1, "road", ROAD)))
RCSD = List(CSD)
REGION = seq(kind=U1, begin=Any_(), end=Any_())
MS = Choice(
    (
        (0, "none", Nothing()),
        (1, "all", Nothing()),
        (2, "user_types", List(U1)),
        (3, "addresses", List(Address())),
        (4, "indexes", List(U2)),
        (5, "type_ranges", List(REGION)),
        (6, "address_ranges", List(REGION)),
        (7, "index_ranges", List(REGION)),
    )
)
_RANGE = seq(oad=OAD, begin=Any_(), end=Any_(), interval=Any_())
_SPAN = seq(begin=MOMENT, end=MOMENT, interval=TI, meters=MS)
RSD = Choice(
    (
        (0, "all_rows", Nothing()),
        (1, "equal", seq(oad=OAD, value=Any_())),
        (2, "range", _RANGE),
        (3, "ranges", List(_RANGE)),
        (4, "started_at", seq(time=MOMENT, meters=MS)),
        (5, "stored_at", seq(time=MOMENT, meters=MS)),
        (6, "started_in", _SPAN),
        (7, "stored_in", _SPAN),
        (8, "succeeded_in", _SPAN),
        (9, "last_rows", U1),
        (10, "last_rows_of", seq(count=U1, meters=MS)),
    )
)
COMDCB = seq(baud=U1, parity=U1, data_bits=U1, stop_bits=U1, flow=U1)
SID = seq(sid=Name(4), extra=Octets())
SID_MAC = seq(sid=SID, mac=Octets())
GET_RESULT = Choice(((0, "dar", U1), (1, "data", Any_())))
RESULT = seq(oad=OAD, result=GET_RESULT)

COMPOSITES: Mapping[int, Node] = {
    0x52: ROAD,
    0x54: TI,
    0x55: Address(),
    0x56: Octets(),
    0x57: Octets(),
    0x58: REGION,
    0x59: seq(scaler=Whole(1, signed=True), unit=U1),
    0x5A: RSD,
    0x5B: CSD,
    0x5C: MS,
    0x5D: SID,
    0x5E: SID_MAC,
    0x5F: COMDCB,
    0x60: RCSD,
}


@lru_cache(None)
def reader(node: Node) -> Read:
    """The function that reads `node` at a place and says where it ends."""
    match node:
        case Whole(1, False):
            return lambda raw, at: (raw[at], at + 1)
        case Whole(size, signed):
            return lambda raw, at: (int.from_bytes(data.piece(raw, at, size), "big", signed=signed), at + size)
        case Name(size):
            return lambda raw, at: (data.piece(raw, at, size).hex(), at + size)
        case Fixed(size):
            return lambda raw, at: (data.piece(raw, at, size), at + size)
        case Octets():
            return _read_octets
        case Address():
            return _read_address
        case Nothing():
            return lambda raw, at: (None, at)
        case Any_():
            return data.read
        case Seq(fields):
            return _read_seq(tuple((name, reader(of)) for name, of in fields))
        case List(of):
            return _read_list(reader(of))
        case Choice(cases):
            return _read_choice({tag: reader(of) for tag, _, of in cases})
        case Maybe(of):
            return _read_maybe(reader(of))
        case Record():
            return read_record
    raise TypeError(node)


def _read_octets(raw: bytes, at: int) -> tuple[bytes, int]:
    count, at = data.length(raw, at)
    return data.piece(raw, at, count), at + count


def _read_address(raw: bytes, at: int) -> tuple[str, int]:
    end = at + 1 + raw[at]
    if end > len(raw):
        raise BadFrame("short", len(raw), str(len(raw) - at - 1), str(raw[at]))
    return raw[at + 1 : end].hex(), end


def _read_seq(fields: Sequence[tuple[str, Read]]) -> Read:
    def read(raw: bytes, at: int) -> tuple[dict[str, Any], int]:
        found: dict[str, Any] = {}
        for name, one in fields:
            found[name], at = one(raw, at)
        return found, at

    return read


def _read_list(of: Read) -> Read:
    def read(raw: bytes, at: int) -> tuple[list[Any], int]:
        count, at = data.length(raw, at)
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


# Columns repeat in every answer of a task; what they are read from is short.
_columns = lru_cache(512)(lambda octets: reader(RCSD)(octets, 0)[0])


def columns_end(raw: bytes, at: int) -> int:
    """Where the columns (RCSD) that begin at `at` end."""
    count, at = (raw[at], at + 1) if raw[at] < 0x80 else data.length(raw, at)
    for _ in range(count):
        if raw[at] == 0:
            at += 5
        elif raw[at] == 1:
            of, at = (raw[at + 5], at + 6) if raw[at + 5] < 0x80 else data.length(raw, at + 5)
            at += 4 * of
        else:
            raise BadFrame("unknown", at, f"{raw[at]:02X}", "00 01")
    return at


def read_record(raw: bytes, at: int) -> tuple[dict[str, Any], int]:
    """`oad`, `columns` (choice, value) and `result`: (0, DAR) or (1, rows), a row a list of data."""
    end = columns_end(raw, at + 4)
    octets = raw[at + 4 : end]
    columns = _columns(octets)
    oad, choice, count = raw[at : at + 4].hex(), raw[end], raw[end + 1]
    if choice == 0:
        return {"oad": oad, "columns": columns, "result": (0, count)}, end + 2
    if choice != 1:
        raise BadFrame("unknown", end, f"{choice:02X}", "00 01")
    count, at = (count, end + 2) if count < 0x80 else data.length(raw, end + 1)
    if not columns and count:
        raise BadFrame("content", end, "rows without columns")
    rows, at = read_rows(raw, at, count, len(columns), octets)
    return {"oad": oad, "columns": columns, "result": (1, rows)}, at


@lru_cache(None)
def writer(node: Node) -> Write:
    """The function that writes a value of `node`; it raises BadValue, or an error of Python where the value has another shape."""
    match node:
        case Whole(size, signed):
            return lambda value: _whole(value, size, signed)
        case Name(size):
            return lambda value: _sized(bytes.fromhex(value), size)
        case Fixed(size):
            return lambda value: _sized(value, size)
        case Octets():
            return lambda value: data.length_bytes(len(value)) + value
        case Address():
            return lambda value: data.length_bytes(len(value) // 2) + bytes.fromhex(value)
        case Nothing():
            return lambda value: b""
        case Any_():
            return data.write
        case Seq(fields):
            return lambda value: b"".join(writer(of)(value[name]) for name, of in fields)
        case List(of):
            return lambda value: data.length_bytes(len(value)) + b"".join(map(writer(of), value))
        case Choice(cases):
            nodes = {tag: of for tag, _, of in cases}
            return lambda value: bytes((value[0],)) + writer(nodes[value[0]])(value[1])
        case Maybe(of):
            return lambda value: b"\0" if value is None else b"\1" + writer(of)(value)
        case Record():
            return write_record
    raise TypeError(node)


def _whole(value: int, size: int, signed: bool) -> bytes:
    try:
        return value.to_bytes(size, "big", signed=signed)
    except OverflowError:
        raise BadValue("number", value, f"{size} bytes") from None


def _sized(octets: bytes, size: int) -> bytes:
    if len(octets) != size:
        raise BadValue("bytes", octets.hex(), f"{size} bytes")
    return octets


def write_record(value: Mapping[str, Any]) -> bytes:
    """The inverse of `read_record`."""
    head = writer(OAD)(value["oad"]) + writer(RCSD)(value["columns"])
    choice, rows = value["result"]
    if choice == 0:
        return head + bytes((0, rows))
    if any(len(row) != len(value["columns"]) for row in rows):
        raise BadValue("rows", "a row", f"{len(value['columns'])} columns")
    return head + b"\1" + data.length_bytes(len(rows)) + b"".join(data.write(cell) for row in rows for cell in row)


data.COMPOSITE.update({tag: (reader(node), writer(node)) for tag, node in COMPOSITES.items()})

"""The composite types of DL/T 698.45 in the grammar of A-XDR, and the two nodes that it alone has: addresses and records."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from denghuo.service.acquisition.protocol.axdr import length, length_bytes, piece
from denghuo.service.acquisition.protocol.dlt698 import data
from denghuo.service.acquisition.protocol.dlt698.rows import read_rows
from denghuo.service.acquisition.protocol.fault import BadFrame, BadValue
from denghuo.service.acquisition.protocol.grammar import (
    U1,
    U2,
    Any_,
    Choice,
    Fixed,
    Grammar,
    List,
    Name,
    Node,
    Nothing,
    Octets,
    Own,
    Whole,
    seq,
)

_GRAMMAR = Grammar(data.TYPES)
reader, writer = _GRAMMAR.reader, _GRAMMAR.writer


@dataclass(frozen=True)
class Address(Own):
    """A TSA: a length, a flag byte (bits 0-3 the address's length - 1, bits 4-7 kind), the digits. As hexadecimal digits."""

    def read(self, raw: bytes, at: int) -> tuple[str, int]:
        size, at = length(raw, at)
        return piece(raw, at, size).hex(), at + size

    def write(self, value: str) -> bytes:
        return length_bytes(len(value) // 2) + bytes.fromhex(value)


@dataclass(frozen=True)
class Record(Own):
    """A record result: `oad`, `columns` (choice, value) and `result`: (0, DAR) or (1, rows), a row a list of data."""

    def read(self, raw: bytes, at: int) -> tuple[dict[str, Any], int]:
        return _read_record(raw, at)

    def write(self, value: Mapping[str, Any]) -> bytes:
        head = writer(OAD)(value["oad"]) + writer(RCSD)(value["columns"])
        choice, rows = value["result"]
        if choice == 0:
            return head + bytes((0, rows))
        if any(len(row) != len(value["columns"]) for row in rows):
            raise BadValue("rows", "a row", f"{len(value['columns'])} columns")
        return head + b"\1" + length_bytes(len(rows)) + b"".join(data.write(cell) for row in rows for cell in row)


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


# Columns repeat in every answer of a task; what they are read from is short.
_columns = lru_cache(512)(lambda octets: reader(RCSD)(octets, 0)[0])


def columns_end(raw: bytes, at: int) -> int:
    """Where the columns (RCSD) that begin at `at` end."""
    count, at = (raw[at], at + 1) if raw[at] < 0x80 else length(raw, at)
    for _ in range(count):
        if raw[at] == 0:
            at += 5
        elif raw[at] == 1:
            of, at = (raw[at + 5], at + 6) if raw[at + 5] < 0x80 else length(raw, at + 5)
            at += 4 * of
        else:
            raise BadFrame("unknown", at, f"{raw[at]:02X}", "00 01")
    return at


def _read_record(raw: bytes, at: int) -> tuple[dict[str, Any], int]:
    end = columns_end(raw, at + 4)
    octets = raw[at + 4 : end]
    columns = _columns(octets)
    oad, choice, count = raw[at : at + 4].hex(), raw[end], raw[end + 1]
    if choice == 0:
        return {"oad": oad, "columns": columns, "result": (0, count)}, end + 2
    if choice != 1:
        raise BadFrame("unknown", end, f"{choice:02X}", "00 01")
    count, at = (count, end + 2) if count < 0x80 else length(raw, end + 1)
    if not columns and count:
        raise BadFrame("content", end, "rows without columns")
    rows, at = read_rows(raw, at, count, len(columns), octets)
    return {"oad": oad, "columns": columns, "result": (1, rows)}, at


data.TYPES.others.update({tag: (reader(node), writer(node)) for tag, node in COMPOSITES.items()})

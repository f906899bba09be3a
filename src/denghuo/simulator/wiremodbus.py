"""Modbus as meters speak it over TCP, and a maker's table of points, by which their registers hold energy.

transaction(2) | 0000 | length(2) | unit | function | data
"""

import csv
import struct
from collections.abc import Callable, Sequence
from typing import NamedTuple

HEAD_SIZE = 7
READS = (3, 4)
REGISTERS_MAX = 125
ILLEGAL_FUNCTION, ILLEGAL_ADDRESS, ILLEGAL_VALUE, DEVICE_FAILURE, NO_ANSWER_OF_UNIT = 1, 2, 3, 4, 11
SIZES = {"u16": 2, "i16": 2, "bcd16": 2, "u32": 4, "i32": 4, "f32": 4, "bcd32": 4, "u64": 8, "i64": 8}
"""Bytes of each type."""
ORDERS = {"ABCD": (False, False), "CDAB": (True, False), "BADC": (False, True), "DCBA": (True, True)}
"""Whether the words of a value come low one first, and the bytes of a word."""
E4 = {"Wh": 10, "kWh": 10_000, "MWh": 10_000_000}
"""How many 1e-4 kWh each unit is."""
PLACES = {"active_fwd": 0, "active_rev": 1}
SHARES = {"": 1, "total": 1, "sharp": 0, "peak": 0, "flat": 1, "valley": 0}
"""All of the energy is taken in the flat hours."""

Shows = Callable[[int], int | None]
"""What a meter's register shows now (0 forward or 1 reverse), in 1e-4 kWh."""


class Entry(NamedTuple):
    """A row of the table. A count is 10**-decimals of the unit, which is so many 1e-4 kWh."""

    place: int
    share: int
    function: int
    register: int
    type: str
    order: str
    decimals: int
    e4: int

    def words(self, value_e4: int | None) -> list[bytes]:
        """What its registers hold, each two bytes; FF throughout where there is no value."""
        raw = self._value(value_e4 * self.share) if value_e4 is not None else b"\xff" * SIZES[self.type]
        low_first, swapped = ORDERS[self.order]
        found = [raw[at : at + 2] for at in range(0, len(raw), 2)]
        found = [word[::-1] for word in found] if swapped else found
        return found[::-1] if low_first else found

    def _value(self, value_e4: int) -> bytes:
        """High byte first. A counter that has no digits left begins again at zero."""
        bits, scale = 8 * SIZES[self.type], 10**self.decimals
        count: int = value_e4 * scale // self.e4
        if self.type == "f32":
            return struct.pack(">f", count / scale)
        if self.type.startswith("bcd"):
            digits = bits // 4
            return bytes.fromhex(f"{count:0{digits}d}"[-digits:])
        return (count & (1 << bits - self.type.startswith("i")) - 1).to_bytes(bits // 8, "big")


def entries_of(table: str) -> list[Entry]:
    """The rows of a table of points, each on a line of its own or behind a semicolon; ValueError where one is wrong."""
    found = []
    for line, row in enumerate(csv.DictReader(table.replace(";", "\n").splitlines()), 2):
        try:
            quantity, _, band = row["name"].partition(".")
            one = Entry(
                PLACES[quantity],
                SHARES[band],
                int(row["function"]),
                int(row["register"]),
                row["type"],
                row["order"] or "ABCD",
                int(row["decimals"] or 0),
                E4[row["unit"]],
            )
            if one.function not in READS or one.type not in SIZES or one.order not in ORDERS:
                raise ValueError(f"{one.function} {one.type} {one.order}")
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ValueError(f"registers row {line}: {error}") from error
        found.append(one)
    if not found:
        raise ValueError("registers: no rows")
    return found


def split(buffer: bytes) -> tuple[list[bytes], bytes]:
    """The questions of a buffer, and what is left of it. The head-end sends nothing but frames."""
    found = []
    while len(buffer) >= HEAD_SIZE and len(buffer) >= (size := 6 + int.from_bytes(buffer[4:6], "big")):
        found.append(buffer[:size])
        buffer = buffer[size:]
    return found, buffer


def frame(question: bytes, unit: int, said: bytes) -> bytes:
    """The answer to a question, `said` its function and data."""
    return question[:4] + (len(said) + 1).to_bytes(2, "big") + bytes((unit,)) + said


def refusal(question: bytes, why: int) -> bytes:
    return bytes((question[7] | 0x80, why))


def answer(question: bytes, entries: Sequence[Entry], shows: Shows) -> bytes:
    """Function and data of what a meter answers. Of each function it has the registers from the first to the last one of its
    table; those that the table does not name are zero."""
    function, data = question[7], question[8:]
    if function not in READS:
        return refusal(question, ILLEGAL_FUNCTION)
    if len(data) != 4:
        return refusal(question, ILLEGAL_VALUE)
    first, count = struct.unpack(">2H", data)
    if not 1 <= count <= REGISTERS_MAX:
        return refusal(question, ILLEGAL_VALUE)
    held: dict[int, bytes] = {}
    for one in entries:
        if one.function == function:
            held.update(enumerate(one.words(shows(one.place)), one.register))
    if not held or first < min(held) or first + count - 1 > max(held):
        return refusal(question, ILLEGAL_ADDRESS)
    return bytes((function, 2 * count)) + b"".join(held.get(at, b"\0\0") for at in range(first, first + count))

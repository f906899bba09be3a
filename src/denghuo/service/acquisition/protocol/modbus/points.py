"""Register maps of Modbus meters as tables: which registers hold a quantity, how, and how to read them in few requests.

    name,function,register,type,order,decimals,unit          zh and en may stand beside the name

`register` counts from 0. `type`: u16 i16 u32 i32 u64 i64 f32 bcd16 bcd32. `order`: of a value's bytes, ABCD high first, CDAB
words swapped, BADC bytes swapped, DCBA low first. A value is 10**-decimals of its unit. What is FF throughout, or no number,
is not there.
"""

import csv
import io
import math
import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from denghuo.service.acquisition.protocol.fault import BadValue
from denghuo.service.acquisition.protocol.modbus import READ_REGISTERS, REGISTERS_MAX
from denghuo.service.acquisition.protocol.number import Number, unpack

TYPES = {"u16": 1, "i16": 1, "bcd16": 1, "u32": 2, "i32": 2, "f32": 2, "bcd32": 2, "u64": 4, "i64": 4}
ORDERS = ("ABCD", "CDAB", "BADC", "DCBA")
DECIMALS_MAX = 9


@dataclass(frozen=True, slots=True)
class Point:
    """One quantity of a meter, `size` registers from `register` on."""

    name: str
    function: int
    register: int
    type: str
    order: str
    decimals: int
    unit: str

    @property
    def size(self) -> int:
        return TYPES[self.type]


@dataclass(frozen=True, slots=True)
class Request:
    """Registers to read at once."""

    function: int
    register: int
    count: int


def points_of(table: str) -> list[Point]:
    """The points of a register map (CSV); BadValue names the row and the column that is wrong."""
    found = []
    for line, row in enumerate(csv.DictReader(io.StringIO(table)), 2):
        try:
            point = Point(
                row["name"],
                int(row["function"]),
                int(row["register"]),
                row["type"],
                row["order"] or "ABCD",
                int(row["decimals"] or 0),
                row["unit"] or "",
            )
        except (KeyError, TypeError, ValueError) as error:
            raise BadValue(f"row {line}", str(error), "name,function,register,type,order,decimals,unit") from None
        _check(point, line)
        found.append(point)
    return found


def _check(point: Point, line: int) -> None:
    if point.type not in TYPES:
        raise BadValue(f"row {line} type", point.type, " ".join(TYPES))
    if point.order not in ORDERS:
        raise BadValue(f"row {line} order", point.order, " ".join(ORDERS))
    if point.function not in READ_REGISTERS:
        raise BadValue(f"row {line} function", point.function, "3 4")
    if not 0 <= point.register <= 0x10000 - point.size:
        raise BadValue(f"row {line} register", point.register, "0..65535")
    if not 0 <= point.decimals <= DECIMALS_MAX:
        raise BadValue(f"row {line} decimals", point.decimals, f"0..{DECIMALS_MAX}")


def requests(points: Iterable[Point], gap: int = 8) -> list[Request]:
    """The fewest requests that read `points`: neighbours together, with at most `gap` registers between them read in vain."""
    found: list[Request] = []
    for point in sorted(points, key=lambda one: (one.function, one.register)):
        end = point.register + point.size
        if found:
            last = found[-1]
            count = max(end - last.register, last.count)
            near = point.register - (last.register + last.count) <= gap
            if last.function == point.function and near and count <= REGISTERS_MAX:
                found[-1] = Request(last.function, last.register, count)
                continue
        found.append(Request(point.function, point.register, point.size))
    return found


def value(point: Point, registers: Sequence[int]) -> Number | None:
    """What `registers` (as many as the point has) say; None where the meter has no value there."""
    raw = b"".join(register.to_bytes(2, "big") for register in registers)
    if len(raw) != 2 * point.size:
        raise BadValue(point.name, len(registers), f"{point.size} registers")
    if point.order in ("BADC", "DCBA"):
        raw = b"".join(raw[at + 1 : at - 1 if at else None : -1] for at in range(0, len(raw), 2))
    if point.order in ("CDAB", "DCBA"):
        raw = b"".join(raw[at : at + 2] for at in range(len(raw) - 2, -1, -2))
    if raw.count(0xFF) == len(raw) and not point.type.startswith("i"):
        return None
    if point.type == "f32":
        (real,) = struct.unpack(">f", raw)
        return Number(round(real * 10**point.decimals), point.decimals) if math.isfinite(real) else None
    if point.type.startswith("bcd"):
        digits = unpack(raw[::-1])
        return None if digits is None else Number(digits, point.decimals)
    return Number(int.from_bytes(raw, "big", signed=point.type.startswith("i")), point.decimals)


def values(points: Iterable[Point], read: Mapping[tuple[int, int], Sequence[int]]) -> dict[str, Number | None]:
    """The value of every point by name. `read`: the answers, by function and first register; a point that none covers, or
    whose answer was too short, has None."""
    found: dict[str, Number | None] = {}
    for point in points:
        found[point.name] = None
        for (function, first), registers in read.items():
            start = point.register - first
            if function == point.function and start >= 0 and start + point.size <= len(registers):
                found[point.name] = value(point, registers[start : start + point.size])
                break
    return found

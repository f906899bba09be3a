"""Profiles of COSEM (通用曲线): their columns, which rows to ask for, and the rows with times that meters leave out."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from denghuo.service.acquisition.protocol.axdr import ARRAY, OCTETS, STRUCTURE, Data, members
from denghuo.service.acquisition.protocol.dlms.apdu import Obis
from denghuo.service.acquisition.protocol.dlms.data import instant_bytes, instant_of
from denghuo.service.acquisition.protocol.fault import BadFrame

CLOCK_OBIS, CLOCK_CLASS = "0.0.1.0.0.255", 8
BY_RANGE = 1
_NAME = Obis()


class Column(NamedTuple):
    """What a column captures: an attribute of an object; `part` 0: all of it."""

    interface: int
    obis: str
    attribute: int
    part: int

    @property
    def time(self) -> bool:
        return self.interface == CLOCK_CLASS


class Row(NamedTuple):
    """A row: when it was captured, where a column says so, and the values in the order of the columns."""

    at: datetime | None
    values: Sequence[Data]


def columns_of(value: Data) -> list[Column]:
    """The columns that a profile's capture objects (attribute 3) are; BadFrame where they are none."""
    found = []
    for tag, parts in members(value):
        kinds = [part[0] for part in parts] if tag == STRUCTURE else []
        if kinds != [0x12, OCTETS, 0x0F, 0x12] or len(parts[1][1]) != 6:
            raise BadFrame("content", 0, str(parts), "class, logical name, attribute and index")
        (_, interface), (_, name), (_, attribute), (_, index) = parts
        found.append(Column(interface, _NAME.read(name, 0)[0], attribute, index))
    return found


def by_range(begin: datetime, end: datetime, deviation: bool = True) -> tuple[int, Data]:
    """Rows from `begin` to `end`, both included, with all columns."""
    clock: Data = (STRUCTURE, [(0x12, CLOCK_CLASS), (OCTETS, _NAME.write(CLOCK_OBIS)), (0x0F, 2), (0x12, 0)])
    span = [(OCTETS, instant_bytes(moment, deviation)) for moment in (begin, end)]
    return BY_RANGE, (STRUCTURE, [clock, *span, (ARRAY, [])])


def rows_of(buffer: Data, columns: Sequence[Column], period_s: int) -> list[Row]:
    """The rows of a buffer (attribute 2). A time that is left out is that of the row before and the capture period on.

    BadFrame where a row has not as many values as there are columns.
    """
    place = next((number for number, column in enumerate(columns) if column.time), None)
    found: list[Row] = []
    at: datetime | None = None
    for tag, values in members(buffer):
        if tag != STRUCTURE or len(values) != len(columns):
            raise BadFrame("content", 0, f"a row of {len(values or ())}", f"{len(columns)} columns")
        said = values[place] if place is not None else (0, None)
        if said[0] == 0:
            at = at + timedelta(seconds=period_s) if at is not None and period_s else None
        else:
            at = instant_of(said)
        found.append(Row(at, values))
    return found

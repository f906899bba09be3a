"""What terminals tell of events, in the platform's kinds: records (ERC) of Q/GDW 376.1 and event objects of DL/T 698.45."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from denghuo.service.acquisition.front.speak import Told
from denghuo.service.acquisition.protocol import gdw3761
from denghuo.service.acquisition.protocol.dlt698 import Apdu
from denghuo.service.acquisition.protocol.dlt698.data import Data, instant, members
from denghuo.service.acquisition.protocol.gdw3761 import Event as Record
from denghuo.service.acquisition.protocol.gdw3761 import Frame

TASK_DATA, METER_ADDRESS = "60120300", "202a0200"
BEGUN_AT, ENDED_AT, SOURCE = "201e0200", "20200200", "20240200"
NUMBERED = frozenset((9, 10, 11, 12, 13, 15, 17, 18, *range(24, 32), 33, 34, 37, 38, 40))
"""Records that begin with a measuring point (bits 0 to 11) and whether the event began or ended (bit 15)."""
BY_NUMBER: Mapping[int, str] = {
    11: "phase_sequence",
    12: "clock_fault",
    13: "meter_fault",
    14: "power_loss",
    21: "terminal_fault",
    25: "over_current",
    27: "register_fell",
    29: "runs_away",
    30: "stands_still",
    31: "reading_failed",
    35: "unknown_meter",
    37: "cover_open",
    38: "terminal_cover_open",
    40: "magnetic_field",
}
BY_FLAG: Mapping[int, Mapping[int, str]] = {
    9: {1: "current_short", 2: "current_loss", 3: "reverse_power"},
    10: {1: "phase_loss", 2: "voltage_loss"},
    24: {1: "over_voltage", 2: "under_voltage"},
}
"""Records of which the high two bits of a flag byte say the kind; its low three bits are the phases."""
PHASED = frozenset((9, 10, 24, 25))
BY_OBJECT: Mapping[str, str] = {
    "3000": "voltage_loss",
    "3001": "under_voltage",
    "3002": "over_voltage",
    "3003": "phase_loss",
    "3004": "current_loss",
    "3005": "over_current",
    "3007": "reverse_power",
    "300f": "phase_sequence",
    "3011": "power_loss",
    "301b": "cover_open",
    "301c": "terminal_cover_open",
    "302a": "magnetic_field",
    "302b": "switch_fault",
    "302e": "clock_fault",
    "302f": "meter_fault",
    "3105": "clock_fault",
    "3106": "power_loss",
    "310a": "terminal_fault",
    "310b": "register_fell",
    "310d": "runs_away",
    "310e": "stands_still",
    "310f": "reading_failed",
    "3111": "unknown_meter",
}
OTHER = "other"
PHASES = ("A", "B", "C")
PHASE_OF_ATTRIBUTE = {6: "A", 7: "B", 8: "C"}
"""Which phase an attribute of an event object of class 24 (3000 to 3008) keeps the records of."""


def told_by_frame(frame: Frame) -> list[Told]:
    """The events of a frame of function 0E. BadFrame: one is cut."""
    return [
        told
        for unit in gdw3761.units(frame)
        for record in gdw3761.events(unit)
        for told in _told(record, unit.content[record.start + 2 : record.end])
    ]


def _told(record: Record, inner: bytes) -> Iterator[Told]:
    at = record.items[0].value if record.items else None
    number, begins, flags = None, True, 0
    if record.number in NUMBERED:
        if len(inner) < 7:
            return
        word = int.from_bytes(inner[5:7], "little")
        number, begins = word & 0x0FFF, word & 0x8000 != 0
        flags = inner[7] if len(inner) > 7 and record.number in PHASED else 0
    phases = "".join(phase for bit, phase in enumerate(PHASES) if flags >> bit & 1)
    kind = BY_NUMBER.get(record.number, OTHER)
    if record.number in BY_FLAG:
        kind = BY_FLAG[record.number].get(flags >> 6, OTHER)
    code = f"ERC{record.number}"
    if record.number == 14:
        back = record.items[1].value if len(record.items) > 1 else None
        begun_at = at if isinstance(at, datetime) else None
        ended_at = back if isinstance(back, datetime) and (begun_at is None or back >= begun_at) else None
        if begun_at is not None or ended_at is not None:
            yield Told(kind, code, "", begun_at, ended_at)
    elif isinstance(at, datetime):
        yield Told(kind, code, phases, at if begins else None, None if begins else at, number)


def told_by_apdu(apdu: Apdu) -> list[Told]:
    """The events of a report or of an answer with records: those of the terminal itself, and those that it keeps of its meters."""
    records: Sequence[Mapping[str, Any]] = ()
    if apdu.name in ("RecordReport", "GetRecordResponseList"):
        records = apdu.fields["records"]
    elif apdu.name == "GetRecordResponse":
        records = (apdu.fields["record"],)
    return [told for record in records for told in _of_record(record)]


def _of_record(record: Mapping[str, Any]) -> Iterator[Told]:
    choice, rows = record["result"]
    if choice != 1:
        return
    columns: Sequence[tuple[int, Any]] = record["columns"]
    for row in rows:
        address, event, cells = None, record["oad"], dict[str, Data]()
        for (kind, column), cell in zip(columns, row, strict=True):
            if kind == 1:
                event = column["oad"]
                cells |= dict(zip(column["columns"], members((2, cell[1])), strict=False)) if _grouped(cell) else {}
            elif column in (METER_ADDRESS, SOURCE):
                address = str(cell[1])[2:] if cell[0] == 0x55 else address
            else:
                cells[column] = cell
        begun_at, ended_at = _moment(cells.get(BEGUN_AT)), _moment(cells.get(ENDED_AT))
        if event[:1] == "3" and begun_at is not None and (ended_at is None or ended_at >= begun_at):
            phase = PHASE_OF_ATTRIBUTE.get(int(event[4:6], 16) & 0x1F, "") if event[:3] == "300" else ""
            kind_of_event = BY_OBJECT.get(event[:4], OTHER)
            yield Told(kind_of_event, event[:4].upper(), phase, begun_at, ended_at, None, address)


def _grouped(cell: Data) -> bool:
    return isinstance(cell[1], list)


def _moment(cell: Data | None) -> datetime | None:
    """None also for a year that no clock shows by itself: 376.1 has two digits for it."""
    at = instant(cell[1]) if cell is not None and isinstance(cell[1], bytes) else None
    return at if at is not None and 2000 <= at.year < 2100 else None

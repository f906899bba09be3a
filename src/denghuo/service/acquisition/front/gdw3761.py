"""The front's side of Q/GDW 376.1: login and heartbeat confirmed, freezes, curves and present registers asked for."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any

from denghuo.kernel.period import SHANGHAI
from denghuo.service.acquisition.front.cipher import CipherMachine
from denghuo.service.acquisition.front.events import told_by_frame
from denghuo.service.acquisition.front.relay import relay_closed, relay_done, relay_order, relay_question
from denghuo.service.acquisition.front.speak import (
    BANDS,
    HALF_HOURS,
    SLOTS,
    Curve,
    Got,
    Heard,
    Kind,
    Place,
    Registers,
    Told,
)
from denghuo.service.acquisition.protocol import gdw3761
from denghuo.service.acquisition.protocol.fault import BadFrame
from denghuo.service.acquisition.protocol.fields import Value
from denghuo.service.acquisition.protocol.gdw3761 import Frame, unit_bytes
from denghuo.service.acquisition.rules import Unit, midnight_after

CONFIRM, LINK, SET, ACT, QUERY, CLASS_1, CLASS_2, EVENTS, FORWARD = (
    0x00,
    0x02,
    0x04,
    0x05,
    0x0A,
    0x0C,
    0x0D,
    0x0E,
    0x10,
)
IMPORTANT, LAST_EVENT = 1, 255
"""Which of the two rings of 256 events is asked for, and its last place."""
STATION = 1
CONFIRMED, DENIED = 1, 2
CLOCK, SET_CLOCK, TIMES = 2, 31, 21
METER_PORT, METER_LINE, METER_WAIT, METER_BYTE_WAIT = 31, "6B", "BC", 10
"""How a terminal passes a frame on to a meter: the carrier port, 2400 baud and 8 bits, 60 s for the answer, 100 ms for a byte."""
PASSWORD = bytes(16)
"""What terminals ask for nothing else than that it is there; those with keys of their own need a cipher machine."""
REGISTERS = {
    161: "active_fwd",
    163: "active_rev",
    177: "active_fwd",
    179: "active_rev",
    129: "active_fwd",
    131: "active_rev",
}
CURVES = {97: "active_fwd", 99: "active_rev"}
ASKED: Mapping[Kind, tuple[int, ...]] = {
    "freeze": (161, 163),
    "month": (177, 179),
    "curve": (97, 99),
    "now": (129, 131),
}
QUARTER_HOUR = 1
"""The density of a curve of 96 points."""


class Speaker3761:
    """Q/GDW 376.1 to one terminal."""

    code, framing, numbers = "gdw3761", gdw3761.FRAMING, 16

    def hear(self, raw: bytes) -> Heard | None:
        frame = gdw3761.decode(raw)
        if not frame.up or not frame.region.isdecimal():
            raise BadFrame("content", 6, f"{frame.control:02X}", "a frame from a terminal")
        terminal_no = f"{frame.region}{frame.terminal:05d}"
        if frame.function != LINK:
            unasked = frame.control & 0x40 != 0
            if unasked and frame.function == EVENTS:
                return Heard(
                    "events", terminal_no, frame.number, content=frame, told=told_by_frame(frame), confirm=frame.confirm
                )
            answer = frame.function in (CONFIRM, QUERY, CLASS_1, CLASS_2, EVENTS, FORWARD) and not unasked
            return Heard("answer" if answer else "other", terminal_no, frame.number, frame.last, frame)
        said = [unit.number for unit in gdw3761.units(frame)]
        if said == [3]:
            return Heard("heartbeat", terminal_no, frame.number, content=frame)
        if said == [2]:
            return Heard("logout", terminal_no, frame.number, content=frame)
        if said == [1]:
            return Heard("login", terminal_no, frame.number, content=frame)
        raise BadFrame("content", 14, str(said), "F1, F2 or F3")

    def confirm(self, heard: Heard, accepted: bool, now: datetime) -> bytes:
        return self._confirmation(heard, accepted)

    def _confirmation(self, heard: Heard, accepted: bool) -> bytes:
        frame: Frame = heard.content
        data = unit_bytes(CONFIRM, 0, CONFIRMED if accepted else DENIED)
        return gdw3761.encode(
            Frame(0x0B, frame.region, frame.terminal, frame.station, False, CONFIRM, 0x60 | heard.number, data)
        )

    def told(self, content: Any) -> Sequence[Told]:
        return told_by_frame(content) if content.function == EVENTS else ()

    def denied(self, contents: Sequence[Any]) -> bool:
        return all(
            frame.function == CONFIRM and [unit.number for unit in gdw3761.units(frame)] == [DENIED]
            for frame in contents
        )

    def acknowledge(self, heard: Heard) -> bytes:
        return self._confirmation(heard, True)

    def ask_events(self, terminal_no: str, number: int, since: datetime, until: datetime) -> bytes:
        # Rings know no times: all of one is asked for, and what was told before changes nothing.
        return _request(terminal_no, number, EVENTS, unit_bytes(EVENTS, 0, IMPORTANT, [0, LAST_EVENT]))

    def ask(self, terminal_no: str, number: int, kind: Kind, day: date, places: Sequence[Place]) -> bytes:
        function = CLASS_1 if kind == "now" else CLASS_2
        values: list[Value] = []
        if kind == "freeze":
            values = [f"{day:%y-%m-%d}"]
        elif kind == "month":
            values = [f"{day:%y-%m}"]
        elif kind == "curve":
            values = [midnight_after(day) - timedelta(days=1), QUARTER_HOUR, SLOTS]
        data = b"".join(
            unit_bytes(function, place.number, wanted, values) for place in places for wanted in ASKED[kind]
        )
        return _request(terminal_no, number, function, data)

    def ask_clock(self, terminal_no: str, number: int) -> bytes:
        return _request(terminal_no, number, CLASS_1, unit_bytes(CLASS_1, 0, CLOCK))

    def clock_of(self, contents: Sequence[Any]) -> datetime | None:
        for frame in contents:
            for unit in gdw3761.units(frame) if frame.function == CLASS_1 else ():
                values = [item.value for item in gdw3761.items(unit, up=True)] if unit.number == CLOCK else []
                if values and isinstance(values[0], datetime):
                    return values[0]
        return None

    def set_clock(self, terminal_no: str, number: int, moment: datetime) -> bytes:
        return _request(
            terminal_no, number, ACT, unit_bytes(ACT, 0, SET_CLOCK, [moment.astimezone(SHANGHAI)]), PASSWORD
        )

    def set_times(self, terminal_no: str, number: int, rates: Sequence[int]) -> bytes:
        # A rate counts from 0 on the wire.
        values = [*(rate - 1 for rate in rates), max(rates)]
        return _request(terminal_no, number, SET, unit_bytes(SET, 0, TIMES, values), PASSWORD)

    def ask_times(self, terminal_no: str, number: int) -> bytes:
        return _request(terminal_no, number, QUERY, unit_bytes(QUERY, 0, TIMES))

    def times_of(self, contents: Sequence[Any]) -> Sequence[int] | None:
        for frame in contents:
            for unit in gdw3761.units(frame) if frame.function == QUERY else ():
                if unit.number == TIMES:
                    values = [item.value for item in gdw3761.items(unit, up=True)][:HALF_HOURS]
                    return [value + 1 for value in values if isinstance(value, int)]
        return None

    def ask_parameter(self, terminal_no: str, number: int, place: Unit) -> bytes:
        return _request(terminal_no, number, QUERY, unit_bytes(QUERY, 0, place.unit))

    def parameter_of(self, place: Unit, contents: Sequence[Any]) -> list[Value] | None:
        for frame in contents:
            for one in gdw3761.units(frame) if frame.function == QUERY else ():
                if one.number == place.unit:
                    return [item.value for item in gdw3761.items(one, up=True)]
        return None

    def with_parameter(self, place: Unit, content: Sequence[Value], parts: Sequence[int | str]) -> list[Value]:
        values = list(content)
        if max(place.fields) >= len(values):
            raise BadFrame("short", 0, str(len(values)), str(max(place.fields) + 1))
        for field, part in zip(place.fields, parts, strict=True):
            values[field] = part
        return values

    def set_parameter(self, terminal_no: str, number: int, place: Unit, content: Sequence[Value]) -> bytes:
        return _request(terminal_no, number, SET, unit_bytes(SET, 0, place.unit, content), PASSWORD)

    def switch(
        self, terminal_no: str, number: int, place: Place, on: bool, until: datetime, cipher: CipherMachine
    ) -> bytes:
        return _forwarded(terminal_no, number, relay_order(place.address, on, until, cipher))

    def switched(self, contents: Sequence[Any]) -> bool:
        return relay_done(_answers(contents))

    def ask_switch(self, terminal_no: str, number: int, place: Place) -> bytes:
        return _forwarded(terminal_no, number, relay_question(place.address))

    def switch_of(self, place: Place, contents: Sequence[Any]) -> bool | None:
        return relay_closed(place.address, _answers(contents))

    def accepted(self, contents: Sequence[Any]) -> bool:
        return all(
            frame.function == CONFIRM and [unit.number for unit in gdw3761.units(frame)] == [CONFIRMED]
            for frame in contents
        )

    def understand(self, kind: Kind, day: date, places: Sequence[Place], contents: Sequence[Any]) -> Mapping[str, Got]:
        by_number = {place.number: place for place in places}
        found: dict[str, Got] = {}
        for frame in contents:
            if frame.function == CONFIRM:
                return {place.meter_no: Got("denied") for place in places if place.meter_no not in found}
            for point, number, counts in gdw3761.numbers(frame):
                place = by_number.get(point)
                if place is not None and number in ASKED[kind]:
                    before, new = found.get(place.meter_no), _got(kind, day, number, counts)
                    found[place.meter_no] = new if before is None else _joined(before, new)
        return found


def _request(terminal_no: str, number: int, function: int, data: bytes, password: bytes | None = None) -> bytes:
    region, address = terminal_no[:4], int(terminal_no[4:])
    return gdw3761.encode(Frame(0x4B, region, address, STATION, False, function, 0x60 | number, data, password))


def _forwarded(terminal_no: str, number: int, inner: bytes) -> bytes:
    """A frame for a meter that the terminal is to pass on (透明转发)."""
    data = unit_bytes(FORWARD, 0, 1, [METER_PORT, METER_LINE, METER_WAIT, METER_BYTE_WAIT, len(inner), inner])
    return _request(terminal_no, number, FORWARD, data, PASSWORD)


def _answers(contents: Sequence[Any]) -> list[bytes]:
    """What meters said to frames that were passed on to them."""
    return [
        item.value
        for frame in contents
        if frame.function == FORWARD
        for unit in gdw3761.units(frame)
        for item in gdw3761.items(unit, up=True)
        if isinstance(item.value, bytes)
    ]


def _got(kind: Kind, day: date, number: int, counts: Sequence[int | None]) -> Got:
    if not counts:
        return Got("bad_frame")
    if kind == "curve":
        return _curve(day, number, counts)
    if kind != "now":
        stamp, counts = counts[0], counts[1:]
        if stamp is not None and stamp != int(f"{day:%y%m%d}" if kind == "freeze" else f"{day:%y%m}"):
            return Got("wrong_day")
    read_at = midnight_after(day) if kind != "now" else _moment(counts[0])
    bands = BANDS if len(counts) == 2 + len(BANDS) else BANDS[:1]
    registers = tuple(
        Registers(REGISTERS[number], band, read_at, count)
        for band, count in zip(bands, counts[2:], strict=False)
        if count is not None
    )
    return Got(None, registers) if registers else Got("no_data")


def _curve(day: date, number: int, counts: Sequence[int | None]) -> Got:
    start, density, _, *values = counts
    first = _moment(start)
    if first is None or density != QUARTER_HOUR:
        return Got("no_data")
    shift = first - (midnight_after(day) - timedelta(days=1))
    if shift % timedelta(minutes=15) or not timedelta() <= shift < timedelta(days=1):
        return Got("wrong_day")
    slots: list[int | None] = [None] * SLOTS
    begin = shift // timedelta(minutes=15)
    slots[begin : begin + len(values)] = values[: SLOTS - begin]
    if not any(value is not None for value in slots):
        return Got("no_data")
    return Got(None, curves=(Curve(CURVES[number], tuple(slots)),))


@lru_cache(1024)
def _moment(digits: int | None) -> datetime | None:
    """The instant that the digits of a year to its minute say; None where they say none."""
    if digits is None:
        return None
    year, month, day, hour, minute = (digits // 100**place % 100 for place in (4, 3, 2, 1, 0))
    try:
        return datetime(2000 + year, month, day, hour, minute, tzinfo=SHANGHAI)
    except ValueError:
        return None


def _joined(first: Got, second: Got) -> Got:
    """Of a meter's units: what one of them has counts, a cause only where none has anything."""
    registers, curves = first.registers + second.registers, first.curves + second.curves
    return Got(None if registers or curves else first.cause, registers, curves)

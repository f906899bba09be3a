"""Q/GDW 376.1 as a terminal writes and reads it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from denghuo.simulator import wire645
from denghuo.simulator.device import HALF_HOURS, Device
from denghuo.simulator.happening import Happening

START, END = 0x68, 0x16
LOGIN, HEARTBEAT = 1, 3
REQUEST_SIZES = {
    (0x0D, 161): 3,
    (0x0D, 163): 3,
    (0x0D, 177): 2,
    (0x0D, 179): 2,
    (0x0D, 97): 7,
    (0x0D, 99): 7,
    (0x0C, 129): 0,
    (0x0C, 131): 0,
    (0x0C, 2): 0,
}
"""What follows a data unit's identifier in a request, in bytes, for the units that a simulated terminal answers."""


def packed(value: int | None, size: int) -> bytes:
    """Decimal digits, two in a byte, the low ones first; EE where there is no value."""
    if value is None:
        return b"\xee" * size
    return bytes(int(f"{value // 100**place % 100:02d}", 16) for place in range(size))


def identifier(point: int, number: int) -> bytes:
    da = bytes((0, 0)) if point == 0 else bytes((1 << (point - 1) % 8, (point - 1) // 8 + 1))
    return da + bytes((1 << (number - 1) % 8, (number - 1) // 8))


def frame(terminal_no: str, control: int, function: int, sequence: int, data: bytes) -> bytes:
    region, address = bytes.fromhex(terminal_no[:4])[::-1], int(terminal_no[4:]).to_bytes(2, "little")
    body = bytes((control,)) + region + address + bytes((2, function, sequence)) + data
    length = (len(body) * 4 + 2).to_bytes(2, "little")
    return bytes((START,)) + length + length + bytes((START,)) + body + bytes((sum(body) % 256, END))


def link(terminal_no: str, number: int, sequence: int) -> bytes:
    """A login (1) or heartbeat (3)."""
    return frame(terminal_no, 0xC9, 0x02, 0x70 | sequence, identifier(0, number))


def report(terminal_no: str, happenings: Sequence[Happening], sequence: int) -> bytes:
    """Events told unasked; the head-end is to confirm them."""
    return frame(terminal_no, 0xC4, 0x0E, 0x70 | sequence, identifier(0, 1) + _events(happenings))


def _events(happenings: Sequence[Happening]) -> bytes:
    count = min(len(happenings), 255)
    records = b"".join(bytes((number, len(inner))) + inner for number, inner in map(_record, happenings))
    return bytes((count, 0, 0, count)) + records


def _record(one: Happening) -> tuple[int, bytes]:
    """The number (ERC) and content of an event record; bit 15 of the measuring point says that it began."""
    when, point = _minute(one.begun_at), (one.point | 0x8000).to_bytes(2, "little")
    volts = b"".join(packed(value, 2) for value in (2_200, 2_200, 2_200))
    amperes, energy = packed(0, 3) * 3, packed(None, 5)
    match one.kind:
        case "power_loss":
            return 14, when + b"\xee" * 5
        case "phase_loss":
            return 10, when + point + b"\x41" + packed(0, 2) + volts[2:] + amperes + energy
        case "over_voltage":
            return 24, when + point + b"\x41" + packed(2_700, 2) + volts[2:]
        case "reverse_power":
            return 9, when + point + b"\xc1" + volts + amperes + energy
        case "cover_open":
            return 37, when + point + packed(1, 3)
        case _:
            return 12, when + point


@dataclass(frozen=True)
class Request:
    function: int
    sequence: int
    data: bytes

    @property
    def follows(self) -> bool:
        """It asks for no more of an answer: answers of this protocol come in one."""
        return False

    @property
    def confirmation(self) -> bool:
        return self.function == 0 and len(self.data) == 4

    @property
    def confirmed(self) -> int | None:
        """The number of the message that this confirms."""
        return self.sequence if self.confirmation else None

    @property
    def denied(self) -> bool:
        return self.confirmation and self.data[2:] == b"\x02\x00"


def split(buffer: bytes) -> tuple[list[Request], bytes]:
    """The requests of a buffer, and what is left of it. The head-end sends nothing but frames."""
    found = []
    while len(buffer) >= 8:
        size = int.from_bytes(buffer[1:3], "little") // 4
        if buffer[0] != START or len(buffer) < size + 8:
            break
        body = buffer[6 : 6 + size]
        found.append(Request(body[6], body[7] & 15, body[8:]))
        buffer = buffer[size + 8 :]
    return found, buffer


Registers = Callable[[int, int, datetime], int | None]
"""The register at (measuring point, 0 forward or 1 reverse, moment)."""


def answer(
    terminal_no: str,
    request: Request,
    registers: Registers,
    now: datetime,
    days_off: int,
    happenings: Sequence[Happening] = (),
    device: Device | None = None,
) -> bytes:
    """The answer to a request; a denial where it asks for what a simulated terminal does not have. `days_off`: what its clock does
    to the days that it says its values are of."""
    parts, at, data = [], 0, request.data
    if request.function == 0x0E:
        return frame(terminal_no, 0x88, 0x0E, 0x60 | request.sequence, identifier(0, 1) + _events(happenings))
    if device is not None and request.function in (0x04, 0x05, 0x0A, 0x10):
        return _set(terminal_no, request, device, now)
    while at + 4 <= len(data):
        numbers = [bit + 1 + 8 * data[at + 3] for bit in range(8) if data[at + 2] >> bit & 1]
        points = [bit + 1 + 8 * (data[at + 1] - 1) for bit in range(8) if data[at] >> bit & 1] if data[at + 1] else [0]
        at += 4
        for point in points:
            for number in numbers:
                size = REQUEST_SIZES.get((request.function, number))
                if size is None:
                    return frame(terminal_no, 0x88, 0x00, 0x60 | request.sequence, identifier(0, 2))
                parts.append(
                    identifier(point, number) + _content(point, number, data[at : at + size], registers, now, days_off)
                )
                at += size
    return frame(terminal_no, 0x88, request.function, 0x60 | request.sequence, b"".join(parts))


def _set(terminal_no: str, request: Request, device: Device, now: datetime) -> bytes:
    """What is set: the clock (05F31), the times of use (04F21, 0AF21), parameters, a meter's relay (10F1); all else is denied."""
    body, asked = request.data[4:], (request.function, request.data[:4])
    if asked == (0x10, identifier(0, 1)):
        said = wire645.answer(body[6 : 6 + int.from_bytes(body[4:6], "little")], device)
        if said is not None:
            content = body[:1] + len(said).to_bytes(2, "little") + said
            return frame(terminal_no, 0x88, 0x10, 0x60 | request.sequence, identifier(0, 1) + content)
    if asked == (0x05, identifier(0, 31)):
        second, minute, hour, day, month, year = (_digits(byte) for byte in body[:4] + bytes((body[4] & 31, body[5])))
        device.set_clock(datetime(2000 + year, month, day, hour, minute, second, tzinfo=now.tzinfo), now)
    elif asked == (0x04, identifier(0, 21)):
        device.set_rates([rate + 1 for rate in body[:HALF_HOURS]])
    elif asked == (0x0A, identifier(0, 21)):
        content = bytes(rate - 1 for rate in device.rates) + bytes((max(device.rates),))
        return frame(terminal_no, 0x88, 0x0A, 0x60 | request.sequence, identifier(0, 21) + content)
    elif (unit := _unit(request, device)) is not None and request.function == 0x04:
        device.set_parameters(unit, body[: len(device.parameters[unit])])
    elif unit is not None and request.function == 0x0A:
        content = identifier(0, unit) + device.parameters[unit]
        return frame(terminal_no, 0x88, 0x0A, 0x60 | request.sequence, content)
    else:
        return frame(terminal_no, 0x88, 0x00, 0x60 | request.sequence, identifier(0, 2))
    return frame(terminal_no, 0x88, 0x00, 0x60 | request.sequence, identifier(0, 1))


def _unit(request: Request, device: Device) -> int | None:
    """Which unit of parameters a request is of, where the terminal has it."""
    return next((number for number in device.parameters if request.data[:4] == identifier(0, number)), None)


def _content(point: int, number: int, said: bytes, registers: Registers, now: datetime, days_off: int) -> bytes:
    if number == 2:
        return _clock(now)
    if number in (161, 163):
        day = date(2000 + _digits(said[2]), _digits(said[1]), _digits(said[0])) + timedelta(days=days_off)
        midnight = datetime(day.year, day.month, day.day, tzinfo=now.tzinfo) + timedelta(days=1)
        value = registers(point, (number - 161) // 2, midnight)
        stamp = bytes(int(f"{part:02d}", 16) for part in (day.day, day.month, day.year % 100))
        return stamp + _minute(midnight + timedelta(minutes=3)) + b"\x00" + packed(value, 5)
    if number in (177, 179):
        month, year = _digits(said[0]), 2000 + _digits(said[1])
        end = datetime(year + month // 12, month % 12 + 1, 1, tzinfo=now.tzinfo) + timedelta(days=days_off)
        value = registers(point, (number - 177) // 2, end)
        frozen = end - timedelta(days=1)
        stamp = bytes(int(f"{part:02d}", 16) for part in (frozen.month, frozen.year % 100))
        return stamp + _minute(end + timedelta(minutes=3)) + b"\x00" + packed(value, 5)
    if number in (97, 99):
        minute, hour, day_no, month, year = (_digits(byte) for byte in said[:5])
        begin = datetime(2000 + year, month, day_no, hour, minute, tzinfo=now.tzinfo) + timedelta(days=days_off)
        steps = [
            registers(point, (number - 97) // 2, begin + timedelta(minutes=15 * slot)) for slot in range(said[6] + 1)
        ]
        energies = [
            None if before is None or after is None else max(after - before, 0)
            for before, after in zip(steps, steps[1:], strict=False)
        ]
        return _minute(begin) + said[5:7] + b"".join(packed(energy, 4) for energy in energies)
    return _minute(now) + b"\x00" + packed(registers(point, (number - 129) // 2, now), 5)


def _digits(byte: int) -> int:
    return (byte >> 4) * 10 + (byte & 15)


def _minute(moment: datetime) -> bytes:
    parts = (moment.minute, moment.hour, moment.day, moment.month, moment.year % 100)
    return bytes(int(f"{part:02d}", 16) for part in parts)


def _clock(now: datetime) -> bytes:
    raw = bytearray(bytes((int(f"{now.second:02d}", 16),)) + _minute(now))
    raw[4] |= now.isoweekday() << 5
    return bytes(raw)

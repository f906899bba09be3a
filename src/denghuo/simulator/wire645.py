"""DL/T 645-2007 as a meter writes and reads it: its relay, clock, day table and parameters, its registers, daily freezes,
settlements and load record."""

from collections.abc import Callable
from datetime import datetime, timedelta

from denghuo.simulator.device import HALF_HOURS, Device, proven

START, END = 0x68, 0x16
SWITCH, READ, STATUS_WORD_3 = 0x1C, 0x11, bytes.fromhex("03050004")
OPEN, CLOSE = 0x1A, 0x1C
REFUSED, NO_SUCH_DATA = 0x04, 0x02
READ_NEXT, WRITE, BROADCAST_TIME = 0x12, 0x14, 0x08
BROADCAST_REACH = timedelta(minutes=5)
"""A clock that is off by more takes no time that is told to all."""
CLOCK, DATE, TIME, DAY_TABLE, PARTS = "0400010c", "04000101", "04000102", "04010001", 8
DAY, QUARTER = timedelta(days=1), timedelta(minutes=15)
FRAME_DATA_MAX = 196
FREEZES_MAX, SETTLEMENTS_MAX = 62, 12

Registers = Callable[[int, datetime], int | None]
"""The register at (0 forward or 1 reverse, moment), in 1e-4 kWh."""


def frame(address: str, control: int, data: bytes) -> bytes:
    head = bytes((START,)) + bytes.fromhex(address)[::-1] + bytes((START, control, len(data)))
    body = head + bytes((byte + 0x33) % 256 for byte in data)
    return body + bytes((sum(body) % 256, END))


def answer(raw: bytes, device: Device) -> bytes | None:
    """What the meter says to a frame; nothing where it is none of these."""
    said = heard(raw)
    if said is None:
        return None
    address, control, data = said
    if control == READ and data[:4] == STATUS_WORD_3:
        return frame(address, READ | 0x80, data[:4] + bytes((0x50 if address in device.opened else 0x00, 0x00)))
    if control == SWITCH and len(data) == 26:
        order, extra, mac = data[8:16], data[16:22], data[22:]
        # A digit pair comes low byte first; what is proven is the order as it was meant.
        if not proven(address, extra, mac, order):
            return frame(address, SWITCH | 0xC0, bytes((REFUSED,)))
        device.switch(address, on=order[0] == CLOSE)
        return frame(address, SWITCH | 0x80, b"")
    return None


def heard(raw: bytes) -> tuple[str, int, bytes] | None:
    """Address, control and data of a frame; nothing where it is none."""
    raw = raw.lstrip(b"\xfe")
    if len(raw) < 12 or raw[0] != START or raw[7] != START or sum(raw[:-2]) % 256 != raw[-2]:
        return None
    return raw[1:7][::-1].hex(), raw[8], bytes((byte - 0x33) % 256 for byte in raw[10 : 10 + raw[9]])


class Reading:
    """A meter that is read and set. What does not fit a frame it gives when it is asked for what follows. `now` is the right time
    wherever it stands; the meter's clock is off as its device says."""

    def __init__(self, registers: Registers, device: Device | None = None) -> None:
        self._registers, self.device = registers, device or Device()
        self._rest = b""

    def hear_all(self, control: int, data: bytes, now: datetime) -> None:
        """What is told to all meters."""
        now += self.device.clock_off
        if control == BROADCAST_TIME and len(data) == 6 and abs(_moment(data, now) - now) <= BROADCAST_REACH:
            self.device.set_clock(_moment(data, now), now)

    def answer(self, address: str, control: int, data: bytes, now: datetime) -> bytes | None:
        di = data[:4]
        if control == SWITCH or (control == READ and di == STATUS_WORD_3):
            return answer(frame(address, control, data), self.device)
        now += self.device.clock_off
        if control == WRITE:
            done = self._write(address, data, now)
            return frame(address, WRITE | (0x80 if done else 0xC0), b"" if done else bytes((REFUSED,)))
        if control == READ_NEXT:
            return self._part(address, READ_NEXT, di, data[4:5])
        if control != READ:
            return None
        self._rest = self._item(di[::-1].hex(), data[4:], now) or b""
        if not self._rest:
            return frame(address, READ | 0xC0, bytes((NO_SUCH_DATA,)))
        return self._part(address, READ, di, b"")

    def _part(self, address: str, function: int, di: bytes, sequence: bytes) -> bytes:
        part, self._rest = self._rest[:FRAME_DATA_MAX], self._rest[FRAME_DATA_MAX:]
        return frame(address, function | 0x80 | (0x20 if self._rest else 0), di + part + sequence)

    def _item(self, di: str, more: bytes, now: datetime) -> bytes | None:
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        place = int(di[6:], 16)
        if di[:2] == "00" and di[2:4] in ("01", "02") and di[4:6] in ("00", "ff") and place <= SETTLEMENTS_MAX:
            at = now
            for turn in range(place):
                at = (midnight if not turn else at - DAY).replace(day=1)
            return self._energies(int(di[2:4]) - 1, at, di[4:6] == "ff")
        if di[:4] == "0506" and 1 <= place <= FREEZES_MAX:
            at = midnight - (place - 1) * DAY
            return _minute(at) if di[4:6] == "00" else self._energies(int(di[4:6]) - 1, at, True)
        if di == DATE:
            return bytes((now.isoweekday() % 7, *_digits(now, "%d%m%y")))
        if di == TIME:
            return _digits(now, "%S%M%H")
        if di == CLOCK:
            return _digits(now, "%S%M%H") + bytes((now.isoweekday() % 7,)) + _digits(now, "%d%m%y")
        if di == DAY_TABLE:
            return self._day_table()
        if di in self.device.items:
            return self.device.items[di]
        if di == "06040001" and len(more) == 6:
            return self._load(more, now)
        return None

    def _write(self, address: str, data: bytes, now: datetime) -> bool:
        """Whether an order carries the proof of who gave it, and is of something that can be set."""
        di, content, extra, mac = data[:4], data[12:-10], data[-10:-4], data[-4:]
        if len(data) < 23 or not proven(address, extra, mac, di + content):
            return False
        name = di[::-1].hex()
        if name == CLOCK and len(content) == 7:
            self.device.set_clock(_moment(content[:3] + content[4:], now), now)
        elif name == DAY_TABLE and len(content) == 3 * PARTS:
            rates = [1] * HALF_HOURS
            for at in range(0, len(content), 3):
                rate, minute, hour = (int(f"{byte:02x}") for byte in content[at : at + 3])
                half = hour * 2 + minute // 30
                rates[half:] = [rate] * (HALF_HOURS - half)
            self.device.set_rates(rates)
        elif name in self.device.items:
            self.device.set_item(name, content)
        else:
            return False
        return True

    def _day_table(self) -> bytes:
        """Its parts, each its rate, minute and hour; the last one again where there are fewer."""
        rates = self.device.rates
        begins = [half for half in range(HALF_HOURS) if not half or rates[half] != rates[half - 1]]
        begins += begins[-1:] * (PARTS - len(begins))
        digits = "".join(f"{rates[half]:02d}{half % 2 * 30:02d}{half // 2:02d}" for half in begins)
        return bytes.fromhex(digits)

    def _energies(self, place: int, at: datetime, tariffs: bool) -> bytes | None:
        value = self._registers(place, at) if place in (0, 1) else None
        if value is None:
            return None
        # All of it in the flat hours.
        return b"".join(_kwh(part) for part in ((value, 0, 0, value, 0) if tariffs else (value,)))

    def _load(self, more: bytes, now: datetime) -> bytes:
        minute, hour, day, month, year = (int(f"{byte:02x}") for byte in more[1:6])
        since = datetime(2000 + year, month, day, hour, minute, tzinfo=now.tzinfo)
        found = b""
        at = since + timedelta(minutes=-minute % 15)
        for _ in range(more[0]):
            values = [self._registers(place, at) for place in (0, 1)]
            if at > now or None in values:
                break
            body = _minute(at) + b"\xaa\xaa\xaa"
            body += b"".join(_kwh(value or 0) for value in values) + bytes(8) + b"\xaa\xaa\xaa"
            whole = b"\xa0\xa0" + bytes((len(body),)) + body
            found += whole + bytes((sum(whole) % 256, 0xE5))
            at += QUARTER
        return found


def _kwh(value_e4: int) -> bytes:
    return bytes.fromhex(f"{value_e4 // 100 % 10**8:08d}")[::-1]


def _minute(at: datetime) -> bytes:
    return bytes(_digits(at, "%M%H%d%m%y"))


def _moment(raw: bytes, now: datetime) -> datetime:
    """Second, minute, hour, day, month and year."""
    second, minute, hour, day, month, year = (int(f"{byte:02x}") for byte in raw)
    return datetime(2000 + year, month, day, hour, minute, second, tzinfo=now.tzinfo)


def _digits(at: datetime, form: str) -> bytes:
    return bytes.fromhex(at.strftime(form))

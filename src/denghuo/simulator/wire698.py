"""DL/T 698.45 as a terminal writes and reads it."""

from binascii import crc_hqx
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from denghuo.simulator.device import HALF_HOURS, Device, proven
from denghuo.simulator.happening import Happening

MIRROR = bytes(sum((byte >> bit & 1) << 7 - bit for bit in range(8)) for byte in range(256))
LOGIN, HEARTBEAT = 0, 1
QUANTITIES = {b"\x00\x10\x02\x00": 0, b"\x00\x20\x02\x00": 1}
RECORD_NO, BEGUN_AT, ENDED_AT = (bytes.fromhex(oad) for oad in ("20220200", "201e0200", "20200200"))
TASK_DATA, ADDRESS, SOURCE = (bytes.fromhex(oad) for oad in ("60120300", "202a0200", "20240200"))
EVENTS = {
    bytes.fromhex(oad): kind
    for oad, kind in (
        ("31060200", "power_loss"),
        ("30030600", "phase_loss"),
        ("30020600", "over_voltage"),
        ("30070600", "reverse_power"),
        ("301b0200", "cover_open"),
        ("302e0200", "clock_fault"),
    )
}
FROZEN_AT, CLOCK, TIMES = (bytes.fromhex(oad) for oad in ("20210200", "40000200", "40160201"))
STATUS_WORD_3 = bytes.fromhex("20140203")


def check(octets: bytes) -> bytes:
    """FCS-16 of ISO/IEC 13239: the register is shifted the other way round, so bits are mirrored before and after."""
    value = crc_hqx(octets.translate(MIRROR), 0xFFFF) ^ 0xFFFF
    return bytes((MIRROR[value >> 8], MIRROR[value & 255]))


def frame(terminal_no: str, control: int, apdu: bytes) -> bytes:
    address = bytes.fromhex(terminal_no)[::-1]
    length = 2 + 1 + 1 + len(address) + 1 + 2 + len(apdu) + 2
    head = length.to_bytes(2, "little") + bytes((control, len(address) - 1)) + address + b"\x00"
    head += check(head)
    return b"\x68" + head + apdu + check(head + apdu) + b"\x16"


def link(terminal_no: str, kind: int, number: int, heartbeat_s: int, now: datetime) -> bytes:
    time = now.year.to_bytes(2, "big") + bytes(
        (now.month, now.day, now.isoweekday() % 7, now.hour, now.minute, now.second)
    )
    time += (now.microsecond // 1000).to_bytes(2, "big")
    return frame(terminal_no, 0x81, bytes((0x01, number, kind)) + heartbeat_s.to_bytes(2, "big") + time)


def report(terminal_no: str, happenings: Sequence[Happening], number: int) -> bytes:
    """Events told unasked, each as a record; the head-end is to confirm them."""
    oads = {kind: oad for oad, kind in EVENTS.items()}
    records = []
    for one in happenings:
        oad, inner = oads[one.kind], (RECORD_NO, BEGUN_AT, ENDED_AT)
        own = one.kind == "power_loss"
        columns = [b"\x00" + column for column in inner] if own else [b"\x00" + ADDRESS, _group(oad, inner)]
        head = (oad if own else TASK_DATA) + bytes((len(columns),)) + b"".join(columns)
        records.append(head + b"\x01\x01" + _event_row(columns, one))
    return frame(terminal_no, 0x83, b"\x88\x02" + bytes((number, len(records))) + b"".join(records) + b"\x00\x00")


def _group(oad: bytes, columns: Sequence[bytes]) -> bytes:
    return b"\x01" + oad + bytes((len(columns),)) + b"".join(columns)


def _event_row(columns: Sequence[bytes], one: Happening) -> bytes:
    cells = []
    for column in columns:
        if column[0] == 1:
            inner = [column[at : at + 4] for at in range(6, len(column), 4)]
            cells.append(bytes((0x02, len(inner))) + b"".join(_event_cell(oad, one) for oad in inner))
        else:
            cells.append(_event_cell(column[1:], one))
    return b"".join(cells)


def _event_cell(oad: bytes, one: Happening) -> bytes:
    if oad == ADDRESS:
        return b"\x55\x07\x05" + bytes.fromhex(one.address)
    if oad == RECORD_NO:
        return b"\x06" + (1).to_bytes(4, "big")
    return _time(one.begun_at) if oad == BEGUN_AT else b"\x00"


@dataclass(frozen=True)
class Request:
    """`fragment`: it says that a piece of a frame came."""

    apdu: bytes
    fragment: bool = False

    @property
    def follows(self) -> bool:
        """It asks for more of an answer: the next block, or the next piece."""
        return self.fragment or self.apdu[:2] == b"\x05\x05"

    @property
    def confirmation(self) -> bool:
        return self.apdu[:1] == b"\x81" and not self.fragment

    @property
    def confirmed(self) -> int | None:
        """The number of the report that this confirms."""
        return self.apdu[2] if self.apdu[:1] == b"\x08" and not self.fragment else None

    @property
    def denied(self) -> bool:
        return self.confirmation and bool(self.apdu[2] & 7)


def split(buffer: bytes) -> tuple[list[Request], bytes]:
    """The requests of a buffer, and what is left of it. The head-end sends nothing but frames."""
    found = []
    while len(buffer) >= 12:
        size = int.from_bytes(buffer[1:3], "little") + 2
        if buffer[0] != 0x68 or len(buffer) < size:
            break
        begin = 5 + (buffer[4] & 15) + 1 + 1 + 2
        found.append(Request(buffer[begin : size - 3], bool(buffer[3] & 0x20)))
        buffer = buffer[size:]
    return found, buffer


Registers = Callable[[str, int, datetime], int | None]
"""The register at (address of the meter, 0 forward or 1 reverse, moment)."""


def answer(
    terminal_no: str,
    request: Request,
    registers: Registers,
    now: datetime,
    days_off: int,
    happenings: Sequence[Happening] = (),
    device: Device | None = None,
) -> bytes:
    """The answer to a request; an error where it asks for what a simulated terminal does not have. `days_off`: what its clock does
    to the days that it says its values are of."""
    apdu = request.apdu
    if device is not None and apdu[:2] == b"\x10\x00":
        return frame(terminal_no, 0xC3, _secured(apdu, device))
    if apdu[:2] == b"\x09\x01":
        return frame(terminal_no, 0xC3, _proxied(apdu, registers, now, device or Device()))
    if apdu[:2] == b"\x05\x03":
        record = _record(apdu, *_rows(apdu, registers, now, days_off))
        return frame(terminal_no, 0xC3, b"\x85\x03" + apdu[2:3] + record + b"\x00\x00")
    if apdu[:2] == b"\x05\x04":
        return frame(terminal_no, 0xC3, _kept(apdu, happenings))
    if apdu[:2] == b"\x05\x01" and apdu[3:7] == CLOCK:
        return frame(terminal_no, 0xC3, b"\x85\x01" + apdu[2:7] + b"\x01" + _time(now) + b"\x00\x00")
    if device is not None and apdu[:2] == b"\x05\x01" and apdu[3:7].hex() in device.attributes:
        content = device.attributes[apdu[3:7].hex()]
        return frame(terminal_no, 0xC3, b"\x85\x01" + apdu[2:7] + b"\x01" + content + b"\x00\x00")
    if device is not None and apdu[:2] == b"\x06\x01":
        return frame(terminal_no, 0xC3, b"\x86\x01" + apdu[2:7] + _set(apdu, device, now) + b"\x00\x00")
    if device is not None and apdu[:2] == b"\x05\x01" and apdu[3:7] == TIMES:
        return frame(terminal_no, 0xC3, b"\x85\x01" + apdu[2:7] + b"\x01" + _day_table(device) + b"\x00\x00")
    return frame(terminal_no, 0xC3, b"\xee" + apdu[2:3] + b"\x01")


def _set(apdu: bytes, device: Device, now: datetime) -> bytes:
    """What is set: the clock, the first day table, or a parameter; 0 for success, 6 for an object that is not there."""
    if apdu[3:7].hex() in device.attributes:
        device.set_attribute(apdu[3:7].hex(), apdu[7:-1])
        return b"\x00"
    if apdu[3:8] == CLOCK + b"\x1c":
        device.set_clock(_moment(apdu[8:15], now), now)
        return b"\x00"
    if apdu[3:8] == TIMES + b"\x01":
        rates = [1] * HALF_HOURS
        for place in range(apdu[8]):
            hour, minute, rate = apdu[12 + 8 * place], apdu[14 + 8 * place], apdu[16 + 8 * place]
            half = hour * 2 + minute // 30
            rates[half:] = [rate] * (HALF_HOURS - half)
        device.set_rates(rates)
        return b"\x00"
    return b"\x06"


def _day_table(device: Device) -> bytes:
    parts = [
        b"\x02\x03\x11" + bytes((half // 2, 0x11, half % 2 * 30, 0x11, rate))
        for half, rate in enumerate(device.rates)
        if not half or rate != device.rates[half - 1]
    ]
    return bytes((0x01, len(parts))) + b"".join(parts)


def _secured(apdu: bytes, device: Device) -> bytes:
    """A relay's order under a proof: done, or refused with 3; anything else is an error."""
    size = apdu[2]
    plain, proof = apdu[3 : 3 + size], apdu[3 + size :]
    extra, mac = proof[6 : 6 + proof[5]], proof[-4:]
    if plain[:2] != b"\x09\x05" or proof[0]:
        return b"\xee" + plain[2:3] + b"\x01"
    address, omd = plain[8:14].hex(), plain[17:21]
    right = proven(address, extra, mac, plain)
    if right:
        device.switch(address, on=omd[2] == 0x82)
    done = omd + (b"\x00" if right else b"\x03") + b"\x00"
    inner = b"\x89\x05" + plain[2:3] + b"\x01\x07\x05" + plain[8:14] + b"\x01" + done + b"\x00\x00"
    return b"\x90\x00" + bytes((len(inner),)) + inner + b"\x00"


def _proxied(apdu: bytes, registers: Registers, now: datetime, device: Device) -> bytes:
    at, parts = 6, []
    for _ in range(apdu[5]):
        address, at = _address(apdu, at)
        count, at = apdu[at + 2], at + 3
        items = [apdu[at + 4 * place : at + 4 * place + 4] for place in range(count)]
        at += 4 * count
        results = b"".join(
            oad + (b"\x01" + _register(registers(address, QUANTITIES[oad], now)) if oad in QUANTITIES else b"\x00\x06")
            if oad != STATUS_WORD_3
            # Bit 4 of sixteen, the first one first: the relay is open.
            else oad + b"\x01\x04\x10" + (b"\x08" if address in device.opened else b"\x00") + b"\x00"
            for oad in items
        )
        parts.append(b"\x07\x05" + bytes.fromhex(address) + bytes((count,)) + results)
    return b"\x89\x01" + apdu[2:3] + bytes((len(parts),)) + b"".join(parts) + b"\x00\x00"


def _rows(apdu: bytes, registers: Registers, now: datetime, days_off: int) -> tuple[bytes, list[bytes]]:
    """Columns and rows of the record that is asked for."""
    method, at = apdu[7], 8
    begin = end = _moment(apdu[at : at + 7], now) + timedelta(days=days_off)
    step, at = timedelta(minutes=15), at + 7
    if method == 7:
        end = _moment(apdu[at : at + 7], now) + timedelta(days=days_off)
        step, at = timedelta(minutes=int.from_bytes(apdu[at + 8 : at + 10], "big")), at + 10
    count, at = apdu[at + 1], at + 2
    addresses = []
    for _ in range(count):
        address, at = _address(apdu, at)
        addresses.append(address)
    columns, wanted = apdu[at:-1], _columns(apdu, at)
    rows = []
    for address in addresses:
        moment = begin
        while moment < end or moment == begin:
            cells = [
                _time(moment) if oad == FROZEN_AT else _register(registers(address, QUANTITIES[oad], moment))
                for oad in wanted
            ]
            rows.append(b"\x55\x07\x05" + bytes.fromhex(address) + bytes((0x02, len(cells))) + b"".join(cells))
            moment += step
    return columns, rows


def _record(apdu: bytes, columns: bytes, rows: Sequence[bytes]) -> bytes:
    return apdu[3:7] + columns + b"\x01" + _length(len(rows)) + b"".join(rows)


def in_blocks(
    terminal_no: str, request: Request, registers: Registers, now: datetime, days_off: int, rows_max: int
) -> list[bytes]:
    """The answer to a request for a record in frames of so many rows; each but the first is to be asked for. Nothing for others."""
    apdu = request.apdu
    if apdu[:2] != b"\x05\x03":
        return []
    columns, rows = _rows(apdu, registers, now, days_off)
    blocks = [rows[at : at + rows_max] for at in range(0, len(rows), rows_max)]
    heads = [bytes((place == len(blocks), 0, place)) for place in range(1, len(blocks) + 1)]
    return [
        frame(
            terminal_no, 0xC3, b"\x85\x05" + apdu[2:3] + head + b"\x02\x01" + _record(apdu, columns, some) + b"\x00\x00"
        )
        for head, some in zip(heads, blocks, strict=True)
    ]


def in_fragments(terminal_no: str, raw: bytes, size: int) -> list[bytes]:
    """A frame in pieces; each but the first is to be asked for by the confirmation of the one before."""
    begin = 5 + (raw[4] & 15) + 1 + 1 + 2
    pieces = [raw[at : min(at + size, len(raw) - 3)] for at in range(begin, len(raw) - 3, size)]
    if len(pieces) == 1:
        return [raw]
    kinds = [0, *[3] * (len(pieces) - 2), 1]
    return [
        frame(terminal_no, raw[3] | 0x20, (kind << 14 | place).to_bytes(2, "little") + piece)
        for place, (kind, piece) in enumerate(zip(kinds, pieces, strict=True))
    ]


def _kept(apdu: bytes, happenings: Sequence[Happening]) -> bytes:
    """The events of each record that is asked for: the last ones, or those of a time."""
    at, records = 4, []
    for _ in range(apdu[3]):
        oad, method, at = apdu[at : at + 4], apdu[at + 4], at + 5
        at += 1 if method == 9 else 18
        begin, count, at = at, apdu[at], at + 1
        columns = []
        for _ in range(count):
            end = at + 5 + (1 + 4 * apdu[at + 5] if apdu[at] == 1 else 0)
            columns.append(apdu[at:end])
            at = end
        wanted = next((column[1:5] for column in columns if column[0] == 1), oad)
        rows = [_event_row(columns, one) for one in happenings if one.kind == EVENTS.get(wanted)]
        records.append(oad + apdu[begin:at] + b"\x01" + _length(len(rows)) + b"".join(rows))
    return b"\x85\x04" + apdu[2:4] + b"".join(records) + b"\x00\x00"


def _columns(apdu: bytes, at: int) -> list[bytes]:
    """The objects inside the one column that is a structure."""
    count, at = apdu[at], at + 1
    wanted: list[bytes] = []
    for _ in range(count):
        kind, at = apdu[at], at + 5
        if kind == 1:
            inner, at = apdu[at], at + 1
            wanted = [apdu[at + 4 * place : at + 4 * place + 4] for place in range(inner)]
            at += 4 * inner
    return wanted


def _address(apdu: bytes, at: int) -> tuple[str, int]:
    """A meter's address: its length, a flag byte, six bytes."""
    end = at + 1 + apdu[at]
    return apdu[at + 2 : end].hex(), end


def _register(value_e4: int | None) -> bytes:
    """The total as an array of one number of 0.01 kWh; NULL where there is none."""
    return b"\x00" if value_e4 is None else b"\x01\x01\x06" + (value_e4 // 100).to_bytes(4, "big")


def _moment(raw: bytes, now: datetime) -> datetime:
    month, day, hour, minute, second = raw[2:7]
    return datetime(raw[0] << 8 | raw[1], month, day, hour, minute, second, tzinfo=now.tzinfo)


def _time(moment: datetime) -> bytes:
    parts = (moment.month, moment.day, moment.hour, moment.minute, moment.second)
    return b"\x1c" + moment.year.to_bytes(2, "big") + bytes(parts)


def _length(count: int) -> bytes:
    if count < 0x80:
        return bytes((count,))
    return bytes((0x81, count)) if count < 0x100 else b"\x82" + count.to_bytes(2, "big")

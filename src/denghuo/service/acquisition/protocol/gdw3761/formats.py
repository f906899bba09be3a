"""Data formats A.1 to A.27 of Q/GDW 376.1. Missing is EE on the way out; on the way in any nibble that is no digit."""

from datetime import datetime
from functools import cache

from denghuo.kernel.period import SHANGHAI
from denghuo.service.acquisition.protocol.fault import BadValue
from denghuo.service.acquisition.protocol.fields import Format, Value, format_of
from denghuo.service.acquisition.protocol.number import Number, pack, unpack

# What is packed decimal or a time of the common kind, as fields.py writes it.
PLAIN = {
    "A4": "-2.0",
    "A5": "-3.1",
    "A6": "-2.2",
    "A7": "3.1",
    "A8": "4.0",
    "A9": "-2.4",
    "A10": "6.0",
    "A11": "6.2",
    "A12": "id6",
    "A13": "4.4",
    "A14": "6.4",
    "A15": "YYMMDDhhmm",
    "A16": "DDhhmmss",
    "A17": "MMDDhhmm",
    "A18": "DDhhmm",
    "A19": "hhmm",
    "A20": "YYMMDD",
    "A21": "YYMM",
    "A22": "1.1",
    "A23": "2.4",
    "A24": "DDhh",
    "A25": "-3.3",
    "A26": "1.3",
    "A27": "8.0",
}
MISSING = b"\xee"
# A.2: the power of ten that three bits name.
_POWERS = (4, 3, 2, 1, 0, -1, -2, -3)


@cache
def form(spec: str) -> Format:
    """The form of a layout item: A.1..A.27, DADT, ip4, or one of fields.py."""
    if spec in _OWN:
        return _OWN[spec]
    known = format_of(PLAIN.get(spec, spec))
    if not spec.startswith("A"):
        return known

    def build(value: Value) -> bytes:
        return MISSING * known.size if value is None else known.build(value)

    return Format(known.size, known.parse, build, known.limit)


def _clock(raw: bytes) -> Value:
    """A.1: second, minute, hour, day, weekday and month in one byte, year."""
    digits = bytes((*raw[:4], raw[4] & 0x1F, raw[5]))[::-1].hex()
    if not digits.isdecimal():
        return None
    year, month, day, hour, minute, second = (int(digits[at : at + 2]) for at in range(0, 12, 2))
    try:
        return datetime(2000 + year, month, day, hour, minute, second, tzinfo=SHANGHAI)
    except ValueError:
        return None


def _clock_bytes(value: Value) -> bytes:
    if value is None:
        return MISSING * 6
    if not isinstance(value, datetime):
        raise BadValue("time", value, "an instant")
    local = value.astimezone(SHANGHAI)
    packed = [
        int(f"{part:02}", 16)
        for part in (local.second, local.minute, local.hour, local.day, local.month, local.year % 100)
    ]
    packed[4] |= local.isoweekday() << 5
    return bytes(packed)


def _power(raw: bytes) -> Value:
    """A.2: three digits, a sign, and the power of ten they count."""
    count = unpack(bytes((raw[0], raw[1] & 0x0F)))
    if count is None:
        return None
    power = _POWERS[raw[1] >> 5]
    if raw[1] & 0x10:
        count = -count
    return Number(count * 10**power, 0) if power > 0 else Number(count, -power)


def _power_bytes(value: Value) -> bytes:
    if value is None:
        return MISSING * 2
    if not isinstance(value, Number):
        raise BadValue("number", value, "a Number")
    count, power = abs(value.scaled), -value.decimals
    while count >= 1000 and count % 10 == 0:
        count, power = count // 10, power + 1
    while power > 4 and count < 100:
        count, power = count * 10, power - 1
    if count >= 1000 or power not in _POWERS:
        raise BadValue("number", value, "three digits, 0.001 to 9990000")
    low = pack(count, 2)
    return bytes((low[0], low[1] | (0x10 if value.scaled < 0 else 0) | _POWERS.index(power) << 5))


def _energy(raw: bytes) -> Value:
    """A.3: seven digits with a sign, in units or, where bit 6 of the top byte says so, in thousands."""
    count = unpack(bytes((*raw[:3], raw[3] & 0x0F)))
    if count is None:
        return None
    return Number((-count if raw[3] & 0x10 else count) * (1000 if raw[3] & 0x40 else 1), 0)


def _energy_bytes(value: Value) -> bytes:
    if value is None:
        return MISSING * 4
    if not isinstance(value, Number) or value.decimals:
        raise BadValue("number", value, "a whole Number")
    count, top = abs(value.scaled), 0x10 if value.scaled < 0 else 0
    if count >= 10**7 and count % 1000 == 0:
        count, top = count // 1000, top | 0x40
    if count >= 10**7:
        raise BadValue("number", value, "at most 7 digits")
    packed = pack(count, 4)
    return bytes((*packed[:3], packed[3] | top))


def _numbers(first: int, second: int) -> list[int]:
    """What a bit map and its group name, counted from 1: group 0 with map 0 is 0, map FF of group 0 is 0xFFFF (all)."""
    return [bit + 1 + 8 * second for bit in range(8) if first >> bit & 1]


def points_of(first: int, second: int) -> list[int]:
    """The measuring points of a DA: 0 the terminal itself, 65535 all that there are."""
    if first == 0 and second == 0:
        return [0]
    if first == 0xFF and second == 0:
        return [0xFFFF]
    return _numbers(first, second - 1) if second else []


def functions_of(first: int, second: int) -> list[int]:
    """The Fn of a DT."""
    return _numbers(first, second)


def _unit_name(raw: bytes) -> Value:
    points = ",".join(f"p{point}" for point in points_of(raw[0], raw[1]))
    return f"{points} {','.join(f'F{number}' for number in functions_of(raw[2], raw[3]))}"


def _unit_bytes(value: Value) -> bytes:
    """The inverse of `_unit_name` for names within one group."""
    points, _, numbers = str(value).partition(" ")
    try:
        ps = [int(one[1:]) for one in points.split(",") if one]
        fs = [int(one[1:]) for one in numbers.split(",") if one]
    except ValueError:
        raise BadValue("unit", value, "p1 F25") from None
    return da(ps) + dt(fs)


def da(points: list[int]) -> bytes:
    """The two bytes that name measuring points of one group of eight; [0] the terminal, [65535] all."""
    if points in ([0], []):
        return b"\0\0"
    if points == [0xFFFF]:
        return b"\xff\0"
    groups = {(point - 1) // 8 for point in points}
    if len(groups) != 1 or not 0 <= min(groups) < 255:
        raise BadValue("points", points, "points of one group of eight")
    return bytes((sum(1 << (point - 1) % 8 for point in set(points)), groups.pop() + 1))


def dt(functions: list[int]) -> bytes:
    """The two bytes that name Fn of one group of eight."""
    groups = {(number - 1) // 8 for number in functions}
    if not functions:
        return b"\0\0"
    if len(groups) != 1 or not 0 <= min(groups) < 256:
        raise BadValue("functions", functions, "Fn of one group of eight")
    return bytes((sum(1 << (number - 1) % 8 for number in set(functions)), groups.pop()))


def _address_bytes(value: Value) -> bytes:
    try:
        return bytes(int(part) for part in str(value).split("."))
    except ValueError:
        raise BadValue("address", value, "0.0.0.0..255.255.255.255") from None


_OWN = {
    "A1": Format(6, _clock, _clock_bytes),
    "A2": Format(2, _power, _power_bytes),
    "A3": Format(4, _energy, _energy_bytes),
    "DADT": Format(4, _unit_name, _unit_bytes),
    "ip4": Format(4, lambda raw: ".".join(map(str, raw)), _address_bytes),
}

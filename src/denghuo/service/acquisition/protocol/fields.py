"""Fields of a fixed form: a format's text says size, decoding and encoding, the same for every table-driven protocol.

    6.2   -2.4      packed decimal, digits before and after the point, `-` with the sign in the top bit   Number | None
    YYMMDDhhmmss    packed decimal time, its letters from the high byte to the low                        datetime | str | None
    u1 u2 u4 i2     binary, low byte first, signed with i                                                 int
    id6             packed digits that name something, high byte first in text                            str
    hex4            bytes as they mean, high byte first in text                                           str
    raw4            bytes in the order sent                                                               bytes
    text32          characters, GBK, trailing NUL cut                                                     str | None

A time from year to minute is an instant of Shanghai; another is text such as `05-31 23:00`. None: not there (FF, EE), or
digits that are no time.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import NamedTuple

from denghuo.kernel.period import SHANGHAI
from denghuo.kernel.problem import Text
from denghuo.service.acquisition.protocol.fault import BadValue
from denghuo.service.acquisition.protocol.number import Number, pack, unpack

Value = Number | datetime | int | str | bytes | None


class Item(NamedTuple):
    """A field with its value, at bytes [start, end) of the data it belongs to."""

    name: Text
    value: Value
    unit: str
    start: int
    end: int


_NUMBER = re.compile(r"(-?)(\d+)\.(\d+)")
_PLAIN = re.compile(r"(u|i|id|hex|raw|text)(\d+)")
_TIME = re.compile(r"(?:YY|MM|DD|hh|mm|ss|WW|NN)+")


@dataclass(frozen=True, slots=True)
class Format:
    """One field form: `size` bytes, `parse` for bytes of that size, `build` the inverse (BadValue where it does not fit).

    `limit`: the bytes are packed decimal digits, low byte first, and digits from `limit` on say limit - digits; 0: they are not.
    """

    size: int
    parse: Callable[[bytes], Value]
    build: Callable[[Value], bytes]
    limit: int = 0


@cache
def format_of(spec: str) -> Format:
    """The form that `spec` names; ValueError for a spec of no known form, which is a mistake in a table."""
    if match := _NUMBER.fullmatch(spec):
        return _number(match[1] == "-", int(match[2]), int(match[3]))
    if match := _PLAIN.fullmatch(spec):
        return _PLAIN_FORMS[match[1]](int(match[2]))
    if _TIME.fullmatch(spec):
        return _time(spec)
    raise ValueError(f"no field format {spec!r}")


def _number(signed: bool, whole: int, decimals: int) -> Format:
    size = (whole + decimals + 1) // 2

    def parse(raw: bytes) -> Value:
        count = unpack(raw, signed)
        return None if count is None else Number(count, decimals)

    def build(value: Value) -> bytes:
        if value is None:
            return pack(None, size)
        if isinstance(value, Number) and value.decimals == decimals:
            return pack(value.scaled, size, signed)
        raise BadValue("number", value, f"a Number with {decimals} decimals")

    return Format(size, parse, build, (8 if signed else 10) * 10 ** (2 * size - 1))


def _binary(signed: bool, size: int) -> Format:
    def parse(raw: bytes) -> Value:
        return int.from_bytes(raw, "little", signed=signed)

    def build(value: Value) -> bytes:
        try:
            return int(value).to_bytes(size, "little", signed=signed)  # type: ignore[arg-type]
        except (OverflowError, TypeError, ValueError):
            raise BadValue("integer", value, f"{size} bytes") from None

    return Format(size, parse, build)


def _hex(size: int) -> Format:
    def parse(raw: bytes) -> Value:
        return raw[::-1].hex()

    def build(value: Value) -> bytes:
        return _bytes_of(value, size)[::-1]

    return Format(size, parse, build)


def _bytes_of(value: Value, size: int) -> bytes:
    try:
        raw = bytes.fromhex(str(value))
    except ValueError:
        raw = b""
    if len(raw) != size:
        raise BadValue("digits", value, f"{2 * size} hexadecimal digits")
    return raw


def _raw(size: int) -> Format:
    def build(value: Value) -> bytes:
        if not isinstance(value, bytes) or len(value) != size:
            raise BadValue("bytes", value, f"{size} bytes")
        return value

    return Format(size, lambda raw: raw, build)


def _text(size: int) -> Format:
    def parse(raw: bytes) -> Value:
        if raw.count(0xFF) == len(raw):
            return None
        return raw.decode("gbk", "replace").rstrip("\0")

    def build(value: Value) -> bytes:
        if value is None:
            return b"\xff" * size
        raw = str(value).encode("gbk", "replace")
        if len(raw) > size:
            raise BadValue("text", value, f"at most {size} bytes")
        return raw.ljust(size, b"\0")

    return Format(size, parse, build)


_PLAIN_FORMS: dict[str, Callable[[int], Format]] = {
    "u": lambda size: _binary(False, size),
    "i": lambda size: _binary(True, size),
    "id": _hex,
    "hex": _hex,
    "raw": _raw,
    "text": _text,
}

_SPANS = {"YY": (0, 99), "MM": (1, 12), "DD": (1, 31), "hh": (0, 23), "mm": (0, 59), "ss": (0, 59)}


def _time(spec: str) -> Format:
    letters = [spec[at : at + 2] for at in range(0, len(spec), 2)]
    instant = {"YY", "MM", "DD", "hh", "mm"} <= set(letters)

    def parse(raw: bytes) -> Value:
        digits = raw[::-1].hex()
        if not digits.isdecimal():
            return None
        parts = {letter: int(digits[2 * at : 2 * at + 2]) for at, letter in enumerate(letters)}
        if instant:
            try:
                return datetime(
                    2000 + parts["YY"],
                    parts["MM"],
                    parts["DD"],
                    parts["hh"],
                    parts["mm"],
                    parts.get("ss", 0),
                    tzinfo=SHANGHAI,
                )
            except ValueError:
                return None
        if any(not low <= parts[name] <= high for name, (low, high) in _SPANS.items() if name in parts):
            return None
        return _joined(letters, digits)

    def build(value: Value) -> bytes:
        if value is None:
            return b"\xff" * len(letters)
        if isinstance(value, datetime):
            local = value.astimezone(SHANGHAI)
            names = {"YY": local.year % 100, "MM": local.month, "DD": local.day, "hh": local.hour, "mm": local.minute}
            names |= {"ss": local.second, "WW": local.isoweekday() % 7, "NN": 0}
            digits = "".join(f"{names[letter]:02}" for letter in letters)
        else:
            digits = re.sub(r"[-: ]", "", str(value))
        if len(digits) != 2 * len(letters) or not digits.isdecimal():
            raise BadValue("time", value, spec)
        return bytes.fromhex(digits)[::-1]

    return Format(len(letters), parse, build, 10 ** (2 * len(letters)))


def _joined(letters: list[str], digits: str) -> str:
    """`0531230000` as `05-31 23:00:00`: days joined by -, times by :, the rest by a space."""
    said = digits[:2]
    for at in range(1, len(letters)):
        pair = {letters[at - 1], letters[at]}
        mark = "-" if pair <= {"YY", "MM", "DD"} else ":" if pair <= {"hh", "mm", "ss"} else " "
        said += mark + digits[2 * at : 2 * at + 2]
    return said


def shown(value: Value) -> str:
    """`value` for a reader; nothing there is a dash."""
    if value is None:
        return "—"
    if isinstance(value, bytes):
        return value.hex(" ").upper()
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S" if value.second else "%Y-%m-%d %H:%M")
    return str(value)

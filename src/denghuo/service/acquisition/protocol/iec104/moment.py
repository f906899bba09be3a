"""Times of IEC 60870-5: CP24Time2a and CP56Time2a of -104, time information a and b of -102. As the station's clock says."""

from datetime import datetime

from denghuo.kernel.period import SHANGHAI
from denghuo.service.acquisition.protocol.fault import BadValue
from denghuo.service.acquisition.protocol.fields import Format, Value, format_of
from denghuo.service.acquisition.protocol.words import spoken

_INVALID = 0x80


def _date(minute: int, hour: int, rest: bytes, second: int = 0, micro: int = 0) -> datetime | None:
    """`rest`: day with its weekday, month, year of the century. None: no date."""
    day, month, year = rest[0] & 0x1F, rest[1] & 0x0F, 2000 + (rest[2] & 0x7F)
    try:
        return datetime(year, month, day, hour & 0x1F, minute & 0x3F, second, micro, SHANGHAI)
    except ValueError:
        return None


def _date_bytes(moment: datetime) -> bytes:
    local = moment.astimezone(SHANGHAI)
    return bytes(
        (local.minute, local.hour, local.isoweekday() << 5 | local.day, local.month, local.year % 100),
    )


def _cp56(raw: bytes) -> Value:
    second, milli = divmod(int.from_bytes(raw[:2], "little"), 1000)
    if raw[2] & _INVALID or second > 59:
        return None
    return _date(raw[2], raw[3], raw[4:], second, milli * 1000)


def _cp56_bytes(value: Value) -> bytes:
    if value is None:
        return b"\0\0\x80" + bytes(4)
    if not isinstance(value, datetime):
        raise BadValue("time", value, "an instant")
    milli = value.second * 1000 + value.microsecond // 1000
    return milli.to_bytes(2, "little") + _date_bytes(value)


def _cp24(raw: bytes) -> Value:
    """Minute and second of an hour that the frame does not tell."""
    second, milli = divmod(int.from_bytes(raw[:2], "little"), 1000)
    minute = raw[2] & 0x3F
    if raw[2] & _INVALID or second > 59 or minute > 59:
        return None
    return f"{minute:02}:{second:02}.{milli:03}"


def _short(raw: bytes) -> Value:
    """Masters ask for spans whose ends are marked as invalid, and are answered: the mark is told beside the time."""
    moment = _date(raw[0], raw[1], raw[2:])
    return f"{moment:%Y-%m-%d %H:%M} {spoken('无效', 'invalid')}" if moment and raw[0] & _INVALID else moment


def _short_bytes(value: Value) -> bytes:
    if value is None:
        return b"\x80" + bytes(4)
    if not isinstance(value, datetime):
        raise BadValue("time", value, "an instant")
    return _date_bytes(value)


CP24 = Format(3, _cp24, format_of("hex3").build)
CP56 = Format(7, _cp56, _cp56_bytes)
TIME_A = Format(5, _short, _short_bytes)

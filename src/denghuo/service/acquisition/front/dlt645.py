"""What the front asks a meter behind a gateway for over DL/T 645-2007, and what it answers: registers of a day and now, a curve.

A day is the meter's daily freeze (class 05 06) of that midnight, a month else its settlement (class 00, places 01 to 0C), a curve
its load record (class 06 04). Each is a generator that gives questions and is sent the data behind their identifier.
"""

from collections.abc import Generator
from datetime import date, datetime, timedelta
from typing import NamedTuple, TypeVar

from denghuo.kernel.period import SHANGHAI
from denghuo.service.acquisition.front.speak import BANDS, SLOTS, Curve, Got, Kind, Registers, quarters
from denghuo.service.acquisition.protocol.dlt645 import items, points
from denghuo.service.acquisition.protocol.fault import BadFrame
from denghuo.service.acquisition.protocol.fields import Value
from denghuo.service.acquisition.protocol.number import Number
from denghuo.service.acquisition.rules import midnight_after

DIRECTIONS = {1: "active_fwd", 2: "active_rev"}
"""The second byte of an identifier of energy, the third of a freeze."""
CURVE_NAMES = {"正向有功总电能": "active_fwd", "反向有功总电能": "active_rev"}
FREEZES_MAX, SETTLEMENTS_MAX = 62, 12
"""So many days and months a meter keeps."""
FROZEN_AT, DATE, SETTLES_ON = "050600{:02x}", "04000101", "04000b01"
MONTH_END = "01 00"
"""The first day of a month at hour 0."""
LOAD_SINCE = "06040001"
BLOCKS = 6
"""Points of a load record that fit one frame of 200 bytes; so few that it is the same number in either way of counting."""
QUARTER = timedelta(minutes=15)

T = TypeVar("T")


class Asked(NamedTuple):
    """An item that is read; of a load record `blocks` points from `since` on."""

    di: str
    blocks: int | None = None
    since: datetime | None = None


class NoSuchData(Exception):
    """The meter says that it has no such item."""


Steps = Generator[Asked, bytes, T]


def asked(kind: Kind, day: date, now: datetime) -> Steps[Got]:
    """What the meter has of a day, or now. BadFrame where what it sends does not fit its identifier."""
    end = midnight_after(day)
    if kind == "now":
        # Not every meter knows the block of a total with its tariffs.
        return _got((yield from _both(now, "00{:02x}ff00", "00{:02x}0000")))
    if kind == "curve":
        return (yield from _curve(end - timedelta(days=1)))
    got = yield from _frozen(end)
    return got if kind == "freeze" or got.cause is None else (yield from _settled(end, now))


def _frozen(end: datetime) -> Steps[Got]:
    newest = yield from _moment(FROZEN_AT.format(1))
    place = 1 + (newest.date() - end.date()).days if newest is not None else FREEZES_MAX + 1
    if place < 1:
        return Got("wrong_day")
    if place > FREEZES_MAX:
        return Got("no_data")
    found = yield from _both(end, f"0506{{:02x}}{place:02x}")
    # Its time comes last: a meter that froze anew meanwhile has moved all places.
    if found and (yield from _moment(FROZEN_AT.format(place))) != end:
        return Got("wrong_day")
    return _got(found)


def _settled(end: datetime, now: datetime) -> Steps[Got]:
    """A settlement says no time, so it counts only where the meter settles at the month's end and knows which month it is."""
    if (yield from _item(SETTLES_ON)) != MONTH_END:
        return Got("no_data")
    month = now.astimezone(SHANGHAI)
    place = (month.year - end.year) * 12 + month.month - end.month + 1
    if not 1 <= place <= SETTLEMENTS_MAX:
        return Got("no_data")
    shown = yield from _item(DATE)
    if not isinstance(shown, str) or shown[:5] != f"{month:%y-%m}":
        return Got("wrong_day")
    return _got((yield from _both(end, f"00{{:02x}}ff{place:02x}")))


def _curve(begin: datetime) -> Steps[Got]:
    """Registers of the quarters' borders. A record of another spacing leaves gaps."""
    known: dict[str, dict[int, int]] = {}
    since, end, strange = begin, begin + timedelta(days=1), False
    while since <= end:
        try:
            data = yield Asked(LOAD_SINCE, BLOCKS, since)
        except NoSuchData:
            break
        moments = []
        for point in points(data):
            if point.at is None:
                continue
            moments.append(point.at)
            slot, rest = divmod(point.at - begin, QUARTER)
            strange = strange or point.at < since
            if rest or not 0 <= slot <= SLOTS:
                continue
            for item in point.items:
                quantity = CURVE_NAMES.get(item.name["zh"])
                if quantity is not None and isinstance(item.value, Number):
                    known.setdefault(quantity, {})[slot] = _e4(item.value)
        if not moments or max(moments) < since:
            break
        since = max(moments) + timedelta(minutes=1)
    curves = [Curve(quantity, quarters(registers)) for quantity, registers in known.items()]
    found = tuple(one for one in curves if any(value is not None for value in one.values_e4))
    return Got(None, curves=found) if found else Got("wrong_day" if strange else "no_data")


def _both(at: datetime, *forms: str) -> Steps[list[Registers]]:
    """Registers of both directions, by the first form of identifier that the meter knows, as far as it counts them. Bands that are
    marked as not there are left out, and so is a direction without a total."""
    found: list[Registers] = []
    for direction, quantity in DIRECTIONS.items():
        for form in forms:
            di = form.format(direction)
            try:
                values = [item.value for item in items(di, (yield Asked(di)))]
            except NoSuchData:
                continue
            known = [(band, value) for band, value in zip(BANDS, values, strict=False) if isinstance(value, Number)]
            if known and known[0][0] == BANDS[0]:
                found += [Registers(quantity, band, at, _e4(value)) for band, value in known]
                break
    return found


def _got(found: list[Registers]) -> Got:
    return Got(None, tuple(found)) if found else Got("no_data")


def _moment(di: str) -> Steps[datetime | None]:
    value = yield from _item(di)
    return value if isinstance(value, datetime) else None


def _item(di: str) -> Steps[Value]:
    """The first field of an item; None where the meter has it not."""
    try:
        found = items(di, (yield Asked(di)))
    except NoSuchData:
        return None
    if not found:
        raise BadFrame("short", 0, "0", di)
    return found[0].value


def _e4(number: Number) -> int:
    """In 1e-4 kWh; no item of energy has more decimals."""
    return int(number.scaled * 10 ** (4 - number.decimals))

"""What the front asks a direct meter for over DLMS/COSEM, and what it answers: midnight registers, a curve, registers now."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta

from denghuo.service.acquisition.front.speak import BANDS, SLOTS, Curve, Got, Kind, Registers, quarters
from denghuo.service.acquisition.protocol.axdr import ARRAY, BOOL, OCTETS, STRUCTURE, Data
from denghuo.service.acquisition.protocol.dlms import scale_of
from denghuo.service.acquisition.protocol.dlms.client import Attribute, Client, Refused, Steps
from denghuo.service.acquisition.protocol.dlms.data import instant_bytes, instant_of
from denghuo.service.acquisition.protocol.dlms.objects import Scale
from denghuo.service.acquisition.protocol.dlms.profile import Column, Row, by_range, columns_of, rows_of
from denghuo.service.acquisition.protocol.fault import BadFrame
from denghuo.service.acquisition.rules import midnight_after

DISCONNECTOR = "0.0.96.3.10.255"
SECURITY_SETUP = "0.0.43.0.0.255"
CLOCK = Attribute(8, "0.0.1.0.0.255", 2)
LOAD, DAILY, MONTHLY = "1.0.99.1.0.255", ("1.0.98.2.0.255", "0.0.98.2.0.255"), ("1.0.98.1.0.255", "0.0.98.1.0.255")
PROFILES: Mapping[Kind, Sequence[str]] = {
    "freeze": (*DAILY, LOAD),
    "month": (*MONTHLY, *DAILY, LOAD),
    "curve": (LOAD,),
}
"""Where registers of an instant may stand, the best first."""
QUANTITIES = {"1": "active_fwd", "2": "active_rev"}
QUARTER = timedelta(minutes=15)
WH = 30
INTEGER, ENUM = 0x0F, 0x16
_WHOLE_NUMBERS = frozenset((0x05, 0x06, 0x0F, 0x10, 0x11, 0x12, 0x14, 0x15))


def clock(client: Client) -> Steps[datetime | None]:
    """What the meter's clock shows."""
    return instant_of((yield from client.get(CLOCK)))


def set_clock(client: Client, moment: datetime) -> Steps[datetime | None]:
    """What the meter's clock shows after it was set."""
    yield from client.set(CLOCK, (OCTETS, instant_bytes(moment)))
    return (yield from clock(client))


def switch_of(client: Client) -> Steps[bool | None]:
    """Whether the disconnector has power on its way out (class 70, output state); None where it does not say."""
    tag, value = yield from client.get(Attribute(70, DISCONNECTOR, 2))
    return bool(value) if tag == BOOL else None


def switch(client: Client, on: bool) -> Steps[bool | None]:
    """Where the disconnector is after it was told to open or close."""
    yield from client.act(Attribute(70, DISCONNECTOR, 2 if on else 1), (INTEGER, 0))
    return (yield from switch_of(client))


def change_keys(client: Client, wrapped: Sequence[tuple[int, bytes]]) -> Steps[None]:
    """Tells the meter new keys, each wrapped under its master key (class 64, key transfer)."""
    keys: list[Data] = [(STRUCTURE, [(ENUM, which), (OCTETS, octets)]) for which, octets in wrapped]
    yield from client.act(Attribute(64, SECURITY_SETUP, 2), (ARRAY, keys))


def asked(client: Client, kind: Kind, day: date) -> Steps[Got]:
    """What the meter has of a day, or now. Raises what the client raises; a meter without an object has no data."""
    if kind == "now":
        return (yield from _now(client))
    end = midnight_after(day)
    begin = end - timedelta(days=1) if kind == "curve" else end
    cause = "no_data"
    for obis in PROFILES[kind]:
        try:
            columns = columns_of((yield from client.get(Attribute(7, obis, 3))))
            period_s = _count((yield from client.get(Attribute(7, obis, 4)))) or 0
            scales = yield from _scales(client, columns)
            rows = rows_of((yield from client.get(Attribute(7, obis, 2), by_range(begin, end))), columns, period_s)
        except Refused as refused:
            if refused.what != "access":
                raise
            continue
        got = _curve(begin, rows, columns, scales) if kind == "curve" else _frozen(end, rows, columns, scales)
        if got.cause is None:
            return got
        cause = got.cause or cause
    return Got(cause)


def _now(client: Client) -> Steps[Got]:
    found: list[Registers] = []
    at = yield from clock(client)
    for value, quantity in QUANTITIES.items():
        obis = f"1.0.{value}.8.0.255"
        try:
            scale = scale_of((yield from client.get(Attribute(3, obis, 3))))
            number = _e4((yield from client.get(Attribute(3, obis, 2))), scale)
        except Refused as refused:
            # A meter of one direction has no register of the other.
            if refused.what != "access":
                raise
            continue
        if number is not None:
            found.append(Registers(quantity, "total", at, number))
    return Got(None, tuple(found)) if found else Got("no_data")


def _scales(client: Client, columns: Sequence[Column]) -> Steps[dict[int, Scale]]:
    """The scales of the columns that count energy, by their place."""
    found = {}
    for place, column in enumerate(columns):
        if column.interface in (3, 4) and column.attribute == 2 and (_register(column) or _interval(column)):
            found[place] = scale_of((yield from client.get(Attribute(column.interface, column.obis, 3))))
    return found


def _register(column: Column) -> tuple[str, str] | None:
    """Quantity and band of a column of registers."""
    medium, _, value, made, tariff, _ = column.obis.split(".")
    if medium == "1" and made == "8" and value in QUANTITIES and int(tariff) < len(BANDS):
        return QUANTITIES[value], BANDS[int(tariff)]
    return None


def _interval(column: Column) -> str | None:
    """The quantity of a column of the energy of each interval."""
    medium, _, value, made, tariff, _ = column.obis.split(".")
    return QUANTITIES.get(value) if (medium, made, tariff) == ("1", "29", "0") else None


def _frozen(end: datetime, rows: Sequence[Row], columns: Sequence[Column], scales: Mapping[int, Scale]) -> Got:
    right = [row for row in rows if row.at == end]
    if not right:
        return Got("wrong_day" if any(row.at is not None for row in rows) else "no_data")
    found = []
    for place, scale in scales.items():
        said, number = _register(columns[place]), _e4(right[-1].values[place], scale)
        if said is not None and number is not None:
            found.append(Registers(*said, end, number))
    return Got(None, tuple(found)) if found else Got("no_data")


def _curve(begin: datetime, rows: Sequence[Row], columns: Sequence[Column], scales: Mapping[int, Scale]) -> Got:
    """Energies of the quarters: as the meter counted them, else as differences of registers."""
    if rows and all(row.at is None or not begin <= row.at <= begin + timedelta(days=1) for row in rows):
        return Got("wrong_day")
    by_quantity: dict[str, tuple[int | None, ...]] = {}
    for place, scale in scales.items():
        known = {}
        for row in rows:
            slot, rest = divmod(row.at - begin, QUARTER) if row.at is not None else (-1, QUARTER)
            number = _e4(row.values[place], scale)
            if not rest and 0 <= slot <= SLOTS and number is not None:
                known[slot] = number
        interval, register = _interval(columns[place]), _register(columns[place])
        if interval is not None:
            # A row is stamped with the end of its interval.
            by_quantity[interval] = tuple(known.get(slot + 1) for slot in range(SLOTS))
        elif register is not None and register[1] == "total":
            by_quantity.setdefault(register[0], quarters(known))
    curves = [
        Curve(quantity, values)
        for quantity, values in by_quantity.items()
        if any(value is not None for value in values)
    ]
    return Got(None, curves=tuple(curves)) if curves else Got("no_data")


def _count(data: Data) -> int | None:
    tag, value = data
    return int(value) if tag in _WHOLE_NUMBERS else None


def _e4(data: Data, scale: Scale) -> int | None:
    """A register in 1e-4 kWh, what is finer cut off; None where it is not there. BadFrame where it counts no energy."""
    if scale.unit != WH or not -30 <= scale.scaler <= 30:
        raise BadFrame("content", 0, f"unit {scale.unit}, scaler {scale.scaler}", f"unit {WH} (Wh)")
    number = _count(data)
    if number is None:
        return None
    tens = scale.scaler + 1
    return number * int(10**tens) if tens >= 0 else number // int(10**-tens)

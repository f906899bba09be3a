"""What DL/T 698.45 answers of meters' values: present registers, and rows of frozen ones as the registers or curve of a day."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any

from denghuo.service.acquisition.front.speak import BANDS, SLOTS, Curve, Got, Kind, Place, Registers, quarters
from denghuo.service.acquisition.protocol.dlt698.data import NULL, Data, instant, members
from denghuo.service.acquisition.rules import midnight_after

QUANTITIES = {"00100200": "active_fwd", "00200200": "active_rev"}
QUARTER = timedelta(minutes=15)
REGISTER_TAGS = (0x05, 0x06)
E4 = 100
"""Registers count 0.01 kWh."""


def present(items: Sequence[Mapping[str, Any]]) -> Got:
    """The registers that a meter shows now."""
    registers: list[Registers] = []
    for item in items:
        choice, value = item["result"]
        if choice == 1 and item["oad"] in QUANTITIES:
            registers += _registers(QUANTITIES[item["oad"]], value, None)
    return Got(None, tuple(registers)) if registers else Got("no_data")


def recorded(
    kind: Kind, day: date, by_address: Mapping[str, Place], records: Sequence[Mapping[str, Any]]
) -> dict[str, Got]:
    """What records say of each meter; the rows of one may stand in several of them."""
    stamped: dict[str, list[tuple[datetime | None, list[Data]]]] = {}
    cause: str | None = None
    for record in records:
        choice, rows = record["result"]
        if choice == 0 or len(record["columns"]) != 2:
            cause = "bad_frame" if choice else "no_data" if rows == 6 else "denied"
            continue
        for (_, address), (_, inner) in rows:
            place = by_address.get(str(address)[2:])
            if place is None:
                continue
            values = list(members((2, inner))) if isinstance(inner, list) else []
            at = instant(values[0][1]) if values and isinstance(values[0][1], bytes) else None
            stamped.setdefault(place.meter_no, []).append((at, values[1:]))
    judge = _curve if kind == "curve" else _freeze
    found = {place.meter_no: Got(cause) for place in by_address.values()} if cause else {}
    return found | {meter_no: judge(day, rows_of_meter) for meter_no, rows_of_meter in stamped.items()}


def _freeze(day: date, rows: Sequence[tuple[datetime | None, list[Data]]]) -> Got:
    end = midnight_after(day)
    right = [values for at, values in rows if at == end]
    if not right:
        return Got("wrong_day" if any(at is not None for at, _ in rows) else "no_data")
    registers = [
        one
        for quantity, value in zip(QUANTITIES.values(), right[-1], strict=False)
        for one in _registers(quantity, value, end)
    ]
    return Got(None, tuple(registers)) if registers else Got("no_data")


def _curve(day: date, rows: Sequence[tuple[datetime | None, list[Data]]]) -> Got:
    """Energies as differences of registers a quarter of an hour apart; where one of the two is not there, none."""
    begin = midnight_after(day) - timedelta(days=1)
    known: list[dict[int, int]] = [{} for _ in QUANTITIES]
    for at, values in rows:
        slot = _slot(at, begin)
        if slot is not None:
            for registers, value in zip(known, values, strict=False):
                # The total comes first, before the bands.
                tag, total = next(iter(members(value)), NULL)
                if tag in REGISTER_TAGS:
                    registers[slot] = total * E4
    if not any(known):
        return Got("wrong_day" if any(at is not None for at, _ in rows) else "no_data")
    curves = [Curve(quantity, quarters(one)) for quantity, one in zip(QUANTITIES.values(), known, strict=True)]
    curves = [curve for curve in curves if any(value is not None for value in curve.values_e4)]
    return Got(None, curves=tuple(curves)) if curves else Got("no_data")


@lru_cache(1024)
def _slot(at: datetime | None, begin: datetime) -> int | None:
    """Which border of two quarters of the day an instant is, 0 the day's begin; None where it is none."""
    slot, rest = divmod(at - begin, QUARTER) if at is not None else (-1, QUARTER)
    return slot if not rest and 0 <= slot <= SLOTS else None


def _registers(quantity: str, value: Data, read_at: datetime | None) -> list[Registers]:
    """The total and the bands of a register of 0.01 kWh; a value of another type is none."""
    values = [one[1] if one[0] in REGISTER_TAGS else None for one in members(value)]
    bands = BANDS if len(values) == len(BANDS) else BANDS[:1]
    return [
        Registers(quantity, band, read_at, number * E4)
        for band, number in zip(bands, values, strict=False)
        if number is not None
    ]

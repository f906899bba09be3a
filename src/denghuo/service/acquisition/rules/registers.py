"""Register tables of Modbus meters (寄存器表): which registers hold which energy, as the maker's table of points says.

A row is `name,function,register,type,order,decimals,unit` (protocol/modbus/points.py), on a line of its own or behind a semicolon.
Names are a quantity, `active_fwd` or `active_rev`, and after a dot the band where it is not the total: `active_fwd.peak`. Units are
Wh, kWh and MWh.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from denghuo.service.acquisition.protocol.fault import BadValue
from denghuo.service.acquisition.protocol.modbus.points import Point, points_of, values

QUANTITIES = ("active_fwd", "active_rev")
BANDS = ("total", "sharp", "peak", "flat", "valley")
UNITS = {"Wh": 10, "kWh": 10_000, "MWh": 10_000_000}
"""How many 1e-4 kWh each is."""


class EnergyRegister(NamedTuple):
    """A register that counts energy, in units of so many 1e-4 kWh."""

    point: Point
    quantity: str
    band: str
    e4: int


class Wrong(NamedTuple):
    """What is wrong with a table, and what to do."""

    value: str
    what: tuple[str, str]
    remedy: tuple[str, str]


def wrong_registers(protocol: str, table: str | None) -> Wrong | None:
    """Why the record of a terminal cannot have this table, or cannot do without one."""
    if (protocol == "modbus") != (table is not None):
        return Wrong(
            (table or "").partition("\n")[0],
            ("Modbus 表须有寄存器表，其他规约自带含义", "a Modbus meter tells no meanings of registers, the others do"),
            ("请按厂家点表填写，或去掉", "take it from the maker's table of points, or leave it out"),
        )
    try:
        if table is not None:
            registers_of(table)
    except BadValue as error:
        return Wrong(
            error.value,
            (f"寄存器表 {error.field} 有误", f"the register table is wrong at {error.field}"),
            (f"应为 {error.expected}", f"it is one of: {error.expected}"),
        )
    return None


def registers_of(table: str) -> list[EnergyRegister]:
    """The registers of a table. BadValue names the row and the column that is wrong."""
    found: dict[tuple[str, str], EnergyRegister] = {}
    for line, point in enumerate(points_of(table.replace(";", "\n")), 2):
        quantity, _, band = point.name.partition(".")
        if quantity not in QUANTITIES or (band or "total") not in BANDS:
            raise BadValue(f"row {line} name", point.name, "active_fwd, active_rev, active_fwd.peak")
        if point.unit not in UNITS:
            raise BadValue(f"row {line} unit", point.unit, " ".join(UNITS))
        if (quantity, band or "total") in found:
            raise BadValue(f"row {line} name", point.name, "each name once")
        found[quantity, band or "total"] = EnergyRegister(point, quantity, band or "total", UNITS[point.unit])
    if ("active_fwd", "total") not in found:
        raise BadValue("name", "", "a row active_fwd")
    return list(found.values())


def counted(
    wanted: Sequence[EnergyRegister], read: Mapping[tuple[int, int], Sequence[int]]
) -> dict[tuple[str, str], int]:
    """The registers in 1e-4 kWh by quantity and band, what is finer cut off; without those that the meter has not or that are
    negative, and without a direction whose total is not there. `read`: what was read, by function and first register."""
    shown = values((one.point for one in wanted), read)
    found = {}
    for one in wanted:
        number = shown[one.point.name]
        if number is not None and number.scaled >= 0:
            found[one.quantity, one.band] = number.scaled * one.e4 // 10**number.decimals
    return {key: value for key, value in found.items() if (key[0], "total") in found}

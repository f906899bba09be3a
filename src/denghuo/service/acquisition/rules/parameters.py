"""Parameters that may be set besides clock and times of use: what each may be, in which unit, and where each protocol keeps it.

Places: units of function 04 of Q/GDW 376.1-2009; attributes of DL/T 698.45 (class 25 and 26, communication modules; 4300, device);
identifiers of DL/T 645-2007 (class 04), which are set at each meter behind a gateway; names of the service `parameter` over MQTT
(docs/reference/mqtt.md).
"""

import ipaddress
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from denghuo.kernel.problem import text
from denghuo.service.acquisition.api import ParameterCode, WrongParameter


class Number(NamedTuple):
    least: int
    most: int


class Flags(NamedTuple):
    """Bits as hexadecimal digits, the highest first: bit 0 is event ERC1."""

    digits: int


class Address(NamedTuple):
    """A host by its IPv4 address, and a port: 10.8.0.3:4001."""


class Unit(NamedTuple):
    """Fields of a unit (Fn) of 376.1, counted from 0. The others stay as the terminal has them."""

    unit: int
    fields: Sequence[int]


class Attribute(NamedTuple):
    """Parts of an attribute of 698.45: the way to each through arrays and structures, counted from 0 or from the end, and its type.
    The other parts stay. `scale`: what a number is multiplied by."""

    oad: str
    ways: Sequence[Sequence[int]]
    tags: Sequence[int]
    scale: int = 1


class Identifier(NamedTuple):
    """An item of 645: its number of so many digits, and digits that follow the number."""

    di: str
    digits: int
    after: str = ""


class Named(NamedTuple):
    """A parameter of a terminal over MQTT: a whole number, or text."""

    name: str


class Parameter(NamedTuple):
    """`places`: by protocol; where there are several, such as one for each module that a terminal may have, those that it has."""

    form: Number | Flags | Address
    places: Mapping[str, Sequence[Unit] | Sequence[Attribute] | Sequence[Identifier] | Sequence[Named]]


_OCTETS, _BOOL, _LONG_UNSIGNED = 0x09, 0x03, 0x12
PARAMETERS: Mapping[ParameterCode, Parameter] = {
    "heartbeat_min": Parameter(
        Number(1, 60),
        {
            "gdw3761": (Unit(1, (4,)),),
            "dlt698": tuple(Attribute(oad, ((-1,),), (_LONG_UNSIGNED,), 60) for oad in ("45000200", "45100200")),
            "mqtt": (Named("heartbeat_min"),),
        },
    ),
    "main_station": Parameter(
        Address(),
        {
            "gdw3761": (Unit(3, (0, 1)),),
            "dlt698": tuple(
                Attribute(oad, ((0, 0), (0, 1)), (_OCTETS, _LONG_UNSIGNED)) for oad in ("45000300", "45100300")
            ),
            "mqtt": (Named("main_station"),),
        },
    ),
    "event_valid": Parameter(Flags(16), {"gdw3761": (Unit(9, (0,)),)}),
    "event_important": Parameter(Flags(16), {"gdw3761": (Unit(9, (1,)),)}),
    "tells_events": Parameter(
        Number(0, 1), {"dlt698": (Attribute("43000800", ((),), (_BOOL,)),), "mqtt": (Named("tells_events"),)}
    ),
    "demand_period_min": Parameter(Number(1, 60), {"dlt645": (Identifier("04000103", 2),)}),
    "demand_slip_min": Parameter(Number(1, 30), {"dlt645": (Identifier("04000104", 2),)}),
    "settlement_day": Parameter(Number(1, 28), {"dlt645": (Identifier("04000b01", 2, "00"),)}),
    "load_interval_min": Parameter(Number(1, 60), {"dlt645": (Identifier("04000a05", 4),)}),
}


def parameter_value(code: ParameterCode | None, said: str | None) -> int | str:
    """What the parameter is set to.

    Raises:
        WrongParameter: none is named, or the value does not fit it.
    """
    if code is None:
        raise WrongParameter(
            text("请选择要设置的参数。", "Choose the parameter that is to be set."), field="parameter", value=""
        )
    form, value = PARAMETERS[code].form, (said or "").strip()
    if isinstance(form, Number):
        if value.isascii() and value.isdecimal() and form.least <= int(value) <= form.most:
            return int(value)
        wanted = (f"{form.least} 至 {form.most} 的整数", f"a whole number from {form.least} to {form.most}")
    elif isinstance(form, Flags):
        if len(value) == form.digits and not set(value.lower()) - set("0123456789abcdef"):
            return value.lower()
        wanted = (f"{form.digits} 位十六进制", f"{form.digits} hexadecimal digits")
    else:
        if _is_address(value):
            return value
        wanted = ("IPv4 地址:端口，如 10.8.0.3:4001", "an IPv4 address and a port, such as 10.8.0.3:4001")
    raise WrongParameter(
        text(f"参数值 {value} 不合要求，应为{wanted[0]}。", f"Value {value} does not fit: give {wanted[1]}."),
        field="value",
        value=value,
    )


def parts_of_value(value: int | str) -> list[int | str]:
    """What the places of a parameter hold of its value: host and port of an address apart, else the value."""
    if isinstance(value, str) and _is_address(value):
        host, _, port = value.partition(":")
        return [host, int(port)]
    return [value]


def _is_address(value: str) -> bool:
    host, _, port = value.partition(":")
    try:
        ipaddress.IPv4Address(host)
    except ValueError:
        return False
    return port.isascii() and port.isdecimal() and 0 < int(port) < 65_536

"""Parameters of terminals that may be set besides clock and times of use, with their places (Q/GDW 376.1-2009, AFN 04)."""

from collections.abc import Mapping
from typing import NamedTuple

from denghuo.kernel.problem import text
from denghuo.service.acquisition.api import ParameterCode, WrongParameter


class Number(NamedTuple):
    least: int
    most: int


class Flags(NamedTuple):
    """Bits as hexadecimal digits, the highest first: bit 0 is event ERC1."""

    digits: int


class Parameter(NamedTuple):
    """A field of a unit of function 04: which unit (Fn), which of its fields, counted from 0, and what it may be. The other
    fields of the unit stay as the terminal has them."""

    unit: int
    place: int
    form: Number | Flags


PARAMETERS: Mapping[ParameterCode, Parameter] = {
    "heartbeat_min": Parameter(1, 4, Number(1, 60)),
    "event_valid": Parameter(9, 0, Flags(16)),
    "event_important": Parameter(9, 1, Flags(16)),
}


def parameter_value(code: ParameterCode | None, said: str | None) -> int | str:
    """What the field is set to.

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
    else:
        if len(value) == form.digits and not set(value.lower()) - set("0123456789abcdef"):
            return value.lower()
        wanted = (f"{form.digits} 位十六进制", f"{form.digits} hexadecimal digits")
    raise WrongParameter(
        text(f"参数值 {value} 不合要求，应为{wanted[0]}。", f"Value {value} does not fit: give {wanted[1]}."),
        field="value",
        value=value,
    )

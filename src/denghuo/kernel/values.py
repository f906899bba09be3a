"""Values of the trade as exact integers (数值): money, energy, power, prices, multipliers.

Money is integer fen; energy and power are integer Wh, varh, W, VA; a price is an integer of 1e-8 yuan per unit. On the wire every
value is decimal text in the unit of the trade ("65.22" yuan, "123.45" kWh); in columns it is an int64 with the unit last in the
name. Kinds do not mix. `price * quantity` is the only place where a charge is rounded: half up, away from zero.
"""

import functools
import re
from typing import Any, ClassVar, Self

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

INT64_MAX = 2**63 - 1
_DECIMAL = re.compile(r"([+-]?)([0-9]{1,30})(?:\.([0-9]{1,20}))?\Z")


def round_half_up(numerator: int, denominator: int) -> int:
    """numerator / denominator to the nearest integer, ties away from zero. The denominator is positive."""
    if denominator <= 0:
        raise ValueError(f"denominator must be positive, not {denominator}")
    magnitude = (2 * abs(numerator) + denominator) // (2 * denominator)
    return magnitude if numerator >= 0 else -magnitude


def parse_decimal(text: str, places: int) -> int:
    """Decimal text as an integer of 10**-places.

    Raises:
        ValueError: not plain decimal text, or more decimals than `places` holds.
    """
    match = _DECIMAL.match(text)
    if match is None:
        raise ValueError(f"{text[:40]!r} is not decimal text such as 12.34")
    sign, whole, fraction = match.group(1), match.group(2), (match.group(3) or "").rstrip("0")
    if len(fraction) > places:
        raise ValueError(f"{text[:40]!r} has more than {places} decimals")
    number = int(whole + fraction.ljust(places, "0"))
    return -number if sign == "-" else number


def decimal_text(number: int, places: int, keep: int) -> str:
    """An integer of 10**-places as decimal text with at least `keep` decimals and no further trailing zeros."""
    sign, digits = ("-" if number < 0 else ""), str(abs(number)).rjust(places + 1, "0")
    if places == 0:
        return sign + digits
    whole, fraction = digits[:-places], digits[-places:]
    shown = fraction.rstrip("0").ljust(keep, "0")
    return f"{sign}{whole}.{shown}" if shown else sign + whole


@functools.total_ordering
class Value:
    """A kind of integer. Subclasses state the decimals of their wire form and its unit."""

    __slots__ = ("number",)
    places: ClassVar[int] = 0
    keep: ClassVar[int] = 0
    kind: ClassVar[str] = ""
    unit: ClassVar[str] = ""

    number: int

    def __init__(self, number: int) -> None:
        if isinstance(number, bool) or not isinstance(number, int):
            raise TypeError(f"{type(self).__name__} is made of an integer, not {number!r}")
        object.__setattr__(self, "number", number)

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"{type(self).__name__} is immutable")

    def __reduce__(self) -> tuple[type[Self], tuple[int]]:
        """Between processes a value travels as its number."""
        return type(self), (self.number,)

    @classmethod
    def of(cls, text: str) -> Self:
        """From decimal text in the wire unit."""
        if not isinstance(text, str):
            raise TypeError(f"{cls.__name__} is read from decimal text, not {type(text).__name__}")
        return cls(parse_decimal(text, cls.places))

    def __str__(self) -> str:
        return decimal_text(self.number, self.places, self.keep)

    def __repr__(self) -> str:
        return f"{type(self).__name__}.of({str(self)!r})"

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other.number == self.number

    def __hash__(self) -> int:
        return hash((type(self).__name__, self.number))

    def __lt__(self, other: Self) -> bool:
        return self.number < self._same(other)

    def __add__(self, other: Self) -> Self:
        return type(self)(self.number + self._same(other))

    def __sub__(self, other: Self) -> Self:
        return type(self)(self.number - self._same(other))

    def __neg__(self) -> Self:
        return type(self)(-self.number)

    def __abs__(self) -> Self:
        return type(self)(abs(self.number))

    def __bool__(self) -> bool:
        return self.number != 0

    def _same(self, other: object) -> int:
        if type(other) is not type(self):
            raise TypeError(f"{type(self).__name__} does not mix with {type(other).__name__}")
        return other.number

    # -- wire form --------------------------------------------------------------------------------------------------------

    @classmethod
    def _validated(cls, value: Any) -> Self:
        if type(value) is cls:
            return value
        if not isinstance(value, str):
            raise PydanticCustomError(
                "decimal_text",
                "give {kind} as decimal text{unit}, not as a number",
                {"kind": cls.kind, "unit": f" in {cls.unit}" if cls.unit else ""},
            )
        try:
            return cls.of(value)
        except ValueError as error:
            raise PydanticCustomError("decimal_text", "{message}", {"message": str(error)}) from error

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            cls._validated,
            serialization=core_schema.plain_serializer_function_ser_schema(str, return_schema=core_schema.str_schema()),
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"type": "string", "format": cls.kind, "x-unit": cls.unit, "pattern": r"^[+-]?[0-9]+(\.[0-9]+)?$"}


class Money(Value):
    """An amount in fen; on the wire yuan with two decimals."""

    __slots__ = ()
    places, keep, kind, unit = 2, 2, "money", "yuan"

    @property
    def fen(self) -> int:
        return self.number


class Quantity(Value):
    """What a price can be multiplied with. `per` is the price unit, `per_unit` how many of the integer make one of it."""

    __slots__ = ()
    places = 3
    per: ClassVar[str] = ""


class Energy(Quantity):
    """Active energy in Wh; on the wire kWh."""

    __slots__ = ()
    kind, unit, per = "energy", "kWh", "kWh"

    @property
    def wh(self) -> int:
        return self.number


class ReactiveEnergy(Quantity):
    """Reactive energy in varh; on the wire kvarh."""

    __slots__ = ()
    kind, unit, per = "reactive_energy", "kvarh", "kvarh"

    @property
    def varh(self) -> int:
        return self.number


class Power(Quantity):
    """Active power or demand in W; on the wire kW."""

    __slots__ = ()
    kind, unit, per = "power", "kW", "kW"

    @property
    def w(self) -> int:
        return self.number


class ApparentPower(Quantity):
    """Capacity in VA; on the wire kVA."""

    __slots__ = ()
    kind, unit, per = "apparent_power", "kVA", "kVA"

    @property
    def va(self) -> int:
        return self.number


class Price(Value):
    """A price in 1e-8 yuan per unit; on the wire yuan. The unit is that of the quantity it is multiplied with."""

    __slots__ = ()
    places, keep, kind, unit = 8, 4, "price", "yuan"

    @property
    def e8(self) -> int:
        return self.number

    def __mul__(self, quantity: Quantity) -> Money:
        """The charge in fen, rounded once: half up, away from zero."""
        if not isinstance(quantity, Quantity):
            raise TypeError(f"a price is multiplied with a quantity, not with {type(quantity).__name__}")
        return Money(charge_fen(self.number, quantity.number))


def charge_fen(price_e8: int, quantity_milli: int) -> int:
    """price (1e-8 yuan per unit) x quantity (1e-3 unit: Wh, W, VA, varh) in fen: the one rounding site."""
    return round_half_up(price_e8 * quantity_milli, 10**9)


class Multiplier(Value):
    """CT ratio x PT ratio of a metering point (倍率): a positive integer."""

    __slots__ = ()
    kind, unit = "multiplier", ""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        if number <= 0:
            raise ValueError(f"a multiplier is a positive integer, not {number}")


class Register(Value):
    """What a meter's register shows (示数), in 1e-4 of its unit (kWh, kvarh, kW), before the multiplier."""

    __slots__ = ()
    places, keep, kind, unit = 4, 2, "register", "kWh"

    @property
    def e4(self) -> int:
        return self.number


class Percent(Value):
    """A share in 0.01 %."""

    __slots__ = ()
    places, keep, kind, unit = 2, 2, "percent", "%"

    @classmethod
    def of_parts(cls, part: int, whole: int) -> "Percent | None":
        """part / whole, rounded half up; None where the whole is zero."""
        if whole == 0:
            return None
        sign = 1 if whole > 0 else -1
        return cls(round_half_up(10_000 * part * sign, abs(whole)))

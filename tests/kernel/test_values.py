"""Values are exact, do not mix, and are rounded in one place."""

import copy
import pickle
from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from denghuo.kernel.values import (
    ApparentPower,
    Energy,
    Money,
    Multiplier,
    Power,
    Price,
    ReactiveEnergy,
    round_half_up,
)

numbers = st.integers(-(10**15), 10**15)


@given(price_e8=numbers, wh=numbers)
def test_charge_equals_decimal_half_up(price_e8: int, wh: int) -> None:
    exact = Decimal(price_e8) / 10**8 * Decimal(wh) / 1000
    expected = int((exact * 100).quantize(Decimal(1), rounding=ROUND_HALF_UP))
    assert (Price(price_e8) * Energy(wh)).fen == expected


@pytest.mark.parametrize("kind", [Money, Energy, ReactiveEnergy, Power, ApparentPower, Price])
@given(number=numbers)
def test_text_round_trip(kind: type, number: int) -> None:
    assert kind.of(str(kind(number))) == kind(number)


@pytest.mark.parametrize("kind", [Money, Energy, ReactiveEnergy, Power, ApparentPower, Price])
@given(number=numbers)
def test_value_goes_to_another_process_as_it_is(kind: type, number: int) -> None:
    value = kind(number)
    assert pickle.loads(pickle.dumps(value)) == value
    assert copy.deepcopy(value) == value


def test_kinds_do_not_mix() -> None:
    with pytest.raises(TypeError, match="does not mix"):
        Energy(1) + ReactiveEnergy(1)  # type: ignore[operator]
    with pytest.raises(TypeError, match="quantity"):
        Price(1) * Money(1)  # type: ignore[operator]
    assert Energy(1) != Power(1)


@pytest.mark.parametrize("value", [1, 1.5, None, "1e3", "NaN", "1.2345", "", "１２", " 1", "1_000", "0x1"])
def test_wire_form_refuses(value: object) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Energy).validate_python(value)


@pytest.mark.parametrize(
    ("kind", "said"), [(Energy, "as decimal text in kWh, not"), (Multiplier, "as decimal text, not")]
)
def test_a_number_is_refused_with_the_unit_that_it_should_have(kind: type, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        TypeAdapter(kind).validate_python(60)


def test_wire_form_is_text() -> None:
    adapter = TypeAdapter(Money)
    assert adapter.dump_json(Money.of("65.2")) == b'"65.20"'
    assert adapter.json_schema()["x-unit"] == "yuan"


@given(numerator=numbers, denominator=st.integers(1, 10**12))
def test_rounding_is_symmetric(numerator: int, denominator: int) -> None:
    assert round_half_up(-numerator, denominator) == -round_half_up(numerator, denominator)
    assert abs(round_half_up(numerator, denominator) * denominator - numerator) * 2 <= denominator


@pytest.mark.parametrize("number", [0, -1])
def test_multiplier_is_positive(number: int) -> None:
    with pytest.raises(ValueError, match="positive"):
        Multiplier(number)

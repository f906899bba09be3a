"""Decimal figures (数值): read from text, rounded half up, written as a bill writes them."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import ROUND_HALF_UP, Context, Decimal, localcontext
from fractions import Fraction
from typing import Any

_PLAIN = re.compile(r"[+-]?[0-9]{1,30}(\.[0-9]{1,20})?\Z")
ZERO = Decimal(0)
LARGEST = 10**30
DIGITS = 100
"""More than any figure of a bill needs: products are exact, and a quotient is exact wherever it lies on a rounding edge."""


@contextmanager
def exact() -> Iterator[None]:
    """Arithmetic with digits enough for every figure of a bill."""
    with localcontext(Context(prec=DIGITS)):
        yield


def number(text: Any) -> Decimal:
    """A figure from plain decimal text or a whole number.

    Raises:
        ValueError: anything else, such as 1e3 or a float, which has lost what was written.
    """
    if isinstance(text, int) and not isinstance(text, bool) and abs(text) < LARGEST:
        return Decimal(text)
    if not isinstance(text, str) or not _PLAIN.match(text):
        raise ValueError(f"{text!r} is no plain decimal figure")
    return Decimal(text)


def half_up(value: Decimal, places: int) -> Decimal:
    """Rounded to decimals, a half away from zero (四舍五入)."""
    return value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)


def rounded(value: Fraction, places: int) -> Decimal:
    """A fraction rounded half up in one step: a quotient that is rounded before would move a half."""
    return half_up(Decimal(value.numerator) / Decimal(value.denominator), places)


def shown(value: Decimal, keep: int = 0) -> str:
    """Plain text with at least `keep` decimals and no further trailing zeros."""
    whole, _, decimals = f"{value:f}".partition(".")
    decimals = decimals.rstrip("0").ljust(keep, "0")
    text = f"{whole}.{decimals}" if decimals else whole
    return "0" + text[2:] if text.startswith("-0") and not text.strip("-0.") else text

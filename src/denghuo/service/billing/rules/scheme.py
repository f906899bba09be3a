"""Which price scheme a business customer may have (单一制、两部制), by capacity (发改价格〔2023〕526号, from 2023-06-01)."""

from typing import Literal

Scheme = Literal["single_part", "two_part"]
SMALL_VA = 100_000
LARGE_VA = 315_000


def schemes(capacity_va: int, *, has_single_part: bool = False) -> list[Scheme]:
    """The schemes that a customer may choose from.

    Up to 100 kVA single part; up to 315 kVA either; from 315 kVA on two-part, either for those that had single part before.
    """
    if capacity_va <= SMALL_VA:
        return ["single_part"]
    if capacity_va < LARGE_VA or has_single_part:
        return ["single_part", "two_part"]
    return ["two_part"]

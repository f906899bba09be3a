"""Power factor and its adjustment (功率因数调整电费办法, 水电财字〔83〕215号), in integers."""

from math import isqrt
from typing import Literal

_LARGEST_REWARD = {90: -75, 85: -110, 80: -130}


def power_factor_hundredths(active: int, reactive: int) -> int | None:
    """active / sqrt(active² + reactive²) in hundredths, rounded half up; None where both are zero.

    floor(200 pf) is the integer root of floor(40000 a² / (a² + r²)); half of it, rounded up, is the factor in hundredths.
    """
    square = active * active + reactive * reactive
    if square == 0:
        return None
    return (isqrt(40_000 * active * active // square) + 1) // 2


def adjustment_percent(standard: int, factor: int) -> int:
    """The adjustment in 0.01 % for a power factor in hundredths: negative is a reward.

    Per 0.01: above the standard 0.10 % up to 0.90 and 0.15 % from there, up to a largest reward; below it 0.50 % for twenty
    steps, 1.00 % for five more, then 2.00 %.
    """
    if factor >= standard:
        slow = min(factor, 90) - standard
        fast = max(factor - 90, 0)
        return max(-10 * max(slow, 0) - 15 * fast, _LARGEST_REWARD[standard])
    below = standard - factor
    return 50 * min(below, 20) + 100 * min(max(below - 20, 0), 5) + 200 * max(below - 25, 0)


def standard_for(
    use: Literal["industry", "other_industry", "non_industrial", "pumping", "agriculture", "wholesale"],
    capacity_va: int,
    *,
    high_voltage: bool = False,
    on_load_tap_changer: bool = False,
    with_large_industry: bool = False,
) -> int | None:
    """The standard in hundredths of a customer by 水电财字〔83〕215号; None = no adjustment.

    0.90: high-voltage industry from 160 kVA on, high-voltage users with on-load tap changers, high-voltage pumping from 3200
    kVA on. 0.85: other industry from 100 kVA on, non-industrial users and pumping from 100 kVA on, wholesale with large
    industry in it. 0.80: agriculture and wholesale from 100 kVA on.
    """
    if high_voltage and (
        on_load_tap_changer
        or (use == "industry" and capacity_va >= 160_000)
        or (use == "pumping" and capacity_va >= 3_200_000)
    ):
        return 90
    if capacity_va < 100_000:
        return None
    if use == "agriculture" or (use == "wholesale" and not with_large_industry):
        return 80
    return 85

"""Power factor and its adjustment (功率因数调整电费办法, 水电财字〔83〕215号), in integers."""

from math import isqrt

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

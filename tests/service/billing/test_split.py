"""A register's energy split by the curve: it always adds up, it agrees with a plain reference, and what does not fit is told."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from denghuo.service.billing.engine.split import Split, Tolerance, shares, split
from denghuo.service.billing.rules.quantities import share

RULE = Tolerance(share_e4=50, floor_wh=2_000, gaps_e4=500)
WH = st.one_of(st.integers(0, 100), st.integers(0, 10**7), st.integers(0, 10**14))
ROW = st.lists(WH, min_size=3, max_size=3)


def one(total: int, curve: list[int], missing: list[int] | None = None, highest: int = -1) -> Split:
    lacks = missing or [0] * len(curve)
    return split(
        np.array([total]), np.array([curve]), np.array([lacks]), np.array([30 * 96]), np.array([highest]), RULE
    )


@given(st.integers(0, 10**14), ROW)
def test_shares_are_those_of_the_rules(amount: int, weights: list[int]) -> None:
    found = shares(np.array([amount]), np.array([weights]).T)[:, 0].tolist()
    assert found == share(amount, weights, 1)


@given(ROW, st.integers(-(10**6), 10**6))
def test_whole_curve_within_tolerance_adds_up_to_the_register(curve: list[int], apart: int) -> None:
    total = max(sum(curve) + apart, 0)
    found = one(total, curve)
    within = abs(total - sum(curve)) <= max(total * 50 // 10_000, 2_000)
    assert bool(found.apart[0]) == (not within)
    assert not found.estimated[0]
    if within:
        assert found.energy_wh[0].sum() == total
        assert (found.energy_wh[0] >= 0).all()
        # Nothing moves further than the register and the curve lie apart.
        assert np.abs(found.energy_wh[0] - curve).sum() <= abs(total - sum(curve)) + 2 * len(curve)


@given(ROW, st.lists(st.integers(0, 40), min_size=3, max_size=3), st.integers(0, 3_000), st.integers(0, 10**7))
def test_gaps_are_filled_with_what_the_register_has_beyond(
    curve: list[int], missing: list[int], a_slot: int, highest: int
) -> None:
    lacking = sum(missing)
    total = sum(curve) + a_slot * lacking
    found = one(total, curve, missing, highest)
    may = max(total * 50 // 10_000, 2_000)
    assert bool(found.gaps[0]) == (lacking * 10_000 > 30 * 96 * 500)
    if lacking and not found.gaps[0]:
        assert bool(found.apart[0]) == (a_slot * lacking - may > lacking * highest)
    if not found.gaps[0] and not found.apart[0]:
        assert found.energy_wh[0].sum() == total
        for had, lacks, has in zip(curve, missing, found.energy_wh[0].tolist(), strict=True):
            if lacking:
                assert abs(has - had - a_slot * lacks) <= 1


@pytest.mark.parametrize(
    ("total", "curve", "missing", "highest", "said"),
    [
        (100_000, [60_000, 40_000], [0, 0], -1, "whole"),
        (100_400, [60_000, 40_000], [0, 0], -1, "whole"),
        (103_000, [60_000, 40_000], [0, 0], -1, "apart"),
        (97_000, [60_000, 40_000], [0, 0], -1, "apart"),
        (106_000, [60_000, 40_000], [2, 1], 2_000, "estimated"),
        (180_000, [60_000, 40_000], [2, 1], 2_000, "apart"),
        (90_000, [60_000, 40_000], [2, 1], 2_000, "apart"),
        (106_000, [60_000, 40_000], [100, 45], 2_000, "gaps"),
        (0, [0, 0], [0, 0], -1, "whole"),
        (900, [0, 0], [0, 0], -1, "whole"),
        (10_000, [0, 0], [0, 0], -1, "apart"),
    ],
)
def test_what_does_not_fit_is_told(total: int, curve: list[int], missing: list[int], highest: int, said: str) -> None:
    found = one(total, curve, missing, highest)
    marks = {name for name in ("estimated", "apart", "gaps") if getattr(found, name)[0]}
    assert marks == ({said} if said != "whole" else set())
    if said in ("whole", "estimated"):
        assert found.energy_wh[0].sum() == total

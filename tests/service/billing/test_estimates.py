"""Estimates beside a month of curves: added up by cells as slot by slot, and a register shared by them to the last Wh."""

from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from denghuo.data.analysis.cells import DayCut, MonthCells, with_estimates
from denghuo.service.billing.engine.split import Tolerance, split

DAY = date(2026, 4, 1)
CUT = DayCut((0, 24, 88), {DAY: 0})
SLOTS = st.lists(st.tuples(st.booleans(), st.integers(0, 900), st.integers(-1, 900)), min_size=96, max_size=96)


def rows(slots: list[tuple[bool, int, int]]) -> pa.Table:
    """A row of `reading.day_estimates` of a meter, from (stands in, what, what was received)."""
    row: dict[str, Any] = {"subject": "M1", "filled": "", "over": ""}
    row |= {f"{kind}{start:02d}": 0 for kind in "ex" for start in CUT.cut}
    for slot, (stands, value, received) in enumerate(slots):
        start = max(one for one in CUT.cut if one <= slot)
        row["filled"] += "1" if stands else "0"
        row["over"] += "1" if stands and received >= 0 else "0"
        if stands:
            row[f"e{start:02d}"] += value
            row[f"x{start:02d}"] += max(received, 0)
    return pa.Table.from_pylist([row])


@given(SLOTS)
def test_cells_beside_estimates_are_the_sums_of_their_slots(slots: list[tuple[bool, int, int]]) -> None:
    spans = [range(0, 24), range(24, 88), range(88, 96)]
    there = [[slots[slot] for slot in span] for span in spans]
    energy = np.array([[sum(max(one[2], 0) for one in cell) for cell in there]])
    received = np.array([[sum(one[2] >= 0 for one in cell) for cell in there]])
    nothing = np.zeros(1, dtype=np.int64)
    cells = MonthCells(pa.array(["M1"]), energy, received, nothing - 1, nothing)
    found = with_estimates(cells, [(DAY, rows(slots))], CUT)
    assert found.estimates is not None
    left = [[one for one in cell if not one[0]] for cell in there]
    assert found.energy.tolist() == [[sum(max(one[2], 0) for one in cell) for cell in left]]
    assert found.received.tolist() == [[sum(one[2] >= 0 for one in cell) for cell in left]]
    assert found.estimates.energy.tolist() == [[sum(one[1] for one in cell if one[0]) for cell in there]]
    assert found.estimates.filled.tolist() == [[sum(one[0] for one in cell) for cell in there]]
    assert found.estimates.days.tolist() == [1]
    assert cells.energy.tolist() == energy.tolist(), "the month without estimates stays as it was"


@given(
    curve=st.lists(st.integers(0, 10**7), min_size=3, max_size=3),
    stands_in=st.lists(st.integers(0, 10**7), min_size=3, max_size=3),
    missing=st.lists(st.integers(0, 2_000), min_size=3, max_size=3).filter(any),
    beyond=st.integers(0, 10**8),
)
def test_what_a_register_has_beyond_its_curve_is_shared_by_the_estimates(
    curve: list[int], stands_in: list[int], missing: list[int], beyond: int
) -> None:
    total = sum(curve) + beyond
    columns = (np.array([curve]), np.array([missing]))
    told, few = np.array([True]), np.array([2_880])
    found = split(np.array([total]), *columns, few, np.array([-1]), Tolerance(), np.array([stands_in]), told)
    assert found.estimated.all() and not found.apart.any() and not found.gaps.any()
    added = (found.energy_wh[0] - np.array(curve)).tolist()
    assert sum(added) == beyond and min(added) >= 0
    weights = stands_in if any(stands_in) else missing
    for one, weight in zip(added, weights, strict=True):
        assert abs(one * sum(weights) - beyond * weight) <= sum(weights), "no band is off by more than a Wh"

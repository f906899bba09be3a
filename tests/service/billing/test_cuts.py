"""Pieces of a month cut where its terms change: nothing is lost, registers stay the ends of their energies."""

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from denghuo.kernel.period import midnight
from denghuo.kernel.values import round_half_up
from denghuo.service.billing.batch import Piece
from denghuo.service.billing.cuts import Channel, Shown, cut

FIRST, LAST = date(2026, 4, 1), date(2026, 5, 1)
MIDDLE = date(2026, 4, 16)


def piece(
    start: int, end: int, *, quantity: str = "active_fwd", band: str = "total", multiplier: int = 1, **more: object
) -> Piece:
    """Registers in 1e-4 kWh of a meter over April."""
    given: dict[str, object] = {
        "point_no": "P1",
        "account_no": "5810100000019",
        "area_no": None,
        "role": "sale",
        "meter_no": "M1",
        "piece": 1,
        "from_at": midnight(FIRST),
        "to_at": midnight(LAST),
        "energy_wh": round_half_up((end - start) * multiplier, 10),
        "status": "valid",
        "rule": "checked",
        "method": "actual",
        "days_estimated": 0,
    }
    ends = {"quantity": quantity, "band": band, "start_e4": start, "end_e4": end, "multiplier": multiplier}
    return Piece(**(given | ends | more))  # type: ignore[arg-type]


def shown(one: Piece, e4: int, method: str = "actual") -> dict[Channel, Shown]:
    return {Channel(one.point_no, one.meter_no, one.piece, one.quantity, one.band): Shown(e4, method)}


def test_a_register_at_the_midnight_ends_one_stage_and_begins_the_next() -> None:
    one = piece(1_000_0000, 1_300_0000, multiplier=2)
    (before,), (after,) = cut([one], [MIDDLE], {MIDDLE: shown(one, 1_100_0000)})
    assert (before.start_e4, before.end_e4, before.energy_wh) == (1_000_0000, 1_100_0000, 200_000)
    assert (after.start_e4, after.end_e4, after.energy_wh) == (1_100_0000, 1_300_0000, 400_000)
    assert (before.to_at, after.from_at, after.to_at) == (midnight(MIDDLE), midnight(MIDDLE), midnight(LAST))
    assert (before.piece, after.piece, before.status, after.status) == (1, 2, "valid", "valid")


def test_a_register_that_passed_zero_does_so_on_one_side() -> None:
    one = piece(999_990_0000, 20_0000, energy_wh=30_000)
    (before,), (after,) = cut([one], [MIDDLE], {MIDDLE: shown(one, 5_0000)})
    assert (before.energy_wh, after.energy_wh) == (15_000, 15_000)
    (before,), (after,) = cut([one], [MIDDLE], {MIDDLE: shown(one, 999_998_0000)})
    assert (before.energy_wh, after.energy_wh) == (8_000, 22_000)


def test_without_a_register_the_days_count_and_bands_follow_the_total() -> None:
    total, peak = piece(0, 300_0000), piece(0, 90_0000, band="peak")
    (before, _), (after, _) = cut([total, peak], [MIDDLE], {})
    assert (before.energy_wh, after.energy_wh, before.end_e4, after.start_e4) == (150_000, 150_000, None, None)
    assert (before.status, before.method, before.days_estimated, after.days_estimated) == (
        "estimated",
        "daily_average",
        15,
        15,
    )
    found = cut([total, peak], [MIDDLE], {MIDDLE: shown(total, 100_0000)})
    assert [[one.energy_wh for one in stage] for stage in found] == [[100_000, 30_000], [200_000, 60_000]]
    assert [[one.method for one in stage] for stage in found] == [["actual", "interpolated"]] * 2
    assert found[0][0].end_e4 == 100_0000 and found[0][1].end_e4 is None
    # A band with a register beside one without would leave less than nothing for what is between them.
    valley = piece(0, 200_0000, band="valley")
    found = cut([total, peak, valley], [MIDDLE], {MIDDLE: shown(total, 100_0000) | shown(peak, 90_0000)})
    assert [[one.energy_wh for one in stage] for stage in found] == [
        [100_000, 30_000, 66_667],
        [200_000, 60_000, 133_333],
    ]


def test_bands_that_a_curve_gave_are_marked_where_they_are_cut() -> None:
    total, peak = piece(0, 300_0000), piece(0, 90_0000, band="peak", method="curve")
    found = cut([total, peak], [MIDDLE], {MIDDLE: shown(total, 100_0000)})
    assert [[(one.method, one.status) for one in stage] for stage in found] == [
        [("actual", "valid"), ("interpolated", "estimated")]
    ] * 2


@pytest.mark.parametrize("wrong", [400_0000, 1])
def test_a_register_outside_its_ends_is_not_believed(wrong: int) -> None:
    one = piece(100_0000, 300_0000)
    (before,), (after,) = cut([one], [MIDDLE], {MIDDLE: shown(one, wrong)})
    assert (before.energy_wh, after.energy_wh, before.method) == (100_000, 100_000, "daily_average")


def test_a_demand_of_the_month_stands_in_every_stage_and_an_exchange_stays_where_it_was() -> None:
    exchanged = datetime.combine(date(2026, 4, 10), datetime.min.time(), midnight(FIRST).tzinfo) + timedelta(hours=9)
    old = piece(0, 90_0000, to_at=exchanged)
    new = piece(0, 200_0000, meter_no="M2", piece=2, from_at=exchanged)
    demand = piece(0, 5_0000, quantity="demand", energy_wh=50_000)
    before, after = cut([old, new, demand], [MIDDLE], {MIDDLE: shown(new, 60_0000)})
    assert [(one.meter_no, one.piece, one.energy_wh) for one in before if one.quantity != "demand"] == [
        ("M1", 1, 90_000),
        ("M2", 2, 60_000),
    ]
    assert [(one.meter_no, one.piece, one.energy_wh) for one in after if one.quantity != "demand"] == [
        ("M2", 3, 140_000)
    ]
    assert demand in before and demand in after


@given(
    ends=st.lists(st.integers(0, 10**8), min_size=2, max_size=2).map(sorted),
    days=st.lists(st.integers(2, 30), min_size=1, max_size=4, unique=True).map(sorted),
    multiplier=st.sampled_from([1, 20, 300]),
    data=st.data(),
)
def test_no_energy_is_lost_and_the_stages_join(
    ends: list[int], days: list[int], multiplier: int, data: st.DataObject
) -> None:
    one = piece(ends[0], ends[1], multiplier=multiplier)
    dates = [date(2026, 4, day) for day in days]
    at = sorted(data.draw(st.lists(st.integers(ends[0], ends[1]), min_size=len(days), max_size=len(days))))
    known = data.draw(st.lists(st.booleans(), min_size=len(days), max_size=len(days)))
    registers = {day: shown(one, e4) if there else {} for day, e4, there in zip(dates, at, known, strict=True)}
    found = [stage[0] for stage in cut([one], dates, registers)]
    assert all((part.energy_wh or 0) >= 0 for part in found)
    # Each side of a register is rounded by itself.
    assert abs(sum(part.energy_wh or 0 for part in found) - (one.energy_wh or 0)) <= len(days)
    assert [part.from_at for part in found[1:]] == [part.to_at for part in found[:-1]]
    assert (found[0].from_at, found[-1].to_at) == (one.from_at, one.to_at)
    assert sum(part.days_estimated for part in found) <= 30

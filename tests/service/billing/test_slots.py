"""Energy of settlement points: what a register counts for is what its points add up to, whatever the curve looks like."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.service.billing.rules.make import component, piece, subject, tariff

from denghuo.kernel.period import days_between, midnight
from denghuo.kernel.values import Energy, Percent, Price
from denghuo.service.billing.batch import Piece
from denghuo.service.billing.lines import CannotRate, MarketMonth, MarketSlots, RetailPackage
from denghuo.service.billing.rules import rate
from denghuo.service.billing.slots import DayCurve, actual, mean_price, planned, priced
from denghuo.service.contract.api import PlannedEnergy

FIRST = date(2026, 4, 1)


def metered(wh: int, days: int = 2, meter: str = "M1") -> Piece:
    return Piece(
        "P1", "A1", None, "sale", meter, 1, "active_fwd", "total", midnight(FIRST), midnight(FIRST + timedelta(days=days)),
        0, 0, 1, wh, "valid", "checked", "actual", 0,
    )  # fmt: skip


@given(st.lists(st.integers(0, 5_000), min_size=192, max_size=192), st.integers(-2_000, 2_000), st.data())
def test_points_add_up_to_the_register(cells: list[int], off: int, data: st.DataObject) -> None:
    gone = data.draw(st.sets(st.integers(0, 191), max_size=9))
    marks = ["1" if at in gone else "0" for at in range(192)]
    told = [0 if at in gone else wh for at, wh in enumerate(cells)]
    curve = {}
    for at in range(2):
        span = slice(at * 96, at * 96 + 96)
        gaps = "".join(marks[span])
        curve[FIRST + timedelta(days=at)] = DayCurve(
            told[span], gaps if "1" in gaps else None, max(told[span]) if "1" in gaps else -1
        )
    register = max(sum(told) + (max(off, 0) if gone else off), 0)
    days = days_between(FIRST, FIRST + timedelta(days=1))
    try:
        found, estimated, by_estimates = actual([metered(register)], {"M1": curve}, days, 3)
    except CannotRate as refused:
        # What is beyond the curve would make a filled point higher than any that was seen.
        assert refused.fields["code"] == "no_curve"
        assert gone or sum(told) == 0
        return
    assert sum(found) == register and min(found) >= 0
    assert estimated == sorted(gone) and not by_estimates


@given(
    st.lists(st.integers(0, 5_000), min_size=192, max_size=192),
    st.lists(st.integers(-1, 5_000), min_size=192, max_size=192),
    st.integers(0, 500_000),
    st.booleans(),
)
def test_estimates_say_where_the_energy_of_the_register_lies(
    cells: list[int], guesses: list[int], beyond: int, stands_in: bool
) -> None:
    """Points with an estimate count as missing, also where a value was received; the others are as they were received."""
    curve = {}
    for at in range(2):
        span = slice(at * 96, at * 96 + 96)
        curve[FIRST + timedelta(days=at)] = DayCurve(cells[span], stands_in=guesses[span] if stands_in else None)
    filled = [at for at, guess in enumerate(guesses) if guess >= 0] if stands_in else []
    seen = sum(wh for at, wh in enumerate(cells) if at not in set(filled))
    register = seen + (beyond if filled else 0)
    days = days_between(FIRST, FIRST + timedelta(days=1))
    found = actual([metered(register)], {"M1": curve}, days, 3)
    assert sum(found.energy_wh) == register
    assert found.estimated == found.by_estimates == filled
    assert all(found.energy_wh[at] == cells[at] for at in set(range(192)) - set(filled))
    weights = [guesses[at] for at in filled]
    if sum(weights):
        assert all(abs(found.energy_wh[at] * sum(weights) - beyond * guesses[at]) <= sum(weights) for at in filled)


def test_a_curve_that_is_not_there_or_does_not_agree_is_no_zero() -> None:
    days = days_between(FIRST, FIRST + timedelta(days=1))
    whole = {day: DayCurve([100] * 96) for day in days}
    for curves, said in (({}, "缺 192 点"), ({"M1": {days[0]: whole[days[0]]}}, "缺 96 点"), ({"M1": whole}, "不符")):
        with pytest.raises(CannotRate) as refused:
            actual([metered(40_000)], curves, days, 3)
        assert said in refused.value.detail["zh"] and refused.value.value == "M1"


def test_plans_and_prices_by_point() -> None:
    days = days_between(FIRST, FIRST + timedelta(days=1))
    row = PlannedEnergy(first_day=FIRST, last_day=FIRST, start="08:00", end="08:45", quantity_kwh=Energy(1_000))
    found = planned([row, row], days)
    assert found[32:35] == [666, 666, 668] and sum(found) == 2_000
    hourly = priced({day: list(range(24)) for day in days}, days, ("实时", "real-time"), "N1")
    assert len(hourly) == 192 and hourly[:5] == [0, 0, 0, 0, 1] and mean_price(hourly) == Price(12)
    with pytest.raises(CannotRate) as refused:
        priced({days[0]: [1] * 96}, days, ("实时", "real-time"), "N1")
    assert "2026-04-02" in refused.value.detail["zh"] and refused.value.code == "no_spot_price"


@given(
    st.lists(st.tuples(st.integers(0, 9_000), st.integers(-(10**7), 15 * 10**7)), min_size=1, max_size=40),
    st.integers(0, 10_000),
    st.integers(0, 6 * 10**7),
    st.integers(0, 6 * 10**7),
)
def test_the_average_of_a_package_lies_within_its_bounds(
    points: list[tuple[int, int]], share: int, one: int, other: int
) -> None:
    floor, cap = Price(min(one, other)), Price(max(one, other))
    energy = sum(wh for wh, _ in points)
    package = RetailPackage(
        title={"zh": "套餐", "en": "package"},  # type: ignore[arg-type]
        document="LS-1",
        fixed={"total": Price.of("0.42")},
        fixed_share=Percent(share),
        floor=floor,
        cap=cap,
    )
    slots = MarketSlots(actual_wh=[wh for wh, _ in points], real_time_price_e8=[price for _, price in points])
    market = MarketMonth(document="LS-1", package=package, slots=slots)
    document = tariff(component("market_energy", "1"))
    document = document.model_copy(update={"settlements": ["market"]})
    rated = rate(subject(piece(str(Energy(energy))), settlement="market", market=market), document)
    lowest, highest = floor * Energy(rated.energy_wh), cap * Energy(rated.energy_wh)
    assert lowest.fen - 2 <= rated.total.fen <= highest.fen + 2

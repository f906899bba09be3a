"""Prices of the agency purchase, market energy by points, retail packages, green power."""

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st
from tests.service.billing.rules.make import (
    CASES,
    DOCUMENT,
    PF,
    SOURCES,
    amount,
    amounts,
    component,
    explained,
    given,
    piece,
    rules_of,
    seasons,
    subject,
    tariff,
    wh,
    yuan,
)

from denghuo.kernel.values import Money, Percent, Price, charge_fen
from denghuo.service.billing.lines import (
    CannotRate,
    Rated,
)
from denghuo.service.billing.rules import rate

# --- agency purchase ----------------------------------------------------------------------------------------------------------


def test_hbprice_avg_is_average_and_deviation() -> None:
    inputs, expected = given("hbprice-avg")
    document = tariff(
        component("agency_energy", inputs["avg"]),
        component("history_deviation", inputs["dev"], group="adjustment"),
    )
    rated = rate(subject(piece("1000000")), document)
    assert rated.total == yuan(Decimal(expected["agent"]) * 1_000_000)


@pytest.mark.parametrize(
    "case_id", ["hbprice-two-110kV", "hbprice-two-220kV", "hbprice-single-35kV", "shprice-2026-06"]
)
def test_composed_prices_are_those_of_the_tables(case_id: str) -> None:
    """A million kWh in a band cost what the table prints for it."""
    inputs, expected = given(case_id)
    shanghai = case_id.startswith("sh")
    floating = ("agent", "td") if shanghai else ("agent", "line_loss")
    codes = {"agent": "agency_energy", "td": "transmission", "sysop": "system_operation", "fund": "government_funds"}
    ratios = {"peak": "160", "valley": "50"} if shanghai else {"sharp": "200", "peak": "149", "valley": "45"}
    document = tariff(
        *(component(codes.get(name, name), price, floats=name in floating) for name, price in inputs.items()),
        seasons=seasons(flat=None, **ratios),
        rounding={"price_places": 6},
    )
    bands = [*ratios, "flat"]
    rated = rate(subject(*(piece("1000000", band=band) for band in bands)), document)
    for band in bands:
        per_kwh = sum(line.amount.fen for line in rated.lines if line.band == band) / Decimal(100_000_000)
        fixed = [Decimal(price) for name, price in inputs.items() if name not in floating]
        got = per_kwh + sum(fixed)
        if band == "flat" and not CASES[case_id]["verified"]:
            continue
        # Hubei's table rounds each component by itself.
        assert abs(got - Decimal(expected[band])) <= (0 if shanghai else Decimal("0.000002")), (band, got)


@pytest.mark.parametrize("case", ["returned", "own_coal_plant", "high_energy"])
def test_a_multiple_of_the_agency_price_multiplies_energy_only(case: str) -> None:
    document = tariff(
        component("agency_energy", "0.4", floats=True),
        component("line_loss", "0.02"),
        component("transmission", "0.15"),
        component("government_funds", "0.03", group="fund"),
        seasons=seasons(peak="160", flat=None, valley="50"),
        agency_multiple={"cases": ["returned", "own_coal_plant", "high_energy"], "document": DOCUMENT},
    )
    pieces = [piece("1000", band="peak"), piece("1000", band="flat"), piece("1000", band="valley")]
    plain, raised = rate(subject(*pieces), document), rate(subject(*pieces, agency_case=case), document)
    for one, two in zip(plain.lines, raised.lines, strict=True):
        factor = 3 if one.code == "agency_energy" else 2
        assert two.amount.fen * 2 == one.amount.fen * factor
    assert "agency.multiple" in rules_of(raised.lines[0])
    with pytest.raises(CannotRate) as refused:
        rate(subject(*pieces, agency_case=case), document.model_copy(update={"agency_multiple": None}))
    assert refused.value.code == "no_terms"


# --- market -------------------------------------------------------------------------------------------------------------------

MARKET = tariff(
    component("market_energy", "0.4"),
    component("line_loss", "0.02"),
    component("transmission", "0.15"),
    component("system_operation", "0.04"),
    component("government_funds", "0.03", group="fund"),
    settlements=["market"],
    power_factor=PF,
    sources=SOURCES,
)


def slots(**columns: list[int]) -> dict[str, list[int]]:
    return {
        "contract_wh": columns["contract"],
        "contract_price_e8": columns["at"],
        "day_ahead_wh": columns["day_ahead"],
        "day_ahead_price_e8": columns["day_ahead_at"],
        "actual_wh": columns["actual"],
        "real_time_price_e8": columns["real_time_at"],
    }


def market(kwh: str, market_: Mapping[str, Any], **more: Any) -> Rated:
    return rate(subject(piece(kwh), settlement="market", market={"document": DOCUMENT, **market_}, **more), MARKET)


def test_market_energy_is_contract_and_deviations_by_points() -> None:
    points = slots(
        contract=[wh(100), wh(100)],
        at=[40_000_000, 40_000_000],
        day_ahead=[wh(120), wh(90)],
        day_ahead_at=[50_000_000, 30_000_000],
        actual=[wh(110), wh(95)],
        real_time_at=[60_000_000, 20_000_000],
    )
    rated = market("210", {"slots": points, "balance_price": "0.45"})
    assert amounts(rated) == {
        ("market_contract", None, None): "80.00",
        ("market_day_ahead", None, None): "7.00",  # 20 x 0.5 - 10 x 0.3
        ("market_real_time", None, None): "-5.00",  # -10 x 0.6 + 5 x 0.2
        ("market_balance", None, None): "2.25",  # 5 kWh x 0.45
        ("line_loss", None, None): "4.20",
        ("transmission", None, None): "31.50",
        ("system_operation", None, None): "8.40",
        ("government_funds", None, None): "6.30",
    }
    energy = [line for line in rated.lines if line.code.startswith("market")]
    assert sum(line.quantity_milli or 0 for line in energy) == rated.energy_wh
    assert rules_of(energy[0]) == {"market.deviation"} and "market.balance" in rules_of(energy[3])
    explained(rated)
    with pytest.raises(CannotRate) as raised:
        market("210", {"slots": points})
    assert raised.value.code == "bad_market" and "5 千瓦时" in raised.value.detail["zh"]
    with pytest.raises(CannotRate):
        market("210", {"slots": points | {"actual_wh": [1]}})
    with pytest.raises(CannotRate):
        market("210", {})


@for_all(data=st.data(), count=st.integers(1, 96))
@settings(max_examples=40)
def test_market_lines_equal_each_point_at_its_last_price(data: st.DataObject, count: int) -> None:
    energies = st.lists(st.integers(0, 10**7), min_size=count, max_size=count)
    prices = st.lists(st.integers(-(10**8), 15 * 10**7), min_size=count, max_size=count)
    points = slots(
        contract=data.draw(energies),
        at=data.draw(prices),
        day_ahead=data.draw(energies),
        day_ahead_at=data.draw(prices),
        actual=data.draw(energies),
        real_time_at=data.draw(prices),
    )
    rated = market("100000", {"slots": points, "balance_price": "0"})
    got = sum(line.amount.fen for line in rated.lines if line.code.startswith("market"))
    # contract at (contract - day-ahead price) + day-ahead at (day-ahead - real-time price) + actual at the real-time price
    exact = sum(c * (cp - dp) + d * (dp - rp) + a * rp for c, cp, d, dp, a, rp in zip(*points.values(), strict=True))
    assert abs(got - Fraction(exact, 10**9)) <= Fraction(3, 2)


PACKAGE = {"title": {"zh": "套餐", "en": "package"}, "document": DOCUMENT}


def test_retail_package_with_fixed_prices_by_band() -> None:
    package = PACKAGE | {"fixed": {"total": "0.45"}, "fee": "0.005"}
    rated = market("1000", {"package": package})
    assert amounts(rated)["retail_fixed", None, None] == "450.00"
    assert amounts(rated)["retail_fee", None, None] == "5.00"
    assert "market_energy" not in {line.code for line in rated.lines}
    with pytest.raises(CannotRate):
        market("1000", {"package": PACKAGE | {"fixed": {"peak": "0.6"}}})


@pytest.mark.parametrize(
    ("bounds", "energy"),
    [({}, "460.00"), ({"cap": "0.44"}, "440.00"), ({"floor": "0.5"}, "500.00"), ({"cap": "0.5"}, "460.00")],
)
def test_retail_package_linked_to_the_spot_price_within_bounds(bounds: dict[str, str], energy: str) -> None:
    points = slots(
        contract=[0, 0],
        at=[0, 0],
        day_ahead=[0, 0],
        day_ahead_at=[0, 0],
        actual=[wh(400), wh(600)],
        real_time_at=[80_000_000, 20_000_000],
    )
    package = PACKAGE | {"fixed": {"total": "0.48"}, "fixed_share": "50", **bounds}
    rated = market("1000", {"package": package, "slots": points})  # 0.5 x 0.48 + 0.5 x 0.44
    assert str(Money(sum(line.amount.fen for line in rated.lines if line.code.startswith("retail")))) == energy
    bound = [line for line in rated.lines if line.code == "retail_bound"]
    assert all(rules_of(line) == {"market.retail"} for line in bound) and len(bound) == (energy != "460.00")
    explained(rated)


@for_all(
    kwh=st.integers(1, 10**6),
    fixed=st.integers(0, 10**8),
    spot=st.integers(-(10**7), 15 * 10**7),
    share=st.integers(0, 10_000),
    floor=st.integers(0, 4 * 10**7),
    width=st.integers(0, 4 * 10**7),
)
@settings(max_examples=60)
def test_average_of_a_package_stays_within_its_bounds(
    kwh: int, fixed: int, spot: int, share: int, floor: int, width: int
) -> None:
    points = slots(contract=[0], at=[0], day_ahead=[0], day_ahead_at=[0], actual=[wh(kwh)], real_time_at=[spot])
    package = PACKAGE | {
        "fixed": {"total": str(Price(fixed))},
        "fixed_share": str(Percent(share)),
        "floor": str(Price(floor)),
        "cap": str(Price(floor + width)),
    }
    rated = market(str(kwh), {"package": package, "slots": points})
    energy = sum(line.amount.fen for line in rated.lines if line.code.startswith("retail"))
    assert charge_fen(floor, wh(kwh)) - 2 <= energy <= charge_fen(floor + width, wh(kwh)) + 2


def test_green_energy_is_a_line_of_its_own_outside_the_base() -> None:
    package = PACKAGE | {"fixed": {"total": "0.4"}}
    green = [{"quantity_wh": wh(300), "price": "0.03", "document": DOCUMENT}]
    terms: dict[str, Any] = {"standard": 90}
    pieces = [piece("800"), piece("600", "reactive_fwd")]
    rated = rate(
        subject(
            *pieces, settlement="market", market={"document": DOCUMENT, "package": package, "green": green}, **terms
        ),
        MARKET,
    )
    assert str(amount(rated, "green_power")) == "9.00"
    # 5 % of 800 x (0.4 + 0.02 + 0.15 + 0.04)
    assert str(amount(rated, "power_factor")) == "24.40"

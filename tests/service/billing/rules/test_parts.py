"""Parts of one bill beside its main meter, and the power factor of what is left."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st
from tests.service.billing.rules.make import (
    APRIL,
    CASES,
    DOCUMENT,
    PF,
    SOURCES,
    amount,
    component,
    explained,
    given,
    piece,
    rules_of,
    seasons,
    span,
    subject,
    tariff,
    transformer,
    two_part,
    wh,
    yuan,
)

from denghuo.kernel.values import Money, Percent, Price, round_half_up
from denghuo.service.billing.lines import (
    BillLine,
    CannotRate,
    Part,
)
from denghuo.service.billing.rules import rate
from denghuo.service.billing.rules.views import average_price

# --- parts --------------------------------------------------------------------------------------------------------------------


def test_bill_03_with_its_lighting_as_a_part_of_one_bill() -> None:
    inputs, expected = given("bill-03")
    peak, valley, flat = inputs["prices"]
    funds = [
        component(f"fund_{name}", price, group="fund")
        for name, price in zip(("renewable", "major_water", "reservoir"), inputs["funds"], strict=True)
    ]
    prices = [{"price": flat}, {"price": peak, "band": "peak"}, {"price": valley, "band": "valley"}]
    main = two_part(
        component("energy", prices),
        *funds,
        price=inputs["cap_price"],
        power_factor=PF,
        seasons=seasons(peak=None, flat=None, valley=None),
    )
    light = tariff(component("energy", inputs["light_price"]), *funds, code="light")
    rated = rate(
        subject(
            piece(str(inputs["kWh"])),
            piece(str(inputs["peak"]), band="peak"),
            piece(str(inputs["valley"]), band="valley"),
            piece(str(inputs["kvarh"]), "reactive_fwd"),
            piece(str(inputs["light"]), point_no="L", meter_no="ML"),
            tariff_class="two_part_capacity",
            spans=[span(*APRIL, kva=str(inputs["kVA"]))],
            standard=int(Decimal(inputs["std"]) * 100),
            parts=[Part(point_no="L", way="meter", tariff_code="light")],
        ),
        main,
        {"light": light},
    )
    assert amount(rated, "energy", "flat") == yuan(expected["flat_fee"])
    assert amount(rated, "energy") == yuan(expected["light_fee"])
    assert amount(rated, "basic_capacity") == yuan(expected["basic"])
    assert amount(rated, "power_factor") == yuan(expected["pf_fee"])
    for number, name in enumerate(("renewable", "major_water", "reservoir"), 1):
        of_fund = [line.amount.fen for line in rated.lines if line.code == f"fund_{name}"]
        assert Money(sum(of_fund)) == yuan(expected[f"fund{number}"])
    assert rated.total == yuan(expected["total"]) and rated.energy_wh == wh(inputs["kWh"])
    assert average_price(rated.total, rated.energy_wh, 2) == Price.of(str(expected["avg"]))
    assert {line.tariff_code for line in rated.lines} == {"test.tariff", "light"}
    assert "quantity.order" in rules_of(next(line for line in rated.lines if line.band == "flat"))
    explained(rated)


HUBEI = [
    "hb110pf-2025-01",
    "hb110pf-2025-03",
    "hb110pf-2025-04",
    "hb110pf-2025-08",
    "hb110pf-2025-09",
    "hb110pf-2025-11",
]


@pytest.mark.parametrize("case_id", HUBEI)
def test_modern_base_leaves_out_funds_and_the_single_part_share(case_id: str) -> None:
    inputs, expected = given(case_id)
    kwh, fund = Decimal(inputs["kWh"]), Decimal(inputs["fund"])
    single = (kwh * Decimal(inputs["single_part_share"])).quantize(Decimal("0.001"))
    unit = Decimal(inputs["sub_account_unit"])
    own = (Decimal(inputs["energy"]) - kwh * fund - single * unit) / (kwh - single)
    fund_component = component("government_funds", f"{fund:.8f}", group="fund")
    main = two_part(
        component("market_energy", f"{own:.8f}"),
        fund_component,
        by="demand",
        price="1",
        power_factor=PF,
        rounding={"quantity_places": 3},
    )
    sub = tariff(
        component("market_energy", f"{unit:.8f}"), fund_component, code="single", rounding={"quantity_places": 3}
    )
    # 0.98 and 0.91 stand for the bills' factors, which are printed as their percentages only.
    kvarh = int(kwh * Decimal({"-0.75": "0.20", "-0.15": "0.45"}[inputs["pf_pct"]]))
    rated = rate(
        subject(
            piece(str(inputs["kWh"])),
            piece(str(inputs["demand_fee"]), "demand"),
            piece(str(kvarh), "reactive_fwd"),
            tariff_class="two_part_demand",
            voltage="110",
            spans=[span(*APRIL)],
            standard=90,
            parts=[Part(point_no="S", way="quantity", quantity_wh=wh(single), tariff_code="single", take_from="each")],
        ),
        main,
        {"single": sub},
    )
    energy = rated.total - amount(rated, "power_factor") - amount(rated, "basic_demand")
    assert abs(energy - yuan(inputs["energy"])) <= Money(10)
    difference = abs(amount(rated, "power_factor") - yuan(expected["pf_fee"]))
    if CASES[case_id]["verified"]:
        assert difference <= Money(6)
    else:
        # November and December of this customer follow another structure, which the printed figures do not show.
        assert amount(rated, "power_factor") == Money.of("-37434.02")


@for_all(
    main=st.tuples(*[st.integers(0, 10**5)] * 3),
    meters=st.lists(st.integers(0, 10**4), max_size=2),
    fixed=st.integers(0, 10**5),
    ratio=st.integers(0, 10_000),
    each=st.booleans(),
)
@settings(max_examples=60)
def test_parts_and_main_meter_add_up(
    main: tuple[int, int, int], meters: list[int], fixed: int, ratio: int, each: bool
) -> None:
    document = tariff(
        component("agency_energy", "0.4", floats=True), seasons=seasons(peak="150", flat=None, valley="50")
    )
    single = tariff(component("energy", "0.5"), code="single")
    if sum(meters) > sum(main):
        return
    take_from = "each" if each else "flat"
    parts = [
        Part(point_no="R", way="ratio", ratio=Percent(ratio), tariff_code="single", take_from=take_from),
        Part(point_no="Q", way="quantity", quantity_wh=wh(fixed), tariff_code="single", take_from=take_from),
        *(Part(point_no=f"S{at}", way="meter", tariff_code="single") for at in range(len(meters))),
    ]
    pieces = [piece(str(kwh), band=band) for kwh, band in zip(main, ("peak", "flat", "valley"), strict=True)]
    pieces += [piece(str(kwh), point_no=f"S{at}", meter_no=f"S{at}") for at, kwh in enumerate(meters)]
    rated = rate(subject(*pieces, parts=parts), document, {"single": single})
    assert rated.energy_wh == wh(sum(main)) == sum(line.quantity_milli or 0 for line in rated.lines)
    assert all((line.quantity_milli or 0) >= 0 for line in rated.lines)
    # The order is fixed however the parts were listed: meters, fixed quantity, ratio of what is left.
    left = sum(main) - sum(meters)
    given_fixed = min(fixed, left)
    by_ratio = round_half_up((left - given_fixed) * ratio, 10_000)
    of_parts = sum(line.quantity_milli or 0 for line in rated.lines if line.tariff_code == "single")
    assert of_parts == wh(sum(meters) + given_fixed + by_ratio)


def test_parts_that_cannot_be_are_refused() -> None:
    document = tariff(component("energy", "0.5"))
    sub = Part(point_no="S", way="meter", tariff_code="none")
    pieces = [piece("10"), piece("20", point_no="S", meter_no="MS")]
    with pytest.raises(CannotRate) as raised:
        rate(subject(*pieces, parts=[sub]), document)
    assert raised.value.code == "no_tariff"
    with pytest.raises(CannotRate) as raised:
        rate(subject(*pieces, parts=[sub.model_copy(update={"tariff_code": None})]), document)
    assert raised.value.code == "bad_quantity" and "大于总表余量" in raised.value.detail["zh"]


def test_a_part_billed_elsewhere_only_comes_off() -> None:
    document = tariff(component("energy", "0.5"))
    pieces = [piece("100"), piece("20", point_no="S", meter_no="MS")]
    rated = rate(subject(*pieces, parts=[Part(point_no="S", way="meter")]), document)
    assert rated.energy_wh == wh(80) and str(rated.total) == "40.00"


def test_parallel_lighting_stays_out_of_the_power_factor() -> None:
    document = tariff(component("energy", "0.5"), power_factor=PF, sources=SOURCES)
    light = tariff(component("energy", "0.7"), code="light")
    pieces = [
        piece("800"),
        piece("600", "reactive_fwd"),
        piece("100", point_no="L", meter_no="ML"),
        piece("500", "reactive_fwd", point_no="L", meter_no="ML"),
    ]
    rated = rate(
        subject(*pieces, standard=90, parts=[Part(point_no="L", way="parallel", tariff_code="light")]),
        document,
        {"light": light},
    )
    assert [str(line.amount) for line in rated.lines] == ["400.00", "70.00", "20.00"]
    assert rated.energy_wh == wh(900)


# --- power factor -------------------------------------------------------------------------------------------------------------


def test_a_lowered_standard_gives_no_reward() -> None:
    document = tariff(component("energy", "0.5"), power_factor=PF, sources=SOURCES)
    good = {"standard": 85, "standard_lowered": True}
    rated = rate(subject(piece("1000"), piece("100", "reactive_fwd"), **good), document)
    assert amount(rated, "power_factor") == Money(0)
    assert "factor.lowered" in rules_of(rated.lines[-1]) and "不减收" in rated.lines[-1].sentence.zh
    bad = rate(subject(piece("800"), piece("600", "reactive_fwd"), **good), document)
    assert str(amount(bad, "power_factor")) == "10.00"  # 0.80 against 0.85: 2.5 % of 400


def test_a_transformer_counts_once_for_its_standard_and_for_the_discount() -> None:
    """Paused in mid-month, or exchanged for another, it stands in two rows and is still one transformer."""
    standards = [{"standard": 80, "capacity_from": "0"}, {"standard": 90, "capacity_from": "160"}]
    document = tariff(component("energy", "0.5"), power_factor=PF | {"standards": standards}, sources=SOURCES)
    paused = [
        transformer(100, "running", ("2020-01-01", "2026-04-15")),
        transformer(100, "paused", ("2026-04-16", None)),
    ]
    exchanged = [
        transformer(80, "running", ("2020-01-01", "2026-04-15")),
        transformer(100, "running", ("2026-04-16", None)),
    ]
    both = [*exchanged[:1], transformer(80, "running", transformer_no="T2")]
    for units, standard in ((paused, "0.80"), (exchanged, "0.80"), (both, "0.90")):
        rated = rate(subject(piece("800"), piece("600", "reactive_fwd"), transformers=units), document)
        said = next(one.values for one in rated.lines[-1].steps if one.kind == "power_factor")
        assert said["standard"] == standard
    discount = {"energy_per_kva": "260", "price_share": "90", "document": DOCUMENT}
    by_demand = two_part(component("energy", "0.5"), by="demand", price="40", basic={"discount": discount})
    units = [transformer(1000), transformer(1000, "paused", transformer_no="T2", days=("2026-03-01", None))]
    terms = {"tariff_class": "two_part_demand", "spans": [span(*APRIL, kw="1000")], "transformers": units}
    # 500,000 kWh are 500 for each kVA in operation and 250 for each of the contract.
    codes = [line.code for line in rate(subject(piece("500000"), **terms), by_demand).lines]
    assert "basic_discount" not in codes
    codes = [line.code for line in rate(subject(piece("520000"), **terms), by_demand).lines]
    assert "basic_discount" in codes


def test_base_by_era() -> None:
    def era(**more: Any) -> BillLine:
        document = tariff(component("energy", "0.5"), power_factor=PF, sources=SOURCES, **more)
        return rate(subject(piece("800"), piece("600", "reactive_fwd"), standard=90), document).lines[-1]

    assert "factor.base" in rules_of(era()) and "factor.base.2021" in rules_of(era(effective_from="2022-01-01"))

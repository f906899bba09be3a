"""Purchase of solar energy with its subsidy, and averages for reading."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st
from tests.service.billing.rules.make import (
    APRIL,
    DOCUMENT,
    PF,
    amount,
    component,
    explained,
    line_of,
    piece,
    rules_of,
    seasons,
    span,
    subject,
    tariff,
    two_part,
    wh,
)

from denghuo.kernel.values import Money, Price
from denghuo.service.billing.lines import (
    CannotRate,
    Rated,
)
from denghuo.service.billing.rules import rate
from denghuo.service.billing.rules.views import average_price, by_band, by_component
from denghuo.service.tariff.api import TariffDocument

# --- solar purchase -----------------------------------------------------------------------------------------------------------


def solar(on: str = "generation", **more: Any) -> TariffDocument:
    return tariff(
        component("purchase_energy", "0.4471", group="purchase"),
        component("generation_subsidy", "0.42", group="purchase"),
        kind="purchase",
        classes=["generation"],
        settlements=["surplus_feed_in"],
        subsidy={"on": on, "document": DOCUMENT, **more},
    )


def purchase(document: TariffDocument, generation: Mapping[str, Any] | None, month: str = "2026-04") -> Rated:
    return rate(
        subject(
            piece("600", "active_rev"),
            kind="purchase",
            tariff_class="generation",
            settlement="surplus_feed_in",
            month=month,
            generation=generation,
        ),
        document,
    )


PLANT = {"generated_wh": wh(1000), "capacity_w": 10_000, "connected_on": "2006-04-16"}


@pytest.mark.parametrize(
    ("document", "plant", "subsidy"),
    [
        (solar(), PLANT, "420.00"),
        (solar("export"), PLANT, "252.00"),
        (solar(years=20), PLANT, "210.00"),  # until 2026-04-16: 15 of 30 days
        (solar(years=19), PLANT, "0.00"),
        (solar(years=21), PLANT, "420.00"),
        (solar(hours=26_000), PLANT | {"subsidised_before_wh": wh(259_900)}, "42.00"),
        (solar(hours=26_000), PLANT | {"subsidised_before_wh": wh(270_000)}, "0.00"),
    ],
)
def test_subsidy_on_generation_within_years_and_hours(
    document: TariffDocument, plant: Mapping[str, Any], subsidy: str
) -> None:
    rated = purchase(document, plant)
    assert str(amount(rated, "purchase_energy")) == "268.26"
    assert str(amount(rated, "generation_subsidy")) == subsidy
    assert "solar.purchase" in rules_of(line_of(rated, "generation_subsidy"))
    explained(rated)


def test_subsidy_needs_the_plant() -> None:
    with pytest.raises(CannotRate) as raised:
        purchase(solar(), None)
    assert raised.value.code == "no_terms"


@for_all(months=st.lists(st.integers(0, 5000), min_size=1, max_size=24))
def test_subsidy_never_passes_its_lifetime_hours(months: list[int]) -> None:
    document, before = solar(hours=100), 0
    for kwh in months:
        rated = purchase(document, PLANT | {"generated_wh": wh(kwh), "subsidised_before_wh": before})
        before += line_of(rated, "generation_subsidy").quantity_milli or 0
    assert before == min(wh(sum(months)), 10_000 * 100)


# --- views --------------------------------------------------------------------------------------------------------------------


def test_averages_are_for_reading() -> None:
    document = tariff(
        component("agency_energy", "0.4", floats=True),
        component("transmission", "0.15"),
        seasons=seasons(peak="150", flat=None, valley="50"),
    )
    rated = rate(subject(piece("100", band="peak"), piece("100", band="flat"), piece("200", band="valley")), document)
    assert {one.code: str(one.average) for one in by_component(rated.lines, rated.energy_wh)} == {
        "agency_energy": "0.3500",
        "transmission": "0.1500",
    }
    assert {one.band: str(one.average) for one in by_band(rated.lines)} == {
        "peak": "0.6000",
        "flat": "0.4000",
        "valley": "0.2000",
    }
    assert average_price(rated.total, rated.energy_wh) == Price.of("0.5")
    two = two_part(component("energy", "0.5"), price="28", power_factor=PF)
    terms = {"tariff_class": "two_part_capacity", "spans": [span(*APRIL, kva="100")], "standard": 90}
    charged = rate(subject(piece("8000"), piece("6000", "reactive_fwd"), **terms), two)
    # What is not charged per kWh is spread over the energy of the bill, so that the items add up to the average price.
    averages = by_component(charged.lines, charged.energy_wh)
    assert {one.code: str(one.average) for one in averages} == {
        "energy": "0.5000",
        "basic_capacity": "0.3500",
        "power_factor": "0.0425",
    }
    assert average_price(charged.total, charged.energy_wh) == Price(sum(one.average.e8 for one in averages))
    assert average_price(Money(1), 0) is None

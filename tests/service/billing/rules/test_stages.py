"""A month in stages: a published case by its id, and what a cut must never change."""

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st
from tests.service.billing.rules.make import (
    DOCUMENT,
    amounts,
    component,
    given,
    piece,
    seasons,
    span,
    subject,
    tariff,
    yuan,
)

from denghuo.kernel.values import Energy
from denghuo.service.billing.lines import CannotRate, TransformerLoss
from denghuo.service.billing.rules import Stage, rate, rate_stages

PF = "水电财字〔83〕215号"


def days(first: date, last: date) -> dict[str, Any]:
    return {"first_day": first, "last_day": last}


def test_mix_01_transformer_and_metering_change_within_a_month() -> None:
    inputs, expected = given("mix-01")
    one, two = inputs["stage1"], inputs["stage2"]
    flat = component("energy", inputs["flat"], floats=True)
    bands = seasons(peak="160", flat=None, valley="40")
    low = tariff(flat, seasons=bands)
    high = tariff(
        flat, seasons=bands, code="high", power_factor={"document": PF}, sources=[{"number": DOCUMENT}, {"number": PF}]
    )
    start, end = one["reading"]
    loss = TransformerLoss(transformer_no="T50", active_wh=Energy.of(str(one["loss_month"])).wh, days=one["days"])
    before = subject(
        piece(str((end - start) * one["ct"]), start=f"{start}.00", end=f"{end}.00", multiplier=str(one["ct"])),
        losses=[loss],
        **days(date(2026, 4, 1), date(2026, 4, 20)),
    )
    multiplied = {name: str(two[name] * two["mult"]) for name in ("total", "peak", "valley", "kvarh")}
    after = subject(
        piece(multiplied["total"], meter_no="M2", piece=2, multiplier=str(two["mult"])),
        piece(multiplied["peak"], band="peak", meter_no="M2", piece=2, multiplier=str(two["mult"])),
        piece(multiplied["valley"], band="valley", meter_no="M2", piece=2, multiplier=str(two["mult"])),
        piece(multiplied["kvarh"], "reactive_fwd", meter_no="M2", piece=2, multiplier=str(two["mult"])),
        standard=90,
        **days(date(2026, 4, 21), date(2026, 4, 30)),
    )
    rated = rate_stages([Stage(before, low), Stage(after, high)])
    assert amounts(rated) == {
        ("energy", None, None): str(yuan(expected["stage1"])),
        ("energy", "peak", None): str(yuan(expected["peak_fee"])),
        ("energy", "flat", None): str(yuan(expected["flat_fee"])),
        ("energy", "valley", None): str(yuan(expected["valley_fee"])),
        ("power_factor", None, None): str(yuan(expected["pf_fee"])),
    }
    assert rated.total == yuan(expected["total"]) and rated.tariff_code == "high"


@pytest.mark.parametrize("period", ["annual", "monthly"])
@for_all(cut=st.integers(1, 29), first=st.integers(0, 500), second=st.integers(0, 500), used=st.integers(0, 400))
def test_a_cut_moves_no_energy_between_tiers(period: str, cut: int, first: int, second: int, used: int) -> None:
    rows = [{"price": price, "tier": tier} for tier, price in enumerate(("0.5", "0.6", "0.9"), 1)]
    document = tariff(component("energy", rows), tiers={"period": period, "tables": [{"up_to": ["200", "400"]}]})
    middle = date(2026, 4, cut)
    parts = [
        Stage(subject(piece(str(first)), used_before_wh=used * 1000, **days(date(2026, 4, 1), middle)), document),
        Stage(
            subject(
                piece(str(second)), used_before_wh=used * 1000, **days(middle + timedelta(days=1), date(2026, 4, 30))
            ),
            document,
        ),
    ]
    whole = rate(subject(piece(str(first + second)), used_before_wh=used * 1000), document)
    rated = rate_stages(parts)
    assert rated.tiers_wh == whole.tiers_wh and rated.total == whole.total


@pytest.mark.parametrize(("second", "discounted"), [("260000", True), ("259999", False)])
def test_the_discount_looks_at_the_whole_month_and_the_basic_charge_at_the_days(second: str, discounted: bool) -> None:
    document = tariff(
        component("energy", "0.5"),
        classes=["two_part_demand"],
        basic={
            "by": "demand",
            "prices": [{"price": "40"}],
            "document": DOCUMENT,
            "discount": {"energy_per_kva": "260", "price_share": "90", "document": DOCUMENT},
        },
    )
    terms = {"tariff_class": "two_part_demand", "spans": [span("2026-04-01", "2026-04-30", kva="2000", kw="900")]}
    rated = rate_stages(
        [
            Stage(subject(piece("260000"), **terms, **days(date(2026, 4, 1), date(2026, 4, 15))), document),
            Stage(subject(piece(second), **terms, **days(date(2026, 4, 16), date(2026, 4, 30))), document),
        ]
    )
    basic = [str(line.amount) for line in rated.lines if line.group == "basic"]
    assert basic == (["18000.00", "-1800.00"] * 2 if discounted else ["18000.00"] * 2)


def test_stages_that_do_not_follow_each_other_are_refused() -> None:
    document = tariff(component("energy", "0.5"))
    one = subject(piece("1"), **days(date(2026, 4, 1), date(2026, 4, 10)))
    gap = subject(piece("1"), **days(date(2026, 4, 12), date(2026, 4, 30)))
    for stages in ([(one, document), (gap, document)], [(one, document), (subject(piece("1")), document)], []):
        with pytest.raises(CannotRate) as raised:
            rate_stages([Stage(*stage) for stage in stages])
        assert raised.value.code == "no_days"
    assert rate_stages([Stage(one, document)]) == rate(one, document)

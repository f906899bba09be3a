"""Losses of transformers and lines on a bill, shared among all behind them."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st
from tests.service.billing.rules.make import (
    PF,
    SOURCES,
    amount,
    amounts,
    component,
    explained,
    given,
    line_of,
    piece,
    rules_of,
    seasons,
    subject,
    tariff,
    wh,
    yuan,
)

from denghuo.kernel.values import Percent, Power
from denghuo.service.billing.lines import (
    CannotRate,
    LineLoss,
    LossBand,
    Part,
    TransformerLoss,
)
from denghuo.service.billing.rules import rate
from denghuo.service.billing.rules.losses import nameplates, powers_lost, shared, transformer_loss


def test_loss_s13_100_active_reactive_and_a_year() -> None:
    inputs, expected = given("loss-S13-100")
    plate = nameplates()["S13", inputs["S"] * 1000]
    assert (plate.no_load_w, plate.load_w) == (Power.of(inputs["P0"]).w, Power.of(inputs["Pk"]).w)
    active, reactive = powers_lost(
        plate.no_load_w,
        plate.load_w,
        plate.capacity_va,
        plate.no_load_current,
        plate.impedance,
        Fraction(inputs["beta"]) ** 2,
    )
    together = active + Fraction(inputs["kq"]) * reactive
    year = together * inputs["hours"] / 10_000
    for name, got in (("dP", active), ("dQ", reactive), ("dPz", together), ("annual_wan", year)):
        assert abs(got / 1000 - Fraction(expected[name])) <= Fraction(1, 100), name


def test_loss_s13_1000_active() -> None:
    inputs, expected = given("loss-S13-1000")
    plate = nameplates()["S13", inputs["S"] * 1000]
    active, _ = powers_lost(
        plate.no_load_w, plate.load_w, plate.capacity_va, Percent(0), Percent(0), Fraction(inputs["beta"]) ** 2
    )
    assert abs(active / 1000 - Fraction(expected["dP"])) <= Fraction(1, 100)


def test_an_idle_transformer_is_billed_with_its_loss_and_factor() -> None:
    inputs, expected = given("loss-01")
    price = Decimal(inputs["energy_fee"]) / Decimal(expected["kWh"])
    document = tariff(
        component("energy", f"{price:.8f}"),
        component("government_funds", inputs["fund"], group="fund"),
        power_factor=PF,
        sources=SOURCES,
        rounding={"quantity_places": 1},
    )
    # 460.8 kWh against 2043 kvarh of no-load current is the factor 0.22.
    idle = TransformerLoss(
        transformer_no="T1",
        capacity_va=250_000,
        no_load_w=Power.of(inputs["P0"]).w,
        no_load_current=Percent.of("1.13"),
        impedance=Percent.of("4"),
        hours=inputs["hours"],
    )
    rated = rate(subject(piece("0"), piece("0", "reactive_fwd"), losses=[idle], standard=90), document)
    assert rated.energy_wh == wh(expected["kWh"])
    assert amount(rated, "energy") == yuan(inputs["energy_fee"])
    assert amount(rated, "government_funds") == yuan(expected["fund"])
    assert line_of(rated, "power_factor").quantity_milli == expected["pf_pct"] * 1000
    assert amount(rated, "power_factor") == yuan(expected["pf_fee"])
    assert {"loss.formula", "factor.adjustment"} <= rules_of(line_of(rated, "power_factor"))
    explained(rated)


def test_a_month_in_two_stages_bears_its_days_of_the_loss() -> None:
    inputs, expected = given("mix-01")
    one = inputs["stage1"]
    loss = TransformerLoss(transformer_no="T1", active_wh=wh(one["loss_month"]), days=one["days"])
    kwh = (one["reading"][1] - one["reading"][0]) * one["ct"]
    rated = rate(subject(piece(str(kwh)), losses=[loss]), tariff(component("energy", inputs["flat"])))
    assert rated.energy_wh == wh(kwh + int(expected["loss"])) and rated.total == yuan(expected["stage1"])
    assert "loss.part_month" in rules_of(rated.lines[0])


def test_a_loss_table_is_looked_up_on_all_energy_behind_the_transformer() -> None:
    # SL7-500: 27818 kWh lose 1220 kWh and 12820 kvarh; the smaller of two meters bears its share, the main meter the rest.
    table = [
        LossBand(up_to_wh=wh(20_000), active_wh=wh(1000), reactive_varh=wh(12_000)),
        LossBand(up_to_wh=wh(30_000), active_wh=wh(1220), reactive_varh=wh(12_820)),
    ]
    loss = TransformerLoss(transformer_no="SL7", table=table)
    light = Part(point_no="L", way="parallel", tariff_code="light")
    lighting = tariff(component("energy", "0.7"), code="light")
    rated = rate(
        subject(piece("20000"), piece("7818", point_no="L", meter_no="ML"), losses=[loss], parts=[light]),
        tariff(component("energy", "0.5")),
        {"light": lighting},
    )
    assert [line.quantity_milli for line in rated.lines] == [
        wh(20_000 + 877),
        wh(7818 + 343),
    ]  # 1220 x 7818 / 27818 = 342.9
    assert rated.energy_wh == wh(27_818 + 1220)
    assert "loss.share" in rules_of(rated.lines[1])
    with pytest.raises(CannotRate) as raised:
        transformer_loss(loss, wh(40_000), 0, 0)
    assert raised.value.code == "no_terms"


def test_part_month_of_a_new_transformer_is_scaled_up_looked_up_and_scaled_back() -> None:
    table = [
        LossBand(up_to_wh=wh(10_000), active_wh=wh(300), reactive_varh=wh(900)),
        LossBand(up_to_wh=None, active_wh=wh(600), reactive_varh=wh(1200)),
    ]
    found = transformer_loss(TransformerLoss(transformer_no="T", table=table, days=10), wh(5000), 0, 0)
    assert (found.active_wh, found.reactive_varh) == (wh(200), wh(400))  # 15000 kWh a month: a third of 600


def test_loss_by_a_share_of_the_energy() -> None:
    loss = TransformerLoss(transformer_no="T", no_load_w=640, copper_share=Percent.of("2"))
    assert transformer_loss(loss, wh(10_000), 0, 0).active_wh == wh(461 + 200)
    with pytest.raises(CannotRate):
        transformer_loss(TransformerLoss(transformer_no="T"), wh(1), 0, 0)


def test_losses_join_both_energies_of_the_power_factor() -> None:
    document = tariff(component("energy", "0.5"), power_factor=PF, sources=SOURCES)
    loss = TransformerLoss(transformer_no="T", active_wh=wh(100), reactive_varh=wh(75))
    with_loss = rate(subject(piece("700"), piece("525", "reactive_fwd"), losses=[loss], standard=90), document)
    metered = rate(subject(piece("800"), piece("600", "reactive_fwd"), standard=90), document)
    assert amounts(with_loss) == amounts(metered)
    values = next(one.values for one in with_loss.lines[-1].steps if one.kind == "power_factor")
    assert (values["active"], values["reactive"]) == ("800", "600")


def test_loss_energy_belongs_to_the_flat_band() -> None:
    document = tariff(
        component("agency_energy", "0.4", floats=True), seasons=seasons(peak="150", flat=None, valley="50")
    )
    loss = TransformerLoss(transformer_no="T", active_wh=wh(10))
    line = LineLoss(line_no="L1", share=Percent.of("1"))
    rated = rate(
        subject(
            piece("100", band="peak"),
            piece("200", band="flat"),
            piece("100", band="valley"),
            losses=[loss],
            line_losses=[line],
        ),
        document,
    )
    assert {line.band: line.quantity_milli for line in rated.lines} == {
        "peak": wh(100),
        "flat": wh(200 + 10 + 4),
        "valley": wh(100),
    }
    flat = next(line for line in rated.lines if line.band == "flat")
    assert (
        rules_of(flat) == {"loss.line", "agency.composition"} and "变压器 T：约定月损耗 10 千瓦时" in flat.sentence.zh
    )
    off = LineLoss(line_no="L1", active_wh=wh(5), deduct=True)
    assert rate(subject(piece("100"), line_losses=[off]), tariff(component("energy", "0.5"))).energy_wh == wh(95)
    with pytest.raises(CannotRate):
        rate(subject(piece("1"), line_losses=[off]), tariff(component("energy", "0.5")))


def test_another_contract_bears_its_share_of_a_common_transformer() -> None:
    loss = TransformerLoss(
        transformer_no="T", active_wh=wh(100), behind_wh=wh(300), behind_varh=0, bears_remainder=False
    )
    assert rate(subject(piece("100"), losses=[loss]), tariff(component("energy", "0.5"))).energy_wh == wh(125)


@for_all(
    loss=st.integers(0, 10**5),
    energies=st.lists(st.sampled_from([0, 0, 1, 2, 333, 7818, 20_000]), min_size=2, max_size=5),
    bearer=st.integers(0, 4),
)
def test_contracts_behind_one_transformer_bear_its_loss_once_together(
    loss: int, energies: list[int], bearer: int
) -> None:
    """Each contract is rated by itself, and yet nothing of the loss is left or billed twice, also where nobody used anything."""
    bearer %= len(energies)
    document, borne = tariff(component("energy", "0.5")), 0
    for at, kwh in enumerate(energies):
        rest = [one for number, one in enumerate(energies) if number not in (at, bearer)]
        others = rest if at == bearer else [*rest, energies[bearer]]
        terms = TransformerLoss(
            transformer_no="T",
            active_wh=wh(loss),
            behind_wh=wh(sum(others)),
            behind_each=[wh(one) for one in others],
            bears_remainder=at == bearer,
        )
        borne += rate(subject(piece(str(kwh)), losses=[terms]), document).energy_wh - wh(kwh)
    assert borne == wh(loss)


def test_shares_that_all_round_up_leave_nobody_less_than_nothing() -> None:
    assert shared(5000, [2000, 10_000, 10_000, 10_000, 10_000], 1000) == [1000, 1000, 1000, 1000, 1000]
    assert shared(6000, [0, 10_000, 10_000, 10_000, 10_000], 1000) == [2000, 1000, 1000, 1000, 1000]


@for_all(
    loss=st.integers(0, 10**7), energies=st.lists(st.integers(0, 10**9), min_size=1, max_size=8), main=st.booleans()
)
def test_shares_of_a_loss_add_up_in_whole_units(loss: int, energies: list[int], main: bool) -> None:
    loss, energies = loss * 1000, [energy * 1000 for energy in energies]
    parts = shared(loss, energies, 1000, main=main)
    assert sum(parts) == loss and all(part >= 0 and part % 1000 == 0 for part in parts)
    if not any(energies):
        middle = parts[1:] if main else parts[:-1]
        assert len(set(middle)) <= 1
    else:
        exact = [Fraction(loss * energy, sum(energies)) for energy in energies]
        rest = 0 if main else len(parts) - 1
        assert all(
            abs(part - one) < 1000 for at, (part, one) in enumerate(zip(parts, exact, strict=True)) if at != rest
        )


@for_all(energy=st.integers(0, 10**9), more=st.integers(0, 10**9), varh=st.integers(0, 10**9))
def test_more_energy_never_loses_less(energy: int, more: int, varh: int) -> None:
    plate = nameplates()["S11", 315_000]
    loss = TransformerLoss(
        transformer_no="T",
        capacity_va=plate.capacity_va,
        no_load_w=plate.no_load_w,
        load_w=plate.load_w,
        no_load_current=plate.no_load_current,
        impedance=plate.impedance,
    )
    less, greater = (transformer_loss(loss, value, varh, 0) for value in (energy, energy + more))
    assert wh(338) <= less.active_wh <= greater.active_wh  # P0 x 720 h = 338.4 kWh
    assert less.reactive_varh <= greater.reactive_varh

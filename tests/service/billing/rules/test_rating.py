"""The rating rules: properties that hold for every bill, what is explained, and what is refused."""

import ast
import csv
import pathlib
from datetime import date
from decimal import ROUND_HALF_UP, Decimal, getcontext
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.service.billing.rules.make import DOCUMENT, amounts, component, piece, seasons, span, subject, tariff, tiers

import denghuo.service.billing.rules as rules
from denghuo.kernel.values import Energy, Money, Price, charge_fen
from denghuo.service.billing.lines import CannotRate, MeteredPiece, Part, Rated
from denghuo.service.billing.rules import choose, example_faults, rate
from denghuo.service.billing.rules.parts import _take
from denghuo.service.billing.rules.power_factor import adjustment_percent, power_factor_hundredths
from denghuo.service.billing.rules.quantities import Metered, share
from denghuo.service.billing.rules.tiers import by_tier_and_band
from denghuo.service.tariff.api import Example, TariffDocument
from denghuo.service.tariff.shipped import published

WH = st.integers(0, 10**12)
KWH = st.integers(0, 10**6).map(lambda kwh: kwh * 1000)
SHANGHAI = {document.code: document for document in published("310000") or []}
RESIDENT = SHANGHAI["sh.resident.tiered"]
RESIDENT_TOU = SHANGHAI["sh.resident.tiered.tou"]


def wh(value: int, band: str = "total", quantity: str = "active_fwd", **more: Any) -> MeteredPiece:
    return piece("0", quantity, band, **more).model_copy(update={"value_milli": value})


def resident(*pieces: MeteredPiece, **more: Any) -> Any:
    return subject(*pieces, tariff_class="resident", voltage="0.22", **more)


def adds_up(rated: Rated) -> None:
    assert rated.total.fen == sum(line.amount.fen for line in rated.lines)
    for line in rated.lines:
        if line.price is not None and line.unit == "kWh":
            # Plain decimals agree with the integers, line by line.
            exact = Decimal(str(line.price)) * Decimal(line.quantity_milli or 0) / 1000
            assert str(line.amount) == str(exact.quantize(Decimal("0.01"), ROUND_HALF_UP))


# --- tiers -------------------------------------------------------------------------------------------------------------------


@given(value=WH, used=WH)
def test_lines_add_up_and_tiers_hold_the_whole_energy(value: int, used: int) -> None:
    rated = rate(resident(wh(value), used_before_wh=used), RESIDENT)
    adds_up(rated)
    assert sum(rated.tiers_wh) == rated.energy_wh == (value + 500) // 1000 * 1000
    assert all(tier >= 0 for tier in rated.tiers_wh)


@given(parts=st.lists(KWH, min_size=1, max_size=12))
def test_annual_tiers_are_additive_over_the_months(parts: list[int]) -> None:
    used, by_month = 0, [0, 0, 0]
    for part in parts:
        month = rate(resident(wh(part), used_before_wh=used), RESIDENT)
        by_month = [sum(pair) for pair in zip(by_month, month.tiers_wh, strict=True)]
        used += month.energy_wh
    assert by_month == rate(resident(wh(sum(parts))), RESIDENT).tiers_wh


@given(value=KWH, more=KWH, used=KWH)
def test_more_energy_never_costs_less(value: int, more: int, used: int) -> None:
    for document in (RESIDENT, SHANGHAI["sh.business.single"], SHANGHAI["sh.agricultural"]):
        common = {"tariff_class": document.classes[0], "voltage": "0.38", "used_before_wh": used}
        less = rate(subject(wh(value), **common), document).total
        assert less <= rate(subject(wh(value + more), **common), document).total


@given(peak=KWH, valley=KWH, used=st.integers(0, 6_000_000))
def test_time_of_use_tiers_follow_the_total(peak: int, valley: int, used: int) -> None:
    rated = rate(resident(wh(peak, "peak"), wh(valley, "valley"), used_before_wh=used), RESIDENT_TOU)
    adds_up(rated)
    whole = rate(resident(wh(peak + valley), used_before_wh=used), RESIDENT)
    assert rated.tiers_wh == whole.tiers_wh
    for band, energy in (("peak", peak), ("valley", valley)):
        assert sum(line.quantity_milli or 0 for line in rated.lines if line.band == band) == energy
    for tier, energy in enumerate(rated.tiers_wh, 1):
        assert sum(line.quantity_milli or 0 for line in rated.lines if line.tier == tier) == energy


@given(weights=st.lists(st.integers(0, 10**9), min_size=1, max_size=6), at=st.integers(0, 100))
def test_shares_add_up_and_stay_within_their_weights(weights: list[int], at: int) -> None:
    total = sum(weights) * at // 100
    parts = share(total, weights, 1)
    assert sum(parts) == total and all(0 <= part <= weight for part, weight in zip(parts, weights, strict=True))


@given(bands=st.lists(KWH, min_size=2, max_size=5), cuts=st.lists(st.integers(0, 100), min_size=1, max_size=3))
def test_rows_and_columns_of_tiers_and_bands_add_up(bands: list[int], cuts: list[int]) -> None:
    total = sum(bands)
    marks = [0, *sorted(total * cut // 100_000 * 1000 for cut in cuts), total]
    tier_totals = [high - low for low, high in zip(marks, marks[1:], strict=False)]
    names = ["sharp", "peak", "flat", "valley", "deep"][: len(bands)]
    cells = by_tier_and_band(tier_totals, dict(zip(names, bands, strict=True)), 1000)
    assert all(cell >= 0 for cell in cells.values())
    for number, tier_total in enumerate(tier_totals, 1):
        assert sum(cell for (tier, _), cell in cells.items() if tier == number) == tier_total
    for name, energy in zip(names, bands, strict=True):
        assert sum(cell for (_, band), cell in cells.items() if band == name) == energy


def test_year_of_an_account_opened_in_mid_year_counts_its_months() -> None:
    rated = rate(resident(piece("2000"), tier_months=7), RESIDENT)
    assert rated.tiers_wh == [1_820_000, 180_000, 0]  # 3120 x 7 / 12


# --- integers ----------------------------------------------------------------------------------------------------------------


@given(price=st.integers(-(10**12), 10**12), quantity=st.integers(-(10**15), 10**15))
def test_charge_equals_a_decimal_reference(price: int, quantity: int) -> None:
    getcontext().prec = 60
    exact = Decimal(price) * Decimal(quantity) / Decimal(10**9)
    assert charge_fen(price, quantity) == int(exact.to_integral_value(ROUND_HALF_UP))


@given(active=st.integers(0, 10**13), reactive=st.integers(0, 10**13))
def test_power_factor_equals_a_decimal_reference(active: int, reactive: int) -> None:
    getcontext().prec = 80
    got = power_factor_hundredths(active, reactive)
    if active == 0 and reactive == 0:
        assert got is None
        return
    exact = Decimal(active) / (Decimal(active) ** 2 + Decimal(reactive) ** 2).sqrt()
    assert got == int((exact * 100).to_integral_value(ROUND_HALF_UP))


def test_a_factor_at_the_border_is_rounded_up() -> None:
    # 3-4-5 triangles lie on hundredths; 0.895 exactly is rounded half up to 0.90.
    assert power_factor_hundredths(4, 3) == 80
    assert power_factor_hundredths(895, 0) == 100
    reactive = 446_065  # (1000/895)^2 - 1 of 895^2, near the border from both sides
    assert {power_factor_hundredths(895_000, reactive + step) for step in (-200, 200)} == {89, 90}


@pytest.mark.scope("B05-08")
def test_adjustment_equals_the_published_table() -> None:
    rows = list(csv.DictReader((pathlib.Path(__file__).parent / "data" / "pf_table.csv").open(encoding="utf-8")))
    assert len(rows) == 100
    for row in rows:
        factor = int(Decimal(row["power_factor"]) * 100)
        for standard in (90, 85, 80):
            published_percent = int(Decimal(row[f"adj_pct_std_0.{standard}"]) * 100)
            assert adjustment_percent(standard, factor) == published_percent, (standard, factor)


def test_the_rules_contain_no_float() -> None:
    for file in sorted(pathlib.Path(str(rules.__file__)).parent.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            assert not (isinstance(node, ast.Constant) and isinstance(node.value, float)), file
            assert not (isinstance(node, ast.Name) and node.id == "float"), file
            assert not (isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div)), file


# --- time of use and missing registers ---------------------------------------------------------------------------------------

FLOATED = tariff(
    component("agency_energy", "0.4", floats=True),
    component("government_funds", "0.03", group="fund"),
    seasons=seasons(sharp="200", peak="150", flat=None, valley="50"),
)


def test_flat_is_what_the_total_leaves_over() -> None:
    rated = rate(
        subject(piece("1000"), piece("50", band="sharp"), piece("250", band="peak"), piece("300", band="valley")),
        FLOATED,
    )
    assert amounts(rated) == {
        ("agency_energy", "sharp", None): "40.00",
        ("agency_energy", "peak", None): "150.00",
        ("agency_energy", "flat", None): "160.00",
        ("agency_energy", "valley", None): "60.00",
        ("government_funds", None, None): "30.00",
    }
    flat = next(line for line in rated.lines if line.band == "flat")
    assert "总电量 1000 - 其他时段 600 = 400" in flat.sentence.zh
    peak = next(line for line in rated.lines if line.band == "peak")
    assert [step.values.get("band") for step in peak.steps if step.kind == "registers"] == ["peak"]


def test_missing_registers_never_become_zero() -> None:
    rated = rate(subject(piece("1000"), piece("250", band="peak")), FLOATED)
    assert amounts(rated) == {("agency_energy", None, None): "400.00", ("government_funds", None, None): "30.00"}
    assert [one.code for one in rated.remarks] == ["no_time_of_use_registers"]
    assert "不分时" in rated.remarks[0].text.zh


def test_bands_that_differ_from_the_total_are_shown_for_review() -> None:
    bands = {"sharp": "0", "peak": "100", "flat": "100", "valley": "100"}
    rated = rate(subject(piece("1000"), *(piece(kwh, band=band) for band, kwh in bands.items())), FLOATED)
    assert rated.energy_wh == 300_000
    assert [(one.code, one.review) for one in rated.remarks] == [("bands_do_not_add_up", True)]


def test_band_that_the_month_does_not_have_counts_as_its_parent() -> None:
    document = tariff(
        component("agency_energy", "0.4", floats=True), seasons=seasons(peak="150", flat=None, valley="50")
    )
    bands = {"sharp": "10", "peak": "90", "flat": "100", "valley": "100", "deep": "0"}
    rated = rate(subject(*(piece(kwh, band=band) for band, kwh in bands.items())), document)
    assert amounts(rated)["agency_energy", "peak", None] == "60.00"  # 100 kWh at 0.6
    assert [(one.code, one.review) for one in rated.remarks] == [("band_without_price", True)]


def test_pieces_of_an_exchanged_meter_each_have_their_ratio() -> None:
    first = piece("200", meter_no="OLD", piece=1, multiplier="20", start="100.00", end="110.00")
    second = piece("300", meter_no="NEW", piece=2, multiplier="30", start="0.00", end="10.00")
    rated = rate(subject(first, second), tariff(component("energy", "0.5")))
    assert str(rated.total) == "250.00"
    assert "(110.00 - 100.00) × 20 = 200" in rated.lines[0].sentence.zh
    assert "Meter NEW, active, forward: (10.00 - 0.00) × 30 = 300 kWh" in rated.lines[0].sentence.en


def test_a_register_that_passed_zero_is_said_so() -> None:
    rolled = piece("150", start="999900.00", end="50.00")
    rated = rate(subject(rolled), tariff(component("energy", "0.5")))
    assert str(rated.total) == "75.00" and "过零" in rated.lines[0].sentence.zh


def test_estimated_days_reach_the_bill() -> None:
    rated = rate(
        subject(piece("100", status="estimated", method="interpolated", estimated_days=2)),
        tariff(component("energy", "0.5")),
    )
    assert rated.estimated_days == 2 and "其中估算 2 天" in rated.lines[0].sentence.zh


# --- basic charge and power factor --------------------------------------------------------------------------------------------


def two_part(by: str, price: str, **more: Any) -> TariffDocument:
    charge = {"by": by, "prices": [{"price": price}], "document": "测试文号〔2026〕1号", **more.pop("basic", {})}
    return tariff(component("energy", "0.5"), classes=[f"two_part_{by}"], basic=charge, **more)


def test_contract_demand_is_charged_without_a_demand_register() -> None:
    terms = {"tariff_class": "two_part_demand", "spans": [span("2026-04-01", "2026-04-30", kw="800")]}
    rated = rate(subject(piece("0"), **terms), two_part("demand", "40"))
    assert str(rated.total) == "32000.00"
    assert [one.code for one in rated.remarks] == ["no_demand_register"]
    metered = rate(subject(piece("0"), piece("900", "demand"), **terms), two_part("demand", "40"))
    assert str(metered.total) == "38400.00"  # 840 + 2 x 60 = 960 kW
    assert "超出部分按 2 倍" in metered.lines[-1].sentence.zh


def test_demand_is_at_least_a_share_of_the_capacity() -> None:
    document = two_part("demand", "40", basic={"demand": {"floor_share": "40"}})
    terms = {"tariff_class": "two_part_demand", "spans": [span("2026-04-01", "2026-04-30", kva="1000", kw="300")]}
    rated = rate(subject(piece("0"), piece("200", "demand"), **terms), document)
    assert str(rated.total) == "16000.00"  # 400 kW
    assert (
        "未超过 105%" in rated.lines[-1].sentence.zh and "不低于容量 1000 千伏安的 40%" in rated.lines[-1].sentence.zh
    )


def test_demand_of_several_feeds_is_added_and_the_largest_of_pieces_counts() -> None:
    pieces = [
        piece("0"),
        piece("100", "demand", point_no="P1"),
        piece("300", "demand", point_no="P1", meter_no="M2", piece=2),
        piece("200", "demand", point_no="P2"),
    ]
    terms = {"tariff_class": "two_part_demand", "spans": [span("2026-04-01", "2026-04-30")]}
    assert str(rate(subject(*pieces, **terms), two_part("demand", "40")).total) == "20000.00"


@pytest.mark.parametrize(("kwh", "total"), [("519999", "299999.50"), ("520000", "296000.00")])
def test_demand_discount_begins_at_260_kwh_per_kva(kwh: str, total: str) -> None:
    discount = {"energy_per_kva": "260", "price_share": "90", "document": "测试文号〔2026〕1号"}
    document = two_part("demand", "40", basic={"discount": discount})
    terms = {"tariff_class": "two_part_demand", "spans": [span("2026-04-01", "2026-04-30", kva="2000", kw="1000")]}
    assert str(rate(subject(piece(kwh), **terms), document).total) == total


@given(first=st.integers(1, 29), kva=st.integers(0, 10**6))
def test_capacity_by_calendar_days_is_one_monthly_charge(first: int, kva: int) -> None:
    spans = [
        span("2026-04-01", f"2026-04-{first:02d}", kva=str(kva)),
        span(f"2026-04-{first + 1:02d}", "2026-04-30", kva=str(kva)),
    ]
    rated = rate(subject(piece("0"), tariff_class="two_part_capacity", spans=spans), two_part("capacity", "28"))
    basic = sum(line.amount.fen for line in rated.lines if line.group == "basic")
    assert abs(basic - kva * 2800) <= 1
    adds_up(rated)


def test_a_contract_that_begins_within_the_month_pays_its_days() -> None:
    rated = rate(
        subject(
            piece("0"),
            first_day="2026-04-16",
            tariff_class="two_part_capacity",
            spans=[span("2020-01-01", "2030-12-31", kva="1000")],
        ),
        two_part("capacity", "28"),
    )
    assert str(rated.total) == "14000.00" and "× 15/30" in rated.lines[-1].arithmetic


def test_power_factor_needs_registers_and_energy() -> None:
    document = tariff(component("energy", "0.5"), power_factor={"document": "X1", "standards": [{"standard": 90}]})
    without = rate(subject(piece("100")), document)
    assert [line.code for line in without.lines] == ["energy"]
    assert [one.code for one in without.remarks] == ["no_reactive_register"]
    idle = rate(subject(piece("0"), piece("50", "reactive_fwd")), document)
    assert [(one.code, one.review) for one in idle.remarks] == [("power_factor_without_energy", True)]
    asleep = rate(subject(piece("0"), piece("0", "reactive_fwd")), document)
    assert [(one.code, one.review) for one in asleep.remarks] == [("power_factor_without_energy", False)]


def test_funds_stay_outside_the_power_factor_base() -> None:
    document = tariff(
        component("energy", "0.5"),
        component("green_power", "0.1", in_power_factor_base=False),
        component("government_funds", "0.03", group="fund"),
        power_factor={"document": "X1"},
    )
    rated = rate(subject(piece("800"), piece("600", "reactive_fwd"), standard=90), document)
    assert amounts(rated)["power_factor", None, None] == "20.00"  # 5 % of 400.00
    no_reward = document.model_copy(
        update={"power_factor": document.power_factor.model_copy(update={"reward": False})}  # type: ignore[union-attr]
    )
    better = rate(subject(piece("800"), piece("1", "reactive_fwd"), standard=90), no_reward)
    assert amounts(better)["power_factor", None, None] == "0.00"


# --- purchase -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "settlement"),
    [("sh.generation.surplus", "surplus_feed_in"), ("sh.generation.full", "full_feed_in")],
)
def test_purchase_takes_reverse_energy_and_shows_the_mark(code: str, settlement: str) -> None:
    rated = rate(
        subject(
            piece("1000", "active_rev", start="10.00", end="1010.00"),
            kind="purchase",
            tariff_class="generation",
            settlement=settlement,
            voltage="20",
        ),
        SHANGHAI[code],
    )
    assert str(rated.total) == "447.10" and rated.illustrative
    line = rated.lines[0]
    assert line.illustrative and line.note is not None and "湖南" in line.note.zh
    assert "示例价" in line.sentence.zh and "(illustrative)" in line.sentence.en
    assert line.arithmetic == "1000 kWh × 0.4471 = 447.10"


# --- refusals and choice -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "changed"),
    [
        ("held_reading", {"pieces": [wh(0).model_copy(update={"value_milli": None})]}),
        ("held_reading", {"pieces": [piece("5", status="held")]}),
        ("no_reading", {"pieces": []}),
        ("no_reading", {"pieces": [piece("5", "active_rev")]}),
        ("bad_quantity", {"pieces": [piece("-1")]}),
        ("bad_quantity", {"pieces": [wh(10**19)]}),
        ("bad_quantity", {"pieces": [piece("1"), piece("2")]}),
        ("class", {"tariff_class": "resident"}),
        ("class", {"settlement": "market"}),
        ("class", {"kind": "purchase"}),
        ("voltage", {"voltage": "220"}),
        ("not_in_force", {"month": "2019-12"}),
        ("no_days", {"first_day": "2026-05-01"}),
    ],
)
def test_what_cannot_be_rated_is_refused(code: str, changed: dict[str, Any]) -> None:
    right = subject(piece("100")).model_dump()
    with pytest.raises(CannotRate) as raised:
        rate(type(subject()).model_validate(right | changed), tariff(component("energy", "0.5")))
    assert raised.value.code == code
    assert raised.value.detail["zh"] and raised.value.detail["en"]


def test_a_tariff_that_ends_within_the_month_is_refused_for_it() -> None:
    document = tariff(component("energy", "0.5"), effective_to="2026-04-16")
    with pytest.raises(CannotRate) as raised:
        rate(subject(piece("100")), document)
    assert raised.value.code == "not_in_force"
    # For a contract that ends before it does the tariff is enough.
    assert str(rate(subject(piece("100"), last_day="2026-04-15"), document).total) == "50.00"


def test_two_part_needs_terms_and_prices_of_its_voltage() -> None:
    with pytest.raises(CannotRate) as raised:
        rate(subject(piece("1"), tariff_class="two_part_capacity"), two_part("capacity", "28"))
    assert raised.value.code == "no_terms"
    with pytest.raises(CannotRate) as raised:
        rate(
            subject(piece("1"), voltage="10"),
            tariff(component("energy", [{"price": "0.5", "voltages": ["0.38"]}])),
        )
    assert raised.value.code == "no_price"


def test_past_int64_is_refused_and_up_to_it_exact() -> None:
    large = 9_000_000_000_000_000_000 // 1000 * 1000
    rated = rate(subject(wh(large)), tariff(component("energy", "0.5")))
    assert rated.total.fen == charge_fen(50_000_000, large)
    with pytest.raises(CannotRate) as raised:
        rate(subject(wh(large)), tariff(component("energy", "90")))
    assert raised.value.code == "bad_quantity"


def test_choice_of_a_tariff() -> None:
    everything = list(SHANGHAI.values())
    on = date(2026, 4, 1)
    common: dict[str, Any] = {"kind": "supply", "settlement": "agency", "on": on}
    assert choose(everything, tariff_class="resident", **common).code == "sh.resident.tiered"
    assert choose(everything, tariff_class="resident", code="sh.resident.tiered.tou", **common).code.endswith("tou")
    for wrong in ({"code": "no.such"}, {"on": date(2019, 1, 1)}, {"settlement": "market"}):
        with pytest.raises(CannotRate) as raised:
            choose(everything, tariff_class="resident", **common | wrong)
        assert raised.value.code == "no_tariff"
    twice = [*everything, RESIDENT.model_copy(update={"code": "sh.other"})]
    with pytest.raises(CannotRate) as raised:
        choose(twice, tariff_class="resident", **common)
    assert raised.value.code == "ambiguous_tariff"


def test_every_class_of_the_demo_company_has_a_default_tariff_that_rates() -> None:
    demo = pathlib.Path(__file__).parents[4] / "examples" / "gaoping" / "data" / "contracts.csv"
    with demo.open(encoding="utf-8") as file:
        kinds = {
            (row["kind"], row["tariff_class"], row["settlement_mode"], row["voltage_kv"])
            for row in csv.DictReader(file)
        }
    assert len(kinds) > 6
    for kind, tariff_class, settlement, voltage in kinds:
        document = choose(
            SHANGHAI.values(), tariff_class=tariff_class, kind=kind, settlement=settlement, on=date(2026, 4, 1)
        )
        register = "active_rev" if kind == "purchase" else "active_fwd"
        rated = rate(
            subject(
                piece("123", register),
                kind=kind,
                tariff_class=tariff_class,
                settlement=settlement,
                voltage=voltage,
                spans=[span("2026-04-01", "2026-04-30", kva="400")] if tariff_class.startswith("two_part") else [],
            ),
            document,
        )
        assert rated.total > Money(0)
        adds_up(rated)


@pytest.mark.scope("B05-11")
def test_each_item_of_the_price_is_a_line_with_base_price_and_document() -> None:
    common: dict[str, Any] = {"tariff_class": "two_part_capacity", "voltage": "20"}
    terms = span("2026-04-01", "2026-04-30", kva="400")
    rated = rate(subject(piece("1000"), spans=[terms], **common), SHANGHAI["sh.two_part.capacity"])
    assert [(line.code, line.group) for line in rated.lines] == [
        ("agency_energy", "energy"),
        ("line_loss", "energy"),
        ("transmission", "energy"),
        ("basic_capacity", "basic"),
        ("system_operation", "energy"),
        ("government_funds", "fund"),
    ]
    sources = {source.number for source in SHANGHAI["sh.two_part.capacity"].sources}
    for line in rated.lines:
        assert line.quantity_milli == (400_000 if line.group == "basic" else 1_000_000)
        assert line.price is not None and line.document_no in sources
        assert line.document_no in line.sentence.zh and line.document_no in line.sentence.en
    adds_up(rated)


# --- explanation -----------------------------------------------------------------------------------------------------------------


@pytest.mark.scope("B05-02")
@pytest.mark.parametrize("code", sorted(SHANGHAI))
def test_examples_inside_the_shipped_tariffs_come_out(code: str) -> None:
    document = SHANGHAI[code]
    assert document.examples and example_faults(document) == []
    wrong = document.examples[0].model_copy(update={"total": document.examples[0].total + Money(1)})
    assert example_faults(document.model_copy(update={"examples": [wrong]}))
    dearer = [price.model_copy(update={"price": Price.of("9.99")}) for price in document.components[0].prices]
    first = document.components[0].model_copy(update={"prices": dearer})
    assert example_faults(document.model_copy(update={"components": [first, *document.components[1:]]}))


def test_an_example_can_test_what_a_tariff_says_of_few_customers() -> None:
    """The agency price times 1.5, free energy, larger households with two months of reading, and the last hours of a subsidy."""

    def right(document: TariffDocument, lines: dict[str, str], **given: Any) -> None:
        example = {
            "title": "例",
            "month": "2026-04",
            "voltage": "0.22",
            "lines": [
                {"code": code.partition(" ")[0], "tier": code.partition(" ")[2] or None, "amount": amount}
                for code, amount in lines.items()
            ],
            "total": str(Money(sum(Money.of(amount).fen for amount in lines.values()))),
            **given,
        }
        assert example_faults(document.model_copy(update={"examples": [Example.model_validate(example)]})) == []

    used = {"quantities": [{"value": "1000"}]}
    agency = tariff(
        component("agency_energy", "0.4"),
        component("transmission", "0.1"),
        agency_multiple={"cases": ["returned"], "document": DOCUMENT},
    )
    right(agency, {"agency_energy": "600.00", "transmission": "100.00"}, agency_case="returned", **used)
    free = tariff(component("energy", "0.5469"), free_energy={"per_month": "15", "document": DOCUMENT})
    right(free, {"energy": "546.90", "free_energy": "-16.41"}, free_months=2, **used)
    prices = [{"price": price, "tier": tier} for tier, price in enumerate(("0.5", "0.6", "0.8"), 1)]
    monthly = tariff(component("energy", prices), tiers=tiers("monthly", "200", "400"))
    # Two months of reading, 100 kWh more room: 500 and 400 kWh, and 100 beyond.
    wanted = {"energy 1": "250.00", "energy 2": "240.00", "energy 3": "80.00"}
    right(monthly, wanted, reading_months=2, tier_extra="100", **used)
    solar = tariff(
        component("purchase_energy", "0.4", group="purchase"),
        component("generation_subsidy", "0.42", group="purchase"),
        kind="purchase",
        classes=["generation"],
        settlements=["full_feed_in"],
        subsidy={"hours": 1000, "document": DOCUMENT},
    )
    right(
        solar,
        {"purchase_energy": "400.00", "generation_subsidy": "168.00"},
        quantities=[{"quantity": "active_rev", "value": "1000"}],
        plant={"capacity": "10", "connected_on": "2020-05-01", "subsidised_before": "9600"},
    )


def test_an_example_that_fails_says_line_by_line_what_it_expected() -> None:
    example = {
        "title": "例",
        "month": "2026-04",
        "voltage": "0.22",
        "quantities": [{"value": "10"}],
        "lines": [{"code": "energy", "amount": "5.01"}, {"code": "fund_renewable", "amount": "1.00"}],
        "total": "6.01",
    }
    [found] = example_faults(tariff(component("energy", "0.5"), examples=[example]))
    assert found.message.en == (
        "Example '例': energy expected 5.01, got 5.00; fund_renewable expected 1.00, got none; total expected 6.01, got 5.00"
    )
    assert "energy 应为 5.01，实为 5.00" in found.message.zh


@given(value=st.integers(0, 10**9), used=KWH)
@settings(max_examples=30)
def test_every_line_is_explained_by_its_own_steps(value: int, used: int) -> None:
    rated = rate(resident(wh(value, start="1.00", end="2.00"), used_before_wh=used), RESIDENT)
    for line in rated.lines:
        kinds = [step.kind for step in line.steps]
        assert kinds == ["registers", "tier", "price", "charge"]
        assert line.sentence.zh == "".join(step.text.zh for step in line.steps)
        by_kind = {step.kind: step.values for step in line.steps}
        assert by_kind["price"]["document"] == line.document_no in {source.number for source in RESIDENT.sources}
        assert by_kind["charge"]["amount"] == str(line.amount)
        assert by_kind["charge"]["quantity"] in line.arithmetic and str(line.price) in line.arithmetic
        assert Energy.of(by_kind["tier"][f"tier_{line.tier}"]).wh == line.quantity_milli


def test_a_rated_bill_survives_the_wire() -> None:
    rated = rate(resident(piece("5000", start="1.00", end="5001.00")), RESIDENT)
    again = Rated.model_validate_json(rated.model_dump_json())
    assert again == rated and len(again.lines) == 3


def test_no_use_is_one_line_of_zero_for_each_component() -> None:
    rated = rate(resident(piece("0")), RESIDENT)
    assert amounts(rated) == {("energy", None, 1): "0.00"}


def test_tariff_with_a_gap_in_its_prices_is_refused_not_guessed() -> None:
    gap = tariff(component("energy", [{"price": "0.5", "tier": 1}]), tiers=tiers("annual", "100"))
    with pytest.raises(CannotRate) as raised:
        rate(subject(piece("500")), gap)
    assert raised.value.code == "no_price" and "第2档" in raised.value.detail["zh"]


def test_a_sub_meter_without_energy_takes_nothing_off_a_main_meter_without_a_flat_band() -> None:
    main = Metered({"sharp": 0, "valley": 0}, [], [])
    _take(main, Part(point_no="S0", way="meter"), Metered({"total": 0}, [], []), 0)
    assert main.by_band == {"sharp": 0, "valley": 0}

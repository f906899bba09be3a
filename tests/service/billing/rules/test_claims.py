"""Claims outside the month's bill: published cases by their id, and what holds for every claim."""

import ast
import pathlib
import re
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any, get_args

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st
from tests.service.billing.rules.make import CASES, component, given, tariff, yuan

import denghuo.service.billing.rules as rules
from denghuo.kernel.values import Energy, Money, Percent, Power, Price
from denghuo.service.billing import claims
from denghuo.service.billing.api.claim import Breach, OutageCompensation, Theft
from denghuo.service.billing.lines import Claim
from denghuo.service.billing.rules.claims import (
    Debt,
    LateFeeTerms,
    Load,
    PricedEnergy,
    correction_claim,
    factor_corrected,
    late_fee,
    late_fee_terms,
    outage_compensation,
    over_quota,
    sealed_equipment,
    settled,
    stated,
    stolen_by_load,
    stolen_by_share,
    temporary_refund,
    temporary_settlement,
    temporary_supply,
    theft,
    touched_metering,
    unauthorised_capacity,
    unauthorised_supply,
    wrong_category,
)
from denghuo.service.billing.rules.claims.breach import (
    HOURS_A_DAY,
    UNKNOWN_DAYS,
    months_charged,
    rated_power_w,
    theft_energy,
)
from denghuo.service.billing.rules.claims.correction import (
    corrected,
    creep,
    drop_factor,
    elements_factor,
    errors_factor,
    meter_error,
    normal_month,
    phases_factor,
    ratio_factor,
    three_wire_lost_voltage,
    three_wire_reversed_current,
)
from denghuo.service.billing.rules.claims.temporary import component_prices
from denghuo.service.billing.rules.registry import RULES, Basis, cited, dated, in_force

RULE_ID = (
    r"(quantity|loss|basic|factor|tier|agency|market|solar|late|breach|theft|correction|refund|outage|temporary)"
    r"\.[a-z0-9_]+(\.[a-z0-9]+)?"
)
NEW = late_fee_terms(date(2025, 1, 18))


def wh(kwh: Any) -> int:
    return Energy.of(str(kwh)).wh


def explained(claim: Claim) -> None:
    """Every line adds up, says its arithmetic, and rests on a rule of the registry."""
    assert claim.total.fen == sum(line.amount.fen for line in claim.lines)
    for line in claim.lines:
        assert line.rule in RULES and line.rule in {rule.id for rule in cited(line.steps)}
        assert line.sentence.zh == "".join(step.text.zh for step in line.steps)
        assert line.arithmetic in line.sentence.zh and line.arithmetic in line.sentence.en
        assert line.arithmetic.endswith(str(line.amount))
    assert Claim.model_validate_json(claim.model_dump_json()) == claim


# --- late fee ----------------------------------------------------------------------------------------------------------------


def december_and_january(inputs: dict[str, Any]) -> list[Debt]:
    return [
        Debt("2024-12", yuan(inputs["dec"]), date(2024, 12, 15)),
        Debt("2025-01", yuan(inputs["jan"]), date(2025, 1, 15)),
    ]


def test_late_01_two_and_three_per_mille_across_the_year_end() -> None:
    inputs, expected = given("late-01")
    claim = late_fee(december_and_january(inputs), date(2025, 1, 18), resident=False, terms=NEW)
    assert [str(line.amount) for line in claim.lines] == ["64.00", "108.00", "18.00"]
    assert claim.lines[2].amount == yuan(expected["jan_part"])
    assert claim.lines[0].amount + claim.lines[1].amount == yuan(expected["dec_part"])
    assert claim.total == yuan(expected["total"])
    explained(claim)


def test_late_03_answers_as_if_the_old_debt_had_been_of_last_year_from_its_first_day() -> None:
    inputs, expected = given("late-03")
    assert not CASES["late-03"]["verified"]
    claim = late_fee(december_and_january(inputs), date(2025, 1, 18), resident=False, terms=NEW)
    assert claim.total == yuan(190)
    # The published 222 takes 3 per mille for all 34 days of the December debt: a debt of the year before would be that.
    key = [
        Debt("2024-12", yuan(inputs["dec"]), date(2024, 12, 15), year=2023),
        Debt("2025-01", yuan(inputs["jan"]), date(2025, 1, 15)),
    ]
    assert late_fee(key, date(2025, 1, 18), resident=False, terms=NEW).total == yuan(expected["total"])


def test_late_04_each_rate_is_rounded_by_itself() -> None:
    inputs, expected = given("late-04")
    claim = late_fee(december_and_january(inputs), date(2025, 1, 18), resident=False, terms=NEW)
    assert claim.total == yuan(expected["total"])
    exact = Decimal(inputs["dec"]) * (16 * 2 + 18 * 3) / 1000 + Decimal(inputs["jan"]) * 3 * 2 / 1000
    assert str(exact.quantize(Decimal("0.01"), ROUND_HALF_UP)) == "190.86"  # rounding once at the end


@pytest.mark.parametrize(
    ("resident", "terms", "amount", "days", "fee"),
    [
        (True, NEW, "100.00", 3, "0.30"),
        (True, late_fee_terms(date(2024, 5, 31)), "100.00", 3, "1.00"),  # the old text's least fee
        (True, late_fee_terms(date(2024, 5, 31)), "100.00", 0, "0.00"),
        (False, LateFeeTerms("late.2024", cap=Percent.of("30")), "100.00", 400, "30.00"),
    ],
)
def test_late_fee_of_residents_least_and_cap(
    resident: bool, terms: LateFeeTerms, amount: str, days: int, fee: str
) -> None:
    due = date(2024, 3, 1)
    claim = late_fee(
        [Debt("2024-02", Money.of(amount), due)], due + timedelta(days=days), resident=resident, terms=terms
    )
    assert str(claim.total) == fee
    explained(claim)


def test_late_fee_let_off_and_partial_payment() -> None:
    debt = Debt("2026-03", Money.of("1000"), date(2026, 4, 10), payments=[(date(2026, 4, 20), Money.of("600"))])
    claim = late_fee([debt], date(2026, 4, 30), resident=False, terms=NEW, waived=Money.of("8.00"))
    assert [str(line.amount) for line in claim.lines] == ["20.00", "8.00", "-8.00"]  # 10 days on 1000, 10 days on 400
    explained(claim)
    with pytest.raises(ValueError, match="cannot be let off"):
        late_fee([debt], date(2026, 4, 30), resident=False, terms=NEW, waived=Money.of("28.01"))


@for_all(
    fen=st.integers(1, 10**10),
    due=st.dates(date(2020, 1, 1), date(2030, 12, 31)),
    days=st.integers(0, 900),
    resident=st.booleans(),
)
def test_late_fee_counts_every_day_once(fen: int, due: date, days: int, resident: bool) -> None:
    claim = late_fee([Debt("x", Money(fen), due)], due + timedelta(days=days), resident=resident, terms=NEW)
    assert sum(line.quantity_milli or 0 for line in claim.lines) == days * 1000
    in_year = min(days, (date(due.year, 12, 31) - due).days)
    exact = Fraction(fen, 1000) * (days if resident else 2 * in_year + 3 * (days - in_year))
    assert abs(claim.total.fen - exact) <= len(claim.lines) * Fraction(1, 2)


@for_all(fen=st.integers(1000, 10**8), paid=st.integers(0, 1000), at=st.integers(1, 60), days=st.integers(60, 200))
def test_a_payment_never_raises_the_fee(fen: int, paid: int, at: int, days: int) -> None:
    due = date(2026, 1, 10)
    until = due + timedelta(days=days)
    whole = late_fee([Debt("x", Money(fen), due)], until, resident=True, terms=NEW).total
    part = [(due + timedelta(days=at), Money(fen * paid // 1000))]
    assert late_fee([Debt("x", Money(fen), due, part)], until, resident=True, terms=NEW).total.fen <= whole.fen + 1


# --- breach and theft ----------------------------------------------------------------------------------------------------------


def test_breach_01_capacity_of_a_single_part_user() -> None:
    inputs, expected = given("breach-01")
    claim = unauthorised_capacity(Power.of(str(inputs["kW"])).w, unit="kW")
    assert claim.total == yuan(expected["penalty"])
    explained(claim)


def test_cap_02_capacity_of_a_two_part_user_by_thirtieths() -> None:
    inputs, expected = given("cap-02")
    common: dict[str, Any] = {
        "two_part_price": Price.of(str(inputs["price"])),
        "first_day": date(2020, 8, 25),
        "last_day": date(2020, 9, 30),
        "times": inputs["mult"],
    }
    claim = unauthorised_capacity(inputs["kVA"] * 1000, days="thirty", **common)
    assert [line.amount for line in claim.lines] == [yuan(expected["back"]), yuan(expected["penalty"])]
    explained(claim)
    # The 2024 text divides by the 31 days of August: 6300 x (7/31 + 1).
    newer = unauthorised_capacity(inputs["kVA"] * 1000, days="calendar", **common)
    assert [str(line.amount) for line in newer.lines] == ["7722.58", "23167.74"]


def test_breach_05_wrong_category() -> None:
    inputs, expected = given("breach-05")
    pieces = [PricedEnergy(wh(kwh), Price.of(inputs["diff"]), f"2026-0{at}") for at, kwh in enumerate(inputs["kWh"], 1)]
    claim = wrong_category(pieces)
    assert sum(line.amount.fen for line in claim.lines[:-1]) == yuan(expected["back"]).fen
    assert claim.lines[-1].amount == yuan(expected["penalty"])
    explained(claim)


def test_a_penalty_is_taken_on_the_exact_difference() -> None:
    claim = wrong_category([PricedEnergy(wh(1), Price.of("0.3333"))])
    assert [str(line.amount) for line in claim.lines] == ["0.33", "0.67"]
    assert claim.lines[1].arithmetic == "0.3333 × 2 = 0.67"


def test_other_breaches_are_fixed_amounts() -> None:
    assert str(sealed_equipment(100_000).total) == "3000.00"
    two_part = sealed_equipment(
        100_000, two_part_price=Price.of("30"), first_day=date(2026, 4, 1), last_day=date(2026, 4, 30)
    )
    assert [str(line.amount) for line in two_part.lines] == ["3000.00", "6000.00"]
    assert str(unauthorised_supply(2_000).total) == "1000.00"
    assert str(touched_metering(resident=False).total) == "5000.00"
    assert str(touched_metering(2, resident=True).total) == "1000.00"
    beyond = over_quota(10_000, [PricedEnergy(wh(100), Price.of("0.5"))])
    assert [str(line.amount) for line in beyond.lines] == ["10.00", "250.00"]
    for claim in (two_part, beyond, unauthorised_supply(2_000), touched_metering(2, resident=True)):
        explained(claim)
    with pytest.raises(ValueError, match="at most 3"):
        unauthorised_capacity(1000, times=4)
    with pytest.raises(ValueError, match="the first and the last day"):
        unauthorised_capacity(1000, two_part_price=Price.of("30"))


@pytest.mark.parametrize("case_id", ["theft-01", "theft-03", "theft-06"])
def test_theft_of_unknown_time(case_id: str) -> None:
    inputs, expected = given(case_id)
    load = (inputs["kW"] * 1000, HOURS_A_DAY["lighting"], UNKNOWN_DAYS)
    assert (inputs["hours"], inputs["days"]) == load[1:]
    energy = theft_energy(*load)
    assert rated_power_w(220, 10, 1) == 2200 and rated_power_w(220, 5, 3, 30) == 99_000
    if "kWh" in expected:
        assert energy == wh(expected["kWh"])
    found = stolen_by_load(load[0], Price.of(inputs["price"]), use="lighting")
    assert found.energy_wh == energy
    claim = theft([found])
    assert [line.amount for line in claim.lines] == [yuan(expected["back"]), yuan(expected["penalty"])]
    assert "theft.energy" in {rule.id for rule in cited(claim.lines[0].steps)}
    explained(claim)


def test_theft_08_by_a_transformer_ratio_and_another_breach() -> None:
    inputs, expected = given("theft-08")
    missing = stolen_by_share(wh(inputs["kWh"]), Percent.of(str(Decimal(inputs["rate"]) * 100)), Price.of("0.8777008"))
    assert missing.energy_wh == wh(expected["kWh"])
    claim = theft([missing])
    assert [line.amount for line in claim.lines] == [yuan(inputs["back"]), yuan(expected["penalty"])]
    assert claim.total + touched_metering(resident=False).total == yuan(expected["total"])
    explained(claim)


@for_all(first=st.dates(date(2020, 1, 1), date(2030, 1, 1)), days=st.integers(1, 800), cut=st.integers(1, 799))
def test_months_by_calendar_days_add_up_over_a_cut(first: date, days: int, cut: int) -> None:
    last = first + timedelta(days=days)
    middle = first + timedelta(days=min(cut, days) - 1)
    whole = months_charged(first, last, "calendar")
    assert (
        months_charged(first, middle, "calendar") + months_charged(middle + timedelta(days=1), last, "calendar")
        == whole
    )


# --- correction ----------------------------------------------------------------------------------------------------------------


def test_err_04_mixed_ratios_with_one_reversed() -> None:
    inputs, expected = given("err-04")
    factor = elements_factor([Fraction(ratio) for ratio in inputs["ct"]], Fraction(inputs["billed_ratio"]))
    assert factor - 1 == Fraction(expected["rate"])
    found = corrected({"total": wh(inputs["kWh"])}, factor, "correction.wiring")
    assert found.energy_wh == wh(int(expected["back"]))


def test_err_05_published_fee_comes_from_energy_that_was_rounded_before() -> None:
    inputs, expected = given("err-05")
    factor = elements_factor([Fraction(ratio) for ratio in inputs["ct"]], Fraction(inputs["billed_ratio"]))
    found = corrected({"total": wh(inputs["kWh"])}, factor, "correction.wiring")
    assert found.energy_wh == 272_727  # 3000 x 1/11
    claim = correction_claim(found, {"total": Price.of(inputs["price"])})
    # 272.727 kWh x 0.45 is 122.727, so 122.73 to the fen; the published 122.715 is 272.7 kWh x 0.45.
    assert str(claim.total) == "122.73" and not CASES["err-05"]["verified"]
    assert Decimal("272.7") * Decimal(inputs["price"]) == Decimal(expected["fee"])
    explained(claim)
    whole = corrected({"total": wh(inputs["kWh"])}, factor, "correction.wiring", places=0)
    assert str(correction_claim(whole, {"total": Price.of(inputs["price"])}).total) == "122.85"


def test_err_08_one_voltage_of_three_lost() -> None:
    inputs, expected = given("err-08")
    found = corrected({"total": wh(inputs["kWh"])}, phases_factor(inputs["phases"]), "correction.voltage")
    assert found.energy_wh == wh(int(expected["back"]))


def test_err_10_creep() -> None:
    inputs, expected = given("err-10")
    found = creep(inputs["minutes"], inputs["min_per_rev"], inputs["rev_per_kWh"])
    assert found.energy_wh == -wh(expected["kWh"])


@pytest.mark.parametrize("case_id", ["err-12", "err-14"])
def test_wrong_transformer_ratio(case_id: str) -> None:
    inputs, expected = given(case_id)
    factor = ratio_factor(Fraction(inputs["actual"], 5), Fraction(inputs["billed"], 5))
    assert round(Decimal((factor - 1).numerator) / (factor - 1).denominator, 2) == Decimal(expected["coef"])


def test_meter_error_counts_half_the_time_from_zero_error() -> None:
    found = meter_error({"total": wh(19_000)}, Percent.of("-5"))
    assert found.energy_wh == wh(500)  # 9500 / 0.95 - 9500
    assert meter_error({"total": wh(10_500)}, Percent.of("5"), known_since=True).energy_wh == -wh(500)


def test_each_register_has_its_own_price_in_a_correction() -> None:
    found = corrected({"peak": wh(100), "valley": wh(200)}, phases_factor(2), "correction.voltage")
    claim = correction_claim(found, {"peak": Price.of("1.0"), "valley": Price.of("0.3")}, "2026-03")
    assert [(line.band, str(line.amount)) for line in claim.lines] == [("peak", "50.00"), ("valley", "30.00")]
    explained(claim)
    with pytest.raises(KeyError):
        correction_claim(found, {"peak": Price.of("1.0")})


def test_three_wire_meters() -> None:
    equal = Fraction(173205080757, 10**11)  # tan 60 degrees
    assert abs(three_wire_lost_voltage("A", equal) - 1) < Fraction(1, 10**9)
    assert three_wire_lost_voltage("B", equal) == 2
    assert abs(three_wire_lost_voltage("C", Fraction(0)) - 2) < Fraction(1, 10**9)
    assert abs(three_wire_reversed_current("A", equal) - 1) < Fraction(1, 10**9)
    assert three_wire_reversed_current("C", Fraction(1)) < 0
    with pytest.raises(ValueError, match="nothing was registered"):
        three_wire_reversed_current("A", Fraction(0))
    with pytest.raises(ValueError, match="cancel out"):
        elements_factor([Fraction(40), Fraction(-40)], Fraction(40))
    with pytest.raises(ValueError, match="phases"):
        phases_factor(0)


def test_faults_by_normal_month_and_voltage_drop() -> None:
    assert normal_month(wh(1000), wh(400)).energy_wh == wh(600)
    for drop, again in (("0.8", wh(300)), ("0.4", 0)):
        factor = drop_factor(Percent.of(drop), Percent.of("0.5"))
        assert corrected({"total": wh(100_000)}, factor, "correction.drop").energy_wh == again


@for_all(
    ratio=st.integers(1, 1000),
    errors=st.lists(st.integers(-5000, 5000), min_size=3, max_size=3),
    energy=st.integers(0, 10**12),
)
def test_right_transformers_need_no_correction(ratio: int, errors: list[int], energy: int) -> None:
    assert elements_factor([Fraction(ratio)] * 3, Fraction(ratio)) == 1
    assert ratio_factor(Fraction(ratio), Fraction(ratio)) == 1
    factor = errors_factor([Percent(error) for error in errors])
    # Whoever registers factor times too little is brought back to the truth.
    true = factor * energy
    found = corrected({"total": energy}, factor, "correction.wiring")
    assert abs(energy + found.energy_wh - true) <= Fraction(1, 2)
    assert errors_factor([Percent(0)] * 3) == 1


# --- refund ----------------------------------------------------------------------------------------------------------------------


def test_gs_refund_is_the_sum_of_its_lines() -> None:
    inputs, expected = given("gs-refund")
    claim = settled([PricedEnergy(-wh(1), Price.of(str(item).lstrip("-"))) for item in inputs["items"]])
    assert [str(line.amount) for line in claim.lines] == [f"{Decimal(item):.2f}" for item in inputs["items"]]
    assert claim.total == yuan(expected["total"])
    explained(claim)


def test_pf_01_reactive_energy_that_was_missing() -> None:
    inputs, expected = given("pf-01")
    base = Money.of("12000")  # 12600 with its surcharge of 5 %
    assert yuan(inputs["bill_incl_pf"]) == Money(base.fen * 105 // 100)
    now = wh(inputs["kvarh"] + inputs["missing_kvarh"])
    line = factor_corrected(
        wh(inputs["kWh"]), wh(inputs["kvarh"]), now, standard=int(Decimal(inputs["std"]) * 100), base=base
    )
    assert line.amount == yuan(expected["back_bill"]) and line.arithmetic == "1140.00 - 600.00 = 540.00"
    assert [one.values["percent"] for one in line.steps[:2]] == [str(expected["pct1"]), str(expected["pct2"])]
    assert stated("基本电费", Money(-1), "2026-03").sentence.zh == "2026-03：金额：-0.01 元。"
    with pytest.raises(ValueError, match="without active energy"):
        factor_corrected(0, 1, 2, standard=90, base=base)


# --- compensation, temporary supply, figures ------------------------------------------------------------------------------------


def test_outage_01_four_times_the_average_price() -> None:
    inputs, expected = given("outage-01")
    common = (wh(inputs["month_kWh"]), inputs["hours"] * 60, Price.of(inputs["price"]))
    claim = outage_compensation(*common, two_part=False)
    assert claim.total == -yuan(int(expected["compensation"])) and claim.energy_wh == wh(1250)
    explained(claim)
    assert outage_compensation(*common, two_part=True).total == -yuan(2500)


def test_temporary_supply_is_paid_by_components_and_settled_later() -> None:
    inputs, expected = given("temp-01")
    energy, *funds = inputs["prices"]
    document = tariff(
        component("energy", energy),
        *(component(f"fund_{at}", price, group="fund") for at, price in enumerate(funds, 1)),
    )
    loads = [Load(kwh * 1000 // 8, 8, 1) for kwh in inputs["parts"]]
    claim = temporary_supply(loads, component_prices(document, "0.38"))
    assert claim.energy_wh == wh(expected["kWh"])
    assert [line.amount for line in claim.lines] == [yuan(expected[key]) for key in ("energy", "f1", "f2", "f3")]
    assert claim.total == yuan(expected["total"])
    explained(claim)
    shorter = temporary_supply(loads[:1], component_prices(document, "0.38"))
    back = temporary_settlement(shorter, claim.total)
    assert back.total == shorter.total - claim.total and back.total < Money(0)
    explained(back)


@pytest.mark.parametrize(("used", "back"), [(14, "-50.01"), (15, "0.00"), (40, "0.00")])
def test_old_refund_of_a_payment_in_advance(used: int, back: str) -> None:
    claim = temporary_refund(Money.of("100.01"), 30, used)
    assert str(claim.total) == back
    explained(claim)
    with pytest.raises(ValueError, match="agreed"):
        temporary_refund(Money(1), 0, 0)


# --- registry ----------------------------------------------------------------------------------------------------------------


def test_rules_have_documents_words_and_spans() -> None:
    for rule in RULES.values():
        assert rule.document and rule.words.zh and rule.words.en
        assert rule.basis in get_args(Basis)
        assert rule.since is None or rule.until is None or rule.since < rule.until
    before, after = ({rule.id for rule in in_force(day)} for day in (date(2024, 5, 31), date(2024, 6, 1)))
    assert {"basic.days.1996", "late.1996"} <= before and not {"basic.days.2024", "late.2024"} & before
    assert {"basic.days.2024", "late.2024"} <= after and not {"basic.days.1996", "late.1996"} & after


def test_a_text_is_not_cited_before_it_was_in_force() -> None:
    texts = {"电力工业部令第8号": date(1996, 10, 8), "国家发展改革委令第14号": date(2024, 6, 1)}
    for rule in RULES.values():
        named = [since for document, since in texts.items() if document in rule.document]
        assert not named or (rule.since is not None and rule.since >= min(named)), rule.id
    assert dated("theft.penalty", date(2024, 5, 31)) == "theft.penalty.1996"
    assert dated("theft.penalty", date(2024, 6, 1)) == dated("theft.penalty", None) == "theft.penalty"
    assert dated("basic.pause", date(2020, 1, 1)) == "basic.pause"
    # Found in August 2019: thirtieths, and the document of that time. From 10 May to 20 June 2024: 22/30 and 20/30 of a month.
    used = {"power": "315", "basic_price": "20"}
    old = claims.breach(
        Breach.model_validate({"capacity": used | {"first_day": "2019-08-25", "last_day": "2019-09-30"}})
    )
    assert [str(line.amount) for line in old.lines] == ["7770.00", "23310.00"]
    assert {line.document_no for line in old.lines} == {"供电营业规则（电力工业部令第8号）"}
    turn = claims.breach(
        Breach.model_validate({"capacity": used | {"first_day": "2024-05-10", "last_day": "2024-06-20"}})
    )
    assert str(turn.lines[0].amount) == "8820.00" and turn.lines[0].rule == "breach.capacity"
    assert {"basic.days.1996", "basic.days.2024"} <= {rule.id for rule in cited(turn.lines[0].steps)}
    load = {"power": "2", "use": "lighting", "price": "0.52"}
    found = claims.theft(Theft.model_validate({"loads": [load], "found_on": "2020-01-01"}))
    assert {line.rule for line in found.lines} == {"theft.penalty.1996"}
    outage = {"registered": "30000", "minutes": 1800, "price": "0.4", "on": "2010-05-01"}
    assert (
        claims.outage_compensation(OutageCompensation.model_validate(outage)).lines[0].rule
        == "outage.compensation.1996"
    )


def test_every_rule_that_the_code_names_is_in_the_table() -> None:
    named: set[str] = set()
    for file in pathlib.Path(str(rules.__file__)).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                named |= {word for word in node.value.split() if re.fullmatch(RULE_ID, word)}
    assert len(named) > 50 and named <= set(RULES)

"""Claims through the service: every published case of their kinds comes out, and what does not fit is named with its field."""

import pathlib
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from tests.service.billing.county import ACCOUNTANT, County, Supply, county, settle_county
from tests.service.billing.rules.make import CASES, given, yuan

from denghuo.kernel.values import Energy
from denghuo.service.billing.api import (
    BillingApi,
    Breach,
    LateFee,
    NotTriable,
    OutageCompensation,
    QuantityCorrection,
    Refund,
    TemporarySupply,
    Theft,
    WorkedOut,
)

REQUESTS = {
    "late_fee": LateFee,
    "breach": Breach,
    "theft": Theft,
    "quantity_correction": QuantityCorrection,
    "refund": Refund,
    "outage_compensation": OutageCompensation,
    "temporary_supply": TemporarySupply,
}
KINDS = ("late", "breach", "theft", "err", "outage", "temp")
"""How the ids of published cases of these kinds begin; cap-02, gs-refund and pf-01 belong to them too."""


@pytest.fixture(params=["local", "remote"])
def found(request: pytest.FixtureRequest, database_dsn: str, tmp_path: pathlib.Path) -> Iterator[County]:
    with county(request.param, database_dsn, tmp_path) as made:
        yield made


def worked(billing: BillingApi, kind: str, **facts: Any) -> WorkedOut:
    claim: WorkedOut = getattr(billing, kind)(ACCOUNTANT, REQUESTS[kind].model_validate(facts))
    assert claim.amount.fen == sum(line.amount.fen for line in claim.lines)
    for line in claim.lines:
        assert line.steps and line.document_no
        assert line.arithmetic in line.sentence.zh and line.arithmetic in line.sentence.en
        assert line.sentence.zh == "".join(step.text.zh for step in line.steps)
    return claim


def amounts(claim: WorkedOut) -> list[str]:
    return [str(line.amount) for line in claim.lines]


# --- published cases ----------------------------------------------------------------------------------------------------------


def december_and_january(inputs: dict[str, Any]) -> list[dict[str, str]]:
    return [
        {"name": "2024-12", "principal": str(inputs["dec"]), "due_on": "2024-12-15"},
        {"name": "2025-01", "principal": str(inputs["jan"]), "due_on": "2025-01-15"},
    ]


def late(billing: BillingApi, case: str) -> None:
    inputs, expected = given(case)
    claim = worked(billing, "late_fee", debts=december_and_january(inputs), paid_on="2025-01-18")
    if "dec_part" in expected:
        assert claim.lines[0].amount + claim.lines[1].amount == yuan(expected["dec_part"])
        assert claim.lines[2].amount == yuan(expected["jan_part"])
    if CASES[case]["verified"]:
        assert claim.amount == yuan(expected["total"])
        return
    # The published 222 takes 3 per mille for all 34 days of the December debt, as if it were one of the year before.
    assert claim.amount == yuan(190)
    debts = december_and_january(inputs)
    debts[0]["year"] = "2023"
    assert worked(billing, "late_fee", debts=debts, paid_on="2025-01-18").amount == yuan(expected["total"])


def breach_01(billing: BillingApi) -> None:
    inputs, expected = given("breach-01")
    assert worked(billing, "breach", capacity={"power": str(inputs["kW"])}).amount == yuan(expected["penalty"])


def breach_05(billing: BillingApi) -> None:
    inputs, expected = given("breach-05")
    category = [
        {"period": f"2026-0{at}", "energy": str(kwh), "price": str(inputs["diff"])}
        for at, kwh in enumerate(inputs["kWh"], 1)
    ]
    claim = worked(billing, "breach", category=category)
    assert sum(line.amount.fen for line in claim.lines[:-1]) == yuan(expected["back"]).fen
    assert claim.lines[-1].amount == yuan(expected["penalty"])


def cap_02(billing: BillingApi) -> None:
    inputs, expected = given("cap-02")
    used = {
        "power": str(inputs["kVA"]),
        "basic_price": str(inputs["price"]),
        "first_day": f"2020-{inputs['start']}",
        "last_day": f"2020-{inputs['end']}",
        "times": inputs["mult"],
    }
    assert [line.amount for line in worked(billing, "breach", capacity=used).lines] == [
        yuan(expected["back"]),
        yuan(expected["penalty"]),
    ]


def theft_of_unknown_time(billing: BillingApi, case: str) -> None:
    inputs, expected = given(case)
    load = {"power": str(inputs["kW"]), "use": "lighting", "price": str(inputs["price"])}
    said = worked(billing, "theft", loads=[load])
    stated = worked(billing, "theft", loads=[load | {"hours_a_day": inputs["hours"], "days": inputs["days"]}])
    assert said.lines == stated.lines
    assert [line.amount for line in said.lines] == [yuan(expected["back"]), yuan(expected["penalty"])]
    assert "180 天" in said.lines[0].sentence.zh
    if "kWh" in expected:
        assert said.energy == Energy.of(str(expected["kWh"]))


def theft_08(billing: BillingApi) -> None:
    inputs, expected = given("theft-08")
    share = str(Decimal(inputs["rate"]) * 100)
    # The price that gives the published 5485.63 for 6250 kWh.
    missing = {"registered": str(inputs["kWh"]), "share": share, "price": "0.8777008"}
    claim = worked(billing, "theft", shares=[missing])
    assert claim.energy == Energy.of(str(expected["kWh"]))
    assert [line.amount for line in claim.lines] == [yuan(inputs["back"]), yuan(expected["penalty"])]
    extra = worked(billing, "breach", metering={"count": 1})
    assert extra.amount == yuan(inputs["extra"]) and claim.amount + extra.amount == yuan(expected["total"])


def err_04(billing: BillingApi) -> None:
    inputs, expected = given("err-04")
    elements = [{"ratio": abs(ratio), "reversed": ratio < 0} for ratio in inputs["ct"]]
    registered = [{"energy": str(inputs["kWh"]), "price": "0.5"}]
    claim = worked(
        billing, "quantity_correction", registered=registered, elements=elements, billed_ratio=inputs["billed_ratio"]
    )
    assert claim.energy == Energy.of(str(int(expected["back"])))
    factor = Decimal(1) + Decimal(expected["rate"])
    assert claim.lines[0].steps[0].values["factor"] == "9/5" and Decimal(9) / 5 == factor


def err_05(billing: BillingApi) -> None:
    inputs, expected = given("err-05")
    assert not CASES["err-05"]["verified"] and str(expected["fee"]) == "122.715"
    facts = {
        "registered": [{"energy": str(inputs["kWh"]), "price": str(inputs["price"])}],
        "elements": [{"ratio": ratio} for ratio in inputs["ct"]],
        "billed_ratio": inputs["billed_ratio"],
    }
    # Exactly 272.727 kWh; the published fee is that of 272.7 kWh, and is no whole number of fen.
    claim = worked(billing, "quantity_correction", **facts)
    assert (str(claim.energy), str(claim.amount)) == ("272.727", "122.73")
    whole = worked(billing, "quantity_correction", **facts, whole_kwh=True)
    assert (str(whole.energy), str(whole.amount)) == ("273", "122.85")


def err_08(billing: BillingApi) -> None:
    inputs, expected = given("err-08")
    registered = [{"energy": str(inputs["kWh"]), "price": "0.5"}]
    claim = worked(billing, "quantity_correction", registered=registered, lost={"working": inputs["phases"]})
    assert claim.energy == Energy.of(str(int(expected["back"])))


def err_10(billing: BillingApi) -> None:
    inputs, expected = given("err-10")
    facts = {
        "minutes": inputs["minutes"],
        "minutes_a_turn": inputs["min_per_rev"],
        "turns_a_kwh": inputs["rev_per_kWh"],
        "price": "0.5",
    }
    claim = worked(billing, "quantity_correction", creep=facts)
    assert claim.energy == Energy.of(f"-{expected['kWh']}") and str(claim.amount) == "-2.88"


def wrong_ratio(billing: BillingApi, case: str) -> None:
    inputs, expected = given(case)
    ratio = {"real": inputs["actual"] // 5, "billed": inputs["billed"] // 5}
    claim = worked(billing, "quantity_correction", registered=[{"energy": "100", "price": "1"}], ratio=ratio)
    assert claim.energy is not None
    # A hundred kWh show the coefficient in hundredths.
    assert round(Decimal(claim.energy.wh) / 100_000, 2) == Decimal(str(expected["coef"]))


def gs_refund(billing: BillingApi) -> None:
    inputs, expected = given("gs-refund")
    items = [{"name": f"项目{at}", "amount": str(item)} for at, item in enumerate(inputs["items"], 1)]
    assert worked(billing, "refund", items=items).amount == yuan(expected["total"])


def pf_01(billing: BillingApi) -> None:
    inputs, expected = given("pf-01")
    # 12600 yuan with 5 % of surcharge are 12000 without.
    base = Decimal(inputs["bill_incl_pf"]) / (1 + Decimal(expected["pct1"]) / 100)
    month = {
        "period": "2026-03",
        "standard": int(Decimal(str(inputs["std"])) * 100),
        "active": str(inputs["kWh"]),
        "was": str(inputs["kvarh"]),
        "now": str(inputs["kvarh"] + inputs["missing_kvarh"]),
        "base": f"{base:.2f}",
    }
    claim = worked(billing, "refund", factors=[month])
    assert claim.amount == yuan(expected["back_bill"]) and claim.energy is None
    assert f"功率因数 {expected['pf2']}" in claim.lines[0].sentence.zh


def outage_01(billing: BillingApi) -> None:
    inputs, expected = given("outage-01")
    claim = worked(
        billing,
        "outage_compensation",
        registered=str(inputs["month_kWh"]),
        minutes=inputs["hours"] * 60,
        price=str(inputs["price"]),
    )
    assert claim.amount == -yuan(int(expected["compensation"]))


def temp_01(billing: BillingApi) -> None:
    inputs, expected = given("temp-01")
    # The parts are energies of equipment by its time: a kilowatt more or less for so many hours of one day each.
    loads = [{"power": str(Decimal(kwh) / 8), "hours_a_day": 8, "days": 1} for kwh in inputs["parts"]]
    prices = [{"name": f"项目{at}", "price": str(price)} for at, price in enumerate(inputs["prices"])]
    claim = worked(billing, "temporary_supply", loads=loads, prices=prices)
    assert claim.energy == Energy.of(str(expected["kWh"]))
    assert [line.amount for line in claim.lines] == [yuan(expected[name]) for name in ("energy", "f1", "f2", "f3")]
    assert claim.amount == yuan(expected["total"])


PUBLISHED = {
    "late-01": lambda billing: late(billing, "late-01"),
    "late-03": lambda billing: late(billing, "late-03"),
    "late-04": lambda billing: late(billing, "late-04"),
    "breach-01": breach_01,
    "breach-05": breach_05,
    "cap-02": cap_02,
    "theft-01": lambda billing: theft_of_unknown_time(billing, "theft-01"),
    "theft-03": lambda billing: theft_of_unknown_time(billing, "theft-03"),
    "theft-06": lambda billing: theft_of_unknown_time(billing, "theft-06"),
    "theft-08": theft_08,
    "err-04": err_04,
    "err-05": err_05,
    "err-08": err_08,
    "err-10": err_10,
    "err-12": lambda billing: wrong_ratio(billing, "err-12"),
    "err-14": lambda billing: wrong_ratio(billing, "err-14"),
    "gs-refund": gs_refund,
    "pf-01": pf_01,
    "outage-01": outage_01,
    "temp-01": temp_01,
}


def test_every_published_case_comes_out_of_its_operation(found: County) -> None:
    ours = {case for case in CASES if case.split("-")[0] in KINDS} | {"cap-02", "gs-refund", "pf-01"}
    assert set(PUBLISHED) == ours
    for comes_out in PUBLISHED.values():
        comes_out(found.billing)


# --- what the cases do not show -----------------------------------------------------------------------------------------------


def test_late_fees_with_payments_a_cap_and_a_waiver(found: County) -> None:
    debts = [{"name": "2026-03", "principal": "1000", "due_on": "2026-04-10"}]
    payments = [{"name": "2026-03", "paid_on": "2026-04-20", "amount": "600"}]
    facts = {"debts": debts, "payments": payments, "paid_on": "2026-04-30"}
    assert amounts(worked(found.billing, "late_fee", **facts)) == ["20.00", "8.00"]
    assert amounts(worked(found.billing, "late_fee", **facts, cap="2", waived="1")) == [
        "20.00",
        "8.00",
        "-8.00",
        "-1.00",
    ]
    residents = worked(found.billing, "late_fee", debts=debts, paid_on="2026-04-30", resident=True)
    assert amounts(residents) == ["20.00"] and residents.lines[0].rule == "late.2024"
    old = [{"name": "2024-02", "principal": "100", "due_on": "2024-03-01"}]
    assert str(worked(found.billing, "late_fee", debts=old, paid_on="2024-03-04", resident=True).amount) == "1.00"


def test_an_inspection_that_found_several_breaches_is_one_claim(found: County) -> None:
    claim = worked(
        found.billing,
        "breach",
        category=[{"energy": "100", "price": "1"}, {"energy": "200", "price": "0.3"}],
        category_times=1,
        sealed={"power": "100"},
        supply={"power": "2"},
        metering={"count": 2, "resident": True},
        quota={"used_on": "2024-05-31", "peak_power": "10", "energy": "100", "price": "0.5"},
    )
    assert amounts(claim) == ["100.00", "60.00", "160.00", "3000.00", "1000.00", "1000.00", "10.00", "250.00"]
    assert claim.energy == Energy.of("400")
    days = {"basic_price": "30", "first_day": "2026-04-01", "last_day": "2026-04-30"}
    assert amounts(worked(found.billing, "breach", sealed={"power": "100", **days})) == ["3000.00", "6000.00"]


def test_theft_by_energy_and_by_rated_current(found: County) -> None:
    claim = worked(
        found.billing,
        "theft",
        energies=[{"period": "2026-03", "energy": "100", "price": "0.5"}],
        meters=[{"phase_volts": 220, "rated_amperes": 10, "price": "0.5"}],
        times=1,
    )
    # 2.2 kW for 180 days of 12 hours.
    assert amounts(claim) == ["50.00", "2376.00", "2426.00"]


def test_each_cause_of_a_correction(found: County) -> None:
    registers = [
        {"period": "2026-03", "band": "peak", "energy": "100", "price": "1"},
        {"period": "2026-03", "band": "valley", "energy": "200", "price": "0.3"},
        {"period": "2026-04", "band": "peak", "energy": "100", "price": "2"},
    ]
    ratio = {"real": 120, "billed": 60}
    both = worked(found.billing, "quantity_correction", registered=registers, ratio=ratio)
    assert amounts(both) == ["100.00", "60.00", "200.00"]
    assert both.lines[2].sentence.zh.startswith("峰更正系数 2") and "2026-04" in both.lines[2].sentence.zh
    one = [{"energy": "1000", "price": "1"}]
    found_amounts = {
        cause: str(worked(found.billing, "quantity_correction", registered=one, **{cause: facts}).amount)
        for cause, facts in {
            "meter": {"error": "25", "known_since": True},
            "transformers": [{"error": "-10"}, {"error": "-10"}, {"error": "-10"}],
            "three_wire": {"fault": "lost_voltage", "phase": "B", "active": "100", "reactive": "50"},
            "drop": {"drop": "0.8", "allowed": "0.5"},
        }.items()
    }
    assert found_amounts == {"meter": "-200.00", "transformers": "111.11", "three_wire": "1000.00", "drop": "3.00"}
    half = worked(found.billing, "quantity_correction", registered=one, meter={"error": "-5"}, whole_kwh=True)
    assert (str(half.energy), str(half.amount)) == ("26", "26.00")
    normal = {"normal": "500", "registered": "100", "price": "0.5"}
    assert amounts(worked(found.billing, "quantity_correction", normal_month=normal)) == ["200.00"]


def test_refunds_of_several_kinds_are_one_claim(found: County) -> None:
    claim = worked(
        found.billing,
        "refund",
        energies=[{"energy": "-10", "price": "0.617", "period": "2026-03"}],
        items=[{"period": "2026-03", "name": "基本电费", "amount": "-300"}],
    )
    assert amounts(claim) == ["-6.17", "-300.00"]
    assert claim.energy == Energy.of("-10") and claim.lines[1].sentence.zh.startswith("2026-03：")


def test_two_part_customers_are_compensated_five_times(found: County) -> None:
    facts: dict[str, Any] = {"registered": "74400", "minutes": 60, "price": "0.4", "two_part": True, "month_hours": 744}
    assert amounts(worked(found.billing, "outage_compensation", **facts)) == ["-200.00"]


def test_temporary_supply_by_a_published_tariff_and_its_settlement(found: County) -> None:
    settle_county(found, [Supply(1)])
    loads = [{"power": "2", "hours_a_day": 8, "days": 10}]
    by_tariff = {"tariff_code": "test.business", "voltage": "0.22", "on": "2026-04-01"}
    due = worked(found.billing, "temporary_supply", loads=loads, **by_tariff)
    assert amounts(due) == ["125.65"] and due.lines[0].document_no == "测价〔2026〕1号"
    settled = worked(found.billing, "temporary_supply", loads=loads, **by_tariff, paid="200")
    assert amounts(settled) == ["125.65", "-200.00"]
    half = worked(found.billing, "temporary_supply", paid="200", agreed_days=30, used_days=14, ended_on="2024-05-31")
    assert amounts(half) == ["-100.00"] and half.lines[0].rule == "temporary.refund"
    with pytest.raises(NotTriable) as refused:
        worked(found.billing, "temporary_supply", loads=loads, **by_tariff | {"tariff_code": "test.unknown"})
    assert refused.value.fields["errors"][0]["field"] == "tariff_code"
    with pytest.raises(NotTriable) as refused:
        worked(found.billing, "temporary_supply", loads=loads, **by_tariff | {"voltage": "110"})
    assert refused.value.fields["errors"][0]["field"] == "voltage"


# --- what does not fit --------------------------------------------------------------------------------------------------------

DEBT = {"name": "2026-03", "principal": "10", "due_on": "2026-04-20"}
ONE = {"energy": "1", "price": "1"}
PHASES = [{"ratio": 40}, {"ratio": 40}, {"ratio": 20, "reversed": True}]
LOAD = {"power": "1", "hours_a_day": 6, "days": 180}
UNFIT: list[tuple[str, dict[str, Any], str]] = [
    ("late_fee", {"debts": [DEBT], "paid_on": "2026-04-30", "waived": "5"}, "waived"),
    ("late_fee", {"debts": [DEBT | {"principal": "-1"}], "paid_on": "2026-04-30"}, "debts.0.principal"),
    ("late_fee", {"debts": [DEBT, DEBT], "paid_on": "2026-04-30"}, "debts.1.name"),
    ("late_fee", {"debts": [DEBT], "paid_on": "2026-04-30", "cap": "0"}, "cap"),
    (
        "late_fee",
        {
            "debts": [DEBT],
            "paid_on": "2026-04-30",
            "payments": [{"name": "2026-02", "paid_on": "2026-04-25", "amount": "1"}],
        },
        "payments.0.name",
    ),
    (
        "late_fee",
        {
            "debts": [DEBT],
            "paid_on": "2026-04-30",
            "payments": [{"name": "2026-03", "paid_on": "2026-04-25", "amount": "0"}],
        },
        "payments.0.amount",
    ),
    ("breach", {}, "category"),
    ("breach", {"category": [ONE | {"energy": "-1"}]}, "category.0.energy"),
    ("breach", {"category": [ONE], "category_times": 3}, "category_times"),
    ("breach", {"capacity": {"power": "0"}}, "capacity.power"),
    ("breach", {"capacity": {"power": "10", "times": 4}}, "capacity.times"),
    (
        "breach",
        {"capacity": {"power": "10", "basic_price": "30", "first_day": "2026-04-01"}},
        "capacity.last_day",
    ),
    (
        "breach",
        {"sealed": {"power": "10", "basic_price": "30", "first_day": "2026-04-02", "last_day": "2026-04-01"}},
        "sealed.last_day",
    ),
    ("breach", {"supply": {"power": "-1"}}, "supply.power"),
    (
        "breach",
        {"quota": {"used_on": "2024-06-01", "peak_power": "1", "energy": "1", "price": "1"}},
        "quota.used_on",
    ),
    ("theft", {}, "energies"),
    ("theft", {"energies": [ONE], "times": 4}, "times"),
    ("theft", {"loads": [{"power": "0", "price": "1"}]}, "loads.0.power"),
    ("theft", {"shares": [{"registered": "1", "share": "-5", "price": "1"}]}, "shares.0.share"),
    ("quantity_correction", {"registered": [ONE]}, "ratio"),
    ("quantity_correction", {"lost": {"working": 2}}, "registered"),
    (
        "quantity_correction",
        {"registered": [ONE], "lost": {"working": 2}, "meter": {"error": "1"}},
        "lost",
    ),
    ("quantity_correction", {"registered": [ONE, ONE], "lost": {"working": 2}}, "registered.1.band"),
    ("quantity_correction", {"registered": [ONE], "meter": {"error": "-100"}}, "meter.error"),
    ("quantity_correction", {"registered": [ONE], "elements": PHASES}, "billed_ratio"),
    ("quantity_correction", {"registered": [ONE], "elements": PHASES, "billed_ratio": 40}, "elements"),
    ("quantity_correction", {"registered": [ONE], "elements": PHASES[:2], "billed_ratio": 40}, "elements"),
    ("quantity_correction", {"registered": [ONE], "transformers": [{"error": "1"}]}, "transformers"),
    (
        "quantity_correction",
        {
            "registered": [ONE],
            "three_wire": {"fault": "reversed_current", "phase": "A", "active": "1", "reactive": "0"},
        },
        "three_wire",
    ),
    (
        "quantity_correction",
        {
            "registered": [ONE],
            "three_wire": {"fault": "reversed_current", "phase": "B", "active": "1", "reactive": "1"},
        },
        "three_wire.phase",
    ),
    (
        "quantity_correction",
        {"registered": [ONE], "three_wire": {"fault": "lost_voltage", "phase": "A", "active": "0", "reactive": "1"}},
        "three_wire.active",
    ),
    ("refund", {}, "energies"),
    (
        "refund",
        {"factors": [{"standard": 90, "active": "0", "was": "1", "now": "2", "base": "1"}]},
        "factors.0.active",
    ),
    ("outage_compensation", {"registered": "0", "minutes": 1, "price": "1"}, "registered"),
    ("temporary_supply", {"prices": [{"name": "x", "price": "1"}]}, "loads"),
    ("temporary_supply", {"loads": [LOAD]}, "prices"),
    ("temporary_supply", {"loads": [LOAD], "tariff_code": "test.business", "on": "2026-04-01"}, "voltage"),
    (
        "temporary_supply",
        {"loads": [LOAD], "prices": [{"name": "x", "price": "1"}], "tariff_code": "test.business"},
        "tariff_code",
    ),
    ("temporary_supply", {"loads": [LOAD], "prices": [{"name": "x", "price": "1"}], "paid": "0"}, "paid"),
    ("temporary_supply", {"paid": "1", "agreed_days": 3, "used_days": 1, "ended_on": "2024-06-01"}, "ended_on"),
    ("temporary_supply", {"paid": "1", "agreed_days": 3, "ended_on": "2024-05-01"}, "used_days"),
    (
        "temporary_supply",
        {"loads": [LOAD], "paid": "1", "agreed_days": 3, "used_days": 1, "ended_on": "2024-05-01"},
        "loads",
    ),
]


def test_what_is_missing_or_does_not_fit_is_named(found: County) -> None:
    for kind, facts, field in UNFIT:
        with pytest.raises(NotTriable) as refused:
            getattr(found.billing, kind)(ACCOUNTANT, REQUESTS[kind].model_validate(facts))
        (fault,) = refused.value.fields["errors"]
        assert fault["field"] == field and fault["zh"].endswith("。") and fault["en"].endswith("."), (facts, fault)

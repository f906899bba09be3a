"""The basic charge by capacity and demand: transformers in every state, changes within a month, eras of the rule."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st
from tests.service.billing.rules.make import (
    APRIL,
    CASES,
    DOCUMENT,
    amount,
    component,
    explained,
    given,
    line_of,
    piece,
    rules_of,
    span,
    subject,
    transformer,
    two_part,
    wh,
    yuan,
)

from denghuo.kernel.period import Month
from denghuo.kernel.values import Money
from denghuo.service.billing.lines import (
    Part,
    Rated,
    TransformerDays,
)
from denghuo.service.billing.rules import rate
from denghuo.service.billing.rules.basic import days_share
from denghuo.service.billing.rules.capacity import capacity_spans, charged_capacity
from denghuo.service.billing.rules.scheme import schemes


def basic_of(transformers: Sequence[TransformerDays], price: Any, month: str = "2026-04", **more: Any) -> Rated:
    document = two_part(component("energy", "0.5"), price=price, **more)
    return rate(
        subject(piece("0"), month=month, tariff_class="two_part_capacity", transformers=list(transformers)), document
    )


def test_cap_05_hot_standby_is_charged_and_sealed_cold_standby_is_not() -> None:
    inputs, expected = given("cap-05")
    states = {"run": "running", "hot": "hot_standby", "cold sealed": "sealed"}
    units = [
        transformer(kva, states[state], transformer_no=f"T{at}")
        for at, (kva, state) in enumerate(zip(inputs["kVA"], inputs["state"], strict=True))
    ]
    rated = basic_of(units, inputs["price"])
    assert amount(rated, "basic_capacity") == yuan(expected["basic"])
    assert "T2 1000 冷备用加封" in line_of(rated, "basic_capacity").sentence.zh
    unsealed = [*units[:2], transformer(1000, "cold_standby", transformer_no="T2")]
    assert charged_capacity(unsealed, date(2026, 4, 1)) == 3_000_000
    explained(rated)


def test_cap_08_interlocked_standby_counts_once() -> None:
    inputs, expected = given("cap-08")
    units = [transformer(kva, interlock="A" if kva in inputs["interlock"] else None) for kva in inputs["kVA"]]
    rated = basic_of(units, inputs["price"])
    assert amount(rated, "basic_capacity") == yuan(expected["basic"])
    assert rules_of(line_of(rated, "basic_capacity")) == {"basic.interlock"}


def test_cap_11_change_within_a_period_between_readings() -> None:
    inputs, expected = given("cap-11")
    # Read on the 24th, changed on 12 May: 18 days at 315 kVA, 12 days at 400 kVA of thirty. The source shows the formula only, so
    # the figure is not a published one; April stands for any period of thirty days.
    units = [
        transformer(inputs["old"], "running", ("2020-01-01", "2026-04-18")),
        transformer(inputs["new"], "running", ("2026-04-19", None)),
    ]
    assert basic_of(units, inputs["price"], days="thirty").total == yuan(expected["basic"])
    assert not CASES["cap-11"]["verified"]


@pytest.mark.parametrize(("last", "expected"), [("2026-04-14", "30000.00"), ("2026-04-15", "15000.00")])
def test_a_pause_of_less_than_fifteen_days_is_charged_in_full(last: str, expected: str) -> None:
    following = date.fromisoformat(last) + timedelta(days=1)
    units = [
        transformer(1000, "paused", ("2026-04-01", last)),
        transformer(1000, "running", (following.isoformat(), None)),
    ]
    rated = basic_of(units, 30)
    assert str(rated.total) == expected
    assert all("basic.pause" in rules_of(line) for line in rated.lines if "暂停" in line.sentence.zh)


def test_a_short_pause_in_the_middle_of_a_month_is_told_although_it_changes_nothing() -> None:
    units = [
        transformer(1000, "running", ("2020-01-01", "2026-04-05")),
        transformer(1000, "paused", ("2026-04-06", "2026-04-19")),
        transformer(1000, "running", ("2026-04-20", None)),
    ]
    [line] = [one for one in basic_of(units, 30).lines if one.group == "basic"]
    assert "暂停不足 15 天，全额" in line.sentence.zh and "less than 15 days, in full" in line.sentence.en
    assert "basic.pause" in rules_of(line)


def test_a_pause_across_the_month_counts_by_its_whole_length() -> None:
    units = [
        transformer(1000, "running", ("2020-01-01", "2026-04-20")),
        transformer(1000, "paused", ("2026-04-21", "2026-05-10")),
    ]
    assert str(basic_of(units, 30).total) == "20000.00"


@pytest.mark.parametrize(("month", "total"), [("2016-06", "15000.00"), ("2016-07", "0.00"), ("2026-04", "0.00")])
def test_a_reduced_capacity_was_charged_by_half_until_2016(month: str, total: str) -> None:
    rated = basic_of([transformer(1000, "half", ("2015-01-01", None))], 30, month, effective_from="2010-01-01")
    assert str(rated.total) == total
    assert ("basic.half" in rules_of(line_of(rated, "basic_capacity"))) is (month == "2016-06")


@pytest.mark.scope("B05-07")
def test_temporary_exchange_counts_from_its_day() -> None:
    units = [
        transformer(315, "running", ("2020-01-01", "2026-05-17")),
        transformer(400, "running", ("2026-05-18", "2026-07-17")),
    ]
    assert str(basic_of(units, 10, "2026-05", days="thirty").total) == "3651.67"  # as cap-12


@for_all(
    data=st.lists(
        st.tuples(st.integers(1, 2000), st.integers(1, 30), st.integers(1, 30), st.sampled_from(["running", "sealed"])),
        min_size=1,
        max_size=6,
    )
)
def test_spans_of_capacity_hold_every_day_once(data: list[tuple[int, int, int, str]]) -> None:
    units = [
        transformer(kva, state, (f"2026-04-{min(a, b):02d}", f"2026-04-{max(a, b):02d}"), transformer_no=f"T{at}")
        for at, (kva, a, b, state) in enumerate(data)
    ]
    first, last = (date.fromisoformat(day) for day in APRIL)
    spans = capacity_spans(units, first, last)
    assert spans[0].first_day == first and spans[-1].last_day == last
    for one, two in zip(spans, spans[1:], strict=False):
        assert two.first_day - one.last_day == timedelta(days=1) and one.capacity_va != two.capacity_va
    for day in range(1, 31):
        on = date(2026, 4, day)
        there = [one for one in units if one.first_day <= on and one.last_day is not None and on <= one.last_day]
        (holding,) = [one for one in spans if one.first_day <= on <= one.last_day]
        assert holding.capacity_va == sum(one.capacity_va for one in there if one.state == "running")


def test_capacity_by_transformers_and_contract_demand_together() -> None:
    document = two_part(component("energy", "0.5"), by="demand", price="40", basic={"demand": {"floor_share": "40"}})
    terms = {
        "tariff_class": "two_part_demand",
        "spans": [span(*APRIL, kw="300")],
        "transformers": [
            transformer(1000, "running", ("2020-01-01", None)),
            transformer(500, "running", ("2026-04-16", None)),
        ],
    }
    rated = rate(subject(piece("0"), piece("200", "demand"), **terms), document)
    # 40 % of 1000 kVA for 15 days, of 1500 kVA for 15 days.
    assert [str(line.amount) for line in rated.lines if line.group == "basic"] == ["8000.00", "12000.00"]
    assert rules_of(rated.lines[-1]) == {"basic.demand.2016", "basic.floor", "basic.days.2024"}


def test_demands_of_feeds_are_added_and_shown_and_those_of_parts_are_not() -> None:
    document = two_part(component("energy", "0.5"), by="demand", price="40")
    pieces = [
        piece("1000"),
        piece("300", "demand"),
        piece("400", "demand", point_no="P2", meter_no="M2"),
        piece("100", point_no="L", meter_no="ML"),
        piece("50", "demand", point_no="L", meter_no="ML"),
    ]
    terms = {"tariff_class": "two_part_demand", "spans": [span(*APRIL)], "parts": [Part(point_no="L", way="meter")]}
    rated = rate(subject(*pieces, **terms), document)
    line = line_of(rated, "basic_demand")
    assert str(line.amount) == "28000.00" and "2 路供电的最大需量相加 700 千瓦" in line.sentence.zh
    assert [step.kind for step in line.steps[:3]] == ["registers", "registers", "demand"] and "basic.feeds" in rules_of(
        line
    )


def test_terms_that_do_not_change_are_one_span() -> None:
    """Only the contract demand changes in mid-month, which a charge by capacity does not ask for: a whole month, not 31/30."""
    document = two_part(component("energy", "0.5"), price="10", days="thirty")
    spans = [span("2026-05-01", "2026-05-10", kva="100", kw="50"), span("2026-05-11", "2026-05-31", kva="100", kw="60")]
    rated = rate(subject(piece("0"), month="2026-05", tariff_class="two_part_capacity", spans=spans), document)
    assert [str(line.amount) for line in rated.lines if line.group == "basic"] == ["1000.00"]


@pytest.mark.parametrize(
    ("month", "amount_", "rule"),
    [("2024-05", "16.67", "basic.days.1996"), ("2024-07", "16.13", "basic.days.2024")],
)
def test_parts_of_a_month_count_by_the_text_in_force(month: str, amount_: str, rule: str) -> None:
    """5 days of a month of 31 days at 100 yuan: thirtieths up to May 2024, calendar days since."""
    document = two_part(component("energy", "0.5"), price="1")
    terms = {"tariff_class": "two_part_capacity", "spans": [span(f"{month}-01", f"{month}-05", kva="100")]}
    rated = rate(subject(piece("0"), month=month, **terms), document)
    line = line_of(rated, "basic_capacity")
    assert (str(line.amount), rule in rules_of(line)) == (amount_, True)


def test_days_of_the_old_and_the_new_rule() -> None:
    may = Month(2026, 5)
    old, new = (two_part(component("energy", "1"), days=days) for days in ("thirty", "calendar"))
    part = (date(2026, 5, 1), date(2026, 5, 30))
    assert (days_share(old, may, *part), days_share(new, may, *part)) == ((30, 30), (30, 31))
    assert days_share(old, may, date(2026, 5, 1), date(2026, 5, 31)) == (1, 1)


@pytest.mark.parametrize(
    ("customer", "discount"),
    [({}, True), ({"customer_energy_wh": wh(500_000)}, False), ({"customer_capacity_va": 3_000_000}, False)],
)
def test_discount_counts_all_points_of_the_customer(customer: dict[str, int], discount: bool) -> None:
    document = two_part(
        component("energy", "0.5"),
        by="demand",
        price="40",
        basic={"discount": {"energy_per_kva": "260", "price_share": "90", "document": DOCUMENT}},
    )
    terms = {"tariff_class": "two_part_demand", "spans": [span(*APRIL, kva="2000", kw="1000")], **customer}
    rated = rate(subject(piece("520000"), **terms), document)
    codes = [line.code for line in rated.lines]
    assert ("basic_discount" in codes) is discount
    if discount:
        assert amount(rated, "basic_discount") == Money(-4000_00)
        assert rules_of(line_of(rated, "basic_discount")) == {"basic.discount"}


@pytest.mark.parametrize(("month", "total"), [("2030-12", "0.00"), ("2031-01", "28000.00"), ("2030-11", "0.00")])
def test_charging_stations_pay_no_basic_charge_for_a_time(month: str, total: str) -> None:
    document = two_part(
        component("energy", "0.5"),
        price="28",
        basic={"charging_stations": {"until": "2031-01-01", "document": DOCUMENT}},
    )
    terms = {"tariff_class": "two_part_capacity", "spans": [span("2020-01-01", "2040-12-31", kva="1000")]}
    rated = rate(subject(piece("0"), month=month, charging_station=True, **terms), document)
    assert str(rated.total) == total
    assert str(rate(subject(piece("0"), month=month, **terms), document).total) == "28000.00"
    middle = document.model_copy(
        update={
            "basic": two_part(
                component("energy", "0.5"),
                price="28",
                basic={"charging_stations": {"until": "2030-11-16", "document": DOCUMENT}},
            ).basic
        }
    )
    ended = rate(subject(piece("0"), month="2030-11", charging_station=True, **terms), middle)
    assert [str(line.amount) for line in ended.lines if line.group == "basic"] == ["0.00", "14000.00"]


def test_schemes_by_capacity() -> None:
    assert schemes(100_000) == ["single_part"]
    assert schemes(250_000) == ["single_part", "two_part"]
    assert schemes(315_000) == ["two_part"]
    assert schemes(315_000, has_single_part=True) == ["single_part", "two_part"]

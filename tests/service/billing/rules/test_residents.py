"""Households: free energy, room of larger ones, tiers across seasons and enlargements."""

from datetime import date
from decimal import Decimal
from itertools import accumulate
from typing import Any

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st
from tests.service.billing.rules.make import (
    APRIL,
    DOCUMENT,
    amount,
    amounts,
    component,
    explained,
    piece,
    rules_of,
    seasons,
    span,
    subject,
    tariff,
    wh,
)

from denghuo.kernel.period import Month
from denghuo.kernel.values import Energy
from denghuo.service.billing.lines import (
    CannotRate,
    Part,
)
from denghuo.service.billing.rules import rate
from denghuo.service.billing.rules.households import household_extra_wh, household_months, tier_months
from denghuo.service.billing.rules.tiers import tier_year_began, tier_year_begins
from denghuo.service.billing.used import Used
from denghuo.service.tariff.api import HouseholdRoom, TariffDocument


def free(per_month: str = "15") -> dict[str, str]:
    return {"per_month": per_month, "document": DOCUMENT}


@pytest.mark.parametrize(
    ("kwh", "months", "amount_"), [("100", 1, "-9.26"), ("10", 1, "-6.17"), ("100", 2, "-18.51"), ("0", 1, None)]
)
def test_free_energy_is_a_negative_line_at_first_tier_prices(kwh: str, months: int, amount_: str | None) -> None:
    rows = [{"price": price, "tier": tier} for tier, price in enumerate(("0.617", "0.667"), 1)]
    document = tariff(
        component("energy", rows), tiers={"period": "annual", "tables": [{"up_to": ["60"]}]}, free_energy=free()
    )
    rated = rate(subject(piece(kwh), free_months=months), document)
    lines = [str(line.amount) for line in rated.lines if line.code == "free_energy"]
    assert lines == ([amount_] if amount_ else [])
    assert not any(line.code == "free_energy" for line in rate(subject(piece(kwh)), document).lines)
    explained(rated)


def test_free_energy_with_surcharges_and_bands() -> None:
    document = tariff(
        component("energy", "0.588"),
        component("tier_2", [{"price": "0.05", "tier": 2}], some_tiers=True),
        tiers={"period": "monthly", "tables": [{"up_to": ["180"]}]},
        free_energy=free("10"),
    )
    assert str(amount(rate(subject(piece("300"), free_months=1), document), "free_energy")) == "-5.88"
    rows = [{"price": "0.6", "band": "peak"}, {"price": "0.3", "band": "valley"}]
    banded = tariff(component("energy", rows), seasons=seasons(peak=None, valley=None), free_energy=free("10"))
    rated = rate(subject(piece("100", band="peak"), piece("200", band="valley"), free_months=1), banded)
    assert str(amount(rated, "free_energy")) == "-4.00"


def test_free_energy_is_that_of_the_household_and_not_of_its_parts() -> None:
    document = tariff(component("energy", "0.6"), free_energy=free("10"))
    garage = tariff(component("energy", "1.0"), code="garage")
    part = Part(point_no="G", way="quantity", quantity_wh=wh(50), tariff_code="garage")
    rated = rate(subject(piece("100"), parts=[part], free_months=1), document, {"garage": garage})
    assert str(amount(rated, "free_energy")) == "-6.00"


def test_months_of_an_account_in_its_tier_year() -> None:
    january = date(2026, 1, 1)
    assert tier_months(january, date(2020, 5, 5)) == 12
    assert tier_months(january, date(2026, 6, 30)) == 7
    assert tier_months(january, date(2026, 6, 30), date(2026, 7, 1)) == 2
    assert tier_months(date(2025, 7, 1), date(2026, 6, 30)) == 1
    assert tier_months(january, date(2027, 1, 1)) == 0


def test_larger_households_have_room_from_the_month_after() -> None:
    accepted = date(2026, 3, 20)
    assert household_months(Month(2026, 3), 1, accepted) == 0
    assert household_months(Month(2026, 4), 1, accepted) == 1
    assert household_months(Month(2026, 12), 12, accepted) == 9
    assert household_months(Month(2028, 3), 1, accepted) == 1
    assert household_months(Month(2028, 4), 1, accepted) == 0
    assert household_months(Month(2026, 12), 12, accepted, date(2026, 6, 30)) == 3
    rooms = [
        HouseholdRoom(persons_from=5, per_month=Energy.of("100")),
        HouseholdRoom(persons_from=7, per_month=Energy.of("200")),
    ]
    assert [household_extra_wh(rooms, persons, 9) for persons in (4, 5, 7)] == [0, wh(900), wh(1800)]


def test_charges_that_are_not_per_kwh() -> None:
    document = tariff(
        component("energy", "0.5"),
        charges=[
            {"code": code, "title": {"zh": code, "en": code}, "per": per, "price": price, "document": DOCUMENT, **more}
            for code, per, price, more in (
                ("customer_charge", "month", "12", {}),
                ("demand_charge", "demand", "30", {"band": "peak"}),
            )
        ],
        seasons=seasons(peak=None, flat=None, valley=None),
    )
    demand = [piece("100", "demand", band="peak"), piece("300", "demand")]
    rated = rate(subject(piece("1000"), *demand), document)
    assert amounts(rated) == {
        ("energy", None, None): "500.00",
        ("customer_charge", None, None): "12.00",
        ("demand_charge", "peak", None): "3000.00",
    }
    half = rate(subject(piece("1000"), *demand, first_day="2026-04-16"), document)
    assert amounts(half)["customer_charge", None, None] == "6.00"
    with pytest.raises(CannotRate) as raised:
        rate(subject(piece("1000")), document)
    assert raised.value.code == "no_reading"
    explained(rated)


@for_all(first=st.integers(0, 6000), second=st.integers(0, 6000), extra=st.integers(0, 12))
def test_an_enlargement_never_rates_again_what_was_billed(first: int, second: int, extra: int) -> None:
    rows = [{"price": str(price), "tier": tier} for tier, price in enumerate(("0.538", "0.588", "0.838"), 1)]
    document = tariff(component("energy", rows), tiers={"period": "annual", "tables": [{"up_to": ["2760", "4800"]}]})
    before = rate(subject(piece(str(first))), document)
    plain = rate(subject(piece(str(second)), used_tiers_wh=before.tiers_wh), document)
    enlarged = rate(subject(piece(str(second)), used_tiers_wh=before.tiers_wh, tier_extra_wh=wh(100 * extra)), document)
    assert enlarged.tiers_wh[0] - plain.tiers_wh[0] <= wh(100 * extra)
    assert plain.tiers_wh[0] <= enlarged.tiers_wh[0] and enlarged.total <= plain.total
    assert plain.tiers_wh == rate(subject(piece(str(second)), used_before_wh=wh(first)), document).tiers_wh


def test_two_months_across_a_season_have_the_limits_of_both() -> None:
    # Shenzhen: 260 and 600 kWh a month from May to October, 200 and 400 kWh in the other months.
    rows = [{"price": price, "tier": tier} for tier, price in enumerate(("0.6629", "0.7129", "0.9629"), 1)]
    summer = list(range(5, 11))
    tables = [
        {"months": summer, "up_to": ["260", "600"]},
        {"months": [month for month in range(1, 13) if month not in summer], "up_to": ["200", "400"]},
    ]
    document = tariff(component("energy", rows), tiers={"period": "monthly", "tables": tables})
    for month, months, first in (("2026-05", 1, 260), ("2026-05", 2, 460), ("2026-06", 2, 520), ("2026-01", 2, 400)):
        rated = rate(subject(piece("5000"), month=month, reading_months=months), document)
        assert rated.tiers_wh[0] == wh(first), (month, months)
        assert "tier.monthly" in rules_of(rated.lines[0])


@for_all(used=st.lists(st.integers(0, 900), min_size=12, max_size=12), tenths=st.integers(0, 9))
def test_readings_of_two_months_end_the_year_where_those_of_one_do(used: list[int], tenths: int) -> None:
    rows = [{"price": str(price), "tier": tier} for tier, price in enumerate(("0.538", "0.588", "0.838"), 1)]
    annual = tariff(component("energy", rows), tiers={"period": "annual", "tables": [{"up_to": ["2760", "4800"]}]})
    monthly = tariff(component("energy", rows), tiers={"period": "monthly", "tables": [{"up_to": ["230", "400"]}]})
    kwh = [Decimal(one) + Decimal(tenths) / 10 for one in used]
    before, single, double = 0, [0, 0, 0], [0, 0, 0]
    for number in range(2, 13, 2):
        first, second = kwh[number - 2], kwh[number - 1]
        months, taken = (f"2026-{number - 1:02d}", f"2026-{number:02d}"), before
        of_months = []
        for month, energy in zip(months, (first, second), strict=True):
            one = rate(subject(piece(str(energy)), month=month, used_before_wh=taken), annual)
            single = [have + more for have, more in zip(single, one.tiers_wh, strict=True)]
            taken += one.energy_wh
            of_months.append(rate(subject(piece(str(energy)), month=month), monthly))
        # Each register counts in whole kWh: the reading of both months is that of their billed energies.
        whole = str((taken - before) // 1000)
        covered = {"month": months[1], "first_day": f"{months[0]}-01", "reading_months": 2}
        two = rate(subject(piece(whole), **covered, used_before_wh=before), annual)
        double = [have + more for have, more in zip(double, two.tiers_wh, strict=True)]
        assert two.energy_wh == taken - before
        before = taken
        # Monthly tiers have the limits of both months in one: never less room than either month by itself.
        pooled = rate(subject(piece(whole), **covered), monthly)
        assert pooled.tiers_wh[0] >= sum(one.tiers_wh[0] for one in of_months)
        assert pooled.tiers_wh[2] <= sum(one.tiers_wh[2] for one in of_months)
    assert single == double


def test_what_hangs_on_the_month_is_not_rated_over_the_end_of_one() -> None:
    by_time = tariff(component("energy", "0.5", floats=True), seasons=seasons(peak="160", flat=None, valley="50"))
    covered = {"month": "2026-04", "first_day": "2026-03-01", "reading_months": 2}
    with pytest.raises(CannotRate) as raised:
        rate(subject(piece("10"), **covered), by_time)
    assert raised.value.fields["value"] == "2026-03-01..2026-04-30"
    flat = tariff(component("energy", "0.5"))
    assert amounts(rate(subject(piece("10"), **covered), flat)) == {("energy", None, None): "5.00"}
    # Days before the last reading are not of this one.
    assert rate(subject(piece("10"), month="2026-04", first_day="2026-03-01"), by_time).energy_wh == wh(10)


def test_transmission_price_by_energy_per_kva_or_kw() -> None:
    # Shenzhen 10 kV, 101 to 3000 kVA: 0.1804 up to 250 kWh per kVA of the month, 0.1604 beyond.
    rows = [{"price": "0.1804", "tier": 1}, {"price": "0.1604", "tier": 2}]
    document = tariff(
        component("agency_energy", "0.4"),
        component("transmission", rows),
        tiers={"period": "per_kva", "tables": [{"up_to": ["250"]}]},
    )
    rated = rate(subject(piece("100000"), spans=[span(*APRIL, kva="200")]), document)
    assert amounts(rated) == {
        ("agency_energy", None, None): "40000.00",
        ("transmission", None, 1): "9020.00",
        ("transmission", None, 2): "8020.00",
    }
    by_power = tariff(component("transmission", rows), tiers={"period": "per_kw", "tables": [{"up_to": ["400"]}]})
    metered = rate(subject(piece("100000"), piece("200", "demand")), by_power)
    assert metered.tiers_wh == [wh(80_000), wh(20_000)]
    with pytest.raises(CannotRate) as raised:
        rate(subject(piece("1")), by_power)
    assert raised.value.code == "no_terms"


# --- the tier year -------------------------------------------------------------------------------------------------------------

LIMITS = ("2520", "4800")


def household_tariff(*prices: str, **changes: Any) -> TariffDocument:
    rows = [{"price": price, "tier": tier} for tier, price in enumerate(prices, 1)]
    rule = {"period": "annual", "tables": [{"up_to": list(LIMITS)}], "year_by": "reading"}
    return tariff(component("energy", rows), tiers=rule, **changes)


OLD, NEW = household_tariff("0.5469", "0.5969", "0.8469"), household_tariff("0.51", "0.60", "0.90", version=2)
USES = st.lists(st.integers(0, 1500), min_size=1, max_size=12)


def split(kwh: int, months: int) -> list[Decimal]:
    """Energy by tier in plain decimals, the limits cut to months."""
    edges = [(Decimal(limit) * months / 12).quantize(Decimal(1), "ROUND_HALF_UP") for limit in LIMITS]
    filled = [min(Decimal(kwh), edges[0]), max(min(Decimal(kwh), edges[1]) - edges[0], Decimal(0))]
    return [*filled, kwh - sum(filled)]


def billed_year(uses: list[int], months: int, closing: bool, changed: int) -> list[list[int]]:
    """Tiers of the bills of a year, month after month, by a tariff that changes after `changed` of them; `months` are counted until
    the account is closed with the last."""
    found = []
    for at, (kwh, before) in enumerate(zip(uses, accumulate(uses, initial=0), strict=False)):
        more: dict[str, Any] = {"used_before_wh": wh(before), "tier_months": months}
        if closing and at == len(uses) - 1:
            more |= {"tier_months": len(uses) - (12 - months), "tier_closing": {"billed_months": months}}
        rated = rate(subject(piece(str(kwh)), **more), OLD if at < changed else NEW)
        explained(rated)
        assert sum(rated.tiers_wh) == rated.energy_wh == wh(kwh)
        found.append(rated.tiers_wh)
    return found


@for_all(uses=USES, changed=st.integers(0, 12))
def test_a_price_that_changes_in_the_tier_year_starts_no_tier_anew(uses: list[int], changed: int) -> None:
    tiers = billed_year(uses, 12, False, changed)
    assert [sum(one) for one in zip(*tiers, strict=True)] == [wh(one) for one in map(int, split(sum(uses), 12))]


@for_all(uses=USES, opened=st.integers(0, 11), changed=st.integers(0, 12))
def test_a_year_that_ends_early_is_settled_by_actual_months(uses: list[int], opened: int, changed: int) -> None:
    uses = uses[: 12 - opened]
    tiers = billed_year([0] * opened + uses, 12 - opened, True, changed)
    # However the months before were billed, the account has had the tiers of its own months in the end.
    assert [sum(one) for one in zip(*tiers, strict=True)] == [wh(one) for one in map(int, split(sum(uses), len(uses)))]


def test_the_settlement_of_a_tier_year_is_explained() -> None:
    before = {"used_before_wh": wh(1500), "tier_months": 6, "tier_closing": {"billed_months": 12}}
    rated = rate(subject(piece("100"), **before), OLD)
    assert rated.tiers_wh == [wh(-240), wh(340), 0]
    assert amounts(rated) == {("energy", None, 1): "-131.26", ("energy", None, 2): "202.95"}
    said = next(step for step in rated.lines[0].steps if step.kind == "tier")
    assert said.values["months"] == "6" and said.values["billed_months"] == "12" and said.values["before_1"] == "1500"
    assert "阶梯清算" in said.text.zh and "6 个月" in said.text.zh and "1600" in said.text.zh
    nothing = rate(subject(piece("0"), **before), OLD)
    assert (nothing.energy_wh, nothing.tiers_wh) == (0, [wh(-240), wh(240), 0])
    assert str(nothing.total) == "12.00"


@for_all(cycles=st.lists(st.integers(1, 2), min_size=24, max_size=36), starts=st.sampled_from([1, 7, 11]))
def test_however_the_cycle_changes_no_reading_is_in_two_tier_years_and_none_is_left_out(
    cycles: list[int], starts: int
) -> None:
    """Readings of one or two months one after the other: each bill's year has the readings that end in it, from its own first."""
    assert OLD.tiers is not None
    rule = OLD.tiers.model_copy(update={"year_starts": starts})
    readings, at = {}, Month(2024, 12)
    for length in cycles:
        first = at.next
        at = first if length == 1 else first.next
        readings[at] = first
    years: dict[Month, list[Month]] = {}
    turns = [last for last in readings if tier_year_begins(rule, last, 1).previous >= Month(2024, 12)]
    for last in turns:
        length = 1 if readings[last] == last else 2
        earlier = {one: first for one, first in readings.items() if one < last}
        begins = tier_year_began(rule, last, length, earlier)
        mine = [one for one in readings if begins <= readings[one] and one <= last]
        assert readings[mine[0]] == begins, "the year begins where a reading begins"
        years.setdefault(begins, []).append(last)
        turn = tier_year_begins(rule, last, 1)
        assert mine == [one for one in readings if turn <= one <= last], "the readings that end since the turn"
    assert [one for own in years.values() for one in own] == turns


def test_a_year_after_a_change_of_cycle_begins_where_the_readings_say() -> None:
    assert OLD.tiers is not None
    months = {Month(2025, 12): Month(2025, 11), Month(2026, 2): Month(2026, 1), Month(2026, 4): Month(2026, 3)}
    may = months | {Month(2026, 5): Month(2026, 5)}
    # Read in even months, then in May alone and in odd months: the last reading of the old year was that of December.
    assert tier_year_begins(OLD.tiers, Month(2026, 7), 2) == Month(2025, 12)
    assert tier_year_began(OLD.tiers, Month(2026, 7), 2, may) == Month(2026, 1)
    del may[Month(2025, 12)]
    assert tier_year_began(OLD.tiers, Month(2026, 7), 2, may) == Month(2026, 1)
    # Nothing is known of the months before: as at the first reading that is.
    assert tier_year_began(OLD.tiers, Month(2026, 7), 2, {}) == Month(2025, 12)
    used = Used.of(
        {"month": month, "energy_wh": 1, "months": count} for month, count in (("2026-04", 2), ("2026-05", 1))
    )
    assert used == {"2026-03": 0, "2026-04": 1, "2026-05": 1}
    assert tier_year_began(OLD.tiers, Month(2026, 7), 2, used.readings) == Month(2026, 1)
    asked = {"month": "2026-07", "reading_months": 2, "tier_since": date(2026, 1, 1)}
    assert "2026-01-01" in rate(subject(piece("10"), **asked), OLD).lines[0].sentence.zh


def test_a_year_by_readings_begins_after_the_last_reading_of_the_old_year() -> None:
    assert OLD.tiers is not None
    calendar = OLD.tiers.model_copy(update={"year_by": "calendar"})
    january, march, december = Month(2026, 1), Month(2026, 3), Month(2026, 12)
    assert [tier_year_begins(OLD.tiers, month) for month in (january, march, december)] == [january] * 3
    # Read in odd months: November was the last of the old year.
    assert [tier_year_begins(OLD.tiers, month, 2) for month in (january, march)] == [Month(2025, 12)] * 2
    assert tier_year_begins(OLD.tiers, Month(2026, 2), 2) == january
    assert tier_year_begins(calendar, january, 2) == january
    heating = OLD.tiers.model_copy(update={"year_starts": 11})
    assert tier_year_begins(heating, march, 2) == Month(2025, 10)
    assert tier_year_begins(heating, Month(2026, 2), 2) == Month(2025, 11)
    said = rate(subject(piece("10"), month="2026-03", reading_months=2), OLD).lines[0].sentence
    assert "按抄表年" in said.zh and "2025-12-01" in said.zh and "2025-12-01" in said.en

"""Review rules: what holds a bill, property by property."""

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from denghuo.service.billing.review import MEANINGS, REMEDIES, Figures, Limits, review

LIMITS: Limits = {
    ("negative", "supply", ""): 0,
    ("zero_use", "supply", "resident"): 0,
    ("over_capacity", "supply", ""): 100,
    ("spike", "supply", ""): 500,
    ("drop", "supply", ""): 10,
    ("bill_jump", "supply", ""): 300,
    ("first_bill", "supply", ""): 0,
    ("new_tariff", "supply", ""): 0,
    ("old_price", "supply", ""): 0,
    ("estimated_share", "supply", ""): 30,
    ("outlier_amount", "supply", ""): 5_000,
}
figures = st.builds(
    Figures,
    kind=st.just("supply"),
    tariff_class=st.sampled_from(["resident", "agricultural"]),
    energy_wh=st.integers(-(10**9), 10**12),
    amount_fen=st.integers(-(10**7), 10**9),
    days=st.integers(1, 31),
    hours=st.integers(24, 744),
    estimated_days=st.integers(0, 31),
    contract_w=st.none() | st.integers(1, 10**8),
    earlier_wh=st.lists(st.integers(0, 10**9), max_size=12).map(tuple),
    tariff=st.sampled_from(["a.one", "a.two"]),
    tariff_before=st.none() | st.sampled_from(["a.one", "a.two"]),
    first=st.booleans(),
    amount_before_fen=st.none() | st.integers(-(10**6), 10**9),
    old_price_from=st.none() | st.just(date(2026, 3, 1)),
)


@given(figures)
def test_a_bill_passes_only_where_every_limit_is_kept(given_figures: Figures) -> None:
    found = {one.code for one in review(given_figures, LIMITS)}
    one = given_figures
    average = sum(one.earlier_wh) // len(one.earlier_wh) if one.earlier_wh else 0
    assert ("negative" in found) == (one.energy_wh < 0 or one.amount_fen < 0)
    assert ("zero_use" in found) == (one.tariff_class == "resident" and one.energy_wh <= 0)
    assert ("over_capacity" in found) == (bool(one.contract_w) and one.energy_wh > (one.contract_w or 0) * one.hours)
    assert ("spike" in found) == (average > 0 and one.energy_wh > 5 * average)
    assert ("drop" in found) == (0 < 10 * one.energy_wh < average)
    was = one.amount_before_fen or 0
    assert ("bill_jump" in found) == (was > 0 and one.amount_fen > 3 * was and one.amount_fen - was > 100_00)
    assert ("first_bill" in found) == one.first
    assert ("new_tariff" in found) == (one.tariff_before not in (None, one.tariff))
    assert ("old_price" in found) == (one.old_price_from is not None)
    assert ("estimated_share" in found) == (one.estimated_days > 0.3 * one.days)
    assert ("outlier_amount" in found) == (abs(one.amount_fen) > 500_000)


@given(figures)
def test_every_finding_says_why_and_what_to_do_in_both_languages(given_figures: Figures) -> None:
    for one in review(given_figures, LIMITS):
        assert one.reason.zh and one.reason.en and one.parameters
        assert one.remedy == REMEDIES[one.code] and one.remedy.zh and one.remedy.en


@given(figures)
def test_without_limits_nothing_is_held(given_figures: Figures) -> None:
    assert review(given_figures, {}) == []


def test_every_rule_with_a_limit_is_explained() -> None:
    assert {code for code, _, _ in LIMITS} == set(MEANINGS)

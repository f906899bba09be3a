"""The rule book of curves: which version holds, and what each rule says of a value."""

from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from denghuo.service.reading.api import CURVE_RULES, METER_CLASSES
from denghuo.service.reading.rules.curve_book import (
    ALL,
    FILLS,
    KINDS,
    SHIPPED,
    CurveRule,
    by_class,
    fault_of,
    methods_of,
    rules_of,
)
from denghuo.service.reading.rules.curves import VERDICTS, Beside, judged, nothing_beside

DAY = date(2026, 4, 13)
CLASSES = list(METER_CLASSES.entries)
SUSPECTS = ("register_sum", "phase_sum", "over_capacity", "spike", "reverse", "zero_days", "clock_drift")
DAYS = st.integers(-5, 5).map(lambda step: DAY + timedelta(days=step))
SPANS = st.tuples(DAYS, st.none() | st.integers(1, 5))


@st.composite
def published(draw: st.DrawFn) -> list[CurveRule]:
    found = []
    for version in range(1, draw(st.integers(0, 6)) + 1):
        first, length = draw(SPANS)
        until = None if length is None else first + timedelta(days=length)
        found.append(CurveRule("spike", draw(st.sampled_from(CLASSES)), "off", {}, first, until, version))
    return found


@given(published(), DAYS, st.sampled_from(CLASSES))
def test_a_class_goes_before_all_and_the_last_published_before_the_others(
    rules: list[CurveRule], day: date, meter_class: str
) -> None:
    """A search from the newest, as a person would look it up."""
    book = [one for one in (*SHIPPED, *rules) if one.code == "spike"]
    for named in (meter_class, ALL):
        standing = [one for one in book if one.meter_class == named and one.holds(day)]
        if standing:
            assert rules_of(rules, day, meter_class)["spike"] is standing[-1]
            break
    assert set(rules_of(rules, day, meter_class)) == set(KINDS)


def test_what_ships_is_sound_and_says_something_of_every_class() -> None:
    assert set(KINDS) == set(CURVE_RULES.entries) - {"checked", "accepted", "edited", "sender"}
    assert [fault_of(rule) for rule in SHIPPED] == [None] * len(SHIPPED)
    assert all(set(rule.parameters) == set(KINDS[rule.code].bounds) for rule in SHIPPED)
    sets = by_class([], DAY)
    assert set(sets) == set(CLASSES) and sets["generation"]["zero_days"].effect == "off"
    assert sets["resident"]["zero_days"].effect == "notice"
    assert methods_of(sets["resident"]) == ["fill_line", "fill_like_day", "fill_group", "fill_last_year"]


@pytest.mark.parametrize(
    ("rule", "field"),
    [
        (CurveRule("gap", ALL, "off", {"linear_slots_max": 4}), "effect"),
        (CurveRule("clock", "resident", "refuse", {"ahead_s": 0}), "meter_class"),
        (CurveRule("spike", ALL, "hold", {"days": 4}), "parameters"),
        (CurveRule("negative", ALL, "off"), "effect"),
        (CurveRule("duplicate", "resident", "off"), "meter_class"),
        (CurveRule("fill_group", ALL, "estimate", {"order": 0}), "parameters"),
        (CurveRule("spike", ALL, "hold", {"times": 0}), "parameters"),
        (CurveRule("spike", ALL, "hold", {}, DAY, DAY), "effective_to"),
    ],
)
def test_a_faulty_rule_is_told(rule: CurveRule, field: str) -> None:
    fault = fault_of(rule)
    assert fault is not None and fault[0] == field


def verdicts(raw: list[int], beside: dict[str, Any], difference: int = -1, **changed: str) -> list[tuple[str, str]]:
    """(status, rule) of each slot; `changed`: other effects than those that ship."""
    row = np.array([raw], dtype=np.int64)
    told = {name: np.array([value]) for name, value in beside.items()}
    rules = rules_of([], DAY)
    rules |= {code: CurveRule(code, ALL, effect, rules[code].parameters) for code, effect in changed.items()}
    nothing: Beside = nothing_beside(1)
    none = np.full_like(row, -1)
    _, verdict = judged(row, none, np.array([difference]), nothing._replace(**told), rules)
    return [VERDICTS[number][:2] for number in verdict[0].tolist()]


def test_power_above_what_may_pass_is_held() -> None:
    """10 kVA are 2,500 Wh a quarter-hour; half as much again is 3,750."""
    raw = [3_750, 3_751] + [100] * 94
    assert verdicts(raw, {"capacity_w": 10_000})[:3] == [
        ("valid", "checked"),
        ("held", "over_capacity"),
        ("valid", "checked"),
    ]
    assert verdicts(raw, {"capacity_w": 10_000}, over_capacity="notice")[1] == ("valid", "over_capacity")
    assert verdicts(raw, {}, over_capacity="off")[1] == verdicts(raw, {})[1] == ("valid", "checked")
    assert verdicts([1_001, 1_000] * 48, {"capacity_w": 0})[:2] == [("held", "over_capacity"), ("valid", "checked")]


def test_a_value_that_is_not_the_sum_of_its_phases_is_held() -> None:
    """2 % of 3,000 are 60."""
    raw, phases = [3_060, 3_061, 2_940, 2_939] + [3_000] * 92, [3_000] * 95 + [-1]
    found = verdicts(raw, {"phases": phases})
    assert found[:4] == [("valid", "checked"), ("held", "phase_sum")] * 2
    assert verdicts([121] + [100] * 95, {"phases": [100] * 96})[0] == ("held", "phase_sum")
    assert verdicts([120] + [100] * 95, {"phases": [100] * 96})[0] == ("valid", "checked")


def test_energy_that_comes_back_without_a_plant_is_remarked() -> None:
    raw = [501, 500, *[0] * 94]
    assert verdicts(raw, {"no_plant": True})[:3] == [("valid", "reverse")] * 2 + [("valid", "checked")]
    assert verdicts([500, 500, *[0] * 94], {"no_plant": True})[0] == ("valid", "checked")
    assert verdicts(raw, {"no_plant": False})[0] == ("valid", "checked")


def test_zero_for_many_days_is_remarked_and_held_where_that_is_set() -> None:
    assert verdicts([0] * 96, {"zero_days": 6}) == [("valid", "checked")] * 96
    assert verdicts([0] * 96, {"zero_days": 7}) == [("valid", "zero_days")] * 96
    assert verdicts([0] * 96, {"zero_days": 7}, zero_days="hold") == [("held", "zero_days")] * 96


def test_values_by_a_clock_that_is_off_are_held() -> None:
    raw = [100] * 95 + [-1]
    assert set(verdicts(raw, {"clock_off_s": 300})[:95]) == {("valid", "checked")}
    assert verdicts(raw, {"clock_off_s": 301})[94:] == [("held", "clock_drift"), ("held", "gap")]
    assert verdicts(raw, {"clock_off_s": 301}, clock_drift="notice")[0] == ("valid", "clock_drift")


def test_gaps_are_held_where_the_rule_says_so() -> None:
    raw = [100] * 40 + [-1] * 2 + [100] * 54
    assert verdicts(raw, {})[40] == ("estimated", "gap")
    assert verdicts(raw, {}, gap="hold")[39:42] == [("valid", "checked")] + [("held", "gap")] * 2


def test_a_curve_apart_from_its_registers_is_filled_where_that_is_only_remarked() -> None:
    raw = [100] * 40 + [-1] * 2 + [100] * 54
    assert verdicts(raw, {}, difference=1_000)[39:41] == [("held", "register_sum"), ("held", "gap")]
    found = verdicts(raw, {}, difference=1_000, register_sum="notice")
    assert found[39:41] == [("valid", "register_sum"), ("estimated", "gap")]


@given(
    raw=st.lists(st.integers(-1, 5_000), min_size=96, max_size=96),
    phases=st.lists(st.integers(-1, 5_000), min_size=96, max_size=96),
    capacity=st.integers(-1, 40_000),
    effects=st.tuples(*(st.sampled_from(KINDS[code].effects) for code in SUSPECTS)),
)
def test_a_value_breaks_the_first_rule_that_is_on(
    raw: list[int], phases: list[int], capacity: int, effects: tuple[str, ...]
) -> None:
    """Slot by slot, in words, beside the columns."""
    on = dict(zip(SUSPECTS, effects, strict=True))
    found = verdicts(raw, {"phases": phases, "capacity_w": capacity}, **on)
    for value, sum_, (status, rule) in zip(raw, phases, found, strict=True):
        broken = []
        if sum_ >= 0 and abs(value - sum_) > max(sum_ * 200 // 10_000, 20):
            broken.append("phase_sum")
        if capacity >= 0 and value > max(capacity * 15_000 // 40_000, 1_000):
            broken.append("over_capacity")
        first = next((code for code in broken if on[code] != "off"), "checked")
        expected = first if value >= 0 else "gap"
        assert rule == expected
        assert value < 0 or status == ("held" if on.get(expected) == "hold" else "valid")


@given(
    orders=st.permutations(range(1, 5)),
    effects=st.tuples(*[st.sampled_from(["estimate", "off"])] * 4),
    known=st.tuples(*[st.booleans()] * 4),
    bound=st.booleans(),
)
def test_a_gap_is_filled_by_the_first_method_that_is_on_and_knows_it(
    orders: list[int], effects: tuple[str, ...], known: tuple[bool, ...], bound: bool
) -> None:
    """A gap of four slots, or of sixteen and one where the line does not reach."""
    rules = rules_of([], DAY)
    told = list(zip(FILLS, effects, orders, strict=True))
    rules |= {code: CurveRule(code, ALL, effect, {"order": order}) for code, effect, order in told}
    wide = 4 if known[0] else 17
    raw = np.array([[100] * 40 + [-1] * wide + [100] * (56 - wide)])
    like, group, last_year = (
        np.full_like(raw, value if is_known else -1) for value, is_known in zip((7, 8, 9), known[1:], strict=True)
    )
    beside = nothing_beside(1)._replace(group=group, last_year=last_year)
    difference = np.array([100 * (96 - wide) + 50 * wide if bound else -1])
    estimate, verdict = judged(raw, like, difference, beside, rules)
    first = next((code for code in methods_of(rules) if known[FILLS.index(code)]), None)
    method = first.removeprefix("fill_").replace("line", "linear") if first else None
    if bound:
        method = f"register_{method or 'even'}"
    assert {VERDICTS[number].method for number in verdict[0, 40 : 40 + wide]} == {method or "none"}
    if not bound and method is not None:
        values = {"linear": 100, "like_day": 7, "group": 8, "last_year": 9}
        assert set(estimate[0, 40 : 40 + wide].tolist()) == {values[method]}
    if bound:
        assert int(estimate[0, 40 : 40 + wide].sum()) == 50 * wide

"""Rules of curves set by two persons: drafted, published, and the days that they touch judged anew, each value by its version."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from denghuo.kernel.contract import Call
from denghuo.kernel.period import midnight
from denghuo.service.acquisition.api import ClocksMeasured, MeasuredClock
from denghuo.service.reading.api import (
    CheckedCurve,
    CheckedCurveAsked,
    CurveParameter,
    CurveRuleFaulty,
    CurveRuleRef,
    CurveRuleShown,
    DraftCurveRule,
    DrafterMayNotPublish,
    FindCurveExceptions,
    FindCurveRules,
    FindRefused,
    NoSuchCurveRule,
    RuleIsPublished,
    WholeCompanyOnly,
)
from denghuo.service.reading.listen import doubt_clocks
from denghuo.service.reading.rules.curve_book import SHIPPED
from tests.service.bindings import NOW, settle
from tests.service.reading.conftest import Bench, Make
from tests.service.reading.county import MONTH, curve_rows, energy_day, installation

DAY = date(2026, 4, 13)
PERMITS = frozenset({"reading.read", "reading.set_rules"})
READER = Call(actor="reader", now=NOW, permits=PERMITS, scope=("1405810",), channel="pc")
MANAGER = replace(READER, actor="manager")
STATION = replace(READER, actor="station", scope=("1405810.01",))
HOME, WORKS = "5810100000019", "5810100000027"
TERMS = [
    {"account_no": HOME, "tariff_class": "resident", "contract_w": 8_000},
    {"account_no": WORKS, "tariff_class": "two_part_capacity", "capacity_va": 100_000},
]


@pytest.fixture
def made(bench: Make) -> Bench:
    return bench([installation("P1", "M1", account_no=HOME), installation("P2", "M2", account_no=WORKS)], TERMS)


def drafted(made: Bench, call: Call = READER, **words: Any) -> CurveRuleShown:
    given = {"code": "over_capacity", "effect": "hold", "effective_from": date(2026, 4, 1), "reason": "试行新阈值"}
    return made.api.draft_curve_rule(call, DraftCurveRule.model_validate(given | words))


def ref(rule: CurveRuleShown) -> CurveRuleRef:
    return CurveRuleRef(code=rule.code, meter_class=rule.meter_class, version=rule.version)


def curve(made: Bench, meter_no: str) -> CheckedCurve:
    return made.api.checked_curve(made.call(), CheckedCurveAsked(meter_no=meter_no, day=DAY))


def test_a_rule_of_a_class_is_drafted_published_by_another_and_judges_its_days_anew(made: Bench) -> None:
    """A home of 8 kW may pass 3,000 Wh a quarter-hour at half as much again; then 1,600 Wh at four fifths."""
    made.receive_curves(energy_day("M1", DAY, [2_000] * 2 + [100] * 94), energy_day("M2", DAY, [25_000] * 96))
    settle(made.directory)
    assert made.api.curve_exceptions(made.call(), FindCurveExceptions()).rows == []
    assert (curve(made, "M1").rules[0], curve(made, "M1").versions[0]) == ("checked", 0)

    share = [CurveParameter(name="share_e4", value=8_000)]
    draft = drafted(made, meter_class="resident", parameters=share)
    assert (draft.status, draft.version, draft.stands_before, draft.days) == ("draft", 1, 0, 1)
    (change,) = draft.changes
    assert (change.name, change.before, change.after) == ("share_e4", 15_000, 8_000)
    assert {one.name: one.value for one in draft.parameters} == {"share_e4": 8_000, "floor_wh": 1_000}
    assert (draft.goes_by.zh, draft.goes_by.en) == (
        "比例（万分之一） 8000；电量下限（Wh） 1000",
        "Share (1e-4) 8000; Floor (Wh) 1000",
    )
    with pytest.raises(DrafterMayNotPublish):
        made.api.publish_curve_rule(READER, ref(draft))
    # A rule holds for the meters of all units.
    for setting in (lambda: made.api.publish_curve_rule(STATION, ref(draft)), lambda: drafted(made, STATION)):
        with pytest.raises(WholeCompanyOnly) as refused:
            setting()
        assert refused.value.fields["scope"] == ["1405810.01"]
    done = made.api.publish_curve_rule(MANAGER, ref(draft))
    assert (done.status, done.drafted_by, done.published_by, done.days) == ("published", "reader", "manager", 1)
    with pytest.raises(RuleIsPublished):
        made.api.publish_curve_rule(MANAGER, ref(draft))
    settle(made.directory)

    (row,) = made.api.curve_exceptions(made.call(), FindCurveExceptions(rule="over_capacity", status="held")).rows
    assert (row.meter_no, row.version, row.slots_held) == ("M1", 1, 2)
    shown = curve(made, "M1")
    assert [shown.rules[0], shown.versions[0], shown.rules[2], shown.versions[2]] == ["over_capacity", 1, "checked", 1]
    assert curve(made, "M2").statuses[0] == "valid"
    assert made.api.curve_exceptions(made.call(), FindCurveExceptions(rule="spike")).rows == []


def test_versions_are_listed_and_what_holds_on_a_day_is_found(made: Bench) -> None:
    listed = made.api.curve_rules(READER, FindCurveRules())
    assert listed.total == len(listed.rows) == len(SHIPPED) and {row.version for row in listed.rows} == {0}
    first = made.api.curve_rules(READER, FindCurveRules(limit=10))
    rest = made.api.curve_rules(READER, FindCurveRules(limit=10, after=first.next))
    assert [*first.rows, *rest.rows] == listed.rows and rest.next is None
    april = {"effective_from": date(2026, 4, 1), "effective_to": date(2026, 5, 1)}
    rule = drafted(made, code="spike", effect="notice", **april)
    replaced = drafted(made, code="spike", effect="off", **april)
    drafts = made.api.curve_rules(READER, FindCurveRules(status="draft")).rows
    assert [row.effect for row in drafts] == ["off"] and rule.effect_before == "hold"
    made.api.publish_curve_rule(MANAGER, ref(replaced))

    def effects(on: date) -> list[str]:
        found = made.api.curve_rules(READER, FindCurveRules(code="spike", on=on)).rows
        return [row.effect for row in found]

    assert effects(date(2026, 4, 30)) == ["off"] and effects(date(2026, 5, 1)) == ["hold"]
    inside = made.api.curve_rule(READER, CurveRuleRef(code="spike", on=date(2026, 4, 30)))
    assert (inside.version, inside.reason) == (replaced.version, "试行新阈值")
    assert made.api.curve_rule(READER, CurveRuleRef(code="spike", on=date(2026, 5, 2))).version == 0
    for unknown in (CurveRuleRef(code="spike", version=99), CurveRuleRef(code="gap", version=replaced.version)):
        with pytest.raises(NoSuchCurveRule):
            made.api.curve_rule(READER, unknown)


def test_a_faulty_draft_is_refused_with_field_and_value(made: Bench) -> None:
    with pytest.raises(CurveRuleFaulty) as refused:
        drafted(made, code="gap", effect="off")
    assert (refused.value.fields["field"], refused.value.fields["value"]) == ("effect", "off")
    assert refused.value.detail["zh"] == "作用“不用”：该规则的作用只能是“估计并标记”或“待核”。"
    with pytest.raises(CurveRuleFaulty):
        drafted(made, effective_from=date(2019, 12, 31))


def test_curves_of_a_clock_that_was_measured_off_are_held_until_it_is_measured_right(made: Bench) -> None:
    """Measured ten minutes behind on the 13th, and so it was the day before; set on the 15th. Of the other meter's clock nothing is
    known."""
    days = [DAY + timedelta(days=step) for step in range(-2, 4)]
    made.receive_curves(*(energy_day(meter, day, [100] * 96) for meter in ("M1", "M2") for day in days))
    settle(made.directory)
    for step, offset_s in ((0, -601), (2, 2)):
        clocks = [MeasuredClock(meter_no="M1", offset_s=offset_s)]
        event = ClocksMeasured(at=midnight(DAY) + timedelta(days=step, hours=10), clocks=clocks)
        for _ in range(2):  # events come at least once
            made.directory.hosted["reading"].handle("reading", doubt_clocks, made.call(), event, f"clock:{step}")
    settle(made.directory)
    # The days after are judged when something comes in, as they are when a day ends.
    made.receive_curves(*(energy_day("M1", day, [101] * 96) for day in days[3:]))
    settle(made.directory)
    rows = made.api.curve_exceptions(made.call(), FindCurveExceptions(rule="clock_drift")).rows
    assert [(row.meter_no, row.day, row.status, row.slots_held) for row in rows] == [
        ("M1", day, "held", 96) for day in reversed(days[1:5])
    ]


def test_which_methods_may_fill_gaps_of_a_class_and_in_which_order_is_set_from_a_day_on(made: Bench) -> None:
    """A day without registers that lacks two hours, and the same day a week before."""
    made.receive_curves(*(energy_day(meter, DAY - timedelta(days=7), [70] * 96) for meter in ("M1", "M2")))
    made.receive_curves(*(energy_day(meter, DAY, [100] * 40 + [None] * 8 + [100] * 48) for meter in ("M1", "M2")))
    settle(made.directory)
    methods = lambda: [curve(made, meter).methods[44] for meter in ("M1", "M2")]  # noqa: E731
    assert methods() == ["linear", "linear"]
    first = [CurveParameter(name="order", value=1)]
    for code, effect in (("fill_line", "off"), ("fill_like_day", "estimate")):
        rule = drafted(made, code=code, effect=effect, meter_class="resident", parameters=first)
        made.api.publish_curve_rule(MANAGER, ref(rule))
    settle(made.directory)
    assert methods() == ["like_day", "linear"]
    # Before all others the meters of its class; M1 is the only home, so days like it are asked next.
    rule = drafted(made, code="fill_group", effect="estimate", meter_class="resident", parameters=first)
    made.api.publish_curve_rule(MANAGER, ref(rule))
    later = drafted(
        made, code="fill_like_day", effect="off", meter_class="resident", effective_from=DAY + timedelta(days=1)
    )
    made.api.publish_curve_rule(MANAGER, ref(later))
    settle(made.directory)
    assert methods() == ["like_day", "linear"]


def test_phases_reverse_energy_and_days_of_zero_are_told(made: Bench) -> None:
    zeros = [energy_day("M2", DAY - timedelta(days=back), [0] * 96) for back in range(7)]
    phases = [energy_day("M1", DAY, [100] * 96, f"active_fwd_{phase}_wh") for phase in "abc"]
    back = energy_day("M1", DAY, [2_000] + [0] * 95, "active_rev_wh")
    made.receive_curves(energy_day("M1", DAY, [300] * 95 + [400]), *phases, back, *zeros)
    settle(made.directory)
    found = {
        (row.meter_no, row.series, row.rule): row.status
        for row in made.api.curve_exceptions(made.call(), FindCurveExceptions()).rows
    }
    assert found == {
        ("M1", "active_fwd_wh", "phase_sum"): "held",
        ("M1", "active_rev_wh", "reverse"): "valid",
        ("M2", "active_fwd_wh", "zero_days"): "valid",
    }


def test_a_curve_of_a_clock_ahead_is_refused_by_the_rule_in_force_and_so_are_two_values_of_one_slot(
    made: Bench,
) -> None:
    """It is nine in Shanghai: the quarter-hour from nine on has begun."""
    nine = midnight(NOW.date()) + timedelta(hours=9)

    def given(minutes: int, value: int = 1) -> Any:
        return curve_rows(("active_fwd_wh", "M1", nine + timedelta(minutes=minutes), value))

    assert made.receive_curves(given(0)).refused == 0
    assert [row.code for row in made.receive_curves(given(15)).refused_rows] == ["clock"]
    strict = drafted(made, code="clock", effect="refuse", parameters=[CurveParameter(name="ahead_s", value=0)])
    made.api.publish_curve_rule(MANAGER, ref(strict))
    assert [row.code for row in made.receive_curves(given(0, 2)).refused_rows] == ["clock"]
    twice = made.receive_curves(given(-60, 5), given(-60, 6), given(-75, 7), given(-75, 7))
    assert (twice.taken, [row.code for row in twice.refused_rows]) == (2, ["superseded"])
    # How far two values may differ before the one that does not count is told is a rule with a day and a parameter.
    loose = drafted(made, code="duplicate", effect="refuse", parameters=[CurveParameter(name="floor_wh", value=2)])
    made.api.publish_curve_rule(MANAGER, ref(loose))
    again = made.receive_curves(given(-90, 4), given(-90, 6), given(-105, 4), given(-105, 7))
    assert (again.taken, [(row.code, row.value) for row in again.refused_rows]) == (2, [("superseded", "4")])
    values = made.api.checked_curve(made.call(), CheckedCurveAsked(meter_no="M1", day=NOW.date())).raw
    assert [str(values[slot]) for slot in (31, 32)] == ["0.007", "0.006"]
    assert {row.code for row in made.api.refused(made.call(), FindRefused(month=MONTH)).rows} == {
        "clock",
        "superseded",
    }

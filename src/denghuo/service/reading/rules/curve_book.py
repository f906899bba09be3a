"""The rule book of curves (曲线校验规则): what ships, and which rules hold for a class of meters on a day."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from denghuo.kernel.period import midnight
from denghuo.kernel.problem import Text, text
from denghuo.service.reading.api import CURVE_EFFECTS, METER_CLASSES, PARAMETERS

ALL = "all"


@dataclass(frozen=True)
class RuleKind:
    """What can be set of a rule: its effects, and of each parameter the lowest and the highest value. of_classes: it may
    differ by class of meters."""

    effects: tuple[str, ...]
    bounds: Mapping[str, tuple[int, int]]
    of_classes: bool = True


_SUSPECTS = ("hold", "notice", "off")
_REFUSED = ("refuse",)
_METHOD = ("estimate", "off")
_SHARE, _FLOOR, _ORDER = (0, 1_000_000), (0, 1_000_000_000), (1, 9)
KINDS: Mapping[str, RuleKind] = {
    "gap": RuleKind(("estimate", "hold"), {"linear_slots_max": (0, 96)}),
    "register_sum": RuleKind(_SUSPECTS, {"share_e4": _SHARE, "floor_wh": _FLOOR}),
    "phase_sum": RuleKind(_SUSPECTS, {"share_e4": _SHARE, "floor_wh": _FLOOR}),
    "over_capacity": RuleKind(_SUSPECTS, {"share_e4": _SHARE, "floor_wh": _FLOOR}),
    "spike": RuleKind(_SUSPECTS, {"times": (1, 1_000_000), "floor_wh": _FLOOR}),
    "reverse": RuleKind(_SUSPECTS, {"floor_wh": _FLOOR}),
    "zero_days": RuleKind(_SUSPECTS, {"days": (1, 31)}),
    "clock_drift": RuleKind(_SUSPECTS, {"drift_s": (60, 86_400)}),
    "spread": RuleKind(("estimate", *_SUSPECTS), {}),
    # By which methods gaps may be filled, and which is tried first.
    "fill_line": RuleKind(_METHOD, {"order": _ORDER}),
    "fill_like_day": RuleKind(_METHOD, {"order": _ORDER}),
    "fill_group": RuleKind(_METHOD, {"order": _ORDER}),
    "fill_last_year": RuleKind(_METHOD, {"order": _ORDER}),
    # What no reading is, so that there is nothing to choose: it is here to be seen beside the others.
    "unknown_subject": RuleKind(_REFUSED, {}, of_classes=False),
    "negative": RuleKind(_REFUSED, {}, of_classes=False),
    "duplicate": RuleKind(("refuse", "off"), {"floor_wh": _FLOOR}, of_classes=False),
    "clock": RuleKind(("refuse", "off"), {"ahead_s": (0, 86_400)}, of_classes=False),
    # From how many days after its end on the estimates of a day stand in bills.
    "billing": RuleKind(("estimate", "off"), {"days": (0, 31)}, of_classes=False),
}
"""In the order in which they are told; those before stand before those behind where a value breaks several."""


@dataclass(frozen=True)
class CurveRule:
    """A rule for a class of meters, in force from `effective_from` until the day before `effective_to`. Version 0 ships."""

    code: str
    meter_class: str
    effect: str
    parameters: Mapping[str, int] = field(default_factory=dict)
    effective_from: date = date(2020, 1, 1)
    effective_to: date | None = None
    version: int = 0

    def holds(self, day: date) -> bool:
        return self.effective_from <= day and (self.effective_to is None or day < self.effective_to)


SHIPPED: tuple[CurveRule, ...] = (
    CurveRule("gap", ALL, "estimate", {"linear_slots_max": 16}),
    # As the month's split by curve holds them against each other.
    CurveRule("register_sum", ALL, "hold", {"share_e4": 50, "floor_wh": 2_000}),
    # Each phase is rounded by itself, and the meter may sum before it rounds.
    CurveRule("phase_sum", ALL, "hold", {"share_e4": 200, "floor_wh": 20}),
    CurveRule("over_capacity", ALL, "hold", {"share_e4": 15_000, "floor_wh": 1_000}),
    CurveRule("spike", ALL, "hold", {"times": 10, "floor_wh": 1_000}),
    # Below this much in a day it may be creep.
    CurveRule("reverse", ALL, "notice", {"floor_wh": 1_000}),
    CurveRule("zero_days", ALL, "notice", {"days": 7}),
    # What a plant takes itself may well be nothing.
    CurveRule("zero_days", "generation", "off", {"days": 7}),
    # A broadcast sets clocks that are off by no more; beyond it values may lie in the quarter-hour beside theirs.
    CurveRule("clock_drift", ALL, "hold", {"drift_s": 300}),
    # What passed within a longer interval nobody measured by the quarter-hour.
    CurveRule("spread", ALL, "estimate"),
    CurveRule("fill_line", ALL, "estimate", {"order": 1}),
    CurveRule("fill_like_day", ALL, "estimate", {"order": 2}),
    CurveRule("fill_group", ALL, "estimate", {"order": 3}),
    CurveRule("fill_last_year", ALL, "estimate", {"order": 4}),
    CurveRule("unknown_subject", ALL, "refuse"),
    CurveRule("negative", ALL, "refuse"),
    CurveRule("duplicate", ALL, "refuse", {"floor_wh": 0}),
    # A quarter-hour that has begun may be told before it ends.
    CurveRule("clock", ALL, "refuse", {"ahead_s": 900}),
    CurveRule("billing", ALL, "estimate", {"days": 3}),
)
RuleSet = Mapping[str, CurveRule]
"""The rules that hold for a class of meters on a day, by code."""


def rules_of(published: Sequence[CurveRule], day: date, meter_class: str = ALL) -> dict[str, CurveRule]:
    """The rules in force: of a class before those of all meters, the last published before the others.

    published: in the order in which they were published; the shipped ones come before all of them.
    """
    found: dict[str, CurveRule] = {}
    for named in (ALL, meter_class):
        found |= {rule.code: rule for rule in (*SHIPPED, *published) if rule.meter_class == named and rule.holds(day)}
    return found


FILLS = ("fill_line", "fill_like_day", "fill_group", "fill_last_year")
INTAKE = ("unknown_subject", "negative", "duplicate", "clock")
"""Rules of what comes in: it is judged once, as it comes."""


def methods_of(rules: RuleSet) -> list[str]:
    """The methods by which gaps may be filled, the one that is tried first before the others."""
    on = [code for code in FILLS if rules[code].effect == "estimate"]
    return sorted(on, key=lambda code: rules[code].parameters["order"])


def released_at(published: Sequence[CurveRule], day: date) -> datetime | None:
    """From when on the estimates of a day stand in bills; None where they never do."""
    rule = rules_of(published, day)["billing"]
    return midnight(day + timedelta(days=1 + rule.parameters["days"])) if rule.effect == "estimate" else None


def by_class(published: Sequence[CurveRule], day: date) -> dict[str, dict[str, CurveRule]]:
    """The rules in force of every class of meters."""
    return {name: rules_of(published, day, name) for name in METER_CLASSES.entries}


def called(code: str) -> Text:
    """What an effect, a class of meters or a parameter is called; any other value as it is."""
    named = next((one.entries[code] for one in (CURVE_EFFECTS, METER_CLASSES, PARAMETERS) if code in one.entries), None)
    return named or text(code, code)


def _choice(codes: Iterable[str]) -> Text:
    names = [called(code) for code in codes]
    return text("或".join(f"“{one['zh']}”" for one in names), " or ".join(f"“{one['en']}”" for one in names))


def fault_of(rule: CurveRule) -> tuple[str, str, str, str] | None:
    """What is wrong with a rule as it was drafted: (field, value, what zh, what en)."""
    kind = KINDS[rule.code]
    if rule.effect not in kind.effects:
        allowed = _choice(kind.effects)
        return (
            "effect",
            rule.effect,
            f"该规则的作用只能是{allowed['zh']}",
            f"the effect of this rule is {allowed['en']}",
        )
    if rule.meter_class != ALL and not kind.of_classes:
        return (
            "meter_class",
            rule.meter_class,
            "该规则不分类别，请选全部表计",
            "the rule knows no classes; choose all meters",
        )
    if rule.effective_to is not None and rule.effective_to <= rule.effective_from:
        return (
            "effective_to",
            str(rule.effective_to),
            "失效日期须晚于生效日期",
            "it lies after the day from which it holds",
        )
    for name, value in rule.parameters.items():
        if name not in kind.bounds:
            if not kind.bounds:
                return "parameters", name, "该规则没有参数，请删去此行", "the rule has no parameters; remove the row"
            known = _choice(kind.bounds)
            return "parameters", name, f"该规则的参数为{known['zh']}", f"the parameters of this rule are {known['en']}"
        lowest, highest = kind.bounds[name]
        if not lowest <= value <= highest:
            return (
                "parameters",
                name,
                f"{value} 超出范围，须在 {lowest} 至 {highest} 之间",
                f"{value} is out of range, give {lowest} to {highest}",
            )
    return None

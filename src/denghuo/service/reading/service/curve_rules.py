"""The rules of curves as they are set (曲线校验规则): one drafts, another publishes, and the days touched are checked again."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from denghuo.data.processing.work import Work
from denghuo.kernel.contract import Call, label_of
from denghuo.kernel.fields import TextPair
from denghuo.kernel.problem import text
from denghuo.service.reading.api import (
    PARAMETERS,
    CurveRuleFaulty,
    CurveRulePublished,
    CurveRuleRef,
    CurveRuleRow,
    CurveRulesFound,
    CurveRuleShown,
    DraftCurveRule,
    DrafterMayNotPublish,
    FindCurveRules,
    NoSuchCurveRule,
    RuleIsPublished,
)
from denghuo.service.reading.rules.curve_book import (
    INTAKE,
    KINDS,
    SHIPPED,
    CurveRule,
    by_class,
    called,
    fault_of,
    rules_of,
)
from denghuo.service.reading.service.curves import Curves
from denghuo.service.reading.store.curve_rules import CurveRuleStore, rule_of

_SHIPPED_ROW = {
    "status": "published",
    "reason": "",
    "drafted_by": None,
    "drafted_at": None,
    "published_by": None,
    "published_at": None,
}


class CurveRuleDesk:
    def __init__(self, work: Work, curves: Curves) -> None:
        self._work, self._curves, self._store = work, curves, CurveRuleStore(work)

    def find(self, call: Call, request: FindCurveRules) -> CurveRulesFound:
        rows = [_row(row) for row in self._store.rows()] + [_row(_told(rule)) for rule in SHIPPED]
        if request.on is not None:
            sets = by_class(self._store.published(), request.on)
            standing = {(rule.code, rule.meter_class, rule.version) for one in sets.values() for rule in one.values()}
            rows = [row for row in rows if (row.code, row.meter_class, row.version) in standing]
        asked = {"code": request.code, "meter_class": request.meter_class, "status": request.status}
        rows = [row for row in rows if all(said in (None, getattr(row, name)) for name, said in asked.items())]
        first = next((place for place, row in enumerate(rows, start=1) if row.rule_no == request.after), 0)
        shown = rows[first : first + request.limit]
        following = shown[-1].rule_no if first + len(shown) < len(rows) else None
        return CurveRulesFound(rows=shown, total=len(rows), next=following, as_of=call.now)

    def draft(self, call: Call, request: DraftCurveRule) -> CurveRuleShown:
        self._store.lock()
        standing = rules_of(self._store.published(), request.effective_from, request.meter_class).get(request.code)
        given = {one.name: one.value for one in request.parameters}
        rule = CurveRule(
            request.code,
            request.meter_class,
            request.effect,
            (dict(standing.parameters) if standing else {}) | given,
            request.effective_from,
            request.effective_to,
        )
        fault = fault_of(rule)
        if fault is None and standing is None:
            fault = (
                "effective_from",
                str(rule.effective_from),
                "早于规则册起始日",
                "it lies before the rule book begins",
            )
        if fault is not None:
            field, value, zh, en = fault
            label, said = label_of(DraftCurveRule, field), called(value)
            raise CurveRuleFaulty(
                text(f"{label.zh}“{said['zh']}”：{zh}。", f"{label.en} “{said['en']}”: {en}."), field=field, value=value
            )
        version = self._store.draft(rule, request.reason, call.actor, call.now)
        return self._shown(self._one(request.code, request.meter_class, version))

    def publish(self, call: Call, request: CurveRuleRef) -> CurveRuleShown:
        self._store.lock()
        head = self._one(request.code, request.meter_class, request.version or 0)
        if head["published_by"] is not None or head["version"] == 0:
            raise RuleIsPublished(
                text(
                    "该规则版本已发布；如需修改，请另行起草。", "The version is published; draft another to change it."
                ),
                code=head["code"],
                meter_class=head["meter_class"],
                version=head["version"],
            )
        if head["drafted_by"] == call.actor:
            raise DrafterMayNotPublish(
                text("规则须由起草人以外的人复核发布。", "A rule is published by another person than its drafter."),
                drafted_by=head["drafted_by"],
            )
        self._store.publish(head["version"], call.actor, call.now)
        rule = rule_of(head)
        days = self._touched(rule)
        self._curves.received(days, call.now)
        if rule.code == "billing":
            # Of these days values were checked: from when on they stand in bills may be another instant now.
            for day in self._store.days_checked(rule.effective_from, rule.effective_to):
                self._work.enqueue("reading.release_estimates", {"day": str(day)})
        self._work.emit(
            CurveRulePublished(
                code=rule.code,
                meter_class=rule.meter_class,
                rule_version=rule.version,
                effective_from=rule.effective_from,
                effective_to=rule.effective_to,
                days=len(days),
            )
        )
        return self._shown(self._one(rule.code, rule.meter_class, rule.version))

    def shown(self, call: Call, request: CurveRuleRef) -> CurveRuleShown:
        if request.version is None:
            on = request.on or call.today
            found = rules_of(self._store.published(), on, request.meter_class).get(request.code)
            if found is None:
                raise _no_such(request.code, request.meter_class, str(on))
            return self._shown(self._one(found.code, found.meter_class, found.version))
        return self._shown(self._one(request.code, request.meter_class, request.version))

    def _one(self, code: str, meter_class: str, version: int) -> Mapping[str, Any]:
        shipped = (_told(rule) for rule in SHIPPED if (rule.code, rule.meter_class) == (code, meter_class))
        row = self._store.one(version) if version else next(shipped, None)
        if row is None or (row["code"], row["meter_class"]) != (code, meter_class):
            raise _no_such(code, meter_class, str(version))
        return row

    def _shown(self, row: Mapping[str, Any]) -> CurveRuleShown:
        rule = rule_of(row)
        earlier: list[CurveRule] = []
        for one in self._store.published():
            if one.version == rule.version:
                break
            earlier.append(one)
        others = rules_of(earlier, rule.effective_from, rule.meter_class) if rule.version else {}
        before = others.get(rule.code)
        past = before.parameters if before else {}
        return CurveRuleShown.model_validate(
            _values(row)
            | {
                "stands_before": before.version if before else None,
                "effect_before": before.effect if before else None,
                "changes": [
                    {"name": name, "before": past.get(name), "after": value}
                    for name, value in rule.parameters.items()
                    if past.get(name) != value
                ],
                "days": len(self._touched(rule)),
            }
        )

    def _touched(self, rule: CurveRule) -> Sequence[date]:
        """The intake is judged as it comes; what it refused is not asked for again."""
        return (
            []
            if rule.code in (*INTAKE, "billing")
            else self._store.days_checked(rule.effective_from, rule.effective_to)
        )


def _told(rule: CurveRule) -> dict[str, Any]:
    return vars(rule) | _SHIPPED_ROW


def _values(row: Mapping[str, Any]) -> dict[str, Any]:
    order = list(KINDS[row["code"]].bounds)
    parameters = sorted(row["parameters"].items(), key=lambda one: order.index(one[0]))
    zh, en = ([f"{PARAMETERS.entries[name][tongue]} {value}" for name, value in parameters] for tongue in ("zh", "en"))
    return dict(row) | {
        "rule_no": f"{row['code']}-{row['meter_class']}-{row['version']}",
        "status": "published" if row["published_by"] or not row["version"] else "draft",
        "parameters": [{"name": name, "value": value} for name, value in parameters],
        "goes_by": TextPair(zh="；".join(zh), en="; ".join(en)),
    }


def _row(row: Mapping[str, Any]) -> CurveRuleRow:
    return CurveRuleRow.model_validate(_values(row))


def _no_such(code: str, meter_class: str, version: str) -> NoSuchCurveRule:
    return NoSuchCurveRule(
        text(
            f"规则 {code}（{meter_class}）没有版本 {version}。",
            f"Rule {code} ({meter_class}) has no version {version}.",
        ),
        code=code,
        meter_class=meter_class,
        version=version,
    )

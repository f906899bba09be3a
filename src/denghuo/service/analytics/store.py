"""What the analytics service reads from the warehouse; every query is limited to organisation prefixes in its SQL."""

import json
from collections.abc import Callable, Hashable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

from denghuo.data.analysis.metrics import BY_CODE, Metric, Parts, parts_of
from denghuo.data.analysis.warehouse import Status, Warehouse
from denghuo.kernel.contract import is_within
from denghuo.kernel.fields import TextPair
from denghuo.kernel.values import Power
from denghuo.service.analytics.api import Fact, LoadDay, ScreenRun, ScreenStage
from denghuo.service.analytics.rules import sentence

FACTS_MAX = 12
JOURNAL_ROWS = 60
STAGES = ("plan", "read", "rate", "review", "issue")
_JOURNALS = ("billing", "ledger", "payment", "reading", "point")
_SLOTS = tuple(f"p{slot:02d}" for slot in range(96))
Result = TypeVar("Result")


class AnalyticsStore:
    def __init__(self, warehouse: Warehouse, scope: tuple[str, ...]) -> None:
        self._warehouse = warehouse
        self.scope = scope

    def status(self) -> Status:
        return self._warehouse.status()

    def remembered(self, key: Hashable, compute: Callable[[], Result]) -> Result:
        return self._warehouse.remembered((self.scope, key), compute)

    def parts(self, metric: Metric, month: str) -> list[Parts]:
        return parts_of(metric, self._warehouse, month, self.scope)

    def parts_by_code(self, code: str, month: str) -> list[Parts]:
        return self.parts(BY_CODE[code], month)

    def months(self) -> list[str]:
        """Months that were billed, posted or read, oldest first."""
        found: set[str] = set()
        for table in ("billing.cycle", "ledger.item", "reading.month_energy"):
            if self._warehouse.has(table):
                found |= {row["month"] for row in self._warehouse.rows(f"SELECT DISTINCT month FROM {table}")}
        return sorted(found)

    def organisations(self) -> list[dict[str, Any]]:
        """code, name, name_en, kind, parent of the standing units in scope."""
        return self._scoped(
            ("permission.organisation",),
            "SELECT code, name, name_en, kind, parent FROM permission.organisation WHERE to_day IS NULL"
            " AND in_scope(code, $scope) ORDER BY code",
        )

    def run(self, month: str) -> ScreenRun | None:
        if not self._warehouse.has("billing.cycle") or not self._warehouse.has("billing.cycle_stage"):
            return None
        cycles = self._warehouse.rows("SELECT * FROM billing.cycle WHERE month = $month", {"month": month})
        if not cycles:
            return None
        cycle = cycles[0]
        stages = self._warehouse.rows("SELECT * FROM billing.cycle_stage WHERE month = $month", {"month": month})
        ordered = sorted(stages, key=lambda row: STAGES.index(row["stage"]) if row["stage"] in STAGES else len(STAGES))
        return ScreenRun(
            month=month,
            state=cycle["state"],
            stage=cycle["stage"],
            accounts=cycle["accounts"],
            started_at=_utc(cycle["started_at"]),
            ended_at=_utc(cycle["ended_at"]) if cycle["ended_at"] else None,
            stages=[
                ScreenStage(name=row["stage"], done=row["done"], total=row["total"], ended=row["ended_at"] is not None)
                for row in ordered
            ],
        )

    def facts(self, units: Mapping[str, TextPair], whole_company: bool) -> list[Fact]:
        """The newest facts of these units. One that names no unit is shown to who may see the whole company."""
        found: list[Fact] = []
        for schema in _JOURNALS:
            if not self._warehouse.has(f"{schema}.journal"):
                continue
            rows = self._warehouse.rows(
                f"SELECT \"at\" AS happened, seq, events FROM {schema}.journal WHERE events <> '[]'"
                ' ORDER BY "at" DESC, seq DESC LIMIT $limit',
                {"limit": JOURNAL_ROWS},
            )
            for row in rows:
                for event in json.loads(row["events"])[:FACTS_MAX]:
                    fact = self._fact(event, _utc(row["happened"]), units, whole_company)
                    if fact is not None:
                        found.append(fact)
        return sorted(found, key=lambda fact: fact.at, reverse=True)[:FACTS_MAX]

    def _fact(
        self, event: Mapping[str, Any], at: datetime, units: Mapping[str, TextPair], whole_company: bool
    ) -> Fact | None:
        data = event.get("data", {})
        org = data.get("org")
        covered = (
            any(unit == "" or is_within(org, unit) for unit in self.scope) if isinstance(org, str) else whole_company
        )
        if not covered:
            return None
        unit = units.get(org or "", TextPair(zh=org or "", en=org or ""))
        said = sentence(str(event.get("type", "")), data, unit.zh, unit.en)
        return Fact(at=at, kind=said[0], text=said[1], org=org) if said is not None else None

    def load(self, month: str) -> list[LoadDay]:
        """The load of the last two days of the month that have curves, over the areas in scope."""
        sums = ", ".join(f"CAST(sum({slot}) AS BIGINT) AS {slot}" for slot in _SLOTS)
        rows = self._scoped(
            ("lake.gateway_power_w", "point.area"),
            f"SELECT day, {sums} FROM lake.gateway_power_w JOIN point.area ON area_no = subject"
            " WHERE strftime(day, '%Y-%m') = $month AND in_scope(org, $scope) GROUP BY day ORDER BY day DESC LIMIT 2",
            {"month": month},
        )
        return [LoadDay(day=row["day"], values=[_power(row[slot]) for slot in _SLOTS]) for row in reversed(rows)]

    def _scoped(
        self, sources: Sequence[str], query: str, params: Mapping[str, Any] | None = None
    ) -> list[dict[str, Any]]:
        if not self.scope or not all(self._warehouse.has(source) for source in sources):
            return []
        return self._warehouse.rows(query, {"scope": list(self.scope), **(params or {})})


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC)


def _power(value: int | None) -> Power | None:
    return Power(value) if value is not None else None

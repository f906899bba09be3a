"""Rules of curves as they were drafted and published."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from psycopg.types.json import Jsonb

from denghuo.data.processing.work import Work
from denghuo.service.reading.rules.curve_book import CurveRule

Row = Mapping[str, Any]
_ALL = (
    "SELECT version, code, meter_class, effect, parameters, effective_from, effective_to, reason, drafted_by, drafted_at,"
    " published_by, published_at FROM curve_rule "
)


class CurveRuleStore:
    def __init__(self, work: Work) -> None:
        self._work = work

    def lock(self) -> None:
        self._work.run("LOCK TABLE curve_rule IN SHARE ROW EXCLUSIVE MODE")

    def rows(self) -> list[Row]:
        """Newest first."""
        return list(self._work.rows(_ALL + "ORDER BY version DESC"))

    def one(self, version: int) -> Row | None:
        row: Row | None = self._work.row(_ALL + "WHERE version = %s", (version,))
        return row

    def published(self, known_at: datetime | None = None) -> list[CurveRule]:
        """In the order in which they were published; those of an instant, where one is told."""
        rows = self._work.rows(
            _ALL + "WHERE published_at <= coalesce(%s::timestamptz, 'infinity') ORDER BY published_at, version",
            (known_at,),
        )
        return [rule_of(row) for row in rows]

    def draft(self, rule: CurveRule, reason: str, actor: str, now: datetime) -> int:
        """Enters a draft in place of another of the same rule and class; gives its number."""
        self._work.run(
            "DELETE FROM curve_rule WHERE code = %s AND meter_class = %s AND published_by IS NULL",
            (rule.code, rule.meter_class),
        )
        version = self._work.value(
            "INSERT INTO curve_rule (version, code, meter_class, effect, parameters, effective_from, effective_to, reason,"
            " drafted_by, drafted_at) SELECT coalesce(max(version), 0) + 1, %s, %s, %s, %s, %s, %s, %s, %s, %s FROM curve_rule"
            " RETURNING version",
            (
                rule.code,
                rule.meter_class,
                rule.effect,
                Jsonb(dict(rule.parameters)),
                rule.effective_from,
                rule.effective_to,
                reason,
                actor,
                now,
            ),
        )
        return int(version or 0)

    def publish(self, version: int, actor: str, now: datetime) -> None:
        self._work.run(
            "UPDATE curve_rule SET published_by = %s, published_at = %s WHERE version = %s", (actor, now, version)
        )

    def days_checked(self, first: date, end: date | None) -> list[date]:
        """Days from the first to the one before the end that were checked."""
        return self._work.values(
            "SELECT day FROM curve_check WHERE checked_at IS NOT NULL AND day >= %s AND day < coalesce(%s::date, 'infinity')"
            " ORDER BY day",
            (first, end),
        )


def rule_of(row: Row) -> CurveRule:
    """A stored rule as the checks take it."""
    names = ("code", "meter_class", "effect", "parameters", "effective_from", "effective_to", "version")
    return CurveRule(**{name: row[name] for name in names})

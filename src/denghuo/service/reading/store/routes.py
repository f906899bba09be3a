"""The cycles of routes."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any, LiteralString

from denghuo.data.processing.work import Work
from denghuo.kernel.period import Month
from denghuo.service.reading.api import NewRouteCycle, RouteCycleRow
from denghuo.service.reading.rules.cycles import Cycles, RouteCycle

_NEWEST: LiteralString = (
    "SELECT DISTINCT ON (route, effective_from) route, cycle, effective_from, reason, stated_by, stated_at FROM route_cycle"
    " WHERE (%(routes)s::text[] IS NULL OR route = ANY (%(routes)s))"
    " AND (%(known_at)s::timestamptz IS NULL OR stated_at <= %(known_at)s) ORDER BY route, effective_from, version DESC"
)


class RouteStore:
    def __init__(self, work: Work) -> None:
        self._work = work

    def cycles(self, known_at: datetime | None = None, routes: Iterable[str] | None = None) -> Cycles:
        """The cycles of these routes or of all, as far as they were stated until `known_at`."""
        return Cycles(
            RouteCycle(row["route"], row["effective_from"], row["cycle"]) for row in self._rows(known_at, routes)
        )

    def count(self) -> int:
        """How many cycles are stated of routes that the caller may see."""
        return int(self._work.value("SELECT count(DISTINCT (route, effective_from)) FROM route_cycle") or 0)

    def history(self, route: str) -> list[RouteCycleRow]:
        """The cycles of a route, the newest first."""
        return [RouteCycleRow.model_validate(row) for row in reversed(self._rows(None, [route]))]

    def _rows(self, known_at: datetime | None, routes: Iterable[str] | None) -> list[dict[str, Any]]:
        asked = {"known_at": known_at, "routes": None if routes is None else sorted(set(routes))}
        return self._work.rows(_NEWEST, asked)

    def last_read(self, routes: Sequence[str]) -> dict[str, Month]:
        """The last month that reads were made of, of those of these routes of which there are any."""
        rows = self._work.rows(
            "SELECT coalesce(area_no, feeder_no, org) AS route, max(month) AS month FROM month_read"
            " WHERE coalesce(area_no, feeder_no, org) = ANY (%s) AND account_no IS NOT NULL GROUP BY 1",
            (list(routes),),
        )
        return {row["route"]: Month.of(row["month"]) for row in rows}

    def read_in(self, month: Month, accounts: Iterable[str]) -> set[str]:
        """Those of these accounts of which reads of a month were made."""
        rows = self._work.rows(
            "SELECT DISTINCT account_no FROM month_read WHERE month = %s AND account_no = ANY (%s)",
            (str(month), list(accounts)),
        )
        return {row["account_no"] for row in rows}

    def lock(self) -> None:
        """One at a time states cycles. Held until the transaction ends."""
        self._work.run("SELECT pg_advisory_xact_lock(hashtextextended('reading cycles', 11))")

    def state(self, item: NewRouteCycle, org: str, actor: str, at: datetime) -> None:
        self._work.run(
            "INSERT INTO route_cycle (route, effective_from, version, cycle, org, reason, stated_by, stated_at)"
            " SELECT %(route)s, %(effective_from)s, coalesce(max(version), 0) + 1, %(cycle)s, %(org)s, %(reason)s, %(actor)s,"
            " %(at)s FROM route_cycle WHERE (route, effective_from) = (%(route)s, %(effective_from)s)",
            {**item.model_dump(), "org": org, "actor": actor, "at": at},
        )


def known(rows: Iterable[RouteCycleRow], item: NewRouteCycle) -> bool:
    """Whether the cycle of a day is stated already."""
    return any((row.effective_from, row.cycle) == (item.effective_from, item.cycle) for row in rows)


def in_force(rows: Iterable[RouteCycleRow], on: date) -> RouteCycleRow | None:
    """The cycle of a day among those of a route, the newest first."""
    return next((row for row in rows if row.effective_from <= on), None)

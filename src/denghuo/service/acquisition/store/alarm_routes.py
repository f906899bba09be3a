"""Queries on who has an alarm on his to-do list."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, LiteralString

from denghuo.data.processing.work import Work
from denghuo.service.acquisition.api import AlarmRoute, SetAlarmRoute
from denghuo.service.acquisition.rules import Gathered, Group

_ROUTE: LiteralString = (
    "SELECT route_no, org, kind, effective_from, role, due_days, reason, set_by, set_at FROM alarm_route "
)


class AlarmRouteStore:
    """Queries on routes."""

    def __init__(self, work: Work) -> None:
        self._work = work

    def keep(self, request: SetAlarmRoute, by: str, now: datetime) -> AlarmRoute:
        no = self._work.value(
            "INSERT INTO alarm_route (org, kind, effective_from, role, due_days, reason, set_by, set_at) VALUES (%(org)s, %(kind)s,"
            " %(effective_from)s, %(role)s, %(due_days)s, %(reason)s, %(by)s, %(now)s) ON CONFLICT (org, kind, effective_from)"
            " DO UPDATE SET role = excluded.role, due_days = excluded.due_days, reason = excluded.reason,"
            " set_by = excluded.set_by, set_at = excluded.set_at RETURNING route_no",
            {**request.model_dump(), "by": by, "now": now},
        )
        found: AlarmRoute | None = self._work.row(_ROUTE + "WHERE route_no = %s", (no,), AlarmRoute)
        assert found is not None  # just written
        return found

    def routes(self) -> list[AlarmRoute]:
        return self._work.rows(_ROUTE + "ORDER BY org, kind, effective_from DESC", (), AlarmRoute)

    def groups(self, alarm_nos: Sequence[int]) -> dict[Group, int]:
        """The groups of these alarms, and the newest of these alarms in each."""
        rows = self._work.rows(_GROUPS, (list(alarm_nos),))
        return {_group(row): row["newest"] for row in rows}

    def gathered(self, groups: Sequence[Group]) -> list[Gathered]:
        """The open alarms of these groups; a group without any is left out."""
        asked = {name: [getattr(one, name) for one in groups] for name in Group._fields}
        return [
            Gathered(_group(row), row["count"], row["first_at"], row["last_at"], row["alarm_no"], row["subject"])
            for row in self._work.rows(_GATHERED, asked)
        ]


_GROUPS: LiteralString = (
    "SELECT a.kind, a.org, t.area_no, CASE WHEN t.area_no IS NULL THEN a.terminal_no END AS terminal_no,"
    " max(a.alarm_no) AS newest FROM alarm a JOIN terminal t USING (terminal_no) WHERE a.alarm_no = ANY (%s) GROUP BY 1, 2, 3, 4"
)
_GATHERED: LiteralString = (
    "SELECT g.kind, g.org, g.area_no, g.terminal_no, o.* FROM unnest(%(kind)s::text[], %(org)s::text[], %(area_no)s::text[],"
    " %(terminal_no)s::text[]) AS g (kind, org, area_no, terminal_no) CROSS JOIN LATERAL ("
    "SELECT count(*) AS count, min(a.first_at) AS first_at, max(a.last_at) AS last_at, max(a.alarm_no) AS alarm_no,"
    " (array_agg(coalesce(a.meter_no, a.terminal_no) ORDER BY a.alarm_no DESC))[1] AS subject FROM terminal t"
    " JOIN alarm a USING (terminal_no) WHERE (t.area_no = g.area_no OR t.terminal_no = g.terminal_no)"
    " AND a.kind = g.kind AND a.org = g.org AND a.state <> 'closed') o WHERE o.count > 0"
)


def _group(row: Mapping[str, Any]) -> Group:
    return Group(row["kind"], row["org"], row["area_no"], row["terminal_no"])

"""Queries on who has an alarm on his to-do list."""

from collections.abc import Sequence
from datetime import datetime
from typing import LiteralString

from denghuo.data.processing.work import Work
from denghuo.service.acquisition.api import AlarmRoute, SetAlarmRoute

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

    def closed(self, alarm_nos: Sequence[int]) -> set[int]:
        """Those of these alarms that are closed."""
        closed: LiteralString = "SELECT alarm_no FROM alarm WHERE alarm_no = ANY (%s) AND state = 'closed'"
        return set(self._work.values(closed, (list(alarm_nos),)))

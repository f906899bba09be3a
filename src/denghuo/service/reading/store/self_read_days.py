"""When customers of units may report."""

from datetime import date, datetime
from typing import NamedTuple

from denghuo.data.processing.work import Work
from denghuo.kernel.units import ByUnit
from denghuo.service.reading.api import StatedSelfReadDays, StateSelfReadDays


class UnitDays(NamedTuple):
    """What stands of a unit from a day on; no days: as the unit above has it."""

    org: str
    from_day: date
    days_before: int | None
    days_after: int | None


class SelfReadDaysStore:
    def __init__(self, work: Work) -> None:
        self._work = work

    def standing(self) -> ByUnit[UnitDays]:
        rows = self._work.rows(
            "SELECT org, from_day, days_before, days_after FROM self_read_days WHERE replaced_at IS NULL"
        )
        return ByUnit((UnitDays(**row) for row in rows), lambda one: one.days_before is not None)

    def stated(self, orgs: list[str]) -> list[StatedSelfReadDays]:
        return self._work.rows(
            "SELECT org || '|' || from_day AS row_key, org, days_before, days_after, from_day, reason, stated_by, stated_at"
            " FROM self_read_days WHERE replaced_at IS NULL AND org = ANY (%s) ORDER BY from_day DESC, org",
            (orgs,),
            StatedSelfReadDays,
        )

    def state(self, item: StateSelfReadDays, actor: str, at: datetime) -> None:
        """What was said from the same day on is replaced."""
        asked = {**item.model_dump(), "actor": actor, "at": at}
        self._work.run("SELECT pg_advisory_xact_lock(hashtextextended(%(org)s, 17))", asked)
        self._work.run(
            "UPDATE self_read_days SET replaced_at = %(at)s WHERE org = %(org)s AND from_day = %(from_day)s"
            " AND replaced_at IS NULL",
            asked,
        )
        self._work.run(
            "INSERT INTO self_read_days (org, from_day, days_before, days_after, reason, stated_by, stated_at)"
            " VALUES (%(org)s, %(from_day)s, %(days_before)s, %(days_after)s, %(reason)s, %(actor)s, %(at)s)",
            asked,
        )

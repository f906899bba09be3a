"""Queries on what is to be done so that collection succeeds."""

from datetime import date, datetime, timedelta
from typing import Any, LiteralString

from denghuo.data.processing.work import Work
from denghuo.service.acquisition.api import FindWork
from denghuo.service.acquisition.store.collecting import CAUSE
from denghuo.service.acquisition.store.records import LINK, NODE_GONE

_DAYS = 7
_WORK: LiteralString = (
    "SELECT t.terminal_no, t.name, t.org, t.vendor, t.channel, " + LINK + " AS link, w.missing, w.due, w.cause, w.days,"
    " (SELECT count(*) FROM alarm a WHERE a.terminal_no = t.terminal_no AND a.state <> 'closed') AS alarms, s.clock_offset_s"
    " FROM (SELECT terminal_no, count(*) FILTER (WHERE day = %(day)s) AS due,"
    " count(*) FILTER (WHERE day = %(day)s AND state <> 'done') AS missing,"
    " count(DISTINCT day) FILTER (WHERE state <> 'done') AS days,"
    " mode() WITHIN GROUP (ORDER BY why) FILTER (WHERE day = %(day)s AND state <> 'done') AS cause"
    " FROM (SELECT c.terminal_no, c.day, c.state, " + CAUSE + " AS why FROM collection c"
    " WHERE kind = %(kind)s AND day > %(since)s AND day <= %(day)s) one GROUP BY terminal_no) w"
    " JOIN terminal t USING (terminal_no) LEFT JOIN session s USING (terminal_no)"
    " WHERE w.missing > 0 AND (%(cause)s::text IS NULL OR w.cause = %(cause)s) AND denghuo.of_unit(t.org, %(org)s)"
    " ORDER BY w.missing DESC, t.terminal_no"
)


class WorkStore:
    """Queries on what is to be done so that collection succeeds."""

    def __init__(self, work: Work) -> None:
        self._work = work

    def rows(self, request: FindWork, day: date, now: datetime) -> list[dict[str, Any]]:
        """All terminals with something missing, as the fields of a WorkRow but its step."""
        return self._work.rows(
            _WORK,
            {
                **request.model_dump(),
                "day": day,
                "since": day - timedelta(days=_DAYS),
                "alive": now - NODE_GONE,
            },
        )

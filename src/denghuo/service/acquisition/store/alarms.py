"""Queries on events and alarms."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, LiteralString

from denghuo.data.processing.work import Work
from denghuo.kernel.period import SHANGHAI
from denghuo.service.acquisition.api import (
    Alarm,
    FindAlarms,
    FindEvents,
    FoundEvent,
    MeterEvent,
    RaisedAlarm,
    ToldEvent,
)
from denghuo.service.acquisition.rules import Group

EVENTS_SHOWN = 200
_TAKING = 376_698
"""The lock under which events are taken in: one batch after the other, so that what two fronts hear at once is still told apart."""
_ALARM: LiteralString = (
    "SELECT alarm_no, kind, meter_no, terminal_no, place, org, state, count, first_at, last_at, over_at, raised_at,"
    " acknowledged_by, acknowledged_at, closed_by, closed_at, reason FROM alarm "
)
_CLOSE: LiteralString = (
    "UPDATE alarm SET state = 'closed', closed_by = %(actor)s, closed_at = %(now)s, reason = %(reason)s,"
    " acknowledged_by = coalesce(acknowledged_by, %(actor)s), acknowledged_at = coalesce(acknowledged_at, %(now)s)"
)
_EVENT: LiteralString = "event_no, kind, code, phases, begun_at, ended_at, told_at"


class AlarmStore:
    """Queries on events and alarms."""

    def __init__(self, work: Work) -> None:
        self._work = work

    def take(
        self, told: Sequence[ToldEvent], silent: Sequence[str], now: datetime
    ) -> tuple[int, int, list[RaisedAlarm]]:
        """Writes down what is new and joins it to alarms: how many events are new, how many ended, which alarms were raised.
        silent: kinds that raise none."""
        self._work.run("SELECT pg_advisory_xact_lock(%s)", (_TAKING,))
        names = tuple(ToldEvent.model_fields)
        params: dict[str, Any] = {name: [getattr(one, name) for one in told] for name in names}
        self._work.run(_TOLD, params)
        self._work.run(_FRESH)
        # Late tidings of what was dealt with belong to the alarm that was closed after them.
        self._work.run(_JOIN_CLOSED, {"silent": list(silent)})
        rows = self._work.rows(_RAISE, {"silent": list(silent), "now": now})
        self._work.run(_JOIN_OPEN, {"silent": list(silent)})
        new = self._work.run(_KEEP, {"now": now})
        ended = self._work.run(_END)
        self._work.run(_OVER)
        self._work.run("DROP TABLE told, fresh")
        raised = [RaisedAlarm.model_validate(row) for row in rows if row.pop("raised")]
        return new, ended, raised

    def find(self, request: FindAlarms) -> tuple[list[Alarm], dict[str, int]]:
        """A page of alarms, the newest first, and counts."""
        params = {**request.model_dump(), "after": request.after_number, "zone": str(SHANGHAI)}
        matching: LiteralString = (
            "WHERE (%(kind)s::text IS NULL OR kind = %(kind)s) AND (%(state)s::text IS NULL OR state = %(state)s)"
            " AND (%(meter_no)s::text IS NULL OR meter_no = %(meter_no)s)"
            " AND (%(terminal_no)s::text IS NULL OR terminal_no = %(terminal_no)s) AND (NOT %(open_only)s OR state <> 'closed')"
            " AND (%(area_no)s::text IS NULL OR terminal_no IN (SELECT terminal_no FROM terminal WHERE area_no = %(area_no)s))"
            " AND (%(first_day)s::date IS NULL OR raised_at >= %(first_day)s::date::timestamp AT TIME ZONE %(zone)s)"
            " AND (%(last_day)s::date IS NULL OR raised_at < (%(last_day)s::date + 1)::timestamp AT TIME ZONE %(zone)s)"
            " AND denghuo.of_unit(org, %(org)s)"
        )
        rows = self._work.rows(
            _ALARM
            + matching
            + " AND (%(after)s::bigint IS NULL OR alarm_no < %(after)s) ORDER BY alarm_no DESC LIMIT %(limit)s",
            params,
            Alarm,
        )
        counts = self._work.row(
            "SELECT count(*) AS total, count(*) FILTER (WHERE state = 'new') AS new,"
            " count(*) FILTER (WHERE state = 'acknowledged') AS acknowledged FROM alarm " + matching,
            params,
        )
        return rows, counts or {}

    def alarm(self, alarm_no: int) -> Alarm | None:
        return self._work.row(_ALARM + "WHERE alarm_no = %s", (alarm_no,), Alarm)

    def events_of(self, alarm_no: int) -> list[MeterEvent]:
        return self._work.rows(
            "SELECT " + _EVENT + " FROM event WHERE alarm_no = %s ORDER BY event_no DESC LIMIT %s",
            (alarm_no, EVENTS_SHOWN),
            MeterEvent,
        )

    def events(self, request: FindEvents) -> list[FoundEvent]:
        return self._work.rows(
            "SELECT " + _EVENT + ", terminal_no, meter_no, place, org, alarm_no FROM event"
            " WHERE (%(kind)s::text IS NULL OR kind = %(kind)s)"
            " AND (%(meter_no)s::text IS NULL OR meter_no = %(meter_no)s)"
            " AND (%(terminal_no)s::text IS NULL OR terminal_no = %(terminal_no)s) AND denghuo.of_unit(org, %(org)s)"
            " AND (%(after)s::bigint IS NULL OR event_no < %(after)s) ORDER BY event_no DESC LIMIT %(limit)s",
            {**request.model_dump(), "after": request.after_number},
            FoundEvent,
        )

    def acknowledge(self, alarm_no: int, actor: str, now: datetime) -> None:
        self._work.run(
            "UPDATE alarm SET state = 'acknowledged', acknowledged_by = %s, acknowledged_at = %s"
            " WHERE alarm_no = %s AND state = 'new'",
            (actor, now, alarm_no),
        )

    def close(self, alarm_no: int, actor: str, now: datetime, reason: str) -> None:
        self._work.run(
            _CLOSE + " WHERE alarm_no = %(alarm_no)s AND state <> 'closed'",
            {"alarm_no": alarm_no, "actor": actor, "now": now, "reason": reason},
        )

    def close_group(self, group: Group, up_to: int, actor: str, now: datetime, reason: str) -> int:
        """Closes what is open of a group up to an alarm; gives how many."""
        return self._work.run(
            _CLOSE + " WHERE terminal_no IN (SELECT terminal_no FROM terminal WHERE area_no = %(area_no)s"
            " OR terminal_no = %(terminal_no)s) AND kind = %(kind)s AND org = %(org)s AND state <> 'closed'"
            " AND alarm_no <= %(up_to)s",
            {**group._asdict(), "up_to": up_to, "actor": actor, "now": now, "reason": reason},
        )


# What was told, with the meter that stands at its place. Nothing is known of what a terminal tells that is in no record.
_TOLD = """
CREATE TEMPORARY TABLE told ON COMMIT DROP AS
SELECT coalesce(m.meter_no, CASE WHEN w.place = '' THEN w.terminal_no ELSE w.terminal_no || '/' || w.place END) AS subject,
 w.kind, w.code, w.phases, w.begun_at, w.ended_at, w.terminal_no, m.meter_no,
 coalesce(m.number::text, w.place) AS place, t.org
FROM (SELECT terminal_no, number, address, coalesce(nullif(number, 0)::text, address, '') AS place, kind, code, phases, begun_at,
  ended_at
 FROM unnest(%(terminal_no)s::text[], %(number)s::int[], %(address)s::text[], %(kind)s::text[], %(code)s::text[],
  %(phases)s::text[], %(begun_at)s::timestamptz[], %(ended_at)s::timestamptz[])
  AS u (terminal_no, number, address, kind, code, phases, begun_at, ended_at)) w
JOIN terminal t USING (terminal_no)
LEFT JOIN terminal_meter m ON m.terminal_no = w.terminal_no AND (m.number = w.number OR m.address = w.address)
"""
_FRESH = """
CREATE TEMPORARY TABLE fresh ON COMMIT DROP AS
SELECT DISTINCT ON (subject, kind, code, phases, begun_at) told.*, NULL::bigint AS alarm_no FROM told
WHERE begun_at IS NOT NULL AND NOT EXISTS (SELECT FROM event e WHERE (e.subject, e.kind, e.code, e.phases, e.begun_at)
 = (told.subject, told.kind, told.code, told.phases, told.begun_at))
ORDER BY subject, kind, code, phases, begun_at, ended_at
"""
_JOIN_CLOSED = """
WITH joined AS (
 UPDATE fresh f SET alarm_no = (SELECT alarm_no FROM alarm a WHERE a.subject = f.subject AND a.kind = f.kind
   AND a.state = 'closed' AND a.closed_at > f.begun_at ORDER BY a.closed_at LIMIT 1)
 WHERE kind <> ALL (%(silent)s) RETURNING alarm_no, begun_at)
UPDATE alarm a SET count = a.count + j.more, first_at = least(a.first_at, j.first_at), last_at = greatest(a.last_at, j.last_at)
FROM (SELECT alarm_no, count(*) AS more, min(begun_at) AS first_at, max(begun_at) AS last_at FROM joined GROUP BY alarm_no) j
WHERE a.alarm_no = j.alarm_no
"""
_RAISE = """
INSERT INTO alarm AS a (subject, kind, meter_no, terminal_no, place, org, count, first_at, last_at, raised_at)
SELECT subject, kind, min(meter_no), min(terminal_no), min(place), min(org), count(*), min(begun_at), max(begun_at), %(now)s
FROM fresh WHERE alarm_no IS NULL AND kind <> ALL (%(silent)s) GROUP BY subject, kind ORDER BY subject, kind
ON CONFLICT (subject, kind) WHERE state <> 'closed' DO UPDATE SET count = a.count + excluded.count,
 first_at = least(a.first_at, excluded.first_at), last_at = greatest(a.last_at, excluded.last_at), over_at = NULL
RETURNING alarm_no, kind, meter_no, terminal_no, org, first_at AS begun_at, xmax = 0 AS raised
"""
_JOIN_OPEN = """
UPDATE fresh f SET alarm_no = a.alarm_no FROM alarm a
WHERE f.alarm_no IS NULL AND f.kind <> ALL (%(silent)s) AND a.subject = f.subject AND a.kind = f.kind AND a.state <> 'closed'
"""
_KEEP = """
INSERT INTO event (subject, kind, code, phases, begun_at, ended_at, terminal_no, meter_no, place, org, told_at, alarm_no)
SELECT subject, kind, code, phases, begun_at, ended_at, terminal_no, meter_no, place, org, %(now)s, alarm_no FROM fresh
ORDER BY begun_at, subject, code, phases
"""
# An end is told with the beginning again, or alone: then it is that of the newest event before it, and some terminals leave out
# the flags that say which kind and phases are over.
_END = """
UPDATE event e SET ended_at = o.ended_at FROM (
 SELECT DISTINCT ON (event_no) event_no, known.begun_at, told.ended_at FROM told CROSS JOIN LATERAL (
  SELECT event_no, begun_at FROM event x WHERE x.subject = told.subject AND x.code = told.code
   AND x.ended_at IS NULL AND x.begun_at <= told.ended_at
   AND ((x.kind, x.phases, x.begun_at) = (told.kind, told.phases, told.begun_at)
    OR told.begun_at IS NULL AND (told.kind = x.kind OR told.kind = 'other') AND told.phases IN (x.phases, ''))
  ORDER BY x.begun_at DESC LIMIT 1) known
 WHERE told.ended_at IS NOT NULL ORDER BY event_no, told.ended_at) o
WHERE (e.event_no, e.begun_at) = (o.event_no, o.begun_at)
"""
_OVER = """
UPDATE alarm a SET over_at = o.over_at FROM (
 SELECT alarm_no, CASE WHEN bool_and(e.ended_at IS NOT NULL) THEN max(e.ended_at) END AS over_at FROM event e
 WHERE alarm_no IN (SELECT a.alarm_no FROM alarm a JOIN told t USING (subject)
  WHERE a.state <> 'closed' AND t.ended_at IS NOT NULL)
 GROUP BY alarm_no) o
WHERE a.alarm_no = o.alarm_no AND a.over_at IS DISTINCT FROM o.over_at
"""

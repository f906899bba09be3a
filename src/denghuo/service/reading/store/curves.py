"""Which days' curves are due to be checked, and the meter-days to look at."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import LiteralString

from psycopg.types.json import Jsonb

from denghuo.data.processing.work import Work
from denghuo.kernel.values import Energy
from denghuo.service.reading.api import CurveExceptionRow, FindCurveExceptions
from denghuo.service.reading.batch.checked import CurveException

_STATUSES = ("held", "estimated", "valid")
_WEIGHT: LiteralString = "array_position(ARRAY['held', 'estimated', 'valid'], status) - 1"


class CurveStore:
    def __init__(self, work: Work) -> None:
        self._work = work

    def mark_due(self, days: Sequence[date]) -> list[date]:
        """Notes that these days have to be checked; gives those of which that was not noted before."""
        return self._work.values(
            "INSERT INTO curve_check (day, due) SELECT day, true FROM unnest(%s::date[]) AS d (day) ORDER BY day"
            " ON CONFLICT (day) DO UPDATE SET due = true WHERE NOT curve_check.due RETURNING day",
            (list(days),),
        )

    def silent_days(self, days: Sequence[date], days_max: int) -> list[date]:
        """The days before each of these, back to the last one of which there are curves, at most so many."""
        return self._work.values(
            "SELECT DISTINCT gap::date FROM unnest(%(days)s::date[]) AS own (day), LATERAL (SELECT max(known) AS known FROM"
            " (SELECT day AS known FROM curve_check UNION ALL SELECT unnest(%(days)s::date[])) AS k WHERE known < own.day) AS last,"
            " generate_series(known + 1, own.day - 1, interval '1 day') AS gap WHERE own.day - known <= %(most)s + 1 ORDER BY 1",
            {"days": list(days), "most": days_max},
        )

    def await_release(self, day: date, at: datetime | None) -> bool:
        """Notes when the estimates of a day will stand in bills, or that they do; whether that was not noted before."""
        return bool(
            self._work.values(
                "UPDATE curve_check SET released_at = %(at)s WHERE day = %(day)s AND released_at IS DISTINCT FROM %(at)s"
                " RETURNING day",
                {"day": day, "at": at},
            )
        )

    def note(self, days: Sequence[date]) -> None:
        """Notes that there are curves of these days."""
        self._work.run(
            "INSERT INTO curve_check (day, due) SELECT day, false FROM unnest(%s::date[]) AS d (day) ORDER BY day"
            " ON CONFLICT DO NOTHING",
            (list(days),),
        )

    def checked_at(self) -> datetime | None:
        """When a day was last checked."""
        return self._work.value("SELECT max(checked_at) FROM curve_check")

    def checked_days(self, first: date, last: date) -> list[date]:
        """Days that were checked since anything of them came in."""
        return self._work.values(
            "SELECT day FROM curve_check WHERE day BETWEEN %s AND %s AND checked_at IS NOT NULL AND NOT due",
            (first, last),
        )

    def known_days(self, days: Sequence[date]) -> list[date]:
        """Those of these days of which there are curves."""
        return self._work.values("SELECT day FROM curve_check WHERE day = ANY (%s) ORDER BY day", (list(days),))

    def lock(self, day: date) -> None:
        """One at a time checks a day or edits it. Held until the transaction ends."""
        self._work.run(
            "INSERT INTO curve_check (day, due) VALUES (%s, false) ON CONFLICT (day) DO UPDATE SET due = curve_check.due",
            (day,),
        )

    def begin(self, day: date, book: int, now: datetime) -> None:
        """A locked day is checked; what comes in from now on makes it due again.

        book: the newest version in the rule book.
        """
        self._work.run(
            "INSERT INTO curve_check (day, due, checked_at, book) VALUES (%s, false, %s, %s)"
            " ON CONFLICT (day) DO UPDATE SET due = false, checked_at = excluded.checked_at, book = excluded.book",
            (day, now, book),
        )

    def books(self, first: date, last: date) -> dict[date, int]:
        """The newest version in the rule book by which each day was checked."""
        rows = self._work.rows(
            "SELECT day, book FROM curve_check WHERE day BETWEEN %s AND %s AND checked_at IS NOT NULL", (first, last)
        )
        return {row["day"]: row["book"] for row in rows}

    def multiplier(self, meter_no: str, month: str) -> int | None:
        found = self._work.values(
            "SELECT DISTINCT multiplier FROM plan WHERE meter_no = %s AND month = %s", (meter_no, month)
        )
        return int(found[0]) if len(found) == 1 else None

    def limit_wh(self, series: str, subject: str, day: date) -> int | None:
        """What the capacity allowed a slot of a meter-day that is to be looked at."""
        return self._work.value(
            "SELECT limit_wh FROM curve_exception WHERE series = %s AND subject = %s AND day = %s",
            (series, subject, day),
        )

    def versions(self, series: str, subject: str, first: date, last: date) -> dict[date, dict[str, int]]:
        """The versions of the rules that were set, by which a meter's days were judged."""
        rows = self._work.rows(
            "SELECT day, versions FROM curve_exception WHERE series = %s AND subject = %s AND day BETWEEN %s AND %s",
            (series, subject, first, last),
        )
        return {row["day"]: row["versions"] for row in rows}

    def owners(self, subjects: Sequence[str]) -> dict[str, tuple[str, str | None]]:
        rows = self._work.rows(
            "SELECT subject, org, account_no FROM subject WHERE kind = 'meter' AND subject = ANY (%s)",
            (list(subjects),),
        )
        return {row["subject"]: (row["org"], row["account_no"]) for row in rows}

    def save(
        self,
        day: date,
        series: str,
        rows: Sequence[CurveException],
        versions: Mapping[str, Mapping[str, int]],
        limits: Mapping[str, int],
        now: datetime,
        meter_no: str | None = None,
    ) -> None:
        """The meter-days to look at of a day, or of one meter in it, in place of those before. versions: of the rules that were
        set, by meter; limits: what the capacity allows a slot."""
        self._work.run(
            "DELETE FROM curve_exception WHERE day = %s AND series = %s AND (%s::text IS NULL OR subject = %s)",
            (day, series, meter_no, meter_no),
        )
        owners = self.owners([row.subject for row in rows]) if rows else {}
        kept = [row for row in rows if row.subject in owners]
        if not kept:
            return
        self._work.run(
            "INSERT INTO curve_exception (day, series, subject, org, account_no, status, rule, method, slots_estimated,"
            " slots_held, estimated_wh, versions, limit_wh, checked_at) SELECT %s, %s, e.*, %s FROM unnest(%s::text[], %s::text[],"
            " %s::text[], %s::text[], %s::text[], %s::text[], %s::int[], %s::int[], %s::bigint[], %s::jsonb[], %s::bigint[]) AS e",
            (
                day,
                series,
                now,
                [row.subject for row in kept],
                [owners[row.subject][0] for row in kept],
                [owners[row.subject][1] for row in kept],
                [row.status for row in kept],
                [row.rule for row in kept],
                [row.method for row in kept],
                [row.slots_estimated for row in kept],
                [row.slots_held for row in kept],
                [row.estimated_wh for row in kept],
                [Jsonb(dict(versions.get(row.subject, {}))) for row in kept],
                [limits.get(row.subject) for row in kept],
            ),
        )

    def exceptions(self, request: FindCurveExceptions) -> tuple[list[CurveExceptionRow], int, str | None]:
        """Newest day first, held before estimated before remarks."""
        params = {
            "month": request.month,
            "subject": request.meter_no,
            "org": request.org,
            "status": request.status,
            "rule": request.rule,
            "after": _parts(request.after),
            "limit": request.limit,
        }
        matching: LiteralString = (
            "FROM curve_exception WHERE (%(month)s::text IS NULL OR to_char(day, 'YYYY-MM') = %(month)s)"
            " AND (%(subject)s::text IS NULL OR subject = %(subject)s)"
            " AND (%(status)s::text IS NULL OR status = %(status)s)"
            " AND (%(rule)s::text IS NULL OR rule = %(rule)s) AND denghuo.of_unit(org, %(org)s)"
        )
        rows = self._work.rows(
            "SELECT day, series, subject, account_no, org, status, rule, method, slots_estimated, slots_held, estimated_wh,"
            " coalesce((versions ->> rule)::int, 0) AS version "
            + matching
            + f" AND (%(after)s::text[] IS NULL OR (-(day - DATE '2000-01-01'), {_WEIGHT}, subject, series)"
            " > (-(%(after)s[1]::date - DATE '2000-01-01'), %(after)s[2]::int, %(after)s[3], %(after)s[4]))"
            f" ORDER BY -(day - DATE '2000-01-01'), {_WEIGHT}, subject, series LIMIT %(limit)s",
            params,
        )
        shown = [
            CurveExceptionRow.model_validate(
                {name: value for name, value in row.items() if name not in ("subject", "estimated_wh")}
                | {"meter_no": row["subject"], "estimated_energy": Energy(row["estimated_wh"])}
            )
            for row in rows
        ]
        total = int(self._work.value("SELECT count(*) " + matching, params) or 0)
        last = shown[-1] if len(shown) == request.limit else None
        following = f"{last.day}|{_STATUSES.index(last.status)}|{last.meter_no}|{last.series}" if last else None
        return shown, total, following


def _parts(after: str | None) -> list[str] | None:
    """The parts of an `after`; what never was a `next` is as none."""
    parts = (after or "").split("|")
    if len(parts) != 4 or parts[1] not in ("0", "1", "2"):
        return None
    try:
        date.fromisoformat(parts[0])
    except ValueError:
        return None
    return parts

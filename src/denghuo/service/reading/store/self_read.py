"""What customers reported."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any, LiteralString

from psycopg.types.json import Jsonb

from denghuo.data.processing.work import Work
from denghuo.kernel.period import midnight
from denghuo.service.reading.api import FindSelfReads, ReportRegisters
from denghuo.service.reading.batch import PlanPiece

Row = dict[str, Any]
_REPORTS: LiteralString = """
WITH reports AS (
    SELECT self_read_no, report_no, month, meter_no, point_no, account_no, org, due_at, read_at, registers, warnings, confirmed,
        reason, reported_at, decided_by, decided_at, remark,
        CASE WHEN s.state IN ('counted', 'accepted') AND EXISTS (SELECT FROM month_read r WHERE r.meter_no = s.meter_no
            AND (r.month, r.to_at, r.account_no) = (s.month, s.due_at, s.account_no)
            AND r.end_source IN ('actual', 'manual', 'noted')) AND NOT EXISTS (SELECT FROM month_read r
            WHERE r.meter_no = s.meter_no AND (r.month, r.to_at, r.account_no) = (s.month, s.due_at, s.account_no)
            AND (r.end_source = 'self_read'
                OR (r.end_source IN ('interpolated', 'daily_average') AND 'self_read' = ANY (r.notices))))
            THEN 'outweighed' ELSE s.state END AS state
    FROM self_read s
)
"""
"""With the state that a report has by the reads of today: where no end of its month comes from it and one does from a surer source,
that went before it."""


class SelfReadStore:
    def __init__(self, work: Work) -> None:
        self._work = work

    def lock(self, meter_no: str) -> None:
        """One at a time says something of a meter. Held until the transaction ends."""
        self._work.run("SELECT pg_advisory_xact_lock(hashtextextended(%s, 13))", (f"self read {meter_no}",))

    def known(self, account_no: str, report_no: str) -> Row | None:
        row: Row | None = self._work.row(
            _REPORTS + "SELECT * FROM reports WHERE (account_no, report_no) = (%s, %s)", (account_no, report_no)
        )
        return row

    def one(self, self_read_no: int) -> Row | None:
        row: Row | None = self._work.row(_REPORTS + "SELECT * FROM reports WHERE self_read_no = %s", (self_read_no,))
        return row

    def of_month(self, account_no: str, month: str) -> list[Row]:
        """The reports of an account in a month, the newest first."""
        return list(
            self._work.rows(
                _REPORTS
                + "SELECT * FROM reports WHERE (account_no, month) = (%s, %s) ORDER BY self_read_no DESC LIMIT 50",
                (account_no, month),
            )
        )

    def find(self, request: FindSelfReads) -> tuple[list[Row], int]:
        asked = {**request.model_dump(), "before": request.after_number}
        matching: LiteralString = (
            "FROM reports WHERE denghuo.of_unit(org, %(org)s) AND (%(month)s::text IS NULL OR month = %(month)s)"
            " AND (%(state)s::text IS NULL OR state = %(state)s)"
            " AND (%(account_no)s::text IS NULL OR account_no = %(account_no)s)"
            " AND (%(meter_no)s::text IS NULL OR meter_no = %(meter_no)s)"
        )
        rows = self._work.rows(
            _REPORTS
            + "SELECT * "
            + matching
            + " AND (%(before)s::bigint IS NULL OR self_read_no < %(before)s) ORDER BY self_read_no DESC LIMIT %(limit)s",
            asked,
        )
        return list(rows), int(self._work.value(_REPORTS + "SELECT count(*) " + matching, asked) or 0)

    def count(self, meter_no: str, day: date) -> int:
        """How many reports of a meter came on a day."""
        span = (meter_no, midnight(day), midnight(day + timedelta(days=1)))
        found = self._work.value(
            "SELECT count(*) FROM self_read WHERE meter_no = %s AND reported_at >= %s AND reported_at < %s", span
        )
        return int(found or 0)

    def standing(self, month: str, meter_no: str) -> Row | None:
        """The report that stands for a meter's month."""
        row: Row | None = self._work.row(
            "SELECT self_read_no, state FROM self_read WHERE (month, meter_no) = (%s, %s)"
            " AND state IN ('counted', 'waiting', 'accepted')",
            (month, meter_no),
        )
        return row

    def keep(
        self,
        request: ReportRegisters,
        piece: PlanPiece,
        read_at: datetime,
        warnings: Sequence[str],
        state: str,
        actor: str,
        at: datetime,
    ) -> int:
        number = self._work.value(
            "INSERT INTO self_read (report_no, month, meter_no, point_no, account_no, org, due_at, read_at, registers, warnings,"
            " confirmed, reason, reported_by, reported_at, state, counts_from) VALUES (%(report_no)s, %(month)s, %(meter_no)s,"
            " %(point_no)s, %(account_no)s, %(org)s, %(due_at)s, %(read_at)s, %(registers)s, %(warnings)s, %(confirmed)s,"
            " %(reason)s, %(actor)s, %(at)s, %(state)s, %(counts_from)s) RETURNING self_read_no",
            {
                **request.model_dump(include={"report_no", "account_no", "confirmed", "reason"}),
                **{name: getattr(piece, name) for name in ("month", "meter_no", "point_no", "org")},
                "due_at": piece.to_at,
                "read_at": read_at,
                "registers": Jsonb([one.model_dump(mode="json") for one in request.registers]),
                "warnings": list(warnings),
                "actor": actor,
                "at": at,
                "state": state,
                "counts_from": at if state == "counted" else None,
            },
        )
        return int(number or 0)

    def supersede(self, self_read_no: int, at: datetime) -> None:
        self._work.run(
            "UPDATE self_read SET state = 'superseded', counts_to = CASE WHEN counts_from IS NOT NULL THEN %s::timestamptz END"
            " WHERE self_read_no = %s",
            (at, self_read_no),
        )

    def decide(self, self_read_no: int, accepted: bool, remark: str, actor: str, at: datetime) -> None:
        self._work.run(
            "UPDATE self_read SET state = %(state)s, remark = %(remark)s, decided_by = %(actor)s, decided_at = %(at)s,"
            " counts_from = CASE WHEN %(accepted)s THEN coalesce(counts_from, %(at)s) ELSE counts_from END,"
            " counts_to = CASE WHEN NOT %(accepted)s AND counts_from IS NOT NULL THEN %(at)s::timestamptz END"
            " WHERE self_read_no = %(number)s",
            {
                "state": "accepted" if accepted else "refused",
                "remark": remark,
                "actor": actor,
                "at": at,
                "accepted": accepted,
                "number": self_read_no,
            },
        )

    # -- reads -----------------------------------------------------------------------------------------------------------

    def points(self, month: str, meter_no: str) -> list[str]:
        """The points of which a month's reads were made by a meter."""
        return self._work.values(
            "SELECT DISTINCT point_no FROM month_read WHERE (month, meter_no) = (%s, %s) ORDER BY point_no",
            (month, meter_no),
        )

    def before(self, account_no: str, month: str) -> dict[tuple[str, str, str], Row]:
        """The newest read before a month of each meter, quantity and band of an account that is not held."""
        rows = self._work.rows(
            "SELECT DISTINCT ON (meter_no, quantity, band) meter_no, quantity, band, start_e4, end_e4, from_at, to_at"
            " FROM month_read WHERE account_no = %s AND month < %s AND status <> 'held' AND quantity <> 'demand'"
            " ORDER BY meter_no, quantity, band, month DESC, piece DESC",
            (account_no, month),
        )
        return {(row["meter_no"], row["quantity"], row["band"]): row for row in rows}

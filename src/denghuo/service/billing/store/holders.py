"""Queries on changes of customer."""

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, LiteralString

from denghuo.data.processing.work import Work
from denghuo.kernel.fields import TextPair
from denghuo.kernel.period import Month
from denghuo.service.billing.api.holder import FindHolderChanges

Row = dict[str, Any]
# A change with the bill that stands of the old account's last month.
_CHANGE: LiteralString = (
    "SELECT h.*, final_month, b.bill_no, b.state AS bill_state, b.amount_fen,"
    " (SELECT count(*) FROM hold WHERE hold.account_no = h.account_no AND hold.month = final_month"
    " AND hold.state = 'open')::int AS waiting"
    " FROM holder_change h CROSS JOIN LATERAL (SELECT to_char(h.since - 1, 'YYYY-MM') AS final_month) AS closing"
    " LEFT JOIN bill b ON b.account_no = h.account_no AND b.month = final_month AND b.kind = 'supply'"
    " AND b.state <> 'reversed' AND b.reverses IS NULL AND b.case_no IS NULL"
)


class HolderChanges:
    def __init__(self, work: Work) -> None:
        self._work = work

    def next_no(self, year: int) -> str:
        counted = self._work.value("SELECT nextval('holder_change_number')")
        return f"GH{year:04d}{counted:06d}"

    def keep(self, change: Mapping[str, Any]) -> None:
        columns = list(change)
        self._work.run(
            f"INSERT INTO holder_change ({', '.join(columns)}) VALUES ({', '.join(['%s'] * len(columns))})",
            tuple(change.values()),
        )

    def change(self, change_no: str) -> Row | None:
        return self._work.row(_CHANGE + " WHERE change_no = %s", (change_no,))

    def of_account(self, account_no: str) -> Row | None:
        """The change by which an account was closed."""
        return self._work.row(_CHANGE + " WHERE h.account_no = %s", (account_no,))

    def found(self, request: FindHolderChanges) -> tuple[list[Row], int]:
        rows = self._work.rows(
            "SELECT *, count(*) OVER () AS total FROM ("
            + _CHANGE
            + " WHERE (%(account_no)s::text IS NULL OR %(account_no)s IN (h.account_no, h.successor_no))"
            " AND (%(state)s::text IS NULL OR h.state = %(state)s) AND denghuo.of_unit(h.org, %(org)s)) AS found"
            " ORDER BY change_no DESC",
            {"account_no": request.account_no, "state": request.state, "org": request.org},
        )
        total = rows[0]["total"] if rows else 0
        page = [row for row in rows if request.after is None or row["change_no"] < request.after][: request.limit]
        return page, int(total)

    def enter(self, change_no: str, was: str, state: str, at: datetime) -> bool:
        """Goes on to the next step; False where another run of the job did."""
        return bool(
            self._work.run(
                "UPDATE holder_change SET state = %s, trouble = NULL, settled_at = CASE WHEN %s = 'settled' THEN %s END"
                " WHERE change_no = %s AND state = %s",
                (state, state, at, change_no, was),
            )
        )

    def fail(self, change_no: str, trouble: TextPair) -> None:
        self._work.run(
            "UPDATE holder_change SET trouble = %s WHERE change_no = %s", (trouble.model_dump_json(), change_no)
        )

    def resume(self, change_no: str, readings: Sequence[Mapping[str, Any]] | None) -> None:
        self._work.run(
            "UPDATE holder_change SET trouble = NULL, readings = coalesce(%s::jsonb, readings) WHERE change_no = %s",
            (None if readings is None else json.dumps(readings), change_no),
        )

    # -- what stands in the way ------------------------------------------------------------------------------------------

    def billed_since(self, account_no: str, day: date) -> str | None:
        """An issued bill over a day or any after it, of what is supplied or of what is bought."""
        number: str | None = self._work.value(
            "SELECT bill_no FROM bill WHERE account_no = %s AND state = 'issued' AND reverses IS NULL"
            " AND case_no IS NULL AND to_on >= %s ORDER BY bill_no DESC LIMIT 1",
            (account_no, day),
        )
        return number

    def unsettled_before(self, account_no: str, month: Month, since: date) -> str | None:
        """An earlier month of the account that is open: billed and not issued, held, or run without a bill of it. since: the first
        day of its contract."""
        found: str | None = self._work.value(
            "SELECT min(month) FROM (SELECT month FROM bill WHERE account_no = %(account_no)s"
            " AND month < %(month)s AND state IN ('rated', 'held', 'passed') AND reverses IS NULL AND case_no IS NULL"
            " UNION ALL SELECT month FROM hold WHERE account_no = %(account_no)s AND month < %(month)s AND state = 'open'"
            " UNION ALL SELECT month FROM cycle WHERE month = %(before)s AND %(since)s < %(first)s AND NOT EXISTS"
            " (SELECT FROM bill WHERE account_no = %(account_no)s AND month = %(before)s AND kind = 'supply'"
            " AND state = 'issued' AND reverses IS NULL AND case_no IS NULL)) AS open",
            {
                "account_no": account_no,
                "month": str(month),
                "before": str(month.previous),
                "since": since,
                "first": month.first_day,
            },
        )
        return found

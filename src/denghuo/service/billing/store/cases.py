"""Queries on cases of back-billing and refund: cases, their months and lines, the adjustment bill, the use that they change."""

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from denghuo.data.processing.work import Work
from denghuo.kernel.period import Month
from denghuo.service.billing.api.case import FindCases
from denghuo.service.billing.lines import BillLine
from denghuo.service.billing.store.reversals import SAME
from denghuo.service.billing.store.rows import LINE_COLUMNS, line_row
from denghuo.service.billing.tree import canonical

Row = dict[str, Any]
_LIVE = "('waiting', 'done')"
_FILTER = (
    " WHERE (%(account_no)s::text IS NULL OR account_no = %(account_no)s)"
    " AND (%(cause)s::text IS NULL OR cause = %(cause)s)"
    " AND (%(state)s::text IS NULL OR state = %(state)s) AND denghuo.of_unit(org, %(org)s)"
)


class Cases:
    def __init__(self, work: Work) -> None:
        self._work = work

    # -- what a case is made from ----------------------------------------------------------------------------------------

    def bills(self, account_no: str, kind: str, months: Sequence[str]) -> list[Row]:
        """The bills that stand for an account's months, with what they were rated from, in order."""
        return self._work.rows(
            "SELECT bill.*, registers, rating FROM bill JOIN (SELECT bill_no, registers, rating FROM bill_basis) AS basis"
            " USING (bill_no) WHERE account_no = %s AND kind = %s AND month = ANY (%s) AND state = 'issued'"
            " AND reverses IS NULL AND case_no IS NULL ORDER BY month",
            (account_no, kind, list(months)),
        )

    def latest_bills(self, account_no: str, kind: str, months: int) -> list[Row]:
        """As `bills`, the newest ones."""
        newest = self._work.values(
            "SELECT DISTINCT month FROM bill WHERE account_no = %s AND kind = %s AND state = 'issued' ORDER BY month DESC LIMIT %s",
            (account_no, kind, months),
        )
        return self.bills(account_no, kind, newest)

    def adjusted(self, bill_nos: Sequence[str]) -> dict[str, Row]:
        """bill number -> the newest adjustment of it that stands: its segment, and the case it is of."""
        rows = self._work.rows(
            "SELECT DISTINCT ON (s.bill_no) s.bill_no, s.case_no, s.segment, c.decided_at, c.bill_no AS adjustment_no"
            " FROM adjustment_segment s JOIN adjustment_case c USING (case_no)"
            " WHERE s.bill_no = ANY (%s) AND c.state = 'done' AND s.segment IS NOT NULL"
            " ORDER BY s.bill_no, c.decided_at DESC, c.case_no DESC",
            (list(bill_nos),),
        )
        return {row["bill_no"]: row for row in rows}

    def overlapping(self, account_no: str, kind: str, cause: str, from_on: date, to_on: date) -> Row | None:
        """A case of the same cause over some of the same months that waits or is settled."""
        return self._work.row(
            "SELECT case_no, state, from_on, to_on FROM adjustment_case WHERE account_no = %s AND kind = %s AND cause = %s"
            f" AND state IN {_LIVE} AND from_on < %s AND to_on >= %s ORDER BY case_no LIMIT 1",
            (account_no, kind, cause, Month.holding(to_on).next.first_day, from_on.replace(day=1)),
        )

    # -- cases -----------------------------------------------------------------------------------------------------------

    def next_no(self, year: int) -> str:
        counted = self._work.value("SELECT nextval('adjustment_case_number')")
        return f"TB{year:04d}{counted:06d}"

    def keep(self, case: Mapping[str, Any], segments: Sequence[Mapping[str, Any]], lines: Sequence[BillLine]) -> None:
        """case: its columns. segments: the columns of each month."""
        columns = list(case)
        self._work.run(
            f"INSERT INTO adjustment_case ({', '.join(columns)}) VALUES ({', '.join(['%s'] * len(columns))})",
            tuple(
                json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else value for value in case.values()
            ),
        )
        shared = (case["case_no"], case["org"], case["account_no"])
        self._work.run_many(
            "INSERT INTO adjustment_segment (case_no, org, account_no, kind, month, bill_no, after_case, segment, was_wh, now_wh,"
            " was_fen, now_fen) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            [
                (
                    *shared,
                    case["kind"],
                    one["month"],
                    one["bill_no"],
                    one["after_case"],
                    None if one["segment"] is None else canonical(one["segment"]).decode(),
                    one["was_wh"],
                    one["now_wh"],
                    one["was_fen"],
                    one["now_fen"],
                )
                for one in segments
            ],
        )
        self._work.run_many(
            "INSERT INTO adjustment_line (case_no, org, account_no, line, detail) VALUES (%s, %s, %s, %s, %s)",
            [(*shared, number, line.model_dump_json()) for number, line in enumerate(lines, 1)],
        )

    def case(self, case_no: str) -> Row | None:
        return self._work.row("SELECT * FROM adjustment_case WHERE case_no = %s", (case_no,))

    def waiting(self, approval_no: int) -> Row | None:
        """The case that waits for a decision, held until the end of the transaction."""
        return self._work.row(
            "SELECT * FROM adjustment_case WHERE approval_no = %s AND state = 'waiting' FOR UPDATE", (approval_no,)
        )

    def settle(self, case_no: str, state: str, by: str, at: datetime, bill_no: str | None = None) -> None:
        self._work.run(
            "UPDATE adjustment_case SET state = %s, decided_by = %s, decided_at = %s, bill_no = %s WHERE case_no = %s",
            (state, by, at, bill_no, case_no),
        )

    def taken_back(self, case_no: str) -> None:
        self._work.run("UPDATE adjustment_case SET state = 'reversed' WHERE case_no = %s", (case_no,))

    def segments(self, case_no: str) -> list[Row]:
        return self._work.rows("SELECT * FROM adjustment_segment WHERE case_no = %s ORDER BY month", (case_no,))

    def lines(self, case_no: str) -> list[BillLine]:
        rows = self._work.values("SELECT detail FROM adjustment_line WHERE case_no = %s ORDER BY line", (case_no,))
        return [BillLine.model_validate(row) for row in rows]

    def found(self, request: FindCases) -> tuple[list[Row], Row]:
        """A page of cases, the newest first, and the sums over all that match."""
        params = request.model_dump()
        rows = self._work.rows(
            f"SELECT * FROM adjustment_case {_FILTER} AND (%(after)s::text IS NULL OR case_no < %(after)s)"
            " ORDER BY case_no DESC LIMIT %(limit)s",
            params,
        )
        sums = self._work.row(
            "SELECT count(*) AS total, coalesce(sum(amount_fen) FILTER (WHERE state IN ('waiting', 'done')), 0)::bigint AS fen"
            f" FROM adjustment_case {_FILTER}",
            params,
        )
        assert sums is not None  # an aggregate always has a row
        return rows, sums

    # -- the adjustment bill ---------------------------------------------------------------------------------------------

    def bill(self, bill_no: str) -> Row:
        row: Row | None = self._work.row(
            "SELECT contract_no, tariff_code, tariff_version FROM bill WHERE bill_no = %s", (bill_no,)
        )
        assert row is not None  # a segment refers to it
        return row

    def hold_bills(self, bill_nos: Sequence[str]) -> int:
        """How many of these bills still stand; they are held until the end of the transaction."""
        rows = self._work.values(
            "SELECT bill_no FROM bill WHERE bill_no = ANY (%s) AND state = 'issued' FOR UPDATE", (list(bill_nos),)
        )
        return len(rows)

    def add_bill(
        self, case: Row, last_bill_no: str, number: str, rating: Mapping[str, Any], lines: Sequence[BillLine],
        span: tuple[date, date], remarks: Sequence[Mapping[str, Any]], at: datetime,
    ) -> None:  # fmt: skip
        """Writes the adjustment bill of a case, ready to be issued. What it does not say of itself it has of the last bill it
        settles."""
        own = "tariff_code, tariff_version, tariff_title, from_on, to_on, estimated_days, illustrative"
        same = ", ".join(name for name in SAME.split(", ") if name not in (*own.split(", "), "case_no"))
        self._work.run(
            f"INSERT INTO bill (bill_no, state, case_no, energy_wh, amount_fen, remarks, rated_at, {own}, {same})"
            " SELECT %s, 'passed', %s, %s, %s, %s, %s, %s, %s,"
            " coalesce((SELECT document -> 'title' FROM rated_tariff WHERE code = %s AND version = %s), tariff_title),"
            f" %s, %s, 0, %s, {same} FROM bill WHERE bill_no = %s",
            (
                number,
                case["case_no"],
                case["energy_wh"],
                case["amount_fen"],
                json.dumps(list(remarks), ensure_ascii=False),
                at,
                *[rating["tariff_code"], rating["tariff_version"]] * 2,
                *span,
                any(line.illustrative for line in lines),
                last_bill_no,
            ),
        )
        self._work.run(
            "INSERT INTO bill_basis (bill_no, org, account_no, registers, rating) VALUES (%s, %s, %s, '[]', %s)",
            (number, case["org"], case["account_no"], canonical(rating).decode()),
        )
        rows = [line_row(number, at, case["org"], case["account_no"], line) for at, line in enumerate(lines, 1)]
        self._work.copy_in("bill_line", LINE_COLUMNS, rows)

    def change_use(self, case_no: str, sign: int, at: datetime) -> None:
        """Counts in the tier year what a case changes of its months, or no longer counts it (sign -1)."""
        self._work.run(
            "UPDATE year_use u SET energy_wh = u.energy_wh + %s * (s.now_wh - s.was_wh), recorded_at = %s"
            " FROM adjustment_segment s WHERE s.case_no = %s AND s.kind = 'supply' AND s.now_wh <> s.was_wh"
            " AND u.account_no = s.account_no AND u.month = s.month",
            (sign, at, case_no),
        )

    def newer_on(self, case_no: str) -> str | None:
        """An adjustment that was worked out from one, and stands."""
        return self._work.value(
            "SELECT c.case_no FROM adjustment_segment s JOIN adjustment_case c USING (case_no)"
            " WHERE s.after_case = %s AND c.state = 'done' LIMIT 1",
            (case_no,),
        )

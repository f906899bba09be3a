"""Queries on what happens to bills after their issue: requests to take them back, reversals, the chain of an account's month."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from denghuo.data.processing.work import Work
from denghuo.service.billing.lines import BillLine
from denghuo.service.billing.opposite import opposite_line
from denghuo.service.billing.store.rows import LINE_COLUMNS, line_row

SAME = (
    "month, account_no, org, kind, contract_no, tariff_class, tariff_code, tariff_version, tariff_title, voltage, contract_w,"
    " capacity_va, pv_w, area_no, from_on, to_on, used_before_wh, estimated_days, illustrative, case_no"
)
"""What a reversal has in common with the bill that it takes back."""


class Reversals:
    def __init__(self, work: Work) -> None:
        self._work = work

    # -- requests --------------------------------------------------------------------------------------------------------

    def keep(self, approval_no: int, bill: Mapping[str, Any], rebill: bool, reason: str, by: str, at: datetime) -> None:
        """Notes a request; one that is known stays as it is."""
        self._work.run(
            "INSERT INTO reversal_request (approval_no, bill_no, org, account_no, rebill, reason, requested_by, requested_at)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
            (approval_no, bill["bill_no"], bill["org"], bill["account_no"], rebill, reason, by, at),
        )

    def request(self, approval_no: int) -> dict[str, Any] | None:
        """A request that waits, held until the end of the transaction."""
        return self._work.row(
            "SELECT r.*, b.month FROM reversal_request r JOIN bill b USING (bill_no)"
            " WHERE approval_no = %s AND r.state = 'waiting' FOR UPDATE OF r",
            (approval_no,),
        )

    def newest(self, bill_no: str) -> dict[str, Any] | None:
        """The newest request about a bill."""
        return self._work.row(
            "SELECT approval_no, rebill, reason, state, requested_by, requested_at, decided_by, decided_at"
            " FROM reversal_request WHERE bill_no = %s ORDER BY requested_at DESC, approval_no DESC LIMIT 1",
            (bill_no,),
        )

    def settle(self, approval_no: int, state: str, by: str, at: datetime) -> None:
        self._work.run(
            "UPDATE reversal_request SET state = %s, decided_by = %s, decided_at = %s WHERE approval_no = %s",
            (state, by, at, approval_no),
        )

    # -- bills -----------------------------------------------------------------------------------------------------------

    def standing(self, bill_no: str) -> dict[str, Any] | None:
        """An issued bill that nothing has taken back, held until the end of the transaction."""
        return self._work.row(
            "SELECT bill_no, account_no, org, kind, month, case_no FROM bill"
            " WHERE bill_no = %s AND state = 'issued' AND reverses IS NULL FOR UPDATE",
            (bill_no,),
        )

    def add(self, bill: Mapping[str, Any], number: str, remarks: Sequence[Mapping[str, Any]], at: datetime) -> None:
        """Writes the reversal of a bill, ready to be issued."""
        self._work.run(
            f"INSERT INTO bill (bill_no, state, reverses, energy_wh, amount_fen, remarks, rated_at, {SAME})"
            f" SELECT %s, 'passed', bill_no, -energy_wh, -amount_fen, %s, %s, {SAME} FROM bill WHERE bill_no = %s",
            (number, json.dumps(remarks, ensure_ascii=False), at, bill["bill_no"]),
        )
        self._work.run(
            "INSERT INTO bill_basis (bill_no, org, account_no, registers, rating)"
            " SELECT %s, org, account_no, registers, rating FROM bill_basis WHERE bill_no = %s",
            (number, bill["bill_no"]),
        )
        self._work.run(
            'INSERT INTO bill_line (bill_no, line, org, account_no, code, "group", band, tier, quantity_milli, price_e8,'
            ' amount_fen, source_no) SELECT %s, line, org, account_no, code, "group", band, tier, -quantity_milli, price_e8,'
            " -amount_fen, source_no FROM bill_line WHERE bill_no = %s AND detail IS NULL",
            (number, bill["bill_no"]),
        )
        rows = self._work.rows(
            "SELECT * FROM bill_line WHERE bill_no = %s AND detail IS NOT NULL ORDER BY line", (bill["bill_no"],)
        )
        self._work.copy_in("bill_line", LINE_COLUMNS, [_opposite_row(row, number) for row in rows])

    def pair(self, bill_no: str, number: str) -> None:
        """Marks a bill and its issued reversal: together they are nothing."""
        self._work.run(
            "UPDATE bill SET state = 'reversed', reversed_by = CASE WHEN bill_no = %(bill)s THEN %(reversal)s ELSE reversed_by END"
            " WHERE bill_no IN (%(bill)s, %(reversal)s)",
            {"bill": bill_no, "reversal": number},
        )

    def take_back_use(self, bill: Mapping[str, Any], at: datetime) -> None:
        """Energy that is no longer billed does not count in the tier year."""
        if bill["kind"] == "supply":
            self._work.run(
                "WITH gone AS (DELETE FROM year_use WHERE account_no = %s AND month = %s AND source = 'billed' RETURNING *)"
                " INSERT INTO year_use_past (account_no, month, org, energy_wh, source, billed_on, recorded_at, months,"
                " superseded_at) SELECT account_no, month, org, energy_wh, source, billed_on, recorded_at, months, %s FROM gone",
                (bill["account_no"], bill["month"], at),
            )

    def chain(self, month: str, account_no: str, kind: str, issued: bool) -> list[dict[str, Any]]:
        """The bills of an account's month and kind in the order of their numbers; then the adjustments of them, and what takes
        these back, in the order of their cases. `issued`: without drafts."""
        return self._work.rows(
            "SELECT bill_no, reverses, reversed_by, case_no, energy_wh, amount_fen, state, issued_on,"
            " (SELECT s.bill_no FROM adjustment_segment s WHERE s.case_no = b.case_no AND s.month = %(month)s) AS adjusts"
            " FROM bill b WHERE account_no = %(account)s AND kind = %(kind)s"
            " AND (NOT %(issued)s OR state IN ('issued', 'reversed'))"
            " AND CASE WHEN case_no IS NULL THEN month = %(month)s ELSE case_no IN (SELECT s.case_no FROM adjustment_segment s"
            " WHERE s.account_no = %(account)s AND s.kind = %(kind)s AND s.month = %(month)s) END"
            " ORDER BY case_no NULLS FIRST, bill_no",
            {"month": month, "account": account_no, "kind": kind, "issued": issued},
        )


def _opposite_row(row: Mapping[str, Any], number: str) -> tuple[Any, ...]:
    line = opposite_line(BillLine.model_validate(row["detail"]))
    return line_row(number, row["line"], row["org"], row["account_no"], line)

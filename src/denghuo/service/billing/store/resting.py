"""Queries on what of issued bills rests on estimates, and what came of it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, LiteralString

from denghuo.data.processing.work import Work

_RESTS: LiteralString = (
    " bill.month = %(month)s AND bill.state = 'issued' AND bill.reverses IS NULL AND bill.case_no IS NULL"
    " AND (estimated_days > 0 OR remarks::text LIKE '%%points_estimated%%')"
)
_STATE: LiteralString = (
    "CASE WHEN again_at IS NULL THEN 'rests' WHEN again_fen IS NULL THEN 'unrated' WHEN again_fen <> amount_fen THEN 'differs'"
    " WHEN again_days >= greatest(estimated_days, 1) THEN 'rests' WHEN again_days > 0 THEN 'partly' ELSE 'unchanged' END"
)
_FOUND: LiteralString = (
    " FROM (SELECT bill_no, bill.account_no, bill.org, bill.month, kind, bill.energy_wh AS billed_wh, amount_fen,"
    " noted.energy_wh, per_mille, parts, again_at, again_fen, "
    + _STATE
    + " AS state FROM bill_estimate AS noted JOIN bill USING (bill_no) WHERE bill.state = 'issued' AND noted.energy_wh > 0"
    " AND (%(month)s::text IS NULL OR noted.month = %(month)s)"
    " AND (%(account_no)s::text IS NULL OR noted.account_no = %(account_no)s)) AS found"
    " WHERE denghuo.of_unit(org, %(org)s) AND (%(state)s::text IS NULL OR state = %(state)s)"
)
_PLACE: LiteralString = "(CASE state WHEN 'differs' THEN 0 WHEN 'unrated' THEN 1 ELSE 2 END || bill_no)"


class RestingBills:
    def __init__(self, work: Work) -> None:
        self._work = work

    def waiting(self, month: str, limit: int) -> list[dict[str, Any]]:
        """Issued bills of a month that may rest on estimates and were not looked at yet."""
        return self._work.rows(
            "SELECT bill.*, registers, rating FROM bill JOIN (SELECT bill_no, registers, rating FROM bill_basis) AS basis"
            f" USING (bill_no) WHERE{_RESTS} AND NOT EXISTS (SELECT FROM bill_estimate AS noted"
            " WHERE noted.bill_no = bill.bill_no) ORDER BY bill_no LIMIT %(limit)s",
            {"month": month, "limit": limit},
        )

    def note(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """rows: bill_no, org, account_no, month, energy_wh, per_mille, parts as JSON, noted_at."""
        self._work.run_many(
            "INSERT INTO bill_estimate (bill_no, org, account_no, month, energy_wh, per_mille, parts, noted_at)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
            rows,
        )

    def noted(self, bill_no: str) -> Mapping[str, Any] | None:
        return self._work.row("SELECT energy_wh, per_mille, parts FROM bill_estimate WHERE bill_no = %s", (bill_no,))

    def calculated(self, rows: Sequence[tuple[str, int | None, int | None]], at: datetime) -> None:
        """What bills came to (fen; none: they cannot be rated) when they were calculated again, and how many days of that are
        still estimated (at least one where anything is); of bills that are not noted, nothing is."""
        self._work.run_many(
            "UPDATE bill_estimate SET again_fen = %s, again_days = %s, again_at = %s WHERE bill_no = %s",
            [(fen, days, at, bill_no) for bill_no, fen, days in rows],
        )

    def accounts(self, params: Mapping[str, Any]) -> dict[str, str]:
        """The unit of each account with such a bill. params: month, account_no, org."""
        rows = self._work.rows("SELECT DISTINCT account_no, org" + _FOUND, {**params, "state": None})
        return {row["account_no"]: row["org"] for row in rows}

    def found(self, params: Mapping[str, Any]) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        """A page, and its sums. params: month, account_no, org, state, after, limit."""
        rows = self._work.rows(
            "SELECT *, "
            + _PLACE
            + " AS place"
            + _FOUND
            + f" AND (%(after)s::text IS NULL OR {_PLACE} > %(after)s) ORDER BY place LIMIT %(limit)s",
            params,
        )
        sums = self._work.row(
            "SELECT count(*) AS total, coalesce(sum(energy_wh), 0)::bigint AS energy_wh,"
            " count(*) FILTER (WHERE state = 'differs') AS differing,"
            " coalesce(sum(again_fen - amount_fen) FILTER (WHERE state = 'differs'), 0)::bigint AS difference_fen"
            + _FOUND,
            params,
        )
        assert sums is not None  # an aggregate has a row
        return rows, sums

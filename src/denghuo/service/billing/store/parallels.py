"""Queries on parallel runs: old bills, what came of comparing them, totals."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString

from denghuo.data.processing.work import Work
from denghuo.kernel.fields import TextPair
from denghuo.service.billing.api.parallel import FindDifferences, FindParallelRuns, OldBill, OldLine, RefusedRow

_SIGN: LiteralString = "(CASE WHEN kind = 'purchase' THEN -1 ELSE 1 END)"
"""Sums are of what customers owe less what is owed to plants."""
_SUMS: LiteralString = (
    "count(*) AS count, count(*) FILTER (WHERE verdict = 'equal') AS equal,"
    " count(*) FILTER (WHERE verdict NOT IN ('equal', 'unexplained')) AS explained,"
    " count(*) FILTER (WHERE verdict = 'unexplained') AS unexplained, count(accepted_by) AS accepted,"
    f" coalesce(sum({_SIGN} * coalesce(old_amount_fen, 0)), 0)::bigint AS old_amount_fen,"
    f" coalesce(sum({_SIGN} * coalesce(new_amount_fen, 0)), 0)::bigint AS new_amount_fen"
)
_RUN: LiteralString = (
    "SELECT r.*, (SELECT count(*) FROM parallel_refusal f WHERE f.run_no = r.run_no) AS refused, t.* FROM parallel_run r"
    f" CROSS JOIN LATERAL (SELECT count(old_amount_fen) AS old_bills, count(verdict) AS compared, {_SUMS}"
    " FROM parallel_bill b WHERE b.run_no = r.run_no) t"
)
_DIFFERENCES: LiteralString = (
    " FROM parallel_bill WHERE run_no = %(run_no)s AND verdict IS NOT NULL"
    " AND (CASE WHEN %(verdict)s::text IS NULL THEN verdict <> 'equal' ELSE verdict = %(verdict)s END)"
    " AND denghuo.of_unit(org, %(org)s) AND (%(account_no)s::text IS NULL OR account_no = %(account_no)s)"
    " AND (%(accepted)s::bool IS NULL OR (accepted_by IS NOT NULL) = %(accepted)s)"
)
_KEPT: LiteralString = (
    "CASE WHEN parallel_bill.verdict = excluded.verdict AND parallel_bill.difference_fen = excluded.difference_fen"
    " AND parallel_bill.new_amount_fen IS NOT DISTINCT FROM excluded.new_amount_fen THEN parallel_bill."
)
"""What a person accepted stays accepted as long as it is the same difference."""


@dataclass(frozen=True)
class Compared:
    """What came of one account."""

    account_no: str
    kind: str
    org: str
    bill_no: str | None
    new_energy_wh: int | None
    new_amount_fen: int | None
    verdict: str
    difference_fen: int
    unexplained_fen: int
    causes: list[dict[str, Any]]


class Parallels:
    def __init__(self, work: Work) -> None:
        self._work = work

    # -- taking ------------------------------------------------------------------------------------------------------------

    def begin(self, month: str, digest: str, file_name: str, org: str, by: str, at: datetime) -> int:
        """The run of a month and a file; the one that was begun before, where there is one."""
        self._work.run(
            "INSERT INTO parallel_run (month, digest, file_name, org, started_by, started_at)"
            " VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
            (month, digest, file_name, org, by, at),
        )
        return int(
            self._work.value("SELECT run_no FROM parallel_run WHERE month = %s AND digest = %s", (month, digest)) or 0
        )

    def hold(self, run_no: int) -> dict[str, Any] | None:
        """A run, held until the end of the transaction."""
        return self._work.row("SELECT * FROM parallel_run WHERE run_no = %s FOR UPDATE", (run_no,))

    def take_bills(self, run: dict[str, Any], bills: Sequence[OldBill]) -> int:
        return self._work.run_many(
            "INSERT INTO parallel_bill (run_no, account_no, kind, org, file_line, old_energy_wh, old_amount_fen, old_class,"
            " old_used_before_wh) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
            [
                (
                    run["run_no"],
                    one.account_no,
                    one.kind,
                    run["org"],
                    one.file_line,
                    None if one.energy is None else one.energy.wh,
                    one.amount.fen,
                    one.tariff_class,
                    None if one.used_before is None else one.used_before.wh,
                )
                for one in bills
            ],
        )

    def take_lines(self, run_no: int, lines: Sequence[OldLine]) -> int:
        return self._work.run_many(
            "INSERT INTO parallel_line (run_no, account_no, kind, file_line, component, band, tier, quantity_milli, price_e8,"
            " amount_fen) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
            [
                (
                    run_no,
                    one.account_no,
                    one.kind,
                    one.file_line,
                    one.component,
                    None if one.band == "total" else one.band,
                    one.tier,
                    None if one.quantity is None else one.quantity.number,
                    None if one.price is None else one.price.e8,
                    one.amount.fen,
                )
                for one in lines
            ],
        )

    def refuse(self, run_no: int, refused: Iterable[RefusedRow]) -> None:
        self._work.run_many(
            "INSERT INTO parallel_refusal (run_no, file, line, field, value, what, remedy)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
            [
                (
                    run_no,
                    one.file,
                    one.line,
                    one.field,
                    one.value,
                    one.what.model_dump_json(),
                    one.remedy.model_dump_json(),
                )
                for one in refused
            ],
        )

    def refuse_strays(self, run_no: int, what: TextPair, remedy: TextPair) -> None:
        """Lines whose account has no old bill in the file are compared with nothing: they are refused."""
        self._work.run(
            "INSERT INTO parallel_refusal (run_no, file, line, field, value, what, remedy)"
            " SELECT run_no, '', file_line, 'account_no', account_no, %s, %s FROM parallel_line l WHERE run_no = %s"
            " AND NOT EXISTS (SELECT FROM parallel_bill b WHERE b.run_no = l.run_no AND b.account_no = l.account_no"
            " AND b.kind = l.kind) ON CONFLICT DO NOTHING",
            (what.model_dump_json(), remedy.model_dump_json(), run_no),
        )

    def begin_comparing(self, run_no: int) -> None:
        self._work.run(
            "UPDATE parallel_run SET state = 'comparing', place_account = '', place_kind = '', ended_at = NULL"
            " WHERE run_no = %s",
            (run_no,),
        )

    # -- comparing ---------------------------------------------------------------------------------------------------------

    def old_bills(self, run: dict[str, Any], limit: int) -> list[dict[str, Any]]:
        """The next old bills in the order of accounts, each with its lines."""
        rows = self._work.rows(
            "SELECT account_no, kind, old_energy_wh, old_amount_fen, old_class, old_used_before_wh FROM parallel_bill"
            " WHERE run_no = %s AND old_amount_fen IS NOT NULL AND (account_no, kind) > (%s, %s)"
            " ORDER BY account_no, kind LIMIT %s",
            (run["run_no"], run["place_account"], run["place_kind"], limit),
        )
        lines: dict[tuple[str, str], list[dict[str, Any]]] = {}
        for line in self._work.rows(
            "SELECT * FROM parallel_line WHERE run_no = %s AND account_no = ANY (%s) ORDER BY file_line",
            (run["run_no"], [row["account_no"] for row in rows]),
        ):
            lines.setdefault((line["account_no"], line["kind"]), []).append(line)
        return [row | {"lines": lines.get((row["account_no"], row["kind"]), [])} for row in rows]

    def our_bills(self, month: str, account_nos: Sequence[str]) -> dict[tuple[str, str], dict[str, Any]]:
        """The bills that stand for accounts in a month, by account and kind: rated, held or issued."""
        rows = self._work.rows(
            "SELECT * FROM bill JOIN (SELECT bill_no, registers, rating FROM bill_basis) AS basis USING (bill_no)"
            " WHERE month = %s AND account_no = ANY (%s) AND state <> 'reversed' AND reverses IS NULL AND case_no IS NULL",
            (month, list(account_nos)),
        )
        return {(row["account_no"], row["kind"]): row for row in rows}

    def held(self, month: str, account_nos: Sequence[str]) -> dict[tuple[str, str], dict[str, Any]]:
        """Why accounts have no bill: the reason by account and kind."""
        rows = self._work.rows(
            "SELECT account_no, kind, org, reason FROM hold"
            " WHERE month = %s AND account_no = ANY (%s) AND bill_no IS NULL AND state = 'open'",
            (month, list(account_nos)),
        )
        return {(row["account_no"], row["kind"]): row for row in rows}

    def keep(self, run_no: int, compared: Sequence[Compared]) -> None:
        self._work.run_many(
            "INSERT INTO parallel_bill (run_no, account_no, kind, org, bill_no, new_energy_wh, new_amount_fen, verdict,"
            " difference_fen, unexplained_fen, causes) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
            " ON CONFLICT (run_no, account_no, kind) DO UPDATE SET org = excluded.org, bill_no = excluded.bill_no,"
            " new_energy_wh = excluded.new_energy_wh, new_amount_fen = excluded.new_amount_fen, verdict = excluded.verdict,"
            " difference_fen = excluded.difference_fen, unexplained_fen = excluded.unexplained_fen, causes = excluded.causes,"
            f" accepted_by = {_KEPT}accepted_by END, accepted_at = {_KEPT}accepted_at END,"
            f" accepted_why = {_KEPT}accepted_why END",
            [
                (
                    run_no,
                    one.account_no,
                    one.kind,
                    one.org,
                    one.bill_no,
                    one.new_energy_wh,
                    one.new_amount_fen,
                    one.verdict,
                    one.difference_fen,
                    one.unexplained_fen,
                    json.dumps(one.causes, ensure_ascii=False),
                )
                for one in compared
            ],
        )

    def go_on(self, run_no: int, account_no: str, kind: str) -> None:
        self._work.run(
            "UPDATE parallel_run SET place_account = %s, place_kind = %s WHERE run_no = %s", (account_no, kind, run_no)
        )

    def only_new(self, run: dict[str, Any], limit: int) -> list[dict[str, Any]]:
        """Standing bills of the month that no old bill was compared with, and that were not noted yet."""
        return self._work.rows(
            "SELECT bill_no, account_no, kind, org, energy_wh, amount_fen FROM bill b WHERE month = %s"
            " AND state <> 'reversed' AND reverses IS NULL AND case_no IS NULL AND NOT EXISTS (SELECT FROM parallel_bill p"
            " WHERE p.run_no = %s AND p.account_no = b.account_no AND p.kind = b.kind AND p.bill_no = b.bill_no)"
            " ORDER BY bill_no LIMIT %s",
            (run["month"], run["run_no"], limit),
        )

    def forget_gone(self, run_no: int) -> None:
        """What stood only here and stands no more."""
        self._work.run(
            "DELETE FROM parallel_bill p WHERE run_no = %s AND old_amount_fen IS NULL AND NOT EXISTS"
            " (SELECT FROM bill b WHERE b.bill_no = p.bill_no AND b.state <> 'reversed')",
            (run_no,),
        )

    def end(self, run_no: int, at: datetime) -> None:
        """Closes a run; called with the whole company in sight."""
        self._work.run(
            "UPDATE parallel_run SET state = 'done', ended_at = %s, unexplained_in_all ="
            " (SELECT count(*) FROM parallel_bill b WHERE b.run_no = parallel_run.run_no AND verdict = 'unexplained')"
            " WHERE run_no = %s",
            (at, run_no),
        )

    # -- what came of it ---------------------------------------------------------------------------------------------------

    def runs(self, request: FindParallelRuns) -> tuple[list[dict[str, Any]], int]:
        rows = self._work.rows(
            _RUN + " WHERE (%(month)s::text IS NULL OR r.month = %(month)s)"
            " AND (%(after)s::int IS NULL OR r.run_no < %(after)s) ORDER BY r.run_no DESC LIMIT %(limit)s",
            request.model_dump(),
        )
        total = self._work.value(
            "SELECT count(*) FROM parallel_run WHERE %(month)s::text IS NULL OR month = %(month)s", request.model_dump()
        )
        return rows, int(total or 0)

    def run(self, run_no: int) -> dict[str, Any] | None:
        return self._work.row(_RUN + " WHERE r.run_no = %s", (run_no,))

    def verdicts(self, run_no: int) -> list[dict[str, Any]]:
        return self._work.rows(
            f"SELECT verdict, {_SUMS} FROM parallel_bill WHERE run_no = %s AND verdict IS NOT NULL"
            " GROUP BY verdict ORDER BY count(*) DESC, verdict",
            (run_no,),
        )

    def units(self, run_no: int) -> list[dict[str, Any]]:
        return self._work.rows(
            f"SELECT org, {_SUMS} FROM parallel_bill WHERE run_no = %s AND verdict IS NOT NULL GROUP BY org ORDER BY org",
            (run_no,),
        )

    def refusals(self, run_no: int, limit: int) -> list[dict[str, Any]]:
        return self._work.rows(
            "SELECT file, line, field, value, what, remedy FROM parallel_refusal WHERE run_no = %s ORDER BY file, line LIMIT %s",
            (run_no, limit),
        )

    def differences(self, request: FindDifferences) -> tuple[list[dict[str, Any]], int, int]:
        """A page of differences, the largest first, with the count and the sum of all."""
        params = request.model_dump() | {"size": None, "key": None}
        if request.after is not None:
            size, _, key = request.after.partition(":")
            params |= {"size": int(size), "key": key}
        rows = self._work.rows(
            "SELECT *, account_no || ':' || kind AS row_key" + _DIFFERENCES + " AND (%(size)s::bigint IS NULL"
            " OR (-abs(difference_fen), account_no || ':' || kind) > (-%(size)s::bigint, %(key)s))"
            " ORDER BY abs(difference_fen) DESC, account_no || ':' || kind LIMIT %(limit)s",
            params,
        )
        sums = self._work.row(
            f"SELECT count(*) AS count, coalesce(sum({_SIGN} * difference_fen), 0)::bigint AS fen" + _DIFFERENCES,
            params,
        )
        assert sums is not None  # an aggregate always has a row
        return rows, sums["count"], sums["fen"]

    def difference(self, run_no: int, account_no: str, kind: str) -> dict[str, Any] | None:
        return self._work.row(
            "SELECT b.*, b.account_no || ':' || b.kind AS row_key, r.month FROM parallel_bill b JOIN parallel_run r USING (run_no)"
            " WHERE run_no = %s AND account_no = %s AND kind = %s AND verdict IS NOT NULL",
            (run_no, account_no, kind),
        )

    def lines(self, run_no: int, account_no: str, kind: str) -> list[dict[str, Any]]:
        return self._work.rows(
            "SELECT * FROM parallel_line WHERE run_no = %s AND account_no = %s AND kind = %s ORDER BY file_line",
            (run_no, account_no, kind),
        )

    def accept(
        self, run_no: int, verdict: str, org: str | None, account_nos: Sequence[str], by: str, at: datetime, why: str
    ) -> int:
        return self._work.run(
            "UPDATE parallel_bill SET accepted_by = %s, accepted_at = %s, accepted_why = %s WHERE run_no = %s"
            " AND verdict = %s AND accepted_by IS NULL AND denghuo.of_unit(org, %s)"
            " AND (%s OR account_no = ANY (%s))",
            (by, at, why, run_no, verdict, org, not account_nos, list(account_nos)),
        )

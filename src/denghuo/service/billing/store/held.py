"""Queries on exceptions and review rules. Reading side: find.py."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from denghuo.data.processing.work import Work
from denghuo.service.billing.batch import Entry
from denghuo.service.billing.pieces import piece_json
from denghuo.service.billing.rating import KIND_DIGITS
from denghuo.service.billing.review import Finding

HOLD = (
    "SELECT exception_no, month, account_no, org, kind, tariff_class, code, reason, remedy, parameters, pieces, energy_wh,"
    " amount_fen, bill_no, state, raised_at, settled_at, settled_by, settled_why, before_bill_no, difference_fen, tested,"
    " tested_at, told_at FROM hold"
)


@dataclass(frozen=True)
class Hold:
    """An exception as it is stored."""

    exception_no: str
    month: str
    account_no: str
    org: str
    kind: str
    tariff_class: str
    code: str
    reason: dict[str, str]
    remedy: dict[str, str]
    parameters: dict[str, str]
    pieces: list[dict[str, Any]]
    energy_wh: int | None
    amount_fen: int | None
    bill_no: str | None
    state: str
    raised_at: datetime
    settled_at: datetime | None
    settled_by: str | None
    settled_why: str | None
    before_bill_no: str | None
    difference_fen: int | None
    tested: list[dict[str, Any]] | None
    tested_at: datetime | None
    told_at: datetime | None


@dataclass(frozen=True)
class Finished:
    """One exception to be written: the finding and whom it holds, or about whom it only is a note."""

    month: str
    account_no: str
    org: str
    kind: str
    tariff_class: str
    finding: Finding
    pieces: list[dict[str, Any]]
    bill_no: str | None = None
    energy_wh: int | None = None
    amount_fen: int | None = None
    note: bool = False

    @property
    def exception_no(self) -> str:
        return f"{self.month.replace('-', '')}-{self.account_no}-{KIND_DIGITS[self.kind]}-{self.finding.code}"


class Held:
    """Exceptions held for a person, and the limits of the review."""

    def __init__(self, work: Work) -> None:
        self._work = work

    def limits(self) -> dict[tuple[str, str, str], int]:
        rows = self._work.rows('SELECT code, kind, tariff_class, "limit" FROM review_rule WHERE active')
        return {(row["code"], row["kind"], row["tariff_class"]): row["limit"] for row in rows}

    def limits_and_notes(self) -> tuple[dict[tuple[str, str, str], int], set[tuple[str, str, str]]]:
        """The limits, and the rules that only note: code, kind, class."""
        rows = self._work.rows('SELECT code, kind, tariff_class, "limit", severity FROM review_rule WHERE active')
        named = [((row["code"], row["kind"], row["tariff_class"]), row) for row in rows]
        return {name: row["limit"] for name, row in named}, {name for name, row in named if row["severity"] == "note"}

    def hold(self, held: Iterable[Finished], at: datetime) -> None:
        """Writes exceptions. One that was released stays so as long as it says the same; else it is open again. One that only
        notes is open for nobody."""
        self._work.run_many(
            "INSERT INTO hold AS h (exception_no, month, account_no, org, kind, tariff_class, code, reason, remedy,"
            " parameters, pieces, energy_wh, amount_fen, bill_no, raised_at, state)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
            " ON CONFLICT (exception_no) DO UPDATE SET reason = excluded.reason, remedy = excluded.remedy,"
            " parameters = excluded.parameters, pieces = excluded.pieces, energy_wh = excluded.energy_wh,"
            " amount_fen = excluded.amount_fen, bill_no = excluded.bill_no, org = excluded.org,"
            " tariff_class = excluded.tariff_class,"
            " tested = CASE WHEN h.bill_no IS DISTINCT FROM excluded.bill_no OR h.energy_wh IS DISTINCT FROM excluded.energy_wh"
            " OR h.amount_fen IS DISTINCT FROM excluded.amount_fen OR h.pieces <> excluded.pieces THEN NULL ELSE h.tested END,"
            " state = CASE WHEN excluded.state = 'noted' THEN 'noted' WHEN h.state = 'released'"
            " AND h.parameters = excluded.parameters THEN 'released' ELSE 'open' END,"
            " raised_at = CASE WHEN h.state = 'open' THEN h.raised_at ELSE excluded.raised_at END",
            [
                (
                    one.exception_no,
                    one.month,
                    one.account_no,
                    one.org,
                    one.kind,
                    one.tariff_class,
                    one.finding.code,
                    one.finding.reason.model_dump_json(),
                    one.finding.remedy.model_dump_json(),
                    json.dumps(one.finding.parameters, ensure_ascii=False),
                    json.dumps(one.pieces, ensure_ascii=False),
                    one.energy_wh,
                    one.amount_fen,
                    one.bill_no,
                    at,
                    "noted" if one.note else "open",
                )
                for one in held
            ],
        )

    def open_of(self, account_no: str, code: str) -> list[str]:
        """The open exceptions of a kind of an account, in all months."""
        return self._work.values(
            "SELECT exception_no FROM hold WHERE account_no = %s AND code = %s AND state = 'open'", (account_no, code)
        )

    def holds(self, month: str, account_no: str, state: str | None = None) -> list[Hold]:
        return self._work.rows(
            HOLD + " WHERE month = %s AND account_no = %s AND (%s::text IS NULL OR state = %s)",
            (month, account_no, state, state),
            Hold,
        )

    def accounts(self, month: str, code: str, classes: Sequence[str] | None = None) -> dict[str, str]:
        """The accounts of a month with an open hold of one kind, of some classes where given, and the unit of each."""
        rows = self._work.rows(
            "SELECT DISTINCT account_no, org FROM hold WHERE month = %s AND code = %s AND state = 'open'"
            " AND (%s::text[] IS NULL OR tariff_class = ANY (%s))",
            (month, code, classes, classes),
        )
        return {row["account_no"]: row["org"] for row in rows}

    def holds_by_no(self, exception_nos: Sequence[str]) -> list[Hold]:
        return self._work.rows(
            HOLD + " WHERE exception_no = ANY (%s) ORDER BY exception_no FOR UPDATE", (list(exception_nos),), Hold
        )

    def settle(self, exception_nos: Sequence[str], state: str, by: str, why: str, at: datetime) -> None:
        if exception_nos:
            self._work.run(
                "UPDATE hold SET state = %s, settled_at = %s, settled_by = %s, settled_why = %s"
                " WHERE exception_no = ANY (%s) AND state = 'open'",
                (state, at, by, why, list(exception_nos)),
            )

    def still_held(self, bill_nos: Sequence[str]) -> set[str]:
        """Which of these bills another open exception holds."""
        if not bill_nos:
            return set()
        return set(
            self._work.values(
                "SELECT DISTINCT bill_no FROM hold WHERE bill_no = ANY (%s) AND state = 'open'", (list(bill_nos),)
            )
        )

    def untold(self, month: str, limit: int) -> list[Hold]:
        """Exceptions of which the to-do list does not know the present state."""
        return self._work.rows(
            HOLD
            + " WHERE month = %s AND (state = 'open') <> (task = 'raised') AND NOT (state <> 'open' AND task = 'none')"
            " ORDER BY exception_no LIMIT %s",
            (month, limit),
            Hold,
        )

    def unexamined(
        self, month: str, codes: Sequence[str], limit: int, exception_nos: Sequence[str] | None = None
    ) -> list[Hold]:
        """Open exceptions of bills, of these codes, whose causes were not tested; of these numbers where given."""
        return self._work.rows(
            HOLD + " WHERE month = %s AND code = ANY (%s) AND state = 'open' AND bill_no IS NOT NULL AND tested IS NULL"
            " AND (%s::text[] IS NULL OR exception_no = ANY (%s)) ORDER BY exception_no LIMIT %s",
            (month, list(codes), exception_nos, exception_nos, limit),
            Hold,
        )

    def examined(self, rows: Sequence[tuple[str | None, int | None, str, datetime, datetime | None, str]]) -> None:
        """Writes what was tested: the bill beside which, the difference, the causes, when, when the customer was told, and the
        exception."""
        self._work.run_many(
            "UPDATE hold SET before_bill_no = %s, difference_fen = %s, tested = %s, tested_at = %s,"
            " told_at = coalesce(%s, told_at) WHERE exception_no = %s",
            rows,
        )

    def told(self, exception_nos: Sequence[str], task: str) -> None:
        if exception_nos:
            self._work.run("UPDATE hold SET task = %s WHERE exception_no = ANY (%s)", (task, list(exception_nos)))


def finished(month: str, entry: Entry, found: Finding) -> Finished:
    """The exception of an entry that could not be rated."""
    return Finished(
        month=month,
        account_no=entry.account_no,
        org=entry.org,
        kind=entry.kind,
        tariff_class=entry.terms[-1].tariff_class,
        finding=found,
        pieces=[piece_json(piece) for piece in entry.pieces],
    )

"""Queries on vouchers, entries and the chart of accounts."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from denghuo.data.processing.work import Work
from denghuo.kernel.fields import TextPair
from denghuo.kernel.period import midnight
from denghuo.kernel.problem import Text
from denghuo.kernel.values import Money
from denghuo.service.ledger.api import (
    AskTrialBalance,
    BalanceRow,
    ChartRow,
    Entry,
    FindEntries,
    FindVouchers,
    VoucherLine,
    VoucherRow,
)
from denghuo.service.ledger.rules import booking_month, voucher_no

_NAME = "json_build_object('zh', chart.zh, 'en', chart.en) AS name"


@dataclass(frozen=True)
class NewEntry:
    """fen: positive is debit, negative is credit. `code` is an account of the chart."""

    document_no: str
    code: str
    account_no: str | None
    fen: int


@dataclass(frozen=True)
class NewVoucher:
    voucher_no: str
    month: str
    org: str
    document_kind: str


class Books:
    def __init__(self, work: Work) -> None:
        self._work = work

    # -- writing ---------------------------------------------------------------------------------------------------------

    def hold(self) -> None:
        """Posting is one transaction at a time, as gapless voucher numbers demand; so two deliveries of the same documents
        cannot both find them missing, and no two postings wait for each other's accounts."""
        self._work.value("SELECT pg_advisory_xact_lock(hashtextextended('ledger posting', 0))")

    def codes(self) -> dict[str, str]:
        """The accounts of the chart by what postings call them."""
        return {row["use"]: row["code"] for row in self._work.rows("SELECT use, code FROM chart")}

    def uses_of_lines(self) -> dict[str, str]:
        """What the chart calls the accounts of lines that do not follow their group, by line code."""
        return {row["line_code"]: row["use"] for row in self._work.rows("SELECT line_code, use FROM line_account")}

    def method_codes(self) -> dict[str, str]:
        """The accounts of the chart that ways of paying go to."""
        return {row["method"]: row["code"] for row in self._work.rows("SELECT method, code FROM method_account")}

    def open_voucher(self, day: date, org: str, document_kind: str, said: Text) -> NewVoucher:
        """A voucher with the next number of the month into which the day is booked; the number is held until the commit."""
        closed = frozenset(self._work.values("SELECT month FROM closed_month"))
        month = booking_month(day, closed)
        number = voucher_no(month, self._next(month))
        self._work.run(
            "INSERT INTO voucher (voucher_no, month, org, posted_at, posted_by, document_kind, zh, en)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
            (number, month, org, self._work.call.now, self._work.call.actor, document_kind, said["zh"], said["en"]),
        )
        return NewVoucher(number, month, org, document_kind)

    def _next(self, month: str) -> int:
        number = self._work.value(
            "INSERT INTO voucher_number (month, last) VALUES (%s, 1)"
            " ON CONFLICT (month) DO UPDATE SET last = voucher_number.last + 1 RETURNING last",
            (month,),
        )
        assert isinstance(number, int)
        return number

    def add(self, voucher: NewVoucher, entries: Iterable[NewEntry]) -> int:
        """Adds whole documents in one statement; the database refuses them unless each balances."""
        call = self._work.call
        return self._work.copy_in(
            "entry",
            (
                "voucher_no",
                "month",
                "posted_at",
                "document_kind",
                "document_no",
                "code",
                "org",
                "account_no",
                "debit_fen",
                "credit_fen",
            ),
            (
                (
                    voucher.voucher_no,
                    voucher.month,
                    call.now,
                    voucher.document_kind,
                    entry.document_no,
                    entry.code,
                    voucher.org,
                    entry.account_no,
                    max(entry.fen, 0),
                    max(-entry.fen, 0),
                )
                for entry in entries
                if entry.fen
            ),
        )

    def close(self, month: str, reason: str) -> None:
        call = self._work.call
        self._work.run(
            "INSERT INTO closed_month (month, closed_at, closed_by, reason) VALUES (%s, %s, %s, %s)",
            (month, call.now, call.actor, reason),
        )

    def closed(self, month: str) -> dict[str, Any] | None:
        return self._work.row("SELECT * FROM closed_month WHERE month = %s", (month,))

    # -- reading ---------------------------------------------------------------------------------------------------------

    def chart(self) -> list[ChartRow]:
        rows = self._work.rows(f"SELECT code, {_NAME}, kind, use FROM chart ORDER BY code")
        return [ChartRow(**row) for row in rows]

    def trial_balance(self, request: AskTrialBalance) -> tuple[list[BalanceRow], int]:
        """All accounts of the chart, and the number of entries in the span."""
        params = {
            "month": request.month,
            "before": midnight_after(request.as_of_day),
            "org": request.org,
        }
        rows = self._work.rows(
            "WITH moved AS (SELECT code,"
            " coalesce(sum(debit_fen - credit_fen) FILTER (WHERE month < %(month)s), 0)::bigint AS opening,"
            " coalesce(sum(debit_fen) FILTER (WHERE %(month)s::text IS NULL OR month = %(month)s), 0)::bigint AS debit,"
            " coalesce(sum(credit_fen) FILTER (WHERE %(month)s::text IS NULL OR month = %(month)s), 0)::bigint AS credit,"
            " count(*) FILTER (WHERE %(month)s::text IS NULL OR month = %(month)s) AS entries"
            " FROM entry WHERE (%(month)s::text IS NULL OR month <= %(month)s)"
            " AND (%(before)s::timestamptz IS NULL OR posted_at < %(before)s)"
            " AND denghuo.of_unit(org, %(org)s) GROUP BY code)"
            f" SELECT code, {_NAME}, kind, coalesce(opening, 0) AS opening, coalesce(debit, 0) AS debit,"
            " coalesce(credit, 0) AS credit, coalesce(entries, 0) AS entries"
            " FROM chart LEFT JOIN moved USING (code) ORDER BY code",
            params,
        )
        return [
            BalanceRow(
                code=row["code"],
                name=row["name"],
                kind=row["kind"],
                opening=Money(row["opening"]),
                debit=Money(row["debit"]),
                credit=Money(row["credit"]),
                closing=Money(row["opening"] + row["debit"] - row["credit"]),
            )
            for row in rows
        ], sum(row["entries"] for row in rows)

    def vouchers(self, request: FindVouchers) -> tuple[list[VoucherRow], int]:
        params = request.model_dump()
        matching = (
            "FROM voucher WHERE (%(month)s::text IS NULL OR month = %(month)s)"
            " AND denghuo.of_unit(org, %(org)s)"
            " AND (%(document_kind)s::text IS NULL OR document_kind = %(document_kind)s)"
        )
        rows = self._work.rows(
            "SELECT v.*, e.documents, e.entries, e.amount FROM (SELECT * "
            + matching
            + " AND (%(after)s::text IS NULL OR voucher_no < %(after)s) ORDER BY voucher_no DESC LIMIT %(limit)s) v,"
            " LATERAL (SELECT count(DISTINCT document_no) AS documents, count(*) AS entries,"
            " coalesce(sum(debit_fen), 0)::bigint AS amount FROM entry WHERE entry.voucher_no = v.voucher_no) e"
            " ORDER BY voucher_no DESC",
            params,
        )
        return [_voucher(row) for row in rows], int(self._work.value("SELECT count(*) " + matching, params) or 0)

    def voucher(self, number: str) -> VoucherRow | None:
        row = self._work.row(
            "SELECT v.*, e.documents, e.entries, e.amount FROM voucher v,"
            " LATERAL (SELECT count(DISTINCT document_no) AS documents, count(*) AS entries,"
            " coalesce(sum(debit_fen), 0)::bigint AS amount FROM entry WHERE entry.voucher_no = v.voucher_no) e"
            " WHERE voucher_no = %s",
            (number,),
        )
        return _voucher(row) if row else None

    def voucher_lines(self, number: str) -> list[VoucherLine]:
        rows = self._work.rows(
            f"SELECT code, {_NAME}, sum(debit_fen)::bigint AS debit, sum(credit_fen)::bigint AS credit, count(*) AS entries"
            " FROM entry JOIN chart USING (code) WHERE voucher_no = %s GROUP BY code, chart.zh, chart.en ORDER BY code",
            (number,),
        )
        return [
            VoucherLine(
                code=row["code"],
                name=row["name"],
                debit=Money(row["debit"]),
                credit=Money(row["credit"]),
                entries=row["entries"],
            )
            for row in rows
        ]

    def entries(self, request: FindEntries) -> tuple[list[Entry], int]:
        params = request.model_dump() | {"after": request.after_number}
        matching = (
            "FROM entry JOIN chart USING (code) WHERE (%(voucher_no)s::text IS NULL OR voucher_no = %(voucher_no)s)"
            " AND (%(code)s::text IS NULL OR code = %(code)s)"
            " AND (%(account_no)s::text IS NULL OR account_no = %(account_no)s)"
            " AND (%(document_kind)s::text IS NULL OR document_kind = %(document_kind)s)"
            " AND (%(document_no)s::text IS NULL OR document_no = %(document_no)s)"
            " AND (%(month)s::text IS NULL OR month = %(month)s)"
            " AND denghuo.of_unit(org, %(org)s)"
        )
        rows = self._work.rows(
            "SELECT entry_no, voucher_no, posted_at, month, document_kind, document_no, code, org, account_no,"
            f" {_NAME},"
            " debit_fen, credit_fen " + matching + " AND (%(after)s::bigint IS NULL OR entry_no < %(after)s)"
            " ORDER BY entry_no DESC LIMIT %(limit)s",
            params,
        )
        found = [
            Entry(
                **{name: row[name] for name in row if not name.endswith("_fen")},
                debit=Money(row["debit_fen"]) if row["debit_fen"] else None,
                credit=Money(row["credit_fen"]) if row["credit_fen"] else None,
            )
            for row in rows
        ]
        return found, int(self._work.value("SELECT count(*) " + matching, params) or 0)

    def unbalanced_documents(self) -> int:
        """The sum of what documents are off balance, in fen."""
        return int(
            self._work.value(
                "SELECT coalesce(sum(abs(off)), 0)::bigint FROM (SELECT sum(debit_fen - credit_fen) AS off FROM entry"
                " GROUP BY document_kind, document_no HAVING sum(debit_fen) <> sum(credit_fen)) d"
            )
            or 0
        )

    def balance(self, use: str) -> int:
        """Debit less credit of an account of the chart, in fen."""
        return int(
            self._work.value(
                "SELECT coalesce(sum(debit_fen - credit_fen), 0)::bigint FROM entry"
                " WHERE code = (SELECT code FROM chart WHERE use = %s)",
                (use,),
            )
            or 0
        )


def midnight_after(day: date | None) -> datetime | None:
    return midnight(date.fromordinal(day.toordinal() + 1)) if day else None


def _voucher(row: dict[str, Any]) -> VoucherRow:
    return VoucherRow(
        **{name: row[name] for name in row if name not in {"amount", "posted_by", "zh", "en"}},
        text=TextPair(zh=row["zh"], en=row["en"]),
        amount=Money(row["amount"]),
    )

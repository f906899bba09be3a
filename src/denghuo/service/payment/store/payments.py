"""Queries on payments and on cashiers' days."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any

from denghuo.data.processing.work import Work
from denghuo.kernel.values import Money
from denghuo.service.ledger.api import PostedReceipt
from denghuo.service.payment.api import CollectionRow, FindPayments, Payment
from denghuo.service.payment.rules import receipt_no


@dataclass(frozen=True)
class NewPayment:
    receipt_no: str
    account_no: str
    org: str
    amount_fen: int
    method: str
    cashier: str
    taken_at: datetime
    day: date
    tendered_fen: int | None = None
    reference: str | None = None
    remark: str = ""
    source: str | None = None
    bank_code: str | None = None
    bank_serial: str | None = None
    bill_nos: tuple[str, ...] = ()
    known_account: bool = True
    sandbox: bool = False


_FIELDS = tuple(field.name for field in fields(NewPayment))


class PaymentStore:
    def __init__(self, work: Work) -> None:
        self._work = work

    # -- taking ----------------------------------------------------------------------------------------------------------

    def numbers(self, prefix: str, day: date, count: int = 1) -> list[str]:
        serials = self._work.values("SELECT nextval('receipt_serial') FROM generate_series(1, %s)", (count,))
        return [receipt_no(prefix, day, serial) for serial in serials]

    def add(self, payments: Iterable[NewPayment]) -> int:
        return self._work.copy_in(
            "payment",
            _FIELDS,
            (
                tuple(list(value) if isinstance(value := getattr(payment, name), tuple) else value for name in _FIELDS)
                for payment in payments
            ),
        )

    def hold_day(self, cashier: str, day: date, closing: bool = False) -> None:
        """A day is not closed while a payment of it is being taken, and the other way round."""
        key = f"day {cashier} {day}"
        if closing:
            self._work.value("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (key,))
        else:
            self._work.value("SELECT pg_advisory_xact_lock_shared(hashtextextended(%s, 0))", (key,))

    # -- posting ---------------------------------------------------------------------------------------------------------

    def pending(self, limit: int) -> list[dict[str, Any]]:
        """Payments that are not in the ledger yet, in the order of their numbers."""
        return self._work.rows(
            "SELECT receipt_no, account_no, org, amount_fen, method, taken_at, bill_nos, known_account FROM payment"
            " WHERE posted_at IS NULL ORDER BY receipt_no LIMIT %s",
            (limit,),
        )

    def mark_posted(self, rows: Sequence[PostedReceipt], at: datetime) -> int:
        return self._work.run(
            "UPDATE payment p SET state = CASE WHEN state = 'taken' THEN 'posted' ELSE state END, posted_at = %s,"
            " settled_fen = c.settled, prepaid_fen = c.prepaid, suspense_fen = c.suspense, voucher_no = c.voucher_no"
            " FROM unnest(%s::text[], %s::bigint[], %s::bigint[], %s::bigint[], %s::text[])"
            " AS c (receipt_no, settled, prepaid, suspense, voucher_no)"
            " WHERE p.receipt_no = c.receipt_no AND p.posted_at IS NULL",
            (
                at,
                [row.receipt_no for row in rows],
                [row.settled.fen for row in rows],
                [row.prepaid.fen for row in rows],
                [row.suspense.fen for row in rows],
                [row.voucher_no for row in rows],
            ),
        )

    def reversing(self, limit: int) -> list[dict[str, Any]]:
        return self._work.rows(
            "SELECT receipt_no, reversal_reason FROM payment WHERE state = 'reversing' AND posted_at IS NOT NULL"
            " ORDER BY receipt_no LIMIT %s",
            (limit,),
        )

    def mark_reversed(self, numbers: Sequence[str]) -> None:
        self._work.run(
            "UPDATE payment SET state = 'reversed' WHERE receipt_no = ANY (%s) AND state = 'reversing'",
            (list(numbers),),
        )

    def order_reversal(self, number: str, reason: str, actor: str, day: date, approval_no: int | None) -> int:
        return self._work.run(
            "UPDATE payment SET state = 'reversing', reversal_reason = %s, reversed_by = %s, reversed_day = %s,"
            " reversal_approval_no = %s WHERE receipt_no = %s AND state IN ('taken', 'posted')",
            (reason, actor, day, approval_no, number),
        )

    def keep_request(self, approval_no: int, number: str, reason: str) -> None:
        call = self._work.call
        self._work.run(
            "INSERT INTO reversal_request (approval_no, receipt_no, reason, requested_by, requested_at)"
            " VALUES (%s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
            (approval_no, number, reason, call.actor, call.now),
        )

    def request(self, approval_no: int) -> dict[str, Any] | None:
        return self._work.row("SELECT * FROM reversal_request WHERE approval_no = %s", (approval_no,))

    # -- reading ---------------------------------------------------------------------------------------------------------

    def payment(self, number: str, hold: bool = False) -> Payment | None:
        row = self._work.row(
            "SELECT * FROM payment WHERE receipt_no = %s FOR UPDATE"
            if hold
            else "SELECT * FROM payment WHERE receipt_no = %s",
            (number,),
        )
        return _payment(row) if row else None

    def find(self, request: FindPayments) -> tuple[list[Payment], int, int]:
        """A page, newest first, with the number and the sum of all that match."""
        params = request.model_dump()
        matching = (
            "FROM payment WHERE (%(account_no)s::text IS NULL OR account_no = %(account_no)s)"
            " AND denghuo.of_unit(org, %(org)s) AND (%(day)s::date IS NULL OR day = %(day)s)"
            " AND (%(method)s::text IS NULL OR method = %(method)s)"
            " AND (%(state)s::text IS NULL OR state = %(state)s)"
            " AND (%(cashier)s::text IS NULL OR cashier = %(cashier)s)"
            " AND (%(source)s::text IS NULL OR source = %(source)s)"
        )
        # The serial within a number rises with time; the prefix tells only where the money came from.
        rows = self._work.rows(
            "SELECT * " + matching + " AND (%(after)s::text IS NULL OR substr(receipt_no, 3) < %(after)s)"
            " ORDER BY substr(receipt_no, 3) DESC LIMIT %(limit)s",
            params,
        )
        sums = self._work.row(
            "SELECT count(*) AS total, coalesce(sum(amount_fen), 0)::bigint AS fen " + matching, params
        )
        assert sums is not None
        return [_payment(row) for row in rows], sums["total"], sums["fen"]

    def sums(self, start: date, end: date) -> list[dict[str, Any]]:
        """Payments by method over a half-open range of days."""
        return self._work.rows(
            "SELECT method, count(*) AS count, sum(amount_fen)::bigint AS fen FROM payment WHERE day >= %s AND day < %s"
            " GROUP BY method ORDER BY method",
            (start, end),
        )

    def of_days(self, start: date, end: date, after: str, limit: int) -> list[dict[str, Any]]:
        return self._work.rows(
            "SELECT receipt_no, account_no, amount_fen, state, known_account, method FROM payment"
            " WHERE day >= %s AND day < %s AND receipt_no > %s ORDER BY receipt_no LIMIT %s",
            (start, end, after, limit),
        )

    def all_sums(self) -> list[CollectionRow]:
        rows = self._work.rows(
            "SELECT method, count(*) AS count, sum(amount_fen)::bigint AS fen FROM payment"
            " WHERE state IN ('taken', 'posted') GROUP BY method ORDER BY method"
        )
        return [CollectionRow(method=row["method"], count=row["count"], amount=Money(row["fen"])) for row in rows]

    def today(self, day: date) -> dict[str, Any]:
        return dict(
            self._work.row(
                "SELECT count(*) FILTER (WHERE day = %(day)s AND state IN ('taken', 'posted')) AS count,"
                " coalesce(sum(amount_fen) FILTER (WHERE day = %(day)s AND state IN ('taken', 'posted')), 0)::bigint AS fen,"
                " count(*) FILTER (WHERE posted_at IS NULL) AS pending FROM payment WHERE day = %(day)s OR posted_at IS NULL",
                {"day": day},
            )
            or {}
        )

    # -- cashiers' days --------------------------------------------------------------------------------------------------

    def day_methods(self, cashier: str, day: date) -> list[dict[str, Any]]:
        """What a cashier took and gave back on a day, by method."""
        return self._work.rows(
            "SELECT method, count(*) FILTER (WHERE taken) AS count,"
            " coalesce(sum(amount_fen) FILTER (WHERE taken), 0)::bigint AS fen,"
            " count(*) FILTER (WHERE given) AS reversed_count,"
            " coalesce(sum(amount_fen) FILTER (WHERE given), 0)::bigint AS reversed_fen"
            " FROM (SELECT method, amount_fen, cashier = %(cashier)s AND day = %(day)s AS taken,"
            " reversed_by = %(cashier)s AND reversed_day = %(day)s AS given FROM payment"
            " WHERE method IN ('cash', 'card', 'qr') AND (cashier = %(cashier)s AND day = %(day)s"
            " OR reversed_by = %(cashier)s AND reversed_day = %(day)s)) p GROUP BY method ORDER BY method",
            {"cashier": cashier, "day": day},
        )

    def day_close(self, cashier: str, day: date) -> dict[str, Any] | None:
        return self._work.row("SELECT * FROM day_close WHERE cashier = %s AND day = %s", (cashier, day))

    def close_day(self, row: dict[str, Any]) -> None:
        self._work.run(
            "INSERT INTO day_close (cashier, day, org, expected_fen, counted_fen, state, reason, approval_no, closed_at)"
            " VALUES (%(cashier)s, %(day)s, %(org)s, %(expected_fen)s, %(counted_fen)s, %(state)s, %(reason)s,"
            " %(approval_no)s, %(closed_at)s) ON CONFLICT (cashier, day) DO UPDATE SET expected_fen = excluded.expected_fen,"
            " counted_fen = excluded.counted_fen, state = excluded.state, reason = excluded.reason,"
            " approval_no = excluded.approval_no, closed_at = excluded.closed_at",
            row,
        )

    def decide_day(self, approval_no: int, agreed: bool) -> None:
        if agreed:
            self._work.run("UPDATE day_close SET state = 'closed' WHERE approval_no = %s", (approval_no,))
        else:
            self._work.run("DELETE FROM day_close WHERE approval_no = %s AND state = 'waiting'", (approval_no,))


def _payment(row: dict[str, Any]) -> Payment:
    def money(name: str) -> Money | None:
        return None if row[name] is None else Money(row[name])

    tendered = money("tendered_fen")
    return Payment(
        receipt_no=row["receipt_no"],
        account_no=row["account_no"],
        org=row["org"],
        amount=Money(row["amount_fen"]),
        method=row["method"],
        tendered=tendered,
        change=None if tendered is None else tendered - Money(row["amount_fen"]),
        reference=row["reference"] or row["bank_serial"],
        cashier=row["cashier"],
        taken_at=row["taken_at"],
        day=row["day"],
        state=row["state"],
        source=row["source"],
        settled=money("settled_fen"),
        prepaid=money("prepaid_fen"),
        suspense=money("suspense_fen"),
        voucher_no=row["voucher_no"],
        reversal_reason=row["reversal_reason"],
        sandbox=row["sandbox"],
        remark=row["remark"],
    )

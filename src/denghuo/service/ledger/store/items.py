"""Queries on open items, prepaid balances, receipts and allocations."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from denghuo.data.processing.work import Work
from denghuo.kernel.values import Money, Percent
from denghuo.service.ledger.api import (
    AccountOpen,
    AskAgeing,
    AskRecovery,
    FindReceivables,
    KnownReceipt,
    OpenItem,
    Posting,
    RecoveryRow,
    StatementRow,
)
from denghuo.service.ledger.rules import Item, Share

_ITEM = (
    "SELECT bill_no, account_no, org, kind, month, tariff_class, issued_on, due_on, amount_fen, paid_fen,"
    " CASE WHEN amount_fen = paid_fen THEN 0 ELSE greatest(%(today)s::date - due_on, 0) END AS overdue_days"
)
_STATE = (
    "CASE WHEN amount_fen = paid_fen THEN 'paid' WHEN due_on < %(today)s::date THEN 'overdue'"
    " WHEN paid_fen <> 0 THEN 'part' ELSE 'open' END"
)


@dataclass(frozen=True)
class AccountState:
    account_no: str
    org: str
    prepaid_fen: int


class Items:
    def __init__(self, work: Work) -> None:
        self._work = work

    # -- accounts --------------------------------------------------------------------------------------------------------

    def remember(self, accounts: Iterable[tuple[str, str]]) -> None:
        """Takes accounts (number, organisation) into the sub-ledger where they are not known yet."""
        numbers = sorted(set(accounts))
        self._work.run(
            "INSERT INTO customer_account (account_no, org) SELECT * FROM unnest(%s::text[], %s::text[])"
            " ON CONFLICT DO NOTHING",
            ([number for number, _ in numbers], [org for _, org in numbers]),
        )

    def lock(self, numbers: Sequence[str]) -> dict[str, AccountState]:
        """The accounts, held until the end of the transaction; always taken in the order of their numbers."""
        rows = self._work.rows(
            "SELECT account_no, org, prepaid_fen FROM customer_account WHERE account_no = ANY (%s)"
            " ORDER BY account_no FOR UPDATE",
            (list(numbers),),
            AccountState,
        )
        return {row.account_no: row for row in rows}

    def account(self, number: str) -> AccountState | None:
        return self._work.row(
            "SELECT account_no, org, prepaid_fen FROM customer_account WHERE account_no = %s", (number,), AccountState
        )

    def move_prepaid(self, changes: dict[str, int]) -> None:
        moved = {number: fen for number, fen in changes.items() if fen}
        self._work.run(
            "UPDATE customer_account a SET prepaid_fen = prepaid_fen + c.fen"
            " FROM unnest(%s::text[], %s::bigint[]) AS c (account_no, fen) WHERE a.account_no = c.account_no",
            (list(moved), list(moved.values())),
        )

    # -- items -----------------------------------------------------------------------------------------------------------

    def open_items(self, numbers: Sequence[str]) -> dict[str, list[Item]]:
        """Supply bills that are not settled, by account."""
        found: dict[str, list[Item]] = {}
        for row in self._work.rows(
            "SELECT account_no, bill_no, due_on, amount_fen, paid_fen, reverses FROM item"
            " WHERE account_no = ANY (%s) AND paid_fen <> amount_fen AND kind = 'supply'",
            (list(numbers),),
        ):
            found.setdefault(row.pop("account_no"), []).append(Item(**row))
        return found

    def pay(
        self,
        document: tuple[str, str],
        source: str,
        receipt_no: str | None,
        account_no: str,
        org: str,
        shares: Sequence[Share],
    ) -> list[tuple[Any, ...]]:
        """The allocation rows of shares; they are written by `allocate`."""
        at = self._work.call.now
        return [
            (*document, source, receipt_no, share.bill_no, account_no, org, share.fen, at)
            for share in shares
            if share.fen
        ]

    def allocate(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """Writes allocations and moves the paid amounts of their items with them."""
        if not rows:
            return
        self._work.copy_in(
            "allocation",
            (
                "document_kind",
                "document_no",
                "source",
                "receipt_no",
                "bill_no",
                "account_no",
                "org",
                "amount_fen",
                "at",
            ),
            rows,
        )
        sums: dict[str, int] = {}
        for row in rows:
            sums[row[4]] = sums.get(row[4], 0) + row[7]
        self._work.run(
            "UPDATE item SET paid_fen = paid_fen + c.fen FROM unnest(%s::text[], %s::bigint[]) AS c (bill_no, fen)"
            " WHERE item.bill_no = c.bill_no",
            (list(sums), list(sums.values())),
        )

    def shares_of_receipt(self, receipt_no: str) -> list[Share]:
        rows = self._work.rows(
            "SELECT bill_no, sum(amount_fen)::bigint AS fen FROM allocation WHERE receipt_no = %s GROUP BY bill_no"
            " HAVING sum(amount_fen) <> 0 ORDER BY bill_no",
            (receipt_no,),
        )
        return [Share(row["bill_no"], row["fen"]) for row in rows]

    def paid_from_prepaid(self, account_no: str) -> list[Share]:
        """What bills got out of the prepaid balance and still hold, newest first."""
        rows = self._work.rows(
            "SELECT bill_no, sum(amount_fen)::bigint AS fen FROM allocation WHERE account_no = %s AND source = 'prepaid'"
            " GROUP BY bill_no HAVING sum(amount_fen) > 0 ORDER BY max(allocation_no) DESC",
            (account_no,),
        )
        return [Share(row["bill_no"], row["fen"]) for row in rows]

    # -- receipts --------------------------------------------------------------------------------------------------------

    def receipts(self, numbers: Sequence[str]) -> dict[str, dict[str, Any]]:
        rows = self._work.rows("SELECT * FROM receipt WHERE receipt_no = ANY (%s)", (list(numbers),))
        return {row["receipt_no"]: row for row in rows}

    def add_receipts(self, rows: Iterable[Sequence[Any]]) -> None:
        self._work.copy_in(
            "receipt",
            (
                "receipt_no",
                "account_no",
                "org",
                "amount_fen",
                "method",
                "paid_at",
                "day",
                "settled_fen",
                "prepaid_fen",
                "suspense_fen",
                "voucher_no",
                "posted_at",
            ),
            rows,
        )

    def mark_reversed(self, receipt_no: str, reversal_no: str, reopened_fen: int, voucher_no: str) -> None:
        self._work.run(
            "UPDATE receipt SET reversal_no = %s, reopened_fen = %s, reversal_voucher_no = %s WHERE receipt_no = %s",
            (reversal_no, reopened_fen, voucher_no, receipt_no),
        )

    def known_receipts(self, numbers: Sequence[str]) -> list[KnownReceipt]:
        return [
            KnownReceipt(
                receipt_no=row["receipt_no"],
                account_no=row["account_no"],
                org=row["org"],
                amount=Money(row["amount_fen"]),
                method=row["method"],
                state="reversed" if row["reversal_no"] else "posted",
                suspense=Money(row["suspense_fen"]),
                paid_at=row["paid_at"],
            )
            for row in self.receipts(numbers).values()
        ]

    def receipt_totals(self, start: date, end: date) -> list[dict[str, Any]]:
        return self._work.rows(
            "SELECT day, method, count(*) AS count, sum(amount_fen)::bigint AS amount,"
            " count(reversal_no) AS reversed_count,"
            " coalesce(sum(amount_fen) FILTER (WHERE reversal_no IS NOT NULL), 0)::bigint AS reversed_amount"
            " FROM receipt WHERE day >= %s AND day < %s GROUP BY day, method ORDER BY day, method",
            (start, end),
        )

    # -- lists and sums --------------------------------------------------------------------------------------------------

    def items_of(self, account_no: str, today: date, limit: int) -> list[OpenItem]:
        rows = self._work.rows(
            _ITEM + ", " + _STATE + " AS state FROM item WHERE account_no = %(account_no)s AND paid_fen <> amount_fen"
            " ORDER BY due_on, bill_no LIMIT %(limit)s",
            {"account_no": account_no, "today": today, "limit": limit},
        )
        return [_item(row) for row in rows]

    def sums_of(self, account_no: str, today: date) -> dict[str, int]:
        row = self._work.row(
            "SELECT coalesce(sum(amount_fen - paid_fen) FILTER (WHERE kind = 'supply'), 0)::bigint AS outstanding,"
            " coalesce(sum(amount_fen - paid_fen) FILTER (WHERE kind = 'supply' AND due_on < %(today)s), 0)::bigint"
            " AS overdue,"
            " coalesce(sum(amount_fen - paid_fen) FILTER (WHERE kind = 'purchase'), 0)::bigint AS payable"
            " FROM item WHERE account_no = %(account_no)s",
            {"account_no": account_no, "today": today},
        )
        return dict(row or {})

    def open_accounts(self, numbers: Sequence[str]) -> list[AccountOpen]:
        rows = self._work.rows(
            "SELECT i.account_no, a.org, (sum(amount_fen - paid_fen) - min(a.prepaid_fen))::bigint AS due,"
            " array_agg(bill_no ORDER BY due_on, bill_no) FILTER (WHERE amount_fen > paid_fen) AS bill_nos"
            " FROM item i JOIN customer_account a USING (account_no) WHERE i.account_no = ANY (%s)"
            " AND paid_fen <> amount_fen AND kind = 'supply'"
            " GROUP BY i.account_no, a.org HAVING sum(amount_fen - paid_fen) > min(a.prepaid_fen) ORDER BY i.account_no",
            (list(numbers),),
        )
        return [
            AccountOpen(
                account_no=row["account_no"], org=row["org"], due=Money(row["due"]), bill_nos=row["bill_nos"] or []
            )
            for row in rows
        ]

    def receivables(self, request: FindReceivables, today: date) -> tuple[list[OpenItem], dict[str, int]]:
        params = request.model_dump() | {"today": today, "kind": request.kind or "supply"}
        matching = (
            " FROM item WHERE kind = %(kind)s AND (%(month)s::text IS NULL OR month = %(month)s)"
            " AND denghuo.of_unit(org, %(org)s)"
            " AND (%(tariff_class)s::text IS NULL OR tariff_class = %(tariff_class)s)"
            " AND (%(account_no)s::text IS NULL OR account_no = %(account_no)s)"
            " AND (%(state)s::text IS NULL OR " + _STATE + " = %(state)s"
            " OR (%(state)s = 'open' AND paid_fen <> amount_fen)"
            " OR (%(state)s = 'part' AND paid_fen <> amount_fen AND paid_fen <> 0))"
        )
        rows = self._work.rows(
            _ITEM + ", " + _STATE + " AS state" + matching + " AND (%(after)s::text IS NULL OR bill_no > %(after)s)"
            " ORDER BY bill_no LIMIT %(limit)s",
            params,
        )
        sums = self._work.row(
            "SELECT count(*) AS total, coalesce(sum(amount_fen), 0)::bigint AS amount,"
            " coalesce(sum(paid_fen), 0)::bigint AS paid" + matching,
            params,
        )
        return [_item(row) for row in rows], dict(sums or {})

    def statement(self, account_no: str, after: int | None, limit: int) -> tuple[list[StatementRow], int, int]:
        """A page of movements, their number, and the balance now."""
        params = {"account_no": account_no, "after": after, "limit": limit}
        moved = (
            "WITH moved AS (SELECT min(entry_no) AS entry_no, min(posted_at) AS at, document_kind, document_no,"
            " min(voucher_no) AS voucher_no, sum(debit_fen - credit_fen)::bigint AS fen FROM entry"
            " JOIN chart USING (code) WHERE account_no = %(account_no)s AND use IN ('receivable', 'prepaid', 'payable')"
            " GROUP BY document_kind, document_no HAVING sum(debit_fen) <> sum(credit_fen)),"
            " running AS (SELECT moved.*, (sum(fen) OVER (ORDER BY entry_no))::bigint AS balance FROM moved)"
        )
        rows = self._work.rows(
            moved + " SELECT running.*, item.month FROM running LEFT JOIN item ON bill_no = document_no"
            " WHERE %(after)s::bigint IS NULL OR entry_no < %(after)s ORDER BY entry_no DESC LIMIT %(limit)s",
            params,
        )
        sums = self._work.row(
            moved + " SELECT count(*) AS total, coalesce(sum(fen), 0)::bigint AS fen FROM moved", params
        )
        assert sums is not None
        found = [
            StatementRow(
                at=row["at"],
                document_kind=row["document_kind"],
                document_no=row["document_no"],
                month=row["month"],
                debit=Money(row["fen"]) if row["fen"] > 0 else None,
                credit=Money(-row["fen"]) if row["fen"] < 0 else None,
                balance=Money(row["balance"]),
                voucher_no=row["voucher_no"],
                movement_no=row["entry_no"],
            )
            for row in rows
        ]
        return found, sums["total"], sums["fen"]

    def newest_month(self) -> str | None:
        return self._work.value("SELECT max(month) FROM item WHERE kind = 'supply'")

    def recovery(self, month: str, request: AskRecovery, today: date) -> list[RecoveryRow]:
        """By group, and last the total with the group ''."""
        rows = self._work.rows(
            "SELECT g AS group, count(*) AS bills, coalesce(sum(amount_fen), 0)::bigint AS receivable,"
            " coalesce(sum(paid_fen), 0)::bigint AS collected,"
            " coalesce(sum(amount_fen - paid_fen) FILTER (WHERE due_on < %(today)s), 0)::bigint AS overdue"
            " FROM (SELECT CASE WHEN %(by)s = 'org' THEN org ELSE tariff_class END AS g, * FROM item"
            " WHERE kind = 'supply' AND month = %(month)s) i GROUP BY GROUPING SETS ((g), ()) ORDER BY g NULLS LAST",
            {"month": month, "by": request.by, "today": today},
        )
        return [
            RecoveryRow(
                group=row["group"] or "",
                org=row["group"] if request.by == "org" else None,
                tariff_class=row["group"] if request.by == "tariff_class" else None,
                bills=row["bills"],
                receivable=Money(row["receivable"]),
                collected=Money(row["collected"]),
                outstanding=Money(row["receivable"] - row["collected"]),
                overdue=Money(row["overdue"]),
                percent=Percent.of_parts(row["collected"], row["receivable"]),
            )
            for row in rows
        ]

    def ageing(self, request: AskAgeing, today: date) -> list[dict[str, Any]]:
        return self._work.rows(
            "SELECT CASE WHEN days <= 0 THEN 'current' WHEN days <= 30 THEN '1-30' WHEN days <= 60 THEN '31-60'"
            " WHEN days <= 90 THEN '61-90' WHEN days <= 180 THEN '91-180' WHEN days <= 365 THEN '181-365' ELSE '366+' END"
            " AS bucket, count(DISTINCT account_no) AS accounts, count(*) AS bills, sum(rest)::bigint AS outstanding"
            " FROM (SELECT account_no, %(today)s::date - due_on AS days, amount_fen - paid_fen AS rest FROM item"
            " WHERE kind = 'supply' AND paid_fen <> amount_fen"
            " AND denghuo.of_unit(org, %(org)s)"
            " AND (%(tariff_class)s::text IS NULL OR tariff_class = %(tariff_class)s)) o GROUP BY bucket",
            request.model_dump() | {"today": today},
        )

    def postings(self, month: str | None, after: int | None, limit: int) -> tuple[list[Posting], int]:
        params = {"month": month, "after": after, "limit": limit}
        matching = "FROM posting WHERE (%(month)s::text IS NULL OR month = %(month)s)"
        rows = self._work.rows(
            "SELECT posting_no, month, run_no, posted_at, bills, unchanged, held, amount_fen "
            + matching
            + " AND (%(after)s::bigint IS NULL OR posting_no < %(after)s) ORDER BY posting_no DESC LIMIT %(limit)s",
            params,
        )
        total = int(self._work.value("SELECT count(*) " + matching, params) or 0)
        return [Posting(amount=Money(row.pop("amount_fen")), **row) for row in rows], total

    def detail(self, use: str) -> int:
        """What the sub-ledgers say about an account of the chart, in fen, debit positive."""
        query = {
            "receivable": "SELECT sum(amount_fen - paid_fen) FROM item WHERE kind = 'supply'",
            "payable": "SELECT -sum(amount_fen - paid_fen) FROM item WHERE kind = 'purchase'",
            "prepaid": "SELECT -sum(prepaid_fen) FROM customer_account",
            "suspense": "SELECT -sum(suspense_fen) FROM receipt WHERE reversal_no IS NULL",
            "paid": "SELECT sum(paid_fen) FROM item",
            "allocated": "SELECT sum(amount_fen) FROM allocation",
        }[use]
        return int(self._work.value(query) or 0)


def _item(row: dict[str, Any]) -> OpenItem:
    amount, paid = row.pop("amount_fen"), row.pop("paid_fen")
    return OpenItem(amount=Money(amount), paid=Money(paid), rest=Money(amount - paid), **row)

"""Queries on the register of invoices."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, LiteralString

from denghuo.data.processing.work import Work
from denghuo.service.ledger.api.invoice import FindInvoices
from denghuo.service.ledger.tax import Answer

Row = dict[str, Any]
_LEFT: LiteralString = (
    "CASE WHEN colour = 'blue' AND state <> 'refused' THEN amount_fen + coalesce((SELECT sum(r.amount_fen) FROM invoice r"
    " WHERE r.reds = i.invoice_no), 0)::bigint END AS left_fen"
)
_FILTER: LiteralString = (
    " WHERE (%(month)s::text IS NULL OR month = %(month)s)"
    " AND (%(account_no)s::text IS NULL OR account_no = %(account_no)s)"
    " AND (%(bill_no)s::text IS NULL OR bill_no = %(bill_no)s"
    " OR reds IN (SELECT b.invoice_no FROM invoice b WHERE b.bill_no = %(bill_no)s))"
    " AND (%(colour)s::text IS NULL OR colour = %(colour)s)"
    " AND (%(state)s::text IS NULL OR state = %(state)s) AND denghuo.of_unit(org, %(org)s)"
)


class InvoiceStore:
    def __init__(self, work: Work) -> None:
        self._work = work

    def item(self, bill_no: str) -> Row | None:
        """A bill in the books, and the bill that took it back."""
        return self._work.row(
            "SELECT bill_no, account_no, org, kind, month, amount_fen, reverses,"
            " (SELECT r.bill_no FROM item r WHERE r.reverses = i.bill_no AND r.account_no = i.account_no LIMIT 1) AS taken_back_by"
            " FROM item i WHERE bill_no = %s",
            (bill_no,),
        )

    def blue_of(self, bill_no: str) -> Row | None:
        """The invoice of a bill, with what is left of it."""
        return self._work.row(
            f"SELECT *, {_LEFT} FROM invoice i WHERE bill_no = %s AND colour = 'blue' AND state <> 'refused'",
            (bill_no,),
        )

    def blues_left(self, account_no: str, through: str) -> list[Row]:
        """The invoices of an account up to a month of which something is left, the newest first."""
        return self._work.rows(
            f"SELECT * FROM (SELECT *, {_LEFT} FROM invoice i WHERE account_no = %s AND month <= %s AND colour = 'blue') AS f"
            " WHERE left_fen > 0 ORDER BY month DESC, invoice_no DESC",
            (account_no, through),
        )

    def red_by(self, bill_no: str) -> int:
        """How much red letters for a bill took back, in fen above zero."""
        taken = self._work.value(
            "SELECT coalesce(sum(amount_fen), 0)::bigint FROM invoice WHERE bill_no = %s AND colour = 'red'", (bill_no,)
        )
        return -int(taken or 0)

    def buyer_in(self, account_no: str, month: str) -> Row | None:
        """To whom the newest invoice of an account's month was made out."""
        return self._work.row(
            "SELECT buyer, buyer_code FROM invoice WHERE account_no = %s AND month = %s AND colour = 'blue' AND state <> 'refused'"
            " ORDER BY invoice_no DESC LIMIT 1",
            (account_no, month),
        )

    def followed(self) -> list[Row]:
        """Of the staged bills those that change invoices: what follows the first bill of an account's month where invoices were
        made before."""
        return self._work.rows(
            "SELECT s.bill_no, s.account_no, s.org, s.month, s.amount_fen, nullif(s.reverses, '') AS reverses FROM staged_bill s"
            " WHERE s.kind = 'supply' AND right(s.bill_no, 2) <> '01' AND s.amount_fen <> 0"
            " AND EXISTS (SELECT FROM invoice i WHERE i.account_no = s.account_no AND i.month <= s.month) ORDER BY s.bill_no"
        )

    def add(self, row: Row) -> str | None:
        """Enters an invoice that waits and gives its number; None where there is one for its bill, which is left as it is."""
        serial = self._work.value("SELECT nextval('invoice_number')")
        number = f"FP{row['asked_at'].year:04d}{serial:08d}"
        columns = ["invoice_no", *row]
        added = self._work.run(
            f"INSERT INTO invoice ({', '.join(columns)}) VALUES ({', '.join(['%s'] * len(columns))}) ON CONFLICT DO NOTHING",
            (number, *row.values()),
        )
        return number if added else None

    def waiting(self, limit: int) -> list[Row]:
        """What waits for the authority, in the order in which it was asked for, with the number of what it takes back."""
        return self._work.rows(
            "SELECT i.*, b.tax_number AS reds_number FROM invoice i LEFT JOIN invoice b ON b.invoice_no = i.reds"
            " WHERE i.state = 'waiting' ORDER BY i.invoice_no LIMIT %s",
            (limit,),
        )

    def answered(self, invoice_no: str, answer: Answer, sandbox: bool, at: datetime) -> None:
        refusal = None if answer.refusal is None else json.dumps(answer.refusal, ensure_ascii=False)
        self._work.run(
            "UPDATE invoice SET state = %s, tax_number = %s, refusal = %s, sandbox = %s, issued_at = %s"
            " WHERE invoice_no = %s AND state = 'waiting'",
            (
                "refused" if answer.number is None else "issued",
                answer.number,
                refusal,
                sandbox,
                None if answer.number is None else at,
                invoice_no,
            ),
        )

    def invoice(self, invoice_no: str) -> Row | None:
        return self._work.row(f"SELECT *, {_LEFT} FROM invoice i WHERE invoice_no = %s", (invoice_no,))

    def found(self, request: FindInvoices) -> tuple[Sequence[Row], Row]:
        """A page of invoices, the newest first, and the sums over all issued ones that match."""
        params = request.model_dump()
        rows = self._work.rows(
            f"SELECT *, {_LEFT} FROM invoice i {_FILTER} AND (%(after)s::text IS NULL OR invoice_no < %(after)s)"
            " ORDER BY invoice_no DESC LIMIT %(limit)s",
            params,
        )
        sums = self._work.row(
            "SELECT count(*) AS total, coalesce(sum(amount_fen) FILTER (WHERE state = 'issued'), 0)::bigint AS fen,"
            f" coalesce(sum(tax_fen) FILTER (WHERE state = 'issued'), 0)::bigint AS tax_fen FROM invoice i {_FILTER}",
            params,
        )
        assert sums is not None  # an aggregate always has a row
        return rows, sums

"""Queries on bank files, agreements, direct debit batches and online orders."""

import json
import secrets
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any

from denghuo.data.processing.work import Work
from denghuo.kernel.values import Money, Percent
from denghuo.service.payment.api import (
    Agreement,
    BankFile,
    BankFileImported,
    DebitBatch,
    DebitLine,
    FindAgreements,
    FindBankFiles,
    FindDebitBatches,
    FindDebitLines,
    Order,
)
from denghuo.service.payment.channel import ONLINE
from denghuo.service.payment.rules.bank_file import DebitOrder, Header


class BankStore:
    def __init__(self, work: Work) -> None:
        self._work = work

    # -- files -----------------------------------------------------------------------------------------------------------

    def hold_file(self, header: Header) -> None:
        key = f"file {header.bank_code} {header.file_kind} {header.batch_no}"
        self._work.value("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (key,))

    def file(self, header: Header) -> dict[str, Any] | None:
        return self._work.row(
            "SELECT digest, reply, imported_at FROM bank_file WHERE bank_code = %s AND file_kind = %s AND batch_no = %s",
            (header.bank_code, header.file_kind, header.batch_no),
        )

    def serials(self, bank_code: str, serials: Sequence[str]) -> dict[str, str]:
        """Of the given serials those that are known, with the file they came in."""
        rows = self._work.rows(
            "SELECT bank_serial, source FROM payment WHERE bank_code = %s AND bank_serial = ANY (%s)",
            (bank_code, list(serials)),
        )
        return {row["bank_serial"]: row["source"] or "" for row in rows}

    def add_file(self, header: Header, file_name: str, digest: str, reply: BankFileImported, at: datetime) -> None:
        self._work.run(
            "INSERT INTO bank_file (bank_code, batch_no, file_kind, org, file_name, digest, bank_day, lines, amount_fen,"
            " payments, paid_fen, failed, suspense, imported_by, imported_at, sandbox, reply)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            (
                header.bank_code,
                header.batch_no,
                header.file_kind,
                header.unit,
                file_name,
                digest,
                header.bank_day,
                reply.lines,
                reply.amount.fen,
                reply.payments,
                reply.paid.fen,
                reply.failed,
                reply.suspense,
                self._work.call.actor,
                at,
                reply.sandbox,
                json.dumps(reply.model_dump(mode="json"), ensure_ascii=False),
            ),
        )

    def files(self, request: FindBankFiles) -> tuple[list[BankFile], int, int | None]:
        params = request.model_dump() | {"after": request.after_number}
        matching = "FROM bank_file WHERE (%(bank_code)s::text IS NULL OR bank_code = %(bank_code)s)"
        rows = self._work.rows(
            "SELECT * " + matching + " AND (%(after)s::bigint IS NULL OR file_no < %(after)s)"
            " ORDER BY file_no DESC LIMIT %(limit)s",
            params,
        )
        total = int(self._work.value("SELECT count(*) " + matching, params) or 0)
        last = rows[-1]["file_no"] if len(rows) == request.limit else None
        dropped = {"file_no", "org", "digest", "reply", "amount_fen", "paid_fen"}
        return (
            [
                BankFile(
                    amount=Money(row["amount_fen"]),
                    paid=Money(row["paid_fen"]),
                    **{name: row[name] for name in row if name not in dropped},
                )
                for row in rows
            ],
            total,
            last,
        )

    def files_paid(self, start: date, end: date) -> list[dict[str, Any]]:
        """Bank files with what their payments of a range of days sum to here."""
        return self._work.rows(
            "SELECT f.batch_no, f.bank_code, f.file_kind, f.payments, f.paid_fen, p.count, p.fen FROM bank_file f,"
            " LATERAL (SELECT count(*) AS count, coalesce(sum(amount_fen), 0)::bigint AS fen FROM payment"
            " WHERE source = f.batch_no AND bank_code = f.bank_code"
            " AND method = CASE WHEN f.file_kind = 'RETURN' THEN 'debit' ELSE 'bank' END) p"
            " WHERE EXISTS (SELECT 1 FROM payment WHERE source = f.batch_no AND bank_code = f.bank_code"
            " AND day >= %s AND day < %s) OR (f.bank_day >= %s AND f.bank_day < %s) ORDER BY f.file_no",
            (start, end, start, end),
        )

    # -- agreements ------------------------------------------------------------------------------------------------------

    def agreements_of(self, numbers: Sequence[str]) -> dict[str, Agreement]:
        rows = self._work.rows(
            "SELECT account_no, org, bank_code, bank_account, holder, effective_from FROM agreement"
            " WHERE effective_to IS NULL AND account_no = ANY (%s)",
            (list(numbers),),
            Agreement,
        )
        return {row.account_no: row for row in rows}

    def end_agreements(self, numbers: Sequence[str], on: date) -> None:
        self._work.run(
            "UPDATE agreement SET effective_to = greatest(%s, effective_from) WHERE effective_to IS NULL"
            " AND account_no = ANY (%s)",
            (on, list(numbers)),
        )

    def add_agreements(self, agreements: Iterable[Agreement], at: datetime) -> None:
        self._work.copy_in(
            "agreement",
            ("account_no", "org", "bank_code", "bank_account", "holder", "effective_from", "recorded_at"),
            (
                (item.account_no, item.org, item.bank_code, item.bank_account, item.holder, item.effective_from, at)
                for item in agreements
            ),
        )

    def agreements(self, request: FindAgreements) -> tuple[list[Agreement], int]:
        params = request.model_dump()
        matching = (
            "FROM agreement WHERE effective_to IS NULL AND (%(account_no)s::text IS NULL OR account_no = %(account_no)s)"
            " AND denghuo.of_unit(org, %(org)s)"
            " AND (%(bank_code)s::text IS NULL OR bank_code = %(bank_code)s)"
        )
        rows = self._work.rows(
            "SELECT account_no, org, bank_code, bank_account, holder, effective_from "
            + matching
            + " AND (%(after)s::text IS NULL OR account_no > %(after)s) ORDER BY account_no LIMIT %(limit)s",
            params,
            Agreement,
        )
        return rows, int(self._work.value("SELECT count(*) " + matching, params) or 0)

    def banks_with_agreements(self) -> list[tuple[str, str]]:
        """Banks and the companies (first part of the organisation code) whose customers have agreements with them."""
        rows = self._work.rows(
            "SELECT DISTINCT bank_code, split_part(org, '.', 1) AS unit FROM agreement WHERE effective_to IS NULL"
            " ORDER BY 1, 2"
        )
        return [(row["bank_code"], row["unit"]) for row in rows]

    # -- direct debit ----------------------------------------------------------------------------------------------------

    def batch_under_way(self, bank_code: str, unit: str) -> str | None:
        return self._work.value(
            "SELECT batch_no FROM debit_batch WHERE bank_code = %s AND org = %s"
            " AND state IN ('building', 'ready', 'sent')",
            (bank_code, unit),
        )

    def add_batch(self, month: str, bank_code: str, unit: str, retry: bool, at: datetime, sandbox: bool) -> str:
        serial = self._work.value("SELECT nextval('batch_serial')")
        batch_no = f"DD{month.replace('-', '')}{serial:06d}"
        self._work.run(
            "INSERT INTO debit_batch (batch_no, month, bank_code, org, state, retry, made_at, sandbox)"
            " VALUES (%s, %s, %s, %s, 'building', %s, %s, %s)",
            (batch_no, month, bank_code, unit, retry, at, sandbox),
        )
        return batch_no

    def batch(self, batch_no: str, hold: bool = False) -> dict[str, Any] | None:
        return self._work.row(
            "SELECT * FROM debit_batch WHERE batch_no = %s FOR UPDATE"
            if hold
            else "SELECT * FROM debit_batch WHERE batch_no = %s",
            (batch_no,),
        )

    def move_batch(self, batch_no: str, state: str) -> None:
        self._work.run("UPDATE debit_batch SET state = %s WHERE batch_no = %s", (state, batch_no))

    def next_agreements(self, batch: dict[str, Any], limit: int) -> list[Agreement]:
        """Agreements of the batch's bank and company behind what it reached. A batch that does not retry passes over accounts
        whose collection failed for its month before."""
        return self._work.rows(
            "SELECT account_no, org, bank_code, bank_account, holder, effective_from FROM agreement a"
            " WHERE effective_to IS NULL AND bank_code = %(bank_code)s AND split_part(org, '.', 1) = %(org)s"
            " AND account_no > %(reached)s AND (%(retry)s OR NOT EXISTS (SELECT 1 FROM debit_line"
            " JOIN debit_batch USING (batch_no) WHERE debit_line.account_no = a.account_no AND month = %(month)s"
            " AND result NOT IN ('00', 'wait'))) ORDER BY account_no LIMIT %(limit)s",
            batch | {"limit": limit},
            Agreement,
        )

    def add_lines(self, batch_no: str, lines: Sequence[tuple[Agreement, Money]], reached: str) -> None:
        first = int(
            self._work.value("SELECT coalesce(max(line), 0) FROM debit_line WHERE batch_no = %s", (batch_no,)) or 0
        )
        self._work.copy_in(
            "debit_line",
            ("batch_no", "line", "account_no", "org", "amount_fen", "bank_account", "holder"),
            (
                (batch_no, first + place, item.account_no, item.org, due.fen, item.bank_account, item.holder)
                for place, (item, due) in enumerate(lines, 1)
            ),
        )
        self._work.run("UPDATE debit_batch SET reached = %s WHERE batch_no = %s", (reached, batch_no))

    def orders(self, batch_no: str) -> list[DebitOrder]:
        rows = self._work.rows(
            "SELECT line, account_no, amount_fen, bank_account, holder FROM debit_line WHERE batch_no = %s ORDER BY line",
            (batch_no,),
        )
        return [
            DebitOrder(row["line"], row["account_no"], Money(row["amount_fen"]), row["bank_account"], row["holder"])
            for row in rows
        ]

    def expected(self, batch_no: str) -> dict[int, tuple[str, int, str]]:
        """The lines that a bank's answer must match: account, amount and result so far."""
        rows = self._work.rows(
            "SELECT line, account_no, amount_fen, result FROM debit_line WHERE batch_no = %s", (batch_no,)
        )
        return {row["line"]: (row["account_no"], row["amount_fen"], row["result"]) for row in rows}

    def answer_lines(self, batch_no: str, answers: Sequence[tuple[int, str, str | None]]) -> None:
        self._work.run(
            "UPDATE debit_line l SET result = c.result, receipt_no = c.receipt_no"
            " FROM unnest(%s::int[], %s::text[], %s::text[]) AS c (line, result, receipt_no)"
            " WHERE l.batch_no = %s AND l.line = c.line",
            (
                [line for line, _, _ in answers],
                [result for _, result, _ in answers],
                [number for _, _, number in answers],
                batch_no,
            ),
        )

    def batches(self, request: FindDebitBatches, numbers: Sequence[str] | None = None) -> tuple[list[DebitBatch], int]:
        params = request.model_dump() | {"numbers": list(numbers) if numbers is not None else None}
        matching = (
            "FROM debit_batch b WHERE (%(month)s::text IS NULL OR month = %(month)s)"
            " AND (%(numbers)s::text[] IS NULL OR batch_no = ANY (%(numbers)s))"
        )
        rows = self._work.rows(
            "SELECT b.*, l.* FROM (SELECT batch_no, month, bank_code, state, made_at, sandbox "
            + matching
            + " AND (%(after)s::text IS NULL OR batch_no < %(after)s) ORDER BY batch_no DESC LIMIT %(limit)s) b, LATERAL"
            " (SELECT count(*) AS lines, coalesce(sum(amount_fen), 0)::bigint AS fen,"
            " count(*) FILTER (WHERE result = '00') AS succeeded,"
            " coalesce(sum(amount_fen) FILTER (WHERE result = '00'), 0)::bigint AS collected,"
            " count(*) FILTER (WHERE result NOT IN ('00', 'wait')) AS failed"
            " FROM debit_line WHERE debit_line.batch_no = b.batch_no) l ORDER BY b.batch_no DESC",
            params,
        )
        total = int(self._work.value("SELECT count(*) " + matching, params) or 0)
        return [
            DebitBatch(
                amount=Money(row.pop("fen")),
                collected=Money(row.pop("collected")),
                percent=Percent.of_parts(row["succeeded"], row["lines"]),
                **row,
            )
            for row in rows
        ], total

    def lines(self, request: FindDebitLines) -> tuple[list[DebitLine], int]:
        params = request.model_dump() | {"after": request.after_number or 0}
        matching = (
            "FROM debit_line WHERE batch_no = %(batch_no)s AND (NOT %(failed_only)s OR result NOT IN ('00', 'wait'))"
        )
        rows = self._work.rows(
            "SELECT line, account_no, org, amount_fen, result, receipt_no "
            + matching
            + " AND line > %(after)s ORDER BY line LIMIT %(limit)s",
            params,
        )
        total = int(self._work.value("SELECT count(*) " + matching, params) or 0)
        return [DebitLine(amount=Money(row.pop("amount_fen")), **row) for row in rows], total

    # -- online ----------------------------------------------------------------------------------------------------------

    def secret(self, channel: str, make: bool = False) -> bytes | None:
        """The secret shared with a channel; made where it is missing and `make` says so."""
        if make:
            self._work.run(
                "INSERT INTO channel_key (channel, secret) VALUES (%s, %s) ON CONFLICT DO NOTHING",
                (channel, secrets.token_bytes(32)),
            )
        found = self._work.value("SELECT secret FROM channel_key WHERE channel = %s", (channel,))
        return bytes(found) if found is not None else None

    def order_no(self, day: date) -> str:
        return f"OL{day:%Y%m%d}{self._work.value('SELECT nextval(%s)', ('order_serial',)):010d}"

    def add_order(self, row: dict[str, Any]) -> None:
        self._work.run(
            "INSERT INTO online_order (order_no, account_no, org, amount_fen, bill_nos, channel, sandbox, request,"
            " signature, created_at) VALUES (%(order_no)s, %(account_no)s, %(org)s, %(amount_fen)s, %(bill_nos)s,"
            " %(channel)s, %(sandbox)s, %(request)s, %(signature)s, %(created_at)s)",
            row,
        )

    def order(self, order_no: str) -> Order | None:
        row = self._work.row("SELECT * FROM online_order WHERE order_no = %s", (order_no,))
        if row is None:
            return None
        channel = ONLINE[row["channel"]]
        row.pop("org")
        return Order(
            amount=Money(row.pop("amount_fen")), channel_zh=channel.title["zh"], channel_en=channel.title["en"], **row
        )

    def keep_callback(self, order_no: str, channel: str, body: str, at: datetime) -> str:
        """Keeps a report and gives the one that is known for the order, which may be an earlier one."""
        self._work.run(
            "INSERT INTO callback (order_no, channel, body, received_at) VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING",
            (order_no, channel, body, at),
        )
        return str(self._work.value("SELECT body FROM callback WHERE order_no = %s", (order_no,)))

    def waiting_callbacks(self, limit: int) -> list[dict[str, Any]]:
        """Reports with their orders; an order number that is nobody's has no organisation."""
        return self._work.rows(
            "SELECT c.order_no, c.body, o.account_no, o.org, o.bill_nos, o.sandbox, c.channel FROM callback c"
            " LEFT JOIN online_order o USING (order_no) WHERE done_at IS NULL ORDER BY c.order_no LIMIT %s"
            " FOR UPDATE OF c SKIP LOCKED",
            (limit,),
        )

    def finish_callback(self, order_no: str, receipt_no: str | None, paid_at: datetime | None, at: datetime) -> None:
        self._work.run("UPDATE callback SET done_at = %s WHERE order_no = %s", (at, order_no))
        if receipt_no is not None:
            self._work.run(
                "UPDATE online_order SET state = 'paid', receipt_no = %s, paid_at = %s WHERE order_no = %s",
                (receipt_no, paid_at, order_no),
            )

"""Posting of a billing run: both datasets go in by COPY, the books are written by a few statements over all bills.

One voucher for each organisation and kind of bill sums the run; its entries carry the bill, so an auditor goes from the account of
the chart to the voucher to the bill and back, also when a run has a million bills.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.compute

from denghuo.data.processing.bulk import stage
from denghuo.data.processing.work import Work
from denghuo.kernel.contract import DatasetRef
from denghuo.kernel.problem import text
from denghuo.service.ledger.rules import Item, set_off
from denghuo.service.ledger.store.books import Books, NewEntry, NewVoucher
from denghuo.service.ledger.store.items import Items

pc: Any = pyarrow.compute
_BILLS = (
    "bill_no",
    "account_no",
    "org",
    "kind",
    "month",
    "tariff_class",
    "amount_fen",
    "issued_on",
    "due_on",
    "reverses",
)
ACCOUNTS_A_STEP = 2_000


@dataclass(frozen=True)
class Posted:
    bills: int
    unchanged: int
    held: int
    amount_fen: int


def post_run(
    work: Work, month: str, run_no: int, bills: DatasetRef, lines: DatasetRef, follow: Callable[[], None]
) -> Posted:
    """Posts the bills of a run that are not in the books yet. Running it again changes nothing. follow: what is done when they are
    in the books, and still staged."""
    bill_rows = work.datasets.scan(bills, list(_BILLS))
    line_rows = work.datasets.scan(lines, ["bill_no", "code", "group", "amount_fen"])
    by_use = line_rows.append_column("part", uses_of(line_rows, Books(work).uses_of_lines()))
    parts = by_use.group_by(["bill_no", "part"]).aggregate([("amount_fen", "sum")])
    stage(work, "staged_bill", bill_rows)
    named = parts.select(["bill_no", "part", "amount_fen_sum"]).rename_columns(["bill_no", "part", "fen"])
    stage(work, "staged_part", named)
    work.run("CREATE INDEX ON staged_part (bill_no)")
    _as_before(work)
    Books(work).hold()
    posting_no = work.value(
        "INSERT INTO posting (month, run_no, posted_at) VALUES (%s, %s, %s) RETURNING posting_no",
        (month, run_no, work.call.now),
    )
    assert isinstance(posting_no, int)
    held = _hold(work, posting_no)
    unchanged = work.run(
        "DELETE FROM staged_bill s USING item WHERE item.bill_no = s.bill_no AND item.amount_fen = s.amount_fen"
    )
    _write_entries(work)
    _write_items(work, posting_no)
    sums = work.row(
        "SELECT count(*) AS bills, coalesce(sum(amount_fen) FILTER (WHERE kind = 'supply'), 0)::bigint AS fen"
        " FROM staged_bill"
    )
    assert sums is not None
    work.run(
        "UPDATE posting SET bills = %s, unchanged = %s, held = %s, amount_fen = %s WHERE posting_no = %s",
        (sums["bills"], unchanged, held, sums["fen"], posting_no),
    )
    _set_off(work, posting_no)
    follow()
    work.run("DROP TABLE staged_bill, staged_part")
    return Posted(sums["bills"], unchanged, held, sums["fen"])


def _as_before(work: Work) -> None:
    """Penalties of a bill that takes back one of before they had an account of their own go where that one's went."""
    work.run(
        "UPDATE staged_part SET part = 'adjustment' FROM staged_bill s WHERE s.bill_no = staged_part.bill_no AND part = 'penalty'"
        " AND EXISTS (SELECT FROM entry WHERE document_no = s.reverses) AND NOT EXISTS (SELECT FROM entry JOIN chart USING (code)"
        " WHERE document_no = s.reverses AND use = 'penalty')"
    )


def uses_of(lines: pa.Table, of_codes: Mapping[str, str]) -> Any:
    """What the chart calls the account of each line: that of its code where it has one, else of its group."""
    codes = pa.array(list(of_codes), pa.string())
    uses = pa.array(list(of_codes.values()), pa.string())
    own = pc.take(uses, pc.index_in(lines["code"], value_set=codes))
    return pc.coalesce(own, lines["group"])


def _hold(work: Work, posting_no: int) -> int:
    """Sets bills aside that do not agree with their lines or with what is known under their number; gives their count."""
    work.run(
        "INSERT INTO held_bill (bill_no, posting_no, org, account_no, amount_fen, lines_fen, cause)"
        " SELECT s.bill_no, %s, s.org, s.account_no, s.amount_fen, coalesce(p.fen, 0),"
        " CASE WHEN i.bill_no IS NOT NULL THEN 'known_with_other_amount' WHEN p.strange THEN 'unknown_group'"
        " ELSE 'lines_differ' END"
        " FROM staged_bill s LEFT JOIN (SELECT bill_no, sum(fen)::bigint AS fen, bool_or(chart.use IS NULL) AS strange"
        " FROM staged_part LEFT JOIN chart ON chart.use = part GROUP BY bill_no) p USING (bill_no)"
        " LEFT JOIN item i USING (bill_no)"
        " WHERE coalesce(p.fen, 0) <> s.amount_fen OR coalesce(p.strange, false) OR i.amount_fen <> s.amount_fen"
        " ON CONFLICT DO NOTHING",
        (posting_no,),
    )
    return work.run(
        "DELETE FROM staged_bill s USING held_bill h WHERE h.bill_no = s.bill_no AND h.posting_no = %s", (posting_no,)
    )


def _write_entries(work: Work) -> None:
    """Entries of the staged bills: one statement for each voucher, so that whole documents are added."""
    books = Books(work)
    for group in work.rows(
        "SELECT org, kind, issued_on, month, count(*) AS bills FROM staged_bill GROUP BY org, kind, issued_on, month"
        " ORDER BY org, kind DESC, issued_on, month"
    ):
        supply = group["kind"] == "supply"
        voucher = books.open_voucher(
            group["issued_on"],
            group["org"],
            "bill",
            text(
                f"{group['month']} {'售电电费' if supply else '购电费'}发行，{group['bills']} 张账单",
                f"{'Bills' if supply else 'Purchase statements'} of {group['month']}, {group['bills']} issued",
            ),
        )
        _insert_entries(work, voucher, group)


def _insert_entries(work: Work, voucher: NewVoucher, group: dict[str, Any]) -> None:
    # fen: positive is debit. A supply bill is debit receivable and credit revenue; a purchase is the other way round.
    work.run(
        "INSERT INTO entry (voucher_no, month, posted_at, document_kind, document_no, code, org, account_no,"
        " debit_fen, credit_fen)"
        " SELECT %(voucher_no)s, %(booked)s, %(now)s, 'bill', bill_no, code, %(org)s, account_no,"
        " greatest(fen, 0), greatest(-fen, 0) FROM ("
        " SELECT bill_no, account_no, 0 AS place, (SELECT code FROM chart WHERE use = %(side)s) AS code,"
        " amount_fen * %(sign)s AS fen FROM staged_bill"
        " WHERE org = %(org)s AND kind = %(kind)s AND issued_on = %(issued_on)s AND month = %(month)s"
        " UNION ALL"
        " SELECT bill_no, account_no, 1, code, -staged_part.fen * %(sign)s FROM staged_bill JOIN staged_part USING (bill_no)"
        " JOIN chart ON chart.use = part"
        " WHERE org = %(org)s AND staged_bill.kind = %(kind)s AND issued_on = %(issued_on)s AND month = %(month)s"
        ") e WHERE fen <> 0 ORDER BY bill_no, place, code",
        {
            "voucher_no": voucher.voucher_no,
            "booked": voucher.month,
            "now": work.call.now,
            "org": group["org"],
            "kind": group["kind"],
            "month": group["month"],
            "issued_on": group["issued_on"],
            "side": "receivable" if group["kind"] == "supply" else "payable",
            "sign": 1 if group["kind"] == "supply" else -1,
        },
    )


def _write_items(work: Work, posting_no: int) -> None:
    work.run(
        "INSERT INTO item (bill_no, account_no, org, kind, month, tariff_class, issued_on, due_on, amount_fen, reverses,"
        " posting_no) SELECT bill_no, account_no, org, kind, month, tariff_class, issued_on, due_on, amount_fen,"
        " nullif(reverses, ''), %s FROM staged_bill",
        (posting_no,),
    )
    work.run(
        "INSERT INTO customer_account (account_no, org) SELECT DISTINCT ON (account_no) account_no, org FROM staged_bill"
        " ORDER BY account_no, issued_on DESC ON CONFLICT DO NOTHING"
    )


def _set_off(work: Work, posting_no: int) -> None:
    """Uses credits and prepaid balances of the accounts in the run for what is open."""
    numbers = work.values(
        "SELECT DISTINCT account_no FROM customer_account JOIN staged_bill USING (account_no)"
        " WHERE prepaid_fen > 0 OR EXISTS (SELECT 1 FROM item WHERE item.account_no = customer_account.account_no"
        " AND kind = 'supply' AND amount_fen < 0 AND paid_fen <> amount_fen) ORDER BY account_no"
    )
    for start in range(0, len(numbers), ACCOUNTS_A_STEP):
        _set_off_accounts(work, posting_no, numbers[start : start + ACCOUNTS_A_STEP])


def _set_off_accounts(work: Work, posting_no: int, numbers: list[str]) -> None:
    books, items = Books(work), Items(work)
    codes = books.codes()
    accounts = items.lock(numbers)
    open_items: dict[str, list[Item]] = items.open_items(numbers)
    entries: dict[str, list[NewEntry]] = {}
    allocations: list[tuple[Any, ...]] = []
    prepaid: dict[str, int] = {}
    for number, account in accounts.items():
        found = set_off(open_items.get(number, []), account.prepaid_fen)
        if found.changes_nothing:
            continue
        document = ("offset", f"OS{posting_no}-{number}")
        allocations += items.pay(document, "credit", None, number, account.org, found.by_credit)
        allocations += items.pay(document, "prepaid", None, number, account.org, found.by_prepaid)
        moved = found.to_prepaid_fen - found.from_prepaid_fen
        prepaid[number] = moved
        if moved:
            entries.setdefault(account.org, []).extend(
                (
                    NewEntry(document[1], codes["receivable"], number, moved),
                    NewEntry(document[1], codes["prepaid"], number, -moved),
                )
            )
    day: date = work.call.now.date()
    for org, added in sorted(entries.items()):
        books.add(
            books.open_voucher(day, org, "offset", text("预存与贷项冲抵电费", "Prepaid and credits set off")), added
        )
    items.allocate(allocations)
    items.move_prepaid(prepaid)

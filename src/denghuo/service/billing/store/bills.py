"""Queries on bills in bulk. Reading side: find.py."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, LiteralString

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute

from denghuo.data.processing.dataset import arrow_schema
from denghuo.data.processing.work import Work
from denghuo.kernel.values import Money
from denghuo.service.billing.api import BILL_LINES, BILLS
from denghuo.service.billing.kept import tariffs_of
from denghuo.service.billing.rating import Draft
from denghuo.service.billing.store.proofs import Proofs
from denghuo.service.billing.store.rows import BASIS_COLUMNS, BILL_COLUMNS, LINE_COLUMNS, basis_row, bill_row, line_rows
from denghuo.service.billing.whole import ColumnBills

pc: Any = pyarrow.compute
Flags = npt.NDArray[np.bool_]
UNISSUED = ("rated", "held", "passed")
LAST = "99"
"""The suffix of the last bill that an account's month and kind can have: the digit before it is the kind."""
_STANDING: LiteralString = (
    "SELECT account_no, kind, bill_no, state FROM bill WHERE month = %s AND state <> 'reversed' AND reverses IS NULL"
    " AND case_no IS NULL"
)
_OTHERS_BEFORE: LiteralString = (
    "EXISTS (SELECT FROM bill AS earlier WHERE earlier.month < %s AND earlier.state = 'issued')"
)
_KEYS: Any = [("account_no", pa.string()), ("kind", pa.string()), ("tariff_code", pa.string())]
_TARIFFS_BEFORE = pa.schema([*_KEYS, ("amount_fen", pa.int64()), ("months", pa.int64())])
_MONTHLY = '$.components[*] ? (@.code == "agency_energy")'
"""Tariffs with the agency purchase price, which is published every month (发改办价格〔2021〕809号)."""
MONTHS_COVERED: LiteralString = (
    "(12 * (extract(year FROM to_on) - extract(year FROM from_on))"
    " + extract(month FROM to_on) - extract(month FROM from_on) + 1)::int"
)
"""How many months a bill covers."""


@dataclass(frozen=True)
class ToReview:
    """A rated bill as the review sees it. tariff_before, amount_before_fen, months_before: of the account's bill before, and how
    many months it covers. monthly_from: from when its monthly prices hold. others_before: whether any bill of an earlier month was
    issued."""

    bill_no: str
    account_no: str
    org: str
    kind: str
    tariff_class: str
    energy_wh: int
    amount_fen: int
    from_on: date
    to_on: date
    estimated_days: int
    contract_w: int | None
    pv_w: int | None
    remarks: list[dict[str, Any]]
    tariff_code: str
    tariff_before: str | None
    monthly_from: date | None
    others_before: bool
    amount_before_fen: int | None = None
    months_before: int | None = None


@dataclass(frozen=True)
class Run:
    """An issue run: the bills of these numbers, or those from one number to another, all or of one unit."""

    month: str
    run_no: int
    numbers: Sequence[str] = ()
    span: tuple[str, str] | None = None
    org: str | None = None

    def of(self, table: LiteralString) -> LiteralString:
        """The condition on a table with bill numbers that finds them by its index."""
        if self.span is None:
            return f"{table}.bill_no = ANY (%(numbers)s)"
        between: LiteralString = f"{table}.bill_no BETWEEN %(first)s AND %(last)s"
        return between if self.org is None else f"{between} AND {table}.org = %(org)s"

    @property
    def params(self) -> dict[str, Any]:
        found: dict[str, Any] = {"month": self.month, "run_no": self.run_no, "org": self.org}
        if self.span is None:
            return found | {"numbers": list(self.numbers)}
        return found | {"first": self.span[0], "last": self.span[1]}


class Bills:
    """Bills in bulk: drafts, review and issue."""

    def __init__(self, work: Work) -> None:
        self._work = work

    def standing(self, month: str, account_nos: Sequence[str]) -> dict[tuple[str, str], tuple[str, str]]:
        """(account, kind) -> (bill number, state) of the bills that stand for these accounts in the month."""
        rows = self._work.rows(
            f"{_STANDING} AND account_no = ANY (%s)",
            (month, list(account_nos)),
        )
        return {(row["account_no"], row["kind"]): (row["bill_no"], row["state"]) for row in rows}

    def standing_of(self, month: str, accounts: tuple[str, str]) -> dict[tuple[str, str], tuple[str, str]]:
        """As `standing`, for the accounts from one to another."""
        rows = self._work.rows(f"{_STANDING} AND account_no BETWEEN %s AND %s", (month, *accounts))
        return {(row["account_no"], row["kind"]): (row["bill_no"], row["state"]) for row in rows}

    def taken_back(self, month: str, accounts: tuple[str, str]) -> list[tuple[str, str]]:
        """Account and kind of the bills of a month that were taken back, of the accounts from one to another."""
        rows = self._work.rows(
            "SELECT DISTINCT account_no, kind FROM bill WHERE month = %s AND state = 'reversed' AND case_no IS NULL"
            " AND account_no BETWEEN %s AND %s",
            (month, *accounts),
        )
        return [(row["account_no"], row["kind"]) for row in rows]

    def next_numbers(self, month: str, account_nos: Sequence[str]) -> dict[tuple[str, str], str | None]:
        """(account, kind) -> the number of the next bill, for those of these accounts whose bill of the month was taken back; None
        where the month has no number left."""
        rows = self._work.rows(
            "SELECT account_no, kind, max(bill_no) AS last FROM bill WHERE month = %s AND account_no = ANY (%s)"
            " AND state IN ('issued', 'reversed') GROUP BY account_no, kind"
            " HAVING bool_or(state = 'reversed' AND case_no IS NULL)",
            (month, list(account_nos)),
        )
        return {(row["account_no"], row["kind"]): following(row["last"]) for row in rows}

    def next_number(self, month: str, account_no: str, kind: str) -> str | None:
        """The number after the last of an account's month and kind; None where there is none left."""
        last = self._work.value(
            "SELECT max(bill_no) FROM bill WHERE month = %s AND account_no = %s AND kind = %s",
            (month, account_no, kind),
        )
        assert last is not None  # only what was billed is followed by another bill
        return following(last)

    def figures(self, bill_no: str) -> tuple[Money, int]:
        """Amount and energy of a bill."""
        row = self._work.row("SELECT amount_fen, energy_wh FROM bill WHERE bill_no = %s", (bill_no,))
        assert row is not None  # the caller read its number from the same table
        return Money(row["amount_fen"]), int(row["energy_wh"])

    def drop(self, bill_nos: Sequence[str]) -> None:
        """Takes back drafts. A bill that was issued is never dropped."""
        if bill_nos:
            dropped = self._work.values(
                "DELETE FROM bill WHERE bill_no = ANY (%s) AND state = ANY (%s) RETURNING bill_no",
                (list(bill_nos), list(UNISSUED)),
            )
            self._work.run("DELETE FROM bill_basis WHERE bill_no = ANY (%s)", (dropped,))
            self._work.run("DELETE FROM bill_line WHERE bill_no = ANY (%s)", (dropped,))

    def add_columns(self, made: ColumnBills, passed: Flags, at: datetime) -> None:
        """As `add_drafts`, for bills that were made by columns; those that `passed` the review are let pass."""
        Proofs(self._work).keep_tariffs(made.tariffs)
        rows = len(made.bills)
        if not rows:
            return
        bills = made.bills.append_column("state", pc.if_else(pa.array(passed), "passed", "rated"))
        self._work.copy_columns("bill", bills.append_column("rated_at", pa.repeat(pa.scalar(at), rows)))
        self._work.copy_columns("bill_basis", made.basis)
        numbers = pa.array(Proofs(self._work).source_numbers(made.sources), pa.int64())
        lines = made.lines.append_column("source_no", numbers.take(made.lines["source"].combine_chunks()))
        self._work.copy_columns("bill_line", lines.drop_columns("source"))

    def add_drafts(self, month: str, drafts: Sequence[Draft], at: datetime) -> None:
        Proofs(self._work).keep_tariffs(tariff for draft in drafts for tariff in tariffs_of(draft.stages))
        self._work.copy_in("bill", BILL_COLUMNS, (bill_row(month, draft, at) for draft in drafts))
        self._work.copy_in("bill_basis", BASIS_COLUMNS, map(basis_row, drafts))
        self._work.copy_in("bill_line", LINE_COLUMNS, (row for draft in drafts for row in line_rows(draft)))

    def others_before(self, month: str) -> bool:
        """Whether any bill of an earlier month was issued."""
        return bool(self._work.value(f"SELECT {_OTHERS_BEFORE}", (month,)))

    def tariffs_before(self, accounts: Sequence[str], month: str) -> pa.Table:
        """The last bills before a month: account_no, kind, tariff_code, amount_fen, months (that it covers)."""
        return self._work.table(
            "SELECT account_no, kind, tariff_code, amount_fen, months FROM unnest(%s::text[]) AS asked (account_no)"
            " CROSS JOIN unnest(ARRAY['supply', 'purchase']) AS kinds (kind) CROSS JOIN LATERAL (SELECT tariff_code, amount_fen,"
            f" {MONTHS_COVERED} AS months FROM bill WHERE bill.account_no = asked.account_no AND bill.kind = kinds.kind"
            " AND month < %s AND state = 'issued' AND reverses IS NULL AND case_no IS NULL ORDER BY month DESC LIMIT 1) AS earlier",
            (list(accounts), month),
            _TARIFFS_BEFORE,
        )

    def review_again(self, month: str, org: str | None = None) -> None:
        """Takes back that bills passed."""
        self._work.run(
            "UPDATE bill SET state = 'rated' WHERE month = %s AND state = 'passed' AND reverses IS NULL AND case_no IS NULL"
            " AND (%s::text IS NULL OR org = %s)",
            (month, org, org),
        )

    def to_review(
        self, month: str, limit: int, account_no: str | None = None, org: str | None = None
    ) -> list[ToReview]:
        return self._work.rows(
            "SELECT bill_no, account_no, org, kind, tariff_class, energy_wh, bill.amount_fen, from_on, to_on, estimated_days,"
            " contract_w, pv_w, remarks, bill.tariff_code, before.tariff_code AS tariff_before,"
            " before.amount_fen AS amount_before_fen, before.months AS months_before,"
            " (SELECT (document ->> 'effective_from')::date FROM rated_tariff WHERE code = bill.tariff_code"
            " AND version = tariff_version AND document @? %s) AS monthly_from,"
            f" {_OTHERS_BEFORE} AS others_before"
            f" FROM bill LEFT JOIN LATERAL (SELECT tariff_code, amount_fen, {MONTHS_COVERED} AS months FROM bill AS earlier"
            " WHERE earlier.account_no = bill.account_no AND earlier.kind = bill.kind AND earlier.month < bill.month"
            " AND earlier.state = 'issued' AND earlier.reverses IS NULL AND earlier.case_no IS NULL"
            " ORDER BY earlier.month DESC LIMIT 1) AS before ON true"
            " WHERE bill.month = %s AND state = 'rated'"
            " AND (%s::text IS NULL OR account_no = %s) AND (%s::text IS NULL OR org = %s) ORDER BY bill_no LIMIT %s",
            (_MONTHLY, month, month, account_no, account_no, org, org, limit),
            ToReview,
        )

    def registers(self, bill_nos: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
        """The registers of bills by their numbers, as they are stored."""
        if not bill_nos:
            return {}
        rows = self._work.rows("SELECT bill_no, registers FROM bill_basis WHERE bill_no = ANY (%s)", (list(bill_nos),))
        return {row["bill_no"]: row["registers"] for row in rows}

    def set_states(self, bill_nos: Sequence[str], state: str) -> None:
        if bill_nos:
            self._work.run(
                "UPDATE bill SET state = %s WHERE bill_no = ANY (%s) AND state = ANY (%s)",
                (state, list(bill_nos), list(UNISSUED)),
            )

    def counts(self, month: str) -> dict[str, int]:
        """Bills of the month by state."""
        rows = self._work.rows("SELECT state, count(*) AS number FROM bill WHERE month = %s GROUP BY state", (month,))
        return {row["state"]: row["number"] for row in rows}

    def passed_span(self, month: str, limit: int, org: str | None = None) -> tuple[str, str] | None:
        """The first and the last of the next passed bills, at most so many; None where there is none."""
        row = self._work.row(
            "SELECT min(bill_no) AS first, max(bill_no) AS last FROM (SELECT bill_no FROM bill WHERE month = %s"
            " AND state = 'passed' AND (%s::text IS NULL OR org = %s) ORDER BY bill_no LIMIT %s) AS following",
            (month, org, org, limit),
        )
        return None if row is None or row["first"] is None else (row["first"], row["last"])

    def issue(self, run: Run, issued_on: date, due_on: date) -> int:
        """Marks the passed bills of a run as issued; gives their number."""
        return self._work.run(
            "UPDATE bill SET state = 'issued', run_no = %(run_no)s, issued_on = %(issued_on)s, due_on = %(due_on)s"
            f" WHERE month = %(month)s AND state = 'passed' AND {run.of('bill')}",
            run.params | {"issued_on": issued_on, "due_on": due_on},
        )

    def issued_table(self, run: Run) -> pa.Table:
        """The issued bills of a run as the dataset has them."""
        return self._work.table(
            f"SELECT {', '.join(BILLS.columns)} FROM bill WHERE month = %(month)s AND run_no = %(run_no)s"
            f" AND {run.of('bill')} ORDER BY bill_no",
            run.params,
            arrow_schema(BILLS),
        )

    def lines_table(self, run: Run) -> pa.Table:
        """The lines of the issued bills of a run as the dataset has them."""
        columns = ", ".join(f'bill_line."{name}"' for name in BILL_LINES.columns)
        return self._work.table(
            f"SELECT {columns} FROM bill JOIN bill_line USING (bill_no) WHERE month = %(month)s AND run_no = %(run_no)s"
            f" AND {run.of('bill')} AND {run.of('bill_line')} ORDER BY bill_no, line",
            run.params,
            arrow_schema(BILL_LINES),
        )

    def issued(self, month: str, run_no: int, after: str, limit: int) -> list[dict[str, Any]]:
        """Bills of an issue in the order of their numbers, behind `after`."""
        return self._work.rows(
            "SELECT bill_no, account_no, org, kind, amount_fen, due_on, reverses, case_no FROM bill"
            " WHERE month = %s AND run_no = %s AND bill_no > %s ORDER BY bill_no LIMIT %s",
            (month, run_no, after, limit),
        )


def following(bill_no: str) -> str | None:
    """The number after a bill's: the last two digits count the bills of an account's month and kind, up to 99."""
    return None if bill_no.endswith(LAST) else f"{int(bill_no) + 1:022d}"

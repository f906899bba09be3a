"""Queries on proofs: issue runs with their trees, the places of bills in them, the tariffs that bills were rated by."""

import json
import secrets
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any, LiteralString

import pyarrow as pa

from denghuo.data.processing.work import Work
from denghuo.service.billing.engine.plan import Source
from denghuo.service.billing.file import tariff_part
from denghuo.service.billing.sealing import LEAF_BILL, LEAF_LINE
from denghuo.service.billing.tree import SIZE, path_places
from denghuo.service.billing.whole import UNIT
from denghuo.service.tariff.api import TariffDocument

_RUN = "SELECT month, run_no, issued_on, bills, secret, root FROM issue_run"
_LEAF: LiteralString = (
    "bill_no, account_no, contract_no, month, kind, tariff_class, tariff_code, tariff_version, from_on, to_on, issued_on,"
    " due_on, run_no, energy_wh, amount_fen, estimated_days, illustrative, reverses, registers, rating"
    " FROM bill JOIN (SELECT bill_no, registers, rating FROM bill_basis) AS basis USING (bill_no)"
)
_LEAF_LINE: LiteralString = (
    'bill_no, line, code, "group", band, tier, quantity_milli, price_e8, bill_line.amount_fen,'
    " coalesce(detail->>'unit', unit) AS unit, coalesce(detail->>'document_no', document_no) AS document_no,"
    " coalesce((detail->'illustrative')::bool, line_source.illustrative, false) AS illustrative"
)
_SOURCED: LiteralString = "bill_line LEFT JOIN line_source USING (source_no)"


class Proofs:
    """Issue runs from the issue to the proof of one bill."""

    def __init__(self, work: Work) -> None:
        self._work = work

    def open_run(self, month: str, run_no: int, issued_on: date, bills: int) -> None:
        """Notes an issue run; its tree is made later."""
        self._work.run(
            "INSERT INTO issue_run (month, run_no, issued_on, bills, secret) VALUES (%s, %s, %s, %s, %s)",
            (month, run_no, issued_on, bills, secrets.token_bytes(32)),
        )

    def pending(self) -> list[dict[str, Any]]:
        """The two oldest runs without a tree: the one to be made, and whether there is another."""
        return self._work.rows(_RUN + " WHERE root IS NULL ORDER BY issued_on, month, run_no LIMIT 2")

    def seal(self, month: str, run_no: int, root: bytes, nodes: bytes, bill_nos: "pa.Array[Any]", at: datetime) -> bool:
        """Keeps the tree of a run; False where it has one already."""
        sealed = self._work.run(
            "UPDATE issue_run SET root = %s, nodes = %s, sealed_at = %s WHERE month = %s AND run_no = %s AND root IS NULL",
            (root, nodes, at, month, run_no),
        )
        if sealed:
            places = pa.array(range(len(bill_nos)), pa.int64())
            self._work.copy_columns("bill_leaf", pa.table({"bill_no": bill_nos, "place": places}))
        return bool(sealed)

    def run(self, month: str, run_no: int) -> dict[str, Any] | None:
        return self._work.row(_RUN + " WHERE month = %s AND run_no = %s", (month, run_no))

    def place(self, bill_no: str) -> int | None:
        return self._work.value("SELECT place FROM bill_leaf WHERE bill_no = %s", (bill_no,))

    def path(self, run: dict[str, Any], place: int) -> list[bytes]:
        """The hashes that lead from a bill to the root of its run."""
        begins = [at * SIZE + 1 for at in path_places(run["bills"], place)]
        found = self._work.values(
            "SELECT substring(nodes FROM begin FOR %s) FROM issue_run, unnest(%s::int[]) WITH ORDINALITY AS part (begin, step)"
            " WHERE month = %s AND run_no = %s ORDER BY step",
            (SIZE, begins, run["month"], run["run_no"]),
        )
        return [bytes(one) for one in found]

    def runs_of(self, day: date) -> list[dict[str, Any]]:
        """The runs of a day in the order in which they are leaves of its tree."""
        return self._work.rows(_RUN + " WHERE issued_on = %s ORDER BY month, run_no", (day,))

    # -- what is hashed --------------------------------------------------------------------------------------------------

    def bills(self, bill_nos: Sequence[str]) -> list[dict[str, Any]]:
        """Bills in the order of their numbers."""
        return self._work.rows(f"SELECT {_LEAF} WHERE bill_no = ANY (%s) ORDER BY bill_no", (list(bill_nos),))

    def page(self, month: str, run_no: int, after: str, limit: int) -> pa.Table:
        """Bills of a run behind `after`, in the order of their numbers (`LEAF_BILL`)."""
        return self._work.table(
            f"SELECT {_LEAF} WHERE month = %s AND run_no = %s AND bill_no > %s ORDER BY bill_no LIMIT %s",
            (month, run_no, after, limit),
            LEAF_BILL,
        )

    def lines(self, bill_nos: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
        """Lines by bill, figures with unit, document and mark."""
        found: dict[str, list[dict[str, Any]]] = {number: [] for number in bill_nos}
        for row in self._work.rows(
            f"SELECT {_LEAF_LINE} FROM {_SOURCED} WHERE bill_no = ANY (%s) ORDER BY bill_no, line", (list(bill_nos),)
        ):
            found[row["bill_no"]].append(row)
        return found

    def lines_of_page(self, month: str, run_no: int, page: pa.Table) -> pa.Table:
        """The lines of the bills of a page (`LEAF_LINE`), in the order of bill and line."""
        numbers = page["bill_no"]
        return self._work.table(
            f"SELECT {_LEAF_LINE} FROM bill JOIN ({_SOURCED}) USING (bill_no)"
            " WHERE month = %(month)s AND run_no = %(run_no)s AND bill.bill_no BETWEEN %(first)s AND %(last)s"
            " AND bill_line.bill_no BETWEEN %(first)s AND %(last)s ORDER BY bill_no, line",
            {"month": month, "run_no": run_no, "first": numbers[0].as_py(), "last": numbers[-1].as_py()},
            LEAF_LINE,
        )

    # -- tariffs ---------------------------------------------------------------------------------------------------------

    def keep_tariffs(self, documents: Iterable[TariffDocument]) -> None:
        """Keeps tariffs as they are now, when bills are first rated by them."""
        each = {(one.code, one.version): one for one in documents}
        self._work.run_many(
            "INSERT INTO rated_tariff (code, version, document) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
            [
                (code, version, json.dumps(tariff_part(one), ensure_ascii=False))
                for (code, version), one in each.items()
            ],
        )

    def source_numbers(self, sources: Sequence[Source]) -> list[int]:
        """The numbers of where prices stand, in their order; new ones are entered."""
        each = [(UNIT, one.document_no, one.illustrative) for one in sources]
        self._work.run_many(
            "INSERT INTO line_source (unit, document_no, illustrative) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING", each
        )
        known = {
            (row["unit"], row["document_no"], row["illustrative"]): row["source_no"]
            for row in self._work.rows("SELECT source_no, unit, document_no, illustrative FROM line_source")
        }
        return [known[one] for one in each]

    def tariff(self, code: str, version: int) -> dict[str, Any] | None:
        return self._work.value("SELECT document FROM rated_tariff WHERE code = %s AND version = %s", (code, version))

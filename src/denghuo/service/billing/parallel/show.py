"""Parallel runs and their differences as they are answered."""

import base64
import csv
import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from denghuo.data.processing.work import Work
from denghuo.kernel.contract import Call
from denghuo.kernel.fields import Document, TextPair
from denghuo.kernel.problem import text
from denghuo.kernel.values import Energy, Money, Price
from denghuo.service.billing.api.bill import Counted
from denghuo.service.billing.api.parallel import (
    CSV_ROWS_MAX,
    REFUSALS_MAX,
    VERDICTS,
    BillDifference,
    ComparedLine,
    DifferenceRef,
    DifferenceRow,
    DifferencesFile,
    DifferencesFound,
    FindDifferences,
    FindParallelRuns,
    NoSuchDifference,
    ParallelCause,
    ParallelRow,
    ParallelRun,
    ParallelRunsFound,
    RefusedRow,
    TooManyRows,
    UnitTotal,
    VerdictTotal,
)
from denghuo.service.billing.find import BillingFinder
from denghuo.service.billing.parallel.desk import figures, no_run
from denghuo.service.billing.parallel.sides import Figures
from denghuo.service.billing.store.parallels import Parallels

Row = Mapping[str, Any]
_NOTHING = TextPair(zh="", en="")
CSV_COLUMNS: Mapping[str, Callable[[DifferenceRow], object]] = {
    "account_no": lambda row: row.account_no,
    "kind": lambda row: row.kind,
    "org": lambda row: row.org,
    "verdict": lambda row: row.verdict,
    "verdict_zh": lambda row: VERDICTS.entries[row.verdict]["zh"],
    "old_energy_kwh": lambda row: row.old_energy,
    "new_energy_kwh": lambda row: row.new_energy,
    "old_amount": lambda row: row.old_amount,
    "new_amount": lambda row: row.new_amount,
    "difference": lambda row: row.difference,
    "unexplained": lambda row: row.unexplained,
    "bill_no": lambda row: row.bill_no,
    "accepted_by": lambda row: row.accepted_by,
    "explanation_zh": lambda row: row.sentence.zh,
    "explanation_en": lambda row: row.sentence.en,
}
"""Columns of the CSV of differences, and what stands in them."""


class ParallelReader:
    def __init__(self, work: Work, call: Call) -> None:
        self._parallels, self._find, self._now = Parallels(work), BillingFinder(work), call.now
        self._whole_company = call.whole_company

    def runs(self, request: FindParallelRuns) -> ParallelRunsFound:
        rows, total = self._parallels.runs(request)
        following = rows[-1]["run_no"] if len(rows) == request.limit else None
        return ParallelRunsFound(
            rows=[ParallelRow(**_head(row)) for row in rows], total=total, next=following, as_of=self._now
        )

    def run(self, run_no: int) -> ParallelRun:
        row = self._parallels.run(run_no)
        if row is None:
            raise no_run(run_no)
        # A row that was refused may name anybody's account, and belongs to no unit.
        refusals = self._parallels.refusals(run_no, REFUSALS_MAX) if self._whole_company else []
        return ParallelRun(
            **_head(row),
            digest=row["digest"],
            verdicts=[
                VerdictTotal(verdict=one["verdict"], count=one["count"], accepted=one["accepted"], **_sums(one))
                for one in self._parallels.verdicts(run_no)
            ],
            units=[
                UnitTotal(
                    org=one["org"],
                    count=one["count"],
                    equal=one["equal"],
                    explained=one["explained"],
                    unexplained=one["unexplained"],
                    accepted=one["accepted"],
                    **_sums(one),
                )
                for one in self._parallels.units(run_no)
            ],
            refusals=[RefusedRow(**one) for one in refusals],
            as_of=self._now,
        )

    def differences(self, request: FindDifferences) -> DifferencesFound:
        rows, total, fen = self._parallels.differences(request)
        following = None
        if len(rows) == request.limit:
            following = f"{abs(rows[-1]['difference_fen'])}:{rows[-1]['row_key']}"
        return DifferencesFound(
            rows=[DifferenceRow(**_difference(row)) for row in rows],
            total=total,
            next=following,
            difference=Money(fen),
            as_of=self._now,
        )

    def difference(self, request: DifferenceRef) -> BillDifference:
        row = self._parallels.difference(request.run_no, request.account_no, request.kind)
        if row is None:
            raise NoSuchDifference(
                text(
                    f"对账批次 {request.run_no} 中没有账户 {request.account_no}，或尚未比对。",
                    f"Run {request.run_no} has no account {request.account_no}, or it was not compared yet.",
                ),
                run_no=request.run_no,
                account_no=request.account_no,
            )
        old = [
            figures(line["component"], line)
            for line in self._parallels.lines(request.run_no, request.account_no, request.kind)
        ]
        number = row["bill_no"]
        ours = [] if number is None else self._find.whole_lines([number])[number]
        return BillDifference(
            **_difference(row),
            month=row["month"],
            file_line=row["file_line"],
            causes=[_cause(number, one) for number, one in enumerate(row["causes"], 1)],
            lines=compared_lines(old, [figures(line["code"], line) for line in ours]),
            accepted_at=row["accepted_at"],
            accepted_why=row["accepted_why"],
            as_of=self._now,
        )

    def file(self, request: DifferencesFile) -> Document:
        asked = FindDifferences(run_no=request.run_no, verdict=request.verdict, org=request.org, limit=1_000)
        page = self.differences(asked)
        if page.total > CSV_ROWS_MAX:
            raise TooManyRows(
                text(
                    f"有 {page.total:,} 行，一次最多导出 {CSV_ROWS_MAX:,} 行，请按结论或单位分开导出，"
                    "或用命令 denghuo compare --out。",
                    f"There are {page.total:,} rows and at most {CSV_ROWS_MAX:,} go out at once: choose a verdict or a unit,"
                    " or use denghuo compare --out.",
                ),
                rows=page.total,
            )
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(CSV_COLUMNS)
        while True:
            writer.writerows(csv_row(row) for row in page.rows)
            if page.next is None:
                break
            page = self.differences(asked.model_copy(update={"after": page.next}))
        # With the mark by which spreadsheets know UTF-8.
        content = base64.b64encode(out.getvalue().encode("utf-8-sig")).decode()
        return Document(
            file_name=f"differences-{request.run_no}.csv", media_type="text/csv; charset=utf-8", content=content
        )


def csv_row(row: DifferenceRow) -> list[str]:
    """A difference as a row of CSV; a text that a spreadsheet would take for a formula begins with an apostrophe."""
    cells = ["" if (value := read(row)) is None else str(value) for read in CSV_COLUMNS.values()]
    return [f"'{cell}" if cell[:1] in ("=", "@") else cell for cell in cells]


def compared_lines(old: Sequence[Figures], ours: Sequence[Figures]) -> list[ComparedLine]:
    """Both bills line by line, ours first; lines of the same component, band, tier and price are one."""
    keys = dict.fromkeys((one.component, one.band, one.tier) for one in (*ours, *old))
    return [
        _line(key, [one for one in old if _key(one) == key], [one for one in ours if _key(one) == key]) for key in keys
    ]


def _key(one: Figures) -> tuple[str, str | None, int | None]:
    return one.component, one.band, one.tier


def _line(key: tuple[str, str | None, int | None], old: Sequence[Figures], ours: Sequence[Figures]) -> ComparedLine:
    amounts = [Money(sum(one.amount_fen for one in side)) if side else None for side in (old, ours)]
    return ComparedLine(
        row_key=":".join(str(part or "") for part in key),
        component=key[0],
        band=key[1],  # type: ignore[arg-type]  # text of the tables, validated here
        tier=key[2],
        old_quantity=_quantity(old),
        new_quantity=_quantity(ours),
        old_price=_price(old),
        new_price=_price(ours),
        old_amount=amounts[0],
        new_amount=amounts[1],
        difference=(amounts[1] or Money(0)) - (amounts[0] or Money(0)),
    )


def _quantity(lines: Sequence[Figures]) -> Counted | None:
    told = [one.quantity_milli for one in lines if one.quantity_milli is not None]
    return Counted(sum(told)) if told else None


def _price(lines: Sequence[Figures]) -> Price | None:
    """The price of lines that have one alone."""
    prices = {one.price_e8 for one in lines}
    (price,) = prices if len(prices) == 1 else (None,)
    return None if price is None else Price(price)


def _head(row: Row) -> dict[str, Any]:
    shut = row["state"] != "done" or row["unexplained_in_all"] or row["refused"]
    return {
        "run_no": row["run_no"],
        "month": row["month"],
        "file_name": row["file_name"],
        "state": row["state"],
        "gate": "shut" if shut else "open",
        "old_bills": row["old_bills"],
        "compared": row["compared"],
        "equal": row["equal"],
        "explained": row["explained"],
        "unexplained": row["unexplained"],
        "accepted": row["accepted"],
        "refused": row["refused"],
        "started_by": row["started_by"],
        "started_at": row["started_at"],
        "ended_at": row["ended_at"],
        **_sums(row),
    }


def _sums(row: Row) -> dict[str, Money]:
    old, new = Money(row["old_amount_fen"]), Money(row["new_amount_fen"])
    return {"old_amount": old, "new_amount": new, "difference": new - old}


def _difference(row: Row) -> dict[str, Any]:
    causes: Sequence[Row] = row["causes"]
    return {
        "row_key": row["row_key"],
        "account_no": row["account_no"],
        "kind": row["kind"],
        "org": row["org"],
        "verdict": row["verdict"],
        "old_energy": _energy(row["old_energy_wh"]),
        "new_energy": _energy(row["new_energy_wh"]),
        "old_amount": _money(row["old_amount_fen"]),
        "new_amount": _money(row["new_amount_fen"]),
        "difference": Money(row["difference_fen"]),
        "unexplained": Money(row["unexplained_fen"]),
        "sentence": TextPair(zh="".join(one["zh"] for one in causes), en=" ".join(one["en"] for one in causes))
        if causes
        else _NOTHING,
        "bill_no": row["bill_no"],
        "accepted_by": row["accepted_by"],
    }


def _cause(number: int, one: Row) -> ParallelCause:
    return ParallelCause(
        number=number,
        cause=one["cause"],
        amount=Money(one["amount_fen"]),
        sentence=TextPair(zh=one["zh"], en=one["en"]),
    )


def _energy(wh: int | None) -> Energy | None:
    return None if wh is None else Energy(wh)


def _money(fen: int | None) -> Money | None:
    return None if fen is None else Money(fen)

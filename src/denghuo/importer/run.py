"""Runs an import: every file of a folder, in the order of the tables, through the services' operations."""

import time
from collections.abc import Callable, Sequence
from decimal import Decimal
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from denghuo.data.processing.dataset import Datasets
from denghuo.data.processing.import_bulk import Columns, read_columns
from denghuo.data.processing.import_files import FileRefused, shown
from denghuo.data.processing.import_tables import TABLES
from denghuo.data.processing.import_tables.reads import CONTROL_TOTALS
from denghuo.data.processing.importing import Batch, Refusal, Shape, Table, open_table
from denghuo.importer.bulk import BULK, Bulk, hand_over, refusals, too_large
from denghuo.importer.plan import STEPS, Around, Fault, Step, Unknown
from denghuo.importer.references import References
from denghuo.importer.report import SHOWN_PER_TABLE, Report, TableReport, Total, said
from denghuo.kernel.contract import Call, Message
from denghuo.kernel.fields import is_account_no
from denghuo.kernel.problem import Problem, text
from denghuo.service.host.binding import Ask

Say = Callable[[str], None]


class NothingToImport(Problem, noun="data", status=422, zh="没有可导入的文件", en="There is nothing to import"):
    """Fields: folder."""


def take_over(
    folder: Path,
    ask: Ask | None,
    call: Call,
    *,
    datasets: Datasets | None = None,
    dry_run: bool = False,
    encoding: str = "utf-8",
    say: Say = print,
) -> Report:
    """Takes the files of a folder over. Repeating it changes nothing; what was broken off is taken up by doing it again.

    A dry run needs neither `ask` nor `datasets` and checks the files, each by itself and against the others.

    Raises:
        NothingToImport: no file of the folder is named after a table.
    """
    begun = time.monotonic()
    report = Report(dry_run)
    files = _files(folder, report, say)
    opened = _opened(files, encoding, report)
    if not report.unusable:
        run = _Run(ask, call, datasets, report, say, References(call.now, {shape.name for shape, _ in files}))
        for shape, table in opened:
            try:
                run.table(shape, table)
            except FileRefused as problem:
                # Found in the middle of the file: what came before stays, the repeat finds it unchanged.
                report.unusable.append(problem.detail)
                break
        if not report.unusable:
            _compare(folder, report, encoding)
    report.seconds = time.monotonic() - begun
    for line in report.lines():
        say(line)
    return report


def _files(folder: Path, report: Report, say: Say) -> list[tuple[Shape, Path]]:
    """The folder's files by table, in the order of the tables."""
    found: list[tuple[Shape, Path]] = []
    known = {CONTROL_TOTALS.name: CONTROL_TOTALS, **{shape.name: shape for shape in TABLES}}
    here = sorted(path for path in folder.iterdir() if path.is_file() and path.suffix.lower() in (".csv", ".parquet"))
    for shape in TABLES:
        paths = [path for path in here if path.stem == shape.name]
        if len(paths) > 1:
            report.unusable.append(
                text(
                    f"{shape.name} 有两个文件，请只保留一个。",
                    f"There are two files of {shape.name}; keep one of them.",
                )
            )
        found += [(shape, path) for path in paths[:1]]
    for path in here:
        if path.stem not in known:
            near = get_close_matches(path.stem[:64], known, n=1)
            hint = (f"，是否为 {near[0]}？", f"; did you mean {near[0]}?") if near else ("。", ".")
            name = shown(path.name)
            say(f"{name} 不是导入表{hint[0]} {name} is not a table of the import{hint[1]}")
    if not found:
        raise NothingToImport(
            text(
                f"{folder.name} 中没有以导入表命名的文件，例如 customers.csv。",
                f"No file in {folder.name} is named after a table of the import, such as customers.csv.",
            ),
            folder=folder.name,
        )
    return found


def _opened(files: Sequence[tuple[Shape, Path]], encoding: str, report: Report) -> list[tuple[Shape, Table]]:
    """Every file opened and looked at, so that one that cannot be used is known before anything is written."""
    opened = []
    for shape, path in files:
        try:
            table = open_table(path, shape, encoding=encoding)
            next(table.batches(), None)
            opened.append((shape, table))
        except FileRefused as problem:
            report.unusable.append(problem.detail)
    return opened


class _Run:
    def __init__(
        self, ask: Ask | None, call: Call, datasets: Datasets | None, report: Report, say: Say, references: References
    ) -> None:
        self._ask, self._call, self._datasets = ask, call, datasets
        self._report, self._say, self._references = report, say, references
        self._around = Around(ask, call) if ask is not None else None
        self._steps = {step.shape.name: step for step in STEPS}
        self._bulk = {bulk.shape.name: bulk for bulk in BULK}

    def table(self, shape: Shape, table: Table) -> None:
        begun = time.monotonic()
        counts = TableReport(shape.name, shape.title, table.path.name)
        self._report.tables.append(counts)
        self._say(f"{shape.title['zh']} {table.path.name} ...")
        if shape.name in self._bulk:
            self._take_bulk(self._bulk[shape.name], table, counts)
        else:
            self._take_rows(self._steps[shape.name], table, counts)
        counts.seconds = time.monotonic() - begun

    # -- records ---------------------------------------------------------------------------------------------------------

    def _take_rows(self, step: Step, table: Table, counts: TableReport) -> None:
        for batch in table.batches():
            self._refuse(counts, batch.refused)
            counts.refused += len({refusal.line for refusal in batch.refused})
            counts.handed += len(batch.rows)
            if self._report.dry_run or self._ask is None or self._around is None:
                self._check(step, table, batch, counts)
            elif batch.rows:
                self._hand_on(step, table, batch, counts)
        counts.read, counts.totals = table.read_count, dict(table.totals)
        if self._ask is not None and not self._report.dry_run:
            counts.stored = step.stored(self._ask, self._call)
            self._agree(counts)

    def _hand_on(self, step: Step, table: Table, batch: Batch, counts: TableReport) -> None:
        assert self._ask is not None and self._around is not None
        if step.meets_accounts:
            self._around.meet([row["account_no"] for row in batch.rows if is_account_no(row["account_no"])])
        items: list[Message] = []
        lines: list[int] = []
        refused: list[Refusal] = []
        for line, row in zip(batch.lines, batch.rows, strict=True):
            try:
                items.append(step.make(row, self._around))
                lines.append(line)
            except ValidationError as error:
                refused.append(_misfit(table.path.name, line, error, step))
            except Unknown as error:
                refused.append(Refusal(table.path.name, line, error.field, error.value, error.what, error.remedy))
        if items:
            reply = step.send(self._ask, self._call, items)
            counts.taken += reply.taken
            counts.unchanged += reply.unchanged
            refused += [_of_fault(table.path.name, lines, fault, step) for fault in reply.refused]
        counts.refused += len(refused)
        self._refuse(counts, refused)

    def _check(self, step: Step, table: Table, batch: Batch, counts: TableReport) -> None:
        name = step.shape.name
        if name == "organisations":
            # A superior may stand below its stations in the file.
            for row in batch.rows:
                self._references.learn(name, row)
        for line, row in zip(batch.lines, batch.rows, strict=True):
            self._references.learn(name, row)
            refusal = self._references.judge(name, row, table.path.name, line)
            if refusal is not None:
                counts.refused += 1
                self._refuse(counts, [refusal])

    # -- readings --------------------------------------------------------------------------------------------------------

    def _take_bulk(self, bulk: Bulk, table: Table, counts: TableReport) -> None:
        dry = self._report.dry_run or self._ask is None
        if not dry and self._datasets is None:
            raise ValueError("an import that writes needs the datasets of the deployment")
        for number, columns in enumerate(read_columns(table)):
            counts.read, counts.totals = columns.read_count, columns.totals
            counts.refused += columns.refused_count
            self._refuse(counts, columns.refused)
            columns, large = too_large(bulk, columns, table.path.name)
            counts.refused += len(large)
            self._refuse(counts, large)
            counts.handed += len(columns.rows) * len(bulk.series)
            if dry:
                faults = self._references.judge_bulk(bulk, columns, table.path.name)
                counts.refused += len({fault.line for fault in faults})
                self._refuse(counts, faults)
            elif len(columns.rows):
                self._hand_over(bulk, columns, table, counts, number)
        if not dry and counts.handed:
            counts.stored = counts.taken + counts.unchanged
            self._agree(counts)

    def _hand_over(self, bulk: Bulk, columns: Columns, table: Table, counts: TableReport, number: int) -> None:
        assert self._ask is not None and self._datasets is not None
        reply = hand_over(bulk, columns, table, number, self._ask, self._call, self._datasets)
        counts.taken, counts.unchanged = (
            counts.taken + reply.taken + reply.corrected,
            counts.unchanged + reply.unchanged,
        )
        counts.refused += reply.refused
        self._refuse(counts, refusals(bulk, columns, reply, table.path.name))

    # -- what is said ----------------------------------------------------------------------------------------------------

    def _refuse(self, counts: TableReport, refused: Sequence[Refusal]) -> None:
        kept = sum(refusal.file == counts.file for refusal in self._report.refusals)
        for refusal in refused[: max(SHOWN_PER_TABLE - kept, 0)]:
            self._report.refusals.append(refusal)
            self._say(said(refusal))

    def _agree(self, counts: TableReport) -> None:
        """What a service says it took must be what it was handed."""
        refused_here = counts.handed - counts.taken - counts.unchanged
        if refused_here < 0 or (counts.stored is not None and counts.stored < counts.taken + counts.unchanged):
            self._report.totals.append(
                Total(
                    counts.file,
                    "",
                    Decimal(counts.taken + counts.unchanged),
                    Decimal(counts.stored or 0),
                    text("在库行数", "rows stored"),
                )
            )


def _misfit(file: str, line: int, error: ValidationError, step: Step) -> Refusal:
    """A row that its file may hold but the service's contract does not."""
    first = error.errors()[0]
    name = str(first["loc"][0]) if first["loc"] else ""
    return Refusal(
        file,
        line,
        step.columns.get(name, name),
        shown(first.get("input")),
        text("不符合该字段的要求", str(first["msg"])),
        text("请按导入格式说明修改", "correct it as the reference of the import says"),
    )


def _of_fault(file: str, lines: Sequence[int], fault: Fault, step: Step) -> Refusal:
    return Refusal(
        file,
        lines[fault.item],
        step.columns.get(fault.field, fault.field),
        shown(fault.value),
        fault.what,
        fault.remedy,
    )


# --- control totals -------------------------------------------------------------------------------------------------------


def _compare(folder: Path, report: Report, encoding: str) -> None:
    """Puts the sender's own totals beside what was read."""
    path = next(
        (folder / name for name in ("control_totals.csv", "control_totals.parquet") if (folder / name).is_file()), None
    )
    if path is None:
        return
    by_file = {table.file: table for table in report.tables}
    try:
        rows: list[dict[str, Any]] = []
        for batch in open_table(path, CONTROL_TOTALS, encoding=encoding).batches():
            rows += batch.rows
            report.refusals += batch.refused
    except FileRefused as problem:
        report.unusable.append(problem.detail)
        return
    counted: set[str] = set()
    for row in rows:
        table = by_file.get(row["file"])
        if row["file"] not in counted:
            counted.add(row["file"])
            what = text("行数", "rows") if table else text("行数（缺少文件）", "rows (the file is missing)")
            report.totals.append(
                Total(row["file"], "", Decimal(row["rows"]), Decimal(table.read) if table else None, what)
            )
        if row["column"] is not None and row["total"] is not None:
            found = table.totals.get(row["column"]) if table else None
            report.totals.append(Total(row["file"], row["column"], row["total"], found, text("合计", "sum")))

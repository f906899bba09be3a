"""`denghuo compare`: a file of old bills beside the bills of a month (双轨对账), with the go-live gate as exit code."""

import csv
import sys
import time
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import TextIO

import click

from denghuo.importer.old_bills import Mapped, OldBatch, OldFile, digest_of
from denghuo.importer.report import SHOWN_PER_TABLE
from denghuo.main.composition import Platform, operator
from denghuo.service.billing.api import (
    VERDICTS,
    BeginParallelRun,
    BillingApi,
    FindDifferences,
    HandOldBills,
    ParallelRef,
    ParallelRun,
)
from denghuo.service.billing.parallel.show import CSV_COLUMNS, csv_row


def run_compare(
    running: Platform,
    path: Path,
    lines: Path | None,
    month: str,
    mapped: Mapped,
    encoding: str,
    again: bool,
    out: TextIO | None,
) -> int:
    """Hands the file over, compares it and prints what came of it. The exit code: 0, or 1 while the gate is shut.

    Broken off and begun again it goes on where it stood; the same file again changes nothing. again: compares anew.

    Raises:
        FileRefused: a file cannot be used.
    """
    billing = running.directory(BillingApi)
    files = [OldFile(path, month, mapped, encoding, lines=False)]
    if lines is not None:
        files.append(OldFile(lines, month, mapped, encoding, lines=True))
    digest = digest_of(month, mapped, path, *([lines] if lines else []))
    asked = BeginParallelRun(month=month, digest=digest, file_name=path.name)
    run = billing.begin_parallel_run(operator().keyed(f"parallel:{digest}"), asked)
    # The stored answer of a run that was begun before is of its beginning.
    run = billing.parallel_run(operator(), ParallelRef(run_no=run.run_no))
    if run.state == "taking":
        _hand(billing, run.run_no, digest, chain.from_iterable(one.batches() for one in files))
    elif again:
        billing.compare_again(operator(), ParallelRef(run_no=run.run_no))
    run = _compared(billing, run.run_no)
    _tell(run)
    if out is not None:
        _write(billing, run.run_no, out)
    return 0 if run.gate == "open" else 1


def _hand(billing: BillingApi, run_no: int, digest: str, batches: Iterator[OldBatch]) -> None:
    shown = 0
    for batch in batches:
        for one in batch.refused[: SHOWN_PER_TABLE - shown]:
            value = f" “{one.value}”" if one.value else ""
            click.echo(
                f"{one.file}:{one.line} {one.field}{value}: {one.what.zh};{one.remedy.zh} | {one.what.en}; {one.remedy.en}",
                err=True,
            )
            shown += 1
        billing.hand_old_bills(
            operator().keyed(f"{digest}:{batch.key}"),
            HandOldBills(run_no=run_no, bills=batch.bills, lines=batch.lines, refused=batch.refused[:1_000]),
        )
    billing.hand_old_bills(operator().keyed(f"{digest}:last"), HandOldBills(run_no=run_no, last=True))


def _compared(billing: BillingApi, run_no: int) -> ParallelRun:
    """Takes part in the comparing until it is done; another process that does so too is no harm."""
    began, shown, tty = time.monotonic(), 0.0, sys.stdout.isatty()
    asked = ParallelRef(run_no=run_no)
    while billing.advance_parallel_run(operator(), asked).again:
        if tty and time.monotonic() - shown > 1:
            shown = time.monotonic()
            run = billing.parallel_run(operator(), asked)
            rate = run.compared / (shown - began) if shown > began else 0
            click.echo(f"\r{run.month} {run.compared:,}/{run.old_bills:,}  {rate:.0f}/s   ", nl=False)
    if tty:
        click.echo("\r", nl=False)
    return billing.parallel_run(operator(), asked)


def _tell(run: ParallelRun) -> None:
    click.echo(
        f"对账批次 {run.run_no}  {run.month}  {run.file_name}：旧账单 {run.old_bills:,}，拒收 {run.refused:,} 行。"
        f" Parallel run {run.run_no}: {run.old_bills:,} old bills, {run.refused:,} rows refused."
    )
    for one in run.verdicts:
        name = VERDICTS.entries[one.verdict]
        accepted = f"  已认可 accepted {one.accepted:,}" if one.accepted else ""
        click.echo(
            f"  {name['zh']} {name['en']}: {one.count:,}  旧 old {one.old_amount}  新 new {one.new_amount}"
            f"  差 difference {one.difference}{accepted}"
        )
    click.echo("  单位 units:")
    for unit in run.units:
        click.echo(
            f"  {unit.org}: {unit.count:,}  一致 equal {unit.equal:,}  已解释 explained {unit.explained:,}"
            f"  未解释 unexplained {unit.unexplained:,}  差 difference {unit.difference}"
        )
    if run.gate == "open":
        click.echo("上线门槛：可以上线，未解释 0。 Go-live gate: open, 0 unexplained.")
    else:
        click.echo(
            f"上线门槛：不可上线，未解释 {run.unexplained:,}，拒收 {run.refused:,} 行。"
            f" Go-live gate: shut, {run.unexplained:,} unexplained, {run.refused:,} rows refused."
        )


def _write(billing: BillingApi, run_no: int, out: TextIO) -> None:
    """All differences as CSV, a page at a time."""
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    after: str | None = None
    while True:
        page = billing.bill_differences(operator(), FindDifferences(run_no=run_no, limit=1_000, after=after))
        writer.writerows(csv_row(row) for row in page.rows)
        if page.next is None:
            return
        after = page.next

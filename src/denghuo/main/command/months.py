"""Commands about the bills of months: made, tried on all customers, computed again, compared with those of an old system."""

import datetime
import pathlib
import sys
from typing import TextIO

import click

from denghuo.importer.old_bills import mapping_in
from denghuo.main.command.words import account_no, month_text, said
from denghuo.main.compare import run_compare
from denghuo.main.composition import platform
from denghuo.main.cycle import run_cycle, run_unit
from denghuo.main.population import run_population
from denghuo.main.replay import run_replay, show_corrected, show_known
from denghuo.service.billing.api import BillKind
from denghuo.settings import Loaded


@click.command()
@click.argument("month", callback=month_text)
@click.option("--unit", metavar="CODE", help="only this unit, to the issue of its bills 只核算一个供电单位")
@click.pass_obj
def cycle(loaded: Loaded, month: str, unit: str | None) -> None:
    """Run MONTH (such as 2026-04) from the reading plan to the reconciled books. Ctrl-C stops it; again resumes it."""
    with said(), platform(loaded) as running, running.working():
        sys.exit(run_cycle(running, month) if unit is None else run_unit(running, month, unit))


@click.command()
@click.argument("code")
@click.option("--version", type=click.IntRange(1), help="the newest published one, else the newest draft 电价版本")
@click.option("--from", "first", callback=month_text, required=True, metavar="MONTH", help="first month 起始月")
@click.option(
    "--to", "last", callback=month_text, required=True, metavar="MONTH", help="last month, of twelve at most 截止月"
)
@click.pass_obj
def population(loaded: Loaded, code: str, version: int | None, first: str, last: str) -> None:
    """Try tariff CODE on all customers 全体用户测算: who would pay more, who less. Ctrl-C stops it; again resumes it."""
    with said(), platform(loaded) as running, running.working():
        sys.exit(run_population(running, code, version, first, last))


@click.command()
@click.argument("month", callback=month_text)
@click.option("--sample", type=click.IntRange(1), help="only so many bills, chosen at random 抽样张数")
@click.option("--seed", help="makes the same choice again 抽样种子")
@click.option("--account", callback=account_no, help="one account's month from all that was recorded 户号")
@click.option("--kind", type=click.Choice(["supply", "purchase"]), default="supply", help="with --account 账单类别")
@click.option(
    "--known-on", type=click.DateTime(["%Y-%m-%d"]), help="by the end of this day, with --account; else by now 截至日期"
)
@click.option(
    "--corrected",
    metavar="AREA",
    help="bills by corrected prices and days of this area 价格与日历更正，区划代码",
)
@click.pass_obj
def replay(
    loaded: Loaded,
    month: str,
    sample: int | None,
    seed: str | None,
    account: str | None,
    kind: BillKind,
    known_on: datetime.datetime | None,
    corrected: str | None,
) -> None:
    """Compute the issued bills of MONTH again 账单重算核对 from what is kept with them; exit code 1 where any differs.

    With --account the month of that account from the meters, readings, terms and prices that were recorded by a day, billed by then
    or not; exit code 1 where the bill that stood on that day differs. With --corrected the bills by what was published anew
    since: prices of the month, spot prices, holidays and temperatures, each computed by what stands now; exit code 1 where an
    amount changes.
    """
    if known_on is not None and account is None:
        raise click.UsageError("--known-on needs --account 请同时给出户号")
    if corrected is not None and (account is not None or sample is not None):
        raise click.UsageError("--corrected stands alone 不与其他选项同用")
    with said(), platform(loaded) as running:
        if corrected is not None:
            sys.exit(show_corrected(running, month, corrected))
        if account is None:
            sys.exit(run_replay(running, month, sample, seed))
        sys.exit(show_known(running, month, account, kind, known_on.date() if known_on else None))


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=pathlib.Path))
@click.option("--month", callback=month_text, required=True, help="such as 2026-04 月份")
@click.option("--lines", type=click.Path(dir_okay=False, path_type=pathlib.Path), help="lines of the bills 账单明细")
@click.option(
    "--map", "mapping", type=click.Path(exists=True, dir_okay=False, path_type=pathlib.Path), help="mapping (YAML) 映射"
)
@click.option("--column", "columns", multiple=True, metavar="OURS=THEIRS", help="a column of FILE 列名对应")
@click.option("--encoding", default="utf-8", help="of CSV files, such as gb18030 文件编码")
@click.option("--again", is_flag=True, help="compare anew with the bills as they stand now 重新比对")
@click.option("--out", type=click.File("w", encoding="utf-8-sig"), help="all differences as CSV 差异明细")
@click.pass_obj
def compare(
    loaded: Loaded,
    file: pathlib.Path,
    month: str,
    lines: pathlib.Path | None,
    mapping: pathlib.Path | None,
    columns: tuple[str, ...],
    encoding: str,
    again: bool,
    out: TextIO | None,
) -> None:
    """Compare FILE, bills of an old system (CSV or Parquet), with the bills of a month 双轨对账 and say what every difference
    comes from. Exit code 1 while the go-live gate is shut. The same file again goes on where it stood."""
    with said(), platform(loaded) as running:
        words = mapping.read_text("utf-8", errors="replace") if mapping else ""
        mapped = mapping_in(words, {name: theirs for name, _, theirs in (one.partition("=") for one in columns)})
        sys.exit(run_compare(running, file, lines, month, mapped, encoding, again, out))

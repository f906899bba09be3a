"""Trying what a bill would be."""

import contextlib
import functools
import pathlib
import sys
from collections.abc import Callable
from typing import TextIO

import click

from denghuo.importer.report import said as refused_row
from denghuo.kernel.period import Month
from denghuo.main.command.words import said
from denghuo.main.composition import operator, platform
from denghuo.main.trial import explained as explained_trial
from denghuo.main.trial import tariff_in, try_file, typed
from denghuo.service.billing.tariffs import stored
from denghuo.service.tariff.api import TariffDocument
from denghuo.settings import Loaded


@click.command()
@click.argument("tariff")
@click.argument("values", nargs=-1)
@click.option("--version", type=click.IntRange(1), help="of a stored tariff, else the one in force 电价版本")
@click.option(
    "--file", type=click.Path(dir_okay=False, path_type=pathlib.Path), help="trials, one a row 试算文件（CSV）"
)
@click.option("--out", type=click.File("w", encoding="utf-8"), default="-", help="where results go 输出文件")
@click.option("--lines", is_flag=True, help="one row a bill line, explained 输出明细行")
@click.option("--encoding", default="utf-8", help="of the CSV file, such as gb18030 文件编码")
@click.pass_obj
def trial(
    loaded: Loaded,
    tariff: str,
    values: tuple[str, ...],
    version: int | None,
    file: pathlib.Path | None,
    out: TextIO,
    lines: bool,
    encoding: str,
) -> None:
    """Try what a bill would be 电费试算. TARIFF is a tariff file or the code of a stored one; VALUES are column=value, such as
    month=2026-04 voltage=0.22 total_kwh=240. With --file they stand where a row leaves a column empty. Nothing is stored."""
    with said(), contextlib.ExitStack() as stack:
        given, tariff_of = typed(values), _tariff_of(loaded, stack, tariff, version)
        if file is None:
            for line in explained_trial(given, tariff_of):
                click.echo(line, file=out)
            return
        done = try_file(
            file,
            tariff_of,
            out,
            lambda refusal: click.echo(refused_row(refusal), err=True),
            defaults=given,
            lines=lines,
            encoding=encoding,
        )
        click.echo(
            f"试算 {done.rated:,} 行，拒绝 {done.refused:,} 行；{done.energy} 千瓦时，{done.amount} 元；{done.seconds:.1f} 秒。"
            f" {done.rated:,} tried, {done.refused:,} refused; {done.energy} kWh, {done.amount} yuan; {done.seconds:.1f} s.",
            err=True,
        )
        sys.exit(done.exit_code)


def _tariff_of(
    loaded: Loaded, stack: contextlib.ExitStack, name: str, version: int | None
) -> Callable[[str], TariffDocument]:
    """The tariff of a file, whatever the month; or of a stored code the version of each month, read once."""
    path = pathlib.Path(name)
    if path.is_file():
        document = tariff_in(path.read_text("utf-8", errors="replace"))
        return lambda month: document
    running = stack.enter_context(platform(loaded))

    @functools.cache
    def of(month: str) -> TariffDocument:
        return stored(running.directory, operator(), name, version, Month.of(month).first_day)[0]

    return of

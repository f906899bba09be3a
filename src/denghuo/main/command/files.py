"""Commands that take files in, write files or explain what stands in them."""

import contextlib
import datetime
import pathlib
import sys
from typing import TextIO

import click

from denghuo.data.processing.export_readings import FORMATS as FORMATS_OUT
from denghuo.data.processing.export_readings import Format as ExportFormat
from denghuo.exporter import days_of, write_file
from denghuo.importer import take_over
from denghuo.main.command.words import said
from denghuo.main.composition import operator, platform
from denghuo.main.decode import told
from denghuo.main.readings import How, import_readings, look_at
from denghuo.main.urdb import write_tariffs
from denghuo.service.acquisition.protocol.catalogue import PROTOCOLS, bytes_of, explained
from denghuo.service.reading.api import (
    ENERGY_SERIES,
    IMPORT_FORMATS,
    EnergySeries,
    ImportFormat,
    MappingRef,
    ReadingApi,
)
from denghuo.service.reading.foreign import mapping_in
from denghuo.settings import Loaded


@click.command("import")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=pathlib.Path))
@click.option("--dry-run", is_flag=True, help="check the files and write nothing 只检查不写入")
@click.option("--encoding", default="utf-8", help="of the CSV files, such as gb18030 文件编码")
@click.pass_obj
def import_(loaded: Loaded, folder: pathlib.Path, dry_run: bool, encoding: str) -> None:
    """Take over the company's records and readings from FOLDER. Repeating an import changes nothing."""
    with said(), contextlib.ExitStack() as stack:
        if dry_run:
            report = take_over(folder, None, operator(), dry_run=True, encoding=encoding, say=click.echo)
        else:
            running = stack.enter_context(platform(loaded))
            datasets = running.store.datasets
            report = take_over(
                folder, running.directory, operator(), datasets=datasets, encoding=encoding, say=click.echo
            )
        sys.exit(report.exit_code)


@click.command("import-readings")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=pathlib.Path))
@click.option(
    "--format", "kind", type=click.Choice(sorted(IMPORT_FORMATS.entries)), help="else by what a file begins with 格式"
)
@click.option(
    "--mapping", type=click.File(encoding="utf-8"), help="their names of meters and channels as ours 映射（YAML）"
)
@click.option("--saved-mapping", "code", help="a mapping that is kept on the platform, by its code 已保存的映射")
@click.option("--spread", is_flag=True, help="spread longer intervals evenly over quarter-hours 按 15 分钟平均分摊")
@click.option("--dry-run", is_flag=True, help="check the files and write nothing 只检查不写入")
@click.option(
    "--refused", "report", type=click.File("w", encoding="utf-8-sig"), help="all refusals as CSV 拒绝明细（CSV）"
)
@click.pass_obj
def import_readings_(
    loaded: Loaded,
    files: tuple[pathlib.Path, ...],
    kind: ImportFormat | None,
    mapping: TextIO | None,
    code: str | None,
    spread: bool,
    dry_run: bool,
    report: TextIO | None,
) -> None:
    """Take readings over from FILES that other systems wrote: NEM12 and NEM13, Green Button (ESPI), IEC 61968-9, tables by a
    mapping. A file is taken once it was read to its end. Stopped and begun again, the command goes on where it was; a file that
    is imported twice changes nothing."""
    with said(), contextlib.ExitStack() as stack:
        words = mapping.read() if mapping else None
        named = mapping_in(words or "")
        how = How(kind, words, code, spread)
        if dry_run and code is None:
            sys.exit(look_at(files, how, named, click.echo, report))
        api = stack.enter_context(platform(loaded)).directory(ReadingApi)
        if dry_run:
            kept = mapping_in(api.mapping(operator(), MappingRef(code=str(code))).words)
            sys.exit(look_at(files, how, kept, click.echo, report))
        sys.exit(import_readings(files, how, api, operator, click.echo, report))


@click.command("export-readings")
@click.argument("target", type=click.Path(dir_okay=False, path_type=pathlib.Path))
@click.argument("meters", nargs=-1, required=True)
@click.option("--format", "kind", type=click.Choice(FORMATS_OUT), required=True, help="格式")
@click.option("--from", "first", type=click.DateTime(["%Y-%m-%d"]), required=True, help="first day 起始日")
@click.option("--to", "last", type=click.DateTime(["%Y-%m-%d"]), required=True, help="last day 截止日")
@click.option("--series", multiple=True, type=click.Choice(ENERGY_SERIES), default=("active_fwd_wh",), help="曲线系列")
@click.pass_obj
def export_readings_(
    loaded: Loaded,
    target: pathlib.Path,
    meters: tuple[str, ...],
    kind: ExportFormat,
    first: datetime.datetime,
    last: datetime.datetime,
    series: tuple[EnergySeries, ...],
) -> None:
    """Write the curves of METERS as they count to the file TARGET: Green Button (espi), IEC 61968-9 (cim), CSV or Parquet.
    Estimated values are marked so."""
    with said(), contextlib.ExitStack() as stack:
        running = stack.enter_context(platform(loaded))
        call = operator()
        days = days_of(running.directory, call, meters, series, first.date(), last.date())
        count = write_file(kind, days, target, call.now)
        click.echo(f"{target}: {count:,} 个表日 meter-days")


@click.command()
@click.argument("rate", type=click.Path(exists=True, dir_okay=False, path_type=pathlib.Path))
@click.argument("folder", type=click.Path(file_okay=False, path_type=pathlib.Path))
@click.option("--start", type=click.DateTime(["%Y-%m-%d"]), help="first day, else the rate's own 起始日")
@click.option(
    "--end", type=click.DateTime(["%Y-%m-%d"]), help="day after the last one, else the rate's own 截止日（不含）"
)
@click.option("--daily-average", is_flag=True, help="a charge per day as 365/12 days a month 按日费用按月均摊")
def urdb(
    rate: pathlib.Path,
    folder: pathlib.Path,
    start: datetime.datetime | None,
    end: datetime.datetime | None,
    daily_average: bool,
) -> None:
    """Write RATE, a rate of the US Utility Rate Database as JSON, as tariff files into FOLDER 读入美国费率库的费率. They can be
    tried (trial), looked at, and drafted."""
    with said():
        words = rate.read_text("utf-8", errors="replace")
        for path in write_tariffs(words, folder, start and start.date(), end and end.date(), daily_average):
            click.echo(path)


@click.command()
@click.argument("digits", nargs=-1, required=True, metavar="HEX...")
@click.option(
    "--protocol", type=click.Choice(["auto", *PROTOCOLS]), default="auto", help="auto finds it out 规约，auto 自动识别"
)
def decode(digits: tuple[str, ...], protocol: str) -> None:
    """Show the frames in HEX (bytes in hexadecimal digits, spaces allowed) field by field 报文解析."""
    with said():
        raw = bytes_of(" ".join(digits))
        for line in told(raw, explained(raw, protocol)):
            click.echo(line)

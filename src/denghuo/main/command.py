"""Command line of Denghuo (灯火)."""

import contextlib
import datetime
import functools
import json
import os
import pathlib
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TextIO

import click
from pydantic import TypeAdapter, ValidationError

from denghuo.data.processing.export_readings import FORMATS as FORMATS_OUT
from denghuo.data.processing.export_readings import Format as ExportFormat
from denghuo.exporter import days_of, write_file
from denghuo.importer import take_over
from denghuo.importer.foreign import FORMATS, Format
from denghuo.importer.foreign import Mapping as ReadingsMapping
from denghuo.importer.foreign import mapping_in as readings_mapping_in
from denghuo.importer.old_bills import mapping_in
from denghuo.importer.report import said as refused_row
from denghuo.kernel.fields import AccountNo
from denghuo.kernel.period import Month
from denghuo.kernel.problem import Problem
from denghuo.main import keys as key_desk
from denghuo.main.compare import run_compare
from denghuo.main.composition import MODULES, SERVICES, Platform, operator, platform
from denghuo.main.cycle import run_cycle, run_unit
from denghuo.main.decode import told
from denghuo.main.demo import demo_users
from denghuo.main.logs import configure
from denghuo.main.population import run_population
from denghuo.main.readings import import_readings
from denghuo.main.replay import run_replay, show_corrected, show_known
from denghuo.main.simulate import simulate
from denghuo.main.trial import explained as explained_trial
from denghuo.main.trial import tariff_in, try_file, typed
from denghuo.main.urdb import write_tariffs
from denghuo.main.web import listen, run, web
from denghuo.service.acquisition.protocol.catalogue import PROTOCOLS, bytes_of, explained
from denghuo.service.billing.api import BillKind
from denghuo.service.billing.tariffs import stored
from denghuo.service.reading.api import ENERGY_SERIES, EnergySeries
from denghuo.service.tariff.api import TariffDocument
from denghuo.settings import Loaded, load


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--data", type=click.Path(path_type=pathlib.Path), help="data folder 数据目录")
@click.option("--settings", "file", type=click.Path(path_type=pathlib.Path), help="settings file 设置文件")
@click.pass_context
def main(context: click.Context, data: pathlib.Path | None, file: pathlib.Path | None) -> None:
    """Denghuo (灯火): the customer business of a power utility."""
    overrides: Mapping[str, Any] = {"data": str(data)} if data else {}
    with said():
        context.obj = load(file, os.environ, overrides)
        configure(context.obj.settings.log)


main.add_command(simulate)


@contextlib.contextmanager
def said() -> Iterator[None]:
    """Problems end the command with both texts and exit code 2, not with a traceback."""
    try:
        yield
    except Problem as problem:
        click.echo(f"{problem.detail['zh']}\n{problem.detail['en']}", err=True)
        sys.exit(2)


@main.command()
@click.pass_obj
def settings(loaded: Loaded) -> None:
    """Show the effective settings and where each comes from; secrets are hidden."""
    for row in loaded.rows():
        click.echo("  ".join(str(part) for part in row))


@main.command()
@click.option("--port", type=click.IntRange(0, 65535), help="loopback port, 0 picks one 端口")
@click.option(
    "--demo",
    type=click.Path(exists=True, file_okay=False, path_type=pathlib.Path),
    help="example to load on the first start 首次启动时载入的示例",
)
@click.pass_obj
def up(loaded: Loaded, port: int | None, demo: pathlib.Path | None) -> None:
    """Run everything in this process until Ctrl-C."""
    with said(), contextlib.ExitStack() as stack:
        listener = stack.enter_context(listen(loaded.settings.host, loaded.settings.port if port is None else port))
        running = stack.enter_context(platform(loaded, alone=True, serving=True))
        stack.enter_context(running.working())
        users = demo_users(running, pathlib.Path(loaded.settings.data), demo, click.echo) if demo else {}
        host, chosen = listener.getsockname()[:2]
        address = f"http://{host}:{chosen}"
        click.echo(
            f"灯火 Denghuo: {address}/  大屏 screen: {address}/screen  客户 phone: {address}/phone"
            f"  现场 field: {address}/field  API: {address}/docs"
        )
        _say_front(running)
        for name, user in users.items():
            click.echo(f"  {name:14} {user['password']:14} {user['role']:20} {user['org']}")
        run(web(running), listener)


@main.command()
@click.argument("nouns", nargs=-1, required=True)
@click.option("--port", type=click.IntRange(0, 65535), help="port, 0 picks one 端口")
@click.pass_obj
def serve(loaded: Loaded, nouns: tuple[str, ...], port: int | None) -> None:
    """Run the services NOUNS in this process; the settings' `peers` say where the others run. Needs a shared `dsn` and `key`."""
    known = {contract.noun for contract in (*SERVICES, *MODULES)}
    unknown = sorted(set(nouns) - known)
    if unknown:
        raise click.BadParameter(f"unknown service {', '.join(unknown)}; known: {', '.join(sorted(known))}")
    with said(), contextlib.ExitStack() as stack:
        listener = stack.enter_context(listen(loaded.settings.host, loaded.settings.port if port is None else port))
        running = stack.enter_context(platform(loaded, hosted=nouns, serving=True))
        stack.enter_context(running.working())
        host, chosen = listener.getsockname()[:2]
        click.echo(f"灯火 Denghuo {' '.join(nouns)}: http://{host}:{chosen}/")
        _say_front(running)
        run(web(running), listener)


def _say_front(running: Platform) -> None:
    if running.front is not None:
        click.echo("终端接入 terminals: {}:{} (376.1, 698.45)".format(*running.front.address))


def _month(context: click.Context, parameter: click.Parameter, value: str) -> str:
    try:
        return str(Month.of(value))
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


def _account(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    try:
        return None if value is None else TypeAdapter(AccountNo).validate_python(value)
    except ValidationError as error:
        raise click.BadParameter(f"{value} 不是 13 位户号 is no account number of 13 digits") from error


@main.command()
@click.argument("month", callback=_month)
@click.option("--unit", metavar="CODE", help="only this unit, to the issue of its bills 只核算一个供电单位")
@click.pass_obj
def cycle(loaded: Loaded, month: str, unit: str | None) -> None:
    """Run MONTH (such as 2026-04) from the reading plan to the reconciled books. Ctrl-C stops it; again resumes it."""
    with said(), platform(loaded) as running, running.working():
        sys.exit(run_cycle(running, month) if unit is None else run_unit(running, month, unit))


@main.command()
@click.argument("code")
@click.option("--version", type=click.IntRange(1), help="the newest published one, else the newest draft 电价版本")
@click.option("--from", "first", callback=_month, required=True, metavar="MONTH", help="first month 起始月")
@click.option(
    "--to", "last", callback=_month, required=True, metavar="MONTH", help="last month, of twelve at most 截止月"
)
@click.pass_obj
def population(loaded: Loaded, code: str, version: int | None, first: str, last: str) -> None:
    """Try tariff CODE on all customers 全体用户测算: who would pay more, who less. Ctrl-C stops it; again resumes it."""
    with said(), platform(loaded) as running, running.working():
        sys.exit(run_population(running, code, version, first, last))


@main.command()
@click.argument("month", callback=_month)
@click.option("--sample", type=click.IntRange(1), help="only so many bills, chosen at random 抽样张数")
@click.option("--seed", help="makes the same choice again 抽样种子")
@click.option("--account", callback=_account, help="one account's month from all that was recorded 户号")
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


@main.command()
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


@main.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=pathlib.Path))
@click.option("--month", callback=_month, required=True, help="such as 2026-04 月份")
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


@main.command()
@click.argument("operation")
@click.argument("request_json", default="{}")
@click.option("--key", help="idempotency key 幂等键")
@click.pass_obj
def call(loaded: Loaded, operation: str, request_json: str, key: str | None) -> None:
    """Call OPERATION (such as customer.find_accounts) with a JSON request and print the reply."""
    noun, _, verb = operation.partition(".")
    contract = next((item for item in SERVICES if item.noun == noun), None)
    found = contract.operations().get(verb) if contract else None
    if contract is None or found is None:
        near = [contract] if contract else []
        names = [item.full_name for each in near for item in each.operations().values()]
        known = ", ".join(names or [f"{each.noun}.…" for each in SERVICES])
        raise click.BadParameter(f"unknown operation {operation!r}; known: {known}")
    try:
        request = found.request.model_validate_json(request_json)
    except ValidationError as error:
        raise click.BadParameter(str(error)) from error
    with said(), platform(loaded) as running:
        caller = operator()
        reply = getattr(running.directory(contract), verb)(caller.keyed(key) if key else caller, request)
        click.echo(json.dumps(reply.model_dump(mode="json"), ensure_ascii=False, indent=1))


@main.command("import")
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


@main.command("import-readings")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=pathlib.Path))
@click.option("--format", "kind", type=click.Choice(sorted(FORMATS)), help="else by what a file begins with 格式")
@click.option(
    "--mapping", type=click.File(encoding="utf-8"), help="their names of meters and channels as ours 映射（YAML）"
)
@click.option("--spread", is_flag=True, help="spread longer intervals evenly over quarter-hours 按 15 分钟平均分摊")
@click.option("--dry-run", is_flag=True, help="check the files and write nothing 只检查不写入")
@click.option(
    "--refused", "report", type=click.File("w", encoding="utf-8-sig"), help="all refusals as CSV 拒绝明细（CSV）"
)
@click.pass_obj
def import_readings_(
    loaded: Loaded,
    files: tuple[pathlib.Path, ...],
    kind: Format | None,
    mapping: TextIO | None,
    spread: bool,
    dry_run: bool,
    report: TextIO | None,
) -> None:
    """Take readings over from FILES that other systems wrote: NEM12 and NEM13, Green Button (ESPI), IEC 61968-9,
    tables by a mapping, of which each row stands for itself. Other files are taken whole or not at all. Stopped and begun
    again, or done twice, it changes nothing that was taken already."""
    with said(), contextlib.ExitStack() as stack:
        named = readings_mapping_in(mapping.read()) if mapping else ReadingsMapping()
        running = None if dry_run else stack.enter_context(platform(loaded))
        status = import_readings(
            files,
            kind,
            named,
            spread=spread,
            ask=None if running is None else running.directory,
            call=operator(),
            datasets=None if running is None else running.store.datasets,
            say=click.echo,
            report=report,
        )
        sys.exit(status)


@main.command("export-readings")
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


@main.command()
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


@main.command()
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


@main.group()
def keys() -> None:
    """Keys of direct meters in the sealed file 电表密钥; a second person then agrees to use a version. Needs `master_key`."""


@keys.command()
@click.argument("path", type=click.Path(exists=True, dir_okay=False, path_type=pathlib.Path))
@click.pass_obj
def seal(loaded: Loaded, path: pathlib.Path) -> None:
    """Seal the keys of the CSV PATH (terminal_no, encryption, authentication, master in hexadecimal digits) 封存密钥. Destroy
    the CSV afterwards."""
    with said():
        key_desk.seal(key_desk.opened(loaded), path, click.echo)


@keys.command("make")
@click.argument("terminals", nargs=-1, required=True)
@click.pass_obj
def make_keys(loaded: Loaded, terminals: tuple[str, ...]) -> None:
    """Make new keys for TERMINALS as their next version 生成新密钥."""
    with said():
        key_desk.make(key_desk.opened(loaded), terminals, click.echo)


@keys.command("list")
@click.pass_obj
def list_keys(loaded: Loaded) -> None:
    """List versions with their check values 密钥清单."""
    with said():
        key_desk.listed(key_desk.opened(loaded), click.echo)


@keys.command()
@click.argument("path", type=click.Path(exists=True, dir_okay=False, path_type=pathlib.Path))
@click.pass_obj
def reseal(loaded: Loaded, path: pathlib.Path) -> None:
    """Seal everything under the new master key that the file PATH holds 更换主密钥."""
    with said():
        key_desk.reseal(key_desk.opened(loaded), path, click.echo)


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

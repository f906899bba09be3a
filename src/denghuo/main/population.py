"""`denghuo population`: a tariff tried on all customers over up to twelve months, in the terminal (全体用户测算)."""

import sys
import threading

import click

from denghuo.kernel.fields import MonthText
from denghuo.kernel.period import SHANGHAI
from denghuo.main.composition import Platform, operator
from denghuo.service.billing.api import BillingApi, PopulationRun, PopulationRunRef, StartPopulationRun

EVERY_S = 0.3


def run_population(running: Platform, code: str, version: int | None, first: MonthText, last: MonthText) -> int:
    """Begins the run or takes it up again, shows its progress, tells winners and losers. The exit code: 0, or 1 where it failed.

    Ctrl-C stops the run after the month that is under way; the same command goes on with it.
    """
    billing = running.directory(BillingApi)
    asked = StartPopulationRun(code=code, version=version, first_month=first, last_month=last)
    run = billing.start_population_run(operator(), asked)
    ref = PopulationRunRef(run_no=run.run_no)
    if run.state in ("stopped", "failed"):
        billing.resume_population_run(operator(), ref)
    try:
        run = _followed(billing, ref)
    except KeyboardInterrupt:
        billing.stop_population_run(operator(), ref)
        click.echo("\n已暂停，再次运行同一命令即可继续。 Stopped; the same command resumes it.")
        sys.exit(130)
    click.echo("\r" + _line(run))
    if run.result is None:
        if run.trouble is not None:
            click.echo(f"{run.trouble.zh}\n{run.trouble.en}", err=True)
        return 1
    _report(run)
    return 0


def _followed(billing: BillingApi, ref: PopulationRunRef) -> PopulationRun:
    shown = sys.stdout.isatty()
    while True:
        run = billing.population_run(operator(), ref)
        if run.state != "running":
            return run
        if shown:
            click.echo("\r" + _line(run), nl=False)
        threading.Event().wait(EVERY_S)


def _line(run: PopulationRun) -> str:
    end = f"  预计 {run.ends_at.astimezone(SHANGHAI):%H:%M:%S}" if run.ends_at else ""
    return f"{run.code} v{run.version} {run.state:8} {run.done}/{run.months_asked}{end}   "


def _report(run: PopulationRun) -> None:
    result = run.result
    assert result is not None  # the run is done
    for zh, en, value in (
        ("合同数", "contracts", result.contracts),
        ("现行电费 元", "now", result.now),
        ("测算电费 元", "then", result.then),
        ("增减 元", "difference", result.difference),
        ("增加户数", "pay more", result.more),
        ("减少户数", "pay less", result.less),
        ("不变户数", "the same", result.same),
        ("用时 秒", "seconds", run.seconds),
    ):
        click.echo(f"{zh} {en}: {value}")
    click.echo("类别 class,月用电量 use,合同数 contracts,增减 difference,增加 more,减少 less")
    for row in result.segments:
        click.echo(f"{row.tariff_class},{row.use},{row.contracts},{row.difference},{row.more},{row.less}")

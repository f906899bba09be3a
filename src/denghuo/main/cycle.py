"""`denghuo cycle`: runs a month to its end in the terminal, from the reading plan to the reconciled books."""

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TypeVar

import click

from denghuo.kernel.fields import MonthText
from denghuo.kernel.period import SHANGHAI
from denghuo.main.composition import Platform, now, operator
from denghuo.service.billing.api import BillingApi, Cycle, CycleRef, StartCycle
from denghuo.service.ledger.api import AskTrialBalance, FindPostings, LedgerApi, TrialBalance
from denghuo.service.payment.api import AskCollection, AskReconciliation, FindDebitBatches, PaymentApi, Reconciliation

EVERY_S = 0.3
FOLLOW_UP = timedelta(seconds=30)
Found = TypeVar("Found")


def run_cycle(running: Platform, month: MonthText) -> int:
    """Starts or resumes the month, shows its progress, and follows it into the books. The exit code: 0, or 1 where it stopped.

    Ctrl-C stops the cycle between two steps; the same command takes it up again.
    """
    billing = running.directory(BillingApi)
    billing.start_cycle(operator(), StartCycle(month=month))
    cycle = billing.cycle(operator(), CycleRef(month=month))
    if cycle.state in ("stopped", "failed"):
        billing.resume_cycle(operator(), CycleRef(month=month))
    with _stopping(running, month):
        cycle = _followed(running, month)
    click.echo("\r" + _line(cycle))
    if cycle.state != "done":
        if cycle.trouble is not None:
            click.echo(f"{cycle.trouble.zh}\n{cycle.trouble.en}", err=True)
        return 1
    _report(cycle, *_booked(running, month))
    return 0


@contextmanager
def _stopping(running: Platform, month: str) -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        running.directory(BillingApi).stop_cycle(operator(), CycleRef(month=month))
        click.echo("\n已暂停，再次运行同一命令即可继续。 Stopped; the same command resumes it.")
        sys.exit(130)


def _followed(running: Platform, month: str) -> Cycle:
    shown = sys.stdout.isatty()
    while True:
        cycle = running.directory(BillingApi).cycle(operator(), CycleRef(month=month))
        if cycle.state != "running":
            return cycle
        if shown:
            click.echo("\r" + _line(cycle), nl=False)
        threading.Event().wait(EVERY_S)


def _line(cycle: Cycle) -> str:
    at = next((stage for stage in cycle.stages if stage.state in ("running", "stopped", "failed")), cycle.stages[-1])
    end = f"  预计 {cycle.ends_at.astimezone(SHANGHAI):%H:%M:%S}" if cycle.ends_at else ""
    rate = f"  {cycle.rate}/s" if cycle.rate else ""
    return f"{cycle.month} {cycle.state:8} {at.name:7} {cycle.done}/{cycle.total}{rate}{end}   "


def _booked(running: Platform, month: str) -> tuple[TrialBalance, Reconciliation]:
    """The books after the month's bills were posted and the bank has answered."""
    ledger, payment = running.directory(LedgerApi), running.directory(PaymentApi)
    _until(lambda: ledger.postings(operator(), FindPostings(month=month)).rows)
    _until(lambda: _answered(payment, month))
    balance = ledger.trial_balance(operator(), AskTrialBalance())
    day = now().astimezone(SHANGHAI).date()
    return balance, payment.reconcile(operator(), AskReconciliation(day=day))


def _answered(payment: PaymentApi, month: str) -> bool:
    """The bank has answered every batch of the month, and the ledger holds every payment."""
    batches = payment.debit_batches(operator(), FindDebitBatches(month=month)).rows
    answered = bool(batches) and all(batch.state in ("returned", "empty") for batch in batches)
    return answered and payment.collection(operator(), AskCollection(month=month)).pending == 0


def _until(ready: Callable[[], object]) -> None:
    deadline = now() + FOLLOW_UP
    while not ready() and now() < deadline:
        threading.Event().wait(EVERY_S)


def _report(cycle: Cycle, balance: TrialBalance, found: Reconciliation) -> None:
    rows = (
        ("已发行账单", "bills issued", str(cycle.issued)),
        ("异常待处理", "held", str(cycle.held)),
        ("售电量 kWh", "energy sold", str(cycle.energy)),
        ("应收电费 元", "receivable", str(cycle.amount)),
        ("应付购电费 元", "payable", str(cycle.purchase_amount)),
        ("用时 秒", "seconds", cycle.seconds or ""),
        ("借贷平衡", "books balance", "是 yes" if balance.balanced else f"否 no: {balance.difference}"),
        ("对账差异", "differences", str(found.difference_count)),
    )
    for zh, en, value in rows:
        click.echo(f"{zh} {en}: {value}")

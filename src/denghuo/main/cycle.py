"""`denghuo cycle`: runs a month, or one unit of it, to its end in the terminal."""

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import click

from denghuo.kernel.fields import MonthText
from denghuo.kernel.period import SHANGHAI
from denghuo.main.composition import Platform, now, operator
from denghuo.service.billing.api import (
    AskUnitBoard,
    BillingApi,
    Cycle,
    CycleRef,
    StartCycle,
    StartUnit,
    UnitRef,
    UnitRow,
)
from denghuo.service.ledger.api import AskTrialBalance, FindPostings, LedgerApi, TrialBalance
from denghuo.service.payment.api import AskCollection, AskReconciliation, FindDebitBatches, PaymentApi, Reconciliation

EVERY_S = 0.3
FOLLOW_UP = timedelta(seconds=30)
_UNDER_WAY = ("reading", "rating", "review", "issuing")


def run_cycle(running: Platform, month: MonthText) -> int:
    """Starts or resumes the month, shows its progress, and follows it into the books. The exit code: 0, or 1 where it stopped.

    Ctrl-C stops the cycle between two steps; the same command takes it up again.
    """
    billing = running.directory(BillingApi)
    billing.start_cycle(operator(), StartCycle(month=month))
    cycle = billing.cycle(operator(), CycleRef(month=month))
    if cycle.state in ("stopped", "failed"):
        billing.resume_cycle(operator(), CycleRef(month=month))
    with _stopping(lambda: billing.stop_cycle(operator(), CycleRef(month=month))):
        cycle = _followed(running, month)
    click.echo("\r" + _line(cycle))
    if cycle.state != "done":
        if cycle.trouble is not None:
            click.echo(f"{cycle.trouble.zh}\n{cycle.trouble.en}", err=True)
        return 1
    _report(cycle, *_booked(running, month))
    return 0


def run_unit(running: Platform, month: MonthText, org: str) -> int:
    """Starts or resumes one unit of a month and follows it to the issue of its bills. The exit code: 0, or 1 where it stopped.

    A unit that is under way, here or in another process, is followed and not begun twice.
    """
    billing = running.directory(BillingApi)
    before = _unit_row(running, month, org)
    if before is None or before.state not in _UNDER_WAY:
        billing.start_unit(operator(), StartUnit(month=month, org=org))
    with _stopping(lambda: billing.stop_unit(operator(), UnitRef(month=month, org=org))):
        row = _followed_unit(running, month, org)
    click.echo("\r" + _unit_line(month, row))
    if row.state not in ("issued", "blocked"):
        if row.trouble is not None:
            click.echo(f"{row.trouble.zh}\n{row.trouble.en}", err=True)
        return 1
    if row.issued:
        ledger = running.directory(LedgerApi)
        _until(lambda: _posted(ledger, month))
    _say(
        ("已发行账单", "bills issued", str(row.issued)),
        ("待抄表", "without a read", str(row.waiting)),
        ("异常待处理", "held", str(row.open)),
        ("售电量 kWh", "energy sold", str(row.energy)),
        ("应收电费 元", "receivable", str(row.amount)),
    )
    return 0


def _followed_unit(running: Platform, month: str, org: str) -> UnitRow:
    shown = sys.stdout.isatty()
    while True:
        row = _unit_row(running, month, org)
        assert row is not None  # it was begun
        if row.state not in _UNDER_WAY:
            return row
        if shown:
            click.echo("\r" + _unit_line(month, row), nl=False)
        threading.Event().wait(EVERY_S)


def _unit_row(running: Platform, month: str, org: str) -> UnitRow | None:
    board = running.directory(BillingApi).unit_board(operator(), AskUnitBoard(month=month, org=org))
    return next((row for row in board.rows if row.org == org), None)


def _unit_line(month: str, row: UnitRow) -> str:
    return f"{month} {row.org} {row.state:8} {row.done}/{row.accounts}{_speed(row.rate, row.ends_at)}   "


@contextmanager
def _stopping(stop: Callable[[], object]) -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        stop()
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
    speed = _speed(cycle.rate, cycle.ends_at)
    return f"{cycle.month} {cycle.state:8} {at.name:7} {cycle.done}/{cycle.total}{speed}   "


def _speed(rate: int | None, ends_at: datetime | None) -> str:
    end = f"  预计 {ends_at.astimezone(SHANGHAI):%H:%M:%S}" if ends_at else ""
    return (f"  {rate}/s" if rate else "") + end


def _booked(running: Platform, month: str) -> tuple[TrialBalance, Reconciliation | None]:
    """The books after the month's bills were posted and the bank has answered; no reconciliation where that stands still."""
    ledger, payment = running.directory(LedgerApi), running.directory(PaymentApi)
    settled = _until(lambda: _posted(ledger, month)) and _until(lambda: _answered(payment, month))
    balance = ledger.trial_balance(operator(), AskTrialBalance())
    day = now().astimezone(SHANGHAI).date()
    return balance, payment.reconcile(operator(), AskReconciliation(day=day)) if settled else None


def _posted(ledger: LedgerApi, month: str) -> tuple[bool, object]:
    rows = ledger.postings(operator(), FindPostings(month=month)).rows
    return bool(rows), len(rows)


def _answered(payment: PaymentApi, month: str) -> tuple[bool, object]:
    """The bank has answered every batch of the month, and the ledger holds every payment."""
    states = [batch.state for batch in payment.debit_batches(operator(), FindDebitBatches(month=month)).rows]
    pending = payment.collection(operator(), AskCollection(month=month)).pending
    answered = bool(states) and all(state in ("returned", "empty") for state in states)
    return answered and pending == 0, (states, pending)


def _until(look: Callable[[], tuple[bool, object]]) -> bool:
    """Waits until it is ready, for as long as something moves: a million bills take their time. Whether it became ready."""
    seen: object = None
    deadline = now() + FOLLOW_UP
    while True:
        ready, figure = look()
        if ready:
            return True
        if figure != seen:
            seen, deadline = figure, now() + FOLLOW_UP
        if now() >= deadline:
            return False
        threading.Event().wait(EVERY_S)


def _report(cycle: Cycle, balance: TrialBalance, found: Reconciliation | None) -> None:
    unsettled = "未核对，入账或代扣没有完成 not known: posting or collection has not ended"
    _say(
        ("已发行账单", "bills issued", str(cycle.issued)),
        ("异常待处理", "held", str(cycle.held)),
        ("售电量 kWh", "energy sold", str(cycle.energy)),
        ("应收电费 元", "receivable", str(cycle.amount)),
        ("应付购电费 元", "payable", str(cycle.purchase_amount)),
        ("用时 秒", "seconds", cycle.seconds or ""),
        ("借贷平衡", "books balance", "是 yes" if balance.balanced else f"否 no: {balance.difference}"),
        ("对账差异", "differences", unsettled if found is None else str(found.difference_count)),
    )


def _say(*rows: tuple[str, str, str]) -> None:
    for zh, en, value in rows:
        click.echo(f"{zh} {en}: {value}")

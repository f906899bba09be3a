"""A month of a part of the demo county from its import to its last payment, and what a person would read off at the end."""

import multiprocessing
import pathlib
import signal
import threading
import time
from collections.abc import Callable
from typing import Any

import psycopg

from denghuo.importer import take_over
from denghuo.main.composition import Platform, operator
from denghuo.service.billing.api import BillingApi, CycleRef, FindBills, FindExceptions, StartCycle
from denghuo.service.ledger.api import AskTrialBalance, LedgerApi
from denghuo.service.payment.api import AskCollection, FindDebitBatches, PaymentApi
from denghuo.service.tariff.api import LoadPublished, TariffApi

MONTH = "2026-04"
AREAS = ("TG001", "TG057")
WAIT_S = 300
STEPS = " + ".join(f"(SELECT count(*) FROM {noun}.journal)" for noun in ("reading", "billing", "ledger", "payment"))
FRESH = multiprocessing.get_context("forkserver")
"""Processes that begin with the program loaded and nothing of it used, so that a start costs no import."""
FRESH.set_forkserver_preload(["denghuo.main.cycle"])


def until(ready: Callable[[], Any]) -> None:
    deadline = time.monotonic() + WAIT_S
    while not ready():
        assert time.monotonic() < deadline, "the month did not come to its end"
        threading.Event().wait(0.1)


def ended(states: set[str]) -> bool:
    """Every bank has answered; one may have had nothing to collect."""
    return bool(states) and states <= {"returned", "empty"}


def run_month(running: Platform, county: pathlib.Path) -> dict[str, Any]:
    """Imports the county, bills its month and waits for the bank; what a person would read off at the end."""
    ask, call = running.directory, operator()
    report = take_over(county, ask, call, datasets=running.store.datasets, say=lambda line: None)
    assert report.exit_code == 0, report.refusals
    ask(TariffApi).load_published(call, LoadPublished())
    billing, payment = ask(BillingApi), ask(PaymentApi)
    billing.start_cycle(call, StartCycle(month=MONTH))
    until(lambda: billing.cycle(call, CycleRef(month=MONTH)).state == "done")
    batches = FindDebitBatches(month=MONTH)
    until(lambda: ended({batch.state for batch in payment.debit_batches(call, batches).rows}))
    until(lambda: payment.collection(call, AskCollection(month=MONTH)).pending == 0)
    balance = ask(LedgerApi).trial_balance(call, AskTrialBalance())
    bills = billing.bills(call, FindBills(month=MONTH, limit=200))
    exceptions = billing.exceptions(call, FindExceptions())
    return {
        "bills": [(row.bill_no, str(row.amount), row.state) for row in bills.rows],
        "total": bills.total,
        "exceptions": sorted((row.account_no, row.code) for row in exceptions.rows),
        "balance": [(row.code, str(row.debit), str(row.credit)) for row in balance.rows],
        "balanced": balance.balanced,
        "collected": str(payment.collection(call, AskCollection(month=MONTH)).collected),
    }


def steps_done(watch: psycopg.Connection) -> int:
    """Committed steps of the services that make bills and payments."""
    row = watch.execute(f"SELECT {STEPS}").fetchone()
    return int(row[0]) if row else 0


def run_until(
    target: Callable[..., None],
    arguments: tuple[str, ...],
    watch: psycopg.Connection,
    steps: int | None,
    after_s: float = 0.0,
) -> int | None:
    """A process of its own until it ends, or so long after as many more steps are committed: then it is killed (None)."""
    before, deadline = steps_done(watch), time.monotonic() + WAIT_S
    process = FRESH.Process(target=target, args=arguments)
    process.start()
    while process.exitcode is None:
        assert time.monotonic() < deadline, "the work did not come to its end"
        if steps is not None and steps_done(watch) >= before + steps:
            process.join(after_s)
            process.kill()
            process.join()
            return None if process.exitcode == -signal.SIGKILL else process.exitcode
        process.join(0.02)
    return process.exitcode

"""The same month in one process and split over three: callers, events and jobs cannot tell the difference."""

import contextlib
import json
import os
import pathlib
import re
import secrets
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from tests.scenario.county import part_of_county

from denghuo.importer import take_over
from denghuo.main.composition import SERVICES, Platform, operator, platform
from denghuo.service.billing.api import BillingApi, CycleRef, FindBills, FindExceptions, StartCycle
from denghuo.service.ledger.api import AskTrialBalance, LedgerApi
from denghuo.service.payment.api import AskCollection, FindDebitBatches, PaymentApi
from denghuo.service.tariff.api import LoadPublished, TariffApi
from denghuo.settings import load

MONTH = "2026-04"
AREAS = ("TG001", "TG057")
PROCESSES = (
    ("permission", "notice", "workflow", "customer", "asset", "tariff", "contract", "point"),
    ("acquisition", "reading", "billing"),
    ("ledger", "payment", "loss", "analytics"),
)
WAIT_S = 90


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


@contextlib.contextmanager
def processes(folder: pathlib.Path, dsn: str, key: str) -> Iterator[dict[str, str]]:
    """Three running processes over one database; where each service is reached."""
    ports = [_free_port() for _ in PROCESSES]
    peers = {noun: f"http://127.0.0.1:{port}" for nouns, port in zip(PROCESSES, ports, strict=True) for noun in nouns}
    environment = {**os.environ, "DENGHUO_DSN": dsn, "DENGHUO_KEY": key, "DENGHUO_PEERS": json.dumps(peers)}
    started = [
        subprocess.Popen(
            [sys.executable, "-m", "denghuo", "--data", str(folder), "serve", *nouns, "--port", str(port)],
            env={**environment, "PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            stderr=(folder / f"{port}.log").open("w"),
            text=True,
        )
        for nouns, port in zip(PROCESSES, ports, strict=True)
    ]
    try:
        for process in started:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert re.search(r"http://", line), (folder / f"{ports[started.index(process)]}.log").read_text()
        yield peers
    finally:
        for process in started:
            process.terminate()
        for process in started:
            process.wait(30)
            if process.stdout is not None:
                process.stdout.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_every_service_has_a_process() -> None:
    assert sorted(noun for nouns in PROCESSES for noun in nouns) == sorted(contract.noun for contract in SERVICES)


def test_one_process_and_three_come_to_the_same_books(
    tmp_path: pathlib.Path, postgres_dsn: str, database_dsn: str
) -> None:
    county = part_of_county(tmp_path / "county", AREAS)
    with platform(load(None, {}, {"data": str(tmp_path / "one")}), alone=True) as running, running.working():
        alone = run_month(running, county)
    assert alone["balanced"] and alone["total"] > 100

    folder, key = tmp_path / "three", secrets.token_hex(32)
    folder.mkdir()
    with processes(folder, database_dsn, key) as peers:
        overrides = {"data": str(folder), "dsn": database_dsn, "key": key, "peers": peers}
        with platform(load(None, {}, overrides), hosted=()) as asking:
            assert asking.directory.hosted == {}
            split = run_month(asking, county)
    assert split == alone

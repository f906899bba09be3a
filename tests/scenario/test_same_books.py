"""A month in one process, split over three, and killed again and again: it comes to the same bills, books and payments."""

import contextlib
import json
import os
import pathlib
import random
import re
import secrets
import socket
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from tests.databases import database
from tests.scenario.books import AREAS, MONTH, run_month, run_until
from tests.scenario.county import part_of_county

from denghuo.importer import take_over
from denghuo.main.composition import SERVICES, operator, platform
from denghuo.main.cycle import run_cycle
from denghuo.service.tariff.api import LoadPublished, TariffApi
from denghuo.settings import load

PROCESSES = (
    ("permission", "notice", "workflow", "customer", "asset", "tariff", "contract", "point"),
    ("acquisition", "reading", "billing"),
    ("ledger", "payment", "loss", "analytics"),
)
KILLS = 4


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
            process.wait(120)
            if process.stdout is not None:
                process.stdout.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_every_service_has_a_process() -> None:
    assert sorted(noun for nouns in PROCESSES for noun in nouns) == sorted(contract.noun for contract in SERVICES)


def cycle(folder: str, dsn: str, key: str) -> None:
    """What `denghuo cycle` does in its process."""
    with platform(load(None, {}, {"data": folder, "dsn": dsn, "key": key})) as running, running.working():
        sys.exit(run_cycle(running, MONTH))


@pytest.fixture(scope="module")
def county(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    return part_of_county(tmp_path_factory.mktemp("county"), AREAS)


@pytest.fixture(scope="module")
def calm(
    county: pathlib.Path, tmp_path_factory: pytest.TempPathFactory, postgres_dsn: str, template: str
) -> dict[str, Any]:
    """The month in one process that nobody disturbs."""
    with database(postgres_dsn, template) as dsn:
        overrides = {"data": str(tmp_path_factory.mktemp("calm")), "dsn": dsn, "key": secrets.token_hex(32)}
        with platform(load(None, {}, overrides)) as running, running.working():
            found = run_month(running, county)
    assert found["balanced"] and found["total"] > 100
    return found


def test_one_process_and_three_come_to_the_same_books(
    county: pathlib.Path, calm: dict[str, Any], tmp_path: pathlib.Path, database_dsn: str
) -> None:
    folder, key = tmp_path / "three", secrets.token_hex(32)
    folder.mkdir()
    with processes(folder, database_dsn, key) as peers:
        overrides = {"data": str(folder), "dsn": database_dsn, "key": key, "peers": peers}
        with platform(load(None, {}, overrides), hosted=()) as asking:
            assert asking.directory.hosted == {}
            split = run_month(asking, county)
    assert split == calm


@pytest.mark.scope("A3-14")
def test_a_month_killed_again_and_again_comes_to_the_same_books(
    county: pathlib.Path, calm: dict[str, Any], tmp_path: pathlib.Path, database_dsn: str
) -> None:
    folder, key = tmp_path / "killed", secrets.token_hex(32)
    folder.mkdir()
    settings = load(None, {}, {"data": str(folder), "dsn": database_dsn, "key": key})
    with platform(settings) as asking:
        take_over(county, asking.directory, operator(), datasets=asking.store.datasets, say=lambda line: None)
        asking.directory(TariffApi).load_published(operator(), LoadPublished())

    moments, killed, ended = random.Random(20_260_401), 0, None
    with psycopg.connect(database_dsn, autocommit=True) as watch:
        while ended is None:
            steps = moments.randint(1, 4) if killed < KILLS else None
            ended = run_until(cycle, (str(folder), database_dsn, key), watch, steps)
            killed += ended is None
    assert ended == 0 and killed >= 3

    with platform(settings, serving=True) as running, running.working():
        assert run_month(running, county) == calm

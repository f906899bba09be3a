"""kill -9 at many moments of the month: taken up again each time, it comes to the same bills, books and payments."""

import os
import pathlib
import random
import secrets
import signal
import subprocess
import sys
import threading
import time

import psycopg
import pytest
from tests.scenario.county import part_of_county
from tests.scenario.test_split import AREAS, MONTH, run_month

from denghuo.importer import take_over
from denghuo.main.composition import operator, platform
from denghuo.service.tariff.api import LoadPublished, TariffApi
from denghuo.settings import load

KILLS = 4
WAIT_S = 120
STEPS = " + ".join(f"(SELECT count(*) FROM {noun}.journal)" for noun in ("reading", "billing", "ledger", "payment"))


def steps_done(watch: psycopg.Connection) -> int:
    """Committed steps of the services that make bills and payments."""
    row = watch.execute(f"SELECT {STEPS}").fetchone()
    return int(row[0]) if row else 0


def run_until(folder: pathlib.Path, dsn: str, key: str, watch: psycopg.Connection, steps: int | None) -> int | None:
    """`denghuo cycle` until it ends, or until so many more steps are committed: then it is killed and the answer is None."""
    before, deadline = steps_done(watch), time.monotonic() + WAIT_S
    process = subprocess.Popen(
        [sys.executable, "-m", "denghuo", "--data", str(folder), "cycle", MONTH],
        env={**os.environ, "DENGHUO_DSN": dsn, "DENGHUO_KEY": key},
        stdout=subprocess.DEVNULL,
        stderr=(folder / "log").open("a"),
        start_new_session=True,
    )
    while process.poll() is None:
        assert time.monotonic() < deadline, (folder / "log").read_text()[-2000:]
        if steps is not None and steps_done(watch) >= before + steps:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return None
        threading.Event().wait(0.02)
    return process.returncode


@pytest.mark.scope("A3-14")
def test_a_month_killed_again_and_again_comes_to_the_same_books(
    tmp_path: pathlib.Path, postgres_dsn: str, database_dsn: str
) -> None:
    county = part_of_county(tmp_path / "county", AREAS)
    with platform(load(None, {}, {"data": str(tmp_path / "calm")}), alone=True) as running, running.working():
        calm = run_month(running, county)
    assert calm["balanced"] and calm["total"] > 100

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
            ended = run_until(folder, database_dsn, key, watch, steps)
            killed += ended is None
    assert ended == 0 and killed >= 3

    with platform(settings, serving=True) as running, running.working():
        assert run_month(running, county) == calm

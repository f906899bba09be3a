"""Bench: a storm of events over real sockets: how many are written down, joined to alarms and confirmed in a second.

    python bench/events.py [TERMINALS] [EVENTS]

TERMINALS simulated concentrators, half of each protocol, tell EVENTS events each, every one in a message of its own that is
repeated until it is confirmed; a confirmation follows the commit. Wanted are 1,000,000 an hour, 278 a second. The floor: the same
rows written into a table by COPY, a thousand in a transaction.
"""

import asyncio
import multiprocessing
import pathlib
import random
import sys
import tempfile
import time
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
from acquisition import concentrators, register, wait

from denghuo.data.processing.database import Database
from denghuo.data.processing.dataset import Datasets
from denghuo.data.processing.embedded import EmbeddedServer
from denghuo.data.processing.migration import migrate
from denghuo.kernel.contract import Call
from denghuo.service.acquisition.api import AcquisitionApi, FindAlarms, FindTerminals
from denghuo.service.acquisition.front.front import Front
from denghuo.service.acquisition.front.limits import Limits
from denghuo.service.acquisition.service import AcquisitionService
from denghuo.service.host.binding import Directory, Local, Store
from denghuo.simulator.county import SHANGHAI, County
from denghuo.simulator.happening import HAPPENINGS, Happening
from denghuo.simulator.terminal import Behaviour, Tally, Terminal

METERS = 20
DEFAULTS = (200, 200)
WANTED = 1_000_000 / 3_600
KEY = b"a key for the bench, 32 bytes it i"[:32]


def happenings(terminal: Terminal, count: int) -> list[Happening]:
    """Different events of a terminal's meters, no two alike."""
    chance = random.Random(terminal.concentrator.terminal_no)
    begin, meters = datetime(2026, 4, 1, tzinfo=SHANGHAI), terminal.concentrator.meters
    made = []
    for place in range(count):
        meter = chance.choice(meters)
        made.append(Happening(chance.choice(HAPPENINGS), begin + timedelta(minutes=place), meter.number, meter.address))
    return made


def storm(address: tuple[str, int], terminals: int, count: int, go: Any, done: Any, told: Any) -> None:
    """The process of the terminals: they log in, and begin together."""

    async def run() -> None:
        tally, county = Tally(), County(date(2026, 4, 1), 30, {})
        made = [Terminal(one, county, Behaviour(heartbeat_s=20.0), tally) for one in concentrators(terminals, METERS)]
        tasks = [asyncio.create_task(one.run(*address)) for one in made]
        while not go.is_set():
            await asyncio.sleep(0.05)
        for one in made:
            one.tell(happenings(one, count))
        while not done.is_set():
            told.value = tally.told
            await asyncio.sleep(0.05)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(run())


def floor(dsn: str, rows: int) -> float:
    """Seconds for as many rows by COPY, a thousand in a transaction."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("CREATE TABLE bare (subject text, kind text, begun_at timestamptz, told_at timestamptz)")
        begun, at = time.perf_counter(), datetime.now(UTC)
        for first in range(0, rows, 1_000):
            with connection.transaction(), connection.cursor().copy("COPY bare FROM STDIN") as copy:
                for place in range(first, min(first + 1_000, rows)):
                    copy.write_row((f"M{place:09d}", "power_loss", at, at))
        return time.perf_counter() - begun


def measure(folder: pathlib.Path, dsn: str, terminals: int, count: int) -> None:
    context = multiprocessing.get_context("spawn")
    with Database(dsn) as database:
        store, directory = Store(database, Datasets(database, folder), KEY), Directory()
        directory.bind(AcquisitionApi, Local(store, AcquisitionService, directory))
        api = directory(AcquisitionApi)
        register(api, concentrators(terminals, METERS))
        front = Front(store, directory, lambda: datetime.now(UTC), "127.0.0.1", 0, Limits(login_within_s=120.0))
        front.start()
        go, done, told = context.Event(), context.Event(), context.Value("q", 0)
        peers = context.Process(target=storm, args=(front.address, terminals, count, go, done, told))
        peers.start()
        call = Call.system(datetime.now(UTC))
        wait(
            "online",
            lambda: api.find_terminals(Call.system(datetime.now(UTC)), FindTerminals(limit=1)).online == terminals,
        )
        begun, total = time.perf_counter(), terminals * count
        go.set()
        wait("confirmed", lambda: told.value >= total)
        took = time.perf_counter() - begun
        done.set()
        peers.join()
        front.stop()
        with database.connection() as connection:
            (kept,) = connection.execute("SELECT count(*) FROM acquisition.event").fetchone() or (0,)
        alarms = api.alarms(call, FindAlarms(limit=1)).total
    assert 0 < kept <= total
    bare = floor(dsn, total)
    print(
        f"{total:,} events of {terminals:,} terminals written and confirmed in {took:.1f} s: {total / took:,.0f} events/s"
    )
    print(
        f"wanted: {WANTED:,.0f} events/s, met {total / took / WANTED:.1f} times; {kept:,} events and {alarms:,} alarms kept"
    )
    print(f"floor: the same rows by COPY: {bare:.2f} s; ratio {took / bare:.0f}")
    if total / took < WANTED:
        raise SystemExit("a storm of 1,000,000 events an hour is not absorbed")


def main() -> None:
    given = [int(word) for word in sys.argv[1:]]
    terminals, count = [*given, *DEFAULTS[len(given) :]]
    with tempfile.TemporaryDirectory(prefix="denghuo-bench-") as name:
        folder = pathlib.Path(name)
        with EmbeddedServer(folder / "postgres") as dsn:
            migrate(dsn, ["access", "acquisition"])
            measure(folder / "datasets", dsn, terminals, count)


if __name__ == "__main__":
    main()

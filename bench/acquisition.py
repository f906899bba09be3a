"""Bench: a day collected from terminals over real sockets into the day lake, and what bare sockets take for the same bytes.

    python bench/acquisition.py [TERMINALS] [METERS] [SILENT]

TERMINALS simulated concentrators, half of each protocol, connect to the front, METERS behind each; then the day's midnight
registers and 96-point curves of all of them are collected, judged, and stored. SILENT more terminals only log in and stay, so that
the front holds them all the while. The terminals run in a process of their own. Meters are read on demand meanwhile. The
floor: the same number of questions and answers through sockets that nothing is done with. The database is the embedded one.
"""

import asyncio
import multiprocessing
import pathlib
import resource
import statistics
import sys
import tempfile
import threading
import time
from datetime import UTC, date, datetime, timedelta
from typing import Any

from denghuo.data.analysis.lake_day import curve_class
from denghuo.data.processing.database import Database
from denghuo.data.processing.dataset import Datasets
from denghuo.data.processing.embedded import EmbeddedServer
from denghuo.data.processing.migration import migrate
from denghuo.data.processing.work import Work
from denghuo.kernel.batch import ITEMS_MAX
from denghuo.kernel.contract import Call, DatasetRef
from denghuo.kernel.period import Month, Period
from denghuo.kernel.values import Multiplier
from denghuo.service.acquisition.api import (
    AcquisitionApi,
    AskSuccess,
    AssignMeters,
    FindTerminals,
    NewTerminal,
    NewTerminalMeter,
    ReadNow,
    ReadRef,
    RegisterTerminals,
    StartCollection,
)
from denghuo.service.acquisition.front.front import Front
from denghuo.service.acquisition.front.limits import Limits
from denghuo.service.acquisition.service import AcquisitionService
from denghuo.service.contract.api import TERMS, ContractApi, PublishTerms
from denghuo.service.host.binding import Ask, Directory, Local, Store
from denghuo.service.host.jobs import InlineJobs
from denghuo.service.host.relay import Relay
from denghuo.service.point.api import INSTALLATION, MeterInMonth, MetersFound, MetersIn, PointApi, PublishInstallations
from denghuo.service.reading.api import ReadingApi
from denghuo.service.reading.batch.intake import REGISTERS
from denghuo.service.reading.service import ReadingService
from denghuo.simulator.county import Concentrator, County, Meter
from denghuo.simulator.terminal import Behaviour, Tally, Terminal

DAY = date(2026, 4, 10)
DEFAULTS = (300, 20, 700)
"""Small enough for `make bench`; a province's front is 10000 20 0."""
ON_DEMAND = 40
FILES = 65_536
WAIT_S = 3_600.0
KEY = b"a key for the bench, 32 bytes it i"[:32]


def concentrators(terminals: int, meters: int) -> list[Concentrator]:
    made = []
    for serial in range(terminals):
        old = serial % 2 == 0
        no = f"{1405 + serial // 100_000}{serial % 60_000 + 1:05d}" if old else f"140581{serial:06d}"
        behind = tuple(
            Meter(number, f"M{serial:05d}{number:03d}", f"{serial:07d}{number:05d}") for number in range(1, meters + 1)
        )
        made.append(Concentrator(no, "gdw3761" if old else "dlt698", "", behind))
    return made


class Alike(County):
    """Every meter shows the same registers: 9.60 kWh a day."""

    def at(self, meter_no: str, place: int, moment: datetime, area_no: str) -> int | None:
        return 1_000_000 + int(moment.timestamp()) // 900 % 960_000 * 1_000


def other_side(address: tuple[str, int], terminals: int, meters: int, silent: int, done: Any, cpu: Any) -> None:
    """The process of the terminals; says at its end what processor time it took."""
    _files()

    async def run() -> None:
        tally, county = Tally(), Alike(date(2026, 4, 1), 30, {})
        tasks = []
        for place, one in enumerate(
            concentrators(terminals + silent, 0)[terminals:] + concentrators(terminals, meters)
        ):
            terminal = Terminal(one, county, Behaviour(heartbeat_s=300.0), tally)
            tasks.append(asyncio.create_task(terminal.run(*address)))
            if place % 200 == 199:
                await asyncio.sleep(0.25)
        while not done.is_set():
            await asyncio.sleep(0.2)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(run())
    used = resource.getrusage(resource.RUSAGE_SELF)
    cpu.value = used.ru_utime + used.ru_stime


def services(database: Database, folder: pathlib.Path, everyone: list[Concentrator]) -> Directory:
    """Acquisition and reading, over installations of the bench's meters."""

    class Points(PointApi):
        def __init__(self, work: Work, ask: Ask) -> None:
            self._work = work

        def publish_installations(self, call: Call, request: PublishInstallations) -> DatasetRef:
            known = self._work.datasets.newest(INSTALLATION.name, request.month)
            if known:
                return known[0]
            period = Month.of(request.month).period
            blank = dict.fromkeys(INSTALLATION.columns)
            rows = [blank | piece(meter.meter_no, period) for one in everyone for meter in one.meters]
            return self._work.datasets.publish(INSTALLATION, request.month, "all", rows, call.now)

        def meters_in(self, call: Call, request: MetersIn) -> MetersFound:
            period = Month.of(request.month).period
            blank = dict.fromkeys(MeterInMonth.model_fields)
            rows = [
                MeterInMonth.model_construct(**blank | piece(no, period) | {"multiplier": Multiplier(1)})
                for no in request.meter_nos
            ]
            return MetersFound.model_construct(rows=rows, as_of=call.now)

    class Contracts(ContractApi):
        """Knows no contract, so curves are checked without the bounds of one."""

        def __init__(self, work: Work, ask: Ask) -> None:
            self._work = work

        def publish_terms(self, call: Call, request: PublishTerms) -> DatasetRef:
            return self._work.datasets.publish(TERMS, request.month, "all", [], call.now)

    store, directory = Store(database, Datasets(database, folder), KEY), Directory()
    directory.bind(PointApi, Local(store, Points, directory))
    directory.bind(ContractApi, Local(store, Contracts, directory))
    directory.bind(AcquisitionApi, Local(store, AcquisitionService, directory))
    directory.bind(ReadingApi, Local(store, ReadingService, directory))
    return directory


def piece(meter_no: str, period: Period) -> dict[str, Any]:
    return {
        "point_no": f"P{meter_no}", "org": "1405810.01", "role": "sale", "meter_no": meter_no, "multiplier": 1,
        "integer_digits": 6, "decimal_digits": 2, "piece": 1, "from_at": period.start, "to_at": period.end,
    }  # fmt: skip


def register(api: AcquisitionApi, everyone: list[Concentrator]) -> None:
    body = {"name": "集中器", "vendor": "甲厂", "channel": "cellular", "org": "1405810.01"}
    terminals = [
        NewTerminal.model_validate(body | {"terminal_no": one.terminal_no, "protocol": one.protocol})
        for one in everyone
    ]
    meters = [
        NewTerminalMeter(terminal_no=one.terminal_no, number=m.number, meter_no=m.meter_no, address=m.address)
        for one in everyone
        for m in one.meters
    ]
    for at in range(0, len(terminals), ITEMS_MAX):
        taken = api.register_terminals(call(), RegisterTerminals(terminals=terminals[at : at + ITEMS_MAX]))
        assert not taken.refused, taken.refused[:2]
    for at in range(0, len(meters), ITEMS_MAX):
        assert not api.assign_meters(call(), AssignMeters(meters=meters[at : at + ITEMS_MAX])).refused


def call() -> Call:
    return Call.system(datetime.now(UTC))


def on_demand(api: AcquisitionApi, everyone: list[Concentrator], ended: threading.Event) -> list[float]:
    """How long reads on demand take while everything else goes on."""
    took: list[float] = []
    while not ended.is_set() and len(took) < ON_DEMAND:
        meter = everyone[len(took) * 7 % len(everyone)].meters[0]
        begun = time.perf_counter()
        read = api.read_now(call(), ReadNow(meter_no=meter.meter_no))
        while api.on_demand_read(call(), ReadRef(read_no=read.read_no)).state == "waiting":
            time.sleep(0.02)
        took.append(time.perf_counter() - begun)
        ended.wait(0.3)
    return took


def floor(terminals: int, questions: int, size: int) -> float:
    """As many questions of 200 bytes and answers of `size` bytes through as many sockets, four hundred at a time."""

    async def run() -> float:
        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while await reader.read(200):
                writer.write(bytes(size))
            writer.close()

        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        address = server.sockets[0].getsockname()
        turns = asyncio.Semaphore(400)

        async def ask() -> None:
            async with turns:
                reader, writer = await asyncio.open_connection(*address)
                for _ in range(max(questions // terminals, 1)):
                    writer.write(bytes(200))
                    await reader.readexactly(size)
                writer.close()

        begun = time.perf_counter()
        await asyncio.gather(*(ask() for _ in range(terminals)))
        server.close()
        return time.perf_counter() - begun

    return asyncio.run(run())


def _files() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(FILES, hard), hard))


def wait(what: str, ready: Any) -> float:
    begun = time.perf_counter()
    while not ready():
        if time.perf_counter() - begun > WAIT_S:
            raise SystemExit(f"{what}: not within {WAIT_S:.0f} s")
        time.sleep(0.25)
    return time.perf_counter() - begun


def measure(folder: pathlib.Path, dsn: str, terminals: int, meters: int, silent: int) -> None:
    everyone = concentrators(terminals, meters)
    context = multiprocessing.get_context("spawn")
    with Database(dsn) as database:
        directory = services(database, folder, everyone)
        api = directory(AcquisitionApi)
        register(api, concentrators(terminals + silent, 0)[terminals:] + everyone)
        store = directory.hosted["acquisition"].store
        limits = Limits(login_within_s=120.0, connections_per_address=20_000)
        front = Front(store, directory, lambda: datetime.now(UTC), "127.0.0.1", 0, limits)
        front.start()
        done, cpu = context.Event(), context.Value("d", 0.0)
        peers = context.Process(target=other_side, args=(front.address, terminals, meters, silent, done, cpu))
        peers.start()
        try:
            asked, took, used, sessions = collect(directory, api, everyone, terminals + silent)
        finally:
            done.set()
            peers.join()
            front.stop()
        report(directory, terminals * meters, took, used)
        print(f"processor time of the terminals' process: {cpu.value:.1f} s; frames of a terminal: {max(sessions)}")
        if asked:
            p95 = sorted(asked)[int(len(asked) * 0.95) - 1]
            print(f"{len(asked)} reads on demand meanwhile: median {statistics.median(asked):.2f} s, 95 % {p95:.2f} s")
    questions = terminals * (-(-meters // 12) + -(-meters // 2))
    bare = floor(terminals, questions, 1_800)
    print(
        f"floor: {questions:,} questions and answers of 1,800 bytes through bare sockets: {bare:.1f} s; ratio {took / bare:.0f}"
    )


def collect(
    directory: Directory, api: AcquisitionApi, everyone: list[Concentrator], total: int
) -> tuple[list[float], float, float, list[int]]:
    """Collects the day: what reads on demand took meanwhile, seconds, CPU seconds, and the frames of some terminals."""
    online = wait("online", lambda: api.find_terminals(call(), FindTerminals(limit=1)).online == total)
    print(f"{total:,} terminals online in {online:.1f} s, {len(everyone):,} of them with meters", flush=True)
    before, begun = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    asked: list[float] = []
    relayed, ended = Relayed(directory), threading.Event()
    reader = threading.Thread(target=lambda: asked.extend(on_demand(api, everyone, ended)), daemon=True)
    api.start_collection(call(), StartCollection(day=DAY))
    reader.start()
    for kind in ("freeze", "curve"):
        question = AskSuccess.model_validate({"day": DAY, "kind": kind})
        wait(kind, lambda question=question: relayed.run() and api.success(call(), question).missing == 0)
        print(f"{kind} after {time.perf_counter() - begun:.1f} s", flush=True)
    relayed.end()
    took, after = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_SELF)
    ended.set()
    reader.join()
    sessions = [one.frames_in for one in api.find_terminals(call(), FindTerminals(limit=200)).rows]
    return asked, took, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, sessions


class Relayed:
    """Lets reading take what was published, and runs its jobs when they are due, as relay and queue do in a running process."""

    def __init__(self, directory: Directory) -> None:
        self._directory, self._jobs, self._ahead = directory, InlineJobs(), timedelta(0)
        self._relay = Relay(directory, directory.hosted["reading"].store, self._jobs, self._now)

    def _now(self) -> datetime:
        return datetime.now(UTC) + self._ahead

    def run(self) -> bool:
        busy = True
        while busy:
            waiting = [consumer for consumer in self._relay.consumers() if self._relay.waiting(consumer)]
            for consumer in waiting:
                self._relay.round(consumer)
            busy = self._jobs.drain(self._directory, self._now) or bool(waiting)
        return True

    def end(self) -> None:
        """Runs also what waits for the day to settle."""
        self._ahead = timedelta(hours=1)
        self.run()


def report(directory: Directory, meters: int, took: float, cpu: float) -> None:
    lake = directory.hosted["reading"].store.lake
    registers = lake.row_counts(REGISTERS).get(DAY + timedelta(days=1), 0)
    curves = sum(lake.row_counts(curve_class(name)).get(DAY, 0) for name in ("active_fwd_wh", "active_rev_wh"))
    assert registers == 2 * meters and curves == 2 * meters, (registers, curves)
    values = registers + 96 * curves
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{meters:,} meters, {values:,} values from sockets into the lake in {took:.1f} s: {values / took:,.0f} values/s"
    )
    print(f"processor time of front, services and reading: {cpu:.1f} s; peak memory {peak:,.0f} MB")


def main() -> None:
    given = [int(word) for word in sys.argv[1:]]
    terminals, meters, silent = [*given, *DEFAULTS[len(given) :]]
    _files()
    with tempfile.TemporaryDirectory(prefix="denghuo-bench-") as name:
        folder = pathlib.Path(name)
        with EmbeddedServer(folder / "postgres") as dsn:
            migrate(dsn, ["access", "acquisition", "reading", "point", "contract", "workflow", "notice"])
            measure(folder / "datasets", dsn, terminals, meters, silent)


if __name__ == "__main__":
    main()

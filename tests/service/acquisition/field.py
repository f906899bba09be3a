"""A front in the test's process and terminals that connect to it over real sockets: simulated ones, and bare sockets."""

import asyncio
import contextlib
import pathlib
import socket
import threading
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.parquet as pq
from tests.service.bindings import local, settle
from tests.service.reading.county import contracts_of, installation, points_of

from denghuo.data.processing.database import Database
from denghuo.kernel.contract import Api, Call
from denghuo.kernel.period import SHANGHAI
from denghuo.service.acquisition.api import (
    AcquisitionApi,
    AssignMeters,
    NewTerminal,
    NewTerminalMeter,
    OnDemandRead,
    ReadNow,
    ReadRef,
    RegisterTerminals,
    RollOut,
    RollOutRef,
    StartRollOut,
    Terminal,
    TerminalRef,
)
from denghuo.service.acquisition.front.broker import BrokerAddress
from denghuo.service.acquisition.front.cipher import CipherMachine
from denghuo.service.acquisition.front.front import Front
from denghuo.service.acquisition.front.keys import KeySafe
from denghuo.service.acquisition.front.limits import Limits
from denghuo.service.acquisition.service import AcquisitionService
from denghuo.service.contract.api import ContractApi
from denghuo.service.host.binding import Directory, Implementation
from denghuo.service.permission.api import PermissionApi
from denghuo.service.permission.service import PermissionService
from denghuo.service.point.api import PointApi
from denghuo.service.reading.api import ReadingApi
from denghuo.service.reading.service import ReadingService
from denghuo.service.workflow.api import Decide, WorkflowApi
from denghuo.service.workflow.service import WorkflowService
from denghuo.simulator.county import Concentrator, County, Meter
from denghuo.simulator.device import Device
from denghuo.simulator.terminal import Behaviour, Tally
from denghuo.simulator.terminal import Terminal as Simulated

DAY = date(2026, 4, 10)
OLD, NEW = "140500001", "140581000002"
"""A terminal of 376.1 and one of 698.45."""
QUICK = Limits(
    answer_s=10.0, work_s=0.05, write_s=0.1, look_s=0.05, clock_s=0.2, login_within_s=10.0, silence_s=600.0, frames_per_s=40,
    burst_s=1.0, noise=4_096, bad_frames=5, connections_per_address=60,
)  # fmt: skip
"""Looks often, and has time for what is to answer also where a machine is slow: see `hurried` for what is not to."""
WAIT_S = 60.0


@contextlib.contextmanager
def hurried(limits: Limits, **waits: float) -> Iterator[None]:
    """A front's limits with shorter waits while a test wants to see them run out."""
    before = {name: getattr(limits, name) for name in waits}
    for name, value in waits.items():
        object.__setattr__(limits, name, value)  # They are frozen, and each connection holds the same ones.
    try:
        yield
    finally:
        for name, value in before.items():
            object.__setattr__(limits, name, value)


def meters(terminal_no: str, count: int = 3) -> tuple[Meter, ...]:
    family = terminal_no[-1]
    return tuple(
        Meter(number, f"M{family}{number:04d}", f"{int(family):06d}{number:06d}") for number in range(1, count + 1)
    )


def concentrator(terminal_no: str) -> Concentrator:
    return Concentrator(terminal_no, "gdw3761" if len(terminal_no) == 9 else "dlt698", "TG001", meters(terminal_no))


def county(*terminals: str) -> County:
    """Meters that take 10.00 kWh a day and give 1.00; the first one 9.60 by quarters of an hour of 0.10."""
    registers = {}
    for place, meter in enumerate(one for no in terminals for one in meters(no)):
        start = 1_000_000 * (place + 1)
        registers[meter.meter_no] = (
            [start + day * 96_000 for day in range(31)],
            [start + day * 9_600 for day in range(31)],
        )
    return County(date(2026, 4, 1), 30, registers)


class Reachable(Protocol):
    """Where terminals connect to."""

    @property
    def address(self) -> tuple[str, int]: ...

    @property
    def limits(self) -> Limits: ...


@dataclass
class Field:
    """The front with its services, and the shortest words for what tests do with it."""

    directory: Directory
    front: "Reachable"
    sims: "Sims"
    tally: Tally = field(default_factory=Tally)
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    devices: dict[str, Device] = field(default_factory=dict)

    @property
    def api(self) -> AcquisitionApi:
        return self.directory(AcquisitionApi)

    def call(self) -> Call:
        return Call.system(self.clock())

    def hurried(self, **waits: float) -> contextlib.AbstractContextManager[None]:
        """The front waits less: in seconds, by the names of `Limits`."""
        return hurried(self.front.limits, **waits)

    def terminal(self, terminal_no: str) -> Terminal:
        return self.api.terminal(self.call(), TerminalRef(terminal_no=terminal_no)).terminal

    def answer(self, meter_no: str) -> OnDemandRead:
        """What a meter answers that is read now."""
        asked = self.api.read_now(self.call(), ReadNow(meter_no=meter_no))

        def read() -> OnDemandRead:
            return self.api.on_demand_read(self.call(), ReadRef(read_no=asked.read_no))

        until(lambda: read().state != "waiting", "the answer")
        return read()

    def register(self, *terminals: str, count: int = 3, **by: str) -> None:
        """Terminals with so many meters behind each; `by`: what else their records say."""
        new = [record(terminal_no).model_copy(update=by) for terminal_no in terminals]
        self.api.register_terminals(self.call(), RegisterTerminals(terminals=new))
        self.api.assign_meters(
            self.call(),
            AssignMeters(
                meters=[
                    NewTerminalMeter(
                        terminal_no=no, number=meter.number, meter_no=meter.meter_no, address=meter.address
                    )
                    for no in terminals
                    for meter in meters(no, count)
                ]
            ),
        )

    def connect(self, terminal_no: str, *faults: str) -> Callable[[], None]:
        """A simulated terminal comes online; what is given back sends it away. `devices` keeps what can be set at it."""
        behaviour = Behaviour(heartbeat_s=0.3, slow_s=0.1, faults=frozenset(faults))
        simulated = Simulated(concentrator(terminal_no), county(terminal_no), behaviour, self.tally)
        self.devices[terminal_no] = simulated.device
        leave = self.sims.run(simulated.run(*self.front.address))
        until(lambda: self.terminal(terminal_no).link == "online", f"{terminal_no} online")
        return leave

    def socket(self) -> socket.socket:
        """A bare connection to the front."""
        return socket.create_connection(self.front.address, timeout=WAIT_S)


def written(folder: pathlib.Path, protocols: Mapping[str, str], endpoint: str = "") -> County:
    """An import folder with these terminals and what their meters show."""
    rows = [f"{no},{protocol},TG001,{endpoint if protocol == 'dlt645' else ''}\n" for no, protocol in protocols.items()]
    (folder / "terminals.csv").write_text("terminal_no,protocol,area_no,endpoint\n" + "".join(rows))
    behind = [f"{no},{one.number},{one.meter_no},{one.address}\n" for no in protocols for one in meters(no)]
    (folder / "terminal_meters.csv").write_text("terminal_no,number,meter_no,address\n" + "".join(behind))
    shown = county(*protocols)
    begin = datetime(shown.first.year, shown.first.month, shown.first.day, tzinfo=SHANGHAI)
    reads = [
        (no, begin + timedelta(days=day), Decimal(forward or 0) / 10_000, Decimal(reverse or 0) / 10_000)
        for no, registers in shown.registers.items()
        for day, (forward, reverse) in enumerate(zip(*registers, strict=True))
    ]
    names = ("meter_no", "read_at", "fwd_kwh", "rev_kwh")
    pq.write_table(pa.table(dict(zip(names, zip(*reads, strict=True), strict=True))), folder / "register_reads.parquet")
    return shown


def record(terminal_no: str) -> NewTerminal:
    protocol = "gdw3761" if len(terminal_no) == 9 else "dlt698"
    body = {"terminal_no": terminal_no, "protocol": protocol, "name": f"{terminal_no}集中器"}
    body |= {"vendor": "甲厂", "channel": "cellular", "org": f"1405810.0{terminal_no[-1]}"}
    return NewTerminal.model_validate(body)


def rolled_out(field: Field, terminal_no: str, **by: Any) -> RollOut:
    """What became of a roll-out to a terminal: asked for by one person, agreed by another."""
    body = {"terminals": [terminal_no], "reason": "分时电价调整", **by}
    one = field.api.start_roll_out(replace(field.call(), actor="planner"), StartRollOut.model_validate(body))
    decide = Decide(approval_no=one.approval_no or 0, agreed=True, remark="已核对")
    field.directory(WorkflowApi).decide(replace(field.call(), actor="boss"), decide)
    settle(field.directory)

    def now() -> RollOut:
        return field.api.roll_out(field.call(), RollOutRef(roll_out_no=one.roll_out_no))

    until(lambda: now().state in ("done", "halted"), "it ends")
    return now()


class Sims:
    """An event loop in a thread for the other side."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def run(self, work: object) -> Callable[[], None]:
        future = asyncio.run_coroutine_threadsafe(work, self._loop)  # type: ignore[arg-type]
        return lambda: bool(future.cancel())  # type: ignore[return-value]

    def do(self, work: Coroutine[Any, Any, None]) -> None:
        """Does it in the loop and waits for it."""
        asyncio.run_coroutine_threadsafe(work, self._loop).result(WAIT_S)

    def stop(self) -> None:
        async def end() -> None:
            tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

        asyncio.run_coroutine_threadsafe(end(), self._loop).result(WAIT_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(WAIT_S)
        self._loop.close()


def until(ready: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + WAIT_S
    while not ready():
        assert time.monotonic() < deadline, what
        time.sleep(0.03)


def services_beside(records: Mapping[type[Api], Implementation]) -> dict[type[Api], Implementation]:
    """Acquisition and what it works with; `records` are points and contracts."""
    return {
        PermissionApi: PermissionService,
        WorkflowApi: WorkflowService,
        **records,
        AcquisitionApi: AcquisitionService,
        ReadingApi: ReadingService,
    }


@contextlib.contextmanager
def fielded(
    dsn: str,
    folder: pathlib.Path,
    limits: Limits = QUICK,
    passwords: Mapping[str, str] | None = None,
    records: Mapping[type[Api], Implementation] | None = None,
    cipher: CipherMachine | None = None,
    safe: KeySafe | None = None,
    broker: BrokerAddress | None = None,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Iterator[Field]:
    """A front over its own services: acquisition, reading, and a point service that knows the meters of a few terminals, or what
    `records` puts in its place."""
    rows = [
        installation(f"P{meter.meter_no}", meter.meter_no, multiplier=20 if meter.number == 2 else 1)
        for no in (OLD, NEW, "140500003", "140581000004")
        for meter in meters(no)
    ]
    with Database(dsn) as database, contextlib.ExitStack() as stack:
        beside = records or {PointApi: points_of(rows), ContractApi: contracts_of()}
        directory = local(database, folder, services_beside(beside))
        front = Front(
            directory.hosted["acquisition"].store,
            directory,
            clock,
            "127.0.0.1",
            0,
            limits,
            passwords,
            cipher,
            safe,
            broker,
        )
        front.start()
        stack.callback(front.stop)
        sims = Sims()
        stack.callback(sims.stop)
        yield Field(directory, front, sims, clock=clock)

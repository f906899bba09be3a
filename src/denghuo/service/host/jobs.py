"""Jobs: long work in steps. A job is a command that is called again as long as its reply says `again`.

`Jobs` is the port. `QueuedJobs` keeps jobs in pgqueuer's tables, so that any process may take them and a job whose process died
is taken over; `InlineJobs` runs them in the caller's thread, for tests and for commands that wait for the end.
Each step is a command with the key `<job>:<n>`: a job that is begun again passes over the steps that were committed, because
the journal answers them.
"""

import asyncio
import json
import logging
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, Protocol

import psycopg
from pgqueuer import PgQueuer
from pgqueuer.adapters.drivers.psycopg import PsycopgDriver, SyncPsycopgDriver
from pgqueuer.adapters.persistence.qb import QueryBuilderEnvironment, QueryQueueBuilder, QuerySchedulerBuilder
from pgqueuer.adapters.persistence.queries import Queries, SyncQueries
from pgqueuer.domain.errors import RetryRequested
from pgqueuer.domain.settings import DBSettings
from pgqueuer.models import Job

from denghuo.kernel.contract import Call
from denghuo.kernel.problem import Problem, Unavailable
from denghuo.service.host.binding import Directory

log = logging.getLogger("denghuo.jobs")

SCHEMA = "jobs"
ENTRY = "command"
HEARTBEAT = timedelta(seconds=5)
"""A job that was not heard of for so long is taken over. Taking over one that still runs does no harm: its steps have keys."""
LOOK_EVERY = timedelta(seconds=1)
RETRY_AFTER = timedelta(seconds=2)
SETTINGS = DBSettings(db_schema=SCHEMA)
_ENDING = "denghuo_jobs_ending"
Order = dict[str, Any]
"""{job_id, operation, request, actor, trace}, and `at`: the instant before which it does not begin, where there is one."""


class Jobs(Protocol):
    """Takes orders from the relay, which hands over each order once, within the transaction that moves its position. `now`: of the
    product's clock, from which an order's instant is reckoned."""

    def order(self, connection: psycopg.Connection, order: Order, now: datetime) -> None: ...


def run_job(directory: Directory, order: Order, clock: Callable[[], datetime], stopped: threading.Event) -> bool:
    """Runs the steps of a job to its end; False where `stopped` came first. Raises what a step raises."""
    for step in range(1_000_000):
        if stopped.is_set():
            return False
        call = Call.system(clock(), key=f"{order['job_id']}:{step}", actor=str(order["actor"]))
        reply = directory.run(str(order["operation"]), call, order["request"])
        if not getattr(reply, "again", False):
            return True
    raise RuntimeError(f"job {order['job_id']} ({order['operation']}) never ended")


def waits(order: Order, now: datetime) -> timedelta:
    """How long a job must wait until it may begin; nothing where it need not."""
    at = order.get("at")
    return timedelta(0) if at is None else max(datetime.fromisoformat(str(at)) - now, timedelta(0))


class InlineJobs:
    """Jobs that wait in memory until `drain`."""

    def __init__(self) -> None:
        self._waiting: deque[Order] = deque()

    def order(self, connection: psycopg.Connection, order: Order, now: datetime) -> None:
        self._waiting.append(order)

    def drain(self, directory: Directory, clock: Callable[[], datetime]) -> bool:
        """Runs what waits and may begin; whether there was anything."""
        due = [order for order in self._waiting if not waits(order, clock())]
        self._waiting = deque(order for order in self._waiting if order not in due)
        for order in due:
            run_job(directory, order, clock, threading.Event())
        return bool(due)


def install_queue(dsn: str) -> None:
    """Makes the queue's schema and tables where they are missing."""

    async def install() -> None:
        async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
            queries = _queries(PsycopgDriver(connection))
            if not await queries.schema_is_installed():
                await queries.install()

    # In a thread of its own, because the caller's may run an event loop already.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, install()).result()


def _queries(driver: PsycopgDriver) -> Queries:
    return Queries(
        driver,
        qbe=QueryBuilderEnvironment(SETTINGS),
        qbq=QueryQueueBuilder(SETTINGS),
        qbs=QuerySchedulerBuilder(SETTINGS),
    )


class QueuedJobs:
    """Orders go into the queue's tables; `start` runs a worker for the operations that this process hosts."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._queuer: PgQueuer | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._stopped = threading.Event()

    def order(self, connection: psycopg.Connection, order: Order, now: datetime) -> None:
        noun = str(order["operation"]).partition(".")[0]
        queries = SyncQueries(_Within(connection), qbq=QueryQueueBuilder(SETTINGS))
        payload = json.dumps(order, ensure_ascii=False).encode()
        wait = waits(order, now) or None
        queries.enqueue(
            f"{ENTRY}.{noun}", payload, execute_after=wait, dedupe_key=str(order["job_id"]), on_conflict="skip"
        )

    def start(self, directory: Directory, clock: Callable[[], datetime]) -> None:
        self._thread = threading.Thread(target=self._work, args=(directory, clock), name="denghuo-jobs", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Lets the present steps end; jobs that are not done are taken up at the next start."""
        self._stopped.set()
        if self._loop is not None and self._queuer is not None:
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._queuer.shutdown.set)
        if self._thread is not None:
            self._thread.join(timeout=20)

    def _work(self, directory: Directory, clock: Callable[[], datetime]) -> None:
        while not self._stopped.is_set():
            try:
                asyncio.run(self._serve(directory, clock))
            except Exception as error:
                log.warning("the job worker lost its database: %s", error)
                self._stopped.wait(RETRY_AFTER.total_seconds())

    async def _serve(self, directory: Directory, clock: Callable[[], datetime]) -> None:
        self._loop = asyncio.get_running_loop()
        async with (
            await psycopg.AsyncConnection.connect(self._dsn, autocommit=True) as listening,
            await psycopg.AsyncConnection.connect(self._dsn, autocommit=True) as asking,
        ):
            await listening.execute(f"LISTEN {_ENDING}")
            driver = ApartDriver(listening, asking)
            queuer = self._queuer = PgQueuer(driver, queries=_queries(driver))

            async def run(job: Job) -> None:
                await asyncio.to_thread(self._run, directory, clock, job)

            for noun in directory.hosted:
                queuer.entrypoint(f"{ENTRY}.{noun}", on_failure="hold")(run)
            if self._stopped.is_set():
                return
            await queuer.run(dequeue_timeout=LOOK_EVERY, heartbeat_timeout=HEARTBEAT)

    def _run(self, directory: Directory, clock: Callable[[], datetime], job: Job) -> None:
        order: Order = json.loads(job.payload or b"{}")
        try:
            finished = run_job(directory, order, clock, self._stopped)
        except Unavailable as problem:
            raise RetryRequested(delay=RETRY_AFTER, reason=str(problem)) from problem
        except Problem as problem:
            log.error("job %s (%s) was refused: %s", order["job_id"], order["operation"], problem)
            raise
        if not finished:
            raise RetryRequested(delay=timedelta(0), reason="the process was stopped")


class ApartDriver(PsycopgDriver):
    """The queue's driver over two connections: on one, each statement would wait until a wait for notices ends, up to a second."""

    def __init__(self, listening: psycopg.AsyncConnection, asking: psycopg.AsyncConnection) -> None:
        super().__init__(listening)
        self._asking = PsycopgDriver(asking)

    async def fetch(self, query: str, *args: object) -> list[dict[str, object]]:
        return await self._asking.fetch(query, *args)

    async def execute(self, query: str, *args: object) -> str:
        return await self._asking.execute(query, *args)

    async def __aexit__(self, *ended: object) -> None:
        leaving = asyncio.ensure_future(super().__aexit__(*ended))
        # A notice that says nothing ends the wait for notices.
        with suppress(psycopg.Error):
            await self.notify(_ENDING, "")
        await leaving


class _Within(SyncPsycopgDriver):
    """The queue's driver inside a transaction that is already open: the order is kept or dropped with it."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection

"""Relay and jobs: events reach their listeners once each and in order, jobs run to their end, whatever breaks in between."""

import asyncio
import contextlib
import pathlib
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from tests.asynchronous import run as to_its_end
from tests.service.bindings import KEY, NOW, clock, settle

from denghuo.data.processing.database import Database
from denghuo.data.processing.dataset import Datasets
from denghuo.data.processing.migration import migrate
from denghuo.data.processing.outbox import Outbox, parked
from denghuo.data.processing.work import Work
from denghuo.kernel.contract import Api, Call, Event, Message, command
from denghuo.kernel.problem import Unavailable
from denghuo.service.host import relay
from denghuo.service.host.binding import Ask, Directory, Local, Store
from denghuo.service.host.held import held_jobs, run_again
from denghuo.service.host.jobs import ApartDriver, InlineJobs, QueuedJobs, install_queue
from denghuo.service.host.relay import JOBS, TRIES, Listener, Relay


class Rung(Event, name="bell.tower.rung", version=1):
    number: int


class Ring(Message):
    number: int
    steps: int = 0


class Rang(Message):
    again: bool = False
    left: int = 0


class BellApi(Api, noun="bell", version=1):
    @command(permit="bell.ring", emits=(Rung,))
    def ring(self, call: Call, request: Ring) -> Rang:
        """Rings."""

    @command(permit="bell.ring")
    def ring_long(self, call: Call, request: Ring) -> Rang:
        """Orders a job of so many steps."""

    @command(permit="bell.ring")
    def step(self, call: Call, request: Ring) -> Rang:
        """A step of the job."""


class BellService(BellApi):
    def __init__(self, work: Work, ask: Ask) -> None:
        self._work = work

    def ring(self, call: Call, request: Ring) -> Rang:
        self._work.emit(Rung(number=request.number))
        return Rang()

    def ring_long(self, call: Call, request: Ring) -> Rang:
        self._work.enqueue("bell.step", request.model_dump())
        return Rang()

    def step(self, call: Call, request: Ring) -> Rang:
        done = int(self._work.value("SELECT count(*) FROM journal WHERE operation = 'bell.step'") or 0) + 1
        return Rang(again=done < request.steps, left=request.steps - done)


class EarApi(Api, noun="ear", version=1): ...


class EarService(EarApi):
    def __init__(self, work: Work, ask: Ask) -> None:
        self.work = work


Heard = list[tuple[int, str]]
CALLER = Call.system(NOW, actor="ringer")


@pytest.fixture
def directory(database_dsn: str, tmp_path: pathlib.Path) -> Iterator[Directory]:
    migrate(database_dsn, ["bell", "ear"])
    with Database(database_dsn) as database:
        store = Store(database, Datasets(database, tmp_path), KEY)
        directory = Directory()
        directory.bind(BellApi, Local(store, BellService, directory))
        directory.bind(EarApi, Local(store, EarService, directory))
        yield directory


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> Heard:
    """What the ear heard; odd behaviour is set by `broken`."""
    heard: Heard = []

    def hear(service: EarService, call: Call, event: Rung) -> None:
        service.work.value("SELECT 1")
        heard.append((event.number, call.actor))

    monkeypatch.setattr(relay, "listeners", lambda noun: [Listener("ear", Rung, hear)] if noun == "ear" else [])
    return heard


def count(directory: Directory, operation: str) -> int:
    schema = operation.partition(".")[0]
    with directory.hosted[schema].store.work(schema, CALLER) as work:
        return int(work.value("SELECT count(*) FROM journal WHERE operation = %s", (operation,)) or 0)


def until(condition: Callable[[], Any]) -> None:
    """Waits for another thread, at most a minute."""
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        threading.Event().wait(0.02)


def readable(directory: Directory, consumer: str, rows: int = 1) -> None:
    """Waits until no transaction of a neighbour on the same server holds back the bell's rows."""
    outbox = Outbox(directory.hosted["bell"].store.database, "bell")
    until(lambda: len(outbox.pending(consumer)) == rows)


def test_events_arrive_in_order_with_the_one_who_caused_them(directory: Directory, heard: Heard) -> None:
    for number in range(5):
        directory(BellApi).ring(CALLER, Ring(number=number))
    settle(directory)
    settle(directory)
    assert heard == [(number, "ringer") for number in range(5)]
    assert count(directory, "ear.on bell.tower.rung.v1") == 5


def test_an_event_delivered_again_changes_nothing(directory: Directory, heard: Heard) -> None:
    directory(BellApi).ring(CALLER, Ring(number=1))
    settle(directory)
    store = directory.hosted["bell"].store
    with store.database.connection() as connection:
        connection.execute("DELETE FROM bell.relay_position")
    settle(directory)
    assert heard == [(1, "ringer")]


def test_an_open_transaction_holds_back_what_committed_after_it(directory: Directory, heard: Heard) -> None:
    outbox = Outbox(directory.hosted["bell"].store.database, "bell")
    with psycopg.connect(directory.hosted["bell"].store.database.dsn) as older:
        older.execute("SELECT pg_current_xact_id()")
        directory(BellApi).ring(CALLER, Ring(number=1))
        assert outbox.pending("ear") == []
    readable(directory, "ear")
    assert [row.parts[0]["data"]["number"] for row in outbox.pending("ear")] == [1]


def test_settling_waits_for_what_a_neighbour_holds_back(directory: Directory, heard: Heard) -> None:
    older = psycopg.connect(directory.hosted["bell"].store.database.dsn)
    older.execute("SELECT pg_current_xact_id()")
    directory(BellApi).ring(CALLER, Ring(number=1))
    ending = threading.Timer(0.2, older.close)
    ending.start()
    settle(directory)
    ending.join()
    assert heard == [(1, "ringer")]


def test_what_cannot_be_taken_is_parked_and_the_rest_goes_on(
    directory: Directory, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    too_many = "two is too many"

    def refuse_two(service: EarService, call: Call, event: Rung) -> None:
        if event.number == 2 and too_many:
            raise ValueError(too_many)
        heard.append((event.number, call.actor))

    monkeypatch.setattr(relay, "listeners", lambda noun: [Listener("ear", Rung, refuse_two)] if noun == "ear" else [])
    for number in (1, 2, 3):
        directory(BellApi).ring(CALLER, Ring(number=number))
    store = directory.hosted["bell"].store
    running = Relay(directory, store, InlineJobs(), clock)
    readable(directory, "ear", 3)
    for _ in range(TRIES - 1):
        with pytest.raises(ValueError, match="two is too many"):
            running.round("ear")
    running.round("ear")
    assert [number for number, _ in heard] == [1, 3]
    outbox = Outbox(store.database, "bell")

    def kept() -> list[tuple[str, Any, str, str, bool]]:
        rows, total = parked(store.database, ["bell", "ear"], 10)
        assert total == len(rows)
        return [(row.consumer, row.event["data"], row.actor, row.reason, row.asked_at is not None) for row in rows]

    assert kept() == [("ear", {"number": 2}, "ringer", "ValueError: two is too many", False)]

    # Delivered again when somebody asks for it: refused once more it stays, with the reason of now; taken it is gone.
    assert not running.waiting("ear") and not running.round("ear")
    ((only,), _) = parked(store.database, ["bell"], 10)
    assert not outbox.ask_again("nose", only.event_id, NOW)
    too_many = "still too many"
    assert outbox.ask_again("ear", only.event_id, NOW) and kept()[0][4] and running.waiting("ear")
    running.round("ear")
    assert kept() == [("ear", {"number": 2}, "ringer", "ValueError: still too many", False)]
    too_many = ""
    outbox.ask_again("ear", only.event_id, NOW)
    running.round("ear")
    assert kept() == [] and heard == [(1, "ringer"), (3, "ringer"), (2, "ringer")]

    # What nobody listens to any more stays, too.
    outbox.park("ear", "bell-1-1-0", {"type": "bell.tower.rung.v0", "data": {}}, "ringer", "ValueError")
    outbox.ask_again("ear", "bell-1-1-0", NOW)
    running.round("ear")
    assert kept() == [("ear", {}, "ringer", "ear listens to bell.tower.rung.v0 no more", False)]


def test_a_listener_out_of_reach_is_asked_until_it_answers(
    directory: Directory, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = iter([True] * (TRIES + 3))

    def away(service: EarService, call: Call, event: Rung) -> None:
        if next(failures, False):
            raise Unavailable()
        heard.append((event.number, call.actor))

    monkeypatch.setattr(relay, "listeners", lambda noun: [Listener("ear", Rung, away)] if noun == "ear" else [])
    directory(BellApi).ring(CALLER, Ring(number=1))
    running = Relay(directory, directory.hosted["bell"].store, InlineJobs(), clock)
    readable(directory, "ear")
    for _ in range(TRIES + 3):
        with pytest.raises(Unavailable):
            running.round("ear")
    running.round("ear")
    assert heard == [(1, "ringer")]


def test_a_job_runs_until_it_says_that_it_is_done(directory: Directory, heard: Heard) -> None:
    directory(BellApi).ring_long(CALLER, Ring(number=1, steps=7))
    settle(directory)
    assert count(directory, "bell.step") == 7


def test_a_job_does_not_begin_before_its_instant(directory: Directory, heard: Heard) -> None:
    later = NOW + timedelta(days=3)
    order = {"job_id": "one", "operation": "bell.step", "request": {"number": 1, "steps": 1}, "actor": "ringer"}
    jobs = InlineJobs()
    store = directory.hosted["bell"].store
    with store.database.connection() as connection:
        jobs.order(connection, order | {"at": later.isoformat()}, NOW)
    assert not jobs.drain(directory, lambda: later - timedelta(seconds=1)) and count(directory, "bell.step") == 0
    assert jobs.drain(directory, lambda: later) and count(directory, "bell.step") == 1
    install_queue(store.database.dsn)
    queued = QueuedJobs(store.database.dsn)
    with store.database.connection() as connection:
        # By a product's clock that is a day ahead two days are left, whatever the machine's clock says.
        queued.order(connection, order | {"at": later.isoformat()}, NOW + timedelta(days=1))
        rows = connection.execute(
            "SELECT extract(epoch FROM execute_after - now()) / 86400 FROM jobs.pgqueuer"
        ).fetchall()
    assert [round(float(days), 2) for (days,) in rows] == [2.0]


def test_queued_jobs_and_relay_threads_do_the_same(directory: Directory, heard: Heard) -> None:
    store = directory.hosted["bell"].store
    install_queue(store.database.dsn)
    install_queue(store.database.dsn)
    jobs = QueuedJobs(store.database.dsn)
    running = Relay(directory, store, jobs, clock)
    running.start()
    jobs.start(directory, clock)
    try:
        directory(BellApi).ring(CALLER, Ring(number=9))
        directory(BellApi).ring_long(CALLER, Ring(number=1, steps=5))
        until(lambda: heard == [(9, "ringer")] and count(directory, "bell.step") == 5)
    finally:
        jobs.stop()
        running.stop()


def test_a_job_that_ends_with_an_error_is_held_and_goes_on_behind_its_steps_when_it_is_run_again(
    directory: Directory, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = directory.hosted["bell"].store.database
    assert held_jobs(database, ["bell"], 10) == ([], 0), "without a queue there is none"
    install_queue(database.dsn)
    jobs, whole = QueuedJobs(database.dsn), BellService.step
    rope = {"broken": True}

    def step(service: BellService, call: Call, request: Ring) -> Rang:
        if rope["broken"] and call.key.endswith(":2"):
            raise ValueError("the rope is broken")
        return whole(service, call, request)

    monkeypatch.setattr(BellService, "step", step)
    order = {"job_id": "one", "operation": "bell.step", "request": {"number": 7, "steps": 5}, "actor": "ringer"}
    with database.connection() as connection:
        jobs.order(connection, order, NOW)
    jobs.start(directory, clock)
    try:
        until(lambda: held_jobs(database, ["bell"], 10)[1] == 1)
        ((found,), _) = held_jobs(database, ["bell"], 10)
        assert (found.operation, found.request, found.actor) == ("bell.step", {"number": 7, "steps": 5}, "ringer")
        assert "the rope is broken" in found.why and count(directory, "bell.step") == 2
        assert held_jobs(database, ["ear"], 10) == ([], 0) == held_jobs(database, [], 10)
        assert held_jobs(database, ["bell"], 10, below=found.number) == ([], 1)
        assert not run_again(database, ["ear"], found.number) and not run_again(database, ["bell"], found.number + 1)
        assert run_again(database, ["bell"], found.number)
        until(lambda: held_jobs(database, ["bell"], 10)[1] == 1)
        rope["broken"] = False
        assert run_again(database, ["bell"], found.number)
        until(lambda: count(directory, "bell.step") == 5)
        assert held_jobs(database, ["bell"], 10) == ([], 0) and not run_again(database, ["bell"], found.number)
    finally:
        jobs.stop()


def test_a_statement_of_the_queue_does_not_wait_until_a_wait_for_notices_ends(empty_dsn: str) -> None:
    async def asked() -> list[dict[str, object]]:
        async with (
            await psycopg.AsyncConnection.connect(empty_dsn, autocommit=True) as listening,
            await psycopg.AsyncConnection.connect(empty_dsn, autocommit=True) as asking,
            ApartDriver(listening, asking) as driver,
            # As the reader of notices holds it while it waits.
            listening.lock,
        ):
            await driver.execute("SELECT 1")
            return await driver.fetch("SELECT 1 AS one")

    assert to_its_end(asyncio.wait_for(asked(), 60)) == [{"one": 1}]


def test_an_order_is_dropped_with_the_transaction_that_took_it(directory: Directory, heard: Heard) -> None:
    store = directory.hosted["bell"].store
    install_queue(store.database.dsn)
    jobs = QueuedJobs(store.database.dsn)
    directory(BellApi).ring_long(CALLER, Ring(number=1, steps=1))
    outbox = Outbox(store.database, "bell")
    readable(directory, JOBS)
    with contextlib.suppress(KeyboardInterrupt), store.database.connection() as connection:
        (row,) = outbox.pending(JOBS)
        jobs.order(connection, {"job_id": row.part_id(0), "operation": "bell.step", "request": {}, "actor": "a"}, NOW)
        outbox.advance(connection, JOBS, row)
        raise KeyboardInterrupt
    readable(directory, JOBS)
    Relay(directory, store, jobs, clock).round(JOBS)
    with store.database.connection() as connection:
        assert connection.execute("SELECT count(*) FROM jobs.pgqueuer").fetchone() == (1,)


def test_a_contract_of_queries_alone_has_no_journal(directory: Directory) -> None:
    assert directory.journaled() == ["bell"]

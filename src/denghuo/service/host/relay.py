"""Relay: brings committed events to the services that listen, and ordered jobs to the queue.

Every hosted service with a `listen.py` has a thread of its own that takes the events of the services below it in the order of their
commits. A service that is out of reach is asked again; an event that it refuses again and again is parked with the reason,
and tried once more whenever somebody asks for that.
"""

import importlib
import importlib.util
import inspect
import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

from denghuo.data.processing.outbox import CHANNEL, Outbox, Outgoing, Parked, with_something
from denghuo.kernel.contract import Call, Event
from denghuo.kernel.problem import Unavailable
from denghuo.service.host.binding import Directory, Handler, Store
from denghuo.service.host.jobs import InlineJobs, Jobs, Order

log = logging.getLogger("denghuo.relay")

JOBS = "jobs"
"""The consumer that takes job orders."""
TRIES = 5
WAIT_S = 2.0
HELD_BACK_S = 0.01
"""Until what a running transaction held back is looked for once more."""


@dataclass(frozen=True)
class Listener:
    """A handler of one event type in one service."""

    noun: str
    event: type[Event]
    handler: Handler


def listeners(noun: str) -> list[Listener]:
    """What the service listens to: the functions of its `listen.py` that are marked with `@on`."""
    name = f"denghuo.service.{noun}.listen"
    if importlib.util.find_spec(f"denghuo.service.{noun}") is None or importlib.util.find_spec(name) is None:
        return []
    functions = inspect.getmembers(importlib.import_module(name), inspect.isfunction)
    return [Listener(noun, found.__event__, found) for _, found in functions if hasattr(found, "__event__")]


class Relay:
    """Delivers for the services of one process. `sources` are the schemas whose journals are read."""

    def __init__(self, directory: Directory, store: Store, jobs: Jobs, clock: Callable[[], datetime]) -> None:
        self._directory, self._store, self._jobs, self._clock = directory, store, jobs, clock
        self._stopped = threading.Event()
        self._wake: dict[str, threading.Event] = {}
        self._threads: list[threading.Thread] = []
        self._failures: dict[str, int] = {}
        self._listeners = {noun: listeners(noun) for noun in directory.hosted}

    # -- one round, also for tests ---------------------------------------------------------------------------------------

    def round(self, consumer: str) -> bool:
        """Takes what is there for one consumer; whether there was anything."""
        took = False
        for source in with_something(self._store.database, consumer, self._sources(consumer)):
            outbox = Outbox(self._store.database, source)
            for parked in outbox.to_deliver_again(consumer):
                self._deliver_again(outbox, parked)
                took = True
            while rows := outbox.pending(consumer):
                for row in rows:
                    if self._stopped.is_set():
                        return took
                    self._take(outbox, consumer, row)
                    took = True
        return took

    def waiting(self, consumer: str) -> bool:
        """Whether something is there for a consumer, be it that a running transaction still keeps it from being read."""
        return bool(with_something(self._store.database, consumer, self._sources(consumer), held_back=True))

    def consumers(self) -> list[str]:
        return [JOBS, *(noun for noun, found in self._listeners.items() if found)]

    def _sources(self, consumer: str) -> Iterator[str]:
        if consumer == JOBS:
            # Orders are taken by the process that hosts the service which gave them.
            yield from self._directory.journaled()
        else:
            yield from dict.fromkeys(found.event.event_name.partition(".")[0] for found in self._listeners[consumer])

    def _take(self, outbox: Outbox, consumer: str, row: Outgoing) -> None:
        with self._store.database.connection() as connection:
            for position, part in enumerate(row.parts):
                part_id = row.part_id(position)
                if consumer == JOBS:
                    if "job" in part:
                        self._jobs.order(connection, _order(row, part_id, part), self._clock())
                elif "type" in part:
                    self._deliver(outbox, consumer, row, part_id, part)
            outbox.advance(connection, consumer, row)

    def _deliver(self, outbox: Outbox, consumer: str, row: Outgoing, part_id: str, part: dict[str, Any]) -> None:
        for found in self._listening(consumer, part):
            name = f"{part_id} {found.handler.__name__}"
            try:
                self._hand(found, row.actor, part_id, part)
            except Unavailable:
                raise
            except Exception as error:
                self._failures[name] = self._failures.get(name, 0) + 1
                if self._failures[name] < TRIES:
                    raise
                self._park(outbox, found, row.actor, part_id, part, error)
            self._failures.pop(name, None)

    def _deliver_again(self, outbox: Outbox, parked: Parked) -> None:
        """Refused once more, it stays with the reason of now. Who has taken it before passes it over."""
        listening = self._listening(parked.consumer, parked.event)
        if not listening:
            why = f"{parked.consumer} listens to {parked.event['type']} no more"
            outbox.park(parked.consumer, parked.event_id, parked.event, parked.actor, why)
            return
        for found in listening:
            try:
                self._hand(found, parked.actor, parked.event_id, parked.event)
            except Unavailable:
                raise
            except Exception as error:
                self._park(outbox, found, parked.actor, parked.event_id, parked.event, error)
                return
        outbox.unpark(parked.consumer, parked.event_id)

    def _listening(self, consumer: str, part: Mapping[str, Any]) -> list[Listener]:
        return [found for found in self._listeners[consumer] if found.event.event_type() == part["type"]]

    def _hand(self, found: Listener, actor: str, part_id: str, part: Mapping[str, Any]) -> None:
        event = found.event.model_validate(part["data"])
        call = Call.system(self._clock(), actor=actor)
        self._directory.hosted[found.noun].handle(found.noun, found.handler, call, event, part_id)

    def _park(
        self, outbox: Outbox, found: Listener, actor: str, part_id: str, part: dict[str, Any], error: Exception
    ) -> None:
        log.error("%s cannot take %s of %s; it is parked", found.noun, part["type"], part_id, exc_info=error)
        outbox.park(found.noun, part_id, dict(part), actor, f"{type(error).__name__}: {error}")

    # -- life in a process -----------------------------------------------------------------------------------------------

    def start(self) -> None:
        for consumer in self.consumers():
            self._wake[consumer] = threading.Event()
            self._run(self._follow, consumer)
        self._run(self._hear, "notifications")

    def stop(self) -> None:
        self._stopped.set()
        for wake in self._wake.values():
            wake.set()
        # Who waits for notifications leaves with one, not at the end of its wait.
        with suppress(psycopg.Error, Unavailable), self._store.database.connect() as connection:
            connection.execute(f"NOTIFY {CHANNEL}")
        for thread in self._threads:
            thread.join(timeout=20)

    def _run(self, target: Callable[[str], None], name: str) -> None:
        thread = threading.Thread(target=target, args=(name,), name=f"denghuo-relay-{name}", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _follow(self, consumer: str) -> None:
        wake = self._wake[consumer]
        while True:
            wake.clear()
            if self._stopped.is_set():
                return
            try:
                self.round(consumer)
            except Exception as error:
                log.warning("%s will be asked again: %s", consumer, error)
            wake.wait(WAIT_S)

    def _hear(self, name: str) -> None:
        while not self._stopped.is_set():
            try:
                with self._store.database.connect() as connection:
                    connection.execute(f"LISTEN {CHANNEL}")
                    while not self._stopped.is_set():
                        for _ in connection.notifies(timeout=1.0, stop_after=1):
                            for wake in self._wake.values():
                                wake.set()
            except (psycopg.Error, Unavailable):
                self._stopped.wait(WAIT_S)


def settle(directory: Directory, clock: Callable[[], datetime], jobs: InlineJobs | None = None) -> None:
    """Delivers all events and runs all jobs of this process in the caller's thread until nothing is left. jobs: keeps those that
    may not begin yet for the next time; without it they are forgotten."""
    jobs = jobs or InlineJobs()
    relay = Relay(directory, next(iter(directory.hosted.values())).store, jobs, clock)
    busy = True
    while busy:
        waiting = [consumer for consumer in relay.consumers() if relay.waiting(consumer)]
        took = [relay.round(consumer) for consumer in waiting]
        drained = jobs.drain(directory, clock)
        busy = drained or bool(waiting)
        if waiting and not drained and not any(took):
            threading.Event().wait(HELD_BACK_S)


def _order(row: Outgoing, part_id: str, part: Mapping[str, object]) -> Order:
    order = {"job_id": part_id, "operation": part["job"], "request": part["data"], "actor": row.actor}
    return order | {"trace": row.trace} | ({"at": part["at"]} if "at" in part else {})

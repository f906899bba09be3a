"""The two ways to hold a service in tests: bound to this process, and through HTTP with a signed call token."""

import atexit
import collections
import contextlib
import functools
import itertools
import pathlib
import socket
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime

import httpx
import uvicorn
from fastapi import FastAPI, Request
from starlette.types import Receive, Scope, Send

from denghuo.data.processing.database import Database
from denghuo.data.processing.dataset import Datasets
from denghuo.kernel.contract import Api, Call, Message, Operation
from denghuo.kernel.problem import NotSignedIn
from denghuo.service.host import relay
from denghuo.service.host.binding import Directory, Implementation, Store, bound
from denghuo.service.host.http import application
from denghuo.service.host.remote import Remote
from denghuo.service.host.token import Signer
from tests.exercised import RecordedLocal, recorded

KEY = b"a key for tests, thirty-two bytes!"[:32]
NOW = datetime(2026, 5, 1, 1, tzinfo=UTC)


def clock() -> datetime:
    return datetime.now(UTC)


def local(database: Database, folder: pathlib.Path, services: Mapping[type[Api], Implementation]) -> Directory:
    """All given services in this process."""
    store = Store(database, Datasets(database, folder), KEY)
    directory = Directory()
    for contract, implementation in services.items():
        directory.bind(contract, RecordedLocal(store, implementation, directory))
    return directory


class _Hosting:
    """A web application over some contracts that takes call tokens. Whose services it hosts changes from test to test: its routes
    are the same, and to make them takes longer than most tests."""

    def __init__(self, contracts: Iterable[type[Api]]) -> None:
        self.services: dict[str, Api] = {}
        self._signer = Signer(KEY)
        self.app = application([bound(contract, self._invoke) for contract in contracts], self._caller)

    def _invoke(self, operation: Operation, call: Call, request: Message) -> Message:
        return getattr(self.services[operation.noun], operation.name)(call, request)

    def _caller(self, request: Request) -> Call:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme != "Bearer":
            raise NotSignedIn()
        return self._signer.read(token, clock())


_idle: dict[tuple[type[Api], ...], list[_Hosting]] = collections.defaultdict(list)
"""Applications that no test uses now, by their contracts."""


@contextlib.contextmanager
def web(directory: Directory) -> Iterator[httpx.Client]:
    """A client of a web server on a loopback port that hosts the directory's services and takes call tokens."""
    contracts = tuple(api.contract() for api in directory.bound.values())
    hosting = _idle[contracts].pop() if _idle[contracts] else _Hosting(contracts)
    hosting.services = {noun: _unrecorded(directory, api) for noun, api in directory.bound.items()}
    with serving(hosting.app) as client:
        yield client
    hosting.services = {}
    _idle[contracts].append(hosting)


def _unrecorded(directory: Directory, api: Api) -> Api:
    """The service for callers through HTTP: what they ask was asked remotely, so it does not count as local."""
    here = directory.hosted.get(api.noun)
    return here.unrecorded(type(api)) if isinstance(here, RecordedLocal) else api


class _Server:
    """One web server of the whole test run, on a loopback port: starting and stopping one for each test takes longer than most
    tests. Each application has a path of its own below it, for as long as it is served."""

    def __init__(self) -> None:
        self._applications: dict[str, FastAPI] = {}
        self._answering: collections.Counter[str] = collections.Counter()
        self._numbers = itertools.count()
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        config = uvicorn.Config(self._answer, interface="asgi3", log_level="critical", lifespan="off")
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [listener]}, daemon=True)
        self._thread.start()
        atexit.register(self._stop)

    def _stop(self) -> None:
        self._server.should_exit = True
        self._thread.join()

    @contextlib.contextmanager
    def serve(self, app: FastAPI) -> Iterator[str]:
        """The address of the application. Who leaves waits until what was asked is answered, for its database is dropped next."""
        at = f"/{next(self._numbers)}"
        self._applications[at] = app
        try:
            yield self.url + at
        finally:
            while self._answering[at]:
                time.sleep(0.005)
            del self._applications[at]

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        number, _, path = scope["path"][1:].partition("/")
        at = f"/{number}"
        self._answering[at] += 1
        try:
            raw = scope["raw_path"][len(at) :]
            await self._applications[at]({**scope, "path": f"/{path}", "raw_path": raw}, receive, send)
        finally:
            self._answering[at] -= 1


_server = functools.cache(_Server)


@contextlib.contextmanager
def serving(app: FastAPI) -> Iterator[httpx.Client]:
    """A client of the application through a loopback port."""
    with _server().serve(app) as url, httpx.Client(base_url=url, timeout=60) as client:
        yield client


def settle(directory: Directory) -> None:
    """Delivers all events and runs all jobs of the directory's services until nothing is left."""
    relay.settle(directory, clock)


def remote(contract: type[Api], client: httpx.Client) -> Api:
    return bound(contract, recorded(Remote(client, Signer(KEY), clock)))

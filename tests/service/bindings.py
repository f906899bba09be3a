"""The two ways to hold a service in tests: bound to this process, and through HTTP with a signed call token."""

import contextlib
import pathlib
import socket
import threading
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

import httpx
import uvicorn
from fastapi import FastAPI, Request

from denghuo.data.processing.database import Database
from denghuo.data.processing.dataset import Datasets
from denghuo.kernel.contract import Api, Call
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


@contextlib.contextmanager
def web(directory: Directory) -> Iterator[httpx.Client]:
    """A client of a web server on a loopback port that hosts the directory's services and takes call tokens."""
    signer = Signer(KEY)

    def caller(request: Request) -> Call:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme != "Bearer":
            raise NotSignedIn()
        return signer.read(token, clock())

    apis = [_unrecorded(directory, api) for api in directory.bound.values()]
    with serving(application(apis, caller)) as client:
        yield client


def _unrecorded(directory: Directory, api: Api) -> Api:
    """The service for callers through HTTP: what they ask was asked remotely, so it does not count as local."""
    here = directory.hosted.get(api.noun)
    return here.unrecorded(type(api)) if isinstance(here, RecordedLocal) else api


@contextlib.contextmanager
def serving(app: FastAPI) -> Iterator[httpx.Client]:
    """A client of the application on a loopback port."""
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical"))
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{listener.getsockname()[1]}", timeout=60) as client:
            yield client
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


def settle(directory: Directory) -> None:
    """Delivers all events and runs all jobs of the directory's services until nothing is left."""
    relay.settle(directory, clock)


def remote(contract: type[Api], client: httpx.Client) -> Api:
    return bound(contract, recorded(Remote(client, Signer(KEY), clock)))

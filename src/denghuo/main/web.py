"""The web of a process: the operations that it hosts behind the edge, and the pages."""

import contextlib
import errno
import json
import signal
import socket
import threading
from collections.abc import Iterator

import uvicorn
from fastapi import FastAPI, Request, Response
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp

from denghuo.application.channels import serve
from denghuo.application.menus.catalogue import Catalogue
from denghuo.kernel.contract import Call
from denghuo.kernel.problem import NotSignedIn, Unavailable, text
from denghuo.main.composition import Platform, now
from denghuo.service.host.http import Caller, application

BACKLOG = 1_024


class PortInUse(Unavailable, noun="platform", status=503, zh="端口已被占用", en="The port is in use"):
    """Fields: host, port."""


def peer_caller(platform: Platform) -> Caller:
    """Calls that come from other processes of the deployment: with a signed call token and nothing else."""

    def caller(request: Request) -> Call:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme != "Bearer":
            raise NotSignedIn()
        return platform.signer.read(token, now())

    return caller


def web(platform: Platform) -> ASGIApp:
    """What this process serves. Where it hosts access, people sign in; where it hosts the application module, the
    pages stand beside the API."""
    access, hosted = platform.access, platform.directory.hosted
    caller = access.edge.caller if access is not None else peer_caller(platform)
    app = application((api for noun, api in platform.directory.bound.items() if noun in hosted), caller)
    if platform.catalogue is not None:
        _contracts_route(app, platform.catalogue, caller)
        serve(app)
    app.add_middleware(GZipMiddleware, minimum_size=1_000)
    return access.edge.secured(app) if access is not None else app


def _contracts_route(app: FastAPI, catalogue: Catalogue, caller: Caller) -> None:
    body = json.dumps({"operations": catalogue.operations}, ensure_ascii=False)

    @app.get("/api/contracts.json", include_in_schema=False)
    def contracts(http: Request) -> Response:
        caller(http)
        return Response(body, media_type="application/json")


def listen(host: str, port: int) -> socket.socket:
    """A listening socket.

    Raises:
        PortInUse: another process has the port.
    """
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        if error.errno != errno.EADDRINUSE:
            raise
        raise PortInUse(
            text(
                f"端口 {host}:{port} 已被其他程序占用。请停止该程序，或以 --port 指定其他端口（--port 0 自动选择）。",
                f"Port {host}:{port} is taken by another program. Stop it, or choose another with --port (--port 0 picks one).",
            ),
            host=host,
            port=port,
        ) from error
    return listener


@contextlib.contextmanager
def _signals(server: uvicorn.Server) -> Iterator[None]:
    """Ctrl-C and SIGTERM end the server in order; streams that browsers hold open do not delay it."""

    def end(number: int, frame: object) -> None:
        server.should_exit = True

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def run(app: ASGIApp, listener: socket.socket) -> None:
    """Serves until Ctrl-C or SIGTERM."""
    # Proxy headers are read by the edge, from the proxies that it is told to trust; uvicorn would believe any local client.
    config = uvicorn.Config(
        app, log_level="warning", timeout_graceful_shutdown=2, server_header=False, proxy_headers=False, log_config=None
    )
    server = uvicorn.Server(config)
    with _signals(server):
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="denghuo-web")
        thread.start()
        while thread.is_alive():
            thread.join(timeout=0.2)

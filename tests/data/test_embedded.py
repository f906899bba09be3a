"""The embedded server survives what happens to servers."""

import os
import pathlib
import signal
import subprocess
import sys

import psycopg
import pytest

from denghuo.data.processing.embedded import EmbeddedServer, FolderInUse, FolderUnusable

_OUTLIVED = """
import os, pathlib, sys
from denghuo.data.processing.embedded import EmbeddedServer
EmbeddedServer(pathlib.Path(sys.argv[1])).start()
os._exit(0)  # like kill -9: nothing is stopped
"""


def test_crash_loses_nothing_and_a_second_start_finds_all(tmp_path: pathlib.Path) -> None:
    server = EmbeddedServer(tmp_path / "pg")
    dsn = server.start()
    with psycopg.connect(dsn) as connection:
        connection.execute("CREATE TABLE kept (name text)")
        connection.execute("INSERT INTO kept VALUES ('灯火')")
    pid = server.pid()
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    server.stop()
    with EmbeddedServer(tmp_path / "pg") as again, psycopg.connect(again) as connection:
        assert connection.execute("SELECT name FROM kept").fetchone() == ("灯火",)


def test_outlived_server_is_adopted_and_stopped(tmp_path: pathlib.Path) -> None:
    subprocess.run([sys.executable, "-c", _OUTLIVED, str(tmp_path / "pg")], check=True)
    server = EmbeddedServer(tmp_path / "pg")
    before = server.pid()
    assert before is not None
    with psycopg.connect(server.start()) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    assert server.pid() == before
    server.stop()
    assert server.pid() is None


def test_second_supervisor_is_refused(tmp_path: pathlib.Path) -> None:
    with EmbeddedServer(tmp_path / "pg") as dsn:
        with pytest.raises(FolderInUse):
            EmbeddedServer(tmp_path / "pg").start()
        with psycopg.connect(dsn) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)


def test_unusable_folder_is_named(tmp_path: pathlib.Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FolderUnusable) as raised:
        EmbeddedServer(tmp_path / "file" / "pg").start()
    assert str(tmp_path) in raised.value.folder


def test_stale_process_id_of_a_stranger_is_left_alone(tmp_path: pathlib.Path) -> None:
    (tmp_path / "pg" / "cluster").mkdir(parents=True)
    (tmp_path / "pg" / "cluster" / "postmaster.pid").write_text(f"{os.getpid()}\n")
    server = EmbeddedServer(tmp_path / "pg")
    assert server.pid() is None
    server.stop()

"""Databases of tests: made in a moment as copies of one that has every schema, and dropped afterwards."""

import pathlib
import shutil
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import sql

import denghuo
from denghuo.data.processing.migration import migrate

MEMORY = pathlib.Path("/dev/shm")
ROOM_BYTES = 4 * 2**30
"""What a server of the whole suite may need at most: its write-ahead log and the databases of a few tests at a time."""


@contextmanager
def in_memory() -> Iterator[pathlib.Path | None]:
    """A folder in memory, where the machine has room for it: a database there is made ten times as fast as on a disk."""
    if not MEMORY.is_dir() or shutil.disk_usage(MEMORY).free < ROOM_BYTES:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="denghuo-test-", dir=MEMORY) as folder:
        yield pathlib.Path(folder)


def first_start(folder: pathlib.Path) -> pathlib.Path:
    """Starts the product over a new data folder and stops it: the folder has its own server with every schema, and its key."""
    from denghuo.main.composition import platform  # with all of the program, which most tests do without
    from denghuo.settings import load

    with platform(load(None, {}, {"data": str(folder)}), alone=True):
        pass
    return folder


@contextmanager
def database(server_dsn: str, template: str | None = None) -> Iterator[str]:
    """The DSN of a new database: an empty one, or a copy of the database named by `template`.

    Files are copied rather than pages logged: half the time where the files lie in memory.
    """
    name = f"test_{uuid.uuid4().hex[:12]}"
    copied = (
        sql.SQL("") if template is None else sql.SQL(" TEMPLATE {} STRATEGY FILE_COPY").format(sql.Identifier(template))
    )
    with psycopg.connect(server_dsn, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)) + copied)
    yield psycopg.conninfo.make_conninfo(server_dsn, dbname=name)
    with psycopg.connect(server_dsn, autocommit=True) as connection:
        _drop(connection, name)


@contextmanager
def migrated(server_dsn: str) -> Iterator[str]:
    """The name of a new database with the schemas of all services and of access."""
    with database(server_dsn) as dsn:
        migrate(dsn, schemas())
        yield str(psycopg.conninfo.conninfo_to_dict(dsn)["dbname"])


def schemas() -> list[str]:
    """What keeps tables of its own: the packages with migrations outside the data layer."""
    root = pathlib.Path(denghuo.__file__).parent
    return sorted(
        folder.parent.name for folder in (*root.glob("service/*/migrations"), *root.glob("access/migrations"))
    )


def _drop(connection: psycopg.Connection, name: str) -> None:
    """Drops a database with who is still in it. A worker of the server itself (autovacuum) may not be ended: it soon goes."""
    for attempt in range(50):
        try:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
            return
        except (psycopg.errors.InsufficientPrivilege, psycopg.errors.ObjectInUse):
            if attempt == 49:
                raise
            time.sleep(0.1)

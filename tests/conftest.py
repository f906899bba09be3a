"""Fixtures of the whole suite: a PostgreSQL server and fresh databases in it."""

import os
import uuid
from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql

from denghuo.data.processing.embedded import EmbeddedServer


@pytest.fixture(scope="session")
def postgres_dsn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The server under test: the embedded one, or DENGHUO_TEST_DSN (a role with CREATEDB and CREATEROLE)."""
    given = os.environ.get("DENGHUO_TEST_DSN")
    if given:
        yield given
        return
    with EmbeddedServer(tmp_path_factory.mktemp("postgres")) as dsn:
        yield dsn


@pytest.fixture
def database_dsn(postgres_dsn: str) -> Iterator[str]:
    """A fresh, empty database; dropped afterwards."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(postgres_dsn, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    yield psycopg.conninfo.make_conninfo(postgres_dsn, dbname=name)
    with psycopg.connect(postgres_dsn, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

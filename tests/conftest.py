"""Fixtures of the whole suite: a PostgreSQL server and fresh databases in it."""

import os
import time
import uuid
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from psycopg import sql
from xdist.scheduler import LoadScopeScheduling

from denghuo.data.processing.embedded import EmbeddedServer
from tests.exercised import Exercised
from tests.scope import Scope, known_rows

# A busy machine is no reason to call a property false.
settings.register_profile("suite", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("suite")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--scope", action="store_true", help="print which functions of docs/scope.csv have a passing test")


class ByFile(LoadScopeScheduling):
    """A file is run by one worker, so that what its tests share is made once; all browser tests are, for they share one product."""

    def _split_scope(self, nodeid: str) -> str:
        path = nodeid.partition("::")[0]
        return "tests/browser" if path.startswith("tests/browser/") else path


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFile:
    return ByFile(config, log)


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--scope"):
        config.pluginmanager.register(Scope(), "scope")
    config.pluginmanager.register(Exercised(config), "exercised")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    known = known_rows()
    for item in items:
        for mark in item.iter_markers("scope"):
            unknown = [row for row in mark.args if row not in known]
            if unknown:
                raise pytest.UsageError(f"{item.nodeid}: docs/scope.csv has no row {', '.join(unknown)}")
            item.user_properties.extend(("scope", row) for row in mark.args)


def drop_database(connection: psycopg.Connection, name: str) -> None:
    """Drops a database with who is still in it. A worker of the server itself (autovacuum) may not be ended: it soon goes."""
    for attempt in range(50):
        try:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
            return
        except (psycopg.errors.InsufficientPrivilege, psycopg.errors.ObjectInUse):
            if attempt == 49:
                raise
            time.sleep(0.1)


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
        drop_database(connection, name)

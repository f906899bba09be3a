"""Fixtures of the whole suite: a PostgreSQL server and fresh databases in it."""

import contextlib
import fcntl
import gc
import importlib
import os
import pathlib
import pkgutil
import shutil
import unittest.mock
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, is_hypothesis_test, settings
from xdist.scheduler import LoadScopeScheduling

import denghuo
import denghuo_verify
from denghuo.data.processing.embedded import OPTIONS, EmbeddedServer
from tests.databases import database, first_start, in_memory, migrated
from tests.exercised import Exercised
from tests.scope import Scope, known_rows

# A busy machine is no reason to call a property false, and the same code has the same verdict: properties of the suite are tried on
# the same examples every time. `make fuzz` looks for new ones; what it finds becomes an example of its own.
settings.register_profile("suite", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
settings.register_profile(
    "fuzz", deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=2_000, derandomize=False
)
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
    if not hasattr(config, "workerinput") and config.getoption("basetemp") is None:
        # What tests write is written to be sure that it is on the disk: in memory that takes no time.
        kept = contextlib.ExitStack()
        config.option.basetemp = kept.enter_context(in_memory())
        config.add_cleanup(kept.close)
    if config.getoption("--scope"):
        config.pluginmanager.register(Scope(), "scope")
    config.pluginmanager.register(Exercised(config), "exercised")
    # What is collected stays to the end: to look through it for garbage again and again takes half of the collection.
    gc.disable()


LONGEST_FIRST = ("browser", "service/billing", "verify", "service/reading", "scenario", "main", "importer", "data")
"""Folders in the order in which workers take their files: what takes long begins early, so that nobody waits at the end; and what
starts processes of its own begins once the browser has the machine no more."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    ranks = {folder: rank for rank, folder in enumerate(LONGEST_FIRST)}

    def turn(item: pytest.Item) -> tuple[int, bool]:
        rank = min((ranks[at] for at in ranks if f"tests/{at}/" in item.nodeid), default=len(ranks))
        # A product works also while no test asks it for anything: the second one is started for the last of the pages.
        return rank, not rank and "months" in getattr(item, "fixturenames", ())

    items.sort(key=turn)
    known = known_rows()
    for item in items:
        for mark in item.iter_markers("scope"):
            unknown = [row for row in mark.args if row not in known]
            if unknown:
                raise pytest.UsageError(f"{item.nodeid}: docs/scope.csv has no row {', '.join(unknown)}")
            item.user_properties.extend(("scope", row) for row in mark.args)


def pytest_collection_finish(session: pytest.Session) -> None:
    # Properties are tried on the numbers and words that stand in loaded modules of the product too: with all of them loaded a
    # property alone is tried on the examples of the whole run.
    if any(is_hypothesis_test(getattr(item, "obj", None)) for item in session.items):
        for name in product_modules():
            importlib.import_module(name)
    gc.freeze()
    gc.enable()


def product_modules() -> Iterator[str]:
    """The names of all modules of the platform and of its verifier, but for those that run as a program."""
    for package in (denghuo, denghuo_verify):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.endswith(".__main__"):
                yield module.name


@pytest.fixture(scope="session")
def postgres_dsn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The server under test: the embedded one, or DENGHUO_TEST_DSN (a role with CREATEDB and CREATEROLE)."""
    given = os.environ.get("DENGHUO_TEST_DSN")
    if given:
        yield given
        return
    with in_memory() as folder:
        server = EmbeddedServer(folder or tmp_path_factory.mktemp("postgres"))
        # Nothing of it outlives the run: where no file is flushed, a database is copied and dropped in two thirds of the time.
        with unittest.mock.patch.dict(OPTIONS, {"fsync": "off", "full_page_writes": "off"}):
            dsn = server.start()
        try:
            yield dsn
        finally:
            server.stop()


@pytest.fixture(scope="session")
def template(postgres_dsn: str) -> Iterator[str]:
    """The name of a database with every schema, of which each test gets a copy: migrating anew would take it seconds."""
    with migrated(postgres_dsn) as name:
        yield name


@pytest.fixture
def database_dsn(postgres_dsn: str, template: str) -> Iterator[str]:
    """A fresh database with the schemas of all services; dropped afterwards."""
    with database(postgres_dsn, template) as dsn:
        yield dsn


@pytest.fixture
def empty_dsn(postgres_dsn: str) -> Iterator[str]:
    """A fresh database without any schema; dropped afterwards."""
    with database(postgres_dsn) as dsn:
        yield dsn


@pytest.fixture(scope="session")
def first_started(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """A data folder after its first start, to be copied: a first start makes the server and every schema, for seconds. One for all
    workers of the run."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    with (folder / "first-started.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        made = folder / "first-started"
        if not made.exists():
            first_start(folder / "starting").rename(made)
    return made


@pytest.fixture
def data_folder(first_started: pathlib.Path, tmp_path: pathlib.Path) -> pathlib.Path:
    """A data folder of its own that has been started before."""
    return pathlib.Path(shutil.copytree(first_started, tmp_path / "data"))

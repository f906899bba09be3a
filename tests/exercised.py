"""Which operations the tests of the services called through which binding; a whole run fails when one is left out.

What a test called travels with its report, so that the controller of a run in several processes sees all of it.
"""

import functools
import pathlib
import threading

import pytest

from denghuo.kernel.contract import Api, Call, Message, Operation
from denghuo.service.host.binding import Invoke, Local, bound

FOLDER = "tests/service"
BINDINGS = ("local", "remote")
PROPERTY = "exercised"
NARROWING = ("keyword", "markexpr", "lf", "failedfirst", "deselect", "ignore", "ignore_glob", "collectonly", "maxfail")
"""Options with which a run is not the whole one."""

_answered: set[str] = set()
_guard = threading.Lock()


def answered(operation: Operation, binding: str) -> None:
    """Keeps that the operation answered: a refusal exercises the edge, not the operation."""
    with _guard:
        _answered.add(f"{operation.full_name} {binding}")


def taken() -> set[str]:
    with _guard:
        found = set(_answered)
        _answered.clear()
    return found


class RecordedLocal(Local):
    """The local binding as tests hold it."""

    def __call__(self, operation: Operation, call: Call, request: Message) -> Message:
        reply = super().__call__(operation, call, request)
        made = self.implementation
        # Composition hands a service what it needs of others by a partial.
        method = getattr(made.func if isinstance(made, functools.partial) else made, operation.name, None)
        # What a test puts in the place of a service does not count.
        if getattr(method, "__module__", "").startswith("denghuo."):
            answered(operation, "local")
        return reply

    def unrecorded(self, contract: type[Api]) -> Api:
        """The same service, whose calls do not count."""
        return bound(contract, functools.partial(Local.__call__, self))


def recorded(remote: Invoke) -> Invoke:
    """The remote binding as tests hold it."""

    def invoke(operation: Operation, call: Call, request: Message) -> Message:
        reply = remote(operation, call, request)
        answered(operation, "remote")
        return reply

    return invoke


class Exercised:
    """The pytest plugin."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._seen: set[str] = set()
        self.missing: list[str] = []

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> None:
        # Before each report is made; a fixture of a module counts for the test that it was set up for.
        item.user_properties.extend((PROPERTY, entry) for entry in sorted(taken()))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.nodeid.startswith(f"{FOLDER}/"):
            self._seen.update(str(entry) for name, entry in report.user_properties if name == PROPERTY)

    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        if exitstatus != pytest.ExitCode.OK or hasattr(self._config, "workerinput") or not whole(self._config):
            return
        self.missing = missing(self._seen)
        if self.missing:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if not self.missing:
            return
        terminalreporter.section("operations that no test calls through a binding", red=True)
        for entry in self.missing:
            terminalreporter.write_line(entry)


def missing(seen: set[str]) -> list[str]:
    """The operations and bindings ("billing.cycle remote") of all services which are not in `seen`."""
    from denghuo.main import SERVICES

    wanted = [
        f"{operation.full_name} {binding}"
        for contract in SERVICES
        for operation in contract.operations().values()
        for binding in BINDINGS
    ]
    return [entry for entry in wanted if entry not in seen]


def whole(config: pytest.Config) -> bool:
    """Whether the run takes in all tests of the services."""
    folder = config.rootpath / FOLDER
    places = [pathlib.Path(config.invocation_params.dir, argument).resolve() for argument in config.args]
    if not any(folder.is_relative_to(place) for place in places):
        return False
    return not any(config.getoption(name, None) for name in NARROWING)

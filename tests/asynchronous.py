"""Coroutines in tests."""

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

Result = TypeVar("Result")


def apart(work: Callable[[], Result]) -> Result:
    """Does it on a thread of its own: while a browser is open, a loop runs on the thread of the tests."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(work).result()


def run(work: Coroutine[Any, Any, Result]) -> Result:
    """Runs it to its end, apart."""
    return apart(lambda: asyncio.run(work))


class _Skipping(selectors.DefaultSelector):
    """Of a wait nothing is waited: it is counted instead."""

    def __init__(self) -> None:
        super().__init__()
        self.skipped_s = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            return super().select(None)
        self.skipped_s += timeout
        return super().select(0)


class _Clocked(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._skipping = _Skipping()
        super().__init__(self._skipping)

    def time(self) -> float:
        return self._skipping.skipped_s


def run_in_no_time(work: Coroutine[Any, Any, Result]) -> Result:
    """As `run`, for work that waits for nothing but time: it passes at once, so a slow machine changes nothing."""

    def ended() -> Result:
        with asyncio.Runner(loop_factory=_Clocked) as runner:
            return runner.run(work)

    return apart(ended)

"""Work in parts on several processes or machines (分片并行): the same function on each part, results in the order of the parts.

A part is a pure function of its job, so a part whose worker died is done again, and how the parts were spread changes no byte of
what comes out. Any executor of `concurrent.futures` serves; `RayExecutor` runs parts on a Ray cluster (extra `cluster`).
"""

import multiprocessing
from collections.abc import Callable, Sequence
from concurrent.futures import BrokenExecutor, Future, ProcessPoolExecutor, as_completed
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar

Job = TypeVar("Job")
Result = TypeVar("Result")
ATTEMPTS = 3


class Workers(Protocol):
    """The part of `concurrent.futures.Executor` that is used here."""

    def submit(self, fn: Callable[..., Any], /, *args: Any) -> "Future[Any]": ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool | None: ...


class PartsLost(RuntimeError):
    """Parts whose workers died each time they were tried."""


def in_parts(
    function: Callable[[Job], Result],
    jobs: Sequence[Job],
    workers: Callable[[], Workers],
    attempts: int = ATTEMPTS,
) -> list[Result]:
    """function(job) of every job, in their order. What a dead worker had taken is given to new workers, what is done is kept.

    Raises:
        PartsLost: workers died at every attempt. Whatever the function itself raises is raised as it is.
    """
    done: dict[int, Result] = {}
    for _ in range(attempts):
        left = [place for place in range(len(jobs)) if place not in done]
        if not left:
            break
        with workers() as pool:
            futures: dict[Future[Result], int] = {}
            for place in left:
                try:
                    futures[pool.submit(function, jobs[place])] = place
                except BrokenExecutor:
                    break
            for future in as_completed(futures):
                try:
                    done[futures[future]] = future.result()
                except BrokenExecutor:
                    continue
    if len(done) < len(jobs):
        lost = [place for place in range(len(jobs)) if place not in done]
        raise PartsLost(f"unable to finish parts {lost}: their workers died {attempts} times")
    return [done[place] for place in range(len(jobs))]


def processes(count: int) -> Callable[[], Workers]:
    """Makes pools of so many processes of this machine. They are spawned: a fork of a process in which DuckDB or Arrow runs
    threads may wait for ever."""

    def pool() -> Workers:
        return ProcessPoolExecutor(count, mp_context=multiprocessing.get_context("spawn"))

    return pool


class RayExecutor:
    """Parts as tasks of a Ray cluster: that of `address`, or one of its own on this machine with `workers` processes.

    Raises:
        ModuleNotFoundError: Ray is not installed (`pip install denghuo[cluster]`).
    """

    def __init__(self, workers: int | None = None, address: str | None = None) -> None:
        import ray

        self._ray: Any = ray
        self._own = not ray.is_initialized()
        if self._own:
            ray.init(
                address=address,
                num_cpus=None if address else workers,
                include_dashboard=False,
                log_to_driver=False,
                configure_logging=False,
            )

    def submit(self, fn: Callable[..., Any], /, *args: Any) -> "Future[Any]":
        """A task that Ray itself gives to another worker when its own dies; once too often is a BrokenExecutor."""
        outcome: Future[Any] = Future()
        task = self._ray.remote(fn).options(max_retries=ATTEMPTS).remote(*args)

        def settle(found: "Future[Any]") -> None:
            error = found.exception()
            if error is None:
                outcome.set_result(found.result())
            elif isinstance(error, self._ray.exceptions.RayTaskError):
                outcome.set_exception(error.cause or error)
            else:
                outcome.set_exception(BrokenExecutor(str(error)))

        task.future().add_done_callback(settle)
        return outcome

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._own:
            self._ray.shutdown()

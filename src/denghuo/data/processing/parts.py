"""Work in parts on several processes or machines (分片并行): the same function on each part, results in the order of the parts.

A part is a pure function of its job, so a part whose worker died is done again, and how the parts were spread changes no byte of
what comes out. Any executor of `concurrent.futures` serves; `Processes` keeps workers of this machine from one piece of work to
the next, `RayExecutor` runs parts on a Ray cluster (extra `cluster`).
"""

import multiprocessing
import os
import threading
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


class PartsLost(RuntimeError):
    """Parts whose workers died each time they were tried."""


def in_parts(
    function: Callable[[Job], Result],
    jobs: Sequence[Job],
    workers: Workers,
    attempts: int = ATTEMPTS,
) -> list[Result]:
    """function(job) of every job, in their order. What a dead worker had taken is given to another, what is done is kept.

    Raises:
        PartsLost: workers died at every attempt. Whatever the function itself raises is raised as it is.
    """
    done: dict[int, Result] = {}
    for _ in range(attempts):
        left = [place for place in range(len(jobs)) if place not in done]
        if not left:
            break
        futures: dict[Future[Result], int] = {}
        for place in left:
            try:
                futures[workers.submit(function, jobs[place])] = place
            except BrokenExecutor:
                break
        try:
            for future in as_completed(futures):
                try:
                    done[futures[future]] = future.result()
                except BrokenExecutor:
                    continue
        finally:
            for future in futures:
                future.cancel()
    if len(done) < len(jobs):
        lost = [place for place in range(len(jobs)) if place not in done]
        raise PartsLost(f"unable to finish parts {lost}: their workers died {attempts} times")
    return [done[place] for place in range(len(jobs))]


class Processes:
    """Processes of this machine that stay until they are closed: to start one takes longer than many a part.

    The first part starts them; where one died, the next part starts them anew. They are forked off a server that has loaded
    `modules` and runs no thread: a fork of a process in which DuckDB or Arrow runs threads may wait for ever.
    """

    def __init__(self, count: int, modules: Sequence[str] = ()) -> None:
        self.count = count
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload([*modules])
        self._lock = threading.Lock()
        self._pool: ProcessPoolExecutor | None = None

    def submit(self, fn: Callable[..., Any], /, *args: Any) -> "Future[Any]":
        with self._lock:
            if self._pool is not None:
                try:
                    return self._pool.submit(fn, *args)
                except BrokenExecutor:
                    self._pool.shutdown()
            self._pool = ProcessPoolExecutor(self.count, mp_context=self._context, initializer=_end_with_parent)
            return self._pool.submit(fn, *args)

    def close(self) -> None:
        """Ends the processes; parts that nobody began are given up."""
        with self._lock:
            if self._pool is not None:
                self._pool.shutdown(cancel_futures=True)
                self._pool = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def _end_with_parent() -> None:
    """A worker waits for work for ever, also after whoever would give it was killed; so it watches for that."""
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True, name="end-with-parent").start()


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
            if not outcome.set_running_or_notify_cancel():
                return
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

"""Work in parts: whatever runs the parts, the same results in the same order, and a dead worker's part is done again."""

import os
import pathlib
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import cast

import pytest

from denghuo.service.billing.engine.pool import PartsLost, RayExecutor, Workers, in_parts, processes

Job = tuple[int, str]


def squared(job: Job) -> int:
    """The square of a number. Names a file: where it is not there yet, the worker writes it and dies."""
    number, marker = job
    if marker and not pathlib.Path(marker).exists():
        pathlib.Path(marker).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return number * number


def always_dies(job: Job) -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return job[0]


def refuses(job: Job) -> int:
    raise ValueError(f"{job[0]} is no good")


def ray_workers() -> Workers:
    pytest.importorskip("ray", reason="Ray comes with the extra `cluster`")
    return RayExecutor(2)


def threads() -> Workers:
    return cast(Workers, ThreadPoolExecutor(2))


POOLS = pytest.mark.parametrize("workers", [processes(2), ray_workers], ids=["processes", "ray"])


@pytest.mark.parametrize("workers", [threads, processes(2), ray_workers], ids=["threads", "processes", "ray"])
def test_results_come_in_the_order_of_the_jobs(workers: Callable[[], Workers]) -> None:
    assert in_parts(squared, [(number, "") for number in range(9)], workers) == [number**2 for number in range(9)]


@POOLS
def test_part_of_a_killed_worker_is_done_again(workers: Callable[[], Workers], tmp_path: pathlib.Path) -> None:
    jobs = [(number, str(tmp_path / "died") if number == 3 else "") for number in range(6)]
    assert in_parts(squared, jobs, workers) == [0, 1, 4, 9, 16, 25]
    assert (tmp_path / "died").exists()


def test_workers_that_die_every_time_are_said(tmp_path: pathlib.Path) -> None:
    with pytest.raises(PartsLost, match=r"\[0\]"):
        in_parts(always_dies, [(0, "")], processes(1), attempts=2)


@POOLS
def test_what_a_part_raises_is_raised(workers: Callable[[], Workers]) -> None:
    with pytest.raises(ValueError, match="7 is no good"):
        in_parts(refuses, [(7, "")], workers)


def test_nothing_to_do_starts_no_worker() -> None:
    assert in_parts(squared, [], lambda: pytest.fail("started")) == []

"""Work in parts: whatever runs the parts, the same results in the same order, and a dead worker's part is done again."""

import os
import pathlib
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from denghuo.data.processing.parts import PartsLost, Processes, RayExecutor, Workers, in_parts

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


def own_id(_: int) -> int:
    return os.getpid()


def refuses(job: Job) -> int:
    raise ValueError(f"{job[0]} is no good")


@pytest.fixture(params=["threads", "processes", "ray"])
def workers(request: pytest.FixtureRequest) -> Iterator[Workers]:
    if request.param == "threads":
        with ThreadPoolExecutor(2) as threads:
            yield threads
        return
    if request.param == "ray":
        pytest.importorskip("ray", reason="Ray comes with the extra `cluster`")
    with Processes(2) if request.param == "processes" else RayExecutor(2) as pool:
        yield pool


def test_results_come_in_the_order_of_the_jobs(workers: Workers) -> None:
    assert in_parts(squared, [(number, "") for number in range(9)], workers) == [number**2 for number in range(9)]


@pytest.mark.parametrize("workers", ["processes", "ray"], indirect=True)
def test_part_of_a_killed_worker_is_done_again(workers: Workers, tmp_path: pathlib.Path) -> None:
    jobs = [(number, str(tmp_path / "died") if number == 3 else "") for number in range(6)]
    assert in_parts(squared, jobs, workers) == [0, 1, 4, 9, 16, 25]
    assert (tmp_path / "died").exists()
    assert in_parts(squared, jobs, workers) == [0, 1, 4, 9, 16, 25]


def test_workers_that_die_every_time_are_said() -> None:
    with Processes(1) as workers:
        with pytest.raises(PartsLost, match=r"\[0\]"):
            in_parts(always_dies, [(0, "")], workers, attempts=2)
        assert in_parts(squared, [(2, "")], workers) == [4]


def test_what_a_part_raises_is_raised(workers: Workers) -> None:
    with pytest.raises(ValueError, match="7 is no good"):
        in_parts(refuses, [(7, "")], workers)


def test_processes_stay_from_one_work_to_the_next() -> None:
    with Processes(1, ["denghuo.kernel.period"]) as workers:
        first = in_parts(own_id, [0, 1], workers)
        assert first == in_parts(own_id, [0, 1], workers)
        assert first != [os.getpid()] * 2


def test_nothing_to_do_starts_no_worker() -> None:
    class Idle:
        def submit(self, fn: Callable[..., Any], /, *args: Any) -> "Future[Any]":
            pytest.fail("started")

    assert in_parts(squared, [], Idle()) == []


def test_workers_end_with_the_process_that_was_killed(tmp_path: pathlib.Path) -> None:
    """However it was ended: nobody else would ever end them."""
    script = tmp_path / "owner.py"
    script.write_text(
        "import os, signal\n"
        "from denghuo.data.processing.parts import Processes, in_parts\n"
        "if __name__ == '__main__':\n"
        "    workers = Processes(1)\n"
        "    print(workers.submit(os.getpid).result(), flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    said = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False)
    worker = int(said.stdout)
    for _ in range(600):
        if not pathlib.Path(f"/proc/{worker}").exists():
            return
        time.sleep(0.1)
    os.kill(worker, signal.SIGKILL)
    pytest.fail("the worker outlived its owner")

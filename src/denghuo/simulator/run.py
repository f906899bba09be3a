"""Many simulated terminals in one process."""

import asyncio
import contextlib
import pathlib
import signal
from collections.abc import Callable, Mapping

from denghuo.simulator.county import load
from denghuo.simulator.terminal import Behaviour, Tally, Terminal, faults_of

PER_SECOND = 200
"""Connections that are begun in a second, so that a head-end's queue of connections is not the first thing that is tested."""
SAY_EVERY_S = 10.0


async def simulate(
    folder: pathlib.Path,
    host: str,
    port: int,
    heartbeat_s: float,
    shares: Mapping[str, float],
    seed: str,
    say: Callable[[str], None],
    most: int | None = None,
) -> Tally:
    """Runs the terminals of an import folder until the process is told to stop."""
    concentrators, county = load(folder)
    tally, tasks = Tally(), []
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError, RuntimeError):
            asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    for place, concentrator in enumerate(concentrators[:most]):
        behaviour = Behaviour(heartbeat_s=heartbeat_s, faults=faults_of(concentrator.terminal_no, shares, seed))
        terminal = Terminal(concentrator, county, behaviour, tally)
        tasks.append(asyncio.create_task(terminal.run(host, port)))
        if place % PER_SECOND == PER_SECOND - 1:
            await asyncio.sleep(1)
    while not stopped.is_set():
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stopped.wait(), SAY_EVERY_S)
        say(
            f"在线 online {tally.online}/{len(tasks)}  登录 logins {tally.logins}  拒绝 refused {tally.refused}"
            f"  请求 requests {tally.requests}  应答 answers {tally.answers}  事件 events {tally.told}"
        )
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return tally

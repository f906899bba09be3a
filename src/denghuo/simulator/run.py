"""Many simulated terminals, gateways, meters and stations in one process."""

import asyncio
import contextlib
import pathlib
import signal
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from denghuo.simulator.county import Concentrator, County, load
from denghuo.simulator.direct import DirectMeters
from denghuo.simulator.gateway import Gateway
from denghuo.simulator.listening import Listening
from denghuo.simulator.modbus import ModbusLine
from denghuo.simulator.mqtt import BrokerAddress, MqttTerminal
from denghuo.simulator.station import Station
from denghuo.simulator.terminal import Behaviour, Tally, Terminal, faults_of

PER_SECOND = 200
"""Connections that are begun in a second, so that a head-end's queue of connections is not the first thing that is tested."""
SAY_EVERY_S = 10.0
LISTENING: Mapping[str, type[Listening]] = {
    "dlms": DirectMeters,
    "dlt645": Gateway,
    "modbus": ModbusLine,
    "iec104": Station,
}
"""What waits to be dialled, by protocol."""
FILES = ("terminals.csv", "terminal_meters.csv", "register_reads.parquet")


class NotSimulated(Exception):
    """What was asked for cannot be; the message says what to do."""


@dataclass(frozen=True)
class Towards:
    """Where terminals connect to: those of 376.1 and 698.45 to the head-end, MQTT ones to the broker. What is dialled listens at
    its endpoint, with `listen` instead of the host where it is given."""

    head_end: tuple[str, int] | None = None
    broker: BrokerAddress | None = None
    listen: str = ""


async def simulate(
    folder: pathlib.Path,
    towards: Towards,
    heartbeat_s: float,
    shares: Mapping[str, float],
    seed: str,
    say: Callable[[str], None],
    most: int | None = None,
) -> Tally:
    """Runs the terminals, gateways, meters and stations of an import folder until the process is told to stop.

    Raises:
        NotSimulated: there is nothing that could run, or one that is dialled cannot listen, or is not told what it holds.
    """
    concentrators, county = _loaded(folder)
    tally, tasks, left_out = Tally(), list[asyncio.Task[None]](), Counter[str]()
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError, RuntimeError):
            asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    try:
        for concentrator in concentrators[:most]:
            behaviour = Behaviour(heartbeat_s=heartbeat_s, faults=faults_of(concentrator.terminal_no, shares, seed))
            task = await _begun(concentrator, county, behaviour, tally, towards)
            if task is None:
                left_out[concentrator.protocol] += 1
                continue
            tasks.append(task)
            if not len(tasks) % PER_SECOND:
                await asyncio.sleep(1)
        if left_out:
            named = ", ".join(f"{protocol} {count}" for protocol, count in sorted(left_out.items()))
            said = (
                f"未模拟 left out: {named}。376.1、698.45 需主站地址，MQTT 需 --broker，其余规约不模拟。"
                " 376.1 and 698.45 need ADDRESS, MQTT needs --broker, other protocols are not simulated."
            )
            if not tasks:
                raise NotSimulated(said)
            say(said)
        while not stopped.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopped.wait(), SAY_EVERY_S)
            say(
                f"在线 online {tally.online}/{len(tasks)}  登录 logins {tally.logins}  拒绝 refused {tally.refused}"
                f"  请求 requests {tally.requests}  应答 answers {tally.answers}  事件 events {tally.told}"
            )
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return tally


def _loaded(folder: pathlib.Path) -> tuple[list[Concentrator], County]:
    for name in FILES:
        if not (folder / name).is_file():
            raise NotSimulated(
                f"{folder}: 没有文件 {name}；请给出导入目录，例如 examples/gaoping/data。"
                f" There is no {name}; name an import folder, such as examples/gaoping/data."
            )
    try:
        return load(folder)
    except (KeyError, ValueError) as error:
        said = f"column {error} is missing 缺少此列" if isinstance(error, KeyError) else str(error)
        raise NotSimulated(
            f"{folder}: {said}。请在 {'、'.join(FILES)} 中更正。 Correct it in {' or '.join(FILES)}."
        ) from error


async def _begun(
    concentrator: Concentrator, county: County, behaviour: Behaviour, tally: Tally, towards: Towards
) -> asyncio.Task[None] | None:
    """It at its work; None where it has nowhere to go, or is of a protocol that is not simulated."""
    if concentrator.protocol in ("gdw3761", "dlt698") and towards.head_end is not None:
        return asyncio.create_task(Terminal(concentrator, county, behaviour, tally).run(*towards.head_end))
    if concentrator.protocol == "mqtt" and towards.broker is not None:
        return asyncio.create_task(MqttTerminal(concentrator, county, behaviour, tally).run(towards.broker))
    if concentrator.protocol not in LISTENING:
        return None
    named = f"{concentrator.protocol} {concentrator.terminal_no}"
    try:
        listening = LISTENING[concentrator.protocol](concentrator, county, behaviour, tally)
    except ValueError as error:
        raise NotSimulated(
            f"{named}: {error}。请在 terminals.csv、terminal_meters.csv 中更正。"
            " Correct it in terminals.csv or terminal_meters.csv."
        ) from error
    host, _, port = concentrator.endpoint.rpartition(":")
    try:
        await listening.listen(towards.listen or host.strip("[]"), int(port))
    except (OSError, ValueError) as error:
        raise NotSimulated(
            f"{named}: endpoint {concentrator.endpoint}: {error}。"
            "请在 terminals.csv 中给出本机空闲的地址，或用 --listen 指定本机地址。"
            " Give an address of this machine that is free in terminals.csv, or one of its hosts by --listen."
        ) from error
    return asyncio.create_task(listening.serve())

"""The command that is the other side of a head-end: simulated terminals, MQTT terminals, gateways, meters and stations."""

import asyncio
import pathlib
from collections.abc import Mapping
from urllib.parse import urlsplit

import click

from denghuo.simulator.mqtt import BrokerAddress
from denghuo.simulator.run import NotSimulated, Towards
from denghuo.simulator.run import simulate as run_simulation
from denghuo.simulator.terminal import FAULTS

PORTS = {"mqtt": 1883, "mqtts": 8883}


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=pathlib.Path))
@click.argument("address", required=False)
@click.option("--broker", metavar="URL", help="mqtt://host:1883 or mqtts://host:8883, of MQTT terminals 消息服务器")
@click.option(
    "--broker-password",
    envvar="DENGHUO_BROKER_PASSWORD",
    default="",
    help="terminals sign in by their number and this 终端密码",
)
@click.option(
    "--broker-ca",
    type=click.Path(exists=True, dir_okay=False),
    help="certificate of who signed the broker's 签发消息服务器证书的根证书",
)
@click.option(
    "--listen", default="", metavar="HOST", help="where what is dialled listens, not at the host of its endpoint"
)
@click.option("--heartbeat", type=click.FloatRange(1), default=60.0, show_default=True, help="seconds 心跳周期（秒）")
@click.option("--fault", "faults", multiple=True, metavar="NAME=SHARE", help=f"one of {', '.join(FAULTS)} 故障=占比")
@click.option("--seed", default="denghuo", help="makes the same choice of terminals with faults again 随机种子")
@click.option("--most", type=click.IntRange(1), help="only so many terminals 终端数上限")
def simulate(
    folder: pathlib.Path,
    address: str | None,
    broker: str | None,
    broker_password: str,
    broker_ca: str | None,
    listen: str,
    heartbeat: float,
    faults: tuple[str, ...],
    seed: str,
    most: int | None,
) -> None:
    """Be the terminals of FOLDER, an import folder, towards the head-end at ADDRESS (host:port) 模拟终端. MQTT terminals connect to
    the broker, gateways of DL/T 645, Modbus and direct DLMS meters and stations of IEC 104 listen at their endpoints. Their
    meters show the folder's registers, carried on to today. Ctrl-C ends it."""
    towards = Towards(_head_end(address), _broker(broker, broker_password, broker_ca), listen)
    try:
        asyncio.run(run_simulation(folder, towards, heartbeat, _shares(faults), seed, click.echo, most))
    except NotSimulated as problem:
        raise click.UsageError(str(problem)) from problem


def _head_end(address: str | None) -> tuple[str, int] | None:
    if address is None:
        return None
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal():
        raise click.BadParameter(f"{address}: give host:port 请给出 主机:端口")
    return host, int(port)


def _broker(url: str | None, password: str, ca: str | None) -> BrokerAddress | None:
    if url is None:
        return None
    try:
        parts = urlsplit(url)
        port = parts.port or PORTS[parts.scheme]
        if not parts.hostname:
            raise ValueError(url)
    except (KeyError, ValueError) as error:
        raise click.BadParameter(
            f"{url}: give mqtt://host:1883 or mqtts://host:8883 请给出 mqtt://主机:端口", param_hint="--broker"
        ) from error
    return BrokerAddress(parts.hostname, port, password, parts.scheme == "mqtts", ca)


def _shares(faults: tuple[str, ...]) -> Mapping[str, float]:
    shares = {}
    for one in faults:
        name, _, share = one.partition("=")
        if name not in FAULTS:
            raise click.BadParameter(f"unknown fault {name}; known: {', '.join(FAULTS)}")
        try:
            shares[name] = float(share or "1")
        except ValueError as error:
            raise click.BadParameter(f"{one}: the share is a number from 0 to 1 占比为 0 到 1") from error
    return shares

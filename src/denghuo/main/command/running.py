"""Commands that run until they are stopped: the platform, or some of its services."""

import contextlib
import pathlib

import click

from denghuo.main.command.words import said
from denghuo.main.composition import MODULES, SERVICES, Platform, platform
from denghuo.main.demo import demo_users
from denghuo.main.web import listen, run, web
from denghuo.settings import Loaded


@click.command()
@click.option("--port", type=click.IntRange(0, 65535), help="loopback port, 0 picks one 端口")
@click.option(
    "--demo",
    type=click.Path(exists=True, file_okay=False, path_type=pathlib.Path),
    help="example to load on the first start 首次启动时载入的示例",
)
@click.pass_obj
def up(loaded: Loaded, port: int | None, demo: pathlib.Path | None) -> None:
    """Run everything in this process until Ctrl-C."""
    with said(), contextlib.ExitStack() as stack:
        listener = stack.enter_context(listen(loaded.settings.host, loaded.settings.port if port is None else port))
        running = stack.enter_context(platform(loaded, alone=True, serving=True))
        stack.enter_context(running.working())
        users = demo_users(running, pathlib.Path(loaded.settings.data), demo, click.echo) if demo else {}
        host, chosen = listener.getsockname()[:2]
        address = f"http://{host}:{chosen}"
        click.echo(
            f"灯火 Denghuo: {address}/  大屏 screen: {address}/screen  客户 phone: {address}/phone"
            f"  现场 field: {address}/field  API: {address}/docs"
        )
        _say_front(running)
        for name, user in users.items():
            click.echo(f"  {name:14} {user['password']:14} {user['role']:20} {user['org']}")
        run(web(running), listener)


@click.command()
@click.argument("nouns", nargs=-1, required=True)
@click.option("--port", type=click.IntRange(0, 65535), help="port, 0 picks one 端口")
@click.pass_obj
def serve(loaded: Loaded, nouns: tuple[str, ...], port: int | None) -> None:
    """Run the services NOUNS in this process; the settings' `peers` say where the others run. Needs a shared `dsn` and `key`."""
    known = {contract.noun for contract in (*SERVICES, *MODULES)}
    unknown = sorted(set(nouns) - known)
    if unknown:
        raise click.BadParameter(f"unknown service {', '.join(unknown)}; known: {', '.join(sorted(known))}")
    with said(), contextlib.ExitStack() as stack:
        listener = stack.enter_context(listen(loaded.settings.host, loaded.settings.port if port is None else port))
        running = stack.enter_context(platform(loaded, hosted=nouns, serving=True))
        stack.enter_context(running.working())
        host, chosen = listener.getsockname()[:2]
        click.echo(f"灯火 Denghuo {' '.join(nouns)}: http://{host}:{chosen}/")
        _say_front(running)
        run(web(running), listener)


def _say_front(running: Platform) -> None:
    if running.front is not None:
        click.echo("终端接入 terminals: {}:{} (376.1, 698.45)".format(*running.front.address))

"""Command line of Denghuo (灯火): what holds for every command stands here, the commands themselves by subject."""

import json
import os
import pathlib
from collections.abc import Mapping
from typing import Any

import click
from pydantic import ValidationError

from denghuo.main.command.files import decode, export_readings_, import_, import_readings_, urdb
from denghuo.main.command.keys import keys
from denghuo.main.command.months import compare, cycle, population, replay
from denghuo.main.command.running import serve, up
from denghuo.main.command.trying import trial
from denghuo.main.command.words import said
from denghuo.main.composition import SERVICES, operator, platform
from denghuo.main.logs import configure
from denghuo.main.simulate import simulate
from denghuo.settings import Loaded, load


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--data", type=click.Path(path_type=pathlib.Path), help="data folder 数据目录")
@click.option("--settings", "file", type=click.Path(path_type=pathlib.Path), help="settings file 设置文件")
@click.pass_context
def main(context: click.Context, data: pathlib.Path | None, file: pathlib.Path | None) -> None:
    """Denghuo (灯火): the customer business of a power utility."""
    overrides: Mapping[str, Any] = {"data": str(data)} if data else {}
    with said():
        context.obj = load(file, os.environ, overrides)
        configure(context.obj.settings.log)


@main.command()
@click.pass_obj
def settings(loaded: Loaded) -> None:
    """Show the effective settings and where each comes from; secrets are hidden."""
    for row in loaded.rows():
        click.echo("  ".join(str(part) for part in row))


@main.command()
@click.argument("operation")
@click.argument("request_json", default="{}")
@click.option("--key", help="idempotency key 幂等键")
@click.pass_obj
def call(loaded: Loaded, operation: str, request_json: str, key: str | None) -> None:
    """Call OPERATION (such as customer.find_accounts) with a JSON request and print the reply."""
    noun, _, verb = operation.partition(".")
    contract = next((item for item in SERVICES if item.noun == noun), None)
    found = contract.operations().get(verb) if contract else None
    if contract is None or found is None:
        near = [contract] if contract else []
        names = [item.full_name for each in near for item in each.operations().values()]
        known = ", ".join(names or [f"{each.noun}.…" for each in SERVICES])
        raise click.BadParameter(f"unknown operation {operation!r}; known: {known}")
    try:
        request = found.request.model_validate_json(request_json)
    except ValidationError as error:
        raise click.BadParameter(str(error)) from error
    with said(), platform(loaded) as running:
        caller = operator()
        reply = getattr(running.directory(contract), verb)(caller.keyed(key) if key else caller, request)
        click.echo(json.dumps(reply.model_dump(mode="json"), ensure_ascii=False, indent=1))


for _command in (
    *(up, serve, simulate),
    *(cycle, population, replay, compare),
    *(import_, import_readings_, export_readings_, urdb, decode),
    *(trial, keys),
):
    main.add_command(_command)

"""Composition root and command line of Denghuo (灯火): binds the services to a store and runs them."""

import contextlib
import importlib
import json
import os
import pathlib
import pkgutil
import secrets
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import click
import uvicorn
from fastapi import Request
from pydantic import ValidationError

import denghuo.service
from denghuo.data.processing.database import Database
from denghuo.data.processing.dataset import Datasets
from denghuo.data.processing.embedded import EmbeddedServer
from denghuo.data.processing.import_tables import CUSTOMERS
from denghuo.data.processing.importing import open_table
from denghuo.data.processing.migration import migrate
from denghuo.kernel.contract import Api, Call
from denghuo.kernel.problem import NotSignedIn, Problem
from denghuo.service.customer.api import CustomerApi, NewAccount, OpenAccounts
from denghuo.service.host.binding import Directory, Implementation, Local, Store
from denghuo.service.host.http import application
from denghuo.service.host.token import Signer
from denghuo.settings import Loaded, load


def _services() -> dict[type[Api], Implementation]:
    """Every service package by its contract: the package `x` states `XApi` in api.py and implements it as `XService` in
    service.py. A service is added by adding its package."""
    found: dict[type[Api], Implementation] = {}
    for module in pkgutil.iter_modules(denghuo.service.__path__):
        if module.name != "host":
            package = f"denghuo.service.{module.name}"
            contract = getattr(importlib.import_module(f"{package}.api"), f"{module.name.capitalize()}Api")
            found[contract] = getattr(
                importlib.import_module(f"{package}.service"), f"{module.name.capitalize()}Service"
            )
    return found


SERVICES = _services()
KEY_BYTES = 32


@dataclass(frozen=True)
class Platform:
    """What runs in this process: the bound services, and the signer of call tokens."""

    directory: Directory
    signer: Signer
    store: Store


@contextlib.contextmanager
def platform(loaded: Loaded) -> Iterator[Platform]:
    """Starts the store (embedded unless a DSN is set), brings its schemas up to date and binds all services."""
    settings = loaded.settings
    folder = pathlib.Path(settings.data)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    key = _secret(folder / "deployment.key")
    with contextlib.ExitStack() as stack:
        dsn = settings.dsn.get_secret_value()
        if not dsn:
            server = EmbeddedServer(folder / "postgres")
            stack.callback(server.stop)
            dsn = server.start()
        migrate(dsn, [contract.noun for contract in SERVICES])
        database = stack.enter_context(Database(dsn))
        store = Store(database, Datasets(database, folder / "datasets"), key)
        directory = Directory()
        for contract, implementation in SERVICES.items():
            directory.bind(contract, Local(store, implementation, directory))
        yield Platform(directory, Signer(key), store)


def _secret(path: pathlib.Path) -> bytes:
    """The deployment's key: made at the first start, readable by its owner alone."""
    with contextlib.suppress(FileExistsError):
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(KEY_BYTES))
    return path.read_bytes()


def now() -> datetime:
    return datetime.now(UTC)


def operator() -> Call:
    """The person at the command line: whoever may read the deployment's key may do everything."""
    return Call.system(now(), actor=f"cli:{os.getuid()}")


# --- command line ---------------------------------------------------------------------------------------------------------


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--data", type=click.Path(path_type=pathlib.Path), help="data folder 数据目录")
@click.option("--settings", "file", type=click.Path(path_type=pathlib.Path), help="settings file 设置文件")
@click.pass_context
def main(context: click.Context, data: pathlib.Path | None, file: pathlib.Path | None) -> None:
    """Denghuo (灯火): the customer business of a power utility."""
    overrides: Mapping[str, Any] = {"data": str(data)} if data else {}
    with _said():
        context.obj = load(file, os.environ, overrides)


@contextlib.contextmanager
def _said() -> Iterator[None]:
    """Problems end the command with both texts and exit code 2, not with a traceback."""
    try:
        yield
    except Problem as problem:
        click.echo(f"{problem.detail['zh']}\n{problem.detail['en']}", err=True)
        sys.exit(2)


@main.command()
@click.pass_obj
def settings(loaded: Loaded) -> None:
    """Show the effective settings and where each comes from; secrets are hidden."""
    for row in loaded.rows():
        click.echo("  ".join(str(part) for part in row))


@main.command()
@click.option("--port", type=int, help="loopback port 端口")
@click.pass_obj
def up(loaded: Loaded, port: int | None) -> None:
    """Run everything in this process until Ctrl-C."""
    with _said(), platform(loaded) as running:

        def caller(request: Request) -> Call:
            scheme, _, token = request.headers.get("Authorization", "").partition(" ")
            if scheme != "Bearer":
                raise NotSignedIn()
            return running.signer.read(token, now())

        chosen = port or loaded.settings.port
        click.echo(f"灯火 Denghuo: http://{loaded.settings.host}:{chosen}/docs")
        uvicorn.run(
            application(running.directory.bound.values(), caller),
            host=loaded.settings.host,
            port=chosen,
            log_level="warning",
        )


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
        known = ", ".join(item.full_name for each in SERVICES for item in each.operations().values())
        raise click.BadParameter(f"unknown operation {operation!r}; known: {known}")
    try:
        request = found.request.model_validate_json(request_json)
    except ValidationError as error:
        raise click.BadParameter(str(error)) from error
    with _said(), platform(loaded) as running:
        caller = operator()
        reply = getattr(running.directory(contract), verb)(caller.keyed(key) if key else caller, request)
        click.echo(json.dumps(reply.model_dump(mode="json"), ensure_ascii=False, indent=1))


@main.command("import")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=pathlib.Path))
@click.option("--dry-run", is_flag=True, help="check the files and write nothing 只检查不写入")
@click.option("--encoding", default="utf-8", help="of the CSV files, such as gb18030")
@click.pass_obj
def import_(loaded: Loaded, folder: pathlib.Path, dry_run: bool, encoding: str) -> None:
    """Take over customers.csv from FOLDER. Repeating an import changes nothing."""
    with _said(), contextlib.ExitStack() as stack:
        running = None if dry_run else stack.enter_context(platform(loaded))
        table = open_table(folder / "customers.csv", CUSTOMERS, encoding=encoding)
        opened = unchanged = refused = 0
        for batch in table.batches():
            for row in batch.refused:
                click.echo(str(row), err=True)
            if running is None or not batch.rows:
                continue
            request = OpenAccounts(accounts=[_new_account(row) for row in batch.rows])
            reply = running.directory(CustomerApi).open_accounts(operator().keyed(table.batch_key(batch)), request)
            opened, unchanged, refused = (
                opened + reply.opened,
                unchanged + reply.unchanged,
                refused + len(reply.refused),
            )
            for item in reply.refused:
                click.echo(f"{item.zh} {item.en}", err=True)
        refused += table.refused_count
        click.echo(f"customers: read {table.read_count}, opened {opened}, unchanged {unchanged}, refused {refused}")
        if refused:
            sys.exit(1)


def _new_account(row: Mapping[str, Any]) -> NewAccount:
    names = set(NewAccount.model_fields) - {"org"}
    return NewAccount.model_validate({name: row.get(name) for name in names} | {"org": row["org_code"]})

"""The desk of the keys of direct meters."""

import pathlib

import click

from denghuo.main import keys as key_desk
from denghuo.main.command.words import said
from denghuo.settings import Loaded


@click.group()
def keys() -> None:
    """Keys of direct meters in the sealed file 电表密钥; a second person then agrees to use a version. Needs `master_key`."""


@keys.command()
@click.argument("path", type=click.Path(exists=True, dir_okay=False, path_type=pathlib.Path))
@click.pass_obj
def seal(loaded: Loaded, path: pathlib.Path) -> None:
    """Seal the keys of the CSV PATH (terminal_no, encryption, authentication, master in hexadecimal digits) 封存密钥. Destroy
    the CSV afterwards."""
    with said():
        key_desk.seal(key_desk.opened(loaded), path, click.echo)


@keys.command("make")
@click.argument("terminals", nargs=-1, required=True)
@click.pass_obj
def make_keys(loaded: Loaded, terminals: tuple[str, ...]) -> None:
    """Make new keys for TERMINALS as their next version 生成新密钥."""
    with said():
        key_desk.make(key_desk.opened(loaded), terminals, click.echo)


@keys.command("list")
@click.pass_obj
def list_keys(loaded: Loaded) -> None:
    """List versions with their check values 密钥清单."""
    with said():
        key_desk.listed(key_desk.opened(loaded), click.echo)


@keys.command()
@click.argument("path", type=click.Path(exists=True, dir_okay=False, path_type=pathlib.Path))
@click.pass_obj
def reseal(loaded: Loaded, path: pathlib.Path) -> None:
    """Seal everything under the new master key that the file PATH holds 更换主密钥."""
    with said():
        key_desk.reseal(key_desk.opened(loaded), path, click.echo)

"""What every command does with its words: what is wrong with them or with the call is told in both languages."""

import contextlib
import sys
from collections.abc import Iterator

import click
from pydantic import TypeAdapter, ValidationError

from denghuo.kernel.fields import AccountNo
from denghuo.kernel.period import Month
from denghuo.kernel.problem import Problem


@contextlib.contextmanager
def said() -> Iterator[None]:
    """Problems end the command with both texts and exit code 2, not with a traceback."""
    try:
        yield
    except Problem as problem:
        click.echo(f"{problem.detail['zh']}\n{problem.detail['en']}", err=True)
        sys.exit(2)


def month_text(context: click.Context, parameter: click.Parameter, value: str) -> str:
    try:
        return str(Month.of(value))
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


def account_no(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    try:
        return None if value is None else TypeAdapter(AccountNo).validate_python(value)
    except ValidationError as error:
        raise click.BadParameter(f"{value} 不是 13 位户号 is no account number of 13 digits") from error

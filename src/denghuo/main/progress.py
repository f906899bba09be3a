"""Progress of long work on the command line: a line that is redrawn on a terminal, else a line every few seconds."""

import sys
import time

import click

EVERY_S = 5.0


class Shown:
    """Where the progress of one piece of work is shown: on the error stream, so that what the command says can be kept apart."""

    def __init__(self) -> None:
        self._redrawn = sys.stderr.isatty()
        self._told_at = time.monotonic()
        self._width = 0

    def tell(self, line: str) -> None:
        if self._redrawn:
            click.echo("\r" + line.ljust(self._width), nl=False, err=True)
            self._width = len(line)
        elif time.monotonic() - self._told_at >= EVERY_S:
            self._told_at = time.monotonic()
            click.echo(line, err=True)

    def end(self) -> None:
        """What is said next stands where the line was."""
        if self._redrawn and self._width:
            click.echo("\r" + " " * self._width + "\r", nl=False, err=True)
        self._width = 0


def share(done: int, total: int, seconds: float) -> str:
    """How much is done, and how long the rest will take at the pace of so many seconds."""
    percent = f"{100 * done // total if total else 100:3}%"
    if not 0 < done < total or seconds < 1:
        return percent
    minutes, left = divmod(int(seconds * (total - done) / done) + 1, 60)
    return f"{percent} 剩余 left {minutes // 60}:{minutes % 60:02}:{left:02}"

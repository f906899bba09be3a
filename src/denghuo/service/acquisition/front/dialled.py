"""Connections that the front opens itself, to direct meters and stations (主动连接): kept open, opened again after a loss, and seen
like those of terminals.

A front leaves alone what another living front holds; where two dial at once, the newer connection wins as with terminals.
"""

import asyncio
import contextlib
import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from denghuo.service.acquisition.front.conversation import serials
from denghuo.service.acquisition.front.limits import Limits
from denghuo.service.acquisition.front.sessions import Ordered, Seen, Sessions, Station
from denghuo.service.acquisition.front.speak import Got, Kind, Place

log = logging.getLogger("denghuo.front")


class Dialled(ABC):
    """One open connection."""

    silent_together = False
    """Meters answer each by itself: that one is silent says nothing of the others."""

    def __init__(self, station: Station) -> None:
        self.station = station
        self.serial = next(serials)
        self.peer = f"{station.host}:{station.port}"
        self.ended_by: str | None = None
        self.over = asyncio.Event()
        self.frames_in = self.frames_out = 0
        self.clock_offset_s: int | None = None
        """How far its clock is ahead of ours, once it was seen."""
        self.opened_at = self.heard_at = time.monotonic()

    def heard(self, frames: int) -> None:
        self.frames_in += frames
        self.heard_at = time.monotonic()

    def closed_by(self, why: str) -> None:
        self.ended_by = self.ended_by or why
        self.over.set()

    @abstractmethod
    def end(self, why: str) -> None:
        """Ends the connection."""

    @abstractmethod
    async def ask(self, kind: Kind, day: date, places: Sequence[Place]) -> dict[str, Got]:
        """What it gives for each meter of `places`, by meter number; every one of them is in the reply."""

    @abstractmethod
    async def clock(self) -> datetime | None:
        """What its clock shows; None where it does not say."""

    @abstractmethod
    async def carry_out(self, order: Ordered, moment: datetime, first: bool) -> Mapping[str, Any]:
        """The answer to an order, or its cause. `moment`: what clocks are set to. `first`: not where an order to switch may
        have been sent before; then it is only looked where the switch is."""

    def saw_clock(self, shown: datetime, moment: datetime) -> int:
        """Keeps how far its clock is ahead, in seconds."""
        self.clock_offset_s = round((shown - moment).total_seconds())
        return self.clock_offset_s


Dial = Callable[[Station], Awaitable[Dialled]]


class Dialler:
    """Keeps connections to all stations of the records. `ways`: how each protocol is dialled."""

    def __init__(
        self, sessions: Sessions, clock: Callable[[], datetime], limits: Limits, ways: Mapping[str, Dial]
    ) -> None:
        self._sessions, self._clock, self._limits, self._ways = sessions, clock, limits, ways
        self.lines: dict[str, Dialled] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._turns = asyncio.Semaphore(limits.at_once)
        self._lost: list[Dialled] = []
        self._told: dict[int, tuple[int, int, int]] = {}

    async def look(self) -> None:
        """Dials what the records have and nobody holds; lets go of what they have no more, or elsewhere."""
        wanted = {row.terminal_no: row for row in await asyncio.to_thread(self._sessions.stations)}
        for terminal_no, line in list(self.lines.items()):
            if wanted.get(terminal_no) != line.station:
                line.end("stopped")
        for terminal_no, station in wanted.items():
            if terminal_no not in self._tasks and station.protocol in self._ways:
                self._tasks[terminal_no] = asyncio.get_running_loop().create_task(self._held(station))
        for terminal_no, task in list(self._tasks.items()):
            if task.done():
                del self._tasks[terminal_no]
            elif terminal_no not in wanted and terminal_no not in self.lines:
                task.cancel()

    async def _held(self, station: Station) -> None:
        """Holds one connection until it is over; before the next look dials again, it is left alone for a while."""
        try:
            async with self._turns:
                line = await self._ways[station.protocol](station)
        except (OSError, TimeoutError) as error:
            log.info("%s at %s:%s is not reached: %s", station.terminal_no, station.host, station.port, error)
            await asyncio.sleep(self._limits.dial_again_s)
            return
        self.lines[station.terminal_no] = line
        try:
            shown = await line.clock()
            if shown is not None:
                line.saw_clock(shown, self._clock())
            await line.over.wait()
        finally:
            line.end("stopped")
            if self.lines.get(station.terminal_no) is line:
                del self.lines[station.terminal_no]
            self._lost.append(line)
        await asyncio.sleep(self._limits.dial_again_s)

    async def write_down(self) -> None:
        """Writes the connections and those that ended; ends what a newer connection elsewhere took over."""
        lost, self._lost = self._lost, []
        lines = [*lost, *self.lines.values()]
        held = [(line.station.terminal_no, line.serial) for line in self.lines.values()]
        # One row a terminal: what ended and came again is told by the newer one.
        newest = {line.station.terminal_no: line for line in lines}
        seen = [self._seen(line) for line in newest.values()]
        if not seen:
            return
        try:
            taken = await asyncio.to_thread(self._sessions.write, seen, held)
        except Exception:
            self._lost = lost + self._lost
            raise
        for line in newest.values():
            self._told[line.serial] = (1, line.frames_in, line.frames_out)
        for line in lost:
            self._told.pop(line.serial, None)
        for terminal_no, serial in taken:
            line_there = self.lines.get(terminal_no)
            if line_there is not None and line_there.serial == serial:
                line_there.end("replaced")

    def _seen(self, line: Dialled) -> Seen:
        logins, frames_in, frames_out = self._told.get(line.serial, (0, 0, 0))
        now, at = self._clock(), time.monotonic()
        return Seen(
            terminal_no=line.station.terminal_no,
            line=line.serial,
            peer=line.peer,
            online=line.ended_by is None,
            connected_at=now - timedelta(seconds=at - line.opened_at),
            heard_at=now - timedelta(seconds=at - line.heard_at),
            ended_by=line.ended_by,
            logins=1 - logins,
            frames_in=line.frames_in - frames_in,
            frames_out=line.frames_out - frames_out,
            clock_offset_s=line.clock_offset_s,
        )

    async def stop(self) -> None:
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        with contextlib.suppress(Exception):
            await self.write_down()

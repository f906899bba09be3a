"""What the front and a terminal say to each other, whatever the connection: one question at a time, limits that hold."""

import asyncio
import itertools
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from datetime import date, datetime
from typing import Any

from denghuo.service.acquisition.front.limits import Limits
from denghuo.service.acquisition.front.speak import Asks, Got, Heard, Kind, Place
from denghuo.service.acquisition.protocol.fault import BadFrame

serials = itertools.count(1)
"""Numbers of connections, so that of two the newer one is known."""
_CAUSE_OF: dict[type[BaseException], str] = {
    TimeoutError: "no_answer",
    ConnectionResetError: "offline",
    BadFrame: "bad_frame",
}


def cause_of(error: BaseException) -> str:
    """Why an exchange came to nothing, as one of the causes of collecting."""
    return _CAUSE_OF[type(error)]


class Conversation(ABC):
    """`terminal_no` is set once the terminal was let in, `speaker` once its protocol is known."""

    silent_together = True
    """A terminal answers for all its meters: when it says nothing, it is not asked for the rest."""

    def __init__(self, limits: Limits, peer: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.limits, self.peer, self._clock = limits, peer, clock
        self.serial = next(serials)
        self.terminal_no: str | None = None
        self.speaker: Asks | None = None
        self.ended_by: str | None = None
        self.frames_in = self.frames_out = self.logins = 0
        self.clock_offset_s: int | None = None
        """How far its clock is ahead of ours, once it was seen."""
        self.opened_at = self.heard_at = clock()
        self._window_at, self._window_frames, self._window_bytes = self.opened_at, 0, 0
        self._asking = asyncio.Lock()
        self._number = 0
        self._answer: asyncio.Future[list[Any]] | None = None
        self._parts: list[Any] = []
        self._came = 0

    @abstractmethod
    def send(self, raw: bytes) -> None:
        """Says it to the terminal, as far as it can be reached."""

    @abstractmethod
    def end(self, why: str) -> None:
        """Ends the connection."""

    @abstractmethod
    def confirm(self, heard: Heard) -> None:
        """Tells the terminal that what it told unasked was written down."""

    def saw_clock(self, shown: datetime, now: datetime) -> int:
        """Keeps how far the terminal's clock is ahead, in seconds."""
        self.clock_offset_s = round((shown - now).total_seconds())
        return self.clock_offset_s

    def floods(self, frames: int, size: int) -> bool:
        """Whether what came lately is more than any terminal has to say."""
        limits, now = self.limits, self._clock()
        if now - self._window_at > limits.burst_s:
            self._window_at, self._window_frames, self._window_bytes = now, 0, 0
        self._window_frames += frames
        self._window_bytes += size
        return (
            self._window_frames > limits.frames_per_s * limits.burst_s
            or self._window_bytes > limits.bytes_per_s * limits.burst_s
        )

    def answered(self, heard: Heard) -> None:
        # What answers no open question is a repeat, or came too late.
        if self._answer is None or self._answer.done() or heard.number != self._number:
            return
        self._parts.append(heard.content)
        self.went_on()
        if heard.last and not self._answer.done():
            self._answer.set_result(self._parts)
        elif heard.reply:
            self.send(heard.reply)

    def went_on(self) -> None:
        """A part came; an answer of more parts than any has is none."""
        self._came += 1
        if self._came > self.limits.parts and self._answer is not None and not self._answer.done():
            self._answer.set_exception(BadFrame("long", 0, str(self._came), str(self.limits.parts)))

    def broken_off(self) -> None:
        """Nobody waits any longer for an answer that cannot come."""
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(ConnectionResetError())

    # -- asking ----------------------------------------------------------------------------------------------------------

    async def ask(self, kind: Kind, day: date, places: Sequence[Place]) -> dict[str, Got]:
        """What the terminal gives for each meter of `places`, by meter number; every one of them is in the reply."""
        speaker, terminal_no = self.speaker, self.terminal_no
        if speaker is None or terminal_no is None:
            return {place.meter_no: Got("offline") for place in places}
        try:
            parts = await self.exchange(lambda number: speaker.ask(terminal_no, number, kind, day, places))
            found = speaker.understand(kind, day, places, parts)
        except (TimeoutError, ConnectionResetError, BadFrame) as error:
            found = {place.meter_no: Got(cause_of(error)) for place in places}
        return {place.meter_no: found.get(place.meter_no, Got("no_data")) for place in places}

    async def clock(self) -> datetime | None:
        """What the terminal's clock shows, where it says that only when it is asked."""
        speaker, terminal_no = self.speaker, self.terminal_no
        if speaker is None or terminal_no is None:
            return None
        try:
            return speaker.clock_of(await self.exchange(lambda number: speaker.ask_clock(terminal_no, number)))
        except (TimeoutError, ConnectionResetError, BadFrame):
            return None

    async def exchange(self, question: Callable[[int], bytes | Awaitable[bytes]]) -> list[Any]:
        """The parts of the answer to one question; no other is open meanwhile. TimeoutError, ConnectionResetError."""
        async with self._asking:
            if self.ended_by is not None or self.speaker is None:
                raise ConnectionResetError
            self._number = (self._number + 1) % self.speaker.numbers
            self._answer, self._parts, self._came = asyncio.get_running_loop().create_future(), [], 0
            try:
                raw = question(self._number)
                self.send(raw if isinstance(raw, bytes) else await raw)
                return await self._whole(self._answer)
            finally:
                self._answer.cancel()
                self._answer = None

    async def _whole(self, answer: asyncio.Future[list[Any]]) -> list[Any]:
        """The answer, as long as parts of it keep coming."""
        while True:
            before = self._came
            await asyncio.wait({answer}, timeout=self.limits.answer_s)
            if answer.done():
                return answer.result()
            if self._came == before:
                raise TimeoutError

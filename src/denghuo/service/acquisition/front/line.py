"""One connection of a terminal: bytes into frames, frames into messages, one question at a time, limits that hold."""

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import date, datetime
from typing import Any, Protocol, cast

from denghuo.service.acquisition.front.dlt698 import Speaker698
from denghuo.service.acquisition.front.gdw3761 import Speaker3761
from denghuo.service.acquisition.front.limits import Limits
from denghuo.service.acquisition.front.speak import Got, Heard, Kind, Place, Speaker
from denghuo.service.acquisition.protocol.fault import BadFrame
from denghuo.service.acquisition.protocol.stream import Reader

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


class Owner(Protocol):
    """Who is told of a line's life: the front."""

    limits: Limits

    def opened(self, line: "Line") -> bool: ...

    def heard(self, line: "Line", heard: Heard) -> None: ...

    def closed(self, line: "Line") -> None: ...


class Line(asyncio.Protocol):
    """The protocol is found out by the first whole frame. `terminal_no` is set once the terminal was let in."""

    silent_together = True
    """A terminal answers for all its meters: when it says nothing, it is not asked for the rest."""

    def __init__(self, owner: Owner, clock: Callable[[], float] = time.monotonic) -> None:
        self.owner, self._clock = owner, clock
        self.serial = next(serials)
        self.peer = ""
        self.terminal_no: str | None = None
        self.speaker: Speaker | None = None
        self.ended_by: str | None = None
        self.frames_in = self.frames_out = self.logins = 0
        self.opened_at = self.heard_at = clock()
        self.waiting_for_lookup = False
        self._candidates: list[tuple[Speaker, Reader]] = [
            (speaker, Reader(speaker.framing)) for speaker in (Speaker3761(), Speaker698())
        ]
        self._bad = self._noise_before = 0
        self._window_at, self._window_frames, self._window_bytes = self.opened_at, 0, 0
        self._transport: asyncio.Transport | None = None
        self._asking = asyncio.Lock()
        self._number = 0
        self._answer: asyncio.Future[list[Any]] | None = None
        self._parts: list[Any] = []
        self._came = 0

    # -- the connection --------------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        host, port = (transport.get_extra_info("peername") or ("", 0))[:2]
        self.peer = f"{host}:{port}"
        if not self.owner.opened(self):
            self._transport.abort()

    def connection_lost(self, exception: Exception | None) -> None:
        self.ended_by = self.ended_by or "closed"
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(ConnectionResetError())
        self.owner.closed(self)

    def end(self, why: str) -> None:
        """Ends the connection; what is on its way to the terminal may still leave, but for one that floods."""
        self.ended_by = self.ended_by or why
        if self._transport is not None:
            (self._transport.abort if why in ("flood", "noise", "bad_frames") else self._transport.close)()

    def send(self, raw: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self.frames_out += 1
            self._transport.write(raw)

    # -- what comes in ---------------------------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        if self.ended_by is not None:
            return
        frames = self._frames(data)
        if self._floods(len(frames), len(data)):
            self.end("flood")
            return
        for raw in frames:
            if self.ended_by is not None:
                return
            self._take(raw)
        limits = self.owner.limits
        if self._bad > limits.bad_frames:
            self.end("bad_frames")
        elif min(reader.noise for _, reader in self._candidates) - self._noise_before > limits.noise:
            self.end("noise")

    def _frames(self, data: bytes) -> list[bytes]:
        for place, (speaker, reader) in enumerate(self._candidates):
            frames = reader.feed(data)
            if frames and self.speaker is None:
                self.speaker, self._candidates = speaker, [self._candidates[place]]
            if frames:
                return frames
        return []

    def _take(self, raw: bytes) -> None:
        speaker, reader = self._candidates[0]
        try:
            heard = speaker.hear(raw)
        except BadFrame:
            self._bad += 1
            return
        self.frames_in += 1
        self.heard_at, self._bad, self._noise_before = self._clock(), 0, reader.noise
        if heard is None:
            return
        if heard.kind == "part":
            self._went_on()
            if heard.reply:
                self.send(heard.reply)
        elif heard.kind == "answer" and heard.terminal_no == self.terminal_no:
            self._answered(heard)
        else:
            self.owner.heard(self, heard)

    def _floods(self, frames: int, size: int) -> bool:
        limits, now = self.owner.limits, self._clock()
        if now - self._window_at > limits.burst_s:
            self._window_at, self._window_frames, self._window_bytes = now, 0, 0
        self._window_frames += frames
        self._window_bytes += size
        return (
            self._window_frames > limits.frames_per_s * limits.burst_s
            or self._window_bytes > limits.bytes_per_s * limits.burst_s
        )

    def _answered(self, heard: Heard) -> None:
        # What answers no open question is a repeat, or came too late.
        if self._answer is None or self._answer.done() or heard.number != self._number:
            return
        self._parts.append(heard.content)
        self._went_on()
        if heard.last and not self._answer.done():
            self._answer.set_result(self._parts)
        elif heard.reply:
            self.send(heard.reply)

    def _went_on(self) -> None:
        """A part came; an answer of more parts than any has is none."""
        self._came += 1
        if self._came > self.owner.limits.parts and self._answer is not None and not self._answer.done():
            self._answer.set_exception(BadFrame("long", 0, str(self._came), str(self.owner.limits.parts)))

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
            await asyncio.wait({answer}, timeout=self.owner.limits.answer_s)
            if answer.done():
                return answer.result()
            if self._came == before:
                raise TimeoutError

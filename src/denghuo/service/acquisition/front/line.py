"""One TCP connection of a terminal: bytes into frames, frames into messages."""

import asyncio
import time
from collections.abc import Callable
from typing import Protocol, cast

from denghuo.service.acquisition.front.conversation import Conversation
from denghuo.service.acquisition.front.dlt698 import Speaker698
from denghuo.service.acquisition.front.gdw3761 import Speaker3761
from denghuo.service.acquisition.front.limits import Limits
from denghuo.service.acquisition.front.speak import Heard, Speaker
from denghuo.service.acquisition.protocol.fault import BadFrame
from denghuo.service.acquisition.protocol.stream import Reader


class Owner(Protocol):
    """Who is told of a line's life: the front."""

    limits: Limits

    def opened(self, line: "Line") -> bool: ...

    def heard(self, line: "Line", heard: Heard) -> None: ...

    def closed(self, line: "Line") -> None: ...


class Line(Conversation, asyncio.Protocol):
    """The protocol is found out by the first whole frame."""

    def __init__(self, owner: Owner, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(owner.limits, "", clock)
        self.owner = owner
        self.speaker: Speaker | None = None
        self.waiting_for_lookup = False
        self._candidates: list[tuple[Speaker, Reader]] = [
            (speaker, Reader(speaker.framing)) for speaker in (Speaker3761(), Speaker698())
        ]
        self._bad = self._noise_before = 0
        self._transport: asyncio.Transport | None = None

    # -- the connection --------------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        host, port = (transport.get_extra_info("peername") or ("", 0))[:2]
        self.peer = f"{host}:{port}"
        if not self.owner.opened(self):
            self._transport.abort()

    def connection_lost(self, exception: Exception | None) -> None:
        self.ended_by = self.ended_by or "closed"
        self.broken_off()
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

    def confirm(self, heard: Heard) -> None:
        if self.ended_by is None and self.speaker is not None:
            self.send(self.speaker.acknowledge(heard))

    # -- what comes in ---------------------------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        if self.ended_by is not None:
            return
        frames = self._frames(data)
        if self.floods(len(frames), len(data)):
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
            self.went_on()
            if heard.reply:
                self.send(heard.reply)
        elif heard.kind == "answer" and heard.terminal_no == self.terminal_no:
            self.answered(heard)
        else:
            self.owner.heard(self, heard)

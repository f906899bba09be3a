"""A dialled connection that carries frames: bytes in and frames out of them, one question at a time, limits that hold."""

import asyncio
from typing import Self, cast

from denghuo.service.acquisition.front.dialled import Dialled
from denghuo.service.acquisition.front.limits import Limits
from denghuo.service.acquisition.front.sessions import Station
from denghuo.service.acquisition.protocol.stream import Framing, Reader

FRAMES_WAITING_MAX = 512


class Wired(Dialled, asyncio.Protocol):
    """A station that is dialled over TCP, one question at a time."""

    def __init__(self, station: Station, limits: Limits, framing: Framing) -> None:
        super().__init__(station)
        self._limits, self._reader = limits, Reader(framing)
        self._noise_before = 0
        self._frames: asyncio.Queue[bytes] = asyncio.Queue()
        self._turn = asyncio.Lock()
        self._wire: asyncio.Transport | None = None

    async def opened(self) -> Self:
        """Itself, once the connection is open; OSError, TimeoutError."""
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(self._limits.dial_within_s):
            await loop.create_connection(lambda: self, self.station.host, self.station.port)
        return self

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._wire = cast(asyncio.Transport, transport)

    def connection_lost(self, exception: Exception | None) -> None:
        self.closed_by("closed")
        # Whoever waits for a frame learns that none comes.
        self._frames.put_nowait(b"")

    def data_received(self, chunk: bytes) -> None:
        frames = self._reader.feed(chunk)
        for frame in frames:
            self._frames.put_nowait(frame)
        self.heard(len(frames))
        if frames:
            self._noise_before = self._reader.noise
        if self._frames.qsize() > FRAMES_WAITING_MAX:
            self.end("flood")
        elif self._reader.noise - self._noise_before > self._limits.noise:
            self.end("noise")

    def end(self, why: str) -> None:
        self.closed_by(why)
        if self._wire is not None:
            self._wire.close()

    def say(self, raw: bytes) -> None:
        """ConnectionResetError where the connection is over."""
        if self.ended_by is not None or self._wire is None:
            raise ConnectionResetError
        self.frames_out += 1
        self._wire.write(raw)

    async def frame(self, within_s: float) -> bytes:
        """The next frame; TimeoutError, ConnectionResetError."""
        async with asyncio.timeout(within_s):
            frame = await self._frames.get()
        if not frame:
            raise ConnectionResetError
        return frame

    def forget(self) -> None:
        """Drops late answers to what was given up."""
        while not self._frames.empty() and self.ended_by is None:
            self._frames.get_nowait()

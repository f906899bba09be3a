"""What has no head-end to go to: it listens until one dials it."""

import asyncio
import contextlib
from abc import ABC, abstractmethod

from denghuo.simulator.terminal import Tally


class Listening(ABC):
    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._server: asyncio.Server | None = None
        self._clients: set[asyncio.StreamWriter] = set()

    @abstractmethod
    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answers a connection until it ends."""

    async def listen(self, host: str, port: int) -> int:
        """Opens its port, 0 for a free one; which it is."""
        self._server = await asyncio.start_server(self._serve, host, port)
        return int(self._server.sockets[0].getsockname()[1])

    async def shut(self) -> None:
        if self._server is not None:
            self._server.close()
        for writer in list(self._clients):
            writer.close()

    async def serve(self) -> None:
        """Is there until it is cancelled, once it listens."""
        try:
            await asyncio.Event().wait()
        finally:
            await self.shut()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._clients.add(writer)
        self._tally.online += 1
        with contextlib.suppress(asyncio.CancelledError, ConnectionError):
            await self.converse(reader, writer)
        self._clients.discard(writer)
        self._tally.online -= 1
        writer.close()

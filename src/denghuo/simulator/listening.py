"""What has no head-end to go to: it listens until one dials it."""

import asyncio
import contextlib
from abc import ABC, abstractmethod
from collections.abc import Callable
from datetime import datetime, timedelta

from denghuo.simulator.county import SHANGHAI, Concentrator, County
from denghuo.simulator.device import Device
from denghuo.simulator.terminal import CLOCK_OFF, Behaviour, Tally


class Listening(ABC):
    def __init__(
        self,
        concentrator: Concentrator,
        county: County,
        behaviour: Behaviour,
        tally: Tally,
        clock: Callable[[], datetime] = lambda: datetime.now(SHANGHAI),
    ) -> None:
        """Raises ValueError where its records do not say what it needs."""
        self._concentrator, self._county, self._behaviour, self._clock = concentrator, county, behaviour, clock
        self._tally, self._faults = tally, behaviour.faults
        self._server: asyncio.Server | None = None
        self._clients: set[asyncio.StreamWriter] = set()
        self.begin()

    @abstractmethod
    def begin(self) -> None:
        """Makes what it holds of its records."""

    def _made(self) -> Device:
        """A device with the faults of this one."""
        off = CLOCK_OFF if "wrong_clock" in self._faults else timedelta()
        return Device(clock_off=off, stubborn="stubborn" in self._faults)

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

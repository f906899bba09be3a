"""Modbus meters over TCP, on their own or as units on a line behind a gateway. The record says which registers hold their energy.

A meter's address is its unit, 1 to 247. A gateway that says itself that a unit does not answer (exceptions 0A, 0B) is believed.
"""

import asyncio
import contextlib
from collections.abc import Callable, Hashable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from denghuo.service.acquisition.front.limits import Limits
from denghuo.service.acquisition.front.sampled import Counts, Sampled, registers_at
from denghuo.service.acquisition.front.sessions import Ordered, Station
from denghuo.service.acquisition.front.speak import Got, Kind, Place
from denghuo.service.acquisition.protocol.fault import BadFrame
from denghuo.service.acquisition.protocol.modbus import Frame, TcpReader, encode, read, registers
from denghuo.service.acquisition.protocol.modbus.points import requests
from denghuo.service.acquisition.rules import counted, registers_of

READ_BYTES = 4_096
TRIES = 2
"""How often one question is put: a line behind a gateway has noise."""
SILENT = (0x0A, 0x0B)
"""Exceptions by which a gateway says that there is no way to a unit, or no answer of it."""


class Refused(Exception):
    """The meter refuses, by the exception that it gives."""


class StationModbus(Sampled):
    """One question at a time. `units`: the addresses of the meters that stand here by the records."""

    def __init__(
        self,
        station: Station,
        streams: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        limits: Limits,
        clock: Callable[[], datetime],
        units: Callable[[str], Sequence[str]],
    ) -> None:
        super().__init__(station, clock)
        self._registers = registers_of(station.registers or "")
        self._requests = requests(one.point for one in self._registers)
        self._reader, self._writer = streams
        self._limits, self._units = limits, units
        self._turn = asyncio.Lock()
        self._transaction = 0
        self._waiting: dict[int, asyncio.Future[Frame]] = {}
        self._listening = asyncio.get_running_loop().create_task(self._listen())

    @classmethod
    async def dial(
        cls, station: Station, limits: Limits, clock: Callable[[], datetime], units: Callable[[str], Sequence[str]]
    ) -> "StationModbus":
        """A connection that is open; OSError, TimeoutError."""
        async with asyncio.timeout(limits.dial_within_s):
            streams = await asyncio.open_connection(station.host, station.port)
        return cls(station, streams, limits, clock, units)

    def end(self, why: str) -> None:
        self.closed_by(why)
        for task in (self._listening, self._sampling):
            task.cancel()
        self._writer.close()
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(ConnectionResetError())

    async def carry_out(self, order: Ordered, moment: datetime, first: bool) -> Mapping[str, Any]:
        return {"cause": "denied"}

    async def ask(self, kind: Kind, day: date, places: Sequence[Place]) -> dict[str, Got]:
        if kind != "now":
            return {place.meter_no: self.seen(kind, day, place.address) for place in places}
        return {place.meter_no: await self._now(place.address) for place in places}

    async def sample(self, since: datetime) -> Mapping[Hashable, Counts]:
        found: dict[Hashable, Counts] = {}
        for address in await asyncio.to_thread(self._units, self.station.terminal_no):
            with contextlib.suppress(TimeoutError, Refused, BadFrame):
                try:
                    found[address] = await self._counts(address)
                except ConnectionResetError:
                    break
        return found

    async def _now(self, address: str) -> Got:
        try:
            counts = await self._counts(address)
        except TimeoutError:
            return Got("no_answer")
        except ConnectionResetError:
            return Got("offline")
        except Refused:
            return Got("denied")
        except BadFrame:
            return Got("bad_frame")
        return registers_at(counts, self._clock()) if counts else Got("no_data")

    async def _counts(self, address: str) -> Counts:
        """TimeoutError, ConnectionResetError, Refused, BadFrame."""
        shown = {
            (one.function, one.register): registers(
                await self._answer(int(address), one.function, one.register, one.count)
            )
            for one in self._requests
        }
        return counted(self._registers, shown)

    async def _answer(self, unit: int, function: int, register: int, count: int) -> Frame:
        async with self._turn:
            for tried in range(TRIES):
                self._transaction = (self._transaction + 1) & 0xFFFF
                try:
                    said = await self._said(read(unit, function, register, count, self._transaction))
                except TimeoutError:
                    if tried == TRIES - 1:
                        raise
                    continue
                if said.refused:
                    if said.data[:1] and said.data[0] in SILENT:
                        raise TimeoutError
                    raise Refused
                if (said.unit, said.function, len(registers(said))) != (unit, function, count):
                    raise BadFrame("content", 6, f"{said.unit} {said.function:02X}", f"{unit} {function:02X}")
                return said
        raise AssertionError("tried at least once")

    async def _said(self, question: Frame) -> Frame:
        """The answer of the same transaction; what is late belongs to none that waits."""
        if self.ended_by is not None:
            raise ConnectionResetError
        waiting: asyncio.Future[Frame] = asyncio.get_running_loop().create_future()
        self._waiting[self._transaction] = waiting
        self._writer.write(encode(question))
        self.frames_out += 1
        try:
            async with asyncio.timeout(self._limits.bus_s):
                return await waiting
        finally:
            del self._waiting[self._transaction]

    async def _listen(self) -> None:
        frames = TcpReader()
        try:
            while chunk := await self._reader.read(READ_BYTES):
                found = frames.feed(chunk)
                self.heard(len(found))
                for frame in found:
                    waiting = self._waiting.get(frame.transaction or 0)
                    if waiting is not None and not waiting.done():
                        waiting.set_result(frame)
        except BadFrame:
            # Nothing marks where the next frame begins.
            self.end("bad_frames")
        except OSError:
            self.end("closed")
        else:
            self.end("closed")

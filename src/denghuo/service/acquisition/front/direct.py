"""A direct meter on a connection that the front opened: frames in and out, one reading at a time, limits that hold."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, TypeVar, cast

from denghuo.service.acquisition.front import dlms
from denghuo.service.acquisition.front.dialled import Dialled
from denghuo.service.acquisition.front.limits import Limits
from denghuo.service.acquisition.front.line import cause_of
from denghuo.service.acquisition.front.sessions import Ordered, Station
from denghuo.service.acquisition.front.speak import CLOCK_RIGHT_S, Got, Kind, Place
from denghuo.service.acquisition.protocol.dlms.client import Client, Lined, Refused, Steps, Transport, Wrapped
from denghuo.service.acquisition.protocol.dlms.hdlc import address
from denghuo.service.acquisition.protocol.fault import BadFrame, BadValue
from denghuo.service.acquisition.protocol.stream import Reader

T = TypeVar("T")
CLIENT_PUBLIC, CLIENT_READING = 16, 2
"""Who we are to the meter: anybody, or a reader that has a password."""
FRAMES_WAITING_MAX = 512


FAILURES = (TimeoutError, ConnectionResetError, BadFrame, BadValue, Refused)


def _cause_of(error: Exception) -> str:
    if isinstance(error, Refused):
        return "denied"
    return "bad_frame" if isinstance(error, BadValue) else cause_of(error)


class DirectMeter(Dialled, asyncio.Protocol):
    """A meter, or several logical devices behind one address: `places` tell them apart by their meter address (1 the first)."""

    def __init__(self, station: Station, limits: Limits, password: bytes = b"") -> None:
        super().__init__(station)
        self._limits, self._password = limits, password
        self._reader = Reader(self._transport_to(1).framing)
        self._frames: asyncio.Queue[bytes] = asyncio.Queue()
        self._turn = asyncio.Lock()
        self._wire: asyncio.Transport | None = None

    @classmethod
    async def dial(cls, station: Station, limits: Limits, password: bytes = b"") -> "DirectMeter":
        """A connection that is open; OSError, TimeoutError."""
        line = cls(station, limits, password)
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(limits.dial_within_s):
            await loop.create_connection(lambda: line, station.host, station.port)
        return line

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
        if self._frames.qsize() > FRAMES_WAITING_MAX:
            self.end("flood")
        elif self._reader.noise > self._limits.noise:
            self.end("noise")

    def end(self, why: str) -> None:
        self.closed_by(why)
        if self._wire is not None:
            self._wire.close()

    async def ask(self, kind: Kind, day: date, places: Sequence[Place]) -> dict[str, Got]:
        found = {}
        for place in places:
            found[place.meter_no] = await self._asked(place, lambda client: dlms.asked(client, kind, day))
        return found

    async def clock(self) -> datetime | None:
        try:
            return await self._associated(1, dlms.clock)
        except FAILURES:
            return None

    async def carry_out(self, order: Ordered, moment: datetime) -> Mapping[str, Any]:
        setting = order.kind == "set_clock"
        try:
            shown = await self._associated(
                1, lambda client: dlms.set_clock(client, moment) if setting else dlms.clock(client)
            )
        except FAILURES as error:
            return {"cause": _cause_of(error)}
        if shown is None:
            return {"cause": "no_data"}
        answer = {"clock_offset_s": self.saw_clock(shown, moment)}
        return (
            {**answer, "cause": "not_applied"} if setting and abs(answer["clock_offset_s"]) > CLOCK_RIGHT_S else answer
        )

    async def _asked(self, place: Place, steps: Callable[[Client], Steps[Got]]) -> Got:
        try:
            return await self._associated(int(place.address), steps)
        except FAILURES as error:
            return Got(_cause_of(error))

    def _transport_to(self, device: int) -> Transport:
        client = CLIENT_READING if self._password else CLIENT_PUBLIC
        if self.station.protocol == "hdlc":
            return Lined(client, address(device) if device < 0x80 else address(device, 0, 4))
        return Wrapped(client, device)

    async def _associated(self, device: int, steps: Callable[[Client], Steps[T]]) -> T:
        """Does the steps inside an association of their own. After a failure nobody knows what still comes, so the line ends."""
        async with self._turn:
            while not self._frames.empty() and self.ended_by is None:
                # Late answers to what was given up.
                self._frames.get_nowait()
            client = Client(self._transport_to(device), self._password)
            try:
                await self._driven(client.open())
                return await self._driven(steps(client))
            except (TimeoutError, BadFrame):
                self.end("closed")
                raise
            finally:
                await self._released(client)

    async def _released(self, client: Client) -> None:
        try:
            await self._driven(client.close())
        except (TimeoutError, ConnectionResetError, BadFrame, Refused):
            # Meters that know no release drop what was left when the next association opens.
            return

    async def _driven(self, steps: Steps[T]) -> T:
        try:
            raw = next(steps)
            while True:
                if self.ended_by is not None or self._wire is None:
                    raise ConnectionResetError
                if raw:
                    self.frames_out += 1
                    self._wire.write(raw)
                async with asyncio.timeout(self._limits.answer_s):
                    frame = await self._frames.get()
                if not frame:
                    raise ConnectionResetError
                raw = steps.send(frame)
        except StopIteration as done:
            return cast(T, done.value)

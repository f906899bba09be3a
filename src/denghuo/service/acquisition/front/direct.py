"""A direct meter on a connection that the front opened: one reading at a time, in an association of its own."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, TypeVar, cast

from denghuo.service.acquisition.front import dlms
from denghuo.service.acquisition.front.limits import Limits
from denghuo.service.acquisition.front.line import cause_of
from denghuo.service.acquisition.front.sessions import Ordered, Station
from denghuo.service.acquisition.front.speak import CLOCK_RIGHT_S, Got, Kind, Place
from denghuo.service.acquisition.front.wired import Wired
from denghuo.service.acquisition.protocol.dlms.client import Client, Lined, Refused, Steps, Transport, Wrapped
from denghuo.service.acquisition.protocol.dlms.hdlc import address
from denghuo.service.acquisition.protocol.fault import BadFrame, BadValue

T = TypeVar("T")
CLIENT_PUBLIC, CLIENT_READING = 16, 2
"""Who we are to the meter: anybody, or a reader that has a password."""

FAILURES = (TimeoutError, ConnectionResetError, BadFrame, BadValue, Refused)


def _cause_of(error: Exception) -> str:
    if isinstance(error, Refused):
        return "denied"
    return "bad_frame" if isinstance(error, BadValue) else cause_of(error)


class DirectMeter(Wired):
    """A meter, or several logical devices behind one address: `places` tell them apart by their meter address (1 the first)."""

    def __init__(self, station: Station, limits: Limits, password: bytes = b"") -> None:
        self._password = password
        super().__init__(station, limits, transport_to(1, station.protocol, password).framing)

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

    async def _associated(self, device: int, steps: Callable[[Client], Steps[T]]) -> T:
        """Does the steps inside an association of their own. After a failure nobody knows what still comes, so the line ends."""
        async with self._turn:
            self.forget()
            client = Client(transport_to(device, self.station.protocol, self._password), self._password)
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
                if raw:
                    self.say(raw)
                frame = await self.frame(self._limits.answer_s)
                raw = steps.send(frame)
        except StopIteration as done:
            return cast(T, done.value)


def transport_to(device: int, protocol: str, password: bytes) -> Transport:
    client = CLIENT_READING if password else CLIENT_PUBLIC
    if protocol == "hdlc":
        return Lined(client, address(device) if device < 0x80 else address(device, 0, 4))
    return Wrapped(client, device)

"""A direct meter on a connection that the front opened: one reading at a time, in an association of its own."""

import asyncio
import secrets
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, TypeVar, cast

from denghuo.service.acquisition.front import dlms
from denghuo.service.acquisition.front.conversation import cause_of
from denghuo.service.acquisition.front.keys import KeysNotThere, MeterKeys, Version
from denghuo.service.acquisition.front.limits import Limits
from denghuo.service.acquisition.front.sessions import Ordered, Station
from denghuo.service.acquisition.front.speak import CLOCK_RIGHT_S, Got, Kind, Place
from denghuo.service.acquisition.front.wired import Wired
from denghuo.service.acquisition.protocol.dlms.client import Client, Lined, Refused, Steps, Transport, Wrapped
from denghuo.service.acquisition.protocol.dlms.hdlc import address
from denghuo.service.acquisition.protocol.fault import BadFrame, BadValue

T = TypeVar("T")
CLIENT_PUBLIC, CLIENT_READING, CLIENT_MANAGEMENT = 16, 2, 1
"""Who we are to the meter: anybody, a reader that has a password, or who has keys."""
CHALLENGE_SIZE = 16
FAILURES = (TimeoutError, ConnectionResetError, BadFrame, BadValue, Refused, KeysNotThere)


def _cause_of(error: Exception) -> str:
    if isinstance(error, Refused):
        return "denied"
    if isinstance(error, KeysNotThere):
        return "no_cipher"
    return "bad_frame" if isinstance(error, BadValue) else cause_of(error)


class DirectMeter(Wired):
    """A meter, or several logical devices behind one address: `places` tell them apart by their meter address (1 the first)."""

    def __init__(self, station: Station, limits: Limits, password: bytes = b"", keys: MeterKeys | None = None) -> None:
        self._password, self._keys = password, keys
        super().__init__(station, limits, transport_to(1, station.protocol, CLIENT_PUBLIC).framing)

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

    async def carry_out(self, order: Ordered, moment: datetime, first: bool) -> Mapping[str, Any]:
        try:
            if order.kind == "change_keys":
                return await self._change_keys(order.content["version"], order.content["check_value"])
            if order.kind in ("switch_off", "switch_on"):
                return await self._switch(int(order.address or 1), order.kind == "switch_on", first)
            return await self._clock_order(order.kind == "set_clock", moment)
        except FAILURES as error:
            return {"cause": _cause_of(error)}

    async def _switch(self, device: int, on: bool, first: bool) -> Mapping[str, Any]:
        if self.station.key_version is None:
            # Without keys nothing proves that the order is ours, and nothing that the answer is the meter's.
            return {"cause": "no_cipher"}
        closed = await self._associated(
            device, lambda client: dlms.switch(client, on) if first else dlms.switch_of(client)
        )
        if closed is None:
            return {"cause": "no_data"}
        answer = {"position": "on" if closed else "off"}
        return answer if closed is on else {**answer, "cause": "not_applied"}

    async def _change_keys(self, number: int, check: str) -> Mapping[str, Any]:
        """Tells the meter new keys under those in force, and believes it once it answers by the new ones."""
        new = (self.station.terminal_no, number)
        if self._keys is None:
            raise KeysNotThere("no safe")
        wrapped = await asyncio.to_thread(self._keys.transfer, new, check)
        await self._associated(1, lambda client: dlms.change_keys(client, wrapped))
        try:
            await self._associated(1, dlms.clock, (new, check))
        except (Refused, BadFrame):
            return {"cause": "not_applied"}
        return {}

    async def _clock_order(self, setting: bool, moment: datetime) -> Mapping[str, Any]:
        shown = await self._associated(
            1, lambda client: dlms.set_clock(client, moment) if setting else dlms.clock(client)
        )
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

    async def _client(self, device: int, keys: tuple[Version, str] | None) -> Client:
        """`keys`: others than those in force. A meter with keys in force is asked under them or not at all."""
        station = self.station
        if keys is None and station.key_version is not None and station.check_value is not None:
            keys = ((station.terminal_no, station.key_version), station.check_value)
        if keys is None:
            who = CLIENT_READING if self._password else CLIENT_PUBLIC
            return Client(transport_to(device, station.protocol, who), self._password)
        if self._keys is None:
            raise KeysNotThere("no safe")
        security = await asyncio.to_thread(self._keys.association, *keys)
        return Client(transport_to(device, station.protocol, CLIENT_MANAGEMENT), security=security)

    async def _associated(
        self, device: int, steps: Callable[[Client], Steps[T]], keys: tuple[Version, str] | None = None
    ) -> T:
        """Does the steps inside an association of their own. After a failure nobody knows what still comes, so the line ends."""
        async with self._turn:
            self.forget()
            client = await self._client(device, keys)
            try:
                await self._driven(client.open(secrets.token_bytes(CHALLENGE_SIZE)))
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


def transport_to(device: int, protocol: str, client: int) -> Transport:
    """How a meter is talked to: HDLC or the wrapper over TCP. device: its address; client: ours."""
    if protocol == "hdlc":
        return Lined(client, address(device) if device < 0x80 else address(device, 0, 4))
    return Wrapped(client, device)

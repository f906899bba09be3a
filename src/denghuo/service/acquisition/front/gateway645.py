"""A gateway that passes bytes on to a bus of DL/T 645-2007 meters (串口服务器): one question on the bus at a time, whoever asks."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, cast

from denghuo.service.acquisition.front import dlt645
from denghuo.service.acquisition.front.cipher import CipherMachine
from denghuo.service.acquisition.front.dlt645 import Asked, NoSuchData, Steps
from denghuo.service.acquisition.front.limits import Limits
from denghuo.service.acquisition.front.orders645 import EVERYONE, Denied, Orders645
from denghuo.service.acquisition.front.sessions import Ordered, Station
from denghuo.service.acquisition.front.speak import Got, Kind, Place
from denghuo.service.acquisition.front.wired import Wired
from denghuo.service.acquisition.protocol.dlt645 import FRAMING, Message, decode, encode, frame_of, message
from denghuo.service.acquisition.protocol.dlt645.messages import (
    Data,
    Done,
    NextData,
    Read,
    ReadNext,
    Refused,
    Relay,
    Write,
)
from denghuo.service.acquisition.protocol.fault import BadFrame

WAKE_UP = 4
TRIES = 2
"""How often one question is put to a meter: a bus has noise."""
FOLLOW_UPS_MAX = 32
NO_SUCH_DATA = 2
"""The bit of a refusal that says so."""
_FUNCTION: Mapping[type[Message], int] = {Read: 0x11, ReadNext: 0x12, Write: 0x14, Relay: 0x1C}
_ANSWER: Mapping[type[Message], type[Data]] = {Read: Data, ReadNext: NextData}


class Gateway645(Wired):
    """Meters on the bus are told apart by their address of 12 digits. One of them that is silent says nothing of the others."""

    def __init__(
        self, station: Station, limits: Limits, clock: Callable[[], datetime], cipher: CipherMachine | None = None
    ) -> None:
        super().__init__(station, limits, FRAMING)
        self._clock = clock
        self._orders = Orders645(self, clock, cipher)

    async def clock(self) -> datetime | None:
        return None

    async def carry_out(self, order: Ordered, moment: datetime, first: bool) -> Mapping[str, Any]:
        answer = await self._orders.carry_out(order, first)
        self.clock_offset_s = answer.get("clock_offset_s", self.clock_offset_s)
        return answer

    async def ask(self, kind: Kind, day: date, places: Sequence[Place]) -> dict[str, Got]:
        return {place.meter_no: await self._asked(place, kind, day) for place in places}

    async def _asked(self, place: Place, kind: Kind, day: date) -> Got:
        try:
            return await self._driven(place.address, dlt645.asked(kind, day, self._clock()))
        except TimeoutError:
            return Got("no_answer")
        except ConnectionResetError:
            return Got("offline")
        except Denied:
            return Got("denied")
        except BadFrame:
            return Got("bad_frame")

    async def _driven(self, address: str, steps: Steps[Got]) -> Got:
        """Between two steps another reading may have the bus, so that nobody waits for a whole curve."""
        if address == EVERYONE:
            raise Denied
        try:
            asked = next(steps)
            while True:
                try:
                    data = await self.read(address, asked)
                except NoSuchData as none:
                    asked = steps.throw(none)
                else:
                    asked = steps.send(data)
        except StopIteration as done:
            return cast(Got, done.value)

    async def tell(self, order: Message) -> None:
        """Orders it once, until the meter says yes; another may have come through before that is heard."""
        async with self._turn:
            self.forget()
            self.say(encode(frame_of(order), WAKE_UP))
            async with asyncio.timeout(self._limits.bus_s):
                while True:
                    said = message(decode(await self.frame(self._limits.bus_s)), 2007)
                    if said.address != order.address or not isinstance(said, Done | Refused):
                        continue
                    if said.function != _FUNCTION[type(order)]:
                        continue
                    if isinstance(said, Done):
                        return
                    raise NoSuchData if said.reasons & NO_SUCH_DATA else Denied

    async def broadcast(self, order: Message) -> None:
        async with self._turn:
            self.say(encode(frame_of(order), WAKE_UP))

    async def read(self, address: str, asked: Asked) -> bytes:
        """The data of an item with all that follows, without another's question between: a meter remembers one."""
        async with self._turn:
            said = await self._answer(Read(address=address, di=asked.di, blocks=asked.blocks, since=asked.since))
            data, more, sequence = said.data, said.more, 0
            while more:
                sequence += 1
                if sequence > FOLLOW_UPS_MAX:
                    raise BadFrame("long", 0, str(sequence), str(FOLLOW_UPS_MAX))
                said = await self._answer(ReadNext(address=address, di=asked.di, sequence=sequence))
                if not said.data or said.data[-1] != sequence:
                    raise BadFrame("content", 0, said.data[-1:].hex(), str(sequence))
                data, more = data + said.data[:-1], said.more
            return data

    async def _answer(self, question: Read | ReadNext) -> Data:
        """What the meter says, asked again where nothing comes. NoSuchData, Denied, TimeoutError, ConnectionResetError."""
        raw = encode(frame_of(question), WAKE_UP)
        for rest in reversed(range(TRIES)):
            self.forget()
            self.say(raw)
            try:
                async with asyncio.timeout(self._limits.bus_s):
                    return await self._awaited(question)
            except TimeoutError:
                if not rest:
                    raise
        raise TimeoutError

    async def _awaited(self, question: Read | ReadNext) -> Data:
        while True:
            said = message(decode(await self.frame(self._limits.bus_s)), 2007)
            # What has another address or item is an echo, a late answer, or another's.
            if said.address != question.address:
                continue
            if isinstance(said, Refused) and said.function == _FUNCTION[type(question)]:
                raise NoSuchData if said.reasons & NO_SUCH_DATA else Denied
            if isinstance(said, Data) and type(said) is _ANSWER[type(question)] and said.di.lower() == question.di:
                return said

"""Orders to meters of DL/T 645-2007 behind a gateway: clocks, times of use, parameters, relays; each proven by what is read after.

What changes a meter goes under the proof of a cipher machine: writing (14) as plain text with a MAC, the relay (1C) likewise.
Clocks are told to all by a broadcast (08), which a meter takes that is off by no more than five minutes; the others are written.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from denghuo.kernel.period import SHANGHAI
from denghuo.service.acquisition.api import ParameterCode
from denghuo.service.acquisition.front.cipher import CipherFailed, CipherMachine
from denghuo.service.acquisition.front.dlt645 import Asked, NoSuchData
from denghuo.service.acquisition.front.relay import STATUS_WORD_3, closed_of, relay_said, write_said
from denghuo.service.acquisition.front.sessions import Ordered
from denghuo.service.acquisition.front.speak import CLOCK_RIGHT_S, ORDER_GOOD, Place, parts_of, rates_in
from denghuo.service.acquisition.protocol.dlt645 import Message, build, items
from denghuo.service.acquisition.protocol.dlt645.messages import SetClock
from denghuo.service.acquisition.protocol.fault import BadFrame
from denghuo.service.acquisition.rules import PARAMETERS, Identifier

EVERYONE = "9" * 12
DATE_AND_TIME, DATE, TIME = "0400010c", "04000101", "04000102"
DAY_TABLES = ("04010001", "04020001")
"""The first day table of the first and of the second set; which is in force status word 3 says, in its lowest bit."""
PART_SIZE = 3
FAILURES: Mapping[type[Exception], str] = {
    TimeoutError: "no_answer",
    ConnectionResetError: "offline",
    BadFrame: "bad_frame",
    CipherFailed: "no_cipher",
    NoSuchData: "no_data",
}
Answer = Mapping[str, Any]
NO_OFFSETS: Mapping[str, int] = {}


class Denied(Exception):
    """The meter refuses for another reason than that it has no such item."""


class NotApplied(Exception):
    """It was ordered, and what is read after is something else."""


class Bus(Protocol):
    """Meters that are told apart by their addresses."""

    async def read(self, address: str, asked: Asked) -> bytes:
        """The data of an item. NoSuchData, Denied, TimeoutError, ConnectionResetError, BadFrame."""

    async def tell(self, order: Message) -> None:
        """Orders it once, until the meter says yes. Raises as `read`."""

    async def broadcast(self, order: Message) -> None:
        """Says it to all meters, which do not answer."""


class Orders645:
    """`clock`: what meters' clocks are held against."""

    def __init__(self, bus: Bus, clock: Callable[[], datetime], cipher: CipherMachine | None) -> None:
        self._bus, self._clock, self._cipher = bus, clock, cipher

    async def carry_out(self, order: Ordered, first: bool) -> Answer:
        """The answer to an order to one meter or to all that are behind the gateway, or the cause why it came to nothing."""
        if order.kind in ("switch_off", "switch_on"):
            return await self._switch(order.address or "", order.kind == "switch_on", first)
        if order.kind in ("check_clock", "set_clock"):
            return await self._clocks(order.places, order.kind == "set_clock")
        if order.kind == "set_times":
            return await self._each(order.places, lambda address: self._set_times(address, order.content["rates"]))
        return await self._each(
            order.places,
            lambda address: self._set_parameter(address, order.content["parameter"], order.content["value"]),
        )

    async def _each(
        self, places: Sequence[Place], work: Callable[[str], Awaitable[None]], offsets: Mapping[str, int] = NO_OFFSETS
    ) -> Answer:
        """Does it at each meter; the answer says of each what came of it, and has the cause of the first that failed.
        offsets: how far clocks are ahead, by address, once the work is done."""
        causes = [await self._cause(work(place.address)) for place in places]
        meters = [
            {"meter_no": place.meter_no, "cause": cause, "clock_offset_s": offsets.get(place.address)}
            for place, cause in zip(places, causes, strict=True)
        ]
        first = next((cause for cause in causes if cause is not None), None if causes else "no_data")
        return {"meters": meters} if first is None else {"meters": meters, "cause": first}

    async def _cause(self, work: Awaitable[None]) -> str | None:
        try:
            await work
        except Denied:
            return "denied"
        except NotApplied:
            return "not_applied"
        except tuple(FAILURES) as error:
            return FAILURES[type(error)]
        return None

    # -- clocks ----------------------------------------------------------------------------------------------------------

    async def _clocks(self, places: Sequence[Place], setting: bool) -> Answer:
        """The clock that is off most speaks for all."""
        if setting:
            await self._bus.broadcast(SetClock(address=EVERYONE, time=self._clock()))
        offsets: dict[str, int] = {}

        async def one(address: str) -> None:
            offset = await self._offset(address)
            if setting and abs(offset) > CLOCK_RIGHT_S:
                await self._write_clock(address)
                offset = await self._offset(address)
            offsets[address] = offset
            if setting and abs(offset) > CLOCK_RIGHT_S:
                raise NotApplied

        answer = await self._each(places, one, offsets)
        return {**answer, "clock_offset_s": max(offsets.values(), key=abs)} if offsets else answer

    async def _offset(self, address: str) -> int:
        """How far a meter's clock is ahead, in seconds."""
        try:
            (shown, *_) = items(DATE_AND_TIME, await self._bus.read(address, Asked(DATE_AND_TIME)))
            moment = shown.value
        except NoSuchData:
            moment = await self._date_and_time(address)
        if not isinstance(moment, datetime):
            raise BadFrame("content", 0, str(moment), "a date and time")
        return round((moment - self._clock()).total_seconds())

    async def _date_and_time(self, address: str) -> datetime | None:
        """Of a meter that gives them apart; the date is read again, lest midnight came between, which happens but once."""
        for _ in range(2):
            said = [str(items(di, await self._bus.read(address, Asked(di)))[0].value) for di in (DATE, TIME, DATE)]
            if said[0] == said[2]:
                with contextlib.suppress(ValueError):
                    return datetime.strptime(f"{said[0][:8]} {said[1]}", "%y-%m-%d %H:%M:%S").replace(tzinfo=SHANGHAI)
                return None
        return None

    async def _write_clock(self, address: str) -> None:
        now = self._clock()
        try:
            await self._write(address, DATE_AND_TIME, build(DATE_AND_TIME, [now]))
        except NoSuchData:
            for di in (DATE, TIME):
                await self._write(address, di, build(di, [self._clock()]))

    # -- times of use and parameters -------------------------------------------------------------------------------------

    async def _set_times(self, address: str, rates: Sequence[int]) -> None:
        """Writes the first day table of the set in force. It keeps its number of parts: the last one is repeated."""
        status = await self._bus.read(address, Asked(STATUS_WORD_3))
        table = DAY_TABLES[bool(status) and status[0] & 1]
        room, parts = len(await self._bus.read(address, Asked(table))) // PART_SIZE, parts_of(rates)
        if len(parts) > room:
            raise Denied
        said = [f"{half // 2:02d}:{half % 2 * 30:02d} {rate:02d}" for half, rate in parts]
        await self._write(address, table, build(table, said + said[-1:] * (room - len(said))))
        kept = items(table, await self._bus.read(address, Asked(table)))
        if rates_in(_part(str(item.value)) for item in kept) != list(rates):
            raise NotApplied

    async def _set_parameter(self, address: str, parameter: ParameterCode, value: int) -> None:
        for place in PARAMETERS[parameter].places["dlt645"]:
            if isinstance(place, Identifier):
                # Digits are packed, the last pair first.
                data = bytes.fromhex(f"{value:0{place.digits}d}{place.after}")[::-1]
                await self._write(address, place.di, data)
                if await self._bus.read(address, Asked(place.di)) != data:
                    raise NotApplied

    async def _write(self, address: str, di: str, data: bytes) -> None:
        if self._cipher is None:
            raise CipherFailed("none is set")
        # A machine may be asked over a network, so not in the loop.
        await self._bus.tell(await asyncio.to_thread(write_said, address, di, data, self._cipher))

    # -- switching -------------------------------------------------------------------------------------------------------

    async def _switch(self, address: str, on: bool, first: bool) -> Answer:
        """Orders it once. Whatever is said to that, only where the relay is read to be counts."""
        closed: list[bool] = []

        async def order() -> None:
            if self._cipher is None:
                raise CipherFailed("none is set")
            if first:
                said = await asyncio.to_thread(relay_said, address, on, self._clock() + ORDER_GOOD, self._cipher)
                # Where nothing is said to it the order may have come through all the same.
                with contextlib.suppress(TimeoutError, ConnectionResetError, BadFrame):
                    await self._bus.tell(said)
            closed.append(closed_of(await self._bus.read(address, Asked(STATUS_WORD_3))))
            if closed[0] is not on:
                raise NotApplied

        cause = await self._cause(order())
        answer: Answer = {"position": "on" if closed[0] else "off"} if closed else {}
        return {**answer, "cause": cause} if cause else answer


def _part(said: str) -> tuple[int, int, int]:
    """Hour, minute and rate of `08:30 02`."""
    found = [int(digits) for digits in said.replace(":", " ").split() if digits.isdecimal()]
    if len(found) != 3:
        raise BadFrame("content", 0, said, "an hour, a minute and a rate")
    return found[0], found[1], found[2]

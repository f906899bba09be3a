"""A station of gateway meters over IEC 60870-5-104 (DL/T 634.5104): integrated totals and measured values by interrogation.

A meter's address says where its forward register stands: four digits of the common address, eight of the information object. What
a count is worth is in the station's record. Totals are frozen before they are read.
"""

import asyncio
import contextlib
from collections.abc import Callable, Hashable, Mapping, Sequence
from datetime import date, datetime
from fractions import Fraction
from typing import Any, NamedTuple

from denghuo.kernel.period import SHANGHAI
from denghuo.service.acquisition.front.limits import Limits
from denghuo.service.acquisition.front.sampled import Counts, Sampled, registers_at
from denghuo.service.acquisition.front.sessions import Ordered, Station
from denghuo.service.acquisition.front.speak import Got, Kind, Place

ALL_STATIONS, ALL_GROUPS, STATION = 0xFFFF, 5, 20
"""The common address that all answer to; the requests for all counters, and for all measured values."""
REGISTER = ("active_fwd", "total")

Object = tuple[int, int]
"""Common address and address of the information object."""


class Total(NamedTuple):
    """An integrated total, and when it was taken."""

    value: Fraction
    at: datetime


class Station104(Sampled):
    """Counts are exact: a measured value of the wire is a float, and taken as the fraction that it is."""

    def __init__(self, station: Station, connection: Any, limits: Limits, clock: Callable[[], datetime]) -> None:
        super().__init__(station, clock)
        self._connection, self._limits = connection, limits
        self._newest: dict[Object, Total] = {}
        self._turn = asyncio.Lock()
        self._ended: asyncio.Future[bool] | None = None
        self._listening = asyncio.get_running_loop().create_task(self._listen())

    @classmethod
    async def dial(cls, station: Station, limits: Limits, clock: Callable[[], datetime]) -> "Station104":
        """A connection that is open and told to send (STARTDT); OSError, TimeoutError."""
        # Loaded where there is a station: it takes a fifth of a second.
        from hat.drivers import iec104, net

        try:
            async with asyncio.timeout(limits.dial_within_s):
                connection = await iec104.connect(net.TcpAddress(station.host, station.port))
        except ConnectionError as error:
            raise OSError(str(error)) from error
        return cls(station, connection, limits, clock)

    def end(self, why: str) -> None:
        self.closed_by(why)
        for task in (self._listening, self._sampling):
            task.cancel()
        self._connection.close()
        if self._ended is not None and not self._ended.done():
            self._ended.set_exception(ConnectionResetError())

    async def ask(self, kind: Kind, day: date, places: Sequence[Place]) -> dict[str, Got]:
        if kind == "now":
            try:
                await self.interrogate()
            except TimeoutError:
                return {place.meter_no: Got("no_answer") for place in places}
            except ConnectionError:
                return {place.meter_no: Got("offline") for place in places}
        return {place.meter_no: self._got(kind, day, object_of(place.address)) for place in places}

    def _got(self, kind: Kind, day: date, where: Object) -> Got:
        if kind != "now":
            return self.seen(kind, day, where)
        newest = self._newest.get(where)
        return registers_at(self._counts(newest.value), newest.at) if newest is not None else Got("no_data")

    def _counts(self, count: Fraction) -> Counts:
        """In 1e-4 kWh, which are 0.1 Wh; what is finer is cut off."""
        return {REGISTER: int(count * (self.station.count_wh or 0) * 10)}

    async def sample(self, since: datetime) -> Mapping[Hashable, Counts]:
        with contextlib.suppress(TimeoutError, ConnectionError):
            await self.interrogate()
            return {where: self._counts(total.value) for where, total in self._newest.items() if total.at >= since}
        return {}

    # -- interrogation ---------------------------------------------------------------------------------------------------

    async def interrogate(self) -> None:
        """Asks for all measured values, then freezes and asks for all counters. TimeoutError where the station does not end."""
        from hat.drivers import iec104

        cause = iec104.CommandReqCause.ACTIVATION
        general = iec104.InterrogationMsg(False, 0, ALL_STATIONS, STATION, False, cause)
        counters = iec104.CounterInterrogationMsg(
            False, 0, ALL_STATIONS, ALL_GROUPS, iec104.FreezeCode.FREEZE, False, cause
        )
        async with self._turn:
            for message in (general, counters):
                await self._commanded(message)

    async def carry_out(self, order: Ordered, moment: datetime, first: bool) -> Mapping[str, Any]:
        """Sets the station's clock; what it shows then is told by no message."""
        from hat.drivers import iec104

        message = iec104.ClockSyncMsg(False, 0, ALL_STATIONS, _time(moment), False, iec104.ClockSyncReqCause.ACTIVATION)
        try:
            async with self._turn:
                done = await self._commanded(message)
        except TimeoutError:
            return {"cause": "no_answer"}
        except ConnectionError:
            return {"cause": "offline"}
        return {} if done else {"cause": "denied"}

    async def _commanded(self, message: Any) -> bool:
        """Whether the station did as it was told. TimeoutError where it does not end."""
        if self.ended_by is not None:
            raise ConnectionResetError
        self._ended = asyncio.get_running_loop().create_future()
        self.frames_out += 1
        await self._connection.send([message])
        try:
            async with asyncio.timeout(self._limits.answer_s):
                return await self._ended
        finally:
            self._ended = None

    async def _listen(self) -> None:
        try:
            while True:
                messages = await self._connection.receive()
                self.heard(len(messages))
                for message in messages:
                    self._take(message)
        except ConnectionError:
            self.end("closed")

    def _take(self, message: Any) -> None:
        from hat.drivers import iec104

        if isinstance(message, iec104.ClockSyncMsg):
            if self._ended is not None and not self._ended.done():
                self._ended.set_result(not message.is_negative_confirm)
        elif isinstance(message, iec104.InterrogationMsg | iec104.CounterInterrogationMsg):
            # Confirmed is not ended; whatever else it says, more will not come.
            going_on = (
                message.cause is iec104.CommandResCause.ACTIVATION_CONFIRMATION and not message.is_negative_confirm
            )
            if not going_on and self._ended is not None and not self._ended.done():
                self._ended.set_result(not message.is_negative_confirm)
        elif isinstance(message, iec104.DataMsg):
            numbers = isinstance(message.data, iec104.BinaryCounterData | iec104.ScaledData | iec104.FloatingData)
            count = _count(message.data) if numbers else None
            if count is not None:
                at = _instant(message.time) or self._clock()
                self._newest[message.asdu_address, message.io_address] = Total(count, at)


def object_of(address: str) -> Object:
    """Common address and information object of a meter's address of twelve digits."""
    return int(address[:4]), int(address[4:])


def _count(data: Any) -> Fraction | None:
    """The number of a counter or measured value; None where it is not valid."""
    try:
        return None if data.quality.invalid else Fraction(data.value.value)
    except (OverflowError, ValueError):
        return None


def _time(moment: datetime) -> Any:
    """The time tag of seven bytes of a moment, in the time of Shanghai."""
    from hat.drivers import iec104

    local = moment.astimezone(SHANGHAI)
    return iec104.Time(
        size=iec104.TimeSize.SEVEN,
        milliseconds=local.second * 1_000 + local.microsecond // 1_000,
        invalid=False,
        substituted=False,
        minutes=local.minute,
        summer_time=False,
        hours=local.hour,
        day_of_week=local.isoweekday(),
        day_of_month=local.day,
        months=local.month,
        years=local.year % 100,
    )


def _instant(time: Any) -> datetime | None:
    """The time tag of seven bytes, in the time of Shanghai; None without one, or where it is no valid time."""
    if time is None or time.invalid or time.years is None:
        return None
    second, milli = divmod(time.milliseconds, 1000)
    try:
        return datetime(
            2000 + time.years,
            time.months,
            time.day_of_month,
            time.hours,
            time.minutes,
            second,
            milli * 1000,
            SHANGHAI,
        )
    except ValueError:
        return None

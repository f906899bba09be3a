"""Simulated direct meters of DLMS/COSEM: logical devices behind one port, which know who is asked by the number in the wrapper."""

import asyncio
from collections.abc import Iterator
from datetime import datetime, timedelta

from denghuo.simulator import wiredlms
from denghuo.simulator.county import SHANGHAI, SLOT
from denghuo.simulator.listening import Listening

DAY = timedelta(days=1)
KEPT = {wiredlms.LOAD: (SLOT, 40 * DAY), wiredlms.DAILY: (DAY, 62 * DAY)}
"""How far apart the rows of a profile are, and for how long they are kept."""


class DirectMeters(Listening):
    """Faults that make sense here: `silence` of the first meter, `garbage`, `slow`, `wrong_clock`, `reset`, `stubborn` and
    `exception`. Anybody may read; a password is not looked at."""

    def begin(self) -> None:
        self._meters = {int(meter.address): meter.meter_no for meter in self._concentrator.meters}
        self._silent = next(iter(self._meters), 0) if "silence" in self._faults else 0
        self.device = self._made()

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        buffer, answers = b"", wiredlms.Answers()
        while chunk := await reader.read(4_096):
            frames, buffer = wiredlms.split(buffer + chunk)
            for raw in frames:
                self._tally.requests += 1
                number = int.from_bytes(raw[4:6], "big")
                if number == self._silent or number not in self._meters:
                    continue
                if "slow" in self._faults:
                    await asyncio.sleep(self._behaviour.slow_s)
                said = wiredlms.frame(raw, self._answered(self._meters[number], raw[wiredlms.HEAD_SIZE :], answers))
                self._tally.answers += 1
                if "garbage" in self._faults and self._tally.answers % 2:
                    said = b"\x55" + said[1:]
                writer.write(said)
                await writer.drain()

    def _answered(self, meter_no: str, message: bytes, answers: wiredlms.Answers) -> bytes:
        try:
            asked = wiredlms.question(message)
            if asked.service == wiredlms.ASSOCIATE:
                return wiredlms.ASSOCIATED
            if asked.service == wiredlms.RELEASE:
                return wiredlms.RELEASED
            if asked.service == wiredlms.SET and asked.kind == wiredlms.NORMAL:
                return self._set(asked)
            if asked.service != wiredlms.GET or asked.kind not in (wiredlms.NORMAL, wiredlms.NEXT):
                return wiredlms.REFUSED
            if asked.kind == wiredlms.NEXT:
                return answers.following(asked)
            if "exception" in self._faults:
                return wiredlms.refused(asked, wiredlms.DENIED)
            value = self._value(meter_no, asked)
        except (IndexError, ValueError):
            return wiredlms.REFUSED
        return wiredlms.refused(asked, wiredlms.UNDEFINED) if value is None else answers.given(asked, value)

    def _value(self, meter_no: str, asked: wiredlms.Question) -> bytes | None:
        """None where the meter has no such object."""
        now = self._now()
        match asked.name, asked.attribute:
            case (wiredlms.NAME, 2):
                return wiredlms.octets(meter_no.encode())
            case (wiredlms.CLOCK, 2):
                return wiredlms.octets(wiredlms.time(now))
            case (wiredlms.FORWARD | wiredlms.REVERSE, 3):
                return wiredlms.SCALE
            case (wiredlms.FORWARD | wiredlms.REVERSE as name, 2):
                return wiredlms.count(self._shown(meter_no, int(name == wiredlms.REVERSE), self._clock()))
            case (wiredlms.LOAD | wiredlms.DAILY, 3):
                return wiredlms.columns()
            case (wiredlms.LOAD | wiredlms.DAILY as name, 4):
                return wiredlms.seconds(int(KEPT[name][0].total_seconds()))
            case (wiredlms.LOAD | wiredlms.DAILY as name, 2):
                return wiredlms.group(1, self._rows(meter_no, name, wiredlms.span(asked.data, now), now))
        return None

    def _rows(
        self, meter_no: str, name: bytes, span: tuple[datetime, datetime] | None, now: datetime
    ) -> Iterator[bytes]:
        """The rows of a profile by the meter's own clock."""
        period, kept = KEPT[name]
        begin, end = span or (now - kept, now)
        at = max(begin, now - kept).astimezone(SHANGHAI)
        midnight = at.replace(hour=0, minute=0, second=0, microsecond=0)
        at = midnight - (midnight - at) // period * period
        while at <= min(end, now):
            values = (wiredlms.count(self._shown(meter_no, place, at)) for place in (0, 1))
            yield wiredlms.group(2, (wiredlms.octets(wiredlms.time(at)), *values))
            at += period

    def _set(self, asked: wiredlms.Question) -> bytes:
        if (asked.name, asked.attribute) != (wiredlms.CLOCK, 2):
            return wiredlms.was_set(asked, wiredlms.UNDEFINED)
        now = self._now()
        self.device.set_clock(wiredlms.set_time(asked.data, now), now)
        return wiredlms.was_set(asked)

    def _now(self) -> datetime:
        return (self._clock() + self.device.clock_off).astimezone(SHANGHAI)

    def _shown(self, meter_no: str, place: int, at: datetime) -> int | None:
        reset = "reset" in self._faults
        return self._county.shown(meter_no, place, at, self._concentrator.area_no, reset)

"""A simulated station of gateway meters over IEC 60870-5-104: it listens, freezes its totals and gives them when it is told to."""

import asyncio

from denghuo.simulator import wire104
from denghuo.simulator.listening import Listening

COUNTS = 1 << 31
FREEZES = 32


class Station(Listening):
    """Faults that make sense here: `silence`, `wrong_clock`, `garbage`, `slow`, `duplicate`, `reset`, `stubborn`,
    `exception`."""

    def begin(self) -> None:
        if self._concentrator.count_wh < 1:
            raise ValueError("count_wh: what a count is worth in Wh is missing")
        self._meters: dict[int, list[tuple[int, str]]] = {}
        """By common address the objects with their meters."""
        for meter in self._concentrator.meters:
            common, where = _object(meter.address)
            self._meters.setdefault(common, []).append((where, meter.meter_no))
        self.device = self._made()
        self._freezes = 0

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        buffer, link = b"", wire104.Link()
        while chunk := await reader.read(4_096):
            frames, buffer = wire104.split(buffer + chunk)
            for frame in frames:
                at_once, message = link.hear(frame)
                writer.write(at_once)
                if len(message) >= wire104.COMMAND_SIZE_MIN:
                    link.say(await self._answered(wire104.command(message)))
                writer.write(self._damaged(link.due()) if message else link.due())
            await writer.drain()

    async def _answered(self, asked: wire104.Command) -> list[bytes]:
        self._tally.requests += 1
        faults = self._faults
        if "silence" in faults:
            return []
        if "slow" in faults:
            await asyncio.sleep(self._behaviour.slow_s)
        self._tally.answers += 1
        return self._answer(asked)

    def _damaged(self, raw: bytes) -> bytes:
        return b"\x55" + raw[1:] if "garbage" in self._faults and self._tally.answers % 2 and raw else raw

    def _answer(self, asked: wire104.Command) -> list[bytes]:
        commons = sorted(self._meters) if asked.common == wire104.EVERYBODY else [asked.common]
        if any(common not in self._meters for common in commons):
            return [asked.mirrored(wire104.UNKNOWN_ADDRESS, asked.common, negative=True)]
        if asked.type not in (wire104.INTERROGATION, wire104.COUNTERS, wire104.CLOCK):
            return [asked.mirrored(wire104.UNKNOWN_TYPE, asked.common, negative=True)]
        refuses = "exception" in self._faults or not self._set(asked)
        confirmed = [asked.mirrored(wire104.CONFIRMED, common, refuses) for common in commons]
        if refuses:
            return confirmed
        if asked.type == wire104.CLOCK:
            return confirmed
        counted = self._totals(asked, commons) if asked.type == wire104.COUNTERS else []
        ended = [asked.mirrored(wire104.ENDED, common) for common in commons]
        return confirmed + counted * (2 if "duplicate" in self._faults else 1) + ended

    def _set(self, asked: wire104.Command) -> bool:
        """Whether its clock was set, if it was to be."""
        if asked.type != wire104.CLOCK:
            return True
        now = self._clock()
        try:
            self.device.set_clock(wire104.moment(asked.objects[3:10], now), now + self.device.clock_off)
        except ValueError:
            return False
        return True

    def _totals(self, asked: wire104.Command, commons: list[int]) -> list[bytes]:
        """The totals as they are now; those that nobody knows are left out."""
        now, found = self._clock(), list[bytes]()
        area_no, reset = self._concentrator.area_no, "reset" in self._faults
        self._freezes = (self._freezes + 1) % FREEZES
        for common in commons:
            shown = [
                (where, self._county.shown(meter_no, 0, now, area_no, reset))
                for where, meter_no in self._meters[common]
            ]
            counts = [
                (where, value // (10 * self._concentrator.count_wh) % COUNTS)
                for where, value in shown
                if value is not None
            ]
            found += wire104.totals(asked.originator, common, counts, self._freezes, now + self.device.clock_off)
        return found


def _object(address: str) -> tuple[int, int]:
    """Four digits of the common address and eight of the object."""
    if len(address) != 12 or not address.isdecimal() or int(address[4:]) >= 1 << 24:
        raise ValueError(f"address {address}: give four digits of the common address and eight of the object")
    return int(address[:4]), int(address[4:])

"""What keeps no days (stations, Modbus meters): the front reads its registers at each quarter of an hour while it is connected,
and gives days from what it has seen. What it missed is missing."""

import asyncio
import logging
from abc import abstractmethod
from collections.abc import Callable, Hashable, Mapping
from datetime import date, datetime, timedelta

from denghuo.kernel.period import SHANGHAI
from denghuo.service.acquisition.front.dialled import Dialled
from denghuo.service.acquisition.front.sessions import Station
from denghuo.service.acquisition.front.speak import SLOTS, Curve, Got, Kind, Registers, quarters
from denghuo.service.acquisition.rules import midnight_after

log = logging.getLogger("denghuo.front")
QUARTER = timedelta(minutes=15)
KEPT = timedelta(days=3)
_EPOCH = datetime.fromtimestamp(0, SHANGHAI)

Counts = Mapping[tuple[str, str], int]
"""Registers of a meter in 1e-4 kWh, by quantity and band."""


class Sampled(Dialled):
    """One open connection, and what was seen of the last days over it."""

    def __init__(self, station: Station, clock: Callable[[], datetime]) -> None:
        super().__init__(station)
        self._clock = clock
        self._history: dict[Hashable, dict[datetime, Counts]] = {}
        self._sampling = asyncio.get_running_loop().create_task(self._each_quarter())

    @abstractmethod
    async def sample(self, since: datetime) -> Mapping[Hashable, Counts]:
        """What all meters show now, by where they stand; without those of which nothing was heard since."""

    async def clock(self) -> datetime | None:
        return None

    async def _each_quarter(self) -> None:
        while True:
            await asyncio.sleep((QUARTER - (self._clock() - _EPOCH) % QUARTER).total_seconds())
            try:
                await self.freeze()
            except Exception as error:
                # What fails is done again at the next quarter.
                log.error("%s was not sampled: %s", self.station.terminal_no, error)

    async def freeze(self) -> None:
        """Reads all registers now, as those of the quarter of an hour that has just begun."""
        at = self._clock()
        at -= (at - _EPOCH) % QUARTER
        for where, counts in (await self.sample(at)).items():
            history = self._history.setdefault(where, {})
            history[at] = counts
            for old in [one for one in history if one < at - KEPT]:
                del history[old]

    def seen(self, kind: Kind, day: date, where: Hashable) -> Got:
        """What was seen of a meter's day."""
        end, history = midnight_after(day), self._history.get(where, {})
        if kind != "curve":
            return registers_at(history[end], end) if end in history else Got("no_data")
        begin = end - timedelta(days=1)
        quantities = dict.fromkeys(
            quantity for counts in history.values() for quantity, band in counts if band == "total"
        )
        curves = []
        for quantity in quantities:
            known = {
                slot: history[at][quantity, "total"]
                for slot in range(SLOTS + 1)
                if (quantity, "total") in history.get(at := begin + slot * QUARTER, {})
            }
            curves.append(Curve(quantity, quarters(known)))
        found = tuple(one for one in curves if any(value is not None for value in one.values_e4))
        return Got(None, curves=found) if found else Got("no_data")


def registers_at(counts: Counts, at: datetime) -> Got:
    """The registers as they were at an instant."""
    return Got(None, tuple(Registers(quantity, band, at, e4) for (quantity, band), e4 in counts.items()))

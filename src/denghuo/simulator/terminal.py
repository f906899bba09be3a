"""A simulated terminal: it connects, logs in, keeps its heartbeat, answers, and fails in the ways it is told to."""

import asyncio
import contextlib
import hashlib
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from denghuo.simulator import wire698, wire3761
from denghuo.simulator.county import SHANGHAI, Concentrator, County
from denghuo.simulator.device import Device
from denghuo.simulator.happening import HAPPENINGS, Happening

FAULTS = (
    "silence",
    "wrong_clock",
    "garbage",
    "slow",
    "duplicate",
    "reset",
    "stubborn",
    "blocks",
    "fragments",
    "wrong_unit",
    "exception",
    *HAPPENINGS,
)
"""What can be wrong with a terminal: it answers nothing, its clock is wrong, bytes are damaged, answers come late or twice, the
registers of its meters began again at zero, or it says yes to what it is told to set and stays as it is. Long answers of 698.45
may come in blocks or in fragments, which is no fault. Modbus meters may answer as another unit; they, stations
and direct meters may refuse. Or something happens to it or its first meter, and it tells that."""
BLOCK_ROWS, FRAGMENT_SIZE = 64, 600
UNCONFIRMED_MAX = 8
"""Messages with events that wait for their confirmation at a time."""
CLOCK_OFF = timedelta(days=2)
SLOW_S = 3.0
LONGEST_WAIT_S = 60.0


@dataclass(frozen=True)
class Behaviour:
    heartbeat_s: float = 60.0
    slow_s: float = SLOW_S
    faults: frozenset[str] = frozenset()


@dataclass
class Tally:
    """What all terminals of a run did together."""

    online: int = 0
    logins: int = 0
    refused: int = 0
    requests: int = 0
    answers: int = 0
    told: int = 0
    """Events that were confirmed."""


def faults_of(terminal_no: str, shares: Mapping[str, float], seed: str) -> frozenset[str]:
    """Which faults a terminal has, where each has its share of the terminals; the same seed chooses the same ones."""
    found = set()
    for name, share in shares.items():
        chance = int.from_bytes(hashlib.sha256(f"{seed} {name} {terminal_no}".encode()).digest()[:4], "big") / 2**32
        if chance < share:
            found.add(name)
    return frozenset(found)


class Terminal:
    def __init__(
        self,
        concentrator: Concentrator,
        county: County,
        behaviour: Behaviour,
        tally: Tally,
        clock: Callable[[], datetime] = lambda: datetime.now(SHANGHAI),
    ) -> None:
        self.concentrator, self._county, self._behaviour = concentrator, county, behaviour
        self._tally, self._clock = tally, clock
        self._by_number = {meter.number: meter.meter_no for meter in concentrator.meters}
        self._by_address = {meter.address: meter.meter_no for meter in concentrator.meters}
        self._sequence = 0
        off = CLOCK_OFF if "wrong_clock" in behaviour.faults else timedelta()
        self.device = Device(clock_off=off, stubborn="stubborn" in behaviour.faults)
        self.happenings = self._happened()
        """What is told when the terminal is let in, and kept for whoever asks."""
        self._to_tell: deque[Happening] = deque()
        self._writer: asyncio.StreamWriter | None = None
        self._rest: deque[bytes] = deque()
        """What of an answer was not asked for yet."""
        self._unconfirmed: dict[int, Happening] = {}
        self._wire: Any = wire3761 if concentrator.protocol == "gdw3761" else wire698

    async def run(self, host: str, port: int) -> None:
        """Stays connected until it is cancelled; after a broken connection it waits, each time twice as long, and comes back."""
        wait = 1.0
        while True:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                if await self.connect(host, port):
                    wait = 1.0
            await asyncio.sleep(wait)
            wait = min(wait * 2, LONGEST_WAIT_S)

    async def connect(self, host: str, port: int) -> bool:
        """One connection from login to its end; whether it was let in."""
        reader, writer = await asyncio.open_connection(host, port)
        let_in = False
        self._unconfirmed.clear()
        try:
            self._write(writer, self._link(first=True))
            beat = asyncio.create_task(self._beat(writer))
            try:
                buffer = b""
                while chunk := await reader.read(65_536):
                    requests, buffer = self._wire.split(buffer + chunk)
                    for request in requests:
                        if request.denied:
                            self._tally.refused += 1
                            return let_in
                        if request.confirmation:
                            self._tally.online += not let_in
                            self._tally.logins += not let_in
                            if not let_in:
                                self._to_tell, self._writer = deque(self.happenings), writer
                            let_in = True
                            self._confirmed(request)
                            self._tell(writer)
                        elif request.confirmed is not None:
                            self._confirmed(request)
                            self._tell(writer)
                        else:
                            await self._answer(writer, request)
            finally:
                beat.cancel()
        finally:
            self._tally.online -= let_in
            self._writer = None
            writer.close()
        return let_in

    async def _beat(self, writer: asyncio.StreamWriter) -> None:
        while True:
            await asyncio.sleep(self._behaviour.heartbeat_s)
            self._write(writer, self._link(first=False))
            for number, one in self._unconfirmed.items():
                self._write(writer, self._wire.report(self.concentrator.terminal_no, [one], number))

    # -- what it tells unasked --------------------------------------------------------------------------------------------

    def tell(self, happenings: Sequence[Happening]) -> None:
        """Lets these be told as well, over the present connection or the next."""
        self.happenings += happenings
        self._to_tell += happenings
        if self._writer is not None:
            self._tell(self._writer)

    def _happened(self) -> list[Happening]:
        kinds = [name for name in HAPPENINGS if name in self._behaviour.faults]
        first = self.concentrator.meters[0] if self.concentrator.meters else None
        begun = self._clock().replace(second=0, microsecond=0)
        return [
            Happening(kind, begun, first.number if first else 0, first.address if first else "000000000000")
            for kind in kinds
        ]

    def _tell(self, writer: asyncio.StreamWriter) -> None:
        while self._to_tell and len(self._unconfirmed) < UNCONFIRMED_MAX:
            number, one = self._number(), self._to_tell.popleft()
            self._unconfirmed[number] = one
            self._write(writer, self._wire.report(self.concentrator.terminal_no, [one], number))

    def _confirmed(self, request: Any) -> None:
        self._tally.told += self._unconfirmed.pop(request.confirmed, None) is not None

    def _number(self) -> int:
        """The next number of a message that no unconfirmed one has."""
        self._sequence = next(
            number % 16
            for number in range(self._sequence + 1, self._sequence + 17)
            if number % 16 not in self._unconfirmed
        )
        return self._sequence

    def _link(self, first: bool) -> bytes:
        no, number = self.concentrator.terminal_no, self._number()
        if self._wire is wire3761:
            return wire3761.link(no, wire3761.LOGIN if first else wire3761.HEARTBEAT, number)
        kind = wire698.LOGIN if first else wire698.HEARTBEAT
        return wire698.link(no, kind, number, int(self._behaviour.heartbeat_s), self._now())

    async def _answer(self, writer: asyncio.StreamWriter, request: Any) -> None:
        faults = self._behaviour.faults
        if request.follows:
            if self._rest:
                self._write(writer, self._rest.popleft())
            return
        self._tally.requests += 1
        if "silence" in faults:
            return
        if "slow" in faults:
            await asyncio.sleep(self._behaviour.slow_s)
        days_off = round(self.device.clock_off / timedelta(days=1))
        registers = self._at_point if self._wire is wire3761 else self._at_address
        no = self.concentrator.terminal_no
        raw = self._wire.answer(no, request, registers, self._now(), days_off, self.happenings, self.device)
        if self._wire is wire698:
            raw, *rest = self._parts(request, registers, days_off, raw)
            self._rest = deque(rest)
        self._tally.answers += 1
        if "garbage" in faults and self._tally.answers % 2:
            raw = raw[:-2] + bytes((raw[-2] ^ 0x55, raw[-1]))
        self._write(writer, raw)
        if "duplicate" in faults:
            self._write(writer, raw)
        await writer.drain()

    def _parts(self, request: Any, registers: Any, days_off: int, raw: bytes) -> list[bytes]:
        """An answer of 698.45 as this terminal sends it: whole, in blocks, in fragments, or in blocks of fragments."""
        no, parts = self.concentrator.terminal_no, [raw]
        if "blocks" in self._behaviour.faults:
            parts = wire698.in_blocks(no, request, registers, self._now(), days_off, BLOCK_ROWS) or parts
        if "fragments" in self._behaviour.faults:
            parts = [piece for part in parts for piece in wire698.in_fragments(no, part, FRAGMENT_SIZE)]
        return parts

    def _write(self, writer: asyncio.StreamWriter, raw: bytes) -> None:
        if "garbage" in self._behaviour.faults:
            raw = b"\xfe\xfe\x68\x00" + raw
        writer.write(raw)

    def _now(self) -> datetime:
        return self._clock() + self.device.clock_off

    # -- what its meters show ---------------------------------------------------------------------------------------------

    def _at_point(self, point: int, place: int, moment: datetime) -> int | None:
        return self._register(self._by_number.get(point), place, moment)

    def _at_address(self, address: str, place: int, moment: datetime) -> int | None:
        return self._register(self._by_address.get(address), place, moment)

    def _register(self, meter_no: str | None, place: int, moment: datetime) -> int | None:
        reset = "reset" in self._behaviour.faults
        return self._county.shown(meter_no, place, moment, self.concentrator.area_no, reset)

"""A simulated gateway (串口服务器): it listens, and passes what it hears on to the meters of a bus, which answer one at a time."""

import asyncio
from datetime import datetime
from functools import partial

from denghuo.simulator.county import County
from denghuo.simulator.listening import Listening
from denghuo.simulator.wire645 import END, START, Reading, heard

EVERYONE = "9" * 12
ECHO_EVERY = 3
"""Every so many questions come back as they were, as on a bus of two wires; no fault."""


class Gateway(Listening):
    """Faults of a terminal that make sense here: `silence` of the first meter, `garbage`, `slow`, `duplicate`; and of all meters
    `wrong_clock`, `reset` and `stubborn`."""

    def begin(self) -> None:
        area_no, meters = self._concentrator.area_no, self._concentrator.meters
        self._silent = meters[0].address if meters and "silence" in self._faults else ""
        self.meters = {
            meter.address: Reading(
                partial(_at, self._county, meter.meter_no, area_no, "reset" in self._faults), self._made()
            )
            for meter in meters
        }
        """By address."""
        self.at_once = self.asked = 0
        """Most questions that were on the bus at a time, and all together."""

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        buffer = b""
        while chunk := await reader.read(4_096):
            questions, buffer = _split(buffer + chunk)
            self.at_once = max(self.at_once, len(questions))
            self.asked += len(questions)
            for question in questions:
                await self._answer(writer, question)

    async def _answer(self, writer: asyncio.StreamWriter, question: bytes) -> None:
        said = heard(question)
        if said is None:
            return
        self._tally.requests += 1
        if not self._tally.requests % ECHO_EVERY:
            writer.write(question)
        address, control, data = said
        if address == EVERYONE:
            for one in self.meters.values():
                one.hear_all(control, data, self._clock())
            return
        reading = self.meters.get(address)
        if reading is None or address == self._silent:
            return
        if "slow" in self._faults:
            await asyncio.sleep(self._behaviour.slow_s)
        answer = reading.answer(address, control, data, self._clock())
        if answer is None:
            return
        self._tally.answers += 1
        if "garbage" in self._faults and self._tally.answers % 2:
            answer = answer[:-2] + bytes((answer[-2] ^ 0x55, END))
        writer.write((b"\xfe" * 4 + answer) * (2 if "duplicate" in self._faults else 1))
        await writer.drain()


def _at(county: County, meter_no: str, area_no: str, reset: bool, place: int, moment: datetime) -> int | None:
    return county.shown(meter_no, place, moment, area_no, reset)


def _split(buffer: bytes) -> tuple[list[bytes], bytes]:
    """The questions of a buffer, and what is left of it. The head-end sends nothing but frames and wake-up bytes."""
    found = []
    buffer = buffer.lstrip(b"\xfe")
    while len(buffer) >= 12 and buffer[0] == START:
        size = buffer[9] + 12
        if len(buffer) < size:
            break
        found.append(buffer[:size])
        buffer = buffer[size:].lstrip(b"\xfe")
    return found, buffer

"""Simulated Modbus meters: units on a line behind a gateway of Modbus TCP, which answers for each by its number."""

import asyncio

from denghuo.simulator import wiremodbus
from denghuo.simulator.listening import Listening

UNITS = range(1, 248)


class ModbusLine(Listening):
    """Faults that make sense here: `silence` of the first meter, `garbage`, `slow`, `duplicate`, `reset`, `wrong_unit` and
    `exception`. A unit that is not there is told of by the gateway."""

    def begin(self) -> None:
        self._entries = wiremodbus.entries_of(self._concentrator.registers)
        self._meters = {_unit(meter.address): meter.meter_no for meter in self._concentrator.meters}
        self._silent = next(iter(self._meters), 0) if "silence" in self._faults else 0

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        buffer = b""
        while chunk := await reader.read(4_096):
            questions, buffer = wiremodbus.split(buffer + chunk)
            for question in questions:
                if len(question) > wiremodbus.HEAD_SIZE:
                    await self._answer(writer, question)

    async def _answer(self, writer: asyncio.StreamWriter, question: bytes) -> None:
        self._tally.requests += 1
        unit, faults = question[6], self._faults
        if unit == self._silent:
            return
        if "slow" in faults:
            await asyncio.sleep(self._behaviour.slow_s)
        raw = wiremodbus.frame(question, unit ^ 1 if "wrong_unit" in faults else unit, self._said(unit, question))
        self._tally.answers += 1
        if "garbage" in faults and self._tally.answers % 2:
            raw = raw[:2] + b"\x55" + raw[3:]
        writer.write(raw * (2 if "duplicate" in faults else 1))
        await writer.drain()

    def _said(self, unit: int, question: bytes) -> bytes:
        if unit not in self._meters:
            return wiremodbus.refusal(question, wiremodbus.NO_ANSWER_OF_UNIT)
        if "exception" in self._faults:
            return wiremodbus.refusal(question, wiremodbus.DEVICE_FAILURE)
        now, area_no, reset = self._clock(), self._concentrator.area_no, "reset" in self._faults
        meter_no = self._meters[unit]
        return wiremodbus.answer(
            question, self._entries, lambda place: self._county.shown(meter_no, place, now, area_no, reset)
        )


def _unit(address: str) -> int:
    if not address.isdecimal() or int(address) not in UNITS:
        raise ValueError(f"address {address}: a unit is {UNITS.start} to {UNITS.stop - 1}")
    return int(address)

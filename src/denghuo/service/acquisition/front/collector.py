"""Asks online terminals for what is due, gathers what they give, and hands it on in large pieces (采集任务)."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from itertools import chain, groupby
from typing import Any

import numpy as np
import pyarrow as pa

from denghuo.data.processing.dataset import arrow_schema
from denghuo.kernel.contract import Call, DatasetRef, DatasetSchema
from denghuo.kernel.period import SHANGHAI
from denghuo.kernel.values import Register
from denghuo.service.acquisition.api import (
    COLLECTED_CURVES,
    COLLECTED_REGISTERS,
    OUTCOMES,
    AcquisitionApi,
    AnswerReads,
    CollectionKind,
    ReadAnswer,
    ReadValue,
    StartCollection,
    TakeCollected,
)
from denghuo.service.acquisition.front.limits import Limits
from denghuo.service.acquisition.front.line import Line
from denghuo.service.acquisition.front.pace import Pace
from denghuo.service.acquisition.front.sessions import Due, Sessions
from denghuo.service.acquisition.front.speak import PLACES, SLOTS, Got, Place
from denghuo.service.acquisition.rules import midnight_after
from denghuo.service.host.binding import Store

log = logging.getLogger("denghuo.front")

SLOT_US = 15 * 60 * 1_000_000
BEGIN_AFTER = timedelta(minutes=10)
"""A day is asked for so long after its midnight: terminals have read their meters by then."""


class Gathered:
    """Values and outcomes as columns, until they are published."""

    def __init__(self) -> None:
        self.registers: list[tuple[Any, ...]] = []
        self.curves: list[tuple[str, str, datetime, tuple[int | None, ...]]] = []
        self.outcomes: list[tuple[Any, ...]] = []

    def __len__(self) -> int:
        return len(self.registers) + SLOTS * len(self.curves)

    def take(self, day: date, kind: str, meter_no: str, got: Got) -> None:
        cause = got.cause
        if (
            cause is None
            and kind != "curve"
            and not any(one.quantity == "active_fwd" and one.band == "total" for one in got.registers)
        ):
            cause = "no_data"
        self.outcomes.append((day, kind, meter_no, cause))
        end = midnight_after(day)
        self.registers += [(meter_no, end, one.quantity, one.band, one.value_e4) for one in got.registers]
        begin = end - timedelta(days=1)
        self.curves += [(meter_no, curve.quantity, begin, curve.values_e4) for curve in got.curves]

    def curve_rows(self) -> pa.Table:
        """The curves with a row for each value that was received."""
        meters, quantities, begins, values = zip(*self.curves, strict=True)
        begin = np.asarray(pa.array(begins, pa.timestamp("us", tz="UTC")).cast(pa.int64()))
        at = (begin[:, None] + np.arange(SLOTS) * SLOT_US).ravel()
        columns = (
            pa.array(np.repeat(np.asarray(meters), SLOTS)),
            pa.array(np.repeat(np.asarray(quantities), SLOTS)),
            pa.array(at).cast(pa.timestamp("us", tz="UTC")),
            pa.array(chain.from_iterable(values), pa.int64(), size=len(at)),
        )
        return pa.Table.from_arrays(list(columns), schema=arrow_schema(COLLECTED_CURVES)).drop_null()


class Collector:
    """Asks terminals for what is due and hands on what comes."""

    def __init__(
        self,
        lines: Mapping[str, Line],
        sessions: Sessions,
        store: Store,
        acquisition: AcquisitionApi,
        clock: Callable[[], datetime],
        limits: Limits,
    ) -> None:
        self._lines, self._sessions, self._store = lines, sessions, store
        self._acquisition, self._clock, self._limits = acquisition, clock, limits
        self._gathered, self._since = Gathered(), 0.0
        self._busy: set[str] = set()
        self._finished: set[str] = set()
        self._answering: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._turns, self.pace = asyncio.Semaphore(limits.at_once), Pace(limits.at_once)
        self._serial = 0

    async def stop(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._gathered.outcomes:
            await self._publish()

    # -- days ------------------------------------------------------------------------------------------------------------

    async def start_day(self) -> None:
        """Makes yesterday due, once for all fronts together."""
        now = self._clock()
        day = (now - BEGIN_AFTER).astimezone(SHANGHAI).date() - timedelta(days=1)
        call = Call.system(now, key=f"collect:{day}", actor="front")
        kinds: list[CollectionKind] = ["freeze", "curve"]
        if (day + timedelta(days=1)).day == 1:
            kinds.append("month")
        await asyncio.to_thread(self._acquisition.start_collection, call, StartCollection(day=day, kinds=kinds))

    async def look_for_due(self) -> None:
        idle = [no for no in self._lines if no not in self._busy]
        if not idle:
            return
        due = await asyncio.to_thread(self._sessions.due, idle)
        for terminal_no, rows in groupby(due, key=lambda row: row.terminal_no):
            self._busy.add(terminal_no)
            self._run(self._collect(terminal_no, list(rows)))

    async def _collect(self, terminal_no: str, due: Sequence[Due]) -> None:
        """Asks one terminal for all that is due of it. One that does not answer is left alone until the next try."""
        try:
            async with self._turns:
                for (day, kind), rows in groupby(due, key=lambda row: (row.day, row.kind)):
                    silent = False
                    for part in _parts(list(rows), PLACES[kind]):
                        places = [Place(row.number, row.meter_no, row.address) for row in part]
                        line = self._lines.get(terminal_no)
                        if silent or line is None:
                            found = {place.meter_no: Got("no_answer" if silent else "offline") for place in places}
                        else:
                            async with self.pace:
                                found = await line.ask(kind, day, places)
                            silent = line.silent_together and all(got.cause == "no_answer" for got in found.values())
                        for meter_no, got in found.items():
                            self._gathered.take(day, kind, meter_no, got)
                        while len(self._gathered) > 2 * self._limits.write_rows:
                            await asyncio.sleep(0.05)
        finally:
            # Free only once its outcomes are written: else the same meters would be found due again.
            self._finished.add(terminal_no)

    # -- reads on demand -------------------------------------------------------------------------------------------------

    async def look_for_reads(self) -> None:
        if not self._lines:
            return
        for row in await asyncio.to_thread(self._sessions.asked):
            if row.read_no is not None and row.read_no not in self._answering and row.terminal_no in self._lines:
                self._answering.add(row.read_no)
                self._run(self._answer(row, row.read_no))

    async def _answer(self, row: Due, read_no: str) -> None:
        try:
            line = self._lines.get(row.terminal_no)
            place = Place(row.number, row.meter_no, row.address)
            found = await line.ask("now", row.day, [place]) if line is not None else {}
            got = found.get(row.meter_no, Got("offline"))
            values = [
                ReadValue(quantity=one.quantity, band=one.band, value=Register(one.value_e4), read_at=one.read_at)
                for one in got.registers
            ]
            answer = ReadAnswer.model_validate({"read_no": read_no, "cause": got.cause, "rows": values})
            call = Call.system(self._clock(), key=f"answer:{read_no}", actor="front")
            await asyncio.to_thread(self._acquisition.answer_reads, call, AnswerReads(answers=[answer]))
        finally:
            self._answering.discard(read_no)

    # -- what was gathered -----------------------------------------------------------------------------------------------

    async def write(self) -> None:
        """Publishes what was gathered once it is much, or waited long enough, or nothing more is on its way."""
        now = asyncio.get_running_loop().time()
        if not self._gathered.outcomes:
            self._since = now
            return
        quiet = self._busy <= self._finished
        if quiet or len(self._gathered) >= self._limits.write_rows or now - self._since >= self._limits.write_s:
            await self._publish()
            self._since = now

    async def _publish(self) -> None:
        gathered, self._gathered = self._gathered, Gathered()
        free, self._finished = self._finished, set()
        self._serial += 1
        try:
            await asyncio.to_thread(self._hand_over, gathered)
        finally:
            # Were they lost with the database away, the same meters are still due and will be asked again.
            self._busy -= free

    def _hand_over(self, gathered: Gathered) -> None:
        now = self._clock()
        shard = f"{self._sessions.node[:12]}-{self._serial:06d}"
        period = f"{now.astimezone(SHANGHAI):%Y-%m}"

        def publish(schema: DatasetSchema, rows: pa.Table) -> DatasetRef:
            return self._store.datasets.publish(schema, period, shard, rows, now)

        request = TakeCollected(
            outcomes=publish(OUTCOMES, _columns(OUTCOMES, gathered.outcomes)),
            registers=publish(COLLECTED_REGISTERS, _columns(COLLECTED_REGISTERS, gathered.registers))
            if gathered.registers
            else None,
            curves=publish(COLLECTED_CURVES, gathered.curve_rows()) if gathered.curves else None,
        )
        self._acquisition.take_collected(Call.system(now, key=f"collected:{shard}", actor="front"), request)

    def _run(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("collecting from a terminal broke off", exc_info=task.exception())


def _parts(rows: Sequence[Due], size: int) -> Iterable[Sequence[Due]]:
    return (rows[at : at + size] for at in range(0, len(rows), size))


def _columns(schema: DatasetSchema, rows: Iterable[tuple[Any, ...]]) -> pa.Table:
    shape = arrow_schema(schema)
    columns = list(zip(*rows, strict=True))
    return pa.Table.from_arrays(
        [pa.array(values, type=field.type) for values, field in zip(columns, shape, strict=True)], schema=shape
    )

"""A station of gateway meters over IEC 60870-5-104: dialled, interrogated, lost and dialled again; the other side is a slave of
hat-drivers, and for the published frames a bare socket."""

import asyncio
import contextlib
import json
import math
import pathlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hat.drivers import iec104, net
from tests.asynchronous import run as to_its_end
from tests.databases import database
from tests.service.acquisition.field import QUICK, Field, fielded, hurried, record, until
from tests.service.acquisition.test_direct import ordered

from denghuo.kernel.period import SHANGHAI
from denghuo.service.acquisition.api import (
    AssignMeters,
    NewTerminalMeter,
    OrderClock,
    OrderNotPossible,
    RegisterTerminals,
)
from denghuo.service.acquisition.front.iec104 import Station104, object_of
from denghuo.service.acquisition.front.limits import Limits
from denghuo.service.acquisition.front.sampled import QUARTER
from denghuo.service.acquisition.front.sessions import Station
from denghuo.service.acquisition.front.speak import Got, Place

STATION, METER, MEASURED = "140581000004", "M40001", "M40002"
COUNTER, FLOAT = 701, 11
GOOD = iec104.CounterQuality(False, False, False, 0)
MIDNIGHT = datetime(2026, 4, 11, tzinfo=SHANGHAI)
FRAMES = [
    json.loads(line) for line in (pathlib.Path(__file__).parent / "frames" / "iec104.jsonl").read_text().splitlines()
]


class Slave:
    """A station with one counter and one measured value. `mute`: it confirms and never ends. `negative`: it takes no time."""

    told: Any = None
    negative = False

    def __init__(self, count: int = 1_234, measured: float = 233.5) -> None:
        self.count, self.measured, self.mute, self.port = count, measured, False, 0
        self.asked: list[str] = []

    async def open(self) -> None:
        self.server = await iec104.listen(self._serve, net.TcpAddress("127.0.0.1", self.port))
        self.port = self.server.info.addresses[0].port

    async def shut(self) -> None:
        await self.server.async_close()

    async def _serve(self, connection: Any) -> None:
        with contextlib.suppress(ConnectionError):
            while True:
                for message in await connection.receive():
                    await self._answer(connection, message)

    async def _answer(self, connection: Any, asked: Any) -> None:
        done = iec104.CommandResCause
        self.asked.append(type(asked).__name__)
        if isinstance(asked, iec104.ClockSyncMsg):
            self.told = asked.time
            cause = iec104.ClockSyncResCause.ACTIVATION_CONFIRMATION
            if not self.mute:
                await connection.send([asked._replace(cause=cause, is_negative_confirm=self.negative)])
            return
        await connection.send([asked._replace(cause=done.ACTIVATION_CONFIRMATION)])
        if isinstance(asked, iec104.CounterInterrogationMsg):
            assert (asked.request, asked.freeze) == (5, iec104.FreezeCode.FREEZE)
            data = iec104.BinaryCounterData(iec104.BinaryCounterValue(self.count), GOOD)
            spoiled = iec104.BinaryCounterData(iec104.BinaryCounterValue(7), GOOD._replace(invalid=True))
            cause = iec104.DataResCause.INTERROGATED_COUNTER
            await connection.send(
                [
                    iec104.DataMsg(False, 0, 1, place, one, None, cause)
                    for place, one in ((COUNTER, data), (702, spoiled))
                ]
            )
        else:
            quality = iec104.MeasurementQuality(False, False, False, False, False)
            data = iec104.FloatingData(iec104.FloatingValue(self.measured), quality)
            cause = iec104.DataResCause.INTERROGATED_STATION
            await connection.send([iec104.DataMsg(False, 0, 1, FLOAT, data, None, cause)])
        if not self.mute:
            await connection.send([asked._replace(cause=done.ACTIVATION_TERMINATION)])


def place(meter_no: str, number: int, where: int) -> Place:
    return Place(number, meter_no, f"0001{where:08d}")


def test_addresses_say_station_and_object() -> None:
    assert object_of("000100000701") == (1, 701)


@contextlib.asynccontextmanager
async def connected(slave: Slave, now: Callable[[], datetime], limits: Limits = QUICK) -> Any:
    await slave.open()
    station = Station(STATION, "iec104", "127.0.0.1", slave.port, 10)
    line = await Station104.dial(station, limits, now)
    try:
        yield line
    finally:
        line.end("stopped")
        await slave.shut()


def test_totals_and_measured_values_are_interrogated() -> None:
    async def run() -> None:
        slave = Slave()
        moment = datetime(2026, 4, 11, 8, tzinfo=UTC)
        limits = replace(QUICK)
        async with connected(slave, lambda: moment, limits) as line:
            places = [place("A", 1, COUNTER), place("B", 2, FLOAT), place("C", 3, 702), place("D", 4, 9)]
            found = await line.ask("now", MIDNIGHT.date(), places)
            # A count is 10 Wh: 1,234 of them are 12.34 kWh.
            assert [(one.value_e4, one.read_at) for one in found["A"].registers] == [(123_400, moment)]
            assert found["B"].registers[0].value_e4 == 23_350
            assert found["C"] == Got("no_data"), "a value that is marked as not valid is none"
            assert found["D"] == Got("no_data")
            assert slave.asked == ["InterrogationMsg", "CounterInterrogationMsg"]
            slave.measured = math.inf
            await line.ask("now", MIDNIGHT.date(), places)
            slave.mute = True
            with hurried(limits, answer_s=0.3):
                assert (await line.ask("now", MIDNIGHT.date(), places))["A"] == Got("no_answer")

    to_its_end(run())


def test_days_come_from_the_quarters_that_were_seen() -> None:
    async def run() -> None:
        slave = Slave(1_000)
        now = MIDNIGHT - timedelta(days=1) + timedelta(seconds=2)

        async with connected(slave, lambda: now) as line:
            for quarter in range(97):
                now = MIDNIGHT - timedelta(days=1) + quarter * QUARTER + timedelta(seconds=2)
                slave.count = 1_000 + 3 * quarter
                # The station is not heard at one quarter.
                if quarter != 40:
                    await line.freeze()
            day, one = (MIDNIGHT - timedelta(days=1)).date(), [place("A", 1, COUNTER)]
            (register,) = (await line.ask("freeze", day, one))["A"].registers
            assert (register.value_e4, register.read_at) == ((1_000 + 3 * 96) * 100, MIDNIGHT)
            (curve,) = (await line.ask("curve", day, one))["A"].curves
            assert [place_ for place_, value in enumerate(curve.values_e4) if value is None] == [39, 40]
            assert {value for value in curve.values_e4 if value is not None} == {300}
            assert (await line.ask("freeze", MIDNIGHT.date(), one))["A"] == Got("no_data")
            now += timedelta(days=10)
            await line.freeze()
            assert (await line.ask("freeze", day, one))["A"] == Got("no_data"), "what is old is not kept"

    to_its_end(run())


def published(*numbers: int) -> bytes:
    rows = {row["id"]: row["hex"] for row in FRAMES}
    return b"".join(bytes.fromhex(rows[number]) for number in numbers)


def test_published_frames_are_understood() -> None:
    """STARTDT and its confirmation, the interrogation as published, and the measured value of another maker's station."""
    said: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.CancelledError, ConnectionError):
            assert await reader.readexactly(6) == published(585)
            writer.write(published(586))
            said.append(await reader.readexactly(16))
            # The sequence numbers are those of this connection: first, second and third frame.
            value, ended = bytearray(published(598)), bytearray(published(593))
            value[2:6], ended[2:6] = bytes((0, 0, 2, 0)), bytes((2, 0, 2, 0))
            writer.write(bytes(value) + bytes(ended))
            while await reader.read(64):
                pass

    async def run() -> None:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        station = Station(STATION, "iec104", "127.0.0.1", server.sockets[0].getsockname()[1], 1_000)
        # It confirms no interrogation of the counters, and is waited for.
        line = await Station104.dial(station, replace(QUICK, answer_s=2.0), lambda: MIDNIGHT)
        await line.ask("now", MIDNIGHT.date(), [])
        found = line._got("now", MIDNIGHT.date(), (1, FLOAT))
        assert found.registers[0].value_e4 == 2_335_000
        # As published but for the common address: all stations.
        expected = bytearray(published(591))
        expected[10:12] = b"\xff\xff"
        assert said == [bytes(expected)]
        line.end("stopped")
        server.close()

    to_its_end(run())


@pytest.fixture(scope="module")
def field(postgres_dsn: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Field]:
    limits = replace(QUICK, dial_s=0.05, dial_again_s=0.2)
    folder = tmp_path_factory.mktemp("station")
    with database(postgres_dsn, template) as dsn, fielded(dsn, folder, limits) as made:
        yield made


def test_a_station_of_the_records_is_dialled_read_and_dialled_again(field: Field) -> None:
    slave = Slave()
    field.sims.do(slave.open())
    body = {"terminal_no": STATION, "protocol": "iec104", "endpoint": f"127.0.0.1:{slave.port}", "count_wh": 10}
    new = record(STATION).model_copy(update=body)
    without = new.model_copy(update={"count_wh": None, "terminal_no": "140581000009"})
    reply = field.api.register_terminals(field.call(), RegisterTerminals(terminals=[new, without]))
    assert (reply.taken, [one.field for one in reply.refused]) == (1, ["count_wh"])
    behind = [
        NewTerminalMeter(terminal_no=STATION, number=number, meter_no=meter_no, address=f"0001{where:08d}")
        for number, (meter_no, where) in enumerate(((METER, COUNTER), (MEASURED, FLOAT)), 1)
    ]
    assert field.api.assign_meters(field.call(), AssignMeters(meters=behind)).taken == 2
    until(lambda: field.terminal(STATION).link == "online", "dialled")
    assert [(row.quantity, row.value.e4) for row in field.answer(METER).rows] == [("active_fwd", 123_400)]
    assert field.answer(MEASURED).rows[0].value.e4 == 23_350
    done = ordered(field, "set_clock", STATION)
    assert (done.state, done.cause) == ("answered", None)
    told = slave.told
    said = datetime(2000 + told.years, told.months, told.day_of_month, told.hours, told.minutes, tzinfo=SHANGHAI)
    assert abs(said - datetime.now(UTC)) < timedelta(minutes=2)
    slave.negative = True
    assert ordered(field, "set_clock", STATION).cause == "denied"
    slave.mute = True
    with field.hurried(answer_s=0.5):
        assert ordered(field, "set_clock", STATION).cause == "no_answer"
    slave.mute = False
    with pytest.raises(OrderNotPossible):
        field.api.check_clock(field.call(), OrderClock(terminal_no=STATION))
    field.sims.do(slave.shut())
    until(lambda: field.terminal(STATION).link == "offline", "the loss is seen")
    field.sims.do(slave.open())
    until(lambda: field.terminal(STATION).link == "online", "dialled again")
    assert field.answer(METER).state == "answered"
    field.sims.do(slave.shut())

"""Modbus meters over TCP: dialled, read by the table of their record, sampled at midnight into the lake. The other side is the
server of pymodbus, and for what no meter should say a bare socket."""

import asyncio
import contextlib
import pathlib
import struct
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice
from tests.asynchronous import run as to_its_end
from tests.service.acquisition.field import DAY, QUICK, Field, fielded, meters, record, until
from tests.service.bindings import settle

from denghuo.kernel.period import SHANGHAI
from denghuo.service.acquisition.api import (
    AmendTerminal,
    AskSuccess,
    AssignMeters,
    FindLeft,
    NewTerminalMeter,
    OrderClock,
    OrderNotPossible,
    RecordRefused,
    RegisterTerminals,
    StartCollection,
)
from denghuo.service.acquisition.front.limits import Limits
from denghuo.service.acquisition.front.modbus import StationModbus
from denghuo.service.acquisition.front.sampled import QUARTER
from denghuo.service.acquisition.front.sessions import Station
from denghuo.service.acquisition.front.speak import Got, Place
from denghuo.service.acquisition.protocol.fault import BadValue
from denghuo.service.acquisition.protocol.modbus.points import requests
from denghuo.service.acquisition.rules import counted, registers_of
from denghuo.service.reading.batch.intake import REGISTERS

NO = "140581000004"
M1, M2, M3 = (one.meter_no for one in meters(NO))
HEAD = "name,function,register,type,order,decimals,unit"
TABLE = f"{HEAD}\nactive_fwd,3,0,u32,ABCD,2,kWh\nactive_fwd.peak,3,2,u32,CDAB,2,kWh\nactive_rev,4,100,f32,ABCD,1,Wh"
END = datetime(DAY.year, DAY.month, DAY.day, tzinfo=SHANGHAI) + timedelta(days=1)
LIMITS = replace(QUICK, bus_s=5.0)


def unit(no: int) -> SimDevice:
    """Holding and input registers are the same ones here: four for what counts forward, two for reverse."""
    return SimDevice(
        no,
        [
            SimData(0, values=[0] * 4, datatype=DataType.REGISTERS),
            SimData(100, values=[0] * 2, datatype=DataType.REGISTERS),
        ],
    )


class Line:
    """Units 1 and 2 behind one address. They show forward energy in 0.01 kWh, its peak likewise, and reverse in Wh as a float."""

    def __init__(self) -> None:
        self.port = 0

    async def open(self) -> None:
        self.server = ModbusTcpServer([unit(1), unit(2)], address=("127.0.0.1", self.port))
        await self.server.serve_forever(background=True)
        self.port = self.server.transport.sockets[0].getsockname()[1]  # type: ignore[union-attr, attr-defined]
        await self.show(1, 123_456, 70_000, 890.5)
        await self.show(2, 1, 0, 0.0)

    async def show(self, no: int, forward: int, peak: int, reverse: float) -> None:
        high, low = divmod(peak, 0x10000)
        await self.server.async_setValues(no, 16, 0, [*divmod(forward, 0x10000), low, high])
        await self.server.async_setValues(no, 16, 100, list(struct.unpack(">2H", struct.pack(">f", reverse))))

    async def shut(self) -> None:
        await self.server.shutdown()


def place(no: int) -> Place:
    return Place(no, f"M{no}", f"{no:012d}")


@contextlib.asynccontextmanager
async def dialled(
    port: int, now: Callable[[], datetime] = lambda: END, table: str = TABLE, limits: Limits = LIMITS
) -> AsyncIterator[StationModbus]:
    station = Station(NO, "modbus", "127.0.0.1", port, None, registers=table)
    line = await StationModbus.dial(station, limits, now, lambda _: [f"{no:012d}" for no in (1, 2, 3)])
    try:
        yield line
    finally:
        line.end("stopped")


@contextlib.asynccontextmanager
async def served() -> AsyncIterator[Line]:
    made = Line()
    await made.open()
    try:
        yield made
    finally:
        await made.shut()


def shown(found: Got) -> dict[tuple[str, str], int]:
    return {(one.quantity, one.band): one.value_e4 for one in found.registers}


def test_registers_are_read_by_the_table_and_a_silent_unit_is_told_of() -> None:
    async def run() -> None:
        async with served() as made, dialled(made.port) as line:
            found = await line.ask("now", DAY, [place(1), place(3), place(2)])
            assert shown(found["M1"]) == {
                ("active_fwd", "total"): 12_345_600, ("active_fwd", "peak"): 7_000_000, ("active_rev", "total"): 8_905,
            }  # fmt: skip
            assert {one.read_at for one in found["M1"].registers} == {END}
            assert found["M3"] == Got("denied"), "this server says of a unit that it has not: failure (04)"
            assert shown(found["M2"])["active_fwd", "total"] == 100
            assert await line.clock() is None
            await made.show(2, 1, 0, float("nan"))
            assert ("active_rev", "total") not in shown((await line.ask("now", DAY, [place(2)]))["M2"])
            async with dialled(made.port, table=f"{HEAD};active_fwd,3,50,u32,,2,kWh") as other:
                assert (await other.ask("now", DAY, [place(1)]))["M1"] == Got("denied"), "no such register (02)"

    to_its_end(run())


def test_days_come_from_the_quarters_that_were_seen() -> None:
    async def run() -> None:
        now = END - timedelta(days=1)
        async with served() as made, dialled(made.port, lambda: now + timedelta(seconds=2)) as line:
            for quarter in range(97):
                now = END - timedelta(days=1) + quarter * QUARTER
                await made.show(1, 1_000 + 3 * quarter, 0, 7.0 * quarter)
                if quarter != 40:
                    await line.freeze()
            found = await line.ask("freeze", DAY, [place(1), place(3)])
            assert shown(found["M1"])["active_fwd", "total"] == (1_000 + 3 * 96) * 100
            assert {one.read_at for one in found["M1"].registers} == {END} and found["M3"] == Got("no_data")
            forward, reverse = (await line.ask("curve", DAY, [place(1)]))["M1"].curves
            assert [at for at, value in enumerate(forward.values_e4) if value is None] == [39, 40]
            assert {value for value in forward.values_e4 if value is not None} == {300}
            assert {value for value in reverse.values_e4 if value is not None} == {70}
            assert (await line.ask("month", DAY + timedelta(days=1), [place(1)]))["M1"] == Got("no_data")

    to_its_end(run())


GARBAGE = bytes.fromhex("00010001000301830200")


@pytest.mark.parametrize(
    ("said", "cause", "ended"),
    [
        (lambda asked: asked[:2] + bytes.fromhex("000000050203020001"), "bad_frame", None),
        (lambda asked: asked[:2] + bytes.fromhex("000000050103020001"), "bad_frame", None),
        (lambda asked: bytes.fromhex("ffff00000007010304") + bytes(4), "no_answer", None),
        (lambda asked: asked[:2] + bytes.fromhex("0000000301830a"), "no_answer", None),
        (lambda asked: asked[:2] + bytes.fromhex("00000003018306"), "denied", None),
        (lambda asked: GARBAGE, "offline", "bad_frames"),
        (lambda asked: b"", "offline", "closed"),
    ],
    ids=["another unit", "too few", "another question", "no way to it", "busy", "no frame", "closed"],
)
def test_what_is_no_answer_is_none(said: Callable[[bytes], bytes], cause: Any, ended: str | None) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while answer := said(await reader.readexactly(12)):
                writer.write(answer)
        writer.close()

    async def run() -> None:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        limits = replace(LIMITS, bus_s=0.3) if cause == "no_answer" else LIMITS
        async with dialled(server.sockets[0].getsockname()[1], limits=limits) as line:
            assert (await line.ask("now", DAY, [place(1)]))["M1"] == Got(cause)
            assert line.ended_by == ended
        server.close()

    to_its_end(run())


@pytest.mark.parametrize(
    ("table", "field"),
    [
        (f"{HEAD}\nactive_rev,3,0,u32,,2,kWh", "name"),
        (f"{HEAD}\nactive_fwd,3,0,u32,,2,kWh;active_fwd,3,2,u32,,2,kWh", "row 3 name"),
        (f"{HEAD}\nactive_fwd,3,0,u32,,2,kvarh", "row 2 unit"),
        (f"{HEAD}\nactive_fwd.night,3,0,u32,,2,kWh", "row 2 name"),
        (f"{HEAD}\nactive_fwd,3,0,u99,,2,kWh", "row 2 type"),
        ("active_fwd,3,0,u32,,2,kWh", "name"),
    ],
)
def test_a_wrong_table_is_refused_by_its_row_and_column(table: str, field: str) -> None:
    with pytest.raises(BadValue) as error:
        registers_of(table)
    assert error.value.field == field


@given(st.lists(st.integers(0, 0xFFFF), max_size=8), st.sampled_from(["Wh", "kWh", "MWh"]), st.integers(0, 9))
def test_counts_are_exact_and_never_negative(registers: list[int], unit: str, decimals: int) -> None:
    wanted = registers_of(f"{HEAD}\nactive_fwd,3,0,i64,ABCD,{decimals},{unit}")
    (request,) = requests(one.point for one in wanted)
    found = counted(wanted, {(request.function, request.register): registers})
    raw = b"".join(one.to_bytes(2, "big") for one in registers[:4])
    value = int.from_bytes(raw, "big", signed=True) if len(raw) == 8 else -1
    wh_tenths = value * {"Wh": 10, "kWh": 10_000, "MWh": 10_000_000}[unit]
    assert found == ({} if value < 0 else {("active_fwd", "total"): wh_tenths // 10**decimals})


class Clock:
    """It stands, so that it is always two seconds to the end of the quarter of an hour that began at midnight."""

    shows = END.astimezone(UTC) + QUARTER - timedelta(seconds=2)

    def __call__(self) -> datetime:
        return self.shows


@pytest.fixture
def field(database_dsn: str, tmp_path: pathlib.Path) -> Iterator[Field]:
    limits = replace(LIMITS, dial_s=0.05, dial_again_s=0.2)
    with fielded(database_dsn, tmp_path, limits, clock=Clock()) as made:
        yield made


def sampled(field: Field) -> None:
    """Waits until all units were read from now on: two of them by two questions, the third refuses the first. One such round may
    have begun before."""
    before = field.terminal(NO).frames_in
    until(lambda: field.terminal(NO).frames_in >= before + 10, "sampled")


def test_a_meter_of_the_records_is_dialled_read_and_its_midnight_comes_into_the_lake(field: Field) -> None:
    made = Line()
    field.sims.do(made.open())
    body = {"terminal_no": NO, "protocol": "modbus", "endpoint": f"127.0.0.1:{made.port}", "registers": TABLE}
    new = record(NO).model_copy(update=body)
    wrong = [
        new.model_copy(update={"terminal_no": f"14058100001{at}", "endpoint": f"gw{at}.example:502", **said})
        for at, said in enumerate(
            (
                {"registers": None},
                {"registers": "name"},
                {"protocol": "dlt645"},
                {"protocol": "dlms", "registers": None},
            )
        )
    ]
    reply = field.api.register_terminals(field.call(), RegisterTerminals(terminals=[new, *wrong]))
    assert (reply.taken, [one.field for one in reply.refused]) == (2, ["registers"] * 3)
    behind = [
        NewTerminalMeter(terminal_no=NO, number=number, meter_no=meter_no, address=f"{where:012d}")
        for number, (meter_no, where) in enumerate(((M1, 1), (M2, 2), (M3, 3), ("M49999", 248)), 1)
    ]
    assigned = field.api.assign_meters(field.call(), AssignMeters(meters=behind))
    assert (assigned.taken, [one.field for one in assigned.refused]) == (3, ["address"])
    until(lambda: field.terminal(NO).link == "online", "dialled")
    sampled(field)
    assert {(row.quantity, row.band): row.value.e4 for row in field.answer(M1).rows} == {
        ("active_fwd", "total"): 12_345_600, ("active_fwd", "peak"): 7_000_000, ("active_rev", "total"): 8_905,
    }  # fmt: skip
    assert field.answer(M3).cause == "denied"
    with pytest.raises(OrderNotPossible):
        field.api.set_clock(field.call(), OrderClock(terminal_no=NO))
    field.api.start_collection(field.call(), StartCollection(day=DAY, kinds=["freeze"]))
    until(lambda: field.api.success(field.call(), AskSuccess(day=DAY, kind="freeze", by="terminal")).done == 2, "two")
    assert {row.meter_no: row.cause for row in field.api.left(field.call(), FindLeft(day=DAY)).rows} == {M3: "no_data"}
    settle(field.directory)
    rows = field.directory.hosted["reading"].store.lake.scan(REGISTERS, END.date(), END.date()).to_pylist()
    assert {(row["meter_no"], row["value_e4"]) for row in rows if (row["quantity"], row["band"]) == ("active_fwd", "total")} == {
        (M1, 12_345_600), (M2, 100),
    }  # fmt: skip

    # Another table from now on; what is wrong with one is said.
    for terminal_no, table in ((NO, "name"), ("140581000013", TABLE)):
        with pytest.raises(RecordRefused):
            field.api.amend_terminal(
                field.call(), AmendTerminal(terminal_no=terminal_no, registers=table, reason="更换点表")
            )
    other = f"{HEAD}\nactive_fwd,3,0,u32,ABCD,3,kWh"
    changed = field.api.amend_terminal(field.call(), AmendTerminal(terminal_no=NO, registers=other, reason="更换点表"))
    assert changed.registers == other
    until(lambda: [row.value.e4 for row in field.answer(M1).rows] == [1_234_560], "dialled anew")
    field.sims.do(made.shut())

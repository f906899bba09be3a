"""Simulated meters and stations that are dialled: the front collects a day from them, another maker's client reads
them, and they fail as they are told to."""

import asyncio
import contextlib
import pathlib
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from dlms_cosem.clients.dlms_client import DataResultError, DlmsClient
from dlms_cosem.cosem import CosemAttribute, Obis
from dlms_cosem.cosem.capture_object import CaptureObject
from dlms_cosem.cosem.selective_access import RangeDescriptor
from dlms_cosem.enumerations import CosemInterface
from dlms_cosem.time import datetime_from_bytes
from dlms_cosem.utils import parse_as_dlms_data
from hypothesis import given
from hypothesis import strategies as st
from pymodbus.client import AsyncModbusTcpClient
from tests.asynchronous import run as to_its_end
from tests.brokers import free_port
from tests.service.acquisition.field import DAY, QUICK, county, written

from denghuo.kernel.period import SHANGHAI
from denghuo.service.acquisition.front.direct import DirectMeter
from denghuo.service.acquisition.front.iec104 import Station104
from denghuo.service.acquisition.front.modbus import StationModbus
from denghuo.service.acquisition.front.sampled import QUARTER
from denghuo.service.acquisition.front.sessions import Ordered, Station
from denghuo.service.acquisition.front.speak import Got, Place
from denghuo.service.acquisition.protocol.modbus.points import ORDERS, TYPES, requests
from denghuo.service.acquisition.rules import counted, registers_of
from denghuo.simulator import wiremodbus
from denghuo.simulator.county import Concentrator, Meter
from denghuo.simulator.direct import DirectMeters
from denghuo.simulator.modbus import ModbusLine
from denghuo.simulator.run import NotSimulated, Towards, simulate
from denghuo.simulator.station import Station as Simulated104
from denghuo.simulator.terminal import Behaviour, Tally

NO = "140581000004"
M1, M2 = "M40001", "M40002"
BEGIN = datetime(DAY.year, DAY.month, DAY.day, tzinfo=SHANGHAI)
HEAD = "name,function,register,type,order,decimals,unit"
TABLE = f"{HEAD};active_fwd,3,0,u32,,2,kWh;active_fwd.flat,3,2,u64,DCBA,0,Wh;active_rev,4,100,bcd32,CDAB,2,kWh"
CLIENT_TYPES = {
    "u16": "UINT16", "i16": "INT16", "u32": "UINT32", "i32": "INT32", "u64": "UINT64", "i64": "INT64", "f32": "FLOAT32",
}  # fmt: skip


def place(unit: int) -> Place:
    return Place(unit, f"M4000{unit}", f"{unit:012d}")


@contextlib.asynccontextmanager
async def dialled(now: Callable[[], datetime], *faults: str, bus_s: float = 10.0) -> AsyncIterator[StationModbus]:
    """A line of two simulated meters, and the front that has dialled it."""
    units = tuple(Meter(unit, f"M4000{unit}", f"{unit:012d}") for unit in (1, 2))
    behind = Concentrator(NO, "modbus", "TG001", units, registers=TABLE)
    line = ModbusLine(behind, county(NO), Behaviour(slow_s=0.001, faults=frozenset(faults)), Tally(), now)
    station = Station(NO, "modbus", "127.0.0.1", await line.listen("127.0.0.1", 0), None, registers=TABLE)
    addresses = [one.address for one in units]
    front = await StationModbus.dial(station, replace(QUICK, bus_s=bus_s), now, lambda _: addresses)
    try:
        yield front
    finally:
        front.end("stopped")
        await line.shut()


def totals(found: Got) -> list[tuple[str, int]]:
    return [(one.quantity, one.value_e4) for one in found.registers if one.band == "total"]


def test_the_front_collects_a_day_from_simulated_modbus_meters() -> None:
    async def run() -> None:
        now = BEGIN
        async with dialled(lambda: now + timedelta(seconds=2), "slow", "duplicate") as front:
            for quarter in range(97):
                now = BEGIN + quarter * QUARTER
                await front.freeze()
            shown = county(NO)
            found = await front.ask("freeze", DAY, [place(1), place(2)])
            for unit, meter_no in ((1, M1), (2, M2)):
                expected = [shown.at_midnight(meter_no, at, DAY + timedelta(days=1)) for at in (0, 1)]
                assert totals(found[meter_no]) == list(zip(("active_fwd", "active_rev"), expected, strict=True)), unit
            forward, _ = (await front.ask("curve", DAY, [place(1)]))[M1].curves
            assert forward.values_e4 == (1_000,) * 96
            assert {(one.band, one.value_e4) for one in found[M1].registers if one.quantity == "active_fwd"} == {
                (band, shown.at_midnight(M1, 0, DAY + timedelta(days=1))) for band in ("total", "flat")
            }

    to_its_end(run())


@pytest.mark.parametrize(
    ("fault", "first", "second", "ended"),
    [
        ("silence", "no_answer", None, None),
        ("exception", "denied", "denied", None),
        ("wrong_unit", "bad_frame", "bad_frame", None),
        ("garbage", "offline", "offline", "bad_frames"),
        ("reset", None, None, None),
    ],
)
def test_a_simulated_modbus_meter_fails_as_it_is_told_to(
    fault: str, first: str | None, second: str | None, ended: str | None
) -> None:
    async def run() -> None:
        async with dialled(lambda: BEGIN, fault, bus_s=0.2 if fault == "silence" else 10.0) as front:
            found = await front.ask("now", DAY, [place(1), place(2), place(3)])
            assert (found[M1].cause, found[M2].cause, front.ended_by) == (first, second, ended)
            # The gateway says that nobody is there.
            assert found["M40003"].cause == ("offline" if ended else "no_answer")
            if fault == "reset":
                assert totals(found[M2]) == [("active_fwd", 9 * 96_000), ("active_rev", 9 * 9_600)]

    to_its_end(run())


@given(
    st.sampled_from(sorted(TYPES)),
    st.sampled_from(ORDERS),
    st.integers(0, 4),
    st.sampled_from(["Wh", "kWh", "MWh"]),
    st.one_of(st.none(), st.integers(0, 10**10 - 1)),
)
def test_what_simulated_registers_hold_is_read_as_it_is_meant(
    kind: str, order: str, decimals: int, unit: str, value_e4: int | None
) -> None:
    """By the front, and by another maker's client where it knows the type: cut to the unit of the table, and to the digits that
    there are."""
    table = f"{HEAD};active_fwd,3,7,{kind},{order},{decimals},{unit}"
    (one,) = wiremodbus.entries_of(table)
    words = [int.from_bytes(word, "big") for word in one.words(value_e4)]
    wanted = registers_of(table)
    (request,) = requests(row.point for row in wanted)
    found = counted(wanted, {(request.function, request.register): words}).get(("active_fwd", "total"))
    if value_e4 is None:
        assert found is None
        return
    count = value_e4 * 10**decimals // one.e4
    bits = 8 * wiremodbus.SIZES[kind]
    if kind.startswith("bcd"):
        count %= 10 ** (bits // 4)
    elif kind != "f32":
        count %= 2 ** (bits - kind.startswith("i"))
    if kind == "f32":
        assert found == pytest.approx(value_e4, rel=1e-6, abs=one.e4 / 10**decimals)
    elif count != 2**bits - 1:
        assert found == count * one.e4 // 10**decimals
    if kind in CLIENT_TYPES and order in ("ABCD", "CDAB"):
        client_type = AsyncModbusTcpClient.DATATYPE[CLIENT_TYPES[kind]]
        read = AsyncModbusTcpClient.convert_from_registers(
            words, client_type, word_order="big" if order == "ABCD" else "little"
        )
        assert read == (pytest.approx(count / 10**decimals, rel=1e-6) if kind == "f32" else count)


def folder(to: pathlib.Path, protocol: str, address: str, endpoint: str, told: str = TABLE) -> None:
    """An import folder with one meter that is dialled; `told`: what its record says of its registers."""
    written(to, {NO: protocol})
    column = {"modbus": "registers", "iec104": "count_wh"}[protocol]
    head = f"terminal_no,protocol,area_no,endpoint,{column}\n"
    (to / "terminals.csv").write_text(f'{head}{NO},{protocol},TG001,{endpoint},"{told}"\n')
    (to / "terminal_meters.csv").write_text(f"terminal_no,number,meter_no,address\n{NO},1,{M1},{address}\n")


def test_a_client_of_another_maker_reads_the_meters_of_a_folder(tmp_path: pathlib.Path) -> None:
    port = free_port()
    folder(tmp_path, "modbus", "000000000001", f"127.0.0.1:{port}")
    said: list[str] = []

    async def run() -> None:
        work = asyncio.create_task(simulate(tmp_path, Towards(), 60.0, {}, "", said.append))
        client = AsyncModbusTcpClient("127.0.0.1", port=port, timeout=10, retries=0)
        while not await client.connect():
            await asyncio.sleep(0.05)
        try:
            before = datetime.now(SHANGHAI)
            held = await client.read_holding_registers(0, count=6, device_id=1)
            total = client.convert_from_registers(held.registers[:2], client.DATATYPE.UINT32)
            expected = {(county(NO).at(M1, 0, at, "TG001") or 0) // 100 for at in (before, datetime.now(SHANGHAI))}
            assert total in expected
            reverse = await client.read_input_registers(100, count=2, device_id=1)
            assert not reverse.isError()
            refused: list[Any] = [
                await client.read_holding_registers(5, count=2, device_id=1),
                await client.read_holding_registers(0, count=2, device_id=9),
                await client.read_coils(0, count=1, device_id=1),
                await client.write_register(0, 1, device_id=1),
            ]
            assert [one.exception_code for one in refused] == [2, 11, 1, 1]
        finally:
            client.close()
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)

    to_its_end(run())


@pytest.mark.parametrize(
    ("protocol", "address", "told", "said"),
    [
        ("modbus", "000000000001", f"{HEAD};active_fwd,3,0,u99,,2,kWh", "row 2"),
        ("modbus", "000000000001", HEAD, "registers"),
        ("modbus", "000004000001", TABLE, "1 to 247"),
        ("modbus", "000000000001", TABLE, "--listen"),
        ("iec104", "000100000001", "", "count_wh"),
        ("iec104", "000199999999", "10", "object"),
    ],
)
def test_what_cannot_be_simulated_is_said(
    tmp_path: pathlib.Path, protocol: str, address: str, told: str, said: str
) -> None:
    folder(tmp_path, protocol, address, "192.0.2.1:502", told)
    with pytest.raises(NotSimulated, match=said):
        to_its_end(simulate(tmp_path, Towards(), 60.0, {}, "", print))


@contextlib.asynccontextmanager
async def stationed(now: Callable[[], datetime], *faults: str, answer_s: float = 10.0) -> AsyncIterator[Any]:
    """A simulated station of 300 meters that all show what the first does, and the front that has dialled it."""
    behind = tuple(Meter(number, M1, f"0001{number:08d}") for number in range(1, 301))
    made = Concentrator(NO, "iec104", "TG001", (*behind, Meter(301, "nobody", "000200000001")), count_wh=10)
    simulated = Simulated104(made, county(NO), Behaviour(slow_s=0.001, faults=frozenset(faults)), Tally(), now)
    station = Station(NO, "iec104", "127.0.0.1", await simulated.listen("127.0.0.1", 0), 10)
    front = await Station104.dial(station, replace(QUICK, answer_s=answer_s), now)
    try:
        yield front
    finally:
        front.end("stopped")
        await simulated.shut()


ORDER = Ordered("O1", "set_clock", NO, None, None, None, {})
FIRST, LAST, NOBODY = Place(1, "A", "000100000001"), Place(300, "B", "000100000300"), Place(301, "C", "000200000001")


def test_the_front_collects_a_day_from_a_simulated_station() -> None:
    """More frames than may stand unacknowledged; the other side of the front's wire is hat-drivers."""

    async def run() -> None:
        now = BEGIN
        async with stationed(lambda: now + timedelta(seconds=2), "slow", "duplicate") as front:
            for quarter in range(97):
                now = BEGIN + quarter * QUARTER
                await front.freeze()
            found = await front.ask("freeze", DAY, [FIRST, LAST, NOBODY])
            expected = county(NO).at_midnight(M1, 0, DAY + timedelta(days=1))
            assert [totals(found[no]) for no in "ABC"] == [[("active_fwd", expected)]] * 2 + [[]]
            assert found["C"].cause == "no_data"
            (curve,) = (await front.ask("curve", DAY, [LAST]))["B"].curves
            assert curve.values_e4 == (1_000,) * 96

    to_its_end(run())


@pytest.mark.parametrize(
    ("fault", "cause", "clock"),
    [("silence", "no_answer", "no_answer"), ("exception", "no_data", "denied"), ("garbage", "offline", "offline")],
)
def test_a_simulated_station_fails_as_it_is_told_to(fault: str, cause: str, clock: str) -> None:
    async def run() -> None:
        async with stationed(lambda: BEGIN, fault, answer_s=0.3 if fault == "silence" else 10.0) as front:
            assert (await front.ask("now", DAY, [FIRST]))["A"] == Got(cause)  # type: ignore[arg-type]
            assert await front.carry_out(ORDER, BEGIN, True) == {"cause": clock}

    to_its_end(run())


@pytest.mark.parametrize("stubborn", [False, True])
def test_the_clock_of_a_simulated_station_is_set(stubborn: bool) -> None:
    async def run() -> None:
        async with stationed(lambda: BEGIN, "wrong_clock", *["stubborn"] * stubborn) as front:

            async def shown() -> set[datetime]:
                return {one.read_at for one in (await front.ask("now", DAY, [FIRST]))["A"].registers}

            assert await shown() == {BEGIN + timedelta(days=2)}
            assert await front.carry_out(ORDER, BEGIN, True) == {}
            assert await shown() == {BEGIN + timedelta(days=2 * stubborn)}

    to_its_end(run())


@contextlib.asynccontextmanager
async def direct(now: Callable[[], datetime], *faults: str, answer_s: float = 10.0) -> AsyncIterator[DirectMeter]:
    """Two simulated direct meters behind one port, and the front that has dialled it."""
    behind = Concentrator(NO, "dlms", "TG001", tuple(Meter(one, f"M4000{one}", f"{one:012d}") for one in (1, 2)))
    simulated = DirectMeters(behind, county(NO), Behaviour(slow_s=0.001, faults=frozenset(faults)), Tally(), now)
    station = Station(NO, "dlms", "127.0.0.1", await simulated.listen("127.0.0.1", 0), None)
    front = await DirectMeter(station, replace(QUICK, answer_s=answer_s)).opened()
    try:
        yield front
    finally:
        front.end("stopped")
        await simulated.shut()


def test_the_front_collects_a_day_from_simulated_direct_meters() -> None:
    async def run() -> None:
        async with direct(lambda: BEGIN + timedelta(days=2, minutes=10), "slow") as front:
            shown, places = county(NO), [place(1), place(2)]
            frozen, curves = await front.ask("freeze", DAY, places), await front.ask("curve", DAY, places)
            monthly = await front.ask("month", DAY, places)
            for no in (M1, M2):
                ends = [shown.at_midnight(no, at, DAY + timedelta(days=1)) for at in (0, 1)]
                assert totals(frozen[no]) == list(zip(("active_fwd", "active_rev"), ends, strict=True))
                assert monthly[no] == frozen[no]
                assert [one.values_e4 for one in curves[no].curves] == [(1_000,) * 96, (100,) * 96]
            assert (await front.ask("freeze", DAY + timedelta(days=5), [place(1)]))[M1] == Got("no_data")

    to_its_end(run())


@pytest.mark.parametrize(
    ("fault", "first", "second"),
    [
        ("silence", "no_answer", "offline"),
        ("exception", "denied", "denied"),
        ("garbage", "no_answer", "offline"),
        ("reset", None, None),
    ],
)
def test_a_simulated_direct_meter_fails_as_it_is_told_to(fault: str, first: str | None, second: str | None) -> None:
    async def run() -> None:
        hurry = 0.3 if fault in ("silence", "garbage") else 10.0
        async with direct(lambda: BEGIN, fault, answer_s=hurry) as front:
            found = await front.ask("now", DAY, [place(1), place(2)])
            assert (found[M1].cause, found[M2].cause) == (first, second)
            if fault == "reset":
                assert totals(found[M2]) == [("active_fwd", 9 * 96_000), ("active_rev", 9 * 9_600)]

    to_its_end(run())


@pytest.mark.parametrize("stubborn", [False, True])
def test_the_clock_of_a_simulated_direct_meter_is_set(stubborn: bool) -> None:
    async def run() -> None:
        async with direct(lambda: BEGIN, "wrong_clock", *["stubborn"] * stubborn) as front:
            assert await front.clock() == BEGIN + timedelta(days=2)
            done = await front.carry_out(ORDER, BEGIN, True)
            assert done.get("cause") == ("not_applied" if stubborn else None)
            assert await front.clock() == BEGIN + timedelta(days=2 * stubborn)

    to_its_end(run())


def test_another_makers_client_reads_a_simulated_direct_meter() -> None:
    """Values, a profile in blocks, and what the meter has not."""

    def read(port: int) -> None:
        client = DlmsClient.with_tcp_transport("127.0.0.1", port, 16, 2, timeout=10)
        with client.session() as meter:
            total = meter.get(CosemAttribute(CosemInterface.REGISTER, Obis(1, 0, 1, 8, 0, 255), 2))
            assert parse_as_dlms_data(total) == (county(NO).at(M2, 0, BEGIN, "") or 0) // 100
            load, clock = Obis(1, 0, 99, 1, 0, 255), CosemAttribute(CosemInterface.CLOCK, Obis(0, 0, 1, 0, 0, 255), 2)
            assert datetime_from_bytes(parse_as_dlms_data(meter.get(clock)))[0] == BEGIN
            rows = meter.get(
                CosemAttribute(CosemInterface.PROFILE_GENERIC, load, 2),
                RangeDescriptor(
                    restricting_object=CaptureObject(cosem_attribute=clock, data_index=0),
                    from_value=BEGIN - timedelta(days=1),
                    to_value=BEGIN,
                ),
            )
            assert len(parse_as_dlms_data(rows)) == 97
            with pytest.raises(DataResultError):
                meter.get(CosemAttribute(CosemInterface.REGISTER, Obis(1, 0, 32, 7, 0, 255), 2))

    async def run() -> None:
        async with direct(lambda: BEGIN) as front:
            await asyncio.to_thread(read, front.station.port)

    to_its_end(run())

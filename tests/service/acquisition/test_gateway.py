"""Meters of DL/T 645-2007 behind a gateway that the front dials: a day comes into the lake, one is read on demand, one that is
silent keeps nobody else from being read, and what is not an answer is none. The other side is the simulator's."""

from collections.abc import Callable, Generator, Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.databases import database
from tests.service.acquisition.field import DAY, QUICK, Field, county, fielded, meters, record, rolled_out, until
from tests.service.bindings import settle

from denghuo.data.analysis.lake_day import SLOTS, curve_class
from denghuo.kernel.period import SHANGHAI
from denghuo.service.acquisition.api import (
    AskSuccess,
    AssignMeters,
    FindLeft,
    FindMembers,
    FindOrders,
    NewTerminalMeter,
    Order,
    OrderClock,
    OrderRef,
    RegisterTerminals,
    StartCollection,
)
from denghuo.service.acquisition.front.cipher import SoftwareCipher
from denghuo.service.acquisition.front.dlt645 import Asked, NoSuchData, asked
from denghuo.service.acquisition.front.speak import Curve, Got, Kind
from denghuo.service.acquisition.protocol.fault import BadFrame
from denghuo.service.reading.batch.intake import REGISTERS
from denghuo.simulator import wire645
from denghuo.simulator.county import Concentrator
from denghuo.simulator.gateway import Gateway
from denghuo.simulator.terminal import Behaviour, Tally

NO = "140581000004"
END = datetime(DAY.year, DAY.month, DAY.day, tzinfo=SHANGHAI) + timedelta(days=1)
NOW = END + timedelta(minutes=25)
ADDRESS = "000004000001"
M1, M2, M3 = (one.meter_no for one in meters(NO))


class Meter:
    """A meter of the simulator without a bus. `hides`: identifiers that it says it has not; `shown`: what its clock shows."""

    def __init__(self, hides: str = "none", shown: datetime = NOW) -> None:
        self.hides, self.shown = hides, shown
        self.asked: list[str] = []
        simulated = county(NO)
        self._reading = wire645.Reading(lambda place, at: simulated.at(meters(NO)[0].meter_no, place, at, ""))

    def read(self, one: Asked) -> bytes:
        self.asked.append(one.di)
        if one.di.startswith(self.hides):
            raise NoSuchData
        more = b""
        if one.since is not None:
            more = bytes((one.blocks or 0, *bytes.fromhex(one.since.strftime("%M%H%d%m%y"))))
        di, found, sequence = bytes.fromhex(one.di)[::-1], b"", 0
        said = wire645.heard(self._reading.answer(ADDRESS, 0x11, di + more, self.shown) or b"")
        while said is not None:
            _, control, data = said
            if control & 0x40:
                raise NoSuchData
            found += data[4:-1] if sequence else data[4:]
            if not control & 0x20:
                return found
            sequence += 1
            said = wire645.heard(self._reading.answer(ADDRESS, 0x12, di + bytes((sequence,)), self.shown) or b"")
        raise AssertionError("the meter says nothing")


def driven(steps: Generator[Asked, bytes, Got], read: Any) -> Got:
    try:
        one = next(steps)
        while True:
            try:
                data = read(one)
            except NoSuchData as none:
                one = steps.throw(none)
            else:
                one = steps.send(data)
    except StopIteration as done:
        return done.value  # type: ignore[no-any-return]


def got(kind: Kind, day: date = DAY, meter: Meter | None = None) -> Got:
    return driven(asked(kind, day, NOW), (meter or Meter()).read)


def totals(found: Got) -> list[tuple[str, int]]:
    return [(one.quantity, one.value_e4) for one in found.registers if one.band == "total"]


def register(day: date) -> list[tuple[str, int]]:
    """What the first meter shows at the end of a day, to the hundredth that 645 tells."""
    place = (day - date(2026, 4, 1)).days + 1
    return [("active_fwd", 1_000_000 + place * 96_000), ("active_rev", 1_000_000 + place * 9_600)]


def test_a_midnight_is_found_among_the_freezes_by_its_time() -> None:
    for back in (0, 1, 7):
        day = DAY - timedelta(days=back)
        found = got("freeze", day)
        assert totals(found) == register(day) and found.cause is None
        assert {one.read_at for one in found.registers} == {END - timedelta(days=back)}
    assert {one.band for one in got("freeze").registers} == {"total", "sharp", "peak", "flat", "valley"}
    assert got("freeze", DAY + timedelta(days=1)) == Got("wrong_day"), "not frozen yet, or its clock is late"
    assert got("freeze", DAY - timedelta(days=80)) == Got("no_data")
    assert got("freeze", meter=Meter("0506")) == Got("no_data")


def test_a_meter_whose_freezes_moved_meanwhile_is_not_taken_for_another_day() -> None:
    meter = Meter()

    def read(one: Asked) -> bytes:
        # It freezes anew right after it said which freeze is the newest.
        if len(meter.asked) == 1:
            meter.shown = NOW + timedelta(days=1)
        return meter.read(one)

    assert driven(asked("freeze", DAY, NOW), read) == Got("wrong_day")


def test_a_months_end_comes_from_the_settlement_where_no_freeze_is_left() -> None:
    day, now = date(2026, 4, 30), datetime(2026, 5, 1, 0, 30, tzinfo=SHANGHAI)
    for meter in (Meter(shown=now), Meter("0506", shown=now)):
        assert totals(driven(asked("month", day, now), meter.read)) == register(day)
    wrong = Meter("0506", shown=datetime(2026, 4, 30, 23, 50, tzinfo=SHANGHAI))
    assert driven(asked("month", day, now), wrong.read) == Got("wrong_day"), "its clock is in another month"

    def settles_later(one: Asked) -> bytes:
        return b"\x00\x25" if one.di == "04000b01" else Meter("0506", shown=now).read(one)

    assert driven(asked("month", day, now), settles_later) == Got("no_data"), "it settles on the 25th"


def test_a_curve_comes_from_the_load_record() -> None:
    meter = Meter()
    found = got("curve", meter=meter)
    assert found == Got(None, curves=(Curve("active_fwd", (1_000,) * 96), Curve("active_rev", (100,) * 96)))
    assert len(meter.asked) == 17, "six points a question"
    until_noon = Meter(shown=END - timedelta(hours=12))
    (forward, _) = got("curve", meter=until_noon).curves
    assert forward.values_e4 == (1_000,) * 48 + (None,) * 48, "the meter has no more yet"
    assert got("curve", meter=Meter("06")) == Got("no_data")


def test_registers_now_come_as_a_block_or_else_alone() -> None:
    found = got("now")
    assert {one.read_at for one in found.registers} == {NOW} and len(found.registers) == 10
    for hides, expected in (("0001ff", 6), ("0002", 5), ("00", 0)):
        assert len(got("now", meter=Meter(hides)).registers) == expected


@given(st.sampled_from(["freeze", "month", "curve", "now"]), st.lists(st.binary(max_size=40) | st.none(), max_size=60))
def test_whatever_a_meter_sends_a_reading_ends(kind: Kind, sent: list[bytes | None]) -> None:
    """With values, with a cause, or with the one typed error; and it never asks on for ever."""
    answers = iter(sent)

    def read(one: Asked) -> bytes:
        data = next(answers, None)
        if data is None:
            raise NoSuchData
        return data

    try:
        found = driven(asked(kind, DAY, NOW), read)
        assert found.cause is not None or found.registers or found.curves
    except BadFrame:
        pass


@pytest.fixture(scope="module")
def field(postgres_dsn: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Field]:
    limits = replace(QUICK, dial_s=0.05, dial_again_s=0.2, bus_s=5.0)
    folder = tmp_path_factory.mktemp("gateway")
    with database(postgres_dsn, template) as dsn, fielded(dsn, folder, limits, cipher=SoftwareCipher()) as made:
        yield made


def gateway(*faults: str, clock: Callable[[], datetime] = lambda: NOW + timedelta(days=2)) -> Gateway:
    behind = Concentrator(NO, "dlt645", "TG001", meters(NO))
    return Gateway(behind, county(NO), Behaviour(slow_s=0.02, faults=frozenset(faults)), Tally(), clock)


@pytest.fixture(scope="module")
def port(field: Field) -> int:
    """The port of a gateway that is in the records; who listens there each test says."""
    first = gateway()
    ports: list[int] = []

    async def find() -> None:
        ports.append(await first.listen("127.0.0.1", 0))
        await first.shut()

    field.sims.do(find())
    body = {"terminal_no": NO, "protocol": "dlt645", "endpoint": f"127.0.0.1:{ports[0]}"}
    new = record(NO).model_copy(update=body)
    reply = field.api.register_terminals(field.call(), RegisterTerminals(terminals=[new]))
    assert reply.taken == 1, reply
    behind = [
        NewTerminalMeter(terminal_no=NO, number=one.number, meter_no=one.meter_no, address=one.address)
        for one in meters(NO)
    ]
    assert field.api.assign_meters(field.call(), AssignMeters(meters=behind)).taken == 3
    return ports[0]


@pytest.fixture
def listening(field: Field, port: int, request: pytest.FixtureRequest) -> Iterator[Gateway]:
    """The gateway is there, with the faults of the test's parameter, and dialled; `now`: its meters know what time it is."""
    faults = getattr(request, "param", ())
    made = gateway(*faults, clock=lambda: datetime.now(SHANGHAI)) if "now" in faults else gateway(*faults)

    async def listen() -> None:
        await made.listen("127.0.0.1", port)

    field.sims.do(listen())
    until(lambda: field.terminal(NO).link == "online", "dialled")
    until(lambda: field.terminal(NO).state == "in_use", "in use")
    yield made
    field.sims.do(made.shut())
    until(lambda: field.terminal(NO).link == "offline", "the loss is seen")


@pytest.mark.parametrize("listening", [("slow",)], indirect=True)
def test_a_day_comes_into_the_lake_and_a_read_on_demand_need_not_wait_for_it(field: Field, listening: Gateway) -> None:
    assert field.api.start_collection(field.call(), StartCollection(day=DAY)).due == 6
    until(lambda: listening.asked > 2, "the day is being read")
    found = field.answer(meters(NO)[2].meter_no)
    assert (found.state, len(found.rows)) == ("answered", 10)
    curves = AskSuccess(day=DAY, kind="curve", by="terminal")
    assert field.api.success(field.call(), curves).done < 3, "answered before the curves were read"
    for kind in ("freeze", "curve"):
        ask = AskSuccess(day=DAY, kind=kind, by="terminal")  # type: ignore[arg-type]
        until(lambda ask=ask: field.api.success(field.call(), ask).done == 3, f"{kind} of all meters")  # type: ignore[misc]
    assert listening.at_once == 1, "one question on the bus at a time"
    settle(field.directory)
    lake = field.directory.hosted["reading"].store.lake
    end = DAY + timedelta(days=1)
    rows = lake.scan(REGISTERS, end, end).to_pylist()
    shown = county(NO)
    for meter in meters(NO):
        expected = {
            (quantity, shown.at_midnight(meter.meter_no, place, end))
            for place, quantity in enumerate(("active_fwd", "active_rev"))
        }
        assert {
            (row["quantity"], row["value_e4"])
            for row in rows
            if row["meter_no"] == meter.meter_no and row["band"] == "total"
        } == expected
    curve = {row["subject"]: row for row in lake.scan(curve_class("active_fwd_wh"), DAY, DAY).to_pylist()}
    for meter in meters(NO):
        assert sum(curve[meter.meter_no][slot] for slot in SLOTS) == 9_600 * (20 if meter.number == 2 else 1)


@pytest.mark.parametrize("listening", [("silence",)], indirect=True)
def test_a_silent_meter_keeps_nobody_else_from_being_read(field: Field, listening: Gateway) -> None:
    day = DAY + timedelta(days=1)
    with field.hurried(bus_s=1.0):
        field.api.start_collection(field.call(), StartCollection(day=day))
        for kind in ("freeze", "curve"):
            ask = AskSuccess(day=day, kind=kind, by="terminal")  # type: ignore[arg-type]
            until(lambda ask=ask: field.api.success(field.call(), ask).done == 2, f"{kind} of the others")  # type: ignore[misc]
        left = field.api.left(field.call(), FindLeft(day=day))
        assert {(row.meter_no, row.cause) for row in left.rows} == {(meters(NO)[0].meter_no, "no_answer")}
        assert field.answer(meters(NO)[0].meter_no).cause == "no_answer"


@pytest.mark.parametrize("listening", [("garbage",)], indirect=True)
def test_what_the_bus_damages_is_asked_again(field: Field, listening: Gateway) -> None:
    with field.hurried(bus_s=1.0):
        assert field.answer(meters(NO)[1].meter_no).state == "answered"


def ordered(field: Field, ask: Callable[..., Order]) -> Order:
    given = ask(field.call(), OrderClock(terminal_no=NO))

    def now() -> Order:
        return field.api.order(field.call(), OrderRef(order_no=given.order_no))

    until(lambda: now().state != "waiting", "the answer")
    return now()


def measured(field: Field) -> dict[str, int]:
    """The clocks that were told of last, by meter."""
    with field.directory.hosted["acquisition"].store.database.connection() as connection:
        row = connection.execute(
            "SELECT event -> 'data' -> 'clocks' FROM acquisition.journal, jsonb_array_elements(events) AS event"
            " WHERE event ->> 'type' = 'acquisition.clocks.measured.v1' ORDER BY seq DESC LIMIT 1"
        ).fetchone()
    return {one["meter_no"]: one["offset_s"] for one in row[0]} if row else {}


PARTS = [
    {"begins": "00:00", "rate": "valley"},
    {"begins": "08:30", "rate": "peak"},
    {"begins": "22:00", "rate": "flat"},
]
RATES = [4] * 17 + [2] * 27 + [3] * 4


@pytest.mark.parametrize("listening", [("now",)], indirect=True)
def test_all_meters_of_a_bus_are_set_and_read_again(field: Field, listening: Gateway) -> None:
    devices = [one.device for one in listening.meters.values()]
    # Two are off by what a broadcast puts right; one by more, so it is written under the cipher machine's proof.
    devices[0].clock_off, devices[1].clock_off = timedelta(minutes=3), timedelta(hours=-2)
    seen = ordered(field, field.api.check_clock)
    assert (seen.state, -7_205 < (seen.clock_offset_s or 0) < -7_195) == ("answered", True), "the one that is off most"
    assert [round((one.clock_offset_s or 0) / 60) for one in seen.meters] == [3, -120, 0], "and each by itself"
    assert {no: round(off / 60) for no, off in measured(field).items()} == {M1: 3, M2: -120}, (
        "not the one that is right"
    )
    right = ordered(field, field.api.set_clock)
    assert set(measured(field)) == {M1, M2} and {one.meter_no for one in right.meters} == {M1, M2, M3}
    assert (right.state, abs(right.clock_offset_s or 0) <= 2) == ("answered", True), right
    assert all(abs(one.clock_off) < timedelta(seconds=2) for one in devices)
    assert rolled_out(field, NO, kind="set_times", parts=PARTS).state == "done"
    assert [one.rates for one in devices] == [RATES] * 3
    for parameter, value, di, kept in (
        ("load_interval_min", "30", "04000a05", "3000"),
        ("settlement_day", "8", "04000b01", "0008"),
        ("demand_period_min", "5", "04000103", "05"),
    ):
        assert rolled_out(field, NO, kind="set_parameter", parameter=parameter, value=value).state == "done"
        assert {one.items[di].hex() for one in devices} == {kept}


@pytest.mark.parametrize("listening", [("now", "stubborn", "wrong_clock")], indirect=True)
def test_what_a_meter_says_yes_to_and_does_not_do_is_no_success(field: Field, listening: Gateway) -> None:
    wrong = ordered(field, field.api.set_clock)
    assert (wrong.state, wrong.cause) == ("failed", "not_applied") and (wrong.clock_offset_s or 0) > 100_000
    halted = rolled_out(field, NO, kind="set_times", parts=PARTS)
    assert (halted.state, halted.failed) == ("halted", 1)
    (member,) = field.api.roll_out_members(field.call(), FindMembers(roll_out_no=halted.roll_out_no)).rows
    assert member.cause == "not_applied"


@pytest.mark.parametrize("listening", [("now", "silence")], indirect=True)
def test_a_silent_meter_is_told_of_and_the_others_are_set(field: Field, listening: Gateway) -> None:
    with field.hurried(bus_s=1.0):
        failed = rolled_out(field, NO, kind="set_parameter", parameter="demand_slip_min", value="3")
    (member,) = field.api.roll_out_members(field.call(), FindMembers(roll_out_no=failed.roll_out_no)).rows
    assert (failed.state, member.cause) == ("halted", "no_answer")
    order = field.api.order(field.call(), OrderRef(order_no=member.order_no or ""))
    assert (order.cause, order.meters_failed) == ("no_answer", 1)
    assert [(one.meter_no, one.cause) for one in order.meters] == [(M1, "no_answer"), (M2, None), (M3, None)]
    (listed, *_) = field.api.orders(field.call(), FindOrders(terminal_no=NO)).rows
    assert listed == order.model_copy(update={"meters": []}), "a list says how many failed, not which"
    assert [one.device.items["04000104"].hex() for one in listening.meters.values()] == ["01", "03", "03"]

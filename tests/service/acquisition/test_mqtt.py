"""MQTT terminals over a real broker: what a terminal by TCP does they do, a broker that dies loses nothing, and limits hold."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.brokers import FRONT, FRONT_PASSWORD, KINDS, Process, broker
from tests.databases import database
from tests.service.acquisition.field import DAY, QUICK, Field, county, fielded, meters, record, until
from tests.service.acquisition.test_direct import answer
from tests.service.bindings import settle

from denghuo.data.analysis.lake_day import SLOTS, curve_class
from denghuo.service.acquisition.api import (
    AskSuccess,
    AssignMeters,
    NewTerminalMeter,
    RegisterTerminals,
    StartCollection,
)
from denghuo.service.acquisition.front.broker import BrokerAddress
from denghuo.service.reading.batch.intake import REGISTERS
from denghuo.simulator.county import Concentrator
from denghuo.simulator.mqtt import MqttTerminal
from denghuo.simulator.terminal import Behaviour, Tally

NO, OTHER, UNKNOWN = "140581000004", "140581000002", "140581000077"
USERS = {NO: "secret-4", OTHER: "secret-2", UNKNOWN: "secret-77"}
LIMITS = replace(QUICK, dial_s=0.1, dial_again_s=1.0, broker_again_most_s=1, payload_bytes=20_000)


def address(port: int, password: str = FRONT_PASSWORD) -> BrokerAddress:
    return BrokerAddress("mqtt", "127.0.0.1", port, FRONT, password, "denghuo")


@pytest.fixture(scope="module", params=KINDS)
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    with broker(request.param, tmp_path_factory.mktemp("broker"), USERS) as made:
        yield made


@pytest.fixture(scope="module")
def field(
    postgres_dsn: str, template: str, tmp_path_factory: pytest.TempPathFactory, served: Process
) -> Iterator[Field]:
    folder = tmp_path_factory.mktemp("mqtt")
    with (
        database(postgres_dsn, template) as dsn,
        fielded(dsn, folder, LIMITS, broker=address(served.port)) as made,
    ):
        for no in (NO, OTHER):
            new = record(no).model_copy(update={"protocol": "mqtt"})
            assert made.api.register_terminals(made.call(), RegisterTerminals(terminals=[new])).taken == 1
            behind = [
                NewTerminalMeter(terminal_no=no, number=one.number, meter_no=one.meter_no, address=one.address)
                for one in meters(no)
            ]
            assert made.api.assign_meters(made.call(), AssignMeters(meters=behind)).taken == 3
        yield made


def simulated(no: str = NO, *faults: str) -> MqttTerminal:
    behind = Concentrator(no, "mqtt", "TG001", meters(no))
    return MqttTerminal(behind, county(no), Behaviour(heartbeat_s=0.5, slow_s=0.1, faults=frozenset(faults)), Tally())


@pytest.fixture
def connect(field: Field, served: Process) -> Iterator[Callable[..., MqttTerminal]]:
    """A simulated terminal comes online; after the test it is away."""
    leave: list[tuple[str, Callable[[], None]]] = []

    def come(no: str = NO, *faults: str) -> MqttTerminal:
        made = simulated(no, *faults)
        leave.append((no, field.sims.run(made.run("127.0.0.1", served.port, no, USERS[no]))))
        until(lambda: field.terminal(no).link == "online", f"{no} online")
        return made

    yield come
    for no, away in leave:
        away()
        until(lambda no=no: field.terminal(no).link == "offline", f"{no} away")  # type: ignore[misc]


def test_a_day_comes_into_the_lake_and_a_meter_is_read_on_demand(field: Field, connect: Callable[..., Any]) -> None:
    connect()
    until(lambda: field.terminal(NO).state == "in_use", "in use")
    until(lambda: field.terminal(NO).clock_offset_s in range(-5, 6), "its clock is seen")
    assert field.api.start_collection(field.call(), StartCollection(day=DAY)).due == 6
    for kind in ("freeze", "curve"):
        ask = AskSuccess(day=DAY, kind=kind, by="terminal")  # type: ignore[arg-type]
        until(lambda ask=ask: field.api.success(field.call(), ask).done == 3, f"{kind} of all meters")  # type: ignore[misc]
    settle(field.directory)
    lake = field.directory.hosted["reading"].store.lake
    end = DAY + timedelta(days=1)
    rows = lake.scan(REGISTERS, end, end).to_pylist()
    shown = county(NO)
    for meter in meters(NO):
        assert {(row["quantity"], row["value_e4"]) for row in rows if row["meter_no"] == meter.meter_no} == {
            (quantity, shown.at_midnight(meter.meter_no, place, end))
            for place, quantity in enumerate(("active_fwd", "active_rev"))
        }
    curve = {row["subject"]: row for row in lake.scan(curve_class("active_fwd_wh"), DAY, DAY).to_pylist()}
    for meter in meters(NO):
        assert sum(curve[meter.meter_no][slot] for slot in SLOTS) == 9_600 * (20 if meter.number == 2 else 1)
    found = answer(field, meters(NO)[2].meter_no)
    assert (found.state, [row.band for row in found.rows]) == ("answered", ["total", "total"])

"""MQTT terminals over a real broker: what a terminal by TCP does they do, a broker that dies loses nothing, and limits hold."""

import json
import pathlib
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from tests.brokers import FRONT, FRONT_PASSWORD, KINDS, Process, broker, free_port
from tests.databases import database
from tests.service.acquisition.field import (
    DAY,
    OLD,
    QUICK,
    Field,
    county,
    fielded,
    meters,
    record,
    rolled_out,
    until,
    written,
)
from tests.service.bindings import settle

from denghuo.data.analysis.lake_day import SLOTS, curve_class
from denghuo.kernel.period import SHANGHAI
from denghuo.service.acquisition.api import (
    AskSuccess,
    AssignMeters,
    Broker,
    FindAlarms,
    FindBrokers,
    FindEvents,
    FindMembers,
    FindOrders,
    FindStrangers,
    NewTerminalMeter,
    Order,
    OrderClock,
    OrderEvents,
    RegisterTerminals,
    StartCollection,
)
from denghuo.service.acquisition.front.alarms import EventTaker
from denghuo.service.acquisition.front.broker import BrokerAddress
from denghuo.service.reading.batch.intake import REGISTERS
from denghuo.simulator.county import Concentrator
from denghuo.simulator.happening import Happening
from denghuo.simulator.mqtt import BrokerAddress as SimulatedBroker
from denghuo.simulator.mqtt import MqttTerminal
from denghuo.simulator.run import Towards, simulate
from denghuo.simulator.terminal import Behaviour, Tally

NO, OTHER, UNKNOWN = "140581000004", "140581000002", "140581000077"
GATEWAY = "140581000009"
PASSWORD = "secret-4"
USERS = dict.fromkeys((NO, OTHER, UNKNOWN), PASSWORD)
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
        leave.append((no, field.sims.run(made.run(SimulatedBroker("127.0.0.1", served.port, PASSWORD)))))
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
    found = field.answer(meters(NO)[2].meter_no)
    assert (found.state, [row.band for row in found.rows]) == ("answered", ["total", "total"])


def test_a_folder_of_terminals_over_mqtt_by_tcp_and_behind_a_gateway_is_simulated(
    field: Field, served: Process, tmp_path: pathlib.Path
) -> None:
    """What `denghuo simulate` runs: each terminal goes where its protocol goes, with its share of the faults."""
    port, said = free_port(), list[str]()
    endpoint = f"127.0.0.1:{port}"
    shown = written(tmp_path, {NO: "mqtt", OLD: "gdw3761", GATEWAY: "dlt645", "140581000008": "hdlc"}, endpoint)
    field.register(OLD)
    new = record(GATEWAY).model_copy(update={"protocol": "dlt645", "endpoint": endpoint})
    assert field.api.register_terminals(field.call(), RegisterTerminals(terminals=[new])).taken == 1
    behind = [
        NewTerminalMeter(terminal_no=GATEWAY, number=one.number, meter_no=one.meter_no, address=one.address)
        for one in meters(GATEWAY)
    ]
    assert field.api.assign_meters(field.call(), AssignMeters(meters=behind)).taken == 3
    towards = Towards(field.front.address, SimulatedBroker("127.0.0.1", served.port, PASSWORD))
    leave = field.sims.run(simulate(tmp_path, towards, 1.0, {"reset": 1.0}, "", said.append))
    for no in (NO, OLD, GATEWAY):
        until(lambda no=no: field.terminal(no).link == "online", f"{no} online")  # type: ignore[misc]
        meter_no = meters(no)[0].meter_no
        (read, *_) = (row for row in field.answer(meter_no).rows if row.quantity == "active_fwd")
        assert float(str(read.value)) * 10_000 < (shown.at(meter_no, 0, datetime.now(UTC), "TG001") or 0)
    assert [line for line in said if "left out" in line and "hdlc 1" in line]
    leave()
    until(lambda: {field.terminal(no).link for no in (NO, OLD, GATEWAY)} == {"offline"}, "all are away")


class Bare:
    """A client of the broker that says what it is told to."""

    def __init__(self, port: int, no: str, password: str | None = None) -> None:
        self.no = no
        self.asked: list[dict[str, Any]] = []
        self.refused = threading.Event()
        made = Client(
            CallbackAPIVersion.VERSION2, f"bare-{no}", clean_session=True, protocol=MQTTProtocolVersion.MQTTv311
        )
        made.username_pw_set(no, USERS[no] if password is None else password)
        made.on_connect = self._connected
        made.on_message = lambda client, _, message: self.asked.append(json.loads(message.payload))
        made.connect_async("127.0.0.1", port)
        made.loop_start()
        self.client = made

    def _connected(self, client: Client, _: Any, flags: Any, reason: Any, properties: Any) -> None:
        if reason.is_failure:
            self.refused.set()
        else:
            client.subscribe(f"/v1/devices/{self.no}/command", 1)

    def say(self, kind: str, what: Any, no: str | None = None, qos: int = 1, retain: bool = False) -> None:
        until(self.client.is_connected, "the bare client is connected")
        raw = what if isinstance(what, bytes) else json.dumps(what).encode()
        self.client.publish(f"/v1/devices/{no or self.no}/{kind}", raw, qos, retain).wait_for_publish(60)

    def leave(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


@pytest.fixture
def bare(field: Field, served: Process) -> Iterator[Callable[..., Bare]]:
    made: list[Bare] = []

    def come(no: str, password: str | None = None) -> Bare:
        made.append(Bare(served.port, no, password))
        return made[-1]

    yield come
    for one in made:
        one.leave()


def event(address: str, begun: datetime, kind: str = "cover_open") -> dict[str, Any]:
    service = {"serviceId": "event", "data": {"kind": kind, "begun": begun.isoformat()}}
    return {"devices": [{"deviceId": address, "services": [service]}]}


def told(field: Field, meter_no: str) -> list[datetime]:
    return [row.begun_at for row in field.api.events(field.call(), FindEvents(meter_no=meter_no)).rows if row.begun_at]


def link(field: Field) -> Broker:
    """The front's connection to the broker, as it tells it."""
    return field.api.brokers(field.call(), FindBrokers()).rows[0]


BEGUN = datetime(2026, 4, 10, 8, tzinfo=SHANGHAI)


def test_events_are_told_and_asked_for_and_orders_are_read_back(field: Field, connect: Callable[..., Any]) -> None:
    device = connect(NO, "cover_open", "power_loss")
    meter_no = meters(NO)[0].meter_no
    until(lambda: told(field, meter_no), "the cover's event is there")
    alarms = field.api.alarms(field.call(), FindAlarms(terminal_no=NO)).rows
    assert {(one.kind, one.meter_no) for one in alarms} == {("cover_open", meter_no), ("power_loss", None)}
    asked = field.api.order_events(field.call(), OrderEvents(terminal_no=NO, days=1))

    def order(no: str) -> Order:
        return next(
            row for row in field.api.orders(field.call(), FindOrders(terminal_no=NO)).rows if row.order_no == no
        )

    until(lambda: order(asked.order_no).state == "answered", "events asked for")
    assert order(asked.order_no).events == 2
    device.device.clock_off = timedelta(minutes=10)
    for ask in (field.api.check_clock, field.api.set_clock):
        given = ask(field.call(), OrderClock(terminal_no=NO))
        until(lambda given=given: order(given.order_no).state != "waiting", "answered")  # type: ignore[misc]
        assert order(given.order_no).cause is None
    assert abs(device.device.clock_off.total_seconds()) < 5, "set"
    until(lambda: field.terminal(NO).state == "in_use", "in use")
    for parameter, value, kept in (
        ("heartbeat_min", "5", 5),
        ("main_station", "10.8.0.3:1884", "10.8.0.3:1884"),
        ("tells_events", "0", 0),
    ):
        done = rolled_out(field, NO, kind="set_parameter", parameter=parameter, value=value)
        assert (done.state, device.device.named[parameter]) == ("done", kept)
    # What it has not, has otherwise or does not do is told as that.
    named, causes = device.device.named, []
    del named["main_station"]
    named["tells_events"] = "no number"
    device.device.stubborn = True
    for parameter, value in (("main_station", "10.8.0.3:1884"), ("tells_events", "1"), ("heartbeat_min", "9")):
        halted = rolled_out(field, NO, kind="set_parameter", parameter=parameter, value=value)
        (member,) = field.api.roll_out_members(field.call(), FindMembers(roll_out_no=halted.roll_out_no)).rows
        causes.append(member.cause)
    assert causes == ["no_data", "bad_frame", "not_applied"]


def test_a_broker_that_dies_and_returns_loses_nothing(
    field: Field, served: Process, connect: Callable[..., Any]
) -> None:
    device = connect()
    meter_no = meters(NO)[1].meter_no
    before = told(field, meter_no)
    served.kill()
    until(lambda: field.terminal(NO).link == "offline", "told that it is away")
    assert field.terminal(NO).ended_by == "broker"
    assert field.answer(meter_no).cause == "offline"
    # Told while the broker is away: the terminal's client keeps it.
    device.tell([Happening("cover_open", BEGUN, 2, meters(NO)[1].address)])
    served.start()
    until(lambda: field.terminal(NO).link == "online", "connected again with back-off")
    until(lambda: len(told(field, meter_no)) == len(before) + 1, "and nothing is lost")
    assert field.answer(meter_no).state == "answered"


def test_an_event_is_confirmed_once_it_is_written_down(
    field: Field, bare: Callable[..., Bare], served: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was not written comes again, from the front's memory or after a new connection from the broker; and counts once."""
    client, begun, meter = bare(NO), BEGUN + timedelta(hours=1), meters(NO)[2]
    tried, whole = threading.Event(), EventTaker.hand_over

    def away(taker: EventTaker, events: Sequence[Any]) -> None:
        tried.set()
        raise psycopg.OperationalError("the database is away")

    with monkeypatch.context() as patch:
        patch.setattr(EventTaker, "hand_over", away)
        client.say("datas", event(meter.address, begun))
        assert tried.wait(60), "it was tried"
        assert begun not in told(field, meter.meter_no)
        served.kill()
        until(lambda: link(field).state == "offline", "away")
        served.start()
        until(lambda: link(field).state == "online", "back")
    assert EventTaker.hand_over is whole
    until(lambda: begun in told(field, meter.meter_no), "written down in the end")
    assert told(field, meter.meter_no).count(begun) == 1


def test_a_stranger_a_wrong_password_and_anothers_topic(field: Field, bare: Callable[..., Bare]) -> None:
    unknown = bare(UNKNOWN)
    unknown.say("status", {"state": "ONLINE"})
    until(
        lambda: [row.terminal_no for row in field.api.strangers(field.call(), FindStrangers()).rows] == [UNKNOWN],
        "listed as a stranger",
    )
    assert bare(NO, "wrong").refused.wait(60), "the broker refuses who does not prove to be it"
    before = told(field, meters(NO)[0].meter_no)
    # It may publish on its own topics alone; the broker drops the rest, and may close.
    unknown.client.publish(f"/v1/devices/{NO}/datas", json.dumps(event(meters(NO)[0].address, BEGUN)), 0)
    unknown = bare(OTHER)
    unknown.say("datas", event(meters(OTHER)[0].address, BEGUN))
    until(lambda: BEGUN in told(field, meters(OTHER)[0].meter_no), "what it may say came")
    assert told(field, meters(NO)[0].meter_no) == before


def test_what_was_retained_is_no_voice(field: Field, bare: Callable[..., Bare], served: Process) -> None:
    client = bare(OTHER)
    client.say("datas", event(meters(OTHER)[2].address, BEGUN), retain=True)
    until(lambda: BEGUN in told(field, meters(OTHER)[2].meter_no), "while it is new it counts")
    client.say("status", {"state": "OFFLINE"})
    until(lambda: field.terminal(OTHER).link == "offline", "it said goodbye")
    dropped, logins = link(field).dropped, field.terminal(OTHER).logins
    served.kill()
    until(lambda: link(field).state == "offline", "away")
    served.start()
    until(lambda: link(field).dropped > dropped, "what was retained came and is not looked at")
    assert (field.terminal(OTHER).link, field.terminal(OTHER).logins) == ("offline", logins)
    client.say("datas", b"", retain=True)


def test_floods_and_rubbish_end_a_terminal_for_a_while_and_harm_no_other(
    field: Field, bare: Callable[..., Bare], connect: Callable[..., Any]
) -> None:
    connect()
    client, dropped = bare(OTHER), link(field).dropped
    client.say("datas", b"[" * (LIMITS.payload_bytes + 1))
    until(lambda: link(field).dropped == dropped + 1, "an oversized payload is not looked at")
    for raw, why in ((b'{"devices": ["x"]}', "bad_frames"), (b'{"state": "ONLINE"}', "flood")):

        def present() -> bool:
            client.say("status", {"state": "ONLINE"})
            return field.terminal(OTHER).link == "online"

        until(present, "listened to, after a while again")
        for _ in range(LIMITS.bad_frames + 1 if why == "bad_frames" else 2 * LIMITS.frames_per_s):
            client.client.publish(f"/v1/devices/{OTHER}/{'datas' if why == 'bad_frames' else 'status'}", raw, 1)
        until(lambda: field.terminal(OTHER).link == "offline", why)
        assert field.terminal(OTHER).ended_by == why
    assert field.terminal(NO).link == "online"
    assert field.answer(meters(NO)[0].meter_no).state == "answered"

"""Two fronts, each a process of its own (`denghuo serve acquisition`), behind one TCP balancer: a terminal is the same wherever it
is let in, and what was begun at one front goes on at the other after the first was killed."""

import asyncio
import contextlib
import json
import os
import pathlib
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import psycopg
import pytest
from tests.brokers import FRONT, FRONT_PASSWORD, broker
from tests.databases import database
from tests.service.acquisition.field import DAY, NEW, OLD, Field, Sims, county, meters, record, services_beside, until
from tests.service.acquisition.test_front import confirmation, login
from tests.service.acquisition.test_switching import ACCOUNT, at_once, ordered, outcome, records, switched
from tests.service.bindings import KEY, local, web

from denghuo.data.processing.database import Database
from denghuo.kernel.period import SHANGHAI
from denghuo.service.acquisition.api import (
    AskSuccess,
    AssignMeters,
    FindEvents,
    NewTerminalMeter,
    RegisterTerminals,
    StartCollection,
)
from denghuo.service.reading.api import ReadingApi
from denghuo.simulator import wire3761
from denghuo.simulator.county import Concentrator
from denghuo.simulator.happening import Happening
from denghuo.simulator.mqtt import BrokerAddress as SimulatedBroker
from denghuo.simulator.mqtt import MqttTerminal
from denghuo.simulator.terminal import Behaviour, Tally

START_S = 60
SPOKEN, PASSWORD = "140581000004", "secret-4"
"""A terminal over MQTT."""
BEGUN = datetime(2026, 4, 10, 8, tzinfo=SHANGHAI)


@dataclass
class Balancer:
    """A relay of TCP that gives each connection to the first of `fronts` that takes it."""

    fronts: list[tuple[str, int]] = field(default_factory=list)
    address: tuple[str, int] = ("", 0)

    async def open(self) -> None:
        server = await asyncio.start_server(self._pass_on, "127.0.0.1", 0)
        self.address = server.sockets[0].getsockname()[:2]

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for front in list(self.fronts):
            with contextlib.suppress(ConnectionError):
                there, back = await asyncio.open_connection(*front)
                break
        else:
            writer.close()
            return
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(_pump(reader, back), _pump(there, writer))


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while chunk := await reader.read(65_536):
            writer.write(chunk)
            await writer.drain()
    writer.close()


@dataclass
class Process:
    """A front that was started by its command."""

    process: "subprocess.Popen[str]"

    def address(self) -> tuple[str, int]:
        """Where it lets terminals in, which it says once it is there."""
        for line in self.process.stdout or ():
            if said := re.search(r"terminals: ([\d.]+):(\d+)", line):
                return said.group(1), int(said.group(2))
        raise AssertionError("the front did not start")

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(START_S)


def process(folder: pathlib.Path, dsn: str, peers: dict[str, str], mqtt_port: int) -> Process:
    environment = {
        **os.environ,
        "DENGHUO_DSN": dsn,
        "DENGHUO_KEY": KEY.hex(),
        "DENGHUO_PEERS": json.dumps(peers),
        "DENGHUO_CIPHER_MACHINE": "software",
        "DENGHUO_MQTT_BROKER": f"mqtt://127.0.0.1:{mqtt_port}",
        "DENGHUO_MQTT_USER": FRONT,
        "DENGHUO_MQTT_PASSWORD": FRONT_PASSWORD,
        "DENGHUO_TERMINAL_LIMITS": json.dumps({"dial_s": 0.2}),
    }
    command = [sys.executable, "-m", "denghuo", "--data", str(folder), "serve", "acquisition", "--port", "0"]
    return Process(subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=folder, env=environment))


@dataclass
class Fronts:
    """The two of them; the first holds the MQTT broker. `field` asks and orders in a third process, the test's own, and its
    terminals come through the balancer."""

    field: Field
    balancer: Balancer
    first: Process
    dsn: str
    mqtt_port: int


@pytest.fixture(scope="module")
def fronts(postgres_dsn: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fronts]:
    known = records({meter.meter_no: ACCOUNT for no in (OLD, NEW) for meter in meters(no)})
    folder = tmp_path_factory.mktemp("fronts")
    with contextlib.ExitStack() as stack:
        dsn = stack.enter_context(database(postgres_dsn, template))
        held = stack.enter_context(Database(dsn))
        services = services_beside(known)
        # What was collected is not looked at here.
        del services[ReadingApi]
        directory = local(held, folder / "datasets", services)
        url = str(stack.enter_context(web(directory)).base_url)
        peers = {api.noun: url for api in directory.bound.values() if api.noun != "acquisition"}
        served = stack.enter_context(broker("nats", folder / "broker", {SPOKEN: PASSWORD}))
        both = [process(folder, dsn, peers, served.port) for _ in range(2)]
        for one in both:
            stack.callback(one.kill)
        sims = Sims()
        stack.callback(sims.stop)
        at = {one.address(): one for one in both}
        until(lambda: holder(dsn) in at, "one of them holds the broker")
        balancer = Balancer(sorted(at, key=lambda address: address != holder(dsn)))
        sims.do(balancer.open())
        field = Field(directory, balancer, sims)
        field.register(OLD, NEW)
        new = record(SPOKEN).model_copy(update={"protocol": "mqtt"})
        field.api.register_terminals(field.call(), RegisterTerminals(terminals=[new]))
        (meter, *_) = meters(SPOKEN)
        behind = NewTerminalMeter(terminal_no=SPOKEN, number=1, meter_no=meter.meter_no, address=meter.address)
        field.api.assign_meters(field.call(), AssignMeters(meters=[behind]))
        at_once(field.api, field.call())
        yield Fronts(field, balancer, at[balancer.fronts[0]], dsn, served.port)


def holder(dsn: str) -> tuple[str, int]:
    """Where the front listens that holds the broker."""
    with psycopg.connect(dsn) as connection:
        found = connection.execute(
            "SELECT n.address FROM acquisition.broker JOIN acquisition.front_node n USING (node)"
        ).fetchone()
    host, _, port = (found[0] if found else ":0").rpartition(":")
    return host, int(port)


def test_of_one_terminal_at_two_fronts_the_newer_connection_wins(fronts: Fronts) -> None:
    field, balancer = fronts.field, fronts.balancer
    with field.socket() as older:
        older.sendall(login(OLD))
        assert not confirmation(older, 1).denied
        until(lambda: field.terminal(OLD).link == "online", "in at the first front")
        balancer.fronts.reverse()
        with field.socket() as newer:
            newer.sendall(login(OLD))
            assert not confirmation(newer, 1).denied
            while older.recv(64):
                pass  # The first front ends it, for the second one holds the terminal now.
            newer.sendall(wire3761.link(OLD, wire3761.HEARTBEAT, 2))
            assert not confirmation(newer, 2).denied
            assert field.terminal(OLD).link == "online"
    balancer.fronts.reverse()
    until(lambda: field.terminal(OLD).link == "offline", "gone from the second front")


@pytest.mark.parametrize("asked_at", ["first", "second"])
def test_a_terminal_is_reached_at_whichever_front_it_is(fronts: Fronts, asked_at: str) -> None:
    field, balancer = fronts.field, fronts.balancer
    if asked_at == "second":
        balancer.fronts.reverse()
    leave = field.connect(NEW)
    assert field.answer(meters(NEW)[0].meter_no).state == "answered"
    leave()
    if asked_at == "second":
        balancer.fronts.reverse()
    until(lambda: field.terminal(NEW).link == "offline", "gone")


def test_what_a_killed_front_began_goes_on_at_the_other(fronts: Fronts) -> None:
    """The last test of the file: after it the first front is no more. The broker that it held passes on with what it kept."""
    field, day, meter = fronts.field, DAY + timedelta(days=1), meters(NEW)[1]
    (spoken, *_) = meters(SPOKEN)
    device = MqttTerminal(
        Concentrator(SPOKEN, "mqtt", "TG001", meters(SPOKEN)), county(SPOKEN), Behaviour(heartbeat_s=0.5), Tally()
    )
    field.sims.run(device.run(SimulatedBroker("127.0.0.1", fronts.mqtt_port, PASSWORD)))
    until(lambda: field.terminal(SPOKEN).link == "online", "over the broker")

    def done(kind: str) -> int:
        """Meters behind the two terminals that connect by TCP."""
        ask = AskSuccess.model_validate({"day": day, "kind": kind, "by": "terminal"})
        return sum(row.done for row in field.api.success(field.call(), ask).rows if row.key in (OLD, NEW))

    def told() -> list[datetime | None]:
        return [row.begun_at for row in field.api.events(field.call(), FindEvents(meter_no=spoken.meter_no)).rows]

    field.connect(OLD, "slow")
    until(lambda: field.terminal(OLD).clock_offset_s is not None, "nothing else is asked at its login")
    silent = field.connect(NEW, "silence")
    before = field.tally.requests
    off = ordered(field, meter.meter_no, "off")
    until(lambda: field.tally.requests > before, "the order was sent")
    field.api.start_collection(field.call(), StartCollection(day=day))
    until(lambda: field.tally.requests > before + 1, "a question is open")
    fronts.first.kill()
    silent()
    assert done("freeze") == 0, "nothing was written before"
    # Told while nobody holds the broker, which keeps it.
    device.tell([Happening("cover_open", BEGUN, 1, spoken.address)])
    with psycopg.connect(fronts.dsn) as connection:
        # As if half a minute had passed, after which a front counts as gone.
        connection.execute(
            "UPDATE acquisition.front_node n SET alive_at = alive_at - interval '1 minute' FROM acquisition.broker b"
            " WHERE n.node = b.node"
        )
    until(lambda: holder(fronts.dsn) == fronts.balancer.fronts[1], "the other one takes the broker")
    until(lambda: field.terminal(SPOKEN).link == "online", "its terminals are called")
    until(lambda: told() == [BEGUN], "nothing is lost and nothing twice")
    assert field.answer(spoken.meter_no).state == "answered"
    field.connect(NEW)
    for kind in ("freeze", "curve"):
        until(lambda kind=kind: done(kind) == 6, f"{kind} at the other front")  # type: ignore[misc]
    # The order to switch is not sent again: where the switch is, is read alone.
    one = outcome(field, off)
    assert (one.state, one.cause, one.position) == ("failed", "not_applied", "on")
    for no in (OLD, NEW):
        meter = meters(no)[1]
        assert field.answer(meter.meter_no).state == "answered"
        again = switched(field, meter.meter_no, "off")
        assert (again.state, again.position) == ("done", "off") and field.devices[no].opened == {meter.address}
    device.tell([Happening("phase_loss", BEGUN + timedelta(hours=1), 1, spoken.address)])
    until(lambda: len(told()) == 2, "and the other front is the one that hears from now on")
    assert told() == [BEGUN + timedelta(hours=1), BEGUN] and holder(fronts.dsn) == fronts.balancer.fronts[1]

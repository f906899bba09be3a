"""The connection to a broker: TLS with a real one, and what a person is told who set it up wrongly."""

import asyncio
import pathlib
from dataclasses import replace
from typing import Any

import pytest
from tests.asynchronous import run as to_its_end
from tests.brokers import FRONT, FRONT_PASSWORD, KINDS, broker
from tests.certificates import certified
from tests.databases import database
from tests.service.acquisition.field import QUICK, county, fielded, meters, record, until

from denghuo.service.acquisition.api import (
    BROKER_FAULTS,
    AssignMeters,
    Broker,
    FindBrokers,
    NewTerminalMeter,
    RegisterTerminals,
)
from denghuo.service.acquisition.front.broker import BrokerAddress, BrokerLink, broker_of
from denghuo.settings import Settings
from denghuo.simulator.county import Concentrator
from denghuo.simulator.mqtt import BrokerAddress as SimulatedBroker
from denghuo.simulator.mqtt import MqttTerminal
from denghuo.simulator.terminal import Behaviour, Tally

NO, PASSWORD = "140581000004", "secret-4"
LIMITS = replace(QUICK, dial_s=0.1, dial_again_s=1.0, broker_again_most_s=1)


def address(port: int, **by: str) -> BrokerAddress:
    known = {"scheme": "mqtts", "host": "127.0.0.1", "user": FRONT, "password": FRONT_PASSWORD, "client": "denghuo"}
    return BrokerAddress(port=port, **(known | by))  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", KINDS)
def test_a_day_over_tls_and_a_certificate_that_nobody_signed_for_us(
    kind: str, postgres_dsn: str, template: str, tmp_path: pathlib.Path
) -> None:
    """A terminal is read over TLS; then the broker comes back with a stranger's certificate, and that is told with its remedy."""
    own, stranger = certified(tmp_path / "own"), certified(tmp_path / "stranger")
    with broker(kind, tmp_path / "broker", {NO: PASSWORD}, own) as served, database(postgres_dsn, template) as dsn:
        with fielded(dsn, tmp_path, LIMITS, broker=address(served.port, ca=str(own.ca))) as field:
            new = record(NO).model_copy(update={"protocol": "mqtt"})
            field.api.register_terminals(field.call(), RegisterTerminals(terminals=[new]))
            (first, *_) = meters(NO)
            behind = NewTerminalMeter(terminal_no=NO, number=1, meter_no=first.meter_no, address=first.address)
            field.api.assign_meters(field.call(), AssignMeters(meters=[behind]))
            made = MqttTerminal(
                Concentrator(NO, "mqtt", "TG001", meters(NO)), county(NO), Behaviour(heartbeat_s=0.5), Tally()
            )
            field.sims.run(made.run(SimulatedBroker("127.0.0.1", served.port, PASSWORD, True, str(own.ca))))
            until(lambda: field.terminal(NO).link == "online", "online over TLS")
            assert field.answer(first.meter_no).state == "answered"
            served.kill()
            served.certificate = stranger
            served.start()

            def link() -> Broker:
                return field.api.brokers(field.call(), FindBrokers()).rows[0]

            until(lambda: link().state == "refused", "the certificate is refused")
            assert (link().fault, link().address) == ("certificate", f"mqtts://127.0.0.1:{served.port}")
            assert "certificate" in link().said
            assert "mqtt_ca" in BROKER_FAULTS.entries["certificate"]["zh"]
            assert "mqtt_ca" in BROKER_FAULTS.entries["certificate"]["en"]
            assert field.terminal(NO).ended_by == "broker" and field.answer(first.meter_no).cause == "offline"
            served.kill()
            served.certificate = own
            served.start()
            until(lambda: link().state == "online", "back under the certificate that we trust")
            assert link().fault is None


def first_fault(address: BrokerAddress) -> str:
    """Which fault a front tells that is set up so."""

    async def tried() -> str:
        told: asyncio.Future[str] = asyncio.get_running_loop().create_future()

        def down(fault: str, said: str) -> None:
            if not told.done():
                told.set_result(fault)

        def up() -> None:
            down("none", "")

        link = BrokerLink(address, LIMITS, lambda arrived: None, up, down)
        link.start()
        try:
            async with asyncio.timeout(60):
                return await told
        finally:
            await asyncio.to_thread(link.stop)

    return to_its_end(tried())


def test_each_mistake_in_the_settings_is_told_as_itself(tmp_path: pathlib.Path) -> None:
    own, other = certified(tmp_path / "own"), certified(tmp_path / "other", "127.0.0.2")
    with broker("nats", tmp_path / "tls", {}, own) as tls, broker("nats", tmp_path / "plain", {}) as plain:
        with broker("nats", tmp_path / "moved", {}, other) as moved:
            cases: list[tuple[int, dict[str, Any], str]] = [
                (tls.port, {"ca": str(own.ca)}, "none"),
                (tls.port, {}, "certificate"),
                (tls.port, {"ca": str(other.ca)}, "certificate"),
                (moved.port, {"ca": str(other.ca)}, "host_name"),
                (plain.port, {"ca": str(own.ca)}, "tls"),
                (tls.port, {"ca": str(own.ca), "password": "wrong"}, "sign_in"),
                (1, {"ca": str(own.ca)}, "not_reached"),
            ]
            for port, by, fault in cases:
                assert first_fault(address(port, **by)) == fault, by
    for fault, setting in (("host_name", "mqtt_broker"), ("tls", "mqtt_broker"), ("sign_in", "mqtt_password")):
        assert setting in BROKER_FAULTS.entries[fault]["zh"] and setting in BROKER_FAULTS.entries[fault]["en"]


def test_the_settings_make_the_address(tmp_path: pathlib.Path) -> None:
    ca = str(certified(tmp_path).ca)
    made = Settings(mqtt_broker="mqtts://broker.example", mqtt_user="front", mqtt_ca=ca)
    found = broker_of(made.mqtt_broker, made.mqtt_user, "secret", made.mqtt_client, made.mqtt_ca)
    assert found == BrokerAddress("mqtts", "broker.example", 8883, "front", "secret", "denghuo", ca)
    assert "secret" not in str(found)

"""A simulated terminal over an MQTT broker: it tells that it is there, answers, tells events, and fails as it is told to."""

import asyncio
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from denghuo.simulator import wire645
from denghuo.simulator.county import SHANGHAI, SLOT, SLOTS, Concentrator, County
from denghuo.simulator.device import HALF_HOURS, Device
from denghuo.simulator.happening import HAPPENINGS, Happening
from denghuo.simulator.terminal import CLOCK_OFF, Behaviour, Tally

DENIED = 1
CELLS = (("active_fwd", 0), ("active_rev", 1))


@dataclass(frozen=True)
class BrokerAddress:
    """Where the broker is. `password`: with it a terminal signs in by its number. `ca`: the file with the certificate of who signed
    the broker's, where the system does not know it."""

    host: str
    port: int
    password: str = ""
    tls: bool = False
    ca: str | None = None


class MqttTerminal:
    """Its thread is paho's. Faults of a terminal that make sense here: `silence`, `wrong_clock`, `garbage`, `slow`, `duplicate`,
    `reset`, `stubborn`, and what happens to it or its first meter."""

    def __init__(
        self,
        concentrator: Concentrator,
        county: County,
        behaviour: Behaviour,
        tally: Tally,
        clock: Callable[[], datetime] = lambda: datetime.now(SHANGHAI),
    ) -> None:
        self.concentrator, self._county, self._behaviour = concentrator, county, behaviour
        self._tally, self._clock = tally, clock
        self._by_address = {meter.address: meter.meter_no for meter in concentrator.meters}
        off = CLOCK_OFF if "wrong_clock" in behaviour.faults else timedelta()
        self.device = Device(clock_off=off, stubborn="stubborn" in behaviour.faults)
        first = concentrator.meters[0].address if concentrator.meters else concentrator.terminal_no
        begun = clock().replace(second=0, microsecond=0)
        self.happenings = [Happening(kind, begun, 1, first) for kind in HAPPENINGS if kind in behaviour.faults]
        self._root = f"/v1/devices/{concentrator.terminal_no}"
        self._client: Client | None = None

    async def run(self, broker: BrokerAddress) -> None:
        """Stays connected until it is cancelled; paho connects again by itself."""
        client = Client(
            CallbackAPIVersion.VERSION2,
            self.concentrator.terminal_no,
            clean_session=False,
            protocol=MQTTProtocolVersion.MQTTv311,
        )
        if broker.password:
            client.username_pw_set(self.concentrator.terminal_no, broker.password)
        if broker.tls:
            client.tls_set(broker.ca)
        client.reconnect_delay_set(1, 60)
        client.will_set(f"{self._root}/status", _said({"state": "OFFLINE"}), 1)
        client.on_connect, client.on_message, client.on_disconnect = self._connected, self._asked, self._gone
        client.connect_async(broker.host, broker.port, 30)
        client.loop_start()
        self._client = client
        try:
            while True:
                await asyncio.sleep(self._behaviour.heartbeat_s)
                if client.is_connected():
                    self._present()
        finally:
            if client.is_connected():
                client.publish(f"{self._root}/status", _said({"state": "OFFLINE"}), 1).wait_for_publish(1)
            client.disconnect()
            await asyncio.to_thread(client.loop_stop)

    def tell(self, happenings: Sequence[Happening]) -> None:
        self.happenings += happenings
        for one in happenings:
            self._tell(one)

    # -- in paho's thread ------------------------------------------------------------------------------------------------

    def _connected(self, client: Client, _: Any, flags: Any, reason: Any, properties: Any) -> None:
        if reason.is_failure:
            self._tally.refused += 1
            return
        self._tally.online += 1
        self._tally.logins += 1
        client.subscribe(f"{self._root}/command", 1)
        self._present()
        for one in self.happenings:
            self._tell(one)

    def _gone(self, client: Client, _: Any, flags: Any, reason: Any, properties: Any) -> None:
        self._tally.online = max(self._tally.online - 1, 0)

    def _present(self) -> None:
        self._publish("status", {"state": "ONLINE", "eventTime": _moment(self._now())})

    def _tell(self, one: Happening) -> None:
        own = one.kind == "power_loss"
        data = {"kind": one.kind, "begun": _moment(one.begun_at)}
        service = {"serviceId": "event", "eventTime": _moment(self._now()), "data": data}
        no = self.concentrator.terminal_no if own else one.address
        self._publish("datas", {"devices": [{"deviceId": no, "services": [service]}]})
        self._tally.told += 1

    def _publish(self, kind: str, what: dict[str, Any]) -> None:
        if self._client is None:
            return
        raw = _said(what)
        if "garbage" in self._behaviour.faults and self._tally.answers % 2:
            raw = raw[: len(raw) // 2]
        for _ in range(2 if "duplicate" in self._behaviour.faults else 1):
            self._client.publish(f"{self._root}/{kind}", raw, 1)

    def _asked(self, client: Client, _: Any, message: MQTTMessage) -> None:
        asked = json.loads(message.payload)
        self._tally.requests += 1
        if "silence" in self._behaviour.faults or datetime.fromisoformat(asked["until"]) < self._clock():
            return
        if "slow" in self._behaviour.faults:
            time.sleep(self._behaviour.slow_s)
        self._tally.answers += 1
        devices = self.answer(asked["serviceId"], asked["cmd"], asked["paras"])
        said: dict[str, Any] = {"mid": asked["mid"], "errcode": DENIED if devices is None else 0}
        self._publish("commandResponse", {**said, "devices": devices or []})

    def answer(self, service: str, cmd: str, paras: dict[str, Any]) -> list[dict[str, Any]] | None:
        """The devices of an answer; None where it does not do that."""
        if cmd == "set" and service == "clock":
            self.device.set_clock(datetime.fromisoformat(paras["clock"]), self._now())
            return []
        if cmd == "set" and service == "times":
            self.device.set_rates(paras["rates"][:HALF_HOURS])
            return []
        if service == "parameter" and paras["name"] in self.device.named:
            if cmd == "set":
                self.device.set_named(paras["name"], paras["value"])
                return []
            return self._own("parameter", {"name": paras["name"], "value": self.device.named[paras["name"]]})
        if service == "forward":
            said = wire645.answer(bytes.fromhex(paras["frame"]), self.device)
            data = [] if said is None else [{"serviceId": "forward", "data": {"frame": said.hex()}}]
            return [{"deviceId": paras["device"], "services": data}]
        if service == "clock":
            return self._own("clock", {"clock": _moment(self._now())})
        if service == "times":
            return self._own("times", {"rates": self.device.rates})
        if service == "event":
            return [
                {
                    "deviceId": self.concentrator.terminal_no if one.kind == "power_loss" else one.address,
                    "services": [{"serviceId": "event", "data": {"kind": one.kind, "begun": _moment(one.begun_at)}}],
                }
                for one in self.happenings
            ]
        if service in ("energy", "freeze", "month", "curve"):
            return list(self._values(service, datetime.fromisoformat(paras["day"]), paras["devices"]))
        return None

    def _own(self, service: str, data: dict[str, Any]) -> list[dict[str, Any]]:
        return [{"deviceId": self.concentrator.terminal_no, "services": [{"serviceId": service, "data": data}]}]

    def _values(self, service: str, day: datetime, addresses: Sequence[str]) -> Iterator[dict[str, Any]]:
        begin = day.replace(tzinfo=SHANGHAI) + round(self.device.clock_off / timedelta(days=1)) * timedelta(days=1)
        end = begin + timedelta(days=1)
        at = {"energy": self._now(), "curve": begin}.get(service, end)
        for address in addresses:
            if service == "curve":
                moments = [begin + slot * SLOT for slot in range(SLOTS + 1)]
                data: dict[str, Any] = {
                    name: [self._kwh(address, place, moment) for moment in moments] for name, place in CELLS
                }
            else:
                shown = {name: self._kwh(address, place, at) for name, place in CELLS}
                data = {name: {"total": value} for name, value in shown.items() if value is not None}
            yield {
                "deviceId": address,
                "services": [{"serviceId": service, "eventTime": _moment(at), "data": data}],
            }

    def _kwh(self, address: str, place: int, moment: datetime) -> str | None:
        reset = "reset" in self._behaviour.faults
        value = self._county.shown(self._by_address.get(address), place, moment, self.concentrator.area_no, reset)
        return None if value is None else f"{value // 10_000}.{value % 10_000:04d}"

    def _now(self) -> datetime:
        return self._clock() + self.device.clock_off


def _moment(at: datetime) -> str:
    return at.astimezone(SHANGHAI).isoformat(timespec="milliseconds")


def _said(what: dict[str, Any]) -> bytes:
    return json.dumps(what, separators=(",", ":")).encode()

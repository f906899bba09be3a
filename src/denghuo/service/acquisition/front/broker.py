"""The connection to an MQTT broker (消息服务器): kept by paho in a thread of its own, told to the front's loop, with back-off.

The session outlives the connection (QoS 1, no clean session), and a message is confirmed to the broker only when it was taken: what
came while nobody was there, or was not taken yet when a front died, comes again.
"""

import asyncio
import contextlib
import logging
import ssl
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from denghuo.service.acquisition.front.limits import Limits
from denghuo.service.acquisition.protocol.mqtt import UPWARDS

log = logging.getLogger("denghuo.front")

PORTS = {"mqtt": 1883, "mqtts": 8883}
KEEP_ALIVE_S = 30
QOS = 1
REFUSED_FROM = 0x80
"""Codes of a subscription from here on are refusals."""
SIGN_IN_REFUSED = (0x86, 0x87)
"""Bad user name or password; not authorised."""
REFUSALS = frozenset(("certificate", "host_name", "sign_in", "rights", "declined"))
"""Faults that do not pass by themselves."""
ANOTHER_HOST = (62, 64)
"""X509_V_ERR_HOSTNAME_MISMATCH and X509_V_ERR_IP_ADDRESS_MISMATCH of OpenSSL."""


@dataclass(frozen=True)
class BrokerAddress:
    """Where the broker is and who we are to it. `client`: the name of our session there, which the fronts of a deployment share.
    `ca`: a file with the certificate of who signed the broker's, where the system does not trust it."""

    scheme: str
    host: str
    port: int
    user: str
    password: str
    client: str
    ca: str = ""

    def __str__(self) -> str:
        return f"{self.scheme}://{self.host}:{self.port}"


def broker_of(address: str, user: str, password: str, client: str, ca: str = "") -> BrokerAddress | None:
    """The broker of the settings; None where they name none."""
    if not address:
        return None
    parts = urlsplit(address)
    port = parts.port or PORTS[parts.scheme]
    return BrokerAddress(parts.scheme, parts.hostname or "", port, user, password, client, ca)


def fault_of(error: BaseException | None, secure: bool) -> tuple[str, str]:
    """Which fault kept a connection from being opened, one of BROKER_FAULTS, and its words. `secure`: over TLS."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return ("host_name" if error.verify_code in ANOTHER_HOST else "certificate"), error.verify_message
    # A port without TLS cuts off who says hello.
    if isinstance(error, ssl.SSLError) or (secure and isinstance(error, ConnectionResetError)):
        return "tls", str(error)
    return "not_reached", str(error or "")


@dataclass(frozen=True, slots=True)
class Arrived:
    """A message of a connection, `turn` its number. It is to be confirmed once."""

    topic: str
    payload: bytes
    mid: int
    qos: int
    turn: int


class BrokerLink:
    """`arrived`, `up` and `down` are called in the loop. `down` says the fault and the words to it."""

    def __init__(
        self,
        address: BrokerAddress,
        limits: Limits,
        arrived: Callable[[Arrived], None],
        up: Callable[[], None],
        down: Callable[[str, str], None],
    ) -> None:
        self._address, self._limits = address, limits
        self._arrived, self._up, self._down = arrived, up, down
        self._loop = asyncio.get_running_loop()
        self._turn, self._accepted = 0, False
        self._waiting, self._guard = 0, threading.Lock()
        self.dropped = self.sent = 0
        """Messages that were not even looked at, and those that were sent."""
        client = Client(
            CallbackAPIVersion.VERSION2,
            address.client,
            clean_session=False,
            protocol=MQTTProtocolVersion.MQTTv311,
            manual_ack=True,
        )
        if address.user:
            client.username_pw_set(address.user, address.password)
        if address.scheme == "mqtts":
            client.tls_set(address.ca or None)
        client.reconnect_delay_set(limits.broker_again_s, limits.broker_again_most_s)
        client.connect_timeout = limits.dial_within_s
        client.on_connect, client.on_disconnect = self._on_connect, self._on_disconnect
        client.on_connect_fail, client.on_subscribe = self._on_connect_fail, self._on_subscribe
        client.on_message = self._on_message
        self._client = client

    def start(self) -> None:
        self._client.connect_async(self._address.host, self._address.port, KEEP_ALIVE_S)
        self._client.loop_start()

    def stop(self) -> None:
        """Ends it; what the session holds stays at the broker. Waits for paho's thread."""
        self._client.disconnect()
        self._client.loop_stop()

    def send(self, topic: str, payload: bytes) -> None:
        if self._client.is_connected():
            self._client.publish(topic, payload, QOS)
            self.sent += 1

    def confirm(self, arrived: Arrived) -> None:
        """Tells the broker that a message was taken. Of an earlier connection nothing is told: its numbers mean others now."""
        if arrived.qos and arrived.turn == self._turn:
            self._client.ack(arrived.mid, arrived.qos)

    # -- in paho's thread ------------------------------------------------------------------------------------------------

    def _tell(self, call: Callable[..., None], *given: Any) -> None:
        # The loop may be over before paho's thread is.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(call, *given)

    def _on_connect(self, client: Client, _: Any, flags: Any, reason: Any, properties: Any) -> None:
        self._accepted = not reason.is_failure
        if reason.is_failure:
            fault = "sign_in" if reason.value in SIGN_IN_REFUSED else "declined"
            self._tell(self._down, fault, str(reason))
            return
        self._turn += 1
        client.subscribe([(f"/v1/devices/+/{kind}", QOS) for kind in UPWARDS])

    def _on_subscribe(self, client: Client, _: Any, mid: int, reasons: Any, properties: Any) -> None:
        refused = [reason for reason in reasons if reason.value >= REFUSED_FROM]
        if refused:
            self._accepted = False
            self._tell(self._down, "rights", str(refused[0]))
        else:
            self._tell(self._up)

    def _on_connect_fail(self, client: Client, _: Any) -> None:
        # It is called while the error is handled, and told nothing of it.
        self._tell(self._down, *fault_of(sys.exception(), self._address.scheme == "mqtts"))

    def _on_disconnect(self, client: Client, _: Any, flags: Any, reason: Any, properties: Any) -> None:
        # After a refusal the broker closes; the refusal is what says why.
        if self._accepted:
            self._tell(self._down, "lost", str(reason))

    def _on_message(self, client: Client, _: Any, message: MQTTMessage) -> None:
        with self._guard:
            too_many = self._waiting >= self._limits.messages_waiting
            self._waiting += not too_many
        try:
            topic = message.topic
        except UnicodeDecodeError:
            topic = ""
        # What a broker retained says nothing of now; and a message of QoS 0 may be lost, so where too many wait, it is.
        if message.retain or len(message.payload) > self._limits.payload_bytes or (too_many and not message.qos):
            self.dropped += 1
            with self._guard:
                self._waiting -= not too_many
            client.ack(message.mid, message.qos)
            return
        self._tell(
            self._take, Arrived(topic, bytes(message.payload), message.mid, message.qos, self._turn), not too_many
        )

    # -- in the loop -----------------------------------------------------------------------------------------------------

    def _take(self, arrived: Arrived, counted: bool) -> None:
        with self._guard:
            self._waiting -= counted
        self._arrived(arrived)

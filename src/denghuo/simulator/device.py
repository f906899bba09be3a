"""What can be set at a simulated terminal."""

import hashlib
import hmac
from dataclasses import dataclass, field
from datetime import datetime, timedelta

HALF_HOURS = 48
MAIN_STATIONS = bytes((10, 8, 0, 1, 0xA1, 0x0F, 10, 8, 0, 2, 0xA1, 0x0F)) + b"cmnet".ljust(16, b"\0")
"""Two of them, each its address and port, and the network's name."""
ATTRIBUTES = {
    "45000200": bytes.fromhex("020c160116001600160101011210010a05636d6e65740a000a00090012000004083212012c"),
    "45000300": bytes.fromhex("0102020209040a080001120fa1020209040a080002120fa1"),
    "43000800": bytes.fromhex("0301"),
}
ITEMS = {
    "04000103": bytes.fromhex("15"),
    "04000104": bytes.fromhex("01"),
    "04000b01": bytes.fromhex("0001"),
    "04000a05": bytes.fromhex("1500"),
}


@dataclass
class Device:
    """Its clock is ahead by `clock_off`. `rates`: of the half hours of a day, from 1 on. A `stubborn` one says yes and stays as
    it is."""

    clock_off: timedelta = timedelta()
    rates: list[int] = field(default_factory=lambda: [1] * HALF_HOURS)
    stubborn: bool = False
    opened: set[str] = field(default_factory=set)
    """Addresses of meters whose relay is open."""
    parameters: dict[int, bytes] = field(
        default_factory=lambda: {1: bytes((20, 5, 0x3C, 0x10, 0, 15)), 9: b"\xff" * 8 + bytes(8), 3: MAIN_STATIONS}
    )
    """Units of parameters of Q/GDW 376.1 by their number: uplink (heartbeat last), event records, main stations with APN."""
    attributes: dict[str, bytes] = field(default_factory=lambda: dict(ATTRIBUTES))
    """What a terminal of DL/T 698.45 has of its parameters: the module of the public network, whether it tells events."""
    items: dict[str, bytes] = field(default_factory=lambda: dict(ITEMS))
    """What a meter of DL/T 645-2007 has of its parameters, as it is sent."""

    named: dict[str, int | str] = field(
        default_factory=lambda: {"heartbeat_min": 15, "main_station": "10.8.0.1:1883", "tells_events": 1}
    )
    """What a terminal over MQTT has of its parameters."""

    def set_clock(self, shown: datetime, now: datetime) -> None:
        if not self.stubborn:
            self.clock_off = shown - now + self.clock_off

    def set_rates(self, rates: list[int]) -> None:
        if not self.stubborn:
            self.rates = rates

    def set_parameters(self, number: int, content: bytes) -> None:
        if not self.stubborn:
            self.parameters[number] = content

    def set_attribute(self, oad: str, content: bytes) -> None:
        if not self.stubborn:
            self.attributes[oad] = content

    def set_item(self, di: str, content: bytes) -> None:
        if not self.stubborn:
            self.items[di] = content

    def set_named(self, name: str, value: int | str) -> None:
        if not self.stubborn:
            self.named[name] = value

    def switch(self, address: str, on: bool) -> None:
        if not self.stubborn:
            (self.opened.discard if on else self.opened.add)(address)


def proven(address: str, extra: bytes, mac: bytes, order: bytes) -> bool:
    """Whether an order carries the proof of the software cipher machine: HMAC-SHA256 with its published key, four bytes."""
    key = b"denghuo software cipher machine"
    return hmac.compare_digest(hmac.new(key, bytes.fromhex(address) + extra + order, hashlib.sha256).digest()[:4], mac)

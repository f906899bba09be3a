"""What can be set at a simulated terminal."""

import hashlib
import hmac
from dataclasses import dataclass, field
from datetime import datetime, timedelta

HALF_HOURS = 48


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
        default_factory=lambda: {1: bytes((20, 5, 0x3C, 0x10, 0, 15)), 9: b"\xff" * 8 + bytes(8)}
    )
    """Units of parameters of Q/GDW 376.1 by their number: uplink (heartbeat last), event records."""

    def set_clock(self, shown: datetime, now: datetime) -> None:
        if not self.stubborn:
            self.clock_off = shown - now + self.clock_off

    def set_rates(self, rates: list[int]) -> None:
        if not self.stubborn:
            self.rates = rates

    def set_parameters(self, number: int, content: bytes) -> None:
        if not self.stubborn:
            self.parameters[number] = content

    def switch(self, address: str, on: bool) -> None:
        if not self.stubborn:
            (self.opened.discard if on else self.opened.add)(address)


def proven(address: str, extra: bytes, mac: bytes, order: bytes) -> bool:
    """Whether an order carries the proof of the software cipher machine: HMAC-SHA256 with its published key, four bytes."""
    key = b"denghuo software cipher machine"
    return hmac.compare_digest(hmac.new(key, bytes.fromhex(address) + extra + order, hashlib.sha256).digest()[:4], mac)

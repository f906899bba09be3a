"""What can be set at a simulated terminal."""

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

    def set_clock(self, shown: datetime, now: datetime) -> None:
        if not self.stubborn:
            self.clock_off = shown - now + self.clock_off

    def set_rates(self, rates: list[int]) -> None:
        if not self.stubborn:
            self.rates = rates

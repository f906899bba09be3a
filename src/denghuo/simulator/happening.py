"""What can happen to a simulated meter or terminal, so that it tells an event."""

from dataclasses import dataclass
from datetime import datetime

HAPPENINGS = ("power_loss", "phase_loss", "over_voltage", "reverse_power", "cover_open", "clock_fault")
"""The supply of the terminal fails; of a meter a phase is lost, the voltage is too high, a current runs the wrong way, the cover is
opened, or the clock is wrong."""


@dataclass(frozen=True)
class Happening:
    """Begun and not over. `point` and `address` name the meter; a power loss is the terminal's own."""

    kind: str
    begun_at: datetime
    point: int
    address: str

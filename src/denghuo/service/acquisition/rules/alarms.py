"""Which events raise an alarm, and on whose to-do list it comes (告警派发).

Where a utility has set nothing, power losses, open covers, magnetic fields, reverse power and over-voltage go to the reading clerks
of the unit: they can read the meter at once. All others stand on the page of alarms alone.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import NamedTuple

from denghuo.service.acquisition.api import AlarmKind, AlarmRoute

SILENT_KINDS: tuple[str, ...] = ("other",)
"""Kinds that are kept and raise no alarm: what a protocol records besides faults (parameters changed, switches turned)."""
ROUTED_KINDS: tuple[AlarmKind, ...] = (
    "power_loss",
    "cover_open",
    "terminal_cover_open",
    "magnetic_field",
    "reverse_power",
    "over_voltage",
)
ROUTED_TO = "reading_clerk"


class Route(NamedTuple):
    """`due_days`: from the day on which the alarm comes onto the list."""

    role: str
    due_days: int | None


class Group(NamedTuple):
    """Alarms of a kind and unit at one place: the supply area of their terminals, or the terminal where none is recorded. Open ones
    are one matter on a to-do list."""

    kind: AlarmKind
    org: str
    area_no: str | None
    terminal_no: str | None

    @property
    def name(self) -> str:
        """What tells it from others."""
        return f"{self.kind} {self.org} {self.area_no or self.terminal_no}"


class Gathered(NamedTuple):
    """The open alarms of a group. `alarm_no`, `subject`: the newest, and its meter or terminal."""

    group: Group
    alarms: int
    first_at: datetime
    last_at: datetime
    alarm_no: int
    subject: str


def route_on(routes: Sequence[AlarmRoute], org: str, kind: AlarmKind, day: date) -> Route | None:
    """Where alarms of a kind and unit go on a day: as the nearest unit has set for that kind, the newest that is in force; None: to
    nobody."""
    mine = [
        one
        for one in routes
        if one.kind == kind and one.effective_from <= day and (one.org == org or org.startswith(f"{one.org}."))
    ]
    if not mine:
        return Route(ROUTED_TO, None) if kind in ROUTED_KINDS else None
    best = max(mine, key=lambda one: (len(one.org), one.effective_from))
    return None if best.role is None else Route(best.role, best.due_days)

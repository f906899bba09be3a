"""Reading cycles (抄表周期): in which months a route is read, and which months a reading covers. Pure.

A route that is read every two months has its readings at the end of even or of odd months. A reading covers the months since the
last one, whatever the cycle was in between: so a change of the cycle, which begins with a month, neither loses a month nor has one
twice.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Literal

from denghuo.kernel.period import Month

Cycle = Literal["monthly", "even", "odd"]


@dataclass(frozen=True)
class RouteCycle:
    """The cycle of a route from the first day of a month until the next row of the route."""

    route: str
    effective_from: date
    cycle: Cycle


class Cycles:
    """The cycles of routes; a route without one is read every month."""

    def __init__(self, rows: Iterable[RouteCycle]) -> None:
        self._rows: dict[str, list[RouteCycle]] = {}
        for row in sorted(rows, key=lambda one: one.effective_from):
            self._rows.setdefault(row.route, []).append(row)

    def __bool__(self) -> bool:
        return bool(self._rows)

    def is_read(self, route: str, month: Month) -> bool:
        """Whether a route is read at the end of a month."""
        held = [row.cycle for row in self._rows.get(route, ()) if row.effective_from <= month.first_day]
        cycle = held[-1] if held else "monthly"
        return cycle == "monthly" or (month.month % 2 == 0) == (cycle == "even")

    def unread(self, month: Month) -> set[str]:
        """The routes that are not read at the end of a month."""
        return {route for route in self._rows if not self.is_read(route, month)}

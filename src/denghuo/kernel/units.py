"""What is said of units (单位) from days on, and holds for those below them as long as nothing nearer is said."""

from collections.abc import Callable, Iterable
from datetime import date
from typing import Generic, Protocol, TypeVar


class OfUnit(Protocol):
    """Said of a unit from a day on."""

    @property
    def org(self) -> str: ...
    @property
    def from_day(self) -> date: ...


Said = TypeVar("Said", bound=OfUnit)


class ByUnit(Generic[Said]):
    """Answers what holds for a unit on a day. holds: whether an entry says something itself; one that does not lets what is said of
    the unit above hold again."""

    def __init__(self, said: Iterable[Said], holds: Callable[[Said], bool]) -> None:
        self._holds = holds
        self._said: dict[str, list[Said]] = {}
        for one in sorted(said, key=lambda each: each.from_day):
            self._said.setdefault(one.org, []).append(one)

    def __bool__(self) -> bool:
        return bool(self._said)

    def on(self, org: str, day: date) -> Said | None:
        """What is said of the unit itself, else of the nearest unit above it of which something is."""
        for unit in _upwards(org):
            own = [one for one in self._said.get(unit, ()) if one.from_day <= day]
            if own and self._holds(own[-1]):
                return own[-1]
        return None

    def days(self, org: str, after: date, until: date) -> list[date]:
        """The days after one, up to another, from which on something else is said of the unit or of one above it."""
        return sorted(
            {
                one.from_day
                for unit in _upwards(org)
                for one in self._said.get(unit, ())
                if after < one.from_day <= until
            }
        )


def _upwards(org: str) -> Iterable[str]:
    """A unit and those above it, the nearest first."""
    parts = org.split(".")
    return (".".join(parts[:count]) for count in range(len(parts), 0, -1))

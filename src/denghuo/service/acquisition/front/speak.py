"""What the front says to a terminal and hears from it, whichever protocol the terminal speaks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal, NamedTuple, Protocol

from denghuo.service.acquisition.protocol.stream import Framing

Kind = Literal["freeze", "curve", "now"]
SLOTS = 96
PLACES: Mapping[Kind, int] = {"freeze": 12, "curve": 2, "now": 1}
"""For how many meters one request asks at most, so that the answer fits the 2 KB that terminals send."""


class Place(NamedTuple):
    """A meter at a measuring point of a terminal."""

    number: int
    meter_no: str
    address: str


class Registers(NamedTuple):
    """A register at an instant, in 1e-4 kWh."""

    quantity: str
    band: str
    read_at: datetime | None
    value_e4: int


class Curve(NamedTuple):
    """The energy of a day's quarters of an hour in 1e-4 kWh, before the multiplier. None: not received."""

    quantity: str
    values_e4: tuple[int | None, ...]


class Got(NamedTuple):
    """What a terminal gave for one meter, or why nothing."""

    cause: str | None = None
    registers: tuple[Registers, ...] = ()
    curves: tuple[Curve, ...] = ()


@dataclass(frozen=True, slots=True)
class Heard:
    """One message of a terminal. `number`: which request it answers. `last`: no further part of the answer follows."""

    kind: Literal["login", "heartbeat", "logout", "answer", "other"]
    terminal_no: str
    number: int = 0
    last: bool = True
    content: Any = None
    clock: datetime | None = None


class Speaker(Protocol):
    """One protocol on one connection. Everything raises BadFrame alone, and only for what the terminal sent."""

    code: str
    framing: Framing
    numbers: int
    """How many request numbers there are."""

    def hear(self, raw: bytes) -> Heard | None:
        """The message that a frame is or completes."""

    def confirm(self, heard: Heard, accepted: bool, now: datetime) -> bytes:
        """The answer to a login, heartbeat or logout."""

    def ask(self, terminal_no: str, number: int, kind: Kind, day: date, places: Sequence[Place]) -> bytes:
        """The request for a day's values, or for the present registers, of some meters."""

    def ask_clock(self, terminal_no: str, number: int) -> bytes:
        """The request for the terminal's clock."""

    def clock_of(self, contents: Sequence[Any]) -> datetime | None:
        """The clock that the parts of an answer say."""

    def understand(self, kind: Kind, day: date, places: Sequence[Place], contents: Sequence[Any]) -> Mapping[str, Got]:
        """What the parts of an answer say of each meter, by meter number; meters that it does not speak of are left out."""

"""What the front says to a terminal and hears from it, whichever protocol the terminal speaks."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Literal, NamedTuple, Protocol

from denghuo.service.acquisition.front.cipher import CipherMachine
from denghuo.service.acquisition.protocol.fault import BadFrame
from denghuo.service.acquisition.protocol.stream import Framing

Kind = Literal["freeze", "month", "curve", "now"]
SLOTS, HALF_HOURS = 96, 48
BANDS = ("total", "sharp", "peak", "flat", "valley")
"""Registers of one quantity in the order in which Chinese meters number them: the total, then its tariffs."""
MINUTE = timedelta(minutes=1)
ORDER_GOOD = 5 * MINUTE
"""How long an order to switch holds good; a meter takes it no later."""
CLOCK_RIGHT_S = 5
"""A clock that was set is right when it is off by no more than this, which an exchange over a slow channel may take."""
PLACES: Mapping[Kind, int] = {"freeze": 12, "month": 12, "curve": 2, "now": 1}
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


def quarters(registers: Mapping[int, int]) -> tuple[int | None, ...]:
    """The energies of a day's quarters from registers at their borders, 0 the day's begin; None where one of two is missing."""
    found: list[int | None] = []
    for slot in range(SLOTS):
        first, second = registers.get(slot), registers.get(slot + 1)
        found.append(second - first if first is not None and second is not None and second >= first else None)
    return tuple(found)


def parts_of(rates: Sequence[int]) -> list[tuple[int, int]]:
    """The parts of a day as (half hour at which one begins, its rate)."""
    return [(half, rate) for half, rate in enumerate(rates) if not half or rate != rates[half - 1]]


def rates_in(parts: Iterable[tuple[int, int, int]]) -> list[int]:
    """The rate of each half hour, as parts say it that begin at (hour, minute) with their rate.

    Raises:
        BadFrame: a part begins at no half hour.
    """
    rates = [0] * HALF_HOURS
    for hour, minute, rate in parts:
        half, rest = divmod(hour * 60 + minute, 30)
        if rest or not 0 <= half < HALF_HOURS:
            raise BadFrame("content", 0, f"{hour}:{minute}", "an hour and a half of it")
        rates[half:] = [rate] * (HALF_HOURS - half)
    return rates


class Got(NamedTuple):
    """What a terminal gave for one meter, or why nothing."""

    cause: str | None = None
    registers: tuple[Registers, ...] = ()
    curves: tuple[Curve, ...] = ()


class Told(NamedTuple):
    """An event as a terminal tells it: that it began, that it ended, or both. `code`: the protocol's own name of it. `phases`:
    letters of A, B, C. It is of the meter at a measuring point or with an address, without either of the terminal itself."""

    kind: str
    code: str
    phases: str
    begun_at: datetime | None
    ended_at: datetime | None
    number: int | None = None
    address: str | None = None


@dataclass(frozen=True, slots=True)
class Heard:
    """One message of a terminal. `number`: which request it answers. `last`: no further part of the answer follows. `confirm`: the
    terminal repeats it until it is told that it came. `reply`: what it waits for before it sends more; of a
    `part` nothing else is known."""

    kind: Literal["login", "heartbeat", "logout", "answer", "part", "events", "other"]
    terminal_no: str
    number: int = 0
    last: bool = True
    content: Any = None
    clock: datetime | None = None
    told: Sequence[Told] = ()
    confirm: bool = False
    reply: bytes = b""


class Asks(Protocol):
    """What a protocol asks a terminal, and how it understands the answers. Everything raises BadFrame alone, and only for what
    the terminal sent."""

    code: str
    numbers: int
    """How many request numbers there are."""

    def told(self, content: Any) -> Sequence[Told]:
        """The events that a part of an answer tells."""

    def denied(self, contents: Sequence[Any]) -> bool:
        """Whether an answer is nothing but a no."""

    def ask_events(self, terminal_no: str, number: int, since: datetime, until: datetime) -> bytes:
        """The request for the events that a terminal keeps of a time, its own and those of its meters."""

    def ask(self, terminal_no: str, number: int, kind: Kind, day: date, places: Sequence[Place]) -> bytes:
        """The request for a day's values, or for the present registers, of some meters."""

    def ask_clock(self, terminal_no: str, number: int) -> bytes:
        """The request for the terminal's clock."""

    def clock_of(self, contents: Sequence[Any]) -> datetime | None:
        """The clock that the parts of an answer say."""

    def set_clock(self, terminal_no: str, number: int, moment: datetime) -> bytes:
        """The order to set the terminal's clock."""

    def set_times(self, terminal_no: str, number: int, rates: Sequence[int]) -> bytes:
        """The order to count by these rates (1 sharp, 2 peak, ..), one for each half hour of the day."""

    def ask_times(self, terminal_no: str, number: int) -> bytes:
        """The request for what `set_times` sets."""

    def times_of(self, contents: Sequence[Any]) -> Sequence[int] | None:
        """The rates of the half hours that the parts of an answer say."""

    def accepted(self, contents: Sequence[Any]) -> bool:
        """Whether an answer says that an order was carried out."""

    def understand(self, kind: Kind, day: date, places: Sequence[Place], contents: Sequence[Any]) -> Mapping[str, Got]:
        """What the parts of an answer say of each meter, by meter number; meters that it does not speak of are left out."""


class Speaker(Asks, Protocol):
    """A protocol of frames on one connection."""

    framing: Framing

    def hear(self, raw: bytes) -> Heard | None:
        """The message that a frame is or completes."""

    def confirm(self, heard: Heard, accepted: bool, now: datetime) -> bytes:
        """The answer to a login, heartbeat or logout."""

    def acknowledge(self, heard: Heard) -> bytes:
        """The confirmation that what a terminal told unasked was written down."""

    def switch(
        self, terminal_no: str, number: int, place: Place, on: bool, until: datetime, cipher: CipherMachine
    ) -> bytes:
        """The order to a meter to switch its customer on or off, proven by the cipher machine; it holds good until then."""

    def switched(self, contents: Sequence[Any]) -> bool:
        """Whether the meter says yes."""

    def ask_switch(self, terminal_no: str, number: int, place: Place) -> bytes:
        """The request for where a meter's switch is."""

    def switch_of(self, place: Place, contents: Sequence[Any]) -> bool | None:
        """Whether the switch is closed, as the parts of an answer say."""

    def ask_parameter(self, terminal_no: str, number: int, place: Any) -> bytes:
        """The request for all that stands where a parameter has its place (`rules/parameters.py`)."""

    def parameter_of(self, place: Any, contents: Sequence[Any]) -> Any:
        """What stands there, as the parts of an answer say; None where they say nothing of it."""

    def with_parameter(self, place: Any, content: Any, parts: Sequence[int | str]) -> Any:
        """The same with the parameter set. BadFrame where the terminal has something else there."""

    def set_parameter(self, terminal_no: str, number: int, place: Any, content: Any) -> bytes:
        """The order to set all of it."""

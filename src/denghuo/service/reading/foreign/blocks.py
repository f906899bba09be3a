"""What every format is read into: intervals of one channel in a row, and single registers. Numbers are exact."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import numpy as np

from denghuo.kernel.problem import Text, text

Ints = Any
"""A one-dimensional array of int64."""


@dataclass(frozen=True)
class Channel:
    """A quantity of a meter as the sender names it.

    unit: as the sender writes it, in lower case (`kwh`, `wh`, `kvarh`, ...). usual: the flow by the format's own rule
    (`active_fwd`, `active_rev`, `reactive_fwd`, `reactive_rev`), None where it has none.
    """

    meter: str
    name: str
    unit: str
    usual: str | None
    serial: str = ""


@dataclass(frozen=True)
class Marks:
    """How a sender says which values are not measured. names: each mark once, the first is none at all; codes: the place of the
    mark of each interval among them."""

    names: tuple[str, ...]
    codes: Ints


def marks_of(said: Iterable[str]) -> Marks | None:
    """The marks of intervals, each a text, empty where it is measured; None where all are."""
    places: dict[str, int] = {"": 0}
    codes = np.array([places.setdefault(one, len(places)) for one in said], dtype=np.int64)
    return Marks(tuple(places), codes) if codes.any() else None


@dataclass(frozen=True)
class Block:
    """Intervals of one channel without a break between them.

    line: where it begins in its file. begins: with its zone. numbers: energies of the intervals in
    10^-places units of the channel. missing: where nothing was measured. marks: what the sender estimated or substituted.
    """

    line: int
    channel: Channel
    begins: datetime
    seconds: int
    numbers: Ints
    places: int
    missing: Any = None
    marks: Marks | None = None

    @property
    def estimated(self) -> int:
        return 0 if self.marks is None else int(np.count_nonzero(self.marks.codes))


@dataclass(frozen=True)
class RegisterRead:
    """What a register showed. energy: what the sender says passed since the read before, where that is known. mark: how he says
    that it was not read; empty where it was."""

    line: int
    channel: Channel
    at: datetime
    value: Decimal
    energy: Decimal | None = None
    mark: str = ""

    @property
    def estimated(self) -> int:
        return int(self.mark != "")


class Malformed(Exception):
    """A file that breaks its format's rules."""

    def __init__(self, line: int, field: str, value: str, what: Text, remedy: Text) -> None:
        super().__init__(what["en"])
        self.line, self.field, self.value, self.what, self.remedy = line, field, value, what, remedy


def whole(line: int, field: str, value: str, low: int, high: int) -> int:
    """A whole number of a record.

    Raises:
        Malformed: it is none, or not within the bounds.
    """
    if not (value.isascii() and value.isdigit() and len(value) <= 9 and low <= int(value) <= high):
        raise Malformed(
            line,
            field,
            value,
            text(f"不是 {low} 至 {high} 的整数", f"it is no whole number from {low} to {high}"),
            ASK_SENDER,
        )
    return int(value)


ASK_SENDER = text("请让发送方重新导出", "ask the sender for a new file")

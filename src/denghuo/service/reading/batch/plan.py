"""What the making of reads works on: pieces of the plan, entered and confirmed values, and the reads that come out."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

import numpy as np

from denghuo.kernel.period import SHANGHAI, Month
from denghuo.kernel.values import INT64_MAX

Ints = np.ndarray[Any, np.dtype[np.int64]]
Flags = np.ndarray[Any, np.dtype[np.bool_]]
NONE = -1
DAY_US = 86_400_000_000
BIG = np.int64(INT64_MAX)


@dataclass(frozen=True)
class PlanPiece:
    """A row of the plan: a meter at a point for a part of the month."""

    month: str
    point_no: str
    piece: int
    account_no: str | None
    area_no: str | None
    feeder_no: str | None
    org: str
    role: str
    register: str
    meter_no: str
    multiplier: int
    integer_digits: int
    decimal_digits: int
    from_at: datetime
    to_at: datetime
    start_e4: int | None
    final_e4: int | None
    start_rev_e4: int | None
    final_rev_e4: int | None
    pv_w: int | None
    route: str
    reading_day: Any


class Manual(NamedTuple):
    """A register that somebody entered. source: `manual` of the utility's people, `self_read` of the customer, `sender` of another
    system that estimated it; mark: how that says so."""

    meter_no: str
    quantity: str
    band: str
    read_at: datetime
    value_e4: int
    source: str = "manual"
    mark: str | None = None


class Accepted(NamedTuple):
    """What a clerk confirmed, by (point_no, piece, quantity, band)."""

    start_e4: int
    end_e4: int
    rule: str
    accepted_by: str
    reason: str


class ReadRow(NamedTuple):
    """A read of the month in the order of the columns of `month_read`."""

    month: str
    point_no: str
    piece: int
    quantity: str
    band: str
    account_no: str | None
    area_no: str | None
    feeder_no: str | None
    org: str
    role: str
    meter_no: str
    from_at: datetime
    to_at: datetime
    start_e4: int | None
    end_e4: int | None
    multiplier: int
    energy_wh: int | None
    status: str
    rule: str
    method: str
    days_estimated: int
    days_missing: int
    notices: list[str]
    accepted_by: str | None
    remark: str | None
    start_source: str | None
    end_source: str | None
    start_mark: str | None = None
    end_mark: str | None = None

    @property
    def key_of_month(self) -> tuple[str, str, int, str, str]:
        return (self.month, self.point_no, self.piece, self.quantity, self.band)


def in_order(row: ReadRow) -> tuple[str, int, str, str]:
    """What the rows of a month's dataset are ordered by."""
    return row.point_no, row.piece, row.quantity, row.band


def us(instant: datetime) -> int:
    """Microseconds since 1970, exactly."""
    delta = instant.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds


def first_month(pieces: Iterable[PlanPiece], month: Month) -> Month:
    """The month in which the first of the pieces of a month's reading begins."""
    begins = min((piece.from_at for piece in pieces), default=month.period.start).astimezone(SHANGHAI)
    return min(Month.holding(begins), month)


def by_length(pieces: Sequence[PlanPiece], month: Month) -> list[tuple[Month, list[PlanPiece]]]:
    """The pieces of a reading by the first month that their meters are read for: most are read for `month` alone. A meter's pieces
    stay together."""
    begun: dict[str, datetime] = {}
    for piece in pieces:
        if piece.from_at < month.period.start:
            begun[piece.meter_no] = min(piece.from_at, begun.get(piece.meter_no, piece.from_at))
    groups: dict[Month, list[PlanPiece]] = {month: []}
    for piece in pieces:
        at = begun.get(piece.meter_no, month.period.start).astimezone(SHANGHAI)
        groups.setdefault(Month.holding(at), []).append(piece)
    return list(groups.items())


@dataclass
class Window:
    """The midnights that a reading needs: those of its months, the last of which is `month`, and some on either side to estimate
    from. starts_us: the beginnings of its months."""

    first: Month
    month: Month
    margin_days: int

    def __post_init__(self) -> None:
        months = [self.first]
        while months[-1] != self.month:
            months.append(months[-1].next)
        self.starts_us = tuple(us(one.period.start) for one in months)
        self.start_us, self.end_us = self.starts_us[0], us(self.month.period.end)
        self.first_us = self.start_us - self.margin_days * DAY_US
        self.count = (self.end_us - self.start_us) // DAY_US + 1 + 2 * self.margin_days

"""Metered pieces cut where a month's terms or prices change (分段电量). Pure.

At the register of the midnight that begins the new stage, where the meter tells it; else in proportion to the meter's total, else
to the days. Bands of which one lacks its register follow the total, so that they stay parts of it. A demand that was read once
for the month stands in every stage.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from itertools import groupby, pairwise
from typing import NamedTuple

from denghuo.kernel.period import midnight
from denghuo.kernel.values import round_half_up
from denghuo.service.billing.batch import Piece
from denghuo.service.billing.lines import RatingRemark
from denghuo.service.billing.rules.words import remark

_METHODS = ("actual", "manual", "self_read", "curve", "sender", "interpolated", "daily_average")
"""From the surest to the least sure."""
_PEOPLE = ("actual", "manual", "self_read")
ESTIMATED = frozenset({"sender", "interpolated", "daily_average"})
_DAY = timedelta(days=1)


class Channel(NamedTuple):
    """A register of a meter at a point, in the numbering of the month's pieces."""

    point_no: str
    meter_no: str
    piece: int
    quantity: str
    band: str


class Shown(NamedTuple):
    """What a register shows at a midnight, in 1e-4 of its unit, and how that is known."""

    register_e4: int
    method: str


CutRegisters = Mapping[date, Mapping[Channel, Shown]]
"""Registers at the midnights that begin days."""


def cut(pieces: Sequence[Piece], days: Sequence[date], shown: CutRegisters) -> list[list[Piece]]:
    """The pieces of each stage; `days` are the first days of the stages after the first, in order.

    Pieces are numbered anew at each point, by the day on which they begin.
    """
    stages: list[list[Piece]] = []
    rest = list(pieces)
    for day in days:
        before, rest = _at(rest, day, shown.get(day, {}))
        stages.append(before)
    stages.append(rest)
    numbers = _numbers([piece for stage in stages for piece in stage])
    return [[replace(piece, piece=numbers[piece.point_no, piece.from_at]) for piece in stage] for stage in stages]


def _numbers(pieces: Sequence[Piece]) -> dict[tuple[str, datetime], int]:
    begins: dict[str, set[datetime]] = {}
    for piece in pieces:
        begins.setdefault(piece.point_no, set()).add(piece.from_at)
    return {(point, at): number for point, all_at in begins.items() for number, at in enumerate(sorted(all_at), 1)}


def _at(pieces: Sequence[Piece], day: date, shown: Mapping[Channel, Shown]) -> tuple[list[Piece], list[Piece]]:
    at = midnight(day)
    before: list[Piece] = []
    after: list[Piece] = []
    for _, group in groupby(sorted(pieces, key=_meter), key=_meter):
        through = []
        for piece in group:
            if piece.to_at <= at:
                before.append(piece)
            elif piece.from_at >= at:
                after.append(piece)
            elif piece.quantity == "demand":
                before.append(piece)
                after.append(piece)
            else:
                through.append(piece)
        for one, two in _through(through, at, shown) if through else ():
            before.append(one)
            after.append(two)
    return before, after


def _meter(piece: Piece) -> tuple[str, str, int]:
    return piece.point_no, piece.meter_no, piece.piece


def _through(pieces: Sequence[Piece], at: datetime, shown: Mapping[Channel, Shown]) -> Iterator[tuple[Piece, Piece]]:
    """The two sides of pieces of one meter that go on over a midnight."""
    known = [shown.get(Channel(*_meter(piece), piece.quantity, piece.band)) for piece in pieces]
    sides = [None if one is None else _energies(piece, one) for piece, one in zip(pieces, known, strict=True)]
    lacking = [piece for piece, side in zip(pieces, sides, strict=True) if side is None]
    # Bands that do not all have a register follow the total, or they would no longer be parts of it.
    loose = any(piece.quantity.startswith("active") for piece in lacking)
    times, of, method = _share(pieces, sides, at)
    for piece, one, side in zip(pieces, known, sides, strict=True):
        if one is not None and side is not None and not (loose and _is_band(piece)):
            yield _sides(piece, at, side, one.method, one.register_e4)
            continue
        energy = round_half_up((piece.energy_wh or 0) * times, of)
        yield _sides(piece, at, (energy, (piece.energy_wh or 0) - energy), method, None)


def _is_band(piece: Piece) -> bool:
    return piece.quantity.startswith("active") and piece.band != "total"


def _share(pieces: Sequence[Piece], sides: Sequence[tuple[int, int] | None], at: datetime) -> tuple[int, int, str]:
    """Which share (times/of) of a meter's energy lies before a midnight, and how that is known."""
    for piece, side in zip(pieces, sides, strict=True):
        if side is not None and piece.band == "total" and piece.quantity.startswith("active") and piece.energy_wh:
            return side[0], sum(side), "interpolated"
    first = pieces[0]
    return (at - first.from_at) // _DAY, max((first.to_at - first.from_at) // _DAY, 1), "daily_average"


def _energies(piece: Piece, shown: Shown) -> tuple[int, int] | None:
    """Energy (Wh, varh) before and after a register; None where the register does not lie between the ends of its piece."""
    start, end, energy = piece.start_e4, piece.end_e4, piece.energy_wh
    if start is None or end is None or energy is None:
        return None
    # 1e-4 units times the multiplier are tenths of a milli-unit. A register that passed zero did so on one side of the cut.
    before = round_half_up((shown.register_e4 - start) * piece.multiplier, 10)
    after = round_half_up((end - shown.register_e4) * piece.multiplier, 10)
    if before < 0 <= after:
        before = energy - after
    elif after < 0 <= before:
        after = energy - before
    return (before, after) if min(before, after) >= 0 and abs(before + after - energy) <= 1 else None


def _by_people(whole: str, at: str) -> str:
    """How a side of a cut is known: the less sure of the two, where both were read."""
    return max(whole, at, key=_METHODS.index) if whole in _PEOPLE and at in _PEOPLE else whole


def _sides(
    piece: Piece, at: datetime, energies: tuple[int, int], method: str, register_e4: int | None
) -> tuple[Piece, Piece]:
    guessed = sorted({piece.method, method} & ESTIMATED, key=_METHODS.index)
    how = guessed[-1] if guessed else _by_people(piece.method, method)
    status = "estimated" if guessed else piece.status
    rule = "missing" if guessed else piece.rule
    days = (at - piece.from_at) // _DAY, (piece.to_at - at) // _DAY
    if method == "daily_average":
        estimated = days
    else:
        near = int(method == "interpolated")
        first = min(piece.days_estimated + near, days[0])
        estimated = first, min(max(piece.days_estimated - first, 0) + near, days[1])
    common = {"method": how, "status": status, "rule": rule}
    return (
        replace(piece, to_at=at, end_e4=register_e4, energy_wh=energies[0], days_estimated=estimated[0], **common),  # type: ignore[arg-type]
        replace(piece, from_at=at, start_e4=register_e4, energy_wh=energies[1], days_estimated=estimated[1], **common),  # type: ignore[arg-type]
    )


def _demands(pieces: Sequence[Piece]) -> set[tuple[str, str, datetime]]:
    return {(one.point_no, one.meter_no, one.from_at) for one in pieces if one.quantity == "demand"}


def cuts_said(first_days: Sequence[date], pieces: Sequence[Sequence[Piece]]) -> Iterator[RatingRemark]:
    """What a reader must know of the cuts between stages."""
    if len(pieces) == 1:
        return
    guessed = [
        day
        for day, own in zip(first_days[1:], pieces[1:], strict=True)
        if any(piece.from_at == midnight(day) and piece.method in ESTIMATED for piece in own)
    ]
    if guessed:
        days = ", ".join(str(day) for day in guessed)
        yield remark(
            "cut_estimated",
            f"{days} 零点无抄见示数，分段电量按曲线或前后示数内插、或按日分摊。",
            f"Without a register at the midnight of {days} the energies of the stages were estimated.",
        )
    if any(piece.method == "curve" and piece.band != "total" for own in pieces for piece in own):
        yield remark(
            "stage_by_curve",
            "各段电量按变更日零点示数，分时电量由该段各日的15分钟曲线按该段电价的时段划分，各时段之和等于该段示数电量。",
            "Each stage has the energy between the registers of its midnights; its bands come from the 15-minute curve of its own"
            " days by the hours of its own tariff, and add up to that energy.",
        )
    if any(_demands(one) & _demands(two) for one, two in pairwise(pieces)):
        yield remark(
            "demand_undivided",
            "最大需量为全月抄见值，各段均按全月需量计算，请核对变更日是否抄录需量。",
            "The largest demand was read once for the month and counts in every stage; was it read on the day of change?",
            review=True,
        )

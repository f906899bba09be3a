"""One point's month by days: registers at midnight and the energy between them, what is estimated marked as such."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple

from denghuo.kernel.period import days_between, midnight
from denghuo.service.reading.batch.matrix import Evaluated
from denghuo.service.reading.batch.plan import PlanPiece, us
from denghuo.service.reading.rules import energy_wh, modulus_e4

_GUESSED = ("sender", "interpolated", "daily_average")


@dataclass(frozen=True)
class Midnight:
    """A midnight of a month. `energy_wh` is that of the day that begins with it; None where it is not known."""

    day: date
    read_at: datetime
    meter_no: str
    piece: int
    shown_e4: int | None
    raw_e4: int | None
    energy_wh: int | None
    energy_estimated: bool
    status: str
    rule: str
    method: str


@dataclass(frozen=True)
class _Known:
    """A place on a piece's line: how far its register has gone by then."""

    at: int
    advance: int
    shown: int
    rule: str
    method: str


def midnights_of(
    found: Evaluated, quantity: str, raw: Mapping[tuple[str, datetime], int], band: str = "total"
) -> list[Midnight]:
    """The midnights of a reading's months, first to last; `raw` are the registers as received, by (meter, instant)."""
    lines = [
        (found.pieces[place], _line(found, row))
        for row, (place, *kind) in enumerate(found.channels)
        if kind == [quantity, band]
    ]
    first, end = found.window.first.first_day, found.window.month.next.first_day
    days = days_between(first, end)
    rows: list[Midnight] = []
    for day in days:
        at, until = us(midnight(day)), us(midnight(day + timedelta(days=1)))
        piece, line = next(
            ((one, known) for one, known in reversed(lines) if us(one.from_at) <= at <= us(one.to_at)), lines[0]
        )
        advance, exact = _at(line, at)
        modulus, step = modulus_e4(piece.integer_digits), int(10 ** (4 - piece.decimal_digits))
        energy, estimated = (None, False) if day == end else _energy(lines, at, until)
        shown = None if advance is None else (line[0].shown + advance // step * step) % modulus
        status, rule, method = "held", "missing", "none"
        if exact is not None:
            held = exact.rule in ("negative", "spike", "over_capacity")
            status = "held" if held else "estimated" if exact.method in _GUESSED else "valid"
            shown, rule, method = exact.shown, exact.rule, exact.method
        elif shown is not None:
            status, rule, method = "estimated", "missing_days", "interpolated"
        received = raw.get((piece.meter_no, midnight(day)))
        if exact is None and received is not None:
            rule = "outlier"
        rows.append(
            Midnight(
                day,
                midnight(day),
                piece.meter_no,
                piece.piece,
                shown,
                received,
                energy,
                estimated,
                status,
                rule,
                method,
            )
        )
    return rows


class Shown(NamedTuple):
    """What a channel's register shows at an instant within its piece. None: the piece has no line to read it from."""

    point_no: str
    meter_no: str
    piece: int
    quantity: str
    band: str
    shown_e4: int | None
    method: str


def shown_at(found: Evaluated, at: datetime) -> Iterator[Shown]:
    """The energy registers of all channels whose piece goes on over an instant, as read or on the line between their neighbours."""
    instant = us(at)
    for row, (place, quantity, band) in enumerate(found.channels):
        piece = found.pieces[place]
        if quantity == "demand" or not us(piece.from_at) < instant < us(piece.to_at):
            continue
        line = _line(found, row)
        advance, exact = _at(line, instant)
        shown, method = None, "none"
        if exact is not None:
            shown, method = exact.shown, exact.method
        elif advance is not None:
            modulus, step = modulus_e4(piece.integer_digits), int(10 ** (4 - piece.decimal_digits))
            shown, method = (line[0].shown + advance // step * step) % modulus, "interpolated"
        yield Shown(piece.point_no, piece.meter_no, piece.piece, quantity, band, shown, method)


class EstimatedEnd(NamedTuple):
    """The energy of a channel between the last register that was read and an end that is estimated, or as much of both."""

    point_no: str
    meter_no: str
    piece: int
    quantity: str
    band: str
    method: str
    energy_wh: int


def estimated_ends(found: Evaluated) -> Iterator[EstimatedEnd]:
    """The channels with an estimated beginning or end; where nothing was read in between, all of their energy is estimated."""
    for row, (place, quantity, band) in enumerate(found.channels):
        methods = [one for one in found.method[row] if one in _GUESSED]
        line = _line(found, row) if methods and quantity != "demand" else []
        if len(line) < 2:
            continue
        piece = found.pieces[place]
        read = [energy_wh(one.advance, piece.multiplier) for one in line if one.method not in _GUESSED]
        whole = energy_wh(line[-1].advance, piece.multiplier)
        energy = whole - (read[-1] - read[0] if read else 0)
        yield EstimatedEnd(piece.point_no, piece.meter_no, piece.piece, quantity, band, methods[-1], energy)


def _line(found: Evaluated, row: int) -> list[_Known]:
    """The known places of a channel in the order of time."""
    sequence = found.sequence[row].tolist()
    piece = found.pieces[found.channels[row][0]]
    known: list[_Known] = []
    total = 0
    for column, shown in enumerate(sequence):
        if shown < 0:
            continue
        total = total + int(found.advance[row, column]) if known else 0
        if column == 0:
            at, method = us(piece.from_at), found.method[row][0]
        elif column == len(sequence) - 1:
            at, method = us(piece.to_at), found.method[row][1]
        else:
            at = found.window.first_us + (column - 1) * 86_400_000_000
            method = "manual" if found.manual[row, column - 1] else "actual"
        rule = next(
            (
                name
                for name, flags in (
                    ("negative", found.backwards),
                    ("spike", found.spike),
                    ("over_capacity", found.over_capacity),
                    ("rollover", found.rolled),
                )
                if flags[row, column]
            ),
            {"actual": "checked", "manual": "manual", "self_read": "self_read", "sender": "sender"}.get(
                method, "missing"
            ),
        )
        known.append(_Known(at, total, shown, rule, method))
    return known


def _at(line: list[_Known], at: int) -> tuple[int | None, _Known | None]:
    """How far the register has gone by an instant: on the straight line between its neighbours; and the place itself."""
    for before, after in zip(line, line[1:], strict=False):
        if before.at <= at <= after.at:
            if at in (before.at, after.at):
                exact = before if at == before.at else after
                return exact.advance, exact
            span = (after.at - before.at) // 1_000_000
            return before.advance + (after.advance - before.advance) * ((at - before.at) // 1_000_000) // span, None
    only = next((one for one in line if one.at == at), None)
    return (only.advance, only) if only else (None, None)


def _energy(lines: list[tuple[PlanPiece, list[_Known]]], at: int, until: int) -> tuple[int | None, bool]:
    """The energy between two midnights over all pieces, and whether any of it lies between reads."""
    total, estimated, any_piece = 0, False, False
    for piece, line in lines:
        begin, end = max(at, us(piece.from_at)), min(until, us(piece.to_at))
        if begin >= end:
            continue
        any_piece = True
        (first, exact_first), (last, exact_last) = _at(line, begin), _at(line, end)
        if first is None or last is None or last < first:
            return None, False
        # Differences of what was rounded, so that the days add up to the piece.
        total += energy_wh(last, piece.multiplier) - energy_wh(first, piece.multiplier)
        estimated = estimated or any(one is None or one.method in _GUESSED for one in (exact_first, exact_last))
    return (total, estimated) if any_piece else (None, False)

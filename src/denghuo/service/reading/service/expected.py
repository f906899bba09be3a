"""What an entry on site is held against: the last register before, the usual advance and what the capacity lets pass."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from denghuo.kernel.contract import Call
from denghuo.kernel.period import Month
from denghuo.service.reading.api import FieldChannel
from denghuo.service.reading.batch import Evaluated, PlanPiece
from denghuo.service.reading.batch.beside import MeterFacts
from denghuo.service.reading.batch.plan import DAY_US, us
from denghuo.service.reading.rules.field import most_a_day_e4
from denghuo.service.reading.service.forms import shown_register
from denghuo.service.reading.service.making import Making
from denghuo.service.reading.service.taking import Taking

_SERIES = {"active_fwd": "active_fwd_wh", "active_rev": "active_rev_wh"}
Held = Mapping[tuple[str, int], Sequence[Mapping[str, Any]]]


def channels_of_orders(
    making: Making, taking: Taking, call: Call, month: Month, pieces: Sequence[PlanPiece], held: Held
) -> dict[tuple[str, int], list[dict[str, Any]]]:
    """The registers to be read again, in wire form, by point and piece. held: the held reads of each."""
    if not held:
        return {}
    found = making.evaluated(month, pieces)
    last_day = month.next.first_day - timedelta(days=1)
    facts = MeterFacts(taking.installed(call, str(month)), taking.terms(call, last_day), last_day)
    return {
        (piece.point_no, piece.piece): [
            _channel(found, facts, place, piece, read) for read in held[piece.point_no, piece.piece]
        ]
        for place, piece in enumerate(pieces)
        if (piece.point_no, piece.piece) in held
    }


class Known(NamedTuple):
    """The last register before an end, in 1e-4 of its unit, when it stood so, and the average advance a day; None: not known."""

    last_e4: int | None
    last_at: datetime | None
    usual_a_day_e4: int | None


def known_before(found: Evaluated, row: int, piece: PlanPiece) -> Known:
    """What is known of a channel before the end of its piece."""
    end = (us(piece.to_at) - found.window.first_us) // DAY_US
    begin = max((us(piece.from_at) - found.window.first_us) // DAY_US, 0)
    raw = found.raw[row].tolist()
    before = [(column, raw[column]) for column in range(begin, min(end, len(raw))) if raw[column] >= 0]
    # The figure that made it run backwards is not what the next one is held against.
    while len(before) > 1 and before[-1][1] < before[-2][1]:
        before.pop()
    if not before:
        start = int(found.sequence[row, 0])
        return Known(start, piece.from_at, None) if start >= 0 else Known(None, None, None)
    usual = None
    if len(before) > 1 and before[-1][1] >= before[0][1]:
        usual = (before[-1][1] - before[0][1]) // (before[-1][0] - before[0][0])
    return Known(before[-1][1], _instant(found.window.first_us + before[-1][0] * DAY_US), usual)


def _channel(
    found: Evaluated, facts: MeterFacts, place: int, piece: PlanPiece, read: Mapping[str, Any]
) -> dict[str, Any]:
    quantity, band = read["quantity"], read["band"]
    row = found.row_of(place, quantity, band)
    known = Known(None, None, None) if row is None else known_before(found, row, piece)
    (capacity_w,) = facts.capacity_w(_SERIES.get(quantity, ""), [piece.meter_no]).tolist()
    most = most_a_day_e4(capacity_w, piece.multiplier) if capacity_w > 0 else None
    return FieldChannel(
        quantity=quantity,
        band=band,
        rule=read["rule"],
        collected=shown_register(read["end_e4"]),
        last=shown_register(known.last_e4),
        last_at=known.last_at,
        usual_a_day=shown_register(known.usual_a_day_e4),
        most_a_day=shown_register(most),
    ).model_dump(mode="json")


def _instant(at_us: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at_us)

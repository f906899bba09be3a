"""What an entry on site is held against: the last register before, the usual advance and what the capacity lets pass."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from denghuo.kernel.contract import Call
from denghuo.kernel.period import Month
from denghuo.kernel.values import Register
from denghuo.service.reading.api import FieldChannel
from denghuo.service.reading.batch import Evaluated, PlanPiece
from denghuo.service.reading.batch.beside import MeterFacts
from denghuo.service.reading.batch.plan import DAY_US, us
from denghuo.service.reading.rules.field import most_a_day_e4
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


def _channel(
    found: Evaluated, facts: MeterFacts, place: int, piece: PlanPiece, read: Mapping[str, Any]
) -> dict[str, Any]:
    quantity, band = read["quantity"], read["band"]
    row = found.row_of(place, quantity, band)
    before: list[tuple[int, int]] = []
    if row is not None:
        end = (us(piece.to_at) - found.window.first_us) // DAY_US
        begin = max((us(piece.from_at) - found.window.first_us) // DAY_US, 0)
        raw = found.raw[row].tolist()
        before = [(column, raw[column]) for column in range(begin, min(end, len(raw))) if raw[column] >= 0]
        # The figure that made it run backwards is not what the next one is held against.
        while len(before) > 1 and before[-1][1] < before[-2][1]:
            before.pop()
    usual = None
    if len(before) > 1 and before[-1][1] >= before[0][1]:
        usual = (before[-1][1] - before[0][1]) // (before[-1][0] - before[0][0])
    (capacity_w,) = facts.capacity_w(_SERIES.get(quantity, ""), [piece.meter_no]).tolist()
    most = most_a_day_e4(capacity_w, piece.multiplier) if capacity_w > 0 else None
    return FieldChannel(
        quantity=quantity,
        band=band,
        rule=read["rule"],
        collected=_register(read["end_e4"]),
        last=_register(before[-1][1]) if before else None,
        last_at=_instant(found.window.first_us + before[-1][0] * DAY_US) if before else None,
        usual_a_day=_register(usual),
        most_a_day=_register(most),
    ).model_dump(mode="json")


def _register(value_e4: int | None) -> Register | None:
    return None if value_e4 is None else Register(value_e4)


def _instant(at_us: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at_us)

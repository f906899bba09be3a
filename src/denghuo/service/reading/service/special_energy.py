"""What the meters of a plan for line loss took between its two midnights, each meter of a point for itself.

A meter that was hung or taken off between them begins or ends with the register of its exchange, so that the days add up.
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from itertools import groupby
from typing import Any, NamedTuple

from denghuo.kernel.batch import ITEMS_MAX
from denghuo.kernel.contract import Call
from denghuo.kernel.period import Month, midnight
from denghuo.kernel.values import Energy, Multiplier
from denghuo.service.host.binding import Ask
from denghuo.service.point.api import MetersIn, PointApi
from denghuo.service.reading.api import SpecialEnergy
from denghuo.service.reading.batch import PlanPiece
from denghuo.service.reading.batch.due import joined
from denghuo.service.reading.batch.ends import noted_register
from denghuo.service.reading.rules.special_plan import Ends, energy_of
from denghuo.service.reading.service.forms import installed_piece, shown_register
from denghuo.service.reading.store.special_plan import Row

Channel = tuple[str, str]
"""Point and quantity."""


class Between(NamedTuple):
    """The two midnights of a plan, as the days that they begin."""

    since: date
    on: date


def energies(ask: Ask, call: Call, between: Between, reads: Sequence[Row]) -> list[SpecialEnergy]:
    """The active energy of every meter of a plan, by point and quantity in order of time. reads: the registers of the plan."""
    channels: dict[Channel, dict[date, Row]] = {}
    for row in reads:
        if row["band"] == "total" and row["quantity"] in ("active_fwd", "active_rev"):
            channels.setdefault((row["point_no"], row["quantity"]), {})[row["read_on"]] = row
    changed = sorted({point for (point, _), days in channels.items() if not _stayed(between, days)})
    pieces = _pieces(ask, call, between, changed)
    found: list[SpecialEnergy] = []
    for (point, quantity), days in sorted(channels.items()):
        first, last = days.get(between.since), days.get(between.on)
        if point not in pieces:
            found.append(_told(first or last or {}, quantity, _ends(first, last)))
            continue
        for piece in pieces[point]:
            found.append(_told(vars(piece), quantity, _ends_of(between, piece, quantity, first, last)))
    return found


def _stayed(between: Between, days: Mapping[date, Row]) -> bool:
    """Whether the same meter hung there with the same ratio at both midnights."""
    first, last = days.get(between.since), days.get(between.on)
    return first is not None and last is not None and _hung(first) == _hung(last)


def _hung(row: Row) -> tuple[Any, ...]:
    return row["meter_no"], row["multiplier"]


def _pieces(ask: Ask, call: Call, between: Between, points: Sequence[str]) -> dict[str, list[PlanPiece]]:
    """The meters at points between the midnights, in order of time, as far as the caller may see them."""
    whole, month, found = Call.system(call.now, actor=call.actor), Month.holding(between.since), list[PlanPiece]()
    last = Month.holding(between.on - timedelta(days=1))
    while points and month <= last:
        for at in range(0, len(points), ITEMS_MAX):
            asked = MetersIn(month=str(month), point_nos=list(points[at : at + ITEMS_MAX]))
            rows = ask(PointApi).meters_in(whole, asked).rows
            found += [
                installed_piece(row, month) for row in rows if row.point_no in set(points) and call.covers(row.org)
            ]
        month = month.next
    begin, end = midnight(between.since), midnight(between.on)
    inside = [piece for piece in joined(found, last) if piece.to_at > begin and piece.from_at < end]
    return {point: list(own) for point, own in groupby(inside, key=lambda piece: piece.point_no)}


def _ends(first: Row | None, last: Row | None) -> Ends:
    """Of a meter that stayed, or of which nothing else is known."""
    shown = [None if row is None else row["shown_e4"] for row in (first, last)]
    return Ends(shown[0], shown[1], late=any(row is not None and _late(row) for row in (first, last)))


def _ends_of(between: Between, piece: PlanPiece, quantity: str, first: Row | None, last: Row | None) -> Ends:
    """Of a meter that was hung or taken off: where it hung over a midnight of the plan, what it showed then."""
    start, final = (noted_register(piece, quantity, "total", side) for side in (0, 1))
    begin = midnight(between.since)
    # A piece begins at the midnight of a month too where its meter goes on.
    hung = piece.from_at > begin or (piece.from_at == begin and start is not None)
    off = piece.to_at < midnight(between.on)
    at_first = None if hung or first is None or first["meter_no"] != piece.meter_no else first
    at_last = None if off or last is None or last["meter_no"] != piece.meter_no else last
    return Ends(
        start if hung else None if at_first is None else at_first["shown_e4"],
        final if off else None if at_last is None else at_last["shown_e4"],
        late=any(row is not None and _late(row) for row in (at_first, at_last)),
        hung_at=piece.from_at if hung else None,
        off_at=piece.to_at if off else None,
    )


def _late(row: Row) -> bool:
    return row["shown_at"] is not None and row["shown_at"] > midnight(row["read_on"])


def _told(of: Mapping[str, Any], quantity: str, ends: Ends) -> SpecialEnergy:
    wh, remark = energy_of(ends, of["multiplier"])
    return SpecialEnergy(
        **{name: of[name] for name in ("point_no", "account_no", "role", "org", "meter_no")},
        quantity=quantity,  # type: ignore[arg-type]
        multiplier=Multiplier(of["multiplier"]),
        start=shown_register(ends.start_e4),
        end=shown_register(ends.end_e4),
        energy=None if wh is None else Energy(wh),
        remark=remark,
    )

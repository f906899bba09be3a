"""What a month's reading has (本月应抄): each piece from the end of the reading before, and nothing of accounts that wait."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from denghuo.kernel.period import Month
from denghuo.service.reading.batch.plan import PlanPiece
from denghuo.service.reading.rules.cycles import Cycles


@dataclass(frozen=True)
class Due:
    """The pieces of a month's reading, and the accounts that wait for the reading of a later month."""

    pieces: list[PlanPiece]
    waiting: frozenset[str] = frozenset()


PiecesOf = Callable[[Month], Sequence[PlanPiece]]
"""The meters as they hang in a month."""
ApartOf = Callable[[Month, Collection[str]], Collection[str]]
"""Those of some accounts that are read at the end of a month in which their route is not."""


def _nobody(month: Month, accounts: Collection[str]) -> Collection[str]:
    return ()


def due_in(
    month: Month, pieces_of: PiecesOf, cycles: Cycles, apart_of: ApartOf = _nobody, *, running: bool = False
) -> Due:
    """What is read at the end of a month.

    An account that leaves within a month in which its route is not read has its final reading there, and one that comes waits.
    Gateways and heads of feeders belong to no account and are read every month, because line loss asks for them.

    running: the month runs still and is read as far as it goes, whatever the cycle.
    """
    own = list(pieces_of(month))
    waiting = frozenset() if running else frozenset(_left(own, month, cycles, apart_of))
    earlier: list[PlanPiece] = []
    left: frozenset[str] | None = None
    at = month.previous
    while cycles.unread(at):
        pieces = pieces_of(at)
        # Who waited in a month before waits here too, or was read here.
        left = frozenset(one for one in _left(pieces, at, cycles, apart_of) if left is None or one in left) - waiting
        if not left:
            break
        earlier += [piece for piece in pieces if piece.account_no in left]
        at = at.previous
    found = [piece for piece in own if piece.account_no not in waiting]
    if not earlier:
        return Due(found, waiting)
    points = {piece.point_no for piece in earlier}
    long = joined([*earlier, *(piece for piece in found if piece.point_no in points)], month)
    return Due(sorted([*(piece for piece in found if piece.point_no not in points), *long], key=_place), waiting)


def route_of_accounts(pieces: Iterable[PlanPiece]) -> Mapping[str, str]:
    """The route with which each account is read: that of its first point, where its points lie on several."""
    found: dict[str, str] = {}
    for piece in sorted(pieces, key=_place):
        if piece.account_no is not None:
            found.setdefault(piece.account_no, piece.route)
    return found


def _left(pieces: Collection[PlanPiece], month: Month, cycles: Cycles, apart_of: ApartOf) -> list[str]:
    """The accounts that stay over the end of a month in which they are not read."""
    if not cycles.unread(month):
        return []
    stay = {piece.account_no for piece in pieces if piece.to_at == month.period.end}
    routes = route_of_accounts(pieces)
    left = [one for one, route in routes.items() if one in stay and not cycles.is_read(route, month)]
    apart = apart_of(month, left) if left else ()
    return [one for one in left if one not in apart]


def _place(piece: PlanPiece) -> tuple[str, int]:
    return piece.point_no, piece.piece


def joined(pieces: Iterable[PlanPiece], month: Month) -> list[PlanPiece]:
    """Pieces of several months in those of one reading: a meter that goes on over the end of a month is one piece. Numbered anew at
    each point."""
    found: list[PlanPiece] = []
    in_order = sorted(pieces, key=lambda piece: (piece.point_no, piece.from_at))
    for _, of_point in groupby(in_order, key=lambda piece: piece.point_no):
        joined: list[PlanPiece] = []
        for piece in of_point:
            before = joined[-1] if joined else None
            if before is not None and before.to_at == piece.from_at and _goes_on(before) == _goes_on(piece):
                begun = {name: getattr(before, name) for name in ("from_at", "start_e4", "start_rev_e4")}
                joined[-1] = replace(piece, **begun)
            else:
                joined.append(piece)
        found += [
            replace(piece, piece=number, month=str(month), reading_day=month.next.first_day)
            for number, piece in enumerate(joined, 1)
        ]
    return found


def _goes_on(piece: PlanPiece) -> tuple[object, ...]:
    return piece.account_no, piece.meter_no, piece.register, piece.multiplier

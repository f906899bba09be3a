"""Energy at the meters of an account, also of one that is counted with others."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from denghuo.kernel.period import Month
from denghuo.kernel.problem import text
from denghuo.service.billing.batch import Entry, Piece
from denghuo.service.billing.lines import (
    CannotRate,
)
from denghuo.service.billing.rules.quantities import whole
from denghuo.service.billing.special.said import special_of

EntriesOf = Callable[[str], Sequence[Entry]]
"""The month's entries of an account, for contracts that are rated together with others."""


def supplies(account_no: str, month: Month, entries_of: EntriesOf) -> list[Entry]:
    found = [entry for entry in entries_of(account_no) if entry.kind == "supply"]
    if not found or any(piece.energy_wh is None for entry in found for piece in entry.pieces):
        raise CannotRate(
            text(
                f"合并计算的户号 {account_no} 在 {month} 没有合同，或其电量未确定；请先处理该户，或更正专用条款。",
                f"Account {account_no}, which is counted with this one, has no contract in {month} or no settled quantity;"
                " see to it first, or correct the special terms.",
            ),
            code="no_terms",
            value=account_no,
        )
    return found


def taken(entry: Entry, quantity: str, places: int) -> int:
    """Wh or varh at the main and the parallel meters of an entry, each register rounded as it is billed."""
    inside: set[str] = set()
    for terms in entry.terms:
        parts = special_of(terms.special).parts if terms.special else []
        inside |= {part.point_no for part in parts if part.way == "meter"}
    return _energy([piece for piece in entry.pieces if piece.point_no not in inside], quantity, places)


def _energy(pieces: Iterable[Piece], quantity: str, places: int) -> int:
    """Wh or varh of meters: their total registers, or their bands where they have no total."""
    meters: dict[tuple[str, str, int], dict[str, int]] = {}
    for piece in pieces:
        if piece.quantity == quantity:
            bands: dict[str, int] = meters.setdefault((piece.point_no, piece.meter_no, piece.piece), {})
            bands[piece.band] = whole(piece.energy_wh or 0, places)
    return max(sum(_total(bands) for bands in meters.values()), 0)


def _total(bands: Mapping[str, int]) -> int:
    return bands["total"] if "total" in bands else sum(bands.values())


def exported(entries: Iterable[Entry]) -> int | None:
    """Wh that the plant of an account fed in during the month; None where it has no contract for one, or nothing was."""
    pieces = [piece for entry in entries if entry.kind == "purchase" for piece in entry.pieces]
    return (
        sum(piece.energy_wh or 0 for piece in pieces if (piece.quantity, piece.band) == ("active_rev", "total")) or None
    )

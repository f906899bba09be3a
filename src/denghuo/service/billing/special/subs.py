"""Sub-meters of other accounts (他户分表): what they show stands among the registers of the account with the main meter.

There they are read as sub-meters of its own are: taken off the main meter, on the bill with their registers, in its file and in
everything that rates the bill again.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from denghuo.kernel.problem import text
from denghuo.service.billing.batch import SUB_METER, SUPPLY_ROLES, Entry, Piece, Terms
from denghuo.service.billing.lines import CannotRate
from denghuo.service.billing.special.others import EntriesOf
from denghuo.service.billing.special.said import subs_of_others


def with_subs(entry: Entry, entries_of: EntriesOf) -> Entry:
    """An entry with the registers of sub-meters that other accounts have, as far as they lie within the days that it was read for.

    entries_of: the month's entries of other accounts. A demand is nobody else's.
    """
    wanted = subs_of_others(entry.terms)
    if not wanted or not entry.pieces:
        return entry
    own = [piece for piece in entry.pieces if piece.point_no not in wanted]
    begins = min((piece.from_at for piece in own), default=None)
    found = [
        replace(piece, account_no=entry.account_no, area_no=own[0].area_no, role=SUB_METER)
        for point_no, account_no in wanted.items()
        for other in entries_of(account_no)
        for piece in other.pieces
        if piece.point_no == point_no and piece.role in SUPPLY_ROLES and piece.quantity != "demand"
        if begins is not None and piece.from_at >= begins
    ]
    return replace(entry, pieces=(*own, *found))


def settled_subs(entry: Entry, terms: Sequence[Terms]) -> Entry:
    """A stage without the registers of other accounts of which nothing is agreed on its days. terms: those of all stages.

    Raises:
        CannotRate: a sub-meter of another account is not read over the days of the main meter.
    """
    every, agreed = subs_of_others(terms), subs_of_others(entry.terms[-1:])
    if not every:
        return entry
    main = _days([piece for piece in entry.pieces if piece.role == "sale" and piece.point_no not in every])
    for point_no, account_no in agreed.items():
        if main is not None and _days([piece for piece in entry.pieces if piece.point_no == point_no]) != main:
            raise _not_read(point_no, account_no)
    kept = tuple(one for one in entry.pieces if one.point_no not in every or one.point_no in agreed)
    return replace(entry, pieces=kept)


def _days(pieces: Sequence[Piece]) -> tuple[datetime, datetime] | None:
    used = [piece for piece in pieces if piece.quantity == "active_fwd"]
    return (min(one.from_at for one in used), max(one.to_at for one in used)) if used else None


def _not_read(point_no: str, account_no: str) -> CannotRate:
    return CannotRate(
        text(
            f"户号 {account_no} 的分表（计量点 {point_no}）在总表的抄表期内没有完整的抄表电量："
            "尚未抄表，或两户抄表日、抄表周期不同。"
            "请先完成该分表抄表，或将两户编入同一抄表周期的抄表段，再重算本户。",
            f"The sub-meter of account {account_no} (point {point_no}) is not read over the same days as the main meter: it is not"
            " read yet, or the two are read on other days. Have it read, or put both on routes that are read alike, and calculate"
            " this account again.",
        ),
        code="sub_not_read",
        point_no=point_no,
        value=account_no,
    )

"""Reading cycles: whatever changes they go through, every month of every account is read once."""

from collections.abc import Collection
from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from denghuo.kernel.period import Month
from denghuo.service.reading.batch import PlanPiece, due_in
from denghuo.service.reading.rules.cycles import Cycle, Cycles, RouteCycle
from denghuo.service.reading.service.forms import plan_piece
from tests.service.reading.county import installation

MONTHS = [Month(2026, number) for number in range(1, 13)]
CYCLES = st.sampled_from(["monthly", "even", "odd"])


def cycles(changes: dict[int, Cycle], route: str = "TG001") -> Cycles:
    """The cycles of a route by the month of the year in which each begins."""
    return Cycles(RouteCycle(route, Month(2026, month).first_day, cycle) for month, cycle in changes.items())


def hanging(month: Month, point_no: str = "P1", **other: object) -> list[PlanPiece]:
    """A meter that hangs at a point all month."""
    row = installation(point_no, "M1", **other) | {"from_at": month.period.start, "to_at": month.period.end}
    return [plan_piece(row, month)]


def test_a_route_is_read_in_its_months() -> None:
    found = cycles({3: "even", 8: "odd", 11: "monthly"})
    read = [month.month for month in MONTHS if found.is_read("TG001", month)]
    assert read == [1, 2, 4, 6, 9, 11, 12]
    assert all(found.is_read("TG002", month) for month in MONTHS)
    assert found.unread(Month(2026, 3)) == {"TG001"} and not found.unread(Month(2026, 4))


@given(st.dictionaries(st.integers(1, 11), CYCLES, max_size=5))
def test_whatever_the_cycle_changes_to_no_month_is_lost_or_read_twice(changes: dict[int, Cycle]) -> None:
    # By the end of the year it is read every month, so that nothing waits beyond it.
    found = cycles(changes | {12: "monthly"})
    read = [piece for month in MONTHS for piece in due_in(month, hanging, found).pieces]
    assert read[0].from_at == MONTHS[0].period.start and read[-1].to_at == MONTHS[-1].period.end
    assert all(one.to_at == two.from_at for one, two in zip(read, read[1:], strict=False))
    assert all(piece.to_at == Month.of(piece.month).period.end and piece.piece == 1 for piece in read)
    assert len(read) == sum(found.is_read("TG001", month) for month in MONTHS)


ON_THE_MARKET = st.lists(st.booleans(), min_size=12, max_size=12)


@given(st.dictionaries(st.integers(1, 11), CYCLES, max_size=5), ON_THE_MARKET, ON_THE_MARKET)
def test_whoever_is_read_apart_and_however_terms_change_later_no_month_is_lost_or_read_twice(
    changes: dict[int, Cycle], first_said: list[bool], said_later: list[bool]
) -> None:
    """Whether the account is read apart is judged in the month itself; of earlier months its reads tell, whatever is said later."""
    found = cycles(changes | {12: "monthly"})
    made: dict[Month, list[PlanPiece]] = {}
    now = MONTHS[0]

    def apart_of(month: Month, accounts: Collection[str]) -> Collection[str]:
        if month != now:
            return accounts if made[month] else ()
        return accounts if first_said[month.month - 1] else ()

    for now in MONTHS:
        made[now] = due_in(now, hanging, found, apart_of).pieces
    read = [piece for month in MONTHS for piece in made[month]]
    assert read[0].from_at == MONTHS[0].period.start and read[-1].to_at == MONTHS[-1].period.end
    assert all(one.to_at == two.from_at for one, two in zip(read, read[1:], strict=False))
    assert all(made[month] for month in MONTHS if first_said[month.month - 1])
    # Read again by terms that were changed since, a month that was read has the same reading.
    first_said[:] = [one or two for one, two in zip(first_said, said_later, strict=True)]
    for now in MONTHS:
        again = due_in(now, hanging, found, apart_of).pieces
        assert again == made[now] or not made[now]


def test_who_leaves_while_others_wait_has_the_final_reading_at_once() -> None:
    march, april = Month(2026, 3), Month(2026, 4)
    moved = march.period.start + timedelta(days=9)

    def pieces_of(month: Month) -> list[PlanPiece]:
        (piece,) = hanging(month, account_no="5810100000019")
        if month == march:
            old = replace(piece, to_at=moved)
            return [old, replace(piece, account_no="5810100000027", piece=2, from_at=moved)]
        return [replace(piece, account_no="5810100000027")] if month == april else [piece]

    found = cycles({3: "even"})
    final = due_in(march, pieces_of, found)
    assert [(piece.account_no, piece.to_at) for piece in final.pieces] == [("5810100000019", moved)]
    assert final.waiting == {"5810100000027"}
    (rest,) = due_in(april, pieces_of, found).pieces
    assert (rest.account_no, rest.from_at, rest.to_at, rest.piece) == ("5810100000027", moved, april.period.end, 1)


def test_an_exchange_in_the_month_without_reading_stays_two_pieces() -> None:
    march, april = Month(2026, 3), Month(2026, 4)
    at = march.period.start + timedelta(days=14)

    def pieces_of(month: Month) -> list[PlanPiece]:
        (piece,) = hanging(month)
        new = replace(piece, meter_no="M2", piece=2, from_at=at, start_e4=0)
        return [replace(piece, to_at=at, final_e4=123), new] if month == march else [replace(piece, meter_no="M2")]

    old, new = due_in(april, pieces_of, cycles({3: "even"})).pieces
    assert (old.meter_no, old.piece, old.from_at, old.to_at) == ("M1", 1, march.period.start, at)
    assert (old.final_e4, new.start_e4) == (123, 0)
    assert (new.meter_no, new.piece, new.from_at, new.to_at) == ("M2", 2, at, april.period.end)


def test_a_gateway_is_read_every_month_and_a_running_month_has_everybody() -> None:
    march, found = Month(2026, 3), cycles({3: "even"})

    def pieces_of(month: Month) -> list[PlanPiece]:
        return [*hanging(month), *hanging(month, "TG001-G", account_no=None, role="gateway")]

    assert [piece.point_no for piece in due_in(march, pieces_of, found).pieces] == ["TG001-G"]
    assert len(due_in(march, pieces_of, found, running=True).pieces) == 2
    april = due_in(Month(2026, 4), pieces_of, found).pieces
    assert [piece.from_at.month for piece in april] == [2, 3]


def test_an_account_on_several_routes_is_read_with_the_first_of_its_points() -> None:
    def pieces_of(month: Month) -> list[PlanPiece]:
        return [*hanging(month), *hanging(month, "P2", area_no="TG002")]

    assert not due_in(Month(2026, 3), pieces_of, cycles({3: "even"})).pieces
    assert len(due_in(Month(2026, 3), pieces_of, cycles({3: "even"}, "TG002")).pieces) == 2

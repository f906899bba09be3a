"""Reading books: points moved and put in order by date, readers and their substitutes, by two persons; the balance of staff."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from denghuo.kernel.contract import Call, label_of
from denghuo.service.reading.api import (
    BookChange,
    BookChangeDecided,
    BookChangeRef,
    BookFaulty,
    BooksOn,
    DecideBookChange,
    FindBookChanges,
    MapOf,
    MonthRef,
    NewBookPoint,
    NoSuchBookChange,
    ProposeBookChange,
    ProposerMayNotDecide,
    StaffBalance,
    StateBooks,
    WalkOf,
)
from tests.service.bindings import NOW
from tests.service.reading.conftest import Bench, Make
from tests.service.reading.county import MONTH, installation

PERMITS = frozenset({"reading.read", "reading.route", "reading.approve_route"})
CLERK = Call(actor="clerk", now=NOW, permits=PERMITS, scope=("1405810",), channel="pc")
MANAGER = replace(CLERK, actor="manager")
TODAY = CLERK.today
JUNE = date(2026, 6, 1)


@pytest.fixture
def made(bench: Make) -> Bench:
    """Three points on the route TG001 and one on TG002."""
    found = bench(
        [
            installation(f"P{number}", f"M{number}", account_no=f"581010000001{number}", area_no=area)
            for number, area in ((1, "TG001"), (2, "TG001"), (3, "TG001"), (4, "TG002"))
        ]
    )
    found.api.plan_month(found.call(), MonthRef(month=MONTH))
    return found


def proposed(made: Bench, **words: Any) -> BookChange:
    given = {"book": "TG001", "effective_from": TODAY, "reason": "按现场行走顺序调整"}
    return made.api.propose_book_change(CLERK, ProposeBookChange.model_validate(given | words))


def approved(made: Bench, **words: Any) -> BookChange:
    ref = DecideBookChange(change_no=proposed(made, **words).change_no, remark="现场核对属实")
    return made.api.approve_book_change(MANAGER, ref)


def walk(made: Bench, book: str, on: date | None = None) -> list[str]:
    return [row.point_no for row in made.api.walk(CLERK, WalkOf(book=book, on=on)).rows]


def test_points_move_and_are_put_in_order_from_a_day_on_and_the_walks_of_earlier_days_stay(made: Bench) -> None:
    assert walk(made, "TG001") == ["P1", "P2", "P3"]
    change = proposed(made, point_nos=["P3", "P4"], effective_from=JUNE)
    assert [(one.point_no, one.book_before, one.place) for one in change.moves] == [
        ("P3", "TG001", 1),
        ("P4", "TG002", 2),
    ]
    assert (change.state, change.org, change.point_count) == ("proposed", "1405810.01", 2)
    assert walk(made, "TG001", JUNE) == ["P1", "P2", "P3"]
    done = made.api.approve_book_change(MANAGER, DecideBookChange(change_no=change.change_no, remark="同意" * 2))
    assert (done.state, done.proposed_by, done.decided_by) == ("approved", "clerk", "manager")
    assert walk(made, "TG001", JUNE) == ["P3", "P4", "P1", "P2"]
    assert walk(made, "TG002", JUNE) == []
    assert walk(made, "TG001", JUNE - timedelta(days=1)) == ["P1", "P2", "P3"]
    page = made.api.walk(CLERK, WalkOf(book="TG001", on=JUNE, limit=3))
    after = made.api.walk(CLERK, WalkOf(book="TG001", on=JUNE, limit=3, after=page.next))
    assert ([row.point_no for row in after.rows], after.next, after.total) == (["P2"], None, 4)
    assert [(row.place, row.meter_no) for row in page.rows] == [(1, "M3"), (2, "M4"), (3, "M1")]


def test_a_change_that_stands_still_shows_the_book_that_a_point_came_from(made: Bench) -> None:
    assert [one.book_before for one in approved(made, point_nos=["P4"]).moves] == ["TG002"]
    assert walk(made, "TG001") == ["P4", "P1", "P2", "P3"]


def test_a_map_has_the_walk_in_its_order_and_new_points_around_it(made: Bench) -> None:
    approved(made, point_nos=["P3", "P1"])
    found = made.api.walk_map(CLERK, MapOf(book="TG001"))
    assert [(row.point_no, row.place, row.x_m, row.y_m) for row in found.rows] == [
        ("P3", 1, 0, 50),
        ("P1", 2, 0, 50),
        ("P2", 3, 0, 50),
    ]
    # P4 stands in the book of its route, where nobody put it in order.
    assert [(row.point_no, row.book, row.area_no, row.x_m) for row in found.unplaced] == [
        ("P4", "TG002", "TG002", 1_000)
    ]
    assert [(one.area_no, one.x_m) for one in found.areas] == [("TG001", 0), ("TG002", 1_000)]
    assert [(one.y1_m, one.y2_m) for one in found.lines] == [(900, 50)]
    approved(made, point_nos=["P4"])
    found = made.api.walk_map(CLERK, MapOf(book="TG001"))
    assert ([row.point_no for row in found.rows], found.unplaced) == (["P4", "P3", "P1", "P2"], [])
    # The network is asked for as the caller sees it.
    elsewhere = made.api.walk_map(replace(CLERK, scope=("1405810.02",)), MapOf(book="TG001"))
    assert (elsewhere.rows, elsewhere.areas) == ([], [])


@pytest.mark.scope("B04-04")
def test_a_substitute_walks_for_some_days_and_then_the_reader_again(made: Bench) -> None:
    approved(made, reader="reader")
    days = {"effective_from": TODAY + timedelta(3), "effective_to": TODAY + timedelta(5)}
    substitution = proposed(made, reader="substitute", **days)
    word = DecideBookChange(change_no=substitution.change_no, remark="代班三天")
    with pytest.raises(ProposerMayNotDecide):
        made.api.approve_book_change(CLERK, word)
    assert made.api.approve_book_change(MANAGER, word).decided_by == "manager"

    def reader(days: int) -> str | None:
        (row,) = made.api.books(CLERK, BooksOn(on=TODAY + timedelta(days), limit=1)).rows
        return row.reader

    assert [reader(days) for days in (-1, 0, 2, 3, 5, 6)] == [
        None,
        "reader",
        "reader",
        "substitute",
        "substitute",
        "reader",
    ]
    assert [row.book for row in made.api.books(CLERK, BooksOn(reader="reader")).rows] == ["TG001"]


def test_loads_of_readers_are_told_beside_the_mean(made: Bench) -> None:
    approved(made, reader="reader")
    approved(made, book="TG002", reader="substitute")
    rows = made.api.staff_balance(CLERK, StaffBalance()).rows
    assert [(row.reader, row.books, row.point_count, str(row.share)) for row in rows] == [
        ("reader", 1, 3, "150.00"),
        ("substitute", 1, 1, "50.00"),
    ]
    approved(made, book="TG002", point_nos=["P3"])
    assert [row.point_count for row in made.api.staff_balance(CLERK, StaffBalance()).rows] == [2, 2]


def test_who_proposes_does_not_decide_and_nothing_is_decided_twice(made: Bench) -> None:
    change = proposed(made, reader="reader")
    word = DecideBookChange(change_no=change.change_no, remark="人员另有安排")
    for decide in (made.api.approve_book_change, made.api.refuse_book_change):
        with pytest.raises(ProposerMayNotDecide):
            decide(CLERK, word)
    assert made.api.refuse_book_change(MANAGER, word).state == "refused"
    with pytest.raises(BookChangeDecided):
        made.api.approve_book_change(MANAGER, word)
    assert made.api.book_change(CLERK, BookChangeRef(change_no=change.change_no)).remark == "人员另有安排"
    assert made.api.staff_balance(CLERK, StaffBalance()).rows[0].reader is None
    found = made.api.book_changes(CLERK, FindBookChanges(state="refused"))
    assert ([row.change_no for row in found.rows], found.total) == ([change.change_no], 1)
    assert made.api.book_changes(CLERK, FindBookChanges(state="proposed")).rows == []


@pytest.mark.parametrize(
    ("words", "field"),
    [
        ({"reader": "clerk"}, "reader"),
        ({"reader": "nobody"}, "reader"),
        ({"point_nos": ["P9"]}, "point_nos"),
        ({"reader": "reader", "book": "TG009"}, "book"),
        ({"reader": "reader", "effective_from": TODAY - timedelta(days=1)}, "effective_from"),
    ],
)
def test_what_names_nothing_or_begins_in_the_past_is_refused(made: Bench, words: dict[str, Any], field: str) -> None:
    with pytest.raises(BookFaulty) as refused:
        proposed(made, **words)
    assert refused.value.fields["field"] == field
    label = label_of(ProposeBookChange, field)
    assert refused.value.detail["zh"].startswith(f"{label.zh}“")
    assert refused.value.detail["en"].startswith(f"{label.en} “")


def test_first_places_are_imported_and_what_was_stated_is_changed_by_two_persons(made: Bench) -> None:
    def stated(*rows: tuple[str, str, int]) -> tuple[int, int, list[tuple[str, str]]]:
        items = [
            NewBookPoint(point_no=point_no, book=book, place=place, effective_from=date(2026, 4, 1))
            for point_no, book, place in rows
        ]
        found = made.api.state_books(made.call(), StateBooks(points=items))
        return found.taken, found.unchanged, [(one.key, one.field) for one in found.refused]

    assert stated(("P4", "B1", 1), ("P2", "B1", 2), ("P9", "B1", 3)) == (2, 0, [("P9", "point_no")])
    assert walk(made, "B1") == ["P4", "P2"]
    assert stated(("P4", "B1", 1), ("P2", "B2", 1), ("P1", "B1", 3)) == (1, 1, [("P2", "book")])
    assert made.api.books(CLERK, BooksOn()).stated == 3
    approved(made, book="B1", point_nos=["P1"])
    assert walk(made, "B1") == ["P1", "P4", "P2"]
    # What came later has no place yet, and the book in which it stands says so.
    assert {row.book: row.unplaced for row in made.api.books(CLERK, BooksOn()).rows} == {"B1": 0, "TG001": 1}


def test_another_unit_sees_neither_walk_nor_change(made: Bench) -> None:
    change = approved(made, reader="reader")
    other = replace(CLERK, scope=("1405810.02",))
    assert made.api.walk(other, WalkOf(book="TG001")).rows == []
    assert made.api.books(other, BooksOn()).rows == []
    with pytest.raises(NoSuchBookChange):
        made.api.book_change(other, BookChangeRef(change_no=change.change_no))

"""Reading books as they stand on a day, and the changes that made them so."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, LiteralString

from denghuo.data.processing.work import Work
from denghuo.service.reading.api import (
    BooksOn,
    FindBookChanges,
    NewBookPoint,
    ProposeBookChange,
    StaffBalance,
    WalkOf,
)

Row = Mapping[str, Any]
_CHANGES: LiteralString = (
    "SELECT change_no, book, org, point_nos, cardinality(point_nos) AS point_count, reader, effective_from, effective_to, state,"
    " reason, proposed_by, proposed_at, decided_by, decided_at, remark FROM book_change "
)
BOOKS_ON_A_DAY: LiteralString = """
WITH planned AS (
    SELECT DISTINCT ON (point_no) point_no, route, area_no, org, account_no, meter_no FROM plan
    WHERE month >= (SELECT to_char(to_date(max(month), 'YYYY-MM') - interval '2 months', 'YYYY-MM') FROM plan)
    AND account_no IS NOT NULL ORDER BY point_no, month DESC, piece DESC
), moved AS (
    SELECT DISTINCT ON (point_no) point_no, book, place FROM book_point WHERE effective_from <= %(on)s
    ORDER BY point_no, effective_from DESC, change_no DESC
), walk AS (
    SELECT coalesce(moved.book, planned.route) AS book, moved.place, planned.point_no, planned.meter_no, planned.account_no,
        planned.org, planned.area_no FROM planned LEFT JOIN moved USING (point_no)
), walker AS (
    SELECT DISTINCT ON (book) book, reader, effective_to FROM book_reader
    WHERE effective_from <= %(on)s AND (effective_to IS NULL OR effective_to >= %(on)s)
    ORDER BY book, approved_at DESC, change_no DESC
)
"""
"""Points of accounts of the newest plans: those that wait for a reading every two months are not in the last one."""


class BookStore:
    def __init__(self, work: Work) -> None:
        self._work = work

    def lock(self) -> None:
        """One at a time decides changes. Held until the transaction ends."""
        self._work.run("SELECT pg_advisory_xact_lock(hashtextextended('reading books', 11))")

    # -- changes ---------------------------------------------------------------------------------------------------------

    def propose(self, item: ProposeBookChange, org: str, actor: str, at: datetime) -> int:
        found = self._work.value(
            "INSERT INTO book_change (book, org, point_nos, reader, effective_from, effective_to, reason, proposed_by,"
            " proposed_at) VALUES (%(book)s, %(org)s, %(point_nos)s, %(reader)s, %(effective_from)s, %(effective_to)s,"
            " %(reason)s, %(actor)s, %(at)s) RETURNING change_no",
            {**item.model_dump(), "org": org, "actor": actor, "at": at},
        )
        return int(found or 0)

    def change(self, change_no: int) -> Row | None:
        row: Row | None = self._work.row(_CHANGES + "WHERE change_no = %s", (change_no,))
        return row

    def changes(self, request: FindBookChanges) -> tuple[list[Row], int]:
        asked = {**request.model_dump(), "before": request.after_number}
        matching: LiteralString = (
            "WHERE denghuo.of_unit(org, %(org)s) AND (%(book)s::text IS NULL OR book = %(book)s)"
            " AND (%(state)s::text IS NULL OR state = %(state)s)"
        )
        rows = self._work.rows(
            _CHANGES
            + matching
            + " AND (%(before)s::bigint IS NULL OR change_no < %(before)s) ORDER BY change_no DESC LIMIT %(limit)s",
            asked,
        )
        return list(rows), int(self._work.value("SELECT count(*) FROM book_change " + matching, asked) or 0)

    def decide(self, change_no: int, state: str, remark: str, actor: str, at: datetime) -> None:
        self._work.run(
            "UPDATE book_change SET state = %s, remark = %s, decided_by = %s, decided_at = %s WHERE change_no = %s",
            (state, remark, actor, at, change_no),
        )

    def place(self, change: Row, walk: Sequence[tuple[str, str]]) -> None:
        """Puts the points (number, unit) of a book into this order."""
        self._work.run_many(
            "INSERT INTO book_point (point_no, effective_from, change_no, book, place, org) VALUES (%s, %s, %s, %s, %s, %s)",
            [
                (point_no, change["effective_from"], change["change_no"], change["book"], place, org)
                for place, (point_no, org) in enumerate(walk, start=1)
            ],
        )

    def stated(self, point_nos: Sequence[str]) -> dict[str, Row]:
        """The first place of each of these points that was stated."""
        rows = self._work.rows(
            "SELECT DISTINCT ON (point_no) point_no, book, place, effective_from, change_no FROM book_point"
            " WHERE point_no = ANY (%s) ORDER BY point_no, change_no, effective_from",
            (list(point_nos),),
        )
        return {row["point_no"]: row for row in rows}

    def state(self, items: Iterable[tuple[NewBookPoint, str]]) -> None:
        """Adds first places (item, unit) that no change made: their change is numbered 0."""
        self._work.run_many(
            "INSERT INTO book_point (point_no, effective_from, change_no, book, place, org) VALUES (%s, %s, 0, %s, %s, %s)",
            [(one.point_no, one.effective_from, one.book, one.place, org) for one, org in items],
        )

    def places(self) -> int:
        return int(self._work.value("SELECT count(*) FROM book_point") or 0)

    def assign(self, change: Row, at: datetime) -> None:
        self._work.run(
            "INSERT INTO book_reader (book, effective_from, effective_to, change_no, reader, org, approved_at)"
            " VALUES (%(book)s, %(effective_from)s, %(effective_to)s, %(change_no)s, %(reader)s, %(org)s, %(at)s)",
            {**change, "at": at},
        )

    # -- books on a day --------------------------------------------------------------------------------------------------

    def points(self, point_nos: Sequence[str], on: date) -> list[Row]:
        """Book, place and unit of these points, as far as the caller may see them."""
        return list(
            self._work.rows(
                BOOKS_ON_A_DAY + "SELECT * FROM walk WHERE point_no = ANY (%(points)s)",
                {"on": on, "points": list(point_nos)},
            )
        )

    def order(self, book: str, on: date) -> list[tuple[str, str]]:
        """(point, unit) of a book in the order of its walk."""
        rows = self._work.rows(
            BOOKS_ON_A_DAY + "SELECT point_no, org FROM walk WHERE book = %(book)s ORDER BY place NULLS LAST, point_no",
            {"on": on, "book": book},
        )
        return [(row["point_no"], row["org"]) for row in rows]

    def walk(self, request: WalkOf, on: date) -> tuple[list[Row], int, str | None]:
        """A page of a walk, its length, and the reader of the day."""
        asked = {"on": on, "book": request.book, "past": request.after_number or 0, "limit": request.limit}
        rows = self._work.rows(
            BOOKS_ON_A_DAY + "SELECT * FROM walk WHERE book = %(book)s ORDER BY place NULLS LAST, point_no"
            " LIMIT %(limit)s OFFSET %(past)s",
            asked,
        )
        total = self._work.value(BOOKS_ON_A_DAY + "SELECT count(*) FROM walk WHERE book = %(book)s", asked)
        reader = self._work.value(BOOKS_ON_A_DAY + "SELECT reader FROM walker WHERE book = %(book)s", asked)
        return list(rows), int(total or 0), reader

    def around(self, book: str, on: date, most: int) -> list[Row]:
        """Points of other books of a book's units that were never put in order; those of the book's own areas first."""
        return list(
            self._work.rows(
                BOOKS_ON_A_DAY + "SELECT * FROM walk WHERE book <> %(book)s AND place IS NULL"
                " AND org IN (SELECT org FROM walk WHERE book = %(book)s) ORDER BY"
                " area_no NOT IN (SELECT area_no FROM walk WHERE book = %(book)s AND area_no IS NOT NULL), book, point_no"
                " LIMIT %(most)s",
                {"on": on, "book": book, "most": most},
            )
        )

    def books(self, request: BooksOn, on: date) -> tuple[list[Row], int]:
        asked = {**request.model_dump(), "on": on}
        books: LiteralString = (
            "SELECT walk.book, min(walk.org) AS org, walker.reader, walker.effective_to AS substitute_until,"
            " count(*) AS point_count, count(*) FILTER (WHERE walk.place IS NULL) AS unplaced"
            " FROM walk LEFT JOIN walker USING (book) WHERE denghuo.of_unit(walk.org, %(org)s)"
            " AND (%(reader)s::text IS NULL OR walker.reader = %(reader)s)"
            " GROUP BY walk.book, walker.reader, walker.effective_to"
        )
        rows = self._work.rows(
            BOOKS_ON_A_DAY + "SELECT * FROM (" + books + ") AS found"
            " WHERE (%(after)s::text IS NULL OR book > %(after)s) ORDER BY book LIMIT %(limit)s",
            asked,
        )
        total = self._work.value(BOOKS_ON_A_DAY + "SELECT count(*) FROM (" + books + ") AS found", asked)
        return list(rows), int(total or 0)

    def loads(self, request: StaffBalance, on: date) -> list[Row]:
        return list(
            self._work.rows(
                BOOKS_ON_A_DAY
                + "SELECT walker.reader, count(DISTINCT walk.book) AS books, count(*) AS point_count FROM walk"
                " LEFT JOIN walker USING (book) WHERE denghuo.of_unit(walk.org, %(org)s) GROUP BY walker.reader"
                " ORDER BY point_count DESC, walker.reader NULLS LAST",
                {"on": on, "org": request.org},
            )
        )

"""Field orders, entries and photos."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, LiteralString

from psycopg.types.json import Jsonb

from denghuo.data.processing.work import Work
from denghuo.service.reading.api import FieldEntry, FindFieldOrders, KeepFieldPhoto

Row = Mapping[str, Any]
_ORDERS: LiteralString = """
WITH walker AS (
    SELECT DISTINCT ON (book) book, reader FROM book_reader
    WHERE effective_from <= %(on)s AND (effective_to IS NULL OR effective_to >= %(on)s)
    ORDER BY book, approved_at DESC, change_no DESC
), orders AS (
    SELECT o.order_no, o.month, o.point_no, o.piece, o.meter_no, o.account_no, o.org, o.book, o.place, o.read_at,
        coalesce(p.reader, walker.reader) AS reader, o.plan_no, p.kind AS plan_kind, p.reason AS plan_reason,
        o.multiplier, o.integer_digits, o.decimal_digits, o.channels, o.channels->0->>'rule' AS rule, o.made_at,
        CASE WHEN o.state <> 'accepted' AND CASE WHEN o.plan_no IS NULL THEN NOT EXISTS (SELECT FROM month_read r
            WHERE r.status = 'held' AND (r.month, r.point_no, r.piece) = (o.month, o.point_no, o.piece))
            ELSE NOT EXISTS (SELECT FROM special_read r WHERE r.shown_e4 IS NULL AND (r.plan_no, r.point_no, r.read_on)
            = (o.plan_no, o.point_no, (o.read_at AT TIME ZONE 'Asia/Shanghai')::date)) END
            THEN 'settled' ELSE o.state END AS state,
        (SELECT max(received_at) FROM field_entry e WHERE e.order_no = o.order_no) AS entered_at
    FROM field_order o LEFT JOIN walker USING (book) LEFT JOIN special_plan p ON p.plan_no = o.plan_no
)
"""
"""Orders with their reader of a day, who for a plan beside the month's may be named by it. What the office settled otherwise is no
longer held, and what a plan has got otherwise no longer absent, whatever became of the order."""
_ENTRIES: LiteralString = (
    "SELECT entry_no, order_no, reader, shown_as, registers, warnings, confirmed, reason, photo_no, latitude, longitude,"
    " accuracy_m, taken_at, received_at, state, decided_by, decided_at, remark FROM field_entry "
)
_WALK: LiteralString = " ORDER BY book, place NULLS LAST, point_no, order_no"


class FieldStore:
    def __init__(self, work: Work) -> None:
        self._work = work

    # -- orders ----------------------------------------------------------------------------------------------------------

    def held(self, month: str, org: str | None) -> list[Row]:
        """The held reads of accounts in a month."""
        return list(
            self._work.rows(
                "SELECT point_no, piece, quantity, band, rule, end_e4 FROM month_read WHERE month = %(month)s"
                " AND status = 'held' AND account_no IS NOT NULL AND denghuo.of_unit(org, %(org)s)"
                " ORDER BY point_no, piece, quantity, band",
                {"month": month, "org": org},
            )
        )

    def make(self, rows: Iterable[Row], actor: str, at: datetime) -> int:
        """Adds orders; of a point's piece with an order that is not done nothing changes. Gives how many are new."""
        return self._work.run_many(
            "INSERT INTO field_order (month, point_no, piece, meter_no, account_no, org, book, place, multiplier,"
            " integer_digits, decimal_digits, read_at, channels, plan_no, made_by, made_at) VALUES (%(month)s, %(point_no)s,"
            " %(piece)s, %(meter_no)s, %(account_no)s, %(org)s, %(book)s, %(place)s, %(multiplier)s, %(integer_digits)s,"
            " %(decimal_digits)s, %(read_at)s, %(channels)s, %(plan_no)s, %(actor)s, %(at)s) ON CONFLICT DO NOTHING",
            [{"plan_no": None, **row, "channels": Jsonb(row["channels"]), "actor": actor, "at": at} for row in rows],
        )

    def unassigned(self, month: str, on: date) -> int:
        found = self._work.value(
            _ORDERS + "SELECT count(*) FROM orders WHERE month = %(month)s AND state = 'open' AND reader IS NULL",
            {"month": month, "on": on},
        )
        return int(found or 0)

    def of_reader(self, reader: str, on: date, limit: int) -> list[Row]:
        return list(
            self._work.rows(
                _ORDERS
                + "SELECT * FROM orders WHERE reader = %(reader)s AND state IN ('open', 'entered')"
                + _WALK
                + " LIMIT %(limit)s",
                {"reader": reader, "on": on, "limit": limit},
            )
        )

    def find(self, request: FindFieldOrders, on: date) -> tuple[list[Row], int]:
        asked = {**request.model_dump(), "on": on, "before": request.after_number}
        matching: LiteralString = (
            "FROM orders WHERE denghuo.of_unit(org, %(org)s) AND (%(month)s::text IS NULL OR month = %(month)s)"
            " AND (%(state)s::text IS NULL OR state = %(state)s) AND (%(reader)s::text IS NULL OR reader = %(reader)s)"
            " AND (%(book)s::text IS NULL OR book = %(book)s)"
        )
        rows = self._work.rows(
            _ORDERS
            + "SELECT * "
            + matching
            + " AND (%(before)s::bigint IS NULL OR order_no < %(before)s) ORDER BY order_no DESC LIMIT %(limit)s",
            asked,
        )
        return list(rows), int(self._work.value(_ORDERS + "SELECT count(*) " + matching, asked) or 0)

    def one(self, order_no: int, on: date) -> Row | None:
        row: Row | None = self._work.row(
            _ORDERS + "SELECT * FROM orders WHERE order_no = %(order_no)s", {"order_no": order_no, "on": on}
        )
        return row

    def lock(self, order_no: int) -> bool:
        """One at a time changes an order. Held until the transaction ends; False where there is none."""
        return self._work.value("SELECT 1 FROM field_order WHERE order_no = %s FOR UPDATE", (order_no,)) is not None

    def set_state(self, order_no: int, state: str) -> None:
        self._work.run("UPDATE field_order SET state = %s WHERE order_no = %s", (state, order_no))

    # -- entries ---------------------------------------------------------------------------------------------------------

    def entry(self, entry_no: str) -> Row | None:
        row: Row | None = self._work.row(_ENTRIES + "WHERE entry_no = %s", (entry_no,))
        return row

    def counted(self, order_no: int) -> Row | None:
        row: Row | None = self._work.row(_ENTRIES + "WHERE order_no = %s AND state = 'counted'", (order_no,))
        return row

    def entries(self, order_nos: Sequence[int]) -> list[Row]:
        """The newest first."""
        return list(
            self._work.rows(
                _ENTRIES + "WHERE order_no = ANY (%s) ORDER BY received_at DESC, taken_at DESC", (list(order_nos),)
            )
        )

    def keep(self, entry: FieldEntry, org: str, reader: str, warnings: Sequence[str], state: str, at: datetime) -> None:
        self._work.run(
            "INSERT INTO field_entry (entry_no, order_no, org, reader, shown_as, registers, warnings, confirmed, reason, photo_no,"
            " latitude, longitude, accuracy_m, taken_at, received_at, state) VALUES (%(entry_no)s, %(order_no)s, %(org)s,"
            " %(reader)s, %(shown_as)s, %(registers)s, %(warnings)s, %(confirmed)s, %(reason)s, %(photo_no)s, %(latitude)s,"
            " %(longitude)s, %(accuracy_m)s, %(taken_at)s, %(at)s, %(state)s)",
            {
                **entry.model_dump(exclude={"registers"}),
                "registers": Jsonb([one.model_dump(mode="json") for one in entry.registers]),
                "org": org,
                "reader": reader,
                "warnings": list(warnings),
                "state": state,
                "at": at,
            },
        )

    def supersede(self, entry_no: str) -> None:
        self._work.run("UPDATE field_entry SET state = 'superseded' WHERE entry_no = %s", (entry_no,))

    def decide(self, entry_no: str, state: str, remark: str, actor: str, at: datetime) -> None:
        self._work.run(
            "UPDATE field_entry SET state = %s, remark = %s, decided_by = %s, decided_at = %s WHERE entry_no = %s",
            (state, remark, actor, at, entry_no),
        )

    # -- photos ----------------------------------------------------------------------------------------------------------

    def keep_photo(
        self, request: KeepFieldPhoto, org: str, reader: str, media_type: str, content: bytes, at: datetime
    ) -> None:
        self._work.run(
            "INSERT INTO field_photo (photo_no, order_no, org, reader, media_type, content, received_at)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
            (request.photo_no, request.order_no, org, reader, media_type, content, at),
        )

    def photo(self, photo_no: str) -> Row | None:
        row: Row | None = self._work.row(
            "SELECT photo_no, reader, media_type, content FROM field_photo WHERE photo_no = %s", (photo_no,)
        )
        return row

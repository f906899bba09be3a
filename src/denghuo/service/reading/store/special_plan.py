"""Plans beside the month's and the registers that were read for them."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, LiteralString

from denghuo.data.processing.work import Work
from denghuo.service.reading.api import FindSpecialPlans, MakeSpecialPlan

Row = Mapping[str, Any]
_PLANS: LiteralString = (
    "SELECT p.plan_no, p.kind, p.area_no, p.read_on AS on, p.since, p.reader, p.org, p.reason, p.made_by, p.made_at,"
    " p.gathered_at,"
    " (SELECT count(DISTINCT r.point_no) FROM special_read r WHERE r.plan_no = p.plan_no) AS point_count,"
    " (SELECT count(r.shown_e4) FROM special_read r WHERE r.plan_no = p.plan_no) AS read_count,"
    " (SELECT count(*) FROM special_read r WHERE r.plan_no = p.plan_no AND r.shown_e4 IS NULL AND r.read_on <= %(today)s)"
    " AS due_count FROM special_plan p "
)


class SpecialPlanStore:
    def __init__(self, work: Work) -> None:
        self._work = work

    def add(self, item: MakeSpecialPlan, org: str, actor: str, at: datetime) -> int:
        asked = {**item.model_dump(), "org": org, "actor": actor, "at": at}
        found = self._work.value(
            "INSERT INTO special_plan (kind, area_no, read_on, since, reader, org, reason, made_by, made_at) VALUES (%(kind)s,"
            " %(area_no)s, %(on)s, %(since)s, %(reader)s, %(org)s, %(reason)s, %(actor)s, %(at)s) RETURNING plan_no",
            asked,
        )
        return int(found or 0)

    def ask(self, rows: Iterable[Row]) -> None:
        """Adds registers that are to be read."""
        self._work.run_many(
            "INSERT INTO special_read (plan_no, point_no, read_on, quantity, band, piece, meter_no, account_no, org, role, route,"
            " multiplier, integer_digits, decimal_digits) VALUES (%(plan_no)s, %(point_no)s, %(read_on)s, %(quantity)s,"
            " %(band)s, %(piece)s, %(meter_no)s, %(account_no)s, %(org)s, %(role)s, %(route)s, %(multiplier)s,"
            " %(integer_digits)s, %(decimal_digits)s)",
            list(rows),
        )

    def read(self, plan_no: int, rows: Iterable[Row]) -> int:
        """Writes down registers that were not known; gives how many."""
        return self._work.run_many(
            "UPDATE special_read SET shown_e4 = %(shown_e4)s, shown_at = %(shown_at)s, source = %(source)s"
            " WHERE (plan_no, point_no, read_on, quantity, band) = (%(plan_no)s, %(point_no)s, %(read_on)s, %(quantity)s,"
            " %(band)s) AND shown_e4 IS NULL",
            [{**row, "plan_no": plan_no} for row in rows],
        )

    def lock(self, plan_no: int) -> bool:
        """One at a time gathers a plan. Held until the transaction ends; False where there is none."""
        return self._work.value("SELECT 1 FROM special_plan WHERE plan_no = %s FOR UPDATE", (plan_no,)) is not None

    def gathered(self, plan_no: int, at: datetime) -> None:
        self._work.run("UPDATE special_plan SET gathered_at = %s WHERE plan_no = %s", (at, plan_no))

    def waiting(self, earliest: date, latest: date, before: datetime, most: int) -> list[int]:
        """Plans with registers of these days that are not known, and that were not gathered since `before`; the oldest first."""
        return self._work.values(
            "SELECT plan_no FROM special_plan p WHERE (gathered_at IS NULL OR gathered_at < %(before)s) AND EXISTS (SELECT FROM"
            " special_read r WHERE r.plan_no = p.plan_no AND r.shown_e4 IS NULL AND r.read_on BETWEEN %(earliest)s AND %(latest)s)"
            " ORDER BY plan_no LIMIT %(most)s",
            {"before": before, "earliest": earliest, "latest": latest, "most": most},
        )

    def waits_since(self, earliest: date) -> date | None:
        """The first day from `earliest` on of which a register is not known; None where all are."""
        found: date | None = self._work.value(
            "SELECT min(read_on) FROM special_read WHERE shown_e4 IS NULL AND read_on >= %s", (earliest,)
        )
        return found

    def order_gathering(self, day: date) -> bool:
        """Notes that plans are gathered on the morning of a day; False where that was noted before."""
        return bool(
            self._work.values(
                "INSERT INTO special_gathering (day) VALUES (%s) ON CONFLICT DO NOTHING RETURNING day", (day,)
            )
        )

    def one(self, plan_no: int, today: date) -> Row | None:
        row: Row | None = self._work.row(_PLANS + "WHERE p.plan_no = %(plan_no)s", {"plan_no": plan_no, "today": today})
        return row

    def find(self, request: FindSpecialPlans, today: date) -> tuple[list[Row], int]:
        asked = {**request.model_dump(), "before": request.after_number, "today": today}
        matching: LiteralString = (
            "WHERE denghuo.of_unit(p.org, %(org)s) AND (%(kind)s::text IS NULL OR p.kind = %(kind)s)"
            " AND (%(area_no)s::text IS NULL OR p.area_no = %(area_no)s)"
        )
        rows = self._work.rows(
            _PLANS
            + matching
            + " AND (%(before)s::bigint IS NULL OR p.plan_no < %(before)s) ORDER BY p.plan_no DESC LIMIT %(limit)s",
            asked,
        )
        return list(rows), int(self._work.value("SELECT count(*) FROM special_plan p " + matching, asked) or 0)

    def reads(self, plan_no: int) -> Sequence[Row]:
        """The registers of a plan with the order of who reads them on site; those not known first."""
        found: Sequence[Row] = self._work.rows(
            "SELECT r.*, o.order_no FROM special_read r LEFT JOIN field_order o ON o.plan_no = r.plan_no"
            " AND o.point_no = r.point_no AND (o.read_at AT TIME ZONE 'Asia/Shanghai')::date = r.read_on"
            " WHERE r.plan_no = %s ORDER BY r.shown_e4 IS NOT NULL, r.read_on, r.point_no, r.quantity, r.band",
            (plan_no,),
        )
        return found

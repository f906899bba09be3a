"""Plans beside the month's (临时抄表、线损抄表): what is read, what was collected of it, and orders for the rest.

Their registers stand apart from those of months: who reads a meter once more neither doubles nor changes what its month took.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute

from denghuo.data.processing.work import Work
from denghuo.kernel.contract import Call
from denghuo.kernel.period import SHANGHAI, Month, midnight
from denghuo.kernel.problem import text
from denghuo.kernel.values import Register
from denghuo.service.host.binding import Ask
from denghuo.service.point.api import FindPoints, MetersIn, PointApi
from denghuo.service.reading.api import (
    FindSpecialPlans,
    MakeSpecialPlan,
    NoSuchSpecialPlan,
    SpecialEnergies,
    SpecialPlan,
    SpecialPlanFaulty,
    SpecialPlanRef,
    SpecialPlanRow,
    SpecialPlansDue,
    SpecialPlansFound,
    SpecialPlansGathered,
    SpecialRead,
)
from denghuo.service.reading.batch import PlanPiece
from denghuo.service.reading.batch.intake import REGISTERS
from denghuo.service.reading.batch.so_far import cut
from denghuo.service.reading.rules.special_plan import GATHERED_AFTER, GATHERED_FOR, gathering_of
from denghuo.service.reading.service.expected import channels_of_orders
from denghuo.service.reading.service.forms import shown_register
from denghuo.service.reading.service.making import Making
from denghuo.service.reading.service.special_energy import Between, energies
from denghuo.service.reading.service.taking import Taking
from denghuo.service.reading.store import ReadingStore
from denghuo.service.reading.store.books import BookStore
from denghuo.service.reading.store.field import FieldStore
from denghuo.service.reading.store.special_plan import Row, SpecialPlanStore

pc: Any = pyarrow.compute
POINTS_MAX = 1_000
LOOK_BACK = timedelta(days=31)
"""In which the channels of a meter are seen that a temporary plan reads."""
_TOTALS = {"fwd": ["active_fwd"], "rev": ["active_rev"], "net": ["active_fwd", "active_rev"]}
_DAY = timedelta(days=1)
A_STEP = 20
"""Plans that a step of the morning's job gathers."""
Key = tuple[str, date, str, str]
"""Meter, day, quantity, band."""


class SpecialPlans:
    def __init__(self, work: Work, ask: Ask, store: ReadingStore, taking: Taking, making: Making) -> None:
        self._work, self._ask, self._reads, self._taking, self._making = work, ask, store, taking, making
        self._store, self._orders, self._books = SpecialPlanStore(work), FieldStore(work), BookStore(work)

    def make(self, call: Call, request: MakeSpecialPlan) -> SpecialPlan:
        points = self._of_area(call, request) if request.area_no is not None else sorted(set(request.point_nos))
        days = [request.on] if request.since is None else [request.since, request.on]
        by_day = {day: self._pieces(call, day, points) for day in days}
        for day, pieces in by_day.items():
            absent = sorted(set(points) - {piece.point_no for piece in pieces})
            if absent and (request.area_no is None or not pieces):
                raise _faulty(
                    "point_nos" if request.area_no is None else "area_no",
                    request.area_no or absent[0],
                    f"{day} 没有在用的表计，或不在您的管辖范围内；请核对编号与日期",
                    f"no meter is there on {day} in your scope; check number and day",
                )
        plan_no = self._store.add(request, _org_of([one.org for one in by_day[request.on]]), call.actor, call.now)
        self._store.ask(
            {
                **{
                    name: getattr(piece, name)
                    for name in ("point_no", "piece", "meter_no", "account_no", "org", "role")
                },
                **{name: getattr(piece, name) for name in ("route", "multiplier", "integer_digits", "decimal_digits")},
                "plan_no": plan_no,
                "read_on": day,
                "quantity": quantity,
                "band": band,
            }
            for day, pieces in by_day.items()
            for piece, channels in self._channels(request, day, pieces)
            for quantity, band in channels
        )
        return self.gather(call, SpecialPlanRef(plan_no=plan_no))

    def gather(self, call: Call, request: SpecialPlanRef) -> SpecialPlan:
        if not self._store.lock(request.plan_no):
            raise _no_such(request.plan_no)
        self._gather(call, self._one(call, request))
        self._go_on(call)
        return self.shown(call, request)

    def gather_due(self, call: Call, request: SpecialPlansDue) -> SpecialPlansGathered:
        """A step of a morning: some of the plans that wait and were not gathered since it began. Where it was put off for days, it
        is that of the last of them."""
        day = (call.now - GATHERED_AFTER).astimezone(SHANGHAI).date()
        morning = midnight(day) + GATHERED_AFTER
        plans = self._store.waiting(day - GATHERED_FOR, day, morning, A_STEP) if request.day <= day else []
        for plan_no in plans:
            self._store.lock(plan_no)
            self._gather(call, self._one(call, SpecialPlanRef(plan_no=plan_no)))
        self._go_on(call)
        return SpecialPlansGathered(day=day, gathered=len(plans), again=len(plans) == A_STEP)

    def _go_on(self, call: Call) -> None:
        """Orders, once, that plans are gathered on the next morning on which one waits for registers."""
        since = self._store.waits_since(call.today - GATHERED_FOR)
        if since is None:
            return
        at = gathering_of(since, call.now)
        day = at.astimezone(SHANGHAI).date()
        if self._store.order_gathering(day):
            self._work.enqueue("reading.gather_special_plans", {"day": str(day)}, at)

    def _gather(self, call: Call, plan: Row) -> None:
        """Takes what was collected for a plan, which is locked, and orders the rest of what is due."""
        plan_no = plan["plan_no"]
        absent = [row for row in self._store.reads(plan_no) if row["shown_e4"] is None]
        due = [row for row in absent if midnight(row["read_on"]) <= call.now]
        known = self._known({row["read_on"] for row in due}, sorted({row["meter_no"] for row in due}))
        found, rest = [], []
        for row in due:
            key = row["meter_no"], row["read_on"], row["quantity"], row["band"]
            if key in known:
                value, source = known[key]
                found.append({**row, "shown_e4": value, "shown_at": midnight(row["read_on"]), "source": source})
            else:
                rest.append(row)
        self._store.read(plan_no, found)
        self._order(call, plan, [row for row in rest if row["order_no"] is None])
        self._store.gathered(plan_no, call.now)

    def find(self, call: Call, request: FindSpecialPlans) -> SpecialPlansFound:
        rows, total = self._store.find(request, call.today)
        shown = [SpecialPlanRow.model_validate(row) for row in rows]
        following = str(shown[-1].plan_no) if len(shown) == request.limit else None
        return SpecialPlansFound(rows=shown, total=total, next=following, as_of=call.now)

    def shown(self, call: Call, request: SpecialPlanRef) -> SpecialPlan:
        plan = self._one(call, request)
        reads = [
            SpecialRead.model_validate(
                {name: row[name] for name in SpecialRead.model_fields if name not in ("row_key", "shown")}
                | {
                    "row_key": "|".join(str(row[name]) for name in ("point_no", "read_on", "quantity", "band")),
                    "shown": shown_register(row["shown_e4"]),
                }
            )
            for row in self._store.reads(request.plan_no)
        ]
        return SpecialPlan(**plan, reads=reads, as_of=call.now)

    def energies(self, call: Call, request: SpecialPlanRef) -> SpecialEnergies:
        plan = self._one(call, request)
        rows = (
            []
            if plan["since"] is None
            else energies(self._ask, call, Between(plan["since"], plan["on"]), self._store.reads(request.plan_no))
        )
        return SpecialEnergies(plan=SpecialPlanRow.model_validate(plan), rows=rows, as_of=call.now)

    def entered(self, order: Row, registers: Sequence[tuple[str, str, Register]], at: datetime) -> None:
        """What a reader saw on site for an order of a plan, once the office has accepted it."""
        day = order["read_at"].astimezone(SHANGHAI).date()
        self._store.read(
            order["plan_no"],
            [
                {
                    "point_no": order["point_no"],
                    "read_on": day,
                    "quantity": quantity,
                    "band": band,
                    "shown_e4": shown.e4,
                    "shown_at": at,
                    "source": "field",
                }
                for quantity, band, shown in registers
            ],
        )

    # -- what is read ------------------------------------------------------------------------------------------------------

    def _of_area(self, call: Call, request: MakeSpecialPlan) -> list[str]:
        """The points of an area with its gateway, as far as the caller may see them."""
        peer, points = Call.system(call.now, actor=call.actor), self._ask(PointApi)
        found: list[str] = []
        after: str | None = None
        while len(found) <= POINTS_MAX:
            page = points.find_points(peer, FindPoints(area_no=request.area_no, limit=200, after=after))
            found += [row.point_no for row in page.rows if call.covers(row.org)]
            after = page.next
            if after is None:
                break
        if not found:
            raise _faulty(
                "area_no",
                request.area_no,
                "没有这样的台区或其中没有计量点，或不在您的管辖范围内；请核对台区编号",
                "no such area has points in your scope; check the number",
            )
        if len(found) > POINTS_MAX:
            raise _faulty(
                "area_no",
                request.area_no,
                f"台区计量点超过 {POINTS_MAX} 个，请按计量点分批制定临时抄表计划",
                f"the area has more than {POINTS_MAX} points; make temporary plans of its points",
            )
        return found

    def _pieces(self, call: Call, day: date, points: Sequence[str]) -> list[PlanPiece]:
        """The meters at points at the midnight that begins a day, as far as the caller may see them."""
        month, asked = Month.holding(day - _DAY), set(points)
        due = self._making.due(call, MetersIn(month=str(month), point_nos=list(points)), running=True)
        return [one for one in cut(due.pieces, day) if one.point_no in asked and one.to_at == midnight(day)]

    def _channels(
        self, request: MakeSpecialPlan, day: date, pieces: Sequence[PlanPiece]
    ) -> list[tuple[PlanPiece, list[tuple[str, str]]]]:
        """What of each meter is read: for loss its totals, else every register that it was seen to have."""
        seen: dict[str, set[tuple[str, str]]] = {}
        if request.kind == "temporary":
            meters = sorted({piece.meter_no for piece in pieces})
            table = self._work.lake.scan(REGISTERS, day - LOOK_BACK, day + _DAY, only=("meter_no", meters))
            for row in table.group_by(["meter_no", "quantity", "band"]).aggregate([]).to_pylist():
                if row["quantity"] != "demand":
                    seen.setdefault(row["meter_no"], set()).add((row["quantity"], row["band"]))
        found = []
        for piece in pieces:
            totals = {(quantity, "total") for quantity in _TOTALS[piece.register]}
            other = "active_rev" if piece.register == "fwd" else "active_fwd" if piece.register == "rev" else ""
            extra = {one for one in seen.get(piece.meter_no, set()) if one[0] != other}
            found.append((piece, sorted(totals | extra)))
        return found

    def _known(self, days: set[date], meters: Sequence[str]) -> dict[Key, tuple[int, str]]:
        """Registers at the midnights that begin days, as collected, else as somebody entered them for the month."""
        known: dict[Key, tuple[int, str]] = {}
        for day in sorted(days):
            for one in self._reads.entered(midnight(day), midnight(day), meters):
                if one.source == "manual":
                    known[one.meter_no, day, one.quantity, one.band] = one.value_e4, "entered"
            table = self._work.lake.scan(REGISTERS, day, day + _DAY, only=("meter_no", meters))
            at = pa.scalar(midnight(day), table["read_at"].type)
            for row in table.filter(pc.equal(table["read_at"], at)).to_pylist():
                key = row["meter_no"], day, row["quantity"], row["band"]
                # What somebody entered was put in the place of what had come.
                known.setdefault(key, (row["value_e4"], "collected"))
        return known

    # -- orders ------------------------------------------------------------------------------------------------------------

    def _order(self, call: Call, plan: Mapping[str, Any], absent: Sequence[Row]) -> None:
        """Orders for registers that were not collected, one for each meter and midnight."""
        for day in sorted({row["read_on"] for row in absent}):
            of_day = [row for row in absent if row["read_on"] == day]
            points = sorted({row["point_no"] for row in of_day})
            pieces = self._pieces(call, day, points)
            held: dict[tuple[str, int], list[dict[str, Any]]] = {}
            for row in of_day:
                channel = {"quantity": row["quantity"], "band": row["band"], "rule": "missing", "end_e4": None}
                held.setdefault((row["point_no"], row["piece"]), []).append(channel)
            month = Month.holding(day - _DAY)
            channels = channels_of_orders(self._making, self._taking, call, month, pieces, held)
            places = {row["point_no"]: row for row in self._books.points(points, call.today)}
            first = {(row["point_no"], row["piece"]): row for row in of_day}
            names = (
                "point_no",
                "piece",
                "meter_no",
                "account_no",
                "org",
                "multiplier",
                "integer_digits",
                "decimal_digits",
            )
            self._orders.make(
                [
                    {
                        **{name: row[name] for name in names},
                        "month": str(month),
                        "read_at": midnight(day),
                        "book": places[row["point_no"]]["book"] if row["point_no"] in places else row["route"],
                        "place": places[row["point_no"]]["place"] if row["point_no"] in places else None,
                        "channels": channels[key],
                        "plan_no": plan["plan_no"],
                    }
                    for key, row in first.items()
                    if key in channels
                ],
                call.actor,
                call.now,
            )

    def _one(self, call: Call, request: SpecialPlanRef) -> Row:
        found = self._store.one(request.plan_no, call.today)
        if found is None:
            raise _no_such(request.plan_no)
        return found


def _org_of(orgs: Sequence[str]) -> str:
    """The unit that all of these are of: itself, or the one over them."""
    parts = [org.split(".") for org in orgs]
    common = [level[0] for level in zip(*parts, strict=False) if len(set(level)) == 1]
    return ".".join(common)


def _faulty(field: str, value: object, zh: str, en: str) -> SpecialPlanFaulty:
    return SpecialPlanFaulty(text(f"{value}：{zh}。", f"{value}: {en}."), field=field, value=str(value))


def _no_such(plan_no: int) -> NoSuchSpecialPlan:
    return NoSuchSpecialPlan(
        text(
            f"没有编号为 {plan_no} 的抄表计划，或不在您的管辖范围内。",
            f"There is no plan {plan_no}, or it is outside your scope.",
        ),
        plan_no=plan_no,
    )

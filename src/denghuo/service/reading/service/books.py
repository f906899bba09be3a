"""Reading books (抄表册): one proposes a change, another decides; from its day on it stands in the walks and with the reader."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from denghuo.kernel.batch import ITEMS_MAX, BatchTaken, RefusedItem, refused
from denghuo.kernel.contract import Call, label_of
from denghuo.kernel.problem import text
from denghuo.kernel.values import Percent
from denghuo.service.host.binding import Ask
from denghuo.service.permission.api import PermissionApi, PersonRef, StaffNotFound
from denghuo.service.point.api import MetersIn, NetworkRequest, PointApi, PointsByNumber
from denghuo.service.reading.api import (
    BookChange,
    BookChangeDecided,
    BookChangeRef,
    BookChangeRow,
    BookChangesFound,
    BookFaulty,
    BookMove,
    BookRow,
    BooksFound,
    BooksOn,
    DecideBookChange,
    FindBookChanges,
    MapArea,
    MapLine,
    MapOf,
    MapPoint,
    NewBookPoint,
    NoSuchBookChange,
    ProposeBookChange,
    ProposerMayNotDecide,
    StaffBalance,
    StaffBalanced,
    StaffLoad,
    StateBooks,
    WalkFound,
    WalkMap,
    WalkOf,
    WalkRow,
)
from denghuo.service.reading.store.books import BookStore, Row

FIELD_PERMIT = "reading.field"
AROUND_MAX = 500
"""Points without a place that a map shows around a book."""


class Books:
    def __init__(self, ask: Ask, store: BookStore) -> None:
        self._ask, self._store = ask, store

    def propose(self, call: Call, request: ProposeBookChange) -> BookChange:
        if request.effective_from < call.today:
            raise _faulty(
                "effective_from",
                request.effective_from,
                "不能早于今天，已走过的不再改变",
                "it cannot begin in the past: what was walked stays",
            )
        if request.reader is not None:
            self._check_reader(call, request.reader)
        found = {row["point_no"]: row for row in self._store.points(request.point_nos, call.today)}
        for point_no in request.point_nos:
            if point_no not in found:
                raise _faulty(
                    "point_nos",
                    point_no,
                    "没有抄表计划，或不在您的管辖范围内，请核对计量点编号",
                    "it has no reading plan or is outside your scope; check its number",
                )
        members = self._store.order(request.book, call.today)
        orgs = sorted({org for _, org in members} or {row["org"] for row in found.values()})
        if not orgs:
            raise _faulty(
                "book", request.book, "还没有计量点，请填移入的计量点", "it has no points yet; give those that move in"
            )
        change_no = self._store.propose(request, orgs[0], call.actor, call.now)
        return self._shown(self._one(change_no))

    def _check_reader(self, call: Call, reader: str) -> None:
        try:
            asking = replace(Call.system(call.now, actor=call.actor), scope=call.scope)
            person = self._ask(PermissionApi).person(asking, PersonRef(user_name=reader))
        except StaffNotFound:
            permits: list[str] = []
        else:
            permits = person.permits
        if FIELD_PERMIT not in permits:
            raise _faulty(
                "reader",
                reader,
                "不是本单位的抄表员，请填抄表员的用户名",
                "is no reader of your unit; give a reader's user name",
            )

    def approve(self, call: Call, request: DecideBookChange) -> BookChange:
        change = self._to_decide(call, request)
        if change["effective_from"] < call.today:
            raise _faulty(
                "effective_from",
                change["effective_from"],
                "已过，请退回后重新申请",
                "it has passed; refuse the change and propose it again",
            )
        self._store.decide(request.change_no, "approved", request.remark, call.actor, call.now)
        if change["point_nos"]:
            orgs = {row["point_no"]: row["org"] for row in self._store.points(change["point_nos"], call.today)}
            moved = [(one, orgs[one]) for one in change["point_nos"] if one in orgs]
            stay = [one for one in self._store.order(change["book"], change["effective_from"]) if one[0] not in orgs]
            self._store.place(change, [*moved, *stay])
        if change["reader"] is not None:
            self._store.assign(change, call.now)
        return self._shown(self._one(request.change_no))

    def refuse(self, call: Call, request: DecideBookChange) -> BookChange:
        self._to_decide(call, request)
        self._store.decide(request.change_no, "refused", request.remark, call.actor, call.now)
        return self._shown(self._one(request.change_no))

    def _to_decide(self, call: Call, request: DecideBookChange) -> Row:
        self._store.lock()
        change = self._one(request.change_no)
        if change["state"] != "proposed":
            raise BookChangeDecided(
                text("该变更已审批；如需再改，请另行申请。", "The change is decided; propose another to change it."),
                change_no=request.change_no,
                state=change["state"],
            )
        if change["proposed_by"] == call.actor:
            raise ProposerMayNotDecide(
                text(
                    "抄表册变更须由申请人以外的人审批。",
                    "A change of a book is decided by another person than proposed it.",
                ),
                proposed_by=change["proposed_by"],
            )
        return change

    def state(self, call: Call, request: StateBooks) -> BatchTaken:
        self._store.lock()
        orgs = self._orgs(call, request)
        stated = self._store.stated([one.point_no for one in request.points])
        fresh: dict[str, tuple[NewBookPoint, str]] = {}
        unchanged = 0
        faults: list[RefusedItem] = []
        for item, one in enumerate(request.points):
            before = stated.get(one.point_no)
            if before is not None and _same(before, one):
                unchanged += 1
            elif before is not None or one.point_no in fresh:
                what = ("该计量点已定抄表册", "the book of the point was stated already")
                remedy = (
                    "请在抄表册页面申请变更，由另一人审批",
                    "propose a change; another person approves it",
                )
                faults.append(refused(item, one.point_no, "book", one.book, what, remedy))
            elif one.point_no not in orgs:
                what = (
                    "该月没有这样的在用计量点，或不在管辖范围内",
                    "no such point has a meter in that month in your scope",
                )
                remedy = ("请先导入计量点，或核对生效日期", "import the points first, or check the day")
                faults.append(refused(item, one.point_no, "point_no", one.point_no, what, remedy))
            else:
                fresh[one.point_no] = one, orgs[one.point_no]
        self._store.state(fresh.values())
        return BatchTaken(taken=len(fresh), unchanged=unchanged, refused=faults)

    def _orgs(self, call: Call, request: StateBooks) -> dict[str, str]:
        """The units of the points, as far as the caller may see them, by their meters in the month of the day."""
        months: dict[str, list[str]] = {}
        for one in request.points:
            months.setdefault(str(one.effective_from)[:7], []).append(one.point_no)
        point, asking = self._ask(PointApi), Call.system(call.now, actor=call.actor)
        rows = [
            row
            for month, points in months.items()
            for row in point.meters_in(asking, MetersIn(month=month, point_nos=points)).rows
        ]
        return {row.point_no: row.org for row in rows if call.covers(row.org)}

    # -- lists -----------------------------------------------------------------------------------------------------------

    def change(self, call: Call, request: BookChangeRef) -> BookChange:
        return self._shown(self._one(request.change_no))

    def changes(self, call: Call, request: FindBookChanges) -> BookChangesFound:
        rows, total = self._store.changes(request)
        shown = [BookChangeRow.model_validate(_row(row)) for row in rows]
        following = str(shown[-1].change_no) if len(shown) == request.limit else None
        return BookChangesFound(rows=shown, total=total, next=following, as_of=call.now)

    def books(self, call: Call, request: BooksOn) -> BooksFound:
        rows, total = self._store.books(request, request.on or call.today)
        shown = [BookRow.model_validate(row) for row in rows]
        following = shown[-1].book if len(shown) == request.limit else None
        return BooksFound(rows=shown, stated=self._store.places(), total=total, next=following, as_of=call.now)

    def walk(self, call: Call, request: WalkOf) -> WalkFound:
        rows, total, reader = self._store.walk(request, request.on or call.today)
        shown = [WalkRow.model_validate({name: row[name] for name in WalkRow.model_fields}) for row in rows]
        past = (request.after_number or 0) + len(shown)
        following = str(past) if past < total else None
        return WalkFound(book=request.book, reader=reader, rows=shown, total=total, next=following, as_of=call.now)

    def map(self, call: Call, request: MapOf) -> WalkMap:
        on = request.on or call.today
        asked = WalkOf(book=request.book, on=on, limit=200)
        rows, total, reader = self._store.walk(asked, on)
        while len(rows) < min(total, ITEMS_MAX):
            asked = asked.model_copy(update={"after": str(len(rows))})
            rows += self._store.walk(asked, on)[0]
        others = self._store.around(request.book, on, AROUND_MAX)
        looking = call.only("point.read")
        network = self._ask(PointApi).network(looking, NetworkRequest())
        nodes = {node.node_no: (node.x_m, node.y_m) for node in network.nodes}
        areas = {
            area.area_no: (area.x_m, area.y_m)
            for area in network.areas
            if area.x_m is not None and area.y_m is not None
        }
        own = self._own_nodes(looking, [row["point_no"] for row in (*rows, *others)])

        def shown(row: Row) -> MapPoint:
            x_m, y_m = nodes.get(own.get(row["point_no"], "")) or areas.get(row["area_no"]) or (None, None)
            return MapPoint(
                **{name: row[name] for name in (*WalkRow.model_fields, "book", "area_no")}, x_m=x_m, y_m=y_m
            )

        return WalkMap(
            book=request.book,
            reader=reader,
            rows=[shown(row) for row in rows],
            unplaced=[shown(row) for row in others],
            areas=[
                MapArea(area_no=one.area_no, name=one.name, x_m=areas[one.area_no][0], y_m=areas[one.area_no][1])
                for one in network.areas
                if one.area_no in areas
            ],
            lines=[
                MapLine(x1_m=first[0], y1_m=first[1], x2_m=last[0], y2_m=last[1])
                for one in network.lines
                for first, last in [(nodes.get(one.from_node_no), nodes.get(one.to_node_no))]
                if first and last and not one.normally_open
            ],
            as_of=call.now,
        )

    def _own_nodes(self, peer: Call, point_nos: Sequence[str]) -> dict[str, str]:
        """The nodes of points that hang at one of their own."""
        found: dict[str, str] = {}
        for start in range(0, len(point_nos), ITEMS_MAX):
            asked = PointsByNumber(numbers=list(point_nos[start : start + ITEMS_MAX]))
            rows = self._ask(PointApi).points(peer, asked).rows
            found |= {row.point_no: row.node_no for row in rows if row.node_no is not None}
        return found

    def balance(self, call: Call, request: StaffBalance) -> StaffBalanced:
        rows = self._store.loads(request, request.on or call.today)
        loads = [row["point_count"] for row in rows if row["reader"] is not None]
        shown = [
            StaffLoad(**row, share=_of_mean(row["point_count"], loads) if row["reader"] is not None else None)
            for row in rows
        ]
        return StaffBalanced(rows=shown, as_of=call.now)

    def _one(self, change_no: int) -> Row:
        found = self._store.change(change_no)
        if found is None:
            raise NoSuchBookChange(
                text(
                    f"没有编号为 {change_no} 的抄表册变更，或不在您的管辖范围内。",
                    f"There is no change {change_no} of a book, or it is outside your scope.",
                ),
                change_no=change_no,
            )
        return found

    def _shown(self, change: Row) -> BookChange:
        before = change["effective_from"] - timedelta(days=1)
        books = {row["point_no"]: row["book"] for row in self._store.points(change["point_nos"], before)}
        moves = [
            BookMove(point_no=point_no, book_before=books.get(point_no), place=place)
            for place, point_no in enumerate(change["point_nos"], start=1)
        ]
        return BookChange.model_validate(_row(change) | {"moves": moves})


def _same(before: Row, one: NewBookPoint) -> bool:
    return all(before[name] == getattr(one, name) for name in ("book", "place", "effective_from"))


def _row(change: Row) -> dict[str, Any]:
    return {name: change[name] for name in BookChangeRow.model_fields}


def _of_mean(points: int, loads: list[int]) -> Percent | None:
    return Percent.of_parts(points * len(loads), sum(loads))


def _faulty(field: str, value: object, zh: str, en: str) -> BookFaulty:
    label = label_of(ProposeBookChange, field)
    return BookFaulty(
        text(f"{label.zh}“{value}”：{zh}。", f"{label.en} “{value}”: {en}."), field=field, value=str(value)
    )

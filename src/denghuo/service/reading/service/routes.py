"""Routes and their cycles (抄表段与抄表周期): who states them, and what refuses a change."""

from dataclasses import replace
from datetime import date

from denghuo.kernel.batch import BatchTaken, RefusedItem, refused
from denghuo.kernel.contract import Call
from denghuo.kernel.period import Month
from denghuo.kernel.problem import Text, text
from denghuo.service.host.binding import Ask
from denghuo.service.point.api import AreaRow, FeederRow, FindAreas, FindFeeders, PointApi
from denghuo.service.reading.api import (
    CycleRefused,
    FindRoutes,
    NewRouteCycle,
    Route,
    RouteCycleRow,
    RouteRow,
    RoutesFound,
    StateCycles,
)
from denghuo.service.reading.rules.cycles import Cycles
from denghuo.service.reading.store import RouteStore, in_force, known

_FEEDER, _AREA, _BAR = "feeder", "area", "|"
"""What a page's `next` begins with: of which kind its last route is."""


class Routes:
    def __init__(self, ask: Ask, store: RouteStore) -> None:
        self._ask, self._store = ask, store

    def state(self, call: Call, request: StateCycles) -> BatchTaken:
        self._store.lock()
        taken = unchanged = 0
        faults: list[RefusedItem] = []
        for place, item in enumerate(request.routes):
            fault = self._fault(call, item)
            if fault is not None:
                name, value, what, remedy = fault
                faults.append(refused(place, item.route, name, value, _pair(what), _pair(remedy)))
            elif known(self._store.history(item.route), item):
                unchanged += 1
            else:
                self._take(call, item)
                taken += 1
        return BatchTaken(taken=taken, unchanged=unchanged, refused=faults)

    def change(self, call: Call, item: NewRouteCycle) -> Route:
        self._store.lock()
        fault = self._fault(call, item)
        if fault is not None:
            _, _, what, remedy = fault
            raise CycleRefused(
                text(f"{what['zh']}；{remedy['zh']}。", f"{what['en']}; {remedy['en']}."),
                route=item.route,
                effective_from=item.effective_from,
                remedy=remedy,
            )
        if not known(self._store.history(item.route), item):
            self._take(call, item)
        return self.route(call, item.route)

    def _take(self, call: Call, item: NewRouteCycle) -> None:
        found = self._found(call, item.route)
        assert found is not None  # judged before
        self._store.state(item, found.org, call.actor, call.now)

    def _fault(self, call: Call, item: NewRouteCycle) -> tuple[str, object, Text, Text] | None:
        """Why a cycle is not taken: (field, value, what is wrong, what to do)."""
        if self._found(call, item.route) is None:
            return (
                "route",
                item.route,
                text("抄表段不存在，或不在管辖范围内", "there is no such route in your scope"),
                text("抄表段是台区或馈线的编号，请核对", "a route is the number of an area or a feeder; check it"),
            )
        read = self._store.last_read([item.route]).get(item.route)
        if read is not None and item.effective_from <= read.first_day and not self._same(item):
            return (
                "effective_from",
                item.effective_from,
                text(
                    f"该抄表段 {read} 已抄表，变更会漏计或重计月份",
                    f"the route was read for {read}, so months would be lost or doubled",
                ),
                text(f"请自 {read.next.first_day} 或以后生效", f"let it begin on {read.next.first_day} or later"),
            )
        return None

    def _same(self, item: NewRouteCycle) -> bool:
        """Whether what is stated is so already, so that nothing changes for what was read."""
        return known(self._store.history(item.route), item)

    # -- lists -----------------------------------------------------------------------------------------------------------

    def find(self, call: Call, request: FindRoutes) -> RoutesFound:
        """Feeders come first, areas after them; a page holds as many of both as are asked for."""
        if call.accounts:
            # The routes of the whole company are nothing to one customer.
            return RoutesFound(rows=[], total=0, next=None, stated=0, as_of=call.now)
        point, asking = self._ask(PointApi), _within(call)
        kind, _, last = (request.after or _FEEDER).partition(_BAR)
        feeders = [
            one
            for one in point.feeders(asking, FindFeeders(org=request.org)).rows
            if request.keyword in one.feeder_no or request.keyword in one.name
        ]
        feeders.sort(key=lambda one: one.feeder_no)
        left = [one for one in feeders if one.feeder_no > last] if kind == _FEEDER else []
        shown: list[FeederRow | AreaRow] = [*left[: request.limit]]
        room = request.limit - len(shown)
        # Where feeders fill the page the areas are only counted.
        asked = FindAreas(
            keyword=request.keyword, org=request.org, after=last if kind == _AREA else None, limit=max(room, 1)
        )
        areas = point.areas(asking, asked)
        following = None
        if room:
            shown += areas.rows
            following = areas.next and f"{_AREA}{_BAR}{areas.next}"
        elif len(left) > request.limit or areas.total:
            following = f"{_FEEDER}{_BAR}{_number(shown[-1])}"
        cycles = self._store.cycles(routes=[_number(one) for one in shown])
        return RoutesFound(
            rows=[self._row(one, cycles, call.today) for one in shown],
            total=areas.total + len(feeders),
            next=following,
            stated=self._store.count(),
            as_of=call.now,
        )

    def route(self, call: Call, route: str) -> Route:
        found = self._found(call, route)
        if found is None:
            raise CycleRefused(
                text(f"抄表段 {route} 不存在，或不在管辖范围内。", f"There is no route {route} in your scope."),
                route=route,
            )
        row = self._row(found, self._store.cycles(routes=[route]), call.today)
        return Route(**dict(row), cycles=self._store.history(route), as_of=call.now)

    def _found(self, call: Call, route: str) -> FeederRow | AreaRow | None:
        if call.accounts:
            return None
        point, asking = self._ask(PointApi), _within(call)
        found: list[FeederRow | AreaRow] = [*point.areas(asking, FindAreas(keyword=route, limit=200)).rows]
        found += point.feeders(asking, FindFeeders()).rows
        return next((one for one in found if _number(one) == route), None)

    def _row(self, one: FeederRow | AreaRow, cycles: Cycles, today: date) -> RouteRow:
        route = _number(one)
        held: RouteCycleRow | None = in_force(self._store.history(route), today) if cycles else None
        month = Month.holding(today)
        while not cycles.is_read(route, month):
            month = month.next
        return RouteRow(
            route=route,
            name=one.name,
            org=one.org,
            account_count=one.account_count if isinstance(one, AreaRow) else None,
            cycle=held.cycle if held else "monthly",
            effective_from=held.effective_from if held else None,
            next_month=str(month),
        )


def _within(call: Call) -> Call:
    """The platform asks within the caller's own scope."""
    return replace(Call.system(call.now, actor=call.actor), scope=call.scope)


def _number(one: FeederRow | AreaRow) -> str:
    return one.area_no if isinstance(one, AreaRow) else one.feeder_no


def _pair(said: Text) -> tuple[str, str]:
    return said["zh"], said["en"]

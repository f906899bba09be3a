"""Routes (抄表段) in the reading contract: how often each is read, from when on."""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, field_validator

from denghuo.kernel.batch import ITEMS_MAX, BatchTaken
from denghuo.kernel.contract import Api, Call, Dictionary, Label, Message, Page, command, query
from denghuo.kernel.fields import AsOf, Instant, MonthText, OrganisationCode
from denghuo.kernel.problem import Problem, text

CYCLES = Dictionary(
    "reading.cycle",
    {
        "monthly": text("每月抄表", "Every month"),
        "even": text("双月抄表（双数月）", "Every two months, in even months"),
        "odd": text("双月抄表（单数月）", "Every two months, in odd months"),
    },
    tones={"even": "notice", "odd": "notice"},
)
ReadingCycle = Annotated[Literal["monthly", "even", "odd"], Label("抄表周期", "Reading cycle", dictionary=CYCLES.name)]
RouteNo = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=32), Label("抄表段", "Route")
]
FromMonth = Annotated[date, Label("生效日期", "Effective from")]
Why = Annotated[str, StringConstraints(strip_whitespace=True, min_length=2, max_length=200), Label("事由", "Reason")]


class NewRouteCycle(Message):
    """How often a route (the number of a transformer area or of a feeder) is read from the first day of a month on. What is said
    again of the same day counts in the place of what was said before."""

    route: RouteNo
    cycle: ReadingCycle
    effective_from: FromMonth
    reason: Why

    @field_validator("effective_from")
    @classmethod
    def _with_a_month(cls, day: date) -> date:
        if day.day != 1:
            raise ValueError("a cycle begins on the first day of a month, such as 2026-07-01")
        return day


class StateCycles(Message):
    """Cycles of many routes, as an import has them."""

    routes: Annotated[list[NewRouteCycle], Field(min_length=1, max_length=ITEMS_MAX)]


class RouteCycleRow(Message):
    """A cycle of a route, and who stated it."""

    route: RouteNo
    cycle: ReadingCycle
    effective_from: FromMonth
    reason: Why
    stated_by: Annotated[str, Label("办理人", "Stated by", dictionary="staff")]
    stated_at: Annotated[Instant, Label("办理时间", "Stated at")]


class RouteRow(Message):
    """A route with its cycle of today, and the month at whose end it is read next."""

    route: RouteNo
    name: Annotated[str, Label("名称", "Name")]
    org: OrganisationCode
    account_count: Annotated[int | None, Label("用户数", "Accounts")]
    cycle: ReadingCycle
    effective_from: Annotated[date | None, Label("生效日期", "Effective from")]
    next_month: Annotated[MonthText, Label("下次抄表月份", "Read next for")]


class FindRoutes(Page):
    """Routes by number or name: feeders first, then areas by number."""

    keyword: Annotated[str, StringConstraints(max_length=64), Label("编号/名称", "Number or name")] = ""
    org: OrganisationCode | None = None


class RoutesFound(Message):
    """stated: the cycles of all routes in the caller's scope."""

    rows: list[RouteRow]
    total: Annotated[int, Label("总数", "Total")]
    next: str | None
    stated: Annotated[int, Label("登记周期数", "Cycles stated")]
    as_of: AsOf


class RouteRef(Message):
    route: RouteNo


class Route(RouteRow):
    """A route and its cycles, the newest first."""

    cycles: list[RouteCycleRow]
    as_of: AsOf


class CycleRefused(Problem, noun="reading", status=409, zh="抄表周期不能变更", en="The reading cycle cannot change"):
    """The route is not known, or was read for a month that the change would reach. Fields: route, effective_from, remedy."""


class RouteOperations(Api):
    """Routes and how often they are read."""

    @query(permit="reading.read")
    def routes(self, call: Call, request: FindRoutes) -> RoutesFound:
        """Routes with their cycles of today: a route is a transformer area, or a feeder for points outside of areas."""

    @query(permit="reading.read", problems=(CycleRefused,))
    def route(self, call: Call, request: RouteRef) -> Route:
        """One route with all of its cycles."""

    @command(permit="reading.plan", problems=(CycleRefused,))
    def change_cycle(self, call: Call, request: NewRouteCycle) -> Route:
        """States how often a route is read from a month on. Months that were read already cannot be reached, so that none is lost
        or read twice: the next reading covers all months since the last one."""

    @command(permit="reading.plan")
    def state_cycles(self, call: Call, request: StateCycles) -> BatchTaken:
        """As `change_cycle`, for many routes; each is taken or refused by itself."""

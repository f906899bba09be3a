"""Messages and operations about who has an alarm on his to-do list (告警派发)."""

from datetime import date
from typing import Annotated

from pydantic import Field

from denghuo.kernel.contract import Api, Call, Label, Message, command, query
from denghuo.kernel.fields import AsOf, Instant, OrganisationCode, Reason
from denghuo.kernel.problem import Problem
from denghuo.service.acquisition.api.alarm import AlarmKind
from denghuo.service.acquisition.api.terminal import OutsideScope
from denghuo.service.workflow.api import RoleCode


class SetAlarmRoute(Message):
    """Alarms of a kind, of a unit and what lies below it, go to a role from a day on; without a role to nobody. The same day again
    puts it right. `due_days`: by when somebody is to have looked into it."""

    org: OrganisationCode
    kind: AlarmKind
    effective_from: Annotated[date, Label("生效日期", "Effective from")]
    role: RoleCode | None = None
    due_days: Annotated[int | None, Field(ge=0, le=366), Label("处理期限（天）", "Due within days")] = None
    reason: Reason


class AlarmRoute(SetAlarmRoute):
    route_no: Annotated[int, Label("派发编号", "Route no.")]
    set_by: Annotated[str, Label("设置人", "Set by", dictionary="staff")]
    set_at: Annotated[Instant, Label("设置时间", "Set")]


class AskAlarmRoutes(Message):
    """Of the caller's units and of those above them."""


class AlarmRoutes(Message):
    """Where no unit has set anything, alarms of the kinds beside the rows go to the role beside them, and others to nobody."""

    rows: list[AlarmRoute]
    kinds: list[AlarmKind]
    role: RoleCode
    as_of: AsOf


class RouteRefused(Problem, noun="acquisition", status=422, zh="告警派发不能这样设置", en="The route cannot be set so"):
    """Fields: field, value."""


class AlarmRouteOperations(Api):
    """Who has an alarm on his to-do list."""

    @command(permit="acquisition.route", problems=(OutsideScope, RouteRefused))
    def set_alarm_route(self, call: Call, request: SetAlarmRoute) -> AlarmRoute:
        """Sets to whose to-do list the alarms of a kind go (告警派发)."""

    @query(permit="acquisition.read")
    def alarm_routes(self, call: Call, request: AskAlarmRoutes) -> AlarmRoutes:
        """To whose to-do lists alarms go, by unit and kind."""

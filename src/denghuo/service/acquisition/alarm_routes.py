"""Alarms on the to-do lists (告警派发): put there when they are raised, taken off when they are closed."""

from datetime import date, timedelta

from denghuo.data.processing.work import Work
from denghuo.kernel.contract import Call
from denghuo.kernel.fields import TextPair
from denghuo.kernel.problem import text
from denghuo.service.acquisition.api import (
    ALARM_KINDS,
    AlarmRoute,
    AlarmRoutes,
    AlarmSettled,
    AlarmsRaised,
    AskAlarmRoutes,
    RaisedAlarm,
    RouteRefused,
    SetAlarmRoute,
)
from denghuo.service.acquisition.api.alarm_route import AlarmRouteOperations
from denghuo.service.acquisition.refusals import set_from
from denghuo.service.acquisition.rules import ROUTED_KINDS, ROUTED_TO, Route, route_on
from denghuo.service.acquisition.store.alarm_routes import AlarmRouteStore
from denghuo.service.host.binding import Ask
from denghuo.service.workflow.api import FinishSubject, NewTask, RaiseTasks, WorkflowApi

KIND = "acquisition.alarm"
NOUN = "acquisition"


class AlarmRouting:
    """To whom alarms go, and that they come there and leave."""

    def __init__(self, work: Work, ask: Ask) -> None:
        self._ask, self._store = ask, AlarmRouteStore(work)

    def raised(self, call: Call, event: AlarmsRaised) -> None:
        """Puts new alarms on the lists. A key that was used already changes nothing, so it may be told twice."""
        routes = self._store.routes()
        closed = self._store.closed([one.alarm_no for one in event.alarms])
        tasks = []
        for one in event.alarms:
            route = route_on(routes, one.org, one.kind, call.today)
            if route is not None and one.alarm_no not in closed:
                tasks.append(_task(one, route, call.today))
        if tasks:
            self._ask(WorkflowApi).raise_tasks(call.only("workflow.act"), RaiseTasks(tasks=tasks))

    def settled(self, call: Call, event: AlarmSettled) -> None:
        """Takes an alarm that was closed off the list."""
        done = FinishSubject(subject_noun=NOUN, subject_id=str(event.alarm_no), kind=KIND, remark=event.reason)
        self._ask(WorkflowApi).finish_subject(call.only("workflow.act"), done)

    def set(self, call: Call, request: SetAlarmRoute) -> AlarmRoute:
        said = text("派发自今天或以后的日期起生效。", "A route begins today or later.")
        set_from(call, request.org, request.effective_from, RouteRefused, said)
        return self._store.keep(request, call.actor, call.now)

    def routes(self, call: Call) -> AlarmRoutes:
        return AlarmRoutes(rows=self._store.routes(), kinds=list(ROUTED_KINDS), role=ROUTED_TO, as_of=call.now)


def _task(one: RaisedAlarm, route: Route, today: date) -> NewTask:
    what, where = ALARM_KINDS.entries[one.kind], one.meter_no or one.terminal_no
    return NewTask(
        key=f"{KIND} {one.alarm_no}",
        kind=KIND,
        title=TextPair(zh=f"{what['zh']}：{where}", en=f"{what['en']}: {where}"),
        org=one.org,
        role=route.role,
        subject_noun=NOUN,
        subject_id=str(one.alarm_no),
        page=KIND,
        parameters={"alarm_no": str(one.alarm_no)},
        due_on=None if route.due_days is None else today + timedelta(days=route.due_days),
    )


class AlarmRoutePart(AlarmRouteOperations):
    """The operations of a service that keeps `routing`."""

    routing: AlarmRouting

    def set_alarm_route(self, call: Call, request: SetAlarmRoute) -> AlarmRoute:
        return self.routing.set(call, request)

    def alarm_routes(self, call: Call, request: AskAlarmRoutes) -> AlarmRoutes:
        return self.routing.routes(call)

"""Alarms on the to-do lists (告警派发): put there when they are raised, taken off when they are closed."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from denghuo.data.processing.work import Work
from denghuo.kernel.batch import ITEMS_MAX
from denghuo.kernel.contract import Call
from denghuo.kernel.fields import TextPair
from denghuo.kernel.problem import text
from denghuo.service.acquisition.alarms import group_of
from denghuo.service.acquisition.api import (
    ALARM_KINDS,
    AlarmGroupSettled,
    AlarmRoute,
    AlarmRoutes,
    AlarmSettled,
    AlarmsRaised,
    AskAlarmRoutes,
    RouteRefused,
    SetAlarmRoute,
)
from denghuo.service.acquisition.api.alarm_route import AlarmRouteOperations
from denghuo.service.acquisition.areas import area_names
from denghuo.service.acquisition.refusals import set_from
from denghuo.service.acquisition.rules import ROUTED_KINDS, ROUTED_TO, Gathered, Group, Route, route_on
from denghuo.service.acquisition.store.alarm_routes import AlarmRouteStore
from denghuo.service.host.binding import Ask
from denghuo.service.workflow.api import FinishSubject, NewTask, RaiseTasks, WorkflowApi

KIND, GROUP = "acquisition.alarm", "acquisition.alarm_group"
NOUN = "acquisition"


class AlarmRouting:
    """To whom alarms go, and that they come there and leave."""

    def __init__(self, work: Work, ask: Ask) -> None:
        self._ask, self._store = ask, AlarmRouteStore(work)

    def raised(self, call: Call, event: AlarmsRaised) -> None:
        """Puts new alarms on the lists, those of a kind at one place as one matter that says how many are open. It is what the
        records say now, and a key that was used already adds nothing: so it may be told twice, and late."""
        self._list(call, self._store.groups([one.alarm_no for one in event.alarms]), restating=False)

    def settled(self, call: Call, event: AlarmSettled) -> None:
        """Takes an alarm that was closed off the list."""
        self._strike(call, list(self._store.groups([event.alarm_no])), event.reason)

    def group_settled(self, call: Call, event: AlarmGroupSettled) -> None:
        """Takes alarms that were closed together off the list."""
        self._strike(call, [group_of(event)], event.reason)

    def _list(self, call: Call, groups: Mapping[Group, int], restating: bool) -> list[Group]:
        """The groups that have open alarms; what the lists say of them is put right."""
        routes, open_now = self._store.routes(), self._store.gathered(list(groups))
        found = [(one, route_on(routes, one.group.org, one.group.kind, call.today)) for one in open_now]
        told = [(one, route) for one, route in found if route is not None]
        names = area_names(self._ask, call, [one.group.area_no for one, _ in told if one.alarms > 1])
        tasks = [_task(one, groups[one.group], route, call.today, names) for one, route in told]
        for first in range(0, len(tasks), ITEMS_MAX):
            some = RaiseTasks(tasks=tasks[first : first + ITEMS_MAX], restating=restating)
            self._ask(WorkflowApi).raise_tasks(call.only("workflow.raise"), some)
        return [one.group for one in open_now]

    def _strike(self, call: Call, groups: Sequence[Group], reason: str) -> None:
        left = self._list(call, dict.fromkeys(groups, 0), restating=True)
        for group in groups:
            if group not in left:
                done = FinishSubject(subject_noun=NOUN, subject_id=group.name, kind=KIND, remark=reason)
                self._ask(WorkflowApi).finish_subject(call.only("workflow.raise"), done)

    def set(self, call: Call, request: SetAlarmRoute) -> AlarmRoute:
        said = text("派发自今天或以后的日期起生效。", "A route begins today or later.")
        set_from(call, request.org, request.effective_from, RouteRefused, said)
        return self._store.keep(request, call.actor, call.now)

    def routes(self, call: Call) -> AlarmRoutes:
        return AlarmRoutes(rows=self._store.routes(), kinds=list(ROUTED_KINDS), role=ROUTED_TO, as_of=call.now)


def _task(one: Gathered, newest: int, route: Route, today: date, names: Mapping[str, str]) -> NewTask:
    """`newest`: the newest of the alarms that are told of. A single alarm is shown by itself. `names`: of areas that have one."""
    what, group = ALARM_KINDS.entries[one.group.kind], one.group
    if one.alarms == 1:
        where, page, parameters = text(one.subject, one.subject), KIND, {"alarm_no": str(one.alarm_no)}
    else:
        at, no = ("area_no", group.area_no) if group.area_no else ("terminal_no", group.terminal_no)
        where = text(f"台区 {no}", f"area {no}") if group.area_no else text(f"终端 {no}", f"terminal {no}")
        if name := names.get(group.area_no or ""):
            where = text(f"{name}（{no}）", f"area {name} ({no})")
        page, parameters = GROUP, {"kind": group.kind, "org": group.org, at: str(no)}
    return NewTask(
        key=f"{KIND} {group.name} {newest}",
        kind=KIND,
        title=TextPair(zh=f"{what['zh']}：{where['zh']}", en=f"{what['en']}: {where['en']}"),
        org=group.org,
        role=route.role,
        subject_noun=NOUN,
        subject_id=group.name,
        page=page,
        parameters=parameters,
        due_on=None if route.due_days is None else today + timedelta(days=route.due_days),
        count=one.alarms,
        first_at=one.first_at,
        last_at=one.last_at,
    )


class AlarmRoutePart(AlarmRouteOperations):
    """The operations of a service that keeps `routing`."""

    routing: AlarmRouting

    def set_alarm_route(self, call: Call, request: SetAlarmRoute) -> AlarmRoute:
        return self.routing.set(call, request)

    def alarm_routes(self, call: Call, request: AskAlarmRoutes) -> AlarmRoutes:
        return self.routing.routes(call)

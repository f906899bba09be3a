"""Events as terminals tell them, and the alarms that follow: taken in, shown, acknowledged, closed."""

from denghuo.data.processing.work import Work
from denghuo.kernel.contract import Call
from denghuo.kernel.problem import text
from denghuo.service.acquisition.api import (
    Alarm,
    AlarmClosed,
    AlarmDetail,
    AlarmGroup,
    AlarmGroupRef,
    AlarmGroupSettled,
    AlarmNotFound,
    AlarmRef,
    AlarmsClosed,
    AlarmSettled,
    AlarmsFound,
    AlarmsRaised,
    CloseAlarm,
    CloseAlarms,
    EventsFound,
    EventsTaken,
    FindAlarms,
    FindEvents,
    TakeEvents,
)
from denghuo.service.acquisition.api.alarm import AlarmOperations
from denghuo.service.acquisition.areas import area_names
from denghuo.service.acquisition.rules import SILENT_KINDS, Group
from denghuo.service.acquisition.store.alarm_routes import AlarmRouteStore
from denghuo.service.acquisition.store.alarms import AlarmStore
from denghuo.service.host.binding import Ask


class Alarms:
    """Events that were told, and the alarms that they raise, until somebody closes them."""

    def __init__(self, work: Work, ask: Ask) -> None:
        self._work, self._ask, self._store = work, ask, AlarmStore(work)

    def take(self, call: Call, request: TakeEvents) -> EventsTaken:
        new, ended, raised = self._store.take(request.events, SILENT_KINDS, call.now)
        if raised:
            self._work.emit(AlarmsRaised(alarms=raised))
        return EventsTaken(new=new, ended=ended, raised=len(raised))

    def find(self, call: Call, request: FindAlarms) -> AlarmsFound:
        rows, counts = self._store.find(request)
        following = str(rows[-1].alarm_no) if len(rows) == request.limit else None
        return AlarmsFound(rows=rows, **counts, next=following, as_of=call.now)

    def detail(self, call: Call, alarm_no: int) -> AlarmDetail:
        found = self._known(alarm_no)
        return AlarmDetail(alarm=found, events=self._store.events_of(alarm_no), as_of=call.now)

    def events(self, call: Call, request: FindEvents) -> EventsFound:
        rows = self._store.events(request)
        following = str(rows[-1].event_no) if len(rows) == request.limit else None
        return EventsFound(rows=rows, next=following, as_of=call.now)

    def acknowledge(self, call: Call, alarm_no: int) -> Alarm:
        self._open(alarm_no)
        self._store.acknowledge(alarm_no, call.actor, call.now)
        return self._known(alarm_no)

    def close(self, call: Call, request: CloseAlarm) -> Alarm:
        self._open(request.alarm_no)
        self._store.close(request.alarm_no, call.actor, call.now, request.reason)
        self._work.emit(AlarmSettled(alarm_no=request.alarm_no, reason=request.reason))
        return self._known(request.alarm_no)

    def group(self, call: Call, request: AlarmGroupRef) -> AlarmGroup:
        names = area_names(self._ask, call, [request.area_no])
        found = next(iter(AlarmRouteStore(self._work).gathered([group_of(request)])), None)
        return AlarmGroup(
            **request.model_dump(),
            area_name=names.get(request.area_no or ""),
            count=found.alarms if found else 0,
            first_at=found.first_at if found else None,
            last_at=found.last_at if found else None,
            newest=found.alarm_no if found else None,
            as_of=call.now,
        )

    def close_group(self, call: Call, request: CloseAlarms) -> AlarmsClosed:
        group = group_of(request)
        closed = self._store.close_group(group, request.up_to, call.actor, call.now, request.reason)
        if closed:
            self._work.emit(AlarmGroupSettled(**group._asdict(), reason=request.reason))
        return AlarmsClosed(closed=closed)

    def _open(self, alarm_no: int) -> None:
        found = self._known(alarm_no)
        if found.state == "closed":
            raise AlarmClosed(
                text(
                    f"告警 {alarm_no} 已由 {found.closed_by} 关闭：{found.reason}。",
                    f"Alarm {alarm_no} was closed by {found.closed_by}: {found.reason}.",
                ),
                alarm_no=alarm_no,
                closed_by=found.closed_by,
            )

    def _known(self, alarm_no: int) -> Alarm:
        found = self._store.alarm(alarm_no)
        if found is None:
            raise AlarmNotFound(
                text(
                    f"告警 {alarm_no} 不存在，或不在您的管辖范围内。",
                    f"Alarm {alarm_no} does not exist or is outside your scope.",
                ),
                alarm_no=alarm_no,
            )
        return found


def group_of(said: AlarmGroupRef | AlarmGroupSettled) -> Group:
    """The terminal counts where no area is named."""
    return Group(said.kind, said.org, said.area_no, None if said.area_no else said.terminal_no)


class AlarmPart(AlarmOperations):
    """The operations of a service that keeps `_alarms`."""

    _alarms: Alarms

    def take_events(self, call: Call, request: TakeEvents) -> EventsTaken:
        return self._alarms.take(call, request)

    def alarms(self, call: Call, request: FindAlarms) -> AlarmsFound:
        return self._alarms.find(call, request)

    def alarm(self, call: Call, request: AlarmRef) -> AlarmDetail:
        return self._alarms.detail(call, request.alarm_no)

    def events(self, call: Call, request: FindEvents) -> EventsFound:
        return self._alarms.events(call, request)

    def acknowledge_alarm(self, call: Call, request: AlarmRef) -> Alarm:
        return self._alarms.acknowledge(call, request.alarm_no)

    def close_alarm(self, call: Call, request: CloseAlarm) -> Alarm:
        return self._alarms.close(call, request)

    def alarm_group(self, call: Call, request: AlarmGroupRef) -> AlarmGroup:
        return self._alarms.group(call, request)

    def close_alarms(self, call: Call, request: CloseAlarms) -> AlarmsClosed:
        return self._alarms.close_group(call, request)

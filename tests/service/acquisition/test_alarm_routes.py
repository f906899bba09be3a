"""Alarms on the to-do lists: by rule, and through both bindings from what a terminal tells to what is finished."""

import pathlib
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.service.acquisition.field import OLD, record
from tests.service.acquisition.test_alarms import NOON, only, take, told
from tests.service.acquisition.test_terminals import STATION, filled
from tests.service.bindings import local, remote, settle, web
from tests.service.records import OPERATOR

from denghuo.data.processing.database import Database
from denghuo.data.processing.work import Work
from denghuo.kernel.contract import Call
from denghuo.kernel.problem import Unavailable
from denghuo.service.acquisition.api import (
    AcquisitionApi,
    AlarmGroupRef,
    AlarmRoute,
    AlarmsRaised,
    AskAlarmRoutes,
    CloseAlarm,
    CloseAlarms,
    FindAlarms,
    NewTerminal,
    OutsideScope,
    RaisedAlarm,
    RegisterTerminals,
    RouteRefused,
    SetAlarmRoute,
)
from denghuo.service.acquisition.listen import list_alarms
from denghuo.service.acquisition.rules import ROUTED_KINDS, route_on
from denghuo.service.acquisition.service import AcquisitionService
from denghuo.service.host.binding import Ask, Directory
from denghuo.service.permission.api import PermissionApi
from denghuo.service.permission.service import PermissionService
from denghuo.service.point.api import AreaName, AreaNames, AreaNumbers, PointApi
from denghuo.service.workflow.api import FindTasks, Task, WorkflowApi
from denghuo.service.workflow.service import WorkflowService

TODAY = OPERATOR.today


def route(org: str = "1405810", **by: Any) -> SetAlarmRoute:
    body = {"org": org, "kind": "cover_open", "effective_from": TODAY, "role": "asset_clerk", "reason": "计量异常派单"}
    return SetAlarmRoute.model_validate({**body, **by})


def known(org: str, day: date, role: str | None) -> AlarmRoute:
    body = route(org, effective_from=day, role=role).model_dump()
    return AlarmRoute.model_validate({**body, "route_no": 1, "set_by": "boss", "set_at": NOON})


@given(st.sampled_from(["cover_open", "power_loss", "clock_fault", "phase_loss"]), st.integers(-3, 3))
def test_the_nearest_unit_and_its_newest_route_hold(kind: Any, ahead: int) -> None:
    day = TODAY + timedelta(days=ahead)
    rows = [known("1405810", TODAY - timedelta(days=9), "asset_clerk"), known("1405810.01", TODAY, None)]
    rows += [known("1405810.01", TODAY + timedelta(days=2), "loss_analyst")]
    preset = ("reading_clerk", None) if kind in ROUTED_KINDS else None
    wanted = {True: ("loss_analyst", None) if ahead >= 2 else None, False: ("asset_clerk", None)}[ahead >= 0]
    assert route_on(rows, "1405810.01", kind, day) == (wanted if kind == "cover_open" else preset)
    assert route_on(rows, "1405810.02", "cover_open", day) == ("asset_clerk", None)
    assert route_on(rows, "1405810.010", "cover_open", day) == ("asset_clerk", None)
    assert route_on([], "1405810.01", kind, day) == preset


class Points(PointApi):
    """The name of an area, as long as it answers."""

    answers = True

    def __init__(self, work: Work, ask: Ask) -> None: ...

    def area_names(self, call: Call, request: AreaNumbers) -> AreaNames:
        if not self.answers:
            raise Unavailable(part="point")
        return AreaNames(rows=[AreaName(area_no=no, name="西栗庄村公变台区") for no in request.area_nos if no == "TG7"])


@pytest.fixture
def directory(database_dsn: str, tmp_path: pathlib.Path) -> Iterator[Directory]:
    services = {PermissionApi: PermissionService, WorkflowApi: WorkflowService, PointApi: Points}
    services |= {AcquisitionApi: AcquisitionService}
    with Database(database_dsn) as database:
        yield local(database, tmp_path, services)


@pytest.fixture(params=["local", "remote"])
def acquisition(request: pytest.FixtureRequest, directory: Directory) -> Iterator[AcquisitionApi]:
    filled(directory(AcquisitionApi))
    if request.param == "local":
        yield directory(AcquisitionApi)
    else:
        with web(directory) as client:
            api = remote(AcquisitionApi, client)
            assert isinstance(api, AcquisitionApi)
            yield api


def listed(directory: Directory, **by: Any) -> list[Task]:
    settle(directory)
    return directory(WorkflowApi).tasks(OPERATOR, FindTasks(kind="acquisition.alarm", **by)).rows


def test_a_serious_alarm_is_on_a_list_until_it_is_closed(directory: Directory, acquisition: AcquisitionApi) -> None:
    assert acquisition.set_alarm_route(OPERATOR, route(due_days=2)).set_by == "system"
    lasting = acquisition.set_alarm_route(OPERATOR, route("1405810.01", kind="over_voltage", role=None))
    found = acquisition.alarm_routes(STATION, AskAlarmRoutes())
    assert [(row.org, row.kind, row.role, row.due_days) for row in found.rows] == [
        ("1405810", "cover_open", "asset_clerk", 2), ("1405810.01", "over_voltage", None, None),
    ]  # fmt: skip
    assert (found.role, "power_loss" in found.kinds) == ("reading_clerk", True)
    assert acquisition.set_alarm_route(OPERATOR, route("1405810.01", kind="over_voltage", role=None)) == lasting
    with pytest.raises(OutsideScope):
        acquisition.set_alarm_route(STATION, route())
    with pytest.raises(RouteRefused):
        acquisition.set_alarm_route(OPERATOR, route(effective_from=TODAY - timedelta(days=1)))

    take(acquisition, told("cover_open"), told("over_voltage"), told("reverse_power"), told("clock_fault"))
    take(acquisition, told("cover_open", NOON + timedelta(hours=1)))
    tasks = {task.role: task for task in listed(directory)}
    assert len(tasks) == len(listed(directory)) == 2, (
        "one for each alarm that goes to somebody, however often it is told"
    )
    cover = tasks["asset_clerk"]
    assert (cover.title.zh, cover.org, cover.page) == ("开表盖：M1", "1405810.01", "acquisition.alarm")
    assert cover.due_on is not None and tasks["reading_clerk"].due_on is None
    alarm = only(acquisition, kind="cover_open")
    assert cover.parameters == {"alarm_no": str(alarm.alarm_no)}

    acquisition.close_alarm(STATION, CloseAlarm(alarm_no=alarm.alarm_no, reason="已重新加封"))
    assert [task.role for task in listed(directory)] == ["reading_clerk"]
    (done,) = listed(directory, state="done")
    assert (done.subject_id, done.remark) == (f"cover_open 1405810.01 {OLD}", "已重新加封")
    # Told once more, under another number: what is closed comes onto no list again.
    raised = RaisedAlarm(
        alarm_no=alarm.alarm_no, kind="cover_open", meter_no="M1", terminal_no=OLD, org="1405810.01", begun_at=NOON
    )
    event = AlarmsRaised(alarms=[raised])
    directory.hosted["acquisition"].handle("acquisition", list_alarms, OPERATOR, event, "again")
    assert [task.role for task in listed(directory)] == ["reading_clerk"]


def test_a_storm_is_one_matter_for_each_kind_and_place(
    directory: Directory, acquisition: AcquisitionApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    area = [
        NewTerminal.model_validate({**record(no).model_dump(), "area_no": "TG7"}) for no in ("140500011", "140500021")
    ]
    acquisition.register_terminals(OPERATOR, RegisterTerminals(terminals=area))
    for terminal in area:
        for hour in range(2):
            take(acquisition, *(
                told("power_loss", NOON + timedelta(hours=hour), terminal.terminal_no, number=no) for no in range(1, 151)
            ))  # fmt: skip
            settle(directory)
    take(acquisition, *(told("power_loss", number=no) for no in (1, 2)), told("magnetic_field"))
    tasks = {task.subject_id: task for task in listed(directory)}
    storm, own = tasks["power_loss 1405810.01 TG7"], tasks[f"power_loss 1405810.01 {OLD}"]
    assert len(tasks) == len(listed(directory)) == 3
    assert (storm.title.zh, storm.count, storm.page) == (
        "停电：西栗庄村公变台区（TG7）",
        300,
        "acquisition.alarm_group",
    )
    assert (storm.first_at, storm.last_at) == (NOON, NOON + timedelta(hours=1))
    assert (own.title.zh, own.count) == (f"停电：终端 {OLD}", 2)
    assert own.parameters == {"kind": "power_loss", "org": "1405810.01", "terminal_no": OLD}

    # One is closed by itself, then what was seen of the rest together; what came meanwhile stays.
    found = acquisition.alarms(OPERATOR, FindAlarms(area_no="TG7", open_only=True))
    rows = found.rows
    assert found.total == 300
    acquisition.close_alarm(STATION, CloseAlarm(alarm_no=rows[0].alarm_no, reason="表计故障"))
    assert {task.subject_id: task.count for task in listed(directory)}[storm.subject_id] == 299
    place = AlarmGroupRef.model_validate(storm.parameters)
    seen = acquisition.alarm_group(STATION, place)
    assert (seen.count, seen.newest, seen.last_at) == (299, rows[1].alarm_no, NOON + timedelta(hours=1))
    assert seen.area_name == "西栗庄村公变台区"
    # A storm waits for no name.
    monkeypatch.setattr(Points, "answers", False)
    assert acquisition.alarm_group(STATION, place).area_name is None
    acquisition.close_alarm(STATION, CloseAlarm(alarm_no=rows[1].alarm_no, reason="表计故障"))
    task = next(task for task in listed(directory) if task.subject_id == storm.subject_id)
    assert (task.title.en, task.count) == ("Power loss: area TG7", 298)
    late = take(acquisition, told("power_loss", NOON + timedelta(hours=9), "140500011", number=200))
    assert late == (1, 0, 1)
    closing = CloseAlarms(**place.model_dump(), up_to=rows[0].alarm_no, reason="线路已送电")
    assert acquisition.close_alarms(STATION, closing).closed == 298
    (left,) = [task for task in listed(directory) if task.subject_id == storm.subject_id]
    (last,) = acquisition.alarms(OPERATOR, FindAlarms(area_no="TG7", open_only=True)).rows
    assert (left.count, left.page, left.parameters) == (1, "acquisition.alarm", {"alarm_no": str(last.alarm_no)})
    closing = closing.model_copy(update={"up_to": last.alarm_no})
    assert acquisition.close_alarms(STATION, closing).closed == 1
    assert acquisition.close_alarms(STATION, closing).closed == 0
    assert storm.subject_id not in [task.subject_id for task in listed(directory)]
    assert acquisition.alarm_group(STATION, place).count == 0

"""Tasks and approvals through both bindings: roles, organisation scope, one hand on a task, the second person."""

import pathlib
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta

import pytest
from tests.service.bindings import KEY, NOW, local, remote, web

from denghuo.data.processing.database import Database
from denghuo.data.processing.dataset import Datasets
from denghuo.kernel.contract import Call
from denghuo.kernel.fields import TextPair
from denghuo.kernel.problem import NotPermitted
from denghuo.service.host.binding import Store
from denghuo.service.permission.api import Appoint, Engage, NewOrganisation, PermissionApi, RegisterOrganisations
from denghuo.service.permission.service import PermissionService
from denghuo.service.permission.store import delivered_roles
from denghuo.service.workflow.api import (
    AlreadyDecided,
    ApprovalNotFound,
    ApprovalRef,
    CountTasks,
    Decide,
    FindApprovals,
    FindTasks,
    FinishSubject,
    FinishTask,
    NewTask,
    NotTheApprover,
    OutsideReach,
    RaiseTasks,
    ReasonWanted,
    RequestApproval,
    SamePerson,
    TaskDone,
    TaskNotFound,
    TaskRef,
    TaskTaken,
    WorkflowApi,
)
from denghuo.service.workflow.service import WorkflowService

SYSTEM = Call.system(NOW)
COMPANY, MISHAN, SANJIA = "1405810", "1405810.01", "1405810.02"
PERMITS = frozenset({"workflow.read", "workflow.act", "workflow.decide"})
PEOPLE = {
    "boss": (COMPANY, "manager"),
    "second": (COMPANY, "manager"),
    "accountant": (COMPANY, "billing_accountant"),
    "reader1": (MISHAN, "reading_clerk"),
    "reader2": (MISHAN, "reading_clerk"),
    "reader3": (SANJIA, "reading_clerk"),
}


def by(user_name: str) -> Call:
    return Call(actor=user_name, now=NOW, permits=PERMITS, scope=(PEOPLE[user_name][0],))


def for_(user_name: str) -> Call:
    """A service that asks for what a person began."""
    return by(user_name).only("workflow.raise")


def task(key: str, org: str = MISHAN, role: str = "reading_clerk", due_on: date | None = None) -> NewTask:
    return NewTask(
        key=key,
        kind="reading.exception",
        title=TextPair(zh=f"处理异常 {key}", en=f"Look into {key}"),
        org=org,
        role=role,
        subject_noun="reading",
        subject_id=key,
        page="reading.exception",
        parameters={"exception": key},
        due_on=due_on,
    )


REQUEST = RequestApproval(
    kind="tariff.publish",
    subject_noun="tariff",
    subject_id="sh-resident 3",
    title=TextPair(zh="发布居民电价第3版", en="Publish residential tariff, version 3"),
    org=COMPANY,
    role="manager",
    payload={"version": 3, "lines": [{"price": "0.617"}], "note": None},
)


@pytest.fixture(params=["local", "remote"])
def workflow(request: pytest.FixtureRequest, database_dsn: str, tmp_path: pathlib.Path) -> Iterator[WorkflowApi]:
    with Database(database_dsn) as database:
        directory = local(database, tmp_path, {PermissionApi: PermissionService, WorkflowApi: WorkflowService})
        _people(directory(PermissionApi))
        if request.param == "local":
            yield directory(WorkflowApi)
        else:
            with web(directory) as client:
                api = remote(WorkflowApi, client)
                assert isinstance(api, WorkflowApi)
                yield api


def _people(permission: PermissionApi) -> None:
    permission.register_organisations(
        SYSTEM,
        RegisterOrganisations(
            organisations=[
                NewOrganisation(code=COMPANY, name="高平市供电公司", kind="company"),
                NewOrganisation(code=MISHAN, name="米山供电所", kind="station", parent=COMPANY),
                NewOrganisation(code=SANJIA, name="三甲供电所", kind="station", parent=COMPANY),
            ]
        ),
    )
    for user_name, (org, role) in PEOPLE.items():
        permission.engage(SYSTEM, Engage(user_name=user_name, name=user_name, org=org))
        permission.appoint(SYSTEM, Appoint(user_name=user_name, role=role, org=org))


def keys(workflow: WorkflowApi, user_name: str, **asked: object) -> list[str]:
    return [row.subject_id for row in workflow.tasks(by(user_name), FindTasks.model_validate(asked)).rows]


def test_tasks_reach_the_role_at_the_organisation_and_above(workflow: WorkflowApi) -> None:
    raised = RaiseTasks(
        tasks=[task("m"), task("s", SANJIA), task("b", MISHAN, "billing_accountant"), task("c", COMPANY, "manager")]
    )
    assert workflow.raise_tasks(SYSTEM, raised).raised == 4
    assert keys(workflow, "reader1") == ["m"]
    assert keys(workflow, "reader3") == ["s"]
    assert keys(workflow, "accountant") == ["b"], "the company's accountant looks after the stations"
    assert keys(workflow, "boss") == ["c"]
    assert workflow.tasks(SYSTEM, FindTasks()).total == 4
    assert workflow.tasks(replace(by("reader1"), scope=()), FindTasks()).total == 0
    # A scope wider than the post lends no tasks: the role is held at the station only.
    assert workflow.tasks(replace(by("reader1"), scope=(COMPANY,)), FindTasks()).total == 0


def test_station_can_do_nothing_with_another_stations_task(workflow: WorkflowApi) -> None:
    workflow.raise_tasks(SYSTEM, RaiseTasks(tasks=[task("s", SANJIA)]))
    number = workflow.tasks(SYSTEM, FindTasks()).rows[0].task_no
    clerk = by("reader1")
    for attempt in (workflow.claim, workflow.put_back):
        with pytest.raises(TaskNotFound):
            attempt(clerk, TaskRef(task_no=number))
    with pytest.raises(TaskNotFound):
        workflow.finish(clerk, FinishTask(task_no=number))
    assert workflow.finish_subject(for_("reader1"), FinishSubject(subject_noun="reading", subject_id="s")).finished == 0
    assert workflow.counts(clerk, CountTasks()).open == 0
    assert keys(workflow, "reader1", org=SANJIA) == []
    with pytest.raises(OutsideReach):
        workflow.raise_tasks(for_("reader1"), RaiseTasks(tasks=[task("own"), task("foreign", SANJIA)]))
    assert workflow.tasks(SYSTEM, FindTasks()).total == 1


def test_only_services_raise_what_a_person_works_on(workflow: WorkflowApi) -> None:
    workflow.raise_tasks(SYSTEM, RaiseTasks(tasks=[task("a")]))
    own = REQUEST.model_copy(update={"org": MISHAN, "role": "reading_clerk"})
    for attempt in (
        lambda: workflow.raise_tasks(by("reader1"), RaiseTasks(tasks=[task("b")])),
        lambda: workflow.finish_subject(by("reader1"), FinishSubject(subject_noun="reading", subject_id="a")),
        lambda: workflow.request_approval(by("reader1"), own),
    ):
        with pytest.raises(NotPermitted):
            attempt()
    assert keys(workflow, "reader1") == ["a"]
    assert not [role.code for role in delivered_roles().values() if "workflow.raise" in role.permits]


def test_raising_again_changes_nothing_even_after_the_end(workflow: WorkflowApi) -> None:
    workflow.raise_tasks(SYSTEM, RaiseTasks(tasks=[task("a")]))
    number = workflow.tasks(SYSTEM, FindTasks()).rows[0].task_no
    workflow.finish(by("reader1"), FinishTask(task_no=number, remark="已现场核对"))
    again = workflow.raise_tasks(SYSTEM, RaiseTasks(tasks=[task("a"), task("b")]))
    assert (again.raised, again.unchanged) == (1, 1)
    assert keys(workflow, "reader1") == ["b"]
    done = workflow.tasks(by("reader2"), FindTasks(state="done")).rows[0]
    assert (done.finished_by, done.remark) == ("reader1", "已现场核对")


def test_a_task_that_gathers_says_how_many_and_there_is_one_at_a_time(workflow: WorkflowApi) -> None:
    def storm(key: str, count: int, **more: object) -> NewTask:
        said = {
            "subject_id": "TG001",
            "count": count,
            "first_at": NOW,
            "last_at": NOW + timedelta(minutes=count),
            **more,
        }
        return task(key).model_copy(update=said)

    def listed() -> list[tuple[int | None, str]]:
        return [(row.count, row.state) for row in workflow.tasks(by("reader1"), FindTasks()).rows]

    one = workflow.raise_tasks(SYSTEM, RaiseTasks(tasks=[storm("1", 1), task("a")]))
    assert (one.raised, one.restated) == (2, 0)
    more = workflow.raise_tasks(SYSTEM, RaiseTasks(tasks=[storm("2", 900), storm("2", 900, role="manager")]))
    assert (more.raised, more.restated, more.unchanged) == (0, 1, 1), "the key of the one is the other's"
    (row, _) = workflow.tasks(by("reader1"), FindTasks()).rows
    assert (row.count, row.first_at, row.last_at) == (900, NOW, NOW + timedelta(minutes=900))
    workflow.claim(by("reader1"), TaskRef(task_no=row.task_no))
    assert workflow.raise_tasks(SYSTEM, RaiseTasks(tasks=[storm("3", 899)])).restated == 1
    assert workflow.raise_tasks(SYSTEM, RaiseTasks(tasks=[storm("0", 898)], restating=True)).restated == 1
    assert listed() == [(898, "claimed"), (None, "open")]
    workflow.finish(by("reader1"), FinishTask(task_no=row.task_no))
    for again in (RaiseTasks(tasks=[storm("3", 900)]), RaiseTasks(tasks=[storm("9", 900)], restating=True)):
        assert workflow.raise_tasks(SYSTEM, again).unchanged == 1
    assert listed() == [(None, "open")]
    assert workflow.raise_tasks(SYSTEM, RaiseTasks(tasks=[storm("4", 2)])).raised == 1
    assert sorted(listed(), key=str) == [(2, "open"), (None, "open")]


def test_one_hand_at_a_time(workflow: WorkflowApi) -> None:
    workflow.raise_tasks(SYSTEM, RaiseTasks(tasks=[task("a")]))
    ref = TaskRef(task_no=workflow.tasks(SYSTEM, FindTasks()).rows[0].task_no)
    plain = frozenset({"workflow.read", "workflow.act"})
    first, second = replace(by("reader1"), permits=plain), replace(by("reader2"), permits=plain)
    assert workflow.claim(first, ref).claimed_by == "reader1"
    assert workflow.claim(first, ref).state == "claimed"
    for attempt in (workflow.claim, workflow.put_back):
        with pytest.raises(TaskTaken) as raised:
            attempt(second, ref)
        assert raised.value.claimed_by == "reader1"
    assert workflow.counts(first, CountTasks()).mine == 1
    assert workflow.put_back(by("reader2"), ref).state == "open", "who decides frees it"
    workflow.claim(second, ref)
    assert workflow.finish(second, FinishTask(task_no=ref.task_no)).state == "done"
    with pytest.raises(TaskDone):
        workflow.claim(first, ref)


def test_pressing_tasks_come_first_and_are_counted(workflow: WorkflowApi) -> None:
    today = date(2026, 5, 1)
    workflow.raise_tasks(
        SYSTEM,
        RaiseTasks(
            tasks=[
                task("none"),
                task("later", due_on=today + timedelta(days=3)),
                task("late", due_on=date(2026, 4, 30)),
            ]
        ),
    )
    rows = workflow.tasks(by("reader1"), FindTasks()).rows
    assert [(row.subject_id, row.overdue) for row in rows] == [("late", True), ("later", False), ("none", False)]
    counts = workflow.counts(by("reader1"), CountTasks())
    assert (counts.open, counts.overdue, counts.kinds[0].count) == (3, 1, 3)
    page = workflow.tasks(by("reader1"), FindTasks(limit=2))
    rest = workflow.tasks(by("reader1"), FindTasks(limit=2, after=page.next))
    assert [row.subject_id for row in page.rows + rest.rows] == ["late", "later", "none"] and rest.next is None


def test_second_person_decides(workflow: WorkflowApi) -> None:
    ref = workflow.request_approval(for_("boss"), REQUEST)
    assert workflow.request_approval(for_("boss"), REQUEST) == ref, "a pending request stands"
    assert [row.parameters for row in workflow.tasks(by("second"), FindTasks()).rows] == [
        {"approval_no": str(ref.approval_no)}
    ]
    with pytest.raises(SamePerson):
        workflow.decide(by("boss"), Decide(approval_no=ref.approval_no, agreed=True))
    with pytest.raises(NotTheApprover):
        workflow.decide(by("accountant"), Decide(approval_no=ref.approval_no, agreed=True))
    with pytest.raises(ReasonWanted):
        workflow.decide(by("second"), Decide(approval_no=ref.approval_no, agreed=False))
    decided = workflow.decide(by("second"), Decide(approval_no=ref.approval_no, agreed=True, remark="已核对文号"))
    assert (decided.state, decided.decided_by, decided.payload) == ("agreed", "second", REQUEST.payload)
    assert keys(workflow, "second") == []
    with pytest.raises(AlreadyDecided) as raised:
        workflow.decide(by("second"), Decide(approval_no=ref.approval_no, agreed=True))
    assert raised.value.state == "agreed"
    assert workflow.request_approval(for_("boss"), REQUEST) != ref, "after the decision it is asked anew"


def test_decision_is_an_event(database_dsn: str, tmp_path: pathlib.Path) -> None:
    with Database(database_dsn) as database:
        directory = local(database, tmp_path, {PermissionApi: PermissionService, WorkflowApi: WorkflowService})
        _people(directory(PermissionApi))
        workflow = directory(WorkflowApi)
        ref = workflow.request_approval(for_("boss"), REQUEST)
        workflow.decide(by("second"), Decide(approval_no=ref.approval_no, agreed=False, remark="文号有误"))
        with Store(database, Datasets(database, tmp_path), KEY).work("workflow", SYSTEM) as work:
            events = work.values("SELECT events FROM journal WHERE operation = 'workflow.decide'")
    assert events[0][0]["type"] == "workflow.approval.decided.v1"
    assert events[0][0]["data"] | {"approval_no": 1} == {
        "approval_no": 1,
        "kind": "tariff.publish",
        "subject_noun": "tariff",
        "subject_id": "sh-resident 3",
        "agreed": False,
        "decided_by": "second",
        "requested_by": "boss",
        "remark": "文号有误",
    }


def test_request_is_withdrawn_by_its_author_only(workflow: WorkflowApi) -> None:
    ref = workflow.request_approval(for_("boss"), REQUEST)
    with pytest.raises(NotTheApprover):
        workflow.withdraw(by("second"), ref)
    assert workflow.withdraw(by("boss"), ref).state == "withdrawn"
    with pytest.raises(AlreadyDecided):
        workflow.decide(by("second"), Decide(approval_no=ref.approval_no, agreed=True))
    assert keys(workflow, "second") == []


def test_approvals_of_another_station_are_not_there(workflow: WorkflowApi) -> None:
    ref = workflow.request_approval(
        for_("reader3"), REQUEST.model_copy(update={"org": SANJIA, "role": "reading_clerk"})
    )
    clerk = by("reader1")
    assert workflow.approvals(clerk, FindApprovals()).total == 0
    with pytest.raises(ApprovalNotFound):
        workflow.approval(clerk, ref)
    with pytest.raises(ApprovalNotFound):
        workflow.decide(clerk, Decide(approval_no=ref.approval_no, agreed=True))
    with pytest.raises(OutsideReach):
        workflow.request_approval(for_("reader1"), REQUEST)
    assert workflow.approvals(by("boss"), FindApprovals(state="pending")).total == 1
    assert workflow.approval(by("boss"), ApprovalRef(approval_no=ref.approval_no)).requested_by == "reader3"


def test_two_deciders_at_once_settle_it_once(database_dsn: str, tmp_path: pathlib.Path) -> None:
    with Database(database_dsn) as database:
        directory = local(database, tmp_path, {PermissionApi: PermissionService, WorkflowApi: WorkflowService})
        _people(directory(PermissionApi))
        workflow = directory(WorkflowApi)
        ref = workflow.request_approval(for_("accountant"), REQUEST)
        outcomes: list[str] = []

        def decide(user_name: str, agreed: bool) -> None:
            try:
                request = Decide(approval_no=ref.approval_no, agreed=agreed, remark="理由")
                outcomes.append(workflow.decide(by(user_name), request).state)
            except AlreadyDecided:
                outcomes.append("late")

        threads = [
            threading.Thread(target=decide, args=each) for each in (("boss", True), ("second", False)) for _ in range(3)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(outcomes)[:1] in (["agreed"], ["late"]) and outcomes.count("late") == 5


@pytest.mark.parametrize("title", ["'; DROP TABLE task;--", "<img src=x onerror=alert(1)>", "灯🔥"])
def test_hostile_titles_stay_titles(workflow: WorkflowApi, title: str) -> None:
    hostile = task("x").model_copy(update={"title": TextPair(zh=title, en=title), "subject_id": title})
    workflow.raise_tasks(SYSTEM, RaiseTasks(tasks=[hostile]))
    row = workflow.tasks(by("reader1"), FindTasks()).rows[0]
    assert (row.title.zh, row.subject_id) == (title, title)
    assert (
        workflow.finish_subject(for_("reader1"), FinishSubject(subject_noun="reading", subject_id=title)).finished == 1
    )


@pytest.mark.parametrize(
    "change",
    [
        {"key": "x" * 10_000},
        {"page": "https://foreign.example"},
        {"subject_id": "a\x00b"},
        {"key": ""},
        {"title": {"zh": "长" * 10_000, "en": "long"}},
        {"title": {"zh": "a\x00b", "en": "b"}},
    ],
)
def test_misfits_are_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="NewTask"):
        NewTask.model_validate(task("a").model_dump() | change)

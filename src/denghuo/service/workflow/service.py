"""Workflow: implementation of the contract."""

from datetime import date
from typing import cast

from denghuo.data.processing.work import Work
from denghuo.kernel.contract import Call
from denghuo.kernel.fields import TextPair
from denghuo.kernel.problem import text
from denghuo.service.host.binding import Ask
from denghuo.service.permission.api import PermissionApi, PersonRef, StaffNotFound
from denghuo.service.workflow.api import (
    AlreadyDecided,
    Approval,
    ApprovalDecided,
    ApprovalNotFound,
    ApprovalRef,
    ApprovalsFound,
    ApprovalState,
    ApprovalWithdrawn,
    CountTasks,
    Decide,
    FindApprovals,
    FindTasks,
    Finished,
    FinishSubject,
    FinishTask,
    KindCount,
    NewTask,
    NotTheApprover,
    OutsideReach,
    RaiseTasks,
    ReasonWanted,
    RequestApproval,
    SamePerson,
    Task,
    TaskCounts,
    TaskDone,
    TaskNotFound,
    TaskRef,
    TasksFound,
    TasksRaised,
    TaskState,
    TaskTaken,
    WorkflowApi,
)
from denghuo.service.workflow.store import KnownApproval, KnownTask, WorkflowStore

APPROVAL = "workflow.approval"
"""The kind of the tasks that wait for an approval, and the page where it is given."""


class WorkflowService(WorkflowApi):
    def __init__(self, work: Work, ask: Ask) -> None:
        self._work = work
        self._ask = ask
        self._store = WorkflowStore(work)

    # -- tasks -----------------------------------------------------------------------------------------------------------

    def raise_tasks(self, call: Call, request: RaiseTasks) -> TasksRaised:
        for task in request.tasks:
            _require_scope(call, task.org)
        gathered = [task for task in request.tasks if task.count is not None]
        restated = self._store.restate(gathered, keeping_key=request.restating) if gathered else 0
        raised = 0 if request.restating else self._store.raise_tasks(request.tasks, call.now)
        return TasksRaised(raised=raised, unchanged=len(request.tasks) - raised - restated, restated=restated)

    def tasks(self, call: Call, request: FindTasks) -> TasksFound:
        roles = self._roles(call)
        skip = request.after_number or 0
        rows, total = self._store.find(request, roles, skip)
        return TasksFound(
            rows=[_task(row, call.today) for row in rows],
            total=total,
            next=str(skip + len(rows)) if len(rows) == request.limit else None,
            as_of=call.now,
        )

    def counts(self, call: Call, request: CountTasks) -> TaskCounts:
        waiting, mine, overdue, kinds = self._store.counts(self._roles(call), call.actor, call.today)
        return TaskCounts(
            open=waiting,
            mine=mine,
            overdue=overdue,
            kinds=[KindCount(kind=kind, count=count) for kind, count in kinds],
            as_of=call.now,
        )

    def claim(self, call: Call, request: TaskRef) -> Task:
        task = self._free(call, request.task_no)
        self._store.hold(task.task_no, call.actor)
        return self._again(call, task)

    def put_back(self, call: Call, request: TaskRef) -> Task:
        # Whoever decides may free a task from the hand of a colleague who is away.
        task = self._free(call, request.task_no, from_others=call.may("workflow.decide"))
        self._store.hold(task.task_no, None)
        return self._again(call, task)

    def finish(self, call: Call, request: FinishTask) -> Task:
        task = self._free(call, request.task_no)
        self._store.finish(task.task_no, call.actor, call.now, request.remark)
        return self._again(call, task)

    def finish_subject(self, call: Call, request: FinishSubject) -> Finished:
        return Finished(finished=self._store.finish_subject(request, call.actor, call.now))

    # -- approvals -------------------------------------------------------------------------------------------------------

    def request_approval(self, call: Call, request: RequestApproval) -> ApprovalRef:
        _require_scope(call, request.org)
        number = self._store.add_approval(request, call.actor, call.now)
        if number is None:
            return ApprovalRef(approval_no=self._store.pending(request) or 0)
        task = NewTask(
            key=f"{APPROVAL} {number}",
            kind=APPROVAL,
            title=request.title,
            org=request.org,
            role=request.role,
            subject_noun="workflow",
            subject_id=str(number),
            page=APPROVAL,
            parameters={"approval_no": str(number)},
        )
        self._store.raise_tasks([task], call.now)
        return ApprovalRef(approval_no=number)

    def decide(self, call: Call, request: Decide) -> Approval:
        roles = self._roles(call)
        known = self._pending(request.approval_no)
        if known.requested_by == call.actor:
            raise SamePerson(
                text(
                    "申请人不能审批自己的申请，请由另一位有审批岗位的人员办理。",
                    "You asked for this yourself; another person with the approving post decides.",
                ),
                approval_no=known.approval_no,
            )
        if roles is not None and known.role not in roles:
            raise NotTheApprover(
                text("该申请由其他岗位审批，请转交相应人员。", "Another post decides on this request; pass it on."),
                approval_no=known.approval_no,
                role=known.role,
            )
        if not request.agreed and not request.remark:
            raise ReasonWanted(errors=[{"field": "remark", "zh": "不同意时请写明理由。", "en": "Say why you refuse."}])
        self._settle(call, known, "agreed" if request.agreed else "refused", request.remark)
        self._work.emit(
            ApprovalDecided(
                approval_no=known.approval_no,
                kind=known.kind,
                subject_noun=known.subject_noun,
                subject_id=known.subject_id,
                agreed=request.agreed,
                decided_by=call.actor,
                requested_by=known.requested_by,
                remark=request.remark,
            )
        )
        return self._approval(known.approval_no)

    def withdraw(self, call: Call, request: ApprovalRef) -> Approval:
        known = self._pending(request.approval_no)
        if known.requested_by != call.actor:
            raise NotTheApprover(
                text("只有申请人可以撤回申请。", "Only the person who asked takes a request back."),
                approval_no=known.approval_no,
                role=known.role,
            )
        self._settle(call, known, "withdrawn", "")
        self._work.emit(
            ApprovalWithdrawn(
                approval_no=known.approval_no,
                kind=known.kind,
                subject_noun=known.subject_noun,
                subject_id=known.subject_id,
                withdrawn_by=call.actor,
            )
        )
        return self._approval(known.approval_no)

    def approvals(self, call: Call, request: FindApprovals) -> ApprovalsFound:
        rows, total = self._store.find_approvals(request)
        return ApprovalsFound(
            rows=[_approval(row) for row in rows],
            total=total,
            next=str(rows[-1].approval_no) if len(rows) == request.limit else None,
            as_of=call.now,
        )

    def approval(self, call: Call, request: ApprovalRef) -> Approval:
        return self._approval(request.approval_no)

    # -- parts -----------------------------------------------------------------------------------------------------------

    def _roles(self, call: Call) -> list[str] | None:
        """The caller's roles where their scope lies; None for the platform itself, which sees everything.

        Asked before own tables are used, so that nothing is locked meanwhile.
        """
        if "*" in call.permits:
            return None
        try:
            person = self._ask(PermissionApi).person(Call.system(call.now), PersonRef(user_name=call.actor))
        except StaffNotFound:
            return []
        return [
            post.role
            for post in person.posts
            if any(scope == post.org or scope.startswith(f"{post.org}.") for scope in call.scope)
        ]

    def _free(self, call: Call, task_no: int, from_others: bool = False) -> KnownTask:
        """A task that the caller may work on: of their roles, not done, in nobody else's hand (or freed from it)."""
        roles = self._roles(call)
        task = self._store.task(task_no, roles)
        if task is None:
            raise TaskNotFound(
                text(
                    f"待办 {task_no} 不存在，或不属于您的岗位。",
                    f"Task {task_no} does not exist or is not of your posts.",
                ),
                task_no=task_no,
            )
        if task.state == "done":
            raise TaskDone(
                text(f"该待办已由 {task.finished_by} 办结。", f"{task.finished_by} has finished this task."),
                task_no=task_no,
                finished_by=task.finished_by,
            )
        if task.claimed_by not in (None, call.actor) and not from_others:
            raise TaskTaken(
                text(
                    f"该待办正由 {task.claimed_by} 处理，请与其联系或等其放回。",
                    f"{task.claimed_by} has this task in hand; talk to them or wait until it is put back.",
                ),
                task_no=task_no,
                claimed_by=task.claimed_by,
            )
        return task

    def _again(self, call: Call, task: KnownTask) -> Task:
        found = self._store.task(task.task_no, None)
        return _task(found or task, call.today)

    def _pending(self, approval_no: int) -> KnownApproval:
        known = self._store.approval(approval_no, lock=True)
        if known is None:
            raise _no_approval(approval_no)
        if known.state != "pending":
            raise AlreadyDecided(
                text(
                    f"该申请已由 {known.decided_by} 办理，请刷新查看。",
                    f"{known.decided_by} has settled this request; reload to see it.",
                ),
                approval_no=approval_no,
                state=known.state,
            )
        return known

    def _settle(self, call: Call, known: KnownApproval, state: str, remark: str) -> None:
        self._store.decide(known.approval_no, state, call.actor, call.now, remark)
        task = FinishSubject(subject_noun="workflow", subject_id=str(known.approval_no), remark=remark)
        self._store.finish_subject(task, call.actor, call.now)

    def _approval(self, approval_no: int) -> Approval:
        known = self._store.approval(approval_no)
        if known is None:
            raise _no_approval(approval_no)
        return _approval(known)


def _require_scope(call: Call, org: str) -> None:
    if not call.covers(org):
        raise OutsideReach(
            text(f"单位 {org} 不在您的管辖范围内，未办理。", f"Unit {org} is outside your scope; nothing was done."),
            org=org,
        )


def _no_approval(approval_no: int) -> ApprovalNotFound:
    return ApprovalNotFound(
        text(
            f"审批 {approval_no} 不存在，或不在您的管辖范围内。",
            f"Approval {approval_no} does not exist or is outside your scope.",
        ),
        approval_no=approval_no,
    )


def _task(row: KnownTask, today: date) -> Task:
    return Task(
        task_no=row.task_no,
        kind=row.kind,
        title=TextPair(zh=row.title_zh, en=row.title_en),
        org=row.org,
        role=row.role,
        subject_noun=row.subject_noun,
        subject_id=row.subject_id,
        page=row.page,
        parameters=row.parameters,
        count=row.count,
        first_at=row.first_at,
        last_at=row.last_at,
        due_on=row.due_on,
        overdue=row.state != "done" and row.due_on is not None and row.due_on < today,
        state=cast(TaskState, row.state),
        claimed_by=row.claimed_by,
        raised_at=row.raised_at,
        finished_at=row.finished_at,
        finished_by=row.finished_by,
        remark=row.remark,
    )


def _approval(row: KnownApproval) -> Approval:
    return Approval(
        approval_no=row.approval_no,
        kind=row.kind,
        subject_noun=row.subject_noun,
        subject_id=row.subject_id,
        title=TextPair(zh=row.title_zh, en=row.title_en),
        org=row.org,
        role=row.role,
        payload=row.payload,
        state=cast(ApprovalState, row.state),
        requested_by=row.requested_by,
        requested_at=row.requested_at,
        request_remark=row.request_remark,
        decided_by=row.decided_by,
        decided_at=row.decided_at,
        remark=row.remark,
    )

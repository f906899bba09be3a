"""Contract of the workflow service (工作流): the to-do list (待办) and approvals by a second person (审批)."""

from datetime import date
from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, Field, JsonValue, StringConstraints

from denghuo.kernel.contract import Api, Call, Dictionary, Event, Label, Message, Page, command, query
from denghuo.kernel.fields import AsOf, OrganisationCode, Remark, TextPair
from denghuo.kernel.problem import NotFound, Problem, text

ITEMS_MAX = 1_000

TASK_STATES = Dictionary(
    "workflow.task_state",
    {"open": text("待办", "To do"), "claimed": text("处理中", "In hand"), "done": text("已办", "Done")},
    tones={"open": "notice", "claimed": "warning", "done": "good"},
)
APPROVAL_STATES = Dictionary(
    "workflow.approval_state",
    {
        "pending": text("待审批", "Pending"),
        "agreed": text("同意", "Agreed"),
        "refused": text("不同意", "Refused"),
        "withdrawn": text("已撤回", "Withdrawn"),
    },
    tones={"pending": "notice", "agreed": "good", "refused": "danger", "withdrawn": "plain"},
)

_PLAIN = r"^[^\x00-\x1f\x7f]*$"
TaskNo = Annotated[int, Label("待办编号", "Task no.")]
ApprovalNo = Annotated[int, Label("审批编号", "Approval no.")]
TaskState = Annotated[Literal["open", "claimed", "done"], Label("状态", "State", dictionary=TASK_STATES.name)]
ApprovalState = Annotated[
    Literal["pending", "agreed", "refused", "withdrawn"], Label("状态", "State", dictionary=APPROVAL_STATES.name)
]
TaskKey = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=_PLAIN), Label("业务键", "Key")]
WorkKind = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z_.]{1,63}$"), Label("类型", "Kind")]
RoleCode = Annotated[
    str, StringConstraints(pattern=r"^[a-z][a-z_]{1,39}$"), Label("角色", "Role", dictionary="permission.role")
]
SubjectNoun = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,32}$"), Label("业务", "Business")]
SubjectId = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=_PLAIN), Label("对象", "Subject")]
PageId = Annotated[str, StringConstraints(pattern=r"^([a-z]+\.[a-z_]+)?$", max_length=80), Label("页面", "Page")]
Parameters = Annotated[dict[str, Annotated[str, StringConstraints(max_length=200)]], Field(max_length=20)]
TITLE_MAX = 200


def _title(value: TextPair) -> TextPair:
    for part in (value.zh, value.en):
        if not 0 < len(part) <= TITLE_MAX or any(ord(character) < 32 for character in part):
            raise ValueError(f"a title has 1 to {TITLE_MAX} printable characters in both languages")
    return value


Titled = Annotated[TextPair, AfterValidator(_title), Label("事项", "Matter")]


Gathered = Annotated[int | None, Field(ge=1), Label("件数", "Count")]
FirstAt = Annotated[AwareDatetime | None, Label("最早发生", "First")]
LastAt = Annotated[AwareDatetime | None, Label("最近发生", "Last")]


class NewTask(Message):
    """Something for whoever holds a role at an organisation or above it. `page` with `parameters` is where it is done.

    `count`: the task gathers so many matters of one subject, the first and the last at these instants. Of one kind, subject and
    role there is one such task at a time: while one is not done, another restates it.
    """

    key: TaskKey
    kind: WorkKind
    title: Titled
    org: OrganisationCode
    role: RoleCode
    subject_noun: SubjectNoun
    subject_id: SubjectId
    page: PageId = ""
    parameters: Parameters = {}
    due_on: Annotated[date | None, Label("期限", "Due")] = None
    count: Gathered = None
    first_at: FirstAt = None
    last_at: LastAt = None


class RaiseTasks(Message):
    """`restating`: only what gathered tasks say that are not done is put right, and none is added."""

    tasks: Annotated[list[NewTask], Field(min_length=1, max_length=ITEMS_MAX)]
    restating: bool = False


class TasksRaised(Message):
    """`unchanged` were raised before under the same key, whatever became of them; `restated` are those that gather."""

    raised: int
    unchanged: int
    restated: int = 0


class FindTasks(Page):
    """Tasks of the caller's roles and organisations, the most pressing first."""

    state: Annotated[Literal["open", "claimed", "done"] | None, Label("状态", "State", dictionary=TASK_STATES.name)] = (
        None
    )
    kind: WorkKind | None = None
    org: OrganisationCode | None = None


class Task(Message):
    task_no: TaskNo
    kind: WorkKind
    title: Titled
    org: OrganisationCode
    role: RoleCode
    subject_noun: SubjectNoun
    subject_id: SubjectId
    page: PageId
    parameters: Parameters
    count: Gathered
    first_at: FirstAt
    last_at: LastAt
    due_on: Annotated[date | None, Label("期限", "Due")]
    overdue: Annotated[bool, Label("已逾期", "Overdue")]
    state: TaskState
    claimed_by: Annotated[str | None, Label("处理人", "In hand of", dictionary="staff")]
    raised_at: Annotated[AwareDatetime, Label("产生时间", "Raised")]
    finished_at: Annotated[AwareDatetime | None, Label("办结时间", "Finished")]
    finished_by: Annotated[str | None, Label("办结人", "Finished by", dictionary="staff")]
    remark: Remark


class TasksFound(Message):
    """Without a state asked for, tasks that are not done."""

    rows: list[Task]
    total: int
    next: str | None
    as_of: AsOf


class CountTasks(Message): ...


class KindCount(Message):
    kind: WorkKind
    count: Annotated[int, Label("件数", "Count")]


class TaskCounts(Message):
    open: Annotated[int, Label("待办", "To do")]
    mine: Annotated[int, Label("我在处理", "In my hand")]
    overdue: Annotated[int, Label("已逾期", "Overdue")]
    kinds: list[KindCount]
    as_of: AsOf


class TaskRef(Message):
    task_no: TaskNo


class FinishTask(Message):
    task_no: TaskNo
    remark: Remark = ""


class FinishSubject(Message):
    """Finishes all tasks of a subject, because the matter is settled; with `kind`, only those of a kind."""

    subject_noun: SubjectNoun
    subject_id: SubjectId
    kind: WorkKind | None = None
    remark: Remark = ""


class Finished(Message):
    finished: int


class RequestApproval(Message):
    """Asks whoever holds `role` at `org` or above to agree. `org` is that of the subject, within the caller's scope."""

    kind: WorkKind
    subject_noun: SubjectNoun
    subject_id: SubjectId
    title: Titled
    org: OrganisationCode
    role: RoleCode
    payload: Annotated[dict[str, JsonValue], Field(max_length=50)] = {}
    remark: Remark = ""


class ApprovalRef(Message):
    approval_no: ApprovalNo


class Decide(Message):
    """A refusal gives its reason."""

    approval_no: ApprovalNo
    agreed: Annotated[bool, Label("同意", "Agreed")]
    remark: Remark = ""


class FindApprovals(Page):
    state: Annotated[
        Literal["pending", "agreed", "refused", "withdrawn"] | None,
        Label("状态", "State", dictionary=APPROVAL_STATES.name),
    ] = None
    kind: WorkKind | None = None
    subject_noun: SubjectNoun | None = None
    subject_id: SubjectId | None = None


class Approval(Message):
    approval_no: ApprovalNo
    kind: WorkKind
    subject_noun: SubjectNoun
    subject_id: SubjectId
    title: Titled
    org: OrganisationCode
    role: RoleCode
    payload: dict[str, JsonValue]
    state: ApprovalState
    requested_by: Annotated[str, Label("申请人", "Requested by", dictionary="staff")]
    requested_at: Annotated[AwareDatetime, Label("申请时间", "Requested")]
    request_remark: Annotated[str, Label("申请说明", "Request")]
    decided_by: Annotated[str | None, Label("审批人", "Decided by", dictionary="staff")]
    decided_at: Annotated[AwareDatetime | None, Label("审批时间", "Decided")]
    remark: Remark


class ApprovalsFound(Message):
    rows: list[Approval]
    total: int
    next: str | None
    as_of: AsOf


class ApprovalDecided(Event, name="workflow.approval.decided", version=1):
    approval_no: int
    kind: str
    subject_noun: str
    subject_id: str
    agreed: bool
    decided_by: str
    requested_by: str
    remark: str


class ApprovalWithdrawn(Event, name="workflow.approval.withdrawn", version=1):
    """Who asked took the request back: nobody will decide on it."""

    approval_no: int
    kind: str
    subject_noun: str
    subject_id: str
    withdrawn_by: str


class OutsideReach(Problem, noun="workflow", status=403, zh="超出本单位管辖范围", en="Outside your organisation scope"):
    """Fields: org."""


class TaskNotFound(NotFound, noun="workflow", status=404, zh="未找到该待办", en="No such task"):
    """Fields: task_no. Raised also for a task of another organisation or role."""


class TaskTaken(Problem, noun="workflow", status=409, zh="已由他人处理", en="In another person's hand"):
    """Fields: task_no, claimed_by."""


class TaskDone(Problem, noun="workflow", status=409, zh="该待办已办结", en="The task is done"):
    """Fields: task_no, finished_by."""


class ApprovalNotFound(NotFound, noun="workflow", status=404, zh="未找到该审批", en="No such approval"):
    """Fields: approval_no."""


class SamePerson(
    Problem, noun="workflow", status=409, zh="申请人不能审批自己的申请", en="Nobody decides on their own request"
):
    """Fields: approval_no."""


class AlreadyDecided(Problem, noun="workflow", status=409, zh="该申请已有结论", en="The request was decided already"):
    """Fields: approval_no, state."""


class NotTheApprover(Problem, noun="workflow", status=403, zh="不属于您的审批岗位", en="Another post decides on this"):
    """Fields: approval_no, role."""


class ReasonWanted(Problem, noun="workflow", status=422, zh="不同意时请写明理由", en="A refusal needs its reason"):
    """Fields: errors."""


class WorkflowApi(Api, noun="workflow", version=1):
    """Operations on tasks and approvals. Services raise both and say when they are settled. `workflow.raise` is no post's permit:
    who holds it could put the approval of their own request before somebody of their choice."""

    @command(permit="workflow.raise", problems=(OutsideReach,))
    def raise_tasks(self, call: Call, request: RaiseTasks) -> TasksRaised:
        """Puts up to 1,000 tasks on the to-do lists; a key that was used already changes nothing but what a task gathers."""

    @query(permit="workflow.read")
    def tasks(self, call: Call, request: FindTasks) -> TasksFound:
        """The caller's to-do list."""

    @query(permit="workflow.read")
    def counts(self, call: Call, request: CountTasks) -> TaskCounts:
        """How many tasks wait for the caller, by kind."""

    @command(permit="workflow.act", problems=(TaskNotFound, TaskTaken, TaskDone))
    def claim(self, call: Call, request: TaskRef) -> Task:
        """Takes a task in hand, so that nobody else works on it as well."""

    @command(permit="workflow.act", problems=(TaskNotFound, TaskTaken, TaskDone))
    def put_back(self, call: Call, request: TaskRef) -> Task:
        """Gives a task back to the list."""

    @command(permit="workflow.act", problems=(TaskNotFound, TaskTaken, TaskDone))
    def finish(self, call: Call, request: FinishTask) -> Task:
        """Finishes a task that nobody else has in hand."""

    @command(permit="workflow.raise")
    def finish_subject(self, call: Call, request: FinishSubject) -> Finished:
        """Finishes the tasks of a subject within the caller's scope, whoever has them in hand."""

    @command(permit="workflow.raise", problems=(OutsideReach,))
    def request_approval(self, call: Call, request: RequestApproval) -> ApprovalRef:
        """Asks for an approval and puts it on the approvers' list. A pending one of the same kind and subject stands."""

    @command(
        permit="workflow.decide",
        problems=(ApprovalNotFound, SamePerson, AlreadyDecided, NotTheApprover, ReasonWanted),
        emits=(ApprovalDecided,),
    )
    def decide(self, call: Call, request: Decide) -> Approval:
        """Agrees or refuses; never by the person who asked."""

    @command(
        permit="workflow.act",
        problems=(ApprovalNotFound, AlreadyDecided, NotTheApprover),
        emits=(ApprovalWithdrawn,),
    )
    def withdraw(self, call: Call, request: ApprovalRef) -> Approval:
        """Takes one's own request back while it is pending."""

    @query(permit="workflow.read")
    def approvals(self, call: Call, request: FindApprovals) -> ApprovalsFound:
        """Approvals within the caller's scope, newest first."""

    @query(permit="workflow.read", problems=(ApprovalNotFound,))
    def approval(self, call: Call, request: ApprovalRef) -> Approval:
        """One approval with what it was asked for."""

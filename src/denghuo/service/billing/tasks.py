"""To-do entries for what is held (待办): raised for the billing accountants of the account's unit, finished when it is settled."""

from collections.abc import Sequence

from denghuo.kernel.contract import Call
from denghuo.kernel.fields import TextPair
from denghuo.service.billing.api.exception import HOLD_CODES
from denghuo.service.billing.store import Hold
from denghuo.service.host.binding import Ask
from denghuo.service.workflow.api import FinishSubject, NewTask, RaiseTasks, WorkflowApi

TASKS_MAX = 500
ROLE = "billing_accountant"
KIND = "billing.exception"


def raise_tasks(ask: Ask, call: Call, holds: Sequence[Hold]) -> None:
    """One task for each exception. What was settled and is held again is another task: its key carries when it was raised."""
    if holds:
        ask(WorkflowApi).raise_tasks(call, RaiseTasks(tasks=[_task(hold) for hold in holds]))


def finish_tasks(ask: Ask, call: Call, holds: Sequence[Hold]) -> None:
    """Takes settled exceptions off the to-do lists."""
    for hold in holds:
        ask(WorkflowApi).finish_subject(
            call,
            FinishSubject(subject_noun="billing", subject_id=hold.exception_no, remark=hold.settled_why or ""),
        )


def _task(hold: Hold) -> NewTask:
    title = HOLD_CODES.entries[hold.code]
    return NewTask(
        key=f"billing-{hold.exception_no}-{int(hold.raised_at.timestamp())}",
        kind=KIND,
        title=TextPair(
            zh=f"{hold.month} {hold.account_no} {title['zh']}", en=f"{hold.month} {hold.account_no} {title['en']}"
        ),
        org=hold.org,
        role=ROLE,
        subject_noun="billing",
        subject_id=hold.exception_no,
        page="billing.exception",
        parameters={"exception_no": hold.exception_no},
    )

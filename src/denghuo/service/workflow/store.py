"""Queries on the workflow schema."""

import json
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from denghuo.data.processing.work import Work
from denghuo.service.workflow.api import FindApprovals, FindTasks, FinishSubject, NewTask, RequestApproval


@dataclass(frozen=True)
class KnownTask:
    task_no: int
    kind: str
    title_zh: str
    title_en: str
    org: str
    role: str
    subject_noun: str
    subject_id: str
    page: str
    parameters: dict[str, str]
    count: int | None
    first_at: datetime | None
    last_at: datetime | None
    due_on: date | None
    state: str
    claimed_by: str | None
    raised_at: datetime
    finished_at: datetime | None
    finished_by: str | None
    remark: str


@dataclass(frozen=True)
class KnownApproval:
    approval_no: int
    kind: str
    subject_noun: str
    subject_id: str
    title_zh: str
    title_en: str
    org: str
    role: str
    payload: dict[str, Any]
    state: str
    requested_by: str
    requested_at: datetime
    request_remark: str
    decided_by: str | None
    decided_at: datetime | None
    remark: str


_TASK = (
    "task_no, kind, title_zh, title_en, org, role, subject_noun, subject_id, page, parameters, count, first_at, last_at, due_on,"
    " state, claimed_by,"
    " raised_at, finished_at, finished_by, remark"
)
_APPROVAL = (
    "approval_no, kind, subject_noun, subject_id, title_zh, title_en, org, role, payload, state, requested_by,"
    " requested_at, request_remark, decided_by, decided_at, remark"
)
_MINE = "(%(roles)s::text[] IS NULL OR role = ANY (%(roles)s))"


class WorkflowStore:
    def __init__(self, work: Work) -> None:
        self._work = work

    # -- tasks -----------------------------------------------------------------------------------------------------------

    def raise_tasks(self, tasks: list[NewTask], at: datetime) -> int:
        """Adds those whose key is new and, where they gather, whose subject has none that is not done; gives how many."""
        return self._work.run_many(
            "INSERT INTO task (key, kind, title_zh, title_en, org, role, subject_noun, subject_id, page, parameters, due_on,"
            " count, first_at, last_at, raised_at)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
            [
                (
                    task.key,
                    task.kind,
                    task.title.zh,
                    task.title.en,
                    task.org,
                    task.role,
                    task.subject_noun,
                    task.subject_id,
                    task.page,
                    json.dumps(task.parameters, ensure_ascii=False),
                    task.due_on,
                    task.count,
                    task.first_at,
                    task.last_at,
                    at,
                )
                for task in tasks
            ],
        )

    def restate(self, tasks: list[NewTask], keeping_key: bool) -> int:
        """What gathered tasks say that are not done is now this; gives how many there are. Where they take over the key, what is
        told again once they are done is known."""
        return self._work.run_many(
            "UPDATE task t SET key = CASE WHEN %(keeping)s OR EXISTS (SELECT FROM task u WHERE u.key = %(key)s) THEN t.key"
            " ELSE %(key)s END,"
            " title_zh = %(zh)s, title_en = %(en)s, page = %(page)s, parameters = %(parameters)s, count = %(count)s,"
            " first_at = %(first_at)s, last_at = %(last_at)s"
            " WHERE t.kind = %(kind)s AND t.subject_noun = %(subject_noun)s AND t.subject_id = %(subject_id)s"
            " AND t.role = %(role)s AND t.count IS NOT NULL AND t.state <> 'done'",
            [
                {
                    **task.model_dump(exclude={"title", "parameters"}),
                    "zh": task.title.zh,
                    "en": task.title.en,
                    "keeping": keeping_key,
                    "parameters": json.dumps(task.parameters, ensure_ascii=False),
                }
                for task in tasks
            ],
        )

    def task(self, task_no: int, roles: list[str] | None) -> KnownTask | None:
        """A task of the given roles (None: of all), locked until the end of the transaction."""
        row: KnownTask | None = self._work.row(
            f"SELECT {_TASK} FROM task WHERE task_no = %(number)s AND {_MINE} FOR UPDATE",
            {"number": task_no, "roles": roles},
            KnownTask,
        )
        return row

    def find(self, request: FindTasks, roles: list[str] | None, skip: int) -> tuple[list[KnownTask], int]:
        params = {
            "state": request.state,
            "kind": request.kind,
            "org": request.org,
            "roles": roles,
            "skip": skip,
            "limit": request.limit,
        }
        matching = (
            f"FROM task WHERE {_MINE} AND (state = %(state)s OR (%(state)s::text IS NULL AND state <> 'done'))"
            " AND (%(kind)s::text IS NULL OR kind = %(kind)s) AND denghuo.of_unit(org, %(org)s)"
        )
        rows = self._work.rows(
            f"SELECT {_TASK} {matching} ORDER BY due_on NULLS LAST, task_no OFFSET %(skip)s LIMIT %(limit)s",
            params,
            KnownTask,
        )
        return rows, int(self._work.value(f"SELECT count(*) {matching}", params) or 0)

    def counts(self, roles: list[str] | None, actor: str, today: date) -> tuple[int, int, int, list[tuple[str, int]]]:
        """Not done, in the actor's hand, overdue, and by kind."""
        params = {"roles": roles, "actor": actor, "today": today}
        rows = self._work.rows(
            "SELECT kind, count(*) AS count, count(*) FILTER (WHERE claimed_by = %(actor)s) AS mine,"
            f" count(*) FILTER (WHERE due_on < %(today)s) AS overdue FROM task WHERE {_MINE} AND state <> 'done'"
            " GROUP BY kind ORDER BY count(*) DESC, kind",
            params,
        )
        return (
            sum(row["count"] for row in rows),
            sum(row["mine"] for row in rows),
            sum(row["overdue"] for row in rows),
            [(row["kind"], row["count"]) for row in rows],
        )

    def hold(self, task_no: int, by: str | None) -> None:
        """Puts a task into a person's hand, or back on the list."""
        self._work.run(
            "UPDATE task SET state = %s, claimed_by = %s WHERE task_no = %s",
            ("open" if by is None else "claimed", by, task_no),
        )

    def finish(self, task_no: int, by: str, at: datetime, remark: str) -> None:
        self._work.run(
            "UPDATE task SET state = 'done', finished_by = %s, finished_at = %s, remark = %s WHERE task_no = %s",
            (by, at, remark, task_no),
        )

    def finish_subject(self, request: FinishSubject, by: str, at: datetime) -> int:
        return self._work.run(
            "UPDATE task SET state = 'done', finished_by = %(by)s, finished_at = %(at)s, remark = %(remark)s"
            " WHERE subject_noun = %(noun)s AND subject_id = %(id)s AND state <> 'done'"
            " AND (%(kind)s::text IS NULL OR kind = %(kind)s)",
            {
                "by": by,
                "at": at,
                "remark": request.remark,
                "noun": request.subject_noun,
                "id": request.subject_id,
                "kind": request.kind,
            },
        )

    # -- approvals -------------------------------------------------------------------------------------------------------

    def add_approval(self, request: RequestApproval, by: str, at: datetime) -> int | None:
        """The new approval's number; None where one of this kind and subject is pending."""
        number = self._work.value(
            "INSERT INTO approval (kind, subject_noun, subject_id, title_zh, title_en, org, role, payload, requested_by,"
            " requested_at, request_remark) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
            " ON CONFLICT (org, kind, subject_noun, subject_id) WHERE state = 'pending' DO NOTHING RETURNING approval_no",
            (
                request.kind,
                request.subject_noun,
                request.subject_id,
                request.title.zh,
                request.title.en,
                request.org,
                request.role,
                json.dumps(request.payload, ensure_ascii=False),
                by,
                at,
                request.remark,
            ),
        )
        return None if number is None else int(number)

    def pending(self, request: RequestApproval) -> int | None:
        number = self._work.value(
            "SELECT approval_no FROM approval WHERE org = %s AND kind = %s AND subject_noun = %s AND subject_id = %s"
            " AND state = 'pending'",
            (request.org, request.kind, request.subject_noun, request.subject_id),
        )
        return None if number is None else int(number)

    def approval(self, approval_no: int, lock: bool = False) -> KnownApproval | None:
        row: KnownApproval | None = self._work.row(
            f"SELECT {_APPROVAL} FROM approval WHERE approval_no = %s" + (" FOR UPDATE" if lock else ""),
            (approval_no,),
            KnownApproval,
        )
        return row

    def decide(self, approval_no: int, state: str, by: str, at: datetime, remark: str) -> None:
        self._work.run(
            "UPDATE approval SET state = %s, decided_by = %s, decided_at = %s, remark = %s WHERE approval_no = %s",
            (state, by, at, remark, approval_no),
        )

    def find_approvals(self, request: FindApprovals) -> tuple[list[KnownApproval], int]:
        params = {
            "state": request.state,
            "kind": request.kind,
            "noun": request.subject_noun,
            "id": request.subject_id,
            "below": request.after_number,
            "limit": request.limit,
        }
        matching = (
            "FROM approval WHERE (%(state)s::text IS NULL OR state = %(state)s)"
            " AND (%(kind)s::text IS NULL OR kind = %(kind)s) AND (%(noun)s::text IS NULL OR subject_noun = %(noun)s)"
            " AND (%(id)s::text IS NULL OR subject_id = %(id)s)"
        )
        rows = self._work.rows(
            f"SELECT {_APPROVAL} {matching} AND (%(below)s::bigint IS NULL OR approval_no < %(below)s)"
            " ORDER BY approval_no DESC LIMIT %(limit)s",
            params,
            KnownApproval,
        )
        return rows, int(self._work.value(f"SELECT count(*) {matching}", params) or 0)

"""What stands still (滞留): parked events and held jobs of this process's services, and the wish that they go on."""

from collections.abc import Iterable
from datetime import datetime

from denghuo.access.api import (
    DeliverAgain,
    FindHeldJobs,
    FindParked,
    HeldJobNotFound,
    HeldJobRow,
    HeldJobsFound,
    ParkedEvent,
    ParkedFound,
    ParkedNotFound,
    RunAgain,
)
from denghuo.access.monitoring.audit import content
from denghuo.data.processing import outbox
from denghuo.data.processing.database import Database
from denghuo.data.processing.outbox import Outbox, Parked
from denghuo.kernel.contract import Call, Nothing
from denghuo.kernel.problem import text
from denghuo.service.host import held
from denghuo.service.host.held import HeldJob


class Standstill:
    """nouns: the services whose events and jobs the caller may see."""

    def __init__(self, database: Database, nouns: Iterable[str]) -> None:
        self._database, self._nouns = database, sorted(set(nouns))

    def parked(self, call: Call, request: FindParked) -> ParkedFound:
        rows, total = outbox.parked(self._database, self._nouns, request.limit + 1, _below(request.after))
        page = rows[: request.limit]
        following = f"{page[-1].parked_at.isoformat()} {_number(page[-1])}" if len(rows) > request.limit else None
        return ParkedFound(rows=[_event(row) for row in page], total=total, next=following, as_of=call.now)

    def deliver_again(self, call: Call, request: DeliverAgain) -> Nothing:
        """The mark is committed by itself: set twice it does the same as once."""
        consumer, _, event_id = request.parked_no.partition("-")
        schema = event_id.partition("-")[0]
        if schema not in self._nouns or not Outbox(self._database, schema).ask_again(consumer, event_id, call.now):
            raise ParkedNotFound(
                text(
                    f"搁置事件 {request.parked_no} 不存在，可能已重新投递成功；请刷新列表。",
                    f"There is no parked event {request.parked_no}; it may have been taken meanwhile. Load the list again.",
                ),
                parked_no=request.parked_no,
            )
        return Nothing()

    def held_jobs(self, call: Call, request: FindHeldJobs) -> HeldJobsFound:
        below = int(request.after) if request.after and request.after.isdecimal() else None
        rows, total = held.held_jobs(self._database, self._nouns, request.limit + 1, below)
        page = rows[: request.limit]
        following = str(page[-1].number) if len(rows) > request.limit else None
        return HeldJobsFound(rows=[_job(row) for row in page], total=total, next=following, as_of=call.now)

    def run_again(self, request: RunAgain) -> Nothing:
        """Back in the queue by itself, as `deliver_again`."""
        if not held.run_again(self._database, self._nouns, request.job_no):
            raise HeldJobNotFound(
                text(
                    f"滞留作业 {request.job_no} 不存在，可能已重新执行；请刷新列表。",
                    f"There is no held job {request.job_no}; it may have been run again meanwhile. Load the list again.",
                ),
                job_no=request.job_no,
            )
        return Nothing()


def _number(row: Parked) -> str:
    return f"{row.consumer}-{row.event_id}"


def _below(after: str | None) -> tuple[datetime, str, str] | None:
    """Where the page before ended; None at the first page, and for a text that never was a `next`."""
    at, _, number = (after or "").partition(" ")
    consumer, _, event_id = number.partition("-")
    try:
        instant = datetime.fromisoformat(at)
    except ValueError:
        return None
    return (instant, consumer, event_id) if instant.tzinfo else None


def _event(row: Parked) -> ParkedEvent:
    return ParkedEvent(
        parked_no=_number(row),
        event=row.event["type"],
        consumer=row.consumer,
        why=row.reason,
        actor=row.actor,
        parked_at=row.parked_at,
        asked_at=row.asked_at,
        content=content(row.event["data"]),
    )


def _job(row: HeldJob) -> HeldJobRow:
    return HeldJobRow(
        job_no=row.number,
        operation=row.operation,
        why=row.why,
        actor=row.actor,
        held_at=row.held_at,
        content=content(row.request),
    )

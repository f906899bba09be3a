"""Contract of what stands still (滞留): events that a service refused too often, and jobs that ended with an error."""

from typing import Annotated

from pydantic import AwareDatetime, Field, StringConstraints

from denghuo.kernel.contract import Api, Call, Label, Message, Nothing, Page, command, query
from denghuo.kernel.fields import AsOf, Reason
from denghuo.kernel.problem import NotFound

ParkedNo = Annotated[
    str, StringConstraints(max_length=120, pattern=r"^[^\x00-\x1f\x7f]*$"), Label("搁置编号", "Parked no.")
]


class FindParked(Page):
    """Events that a service refused too often, newest first."""


class ParkedEvent(Message):
    """One of them. Personal data in `content` stays sealed and shows as dots. `asked_at`: it is about to be delivered again."""

    parked_no: ParkedNo
    event: Annotated[str, Label("事件", "Event")]
    consumer: Annotated[str, Label("未接收的服务", "Refused by")]
    why: Annotated[str, Label("原因", "Reason")]
    actor: Annotated[str, Label("操作人", "Actor")]
    parked_at: Annotated[AwareDatetime, Label("搁置时间", "Parked")]
    asked_at: Annotated[AwareDatetime | None, Label("要求重投时间", "To be delivered again since")]
    content: Annotated[str, Label("内容", "Content")]


class ParkedFound(Message):
    rows: list[ParkedEvent]
    total: int
    next: str | None
    as_of: AsOf


class DeliverAgain(Message):
    parked_no: ParkedNo
    reason: Reason


JobNo = Annotated[int, Field(ge=1, le=2**63 - 1), Label("作业编号", "Job no.")]


class FindHeldJobs(Page):
    """Jobs that ended with an error, the newest first."""


class HeldJobRow(Message):
    """One of them. `content`: what it was to do, which names what it is about by numbers."""

    job_no: JobNo
    operation: Annotated[str, Label("作业", "Job", dictionary="application.operation")]
    why: Annotated[str, Label("原因", "Reason")]
    actor: Annotated[str, Label("操作人", "Actor")]
    held_at: Annotated[AwareDatetime, Label("中止时间", "Ended at")]
    content: Annotated[str, Label("内容", "Content")]


class HeldJobsFound(Message):
    rows: list[HeldJobRow]
    total: int
    next: str | None
    as_of: AsOf


class RunAgain(Message):
    job_no: JobNo
    reason: Reason


class ParkedNotFound(NotFound, noun="access", status=404, zh="未找到该搁置事件", en="No such parked event"):
    """Fields: parked_no. It may have been taken meanwhile."""


class HeldJobNotFound(NotFound, noun="access", status=404, zh="未找到该滞留作业", en="No such held job"):
    """Fields: job_no. It may have been run again meanwhile."""


class StandstillOperations(Api):
    """What an administrator sees of it, and has go on."""

    @query(permit="access.parked")
    def parked(self, call: Call, request: FindParked) -> ParkedFound:
        """Events of this process's services that another service refused too often, with the reason. They concern the whole
        company: whose scope is not all of it sees none."""

    @command(permit="access.deliver_again", problems=(ParkedNotFound,))
    def deliver_again(self, call: Call, request: DeliverAgain) -> Nothing:
        """Gives a parked event to its service once more. Taken, it leaves the list; refused, it stays with the reason of now."""

    @query(permit="access.parked")
    def held_jobs(self, call: Call, request: FindHeldJobs) -> HeldJobsFound:
        """Jobs of this process's services that ended with an error, with the reason. They concern the whole company: whose scope is
        not all of it sees none."""

    @command(permit="access.run_again", problems=(HeldJobNotFound,))
    def run_again(self, call: Call, request: RunAgain) -> Nothing:
        """Has a held job begin again behind the steps that it committed. Ended well, it leaves the list; else it is held anew."""

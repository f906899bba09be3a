"""What acquisition hears: what becomes of requests that need a second person, that customers were told of a disconnection, and
its own alarms, which follow on the to-do lists."""

from denghuo.kernel.contract import Call, on
from denghuo.service.acquisition.api import AlarmGroupSettled, AlarmSettled, AlarmsRaised
from denghuo.service.acquisition.service import AcquisitionService
from denghuo.service.notice.api import NoticesSent
from denghuo.service.workflow.api import ApprovalDecided, ApprovalWithdrawn


@on(ApprovalDecided)
def carry_out_decision(service: AcquisitionService, call: Call, event: ApprovalDecided) -> None:
    """Another person decided on a switching, a roll-out or keys."""
    if event.subject_noun == "acquisition":
        service.decided(call, event)


@on(ApprovalWithdrawn)
def forget_request(service: AcquisitionService, call: Call, event: ApprovalWithdrawn) -> None:
    """Who asked for one of them thought better of it."""
    if event.subject_noun == "acquisition":
        service.withdrawn(call, event)


@on(AlarmsRaised)
def list_alarms(service: AcquisitionService, call: Call, event: AlarmsRaised) -> None:
    """What is serious comes onto somebody's to-do list."""
    service.routing.raised(call, event)


@on(AlarmSettled)
def strike_alarm(service: AcquisitionService, call: Call, event: AlarmSettled) -> None:
    """What was looked into leaves it."""
    service.routing.settled(call, event)


@on(AlarmGroupSettled)
def strike_alarms(service: AcquisitionService, call: Call, event: AlarmGroupSettled) -> None:
    """So does what was closed together."""
    service.routing.group_settled(call, event)


@on(NoticesSent)
def record_notices(service: AcquisitionService, call: Call, event: NoticesSent) -> None:
    """What went out about disconnections counts as told."""
    service.take_sent(call, event)

"""What acquisition hears: what becomes of requests that need a second person."""

from denghuo.kernel.contract import Call, on
from denghuo.service.acquisition.service import AcquisitionService
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

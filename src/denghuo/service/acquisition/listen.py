"""What acquisition hears: decisions on what needs a second person."""

from denghuo.kernel.contract import Call, on
from denghuo.service.acquisition.service import AcquisitionService
from denghuo.service.workflow.api import ApprovalDecided


@on(ApprovalDecided)
def carry_out_decision(service: AcquisitionService, call: Call, event: ApprovalDecided) -> None:
    if event.subject_noun == "acquisition":
        service.decided(call, event)

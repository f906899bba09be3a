"""What loss hears: a month is computed when its bills are issued, and again when one of its reads was corrected."""

from denghuo.kernel.contract import Call, on
from denghuo.service.billing.api import BillsIssued
from denghuo.service.loss.api import MonthRef, NotRead
from denghuo.service.loss.service import LossService
from denghuo.service.reading.api import ReadCorrected


@on(BillsIssued)
def compute_issued(service: LossService, call: Call, event: BillsIssued) -> None:
    service.compute(call, MonthRef(month=event.month))


@on(ReadCorrected)
def compute_corrected(service: LossService, call: Call, event: ReadCorrected) -> None:
    try:
        service.compute(call, MonthRef(month=event.month))
    except NotRead:
        # Corrected before the month was read as a whole: there is nothing to balance yet.
        return

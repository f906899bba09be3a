"""What loss hears: a month is computed when it was read as a whole, and again when bills are issued or a read was corrected.

Of a month that is billed unit by unit there is nothing to balance before it is read as a whole.
"""

from denghuo.kernel.contract import Call, on
from denghuo.service.billing.api import BillsIssued
from denghuo.service.loss.api import MonthRef, NotRead
from denghuo.service.loss.service import LossService
from denghuo.service.reading.api import MonthWasRead, ReadCorrected


@on(MonthWasRead)
def compute_read(service: LossService, call: Call, event: MonthWasRead) -> None:
    service.compute(call, MonthRef(month=event.month))


@on(BillsIssued)
def compute_issued(service: LossService, call: Call, event: BillsIssued) -> None:
    _where_read(service, call, event.month)


@on(ReadCorrected)
def compute_corrected(service: LossService, call: Call, event: ReadCorrected) -> None:
    _where_read(service, call, event.month)


def _where_read(service: LossService, call: Call, month: str) -> None:
    try:
        service.compute(call, MonthRef(month=month))
    except NotRead:
        return

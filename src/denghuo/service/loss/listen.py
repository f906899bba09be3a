"""What loss hears: a month was read as a whole, its energy was corrected, or bills of it were issued. Each asks for the month's
computation, which follows by a job.

Of a month that is billed unit by unit there is nothing to balance before it is read as a whole.
"""

from denghuo.kernel.contract import Call, on
from denghuo.service.billing.api import BillsIssued
from denghuo.service.loss.service import LossService
from denghuo.service.reading.api import EnergyCorrected, MonthWasRead


@on(MonthWasRead)
def compute_read(service: LossService, call: Call, event: MonthWasRead) -> None:
    service.follow(call, event.month)


@on(BillsIssued)
def compute_issued(service: LossService, call: Call, event: BillsIssued) -> None:
    service.follow(call, event.month)


@on(EnergyCorrected)
def compute_corrected(service: LossService, call: Call, event: EnergyCorrected) -> None:
    """The dataset of the month holds the correction already: it is told behind its publication."""
    service.follow(call, event.month)

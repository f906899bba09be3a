"""What billing does when others state facts."""

from denghuo.kernel.contract import Call, on
from denghuo.service.billing.service import BillingService
from denghuo.service.contract.api import FeeControlAgreed
from denghuo.service.reading.api import (
    CurvesJudged,
    CurvesReceived,
    EstimatesReleased,
    ReadCorrected,
    RegistersReceived,
    UnitRead,
)
from denghuo.service.tariff.api import DayTablePublished, PriceTableCorrected, SpotPricesPublished, UnitAreaPublished
from denghuo.service.workflow.api import ApprovalDecided, ApprovalWithdrawn


@on(ReadCorrected)
def calculate_again(service: BillingService, call: Call, event: ReadCorrected) -> None:
    """A clerk settled a register: the account that was held for it is billed without another click."""
    if event.account_no is not None:
        service.follow_correction(call, event.account_no, event.month)


@on(RegistersReceived)
def estimate_again(service: BillingService, call: Call, event: RegistersReceived) -> None:
    """New registers of a running month: what nobody billed yet is estimated anew."""
    service.follow_registers(call, event.month)


@on(UnitRead)
def bill_unit(service: BillingService, call: Call, event: UnitRead) -> None:
    """A unit's meters were read at the end of a month: it is billed without another click, where that is switched on."""
    service.follow_reads(call, event.month, event.org, event.due, event.read)


@on(PriceTableCorrected)
def price_again(service: BillingService, call: Call, event: PriceTableCorrected) -> None:
    """A month's prices were corrected: what was rated by the old ones and is not issued is rated again."""
    service.follow_prices(call, event)


@on(SpotPricesPublished)
def price_by_points(service: BillingService, call: Call, event: SpotPricesPublished) -> None:
    """Spot prices were published: accounts that are held for want of one, or were rated by corrected ones, are rated again."""
    service.follow_spot_prices(call, event)


@on(DayTablePublished)
def band_by_days(service: BillingService, call: Call, event: DayTablePublished) -> None:
    """Holidays or temperatures were published: what hangs on them and is not issued is rated again."""
    service.follow_days(call, event)


@on(UnitAreaPublished)
def price_by_area(service: BillingService, call: Call, event: UnitAreaPublished) -> None:
    """A unit has another price area: what was rated by others and is not issued is rated again."""
    service.follow_areas(call, event)


@on(CurvesReceived)
def estimate_by_curves(service: BillingService, call: Call, event: CurvesReceived) -> None:
    """Curves came behind their registers: they say in which bands the energy lies that is already estimated, and who is held for
    want of one is rated again."""
    service.follow_curves(call, event.month)


@on(CurvesJudged)
def rate_by_estimates(service: BillingService, call: Call, event: CurvesJudged) -> None:
    """What counts of curves has changed: who is held for their gaps is rated again, and so is who was billed by estimates."""
    service.follow_estimates(call, event.month)


@on(EstimatesReleased)
def rate_released(service: BillingService, call: Call, event: EstimatesReleased) -> None:
    """Nobody waits any longer for real values of a day: who is held for its gaps is rated again, by estimates."""
    service.follow_release(call, event.month)


@on(FeeControlAgreed)
def estimate_at_once(service: BillingService, call: Call, event: FeeControlAgreed) -> None:
    """An account came under fee control: its balance is known without waiting for the next day."""
    if event.way is not None and event.effective_from <= call.today:
        service.follow_fee_control(event.account_no)


@on(ApprovalDecided)
def carry_out_decision(service: BillingService, call: Call, event: ApprovalDecided) -> None:
    """Another person decided whether a bill is taken back."""
    if event.subject_noun == "billing":
        service.decided(call, event.approval_no, event.agreed, event.decided_by)


@on(ApprovalWithdrawn)
def forget_request(service: BillingService, call: Call, event: ApprovalWithdrawn) -> None:
    """Who asked that a bill be taken back thought better of it."""
    if event.subject_noun == "billing":
        service.withdrawn(call, event.approval_no, event.withdrawn_by)

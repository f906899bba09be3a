"""What billing does when other services tell of something."""

from denghuo.kernel.contract import Call
from denghuo.kernel.period import Month
from denghuo.service.billing import published
from denghuo.service.billing.cases.desk import CaseDesk
from denghuo.service.billing.mains import mains_again
from denghuo.service.billing.reversal import ReversalDesk
from denghuo.service.billing.service.part import BillingPart
from denghuo.service.billing.units import follow_reads
from denghuo.service.tariff.api import DayTablePublished, PriceTableCorrected, SpotPricesPublished, UnitAreaPublished


class FollowPart(BillingPart):
    """Follows events of other services and decisions of persons."""

    def follow_reads(self, call: Call, month: str, org: str, due: int, read: int) -> None:
        """How far a unit is read has changed."""
        follow_reads(self._work, self._store, call, month, org, due, read)

    def follow_registers(self, call: Call, month: str) -> None:
        """Registers were received: a month that nobody began to bill is estimated anew."""
        if not self._store.cycles.begun(month):
            self._work.enqueue("billing.estimate_day", {"month": month})
        if Month.of(month).period.end > call.now:
            # The month before is billed by and by: what is new of it is measured.
            self._work.enqueue("billing.measure_forecast", {"month": str(Month.of(month).previous)})

    def follow_curves(self, call: Call, month: str) -> None:
        """Curves were received: a month that nobody began to bill is estimated anew, by their bands, the sums of others are made
        anew, and who is held for want of one is calculated again."""
        if not self._store.cycles.begun(month):
            self._work.enqueue("billing.estimate_day", {"month": month})
        else:
            self._work.enqueue("billing.sum_curves", {"month": month})
        for billed in (month, str(Month.of(month).next)):  # with the next one, two months are read together
            published.follow_curves(self._work, self._store, call, billed)

    def follow_estimates(self, call: Call, month: str) -> None:
        """Values of curves count otherwise than before: whom that concerns is calculated again."""
        for billed in (month, str(Month.of(month).next)):
            if self._store.cycles.begun(billed):
                published.follow_estimates(self._work, self._store, call, billed)

    def follow_release(self, call: Call, month: str) -> None:
        """Estimates of a day stand in bills from now on: who is held for its gaps is calculated again."""
        for billed in (month, str(Month.of(month).next)):
            if self._store.cycles.begun(billed):
                published.follow_release(self._work, self._store, call, billed)

    def follow_fee_control(self, account_no: str) -> None:
        """An account came under fee control: it is estimated at once."""
        self._work.enqueue("billing.estimate_accounts", {"account_nos": [account_no]})

    def decided(self, call: Call, approval_no: int, agreed: bool, by: str) -> None:
        """Another person decided on a reversal or a case (the event handler's work)."""
        ReversalDesk(self._work, self._ask).decided(call, approval_no, agreed, by)
        CaseDesk(self._work, self._ask, call).decided(approval_no, agreed, by)

    def withdrawn(self, call: Call, approval_no: int, by: str) -> None:
        """A request to take a bill back, or a case, was withdrawn (the event handler's work)."""
        ReversalDesk(self._work, self._ask).withdrawn(call, approval_no, by)
        CaseDesk(self._work, self._ask, call).withdrawn(approval_no, by)

    def follow_correction(self, call: Call, account_no: str, month: str) -> None:
        """A read was corrected: where the account is held for it, it is calculated again."""
        if self._store.held.holds(month, account_no, "open"):
            self._work.enqueue("billing.recalculate", {"account_no": account_no, "month": month})
        mains_again(self._work, self._store, self._ask, call, month, [account_no])

    def follow_prices(self, call: Call, event: PriceTableCorrected) -> None:
        """A correction of a month's price table was published."""
        published.follow_prices(self._work, self._store, call, event)

    def follow_spot_prices(self, call: Call, event: SpotPricesPublished) -> None:
        """Spot prices of a month were published."""
        published.follow_spot_prices(self._work, self._store, call, event)

    def follow_areas(self, call: Call, event: UnitAreaPublished) -> None:
        """A unit has another price area from a day on."""
        published.follow_areas(self._work, self._store, call, event)

    def follow_days(self, call: Call, event: DayTablePublished) -> None:
        """Holidays or temperatures were published."""
        published.follow_days(self._work, self._store, self._ask, call, event)

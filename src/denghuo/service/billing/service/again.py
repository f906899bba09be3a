"""Bills computed again, as they were known and by what was published after them."""

from denghuo.kernel.contract import Call
from denghuo.service.billing.api import (
    AsKnown,
    CorrectedBills,
    FindBillsByDays,
    FindBillsBySpotPrices,
    FindCorrectedBills,
    KnownBill,
    MonthReplayed,
    ReplayBill,
    Replayed,
    ReplayMonth,
)
from denghuo.service.billing.api.corrected import CorrectedOperations
from denghuo.service.billing.api.replay import ReplayOperations
from denghuo.service.billing.corrected import DaysCorrected, PricesCorrected, SpotPricesCorrected
from denghuo.service.billing.known import as_known
from denghuo.service.billing.replay import Replayer
from denghuo.service.billing.reversal import ReversalDesk
from denghuo.service.billing.service.checks import check_issued
from denghuo.service.billing.service.part import BillingPart


class AgainPart(BillingPart, ReplayOperations, CorrectedOperations):
    """Answers on bills computed again."""

    def replay_bill(self, call: Call, request: ReplayBill) -> Replayed:
        row = self._bill_row(call, request.bill_no)
        if request.known_on is not None:
            number = ReversalDesk(self._work, self._ask).known_on(row, request.known_on)
            row = self._bill_row(call, number)
        check_issued(row["bill_no"], row["state"], row["issued_on"])
        return Replayer(self._find, self._prover(call), call).bill(row)

    def corrected_bills(self, call: Call, request: FindCorrectedBills) -> CorrectedBills:
        return PricesCorrected(self._find, self._prover(call), self._ask, call).page(request)

    def bills_by_spot_prices(self, call: Call, request: FindBillsBySpotPrices) -> CorrectedBills:
        return SpotPricesCorrected(self._find, self._ask, call).page(request)

    def bills_by_days(self, call: Call, request: FindBillsByDays) -> CorrectedBills:
        return DaysCorrected(self._work, self._store, self._ask, call).page(request)

    def as_known(self, call: Call, request: AsKnown) -> KnownBill:
        return as_known(self._work, self._store, self._ask, call, request)

    def replay_month(self, call: Call, request: ReplayMonth) -> MonthReplayed:
        return Replayer(self._find, self._prover(call), call).page(request)

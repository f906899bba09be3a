"""What stands beside the month's bill: cases of back-billing and refund, changes of customer, claims."""

from denghuo.kernel.contract import Call
from denghuo.kernel.problem import text
from denghuo.kernel.values import Money
from denghuo.service.billing import claims
from denghuo.service.billing.api import (
    Breach,
    Case,
    CaseNotFound,
    CaseRef,
    CasesFound,
    ChangeHolder,
    FindCases,
    FindHolderChanges,
    HolderChange,
    HolderChangeAdvanced,
    HolderChangeRef,
    HolderChangesFound,
    LateFee,
    OpenCase,
    OutageCompensation,
    QuantityCorrection,
    Refund,
    ResumeHolderChange,
    TemporarySupply,
    Theft,
    WorkedOut,
)
from denghuo.service.billing.api.case import CaseOperations
from denghuo.service.billing.api.claim import ClaimOperations
from denghuo.service.billing.api.holder import HolderOperations
from denghuo.service.billing.cases import show as show_case
from denghuo.service.billing.cases.desk import CaseDesk
from denghuo.service.billing.holders import HolderDesk
from denghuo.service.billing.service.part import BillingPart


class CasePart(BillingPart, CaseOperations, HolderOperations, ClaimOperations):
    """Answers on cases, changes of customer and claims."""

    def open_case(self, call: Call, request: OpenCase) -> Case:
        return self._case(call, CaseDesk(self._work, self._ask, call).open(request))

    def cases(self, call: Call, request: FindCases) -> CasesFound:
        rows, sums = self._store.cases.found(request)
        names = self._accounts(call, [row["account_no"] for row in rows])
        return CasesFound(
            rows=[show_case.case_row(row, names) for row in rows],
            total=sums["total"],
            next=rows[-1]["case_no"] if len(rows) == request.limit else None,
            amount=Money(sums["fen"]),
            as_of=call.now,
        )

    def case(self, call: Call, request: CaseRef) -> Case:
        return self._case(call, request.case_no)

    def change_holder(self, call: Call, request: ChangeHolder) -> HolderChange:
        return HolderDesk(self._work, self._ask, call).change(request)

    def resume_holder_change(self, call: Call, request: ResumeHolderChange) -> HolderChange:
        return HolderDesk(self._work, self._ask, call).resume(request)

    def advance_holder_change(self, call: Call, request: HolderChangeRef) -> HolderChangeAdvanced:
        return HolderDesk(self._work, self._ask, call).advance(request)

    def holder_change(self, call: Call, request: HolderChangeRef) -> HolderChange:
        return HolderDesk(self._work, self._ask, call).one(request.change_no)

    def holder_changes(self, call: Call, request: FindHolderChanges) -> HolderChangesFound:
        return HolderDesk(self._work, self._ask, call).found(request)

    def late_fee(self, call: Call, request: LateFee) -> WorkedOut:
        return claims.shown(claims.late_fee(request), call.now)

    def breach(self, call: Call, request: Breach) -> WorkedOut:
        return claims.shown(claims.breach(request), call.now)

    def theft(self, call: Call, request: Theft) -> WorkedOut:
        return claims.shown(claims.theft(request), call.now)

    def quantity_correction(self, call: Call, request: QuantityCorrection) -> WorkedOut:
        return claims.shown(claims.quantity_correction(request), call.now)

    def refund(self, call: Call, request: Refund) -> WorkedOut:
        return claims.shown(claims.refund(request), call.now)

    def outage_compensation(self, call: Call, request: OutageCompensation) -> WorkedOut:
        return claims.shown(claims.outage_compensation(request), call.now)

    def temporary_supply(self, call: Call, request: TemporarySupply) -> WorkedOut:
        return claims.shown(claims.temporary_supply(request, self._ask, call), call.now)

    def _case(self, call: Call, case_no: str) -> Case:
        row = self._store.cases.case(case_no)
        if row is None:
            raise CaseNotFound(
                text(
                    f"退补 {case_no} 不存在，或不在您可查看的范围内。",
                    f"Case {case_no} does not exist or is outside your scope.",
                ),
                case_no=case_no,
            )
        segments, lines = self._store.cases.segments(case_no), self._store.cases.lines(case_no)
        return show_case.case(row, segments, lines, self._accounts(call, [row["account_no"]]), call.now)

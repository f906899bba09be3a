"""What is held and calculated again, and the rules of the review."""

from functools import partial

from denghuo.kernel.contract import Call, Nothing
from denghuo.service.billing import show
from denghuo.service.billing.api import (
    AdvanceRecalculation,
    AskReviewBoard,
    CalculateEstimated,
    EstimatedBillsFound,
    EstimatedOrdered,
    EstimatesNoted,
    ExceptionNotFound,
    ExceptionRef,
    ExceptionsFound,
    FindEstimatedBills,
    FindExceptions,
    FindRecalculations,
    HeldException,
    NoteEstimates,
    Recalculate,
    Recalculated,
    RecalculationAdvanced,
    RecalculationsFound,
    Release,
    Released,
    ReleaseMany,
    ReviewBoard,
    ReviewRule,
    ReviewRules,
    SetReviewRule,
    TakenOver,
    TakeOverUse,
)
from denghuo.service.billing.api.estimated import EstimatedOperations
from denghuo.service.billing.api.exception import ExceptionOperations
from denghuo.service.billing.api.recalculation import RecalculationOperations
from denghuo.service.billing.api.review import ReviewOperations
from denghuo.service.billing.api.used import UsedOperations
from denghuo.service.billing.recalculation import recalculations
from denghuo.service.billing.resting_desk import RestingDesk
from denghuo.service.billing.review import MEANINGS
from denghuo.service.billing.service.checks import check_whole_company
from denghuo.service.billing.service.part import BillingPart


class ExceptionPart(
    BillingPart, ExceptionOperations, RecalculationOperations, EstimatedOperations, ReviewOperations, UsedOperations
):
    """Answers on what is held for a person to decide."""

    def exceptions(self, call: Call, request: FindExceptions) -> ExceptionsFound:
        holds, total = self._find.exceptions(request)
        names = self._accounts(call, [hold.account_no for hold in holds])
        rows = [show.exception_row(hold, names) for hold in holds]
        following = rows[-1].exception_no if len(rows) == request.limit else None
        return ExceptionsFound(rows=rows, total=total, next=following, as_of=call.now)

    def exception(self, call: Call, request: ExceptionRef) -> HeldException:
        hold = self._find.exception(request.exception_no)
        if hold is None:
            raise ExceptionNotFound(exception_no=request.exception_no)
        state = None if hold.bill_no is None else self._find.bill_state(hold.bill_no)
        return show.exception(hold, self._accounts(call, [hold.account_no]).get(hold.account_no), state, call)

    def release(self, call: Call, request: Release) -> Released:
        return self._desk().release(call, [request.exception_no], request.reason)

    def release_many(self, call: Call, request: ReleaseMany) -> Released:
        return self._desk().release(call, request.exception_nos, request.reason)

    def recalculate(self, call: Call, request: Recalculate) -> Recalculated:
        return self._desk().recalculate(call, request)

    def advance_recalculation(self, call: Call, request: AdvanceRecalculation) -> RecalculationAdvanced:
        return self._desk().advance(call, request)

    def recalculations(self, call: Call, request: FindRecalculations) -> RecalculationsFound:
        return recalculations(self._store, call, request)

    def note_estimates(self, call: Call, request: NoteEstimates) -> EstimatesNoted:
        return RestingDesk(self._store, self._ask, call).note(request)

    def estimated_bills(self, call: Call, request: FindEstimatedBills) -> EstimatedBillsFound:
        return RestingDesk(self._store, self._ask, call).page(request, partial(self._accounts, call))

    def calculate_estimated(self, call: Call, request: CalculateEstimated) -> EstimatedOrdered:
        return RestingDesk(self._store, self._ask, call).calculate(self._work, request)

    def review_rules(self, call: Call, request: Nothing) -> ReviewRules:
        return ReviewRules(rows=[show.review_rule(row) for row in self._find.rules() if row["code"] in MEANINGS])

    def set_review_rule(self, call: Call, request: SetReviewRule) -> ReviewRule:
        check_whole_company(call)
        return show.review_rule(self._find.set_rule(request))

    def review_board(self, call: Call, request: AskReviewBoard) -> ReviewBoard:
        month = request.month or self._find.newest_rated()
        units = self._find.reviewed_units(month, request.org) if month else []
        rules = self._find.reviewed_rules(month, request.org) if month else []
        return show.review_board(month, units, rules, call.now)

    def take_over_use(self, call: Call, request: TakeOverUse) -> TakenOver:
        rows = [(one.account_no, one.month, one.org, one.energy.wh, one.billed_on) for one in request.months]
        taken, unchanged = self._store.year_use.take_over(rows, call.now)
        return TakenOver(taken=taken, unchanged=unchanged, refused=len(rows) - taken - unchanged)

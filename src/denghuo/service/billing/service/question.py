"""Questions about bills: why one changed, what other tariffs would cost, what a month will cost."""

from functools import partial

from denghuo.kernel.contract import Call
from denghuo.kernel.period import Month
from denghuo.service.billing.api import (
    AskForecastErrors,
    AskPublishedErrors,
    BillChange,
    BillSoFar,
    CompareBills,
    CurvesSummed,
    DayEstimated,
    EstimateAccounts,
    EstimateDay,
    EstimatesFound,
    EstimatesOf,
    ForecastErrors,
    ForecastMeasured,
    MeasureForecast,
    MySoFar,
    MyWhatIf,
    Plans,
    PublishedErrors,
    SoFar,
    SumCurves,
    Trial,
    Try,
    TryOnBill,
    WhatIf,
)
from denghuo.service.billing.api.change import ChangeOperations
from denghuo.service.billing.api.forecast import ForecastOperations
from denghuo.service.billing.api.plan import PlanOperations
from denghuo.service.billing.api.trial import TrialOperations
from denghuo.service.billing.closing_sums import sum_curves
from denghuo.service.billing.estimate import DayDesk, unbilled
from denghuo.service.billing.measure import forecast_errors, measure_forecast
from denghuo.service.billing.past_errors import published_errors
from denghuo.service.billing.questions import BillQuestions
from denghuo.service.billing.service.part import BillingPart
from denghuo.service.billing.sofar import so_far
from denghuo.service.billing.tariffs import tried
from denghuo.service.billing.trial import trial


class QuestionPart(BillingPart, ChangeOperations, PlanOperations, ForecastOperations, TrialOperations):
    """Answers questions about bills."""

    def compare_bills(self, call: Call, request: CompareBills) -> BillChange:
        return self._questions(call).compared(request)

    def compare_my_bills(self, call: Call, request: CompareBills) -> BillChange:
        return self._questions(call, own=True).compared(request)

    def what_if(self, call: Call, request: WhatIf) -> Plans:
        return self._questions(call).plans(request.account_no, request.kind)

    def sum_curves(self, call: Call, request: SumCurves) -> CurvesSummed:
        return sum_curves(self._ask, call, request.month)

    def my_what_if(self, call: Call, request: MyWhatIf) -> Plans:
        number = request.account_no or next(iter(call.accounts), "")
        return self._questions(call, own=True).plans(number, request.kind)

    def bill_so_far(self, call: Call, request: SoFar) -> BillSoFar:
        return so_far(self._store, self._ask, call, partial(self._accounts, call), request)

    def my_bill_so_far(self, call: Call, request: MySoFar) -> BillSoFar:
        number = request.account_no or next(iter(call.accounts), "")
        asked = SoFar.model_construct(account_no=number, kind=request.kind, month=request.month)
        return so_far(self._store, self._ask, call, partial(self._accounts, call), asked, own=True)

    def trial(self, call: Call, request: Try) -> Trial:
        on = request.first_day or Month.of(request.month).first_day
        tariff, draft = tried(self._ask, call, request, on)
        return trial(request, tariff, draft, call.now)

    def try_on_bill(self, call: Call, request: TryOnBill) -> Trial:
        row = self._bill_row(call, request.bill_no)
        tariff, draft = tried(self._ask, call, request, Month.of(row["month"]).first_day)
        return self._questions(call).tried(row, tariff, draft, stored=not request.tariff_text)

    def estimate_day(self, call: Call, request: EstimateDay) -> DayEstimated:
        return DayDesk(self._work, self._store, self._ask, call).of_day(request.month, request.everyone)

    def estimate_accounts(self, call: Call, request: EstimateAccounts) -> DayEstimated:
        return DayDesk(self._work, self._store, self._ask, call).of_accounts(request)

    def measure_forecast(self, call: Call, request: MeasureForecast) -> ForecastMeasured:
        return measure_forecast(self._work, self._store, self._ask, request.month, call)

    def forecast_errors(self, call: Call, request: AskForecastErrors) -> ForecastErrors:
        return forecast_errors(self._store, request.month, call)

    def published_errors(self, call: Call, request: AskPublishedErrors) -> PublishedErrors:
        return published_errors(self._store, call)

    def unbilled(self, call: Call, request: EstimatesOf) -> EstimatesFound:
        return unbilled(self._store, request.account_nos)

    def _questions(self, call: Call, own: bool = False) -> BillQuestions:
        return BillQuestions(self._find, self._ask, call, partial(self._accounts, call), own)

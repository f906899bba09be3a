"""Billing: implementation of the contract."""

from dataclasses import replace
from datetime import date
from functools import cache, partial
from typing import Any

from denghuo.data.processing.work import Work
from denghuo.kernel.contract import Call, Nothing
from denghuo.kernel.fields import Document, TextPair
from denghuo.kernel.period import Month
from denghuo.kernel.problem import text
from denghuo.kernel.values import Energy, Money
from denghuo.service.billing import claims, published, show
from denghuo.service.billing.api import (
    AcceptDifferences,
    Advance,
    Advanced,
    AdvancePopulationRun,
    AdvanceRecalculation,
    AdvanceUnit,
    AskForecastErrors,
    AsKnown,
    AskPublishedErrors,
    AskReviewBoard,
    AskUnitBoard,
    AutoStart,
    BeginParallelRun,
    Bill,
    BillChange,
    BillDifference,
    BillingApi,
    BillNotFound,
    BillRef,
    BillsFound,
    BillSoFar,
    Breach,
    Case,
    CaseNotFound,
    CaseRef,
    CasesFound,
    CausesExamined,
    ChangeHolder,
    CompareBills,
    CorrectedBills,
    CurvesSummed,
    Cycle,
    CycleNotFound,
    CycleRef,
    CycleRow,
    CyclesFound,
    DayEstimated,
    DayRef,
    DayRoot,
    DifferenceRef,
    DifferencesAccepted,
    DifferencesFile,
    DifferencesFound,
    EstimateAccounts,
    EstimateDay,
    EstimatesFound,
    EstimatesOf,
    ExamineCauses,
    ExceptionNotFound,
    ExceptionRef,
    ExceptionsFound,
    FindBills,
    FindBillsByDays,
    FindBillsBySpotPrices,
    FindCases,
    FindCorrectedBills,
    FindCycles,
    FindDifferences,
    FindExceptions,
    FindHolderChanges,
    FindParallelRuns,
    FindPopulationRuns,
    FindRecalculations,
    ForecastErrors,
    ForecastMeasured,
    HandOldBills,
    HeldException,
    HolderChange,
    HolderChangeAdvanced,
    HolderChangeRef,
    HolderChangesFound,
    HoldersTold,
    KnownBill,
    LateFee,
    MeasureForecast,
    MonthNotOver,
    MonthReplayed,
    MonthSummary,
    MyBills,
    MySoFar,
    MyWhatIf,
    NotIssued,
    OldBillsHanded,
    OpenCase,
    OutageCompensation,
    ParallelAdvanced,
    ParallelRef,
    ParallelRun,
    ParallelRunsFound,
    PickedUp,
    Plans,
    PopulationAdvanced,
    PopulationRun,
    PopulationRunRef,
    PopulationRunsFound,
    PublishedErrors,
    QuantityCorrection,
    Recalculate,
    Recalculated,
    RecalculationAdvanced,
    RecalculationsFound,
    Refund,
    Release,
    Released,
    ReleaseMany,
    ReplayBill,
    Replayed,
    ReplayMonth,
    ResumeHolderChange,
    ReversalAsked,
    ReverseBill,
    ReviewBoard,
    ReviewRule,
    ReviewRules,
    RunsSealed,
    SetAutoStart,
    SetReviewRule,
    SoFar,
    StartCycle,
    StartPopulationRun,
    StartUnit,
    SumCurves,
    Summarise,
    TakenOver,
    TakeOverUse,
    TasksKept,
    TellHolders,
    TemporarySupply,
    Theft,
    Trial,
    TriedOnAll,
    Try,
    TryOnAll,
    TryOnBill,
    UnitAdvanced,
    UnitBoard,
    UnitRef,
    UnitRow,
    WhatIf,
    WholeCompanyOnly,
    WorkedOut,
)
from denghuo.service.billing.cases import show as show_case
from denghuo.service.billing.cases.desk import CaseDesk
from denghuo.service.billing.closing_sums import sum_curves
from denghuo.service.billing.corrected import DaysCorrected, PricesCorrected, SpotPricesCorrected
from denghuo.service.billing.cycle import CycleSteps, platform_call
from denghuo.service.billing.estimate import DayDesk, unbilled
from denghuo.service.billing.exceptions import ExceptionDesk
from denghuo.service.billing.explained import explained
from denghuo.service.billing.find import BillingFinder
from denghuo.service.billing.guard import Guard
from denghuo.service.billing.holders import HolderDesk
from denghuo.service.billing.known import as_known
from denghuo.service.billing.measure import forecast_errors, measure_forecast
from denghuo.service.billing.parallel.desk import ParallelDesk
from denghuo.service.billing.parallel.show import ParallelReader
from denghuo.service.billing.past_errors import published_errors
from denghuo.service.billing.population import Population
from denghuo.service.billing.population_run import PopulationDesk
from denghuo.service.billing.proving import Prover
from denghuo.service.billing.questions import BillQuestions
from denghuo.service.billing.readings import readings_file
from denghuo.service.billing.recalculation import recalculations
from denghuo.service.billing.replay import Replayer
from denghuo.service.billing.reversal import ReversalDesk
from denghuo.service.billing.review import MEANINGS
from denghuo.service.billing.sofar import so_far
from denghuo.service.billing.store import BillingStore, CycleState
from denghuo.service.billing.tariffs import price_area, tried
from denghuo.service.billing.telling import tell_holders
from denghuo.service.billing.trial import trial
from denghuo.service.billing.unit_desk import UnitDesk
from denghuo.service.billing.units import UnitSteps, follow_reads, whole_after_units
from denghuo.service.customer.api import Account, AccountNumbers, CustomerApi
from denghuo.service.host.binding import Ask
from denghuo.service.permission.api import Organisations, PermissionApi
from denghuo.service.tariff.api import DayTablePublished, PriceTableCorrected, SpotPricesPublished


class BillingService(BillingApi):
    def __init__(self, work: Work, ask: Ask) -> None:
        self._work = work
        self._ask = ask
        self._store = BillingStore(work)
        self._find = BillingFinder(work)

    # -- the cycle --------------------------------------------------------------------------------------------------------

    def start_cycle(self, call: Call, request: StartCycle) -> Cycle:
        _whole_company(call)
        _over(request.month, call)
        if self._store.cycles.start(request.month, call.actor, call.now):
            self._work.enqueue("billing.advance_cycle", {"month": request.month, "epoch": 1})
        elif self._store.cycles.state(request.month) == "units":
            whole_after_units(self._work, self._store, call, request.month)
        return self._shown(self._cycle(request.month), call)

    def cycle(self, call: Call, request: CycleRef) -> Cycle:
        return self._shown(self._cycle(request.month), call)

    def cycles(self, call: Call, request: FindCycles) -> CyclesFound:
        states, total = self._find.cycles(request)
        figures = self._find.figures([state.month for state in states])
        rows = [
            CycleRow(
                month=state.month,
                state=state.state,  # type: ignore[arg-type]  # text of the table, validated here
                run_no=state.run_no,
                started_at=state.started_at,
                ended_at=state.ended_at,
                accounts=state.accounts,
                issued=figures[state.month]["issued"],
                held=figures[state.month]["held"],
                amount=Money(figures[state.month]["amount_fen"]),
                purchase_amount=Money(figures[state.month]["purchase_amount_fen"]),
            )
            for state in states
        ]
        following = rows[-1].month if len(rows) == request.limit else None
        return CyclesFound(rows=rows, total=total, next=following, as_of=call.now)

    def stop_cycle(self, call: Call, request: CycleRef) -> Cycle:
        _whole_company(call)
        self._cycle(request.month)
        self._store.cycles.stop(request.month, call.now)
        return self._shown(self._cycle(request.month), call)

    def resume_cycle(self, call: Call, request: CycleRef) -> Cycle:
        _whole_company(call)
        state = self._cycle(request.month)
        done = show.work_done(state, self._store.cycles.stages(request.month))
        epoch = self._store.cycles.resume(request.month, done, call.now)
        if epoch is not None:
            self._work.enqueue("billing.advance_cycle", {"month": request.month, "epoch": epoch})
        return self._shown(self._cycle(request.month), call)

    def advance_cycle(self, call: Call, request: Advance) -> Advanced:
        return CycleSteps(self._work, self._ask).advance(call, request)

    def start_unit(self, call: Call, request: StartUnit) -> UnitRow:
        _over(request.month, call)
        return self._units(call).start(call, request)

    def stop_unit(self, call: Call, request: UnitRef) -> UnitRow:
        return self._units(call).stop(call, request)

    def advance_unit(self, call: Call, request: AdvanceUnit) -> UnitAdvanced:
        return UnitSteps(self._work, self._ask).advance(call, request)

    def pick_up(self, call: Call, request: UnitRef) -> PickedUp:
        return UnitSteps(self._work, self._ask).pick_up(call, request)

    def unit_board(self, call: Call, request: AskUnitBoard) -> UnitBoard:
        return self._units(call).board(call, request)

    def auto_start(self, call: Call, request: Nothing) -> AutoStart:
        active, share = self._store.units.auto_start()
        return AutoStart(on=active, share=share)

    def set_auto_start(self, call: Call, request: SetAutoStart) -> AutoStart:
        _whole_company(call)
        return self._units(call).switch(call, request)

    def follow_reads(self, call: Call, month: str, org: str, due: int, read: int) -> None:
        """How far a unit is read has changed."""
        follow_reads(self._work, self._store, call, month, org, due, read)

    def keep_tasks(self, call: Call, request: CycleRef) -> TasksKept:
        return self._desk().keep_tasks(call, request.month)

    def examine_causes(self, call: Call, request: ExamineCauses) -> CausesExamined:
        return Guard(self._work, self._store, self._ask, platform_call(call)).examine(request.month)

    def tell_holders(self, call: Call, request: TellHolders) -> HoldersTold:
        return tell_holders(self._work, self._store, self._ask, platform_call(call), request)

    # -- bills ------------------------------------------------------------------------------------------------------------

    def bills(self, call: Call, request: FindBills) -> BillsFound:
        rows, sums = self._find.bills(request, issued=bool(call.accounts))
        return self._bills_found(call, rows, sums, request.limit)

    def bill(self, call: Call, request: BillRef) -> Bill:
        return self._bill(call, request.bill_no)

    def my_bills(self, call: Call, request: MyBills) -> BillsFound:
        rows, sums = self._find.own_bills(request, call.accounts)
        return self._bills_found(call, rows, sums, request.limit)

    def my_bill(self, call: Call, request: BillRef) -> Bill:
        return self._bill(call, request.bill_no, own=True)

    def my_bill_document(self, call: Call, request: BillRef) -> Document:
        return self._document(self._bill(call, request.bill_no, own=True), clear=True)

    def bill_document(self, call: Call, request: BillRef) -> Document:
        return self._document(self._bill(call, request.bill_no), clear=call.channel in ("system", "peer"))

    def bill_file(self, call: Call, request: BillRef) -> Document:
        return self._file(call, self._bill_row(call, request.bill_no))

    def my_bill_file(self, call: Call, request: BillRef) -> Document:
        return self._file(call, self._bill_row(call, request.bill_no, own=True))

    def readings_file(self, call: Call, request: BillRef) -> Document:
        return self._readings(call, self._bill_row(call, request.bill_no))

    def my_readings_file(self, call: Call, request: BillRef) -> Document:
        return self._readings(call, self._bill_row(call, request.bill_no, own=True))

    def day_root(self, call: Call, request: DayRef) -> DayRoot:
        return self._prover(call).day_root(request)

    def seal_runs(self, call: Call, request: Nothing) -> RunsSealed:
        return self._prover(call).seal()

    def month_summary(self, call: Call, request: Summarise) -> MonthSummary:
        held = self._find.exceptions(
            FindExceptions(month=request.month, org=request.org, state="open", limit=1),
        )[1]
        return show.month_summary(request.month, self._find.summary(request), held, call.now)

    # -- questions about bills --------------------------------------------------------------------------------------------

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

    def follow_fee_control(self, account_no: str) -> None:
        """An account came under fee control: it is estimated at once."""
        self._work.enqueue("billing.estimate_accounts", {"account_nos": [account_no]})

    def measure_forecast(self, call: Call, request: MeasureForecast) -> ForecastMeasured:
        return measure_forecast(self._work, self._store, self._ask, request.month, call)

    def forecast_errors(self, call: Call, request: AskForecastErrors) -> ForecastErrors:
        return forecast_errors(self._store, request.month, call)

    def published_errors(self, call: Call, request: AskPublishedErrors) -> PublishedErrors:
        return published_errors(self._store, call)

    def unbilled(self, call: Call, request: EstimatesOf) -> EstimatesFound:
        return unbilled(self._store, request.account_nos)

    # -- after the issue --------------------------------------------------------------------------------------------------

    def reverse_bill(self, call: Call, request: ReverseBill) -> ReversalAsked:
        row = self._bill_row(call, request.bill_no)
        return ReversalDesk(self._work, self._ask).request(call, row, request, rebill=False)

    def rebill(self, call: Call, request: ReverseBill) -> ReversalAsked:
        row = self._bill_row(call, request.bill_no)
        return ReversalDesk(self._work, self._ask).request(call, row, request, rebill=True)

    def decided(self, call: Call, approval_no: int, agreed: bool, by: str) -> None:
        """Another person decided on a reversal or a case (the event handler's work)."""
        ReversalDesk(self._work, self._ask).decided(call, approval_no, agreed, by)
        CaseDesk(self._work, self._ask, call).decided(approval_no, agreed, by)

    def withdrawn(self, call: Call, approval_no: int, by: str) -> None:
        """A request to take a bill back, or a case, was withdrawn (the event handler's work)."""
        ReversalDesk(self._work, self._ask).withdrawn(call, approval_no, by)
        CaseDesk(self._work, self._ask, call).withdrawn(approval_no, by)

    # -- cases of back-billing and refund ---------------------------------------------------------------------------------

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

    # -- changes of customer ----------------------------------------------------------------------------------------------

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

    # -- outside the month's bill -------------------------------------------------------------------------------------------

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

    # -- computed again ---------------------------------------------------------------------------------------------------

    def replay_bill(self, call: Call, request: ReplayBill) -> Replayed:
        row = self._bill_row(call, request.bill_no)
        if request.known_on is not None:
            number = ReversalDesk(self._work, self._ask).known_on(row, request.known_on)
            row = self._bill_row(call, number)
        _issued(row["bill_no"], row["state"], row["issued_on"])
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

    # -- exceptions -------------------------------------------------------------------------------------------------------

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

    def follow_correction(self, call: Call, account_no: str, month: str) -> None:
        """A read was corrected: where the account is held for it, it is calculated again."""
        if self._store.held.holds(month, account_no, "open"):
            self._work.enqueue("billing.recalculate", {"account_no": account_no, "month": month})

    def follow_prices(self, call: Call, event: PriceTableCorrected) -> None:
        """A correction of a month's price table was published."""
        published.follow_prices(self._work, self._store, call, event)

    def follow_spot_prices(self, call: Call, event: SpotPricesPublished) -> None:
        """Spot prices of a month were published."""
        published.follow_spot_prices(self._work, self._store, call, event)

    def follow_days(self, call: Call, event: DayTablePublished) -> None:
        """Holidays or temperatures were published."""
        published.follow_days(self._work, self._store, self._ask, call, event)

    def advance_recalculation(self, call: Call, request: AdvanceRecalculation) -> RecalculationAdvanced:
        return self._desk().advance(call, request)

    def recalculations(self, call: Call, request: FindRecalculations) -> RecalculationsFound:
        return recalculations(self._store, call, request)

    def review_rules(self, call: Call, request: Nothing) -> ReviewRules:
        return ReviewRules(rows=[show.review_rule(row) for row in self._find.rules() if row["code"] in MEANINGS])

    def set_review_rule(self, call: Call, request: SetReviewRule) -> ReviewRule:
        return show.review_rule(self._find.set_rule(request))

    def review_board(self, call: Call, request: AskReviewBoard) -> ReviewBoard:
        month = request.month or self._find.newest_rated()
        units = self._find.reviewed_units(month, request.org) if month else []
        rules = self._find.reviewed_rules(month, request.org) if month else []
        return show.review_board(month, units, rules, call.now)

    def try_on_all(self, call: Call, request: TryOnAll) -> TriedOnAll:
        return Population(self._work, self._ask, call, request.month).tried(request)

    def start_population_run(self, call: Call, request: StartPopulationRun) -> PopulationRun:
        _whole_company(call)
        return PopulationDesk(self._work, self._ask, call).begin(request)

    def stop_population_run(self, call: Call, request: PopulationRunRef) -> PopulationRun:
        _whole_company(call)
        return PopulationDesk(self._work, self._ask, call).stop(request.run_no)

    def resume_population_run(self, call: Call, request: PopulationRunRef) -> PopulationRun:
        _whole_company(call)
        return PopulationDesk(self._work, self._ask, call).resume(request.run_no)

    def advance_population_run(self, call: Call, request: AdvancePopulationRun) -> PopulationAdvanced:
        return PopulationDesk(self._work, self._ask, call).advance(request.run_no, request.epoch)

    def population_run(self, call: Call, request: PopulationRunRef) -> PopulationRun:
        _whole_company(call)
        return PopulationDesk(self._work, self._ask, call).shown(request.run_no)

    def population_runs(self, call: Call, request: FindPopulationRuns) -> PopulationRunsFound:
        _whole_company(call)
        return PopulationDesk(self._work, self._ask, call).found(request)

    def take_over_use(self, call: Call, request: TakeOverUse) -> TakenOver:
        rows = [(one.account_no, one.month, one.org, one.energy.wh, one.billed_on) for one in request.months]
        taken, unchanged = self._store.bills.take_over(rows, call.now)
        return TakenOver(taken=taken, unchanged=unchanged, refused=len(rows) - taken - unchanged)

    # -- the parallel run of a migration ----------------------------------------------------------------------------------

    def begin_parallel_run(self, call: Call, request: BeginParallelRun) -> ParallelRun:
        _whole_company(call)
        return ParallelReader(self._work, call).run(self._parallel(call).begin(request))

    def hand_old_bills(self, call: Call, request: HandOldBills) -> OldBillsHanded:
        _whole_company(call)
        return self._parallel(call).hand(request)

    def advance_parallel_run(self, call: Call, request: ParallelRef) -> ParallelAdvanced:
        return self._parallel(call).advance(request.run_no)

    def compare_again(self, call: Call, request: ParallelRef) -> ParallelRun:
        _whole_company(call)
        self._parallel(call).again(request.run_no)
        return ParallelReader(self._work, call).run(request.run_no)

    def parallel_runs(self, call: Call, request: FindParallelRuns) -> ParallelRunsFound:
        return ParallelReader(self._work, call).runs(request)

    def parallel_run(self, call: Call, request: ParallelRef) -> ParallelRun:
        return ParallelReader(self._work, call).run(request.run_no)

    def bill_differences(self, call: Call, request: FindDifferences) -> DifferencesFound:
        return ParallelReader(self._work, call).differences(request)

    def bill_difference(self, call: Call, request: DifferenceRef) -> BillDifference:
        return ParallelReader(self._work, call).difference(request)

    def differences_file(self, call: Call, request: DifferencesFile) -> Document:
        return ParallelReader(self._work, call).file(request)

    def accept_differences(self, call: Call, request: AcceptDifferences) -> DifferencesAccepted:
        return self._parallel(call).accept(request)

    # -- parts ------------------------------------------------------------------------------------------------------------

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

    def _questions(self, call: Call, own: bool = False) -> BillQuestions:
        return BillQuestions(self._find, self._ask, call, partial(self._accounts, call), own)

    def _parallel(self, call: Call) -> ParallelDesk:
        return ParallelDesk(self._work, self._ask, call)

    def _desk(self) -> ExceptionDesk:
        return ExceptionDesk(self._work, self._ask)

    def _units(self, call: Call) -> UnitDesk:
        return UnitDesk(self._work, lambda org: self._unit(call, org) is not None)

    def _cycle(self, month: str) -> CycleState:
        state = self._store.cycles.cycle(month)
        if state is None:
            raise CycleNotFound(
                text(f"{month} 尚未启动核算。", f"The billing of {month} was not started."), month=month
            )
        return state

    def _shown(self, state: CycleState, call: Call) -> Cycle:
        figures = self._find.figures([state.month])[state.month]
        return show.cycle(state, self._store.cycles.stages(state.month), figures, call.now)

    def _accounts(self, call: Call, numbers: list[str]) -> dict[str, Account]:
        """The accounts of these numbers as far as the caller may see them; their names are masked on the way out."""
        if not numbers:
            return {}
        asking = replace(call, permits=call.permits | {"customer.read"}, key=None)
        found = self._ask(CustomerApi).accounts(asking, AccountNumbers(numbers=sorted(set(numbers))))
        return {account.account_no: account for account in found.rows}

    def _unit(self, call: Call, org: str) -> TextPair | None:
        asking = replace(call, permits=call.permits | {"permission.organisations"}, scope=("",), key=None)
        tree = self._ask(PermissionApi).organisations(asking, Organisations())
        return next((TextPair(zh=unit.name, en=unit.name_en) for unit in tree.rows if unit.code == org), None)

    def _bills_found(self, call: Call, rows: list[dict[str, object]], sums: dict[str, int], limit: int) -> BillsFound:
        names = self._accounts(call, [str(row["account_no"]) for row in rows])
        return BillsFound(
            rows=[show.bill_row(row, names) for row in rows],
            total=sums["total"],
            next=str(rows[-1]["bill_no"]) if len(rows) == limit else None,
            energy=Energy(sums["energy_wh"]),
            amount=Money(sums["amount_fen"]),
            purchase_energy=Energy(sums["purchase_energy_wh"]),
            purchase_amount=Money(sums["purchase_amount_fen"]),
            as_of=call.now,
        )

    def _prover(self, call: Call) -> Prover:
        return Prover(self._store, self._ask, call)

    def _bill_row(self, call: Call, bill_no: str, own: bool = False) -> dict[str, Any]:
        row = self._find.bill(bill_no, issued=own or bool(call.accounts))
        if row is None or (own and row["account_no"] not in call.accounts):
            raise BillNotFound(
                text(
                    f"账单 {bill_no} 不存在，或不在您可查看的范围内。",
                    f"Bill {bill_no} does not exist or is outside your scope.",
                ),
                bill_no=bill_no,
            )
        return row

    def _bill(self, call: Call, bill_no: str, own: bool = False) -> Bill:
        row = self._bill_row(call, bill_no, own)
        stored, holds = self._find.whole_lines([bill_no])[bill_no], self._find.holds_on(bill_no)
        tariff_of = cache(self._prover(call).tariff)
        lines = explained(row, stored, tariff_of)
        account = self._accounts(call, [row["account_no"]]).get(row["account_no"])
        shown = show.bill(row, lines, [] if call.accounts else holds, account, self._unit(call, row["org"]), call)
        area = price_area(self._ask, call, row, tariff_of(row["tariff_code"], row["tariff_version"]).area)
        shown = shown.model_copy(update={"price_area": area})
        return ReversalDesk(self._work, self._ask).linked(shown, customer=own or bool(call.accounts))

    def _document(self, bill: Bill, clear: bool) -> Document:
        _issued(bill.bill_no, bill.state, bill.issued_on)
        # The typesetter reads fonts and images with libraries of their own: loaded by who prints, not at every start.
        from denghuo.service.billing.paper import bill_pdf

        return bill_pdf(bill, clear)

    def _file(self, call: Call, row: dict[str, Any]) -> Document:
        _issued(row["bill_no"], row["state"], row["issued_on"])
        return self._prover(call).bill_file(row)

    def _readings(self, call: Call, row: dict[str, Any]) -> Document:
        _issued(row["bill_no"], row["state"], row["issued_on"])
        # What takes a bill back says what that bill said.
        rated = row if row["reverses"] is None else self._bill_row(Call.system(call.now), row["reverses"])
        return readings_file(self._ask, Call.system(call.now), row, rated["rated_at"])


def _issued(bill_no: str, state: str, issued_on: date | None) -> None:
    if issued_on is None:
        raise NotIssued(
            text("账单发行之后才能打印、下载或核对。", "A bill is printed, downloaded or checked once it is issued."),
            bill_no=bill_no,
            state=state,
        )


def _over(month: str, call: Call) -> None:
    if Month.of(month).period.end > call.now:
        raise MonthNotOver(
            text(
                f"{month} 尚未结束，须在月末零点示数产生之后核算。",
                f"{month} is not over; it is billed from the midnight that ends it.",
            ),
            month=month,
        )


def _whole_company(call: Call) -> None:
    if not call.whole_company:
        raise WholeCompanyOnly(
            text(
                "月度核算面向全公司，须由公司级岗位启动、暂停或继续。",
                "A month is billed for the whole company: only a post of the company may start, stop or resume it.",
            ),
            scope=list(call.scope),
        )

"""Contract of the billing service (核算管理): the month's cycle, bills with explained lines, exceptions held for a person."""

from denghuo.kernel.contract import PUBLIC, Api, Call, Nothing, command, query
from denghuo.kernel.fields import Document
from denghuo.service.billing.api.bill import (
    BILL_KINDS,
    BILL_LINES,
    BILL_STATES,
    BILLS,
    Bill,
    BillKind,
    BillNotFound,
    BillRef,
    BillRow,
    BillsFound,
    BillsIssued,
    BillState,
    FindBills,
    MonthSummary,
    MyBills,
    NotIssued,
    ShownLine,
    ShownRegister,
    Summarise,
    SummaryRow,
)
from denghuo.service.billing.api.case import (
    CASE_CAUSES,
    CASE_STATES,
    Case,
    CaseNotFound,
    CaseRef,
    CaseRow,
    CaseSegment,
    CasesFound,
    FindCases,
    NotAdjustable,
    OpenCase,
    RightEnergy,
)
from denghuo.service.billing.api.change import PARTS, BillChange, ChangePart, ChangeStep, CompareBills, NotComparable
from denghuo.service.billing.api.claim import (
    LOAD_USES,
    THREE_WIRE_FAULTS,
    Breach,
    LateFee,
    OutageCompensation,
    QuantityCorrection,
    Refund,
    TemporarySupply,
    Theft,
    WorkedOut,
)
from denghuo.service.billing.api.corrected import (
    CorrectedBill,
    CorrectedBills,
    FindBillsByDays,
    FindBillsBySpotPrices,
    FindCorrectedBills,
)
from denghuo.service.billing.api.cycle import (
    CYCLE_STATES,
    STAGE_STATES,
    STAGES,
    Advance,
    Advanced,
    Cycle,
    CycleNotFound,
    CycleRef,
    CycleRow,
    CyclesFound,
    CycleState,
    FindCycles,
    HoldersTold,
    MonthNotOver,
    Stage,
    StageName,
    StartCycle,
    TasksKept,
    TellHolders,
    WholeCompanyOnly,
)
from denghuo.service.billing.api.exception import (
    CAUSE_OF,
    CAUSES,
    EXCEPTION_STATES,
    HOLD_CODES,
    SEVERITIES,
    AlreadyIssued,
    AskReviewBoard,
    Cause,
    ExceptionNotFound,
    ExceptionRef,
    ExceptionRow,
    ExceptionsFound,
    FindExceptions,
    HeldException,
    HoldCode,
    NotReleasable,
    Recalculate,
    Recalculated,
    Release,
    Released,
    ReleaseMany,
    ReviewBoard,
    ReviewRule,
    ReviewRules,
    RuleReviewed,
    SetReviewRule,
    Severity,
    TakenOver,
    TakeOverUse,
    UnitReviewed,
    UsedMonth,
)
from denghuo.service.billing.api.forecast import (
    ESTIMATES,
    FORECAST_ERRORS,
    AskForecastErrors,
    AskPublishedErrors,
    BillSoFar,
    DayEstimated,
    EstimateAccounts,
    EstimateDay,
    EstimatesFound,
    EstimatesMade,
    EstimatesOf,
    ForecastError,
    ForecastErrors,
    ForecastMeasured,
    MeasureForecast,
    MySoFar,
    NothingSoFar,
    PublishedError,
    PublishedErrors,
    SoFar,
    Unbilled,
)
from denghuo.service.billing.api.holder import (
    CHANGE_STATES,
    ChangeHolder,
    FindHolderChanges,
    HolderChange,
    HolderChangeAdvanced,
    HolderChangeNotFound,
    HolderChangeRef,
    HolderChangesFound,
    NotTransferable,
    ResumeHolderChange,
    SpecialReading,
)
from denghuo.service.billing.api.parallel import (
    GATES,
    RUN_STATES,
    VERDICTS,
    AcceptDifferences,
    BeginParallelRun,
    BillDifference,
    DifferenceRef,
    DifferencesAccepted,
    DifferencesFile,
    DifferencesFound,
    FindDifferences,
    FindParallelRuns,
    HandOldBills,
    NoSuchDifference,
    NotAcceptable,
    OldBill,
    OldBillsHanded,
    OldLine,
    ParallelAdvanced,
    ParallelRef,
    ParallelRun,
    ParallelRunNotFound,
    ParallelRunsFound,
    RefusedRow,
    TooManyRows,
)
from denghuo.service.billing.api.plan import (
    CurvesSummed,
    MyWhatIf,
    NothingBilled,
    PlanCost,
    PlanMonth,
    Plans,
    SumCurves,
    WhatIf,
)
from denghuo.service.billing.api.population import (
    USES,
    MonthNotRead,
    Mover,
    NobodyToTry,
    NoTariffToTry,
    Segment,
    TriedOnAll,
    TryOnAll,
)
from denghuo.service.billing.api.population_run import (
    POPULATION_STATES,
    AdvancePopulationRun,
    FindPopulationRuns,
    PopulationAdvanced,
    PopulationMonth,
    PopulationResult,
    PopulationRow,
    PopulationRun,
    PopulationRunNotFound,
    PopulationRunRef,
    PopulationRunsFound,
    StartPopulationRun,
    UnitTried,
)
from denghuo.service.billing.api.proof import DayRef, DayRoot, RunsSealed
from denghuo.service.billing.api.recalculation import (
    RECALCULATION_CAUSES,
    RECALCULATION_STATES,
    AdvanceRecalculation,
    FindRecalculations,
    RecalculationAdvanced,
    RecalculationRow,
    RecalculationsFound,
)
from denghuo.service.billing.api.replay import (
    KNOWN_STATES,
    OUTCOMES,
    AsKnown,
    Difference,
    KnownBill,
    MonthReplayed,
    ReplayBill,
    Replayed,
    ReplayMonth,
)
from denghuo.service.billing.api.reversal import (
    REQUEST_STATES,
    ROLES,
    ChainedBill,
    NotReversible,
    ReversalAsked,
    ReversalRequest,
    ReverseBill,
)
from denghuo.service.billing.api.shock import CauseResult, CausesExamined, ExamineCauses
from denghuo.service.billing.api.trial import NotTriable, Trial, TrialPoint, TrialReading, Try, TryOnBill
from denghuo.service.billing.api.unit import (
    UNIT_STATES,
    AdvanceUnit,
    AskUnitBoard,
    AutoStart,
    BilledAsAWhole,
    NothingToBill,
    PickedUp,
    SetAutoStart,
    StartUnit,
    UnitAdvanced,
    UnitBoard,
    UnitIsUnderWay,
    UnitOutOfScope,
    UnitRef,
    UnitRow,
    UnitState,
    UnitsUnderWay,
)
from denghuo.service.billing.lines import BillLine, CannotRate, MeteredPiece, Rated, RatingSubject
from denghuo.service.customer.api import AccountNotFound
from denghuo.service.tariff.api import NoSuchDayTable, NoSuchPriceTable, NoSuchSpotTable

__all__ = [
    "BILLS",
    "BILL_KINDS",
    "BILL_LINES",
    "BILL_STATES",
    "CASE_CAUSES",
    "CASE_STATES",
    "CAUSES",
    "CAUSE_OF",
    "CHANGE_STATES",
    "CLAIM_KINDS",
    "CYCLE_STATES",
    "ESTIMATES",
    "EXCEPTION_STATES",
    "FORECAST_ERRORS",
    "GATES",
    "HOLD_CODES",
    "KNOWN_STATES",
    "LOAD_USES",
    "OUTCOMES",
    "PARTS",
    "POPULATION_STATES",
    "RECALCULATION_CAUSES",
    "RECALCULATION_STATES",
    "REQUEST_STATES",
    "ROLES",
    "RUN_STATES",
    "SEVERITIES",
    "STAGES",
    "STAGE_STATES",
    "THREE_WIRE_FAULTS",
    "UNIT_STATES",
    "USES",
    "VERDICTS",
    "AcceptDifferences",
    "Advance",
    "AdvancePopulationRun",
    "AdvanceRecalculation",
    "AdvanceUnit",
    "Advanced",
    "AlreadyIssued",
    "AsKnown",
    "AskForecastErrors",
    "AskPublishedErrors",
    "AskReviewBoard",
    "AskUnitBoard",
    "AutoStart",
    "BeginParallelRun",
    "Bill",
    "BillChange",
    "BillDifference",
    "BillKind",
    "BillLine",
    "BillNotFound",
    "BillRef",
    "BillRow",
    "BillSoFar",
    "BillState",
    "BilledAsAWhole",
    "BillingApi",
    "BillsFound",
    "BillsIssued",
    "Breach",
    "CannotRate",
    "Case",
    "CaseNotFound",
    "CaseRef",
    "CaseRow",
    "CaseSegment",
    "CasesFound",
    "Cause",
    "CauseResult",
    "CausesExamined",
    "ChainedBill",
    "ChangeHolder",
    "ChangePart",
    "ChangeStep",
    "CompareBills",
    "CorrectedBill",
    "CorrectedBills",
    "CurvesSummed",
    "Cycle",
    "CycleNotFound",
    "CycleRef",
    "CycleRow",
    "CycleState",
    "CyclesFound",
    "DayEstimated",
    "DayRef",
    "DayRoot",
    "Difference",
    "DifferenceRef",
    "DifferencesAccepted",
    "DifferencesFile",
    "DifferencesFound",
    "EstimateAccounts",
    "EstimateDay",
    "EstimatesFound",
    "EstimatesMade",
    "EstimatesOf",
    "ExamineCauses",
    "ExceptionNotFound",
    "ExceptionRef",
    "ExceptionRow",
    "ExceptionsFound",
    "FindBills",
    "FindBillsByDays",
    "FindBillsBySpotPrices",
    "FindCases",
    "FindCorrectedBills",
    "FindCycles",
    "FindDifferences",
    "FindExceptions",
    "FindHolderChanges",
    "FindParallelRuns",
    "FindPopulationRuns",
    "FindRecalculations",
    "ForecastError",
    "ForecastErrors",
    "ForecastMeasured",
    "HandOldBills",
    "HeldException",
    "HoldCode",
    "HolderChange",
    "HolderChangeAdvanced",
    "HolderChangeNotFound",
    "HolderChangeRef",
    "HolderChangesFound",
    "HoldersTold",
    "KnownBill",
    "KnownMonth",
    "LateFee",
    "MeasureForecast",
    "MeteredPiece",
    "MonthNotOver",
    "MonthNotRead",
    "MonthReplayed",
    "MonthSummary",
    "Mover",
    "MyBills",
    "MySoFar",
    "MyWhatIf",
    "NoSuchDifference",
    "NoTariffToTry",
    "NobodyToTry",
    "NotAcceptable",
    "NotAdjustable",
    "NotComparable",
    "NotIssued",
    "NotReleasable",
    "NotReversible",
    "NotTransferable",
    "NotTriable",
    "NothingBilled",
    "NothingSoFar",
    "NothingToBill",
    "OldBill",
    "OldBillsHanded",
    "OldLine",
    "OpenCase",
    "OutageCompensation",
    "ParallelAdvanced",
    "ParallelRef",
    "ParallelRun",
    "ParallelRunNotFound",
    "ParallelRunsFound",
    "PickedUp",
    "PlanCost",
    "PlanMonth",
    "Plans",
    "PopulationAdvanced",
    "PopulationMonth",
    "PopulationResult",
    "PopulationRow",
    "PopulationRun",
    "PopulationRunNotFound",
    "PopulationRunRef",
    "PopulationRunsFound",
    "PublishedError",
    "PublishedErrors",
    "QuantityCorrection",
    "Rated",
    "RatingSubject",
    "Recalculate",
    "Recalculated",
    "RecalculationAdvanced",
    "RecalculationRow",
    "RecalculationsFound",
    "Refund",
    "RefusedRow",
    "Release",
    "ReleaseMany",
    "Released",
    "ReplayBill",
    "ReplayMonth",
    "Replayed",
    "ResumeHolderChange",
    "ReversalAsked",
    "ReversalRequest",
    "ReverseBill",
    "ReviewBoard",
    "ReviewRule",
    "ReviewRules",
    "RightEnergy",
    "RuleReviewed",
    "RunsSealed",
    "Segment",
    "SetAutoStart",
    "SetReviewRule",
    "Severity",
    "ShownLine",
    "ShownRegister",
    "SoFar",
    "SpecialReading",
    "Stage",
    "StageName",
    "StartCycle",
    "StartPopulationRun",
    "StartUnit",
    "SumCurves",
    "Summarise",
    "SummaryRow",
    "TakeOverUse",
    "TakenOver",
    "TasksKept",
    "TellHolders",
    "TemporarySupply",
    "Theft",
    "TooManyRows",
    "Trial",
    "TrialPoint",
    "TrialReading",
    "TriedOnAll",
    "Try",
    "TryOnAll",
    "TryOnBill",
    "Unbilled",
    "UnitAdvanced",
    "UnitBoard",
    "UnitIsUnderWay",
    "UnitOutOfScope",
    "UnitRef",
    "UnitReviewed",
    "UnitRow",
    "UnitState",
    "UnitTried",
    "UnitsUnderWay",
    "UsedMonth",
    "WhatIf",
    "WholeCompanyOnly",
    "WorkedOut",
]


class BillingApi(Api, noun="billing", version=1):
    """Operations on the month's cycle, on bills and on what is held for a person to decide."""

    # -- the cycle --------------------------------------------------------------------------------------------------------

    @command(permit="billing.run", problems=(MonthNotOver, WholeCompanyOnly, UnitsUnderWay))
    def start_cycle(self, call: Call, request: StartCycle) -> Cycle:
        """Starts the month: plan, read, rate, review, issue. A month that was started already is answered with its cycle; one that
        was billed unit by unit is brought to its end, and what was issued stays."""

    @query(permit="billing.read", problems=(CycleNotFound,))
    def cycle(self, call: Call, request: CycleRef) -> Cycle:
        """How far the month is: stages, accounts done, rate, expected end, held and issued bills, amount."""

    @query(permit="billing.read")
    def cycles(self, call: Call, request: FindCycles) -> CyclesFound:
        """The months that were started, newest first."""

    @command(permit="billing.run", problems=(CycleNotFound, WholeCompanyOnly))
    def stop_cycle(self, call: Call, request: CycleRef) -> Cycle:
        """Stops the month after the step that is under way. Nothing that was done is lost."""

    @command(permit="billing.run", problems=(CycleNotFound, WholeCompanyOnly))
    def resume_cycle(self, call: Call, request: CycleRef) -> Cycle:
        """Goes on where the month was stopped, failed or interrupted."""

    @command(permit="billing.advance", emits=(BillsIssued,))
    def advance_cycle(self, call: Call, request: Advance) -> Advanced:
        """One step of the month, called by the job worker until nothing is left to do."""

    # -- the month by unit ------------------------------------------------------------------------------------------------

    @command(permit="billing.run", problems=(MonthNotOver, UnitOutOfScope, BilledAsAWhole, UnitIsUnderWay))
    def start_unit(self, call: Call, request: StartUnit) -> UnitRow:
        """Starts a unit's month by hand. What was issued is answered as it is; what failed or was stopped goes on from there."""

    @command(permit="billing.run", problems=(UnitOutOfScope,))
    def stop_unit(self, call: Call, request: UnitRef) -> UnitRow:
        """Stops a unit that is being billed before its next step; a start takes it up again. Nothing that was done is lost."""

    @command(permit="billing.advance", emits=(BillsIssued,))
    def advance_unit(self, call: Call, request: AdvanceUnit) -> UnitAdvanced:
        """One step of a unit, called by the job worker until nothing is left to do."""

    @command(permit="billing.advance")
    def pick_up(self, call: Call, request: UnitRef) -> PickedUp:
        """Has the accounts of a unit that waited for a read billed, as far as their reads have arrived."""

    @query(permit="billing.read")
    def unit_board(self, call: Call, request: AskUnitBoard) -> UnitBoard:
        """How far a month is, unit by unit: read, rated, held, issued, money, expected end."""

    @query(permit="billing.read")
    def auto_start(self, call: Call, request: Nothing) -> AutoStart:
        """Whether units begin by themselves when their reads are complete."""

    @command(permit="billing.set_rules", problems=(WholeCompanyOnly,))
    def set_auto_start(self, call: Call, request: SetAutoStart) -> AutoStart:
        """Switches the automatic start, or sets from which share of reads on a unit begins. Units that are read that far begin."""

    # -- what follows -----------------------------------------------------------------------------------------------------

    @command(permit="billing.advance")
    def keep_tasks(self, call: Call, request: CycleRef) -> TasksKept:
        """Brings the to-do lists in line with what is held: a step of the job worker, called until all is told."""

    @command(permit="billing.advance")
    def examine_causes(self, call: Call, request: ExamineCauses) -> CausesExamined:
        """Tests what held bills out of the ordinary come from, and tells their holders, before the issue, that they are looked at:
        a step of the job worker, called until none waits."""

    @command(permit="billing.advance")
    def tell_holders(self, call: Call, request: TellHolders) -> HoldersTold:
        """Tells holders that their bills were issued: a page of notices, and the job of the next page."""

    # -- bills ------------------------------------------------------------------------------------------------------------

    @query(permit="billing.read")
    def bills(self, call: Call, request: FindBills) -> BillsFound:
        """Bills by month, account, state, kind, unit and class; a customer's session sees its own issued bills."""

    @query(permit="billing.read", problems=(BillNotFound,))
    def bill(self, call: Call, request: BillRef) -> Bill:
        """One bill with every line explained: registers, multiplier, quantity, price version, document, arithmetic."""

    @query(permit="billing.own")
    def my_bills(self, call: Call, request: MyBills) -> BillsFound:
        """The issued bills of the signed-in customer, newest first."""

    @query(permit="billing.own", problems=(BillNotFound,))
    def my_bill(self, call: Call, request: BillRef) -> Bill:
        """One issued bill of the signed-in customer, explained."""

    @query(permit="billing.own", problems=(BillNotFound, NotIssued))
    def my_bill_document(self, call: Call, request: BillRef) -> Document:
        """An issued bill of the signed-in customer as a PDF, with the holder's name and address."""

    @query(permit="billing.read", problems=(BillNotFound, NotIssued))
    def bill_document(self, call: Call, request: BillRef) -> Document:
        """An issued bill as a PDF in Chinese and English; name and address are masked towards staff."""

    @query(permit="billing.read", problems=(BillNotFound, NotIssued))
    def bill_file(self, call: Call, request: BillRef) -> Document:
        """An issued bill as a bill file that anyone can verify offline: figures, registers, tariff, proof; no name or address."""

    @query(permit="billing.own", problems=(BillNotFound, NotIssued))
    def my_bill_file(self, call: Call, request: BillRef) -> Document:
        """An issued bill of the signed-in customer as a bill file that anyone can verify offline."""

    @query(permit="billing.read", problems=(BillNotFound, NotIssued))
    def readings_file(self, call: Call, request: BillRef) -> Document:
        """The registers of an issued bill, and the 15-minute curves that bands or a demand were taken from, as known then."""

    @query(permit="billing.own", problems=(BillNotFound, NotIssued))
    def my_readings_file(self, call: Call, request: BillRef) -> Document:
        """The registers of an issued bill of the signed-in customer, and the 15-minute curves that were divided by."""

    @query(permit=PUBLIC)
    def day_root(self, call: Call, request: DayRef) -> DayRoot:
        """The published root over the bills issued on a day, to be compared with the one in a bill file."""

    @command(permit="billing.advance")
    def seal_runs(self, call: Call, request: Nothing) -> RunsSealed:
        """Makes the hash tree of the oldest issue run that has none: a step of the job worker, called until none waits."""

    @query(permit="billing.read")
    def month_summary(self, call: Call, request: Summarise) -> MonthSummary:
        """Counts, energy and amount of a month by class of use, within the caller's units."""

    # -- questions about bills --------------------------------------------------------------------------------------------

    @query(permit="billing.read", problems=(BillNotFound, NotComparable))
    def compare_bills(self, call: Call, request: CompareBills) -> BillChange:
        """Why a bill changed: its difference to another of the account in parts that add up to it, each with a sentence."""

    @query(permit="billing.own", problems=(BillNotFound, NotComparable))
    def compare_my_bills(self, call: Call, request: CompareBills) -> BillChange:
        """Why a bill of the signed-in customer changed."""

    @query(permit="billing.read", problems=(NothingBilled, CannotRate))
    def what_if(self, call: Call, request: WhatIf) -> Plans:
        """What the account's last twelve months would have cost by each tariff that it may choose, and which is the best."""

    @query(permit="billing.own", problems=(NothingBilled, CannotRate))
    def my_what_if(self, call: Call, request: MyWhatIf) -> Plans:
        """What the last twelve months of an account of the signed-in customer would have cost by each tariff."""

    @command(permit="billing.advance")
    def sum_curves(self, call: Call, request: SumCurves) -> CurvesSummed:
        """Keeps the sums of the curves of billed months, of which such comparisons are made: a step of the job worker, called until
        those of a year are as their curves are."""

    @query(permit="billing.read", problems=(NothingSoFar,))
    def bill_so_far(self, call: Call, request: SoFar) -> BillSoFar:
        """The bill of a running month so far, and what it will be at the month's end, with a band. An estimate, marked as one."""

    @query(permit="billing.own", problems=(NothingSoFar,))
    def my_bill_so_far(self, call: Call, request: MySoFar) -> BillSoFar:
        """The same of an account of the signed-in customer."""

    @query(permit="billing.read", problems=(NotTriable, CannotRate))
    def trial(self, call: Call, request: Try) -> Trial:
        """What a bill would be: typed readings by any tariff, published or a draft, explained line by line. Keeps nothing."""

    @query(permit="billing.read", problems=(BillNotFound, NotTriable, CannotRate))
    def try_on_bill(self, call: Call, request: TryOnBill) -> Trial:
        """What a bill of the past would have come to by any tariff, published or a draft, explained line by line. Keeps nothing."""

    @command(permit="billing.advance", emits=(EstimatesMade,))
    def estimate_day(self, call: Call, request: EstimateDay) -> DayEstimated:
        """Estimates what accounts under fee control used of the running month and were not billed for yet: a job of every day."""

    @command(permit="billing.recalculate", emits=(EstimatesMade,))
    def estimate_accounts(self, call: Call, request: EstimateAccounts) -> DayEstimated:
        """The same of some accounts, whether under fee control or not, within the caller's units."""

    @query(permit="billing.read")
    def unbilled(self, call: Call, request: EstimatesOf) -> EstimatesFound:
        """The newest estimates of up to 1,000 accounts, of months that were not billed yet."""

    @command(permit="billing.advance")
    def measure_forecast(self, call: Call, request: MeasureForecast) -> ForecastMeasured:
        """Compares what was forecast of a billed month with its bills: a step of the job worker, called until none waits."""

    @query(permit="billing.read")
    def forecast_errors(self, call: Call, request: AskForecastErrors) -> ForecastErrors:
        """How far forecasts were from the bills, month by month."""

    @query(permit="billing.own")
    def published_errors(self, call: Call, request: AskPublishedErrors) -> PublishedErrors:
        """The same as it is published every month, for customers: shares alone, of the whole company."""

    # -- after the issue --------------------------------------------------------------------------------------------------

    @command(permit="billing.reverse", problems=(BillNotFound, NotReversible))
    def reverse_bill(self, call: Call, request: ReverseBill) -> ReversalAsked:
        """Asks that an issued bill be taken back as a whole (全减). Once another person agrees its reversal is issued."""

    @command(permit="billing.reverse", problems=(BillNotFound, NotReversible))
    def rebill(self, call: Call, request: ReverseBill) -> ReversalAsked:
        """Asks that an issued bill be taken back and the account's month be billed again from today's data (全减另发)."""

    # -- cases of back-billing and refund ---------------------------------------------------------------------------------

    @command(permit="billing.adjust", problems=(NotAdjustable, NotTriable, CannotRate))
    def open_case(self, call: Call, request: OpenCase) -> Case:
        """Opens a case over days that were billed: worked out month by month at the prices of their time, shown, and put before
        another person. Once agreed to, its adjustment bill is issued, posted and proved."""

    # -- changes of customer ----------------------------------------------------------------------------------------------

    @command(permit="billing.change_holder", problems=(NotTransferable, AccountNotFound))
    def change_holder(self, call: Call, request: ChangeHolder) -> HolderChange:
        """Another customer takes over from a day on (过户): the old account is billed to that day by special readings with its tier
        year settled by actual months, and closed with what it owes; a new one with its own contract begins at the same points."""

    @command(permit="billing.change_holder", problems=(HolderChangeNotFound, NotTransferable))
    def resume_holder_change(self, call: Call, request: ResumeHolderChange) -> HolderChange:
        """Goes on with a change of customer after the reason for which it stands still was seen to."""

    @command(permit="billing.advance", emits=(BillsIssued,))
    def advance_holder_change(self, call: Call, request: HolderChangeRef) -> HolderChangeAdvanced:
        """One step of a change of customer: points, contracts, readings, final bill. What was refused is said with the change."""

    @query(permit="billing.read", problems=(HolderChangeNotFound,))
    def holder_change(self, call: Call, request: HolderChangeRef) -> HolderChange:
        """A change of customer with its step and its final bill."""

    @query(permit="billing.read")
    def holder_changes(self, call: Call, request: FindHolderChanges) -> HolderChangesFound:
        """Changes of customer, the newest first."""

    @query(permit="billing.read")
    def cases(self, call: Call, request: FindCases) -> CasesFound:
        """Cases by account, cause, state and unit, the newest first."""

    @query(permit="billing.read", problems=(CaseNotFound,))
    def case(self, call: Call, request: CaseRef) -> Case:
        """One case: what was found, its months as they were billed and as they are due, and its lines explained."""

    # -- outside the month's bill -------------------------------------------------------------------------------------------

    @query(permit="billing.read", problems=(NotTriable,))
    def late_fee(self, call: Call, request: LateFee) -> WorkedOut:
        """The late fee of overdue bills on the day on which they are paid, explained line by line. Keeps nothing."""

    @query(permit="billing.read", problems=(NotTriable,))
    def breach(self, call: Call, request: Breach) -> WorkedOut:
        """What a breach of use is charged: the charges again and the penalty, each line with its document. Keeps nothing."""

    @query(permit="billing.read", problems=(NotTriable,))
    def theft(self, call: Call, request: Theft) -> WorkedOut:
        """What stolen energy is charged, by equipment, rated current, share or energy, and the penalty. Keeps nothing."""

    @query(permit="billing.read", problems=(NotTriable,))
    def quantity_correction(self, call: Call, request: QuantityCorrection) -> WorkedOut:
        """The energy that was not registered, or too much, by its cause, at the price of each register. Keeps nothing."""

    @query(permit="billing.read", problems=(NotTriable,))
    def refund(self, call: Call, request: Refund) -> WorkedOut:
        """Money due or given back for the past, piece by piece at the prices of their own time. Keeps nothing."""

    @query(permit="billing.read", problems=(NotTriable,))
    def outage_compensation(self, call: Call, request: OutageCompensation) -> WorkedOut:
        """What an outage by the utility's fault is compensated with (negative: given to the customer). Keeps nothing."""

    @query(permit="billing.read", problems=(NotTriable,))
    def temporary_supply(self, call: Call, request: TemporarySupply) -> WorkedOut:
        """What temporary supply without a meter is charged in advance, and how it is settled. Keeps nothing."""

    # -- computed again ---------------------------------------------------------------------------------------------------

    @query(permit="billing.read", problems=(BillNotFound, NotIssued))
    def replay_bill(self, call: Call, request: ReplayBill) -> Replayed:
        """A bill computed again from what is kept with it, as issued or as known on a day: identical, or what differs."""

    @query(permit="billing.read", problems=(BillNotFound,))
    def as_known(self, call: Call, request: AsKnown) -> KnownBill:
        """An account's month computed from the meters, readings, terms and prices that were recorded by a day, whether it was
        billed by then or not; beside it the bill that stood on that day. Nothing is stored."""

    @query(permit="billing.read", problems=(NoSuchPriceTable,))
    def corrected_bills(self, call: Call, request: FindCorrectedBills) -> CorrectedBills:
        """The bills by prices that a correction of a month's price table replaces: how many and how much was issued, and what each
        comes to by the corrected prices. Nothing is stored."""

    @query(permit="billing.read", problems=(NoSuchSpotTable,))
    def bills_by_spot_prices(self, call: Call, request: FindBillsBySpotPrices) -> CorrectedBills:
        """The bills that were rated before an issue of spot prices by those of its nodes, and what each comes to by the prices that
        stand with it. Nothing is stored."""

    @query(permit="billing.read", problems=(NoSuchDayTable,))
    def bills_by_days(self, call: Call, request: FindBillsByDays) -> CorrectedBills:
        """The bills that were rated before a table of holidays or temperatures was published and whose hours hang on its days, and
        what each comes to by what is known today. Nothing is stored."""

    @query(permit="billing.read")
    def replay_month(self, call: Call, request: ReplayMonth) -> MonthReplayed:
        """A page of a month's issued bills computed again; tells the bills that differ."""

    # -- exceptions -------------------------------------------------------------------------------------------------------

    @query(permit="billing.read")
    def exceptions(self, call: Call, request: FindExceptions) -> ExceptionsFound:
        """What is held and why, to be worked off."""

    @query(permit="billing.read", problems=(ExceptionNotFound,))
    def exception(self, call: Call, request: ExceptionRef) -> HeldException:
        """One exception with the figures that led to it and what to do."""

    @command(permit="billing.release", problems=(ExceptionNotFound, NotReleasable), emits=(BillsIssued,))
    def release(self, call: Call, request: Release) -> Released:
        """Lets a held bill pass for a stated reason; with its last open exception gone it is issued at once."""

    @command(permit="billing.release", problems=(ExceptionNotFound, NotReleasable), emits=(BillsIssued,))
    def release_many(self, call: Call, request: ReleaseMany) -> Released:
        """Lets up to 200 held bills pass for one reason; they are issued together."""

    @command(permit="billing.recalculate", problems=(BillNotFound, CycleNotFound, AlreadyIssued), emits=(BillsIssued,))
    def recalculate(self, call: Call, request: Recalculate) -> Recalculated:
        """Bills an account's month again from today's readings, contract and prices; what passes the review is issued."""

    @command(permit="billing.recalculate", emits=(BillsIssued,))
    def advance_recalculation(self, call: Call, request: AdvanceRecalculation) -> RecalculationAdvanced:
        """Calculates the next accounts of a recalculation again: a step of the job worker, called until none is left."""

    @query(permit="billing.read")
    def recalculations(self, call: Call, request: FindRecalculations) -> RecalculationsFound:
        """The recalculations of units after prices, days, curves or reads came in, and how far each is."""

    @query(permit="billing.read")
    def review_rules(self, call: Call, request: Nothing) -> ReviewRules:
        """The rules of the review with their limits."""

    @query(permit="billing.read")
    def review_board(self, call: Call, request: AskReviewBoard) -> ReviewBoard:
        """How much of a month passes the review without a person, by unit and by rule with the cause that each looks for."""

    @command(permit="billing.set_rules")
    def set_review_rule(self, call: Call, request: SetReviewRule) -> ReviewRule:
        """Changes a rule's limit, whether it holds or only notes, or switches it; for bills reviewed from then on."""

    # -- tariffs ----------------------------------------------------------------------------------------------------------

    @query(permit="billing.try_tariff", problems=(MonthNotRead, NoTariffToTry, NobodyToTry))
    def try_on_all(self, call: Call, request: TryOnAll) -> TriedOnAll:
        """A tariff, draft or published, tried on all contracts of a month within the caller's scope, beside the present one."""

    @command(permit="billing.try_tariff", problems=(MonthNotRead, NoTariffToTry, WholeCompanyOnly))
    def start_population_run(self, call: Call, request: StartPopulationRun) -> PopulationRun:
        """Begins to try a tariff, draft or published, on all contracts of up to twelve months; no bill is touched."""

    @command(permit="billing.try_tariff", problems=(PopulationRunNotFound, WholeCompanyOnly))
    def stop_population_run(self, call: Call, request: PopulationRunRef) -> PopulationRun:
        """Stops a run after the month that is under way. Nothing that was done is lost."""

    @command(permit="billing.try_tariff", problems=(PopulationRunNotFound, WholeCompanyOnly))
    def resume_population_run(self, call: Call, request: PopulationRunRef) -> PopulationRun:
        """Goes on with a run that was stopped or failed."""

    @command(permit="billing.advance", problems=(PopulationRunNotFound,))
    def advance_population_run(self, call: Call, request: AdvancePopulationRun) -> PopulationAdvanced:
        """A month of a run: a step of the job worker, called until all are done and added up."""

    @query(permit="billing.try_tariff", problems=(PopulationRunNotFound, WholeCompanyOnly))
    def population_run(self, call: Call, request: PopulationRunRef) -> PopulationRun:
        """How far a run is, when it will be done, and who would pay more or less: by class and use, by unit, by month."""

    @query(permit="billing.try_tariff", problems=(WholeCompanyOnly,))
    def population_runs(self, call: Call, request: FindPopulationRuns) -> PopulationRunsFound:
        """The runs, the newest first."""

    @command(permit="billing.take_over")
    def take_over_use(self, call: Call, request: TakeOverUse) -> TakenOver:
        """Takes over energy billed in earlier months of the tier year by the system before this one."""

    # -- the parallel run of a migration ----------------------------------------------------------------------------------

    @command(permit="billing.compare", problems=(WholeCompanyOnly,))
    def begin_parallel_run(self, call: Call, request: BeginParallelRun) -> ParallelRun:
        """Begins to compare a file of old bills with a month; a file that was begun before is answered with its run."""

    @command(permit="billing.compare", problems=(ParallelRunNotFound, WholeCompanyOnly))
    def hand_old_bills(self, call: Call, request: HandOldBills) -> OldBillsHanded:
        """A batch of old bills and their lines; after the last one comparing begins."""

    @command(permit="billing.advance", problems=(ParallelRunNotFound,))
    def advance_parallel_run(self, call: Call, request: ParallelRef) -> ParallelAdvanced:
        """Compares a page of bills: a step of the job worker, called until nothing is left to do."""

    @command(permit="billing.compare", problems=(ParallelRunNotFound, WholeCompanyOnly))
    def compare_again(self, call: Call, request: ParallelRef) -> ParallelRun:
        """Compares a run anew with the bills as they stand now; what was accepted and is the same stays accepted."""

    @query(permit="billing.read")
    def parallel_runs(self, call: Call, request: FindParallelRuns) -> ParallelRunsFound:
        """The runs, newest first, each with its gate and its totals within the caller's units."""

    @query(permit="billing.read", problems=(ParallelRunNotFound,))
    def parallel_run(self, call: Call, request: ParallelRef) -> ParallelRun:
        """One run: its gate, totals by verdict and by unit, rows of the file that were refused."""

    @query(permit="billing.read")
    def bill_differences(self, call: Call, request: FindDifferences) -> DifferencesFound:
        """Differences of a run, the largest first."""

    @query(permit="billing.read", problems=(NoSuchDifference,))
    def bill_difference(self, call: Call, request: DifferenceRef) -> BillDifference:
        """Both bills of an account line by line, and what their difference comes from."""

    @query(permit="billing.read", problems=(TooManyRows,))
    def differences_file(self, call: Call, request: DifferencesFile) -> Document:
        """The differences of a run as CSV."""

    @command(permit="billing.accept_difference", problems=(ParallelRunNotFound, NotAcceptable))
    def accept_differences(self, call: Call, request: AcceptDifferences) -> DifferencesAccepted:
        """Accepts explained differences of a verdict within the caller's units, for a stated reason."""

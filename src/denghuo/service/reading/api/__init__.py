"""Contract of the reading service (抄表管理): registers and curves taken in, the month's reads, their review."""

from denghuo.kernel.batch import BatchTaken
from denghuo.kernel.contract import Api, Call, Event, command, query
from denghuo.kernel.problem import NotFound, Problem
from denghuo.service.reading.api.atom import (
    DAY_ATOMS,
    DAY_ESTIMATES,
    METERS_MAX,
    AtomDay,
    AtomsFound,
    AtomsPublished,
    DayEstimates,
    EstimatedMonth,
    EstimatedMonthAsked,
    MeterAtoms,
    PublishAtoms,
    cell_name,
    day_atoms,
    day_estimates,
    over_name,
)
from denghuo.service.reading.api.book import (
    BOOK_STATES,
    BookChange,
    BookChangeDecided,
    BookChangeRef,
    BookChangeRow,
    BookChangesFound,
    BookFaulty,
    BookMove,
    BookNo,
    BookRow,
    BooksFound,
    BooksOn,
    BookState,
    ChangeNo,
    DecideBookChange,
    FindBookChanges,
    NewBookPoint,
    NoSuchBookChange,
    Place,
    PointCount,
    ProposeBookChange,
    ProposerMayNotDecide,
    StaffBalance,
    StaffBalanced,
    StaffLoad,
    StateBooks,
    Walker,
    WalkFound,
    WalkOf,
    WalkRow,
)
from denghuo.service.reading.api.curve import (
    CURVE_METHODS,
    CheckedCurve,
    CheckedCurveAsked,
    CurveExceptionRow,
    CurveExceptionsFound,
    CurveMethod,
    CurvesChecked,
    CurveSpan,
    CurvesToCheck,
    FindCurveExceptions,
)
from denghuo.service.reading.api.curve_rule import (
    CURVE_EFFECTS,
    CURVE_RULES,
    METER_CLASSES,
    PARAMETERS,
    RULE_STATUSES,
    CurveEffect,
    CurveParameter,
    CurveRuleCode,
    CurveRuleFaulty,
    CurveRulePublished,
    CurveRuleRef,
    CurveRuleRow,
    CurveRulesFound,
    CurveRuleShown,
    DraftCurveRule,
    DrafterMayNotPublish,
    FindCurveRules,
    MeterClass,
    NoSuchCurveRule,
    ParameterChange,
    ParameterName,
    RuleIsPublished,
    RuleStatus,
    RuleToSet,
    RuleVersion,
)
from denghuo.service.reading.api.edit import (
    EDIT_STATES,
    WAYS,
    CurveEditRow,
    CurveHistory,
    CurveHistoryAsked,
    CurveVersionRow,
    EditCurve,
    EditState,
    EditWay,
    MeterMonth,
    MeterMonthAsked,
    MeterMonthDay,
    SpanUnfit,
)
from denghuo.service.reading.api.field import (
    ENTRIES_MAX,
    ENTRY_STATES,
    FIELD_STATES,
    FIELD_WARNINGS,
    PHOTO_TEXT_MAX,
    SHOWN_AS,
    Accuracy,
    Confirmed,
    DecideFieldEntry,
    EntryNo,
    EntryOutcome,
    EntryState,
    FieldChannel,
    FieldEntry,
    FieldEntryReceived,
    FieldEntryRow,
    FieldOrder,
    FieldOrderRef,
    FieldOrderRow,
    FieldOrdersFound,
    FieldOrderShown,
    FieldOrdersMade,
    FieldPhoto,
    FieldPhotoRef,
    FieldRegister,
    FieldState,
    FieldSynced,
    FieldWarning,
    FindFieldOrders,
    KeepFieldPhoto,
    Latitude,
    Longitude,
    MakeFieldOrders,
    MyFieldOrders,
    MyFieldOrdersFound,
    NoSuchFieldOrder,
    NothingToDecide,
    OrderNo,
    PhotoFaulty,
    PhotoKept,
    PhotoNo,
    ReadAt,
    ReaderMayNotDecide,
    ShownAs,
    SyncField,
    TakenAt,
    Warnings,
    WhyConfirmed,
)
from denghuo.service.reading.api.highest import AskHighest, HighestFound, HighestSlot, MeterSpan
from denghuo.service.reading.api.messages import (
    Accept,
    AccountMonth,
    AccountReads,
    AnyMonth,
    CurveDay,
    CurveMonth,
    CurveValues,
    DayRead,
    EnergiesFound,
    EnergyPublished,
    EnergyRow,
    EnergySoFar,
    ExceptionsFound,
    FindExceptions,
    FindPlan,
    FindReads,
    FindRefused,
    Intake,
    KnownEnergies,
    MonthRead,
    MonthReadRow,
    MonthReceived,
    MonthRef,
    MonthsReceived,
    PlanFound,
    Planned,
    PlanRow,
    PointMonth,
    PointMonthRef,
    Progress,
    ReadException,
    ReadsFound,
    Received,
    RefusedFound,
    RefusedRead,
    RegisterAt,
    RegistersAt,
    RegistersFound,
    Resolve,
    Reviewed,
    RuleRow,
    Rules,
    RulesOn,
    SettleAccounts,
    StationProgress,
)
from denghuo.service.reading.api.quality import QUALITY_BY, AskQuality, QualityBy, QualityFound, QualityRow
from denghuo.service.reading.api.route import (
    CYCLES,
    CycleRefused,
    FindRoutes,
    NewRouteCycle,
    ReadingCycle,
    Route,
    RouteCycleRow,
    RouteRef,
    RouteRow,
    RoutesFound,
    StateCycles,
)
from denghuo.service.reading.api.sum import (
    MONTH_SUMS,
    MeterSum,
    MeterSums,
    PublishSums,
    SumsFound,
    SumsPublished,
    month_sums,
)
from denghuo.service.reading.api.unit import (
    UNIT_ENERGY,
    AwaitedFound,
    AwaitedRead,
    UnitMonth,
    UnitMonthRead,
    UnitsTold,
    UnitsToTell,
)
from denghuo.service.reading.api.vocabulary import (
    BANDS,
    CURVE_INTAKE,
    ENERGY_SERIES,
    ENERGY_SO_FAR,
    METER_SERIES,
    METHODS,
    MONTH_ENERGY,
    MONTH_FLOW,
    MONTH_WAITING,
    PHASE_SERIES,
    QUANTITIES,
    REGISTER_INTAKE,
    RULES,
    SERIES,
    SEVERITIES,
    SIDES,
    SOURCES,
    STATUSES,
    Band,
    EnergySeries,
    Method,
    PerUnit,
    Quantity,
    ReactivePower,
    RuleCode,
    Severity,
    Side,
    Source,
    Status,
    Volts,
)

__all__ = [
    "BANDS",
    "BOOK_STATES",
    "CURVE_EFFECTS",
    "CURVE_INTAKE",
    "CURVE_METHODS",
    "CURVE_RULES",
    "CYCLES",
    "DAY_ATOMS",
    "DAY_ESTIMATES",
    "EDIT_STATES",
    "ENERGY_SERIES",
    "ENERGY_SO_FAR",
    "ENTRIES_MAX",
    "ENTRY_STATES",
    "FIELD_STATES",
    "FIELD_WARNINGS",
    "METERS_MAX",
    "METER_CLASSES",
    "METER_SERIES",
    "METHODS",
    "MONTH_ENERGY",
    "MONTH_FLOW",
    "MONTH_SUMS",
    "MONTH_WAITING",
    "PARAMETERS",
    "PHASE_SERIES",
    "PHOTO_TEXT_MAX",
    "QUALITY_BY",
    "QUANTITIES",
    "REGISTER_INTAKE",
    "RULES",
    "RULE_STATUSES",
    "SERIES",
    "SEVERITIES",
    "SHOWN_AS",
    "SIDES",
    "SOURCES",
    "STATUSES",
    "UNIT_ENERGY",
    "WAYS",
    "Accept",
    "AccountMonth",
    "AccountReads",
    "Accuracy",
    "AnyMonth",
    "AskHighest",
    "AskQuality",
    "AtomDay",
    "AtomsFound",
    "AtomsPublished",
    "AwaitedFound",
    "AwaitedRead",
    "Band",
    "BookChange",
    "BookChangeDecided",
    "BookChangeRef",
    "BookChangeRow",
    "BookChangesFound",
    "BookFaulty",
    "BookMove",
    "BookNo",
    "BookRow",
    "BookState",
    "BooksFound",
    "BooksOn",
    "ChangeNo",
    "CheckedCurve",
    "CheckedCurveAsked",
    "Confirmed",
    "CurveDay",
    "CurveEditRow",
    "CurveEffect",
    "CurveExceptionRow",
    "CurveExceptionsFound",
    "CurveHistory",
    "CurveHistoryAsked",
    "CurveMethod",
    "CurveMonth",
    "CurveNotFound",
    "CurveParameter",
    "CurveRuleCode",
    "CurveRuleFaulty",
    "CurveRulePublished",
    "CurveRuleRef",
    "CurveRuleRow",
    "CurveRuleShown",
    "CurveRulesFound",
    "CurveSpan",
    "CurveValues",
    "CurveVersionRow",
    "CurvesChecked",
    "CurvesJudged",
    "CurvesReceived",
    "CurvesToCheck",
    "CycleRefused",
    "DayEstimates",
    "DayRead",
    "DecideBookChange",
    "DecideFieldEntry",
    "DraftCurveRule",
    "DrafterMayNotPublish",
    "EditCurve",
    "EditState",
    "EditWay",
    "EnergiesFound",
    "EnergyPublished",
    "EnergyRow",
    "EnergySeries",
    "EnergySoFar",
    "EntryNo",
    "EntryOutcome",
    "EntryState",
    "EstimatedMonth",
    "EstimatedMonthAsked",
    "ExceptionsFound",
    "FieldChannel",
    "FieldEntry",
    "FieldEntryReceived",
    "FieldEntryRow",
    "FieldOrder",
    "FieldOrderRef",
    "FieldOrderRow",
    "FieldOrderShown",
    "FieldOrdersFound",
    "FieldOrdersMade",
    "FieldPhoto",
    "FieldPhotoRef",
    "FieldRegister",
    "FieldState",
    "FieldSynced",
    "FieldWarning",
    "FindBookChanges",
    "FindCurveExceptions",
    "FindCurveRules",
    "FindExceptions",
    "FindFieldOrders",
    "FindPlan",
    "FindReads",
    "FindRefused",
    "FindRoutes",
    "HighestFound",
    "HighestSlot",
    "Implausible",
    "Intake",
    "KeepFieldPhoto",
    "KnownEnergies",
    "Latitude",
    "Longitude",
    "MakeFieldOrders",
    "MeterAtoms",
    "MeterClass",
    "MeterMonth",
    "MeterMonthAsked",
    "MeterMonthDay",
    "MeterSpan",
    "MeterSum",
    "MeterSums",
    "Method",
    "MonthRead",
    "MonthReadRow",
    "MonthReceived",
    "MonthRef",
    "MonthWasRead",
    "MonthsReceived",
    "MyFieldOrders",
    "MyFieldOrdersFound",
    "NewBookPoint",
    "NewRouteCycle",
    "NoSuchBookChange",
    "NoSuchCurveRule",
    "NoSuchFieldOrder",
    "NotPlanned",
    "NotYet",
    "NothingToAccept",
    "NothingToDecide",
    "OrderNo",
    "ParameterChange",
    "ParameterName",
    "PerUnit",
    "PhotoFaulty",
    "PhotoKept",
    "PhotoNo",
    "Place",
    "PlanFound",
    "PlanRow",
    "Planned",
    "PointCount",
    "PointMonth",
    "PointMonthRef",
    "Progress",
    "ProposeBookChange",
    "ProposerMayNotDecide",
    "PublishAtoms",
    "PublishSums",
    "QualityBy",
    "QualityFound",
    "QualityRow",
    "Quantity",
    "ReactivePower",
    "ReadAt",
    "ReadCorrected",
    "ReadException",
    "ReaderMayNotDecide",
    "ReadingApi",
    "ReadingCycle",
    "ReadsFound",
    "Received",
    "RefusedFound",
    "RefusedRead",
    "RegisterAt",
    "RegistersAt",
    "RegistersFound",
    "RegistersReceived",
    "Resolve",
    "Reviewed",
    "Route",
    "RouteCycleRow",
    "RouteRef",
    "RouteRow",
    "RoutesFound",
    "RuleCode",
    "RuleIsPublished",
    "RuleRow",
    "RuleStatus",
    "RuleToSet",
    "RuleVersion",
    "Rules",
    "RulesOn",
    "SettleAccounts",
    "Severity",
    "ShownAs",
    "Side",
    "Source",
    "SpanUnfit",
    "StaffBalance",
    "StaffBalanced",
    "StaffLoad",
    "StateBooks",
    "StateCycles",
    "StationProgress",
    "Status",
    "SumsFound",
    "SumsPublished",
    "SyncField",
    "TakenAt",
    "TooManyDigits",
    "UnitMonth",
    "UnitMonthRead",
    "UnitRead",
    "UnitsToTell",
    "UnitsTold",
    "Volts",
    "WalkFound",
    "WalkOf",
    "WalkRow",
    "Walker",
    "Warnings",
    "WholeCompanyOnly",
    "WhyConfirmed",
    "WrongIntake",
    "cell_name",
    "day_atoms",
    "day_estimates",
    "month_sums",
    "over_name",
]


class RegistersReceived(Event, name="reading.registers.received", version=1):
    """An intake changed the stored reads of a month."""

    month: str
    taken: int
    corrected: int


class MonthWasRead(Event, name="reading.month.read", version=1):
    """All meters of a month were read, and its energies published; a later run tells it again."""

    month: str
    points: int


class UnitRead(Event, name="reading.unit.read", version=1):
    """How many meters of a unit's accounts were read at the midnight that ends a month has changed. With `read` the same as `due`
    the unit's reads are complete."""

    month: str
    org: str
    due: int
    read: int


class CurvesReceived(Event, name="reading.curves.received", version=1):
    """An intake changed the stored curves of a month."""

    month: str
    taken: int
    corrected: int


class CurvesJudged(Event, name="reading.curves.judged", version=1):
    """Values or verdicts of a month's curves are other than before: they were checked, or a clerk said something of them."""

    month: str
    changed: int


class ReadCorrected(Event, name="reading.read.corrected", version=1):
    """A clerk entered or accepted a read, so what was made of it may change."""

    point_no: str
    account_no: str | None
    month: str


class WrongIntake(Problem, noun="reading", status=422, zh="数据集不是所需格式", en="The dataset has another schema"):
    """Fields: expected, given."""


class NotPlanned(NotFound, noun="reading", status=404, zh="未找到该抄表计划", en="No such reading plan"):
    """Fields: point_no, month. Raised also for a point outside the caller's scope."""


class CurveNotFound(NotFound, noun="reading", status=404, zh="未找到该曲线", en="No such curve"):
    """Fields: subject. Raised also for a subject outside the caller's scope."""


class WholeCompanyOnly(
    Problem, noun="reading", status=403, zh="须由公司级岗位办理", en="Only for a post of the whole company"
):
    """A month is planned and read for the whole company at once. Fields: scope."""


class Implausible(Problem, noun="reading", status=409, zh="示数不合理", en="The register is implausible"):
    """Fields: shown, lowest, highest, rule. Enter it again with `confirmed` after a check on site."""


class TooManyDigits(Problem, noun="reading", status=422, zh="示数位数超过表计", en="More digits than the register has"):
    """Fields: shown, integer_digits, decimal_digits."""


class NotYet(Problem, noun="reading", status=409, zh="抄表时点未到", en="Not yet due"):
    """A register cannot be entered before its time. Fields: read_at."""


class NothingToAccept(Problem, noun="reading", status=409, zh="该示数无需或不能确认", en="Nothing to accept"):
    """The read is not held, or it is held because a register is missing, which no word can replace. Fields: rule, status."""


class ReadingApi(Api, noun="reading", version=1):
    """Registers and curves as they were received, the month's reads and their review."""

    @command(permit="reading.receive", problems=(WrongIntake,), emits=(RegistersReceived,))
    def receive_registers(self, call: Call, request: Intake) -> Received:
        """Takes registers in (`reading.register_intake`). The same rows again change nothing; raw values are never overwritten.
        What ends a month has its units counted by a job."""

    @command(permit="reading.receive", problems=(WrongIntake,), emits=(CurvesReceived,))
    def receive_curves(self, call: Call, request: Intake) -> Received:
        """Takes 15-minute curves in (`reading.curve_intake`) into the day lake. The same rows again change nothing."""

    @query(permit="reading.read")
    def refused(self, call: Call, request: FindRefused) -> RefusedFound:
        """Rows of intakes that were refused, newest first."""

    @query(permit="reading.read")
    def months(self, call: Call, request: AnyMonth) -> MonthsReceived:
        """The months of which registers were received, newest first: with the newest a page about a month begins."""

    @command(permit="reading.plan", problems=(WholeCompanyOnly,))
    def plan_month(self, call: Call, request: MonthRef) -> Planned:
        """Makes or refreshes the reading plan of a month from the installed meters. Running it again changes nothing."""

    @command(permit="reading.run", problems=(WholeCompanyOnly,), emits=(MonthWasRead,))
    def read_month(self, call: Call, request: MonthRef) -> MonthRead:
        """Finds, validates and where allowed estimates every read of the month. A second run changes only what its input did."""

    @command(permit="reading.run")
    def read_unit(self, call: Call, request: UnitMonth) -> UnitMonthRead:
        """Plans and reads the month of one unit within the caller's scope as `read_month` does that of all. A second run changes
        only what its input did."""

    @query(permit="reading.read")
    def awaited(self, call: Call, request: UnitMonth) -> AwaitedFound:
        """The meters of a unit's accounts that show nothing yet at the midnight that ends the month."""

    @command(permit="reading.run")
    def settle_accounts(self, call: Call, request: SettleAccounts) -> EnergiesFound:
        """Plans and reads the month of a few accounts as `read_month` does that of all. Where it changes a read that was published,
        the month's dataset follows by a job."""

    @command(permit="reading.publish", emits=(UnitRead,))
    def tell_units(self, call: Call, request: UnitsToTell) -> UnitsTold:
        """Counts how far units are read at the end of a month, these and any of which nothing was told yet; states it where it has
        changed."""

    @command(permit="reading.publish")
    def publish_energy(self, call: Call, request: MonthRef) -> EnergyPublished:
        """Publishes the month's reads as they stand, where a change of them was not published yet."""

    @query(permit="reading.read")
    def known_energies(self, call: Call, request: KnownEnergies) -> EnergiesFound:
        """What `settle_accounts` would have given at an instant: by the meters, registers and words of clerks that were recorded by
        then. Nothing is changed."""

    @command(permit="reading.run", problems=(WholeCompanyOnly,))
    def publish_so_far(self, call: Call, request: MonthRef) -> EnergySoFar:
        """Publishes what a running month took until its newest midnight, validated like the month's reads, which stay as they are.
        A register that was not read at that midnight is held."""

    @query(permit="reading.read")
    def plan(self, call: Call, request: FindPlan) -> PlanFound:
        """The reading plan of a month."""

    @query(permit="reading.read")
    def progress(self, call: Call, request: MonthRef) -> Progress:
        """How far the month's reading is, in all and by station."""

    @query(permit="reading.read")
    def reads(self, call: Call, request: FindReads) -> ReadsFound:
        """The month's reads by status, rule, station, account, point, meter or area."""

    @query(permit="reading.read")
    def exceptions(self, call: Call, request: FindExceptions) -> ExceptionsFound:
        """Reads to look at: held ones first, then those that passed with an estimate or a remark."""

    @query(permit="reading.read")
    def account_reads(self, call: Call, request: AccountMonth) -> AccountReads:
        """The reads of an account."""

    @query(permit="reading.read", problems=(NotPlanned,))
    def point_month(self, call: Call, request: PointMonthRef) -> PointMonth:
        """One point's month: registers and energies of its days."""

    @query(permit="reading.read")
    def registers_at(self, call: Call, request: RegistersAt) -> RegistersFound:
        """The energy registers of points at a midnight inside the month, where a bill changes its terms. Meters that were exchanged
        at that very midnight have none: their pieces end there."""

    @query(permit="reading.read")
    def routes(self, call: Call, request: FindRoutes) -> RoutesFound:
        """Routes with their cycles of today: a route is a transformer area, or a feeder for points outside of areas."""

    @query(permit="reading.read", problems=(CycleRefused,))
    def route(self, call: Call, request: RouteRef) -> Route:
        """One route with all of its cycles."""

    @command(permit="reading.plan", problems=(CycleRefused,))
    def change_cycle(self, call: Call, request: NewRouteCycle) -> Route:
        """States how often a route is read from a month on. Months that were read already cannot be reached, so that none is lost
        or read twice: the next reading covers all months since the last one."""

    @command(permit="reading.plan")
    def state_cycles(self, call: Call, request: StateCycles) -> BatchTaken:
        """As `change_cycle`, for many routes; each is taken or refused by itself."""

    @query(permit="reading.read")
    def rules(self, call: Call, request: RulesOn) -> Rules:
        """The rules of validation and estimation in force."""

    @command(
        permit="reading.review",
        problems=(NotPlanned, NotYet, Implausible, TooManyDigits),
        emits=(ReadCorrected, UnitRead),
    )
    def resolve(self, call: Call, request: Resolve) -> Reviewed:
        """Enters a register by hand, with the reason. The raw value stays; the read is made anew from the entered one."""

    @command(permit="reading.review", problems=(NotPlanned, NothingToAccept), emits=(ReadCorrected,))
    def accept(self, call: Call, request: Accept) -> Reviewed:
        """Confirms a suspicious value, with the reason, so that it is billed."""

    @query(permit="reading.read", problems=(CurveNotFound,))
    def curve(self, call: Call, request: CurveDay) -> CurveValues:
        """The 96 values of a day of a gateway or a meter."""

    @query(permit="reading.read", problems=(CurveNotFound,))
    def curve_month(self, call: Call, request: CurveMonth) -> CurveValues:
        """The month's 15-minute values of a gateway or a meter."""

    @command(permit="reading.run", problems=(NotYet, WholeCompanyOnly), emits=(CurvesJudged,))
    def check_curves(self, call: Call, request: CurvesToCheck) -> CurvesChecked:
        """Gives every energy value of a day that has ended its verdict, and fills its gaps where a method allows; beside what was
        received, which stays. A job does it when curves or registers came in; again, it changes only what its input did."""

    @query(permit="reading.read")
    def curve_exceptions(self, call: Call, request: FindCurveExceptions) -> CurveExceptionsFound:
        """Meter-days with held or estimated values or a remark, newest first, and of a day in this order."""

    @query(permit="reading.read", problems=(CurveNotFound,))
    def checked_curve(self, call: Call, request: CheckedCurveAsked) -> CheckedCurve:
        """A meter's curve of a few days: what counts, what was received, and the verdict of every value."""

    @command(permit="reading.review", problems=(CurveNotFound, NotYet, SpanUnfit), emits=(CurvesJudged,))
    def edit_curve(self, call: Call, request: EditCurve) -> CheckedCurve:
        """Accepts suspicious values of a span, enters its energy, asks for another method for it, or withdraws what was said, with
        the reason. What was received stays; where another value comes in later, the word counts there no more."""

    @query(permit="reading.read", problems=(CurveNotFound,))
    def curve_history(self, call: Call, request: CurveHistoryAsked) -> CurveHistory:
        """What clerks said of a meter's day, and every version of what was received of it."""

    @query(permit="reading.read", problems=(CurveNotFound,))
    def meter_month(self, call: Call, request: MeterMonthAsked) -> MeterMonth:
        """A meter's month by days: registers and curve, status of each day, and the share that is estimated."""

    @query(permit="reading.read")
    def curve_rules(self, call: Call, request: FindCurveRules) -> CurveRulesFound:
        """Versions of the rules of curves by class of meters, newest first; those that ship are the last."""

    @query(permit="reading.read", problems=(NoSuchCurveRule,))
    def curve_rule(self, call: Call, request: CurveRuleRef) -> CurveRuleShown:
        """A version of a rule beside the one that it stands before, and how many days it touches."""

    @command(permit="reading.set_rules", problems=(CurveRuleFaulty,))
    def draft_curve_rule(self, call: Call, request: DraftCurveRule) -> CurveRuleShown:
        """Drafts a version of a rule for a class of meters from a day on, in place of another draft of both."""

    @command(
        permit="reading.set_rules",
        problems=(NoSuchCurveRule, RuleIsPublished, DrafterMayNotPublish),
        emits=(CurveRulePublished,),
    )
    def publish_curve_rule(self, call: Call, request: CurveRuleRef) -> CurveRuleShown:
        """Puts a draft in force; another person than its drafter does it. Days that were checked and that it touches are checked
        again by jobs."""

    @query(permit="reading.read")
    def quality(self, call: Call, request: AskQuality) -> QualityFound:
        """How much of a month was read, was right at once, is estimated and held, by unit or by reader."""

    # Books (抄表册): book.py

    @command(permit="reading.route", problems=(BookFaulty,))
    def propose_book_change(self, call: Call, request: ProposeBookChange) -> BookChange:
        """Proposes points for a reading book in their order of walk, or its reader, from a day on."""

    @command(
        permit="reading.approve_route",
        problems=(NoSuchBookChange, BookChangeDecided, ProposerMayNotDecide, BookFaulty),
    )
    def approve_book_change(self, call: Call, request: DecideBookChange) -> BookChange:
        """Another person's yes: from its day on the change stands. What stood before is kept."""

    @command(permit="reading.approve_route", problems=(NoSuchBookChange, BookChangeDecided, ProposerMayNotDecide))
    def refuse_book_change(self, call: Call, request: DecideBookChange) -> BookChange:
        """Another person's no, with the reason."""

    @command(permit="reading.plan")
    def state_books(self, call: Call, request: StateBooks) -> BatchTaken:
        """States the first places of many points, as an import does; each is taken or refused by itself. What was stated once is
        changed by two persons."""

    @query(permit="reading.read", problems=(NoSuchBookChange,))
    def book_change(self, call: Call, request: BookChangeRef) -> BookChange:
        """A change of a book, with where its points stand today."""

    @query(permit="reading.read")
    def book_changes(self, call: Call, request: FindBookChanges) -> BookChangesFound:
        """Changes of books, the newest first: what is proposed waits for another person."""

    @query(permit="reading.read")
    def books(self, call: Call, request: BooksOn) -> BooksFound:
        """The reading books of a day with their readers. A point that was never moved stands in the book of its route."""

    @query(permit="reading.read")
    def walk(self, call: Call, request: WalkOf) -> WalkFound:
        """The points of a book in their order of walk, as of a day."""

    @query(permit="reading.read")
    def staff_balance(self, call: Call, request: StaffBalance) -> StaffBalanced:
        """How many books and points each reader walks on a day."""

    # Field reading (现场补抄): field.py

    @command(permit="reading.review")
    def make_field_orders(self, call: Call, request: MakeFieldOrders) -> FieldOrdersMade:
        """Makes an order for every meter of an account whose read of the month stayed held after all that is automatic. Again, it
        adds only what is new."""

    @query(permit="reading.field")
    def my_field_orders(self, call: Call, request: MyFieldOrders) -> MyFieldOrdersFound:
        """The open orders of the caller's books of today, up to 500, with all that a phone needs to judge an entry by itself."""

    @command(permit="reading.field", problems=(NoSuchFieldOrder, PhotoFaulty))
    def keep_field_photo(self, call: Call, request: KeepFieldPhoto) -> PhotoKept:
        """Keeps a photo of a meter. It goes ahead of the entry that names it."""

    @command(permit="reading.field", emits=(FieldEntryReceived,))
    def sync_field(self, call: Call, request: SyncField) -> FieldSynced:
        """Takes entries from a phone, each by itself, and says what became of each. The same entry again is told the same or what
        has become of it since. Of two entries of an order the one that was taken later counts, whichever comes first."""

    @query(permit="reading.read")
    def field_orders(self, call: Call, request: FindFieldOrders) -> FieldOrdersFound:
        """Orders by state, reader, unit, book and month, the newest first."""

    @query(permit="reading.read", problems=(NoSuchFieldOrder,))
    def field_order(self, call: Call, request: FieldOrderRef) -> FieldOrderShown:
        """An order with all entries that came for it."""

    @query(permit="reading.read", problems=(NoSuchFieldOrder,))
    def field_photo(self, call: Call, request: FieldPhotoRef) -> FieldPhoto:
        """A photo as base64 text."""

    @command(
        permit="reading.review",
        problems=(NoSuchFieldOrder, NothingToDecide, ReaderMayNotDecide),
        emits=(ReadCorrected, UnitRead),
    )
    def accept_field_entry(self, call: Call, request: DecideFieldEntry) -> FieldOrderShown:
        """Another person than the reader takes the entry as the register: frozen ones at the reading midnight, others at the
        midnight that begins the day on which they were seen. The read is made anew."""

    @command(permit="reading.review", problems=(NoSuchFieldOrder, NothingToDecide, ReaderMayNotDecide))
    def refuse_field_entry(self, call: Call, request: DecideFieldEntry) -> FieldOrderShown:
        """Sends the order back to its reader, who is told why."""

    @query(permit="reading.read")
    def meter_atoms(self, call: Call, request: MeterAtoms) -> AtomsFound:
        """A month's energy curves of a few meters, added up by cells of the day."""

    @query(permit="reading.read", problems=(CurveNotFound,))
    def estimated_month(self, call: Call, request: EstimatedMonthAsked) -> EstimatedMonth:
        """What stands in for values of a meter's month as bills take it: of the days whose time to wait is over."""

    @query(permit="reading.read")
    def meter_sums(self, call: Call, request: MeterSums) -> SumsFound:
        """Months of a few meters, added up by cells of the day and kinds of days: from the sums that are kept of a month, or from
        its days where those do not fit or were corrected. The answer is the same."""

    @query(permit="reading.publish", problems=(WholeCompanyOnly,))
    def highest(self, call: Call, request: AskHighest) -> HighestFound:
        """The highest quarter-hours of meters, for the whole company: the demand of those that have no demand register."""

    @command(permit="reading.publish", problems=(WholeCompanyOnly,))
    def publish_atoms(self, call: Call, request: PublishAtoms) -> AtomsPublished:
        """Adds up a month's energy curves by cells of the day, for the whole company. What was made before of the same curves and
        cells is given again; a day is added up anew only where its curves have changed."""

    @command(permit="reading.publish", problems=(WholeCompanyOnly,))
    def publish_sums(self, call: Call, request: PublishSums) -> SumsPublished:
        """Keeps the sums of a month's curves by kinds of days, for the whole company, made of the atoms by the same cells. What was
        made before of the same curves, cells and kinds is given again; a correction of a day makes them anew."""

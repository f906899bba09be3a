"""Reading: implementation of the contract."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute

from denghuo.data.processing.work import Work
from denghuo.kernel.batch import BatchTaken
from denghuo.kernel.contract import Call, DatasetRef
from denghuo.kernel.period import Month, midnight
from denghuo.kernel.problem import text
from denghuo.service.host.binding import Ask
from denghuo.service.point.api import MetersIn
from denghuo.service.reading.api import (
    ENERGY_SO_FAR,
    METER_SERIES,
    MONTH_ENERGY,
    RULES,
    Accept,
    AccountMonth,
    AccountReads,
    AnyMonth,
    AskHighest,
    AskQuality,
    AtomsFound,
    AtomsPublished,
    AwaitedFound,
    BookChange,
    BookChangeRef,
    BookChangesFound,
    BooksFound,
    BooksOn,
    CheckedCurve,
    CheckedCurveAsked,
    CurveDay,
    CurveExceptionsFound,
    CurveHistory,
    CurveHistoryAsked,
    CurveMonth,
    CurveNotFound,
    CurveRuleRef,
    CurveRulesFound,
    CurveRuleShown,
    CurvesChecked,
    CurvesToCheck,
    CurveValues,
    DecideBookChange,
    DecideFieldEntry,
    DraftCurveRule,
    EditCurve,
    EnergiesFound,
    EnergyPublished,
    EnergySoFar,
    EstimatedMonth,
    EstimatedMonthAsked,
    ExceptionsFound,
    FieldOrderRef,
    FieldOrdersFound,
    FieldOrderShown,
    FieldOrdersMade,
    FieldPhoto,
    FieldPhotoRef,
    FieldSynced,
    FindBookChanges,
    FindCurveExceptions,
    FindCurveRules,
    FindExceptions,
    FindFieldOrders,
    FindPlan,
    FindReads,
    FindRefused,
    FindRoutes,
    HighestFound,
    Intake,
    KeepFieldPhoto,
    KnownEnergies,
    MakeFieldOrders,
    MeterAtoms,
    MeterMonth,
    MeterMonthAsked,
    MeterSums,
    MonthRead,
    MonthRef,
    MonthsReceived,
    MonthWasRead,
    MyFieldOrders,
    MyFieldOrdersFound,
    NewRouteCycle,
    NothingToAccept,
    PhotoKept,
    PlanFound,
    Planned,
    PointMonth,
    PointMonthRef,
    Progress,
    ProposeBookChange,
    PublishAtoms,
    PublishSums,
    QualityFound,
    ReadCorrected,
    ReadingApi,
    ReadsFound,
    Received,
    RefusedFound,
    RegistersAt,
    RegistersFound,
    Resolve,
    Reviewed,
    Route,
    RouteRef,
    RoutesFound,
    Rules,
    RulesOn,
    SettleAccounts,
    StaffBalance,
    StaffBalanced,
    StateBooks,
    StateCycles,
    SumsFound,
    SumsPublished,
    SyncField,
    UnitMonth,
    UnitMonthRead,
    UnitsTold,
    UnitsToTell,
    WalkFound,
    WalkOf,
    WholeCompanyOnly,
)
from denghuo.service.reading.batch import (
    ALWAYS,
    Due,
    Manual,
    PlanPiece,
    evaluate,
    first_month,
    midnights_of,
    newest_midnight,
    reads_of,
    shown_at,
)
from denghuo.service.reading.batch.intake import CURVES
from denghuo.service.reading.rules import Rule, in_force
from denghuo.service.reading.service.atoms import meter_atoms, publish_atoms
from denghuo.service.reading.service.books import Books
from denghuo.service.reading.service.checks import check_digits, check_due, check_plausible, not_planned
from denghuo.service.reading.service.curve_edits import CurveEdits
from denghuo.service.reading.service.curve_rules import CurveRuleDesk
from denghuo.service.reading.service.curves import Curves
from denghuo.service.reading.service.estimates import Estimates
from denghuo.service.reading.service.field import FieldReading
from denghuo.service.reading.service.forms import (
    curve_values,
    day_read,
    energy_row,
    energy_table,
    register_at,
    rule_row,
    shown_energy,
)
from denghuo.service.reading.service.highest import highest
from denghuo.service.reading.service.judging import Judging
from denghuo.service.reading.service.making import Making
from denghuo.service.reading.service.meter_month import meter_month
from denghuo.service.reading.service.quality import quality_found
from denghuo.service.reading.service.routes import Routes
from denghuo.service.reading.service.sums import meter_sums, publish_sums
from denghuo.service.reading.service.taking import Taking
from denghuo.service.reading.service.units import Units
from denghuo.service.reading.store import ReadingPages, ReadingStore, RouteStore
from denghuo.service.reading.store.books import BookStore
from denghuo.service.reading.store.pages import progress_row

pc: Any = pyarrow.compute
_ORDER: Any = [(name, "ascending") for name in ("point_no", "piece", "quantity", "band")]
_SUM = ("planned", "collected", "valid", "estimated", "held")


class ReadingService(ReadingApi):
    def __init__(self, work: Work, ask: Ask) -> None:
        self._work, self._ask = work, ask
        self._store, self._pages = ReadingStore(work), ReadingPages(work)
        self._lake = work.lake
        self._taking = Taking(work, ask, self._store)
        self._making = Making(work, ask, self._store)
        judging = Judging(work, self._taking)
        self._checked = Curves(work, judging)
        self._estimates = Estimates(work)
        self._edits = CurveEdits(work, self._checked, judging)
        self._curve_rules = CurveRuleDesk(work, self._checked)
        self._cycles = RouteStore(work)
        self._routes = Routes(ask, self._cycles)
        self._books = Books(ask, BookStore(work))
        self._units = Units(work, self._store, self._taking, self._making)
        self._field = FieldReading(work, self._store, self._taking, self._making, self._units, self._remade)

    # -- taking in -------------------------------------------------------------------------------------------------------

    def receive_registers(self, call: Call, request: Intake) -> Received:
        received, closed, days = self._taking.registers(call, request)
        self._checked.registers_received(days, call.now)
        for month, orgs in closed.items():
            self._units.received(str(month), orgs)
        return received

    def receive_curves(self, call: Call, request: Intake) -> Received:
        received, days = self._taking.curves(call, request)
        self._checked.received(days, call.now)
        return received

    def energies(self, call: Call, collected: DatasetRef) -> DatasetRef:
        return self._taking.energies(call, collected)

    def months(self, call: Call, request: AnyMonth) -> MonthsReceived:
        # Counts of the whole company are nothing to one customer, nor to somebody without a unit.
        return MonthsReceived(rows=self._taking.months() if call.scope and not call.accounts else [])

    # -- the month -------------------------------------------------------------------------------------------------------

    def plan_month(self, call: Call, request: MonthRef) -> Planned:
        due, changed = self._plan(call, request.month)
        pieces = due.pieces
        # Once a month what killed writers left behind in the lake is cleared away.
        self._lake.sweep(call.now)
        return Planned(
            month=request.month,
            points=len({piece.point_no for piece in pieces}),
            pieces=len(pieces),
            changed=changed,
        )

    def _plan(self, call: Call, month_text: str) -> tuple[Due, int]:
        _whole_company(call)
        due = self._taking.due(call, Month.of(month_text), self._cycles.cycles())
        pieces = due.pieces
        self._store.lock_month(month_text)
        changed = self._store.save_plan(month_text, pieces, call.now)
        subjects = {("meter", piece.meter_no): (piece.org, piece.account_no) for piece in pieces}
        subjects |= {
            ("area", piece.area_no): (piece.org, None) for piece in pieces if piece.role == "gateway" and piece.area_no
        }
        self._store.save_subjects((name, kind, *owner) for (kind, name), owner in subjects.items())
        return due, changed

    def read_month(self, call: Call, request: MonthRef) -> MonthRead:
        due, _ = self._plan(call, request.month)
        pieces = due.pieces
        rows = self._making.made(Month.of(request.month), pieces)
        changed = self._store.save_reads(request.month, rows, call.now)
        counts = {status: sum(row.status == status for row in rows) for status in ("valid", "estimated", "held")}
        points = len({piece.point_no for piece in pieces})
        self._work.emit(MonthWasRead(month=request.month, points=points))
        return MonthRead(
            month=request.month,
            points=points,
            rows=len(rows),
            changed=changed,
            energy=self._making.publish(call, request.month, energy_table(rows)),
            waiting=self._making.waiting(call, request.month, "all", due.waiting),
            as_of=self._pages.as_of(request.month, call.now),
            **counts,
        )

    def publish_so_far(self, call: Call, request: MonthRef) -> EnergySoFar:
        self._plan(call, request.month)
        month = Month.of(request.month)
        due = self._taking.due(call, month, self._cycles.cycles(), running=True)
        registers, _ = self._making.registers(month, None)
        until = newest_midnight(registers, month, call.today)
        energy = None
        if until is not None:
            rows = self._making.made_until(month, due.pieces, until)
            energy = self._work.datasets.publish(ENERGY_SO_FAR, request.month, "all", energy_table(rows), call.now)
        return EnergySoFar(month=request.month, until=until, energy=energy, as_of=call.now)

    def read_unit(self, call: Call, request: UnitMonth) -> UnitMonthRead:
        return self._units.read(call, request)

    def awaited(self, call: Call, request: UnitMonth) -> AwaitedFound:
        return self._units.awaited(call, request)

    def tell_units(self, call: Call, request: UnitsToTell) -> UnitsTold:
        return self._units.tell(call, request)

    def settle_accounts(self, call: Call, request: SettleAccounts) -> EnergiesFound:
        rows, waiting = self._making.settled(call, Month.of(request.month), request.account_nos)
        shown = [energy_row(row) for row in rows]
        return EnergiesFound(month=request.month, rows=shown, waiting=sorted(waiting), as_of=call.now)

    def known_energies(self, call: Call, request: KnownEnergies) -> EnergiesFound:
        rows, waiting = self._making.known(call, Month.of(request.month), request.account_nos, request.known_at)
        shown = [energy_row(row) for row in rows]
        return EnergiesFound(month=request.month, rows=shown, waiting=sorted(waiting), as_of=request.known_at)

    def publish_energy(self, call: Call, request: MonthRef) -> EnergyPublished:
        return EnergyPublished(month=request.month, published=self._making.publish_due(call, request.month))

    def quality(self, call: Call, request: AskQuality) -> QualityFound:
        return quality_found(self._work, call, request)

    # -- books -----------------------------------------------------------------------------------------------------------

    def propose_book_change(self, call: Call, request: ProposeBookChange) -> BookChange:
        return self._books.propose(call, request)

    def approve_book_change(self, call: Call, request: DecideBookChange) -> BookChange:
        return self._books.approve(call, request)

    def refuse_book_change(self, call: Call, request: DecideBookChange) -> BookChange:
        return self._books.refuse(call, request)

    def state_books(self, call: Call, request: StateBooks) -> BatchTaken:
        return self._books.state(call, request)

    def book_change(self, call: Call, request: BookChangeRef) -> BookChange:
        return self._books.change(call, request)

    def book_changes(self, call: Call, request: FindBookChanges) -> BookChangesFound:
        return self._books.changes(call, request)

    def books(self, call: Call, request: BooksOn) -> BooksFound:
        return self._books.books(call, request)

    def walk(self, call: Call, request: WalkOf) -> WalkFound:
        return self._books.walk(call, request)

    def staff_balance(self, call: Call, request: StaffBalance) -> StaffBalanced:
        return self._books.balance(call, request)

    # -- field reading ---------------------------------------------------------------------------------------------------

    def make_field_orders(self, call: Call, request: MakeFieldOrders) -> FieldOrdersMade:
        return self._field.make(call, request)

    def my_field_orders(self, call: Call, request: MyFieldOrders) -> MyFieldOrdersFound:
        return self._field.mine(call, request)

    def keep_field_photo(self, call: Call, request: KeepFieldPhoto) -> PhotoKept:
        return self._field.keep_photo(call, request)

    def sync_field(self, call: Call, request: SyncField) -> FieldSynced:
        return self._field.sync(call, request)

    def field_orders(self, call: Call, request: FindFieldOrders) -> FieldOrdersFound:
        return self._field.find(call, request)

    def field_order(self, call: Call, request: FieldOrderRef) -> FieldOrderShown:
        return self._field.shown(call, request)

    def field_photo(self, call: Call, request: FieldPhotoRef) -> FieldPhoto:
        return self._field.photo(call, request)

    def accept_field_entry(self, call: Call, request: DecideFieldEntry) -> FieldOrderShown:
        return self._field.accept(call, request)

    def refuse_field_entry(self, call: Call, request: DecideFieldEntry) -> FieldOrderShown:
        return self._field.refuse(call, request)

    # -- lists -----------------------------------------------------------------------------------------------------------

    def plan(self, call: Call, request: FindPlan) -> PlanFound:
        rows, total, following = self._pages.plan(request)
        return PlanFound(rows=rows, total=total, next=following, as_of=self._pages.as_of(request.month, call.now))

    def progress(self, call: Call, request: MonthRef) -> Progress:
        rows = self._pages.progress(request.month)
        total = {name: sum(getattr(row, name) for row in rows) for name in _SUM}
        orgs = [row.org for row in rows]
        org = orgs[0] if len(orgs) == 1 else orgs[0].partition(".")[0] if orgs else "0"
        return Progress(
            month=request.month,
            total=progress_row(org, total),
            rows=rows,
            as_of=self._pages.as_of(request.month, call.now),
        )

    def reads(self, call: Call, request: FindReads) -> ReadsFound:
        rows, total, following = self._pages.reads(request)
        return ReadsFound(rows=rows, total=total, next=following, as_of=self._pages.as_of(request.month, call.now))

    def exceptions(self, call: Call, request: FindExceptions) -> ExceptionsFound:
        rules = in_force(Month.of(request.month).first_day)
        rows, total, held, following = self._pages.exceptions(request, rules, RULES.entries)
        as_of = self._pages.as_of(request.month, call.now)
        return ExceptionsFound(rows=rows, total=total, held=held, next=following, as_of=as_of)

    def account_reads(self, call: Call, request: AccountMonth) -> AccountReads:
        rows = self._pages.reads_of_account(request.account_no, request.month)
        as_of = self._pages.as_of(request.month, call.now)
        return AccountReads(account_no=request.account_no, rows=rows, as_of=as_of)

    def refused(self, call: Call, request: FindRefused) -> RefusedFound:
        rows, total, following = self._pages.refused(request)
        return RefusedFound(rows=rows, total=total, next=following, as_of=self._pages.as_of(request.month, call.now))

    # -- routes ----------------------------------------------------------------------------------------------------------

    def routes(self, call: Call, request: FindRoutes) -> RoutesFound:
        return self._routes.find(call, request)

    def route(self, call: Call, request: RouteRef) -> Route:
        return self._routes.route(call, request.route)

    def change_cycle(self, call: Call, request: NewRouteCycle) -> Route:
        return self._routes.change(call, request)

    def state_cycles(self, call: Call, request: StateCycles) -> BatchTaken:
        return self._routes.state(call, request)

    def rules(self, call: Call, request: RulesOn) -> Rules:
        on = request.on or call.today
        return Rules(rows=[rule_row(rule) for rule in in_force(on).values()])

    # -- one point -------------------------------------------------------------------------------------------------------

    def point_month(self, call: Call, request: PointMonthRef) -> PointMonth:
        pieces = self._making.planned(call, request.month, [request.point_no])
        if not pieces:
            raise not_planned(request.month, request.point_no)
        quantity = request.quantity or ALWAYS[pieces[0].register][0]
        month = Month.of(request.month)
        first = first_month(pieces, month)
        registers, manuals = self._making.registers(month, sorted({piece.meter_no for piece in pieces}), first=first)
        found = evaluate(pieces, registers, manuals, month, in_force(month.first_day))
        if not any((one, band) == (quantity, request.band) for _, one, band in found.channels):
            raise not_planned(request.month, request.point_no)
        raw = {
            (row["meter_no"], row["read_at"]): row["value_e4"]
            for row in registers.to_pylist()
            if (row["quantity"], row["band"]) == (quantity, request.band)
        }
        midnights = midnights_of(found, quantity, raw, request.band)
        return PointMonth.model_validate(
            {
                "point_no": request.point_no,
                "month": request.month,
                "account_no": pieces[-1].account_no,
                "org": pieces[-1].org,
                "role": pieces[-1].role,
                "quantity": quantity,
                "reads": self._pages.reads_of_point(request.month, request.point_no),
                "days": [day_read(one) for one in midnights],
                "starts": first.first_day,
                "energies": [shown_energy(one.energy_wh) for one in midnights[:-1]],
                "estimated": [one.energy_estimated for one in midnights[:-1]],
                "as_of": self._pages.as_of(request.month, call.now),
            }
        )

    def registers_at(self, call: Call, request: RegistersAt) -> RegistersFound:
        month, known_at = Month.of(request.month), request.known_at
        if known_at is None:
            pieces = self._making.planned(call, request.month, request.point_nos)
        else:
            asked = MetersIn(month=request.month, point_nos=request.point_nos, known_at=known_at)
            pieces = [piece for piece in self._making.due(call, asked).pieces if piece.point_no in request.point_nos]
        found = self._making.evaluated(month, pieces, known_at)
        return RegistersFound(
            rows=[register_at(one) for one in shown_at(found, midnight(request.day))],
            as_of=known_at or self._pages.as_of(request.month, call.now),
        )

    def _pieces(self, month: str, point_no: str) -> list[PlanPiece]:
        pieces = self._store.pieces(month, point_no)
        if not pieces:
            raise not_planned(month, point_no)
        return pieces

    # -- review ----------------------------------------------------------------------------------------------------------

    def resolve(self, call: Call, request: Resolve) -> Reviewed:
        self._store.lock_month(request.month)
        pieces = self._pieces(request.month, request.point_no)
        piece = next((one for one in pieces if one.piece == request.piece), None)
        if piece is None:
            raise not_planned(request.month, request.point_no)
        quantity = request.quantity or ALWAYS[piece.register][0]
        read_at = piece.from_at if request.side == "start" else piece.to_at
        check_digits(request.shown.e4, piece)
        check_due(read_at, call.now)
        entered = Manual(piece.meter_no, quantity, request.band, read_at, request.shown.e4)
        month = Month.of(request.month)
        found = self._making.evaluated(month, pieces, entered=[entered])
        row = found.row_of(pieces.index(piece), quantity, request.band)
        if row is None:
            raise not_planned(request.month, request.point_no)
        if not request.confirmed:
            check_plausible(found, row, request.side, request.shown.e4)
        self._store.enter(entered, piece, request.reason, call.actor, call.now)
        if read_at == month.period.end and piece.account_no is not None:
            self._units.entered(call, month, piece.org)
        suspicious = reads_of(found, {})[row]
        if request.confirmed and suspicious.status == "held" and _may_accept(found.rules.get(suspicious.rule)):
            self._store.accept(suspicious, request.reason, call.actor, call.now)
        return self._remade(call, pieces, piece, quantity, request.band)

    def accept(self, call: Call, request: Accept) -> Reviewed:
        self._store.lock_month(request.month)
        pieces = self._pieces(request.month, request.point_no)
        piece = next((one for one in pieces if one.piece == request.piece), pieces[0])
        quantity = request.quantity or ALWAYS[piece.register][0]
        read = self._store.read(request.month, request.point_no, request.piece, quantity, request.band)
        if read is None:
            raise not_planned(request.month, request.point_no)
        rule = in_force(Month.of(request.month).first_day).get(read.rule)
        if read.status != "held" or read.energy_wh is None or not _may_accept(rule):
            raise NothingToAccept(
                text(
                    "该示数未挂起，或因示数缺失、倒走而挂起；此类须录入示数，不能仅凭确认放行。",
                    "The read is not held, or a register is missing or runs backwards; enter the register instead.",
                ),
                rule=read.rule,
                status=read.status,
            )
        self._store.accept(read, request.reason, call.actor, call.now)
        return self._remade(call, pieces, piece, quantity, request.band)

    def _remade(self, call: Call, pieces: Sequence[PlanPiece], piece: PlanPiece, quantity: str, band: str) -> Reviewed:
        """Makes the reads of one point anew and puts them into the month's dataset in place of the old ones."""
        month, point_no = piece.month, piece.point_no
        if not self._pages.reads_of_point(month, point_no):
            raise not_planned(month, point_no)
        rows = self._making.made(Month.of(month), pieces, [point_no])
        self._store.save_reads(month, rows, call.now, [point_no])
        newest = self._work.datasets.newest(MONTH_ENERGY.name, month)
        if newest:
            before = self._work.datasets.scan(newest)
            others = before.filter(pc.not_equal(before["point_no"], point_no))
            table = pa.concat_tables([others, energy_table(rows)]).sort_by(_ORDER)
            energy = self._making.publish(call, month, table)
        else:
            # Its unit was read and the whole month was not: nobody may take a part for the month.
            energy = self._units.publish(call, month, piece.org)
        self._work.emit(ReadCorrected(point_no=point_no, account_no=piece.account_no, month=month))
        read = next(
            one
            for one in self._pages.reads_of_point(month, point_no)
            if (one.piece, one.quantity, one.band) == (piece.piece, quantity, band)
        )
        return Reviewed(read=read, energy=energy)

    # -- curves ----------------------------------------------------------------------------------------------------------

    def curve(self, call: Call, request: CurveDay) -> CurveValues:
        return self._curves(call, request.subject, request.day, request.day)

    def curve_month(self, call: Call, request: CurveMonth) -> CurveValues:
        month = Month.of(request.month)
        last = month.next.first_day - timedelta(days=1)
        return self._curves(call, request.subject, month.first_day, last, request.known_at)

    def check_curves(self, call: Call, request: CurvesToCheck) -> CurvesChecked:
        _whole_company(call)
        return self._checked.check(call, request)

    def curve_exceptions(self, call: Call, request: FindCurveExceptions) -> CurveExceptionsFound:
        return self._checked.exceptions(call, request)

    def checked_curve(self, call: Call, request: CheckedCurveAsked) -> CheckedCurve:
        if self._checked.owner(request.meter_no) is None:
            raise _no_curve(request.meter_no)
        return self._checked.curve(call, request)

    def edit_curve(self, call: Call, request: EditCurve) -> CheckedCurve:
        owner = self._checked.owner(request.meter_no)
        if owner is None:
            raise _no_curve(request.meter_no)
        return self._edits.edit(call, request, owner)

    def curve_history(self, call: Call, request: CurveHistoryAsked) -> CurveHistory:
        if self._checked.owner(request.meter_no) is None:
            raise _no_curve(request.meter_no)
        return self._edits.history(call, request)

    def meter_month(self, call: Call, request: MeterMonthAsked) -> MeterMonth:
        if self._checked.owner(request.meter_no) is None:
            raise _no_curve(request.meter_no)
        return meter_month(self._lake, self._checked, call, request)

    def curve_rules(self, call: Call, request: FindCurveRules) -> CurveRulesFound:
        return self._curve_rules.find(call, request)

    def curve_rule(self, call: Call, request: CurveRuleRef) -> CurveRuleShown:
        return self._curve_rules.shown(call, request)

    def draft_curve_rule(self, call: Call, request: DraftCurveRule) -> CurveRuleShown:
        return self._curve_rules.draft(call, request)

    def publish_curve_rule(self, call: Call, request: CurveRuleRef) -> CurveRuleShown:
        return self._curve_rules.publish(call, request)

    def meter_atoms(self, call: Call, request: MeterAtoms) -> AtomsFound:
        rows = self._estimates.beside(meter_atoms(self._lake, request), request, call.now)
        return AtomsFound(rows=rows, as_of=request.known_at or call.now)

    def estimated_month(self, call: Call, request: EstimatedMonthAsked) -> EstimatedMonth:
        if "meter" not in self._store.subject_kinds(request.meter_no):
            raise _no_curve(request.meter_no)
        return self._estimates.month(request, call.now)

    def highest(self, call: Call, request: AskHighest) -> HighestFound:
        _whole_company(call)
        return highest(self._lake, request, request.known_at or call.now)

    def publish_atoms(self, call: Call, request: PublishAtoms) -> AtomsPublished:
        _whole_company(call)
        atoms = publish_atoms(self._lake, self._work.datasets, self._work.workers, request, call.now)
        return atoms.model_copy(update={"estimates": self._estimates.published(request, call.now)})

    def meter_sums(self, call: Call, request: MeterSums) -> SumsFound:
        return meter_sums(self._lake, self._work.datasets, request, call.now)

    def publish_sums(self, call: Call, request: PublishSums) -> SumsPublished:
        _whole_company(call)
        return publish_sums(self._lake, self._work.datasets, self._work.workers, request, call.now)

    def _curves(
        self, call: Call, subject: str, first: date, last: date, known_at: datetime | None = None
    ) -> CurveValues:
        kinds = self._store.subject_kinds(subject)
        if not kinds:
            raise _no_curve(subject)
        series = {
            name: self._lake.curve(kind, subject, first, last, known_at)
            for name, kind in CURVES.items()
            if ("meter" if name in METER_SERIES else "area") in kinds
        }
        as_of = self._lake.recorded_at([CURVES[name].name for name in series], first, last) or call.now
        return curve_values(subject, first, last, series, as_of)


def _whole_company(call: Call) -> None:
    if not any(scope == "" or "." not in scope for scope in call.scope):
        raise WholeCompanyOnly(
            text("抄表计划与月度抄表按公司整体办理。", "Plans and reads of a month are made for the whole company."),
            scope=list(call.scope),
        )


def _no_curve(subject: str) -> CurveNotFound:
    return CurveNotFound(
        text(
            f"没有 {subject} 的曲线，或不在您的管辖范围内。",
            f"There are no curves of {subject}, or it is outside your scope.",
        ),
        subject=subject,
    )


def _may_accept(rule: Rule | None) -> bool:
    return rule is not None and rule.may_accept

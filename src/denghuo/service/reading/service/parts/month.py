"""Registers and curves taken in, and the month's plan, run and energies."""

from denghuo.kernel.contract import Call, DatasetRef
from denghuo.kernel.period import Month
from denghuo.service.reading.api import (
    ENERGY_SO_FAR,
    AnyMonth,
    AskQuality,
    AwaitedFound,
    EnergiesFound,
    EnergyPublished,
    EnergySoFar,
    FindPlan,
    FindRefused,
    Intake,
    KnownEnergies,
    MonthRead,
    MonthRef,
    MonthsReceived,
    MonthWasRead,
    PlanFound,
    Planned,
    Progress,
    QualityFound,
    Received,
    RefusedFound,
    SettleAccounts,
    UnitMonth,
    UnitMonthRead,
    UnitsTold,
    UnitsToTell,
)
from denghuo.service.reading.api.intake import IntakeOperations
from denghuo.service.reading.api.month import MonthOperations
from denghuo.service.reading.api.quality import QualityOperations
from denghuo.service.reading.api.unit import UnitOperations
from denghuo.service.reading.batch import Due, newest_midnight
from denghuo.service.reading.batch.checked import CHECKED
from denghuo.service.reading.batch.intake import CURVES, REGISTERS
from denghuo.service.reading.batch.marks import MARKS
from denghuo.service.reading.service.checks import check_whole_company
from denghuo.service.reading.service.forms import energy_row, energy_table
from denghuo.service.reading.service.parts.part import ReadingPart
from denghuo.service.reading.service.quality import quality_found
from denghuo.service.reading.store.pages import progress_row

_SUM = ("planned", "collected", "valid", "estimated", "held")


class MonthPart(ReadingPart, IntakeOperations, MonthOperations, UnitOperations, QualityOperations):
    """Answers on what comes in and on the month."""

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

    def plan_month(self, call: Call, request: MonthRef) -> Planned:
        due, changed = self._plan(call, request.month)
        pieces = due.pieces
        # Once a month what killed writers left behind in the lake is cleared away.
        self._lake.sweep(call.now)
        # Files of former versions, or of a restored backup, lie without the blocks by which a meter's month is found.
        month, kinds = (
            Month.of(request.month),
            [REGISTERS, *(known[one] for known in (CURVES, CHECKED, MARKS) for one in known)],
        )
        self._lake.add_blocks(kinds, month.first_day, month.next.first_day)
        return Planned(
            month=request.month,
            points=len({piece.point_no for piece in pieces}),
            pieces=len(pieces),
            changed=changed,
        )

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

    def refused(self, call: Call, request: FindRefused) -> RefusedFound:
        rows, total, following = self._pages.refused(request)
        return RefusedFound(rows=rows, total=total, next=following, as_of=self._pages.as_of(request.month, call.now))

    def _plan(self, call: Call, month_text: str) -> tuple[Due, int]:
        check_whole_company(call)
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

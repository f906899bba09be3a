"""The month's cycle and the month unit by unit."""

from denghuo.kernel.contract import Call, Nothing
from denghuo.kernel.problem import text
from denghuo.kernel.values import Money
from denghuo.service.billing import show
from denghuo.service.billing.api import (
    Advance,
    Advanced,
    AdvanceUnit,
    AskUnitBoard,
    AutoStart,
    CausesExamined,
    Cycle,
    CycleNotFound,
    CycleRef,
    CycleRow,
    CyclesFound,
    ExamineCauses,
    FindCycles,
    HoldersTold,
    PickedUp,
    SetAutoStart,
    StartCycle,
    StartUnit,
    TasksKept,
    TellHolders,
    UnitAdvanced,
    UnitBoard,
    UnitRef,
    UnitRow,
)
from denghuo.service.billing.api.cycle import CycleOperations
from denghuo.service.billing.api.shock import ShockOperations
from denghuo.service.billing.api.unit import UnitOperations
from denghuo.service.billing.cycle import CycleSteps, platform_call
from denghuo.service.billing.guard import Guard
from denghuo.service.billing.service.checks import check_over, check_whole_company
from denghuo.service.billing.service.part import BillingPart
from denghuo.service.billing.store import CycleState
from denghuo.service.billing.telling import tell_holders
from denghuo.service.billing.unit_desk import UnitDesk
from denghuo.service.billing.units import UnitSteps, whole_after_units


class CyclePart(BillingPart, CycleOperations, UnitOperations, ShockOperations):
    """Answers on the month's cycle."""

    def start_cycle(self, call: Call, request: StartCycle) -> Cycle:
        check_whole_company(call)
        check_over(request.month, call)
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
        check_whole_company(call)
        self._cycle(request.month)
        self._store.cycles.stop(request.month, call.now)
        return self._shown(self._cycle(request.month), call)

    def resume_cycle(self, call: Call, request: CycleRef) -> Cycle:
        check_whole_company(call)
        state = self._cycle(request.month)
        done = show.work_done(state, self._store.cycles.stages(request.month))
        epoch = self._store.cycles.resume(request.month, done, call.now)
        if epoch is not None:
            self._work.enqueue("billing.advance_cycle", {"month": request.month, "epoch": epoch})
        return self._shown(self._cycle(request.month), call)

    def advance_cycle(self, call: Call, request: Advance) -> Advanced:
        return CycleSteps(self._work, self._ask).advance(call, request)

    def start_unit(self, call: Call, request: StartUnit) -> UnitRow:
        check_over(request.month, call)
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
        check_whole_company(call)
        return self._units(call).switch(call, request)

    def keep_tasks(self, call: Call, request: CycleRef) -> TasksKept:
        return self._desk().keep_tasks(call, request.month)

    def examine_causes(self, call: Call, request: ExamineCauses) -> CausesExamined:
        return Guard(self._work, self._store, self._ask, platform_call(call)).examine(request.month)

    def tell_holders(self, call: Call, request: TellHolders) -> HoldersTold:
        return tell_holders(self._work, self._store, self._ask, platform_call(call), request)

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

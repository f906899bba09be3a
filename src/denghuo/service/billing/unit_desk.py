"""Units in the hands of a person (供电单位核算的启停): start, stop, the board, and the automatic start."""

from collections.abc import Callable

from denghuo.data.processing.work import Work
from denghuo.kernel.contract import Call
from denghuo.kernel.problem import text
from denghuo.service.billing.api import (
    AskUnitBoard,
    AutoStart,
    SetAutoStart,
    StartUnit,
    UnitBoard,
    UnitIsUnderWay,
    UnitOutOfScope,
    UnitRef,
    UnitRow,
)
from denghuo.service.billing.api.unit import UNIT_STATES
from denghuo.service.billing.board import unit_board, unit_row
from denghuo.service.billing.store import UNDER_WAY, BillingStore
from denghuo.service.billing.store.units import UnitRun
from denghuo.service.billing.units import begin_unit, billed_as_a_whole


class UnitDesk:
    """known: whether there is a unit of this code."""

    def __init__(self, work: Work, known: Callable[[str], bool]) -> None:
        self._work, self._known = work, known
        self._store = BillingStore(work)

    def start(self, call: Call, request: StartUnit) -> UnitRow:
        self._allowed(call, request.org)
        begun = begin_unit(self._work, self._store, call, request.month, request.org)
        if begun == "whole":
            raise billed_as_a_whole(request.month)
        unit = self._store.units.unit(request.month, request.org)
        assert unit is not None  # it was begun just now, or before
        if begun == "standing" and unit.state in UNDER_WAY:
            raise _under_way(unit)
        return self._row(call, unit)

    def stop(self, call: Call, request: UnitRef) -> UnitRow:
        self._allowed(call, request.org)
        self._store.units.stop(request.month, request.org)
        unit = self._store.units.unit(request.month, request.org)
        if unit is None:
            raise UnitOutOfScope(
                text(
                    f"供电单位 {request.org} 的 {request.month} 尚未收到月末示数，也未启动核算，没有可暂停的。",
                    f"Nothing was read or begun of unit {request.org} in {request.month}; there is nothing to stop.",
                ),
                org=request.org,
            )
        return self._row(call, unit)

    def board(self, call: Call, request: AskUnitBoard) -> UnitBoard:
        units = self._store.units
        month = request.month or units.newest_month()
        rows = units.units(month, request.org) if month else []
        figures = units.figures(month, request.org) if month else {}
        state = self._store.cycles.state(month) if month else None
        return unit_board(month, rows, figures, state, units.auto_start(), call.now)

    def switch(self, call: Call, request: SetAutoStart) -> AutoStart:
        """Units of the newest month that is over begin at once where they are read far enough already. Months before it, as a
        takeover brings them, are left to a person."""
        self._store.units.set_auto_start(request.on, request.share)
        if request.on:
            for month, org in self._store.units.ready(request.share, call.now):
                begin_unit(self._work, self._store, call, month, org)
        return AutoStart(on=request.on, share=request.share)

    def _allowed(self, call: Call, org: str) -> None:
        if not call.covers(org) or call.accounts or not self._known(org):
            raise UnitOutOfScope(
                text(
                    f"供电单位 {org} 不存在，或不在您的管辖范围内。",
                    f"Unit {org} does not exist or is outside your scope.",
                ),
                org=org,
            )

    def _row(self, call: Call, unit: UnitRun) -> UnitRow:
        figures = self._store.units.figures(unit.month, unit.org).get(unit.org)
        return unit_row(unit, figures, "units", call.now)


def _under_way(unit: UnitRun) -> UnitIsUnderWay:
    state = UNIT_STATES.entries[unit.state]
    return UnitIsUnderWay(
        text(
            f"供电单位 {unit.org} 的 {unit.month} 正在核算（{state['zh']}，由 {unit.started_by} 启动），无需再次启动；"
            "进度见核算进度看板，须重来时先暂停。",
            f"{unit.month} of unit {unit.org} is being billed ({state['en']}, started by {unit.started_by}) and needs no second"
            " start; see the board for its progress, or stop it first.",
        ),
        month=unit.month,
        org=unit.org,
        state=unit.state,
        started_by=unit.started_by,
        started_at=unit.started_at,
    )

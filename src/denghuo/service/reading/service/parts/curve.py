"""Curves as they were received, checked, edited and added up."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from denghuo.kernel.contract import Call
from denghuo.kernel.fields import Document
from denghuo.kernel.period import Month
from denghuo.service.reading.api import (
    METER_SERIES,
    AskHighest,
    AtomsFound,
    AtomsPublished,
    CheckedCurve,
    CheckedCurveAsked,
    CurveDay,
    CurveExceptionsFound,
    CurveHistory,
    CurveHistoryAsked,
    CurveMonth,
    CurveRuleRef,
    CurveRulesFound,
    CurveRuleShown,
    CurvesChecked,
    CurvesToCheck,
    CurveValues,
    DraftCurveRule,
    EditCurve,
    EstimatedMonth,
    EstimatedMonthAsked,
    EstimatesToWait,
    FindCurveExceptions,
    FindCurveRules,
    HighestFound,
    MeterAtoms,
    MeterFileAsked,
    MeterMonth,
    MeterMonthAsked,
    MeterSums,
    PublishAtoms,
    PublishSums,
    ReadingsAsked,
    ReleaseEstimates,
    SumsFound,
    SumsPublished,
)
from denghuo.service.reading.api.atom import AtomOperations
from denghuo.service.reading.api.curve import CurveOperations
from denghuo.service.reading.api.curve_rule import CurveRuleOperations
from denghuo.service.reading.api.curve_values import CurveValuesOperations
from denghuo.service.reading.api.edit import EditOperations
from denghuo.service.reading.api.export import ExportOperations
from denghuo.service.reading.api.highest import HighestOperations
from denghuo.service.reading.api.sum import SumOperations
from denghuo.service.reading.batch.intake import CURVES
from denghuo.service.reading.service.atoms import meter_atoms, publish_atoms
from denghuo.service.reading.service.checks import check_whole_company, no_curve
from denghuo.service.reading.service.export import meter_file, readings_file
from denghuo.service.reading.service.forms import curve_values
from denghuo.service.reading.service.highest import highest
from denghuo.service.reading.service.meter_month import meter_month
from denghuo.service.reading.service.parts.part import ReadingPart
from denghuo.service.reading.service.sums import meter_sums, publish_sums


class CurvePart(
    ReadingPart,
    CurveValuesOperations,
    CurveOperations,
    EditOperations,
    CurveRuleOperations,
    AtomOperations,
    SumOperations,
    HighestOperations,
    ExportOperations,
):
    """Answers on curves."""

    def curve(self, call: Call, request: CurveDay) -> CurveValues:
        return self._curves(call, request.subject, request.day, request.day)

    def curve_month(self, call: Call, request: CurveMonth) -> CurveValues:
        month = Month.of(request.month)
        last = month.next.first_day - timedelta(days=1)
        return self._curves(call, request.subject, month.first_day, last, request.known_at)

    def check_curves(self, call: Call, request: CurvesToCheck) -> CurvesChecked:
        check_whole_company(call)
        return self._checked.check(call, request)

    def release_estimates(self, call: Call, request: ReleaseEstimates) -> EstimatesToWait:
        check_whole_company(call)
        return self._checked.release(call, request)

    def curve_exceptions(self, call: Call, request: FindCurveExceptions) -> CurveExceptionsFound:
        return self._checked.exceptions(call, request)

    def clocks_measured(self, call: Call, at: datetime, clocks: Sequence[tuple[str, int]]) -> None:
        """Clocks of meters were measured (the event handler's work): of each how many seconds it was ahead."""
        self._checked.clocks_measured(at, clocks, call.now)

    def checked_curve(self, call: Call, request: CheckedCurveAsked) -> CheckedCurve:
        if self._checked.owner(request.meter_no) is None:
            raise no_curve(request.meter_no)
        return self._checked.curve(call, request)

    def edit_curve(self, call: Call, request: EditCurve) -> CheckedCurve:
        owner = self._checked.owner(request.meter_no)
        if owner is None:
            raise no_curve(request.meter_no)
        return self._edits.edit(call, request, owner)

    def curve_history(self, call: Call, request: CurveHistoryAsked) -> CurveHistory:
        if self._checked.owner(request.meter_no) is None:
            raise no_curve(request.meter_no)
        return self._edits.history(call, request)

    def meter_month(self, call: Call, request: MeterMonthAsked) -> MeterMonth:
        if self._checked.owner(request.meter_no) is None:
            raise no_curve(request.meter_no)
        return meter_month(self._lake, self._checked, call, request)

    def curve_rules(self, call: Call, request: FindCurveRules) -> CurveRulesFound:
        return self._curve_rules.find(call, request)

    def curve_rule(self, call: Call, request: CurveRuleRef) -> CurveRuleShown:
        return self._curve_rules.shown(call, request)

    def draft_curve_rule(self, call: Call, request: DraftCurveRule) -> CurveRuleShown:
        check_whole_company(call)
        return self._curve_rules.draft(call, request)

    def publish_curve_rule(self, call: Call, request: CurveRuleRef) -> CurveRuleShown:
        check_whole_company(call)
        return self._curve_rules.publish(call, request)

    def meter_atoms(self, call: Call, request: MeterAtoms) -> AtomsFound:
        request = request.model_copy(update={"meter_nos": self._checked.seen(call, request.meter_nos)})
        rows = self._estimates.beside(meter_atoms(self._lake, request), request, call.now)
        return AtomsFound(rows=rows, as_of=request.known_at or call.now)

    def estimated_month(self, call: Call, request: EstimatedMonthAsked) -> EstimatedMonth:
        if "meter" not in self._store.subject_kinds(request.meter_no):
            raise no_curve(request.meter_no)
        return self._estimates.month(request, call.now)

    def highest(self, call: Call, request: AskHighest) -> HighestFound:
        check_whole_company(call)
        return highest(self._lake, request, request.known_at or call.now)

    def account_readings_file(self, call: Call, request: ReadingsAsked) -> Document:
        return readings_file(self._ask, self._checked, call, request)

    def meter_month_file(self, call: Call, request: MeterFileAsked) -> Document:
        if self._checked.owner(request.meter_no) is None:
            raise no_curve(request.meter_no)
        return meter_file(self._checked, call, request)

    def publish_atoms(self, call: Call, request: PublishAtoms) -> AtomsPublished:
        check_whole_company(call)
        atoms = publish_atoms(self._lake, self._work.datasets, self._work.workers, request, call.now)
        return atoms.model_copy(update={"estimates": self._estimates.published(request, call.now)})

    def meter_sums(self, call: Call, request: MeterSums) -> SumsFound:
        request = request.model_copy(update={"meter_nos": self._checked.seen(call, request.meter_nos)})
        return meter_sums(self._lake, self._work.datasets, request, call.now)

    def publish_sums(self, call: Call, request: PublishSums) -> SumsPublished:
        check_whole_company(call)
        return publish_sums(self._lake, self._work.datasets, self._work.workers, request, call.now)

    def _curves(
        self, call: Call, subject: str, first: date, last: date, known_at: datetime | None = None
    ) -> CurveValues:
        kinds = self._store.subject_kinds(subject)
        if not kinds:
            raise no_curve(subject)
        wanted = [CURVES[name] for name in CURVES if ("meter" if name in METER_SERIES else "area") in kinds]
        series = self._lake.curves(wanted, subject, first, last, known_at)
        as_of = self._lake.recorded_at([kind.name for kind in wanted], first, last) or call.now
        return curve_values(subject, first, last, series, as_of)

"""Tariffs tried on all contracts."""

from denghuo.kernel.contract import Call
from denghuo.service.billing.api import (
    AdvancePopulationRun,
    FindPopulationRuns,
    PopulationAdvanced,
    PopulationRun,
    PopulationRunRef,
    PopulationRunsFound,
    StartPopulationRun,
    TriedOnAll,
    TryOnAll,
)
from denghuo.service.billing.api.population import PopulationOperations
from denghuo.service.billing.api.population_run import PopulationRunOperations
from denghuo.service.billing.population import Population
from denghuo.service.billing.population_run import PopulationDesk
from denghuo.service.billing.service.checks import check_whole_company
from denghuo.service.billing.service.part import BillingPart


class PopulationPart(BillingPart, PopulationOperations, PopulationRunOperations):
    """Answers on tariffs tried on all contracts."""

    def try_on_all(self, call: Call, request: TryOnAll) -> TriedOnAll:
        return Population(self._work, self._ask, call, request.month).tried(request)

    def start_population_run(self, call: Call, request: StartPopulationRun) -> PopulationRun:
        check_whole_company(call)
        return PopulationDesk(self._work, self._ask, call).begin(request)

    def stop_population_run(self, call: Call, request: PopulationRunRef) -> PopulationRun:
        check_whole_company(call)
        return PopulationDesk(self._work, self._ask, call).stop(request.run_no)

    def resume_population_run(self, call: Call, request: PopulationRunRef) -> PopulationRun:
        check_whole_company(call)
        return PopulationDesk(self._work, self._ask, call).resume(request.run_no)

    def advance_population_run(self, call: Call, request: AdvancePopulationRun) -> PopulationAdvanced:
        return PopulationDesk(self._work, self._ask, call).advance(request.run_no, request.epoch)

    def population_run(self, call: Call, request: PopulationRunRef) -> PopulationRun:
        check_whole_company(call)
        return PopulationDesk(self._work, self._ask, call).shown(request.run_no)

    def population_runs(self, call: Call, request: FindPopulationRuns) -> PopulationRunsFound:
        check_whole_company(call)
        return PopulationDesk(self._work, self._ask, call).found(request)

"""The parallel run of a migration."""

from denghuo.kernel.contract import Call
from denghuo.kernel.fields import Document
from denghuo.service.billing.api import (
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
    OldBillsHanded,
    ParallelAdvanced,
    ParallelRef,
    ParallelRun,
    ParallelRunsFound,
)
from denghuo.service.billing.api.parallel import ParallelOperations
from denghuo.service.billing.parallel.desk import ParallelDesk
from denghuo.service.billing.parallel.show import ParallelReader
from denghuo.service.billing.service.checks import check_whole_company
from denghuo.service.billing.service.part import BillingPart


class ParallelPart(BillingPart, ParallelOperations):
    """Answers on the parallel run of a migration."""

    def begin_parallel_run(self, call: Call, request: BeginParallelRun) -> ParallelRun:
        check_whole_company(call)
        return ParallelReader(self._work, call).run(self._parallel(call).begin(request))

    def hand_old_bills(self, call: Call, request: HandOldBills) -> OldBillsHanded:
        check_whole_company(call)
        return self._parallel(call).hand(request)

    def advance_parallel_run(self, call: Call, request: ParallelRef) -> ParallelAdvanced:
        return self._parallel(call).advance(request.run_no)

    def compare_again(self, call: Call, request: ParallelRef) -> ParallelRun:
        check_whole_company(call)
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

    def _parallel(self, call: Call) -> ParallelDesk:
        return ParallelDesk(self._work, self._ask, call)

"""Plans beside the month's."""

from denghuo.kernel.contract import Call
from denghuo.service.reading.api import (
    FindSpecialPlans,
    MakeSpecialPlan,
    SpecialEnergies,
    SpecialPlan,
    SpecialPlanRef,
    SpecialPlansDue,
    SpecialPlansFound,
    SpecialPlansGathered,
)
from denghuo.service.reading.api.special_plan import SpecialPlanOperations
from denghuo.service.reading.service.parts.part import ReadingPart


class SpecialPlanPart(ReadingPart, SpecialPlanOperations):
    """Answers on temporary plans and plans for line loss."""

    def make_special_plan(self, call: Call, request: MakeSpecialPlan) -> SpecialPlan:
        return self._special_plans.make(call, request)

    def gather_special_plan(self, call: Call, request: SpecialPlanRef) -> SpecialPlan:
        return self._special_plans.gather(call, request)

    def gather_special_plans(self, call: Call, request: SpecialPlansDue) -> SpecialPlansGathered:
        return self._special_plans.gather_due(call, request)

    def special_plans(self, call: Call, request: FindSpecialPlans) -> SpecialPlansFound:
        return self._special_plans.find(call, request)

    def special_plan(self, call: Call, request: SpecialPlanRef) -> SpecialPlan:
        return self._special_plans.shown(call, request)

    def special_energies(self, call: Call, request: SpecialPlanRef) -> SpecialEnergies:
        return self._special_plans.energies(call, request)

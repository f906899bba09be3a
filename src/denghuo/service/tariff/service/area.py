"""Price areas, and which of them a unit belongs to."""

from denghuo.kernel.batch import BatchTaken
from denghuo.kernel.contract import Call, Nothing
from denghuo.kernel.problem import text
from denghuo.service.permission.api import Organisation, Organisations, PermissionApi
from denghuo.service.tariff.api import (
    AreaAssigned,
    AreaProposal,
    AreaProposalRef,
    AreaRef,
    AreaRefused,
    AreasFound,
    AreaShown,
    AskUnitArea,
    AskUnitAreas,
    AssignAreas,
    UnitArea,
    UnitAreaRow,
    UnitAreasFound,
)
from denghuo.service.tariff.api.area import AreaOperations
from denghuo.service.tariff.api.unit_area import UnitAreaOperations
from denghuo.service.tariff.gazette import area_shown, listed
from denghuo.service.tariff.service.part import TariffPart, newest_day


class AreasPart(TariffPart, UnitAreaOperations, AreaOperations):
    """Answers on price areas."""

    def areas(self, call: Call, request: Nothing) -> AreasFound:
        return listed(newest_day(call))

    def area(self, call: Call, request: AreaRef) -> AreaShown:
        return area_shown(request.area, newest_day(call))

    def assign_area(self, call: Call, request: UnitArea) -> AreaAssigned:
        taken = self.assign_areas(call, AssignAreas(units=[request]))
        _refuse(request, taken)
        return AreaAssigned(changed=taken.taken > 0)

    def assign_areas(self, call: Call, request: AssignAreas) -> BatchTaken:
        units = self._units(call)
        self._store.lock()
        return self._unit_areas.assign(call, request, units)

    def propose_area(self, call: Call, request: UnitArea) -> AreaProposal:
        units = self._units(call)
        self._store.lock()
        _refuse(request, self._unit_areas.judged(call, AssignAreas(units=[request]), units))
        return self._proposals.put(call, request)

    def publish_area(self, call: Call, request: AreaProposalRef) -> AreaProposal:
        units = self._units(call)
        self._store.lock()
        found = self._proposals.publish(call, request)
        item = UnitArea(org=found.org, area=found.area, from_day=found.from_day)
        # A tariff of the area may be gone since it was proposed.
        _refuse(item, self._unit_areas.assign(call, AssignAreas(units=[item]), units))
        return found

    def withdraw_area(self, call: Call, request: AreaProposalRef) -> AreaProposal:
        self._store.lock()
        return self._proposals.withdraw(call, request)

    def _units(self, call: Call) -> list[Organisation]:
        """All units: which of them the caller may touch is told of each."""
        asking = Call.system(call.now, actor=call.actor)
        return self._ask(PermissionApi).organisations(asking, Organisations()).rows

    def unit_areas(self, call: Call, request: AskUnitAreas) -> UnitAreasFound:
        asked = Organisations(on=request.on)
        visible = self._ask(PermissionApi).organisations(call.only("permission.organisations"), asked)
        found = self._unit_areas.found(call, request, visible.rows)
        proposed = self._proposals.open_of([row.org for row in found.rows])
        return found.model_copy(update={"proposed": proposed})

    def unit_area(self, call: Call, request: AskUnitArea) -> UnitAreaRow:
        return self._unit_areas.one(call, request)


def _refuse(item: UnitArea, taken: BatchTaken) -> None:
    for fault in taken.refused:
        raise AreaRefused(
            text(
                f"{fault.what.zh}：{fault.value}；{fault.remedy.zh}。",
                f"{fault.value}: {fault.what.en}; {fault.remedy.en}.",
            ),
            org=item.org,
            area=item.area,
            field=fault.field,
        )

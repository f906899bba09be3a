"""Price areas, and which of them a unit belongs to."""

from denghuo.kernel.batch import BatchTaken
from denghuo.kernel.contract import Call, Nothing
from denghuo.kernel.problem import text
from denghuo.service.permission.api import Organisations, PermissionApi
from denghuo.service.tariff.api import (
    AreaAssigned,
    AreaRef,
    AreaRefused,
    AreasFound,
    AreaShown,
    AskUnitAreas,
    AssignAreas,
    UnitArea,
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
        for fault in taken.refused:
            raise AreaRefused(
                text(
                    f"{fault.what.zh}：{fault.value}；{fault.remedy.zh}。",
                    f"{fault.value}: {fault.what.en}; {fault.remedy.en}.",
                ),
                org=request.org,
                area=request.area,
                field=fault.field,
            )
        return AreaAssigned(changed=taken.taken > 0)

    def assign_areas(self, call: Call, request: AssignAreas) -> BatchTaken:
        # All units: which of them the caller may touch is told of each.
        organisations = self._ask(PermissionApi).organisations(Call.system(call.now, actor=call.actor), Organisations())
        self._store.lock()
        return self._unit_areas.assign(call, request, organisations.rows)

    def unit_areas(self, call: Call, request: AskUnitAreas) -> UnitAreasFound:
        asked = Organisations(on=request.on)
        visible = self._ask(PermissionApi).organisations(call.only("permission.organisations"), asked)
        return self._unit_areas.found(call, request, visible.rows)

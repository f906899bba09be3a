"""Price areas of units in the store (单位价区)."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from denghuo.data.processing.work import Work
from denghuo.kernel.batch import BatchTaken, RefusedItem, refused
from denghuo.kernel.contract import Call
from denghuo.kernel.fields import TextPair
from denghuo.service.permission.api import Organisation
from denghuo.service.tariff import shipped
from denghuo.service.tariff.api import (
    AskUnitArea,
    AskUnitAreas,
    AssignAreas,
    AssignedArea,
    PriceArea,
    UnitArea,
    UnitAreaPublished,
    UnitAreaRow,
    UnitAreas,
    UnitAreasFound,
)

_STANDS = "replaced_at IS NULL"


class UnitAreaDesk:
    """What the service does with price areas of units, within one unit of work."""

    def __init__(self, work: Work) -> None:
        self._work = work

    def assign(self, call: Call, request: AssignAreas, organisations: Iterable[Organisation]) -> BatchTaken:
        """organisations: all that there are."""
        return self._taken(call, request, organisations, keep=True)

    def judged(self, call: Call, request: AssignAreas, organisations: Iterable[Organisation]) -> BatchTaken:
        """What `assign` would answer; nothing changes."""
        return self._taken(call, request, organisations, keep=False)

    def _taken(
        self, call: Call, request: AssignAreas, organisations: Iterable[Organisation], *, keep: bool
    ) -> BatchTaken:
        units, areas = {one.code for one in organisations}, self._titles()
        standing = {(one.org, one.from_day): one for one in self.standing()}
        seen: set[tuple[str, object]] = set()
        taken, unchanged, faults = 0, 0, []
        for place, item in enumerate(request.units):
            key = (item.org, item.from_day)
            fault = _fault(call, place, item, units, areas) or (_twice(place, item) if key in seen else None)
            if fault is not None:
                faults.append(fault)
                continue
            seen.add(key)
            if standing.get(key) == item:
                unchanged += 1
                continue
            if keep:
                self._put(call, item)
            taken += 1
        return BatchTaken(taken=taken, unchanged=unchanged, refused=faults)

    def _put(self, call: Call, item: UnitArea) -> None:
        self._work.run(
            f"UPDATE unit_area SET replaced_at = %s WHERE org = %s AND from_day = %s AND {_STANDS}",
            (call.now, item.org, item.from_day),
        )
        self._work.run(
            "INSERT INTO unit_area (org, area, from_day, assigned_by, assigned_at) VALUES (%s, %s, %s, %s, %s)",
            (item.org, item.area, item.from_day, call.actor, call.now),
        )
        self._work.emit(UnitAreaPublished(org=item.org, area=item.area, from_day=item.from_day))

    def standing(self, known_at: datetime | None = None) -> list[UnitArea]:
        """What stands of units, or stood as known at an instant."""
        return self._work.rows(
            "SELECT org, area, from_day FROM unit_area WHERE (%(at)s::timestamptz IS NULL AND replaced_at IS NULL)"
            " OR (assigned_at <= %(at)s AND (replaced_at IS NULL OR replaced_at > %(at)s)) ORDER BY org, from_day",
            {"at": known_at},
            UnitArea,
        )

    def found(self, call: Call, request: AskUnitAreas, visible: Iterable[Organisation]) -> UnitAreasFound:
        """visible: the units that the caller sees."""
        areas, titles, on = UnitAreas(self.standing(request.known_at)), self._titles(), request.on or call.today
        units = [one.code for one in visible if request.org in (None, one.code)]
        rows = [_row(code, areas.on(code, on), titles) for code in units]
        assigned = self._work.rows(
            "SELECT org || '|' || from_day AS row_key, org, area, from_day, assigned_by, assigned_at FROM unit_area"
            f" WHERE {_STANDS} AND org = ANY (%s) ORDER BY from_day DESC, org",
            (units,),
            AssignedArea,
        )
        return UnitAreasFound(rows=rows, assigned=assigned, as_of=call.now)

    def one(self, call: Call, request: AskUnitArea) -> UnitAreaRow:
        areas = UnitAreas(self.standing(request.known_at) if call.covers(request.org) else ())
        held = areas.on(request.org, request.on or call.today)
        return _row(request.org, held, self._titles(held.area) if held else {})

    def _titles(self, area: str | None = None) -> dict[str, TextPair]:
        """The areas that a unit may have: those of which price data ships, and those of tariffs that came in. area: of tariffs,
        this one alone."""
        rows = self._work.rows(
            "SELECT DISTINCT ON (area) area, document -> 'area_title' ->> 'zh' AS zh,"
            " document -> 'area_title' ->> 'en' AS en FROM version WHERE %(area)s::text IS NULL OR area = %(area)s"
            " ORDER BY area, code, version DESC",
            {"area": area},
        )
        return shipped.titles() | {row["area"]: TextPair(zh=row["zh"], en=row["en"]) for row in rows}


def _row(org: str, held: PriceArea | None, titles: Mapping[str, TextPair]) -> UnitAreaRow:
    return UnitAreaRow(
        org=org,
        area=held.area if held else None,
        area_title=titles.get(held.area) if held else None,
        by_unit=held.unit if held else None,
        from_day=held.from_day if held else None,
    )


def _fault(call: Call, place: int, item: UnitArea, units: set[str], areas: dict[str, TextPair]) -> RefusedItem | None:
    if item.org not in units or not call.covers(item.org):
        return refused(
            place,
            item.org,
            "org",
            item.org,
            ("没有该单位，或不在您的管辖范围内", "there is no such unit, or it is outside your scope"),
            ("请先登记单位或核对编码", "register the unit first, or check the code"),
        )
    if item.area is not None and item.area not in areas:
        return refused(
            place,
            item.org,
            "area",
            item.area,
            ("该区域没有任何电价", "there is no tariff of this area"),
            ("请核对区域代码，或先起草该区域的电价", "check the code of the area, or draft a tariff of it first"),
        )
    return None


def _twice(place: int, item: UnitArea) -> RefusedItem:
    return refused(
        place,
        item.org,
        "from_day",
        item.from_day,
        ("同一单位同一日期给了两次价区", "the unit has two price areas from the same day on"),
        ("请只留一个", "keep one of them"),
    )

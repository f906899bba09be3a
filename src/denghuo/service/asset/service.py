"""Assets: implementation of the contract."""

from denghuo.data.processing.bulk import write_possible
from denghuo.data.processing.work import Work
from denghuo.kernel.batch import BatchTaken, RefusedItem, hold_to_scope, taken_elsewhere
from denghuo.kernel.contract import Call
from denghuo.kernel.problem import text
from denghuo.service.asset.api import (
    AssetApi,
    AssetSummary,
    AssetSummaryRequest,
    FindMeters,
    MeterLife,
    MeterNotFound,
    MeterRef,
    Meters,
    MetersByNumber,
    MetersFound,
    MoveMeters,
    OutsideScope,
    RegisterMeters,
)
from denghuo.service.asset.rules import Verdict, judge_meters, judge_moves
from denghuo.service.asset.store import AssetStore
from denghuo.service.host.binding import Ask


class AssetService(AssetApi):
    def __init__(self, work: Work, ask: Ask) -> None:
        self._work = work
        self._store = AssetStore(work)

    def register_meters(self, call: Call, request: RegisterMeters) -> BatchTaken:
        hold_to_scope(call, (item.org for item in request.meters), OutsideScope)
        known = self._store.registered([item.meter_no for item in request.meters])
        verdicts = judge_meters(request.meters, known, call.today)
        new = [item for item, verdict in zip(request.meters, verdicts, strict=True) if verdict == "new"]
        for item in write_possible(self._work, new, lambda items: self._store.add(items, call.now)):
            place = request.meters.index(item)
            verdicts[place] = taken_elsewhere(place, item.meter_no, "meter_no")
        return _reply(verdicts)

    def move_meters(self, call: Call, request: MoveMeters) -> BatchTaken:
        numbers = sorted({item.meter_no for item in request.moves})
        verdicts = judge_moves(request.moves, self._store.meters(numbers), self._store.held(numbers))
        new = [item for item, verdict in zip(request.moves, verdicts, strict=True) if verdict == "new"]
        if new:
            self._store.move(new, call.now)
        return _reply(verdicts)

    def find_meters(self, call: Call, request: FindMeters) -> MetersFound:
        rows, total = self._store.find(request)
        following = rows[-1].meter_no if len(rows) == request.limit else None
        return MetersFound(rows=rows, total=total, next=following, as_of=call.now)

    def meters(self, call: Call, request: MetersByNumber) -> Meters:
        return Meters(rows=list(self._store.meters(request.numbers).values()))

    def meter(self, call: Call, request: MeterRef) -> MeterLife:
        found = self._store.meters([request.meter_no]).get(request.meter_no)
        if found is None:
            raise MeterNotFound(
                text(
                    f"表号 {request.meter_no} 不存在，或不在您的管辖范围内。",
                    f"Meter {request.meter_no} does not exist or is outside your scope.",
                ),
                meter_no=request.meter_no,
            )
        return MeterLife(meter=found, life=self._store.life(request.meter_no), as_of=call.now)

    def summary(self, call: Call, request: AssetSummaryRequest) -> AssetSummary:
        rows = self._store.summary(request.org)
        return AssetSummary(rows=rows, total=sum(row.count for row in rows), as_of=call.now)


def _reply(verdicts: list[Verdict]) -> BatchTaken:
    return BatchTaken(
        taken=sum(verdict == "new" for verdict in verdicts),
        unchanged=sum(verdict == "unchanged" for verdict in verdicts),
        refused=[verdict for verdict in verdicts if isinstance(verdict, RefusedItem)],
    )

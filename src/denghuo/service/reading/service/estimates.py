"""Estimates of curves as bills take them (估计值计费): of days whose time to wait is over, beside the atoms."""

import hashlib
from collections.abc import Iterator
from datetime import date, datetime, timedelta

import pyarrow as pa

from denghuo.data.analysis.lake_day import SLOTS
from denghuo.data.processing.work import Work
from denghuo.kernel.contract import DatasetRef
from denghuo.kernel.period import Month
from denghuo.kernel.values import Energy
from denghuo.service.reading.api import (
    AtomDay,
    DayEstimates,
    EnergySeries,
    EstimatedMonth,
    EstimatedMonthAsked,
    MeterAtoms,
    MethodSlots,
    PublishAtoms,
    cell_name,
    day_estimates,
    over_name,
)
from denghuo.service.reading.batch.checked import CHECKED
from denghuo.service.reading.batch.estimates import StandsIn, by_cells, by_method, stands_in
from denghuo.service.reading.batch.intake import CURVES
from denghuo.service.reading.rules.curve_book import released_at
from denghuo.service.reading.store.curve_rules import CurveRuleStore


class Estimates:
    def __init__(self, work: Work) -> None:
        self._work, self._lake, self._rules = work, work.lake, CurveRuleStore(work)

    def published(self, request: PublishAtoms, now: datetime) -> list[DatasetRef]:
        """Those of a month; what was made of the same files and cells is given again."""
        schema, found = day_estimates(request.starts), []
        month = Month.of(request.month)
        for day in self._due(month, month, now, None):
            checked, curves = (self._lake.files(kind[request.series], day, day) for kind in (CHECKED, CURVES))
            if not checked:
                continue
            told = " ".join([*(file.digest for file in (*checked, *curves)), *map(str, request.starts)])
            shard = f"{request.series}-{hashlib.sha256(told.encode()).hexdigest()[:24]}"
            known = {ref.shard: ref for ref in self._work.datasets.newest(schema.name, str(day))}.get(shard)
            if known is None:
                rows = by_cells(self._of_day(request.series, day), request.starts)
                known = self._work.datasets.publish(schema, str(day), shard, rows, now)
            found.append(known)
        return found

    def beside(self, rows: list[AtomDay], request: MeterAtoms, now: datetime) -> list[AtomDay]:
        """The days of a few meters with what stands in for them."""
        first, last = Month.of(request.month), Month.of(request.through or request.month)
        given: dict[tuple[date, str], DayEstimates] = {}
        wanted = {(row.day, row.subject) for row in rows}
        for day, one in self._of_meters(request.series, request.meter_nos, first, last, now, request.known_at):
            for place, row in enumerate(by_cells(one, request.starts).to_pylist()):
                given[day, row["subject"]] = DayEstimates(
                    cells=[Energy(row[cell_name(start)]) for start in request.starts],
                    received=[Energy(row[over_name(start)]) for start in request.starts],
                    filled=row["filled"],
                    over=row["over"],
                    methods=[
                        MethodSlots.model_validate({"method": method, "slots": slots, "energy": Energy(energy_wh)})
                        for method, (slots, energy_wh) in by_method(one, place).items()
                    ],
                )
        nothing = [Energy(0) for _ in request.starts]
        silent = [
            AtomDay(subject=subject, day=day, cells=nothing, missing=len(SLOTS), gaps="1" * len(SLOTS), highest=None)
            for day, subject in given
            if (day, subject) not in wanted
        ]
        whole = [row.model_copy(update={"estimates": given.get((row.day, row.subject))}) for row in [*rows, *silent]]
        return sorted(whole, key=lambda row: (row.day, row.subject))

    def month(self, request: EstimatedMonthAsked, now: datetime) -> EstimatedMonth:
        month = Month.of(request.month)
        values: list[Energy | None] = [None] * (month.day_count * len(SLOTS))
        for day, one in self._of_meters(request.series, [request.meter_no], month, month, now, request.known_at):
            begin = (day - month.first_day).days * len(SLOTS)
            for slot in one.filled[0].nonzero()[0].tolist() if one.subjects else ():
                values[begin + slot] = Energy(int(one.energy[0, slot]))
        return EstimatedMonth(values=values, as_of=request.known_at or now)

    def _of_day(self, series: EnergySeries, day: date) -> StandsIn:
        checked = self._lake.scan(CHECKED[series], day, day)
        names = checked["subject"].to_pylist()
        return stands_in(checked, self._lake.scan(CURVES[series], day, day, only=("subject", list(map(str, names)))))

    def _of_meters(
        self,
        series: EnergySeries,
        meter_nos: list[str],
        first: Month,
        last: Month,
        now: datetime,
        known_at: datetime | None,
    ) -> Iterator[tuple[date, StandsIn]]:
        days = self._due(first, last, known_at or now, known_at)
        if not days:
            return
        checked, curves = (
            self._lake.scan(kind[series], days[0], days[-1], only=("subject", meter_nos), as_of=known_at)
            for kind in (CHECKED, CURVES)
        )
        there = checked["day"].to_pylist()
        of_curves = curves["day"].to_pylist()
        for day in days:
            mine = [row for row, one in enumerate(there) if one == day]
            if mine:
                received = [row for row, one in enumerate(of_curves) if one == day]
                yield day, stands_in(checked.take(pa.array(mine)), curves.take(pa.array(received, pa.int64())))

    def _due(self, first: Month, last: Month, now: datetime, known_at: datetime | None) -> list[date]:
        """The days of months from whose end on the time to wait has passed, by the rule in force on each."""
        published = self._rules.published(known_at)
        found, day = list[date](), first.first_day
        while day < last.next.first_day:
            at = released_at(published, day)
            if at is not None and at <= now:
                found.append(day)
            day += timedelta(days=1)
        return found

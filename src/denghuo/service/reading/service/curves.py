"""Curves checked day by day: due when something came in, judged by the rules, put beside what was received."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute

from denghuo.data.analysis.lake import SLOTS, total
from denghuo.data.processing.work import Work
from denghuo.kernel.contract import Call
from denghuo.kernel.period import Month, midnight
from denghuo.kernel.problem import text
from denghuo.kernel.values import Energy
from denghuo.service.reading.api import (
    ENERGY_SERIES,
    PHASE_SERIES,
    CheckedCurve,
    CheckedCurveAsked,
    CurveExceptionsFound,
    CurvesChecked,
    CurvesToCheck,
    FindCurveExceptions,
    NotYet,
)
from denghuo.service.reading.batch.beside import MeterFacts, alike, of_rows, phases_of, zero_days
from denghuo.service.reading.batch.checked import (
    CHECKED,
    VERDICT_SLOTS,
    CurveException,
    checked_table,
    differences,
    exceptions,
    matrix,
)
from denghuo.service.reading.batch.intake import CURVES, REGISTERS
from denghuo.service.reading.batch.plan import Ints
from denghuo.service.reading.rules import in_force
from denghuo.service.reading.rules.curve_book import RuleSet, by_class
from denghuo.service.reading.rules.curves import (
    DAY_BEFORE,
    HELD,
    LIKE_DAYS,
    STANDS_IN,
    VALID,
    VERDICTS,
    judged,
    likened,
    nothing_beside,
)
from denghuo.service.reading.service.taking import Taking
from denghuo.service.reading.store.curve_rules import CurveRuleStore
from denghuo.service.reading.store.curves import CurveStore

pc: Any = pyarrow.compute
METERS_AT_ONCE = 100_000
"""Meters whose day is held as matrices at a time: about a gigabyte."""
SERIES_OF_USE = "active_fwd_wh"
"""What customers take: its phases are held against it, and nothing of it for days on end is told."""


class Curves:
    def __init__(self, work: Work, taking: Taking) -> None:
        self._work, self._taking = work, taking
        self._lake, self._store, self._rules = work.lake, CurveStore(work), CurveRuleStore(work)

    def received(self, days: Sequence[date], now: datetime) -> None:
        """Curves of these days came in: a job checks those that have ended. Those of a day that has not are noted, so that the
        registers of the midnight that ends it make it due."""
        ended = [day for day in days if midnight(day + timedelta(days=1)) <= now]
        self._store.note(sorted(set(days).difference(ended)))
        for day in self._store.mark_due(ended):
            self._work.enqueue("reading.check_curves", {"day": str(day)})

    def registers_received(self, days: Sequence[date], now: datetime) -> None:
        """Registers of these days came in, which bound the curves of a day and of the one before it."""
        around = sorted({day - timedelta(days=back) for day in days for back in (0, 1)})
        if around:
            self.received(self._store.known_days(around), now)

    def check(self, call: Call, request: CurvesToCheck) -> CurvesChecked:
        day = request.day
        if midnight(day + timedelta(days=1)) > call.now:
            raise NotYet(
                text(f"{day} 尚未结束，曲线待次日校验。", f"{day} has not ended; its curves are checked after that."),
                read_at=midnight(day + timedelta(days=1)).isoformat(),
            )
        installed = self._taking.installed(call, str(Month(day.year, day.month)))
        pieces, facts = _pieces(installed, day), MeterFacts(installed, self._taking.terms(call, day), day)
        published = self._rules.published()
        self._store.begin(day, max((rule.version for rule in published), default=0), call.now)
        sets = by_class(published, day)
        midnights = [self._registers(day + timedelta(days=step)) for step in (0, 1)]
        there = self._lake.there(CURVES.values(), (day, day - timedelta(days=1)))
        curves = guessed = held = changed = 0
        for series in ENERGY_SERIES:
            if CURVES[series].name not in there:
                self._store.save(day, series, [], {}, call.now)
                continue
            rows, found, versions = [], list[CurveException](), dict[str, dict[str, int]]()
            before = list(map(str, self._lake.scan(CHECKED[series], day, day, ("subject",))["subject"].to_pylist()))
            for subjects, estimate, verdict in self._judged(series, day, pieces, midnights, facts, sets):
                # A row for who has anything else than valid values, and for who had before.
                kept = np.flatnonzero((verdict != VALID).any(axis=1) | np.isin(subjects, before))
                chosen = [subjects[row] for row in kept.tolist()]
                rows.append(checked_table(series, chosen, estimate[kept], verdict[kept]))
                suspects = exceptions(chosen, estimate[kept], verdict[kept])
                names = [one.subject for one in suspects]
                versions |= {
                    name: {rule.code: rule.version for rule in sets[of].values() if rule.version}
                    for name, of in zip(names, facts.classes(names), strict=True)
                }
                found += suspects
                guessed, held = guessed + _count(verdict[kept], STANDS_IN), held + _count(verdict[kept], HELD)
                curves += len(subjects)
            day_of = {day: pa.concat_tables(rows)} if any(map(len, rows)) else {}
            if day_of:
                counts = total(self._lake.append(CHECKED[series], day_of, call.now, "reading.check_curves"))
                changed += counts.taken + counts.corrected
            self._store.save(day, series, found, versions, call.now)
        return CurvesChecked(day=day, curves=curves, slots_estimated=guessed, slots_held=held, changed=changed)

    def exceptions(self, call: Call, request: FindCurveExceptions) -> CurveExceptionsFound:
        rows, count, following = self._store.exceptions(request)
        return CurveExceptionsFound(rows=rows, total=count, next=following, as_of=self._store.checked_at() or call.now)

    def curve(self, call: Call, request: CheckedCurveAsked) -> CheckedCurve:
        first, last = request.day, request.day + timedelta(days=request.days - 1)
        received = self._lake.curve(CURVES[request.series], request.meter_no, first, last)
        beside = {
            row["day"]: row
            for row in self._lake.scan(
                CHECKED[request.series], first, last, only=("subject", (request.meter_no,))
            ).to_pylist()
        }
        checked = set(self._store.checked_days(first, last))
        books = self._store.books(first, last)
        of_days = self._store.versions(request.series, request.meter_no, first, last)
        versions: list[int | None] = []
        raw: list[int | None] = []
        counted: list[int | None] = []
        verdicts: list[int | None] = []
        for day in (first + timedelta(days=step) for step in range(request.days)):
            row = beside.get(day, {})
            values = received.get(day, [None] * len(SLOTS))
            numbers = [row.get(slot) for slot in VERDICT_SLOTS] if row else _as_received(values, day in checked)
            raw, verdicts = raw + values, verdicts + numbers
            known = of_days.get(day, {}) | {"checked": books.get(day, 0)}
            versions += [None if one is None else known.get(VERDICTS[one].rule, 0) for one in numbers]
            for value, slot, number in zip(values, SLOTS, numbers, strict=True):
                counted.append(row[slot] if value is None and number in STANDS_IN else value)
        stands = [number in STANDS_IN for number in verdicts]
        found = [None if number is None else VERDICTS[number] for number in verdicts]
        kinds = [CURVES[request.series].name, CHECKED[request.series].name]
        return CheckedCurve.model_validate(
            {
                "meter_no": request.meter_no,
                "series": request.series,
                "starts": first,
                "minutes": 24 * 60 // len(SLOTS),
                "counted": [None if value is None else Energy(value) for value in counted],
                "raw": [None if value is None else Energy(value) for value in raw],
                "estimated": stands,
                "statuses": [one and one.status for one in found],
                "rules": [one and one.rule for one in found],
                "versions": versions,
                "methods": [one and one.method for one in found],
                "slots_estimated": sum(stands),
                "slots_held": sum(one is not None and one.status == "held" for one in found),
                "estimated_energy": Energy(
                    sum(value or 0 for value, is_so in zip(counted, stands, strict=True) if is_so)
                ),
                "as_of": self._lake.recorded_at(kinds, first, last) or call.now,
            }
        )

    def _judged(
        self,
        series: str,
        day: date,
        pieces: Mapping[str, Mapping[str, Any]],
        midnights: Sequence[pa.Table],
        facts: MeterFacts,
        sets: Mapping[str, RuleSet],
    ) -> Iterator[tuple[list[str], Ints, Ints]]:
        """The meters with a curve on a day or the one before, so many at a time, with what stands in and the verdicts."""
        kind = CURVES[series]
        today = self._lake.scan(kind, day, day)
        before = self._lake.scan(kind, day - timedelta(days=1), day - timedelta(days=1), ("subject",))
        meters: list[Any] = sorted(map(str, {*today["subject"].to_pylist(), *before["subject"].to_pylist()}))
        begin, end = (_of_series(registers, series) for registers in midnights)
        share, phases = in_force(day)["rollover"].parameters["share_e4"], self._phases(series, day)
        for first in range(0, len(meters), METERS_AT_ONCE):
            subjects = meters[first : first + METERS_AT_ONCE]
            raw = matrix(subjects, today)
            bound = differences(subjects, pieces, begin, end, share)
            like = np.full(raw.shape, -1, dtype=np.int64)
            asking = np.flatnonzero((raw < 0).any(axis=1) | (bound < 0))
            if len(asking):
                like[asking] = self._like(series, day, [subjects[row] for row in asking.tolist()])
            beside = nothing_beside(len(subjects))._replace(
                capacity_w=facts.capacity_w(series, subjects), no_plant=facts.no_plant(series, subjects)
            )
            if series == SERIES_OF_USE:
                most = max(rules["zero_days"].parameters["days"] for rules in sets.values())
                beside = beside._replace(zero_days=zero_days(day, subjects, raw, most, partial(self._matrix, series)))
            if len(phases) == len(PHASE_SERIES):
                beside = beside._replace(phases=phases_of([matrix(subjects, one) for one in phases]))
            estimate: Ints = np.full_like(raw, -1)
            verdict: Any = np.zeros(raw.shape, dtype=np.int8)
            for rules, rows in alike(sets, facts.classes(subjects)):
                found = judged(raw[rows], like[rows], bound[rows], of_rows(beside, rows), rules)
                estimate[rows], verdict[rows] = found
            yield subjects, estimate, verdict

    def _phases(self, series: str, day: date) -> list[pa.Table]:
        """The curves of the phases, where there are all of them."""
        kinds = [CURVES[phase] for phase in PHASE_SERIES] if series == SERIES_OF_USE else []
        there = self._lake.there(kinds, [day])
        return [self._lake.scan(kind, day, day) for kind in kinds] if len(there) == len(PHASE_SERIES) else []

    def _matrix(self, series: str, day: date, subjects: list[str]) -> Ints:
        return matrix(subjects, self._lake.scan(CURVES[series], day, day, only=("subject", subjects)))

    def _like(self, series: str, day: date, subjects: list[str]) -> Ints:
        """What these meters have in days that are like a day."""

        def of(back: int) -> Ints:
            return self._matrix(series, day - timedelta(days=back), subjects)

        like: Ints = likened([of(back) for back in LIKE_DAYS], of(DAY_BEFORE))
        return like

    def _registers(self, day: date) -> pa.Table:
        """The total registers at the midnight that begins a day."""
        table = self._lake.scan(REGISTERS, day, day)
        at_midnight = pc.equal(table["read_at"], pa.scalar(midnight(day), table["read_at"].type))
        return table.filter(
            pc.and_(at_midnight, pc.and_(pc.equal(table["band"], "total"), pc.is_valid(table["value_e4"])))
        )


def _pieces(installed: pa.Table, day: date) -> dict[str, dict[str, Any]]:
    """The meters that hang from the midnight that begins a day to the one that ends it."""
    at = installed["from_at"].type
    whole = pc.and_(
        pc.less_equal(installed["from_at"], pa.scalar(midnight(day), at)),
        pc.greater_equal(installed["to_at"], pa.scalar(midnight(day + timedelta(days=1)), at)),
    )
    rows = installed.filter(whole).select(["meter_no", "multiplier", "integer_digits"]).to_pylist()
    return {row["meter_no"]: row for row in rows}


def _count(verdict: Ints, numbers: Sequence[int]) -> int:
    return int(np.isin(verdict, numbers).sum())


def _as_received(values: Sequence[int | None], checked: bool) -> list[int | None]:
    """Verdicts of a day of which the check kept no row: all that came in is valid."""
    return [VALID if checked and value is not None else None for value in values]


def _of_series(registers: pa.Table, series: str) -> dict[str, int]:
    """Registers of the quantity whose curve the series is, by meter."""
    found = registers.filter(pc.equal(registers["quantity"], series.rpartition("_")[0]))
    meters: list[Any] = found["meter_no"].to_pylist()
    values: list[Any] = found["value_e4"].to_pylist()
    return dict(zip(meters, values, strict=True))

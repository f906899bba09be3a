"""Curves checked day by day: due when something came in, judged by the rules, put beside what was received."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import partial
from itertools import groupby
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa

from denghuo.data.analysis.lake_day import SLOTS, total
from denghuo.data.analysis.lake_file import values_of
from denghuo.data.processing.work import Work
from denghuo.kernel.contract import Call
from denghuo.kernel.period import SHANGHAI, midnight
from denghuo.kernel.problem import text
from denghuo.kernel.values import Energy
from denghuo.service.reading.api import (
    ENERGY_SERIES,
    SPREAD,
    CheckedCurve,
    CheckedCurveAsked,
    CurveExceptionsFound,
    CurvesChecked,
    CurvesJudged,
    CurveSpan,
    CurvesToCheck,
    EstimatesReleased,
    EstimatesToWait,
    FindCurveExceptions,
    NotYet,
    ReleaseEstimates,
)
from denghuo.service.reading.batch.checked import CHECKED, VERDICT_SLOTS, CurveException, checked_table, exceptions
from denghuo.service.reading.batch.intake import CURVES, REGISTERS
from denghuo.service.reading.batch.marks import MARKS
from denghuo.service.reading.batch.plan import Ints
from denghuo.service.reading.rules.curve_book import released_at
from denghuo.service.reading.rules.curves import EDITED, HELD, STANDS_IN, VALID, VERDICTS
from denghuo.service.reading.service.judging import Day, Judging
from denghuo.service.reading.store.clocks import ClockStore
from denghuo.service.reading.store.curve_rules import CurveRuleStore
from denghuo.service.reading.store.curves import CurveStore

SILENT_DAYS_MAX = 31
"""How many days in a row of which nothing is known are looked at when the next curves come."""


Found = TypeVar("Found")
CHECKED_AT_ONCE = 5_000
"""Days of so many curves are checked whenever something comes in."""
PAUSE_A_CURVE = timedelta(milliseconds=1)
"""How long the check of a large day waits for more to come: some twenty times as long as it takes."""


class Curves:
    def __init__(self, work: Work, judging: Judging) -> None:
        self._work, self._judging = work, judging
        self._lake, self._store, self._rules = work.lake, CurveStore(work), CurveRuleStore(work)
        self._clocks = ClockStore(work)

    def received(self, days: Sequence[date], now: datetime) -> None:
        """Curves of these days came in: a job checks those that have ended. Those of a day that has not are noted, so that the
        registers of the midnight that ends it make it due. Days on which nothing came of anybody, between ones of which curves are
        known, are checked too: who is silent there has a gap."""
        ended = [day for day in days if midnight(day + timedelta(days=1)) <= now]
        self._store.note(sorted(set(days).difference(ended)))
        for day in self._store.mark_due([*ended, *self._store.silent_days(ended, SILENT_DAYS_MAX)]):
            self._work.enqueue("reading.check_curves", {"day": str(day)}, self._check_at(day, now))

    def _check_at(self, day: date, now: datetime) -> datetime | None:
        """When to check a day of which something came in: a large one comes in many pieces, and is not checked for each."""
        curves = self._lake.row_count([CURVES[series] for series in ENERGY_SERIES], day)
        return now + curves * PAUSE_A_CURVE if curves > CHECKED_AT_ONCE else None

    def registers_received(self, days: Sequence[date], now: datetime) -> None:
        """Registers of these days came in, which bound the curves of a day and of the one before it."""
        around = sorted({day - timedelta(days=back) for day in days for back in (0, 1)})
        if around:
            self.received(self._store.known_days(around), now)

    def clocks_measured(self, at: datetime, clocks: Sequence[tuple[str, int]], now: datetime) -> None:
        """How far clocks were ahead (meter, seconds) at an instant: its day and the one before are checked again, if they were
        before."""
        self._clocks.note(at, clocks)
        day = at.astimezone(SHANGHAI).date()
        self.received(self._store.known_days([day - timedelta(days=1), day]), now)

    def owner(self, meter_no: str) -> tuple[str, str | None] | None:
        """Unit and account of a meter; None where there are no curves of it, or it lies outside the caller's scope."""
        return self._store.owners([meter_no]).get(meter_no)

    def seen(self, call: Call, meter_nos: Sequence[str]) -> list[str]:
        """Those of some meters that the caller may see, in their order: the lake itself knows no units."""
        owners = meter_nos if call.whole_company else self._store.owners(meter_nos)
        return [one for one in meter_nos if one in owners]

    def multiplier(self, meter_no: str, month: str) -> int | None:
        """That of a meter in a planned month, where it is one."""
        return self._store.multiplier(meter_no, month)

    def check(self, call: Call, request: CurvesToCheck) -> CurvesChecked:
        day = request.day
        if midnight(day + timedelta(days=1)) > call.now:
            raise NotYet(
                text(f"{day} 尚未结束，曲线待次日校验。", f"{day} has not ended; its curves are checked after that."),
                read_at=midnight(day + timedelta(days=1)).isoformat(),
            )
        asked = self._judging.asked(call, day)
        self._store.lock(day)
        of = self._judging.known(day, asked)
        self._store.begin(day, of.book, call.now)
        there = self._lake.there([*CURVES.values(), *CHECKED.values()], (day, day - timedelta(days=1)))
        # What came in pieces is one file from here on: for the check, and for all who read the day after it.
        self._lake.settle(list(CURVES.values()), day, day)
        self._lake.settle([REGISTERS], day, day + timedelta(days=1))
        curves = guessed = held = changed = 0
        newly_silent = False
        for series in ENERGY_SERIES:
            if not {CURVES[series].name, CHECKED[series].name} & set(there):
                self._store.save(day, series, [], {}, {}, call.now)
                continue
            rows, found = [], list[CurveException]()
            versions, limits = dict[str, dict[str, int]](), dict[str, int]()
            before = list(map(str, self._lake.scan(CHECKED[series], day, day, ("subject",))["subject"].to_pylist()))
            for one in self._judging.judged(series, of):
                # A row for who has anything else than valid values, and for who had before.
                kept = np.flatnonzero((one.verdict != VALID).any(axis=1) | np.isin(one.subjects, before))
                chosen = [one.subjects[row] for row in kept.tolist()]
                estimate, verdict = one.estimate[kept], one.verdict[kept]
                rows.append(checked_table(series, chosen, estimate, verdict))
                suspects = exceptions(chosen, estimate, verdict)
                versions |= of.versions([suspect.subject for suspect in suspects])
                limits |= of.limits(series, [suspect.subject for suspect in suspects])
                found += suspects
                guessed, held = guessed + _count(verdict, STANDS_IN), held + _count(verdict, HELD)
                curves += len(one.subjects)
                silent = kept[(one.raw[kept] < 0).all(axis=1)]
                newly_silent |= not {one.subjects[row] for row in silent.tolist()}.issubset(before)
            day_of = {day: pa.concat_tables(rows)} if any(map(len, rows)) else {}
            if day_of:
                counts = total(self._lake.append(CHECKED[series], day_of, call.now, "reading.check_curves"))
                changed += counts.taken + counts.corrected
            self._store.save(day, series, found, versions, limits, call.now)
        if changed:
            self._work.emit(CurvesJudged(month=f"{day:%Y-%m}", changed=changed))
        if guessed:
            self._await_release(day, call.now)
        if newly_silent:
            # Who is silent for days stands in the checks of each: the next day may have been checked before this one.
            self.received(self._store.known_days([day + timedelta(days=1)]), call.now)
        return CurvesChecked(day=day, curves=curves, slots_estimated=guessed, slots_held=held, changed=changed)

    def _await_release(self, day: date, now: datetime) -> None:
        """Orders, once, that the estimates of a day are looked at when its time to wait is over."""
        at = released_at(self._rules.published(), day)
        if at is not None and at > now and self._store.await_release(day, at):
            self._work.enqueue("reading.release_estimates", {"day": str(day)}, at)

    def release(self, call: Call, request: ReleaseEstimates) -> EstimatesToWait:
        day = request.day
        at = released_at(self._rules.published(), day)
        released = at is not None and at <= call.now
        if released:
            self._store.await_release(day, None)
            self._work.emit(EstimatesReleased(month=f"{day:%Y-%m}", day=day))
        else:
            self._await_release(day, call.now)
        return EstimatesToWait(day=day, released=released)

    def _picture(self, request: CheckedCurveAsked) -> tuple[list[Energy | None], Energy | None]:
        """What days like it had, and what the capacity allowed a slot when it was judged."""
        like = self._judging.like(request.series, request.day, [request.meter_no])[0].tolist()
        limit_wh = self._store.limit_wh(request.series, request.meter_no, request.day)
        return _energies([None if value < 0 else value for value in like]), _energies([limit_wh])[0]

    def judge_again(self, call: Call, series: str, of: Day) -> None:
        """Puts what is known of one meter's day now beside what was received. The day is locked."""
        (one,) = self._judging.judged(series, of)
        table = checked_table(series, one.subjects, one.estimate, one.verdict)
        counts = total(self._lake.append(CHECKED[series], {of.day: table}, call.now, "reading.edit_curve"))
        self._work.emit(CurvesJudged(month=f"{of.day:%Y-%m}", changed=counts.taken + counts.corrected))
        suspects = exceptions(one.subjects, one.estimate, one.verdict)
        versions, limits = of.versions(one.subjects), of.limits(series, one.subjects)
        self._store.save(of.day, series, suspects, versions, limits, call.now, of.meter_no)

    def exceptions(self, call: Call, request: FindCurveExceptions) -> CurveExceptionsFound:
        rows, count, following = self._store.exceptions(request)
        return CurveExceptionsFound(rows=rows, total=count, next=following, as_of=self._store.checked_at() or call.now)

    def curve(self, call: Call, request: CheckedCurveAsked) -> CheckedCurve:
        return CheckedCurve.model_validate(self._told(call, request, spans=True))

    def to_add_up(self, call: Call, request: CheckedCurveAsked) -> CheckedCurve:
        """As `curve`, for who only adds it up: without its spans, and not checked value by value against the contract."""
        return CheckedCurve.model_construct(**self._told(call, request, spans=False))

    def _told(self, call: Call, request: CheckedCurveAsked, spans: bool) -> dict[str, Any]:
        first, last = request.day, request.day + timedelta(days=request.days - 1)
        kinds = [CURVES[request.series], CHECKED[request.series], MARKS[request.series]]
        values_in, beside_in, said = self._lake.days_of(kinds, [request.meter_no], first, last)
        received, stood = values_of(values_in, SLOTS), values_of(beside_in, [*SLOTS, *VERDICT_SLOTS])
        beside = {day: dict(zip([*SLOTS, *VERDICT_SLOTS], row, strict=True)) for day, row in stood.items()}
        checked = set(self._store.checked_days(first, last))
        books = self._store.books(first, last)
        of_days = self._store.versions(request.series, request.meter_no, first, last)
        versions: list[int | None] = []
        raw: list[int | None] = []
        counted: list[int | None] = []
        verdicts: list[int | None] = []
        marks: list[str | None] = []
        told = {day: [mark or None for mark in row] for day, row in values_of(said, SLOTS).items()}
        for day in (first + timedelta(days=step) for step in range(request.days)):
            row = beside.get(day, {})
            values = received.get(day, [None] * len(SLOTS))
            numbers = [row.get(slot) for slot in VERDICT_SLOTS] if row else _as_received(values, day in checked)
            raw, verdicts = raw + values, verdicts + numbers
            known = of_days.get(day, {}) | {"checked": books.get(day, 0)}
            versions += _each(numbers, partial(_version, known))
            if not row and day not in told:
                counted, marks = counted + values, marks + [None] * len(SLOTS)
                continue
            of_sender = told.get(day, [None] * len(SLOTS))
            for value, slot, number, mark in zip(values, SLOTS, numbers, of_sender, strict=True):
                # What a clerk had put in stands before what he saw; an estimate only where nothing was received.
                stands_in = number in EDITED or (value is None and number in STANDS_IN)
                counted.append(row[slot] if stands_in else value)
                marks.append(None if stands_in or value is None else mark)
        like, limit = self._picture(request) if request.days == 1 else ([], None)
        stands = [_is_guess(number, mark) for number, mark in zip(verdicts, marks, strict=True)]
        return {
            "meter_no": request.meter_no,
            "series": request.series,
            "starts": first,
            "month": f"{first:%Y-%m}",
            "minutes": 24 * 60 // len(SLOTS),
            "counted": _energies(counted),
            "raw": _energies(raw),
            "estimated": stands,
            "statuses": _each(verdicts, lambda one: VERDICTS[one].status),
            "rules": _each(verdicts, lambda one: VERDICTS[one].rule),
            "versions": versions,
            "methods": _each(verdicts, lambda one: VERDICTS[one].method),
            "marks": marks,
            "slots_estimated": sum(stands),
            "slots_held": sum(map(bool, _each(verdicts, HELD.__contains__))),
            "estimated_energy": Energy(sum(value or 0 for value, is_so in zip(counted, stands, strict=True) if is_so)),
            "like": like,
            "limit": limit,
            "spans": [
                span
                for place in range(request.days if spans else 0)
                for span in _spans(
                    request,
                    first + timedelta(days=place),
                    *(
                        column[place * len(SLOTS) : (place + 1) * len(SLOTS)]
                        for column in (raw, counted, verdicts, versions)
                    ),
                    marks=marks[place * len(SLOTS) : (place + 1) * len(SLOTS)],
                )
            ],
            "as_of": self._lake.recorded_at([kind.name for kind in kinds[:2]], first, last) or call.now,
        }


def _is_guess(number: int | None, mark: str | None) -> bool:
    """Whether what counts was not measured. Of what was spread from longer intervals the rule says so, once it was judged."""
    judged_so = mark is not None and mark.startswith(SPREAD) and number is not None
    return number in STANDS_IN or (mark is not None and not judged_so)


def _count(verdict: Ints, numbers: Sequence[int]) -> int:
    return int(np.isin(verdict, numbers).sum())


def _each(values: Sequence[int | None], say: Callable[[int], Found]) -> list[Found | None]:
    """What is to be said of each value that is known; worked out once for those that are the same."""
    known: dict[int | None, Found | None] = {value: None if value is None else say(value) for value in set(values)}
    return list(map(known.__getitem__, values))


def _version(known: Mapping[str, int], number: int) -> int:
    """The version of the rule of a verdict."""
    return known.get(VERDICTS[number].rule, 0)


def _energies(values: Sequence[int | None]) -> list[Energy | None]:
    return _each(values, Energy)


def slot_text(slot: int) -> str:
    """When a slot begins; the one after the last is 24:00."""
    return f"{slot // 4:02d}:{slot % 4 * 15:02d}"


def slot_of(shown: str) -> int:
    """The slot of 15 minutes that begins at a time of day, hh:mm."""
    hours, _, minutes = shown.partition(":")
    return int(hours) * 4 + int(minutes) // 15


def _spans(
    request: CheckedCurveAsked,
    day: date,
    raw: Sequence[int | None],
    counted: Sequence[int | None],
    verdicts: Sequence[int | None],
    versions: Sequence[int | None],
    *,
    marks: Sequence[str | None],
) -> Iterator[CurveSpan]:
    """Slots in a row with the same verdict and mark, as far as it is not simply valid."""
    for (number, mark), group in groupby(range(len(verdicts)), key=lambda slot: (verdicts[slot], marks[slot])):
        slots = list(group)
        if number is None or number == VALID:
            continue
        begins, span = slot_text(slots[0]), slice(slots[0], slots[-1] + 1)
        yield CurveSpan.model_validate(
            {
                "span_no": f"{day} {begins}",
                "meter_no": request.meter_no,
                "series": request.series,
                "day": day,
                "begins": begins,
                "ends": slot_text(slots[-1] + 1),
                "slots": len(slots),
                **VERDICTS[number]._asdict(),
                "version": versions[slots[0]],
                "mark": mark,
                "received": _sum(raw[span]),
                "counts": _sum(counted[span]),
                "may_accept": number in HELD and any(value is not None for value in raw[span]),
            }
        )


def _sum(values: Sequence[int | None]) -> Energy | None:
    there = [value for value in values if value is not None]
    return Energy(sum(there)) if there else None


def _as_received(values: Sequence[int | None], checked: bool) -> list[int | None]:
    """Verdicts of a day of which the check kept no row: all that came in is valid."""
    return [VALID if checked and value is not None else None for value in values]

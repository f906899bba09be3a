"""Days of curves judged by the rules in force, of all meters or of one: what is known of them, and what clerks said."""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute

from denghuo.data.processing.work import Work
from denghuo.kernel.contract import Call
from denghuo.kernel.period import Month, midnight
from denghuo.service.reading.api import PHASE_SERIES
from denghuo.service.reading.batch.beside import MeterFacts, alike, of_rows, phases_of, zero_days
from denghuo.service.reading.batch.checked import CHECKED, differences, matrix
from denghuo.service.reading.batch.intake import CURVES, REGISTERS
from denghuo.service.reading.batch.marks import MARKS, marked
from denghuo.service.reading.batch.plan import Ints
from denghuo.service.reading.rules import in_force
from denghuo.service.reading.rules.curve_book import RuleSet, by_class, methods_of
from denghuo.service.reading.rules.curves import as_spread, as_told, judged, most_wh, nothing_beside
from denghuo.service.reading.rules.edits import Edit, apply
from denghuo.service.reading.rules.profiles import (
    DAY_BEFORE,
    GROUP_MAX,
    LAST_YEAR,
    LIKE_DAYS,
    RECENT_DAYS,
    group_profile,
    likened,
    of_group,
    scaled_year,
)
from denghuo.service.reading.service.taking import Taking
from denghuo.service.reading.store.clocks import ClockStore
from denghuo.service.reading.store.curve_rules import CurveRuleStore
from denghuo.service.reading.store.edits import EditStore

pc: Any = pyarrow.compute
METERS_AT_ONCE = 100_000
"""Meters whose day is held as matrices at a time: about a gigabyte."""
SERIES_OF_USE = "active_fwd_wh"
"""What customers take: its phases are held against it, and nothing of it for days on end is told."""


@dataclass(frozen=True)
class Day:
    """What a day's curves are judged by.

    pieces: of the meters that hang all day; hanging: those that hang at any time of it; midnights: registers at both ends; sets:
    the rules by class of meters; book: the newest version among them all; edits: by series and meter, in the order in which they
    were made; meter_no: where it is about one meter alone.
    """

    day: date
    pieces: Mapping[str, Mapping[str, Any]]
    hanging: Set[str]
    facts: MeterFacts
    midnights: Sequence[pa.Table]
    sets: Mapping[str, RuleSet]
    book: int
    edits: Mapping[str, Mapping[str, Sequence[Edit]]]
    meter_no: str | None = None
    clocks: Mapping[str, int] = field(default_factory=dict)

    def versions(self, subjects: Sequence[str]) -> dict[str, dict[str, int]]:
        """The versions of the rules that were set and judge these meters."""
        return {
            name: {rule.code: rule.version for rule in self.sets[of].values() if rule.version}
            for name, of in zip(subjects, self.facts.classes(subjects), strict=True)
        }

    def limits(self, series: str, subjects: Sequence[str]) -> dict[str, int]:
        """The energy of a slot above which it is suspicious by the capacity, of meters of which one is known; the rule is on."""
        found = {}
        capacities = self.facts.capacity_w(series, subjects).tolist()
        for name, of, capacity_w in zip(subjects, self.facts.classes(subjects), capacities, strict=True):
            rule = self.sets[of]["over_capacity"]
            if capacity_w >= 0 and rule.effect != "off":
                found[name] = int(most_wh(capacity_w, rule))
        return found


class JudgedDay(NamedTuple):
    """Meters by slots: what was received, what the registers say of the day, what stands in, and the numbers of the verdicts."""

    subjects: list[str]
    raw: Ints
    bound: Ints
    estimate: Ints
    verdict: Any


class Judging:
    def __init__(self, work: Work, taking: Taking) -> None:
        self._taking, self._lake = taking, work.lake
        self._rules, self._edits, self._clocks = CurveRuleStore(work), EditStore(work), ClockStore(work)

    def asked(self, call: Call, day: date, org: str | None = None) -> tuple[pa.Table, pa.Table]:
        """What other services know of the meters of a day, or of those of a unit: asked before anything is locked."""
        month = str(Month.holding(day))
        installed = (
            self._taking.installed(call, month) if org is None else self._taking.installed_in(call, month, [org])
        )
        return installed, self._taking.terms(call, day)

    def known(self, day: date, asked: tuple[pa.Table, pa.Table], meter_no: str | None = None) -> Day:
        """What is known of a day, or of one meter in it."""
        installed, terms = asked
        published = self._rules.published()
        return Day(
            day,
            _pieces(installed, day),
            _hanging(installed, day),
            MeterFacts(installed, terms, day),
            [self._registers(day + timedelta(days=step), meter_no) for step in (0, 1)],
            by_class(published, day),
            max((rule.version for rule in published), default=0),
            self._edits.of_day(day, meter_no),
            meter_no,
            self._clocks.off_s(day),
        )

    def judged(self, series: str, of: Day) -> Iterator[JudgedDay]:
        """The meters with a curve on a day or the one before, or silent since, so many at a time; of a single meter that one."""
        kind, day, only = CURVES[series], of.day, None if of.meter_no is None else ("subject", (of.meter_no,))
        today = self._lake.scan(kind, day, day, only=only)
        if of.meter_no is None:
            yesterday = day - timedelta(days=1)
            before, silent = (
                set(map(str, self._lake.scan(one, yesterday, yesterday, ("subject",))["subject"].to_pylist()))
                for one in (kind, CHECKED[series])
            )
            # One that is silent for days stands in the checks of each, as long as it hangs. Of one that was taken down nothing is
            # to come.
            expected = (before & of.hanging) | (silent & of.pieces.keys())
            meters = sorted({*map(str, today["subject"].to_pylist()), *expected})
        else:
            meters = [of.meter_no]
        begin, end = (_of_series(registers, series) for registers in of.midnights)
        marks = self._lake.scan(MARKS[series], day, day, only=only)
        share, phases = in_force(day)["rollover"].parameters["share_e4"], self._phases(series, day)
        for first in range(0, len(meters), METERS_AT_ONCE):
            subjects = meters[first : first + METERS_AT_ONCE]
            raw = matrix(subjects, today)
            bound = differences(subjects, of.pieces, begin, end, share)
            like = np.full(raw.shape, -1, dtype=np.int64)
            asking = np.flatnonzero((raw < 0).any(axis=1) | (bound < 0))
            if len(asking):
                like[asking] = self.like(series, day, [subjects[row] for row in asking.tolist()])
            beside = nothing_beside(len(subjects))._replace(
                capacity_w=of.facts.capacity_w(series, subjects), no_plant=of.facts.no_plant(series, subjects)
            )
            beside = beside._replace(**self._further(series, of, subjects, raw, like, bound))
            if series == SERIES_OF_USE:
                most = max(rules["zero_days"].parameters["days"] for rules in of.sets.values())
                beside = beside._replace(zero_days=zero_days(day, subjects, raw, most, partial(self._matrix, series)))
            if of.clocks:
                beside = beside._replace(clock_off_s=np.array([of.clocks.get(name, 0) for name in subjects]))
            if len(phases) == len(PHASE_SERIES):
                beside = beside._replace(phases=phases_of([matrix(subjects, one) for one in phases]))
            estimate: Ints = np.full_like(raw, -1)
            verdict: Any = np.zeros(raw.shape, dtype=np.int8)
            for rules, rows in alike(of.sets, of.facts.classes(subjects)):
                found = judged(raw[rows], like[rows], bound[rows], of_rows(beside, rows), rules)
                estimate[rows], verdict[rows] = found
            for name, edits in of.edits.get(series, {}).items():
                place = bisect_left(subjects, name)
                if place < len(subjects) and subjects[place] == name:
                    apply(edits, raw[place], estimate[place], verdict[place])
            if len(marks):
                told = marked(subjects, marks)
                as_told(raw, estimate, verdict, told.sender)
                for rules, rows in alike(of.sets, of.facts.classes(subjects)) if told.spread.any() else ():
                    found = estimate[rows], verdict[rows]
                    as_spread(raw[rows], *found, told.spread[rows], rules["spread"])
                    estimate[rows], verdict[rows] = found
            yield JudgedDay(subjects, raw, bound, estimate, verdict)

    def _phases(self, series: str, day: date) -> list[pa.Table]:
        """The curves of the phases, where there are all of them."""
        kinds = [CURVES[phase] for phase in PHASE_SERIES] if series == SERIES_OF_USE else []
        there = self._lake.there(kinds, [day])
        return [self._lake.scan(kind, day, day) for kind in kinds] if len(there) == len(PHASE_SERIES) else []

    def _matrix(self, series: str, day: date, subjects: list[str]) -> Ints:
        return matrix(subjects, self._lake.scan(CURVES[series], day, day, only=("subject", subjects)))

    def like(self, series: str, day: date, subjects: list[str]) -> Ints:
        """What these meters have in days that are like a day."""

        def of(back: int) -> Ints:
            return self._matrix(series, day - timedelta(days=back), subjects)

        like: Ints = likened([of(back) for back in LIKE_DAYS], of(DAY_BEFORE))
        return like

    def _further(
        self, series: str, of: Day, subjects: list[str], raw: Ints, like: Ints, bound: Ints
    ) -> dict[str, Ints]:
        """What else gaps may look like where the methods that are tried before do not tell: meters of the class, and the same day
        last year."""
        gap = raw < 0
        rows = np.flatnonzero(gap.any(axis=1))
        if not len(rows):
            return {}
        known = {"fill_like_day": like}
        classes = np.array(of.facts.classes(subjects))
        for name in sorted(set(classes[rows].tolist())):
            mine, before = rows[classes[rows] == name], list[Ints]()
            for code in methods_of(of.sets[name]):
                told = np.any([values[mine] >= 0 for values in before], axis=0)
                open_ = mine[(gap[mine] & ~told).any(axis=1)]
                found = self._told(code, series, of, name, [subjects[row] for row in open_.tolist()])
                if found is not None:
                    told_of = known.setdefault(code, np.full_like(raw, -1))
                    told_of[open_] = of_group(raw[open_], found, bound[open_] >= 0) if code == "fill_group" else found
                # A line reaches where it does, whatever else is known.
                before += [known[code]] if code in known else []
        columns = {"group": "fill_group", "last_year": "fill_last_year"}
        return {column: known[code] for column, code in columns.items() if code in known}

    def _told(self, code: str, series: str, of: Day, name: str, subjects: list[str]) -> Ints | None:
        """What a method knows of meters of a class: of the group its profile, of last year each meter's day."""
        if not subjects or code not in ("fill_group", "fill_last_year"):
            return None
        return self._group(series, of, name) if code == "fill_group" else self._last_year(series, of.day, subjects)

    def _last_year(self, series: str, day: date, subjects: list[str]) -> Ints:
        then = day - timedelta(days=LAST_YEAR)
        found = self._matrix(series, then, subjects)
        known = (found >= 0).any(axis=1)
        if not known.any():
            return found
        recent = [
            tuple(self._matrix(series, one - timedelta(days=back), subjects) for one in (day, then))
            for back in RECENT_DAYS
        ]
        scaled: Ints = scaled_year(found, [(now, before) for now, before in recent])
        return scaled

    def _group(self, series: str, of: Day, name: str) -> Ints | None:
        """The profile of a class on a day, of its first meters by number."""
        members = of.facts.members(name)[:GROUP_MAX]
        profile: Ints | None = group_profile(self._matrix(series, of.day, members)) if members else None
        return profile

    def _registers(self, day: date, meter_no: str | None) -> pa.Table:
        """The total registers at the midnight that begins a day."""
        table = self._lake.scan(REGISTERS, day, day, only=None if meter_no is None else ("meter_no", (meter_no,)))
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


def _hanging(installed: pa.Table, day: date) -> Set[str]:
    """The meters that hang at any time between the midnights of a day."""
    at = installed["from_at"].type
    some = pc.and_(
        pc.less(installed["from_at"], pa.scalar(midnight(day + timedelta(days=1)), at)),
        pc.greater(installed["to_at"], pa.scalar(midnight(day), at)),
    )
    return set(map(str, installed.filter(some)["meter_no"].to_pylist()))


def _of_series(registers: pa.Table, series: str) -> dict[str, int]:
    """Registers of the quantity whose curve the series is, by meter."""
    found = registers.filter(pc.equal(registers["quantity"], series.rpartition("_")[0]))
    meters: list[Any] = found["meter_no"].to_pylist()
    values: list[Any] = found["value_e4"].to_pylist()
    return dict(zip(meters, values, strict=True))

"""Registers divided by curves, many at once (按曲线分时): which rows of a month's energies get which bands, and which are held.

What is divided stands as columns beside the energies it is of. The month's run makes rows of it, for bills keep the registers that
they were rated from; whoever only rates hands the columns to the engine.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute

from denghuo.data.analysis.cells import MonthCells
from denghuo.service.billing.engine import Banded
from denghuo.service.billing.engine.atoms import Calendar, MonthPlan, by_band, slots_in
from denghuo.service.billing.engine.codes import rows_of
from denghuo.service.billing.engine.figures import Flags, Int
from denghuo.service.billing.engine.split import Split, Tolerance, split
from denghuo.service.tariff.api import Band

pc: Any = pyarrow.compute
TOLERANCE = Tolerance()


@dataclass(frozen=True)
class Divided:
    """What curves tell of a table of energies (`reading.month_energy`).

    parts: rows of the table with their energy by band. held: rows for a person to look at, by the rule that says so.
    """

    source: pa.Table
    parts: list["Part"] = field(default_factory=list)
    held: dict[str, list[Int]] = field(default_factory=dict)

    def hold(self, rows: Int, rule: str) -> None:
        if len(rows):
            self.held.setdefault(rule, []).append(rows)

    def table(self) -> pa.Table:
        """The source with held rows marked and added rows behind, in the order of points; the source itself where nothing is
        changed."""
        if not self.held and not self.parts:
            return self.source
        found = self.source
        for rule, parts in self.held.items():
            mask = np.zeros(len(found), dtype=np.bool_)
            mask[np.concatenate(parts)] = True
            marks = pa.array(mask)
            changed: dict[str, Any] = {
                "energy_wh": pc.if_else(marks, pa.scalar(None, pa.int64()), found["energy_wh"]),
                "status": pc.if_else(marks, "held", found["status"]),
                "rule": pc.if_else(marks, rule, found["rule"]),
            }
            found = pa.table([changed.get(name, found[name]) for name in found.column_names], schema=found.schema)
        order: Any = [(name, "ascending") for name in ("point_no", "piece", "quantity", "band")]
        return pa.concat_tables([found, self.added]).sort_by(order)

    @cached_property
    def added(self) -> pa.Table:
        """A row for each band of each row that is divided."""
        rows = [self._rows(part, place) for part in self.parts for place in range(len(part.bands))]
        return pa.concat_tables([self.source.slice(0, 0), *rows])

    def _rows(self, part: "Part", place: int) -> pa.Table:
        copied, count = rows_of(self.source, part.rows), len(part.rows)
        changed: dict[str, Any] = {
            "band": pa.repeat(part.bands[place], count),
            "start_e4": pa.nulls(count, pa.int64()),
            "end_e4": pa.nulls(count, pa.int64()),
            "energy_wh": pa.array(part.energy_wh[:, place]),
            "status": pc.if_else(pa.array(part.estimated), "estimated", copied["status"]),
            "rule": part.rules,
            "method": pa.repeat("curve", count),
            "days_estimated": pc.max_element_wise(pa.array(part.days_estimated, pa.int32()), copied["days_estimated"]),
        }
        columns = [changed.get(name, copied[name]) for name in copied.column_names]
        return pa.table(columns, names=copied.column_names).cast(self.source.schema)


@dataclass(frozen=True)
class Part(Banded):
    """Rows of one tariff that are divided. estimated: those of which slots are missing; rules: what each was divided by."""

    estimated: Flags
    rules: Any


@dataclass(frozen=True)
class Curves:
    """The curves of a month added up, and which tariff each account has (`whole_months.NAMED`, of one kind)."""

    plan: MonthPlan
    calendars: Mapping[str, Mapping[date, Calendar]]
    cells: MonthCells
    named: pa.Table

    def banded(self, table: pa.Table, quantity: str, roles: frozenset[str]) -> pa.Table:
        """The energies with the rows that the curves add to those of a quantity; the same table where they add nothing."""
        divided = Divided(table)
        self.divide(divided, quantity, roles)
        return divided.table()

    def divide(self, into: Divided, quantity: str, roles: frozenset[str]) -> None:
        """Notes what the curves tell of the energies of a quantity."""
        table = into.source
        mine = pc.and_(pc.equal(table["quantity"], quantity), pc.is_in(table["role"], pa.array(sorted(roles))))
        read = pc.and_(pc.and_(mine, pc.equal(table["band"], "total")), pc.is_valid(table["energy_wh"]))
        read = pc.and_(read, pc.and_(pc.is_valid(table["account_no"]), pc.not_equal(table["status"], "held")))
        rows: Int = np.flatnonzero(pc.fill_null(read, False).to_numpy())
        owners = rows_of(table["account_no"], rows).combine_chunks()
        meters = rows_of(table["meter_no"], rows).combine_chunks()
        at = pc.fill_null(pc.index_in(meters, self.cells.subjects), -1).to_numpy()
        names = self.named["tariff"].combine_chunks().take(pc.index_in(owners, self.named["account_no"]))
        told = self._told(table, mine, rows)
        for name in sorted(self.calendars.keys() & set(pc.unique(names).to_pylist())):
            picked = np.flatnonzero(
                (at >= 0) & pc.fill_null(pc.equal(names, name), False).to_numpy(zero_copy_only=False)
            )
            if len(picked):
                self._of_tariff(name, into, rows[picked], at[picked], told.of(picked, len(rows)))

    def _told(self, table: pa.Table, mine: Any, rows: Int) -> "_Told":
        """The registers by band of the meters whose totals stand in these rows."""
        banded = table.filter(pc.and_(mine, pc.not_equal(table["band"], "total")))
        if not len(banded):
            nothing: Int = np.zeros(0, dtype=np.int64)
            return _Told(nothing, np.array([], dtype=object), nothing, nothing > 0)
        at = pc.fill_null(pc.index_in(_channel(banded), _channel(rows_of(table, rows))), -1).to_numpy()
        wh = banded["energy_wh"]
        bands = np.asarray(banded["band"].to_numpy(zero_copy_only=False), dtype=object)
        return _Told(
            at.astype(np.int64), bands, pc.fill_null(wh, 0).to_numpy(), pc.is_valid(wh).to_numpy(zero_copy_only=False)
        ).where(at >= 0)

    def _of_tariff(self, name: str, into: Divided, rows: Int, at: Int, told: "_Told") -> None:
        bands = self.plan.bands_of(name)
        energy, received = by_band(self.cells, self.plan, name, bands)
        expected = self._expected(name, bands, into.source, rows)
        total = rows_of(into.source["energy_wh"], rows).to_numpy().astype(np.int64)
        missing = np.maximum(expected - received[at], 0)
        stands_in, told_all = self._estimates(name, bands, at, missing)
        highest = self.cells.highest[at]
        found = split(total, energy[at], missing, expected.sum(axis=1), highest, TOLERANCE, stands_in, told_all)
        any_band, otherwise = told.against(found, bands)
        into.hold(rows[found.gaps & ~any_band], "curve_gaps")
        into.hold(rows[(found.apart & ~any_band) | otherwise], "curve_apart")
        good = np.flatnonzero(~found.gaps & ~found.apart & ~any_band)
        if not len(good):
            return
        days = self.cells.gap_days[at]
        if self.cells.estimates is not None:
            days = np.where(told_all, self.cells.estimates.days[at], days)
        gap_days = np.where(found.estimated, days, 0)
        rule = np.where(found.estimated, 1 + told_all, 0)[good]
        rules = rows_of(pa.array(["curve", "curve_gaps", "curve_estimated"]), rule)
        into.parts.append(Part(rows[good], bands, found.energy_wh[good], gap_days[good], found.estimated[good], rules))

    def _estimates(self, name: str, bands: Sequence[Band], at: Int, missing: Int) -> tuple[Int | None, Flags]:
        """What stands in for slots by band, and of which rows it does so for every slot that is missing."""
        estimates = self.cells.estimates
        if estimates is None:
            return None, np.zeros(len(at), dtype=np.bool_)
        beside = replace(self.cells, energy=estimates.energy, received=estimates.filled)
        energy, filled = by_band(beside, self.plan, name, bands)
        whole: Flags = (filled[at] >= missing).all(axis=1) & (missing.sum(axis=1) > 0)
        return energy[at], whole

    def _expected(self, name: str, bands: Sequence[Band], table: pa.Table, rows: Int) -> Int:
        """Slots of each band in the period of each row (rows x bands)."""
        sides = [rows_of(table[side], rows).combine_chunks().dictionary_encode() for side in ("from_at", "to_at")]
        begins, ends = (side.dictionary.to_pylist() for side in sides)
        code = sides[0].indices.to_numpy().astype(np.int64) * max(len(ends), 1) + sides[1].indices.to_numpy()
        periods = pa.array(code).dictionary_encode()
        known = [
            slots_in(self.calendars[name], bands, begins[one // len(ends)], ends[one % len(ends)])
            for one in periods.dictionary.to_pylist()
        ]
        found: Int = np.array(known, dtype=np.int64).reshape(-1, len(bands))[periods.indices.to_numpy()]
        return found


@dataclass(frozen=True)
class _Told:
    """Registers by band: the place of their meter among those looked at, band, Wh, and whether it was read."""

    at: Int
    band: Any
    energy_wh: Int
    given: Flags

    def where(self, flags: Flags) -> "_Told":
        return _Told(self.at[flags], self.band[flags], self.energy_wh[flags], self.given[flags])

    def of(self, picked: Int, count: int) -> "_Told":
        """Those of some of the meters that are looked at, by their place among these."""
        place = np.full(count, -1)
        place[picked] = np.arange(len(picked))
        return replace(self, at=place[self.at]).where(place[self.at] >= 0)

    def against(self, found: Split, bands: Sequence[Band]) -> tuple[Flags, Flags]:
        """Which meters have registers by band, and of which a whole curve says otherwise than these."""
        any_band, otherwise = np.zeros((2, len(found.gaps)), dtype=np.bool_)
        any_band[self.at] = True
        for place, band in enumerate(bands):
            mine = self.where(self.given & (self.band == band))
            apart = np.abs(mine.energy_wh - found.energy_wh[mine.at, place]) > TOLERANCE.of(mine.energy_wh)
            otherwise[mine.at[apart]] = True
        whole = any_band & ~found.gaps & ~found.estimated
        return any_band, whole & (otherwise | found.apart)


def _channel(table: pa.Table) -> Any:
    """What a register is of: point, meter and piece, as one text."""
    piece = table["piece"].cast(pa.string())
    return pc.binary_join_element_wise(table["point_no"], table["meter_no"], piece, "\n").combine_chunks()

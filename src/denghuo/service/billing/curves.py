"""Time of use from curves (曲线分时): meters without registers by band are given their bands by their curve.

What comes out has the shape of `reading.month_energy`: the registers as they were read, beside them a row for each band of a meter
whose tariff is by time of use and whose curve agrees with its register. Where the two do not agree, the register's row is held and
says why; where a meter has both curve and registers by band, the registers stand if the curve agrees with them.

Left alone are meters without a curve, and tariffs whose bands of a day hang on holidays, kinds of days or heat of which no table is
published. Accounts whose terms or tariff change within the month are split stage by stage (`stage_curves`).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute

from denghuo.data.analysis.cells import MonthCells, cells_in, month_cells, with_estimates
from denghuo.data.processing.dataset import Datasets, arrow_schema
from denghuo.kernel.contract import Call, DatasetRef, DatasetSchema
from denghuo.kernel.period import Month
from denghuo.kernel.problem import text
from denghuo.service.billing.batch import PURCHASE_ROLES, SUPPLY_ROLES
from denghuo.service.billing.calendar import Calendars
from denghuo.service.billing.demands import charges_demand, with_demands
from denghuo.service.billing.engine.atoms import Calendar, MonthPlan, by_band, calendars_of, month_plan, slots_in
from denghuo.service.billing.engine.figures import Flags, Int
from denghuo.service.billing.engine.split import Split, Tolerance, split
from denghuo.service.billing.rules import Tariffs, chosen
from denghuo.service.host.binding import Ask
from denghuo.service.reading.api import (
    METERS_MAX,
    MONTH_ENERGY,
    AtomDay,
    EnergySeries,
    MeterAtoms,
    PublishAtoms,
    ReadingApi,
    cell_name,
    day_atoms,
    day_estimates,
    over_name,
)
from denghuo.service.tariff.api import AskBands, Band, TariffApi, TariffDocument

pc: Any = pyarrow.compute
SPLIT_ENERGY = DatasetSchema(
    "billing.split_energy",
    1,
    MONTH_ENERGY.columns,
    text("月度电量（含曲线分时）", "Energy of the month, split by curves"),
)
TOLERANCE = Tolerance()
_SIDES: tuple[tuple[str, str, frozenset[str], EnergySeries], ...] = (
    ("supply", "active_fwd", SUPPLY_ROLES, "active_fwd_wh"),
    ("purchase", "active_rev", PURCHASE_ROLES, "active_rev_wh"),
)


def split_energy(
    datasets: Datasets,
    ask: Ask,
    call: Call,
    month: Month,
    tariffs: Tariffs,
    terms: DatasetRef,
    energy: DatasetRef,
    shard: str = "all",
) -> DatasetRef:
    """The month's energies with the bands and the demands that curves give; the same reference where they give none.

    call: the platform's own. shard: of which part of the company they are.
    """
    table = datasets.scan(energy, list(MONTH_ENERGY.columns))
    found = split_table(datasets, ask, call, month, tariffs, datasets.scan(terms), table)
    return energy if found is table else datasets.publish(SPLIT_ENERGY, str(month), shard, found, call.now)


def split_table(
    datasets: Datasets,
    ask: Ask,
    call: Call,
    month: Month,
    tariffs: Tariffs,
    terms: pa.Table,
    energy: pa.Table,
    until: date | None = None,
) -> pa.Table:
    """As `split_energy`, of tables. until: the midnight at which the energies of a running month end."""
    calendars = calendars_by_key(ask, call, Calendars(ask, call, month, until=until), tariffs)
    if not calendars and not any(charges_demand(tariff, month) for tariff in tariffs):
        return energy
    named = _of_the_month(tariffs_of_accounts(terms, month, tariffs), energy, month)
    plan = month_plan(calendars)

    def published(series: EnergySeries) -> MonthCells | None:
        asked = PublishAtoms(month=str(month), series=series, starts=list(plan.cut))
        atoms: dict[date, list[str]] = {}
        made = ask(ReadingApi).publish_atoms(call, asked)
        for ref in made.rows:
            day = date.fromisoformat(ref.period)
            if until is None or day < until:
                atoms.setdefault(day, []).append(str(datasets.path(ref)))
        days = ((date.fromisoformat(ref.period), ref) for ref in made.estimates)
        estimates = ((day, datasets.scan(ref)) for day, ref in days if until is None or day < until)
        return with_estimates(month_cells(atoms, plan), estimates, plan) if atoms else None

    found = _banded(energy, month, plan, calendars, named, published)
    return with_demands(ask, call, month, _by_demand(tariffs, named, month), found, TOLERANCE)


def _of_the_month(named: dict[tuple[str, str], str], energy: pa.Table, month: Month) -> dict[tuple[str, str], str]:
    """Without accounts whose reading covers earlier months too: theirs are divided month by month, by `stage_curves`."""
    begins = pa.scalar(month.period.start, energy["from_at"].type)
    long = energy.filter(pc.fill_null(pc.less(energy["from_at"], begins), False))["account_no"]
    if not len(long):
        return named
    accounts = set(long.unique().to_pylist())
    return {at: name for at, name in named.items() if at[0] not in accounts}


def _by_demand(tariffs: Sequence[TariffDocument], named: Mapping[tuple[str, str], str], month: Month) -> list[str]:
    """The accounts whose tariff charges the measured demand."""
    wanted = {key(tariff) for tariff in tariffs if charges_demand(tariff, month)}
    return [account for (account, kind), name in named.items() if kind == "supply" and name in wanted]


def split_rows(
    ask: Ask,
    call: Call,
    month: Month,
    tariffs: Tariffs,
    terms: pa.Table,
    energy: pa.Table,
    known_at: datetime | None = None,
    until: date | None = None,
) -> pa.Table:
    """As `split_table`, of the rows of a few accounts: the curves of their meters alone are asked for, as known at an instant."""
    named = _of_the_month(tariffs_of_accounts(terms, month, tariffs), energy, month)
    mine = [tariff for tariff in tariffs if key(tariff) in set(named.values())]
    calendars = calendars_by_key(ask, call, Calendars(ask, call, month, known_at, until), mine)
    plan = month_plan(calendars)
    meters = sorted(set(map(str, energy["meter_no"].to_pylist())))

    def asked(series: EnergySeries) -> MonthCells | None:
        days: list[AtomDay] = []
        for begin in range(0, len(meters), METERS_MAX):
            request = MeterAtoms(
                month=str(month),
                series=series,
                starts=list(plan.cut),
                meter_nos=meters[begin : begin + METERS_MAX],
                known_at=known_at,
            )
            days += ask(ReadingApi).meter_atoms(call, request).rows
        there = [one for one in days if until is None or one.day < until]
        return cells_of_days(there, plan) if there else None

    found = _banded(energy, month, plan, calendars, named, asked)
    return with_demands(ask, call, month, _by_demand(tariffs, named, month), found, TOLERANCE, known_at)


def cells_of_days(days: Sequence[AtomDay], plan: MonthPlan) -> MonthCells:
    """The days of a few meters added up, beside what stands in for them."""
    cells = cells_in([(one.day, atoms_table(one, plan)) for one in days], plan)
    return with_estimates(cells, [(one.day, _estimates_table(one, plan)) for one in days if one.estimates], plan)


def _estimates_table(day: AtomDay, plan: MonthPlan) -> pa.Table:
    """What stands in for a day of a meter as a row of `reading.day_estimates`."""
    told = day.estimates
    assert told is not None
    row: dict[str, Any] = {"subject": day.subject, "filled": told.filled, "over": told.over}
    row |= {cell_name(start): energy.wh for start, energy in zip(plan.cut, told.cells, strict=True)}
    row |= {over_name(start): energy.wh for start, energy in zip(plan.cut, told.received, strict=True)}
    return pa.Table.from_pylist([row], schema=arrow_schema(day_estimates(plan.cut)))


def atoms_table(day: AtomDay, plan: MonthPlan) -> pa.Table:
    """A day of a meter as a row of `reading.day_atoms`."""
    row: dict[str, Any] = {cell_name(start): energy.wh for start, energy in zip(plan.cut, day.cells, strict=True)}
    row |= {"subject": day.subject, "missing": day.missing, "gaps": day.gaps}
    highest = None if day.highest is None else day.highest.wh
    return pa.Table.from_pylist([row | {"highest": highest}], schema=arrow_schema(day_atoms(plan.cut)))


def _banded(
    energy: pa.Table,
    month: Month,
    plan: MonthPlan,
    calendars: Mapping[str, Mapping[date, Calendar]],
    named: Mapping[tuple[str, str], str],
    cells_of: Callable[[EnergySeries], MonthCells | None],
) -> pa.Table:
    """The energies with what the curves of each side give; the same table where they give nothing."""
    found = energy
    for kind, quantity, roles, series in _SIDES:
        of_account = {account: name for (account, side), name in named.items() if side == kind and name in calendars}
        cells = cells_of(series) if of_account else None
        if cells is not None:
            found = Curves(month, plan, calendars, cells, of_account).banded(found, quantity, roles)
    return found


def key(tariff: TariffDocument) -> str:
    """How a version of a tariff is named beside curves."""
    return f"{tariff.code}/{tariff.version}"


def _at(rows: Int) -> Any:
    return pa.array(rows)


def calendars_by_key(
    ask: Ask, call: Call, days: Calendars, tariffs: Sequence[TariffDocument]
) -> dict[str, Mapping[date, Calendar]]:
    """The calendars of the tariffs (by their keys) that split a month by curves; none where a tariff hangs on days that are not
    published."""
    found: dict[str, Mapping[date, Calendar]] = {}
    for tariff in tariffs:
        known = days.asked(tariff) if tariff.time_of_use else None
        if known is not None:
            asked = AskBands(code=tariff.code, version=tariff.version, days=known)
            told = calendars_of(ask(TariffApi).bands(call, asked).spans)
            if told is not None:
                found[key(tariff)] = told
    return found


def tariffs_of_accounts(terms: pa.Table, month: Month, tariffs: Tariffs) -> dict[tuple[str, str], str]:
    """The tariff (its key) of each account and kind with the same terms on all days of the month, where there is one."""
    last = month.next.first_day - timedelta(days=1)
    rows = terms.select(
        [
            "account_no",
            "kind",
            "org",
            "tariff_class",
            "tariff_code",
            "settlement_mode",
            "effective_from",
            "effective_to",
        ]
    ).to_pylist()
    count: dict[tuple[str, str], int] = {}
    for row in rows:
        at = (row["account_no"], row["kind"])
        count[at] = count.get(at, 0) + 1
    names: dict[tuple[Any, ...], str | None] = {}
    found: dict[tuple[str, str], str] = {}
    for row in rows:
        at = (row["account_no"], row["kind"])
        begins, ends = row["effective_from"], row["effective_to"]
        if count[at] > 1 or begins > month.first_day or (ends is not None and ends <= last):
            continue
        if row["tariff_code"] is None and tariffs.areas.changes(row["org"], month.first_day, last) is not None:
            continue
        area = tariffs.area(row["org"], month.first_day)
        group = (row["kind"], row["tariff_class"], row["settlement_mode"], row["tariff_code"], area)
        if group not in names:
            kind, tariff_class, settlement, code, area = group
            tariff = chosen(
                tariffs,
                tariff_class=tariff_class,
                kind=kind,
                settlement=settlement,
                on=month.first_day,
                code=code,
                area=area,
            )
            through = tariff is not None and (tariff.effective_to is None or tariff.effective_to > last)
            names[group] = key(tariff) if tariff is not None and through else None
        name = names[group]
        if name is not None:
            found[at] = name
    return found


@dataclass(frozen=True)
class Curves:
    """The curves of a month added up, and which tariff each account has."""

    month: Month
    plan: MonthPlan
    calendars: Mapping[str, Mapping[date, Calendar]]
    cells: MonthCells
    of_account: Mapping[str, str]

    def banded(self, table: pa.Table, quantity: str, roles: frozenset[str]) -> pa.Table:
        """The energies with the rows that the curves add to those of a quantity; the same table where they add nothing."""
        mine = pc.and_(pc.equal(table["quantity"], quantity), pc.is_in(table["role"], pa.array(sorted(roles))))
        read = pc.and_(pc.and_(mine, pc.equal(table["band"], "total")), pc.is_valid(table["energy_wh"]))
        read = pc.and_(read, pc.and_(pc.is_valid(table["account_no"]), pc.not_equal(table["status"], "held")))
        rows = np.flatnonzero(pc.fill_null(read, False).to_numpy())
        accounts, meters = table["account_no"].take(_at(rows)), table["meter_no"].take(_at(rows))
        at = pc.fill_null(pc.index_in(meters, self.cells.subjects), -1).to_numpy()
        names = pa.array([self.of_account.get(str(account)) for account in accounts.to_pylist()], pa.string())
        told = self._told(table, mine)
        result = _Result(table)
        for name in pc.unique(names).drop_null().to_pylist():
            picked = (at >= 0) & pc.fill_null(pc.equal(names, name), False).to_numpy(zero_copy_only=False)
            if picked.any():
                self._of_tariff(name, result, rows[picked], at[picked], told)
        return result.table()

    def _told(self, table: pa.Table, mine: Any) -> dict[tuple[str, str, int], dict[str, int | None]]:
        """The registers by band of the meters that have such: Wh by band of (point, meter, piece)."""
        banded = table.filter(pc.and_(mine, pc.not_equal(table["band"], "total")))
        found: dict[tuple[str, str, int], dict[str, int | None]] = {}
        for row in banded.select(["point_no", "meter_no", "piece", "band", "energy_wh"]).to_pylist():
            found.setdefault((row["point_no"], row["meter_no"], row["piece"]), {})[row["band"]] = row["energy_wh"]
        return found

    def _of_tariff(
        self,
        name: str,
        result: "_Result",
        rows: Int,
        at: Int,
        told: Mapping[tuple[str, str, int], Mapping[str, int | None]],
    ) -> None:
        bands = self.plan.bands_of(name)
        energy, received = by_band(self.cells, self.plan, name, bands)
        expected = self._expected(name, bands, result.source, rows)
        total = result.source["energy_wh"].to_numpy()[rows].astype(np.int64)
        missing = np.maximum(expected - received[at], 0)
        stands_in, told_all = self._estimates(name, bands, at, missing)
        highest = self.cells.highest[at]
        found = split(total, energy[at], missing, expected.sum(axis=1), highest, TOLERANCE, stands_in, told_all)
        own = self._by_registers(result.source, rows, told, bands, found)
        result.hold(rows[found.gaps & ~own.any_band], "curve_gaps")
        result.hold(rows[(found.apart & ~own.any_band) | own.apart], "curve_apart")
        good = ~found.gaps & ~found.apart & ~own.any_band
        days = self.cells.gap_days[at]
        if self.cells.estimates is not None:
            days = np.where(told_all, self.cells.estimates.days[at], days)
        gap_days = np.where(found.estimated, days, 0)
        rules = pa.array(np.where(found.estimated, np.where(told_all, "curve_estimated", "curve_gaps"), "curve"))
        for place, band in enumerate(bands):
            one = (found.energy_wh[good, place], found.estimated[good], gap_days[good], rules.filter(pa.array(good)))
            result.add(rows[good], band, *one)

    def _estimates(self, name: str, bands: Sequence[Band], at: Int, missing: Int) -> tuple[Int | None, Flags]:
        """What stands in for slots by band, and of which rows it does so for every slot that is missing."""
        estimates = self.cells.estimates
        if estimates is None:
            return None, np.zeros(len(at), dtype=np.bool_)
        beside = replace(self.cells, energy=estimates.energy, received=estimates.filled)
        energy, filled = by_band(beside, self.plan, name, bands)
        whole: Flags = (filled[at] >= missing).all(axis=1) & (missing.sum(axis=1) > 0)
        return energy[at], whole

    def _by_registers(
        self,
        table: pa.Table,
        rows: Int,
        told: Mapping[tuple[str, str, int], Mapping[str, int | None]],
        bands: Sequence[Band],
        found: Split,
    ) -> "_Own":
        """Which meters have registers by band, and of which a whole curve says otherwise than these."""
        any_band, apart = np.zeros((2, len(rows)), dtype=np.bool_)
        if told:
            keys = zip(
                *(table[name].take(_at(rows)).to_pylist() for name in ("point_no", "meter_no", "piece")),
                strict=True,
            )
            for row, one in enumerate(keys):
                registers = told.get(one)
                if registers is None:
                    continue
                any_band[row] = True
                if found.gaps[row] or found.estimated[row]:
                    continue
                apart[row] = found.apart[row] or any(
                    value is not None
                    and band in bands
                    and abs(value - int(found.energy_wh[row, bands.index(band)]))
                    > int(TOLERANCE.of(np.array([value]))[0])
                    for band, value in registers.items()
                )
        return _Own(any_band, apart)

    def _expected(self, name: str, bands: Sequence[Band], table: pa.Table, rows: Int) -> Int:
        """Slots of each band in the period of each row (rows x bands)."""
        periods = list(zip(*(table[side].take(_at(rows)).to_pylist() for side in ("from_at", "to_at")), strict=True))
        known: dict[tuple[datetime, datetime], list[int]] = {}
        for begin, end in periods:
            if (begin, end) not in known:
                known[begin, end] = slots_in(self.calendars[name], bands, begin, end)
        return np.array([known[period] for period in periods], dtype=np.int64).reshape(len(rows), len(bands))


@dataclass(frozen=True)
class _Own:
    any_band: Flags
    apart: Flags


class _Result:
    """Rows held and rows added, until the table is made of them."""

    def __init__(self, source: pa.Table) -> None:
        self.source = source
        self._held: dict[str, list[Int]] = {}
        self._added: list[pa.Table] = []

    def hold(self, rows: Int, rule: str) -> None:
        if len(rows):
            self._held.setdefault(rule, []).append(rows)

    def add(self, rows: Int, band: Band, energy_wh: Int, estimated: Flags, days: Int, rules: Any) -> None:
        """A row for a band of each of these rows."""
        if not len(rows):
            return
        copied = self.source.take(_at(rows))
        own = pa.array(days, pa.int32())
        changed: dict[str, Any] = {
            "band": pa.repeat(band, len(rows)),
            "start_e4": pa.nulls(len(rows), pa.int64()),
            "end_e4": pa.nulls(len(rows), pa.int64()),
            "energy_wh": pa.array(energy_wh),
            "status": pc.if_else(pa.array(estimated), "estimated", copied["status"]),
            "rule": rules,
            "method": pa.repeat("curve", len(rows)),
            "days_estimated": pc.max_element_wise(own, copied["days_estimated"]),
        }
        columns = [changed.get(name, copied[name]) for name in copied.column_names]
        self._added.append(pa.table(columns, names=copied.column_names).cast(self.source.schema))

    def table(self) -> pa.Table:
        """The source with held rows marked and added rows behind, in the order of points; the source itself where nothing is
        changed."""
        if not self._held and not self._added:
            return self.source
        found = self.source
        for rule, parts in self._held.items():
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
        return pa.concat_tables([found, *self._added]).sort_by(order)

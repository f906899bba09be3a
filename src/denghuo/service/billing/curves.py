"""Time of use from curves (曲线分时): meters without registers by band are given their bands by their curve.

What comes out has the shape of `reading.month_energy`: the registers as they were read, beside them a row for each band of a meter
whose tariff is by time of use and whose curve agrees with its register. Where the two do not agree, the register's row is held and
says why; where a meter has both curve and registers by band, the registers stand if the curve agrees with them.

Left alone are meters without a curve, and tariffs whose bands of a day hang on holidays, kinds of days or heat of which no table is
published. Accounts whose terms or tariff change within the month are split stage by stage (`stage_curves`).
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute

from denghuo.data.analysis.cells import MonthCells, cells_in, month_cells, with_estimates
from denghuo.data.processing.dataset import Datasets, arrow_schema
from denghuo.kernel.contract import Call, DatasetRef, DatasetSchema
from denghuo.kernel.period import Month
from denghuo.kernel.problem import text
from denghuo.service.billing.banding import TOLERANCE, Curves, Divided
from denghuo.service.billing.batch import PURCHASE_ROLES, SUPPLY_ROLES
from denghuo.service.billing.calendar import Calendars
from denghuo.service.billing.demands import charges_demand, with_demands
from denghuo.service.billing.engine.atoms import Calendar, MonthPlan, calendars_of, month_plan
from denghuo.service.billing.rules import Tariffs
from denghuo.service.billing.whole_months import key, tariffs_of_accounts
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
from denghuo.service.tariff.api import AskBands, TariffApi, TariffDocument

pc: Any = pyarrow.compute
SPLIT_ENERGY = DatasetSchema(
    "billing.split_energy",
    1,
    MONTH_ENERGY.columns,
    text("月度电量（含曲线分时）", "Energy of the month, split by curves"),
)
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
    named = tariffs_of_accounts(terms, energy, month, tariffs)
    divided = divided_by_curves(datasets, ask, call, month, tariffs, named, energy, until)
    return with_demands(ask, call, month, _by_demand(tariffs, named, month), divided.table(), TOLERANCE)


def divided_by_curves(
    datasets: Datasets,
    ask: Ask,
    call: Call,
    month: Month,
    tariffs: Tariffs,
    named: pa.Table,
    energy: pa.Table,
    until: date | None = None,
) -> Divided:
    """What the curves of everybody tell of the month's energies. named: who has which of the tariffs (`whole_months.NAMED`)."""
    calendars = calendars_by_key(ask, call, Calendars(ask, call, month, until=until), tariffs)
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
        named = {ref.shard: datasets.path(ref) for ref in made.meters}
        return with_estimates(month_cells(atoms, plan, named), estimates, plan) if atoms else None

    return _divided(energy, plan, calendars, named, published)


def _by_demand(tariffs: Sequence[TariffDocument], named: pa.Table, month: Month) -> list[str]:
    """The accounts whose tariff charges the measured demand."""
    wanted = pa.array([key(tariff) for tariff in tariffs if charges_demand(tariff, month)], pa.string())
    mine = pc.and_(pc.equal(named["kind"], "supply"), pc.is_in(named["tariff"], wanted))
    return [str(account) for account in named["account_no"].filter(mine).to_pylist()]


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
    named = tariffs_of_accounts(terms, energy, month, tariffs)
    known = set(named["tariff"].unique().to_pylist())
    mine = [tariff for tariff in tariffs if key(tariff) in known]
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

    found = _divided(energy, plan, calendars, named, asked).table()
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
    row |= {"subject": day.subject, "gaps": day.gaps}
    highest = None if day.highest is None else day.highest.wh
    return pa.Table.from_pylist([row | {"highest": highest}], schema=arrow_schema(day_atoms(plan.cut)))


def _divided(
    energy: pa.Table,
    plan: MonthPlan,
    calendars: Mapping[str, Mapping[date, Calendar]],
    named: pa.Table,
    cells_of: Callable[[EnergySeries], MonthCells | None],
) -> Divided:
    """The energies with what the curves of each side tell of them."""
    found, known = Divided(energy), pa.array(list(calendars), pa.string())
    for kind, quantity, roles, series in _SIDES:
        mine = named.filter(pc.and_(pc.equal(named["kind"], kind), pc.is_in(named["tariff"], known)))
        cells = cells_of(series) if len(mine) else None
        if cells is not None:
            Curves(plan, calendars, cells, mine).divide(found, quantity, roles)
    return found


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

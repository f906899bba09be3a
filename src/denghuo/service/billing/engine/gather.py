"""The month's inputs as columns (列式取数): who is billed and what was metered, from the datasets of contract terms and energies.

Accounts are numbered once and the registers turned on their side by these numbers: a row is a contract, behind it are its meters.
Contracts that need more than energy by columns (special terms, terms that change within the month, a reading that is held, months
that are rated one by one, losses, a new account in its tier year) are left to the rules by number.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute

from denghuo.kernel.period import Month
from denghuo.service.billing.batch import PURCHASE_ROLES, SUB_METER, SUPPLY_ROLES
from denghuo.service.billing.engine.codes import coded, encoded, rows_of
from denghuo.service.billing.engine.figures import Energies, Flags, Int
from denghuo.service.billing.engine.plan import PricePlan
from denghuo.service.billing.rules.quantities import PARENT
from denghuo.service.tariff.api import BAND_ORDER, Band

pc: Any = pyarrow.compute
REGISTERS: tuple[Band, ...] = ("total", *BAND_ORDER)  # type: ignore[assignment]  # the names of the bands
_KWH = 1000
_BILLED = SUPPLY_ROLES | PURCHASE_ROLES

_DIRECTION = {"active_rev": 0, "active_fwd": 1}
"""The quantity that contracts of a kind are billed by: what is bought from plants, and what is sold."""
_NAMES = {"voltage_kv": "voltage", "settlement_mode": "settlement"}
_CONTRACT = ("account_no", "kind", "contract_no", "org", "tariff_class", "tariff_code", *_NAMES, "effective_from")


@dataclass(frozen=True)
class Metered:
    """Contracts of a month and the registers of their meters.

    contracts: a row each, by account and kind, with what they are billed by; adjusted: whether the power factor adjusts their bill;
    whole: whether the same terms hold on all days and none is special; used_before_wh: energy of the tier year before the month.
    starts: the first meter of each contract. The other fields have an element for each meter and piece: its number, the row of its
    total among the energies (-1: it has none), whether nothing of it needs looking at, its estimated days, Wh by band and which
    bands it has. A contract without a meter has one that is not plain and has no bands.
    """

    contracts: pa.Table
    starts: Int
    meter_no: Any
    place: Int
    plain: Flags
    days_estimated: Int
    values: Mapping[Band, Int]
    given: Mapping[Band, Flags]


def metered(terms: pa.Table, energy: pa.Table, used: pa.Table, month: Month, first: Month | None = None) -> Metered:
    """Terms (`contract.terms`) joined with energies (`reading.month_energy`) and with the use of the tier year before the month
    (account_no, energy_wh).

    first: the first of the months that the readings cover, where that is not the month itself.
    """
    begins = first or month
    numbers = encoded(terms["account_no"])
    names, number = numbers.dictionary, numbers.indices.to_numpy()
    rank = _ranks(names)
    key = 2 * rank[number] + coded(terms["kind"], lambda kind: int(kind == "supply"))
    order = _in_order(key)
    starts = np.flatnonzero(np.diff(key[order], prepend=-1))
    contracts = _contracts(terms, order[starts], np.diff(np.append(starts, len(key))), begins, month)
    # Looked up together, so that the names are made ready for it once.
    looked = pa.chunked_array([one["account_no"].combine_chunks() for one in (energy, used)])
    at, of_used = np.split(pc.fill_null(pc.index_in(looked, names), -1).to_numpy(), [len(energy)])
    before = np.zeros(len(names), dtype=np.int64)
    before[of_used[of_used >= 0]] = used["energy_wh"].to_numpy()[of_used >= 0]
    used_before = pa.array(before[number[order[starts]]])
    place_of: Int = np.full(2 * len(names) + 2, -1)
    place_of[key[order[starts]]] = np.arange(len(starts))
    side = coded(energy["role"], lambda role: int(role in SUPPLY_ROLES) if role in _BILLED else -1)
    mine = (at >= 0) & (side == coded(energy["quantity"], lambda one: _DIRECTION.get(one, -2)))
    rows = np.flatnonzero(mine)
    contract = place_of[2 * rank[at[rows]] + side[rows]]
    rows, contract = rows[contract >= 0], contract[contract >= 0]
    return _meters(
        contracts.append_column("used_before_wh", used_before), energy, rows, contract, pa.scalar(begins.period.start)
    )


def _contracts(terms: pa.Table, rows: Int, count: Int, begins: Month, month: Month) -> pa.Table:
    """The first row of terms of each contract, and what follows from it. count: its rows."""
    last = month.next.first_day - timedelta(days=1)
    held: pa.Table = rows_of(terms, rows).combine_chunks()
    whole = pc.and_(
        pc.and_(pc.is_null(held["special"]), pc.less_equal(held["effective_from"], begins.first_day)),
        pc.fill_null(pc.greater(held["effective_to"], last), True),
    )
    found = held.select(_CONTRACT).rename_columns([_NAMES.get(name, name) for name in _CONTRACT])
    found = found.append_column("adjusted", pc.is_valid(held["pf_standard"]))
    return found.append_column("whole", pc.and_(whole, pa.array(count == 1)))


def _meters(contracts: pa.Table, energy: pa.Table, rows: Int, contract: Int, begins: Any) -> Metered:
    """The registers in these rows turned on their side, meter by meter. contract: whose they are."""
    order = _in_order(contract)
    rows, contract = rows[order], contract[order]
    # Most contracts have one register; whose meter it is of matters for the others alone.
    several = np.flatnonzero(np.bincount(contract)[contract] > 1)
    fresh = np.ones(len(rows), dtype=np.bool_)
    if len(several):
        rows[several], fresh[several] = _by_meter(energy, rows[several], contract[several])
    starts, meter = np.flatnonzero(fresh), np.cumsum(fresh) - 1
    wh = energy["energy_wh"]
    there = _taken(pc.is_valid(wh), rows)
    settled = there & (_taken(energy["from_at"].cast(pa.int64()), rows) >= begins.cast(energy["from_at"].type).value)
    settled &= coded(energy["status"], lambda one: int(one != "held"))[rows] > 0
    settled &= coded(energy["role"], lambda one: int(one != SUB_METER))[rows] > 0
    band = coded(energy["band"], lambda one: REGISTERS.index(one) if one in REGISTERS else -1)[rows]
    value = _taken(pc.fill_null(wh, 0), rows)
    # A contract without a meter has an empty one behind the others.
    counts = np.bincount(contract[starts], minlength=len(contracts))
    without = np.flatnonzero(counts == 0)
    count = len(starts) + len(without)
    values = {one: np.zeros(count, dtype=np.int64) for one in REGISTERS}
    given = {one: np.zeros(count, dtype=np.bool_) for one in REGISTERS}
    place: Int = np.full(count, -1)
    for number, name in enumerate(REGISTERS):
        of_band = np.flatnonzero(band == number)
        values[name][meter[of_band]] = value[of_band]
        given[name][meter[of_band]] = there[of_band]
        if name == "total":
            place[meter[of_band]] = rows[of_band]
    plain, days = np.zeros(count, dtype=np.bool_), np.zeros(count, dtype=np.int64)
    if len(starts):
        # Each register once: as many rows as bands.
        bands = sum(flags[: len(starts)].astype(np.int64) for flags in given.values())
        plain[: len(starts)] = np.logical_and.reduceat(settled, starts) & (np.bincount(meter) == bands)
        days[: len(starts)] = np.maximum.reduceat(_taken(pc.fill_null(energy["days_estimated"], 0), rows), starts)
    meter_no = rows_of(energy["meter_no"], rows[starts]).combine_chunks()
    if len(without):
        meter_no = pa.concat_arrays([meter_no, pa.nulls(len(without), meter_no.type)])
        by_contract = np.argsort(np.append(contract[starts], without), kind="stable")
        meter_no = rows_of(meter_no, by_contract)
        place, plain, days = place[by_contract], plain[by_contract], days[by_contract]
        values = {name: column[by_contract] for name, column in values.items()}
        given = {name: flags[by_contract] for name, flags in given.items()}
    begin = np.cumsum(np.maximum(counts, 1)) - np.maximum(counts, 1)
    return Metered(contracts, begin, meter_no, place, plain, days, values, given)


def _by_meter(energy: pa.Table, rows: Int, contract: Int) -> tuple[Int, Flags]:
    """The rows of contracts in order, those of a meter and piece behind each other; and which is the first of one."""
    mine = rows_of(energy.select(["point_no", "meter_no", "piece"]), rows)
    keys = [contract, *(encoded(column).indices.to_numpy() for column in mine.columns)]
    if not _ascending(keys):
        order = np.lexsort(keys[::-1])
        rows, keys = rows[order], [key[order] for key in keys]
    fresh: Flags = np.logical_or.reduce([np.diff(key, prepend=-1) != 0 for key in keys])
    return rows, fresh


def _ranks(names: Any) -> Int:
    """The place of each name in their order; most lists of accounts are in it."""
    ordered = pc.all(pc.less(names.slice(0, max(len(names) - 1, 0)), names.slice(1))).as_py()
    found: Int = np.arange(len(names))
    if ordered is False:
        found[pc.sort_indices(names).to_numpy()] = np.arange(len(names))
    return found


def _in_order(numbers: Int) -> Int:
    """The places of numbers in ascending order, equals as they stand."""
    if not len(numbers) or (numbers[1:] >= numbers[:-1]).all():
        return np.arange(len(numbers))
    return np.argsort(numbers, kind="stable")


def _ascending(keys: Sequence[Int]) -> bool:
    """Whether rows stand in the order of several keys, the first of which counts most."""
    steps = np.zeros(max(len(keys[0]) - 1, 0), dtype=np.int64)
    for key in reversed(keys):
        step = np.sign(np.diff(key))
        steps = np.where(step == 0, steps, step)
    return bool((steps >= 0).all())


def _taken(column: Any, rows: Int) -> Any:
    return column.to_numpy(zero_copy_only=False)[rows] if isinstance(column, pa.Array) else column.to_numpy()[rows]


def meter_energies(plan: PricePlan, values: Mapping[Band, Int], given: Mapping[Band, Flags]) -> tuple[Energies, Flags]:
    """Energy of each meter by the plan's bands, from its registers; and which meters are left to the rules.

    The same as the rules do for one meter: registers are rounded, a band that the tariff does not have in this month counts as
    its parent, flat is what the total leaves over, and a meter that lacks a band of the season is billed without bands. What a
    clerk has to look at (a band without a price, bands that do not add up) is left.
    """
    unit = plan.unit_wh
    left = np.zeros(values["total"].shape, dtype=np.bool_)
    rounded: dict[Band, Int] = {}
    for band in REGISTERS:
        left |= given[band] & ((values[band] < 0) | (values[band] > 2**61))
        rounded[band] = (np.where(left, 0, values[band]) + unit // 2) // unit * unit
    bands = [band for band in REGISTERS if band != "total"]
    total, has_total = rounded["total"], given["total"]
    of_bands = sum((rounded[band] for band in bands[1:]), start=rounded[bands[0]])
    any_band = np.logical_or.reduce([given[band] for band in bands])
    if not plan.tariff.time_of_use:
        return Energies({"total": np.where(has_total, total, of_bands)}, {"total": np.ones_like(left)}), left
    lacking = np.zeros_like(left)
    for band in plan.needed:
        lacks = ~given[band]
        lacking |= lacks & ~(has_total & any_band) if band == plan.residual else lacks
    energy = {band: np.zeros_like(total) for band in plan.bands}
    has = {band: np.zeros_like(left) for band in plan.bands}
    for band in bands:
        into: Band = band
        while into not in plan.bands and into in PARENT:
            into = PARENT[into]
        if into not in plan.bands or into != band:
            # Only a register that stands still may be passed over without a word.
            left |= given[band] & ~lacking & (rounded[band] != 0)
            continue
        energy[band] = energy[band] + rounded[band]
        has[band] |= given[band]
    others = sum((energy[band] for band in plan.bands if band != plan.residual), start=np.zeros_like(total))
    rest = total - others
    told = given[plan.residual]
    count = sum((given[band].astype(np.int64) for band in bands), start=np.zeros_like(total))
    apart = told & (np.abs(rest - energy[plan.residual]) > _KWH * (count + 1))
    left |= has_total & ~lacking & ((rest < 0) | apart)
    energy[plan.residual] = np.where(has_total, rest, energy[plan.residual])
    has[plan.residual] |= has_total
    flat_rate = np.where(has_total, total, of_bands)
    for band in plan.bands:
        energy[band] = np.where(lacking, flat_rate if band == "total" else 0, energy[band])
        has[band] = np.where(lacking, band == "total", has[band])
    return Energies(energy, has), left


def contract_energies(meters: Energies, starts: Int) -> Energies:
    """Energies of contracts from those of their meters; `starts`: the first meter of each contract."""
    return Energies(
        {band: np.add.reduceat(value, starts) for band, value in meters.by_band.items()},
        {band: np.logical_or.reduceat(value, starts) for band, value in meters.given.items()},
    )

"""The month's inputs as columns (列式取数): who is billed and what was metered, from the datasets of contract terms and energies.

DuckDB joins and turns the registers on their side; one row is one contract, beside it the rows of its meters. Contracts that need
more than energy by columns (special terms, terms that change within the month, a reading that is held, months that are rated one
by one, losses, a new account in its tier year) are left to the rules by number.
"""

from collections.abc import Mapping
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute

from denghuo.kernel.period import Month
from denghuo.service.billing.batch import PURCHASE_ROLES, SUB_METER, SUPPLY_ROLES
from denghuo.service.billing.engine.figures import Energies, Flags, Int
from denghuo.service.billing.engine.plan import PricePlan
from denghuo.service.billing.rules.quantities import PARENT
from denghuo.service.tariff.api import BAND_ORDER, Band

pc: Any = pyarrow.compute
REGISTERS: tuple[Band, ...] = ("total", *BAND_ORDER)  # type: ignore[assignment]  # the names of the bands
_KWH = 1000

_CONTRACTS = """
SELECT account_no, kind, any_value(contract_no) AS contract_no, any_value(org) AS org,
       any_value(tariff_class) AS tariff_class, any_value(tariff_code) AS tariff_code, any_value(voltage_kv) AS voltage,
       any_value(settlement_mode) AS settlement, max(effective_from) AS effective_from,
       any_value(pf_standard) IS NOT NULL AS adjusted,
       count(*) = 1 AND count(special) = 0
         AND max(effective_from) <= $first AND coalesce(max(effective_to), DATE '9999-12-31') > $last AS whole
FROM terms GROUP BY account_no, kind
"""
_METERS = """
SELECT account_no, CASE WHEN role IN (SELECT unnest($supply)) THEN 'supply' ELSE 'purchase' END AS kind,
       bool_and(status <> 'held' AND energy_wh IS NOT NULL AND role <> '{sub}' AND from_at >= $begins) AS settled,
       count(*) AS registers,
       meter_no, max(days_estimated) AS days_estimated, max(place) FILTER (band = 'total') AS place,
       {values}
FROM energy
WHERE account_no IS NOT NULL AND role IN (SELECT unnest($billed))
  AND quantity = CASE WHEN role IN (SELECT unnest($supply)) THEN 'active_fwd' ELSE 'active_rev' END
GROUP BY account_no, kind, point_no, meter_no, piece
"""
_VALUES = ", ".join(
    f"coalesce(max(energy_wh) FILTER (band = '{band}'), 0) AS {band},"
    # A register without energy is not settled, and its contract is left in any case.
    f" max(energy_wh) FILTER (band = '{band}') IS NOT NULL AS has_{band}"
    for band in REGISTERS
)
_PRESENT = ", ".join(
    f"coalesce(m.{band}, 0) AS {band}, coalesce(m.has_{band}, false) AS has_{band}" for band in REGISTERS
)
_BANDS_GIVEN = " + ".join(f"m.has_{band}::INT" for band in REGISTERS)
_JOINED = f"""
WITH contract AS ({_CONTRACTS}), metered AS ({_METERS.format(values=_VALUES, sub=SUB_METER)})
SELECT c.*,
       -- Each register once: as many rows as bands.
       coalesce(m.settled AND m.registers = {_BANDS_GIVEN}, false) AS plain,
       m.meter_no, coalesce(m.days_estimated, 0)::BIGINT AS days_estimated, coalesce(m.place, -1) AS place, {_PRESENT},
       coalesce(u.energy_wh, 0)::BIGINT AS used_before_wh
FROM contract c LEFT JOIN metered m USING (account_no, kind) LEFT JOIN used u USING (account_no)
ORDER BY c.account_no, c.kind
"""


def metered(terms: pa.Table, energy: pa.Table, used: pa.Table, month: Month, first: Month | None = None) -> pa.Table:
    """Terms (`contract.terms`) joined with energies (`reading.month_energy`) and with the use of the tier year before the month
    (account_no, energy_wh): a row for each meter and piece of each contract, in the order of contracts. first: the first of the
    months that the readings cover, where that is not the month itself. `place` is the row of a meter's total among the energies."""
    begins = first or month
    energy = energy.append_column("place", pa.array(np.arange(len(energy))))
    with duckdb.connect() as connection:
        for name, table in (("terms", terms), ("energy", energy), ("used", used)):
            connection.register(name, table)
        found = connection.sql(
            _JOINED,
            params={
                "first": begins.first_day,
                "begins": begins.period.start,
                "last": month.next.first_day.fromordinal(month.next.first_day.toordinal() - 1),
                "supply": sorted(SUPPLY_ROLES),
                "billed": sorted(SUPPLY_ROLES | PURCHASE_ROLES),
            },
        )
        rows: pa.Table = found.to_arrow_table()
    return rows.add_column(0, "contract", pa.array(_numbered(rows)))


def _numbered(rows: pa.Table) -> Int:
    """The number of each row's contract, of rows in the order of contracts; a window of the query would sort them once more."""
    fresh = np.ones(len(rows), dtype=np.bool_)
    if len(rows):
        columns = [rows[name].combine_chunks() for name in ("account_no", "kind")]
        fresh[1:] = np.logical_or.reduce(
            [pc.not_equal(one.slice(1), one.slice(0, len(one) - 1)).to_numpy(zero_copy_only=False) for one in columns]
        )
    return np.cumsum(fresh) - 1


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

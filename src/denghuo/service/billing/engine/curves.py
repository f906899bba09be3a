"""Meters billed from their curves by columns (曲线计费): the same plans and the same arithmetic as from registers.

One account or a million go the same way; a month's curves stand in the atoms, so that another tariff, or the same once more, costs
the sums of the month and no scan.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute

from denghuo.data.analysis.cells import MonthCells
from denghuo.kernel.period import SLOTS_A_DAY, Month
from denghuo.service.billing.engine.atoms import MonthPlan, banded
from denghuo.service.billing.engine.figures import Flags, Int, figures
from denghuo.service.billing.engine.gather import REGISTERS, meter_energies
from denghuo.service.billing.engine.plan import TIER_MONTHS, PricePlan, price_plan
from denghuo.service.tariff.api import Band, TariffDocument

pc: Any = pyarrow.compute
_GROUP = ["tariff_code", "voltage_kv"]
_RATED: Any = [("account_no", pa.string()), ("energy_wh", pa.int64()), ("amount_fen", pa.int64()), ("left", pa.bool_())]
RATED = pa.schema(_RATED)


def rate_curves(
    terms: pa.Table, cells: MonthCells, plan: MonthPlan, tariffs: Mapping[str, TariffDocument], month: Month
) -> pa.Table:
    """What accounts with a meter each are charged for the curves of a month (`RATED`), in the order of the terms.

    terms: subject, account_no, tariff_code, voltage_kv, used_before_wh (energy of the tier year before the month). left: whose
    curve has gaps or is not there, or whose tariff the columns do not rate; their figures mean nothing.
    """
    count = len(terms)
    amount, energy = np.zeros((2, count), dtype=np.int64)
    left = np.ones(count, dtype=np.bool_)
    at: Int = pc.fill_null(pc.index_in(terms["subject"], cells.subjects), -1).to_numpy()
    numbered = terms.select(_GROUP).append_column("place", pa.array(np.arange(count)))
    grouped = numbered.group_by(_GROUP, use_threads=False).aggregate([("place", "list")])
    used = np.asarray(terms["used_before_wh"].to_numpy(), dtype=np.int64)
    whole = cells.received.sum(axis=1) == SLOTS_A_DAY * len(plan.kinds)
    for row in range(grouped.num_rows):
        tariff = tariffs[grouped["tariff_code"][row].as_py()]
        prices = price_plan(tariff, month, grouped["voltage_kv"][row].as_py())
        places = np.asarray(grouped["place_list"][row].values)
        places = places[at[places] >= 0]
        if prices is None or not len(places):
            continue
        metered, found_left = _charged(prices, cells, plan, at[places], used[places])
        amount[places], energy[places] = metered
        left[places] = found_left | ~whole[at[places]]
    return pa.table([terms["account_no"], energy, amount, left], schema=RATED)


def _charged(
    prices: PricePlan, cells: MonthCells, plan: MonthPlan, rows: Int, used: Int
) -> tuple[tuple[Int, Int], Flags]:
    """(amount in fen, energy in Wh) of the rows of cells, and which of them are left."""
    bands: tuple[Band, ...] = plan.bands_of(prices.tariff.code) if prices.tariff.time_of_use else ("total",)
    nothing, absent = np.zeros(len(rows), dtype=np.int64), np.zeros(len(rows), dtype=np.bool_)
    values: dict[Band, Int] = dict.fromkeys(REGISTERS, nothing)
    given: dict[Band, Flags] = dict.fromkeys(REGISTERS, absent)
    if bands == ("total",):
        values["total"] = cells.energy[rows].sum(axis=1)
    else:
        by_band = banded(cells.energy[rows], plan.matrix(prices.tariff.code, bands))
        values |= {band: by_band[:, place] for place, band in enumerate(bands)}
        values["total"] = by_band.sum(axis=1)
    given |= dict.fromkeys({*bands, "total"}, ~absent)
    energies, odd = meter_energies(prices, values, given)
    found = figures(prices, energies, used, np.full(len(rows), TIER_MONTHS, dtype=np.int64))
    return (found.amount_fen, found.energy_wh), found.left | odd

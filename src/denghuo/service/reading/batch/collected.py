"""Curves as terminals give them, into energies: times the multiplier of the meter's installation, in whole watt-hours."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from denghuo.service.reading.batch.plan import DAY_US, Ints, us

INT32_MAX = 2**31 - 1
E4_PER_WH = 10
SERIES_OF = {"active_fwd": "active_fwd_wh", "active_rev": "active_rev_wh"}
SHANGHAI_US = 8 * 3_600_000_000


def energies(curves: pa.Table, installations: Iterable[Mapping[str, Any]]) -> pa.Table:
    """Rows of a curve intake from rows of `acquisition.collected_curves`.

    Watt-hours are rounded so that those of a day add up to the day's energy rounded once. A meter that no installation knows goes
    on with its value as it is, to be refused with its name; a value that no curve can hold counts as not received.
    """
    meters = _column(curves["meter_no"])
    quantities = _column(curves["quantity"])
    at: Ints = np.asarray(curves["at"].cast(pa.timestamp("us", tz="UTC")).cast(pa.int64()).to_numpy(), dtype=np.int64)
    value: Ints = np.asarray(curves["energy_e4"].to_numpy(), dtype=np.int64)
    multiplied = value * _multipliers(meters, at, installations)
    day = (at + SHANGHAI_US) // DAY_US
    order = np.lexsort((at, day, quantities, meters))
    total = np.cumsum(multiplied[order])
    first = np.ones(len(order), dtype=np.bool_)
    if len(order):
        same = (meters[order][1:] == meters[order][:-1]) & (quantities[order][1:] == quantities[order][:-1])
        first[1:] = ~(same & (day[order][1:] == day[order][:-1]))
    begin = np.maximum.accumulate(np.where(first, np.arange(len(order)), 0))
    before = np.where(begin > 0, total[begin - 1], 0)
    running = (total - before + E4_PER_WH // 2) // E4_PER_WH
    wh = np.empty(len(order), dtype=np.int64)
    wh[order] = np.where(first, running, running - np.concatenate(([0], running[:-1])))
    fits = (wh >= 0) & (wh <= INT32_MAX)
    return pa.table(
        {
            "series": pa.array([SERIES_OF.get(str(name), str(name)) for name in quantities]),
            "subject": curves["meter_no"],
            "at": curves["at"],
            "value": pa.array(np.where(fits, wh, 0).astype(np.int32), mask=~fits),
        }
    )


def _multipliers(meters: Any, at: Ints, installations: Iterable[Mapping[str, Any]]) -> Ints:
    """The multiplier of each row's meter at its time; 1 where nobody knows the meter."""
    found: Ints = np.ones(len(meters), dtype=np.int64)
    names, places = np.unique(meters, return_inverse=True)
    known = {str(name): place for place, name in enumerate(names)}
    pieces = {
        (known[piece["meter_no"]], us(piece["from_at"]), us(piece["to_at"]), int(piece["multiplier"]))
        for piece in installations
        if piece["meter_no"] in known and int(piece["multiplier"]) != 1
    }
    for place, begin, end, multiplier in pieces:
        found[(places == place) & (at >= begin) & (at < end)] = multiplier
    return found


def _column(column: Any) -> Any:
    return np.asarray(column.to_pylist(), dtype=np.str_)

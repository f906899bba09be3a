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
    meters, names = _codes(curves["meter_no"])
    quantities, kinds = _codes(curves["quantity"])
    at: Ints = np.asarray(curves["at"].cast(pa.timestamp("us", tz="UTC")).cast(pa.int64()).to_numpy(), dtype=np.int64)
    value: Ints = np.asarray(curves["energy_e4"].to_numpy(), dtype=np.int64)
    multiplied = value * _multipliers(meters, names, at, installations)
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
    series: Any = pa.array([SERIES_OF.get(name, name) for name in kinds], pa.string())
    instants: Any = curves["at"]
    subject: Any = curves["meter_no"]
    fits = (wh >= 0) & (wh <= INT32_MAX)
    return pa.table(
        {
            "series": series.take(pa.array(quantities)),
            "subject": subject,
            "at": instants,
            "value": pa.array(np.where(fits, wh, 0).astype(np.int32), mask=~fits),
        }
    )


def _multipliers(meters: Ints, names: list[str], at: Ints, installations: Iterable[Mapping[str, Any]]) -> Ints:
    """The multiplier of each row's meter at its time; 1 where nobody knows the meter."""
    found: Ints = np.ones(len(meters), dtype=np.int64)
    known = {name: place for place, name in enumerate(names)}
    pieces = {
        (known[piece["meter_no"]], us(piece["from_at"]), us(piece["to_at"]), int(piece["multiplier"]))
        for piece in installations
        if piece["meter_no"] in known and int(piece["multiplier"]) != 1
    }
    order = np.argsort(meters, kind="stable")
    begins = np.searchsorted(meters[order], np.arange(len(names) + 1))
    for place, begin, end, multiplier in pieces:
        mine = order[begins[place] : begins[place + 1]]
        found[mine[(at[mine] >= begin) & (at[mine] < end)]] = multiplier
    return found


def _codes(column: Any) -> tuple[Ints, list[str]]:
    """The values of a column as places in the list of those that occur."""
    encoded = column.combine_chunks().dictionary_encode()
    return np.asarray(encoded.indices.to_numpy(zero_copy_only=False), dtype=np.int64), encoded.dictionary.to_pylist()

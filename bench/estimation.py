"""Bench: how far estimates of curves lie from what was measured, by method and length of the gap.

    python bench/estimation.py FOLDER

FOLDER holds the measured sets, Parquet files as their publishers' packages give them (docs/reference/estimation.md says where they
come from); those that are not there are left out. Of each meter up to 400 whole days are drawn, a gap of each length is cut at
random out of each, and filled by the rules of the product with one method at a time. Given is the share of the gap's energy that
the estimates of its values are off in sum, in brackets what the energy of the gap as a whole is off, and behind it half of what the
bands of the day are off in sum: without an error of the whole, the energy that lies in another band. Fixed seed, no clock: the same
figures every time.
"""

import pathlib
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from denghuo.service.reading.rules.curve_book import CurveRule, rules_of
from denghuo.service.reading.rules.curves import judged, nothing_beside
from denghuo.service.reading.rules.profiles import (
    LAST_YEAR,
    LIKE_DAYS,
    RECENT_DAYS,
    group_profile,
    likened,
    of_group,
    scaled_year,
)

_WITHOUT = ("straight line", "registers, evenly", "registers, line")
"""Methods that look at the day alone."""
HOURS = (0.25, 0.5, 1, 2, 4, 8, 16, 24)
DAYS_EACH = 400
Ints = Any
Meters = list[Ints]
"""Of each meter its days in a row, all from the same day on: days by slots, in Wh, -1 where nothing was measured."""


def households_france(folder: pathlib.Path) -> Meters:
    table = pq.read_table(folder / "uci_household_france_15min_2006_2010.parquet")
    whole = table["minutes_present"].to_numpy() == 15
    energy = np.rint(np.nan_to_num(table["Global_active_power"].to_numpy()) * 250)
    at = table["ts"].to_numpy()
    return [_days(at[whole], energy[whole], 96, at.max())]


def industry_germany(folder: pathlib.Path) -> Meters:
    table = pq.read_table(folder / "pycity_3_industrial_15min_2010.parquet")
    at = table["ts"].to_numpy()
    return [
        _days(at, np.rint(table[name].to_numpy() * 250), 96, at.max()) for name in table.column_names if name != "ts"
    ]


def households_australia(folder: pathlib.Path) -> Meters:
    table = pq.read_table(folder / "sgsc_10_households_halfhour_2012_2014.parquet")
    customer, at = np.array(table["customer_id"].to_pylist()), table["ts_utc"].to_numpy()
    energy = np.rint(table["kwh"].to_numpy() * 1_000)
    begin, end = at.min(), at.max()
    return [_days(at[customer == one], energy[customer == one], 48, end, begin) for one in np.unique(customer)]


SETS: dict[str, Callable[[pathlib.Path], Meters]] = {
    "household, France": households_france,
    "households, Australia": households_australia,
    "industry, Germany": industry_germany,
}


def _days(at: Any, energy: Any, slots: int, end: Any, begin: Any = None) -> Ints:
    day = at.astype("datetime64[D]")
    first = day.min() if begin is None else begin.astype("datetime64[D]")
    place = (day - first).astype(int)
    slot = (at - day).astype("timedelta64[m]").astype(int) * slots // (24 * 60)
    found = np.full((int((end.astype("datetime64[D]") - first).astype(int)) + 1, slots), -1, dtype=np.int64)
    found[place, slot] = energy.astype(np.int64)
    return found


def ways(
    like: Ints, before: Ints, last_year: Ints, group: Ints, slots: int
) -> Iterator[tuple[str, Mapping[str, CurveRule], Ints, bool]]:
    """(method, rules, what the gap may look like, whether registers bound the day) that bring `judged` to use one method. What last
    year or others make of a gap is filled in as days like it are."""
    unknown = np.full_like(like, -1)
    yield "straight line", _rules(slots), unknown, False
    yield "day before", _rules(0), before, False
    yield "like days", _rules(0), like, False
    yield "last year, scaled", _rules(0), last_year, False
    yield "group", _rules(0), group, False
    yield "registers, evenly", _rules(0), unknown, True
    yield "registers, line", _rules(slots), unknown, True
    yield "registers, like days", _rules(0), like, True
    yield "registers, last year", _rules(0), last_year, True
    yield "registers, group", _rules(0), group, True


def _rules(slots_max: int) -> dict[str, CurveRule]:
    rules = rules_of([], date(2026, 4, 1))
    return rules | {"gap": replace(rules["gap"], parameters={"linear_slots_max": slots_max})}


def main(folder: pathlib.Path) -> None:
    for name, read in SETS.items():
        try:
            meters = read(folder)
        except FileNotFoundError:
            print(f"{name}: not here")
            continue
        print(f"\n| {name} | " + " | ".join(f"{hours:g} h" for hours in HOURS) + " |")
        print("|---|" + "---|" * len(HOURS))
        found = score(meters)
        for method in dict.fromkeys(method for method, _ in found):
            cells = [found.get((method, hours)) for hours in HOURS]
            print(
                f"| {method} | "
                + " | ".join("" if cell is None else f"{cell[0]:.0%} ({cell[1]:.0%}) {cell[2]:.0%}" for cell in cells)
                + " |"
            )


def bands(gap: slice, slots: int) -> Iterator[Ints]:
    """The slots of a gap in each band of a day: night from 22 to 6, the morning's and the evening's peak, and between."""
    hour = (np.arange(gap.start, gap.stop) * 24 // slots) % 24
    night, peak = (hour >= 22) | (hour < 6), ((hour >= 8) & (hour < 11)) | ((hour >= 18) & (hour < 21))
    yield from (night, peak, ~night & ~peak)


def score(meters: Meters) -> dict[tuple[str, float], tuple[float, float, float]]:
    """(error of the values, error of their sum, energy in another band) as shares of the energy, by (method, hours)."""
    slots = meters[0].shape[1]
    chance = np.random.default_rng(1)
    sums: dict[tuple[str, float], list[float]] = defaultdict(lambda: [0.0, 0.0, 0.0, 0.0])
    for at, days in enumerate(meters):
        others = [one for place, one in enumerate(meters) if place != at]
        whole = np.flatnonzero((days >= 0).all(axis=1))
        whole = whole[whole >= max(LIKE_DAYS)]
        for hours in HOURS:
            count = int(hours * slots / 24)
            if count == 0:
                continue
            for day in chance.choice(whole, min(DAYS_EACH, len(whole)), replace=False).tolist():
                first = int(chance.integers(0, slots - count + 1))
                gap = slice(first, first + count)
                true, raw = days[day, gap], days[day : day + 1].copy()
                raw[0, gap] = -1
                before = days[day - 1 : day]
                like = likened([days[day - back : day - back + 1] for back in LIKE_DAYS], before)
                profile = group_profile(np.array([one[day] for one in others])) if others else None
                absent = np.full_like(raw, -1)
                for method, rules, alike, bound in ways(like, before, _last_year(days, day), absent, slots):
                    if "group" in method and profile is not None:
                        alike = of_group(raw, profile, np.array([bound]))
                    if method not in _WITHOUT and (alike[0, gap] < 0).any():
                        continue
                    difference = np.array([days[day].sum() if bound else -1])
                    estimate = judged(raw, alike, difference, nothing_beside(len(raw)), rules)[0][0, gap]
                    if (estimate < 0).any() or (method == "registers, line" and first in (0, slots - count)):
                        continue
                    off = sums[method, hours]
                    off[0] += float(np.abs(estimate - true).sum())
                    off[1] += abs(float(estimate.sum() - true.sum()))
                    off[2] += float(true.sum())
                    off[3] += sum(abs(float((estimate - true)[mine].sum())) for mine in bands(gap, slots)) / 2
    return {key: (values / true, energy / true, band / true) for key, (values, energy, true, band) in sums.items()}


def _last_year(days: Ints, day: int) -> Ints:
    then = day - LAST_YEAR
    if then < max(RECENT_DAYS):
        return np.full_like(days[:1], -1)
    recent = [(days[day - back : day - back + 1], days[then - back : then - back + 1]) for back in RECENT_DAYS]
    return scaled_year(days[then : then + 1], recent)


if __name__ == "__main__":
    # Without the sets there is nothing to measure, and the other benches go on.
    print(__doc__) if len(sys.argv) != 2 else main(pathlib.Path(sys.argv[1]))

"""Energy and prices of a market customer by settlement point (市场结算点). Pure.

The register says how much, the curve says when: as for bands (`engine.split`), a register and its curve must agree, few missing
points are filled from the register, and the points of a meter add up to what its register counts for. Where something stands in for
every missing point, however many they are, what the register has beyond the curve is shared by that.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import NamedTuple

import numpy as np

from denghuo.kernel.period import SLOTS_A_DAY, midnight
from denghuo.kernel.problem import text
from denghuo.kernel.values import Price, decimal_text, round_half_up
from denghuo.service.billing.batch import SUB_METER, Piece
from denghuo.service.billing.engine.split import Tolerance, split
from denghuo.service.billing.lines import CannotRate
from denghuo.service.billing.rules.quantities import whole
from denghuo.service.contract.api import PlannedEnergy

TOLERANCE = Tolerance()
SLOT = timedelta(days=1) // SLOTS_A_DAY
MINUTES = SLOT // timedelta(minutes=1)


@dataclass(frozen=True)
class DayCurve:
    """A day of a meter: Wh of each of its 96 points as far as they came; where some did not, 96 marks and the day's highest.
    stands_in: Wh of each point in which something stands in for a value, or for none, and -1 for the others; none: of no point."""

    cells: Sequence[int]
    gaps: str | None = None
    highest: int = -1
    stands_in: Sequence[int] | None = None


Curves = Mapping[str, Mapping[date, DayCurve]]
"""By meter and day."""


class Actual(NamedTuple):
    """Wh of each point of some days, the places of those that were filled, and of these the ones that estimates filled."""

    energy_wh: list[int]
    estimated: list[int]
    by_estimates: list[int]


def actual(
    pieces: Sequence[Piece], curves: Curves, days: Sequence[date], places: int, apart: Iterable[str] = ()
) -> Actual:
    """The points of the days as registers and curves have them together.

    places: decimals of kWh to which a register counts. apart: points that are priced apart.

    Raises:
        CannotRate: a curve is not there, has too many gaps or does not agree with its register.
    """
    energy = np.zeros(len(days) * SLOTS_A_DAY, dtype=np.int64)
    estimated, by_estimates = set[int](), set[int]()
    mine = [one for one in pieces if one.quantity == "active_fwd" and one.role != SUB_METER]
    for meter, rows in groupby(sorted(mine, key=_meter), key=_meter):
        if meter[0] in set(apart):
            continue
        of_meter = list(rows)
        found = _meter_points(of_meter, _register(of_meter, places), curves.get(meter[1], {}), days)
        energy += found.energy_wh
        estimated.update(found.filled)
        by_estimates.update(found.filled if found.told else ())
    return Actual(energy.tolist(), sorted(estimated), sorted(by_estimates))


def _meter(piece: Piece) -> tuple[str, str, int]:
    return piece.point_no, piece.meter_no, piece.piece


def _register(rows: Sequence[Piece], places: int) -> int:
    """What the registers of a meter count for: the total, or its bands where it has none."""
    totals = [one for one in rows if one.band == "total"] or rows
    return sum(whole(one.energy_wh or 0, places) for one in totals)


class _Points(NamedTuple):
    """Wh of each point of a meter, the places of those that were filled, and whether estimates did that."""

    energy_wh: "np.typing.NDArray[np.int64]"
    filled: list[int]
    told: bool


def _meter_points(
    rows: Sequence[Piece], register: int, curve: Mapping[date, DayCurve], days: Sequence[date]
) -> _Points:
    begin, end = rows[0].from_at, rows[0].to_at
    seen, missing, given, filled = np.zeros((4, len(days), SLOTS_A_DAY), dtype=np.int64)
    expected, highest = 0, -1
    for at, day in enumerate(days):
        touched, inside = _slots(day, begin, end)
        expected += len(inside)
        whole, of_day = slice(inside.start, inside.stop), curve.get(day)
        if of_day is None:
            missing[at, whole] = 1
            continue
        seen[at, touched.start : touched.stop] = of_day.cells[touched.start : touched.stop]
        if of_day.gaps is not None:
            highest = max(highest, of_day.highest)
            missing[at, whole] = [of_day.gaps[slot] == "1" for slot in inside]
        if of_day.stands_in is not None:
            guess = np.array(of_day.stands_in[whole], dtype=np.int64)
            there = guess >= 0
            # What was received where something else stands in counts as not received.
            seen[at, whole][there], missing[at, whole][there], filled[at, whole][there] = 0, 1, 1
            given[at, whole] = np.where(there, guess, 0)
    lacking = int(missing.sum())
    told = lacking > 0 and bool((filled >= missing).all())
    found = split(
        np.array([register]),
        seen.reshape(1, -1),
        missing.reshape(1, -1),
        np.array([expected]),
        np.array([highest]),
        TOLERANCE,
        given.reshape(1, -1),
        np.array([told]),
    )
    meter_no = rows[0].meter_no
    if found.gaps[0]:
        guessed = int(filled.sum())
        raise _no_curve(
            meter_no,
            f"表 {meter_no} 的 15 分钟曲线缺 {lacking} 点（应有 {expected} 点，有可计费估计值的 {guessed} 点），不能按点结算。",
            f"The 15-minute curve of meter {meter_no} lacks {lacking} of {expected} points, and estimates that bills may take stand"
            f" in for {guessed}; it cannot be settled by points.",
        )
    if found.apart[0]:
        curve_wh = int(seen.sum())
        raise _no_curve(
            meter_no,
            f"表 {meter_no} 示数电量 {_kwh(register)} 千瓦时与曲线 {_kwh(curve_wh)} 千瓦时不符（缺 {lacking} 点）。",
            f"Meter {meter_no}: the register has {_kwh(register)} kWh, its curve {_kwh(curve_wh)} kWh ({lacking} points missing).",
        )
    return _Points(found.energy_wh[0], np.flatnonzero(missing.reshape(-1)).tolist(), told)


def _slots(day: date, begin: datetime, end: datetime) -> tuple[range, range]:
    """The points of a day that a period touches, and those that lie whole in it."""
    start = midnight(day)
    touched = max(0, (begin - start) // SLOT), min(SLOTS_A_DAY, -((start - end) // SLOT))
    inside = max(0, -((start - begin) // SLOT)), min(SLOTS_A_DAY, (end - start) // SLOT)
    return range(touched[0], max(touched)), range(inside[0], max(inside))


def _no_curve(meter_no: str, zh: str, en: str) -> CannotRate:
    return CannotRate(text(zh, en), code="no_curve", value=meter_no)


def _kwh(wh: int) -> str:
    return decimal_text(wh, 3, 0)


# --- plans and prices ----------------------------------------------------------------------------------------------------------


def planned(rows: Iterable[PlannedEnergy], days: Sequence[date]) -> list[int]:
    """Wh of each point of the days that is contracted or declared."""
    found = [0] * (len(days) * SLOTS_A_DAY)
    for row in rows:
        for at, wh in _of_row(row, days):
            found[at] += wh
    return found


def _of_row(row: PlannedEnergy, days: Sequence[date]) -> Iterator[tuple[int, int]]:
    """A day's energy over the points of its window: what has run up by the end of each, so that they add up to it."""
    first, last = _slot_of(row.start), _slot_of(row.end)
    count, whole_wh = last - first, row.quantity_kwh.wh
    for at, day in enumerate(days):
        if row.first_day <= day <= row.last_day:
            for step in range(count):
                part = whole_wh * (step + 1) // count - whole_wh * step // count
                yield at * SLOTS_A_DAY + first + step, part


def _slot_of(clock: str) -> int:
    return (int(clock[:2]) * 60 + int(clock[3:])) // MINUTES


def priced(prices: Mapping[date, Sequence[int]], days: Sequence[date], series: tuple[str, str], node: str) -> list[int]:
    """The price of each point of the days; of prices by the hour or half hour each point has that of its hour.

    Raises:
        CannotRate: a day has no price yet.
    """
    found: list[int] = []
    for day in days:
        of_day = prices.get(day)
        if of_day is None:
            raise CannotRate(
                text(
                    f"价格节点 {node} {day} 的{series[0]}价格尚未发布，请导入并发布后重算。",
                    f"Node {node} has no {series[1]} price of {day} yet; take it in, publish it and rate again.",
                ),
                code="no_spot_price",
                value=f"{node} {day}",
            )
        repeat = SLOTS_A_DAY // len(of_day)
        found += [price for price in of_day for _ in range(repeat)]
    return found


def mean_price(prices: Sequence[int]) -> Price:
    """The arithmetic mean of points, for what a month has beyond its points."""
    return Price(round_half_up(sum(prices), len(prices)))

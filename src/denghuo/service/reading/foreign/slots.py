"""Intervals of any length as the quarter-hours of the lake, exact in sum."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from denghuo.kernel.problem import Text, text
from denghuo.service.reading.api import SPREAD
from denghuo.service.reading.foreign.blocks import Block, Ints, Marks

SLOT_SECONDS = 15 * 60
_PER_UNIT = {"wh": 0, "kwh": 3, "mwh": 6, "varh": 0, "kvarh": 3, "mvarh": 6}
"""By unit, how many places its number is shifted to give Wh or varh."""
_LARGEST = 2**31 - 1
_PLACES_MAX = 9


@dataclass(frozen=True)
class Slots:
    """Energies of quarter-hours in Wh or varh; begins: of the first, in microseconds since 1970 UTC. marks: a quarter-hour of
    which a part is not measured is not either, nor is one that was divided out of a longer interval."""

    begins: int
    values: Ints
    there: Any
    marks: Marks | None = None


def slots(block: Block, *, spread: bool) -> Slots | tuple[str, str, Text, Text]:
    """The quarter-hours of a block, or why there are none: (field, value, what, remedy).

    Intervals that divide a quarter-hour are summed. Longer ones are spread evenly over theirs where `spread` allows it, and refused
    else: nobody measured when within them the energy passed. Fractions of a Wh are carried on, so that no sum is off by one.
    """
    shift = _PER_UNIT.get(block.channel.unit)
    if shift is None:
        return "unit", block.channel.unit, text("不是电量单位", "it is no unit of energy"), _ENERGY_ONLY
    if block.seconds <= 0 or block.seconds % 60:
        return "interval", str(block.seconds), text("间隔不是整分钟", "no whole minutes long"), _NOT_TO_TAKE
    period = math.lcm(block.seconds, SLOT_SECONDS)
    if period > SLOT_SECONDS and not spread:
        what = text("间隔长于 15 分钟", "the intervals are longer than 15 minutes, or do not divide it")
        return "interval", f"{block.seconds // 60} min", what, _SPREAD
    begins = int(block.begins.timestamp())
    each = period // block.seconds
    groups = len(block.numbers) // each
    if begins % SLOT_SECONDS or len(block.numbers) % each:
        what = text("起止时间不在 15 分钟整点上", "it does not begin and end on a quarter of an hour")
        return "start", block.begins.isoformat(), what, _NOT_TO_TAKE
    over = period // SLOT_SECONDS
    there = np.ones(groups, dtype=bool) if block.missing is None else ~block.missing.reshape(groups, each).any(axis=1)
    numbers = np.where(there, block.numbers.reshape(groups, each).sum(axis=1), 0)
    exact = _watt_hours(numbers, shift - block.places, over)
    if exact is None:
        return "value", str(int(np.abs(numbers).max())), text("数值过大", "a value is too large"), _UNIT
    marks = block.marks
    if marks is not None:
        codes = np.where(there, marks.codes.reshape(groups, each).max(axis=1), 0)
        marks = Marks(marks.names, np.repeat(codes, over))
    if over > 1:
        marks = _spread(
            marks or Marks(("",), np.zeros(groups * over, dtype=np.int64)), f"{SPREAD} {block.seconds // 60}"
        )
    return Slots(begins * 1_000_000, exact, np.repeat(there, over), marks)


def _spread(marks: Marks, mark: str) -> Marks:
    """The word of the sender goes before."""
    return Marks((*marks.names, mark), np.where(marks.codes == 0, len(marks.names), marks.codes))


def _watt_hours(numbers: Ints, power: int, over: int) -> Ints | None:
    """numbers x 10^power, each spread over so many slots, as whole numbers; their running sums are the exact ones cut off."""
    if (
        not -_PLACES_MAX <= power <= _PLACES_MAX
        or np.abs(numbers).sum(dtype=np.float64) * 10.0 ** max(power, 0) * over >= 2**62
    ):
        return None
    top, below = 10 ** max(power, 0), over * 10 ** max(-power, 0)
    ends = np.cumsum(np.repeat(numbers * top, over))
    values = np.diff(ends // below, prepend=0)
    return values if len(values) == 0 or np.abs(values).max() <= _LARGEST else None


_ENERGY_ONLY = text(
    "只能导入以 Wh、kWh、varh 等为单位的通道", "only channels in Wh, kWh, varh and the like can be imported"
)
_NOT_TO_TAKE = text("这一段不能作为曲线导入，请核对", "this stretch cannot be a curve; check it")
_SPREAD = text("如认可按 15 分钟平均分摊，请加 --spread", "to spread them evenly over quarter-hours, add --spread")
_UNIT = text("请核对单位", "check the unit")

"""Resale (转供): what a customer passes on to others is taken off its own largest demand, converted from their energy.

供电营业规则: lighting and one shift 180 kWh a month for each kW, two shifts 360, three shifts 540, farming 270.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

from denghuo.kernel.period import Month
from denghuo.kernel.values import round_half_up
from denghuo.service.billing.lines import Part, Step
from denghuo.service.billing.rules.words import milli, step

KWH_FOR_A_KW = {"one_shift": 180, "two_shifts": 360, "three_shifts": 540, "farming": 270}
_NAMES = {
    "one_shift": ("照明及一班制", "lighting or one shift"),
    "two_shifts": ("二班制", "two shifts"),
    "three_shifts": ("三班制", "three shifts"),
    "farming": ("农业用电", "farming"),
}


@dataclass(frozen=True)
class Resold:
    """What one sub-supplied customer takes off the demand, in W."""

    watts: int
    step: Step


def resold(parts: Iterable[tuple[Part, int]], first: date, last: date) -> Iterator[Resold]:
    """parts: with their Wh on the days from first to last, both included; of a part of a month they are brought to a whole one."""
    month, days = Month.holding(first), (last - first).days + 1
    for part, energy_wh in parts:
        if part.resale is None:
            continue
        each = KWH_FOR_A_KW[part.resale]
        watts = round_half_up(energy_wh * month.day_count, each * days)
        zh, en = _NAMES[part.resale]
        scaled = "" if days == month.day_count else f" × {month.day_count}/{days}"
        yield Resold(
            watts,
            step(
                "demand",
                {"point_no": part.point_no, "energy": milli(energy_wh), "each": str(each), "resold": milli(watts)},
                f"转供 {part.point_no}（{zh}）{milli(energy_wh)}{scaled} 千瓦时，每 {each} 千瓦时折 1 千瓦，"
                f"扣减需量 {milli(watts)} 千瓦。",
                f"Passed on at {part.point_no} ({en}): {milli(energy_wh)}{scaled} kWh, 1 kW for each {each}, takes"
                f" {milli(watts)} kW off the demand. ",
                "basic.resale",
            ),
        )

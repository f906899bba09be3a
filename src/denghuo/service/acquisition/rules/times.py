"""Times of use as parts of the day, and the rate of each half hour that terminals are told."""

from collections.abc import Sequence

from denghuo.kernel.problem import text
from denghuo.service.acquisition.api import DayPart, WrongTimes

HALF_HOURS = 48
RATES = ("sharp", "peak", "flat", "valley", "deep")
"""In the order in which meters number them from 1 on: 尖, 峰, 平, 谷, 深谷."""


def rates_of(parts: Sequence[DayPart]) -> list[int]:
    """The number of the rate of each half hour.

    Raises:
        WrongTimes: no part, the first one not from midnight, or a part that does not begin after the one before.
    """
    begins = [_half(part.begins) for part in parts]
    if not begins or begins[0]:
        raise WrongTimes(
            text("时段表须从 00:00 起，请补上首个时段。", "The day begins at 00:00; add the part from there."),
            field="parts",
            value=parts[0].begins if parts else "",
        )
    for before, after, part in zip(begins, begins[1:], parts[1:], strict=False):
        if after <= before:
            said = part.begins
            raise WrongTimes(
                text(
                    f"时段 {said} 没有排在前一时段之后，请按时间先后填写。",
                    f"The part from {said} does not follow the one before; order them by time.",
                ),
                field="parts",
                value=said,
            )
    rates: list[int] = []
    for part, begin, end in zip(parts, begins, [*begins[1:], HALF_HOURS], strict=True):
        rates += [RATES.index(part.rate) + 1] * (end - begin)
    return rates


def _half(said: str) -> int:
    hour, _, minute = said.partition(":")
    return int(hour) * 2 + int(minute) // 30

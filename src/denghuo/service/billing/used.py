"""What an account used in earlier months, and by which readings (阶梯累计电量)."""

from collections.abc import Iterable, Mapping
from typing import Any

from denghuo.kernel.period import Month


class Used(dict[str, int]):
    """Energy (Wh) by month. That of a reading of several months stands in the last of them, and the others have none.

    readings: the first month that each reading covers, by its last.
    """

    def __init__(self) -> None:
        super().__init__()
        self.readings: dict[Month, Month] = {}

    @classmethod
    def of(cls, rows: Iterable[Mapping[str, Any]]) -> "Used":
        """rows: month, energy_wh and months (how many the reading covers) of one account."""
        found = cls()
        for row in rows:
            last = first = Month.of(row["month"])
            for _ in range(row["months"] - 1):
                first = first.previous
                found.setdefault(str(first), 0)
            found[row["month"]] = row["energy_wh"]
            found.readings[last] = first
        return found

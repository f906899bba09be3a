"""A running month until its newest midnight (本月至今): which midnight that is, and the plan's pieces cut there."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import pyarrow as pa

from denghuo.kernel.period import SHANGHAI, Month, midnight
from denghuo.service.reading.batch.plan import PlanPiece


def newest_midnight(registers: pa.Table, month: Month, today: date) -> date | None:
    """The newest midnight of a month, not after today's, at which at least half as many registers were read as at the fullest one;
    None before the second one."""
    days: dict[date, int] = {}
    counted: Any = registers["read_at"].value_counts()
    for row in counted.to_pylist():
        day = row["values"].astimezone(SHANGHAI).date()
        if row["values"] == midnight(day) and month.first_day < day <= min(today, month.next.first_day):
            days[day] = row["counts"]
    fullest = max(days.values(), default=0)
    return max((day for day, count in days.items() if count * 2 >= fullest), default=None)


def cut(pieces: Sequence[PlanPiece], until: date) -> list[PlanPiece]:
    """The pieces as they are until a midnight; what a meter showed when it was taken off later is not known there."""
    ends = midnight(until)
    return [
        piece if piece.to_at <= ends else replace(piece, to_at=ends, final_e4=None, final_rev_e4=None)
        for piece in pieces
        if piece.from_at < ends
    ]

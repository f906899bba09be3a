"""Column-wise work of reading: the reads of a whole month at once."""

from denghuo.service.reading.batch.days import Midnight, Shown, midnights_of, shown_at
from denghuo.service.reading.batch.matrix import ALWAYS, Evaluated, evaluate, margin_days
from denghuo.service.reading.batch.plan import Accepted, Manual, PlanPiece, ReadRow
from denghuo.service.reading.batch.reads import reads_of

__all__ = [
    "ALWAYS",
    "Accepted",
    "Evaluated",
    "Manual",
    "Midnight",
    "PlanPiece",
    "ReadRow",
    "Shown",
    "evaluate",
    "margin_days",
    "midnights_of",
    "reads_of",
    "shown_at",
]

"""Column-wise work of reading: the reads of a whole month at once."""

from denghuo.service.reading.batch.days import EstimatedEnd, Midnight, Shown, estimated_ends, midnights_of, shown_at
from denghuo.service.reading.batch.due import Due, due_in, route_of_accounts
from denghuo.service.reading.batch.matrix import ALWAYS, Evaluated, evaluate, margin_days
from denghuo.service.reading.batch.plan import Accepted, Manual, PlanPiece, ReadRow, by_length, first_month, in_order
from denghuo.service.reading.batch.reads import reads_of
from denghuo.service.reading.batch.so_far import cut, newest_midnight

__all__ = [
    "ALWAYS",
    "Accepted",
    "Due",
    "EstimatedEnd",
    "Evaluated",
    "Manual",
    "Midnight",
    "PlanPiece",
    "ReadRow",
    "Shown",
    "by_length",
    "cut",
    "due_in",
    "estimated_ends",
    "evaluate",
    "first_month",
    "in_order",
    "margin_days",
    "midnights_of",
    "newest_midnight",
    "reads_of",
    "route_of_accounts",
    "shown_at",
]

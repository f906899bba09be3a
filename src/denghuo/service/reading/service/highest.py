"""The highest quarter-hours of meters (曲线最大需量), out of the curves of the lake: of what was measured.

A value that its sender estimated, or that was spread from a longer interval, says nothing of the highest quarter-hour: it counts as
missing.
"""

from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute

from denghuo.data.analysis.lake import Lake
from denghuo.data.analysis.lake_day import SLOTS
from denghuo.kernel.period import Month, midnight
from denghuo.kernel.values import Energy
from denghuo.service.reading.api import AskHighest, HighestFound, HighestSlot, MeterSpan
from denghuo.service.reading.batch.intake import CURVES
from denghuo.service.reading.batch.marks import MARKS, marked

pc: Any = pyarrow.compute
_SLOT = timedelta(days=1) / len(SLOTS)
_ABSENT = np.iinfo(np.int64).min


def highest(lake: Lake, request: AskHighest, now: datetime) -> HighestFound:
    """The highest slot of each span.

    Raises:
        Unavailable: a file of the lake is missing or damaged.
    """
    month = Month.of(request.month)
    meters = sorted({span.meter_no for span in request.spans})
    last = month.next.first_day - timedelta(days=1)
    table = lake.scan(CURVES[request.series], month.first_day, last, only=("subject", meters), as_of=request.known_at)
    at = {meter: place for place, meter in enumerate(meters)}
    values = np.full((len(meters), month.day_count, len(SLOTS)), _ABSENT, dtype=np.int64)
    rows = [at[str(name)] for name in table["subject"].to_pylist()]
    days: Any = pc.days_between(pa.scalar(month.first_day), table["day"]).to_numpy()
    for place, slot in enumerate(SLOTS):
        values[rows, days, place] = pc.fill_null(table[slot].cast(pa.int64()), _ABSENT).to_numpy()
    marks = lake.scan(MARKS[request.series], month.first_day, last, only=("subject", meters), as_of=request.known_at)
    if len(marks):
        of_marks: Any = pc.days_between(pa.scalar(month.first_day), marks["day"]).to_numpy()
        for day in np.unique(of_marks).tolist():
            told = marked(meters, marks.filter(pa.array(of_marks == day)))
            values[:, day][told.sender | told.spread] = _ABSENT
    flat = values.reshape(len(meters), -1)
    begins = midnight(month.first_day)
    return HighestFound(rows=[_of(span, flat[at[span.meter_no]], begins) for span in request.spans], as_of=now)


def _of(span: MeterSpan, values: "np.ndarray[tuple[int], np.dtype[np.int64]]", begins: datetime) -> HighestSlot:
    # A slot in which the meter came or went is not whole.
    first = max(0, -((begins - span.from_at) // _SLOT))
    last = max(first, min(len(values), (span.to_at - begins) // _SLOT))
    own = values[first:last]
    there = own != _ABSENT
    top = int(own.argmax()) if there.any() else None
    return HighestSlot(
        meter_no=span.meter_no,
        begins_at=None if top is None else begins + (first + top) * _SLOT,
        highest=None if top is None else Energy(int(own[top])),
        energy=Energy(int(own[there].sum())),
        missing=len(own) - int(there.sum()),
    )

"""Quality of reading (抄表质量)."""

from datetime import timedelta

from denghuo.data.processing.work import Work
from denghuo.kernel.contract import Call
from denghuo.kernel.period import Month, midnight
from denghuo.kernel.values import Percent
from denghuo.service.reading.api import AskQuality, QualityFound, QualityRow
from denghuo.service.reading.store.quality import quality

_COUNTS = ("read", "on_time", "right", "wrong", "estimated", "held")


def quality_found(work: Work, call: Call, request: AskQuality) -> QualityFound:
    """The quality of a month's reading, a row a unit or a reader and one for all."""
    rows = []
    reading_day = Month.of(request.month).next.first_day
    for row in quality(work, request, call.today, midnight(reading_day + timedelta(days=1))):
        rates = {f"{name}_rate": Percent.of_parts(row[name], row["due"]) for name in _COUNTS}
        key = "total" if row["whole"] else row["org"] or row["reader"] or "none"
        counts = {name: row[name] for name in ("org", "reader", "due", *_COUNTS)}
        rows.append(QualityRow.model_validate({"row_key": key} | counts | rates))
    return QualityFound(month=request.month, rows=rows, as_of=call.now)

"""Days of curves as they are exported, asked for a month of a meter at a time."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta

from denghuo.data.processing.export_readings import MeterDay, mark_of
from denghuo.kernel.contract import Call
from denghuo.kernel.period import SLOTS_A_DAY
from denghuo.service.host.binding import Ask
from denghuo.service.reading.api import CheckedCurveAsked, EnergySeries, ReadingApi

DAYS_AT_ONCE = 31


def days_of(
    ask: Ask, call: Call, meters: Sequence[str], series: Sequence[EnergySeries], first: date, last: date
) -> Iterator[MeterDay]:
    """The days from `first` to `last` on which anything is known, by meter and series.

    Raises:
        CurveNotFound: there are no curves of a meter, or it is outside the caller's scope.
    """
    for meter_no in meters:
        for one in series:
            day = first
            while day <= last:
                count = min(DAYS_AT_ONCE, (last - day).days + 1)
                asked = CheckedCurveAsked(meter_no=meter_no, series=one, day=day, days=count)
                curve = ask(ReadingApi).checked_curve(call, asked)
                for place in range(count):
                    span = slice(place * SLOTS_A_DAY, (place + 1) * SLOTS_A_DAY)
                    values = [None if value is None else value.wh for value in curve.counted[span]]
                    if any(value is not None for value in values):
                        marks = list(map(mark_of, curve.estimated[span], curve.marks[span], curve.methods[span]))
                        yield MeterDay(meter_no, one, day + timedelta(days=place), values, marks)
                day += timedelta(days=count)

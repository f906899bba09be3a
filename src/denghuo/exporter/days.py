"""Days of curves as they are exported, asked for a month of a meter at a time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from denghuo.kernel.contract import Call
from denghuo.kernel.period import SLOTS_A_DAY
from denghuo.service.host.binding import Ask
from denghuo.service.reading.api import CheckedCurveAsked, EnergySeries, ReadingApi

DAYS_AT_ONCE = 31


@dataclass(frozen=True)
class MeterDay:
    """96 energies of a meter's day in Wh (varh), None where nothing is known. marks: how each of them that is not measured was got:
    the mark of its sender, or `denghuo` and the method by which a value was put in."""

    meter_no: str
    series: EnergySeries
    day: date
    values: Sequence[int | None]
    marks: Sequence[str | None]


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
                        marks = list(map(_mark, curve.estimated[span], curve.marks[span], curve.methods[span]))
                        yield MeterDay(meter_no, one, day + timedelta(days=place), values, marks)
                day += timedelta(days=count)


def _mark(estimated: bool, of_sender: str | None, method: str | None) -> str | None:
    return of_sender or (f"denghuo {method}" if estimated else None)

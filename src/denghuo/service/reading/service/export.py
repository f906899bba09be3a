"""Readings as a file: which meters were an account's, when, and what of their curves counts; or the month of one meter."""

import base64
import io
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta

from denghuo.data.processing.export_readings import MEDIA, MeterDay, mark_of, write
from denghuo.kernel.contract import Call
from denghuo.kernel.fields import Document
from denghuo.kernel.period import SLOTS_A_DAY, Month, midnight
from denghuo.kernel.problem import text
from denghuo.service.host.binding import Ask
from denghuo.service.point.api import MetersIn, PointApi
from denghuo.service.reading.api import (
    ENERGY_SERIES,
    CheckedCurveAsked,
    FileFormat,
    MeterFileAsked,
    NothingToExport,
    ReadingsAsked,
)
from denghuo.service.reading.batch.matrix import FAMILY
from denghuo.service.reading.service.curves import Curves

Spans = Mapping[tuple[str, str], Sequence[tuple[datetime, datetime]]]
"""When a meter, in the direction of a series, counted for the account."""
SLOT = timedelta(days=1) / SLOTS_A_DAY


def readings_file(ask: Ask, curves: Curves, call: Call, request: ReadingsAsked) -> Document:
    """Raises NothingToExport: nothing is known of the account and the days, or it is outside the caller's scope."""
    days = _days(curves, call, (request.first, request.last), _spans(ask, call, request))
    found = _file(request.format, days, f"{request.account_no}-{request.first}-{request.last}", call)
    if found is None:
        raise nothing_to_export(request)
    return found


def meter_file(curves: Curves, call: Call, request: MeterFileAsked) -> Document:
    """The month of a meter that the caller sees. Raises NothingToExport: it has no value in the month."""
    month = Month.of(request.month)
    first, after = month.first_day, month.next.first_day
    whole = [(midnight(first), midnight(after))]
    spans = {(request.meter_no, series): whole for series in ENERGY_SERIES}
    last = after - timedelta(days=1)
    found = _file(request.format, _days(curves, call, (first, last), spans), f"{request.meter_no}-{month}", call)
    if found is None:
        what = text(
            f"表计 {request.meter_no} 在 {month} 没有 15 分钟数据，请换一个月份。",
            f"Meter {request.meter_no} has no 15-minute values in {month}; choose another month.",
        )
        raise NothingToExport(what, meter_no=request.meter_no, first=str(first), last=str(last))
    return found


def nothing_to_export(request: ReadingsAsked) -> NothingToExport:
    """The problem of an account without values in these days within the caller's scope."""
    what = text(
        f"{request.account_no} 在 {request.first} 至 {request.last} 没有 15 分钟数据，或不在您的管辖范围内。",
        f"{request.account_no} has no 15-minute values from {request.first} to {request.last}, or is outside your scope.",
    )
    return NothingToExport(what, account_no=request.account_no, first=str(request.first), last=str(request.last))


def within(day: date, spans: Sequence[tuple[datetime, datetime]]) -> list[bool]:
    """Of each slot of a day whether the whole of it lies in one of the spans (half open)."""
    begins = midnight(day)
    return [
        any(start <= begins + slot * SLOT and begins + (slot + 1) * SLOT <= end for start, end in spans)
        for slot in range(SLOTS_A_DAY)
    ]


def _file(kind: FileFormat, days: Iterator[MeterDay], name: str, call: Call) -> Document | None:
    """The days as a file of that name; None where there are none."""
    content = io.BytesIO()
    if not write(kind, days, content, call.now):
        return None
    suffix, media_type = MEDIA[kind]
    encoded = base64.b64encode(content.getvalue()).decode()
    return Document(file_name=f"{name}.{suffix}", media_type=media_type, content=encoded)


def _spans(ask: Ask, call: Call, request: ReadingsAsked) -> Spans:
    found = dict[tuple[str, str], list[tuple[datetime, datetime]]]()
    # Whose meter it was is asked for the platform; what of it the caller may see is decided here.
    whole = Call.system(call.now, actor=call.actor)
    month, last = Month.holding(request.first), Month.holding(request.last)
    while month <= last:
        asked = MetersIn(month=str(month), account_nos=[request.account_no])
        for row in ask(PointApi).meters_in(whole, asked).rows:
            if row.account_no == request.account_no and call.sees(row.org, row.account_no):
                for series in ENERGY_SERIES:
                    if series.rpartition("_")[0] in FAMILY[row.direction]:
                        found.setdefault((row.meter_no, series), []).append((row.from_at, row.to_at))
        month = month.next
    return found


def _days(curves: Curves, call: Call, within_days: tuple[date, date], spans: Spans) -> Iterator[MeterDay]:
    """The days of a meter and series after each other, a month at a time, from the first to the last."""
    first, last = within_days
    for (meter_no, series), own in sorted(spans.items()):
        day = first
        while day <= last:
            count = min(Month.holding(day).next.first_day, last + timedelta(days=1)) - day
            if any(begins < midnight(day + count) and midnight(day) < ends for begins, ends in own):
                yield from _of_month(curves, call, (meter_no, series), own, day, count.days)
            day += count


def _of_month(
    curves: Curves,
    call: Call,
    of: tuple[str, str],
    own: Sequence[tuple[datetime, datetime]],
    first: date,
    count: int,
) -> Iterator[MeterDay]:
    meter_no, series = of
    words = {"meter_no": meter_no, "series": series, "day": first, "days": count}
    curve = curves.curve(call, CheckedCurveAsked.model_validate(words))
    for place in range(count):
        day = first + timedelta(days=place)
        span = slice(place * SLOTS_A_DAY, (place + 1) * SLOTS_A_DAY)
        counted = zip(curve.counted[span], within(day, own), strict=True)
        values = [value.wh if value is not None and is_mine else None for value, is_mine in counted]
        if any(value is not None for value in values):
            marks = list(map(mark_of, curve.estimated[span], curve.marks[span], curve.methods[span]))
            yield MeterDay(meter_no, series, day, values, marks)

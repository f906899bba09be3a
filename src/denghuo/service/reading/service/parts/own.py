"""What customers see of their own reading: of each meter the time in which it was theirs."""

from datetime import timedelta

from denghuo.kernel.contract import Call
from denghuo.kernel.fields import Document
from denghuo.kernel.period import Month
from denghuo.service.point.api import MetersIn, PointApi
from denghuo.service.reading.api import (
    METER_SERIES,
    AccountMonth,
    AccountReads,
    CurveValues,
    OwnCurveMonth,
    PointMonth,
    PointMonthRef,
    ReadingsAsked,
)
from denghuo.service.reading.api.own import OwnOperations
from denghuo.service.reading.batch.intake import CURVES
from denghuo.service.reading.service.checks import check_own, no_curve, not_planned
from denghuo.service.reading.service.export import nothing_to_export, within
from denghuo.service.reading.service.forms import curve_values
from denghuo.service.reading.service.parts.curve import CurvePart
from denghuo.service.reading.service.parts.read import ReadPart


class OwnPart(ReadPart, CurvePart, OwnOperations):
    """Answers to customers on their reads and curves."""

    def my_reads(self, call: Call, request: AccountMonth) -> AccountReads:
        check_own(call, request.account_no)
        return self.account_reads(call, request)

    def my_point_month(self, call: Call, request: PointMonthRef) -> PointMonth:
        if not call.accounts:
            raise not_planned(request.month, request.point_no)
        own = self._making.planned(call, request.month, [request.point_no])
        found = self.point_month(call, request)
        # The same meter may hang there for the next customer: of the midnights those of his own time.
        places = [
            at for at, day in enumerate(found.days) if any(one.from_at <= day.read_at <= one.to_at for one in own)
        ]
        if not places:
            raise not_planned(request.month, request.point_no)
        first, last = places[0], places[-1]
        shown = {
            "days": found.days[first : last + 1],
            "starts": found.days[first].day,
            "energies": found.energies[first:last],
            "estimated": found.estimated[first:last],
        }
        return found.model_copy(update=shown)

    def my_curve_month(self, call: Call, request: OwnCurveMonth) -> CurveValues:
        month = Month.of(request.month)
        # Whose meter it was then is asked for the platform: the archive of today knows its present customer only.
        asked = MetersIn(month=request.month, meter_nos=[request.meter_no])
        rows = self._ask(PointApi).meters_in(Call.system(call.now, actor=call.actor), asked).rows
        own = [(row.from_at, row.to_at) for row in rows if row.account_no in call.accounts]
        if not own:
            raise no_curve(request.meter_no)
        last = month.next.first_day - timedelta(days=1)
        kinds = [CURVES[name] for name in CURVES if name in METER_SERIES]
        series = {
            name: {
                day: [value if mine else None for value, mine in zip(values, within(day, own), strict=True)]
                for day, values in by_day.items()
            }
            for name, by_day in self._lake.curves(kinds, request.meter_no, month.first_day, last).items()
        }
        as_of = self._lake.recorded_at([kind.name for kind in kinds], month.first_day, last) or call.now
        return curve_values(request.meter_no, month.first_day, last, series, as_of)

    def my_readings_file(self, call: Call, request: ReadingsAsked) -> Document:
        if not call.accounts:
            raise nothing_to_export(request)
        return self.account_readings_file(call, request)

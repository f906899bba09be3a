"""What customers see of their own reading (用电查询) in the reading contract: reads, days and curves, of each meter the time in
which it was theirs. It is apart from what the office asks, so that nothing of that lies open to a customer's session."""

from denghuo.kernel.contract import Api, Call, Message, query
from denghuo.kernel.fields import Document, MeterNo, MonthText
from denghuo.service.reading.api.curve_values import CurveNotFound, CurveValues
from denghuo.service.reading.api.export import NothingToExport, ReadingsAsked
from denghuo.service.reading.api.read import AccountMonth, AccountReads, NotPlanned, PointMonth, PointMonthRef
from denghuo.service.reading.api.self_read import NotYourAccount


class OwnCurveMonth(Message):
    """A month of one of the caller's own meters."""

    meter_no: MeterNo
    month: MonthText


class OwnOperations(Api):
    """A customer's own reading."""

    @query(permit="reading.own", problems=(NotYourAccount,))
    def my_reads(self, call: Call, request: AccountMonth) -> AccountReads:
        """The reads of one of the caller's own accounts."""

    @query(permit="reading.own", problems=(NotPlanned,))
    def my_point_month(self, call: Call, request: PointMonthRef) -> PointMonth:
        """The month of a point of the caller's own: registers and energies of its days."""

    @query(permit="reading.own", problems=(CurveNotFound,))
    def my_curve_month(self, call: Call, request: OwnCurveMonth) -> CurveValues:
        """The month's 15-minute values of a meter while it was the caller's own; null before and after."""

    @query(permit="reading.own", problems=(NothingToExport,))
    def my_readings_file(self, call: Call, request: ReadingsAsked) -> Document:
        """The curves of one of the caller's own accounts as they count, as `account_readings_file` gives them."""

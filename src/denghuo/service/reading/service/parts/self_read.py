"""What customers read of their own meters."""

from denghuo.kernel.contract import Call
from denghuo.service.reading.api import (
    AskSelfReadDays,
    DecideSelfRead,
    FindSelfReads,
    FollowSelfRead,
    MyMeters,
    MyMetersFound,
    OwnReport,
    ReporterTold,
    ReportRegisters,
    SelfReadDaysFound,
    SelfReadFollowed,
    SelfReadRef,
    SelfReadRow,
    SelfReadsFound,
    StateSelfReadDays,
)
from denghuo.service.reading.api.self_read import SelfReadOperations
from denghuo.service.reading.api.self_read_days import SelfReadDaysOperations
from denghuo.service.reading.service.parts.part import ReadingPart


class SelfReadPart(ReadingPart, SelfReadOperations, SelfReadDaysOperations):
    """Answers to customers on their meters, and to the office on their reports."""

    def my_meters(self, call: Call, request: MyMeters) -> MyMetersFound:
        return self._self_reading.meters(call, request)

    def report_registers(self, call: Call, request: ReportRegisters) -> OwnReport:
        return self._self_reading.report(call, request)

    def self_reads(self, call: Call, request: FindSelfReads) -> SelfReadsFound:
        return self._self_reading.find(call, request)

    def self_read(self, call: Call, request: SelfReadRef) -> SelfReadRow:
        return self._self_reading.shown(call, request)

    def accept_self_read(self, call: Call, request: DecideSelfRead) -> SelfReadRow:
        return self._self_reading.accept(call, request)

    def refuse_self_read(self, call: Call, request: DecideSelfRead) -> SelfReadRow:
        return self._self_reading.refuse(call, request)

    def follow_self_read(self, call: Call, request: FollowSelfRead) -> SelfReadFollowed:
        return self._self_reading.follow(call, request)

    def tell_reporter(self, call: Call, request: SelfReadRef) -> ReporterTold:
        return self._self_reading.tell(call, request)

    def state_self_read_days(self, call: Call, request: StateSelfReadDays) -> SelfReadDaysFound:
        return self._self_read_days.state(call, request)

    def self_read_days(self, call: Call, request: AskSelfReadDays) -> SelfReadDaysFound:
        return self._self_read_days.found(call, request)

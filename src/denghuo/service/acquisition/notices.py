"""What is told before a disconnection: recorded, and looked at when one is asked for and when it is due."""

from datetime import datetime

from denghuo.data.processing.work import Work
from denghuo.kernel.contract import Call
from denghuo.kernel.problem import Text, text
from denghuo.service.acquisition.api import (
    AskSwitchingPolicies,
    DisconnectionNotice,
    FindNotices,
    MeterNotCollected,
    NoticeRefused,
    NoticesFound,
    OutsideScope,
    RecordNotice,
    SetSwitchingPolicy,
    SwitchGround,
    SwitchingPolicies,
    SwitchingPolicy,
)
from denghuo.service.acquisition.api.notice import NoticeOperations
from denghuo.service.acquisition.rules import PRESET, Terms, terms_on, untold
from denghuo.service.acquisition.store.collecting import CollectionStore
from denghuo.service.acquisition.store.notices import NoticeStore


class Notices:
    """Notices that go ahead of a disconnection (停电告知), and what is wanted of them."""

    def __init__(self, work: Work) -> None:
        self._work, self._store = work, NoticeStore(work)

    def terms(self, call: Call, org: str) -> Terms:
        return terms_on(self._store.policies(), org, call.today)

    def untold(self, call: Call, meter_no: str, org: str, ground: SwitchGround, due: bool) -> list[Text]:
        return untold(self.terms(call, org), ground, self._store.given(meter_no), call.now, due)

    def record(self, call: Call, request: RecordNotice) -> DisconnectionNotice:
        place = CollectionStore(self._work).place(request.meter_no, call.now)
        if place is None:
            raise MeterNotCollected(
                text(
                    f"表 {request.meter_no} 不在任何终端下，或不在您的管辖范围内，无法远程停电。",
                    f"Meter {request.meter_no} is behind no terminal, or outside your scope; it cannot be disconnected from afar.",
                ),
                meter_no=request.meter_no,
            )
        if request.given_at > call.now:
            raise NoticeRefused(
                text(
                    "送达时间晚于现在；通知送达之后再登记。",
                    "It was given later than now; record it once it was given.",
                ),
                field="given_at",
                value=request.given_at.isoformat(),
            )
        return self._store.record(request, place["org"], call.actor, call.now)

    def find(self, call: Call, request: FindNotices) -> NoticesFound:
        rows = self._store.find(request)
        following = str(rows[-1].notice_no) if len(rows) == request.limit else None
        return NoticesFound(rows=rows, next=following, as_of=call.now)

    def set_policy(self, call: Call, request: SetSwitchingPolicy) -> SwitchingPolicy:
        if not call.covers(request.org):
            raise OutsideScope(
                text(f"单位 {request.org} 不在您的管辖范围内。", f"Unit {request.org} is outside your scope."),
                org=request.org,
            )
        if request.effective_from < call.today:
            raise NoticeRefused(
                text("规定自今天或以后的日期起生效。", "A policy begins today or later."),
                field="effective_from",
                value=str(request.effective_from),
            )
        return self._store.set_policy(request, call.actor, call.now)

    def policies(self, now: datetime) -> SwitchingPolicies:
        return SwitchingPolicies(
            rows=self._store.policies(),
            notice_days=PRESET.notice_days,
            call_minutes=PRESET.call_minutes,
            source=PRESET.source,
            as_of=now,
        )


class NoticePart(NoticeOperations):
    """The operations of a service that keeps `_notices`."""

    _notices: Notices

    def record_notice(self, call: Call, request: RecordNotice) -> DisconnectionNotice:
        return self._notices.record(call, request)

    def notices(self, call: Call, request: FindNotices) -> NoticesFound:
        return self._notices.find(call, request)

    def set_switching_policy(self, call: Call, request: SetSwitchingPolicy) -> SwitchingPolicy:
        return self._notices.set_policy(call, request)

    def switching_policies(self, call: Call, request: AskSwitchingPolicies) -> SwitchingPolicies:
        return self._notices.policies(call.now)

"""What is told before a disconnection: recorded, and looked at when one is asked for and when it is due."""

from collections.abc import Sequence
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
    RecordNotice,
    SetSwitchingPolicy,
    SwitchGround,
    SwitchingPolicies,
    SwitchingPolicy,
)
from denghuo.service.acquisition.api.notice import NoticeOperations
from denghuo.service.acquisition.refusals import set_from
from denghuo.service.acquisition.rules import KIND_OF_TEMPLATE, PRESET, Terms, terms_on, untold
from denghuo.service.acquisition.store.collecting import CollectionStore
from denghuo.service.acquisition.store.notices import NoticeStore
from denghuo.service.host.binding import Ask
from denghuo.service.notice.api import SentNotice
from denghuo.service.point.api import FindPoints, PointApi


def holder_of(ask: Ask, call: Call, meter_no: str) -> str | None:
    """The account whose meter it is; None where the meter stands at no customer's point."""
    rows = ask(PointApi).find_points(call.only("point.read"), FindPoints(keyword=meter_no, limit=200)).rows
    return next((row.account_no for row in rows if row.meter_no == meter_no and row.account_no), None)


class Notices:
    """Notices that go ahead of a disconnection (停电告知), and what is wanted of them."""

    def __init__(self, work: Work, ask: Ask) -> None:
        self._work, self._ask, self._store = work, ask, NoticeStore(work)

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
        if request.way == "inbox":
            raise NoticeRefused(
                text(
                    "站内消息发出时自动登记，无需手工登记；请选择实际采用的其他方式。",
                    "What goes to an inbox is recorded by itself; choose the way in which the customer was told besides.",
                ),
                field="way",
                value=request.way,
            )
        return self._store.record(request, place["org"], call.actor, call.now)

    def take_sent(self, call: Call, sent: Sequence[SentNotice]) -> None:
        """Messages to customers went out (the event handler's work): those of disconnection are recorded, each once. What tells one
        customer of another's meter tells nobody."""
        told = [
            one
            for one in sent
            if one.template in KIND_OF_TEMPLATE
            and holder_of(self._ask, call, one.parameters["meter_no"]) == one.account_no
        ]
        collecting = CollectionStore(self._work)
        for one in told:
            meter_no = one.parameters["meter_no"]
            place = collecting.place(meter_no, call.now)
            if place is not None:
                kind = KIND_OF_TEMPLATE[one.template]
                self._store.record_sent(one, kind, meter_no, place["org"], call.actor, call.now)

    def find(self, call: Call, request: FindNotices) -> NoticesFound:
        rows = self._store.find(request)
        following = str(rows[-1].notice_no) if len(rows) == request.limit else None
        return NoticesFound(rows=rows, next=following, as_of=call.now)

    def set_policy(self, call: Call, request: SetSwitchingPolicy) -> SwitchingPolicy:
        said = text("规定自今天或以后的日期起生效。", "A policy begins today or later.")
        set_from(call, request.org, request.effective_from, NoticeRefused, said)
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

"""Acquisition: implementation of the contract."""

from denghuo.data.processing.work import Work
from denghuo.kernel.contract import Call
from denghuo.kernel.problem import text
from denghuo.service.acquisition.alarm_routes import AlarmRoutePart, AlarmRouting
from denghuo.service.acquisition.alarms import AlarmPart, Alarms
from denghuo.service.acquisition.api import (
    FIELDS_MAX,
    AcquisitionApi,
    AnswerOrders,
    BrokersFound,
    Decode,
    Decoded,
    FindBrokers,
    OrdersAnswered,
)
from denghuo.service.acquisition.collecting import Collecting, CollectionPart
from denghuo.service.acquisition.keys import APPROVAL as KEY_APPROVAL
from denghuo.service.acquisition.keys import KeyPart, Keys
from denghuo.service.acquisition.notices import NoticePart, Notices
from denghuo.service.acquisition.orders import OrderPart, Orders
from denghuo.service.acquisition.protocol.catalogue import bytes_of, explained
from denghuo.service.acquisition.records import RecordPart, Records
from denghuo.service.acquisition.roll_outs import APPROVAL as ROLL_OUT_APPROVAL
from denghuo.service.acquisition.roll_outs import RollOutPart, RollOuts, as_said
from denghuo.service.acquisition.rules import shown
from denghuo.service.acquisition.store.brokers import BrokerStore
from denghuo.service.acquisition.switchings import APPROVAL as SWITCHING_APPROVAL
from denghuo.service.acquisition.switchings import SwitchingPart, Switchings
from denghuo.service.host.binding import Ask
from denghuo.service.notice.api import NoticesSent
from denghuo.service.workflow.api import ApprovalDecided, ApprovalWithdrawn

_WITHDRAWN = text("申请人已撤回", "Withdrawn by who asked")


class AcquisitionService(
    RecordPart,
    CollectionPart,
    AlarmPart,
    AlarmRoutePart,
    OrderPart,
    RollOutPart,
    SwitchingPart,
    KeyPart,
    NoticePart,
    AcquisitionApi,
):
    """Every operation, by what does the work."""

    def __init__(self, work: Work, ask: Ask) -> None:
        self._work = work
        self._records, self._collecting = Records(work), Collecting(work)
        self._alarms, self._orders, self._roll_outs = Alarms(work, ask), Orders(work), RollOuts(work, ask)
        self._notices, self.routing = Notices(work, ask), AlarmRouting(work, ask)
        self._switchings = Switchings(work, ask, self._orders, self._notices)
        self._keys = Keys(work, ask, self._orders)

    def decode(self, call: Call, request: Decode) -> Decoded:
        raw = bytes_of(request.text)
        return shown(raw, explained(raw, request.protocol), FIELDS_MAX)

    def brokers(self, call: Call, request: FindBrokers) -> BrokersFound:
        return BrokersFound(rows=BrokerStore(self._work).find(call.now), as_of=call.now)

    def answer_orders(self, call: Call, request: AnswerOrders) -> OrdersAnswered:
        reply = self._orders.answer(call, request)
        orders = [one.order_no for one in request.answers]
        self._roll_outs.answered(call, orders)
        if reply.answered:
            self._switchings.ended(orders)
            self._keys.answered(call, orders)
        return reply

    def decided(self, call: Call, event: ApprovalDecided) -> None:
        """Carries out the decision of a second person."""
        no = int(event.subject_id)
        if event.kind == ROLL_OUT_APPROVAL:
            self._roll_outs.decided(no, event.agreed, event.decided_by, as_said(event.remark))
        elif event.kind == SWITCHING_APPROVAL:
            self._switchings.decided(call, no, event.agreed, event.decided_by, event.remark)
        elif event.kind == KEY_APPROVAL:
            self._keys.decided(call, no, event.agreed, event.decided_by)

    def withdrawn(self, call: Call, event: ApprovalWithdrawn) -> None:
        """Ends what nobody will decide on, so that it may be asked for anew."""
        no = int(event.subject_id)
        if event.kind == ROLL_OUT_APPROVAL:
            self._roll_outs.decided(no, False, event.withdrawn_by, _WITHDRAWN)
        elif event.kind == SWITCHING_APPROVAL:
            self._switchings.withdrawn(no, event.withdrawn_by, _WITHDRAWN)
        elif event.kind == KEY_APPROVAL:
            self._keys.decided(call, no, False, event.withdrawn_by)

    def take_sent(self, call: Call, event: NoticesSent) -> None:
        self._notices.take_sent(call, event.notices)

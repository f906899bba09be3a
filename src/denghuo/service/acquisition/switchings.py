"""Customers switched off and on from afar: asked for, held against the interlocks, agreed by a second person, held against them
again, ordered, and proven by where the switch is read to be."""

from collections.abc import Mapping
from typing import Any

from denghuo.data.processing.work import Work
from denghuo.kernel.contract import Call
from denghuo.kernel.fields import TextPair
from denghuo.kernel.problem import Text, text
from denghuo.service.acquisition.api import (
    ACTIONS,
    AskOutlook,
    DisconnectionOutlook,
    EndGuard,
    FindGuards,
    FindSwitchings,
    Guard,
    GuardNotFound,
    GuardRefused,
    GuardsFound,
    MeterNotCollected,
    OutsideScope,
    RequestSwitching,
    SetGuard,
    SwitchAction,
    Switching,
    SwitchingBlocked,
    SwitchingEnded,
    SwitchingNotFound,
    SwitchingOpen,
    SwitchingRef,
    SwitchingsFound,
)
from denghuo.service.acquisition.api.switching import SwitchingOperations
from denghuo.service.acquisition.notices import Notices, holder_of
from denghuo.service.acquisition.orders import Orders, possible
from denghuo.service.acquisition.rules import blocks
from denghuo.service.acquisition.store.collecting import CollectionStore
from denghuo.service.acquisition.store.records import RecordStore
from denghuo.service.acquisition.store.switchings import SwitchingStore
from denghuo.service.contract.api import ContractApi, ContractsOf
from denghuo.service.host.binding import Ask
from denghuo.service.workflow.api import RequestApproval, WorkflowApi

APPROVAL, APPROVER = "acquisition.switching", "manager"
ENDED = ("done", "failed", "unknown")


class Switchings:
    """Disconnections and reconnections from the request to what was read back, and the guards against them."""

    def __init__(self, work: Work, ask: Ask, orders: Orders, notices: Notices) -> None:
        self._work, self._ask, self._orders, self._notices = work, ask, orders, notices
        self._store = SwitchingStore(work)

    def request(self, call: Call, request: RequestSwitching) -> Switching:
        account_no, protected = self._account(call, request.meter_no)
        place = self._place(call, request.meter_no, request.action)
        against = self._against(call, request.action, request.meter_no, place["org"], account_no, protected)
        if request.action == "off":
            against += self._notices.untold(call, request.meter_no, place["org"], request.ground, due=False)
        if against:
            raise SwitchingBlocked(
                text(
                    f"表 {request.meter_no} 不得停电：{_joined(against)['zh']}。解除后再申请。",
                    f"Meter {request.meter_no} must not be disconnected: {_joined(against)['en']}. Ask again once that is over.",
                ),
                meter_no=request.meter_no,
                blocks=against,
            )
        under_way = self._store.open_of(request.meter_no)
        no = None if under_way else self._store.ask(request, account_no, place, call.actor, call.now)
        if no is None:
            raise SwitchingOpen(
                text(
                    f"表 {request.meter_no} 的停复电 {under_way} 尚未办结，请等它办结。",
                    f"Switching {under_way} of meter {request.meter_no} is not over; wait for it.",
                ),
                meter_no=request.meter_no,
                switching_no=under_way,
            )
        if self._alone(call, request, place["org"]):
            self._order(call, self._known(no), call.actor)
        else:
            self._ask_approval(call, no, request, place["org"])
        return self._known(no)

    def outlook(self, call: Call, request: AskOutlook) -> DisconnectionOutlook:
        account_no, protected = self._account(call, request.meter_no)
        org = self._place(call, request.meter_no, "off")["org"]
        against = self._against(call, "off", request.meter_no, org, account_no, protected)
        terms = self._notices.terms(call, org)
        told = request.ground != "customer_request"
        return DisconnectionOutlook(
            meter_no=request.meter_no,
            account_no=account_no,
            org=org,
            against=[TextPair(**one) for one in against],
            notice_days=terms.notice_days if told else 0,
            call_minutes=terms.call_minutes if told else 0,
            as_of=call.now,
        )

    def _place(self, call: Call, meter_no: str, action: SwitchAction) -> Mapping[str, Any]:
        """Where a meter is that can be switched so from afar."""
        place = CollectionStore(self._work).place(meter_no, call.now)
        if place is None:
            raise MeterNotCollected(
                text(
                    f"表 {meter_no} 不在任何终端下，或不在您的管辖范围内，无法远程停复电。",
                    f"Meter {meter_no} is behind no terminal, or outside your scope; it cannot be switched from afar.",
                ),
                meter_no=meter_no,
            )
        terminal = RecordStore(self._work).terminal(place["terminal_no"], call.now)
        if terminal is not None:
            possible(f"switch_{action}", terminal)
        return place

    def _alone(self, call: Call, request: RequestSwitching, org: str) -> bool:
        """Whether a policy lets a customer who paid under fee control be reconnected without a second person."""
        paid = request.action == "on" and request.ground == "fee_control"
        return paid and self._notices.terms(call, org).reconnect_alone

    def _ask_approval(self, call: Call, no: int, request: RequestSwitching, org: str) -> None:
        what = ACTIONS.entries[request.action]
        asked = RequestApproval(
            kind=APPROVAL,
            subject_noun="acquisition",
            subject_id=str(no),
            title=TextPair(zh=f"{what['zh']}：表 {request.meter_no}", en=f"{what['en']}: meter {request.meter_no}"),
            org=org,
            role=APPROVER,
            payload={"switching_no": no, "meter_no": request.meter_no, "action": request.action},
            remark=request.reason,
        )
        self._store.asked(no, self._ask(WorkflowApi).request_approval(call.only("workflow.raise"), asked).approval_no)

    def _account(self, call: Call, meter_no: str) -> tuple[str | None, bool]:
        """Whose meter it is, and whether a contract protects that customer; nobody's where the meter stands at no point."""
        account_no = holder_of(self._ask, call, meter_no)
        if account_no is None:
            return None, False
        contracts = (
            self._ask(ContractApi).contracts_of(call.only("contract.read"), ContractsOf(account_no=account_no)).rows
        )
        return account_no, any(contract.protected for contract in contracts)

    def _against(
        self, call: Call, action: SwitchAction, meter_no: str, org: str, account_no: str | None, protected: bool
    ) -> list[Text]:
        unknown = text(
            "该表不在任何用户的计量点，无法核实保电",
            "the meter is at no customer's point, so protection cannot be checked",
        )
        found = [unknown] if account_no is None and action == "off" else []
        return found + blocks(action, meter_no, org, call.today, self._store.on(call.today), protected)

    def decided(self, call: Call, no: int, agreed: bool, by: str, remark: str) -> None:
        """Carries out the decision. What stands against it by now blocks it, whoever agreed."""
        one = self._known(no)
        if not agreed:
            self._end(no, "refused", by, text(remark, remark))
            return
        account_no, protected = self._account(call, one.meter_no)
        against = self._against(call, one.action, one.meter_no, one.org, account_no, protected)
        if one.action == "off":
            against += self._notices.untold(call, one.meter_no, one.org, one.ground, due=True)
        if against:
            self._end(no, "blocked", by, _joined(against))
        else:
            self._order(call, one, by)

    def _order(self, call: Call, one: Switching, by: str) -> None:
        terminal = RecordStore(self._work).terminal(one.terminal_no, call.now)
        if self._store.decide(one.switching_no, "ordered", by) and terminal is not None:
            kind = "switch_on" if one.action == "on" else "switch_off"
            place = {"meter_no": one.meter_no, **self._store.place(one.switching_no)}
            order = self._orders.give(call, kind, terminal, {}, place)
            self._store.ordered(one.switching_no, order.order_no)
            self.ended([order.order_no])

    def withdrawn(self, no: int, by: str, said: Text) -> None:
        """Who asked took it back."""
        self._end(no, "refused", by, said)

    def _end(self, no: int, state: str, by: str, said: Text) -> None:
        """Ends one that was not ordered."""
        if self._store.decide(no, state, by, said):
            self._tell(self._known(no))

    def ended(self, orders: list[str]) -> None:
        """Tells of switchings whose orders were settled."""
        for one in self._store.of_orders(orders):
            if one.state in ENDED:
                self._tell(one)

    def _tell(self, one: Switching) -> None:
        self._work.emit(
            SwitchingEnded(
                switching_no=one.switching_no,
                meter_no=one.meter_no,
                account_no=one.account_no,
                org=one.org,
                action=one.action,
                state=one.state,
            )
        )

    def switching(self, no: int) -> Switching:
        return self._known(no)

    def find(self, call: Call, request: FindSwitchings) -> SwitchingsFound:
        rows = self._store.find(request)
        following = str(rows[-1].switching_no) if len(rows) == request.limit else None
        return SwitchingsFound(rows=rows, next=following, as_of=call.now)

    def _known(self, no: int) -> Switching:
        found = self._store.switching(no)
        if found is None:
            raise SwitchingNotFound(
                text(
                    f"停复电 {no} 不存在，或不在您的管辖范围内。",
                    f"Switching {no} does not exist or is outside your scope.",
                ),
                switching_no=no,
            )
        return found

    # -- guards ----------------------------------------------------------------------------------------------------------

    def set_guard(self, call: Call, request: SetGuard) -> Guard:
        if not call.covers(request.org):
            raise OutsideScope(
                text(f"单位 {request.org} 不在您的管辖范围内。", f"Unit {request.org} is outside your scope."),
                org=request.org,
            )
        if request.last_day is not None and request.last_day < request.first_day:
            _refuse(
                "last_day",
                str(request.last_day),
                "截止日期早于起始日期，请更正。",
                "It ends before it begins; mend the days.",
            )
        if request.kind == "protected" and request.meter_no is None:
            _refuse("meter_no", "", "保电用户请填写表号。", "Name the meter of the protected customer.")
        return self._store.set_guard(request, call.actor, call.now)

    def end_guard(self, call: Call, request: EndGuard) -> Guard:
        found = self._store.guard(request.guard_no)
        if found is None or not call.covers(found.org):
            raise GuardNotFound(
                text(
                    f"闭锁 {request.guard_no} 不存在，或不在您的管辖范围内。",
                    f"Guard {request.guard_no} does not exist or is outside your scope.",
                ),
                guard_no=request.guard_no,
            )
        if request.ends_on <= found.first_day or (found.last_day is not None and request.ends_on > found.last_day):
            _refuse(
                "ends_on",
                str(request.ends_on),
                f"闭锁自 {found.first_day} 起，请选择其有效期内、起始日之后的日期。",
                f"The guard holds from {found.first_day}; choose a later day on which it holds.",
            )
        self._store.end_guard(request)
        return self._store.guard(request.guard_no) or found

    def guards(self, call: Call, request: FindGuards) -> GuardsFound:
        above = [unit.rsplit(".", depth)[0] for unit in call.scope for depth in range(1, unit.count(".") + 1)]
        rows = self._store.guards(request, above)
        following = str(rows[-1].guard_no) if len(rows) == request.limit else None
        return GuardsFound(rows=rows, next=following, as_of=call.now)


class SwitchingPart(SwitchingOperations):
    """The operations of a service that keeps `_switchings`."""

    _switchings: Switchings

    def request_switching(self, call: Call, request: RequestSwitching) -> Switching:
        return self._switchings.request(call, request)

    def disconnection_outlook(self, call: Call, request: AskOutlook) -> DisconnectionOutlook:
        return self._switchings.outlook(call, request)

    def switching(self, call: Call, request: SwitchingRef) -> Switching:
        return self._switchings.switching(request.switching_no)

    def switchings(self, call: Call, request: FindSwitchings) -> SwitchingsFound:
        return self._switchings.find(call, request)

    def set_guard(self, call: Call, request: SetGuard) -> Guard:
        return self._switchings.set_guard(call, request)

    def end_guard(self, call: Call, request: EndGuard) -> Guard:
        return self._switchings.end_guard(call, request)

    def guards(self, call: Call, request: FindGuards) -> GuardsFound:
        return self._switchings.guards(call, request)


def _joined(against: list[Text]) -> Text:
    return text("；".join(one["zh"] for one in against), "; ".join(one["en"] for one in against))


def _refuse(field: str, value: str, zh: str, en: str) -> None:
    raise GuardRefused(text(zh, en), field=field, value=value)

"""Interruptions under fee control (费控停复电): the notice, the call on the day, the disconnection that a second person agrees to,
and the reconnection of who paid. What stands against a disconnection and what must be told before is acquisition's to say."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Literal

from denghuo.data.processing.work import Work
from denghuo.kernel.contract import Call
from denghuo.kernel.problem import Problem, Text, text
from denghuo.service.acquisition.api import (
    AcquisitionApi,
    AskOutlook,
    DisconnectionOutlook,
    MeterNotCollected,
    OrderNotPossible,
    RequestSwitching,
    SwitchAction,
    Switching,
    SwitchingBlocked,
    SwitchingEnded,
    SwitchingOpen,
    SwitchingRef,
)
from denghuo.service.host.binding import Ask
from denghuo.service.ledger.api import FallenBalance, FindBalances, LedgerApi
from denghuo.service.notice.api import NewNotice, NoticeApi, Send
from denghuo.service.payment.api import FindInterruptions, Interruption, InterruptionsFound, InterruptionState, StepDone
from denghuo.service.payment.rules.interruptions import after, morning, next_of
from denghuo.service.payment.store.interruptions import NOTHING, InterruptionStore
from denghuo.service.point.api import MetersIn, PointApi
from denghuo.service.workflow.api import AlreadyDecided, ApprovalRef, WorkflowApi

FOLLOW = "payment.follow_interruptions"
A_STEP = 50
DECIDED_WITHIN = timedelta(hours=1)
"""Until a disconnection that a person decides on is looked at again, should its event be lost."""
RECONNECT_AGAIN = timedelta(minutes=5)
ENDED = ("done", "failed", "unknown", "blocked", "refused")
Refused = (MeterNotCollected, OrderNotPossible, SwitchingBlocked, SwitchingOpen)
_PAID = text("余额已恢复", "The balance was restored")
_REASONS = {"off": "费控余额用尽，按规定停电", "on": "费控余额已恢复，复电"}
_AGAIN = text("复电未成功，将再次下发", "The reconnection did not come through; it is ordered again")
_ANOTHER_DAY = text("停电未执行，次日再办", "It was not carried out; the next day again")
_NOTES = {
    ("off", "refused"): text("停电申请未获同意，不再自动申请", "It was not agreed to and is not asked for again"),
    ("off", "unknown"): text("停电命令结果不明，请现场核实", "It is not known what became of the order; look on site"),
    ("off", "failed"): _ANOTHER_DAY,
    ("off", "blocked"): _ANOTHER_DAY,
    ("on", "refused"): text("复电申请未获同意", "The reconnection was not agreed to"),
    ("on", "failed"): _AGAIN,
    ("on", "unknown"): _AGAIN,
}


class Interruptions:
    """What becomes of customers whose balance is used up. Everything here is asked for by the platform itself."""

    def __init__(self, work: Work, ask: Ask) -> None:
        self._work, self._ask, self._store = work, ask, InterruptionStore(work)
        self._ordered = set[datetime]()

    # -- what is heard ---------------------------------------------------------------------------------------------------

    def used_up(self, call: Call, accounts: Sequence[FallenBalance]) -> None:
        """Balances were used up. Protected customers are told by the ledger and not disconnected."""
        meters = self._meters(call, [one for one in accounts if not one.protected])
        newest = set(self._store.hear(accounts, exhausted=True))
        if self._store.open([one for one in meters if one[0] in newest], call.now):
            self._follow_at(call, call.now)

    def restored(self, call: Call, accounts: Sequence[FallenBalance]) -> None:
        """Balances came up again."""
        if self._store.hasten(self._store.hear(accounts, exhausted=False), call.now):
            self._follow_at(call, call.now)

    def switched(self, call: Call, event: SwitchingEnded) -> None:
        """A meter was switched, or was not."""
        one = self._store.of_switching(event.switching_no, event.meter_no)
        mine = one is not None and one.switching_no == event.switching_no
        if one is not None and (mine or (event.action == "on" and event.state == "done")):
            self._ended(_platform(call), one, event.action, event.state)

    def _meters(self, call: Call, accounts: Sequence[FallenBalance]) -> list[tuple[str, str, str]]:
        """Of accounts: account, meter, unit of each meter that supplies now."""
        if not accounts:
            return []
        asked = MetersIn(month=f"{call.today:%Y-%m}", account_nos=[one.account_no for one in accounts])
        return [
            (row.account_no, row.meter_no, row.org)
            for row in self._ask(PointApi).meters_in(_platform(call).only("point.read"), asked).rows
            if row.account_no and (row.role, row.direction) == ("sale", "fwd") and row.from_at <= call.now < row.to_at
        ]

    # -- what is due -----------------------------------------------------------------------------------------------------

    def follow(self, call: Call) -> StepDone:
        due = self._store.due(call.now, A_STEP)
        for one in due:
            self._go_on(_platform(call), one)
        return StepDone(again=len(due) == A_STEP, done=len(due))

    def find(self, call: Call, request: FindInterruptions) -> InterruptionsFound:
        rows, counts = self._store.find(request)
        following = str(rows[-1].interruption_no) if len(rows) == request.limit else None
        return InterruptionsFound(rows=rows, **counts, next=following, as_of=call.now)

    def _go_on(self, call: Call, one: Interruption) -> None:
        step = next_of(one.state, one.paid)
        try:
            if step == "end" or (step in ("tell", "call", "ask") and not self._used_up(call, one)):
                self._move(call, one, "closed", note=_PAID)
            elif step in ("tell", "call"):
                self._tell(call, one, step)
            elif step == "ask":
                self._disconnect(call, one)
            elif step == "reconnect":
                self._reconnect(call, one)
            elif step in ("look", "withdraw"):
                self._look(call, one, withdraw=step == "withdraw")
            else:
                self._move(call, one, one.state, note=_said(one))
        except Refused as problem:
            self._put_off(call, one, problem)

    def _used_up(self, call: Call, one: Interruption) -> bool:
        """Whether the ledger still says so: what it told may be on its way, and fee control may have ended."""
        asked = FindBalances(account_no=one.account_no)
        rows = self._ask(LedgerApi).fee_balances(call.only("ledger.read"), asked).rows
        return any(row.level == "exhausted" for row in rows)

    def _tell(self, call: Call, one: Interruption, step: Literal["tell", "call"]) -> None:
        """Tells the customer, where nothing stands against the disconnection, and waits as long as is asked for."""
        asked = AskOutlook(meter_no=one.meter_no, ground="fee_control")
        outlook = self._ask(AcquisitionApi).disconnection_outlook(call.only("acquisition.read"), asked)
        if outlook.against:
            self._tomorrow(call, one, one.state, _joined(outlook))
        elif step == "tell":
            first_day = call.today + timedelta(days=outlook.notice_days)
            self._send(call, one, "disconnection_notice", "notice", first_day=str(first_day))
            self._move(call, one, "noticed", max(call.now, morning(first_day)))
        elif outlook.call_minutes:
            self._send(call, one, "disconnection_call", f"call-{call.today}")
            self._move(call, one, "called", call.now + timedelta(minutes=outlook.call_minutes))
        else:
            self._disconnect(call, one)

    def _disconnect(self, call: Call, one: Interruption) -> None:
        reply = self._order(call, one, "off", f"off-{call.today}")
        self._move(call, one, "asked", call.now + DECIDED_WITHIN, switching_no=reply.switching_no)

    def _reconnect(self, call: Call, one: Interruption) -> None:
        reply = self._order(call, one, "on", f"on-{call.now:%Y%m%d%H%M}")
        self._move(call, one, "restoring", call.now + RECONNECT_AGAIN, switching_no=reply.switching_no)

    def _order(self, call: Call, one: Interruption, action: SwitchAction, key: str) -> Switching:
        asked = RequestSwitching(meter_no=one.meter_no, action=action, ground="fee_control", reason=_REASONS[action])
        keyed = call.only("acquisition.switch").keyed(f"interruption-{one.interruption_no}-{key}")
        return self._ask(AcquisitionApi).request_switching(keyed, asked)

    def _look(self, call: Call, one: Interruption, withdraw: bool) -> None:
        """Sees what became of a switching, should its event be lost; takes back what nobody decided on where it need not be."""
        asked = SwitchingRef(switching_no=one.switching_no or 0)
        known = self._ask(AcquisitionApi).switching(call.only("acquisition.read"), asked)
        if known.state in ENDED:
            self._ended(call, one, known.action, known.state)
            return
        if withdraw and known.state == "waiting" and known.approval_no is not None:
            # Where another person was quicker, what comes of it is told.
            with suppress(AlreadyDecided):
                self._ask(WorkflowApi).withdraw(call.only("workflow.act"), ApprovalRef(approval_no=known.approval_no))
        again = DECIDED_WITHIN if known.state == "waiting" and not one.paid else RECONNECT_AGAIN
        self._move(call, one, one.state, call.now + again)

    def _ended(self, call: Call, one: Interruption, action: SwitchAction, outcome: str) -> None:
        state = after(one.state, action, outcome)
        if state is None:
            return
        due_at = None
        if one.paid and state != "closed" and (action, outcome) != ("on", "refused"):
            due_at = call.now + (RECONNECT_AGAIN if action == "on" else timedelta())
        elif state == "noticed":
            due_at = morning(call.today + timedelta(days=1))
        if not self._move(call, one, state, due_at, _NOTES.get((action, outcome), NOTHING)):
            return
        if outcome == "done":
            template = "supply_interrupted" if action == "off" else "supply_restored"
            self._send(call, one, template, template)
        if state == "closed" and not one.paid:
            # The balance was used up again meanwhile, or somebody reconnected who did not wait for it: it begins anew.
            self._store.open([(one.account_no, one.meter_no, one.org)], call.now)
            self._follow_at(call, call.now)

    # -- parts -----------------------------------------------------------------------------------------------------------

    def _put_off(self, call: Call, one: Interruption, problem: Problem) -> None:
        """What cannot be done now is tried again: a reconnection soon, a disconnection the next day."""
        if one.paid:
            self._move(call, one, one.state, call.now + RECONNECT_AGAIN, problem.detail)
        else:
            # The call of one day does for no other.
            self._tomorrow(call, one, "noticed" if one.state == "called" else one.state, problem.detail)

    def _tomorrow(self, call: Call, one: Interruption, state: InterruptionState, note: Text) -> None:
        self._move(call, one, state, morning(call.today + timedelta(days=1)), note)

    def _send(self, call: Call, one: Interruption, template: str, key: str, **more: str) -> None:
        notice = NewNotice(
            template=template,
            account_no=one.account_no,
            org=one.org,
            parameters={"account_no": one.account_no, "meter_no": one.meter_no, **more},
            key=f"interruption-{one.interruption_no}-{key}",
        )
        self._ask(NoticeApi).send(call.only("notice.send"), Send(notices=[notice]))

    def _move(
        self,
        call: Call,
        one: Interruption,
        state: InterruptionState,
        due_at: datetime | None = None,
        note: Text = NOTHING,
        switching_no: int | None = None,
    ) -> bool:
        moved = self._store.move(one, state, call.now, due_at, note, switching_no)
        if moved and due_at is not None:
            self._follow_at(call, due_at)
        return moved

    def _follow_at(self, call: Call, at: datetime) -> None:
        """Orders the next step, once for each instant."""
        if at not in self._ordered:
            self._ordered.add(at)
            self._work.enqueue(FOLLOW, {}, at if at > call.now else None)


def _platform(call: Call) -> Call:
    """Whoever's event or job it is: nobody but the platform asks, so that any person may decide."""
    return Call.system(call.now)


def _joined(outlook: DisconnectionOutlook) -> Text:
    return text("；".join(one.zh for one in outlook.against), "; ".join(one.en for one in outlook.against))


def _said(one: Interruption) -> Text:
    return text(one.note.zh, one.note.en)

"""Orders to groups of terminals: asked for, agreed by a second person, carried out a few at a time, halted by failures, resumed."""

from typing import Any

from denghuo.data.processing.work import Work
from denghuo.kernel.contract import Call
from denghuo.kernel.fields import TextPair
from denghuo.kernel.problem import Text, text
from denghuo.service.acquisition.api import (
    ROLL_OUT_KINDS,
    FindMembers,
    FindRollOuts,
    MembersFound,
    NothingToRollOut,
    ReasonedRollOut,
    RollOut,
    RollOutNotFound,
    RollOutRef,
    RollOutsFound,
    StartRollOut,
    WrongRollOutState,
)
from denghuo.service.acquisition.api.roll_out import RollOutOperations
from denghuo.service.acquisition.refusals import covered
from denghuo.service.acquisition.rules import parameter_value, rates_of
from denghuo.service.acquisition.store.roll_outs import RollOutStore
from denghuo.service.host.binding import Ask
from denghuo.service.workflow.api import RequestApproval, WorkflowApi

APPROVAL, APPROVER = "acquisition.roll_out", "manager"
LOOKS_ONLY = ("check_clock",)
"""What changes nothing at a terminal needs no second person."""


def as_said(words: str) -> Text:
    """What a person wrote stands in his language for every reader."""
    return text(words, words)


class RollOuts:
    """Orders to groups of terminals, from the request to the last answer."""

    def __init__(self, work: Work, ask: Ask) -> None:
        self._work, self._ask, self._store = work, ask, RollOutStore(work)

    def start(self, call: Call, request: StartRollOut) -> RollOut:
        """Begins a roll-out, or puts it before another person. Raises OutsideScope, or NothingToRollOut."""
        content: dict[str, Any] = {}
        if request.kind == "set_times":
            content = {"rates": rates_of(request.parts), "parts": [part.model_dump() for part in request.parts]}
        elif request.kind == "set_parameter":
            content = {"parameter": request.parameter, "value": parameter_value(request.parameter, request.value)}
        org = request.org or next((unit for unit in call.scope if unit), "0")
        if request.org is not None:
            covered(call, org)
        state = "running" if request.kind in LOOKS_ONLY else "waiting"
        no = self._store.start(request, content, org, state, call.actor, call.now)
        if not no:
            raise NothingToRollOut(
                text("没有符合条件的在用终端，请放宽条件。", "No terminal in use fits; widen the group."),
            )
        if state == "waiting":
            self._ask_approval(call, no, request, org)
        return self._known(no)

    def _ask_approval(self, call: Call, no: int, request: StartRollOut, org: str) -> None:
        found, what = self._known(no), ROLL_OUT_KINDS.entries[request.kind]
        asked = RequestApproval(
            kind=APPROVAL,
            subject_noun="acquisition",
            subject_id=str(no),
            title=TextPair(
                zh=f"{what['zh']}，{found.terminals} 台终端", en=f"{what['en']}: {found.terminals} terminals"
            ),
            org=org,
            role=APPROVER,
            payload={"roll_out_no": no, "terminals": found.terminals, "reason": request.reason},
            remark=request.reason,
        )
        self._store.asked(no, self._ask(WorkflowApi).request_approval(call.only("workflow.raise"), asked).approval_no)

    def decided(self, no: int, agreed: bool, by: str, remark: Text) -> None:
        self._store.decided(no, "running" if agreed else "refused", by, remark)

    def advance(self, call: Call, no: int) -> RollOut:
        """Takes over what was answered, halts it or ends it, or gives the next orders."""
        self._store.hold(no)
        self._store.settle(no)
        one = self._known(no)
        if one.state != "running":
            return one
        if one.failed > one.errors_max:
            self._store.move(
                no,
                "halted",
                text(
                    f"失败 {one.failed} 台，超过允许的 {one.errors_max} 台",
                    f"{one.failed} failed, where {one.errors_max} were allowed",
                ),
            )
        elif not one.pending and not one.ordered:
            self._store.move(no, "done", text(one.note.zh, one.note.en), call.now)
        elif one.pending and one.ordered < one.at_once:
            self._store.order(one, self._store.content(no), one.at_once - one.ordered, call.now)
        return self._known(no)

    def answered(self, call: Call, orders: list[str]) -> None:
        for no in self._store.of_orders(orders):
            self.advance(call, no)

    def halt(self, request: ReasonedRollOut) -> RollOut:
        self._in("running", request.roll_out_no)
        self._store.move(request.roll_out_no, "halted", as_said(request.reason))
        return self._known(request.roll_out_no)

    def resume(self, call: Call, request: ReasonedRollOut) -> RollOut:
        """Terminals that failed are tried again; those that are done stay done."""
        self._in("halted", request.roll_out_no)
        self._store.try_again(request.roll_out_no)
        self._store.move(request.roll_out_no, "running", as_said(request.reason))
        return self.advance(call, request.roll_out_no)

    def find(self, call: Call, request: FindRollOuts) -> RollOutsFound:
        rows = self._store.roll_outs(request)
        following = str(rows[-1].roll_out_no) if len(rows) == request.limit else None
        return RollOutsFound(rows=rows, next=following, as_of=call.now)

    def members(self, call: Call, request: FindMembers) -> MembersFound:
        self._known(request.roll_out_no)
        rows = self._store.members(request)
        following = rows[-1].terminal_no if len(rows) == request.limit else None
        return MembersFound(rows=rows, next=following, as_of=call.now)

    def roll_out(self, no: int) -> RollOut:
        return self._known(no)

    def _in(self, state: str, no: int) -> None:
        self._store.hold(no)
        found = self._known(no)
        if found.state != state:
            raise WrongRollOutState(
                text(
                    f"下发任务 {no} 的状态是 {found.state}，不能这样办理。",
                    f"Roll-out {no} is {found.state}; this is not possible now.",
                ),
                roll_out_no=no,
                state=found.state,
            )

    def _known(self, no: int) -> RollOut:
        found = self._store.roll_out(no)
        if found is None:
            raise RollOutNotFound(
                text(
                    f"下发任务 {no} 不存在，或不在您的管辖范围内。",
                    f"Roll-out {no} does not exist or is outside your scope.",
                ),
                roll_out_no=no,
            )
        return found


class RollOutPart(RollOutOperations):
    """The operations of a service that keeps `_roll_outs`."""

    _roll_outs: RollOuts

    def start_roll_out(self, call: Call, request: StartRollOut) -> RollOut:
        return self._roll_outs.start(call, request)

    def roll_outs(self, call: Call, request: FindRollOuts) -> RollOutsFound:
        return self._roll_outs.find(call, request)

    def roll_out(self, call: Call, request: RollOutRef) -> RollOut:
        return self._roll_outs.roll_out(request.roll_out_no)

    def roll_out_members(self, call: Call, request: FindMembers) -> MembersFound:
        return self._roll_outs.members(call, request)

    def halt_roll_out(self, call: Call, request: ReasonedRollOut) -> RollOut:
        return self._roll_outs.halt(request)

    def resume_roll_out(self, call: Call, request: ReasonedRollOut) -> RollOut:
        return self._roll_outs.resume(call, request)

    def advance_roll_out(self, call: Call, request: RollOutRef) -> RollOut:
        return self._roll_outs.advance(call, request.roll_out_no)

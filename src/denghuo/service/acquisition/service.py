"""Acquisition: implementation of the contract."""

import uuid
from datetime import timedelta

from denghuo.data.processing.bulk import write_possible
from denghuo.data.processing.work import Work
from denghuo.kernel.batch import BatchTaken, RefusedItem, taken_elsewhere
from denghuo.kernel.contract import Call
from denghuo.kernel.problem import text
from denghuo.kernel.values import Percent
from denghuo.service.acquisition.alarm_routes import AlarmRoutePart, AlarmRouting
from denghuo.service.acquisition.alarms import Alarms
from denghuo.service.acquisition.api import (
    FIELDS_MAX,
    AcquisitionApi,
    Alarm,
    AlarmDetail,
    AlarmRef,
    AlarmsFound,
    AmendTerminal,
    AnswerOrders,
    AnswerReads,
    AskOutlook,
    AskSuccess,
    AssignMeters,
    BrokersFound,
    CloseAlarm,
    CollectedTaken,
    CollectionStarted,
    CurvesCollected,
    DayNotOver,
    Decode,
    Decoded,
    DisconnectionOutlook,
    EndGuard,
    EndpointTaken,
    EventsFound,
    EventsTaken,
    FindAlarms,
    FindBrokers,
    FindEvents,
    FindGuards,
    FindKeys,
    FindLeft,
    FindMembers,
    FindOrders,
    FindReads,
    FindRollOuts,
    FindStrangers,
    FindSwitchings,
    FindTerminals,
    FindWork,
    Guard,
    GuardsFound,
    KeysFound,
    LeftFound,
    MembersFound,
    MeterKey,
    MeterNotCollected,
    NewTerminal,
    NewTerminalMeter,
    NotDialled,
    NotMonthEnd,
    OnDemandRead,
    Order,
    OrderClock,
    OrderEvents,
    OrderRef,
    OrdersAnswered,
    OrdersFound,
    OutsideScope,
    ReadNotFound,
    ReadNow,
    ReadRef,
    ReadsAnswered,
    ReadsFound,
    ReasonedRollOut,
    RecordRefused,
    RegistersCollected,
    RegisterTerminals,
    RequestSwitching,
    RollOut,
    RollOutRef,
    RollOutsFound,
    SetGuard,
    StartCollection,
    StartRollOut,
    StrangersFound,
    SuccessBoard,
    Switching,
    SwitchingRef,
    SwitchingsFound,
    TakeCollected,
    TakeEvents,
    Terminal,
    TerminalDetail,
    TerminalNotFound,
    TerminalRef,
    TerminalsFound,
    UseKeys,
    WorkFound,
    WorkRow,
)
from denghuo.service.acquisition.keys import APPROVAL as KEY_APPROVAL
from denghuo.service.acquisition.keys import Keys
from denghuo.service.acquisition.notices import NoticePart, Notices
from denghuo.service.acquisition.orders import Orders
from denghuo.service.acquisition.protocol.catalogue import bytes_of, explained
from denghuo.service.acquisition.roll_outs import APPROVAL as ROLL_OUT_APPROVAL
from denghuo.service.acquisition.roll_outs import RollOuts
from denghuo.service.acquisition.rules import (
    Verdict,
    deadline_of,
    endpoint_refused,
    judge_meters,
    judge_terminals,
    midnight_after,
    shown,
    step_of,
)
from denghuo.service.acquisition.store.brokers import BrokerStore
from denghuo.service.acquisition.store.collecting import CollectionStore
from denghuo.service.acquisition.store.records import RecordStore
from denghuo.service.acquisition.store.work import WorkStore
from denghuo.service.acquisition.switchings import APPROVAL as SWITCHING_APPROVAL
from denghuo.service.acquisition.switchings import Switchings
from denghuo.service.host.binding import Ask
from denghuo.service.notice.api import NoticesSent
from denghuo.service.workflow.api import ApprovalDecided, ApprovalWithdrawn

_WITHDRAWN = text("申请人已撤回", "Withdrawn by who asked")


class AcquisitionService(NoticePart, AlarmRoutePart, AcquisitionApi):
    """Every operation, by what does the work."""

    def __init__(self, work: Work, ask: Ask) -> None:
        self._work = work
        self._records, self._collections = RecordStore(work), CollectionStore(work)
        self._alarms, self._orders, self._roll_outs = Alarms(work), Orders(work), RollOuts(work, ask)
        self._notices, self.routing = Notices(work, ask), AlarmRouting(work, ask)
        self._switchings = Switchings(work, ask, self._orders, self._notices)
        self._keys = Keys(work, ask, self._orders)

    def decode(self, call: Call, request: Decode) -> Decoded:
        raw = bytes_of(request.text)
        return shown(raw, explained(raw, request.protocol), FIELDS_MAX)

    # -- records ---------------------------------------------------------------------------------------------------------

    def register_terminals(self, call: Call, request: RegisterTerminals) -> BatchTaken:
        outside = next((item for item in request.terminals if not call.covers(item.org)), None)
        if outside is not None:
            raise OutsideScope(
                text(
                    f"单位 {outside.org} 不在您的管辖范围内，本批未处理。",
                    f"Unit {outside.org} is outside your scope; nothing of this batch was done.",
                ),
                org=outside.org,
            )
        known = self._records.registered([item.terminal_no for item in request.terminals])
        dialled = self._records.at_endpoints([item.endpoint for item in request.terminals if item.endpoint is not None])
        verdicts = judge_terminals(request.terminals, known, dialled)
        new = [item for item, verdict in zip(request.terminals, verdicts, strict=True) if verdict == "new"]
        for item in write_possible(self._work, new, lambda items: self._records.add(items, call.now)):
            place = request.terminals.index(item)
            verdicts[place] = (
                endpoint_refused(place, item, None)
                if item.endpoint is not None
                else taken_elsewhere(place, item.terminal_no, "terminal_no")
            )
        return _reply(verdicts)

    def register_terminal(self, call: Call, request: NewTerminal) -> Terminal:
        _accepted(self.register_terminals(call, RegisterTerminals(terminals=[request])))
        return self._terminal(call, request.terminal_no)

    def assign_meter(self, call: Call, request: NewTerminalMeter) -> TerminalDetail:
        self._terminal(call, request.terminal_no)
        _accepted(self.assign_meters(call, AssignMeters(meters=[request])))
        return self.terminal(call, TerminalRef(terminal_no=request.terminal_no))

    def assign_meters(self, call: Call, request: AssignMeters) -> BatchTaken:
        orgs = self._records.orgs(sorted({item.terminal_no for item in request.meters}))
        verdicts = judge_meters(request.meters, orgs, *self._records.assigned(request.meters))
        new = [item for item, verdict in zip(request.meters, verdicts, strict=True) if verdict == "new"]
        for item in write_possible(self._work, new, lambda items: self._records.assign(items, orgs, call.now)):
            place = request.meters.index(item)
            verdicts[place] = taken_elsewhere(place, item.meter_no, "meter_no")
        return _reply(verdicts)

    def amend_terminal(self, call: Call, request: AmendTerminal) -> Terminal:
        terminal = self._terminal(call, request.terminal_no)
        if request.endpoint is not None and terminal.endpoint is None:
            raise NotDialled(
                text(
                    f"终端 {request.terminal_no} 自行连接前置，没有网络地址。请去掉网络地址。",
                    f"Terminal {request.terminal_no} connects by itself and has no network address. Leave it out.",
                ),
                terminal_no=request.terminal_no,
                endpoint=request.endpoint,
            )
        in_the_way = write_possible(self._work, [request], lambda one: self._records.amend(one[0]))
        if in_the_way:
            endpoint = request.endpoint or terminal.endpoint or ""
            by = self._records.at_endpoints([endpoint]).get(endpoint.lower())
            raise EndpointTaken(
                text(
                    f"网络地址 {endpoint} 已由{f'终端 {by}' if by else '其他单位的终端'}使用。请核对地址，或先停运该终端。",
                    f"Network address {endpoint} is that of {f'terminal {by}' if by else 'a terminal of another unit'}."
                    " Check it, or stop that one first.",
                ),
                terminal_no=request.terminal_no,
                endpoint=endpoint,
                taken_by=by,
            )
        return self._terminal(call, request.terminal_no)

    def find_terminals(self, call: Call, request: FindTerminals) -> TerminalsFound:
        rows, total, online, meters = self._records.find(request, call.now)
        following = rows[-1].terminal_no if len(rows) == request.limit else None
        return TerminalsFound(rows=rows, total=total, online=online, meters=meters, next=following, as_of=call.now)

    def terminal(self, call: Call, request: TerminalRef) -> TerminalDetail:
        found = self._terminal(call, request.terminal_no)
        return TerminalDetail(terminal=found, meters=self._records.meters(request.terminal_no), as_of=call.now)

    def strangers(self, call: Call, request: FindStrangers) -> StrangersFound:
        # An address that nobody registered belongs to no unit.
        rows = self._records.strangers(request) if "" in call.scope else []
        following = rows[-1].terminal_no if len(rows) == request.limit else None
        return StrangersFound(rows=rows, next=following, as_of=call.now)

    def brokers(self, call: Call, request: FindBrokers) -> BrokersFound:
        return BrokersFound(rows=BrokerStore(self._work).find(call.now), as_of=call.now)

    def _terminal(self, call: Call, terminal_no: str) -> Terminal:
        found = self._records.terminal(terminal_no, call.now)
        if found is None:
            raise TerminalNotFound(
                text(
                    f"终端 {terminal_no} 不存在，或不在您的管辖范围内。",
                    f"Terminal {terminal_no} does not exist or is outside your scope.",
                ),
                terminal_no=terminal_no,
            )
        return found

    # -- collecting ------------------------------------------------------------------------------------------------------

    def start_collection(self, call: Call, request: StartCollection) -> CollectionStarted:
        if midnight_after(request.day) > call.now:
            raise DayNotOver(
                text(
                    f"{request.day} 尚未结束，零点示值和全天曲线还没有形成。请选择已结束的日期。",
                    f"{request.day} is not over, so its midnight registers do not exist yet. Choose a day that has ended.",
                ),
                day=str(request.day),
            )
        if "month" in request.kinds and (request.day + timedelta(days=1)).day != 1:
            raise NotMonthEnd(
                text(
                    f"{request.day} 不是月末最后一日，没有月冻结示值。请选择月末日，或不选月冻结。",
                    f"{request.day} is not the last day of a month. Choose such a day, or leave the month's registers out.",
                ),
                day=str(request.day),
            )
        deadline = deadline_of(call.now)
        due = sum(
            self._collections.start(request.day, kind, call.now, deadline) for kind in dict.fromkeys(request.kinds)
        )
        return CollectionStarted(day=request.day, due=due)

    def take_collected(self, call: Call, request: TakeCollected) -> CollectedTaken:
        outcomes = self._work.datasets.scan(request.outcomes)
        collected, failed = self._collections.take(outcomes, call.now)
        if request.registers is not None:
            self._work.emit(RegistersCollected(rows=request.registers))
        if request.curves is not None:
            self._work.emit(CurvesCollected(rows=request.curves))
        return CollectedTaken(collected=collected, failed=failed)

    def success(self, call: Call, request: AskSuccess) -> SuccessBoard:
        day = request.day or self._collections.newest_day(request.kind)
        rows = self._collections.success(request, day, call.now) if day else []
        due, done = sum(row.due for row in rows), sum(row.done for row in rows)
        return SuccessBoard(
            day=day,
            kind=request.kind,
            due=due,
            done=done,
            missing=due - done,
            rate=Percent(done * 10_000 // due) if due else None,
            rows=rows,
            as_of=call.now,
        )

    def collection_work(self, call: Call, request: FindWork) -> WorkFound:
        day = request.day or self._collections.newest_day(request.kind)
        found = WorkStore(self._work).rows(request, day, call.now) if day else []
        rows = [WorkRow.model_validate({**row, "step": step_of(row["cause"], row["days"])}) for row in found]
        rows = [row for row in rows if request.step in (None, row.step)]
        skip = request.after_number or 0
        shown_rows = rows[skip : skip + request.limit]
        following = str(skip + len(shown_rows)) if skip + len(shown_rows) < len(rows) else None
        return WorkFound(
            rows=shown_rows, day=day, missing=sum(row.missing for row in rows), next=following, as_of=call.now
        )

    def left(self, call: Call, request: FindLeft) -> LeftFound:
        day = request.day or self._collections.newest_day(request.kind)
        rows, total = self._collections.left(request, day, call.now)
        following = rows[-1].row_key if len(rows) == request.limit else None
        return LeftFound(rows=rows, total=total, next=following, as_of=call.now)

    # -- reads on demand -------------------------------------------------------------------------------------------------

    def read_now(self, call: Call, request: ReadNow) -> OnDemandRead:
        place = self._collections.place(request.meter_no, call.now)
        if place is None:
            raise MeterNotCollected(
                text(
                    f"表 {request.meter_no} 不在任何终端下，或不在您的管辖范围内。请先在终端档案中登记测量点。",
                    f"Meter {request.meter_no} is behind no terminal, or outside your scope. Assign it to a measuring point first.",
                ),
                meter_no=request.meter_no,
            )
        read = OnDemandRead(
            read_no=f"{call.now:%Y%m%d%H%M%S%f}-{uuid.uuid4().hex[:8]}",
            meter_no=request.meter_no,
            terminal_no=place["terminal_no"],
            number=place["number"],
            org=place["org"],
            asked_by=call.actor,
            asked_at=call.now,
            state="waiting" if place["online"] else "failed",
            cause=None if place["online"] else "offline",
            answered_at=None if place["online"] else call.now,
            rows=[],
        )
        self._collections.ask(read, place["address"])
        return read

    def on_demand_read(self, call: Call, request: ReadRef) -> OnDemandRead:
        found = self._collections.read(request.read_no)
        if found is None:
            raise ReadNotFound(
                text(f"召测 {request.read_no} 不存在。", f"There is no read on demand {request.read_no}."),
                read_no=request.read_no,
            )
        return found

    def on_demand_reads(self, call: Call, request: FindReads) -> ReadsFound:
        rows = self._collections.reads(request)
        following = rows[-1].read_no if len(rows) == request.limit else None
        return ReadsFound(rows=rows, next=following, as_of=call.now)

    def answer_reads(self, call: Call, request: AnswerReads) -> ReadsAnswered:
        return ReadsAnswered(answered=self._collections.answer(request.answers, call.now))

    # -- events and alarms -----------------------------------------------------------------------------------------------

    def take_events(self, call: Call, request: TakeEvents) -> EventsTaken:
        return self._alarms.take(call, request)

    def alarms(self, call: Call, request: FindAlarms) -> AlarmsFound:
        return self._alarms.find(call, request)

    def alarm(self, call: Call, request: AlarmRef) -> AlarmDetail:
        return self._alarms.detail(call, request.alarm_no)

    def events(self, call: Call, request: FindEvents) -> EventsFound:
        return self._alarms.events(call, request)

    def acknowledge_alarm(self, call: Call, request: AlarmRef) -> Alarm:
        return self._alarms.acknowledge(call, request.alarm_no)

    def close_alarm(self, call: Call, request: CloseAlarm) -> Alarm:
        return self._alarms.close(call, request)

    # -- orders to terminals ---------------------------------------------------------------------------------------------

    def order_events(self, call: Call, request: OrderEvents) -> Order:
        return self._orders.events(call, request, self._terminal(call, request.terminal_no))

    def check_clock(self, call: Call, request: OrderClock) -> Order:
        return self._orders.give(call, "check_clock", self._terminal(call, request.terminal_no), {})

    def set_clock(self, call: Call, request: OrderClock) -> Order:
        return self._orders.give(call, "set_clock", self._terminal(call, request.terminal_no), {})

    def order(self, call: Call, request: OrderRef) -> Order:
        return self._orders.order(request.order_no)

    def orders(self, call: Call, request: FindOrders) -> OrdersFound:
        return self._orders.find(call, request)

    def answer_orders(self, call: Call, request: AnswerOrders) -> OrdersAnswered:
        reply = self._orders.answer(call, request)
        orders = [one.order_no for one in request.answers]
        self._roll_outs.answered(call, orders)
        if reply.answered:
            self._switchings.ended(orders)
            self._keys.answered(call, orders)
        return reply

    # -- keys ------------------------------------------------------------------------------------------------------------

    def use_keys(self, call: Call, request: UseKeys) -> MeterKey:
        return self._keys.use(call, request, self._terminal(call, request.terminal_no))

    def keys(self, call: Call, request: FindKeys) -> KeysFound:
        return self._keys.find(call, request)

    # -- roll-outs -------------------------------------------------------------------------------------------------------

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

    def decided(self, call: Call, event: ApprovalDecided) -> None:
        """Carries out the decision of a second person."""
        no = int(event.subject_id)
        if event.kind == ROLL_OUT_APPROVAL:
            self._roll_outs.decided(no, event.agreed, event.decided_by, event.remark)
        elif event.kind == SWITCHING_APPROVAL:
            self._switchings.decided(call, no, event.agreed, event.decided_by, event.remark)
        elif event.kind == KEY_APPROVAL:
            self._keys.decided(call, no, event.agreed, event.decided_by)

    def take_sent(self, call: Call, event: NoticesSent) -> None:
        self._notices.take_sent(call, event.notices)

    def withdrawn(self, call: Call, event: ApprovalWithdrawn) -> None:
        """Ends what nobody will decide on, so that it may be asked for anew."""
        no = int(event.subject_id)
        if event.kind == ROLL_OUT_APPROVAL:
            self._roll_outs.decided(no, False, event.withdrawn_by, f"{_WITHDRAWN['zh']} {_WITHDRAWN['en']}")
        elif event.kind == SWITCHING_APPROVAL:
            self._switchings.withdrawn(no, event.withdrawn_by, _WITHDRAWN)
        elif event.kind == KEY_APPROVAL:
            self._keys.decided(call, no, False, event.withdrawn_by)

    # -- switching off and on --------------------------------------------------------------------------------------------

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


def _accepted(reply: BatchTaken) -> None:
    """Raises what is wrong with the one item of a batch."""
    for item in reply.refused:
        raise RecordRefused(
            text(
                f"{item.what.zh}（{item.value}），{item.remedy.zh}。",
                f"{item.what.en} ({item.value}): {item.remedy.en}.",
            ),
            field=item.field,
            value=item.value,
        )


def _reply(verdicts: list[Verdict]) -> BatchTaken:
    return BatchTaken(
        taken=sum(verdict == "new" for verdict in verdicts),
        unchanged=sum(verdict == "unchanged" for verdict in verdicts),
        refused=[verdict for verdict in verdicts if isinstance(verdict, RefusedItem)],
    )

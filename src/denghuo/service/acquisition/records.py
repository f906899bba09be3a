"""Records of terminals and of the meters behind them (采集档案)."""

from denghuo.data.processing.bulk import write_possible
from denghuo.data.processing.work import Work
from denghuo.kernel.batch import BatchTaken, RefusedItem, hold_to_scope, taken_elsewhere
from denghuo.kernel.contract import Call
from denghuo.kernel.problem import text
from denghuo.service.acquisition.api import (
    AmendTerminal,
    AssignMeters,
    EndpointTaken,
    FindStrangers,
    FindTerminals,
    NewTerminal,
    NewTerminalMeter,
    NotDialled,
    OutsideScope,
    RecordRefused,
    RegisterTerminals,
    StrangersFound,
    Terminal,
    TerminalDetail,
    TerminalNotFound,
    TerminalRef,
    TerminalsFound,
)
from denghuo.service.acquisition.api.terminal import TerminalOperations
from denghuo.service.acquisition.rules import (
    Verdict,
    endpoint_refused,
    judge_meters,
    judge_terminals,
    wrong_registers,
)
from denghuo.service.acquisition.store.records import RecordStore


class Records:
    """Terminals and the meters behind them: registered, assigned, amended, shown."""

    def __init__(self, work: Work) -> None:
        self._work, self._store = work, RecordStore(work)

    def register(self, call: Call, request: RegisterTerminals) -> BatchTaken:
        hold_to_scope(call, (item.org for item in request.terminals), OutsideScope)
        known = self._store.registered([item.terminal_no for item in request.terminals])
        dialled = self._store.at_endpoints([item.endpoint for item in request.terminals if item.endpoint is not None])
        verdicts = judge_terminals(request.terminals, known, dialled)
        new = [item for item, verdict in zip(request.terminals, verdicts, strict=True) if verdict == "new"]
        for item in write_possible(self._work, new, lambda items: self._store.add(items, call.now)):
            place = request.terminals.index(item)
            verdicts[place] = (
                endpoint_refused(place, item, None)
                if item.endpoint is not None
                else taken_elsewhere(place, item.terminal_no, "terminal_no")
            )
        return _reply(verdicts)

    def register_one(self, call: Call, request: NewTerminal) -> Terminal:
        _accepted(self.register(call, RegisterTerminals(terminals=[request])))
        return self.known(call, request.terminal_no)

    def assign_one(self, call: Call, request: NewTerminalMeter) -> TerminalDetail:
        self.known(call, request.terminal_no)
        _accepted(self.assign(call, AssignMeters(meters=[request])))
        return self.detail(call, request.terminal_no)

    def assign(self, call: Call, request: AssignMeters) -> BatchTaken:
        terminals = self._store.registered(sorted({item.terminal_no for item in request.meters}))
        verdicts = judge_meters(request.meters, terminals, *self._store.assigned(request.meters))
        orgs = {no: one.org for no, one in terminals.items()}
        new = [item for item, verdict in zip(request.meters, verdicts, strict=True) if verdict == "new"]
        for item in write_possible(self._work, new, lambda items: self._store.assign(items, orgs, call.now)):
            place = request.meters.index(item)
            verdicts[place] = taken_elsewhere(place, item.meter_no, "meter_no")
        return _reply(verdicts)

    def amend(self, call: Call, request: AmendTerminal) -> Terminal:
        terminal = self.known(call, request.terminal_no)
        if request.endpoint is not None and terminal.endpoint is None:
            raise NotDialled(
                text(
                    f"终端 {request.terminal_no} 自行连接前置，没有网络地址。请去掉网络地址。",
                    f"Terminal {request.terminal_no} connects by itself and has no network address. Leave it out.",
                ),
                terminal_no=request.terminal_no,
                endpoint=request.endpoint,
            )
        wrong = wrong_registers(terminal.protocol, request.registers) if request.registers is not None else None
        if wrong is not None:
            raise _refused("registers", wrong.value, wrong.what, wrong.remedy)
        in_the_way = write_possible(self._work, [request], lambda one: self._store.amend(one[0]))
        if in_the_way:
            endpoint = request.endpoint or terminal.endpoint or ""
            by = self._store.at_endpoints([endpoint]).get(endpoint.lower())
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
        return self.known(call, request.terminal_no)

    def find(self, call: Call, request: FindTerminals) -> TerminalsFound:
        rows, total, online, meters = self._store.find(request, call.now)
        following = rows[-1].terminal_no if len(rows) == request.limit else None
        return TerminalsFound(rows=rows, total=total, online=online, meters=meters, next=following, as_of=call.now)

    def detail(self, call: Call, terminal_no: str) -> TerminalDetail:
        found = self.known(call, terminal_no)
        return TerminalDetail(terminal=found, meters=self._store.meters(terminal_no), as_of=call.now)

    def strangers(self, call: Call, request: FindStrangers) -> StrangersFound:
        # An address that nobody registered belongs to no unit.
        rows = self._store.strangers(request) if "" in call.scope else []
        following = rows[-1].terminal_no if len(rows) == request.limit else None
        return StrangersFound(rows=rows, next=following, as_of=call.now)

    def known(self, call: Call, terminal_no: str) -> Terminal:
        found = self._store.terminal(terminal_no, call.now)
        if found is None:
            raise TerminalNotFound(
                text(
                    f"终端 {terminal_no} 不存在，或不在您的管辖范围内。",
                    f"Terminal {terminal_no} does not exist or is outside your scope.",
                ),
                terminal_no=terminal_no,
            )
        return found


class RecordPart(TerminalOperations):
    """The operations of a service that keeps `_records`."""

    _records: Records

    def register_terminals(self, call: Call, request: RegisterTerminals) -> BatchTaken:
        return self._records.register(call, request)

    def register_terminal(self, call: Call, request: NewTerminal) -> Terminal:
        return self._records.register_one(call, request)

    def assign_meters(self, call: Call, request: AssignMeters) -> BatchTaken:
        return self._records.assign(call, request)

    def assign_meter(self, call: Call, request: NewTerminalMeter) -> TerminalDetail:
        return self._records.assign_one(call, request)

    def amend_terminal(self, call: Call, request: AmendTerminal) -> Terminal:
        return self._records.amend(call, request)

    def find_terminals(self, call: Call, request: FindTerminals) -> TerminalsFound:
        return self._records.find(call, request)

    def terminal(self, call: Call, request: TerminalRef) -> TerminalDetail:
        return self._records.detail(call, request.terminal_no)

    def strangers(self, call: Call, request: FindStrangers) -> StrangersFound:
        return self._records.strangers(call, request)


def _accepted(reply: BatchTaken) -> None:
    """Raises what is wrong with the one item of a batch."""
    for item in reply.refused:
        raise _refused(item.field, item.value, (item.what.zh, item.what.en), (item.remedy.zh, item.remedy.en))


def _refused(field: str, value: str, what: tuple[str, str], remedy: tuple[str, str]) -> RecordRefused:
    said = text(f"{what[0]}（{value}），{remedy[0]}。", f"{what[1]} ({value}): {remedy[1]}.")
    return RecordRefused(said, field=field, value=value)


def _reply(verdicts: list[Verdict]) -> BatchTaken:
    return BatchTaken(
        taken=sum(verdict == "new" for verdict in verdicts),
        unchanged=sum(verdict == "unchanged" for verdict in verdicts),
        refused=[verdict for verdict in verdicts if isinstance(verdict, RefusedItem)],
    )

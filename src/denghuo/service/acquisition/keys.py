"""Which keys of a direct meter are used: asked for, agreed by a second person, brought into the meter, and in force once it proved
that it has them."""

from denghuo.data.processing.work import Work
from denghuo.kernel.contract import Call
from denghuo.kernel.fields import TextPair
from denghuo.kernel.problem import text
from denghuo.service.acquisition.api import FindKeys, KeysFound, KeysOpen, MeterKey, NoKeysInForce, Terminal, UseKeys
from denghuo.service.acquisition.api.key import KeyOperations
from denghuo.service.acquisition.orders import Orders, possible
from denghuo.service.acquisition.records import Records
from denghuo.service.acquisition.store.keys import KeyStore
from denghuo.service.acquisition.store.records import RecordStore
from denghuo.service.host.binding import Ask
from denghuo.service.workflow.api import RequestApproval, WorkflowApi

APPROVAL, APPROVER = "acquisition.key", "manager"


class Keys:
    """Requests to use keys of a direct meter, from asking to the proof that the meter has them."""

    def __init__(self, work: Work, ask: Ask, orders: Orders) -> None:
        self._work, self._ask, self._orders, self._store = work, ask, orders, KeyStore(work)

    def use(self, call: Call, request: UseKeys, terminal: Terminal) -> MeterKey:
        """Asks another person. Raises NoKeysInForce, and KeysOpen where a request of the meter is not at its end."""
        possible("change_keys", terminal)
        no = request.terminal_no
        if request.transfer and not self._store.in_force(no):
            raise NoKeysInForce(
                text(
                    f"{no} 没有启用的密钥，无法在线更换。请先启用它出厂时的密钥（不下发）。",
                    f"{no} has no keys in force to change them under. Use those that it came with first, without a transfer.",
                ),
                terminal_no=no,
            )
        key_no = self._store.ask(request, terminal.org, call.actor, call.now)
        if key_no is None:
            raise KeysOpen(
                text(
                    f"{no} 已有密钥申请尚未办结，请等它办结。",
                    f"Keys of {no} are being changed already; wait for that to end.",
                ),
                terminal_no=no,
            )
        what = ("更换", "change") if request.transfer else ("启用", "use")
        asked = RequestApproval(
            kind=APPROVAL,
            subject_noun="acquisition",
            subject_id=str(key_no),
            title=TextPair(
                zh=f"{what[0]} {no} 的密钥第 {request.version} 版，校验值 {request.check_value}",
                en=f"{what[1]} keys of {no}: version {request.version}, check value {request.check_value}",
            ),
            org=terminal.org,
            role=APPROVER,
            payload={"key_no": key_no, "terminal_no": no, "check_value": request.check_value},
            remark=request.reason,
        )
        approval = self._ask(WorkflowApi).request_approval(call.only("workflow.raise"), asked)
        self._store.asked(key_no, approval.approval_no)
        return self._known(key_no)

    def decided(self, call: Call, key_no: int, agreed: bool, by: str) -> None:
        """Another person decided. Where nothing is brought into the meter keys are in force at once, else once it proved them."""
        one = self._known(key_no)
        if not agreed:
            self._store.decide(key_no, "refused", by)
            return
        terminal = RecordStore(self._work).terminal(one.terminal_no, call.now)
        if not one.transfer or terminal is None:
            self._store.decide(key_no, "ordered", by)
            self._store.put_in_force(key_no, call.now)
            return
        content = {"version": one.version, "check_value": one.check_value}
        order = self._orders.give(call, "change_keys", terminal, content)
        self._store.decide(key_no, "ordered", by, order.order_no)
        self.answered(call, [order.order_no])

    def answered(self, call: Call, orders: list[str]) -> None:
        """Takes over what became of changes."""
        for key_no, cause in self._store.settled(orders):
            if cause is None:
                self._store.put_in_force(key_no, call.now)
            else:
                self._store.fail(key_no, cause)

    def find(self, call: Call, request: FindKeys) -> KeysFound:
        rows = self._store.find(request)
        following = str(rows[-1].key_no) if len(rows) == request.limit else None
        return KeysFound(rows=rows, next=following, as_of=call.now)

    def _known(self, key_no: int) -> MeterKey:
        found = self._store.key(key_no)
        assert found is not None  # asked for and never taken away
        return found


class KeyPart(KeyOperations):
    """The operations of a service that keeps `_keys` and `_records`."""

    _keys: Keys
    _records: Records

    def use_keys(self, call: Call, request: UseKeys) -> MeterKey:
        return self._keys.use(call, request, self._records.known(call, request.terminal_no))

    def keys(self, call: Call, request: FindKeys) -> KeysFound:
        return self._keys.find(call, request)

"""Fee control from the estimate to the reconnection: over sockets to the relay, through both bindings, and by rule."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.databases import database
from tests.service.acquisition.field import OLD, Field, fielded, meters, until
from tests.service.acquisition.test_switching import PROTECTED, records
from tests.service.bindings import remote, web
from tests.service.ledger.books import open_accounts, org_of
from tests.service.ledger.test_balances import Books
from tests.service.payment.desk import CASHIER
from tests.service.records import number

from denghuo.data.processing.dataset import Datasets
from denghuo.kernel.contract import Api, Call
from denghuo.kernel.period import SHANGHAI
from denghuo.kernel.values import Money, Multiplier
from denghuo.service.acquisition.api import (
    AcquisitionApi,
    AskOutlook,
    FindNotices,
    FindSwitchings,
    NoticeRefused,
    RecordNotice,
    RequestSwitching,
    SetGuard,
    SetSwitchingPolicy,
    Switching,
    SwitchingBlocked,
)
from denghuo.service.acquisition.front.cipher import SoftwareCipher
from denghuo.service.customer.api import CustomerApi
from denghuo.service.customer.service import CustomerService
from denghuo.service.host import relay
from denghuo.service.host.binding import Implementation
from denghuo.service.ledger.api import BalancesExhausted, BalancesRestored, FallenBalance, LedgerApi
from denghuo.service.ledger.service import LedgerService
from denghuo.service.notice.api import Inbox, NoticeApi
from denghuo.service.notice.service import NoticeService
from denghuo.service.payment.api import (
    FindInterruptions,
    Interruption,
    OrderRef,
    PaymentApi,
    SandboxOff,
    Step,
    TakePayment,
)
from denghuo.service.payment.listen import interrupt, restore
from denghuo.service.payment.rules.interruptions import after, next_of
from denghuo.service.payment.service import PaymentService
from denghuo.service.point.api import MeterInMonth, MetersFound, MetersIn, PointApi
from denghuo.service.workflow.api import Decide, WorkflowApi

STATES = ("new", "noticed", "called", "asked", "held", "off", "unknown", "restoring", "closed")
OUTCOMES = ("done", "failed", "unknown", "blocked", "refused")
HOLDERS = {meter.meter_no: number(5 + place) for place, meter in enumerate(meters(OLD, 8))}
GUARDED = meters(OLD, 8)[-1].meter_no
HOLDERS[GUARDED] = PROTECTED


@given(st.sampled_from(STATES), st.booleans(), st.sampled_from(("off", "on")), st.sampled_from(OUTCOMES))
def test_who_paid_is_never_disconnected_and_nobody_else_reconnected(
    state: Any, paid: bool, action: Any, outcome: str
) -> None:
    step = next_of(state, paid)
    assert not (paid and step in ("tell", "call", "ask"))
    assert paid or step not in ("reconnect", "withdraw", "end")
    assert state != "closed" or step == "wait"
    became = after(state, action, outcome)
    assert became != "closed" or (action, outcome) == ("on", "done"), "what is over is proven"
    # Told twice, it says nothing new.
    assert became is None or after(became, action, outcome) in (None, became)


@pytest.mark.parametrize(
    ("state", "action", "outcome", "became"),
    [
        ("asked", "off", "done", "off"),
        ("asked", "off", "failed", "noticed"),
        ("asked", "off", "blocked", "noticed"),
        ("asked", "off", "refused", "held"),
        ("asked", "off", "unknown", "unknown"),
        ("noticed", "off", "done", None),
        ("unknown", "on", "done", "closed"),
        ("off", "on", "failed", None),
        ("restoring", "on", "failed", "off"),
        ("restoring", "off", "done", None),
    ],
)
def test_what_an_ended_switching_makes_of_it(state: Any, action: Any, outcome: str, became: str | None) -> None:
    assert after(state, action, outcome) == became


class Ahead:
    """A clock that a test sets ahead."""

    by = timedelta(0)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.by

    def morning(self, days: int) -> None:
        """To the morning of a day from today on, when disconnections may begin."""
        day = self().astimezone(SHANGHAI).date() + timedelta(days=days)
        self.by += datetime(day.year, day.month, day.day, 9, 1, tzinfo=SHANGHAI) - self()


CLOCK = Ahead()


def points(holders: Mapping[str, str]) -> dict[type[Api], Implementation]:
    known = records(holders)

    class Points(known[PointApi]):  # type: ignore[name-defined,misc]
        def meters_in(self, call: Call, request: MetersIn) -> MetersFound:
            rows = [
                MeterInMonth.model_validate(
                    dict.fromkeys(MeterInMonth.model_fields)
                    | {"point_no": f"P{no}", "account_no": account, "org": org_of(account), "role": "sale"}
                    | {"direction": "fwd", "meter_no": no, "multiplier": Multiplier(1), "integer_digits": 6}
                    | {"decimal_digits": 2, "piece": 0, "from_at": call.now - timedelta(days=1)}
                    | {"to_at": call.now + timedelta(days=1)}
                )
                for no, account in holders.items()
                if account in request.account_nos
            ]
            return MetersFound(rows=rows, as_of=call.now)

    return {**known, PointApi: Points}


@dataclass
class Control:
    """Fee control over a field, with payment and acquisition held by one of the bindings."""

    field: Field
    books: Books
    payment: PaymentApi
    acquisition: AcquisitionApi

    @property
    def call(self) -> Call:
        return self.field.call()

    def settle(self) -> None:
        relay.settle(self.field.directory, CLOCK)

    def follow(self) -> int:
        done = self.payment.follow_interruptions(self.call, Step()).done
        self.settle()
        return done

    def now(self, meter_no: str) -> Interruption:
        """The newest interruption of a meter."""
        rows = self.payment.interruptions(self.call, FindInterruptions(meter_no=meter_no)).rows
        closed = self.payment.interruptions(self.call, FindInterruptions(meter_no=meter_no, state="closed")).rows
        return (rows or closed)[0]

    def use_up(self, meter_no: str) -> None:
        account = HOLDERS[meter_no]
        # Each estimate is another event.
        at = datetime(2026, 4, 15, 18, int(meter_no[-2:]), tzinfo=UTC)
        self.books.estimate({account: 300}, controlled=tuple(HOLDERS.values()), at=at)
        self.settle()

    def pay(self, meter_no: str, amount: str = "500.00") -> None:
        paid = TakePayment(account_no=HOLDERS[meter_no], amount=Money.of(amount), method="cash")
        self.payment.take_payment(replace(CASHIER, now=CLOCK()), paid)
        self.settle()

    def titles(self, meter_no: str) -> list[str]:
        rows = self.field.directory(NoticeApi).inbox(self.call, Inbox(account_no=HOLDERS[meter_no])).rows
        return [row.title.zh for row in reversed(rows)]

    def decide(self, agreed: bool = True) -> None:
        """Another person decides on the one disconnection that waits."""
        (waiting,) = self.acquisition.switchings(self.call, FindSwitchings(state="waiting")).rows
        decide = Decide(approval_no=waiting.approval_no or 0, agreed=agreed, remark="已核对余额与通知")
        self.field.directory(WorkflowApi).decide(replace(self.call, actor="boss"), decide)
        self.settle()

    def answered(self, meter_no: str) -> Switching:
        """The newest switching of a meter, once the switch was read."""

        def newest() -> Switching:
            return self.acquisition.switchings(self.call, FindSwitchings(meter_no=meter_no)).rows[0]

        until(lambda: newest().state not in ("waiting", "ordered"), "the answer")
        self.settle()
        return newest()

    def until_asked(self, meter_no: str) -> None:
        self.use_up(meter_no)
        CLOCK.morning(3)
        until(lambda: self.field.terminal(OLD).link == "online", "online")
        self.follow()
        CLOCK.by += timedelta(minutes=31)
        until(lambda: self.field.terminal(OLD).link == "online", "online")
        self.follow()
        assert self.now(meter_no).state == "asked"


@pytest.fixture(scope="module")
def field(postgres_dsn: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Field]:
    services: dict[type[Api], Implementation] = {
        **points(HOLDERS),
        CustomerApi: CustomerService,
        NoticeApi: NoticeService,
        LedgerApi: LedgerService,
        PaymentApi: PaymentService,
    }
    folder = tmp_path_factory.mktemp("interrupted")
    with (
        database(postgres_dsn, template) as dsn,
        fielded(dsn, folder, records=services, cipher=SoftwareCipher(), clock=CLOCK) as made,
    ):
        made.register(OLD, count=8)
        open_accounts(made.directory(CustomerApi), list(HOLDERS.values()))
        body = {"org": "1405810", "effective_from": made.call().today, "notice_days": 3, "call_minutes": 30}
        body |= {"reconnect_alone": True, "source": "试验规定"}
        made.api.set_switching_policy(made.call(), SetSwitchingPolicy.model_validate(body))
        leave = made.connect(OLD)
        yield made
        leave()


@pytest.fixture(params=["local", "remote"])
def control(request: pytest.FixtureRequest, field: Field) -> Iterator[Control]:
    store = field.directory.hosted["ledger"].store
    books = Books(field.directory(LedgerApi), field.directory, Datasets(store.database, store.datasets.folder))
    with ExitStack() as stack:
        ask: Any = field.directory
        if request.param == "remote":
            client = stack.enter_context(web(field.directory))

            def ask(contract: type[Any]) -> Any:
                return remote(contract, client)

        yield Control(field, books, ask(PaymentApi), ask(AcquisitionApi))


def test_the_sandbox_of_payment_makes_no_receipts_unless_it_is_set(control: Control) -> None:
    buyer = replace(control.call, permits=frozenset({"payment.pay_online"}))
    with pytest.raises(SandboxOff) as refused:
        control.payment.sandbox_pay(buyer, OrderRef(order_no="OL202604010000000001"))
    assert "sandbox_payment" in refused.value.detail["zh"] and "sandbox_payment" in refused.value.detail["en"]


def test_from_the_estimate_over_the_disconnection_to_the_reconnection(control: Control) -> None:
    local = isinstance(control.payment, type(control.field.directory(PaymentApi)))
    meter = meters(OLD, 8)[0 if local else 1]
    no, device = meter.meter_no, control.field.devices[OLD]
    control.use_up(no)
    told = control.now(no)
    today = control.call.today
    assert (told.state, told.paid, told.account_no) == ("noticed", False, HOLDERS[no])
    assert told.due_at == datetime(today.year, today.month, today.day, 9, tzinfo=SHANGHAI) + timedelta(days=3)
    assert control.titles(no) == ["电费余额已用尽", "停电通知书"]
    (notice,) = control.acquisition.notices(control.call, FindNotices(meter_no=no)).rows
    assert (notice.kind, notice.way, notice.sent_no is not None) == ("notice", "inbox", True), "recorded by itself"
    by_hand = RecordNotice(meter_no=no, kind="notice", given_at=control.call.now, way="inbox")
    with pytest.raises(NoticeRefused):
        control.acquisition.record_notice(control.call, by_hand)
    asked = RequestSwitching(meter_no=no, action="off", ground="fee_control", reason="费控余额用尽")
    with pytest.raises(SwitchingBlocked):
        control.acquisition.request_switching(control.call, asked)
    assert control.follow() == 0, "nothing is due before the days are over"

    CLOCK.morning(3)
    until(lambda: control.field.terminal(OLD).link == "online", "online")
    outlook = control.acquisition.disconnection_outlook(control.call, AskOutlook(meter_no=no, ground="fee_control"))
    assert (outlook.account_no, outlook.against, outlook.call_minutes) == (HOLDERS[no], [], 30)
    assert control.follow() == 1 and control.now(no).state == "called"
    assert control.follow() == 0, "nor before the minutes are"
    CLOCK.by += timedelta(minutes=31)
    until(lambda: control.field.terminal(OLD).link == "online", "online")
    assert control.follow() == 1 and control.now(no).state == "asked"
    assert device.opened == set(), "nobody is disconnected by one hand"
    control.decide()
    off = control.answered(no)
    assert (off.state, off.position, off.asked_by, off.decided_by) == ("done", "off", "system", "boss")
    assert device.opened == {meter.address} and control.now(no).state == "off"
    assert control.follow() == 0, "who has not paid stays"

    # A reconnection that does not come through is ordered again until it does.
    device.stubborn = True
    control.pay(no)
    failed = control.answered(no)
    assert (failed.state, failed.cause, control.now(no).state) == ("failed", "not_applied", "off")
    assert control.follow() == 0 and "再次下发" in control.now(no).note.zh
    device.stubborn = False
    CLOCK.by += timedelta(minutes=5)
    until(lambda: control.field.terminal(OLD).link == "online", "online")
    assert control.follow() == 1
    on = control.answered(no)
    assert (on.state, on.position, on.ground) == ("done", "on", "fee_control") and device.opened == set()
    over = control.now(no)
    assert (over.state, over.paid, over.switching_no) == ("closed", True, on.switching_no)
    assert control.titles(no)[2:] == ["今日将停电", "已停电", "已复电"]


def test_who_pays_in_time_is_left_alone_and_a_request_that_waits_is_taken_back(control: Control) -> None:
    local = isinstance(control.payment, type(control.field.directory(PaymentApi)))
    no = meters(OLD, 8)[2 if local else 3].meter_no
    if local:
        control.use_up(no)
    else:
        control.until_asked(no)
    control.pay(no)
    if not local:
        (taken_back,) = control.acquisition.switchings(control.call, FindSwitchings(meter_no=no)).rows
        assert (taken_back.state, taken_back.note.zh) == ("refused", "申请人已撤回")
    assert (control.now(no).state, control.now(no).note.zh) == ("closed", "余额已恢复")
    assert control.follow() == 0


def test_who_is_protected_is_told_and_no_more_and_a_storm_puts_it_off(control: Control) -> None:
    local = isinstance(control.payment, type(control.field.directory(PaymentApi)))
    no = meters(OLD, 8)[4 if local else 5].meter_no
    body = {"kind": "storm", "org": "1405810", "first_day": control.call.today, "last_day": control.call.today}
    control.acquisition.set_guard(control.call, SetGuard.model_validate(body | {"reason": "暴雨红色预警"}))
    control.use_up(no)
    put_off = control.now(no)
    assert put_off.state == "new" and "暴雨红色预警" in put_off.note.zh and put_off.due_at is not None
    assert control.titles(no) == ["电费余额已用尽"], "no notice of what must not be done"
    CLOCK.morning(1)
    assert control.follow() == 1 and control.now(no).state == "noticed"
    told = FallenBalance(
        warning_no=1_000, account_no=PROTECTED, org=org_of(PROTECTED), balance_fen="-1", through_on=None, protected=True
    )
    handle(control, interrupt, BalancesExhausted(accounts=[told]), f"protected:{local}")
    assert control.payment.interruptions(control.call, FindInterruptions(account_no=PROTECTED)).total == 0
    control.pay(no)


def test_what_a_second_person_refuses_is_not_asked_for_again(control: Control) -> None:
    no = meters(OLD, 8)[6].meter_no
    if isinstance(control.payment, type(control.field.directory(PaymentApi))):
        control.until_asked(no)
        control.decide(agreed=False)
        held = control.now(no)
        assert (held.state, held.due_at) == ("held", None) and "未获同意" in held.note.zh
        control.pay(no)
    assert control.now(no).state == "closed" and control.follow() == 0


def test_what_the_ledger_says_counts_in_its_own_order(control: Control) -> None:
    local = isinstance(control.payment, type(control.field.directory(PaymentApi)))
    no = meters(OLD, 8)[6].meter_no
    first = 2_000 if local else 3_000

    def word(at: int) -> list[FallenBalance]:
        account = HOLDERS[no]
        return [
            FallenBalance(
                warning_no=first + at,
                account_no=account,
                org=org_of(account),
                balance_fen="-1",
                through_on=None,
                protected=False,
            )
        ]

    handle(control, restore, BalancesRestored(accounts=word(2)), f"restored:{first}")
    handle(control, interrupt, BalancesExhausted(accounts=word(1)), f"late:{first}")
    assert control.payment.interruptions(control.call, FindInterruptions(meter_no=no)).total == 0
    handle(control, interrupt, BalancesExhausted(accounts=word(3)), f"new:{first}")
    assert control.now(no).state == "new"
    # The ledger knows of no such balance: what it told is over by the time that it is asked.
    assert control.follow() == 1 and control.now(no).state == "closed"


def handle(control: Control, handler: Any, event: Any, event_id: str) -> None:
    for _ in range(2):  # delivered twice
        control.field.directory.hosted["payment"].handle("payment", handler, control.call, event, event_id)

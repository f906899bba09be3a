"""The counter through both bindings: taking, receipts, taking back, closing the day, scope."""

import base64
import pathlib
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta

import pytest
from tests.service.ledger.books import SYSTEM, Bill
from tests.service.payment.desk import ACCOUNTANT, CASHIER, HOLDER, OTHER, A, B, C, Desk, desk

from denghuo.kernel.contract import Call
from denghuo.kernel.problem import KeyReused, NotPermitted
from denghuo.kernel.values import Money
from denghuo.service.ledger.api import FindEntries, PostReceipts, ReceiptsPosted
from denghuo.service.ledger.service import LedgerService
from denghuo.service.payment.api import (
    AccountUnknown,
    AmountRefused,
    AskCollection,
    AskDay,
    AskReconciliation,
    CashDiffers,
    CloseDay,
    DayClosed,
    FindPayments,
    NotReversible,
    ReceiptRef,
    ReceiptUnknown,
    ReversePayment,
    Step,
    TakePayment,
)
from denghuo.service.payment.rules import capital
from denghuo.service.payment.store.payments import PaymentStore
from denghuo.service.workflow.api import Decide, SamePerson, WorkflowApi

TODAY = date(2026, 5, 1)


@pytest.fixture(params=["local", "remote"])
def counter(request: pytest.FixtureRequest, database_dsn: str, tmp_path: pathlib.Path) -> Iterator[Desk]:
    with desk(request.param, database_dsn, tmp_path) as made:
        yield made


def take(account_no: str = A, amount: str = "1.00", method: str = "cash", **more: object) -> TakePayment:
    return TakePayment.model_validate({"account_no": account_no, "amount": amount, "method": method, **more})


def test_a_payment_is_visible_at_once_and_settles_the_bill(counter: Desk) -> None:
    counter.bill(Bill(A, {"energy": 6522}))
    taken = counter.payment.take_payment(CASHIER, take(amount="65.22", tendered="100.00"))
    assert (taken.state, taken.change, taken.org, taken.cashier) == ("taken", Money.of("34.78"), "1405810.01", "wang")
    seen = counter.payment.payments(CASHIER, FindPayments(account_no=A))
    assert [row.receipt_no for row in seen.rows] == [taken.receipt_no] and seen.amount == Money(6522)
    counter.settle()
    posted = counter.payment.receipt(CASHIER, ReceiptRef(receipt_no=taken.receipt_no))
    assert (posted.state, posted.settled, posted.prepaid) == ("posted", Money(6522), Money(0))
    assert counter.owed(A).items == []
    entries = counter.ledger.entries(SYSTEM, FindEntries(document_no=taken.receipt_no))
    assert entries.total == 2 and entries.rows[0].voucher_no == posted.voucher_no
    counter.balanced()


def test_a_surplus_is_prepaid_and_shown(counter: Desk) -> None:
    counter.bill(Bill(A, {"energy": 500}))
    number = counter.payment.take_payment(CASHIER, take(amount="8", method="qr", reference="WX-1")).receipt_no
    counter.settle()
    posted = counter.payment.receipt(CASHIER, ReceiptRef(receipt_no=number))
    assert (posted.settled, posted.prepaid, posted.reference) == (Money(500), Money(300), "WX-1")
    assert counter.owed(A).prepaid == Money(300)


@pytest.mark.parametrize("amount", ["0", "-1", "1000000000000000000", "10000000.01", "0.00", "-0.01"])
def test_an_amount_that_cannot_be_is_refused(counter: Desk, amount: str) -> None:
    with pytest.raises(AmountRefused) as raised:
        counter.payment.take_payment(CASHIER, take(amount=amount))
    assert raised.value.field == "amount" and amount.rstrip("0").rstrip(".").lstrip("-0")[:3] in str(raised.value.value)
    assert counter.payment.payments(CASHIER, FindPayments()).total == 0


@pytest.mark.parametrize("amount", ["1e18", "1.234", "１", "NaN", "", "1,000.00", " 1"])
def test_an_amount_that_is_none_does_not_fit_the_contract(amount: str) -> None:
    with pytest.raises(ValueError, match="amount"):
        take(amount=amount)


@pytest.mark.parametrize(("method", "tendered"), [("cash", "0.99"), ("card", "2.00"), ("cash", "99999999.00")])
def test_tendered_must_fit(counter: Desk, method: str, tendered: str) -> None:
    with pytest.raises(AmountRefused) as raised:
        counter.payment.take_payment(CASHIER, take(method=method, tendered=tendered))
    assert raised.value.field == "tendered"


def test_a_double_submit_is_one_payment(counter: Desk) -> None:
    call = CASHIER.keyed("form-1")
    replies: list[str] = []
    threads = [
        threading.Thread(target=lambda: replies.append(counter.payment.take_payment(call, take()).receipt_no))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(replies) == 4 and len(set(replies)) == 1
    assert counter.payment.payments(CASHIER, FindPayments()).total == 1
    with pytest.raises(KeyReused):
        counter.payment.take_payment(call, take(amount="2.00"))
    counter.settle()
    assert counter.owed(A).prepaid == Money(100)


def test_a_cashier_sees_and_serves_only_the_own_unit(counter: Desk) -> None:
    mine = counter.payment.take_payment(CASHIER, take(A)).receipt_no
    with pytest.raises(AccountUnknown):
        counter.payment.take_payment(OTHER, take(A))
    counter.payment.take_payment(OTHER, take(C))
    for query in (ReceiptRef(receipt_no=mine),):
        with pytest.raises(ReceiptUnknown):
            counter.payment.receipt(OTHER, query)
        with pytest.raises(ReceiptUnknown):
            counter.payment.receipt_document(OTHER, query)
    with pytest.raises(ReceiptUnknown):
        counter.payment.reverse_payment(OTHER, ReversePayment(receipt_no=mine, reason="试一试能否冲正"))
    assert {row.account_no for row in counter.payment.payments(OTHER, FindPayments()).rows} == {C}
    assert counter.payment.payments(OTHER, FindPayments(account_no=A)).total == 0
    assert counter.payment.payments(ACCOUNTANT, FindPayments()).total == 2
    assert counter.payment.day(OTHER, AskDay(cashier="wang")).total == Money(0)
    clerk = replace(ACCOUNTANT, scope=("1405810.02",))
    counter.settle()
    seen = counter.payment.reconcile(clerk, AskReconciliation(day=TODAY))
    assert sum(row.count for row in seen.rows) == sum(row.ledger_count for row in seen.rows) == 1
    assert [row.count for row in counter.payment.collection(OTHER, AskCollection()).rows] == [1]
    with pytest.raises(NotPermitted):
        counter.payment.take_payment(HOLDER, take(A))
    assert [row.account_no for row in counter.payment.payments(HOLDER, FindPayments()).rows] == [A]


def test_the_cashier_takes_back_on_the_same_day(counter: Desk) -> None:
    counter.bill(Bill(A, {"energy": 500}))
    number = counter.payment.take_payment(CASHIER, take(amount="8.00")).receipt_no
    counter.settle()
    reverse = ReversePayment(receipt_no=number, reason="用户要求改用扫码支付")
    assert counter.payment.reverse_payment(CASHIER, reverse).outcome == "reversing"
    with pytest.raises(NotReversible):
        counter.payment.reverse_payment(CASHIER, reverse)
    counter.settle()
    assert counter.payment.receipt(CASHIER, ReceiptRef(receipt_no=number)).state == "reversed"
    owed = counter.owed(A)
    assert ([item.rest for item in owed.items], owed.prepaid) == ([Money(500)], Money(0))
    counter.balanced()
    assert counter.payment.day(CASHIER, AskDay()).expected_cash == Money(0)
    assert counter.payment.reconcile(ACCOUNTANT, AskReconciliation(day=TODAY)).agrees


def test_a_payment_that_is_not_posted_yet_can_be_taken_back(counter: Desk) -> None:
    number = counter.payment.take_payment(CASHIER, take()).receipt_no
    counter.payment.reverse_payment(CASHIER, ReversePayment(receipt_no=number, reason="输错户号"))
    counter.settle()
    assert counter.payment.receipt(CASHIER, ReceiptRef(receipt_no=number)).state == "reversed"
    assert counter.owed(A).prepaid == Money(0)
    counter.balanced()


@pytest.mark.scope("B15-18")
@pytest.mark.parametrize("agreed", [True, False])
def test_another_day_needs_another_person(counter: Desk, agreed: bool) -> None:
    counter.bill(Bill(A, {"energy": 100}))
    number = counter.payment.take_payment(CASHIER, take()).receipt_no
    counter.settle()
    tomorrow = replace(CASHIER, now=CASHIER.now + timedelta(days=1))
    reverse = ReversePayment(receipt_no=number, reason="隔日发现收错户")
    reply = counter.payment.reverse_payment(tomorrow, reverse)
    assert reply.outcome == "waiting" and reply.approval_no is not None
    counter.settle()
    assert counter.payment.receipt(CASHIER, ReceiptRef(receipt_no=number)).state == "posted"
    decide = Decide(approval_no=reply.approval_no, agreed=agreed, remark="已核对")
    workflow = counter.directory(WorkflowApi)
    with pytest.raises(SamePerson):
        workflow.decide(replace(CASHIER, permits=frozenset({"*"})), decide)
    workflow.decide(Call.system(CASHIER.now, actor="boss"), decide)
    counter.settle()
    assert counter.payment.receipt(CASHIER, ReceiptRef(receipt_no=number)).state == ("reversed" if agreed else "posted")
    assert counter.owed(A).outstanding == Money(100 if agreed else 0)
    counter.balanced()


def test_a_day_closes_only_without_difference_or_with_approval(counter: Desk) -> None:
    counter.payment.take_payment(CASHIER, take(amount="10.00"))
    counter.payment.take_payment(CASHIER, take(amount="5.00", method="card"))
    back = counter.payment.take_payment(CASHIER, take(amount="3.00")).receipt_no
    counter.payment.reverse_payment(CASHIER, ReversePayment(receipt_no=back, reason="用户反悔退款"))
    day = counter.payment.day(CASHIER, AskDay())
    assert (day.expected_cash, day.total, day.state) == (Money(1000), Money(1500), "open")
    with pytest.raises(CashDiffers) as raised:
        counter.payment.close_day(CASHIER, CloseDay(counted_cash=Money.of("9.50")))
    assert (raised.value.expected, raised.value.difference) == ("10.00", "-0.50")
    with pytest.raises(AmountRefused):
        counter.payment.close_day(CASHIER, CloseDay(counted_cash=Money(-1)))
    waiting = counter.payment.close_day(CASHIER, CloseDay(counted_cash=Money.of("9.50"), reason="找零差错，少五角"))
    assert waiting.state == "waiting" and waiting.approval_no is not None
    with pytest.raises(DayClosed):
        counter.payment.take_payment(CASHIER, take())
    counter.directory(WorkflowApi).decide(
        Call.system(CASHIER.now, actor="boss"),
        Decide(approval_no=waiting.approval_no, agreed=False, remark="请重新清点"),
    )
    counter.settle()
    assert counter.payment.day(CASHIER, AskDay()).state == "open"
    closed = counter.payment.close_day(CASHIER, CloseDay(counted_cash=Money.of("10.00")))
    assert (closed.state, closed.difference) == ("closed", Money(0))
    for again in (lambda: counter.payment.close_day(CASHIER, CloseDay(counted_cash=Money(1000))),):
        with pytest.raises(DayClosed):
            again()
    tomorrow = replace(CASHIER, now=CASHIER.now + timedelta(days=1))
    assert counter.payment.take_payment(tomorrow, take()).day == TODAY + timedelta(days=1)


def test_the_receipt_is_a_document(counter: Desk) -> None:
    number = counter.payment.take_payment(CASHIER, take(amount="123.45")).receipt_no
    document = counter.payment.receipt_document(CASHIER, ReceiptRef(receipt_no=number))
    assert document.file_name == f"{number}.pdf"
    assert base64.b64decode(document.content).startswith(b"%PDF-")


class Killed(BaseException):
    """Stands for kill -9: nothing catches it, nothing after it runs."""


def _step(counter: Desk, key: str) -> None:
    api = counter.directory(type(counter.payment).contract())
    api.post_pending(SYSTEM.keyed(key), Step())


@pytest.mark.scope("A3-14")
def test_killed_before_or_after_the_ledger_took_it_nothing_is_lost_or_doubled(
    counter: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    counter.bill(Bill(A, {"energy": 100}))
    number = counter.payment.take_payment(CASHIER, take(amount="2.50")).receipt_no

    def killed(*_: object, **__: object) -> ReceiptsPosted:
        raise Killed

    def state() -> tuple[str, Money, Money]:
        owed = counter.owed(A)
        return counter.payment.receipt(CASHIER, ReceiptRef(receipt_no=number)).state, owed.outstanding, owed.prepaid

    with monkeypatch.context() as patch:
        patch.setattr(LedgerService, "post_receipts", killed)
        with pytest.raises(Killed):
            _step(counter, "job:0")
    assert state() == ("taken", Money(100), Money(0))
    seen = counter.payment.reconcile(ACCOUNTANT, AskReconciliation(day=TODAY))
    assert [(item.subject, item.cause) for item in seen.differences] == [(number, "not_posted")] and not seen.agrees
    with monkeypatch.context() as patch:
        patch.setattr(PaymentStore, "mark_posted", killed)
        with pytest.raises(Killed):
            _step(counter, "job:0")
    assert state() == ("taken", Money(0), Money(150))
    counter.payment.take_payment(CASHIER, take(B))
    _step(counter, "job:0")
    counter.settle()
    assert state() == ("posted", Money(0), Money(150))
    assert counter.payment.reconcile(ACCOUNTANT, AskReconciliation(day=TODAY)).agrees
    counter.payment.reverse_payment(CASHIER, ReversePayment(receipt_no=number, reason="中断试验冲正"))
    with monkeypatch.context() as patch:
        patch.setattr(PaymentStore, "mark_reversed", killed)
        with pytest.raises(Killed):
            _step(counter, "job:9")
    counter.settle()
    assert state() == ("reversed", Money(100), Money(0))
    counter.balanced()


def test_reconciliation_names_what_only_the_ledger_has(counter: Desk) -> None:
    from tests.service.ledger.test_ledger import receipt

    counter.payment.take_payment(CASHIER, take())
    counter.settle()
    counter.ledger.post_receipts(SYSTEM, PostReceipts(receipts=[receipt("ZZ000001", A, 77)]))
    seen = counter.payment.reconcile(ACCOUNTANT, AskReconciliation(month="2026-05"))
    assert [(item.cause, item.here, item.there) for item in seen.differences] == [
        ("ledger_only", Money(100), Money(177))
    ]
    assert not seen.agrees and seen.rows[0].difference == Money(-77)


@pytest.mark.parametrize(
    ("amount", "said"),
    [
        ("0.00", "零元整"),
        ("0.05", "伍分"),
        ("0.50", "伍角整"),
        ("65.22", "陆拾伍元贰角贰分"),
        ("100.05", "壹佰元零伍分"),
        ("10010.00", "壹万零壹拾元整"),
        ("100000000.00", "壹亿元整"),
        ("1020003040.06", "壹拾亿贰仟万叁仟零肆拾元零陆分"),
        ("100001.10", "壹拾万零壹元壹角整"),
    ],
)
def test_amounts_in_capitals(amount: str, said: str) -> None:
    assert capital(Money.of(amount)) == said

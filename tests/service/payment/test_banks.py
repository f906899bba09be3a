"""Bank files, direct debit and online payment through both bindings; the file format by itself."""

import base64
import pathlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.service.ledger.books import SYSTEM, Bill, number
from tests.service.payment.desk import ACCOUNTANT, CASHIER, HOLDER, A, B, C, Desk, desk

from denghuo.kernel.contract import Call
from denghuo.kernel.problem import NotPermitted
from denghuo.kernel.values import Money
from denghuo.service.payment.api import (
    AccountUnknown,
    Agreement,
    AskCollection,
    AskReconciliation,
    BankFileRefused,
    BatchKnown,
    BatchUnknown,
    CallbackDiffers,
    FindAgreements,
    FindBankFiles,
    FindDebitBatches,
    FindDebitLines,
    FindPayments,
    ImportBankFile,
    MakeDebitBatch,
    NothingToPay,
    OnlineCallback,
    OrderRef,
    OrderUnknown,
    PaymentApi,
    PayOnline,
    RegisterAgreements,
    SignatureWrong,
    Step,
    TakeDebitFile,
)
from denghuo.service.payment.channel import SandboxBank, SandboxOnline
from denghuo.service.payment.rules.bank_file import Refused, read_bank_file
from denghuo.service.payment.store.banks import BankStore
from denghuo.service.payment.store.payments import PaymentStore

POOR, FROZEN = number(20), number(55)
DAY = date(2026, 5, 1)
Line = tuple[str, str, str]


@pytest.fixture(params=["local", "remote"])
def banks(request: pytest.FixtureRequest, database_dsn: str, tmp_path: pathlib.Path) -> Iterator[Desk]:
    with desk(request.param, database_dsn, tmp_path, [A, B, C, POOR, FROZEN]) as made:
        yield made


def file(lines: Sequence[Line], batch_no: str = "B20260501", trailer: str | None = None, unit: str = "1405810") -> str:
    """A collection file of (account, amount, serial)."""
    details = "".join(
        f"D|{place}|{account_no}|{amount}|{serial}|20260501093000|00\n"
        for place, (account_no, amount, serial) in enumerate(lines, 1)
    )
    total = sum(float(amount) for _, amount, _ in lines) if trailer is None else 0
    stated = f"T|{len(lines)}|{total:.2f}|{len(lines)}|{total:.2f}\n" if trailer is None else trailer
    return f"H|DENGHUO1|COLLECT|ICBC1|{batch_no}|20260501|{unit}\n{details}{stated}"


def bring(content: str, name: str = "icbc.txt") -> ImportBankFile:
    return ImportBankFile(file_name=name, content=content)


def test_a_file_pays_bills_and_strangers_go_to_suspense(banks: Desk) -> None:
    banks.bill(Bill(A, {"energy": 1000}), Bill(C, {"energy": 500}))
    content = file(
        [(A, "10.00", "S0001"), (C, "6.00", "S0002"), ("9999999999999", "7.00", "S0003"), ("老王", "1.5", "S0004")]
    )
    reply = banks.payment.import_bank_file(ACCOUNTANT, bring(content))
    assert (reply.payments, reply.paid, reply.suspense, reply.failed) == (4, Money(2450), 2, 0)
    assert [(item.line, item.field, item.value) for item in reply.warnings] == [
        (4, "account_no", "9999999999999"), (5, "account_no", "老王")
    ]  # fmt: skip
    banks.settle()
    assert banks.owed(A).items == [] and banks.owed(C).prepaid == Money(100)
    seen = banks.payment.reconcile(ACCOUNTANT, AskReconciliation(day=DAY))
    assert seen.agrees and [item.cause for item in seen.differences] == ["suspense", "suspense"]
    assert [(row.method, row.amount, row.bank_amount) for row in seen.rows] == [("bank", Money(2450), Money(2450))]
    files = banks.payment.bank_files(ACCOUNTANT, FindBankFiles()).rows
    assert [(row.batch_no, row.paid, row.imported_by) for row in files] == [("B20260501", Money(2450), "zhao")]
    found = banks.payment.payments(ACCOUNTANT, FindPayments(source="B20260501", limit=3))
    rest = banks.payment.payments(ACCOUNTANT, FindPayments(source="B20260501", limit=3, after=found.next))
    assert len({row.receipt_no for row in (*found.rows, *rest.rows)}) == 4
    assert banks.payment.payments(CASHIER, FindPayments()).total == 1
    with pytest.raises(NotPermitted):
        banks.payment.bank_files(CASHIER, FindBankFiles())
    clerk = replace(ACCOUNTANT, scope=("1405810.02",))
    assert banks.payment.bank_files(clerk, FindBankFiles()).total == 0
    banks.balanced()


def test_the_same_file_twice_is_the_same_reply_and_doubles_nothing(banks: Desk) -> None:
    content = file([(A, "10.00", "S0001")])
    first = banks.payment.import_bank_file(ACCOUNTANT, bring(content))
    banks.settle()
    assert banks.payment.import_bank_file(ACCOUNTANT.keyed("again"), bring(content, "renamed.txt")) == first
    banks.settle()
    assert banks.payment.payments(ACCOUNTANT, FindPayments()).total == 1
    assert banks.owed(A).prepaid == Money(1000)
    with pytest.raises(BatchKnown) as raised:
        banks.payment.import_bank_file(ACCOUNTANT, bring(file([(A, "11.00", "S0009")])))
    assert raised.value.batch_no == "B20260501"
    other = file([(B, "1.00", "S0002"), (A, "10.00", "S0001")], batch_no="B20260502")
    with pytest.raises(BankFileRefused) as refused:
        banks.payment.import_bank_file(ACCOUNTANT, bring(other))
    assert [(item["line"], item["field"], item["value"]) for item in refused.value.errors] == [
        (3, "bank_serial", "S0001")
    ]
    assert banks.payment.payments(ACCOUNTANT, FindPayments()).total == 1


@pytest.mark.parametrize(
    ("content", "line", "field", "value"),
    [
        (file([(A, "10.00", "S0001")], trailer="T|1|10.01|1|10.01\n"), 3, "amount", "10.01"),
        (file([(A, "10.00", "S0001")], trailer="T|2|10.00|1|10.00\n"), 3, "count", "2"),
        (file([(A, "10.00", "S0001")], trailer="T|1|ten|1|10.00\n"), 3, "amount", "ten"),
        (file([(A, "10.00", "S0001")], trailer=""), 2, "record", ""),
        (file([(A, "10.00", "S0001"), (B, "1.00", "S0001")]), 3, "bank_serial", "S0001"),
        (file([(A, "10.001", "S0001")]), 2, "amount", "10.001"),
        (file([(A, "0", "S0001")]), 2, "amount", "0"),
        (file([(A, "-1", "S0001")]), 2, "amount", "-1"),
        (file([(A, "1e18", "S0001")]), 2, "amount", "1e18"),
        (file([(A, "1000000000000000000", "S0001")]), 2, "amount", "1000000000000000000"),
        (file([("", "1.00", "S0001")]), 2, "account_no", ""),
        (file([(A, "1.00", "'; --")]), 2, "bank_serial", "'; --"),
        (file([(A, "1.00", "S0001")]).replace("20260501093000", "20261301093000"), 2, "paid_at", "20261301093000"),
        (file([(A, "1.00", "S0001")]).replace("|00\n", "|51\n"), 2, "result", "51"),
        (file([(A, "1.00", "S0001")]).replace("|00\n", "\n"), 2, "record", None),
        (file([(A, "1.00", "S0001")]) + "D|2|x\n", 4, "record", "D|2|x"),
        (file([(A, "1.00", "S0001")]).replace("DENGHUO1", "OTHER"), 1, "version", "OTHER"),
        (file([(A, "1.00", "S0001")]).partition("\n")[2], 1, "record", "D"),
        ("<html>", 1, "record", "<html>"),
        ("\n", 1, "record", ""),
        (file([(A, "1.00", "S0001")], unit="14'58"), 1, "unit", "14'58"),
    ],
)
def test_a_wrong_file_is_refused_whole_and_says_where(content: str, line: int, field: str, value: str | None) -> None:
    with pytest.raises(Refused) as raised:
        read_bank_file(content)
    first = raised.value.faults[0]
    assert (first.line, first.field) == (line, field)
    assert value is None or first.value == value
    assert first.zh.endswith("。") and first.en.endswith(".")


def test_a_refused_file_leaves_nothing(banks: Desk) -> None:
    for content in (file([(A, "10.00", "S0001")], trailer="T|1|10.01|1|10.01\n"), file([(A, "10", "S1")])):
        with pytest.raises(BankFileRefused) as raised:
            banks.payment.import_bank_file(ACCOUNTANT, bring(content))
        assert raised.value.error_count >= 1 and raised.value.errors[0]["zh"]
    clerk = replace(ACCOUNTANT, scope=("1405810.01",))
    with pytest.raises(BankFileRefused) as outside:
        banks.payment.import_bank_file(clerk, bring(file([(C, "1.00", "S0001")], unit="1405810.01")))
    assert [(item["line"], item["field"]) for item in outside.value.errors] == [(2, "account_no")]
    with pytest.raises(BankFileRefused):
        banks.payment.import_bank_file(clerk, bring(file([(A, "1.00", "S0001")])))
    assert banks.payment.payments(ACCOUNTANT, FindPayments()).total == 0
    assert banks.payment.bank_files(ACCOUNTANT, FindBankFiles()).total == 0


@given(text=st.text(alphabet=st.sampled_from("HDT|0123456789.\n\r\ufeffA户-e+ "), max_size=300))
def test_no_text_breaks_the_reader(text: str) -> None:
    try:
        whole = read_bank_file(text)
    except Refused as refused:
        assert refused.count >= len(refused.faults) >= 1
    else:
        assert whole.header.batch_no


@given(cut=st.integers(0, 10_000), lines=st.integers(1, 9))
def test_a_truncated_file_never_passes(cut: int, lines: int) -> None:
    # The last digit of the total is never 0, so that no shorter text says the same.
    whole = file([(A, "1.01", f"S{place:04d}") for place in range(lines)])
    assert len(read_bank_file(whole).details) == lines
    shorter = whole.rstrip("\n")[: cut % (len(whole) - 1)]
    with pytest.raises(Refused):
        read_bank_file(shorter)


# --- direct debit ---------------------------------------------------------------------------------------------------------


def agreement(account_no: str, bank_code: str = "ICBC1", bank_account: str = "6222021234567890123") -> Agreement:
    return Agreement(
        account_no=account_no,
        org=f"1405810.{account_no[3:5]}",
        bank_code=bank_code,
        bank_account=bank_account,
        holder="罗|秀英",
        effective_from=DAY,
    )


def agree(banks: Desk, *accounts: str) -> None:
    banks.payment.register_agreements(SYSTEM, RegisterAgreements(agreements=[agreement(item) for item in accounts]))


def test_agreements_are_registered_once_and_changed_by_date(banks: Desk) -> None:
    request = RegisterAgreements(agreements=[agreement(A), agreement(C)])
    first = banks.payment.register_agreements(SYSTEM, request)
    again = banks.payment.register_agreements(SYSTEM, request)
    assert (first.registered, first.unchanged, again.registered, again.unchanged) == (2, 0, 0, 2)
    changed = banks.payment.register_agreements(
        SYSTEM, RegisterAgreements(agreements=[agreement(A, bank_account="6222029999999999999")])
    )
    assert (changed.changed, changed.registered) == (1, 0)
    found = banks.payment.agreements(ACCOUNTANT, FindAgreements())
    assert [(row.account_no, row.bank_account[-4:]) for row in found.rows] == [(A, "9999"), (C, "0123")]
    clerk = replace(ACCOUNTANT, scope=("1405810.01",))
    assert [row.account_no for row in banks.payment.agreements(clerk, FindAgreements()).rows] == [A]


def test_posted_bills_are_collected_by_the_sandbox_bank(banks: Desk) -> None:
    agree(banks, A, C, POOR, FROZEN)
    banks.bill(*(Bill(account_no, {"energy": 1000}) for account_no in (A, B, C, POOR, FROZEN)))
    banks.settle()
    assert [banks.owed(account_no).due for account_no in (A, B, C, POOR, FROZEN)] == [
        Money(0), Money(1000), Money(0), Money(1000), Money(1000)
    ]  # fmt: skip
    batch = banks.payment.debit_batches(ACCOUNTANT, FindDebitBatches()).rows[0]
    assert (batch.state, batch.lines, batch.succeeded, batch.failed, batch.collected, batch.sandbox) == (
        "returned", 4, 2, 2, Money(2000), True
    )  # fmt: skip
    lines = banks.payment.debit_lines(ACCOUNTANT, FindDebitLines(batch_no=batch.batch_no))
    assert {row.account_no: row.result for row in lines.rows} == {A: "00", C: "00", POOR: "51", FROZEN: "14"}
    failed = banks.payment.debit_lines(ACCOUNTANT, FindDebitLines(batch_no=batch.batch_no, failed_only=True, limit=1))
    assert (failed.total, len(failed.rows)) == (2, 1)
    paid = banks.payment.payments(ACCOUNTANT, FindPayments(method="debit")).rows
    assert {row.account_no for row in paid} == {A, C} and all(row.sandbox for row in paid)
    asked = TakeDebitFile(batch_no=batch.batch_no, reason="送交银行代扣")
    outgoing = banks.payment.debit_file(ACCOUNTANT.keyed("the file"), asked)
    assert banks.payment.debit_file(ACCOUNTANT.keyed("the file"), asked) == outgoing
    content = base64.b64decode(outgoing.content).decode()
    assert content.splitlines()[-1] == "T|4|40.00" and f"|{A}|10.00|6222021234567890123|罗 秀英" in content
    assert "SANDBOX" in outgoing.file_name
    seen = banks.payment.reconcile(ACCOUNTANT, AskReconciliation(month=f"{paid[0].day:%Y-%m}"))
    assert seen.agrees and seen.rows[0].bank_amount == Money(2000)
    clerk = replace(ACCOUNTANT, scope=("1405810.01",))
    assert banks.payment.debit_batches(clerk, FindDebitBatches()).total == 0
    with pytest.raises(BatchUnknown):
        banks.payment.debit_lines(clerk, FindDebitLines(batch_no=batch.batch_no))
    with pytest.raises(BatchUnknown):
        banks.payment.debit_file(clerk, asked)
    with banks.database.connection() as connection:
        kept = connection.execute(
            "SELECT request->>'reason', reply::text FROM payment.journal WHERE operation = 'payment.debit_file'"
        ).fetchall()
    assert kept == [("送交银行代扣", "{}")], "one record of both, and none of the bank accounts"
    collection = banks.payment.collection(ACCOUNTANT, AskCollection())
    assert (collection.receivable, collection.collected, str(collection.percent)) == (Money(5000), Money(2000), "40.00")
    banks.balanced()


def test_a_later_run_asks_only_who_did_not_fail_and_a_person_may_ask_again(banks: Desk) -> None:
    agree(banks, A, POOR)
    banks.bill(Bill(A, {"energy": 1000}), Bill(POOR, {"energy": 1000}))
    banks.settle()
    banks.bill(Bill(A, {"adjustment": 50}, serial=2))
    banks.settle()
    batches = banks.payment.debit_batches(ACCOUNTANT, FindDebitBatches(month="2026-04")).rows
    assert [(row.lines, row.succeeded) for row in batches] == [(1, 1), (2, 1)]
    banks.payment.debit_batch(ACCOUNTANT, MakeDebitBatch(month="2026-04"))
    banks.settle()
    newest = banks.payment.debit_batches(ACCOUNTANT, FindDebitBatches()).rows[0]
    assert (newest.lines, newest.failed, newest.state) == (1, 1, "returned")
    banks.payment.debit_batch(ACCOUNTANT, MakeDebitBatch(month="2026-04"))
    assert banks.payment.debit_batch(ACCOUNTANT, MakeDebitBatch(month="2026-04")).total == 1
    banks.settle()
    assert banks.owed(A).prepaid == Money(0) and banks.owed(POOR).due == Money(1000)
    banks.balanced()


def test_the_steps_of_a_run_lead_to_its_end_and_then_do_nothing(banks: Desk) -> None:
    agree(banks, A)
    banks.bill(Bill(A, {"energy": 1000}))
    batch_no = banks.payment.debit_batch(ACCOUNTANT, MakeDebitBatch(month="2026-04")).rows[0].batch_no
    while banks.payment.run_debit(SYSTEM, Step(batch_no=batch_no)).again:
        pass
    assert banks.owed(A).due == Money(1000)
    assert banks.payment.post_pending(SYSTEM, Step()).done == 1
    assert banks.owed(A).due == Money(0)
    assert not banks.payment.run_debit(SYSTEM, Step(batch_no=batch_no)).again
    assert banks.payment.post_pending(SYSTEM, Step()).done == 0
    banks.balanced()


class Killed(BaseException):
    """Stands for kill -9: nothing catches it, nothing after it runs."""


@pytest.mark.scope("A3-14")
def test_a_debit_run_killed_at_any_step_is_resumed_without_charging_twice(
    banks: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    agree(banks, A, C)
    banks.bill(Bill(A, {"energy": 1000}), Bill(C, {"energy": 1000}))
    api = banks.directory(PaymentApi)
    batch_no = banks.payment.debit_batch(ACCOUNTANT, MakeDebitBatch(month="2026-04")).rows[0].batch_no

    def run(step: str) -> None:
        while getattr(api, step)(SYSTEM, Step(batch_no=batch_no)).again:
            pass

    for owner, name, step in (
        (BankStore, "add_lines", "run_debit"),
        (SandboxBank, "send", "run_debit"),
        (SandboxBank, "answer", "run_debit"),
        (PaymentStore, "add", "run_debit"),
        (BankStore, "add_file", "run_debit"),
        (PaymentStore, "mark_posted", "post_pending"),
    ):
        if step == "post_pending":
            run("run_debit")
        whole = getattr(owner, name)

        def dying(*arguments: object, done: Callable[..., object] = whole) -> None:
            done(*arguments)
            raise Killed

        with monkeypatch.context() as patch:
            patch.setattr(owner, name, dying)
            with pytest.raises(Killed):
                run(step)
    banks.settle()
    assert [(banks.owed(account_no).due, banks.owed(account_no).prepaid) for account_no in (A, C)] == [
        (Money(0), Money(0)), (Money(0), Money(0))
    ]  # fmt: skip
    assert banks.payment.payments(ACCOUNTANT, FindPayments(method="debit")).total == 2
    states = {row.batch_no: row.state for row in banks.payment.debit_batches(ACCOUNTANT, FindDebitBatches()).rows}
    assert states.pop(batch_no) == "returned" and set(states.values()) <= {"empty"}
    banks.balanced()


# --- online ---------------------------------------------------------------------------------------------------------------

NOBODY = Call(actor="channel", now=datetime(2026, 5, 1, 2, tzinfo=UTC))


def test_a_customer_pays_own_bills_only(banks: Desk) -> None:
    banks.bill(Bill(A, {"energy": 1000}), Bill(A, {"energy": 200}, serial=2), Bill(B, {"energy": 500}))
    mine, second, others = f"202604{A}101", f"202604{A}102", f"202604{B}101"
    with pytest.raises(AccountUnknown):
        banks.payment.pay_online(HOLDER, PayOnline(bill_nos=[others]))
    with pytest.raises(NothingToPay):
        banks.payment.pay_online(HOLDER, PayOnline(bill_nos=[mine, others]))
    with pytest.raises(NothingToPay):
        banks.payment.pay_online(HOLDER, PayOnline(bill_nos=[f"209901{A}101"]))
    order = banks.payment.pay_online(HOLDER, PayOnline(bill_nos=[second]))
    assert (order.amount, order.state, order.sandbox) == (Money(200), "created", True)
    assert "沙箱" in order.channel_zh and order.signature
    banks.payment.sandbox_pay(HOLDER, OrderRef(order_no=order.order_no))
    banks.payment.sandbox_pay(HOLDER, OrderRef(order_no=order.order_no))
    banks.settle()
    paid = banks.payment.order(HOLDER, OrderRef(order_no=order.order_no))
    assert paid.state == "paid" and paid.receipt_no is not None
    assert [item.bill_no for item in banks.owed(A).items] == [mine]
    found = banks.payment.payments(HOLDER, FindPayments())
    assert [(row.receipt_no, row.amount, row.sandbox) for row in found.rows] == [(paid.receipt_no, Money(200), True)]
    neighbour = replace(HOLDER, accounts=(B,))
    for attempt in (banks.payment.order, banks.payment.sandbox_pay):
        with pytest.raises(OrderUnknown):
            attempt(neighbour, OrderRef(order_no=order.order_no))
    assert banks.payment.payments(neighbour, FindPayments()).total == 0
    with pytest.raises(NothingToPay):
        banks.payment.pay_online(HOLDER, PayOnline(bill_nos=[second]))
    banks.balanced()


def test_a_callback_is_verified_and_taken_once(banks: Desk) -> None:
    banks.bill(Bill(A, {"energy": 1000}))
    order = banks.payment.pay_online(HOLDER, PayOnline(bill_nos=[f"202604{A}101"]))
    with banks.database.connection() as connection:
        row = connection.execute("SELECT secret FROM payment.channel_key WHERE channel = 'sandbox'").fetchone()
    assert row is not None
    body, signature = SandboxOnline().pay(order.order_no, "10.00", NOBODY.now, bytes(row[0]))
    for wrong in (
        OnlineCallback(channel="sandbox", body=body, signature="0" * 64),
        OnlineCallback(channel="sandbox", body=body.replace("10.00", "99.00"), signature=signature),
        OnlineCallback(channel="sandbox", body="{}", signature=signature),
        OnlineCallback(channel="other", body=body, signature=signature),
    ):
        with pytest.raises(SignatureWrong):
            banks.payment.online_callback(NOBODY, wrong)
    right = OnlineCallback(channel="sandbox", body=body, signature=signature)
    for _ in range(3):
        assert banks.payment.online_callback(NOBODY, right).order_no == order.order_no
    banks.settle()
    banks.payment.online_callback(NOBODY, right)
    banks.settle()
    assert banks.owed(A).items == [] and banks.owed(A).prepaid == Money(0)
    assert banks.payment.payments(SYSTEM, FindPayments()).total == 1
    other, signed = SandboxOnline().pay(order.order_no, "11.00", NOBODY.now, bytes(row[0]))
    with pytest.raises(CallbackDiffers):
        banks.payment.online_callback(NOBODY, OnlineCallback(channel="sandbox", body=other, signature=signed))
    banks.balanced()


def test_the_example_of_the_reference_page_is_a_good_file() -> None:
    page = (pathlib.Path(__file__).parents[3] / "docs/reference/bank-file.md").read_text("utf-8")
    example = page.split("```\n")[1]
    assert (len(read_bank_file(example).details), read_bank_file(example).amount) == (2, Money.of("185.22"))

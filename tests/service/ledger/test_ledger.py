"""The ledger through both bindings: billing runs, receipts, reversals, scope, closing; the books balance whatever happens."""

import pathlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

import psycopg
import pytest
from tests.service.bindings import NOW, local, remote, web
from tests.service.ledger.books import SYSTEM, Bill, issued, number, open_accounts, org_of

from denghuo.data.processing.database import Database
from denghuo.data.processing.dataset import Datasets
from denghuo.data.processing.work import Work
from denghuo.kernel.contract import Call
from denghuo.kernel.problem import NotPermitted, Problem
from denghuo.kernel.values import Energy, Money, Percent
from denghuo.service.billing.api import BillingApi, BillsIssued, EstimatesFound, EstimatesOf, Unbilled
from denghuo.service.customer.api import CustomerApi
from denghuo.service.customer.service import CustomerService
from denghuo.service.host.binding import Ask, Directory
from denghuo.service.ledger.api import (
    AccountUnknown,
    AlreadyReversed,
    AskAgeing,
    AskChart,
    AskProof,
    AskRecovery,
    AskStatement,
    AskTrialBalance,
    AskVoucher,
    BillsOpen,
    CloseMonth,
    FindEntries,
    FindPostings,
    FindReceivables,
    FindVouchers,
    LedgerApi,
    Method,
    MonthLocked,
    MonthNotOver,
    OwedBy,
    PostReceipts,
    Receipt,
    ReceiptDiffers,
    ReceiptsOf,
    ReceiptTotals,
    ReverseReceipt,
    VoucherUnknown,
)
from denghuo.service.ledger.listen import post_bills
from denghuo.service.ledger.service import LedgerService

A, B, C = number(1), number(2), number(3, station=2)
ACCOUNTANT = Call(actor="accountant", now=NOW, permits=frozenset({"ledger.*"}), scope=("1405810",))
CLERK = replace(ACCOUNTANT, actor="clerk", scope=("1405810.01",))


@dataclass
class Books:
    ledger: LedgerApi
    directory: Directory
    database: Database
    datasets: Datasets

    def deliver(self, event: BillsIssued, event_id: str = "billing:1:0") -> None:
        self.directory.hosted["ledger"].handle("ledger", post_bills, SYSTEM, event, event_id)

    def bill(self, *bills: Bill, run_no: int = 1) -> None:
        self.deliver(issued(self.datasets, bills, run_no), f"run:{run_no}")

    def pay(self, receipt_no: str, account_no: str, fen: int, method: Method = "cash", **more: object) -> None:
        self.ledger.post_receipts(SYSTEM, PostReceipts(receipts=[receipt(receipt_no, account_no, fen, method, **more)]))

    def balanced(self) -> None:
        balance = self.ledger.trial_balance(ACCOUNTANT, AskTrialBalance())
        assert balance.balanced and balance.difference == Money(0)
        proofs = self.ledger.proof(SYSTEM, AskProof())
        assert proofs.agrees, [(row.check, str(row.difference)) for row in proofs.rows]

    def closing(self, use: str) -> Money:
        code = next(row.code for row in self.ledger.chart(ACCOUNTANT, AskChart()).rows if row.use == use)
        rows = self.ledger.trial_balance(ACCOUNTANT, AskTrialBalance()).rows
        return next(row.closing for row in rows if row.code == code)


def receipt(receipt_no: str, account_no: str, fen: int, method: Method = "cash", **more: object) -> Receipt:
    fields: dict[str, object] = {
        "receipt_no": receipt_no,
        "account_no": account_no,
        "org": org_of(account_no) if len(account_no) == 13 else "1405810",
        "amount": Money(fen),
        "method": method,
        "paid_at": NOW,
    }
    return Receipt.model_validate(fields | more)


class Estimating(BillingApi):
    """A billing service that has estimated the running month of one account."""

    def __init__(self, work: Work, ask: Ask) -> None:
        pass

    def unbilled(self, call: Call, request: EstimatesOf) -> EstimatesFound:
        rows = [
            Unbilled(
                account_no=A,
                kind=kind,
                month=f"{day:%Y-%m}",
                through_on=day,
                energy=Energy(60_000),
                amount=Money(fen),
                estimated_at=NOW,
            )
            for kind, day, fen in (
                ("purchase", date(2026, 4, 15), 999),
                ("supply", date(2026, 3, 31), 3000),
                ("supply", date(2026, 4, 15), 702),
            )
        ]
        return EstimatesFound(rows=[row for row in rows if row.account_no in request.account_nos])


@pytest.fixture(params=["local", "remote"])
def books(request: pytest.FixtureRequest, database_dsn: str, tmp_path: pathlib.Path) -> Iterator[Books]:
    with Database(database_dsn) as database:
        services = {CustomerApi: CustomerService, LedgerApi: LedgerService, BillingApi: Estimating}
        directory = local(database, tmp_path, services)
        open_accounts(directory(CustomerApi), [A, B, C])
        datasets = Datasets(database, tmp_path)
        if request.param == "local":
            yield Books(directory(LedgerApi), directory, database, datasets)
        else:
            with web(directory) as client:
                api = remote(LedgerApi, client)
                assert isinstance(api, LedgerApi)
                yield Books(api, directory, database, datasets)


def test_a_balance_is_estimated_with_the_running_month_that_nobody_billed_yet(books: Books) -> None:
    books.pay("R0000001", A, 5000)
    left = books.ledger.estimated_balance(ACCOUNTANT, OwedBy(account_no=A))
    assert (left.prepaid, left.unbilled, left.balance) == (Money(5000), Money(3702), Money(1298))
    assert (left.through_on, left.estimated_at) == (date(2026, 4, 15), NOW)
    books.pay("R0000002", B, 100)
    books.bill(Bill(B, {"energy": 6170}))
    due = books.ledger.estimated_balance(ACCOUNTANT, OwedBy(account_no=B))
    owed = books.ledger.owed(ACCOUNTANT, OwedBy(account_no=B))
    assert due.balance == owed.prepaid - owed.outstanding < Money(0)
    assert (due.unbilled, due.through_on) == (Money(0), None)
    with pytest.raises(AccountUnknown):
        books.ledger.estimated_balance(CLERK, OwedBy(account_no=C))


def test_a_run_is_posted_by_groups_and_balances(books: Books) -> None:
    books.bill(
        Bill(A, {"energy": 6170, "fund": 290, "basic": 1000, "power_factor": -60}),
        Bill(B, {"energy": 1, "adjustment": -1}),
        Bill(C, {"purchase": 44710}, kind="purchase"),
    )
    assert books.closing("receivable") == Money(7400)
    assert books.closing("energy") == Money(-6171)
    assert books.closing("fund") == Money(-290)
    assert books.closing("basic") == Money(-1000)
    assert books.closing("power_factor") == Money(60)
    assert (books.closing("purchase"), books.closing("payable")) == (Money(44710), Money(-44710))
    owed = books.ledger.owed(ACCOUNTANT, OwedBy(account_no=A))
    assert [(item.bill_no, item.rest, item.state) for item in owed.items] == [(f"202604{A}101", Money(7400), "open")]
    assert owed.due == owed.outstanding == Money(7400)
    assert books.ledger.owed(ACCOUNTANT, OwedBy(account_no=C)).payable == Money(44710)
    assert books.ledger.owed(ACCOUNTANT, OwedBy(account_no=B)).items == []
    books.balanced()


def test_a_customer_without_bills_owes_nothing(books: Books) -> None:
    owed = books.ledger.owed(CLERK, OwedBy(account_no=A))
    assert (owed.items, owed.due, owed.prepaid) == ([], Money(0), Money(0))
    assert books.ledger.statement(CLERK, AskStatement(account_no=A)).rows == []
    for stranger in (C, number(999)):
        with pytest.raises(AccountUnknown):
            books.ledger.owed(CLERK, OwedBy(account_no=stranger))


def test_every_figure_drills_to_its_document(books: Books) -> None:
    books.bill(Bill(A, {"energy": 6170}), Bill(B, {"energy": 100}))
    books.pay("SK000001", A, 6170)
    found = books.ledger.vouchers(ACCOUNTANT, FindVouchers())
    assert [(row.document_kind, row.amount, row.documents) for row in found.rows] == [
        ("receipt", Money(6170), 1),
        ("bill", Money(6270), 2),
    ]
    assert [row.voucher_no for row in found.rows] == ["202605-000002", "202605-000001"]
    voucher = books.ledger.voucher(ACCOUNTANT, AskVoucher(voucher_no="202605-000001"))
    assert [(line.code, line.debit, line.credit) for line in voucher.lines] == [
        ("1122", Money(6270), Money(0)),
        ("600101", Money(0), Money(6270)),
    ]
    entries = books.ledger.entries(ACCOUNTANT, FindEntries(voucher_no="202605-000001", account_no=A))
    assert {row.document_no for row in entries.rows} == {f"202604{A}101"} and entries.total == 2
    assert books.ledger.entries(ACCOUNTANT, FindEntries(document_no="SK000001")).total == 2
    pages = []
    after: str | None = None
    while True:
        page = books.ledger.entries(ACCOUNTANT, FindEntries(limit=4, after=after))
        pages += [row.entry_no for row in page.rows]
        if (after := page.next) is None:
            break
    assert len(pages) == len(set(pages)) == 6
    with pytest.raises(VoucherUnknown):
        books.ledger.voucher(ACCOUNTANT, AskVoucher(voucher_no="209901-000001"))


def test_events_twice_and_out_of_order_change_nothing(books: Books) -> None:
    first = issued(books.datasets, [Bill(A, {"energy": 100})], run_no=1)
    second = issued(books.datasets, [Bill(B, {"energy": 50})], run_no=2)
    third = issued(books.datasets, [Bill(A, {"energy": -100}, serial=2, reverses=f"202604{A}101")], run_no=3)
    for event, event_id in ((third, "3"), (second, "2"), (first, "1"), (first, "1"), (second, "2b"), (third, "3b")):
        books.deliver(event, event_id)
    assert books.closing("receivable") == Money(50)
    postings = books.ledger.postings(ACCOUNTANT, FindPostings()).rows
    assert [(row.run_no, row.bills, row.unchanged) for row in postings] == [
        (3, 0, 1), (2, 0, 1), (1, 1, 0), (2, 1, 0), (3, 1, 0)
    ]  # fmt: skip
    assert books.ledger.owed(ACCOUNTANT, OwedBy(account_no=A)).due == Money(0)
    books.balanced()
    with books.database.connection() as connection:
        told = connection.execute("SELECT count(*) FROM ledger.journal WHERE events::text LIKE '%bills.posted%'")
        assert told.fetchone() == (3,)


def test_a_bill_that_disagrees_with_its_lines_is_held_and_the_rest_posted(books: Books) -> None:
    books.bill(Bill(A, {"energy": 100}, off_fen=1), Bill(B, {"energy": 50}), Bill(C, {"strange": 7}))
    posting = books.ledger.postings(ACCOUNTANT, FindPostings()).rows[0]
    assert (posting.bills, posting.held, posting.amount) == (1, 2, Money(50))
    books.bill(Bill(B, {"energy": 51}), run_no=2)
    assert books.ledger.postings(ACCOUNTANT, FindPostings()).rows[0].held == 1
    assert books.closing("receivable") == Money(50)
    books.balanced()


def test_receipts_settle_the_oldest_and_the_named_first(books: Books) -> None:
    old = Bill(A, {"energy": 100}, month="2026-03", due_on=date(2026, 4, 20))
    new = Bill(A, {"energy": 300})
    books.bill(new, old)
    reply = books.ledger.post_receipts(
        SYSTEM,
        PostReceipts(
            receipts=[
                receipt("SK000001", A, 150),
                receipt("SK000002", A, 300, "qr"),
                receipt("SK000003", "nobody", 77, "bank"),
                receipt("SK000004", number(99), 5, "bank"),
            ]
        ),
    )
    assert [(row.settled, row.prepaid, row.suspense) for row in reply.rows] == [
        (Money(150), Money(0), Money(0)),
        (Money(250), Money(50), Money(0)),
        (Money(0), Money(0), Money(77)),
        (Money(0), Money(0), Money(5)),
    ]
    owed = books.ledger.owed(ACCOUNTANT, OwedBy(account_no=A))
    assert (owed.items, owed.prepaid, owed.due) == ([], Money(50), Money(0))
    assert (books.closing("suspense"), books.closing("prepaid")) == (Money(-82), Money(-50))
    assert (books.closing("cash"), books.closing("transit"), books.closing("bank")) == (
        Money(150), Money(300), Money(82),
    )  # fmt: skip
    totals = books.ledger.receipt_totals(ACCOUNTANT, ReceiptTotals(start=date(2026, 5, 1), end=date(2026, 5, 2)))
    assert {(row.method, row.count, row.amount) for row in totals.rows} == {
        ("cash", 1, Money(150)), ("qr", 1, Money(300)), ("bank", 2, Money(82))
    }  # fmt: skip
    books.balanced()
    books.bill(Bill(B, {"energy": 100}), Bill(B, {"energy": 200}, serial=2), run_no=2)
    books.pay("SK000005", B, 200, bill_nos=[f"202604{B}102"])
    assert [item.bill_no for item in books.ledger.owed(ACCOUNTANT, OwedBy(account_no=B)).items] == [f"202604{B}101"]


def test_receipts_are_idempotent_by_number(books: Books) -> None:
    books.bill(Bill(A, {"energy": 100}))
    request = PostReceipts(receipts=[receipt("SK000001", A, 150), receipt("SK000002", B, 10)])
    first = books.ledger.post_receipts(SYSTEM, request)
    again = books.ledger.post_receipts(SYSTEM, request)
    assert (first.posted, again.posted, again.unchanged) == (2, 0, 2)
    assert again.rows == first.rows
    with pytest.raises(ReceiptDiffers) as raised:
        books.pay("SK000001", A, 151)
    assert (raised.value.receipt_no, raised.value.field, raised.value.known) == ("SK000001", "amount", "1.50")
    for fen in (0, -1, 10**18):
        with pytest.raises(Problem):
            books.pay("SK000009", A, fen)
    assert books.closing("cash") == Money(160)
    books.balanced()


def test_reversal_opens_the_item_again(books: Books) -> None:
    books.bill(Bill(A, {"energy": 100}))
    books.pay("SK000001", A, 150)
    books.bill(Bill(A, {"energy": 30}, month="2026-05", due_on=date(2026, 6, 20)), run_no=2)
    assert books.ledger.owed(ACCOUNTANT, OwedBy(account_no=A)).prepaid == Money(20)
    reverse = ReverseReceipt(reversal_no="CZ000001", receipt_no="SK000001", reason="收错户，退回")
    reversed_ = books.ledger.reverse_receipt(SYSTEM, reverse)
    assert reversed_.reopened == Money(130)
    owed = books.ledger.owed(ACCOUNTANT, OwedBy(account_no=A))
    assert ([item.rest for item in owed.items], owed.prepaid) == ([Money(100), Money(30)], Money(0))
    assert books.closing("cash") == Money(0)
    assert books.ledger.reverse_receipt(SYSTEM, reverse) == reversed_
    with pytest.raises(AlreadyReversed):
        books.ledger.reverse_receipt(SYSTEM, reverse.model_copy(update={"reversal_no": "CZ000002"}))
    known = books.ledger.receipts_of(ACCOUNTANT, ReceiptsOf(receipt_nos=["SK000001", "SK999999"]))
    assert [(row.receipt_no, row.state) for row in known.rows] == [("SK000001", "reversed")]
    books.pay("SK000003", "nobody", 9)
    books.ledger.reverse_receipt(
        SYSTEM, ReverseReceipt(reversal_no="CZ000003", receipt_no="SK000003", reason="银行误划")
    )
    assert books.closing("suspense") == Money(0)
    books.balanced()


def test_statement_runs_to_the_balance(books: Books) -> None:
    books.bill(Bill(A, {"energy": 100}))
    books.pay("SK000001", A, 150)
    books.bill(Bill(A, {"energy": 70}, month="2026-05"), run_no=2)
    statement = books.ledger.statement(ACCOUNTANT, AskStatement(account_no=A))
    assert [(row.document_kind, row.debit, row.credit, row.balance) for row in statement.rows] == [
        ("bill", Money(70), None, Money(20)),
        ("receipt", None, Money(150), Money(-50)),
        ("bill", Money(100), None, Money(100)),
    ]
    assert statement.balance == Money(20) == books.ledger.owed(ACCOUNTANT, OwedBy(account_no=A)).due
    page = books.ledger.statement(ACCOUNTANT, AskStatement(account_no=A, limit=2))
    rest = books.ledger.statement(ACCOUNTANT, AskStatement(account_no=A, limit=2, after=page.next))
    assert [row.balance for row in (*page.rows, *rest.rows)] == [row.balance for row in statement.rows]


@pytest.mark.scope("B16-09")
def test_recovery_receivables_and_ageing_agree_with_the_books(books: Books) -> None:
    books.bill(Bill(A, {"energy": 300}), Bill(B, {"energy": 100}, due_on=date(2026, 4, 10)), Bill(C, {"energy": 100}))
    books.pay("SK000001", A, 100)
    recovery = books.ledger.recovery(ACCOUNTANT, AskRecovery())
    assert [(row.group, row.receivable, row.collected, row.percent) for row in recovery.rows] == [
        ("1405810.01", Money(400), Money(100), Percent(2500)),
        ("1405810.02", Money(100), Money(0), Percent(0)),
    ]
    assert (recovery.month, recovery.total.outstanding, recovery.total.overdue) == ("2026-04", Money(400), Money(100))
    assert recovery.total.outstanding == books.closing("receivable")
    by_class = books.ledger.recovery(ACCOUNTANT, AskRecovery(by="tariff_class"))
    assert [row.group for row in by_class.rows] == ["resident"]
    assert books.ledger.recovery(ACCOUNTANT, AskRecovery(month="2020-01")).rows == []
    ageing = books.ledger.ageing(ACCOUNTANT, AskAgeing())
    assert {row.bucket: row.outstanding for row in ageing.rows if row.bills} == {
        "current": Money(300), "1-30": Money(100)
    }  # fmt: skip
    states = {
        state: books.ledger.receivables(ACCOUNTANT, FindReceivables(state=state)).total
        for state in ("open", "part", "overdue", "paid")
    }
    assert states == {"open": 3, "part": 1, "overdue": 1, "paid": 0}
    found = books.ledger.receivables(ACCOUNTANT, FindReceivables(month="2026-04", org="1405810.01", limit=1))
    assert (found.total, found.amount, found.rest, len(found.rows)) == (2, Money(400), Money(300), 1)
    opened = books.ledger.bills_open(ACCOUNTANT, BillsOpen(account_nos=[A, B, number(50)]))
    assert [(row.account_no, row.due) for row in opened.rows] == [(A, Money(200)), (B, Money(100))]


def test_station_clerk_sees_nothing_of_another_station(books: Books) -> None:
    books.bill(Bill(A, {"energy": 300}), Bill(C, {"energy": 700}))
    books.pay("SK000001", A, 100)
    books.pay("SK000002", C, 200)
    ledger = books.ledger
    with pytest.raises(AccountUnknown):
        ledger.owed(CLERK, OwedBy(account_no=C))
    with pytest.raises(AccountUnknown):
        ledger.statement(CLERK, AskStatement(account_no=C))
    assert ledger.bills_open(CLERK, BillsOpen(account_nos=[A, C])).rows[0].account_no == A
    assert len(ledger.bills_open(CLERK, BillsOpen(account_nos=[A, C])).rows) == 1
    assert {row.account_no for row in ledger.receivables(CLERK, FindReceivables()).rows} == {A}
    assert ledger.receivables(CLERK, FindReceivables(org="1405810.02")).total == 0
    assert {row.org for row in ledger.entries(CLERK, FindEntries()).rows} == {"1405810.01"}
    vouchers = ledger.vouchers(CLERK, FindVouchers()).rows
    assert {row.org for row in vouchers} == {"1405810.01"}
    for hidden in {row.voucher_no for row in ledger.vouchers(ACCOUNTANT, FindVouchers()).rows} - {
        row.voucher_no for row in vouchers
    }:
        with pytest.raises(VoucherUnknown):
            ledger.voucher(CLERK, AskVoucher(voucher_no=hidden))
    balance = ledger.trial_balance(CLERK, AskTrialBalance())
    assert balance.balanced and balance.debit == Money(400)
    recovery = ledger.recovery(CLERK, AskRecovery())
    assert [row.group for row in recovery.rows] == ["1405810.01"] and recovery.total.receivable == Money(300)
    assert ledger.ageing(CLERK, AskAgeing()).outstanding == Money(200)
    assert [
        row.receipt_no for row in ledger.receipts_of(CLERK, ReceiptsOf(receipt_nos=["SK000001", "SK000002"])).rows
    ] == ["SK000001"]
    day = ReceiptTotals(start=date(2026, 5, 1), end=date(2026, 5, 2))
    assert sum(row.amount.fen for row in ledger.receipt_totals(CLERK, day).rows) == 100
    assert ledger.proof(CLERK, AskProof()).rows[1].books == Money(200)
    with pytest.raises(NotPermitted):
        ledger.post_receipts(CLERK, PostReceipts(receipts=[receipt("SK000009", C, 1)]))


def test_a_customer_sees_only_own_account_and_no_books(books: Books) -> None:
    books.bill(Bill(A, {"energy": 300}), Bill(B, {"energy": 700}))
    holder = Call(actor="holder", now=NOW, permits=frozenset({"ledger.read"}), scope=("",), accounts=(A,))
    assert books.ledger.owed(holder, OwedBy(account_no=A)).due == Money(300)
    with pytest.raises(AccountUnknown):
        books.ledger.owed(holder, OwedBy(account_no=B))
    assert [row.account_no for row in books.ledger.receivables(holder, FindReceivables()).rows] == [A]
    with pytest.raises(NotPermitted):
        books.ledger.trial_balance(holder, AskTrialBalance())


@pytest.mark.scope("B16-06")
def test_a_closed_month_takes_nothing_more(books: Books) -> None:
    books.bill(Bill(A, {"energy": 300}))
    close = CloseMonth(month="2026-05", reason="五月结账，核对无误")
    with pytest.raises(MonthNotOver):
        books.ledger.close_month(SYSTEM, close)
    june = replace(SYSTEM, now=datetime(2026, 6, 2, 1, tzinfo=UTC))
    assert books.ledger.trial_balance(june, AskTrialBalance(month=close.month)).closed_at is None
    accountant = replace(ACCOUNTANT, now=june.now, permits=frozenset({"ledger.close"}))
    with pytest.raises(NotPermitted, match="the whole company"):
        books.ledger.close_month(replace(accountant, scope=("1405810.01",)), close)
    closed = books.ledger.close_month(accountant, close)
    assert books.ledger.trial_balance(june, AskTrialBalance(month=close.month)).closed_at == closed.closed_at
    assert closed.debit == closed.credit == Money(300)
    with pytest.raises(MonthLocked):
        books.ledger.close_month(june, close)
    books.pay("SK000001", A, 100)
    may = books.ledger.trial_balance(ACCOUNTANT, AskTrialBalance(month="2026-05"))
    later = books.ledger.trial_balance(ACCOUNTANT, AskTrialBalance(month="2026-06"))
    assert (may.debit, later.debit) == (Money(300), Money(100))
    opening = {row.code: row.opening for row in later.rows}
    assert (opening["1122"], opening["600101"]) == (Money(300), Money(-300))
    assert later.balanced
    books.balanced()


@pytest.mark.scope("B16-01")
def test_the_database_itself_refuses_what_does_not_balance_or_changes(books: Books) -> None:
    books.bill(Bill(A, {"energy": 300}))

    def run(statement: str) -> None:
        with books.database.connection() as connection:
            connection.execute("SET LOCAL ROLE denghuo_ledger")
            connection.execute("SET LOCAL search_path TO ledger, denghuo")
            connection.execute("SELECT set_config('denghuo.scope', '*', true)")
            connection.execute(statement)

    values = (
        "INSERT INTO entry (voucher_no, month, posted_at, document_kind, document_no, code, org, debit_fen, credit_fen)"
    )
    values += " VALUES "
    debit = "('202605-000001', '2026-05', now(), 'receipt', 'X', '1001', '1405810', 5, 0)"
    for statement in (
        values + debit,
        values + debit + ", ('202605-000001', '2026-05', now(), 'receipt', 'X', '1122', '1405810', 0, 4)",
        values + debit + ", ('202605-000001', '2026-05', now(), 'receipt', 'X', '1122', '1405810.01', 0, 5)",
        values + debit + ", ('202605-000001', '2026-05', now(), 'receipt', 'Y', '1122', '1405810', 0, 5)",
        "UPDATE entry SET debit_fen = debit_fen + 1 WHERE debit_fen > 0",
        "UPDATE entry SET debit_fen = 2 * debit_fen, credit_fen = 2 * credit_fen",
        "DELETE FROM entry",
        "UPDATE voucher SET zh = ''",
    ):
        with pytest.raises(psycopg.errors.CheckViolation):
            run(statement)
    for statement in (
        values + debit + ", ('202605-000001', '2026-05', now(), 'receipt', 'X', '9999', '1405810', 0, 5)",
        (values + debit + ", ('202605-000001', '2026-05', now(), 'receipt', 'X', '1122', '1405810', 0, 5)").replace(
            "202605-000001", "202605-999999"
        ),
    ):
        with pytest.raises(psycopg.errors.ForeignKeyViolation):
            run(statement)
    run(values + debit + ", ('202605-000001', '2026-05', now(), 'receipt', 'X', '1122', '1405810', 0, 5)")
    assert books.closing("cash") == Money(5)
    with books.database.connection() as connection, pytest.raises(psycopg.errors.ForeignKeyViolation):
        connection.execute("UPDATE ledger.chart SET code = '1999' WHERE code = '1122'")


def test_as_of_day_looks_back(books: Books) -> None:
    books.bill(Bill(A, {"energy": 300}))
    tomorrow = replace(SYSTEM, now=NOW + timedelta(days=1))
    books.ledger.post_receipts(tomorrow, PostReceipts(receipts=[receipt("SK000001", A, 100)]))
    first = books.ledger.trial_balance(ACCOUNTANT, AskTrialBalance(as_of_day=date(2026, 5, 1)))
    second = books.ledger.trial_balance(ACCOUNTANT, AskTrialBalance(as_of_day=date(2026, 5, 2)))
    assert (first.debit, second.debit) == (Money(300), Money(400))

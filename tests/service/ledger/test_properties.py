"""Whatever is posted, paid, credited and taken back, in whatever order and however often: the books balance and agree."""

import itertools
import pathlib
from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.databases import database
from tests.service.bindings import local
from tests.service.ledger.books import SYSTEM, Bill, number, open_accounts
from tests.service.ledger.test_ledger import Books, receipt

from denghuo.data.processing.database import Database
from denghuo.data.processing.dataset import Datasets
from denghuo.kernel.values import Money
from denghuo.service.customer.api import CustomerApi
from denghuo.service.customer.service import CustomerService
from denghuo.service.ledger.api import LedgerApi, OwedBy, PostReceipts, ReverseReceipt
from denghuo.service.ledger.rules import Item, Share, allocate, booking_month, set_off, take_back
from denghuo.service.ledger.service import LedgerService

ACCOUNTS = 3
fen = st.integers(1, 500)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("bill"), st.integers(0, ACCOUNTS - 1), st.integers(-20, 500)),
        st.tuples(st.just("credit"), st.integers(0, 9), fen),
        st.tuples(st.just("pay"), st.integers(0, ACCOUNTS), fen),
        st.tuples(st.just("reverse"), st.integers(0, 9), fen),
        st.tuples(st.just("again"), st.integers(0, 9), fen),
    ),
    min_size=1,
    max_size=12,
)
_serial = itertools.count(1)


class Model:
    """What each account owes, computed without the ledger: bills less receipts that stand."""

    def __init__(self, books: Books) -> None:
        self.books = books
        self.mark = next(_serial)
        self.accounts = [number(self.mark * 10 + place) for place in range(ACCOUNTS)]
        open_accounts(books.directory(CustomerApi), self.accounts)
        self.bills: list[Bill] = []
        self.receipts: list[tuple[str, str, int]] = []
        self.reversed: set[str] = set()

    def step(self, kind: str, place: int, amount: int) -> None:
        if kind == "bill":
            self._bill(
                Bill(self.accounts[place], {"energy": amount, "fund": 7}, serial=self._next(), due_on=_due(amount))
            )
        elif kind == "credit" and self.bills:
            of = self.bills[place % len(self.bills)]
            self._bill(Bill(of.account_no, {"adjustment": -amount}, serial=self._next(), reverses=of.bill_no))
        elif kind == "pay":
            account_no = self.accounts[place] if place < ACCOUNTS else f"unknown-{self.mark}"
            self.receipts.append((f"SK{self.mark:06d}{len(self.receipts):04d}", account_no, amount))
            self._pay(len(self.receipts) - 1)
        elif kind == "reverse" and self.receipts:
            chosen = self.receipts[place % len(self.receipts)][0]
            self.reversed.add(chosen)
            self.books.ledger.reverse_receipt(
                SYSTEM, ReverseReceipt(reversal_no=f"CZ{chosen[2:]}", receipt_no=chosen, reason="随机冲正")
            )
        elif kind == "again" and self.receipts:
            self._pay(place % len(self.receipts))

    def _next(self) -> int:
        return len(self.bills) + 1

    def _bill(self, bill: Bill) -> None:
        self.bills.append(bill)
        self.books.bill(bill, run_no=self.mark * 100 + len(self.bills))

    def _pay(self, place: int) -> None:
        receipt_no, account_no, amount = self.receipts[place]
        self.books.ledger.post_receipts(SYSTEM, PostReceipts(receipts=[receipt(receipt_no, account_no, amount)]))

    def owed(self, account_no: str) -> int:
        billed = sum(bill.amount_fen for bill in self.bills if bill.account_no == account_no)
        paid = sum(fen for no, account, fen in self.receipts if account == account_no and no not in self.reversed)
        return billed - paid


def _due(amount: int) -> date:
    return date(2026, 5, 1 + abs(amount) % 28)


@pytest.fixture(scope="module")
def property_books(postgres_dsn: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> object:
    folder: pathlib.Path = tmp_path_factory.mktemp("datasets")
    with database(postgres_dsn, template) as dsn, Database(dsn) as held:
        directory = local(held, folder, {CustomerApi: CustomerService, LedgerApi: LedgerService})
        yield Books(directory(LedgerApi), directory, held, Datasets(held, folder))


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(taken=steps)
def test_books_balance_after_every_step(property_books: Books, taken: list[tuple[str, int, int]]) -> None:
    model = Model(property_books)
    for kind, place, amount in taken:
        model.step(kind, place, amount)
        property_books.balanced()
    for account_no in model.accounts:
        if not any(account_no == bill.account_no for bill in model.bills):
            continue
        owed = property_books.ledger.owed(SYSTEM, OwedBy(account_no=account_no))
        assert owed.outstanding.fen - owed.prepaid.fen == model.owed(account_no)
        assert sum(item.rest.fen for item in owed.items if item.kind == "supply") == owed.outstanding.fen
        assert all(item.rest > Money(0) for item in owed.items)


items = st.lists(
    st.builds(
        lambda serial, due, amount, share: Item(f"{serial}", due, amount, amount * share // 4),
        serial=st.integers(0, 10**6),
        due=st.dates(date(2025, 1, 1), date(2026, 12, 31)),
        amount=st.integers(-10_000, 10_000),
        share=st.integers(0, 4),
    ),
    max_size=8,
    unique_by=lambda item: item.bill_no,
)


@given(amount=st.integers(1, 50_000), held=items)
def test_allocation_loses_nothing_and_overpays_nothing(amount: int, held: list[Item]) -> None:
    spread = allocate(amount, held)
    rests = {item.bill_no: item.rest_fen for item in held}
    assert spread.settled_fen + spread.surplus_fen == amount and spread.surplus_fen >= 0
    assert all(0 < share.fen <= rests[share.bill_no] for share in spread.shares)
    due = {item.bill_no: (item.due_on, item.bill_no) for item in held}
    assert [due[share.bill_no] for share in spread.shares] == sorted(due[share.bill_no] for share in spread.shares)
    open_fen = sum(max(rest, 0) for rest in rests.values())
    assert spread.settled_fen == min(amount, open_fen)


@given(held=items, prepaid=st.integers(0, 20_000))
def test_setting_off_keeps_what_the_account_owes(held: list[Item], prepaid: int) -> None:
    found = set_off(held, prepaid)
    paid = {item.bill_no: item.paid_fen for item in held}
    for share in (*found.by_credit, *found.by_prepaid):
        paid[share.bill_no] += share.fen
    after = prepaid + found.to_prepaid_fen - found.from_prepaid_fen
    rest = sum(item.amount_fen - paid[item.bill_no] for item in held)
    assert after >= 0
    assert rest - after == sum(item.rest_fen for item in held) - prepaid
    assert all(min(item.amount_fen, 0) <= paid[item.bill_no] <= max(item.amount_fen, 0) for item in held)
    assert after == 0 or all(item.amount_fen - paid[item.bill_no] == 0 for item in held)


@given(part=fen, balance=st.integers(0, 500), shares=st.lists(fen, max_size=5))
def test_what_is_taken_back_is_found_or_refused(part: int, balance: int, shares: list[int]) -> None:
    paid = [Share(f"{place}", share) for place, share in enumerate(shares)]
    if part > balance + sum(shares):
        with pytest.raises(ValueError, match="cannot be found"):
            take_back(part, balance, paid)
        return
    back = take_back(part, balance, paid)
    assert back.from_balance_fen - sum(share.fen for share in back.released) == part
    assert back.from_balance_fen == min(part, balance)


def test_booking_goes_to_the_first_open_month() -> None:
    assert booking_month(date(2026, 5, 31), ()) == "2026-05"
    assert booking_month(date(2026, 11, 1), {"2026-11", "2026-12"}) == "2027-01"

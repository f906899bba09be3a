"""Balances under fee control through both bindings: estimates and money move them, each fall is told once."""

import pathlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from tests.service.bindings import NOW, local, remote, web
from tests.service.ledger.books import SYSTEM, Bill, issued, number, open_accounts, org_of

from denghuo.data.processing.database import Database
from denghuo.data.processing.dataset import Datasets
from denghuo.kernel.contract import Call
from denghuo.kernel.values import Energy, Money
from denghuo.service.billing.api import ESTIMATES, EstimatesMade
from denghuo.service.contract.api import FEE_CONTROL, FeeControlAgreed
from denghuo.service.customer.api import CustomerApi
from denghuo.service.customer.service import CustomerService
from denghuo.service.host.binding import Directory
from denghuo.service.ledger.api import (
    AskBalanceLimits,
    FeeBalance,
    FindBalances,
    FindBalanceWarnings,
    LedgerApi,
    LimitRefused,
    PostReceipts,
    Receipt,
    ReverseReceipt,
    SetBalanceLimit,
    TellBalances,
)
from denghuo.service.ledger.listen import follow_fee_control, move_balances, post_bills
from denghuo.service.ledger.service import LedgerService
from denghuo.service.notice.api import Inbox, NoticeApi
from denghuo.service.notice.service import NoticeService

A, B, C, D = number(1), number(2), number(3, 2), number(4)
ACCOUNTANT = replace(SYSTEM, permits=frozenset({"ledger.*", "notice.*"}))
CLERK = Call(actor="clerk", now=NOW, permits=frozenset({"ledger.*"}), scope=("1405810.01",), channel="peer")
DAY = date(2026, 4, 15)


@dataclass
class Books:
    """A ledger that hears of estimates. A, B and C are under fee control, C of another station and protected; D is not."""

    ledger: LedgerApi
    directory: Directory
    datasets: Datasets

    def estimate(
        self, fen: Mapping[str, int], on: date = DAY, controlled: tuple[str, ...] = (A, B, C), **more: Any
    ) -> None:
        month = more.pop("month", "2026-04")
        at = more.pop("at", datetime(on.year, on.month, on.day, 18, tzinfo=UTC))
        rows = [
            {
                "account_no": account,
                "kind": "supply",
                "org": org_of(account),
                "tariff_class": "resident",
                "month": month,
                "through_on": on,
                "days": on.day,
                "energy_wh": value * 20,
                "amount_fen": value,
                "estimated_at": at,
            }
            for account, value in fen.items()
        ]
        under = [
            {
                "account_no": account,
                "org": org_of(account),
                "tariff_class": "resident",
                "way": "remote",
                "protected": account == C,
                "effective_from": date(2026, 1, 1),
            }
            for account in controlled
        ]
        event = EstimatesMade(
            month=month,
            through_on=on,
            estimates=self.datasets.publish(ESTIMATES, month, "day", rows, at),
            fee_control=self.datasets.publish(FEE_CONTROL, str(on), "all", under, at),
            made_at=at,
        )
        for _ in range(2):  # delivered twice
            self.directory.hosted["ledger"].handle("ledger", move_balances, SYSTEM, event, f"estimates:{at}")

    def pay(self, receipt_no: str, account: str, fen: int) -> None:
        receipt = Receipt(
            receipt_no=receipt_no,
            account_no=account,
            org=org_of(account),
            amount=Money(fen),
            method="cash",
            paid_at=NOW,
        )
        self.ledger.post_receipts(SYSTEM, PostReceipts(receipts=[receipt]))

    def balances(self, **asked: Any) -> dict[str, FeeBalance]:
        return {row.account_no: row for row in self.ledger.fee_balances(ACCOUNTANT, FindBalances(**asked)).rows}

    def fallen(self) -> list[tuple[str, str, int]]:
        rows = self.ledger.balance_warnings(ACCOUNTANT, FindBalanceWarnings()).rows
        return [(row.account_no, row.level, row.balance.fen) for row in reversed(rows)]

    def tell(self) -> int:
        return self.ledger.tell_balances(SYSTEM, TellBalances()).told

    def told(self, account: str) -> list[str]:
        rows = self.directory(NoticeApi).inbox(ACCOUNTANT, Inbox(account_no=account)).rows
        return [row.title.en for row in reversed(rows) if "balance" in row.title.en]

    def limit(self, org: str, **given: Any) -> None:
        asked = {"org": org, "effective_from": NOW.date(), "reason": "月度预警标准"} | given
        self.ledger.set_balance_limit(SYSTEM, SetBalanceLimit.model_validate(asked))


@pytest.fixture(params=["local", "remote"])
def books(request: pytest.FixtureRequest, database_dsn: str, tmp_path: pathlib.Path) -> Iterator[Books]:
    with Database(database_dsn) as database:
        services = {CustomerApi: CustomerService, LedgerApi: LedgerService, NoticeApi: NoticeService}
        directory = local(database, tmp_path, services)
        open_accounts(directory(CustomerApi), [A, B, C, D])
        datasets = Datasets(database, tmp_path)
        if request.param == "local":
            yield Books(directory(LedgerApi), directory, datasets)
        else:
            with web(directory) as client:
                api = remote(LedgerApi, client)
                assert isinstance(api, LedgerApi)
                yield Books(api, directory, datasets)


def test_a_balance_is_prepaid_less_open_bills_less_what_is_not_billed(books: Books) -> None:
    books.pay("R0000001", A, 10_000)
    books.directory.hosted["ledger"].handle(
        "ledger", post_bills, SYSTEM, issued(books.datasets, [Bill(B, {"energy": 900}, month="2026-03")]), "run:1"
    )
    books.estimate({A: 3_000, B: 150, D: 999})
    found = books.balances()
    assert set(found) == {A, B, C}
    of_a = found[A]
    assert (of_a.prepaid, of_a.outstanding, of_a.unbilled, of_a.balance) == (
        Money(10_000), Money(0), Money(3_000), Money(7_000),
    )  # fmt: skip
    assert (of_a.daily_amount, of_a.daily_energy, of_a.days_left) == (Money(200), Energy(4_000), 35)
    assert (of_a.level, of_a.through_on, of_a.protected) == ("enough", DAY, False)
    assert (found[B].balance, found[B].level, found[B].days_left) == (Money(-1_050), "exhausted", 0)
    # Nothing was ever read of C: nothing is said of it.
    assert (found[C].level, found[C].through_on, found[C].protected) == ("unknown", None, True)
    assert set(books.balances(level="exhausted")) == {B} and set(books.balances(protected=True)) == {C}
    page = books.ledger.fee_balances(ACCOUNTANT, FindBalances(limit=2))
    assert (page.total, page.low, page.exhausted, page.next) == (3, 0, 1, B)
    assert [row.account_no for row in books.ledger.fee_balances(ACCOUNTANT, FindBalances(after=page.next)).rows] == [C]
    assert {row.account_no for row in books.ledger.fee_balances(CLERK, FindBalances()).rows} == {A, B}


def test_each_fall_is_told_once_and_again_when_it_is_used_up(books: Books) -> None:
    books.limit("1405810", low_amount=Money(5_000))
    books.pay("R0000001", A, 10_000)
    for day, fen in ((15, 3_000), (16, 6_000), (17, 7_000), (18, 10_000), (19, 10_500)):
        books.estimate({A: fen}, date(2026, 4, day), (A,))
    assert books.fallen() == [(A, "low", 4_000), (A, "exhausted", 0)]
    assert books.tell() == 2 and books.tell() == 0
    assert books.told(A) == ["Little of your balance is left", "Your balance is used up"]
    # Money brings it up; the next fall is another one.
    books.pay("R0000002", A, 9_000)
    assert books.balances()[A].level == "enough" and books.balances()[A].balance == Money(8_500)
    books.estimate({A: 15_000}, date(2026, 4, 20), (A,))
    assert books.fallen()[2:] == [(A, "restored", 8_500), (A, "low", 4_000)]
    reversal = ReverseReceipt(reversal_no="X0000002", receipt_no="R0000002", reason="收款有误")
    books.ledger.reverse_receipt(SYSTEM, reversal)
    assert books.fallen()[4:] == [(A, "exhausted", -5_000)]
    assert books.tell() == 3 and len(books.told(A)) == 4, "that it came up is told to others, not to the customer"


def test_the_nearest_limit_rules_and_days_count_as_well(books: Books) -> None:
    books.limit("1405810", low_amount=Money(5_000))
    books.limit("1405810.01", low_amount=Money(100), low_days=30)
    books.limit("1405810.01", tariff_class="agricultural", low_amount=Money(900_000))
    for serial, account in enumerate((A, B, C)):
        books.pay(f"R000000{serial}", account, 6_000)
    books.estimate({A: 1_500, B: 2_100, C: 1_500})
    # 45 days left of A; B has 3,900 for 140 a day, C lies below the amount of the company alone.
    assert {row[:2] for row in books.fallen()} == {(B, "low"), (C, "low")}
    listed = books.ledger.balance_limits(CLERK, AskBalanceLimits()).rows
    assert [(row.org, row.tariff_class, row.low_days) for row in listed] == [
        ("1405810", None, None), ("1405810.01", None, 30), ("1405810.01", "agricultural", None),
    ]  # fmt: skip
    # Put right on the same day, and from then on nobody is told.
    books.limit("1405810")
    books.limit("1405810.01")
    books.estimate({A: 1_500, B: 2_100, C: 1_500}, date(2026, 4, 16))
    assert {row.level for row in books.balances().values()} == {"enough"}


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"org": "1405810.02"}, "org"),
        ({"org": "1405810.01", "low_amount": Money(0)}, "low_amount"),
        ({"org": "1405810.01", "effective_from": NOW.date() - timedelta(days=2)}, "effective_from"),
    ],
)
def test_a_limit_that_cannot_be_set(books: Books, given: dict[str, Any], field: str) -> None:
    asked = {"effective_from": NOW.date(), "reason": "月度预警标准"} | given
    with pytest.raises(LimitRefused) as told:
        books.ledger.set_balance_limit(CLERK, SetBalanceLimit.model_validate(asked))
    assert told.value.fields["field"] == field


def test_a_bill_takes_the_place_of_its_estimate_whichever_comes_first(books: Books) -> None:
    books.pay("R0000001", A, 10_000)
    books.estimate({A: 3_000, B: 100})
    bill = issued(books.datasets, [Bill(A, {"energy": 6_000})])
    books.directory.hosted["ledger"].handle("ledger", post_bills, SYSTEM, bill, "run:1")
    after = books.balances()[A]
    assert (after.unbilled, after.balance, after.daily_amount) == (Money(0), Money(4_000), Money(200))
    # An estimate of the billed month that comes late, and an older one than is known.
    books.estimate({A: 3_100}, date(2026, 4, 16))
    books.estimate({B: 50}, date(2026, 4, 14))
    found = books.balances()
    assert (found[A].balance, found[B].unbilled, found[B].through_on) == (Money(4_000), Money(100), DAY)
    # Both the month that is over and the new one may stand unbilled.
    books.estimate({B: 70}, date(2026, 5, 7), month="2026-05")
    assert books.balances()[B].unbilled == Money(170)


def test_fee_control_that_begins_or_ends_is_followed_at_once(books: Books) -> None:
    books.estimate({A: 100}, controlled=(A,))
    bill = issued(books.datasets, [Bill(B, {"energy": 900}, month="2026-03")])
    books.directory.hosted["ledger"].handle("ledger", post_bills, SYSTEM, bill, "run:1")
    for at, on in enumerate((NOW.date(), NOW.date() + timedelta(days=9)), 1):
        event = FeeControlAgreed(
            account_no=B if at == 1 else C,
            org=org_of(B),
            tariff_class="resident",
            way="prepaid",
            protected=True,
            effective_from=on,
        )
        books.directory.hosted["ledger"].handle("ledger", follow_fee_control, SYSTEM, event, f"agreed:{at}")
    found = books.balances()
    assert set(found) == {A, B} and found[B].protected and found[B].way == "prepaid"
    # What it owes is known at once, though nothing was estimated yet.
    assert (found[B].level, found[B].balance, found[B].through_on) == ("exhausted", Money(-900), None)
    assert books.tell() == 2 and books.told(B) == ["Your balance is used up"]
    ended = FeeControlAgreed(
        account_no=A, org=org_of(A), tariff_class="resident", way=None, protected=False, effective_from=NOW.date()
    )
    books.directory.hosted["ledger"].handle("ledger", follow_fee_control, SYSTEM, ended, "agreed:3")
    assert set(books.balances()) == {B}


def test_who_is_under_fee_control_no_more_has_no_balance(books: Books) -> None:
    books.estimate({A: 100, B: 100})
    books.estimate({A: 120}, date(2026, 4, 16), (A,))
    assert set(books.balances()) == {A}
    # The publication of an earlier day comes late.
    books.estimate({A: 90, B: 90}, date(2026, 4, 14), (A, C))
    assert A in books.balances() and books.balances()[A].unbilled == Money(120)

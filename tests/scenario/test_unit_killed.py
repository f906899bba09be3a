"""kill -9 at many moments of one unit's run: taken up each time, nothing of it is posted twice and nothing is lost.

The issue of a million bills in about a minute is measured by bench/cycle.py.
"""

import pathlib
import random
import secrets
import sys

import psycopg
import pytest
from tests.scenario.books import MONTH, run_until
from tests.scenario.county import part_of_county

from denghuo.importer import take_over
from denghuo.kernel.values import Money
from denghuo.main.composition import operator, platform
from denghuo.main.cycle import run_unit
from denghuo.service.billing.api import (
    AskUnitBoard,
    BillingApi,
    BillRef,
    FindBills,
    FindExceptions,
    ReplayMonth,
    SetReviewRule,
    StartUnit,
    UnitIsUnderWay,
)
from denghuo.service.ledger.api import AskProof, AskTrialBalance, FindPostings, FindReceivables, LedgerApi
from denghuo.service.tariff.api import LoadPublished, TariffApi
from denghuo.settings import load

AREAS = ("TG001",)
UNIT = "1405810.01"
KILLS = 3


def run(folder: str, dsn: str, key: str) -> None:
    """What `denghuo cycle --unit` does in its process."""
    settings = load(None, {}, {"data": folder, "dsn": dsn, "key": key})
    with platform(settings) as running, running.working():
        sys.exit(run_unit(running, MONTH, UNIT))


@pytest.mark.scope("B05-16")
def test_a_unit_killed_again_and_again_is_issued_and_posted_once(
    tmp_path: pathlib.Path, postgres_dsn: str, database_dsn: str
) -> None:
    county, folder, key = part_of_county(tmp_path / "county", AREAS), tmp_path / "killed", secrets.token_hex(32)
    folder.mkdir()
    settings = load(None, {}, {"data": str(folder), "dsn": database_dsn, "key": key})
    with platform(settings) as asking:
        take_over(county, asking.directory, operator(), datasets=asking.store.datasets, say=lambda line: None)
        asking.directory(TariffApi).load_published(operator(), LoadPublished())
        # One account has a fault: the largest bill of a farm is above what is passed without a look.
        limit = SetReviewRule(
            code="outlier_amount", kind="supply", tariff_class="agricultural", limit=2500, reason="收紧限额"
        )
        asking.directory(BillingApi).set_review_rule(operator(), limit)
        asking.directory(BillingApi).start_unit(operator(), StartUnit(month=MONTH, org=UNIT))
        with pytest.raises(UnitIsUnderWay):
            asking.directory(BillingApi).start_unit(operator(), StartUnit(month=MONTH, org=UNIT))

    moments, killed, ended = random.Random(20_261_126), 0, None
    with psycopg.connect(database_dsn, autocommit=True) as watch:
        while ended is None:
            steps = moments.randint(1, 3) if killed < KILLS else None
            ended = run_until(run, (str(folder), database_dsn, key), watch, steps, moments.random() / 5)
            killed += ended is None
    assert ended == 0 and killed >= 2

    with platform(settings, serving=True) as running, running.working():
        # Issued once more: who is issued stays as issued.
        assert run_unit(running, MONTH, UNIT) == 0
        billing, ledger = running.directory(BillingApi), running.directory(LedgerApi)
        (row,) = billing.unit_board(operator(), AskUnitBoard(month=MONTH, org=UNIT)).rows
        assert (row.done, row.issued + row.open) == (row.accounts, row.accounts) and row.issued > 5
        bills = billing.bills(operator(), FindBills(month=MONTH, state="issued", limit=200))
        assert len({(bill.account_no, bill.kind) for bill in bills.rows}) == bills.total == row.issued
        replayed = billing.replay_month(operator(), ReplayMonth(month=MONTH, limit=200))
        assert replayed.identical == replayed.checked == row.issued
        assert ledger.proof(operator(), AskProof()).agrees
        assert ledger.trial_balance(operator(), AskTrialBalance()).balanced
        posted = ledger.postings(operator(), FindPostings(month=MONTH)).rows
        assert (sum(one.bills for one in posted), sum(one.held for one in posted)) == (row.issued, 0)
        # An account has its bill and its debt, both whole, or a fault and neither.
        owed = ledger.receivables(operator(), FindReceivables(month=MONTH, limit=200))
        supply = {bill.bill_no: (bill.account_no, bill.amount) for bill in bills.rows if bill.kind == "supply"}
        assert {one.bill_no: (one.account_no, one.amount) for one in owed.rows if one.kind == "supply"} == supply
        for number, (_, amount) in supply.items():
            lines = billing.bill(operator(), BillRef(bill_no=number)).lines
            assert sum((line.amount for line in lines), Money(0)) == amount
        held = billing.exceptions(operator(), FindExceptions(month=MONTH, state="open", limit=200)).rows
        assert held and {one.account_no for one in held}.isdisjoint(account for account, _ in supply.values())

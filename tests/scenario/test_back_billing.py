"""A wrong multiplier is found after the month was issued and invoiced: the case, its bill, the books, the tax documents, and the
file that anyone verifies; then accounts of every tariff of a part of the demo county."""

import base64
import json
import pathlib
from collections.abc import Iterator
from datetime import date

import pytest
from tests.databases import database
from tests.scenario.county import part_of_county
from tests.service.bindings import clock, local, settle

from denghuo.data.processing.database import Database
from denghuo.importer import take_over
from denghuo.kernel.contract import Call
from denghuo.kernel.values import Money
from denghuo.main.composition import SERVICES
from denghuo.service.billing.api import (
    BillingApi,
    BillRef,
    BillRow,
    Case,
    CaseRef,
    FindBills,
    OpenCase,
    ReverseBill,
    StartCycle,
)
from denghuo.service.billing.api.claim import LostPhases, WrongRatio
from denghuo.service.host.binding import Directory
from denghuo.service.ledger.api import AskProof, AskTrialBalance, FindInvoices, IssueInvoice, LedgerApi, OwedBy
from denghuo.service.tariff.api import LoadPublished, TariffApi
from denghuo.service.workflow.api import Decide, WorkflowApi
from denghuo_verify.main import main

MONTH = "2026-04"
AREAS = ("TG001", "TG057", "TG063")
DAYS = {
    "from_on": date(2026, 4, 1),
    "to_on": date(2026, 4, 30),
    "reason": "现场核对发现",
    "evidence": "核对记录 2026-05-06",
}


def call(actor: str = "operator") -> Call:
    return Call.system(clock(), actor=actor)


@pytest.fixture(scope="module")
def found(postgres_dsn: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Directory]:
    folder = tmp_path_factory.mktemp("back-billing")
    county = part_of_county(folder / "county", AREAS)
    with database(postgres_dsn, template) as dsn, Database(dsn) as held:
        directory = local(held, folder, SERVICES)
        datasets = directory.hosted["billing"].store.datasets
        assert take_over(county, directory, call(), datasets=datasets, say=lambda line: None).exit_code == 0
        directory(TariffApi).load_published(call(), LoadPublished())
        directory(BillingApi).start_cycle(call(), StartCycle(month=MONTH))
        settle(directory)
        yield directory


def issued(found: Directory) -> list[BillRow]:
    rows: list[BillRow] = []
    after = None
    while True:
        asked = FindBills(month=MONTH, state="issued", limit=200, after=after)
        page = found(BillingApi).bills(call(), asked)
        rows += page.rows
        if page.next is None:
            return [row for row in rows if row.case_no is None]
        after = page.next


def agreed(found: Directory, asked: OpenCase) -> Case:
    case = found(BillingApi).open_case(call(), asked)
    assert case.approval_no is not None
    decision = Decide(approval_no=case.approval_no, agreed=True, remark="同意")
    found(WorkflowApi).decide(call("manager"), decision)
    settle(found)
    done = found(BillingApi).case(call(), CaseRef(case_no=case.case_no))
    assert done.state == "done", done
    return done


def verified(found: Directory, bill_no: str | None, folder: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The file as it is handed out, by the program as anyone runs it."""
    assert bill_no is not None
    file = found(BillingApi).bill_file(call(), BillRef(bill_no=bill_no))
    path = folder / file.file_name
    path.write_bytes(base64.b64decode(file.content))
    assert main([str(path), "--json"]) == 0, capsys.readouterr().out
    assert json.loads(capsys.readouterr().out)["bill_no"] == bill_no


def books_agree(found: Directory) -> None:
    books = found(LedgerApi)
    assert books.trial_balance(call(), AskTrialBalance()).balanced
    assert books.proof(call(), AskProof()).agrees


@pytest.mark.scope("B05-17", "B05-18")
def test_a_wrong_multiplier_from_the_finding_to_the_tax_document(
    found: Directory, tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    billing, books = found(BillingApi), found(LedgerApi)
    shops = [row for row in issued(found) if row.tariff_class == "general_single_part" and row.amount.fen > 0]
    # One that pays at the counter: what is owed by agreement is collected at once.
    bill = next(row for row in shops if books.owed(call(), OwedBy(account_no=row.account_no)).outstanding == row.amount)
    before = books.owed(call(), OwedBy(account_no=bill.account_no))
    books.issue_invoice(call(), IssueInvoice(bill_no=bill.bill_no))
    settle(found)

    case = agreed(
        found,
        OpenCase(account_no=bill.account_no, cause="ratio", ratio=WrongRatio(real=3, billed=2), **DAYS),  # type: ignore[arg-type]
    )
    (segment,) = case.segments
    assert segment.bill_no == bill.bill_no and segment.was_amount == bill.amount
    assert segment.now_amount - segment.was_amount == case.amount > Money(0)
    books_agree(found)
    owed = books.owed(call(), OwedBy(account_no=bill.account_no))
    assert owed.outstanding - owed.prepaid == before.outstanding - before.prepaid + case.amount
    verified(found, case.bill_no, tmp_path, capsys)

    # The multiplier was right after all: the adjustment goes, then the bill, which is billed again; each invoice follows.
    assert case.bill_no is not None
    for number, rebill in ((case.bill_no, False), (bill.bill_no, True)):
        ask = billing.rebill if rebill else billing.reverse_bill
        asked = ask(call(), ReverseBill(bill_no=number, reason="核对记录有误"))
        decision = Decide(approval_no=asked.approval_no, agreed=True, remark="同意")
        found(WorkflowApi).decide(call("manager"), decision)
        settle(found)
        books_agree(found)
    shown = billing.bill(call(), BillRef(bill_no=bill.bill_no))
    assert [(one.bill_no[-2:], one.role, one.state) for one in shown.chain] == [
        ("01", "first", "reversed"),
        ("04", "reversal", "reversed"),
        ("05", "replacement", "issued"),
        ("02", "adjustment", "reversed"),
        ("03", "reversal", "reversed"),
    ]
    for one in shown.chain:
        verified(found, one.bill_no, tmp_path, capsys)
    rows = books.invoices(call(), FindInvoices(account_no=bill.account_no)).rows
    assert [(one.colour, one.bill_no[-2:], one.state) for one in reversed(rows)] == [
        ("blue", "01", "issued"),
        ("blue", "02", "issued"),
        ("red", "03", "issued"),
        ("red", "04", "issued"),
        ("blue", "05", "issued"),
    ]
    assert sum((one.amount for one in rows), Money(0)) == bill.amount
    after = books.owed(call(), OwedBy(account_no=bill.account_no))
    assert after.outstanding - after.prepaid == before.outstanding - before.prepaid


def test_bills_of_every_tariff_are_adjusted_and_verified(
    found: Directory, tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An account of each kind, class and tariff: tiers, agriculture, business, solar power that is bought."""
    each: dict[tuple[str, ...], BillRow] = {}
    for row in issued(found):
        shown = found(BillingApi).bill(call(), BillRef(bill_no=row.bill_no))
        staged = any(line.first_day is not None for line in shown.lines)
        exchanged = len({one.meter_no for one in shown.registers}) > 1
        if row.energy.wh > 0 and not shown.chain:
            each.setdefault((row.kind, row.tariff_class, shown.tariff_code, str(staged), str(exchanged)), row)
    assert len(each) >= 5, each.keys()
    for row in each.values():
        lost = LostPhases(working=2)
        asked = OpenCase(account_no=row.account_no, kind=row.kind, cause="wiring", lost=lost, **DAYS)  # type: ignore[arg-type]
        case = agreed(found, asked)
        assert case.amount == sum((line.amount for line in case.lines), Money(0))
        assert 2 * case.energy.wh in range(row.energy.wh - 2_000, row.energy.wh + 2_001)
        verified(found, case.bill_no, tmp_path, capsys)
    books_agree(found)

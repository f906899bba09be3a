"""An area that is read every two months, from its import to its payments: one month apart, one without a bill, and a bill of both,
equal to plain arithmetic over the files; books, banks and line loss miss nothing.
"""

import csv
import pathlib
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal

import pytest
from tests.databases import database
from tests.scenario.county import carried_on, part_of_county
from tests.service.bindings import local, settle

from denghuo.data.processing.database import Database
from denghuo.importer import take_over
from denghuo.kernel.contract import Call
from denghuo.kernel.period import midnight
from denghuo.main.composition import SERVICES
from denghuo.service.billing.api import BillingApi, BillRow, FindBills, FindExceptions, ReplayMonth, StartCycle
from denghuo.service.host.binding import Directory
from denghuo.service.ledger.api import AskTrialBalance, FindPostings, LedgerApi
from denghuo.service.loss.api import FindAreas, LossApi
from denghuo.service.payment.api import AskCollection, FindDebitBatches, PaymentApi
from denghuo.service.tariff.api import LoadPublished, TariffApi

AREA, AREAS = "TG017", ("TG001", "TG017")
APRIL, WAITED, BOTH = "2026-04", "2026-05", "2026-06"
LAST = date(2026, 7, 1)
RESIDENT = ((3120, Decimal("0.617")), (4800, Decimal("0.667")), (None, Decimal("0.917")))
"""Yearly tiers of residents in Shanghai; the year begins with April, as nothing before it was taken over."""
CALL = Call.system(midnight(LAST) + timedelta(hours=9))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    made = part_of_county(tmp_path_factory.mktemp("two") / "county", AREAS)
    carried_on(made, {date(2026, 6, 1): "1", LAST: "2"})
    rows = ("route,cycle,effective_from,reason", f"{AREA},even,2026-05-01,居民抄表段改双月抄表")
    (made / "reading_routes.csv").write_text("\n".join(rows) + "\n", "utf-8")
    return made


@pytest.fixture(scope="module")
def found(
    postgres_dsn: str, template: str, folder: pathlib.Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Directory]:
    """Taken over with the area's cycle, and three months run one after the other."""
    with database(postgres_dsn, template) as dsn, Database(dsn) as held:
        directory = local(held, tmp_path_factory.mktemp("work"), SERVICES)
        datasets = directory.hosted["billing"].store.datasets
        report = take_over(folder, directory, CALL, datasets=datasets, say=lambda line: None)
        assert report.exit_code == 0, report.refusals
        directory(TariffApi).load_published(CALL, LoadPublished())
        for month in (APRIL, WAITED, BOTH):
            directory(BillingApi).start_cycle(CALL, StartCycle(month=month))
            settle(directory)
        yield directory


def rows_of(folder: pathlib.Path, name: str) -> list[dict[str, str]]:
    with (folder / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def households(folder: pathlib.Path) -> tuple[set[str], set[str]]:
    """The households of the area, and those of the other one, which is read every month."""
    here = waiting(folder)
    homes = {row["account_no"] for row in rows_of(folder, "customers") if row["tariff_class"] == "resident"}
    return homes & here, homes - here


def waiting(folder: pathlib.Path) -> set[str]:
    """All accounts of the area, shops among them, for whose later months no price is published."""
    return {row["account_no"] for row in rows_of(folder, "points") if row["area_no"] == AREA}


def bills(found: Directory, month: str) -> dict[str, BillRow]:
    asked = FindBills(month=month, kind="supply", state="issued", limit=200)
    return {row.account_no: row for row in found(BillingApi).bills(CALL, asked).rows}


def tiered(before: int, kwh: int) -> Decimal:
    """What a household pays for energy after so much of its year."""
    total, below = Decimal(0), 0
    for limit, price in RESIDENT:
        top = before + kwh if limit is None else min(before + kwh, limit)
        part = max(top - max(before, below), 0)
        total += (part * price).quantize(Decimal("0.01"), ROUND_HALF_UP)
        below = limit or 0
    return total


def test_a_month_apart_then_none_then_both_in_one_bill(found: Directory, folder: pathlib.Path) -> None:
    april, waited, both = (bills(found, month) for month in (APRIL, WAITED, BOTH))
    here, others = households(folder)
    assert (len(here), len(others)) == (32, 3)
    assert here | others <= set(april) and here | others <= set(both)
    assert others <= set(waited) and here.isdisjoint(waited)
    for number in here:
        one, two = (int(str(found[number].energy)) for found in (april, both))
        assert abs(two - 2 * one) <= 1, "two months like the one"
        assert Decimal(str(both[number].amount)) == tiered(one, two)
    reached = {number for number in here if int(str(april[number].energy)) * 3 > 3120}
    assert reached, "a household comes into the second tier"
    held = found(BillingApi).exceptions(CALL, FindExceptions(month=WAITED, limit=200)).rows
    assert {row.account_no for row in held}.isdisjoint(waiting(folder)), "who waits is no exception"


def test_bills_of_two_months_come_out_the_same_again(found: Directory) -> None:
    again = found(BillingApi).replay_month(CALL, ReplayMonth(month=BOTH, limit=1_000))
    assert again.checked == again.identical == again.total and not again.rows


def test_books_and_banks_have_the_bill_of_both_and_nothing_of_the_month_between(
    found: Directory, folder: pathlib.Path
) -> None:
    ledger, payment = found(LedgerApi), found(PaymentApi)
    posted = {month: ledger.postings(CALL, FindPostings(month=month)).rows for month in (APRIL, WAITED, BOTH)}
    issued = {month: found(BillingApi).bills(CALL, FindBills(month=month, limit=1)).total for month in posted}
    assert {month: sum(row.bills for row in rows) for month, rows in posted.items()} == issued
    assert ledger.trial_balance(CALL, AskTrialBalance()).balanced
    by_debit = {row["account_no"] for row in rows_of(folder, "debit_agreements")} & households(folder)[0]
    assert by_debit, "a household of the area pays by its bank"
    for month in (APRIL, BOTH):
        assert payment.debit_batches(CALL, FindDebitBatches(month=month)).rows
        assert payment.collection(CALL, AskCollection(month=month)).pending == 0


def test_line_loss_has_the_energy_of_every_month(found: Directory) -> None:
    sold = {}
    for month in (APRIL, WAITED, BOTH):
        (area,) = [row for row in found(LossApi).areas(CALL, FindAreas(month=month)).rows if row.area_no == AREA]
        sold[month] = area.sale
    assert len(set(sold.values())) == 1, "each month like the one before"

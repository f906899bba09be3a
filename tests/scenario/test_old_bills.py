"""Old bills of several months computed again after registers, terms and bills were corrected: thousands from what is kept with
them (with those of the demo month in test_month.py ten thousand), some from what was recorded by the day of their issue."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from tests.databases import database
from tests.scenario.county import part_of_county
from tests.service.bindings import NOW, local

from denghuo.data.processing.database import Database
from denghuo.data.processing.dataset import Datasets, arrow_schema
from denghuo.importer import take_over
from denghuo.kernel.contract import Call
from denghuo.kernel.period import Month, midnight
from denghuo.main.composition import SERVICES
from denghuo.service.billing.api import (
    Advance,
    AsKnown,
    BillingApi,
    FindBills,
    Recalculate,
    ReplayMonth,
    ReverseBill,
    StartCycle,
)
from denghuo.service.billing.listen import carry_out_decision
from denghuo.service.billing.reversal import KIND
from denghuo.service.contract.api import ChangeTerms, ContractApi
from denghuo.service.host.binding import Directory
from denghuo.service.reading.api import REGISTER_INTAKE, Intake, ReadingApi
from denghuo.service.reading.batch.intake import REGISTERS
from denghuo.service.tariff.api import LoadPublished, TariffApi
from denghuo.service.workflow.api import ApprovalDecided

AREAS = tuple(f"TG{number:03d}" for number in range(1, 12))
FIRST = Month(2026, 4)
MONTHS = 3
WANTED, LOOKED_AT = 2_700, 30
CHANGED = 12
"""Accounts of which something is corrected after the last issue."""


@dataclass
class Years:
    directory: Directory
    months: list[Month]
    issued_on: dict[Month, date]


def on(month: Month) -> datetime:
    """When a month is billed: at noon of the second day after it."""
    return midnight(month.next.first_day + timedelta(days=1)) + timedelta(hours=12)


@pytest.fixture(scope="module")
def years(postgres_dsn: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Years]:
    folder = tmp_path_factory.mktemp("old")
    county = part_of_county(folder / "county", AREAS)
    months = [FIRST]
    while len(months) < MONTHS:
        months.append(months[-1].next)
    with database(postgres_dsn, template) as dsn, Database(dsn) as held:
        directory, datasets = local(held, folder, SERVICES), Datasets(held, folder)
        call = Call.system(NOW)
        assert take_over(county, directory, call, datasets=datasets, say=lambda line: None).exit_code == 0
        directory(TariffApi).load_published(call, LoadPublished())
        ends = last_registers(directory, datasets)
        for place, month in enumerate(months):
            now = on(month)
            if place:
                take_month(directory, datasets, ends, month, place, now)
            bill(directory(BillingApi), month, Call.system(now))
        correct(directory, datasets, ends, months[-1])
        yield Years(directory, months, {month: on(month).date() for month in months})


def bill(billing: BillingApi, month: Month, call: Call) -> None:
    """The cycle alone: nothing is posted, nobody is told."""
    billing.start_cycle(call, StartCycle(month=str(month)))
    while billing.advance_cycle(call, Advance(month=str(month), epoch=1)).again:
        pass


def last_registers(directory: Directory, datasets: Datasets) -> pa.Table:
    """What each meter took in April and showed at its end: meter_no, quantity, band, value_e4, month_e4."""
    lake = directory.hosted["reading"].store.lake

    def at(day: date) -> pa.Table:
        table = lake.scan(REGISTERS, day, day)
        return table.filter(pc.equal(table["read_at"], pa.scalar(midnight(day), table["read_at"].type))).drop_columns(
            ["day", "read_at"]
        )

    keys = ["meter_no", "quantity", "band"]
    first, last = at(FIRST.first_day), at(FIRST.next.first_day)
    joined = last.join(first, keys, right_suffix="_first", join_type="inner")
    return joined.append_column("month_e4", pc.subtract(joined["value_e4"], joined["value_e4_first"]))


def take_month(
    directory: Directory, datasets: Datasets, ends: pa.Table, month: Month, place: int, now: datetime, factor: int = 100
) -> None:
    """Registers at the midnight that ends a month: as much was used as in April, a few per cent more or less."""
    rate = pa.array([100 * place + (hash_of(str(name)) + place) % 7 for name in ends["meter_no"].to_pylist()])
    value = pc.add(
        ends["value_e4"], pc.divide(pc.multiply(pc.divide(ends["month_e4"], 100), pc.multiply(rate, factor)), 100)
    )
    value = pc.multiply(pc.divide(value, 100), 100)
    count = ends.num_rows
    table = pa.table(
        {
            "meter_no": ends["meter_no"],
            "read_at": pa.repeat(pa.scalar(midnight(month.next.first_day), pa.timestamp("us", tz="UTC")), count),
            "quantity": ends["quantity"],
            "band": ends["band"],
            "value_e4": value,
        }
    ).cast(arrow_schema(REGISTER_INTAKE))
    ref = datasets.publish(REGISTER_INTAKE, str(month), f"m{place}-{factor}", table, now)
    directory(ReadingApi).receive_registers(Call.system(now), Intake(rows=ref))


def hash_of(name: str) -> int:
    return sum(name.encode())


def correct(directory: Directory, datasets: Datasets, ends: pa.Table, last: Month) -> None:
    """After all is billed: registers of the second month, terms of some accounts, bills taken back and billed again."""
    now = on(last) + timedelta(days=3)
    meters = sorted(set(ends["meter_no"].to_pylist()))[:: len(ends) // CHANGED]
    some = ends.filter(pc.is_in(ends["meter_no"], pa.array(meters)))
    take_month(directory, datasets, some, FIRST.next, 1, now, factor=101)
    rows = (
        directory(BillingApi)
        .bills(Call.system(now), FindBills(month=str(FIRST.next), kind="supply", state="issued", limit=200))
        .rows
    )
    for row in rows[:: len(rows) // CHANGED]:
        changed = ChangeTerms(
            contract_no=f"GY{row.account_no}",
            effective_from=date(2026, 5, 11),
            tariff_class="agricultural",
            reason="用电性质变更",
        )
        directory(ContractApi).change_terms(Call.system(now), changed)
    for row in rows[1 :: len(rows) // CHANGED]:
        request = ReverseBill(bill_no=row.bill_no, reason="更正后重出")
        asked = directory(BillingApi).reverse_bill(Call.system(now), request)
        agreed = ApprovalDecided(
            approval_no=asked.approval_no,
            kind=KIND,
            subject_noun="billing",
            subject_id=row.bill_no,
            agreed=True,
            decided_by="manager",
            requested_by="system",
            remark="",
        )
        directory.hosted["billing"].handle("billing", carry_out_decision, Call.system(now), agreed, row.bill_no)
        again = Recalculate(account_no=row.account_no, month=row.month)
        directory(BillingApi).recalculate(Call.system(now), again)


@pytest.mark.scope("X-05")
def test_thousands_of_old_bills_come_out_to_the_last_character(years: Years) -> None:
    """Bills that were taken back, their reversals and what replaced them are among them."""
    call, left = Call.system(on(years.months[-1]) + timedelta(days=9)), WANTED
    for place, month in enumerate(years.months):
        request = ReplayMonth(month=str(month), seed="old", limit=min(1_000, -(-left // (len(years.months) - place))))
        page = years.directory(BillingApi).replay_month(call, request)
        assert (page.identical, page.rows) == (page.checked, [])
        left -= page.checked
    assert left == 0


@pytest.mark.scope("X-05")
def test_old_bills_come_out_of_what_was_recorded_by_their_day(years: Years) -> None:
    call, chosen = Call.system(on(years.months[-1]) + timedelta(days=9)), random.Random(5)
    billing, differing_now = years.directory(BillingApi), 0
    for month in chosen.choices(years.months, k=LOOKED_AT):
        rows = billing.bills(call, FindBills(month=str(month), limit=200)).rows
        row = chosen.choice([one for one in rows if one.issued_on == years.issued_on[month]])
        asked = AsKnown(account_no=row.account_no, month=str(month), kind=row.kind, known_on=years.issued_on[month])
        found = billing.as_known(call, asked)
        assert (found.state, found.differences) == ("rated", []), found.said
        assert found.billed == found.amount and found.bill_no is not None
        now = billing.as_known(call, asked.model_copy(update={"known_on": None}))
        differing_now += now.amount != found.amount
    assert differing_now > 0

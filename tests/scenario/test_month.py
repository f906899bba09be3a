"""The demo company, taken over once and once more; its month, billed by the platform and once more by plain arithmetic over the
files, equal to the fen; and what loss finds in it.

The recomputation shares nothing with the product: it reads the CSV and Parquet files itself, works in Decimal, and its prices are
typed from the published tables (Shanghai residents; Shanghai agency purchase of June 2026; 发改价格〔2026〕1077号).
"""

import csv
import functools
import pathlib
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from itertools import groupby, pairwise

import pyarrow.parquet as pq
import pytest
from tests.databases import database
from tests.service.bindings import NOW, local, settle

from denghuo.data.processing.database import Database
from denghuo.data.processing.dataset import Datasets
from denghuo.importer import Report, take_over
from denghuo.kernel.contract import Call
from denghuo.main.composition import SERVICES
from denghuo.service.billing.api import (
    BILL_LINES,
    BILLS,
    BillingApi,
    CycleRef,
    FindExceptions,
    ReplayMonth,
    StartCycle,
    Summarise,
)
from denghuo.service.customer.api import CustomerApi, FindAccounts
from denghuo.service.host.binding import Directory
from denghuo.service.ledger.api import AskTrialBalance, FindPostings, LedgerApi
from denghuo.service.loss.api import AreaMonth, FindAreas, FindFeeders, LossApi, MonthRef
from denghuo.service.point.api import FindExchanges, PointApi
from denghuo.service.tariff.api import LoadPublished, TariffApi

DATA = pathlib.Path(__file__).parents[2] / "examples" / "gaoping" / "data"
MONTH = "2026-04"
CALL = Call.system(NOW)
DIAL = Decimal(1_000_000)
HOURS = 30 * 24
ZERO_DAYS = 7
SOLAR_SHARE = Decimal("0.40")
RESIDENT = ((3120, "0.617"), (4800, "0.667"), (None, "0.917"))
AGENCY, LINE_LOSS, SYSTEM, FUND = "0.43508", "0.011863", "0.040718", "0.029115"
SINGLE = {"0.22": "0.2891", "0.38": "0.2891", "20": "0.2446"}
TWO_PART = {"0.38": "0.1456", "20": "0.1623"}
CAPACITY = {"0.38": "25.5", "20": "28"}
FARM, SOLAR = "0.641", "0.4471"
Key = tuple[str, str]


# --- plain recomputation -------------------------------------------------------------------------------------------------


def rows_of(name: str) -> list[dict[str, str]]:
    with (DATA / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def fen(quantity: Decimal | int, price: str) -> int:
    return int((quantity * Decimal(price) * 100).quantize(Decimal(1), ROUND_HALF_UP))


def whole(energy: Decimal) -> int:
    return int(energy.quantize(Decimal(1), ROUND_HALF_UP))


def registers() -> dict[str, list[tuple[datetime, Decimal, Decimal]]]:
    """Registers of every meter in the order of their midnights: (when, forward, reverse)."""
    found: dict[str, list[tuple[datetime, Decimal, Decimal]]] = defaultdict(list)
    table = pq.read_table(DATA / "register_reads.parquet")
    columns = [table[name].to_pylist() for name in ("meter_no", "read_at", "fwd_kwh", "rev_kwh")]
    for meter_no, read_at, forward, reverse in zip(*columns, strict=True):
        found[meter_no].append((read_at, forward, reverse))
    for reads in found.values():
        reads.sort()
    return found


def difference(start: Decimal, end: Decimal) -> Decimal:
    return end - start + (DIAL if end < start else 0)


def stood_still(reads: list[tuple[datetime, Decimal, Decimal]]) -> bool:
    still = [after[1] == before[1] for before, after in pairwise(reads)]
    return any(same and len(list(run)) >= ZERO_DAYS for same, run in groupby(still))


def energies() -> tuple[dict[Key, list[int]], dict[Key, str]]:
    """Whole kWh of each metered piece by account and kind, and whom nobody can bill with the reason."""
    reads, exchanged = registers(), {row["point_no"]: row for row in rows_of("meter_exchanges")}
    energy: dict[Key, list[int]] = defaultdict(list)
    held: dict[Key, str] = {}
    for point in rows_of("points"):
        if not point["account_no"]:
            continue
        kind = "supply" if point["role"] == "sale" else "purchase"
        key, column = (point["account_no"], kind), 1 if point["register"] == "fwd" else 2
        multiplier, mine = int(point["multiplier"]), reads[point["meter_no"]]
        change = exchanged.get(point["point_no"])
        if kind == "supply" and change is None and stood_still(mine):
            held[key] = "read_held"
        elif change is None:
            energy[key].append(whole(difference(mine[0][column], mine[-1][column]) * multiplier))
        elif not change["old_final_fwd_kwh"]:
            held[key] = "read_held"
        else:
            old = difference(mine[0][1], Decimal(change["old_final_fwd_kwh"]))
            new = difference(Decimal(change["new_start_fwd_kwh"]), reads[change["new_meter_no"]][-1][1])
            energy[key] += [whole(old * multiplier), whole(new * int(change["new_multiplier"]))]
    return energy, held


def amount_fen(contract: dict[str, str], kwh: int) -> int:
    """A bill's total: every component rounded by itself, then added."""
    tariff_class, voltage = contract["tariff_class"], contract["voltage_kv"]
    if contract["kind"] == "purchase":
        return fen(kwh, SOLAR)
    if tariff_class == "agricultural":
        return fen(kwh, FARM)
    if tariff_class == "resident":
        # No energy of January to March was taken over, so the tier year begins with April.
        total, below = 0, 0
        for limit, price in RESIDENT:
            total += fen(max(min(kwh, limit or kwh) - below, 0), price)
            below = limit or 0
        return total
    shared = sum(fen(kwh, price) for price in (AGENCY, LINE_LOSS, SYSTEM, FUND))
    if tariff_class == "general_single_part":
        return shared + fen(kwh, SINGLE[voltage])
    return shared + fen(kwh, TWO_PART[voltage]) + fen(Decimal(contract["capacity_kva"]), CAPACITY[voltage])


@functools.cache
def expected() -> tuple[dict[Key, tuple[int, int]], dict[Key, str]]:
    """(kWh, fen) of every bill to be issued, and who is held and why."""
    energy, held = energies()
    bills: dict[Key, tuple[int, int]] = {}
    for contract in rows_of("contracts"):
        key = (contract["account_no"], contract["kind"])
        if key in held:
            continue
        kwh = sum(energy[key])
        power = Decimal(contract["pv_kw"]) * SOLAR_SHARE if key[1] == "purchase" else Decimal(contract["contract_kw"])
        if kwh > power * HOURS:
            held[key] = "over_capacity"
        elif kwh == 0 and key[1] == "supply":
            held[key] = "zero_use"
        else:
            bills[key] = (kwh, amount_fen(contract, kwh))
    return bills, held


# --- the take-over ----------------------------------------------------------------------------------------------------------


@dataclass
class Taken:
    directory: Directory
    datasets: Datasets
    first: Report
    said: list[str]


@pytest.fixture(scope="module")
def taken(postgres_dsn: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Taken]:
    """The demo company taken over by the public import."""
    folder, said = tmp_path_factory.mktemp("month"), list[str]()
    with database(postgres_dsn, template) as dsn, Database(dsn) as held:
        directory, datasets = local(held, folder, SERVICES), Datasets(held, folder)
        first = take_over(DATA, directory, CALL, datasets=datasets, say=said.append)
        yield Taken(directory, datasets, first, said)


def test_everything_is_taken_and_every_total_agrees(taken: Taken) -> None:
    report = taken.first
    assert (report.exit_code, report.refused, report.unusable) == (0, 0, [])
    counts = {table.name: (table.read, table.taken, table.stored) for table in report.tables}
    assert counts["customers"] == (7061, 7061, 7061)
    assert counts["meters"] == (7150, 7150, 7150)
    assert counts["contracts"] == (7357, 7357, 7357)
    assert counts["points"] == (7444, 7444, 7444)
    assert counts["meter_exchanges"] == (2, 2, 2)
    assert counts["debit_agreements"] == (4131, 4131, 4131)
    assert (counts["terminals"], counts["terminal_meters"]) == ((116, 116, 116), (7148, 7148, 7148))
    assert counts["register_reads"] == (221_330, 442_660, 442_660)
    assert counts["gateway_15min"][1] == 3 * 227_520 and counts["voltages"][1] == 61_824
    assert len(counts) == 16 and all(total.agrees for total in report.totals) and len(report.totals) == 22
    assert any("register_reads.parquet fwd_kwh" in line and "一致" in line for line in taken.said)
    exchanges = taken.directory(PointApi).find_exchanges(CALL, FindExchanges(month=MONTH))
    assert [row.old_meter_no for row in exchanges.rows] == ["M04967", "M02010"]


def test_a_second_import_changes_nothing(taken: Taken) -> None:
    report = take_over(DATA, taken.directory, CALL, datasets=taken.datasets, say=lambda line: None)
    assert (report.exit_code, sum(table.taken for table in report.tables)) == (0, 0)
    assert {table.name: table.stored for table in report.tables} == {t.name: t.stored for t in taken.first.tables}


@pytest.mark.parametrize(
    ("keyword", "known"), [("米西村", True), ("linqingjuan", True), ("58101000", True), ("不存在的人", False)]
)
def test_search_over_the_county_finds_by_address_spelling_and_number(taken: Taken, keyword: str, known: bool) -> None:
    found = taken.directory(CustomerApi).find_accounts(CALL, FindAccounts(keyword=keyword))
    assert bool(found.rows) is bool(found.total) is known


# --- the platform's month ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def month(taken: Taken) -> tuple[Directory, Datasets]:
    """Its month billed, booked and collected."""
    taken.directory(TariffApi).load_published(CALL, LoadPublished())
    taken.directory(BillingApi).start_cycle(CALL, StartCycle(month=MONTH))
    settle(taken.directory)
    return taken.directory, taken.datasets


def test_every_bill_equals_the_plain_recomputation(month: tuple[Directory, Datasets]) -> None:
    _, datasets = month
    bills, _ = expected()
    issued = datasets.scan(datasets.newest(BILLS.name, MONTH)).to_pylist()
    found = {(row["account_no"], row["kind"]): (row["energy_wh"] // 1000, row["amount_fen"]) for row in issued}
    differing = {key: (found.get(key), bills.get(key)) for key in found.keys() | bills.keys()}
    assert {key: both for key, both in differing.items() if both[0] != both[1]} == {}
    assert len(issued) == len(found) == 7_354


def test_totals_and_held_accounts_agree(month: tuple[Directory, Datasets]) -> None:
    directory, _ = month
    bills, held = expected()
    billing = directory(BillingApi)
    cycle = billing.cycle(CALL, CycleRef(month=MONTH))
    sums: Counter[str] = Counter()
    for (_, kind), (_, amount) in bills.items():
        sums[kind] += amount
    assert (cycle.amount.fen, cycle.purchase_amount.fen) == (sums["supply"], sums["purchase"])
    assert cycle.energy.wh == 1000 * sum(kwh for (_, kind), (kwh, _) in bills.items() if kind == "supply")
    rows = billing.exceptions(CALL, FindExceptions(month=MONTH, limit=200)).rows
    assert {(row.account_no, row.kind): row.code for row in rows} == held
    assert held == {
        ("5810100012135", "supply"): "read_held",
        ("5810100049671", "supply"): "read_held",
        ("5810100070549", "purchase"): "over_capacity",
    }
    summary = billing.month_summary(CALL, Summarise(month=MONTH))
    assert (summary.supply_count, summary.purchase_count, summary.held) == (6_857, 497, 3)


def test_lines_add_up_to_their_bill(month: tuple[Directory, Datasets]) -> None:
    _, datasets = month
    lines = datasets.scan(datasets.newest(BILL_LINES.name, MONTH))
    sums: Counter[str] = Counter()
    for bill_no, amount in zip(lines["bill_no"].to_pylist(), lines["amount_fen"].to_pylist(), strict=True):
        sums[bill_no] += amount
    bills = datasets.scan(datasets.newest(BILLS.name, MONTH))
    assert dict(sums) == dict(zip(bills["bill_no"].to_pylist(), bills["amount_fen"].to_pylist(), strict=True))


def test_books_hold_the_month_and_balance(month: tuple[Directory, Datasets]) -> None:
    directory, _ = month
    (posting,) = directory(LedgerApi).postings(CALL, FindPostings(month=MONTH)).rows
    assert (posting.bills, posting.held) == (7_354, 0)
    assert directory(LedgerApi).trial_balance(CALL, AskTrialBalance()).balanced


@pytest.mark.scope("X-05")
def test_issued_bills_are_computed_again_to_the_last_character(month: tuple[Directory, Datasets]) -> None:
    directory, _ = month
    checked, after = 0, None
    while True:
        request = ReplayMonth(month=MONTH, seed="scenario", limit=1_000, after=after)
        page = directory(BillingApi).replay_month(CALL, request)
        assert (page.identical, page.rows, page.total) == (page.checked, [], 7_354)
        checked, after = checked + page.checked, page.next
        if after is None:
            break
    assert checked == 7_354


def test_running_the_month_again_changes_nothing(month: tuple[Directory, Datasets]) -> None:
    directory, datasets = month
    before = [ref.digest for name in (BILLS.name, BILL_LINES.name) for ref in datasets.newest(name, MONTH)]
    directory(BillingApi).start_cycle(CALL, StartCycle(month=MONTH))
    directory(BillingApi).resume_cycle(CALL, CycleRef(month=MONTH))
    settle(directory)
    after = [ref.digest for name in (BILLS.name, BILL_LINES.name) for ref in datasets.newest(name, MONTH)]
    assert before == after
    assert directory(BillingApi).cycle(CALL, CycleRef(month=MONTH)).run_no == 1


def test_the_outliers_of_the_month_stand_out(month: tuple[Directory, Datasets]) -> None:
    directory, _ = month
    loss = directory(LossApi)
    loss.compute(CALL, MonthRef(month=MONTH))
    rows = loss.areas(CALL, FindAreas(month=MONTH, limit=200)).rows
    assert len(rows) == 79
    assert [row.area_no for row in rows[:5]] == ["TG063", "TG064", "TG013", "TG041", "TG033"]
    flags = {row.area_no: [flag.code for flag in row.flags] for row in rows if row.flags}
    assert flags == {
        "TG063": ["high", "held_members"],
        "TG064": ["high"],
        "TG013": ["high", "held_members"],
        "TG041": ["high"],
        "TG033": ["high"],
        "TG012": ["negative"],
        "TG024": ["negative"],
        "TG077": ["ratio", "negative"],
    }
    ratio = loss.area(CALL, AreaMonth(area_no="TG077", month=MONTH))
    assert "150" in ratio.flags[0].reason.zh and "200" in ratio.flags[0].reason.zh
    assert ratio.members[0].role == "gateway" and len(ratio.members) == ratio.sale_points + 2 + sum(
        one.side == "generation" for one in ratio.members
    )
    feeders = loss.feeders(CALL, FindFeeders(month=MONTH)).rows
    assert len(feeders) == 8 and all(row.rate is not None and 0 < row.rate.number < 1_000 for row in feeders)

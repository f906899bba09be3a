"""Bench: questions about one account, in a warm process, beside as many bare round trips to the database in the same run.

    python bench/one_account.py

Over the demo company with a billed month, at the boundary of the services in this process: an issued bill calculated again from
today's readings, terms and prices; a bill that was taken back, billed anew and issued; a bill explained with all its steps; a
month as it is known. Over a county with a billed year: all eligible tariffs for its twelve months, of meters
with registers by band and of meters that have one register and a curve. Last the page of a bill (its
spec and its source) over HTTP. Prints p50 and p95 of each, the CPU time of this process for one, the statements it sends, and how
long as many statements that do nothing take.
"""

import pathlib
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from unittest import mock

import psycopg
import pyarrow as pa

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))

from bench.billing_month import MONTH, company, operator, run
from tests.browser.product import Product, running
from tests.databases import migrated
from tests.service.billing.county import County, Supply, county, settle_county
from tests.service.billing.months import bill_months

from denghuo.data.processing.dataset import arrow_schema
from denghuo.data.processing.embedded import EmbeddedServer
from denghuo.kernel.contract import Call
from denghuo.kernel.period import Month, midnight
from denghuo.service.billing.api import AsKnown, BillingApi, BillRef, FindBills, Recalculate, ReverseBill, WhatIf
from denghuo.service.host import relay
from denghuo.service.host.binding import Directory
from denghuo.service.reading.api import CURVE_INTAKE, Intake, ReadingApi
from denghuo.service.tariff.api import LoadPublished, TariffApi
from denghuo.service.workflow.api import Decide, WorkflowApi

WARM, EACH, TAKEN_BACK, PAGES = 10, 100, 30, 100
REST_S = 45
BANDS = {"total": 260, "peak": 150, "valley": 110}
CURVED = [Supply(serial, 1, contract_kw=8) for serial in range(101, 106)]
A_SLOT = 90
"""Wh of each quarter-hour of a meter that has a curve and one register."""


def statements(ask: Callable[[Call, Any], Any], request: Any) -> int:
    """How many statements a question sends."""
    with mock.patch.object(psycopg.Cursor, "execute", autospec=True, side_effect=psycopg.Cursor.execute) as sent:
        ask(operator(), request)
    return sent.call_count


def bare(directory: Directory, count: int) -> list[float]:
    """Milliseconds of so many statements that do nothing, one after the other."""
    taken = []
    with directory.hosted["billing"].store.database.connection() as connection:
        for _ in range(30):
            begun = time.perf_counter()
            for _ in range(count):
                connection.execute("SELECT 1")
            taken.append((time.perf_counter() - begun) * 1000)
    return taken


def measured(directory: Directory, name: str, ask: Callable[[Call, Any], Any], requests: Sequence[Any]) -> None:
    """Asks them one after the other; the first are to warm up."""
    for request in requests[: WARM - 1]:
        ask(operator(), request)
    sent = statements(ask, requests[WARM - 1])
    taken, cpu = [], time.process_time()
    for request in requests[WARM:]:
        begun = time.perf_counter()
        ask(operator(), request)
        taken.append((time.perf_counter() - begun) * 1000)
    cpu_ms = (time.process_time() - cpu) * 1000 / len(taken)
    print(
        f"{name}: p50 {median(taken):.1f} ms, p95 {ninety_fifth(taken):.1f} ms, CPU {cpu_ms:.1f} ms;"
        f" {sent} statements, which bare take {median(bare(directory, sent)):.1f} ms"
    )


def median(taken: Sequence[float]) -> float:
    return statistics.median(taken)


def ninety_fifth(taken: Sequence[float]) -> float:
    return statistics.quantiles(taken, n=20)[-1]


def of_the_month(directory: Directory) -> None:
    billing = directory(BillingApi)
    rows = billing.bills(operator(), FindBills(month=MONTH, kind="supply", state="issued", limit=200)).rows
    bills = rows[: WARM + EACH]
    again = [Recalculate(account_no=one.account_no, month=MONTH) for one in bills]
    measured(directory, "an issued bill calculated again", billing.recalculate, again)
    measured(directory, "a bill explained", billing.bill, [BillRef(bill_no=one.bill_no) for one in bills])
    known = [AsKnown(account_no=one.account_no, month=MONTH) for one in bills]
    measured(directory, "a month as it is known", billing.as_known, known)
    gone = bills[: TAKEN_BACK + WARM]
    for one in gone:
        asked = billing.reverse_bill(operator(), ReverseBill(bill_no=one.bill_no, reason="bench: taken back"))
        manager = Call.system(operator().now, actor="manager")
        directory(WorkflowApi).decide(manager, Decide(approval_no=asked.approval_no, agreed=True))
    relay.settle(directory, lambda: operator().now)
    measured(directory, "a month billed anew and issued", billing.recalculate, again[: len(gone)])


@contextmanager
def billed_year(folder: pathlib.Path, supplies: Sequence[Supply]) -> Iterator[County]:
    """A county with a billed year: meters with registers by band, and `CURVED`, which have one register and a curve."""
    year = [str(month) for month in months()]
    with EmbeddedServer(folder / "postgres") as server, migrated(server) as name:
        dsn = psycopg.conninfo.make_conninfo(server, dbname=name)
        with county("local", dsn, folder / "datasets") as found:
            settle_county(found, [*supplies, *CURVED], [])
            take_curves(found)
            found.directory(TariffApi).load_published(operator(), LoadPublished())
            used = {
                one: {month: {band: kwh + 3 * one.serial for band, kwh in BANDS.items()} for month in year}
                for one in supplies
            }
            days = {str(month): (month.next.first_day - month.first_day).days for month in months()}
            used |= {one: {month: {"total": 96 * A_SLOT * days[month] // 1000} for month in year} for one in CURVED}
            bill_months(found, used)
            yield found


def of_a_year(folder: pathlib.Path) -> None:
    supplies = [Supply(serial, 1, contract_kw=8) for serial in range(1, 31)]
    with billed_year(folder, supplies) as found:
        asked = [WhatIf(account_no=one.account_no) for one in supplies] * 3
        plans = found.billing.what_if(operator(), asked[0])
        name = f"{len(plans.plans)} tariffs over {plans.months_count} months"
        measured(found.directory, name, found.billing.what_if, asked)
        by_curve = [WhatIf(account_no=one.account_no) for one in CURVED] * 12
        plans = found.billing.what_if(operator(), by_curve[0])
        hours = max(one.by_curve for one in plans.plans)
        name = f"{len(plans.plans)} tariffs over {plans.months_count} months, hours of {hours} by the 15-minute curve"
        measured(found.directory, name, found.billing.what_if, by_curve)


def take_curves(found: County) -> None:
    """A year of quarter-hours of the meters that have one register."""
    for month in months():
        first, days = midnight(month.first_day), (month.next.first_day - month.first_day).days
        at = [first + slot * timedelta(minutes=15) for slot in range(96 * days)]
        columns = {
            "series": ["active_fwd_wh"] * len(at) * len(CURVED),
            "subject": [f"M{one.serial:05d}" for one in CURVED for _ in at],
            "at": at * len(CURVED),
            "value": [A_SLOT] * len(at) * len(CURVED),
        }
        schema = arrow_schema(CURVE_INTAKE)
        table = pa.table([pa.array(columns[name], schema.field(name).type) for name in schema.names], schema=schema)
        ref = found.datasets.publish(CURVE_INTAKE, str(month), "bench", table, operator().now)
        assert found.directory(ReadingApi).receive_curves(operator(), Intake(rows=ref)).refused == 0


def months() -> list[Month]:
    found = [Month(2025, 5)]
    while len(found) < 12:
        found.append(found[-1].next)
    return found


def of_the_page(product: Product) -> None:
    """The spec of the page and the bill itself, as a clerk with a session: right after the month, while what follows from its bills
    is worked off in the same process, and once that is done."""
    product.bill_month()
    with product.session("billing") as client:
        bills = [row["bill_no"] for row in product.ask(client, "billing.bills", month=MONTH, limit=PAGES)["rows"]]
        for when, rest_s in (("beside the jobs after the month", 0), ("once they are done", REST_S)):
            time.sleep(rest_s)
            page, floor = [], []
            for bill_no in bills:
                begun = time.perf_counter()
                product.ask(client, "application.page", app="billing", page="bill", channel="pc")
                product.ask(client, "billing.bill", bill_no=bill_no)
                page.append((time.perf_counter() - begun) * 1000)
                begun = time.perf_counter()
                client.get("/healthz")
                client.get("/healthz")
                floor.append((time.perf_counter() - begun) * 1000)
            print(
                f"the page of a bill over HTTP, {when}: p50 {median(page[3:]):.1f} ms, p95 {ninety_fifth(page[3:]):.1f} ms;"
                f" two bare exchanges {median(floor):.1f} ms"
            )


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        with company(folder / "company") as (directory, datasets):
            run(directory(BillingApi), datasets)
            of_the_month(directory)
        of_a_year(folder / "year")
        (folder / "product").mkdir()
        with running(folder / "product") as product:
            of_the_page(product)


if __name__ == "__main__":
    main()

"""Bench: the demo company's April cycle, and what a bare scan of the same input takes on the same machine in the same run.

    python bench/billing_month.py

Prints seconds by stage, accounts a second (whole cycle, and rating with its writing), and the ratio of rating to the bare scan of
its two input datasets. Wall time and CPU time of this process; the database server runs beside it.
"""

import contextlib
import pathlib
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime

from denghuo.data.processing.database import Database
from denghuo.data.processing.dataset import Datasets
from denghuo.data.processing.embedded import EmbeddedServer
from denghuo.data.processing.migration import migrate
from denghuo.importer import take_over
from denghuo.kernel.contract import Call
from denghuo.main.composition import SERVICES
from denghuo.service.billing.api import Advance, BillingApi, CycleRef, StartCycle
from denghuo.service.host.binding import Directory, Local, Store
from denghuo.service.tariff.api import LoadPublished, TariffApi

COUNTY = pathlib.Path(__file__).parents[1] / "examples" / "gaoping" / "data"
MONTH = "2026-04"
SCANS = 5


def operator() -> Call:
    return Call.system(datetime.now(UTC))


def bare_scan_s(datasets: Datasets) -> float:
    """Seconds to read the month's terms and energies from their files, the best of several."""
    refs = [ref for name in ("contract.terms", "reading.month_energy") for ref in datasets.newest(name, MONTH)]
    taken = []
    for _ in range(SCANS):
        begun = time.perf_counter()
        for ref in refs:
            datasets.scan(ref)
        taken.append(time.perf_counter() - begun)
    return min(taken)


@contextlib.contextmanager
def company(folder: pathlib.Path) -> Iterator[tuple[Directory, Datasets]]:
    """The services in this process, over a database of their own with the demo company taken over and the published prices."""
    with EmbeddedServer(folder / "postgres") as dsn:
        migrate(dsn, [contract.noun for contract in SERVICES])
        with Database(dsn) as database:
            datasets = Datasets(database, folder / "datasets")
            directory = Directory()
            store = Store(database, datasets, b"\0" * 32)
            for contract, implementation in SERVICES.items():
                directory.bind(contract, Local(store, implementation, directory))
            take_over(COUNTY, directory, operator(), datasets=datasets, say=lambda line: None)
            directory(TariffApi).load_published(operator(), LoadPublished())
            yield directory, datasets


def main() -> None:
    with tempfile.TemporaryDirectory() as name, company(pathlib.Path(name)) as (directory, datasets):
        run(directory(BillingApi), datasets)


def run(billing: BillingApi, datasets: Datasets) -> None:
    billing.start_cycle(operator(), StartCycle(month=MONTH))
    stages: dict[str, float] = defaultdict(float)
    begun, begun_cpu, again = time.perf_counter(), time.process_time(), True
    while again:
        step = time.perf_counter()
        reply = billing.advance_cycle(operator(), Advance(month=MONTH, epoch=1))
        stages[reply.stage] += time.perf_counter() - step
        again = reply.again
    wall, cpu = time.perf_counter() - begun, time.process_time() - begun_cpu
    cycle = billing.cycle(operator(), CycleRef(month=MONTH))
    scan = bare_scan_s(datasets)
    print(f"accounts {cycle.accounts}  issued {cycle.issued}  held {cycle.held}  state {cycle.state}")
    print("  ".join(f"{stage} {seconds:.2f} s" for stage, seconds in stages.items()))
    print(f"cycle {wall:.2f} s wall, {cpu:.2f} s CPU: {cycle.accounts / wall:,.0f} accounts/s")
    print(f"rate and store {cycle.accounts / stages['rate']:,.0f} accounts/s")
    print(f"bare scan {scan * 1000:.1f} ms; rate and store is {stages['rate'] / scan:,.0f} times the scan")


if __name__ == "__main__":
    main()

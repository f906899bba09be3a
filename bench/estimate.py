"""Bench: accounts under fee control estimated and judged for a day, and what a bare scan of the same Parquet takes in the same run.

    python bench/estimate.py [ACCOUNTS]

A million accounts (or as many as told) of mixed tariffs, all under fee control, with a prepaid balance each. The load is in the
figures: reading both datasets, rating by columns, writing the estimates to the store, publishing them, the ledger taking them,
balances judged by limits and the falls entered. What the reading service does before (the pieces cut at the newest midnight) is
not in it, nor are the notices after.
"""

import pathlib
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime

import pyarrow as pa
from columns import MONTH, scan, written

from denghuo.data.analysis.lake import Lake
from denghuo.data.processing.database import Database
from denghuo.data.processing.dataset import Datasets
from denghuo.data.processing.embedded import EmbeddedServer
from denghuo.data.processing.migration import migrate
from denghuo.data.processing.work import Work
from denghuo.kernel.contract import Call
from denghuo.service.billing.api import ESTIMATES
from denghuo.service.billing.estimate import RunningMonth
from denghuo.service.billing.rules import Tariffs
from denghuo.service.billing.store import BillingStore
from denghuo.service.contract.api import FEE_CONTROL
from denghuo.service.ledger.api import SetBalanceLimit
from denghuo.service.ledger.store.balances import Balances
from denghuo.service.tariff.shipped import published

UNTIL = date(2026, 5, 1)
NOW = datetime(2026, 5, 1, 2, tzinfo=UTC)
CALL = Call.system(NOW)
SCANS = 3


class Clock:
    """Seconds by step, printed as they pass."""

    def __init__(self) -> None:
        self.whole = 0.0

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        begun = time.perf_counter()
        yield
        taken = time.perf_counter() - begun
        self.whole += taken
        print(f"  {name} {taken:.2f} s", flush=True)


def main() -> None:
    accounts = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        terms, energies = written(folder, accounts)
        bare = []
        for _ in range(SCANS):
            begun = time.perf_counter()
            scan(terms, energies)
            bare.append(time.perf_counter() - begun)
        with EmbeddedServer(folder / "postgres") as dsn:
            migrate(dsn, ["billing", "ledger"])
            with Database(dsn) as database:
                datasets = Datasets(database, folder / "datasets")

                def work(schema: str) -> Work:
                    return Work(database, schema, CALL, datasets, Lake(database, folder / "lake"))

                days = [run(work, datasets, terms, energies, accounts, day) for day in ("first day", "next day")]
        best = min(bare)
        print(
            f"accounts {accounts:,}; bare scan {best:.2f} s; a day {days[-1]:.2f} s, {days[-1] / best:.0f} times the scan"
        )


def run(
    work: object, datasets: Datasets, terms: pathlib.Path, energies: pathlib.Path, accounts: int, day: str
) -> float:
    """Seconds of one day; the first one finds empty tables, the next what the first left."""
    print(day)
    clock = Clock()
    with work("billing") as own:  # type: ignore[operator]
        store = BillingStore(own)
        with clock.step("read"):
            tables = scan(terms, energies)
        with clock.step("rate"):
            used = pa.table({"account_no": pa.array([], pa.string()), "energy_wh": pa.array([], pa.int64())})
            running = RunningMonth(MONTH, UNTIL, Tariffs(published("310000") or []), *tables, used)
            found = running.estimates(
                lambda numbers: {}, lambda numbers: {}, lambda rating, entries: {}, NOW, lambda account: 0
            )
        with clock.step("write the estimates"):
            store.estimates.put(found.rows)
        with clock.step("publish"):
            estimates = datasets.publish(ESTIMATES, str(MONTH), "day", found.rows, NOW)
    under = tables[0].select(["account_no", "org", "tariff_class", "effective_from"])
    under = under.append_column("way", pa.repeat("remote", accounts)).append_column(
        "protected", pa.repeat(False, accounts)
    )
    controlled = datasets.publish(FEE_CONTROL, str(UNTIL), "all", under, NOW)
    with work("ledger") as own:  # type: ignore[operator]
        balances = Balances(own)
        if day == "first day":
            balances.set_limit(
                SetBalanceLimit.model_validate(
                    {"org": "1405810", "effective_from": MONTH.first_day, "low_days": 10, "reason": "bench"}
                )
            )
            own.run(
                "INSERT INTO customer_account SELECT '58' || lpad(i::text, 11, '0'), '1405810.01', (i %% 400) * 100"
                " FROM generate_series(0, %s - 1) i",
                (accounts,),
            )
        with clock.step("ledger: who is under fee control"):
            balances.take_accounts(controlled, NOW)
        with clock.step("ledger: take the estimates"):
            balances.take_estimates(estimates)
        with clock.step("ledger: judge"):
            fallen = balances.judge(UNTIL)
    print(
        f"  estimated {found.rows.num_rows:,} (by rules {found.by_rules:,}), fallen {fallen:,}, whole {clock.whole:.2f} s"
    )
    return clock.whole


if __name__ == "__main__":
    main()

"""Bench: a month from its inputs to bills that are issued, posted to the books and sealed, beside a bare COPY of as many bytes.

    python bench/cycle.py [--contracts 1000000] [--settings shared_buffers=512MB ...]

A company of mixed tariffs of the shipped Shanghai set is made from a seed directly in the two datasets that a month is rated from
(contract terms, energies) with three earlier months of use. Then the product's own steps run as they do in the product: the cycle's
stages in one thread, the posting of what was issued in a second, the trees in a third. Not in the figures: the reading plan and the
validation before, and the notices to the holders after.

The floor is COPY of the very rows that the run wrote into tables without keys, indexes or policies, in the same run, one after the
other, committed.
"""

import argparse
import os
import pathlib
import resource
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime

import psycopg
from columns import MONTH, inputs

from denghuo.data.processing import embedded
from denghuo.data.processing.database import Database
from denghuo.data.processing.dataset import Datasets
from denghuo.data.processing.embedded import EmbeddedServer
from denghuo.data.processing.migration import migrate
from denghuo.kernel.contract import Call, Nothing
from denghuo.main.composition import SERVICES
from denghuo.service.billing.api import Advance, BillingApi, CycleRef
from denghuo.service.contract.api import TERMS
from denghuo.service.host.binding import Directory, Local, Store
from denghuo.service.host.jobs import InlineJobs
from denghuo.service.host.relay import Relay
from denghuo.service.reading.api import MONTH_ENERGY
from denghuo.service.tariff.api import LoadPublished, TariffApi

WRITTEN = (
    "billing.bill", "billing.bill_basis", "billing.bill_line", "billing.year_use", "billing.bill_leaf", "ledger.entry",
    "ledger.item", "ledger.customer_account",
)  # fmt: skip
"""Tables that a run fills."""


def now() -> datetime:
    return datetime.now(UTC)


def operator() -> Call:
    return Call.system(now())


class Company:
    """The platform with a month that is ready to be rated."""

    def __init__(self, folder: pathlib.Path, dsn: str, database: Database, contracts: int) -> None:
        self.dsn, self.contracts = dsn, contracts
        self.datasets = Datasets(database, folder / "datasets")
        self.directory = Directory()
        store = Store(database, self.datasets, b"\0" * 32)
        for contract, implementation in SERVICES.items():
            self.directory.bind(contract, Local(store, implementation, self.directory))
        self.relay = Relay(self.directory, store, InlineJobs(), now)
        self.directory(TariffApi).load_published(operator(), LoadPublished())
        tables = inputs(contracts)
        refs = [
            self.datasets.publish(schema, str(MONTH), "bench", table, now())
            for schema, table in zip((TERMS, MONTH_ENERGY), tables, strict=True)
        ]
        with psycopg.connect(dsn) as connection:
            connection.execute(
                "INSERT INTO billing.cycle (month, state, stage, accounts, terms, energy, started_at, started_by, resumed_at)"
                " VALUES (%s, 'running', 'rate', %s, %s, %s, now(), 'bench', now())",
                (str(MONTH), contracts, refs[0].model_dump_json(), refs[1].model_dump_json()),
            )
            connection.execute(
                "INSERT INTO billing.cycle_stage (month, stage) SELECT %s, unnest(%s::text[])",
                (str(MONTH), ["plan", "read", "rate", "review", "issue"]),
            )
            connection.execute(
                "INSERT INTO billing.year_use (account_no, month, org, energy_wh, source, recorded_at)"
                " SELECT '58' || lpad(serial::text, 11, '0'), month, '1405810.01', 200000 + serial %% 97 * 1000, 'taken_over',"
                " now() FROM generate_series(0, %s - 1) serial, unnest(ARRAY['2026-01', '2026-02', '2026-03']) month",
                (contracts,),
            )
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE billing.year_use")

    @property
    def billing(self) -> BillingApi:
        return self.directory(BillingApi)

    def advance(self, stages: dict[str, float]) -> None:
        again = True
        while again:
            begun = time.perf_counter()
            reply = self.billing.advance_cycle(operator(), Advance(month=str(MONTH), epoch=1))
            stages[reply.stage] += time.perf_counter() - begun
            again = reply.again

    def post(self, stages: dict[str, float]) -> bool:
        begun = time.perf_counter()
        took = self.relay.round("ledger")
        stages["post"] += (time.perf_counter() - begun) * took
        return took

    def seal(self, stages: dict[str, float]) -> bool:
        begun = time.perf_counter()
        sealed = self.billing.seal_runs(operator(), Nothing())
        stages["seal"] += (time.perf_counter() - begun) * (sealed.month is not None)
        return sealed.month is not None

    def run(self, stages: dict[str, float]) -> None:
        """The steps as the product runs them: posting and trees follow the issue while it goes on."""
        issued = threading.Event()

        def follow(step: Callable[[dict[str, float]], bool]) -> None:
            while True:
                over = issued.is_set()
                if not step(stages):
                    if over:
                        return
                    time.sleep(0.05)

        followers = [threading.Thread(target=follow, args=(step,)) for step in (self.post, self.seal)]
        for thread in followers:
            thread.start()
        self.advance(stages)
        issued.set()
        for thread in followers:
            thread.join()


def server_cpu_s(pid: int) -> float:
    """CPU seconds of the server: of its processes, and of those that have ended."""
    ticks = 0
    for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(path.parent.name) == pid:
            ticks += sum(map(int, fields[11:15]))
        elif int(fields[1]) == pid:
            ticks += sum(map(int, fields[11:13]))
    return ticks / os.sysconf("SC_CLK_TCK")


def floor(dsn: str) -> tuple[float, int]:
    """Seconds and bytes of COPY of what was written into bare tables."""
    taken, size = 0.0, 0
    with psycopg.connect(dsn) as connection:
        for table in WRITTEN:
            with connection.cursor().copy(f"COPY {table} TO STDOUT") as copy:  # type: ignore[call-overload]
                content = [bytes(piece) for piece in copy]
            connection.execute(f"CREATE TABLE bare_{table.partition('.')[2]} (LIKE {table})")  # type: ignore[call-overload]
            connection.commit()
            begun = time.perf_counter()
            with connection.cursor().copy(f"COPY bare_{table.partition('.')[2]} FROM STDIN") as copy:  # type: ignore[call-overload]
                for at in range(0, len(content), 1_000):
                    copy.write(b"".join(content[at : at + 1_000]))
            connection.commit()
            taken += time.perf_counter() - begun
            size += sum(map(len, content))
    return taken, size


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--contracts", type=int, default=100_000)
    parser.add_argument("--settings", nargs="*", default=[], help="of the server, name=value")
    asked = parser.parse_args()
    folder = tempfile.TemporaryDirectory()
    embedded.OPTIONS.update(setting.split("=", 1) for setting in asked.settings)
    server = EmbeddedServer(pathlib.Path(folder.name) / "postgres")
    with folder as name, server as dsn:
        migrate(dsn, [contract.noun for contract in SERVICES])
        with Database(dsn) as database:
            company = Company(pathlib.Path(name), dsn, database, asked.contracts)
            stages: dict[str, float] = defaultdict(float)
            pid = server.pid() or 0
            begun, begun_cpu, begun_server = time.perf_counter(), time.process_time(), server_cpu_s(pid)
            company.run(stages)
            wall, cpu = time.perf_counter() - begun, time.process_time() - begun_cpu
            server_cpu = server_cpu_s(pid) - begun_server
            cycle = company.billing.cycle(operator(), CycleRef(month=str(MONTH)))
        with psycopg.connect(dsn) as connection:
            posted, sealed = connection.execute(
                "SELECT (SELECT count(*) FROM ledger.item), (SELECT coalesce(sum(bills), 0) FROM billing.issue_run"
                " WHERE root IS NOT NULL)"
            ).fetchone() or (0, 0)
        bare, size = floor(dsn)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(
        f"contracts {asked.contracts:,}  issued {cycle.issued:,}  held {cycle.held:,}  posted {posted:,}  sealed {sealed:,}"
    )
    print(
        "  ".join(f"{stage} {seconds:.1f} s" for stage, seconds in stages.items())
        + "  (post and seal beside the others)"
    )
    print(f"whole {wall:.1f} s: {asked.contracts / wall:,.0f} contracts/s; peak {peak:.2f} GB")
    print(f"CPU {cpu:.1f} s, server {server_cpu:.1f} s: {100 * (cpu + server_cpu) / wall:.0f} % of a core over the run")
    print(
        f"written {size / 1e6:,.0f} MB: {size / 1e6 / wall:.1f} MB/s; bare COPY {bare:.1f} s ({size / 1e6 / bare:.0f} MB/s);"
    )
    print(f"the run is {wall / bare:.1f} times the bare COPY")


if __name__ == "__main__":
    main()

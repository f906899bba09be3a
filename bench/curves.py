"""Bench: a month of quarter-hour curves billed by columns, beside the bare scan of the same Parquet in the same run.

    python bench/curves.py [METERS] [DAYS]

Every meter has its active energy, every fifth its reactive energy as well; one tariff in five is by time of use; one meter-day in
ten thousand has gaps, whose accounts are left to be estimated. Files are as the lake writes them, one a day and shard. The floor
reads every column of every file and sums every slot. Billing makes the atoms (and writes them), adds up the month and rates every
meter; with the atoms in place only the last two remain. CPU seconds stand beside the clock: on a machine that others use the clock
alone says little. The same is then done on a pool of processes, with one of them killed on the way, and on Ray where the extra
`cluster` is installed; all have to give the same bytes.
"""

import hashlib
import importlib
import importlib.util
import os
import pathlib
import resource
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from denghuo.data.analysis.cells import month_cells
from denghuo.data.analysis.lake_day import SLOTS, curve_class, write_day
from denghuo.data.processing.dataset import write_rows
from denghuo.data.processing.parts import Processes, RayExecutor, Workers, in_parts
from denghuo.kernel.period import Month
from denghuo.service.billing.engine.atoms import MonthPlan, calendars_of, month_plan
from denghuo.service.billing.engine.curves import rate_curves
from denghuo.service.reading.batch.atoms import atoms_of
from denghuo.service.tariff.api import BandSpan, TariffDocument
from denghuo.service.tariff.rules.clock import DayFacts, spans_of_day
from denghuo.service.tariff.shipped import published

MONTH = Month(2026, 4)
MIX = (("sh.resident.tiered", 70), ("sh.resident.tiered.tou", 20), ("sh.business.single", 10))
QUANTITIES = (("active", 1), ("reactive", 5))
"""Each with the one meter in how many that has it."""
SHARD = 250_000
"""Meters of a shard at most."""
CORES = os.cpu_count() or 1
WHOLE_DAY = (0,)
GAPPY = 1e-4
MODULES = (
    "duckdb",
    "numpy",
    "pyarrow.parquet",
    "denghuo.service.billing.engine.curves",
    "denghuo.service.reading.batch.atoms",
)
"""What workers have loaded before they are forked."""


# --- data -----------------------------------------------------------------------------------------------------------------


def make_shard(job: tuple[str, int, int, int, int]) -> int:
    """The files of a shard, the same for the same numbers; gives their bytes."""
    name, shard, first, meters, days = job
    folder, kind = pathlib.Path(name), curve_class("bench")
    numbers = np.char.add("M", np.char.zfill(np.arange(first, first + meters).astype(str), 12))
    shape = (60 + 40 * np.sin(np.linspace(-1.6, 4.7, len(SLOTS)))).astype(np.int32)
    size = 0
    for day in range(days):
        for place, (quantity, one_in) in enumerate(QUANTITIES):
            rng = np.random.default_rng((shard, day, place))
            subjects = numbers[::one_in]
            base = rng.gamma(2, 60, len(subjects)).astype(np.int32)
            gappy = rng.random(len(subjects)) < GAPPY
            columns: list[Any] = [pa.array(subjects)]
            for slot in range(len(SLOTS)):
                values = base * shape[slot] // 100 + rng.integers(0, 40, len(subjects), dtype=np.int32)
                lacks = gappy & (rng.random(len(subjects)) < 0.5) if slot % 8 == 0 else None
                columns.append(pa.array(values.astype(np.int32), mask=lacks))
            path = path_of(folder, quantity, shard, day)
            write_day(kind, pa.table(columns, schema=kind.schema), path)
            size += path.stat().st_size
    rng = np.random.default_rng(shard)
    tariffs = rng.choice([name for name, _ in MIX], size=meters, p=[share / 100 for _, share in MIX])
    terms = {
        "subject": numbers,
        "account_no": np.char.replace(numbers, "M", "5"),
        "tariff_code": tariffs,
        "voltage_kv": ["0.22"] * meters,
        "used_before_wh": rng.integers(0, 1_000, meters) * 1000,
    }
    pq.write_table(pa.table(terms), folder / f"terms-{shard:04d}.parquet")
    return size


def path_of(folder: pathlib.Path, quantity: str, shard: int, day: int) -> pathlib.Path:
    return folder / f"{quantity}-{shard:04d}-{day:02d}.parquet"


# --- the work -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Shard:
    """A part of the work: everything a worker needs to know. marker: the first worker to take it dies once.
    threads: of DuckDB."""

    folder: str
    number: int
    days: int
    plan: MonthPlan
    tariffs: Mapping[str, TariffDocument]
    atoms: str
    marker: str = ""
    threads: int = 1


def tariffs_used() -> dict[str, TariffDocument]:
    wanted = {name for name, _ in MIX}
    return {document.code: document for document in published("310000") or [] if document.code in wanted}


def make_atoms(shard: Shard) -> None:
    """Writes the atoms of a shard that are not there yet."""
    for day in range(shard.days):
        for quantity, _ in QUANTITIES:
            made = path_of(pathlib.Path(shard.atoms), quantity, shard.number, day)
            if made.exists():
                continue
            # Nobody asks at which hour of the day reactive energy was taken.
            cut = shard.plan.cut if quantity == "active" else WHOLE_DAY
            curves = path_of(pathlib.Path(shard.folder), quantity, shard.number, day)
            partial = made.with_suffix(f".{os.getpid()}")
            write_rows(atoms_of(curves, cut, threads=shard.threads), partial)
            partial.rename(made)


def close_shard(shard: Shard) -> pa.Table:
    """The month of a shard from its atoms: energy, reactive energy and amount of each account."""
    cells = {
        quantity: month_cells(
            {
                MONTH.first_day + timedelta(days=day): [
                    str(path_of(pathlib.Path(shard.atoms), quantity, shard.number, day))
                ]
                for day in range(shard.days)
            },
            shard.plan if quantity == "active" else flat_plan(shard.plan),
        )
        for quantity, _ in QUANTITIES
    }
    terms = pq.read_table(pathlib.Path(shard.folder) / f"terms-{shard.number:04d}.parquet")
    rated = rate_curves(terms, cells["active"], shard.plan, shard.tariffs, MONTH)
    reactive = cells["reactive"]
    at = pa.compute.index_in(terms["subject"], reactive.subjects)
    return rated.append_column(
        "reactive_varh", pa.chunked_array([pa.array(reactive.energy.sum(axis=1)).take(at.combine_chunks())])
    )


def flat_plan(plan: MonthPlan) -> MonthPlan:
    return MonthPlan(WHOLE_DAY, dict.fromkeys(plan.kinds, 0), {})


def bill_shard(shard: Shard) -> bytes:
    """Atoms, month and amounts of a shard as an Arrow stream."""
    if shard.marker and not pathlib.Path(shard.marker).exists():
        pathlib.Path(shard.marker).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    make_atoms(shard)
    table = close_shard(shard).combine_chunks()
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    return sink.getvalue().to_pybytes()


def plan_of(days: int, tariffs: Mapping[str, TariffDocument]) -> MonthPlan:
    told = {}
    for code, document in tariffs.items():
        spans = []
        for step in range(days):
            day = MONTH.first_day + timedelta(days=step)
            kind = "workday" if day.isoweekday() < 6 else "rest_day"
            spans += [
                BandSpan(day=day, band=band, start=start, end=end)
                for band, start, end in spans_of_day(document, DayFacts(day, kind))
            ]
        calendars = calendars_of(spans)
        assert calendars is not None
        told[code] = calendars
    return month_plan(told)


# --- measuring ------------------------------------------------------------------------------------------------------------


def measured(work: Callable[..., Any], *given: Any) -> tuple[Any, float, float]:
    """What work gives, seconds by the clock, and CPU seconds of this process."""
    clock, cpu = time.perf_counter(), time.process_time()
    result = work(*given)
    return result, time.perf_counter() - clock, time.process_time() - cpu


def bare_scan(folder: pathlib.Path, shard: int) -> None:
    sums = ", ".join(f"sum({slot})" for slot in SLOTS)
    with duckdb.connect(config={"threads": 1}) as connection:
        for path in sorted(folder.glob(f"*active-{shard:04d}-*.parquet")):
            connection.execute(f"SELECT max(subject), {sums} FROM read_parquet(?)", [str(path)]).fetchall()


def digest(parts: list[bytes]) -> str:
    return hashlib.sha256(b"".join(parts)).hexdigest()[:16]


@dataclass
class Spent:
    """Seconds by the clock and of CPU, added up over shards."""

    clock: float = 0.0
    cpu: float = 0.0

    def add(self, work: Callable[..., Any], *given: Any) -> Any:
        result, clock, cpu = measured(work, *given)
        self.clock, self.cpu = self.clock + clock, self.cpu + cpu
        return result

    def __str__(self) -> str:
        return f"{self.clock:7.2f} s  CPU {self.cpu:7.2f} s"


def on_one_core(folder: pathlib.Path, jobs: list[Shard]) -> tuple[list[bytes], Spent, Spent]:
    """Scan, billing and scan again, shard by shard, so that all of them meet the same neighbours on the machine.

    Gives the parts, what billing took, and what it took with the atoms in place.
    """
    bare, whole, close = Spent(), Spent(), Spent()
    parts: list[bytes] = []
    again: list[bytes] = []
    for job in jobs:
        bare.add(bare_scan, folder, job.number)
        parts.append(whole.add(bill_shard, job))
        bare.add(bare_scan, folder, job.number)
        again.append(close.add(bill_shard, job))
    assert again == parts
    bare = Spent(bare.clock / 2, bare.cpu / 2)
    rated = pa.concat_tables(pa.ipc.open_stream(part).read_all() for part in parts)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(
        f"rated {rated.num_rows - rated['left'].to_pylist().count(True):,} of {rated.num_rows:,}; digest {digest(parts)}"
    )
    print("on one core:")
    print(f"  bare scan              {bare}")
    print(f"  billing, atoms made    {whole}  = {whole.cpu / bare.cpu:.2f} x the scan (CPU)")
    print(f"  month, atoms in place  {close}")
    print(f"  peak memory {peak:.2f} GB, with shards of {max(1, len(rated) // len(jobs)):,} meters")
    return parts, whole, close


def in_pool(label: str, workers: Workers, jobs: list[Shard], alone: list[bytes], one: Spent) -> None:
    """The same on workers that are there already."""
    found, clock, _ = measured(in_parts, bill_shard, jobs, workers)
    assert found == alone, f"other bytes: {digest(found)}"
    print(f"{label:36} {clock:7.2f} s  {one.clock / clock:.2f} x one core at the same; the same bytes", flush=True)


def main() -> None:
    meters = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    days = int(sys.argv[2]) if len(sys.argv) > 2 else 30
    tariffs = tariffs_used()
    plan = plan_of(days, tariffs)
    with tempfile.TemporaryDirectory() as name, Processes(CORES, MODULES) as workers:
        folder = pathlib.Path(name)
        shard_size = min(SHARD, -(-meters // (2 * CORES)))
        firsts = range(0, meters, shard_size)
        sizes = [(shard, min(shard_size, meters - first)) for shard, first in enumerate(firsts)]
        made = [(name, shard, firsts[shard], count, days) for shard, count in sizes]
        size = sum(in_parts(make_shard, made, workers))
        values = days * len(SLOTS) * sum(-(-count // one_in) for _, count in sizes for _, one_in in QUANTITIES)
        print(f"meters {meters:,}  days {days}  values {values:,}  {size / values:.2f} bytes a value; cut {plan.cut}")

        def jobs(atoms: str, marker: str = "", threads: int = 1) -> list[Shard]:
            (folder / atoms).mkdir(exist_ok=True)
            died = str(folder / marker) if marker else ""
            return [
                Shard(name, shard, days, plan, tariffs, str(folder / atoms), died if shard == 0 else "", threads)
                for shard, _ in sizes
            ]

        alone, whole, close = on_one_core(folder, jobs("alone"))
        found, clock, _ = measured(lambda: [bill_shard(job) for job in jobs("threads", threads=CORES)])
        assert found == alone
        print(
            f"one process, DuckDB on {CORES} threads     {clock:7.2f} s  {whole.clock / clock:.2f} x one core; the same bytes"
        )
        for kind, pool in pools(workers):
            in_pool(f"{kind}", pool, jobs(kind), alone, whole)
            in_pool(f"{kind}, atoms in place", pool, jobs(kind), alone, close)
            in_pool(f"{kind}, one killed", pool, jobs(f"{kind}-killed", f"{kind}-marker"), alone, whole)


def pools(workers: Processes) -> Iterator[tuple[str, Workers]]:
    """Workers that have begun and have loaded what they need, as those of a service have; what that takes is told."""
    yield f"{CORES} processes", workers
    if importlib.util.find_spec("ray"):
        ray, begun, _ = measured(RayExecutor, CORES)
        with ray:
            _, loaded, _ = measured(in_parts, load, [0] * CORES, ray)
            print(f"Ray began in {begun:.1f} s, its workers in {loaded:.1f} s")
            yield f"Ray, {CORES} workers", ray


def load(_: int) -> int:
    """Loads in a worker what the parts need."""
    return sum(importlib.import_module(name) is not None for name in MODULES)


if __name__ == "__main__":
    main()

"""Bench: a month of quarter-hour curves billed by columns, beside the bare scan of the same Parquet in the same run.

    python bench/curves.py [METERS] [DAYS]

Every meter has its active energy, every fifth its reactive energy as well; every contract is by time of use and its meter has one
register, which was read at both ends of the month; one meter-day in ten thousand has gaps. Files are as the lake writes them, one a
day and shard. The floor reads every column of every file and sums every slot. Billing makes the atoms and publishes them as the
reading service does, adds up the month, divides each register by its curve as the month's run does, joins contracts and meters and
rates every contract, in the steps in which the platform tries a tariff on everybody; with the atoms in place all but the first
remain. CPU seconds stand beside the clock: on a machine that others use the clock alone says little. The same is then done on a
pool of processes, with one of them killed on the way, and on Ray where the extra `cluster` is installed; all have to give the same
bytes.
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
from datetime import date, timedelta
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet as pq

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))

from bench import shapes
from bench.shapes import rated_by_curves

from denghuo.data.analysis.cells import month_cells
from denghuo.data.analysis.lake_day import SLOTS, curve_class, write_day
from denghuo.data.analysis.subjects import said_of
from denghuo.data.processing.parts import Processes, RayExecutor, Workers, in_parts
from denghuo.kernel.period import Month
from denghuo.service.billing.batch import Piece, Terms
from denghuo.service.billing.engine.atoms import Calendar, MonthPlan, calendars_of, month_plan
from denghuo.service.billing.whole_months import key
from denghuo.service.reading.api import ATOM_METERS, day_atoms
from denghuo.service.reading.batch.atoms import write_atoms, write_meters
from denghuo.service.tariff.api import BandSpan, TariffDocument
from denghuo.service.tariff.rules.clock import DayFacts, spans_of_day
from denghuo.service.tariff.shipped import published

pc: Any = pyarrow.compute
MONTH = Month(2026, 4)
MIX = (("resident", "sh.resident.tiered.tou", 80), ("general_single_part", "sh.business.single.tou", 20))
"""Class, tariff, and share in percent."""
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
    "bench.shapes",
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
    size, energy_wh = 0, np.zeros(meters, dtype=np.int64)
    for day in range(days):
        for place, (quantity, one_in) in enumerate(QUANTITIES):
            rng = np.random.default_rng((shard, day, place))
            subjects = numbers[::one_in]
            base = rng.gamma(2, 60, len(subjects)).astype(np.int32)
            gappy = rng.random(len(subjects)) < GAPPY
            columns: list[Any] = [pa.array(subjects)]
            for slot in range(len(SLOTS)):
                values = base * shape[slot] // 100 + rng.integers(0, 40, len(subjects), dtype=np.int32)
                if quantity == "active":
                    energy_wh += values
                lacks = gappy & (rng.random(len(subjects)) < 0.5) if slot % 8 == 0 else None
                columns.append(pa.array(values.astype(np.int32), mask=lacks))
            path = path_of(folder, quantity, shard, day)
            write_day(kind, pa.table(columns, schema=kind.schema), path)
            size += path.stat().st_size
    rng = np.random.default_rng(shard)
    kinds = rng.choice(len(MIX), size=meters, p=[share / 100 for *_, share in MIX])
    accounts = np.char.replace(numbers, "M", "5")
    # A register shows hundredths of a kWh.
    start = rng.integers(0, 10**7, meters)
    shown = (start * 100 + energy_wh * 10) // 100 * 100 - start * 100
    tables = {
        "terms": shapes.terms(accounts, *(np.take([row[place] for row in MIX], kinds) for place in (0, 1))),
        "registers": shapes.registers(MONTH, accounts, numbers, "total", start * 100, shown // 10),
        "used": shapes.used(accounts, rng.integers(0, 1_000, meters) * 1000),
    }
    for what, table in tables.items():
        pq.write_table(table, folder / f"{what}-{shard:04d}.parquet")
    return size


def path_of(folder: pathlib.Path, quantity: str, shard: int, day: int) -> pathlib.Path:
    return folder / f"{quantity}-{shard:04d}-{day:02d}.parquet"


# --- the work -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Plan:
    """What is asked of the month: its tariffs, the bands of their days, and how days are cut."""

    tariffs: Mapping[str, TariffDocument]
    calendars: Mapping[str, Mapping[date, Calendar]]
    cut: MonthPlan

    def of(self, quantity: str) -> MonthPlan:
        """Nobody asks at which hour of the day reactive energy was taken."""
        return self.cut if quantity == "active" else MonthPlan(WHOLE_DAY, dict.fromkeys(self.cut.kinds, 0), {})


@dataclass(frozen=True)
class Shard:
    """A part of the work: everything a worker needs to know. marker: the first worker to take it dies once.
    threads: of DuckDB."""

    folder: str
    number: int
    days: int
    plan: Plan
    atoms: str
    marker: str = ""
    threads: int = 1

    def read(self, what: str, row: Any = None) -> pa.Table:
        """One of the inputs; of rows only the columns that they have."""
        columns = list(row.__slots__) if row is not None else None
        path = pathlib.Path(self.folder) / f"{what}-{self.number:04d}.parquet"
        return pq.read_table(path, columns=columns, use_threads=False)


def atoms_in_place(shard: Shard, quantity: str) -> dict[date, list[str]]:
    """The atoms of a shard by day; those that are not there yet are made, and told by digest whose they are."""
    cut = shard.plan.of(quantity).cut
    found = {}
    for step in range(shard.days):
        day = MONTH.first_day + timedelta(days=step)
        name = f"{quantity}-{shard.number:04d}"
        folder = pathlib.Path(shard.atoms)
        made = list((folder / day_atoms(cut).name / str(day)).glob(f"{name}-*"))
        if not made:
            curves = path_of(pathlib.Path(shard.folder), quantity, shard.number, step)
            said = said_of(curves)
            assert said is not None
            if said.decode() not in meters_in_place(shard):
                write_meters(folder, MONTH, said, curves)
            made = [folder / write_atoms(folder, curves, cut, day, name, said, threads=shard.threads).path]
        found[day] = [str(made[0])]
    return found


def meters_in_place(shard: Shard) -> dict[str, pathlib.Path]:
    """Whose atoms they are, by digest."""
    files = (pathlib.Path(shard.atoms) / ATOM_METERS.name / str(MONTH)).glob("*.parquet")
    return {path.name.partition("-")[0]: path for path in files}


def close_shard(shard: Shard) -> pa.Table:
    """The month of a shard: energy, reactive energy and amount of each account. left: whose curve does not tell the bands."""
    plan = shard.plan
    atoms = {one: atoms_in_place(shard, one) for one, _ in QUANTITIES}
    named = meters_in_place(shard)
    cells = {one: month_cells(files, plan.of(one), named) for one, files in atoms.items()}
    registers = shard.read("registers", Piece)
    given = shard.read("terms", Terms), registers, shard.read("used"), cells["active"]
    contracts, rated = rated_by_curves(*given, plan.cut, plan.calendars, plan.tariffs, MONTH)
    reactive = cells["reactive"]
    meter_of = registers["meter_no"].take(pc.index_in(contracts.table["account_no"], registers["account_no"]))
    told = pa.array(reactive.energy.sum(axis=1)).take(pc.index_in(meter_of, reactive.subjects).combine_chunks())
    return pa.table(
        {
            "account_no": contracts.table["account_no"],
            "energy_wh": rated.energy_wh,
            "amount_fen": rated.amount_fen,
            "left": rated.left | rated.without_bands,
            "reactive_varh": told,
        }
    )


def bill_shard(shard: Shard) -> bytes:
    """Atoms, month and amounts of a shard as an Arrow stream."""
    if shard.marker and not pathlib.Path(shard.marker).exists():
        pathlib.Path(shard.marker).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    table = close_shard(shard).combine_chunks()
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    return sink.getvalue().to_pybytes()


def plan_of(days: int) -> Plan:
    wanted = {code for _, code, _ in MIX}
    tariffs = {document.code: document for document in published("310000") or [] if document.code in wanted}
    told = {}
    for document in tariffs.values():
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
        told[key(document)] = calendars
    return Plan(tariffs, told, month_plan(told))


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
    plan = plan_of(days)
    with tempfile.TemporaryDirectory() as name, Processes(CORES, MODULES) as workers:
        folder = pathlib.Path(name)
        shard_size = min(SHARD, -(-meters // (2 * CORES)))
        firsts = range(0, meters, shard_size)
        sizes = [(shard, min(shard_size, meters - first)) for shard, first in enumerate(firsts)]
        made = [(name, shard, firsts[shard], count, days) for shard, count in sizes]
        size = sum(in_parts(make_shard, made, workers))
        # pyarrow looks for pandas, which the peers bring along, at its first list: a second of each process, whatever it does.
        pa.array([], pa.string())
        # What was made is on the disk before anything is measured, or its writing goes on beside.
        os.sync()
        values = days * len(SLOTS) * sum(-(-count // one_in) for _, count in sizes for _, one_in in QUANTITIES)
        print(
            f"meters {meters:,}  days {days}  values {values:,}  {size / values:.2f} bytes a value; cut {plan.cut.cut}"
        )

        def jobs(atoms: str, marker: str = "", threads: int = 1) -> list[Shard]:
            (folder / atoms).mkdir(exist_ok=True)
            died = str(folder / marker) if marker else ""
            return [
                Shard(name, shard, days, plan, str(folder / atoms), died if shard == 0 else "", threads)
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

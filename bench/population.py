"""Bench: a tariff tried on everybody over twelve months, and what a bare scan of the same Parquet takes in the same run.

    python bench/population.py [CONTRACTS]

A million contracts (or as many as told) of the mixed tariffs of `bench/columns.py`; the tried tariff is for all residents, four in
five. Each month is read, joined and rated by both tariffs, its figures by contract are written as the run of the product writes
them; then the twelve files are added up. The floor reads every column that rating needs, twelve times.
"""

import pathlib
import resource
import sys
import tempfile
import time

import numpy as np
import pyarrow as pa

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))

from bench import shapes
from bench.columns import scan, written

from denghuo.data.processing.dataset import write_file
from denghuo.kernel.period import Month
from denghuo.service.billing.engine import Contracts, Group, metered
from denghuo.service.billing.population_run import TRIED, added_up
from denghuo.service.tariff.api import TariffDocument
from denghuo.service.tariff.shipped import published

FIRST, MONTHS = Month(2025, 5), 12
TRIED_CODE = "sh.resident.untiered"
AIM_S = 15 * 60


def main() -> None:
    contracts = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    tariffs: dict[str, TariffDocument] = {document.code: document for document in published("310000") or []}
    tried = tariffs[TRIED_CODE]

    def now_of(group: Group) -> TariffDocument | None:
        return tariffs[group.tariff_code or ""] if group.tariff_class in tried.classes else None

    def then_of(group: Group) -> TariffDocument | None:
        return tried if group.tariff_class in tried.classes else None

    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        terms, energies = written(folder, contracts)
        begun = time.perf_counter()
        for _ in range(MONTHS):
            scan(terms, energies)
        bare = time.perf_counter() - begun
        begun, cpu = time.perf_counter(), time.process_time()
        paths, month, left = [], FIRST, 0
        for _ in range(MONTHS):
            rated = Contracts(metered(*scan(terms, energies), shapes.used(), month), month)
            now, then = rated.rate(now_of), rated.rate(then_of)
            told = now.asked & then.asked & ~now.left & ~then.left
            left += int((then.asked & ~told).sum())
            places = np.flatnonzero(told)
            table = rated.table.select(["account_no", "kind", "org", "tariff_class"]).take(places)
            figures = {
                "energy_wh": now.energy_wh,
                "now_fen": now.amount_fen,
                "then_fen": then.amount_fen,
                "by_rules": np.zeros_like(told),
                "without_bands": then.without_bands,
            }
            for column, values in figures.items():
                table = table.append_column(column, pa.array(values[places]))
            made = write_file(folder, TRIED, str(month), "bench", table)
            paths.append(str(folder / made.path))
            month = month.next
        rated_s = time.perf_counter() - begun
        result = added_up(paths)
        whole, cpu_s = time.perf_counter() - begun, time.process_time() - cpu
    print(f"contracts {contracts:,} x {MONTHS} months; tried on {result.contracts:,}; left to the rules {left:,}")
    print(f"rate and write {rated_s:.1f} s  add up {whole - rated_s:.1f} s  whole {whole:.1f} s  CPU {cpu_s:.1f} s")
    print(
        f"bare scan {bare:.1f} s; whole is {whole / bare:.1f} times the scan; a million at this rate"
        f" {whole * 1e6 / contracts:.0f} s, the aim being under {AIM_S} s"
    )
    print(f"{result.more:,} pay more, {result.less:,} less, in {len(result.segments)} segments")
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f} GB")


if __name__ == "__main__":
    main()

"""Bench: register-based rating by columns, and what a bare scan of the same Parquet takes on the same machine in the same run.

    python bench/columns.py [CONTRACTS]

A million contracts (or as many as told) of mixed tariffs of the shipped Shanghai set: residents in annual tiers, with and without
time of use, business at a single price with and without time of use, agriculture, solar purchase. The load is in the figures: the
scan reads every column that rating needs, rating reads, joins, rates, and adds up.
"""

import pathlib
import resource
import sys
import tempfile
import time

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))

from bench import shapes

from denghuo.kernel.period import Month
from denghuo.service.billing.batch import Piece, Terms
from denghuo.service.billing.engine import Contracts, Group, metered
from denghuo.service.tariff.api import TariffDocument
from denghuo.service.tariff.shipped import published

MONTH = Month(2026, 4)
MIX = (
    # class, tariff, registers, share in percent
    ("resident", "sh.resident.tiered", ("total",), 60),
    ("resident", "sh.resident.tiered.tou", ("total", "peak", "valley"), 20),
    ("general_single_part", "sh.business.single", ("total",), 8),
    ("agricultural", "sh.agricultural", ("total",), 12),
)
SCANS = 3


def inputs(contracts: int) -> tuple[pa.Table, pa.Table]:
    """Contract terms and energies of a month, in the published shapes."""
    rng = np.random.default_rng(20260401)
    kinds = rng.choice(len(MIX), size=contracts, p=[row[-1] / 100 for row in MIX])
    numbers = np.char.add("58", np.char.zfill(np.arange(contracts).astype(str), 11))
    terms = shapes.terms(numbers, np.take([row[0] for row in MIX], kinds), np.take([row[1] for row in MIX], kinds))
    # A register row for each register of each contract.
    counts = np.take([len(row[2]) for row in MIX], kinds)
    owner = np.repeat(np.arange(contracts), counts)
    place = np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts)
    bands = np.array([[*row[2], "", ""][:3] for row in MIX])[kinds[owner], place]
    valley, peak = rng.integers(0, 150, contracts) * 1000, rng.integers(1, 350, contracts) * 1000
    energy = np.select([bands == "peak", bands == "valley"], [peak[owner], valley[owner]], (peak + valley)[owner])
    start = rng.integers(0, 10**9, len(owner))
    area_no = np.char.add("TQ", (owner // 200).astype(str))
    own = numbers[owner]
    return terms, shapes.registers(MONTH, own, own, bands, start, energy, area_no=area_no)


def written(folder: pathlib.Path, contracts: int) -> tuple[pathlib.Path, pathlib.Path]:
    """The inputs as Parquet files."""
    paths = (folder / "terms.parquet", folder / "energy.parquet")
    for path, table in zip(paths, inputs(contracts), strict=True):
        pq.write_table(table, path)
    return paths


def scan(terms: pathlib.Path, energies: pathlib.Path) -> tuple[pa.Table, pa.Table]:
    return pq.read_table(terms, columns=[*Terms.__slots__]), pq.read_table(energies, columns=[*Piece.__slots__])


def main() -> None:
    contracts = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    tariffs: dict[str, TariffDocument] = {document.code: document for document in published("310000") or []}

    def tariff_of(group: Group) -> TariffDocument | None:
        return tariffs[group.tariff_code or ""]

    with tempfile.TemporaryDirectory() as name:
        terms, energies = written(pathlib.Path(name), contracts)
        bare = []
        for _ in range(SCANS):
            begun = time.perf_counter()
            scan(terms, energies)
            bare.append(time.perf_counter() - begun)
        begun = time.perf_counter()
        tables = scan(terms, energies)
        read = time.perf_counter()
        joined = metered(*tables, shapes.used(), MONTH)
        gathered = time.perf_counter()
        rated = Contracts(joined, MONTH).rate(tariff_of)
        ended = time.perf_counter()
    done = int((rated.asked & ~rated.left).sum())
    whole, best = ended - begun, min(bare)
    print(f"contracts {contracts:,}  rated by columns {done:,}  left {int(rated.left.sum()):,}")
    print(
        f"read {read - begun:.2f} s  join {gathered - read:.2f} s  rate {ended - gathered:.2f} s  whole {whole:.2f} s"
    )
    print(f"{contracts / whole:,.0f} contracts/s; bare scan {best:.2f} s; whole is {whole / best:.1f} times the scan")
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f} GB")


if __name__ == "__main__":
    main()

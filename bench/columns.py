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
from datetime import UTC, date, datetime

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from denghuo.data.processing.dataset import arrow_schema
from denghuo.kernel.period import Month
from denghuo.service.billing.batch import Piece, Terms
from denghuo.service.billing.engine import Contracts, Group, metered
from denghuo.service.contract.api import TERMS
from denghuo.service.reading.api import MONTH_ENERGY
from denghuo.service.tariff.api import TariffDocument
from denghuo.service.tariff.shipped import published

MONTH = Month(2026, 4)
MIX = (
    # class, tariff, settlement, role, quantity, registers, share in percent
    ("resident", "sh.resident.tiered", "agency", "sale", "active_fwd", ("total",), 60),
    ("resident", "sh.resident.tiered.tou", "agency", "sale", "active_fwd", ("total", "peak", "valley"), 20),
    ("general_single_part", "sh.business.single", "agency", "sale", "active_fwd", ("total",), 8),
    ("agricultural", "sh.agricultural", "agency", "sale", "active_fwd", ("total",), 12),
)
SCANS = 3


def inputs(contracts: int) -> tuple[pa.Table, pa.Table]:
    """Contract terms and energies of a month, in the published shapes."""
    rng = np.random.default_rng(20260401)
    kinds = rng.choice(len(MIX), size=contracts, p=[row[-1] / 100 for row in MIX])
    numbers = np.char.add("58", np.char.zfill(np.arange(contracts).astype(str), 11))
    columns: dict[str, object] = {name: pa.nulls(contracts) for name in TERMS.columns}
    columns |= {
        "contract_no": numbers, "account_no": numbers, "org": ["1405810.01"] * contracts, "kind": ["supply"] * contracts,
        "tariff_class": np.take([row[0] for row in MIX], kinds), "tariff_code": np.take([row[1] for row in MIX], kinds),
        "voltage_kv": ["0.22"] * contracts, "settlement_mode": np.take([row[2] for row in MIX], kinds),
        "contract_w": np.full(contracts, 8_000), "effective_from": pa.array([date(2024, 1, 1)] * contracts),
    }  # fmt: skip
    terms = pa.table(_cast(columns, TERMS))
    # A register row for each register of each contract.
    counts = np.take([len(row[5]) for row in MIX], kinds)
    owner = np.repeat(np.arange(contracts), counts)
    place = np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts)
    bands = np.array([[*row[5], "", ""][:3] for row in MIX])[kinds[owner], place]
    valley, peak = rng.integers(0, 150, contracts) * 1000, rng.integers(1, 350, contracts) * 1000
    energy = np.select([bands == "peak", bands == "valley"], [peak[owner], valley[owner]], (peak + valley)[owner])
    rows = len(owner)
    start = rng.integers(0, 10**9, rows)
    begun, ended = datetime(2026, 3, 31, 16, tzinfo=UTC), datetime(2026, 4, 30, 16, tzinfo=UTC)
    columns = {name: pa.nulls(rows) for name in MONTH_ENERGY.columns}
    columns |= {
        "point_no": numbers[owner], "account_no": numbers[owner], "meter_no": numbers[owner], "role": ["sale"] * rows,
        "area_no": np.char.add("TQ", (owner // 200).astype(str)), "org": ["1405810.01"] * rows,
        "piece": np.ones(rows, dtype=np.int64), "quantity": ["active_fwd"] * rows, "band": bands,
        "from_at": pa.array([begun] * rows), "to_at": pa.array([ended] * rows), "start_e4": start, "end_e4": start + 10 * energy,
        "multiplier": np.ones(rows, dtype=np.int64), "energy_wh": energy, "status": ["valid"] * rows,
        "rule": ["ok"] * rows, "method": ["actual"] * rows, "days_estimated": np.zeros(rows, dtype=np.int64),
    }  # fmt: skip
    return terms, pa.table(_cast(columns, MONTH_ENERGY))


def written(folder: pathlib.Path, contracts: int) -> tuple[pathlib.Path, pathlib.Path]:
    """The inputs as Parquet files."""
    paths = (folder / "terms.parquet", folder / "energy.parquet")
    for path, table in zip(paths, inputs(contracts), strict=True):
        pq.write_table(table, path)
    return paths


def _cast(columns: dict[str, object], shape: object) -> dict[str, pa.Array]:
    schema = arrow_schema(shape)  # type: ignore[arg-type]
    return {field.name: pa.array(columns[field.name]).cast(field.type) for field in schema}


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
        used = pa.table({"account_no": pa.array([], pa.string()), "energy_wh": pa.array([], pa.int64())})
        begun = time.perf_counter()
        tables = scan(terms, energies)
        read = time.perf_counter()
        joined = metered(*tables, used, MONTH)
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

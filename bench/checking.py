"""Bench: a day of quarter-hour curves stored, checked and estimated, beside writing the same Parquet unchecked in the same run.

    python bench/checking.py [METERS]

A million meters (or as many as told) with 96 values each, and their registers at both midnights; one meter in a hundred has a gap,
half of these of a few hours and half of most of the day, and one in a thousand lacks a register. Days like it are in the lake. The
load is in the figures: the day's curves and registers into the lake, meters and registers read, every curve held against its
registers, gaps filled, what stands in written beside, and the work list entered.
"""

import pathlib
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa

from denghuo.data.analysis.lake_day import SLOTS, write_day
from denghuo.data.processing.database import Database
from denghuo.data.processing.dataset import Datasets, arrow_schema
from denghuo.data.processing.embedded import EmbeddedServer
from denghuo.data.processing.migration import migrate
from denghuo.data.processing.work import Work
from denghuo.kernel.contract import Call, DatasetRef
from denghuo.kernel.period import midnight
from denghuo.service.contract.api import TERMS, ContractApi, PublishTerms
from denghuo.service.host.binding import Ask, Directory, Local, Store
from denghuo.service.point.api import INSTALLATION, PointApi, PublishInstallations
from denghuo.service.reading.api import CurvesToCheck, ReadingApi
from denghuo.service.reading.batch.intake import CURVES, REGISTERS
from denghuo.service.reading.rules.profiles import LIKE_DAYS
from denghuo.service.reading.service import ReadingService

DAY = date(2026, 4, 14)
NOW = datetime(2026, 4, 16, tzinfo=UTC)
SERIES = "active_fwd_wh"


def curves(meters: int, day: date) -> pa.Table:
    """A day of every meter; of the day that is checked, some lack slots."""
    chance = np.random.default_rng(day.toordinal())
    shape = (60 + 40 * np.sin(np.linspace(-1.6, 4.7, len(SLOTS)))).astype(np.int32)
    base = chance.gamma(2, 60, meters).astype(np.int32)
    kind = chance.random(meters) if day == DAY else np.ones(meters)
    lacks_few, lacks_many = kind < 0.005, (kind >= 0.005) & (kind < 0.01)
    columns: list[Any] = [pa.array(numbers(meters))]
    for slot in range(len(SLOTS)):
        values = base * shape[slot] // 100 + chance.integers(0, 40, meters, dtype=np.int32)
        lacks = (lacks_few & (40 <= slot < 50)) | (lacks_many & (slot >= 20))
        columns.append(pa.array(values.astype(np.int32), mask=lacks if lacks.any() else None))
    return pa.table(columns, schema=CURVES[SERIES].schema)


def numbers(meters: int) -> Any:
    return np.char.add("M", np.char.zfill(np.arange(meters).astype(str), 9))


def registers(meters: int, whole: pa.Table) -> dict[date, pa.Table]:
    """Registers at both midnights, by day; what a curve lacks the register has."""
    energy = sum(whole[slot].to_numpy(zero_copy_only=False).astype(np.float64) for slot in SLOTS)
    known = np.where(np.isnan(energy), 20_000, energy).astype(np.int64)
    found = {}
    for day, value in ((DAY, np.full(meters, 1_000_000)), (DAY + timedelta(days=1), 1_000_000 + known * 10)):
        lacking = np.random.default_rng(7).random(meters) < 0.001
        rows = {
            "meter_no": numbers(meters),
            "quantity": pa.repeat("active_fwd", meters),
            "band": pa.repeat("total", meters),
            "read_at": pa.repeat(pa.scalar(midnight(day), pa.timestamp("us", tz="UTC")), meters),
            "value_e4": value,
        }
        found[day] = pa.table(rows).filter(pa.array(~lacking)).cast(REGISTERS.schema)
    return found


def points(meters: int) -> type[PointApi]:
    """A point service that has the meters hang all along."""
    row = {
        "area_no": "TG001", "feeder_no": "F1", "org": "1405810.01", "role": "sale", "register": "fwd", "multiplier": 1,
        "integer_digits": 6, "decimal_digits": 2, "voltage_kv": "0.22", "pv_w": None, "start_e4": None, "final_e4": None,
        "start_rev_e4": None, "final_rev_e4": None, "piece": 1, "from_at": datetime(2026, 4, 1, tzinfo=UTC) - timedelta(hours=8),
        "to_at": datetime(2026, 5, 1, tzinfo=UTC) - timedelta(hours=8),
    }  # fmt: skip
    own = {"point_no": numbers(meters), "meter_no": numbers(meters), "account_no": numbers(meters)}
    columns = {name: own.get(name) if name in own else pa.repeat(row[name], meters) for name in INSTALLATION.columns}

    class Points(PointApi):
        def __init__(self, work: Work, ask: Ask) -> None:
            self._work = work

        def publish_installations(self, call: Call, request: PublishInstallations) -> DatasetRef:
            return self._work.datasets.publish(INSTALLATION, request.month, "all", pa.table(columns), call.now)

    return Points


def contracts(meters: int) -> type[ContractApi]:
    """A contract service that knows a capacity and a class of every account."""
    row = {
        "contract_no": "C1", "org": "1405810.01", "kind": "sale", "tariff_class": "resident", "voltage_kv": "0.22",
        "contract_w": 100_000, "settlement_mode": "monthly", "effective_from": date(2020, 1, 1),
    }  # fmt: skip
    columns = {
        field.name: pa.repeat(pa.scalar(row.get(field.name), field.type), meters) for field in arrow_schema(TERMS)
    }

    class Contracts(ContractApi):
        def __init__(self, work: Work, ask: Ask) -> None:
            self._work = work

        def publish_terms(self, call: Call, request: PublishTerms) -> DatasetRef:
            table = pa.table(columns | {"account_no": numbers(meters)})
            return self._work.datasets.publish(TERMS, request.month, "all", table, call.now)

    return Contracts


def timed(name: str, run: Callable[[], Any]) -> float:
    begun, cpu = time.perf_counter(), time.process_time()
    run()
    taken = time.perf_counter() - begun
    print(f"  {name} {taken:.1f} s ({time.process_time() - cpu:.1f} s CPU)", flush=True)
    return taken


def main(meters: int) -> None:
    call = Call.system(NOW)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        with EmbeddedServer(folder / "postgres") as dsn:
            migrate(dsn, ["reading", "point", "contract"])
            with Database(dsn) as database:
                store = Store(database, Datasets(database, folder / "datasets"), b"0" * 32)
                lake, directory = store.lake, Directory()
                directory.bind(PointApi, Local(store, points(meters), directory))
                directory.bind(ContractApi, Local(store, contracts(meters), directory))
                directory.bind(ReadingApi, Local(store, ReadingService, directory))
                reading = directory(ReadingApi)
                for back in (*LIKE_DAYS, 1):
                    day = DAY - timedelta(days=back)
                    lake.append(CURVES[SERIES], {day: curves(meters, day)}, NOW, "bench")
                whole = curves(meters, DAY)
                read = registers(meters, whole)
                bare = timed("bare write", lambda: write_day(CURVES[SERIES], whole, folder / "bare.parquet"))
                load = timed("curves", lambda: lake.append(CURVES[SERIES], {DAY: whole}, NOW, "bench"))
                load += timed("registers", lambda: lake.append(REGISTERS, read, NOW, "bench"))
                found: list[Any] = []
                load += timed("check", lambda: found.append(reading.check_curves(call, CurvesToCheck(day=DAY))))
    checked = found[0]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"{checked.curves:,} curves, {checked.slots_estimated:,} slots estimated, {checked.slots_held:,} held")
    print(f"{meters * 96:,} readings: {load:.1f} s, {load / bare:.1f} x the bare write; peak {peak:.2f} GB")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)

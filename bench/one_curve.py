"""Bench: one meter's month of quarter-hour values out of the lake, beside the bare read of the same files.

    python bench/one_curve.py [METERS] [DAYS]

A month (or DAYS) of METERS meters (default 20,000) is written as collecting writes it: curves, midnight registers, for two
meters in a hundred values that stand in, and for one marks of the sender. Then months of meters taken by chance are read: the first
of each, so that nothing of it is held yet, and again; out of the lake, and through the service's own operations. Wanted are 20 ms.
The floor: DuckDB looks for the meter in the files of curves alone, whose names it is given.
"""

import pathlib
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import duckdb
import numpy as np
import psycopg
import pyarrow as pa
from checking import SERIES, curves, numbers

from denghuo.data.analysis.lake import Lake
from denghuo.data.analysis.lake_day import SLOTS
from denghuo.data.processing.database import Database
from denghuo.data.processing.dataset import Datasets
from denghuo.data.processing.embedded import EmbeddedServer
from denghuo.data.processing.migration import migrate
from denghuo.kernel.contract import Call
from denghuo.kernel.period import midnight
from denghuo.service.host.binding import Directory, Local, Store
from denghuo.service.reading.api import CurveMonth, MeterMonthAsked, ReadingApi
from denghuo.service.reading.batch.checked import CHECKED, checked_table
from denghuo.service.reading.batch.intake import CURVES, REGISTERS
from denghuo.service.reading.batch.marks import MARKS
from denghuo.service.reading.service import ReadingService

FIRST = date(2026, 3, 1)
READS = 40
WANTED_MS = 20.0


def written(lake: Lake, meters: int, day: date) -> None:
    """A day as it lies in the lake once it is checked."""
    whole, now = curves(meters, day), datetime.now(UTC)
    names = whole["subject"].to_numpy(zero_copy_only=False)
    lake.append(CURVES[SERIES], {day: whole}, now, "bench")
    at = pa.scalar(midnight(day), pa.timestamp("us", tz="UTC"))
    shown = {
        "meter_no": names,
        "quantity": pa.repeat("active_fwd", meters),
        "band": pa.repeat("total", meters),
        "read_at": pa.repeat(at, meters),
        "value_e4": np.arange(meters) + 300_000 * day.day,
    }
    lake.append(REGISTERS, {day: pa.table(shown, schema=REGISTERS.schema)}, now, "bench")
    chance = np.random.default_rng(day.toordinal())
    few = sorted(names[chance.random(meters) < 0.02].tolist())
    verdict = chance.integers(0, 3, (len(few), len(SLOTS)))
    lake.append(CHECKED[SERIES], {day: checked_table(SERIES, few, 100 * verdict, verdict)}, now, "bench")
    told = few[::2]
    columns = [pa.array(told), *(pa.repeat("nem12 E52", len(told)) for _ in SLOTS)]
    lake.append(MARKS[SERIES], {day: pa.table(columns, schema=MARKS[SERIES].schema)}, now, "bench")


def timed(read: Callable[[str], Any], meters: list[str]) -> tuple[list[float], float]:
    """Milliseconds of each read, and those of processor time that this process took for one."""
    took, cpu = [], time.process_time()
    for meter in meters:
        begun = time.perf_counter()
        read(meter)
        took.append(1_000 * (time.perf_counter() - begun))
    return took, 1_000 * (time.process_time() - cpu) / len(meters)


def said(name: str, took: list[float], cpu: float) -> None:
    most = sorted(took)[int(len(took) * 0.95) - 1]
    print(f"{name:32} median {statistics.median(took):7.1f} ms   95 % {most:7.1f} ms   CPU {cpu:6.1f} ms")


def size_of(folder: pathlib.Path, pattern: str) -> int:
    return sum(path.stat().st_size for path in folder.rglob(pattern))


def main(meters: int, days: int) -> None:
    kind, last = CURVES[SERIES], FIRST + timedelta(days=days - 1)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        with EmbeddedServer(folder / "postgres") as dsn:
            migrate(dsn, ["reading"])
            with Database(dsn) as database:
                store, directory = Store(database, Datasets(database, folder / "datasets"), b"0" * 32), Directory()
                directory.bind(ReadingApi, Local(store, ReadingService, directory))
                lake, reading, call = store.lake, directory(ReadingApi), Call.system(datetime.now(UTC))
                for step in range(days):
                    written(lake, meters, FIRST + timedelta(days=step))
                chosen = random.Random(1).sample([str(one) for one in numbers(meters)], READS)
                rows = [(one, "meter", "1405810.01") for one in chosen]
                with psycopg.connect(dsn) as connection:
                    connection.cursor().executemany(
                        "INSERT INTO reading.subject (subject, kind, org) VALUES (%s, %s, %s)", rows
                    )
                paths = [str(lake.folder / file.path) for file in lake.files(kind, FIRST, last)]
                size = sum(pathlib.Path(path).stat().st_size for path in paths) / meters / days / len(SLOTS)
                beside = size_of(lake.folder / kind.name, "*.rows") / meters / days / len(SLOTS)
                print(f"{meters:,} meters, {days} days, {size:.2f} bytes a value, {beside:.2f} in blocks beside")
                engine, month = duckdb.connect(config={"threads": 2}), f"{FIRST:%Y-%m}"

                def bare(meter: str) -> Any:
                    query = "SELECT * FROM read_parquet(?) WHERE subject = ?"
                    return engine.cursor().execute(query, [paths, meter]).fetchall()

                def read(meter: str) -> Any:
                    found = lake.curve(kind, meter, FIRST, last)
                    assert len(found) == days
                    return found

                def received(meter: str) -> Any:
                    values = reading.curve_month(call, CurveMonth(subject=meter, month=month)).energy
                    assert sum(value is not None for value in values) == days * len(SLOTS)
                    return values

                def checked(meter: str) -> Any:
                    shown = reading.meter_month(call, MeterMonthAsked(meter_no=meter, series=SERIES, month=month))
                    assert sum(day.shown is not None for day in shown.days) == days
                    return shown

                read(chosen[0])
                of = {"out of the lake": read, "reading.curve_month": received, "reading.meter_month": checked}
                found = {}
                for what, way in of.items():
                    for when in ("first", "again"):
                        found[what, when] = timed(way, chosen)
                        said(f"{what}, {when}", *found[what, when])
                floor = timed(bare, chosen[:10])
                said("floor: DuckDB, names given", *floor)
                ratio = statistics.median(found["out of the lake", "first"][0]) / statistics.median(floor[0])
                print(f"{ratio:.2f} x the floor; wanted {WANTED_MS:g} ms")


if __name__ == "__main__":
    given = [int(word) for word in sys.argv[1:]]
    main(*[*given, *(20_000, 30)[len(given) :]])

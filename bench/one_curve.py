"""Bench: one meter's month of quarter-hour values out of the lake, beside the bare read of the same files.

    python bench/one_curve.py [METERS] [DAYS]

A month (or DAYS) of METERS meters (default 20,000) is written as collecting writes it, then months of meters taken by chance are
read: the first of each, so that nothing of it is held yet, and again. Wanted are 20 ms. The floor: DuckDB looks for the meter in
the same files, whose names it is given.
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
from checking import SERIES, curves, numbers

from denghuo.data.analysis.lake import Lake
from denghuo.data.processing.database import Database
from denghuo.data.processing.embedded import EmbeddedServer
from denghuo.data.processing.migration import migrate
from denghuo.service.reading.batch.intake import CURVES

FIRST = date(2026, 3, 1)
READS = 40
WANTED_MS = 20.0


def timed(read: Callable[[str], Any], meters: list[str]) -> list[float]:
    """Milliseconds of each read."""
    took = []
    for meter in meters:
        begun = time.perf_counter()
        read(meter)
        took.append(1_000 * (time.perf_counter() - begun))
    return took


def said(name: str, took: list[float]) -> None:
    print(
        f"{name:30} median {statistics.median(took):7.1f} ms   95 % {sorted(took)[int(len(took) * 0.95) - 1]:7.1f} ms"
    )


def main(meters: int, days: int) -> None:
    kind, last = CURVES[SERIES], FIRST + timedelta(days=days - 1)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        with EmbeddedServer(folder / "postgres") as dsn:
            migrate(dsn, [])
            with Database(dsn) as database:
                lake = Lake(database, folder / "lake")
                for step in range(days):
                    day = FIRST + timedelta(days=step)
                    lake.append(kind, {day: curves(meters, day)}, datetime.now(UTC), "bench")
                files = lake.files(kind, FIRST, last)
                paths = [str(lake.folder / file.path) for file in files]
                size = sum(pathlib.Path(path).stat().st_size for path in paths)
                print(f"{meters:,} meters, {days} days, {size / meters / days / 96:.2f} bytes a value")
                chosen = random.Random(1).sample([str(one) for one in numbers(meters)], READS)
                engine = duckdb.connect(config={"threads": 2})

                def bare(meter: str) -> Any:
                    query = "SELECT * FROM read_parquet(?) WHERE subject = ?"
                    return engine.cursor().execute(query, [paths, meter]).fetchall()

                def read(meter: str) -> Any:
                    found = lake.curve(kind, meter, FIRST, last)
                    assert len(found) == days
                    return found

                first, again, floor = timed(read, chosen), timed(read, chosen), timed(bare, chosen)
                said("a month of a meter", first)
                said("again", again)
                said("floor: DuckDB, names given", floor)
                ratio = statistics.median(first) / statistics.median(floor)
                print(f"{ratio:.2f} x the floor; wanted {WANTED_MS:g} ms")


if __name__ == "__main__":
    given = [int(word) for word in sys.argv[1:]]
    main(*[*given, *(20_000, 30)[len(given) :]])

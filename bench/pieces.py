"""Bench: a day of quarter-hour curves that comes into the lake in pieces, beside the same day written at once.

    python bench/pieces.py [METERS] [PIECES]

METERS meters (default 100,000) come in PIECES (default 200), each of other meters taken by chance, as terminals answer. Then the
day is merged, as its check does. The floor: one append of the whole day.
"""

import pathlib
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
from checking import SERIES, curves

from denghuo.data.analysis.lake import Lake
from denghuo.data.processing.database import Database
from denghuo.data.processing.embedded import EmbeddedServer
from denghuo.data.processing.migration import migrate
from denghuo.service.reading.batch.intake import CURVES

DAY, NEXT = date(2026, 3, 1), date(2026, 3, 2)


def cpu_of(run: Callable[[], Any]) -> float:
    begun = time.process_time()
    run()
    return time.process_time() - begun


def main(meters: int, pieces: int) -> None:
    kind, whole = CURVES[SERIES], curves(meters, DAY)
    order = np.random.default_rng(1).permutation(meters)
    parts = [whole.take(np.sort(one)) for one in np.array_split(order, pieces)]
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        with EmbeddedServer(folder / "postgres") as dsn:
            migrate(dsn, [])
            with Database(dsn) as database:
                lake = Lake(database, folder / "lake")
                floor = cpu_of(lambda: lake.append(kind, {NEXT: whole}, datetime.now(UTC), "bench"))
                came = cpu_of(lambda: [lake.append(kind, {DAY: one}, datetime.now(UTC), "bench") for one in parts])
                merged = cpu_of(lambda: lake.files(kind, DAY, DAY))
                files = lake.versions(kind, DAY)
                assert lake.row_counts(kind)[DAY] == meters
    size = sum(file.row_count for file in files) / meters
    print(
        f"{meters:,} meters in {pieces} pieces: {came:.1f} s CPU, {merged:.1f} s to merge; each row written {size:.1f} times"
    )
    print(f"floor: the day at once {floor:.2f} s; ratio {(came + merged) / floor:.1f}")


if __name__ == "__main__":
    given = [int(word) for word in sys.argv[1:]]
    main(*[*given, *(100_000, 200)[len(given) :]])

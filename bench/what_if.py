"""Bench: all eligible tariffs over twelve months of one customer whose meter has a curve, among the curves of a large company.

    python bench/what_if.py [METERS]

The lake has a year of quarter-hours of so many meters (250,000 where none is named); all days have the same content, one file
linked to the name of each day, so what lies in the page cache is more than in earnest. The sums of the year are made as the job
after an issue makes them. Then the question is asked at the boundary of the service, in a warm process and in one that has not
read a file of sums yet, beside a plain read of the groups of rows in which the meter stands, and once more with the sums put aside,
from the days: the answers are compared.
"""

import hashlib
import os
import pathlib
import sys
import tempfile
import time
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))

from bench.billing_month import operator
from bench.one_account import A_SLOT, CURVED, billed_year, measured, median, months
from tests.service.billing.county import County

from denghuo.data.analysis import picked
from denghuo.data.analysis.lake_day import SLOTS, write_day
from denghuo.service.billing.api import BillingApi, Plans, SumCurves, WhatIf
from denghuo.service.reading.batch.intake import CURVES

METERS = 250_000
AS_OF = operator().now
CURVE = CURVES["active_fwd_wh"]


def fill_lake(found: County, meters: int) -> int:
    """The curves of a large company in the place of those that were taken in; gives the bytes of a day."""
    mine = [f"M{one.serial:05d}" for one in CURVED]
    names = sorted([*mine, *(f"L{number:09d}" for number in range(meters - len(mine)))])
    rng, own = np.random.default_rng(1), np.isin(names, mine)
    base = rng.gamma(2, 60, meters).astype(np.int32)
    columns: list[Any] = [pa.array(names)]
    for _ in SLOTS:
        values = base + rng.integers(0, 40, meters, dtype=np.int32)
        columns.append(pa.array(np.where(own, A_SLOT, values).astype(np.int32)))
    database = found.directory.hosted["reading"].store.database
    with database.connection() as connection:
        rows = connection.execute(
            "SELECT DISTINCT ON (day, shard) day, shard, path FROM data.lake_file WHERE class = %s"
            " ORDER BY day, shard, version DESC",
            (CURVE.name,),
        ).fetchall()
        root = next(one.parents[2] for one in found.datasets.folder.parent.rglob(pathlib.Path(rows[0][2]).name))
        file = root / "bench.parquet"
        write_day(CURVE, pa.table(columns, schema=CURVE.schema), file)
        digest, size = hashlib.sha256(file.read_bytes()).hexdigest(), file.stat().st_size
        for day, shard, _ in rows:
            path = f"{CURVE.name}/{day:%Y-%m}/{day}-{shard}-v9-bench.parquet"
            os.link(file, root / path)
            connection.execute(
                "INSERT INTO data.lake_file (class, day, shard, version, digest, row_count, byte_count, path, source, recorded_at)"
                " VALUES (%s, %s, %s, 9, %s, %s, %s, %s, 'bench', now())",
                (CURVE.name, day, shard, digest, meters, size, path),
            )
    return size


def make_sums(found: County) -> None:
    begun, cpu, steps = time.perf_counter(), time.process_time(), 0
    while found.directory(BillingApi).sum_curves(operator(), SumCurves(month=str(months()[-1]))).again:
        steps += 1
    taken, cpu = time.perf_counter() - begun, time.process_time() - cpu
    print(f"sums of {steps} months with their atoms: {taken:.0f} s, CPU {cpu:.0f} s")


def plain(files: list[pathlib.Path], meter_no: str) -> float:
    """Milliseconds to read the group of rows of each file in which a meter stands; the feet are known."""
    feet = [picked._foot_of(path, "subject") for path in files]
    begun = time.perf_counter()
    for path, foot in zip(files, feet, strict=True):
        group = next(at for at, high in enumerate(foot.highest) if high >= meter_no)
        with pq.ParquetFile(path, metadata=foot.metadata) as file:
            file.read_row_groups([group], use_threads=False)
    return (time.perf_counter() - begun) * 1000


def told(found: County, account_no: str) -> tuple[Plans, float]:
    begun = time.perf_counter()
    plans = found.billing.what_if(operator(), WhatIf(account_no=account_no))
    taken = (time.perf_counter() - begun) * 1000
    return plans.model_copy(update={"as_of": AS_OF}), taken


def main() -> None:
    meters = int(sys.argv[1]) if len(sys.argv) > 1 else METERS
    with tempfile.TemporaryDirectory() as name, billed_year(pathlib.Path(name), []) as found:
        size = fill_lake(found, meters)
        print(f"{meters} meters, {size / 1e6:.0f} MB of curves a day")
        make_sums(found)
        folder = next(found.datasets.folder.rglob("reading.month_sums"))
        newest: dict[str, pathlib.Path] = {}
        for path in sorted(folder.rglob("*.parquet"), key=lambda one: one.stat().st_mtime):
            newest[path.parent.name] = path
        sizes = sum(path.stat().st_size for path in newest.values())
        print(f"sums of {len(newest)} months: {sizes / 1e6:.0f} MB")
        accounts = [one.account_no for one in CURVED]
        picked._foot.cache_clear()
        first, taken = told(found, accounts[0])
        hours = max(one.by_curve for one in first.plans)
        print(f"the first question of a process: {taken:.0f} ms")
        measured(
            found.directory,
            f"{len(first.plans)} tariffs over {first.months_count} months, hours of {hours} by the curve",
            found.billing.what_if,
            [WhatIf(account_no=one) for one in accounts] * 12,
        )
        floor = [plain(list(newest.values()), f"M{CURVED[0].serial:05d}") for _ in range(20)]
        print(f"a plain read of the same groups of rows of {len(newest)} files: {median(floor):.1f} ms")
        folder.rename(folder.with_name("aside"))
        by_days = [told(found, one) for one in accounts[:3]]
        assert by_days[0][0] == first, "the days say otherwise than the sums"
        print(f"from the days: {median([taken for _, taken in by_days]):.0f} ms, the same answer")


if __name__ == "__main__":
    main()

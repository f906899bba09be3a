"""Bench: bytes that the lake takes for a value that was measured, not made up.

    python bench/measured_bytes.py FOLDER

FOLDER holds the measured sets of `estimation.py`. Each whole day of each meter is a row of one file, as a day of so many meters
would be; half-hours lie as two quarters. The floor: the same values as 32-bit numbers through zstd at the level of the lake.
"""

import pathlib
import sys
import tempfile

import numpy as np
import pyarrow as pa
from estimation import SETS

from denghuo.data.analysis.lake_day import SLOTS, curve_class, write_day


def main(folder: pathlib.Path) -> None:
    kind = curve_class("active_fwd_wh")
    for name, load in SETS.items():
        days = np.concatenate([meter[(meter >= 0).all(axis=1)] for meter in load(folder)])
        parts = len(SLOTS) // days.shape[1]
        values = np.stack([(days + part) // parts for part in range(parts)], axis=2).reshape(len(days), len(SLOTS))
        subjects = np.char.add("M", np.char.zfill(np.arange(len(days)).astype(str), 9))
        columns = [pa.array(subjects), *(pa.array(column.astype(np.int32)) for column in values.T)]
        with tempfile.TemporaryDirectory() as made:
            path = pathlib.Path(made) / "day.parquet"
            write_day(kind, pa.table(columns, schema=kind.schema), path)
            size = path.stat().st_size
        bare = len(pa.Codec("zstd", 1).compress(np.ascontiguousarray(values, dtype=np.int32).tobytes(), asbytes=True))
        print(f"{name}: {len(days):,} days, {size / values.size:.2f} bytes a value; floor {bare / values.size:.2f}")


if __name__ == "__main__":
    # Without the sets there is nothing to measure, and the other benches go on.
    print(__doc__) if len(sys.argv) != 2 else main(pathlib.Path(sys.argv[1]))

"""A few rows of a file that lies in the order of a text column (按键取行): of small files from memory, of large ones from the group
of rows in which they stand, found by what the foot of the file says of each group.

To read the foot of a large file costs more than the rows: it is kept for the files used last. Files never change.
"""

import functools
import os
import pathlib
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet as pq

from denghuo.data.analysis.held import HeldFiles

pc: Any = pyarrow.compute
FEET = 64
"""Files whose feet are kept."""
_HELD = HeldFiles()


@dataclass(frozen=True)
class _Foot:
    """What the foot of a file says: its metadata, and the lowest and highest key of each group of rows."""

    metadata: pq.FileMetaData
    lowest: list[str]
    highest: list[str]


@functools.lru_cache(maxsize=FEET)
def _foot(path: str, size: int, changed_ns: int, column: str) -> _Foot:
    metadata = pq.read_metadata(path)
    place = metadata.schema.to_arrow_schema().get_field_index(column)
    groups: list[Any] = [metadata.row_group(at).column(place).statistics for at in range(metadata.num_row_groups)]
    return _Foot(metadata, [one.min for one in groups], [one.max for one in groups])


def _foot_of(path: pathlib.Path, column: str) -> _Foot:
    stat = os.stat(path)
    return _foot(str(path), stat.st_size, stat.st_mtime_ns, column)


def head_of(path: pathlib.Path, column: str) -> dict[bytes, bytes]:
    """The metadata in the head of a file whose rows are in the order of a column."""
    return _foot_of(path, column).metadata.metadata or {}


def rows_of(path: pathlib.Path, column: str, values: Sequence[str]) -> pa.Table:
    """The rows of a file that have one of the values in the column by which its rows are in order.

    Raises:
        OSError, ArrowException: the file is not there, or damaged.
    """
    foot = _foot_of(path, column)
    schema = foot.metadata.schema.to_arrow_schema()
    cells = foot.metadata.num_rows * len(schema)
    held = _HELD.file(str(path), column, cells, lambda: pq.read_table(path, use_threads=False))
    if held is not None:
        return pa.Table.from_batches([pa.RecordBatch.from_struct_array(one) for one in held.of(values)], schema)
    wanted: set[int] = set()
    for value in values:
        group = bisect_left(foot.highest, value)
        # The rows of a value may go on into the next group.
        while group < len(foot.lowest) and foot.lowest[group] <= value:
            wanted.add(group)
            group += 1
    if not wanted:
        return schema.empty_table()
    with pq.ParquetFile(path, metadata=foot.metadata) as file:
        table = file.read_row_groups(sorted(wanted), use_threads=False)
    found: pa.Table = table.filter(pc.is_in(table[column], value_set=pa.array(list(values), pa.string())))
    return found

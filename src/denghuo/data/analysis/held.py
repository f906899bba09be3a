"""Small files of the lake, held in memory for those who look for a few rows of them (常驻小文件).

A month of one meter lies in as many files as days. To open them costs more than all else that a bill takes, and they are the same
files for every meter of a small company; of a large one they are too large to be held, and are read by the pages that are needed.
Files never change, so what was read of one stands as long as the file is there as it was.
"""

import os
import sys
import threading
from bisect import bisect_left, bisect_right
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

CELLS_MAX = 128 * 1024
"""Rows times columns of a file that is held; a file of registers of 25,000 meters has as many."""
ALL_CELLS_MAX = 40 * 1024 * 1024
"""Cells of all files that are held together (four bytes a cell of a curve): a year of curves of a thousand meters."""


def is_small(rows: int, schema: pa.Schema) -> bool:
    """Whether a file of so many rows is held."""
    return rows * len(schema.names) <= CELLS_MAX


@dataclass(frozen=True)
class HeldFile:
    """Rows (structs of the columns, of which a slice costs the same however many there are) in the order of a text column, and the
    texts of that column. Texts of the same meters are shared by all files."""

    rows: Any
    keys: list[str]

    @property
    def cells(self) -> int:
        return int(len(self.rows) * self.rows.type.num_fields)

    def of(self, values: Iterable[str]) -> list[Any]:
        """The rows of some values, a slice for each that is there."""
        found = []
        for value in sorted(set(values)):
            first = bisect_left(self.keys, value)
            if first < len(self.keys) and self.keys[first] == value:
                found.append(self.rows.slice(first, bisect_right(self.keys, value, first) - first))
        return found


class HeldFiles:
    """The files used last, of all lakes of this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._cells = 0
        self._held: OrderedDict[tuple[str, str, int, int], HeldFile] = OrderedDict()

    def file(self, path: str, column: str, cells: int, read: Callable[[], pa.Table]) -> HeldFile | None:
        """A file whose rows are in the order of a text column; None where it is too large to be held, or is not there."""
        if cells > CELLS_MAX:
            return None
        try:
            stat = os.stat(path)
        except OSError:
            return None
        key = (path, column, stat.st_mtime_ns, stat.st_size)
        with self._lock:
            if key in self._held:
                self._held.move_to_end(key)
                return self._held[key]
        rows = read()
        keys = [sys.intern(str(value)) for value in rows[column].to_pylist()]
        found = HeldFile(rows.to_struct_array().combine_chunks(), keys)
        with self._lock:
            if key in self._held:
                return self._held[key]
            self._held[key] = found
            self._cells += found.cells
            while self._cells > ALL_CELLS_MAX and len(self._held) > 1:
                self._cells -= self._held.popitem(last=False)[1].cells
        return found

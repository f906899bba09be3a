"""Reads a bulk file of the import (registers, curves) into columns, ready to be published as a dataset.

A Parquet file of native types is checked column by column. As soon as anything in it is not beyond doubt, and for CSV, the rows
are read one by one as everywhere else (importing.py), so that every refusal names its line, field and remedy. Both ways give
the same columns.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, time
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from denghuo.data.processing.import_columns import EARLIEST, LATEST, Instant, Kind, Number, Words, Wrong, is_text
from denghuo.data.processing.importing import Batch, Column, Refusal, Table

_INSTANT = pa.timestamp("us", tz="UTC")
_DECIMAL_DIGITS = 38


@dataclass
class Columns:
    """The accepted rows of a file: text as text, instants in UTC, numbers as integers of 10^-places.

    lines: where each row stands in its file, from 1 (a header counts).
    """

    rows: pa.Table
    lines: Any
    read_count: int
    refused: list[Refusal] = field(default_factory=list)
    refused_count: int = 0
    totals: dict[str, Decimal] = field(default_factory=dict)


ROWS_AT_ONCE = 1_000_000
"""Rows that are held as columns at a time, however long a file is."""


def read_columns(table: Table, rows_at_once: int = ROWS_AT_ONCE) -> Iterator[Columns]:
    """A file in pieces of so many rows; what is counted is that of the file so far, what is refused that of the piece.

    Raises:
        FileRefused: for what the whole file shows, at its beginning or in its middle.
    """
    # The row reader looks at header, types and the first rows first: what makes a file unusable is said in one way only.
    first = next(table.batches(), None)
    if first is not None and not first.refused and table.path.suffix.lower() == ".parquet":
        columns = _whole(table)
        if columns is not None:
            yield columns
            return
    yield from _by_rows(table, rows_at_once)


# --- column by column -------------------------------------------------------------------------------------------------


def _whole(table: Table) -> Columns | None:
    """The columns, or None where a look at single rows is needed."""
    try:
        source = pq.read_table(table.path)
        source.validate(full=True)
    except (pa.ArrowException, OSError, ValueError):
        return None
    arrays: list[Any] = []
    totals: dict[str, Decimal] = {}
    for column in table.shape.columns:
        if column.name not in source.column_names:
            arrays.append(pa.nulls(len(source), arrow_type(column.kind)))
            continue
        found = source[column.name].combine_chunks()
        if column.required and found.null_count:
            return None
        array = _column(column, found)
        if array is None:
            return None
        arrays.append(array)
        if isinstance(column.kind, Number) and column.kind.summed:
            totals[column.name] = _sum(array, column.kind)
    rows = pa.Table.from_arrays(arrays, names=[column.name for column in table.shape.columns])
    if table.shape.checks or any(_repeats(rows, key) for key in table.shape.unique):
        return None
    return Columns(rows, np.arange(1, len(rows) + 1), len(rows), totals=totals)


def arrow_type(kind: Kind) -> Any:
    if isinstance(kind, Number):
        return pa.int64()
    return _INSTANT if isinstance(kind, Instant) else pa.string()


def _column(column: Column, found: Any) -> Any:
    kind = column.kind
    if isinstance(kind, Number):
        return _numbers(kind, found)
    if isinstance(kind, Instant):
        return _instants(found)
    if isinstance(kind, Words) and is_text(found.type):
        return _words(kind, found)
    return None


def _words(kind: Words, found: Any) -> Any:
    encoded = found if pa.types.is_dictionary(found.type) else found.dictionary_encode()
    for value in encoded.dictionary.to_pylist():
        try:
            if value is None or value != value.strip() or kind.read(value) != value:
                return None
        except Wrong:
            return None
    return encoded.cast(pa.string())


def _instants(found: Any) -> Any:
    if not pa.types.is_timestamp(found.type) or found.type.tz is None:
        return None
    try:
        array = found.cast(_INSTANT)
    except pa.ArrowException:
        return None
    numbers = array.drop_null().cast(pa.int64()).to_numpy(zero_copy_only=False)
    least = int(datetime.combine(EARLIEST, time.max, UTC).timestamp()) * 1_000_000
    most = int(datetime.combine(LATEST, time.min, UTC).timestamp()) * 1_000_000
    return array if len(numbers) == 0 or (numbers.min() > least and numbers.max() < most) else None


def _numbers(kind: Number, found: Any) -> Any:
    """Integers of 10^-places. Decimals are taken from their own 128 bits, so nothing passes through a float."""
    try:
        if pa.types.is_integer(found.type):
            found = found.cast(pa.int64()).cast(pa.decimal128(19, 0))
        if not pa.types.is_decimal(found.type) or found.type.bit_width > 128 or found.type.scale > kind.places:
            return None
        found = found.cast(pa.decimal128(_DECIMAL_DIGITS, kind.places))
    except pa.ArrowException:
        return None
    halves = np.frombuffer(found.buffers()[1], dtype=np.int64)[2 * found.offset : 2 * (found.offset + len(found))]
    low, high = halves[0::2], halves[1::2]
    valid = found.is_valid().to_numpy(zero_copy_only=False)
    scale = 10**kind.places
    fits = (high == (low >> 63)) & (low >= int(kind.least * scale)) & (low <= int(kind.most * scale))
    if not bool(np.all(fits | ~valid)):
        return None
    return pa.array(np.where(valid, low, 0), mask=~valid)


def _sum(array: Any, kind: Number) -> Decimal:
    numbers = array.drop_null().to_numpy(zero_copy_only=False)
    # In two halves, so that no sum of int64 can overflow whatever the file holds.
    whole = int((numbers >> 32).sum()) * 2**32 + int((numbers & 0xFFFFFFFF).sum())
    return Decimal(whole).scaleb(-kind.places)


def _repeats(rows: pa.Table, key: tuple[str, ...]) -> bool:
    codes = []
    for name in key:
        array = rows[name].combine_chunks()
        if array.null_count:
            return True
        if pa.types.is_string(array.type):
            array = array.dictionary_encode().indices
        codes.append(array.cast(pa.int64()).to_numpy(zero_copy_only=False))
    order = np.lexsort(codes)
    same = np.ones(max(len(order) - 1, 0), dtype=bool)
    for code in codes:
        same &= code[order][1:] == code[order][:-1]
    return bool(same.any())


# --- row by row -------------------------------------------------------------------------------------------------------


def _by_rows(table: Table, rows_at_once: int) -> Iterator[Columns]:
    kinds = {column.name: column.kind for column in table.shape.columns}
    piece, told = _Piece(kinds), 0
    for batch in table.batches():
        piece.add(batch)
        if len(piece.lines) >= rows_at_once:
            yield piece.columns(table, table.refused_count - told)
            piece, told = _Piece(kinds), table.refused_count
    yield piece.columns(table, table.refused_count - told)


class _Piece:
    """Rows that were read one by one, on their way to columns."""

    def __init__(self, kinds: Mapping[str, Kind]) -> None:
        self.lines: list[int] = []
        self._kinds, self._refused = kinds, list[Refusal]()
        self._values: dict[str, list[Any]] = {name: [] for name in kinds}

    def add(self, batch: Batch) -> None:
        self._refused += batch.refused
        self.lines += batch.lines
        for name, kind in self._kinds.items():
            self._values[name] += _typed(kind, [row[name] for row in batch.rows])

    def columns(self, table: Table, refused_count: int) -> Columns:
        arrays = [pa.array(self._values[name], type=arrow_type(kind)) for name, kind in self._kinds.items()]
        rows = pa.Table.from_arrays(arrays, names=list(self._kinds))
        lines = np.array(self.lines, dtype=np.int64)
        return Columns(rows, lines, table.read_count, self._refused, refused_count, dict(table.totals))


def _typed(kind: Kind, plain: list[Any]) -> Iterator[Any]:
    if isinstance(kind, Number):
        return (None if value is None else int(Decimal(value).scaleb(kind.places)) for value in plain)
    return iter(plain)

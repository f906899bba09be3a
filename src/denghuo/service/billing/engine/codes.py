"""Columns by number (编码): few different words over many rows are looked at once each."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from denghuo.service.billing.engine.figures import Int


def coded(column: Any, number_of: Callable[[Any], int]) -> Int:
    """The number of each row's value; each different value is asked about once."""
    words = encoded(column)
    numbers = np.array([number_of(one) for one in words.dictionary.to_pylist()], dtype=np.int64)
    found: Int = numbers[words.indices.to_numpy()]
    return found


def encoded(column: Any) -> Any:
    """The column by places among its different values, in the order in which they first come; null is one of them."""
    return column.combine_chunks().dictionary_encode(null_encoding="encode")


def grouped(table: pa.Table, names: Sequence[str]) -> Iterator[tuple[dict[str, Any], Int]]:
    """The rows with the same values in these columns: the values, and the places of the rows in order."""
    if not len(table):
        return
    code = np.zeros(len(table), dtype=np.int64)
    for name in names:
        words = encoded(table[name])
        code = code * len(words.dictionary) + words.indices.to_numpy()
    groups = pa.array(code).dictionary_encode()
    number = groups.indices.to_numpy()
    if len(groups.dictionary) <= np.iinfo(np.int16).max:
        # Numbers of 16 bits are sorted without comparing them.
        number = number.astype(np.int16)
    order = np.argsort(number, kind="stable")
    ends = np.cumsum(np.bincount(number))
    for places in np.split(order, ends[:-1]):
        first = int(places[0])
        yield {name: table[name][first].as_py() for name in names}, places


def rows_of(column: Any, rows: Int) -> Any:
    """These rows of a column or a table; itself where they are all of them in their order, of which a copy would be waste."""
    if len(rows) == len(column) and bool((rows[1:] > rows[:-1]).all()):
        return column
    return column.take(pa.array(rows))

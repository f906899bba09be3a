"""A day of the lake in pieces (分片): what comes while a day runs lies in files of its own, read together, merged now and then.

A file holds whole rows, as they were known when it was written, of the keys that were given in the versions from `since` on; of a
key in several files the newest counts. A new file takes in those before it that are not much larger than itself, so a row is
written anew some ten times while a million come in pieces, and a day lies in about as many files. Small days are always one file.
"""

import pathlib
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute

from denghuo.data.analysis import held
from denghuo.data.analysis.lake_day import Changes, LakeClass, in_order, keys_of, merge
from denghuo.data.analysis.lake_file import LakeFile, dated, picked

pc: Any = pyarrow.compute
GROWTH = 2
"""A file up to so many times as large as the rows that come after it is written anew with them."""

Chain = list[LakeFile]
"""The files of a day and shard, the newest first."""


def chains(files: Iterable[LakeFile]) -> list[Chain]:
    """Files by day and shard. files: in the order of these, the newest first."""
    found = []
    for _, group in groupby(files, key=lambda file: (file.day, file.shard)):
        chain: Chain = []
        for file in group:
            if not chain or file.version < chain[-1].since:
                chain.append(file)
        found.append(chain)
    return found


def over(kind: LakeClass, newer: pa.Table, older: pa.Table) -> pa.Table:
    """The rows of both, by key; of a key that both have those of the newer."""
    rest = older.filter(pc.invert(pc.is_in(keys_of(kind, older), value_set=keys_of(kind, newer))))
    return in_order(kind, pa.concat_tables([newer, rest]))


def whole(folder: pathlib.Path, kind: LakeClass, chain: Chain) -> pa.Table:
    """All rows of a day and shard, by key."""
    found = chain[0].load(folder, kind.schema.names).cast(kind.schema)
    for file in chain[1:]:
        found = over(kind, found, file.load(folder, kind.schema.names).cast(kind.schema))
    return found


def grown(
    folder: pathlib.Path, kind: LakeClass, chain: Chain, incoming: pa.Table
) -> tuple[pa.Table | None, int, int, Changes]:
    """The file that a day gets when rows come: its rows (None where nothing changes), the files of the chain that it stands in for
    (so many of the newest), the keys that are new, and what the rows changed."""
    known = _known(folder, kind, chain, incoming)
    rows, changes = merge(kind, known, incoming)
    if rows is None:
        return None, 0, 0, changes
    fresh, taken = rows.num_rows - (known.num_rows if known is not None else 0), 0
    for file in chain:
        if file.row_count > GROWTH * rows.num_rows and not held.is_small(file.row_count, kind.schema):
            break
        rows, taken = over(kind, rows, file.load(folder, kind.schema.names).cast(kind.schema)), taken + 1
    return rows, taken, fresh, changes


def _known(folder: pathlib.Path, kind: LakeClass, chain: Chain, incoming: pa.Table) -> pa.Table | None:
    """What the day holds of the keys that come."""
    found, left = [], incoming.select(kind.key_names)
    for file in chain:
        keys = keys_of(kind, file.load(folder, kind.key_names))
        mine = pc.is_in(keys, value_set=keys_of(kind, left))
        # Most of what comes in a running day is new: then the keys are all that is read.
        if pc.any(mine).as_py():
            found.append(file.load(folder, kind.schema.names).cast(kind.schema).filter(mine))
            left = left.filter(pc.invert(pc.is_in(keys_of(kind, left), value_set=keys_of(kind, found[-1]))))
        if not left.num_rows:
            break
    return pa.concat_tables(found).combine_chunks() if found else None


def day_rows(folder: pathlib.Path, kind: LakeClass, chain: Chain, names: tuple[str, ...]) -> pa.Table:
    """Columns of a day and shard."""
    rows = chain[0].load(folder, names) if len(chain) == 1 else whole(folder, kind, chain).select(list(names))
    day = pa.repeat(pa.scalar(chain[0].day, pa.date32()), rows.num_rows)
    return rows.add_column(0, "day", day).cast(dated(kind, names))


def picked_of(
    folder: pathlib.Path,
    kind: LakeClass,
    of_days: Sequence[Chain],
    names: tuple[str, ...],
    only: tuple[str, Sequence[str]],
) -> pa.Table:
    """A few rows out of many days, by day. only: a key column and the values of it that are wanted."""
    newest = [chain[0] for chain in of_days]
    deepest = max(map(len, of_days), default=1)
    if deepest == 1:
        return picked(folder, kind, newest, names, only)
    every = tuple(kind.schema.names)
    found = picked(folder, kind, newest, every, only)
    for depth in range(1, deepest):
        older = picked(folder, kind, [chain[depth] for chain in of_days if depth < len(chain)], every, only)
        known = pc.is_in(_dated_keys(kind, older), value_set=_dated_keys(kind, found))
        found = pa.concat_tables([found, older.filter(pc.invert(known))])
    by: list[tuple[str, Literal["ascending", "descending"]]] = [
        (name, "ascending") for name in ("day", *kind.key_names)
    ]
    return found.sort_by(by).select(["day", *names])


def _dated_keys(kind: LakeClass, rows: pa.Table) -> Any:
    days = rows["day"].combine_chunks().cast(pa.string())
    return pc.binary_join_element_wise(days, keys_of(kind, rows), "\x1f")

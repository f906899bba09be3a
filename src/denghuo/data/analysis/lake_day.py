"""A day of the day lake: what a class of values holds, what new rows change of a day, and how it is written."""

import functools
import pathlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, cast

import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet as pq

from denghuo.data.analysis.subjects import subjects_said
from denghuo.kernel.period import SLOTS_A_DAY

# The published stubs of the compute functions know neither nulls nor chunked arrays well enough.
pc: Any = pyarrow.compute

SLOTS = tuple(f"p{slot:02d}" for slot in range(SLOTS_A_DAY))
ROW_GROUP = 16 * 1024


@dataclass(frozen=True)
class LakeClass:
    """A kind of values: what identifies a row, and what it holds. Null is "not known", never zero. notes: what is said of a row's
    values; kept like them and not counted."""

    name: str
    keys: tuple[tuple[str, pa.DataType], ...]
    values: tuple[tuple[str, pa.DataType], ...]
    notes: tuple[tuple[str, pa.DataType], ...] = ()

    @functools.cached_property
    def schema(self) -> pa.Schema:
        return pa.schema([*self.keys, *self.values, *self.notes])

    @property
    def key_names(self) -> list[str]:
        return [name for name, _ in self.keys]

    @property
    def value_names(self) -> list[str]:
        return [name for name, _ in self.values]


def curve_class(name: str) -> LakeClass:
    """A class of 15-minute curves, by subject."""
    return LakeClass(name, (("subject", pa.string()),), tuple((slot, pa.int32()) for slot in SLOTS))


@dataclass(frozen=True)
class Changes:
    """Counts of values: new ones, ones that were known with the same content, ones that replaced another."""

    taken: int = 0
    unchanged: int = 0
    corrected: int = 0

    def __add__(self, other: "Changes") -> "Changes":
        return Changes(self.taken + other.taken, self.unchanged + other.unchanged, self.corrected + other.corrected)


def total(counts: Mapping[date, Changes]) -> Changes:
    """The counts of all days together."""
    return sum(counts.values(), Changes())


def write_day(kind: LakeClass, table: pa.Table, path: pathlib.Path) -> None:
    """Writes a day's rows as the lake keeps them; curves with the digest of their subjects in the head of the file."""
    encoded = [name for name, kind_of in kind.values if pa.types.is_integer(kind_of)]
    with pq.ParquetWriter(
        path,
        table.schema,
        compression="zstd",
        compression_level=1,
        use_dictionary=cast(Any, [name for name in kind.schema.names if name not in encoded]),
        column_encoding=dict.fromkeys(encoded, "DELTA_BINARY_PACKED"),
        # With lowest and highest values a reader adds without looking for overflow: a quarter off a scan that sums.
        write_statistics=True,
        store_schema=False,
    ) as writer:
        writer.write_table(table, row_group_size=ROW_GROUP)
        if kind.key_names == ["subject"]:
            writer.add_key_value_metadata(subjects_said(table["subject"]))


def merge(kind: LakeClass, known: pa.Table | None, incoming: pa.Table) -> tuple[pa.Table | None, Changes]:
    """The day after the incoming rows, sorted by key (None where nothing changes), and what they changed."""
    if known is None:
        taken = sum(incoming.num_rows - incoming[name].null_count for name in kind.value_names)
        return (in_order(kind, incoming) if incoming.num_rows else None), Changes(taken=taken)
    keys, known_keys = keys_of(kind, incoming), keys_of(kind, known)
    place = pc.index_in(keys, known_keys)
    new_rows = _count(pc.is_null(place))
    changes, noted = Changes(), False
    columns: list[Any] = [incoming[name] for name in kind.key_names]
    for name in kind.schema.names[len(kind.keys) :]:
        given, before = incoming[name], known[name].take(place)
        differs = pc.fill_null(pc.not_equal(given, before), False)
        fresh = pc.and_(pc.is_valid(given), pc.is_null(before))
        corrected, taken = _count(differs), _count(fresh)
        if name in kind.value_names:
            changes += Changes(taken, incoming.num_rows - given.null_count - corrected - taken, corrected)
        else:
            noted = noted or taken + corrected > 0
        columns.append(pc.coalesce(given, before))
    if not (changes.taken or changes.corrected or new_rows or noted):
        return None, changes
    rest = known.filter(pc.invert(pc.is_in(known_keys, keys)))
    return in_order(kind, pa.concat_tables([rest, pa.table(columns, schema=kind.schema)])), changes


def in_order(kind: LakeClass, table: pa.Table) -> pa.Table:
    """The rows by key, as files hold them."""
    return table.sort_by([(name, "ascending") for name in kind.key_names]).combine_chunks()


def keys_of(kind: LakeClass, table: pa.Table) -> Any:
    """The key columns as one text, so that rows can be looked up by it."""
    # Instants as numbers: their texts would take longer than all the rest.
    parts = [
        (table[name].cast(pa.int64()) if pa.types.is_timestamp(of) else table[name]).cast(pa.string())
        for name, of in kind.keys
    ]
    joined = parts[0] if len(parts) == 1 else pc.binary_join_element_wise(*parts, "\x1f")
    return joined.combine_chunks()


def _count(mask: Any) -> int:
    return int(pc.sum(mask).as_py() or 0)

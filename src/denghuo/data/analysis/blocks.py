"""Blocks of few rows beside a file of columns (行块): a row of a wide file in one read, found by place.

To read one row out of columns costs what the heads of all columns cost, file by file. So a large file of the lake, whose rows lie
in the order of a text column, has a second one beside it with the same rows in blocks. In front of them stands a line of fixed
length for each block: the first key in it, where it lies, and sums over both. Who looks for a key halves these lines, or looks
first where the file of the day before had it, and reads one block.

The rows are those of the columns and can be made from them at any time. A file of blocks that is not there, not whole or not of
this file of columns is as none: then the columns are read.
"""

import functools
import json
import os
import pathlib
import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute

pc: Any = pyarrow.compute
SUFFIX = ".rows"
ROWS_A_BLOCK = 64
"""About so many rows share a block: with fewer they compress worse, with more each read has more to undo."""
KEY_BYTES_MAX = 128
_AT_ONCE = 16 * 1024
_MAGIC = b"DHROWS1\n"
_HEAD = struct.Struct("<8sIII32s")
"""Magic, number of blocks, bytes of a key, sum of what the columns are, and the digest of their file."""
_LINE = struct.Struct("<QIIIII")
"""Behind a key: where the block lies, its bytes, those when unpacked, its rows, its sum, and the sum of the line."""
_ZSTD = pa.Codec("zstd", 1)

Codes = npt.NDArray[Any]


@dataclass(frozen=True)
class _Run:
    """Columns of one type that stand side by side: they are packed together."""

    kind: pa.DataType
    width: int

    @functools.cached_property
    def of_text(self) -> bool:
        return bool(pa.types.is_string(self.kind))

    @functools.cached_property
    def packed(self) -> Any:
        """The numbers that values are packed as; texts as places in the block's list of words."""
        return np.dtype(np.int32) if self.of_text else np.dtype(f"i{self.kind.bit_width // 8}")


def _runs(schema: pa.Schema) -> list[_Run]:
    kinds: list[Any] = [one.type for one in schema]
    begins = [place for place in range(len(kinds)) if place == 0 or kinds[place] != kinds[place - 1]]
    return [_Run(kinds[begin], end - begin) for begin, end in pairwise([*begins, len(kinds)])]


def _schema_sum(schema: pa.Schema) -> int:
    return zlib.crc32(json.dumps([[one.name, str(one.type)] for one in schema]).encode())


# -- writing -----------------------------------------------------------------------------------------------------------------


def write_blocks(table: pa.Table, digest: str, path: pathlib.Path) -> bool:
    """Writes the rows of a table, which lie in the order of its first column, a text, beside the file that has this digest.

    False, and no file: there are no rows, or keys that cannot be told by fixed lengths.
    """
    keys = _fixed(table.column(0))
    if keys is None:
        return False
    # All rows of a key lie in one block.
    starts = np.flatnonzero(np.concatenate(([True], keys[1:] != keys[:-1])))
    _, firsts = np.unique(starts // ROWS_A_BLOCK, return_index=True)
    borders: list[int] = [*starts[firsts].tolist(), len(keys)]
    width, blocks = keys.dtype.itemsize, len(borders) - 1
    head = _HEAD.pack(_MAGIC, blocks, width, _schema_sum(table.schema), bytes.fromhex(digest))
    lines = []
    with path.open("wb") as file:
        place = file.seek(len(head) + blocks * (width + _LINE.size))
        for begin, packed, unpacked, rows in _packed(table, borders):
            file.write(packed)
            line = (place, len(packed), unpacked, rows, zlib.crc32(packed))
            lines.append(_with_sum(keys[begin].ljust(width, b"\0"), line))
            place += len(packed)
        file.seek(0)
        file.write(head + b"".join(lines))
    return True


def _fixed(column: Any) -> Codes | None:
    """Keys at one length, filled up with zeros, in which order and equality are as those of the texts."""
    if not len(column) or column.null_count or pc.any(pc.match_substring(column, "\0")).as_py():
        return None
    longest = int(pc.max(pc.binary_length(column)).as_py())
    if not 0 < longest <= KEY_BYTES_MAX:
        return None
    keys: Codes = np.array(column.cast(pa.binary()).to_numpy(), dtype=f"S{longest}")
    return keys


def _with_sum(key: bytes, line: tuple[int, int, int, int, int]) -> bytes:
    bare = key + _LINE.pack(*line, 0)[:-4]
    return bare + struct.pack("<I", zlib.crc32(bare))


def _packed(table: pa.Table, borders: Sequence[int]) -> Iterator[tuple[int, bytes, int, int]]:
    """First row, bytes, bytes when unpacked, and rows of each block."""
    place = 0
    while place < len(borders) - 1:
        upto = place + 1
        while upto < len(borders) - 1 and borders[upto + 1] - borders[place] <= _AT_ONCE:
            upto += 1
        base = borders[place]
        part = table.slice(base, borders[upto] - base)
        runs = list(_values(part))
        for begin, end in pairwise(borders[place : upto + 1]):
            raw = _block([(kind, codes[:, begin - base : end - base], lacks[:, begin - base : end - base], words)
                          for kind, codes, lacks, words in runs])  # fmt: skip
            yield begin, _ZSTD.compress(raw, asbytes=True), len(raw), end - begin
        place = upto


def _values(part: pa.Table) -> Iterator[tuple[_Run, Codes, Codes, list[str]]]:
    """Each run of some rows: its numbers and what is null (columns x rows), and the words that numbers of texts stand for."""
    first = 0
    for run in _runs(part.schema):
        columns: list[Any] = [_one(part.column(first + place)) for place in range(run.width)]
        words: list[str] = []
        if run.of_text:
            coded: Any = pa.concat_arrays(columns).dictionary_encode()
            words = coded.dictionary.to_pylist() or [""]
            flat = coded.indices
        else:
            flat = pa.concat_arrays(columns)
            flat = flat.cast(pa.int64()) if pa.types.is_timestamp(run.kind) else flat
        shape = (run.width, len(part))
        lacks = flat.is_null().to_numpy(zero_copy_only=False).reshape(shape)
        codes = (flat.fill_null(0) if flat.null_count else flat).to_numpy().reshape(shape)
        yield run, codes.astype(run.packed, copy=False), lacks, words
        first += run.width


def _one(column: Any) -> Any:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _block(runs: Sequence[tuple[_Run, Codes, Codes, list[str]]]) -> bytes:
    """For each run: its words, then what is null as bits, then numbers byte by byte (all lowest bytes first): so they pack best."""
    parts: list[bytes] = []
    for run, codes, lacks, words in runs:
        if run.of_text:
            used, places = np.unique(codes, return_inverse=True)
            said = json.dumps([words[one] for one in used.tolist()]).encode()
            parts += [struct.pack("<I", len(said)), said]
            codes = places.reshape(codes.shape).astype(run.packed)
        parts.append(np.packbits(lacks).tobytes())
        size = run.packed.itemsize
        parts.append(np.ascontiguousarray(codes).view(np.uint8).reshape(-1, size).T.tobytes())
    return b"".join(parts)


# -- reading -----------------------------------------------------------------------------------------------------------------


@dataclass
class Looked:
    """Rows found so far, of files with the same columns: `add` takes one file after the other."""

    schema: pa.Schema
    keys: Sequence[str]
    """What is looked for, in order."""
    _found: list[list[tuple[Codes, Codes, list[str]]]] = field(default_factory=list)
    _places: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # Once for all files: to look through a hundred columns takes longer than to read a block.
        self._runs, self._sum = _runs(self.schema), _schema_sum(self.schema)

    def add(self, path: pathlib.Path, digest: str) -> int | None:
        """Takes the rows that the file of columns with this digest has, from the blocks at `path`, and counts them; None: there
        are no blocks to be relied on, and nothing was taken."""
        try:
            with path.open("rb", buffering=0) as file:
                found = list(self._of(_Blocks(file, self._runs, self._sum, digest)))
        except (OSError, _NotWhole):
            return None
        self._found += found
        return sum(int(one[0][0].shape[1]) for one in found)

    def _of(self, blocks: "_Blocks") -> Iterator[list[tuple[Codes, Codes, list[str]]]]:
        held, runs = -1, list[tuple[Codes, Codes, list[str]]]()
        for key in self.keys:
            place = blocks.place(key.encode(), self._places.get(key, 0))
            if place is None:
                continue
            self._places[key] = place
            if place != held:
                held, runs = place, blocks.runs(place)
            numbers, _, words = runs[0]
            if key in words:
                rows = np.flatnonzero(numbers[0] == words.index(key))
                yield [(codes[:, rows], lacks[:, rows], of_run) for codes, lacks, of_run in runs]

    def table(self) -> pa.Table:
        """All rows, by file and key."""
        if not self._found:
            return self.schema.empty_table()
        columns: list[Any] = []
        for place, run in enumerate(self._runs):
            lacks = np.concatenate([one[place][1] for one in self._found], axis=1)
            if run.of_text:
                # The words of blocks differ, so texts are looked up block by block.
                flat = [np.array(one[place][2], dtype=object)[one[place][0]] for one in self._found]
                columns += _columns(np.concatenate(flat, axis=1), lacks, run.kind)
            else:
                columns += _columns(np.concatenate([one[place][0] for one in self._found], axis=1), lacks, run.kind)
        return pa.Table.from_arrays(columns, schema=self.schema)


def _columns(values: Codes, lacks: Codes, kind: pa.DataType) -> list[Any]:
    """Columns out of columns x rows; all at once, for each step costs more than a month of values."""
    of_numbers = pa.int64() if pa.types.is_timestamp(kind) else kind
    flat: Any = pa.array(values.reshape(-1), of_numbers, mask=lacks.reshape(-1)).cast(kind)
    width, rows = values.shape
    return [flat.slice(place * rows, rows) for place in range(width)]


class _NotWhole(Exception):
    """What stands in the file is not what was written, or of another file of columns."""


class _Blocks:
    def __init__(self, file: BinaryIO, runs: Sequence[_Run], of_columns: int, digest: str) -> None:
        self._handle, self._runs = file.fileno(), runs
        head = os.pread(self._handle, _HEAD.size, 0)
        if len(head) < _HEAD.size:
            raise _NotWhole
        magic, self._count, self._width, columns, of_file = _HEAD.unpack(head)
        if (magic, columns, of_file) != (_MAGIC, of_columns, bytes.fromhex(digest)):
            raise _NotWhole

    def place(self, key: bytes, guess: int) -> int | None:
        """The block in which the rows of a key lie, if there are any. guess: where they may be."""
        if len(key) > self._width:
            return None
        low, high = 0, self._count
        # The first key is not above the one that is looked for below `low`, and above it from `high` on.
        for place in (guess, guess + 1):
            if low <= place < high:
                low, high = (place + 1, high) if self._first(place) <= key else (low, place)
        while low < high:
            middle = (low + high) // 2
            low, high = (middle + 1, high) if self._first(middle) <= key else (low, middle)
        return low - 1 if low else None

    def _first(self, place: int) -> bytes:
        return self._line(place)[: self._width].rstrip(b"\0")

    def _line(self, place: int) -> bytes:
        size = self._width + _LINE.size
        line = os.pread(self._handle, size, _HEAD.size + place * size)
        if len(line) < size or zlib.crc32(line[:-4]) != int.from_bytes(line[-4:], "little"):
            raise _NotWhole
        return line

    def runs(self, place: int) -> list[tuple[Codes, Codes, list[str]]]:
        """The runs of a block: numbers and what is null (columns x rows), and words."""
        at, size, unpacked, rows, whole, _ = _LINE.unpack(self._line(place)[self._width :])
        packed = os.pread(self._handle, size, at)
        if zlib.crc32(packed) != whole:
            raise _NotWhole
        raw: bytes = _ZSTD.decompress(packed, unpacked, asbytes=True)
        found, position = [], 0
        for run in self._runs:
            words: list[str] = []
            if run.of_text:
                length = int.from_bytes(raw[position : position + 4], "little")
                words = json.loads(raw[position + 4 : position + 4 + length])
                position += 4 + length
            cells, width = rows * run.width, run.packed.itemsize
            bits = np.frombuffer(raw, np.uint8, -(-cells // 8), position)
            lacks = np.unpackbits(bits, count=cells).view(np.bool_).reshape(run.width, rows)
            position += len(bits)
            planes = np.frombuffer(raw, np.uint8, cells * width, position).reshape(width, cells)
            codes = np.ascontiguousarray(planes.T).view(run.packed).reshape(run.width, rows)
            position += cells * width
            found.append((codes, lacks, words))
        return found

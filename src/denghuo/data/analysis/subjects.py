"""Whose rows a file has, told in its head: files of the same subjects in the same order say so by the same digest.

Who adds up a month reads the names once instead of for every day; they are most of what there is to read of a day's sums.
"""

import functools
import hashlib
import pathlib
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet as pq

pc: Any = pyarrow.compute
SUBJECTS = "subjects"
"""The key in the metadata of a Parquet file."""


def subjects_said(column: Any) -> dict[str, str]:
    """What the head of a file says of its column of subjects."""
    names: Any = column.combine_chunks()
    joined = pc.binary_join(pa.ListArray.from_arrays(pa.array([0, len(names)], pa.int32()), names), "\n")
    return {SUBJECTS: hashlib.blake2b(joined[0].as_buffer(), digest_size=16).hexdigest()}


def told_of(table: pa.Table, digest: bytes | None) -> pa.Table:
    """The table with the digest of a file that has the same subjects in the same order; as it is where that has none."""
    return table if digest is None else table.replace_schema_metadata({SUBJECTS: digest})


def subjects_of(path: pathlib.Path) -> tuple[Any, bytes | None]:
    """The subjects of a file in its order (a chunked array of text), and the digest in its head, None where that has none.

    What was read last is kept by its digest: the files of a shard name the same subjects day after day.
    """
    with pq.ParquetFile(path) as file:
        digest = said_in(file.metadata.metadata)
        return _names_in(file) if digest is None else _known(_Named(digest, file)), digest


@dataclass(frozen=True)
class _Named:
    """A file by the digest of its subjects: any other file with the same one would do as well."""

    digest: bytes
    file: pq.ParquetFile = field(compare=False)


@functools.lru_cache(maxsize=4)
def _known(named: _Named) -> Any:
    return _names_in(named.file)


def _names_in(file: pq.ParquetFile) -> Any:
    return file.read(columns=["subject"], use_threads=False)["subject"]


def said_in(metadata: dict[bytes, bytes] | None) -> bytes | None:
    """The digest among the metadata of a file."""
    return (metadata or {}).get(SUBJECTS.encode())

"""Whose rows a file has, told in its head: files of the same subjects in the same order say so by the same digest.

Who adds up a month reads the names once instead of for every day; they are most of what there is to read of a day's sums.
"""

import hashlib
import pathlib
from typing import Any

import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet as pq

pc: Any = pyarrow.compute
SUBJECT = "subject"
SUBJECTS = "subjects"
"""The key in the metadata of a Parquet file."""


def subjects_said(column: Any) -> dict[str, str]:
    """What the head of a file says of its column of subjects."""
    names: Any = column.combine_chunks()
    joined = pc.binary_join(pa.ListArray.from_arrays(pa.array([0, len(names)], pa.int32()), names), "\n")
    return {SUBJECTS: hashlib.blake2b(joined[0].as_buffer(), digest_size=16).hexdigest()}


def names_of(path: pathlib.Path) -> Any:
    """The subjects of a file in its order (a chunked array of text)."""
    with pq.ParquetFile(path) as file:
        return file.read(columns=[SUBJECT], use_threads=False)[SUBJECT]


def said_of(path: pathlib.Path) -> bytes | None:
    """The digest in the head of a file; None where that has none."""
    return said_in(pq.read_metadata(path).metadata)


def said_in(metadata: dict[bytes, bytes] | None) -> bytes | None:
    """The digest among the metadata of a file."""
    return (metadata or {}).get(SUBJECTS.encode())

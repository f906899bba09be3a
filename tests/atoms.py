"""Atoms of a file of curves, as the platform writes them."""

import pathlib
from collections.abc import Sequence
from datetime import date

import pyarrow as pa
import pyarrow.parquet as pq

from denghuo.service.reading.batch.atoms import write_atoms


def atoms_file(folder: pathlib.Path, curves: pathlib.Path, cut: Sequence[int], said: bytes | None = None) -> str:
    return str(folder / write_atoms(folder, curves, cut, date(2026, 4, 1), curves.stem, said).path)


def atoms_of(curves: pathlib.Path, cut: Sequence[int], highest: bool = False) -> pa.Table:
    folder = curves.parent
    made = write_atoms(folder, curves, cut, date(2026, 4, 1), "test", None, highest)
    return pq.read_table(folder / made.path, partitioning=None)

"""Marks of senders (对方标记), column by column: beside a curve stands which of its values its sender says he did not measure,
and which were divided out of a longer interval as they came in.

A slot without a mark is null; one whose value came without a mark after it had one holds the empty text, because in the lake a null
leaves what is known.
"""

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute

from denghuo.data.analysis.lake_day import SLOTS, LakeClass
from denghuo.service.reading.api import ENERGY_SERIES, SPREAD
from denghuo.service.reading.batch.plan import Flags, Ints

pc: Any = pyarrow.compute
MARKS = {
    series: LakeClass(f"{series}_mark", (("subject", pa.string()),), tuple((slot, pa.string()) for slot in SLOTS))
    for series in ENERGY_SERIES
}
"""The marks of the meter-days that have, or had, any."""


def wide_marks(subject: Ints, slots: Ints, marks: Any, labels: Sequence[str]) -> pa.Table:
    """One row a subject, as their values are laid out: the mark of each value given, empty where it has none."""
    encoded: Any = pc.fill_null(marks, "").dictionary_encode()
    present, row = np.unique(subject, return_inverse=True)
    grid = np.full((len(present), len(SLOTS)), -1, dtype=np.int64)
    grid[row, slots] = encoded.indices.to_numpy()
    columns = [encoded.dictionary.take(pa.array(column, mask=column < 0)) for column in grid.T]
    return pa.table([pa.array([labels[one] for one in present.tolist()]), *columns], names=["subject", *SLOTS])


def unmarked(values: pa.Table) -> pa.Table:
    """The marks of values that came without any."""
    none: Any = pa.scalar("")
    columns = [pc.if_else(pc.is_valid(values[slot]), none, pa.scalar(None, pa.string())) for slot in SLOTS]
    return pa.table([values["subject"], *columns], names=["subject", *SLOTS])


def to_keep(marks: pa.Table, known: Collection[str]) -> pa.Table:
    """The rows with a mark, and those of subjects that have had one on the day."""
    kept: Any = pc.is_in(marks["subject"], value_set=pa.array(sorted(known), pa.string()))
    for slot in SLOTS:
        kept = pc.or_(kept, pc.fill_null(pc.not_equal(marks[slot], ""), False))
    return marks.filter(kept)


class Marked(NamedTuple):
    """Subjects by slots: where the sender marked a value, and where one was spread from a longer interval as it came in."""

    sender: Flags
    spread: Flags


def marked(subjects: Sequence[str], marks: pa.Table) -> Marked:
    found = Marked(*np.zeros((2, len(subjects), len(SLOTS)), dtype=np.bool_))
    rows: Any = pc.index_in(marks["subject"], value_set=pa.array(subjects, pa.string()))
    kept = pc.is_valid(rows)
    wanted, places = marks.filter(kept), rows.filter(kept).to_numpy()
    for number, slot in enumerate(SLOTS):
        there = pc.fill_null(pc.not_equal(wanted[slot], ""), False).to_numpy()
        divided = pc.fill_null(pc.starts_with(wanted[slot], SPREAD), False).to_numpy()
        found.sender[places, number], found.spread[places, number] = there & ~divided, divided
    return found

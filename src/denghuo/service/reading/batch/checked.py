"""A day's curves checked, column by column (曲线校验): what the lake holds of them, and what is put beside it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute

from denghuo.data.analysis.lake_day import SLOTS, LakeClass
from denghuo.service.reading.api import ENERGY_SERIES
from denghuo.service.reading.batch.plan import Ints
from denghuo.service.reading.rules import modulus_e4
from denghuo.service.reading.rules.curves import HELD, REMARKED, STANDS_IN, VERDICTS

pc: Any = pyarrow.compute
VERDICT_SLOTS = tuple(slot.replace("p", "c") for slot in SLOTS)
CHECKED = {
    series: LakeClass(
        f"{series}_checked",
        (("subject", pa.string()),),
        (*((slot, pa.int32()) for slot in SLOTS), *((slot, pa.int8()) for slot in VERDICT_SLOTS)),
    )
    for series in ENERGY_SERIES
}
"""What stands in for values, and the number of each slot's verdict, of the meter-days that are not simply valid: a day that was
checked and has no row here was received whole and passed. A value under a verdict that needs none is what stood in before
the real one came: the verdict says which counts."""


@dataclass(frozen=True)
class CurveException:
    """A meter-day with estimated or held slots, or with a remark."""

    subject: str
    status: str
    rule: str
    method: str
    slots_estimated: int
    slots_held: int
    estimated_wh: int


def matrix(subjects: Sequence[str], curves: pa.Table) -> Ints:
    """The 96 values of each subject in this order; -1 is not received."""
    found = np.full((len(subjects), len(SLOTS)), -1, dtype=np.int64)
    if not curves.num_rows:
        return found
    rows: Any = pc.index_in(curves["subject"], value_set=pa.array(subjects, pa.string()))
    kept = pc.is_valid(rows)
    wanted = curves.filter(kept)
    # All columns at once: of the few rows of a small company each step costs more than the values.
    columns: Any = pa.chunked_array([chunk for slot in SLOTS for chunk in wanted[slot].chunks], pa.int32())
    found[rows.filter(kept).to_numpy()] = pc.fill_null(columns, -1).to_numpy().reshape(len(SLOTS), len(wanted)).T
    return found


def differences(
    subjects: Sequence[str],
    pieces: Mapping[str, Mapping[str, Any]],
    begin: Mapping[str, int],
    end: Mapping[str, int],
    share_e4: int,
) -> Ints:
    """What the registers of each subject say that passed between two midnights, in Wh; -1 where that is not known.

    pieces: of the meters that hung all day. share_e4: how near the turn of a register a fall counts as a rollover.
    """
    known = np.array([one in pieces and one in begin and one in end for one in subjects], dtype=np.bool_)
    found = np.full(len(subjects), -1, dtype=np.int64)
    there = [one for one, is_known in zip(subjects, known.tolist(), strict=True) if is_known]
    first = np.array([begin[one] for one in there], dtype=np.int64)
    last = np.array([end[one] for one in there], dtype=np.int64)
    modulus = np.array([modulus_e4(pieces[one]["integer_digits"]) for one in there], dtype=np.int64)
    multiplier = np.array([pieces[one]["multiplier"] for one in there], dtype=np.int64)
    reach = modulus // 10_000 * share_e4
    rolled = (last < first) & (first >= modulus - reach) & (last + modulus - first <= reach)
    advance = last - first + np.where(rolled, modulus, 0)
    # An advance that no curve of 32 bits can hold says nothing about one.
    sane = (advance >= 0) & (advance < 2**60 // np.maximum(multiplier, 1))
    energy = (np.where(sane, advance, 0) * multiplier + 5) // 10
    found[known] = np.where(sane & (energy < 2**38), energy, -1)
    return found


def checked_table(series: str, subjects: Sequence[str], estimate: Ints, verdict: Ints) -> pa.Table:
    """Rows of the lake's class beside the raw one."""
    values = estimate.T.reshape(-1)
    estimates: Any = pa.array(np.maximum(values, 0).astype(np.int32), mask=values < 0)
    verdicts: Any = pa.array(verdict.T.reshape(-1), pa.int8())
    rows = len(subjects)
    columns: list[Any] = [pa.array(subjects, pa.string())]
    for flat in (estimates, verdicts):
        columns += [flat.slice(place * rows, rows) for place in range(len(SLOTS))]
    return pa.Table.from_arrays(columns, schema=CHECKED[series].schema)


def exceptions(subjects: Sequence[str], estimate: Ints, verdict: Ints) -> list[CurveException]:
    """The meter-days to look at: of each the verdict that weighs most, held before estimated before remarks."""
    stands, held, said = np.isin(verdict, STANDS_IN), np.isin(verdict, HELD), np.isin(verdict, REMARKED)
    guessed, waiting = stands.sum(axis=1), held.sum(axis=1)
    energy = np.where(stands, estimate, 0).sum(axis=1)
    most = [np.where(flags, verdict, 0).max(axis=1) for flags in (held, stands, said)]
    heaviest = np.where(waiting > 0, most[0], np.where(guessed > 0, most[1], most[2]))
    return [
        CurveException(
            subjects[row], *VERDICTS[int(heaviest[row])], int(guessed[row]), int(waiting[row]), int(energy[row])
        )
        for row in np.flatnonzero(heaviest).tolist()
    ]

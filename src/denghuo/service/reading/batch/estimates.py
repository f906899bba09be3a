"""What stands in for values of curves as bills take it (估计值计费), slot by slot and by the cells of a cut."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from denghuo.data.analysis.lake_day import SLOTS
from denghuo.data.processing.dataset import arrow_schema
from denghuo.service.reading.api import cell_name, day_estimates, over_name
from denghuo.service.reading.batch.checked import VERDICT_SLOTS, matrix
from denghuo.service.reading.batch.plan import Flags, Ints
from denghuo.service.reading.rules.curves import EDITED, STANDS_IN, TOLD, VERDICTS


class StandsIn(NamedTuple):
    """Meters by slots: the energy that stands in (0 where nothing does), where that is, what was received there, else -1, and the
    number of the verdict."""

    subjects: list[str]
    energy: Ints
    filled: Flags
    received: Ints
    verdict: Ints


def stands_in(checked: pa.Table, curves: pa.Table) -> StandsIn:
    """checked, curves: rows of the checked class and of the curves of one day."""
    subjects = [str(name) for name in checked["subject"].to_pylist()]
    energy, received = matrix(subjects, checked), matrix(subjects, curves)
    columns: list[Any] = [checked[slot].combine_chunks().fill_null(0).to_numpy() for slot in VERDICT_SLOTS]
    verdict: Any = np.stack(columns, axis=1) if subjects else np.zeros((0, len(SLOTS)), dtype=np.int8)
    edited, told = np.isin(verdict, EDITED), np.isin(verdict, TOLD) & (received >= 0)
    filled = np.isin(verdict, STANDS_IN) & (energy >= 0) & (edited | told | (received < 0))
    # What a sender estimated, or was spread, counts as it came.
    energy = np.where(told, received, energy)
    rows = np.flatnonzero(filled.any(axis=1))
    kept = filled[rows]
    names = [subjects[row] for row in rows.tolist()]
    given, before = np.where(kept, energy[rows], 0), np.where(kept, received[rows], -1)
    return StandsIn(names, given, kept, before, verdict[rows])


def by_method(found: StandsIn, row: int) -> dict[str, tuple[int, int]]:
    """Slots and energy of a meter by the method that stands in there."""
    filled, told = found.filled[row], dict[str, tuple[int, int]]()
    for number in np.unique(found.verdict[row][filled]).tolist():
        mine = filled & (found.verdict[row] == number)
        slots, energy = told.get(VERDICTS[number].method, (0, 0))
        told[VERDICTS[number].method] = slots + int(mine.sum()), energy + int(found.energy[row][mine].sum())
    return told


def by_cells(found: StandsIn, cut: Sequence[int]) -> pa.Table:
    """Rows of `reading.day_estimates`."""
    starts = list(cut)
    given = np.add.reduceat(found.energy, starts, axis=1)
    before = np.add.reduceat(np.maximum(found.received, 0), starts, axis=1)
    columns: dict[str, Any] = {"subject": pa.array(found.subjects, pa.string())}
    columns |= {cell_name(start): pa.array(given[:, place]) for place, start in enumerate(starts)}
    columns |= {over_name(start): pa.array(before[:, place]) for place, start in enumerate(starts)}
    columns |= {"filled": _marks(found.filled), "over": _marks(found.received >= 0)}
    return pa.table(columns, schema=arrow_schema(day_estimates(cut)))


def _marks(flags: Flags) -> Any:
    return pa.array(["".join(map(str, row)) for row in flags.astype(int).tolist()], pa.string())

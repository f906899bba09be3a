"""Sums of months of curves (月曲线汇总): kept when a month is closed, and read by whoever asks what a few meters used over a year.

A year of a meter lies in 365 files of all meters, of which to read the feet alone takes seconds where a company is large. Its sums
lie in twelve. They say of which files they were made: where a file was corrected since, they hold for the meters whose rows in it
are the same, and the days of the others are added up from the curves until the sums are made anew.
"""

import json
import pathlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa

from denghuo.data.analysis.cells import DayCut, Int, MonthCells, month_cells
from denghuo.data.analysis.lake import Lake
from denghuo.data.analysis.lake_day import LakeClass
from denghuo.data.analysis.lake_file import LakeFile
from denghuo.data.analysis.picked import head_of, rows_of
from denghuo.data.processing.dataset import Datasets, write_file
from denghuo.data.processing.parts import Workers
from denghuo.kernel.contract import DatasetRef
from denghuo.kernel.period import SLOTS_A_DAY, Month
from denghuo.kernel.values import Energy
from denghuo.service.reading.api import (
    MONTH_SUMS,
    MeterSum,
    MeterSums,
    PublishAtoms,
    PublishSums,
    SumsFound,
    SumsPublished,
    cell_name,
    month_sums,
)
from denghuo.service.reading.batch.atoms import atoms_in
from denghuo.service.reading.batch.intake import CURVES
from denghuo.service.reading.service.atoms import atoms_of_files

ROW_GROUP = 8 * 1024
"""Rows of a group: few enough to be read for one meter, many enough that the foot of a file of a million stays small."""
CHANGED_MAX = 10
"""Days of a month corrected since of which a meter's rows are compared; where there are more, its days are added up."""
HEAD = b"sums"
SUBJECT = "subject"


@dataclass(frozen=True)
class Head:
    """What the head of a file of sums says: its cells, which days are of each kind, and the digests of the curves by day."""

    starts: tuple[int, ...]
    kinds: tuple[frozenset[date], ...]
    files: Mapping[date, str]

    def said(self) -> str:
        kinds = [sorted(map(str, days)) for days in self.kinds]
        files = {str(day): digest for day, digest in sorted(self.files.items())}
        return json.dumps({"starts": self.starts, "kinds": kinds, "files": files}, separators=(",", ":"))

    @classmethod
    def of(cls, said: bytes) -> "Head":
        told = json.loads(said)
        return cls(
            tuple(told["starts"]),
            tuple(frozenset(map(date.fromisoformat, days)) for days in told["kinds"]),
            {date.fromisoformat(day): digest for day, digest in told["files"].items()},
        )


# --- made ----------------------------------------------------------------------------------------------------------------------


def publish_sums(
    lake: Lake, datasets: Datasets, workers: Workers | None, request: PublishSums, now: datetime
) -> SumsPublished:
    """The sums of each shard of the month's curves; only those are made whose curves, cells or kinds are others than before.

    Raises:
        Unavailable: a file of the lake is missing or damaged.
    """
    month = Month.of(request.month)
    known = {ref.shard: ref for ref in datasets.newest(MONTH_SUMS, request.month)}
    paths = datasets.files(MONTH_SUMS, [request.month])
    rows: list[DatasetRef] = []
    made = 0
    for shard, files in _by_shard(lake.files(CURVES[request.series], month.first_day, _last(month))).items():
        name = f"{request.series}-{shard}"
        head = Head(
            tuple(request.starts),
            tuple(map(frozenset, request.kinds)),
            {day: file.digest for day, file in files.items()},
        )
        path = paths.get((request.month, name))
        if path is not None and path.exists() and head_of(path, SUBJECT).get(HEAD) == head.said().encode():
            rows.append(known[name])
            continue
        asked = PublishAtoms(month=request.month, series=request.series, starts=request.starts)
        atoms = atoms_of_files(lake, datasets, workers, list(files.values()), asked, now)
        of_day = dict(zip(files, (str(datasets.path(ref)) for ref in atoms.rows), strict=True))
        named = {ref.shard: datasets.path(ref) for ref in atoms.meters}
        table = _summed(head, of_day, named).replace_schema_metadata({HEAD: head.said()})
        schema = month_sums(request.starts)
        rows.append(datasets.enter(write_file(datasets.folder, schema, request.month, name, table, ROW_GROUP), now))
        made += 1
    return SumsPublished(rows=rows, made=made)


def _summed(head: Head, atoms: Mapping[date, str], named: Mapping[str, pathlib.Path]) -> pa.Table:
    """Sums of a shard. atoms: the file of each day."""
    parts = []
    for number, days in enumerate(head.kinds):
        own = {day: [atoms[day]] for day in sorted(days) if day in atoms}
        cut = DayCut(head.starts, dict.fromkeys(own, 0))
        if own:
            parts.append(_rows(number, cut, month_cells(own, cut, named)))
    return pa.concat_tables(parts).sort_by([(SUBJECT, "ascending"), ("kind", "ascending")])


def _rows(number: int, cut: DayCut, cells: MonthCells) -> pa.Table:
    count, gappy = len(cells.subjects), cells.gap_days > 0
    received: list[str | None] = [None] * count
    for row in np.flatnonzero(gappy):
        received[row] = " ".join(map(str, cells.received[row].tolist()))
    columns: dict[str, Any] = {SUBJECT: cells.subjects, "kind": pa.repeat(pa.scalar(number, pa.int32()), count)}
    columns |= {cell_name(start): pa.array(cells.energy[:, at]) for at, start in enumerate(cut.cut)}
    columns |= {
        "days": pa.array((cells.received[:, 0] // cut.lengths[0]).astype(np.int32), mask=gappy),
        "received": pa.array(received, pa.string()),
        "gap_days": pa.array(cells.gap_days.astype(np.int32)),
        "highest": pa.array(cells.highest, mask=cells.highest < 0),
    }
    return pa.table(columns)


# --- read ----------------------------------------------------------------------------------------------------------------------


@dataclass
class _Sum:
    """A meter's days of a kind, added up."""

    energy: Int
    received: Int
    gap_days: int = 0
    highest: int | None = None

    def add(self, energy: Int, received: Int, gap_days: int, highest: int | None) -> None:
        self.energy += energy
        self.received += received
        self.gap_days += gap_days
        if highest is not None:
            self.highest = highest if self.highest is None else max(self.highest, highest)


@dataclass
class _Sums:
    """What was found: by meter and kind, in the cells that are asked for."""

    starts: Sequence[int]
    found: dict[tuple[str, int], _Sum] = field(default_factory=dict)

    def of(self, subject: str, kind: int) -> _Sum:
        energy, received = np.zeros((2, len(self.starts)), dtype=np.int64)
        return self.found.setdefault((subject, kind), _Sum(energy, received))


def meter_sums(lake: Lake, datasets: Datasets, request: MeterSums, now: datetime) -> SumsFound:
    """Raises:
    Unavailable: a file of the lake is missing or damaged.
    """
    kind_of = {day: kind for kind, days in enumerate(request.kinds) for day in days}
    months = sorted({Month.holding(day) for day in kind_of})
    curves = CURVES[request.series]
    by_month: dict[Month, list[LakeFile]] = {month: [] for month in months}
    for file in lake.files(curves, months[0].first_day, _last(months[-1])):
        by_month.get(Month.holding(file.day), []).append(file)
    kept = datasets.files(MONTH_SUMS, list(map(str, months)))
    sums, added = _Sums(request.starts), []
    for month, files in by_month.items():
        shards = _by_shard(files)
        rows = [
            _fitting(lake, curves, kept.get((str(month), f"{request.series}-{shard}")), own, kind_of, request)
            for shard, own in shards.items()
        ]
        if None in rows:
            added.append(month)
        for one in rows if month not in added else ():
            _take_kept(sums, one or _NOTHING)
    days = [file for month in added for file in by_month[month] if file.day in kind_of]
    if days:
        _take_days(sums, lake.rows_of(curves, days, request.meter_nos), kind_of)
    return SumsFound(
        rows=[
            MeterSum(
                subject=subject,
                kind=kind,
                cells=[Energy(wh) for wh in one.energy.tolist()],
                received=one.received.tolist(),
                gap_days=one.gap_days,
                highest=None if one.highest is None else Energy(one.highest),
            )
            for (subject, kind), one in sorted(sums.found.items())
        ],
        added=list(map(str, added)),
        as_of=now,
    )


@dataclass(frozen=True)
class _Kept:
    """Rows of a file of sums; to which kind that is asked for each of its kinds belongs, if to any."""

    head: Head
    rows: Sequence[Mapping[str, Any]]
    kinds: Sequence[int | None]


_NOTHING = _Kept(Head((), (), {}), (), ())


def _fitting(
    lake: Lake,
    curves: LakeClass,
    path: Any,
    files: Mapping[date, LakeFile],
    kind_of: Mapping[date, int],
    request: MeterSums,
) -> _Kept | None:
    """The meters' rows of sums; None where there are none, or not by such cells and kinds, or some of its days are others now."""
    try:
        said = None if path is None else head_of(path, SUBJECT).get(HEAD)
        if said is None:
            return None
        head = Head.of(said)
        kinds = [{kind_of.get(day) for day in days} for days in head.kinds]
        if not set(request.starts) <= set(head.starts) or any(len(kind) != 1 for kind in kinds):
            return None
        if not _same(lake, curves, head, files, kind_of, request.meter_nos):
            return None
        rows = rows_of(path, SUBJECT, request.meter_nos).to_pylist()
    except (OSError, pa.ArrowException):
        # Sums that were lost can be made again; the days are there.
        return None
    return _Kept(head, rows, [next(iter(kind)) for kind in kinds])


def _same(
    lake: Lake,
    curves: LakeClass,
    head: Head,
    files: Mapping[date, LakeFile],
    wanted: Iterable[date],
    meter_nos: Sequence[str],
) -> bool:
    """Whether the meters' curves are those of which the sums were made."""
    there = {day: file.digest for day, file in files.items()}
    changed = [day for day in wanted if there.get(day) != head.files.get(day)]
    if len(changed) > CHANGED_MAX:
        return False
    for day in changed:
        now = files.get(day)
        before = next(
            (
                one
                for one in (lake.versions(curves, day, now.shard) if now is not None else ())
                if one.digest == head.files.get(day)
            ),
            None,
        )
        if now is None or (before is None and day in head.files):
            return False
        rows = [lake.rows_of(curves, [one], meter_nos) for one in (before, now) if one is not None]
        if (len(rows) == 1 and len(rows[0])) or (len(rows) == 2 and not rows[0].equals(rows[1])):
            return False
    return True


def _take_kept(sums: _Sums, kept: _Kept) -> None:
    places = [kept.head.starts.index(start) for start in sums.starts] if kept.rows else []
    lengths = np.diff([*kept.head.starts, SLOTS_A_DAY])
    for row in kept.rows:
        kind = kept.kinds[row["kind"]]
        if kind is None:
            continue
        energy = np.array([row[cell_name(start)] for start in kept.head.starts], dtype=np.int64)
        received = (
            lengths * row["days"] if row["received"] is None else np.array(row["received"].split(), dtype=np.int64)
        )
        sums.of(row[SUBJECT], kind).add(
            np.add.reduceat(energy, places), np.add.reduceat(received, places), row["gap_days"], row["highest"]
        )


def _take_days(sums: _Sums, curves: pa.Table, kind_of: Mapping[date, int]) -> None:
    """Adds up days of curves."""
    names, lengths = [cell_name(start) for start in sums.starts], np.diff([*sums.starts, SLOTS_A_DAY])
    atoms = atoms_in(curves, sums.starts)
    energy = np.stack([atoms[name].to_numpy() for name in names], axis=1)
    days: Iterator[Any] = iter(curves["day"].to_pylist())
    rest = zip(days, *(atoms[name].to_pylist() for name in (SUBJECT, "gaps", "highest")), strict=True)
    for at, (day, subject, gaps, highest) in enumerate(rest):
        marks = None if gaps is None else np.frombuffer(gaps.encode(), dtype=np.uint8) == ord("1")
        received = lengths if marks is None else lengths - np.add.reduceat(marks.astype(np.int64), list(sums.starts))
        sums.of(subject, kind_of[day]).add(energy[at], received, int(gaps is not None), highest)


def _by_shard(files: Sequence[LakeFile]) -> dict[str, dict[date, LakeFile]]:
    found: dict[str, dict[date, LakeFile]] = {}
    for file in files:
        found.setdefault(file.shard, {})[file.day] = file
    return found


def _last(month: Month) -> date:
    return month.next.first_day - timedelta(days=1)

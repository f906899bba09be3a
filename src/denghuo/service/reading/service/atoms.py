"""The atoms of a month's curves (日电量原子), made where they are not there yet and published day by day."""

import pathlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import duckdb
import pyarrow as pa

from denghuo.data.analysis.lake import Lake
from denghuo.data.analysis.lake_file import LakeFile, lake_damaged
from denghuo.data.analysis.subjects import said_of
from denghuo.data.processing.dataset import DatasetFile, Datasets, write_file
from denghuo.data.processing.parts import Workers, in_parts
from denghuo.kernel.period import Month
from denghuo.kernel.values import Energy
from denghuo.service.reading.api import (
    ATOM_METERS,
    AtomDay,
    AtomsPublished,
    MeterAtoms,
    PublishAtoms,
    cell_name,
    day_atoms,
)
from denghuo.service.reading.batch.atoms import (
    SMALL_ROWS,
    atoms_in,
    atoms_key,
    atoms_of_small,
    write_atoms,
    write_meters,
)
from denghuo.service.reading.batch.intake import CURVES


def publish_atoms(
    lake: Lake, datasets: Datasets, workers: Workers | None, request: PublishAtoms, now: datetime
) -> AtomsPublished:
    """The atoms of each file of the month. A file's digest and the cut are part of their name, so what is found by it is right.

    workers: make those that are not there yet, each a file; the bytes are the same as without them.

    Raises:
        Unavailable: a file of the lake is missing or damaged.
    """
    month = Month.of(request.month)
    files = lake.files(CURVES[request.series], month.first_day, month.next.first_day - timedelta(days=1))
    return atoms_of_files(lake, datasets, workers, files, request, now)


def atoms_of_files(
    lake: Lake,
    datasets: Datasets,
    workers: Workers | None,
    files: Sequence[LakeFile],
    request: PublishAtoms,
    now: datetime,
) -> AtomsPublished:
    """As `publish_atoms`, of these files and in their order."""
    schema = day_atoms(request.starts)
    known = {
        day: {ref.shard: ref for ref in datasets.newest(schema.name, str(day))} for day in {file.day for file in files}
    }
    shards = [f"{request.series}-{one.shard}-{atoms_key(one.digest, request.starts, request.highest)}" for one in files]
    found = [known[file.day].get(shard) for file, shard in zip(files, shards, strict=True)]
    lists = {ref.shard: ref for ref in datasets.newest(ATOM_METERS.name, request.month)}
    jobs = [
        _Job(
            lake.folder,
            file,
            datasets.folder,
            shard,
            tuple(request.starts),
            request.highest,
            2 if workers is None else 1,
        )
        for file, shard, ref in zip(files, shards, found, strict=True)
        if ref is None
    ]
    made = [_make(job) for job in jobs] if workers is None else in_parts(_make, jobs, workers)
    # Before the atoms: those that are found have theirs.
    for job, one in zip(jobs, made, strict=True):
        if one.said is not None and one.said.decode() not in lists:
            meters = write_meters(datasets.folder, Month.of(request.month), one.said, job.curves)
            lists[meters.ref.shard] = datasets.enter(meters, now)
    files_made = (one.file for one in made)
    rows = [datasets.enter(next(files_made), now) if ref is None else ref for ref in found]
    return AtomsPublished(rows=rows, meters=list(lists.values()), made=len(jobs))


def meter_atoms(lake: Lake, request: MeterAtoms) -> list[AtomDay]:
    """The atoms of a few meters from the curves themselves: to add up a handful of days costs less than to find them in files."""
    first, last = Month.of(request.month), Month.of(request.through or request.month)
    curves = lake.scan(
        CURVES[request.series],
        first.first_day,
        last.next.first_day - timedelta(days=1),
        only=("subject", request.meter_nos),
        as_of=request.known_at,
    ).sort_by([("day", "ascending"), ("subject", "ascending")])
    days: list[Any] = curves["day"].to_pylist()
    rows = zip(days, atoms_in(curves, request.starts).to_pylist(), strict=True)
    names = [cell_name(start) for start in request.starts]
    return [
        AtomDay(
            subject=row["subject"],
            day=day,
            cells=[Energy(row[name]) for name in names],
            missing=(row["gaps"] or "").count("1"),
            gaps=row["gaps"],
            highest=None if row["highest"] is None else Energy(row["highest"]),
        )
        for day, row in rows
    ]


@dataclass(frozen=True)
class _Job:
    """A file of curves whose atoms are to be made, and all that a process needs to know for it."""

    lake: pathlib.Path
    file: LakeFile
    datasets: pathlib.Path
    shard: str
    starts: tuple[int, ...]
    highest: bool
    threads: int

    @property
    def curves(self) -> pathlib.Path:
        return self.lake / self.file.path


@dataclass(frozen=True)
class _Made:
    """said: the digest of its meters where it does not name them."""

    file: DatasetFile
    said: bytes | None


def _make(job: _Job) -> _Made:
    day, threads = job.file.day, job.threads
    try:
        if job.file.row_count <= SMALL_ROWS:
            atoms = atoms_of_small(job.curves, job.starts, job.highest)
            return _Made(write_file(job.datasets, day_atoms(job.starts), str(day), job.shard, atoms), None)
        said = said_of(job.curves)
        made = write_atoms(job.datasets, job.curves, job.starts, day, job.shard, said, job.highest, threads)
        return _Made(made, said)
    except (duckdb.Error, pa.ArrowException, OSError) as error:
        raise lake_damaged(job.file) from error

"""The atoms of a month's curves (日电量原子), made where they are not there yet and published day by day."""

from datetime import date, datetime, timedelta
from typing import Any

import duckdb

from denghuo.data.analysis.lake import Lake, LakeFile, lake_damaged
from denghuo.data.processing.dataset import Datasets
from denghuo.kernel.contract import DatasetRef, DatasetSchema
from denghuo.kernel.period import Month
from denghuo.kernel.values import Energy
from denghuo.service.reading.api import AtomDay, AtomsPublished, MeterAtoms, PublishAtoms, cell_name, day_atoms
from denghuo.service.reading.batch.atoms import atoms_in, atoms_key, atoms_of
from denghuo.service.reading.batch.intake import CURVES


def publish_atoms(lake: Lake, datasets: Datasets, request: PublishAtoms, now: datetime) -> AtomsPublished:
    """The atoms of each file of the month. A file's digest and the cut are part of their name, so what is found by it is right.

    Raises:
        Unavailable: a file of the lake is missing or damaged.
    """
    month, schema = Month.of(request.month), day_atoms(request.starts)
    files = lake.files(CURVES[request.series], month.first_day, month.next.first_day - timedelta(days=1))
    known: dict[date, dict[str, DatasetRef]] = {}
    rows: list[DatasetRef] = []
    made = 0
    for file in files:
        if file.day not in known:
            known[file.day] = {ref.shard: ref for ref in datasets.newest(schema.name, str(file.day))}
        shard = f"{request.series}-{file.shard}-{atoms_key(file.digest, request.starts, request.highest)}"
        found = known[file.day].get(shard)
        if found is None:
            found = _make(lake, datasets, file, shard, schema, request, now)
            made += 1
        rows.append(found)
    return AtomsPublished(rows=rows, made=made)


def meter_atoms(lake: Lake, request: MeterAtoms) -> list[AtomDay]:
    """The atoms of a few meters from the curves themselves: to add up a handful of days costs less than to find them in files."""
    month = Month.of(request.month)
    curves = lake.scan(
        CURVES[request.series],
        month.first_day,
        month.next.first_day - timedelta(days=1),
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
            missing=row["missing"],
            gaps=row["gaps"],
            highest=None if row["highest"] is None else Energy(row["highest"]),
        )
        for day, row in rows
    ]


def _make(
    lake: Lake,
    datasets: Datasets,
    file: LakeFile,
    shard: str,
    schema: DatasetSchema,
    request: PublishAtoms,
    now: datetime,
) -> DatasetRef:
    try:
        atoms = atoms_of(lake.folder / file.path, request.starts, request.highest)
    except duckdb.Error as error:
        raise lake_damaged(file) from error
    return datasets.publish(schema, str(file.day), shard, atoms, now)

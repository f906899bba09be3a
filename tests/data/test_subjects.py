"""Files of the same subjects in the same order say so in their heads; no others do."""

import pathlib
from datetime import date

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.atoms import atoms_file

from denghuo.data.analysis.cells import DayCut, month_cells
from denghuo.data.analysis.lake_day import SLOTS, curve_class, write_day
from denghuo.data.analysis.subjects import names_of, said_of, subjects_said
from denghuo.data.processing.dataset import write_rows
from denghuo.kernel.period import Month
from denghuo.service.reading.batch.atoms import atoms_of_small, write_meters

CURVES = curve_class("test")
DAYS = [date(2026, 4, 1), date(2026, 4, 2), date(2026, 4, 3)]
PLAN = DayCut((0,), dict.fromkeys(DAYS, 0))
NAMES = st.lists(st.text("MN0123456789", min_size=1, max_size=6), max_size=8)


def day_of(names: list[str], value: int) -> pa.Table:
    columns = [pa.array(names, pa.string()), *[pa.array([value] * len(names), pa.int32()) for _ in SLOTS]]
    return pa.table(columns, schema=CURVES.schema)


@given(one=NAMES, other=NAMES)
def test_the_digest_tells_subjects_and_their_order(one: list[str], other: list[str]) -> None:
    said = [subjects_said(pa.chunked_array([names], pa.string())) for names in (one, other)]
    assert (said[0] == said[1]) == (one == other)
    halves = pa.chunked_array([one[:3], one[3:]], pa.string())
    assert subjects_said(halves) == said[0]


@pytest.mark.parametrize("told", [True, False])
@pytest.mark.parametrize(
    "days",
    [
        [["M1", "M2"], ["M1", "M2"], ["M1", "M2"]],
        [["M1"], ["M1", "M2"], ["M1", "M2"]],
        [["M1", "M2"], ["M2"], ["M1", "M2"]],
        [[], ["M1", "M2"], ["M2", "M3"]],
        [["M2", "M1"], ["M1", "M2"], ["M2", "M1"]],
    ],
)
def test_a_month_is_the_same_whether_or_not_heads_tell_the_subjects(
    tmp_path: pathlib.Path, days: list[list[str]], told: bool
) -> None:
    paths, named = {}, {}
    others = tmp_path / "c0.parquet"
    write_day(CURVES, day_of(["A"], 1), others)
    for number, (day, names) in enumerate(zip(DAYS, days, strict=True), 1):
        curves = tmp_path / f"c{number}.parquet"
        write_day(CURVES, day_of(names, number), curves)
        digest = said_of(curves)
        assert digest is not None and names_of(curves).to_pylist() == names
        if told:
            file = write_meters(tmp_path, Month(2026, 4), digest, curves)
            named[file.ref.shard] = tmp_path / file.path
        atoms = atoms_file(tmp_path, curves, PLAN.cut, digest if told else None)
        assert said_of(pathlib.Path(atoms)) == (digest if told else None)
        # A shard of others beside it, of which nothing is told.
        write_rows(atoms_of_small(others, PLAN.cut), tmp_path / "others.parquet")
        paths[day] = [str(tmp_path / "others.parquet"), atoms]
    found = month_cells(paths, PLAN, named)
    expected = {"A": 96 * len(days)}
    for number, names in enumerate(days, 1):
        for name in names:
            expected[name] = expected.get(name, 0) + 96 * number
    assert dict(zip(found.subjects.to_pylist(), found.energy[:, 0].tolist(), strict=True)) == expected

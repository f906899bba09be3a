"""Atoms of curves against a plain reference: any curve, any cut, any gaps."""

import os
import pathlib
import threading
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from denghuo.data.analysis.lake_day import curve_class
from denghuo.kernel.problem import Unavailable
from denghuo.service.reading.batch.atoms import atoms_key, atoms_of_small, cell_name, cells_of
from tests.atoms import atoms_of

Day = list[int | None]
KIND = curve_class("test")
VALUES = st.one_of(st.integers(0, 5_000), st.sampled_from([0, 2**31 - 1, -(2**31)]))
DAYS = st.lists(st.one_of(VALUES, VALUES, VALUES, st.none()), min_size=96, max_size=96)
WHOLE = st.lists(VALUES, min_size=96, max_size=96)
CUTS = st.sets(st.integers(1, 95), max_size=12).map(lambda starts: (0, *sorted(starts)))


def file_of(folder: pathlib.Path, days: Sequence[Day]) -> pathlib.Path:
    """A file as the lake writes it: a row for each day, by subject."""
    columns = [pa.array([day[slot] for day in days], pa.int32()) for slot in range(96)]
    subjects = pa.array([f"M{place:03d}" for place in range(len(days))])
    path = folder / "curves.parquet"
    pq.write_table(pa.table([subjects, *columns], schema=KIND.schema), path)
    return path


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.one_of(DAYS, WHOLE), min_size=1, max_size=6), CUTS, st.booleans())
def test_atoms_are_the_sums_of_what_was_received(
    tmp_path: pathlib.Path, days: list[Day], cut: tuple[int, ...], highest: bool
) -> None:
    path = file_of(tmp_path, days)
    atoms = atoms_of(path, cut, highest)
    assert atoms_of_small(path, cut, highest).to_pylist() == atoms.to_pylist()
    rows = atoms.to_pylist()
    assert [row["subject"] for row in rows] == [f"M{place:03d}" for place in range(len(days))]
    for row, day in zip(rows, days, strict=True):
        there = [value for value in day if value is not None]
        for start, end in zip(cut, [*cut[1:], 96], strict=True):
            assert row[cell_name(start)] == sum(value or 0 for value in day[start:end])
        assert sum(row[cell_name(start)] for start in cut) == sum(there)
        assert row["gaps"] == (None if len(there) == 96 else "".join("1" if one is None else "0" for one in day))
        if highest or row["gaps"]:
            assert row["highest"] == (max(there) if there else None)
        else:
            assert row["highest"] is None


def test_sums_past_32_bits_are_added_all_the_same(tmp_path: pathlib.Path) -> None:
    largest = 2**31 - 1
    days: list[Day] = [[largest] * 96, [-largest] * 96, [1] * 96]
    path = file_of(tmp_path, days)
    rows = atoms_of(path, (0, 95)).to_pylist()
    assert atoms_of_small(path, (0, 95)).to_pylist() == rows
    assert [row["e00"] for row in rows] == [95 * largest, -95 * largest, 95]


def test_file_without_rows_has_no_atoms(tmp_path: pathlib.Path) -> None:
    path = file_of(tmp_path, [])
    assert atoms_of(path, (0, 32)).num_rows == 0
    assert atoms_of_small(path, (0, 32)).num_rows == 0


@pytest.mark.parametrize("cut", [(), (1,), (0, 5, 5), (0, 9, 4), (0, 96)])
def test_cut_covers_the_day_once(cut: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="unable to cut"):
        cells_of(cut)


def test_key_tells_file_cut_and_what_was_asked_for_apart() -> None:
    keys = {
        atoms_key(digest, cut, highest) for digest in ("a", "b") for cut in ((0,), (0, 4)) for highest in (True, False)
    }
    assert len(keys) == 8
    assert atoms_key("a", (0,), True) == atoms_key("a", [0], True)


def test_a_full_disk_is_said_and_leaves_nothing(tmp_path: pathlib.Path) -> None:
    curves = file_of(tmp_path, [[1] * 96] * 3)
    own = tmp_path / "reading.day_atoms" / "2026-04-01"
    own.mkdir(parents=True)
    (own / f".test-{os.getpid()}-{threading.get_ident()}.partial").symlink_to("/dev/full")
    with pytest.raises(Unavailable, match="disk is full"):
        atoms_of(curves, (0,))
    assert not list(own.iterdir())

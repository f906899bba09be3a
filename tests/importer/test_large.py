"""Large files are read piece by piece: what is held does not grow with the file, and a fault at its end is told with its line."""

import pathlib
import tracemalloc
from datetime import UTC, datetime, timedelta

import pytest

from denghuo.data.processing.import_bulk import read_columns
from denghuo.data.processing.import_tables.reads import METER_15MIN
from denghuo.data.processing.importing import open_table
from denghuo.importer.foreign import mapping_in, take_readings
from denghuo.kernel.contract import Call

BEGINS = datetime(2026, 1, 1)  # noqa: DTZ001  # as written
CALL = Call.system(datetime(2026, 5, 1, tzinfo=UTC))


def table(path: pathlib.Path, head: str, zone: str, rows: int) -> pathlib.Path:
    """A table of quarter-hours whose last line cannot be read."""
    with path.open("w", encoding="utf-8") as stream:
        stream.write(head)
        stream.writelines(
            f"M1,{(BEGINS + timedelta(minutes=15 * row)).isoformat()}{zone},0.25\n" for row in range(rows)
        )
        stream.write("M1,yesterday,1\n")
    return path


def test_a_bulk_file_comes_in_pieces_and_its_last_line_is_named(tmp_path: pathlib.Path) -> None:
    path = table(tmp_path / "meter_15min.csv", "meter_no,at,fwd_kwh\n", "+08:00", 5_500)
    pieces = list(read_columns(open_table(path, METER_15MIN), rows_at_once=2_000))
    assert [len(piece.rows) for piece in pieces] == [2_000, 2_000, 1_500]
    assert [piece.read_count for piece in pieces] == [2_000, 4_000, 5_501]
    assert [(refusal.line, refusal.field) for piece in pieces for refusal in piece.refused] == [(5_502, "at")]
    assert [piece.refused_count for piece in pieces] == [0, 0, 1]
    assert pieces[-1].lines[-1] == 5_501
    assert [str(total) for total in pieces[-1].totals.values()][:1] == ["1375.00"]
    (whole,) = read_columns(open_table(path, METER_15MIN))
    assert (len(whole.rows), whole.refused_count, whole.totals) == (5_500, 1, pieces[-1].totals)


def test_what_is_held_of_a_table_does_not_grow_with_it(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("denghuo.importer.foreign.take.ROWS_EACH", 500)
    mapping = mapping_in("table: {meter: 表号, at: 时间, values: 电量}")
    rows = 60_000
    path = table(tmp_path / "long.csv", "表号,时间,电量\n", "", rows)
    tracemalloc.start()
    taken = take_readings(path, "table", mapping, call=CALL)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (taken.handed, taken.refused, taken.refusals[0].line) == (rows, 1, rows + 2)
    assert taken.sums["M1", ""] == rows // 4
    # An instant and a value alone take more for each row. Double the rows need no more: a block of the text is what is held.
    assert peak < rows * 100

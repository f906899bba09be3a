"""Large files are read piece by piece: what is held does not grow with the file, and a fault at its end is told with its line."""

import json
import pathlib
import tracemalloc
from datetime import datetime, timedelta

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.service.reading.foreign.given import FIFTEEN_KWH

from denghuo.data.processing.import_bulk import read_columns
from denghuo.data.processing.import_tables.reads import METER_15MIN
from denghuo.data.processing.importing import Refusal, open_table
from denghuo.service.reading.api import ImportFormat
from denghuo.service.reading.foreign import FileRead, Mapping, ReadingsRefused, Taken, mapping_in

BEGINS = datetime(2026, 1, 1)  # noqa: DTZ001  # as written


def read_through(path: pathlib.Path, kind: ImportFormat, mapping: Mapping) -> tuple[Taken, list[Refusal]]:
    read, refusals = FileRead(path, kind, mapping, spread=False), list[Refusal]()
    while True:
        piece = read.read_on(60)
        if piece is not None:
            refusals += piece.refusals
            if piece.ended:
                return read.taken, refusals


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
    monkeypatch.setattr("denghuo.service.reading.foreign.file_read.ROWS_EACH", 500)
    mapping = mapping_in("table: {meter: 表号, at: 时间, values: 电量}")
    rows = 60_000
    path = table(tmp_path / "long.csv", "表号,时间,电量\n", "", rows)
    # What is loaded at the first use is not held of a file.
    read_through(table(tmp_path / "short.csv", "表号,时间,电量\n", "", 1_000), "table", mapping)
    tracemalloc.start()
    taken, refusals = read_through(path, "table", mapping)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (taken.handed, taken.refused, refusals[0].line) == (rows, 1, rows + 2)
    assert taken.sums["M1", ""] == rows // 4
    # An instant and a value alone take more for each row. Double the rows need no more: a block of the text is what is held.
    assert peak < rows * 100


def test_what_is_held_of_a_message_in_json_does_not_grow_with_it(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("denghuo.service.reading.foreign.file_read.ROWS_EACH", 500)
    day = [{"timeStamp": (BEGINS + timedelta(minutes=15 * slot)).isoformat(), "value": 0.25} for slot in range(1, 97)]
    reading = {
        "Meter": {"mRID": "M1"},
        "IntervalBlocks": {"ReadingType": {"ref": FIFTEEN_KWH}, "IntervalReadings": day},
    }
    said, count = json.dumps(reading), 300
    path = tmp_path / "long.json"
    with path.open("w", encoding="utf-8") as stream:
        stream.write('{"Payload": {"MeterReadings": {"MeterReading": [')
        stream.write(",".join([said] * count) + "]}}}")
    tracemalloc.start()
    taken, _ = read_through(path, "cim-json", Mapping())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (taken.handed, taken.refused, taken.sums["M1", FIFTEEN_KWH]) == (96 * count, 0, 24 * count)
    assert peak < path.stat().st_size
    # A fault at its end is told with its place, and nothing was taken.
    path.write_text(path.read_text("utf-8").replace("]}}}", ', {"Meter": {}}]}}}'), "utf-8")
    with pytest.raises(ReadingsRefused) as refused:
        read_through(path, "cim-json", Mapping())
    assert (refused.value.fields["line"], refused.value.fields["field"]) == (count + 1, "Meter")


def test_what_is_held_of_a_table_of_columns_does_not_grow_with_it(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One row group, as small as its equal values let it be: neither the file nor the group is held."""
    monkeypatch.setattr("denghuo.service.reading.foreign.file_read.ROWS_EACH", 500)
    rows = 60_000
    at = [BEGINS + timedelta(minutes=15 * row) for row in range(rows)]
    table = pa.table({"meter": ["M1"] * rows, "at": pa.array(at, pa.timestamp("us")), "kwh": ["0.25"] * rows})
    path = tmp_path / "long.parquet"
    pq.write_table(table, path, row_group_size=rows)
    size = table.nbytes
    del table, at
    before, pool = pa.default_memory_pool(), pa.proxy_memory_pool(pa.default_memory_pool())
    pa.set_memory_pool(pool)
    tracemalloc.start()
    try:
        taken, _ = read_through(path, "table", mapping_in("table: {meter: meter, at: at, values: kwh}"))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
        pa.set_memory_pool(before)
    assert (taken.handed, taken.refused, taken.sums["M1", ""]) == (rows, 0, rows // 4)
    assert peak < rows * 100 and pool.max_memory() < size

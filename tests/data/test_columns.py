"""Columns to COPY text and back: what PostgreSQL reads is what Arrow held."""

import pathlib
from datetime import UTC, date, datetime

import pyarrow as pa

from denghuo.data.processing.columns import copy_text
from denghuo.data.processing.database import Database
from denghuo.data.processing.dataset import Datasets
from denghuo.kernel.contract import Call
from denghuo.service.host.binding import Store

AT = datetime(2026, 4, 1, 1, 2, 3, 456, tzinfo=UTC)
TABLE = pa.table(
    {
        "words": pa.array(["a\tb", "c\\N", "行\n二", "", None, '"', "\r"]),
        "number": pa.array([1, None, -3, 2**62, 0, 5, 6], pa.int64()),
        "day": pa.array([date(2026, 4, 1), None, *[date(1999, 1, 1)] * 5], pa.date32()),
        "flag": pa.array([True, None, False, True, True, True, True]),
        "at": pa.array([AT, None, *[AT] * 5], pa.timestamp("us", "UTC")),
    }
)


def test_columns_come_back_from_a_table_with_row_security(database_dsn: str, tmp_path: pathlib.Path) -> None:
    with Database(database_dsn) as database:
        store = Store(database, Datasets(database, tmp_path), b"\0" * 32)
        with store.work("billing", Call.system(AT)) as work:
            work.run(
                "CREATE TEMPORARY TABLE odd (place int GENERATED ALWAYS AS IDENTITY, words text, number bigint, day date,"
                " flag boolean, at timestamptz)"
            )
            assert work.copy_columns("odd", TABLE) == 7
            query = "SELECT words, number, day, flag, at::text FROM odd WHERE place > %s ORDER BY place"
            schema = pa.schema([*[TABLE.schema.field(at) for at in range(4)], pa.field("at", pa.string())])
            found = work.table(query, (1,), schema)
            assert found.drop_columns("at") == TABLE.slice(1).drop_columns("at").combine_chunks()
            assert found["at"].to_pylist()[:2] == [None, "2026-04-01 01:02:03.000456+00"]
            assert work.value("SELECT at = %s FROM odd WHERE place = 1", (AT,)) is True
            assert work.table(query, (7,), schema).num_rows == 0


def test_a_slice_and_nothing_at_all_are_written_as_they_are() -> None:
    assert (
        b"".join(copy_text(TABLE.slice(3, 1)))
        == b"\t4611686018427387904\t1999-01-01\ttrue\t2026-04-01 01:02:03.000456Z\n"
    )
    assert b"".join(copy_text(TABLE.slice(0, 0))) == b""
    words = pa.table({"n": pa.array([1, 2]), "w": pa.array(["x\\", None]).dictionary_encode()})
    assert b"".join(copy_text(words)) == b"1\tx\\\\\n2\t\\N\n"

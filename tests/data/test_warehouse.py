"""The warehouse follows the business store: order, kills between apply and advance, restarts, equality with a fresh read."""

import contextlib
import pathlib
import random
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime

import duckdb
import psycopg
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.packaged import packaged_binaries, packaged_server

from denghuo.data.analysis import held, pgoutput
from denghuo.data.analysis.lake import Lake
from denghuo.data.analysis.lake_day import curve_class
from denghuo.data.analysis.slot import Slot
from denghuo.data.analysis.sources import DATASETS, LAKE_FILES, External, LakeView, Source
from denghuo.data.analysis.warehouse import Warehouse, abandon
from denghuo.data.processing.database import Database
from denghuo.data.processing.dataset import Datasets
from denghuo.kernel.contract import DatasetSchema
from denghuo.kernel.problem import Unavailable

SOURCES = (
    Source("shop", "item", ("name", "amount_fen", "sold", "on_day", "seen_at")),
    Source("shop", "absent", ("x",)),
)
ITEM = """
CREATE SCHEMA shop;
CREATE TABLE shop.item (org text, no int, name text, secret text, amount_fen bigint, sold boolean, on_day date,
    seen_at timestamptz, PRIMARY KEY (org, no));
ALTER TABLE shop.item ALTER COLUMN name SET STORAGE EXTERNAL;
ALTER TABLE shop.item ENABLE ROW LEVEL SECURITY;
"""
ROW = "INSERT INTO shop.item VALUES (%s, %s, %s, 'a secret', %s, %s, '2026-04-01', '2026-04-01 00:00:00+08')"
COLUMNS = "org, no, name, amount_fen, sold, on_day, seen_at"


@pytest.fixture
def store(database_dsn: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database_dsn, autocommit=True) as connection:
        if not Slot(connection, ()).is_logical:
            pytest.skip("the server under test has no wal_level=logical or its role no REPLICATION")
        connection.execute(ITEM)
        yield connection
    abandon(database_dsn)


@pytest.fixture
def warehouse(store: psycopg.Connection, database_dsn: str, tmp_path: pathlib.Path) -> Iterator[Warehouse]:
    made = Warehouse(database_dsn, tmp_path / "warehouse.duckdb", tmp_path, SOURCES)
    made.open()
    yield made
    made.close()


def items(warehouse: Warehouse) -> list[tuple[object, ...]]:
    return [tuple(row.values()) for row in warehouse.rows(f"SELECT {COLUMNS} FROM shop.item ORDER BY org, no")]


def afresh(store: psycopg.Connection) -> list[tuple[object, ...]]:
    store.execute("SET timezone TO 'UTC'")
    rows = store.execute(f'SELECT {COLUMNS} FROM shop.item ORDER BY org COLLATE "C", no').fetchall()
    return [
        tuple(value.replace(tzinfo=None) if isinstance(value, datetime) else value for value in row) for row in rows
    ]


def test_what_stood_before_and_what_comes_after_arrives(store: psycopg.Connection, warehouse: Warehouse) -> None:
    store.execute(ROW, ("a", 1, "before", 100, True))
    assert warehouse.pull() is True
    store.execute(ROW, ("a", 2, None, -5, None))
    with store.transaction():
        store.execute("UPDATE shop.item SET amount_fen = amount_fen + 1 WHERE no = 1")
        store.execute("UPDATE shop.item SET amount_fen = amount_fen * 2 WHERE no = 1")
    assert warehouse.pull() is True
    assert items(warehouse) == afresh(store)
    assert items(warehouse)[0][3] == 202
    assert warehouse.pull() is False
    assert warehouse.status().transactions == 2


def test_changes_of_keys_deletes_and_what_is_not_sent(store: psycopg.Connection, warehouse: Warehouse) -> None:
    """A long text that an update leaves alone is not sent, even where the same update moves the row to another key."""
    long = "很长" * 4_000
    store.execute(ROW, ("a", 1, long, 1, True))
    warehouse.pull()
    store.execute("UPDATE shop.item SET amount_fen = 2 WHERE no = 1")
    warehouse.pull()
    assert items(warehouse) == afresh(store)
    with store.transaction():
        store.execute(ROW, ("a", 2, "two", 2, False))
        store.execute("UPDATE shop.item SET no = 10 + no")
        store.execute("UPDATE shop.item SET sold = false WHERE no = 11")
        store.execute("DELETE FROM shop.item WHERE no = 12")
        store.execute(ROW, ("a", 12, "again", 3, True))
    warehouse.pull()
    assert items(warehouse) == afresh(store)
    assert items(warehouse)[0][2] == long
    store.execute("TRUNCATE shop.item")
    store.execute(ROW, ("b", 1, "after", 1, True))
    warehouse.pull()
    assert items(warehouse) == afresh(store) and len(items(warehouse)) == 1


def test_personal_columns_never_leave(store: psycopg.Connection, warehouse: Warehouse, database_dsn: str) -> None:
    store.execute(ROW, ("a", 1, "x", 1, True))
    warehouse.pull()
    assert "secret" not in {
        row["c"] for row in warehouse.rows("SELECT column_name AS c FROM information_schema.columns")
    }
    store.execute(ROW, ("a", 2, "x", 1, True))
    with psycopg.connect(database_dsn, autocommit=True) as connection:
        sent = connection.execute(
            "SELECT data FROM pg_logical_slot_peek_binary_changes(%s, NULL, NULL, 'proto_version', '1',"
            " 'publication_names', 'denghuo_warehouse')",
            (Slot(connection, SOURCES).name,),
        ).fetchall()
    assert sent and b"a secret" not in b"".join(bytes(row[0]) for row in sent)


class Killed(Exception):
    """Stands for kill -9."""


def test_a_kill_between_apply_and_advance_doubles_nothing(
    store: psycopg.Connection,
    warehouse: Warehouse,
    monkeypatch: pytest.MonkeyPatch,
    database_dsn: str,
    tmp_path: pathlib.Path,
) -> None:
    warehouse.pull()
    store.execute(ROW, ("a", 1, "x", 1, True))
    with monkeypatch.context() as patch:

        def die(self: Slot, lsn: int) -> None:
            raise Killed

        patch.setattr(Slot, "advance", die)
        with pytest.raises(Killed):
            warehouse.pull()
    warehouse.close()
    # The row is in the file, the slot still offers its transaction, and meanwhile the row has changed.
    store.execute("UPDATE shop.item SET amount_fen = 7")
    store.execute(ROW, ("a", 2, "y", 2, True))
    reopened = Warehouse(database_dsn, tmp_path / "warehouse.duckdb", tmp_path, SOURCES)
    reopened.open()
    assert len(items(reopened)) == 1
    reopened.pull()
    assert items(reopened) == afresh(store)
    assert reopened.status().transactions == 2, "the transaction that was applied before the kill must not count again"
    reopened.close()


def test_a_kill_before_the_commit_of_the_file_loses_nothing(
    store: psycopg.Connection, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    from denghuo.data.analysis.file import WarehouseFile

    warehouse.pull()
    store.execute(ROW, ("a", 1, "x", 1, True))
    with monkeypatch.context() as patch:

        def die(self: WarehouseFile, cursor: object, state: object) -> None:
            raise Killed

        patch.setattr(WarehouseFile, "remember", die)
        with pytest.raises(Killed):
            warehouse.pull()
    assert items(warehouse) == []
    warehouse.pull()
    assert items(warehouse) == afresh(store)


def test_a_lost_slot_or_an_older_file_means_reading_afresh(
    store: psycopg.Connection, warehouse: Warehouse, database_dsn: str, tmp_path: pathlib.Path
) -> None:
    store.execute(ROW, ("a", 1, "x", 1, True))
    warehouse.pull()
    warehouse.close()
    old = (tmp_path / "warehouse.duckdb").read_bytes()
    warehouse.open()
    store.execute(ROW, ("a", 2, "x", 1, True))
    warehouse.pull()
    warehouse.close()
    (tmp_path / "warehouse.duckdb").write_bytes(old)
    warehouse.open()
    warehouse.pull()
    assert items(warehouse) == afresh(store)
    abandon(database_dsn)
    store.execute(ROW, ("a", 3, "x", 1, True))
    warehouse.pull()
    assert items(warehouse) == afresh(store) and len(items(warehouse)) == 3


def test_random_work_ends_equal_to_a_fresh_read(
    store: psycopg.Connection, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Small batches, so that transactions are met at every border; seeds are fixed, so a failure repeats."""
    monkeypatch.setattr("denghuo.data.analysis.warehouse.CHANGES_PER_BATCH", 7)
    chance = random.Random(42)
    for round_ in range(60):
        with store.transaction():
            for _ in range(chance.randint(1, 6)):
                org, no = chance.choice("abc"), chance.randint(1, 8)
                store.execute(
                    ROW + " ON CONFLICT (org, no) DO UPDATE SET amount_fen = item.amount_fen + excluded.amount_fen",
                    (org, no, str(round_), chance.randint(-9, 9), chance.random() < 0.5),
                )
                if chance.random() < 0.3:
                    store.execute("DELETE FROM shop.item WHERE org = %s AND no = %s", (org, chance.randint(1, 8)))
                if chance.random() < 0.2:
                    store.execute(
                        "UPDATE shop.item SET no = no + %s WHERE org = %s AND no = %s", (100 * (round_ + 1), org, no)
                    )
            if chance.random() < 0.1:
                raise psycopg.Rollback
        if chance.random() < 0.5:
            warehouse.pull()
    while warehouse.pull():
        pass
    assert items(warehouse) == afresh(store) and items(warehouse)


def _await(warehouse: Warehouse, instant: datetime) -> None:
    """Waits until all that was committed before an instant is in the warehouse."""
    ends = time.monotonic() + 60
    while (as_of := warehouse.status().as_of) is None or as_of < instant:
        assert time.monotonic() < ends, f"{warehouse.status()} does not come to {instant}"
        time.sleep(0.01)


def test_it_follows_by_itself_and_says_how_far(
    store: psycopg.Connection, database_dsn: str, tmp_path: pathlib.Path
) -> None:
    with Warehouse(database_dsn, tmp_path / "w.duckdb", tmp_path, SOURCES) as warehouse:
        _await(warehouse, datetime.now(UTC))
        version = warehouse.status().version
        for no in range(20):
            store.execute(ROW, ("a", no, "x", 1, True))
        _await(warehouse, datetime.now(UTC))
        assert items(warehouse) == afresh(store)
        status = warehouse.status()
        assert status.state == "following" and status.version > version
        assert status.transactions == 20 and status.p95_ms is not None and status.lag_bytes == 0
        # A second process may not open the file; within one process DuckDB itself shares it.
    assert warehouse.status().state == "stopped"
    with pytest.raises(Unavailable):
        warehouse.rows("SELECT 1")


def test_a_server_without_logical_decoding_is_read_afresh_and_said_so(
    store: psycopg.Connection, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = Slot.__init__

    def plain(self: Slot, connection: psycopg.Connection, sources: tuple[Source, ...]) -> None:
        original(self, connection, sources)
        self.is_logical = False

    monkeypatch.setattr(Slot, "__init__", plain)
    store.execute(ROW, ("a", 1, "x", 1, True))
    warehouse.pull()
    assert items(warehouse) == afresh(store)
    assert warehouse.status().state == "reading" and "wal_level" in warehouse.status().said["zh"]
    assert store.execute(
        "SELECT count(*) FROM pg_replication_slots WHERE slot_name LIKE 'denghuo_warehouse_%'"
        " AND database = current_database()"
    ).fetchone() == (0,)
    store.execute("UPDATE shop.item SET amount_fen = 9")
    warehouse.pull()
    assert items(warehouse) == afresh(store)


def test_an_ordinary_packaged_server_is_read_afresh(tmp_path: pathlib.Path) -> None:
    binaries = packaged_binaries()
    if binaries is None:
        pytest.skip("no packaged PostgreSQL on this machine")
    folder = tmp_path / "server"
    folder.mkdir()
    with packaged_server(folder, binaries) as dsn, psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(ITEM)
        connection.execute(ROW, ("a", 1, "x", 1, True))
        warehouse = Warehouse(dsn, tmp_path / "w.duckdb", tmp_path, SOURCES)
        warehouse.open()
        warehouse.pull()
        assert items(warehouse) == afresh(connection) and warehouse.status().state == "reading"
        warehouse.close()


def test_published_datasets_stand_beside_the_tables(database_dsn: str, tmp_path: pathlib.Path) -> None:
    schema = DatasetSchema("shop.day", 1, {"org": "text", "energy_wh": "int64"})
    external = External("shop.day", {"org": "VARCHAR", "energy_wh": "BIGINT"})
    warehouse = Warehouse(database_dsn, tmp_path / "w.duckdb", tmp_path / "sets", (DATASETS,), (external,))
    with Database(database_dsn) as database:
        datasets = Datasets(database, tmp_path / "sets")
        warehouse.open()
        assert warehouse.rows("SELECT * FROM shop.day") == []
        warehouse.pull()
        rows = pa.table({"org": ["a", "b"], "energy_wh": [1, 2]})
        datasets.publish(schema, "2026-04", "all", rows, datetime(2026, 5, 1, tzinfo=UTC))
        warehouse.pull()
        datasets.publish(schema, "2026-04", "all", rows.slice(1), datetime(2026, 5, 2, tzinfo=UTC))
        datasets.publish(schema, "2026-05", "all", rows, datetime(2026, 6, 1, tzinfo=UTC))
        warehouse.pull()
        found = warehouse.rows("SELECT month, org, energy_wh FROM shop.day ORDER BY month, org")
        assert [tuple(row.values()) for row in found] == [("2026-04", "b", 2), ("2026-05", "a", 1), ("2026-05", "b", 2)]
        warehouse.close()
    abandon(database_dsn)


def test_days_of_the_lake_are_shown_by_their_newest_rows_also_where_they_lie_in_pieces(
    database_dsn: str, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(held, "CELLS_MAX", 0)
    view = LakeView("power", {"subject": "VARCHAR", "p00": "INTEGER"})
    kind, day = curve_class("power"), date(2026, 4, 1)

    def rows(*values: tuple[str, int]) -> dict[date, pa.Table]:
        return {
            day: pa.Table.from_pylist([{"subject": one, "p00": value} for one, value in values], schema=kind.schema)
        }

    # A file that was made before there were pieces is opened as it is, and read afresh.
    with duckdb.connect(str(tmp_path / "w.duckdb")) as older:
        older.execute("CREATE SCHEMA data")
        older.execute(
            "CREATE TABLE data.lake_file (class VARCHAR, day DATE, shard VARCHAR, version BIGINT, path VARCHAR)"
        )
    warehouse = Warehouse(database_dsn, tmp_path / "w.duckdb", tmp_path, (LAKE_FILES,), (view,))
    with Database(database_dsn) as database:
        lake = Lake(database, tmp_path / "lake")
        warehouse.open()
        for step, one in enumerate(
            [rows(*((f"A{n}", n) for n in range(9))), rows(("A3", 30)), rows(("A9", 9), ("A4", 40))]
        ):
            lake.append(kind, one, datetime(2026, 4, 2, step, tzinfo=UTC), "pieces")
            warehouse.pull()
        assert [file.since for file in lake.versions(kind, day)] == [1, 2, 2]
        found = warehouse.rows("SELECT day, subject, p00 FROM lake.power ORDER BY subject")
        values = {3: 30, 4: 40}
        assert [tuple(row.values()) for row in found] == [(day, f"A{n}", values.get(n, n)) for n in range(10)]
        warehouse.close()
    abandon(database_dsn)


@given(st.binary(max_size=60))
def test_hostile_messages_are_malformed_or_decoded(message: bytes) -> None:
    with contextlib.suppress(pgoutput.Malformed):
        pgoutput.decode(message)


@given(st.integers(0, 2**64 - 1))
def test_positions_keep_their_value(number: int) -> None:
    assert pgoutput.lsn_number(pgoutput.lsn_text(number)) == number

"""The months of journals and events: made ahead, never in the way, nothing moved."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime

import psycopg
import pytest

from denghuo.data.processing.database import Database
from denghuo.data.processing.housekeeping import Housekeeping, drop_months, make_months

NOW = datetime(2026, 11, 30, 15, 59, tzinfo=UTC)
"""A minute before December begins in Shanghai."""


@pytest.fixture
def database(database_dsn: str) -> Iterator[Database]:
    with Database(database_dsn) as database:
        yield database


def write(database: Database, at: datetime, key: str) -> None:
    with database.connection() as connection:
        connection.execute(
            "INSERT INTO notice.journal (at, actor, operation, key, digest, subject, request, reply)"
            " VALUES (%s, 'test', 'notice.send', %s, '', '', '{}', '{}')",
            (at, key),
        )


def where(database: Database) -> dict[str, str]:
    """The partition of each row by its key."""
    with database.connection() as connection:
        rows = connection.execute("SELECT key, tableoid::regclass::text FROM notice.journal").fetchall()
    return {key: table.removeprefix("notice.") for key, table in rows}


def test_this_month_and_three_more_are_made_once(database: Database) -> None:
    names = ["journal_2026_11", "journal_2026_12", "journal_2027_01", "journal_2027_02"]
    assert make_months(database, ["notice"], NOW) == [f"notice.{name}" for name in names]
    assert make_months(database, ["notice"], NOW) == []
    write(database, NOW, "last minute")
    write(database, datetime(2026, 11, 30, 16, tzinfo=UTC), "first minute")
    write(database, datetime(2026, 10, 31, 15, 59, tzinfo=UTC), "before")
    write(database, datetime(2027, 2, 28, 16, tzinfo=UTC), "beyond")
    assert where(database) == {
        "last minute": "journal_2026_11",
        "first minute": "journal_2026_12",
        "before": "journal_rest",
        "beyond": "journal_rest",
    }


def test_a_month_that_began_in_the_rest_stays_there(database: Database) -> None:
    write(database, NOW, "early")
    assert make_months(database, ["notice"], NOW) == [
        "notice.journal_2026_12",
        "notice.journal_2027_01",
        "notice.journal_2027_02",
    ]
    write(database, NOW, "late")
    assert where(database) == {"early": "journal_rest", "late": "journal_rest"}


def test_who_writes_for_long_is_not_waited_for(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("denghuo.data.processing.housekeeping.LOCK_TIMEOUT", "50ms")
    with psycopg.connect(database.dsn) as writer:
        writer.execute("LOCK TABLE notice.journal IN ROW EXCLUSIVE MODE")
        assert make_months(database, ["notice"], NOW) == []
    assert len(make_months(database, ["notice"], NOW)) == 4


def test_two_processes_at_once_make_each_month_once(database: Database) -> None:
    made: list[list[str]] = []
    threads = [threading.Thread(target=lambda: made.append(make_months(database, ["notice"], NOW))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 4
    assert sorted(name for names in made for name in names) == [
        f"notice.journal_{month}" for month in ("2026_11", "2026_12", "2027_01", "2027_02")
    ]


def test_a_round_is_over_at_the_start_and_the_next_ones_follow(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("denghuo.data.processing.housekeeping.EVERY_S", 0.01)
    months, second = iter([NOW, datetime(2027, 1, 15, tzinfo=UTC)]), threading.Event()

    def clock() -> datetime:
        try:
            return next(months)
        except StopIteration:
            second.set()
            return NOW

    kept = Housekeeping(database, ["notice"], clock)
    kept.start()
    write(database, NOW, "now")
    assert second.wait(60)
    kept.stop()
    write(database, datetime(2027, 4, 15, tzinfo=UTC), "in April")
    assert where(database) == {"now": "journal_2026_11", "in April": "journal_2027_04"}


def test_a_store_out_of_reach_does_not_keep_the_platform_from_starting(database: Database) -> None:
    gone = Database(psycopg.conninfo.make_conninfo(database.dsn, dbname="nowhere"))
    kept = Housekeeping(gone, ["notice"], lambda: NOW)
    kept.start()
    kept.stop()


def test_events_have_months_and_those_that_are_kept_no_longer_go_as_a_whole(database: Database) -> None:
    before = datetime(2026, 8, 15, tzinfo=UTC)
    assert "acquisition.event_2026_08" in make_months(database, ["acquisition"], before)
    make_months(database, ["acquisition"], NOW)
    with database.connection() as connection:
        connection.execute(
            "INSERT INTO acquisition.terminal (terminal_no, protocol, name, vendor, channel, org, recorded_at)"
            " VALUES ('140500001', 'gdw3761', '', '', 'cellular', '1405810', now())"
        )
        for begun_at in ("2026-08-15", "2026-10-15", "2031-01-01"):
            connection.execute(
                "INSERT INTO acquisition.event (subject, kind, code, phases, begun_at, terminal_no, place, org, told_at)"
                " VALUES ('M1', 'power_loss', 'ERC14', '', %s, '140500001', '', '1405810', now())",
                (begun_at,),
            )
    kept = {"acquisition.event": 2}
    assert drop_months(database, ["acquisition"], NOW, {}) == [], "all are kept where nothing else is said"
    assert drop_months(database, ["acquisition"], NOW, kept) == ["acquisition.event_2026_08"]
    assert drop_months(database, ["acquisition"], NOW, kept) == []
    with database.connection() as connection:
        left = connection.execute("SELECT tableoid::regclass::text FROM acquisition.event ORDER BY begun_at").fetchall()
    assert left == [("acquisition.event_2026_10",), ("acquisition.event_rest",)]

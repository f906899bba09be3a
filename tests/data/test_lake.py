"""The day lake: versions, replay, merging, killed writers, damaged files, a full disk."""

import contextlib
import errno
import os
import pathlib
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from denghuo.data.analysis import held, lake_file
from denghuo.data.analysis import lake as lake_module
from denghuo.data.analysis.lake import Lake
from denghuo.data.analysis.lake_day import SLOTS, Changes, LakeClass, curve_class, merge, total
from denghuo.data.processing.database import Database
from denghuo.kernel.problem import Unavailable

NOW = datetime(2026, 5, 1, tzinfo=UTC)
DAY = date(2026, 4, 13)
POWER = curve_class("gateway_power_w")
REGISTER = LakeClass(
    "register", (("meter_no", pa.string()), ("read_at", pa.timestamp("us", tz="UTC"))), (("value_e4", pa.int64()),)
)


def curves(**subjects: list[int | None]) -> pa.Table:
    """Rows by subject; values that are not given are not known."""
    rows = [
        {"subject": subject, **dict(zip(SLOTS, [*values, *[None] * (96 - len(values))], strict=True))}
        for subject, values in subjects.items()
    ]
    return pa.Table.from_pylist(rows, schema=POWER.schema)


@pytest.fixture
def database(database_dsn: str) -> Iterator[Database]:
    with Database(database_dsn) as opened:
        yield opened


@pytest.fixture
def lake(database: Database, tmp_path: pathlib.Path) -> Lake:
    return Lake(database, tmp_path / "lake")


def put(lake: Lake, kind: LakeClass, days: dict[date, pa.Table], now: datetime, source: str) -> Changes:
    return total(lake.append(kind, days, now, source))


def day_of(lake: Lake, subject: str, slots: int = 3) -> list[int | None]:
    return lake.curve(POWER, subject, DAY, DAY)[DAY][:slots]


def test_newest_value_wins_and_every_version_stays(lake: Lake) -> None:
    assert put(lake, POWER, {DAY: curves(A=[1, 2, 3], B=[4])}, NOW, "first") == Changes(taken=4)
    late = put(lake, POWER, {DAY: curves(A=[1, 9, None, 7])}, NOW + timedelta(hours=1), "late")
    assert late == Changes(taken=1, unchanged=1, corrected=1)
    assert day_of(lake, "A", 4) == [1, 9, 3, 7] and day_of(lake, "B", 2) == [4, None]
    first, second = lake.versions(POWER, DAY)
    assert (first.version, first.source, second.version, second.source) == (1, "first", 2, "late")
    assert [row["p01"] for row in lake.version(POWER, first).to_pylist()] == [2, None]
    known_then = lake.scan(POWER, DAY, DAY, ["subject", "p01"], as_of=NOW)
    assert [row["p01"] for row in known_then.to_pylist()] == [2, None]
    assert lake.damaged() == []


def test_rows_are_counted_by_day_in_the_newest_version_of_each_shard(lake: Lake) -> None:
    assert lake.row_counts(POWER) == {}
    put(lake, POWER, {DAY: curves(A=[1]), DAY + timedelta(days=1): curves(A=[1], B=[2])}, NOW, "first")
    put(lake, POWER, {DAY: curves(A=[3], B=[2], C=[3])}, NOW + timedelta(hours=1), "late")
    lake.append(POWER, {DAY: curves(Z=[1])}, NOW, "other shard", shard="west")
    assert lake.row_counts(POWER) == {DAY: 4, DAY + timedelta(days=1): 2}
    assert lake.row_counts(REGISTER) == {}


def test_replay_changes_nothing(lake: Lake) -> None:
    days = {DAY + timedelta(days=step): curves(A=[step, 1], B=[None, 5]) for step in range(3)}
    put(lake, POWER, days, NOW, "first")
    assert put(lake, POWER, days, NOW + timedelta(days=1), "again") == Changes(unchanged=9)
    assert [len(lake.versions(POWER, day)) for day in days] == [1, 1, 1]
    assert lake.scan(POWER, DAY, DAY + timedelta(days=9)).num_rows == 6


def test_days_that_are_kept_no_longer_go_with_all_their_versions(lake: Lake) -> None:
    day = timedelta(days=1)
    for source, value in (("collected", 1), ("corrected", 2)):
        put(lake, POWER, {DAY: curves(G1=[value]), DAY + day: curves(G1=[value])}, NOW, source)
    other = curve_class("voltage_dv")
    put(lake, other, {DAY: curves(G1=[2200])}, NOW, "collected")
    assert lake.forget(POWER.name, DAY) == 0
    assert lake.forget(POWER.name, DAY + day) == 2
    assert list(lake.row_counts(POWER)) == [DAY + day] and list(lake.row_counts(other)) == [DAY]
    assert lake.curve(POWER, "G1", DAY, DAY + day)[DAY + day][0] == 2
    gone = lake.sweep(datetime.now(UTC) + timedelta(days=1))
    assert len(gone) == 2 and all(f"{DAY}" in name for name in gone) and lake.damaged() == []
    # What comes for such a day once more is a day of its own again.
    put(lake, POWER, {DAY: curves(G1=[3])}, NOW, "late")
    assert [file.version for file in lake.versions(POWER, DAY)] == [1] and day_of(lake, "G1", 1) == [3]


def test_scan_takes_days_columns_and_subjects(lake: Lake) -> None:
    days = {DAY + timedelta(days=step): curves(A=[step], B=[10 + step], C=[20 + step]) for step in range(4)}
    put(lake, POWER, days, NOW, "first")
    table = lake.scan(
        POWER, DAY + timedelta(days=1), DAY + timedelta(days=2), ["subject", "p00"], ("subject", ("A", "C"))
    )
    assert [
        tuple(row.values()) for row in table.sort_by([("day", "ascending"), ("subject", "ascending")]).to_pylist()
    ] == [
        (DAY + timedelta(days=1), "A", 1),
        (DAY + timedelta(days=1), "C", 21),
        (DAY + timedelta(days=2), "A", 2),
        (DAY + timedelta(days=2), "C", 22),
    ]
    hostile = "x'; DROP TABLE data.lake_file; --"
    assert lake.scan(POWER, DAY, DAY, only=("subject", (hostile,))).num_rows == 0
    assert lake.scan(POWER, date(2020, 1, 1), date(2020, 2, 1)).num_rows == 0
    assert lake.scan(POWER, date(2020, 1, 1), date(2020, 2, 1)).schema.names == ["day", "subject", *SLOTS]


def test_long_classes_keep_their_instants(lake: Lake) -> None:
    at = datetime(2026, 4, 12, 16, tzinfo=UTC)
    rows = pa.Table.from_pylist(
        [{"meter_no": "M1", "read_at": at, "value_e4": 5}, {"meter_no": "M1", "read_at": NOW, "value_e4": 6}],
        schema=REGISTER.schema,
    )
    put(lake, REGISTER, {DAY: rows}, NOW, "first")
    assert put(lake, REGISTER, {DAY: rows}, NOW, "again") == Changes(unchanged=2)
    for table in (lake.scan(REGISTER, DAY, DAY), lake.scan(REGISTER, DAY, DAY, only=("meter_no", ("M1",)))):
        assert [(row["read_at"], row["value_e4"]) for row in table.to_pylist()] == [(at, 5), (NOW, 6)]


values = st.lists(st.none() | st.integers(-(2**31), 2**31 - 1), min_size=2, max_size=2)
tables = st.dictionaries(st.sampled_from("ABCDE"), values, max_size=5)


@given(batches=st.lists(tables, max_size=5))
def test_merging_is_the_last_known_value_of_each_slot(batches: list[dict[str, list[int | None]]]) -> None:
    """Against a plain dictionary: null never wins over a value, and the counts add up to the values given."""
    expected: dict[tuple[str, int], int] = {}
    subjects: set[str] = set()
    known: pa.Table | None = None
    for batch in batches:
        counted = Changes()
        for subject, given_values in batch.items():
            subjects.add(subject)
            for slot, value in enumerate(given_values):
                if value is not None:
                    before = expected.get((subject, slot))
                    counted += Changes(before is None, before == value, before not in (None, value))
                    expected[subject, slot] = value
        merged, changes = merge(POWER, known, curves(**batch))
        assert changes == counted
        assert merged is not None or not (changes.taken or changes.corrected)
        known = merged if merged is not None else known
    rows = known.to_pylist() if known is not None else []
    assert [row["subject"] for row in rows] == sorted(subjects)
    assert {
        (row["subject"], slot): row[SLOTS[slot]] for row in rows for slot in range(2) if row[SLOTS[slot]] is not None
    } == (expected)


def test_writer_that_dies_between_file_and_manifest_loses_nothing(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    days = {DAY: curves(A=[1]), DAY + timedelta(days=1): curves(A=[2])}

    class Died(BaseException):
        pass

    def die(*_: object) -> None:
        raise Died

    monkeypatch.setattr(Lake, "_enter", die)
    with pytest.raises(Died):
        put(lake, POWER, days, NOW, "first")
    monkeypatch.undo()
    assert lake.scan(POWER, DAY, DAY + timedelta(days=1)).num_rows == 0
    orphans = list(lake.folder.rglob("*.parquet"))
    assert len(orphans) == 1
    assert put(lake, POWER, days, NOW, "first") == Changes(taken=2)
    assert day_of(lake, "A", 1) == [1]
    # The same content has the same name, so what was an orphan is in use now; another one is swept once it is old.
    stray = lake.folder / "gateway_power_w" / "2026-04" / ".stray.partial"
    stray.write_bytes(b"half")
    assert lake.sweep(datetime.now(UTC)) == []
    assert lake.sweep(datetime.now(UTC) + timedelta(hours=2)) == [str(stray.relative_to(lake.folder))]
    assert day_of(lake, "A", 1) == [1] and lake.damaged() == []


_WRITER = """
import sys, pathlib
from denghuo.data.analysis import held
if sys.argv[3] == "in pieces":
    held.CELLS_MAX = 0
from datetime import UTC, date, datetime, timedelta
import pyarrow as pa
from denghuo.data.analysis.lake import Lake
from denghuo.data.analysis.lake_day import SLOTS, curve_class
from denghuo.data.processing.database import Database
kind = curve_class("gateway_power_w")
with Database(sys.argv[1]) as database:
    lake = Lake(database, pathlib.Path(sys.argv[2]))
    print("ready", flush=True)
    for round in range(1000):
        days = {}
        for step in range(4):
            some = range(40) if round % 4 == 0 or sys.argv[3] != "in pieces" else range(round % 4, 40, 9)
            rows = [{"subject": f"S{n:03d}", **{slot: round * 1000 + n for slot in SLOTS}} for n in some]
            days[date(2026, 4, 1) + timedelta(days=step)] = pa.Table.from_pylist(rows, schema=kind.schema)
        lake.append(kind, days, datetime.now(UTC), f"round {round}")
        print(round, flush=True)
"""


@pytest.mark.parametrize("way", ["whole days", "in pieces"])
def test_killed_at_random_points(database_dsn: str, database: Database, lake: Lake, way: str) -> None:
    """Whatever moment SIGKILL hits, the four days of a round appear together, whole, or not at all."""
    chance = random.Random(7)
    first, last = date(2026, 4, 1), date(2026, 4, 4)
    for _ in range(2):
        process = subprocess.Popen(
            [sys.executable, "-c", _WRITER, database_dsn, str(lake.folder), way], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None and process.stdout.readline().strip() == "ready"
        time.sleep(chance.uniform(0.02, 0.5))
        process.send_signal(signal.SIGKILL)
        told = [int(line) for line in process.stdout.read().split()]
        process.wait()
        process.stdout.close()
        table = lake.scan(POWER, first, last, ["subject", "p00", "p95"])
        rounds = {
            max((row["p00"] // 1000, row["p95"] // 1000) for row in table.to_pylist() if row["day"] == day)
            for day in set(table["day"].to_pylist())
        }
        assert len(rounds) <= 1, "days of different rounds"
        if told:
            ((one, other),) = rounds
            assert one == other >= told[-1] and table.num_rows == 160
            # Nothing of the rounds before is lost or there twice: each subject has, on every day, what was given of it last.
            last_of = {
                f"S{n:03d}": max(r for r in range(one + 1) if way == "whole days" or r % 4 == 0 or (n - r % 4) % 9 == 0)
                for n in range(40)
            }
            expected = {(name, 1000 * given_in + int(name[1:])) for name, given_in in last_of.items()}
            assert {(row["subject"], row["p00"]) for row in table.to_pylist()} == expected
        assert lake.damaged() == []
        # The next process begins again at round 0: values of older rounds are corrections like any other.
    lake.sweep(datetime.now(UTC) + timedelta(hours=2))
    with database.connection() as connection:
        known = connection.execute("SELECT count(*) FROM data.lake_file").fetchone()
    assert known is not None and len(list(lake.folder.rglob("*.parquet"))) == known[0]
    assert not list(lake.folder.rglob("*.partial"))


def test_within_a_command_rows_count_when_it_is_committed(database: Database, lake: Lake) -> None:
    rows = {DAY: curves(M1=[1, 2, 3])}
    with database.connection() as connection:
        inside = lake.within(lambda: contextlib.nullcontext(connection))
        put(inside, POWER, rows, NOW, "broken off")
        assert day_of(inside, "M1") == [1, 2, 3], "the command sees its own rows"
        assert lake.curve(POWER, "M1", DAY, DAY) == {}
        connection.rollback()
    assert lake.versions(POWER, DAY) == []
    with database.connection() as connection:
        inside = lake.within(lambda: contextlib.nullcontext(connection))
        assert put(inside, POWER, rows, NOW, "whole").taken == 3
        assert put(inside, POWER, {DAY: curves(M1=[None, 5])}, NOW, "whole").corrected == 1
        inside.settle([POWER], DAY, DAY)
    assert day_of(lake, "M1") == [1, 5, 3] and lake.damaged() == []


def test_writers_of_one_day_wait_for_each_other(lake: Lake) -> None:
    failed: list[BaseException] = []

    def write(number: int) -> None:
        try:
            put(lake, POWER, {DAY: curves(**{f"S{number}": [number]})}, NOW, str(number))
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert [file.version for file in lake.versions(POWER, DAY)] == list(range(1, 9))
    assert lake.scan(POWER, DAY, DAY, ["subject"]).num_rows == 8


def test_damaged_file_is_named_and_the_rest_is_served(lake: Lake) -> None:
    other = DAY + timedelta(days=1)
    put(lake, POWER, {DAY: curves(A=[1]), other: curves(A=[2])}, NOW, "first")
    (file,) = lake.versions(POWER, DAY)
    path = lake.folder / file.path
    whole = path.read_bytes()
    for content in (whole[: len(whole) // 2], b"", b"PAR1 not at all"):
        path.write_bytes(content)
        for only in (None, ("subject", ("A",))):
            with pytest.raises(Unavailable) as raised:
                lake.scan(POWER, DAY, other, only=only)
            assert file.path in raised.value.detail["en"] and raised.value.part == "lake"
        with pytest.raises(Unavailable):
            put(lake, POWER, {DAY: curves(A=[3])}, NOW, "late")
        assert [one.path for one in lake.damaged()] == [file.path]
        assert lake.curve(POWER, "A", other, other)[other][0] == 2
    path.unlink()
    with pytest.raises(Unavailable):
        lake.scan(POWER, DAY, DAY)
    path.write_bytes(whole)
    assert day_of(lake, "A", 1) == [1]


def test_full_disk_changes_nothing(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    put(lake, POWER, {DAY: curves(A=[1])}, NOW, "first")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(lake_module.os, "fsync", full)
    with pytest.raises(Unavailable) as raised:
        put(lake, POWER, {DAY: curves(A=[2])}, NOW, "late")
    assert "No space left" in raised.value.detail["en"]
    monkeypatch.undo()
    assert day_of(lake, "A", 1) == [1] and len(lake.versions(POWER, DAY)) == 1
    assert not list(lake.folder.rglob("*.partial"))
    assert put(lake, POWER, {DAY: curves(A=[2])}, NOW, "late") == Changes(corrected=1)


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk takes root")
def test_really_full_disk(database: Database, tmp_path: pathlib.Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(small)], capture_output=True)
    if mounted.returncode:
        pytest.skip("no right to mount here")
    try:
        lake = Lake(database, small / "lake")
        put(lake, POWER, {DAY: curves(A=[1])}, NOW, "first")
        big = curves(
            **{f"S{number}": [random.Random(number).randrange(2**30) for _ in range(96)] for number in range(900)}
        )
        with pytest.raises(Unavailable):
            put(lake, POWER, {DAY: big}, NOW, "big")
        assert day_of(lake, "A", 1) == [1] and not list(small.rglob("*.partial"))
        assert put(lake, POWER, {DAY: curves(A=[5])}, NOW, "small") == Changes(corrected=1)
    finally:
        subprocess.run(["umount", str(small)], check=True)


def test_a_few_rows_of_small_files_come_from_memory_as_they_would_from_the_disk(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [
        {"meter_no": name, "read_at": NOW + timedelta(hours=place % 3), "value_e4": place}
        for place, name in enumerate([*(f"M{number:02d}" for number in range(40)), "M1"])
    ]
    for step, some in ((0, rows), (1, rows[:9])):
        put(lake, REGISTER, {DAY + timedelta(days=step): pa.Table.from_pylist(some, schema=REGISTER.schema)}, NOW, "s")
    wanted = ("meter_no", ("M03", "M1", "M039", "", "M07"))

    def picked() -> list[dict[str, object]]:
        return lake.scan(REGISTER, DAY, DAY + timedelta(days=1), only=wanted).to_pylist()

    small = picked()
    assert [(row["day"], row["meter_no"]) for row in small] == [
        (DAY, "M03"), (DAY, "M07"), (DAY, "M1"), (DAY + timedelta(days=1), "M03"), (DAY + timedelta(days=1), "M07"),
    ]  # fmt: skip
    monkeypatch.setattr(held, "CELLS_MAX", 0)
    order = sorted(picked(), key=lambda row: (str(row["day"]), str(row["meter_no"])))
    assert order == small


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every file counts as one too large to be held."""
    monkeypatch.setattr(held, "CELLS_MAX", 0)


def test_rows_of_large_files_come_by_blocks_as_they_would_from_the_columns(
    large: None, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of every version, as known at any instant, of some columns, of keys with several rows and of ones that are not there; where
    blocks are missing or not whole, the columns are read."""
    chance, last = random.Random(3), DAY + timedelta(days=2)
    for step in range(4):
        given_days = {
            DAY + timedelta(days=back): curves(
                **{
                    f"S{number:03d}": [chance.choice([None, chance.randrange(900)]) for _ in SLOTS]
                    for number in chance.sample(range(200), 150)
                }
            )
            for back in range(3)
        }
        put(lake, POWER, given_days, NOW + timedelta(hours=step), f"{step}")
    read = [
        {"meter_no": f"M{number:03d}", "read_at": NOW + timedelta(hours=hour), "value_e4": number * hour}
        for number in range(90)
        for hour in range(number % 4)
    ]
    put(lake, REGISTER, {DAY: pa.Table.from_pylist(read, schema=REGISTER.schema)}, NOW, "registers")
    wanted = ("S000", "S199", "S044", "nobody", "S101")

    def all_of() -> list[pa.Table]:
        found = [
            lake.scan(POWER, DAY, last, names, ("subject", wanted), NOW + timedelta(hours=known))
            for known in range(-1, 4)
            for names in (None, ["p07", "subject"])
        ]
        found.append(lake.rows_of(POWER, lake.versions(POWER, DAY), wanted))
        found.append(lake.scan(REGISTER, DAY, DAY, only=("meter_no", ("M001", "M003", "M088", "M090"))))
        return [table.sort_by([(name, "ascending") for name in table.schema.names]) for table in found]

    by_blocks = all_of()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lake_file, "KEYS_BY_BLOCK", 0)
        by_columns = all_of()
    assert all(one.equals(other) for one, other in zip(by_blocks, by_columns, strict=True)) and len(by_blocks[8]) > 9
    first, second, *_ = made = sorted(lake.folder.rglob("*.rows"))
    assert len(made) == 13
    first.unlink()
    second.write_bytes(second.read_bytes()[:-9])
    assert all(one.equals(other) for one, other in zip(all_of(), by_columns, strict=True))


def test_a_day_in_pieces_says_what_a_day_in_one_file_says(large: None, lake: Lake) -> None:
    """Against a plain dictionary: every version and instant, counts, few rows and all, before pieces are merged and after."""
    chance, known = random.Random(11), dict[str, list[int | None]]()
    states = []
    for step in range(40):
        given_values: dict[str, list[int | None]] = {
            f"S{number:03d}": [chance.choice([None, chance.randrange(3)]) for _ in range(3)]
            for number in chance.sample(range(60), 20 if step in (0, 20) else 2)
        }
        counted = Changes()
        for subject, row in given_values.items():
            before = known.get(subject, [None] * 3)
            pairs = [(new, old) for new, old in zip(row, before, strict=True) if new is not None]
            counted += Changes(
                sum(old is None for _, old in pairs),
                sum(new == old for new, old in pairs),
                sum(old is not None and new != old for new, old in pairs),
            )
            known[subject] = [old if new is None else new for new, old in zip(row, before, strict=True)]
        rows = {DAY: curves(**given_values)}
        assert put(lake, POWER, rows, NOW + timedelta(hours=step), str(step)) == counted
        again = put(lake, POWER, rows, NOW + timedelta(hours=step, minutes=1), "again")
        assert (again.taken, again.corrected) == (0, 0)
        states.append(dict(sorted(known.items())))

    def state(as_of: datetime | None = None) -> dict[str, list[int | None]]:
        table = lake.scan(POWER, DAY, DAY, ["p02", "subject", "p00", "p01"], as_of=as_of)
        return {row["subject"]: [row["p00"], row["p01"], row["p02"]] for row in table.to_pylist()}

    def agrees() -> None:
        assert list(state().items()) == list(states[-1].items())
        assert [state(NOW + timedelta(hours=step)) for step in range(40)] == states
        for subject in ("S007", "S031", "nobody"):
            for step in (0, 7, 21, 39):
                values = lake.curve(POWER, subject, DAY, DAY, NOW + timedelta(hours=step)).get(DAY)
                assert (values and values[:3]) == states[step].get(subject)
        assert lake.row_counts(POWER) == {DAY: len(known)}
        for file in lake.versions(POWER, DAY)[::7]:
            step = (file.recorded_at - NOW) // timedelta(hours=1)
            found = lake.version(POWER, file).select(["subject", "p00", "p01", "p02"])
            assert {one: values for one, *values in zip(*found.to_pydict().values(), strict=True)} == states[step]

    agrees()
    assert sum(file.row_count for file in lake.versions(POWER, DAY)) < 40 * len(known) // 3
    versions = len(lake.versions(POWER, DAY))
    (file,) = lake.files(POWER, DAY, DAY)
    assert (file.since, file.row_count, file.version) == (1, len(known), versions + 1)
    assert lake.files(POWER, DAY, DAY) == [file]
    agrees()
    assert lake.damaged() == []


def test_blocks_are_dropped_with_their_file_and_made_where_they_are_missing(large: None, lake: Lake) -> None:
    put(lake, POWER, {DAY: curves(A=[1]), DAY + timedelta(days=1): curves(A=[2])}, NOW, "first")
    (one, _) = sorted(lake.folder.rglob("*.rows"))
    one.write_bytes(b"not whole")
    assert lake.add_blocks([POWER], DAY, DAY + timedelta(days=9)) == 1
    one.unlink()
    assert lake.add_blocks([POWER], DAY, DAY + timedelta(days=9)) == 1
    assert lake.add_blocks([POWER], DAY, DAY + timedelta(days=9)) == 0
    stray = one.with_name("2026-04-13-all-v9-0.rows")
    stray.write_bytes(one.read_bytes())
    assert lake.sweep(datetime.now(UTC) + timedelta(hours=2)) == [str(stray.relative_to(lake.folder))]
    assert one.exists() and lake.damaged() == []

"""Months of curves added up by kinds of days: the same from sums that are kept as from the days, whatever is asked."""

import pathlib
import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

import pyarrow as pa
import pytest

from denghuo.data.analysis.lake import Lake
from denghuo.data.analysis.lake_day import SLOTS
from denghuo.data.processing.database import Database
from denghuo.data.processing.dataset import Datasets
from denghuo.kernel.period import SLOTS_A_DAY, Month
from denghuo.kernel.problem import Invalid
from denghuo.service.reading.api import MeterSums, PublishSums, SumsFound, WholeCompanyOnly
from denghuo.service.reading.batch.intake import CURVES
from denghuo.service.reading.service.sums import meter_sums, publish_sums
from tests.service.bindings import clock
from tests.service.reading.conftest import Make
from tests.service.reading.test_reading import CLERK, county, energy_day

SERIES = "active_fwd_wh"
CURVE = CURVES[SERIES]
MONTHS = [Month(2026, 3), Month(2026, 4)]
METERS = [f"M{number}" for number in range(9)]
Days = dict[date, dict[str, list[int | None]]]


def days_of(month: Month) -> list[date]:
    return [month.first_day + timedelta(days=at) for at in range(month.day_count)]


def grouped(chance: random.Random, days: Sequence[date], most: int) -> list[list[date]]:
    """The days in at most so many kinds."""
    kinds: dict[int, list[date]] = {}
    for day in days:
        kinds.setdefault(chance.randrange(most), []).append(day)
    return list(kinds.values())


def merged(chance: random.Random, kinds: Sequence[Sequence[date]]) -> list[list[date]]:
    """Some of the kinds together, some left out."""
    found: dict[int, list[date]] = {}
    for kind in kinds:
        found.setdefault(chance.randrange(4), []).extend(kind)
    found.pop(3, None)
    return [sorted(days) for days in found.values()]


def cut(chance: random.Random, among: Sequence[int]) -> list[int]:
    return [0, *sorted(chance.sample(among, min(len(among), chance.randint(0, 9))))]


def curve(chance: random.Random) -> list[int | None]:
    found: list[int | None] = [chance.randrange(5_000) for _ in SLOTS]
    if chance.random() < 0.2:
        for slot in chance.sample(range(SLOTS_A_DAY), chance.choice([1, 5, SLOTS_A_DAY])):
            found[slot] = None
    return found


def take(lake: Lake, days: Days, shard: str) -> None:
    tables = {
        day: pa.Table.from_pylist(
            [{"subject": meter, **dict(zip(SLOTS, values, strict=True))} for meter, values in rows.items()],
            schema=CURVE.schema,
        )
        for day, rows in days.items()
    }
    lake.append(CURVE, tables, clock(), "test", shard)


def expected(known: Days, asked: MeterSums) -> list[dict[str, object]]:
    """By the definition: slot by slot."""
    rows = []
    ends = [*asked.starts[1:], SLOTS_A_DAY]
    for meter in sorted(set(asked.meter_nos)):
        for kind, days in enumerate(asked.kinds):
            own = [known[day][meter] for day in days if meter in known.get(day, {})]
            if own:
                spans = list(zip(asked.starts, ends, strict=True))
                gappy = [values for values in own if None in values]
                seen = [value for values in gappy for value in values if value is not None]
                rows.append(
                    {
                        "subject": meter,
                        "kind": kind,
                        "cells": [sum(value or 0 for one in own for value in one[a:b]) for a, b in spans],
                        "received": [sum(value is not None for one in own for value in one[a:b]) for a, b in spans],
                        "gap_days": len(gappy),
                        "highest": max(seen, default=None),
                    }
                )
    return rows


def told(found: SumsFound) -> list[dict[str, object]]:
    return [
        {
            "subject": one.subject,
            "kind": one.kind,
            "cells": [cell.wh for cell in one.cells],
            "received": one.received,
            "gap_days": one.gap_days,
            "highest": None if one.highest is None else one.highest.wh,
        }
        for one in found.rows
    ]


@pytest.mark.parametrize("seed", range(2))
def test_kept_sums_say_what_the_days_say(
    seed: int, database_dsn: str, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if seed:
        # Of a large company no file is held in memory, and the rows of a meter go over the groups of a file.
        monkeypatch.setattr("denghuo.data.analysis.held.CELLS_MAX", 0)
        monkeypatch.setattr("denghuo.service.reading.service.sums.ROW_GROUP", 2)
        monkeypatch.setattr("denghuo.service.reading.service.atoms.SMALL_ROWS", 0)
    chance = random.Random(seed)
    known: Days = {
        day: {meter: curve(chance) for meter in METERS if chance.random() < 0.9}
        for month in MONTHS
        for day in days_of(month)
        if chance.random() < 0.3
    }
    with Database(database_dsn) as database:
        lake, datasets = Lake(database, tmp_path / "lake"), Datasets(database, tmp_path / "datasets")
        for shard, meters in (("a", METERS[::2]), ("b", METERS[1::2])):
            take(lake, {day: {m: rows[m] for m in meters if m in rows} for day, rows in known.items()}, shard)
        kinds = {month: grouped(chance, days_of(month), 4) for month in MONTHS}
        starts = cut(chance, range(1, SLOTS_A_DAY))

        def make() -> int:
            wanted = [
                PublishSums(month=str(month), series=SERIES, starts=starts, kinds=kinds[month]) for month in MONTHS
            ]
            return sum(publish_sums(lake, datasets, None, one, clock()).made for one in wanted)

        def ask(by: list[list[date]], among: Sequence[int]) -> list[str]:
            asked = MeterSums(
                series=SERIES,
                starts=cut(chance, among),
                kinds=by,
                meter_nos=chance.sample(METERS, chance.randint(1, 4)),
            )
            found = meter_sums(lake, datasets, asked, clock())
            assert told(found) == expected(known, asked)
            return found.added

        both = [kind for month in MONTHS for kind in kinds[month]]
        assert ask(both, starts[1:]) == ["2026-03", "2026-04"]
        assert (make(), make()) == (4, 0)
        for _ in range(8):
            by = [days for month in MONTHS for days in merged(chance, kinds[month])]
            assert not by or ask(by, starts[1:]) == []
        # Other kinds of days and finer cells than the sums have are added up from the days.
        ask([*grouped(chance, days_of(MONTHS[0]), 9), *grouped(chance, days_of(MONTHS[1]), 9)], range(1, 96))

        # A correction is seen at once, for its meter by the days, for others of the file by the sums.
        day = next(day for day in sorted(known) if METERS[0] in known[day] and METERS[2] in known[day])
        known[day][METERS[0]] = [7] * SLOTS_A_DAY
        take(lake, {day: {METERS[0]: [7] * SLOTS_A_DAY}}, "a")
        whole = [days_of(month) for month in MONTHS]
        for meter, added in ((METERS[0], [str(day)[:7]]), (METERS[2], []), (METERS[1], [])):
            asked = MeterSums(series=SERIES, starts=[0], kinds=whole, meter_nos=[meter])
            found = meter_sums(lake, datasets, asked, clock())
            assert (told(found), found.added) == (expected(known, asked), added)
        assert make() == 1
        assert ask(whole, starts[1:]) == []
        # Sums that were lost are made again.
        for path in (tmp_path / "datasets" / "reading.month_sums" / "2026-03").iterdir():
            path.unlink()
        assert ask(whole, starts[1:]) == ["2026-03"]
        assert make() == 2 and ask(whole, starts[1:]) == []


def test_sums_are_asked_for_and_kept_through_the_service(bench: Make) -> None:
    made = county(bench)
    days = days_of(MONTHS[1])
    made.receive_curves(*(energy_day("M1", day, [100] * 96) for day in days), energy_day("M2", days[0], [1] * 95))
    asked = MeterSums(series=SERIES, starts=[0, 32], kinds=[days[:10], days[10:]], meter_nos=["M1", "M2"])
    first = made.api.meter_sums(made.call(), asked)
    assert first.added == ["2026-04"]
    assert [(one.subject, one.kind, [cell.wh for cell in one.cells], one.received) for one in first.rows] == [
        ("M1", 0, [32_000, 64_000], [320, 640]),
        ("M1", 1, [64_000, 128_000], [640, 1280]),
        ("M2", 0, [32, 63], [32, 63]),
    ]
    wanted = PublishSums(month="2026-04", series=SERIES, starts=[0, 16, 32], kinds=[days[:10], days[10:]])
    assert made.api.publish_sums(made.call(), wanted).made == 1
    again = made.api.meter_sums(made.call(), asked)
    assert (again.rows, again.added) == (first.rows, [])
    with pytest.raises((ValueError, Invalid), match="every day"):
        made.api.publish_sums(
            made.call(), PublishSums(month="2026-04", series=SERIES, starts=[0], kinds=[days[:10], days[11:]])
        )
    with pytest.raises((ValueError, Invalid), match="of one month"):
        MeterSums(series=SERIES, starts=[0], kinds=[[days[0], days[0] - timedelta(days=1)]], meter_nos=["M1"])
    with pytest.raises(WholeCompanyOnly):
        made.api.publish_sums(replace(CLERK, permits=frozenset({"reading.publish"})), wanted)

"""Curves that terminals gave, as energies: a day adds up to its energy rounded once, whatever its slots are."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from denghuo.data.processing.dataset import arrow_schema
from denghuo.kernel.period import SHANGHAI
from denghuo.service.acquisition.api import COLLECTED_CURVES
from denghuo.service.reading.batch.collected import INT32_MAX, energies

BEGIN = datetime(2026, 4, 10, tzinfo=SHANGHAI)
SLOT = timedelta(minutes=15)


def curves(rows: list[tuple[str, datetime, int]]) -> pa.Table:
    body = [{"meter_no": no, "quantity": "active_fwd", "at": at, "energy_e4": value} for no, at, value in rows]
    return pa.Table.from_pylist(body, schema=arrow_schema(COLLECTED_CURVES))


def piece(meter_no: str, multiplier: int, begin: datetime, end: datetime) -> dict[str, Any]:
    return {"meter_no": meter_no, "multiplier": multiplier, "from_at": begin, "to_at": end}


ALWAYS = (datetime(2020, 1, 1, tzinfo=UTC), datetime(2030, 1, 1, tzinfo=UTC))


@given(st.lists(st.integers(0, 99_999), min_size=1, max_size=192), st.integers(1, 6_000), st.randoms())
def test_a_day_adds_up_to_its_energy_rounded_once(values: list[int], multiplier: int, random: Any) -> None:
    rows = [("M1", BEGIN + SLOT * place, value) for place, value in enumerate(values)]
    rows += [("M2", BEGIN + SLOT * place, 3) for place in range(5)]
    random.shuffle(rows)
    made = energies(curves(rows), [piece("M1", multiplier, *ALWAYS)]).to_pylist()
    for day in (0, 1):
        begin, end = BEGIN + timedelta(days=day), BEGIN + timedelta(days=day + 1)
        mine = [row["value"] for row in made if row["subject"] == "M1" and begin <= row["at"] < end]
        asked = sum(value for no, at, value in rows if no == "M1" and begin <= at < end)
        assert sum(mine) == (asked * multiplier + 5) // 10
    assert sum(row["value"] for row in made if row["subject"] == "M2") == 2, "1.5 Wh of a meter that nobody knows"
    assert {row["series"] for row in made} == {"active_fwd_wh"}


def test_a_meter_that_was_exchanged_has_the_multiplier_of_its_time() -> None:
    noon = BEGIN + timedelta(hours=12)
    rows = [("M1", noon - SLOT, 1_000), ("M1", noon, 1_000)]
    pieces = [piece("M1", 20, ALWAYS[0], noon), piece("M1", 50, noon, ALWAYS[1])]
    assert [row["value"] for row in energies(curves(rows), pieces).to_pylist()] == [2_000, 5_000]


def test_what_no_curve_can_hold_counts_as_not_received() -> None:
    rows = [("M1", BEGIN, 99_999_999), ("M1", BEGIN + SLOT, 10)]
    first, second = energies(curves(rows), [piece("M1", 1_000_000, *ALWAYS)]).to_pylist()
    assert first["value"] is None and second["value"] == 1_000_000 <= INT32_MAX
    assert energies(curves([]), []).num_rows == 0

"""Rules of reading, without a database: rollover, pieces, estimation, outliers, statuses."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from denghuo.data.processing.dataset import arrow_schema
from denghuo.kernel.period import Month, midnight
from denghuo.service.reading.api import BANDS, METHODS, QUANTITIES, REGISTER_INTAKE, RULES
from denghuo.service.reading.batch import Accepted, Manual, PlanPiece, ReadRow, evaluate, midnights_of, reads_of
from denghuo.service.reading.rules import (
    RULE_BOOK,
    advance_e4,
    energy_wh,
    estimated_boundary,
    fits,
    in_force,
    interpolated_e4,
    modulus_e4,
    outliers,
)
from denghuo.service.reading.service.forms import plan_piece
from tests.service.reading.county import MONTH, PERIOD, installation, month_of, steady

APRIL = Month.of(MONTH)
BOOK = in_force(APRIL.first_day)
SIX = modulus_e4(6)
Values = Mapping[int, int] | Sequence[int]


def piece(meter_no: str = "M1", **other: Any) -> PlanPiece:
    row = installation("P1", meter_no) | other
    clipped = {"from_at": max(row["from_at"], PERIOD.start), "to_at": min(row["to_at"], PERIOD.end)}
    return plan_piece(row | clipped, APRIL)


def made(
    registers: pa.Table | Values,
    *pieces: PlanPiece,
    manuals: Sequence[Manual] = (),
    accepted: Mapping[tuple[str, int, str, str], Accepted] | None = None,
) -> list[ReadRow]:
    table = registers if isinstance(registers, pa.Table) else month_of("M1", registers)
    found = evaluate(pieces or (piece(),), table, manuals, APRIL, BOOK)
    return reads_of(found, accepted or {})


def one(registers: pa.Table | Values, **other: Any) -> ReadRow:
    (row,) = made(registers, piece(**other))
    return row


# --- arithmetic -----------------------------------------------------------------------------------------------------------


@given(digits=st.integers(4, 9), below=st.integers(0, 10**6), advance=st.integers(0, 10**6))
def test_register_that_passes_its_highest_figure_goes_on(digits: int, below: int, advance: int) -> None:
    modulus = modulus_e4(digits)
    share = 1_000
    before = modulus - 1 - below % (modulus // 10)
    advance %= modulus // 10
    after = (before + advance) % modulus
    assert advance_e4(before, after, modulus, share) == (advance, before + advance >= modulus)


@given(before=st.integers(0, SIX - 1), fall=st.integers(1, SIX - 1))
def test_fall_far_from_the_turn_is_no_rollover(before: int, fall: int) -> None:
    after = before - fall
    if after < 0:
        return
    advance, rolled = advance_e4(before, after, SIX, 1_000)
    near = before >= SIX - SIX // 10 and after + SIX - before <= SIX // 10
    assert (advance is not None) == rolled == near
    assert advance_e4(before, after, SIX, 0) == (None, False)


def test_digits_of_a_register() -> None:
    assert fits(SIX - 100, 6, 2) and fits(0, 6, 2) and fits(1, 6, 4)
    assert not fits(SIX, 6, 2) and not fits(-1, 6, 2) and not fits(1, 6, 2) and not fits(10_001, 6, 0)


def test_energy_is_rounded_half_up_to_the_watt_hour() -> None:
    assert [energy_wh(advance, 1) for advance in (4, 5, 14, 15)] == [0, 1, 1, 2]
    assert energy_wh(3_079_400, 1) == 307_940


@given(
    before=st.integers(0, SIX // 100 - 1).map(lambda value: value * 100),
    advance=st.integers(0, 10**6).map(lambda value: value * 100),
    elapsed=st.integers(0, 20),
    more=st.integers(1, 20),
)
def test_interpolation_lies_between_its_neighbours(before: int, advance: int, elapsed: int, more: int) -> None:
    value = interpolated_e4(before, advance, elapsed, elapsed + more, 100, SIX)
    gone = (value - before) % SIX
    assert 0 <= gone <= advance % SIX or advance >= SIX
    assert value % 100 == 0 and 0 <= value < SIX


@given(
    values=st.lists(st.integers(0, 10**5), min_size=3, max_size=20),
    at=st.integers(1, 18),
    gap_max=st.integers(0, 6),
)
def test_estimated_boundary_lies_between_its_neighbours(values: list[int], at: int, gap_max: int) -> None:
    parameters = {"gap_days_max": gap_max, "carry_days_max": 3, "average_days_min": 7}
    total, midnights = 0, []
    for value in values:
        total += value * 100
        midnights.append(total)
    at %= len(midnights)
    shown: list[int | None] = [*midnights]
    shown[at] = None
    found = estimated_boundary(shown, at, parameters, SIX, 100, 1_000)
    if 0 < at < len(midnights) - 1:
        if gap_max == 0:
            assert found is None
        else:
            assert found is not None and found.method == "interpolated" and found.days == 1
            assert midnights[at - 1] <= found.value_e4 <= midnights[at + 1]
    elif found is not None:
        assert found.method == "daily_average" and found.days == 1
        assert found.value_e4 <= midnights[1] if at == 0 else found.value_e4 >= midnights[-2]
    else:
        assert len(values) - 2 < 7 or at == 0


# --- sequences ------------------------------------------------------------------------------------------------------------

daily = st.lists(st.integers(0, 400).map(lambda value: value * 100), min_size=30, max_size=30)


def running(start: int, days: Sequence[int]) -> list[int]:
    values = [start]
    for day in days:
        values.append((values[-1] + day) % SIX)
    return values


@given(start=st.integers(0, SIX // 100 - 1), days=daily)
def test_energy_of_a_month_is_the_sum_of_its_days(start: int, days: list[int]) -> None:
    row = one(running(start * 100, days))
    assert row.start_e4 == start * 100
    if row.status == "held":
        assert row.rule in ("spike", "zero_run")
    assert row.energy_wh == sum(days) // 10
    turned = start * 100 + sum(days) >= SIX
    assert ("rollover" in row.notices) == turned


@given(start=st.integers(0, SIX // 100 - 1), days=daily, multiplier=st.integers(1, 6_000), data=st.data())
def test_pieces_add_up(start: int, days: list[int], multiplier: int, data: st.DataObject) -> None:
    """Whenever a meter is exchanged, with its final and the new start register noted, no energy is lost or doubled."""
    values = running(start * 100, days)
    cut = data.draw(st.integers(1, 29))
    hours = data.draw(st.integers(0, 23))
    at = midnight(APRIL.first_day + timedelta(days=cut)) + timedelta(hours=hours)
    part = days[cut] * hours // 24 // 100 * 100
    fresh = [days[cut] - part]
    for day in days[cut + 1 :]:
        fresh.append(fresh[-1] + day)
    old = {day + 1: values[day] for day in range(cut + 1)}
    new = {cut + 2 + step: value for step, value in enumerate(fresh)}
    pieces = (
        piece("M1", to_at=at, final_e4=(values[cut] + part) % SIX, multiplier=multiplier),
        piece("M2", piece=2, from_at=at, start_e4=0, multiplier=multiplier),
    )
    first, second = made(pa.concat_tables([month_of("M1", old), month_of("M2", new)]), *pieces)
    assert first.energy_wh is not None and second.energy_wh is not None
    assert first.energy_wh + second.energy_wh == sum(days) * multiplier // 10
    assert "exchange" in first.notices and "exchange" in second.notices


@given(
    days=st.lists(st.integers(100, 400).map(lambda value: value * 100), min_size=30, max_size=30),
    missing=st.sets(st.integers(1, 31)),
)
def test_missing_is_never_zero(days: list[int], missing: set[int]) -> None:
    """Whatever midnights are missing: a read is right, or marked as estimated and no farther off than the gap, or held."""
    values = running(1_000_000, days)
    there = {day: value for day, value in enumerate(values, start=1) if day not in missing}
    row = one(there)
    truth = sum(days) // 10
    assert row.days_missing == len(missing & set(range(2, 31)))
    if row.status == "valid":
        assert row.energy_wh == truth and not missing & {1, 31}
    elif row.status == "estimated":
        assert missing & {1, 31} and row.method == "daily_average" and row.energy_wh is not None
        assert row.days_estimated >= 1 and abs(row.energy_wh - truth) <= row.days_estimated * 4_000
        assert row.energy_wh >= (max(there.values()) - min(there.values())) // 10
    else:
        assert (row.rule, row.energy_wh) == ("missing", None) and missing & {1, 31}


@given(days=st.lists(st.integers(100, 400), min_size=30, max_size=30), at=st.integers(1, 29), up=st.booleans())
def test_single_wrong_register_is_passed_over(days: list[int], at: int, up: bool) -> None:
    values = running(5_000_000, [day * 100 for day in days])
    wrong = [*values]
    wrong[at] = values[at] * 3 if up else values[at] // 5
    row = one(wrong)
    assert (row.status, row.rule, row.energy_wh) == ("valid", "outlier", sum(days) * 10)
    assert (row.start_e4, row.end_e4) == (values[0], values[-1])


def test_outliers_that_explain_nothing() -> None:
    assert outliers([10, 20, 5, 25, 30], SIX, 1_000) == [2]
    assert outliers([10, 90, 20, 25, 30], SIX, 1_000) == [1]
    assert outliers([100, 10, 20, 30, 40, 50, 60], SIX, 1_000) is None


# --- statuses -------------------------------------------------------------------------------------------------------------


def test_backward_end_is_held_and_no_word_makes_it_right() -> None:
    values = [*steady()[:-1], 500_000]
    row = one(values)
    assert (row.status, row.rule, row.energy_wh) == ("held", "negative", None)
    word = {("P1", 1, "active_fwd", "total"): Accepted(values[0], values[-1], "negative", "clerk", "核对无误")}
    (again,) = made(values, accepted=word)
    assert again.status == "held"


def test_spike_holds_until_a_clerk_accepts_these_very_registers() -> None:
    values = [*steady(a_day=50_000)[:20], *steady(5_000_000, 50_000, 11)]
    row = one(values)
    assert (row.status, row.rule) == ("held", "spike")
    assert row.energy_wh == (values[-1] - values[0]) // 10
    key = ("P1", 1, "active_fwd", "total")
    (accepted,) = made(values, accepted={key: Accepted(values[0], values[-1], "spike", "clerk", "新增设备")})
    assert (accepted.status, accepted.rule, accepted.accepted_by) == ("valid", "accepted", "clerk")
    assert accepted.energy_wh == row.energy_wh and "spike" in accepted.notices
    (other,) = made(values, accepted={key: Accepted(values[0], values[-1] - 100, "spike", "clerk", "新增设备")})
    assert other.status == "held"


def test_small_user_does_not_spike() -> None:
    """Ten times nearly nothing is still nearly nothing: the floor keeps it out."""
    values = [*steady(0, 1_000)[:20], *steady(200_000, 1_000, 11)]
    assert one(values).status == "valid"
    assert one(values, multiplier=100).rule == "spike"


def test_plant_that_delivers_more_than_it_can() -> None:
    values = month_of("M1", steady(0, 100_000 * 30), "active_rev")
    within = one(values, role="export", register="rev", pv_w=13_000)
    assert (within.status, within.quantity) == ("valid", "active_rev")
    beyond = one(values, role="export", register="rev", pv_w=10_000)
    assert (beyond.status, beyond.rule) == ("held", "over_capacity")
    assert one(values, role="export", register="rev", pv_w=None).status == "valid"


def test_zero_run_holds_a_sale_and_spares_an_export() -> None:
    values = [*steady()[:15], *[steady()[14]] * 16]
    assert (one(values).status, one(values).rule) == ("held", "zero_run")
    row = one(month_of("M1", values, "active_rev"), role="export", register="rev")
    assert row.status == "valid"
    still = one([7_000_000] * 31)
    assert (still.status, still.rule, still.energy_wh) == ("valid", "zero_month", 0)


def test_fall_is_remarked() -> None:
    values = [*steady(0, 500_000)[:20], *[steady(0, 500_000)[19] + 50_000 * (step + 1) for step in range(11)]]
    row = one(values)
    assert (row.status, row.rule, row.energy_wh) == ("valid", "drop", values[-1] // 10)
    half = [*steady(0, 500_000)[:20], *[steady(0, 500_000)[19] + 250_000 * (step + 1) for step in range(11)]]
    assert one(half).rule == "checked"
    small = [value // 10 for value in values]
    assert one(small).rule == "checked"


def test_reverse_register_of_a_meter_without_generation_is_remarked() -> None:
    table = pa.concat_tables([month_of("M1", steady()), month_of("M1", steady(0, 1_000), "active_rev")])
    (row,) = made(table)
    assert (row.status, row.rule) == ("valid", "reverse")
    creep = pa.concat_tables([month_of("M1", steady()), month_of("M1", steady(0, 100), "active_rev")])
    assert made(creep)[0].rule == "checked"
    with_plant = made(table, piece(), piece(point_no="P2", register="rev", role="export", pv_w=10_000))
    assert [row.rule for row in with_plant] == ["checked", "checked"]


def test_exchange_without_final_or_start_is_held() -> None:
    at = midnight(date(2026, 4, 20)) + timedelta(hours=15)
    old, new = made(
        pa.concat_tables([month_of("M1", steady()[:16]), month_of("M2", {21: 100, 31: 9_000})]),
        piece("M1", to_at=at),
        piece("M2", piece=2, from_at=at),
    )
    assert [(row.status, row.rule, row.energy_wh) for row in (old, new)] == [
        ("held", "exchange_no_final", None),
        ("held", "no_start", None),
    ]
    entered = [
        Manual("M1", "active_fwd", "total", at, 2_000_000),
        Manual("M2", "active_fwd", "total", at, 0),
    ]
    table = pa.concat_tables([month_of("M1", steady()[:16]), month_of("M2", {21: 100, 31: 9_000})])
    rows = made(table, piece("M1", to_at=at), piece("M2", piece=2, from_at=at), manuals=entered)
    assert [(row.status, row.rule, row.method, row.energy_wh) for row in rows] == [
        ("valid", "manual", "manual", 100_000),
        ("valid", "manual", "manual", 900),
    ]


def test_read_at_the_very_exchange_ends_the_piece() -> None:
    at = datetime.fromisoformat("2026-04-20T15:00:00+08:00")
    rows = [
        {"meter_no": "M1", "read_at": at, "quantity": "active_fwd", "band": "total", "value_e4": 2_100_000},
    ]
    table = pa.concat_tables(
        [month_of("M1", steady()[:19]), pa.Table.from_pylist(rows, schema=arrow_schema(REGISTER_INTAKE))]
    )
    (row,) = made(table, piece("M1", to_at=at))
    assert (row.status, row.end_e4, row.energy_wh) == ("valid", 2_100_000, 110_000)


def test_boundary_between_two_months_is_interpolated() -> None:
    values = {day: value for day, value in enumerate(steady(), start=1) if day < 30}
    beyond = month_of("M1", {1: values[29] + 0, 2: values[29] + 200_000}, month="2026-05").slice(1)
    (row,) = made(pa.concat_tables([month_of("M1", values), beyond]))
    # 29 April and 2 May were read, three days apart: 1 May lies at two thirds.
    assert (row.status, row.rule, row.method, row.days_estimated) == ("estimated", "missing", "interpolated", 1)
    assert row.end_e4 == values[29] + 200_000 * 2 // 3 // 100 * 100


def test_gap_that_is_too_long_is_held() -> None:
    values = {day: value for day, value in enumerate(steady(), start=1) if day < 26}
    row = one(values)
    assert (row.status, row.rule, row.method, row.end_e4) == ("held", "missing", "none", None)
    assert row.energy_wh is None and row.start_e4 == values[1]


def test_bands_reactive_and_demand_come_as_reads_of_their_own() -> None:
    parts = [month_of("M1", steady())]
    for band, share in (("peak", 2), ("valley", 3)):
        table = month_of("M1", steady(0, 50_000 // share))
        parts.append(table.set_column(3, "band", pa.array([band] * 31)))
    parts.append(month_of("M1", steady(0, 20_000), "reactive_fwd"))
    parts.append(month_of("M1", {1: 31_000, 10: 52_500, 31: 0}, "demand"))
    rows = {(row.quantity, row.band): row for row in made(pa.concat_tables(parts), piece(multiplier=20))}
    assert rows["active_fwd", "total"].energy_wh == 30 * 50_000 * 20 // 10
    assert rows["active_fwd", "peak"].energy_wh == 30 * 25_000 * 20 // 10
    assert rows["reactive_fwd", "total"].energy_wh == 30 * 20_000 * 20 // 10
    # The greatest demand that was shown, in W: 5.25 kW x 20.
    assert rows["demand", "total"].energy_wh == 105_000
    assert {row.status for row in rows.values()} == {"valid"}
    assert {key[0] for key in rows} <= set(QUANTITIES.entries) and {key[1] for key in rows} <= set(BANDS.entries)


def test_energy_beyond_an_int64_is_held() -> None:
    row = one({1: 0, 31: 10**13 - 10_000}, integer_digits=9, multiplier=1_000_000)
    assert (row.status, row.rule, row.energy_wh) == ("held", "too_large", None)


def test_net_point_has_both_directions() -> None:
    table = pa.concat_tables([month_of("M1", steady()), month_of("M1", steady(0, 10_000), "active_rev")])
    rows = made(table, piece(role="gateway", register="net", multiplier=50))
    assert [(row.quantity, row.energy_wh) for row in rows] == [
        ("active_fwd", 30 * 50_000 * 50 // 10),
        ("active_rev", 30 * 10_000 * 50 // 10),
    ]


@given(days=daily, missing=st.sets(st.integers(2, 30)))
def test_days_of_a_point_add_up_to_its_read(days: list[int], missing: set[int]) -> None:
    values = running(0, days)
    table = month_of("M1", {day: value for day, value in enumerate(values, start=1) if day not in missing})
    found = evaluate([piece()], table, (), APRIL, BOOK)
    rows = midnights_of(found, "active_fwd", {})
    assert [row.day.day for row in rows] == [*range(1, 31), 1]
    assert sum(row.energy_wh or 0 for row in rows) == sum(days) // 10
    shown = [row.shown_e4 for row in rows]
    assert None not in shown and shown == sorted(shown, key=lambda value: value or 0)
    assert {row.day.day for row in rows[:-1] if row.status == "estimated"} == missing


def test_rule_book_is_complete() -> None:
    codes = {rule.code for rule in RULE_BOOK}
    assert codes | {"checked", "manual", "accepted"} == set(RULES.entries)
    for rule in RULE_BOOK:
        assert rule.title["zh"] and rule.title["en"] and rule.remedy["zh"] and rule.remedy["en"]
    assert in_force(date(2019, 12, 31)) == {}
    assert set(METHODS.entries) == {
        "actual",
        "manual",
        "self_read",
        "sender",
        "interpolated",
        "daily_average",
        "curve",
        "none",
    }

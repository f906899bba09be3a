"""What a sender says he did not measure stays estimated: beside the value, on the day's curve, in what bills take, until he
measures it."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from denghuo.data.analysis import held
from denghuo.kernel.period import midnight
from denghuo.kernel.values import Energy
from denghuo.service.reading.api import (
    MARKED_CURVE_INTAKE,
    MARKED_REGISTER_INTAKE,
    AskHighest,
    CheckedCurve,
    CheckedCurveAsked,
    CurveHistoryAsked,
    CurveMonth,
    CurveRuleRef,
    DraftCurveRule,
    EditCurve,
    EstimatedEndsAsked,
    FindCurveExceptions,
    KnownEnergies,
    MeterMonthAsked,
    MeterSpan,
    PointMonthRef,
    Received,
    RegistersAt,
)
from denghuo.service.reading.batch.checked import CHECKED, checked_table
from denghuo.service.reading.batch.estimates import stands_in
from denghuo.service.reading.batch.intake import CURVES, REGISTERS
from denghuo.service.reading.batch.marks import MARKS
from denghuo.service.reading.rules.curve_book import KINDS, CurveRule
from denghuo.service.reading.rules.curves import HELD, SENDER, STANDS_IN, VALID, VERDICTS, as_spread, as_told
from tests.service.bindings import settle
from tests.service.reading.conftest import Bench, Make
from tests.service.reading.county import MONTH, PERIOD, energy_day, installation, month_of, registers, steady

DAY = date(2026, 4, 13)
SLOTS = 96


@pytest.fixture
def made(bench: Make) -> Bench:
    return bench([installation("P1", "M1"), installation("P2", "M2", account_no="5810200000010")])


def receive(made: Bench, values: list[int], marks: dict[int, str], meter_no: str = "M1") -> Received:
    rows = energy_day(meter_no, DAY, values)
    told = rows.append_column("mark", [[marks.get(slot, "") for slot in range(SLOTS)]])
    received = made.api.receive_curves(made.call(), made.intake(MARKED_CURVE_INTAKE, told))
    settle(made.directory)
    return received


def shown(made: Bench) -> CheckedCurve:
    return made.api.checked_curve(made.call(), CheckedCurveAsked(meter_no="M1", day=DAY))


def test_what_a_sender_estimated_counts_as_it_came_and_is_told_as_estimated(made: Bench) -> None:
    received = receive(made, [250] * SLOTS, dict.fromkeys(range(40, 46), "nem12 E52") | {50: "nem12 S14"})
    assert (received.taken, received.corrected, received.refused) == (SLOTS, 0, 0)
    curve = shown(made)
    assert curve.raw == curve.counted == [Energy(250)] * SLOTS
    assert [slot for slot in range(SLOTS) if curve.estimated[slot]] == [*range(40, 46), 50]
    assert [(one.begins, one.ends, one.status, one.rule, one.method, one.mark) for one in curve.spans] == [
        ("10:00", "11:30", "estimated", "sender", "sender", "nem12 E52"),
        ("12:30", "12:45", "estimated", "sender", "sender", "nem12 S14"),
    ]
    assert (curve.slots_estimated, curve.estimated_energy, curve.marks[50]) == (7, Energy(1_750), "nem12 S14")
    (row,) = made.api.curve_exceptions(made.call(), FindCurveExceptions(rule="sender")).rows
    assert (row.meter_no, row.status, row.slots_estimated, row.estimated_energy) == (
        "M1",
        "estimated",
        7,
        Energy(1_750),
    )
    month = made.api.meter_month(made.call(), MeterMonthAsked(meter_no="M1", month="2026-04"))
    assert (month.slots_estimated, month.estimated_energy) == (7, Energy(1_750))


def test_what_was_spread_from_a_longer_interval_is_no_measurement_unless_the_rule_says_so(made: Bench) -> None:
    receive(made, [250] * SLOTS, dict.fromkeys(range(40, 44), "spread 60") | {50: "nem12 S14"})
    curve = shown(made)
    (spread, _) = curve.spans
    assert (spread.begins, spread.ends, spread.status, spread.rule, spread.method, spread.mark) == (
        "10:00",
        "11:00",
        "estimated",
        "spread",
        "spread",
        "spread 60",
    )
    assert (curve.counted, curve.slots_estimated, curve.estimated_energy) == ([Energy(250)] * SLOTS, 5, Energy(1_250))
    # The demand is of what was measured.
    begins = midnight(DAY)
    asked = AskHighest(
        month="2026-04", spans=[MeterSpan(meter_no="M1", from_at=begins, to_at=begins + timedelta(days=1))]
    )
    assert made.api.highest(made.call(), asked).rows[0].missing == 5
    (row,) = made.api.curve_exceptions(made.call(), FindCurveExceptions(rule="spread")).rows
    assert (row.status, row.slots_estimated) == ("estimated", 5)
    setter = replace(made.call(), permits=frozenset({"reading.set_rules"}))
    for effect, estimated, status in (("notice", 1, "valid"), ("hold", 1, "held"), ("off", 1, "valid")):
        words = {"code": "spread", "effect": effect, "effective_from": DAY, "reason": "半小时表的分摊值视同实测"}
        drafted = made.api.draft_curve_rule(setter, DraftCurveRule.model_validate(words))
        made.api.publish_curve_rule(
            replace(setter, actor="another"), CurveRuleRef(code="spread", version=drafted.version)
        )
        settle(made.directory)
        curve = shown(made)
        assert (curve.slots_estimated, curve.statuses[40]) == (estimated, status)
        assert (curve.rules[40], curve.estimated[40]) == ("checked" if effect == "off" else "spread", False)


def test_a_value_that_is_measured_later_loses_its_mark_even_where_it_is_the_same(made: Bench) -> None:
    receive(made, [250] * SLOTS, {40: "espi 8", 41: "espi 8", 42: "espi 8"})
    again = receive(made, [250] * SLOTS, {41: "espi 8"})
    assert (again.unchanged, again.corrected) == (SLOTS, 0)
    assert [slot for slot in range(SLOTS) if shown(made).estimated[slot]] == [41]
    # An intake of a sender who marks nothing measured all that it holds.
    made.receive_curves(energy_day("M1", DAY, [250] * SLOTS))
    settle(made.directory)
    curve = shown(made)
    assert not any(curve.estimated) and curve.marks == [None] * SLOTS and curve.spans == []
    receive(made, [250] * SLOTS, {7: "espi 9"}, meter_no="M2")
    made.receive_curves(energy_day("M1", DAY, [260] * SLOTS))
    settle(made.directory)
    other = made.api.checked_curve(made.call(), CheckedCurveAsked(meter_no="M2", day=DAY))
    assert other.marks[7] == "espi 9" and other.slots_estimated == 1


def test_neither_a_check_nor_a_clerk_makes_an_estimate_a_measurement(
    made: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    week_before = [energy_day("M1", DAY - timedelta(days=7), [250] * SLOTS)]
    made.receive_curves(*week_before)
    receive(made, [250] * 60 + [9_000] + [250] * 35, {60: "cim 3.8.1", 61: "cim 3.8.1"})
    curve = shown(made)
    assert (curve.statuses[60], curve.rules[60], curve.estimated[60]) == ("held", "spike", True)
    words = {"meter_no": "M1", "day": DAY, "begins": "15:00", "reason": "现场核实"}
    asked = EditCurve.model_validate(words | {"ends": "15:15", "way": "accept"})
    curve = made.api.edit_curve(made.call(), asked)
    assert (curve.statuses[60], curve.rules[60], curve.marks[60]) == ("estimated", "sender", "cim 3.8.1")
    # What a clerk puts in stands before what the sender guessed, and is the clerk's word then.
    asked = EditCurve.model_validate(words | {"ends": "15:30", "way": "value", "energy": Energy(400)})
    curve = made.api.edit_curve(made.call(), asked)
    assert (curve.counted[60], curve.methods[60], curve.marks[60]) == (Energy(200), "manual", None)

    def told() -> list[object]:
        month = CurveMonth(subject="M1", month="2026-04")
        return [
            made.api.checked_curve(made.call(), CheckedCurveAsked(meter_no="M1", day=DAY)),
            made.api.meter_month(made.call(), MeterMonthAsked(meter_no="M1", month="2026-04")),
            made.api.curve_month(made.call(), month),
            made.api.curve_month(made.call(), month.model_copy(update={"known_at": curve.as_of})),
            made.api.curve_history(made.call(), CurveHistoryAsked(meter_no="M1", day=DAY)),
        ]

    # Files too large to be held in memory give the same, by their columns and by the blocks beside them.
    of_small = told()
    monkeypatch.setattr(held, "CELLS_MAX", 0)
    assert told() == of_small
    kinds = [of["active_fwd_wh"] for of in (CURVES, CHECKED, MARKS)]
    lake = made.directory.hosted["reading"].store.lake
    assert lake.add_blocks(kinds, DAY - timedelta(days=7), DAY) == 10
    assert told() == of_small


def test_bills_take_what_a_sender_estimated_as_an_estimate_of_the_same_energy() -> None:
    raw = np.full((1, SLOTS), 250)
    estimate, verdict = np.full_like(raw, -1), np.zeros(raw.shape, dtype=np.int8)
    told = np.arange(SLOTS)[None, :] < 4
    as_told(raw, estimate, verdict, told)
    checked = checked_table("active_fwd_wh", ["M1"], estimate, verdict)
    later = raw + told  # the sender corrected himself, and nobody has checked the day since
    curves = CURVES["active_fwd_wh"].schema
    rows = {"subject": ["M1"]} | {name: [int(later[0, at])] for at, name in enumerate(curves.names[1:])}
    found = stands_in(checked, pa.table(rows, schema=curves))
    assert found.filled.tolist() == told.tolist()
    assert found.energy[told].tolist() == found.received[told].tolist() == [251] * 4


@given(st.lists(st.tuples(st.integers(-1, 10**6), st.sampled_from(range(len(VERDICTS))), st.booleans()), min_size=1))
def test_a_mark_touches_values_that_passed_and_no_others(slots: list[tuple[int, int, bool]]) -> None:
    raw, before, told = (np.array([column]) for column in zip(*slots, strict=True))
    estimate, verdict = np.full_like(raw, -1), before.copy()
    as_told(raw, estimate, verdict, told)
    for value, was, mark, now, put_in in zip(raw[0], before[0], told[0], verdict[0], estimate[0], strict=True):
        if mark and value >= 0 and VERDICTS[was].status == "valid":
            assert (now, put_in) == (SENDER, value)
        else:
            assert (now, put_in) == (was, -1)
    assert SENDER in STANDS_IN and SENDER not in HELD and SENDER != VALID


@given(
    st.lists(st.tuples(st.integers(-1, 10**6), st.sampled_from(range(len(VERDICTS))), st.booleans()), min_size=1),
    st.sampled_from(KINDS["spread"].effects),
)
def test_the_rule_of_spread_values_touches_what_passed_and_no_others(
    slots: list[tuple[int, int, bool]], effect: str
) -> None:
    """What a clerk accepted is not held again; a remark of another rule stands beside no weaker one."""
    raw, before, spread = (np.array([column]) for column in zip(*slots, strict=True))
    estimate, verdict = np.full_like(raw, -1), before.copy()
    as_spread(raw, estimate, verdict, spread, CurveRule("spread", "all", effect))
    for value, was, mark, now, put_in in zip(raw[0], before[0], spread[0], verdict[0], estimate[0], strict=True):
        old, new = VERDICTS[was], VERDICTS[now]
        passed = old.status == "valid" and not (effect == "notice" and old.rule != "checked")
        if effect == "off" or not (mark and value >= 0 and passed) or (effect == "hold" and old.rule == "accepted"):
            assert (now, put_in) == (was, -1)
        else:
            assert (new.rule, new.status) == (
                "spread",
                {"estimate": "estimated", "hold": "held", "notice": "valid"}[effect],
            )
            assert put_in == (value if effect == "estimate" else -1)


# --- registers --------------------------------------------------------------------------------------------------------------


def send(made: Bench, *rows: tuple[date, int, str]) -> Received:
    """Registers of M1 at midnights, with the marks of their sender."""
    table = registers(*(("M1", day, value) for day, value, _ in rows))
    told = table.append_column("mark", pa.array([mark for *_, mark in rows]))
    return made.api.receive_registers(made.call(), made.intake(MARKED_REGISTER_INTAKE, told))


def test_a_register_that_its_sender_estimated_ends_the_month_until_one_is_read(made: Bench) -> None:
    ends = PERIOD.end.date() + timedelta(days=1)
    assert ends == date(2026, 5, 1)
    made.receive(month_of("M1", steady()[:12]))
    received = send(made, (date(2026, 4, 20), 1_900_000, "cim 3.8.1"), (ends, 2_600_000, "nem12 E52"))
    assert (received.taken, received.refused) == (2, 0)
    assert send(made, (ends, 2_600_000, "nem12 S14")).unchanged == 1
    assert send(made, (ends, 2_600_000, "nem12 E52")).unchanged == 1
    assert len(made.lake.scan(REGISTERS, date(2026, 4, 1), ends)) == 12
    made.run()
    read = made.one(point_no="P1")
    # It lies further from the last register read than our own rules would reach.
    assert (read.status, read.rule, read.method, str(read.end)) == ("estimated", "sender", "sender", "260.00")
    assert (read.end_source, read.end_mark, read.start_mark) == ("sender", "nem12 E52", None)
    assert read.chain is not None and read.chain.en.endswith("Estimated by the sender (nem12 E52, taken)")
    (end,) = made.api.estimated_ends(made.call(), EstimatedEndsAsked(month=MONTH, point_nos=["P1"])).rows
    assert (end.method, str(end.energy)) == ("sender", "105")
    days = made.api.point_month(made.call(), PointMonthRef(point_no="P1", month=MONTH)).days
    assert [(str(one.day), str(one.sent), one.mark, one.method) for one in days if one.sent is not None] == [
        ("2026-04-20", "190.00", "cim 3.8.1", "interpolated"),
        ("2026-05-01", "260.00", "nem12 E52", "sender"),
    ]
    # Inside the month it is shown and nothing rests on it.
    inside = RegistersAt(month=MONTH, day=date(2026, 4, 20), point_nos=["P1"])
    assert made.api.registers_at(made.call(), inside).rows[0].method == "interpolated"
    known = made.call().now
    made.receive(registers(("M1", ends, 2_500_000)))
    made.run()
    read = made.one(point_no="P1")
    assert (read.status, read.method, str(read.end), read.end_mark) == ("valid", "actual", "250.00", None)
    (before,) = made.api.known_energies(
        made.call(), KnownEnergies(month=MONTH, account_nos=["5810100000019"], known_at=known)
    ).rows
    assert (str(before.end), before.method) == ("260.00", "sender")


def test_of_a_register_sent_as_read_and_as_estimated_the_read_one_counts(made: Bench) -> None:
    ends = date(2026, 5, 1)
    made.receive(month_of("M1", steady()[:12]))
    received = send(made, (ends, 2_500_000, ""), (ends, 2_600_000, "nem12 E52"))
    assert (received.taken, received.refused) == (2, 0)
    made.run()
    assert (made.one(point_no="P1").method, str(made.one(point_no="P1").end)) == ("actual", "250.00")

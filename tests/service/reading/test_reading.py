"""Reading through both bindings: intakes, corrections, replay, review, scope."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest

from denghuo.data.processing.parts import Processes
from denghuo.kernel.contract import Call, Message
from denghuo.kernel.period import midnight
from denghuo.kernel.problem import Invalid, NotPermitted, Unavailable
from denghuo.kernel.values import Energy, Register
from denghuo.service.reading.api import (
    CURVE_INTAKE,
    REFUSALS,
    REGISTER_INTAKE,
    Accept,
    AccountMonth,
    AnyMonth,
    AskHighest,
    AtomsPublished,
    CurveDay,
    CurveMonth,
    CurveNotFound,
    EstimatedEndsAsked,
    FindExceptions,
    FindPlan,
    FindReads,
    FindRefused,
    Implausible,
    Intake,
    KnownEnergies,
    MeterAtoms,
    MeterSpan,
    MeterSums,
    MonthRef,
    NothingToAccept,
    NotPlanned,
    NotYet,
    PointMonthRef,
    PublishAtoms,
    RegistersAt,
    Resolve,
    RulesOn,
    TooManyDigits,
    UnitsToTell,
    WholeCompanyOnly,
    WrongIntake,
)
from denghuo.service.reading.batch.intake import CURVES, REASONS, REGISTERS
from denghuo.service.reading.service.atoms import publish_atoms
from tests.service.bindings import NOW
from tests.service.reading.conftest import Bench, Make, later
from tests.service.reading.county import MONTH, curve_rows, energy_day, installation, month_of, registers, steady

MINE, THEIRS = "5810100000019", "5810200000010"
CLERK = Call(
    actor="reader", now=NOW, permits=frozenset({"reading.read", "reading.review"}), scope=("1405810.01",), channel="pc"
)
REASON = "现场核实，拍照留存"


def county(bench: Make) -> Bench:
    """Two stations with a user each, and a gateway at the first."""
    return bench(
        [
            installation("P1", "M1", account_no=MINE),
            installation("P2", "M2", account_no=THEIRS, org="1405810.02", area_no="TG002"),
            installation("TG001-G", "G1", account_no=None, role="gateway", register="net", multiplier=50),
        ]
    )


def read_county(bench: Make, *first: pa.Table) -> Bench:
    made = county(bench)
    made.receive(
        *(first or (month_of("M1", steady()),)),
        *(() if len(first) > 1 else (month_of("M2", steady()),)),
        month_of("G1", steady()),
        month_of("G1", steady(0, 0), "active_rev"),
    )
    made.run()
    return made


# --- intakes --------------------------------------------------------------------------------------------------------------


def test_refused_rows_say_why_and_are_kept(bench: Make) -> None:
    made = bench(
        [
            installation("P1", "M1", from_at=midnight(date(2026, 4, 10))),
            installation("P3", "M3", to_at=midnight(date(2026, 4, 5)), integer_digits=5, decimal_digits=1),
        ]
    )
    good = ("M1", date(2026, 4, 11), 1_000)
    received = made.receive(
        registers(
            good,
            ("M9", date(2026, 4, 11), 1_000),
            ("M1", date(2026, 4, 9), 1_000),
            ("M3", date(2026, 4, 6), 1_000),
            ("M1", datetime(2099, 1, 1, tzinfo=UTC) - timedelta(days=1), 1_000),
            ("M1", date(2026, 4, 12), -100),
            ("M1", date(2026, 4, 13), 10**10),
            ("M1", date(2026, 4, 13), 1),
            ("M3", date(2026, 4, 4), 10**9),
            ("M3", date(2026, 4, 4), 100),
            ("M1", date(2026, 4, 14), None),
            ("M1", date(2026, 4, 15), 1_000, "colour"),
            ("M1", date(2026, 4, 16), 1_000),
            ("M1", date(2026, 4, 16), 2_000),
        )
    )
    assert received.taken == 2 and list(REASONS) == list(REFUSALS.entries)
    assert [(row.subject, row.code) for row in received.refused_rows] == [
        ("M9", "unknown_subject"),
        ("M1", "not_installed"),
        ("M3", "not_installed"),
        ("M1", "future"),
        ("M1", "negative"),
        ("M1", "digits"),
        ("M1", "digits"),
        ("M3", "digits"),
        ("M3", "digits"),
        ("M1", "empty"),
        ("M1", "unknown_code"),
        ("M1", "superseded"),
    ]
    assert received.refused == 12 and received.refused_rows[-1].value == "1000"
    kept = made.lake.scan(REGISTERS, date(2026, 4, 1), date(2026, 4, 30)).to_pylist()
    assert [(row["day"].day, row["value_e4"]) for row in kept] == [(11, 1_000), (16, 2_000)]
    found = made.api.refused(made.call(), FindRefused())
    assert found.total == 12 and {row.code for row in found.rows} >= {"future", "superseded"}
    assert all(row.reason.zh and row.reason.en for row in found.rows)
    page = made.api.refused(made.call(), FindRefused(limit=5))
    following = made.api.refused(made.call(), FindRefused(limit=50, after=page.next))
    assert [row.code for row in (*page.rows, *following.rows)] == [row.code for row in found.rows]


def test_same_intake_again_changes_nothing(bench: Make) -> None:
    made = county(bench)
    table = pa.concat_tables([month_of("M1", steady()), registers(("M9", date(2026, 4, 1), 1))])
    first = made.receive(table)
    again = made.receive(table)
    assert (first.taken, again.taken, again.unchanged, again.corrected, again.refused) == (31, 0, 31, 0, 1)
    assert made.api.refused(made.call(), FindRefused()).total == 1
    assert len(made.lake.versions(REGISTERS, date(2026, 4, 1))) == 1
    keyed = made.call().keyed("file-1:0")
    request = made.intake(REGISTER_INTAKE, table)
    assert made.api.receive_registers(keyed, request) == made.api.receive_registers(keyed, request)


def test_correction_is_a_new_version_and_changes_only_its_read(bench: Make) -> None:
    made = read_county(bench)
    before = {row.point_no: row for row in made.reads(status="valid")}
    corrected = made.receive(registers(("M1", date(2026, 5, 1), 2_600_000)))
    assert (corrected.taken, corrected.corrected) == (0, 1)
    run = made.run()
    assert run.changed == 1
    after = {row.point_no: row for row in made.reads(status="valid")}
    assert after["P1"].end == Register(2_600_000) and after["P1"].version == 2
    assert after["P1"].energy == Energy(160_000)
    assert after["P2"] == before["P2"]
    first, second = made.lake.versions(REGISTERS, date(2026, 5, 1))
    raw = [row["value_e4"] for row in made.lake.version(REGISTERS, first).to_pylist() if row["meter_no"] == "M1"]
    assert raw == [2_500_000] and second.version == 2
    with made.database.connection() as connection:
        past = connection.execute("SELECT point_no, end_e4, version FROM reading.month_read_past").fetchall()
    assert past == [("P1", 2_500_000, 1)]


def test_events_of_an_intake_name_month_and_counts(bench: Make) -> None:
    made = county(bench)
    made.receive(month_of("M1", steady()))
    made.receive(month_of("M1", steady()))
    with made.database.connection() as connection:
        found = [row[0] for row in connection.execute("SELECT events FROM reading.journal ORDER BY seq")]
    orders = [order for row in found for order in row if "job" in order]
    events = [event for row in found for event in row if "type" in event]
    # The first midnight of a month closes the one before; the same rows again close nothing.
    assert [(order["job"], order["data"]["month"]) for order in orders] == [
        ("reading.tell_units", "2026-03"),
        ("reading.tell_units", "2026-04"),
    ]
    for order in orders:
        made.api.tell_units(made.call(), UnitsToTell.model_validate(order["data"]))
    with made.database.connection() as connection:
        told = connection.execute(
            "SELECT month, sum(read) FROM reading.unit_read GROUP BY month ORDER BY month"
        ).fetchall()
    # A meter is read in a month that it was read at the beginning of.
    assert told == [("2026-03", 0), ("2026-04", 1)]
    assert [(event["type"], *event["data"].values()) for event in events] == [
        ("reading.registers.received.v1", "2026-03", 1, 0),
        ("reading.registers.received.v1", "2026-04", 30, 0),
    ]


def test_months_are_those_that_registers_close_newest_first(bench: Make) -> None:
    made = county(bench)
    assert made.api.months(made.call(), AnyMonth()).rows == []
    # 31 midnights of April: the first closes March; the same rows again count once.
    made.receive(month_of("M1", steady()), month_of("M2", steady()))
    made.receive(month_of("M1", steady()))
    found = made.api.months(CLERK, AnyMonth()).rows
    assert [(row.month, row.registers) for row in found] == [("2026-04", 60), ("2026-03", 2)]
    holder = replace(CLERK, scope=("",), accounts=(THEIRS,))
    assert made.api.months(holder, AnyMonth()).rows == made.api.months(replace(CLERK, scope=()), AnyMonth()).rows == []


def test_wrong_dataset_is_refused(bench: Make) -> None:
    made = county(bench)
    request = made.intake(CURVE_INTAKE, curve_rows(("gateway_power_w", "TG001", NOW, 1)))
    with pytest.raises(WrongIntake) as raised:
        made.api.receive_registers(made.call(), request)
    assert raised.value.expected == "reading.register_intake"
    with pytest.raises(WrongIntake):
        made.api.receive_curves(made.call(), made.intake(REGISTER_INTAKE, month_of("M1", [1])))


# --- the month ------------------------------------------------------------------------------------------------------------


def test_late_register_replaces_the_estimate(bench: Make) -> None:
    made = read_county(bench, month_of("M1", steady()[:29]))
    estimated = made.one(point_no="P1")
    assert (estimated.status, estimated.method, estimated.days_estimated) == ("estimated", "daily_average", 2)
    assert estimated.energy == Energy(150_000)
    assert made.energy()["P1", 1, "active_fwd"]["days_estimated"] == 2
    made.receive(registers(("M1", date(2026, 5, 1), 2_450_000)))
    made.run()
    real = made.one(point_no="P1")
    assert (real.status, real.rule, real.days_estimated, real.energy) == ("valid", "missing_days", 0, Energy(145_000))


def test_month_without_any_register_is_held_not_zero(bench: Make) -> None:
    made = county(bench)
    run = made.run()
    assert (run.held, run.valid) == (4, 0)
    assert {row["energy_wh"] for row in made.energy().values()} == {None}
    progress = made.api.progress(made.call(), MonthRef(month=MONTH))
    assert (progress.total.planned, progress.total.collected, progress.total.held) == (3, 0, 3)
    assert str(progress.total.collection_rate) == "0.00" or str(progress.total.collection_rate) == "0"


def test_point_that_left_the_plan_leaves_the_reads(bench: Make) -> None:
    made = read_county(bench)
    assert made.api.plan(made.call(), FindPlan(month=MONTH)).total == 3
    smaller = bench([installation("P1", "M1", account_no=MINE)])
    smaller.calls = made.calls
    assert smaller.api.plan_month(smaller.call(), MonthRef(month=MONTH)).changed == 2
    smaller.run()
    assert [row.point_no for row in smaller.reads()] == ["P1"]
    assert set(smaller.energy()) == {("P1", 1, "active_fwd")}


def test_pages_cover_all_reads_once(bench: Make) -> None:
    made = read_county(bench)
    seen: list[tuple[str, str]] = []
    after: str | None = None
    while True:
        page = made.api.reads(made.call(), FindReads(month=MONTH, limit=2, after=after))
        seen += [(row.point_no, row.quantity) for row in page.rows]
        after = page.next
        if after is None:
            break
    assert seen == sorted(set(seen)) and len(seen) == page.total == 4
    assert len({row.row_key for row in made.reads()}) == 4
    for hostile in ("x", "a|b|c|d", "'; DROP TABLE plan; --", "P1|999999999999|a|b"):
        assert made.api.reads(made.call(), FindReads(month=MONTH, after=hostile)).total == 4


def test_plan_and_run_are_for_the_company(bench: Make) -> None:
    made = county(bench)
    manager = Call(actor="m", now=NOW, permits=frozenset({"reading.*"}), scope=("1405810.01",))
    for command in (made.api.plan_month, made.api.read_month):
        with pytest.raises(WholeCompanyOnly):
            command(manager, MonthRef(month=MONTH))
    assert made.api.plan_month(replace(manager, scope=("1405810",)), MonthRef(month=MONTH)).pieces == 3
    with pytest.raises(NotPermitted):
        made.api.read_month(CLERK, MonthRef(month=MONTH))


def test_rules_are_listed_with_their_dates(bench: Make) -> None:
    made = county(bench)
    rows = made.api.rules(made.call(), RulesOn()).rows
    assert {row.code for row in rows} >= {"missing", "negative", "rollover", "spike", "exchange_no_final", "zero_run"}
    told = {row.code: row.parameters for row in rows}
    assert told["spike"] is not None and told["negative"] is None
    assert told["spike"].zh == "超过中位数 10 倍；日电量下限 50 千瓦时；至少 5 天；用途 售电、套表分表"
    # No rule is told by the bare name of a parameter.
    assert not [code for code, one in told.items() if one and ("_" in one.zh or "_" in one.en)]
    assert made.api.rules(made.call(), RulesOn(on=date(2019, 1, 1))).rows == []


# --- review ---------------------------------------------------------------------------------------------------------------


def held_exchange(bench: Make) -> Bench:
    at = datetime.fromisoformat("2026-04-20T15:00:00+08:00")
    made = bench(
        [
            installation("P1", "M1", account_no=MINE, to_at=at, multiplier=20),
            installation("P1", "M2", account_no=MINE, piece=2, from_at=at, start_e4=0, multiplier=20),
        ]
    )
    made.receive(month_of("M1", steady()[:16]), month_of("M2", {21: 10_000, 31: 400_000}))
    made.run()
    return made


def test_clerk_enters_the_missing_final_register(bench: Make) -> None:
    made = held_exchange(bench)
    (held,) = made.api.exceptions(CLERK, FindExceptions(month=MONTH, notices=False)).rows
    assert (held.rule, held.piece, held.may_accept, held.end) == ("exchange_no_final", 1, False, None)
    request = Resolve(month=MONTH, point_no="P1", piece=1, shown=Register(1_900_000), reason=REASON)

    with pytest.raises(TooManyDigits) as digits:
        made.api.resolve(CLERK, request.model_copy(update={"shown": Register(1_900_001)}))
    assert (digits.value.integer_digits, digits.value.decimal_digits) == (6, 2)
    with pytest.raises(Implausible) as low:
        made.api.resolve(CLERK, request.model_copy(update={"shown": Register(1_000_000)}))
    assert (low.value.rule, low.value.lowest) == ("negative", "175.00")
    with pytest.raises(Implausible) as high:
        made.api.resolve(CLERK, request.model_copy(update={"shown": Register(9_000_000)}))
    assert high.value.rule == "spike"
    with pytest.raises(NothingToAccept):
        made.api.accept(CLERK, Accept(month=MONTH, point_no="P1", piece=1, reason=REASON))
    with pytest.raises(NotPlanned):
        made.api.resolve(CLERK, request.model_copy(update={"piece": 3}))
    assert made.run().changed == 0

    reviewed = made.api.resolve(CLERK, request)
    assert (reviewed.read.status, reviewed.read.rule, reviewed.read.method) == ("valid", "manual", "manual")
    assert reviewed.read.energy == Energy(900_000 * 20 // 10)
    assert made.energy()["P1", 1, "active_fwd"]["energy_wh"] == 1_800_000
    assert made.run().changed == 0 and made.run().energy == reviewed.energy
    # The raw registers are as they were received.
    raw = made.lake.scan(REGISTERS, date(2026, 4, 20), date(2026, 4, 20)).to_pylist()
    assert raw == []
    with made.database.connection() as connection:
        (entered,) = connection.execute(
            "SELECT meter_no, value_e4, version, reason, entered_by FROM reading.manual_read"
        ).fetchall()
        (events,) = [
            found
            for (found,) in connection.execute("SELECT events FROM reading.journal WHERE operation = 'reading.resolve'")
        ]
    assert entered == ("M1", 1_900_000, 1, REASON, "reader")
    assert events == [
        {"type": "reading.energy.corrected.v1", "data": {"month": MONTH}},
        {"type": "reading.read.corrected.v1", "data": {"point_no": "P1", "account_no": MINE, "month": MONTH}},
    ]


def test_high_register_that_was_checked_on_site_is_taken(bench: Make) -> None:
    made = held_exchange(bench)
    request = Resolve(month=MONTH, point_no="P1", piece=1, shown=Register(9_000_000), reason=REASON, confirmed=True)
    reviewed = made.api.resolve(CLERK, request)
    assert (reviewed.read.status, reviewed.read.rule, reviewed.read.accepted_by) == ("valid", "accepted", "reader")
    assert reviewed.read.remark == REASON and "spike" in reviewed.read.notices
    assert reviewed.read.energy == Energy(8_000_000 * 20 // 10)


def test_entered_register_may_be_corrected_again(bench: Make) -> None:
    made = held_exchange(bench)
    request = Resolve(month=MONTH, point_no="P1", piece=1, shown=Register(1_900_000), reason=REASON)
    made.api.resolve(CLERK, request)
    made.api.resolve(CLERK, request.model_copy(update={"shown": Register(1_950_000)}))
    assert made.one(point_no="P1", meter_no="M1").energy == Energy(1_900_000)
    with made.database.connection() as connection:
        versions = connection.execute("SELECT version, value_e4 FROM reading.manual_read ORDER BY version").fetchall()
    assert versions == [(1, 1_900_000), (2, 1_950_000)]


def test_wrong_raw_end_is_replaced_by_what_was_seen(bench: Make) -> None:
    made = read_county(bench, month_of("M1", [*steady()[:-1], 500_000]))
    assert made.one(point_no="P1").rule == "negative"
    reviewed = made.api.resolve(CLERK, Resolve(month=MONTH, point_no="P1", shown=Register(2_500_000), reason=REASON))
    assert (reviewed.read.status, reviewed.read.energy) == ("valid", Energy(150_000))
    point = made.api.point_month(CLERK, PointMonthRef(point_no="P1", month=MONTH))
    last = point.days[-1]
    assert (last.raw, last.shown, last.method) == (Register(500_000), Register(2_500_000), "manual")
    assert point.energies[-1] == Energy(5_000)


def test_registers_at_a_midnight_are_read_or_lie_between_their_neighbours(bench: Make) -> None:
    """What a bill needs where its terms change within the month; points of another unit are not told."""
    shown = [*steady()]
    made = read_county(bench, month_of("M1", {day: value for day, value in enumerate(shown, 1) if day not in (9, 10)}))

    def at(day: int) -> list[tuple[str, Register | None, str]]:
        request = RegistersAt(month=MONTH, day=date(2026, 4, day), point_nos=["P1", "P2"])
        rows = made.api.registers_at(CLERK, request).rows
        return [(row.point_no, row.shown, row.method) for row in rows if row.quantity == "active_fwd"]

    assert at(15) == [("P1", Register(shown[14]), "actual")]
    assert at(9) == [("P1", Register(shown[8]), "interpolated")]
    assert at(1) == []


def test_a_months_days_are_told_of_each_band_that_the_meter_has(bench: Make) -> None:
    made = read_county(bench)
    valley = month_of("M1", steady(200_000, 20_000))
    made.receive(valley.set_column(valley.column_names.index("band"), "band", pa.array(["valley"] * 31)))
    point = made.api.point_month(CLERK, PointMonthRef(point_no="P1", month=MONTH, band="valley"))
    assert point.days[-1].shown == Register(800_000) and point.energies == [Energy(2_000)] * 30
    with pytest.raises(NotPlanned):
        made.api.point_month(CLERK, PointMonthRef(point_no="P1", month=MONTH, band="peak"))


def test_a_running_month_is_told_until_its_newest_midnight_and_the_reads_of_the_month_stay(bench: Make) -> None:
    made = county(bench)
    made.receive(month_of("M1", steady(days=16)), month_of("M2", steady(days=14)), month_of("G1", steady(days=16)))
    early = Call.system(datetime(2026, 4, 16, 2, tzinfo=UTC))
    told = made.api.publish_so_far(early, MonthRef(month=MONTH))
    assert told.until == date(2026, 4, 16) and told.energy is not None
    rows = {(row["point_no"], row["quantity"]): row for row in made.datasets.scan(told.energy).to_pylist()}
    first = rows["P1", "active_fwd"]
    assert (first["energy_wh"], first["status"], first["to_at"]) == (75_000, "valid", midnight(date(2026, 4, 16)))
    assert (rows["P2", "active_fwd"]["status"], rows["P2", "active_fwd"]["energy_wh"]) == ("held", None)
    assert made.reads() == []
    before = made.api.publish_so_far(Call.system(datetime(2026, 4, 1, 2, tzinfo=UTC)), MonthRef(month=MONTH))
    assert (before.until, before.energy) == (None, None)
    with pytest.raises(WholeCompanyOnly):
        made.api.publish_so_far(replace(CLERK, permits=frozenset({"*"})), MonthRef(month=MONTH))


def test_register_of_a_time_to_come_is_refused(bench: Make) -> None:
    made = read_county(bench)
    early = replace(CLERK, now=datetime(2026, 4, 20, tzinfo=UTC))
    with pytest.raises(NotYet):
        made.api.resolve(early, Resolve(month=MONTH, point_no="P1", shown=Register(2_500_000), reason=REASON))


def test_suspicious_value_is_accepted_with_a_reason(bench: Make) -> None:
    made = read_county(bench, month_of("M1", [*steady()[:15], *[steady()[14]] * 16]))
    (held,) = made.api.exceptions(CLERK, FindExceptions(month=MONTH, notices=False)).rows
    assert (held.rule, held.may_accept, held.energy) == ("zero_run", True, Energy(70_000))
    assert made.energy()["P1", 1, "active_fwd"]["energy_wh"] is None
    reviewed = made.api.accept(CLERK, Accept(month=MONTH, point_no="P1", reason=REASON))
    assert (reviewed.read.status, reviewed.read.rule, reviewed.read.remark) == ("valid", "accepted", REASON)
    assert made.energy()["P1", 1, "active_fwd"]["energy_wh"] == 70_000
    assert made.run().changed == 0
    with pytest.raises(NothingToAccept):
        made.api.accept(CLERK, Accept(month=MONTH, point_no="P1", reason=REASON))
    # Another register is another value: the word lapses.
    made.receive(registers(("M1", date(2026, 5, 1), 1_700_100)))
    made.run()
    assert made.one(point_no="P1").status == "held"


def test_reason_is_needed_and_amounts_are_sane(bench: Make) -> None:
    made = held_exchange(bench)
    for bad in ({"shown": Register(-100)}, {"shown": Register(10**22)}):
        with pytest.raises(TooManyDigits):
            made.api.resolve(CLERK, Resolve(month=MONTH, point_no="P1", reason=REASON, **bad))
    with pytest.raises((ValueError, Invalid)):
        Resolve.model_validate({"month": MONTH, "point_no": "P1", "shown": "1", "reason": " x "})


# --- curves ---------------------------------------------------------------------------------------------------------------


def test_curve_of_a_day_with_gaps_and_corrections(bench: Make) -> None:
    made = county(bench)
    start = midnight(date(2026, 4, 13))
    quarter = timedelta(minutes=15)
    received = made.receive_curves(
        curve_rows(
            ("gateway_power_w", "TG001", start, 32_850),
            ("gateway_power_w", "TG001", start + quarter, None),
            ("gateway_power_w", "TG001", start + 2 * quarter, -5),
            ("gateway_power_w", "TG001", start + 95 * quarter, 7),
            ("gateway_power_w", "TG009", start, 1),
            ("gateway_power_w", "M1", start, 1),
            ("voltage_dv", "M1", start, 2_346),
            ("colour", "TG001", start, 1),
            ("gateway_power_w", "TG001", start + timedelta(minutes=7), 1),
        )
    )
    assert received.taken == 4
    assert [row.code for row in received.refused_rows] == [
        "unknown_subject",
        "unknown_subject",
        "unknown_code",
        "off_slot",
    ]
    day = made.api.curve(made.call(), CurveDay(subject="TG001", day=date(2026, 4, 13)))
    assert len(day.power) == 96 and (day.received, day.expected, day.minutes) == (3, 96, 15)
    assert [None if value is None else str(value) for value in day.power[:3]] == ["32.85", None, "-0.005"]
    assert str(day.power[95]) == "0.007" and day.reactive == day.voltage == []
    late = made.receive_curves(curve_rows(("gateway_power_w", "TG001", start + quarter, 9)))
    assert (late.taken, late.corrected) == (1, 0)
    month = made.api.curve_month(made.call(), CurveMonth(subject="TG001", month=MONTH))
    assert len(month.power) == 30 * 96 and month.received == 4
    assert str(month.power[12 * 96 + 1]) == "0.009"
    volts = made.api.curve(made.call(), CurveDay(subject="M1", day=date(2026, 4, 13)))
    assert str(volts.voltage[0]) == "234.6" and volts.power == []
    empty = made.api.curve(made.call(), CurveDay(subject="TG001", day=date(2026, 4, 14)))
    assert empty.power == [] and empty.received == 0
    with pytest.raises(CurveNotFound):
        made.api.curve(made.call(), CurveDay(subject="TG404", day=date(2026, 4, 13)))


# --- scope ----------------------------------------------------------------------------------------------------------------

QUERIES: list[tuple[str, Message]] = [
    ("plan", FindPlan(month=MONTH)),
    ("reads", FindReads(month=MONTH)),
    ("exceptions", FindExceptions(month=MONTH)),
    ("progress", MonthRef(month=MONTH)),
    ("account_reads", AccountMonth(account_no=THEIRS)),
    ("refused", FindRefused()),
]


def outside(bench: Make) -> Bench:
    """Either station has an exception, and a refused row."""
    made = read_county(
        bench, month_of("M1", [*steady()[:15], *[steady()[14]] * 16]), month_of("M2", {1: 100, 9: 200, 31: 300})
    )
    made.receive(registers(("M1", date(2026, 4, 3), 1), ("M2", date(2026, 4, 3), 1)))
    return made


@pytest.mark.parametrize(("operation", "request_"), QUERIES, ids=[name for name, _ in QUERIES])
def test_clerk_of_another_station_sees_nothing(bench: Make, operation: str, request_: Message) -> None:
    made = outside(bench)
    query: Callable[[Call, Any], Any] = getattr(made.api, operation)
    theirs = replace(CLERK, scope=("1405810.02",))
    everything = query(made.call(), request_).model_dump_json()
    assert "M2" in everything or THEIRS in everything or "1405810.02" in everything
    seen = query(theirs, request_).model_dump_json()
    assert "1405810.01" not in seen and "M1" not in seen and MINE not in seen and "G1" not in seen
    mine = query(CLERK, request_)
    assert "1405810.02" not in mine.model_dump_json() and "M2" not in mine.model_dump_json()
    nobody = query(replace(CLERK, scope=()), request_)
    assert nobody.rows == []


def test_clerk_of_another_station_can_neither_look_at_nor_review_a_point(bench: Make) -> None:
    made = outside(bench)
    made.receive_curves(curve_rows(("gateway_power_w", "TG001", midnight(date(2026, 4, 13)), 1)))
    theirs = replace(CLERK, scope=("1405810.02",))
    with pytest.raises(NotPlanned):
        made.api.point_month(theirs, PointMonthRef(point_no="P1", month=MONTH))
    with pytest.raises(NotPlanned):
        made.api.resolve(theirs, Resolve(month=MONTH, point_no="P1", shown=Register(2_500_000), reason=REASON))
    with pytest.raises(NotPlanned):
        made.api.accept(theirs, Accept(month=MONTH, point_no="P1", reason=REASON))
    for subject in ("TG001", "M1"):
        with pytest.raises(CurveNotFound):
            made.api.curve(theirs, CurveDay(subject=subject, day=date(2026, 4, 13)))
        with pytest.raises(CurveNotFound):
            made.api.curve_month(theirs, CurveMonth(subject=subject, month=MONTH))
    assert made.one(point_no="P1").status == "held"
    # A review of the own station leaves the other one's rows in the month's dataset.
    made.api.accept(CLERK, Accept(month=MONTH, point_no="P1", reason=REASON))
    assert {key[0] for key in made.energy()} == {"P1", "P2", "TG001-G"}


def test_holder_sees_only_the_own_account(bench: Make) -> None:
    made = outside(bench)
    holder = Call(
        actor="holder", now=NOW, permits=frozenset({"reading.read"}), scope=("",), accounts=(THEIRS,), channel="mobile"
    )
    assert {row.point_no for row in made.api.reads(holder, FindReads(month=MONTH)).rows} == {"P2"}
    assert made.api.account_reads(holder, AccountMonth(account_no=MINE)).rows == []
    assert len(made.api.account_reads(holder, AccountMonth(account_no=THEIRS)).rows) == 1
    with pytest.raises(NotPlanned):
        made.api.point_month(holder, PointMonthRef(point_no="P1", month=MONTH))
    with pytest.raises(CurveNotFound):
        made.api.curve(holder, CurveDay(subject="TG001", day=date(2026, 4, 13)))
    # The 15-minute reads of the own meter, and of no other.
    made.receive_curves(energy_day("M2", date(2026, 4, 13), [250] * 96), energy_day("M1", date(2026, 4, 13), [1] * 96))
    own = made.api.curve_month(holder, CurveMonth(subject="M2", month=MONTH))
    assert [str(value) for value in own.energy if value is not None] == ["0.25"] * 96
    with pytest.raises(CurveNotFound):
        made.api.curve_month(holder, CurveMonth(subject="M1", month=MONTH))


def test_what_lies_beside_the_database_has_owners_too(bench: Make) -> None:
    made = outside(bench)
    day = date(2026, 4, 13)
    made.receive_curves(energy_day("M2", day, [250] * 96), energy_day("M1", day, [1] * 96))
    words = {"series": "active_fwd_wh", "starts": [0], "meter_nos": ["M1", "M2"]}
    atoms, sums = MeterAtoms(month=MONTH, **words), MeterSums(kinds=[[day]], **words)
    late = later(1)
    known = KnownEnergies(month=MONTH, account_nos=[MINE, THEIRS], known_at=late)
    registers_ = RegistersAt(month=MONTH, day=day, point_nos=["P1", "P2"], known_at=late)
    ends = EstimatedEndsAsked(month=MONTH, point_nos=["P1", "P2"], known_at=late)

    def seen(call: Call) -> tuple[set[str], ...]:
        return (
            {row.subject for row in made.api.meter_atoms(call, atoms).rows},
            {row.subject for row in made.api.meter_sums(call, sums).rows},
            {row.point_no for row in made.api.known_energies(call, known).rows},
            {row.point_no for row in made.api.registers_at(call, registers_).rows},
            {row.point_no for row in made.api.estimated_ends(call, ends).rows},
        )

    everything = seen(made.call())
    assert everything[:4] == ({"M1", "M2"}, {"M1", "M2"}, {"P1", "P2"}, {"P1", "P2"})
    holder = replace(CLERK, scope=("",), accounts=(THEIRS,))
    for call, meters, points in (
        (CLERK, {"M1"}, {"P1"}),
        (replace(CLERK, scope=("1405810.02",)), {"M2"}, {"P2"}),
        (holder, {"M2"}, {"P2"}),
        (replace(CLERK, scope=()), set[str](), set[str]()),
    ):
        assert seen(call) == (meters, meters, points, points, everything[4] & points)


def test_station_takes_in_only_its_own_meters(bench: Make) -> None:
    made = county(bench)
    collector = replace(CLERK, permits=frozenset({"reading.receive"}))
    request = Intake(
        rows=made.datasets.publish(
            REGISTER_INTAKE, MONTH, "all", pa.concat_tables([month_of("M1", [1]), month_of("M2", [1])]), NOW
        )
    )
    # 0.0001 kWh is a digit more than these meters have.
    assert made.api.receive_registers(collector, request).refused == 2
    request = Intake(
        rows=made.datasets.publish(
            REGISTER_INTAKE, MONTH, "all", pa.concat_tables([month_of("M1", [100]), month_of("M2", [100])]), NOW
        )
    )
    received = made.api.receive_registers(collector, request)
    assert (received.taken, [(row.subject, row.code) for row in received.refused_rows]) == (
        1,
        [("M2", "unknown_subject")],
    )


def test_energy_curves_are_taken_and_shown(bench: Make) -> None:
    made = county(bench)
    day = date(2026, 4, 13)
    received = made.receive_curves(
        energy_day("M1", day, [250] * 96),
        energy_day("M1", day, [40] * 96, "reactive_fwd_varh"),
        energy_day("TG001", day, [1]),
        energy_day("M1", day + timedelta(days=1), [-1, 5]),
    )
    assert received.taken == 2 * 96 + 1
    assert [row.code for row in received.refused_rows] == ["unknown_subject", "negative"]
    shown = made.api.curve(made.call(), CurveDay(subject="M1", day=day))
    assert str(shown.energy[95]) == "0.25" and str(shown.reactive_energy[0]) == "0.04"
    assert shown.energy_rev == shown.voltage == shown.power == []


def test_atoms_are_made_once_and_again_where_the_curve_changed(bench: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    made = county(bench)
    first, second = date(2026, 4, 13), date(2026, 4, 14)
    made.receive_curves(
        energy_day("M1", first, [100] * 96),
        energy_day("M2", first, [1] * 95),
        energy_day("M1", second, list(range(96))),
    )

    def publish(*starts: int, **more: Any) -> AtomsPublished:
        asked = PublishAtoms(month=MONTH, series="active_fwd_wh", starts=list(starts), **more)
        return made.api.publish_atoms(made.call(), asked)

    published = publish(0, 32, 88)
    assert (published.made, [ref.period for ref in published.rows]) == (2, [str(first), str(second)])
    rows = made.datasets.scan(published.rows[0]).to_pylist()
    assert rows == [
        {"subject": "M1", "e00": 3200, "e32": 5600, "e88": 800, "gaps": None, "highest": None},
        {"subject": "M2", "e00": 32, "e32": 56, "e88": 7, "gaps": "0" * 95 + "1", "highest": 1},
    ]
    assert publish(0, 32, 88) == published.model_copy(update={"made": 0})
    assert publish(0, 32).made == 2
    told = made.datasets.scan(publish(0, highest=True).rows[1]).to_pylist()
    assert (told[0]["e00"], told[0]["highest"]) == (sum(range(96)), 95)
    made.receive_curves(energy_day("M1", second, [7]))
    again = publish(0, 32, 88)
    assert (again.made, again.rows[0]) == (1, published.rows[0])
    assert made.datasets.scan(again.rows[1]).to_pylist()[0]["e00"] == sum(range(32)) + 7
    assert made.api.publish_atoms(
        made.call(), PublishAtoms(month="2026-03", series="active_fwd_wh", starts=[0])
    ) == AtomsPublished(rows=[], meters=[], made=0)
    # Of large files the meters are told once for all days on which they are the same.
    monkeypatch.setattr("denghuo.service.reading.service.atoms.SMALL_ROWS", 0)
    large = publish(0, 16)
    assert [made.datasets.scan(ref).column_names for ref in large.rows] == [["e00", "e16", "gaps", "highest"]] * 2
    meters = [made.datasets.scan(ref)["subject"].to_pylist() for ref in large.meters]
    assert sorted(meters) == [["M1"], ["M1", "M2"]]
    assert publish(0, 16) == large.model_copy(update={"made": 0}) and publish(0, 24).meters == large.meters
    with pytest.raises((ValueError, Invalid)):
        publish(4, 8)
    with pytest.raises(NotPermitted):
        made.api.publish_atoms(CLERK, PublishAtoms(month=MONTH, series="active_fwd_wh", starts=[0]))
    station = replace(CLERK, permits=frozenset({"reading.publish"}))
    with pytest.raises(WholeCompanyOnly):
        made.api.publish_atoms(station, PublishAtoms(month=MONTH, series="active_fwd_wh", starts=[0]))


def test_workers_make_the_same_atoms_and_say_the_same_of_damage(bench: Make) -> None:
    made = county(bench)
    days = [date(2026, 4, day) for day in (13, 14, 15)]
    made.receive_curves(*(energy_day("M1", day, [day.day] * 95) for day in days))
    asked = PublishAtoms(month=MONTH, series="active_fwd_wh", starts=[0, 40])
    alone = made.api.publish_atoms(made.call(), asked)
    assert alone.made == 3
    later = datetime(2026, 5, 2, tzinfo=UTC)
    with Processes(2) as workers:

        def shared(cut: list[int]) -> AtomsPublished:
            return publish_atoms(made.lake, made.datasets, workers, asked.model_copy(update={"starts": cut}), later)

        for ref in alone.rows:
            made.datasets.path(ref).unlink()
        with made.database.connection() as connection:
            connection.execute("DELETE FROM data.dataset WHERE name = 'reading.day_atoms'")
        assert shared([0, 40]) == alone
        assert [made.datasets.path(ref).exists() for ref in alone.rows] == [True] * 3
        (file,) = made.lake.versions(CURVES["active_fwd_wh"], days[1])
        (made.lake.folder / file.path).write_bytes(b"nothing")
        with pytest.raises(Unavailable, match=str(file.day)):
            shared([0, 8])


def test_highest_quarter_hour_of_a_meter_over_a_span(bench: Make) -> None:
    made = county(bench)
    first, second = date(2026, 4, 13), date(2026, 4, 14)
    made.receive_curves(energy_day("M1", first, [100] * 50 + [900] + [100] * 45), energy_day("M1", second, [300] * 95))
    noon = midnight(first) + timedelta(hours=12, minutes=37)

    def span(meter: str, start: datetime, end: datetime) -> MeterSpan:
        return MeterSpan(meter_no=meter, from_at=start, to_at=end)

    spans = [
        span("M1", midnight(first), midnight(second)),
        span("M1", noon, midnight(second + timedelta(days=1))),
        span("M2", midnight(first), midnight(second)),
    ]
    asked = AskHighest(month=MONTH, spans=spans)
    rows = made.api.highest(made.call(), asked).rows
    assert [(row.begins_at, row.highest, row.energy, row.missing) for row in rows] == [
        (midnight(first) + timedelta(hours=12, minutes=30), Energy(900), Energy(10_400), 0),
        (midnight(second), Energy(300), Energy(4_500 + 95 * 300), 1),
        (None, None, Energy(0), 96),
    ]
    with pytest.raises(WholeCompanyOnly):
        made.api.highest(replace(CLERK, permits=frozenset({"reading.publish"})), asked)
    with pytest.raises(ValueError, match="from_at is before to_at"):
        span("M1", noon, noon)


def test_damaged_curves_are_said_and_make_no_atoms(bench: Make) -> None:
    made = county(bench)
    made.receive_curves(energy_day("M1", date(2026, 4, 13), [1] * 96))
    (file,) = made.lake.versions(CURVES["active_fwd_wh"], date(2026, 4, 13))
    (made.lake.folder / file.path).write_bytes(b"nothing")
    with pytest.raises(Unavailable):
        made.api.publish_atoms(made.call(), PublishAtoms(month=MONTH, series="active_fwd_wh", starts=[0]))

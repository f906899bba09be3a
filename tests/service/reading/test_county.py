"""The shipped demo company: its known faults come out with the right statuses, and its energies are those of its registers."""

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pytest

from denghuo.kernel.values import Energy, Register
from denghuo.service.reading.api import (
    CurveDay,
    CurveMonth,
    FindExceptions,
    FindRefused,
    MonthRef,
    PointMonthRef,
)
from tests.service.reading.conftest import Make
from tests.service.reading.county import MONTH, demo_curves, demo_installations, demo_registers


@pytest.mark.parametrize("bench", ["local"], indirect=True)
@pytest.mark.scope("B04-09")
def test_month_of_the_demo_company(bench: Make) -> None:
    installations, registers = demo_installations(), demo_registers()
    county = bench(installations)
    received = county.receive(registers)
    assert (received.taken, received.unchanged, received.refused) == (2 * 221_330, 0, 0)
    again = county.receive(registers)
    assert (again.taken, again.unchanged, again.corrected) == (0, 2 * 221_330, 0)

    planned = county.api.plan_month(county.call(), MonthRef(month=MONTH))
    assert (planned.points, planned.pieces, planned.changed) == (7_444, 7_446, 7_446)
    run = county.run()
    # 7,444 points, two of them in two pieces, and 87 gateways and feeder heads with both directions.
    assert (run.points, run.rows, run.held, run.estimated) == (7_444, 7_444 + 2 + 87, 2, 0)
    assert run.changed == run.rows
    second = county.run()
    assert second.changed == 0 and second.energy == run.energy and second.as_of == run.as_of

    held = county.api.exceptions(county.call(), FindExceptions(month=MONTH, notices=False)).rows
    assert [(row.meter_no, row.rule, row.may_accept) for row in held] == [
        ("M01213", "zero_run", True),
        ("M04967", "exchange_no_final", False),
    ]
    assert run.valid >= run.rows * 995 // 1_000
    every = county.api.exceptions(county.call(), FindExceptions(month=MONTH, limit=200))
    assert all(row.title.zh and row.title.en and row.remedy.zh and row.remedy.en for row in every.rows)
    energy = county.energy()
    for row in held:
        assert energy[row.point_no, row.piece, row.quantity]["energy_wh"] is None

    # Genuine rollovers of six digits are valid and say so.
    for meter, start, end in (
        ("M00956", "999979.33", "140.92"),
        ("M01465", "999940.38", "151.40"),
        ("M04584", "999959.04", "114.43"),
    ):
        read = county.one(meter_no=meter, rule="rollover")
        assert (read.start, read.end, read.status) == (Register.of(start), Register.of(end), "valid")
        assert read.energy == Energy((10**10 + read.end.e4 - read.start.e4) // 10)

    # The exchange with a final register: two pieces, each with its own registers.
    old, new = county.reads(account_no="5810300020104")
    assert (old.meter_no, old.start, old.end, old.energy) == (
        "M02010",
        Register.of("4062.79"),
        Register.of("4370.73"),
        Energy.of("307.94"),
    )
    assert (new.meter_no, new.start, new.end, new.energy) == (
        "N90001",
        Register(0),
        Register.of("251.40"),
        Energy.of("251.4"),
    )
    assert (old.status, new.status) == ("valid", "valid")

    # Midnights that were missed inside the month do not estimate it: both ends were read.
    missed = {area: county.reads(area_no=area, rule="missing_days") for area in ("TG051", "TG057")}
    assert {row.days_missing for row in missed["TG051"] if row.role != "gateway"} == {2}
    assert {row.days_missing for row in missed["TG057"] if row.role != "gateway"} == {3}
    assert (
        len({row.meter_no for row in missed["TG051"]}) == 109 and len({row.meter_no for row in missed["TG057"]}) == 12
    )
    assert {(row.status, row.method, row.days_estimated) for rows in missed.values() for row in rows} == {
        ("valid", "actual", 0)
    }

    progress = county.api.progress(county.call(), MonthRef(month=MONTH))
    assert (progress.total.planned, progress.total.held, progress.total.collected) == (7_444, 2, 7_443)
    assert [row.org for row in progress.rows][:2] == ["1405810", "1405810.01"] or progress.rows[0].org == "1405810.01"
    assert sum(row.planned for row in progress.rows) == 7_444
    energy_is_that_of_the_registers(energy, installations, registers)


def energy_is_that_of_the_registers(
    energy: Mapping[tuple[str, int, str], Mapping[str, Any]],
    installations: Sequence[Mapping[str, Any]],
    registers: pa.Table,
) -> None:
    """Recomputed plainly: last midnight minus first, by point, over all that were neither exchanged nor turned over."""
    ends: dict[tuple[str, str], dict[int, int]] = {}
    for row in registers.to_pylist():
        local_day = (row["read_at"].day, row["read_at"].month)
        if local_day in ((31, 3), (30, 4)):  # UTC evenings before 1 April and 1 May
            ends.setdefault((row["meter_no"], row["quantity"]), {})[local_day[1]] = row["value_e4"]
    quantities = {"fwd": ("active_fwd",), "rev": ("active_rev",), "net": ("active_fwd", "active_rev")}
    compared = 0
    for piece in installations:
        for quantity in quantities[piece["register"]]:
            first_last = ends.get((piece["meter_no"], quantity), {})
            row = energy[piece["point_no"], piece["piece"], quantity]
            if len(first_last) < 2 or piece["meter_no"] in ("M01213", "M00956", "M01465", "M04584"):
                continue
            # 1e-4 kWh is 0.1 Wh; half up.
            assert row["energy_wh"] == ((first_last[4] - first_last[3]) * piece["multiplier"] * 2 + 10) // 20
            compared += 1
    # Two exchanges in two pieces each; four meters, one of which has two points.
    assert compared == 7_533 - 4 - 5


def test_days_of_one_point(bench: Make) -> None:
    installations = [row for row in demo_installations() if row["area_no"] == "TG051"][:40]
    county = bench(installations)
    known = {row["meter_no"] for row in installations}
    rows = demo_registers()
    mask = [meter in known for meter in rows["meter_no"].to_pylist()]
    county.receive(rows.filter(mask))
    county.run()
    read = next(row for row in county.reads(rule="missing_days") if row.role == "sale")
    month = county.api.point_month(county.call(), PointMonthRef(point_no=read.point_no, month=MONTH))
    assert len(month.days) == 31 and len(month.energies) == 30
    estimated = [row for row in month.days if row.status == "estimated"]
    assert [(row.day.day, row.raw, row.method, row.rule) for row in estimated] == [
        (21, None, "interpolated", "missing_days"),
        (22, None, "interpolated", "missing_days"),
    ]
    before, after = month.days[19], month.days[22]
    assert before.shown <= estimated[0].shown <= estimated[1].shown <= after.shown
    assert [place for place, flag in enumerate(month.estimated) if flag] == [19, 20, 21]
    assert sum(one.wh for one in month.energies if one is not None) == read.energy.wh


@pytest.mark.parametrize("bench", ["local"], indirect=True)
def test_curves_of_the_demo_company(bench: Make) -> None:
    county = bench(demo_installations())
    curves = demo_curves()
    received = county.receive_curves(curves)
    assert (received.taken, received.refused) == (3 * 227_520 + 61_824, 0)
    again = county.receive_curves(curves)
    assert (again.taken, again.corrected, again.unchanged) == (0, 0, 3 * 227_520 + 61_824)
    day = county.api.curve(county.call(), CurveDay(subject="TG001", day="2026-04-01"))
    assert len(day.power) == len(day.reactive) == len(day.per_unit) == 96 and day.voltage == []
    assert [str(value) for value in day.power[:3]] == ["32.85", "29.67", "29.12"]
    assert (str(day.reactive[0]), str(day.per_unit[0])) == ("17.32", "1.0167")
    month = county.api.curve_month(county.call(), CurveMonth(subject="TG001", month=MONTH))
    assert len(month.power) == 30 * 96 and month.received == month.expected == 3 * 30 * 96
    volts = county.api.curve(county.call(), CurveDay(subject="G023", day="2026-04-13"))
    assert len(volts.voltage) == 96 and str(volts.voltage[0]) == "234.6" and volts.power == []
    assert county.api.refused(county.call(), FindRefused()).total == 0

"""A meter's month by days: what its registers and its curve say, and how much of the curve is estimated."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from denghuo.data.analysis.lake import Lake
from denghuo.data.analysis.lake_day import SLOTS
from denghuo.kernel.contract import Call
from denghuo.kernel.period import Month, midnight
from denghuo.kernel.values import Energy, Percent, Register
from denghuo.service.reading.api import CheckedCurve, CheckedCurveAsked, MeterMonth, MeterMonthAsked, MeterMonthDay
from denghuo.service.reading.batch.intake import REGISTERS
from denghuo.service.reading.service.curves import Curves

_WEIGHT = ("held", "estimated", "valid")


def meter_month(lake: Lake, curves: Curves, call: Call, request: MeterMonthAsked) -> MeterMonth:
    """A meter's month by days: registers beside the curve, and how much of it is estimated."""
    month = Month.of(request.month)
    asked = CheckedCurveAsked(
        meter_no=request.meter_no, series=request.series, day=month.first_day, days=month.day_count
    )
    curve = curves.to_add_up(call, asked)
    shown = _registers(lake, request, month)
    multiplier = curves.multiplier(request.meter_no, request.month)
    days = [
        _day(curve, place, [shown.get(place), shown.get(place + 1)], multiplier) for place in range(month.day_count)
    ]
    by_curve = [day.energy.wh for day in days if day.energy is not None]
    energy = sum(by_curve)
    by_registers = [day.register_energy for day in days]
    known = [one.wh for one in by_registers if one is not None]
    return MeterMonth(
        meter_no=request.meter_no,
        series=request.series,
        month=request.month,
        days=days,
        starts=month.first_day,
        counted=curve.counted,
        estimated=curve.estimated,
        energy=Energy(energy) if by_curve else None,
        estimated_energy=curve.estimated_energy,
        share=Percent.of_parts(curve.estimated_energy.wh, energy),
        register_energy=Energy(sum(known)) if len(known) == len(days) else None,
        days_complete=sum(day.received == len(SLOTS) for day in days),
        slots_estimated=curve.slots_estimated,
        slots_held=curve.slots_held,
        as_of=curve.as_of,
    )


def _registers(lake: Lake, request: MeterMonthAsked, month: Month) -> dict[int, int]:
    """The total register at each midnight of the month, counted from 0, in 1e-4."""
    table = lake.scan(REGISTERS, month.first_day, month.next.first_day, only=("meter_no", (request.meter_no,)))
    quantity = request.series.rpartition("_")[0]
    instants = {midnight(month.first_day + timedelta(days=place)): place for place in range(month.day_count + 1)}
    rows: Sequence[dict[str, Any]] = table.to_pylist()
    return {
        instants[row["read_at"]]: row["value_e4"]
        for row in rows
        if row["read_at"] in instants
        and (row["quantity"], row["band"]) == (quantity, "total")
        and row["value_e4"] is not None
    }


def _day(curve: CheckedCurve, place: int, registers: Sequence[int | None], multiplier: int | None) -> MeterMonthDay:
    span = slice(place * len(SLOTS), (place + 1) * len(SLOTS))
    first, last = registers
    by_registers = None
    if multiplier is not None and first is not None and last is not None and last >= first:
        by_registers = (last - first) * multiplier // 10
    counted = [None if value is None else value.wh for value in curve.counted[span]]
    known, guessed = [value for value in counted if value is not None], curve.estimated[span]
    energy = Energy(sum(known)) if known else None
    verdicts = [
        (status, rule, method)
        for status, rule, method in zip(curve.statuses[span], curve.rules[span], curve.methods[span], strict=True)
        if status is not None
    ]
    # Each verdict once: nearly all slots of a day have the same.
    heaviest = min(
        dict.fromkeys(verdicts),
        key=lambda one: (_WEIGHT.index(one[0]), one[1] == "checked"),
        default=(None, None, None),
    )
    return MeterMonthDay(
        day=curve.starts + timedelta(days=place),
        shown=None if first is None else Register(first),
        register_energy=None if by_registers is None else Energy(by_registers),
        energy=energy,
        estimated_energy=Energy(sum(value or 0 for value, is_so in zip(counted, guessed, strict=True) if is_so)),
        difference=None if by_registers is None or energy is None else Energy(by_registers - energy.wh),
        status=heaviest[0],
        rule=heaviest[1],
        method=heaviest[2],
        received=sum(value is not None for value in curve.raw[span]),
        slots_estimated=sum(guessed),
        slots_held=sum(status == "held" for status, _, _ in verdicts),
    )

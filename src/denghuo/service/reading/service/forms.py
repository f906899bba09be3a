"""Between the forms of rows, columns and messages."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import pyarrow as pa

from denghuo.data.analysis.lake import SLOTS
from denghuo.data.processing.dataset import arrow_schema, json_column
from denghuo.kernel.fields import TextPair
from denghuo.kernel.period import Month
from denghuo.kernel.values import Energy, Power, Register
from denghuo.service.reading.api import (
    MONTH_ENERGY,
    CurveValues,
    DayRead,
    PerUnit,
    ReactivePower,
    RuleRow,
    Volts,
)
from denghuo.service.reading.batch import Midnight, PlanPiece, ReadRow
from denghuo.service.reading.rules import Rule

_TAKEN = [name for name in PlanPiece.__dataclass_fields__ if name not in ("month", "route", "reading_day")]


def plan_piece(row: Mapping[str, Any], month: Month) -> PlanPiece:
    """An installed meter as a line of the plan. Meters are read at the midnight that ends the month, by transformer area, or by
    feeder where there is no area."""
    return PlanPiece(
        month=str(month),
        route=row["area_no"] or row["feeder_no"] or row["org"],
        reading_day=month.next.first_day,
        **{name: row[name] for name in _TAKEN},
    )


def energy_table(rows: Sequence[ReadRow]) -> pa.Table:
    """Reads as rows of `reading.month_energy`: what is held has no energy."""
    columns = {name: [getattr(row, name) for row in rows] for name in MONTH_ENERGY.columns}
    columns["energy_wh"] = [None if row.status == "held" else row.energy_wh for row in rows]
    return pa.table(columns, schema=arrow_schema(MONTH_ENERGY))


def rule_row(rule: Rule) -> RuleRow:
    parameters = {**rule.parameters, **({"roles": list(rule.roles)} if rule.roles else {})}
    return RuleRow.model_validate(
        {
            "code": rule.code,
            "title": TextPair(**rule.title),
            "severity": rule.severity,
            "parameters": json_column(parameters) if parameters else "",
            "effective_from": rule.effective_from,
            "effective_to": rule.effective_to,
        }
    )


def shown_energy(wh: int | None) -> Energy | None:
    return None if wh is None else Energy(wh)


def day_read(one: Midnight) -> DayRead:
    return DayRead.model_validate(
        {
            "day": one.day,
            "read_at": one.read_at,
            "meter_no": one.meter_no,
            "piece": one.piece,
            "shown": None if one.shown_e4 is None else Register(one.shown_e4),
            "raw": None if one.raw_e4 is None else Register(one.raw_e4),
            "energy": shown_energy(one.energy_wh),
            "status": one.status,
            "rule": one.rule,
            "method": one.method,
        }
    )


_OF_SERIES: Mapping[str, tuple[str, Any]] = {
    "gateway_power_w": ("power", Power),
    "gateway_reactive_var": ("reactive", ReactivePower),
    "gateway_voltage_e4": ("per_unit", PerUnit),
    "voltage_dv": ("voltage", Volts),
}


def curve_values(
    subject: str, first: date, last: date, series: Mapping[str, Mapping[date, list[int | None]]], as_of: datetime
) -> CurveValues:
    """Days of lake series one after the other; a series without any value is an empty list."""
    days = [first + timedelta(days=step) for step in range((last - first).days + 1)]
    absent: list[int | None] = [None] * len(SLOTS)
    lists: dict[str, list[Any]] = {field: [] for field, _ in _OF_SERIES.values()}
    received = expected = 0
    for name, by_day in series.items():
        if not by_day:
            continue
        field, kind = _OF_SERIES[name]
        values = [value for day in days for value in by_day.get(day, absent)]
        lists[field] = [None if value is None else kind(value) for value in values]
        received += sum(value is not None for value in values)
        expected += len(values)
    return CurveValues(
        subject=subject,
        starts=first,
        minutes=24 * 60 // len(SLOTS),
        received=received,
        expected=expected,
        as_of=as_of,
        **lists,
    )

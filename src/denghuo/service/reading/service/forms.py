"""Between the forms of rows, columns and messages."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa

from denghuo.data.analysis.lake_day import SLOTS
from denghuo.data.processing.dataset import arrow_schema
from denghuo.kernel.fields import ROLES_OF_POINTS, TextPair
from denghuo.kernel.period import Month, days_between
from denghuo.kernel.problem import Text, text
from denghuo.kernel.values import Energy, Multiplier, Power, ReactiveEnergy, Register
from denghuo.service.point.api import MeterInMonth
from denghuo.service.reading.api import (
    MONTH_ENERGY,
    CurveValues,
    DayRead,
    EnergyRow,
    EstimatedEnd,
    PerUnit,
    ReactivePower,
    RegisterAt,
    RuleRow,
    Volts,
)
from denghuo.service.reading.batch import EstimatedEnd as Ended
from denghuo.service.reading.batch import Manual, Midnight, PlanPiece, ReadRow, Shown
from denghuo.service.reading.rules import Rule

_TAKEN = [name for name in PlanPiece.__dataclass_fields__ if name not in ("month", "route", "reading_day")]


def route_of(area_no: str | None, feeder_no: str | None, org: str) -> str:
    """The route (抄表段) of a point: its transformer area, else its feeder, else its unit."""
    return area_no or feeder_no or org


def plan_piece(row: Mapping[str, Any], month: Month) -> PlanPiece:
    """An installed meter as a line of the plan. Meters are read at the midnight that ends the month, by route."""
    return PlanPiece(
        month=str(month),
        route=route_of(row["area_no"], row["feeder_no"], row["org"]),
        reading_day=month.next.first_day,
        **{name: row[name] for name in _TAKEN},
    )


def installed_piece(row: MeterInMonth, month: Month) -> PlanPiece:
    """As `plan_piece`, from a reply."""
    given = {name: getattr(row, name) for name in _TAKEN if name in MeterInMonth.model_fields}
    registers = {f"{name}_e4": _e4(getattr(row, name)) for name in ("start", "final", "start_rev", "final_rev")}
    rest = {"register": row.direction, "multiplier": row.multiplier.number, "pv_w": row.pv_kw.w if row.pv_kw else None}
    return plan_piece(given | registers | rest, month)


def _e4(register: Register | None) -> int | None:
    return None if register is None else register.e4


def energy_row(row: ReadRow) -> EnergyRow:
    """A read as a reply tells it: what is held has no energy."""
    given = {name: getattr(row, name) for name in EnergyRow.model_fields if name in ReadRow._fields}
    values = {
        "start": shown_register(row.start_e4),
        "end": shown_register(row.end_e4),
        "multiplier": Multiplier(row.multiplier),
        "energy": shown_energy(None if row.status == "held" else row.energy_wh),
    }
    return EnergyRow.model_validate(given | values)


def energy_table(rows: Sequence[ReadRow]) -> pa.Table:
    """Reads as rows of `reading.month_energy`: what is held has no energy."""
    columns = {name: [getattr(row, name) for row in rows] for name in MONTH_ENERGY.columns}
    columns["energy_wh"] = [None if row.status == "held" else row.energy_wh for row in rows]
    return pa.table(columns, schema=arrow_schema(MONTH_ENERGY))


_PARAMETERS: Mapping[str, tuple[Text, str]] = {
    "gap_days_max": (text("插补不超过", "fills gaps of up to"), "d"),
    "carry_days_max": (text("外推不超过", "carries on for up to"), "d"),
    "average_days_min": (text("日均至少据", "averages over at least"), "d"),
    "days_before": (text("抄表日前", "before the reading day"), "d"),
    "days_after": (text("抄表日后", "after the reading day"), "d"),
    "days_most": (text("各单位自定，最多前后", "by unit, at most on either side"), "d"),
    "reports_a_day": (text("每表每日不超过", "a meter and day, up to"), "reports"),
    "days": (text("最近", "last"), "d"),
    "days_min": (text("至少", "at least"), "d"),
    "factor": (text("超过中位数", "more than the median"), "times"),
    "floor_wh_a_day": (text("日电量下限", "floor of a day"), "wh"),
    "floor_wh": (text("电量下限", "floor"), "wh"),
    "share_e4": (text("比例", "share of"), "e4"),
}
_UNITS: Mapping[str, tuple[Decimal, Text]] = {
    "d": (Decimal(1), text("天", "days")),
    "times": (Decimal(1), text("倍", "times")),
    "reports": (Decimal(1), text("次", "reports")),
    "wh": (Decimal("0.001"), text("千瓦时", "kWh")),
    "e4": (Decimal("0.01"), text("%", "%")),
}


def told(rule: Rule) -> TextPair | None:
    """What a rule goes by, in words; nothing where it goes by nothing."""
    parts: list[Text] = []
    for name, value in rule.parameters.items():
        said, kind = _PARAMETERS[name]
        scale, unit = _UNITS[kind]
        number = f"{(value * scale).normalize():f}"
        parts.append(text(f"{said['zh']} {number} {unit['zh']}", f"{said['en']} {number} {unit['en']}"))
    if rule.roles:
        roles = [ROLES_OF_POINTS.entries[role] for role in rule.roles]
        parts.append(
            text(f"用途 {'、'.join(one['zh'] for one in roles)}", f"of {', '.join(one['en'] for one in roles)}")
        )
    if not parts:
        return None
    return TextPair(zh="；".join(one["zh"] for one in parts), en="; ".join(one["en"] for one in parts))


def rule_row(rule: Rule) -> RuleRow:
    """A rule as its reader sees it."""
    return RuleRow.model_validate(
        {
            "code": rule.code,
            "title": TextPair(**rule.title),
            "severity": rule.severity,
            "parameters": told(rule),
            "effective_from": rule.effective_from,
            "effective_to": rule.effective_to,
        }
    )


def shown_energy(wh: int | None) -> Energy | None:
    """Wh as a value."""
    return None if wh is None else Energy(wh)


def shown_register(e4: int | None) -> Register | None:
    """A register of 1e-4 as a value."""
    return None if e4 is None else Register(e4)


def day_read(one: Midnight, sent: Manual | None) -> DayRead:
    """A midnight as its reader sees it. sent: what another system estimated for it."""
    return DayRead.model_validate(
        {
            "day": one.day,
            "read_at": one.read_at,
            "meter_no": one.meter_no,
            "piece": one.piece,
            "shown": shown_register(one.shown_e4),
            "raw": shown_register(one.raw_e4),
            "energy": shown_energy(one.energy_wh),
            "status": one.status,
            "rule": one.rule,
            "method": one.method,
            "sent": None if sent is None else Register(sent.value_e4),
            "mark": None if sent is None else sent.mark,
        }
    )


def register_at(one: Shown) -> RegisterAt:
    """A register at a midnight as its reader sees it."""
    shown = shown_register(one.shown_e4)
    kept = {name: value for name, value in one._asdict().items() if name != "shown_e4"}
    return RegisterAt.model_validate(kept | {"shown": shown})


def estimated_end(one: Ended) -> EstimatedEnd:
    kept = {name: value for name, value in one._asdict().items() if name != "energy_wh"}
    return EstimatedEnd.model_validate(kept | {"energy": Energy(one.energy_wh)})


_OF_SERIES: Mapping[str, tuple[str, Any]] = {
    "gateway_power_w": ("power", Power),
    "gateway_reactive_var": ("reactive", ReactivePower),
    "gateway_voltage_e4": ("per_unit", PerUnit),
    "voltage_dv": ("voltage", Volts),
    "active_fwd_wh": ("energy", Energy),
    "active_fwd_a_wh": ("energy_a", Energy),
    "active_fwd_b_wh": ("energy_b", Energy),
    "active_fwd_c_wh": ("energy_c", Energy),
    "active_rev_wh": ("energy_rev", Energy),
    "reactive_fwd_varh": ("reactive_energy", ReactiveEnergy),
    "reactive_rev_varh": ("reactive_energy_rev", ReactiveEnergy),
}


def curve_values(
    subject: str, first: date, last: date, series: Mapping[str, Mapping[date, list[int | None]]], as_of: datetime
) -> CurveValues:
    """Days of lake series one after the other; a series without any value is an empty list."""
    days = days_between(first, last)
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

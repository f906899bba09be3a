"""The bulk tables of an import: files of readings become datasets that the reading service takes in by reference."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from denghuo.data.processing.dataset import Datasets, arrow_schema
from denghuo.data.processing.import_bulk import Columns
from denghuo.data.processing.import_tables import reads
from denghuo.data.processing.importing import Refusal, Shape, Table
from denghuo.kernel.contract import Call, DatasetSchema
from denghuo.kernel.period import SHANGHAI
from denghuo.kernel.problem import text
from denghuo.service.host.binding import Ask
from denghuo.service.reading.api import CURVE_INTAKE, REGISTER_INTAKE, Intake, ReadingApi, Received

INT32_MAX = 2**31 - 1


@dataclass(frozen=True)
class Bulk:
    """How one bulk table is taken over: its rows in the long form of an intake, and the operation that takes that in."""

    shape: Shape
    schema: DatasetSchema
    subject: str
    at: str
    # value column -> what the intake calls it
    series: dict[str, tuple[str, ...]]
    receive: Callable[[Ask, Call, Intake], Received]


def _registers(ask: Ask, call: Call, intake: Intake) -> Received:
    return ask(ReadingApi).receive_registers(call, intake)


def _curves(ask: Ask, call: Call, intake: Intake) -> Received:
    return ask(ReadingApi).receive_curves(call, intake)


BULK: tuple[Bulk, ...] = (
    Bulk(
        reads.REGISTER_READS,
        REGISTER_INTAKE,
        "meter_no",
        "read_at",
        {"fwd_kwh": ("active_fwd", "total"), "rev_kwh": ("active_rev", "total")},
        _registers,
    ),
    Bulk(
        reads.GATEWAY_15MIN,
        CURVE_INTAKE,
        "area_no",
        "at",
        {"p_kw": ("gateway_power_w",), "q_kvar": ("gateway_reactive_var",), "v_pu": ("gateway_voltage_e4",)},
        _curves,
    ),
    Bulk(reads.VOLTAGES, CURVE_INTAKE, "meter_no", "at", {"voltage_v": ("voltage_dv",)}, _curves),
    Bulk(
        reads.METER_15MIN,
        CURVE_INTAKE,
        "meter_no",
        "at",
        {
            "fwd_kwh": ("active_fwd_wh",),
            "rev_kwh": ("active_rev_wh",),
            "fwd_kvarh": ("reactive_fwd_varh",),
            "rev_kvarh": ("reactive_rev_varh",),
        },
        _curves,
    ),
)


def too_large(bulk: Bulk, columns: Columns, file: str) -> tuple[Columns, list[Refusal]]:
    """Curves are kept in 32 bits: rows that do not fit are refused here, the rest goes on."""
    if bulk.schema is not CURVE_INTAKE or not len(columns.rows):
        return columns, []
    fits = np.ones(len(columns.rows), dtype=bool)
    for name in bulk.series:
        values: Any = pc.fill_null(columns.rows[name], pa.scalar(0))
        fits &= np.abs(values.to_numpy()) <= INT32_MAX
    refused = [
        Refusal(
            file,
            int(columns.lines[place]),
            next(iter(bulk.series)),
            "",
            text("数值过大", "the value is too large for a curve"),
            text("请核对单位", "check the unit"),
        )
        for place in np.flatnonzero(~fits).tolist()
    ]
    if refused:
        columns = Columns(columns.rows.filter(pa.array(fits)), columns.lines[fits], columns.read_count)
    return columns, refused


def long_form(bulk: Bulk, columns: Columns) -> pa.Table:
    """One row for each value of the file; cells that may be empty and are make none."""
    names = list(bulk.schema.columns)
    parts = []
    for column, codes in bulk.series.items():
        rows = columns.rows.filter(pc.is_valid(columns.rows[column]))
        count = len(rows)
        fixed = [pa.repeat(code, count) for code in codes]
        subject, at = rows[bulk.subject], rows[bulk.at]
        arrays: list[Any] = [subject, at, *fixed, rows[column]]
        if bulk.schema is CURVE_INTAKE:
            arrays = [*fixed, subject, at, rows[column]]
        parts.append(pa.Table.from_arrays(arrays, names=names))
    return pa.concat_tables(parts).cast(arrow_schema(bulk.schema))


def hand_over(
    bulk: Bulk, columns: Columns, table: Table, number: int, ask: Ask, call: Call, datasets: Datasets
) -> Received:
    """Publishes the values of a piece of the file, by its number, as a dataset and lets the reading service take it in."""
    rows = long_form(bulk, columns)
    first = pc.min(columns.rows[bulk.at]).as_py() or call.now
    period = f"{first.astimezone(SHANGHAI):%Y-%m}"
    shard = f"{bulk.shape.name}-{table.digest[:16]}" + (f"-{number}" if number else "")
    ref = datasets.publish(bulk.schema, period, shard, rows, call.now)
    return bulk.receive(ask, call, Intake(rows=ref))


def refusals(bulk: Bulk, columns: Columns, reply: Received, file: str) -> list[Refusal]:
    """The rows that the service refused (the first hundred), each with its line in the file."""
    fields = {"unknown_subject": bulk.subject, "not_installed": bulk.at, "future": bulk.at, "off_slot": bulk.at}
    found = []
    for item in reply.refused_rows:
        place: Any = pc.equal(columns.rows[bulk.subject], pa.scalar(item.subject))
        if item.at is not None:
            place = pc.and_(place, pc.equal(columns.rows[bulk.at], pa.scalar(item.at, pa.timestamp("us", tz="UTC"))))
        hits = np.flatnonzero(pc.fill_null(place, False).to_numpy())
        name = fields.get(item.code, next(iter(bulk.series)))
        value = item.value
        if name == bulk.subject:
            value = item.subject
        elif name == bulk.at and item.at is not None:
            value = item.at.astimezone(SHANGHAI).isoformat()
        line = int(columns.lines[hits[0]]) if len(hits) else 0
        remedy = text(f"表号或台区 {item.subject}", f"meter or area {item.subject}")
        found.append(Refusal(file, line, name, value, text(item.reason.zh, item.reason.en), remedy))
    return found

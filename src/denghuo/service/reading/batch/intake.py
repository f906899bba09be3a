"""Intakes, column by column: which rows are taken, by day, and why the others are refused (示数与曲线入库)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute

from denghuo.data.analysis.lake_day import SLOTS, LakeClass, curve_class
from denghuo.kernel.period import Month
from denghuo.kernel.problem import Text, text
from denghuo.service.reading.api import BANDS, ENERGY_SERIES, METER_SERIES, PHASE_SERIES, QUANTITIES, SERIES
from denghuo.service.reading.batch.marks import wide_marks
from denghuo.service.reading.batch.plan import DAY_US, NONE, Flags, Ints, us
from denghuo.service.reading.rules import modulus_e4

pc: Any = pyarrow.compute
Column = Any
"""A column of an Arrow table; the published stubs know chunked arrays only in part."""

REGISTERS = LakeClass(
    "register",
    (
        ("meter_no", pa.string()),
        ("quantity", pa.string()),
        ("band", pa.string()),
        ("read_at", pa.timestamp("us", tz="UTC")),
    ),
    (("value_e4", pa.int64()),),
)
SENT = LakeClass("register_sent", REGISTERS.keys, REGISTERS.values, (("mark", pa.string()),))
"""Registers that their sender estimated, with his marks: what was read stands apart from them and goes before."""
CURVES = {series: curve_class(series) for series in SERIES.entries}
SLOT_US = DAY_US // len(SLOTS)
SHANGHAI_US = 8 * 3_600_000_000
"""Shanghai is eight hours ahead of UTC throughout (no summer time since 1991)."""

REASONS: Mapping[str, Text] = {
    "empty": text("缺少必填值，请补全。", "A value that is needed is missing; complete the row."),
    "unknown_code": text(
        "示数类型、时段或曲线系列不在代码表内。", "The quantity, band or series is none that is known."
    ),
    "unknown_subject": text(
        "表号或台区不在档案内，请先建档。", "No such meter or area in the archive; register it first."
    ),
    "not_installed": text(
        "抄表时间不在该表在用期间内（早于装表或晚于拆表）。",
        "The meter was not in use at that time (before it was installed or after it was removed).",
    ),
    "future": text("时间晚于当前，请核对时钟。", "The time lies in the future; check the clock."),
    "clock": text(
        "该时段结束得比当前晚太多，请核对表计和终端时钟。",
        "The interval ends too far ahead of now; check the clocks of meter and terminal.",
    ),
    "negative": text("示数或电量为负。", "The register or the energy is negative."),
    "digits": text(
        "示数位数超过表计的整数位或小数位。", "The register has more digits before or after the point than the meter."
    ),
    "superseded": text(
        "同一批中有同一时刻的另一示数，以后者为准。", "The same intake holds another value for it further on."
    ),
    "off_slot": text("时间不在15分钟整点上。", "The time is not on a quarter of an hour."),
}


@dataclass(frozen=True)
class MeterUse:
    """From when to when a meter is in use within the months looked at, and what its registers can show."""

    from_us: int
    to_us: int
    integer_digits: int
    decimal_digits: int
    org: str
    account_no: str | None


@dataclass
class Judged:
    """Rows to take by lake class and day, and the refused ones as (subject, at, value, code)."""

    days: dict[LakeClass, dict[date, pa.Table]]
    refused: list[tuple[str, datetime | None, str, str]]
    marks: dict[LakeClass, dict[date, pa.Table]] = field(default_factory=dict)
    """Beside the days of an intake of curves with marks."""


def months_of(at: Column) -> list[Month]:
    """The months whose installations tell about these instants. A month's last midnight is also the first of the next; it is
    judged by a month that is looked at anyway, if there is one."""
    found: set[Month] = set()
    borders: list[datetime] = []
    for at_us in _met(_us(at)):
        local = _datetime(at_us + SHANGHAI_US)
        month = Month.holding(local)
        if us(month.period.start) == at_us:
            borders.append(_datetime(at_us))
        elif at_us != NONE:
            found.add(month)
    for border in borders:
        if not any(month.period.start <= border <= month.period.end for month in found):
            local = border + timedelta(microseconds=SHANGHAI_US)
            found.add(Month.holding(local))
    return sorted(found)


def judge_registers(rows: pa.Table, meters: Mapping[str, MeterUse], now: datetime) -> Judged:
    """Judges the rows of a register intake. rows: with a column `mark` where their sender says which of them nobody read."""
    meter = _codes(rows["meter_no"], {name: place for place, name in enumerate(meters)})
    uses = list(meters.values())
    quantity = _codes(rows["quantity"], {name: place for place, name in enumerate(QUANTITIES.entries)})
    band = _codes(rows["band"], {name: place for place, name in enumerate(BANDS.entries)})
    at, value = _us(rows["read_at"]), _int64(rows["value_e4"])
    empty = _nulls(rows, ("meter_no", "read_at", "value_e4"))

    def of_meter(numbers: list[int]) -> Ints:
        return np.array([*numbers, 0], dtype=np.int64)[meter]

    modulus = of_meter([modulus_e4(use.integer_digits) for use in uses])
    step = of_meter([int(10 ** (4 - use.decimal_digits)) for use in uses])
    code = _first(
        len(rows),
        ("empty", empty),
        ("unknown_code", (quantity < 0) | (band < 0)),
        ("unknown_subject", meter < 0),
        (
            "not_installed",
            (at < of_meter([use.from_us for use in uses])) | (at > of_meter([use.to_us for use in uses])),
        ),
        ("future", at > us(now)),
        ("negative", value < 0),
        ("digits", (value >= modulus) | (value % np.maximum(step, 1) != 0)),
    )
    marks: Any = rows["mark"].combine_chunks().fill_null("") if "mark" in rows.schema.names else None
    sent: Flags = np.zeros(len(rows), dtype=np.bool_)
    if marks is not None:
        sent = np.asarray(pc.not_equal(marks, "").to_numpy(zero_copy_only=False), dtype=np.bool_)
    key = ((meter * len(QUANTITIES.entries) + quantity) * len(BANDS.entries) + band) * 2 + sent
    _supersede(code, key, at, value)
    days: dict[LakeClass, dict[date, pa.Table]] = {}
    for kind, mine in ((REGISTERS, ~sent), (SENT, sent)):
        taken = np.flatnonzero((code == "") & mine)
        order = taken[np.argsort(at[taken], kind="stable")]
        of_day = (at[order] + SHANGHAI_US) // DAY_US
        table = rows.select(kind.schema.names).take(order).cast(kind.schema) if len(order) else None
        days[kind] = {
            _day(int(day)): table.slice(int(start), int(count))
            for day, start, count in zip(*np.unique(of_day, return_index=True, return_counts=True), strict=True)
            if table is not None
        }
    return Judged(days, _refused(code, rows["meter_no"], at, value, empty))


def _supersede(code: Any, key: Ints, at: Ints, value: Ints, floor: int | None = 0) -> None:
    """Of rows with the same key the last counts; the others are passed over, and refused where they say something else by more than
    `floor`; none: they are not refused."""
    good = np.flatnonzero(code == "")
    order = good[np.lexsort((good, at[good], key[good]))]
    same = (key[order][1:] == key[order][:-1]) & (at[order][1:] == at[order][:-1])
    for place in np.flatnonzero(same).tolist():
        apart = abs(int(value[order[place]]) - int(value[order[place + 1]]))
        code[order[place]] = "superseded" if floor is not None and apart > floor else "repeated"


def judge_curves(
    rows: pa.Table, subjects: Mapping[tuple[str, str], Any], now: datetime, ahead_s: int | None, apart: int | None = 0
) -> Judged:
    """Judges the rows of a curve intake and spreads them into days of 96 values.

    rows: with a column `mark` where their sender marked them. subjects: the known (kind, subject). ahead_s: how long after now an
    interval may end; None: nothing is said of it. apart: how far two values of one quarter-hour may differ for the one before to be
    passed over without a word; None: however far.
    """
    names = list(CURVES)
    series = _codes(rows["series"], {name: place for place, name in enumerate(names)})
    known: dict[str, int] = {}
    for _, name in subjects:
        known.setdefault(name, len(known))
    subject = _codes(rows["subject"], known)
    of_kind = np.zeros((2, len(known) + 1), dtype=np.bool_)
    for kind, name in subjects:
        of_kind[int(kind == "meter"), known[name]] = True
    at, value = _us(rows["at"]), _int64(rows["value"])
    of_meter = np.array([*(int(name in METER_SERIES) for name in names), 0], dtype=np.int64)
    of_energy = np.array([*(name in (*ENERGY_SERIES, *PHASE_SERIES) for name in names), False], dtype=np.bool_)
    fits = of_kind[of_meter[series], subject]
    code = _first(
        len(rows),
        ("empty", _nulls(rows, ("series", "subject", "at"))),
        ("unknown_code", series < 0),
        ("unknown_subject", (subject < 0) | ~fits),
        ("clock", _ahead(at, now, ahead_s)),
        ("off_slot", at % SLOT_US != 0),
        ("negative", of_energy[series] & (value < 0) & ~_nulls(rows, ("value",))),
    )
    # Not received is nothing to take, and no mistake either.
    there = (code == "") & ~_nulls(rows, ("value",))
    local = at + SHANGHAI_US
    labels = list(known)
    days: dict[LakeClass, dict[date, pa.Table]] = {}
    marks: dict[LakeClass, dict[date, pa.Table]] = {}
    given: Any = rows["mark"].combine_chunks() if "mark" in rows.schema.names else None
    for place, name in enumerate(names):
        mine = np.flatnonzero(there & (series == place))
        for day in _met(local[mine] // DAY_US):
            picked = mine[local[mine] // DAY_US == day]
            slots = (local[picked] % DAY_US) // SLOT_US
            cells = np.zeros(len(labels) * len(SLOTS), dtype=np.bool_)
            cells[subject[picked] * len(SLOTS) + slots] = True
            if np.count_nonzero(cells) < len(picked):
                told = code[picked]
                _supersede(told, subject[picked], at[picked], value[picked], apart)
                code[picked], picked = told, picked[told == ""]
                slots = (local[picked] % DAY_US) // SLOT_US
            table = _wide(subject[picked], slots, value[picked], labels)
            days.setdefault(CURVES[name], {})[_day(day)] = table
            if given is not None and name in ENERGY_SERIES:
                told = wide_marks(subject[picked], slots, given.take(pa.array(picked)), labels)
                marks.setdefault(CURVES[name], {})[_day(day)] = told
    return Judged(days, _refused(code, rows["subject"], at, value, _nulls(rows, ("value",))), marks)


def _ahead(at: Ints, now: datetime, ahead_s: int | None) -> Flags:
    if ahead_s is None:
        return np.zeros(len(at), dtype=np.bool_)
    return at + SLOT_US > us(now) + ahead_s * 1_000_000


def _wide(subject: Ints, slots: Ints, values: Ints, labels: list[str]) -> pa.Table:
    there = np.zeros(len(labels), dtype=np.bool_)
    there[subject] = True
    present, row = np.flatnonzero(there), (np.cumsum(there) - 1)[subject]
    grid = np.zeros((len(present), len(SLOTS)), dtype=np.int32)
    absent: Flags = np.ones(grid.shape, dtype=np.bool_)
    grid[row, slots], absent[row, slots] = values, False
    columns = [pa.array(grid[:, slot], mask=absent[:, slot]) for slot in range(len(SLOTS))]
    return pa.table([pa.array([labels[one] for one in present.tolist()]), *columns], names=["subject", *SLOTS])


# --- columns --------------------------------------------------------------------------------------------------------------


def _codes(column: Column, known: Mapping[str, int]) -> Ints:
    """The place of each value among the known ones, -1 where it is none of them."""
    encoded: Any = column.combine_chunks().dictionary_encode()
    words = [str(word) for word in encoded.dictionary.to_pylist()]
    table = np.array([*(known.get(word, NONE) for word in words), NONE], dtype=np.int64)
    indices = encoded.indices.fill_null(len(words)).to_numpy(zero_copy_only=False)
    return np.asarray(table[indices])


def _met(values: Ints) -> list[int]:
    """Those that occur, in order. There are few of them, so they are not found by sorting all."""
    found: Any = pa.array(values).unique()
    return sorted(found.to_pylist())


def _us(column: Column) -> Ints:
    return _int64(column.cast(pa.timestamp("us", tz="UTC")))


def _int64(column: Column) -> Ints:
    whole: Any = column.combine_chunks().cast(pa.int64()).fill_null(NONE)
    return np.asarray(whole.to_numpy(zero_copy_only=False))


def _nulls(rows: pa.Table, names: tuple[str, ...]) -> Flags:
    found: Flags = np.zeros(len(rows), dtype=np.bool_)
    for name in names:
        column: Any = rows[name].combine_chunks()
        found |= column.is_null().to_numpy(zero_copy_only=False)
    return found


def _first(count: int, *tests: tuple[str, Flags]) -> Any:
    """For each row the first test that it fails."""
    code = np.full(count, "", dtype="<U16")
    for name, failed in reversed(tests):
        code[failed] = name
    return code


def _refused(
    code: Any, subjects: Column, at: Ints, value: Ints, empty: Flags
) -> list[tuple[str, datetime | None, str, str]]:
    places = np.flatnonzero((code != "") & (code != "repeated"))
    names = subjects.take(pa.array(places)).to_pylist()
    return [
        (
            name or "",
            _datetime(int(at[place])) if at[place] != NONE else None,
            "" if empty[place] else str(int(value[place])),
            str(code[place]),
        )
        for name, place in zip(names, places.tolist(), strict=True)
    ]


def _datetime(at_us: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at_us)


def _day(number: int) -> date:
    return date(1970, 1, 1) + timedelta(days=number)

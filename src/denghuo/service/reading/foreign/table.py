"""Reads CSV and Parquet tables of intervals in whatever columns their sender has, as a layout says."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow

from denghuo.data.processing.import_columns import Day, Instant, Number, Words, is_text
from denghuo.data.processing.import_files import Place
from denghuo.data.processing.import_tables.columns import column, optional
from denghuo.data.processing.importing import Refusal, Row, Shape, open_table
from denghuo.kernel.problem import Text, text
from denghuo.service.reading.foreign.blocks import Block, Channel, marks_of
from denghuo.service.reading.foreign.layout import TableLayout

PLACES = 6
"""Decimal places that are kept of a value."""
INTERVALS_TOGETHER = 30 * 96
"""So many of the greatest values add up to no more than 64 bits hold, and so many of any length end on a quarter-hour."""
_NAME = Words(longest=64)
_MARK = re.compile("(nem12|espi|cim|table|denghuo) .{1,30}")
"""Marks as an export writes them."""
_ALL = 2**62
"""A line that no table has: all of it was given."""
_GREATEST = Decimal(2_200_000_000)
"""A quarter-hour holds 2^31 - 1 Wh."""
_VALUE = Number(places=PLACES, least=-_GREATEST, most=_GREATEST)


@dataclass(frozen=True)
class LocalInstant(Instant):
    """An instant that may be written without a zone, which is then `zone`, and in a form of its own."""

    zone: tzinfo = UTC
    form: str | None = None

    @property
    def title(self) -> Text:
        like = self.form or "2026-04-01T00:15:00"
        return text(f"时刻，如 {like}", f"instant like {like}")

    def from_text(self, cell: str) -> datetime:
        if self.form is None:
            return super().from_text(cell)
        try:
            return self.read(datetime.strptime(cell, self.form))  # noqa: DTZ007  # the zone follows
        except ValueError:
            raise self._wrong(text("不是有效时刻", "it is not an instant")) from None

    def read(self, value: Any) -> datetime:
        local = isinstance(value, datetime) and value.tzinfo is None
        return super().read(value.replace(tzinfo=self.zone) if local else value)

    def accepts(self, kind: pyarrow.DataType) -> bool:
        return is_text(kind) or bool(pyarrow.types.is_timestamp(kind))


@dataclass(frozen=True)
class LocalDay(Day):
    """A day that may be written in a form of its own."""

    form: str | None = None

    def from_text(self, cell: str) -> date:
        if self.form is not None:
            try:
                return datetime.strptime(cell, self.form).date()  # noqa: DTZ007  # a day has none
            except ValueError:
                pass
        return super().from_text(cell)


@dataclass
class Position:
    """How far a table was given: what the rows up to `line` hold, and the refusals up to `told_to`. Both count as refusals do."""

    line: int = 0
    told_to: int = 0


def read_table(
    path: Path, layout: TableLayout, zone: tzinfo, place: Place, position: Position
) -> Iterator[Block | list[Refusal]]:
    """Intervals of a channel that follow each other, as blocks; rows that cannot be read, some together.

    position: where it begins; it is moved on before anything is given.

    Raises:
        FileRefused: the file as a whole cannot be used.
    """
    table = open_table(path, _shape(layout, zone), encoding=layout.encoding)
    runs = _Runs(layout)
    place.after = position.line
    for batch in table.batches(place):
        refused = [one for one in batch.refused if one.line > position.told_to]
        if refused:
            position.told_to = refused[-1].line
            yield refused
        for line, row in zip(batch.lines, batch.rows, strict=True):
            done = runs.add(line, row, zone)
            if done is not None:
                position.line = line - 1
                yield done
    last = runs.end()
    position.line = _ALL
    if last is not None:
        yield last


def _shape(layout: TableLayout, zone: tzinfo) -> Shape:
    when = (
        column(layout.at, LocalInstant(zone, layout.form), "时刻", "instant")
        if layout.at is not None
        else column(layout.day or "", LocalDay(layout.form), "日期", "day")
    )
    channel = [] if layout.channel is None else [column(layout.channel, _NAME, "通道", "channel")]
    quality = [] if layout.quality is None else [optional(layout.quality, _NAME, "质量", "quality")]
    values = [optional(name, _VALUE, "电量", "energy") for name in layout.value_columns]
    # Their cells may be empty; a file without them is one that the mapping is not for, and not one without values.
    may_be_empty = [replace(one, named=True) for one in (*quality, *values)]
    return Shape(
        "readings",
        text("读数", "readings"),
        (column(layout.meter, _NAME, "表号", "meter"), when, *channel, *may_be_empty),
        others=True,
    )


class _Runs:
    """The intervals of a channel met so far that follow each other."""

    def __init__(self, layout: TableLayout) -> None:
        self._layout = layout
        self._step = timedelta(minutes=layout.minutes)
        self._line = 0
        self._channel: Channel | None = None
        self._begins = self._ends = datetime.min.replace(tzinfo=UTC)
        self._values: list[Decimal | None] = []
        self._marks: list[str] = []

    def add(self, line: int, row: Row, zone: tzinfo) -> Block | None:
        """Takes a row; the run before, where this row begins another."""
        layout = self._layout
        name = "" if layout.channel is None else row[layout.channel]
        channel = Channel(row[layout.meter], name, layout.unit.lower(), layout.flow if layout.channel is None else None)
        if layout.at is None:
            begins = datetime.combine(row[layout.day or ""], time(), zone)
        else:
            begins = row[layout.at] - (self._step if layout.stamp == "end" else timedelta())
        values = [row[name] for name in layout.value_columns]
        done = None
        goes_on = channel == self._channel and begins == self._ends and len(self._values) < INTERVALS_TOGETHER
        if not goes_on:
            done = self.end()
            self._line, self._channel, self._begins, self._ends = line, channel, begins, begins
        self._values += values
        self._marks += [_mark(layout, row)] * len(values)
        self._ends += self._step * len(values)
        return done

    def end(self) -> Block | None:
        values, self._values = self._values, []
        marks, self._marks = self._marks, []
        if self._channel is None or not values:
            return None
        numbers = np.array([0 if value is None else int(value.scaleb(PLACES)) for value in values], dtype=np.int64)
        missing = np.array([value is None for value in values])
        seconds = int(self._step.total_seconds())
        there = None if not missing.any() else missing
        begins = self._begins.astimezone(UTC)
        return Block(self._line, self._channel, begins, seconds, numbers, PLACES, there, marks_of(marks))


def _mark(layout: TableLayout, row: Row) -> str:
    said = "" if layout.quality is None else row[layout.quality] or ""
    return said if _MARK.fullmatch(said) else f"table {said}" if said in layout.estimated else ""

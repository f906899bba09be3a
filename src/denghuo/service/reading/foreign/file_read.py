"""Reads a file into pieces of rows for the lake: meters and channels by a mapping, intervals as curves, registers as reads.

What cannot be taken (an unknown unit, an interval that is too long) is refused by itself and told. The reading may be left after
any piece and taken up there again, also by another process: `kept` is what it needs to know.
"""

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any, Self

import numpy as np
import pyarrow as pa

from denghuo.data.processing.dataset import arrow_schema
from denghuo.data.processing.import_files import shown
from denghuo.data.processing.importing import Refusal
from denghuo.kernel.contract import DatasetSchema
from denghuo.kernel.period import SHANGHAI
from denghuo.kernel.problem import Text, text
from denghuo.service.reading.api import (
    CURVE_INTAKE,
    MARKED_CURVE_INTAKE,
    MARKED_REGISTER_INTAKE,
    QUANTITIES,
    REGISTER_INTAKE,
    ImportFormat,
)
from denghuo.service.reading.foreign.blocks import Block, Channel, Malformed, RegisterRead
from denghuo.service.reading.foreign.formats import FORMATS, NAME_IN_MAPPING, Found, refused, source_of
from denghuo.service.reading.foreign.layout import Mapping
from denghuo.service.reading.foreign.slots import SLOT_SECONDS, Slots, slots
from denghuo.service.reading.foreign.table import Position

ROWS_EACH = 2_000_000
"""Values of one piece: what is kept in memory at a time."""
REFUSALS_EACH = 50_000
"""So many refusals end a piece, too."""
_SERIES = {
    "active_fwd": "active_fwd_wh",
    "active_rev": "active_rev_wh",
    "reactive_fwd": "reactive_fwd_varh",
    "reactive_rev": "reactive_rev_varh",
}


@dataclass
class Taken:
    """What a file holds. values, sums: by (meter, channel), as the sender names them and in his unit; handed: quarter-hours and
    registers that can be taken; energy: of handed quarter-hours by flow, (how many, Wh or varh)."""

    values: Counter[tuple[str, str]] = field(default_factory=Counter)
    sums: dict[tuple[str, str], Decimal] = field(default_factory=dict)
    missing: int = 0
    estimated: int = 0
    handed: int = 0
    refused: int = 0
    energy: dict[str, tuple[int, int]] = field(default_factory=dict)


@dataclass(frozen=True)
class Rows:
    """Rows of one intake; period: the month of the first."""

    schema: DatasetSchema
    table: pa.Table
    period: str


@dataclass(frozen=True)
class Piece:
    """What was read since the piece before: rows by their schema, refusals; ended: the file has no more."""

    rows: list[Rows]
    refusals: list[Refusal]
    ended: bool


class FileRead:
    """One file: what was read so far, and the rows made of it. kind: its format; pieces: how many were given."""

    def __init__(
        self, path: Path, kind: ImportFormat, mapping: Mapping, *, spread: bool, position: Position | None = None
    ) -> None:
        self.kind, self.taken, self.pieces, self._items = kind, Taken(), 0, 0
        self._path, self._mapping, self._spread = path, mapping, spread
        self._source = source_of(path, kind, mapping, position or Position())
        self._found = self._opened(kind)
        self._of: dict[tuple[str, str], str] = {}
        self._curves: list[tuple[str, str, Slots]] = []
        self._count = 0
        self._registers: list[dict[str, Any]] = []
        self._refusals: list[Refusal] = []

    def _opened(self, kind: ImportFormat) -> Iterator[Found]:
        # A function of its own, so that a fault at its beginning is told like those that follow.
        yield from FORMATS[kind](self._source)

    @property
    def bytes_read(self) -> int:
        return self._source.place.bytes_read

    def read_on(self, seconds: float) -> Piece | None:
        """The next piece; None where the time is over before there is one.

        Raises:
            ReadingsRefused, FileRefused: the file breaks its format.
        """
        until = time.monotonic() + seconds
        try:
            for found in self._found:
                self._items += 1
                self._add(found)
                if self._count >= ROWS_EACH or len(self._refusals) >= REFUSALS_EACH:
                    return self._piece(ended=False)
                if time.monotonic() >= until:
                    return None
        except Malformed as fault:
            raise refused(self._path, fault) from fault
        return self._piece(ended=True)

    # -- to be left and taken up again -----------------------------------------------------------------------------------

    def kept(self) -> dict[str, Any]:
        """What is to be known to go on after the piece that was given last."""
        taken, position = self.taken, self._source.position
        return {
            "pieces": self.pieces,
            "items": self._items,
            "position": [position.line, position.told_to],
            "of": [[*key, channel] for key, channel in self._of.items()],
            "channels": [[*key, count, str(taken.sums.get(key, ""))] for key, count in taken.values.items()],
            "counts": [taken.missing, taken.estimated, taken.handed, taken.refused],
            "energy": {flow: list(pair) for flow, pair in taken.energy.items()},
        }

    @classmethod
    def resumed(cls, path: Path, kind: ImportFormat, mapping: Mapping, *, spread: bool, kept: dict[str, Any]) -> Self:
        """The reading of a file from where another one left it. A table begins there; of other formats what stands before is passed
        over as it is met again."""
        read = cls(path, kind, mapping, spread=spread, position=Position(*kept["position"]))
        read.pieces, read._items = kept["pieces"], kept["items"]
        read._of = {(meter, flow): channel for meter, flow, channel in kept["of"]}
        taken = read.taken
        for meter, channel, count, total in kept["channels"]:
            taken.values[meter, channel] = count
            if total:
                taken.sums[meter, channel] = Decimal(total)
        taken.missing, taken.estimated, taken.handed, taken.refused = kept["counts"]
        taken.energy = {flow: (count, wh) for flow, (count, wh) in kept["energy"].items()}
        if kind != "table":
            try:
                next(islice(read._found, read._items - 1, None), None) if read._items else None
            except Malformed as fault:
                raise refused(path, fault) from fault
        return read

    # -- one block -------------------------------------------------------------------------------------------------------

    def _add(self, found: Found) -> None:
        if isinstance(found, list | Refusal):
            told = found if isinstance(found, list) else [found]
            self.taken.refused += len(told)
            self._refusals += told
            return
        key = found.channel.meter, found.channel.name
        self.taken.values[key] += len(found.numbers) if isinstance(found, Block) else 1
        flow = self._flow(found.line, found.channel)
        if isinstance(found, Block):
            total = Decimal(int(found.numbers.sum())).scaleb(-found.places)
            self.taken.sums[key] = self.taken.sums.get(key, Decimal(0)) + total
            self.taken.missing += 0 if found.missing is None else int(found.missing.sum())
        self.taken.estimated += found.estimated
        if flow is None:
            return
        meter = self._meter(found.channel)
        if isinstance(found, Block):
            self._block(found, meter, flow)
        else:
            self._register(found, meter, flow)

    def _meter(self, channel: Channel) -> str:
        name = channel.serial if self._mapping.meters_by == "serial" else channel.meter
        return self._mapping.meters.get(name, name)

    def _flow(self, line: int, channel: Channel) -> str | None:
        """The flow of a channel; None where it is refused."""
        flow = self._mapping.channels.get(channel.name, channel.usual)
        if flow is None:
            what = text("不知道该通道对应的示数类型", "it is not known what this channel measures")
        else:
            other = self._of.setdefault((self._meter(channel), flow), channel.name)
            if other == channel.name:
                return flow
            title = QUANTITIES.entries[flow]
            what = text(
                f"该表的{title['zh']}已有通道 {other}", f"{other} is {title['en'].lower()} of the same meter already"
            )
        self._refuse(line, "channel", f"{channel.meter} {channel.name}".strip(), what, NAME_IN_MAPPING)
        return None

    def _block(self, block: Block, meter: str, flow: str) -> None:
        found = slots(block, spread=self._spread)
        if isinstance(found, tuple):
            self._refuse(block.line, *found)
            return
        self._curves.append((_SERIES[flow], meter, found))
        self._count += len(found.values)
        count, wh = self.taken.energy.get(flow, (0, 0))
        self.taken.energy[flow] = count + int(np.count_nonzero(found.there)), wh + int(found.values.sum())

    def _register(self, read: RegisterRead, meter: str, flow: str) -> None:
        value = read.value.scaleb(4)
        if value != value.to_integral_value() or not 0 <= value < 10**15:
            what = text("示数应为非负数，至多四位小数", "a register is not negative and has at most four places")
            self._refuse(read.line, "register", str(read.value), what, NAME_IN_MAPPING)
            return
        self._count += 1
        self._registers.append(
            {
                "meter_no": meter,
                "read_at": read.at.astimezone(UTC),
                "quantity": flow,
                "band": "total",
                "value_e4": int(value),
                "mark": read.mark,
            }
        )

    def _refuse(self, line: int, field: str, value: str, what: Text, remedy: Text) -> None:
        self.taken.refused += 1
        self._refusals.append(Refusal(self._path.name, line, field, shown(value), what, remedy))

    # -- pieces ----------------------------------------------------------------------------------------------------------

    def _piece(self, *, ended: bool) -> Piece:
        rows = []
        if self._curves:
            rows.append(_curve_rows(self._curves))
        if self._registers:
            schema = MARKED_REGISTER_INTAKE if any(row["mark"] for row in self._registers) else REGISTER_INTAKE
            table = pa.Table.from_pylist(self._registers, schema=arrow_schema(schema))
            rows.append(Rows(schema, table, _month(min(row["read_at"] for row in self._registers))))
        self.taken.handed += sum(len(one.table) for one in rows)
        piece = Piece(rows, self._refusals, ended)
        self._curves, self._registers, self._refusals, self._count = [], [], [], 0
        self.pieces += 1
        return piece


def _curve_rows(curves: list[tuple[str, str, Slots]]) -> Rows:
    """One row for each quarter-hour; what was not measured is none."""
    counts = [len(found.values) for *_, found in curves]
    place = np.repeat(np.arange(len(counts)), counts)
    within = np.arange(len(place)) - np.repeat(np.cumsum(counts) - counts, counts)
    begins = np.array([found.begins for *_, found in curves], dtype=np.int64)
    values = np.concatenate([found.values for *_, found in curves])
    absent = ~np.concatenate([found.there for *_, found in curves])
    schema = CURVE_INTAKE if all(found.marks is None for *_, found in curves) else MARKED_CURVE_INTAKE
    marks = {} if schema is CURVE_INTAKE else {"mark": _marks([found for *_, found in curves])}
    rows = pa.table(
        {
            "series": _named_rows([series for series, _, _ in curves], place),
            "subject": _named_rows([meter for _, meter, _ in curves], place),
            "at": pa.array(begins[place] + within * SLOT_SECONDS * 1_000_000, type=pa.timestamp("us", tz="UTC")),
            "value": pa.array(values, mask=absent, type=pa.int64()),
            **marks,
        }
    ).cast(arrow_schema(schema))
    return Rows(schema, rows, _month(datetime.fromtimestamp(int(begins.min()) / 1_000_000, UTC)))


def _month(first: datetime) -> str:
    return f"{first.astimezone(SHANGHAI):%Y-%m}"


def _marks(curves: list[Slots]) -> Any:
    """The mark of each value of these curves."""
    places: dict[str, int] = {}
    codes = []
    for found in curves:
        names = ("",) if found.marks is None else found.marks.names
        own = np.array([places.setdefault(name, len(places)) for name in names])
        codes.append(own[np.zeros(len(found.values), dtype=np.int64) if found.marks is None else found.marks.codes])
    indices = pa.array(np.concatenate(codes), type=pa.int32())
    return pa.DictionaryArray.from_arrays(indices, pa.array(list(places))).cast(pa.string())


def _named_rows(names: list[str], place: Any) -> Any:
    encoded = pa.array(names).dictionary_encode()
    indices = np.asarray(encoded.indices)[place]
    return pa.DictionaryArray.from_arrays(pa.array(indices, type=pa.int32()), encoded.dictionary).cast(pa.string())

"""Takes readings of other systems over: meters and channels by a mapping, intervals as curves, registers as reads.

A file is taken whole or not at all: what it holds is handed to the reading service once it has been read to its end. A block that
cannot be taken (an unknown unit, an interval that is too long) is refused by itself and told.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa

from denghuo.data.processing.dataset import Datasets, arrow_schema
from denghuo.data.processing.import_files import shown
from denghuo.data.processing.importing import Refusal
from denghuo.importer.foreign.blocks import Block, Channel, Malformed, RegisterRead
from denghuo.importer.foreign.cim import read_cim_json, read_cim_xml
from denghuo.importer.foreign.espi import read_espi
from denghuo.importer.foreign.layout import Mapping
from denghuo.importer.foreign.nem12 import read_nem
from denghuo.importer.foreign.opened import opened
from denghuo.importer.foreign.slots import SLOT_SECONDS, Slots, slots
from denghuo.importer.foreign.table import read_table
from denghuo.kernel.contract import Call, DatasetRef, DatasetSchema
from denghuo.kernel.period import SHANGHAI
from denghuo.kernel.problem import Problem, Text, text
from denghuo.service.host.binding import Ask
from denghuo.service.reading.api import (
    CURVE_INTAKE,
    MARKED_CURVE_INTAKE,
    MARKED_REGISTER_INTAKE,
    QUANTITIES,
    REGISTER_INTAKE,
    Intake,
    ReadingApi,
    Received,
)

ROWS_EACH = 2_000_000
"""Values of one dataset: what is kept in memory at a time."""
REFUSALS_SHOWN = 100
_SERIES = {
    "active_fwd": "active_fwd_wh",
    "active_rev": "active_rev_wh",
    "reactive_fwd": "reactive_fwd_varh",
    "reactive_rev": "reactive_rev_varh",
}
Format = Literal["nem12", "espi", "cim-xml", "cim-json", "table"]
Found = Block | RegisterRead | Refusal


def _nem(path: Path, mapping: Mapping) -> Iterator[Found]:
    with opened(path) as stream:
        yield from read_nem(stream, ZoneInfo(mapping.zone))


def _espi(path: Path, mapping: Mapping) -> Iterator[Found]:
    return read_espi(lambda: opened(path))


def _cim_xml(path: Path, mapping: Mapping) -> Iterator[Found]:
    with opened(path) as stream:
        yield from read_cim_xml(stream, ZoneInfo(mapping.zone))


def _cim_json(path: Path, mapping: Mapping) -> Iterator[Found]:
    with opened(path) as stream:
        yield from read_cim_json(stream, ZoneInfo(mapping.zone))


def _table(path: Path, mapping: Mapping) -> Iterator[Found]:
    if mapping.table is None:
        what = text("表格须在映射文件的 table 中说明各列", "a table needs its columns named under `table` of a mapping")
        raise Malformed(0, "table", "", what, _MAP)
    return read_table(path, mapping.table, ZoneInfo(mapping.zone))


FORMATS: dict[Format, Callable[[Path, Mapping], Iterator[Found]]] = {
    "nem12": _nem,
    "espi": _espi,
    "cim-xml": _cim_xml,
    "cim-json": _cim_json,
    "table": _table,
}


class ReadingsRefused(
    Problem, noun="data", status=422, zh="读数文件无法导入", en="The file of readings cannot be imported"
):
    """Nothing of it was taken. Fields: file, line, field, value."""


@dataclass
class Taken:
    """What became of a file. values, sums: what it holds by (meter, channel), as the sender names them and in his unit; handed,
    taken and so on: quarter-hours and registers."""

    file: str
    values: Counter[tuple[str, str]] = field(default_factory=Counter)
    sums: dict[tuple[str, str], Decimal] = field(default_factory=dict)
    missing: int = 0
    estimated: int = 0
    handed: int = 0
    taken: int = 0
    unchanged: int = 0
    corrected: int = 0
    refused: int = 0
    refusals: list[Refusal] = field(default_factory=list)


def format_of(path: Path, mapping: Mapping) -> Format:
    """A table where the mapping names its columns, else the format by what the file begins with.

    Raises:
        ReadingsRefused: it is none that is known.
    """
    if mapping.table is not None:
        return "table"
    try:
        with opened(path) as stream:
            head = stream.read(4096).lstrip(b"\xef\xbb\xbf \r\n\t")
    except Malformed as fault:
        raise _refused(path, fault) from fault
    if head.startswith(b"100,"):
        return "nem12"
    if head.startswith(b"<"):
        return "cim-xml" if b"MeterReading" in head and b"/Atom" not in head else "espi"
    if head.startswith(b"{"):
        return "cim-json"
    what = text("无法识别格式，请用 --format 指明", "the format is not recognised; name it with --format")
    raise ReadingsRefused(_named(path, what), file=path.name, line=0, field="", value=shown(head[:20]))


def take_readings(
    path: Path,
    kind: Format,
    mapping: Mapping,
    *,
    spread: bool = False,
    ask: Ask | None = None,
    call: Call,
    datasets: Datasets | None = None,
    tell: Callable[[Refusal], None] | None = None,
) -> Taken:
    """Takes a file over; the same file again changes nothing. Without `ask` and `datasets` it is looked at only.

    tell: is told of every refusal as it is found; the reply has the first hundred, of each channel the first of a kind. Of what the
    reading service refuses both have the first hundred of each two million values.

    Raises:
        ReadingsRefused: the file breaks its format; nothing was taken.
    """
    run = _Run(path, mapping, spread, datasets, call, tell)
    try:
        for found in FORMATS[kind](path, mapping):
            run.add(found)
    except Malformed as fault:
        raise _refused(path, fault) from fault
    run.finish()
    if ask is not None:
        for schema, ref in run.published:
            run.count(_receive(ask, call, schema, ref))
    return run.taken


def _receive(ask: Ask, call: Call, schema: DatasetSchema, rows: DatasetRef) -> Received:
    api, intake = ask(ReadingApi), Intake(rows=rows)
    of_registers = schema in (REGISTER_INTAKE, MARKED_REGISTER_INTAKE)
    return api.receive_registers(call, intake) if of_registers else api.receive_curves(call, intake)


def _refused(path: Path, fault: Malformed) -> ReadingsRefused:
    place = {"zh": f"第 {fault.line} 行 ", "en": f"line {fault.line} "} if fault.line else {"zh": "", "en": ""}
    named = f"{fault.field} {shown(fault.value)}".strip()
    what = text(
        f"{place['zh']}{named}：{fault.what['zh']}；{fault.remedy['zh']}。",
        f"{place['en']}{named}: {fault.what['en']}; {fault.remedy['en']}.",
    )
    return ReadingsRefused(
        _named(path, what), file=path.name, line=fault.line, field=fault.field, value=shown(fault.value)
    )


def _named(path: Path, what: Text) -> Text:
    return text(f"{shown(path.name)}：{what['zh']}", f"{shown(path.name)}: {what['en']}")


class _Run:
    """One file: what was read so far, and the datasets made of it."""

    def __init__(
        self,
        path: Path,
        mapping: Mapping,
        spread: bool,
        datasets: Datasets | None,
        call: Call,
        report: Callable[[Refusal], None] | None,
    ) -> None:
        self.taken = Taken(path.name)
        self.published: list[tuple[DatasetSchema, DatasetRef]] = []
        self._mapping, self._spread, self._datasets, self._call = mapping, spread, datasets, call
        self._report = report or (lambda refusal: None)
        self._zone = ZoneInfo(mapping.zone)
        with path.open("rb") as stream:
            self._digest = hashlib.file_digest(stream, "sha256").hexdigest()[:16]
        self._of: dict[tuple[str, str], str] = {}
        self._told: set[tuple[str, str, str]] = set()
        self._curves: list[tuple[str, str, Slots]] = []
        self._count = 0
        self._registers: list[dict[str, Any]] = []

    def add(self, found: Found) -> None:
        if isinstance(found, Refusal):
            self.taken.refused += 1
            self._tell(found)
            return
        key = found.channel.meter, found.channel.name
        number = len(found.numbers) if isinstance(found, Block) else 1
        self.taken.values[key] += number
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

    def count(self, received: Received) -> None:
        self.taken.taken += received.taken
        self.taken.unchanged += received.unchanged
        self.taken.corrected += received.corrected
        self.taken.refused += received.refused
        for row in received.refused_rows:
            at = "" if row.at is None else row.at.astimezone(self._zone).isoformat()
            what = text(row.reason.zh, row.reason.en)
            self._tell(Refusal(self.taken.file, 0, row.subject, at or row.value, what, _MAP))

    def finish(self) -> None:
        self._publish_curves()
        if self._registers:
            schema = MARKED_REGISTER_INTAKE if any(row["mark"] for row in self._registers) else REGISTER_INTAKE
            rows = pa.Table.from_pylist(self._registers, schema=arrow_schema(schema))
            self._publish(schema, rows, min(row["read_at"] for row in self._registers))
        self._registers = []

    # -- one block -------------------------------------------------------------------------------------------------------

    def _meter(self, channel: Channel) -> str:
        name = channel.serial if self._mapping.meters_by == "serial" else channel.meter
        return self._mapping.meters.get(name, name)

    def _flow(self, line: int, channel: Channel) -> str | None:
        """The flow of a channel; None where it is refused, which is told once."""
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
        self._refuse(line, channel, "channel", f"{channel.meter} {channel.name}".strip(), what, _MAP)
        return None

    def _block(self, block: Block, meter: str, flow: str) -> None:
        found = slots(block, spread=self._spread)
        if isinstance(found, tuple):
            self._refuse(block.line, block.channel, *found)
            return
        self._curves.append((_SERIES[flow], meter, found))
        self._count += len(found.values)
        if self._count >= ROWS_EACH:
            self._publish_curves()

    def _register(self, read: RegisterRead, meter: str, flow: str) -> None:
        value = read.value.scaleb(4)
        if value != value.to_integral_value() or not 0 <= value < 10**15:
            what = text("示数应为非负数，至多四位小数", "a register is not negative and has at most four places")
            self._refuse(read.line, read.channel, "register", str(read.value), what, _MAP)
            return
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

    def _refuse(self, line: int, channel: Channel, field: str, value: str, what: Text, remedy: Text) -> None:
        """Counts a refusal, and tells the first of its kind of each channel."""
        self.taken.refused += 1
        refusal = Refusal(self.taken.file, line, field, shown(value), what, remedy)
        if (channel.meter, channel.name, field) in self._told:
            self._report(refusal)
        else:
            self._told.add((channel.meter, channel.name, field))
            self._tell(refusal)

    def _tell(self, refusal: Refusal) -> None:
        self._report(refusal)
        if len(self.taken.refusals) < REFUSALS_SHOWN:
            self.taken.refusals.append(refusal)

    # -- datasets --------------------------------------------------------------------------------------------------------

    def _publish_curves(self) -> None:
        """One row for each quarter-hour; what was not measured is none."""
        if not self._curves:
            return
        counts = [len(found.values) for *_, found in self._curves]
        place = np.repeat(np.arange(len(counts)), counts)
        within = np.arange(len(place)) - np.repeat(np.cumsum(counts) - counts, counts)
        begins = np.array([found.begins for *_, found in self._curves], dtype=np.int64)
        values = np.concatenate([found.values for *_, found in self._curves])
        absent = ~np.concatenate([found.there for *_, found in self._curves])
        schema = CURVE_INTAKE if all(found.marks is None for *_, found in self._curves) else MARKED_CURVE_INTAKE
        marks = {} if schema is CURVE_INTAKE else {"mark": _marks([found for *_, found in self._curves])}
        rows = pa.table(
            {
                "series": _named_rows([series for series, _, _ in self._curves], place),
                "subject": _named_rows([meter for _, meter, _ in self._curves], place),
                "at": pa.array(begins[place] + within * SLOT_SECONDS * 1_000_000, type=pa.timestamp("us", tz="UTC")),
                "value": pa.array(values, mask=absent, type=pa.int64()),
                **marks,
            }
        ).cast(arrow_schema(schema))
        first = datetime.fromtimestamp(int(begins.min()) / 1_000_000, UTC)
        self._curves, self._count = [], 0
        self._publish(schema, rows, first)

    def _publish(self, schema: DatasetSchema, rows: pa.Table, first: datetime) -> None:
        self.taken.handed += len(rows)
        if self._datasets is not None:
            period = f"{first.astimezone(SHANGHAI):%Y-%m}"
            shard = f"readings-{self._digest}-{len(self.published)}"
            self.published.append((schema, self._datasets.publish(schema, period, shard, rows, self._call.now)))


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


_MAP = text(
    "请在映射文件中指明表号与通道，或先建档", "name meter and channel in a mapping file, or register the meter first"
)

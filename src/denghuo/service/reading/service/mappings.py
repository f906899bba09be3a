"""Mappings of senders' names: kept, shown as forms, tried on a sample (读数映射)."""

import base64
import csv
import io
import itertools
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

from denghuo.data.processing.import_files import FileRefused, shown
from denghuo.data.processing.importing import Refusal
from denghuo.data.processing.work import Work
from denghuo.kernel.contract import Call
from denghuo.kernel.fields import Document, TextPair
from denghuo.kernel.problem import text
from denghuo.service.reading.api import (
    FindMappings,
    MappingPreview,
    MappingRef,
    MappingRow,
    MappingsFound,
    MappingShown,
    NoSuchMapping,
    PreviewMapping,
    SampleInterval,
    SampleRefusal,
    SampleUnfit,
    SaveMapping,
)
from denghuo.service.reading.foreign.blocks import Block
from denghuo.service.reading.foreign.formats import FORMATS, source_of, why
from denghuo.service.reading.foreign.layout import Mapping, form_of, mapping_in, mapping_of, words_of
from denghuo.service.reading.foreign.table import Position
from denghuo.service.reading.store.imports import Mappings, Row

SAMPLE_LINES = 500
"""So much of a sample is looked at."""
SHOWN = 50


def mapping_row(mappings: Mappings, ref: MappingRef) -> Row:
    row = mappings.one(ref.code, ref.version)
    if row is None:
        raise NoSuchMapping(
            text(
                f"没有映射 {ref.code}"
                + (f" 第 {ref.version} 版" if ref.version else "")
                + "，请先在“读数映射”页保存。",
                f"There is no mapping {ref.code}"
                + (f" version {ref.version}" if ref.version else "")
                + "; save it first.",
            ),
            code=ref.code,
            version=ref.version,
        )
    return row


class MappingDesk:
    def __init__(self, work: Work, call: Call) -> None:
        self._call, self._mappings = call, Mappings(work)

    def save(self, request: SaveMapping) -> MappingShown:
        """Raises MappingFaulty."""
        mapping_in(request.words)
        self._mappings.save(request.code, request.title, request.words, self._call.actor, self._call.now)
        return self.shown(MappingRef(code=request.code))

    def shown(self, ref: MappingRef) -> MappingShown:
        row = mapping_row(self._mappings, ref)
        form = form_of(mapping_in(row["words"])).model_dump()
        return MappingShown.model_validate(form | row | {"as_of": self._call.now})

    def file(self, ref: MappingRef) -> Document:
        row = mapping_row(self._mappings, ref)
        return Document(
            file_name=f"{row['code']}-v{row['version']}.yaml",
            media_type="application/yaml",
            content=base64.b64encode(row["words"].encode()).decode(),
        )

    def found(self, request: FindMappings) -> MappingsFound:
        after = request.after
        if request.code is not None and after is not None:
            after = str(request.after_number or 0)
        rows, total = self._mappings.found(request.code, after, request.limit)
        last = rows[-1] if len(rows) == request.limit else None
        return MappingsFound(
            rows=[
                MappingRow.model_validate(
                    {name: row[name] for name in MappingRow.model_fields if name != "of_tables"}
                    | {"of_tables": mapping_in(row["words"]).table is not None}
                )
                for row in rows
            ],
            total=total,
            next=None if last is None else str(last["code"] if request.code is None else last["version"]),
            as_of=self._call.now,
        )


def preview(request: PreviewMapping) -> MappingPreview:
    """Raises MappingFaulty, or SampleUnfit where the sample as a whole cannot be read by it."""
    mapping = mapping_of(request)
    columns: list[str] = []
    rows: list[SampleInterval] = []
    refusals: list[Refusal] = []
    if request.sample and mapping.table is not None:
        lines = request.sample.lstrip("\ufeff").splitlines(keepends=True)
        columns = _columns(lines[0]) if lines else []
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "sample.csv"
            # The browser has decoded it, so it is read as it is written here.
            path.write_text("".join(lines[: SAMPLE_LINES + 1]), encoding="utf-8", newline="")
            utf8 = mapping.table.model_copy(update={"encoding": "utf-8"})
            rows, refusals = _read(path, mapping.model_copy(update={"table": utf8}))
    return MappingPreview(
        words=words_of(mapping),
        columns=columns,
        rows=rows,
        refusals=[
            SampleRefusal(
                row_key=f"{one.line} {one.field}",
                line=one.line,
                field=one.field,
                value=one.value,
                what=TextPair(**one.what),
                remedy=TextPair(**one.remedy),
            )
            for one in refusals[:SHOWN]
        ],
    )


def _columns(head: str) -> list[str]:
    try:
        return [name.strip() for name in next(csv.reader(io.StringIO(head)), [])]
    except csv.Error:
        return []  # what is wrong with it is told by the reader


def _read(path: Path, mapping: Mapping) -> tuple[list[SampleInterval], list[Refusal]]:
    rows: list[SampleInterval] = []
    refusals: list[Refusal] = []
    try:
        for found in FORMATS["table"](source_of(path, "table", mapping, Position())):
            if isinstance(found, list):
                refusals += found
            elif isinstance(found, Block):
                rows += itertools.islice(_intervals(found, mapping), SHOWN - len(rows))
    except FileRefused as refused:
        raise SampleUnfit(why(refused), **refused.fields) from refused
    return rows, refusals


def _intervals(block: Block, mapping: Mapping) -> Iterator[SampleInterval]:
    channel = block.channel
    flow = mapping.channels.get(channel.name, channel.usual)
    for place, number in enumerate(block.numbers.tolist()):
        there = block.missing is None or not block.missing[place]
        yield SampleInterval(
            row_key=f"{block.line} {channel.meter} {channel.name} {place}",
            meter_no=mapping.meters.get(channel.meter, shown(channel.meter)),
            flow=flow,
            begins=block.begins + timedelta(seconds=place * block.seconds),
            minutes=block.seconds // 60,
            value=f"{Decimal(number).scaleb(-block.places).normalize():f}" if there else None,
            unit=channel.unit,
            mark="" if block.marks is None else block.marks.names[block.marks.codes[place]],
        )

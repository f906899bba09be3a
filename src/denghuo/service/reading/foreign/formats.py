"""The formats that are read, and by what a file begins with which of them it is."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

from denghuo.data.processing.import_files import FileRefused, Place, shown
from denghuo.data.processing.importing import Refusal
from denghuo.kernel.problem import Problem, Text, text
from denghuo.service.reading.api import ImportFormat
from denghuo.service.reading.foreign.blocks import Block, Malformed, RegisterRead
from denghuo.service.reading.foreign.cim import read_cim_json, read_cim_xml
from denghuo.service.reading.foreign.espi import read_espi
from denghuo.service.reading.foreign.layout import Mapping
from denghuo.service.reading.foreign.nem12 import read_nem
from denghuo.service.reading.foreign.opened import opened
from denghuo.service.reading.foreign.table import Position, read_table

Found = Block | RegisterRead | Refusal | list[Refusal]


class ReadingsRefused(
    Problem, noun="data", status=422, zh="读数文件无法导入", en="The file of readings cannot be imported"
):
    """Nothing of it was taken. Fields: file, line, field, value."""


@dataclass
class Source:
    """A file that is read. position: of a table, from where on, and how far it is."""

    path: Path
    mapping: Mapping
    place: Place
    position: Position = field(default_factory=Position)

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.mapping.zone)


def _nem(source: Source) -> Iterator[Found]:
    with opened(source.path, source.place) as stream:
        yield from read_nem(stream, source.zone)


def _espi(source: Source) -> Iterator[Found]:
    return read_espi(lambda: opened(source.path, source.place))


def _cim_xml(source: Source) -> Iterator[Found]:
    with opened(source.path, source.place) as stream:
        yield from read_cim_xml(stream, source.zone)


def _cim_json(source: Source) -> Iterator[Found]:
    with opened(source.path, source.place) as stream:
        yield from read_cim_json(stream, source.zone)


def _table(source: Source) -> Iterator[Found]:
    if source.mapping.table is None:
        what = text("表格须在映射的 table 中说明各列", "a table needs its columns named under `table` of a mapping")
        raise Malformed(0, "table", "", what, NAME_IN_MAPPING)
    return read_table(source.path, source.mapping.table, source.zone, source.place, source.position)


FORMATS: dict[ImportFormat, Callable[[Source], Iterator[Found]]] = {
    "nem12": _nem,
    "espi": _espi,
    "cim-xml": _cim_xml,
    "cim-json": _cim_json,
    "table": _table,
}
_PASSES = {"espi": 2}
"""How often a file is read from its beginning, where it is not once."""


def source_of(path: Path, kind: ImportFormat, mapping: Mapping, position: Position) -> Source:
    return Source(path, mapping, Place(path.stat().st_size, _PASSES.get(kind, 1)), position)


def format_of(path: Path, mapping: Mapping) -> ImportFormat:
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
        raise refused(path, fault) from fault
    if head.startswith(b"100,"):
        return "nem12"
    if head.startswith(b"<"):
        return "cim-xml" if b"MeterReading" in head and b"/Atom" not in head else "espi"
    if head.startswith(b"{"):
        return "cim-json"
    what = text(
        "无法识别格式：请指明格式（--format），CSV 或 Parquet 表格请选择映射",
        "the format is not recognised: name it (--format), or a mapping where it is a table (CSV, Parquet)",
    )
    raise ReadingsRefused(_named(path, what), file=path.name, line=0, field="", value=shown(head[:20]))


def refused(path: Path, fault: Malformed) -> ReadingsRefused:
    place = {"zh": f"第 {fault.line} 行 ", "en": f"line {fault.line} "} if fault.line else {"zh": "", "en": ""}
    named = f"{fault.field} {shown(fault.value)}".strip()
    at = {language: f"{place[language]}{named}".strip() for language in ("zh", "en")}
    what = text(
        f"{at['zh']}：".removeprefix("：") + f"{fault.what['zh']}；{fault.remedy['zh']}。",
        f"{at['en']}: ".removeprefix(": ") + f"{fault.what['en']}; {fault.remedy['en']}.",
    )
    return ReadingsRefused(
        _named(path, what), file=path.name, line=fault.line, field=fault.field, value=shown(fault.value)
    )


def why(problem: ReadingsRefused | FileRefused) -> Text:
    """Why a file was refused as a whole, each fault with its remedy."""
    faults = problem.fields.get("faults")
    if not faults:
        return problem.detail
    file = problem.fields["file"]

    def said(language: Literal["zh", "en"], colon: str, semicolon: str) -> str:
        each = [
            f"{one['column']}{colon}".removeprefix(colon)
            + f"{one['what'][language]}{semicolon}{one['remedy'][language]}"
            for one in faults
        ]
        return f"{file}{colon}" + semicolon.join(each)

    return text(said("zh", "：", "；"), said("en", ": ", "; "))


def _named(path: Path, what: Text) -> Text:
    return text(f"{shown(path.name)}：{what['zh']}", f"{shown(path.name)}: {what['en']}")


NAME_IN_MAPPING = text(
    "请在映射中指明表号与通道，或先建档", "name meter and channel in a mapping, or register the meter first"
)

"""The two file formats of the public import, each as a stream of rows: (line, cells by column name)."""

import codecs
import csv
import io
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet

from denghuo.data.processing.import_columns import Kind
from denghuo.kernel.problem import Problem, Text, text

Cells = Mapping[str, Any]
CheckNames = Callable[[Sequence[str]], None]
ENCODINGS = ("utf-8", "gb18030")
LONGEST_SHOWN = 80
BLOCK_BYTES = 1 << 20
_DAMAGED = (pyarrow.ArrowException, OSError, EOFError, ValueError, OverflowError, MemoryError)


@dataclass(frozen=True)
class Fault:
    """Why a file as a whole was refused. `slug` is stable; `column` is empty where the fault is no column's."""

    slug: str
    column: str
    what: Text
    remedy: Text


class FileRefused(Problem, noun="data", status=422, zh="文件无法导入", en="The file cannot be imported"):
    """Fields: file, faults = [{slug, column, what, remedy}]."""

    @classmethod
    def of(cls, path: Path, *faults: Fault) -> "FileRefused":
        shown_faults = [
            {"slug": fault.slug, "column": shown(fault.column), "what": fault.what, "remedy": fault.remedy}
            for fault in faults
        ]
        columns = [shown(fault.column) for fault in faults]
        zh = [f"{column}:{fault.what['zh']}" for column, fault in zip(columns, faults, strict=True)]
        en = [f"{column}: {fault.what['en']}" for column, fault in zip(columns, faults, strict=True)]
        detail = text(
            f"{path.name}:" + ";".join(part.removeprefix(":") for part in zh),
            f"{path.name}: " + "; ".join(part.removeprefix(": ") for part in en),
        )
        return cls(detail, file=path.name, faults=shown_faults)


@dataclass(frozen=True)
class MalformedRow:
    """A row that could be told from its neighbours but not taken apart."""

    value: str
    what: Text
    remedy: Text


def shown(value: Any) -> str:
    """A value for a message: at most `LONGEST_SHOWN` characters, with nothing in it that a terminal would obey."""
    cut = str(value)[: LONGEST_SHOWN + 1]
    plain = "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in cut[:LONGEST_SHOWN])
    return plain + ("..." if len(cut) > LONGEST_SHOWN else "")


class Place:
    """How far a file is read: its reader says where it stands, and whoever shows progress asks.

    after: the lines of a CSV file, or the rows of a Parquet file, that were read before and are passed over. size: in bytes.
    passes: how often the file is read from its beginning.
    """

    def __init__(self, size: int, passes: int = 1, after: int = 0) -> None:
        self.after = after
        self._size, self._passes, self._ended = size, passes, -1
        self._tell: Callable[[], int] = lambda: 0

    def watch(self, tell: Callable[[], int]) -> None:
        """A pass begins, of which `tell` says the position in bytes."""
        self._ended, self._tell = self._ended + 1, tell

    @property
    def bytes_read(self) -> int:
        """Of the size, all passes together."""
        try:
            at = self._tell()
        except ValueError:
            at = self._size  # it was read to its end and closed
        return min((self._size * max(self._ended, 0) + at) // self._passes, self._size)


# --- CSV --------------------------------------------------------------------------------------------------------------


def csv_rows(
    path: Path, check_names: CheckNames, encoding: str, place: Place | None = None
) -> Iterator[tuple[int, Cells | MalformedRow]]:
    """Rows of a comma-separated file with a header. Lines may end in LF, CRLF or CR; blank lines are passed over."""
    if encoding not in ENCODINGS:
        raise ValueError(f"encoding must be one of {ENCODINGS}")
    after = 0 if place is None else place.after
    if not after:
        _check_encoding(path, encoding)
    with (
        path.open("rb") as raw,
        io.TextIOWrapper(raw, encoding="utf-8-sig" if encoding == "utf-8" else encoding, newline="") as stream,
    ):
        if place is not None:
            place.watch(raw.tell)
        yield from _rows_of_stream(path, stream, check_names, after)


def _rows_of_stream(
    path: Path, stream: io.TextIOBase, check_names: CheckNames, after: int
) -> Iterator[tuple[int, Cells | MalformedRow]]:
    # A quotation mark that is never closed makes one cell of what follows; the module's own limit (128 KiB) ends that.
    reader = csv.reader(stream, strict=True)
    names: list[str] | None = None
    passed = 0
    while True:
        line = reader.line_num + 1 + passed
        try:
            record = next(reader, None)
        except csv.Error as error:
            raise FileRefused.of(path, _unquoted(line, error)) from error
        if record is None:
            break
        if not any(cell.strip() for cell in record):
            continue
        if names is None:
            names = [cell.strip() for cell in record]
            _check_separator(path, names)
            check_names(names)
            passed = sum(1 for _ in itertools.islice(stream, max(after - reader.line_num, 0)))
        elif len(record) != len(names):
            what = text(
                f"有{len(record)}列,表头有{len(names)}列", f"it has {len(record)} cells, the header {len(names)}"
            )
            remedy = text("含逗号的内容请加双引号", "put cells that hold a comma between double quotes")
            yield line, MalformedRow(",".join(cell[:LONGEST_SHOWN] for cell in record[:20]), what, remedy)
        else:
            yield line, dict(zip(names, record, strict=True))
    if names is None:
        what = text("文件没有内容", "there is nothing in the file")
        raise FileRefused.of(path, Fault("empty-file", "", what, text("请重新导出", "export it again")))


def _unquoted(line: int, error: csv.Error) -> Fault:
    return Fault(
        "malformed-csv",
        "",
        text(
            f"第{line}行起引号不配对,或单元格过长",
            f"from line {line} on a quotation mark is unpaired or a cell too long ({error})",
        ),
        text("请检查双引号,内容中的双引号写两次", "check the double quotes; one within a cell is written twice"),
    )


def _check_separator(path: Path, names: list[str]) -> None:
    if len(names) == 1 and any(separator in names[0] for separator in ";\t|"):
        what = text("列没有用逗号分隔", "columns are not separated by commas")
        raise FileRefused.of(path, Fault("malformed-csv", "", what, text("请用逗号分隔导出", "export it with commas")))


def _check_encoding(path: Path, encoding: str) -> None:
    """Decodes the file once in blocks, so that a wrong encoding is known before the first row is handed out."""
    with path.open("rb") as stream:
        head = stream.read(4)
        for magic, what in (
            (b"PAR1", text("这是Parquet文件", "it is a Parquet file")),
            (b"PK\x03\x04", text("这是Excel工作簿", "it is an Excel workbook")),
            (b"\xd0\xcf\x11\xe0", text("这是Excel工作簿", "it is an Excel workbook")),
            (codecs.BOM_UTF16_LE, text("编码为UTF-16", "its encoding is UTF-16")),
            (codecs.BOM_UTF16_BE, text("编码为UTF-16", "its encoding is UTF-16")),
        ):
            if head.startswith(magic):
                remedy = text("请另存为CSV(UTF-8)", "save it as CSV (UTF-8)")
                raise FileRefused.of(path, Fault("unsupported-format", "", what, remedy))
    wrong_at = _undecodable_at(path, encoding)
    if wrong_at is None:
        return
    if encoding == "utf-8" and _undecodable_at(path, "gb18030") is None:
        remedy = text(
            "看来是GBK:请另存为UTF-8,或指明编码gb18030", "it looks like GBK: save it as UTF-8 or state gb18030"
        )
    else:
        remedy = text("请另存为UTF-8", "save it as UTF-8")
    what = text(f"第{wrong_at}字节不是{encoding}", f"byte {wrong_at} is not {encoding}")
    raise FileRefused.of(path, Fault("wrong-encoding", "", what, remedy))


def _undecodable_at(path: Path, encoding: str) -> int | None:
    """Position, from 0, of a byte that breaks the encoding's rule; None if there is none."""
    decoder = codecs.getincrementaldecoder(encoding)()
    offset = 0
    with path.open("rb") as stream:
        while True:
            block = stream.read(BLOCK_BYTES)
            pending = len(decoder.getstate()[0])
            try:
                decoder.decode(block, final=not block)
            except UnicodeDecodeError as error:
                return offset - pending + error.start
            offset += len(block)
            if not block:
                return None


# --- Parquet ----------------------------------------------------------------------------------------------------------


def parquet_rows(
    path: Path, kinds: Mapping[str, Kind], check_names: CheckNames, batch_rows: int, place: Place | None = None
) -> Iterator[tuple[int, Cells | MalformedRow]]:
    """Rows of a Parquet file, decoded batch by batch."""
    try:
        source = pyarrow.parquet.ParquetFile(path, pre_buffer=False, buffer_size=BLOCK_BYTES)
        # In here, because names and time zones of a damaged schema may not even be text.
        names = source.schema_arrow.names
        check_names(names)
        # What the shape does not name and `check_names` let pass is not read.
        names = [name for name in names if name in kinds]
        _check_types(path, source.schema_arrow, kinds)
    except _DAMAGED as error:
        raise FileRefused.of(path, _damaged(error)) from error
    with source:
        after, line, groups = 0 if place is None else place.after, 0, list(range(source.num_row_groups))
        while groups and line + source.metadata.row_group(groups[0]).num_rows <= after:
            line += source.metadata.row_group(groups.pop(0)).num_rows
        if place is not None:
            size, rows = path.stat().st_size, max(source.metadata.num_rows, 1)
            place.watch(lambda: size * line // rows)
        batches = source.iter_batches(batch_size=batch_rows, row_groups=groups, columns=names)
        while True:
            try:
                batch = next(batches, None)
                if batch is None:
                    return
                batch.validate(full=True)
                columns = {name: _values(batch.column(name)) for name in names}
                count = batch.num_rows
            except _DAMAGED as error:
                raise FileRefused.of(path, _damaged(error)) from error
            for position in range(count):
                line += 1
                if line > after:
                    yield line, {name: values[position] for name, values in columns.items()}


def _values(column: "pyarrow.Array[Any]") -> list[Any]:
    if pyarrow.types.is_timestamp(column.type):
        # Instants in Python end at microseconds; no meter knows what is below. The zone goes, because Python
        # may not know its name and the instant is the same without it.
        column = column.cast(pyarrow.timestamp("us", tz="UTC"), safe=False)
    try:
        return column.to_pylist()
    except (ValueError, OverflowError):
        return [_value(scalar) for scalar in column]


def _value(scalar: "pyarrow.Scalar[Any]") -> Any:
    """A value of a column in which some value lies beyond what Python holds, such as the year 300000."""
    try:
        return scalar.as_py()
    except (ValueError, OverflowError):
        return shown(repr(scalar))


def _check_types(path: Path, schema: pyarrow.Schema, kinds: Mapping[str, Kind]) -> None:
    faults = [
        Fault(
            "wrong-type",
            column.name,
            text(f"类型为{column.type}", f"its type is {column.type}"),
            text(f"应为{kinds[column.name].title['zh']}", f"give {kinds[column.name].title['en']}"),
        )
        for column in schema
        if column.name in kinds and not kinds[column.name].accepts(column.type)
    ]
    if faults:
        raise FileRefused.of(path, *faults)


def _damaged(error: BaseException) -> Fault:
    return Fault(
        "damaged-parquet",
        "",
        text("不是完整的Parquet文件", f"it is not a whole Parquet file ({shown(error)})"),
        text("请重新导出或重新传送", "export or transfer it again"),
    )

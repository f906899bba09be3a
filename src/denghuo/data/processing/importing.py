"""Reads one file of the public import as a stream of typed rows and refused rows.

    table = open_table(path, CUSTOMERS)
    for batch in table.batches():
        ...                     # batch.rows are typed, batch.refused say file, line, field, value, what and remedy
    table.totals                # exact sums of the numeric columns of the accepted rows

A file is never in memory as a whole, and the reader writes nothing: a dry run is this reader without a writer. Batches
follow from the file alone, so `batch_key` gives an idempotency key that holds when a run is repeated.
What makes the whole file unusable is raised as `FileRefused`; nothing else is raised for any content of the file.
"""

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from denghuo.data.processing.import_columns import Kind, Number, Wrong
from denghuo.data.processing.import_files import (
    Cells,
    Fault,
    FileRefused,
    MalformedRow,
    Place,
    csv_rows,
    parquet_rows,
    shown,
)
from denghuo.data.processing.import_keys import SeenKeys
from denghuo.kernel.problem import Text, text

Row = dict[str, Any]
BATCH_ROWS = 1_000


@dataclass(frozen=True)
class Column:
    """A named column. A column that is not `required` may be left out of the file, unless it is `named`, and its cells may be
    empty: None."""

    name: str
    kind: Kind
    title: Text
    required: bool = True
    named: bool = False


@dataclass(frozen=True)
class Disagreement:
    """What a shape's check finds: the field to look at, what is wrong, what to do."""

    field: str
    what: Text
    remedy: Text


Check = Callable[[Row], Disagreement | None]


@dataclass(frozen=True)
class Shape:
    """What one file of the import looks like.

    unique: groups of columns whose values together may occur once in a file; rows with an empty member are passed over.
    checks: what one row must satisfy across its columns. others: whether the file may have columns besides, which are passed over.
    """

    name: str
    title: Text
    columns: tuple[Column, ...]
    unique: tuple[tuple[str, ...], ...] = ()
    checks: tuple[Check, ...] = ()
    others: bool = False

    def __post_init__(self) -> None:
        names = {column.name for column in self.columns}
        unknown = {name for key in self.unique for name in key} - names
        if len(names) != len(self.columns) or unknown:
            raise ValueError(f"shape {self.name}: repeated column, or unique names the unknown {sorted(unknown)}")


@dataclass(frozen=True)
class Refusal:
    """A row that was not accepted. `line` counts from 1: where a CSV row begins, or the row of a Parquet file."""

    file: str
    line: int
    field: str
    value: str
    what: Text
    remedy: Text


@dataclass
class Batch:
    """Up to `BATCH_ROWS` rows of the source in their order. `number` counts from 1; `lines` are those of `rows`."""

    number: int
    rows: list[Row] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)


class Table:
    """One opened file. `batches` may be called again and then reads the file again from the beginning."""

    def __init__(self, path: Path, shape: Shape, batch_rows: int, encoding: str) -> None:
        self.path = path
        self.shape = shape
        self._digest = ""
        self.read_count = 0
        self.accepted_count = 0
        self.refused_count = 0
        self.totals: dict[str, Decimal] = {}
        self._batch_rows = batch_rows
        self._encoding = encoding

    @property
    def digest(self) -> str:
        """SHA-256 of the file as `batches` reads it, worked out when it is first asked for."""
        if not self._digest:
            with self.path.open("rb") as stream:
                self._digest = hashlib.file_digest(stream, "sha256").hexdigest()
        return self._digest

    def batches(self, place: Place | None = None) -> Iterator[Batch]:
        """place: is told how far the file is read, and says from where on it is.

        Raises FileRefused before the first batch for what the whole file shows, later for damage in its middle.
        """
        self._digest = ""
        self.read_count = self.accepted_count = self.refused_count = 0
        self.totals = {
            column.name: Decimal(0)
            for column in self.shape.columns
            if isinstance(column.kind, Number) and column.kind.summed
        }
        with SeenKeys() as seen:
            batch = Batch(1)
            for line, cells in self._open(place):
                self.read_count += 1
                self._take(batch, line, cells, seen)
                if self.read_count % self._batch_rows == 0:
                    yield batch
                    batch = Batch(batch.number + 1)
            if batch.rows or batch.refused:
                yield batch

    def batch_key(self, batch: Batch) -> str:
        """Idempotency key of the command that a batch becomes: the same file in the same shape gives the same keys."""
        return f"import:{self.shape.name}:{self.digest[:32]}:{self._batch_rows}:{batch.number}"

    def _open(self, place: Place | None) -> Iterator[tuple[int, Cells | MalformedRow]]:
        kinds = {column.name: column.kind for column in self.shape.columns}
        if self.path.suffix.lower() == ".parquet":
            return parquet_rows(self.path, kinds, self._check_names, self._batch_rows, place)
        return csv_rows(self.path, self._check_names, self._encoding, place)

    def _check_names(self, names: Sequence[str]) -> None:
        _check_names(self.path, names, self.shape)

    def _take(self, batch: Batch, line: int, cells: Cells | MalformedRow, seen: SeenKeys) -> None:
        refused, addends, row = self._parse(line, cells)
        if not refused:
            refused = self._check(line, row, seen)
        if refused:
            self.refused_count += 1
            batch.refused += refused
            return
        self.accepted_count += 1
        batch.rows.append(row)
        batch.lines.append(line)
        for name, addend in addends:
            self.totals[name] += addend

    def _parse(self, line: int, cells: Cells | MalformedRow) -> tuple[list[Refusal], list[tuple[str, Decimal]], Row]:
        if isinstance(cells, MalformedRow):
            return [self._refusal(line, "", cells.value, cells.what, cells.remedy)], [], {}
        refused: list[Refusal] = []
        addends: list[tuple[str, Decimal]] = []
        row: Row = {}
        for column in self.shape.columns:
            value = cells.get(column.name)
            if isinstance(value, str):
                value = value.strip() or None
            if value is None:
                row[column.name] = None
                if column.required:
                    refused.append(self._refusal(line, column.name, "", *_EMPTY))
                continue
            try:
                plain = column.kind.read(value)
            except Wrong as wrong:
                refused.append(self._refusal(line, column.name, value, wrong.what, wrong.remedy))
                continue
            row[column.name] = column.kind.typed(plain)
            if column.name in self.totals:
                addends.append((column.name, plain))
        return refused, addends, row

    def _check(self, line: int, row: Row, seen: SeenKeys) -> list[Refusal]:
        for check in self.shape.checks:
            found = check(row)
            if found is not None:
                return [self._refusal(line, found.field, row.get(found.field), found.what, found.remedy)]
        for position, key in enumerate(self.shape.unique):
            values = [row[name] for name in key]
            first = None if None in values else seen.first_line(position, values, line)
            if first is not None:
                what = text(f"与第{first}行重复", f"the same as in line {first}")
                remedy = text("请保留其中一行", "keep one of the two")
                return [self._refusal(line, ", ".join(key), ", ".join(map(str, values)), what, remedy)]
        return []

    def _refusal(self, line: int, name: str, value: Any, what: Text, remedy: Text) -> Refusal:
        return Refusal(self.path.name, line, name, "" if value is None else shown(value), what, remedy)


_EMPTY = (text("必填项为空", "a required value is missing"), text("请填写", "fill it in"))


def open_table(path: Path, shape: Shape, batch_rows: int = BATCH_ROWS, encoding: str = "utf-8") -> Table:
    """Opens a CSV (.csv) or Parquet (.parquet) file for reading in the given shape.

    `encoding` is that of a CSV file: utf-8 (with or without byte order mark) or gb18030 (which reads GBK and GB2312).
    Raises FileRefused for a file that is missing, unreadable, empty or of another format.
    """
    if not path.is_file():
        raise FileRefused.of(
            path,
            Fault(
                "missing-file", "", text("文件不存在", "there is no such file"), text("请检查路径", "check the path")
            ),
        )
    if path.suffix.lower() not in (".csv", ".parquet"):
        raise FileRefused.of(
            path,
            Fault(
                "unsupported-format",
                "",
                text(f"不支持{shown(path.suffix)}文件", f"files of the type {shown(path.suffix)} are not read"),
                text("请导出为CSV(UTF-8)或Parquet", "export it as CSV (UTF-8) or Parquet"),
            ),
        )
    if not os.access(path, os.R_OK):
        raise FileRefused.of(
            path,
            Fault(
                "unreadable-file",
                "",
                text("没有读取权限", "it may not be read"),
                text("请修改文件权限", "change the permissions of the file"),
            ),
        )
    if path.stat().st_size == 0:
        raise FileRefused.of(
            path, Fault("empty-file", "", text("文件为空", "the file is empty"), text("请重新导出", "export it again"))
        )
    return Table(path, shape, batch_rows, encoding)


def _check_names(path: Path, names: Sequence[str], shape: Shape) -> None:
    """Raises FileRefused with one fault for every column that is unknown, repeated or missing."""
    known = {column.name: column for column in shape.columns}
    faults = []
    for name in dict.fromkeys(names):
        if name not in known and shape.others:
            continue
        if name not in known:
            near = get_close_matches(name[:64], known, n=1) or [c.name for c in shape.columns if c.title["zh"] == name]
            remedy = text(f"是否为{near[0]}?", f"did you mean {near[0]}?") if near else text(
                "请删除该列;可用列:" + "、".join(known), "remove it; the columns are " + ", ".join(known)
            )  # fmt: skip
            faults.append(Fault("unknown-column", name, text("未知的列", "the column is not known"), remedy))
        elif names.count(name) > 1:
            faults.append(
                Fault(
                    "repeated-column", name, text("列重复", "the column occurs twice"), text("请只保留一列", "keep one")
                )
            )
    for column in shape.columns:
        if (column.required or column.named) and column.name not in names:
            what = text("缺少必需的列", "a required column is missing")
            remedy = text(f"请补充:{column.title['zh']}", f"add it: {column.title['en']}")
            if shape.others:
                # Its columns are named by a mapping, which is what may be wrong.
                has = [shown(name) for name in names[:20]]
                remedy = text(
                    f"文件的列为{'、'.join(has)}，请改映射", f"the file has {', '.join(has)}; change the mapping"
                )
            faults.append(Fault("missing-column", column.name, what, remedy))
    if faults:
        raise FileRefused.of(path, *faults)


def differences(stated: Mapping[str, Decimal], found: Mapping[str, Decimal]) -> dict[str, tuple[Decimal, Decimal]]:
    """Totals that are not equal, by column: (stated, found). A total that one side lacks counts as 0."""
    zero = Decimal(0)
    both = {name: (stated.get(name, zero), found.get(name, zero)) for name in {**stated, **found}}
    return {name: pair for name, pair in both.items() if pair[0] != pair[1]}

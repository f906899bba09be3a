"""Reads bills of an old system, and their lines, for the parallel run (双轨对账): a stream of batches, bad rows told by their line.

An old system names its columns and values in its own way; a mapping says which is which:

    columns: {account_no: 户号, energy: 电量, amount: 金额}        # of the file of bills
    lines: {account_no: 户号, component: 项目, quantity: 数量}      # of the file of lines
    values: {component: {电度电费: energy}, tariff_class: {居民: resident}}

What the mapping does not name is read under our own name; other columns of the files are passed over.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow
import yaml
from pydantic import Field, ValidationError

from denghuo.data.processing.import_columns import Code, Kind, Number, Words
from denghuo.data.processing.import_files import csv_rows, parquet_rows
from denghuo.data.processing.import_tables.columns import TARIFF_CLASS, column, optional
from denghuo.data.processing.importing import Column, Disagreement, Refusal, Row, Shape, Table, open_table
from denghuo.kernel.contract import Message
from denghuo.kernel.fields import TextPair
from denghuo.kernel.period import Month
from denghuo.kernel.problem import Problem, Text, text
from denghuo.kernel.values import Energy, Money, Price
from denghuo.service.billing.api import OldBill, OldLine, RefusedRow
from denghuo.service.billing.api.bill import Counted
from denghuo.service.tariff.api import BANDS

_ANY = Decimal(10**12)
ACCOUNT = Words(longest=13, pattern=r"[0-9]{13}", example="5810100000019")
MONTH = Words(longest=7, pattern=r"[0-9]{4}-?(0[1-9]|1[0-2])", example="2026-04")
ENERGY = Number(places=3, least=-_ANY, unit="kWh", of=Energy)
AMOUNT = Number(places=2, least=-_ANY, unit="yuan", of=Money)
QUANTITY = Number(places=3, least=-_ANY, of=Counted)
PRICE = Number(places=8, least=-_ANY, unit="yuan", of=Price)
BILL_KIND = Code({"supply": text("售电", "supply"), "purchase": text("购电", "purchase")})

_HEAD = (
    column("account_no", ACCOUNT, "户号", "account"),
    optional("kind", BILL_KIND, "账单类别", "kind"),
    optional("month", MONTH, "月份", "month"),
)
BILL_COLUMNS = (
    *_HEAD,
    optional("energy", ENERGY, "电量", "energy"),
    column("amount", AMOUNT, "金额", "amount"),
    optional("tariff_class", TARIFF_CLASS, "用电类别", "class"),
    optional("used_before", ENERGY, "本年前期电量", "energy before in the tier year"),
)
LINE_COLUMNS = (
    *_HEAD,
    column("component", Words(longest=60), "项目", "component"),
    optional("band", Code(BANDS.entries), "时段", "band"),
    optional("tier", Number(least=Decimal(1), most=Decimal(9)), "阶梯", "tier"),
    optional("quantity", QUANTITY, "数量", "quantity"),
    optional("price", PRICE, "单价", "price"),
    column("amount", AMOUNT, "金额", "amount"),
)


class NotAMapping(Problem, noun="billing", status=422, zh="映射文件有误", en="The mapping is faulty"):
    """Fields: value."""


class Mapped(Message):
    """The mapping file; each entry by our own name."""

    columns: dict[str, str] = Field(default_factory=dict, max_length=20)
    lines: dict[str, str] = Field(default_factory=dict, max_length=20)
    values: dict[str, dict[str, str]] = Field(default_factory=dict, max_length=20)


def mapping_in(words: str, columns: Mapping[str, str]) -> Mapped:
    """The mapping of a YAML text, with further columns of the file of bills.

    Raises:
        NotAMapping: it is none, or names what there is not.
    """
    try:
        found = Mapped.model_validate(yaml.safe_load(words) or {})
    except (yaml.YAMLError, ValidationError) as error:
        first = str(error).splitlines()[0]
        raise NotAMapping(
            text(
                f"映射文件应为 YAML，含 columns、lines、values：{first}",
                f"A mapping is YAML with columns, lines, values: {first}",
            ),
            value=first,
        ) from error
    found = found.model_copy(update={"columns": {**found.columns, **columns}})
    for part, names, known in (
        ("columns", found.columns, {one.name for one in BILL_COLUMNS}),
        ("lines", found.lines, {one.name for one in LINE_COLUMNS}),
        ("values", found.values, {one.name for one in (*BILL_COLUMNS, *LINE_COLUMNS)}),
    ):
        for name in names:
            if name not in known:
                listed = ", ".join(sorted(known))
                raise NotAMapping(
                    text(
                        f"{part} 中的 {name} 不是列名，可用：{listed}。",
                        f"{name} in {part} is no column; use {listed}.",
                    ),
                    value=name,
                )
    return found


@dataclass(frozen=True)
class Renamed(Kind):
    """A kind whose values have other names in the file."""

    kind: Kind
    names: Mapping[str, str]

    @property
    def title(self) -> Text:
        return self.kind.title

    def from_text(self, cell: str) -> Any:
        return self.kind.from_text(self.names.get(cell, cell))

    def read(self, value: Any) -> Any:
        return self.from_text(value) if isinstance(value, str) else self.kind.read(value)

    def accepts(self, kind: pyarrow.DataType) -> bool:
        return self.kind.accepts(kind)

    def typed(self, plain: Any) -> Any:
        return self.kind.typed(plain)


@dataclass
class OldBatch:
    """A batch of a file as the operation takes it; key: its idempotency key."""

    key: str
    bills: list[OldBill] = field(default_factory=list)
    lines: list[OldLine] = field(default_factory=list)
    refused: list[RefusedRow] = field(default_factory=list)


class OldFile:
    """A file of old bills or of their lines, read as a stream."""

    def __init__(self, path: Path, month: str, mapped: Mapped, encoding: str, *, lines: bool) -> None:
        self._lines = lines
        columns = LINE_COLUMNS if lines else BILL_COLUMNS
        self._names = {one.name: (mapped.lines if lines else mapped.columns).get(one.name, one.name) for one in columns}
        shape = self._shape(columns, month, mapped, _columns_of(path, encoding))
        self._table: Table = open_table(path, shape, encoding=encoding)

    def _shape(self, columns: tuple[Column, ...], month: str, mapped: Mapped, present: set[str]) -> Shape:
        has_kind = self._names["kind"] in present
        own = tuple(
            Column(
                self._names[one.name],
                Renamed(one.kind, mapped.values[one.name]) if one.name in mapped.values else one.kind,
                one.title,
                one.required or (one.name == "kind" and has_kind),
            )
            for one in columns
        )
        key = (self._names["account_no"], *([self._names["kind"]] if has_kind else []))
        return Shape(
            "old_lines" if self._lines else "old_bills",
            text("旧账单明细", "old lines") if self._lines else text("旧账单", "old bills"),
            own,
            unique=() if self._lines else (key,),
            checks=(_of_month(self._names["month"], month),),
            others=True,
        )

    def batches(self) -> Iterator[OldBatch]:
        """
        Raises:
            FileRefused: the file as a whole cannot be used.
        """
        for batch in self._table.batches():
            found = OldBatch(self._table.batch_key(batch), refused=[_refused(one) for one in batch.refused])
            for line, row in zip(batch.lines, batch.rows, strict=True):
                named = {name: row[own] for name, own in self._names.items()} | {
                    "kind": row[self._names["kind"]] or "supply"
                }
                named.pop("month")
                if self._lines:
                    found.lines.append(OldLine(file_line=line, **named))
                else:
                    found.bills.append(OldBill(file_line=line, **named))
            yield found


def digest_of(month: str, mapped: Mapped, *paths: Path) -> str:
    """What a run is known by: the month, the files, and how they are read."""
    whole = hashlib.sha256(json.dumps([month, mapped.model_dump(mode="json")], sort_keys=True).encode())
    for path in paths:
        with path.open("rb") as stream:
            whole.update(hashlib.file_digest(stream, "sha256").digest())
    return whole.hexdigest()


def _columns_of(path: Path, encoding: str) -> set[str]:
    """The columns that a file has; none where it cannot be read, which opening it will say."""
    found: list[str] = []
    if path.is_file() and path.suffix.lower() == ".parquet":
        next(parquet_rows(path, {}, found.extend, 1), None)
    elif path.is_file():
        next(csv_rows(path, found.extend, encoding), None)
    return set(found)


def _of_month(name: str, month: str) -> Any:
    """The check that a row is of the month, where the file tells months."""

    def check(row: Row) -> Disagreement | None:
        told = row[name]
        if told is None or Month.of(f"{told[:4]}-{told[-2:]}") == Month.of(month):
            return None
        return Disagreement(
            name,
            text(f"不是 {month} 的账单", f"it is not a bill of {month}"),
            text("请只导出该月，或用另一批次比对", "export that month alone, or compare it in a run of its own"),
        )

    return check


def _refused(one: Refusal) -> RefusedRow:
    return RefusedRow(
        file=one.file[:200],
        line=one.line,
        field=one.field[:200],
        value=one.value[:400],
        what=TextPair(zh=one.what["zh"], en=one.what["en"]),
        remedy=TextPair(zh=one.remedy["zh"], en=one.remedy["en"]),
    )

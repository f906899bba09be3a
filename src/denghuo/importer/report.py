"""What an import says at its end: counts by table, refused rows, totals compared."""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from denghuo.data.processing.importing import Refusal
from denghuo.kernel.problem import Text

SHOWN_PER_TABLE = 100


@dataclass
class TableReport:
    """Counts of one table. `handed` is what went to the service: rows, or the single values of a bulk file."""

    name: str
    title: Text
    file: str
    read: int = 0
    handed: int = 0
    taken: int = 0
    unchanged: int = 0
    refused: int = 0
    stored: int | None = None
    seconds: float = 0.0
    totals: dict[str, Decimal] = field(default_factory=dict)


@dataclass(frozen=True)
class Total:
    """A stated number beside the one that was found. `column` is empty for the number of rows."""

    file: str
    column: str
    stated: Decimal
    found: Decimal | None
    what: Text

    @property
    def agrees(self) -> bool:
        return self.found == self.stated


@dataclass
class Report:
    """`refusals` holds the first hundred of each table; the counts hold all."""

    dry_run: bool
    tables: list[TableReport] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    totals: list[Total] = field(default_factory=list)
    unusable: list[Text] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def refused(self) -> int:
        return sum(table.refused for table in self.tables)

    @property
    def exit_code(self) -> int:
        """0: all was taken and every total agrees; 1: rows were refused or a total differs; 2: a file cannot be used."""
        if self.unusable:
            return 2
        return 1 if self.refused or not all(total.agrees for total in self.totals) else 0

    def lines(self) -> Iterator[str]:
        """The report as tables for a terminal."""
        head = (
            "表 table",
            "读取 read",
            "提交 handed",
            "新增 taken",
            "未变 unchanged",
            "拒绝 refused",
            "在库 stored",
            "秒 s",
        )
        yield from _grid(
            [
                head,
                *(
                    (
                        f"{table.title['zh']} {table.name}",
                        f"{table.read:,}",
                        f"{table.handed:,}",
                        "-" if self.dry_run else f"{table.taken:,}",
                        "-" if self.dry_run else f"{table.unchanged:,}",
                        f"{table.refused:,}",
                        "-" if table.stored is None else f"{table.stored:,}",
                        f"{table.seconds:.2f}",
                    )
                    for table in self.tables
                ),
            ]
        )
        if self.totals:
            yield ""
            yield from _grid(
                [
                    ("合计 total", "应为 stated", "实为 found", ""),
                    *(
                        (
                            f"{total.file} {total.column}".strip() + f" {total.what['zh']} {total.what['en']}",
                            f"{total.stated:,f}",
                            "-" if total.found is None else f"{total.found:,f}",
                            "一致 agrees" if total.agrees else "不一致 DIFFERS",
                        )
                        for total in self.totals
                    ),
                ]
            )
        for problem in self.unusable:
            yield f"{problem['zh']} {problem['en']}"
        yield f"用时 {self.seconds:.1f} 秒，拒绝 {self.refused:,} 行。 {self.seconds:.1f} s, {self.refused:,} refused."


def said(refusal: Refusal) -> str:
    """A refused row as a line of text: file, line, field, value, what is wrong and what to do, in both languages."""
    at = f"{refusal.file}:{refusal.line}" if refusal.line else refusal.file
    value = f" “{refusal.value}”" if refusal.value else ""
    return (
        f"{at} {refusal.field}{value}: {refusal.what['zh']};{refusal.remedy['zh']}"
        f" | {refusal.what['en']}; {refusal.remedy['en']}"
    )


def _grid(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(_width(row[place]) for row in rows) for place in range(len(rows[0]))]
    for row in rows:
        first = row[0] + " " * (widths[0] - _width(row[0]))
        yield "  ".join(
            [first, *(" " * (width - _width(cell)) + cell for cell, width in zip(row[1:], widths[1:], strict=True))]
        )


def _width(cell: str) -> int:
    """Columns of a terminal: Chinese characters take two."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in cell)

"""What a column of an import file may hold, and how its text becomes a typed value.

A kind reads text (a CSV cell) or the native value of a Parquet column and gives a plain value (str, Decimal, date) or
raises `Wrong`, whose texts say what is wrong and what to do about it; `typed` makes of it what a row carries. No kind
passes through a float.
"""

import re
import unicodedata
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from difflib import get_close_matches
from typing import Any

import pyarrow

from denghuo.kernel.problem import Text, text

EARLIEST = date(1949, 10, 1)
LATEST = date(2199, 12, 31)
# An int64 column holds 18 digits whatever the first one is.
MOST_DIGITS = 18
_DECIMAL = re.compile(r"([+-]?)([0-9]+)(?:\.([0-9]+))?", re.ASCII)
_EXPONENT = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?[eE][+-]?[0-9]+", re.ASCII)


class Wrong(ValueError):
    """A value that its column cannot hold."""

    def __init__(self, what: Text, remedy: Text) -> None:
        super().__init__(what["en"])
        self.what = what
        self.remedy = remedy


class Kind(ABC):
    """The type of a column."""

    @property
    @abstractmethod
    def title(self) -> Text:
        """What the column takes, for messages and for the reference page."""

    @abstractmethod
    def from_text(self, cell: str) -> Any:
        """The plain value of a text that is not empty. Raises Wrong."""

    def read(self, value: Any) -> Any:
        """The plain value of a cell that is not empty: text, or a native value of a Parquet column. Raises Wrong."""
        return self.from_text(str(value))

    def accepts(self, kind: pyarrow.DataType) -> bool:
        """Whether a Parquet column of this type can hold such values exactly."""
        return is_text(kind)

    def typed(self, plain: Any) -> Any:
        """What a row carries for a value that has been read."""
        return plain


def is_text(kind: pyarrow.DataType) -> bool:
    if pyarrow.types.is_dictionary(kind):
        kind = kind.value_type
    return bool(pyarrow.types.is_string(kind) or pyarrow.types.is_large_string(kind))


@dataclass(frozen=True)
class Words(Kind):
    """Text of 1 to `longest` characters. Markup, quotes and emoji are text like any other: who shows it escapes it."""

    longest: int
    pattern: str | None = None
    example: str | None = None

    @property
    def title(self) -> Text:
        like = f", {self.example}" if self.example else ""
        return text(f"文本,最多{self.longest}字{like}", f"text of at most {self.longest} characters{like}")

    def from_text(self, cell: str) -> str:
        if len(cell) > self.longest:
            raise Wrong(
                text(
                    f"有{len(cell)}个字符,最多{self.longest}个",
                    f"it has {len(cell)} characters, at most {self.longest} fit",
                ),
                text("请缩短", "shorten it"),
            )
        for character in cell if not cell.isprintable() else "":
            # Control characters end a text early in C code; lone surrogates and direction overrides mislead readers.
            if unicodedata.category(character) in ("Cc", "Cs") or character in "\u202a\u202b\u202c\u202d\u202e":
                raise Wrong(
                    text(
                        f"含有不可见字符U+{ord(character):04X}",
                        f"it holds the invisible character U+{ord(character):04X}",
                    ),
                    text("请删除该字符", "remove the character"),
                )
        if self.pattern and not re.fullmatch(self.pattern, cell, re.ASCII):
            raise Wrong(
                text("格式不符", "it does not have the form of this column")
                if not _EXPONENT.fullmatch(cell)
                else text("号码被电子表格改成了科学计数法", "a spreadsheet turned the number into an exponent"),
                text(
                    f"应为:{self.title['zh']};电子表格中请设为文本格式",
                    f"give {self.title['en']}; in a spreadsheet format it as text",
                ),
            )
        return cell


@dataclass(frozen=True)
class Number(Kind):
    """A decimal of at most `places` decimals between `least` and `most`, bounds in the unit of the file.

    `of` makes the typed value from the exact integer of 10^-places units: `Number(places=3, of=Energy)` makes
    Energy(1500) of "1.5" (kWh). Without `of` the value is a Decimal, or an int where places is 0.
    """

    places: int = 0
    least: Decimal = field(default=Decimal(0))
    most: Decimal = field(default=Decimal(10**12))
    of: Callable[[int], Any] | None = None
    unit: str = ""
    summed: bool = False

    @property
    def title(self) -> Text:
        unit = f" {self.unit}" if self.unit else ""
        if self.places == 0:
            return text(f"整数{unit},{self.least}至{self.most}", f"whole number{unit}, {self.least} to {self.most}")
        return text(
            f"小数{unit},最多{self.places}位小数,{self.least}至{self.most}",
            f"decimal{unit}, at most {self.places} places, {self.least} to {self.most}",
        )

    def from_text(self, cell: str) -> Decimal:
        # Digits are counted on the text: decimal arithmetic would round what exceeds its context without a word.
        match = _DECIMAL.fullmatch(cell) if len(cell) <= 2 * MOST_DIGITS else None
        if match is None:
            raise Wrong(text("不是数字", "it is not a plain number"), self._remedy())
        if len((match[3] or "").rstrip("0")) > self.places:
            raise Wrong(text(f"小数超过{self.places}位", f"it has more than {self.places} decimals"), self._remedy())
        number = Decimal(cell)
        if not self.least <= number <= self.most:
            raise Wrong(
                text(f"超出{self.least}至{self.most}", f"it lies outside {self.least} to {self.most}"), self._remedy()
            )
        return number

    def read(self, value: Any) -> Decimal:
        return self.from_text(
            value if isinstance(value, str) else format(value, "f" if isinstance(value, Decimal) else "d")
        )

    def typed(self, plain: Decimal) -> Any:
        if self.of is not None:
            return self.of(int(plain.scaleb(self.places)))
        return plain if self.places else int(plain)

    def _remedy(self) -> Text:
        return text(
            f"应为{self.title['zh']},不用千分位和科学计数法",
            f"give a {self.title['en']}, without thousands separators or exponent",
        )

    def accepts(self, kind: pyarrow.DataType) -> bool:
        # A binary fraction cannot hold most decimals, so a column of floats has already lost what it should prove.
        return is_text(kind) or pyarrow.types.is_integer(kind) or pyarrow.types.is_decimal(kind)


@dataclass(frozen=True)
class Day(Kind):
    """A calendar day, YYYY-MM-DD."""

    @property
    def title(self) -> Text:
        return text("日期YYYY-MM-DD", "date YYYY-MM-DD")

    def from_text(self, cell: str) -> date:
        try:
            day = date.fromisoformat(cell) if re.fullmatch(r"\d{4}-\d{2}-\d{2}", cell, re.ASCII) else None
        except ValueError:
            day = None
        if day is None or not EARLIEST <= day <= LATEST:
            raise Wrong(
                text("不是有效日期", "it is not a date"),
                text(f"应为YYYY-MM-DD,{EARLIEST}至{LATEST}", f"give YYYY-MM-DD from {EARLIEST} to {LATEST}"),
            )
        return day

    def read(self, value: Any) -> date:
        return self.from_text(value if isinstance(value, str) else value.isoformat())

    def accepts(self, kind: pyarrow.DataType) -> bool:
        return is_text(kind) or pyarrow.types.is_date(kind)


@dataclass(frozen=True)
class Instant(Kind):
    """A moment with its offset from UTC, 2026-04-01T00:00:00+08:00; the typed value is aware and in UTC."""

    @property
    def title(self) -> Text:
        return text("带时区的时刻,如2026-04-01T00:00:00+08:00", "instant with offset, like 2026-04-01T00:00:00+08:00")

    def from_text(self, cell: str) -> datetime:
        try:
            moment = datetime.fromisoformat(cell)
        except ValueError:
            raise self._wrong(text("不是有效时刻", "it is not an instant")) from None
        return self.read(moment)

    def read(self, value: Any) -> datetime:
        if isinstance(value, str):
            return self.from_text(value)
        if value.tzinfo is None:
            raise self._wrong(text("没有时区", "it states no offset from UTC"))
        if not EARLIEST <= value.date() <= LATEST:
            raise self._wrong(text("不是有效时刻", "it is not an instant"))
        return value.astimezone(UTC)  # type: ignore[no-any-return]

    def _wrong(self, what: Text) -> Wrong:
        return Wrong(what, text(f"应为{self.title['zh']}", f"give an {self.title['en']}"))

    def accepts(self, kind: pyarrow.DataType) -> bool:
        return is_text(kind) or (pyarrow.types.is_timestamp(kind) and kind.tz is not None)


@dataclass(frozen=True)
class Code(Kind):
    """One of a set of codes; `codes` maps each to its name."""

    codes: Mapping[str, Text]

    @property
    def title(self) -> Text:
        return text("代码:" + "、".join(self.codes), "code: " + ", ".join(self.codes))

    def from_text(self, cell: str) -> str:
        if cell in self.codes:
            return cell
        near = get_close_matches(cell[:64], self.codes, n=1)
        named = [code for code, name in self.codes.items() if name["zh"] == cell]
        guess = (named or near or [""])[0]
        raise Wrong(
            text("不是已知代码", "it is not a known code"),
            text(f"是否为{guess}?", f"did you mean {guess}?")
            if guess
            else text(f"可用{self.title['zh']}", f"use a {self.title['en']}"),
        )


@dataclass(frozen=True)
class Truth(Kind):
    """true or false."""

    @property
    def title(self) -> Text:
        return text("true或false", "true or false")

    def from_text(self, cell: str) -> bool:
        if cell not in ("true", "false"):
            raise Wrong(
                text("不是true或false", "it is neither true nor false"), text("请写true或false", "write true or false")
            )
        return cell == "true"

    def read(self, value: Any) -> bool:
        return value if isinstance(value, bool) else self.from_text(value)

    def accepts(self, kind: pyarrow.DataType) -> bool:
        return is_text(kind) or pyarrow.types.is_boolean(kind)

"""A customer's readings as a file (用电数据导出) in the reading contract: formats that other systems and programs read."""

from typing import Annotated, Literal

from pydantic import model_validator

from denghuo.kernel.contract import Api, Call, Dictionary, Label, Message, query
from denghuo.kernel.fields import AccountNo, Day, Document, MeterNo, MonthText
from denghuo.kernel.problem import NotFound, text
from denghuo.service.reading.api.curve_values import CurveNotFound

DAYS_MAX = 366
FILE_FORMATS = Dictionary(
    "reading.file_format",
    {
        "espi": text("Green Button（ESPI XML）", "Green Button (ESPI XML)"),
        "csv": text("CSV 表格", "CSV table"),
        "parquet": text("Parquet 列存", "Parquet columns"),
        "cim": text("IEC 61968-9（XML）", "IEC 61968-9 (XML)"),
    },
)
FileFormat = Annotated[
    Literal["espi", "csv", "parquet", "cim"], Label("文件格式", "Format", dictionary=FILE_FORMATS.name)
]


class ReadingsAsked(Message):
    """The 15-minute energies of an account's meters from `first` to `last`, both included."""

    account_no: AccountNo
    first: Annotated[Day, Label("起始日期", "First day")]
    last: Annotated[Day, Label("截止日期", "Last day")]
    format: FileFormat = "espi"

    @model_validator(mode="after")
    def _in_order(self) -> "ReadingsAsked":
        if not 0 <= (self.last - self.first).days < DAYS_MAX:
            raise ValueError(f"last is not before first, and at most {DAYS_MAX} days are asked for")
        return self


class MeterFileAsked(Message):
    """The 15-minute energies of a meter in a month, of all its series."""

    meter_no: MeterNo
    month: MonthText
    format: FileFormat = "csv"


class NothingToExport(
    NotFound, noun="reading", status=404, zh="没有可导出的数据", en="There are no readings to export"
):
    """Fields: account_no or meter_no, first, last. Raised also for an account outside the caller's scope."""


class ExportOperations(Api):
    """Readings as files."""

    @query(permit="reading.read", problems=(NothingToExport,))
    def account_readings_file(self, call: Call, request: ReadingsAsked) -> Document:
        """The curves of an account as they count: of each meter the time in which it was the account's, what is not measured
        marked so."""

    @query(permit="reading.read", problems=(CurveNotFound, NothingToExport))
    def meter_month_file(self, call: Call, request: MeterFileAsked) -> Document:
        """A meter's month of curves as they count, whosever it was, what is not measured marked so."""

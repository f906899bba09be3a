"""The bank file format (银行文件), as docs/reference/bank-file.md describes it to banks: reading it, and writing outgoing files."""

import io
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime

from denghuo.kernel.period import SHANGHAI
from denghuo.kernel.values import Money
from denghuo.service.payment.rules import LINE_MAX, refused_amount

VERSION = "DENGHUO1"
FAULTS_MAX = 200
VALUE_SHOWN = 60
SUCCESS = "00"
RESULTS = frozenset({"00", "14", "51"})

_SAID = {
    "account_no": ("户号不能为空，且不超过 32 位", "give an account number of at most 32 characters"),
    "bank_serial": ("银行流水号应为 4–40 位字母数字", "the bank serial has 4 to 40 letters or digits"),
    "paid_at": ("时间应为 YYYYMMDDHHMMSS（北京时间）", "the time must be YYYYMMDDHHMMSS, Beijing time"),
    "amount": ("金额应为元，最多两位小数，例如 12.34", "the amount is yuan with at most 2 decimals, as 12.34"),
    "trailer": (
        "缺少尾记录 T，文件可能被截断，请重新取文件",
        "the trailer T is missing; the file may be cut off, fetch it again",
    ),
}


@dataclass(frozen=True)
class Fault:
    """What is wrong with a line, and what to do."""

    line: int
    field: str
    value: str
    zh: str
    en: str


@dataclass(frozen=True)
class Header:
    file_kind: str
    bank_code: str
    batch_no: str
    bank_day: date
    unit: str


@dataclass(frozen=True)
class Detail:
    """A line of the file; `line` is its number in the text, `serial_no` the one that it states."""

    line: int
    serial_no: int
    account_no: str
    amount: Money
    bank_serial: str
    paid_at: datetime
    result: str


@dataclass(frozen=True)
class BankText:
    """A whole file whose trailer agrees."""

    header: Header
    details: list[Detail]

    @property
    def amount(self) -> Money:
        return Money(sum(detail.amount.fen for detail in self.details))

    @property
    def paid(self) -> list[Detail]:
        return [detail for detail in self.details if detail.result == SUCCESS]


class Refused(Exception):
    """The file cannot be taken. `faults` holds the first 200 of `count`."""

    def __init__(self, faults: list[Fault], count: int) -> None:
        super().__init__(f"{count} faults")
        self.faults, self.count = faults, count


def read_bank_file(content: str) -> BankText:
    """Reads a file line by line.

    Raises:
        Refused: with every line that is wrong, or with the trailer that disagrees.
    """
    reader = _Reader()
    for number, line in enumerate(io.StringIO(content), 1):
        stripped = line.rstrip("\r\n").removeprefix("\ufeff")
        if stripped.strip():
            reader.take(number, stripped)
    return reader.end()


_HEADER = ("record", "version", "file_kind", "bank_code", "batch_no", "bank_day", "unit")
_DETAIL = ("record", "line_no", "account_no", "amount", "bank_serial", "paid_at", "result")
_TRAILER = ("record", "count", "amount", "paid_count", "paid_amount")


class _Reader:
    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._count = 0
        self._header: Header | None = None
        self._details: list[Detail] = []
        self._lines = 0
        self._line_nos: dict[str, int] = {}
        self._serials: dict[str, int] = {}
        self._trailer: tuple[int, list[str]] | None = None
        self._last = 0

    def take(self, number: int, line: str) -> None:
        self._last = number
        cells = [cell.strip() for cell in line.split("|")]
        if self._trailer is not None:
            self._fault(
                number,
                "record",
                line,
                "尾记录之后不应再有内容，请删除多余行",
                "nothing may follow the trailer; remove it",
            )
        elif self._header is None and self._lines == 0 and cells[0] != "H":
            self._lines += 1
            self._fault(number, "record", cells[0], "首行应为头记录 H", "the first line must be the header H")
        elif cells[0] == "H":
            self._take_header(number, cells)
        elif cells[0] == "D":
            self._lines += 1
            self._take_detail(number, cells)
        elif cells[0] == "T":
            if self._fits(number, cells, _TRAILER):
                self._trailer = (number, cells)
            else:
                self._trailer = (number, [])
        else:
            self._fault(number, "record", cells[0], "记录类型应为 H、D 或 T", "the record type must be H, D or T")

    def _fault(self, line: int, field: str, value: str, zh: str, en: str) -> None:
        self._count += 1
        if len(self._faults) < FAULTS_MAX:
            self._faults.append(Fault(line, field, value[:VALUE_SHOWN], zh + "。", en[0].upper() + en[1:] + "."))

    def _fits(self, number: int, cells: list[str], names: tuple[str, ...]) -> bool:
        if len(cells) == len(names):
            return True
        self._fault(
            number,
            "record",
            "|".join(cells),
            f"{cells[0]} 记录应有 {len(names)} 栏（{'、'.join(names)}），实有 {len(cells)} 栏",
            f"a {cells[0]} record has {len(names)} fields ({', '.join(names)}), here are {len(cells)}",
        )
        return False

    def _take_header(self, number: int, cells: list[str]) -> None:
        if self._header is not None or self._lines:
            self._fault(number, "record", "H", "头记录只能在首行出现一次", "the header stands once, in the first line")
            return
        self._lines = 0
        if not self._fits(number, cells, _HEADER):
            self._header = Header("COLLECT", "", "", date.min, "")
            return
        before = self._count
        if cells[1] != VERSION:
            self._fault(number, "version", cells[1], f"版本应为 {VERSION}", f"the version must be {VERSION}")
        if cells[2] not in {"COLLECT", "RETURN"}:
            self._fault(
                number, "file_kind", cells[2], "文件类型应为 COLLECT 或 RETURN", "the kind must be COLLECT or RETURN"
            )
        for field, value, pattern, example in (
            ("bank_code", cells[3], r"[A-Z0-9]{4,12}", "ICBC1"),
            ("batch_no", cells[4], r"[A-Z0-9]{6,24}", "20260512001"),
            ("unit", cells[6], r"[0-9]+(\.[0-9]+)*", "1405810"),
        ):
            if re.fullmatch(pattern, value) is None:
                self._fault(number, field, value, f"格式不符，例如 {example}", f"does not fit; for example {example}")
        day = _day(cells[5])
        if day is None:
            self._fault(number, "bank_day", cells[5], "日期应为 YYYYMMDD", "the day must be YYYYMMDD")
        self._header = (
            Header(cells[2], cells[3], cells[4], day, cells[6])
            if self._count == before and day is not None
            else Header("COLLECT", "", "", date.min, "")
        )

    def _take_detail(self, number: int, cells: list[str]) -> None:
        if not self._fits(number, cells, _DETAIL):
            return
        before = self._count
        line_no = int(cells[1]) if re.fullmatch(r"[0-9]{1,9}", cells[1]) else 0
        if line_no < 1:
            self._fault(number, "line_no", cells[1], "序号应为正整数", "the line number must be a positive integer")
        self._once(number, "line_no", cells[1], self._line_nos)
        if not cells[2] or len(cells[2]) > 32:
            self._fault(number, "account_no", cells[2], *_SAID["account_no"])
        amount = self._money(number, "amount", cells[3])
        if re.fullmatch(r"[0-9A-Za-z-]{4,40}", cells[4]) is None:
            self._fault(number, "bank_serial", cells[4], *_SAID["bank_serial"])
        self._once(number, "bank_serial", cells[4], self._serials)
        paid_at = _instant(cells[5])
        if paid_at is None:
            self._fault(number, "paid_at", cells[5], *_SAID["paid_at"])
        if cells[6] not in RESULTS:
            self._fault(number, "result", cells[6], "结果码应为 00、14 或 51", "the result must be 00, 14 or 51")
        elif self._header is not None and self._header.file_kind == "COLLECT" and cells[6] != SUCCESS:
            self._fault(
                number, "result", cells[6], "代收文件只列成功缴费（00）", "a collection file lists successes (00) only"
            )
        if self._count == before and amount is not None and paid_at is not None:
            self._details.append(Detail(number, line_no, cells[2], amount, cells[4], paid_at, cells[6]))

    def _once(self, number: int, field: str, key: str, seen: dict[str, int]) -> None:
        if key in seen:
            self._fault(
                number,
                field,
                key,
                f"与第 {seen[key]} 行重复，请删除其一并改正尾记录",
                f"repeats line {seen[key]}; remove one of them and correct the trailer",
            )
        else:
            seen[key] = number

    def _money(self, number: int, field: str, value: str) -> Money | None:
        try:
            amount = Money.of(value)
        except ValueError:
            self._fault(number, field, value, *_SAID["amount"])
            return None
        why = refused_amount(amount, LINE_MAX)
        if why is not None:
            self._fault(number, field, value, why["zh"].rstrip("。"), why["en"].rstrip("."))
            return None
        return amount

    def end(self) -> BankText:
        if self._header is None and self._count == 0:
            self._fault(1, "record", "", "文件为空", "the file is empty")
        if self._trailer is None:
            self._fault(self._last, "record", "", *_SAID["trailer"])
        elif self._trailer[1] and self._count == 0:
            self._compare(*self._trailer)
        if self._count or self._header is None:
            raise Refused(self._faults, self._count)
        return BankText(self._header, self._details)

    def _compare(self, number: int, cells: list[str]) -> None:
        paid = [detail for detail in self._details if detail.result == SUCCESS]
        for field, stated, found in (
            ("count", cells[1], str(len(self._details))),
            ("amount", cells[2], str(Money(sum(detail.amount.fen for detail in self._details)))),
            ("paid_count", cells[3], str(len(paid))),
            ("paid_amount", cells[4], str(Money(sum(detail.amount.fen for detail in paid)))),
        ):
            try:
                same = Money.of(stated) == Money.of(found)
            except ValueError:
                same = False
            if not same:
                self._fault(
                    number,
                    field,
                    stated,
                    f"尾记录为 {stated[:VALUE_SHOWN]}，明细合计为 {found}；整个文件未导入，请银行核对后重发",
                    f"the trailer says {stated[:VALUE_SHOWN]}, the lines make {found}; nothing was imported,"
                    " ask the bank to send it again",
                )


def _day(value: str) -> date | None:
    try:
        return datetime.strptime(value, "%Y%m%d").replace(tzinfo=SHANGHAI).date() if len(value) == 8 else None
    except ValueError:
        return None


def _instant(value: str) -> datetime | None:
    try:
        return datetime.strptime(value, "%Y%m%d%H%M%S").replace(tzinfo=SHANGHAI) if len(value) == 14 else None
    except ValueError:
        return None


# --- writing --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class DebitOrder:
    """A line of an outgoing direct debit file."""

    line: int
    account_no: str
    amount: Money
    bank_account: str
    holder: str


def debit_text(bank_code: str, batch_no: str, day: date, unit: str, orders: Iterable[DebitOrder]) -> Iterator[str]:
    """The lines of an outgoing file."""
    yield f"H|{VERSION}|DEBIT|{bank_code}|{batch_no}|{day:%Y%m%d}|{unit}\n"
    count = total = 0
    for order in orders:
        holder = re.sub(r"[|\r\n]", " ", order.holder)
        yield f"D|{order.line}|{order.account_no}|{order.amount}|{order.bank_account}|{holder}\n"
        count += 1
        total += order.amount.fen
    yield f"T|{count}|{Money(total)}\n"


def return_text(
    outgoing: str, at: datetime, answer: Callable[[str], str], serial_of: Callable[[str, str], str]
) -> Iterator[str]:
    """The return file to an outgoing one: `answer(account_no)` gives the result code. What a bank does; used by the sandbox."""
    count = total = paid = paid_total = 0
    batch_no = ""
    stamp = at.astimezone(SHANGHAI).strftime("%Y%m%d%H%M%S")
    for line in io.StringIO(outgoing):
        cells = line.rstrip("\n").split("|")
        if cells[0] == "H":
            batch_no = cells[4]
            yield f"H|{VERSION}|RETURN|{cells[3]}|{batch_no}|{stamp[:8]}|{cells[6]}\n"
        elif cells[0] == "D":
            result, fen = answer(cells[2]), Money.of(cells[3]).fen
            yield f"D|{cells[1]}|{cells[2]}|{cells[3]}|{serial_of(batch_no, cells[1])}|{stamp}|{result}\n"
            count, total = count + 1, total + fen
            if result == SUCCESS:
                paid, paid_total = paid + 1, paid_total + fen
    yield f"T|{count}|{Money(total)}|{paid}|{Money(paid_total)}\n"

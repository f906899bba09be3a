"""`denghuo trial`: trial bills on the command line (电费试算), one from options or any number from a file, streamed.

Rows of a file are read, rated and written one after the other; a row that cannot be rated is named on the error stream with line,
field, value and remedy, and the rest goes on. Nothing is stored.
"""

import csv
import pathlib
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal, TextIO

from denghuo.data.processing.import_columns import Code, Day, Number, Words, Wrong
from denghuo.data.processing.import_tables.columns import (
    KILOVOLT_AMPERE,
    KILOWATT,
    MULTIPLIER,
    TARIFF_CLASS,
    VOLTAGE_LEVEL,
    optional,
)
from denghuo.data.processing.importing import Refusal, Row, Shape, open_table
from denghuo.kernel.problem import Problem, text
from denghuo.kernel.values import (
    ApparentPower,
    Energy,
    Money,
    Multiplier,
    Percent,
    Power,
    Price,
    Register,
    decimal_text,
)
from denghuo.service.billing.api import NotTriable, TrialReading, Try
from denghuo.service.billing.api.bill import Counted
from denghuo.service.billing.lines import CannotRate, Rated
from denghuo.service.billing.rules import rate
from denghuo.service.billing.rules.views import PRICE_PLACES, average_price
from denghuo.service.billing.tariffs import EXAMPLES
from denghuo.service.billing.trial import subject_of
from denghuo.service.tariff.api import BANDS, GROUPS, SETTLEMENTS, TariffDocument
from denghuo.service.tariff.rules import Unreadable, check, read_text

TariffOf = Callable[[str], TariffDocument]
"""The tariff that a trial of a month is rated by."""

MONTH = Words(longest=7, pattern=r"[0-9]{4}-(0[1-9]|1[0-2])", example="2026-04")
# A purchase tariff with a negative spot price may be tried, a negative quantity may not.
KWH = Number(places=3, most=Decimal(10**12), unit="kWh")
PRICE = Number(places=8, most=Decimal(100), unit="yuan/kWh")
SPOT = Number(places=8, least=Decimal(-100), most=Decimal(100), unit="yuan/kWh")
SHARE = Number(places=2, most=Decimal(100), unit="%")
KVARH = Number(places=3, most=Decimal(10**12), unit="kvarh")
REGISTER = Number(places=4, most=Decimal(99_999_999), unit="kWh")
TWELVE = Number(least=Decimal(1), most=Decimal(12))
STANDARD = Code({"90": text("0.90", "0.90"), "85": text("0.85", "0.85"), "80": text("0.80", "0.80")})

TRIALS = Shape(
    "trials",
    text("试算", "trials"),
    (
        optional("trial_no", Words(longest=64), "试算编号", "number of the trial"),
        optional("month", MONTH, "电费年月", "month"),
        optional("first_day", Day(), "计费起日", "first day billed"),
        optional("last_day", Day(), "计费止日", "last day billed"),
        optional("tariff_class", TARIFF_CLASS, "用电类别", "class of use"),
        optional("settlement", Code(SETTLEMENTS.entries), "结算方式", "settlement"),
        optional("voltage", VOLTAGE_LEVEL, "电压等级", "voltage"),
        optional("start", REGISTER, "起示数", "previous register"),
        optional("end", REGISTER, "止示数", "current register"),
        optional("multiplier", MULTIPLIER, "倍率", "multiplier"),
        *(optional(f"{band}_kwh", KWH, f"{name['zh']}电量", f"energy, {name['en']}") for band, name in BANDS.entries.items()),
        optional("reactive_kvarh", KVARH, "无功电量", "reactive energy"),
        optional("demand_kw", KILOWATT, "最大需量", "maximum demand"),
        optional("used_before_kwh", KWH, "本年前期电量", "energy before in the tier year"),
        optional("tier_months", TWELVE, "阶梯年计入月数", "months of the tier year"),
        optional("reading_months", TWELVE, "抄表间隔月数", "months between readings"),
        optional("tier_extra_kwh", KWH, "第一档增加电量", "extra room of the first tier"),
        optional("capacity_kva", KILOVOLT_AMPERE, "运行容量", "capacity"),
        optional("contract_demand_kw", KILOWATT, "合同最大需量", "contract demand"),
        optional("standard", STANDARD, "功率因数标准", "power factor standard"),
        *(
            optional(f"retail_{band}_price", PRICE, f"套餐电价，{name['zh']}", f"package price, {name['en']}")
            for band, name in BANDS.entries.items()
        ),
        optional("retail_fee", PRICE, "售电服务费", "service fee"),
        optional("retail_floor", SPOT, "均价下限", "floor of the average price"),
        optional("retail_cap", SPOT, "均价上限", "cap of the average price"),
        optional("retail_spot_share", SHARE, "现货联动比例", "share that follows spot prices"),
        optional("contract_kwh", KWH, "合约电量", "contracted energy"),
        optional("contract_price", PRICE, "合约电价", "contract price"),
        optional("day_ahead_kwh", KWH, "日前电量", "day-ahead energy"),
        optional("day_ahead_price", SPOT, "日前均价", "day-ahead price"),
        optional("real_time_price", SPOT, "实时均价", "real-time price"),
    ),
)  # fmt: skip
POINT_COLUMNS = ("contract_kwh", "contract_price", "day_ahead_kwh", "day_ahead_price", "real_time_price")
BILL_COLUMNS = (
    "line",
    "trial_no",
    "month",
    "tariff_code",
    "tariff_version",
    "energy_kwh",
    "amount",
    "average_price",
    *(f"{group}_amount" for group in GROUPS.entries),
    "illustrative",
    "remarks",
)
LINE_COLUMNS = (
    "line",
    "trial_no",
    "code",
    "band",
    "tier",
    "quantity",
    "unit",
    "price",
    "amount",
    "document_no",
    "arithmetic",
    "sentence_zh",
    "sentence_en",
)
_COLUMNS = {
    "tariff_code": "month",
    "used_before": "used_before_kwh",
    "tier_extra": "tier_extra_kwh",
    "capacity": "capacity_kva",
    "contract_demand": "contract_demand_kw",
    "retail_prices": "retail_total_price",
    "market_points": "real_time_price",
    "market_points.0.contract_price": "contract_price",
    "market_points.0.day_ahead_price": "day_ahead_price",
    "market_points.0.real_time_price": "real_time_price",
}
"""Fields of a request that the file calls otherwise."""
_CODES = {
    "class": "tariff_class",
    "voltage": "voltage",
    "not_in_force": "month",
    "no_days": "last_day",
    "no_price": "voltage",
    "no_terms": "capacity_kva",
    "no_reading": "total_kwh",
    "bad_quantity": "total_kwh",
    "bad_market": "retail_total_price",
}
"""Which column a refusal of the rating rules is about."""
_REMEDY = text("改正后重新试算", "correct the row and try again")


@dataclass
class Tried:
    """What a run over a file came to."""

    rated: int = 0
    refused: int = 0
    energy: Energy = field(default_factory=lambda: Energy(0))
    amount: Money = field(default_factory=lambda: Money(0))
    seconds: float = 0.0

    @property
    def exit_code(self) -> int:
        """0: every row was rated; 1: rows were refused."""
        return 1 if self.refused else 0


def try_file(
    path: pathlib.Path,
    tariff_of: TariffOf,
    out: TextIO,
    refuse: Callable[[Refusal], None],
    *,
    defaults: Mapping[str, Any],
    lines: bool = False,
    encoding: str = "utf-8",
) -> Tried:
    """Rates every row of a file into `out`; `defaults` stand where a row leaves a column empty. Memory does not grow with rows.

    Raises:
        FileRefused: the file as a whole cannot be used.
    """
    began = time.monotonic()
    table = open_table(path, TRIALS, encoding=encoding)
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(LINE_COLUMNS if lines else BILL_COLUMNS)
    tried = Tried()
    for batch in table.batches():
        for refusal in batch.refused:
            refuse(refusal)
        for line, row in zip(batch.lines, batch.rows, strict=True):
            try:
                request, rated = _rated(row, defaults, tariff_of)
            except Problem as problem:
                tried.refused += 1
                refuse(_refusal(path.name, line, row, problem))
                continue
            tried.rated += 1
            tried.energy += Energy(rated.energy_wh)
            tried.amount += rated.total
            number = row["trial_no"] or ""
            if lines:
                writer.writerows(_lines(line, number, rated))
            else:
                writer.writerow(_bill(line, number, request.month, rated))
    tried.refused += table.refused_count
    tried.seconds = time.monotonic() - began
    return tried


def typed(words: Sequence[str]) -> Row:
    """`column=value` words of the command line as a row of the file's columns.

    Raises:
        NotTriable: a column that is not known, or a value that it cannot hold.
    """
    row: Row = {column.name: None for column in TRIALS.columns}
    kinds = {column.name: column.kind for column in TRIALS.columns}
    for word in words:
        name, equals, value = word.partition("=")
        if name not in kinds or not equals:
            listed = ", ".join(kinds)
            raise _missing(
                name,
                f"“{word}”应为 列=值，可用的列：{listed}。",
                f"Give column=value, not {word!r}; columns are {listed}.",
            )
        try:
            row[name] = kinds[name].typed(kinds[name].from_text(value))
        except Wrong as wrong:
            raise _missing(
                name,
                f"{name}={value}：{wrong.what['zh']}；{wrong.remedy['zh']}。",
                f"{name}={value}: {wrong.what['en']}; {wrong.remedy['en']}.",
            ) from None
    return row


def explained(row: Row, tariff_of: TariffOf) -> Iterator[str]:
    """One trial bill as lines of text in both languages.

    Raises:
        NotTriable, CannotRate: as for a trial.
    """
    request, rated = _rated(row, {}, tariff_of)
    yield f"{request.month}  {rated.tariff_code} v{rated.tariff_version}  {Energy(rated.energy_wh)} kWh"
    for line in rated.lines:
        yield f"{line.title.zh} {line.title.en}  {line.amount}"
        yield f"  {line.sentence.zh}"
        yield f"  {line.sentence.en}"
    for remark in rated.remarks:
        yield f"* {remark.text.zh} {remark.text.en}"
    yield f"合计 total  {rated.total}"


def request_of(row: Row, kind: str) -> Try:
    """A row as a request. `kind`: whether the tariff is for supply or purchase, which decides on the direction of the energy.

    Raises:
        NotTriable: the row has neither registers nor energies.
    """
    body = {
        "month": row["month"],
        "first_day": row["first_day"],
        "last_day": row["last_day"],
        "tariff_class": row["tariff_class"],
        "settlement": row["settlement"],
        "voltage": row["voltage"],
        "used_before": _made(Energy, row["used_before_kwh"]) or Energy(0),
        "tier_months": row["tier_months"] or 12,
        "reading_months": row["reading_months"] or 1,
        "tier_extra": _made(Energy, row["tier_extra_kwh"]) or Energy(0),
        "capacity": _made(ApparentPower, row["capacity_kva"]),
        "contract_demand": _made(Power, row["contract_demand_kw"]),
        "standard": None if row["standard"] is None else int(row["standard"]),
        **_market(row),
    }
    readings = [reading for _, reading in _readings(row, kind)]
    if not readings:
        raise _missing("total_kwh", "请填写示数或电量。", "Give registers or energies.")
    return Try.model_validate(body | {"readings": readings})


def _market(row: Row) -> dict[str, Any]:
    """The market side of a row: the prices of a package, and one point for the whole month."""
    prices = {band: _price(row[f"retail_{band}_price"]) for band in BANDS.entries}
    point = {
        "contract": _made(Energy, row["contract_kwh"]) or Energy(0),
        "contract_price": _price(row["contract_price"]),
        "day_ahead": _made(Energy, row["day_ahead_kwh"]),
        "day_ahead_price": _price(row["day_ahead_price"]),
        "real_time_price": _price(row["real_time_price"]),
    }
    return {
        "retail_prices": [{"band": band, "price": price} for band, price in prices.items() if price is not None],
        "retail_fee": _price(row["retail_fee"]),
        "retail_floor": _price(row["retail_floor"]),
        "retail_cap": _price(row["retail_cap"]),
        "retail_spot_share": _made(Percent, row["retail_spot_share"], 2),
        "market_points": [point] if any(row[column] is not None for column in POINT_COLUMNS) else [],
    }


def _price(number: Decimal | None) -> Price | None:
    price: Price | None = _made(Price, number, 8)
    return price


def _rated(row: Row, defaults: Mapping[str, Any], tariff_of: TariffOf) -> tuple[Try, Rated]:
    whole = {name: defaults.get(name) if value is None else value for name, value in row.items()}
    if whole["month"] is None:
        raise _missing("month", "请填写电费年月，如 month=2026-04。", "Give the month, such as month=2026-04.")
    tariff = tariff_of(whole["month"])
    request = request_of(whole, tariff.kind)
    return request, rate(subject_of(request, tariff), tariff)


def _readings(row: Row, kind: str) -> Iterator[tuple[str, TrialReading]]:
    """The registers of a row, each with the column that it came from."""
    active: Literal["active_rev", "active_fwd"] = "active_rev" if kind == "purchase" else "active_fwd"
    if row["start"] is not None or row["end"] is not None:
        yield (
            "end",
            TrialReading(
                quantity=active,
                start=_made(Register, row["start"], 4),
                end=_made(Register, row["end"], 4),
                multiplier=Multiplier(row["multiplier"] or 1),
            ),
        )
    for column, quantity, band in (
        *((f"{band}_kwh", active, band) for band in BANDS.entries),
        ("reactive_kvarh", "reactive_fwd", "total"),
        ("demand_kw", "demand", "total"),
    ):
        if row[column] is not None:
            value = _made(Counted, row[column])
            yield column, TrialReading.model_validate({"quantity": quantity, "band": band, "value": value})


def _made(value: Callable[[int], Any], number: Decimal | None, places: int = 3) -> Any:
    return None if number is None else value(int(number.scaleb(places)))


def tariff_in(words: str) -> TariffDocument:
    """The tariff of a file. Faults of its own examples do not keep it from being tried.

    Raises:
        NotTriable: with an error for each fault that would make a bill wrong.
    """
    try:
        document = read_text(words)
    except Unreadable as unreadable:
        findings = unreadable.findings
    else:
        found = [one for one in check(document) if one.severity == "error"]
        findings = [one for one in found if not one.where.startswith(EXAMPLES)]
        if not findings:
            return document
    zh = "\n".join(f"{one.where}：{one.message.zh}" for one in findings)
    en = "\n".join(f"{one.where}: {one.message.en}" for one in findings)
    raise _missing("tariff_text", zh, en)


# --- what is written -------------------------------------------------------------------------------------------------------


def _bill(line: int, number: str, month: str, rated: Rated) -> list[Any]:
    groups: Counter[str] = Counter()
    for one in rated.lines:
        groups[one.group] += one.amount.fen
    energy = Energy(rated.energy_wh)
    return [
        line,
        number,
        month,
        rated.tariff_code,
        rated.tariff_version,
        energy,
        rated.total,
        average_price(rated.total, energy.wh, PRICE_PLACES) or "",
        *(Money(groups[group]) for group in GROUPS.entries),
        str(rated.illustrative).lower(),
        " ".join(remark.code for remark in rated.remarks),
    ]


def _lines(line: int, number: str, rated: Rated) -> Iterator[list[Any]]:
    for one in rated.lines:
        quantity = "" if one.quantity_milli is None else decimal_text(one.quantity_milli, 3, 0)
        yield [
            line,
            number,
            one.code,
            one.band or "",
            one.tier or "",
            quantity,
            one.unit,
            one.price or "",
            one.amount,
            one.document_no,
            one.arithmetic,
            one.sentence.zh,
            one.sentence.en,
        ]


def _missing(name: str, zh: str, en: str) -> NotTriable:
    return NotTriable(text(zh, en), errors=[{"field": name, "value": "", "zh": zh, "en": en}])


def _refusal(file: str, line: int, row: Row, problem: Problem) -> Refusal:
    errors = problem.fields.get("errors")
    if errors:
        first = errors[0]
        name, what = _column(first["field"], row), text(first["zh"], first["en"])
    else:
        name = _CODES.get(str(problem.fields.get("code")), "") if isinstance(problem, CannotRate) else ""
        what = problem.detail
    value = row.get(name)
    return Refusal(file, line, name, "" if value is None else str(value), what, _REMEDY)


def _column(name: str, row: Row) -> str:
    """The column of a request's field."""
    head, _, rest = name.partition(".")
    if head != "readings":
        return _COLUMNS.get(name, name)
    place, _, member = rest.partition(".")
    columns = [column for column, _ in _readings(row, "supply")]
    column = columns[int(place)] if int(place) < len(columns) else ""
    return member if column == "end" and member in ("start", "end") else column

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
from typing import Any, TextIO

from denghuo.data.processing.import_columns import Wrong
from denghuo.data.processing.importing import Refusal, Row, open_table
from denghuo.kernel.problem import Problem, text
from denghuo.kernel.values import (
    Energy,
    Money,
    decimal_text,
)
from denghuo.main.trial_row import TRIALS, missing, readings_of, request_of
from denghuo.service.billing.api import Try
from denghuo.service.billing.lines import CannotRate, Rated
from denghuo.service.billing.rules import rate
from denghuo.service.billing.rules.views import PRICE_PLACES, average_price
from denghuo.service.billing.tariffs import EXAMPLES
from denghuo.service.billing.trial import subject_of
from denghuo.service.tariff.api import GROUPS, TariffDocument
from denghuo.service.tariff.rules import Unreadable, check, read_text

TariffOf = Callable[[str], TariffDocument]
"""The tariff that a trial of a month is rated by."""

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
    "losses.0.active_kwh": "transformer_loss_kwh",
    "customer_energy": "customer_kwh",
    "customer_capacity": "customer_kva",
    "plant": "plant_kw",
    "plant.capacity": "plant_kw",
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
            raise missing(
                name,
                f"“{word}”应为 列=值，可用的列：{listed}。",
                f"Give column=value, not {word!r}; columns are {listed}.",
            )
        try:
            row[name] = kinds[name].typed(kinds[name].from_text(value))
        except Wrong as wrong:
            raise missing(
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


def _rated(row: Row, defaults: Mapping[str, Any], tariff_of: TariffOf) -> tuple[Try, Rated]:
    whole = {name: defaults.get(name) if value is None else value for name, value in row.items()}
    if whole["month"] is None:
        raise missing("month", "请填写电费年月，如 month=2026-04。", "Give the month, such as month=2026-04.")
    tariff = tariff_of(whole["month"])
    request = request_of(whole, tariff.kind)
    return request, rate(subject_of(request, tariff), tariff)


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
    raise missing("tariff_text", zh, en)


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
    columns = [column for column, _ in readings_of(row, "supply")]
    column = columns[int(place)] if int(place) < len(columns) else ""
    return member if column == "end" and member in ("start", "end") else column

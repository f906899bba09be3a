"""How a two-part customer pauses transformers (暂停), and how long a temporary exchange (暂换) may last. Pure.

The limits are dated rows with their document. A pause is asked for five working days ahead, as is the return from it; it lasts
fifteen days at least, and the pauses of a transformer come to six months of a calendar year at most (发改办价格〔2016〕1583号).
Six months have at most 184 days, which is what is counted here, to the customer's advantage. One that ended early is taken, and
billed in full.
"""

import csv
import importlib.resources
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from denghuo.kernel.period import Month
from denghuo.kernel.problem import text
from denghuo.service.contract.api import SpecialTerms, Transformer
from denghuo.service.contract.limits import BASES, Exceeded
from denghuo.service.contract.special import Fault, fault
from denghuo.service.contract.workdays import WEEKDAYS, WorkDays

_DAY = timedelta(days=1)
_DAYS_OF_MONTHS = {6: 184}
_Pauses = Mapping[tuple[str, date], date | None]
"""The last day of each pause by transformer and first day."""


@dataclass(frozen=True)
class PauseLimit:
    """What holds for pauses that begin on days in [since, until)."""

    since: date
    until: date | None
    notice_working_days: int
    least_days: int
    most_months_a_year: int
    document: str

    @property
    def most_days_a_year(self) -> int:
        return _DAYS_OF_MONTHS[self.most_months_a_year]

    def holds_on(self, day: date) -> bool:
        return self.since <= day and (self.until is None or day < self.until)


@dataclass(frozen=True)
class ExchangeLimit:
    """How many months a temporary exchange lasts at voltages up to one; None = at all that are higher."""

    since: date
    until: date | None
    up_to_kv: Decimal | None
    months: int
    document: str


def _rows(name: str) -> Iterator[dict[str, str]]:
    file = importlib.resources.files("denghuo.service.contract").joinpath("data", name)
    yield from csv.DictReader(io.StringIO(file.read_text("utf-8")))


def _day(value: str) -> date | None:
    return date.fromisoformat(value) if value else None


PAUSES = tuple(
    PauseLimit(
        date.fromisoformat(row["since"]),
        _day(row["until"]),
        int(row["notice_working_days"]),
        int(row["least_days"]),
        int(row["most_months_a_year"]),
        row["document"],
    )
    for row in _rows("pause_limits.csv")
)
EXCHANGES = tuple(
    ExchangeLimit(
        date.fromisoformat(row["since"]),
        _day(row["until"]),
        Decimal(row["up_to_kv"]) if row["up_to_kv"] else None,
        int(row["months"]),
        row["document"],
    )
    for row in _rows("exchange_limits.csv")
)


def unannounced(
    tariff_class: str,
    before: SpecialTerms | None,
    after: SpecialTerms | None,
    applied_on: date,
    limits: Sequence[PauseLimit] = PAUSES,
    work: WorkDays = WEEKDAYS,
) -> Exceeded | None:
    """The pause or the return from one that was asked for too late; None where all may be made. work: the working
    days of the span."""
    if tariff_class not in BASES:
        return None
    known, wanted = _pauses(before), _pauses(after)
    for (number, first), last in sorted(wanted.items()):
        limit = _limit(first, limits)
        if limit is None:
            continue
        if (number, first) not in known:
            change, said = first, ("暂停", "the pause")
        elif last is not None and last != known[number, first]:
            change, said = last + _DAY, ("暂停恢复", "the return from the pause")
        else:
            continue
        days = limit.notice_working_days
        if work.between(applied_on, change) < days:
            earliest = work.after_notice(applied_on, days)
            counted = work.said(applied_on, earliest)
            return Exceeded(
                "applied_on",
                applied_on,
                limit.document,
                earliest,
                text(
                    f"变压器 {number} 的{said[0]}须提前 {days} 个工作日申请（{limit.document}），{applied_on} 申请的最早可自"
                    f" {earliest} 起。{counted['zh']}",
                    f"For transformer {number} {said[1]} is asked for {days} working days ahead ({limit.document}); asked for on"
                    f" {applied_on}, it takes effect on {earliest} at the earliest."
                    f"{counted['en']}",
                ),
            )
    return None


def pause_faults(
    tariff_class: str,
    before: SpecialTerms | None,
    after: SpecialTerms | None,
    limits: Sequence[PauseLimit] = PAUSES,
) -> Iterator[Fault]:
    """New pauses that are too short, without an end, or too long over a calendar year."""
    if tariff_class not in BASES or after is None:
        return
    known = _pauses(before)
    for at, one in enumerate(after.transformers):
        limit = _limit(one.first_day, limits)
        if one.state != "paused" or limit is None or (one.transformer_no, one.first_day) in known:
            continue
        where = f"transformers.{at}.last_day"
        if one.last_day is None:
            yield fault(
                where,
                None,
                f"请填写暂停止日：一个日历年内累计不超过 {limit.most_months_a_year} 个月（{limit.document}）；更长的请办理减容。",
                f"State the last day: pauses come to {limit.most_months_a_year} months of a calendar year at most"
                f" ({limit.document}); for longer reduce the capacity.",
            )
        elif (one.last_day - one.first_day).days + 1 < limit.least_days:
            yield fault(
                where,
                one.last_day,
                f"暂停每次不少于 {limit.least_days} 天（{limit.document}），最早止日为"
                f" {one.first_day + _DAY * (limit.least_days - 1)}。",
                f"A pause lasts {limit.least_days} days at least ({limit.document}), until"
                f" {one.first_day + _DAY * (limit.least_days - 1)} or later.",
            )
        else:
            yield from _too_much(where, one, after, limit)


def _too_much(where: str, one: Transformer, after: SpecialTerms, limit: PauseLimit) -> Iterator[Fault]:
    own = [row for row in after.transformers if row.state == "paused" and row.transformer_no == one.transformer_no]
    for year in range(one.first_day.year, (one.last_day or one.first_day).year + 1):
        days = sum(_days_in(row, year) for row in own)
        if days > limit.most_days_a_year:
            yield fault(
                where,
                one.last_day,
                f"变压器 {one.transformer_no} 在 {year} 年累计暂停 {days} 天，超过 {limit.most_months_a_year} 个月"
                f"（{limit.document}）；请缩短或办理减容。",
                f"Transformer {one.transformer_no} would be paused for {days} days of {year}, more than {limit.most_months_a_year}"
                f" months ({limit.document}); shorten the pause or reduce the capacity.",
            )
            return


def _days_in(one: Transformer, year: int) -> int:
    first, last = max(one.first_day, date(year, 1, 1)), min(one.last_day or date.max, date(year, 12, 31))
    return max((last - first).days + 1, 0)


def exchange_faults(
    voltage_kv: str, special: SpecialTerms | None, limits: Sequence[ExchangeLimit] = EXCHANGES
) -> Iterator[Fault]:
    """Temporary exchanges without an end, or that last longer than they may at the voltage."""
    for at, one in enumerate(special.transformers if special else ()):
        if one.state != "exchanged":
            continue
        limit = exchange_limit(one.first_day, voltage_kv, limits)
        latest = None if limit is None else exchange_ends_by(one.first_day, limit.months)
        if limit is not None and latest is not None and (one.last_day is None or one.last_day > latest):
            yield fault(
                f"transformers.{at}.last_day",
                one.last_day,
                f"{voltage_kv} 千伏暂换不超过 {limit.months} 个月（{limit.document}），止日不晚于 {latest}。",
                f"At {voltage_kv} kV a temporary exchange lasts {limit.months} months at most ({limit.document}), until {latest}.",
            )


def exchange_limit(begun: date, voltage_kv: str, limits: Sequence[ExchangeLimit] = EXCHANGES) -> ExchangeLimit | None:
    return next(
        (
            one
            for one in limits
            if one.since <= begun
            and (one.until is None or begun < one.until)
            and (one.up_to_kv is None or Decimal(voltage_kv) <= one.up_to_kv)
        ),
        None,
    )


def exchange_ends_by(begun: date, months: int) -> date:
    """The last day of so many months from a day on."""
    year, index = divmod(begun.year * 12 + begun.month - 1 + months, 12)
    last = Month(year, index + 1)
    if begun.day > last.day_count:
        return last.first_day.replace(day=last.day_count)
    return last.first_day.replace(day=begun.day) - _DAY


def _pauses(special: SpecialTerms | None) -> _Pauses:
    return {
        (one.transformer_no, one.first_day): one.last_day
        for one in (special.transformers if special else ())
        if one.state == "paused"
    }


def _limit(day: date, limits: Sequence[PauseLimit]) -> PauseLimit | None:
    return next((one for one in limits if one.holds_on(day)), None)

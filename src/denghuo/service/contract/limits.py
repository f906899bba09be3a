"""How often and how long ahead a two-part customer changes the basis of the basic charge or the contract demand. Pure.

The limits are dated rows of `data/change_limits.csv`, each with its document: the basis (capacity or demand) changes by quarters,
asked for fifteen working days ahead; the contract demand by months, asked for five working days ahead (发改办价格〔2016〕1583号).
Working days follow the published holidays.
"""

import csv
import importlib.resources
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from denghuo.kernel.problem import Text, text
from denghuo.service.contract.rules import TermsRow
from denghuo.service.contract.workdays import WEEKDAYS, WorkDays

Subject = Literal["basis", "demand"]
NOTICE_AHEAD = timedelta(days=200)
"""How far ahead of an application anything with notice can be: a quarter and its working days."""
BASES = frozenset({"two_part_capacity", "two_part_demand"})
_DAY = timedelta(days=1)
_TITLES: dict[Subject, tuple[str, str]] = {
    "basis": ("基本电费计费方式", "the basis of the basic charge"),
    "demand": ("合同最大需量", "the contract demand"),
}


@dataclass(frozen=True)
class ChangeLimit:
    """What limits a change that takes effect on days in [since, until): it begins with a period of so many months of the year."""

    subject: Subject
    since: date
    until: date | None
    period_months: int
    notice_working_days: int
    document: str

    def holds_on(self, day: date) -> bool:
        return self.since <= day and (self.until is None or day < self.until)

    def begins_period(self, day: date) -> bool:
        return day.day == 1 and (day.month - 1) % self.period_months == 0


def _read() -> tuple[ChangeLimit, ...]:
    file = importlib.resources.files("denghuo.service.contract").joinpath("data", "change_limits.csv")
    return tuple(
        ChangeLimit(
            row["subject"],  # type: ignore[arg-type]  # a test holds the table to the known ones
            date.fromisoformat(row["since"]),
            date.fromisoformat(row["until"]) if row["until"] else None,
            int(row["period_months"]),
            int(row["notice_working_days"]),
            row["document"],
        )
        for row in csv.DictReader(io.StringIO(file.read_text("utf-8")))
    )


LIMITS = _read()


@dataclass(frozen=True)
class Exceeded:
    """A limit that a change does not keep: the field with its value, and what to do."""

    field: str
    value: date
    document: str
    earliest: date
    said: Text


def limited(
    before: TermsRow,
    after: TermsRow,
    applied_on: date,
    limits: Sequence[ChangeLimit] = LIMITS,
    work: WorkDays = WEEKDAYS,
) -> Exceeded | None:
    """The limit that a change does not keep; None where it may be made.

    A contract demand that changes with the basis follows the limit of the basis, and one that changes with the capacity is declared
    anew from that day on.
    """
    subject = _subject(before, after)
    limit = next((one for one in limits if one.subject == subject and one.holds_on(after.start)), None)
    if subject is None or limit is None:
        return None
    earliest = first_day(limit, applied_on, work)
    title_zh, title_en = _TITLES[subject]
    if not limit.begins_period(after.start):
        every = ("季度", "quarter") if limit.period_months == 3 else ("月", "month")
        return Exceeded(
            "effective_from",
            after.start,
            limit.document,
            earliest,
            text(
                f"{title_zh}按{every[0]}变更，须自{every[0]}首日生效（{limit.document}），"
                f"{after.start} 不是；最早可自 {earliest} 起。",
                f"A change of {title_en} begins with a {every[1]} ({limit.document}), and {after.start} is not its first day; the"
                f" earliest is {earliest}.",
            ),
        )
    if work.between(applied_on, after.start) < limit.notice_working_days:
        days, counted = limit.notice_working_days, work.said(applied_on, earliest)
        return Exceeded(
            "applied_on",
            applied_on,
            limit.document,
            earliest,
            text(
                f"{title_zh}变更须提前 {days} 个工作日申请（{limit.document}），{applied_on} 申请的最早可自 {earliest} 起。"
                f"{counted['zh']}",
                f"A change of {title_en} is asked for {days} working days ahead ({limit.document}); asked for on {applied_on}, it"
                f" takes effect on {earliest} at the earliest.{counted['en']}",
            ),
        )
    return None


def first_day(limit: ChangeLimit, applied_on: date, work: WorkDays = WEEKDAYS) -> date:
    """The first day on which what is asked for on a day can take effect."""
    day = applied_on + _DAY
    while not limit.begins_period(day) or work.between(applied_on, day) < limit.notice_working_days:
        day += _DAY
    return day


def _subject(before: TermsRow, after: TermsRow) -> Subject | None:
    if before.tariff_class not in BASES or after.tariff_class not in BASES:
        return None
    if before.tariff_class != after.tariff_class:
        return "basis"
    moved = after.tariff_class == "two_part_demand" and before.contract_w != after.contract_w
    return "demand" if moved and before.capacity_va == after.capacity_va else None

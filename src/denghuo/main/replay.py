"""`denghuo replay`: the issued bills of a month computed again in the terminal (账单重算核对), all of them or a sample; or the
month of one account as it was known on a day; or the bills by prices and days that were corrected since."""

import secrets
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import click

from denghuo.kernel.contract import Call, Page
from denghuo.kernel.fields import MonthText
from denghuo.kernel.values import Money
from denghuo.main.composition import Platform, operator
from denghuo.service.billing.api import (
    AsKnown,
    BillingApi,
    BillKind,
    CorrectedBills,
    FindBillsByDays,
    FindBillsBySpotPrices,
    FindCorrectedBills,
    MonthReplayed,
    Replayed,
    ReplayMonth,
)
from denghuo.service.tariff.api import NATION, NoSuchDayTable, NoSuchPriceTable, NoSuchSpotTable

AT_ONCE = 200
SHOWN = 20
"""How many bills that differ are told one by one."""


@dataclass
class Count:
    """How far a replay has come: bills checked out of `wanted`, and what came of them."""

    wanted: int = 0
    checked: int = 0
    identical: int = 0
    not_kept: int = 0
    differing: list[str] = field(default_factory=list)

    def add(self, page: MonthReplayed) -> None:
        self.checked += page.checked
        self.identical += page.identical
        self.not_kept += page.not_kept
        self.differing += [row.bill_no for row in page.rows]

    def line(self, month: str, seconds: float) -> str:
        """Progress with rate and the time that is left at that rate."""
        rate = self.checked / seconds if seconds > 0 else 0.0
        left = int((self.wanted - self.checked) / rate) if rate else 0
        return (
            f"{month} {self.checked:,}/{self.wanted:,}  {rate:.0f}/s  还需 left {left // 60}:{left % 60:02d}"
            f"  不一致 differ {len(self.differing)}   "
        )


def run_replay(running: Platform, month: MonthText, sample: int | None, seed: str | None) -> int:
    """Computes the month's bills again, all or `sample` of them chosen by `seed`; the exit code: 0, or 1 where any differs."""
    seed = (seed or secrets.token_hex(4)) if sample is not None else None
    began, count, shown = time.monotonic(), Count(), sys.stdout.isatty()
    for page in _pages(running.directory(BillingApi), month, sample, seed):
        count.wanted = page.total if sample is None else min(sample, page.total)
        for row in page.rows[: max(0, SHOWN - len(count.differing))]:
            _tell(row)
        count.add(page)
        if shown:
            click.echo("\r" + count.line(month, time.monotonic() - began), nl=False)
    click.echo(("\r" if shown else "") + _said(month, count, seed, time.monotonic() - began))
    return 1 if count.differing else 0


def _pages(billing: BillingApi, month: str, sample: int | None, seed: str | None) -> Iterator[MonthReplayed]:
    left, after = sample, None
    while left is None or left > 0:
        limit = AT_ONCE if left is None else min(AT_ONCE, left)
        page = billing.replay_month(operator(), ReplayMonth(month=month, seed=seed, limit=limit, after=after))
        yield page
        if page.next is None:
            return
        after = page.next
        left = None if left is None else left - page.checked


def _tell(row: Replayed) -> None:
    click.echo(f"{row.bill_no}  {row.amount} -> {row.computed or '-'}", err=True)
    for one in row.differences:
        click.echo(f"  {one.where}: {one.kept} -> {one.computed}", err=True)


def _said(month: str, count: Count, seed: str | None, seconds: float) -> str:
    how_zh, how_en = ("", "") if seed is None else (f"抽样（种子 {seed}）", f" sampled (seed {seed})")
    old_zh, old_en = (
        (f"，未存依据 {count.not_kept:,} 张", f", {count.not_kept:,} without kept terms")
        if count.not_kept
        else ("", "")
    )
    return (
        f"{month} {how_zh}重算 {count.checked:,} 张：一致 {count.identical:,}，不一致 {len(count.differing):,}{old_zh}；"
        f"{seconds:.1f} 秒。"
        f" {count.checked:,} bills computed again{how_en}: {count.identical:,} identical, {len(count.differing):,} differ{old_en};"
        f" {seconds:.1f} s."
    )


def show_corrected(running: Platform, month: MonthText, area: str) -> int:
    """Prints the bills of a month by what was published anew since (prices of the month, spot prices, holidays, temperatures), each
    list apart, with what they come to by what stands now; and what they do not cover. The exit code: 1 where an amount changes."""
    changed = [_told(title, pages) for title, pages in _lists(running.directory(BillingApi), month, area)]
    click.echo(
        "以上按月度价格、现货价格、节假日和气温的更正逐项列出，同一账单可在几项中出现，差额不可相加。合同条款、示数和单位价区的更正不在此列："
        f"按现在所知重算某户，用 denghuo replay {month} --account 户号。\n"
        "These lists are of corrected prices of the month, spot prices, holidays and temperatures, each apart: a bill may stand in"
        " several, so their differences do not add up. Corrected terms, readings and price areas of units are not among them:"
        f" denghuo replay {month} --account NUMBER computes an account's month by all that is known now."
    )
    return 1 if any(changed) else 0


def _lists(
    billing: BillingApi, month: str, area: str
) -> Iterator[tuple[tuple[str, str], Callable[[Page], CorrectedBills]]]:
    """What may have been corrected, and how to ask for a page of the bills by it."""

    def ask(operation: Callable[[Call, Any], CorrectedBills], message: type[Page], **given: str) -> Any:
        return lambda page: operation(operator(), message.model_validate({**given, **page.model_dump()}))

    of_month = {"area": area, "month": month}
    yield ("月度价格", "prices of the month"), ask(billing.corrected_bills, FindCorrectedBills, **of_month)
    yield ("现货价格", "spot prices"), ask(billing.bills_by_spot_prices, FindBillsBySpotPrices, **of_month)
    holidays = {"kind": "holidays", "area": NATION, "period": month[:4]}
    yield ("节假日", "holidays"), ask(billing.bills_by_days, FindBillsByDays, **holidays)
    heat = {"kind": "temperatures", "area": area, "period": month}
    yield ("气温", "temperatures"), ask(billing.bills_by_days, FindBillsByDays, **heat)


def _told(title: tuple[str, str], ask: Callable[[Page], CorrectedBills]) -> int:
    """Prints one list with its sum; how many bills come to another amount."""
    after, changed, difference = None, 0, Money(0)
    while True:
        try:
            page = ask(Page(limit=AT_ONCE, after=after))
        except (NoSuchPriceTable, NoSuchSpotTable, NoSuchDayTable):
            click.echo(f"{title[0]}：没有发布。 {title[1]}: none were published.")
            return 0
        for row in page.rows:
            click.echo(
                f"{row.bill_no}  {row.state}  {row.amount} -> {row.corrected or '-'}  {row.said.zh} {row.said.en}"
            )
            changed += row.difference not in (None, Money(0))
            difference += row.difference or Money(0)
        after = page.next
        if after is None:
            break
    click.echo(
        f"{title[0]}：按被更正的计费，已发行 {page.issued:,} 张 {page.issued_amount} 元，未发行 {page.not_issued:,} 张；"
        f"金额有变 {changed:,} 张，差额 {difference} 元。"
        f" {title[1]}: {page.issued:,} bills of {page.issued_amount} yuan issued, {page.not_issued:,} not issued by what was"
        f" corrected; {changed:,} change, by {difference} yuan."
    )
    return changed


def show_known(running: Platform, month: MonthText, account_no: str, kind: BillKind, known_on: date | None) -> int:
    """Prints an account's month as it was known by the end of a day; the exit code: 1 where a bill that stood then differs."""
    asked = AsKnown(account_no=account_no, month=month, kind=kind, known_on=known_on)
    found = running.directory(BillingApi).as_known(operator(), asked)
    click.echo(f"{found.said.zh}\n{found.said.en}")
    for line in found.lines:
        click.echo(f"  {line.name.zh}  {line.arithmetic}")
    if found.amount is not None:
        click.echo(f"  {found.energy} kWh  {found.amount} 元 yuan")
    for difference in found.differences:
        click.echo(f"  {difference.where}: {difference.kept} -> {difference.computed}", err=True)
    return 1 if found.differences else 0

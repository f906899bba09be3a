"""Why a bill changed, on the bill's page and on the phone: two months that were billed, and the weather of both by published
temperatures."""

import re
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from playwright.sync_api import Locator, expect
from tests.browser.companies import PHONE_USERS
from tests.browser.conftest import Enter, Look
from tests.browser.product import Product
from tests.browser.test_phone import signed_in

from denghuo.kernel.period import Month

ACCOUNT = PHONE_USERS[1]
WAS, NOW = "2026-04", "2026-05"
MILD, STEP_WH = 11_500, 500
HEAT = (0, 2, 5, 8, 9, 4, 0, 0, 0, 0, 0, 1, 0, 4)
"""Degrees above 26 of every day of a month, from April 2025 to May 2026. Up to March the household used 11.5 kWh a day and 0.5 for
each of them."""


@pytest.fixture(scope="module")
def changed(months: Product) -> tuple[dict[str, Any], dict[str, Any]]:
    """A household's bills of April and May; its year before is taken over, the temperatures of 14 months are published."""
    used, month = [], Month.of("2025-04")
    with months.session("tariff") as drafting, months.session("approver") as publishing:
        for above in HEAT:
            if str(month) < WAS:
                kwh = month.day_count * (MILD + STEP_WH * above) / 1000
                used.append({"account_no": ACCOUNT, "org": "1405810.02", "month": str(month), "energy": f"{kwh:.3f}"})
            table = {"kind": "temperatures", "area": "310000", "period": str(month)}
            rows = [f"{month.first_day + timedelta(days=at)},{26 + above}" for at in range(month.day_count)]
            lines = "\n".join(["day,maximum", *rows])
            months.ask(drafting, "tariff.draft_days", **table, document_no="测试气温表", text=lines)
            months.ask(publishing, "tariff.publish_days", **table)
            month = month.next
    months.operate("billing.take_over_use", months=used)
    for billed in (WAS, NOW):
        months.bill_month(billed)
    with months.session("billing") as client:
        was, now = (months.ask(client, "billing.bill", bill_no=number(month)) for month in (WAS, NOW))
        return was, now


def number(month: str) -> str:
    return f"{month.replace('-', '')}{ACCOUNT}101"


@pytest.mark.scope("X-02")
def test_the_bill_says_why_it_changed(
    enter_months: Enter, changed: tuple[dict[str, Any], dict[str, Any]], at_both_widths: Look
) -> None:
    was, now = changed
    page = enter_months("billing", path=f"/w/billing/bill?bill_no={was['bill_no']}")
    page.get_by_role("button", name="为什么变化").click()
    page.wait_for_url("**/w/billing/change?bill_no=*")
    expect(page.get_by_text("这是该户的第一张账单").first).to_be_visible()
    page.goto(f"/w/billing/bill?bill_no={now['bill_no']}")
    page.get_by_role("button", name="为什么变化").click()
    page.wait_for_url("**/w/billing/change?bill_no=*")
    difference = Decimal(now["amount"]) - Decimal(was["amount"])
    expect(page.locator(".stat", has_text="相差").locator(".stat__value")).to_have_text(f"{difference}")
    expect(page.locator("canvas").first).to_be_visible()
    # The page itself adds up to the difference, to the fen.
    grid = page.get_by_role("grid", name="逐项原因")
    parts = {row.locator("td").nth(0).inner_text(): row.locator("td").nth(1).inner_text() for row in _rows(grid)}
    assert {"计费天数", "天气（估算）", "用电多少", "阶梯位置", "电价"} == set(parts)
    assert sum(map(_yuan, parts.values())) == difference and _yuan(parts["天气（估算）"]) > 0
    weather = page.get_by_role("row").filter(has_text="制冷度日由 0 变为 124").last
    expect(weather).to_contain_text("测试气温表")
    at_both_widths(page)


@pytest.mark.scope("X-02")
def test_the_phone_says_why_it_changed(
    enter_months: Enter, months: Product, changed: tuple[dict[str, Any], dict[str, Any]]
) -> None:
    was, now = changed
    page = enter_months(path="/", width=390)
    page.goto("/phone")
    signed_in(page, ACCOUNT, months.password(ACCOUNT))
    page.locator(f"a[href*='/bill/{now['bill_no']}']").first.click()
    page.wait_for_url(re.compile(r"#/bill/\d{22}$"))
    page.get_by_role("link", name="为什么变化").click()
    expect(page.get_by_text(f"{was['amount']} → {now['amount']} 元")).to_be_visible()
    causes = page.locator(".cause")
    expect(causes.filter(has_text="天气（估算）")).to_contain_text("制冷度日由 0 变为 124")
    shown = [re.search(r"[+−]?\d+\.\d\d", text) for text in causes.all_inner_texts()]
    assert sum(_yuan(one.group()) for one in shown if one) == Decimal(now["amount"]) - Decimal(was["amount"])
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def _rows(grid: Locator) -> list[Locator]:
    return grid.locator("tbody tr").filter(has_text="。").all()


def _yuan(text: str) -> Decimal:
    return Decimal(text.replace(",", "").replace("−", "-"))

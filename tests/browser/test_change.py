"""Why a bill changed, on the bill's page and on the phone. The demo has one month, so the two bills are given here."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect
from tests.browser.conftest import Enter
from tests.browser.product import MONTH, Product

CHANGE: dict[str, Any] = {
    "name": "罗**",
    "kind": "supply",
    "before_month": "2026-03",
    "after_month": MONTH,
    "before_amount": "191.27",
    "after_amount": "246.80",
    "before_energy": "310",
    "after_energy": "400",
    "difference": "55.53",
    "parts": [
        {
            "code": "days",
            "amount": "-6.17",
            "sentence": {"zh": "计费天数由 31 天变为 30 天。", "en": "31 days became 30."},
        },
        {
            "code": "weather",
            "amount": "12.34",
            "sentence": {
                "zh": "按日最高气温，制冷度日由 0 变为 40（估算）。",
                "en": "Cooling degree days (an estimate).",
            },
        },
        {
            "code": "energy",
            "amount": "49.36",
            "sentence": {"zh": "日均用电由 10 千瓦时变为 13.33 千瓦时。", "en": "10 kWh a day became 13.33."},
        },
    ],
    "steps": [
        {"name": {"zh": "2026-03 电费", "en": "Bill 2026-03"}, "amount": "191.27", "whole": True},
        {"name": {"zh": "计费天数", "en": "Days"}, "amount": "-6.17", "whole": False},
        {"name": {"zh": "天气（估算）", "en": "Weather"}, "amount": "12.34", "whole": False},
        {"name": {"zh": "用电多少", "en": "Energy"}, "amount": "49.36", "whole": False},
        {"name": {"zh": "2026-04 电费", "en": "Bill 2026-04"}, "amount": "246.80", "whole": True},
    ],
    "as_of": "2026-05-01T01:00:00Z",
}


def answered(page: Page, operation: str, bill_no: str) -> None:
    """Lets the page be told of two bills."""
    before = f"202603{bill_no[6:]}"
    reply = CHANGE | {"account_no": bill_no[6:19], "before_bill_no": before, "after_bill_no": bill_no}

    def answer(route: Route) -> None:
        route.fulfill(content_type="application/json", body=json.dumps(reply))

    page.route(f"**/api/billing/{operation}", answer)


@pytest.mark.scope("X-02")
def test_the_bill_says_why_it_changed(enter: Enter, billed: Product, accessible: Callable[[Page], None]) -> None:
    with billed.session("billing") as client:
        number = billed.ask(client, "billing.bills", month=MONTH, state="issued", kind="supply", limit=1)["rows"][0][
            "bill_no"
        ]
    page = enter("billing", path=f"/w/billing/bill?bill_no={number}")
    page.get_by_role("button", name="为什么变化").click()
    page.wait_for_url("**/w/billing/change?bill_no=*")
    expect(page.get_by_text("这是该户的第一张账单").first).to_be_visible()
    answered(page, "compare_bills", number)
    page.reload()
    expect(page.locator(".stat", has_text="相差").locator(".stat__value")).to_have_text("55.53")
    expect(page.locator("canvas").first).to_be_visible()
    row = page.get_by_role("row").filter(has_text="日均用电由 10 千瓦时变为 13.33 千瓦时").last
    expect(row).to_contain_text("49.36")
    weather = page.get_by_role("row").filter(has_text="制冷度日由 0 变为 40").last
    expect(weather).to_contain_text("天气（估算）")
    accessible(page)


@pytest.mark.scope("X-02")
def test_the_phone_says_why_it_changed(enter: Enter, billed: Product) -> None:
    user = next(name for name, entry in billed.users.items() if entry["role"] == "customer")
    page = enter(path="/", width=390)
    page.goto("/phone")
    page.fill("input[name=username]", user)
    page.fill("input[name=password]", billed.password(user))
    page.press("input[name=password]", "Enter")
    page.locator("a[href*='/bill/']").first.click()
    page.wait_for_url(re.compile(r"#/bill/\d{22}$"))
    answered(page, "compare_my_bills", page.url[-22:])
    page.get_by_role("link", name="为什么变化").click()
    expect(page.get_by_text("+55.53").first).to_be_visible()
    expect(page.locator(".cause").filter(has_text="用电多少")).to_contain_text("+49.36")
    expect(page.locator(".cause").filter(has_text="天气（估算）")).to_contain_text("+12.34")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")

"""Whether another tariff would save, from the bill's page and on the phone."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from tests.browser.conftest import Enter
from tests.browser.product import MONTH, Product


@pytest.mark.scope("X-07")
def test_the_tariffs_of_an_account_stand_beside_each_other(
    enter: Enter, billed: Product, accessible: Callable[[Page], None]
) -> None:
    with billed.session("billing") as client:
        asked = {"month": MONTH, "state": "issued", "kind": "supply", "tariff_class": "resident", "limit": 1}
        bill = billed.ask(client, "billing.bills", **asked)["rows"][0]
        plans = billed.ask(client, "billing.what_if", account_no=bill["account_no"])
    page = enter("billing", path=f"/w/billing/bill?bill_no={bill['bill_no']}")
    page.get_by_role("button", name="换电价省不省").click()
    page.wait_for_url("**/w/billing/plans?*")
    expect(page.get_by_text(plans["said"]["zh"])).to_be_visible()
    if plans["confidence_said"]:
        expect(page.get_by_text(plans["confidence_said"]["zh"])).to_be_visible()
    rows = page.get_by_role("grid", name="可选电价").locator("tbody tr")
    expect(rows).to_have_count(len(plans["plans"]))
    expect(rows.filter(has_text="电表没有分时示数").first).to_be_visible()
    expect(page.locator("canvas").first).to_be_visible()
    accessible(page)


@pytest.mark.scope("X-07")
def test_the_phone_tells_the_holder(enter: Enter, billed: Product, accessible: Callable[[Page], None]) -> None:
    user = next(name for name, entry in billed.users.items() if entry["role"] == "customer")
    page = enter(path="/", width=390)
    page.goto("/phone")
    page.fill("input[name=username]", user)
    page.fill("input[name=password]", billed.password(user))
    page.press("input[name=password]", "Enter")
    page.locator("a[href='#/me']").click()
    page.get_by_role("link", name="换电价省不省").click()
    expect(page.get_by_text(re.compile("按 2026-04 ~ 2026-04 的 1 个月用电"))).to_be_visible()
    expect(page.locator(".cause").first).to_contain_text("现行")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    accessible(page)

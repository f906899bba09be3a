"""A month as it was known on a day, from the bill's page: before the company's data came in there was nothing to bill."""

from datetime import date, timedelta

from playwright.sync_api import Route, expect
from tests.browser.conftest import Enter, Look
from tests.browser.product import MONTH, Product


def test_a_clerk_reads_what_was_known_on_a_day(enter: Enter, billed: Product, at_both_widths: Look) -> None:
    with billed.session("billing") as client:
        asked = {"month": MONTH, "state": "issued", "kind": "supply", "tariff_class": "resident", "limit": 1}
        bill = billed.ask(client, "billing.bills", **asked)["rows"][0]
    page = enter("billing", path="/w/billing/bills")
    kept_back = list[Route]()
    page.route("**/api/billing/bill", lambda route: kept_back.append(route))
    page.goto(f"/w/billing/bill?bill_no={bill['bill_no']}")
    button = page.get_by_role("button", name="截至某日重算")
    # Before the bill is there, nobody knows of which account and month.
    expect(button).to_be_disabled()
    for route in kept_back:
        route.continue_()
    page.unroute("**/api/billing/bill")
    button.click()
    page.get_by_role("button", name="计算", exact=True).click()
    expect(page.get_by_text(f"与当日有效账单 {bill['bill_no']} 逐字一致")).to_be_visible()
    expect(page.locator(".stat", has_text="金额").first.locator(".stat__value")).to_have_text(bill["amount"])
    page.get_by_role("button", name="全部展开").click()
    expect(page.locator(".explain__how").first).to_be_visible()
    at_both_widths(page)
    page.get_by_label("截至日期").fill((date.fromisoformat(bill["issued_on"] or "") - timedelta(days=400)).isoformat())
    page.get_by_role("button", name="计算", exact=True).click()
    expect(page.get_by_text("没有可核算的合同").first).to_be_visible()

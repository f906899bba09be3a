"""The running month of an account: on its page and on a page of its own."""

from collections.abc import Callable

from playwright.sync_api import Page, expect
from tests.browser.conftest import Enter
from tests.browser.product import MONTH, Product


def test_the_running_month_stands_on_the_accounts_page_and_is_told_in_full(
    enter: Enter, billed: Product, accessible: Callable[[Page], None]
) -> None:
    with billed.session("billing") as client:
        asked = {"month": MONTH, "state": "issued", "kind": "supply", "tariff_class": "resident", "limit": 1}
        bill = billed.ask(client, "billing.bills", **asked)["rows"][0]
        told = billed.ask(client, "billing.bill_so_far", account_no=bill["account_no"])
    # The demo's newest month is read to its end: so far is the bill.
    assert (told["amount"], told["days_left"], told["month"]) == (bill["amount"], 0, MONTH)
    page = enter("billing", path=f"/w/customer/account?account_no={bill['account_no']}")
    page.get_by_role("tab", name="本月至今").click()
    panel = page.get_by_role("tabpanel", name="本月至今")
    expect(panel.get_by_text("本月至今电费（估）")).to_be_visible()
    expect(panel.get_by_text(f"{float(told['amount']):,.2f}").first).to_be_visible()
    expect(panel.get_by_text("预估余额（元）")).to_be_visible()
    accessible(page)
    page.goto(f"/w/billing/so_far?account_no={bill['account_no']}")
    expect(page.get_by_text(told["said"]["zh"])).to_be_visible()
    expect(page.get_by_role("grid", name="本月至今明细（估算）").locator("tbody tr")).to_have_count(len(told["lines"]))
    accessible(page)


def test_the_phone_shows_the_published_errors_of_forecasts(
    enter: Enter, billed: Product, accessible: Callable[[Page], None]
) -> None:
    user = next(name for name, entry in billed.users.items() if entry["role"] == "customer")
    page = enter(path="/", width=390)
    page.goto("/phone")
    page.fill("input[name=username]", user)
    page.fill("input[name=password]", billed.password(user))
    page.press("input[name=password]", "Enter")
    page.locator("a[href='#/me']").wait_for()
    with page.expect_response("**/api/billing/published_errors") as asked:
        page.goto("/phone#/errors")
    rows = asked.value.json()["rows"]
    expect(page.get_by_role("heading", name="历月预测误差")).to_be_visible()
    if rows:
        expect(page.locator(".register")).to_have_count(len(rows))
    else:
        expect(page.get_by_text("还没有公布的月份")).to_be_visible()
    accessible(page)

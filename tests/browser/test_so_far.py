"""The running month of an account: on its page and on a page of its own."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from tests.browser.conftest import Enter
from tests.browser.product import MONTH, Product
from tests.browser.test_phone import signed_in


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


@pytest.mark.scope("X-09")
def test_published_errors_stand_on_the_phone_and_on_the_clerks_page_once_the_month_is_billed(
    enter: Enter, billed: Product, accessible: Callable[[Page], None]
) -> None:
    user = next(name for name, entry in billed.users.items() if entry["role"] == "customer")
    with billed.session("billing") as client:
        account = billed.ask(client, "billing.bills", month=MONTH, state="issued", kind="supply", limit=1)["rows"][0]
    with billed.session(user) as client:
        # The month's end orders the measurement; a sample of some hundred accounts takes a while.
        rows = billed.until(lambda: billed.ask(client, "billing.published_errors")["rows"], bool)
    assert {row["days_known"] for row in rows} == {10, 20} and all(row["accounts"] > 0 for row in rows)
    page = enter(path="/", width=390)
    page.goto("/phone")
    signed_in(page, user, billed.password(user))
    page.locator("a[href='#/me']").wait_for()
    page.goto("/phone#/errors")
    shown = page.locator(".register")
    expect(shown).to_have_count(len(rows))
    for place, row in enumerate(rows[:2]):
        for told in (f"{row['median_error']}%", f"{row['ninth_error']}%", f"{row['within']}%"):
            expect(shown.nth(place)).to_contain_text(told)
    accessible(page)
    for width in (1440, 390):
        page = enter("billing", path=f"/w/billing/so_far?account_no={account['account_no']}", width=width)
        grid = page.get_by_role("grid", name="往月预测与账单之差")
        expect(grid.locator("tbody tr")).to_have_count(len(rows))
        expect(grid).to_contain_text(rows[0]["median_error"])
        accessible(page)
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")

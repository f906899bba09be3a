"""The list of bills that rest on estimates: found in the menu, empty and filled, and calculated again together by a click; a bill
says on its page, its paper and in its readings file how much of it is estimated."""

import json

from playwright.sync_api import expect
from tests.browser.companies import HOUSEHOLD, SHOP
from tests.browser.conftest import Enter, Look
from tests.browser.product import MONTH, Product


def test_the_list_of_estimated_bills_is_in_the_menu_and_orders_a_calculation(
    enter: Enter, billed: Product, at_both_widths: Look
) -> None:
    page = enter("billing", path=f"/w/billing/bills?month={MONTH}")
    page.get_by_role("navigation", name="菜单").get_by_role("link", name="估计电费清单").click()
    page.wait_for_url("**/w/billing/estimated_bills*")
    page.goto(f"/w/billing/estimated_bills?month={MONTH}")
    # Every register of the demo's month was read at its end.
    expect(page.locator(".bench")).to_contain_text("本月没有含估计电量的账单")
    at_both_widths(page)
    page.get_by_role("button", name="全部重算").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("已发行账单不变")
    dialog.get_by_role("button", name="全部重算").click()
    expect(page.locator("body")).to_contain_text("应重算户数")


def test_a_bill_says_how_much_of_it_rests_on_estimates(
    enter_months: Enter, months: Product, at_both_widths: Look
) -> None:
    """A shop whose curve lacks two days, and a household whose first register was estimated."""
    months.bill_month(MONTH)
    page = enter_months("billing", path=f"/w/billing/estimated_bills?month={MONTH}")
    rows = page.get_by_role("grid", name="估计电费清单").locator("tbody tr")
    expect(rows).to_have_count(2)
    expect(rows.filter(has_text=SHOP)).to_contain_text("示数差按相似日分摊")
    expect(rows.filter(has_text=HOUSEHOLD)).to_contain_text("日均外推")
    at_both_widths(page)
    page.goto(f"/w/billing/bill?bill_no={MONTH.replace('-', '')}{SHOP}101")
    parts = page.locator(".block", has_text="归入哪个时段").last
    expect(parts).to_contain_text("192")
    expect(page.locator(".detail__pair", has_text="估计说明")).to_contain_text("千瓦时依据估计值")
    at_both_widths(page)
    with page.expect_download() as kept:
        page.get_by_role("button", name="下载 PDF").click()
    assert kept.value.path().read_bytes().startswith(b"%PDF-")
    with page.expect_download() as kept:
        page.get_by_role("button", name="下载示数文件").click()
    told = json.loads(kept.value.path().read_text("utf-8"))["estimates"]
    assert [(part["method"], part["slots"], part["energy"]) for part in told["parts"]] == [
        ("register_like_day", 192, told["energy"])
    ]

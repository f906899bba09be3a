"""The list of bills that rest on estimates: found in the menu, filtered, and calculated again together by a click."""

from playwright.sync_api import expect
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

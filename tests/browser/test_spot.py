"""Spot prices on their pages: a file with a fault is refused with its line, a clean one drafted, another person publishes it."""

from playwright.sync_api import expect
from tests.browser.conftest import PHONE, Enter, Look
from tests.browser.test_forms import choose

MONTH = "2026-03"


def prices(node: str) -> str:
    rows = [f"{node},real_time,{MONTH}-01,{hour:02d}:00,{hour / 100 + 0.2:.4f}" for hour in range(24)]
    return "\n".join(["node,series,day,time,price", *rows])


def test_spot_prices_are_taken_in_by_one_person_and_published_by_another(enter: Enter, at_both_widths: Look) -> None:
    node = "N1"
    page = enter("tariff", path="/w/tariff/spot_table_draft")
    page.get_by_role("combobox", name="区域").click()
    page.get_by_role("option", name="湖北 420000").click()
    page.get_by_label("电费年月").fill(MONTH)
    page.get_by_label("文号").fill("测试现货价格")
    page.get_by_label("价格上限").fill("1.5")
    choose(page, "broken.csv", prices(node).replace("03:00,0.2300", "03:00,2.3000"))
    page.get_by_role("button", name="检查并起草").click()
    expect(page.locator(".state--problem")).to_contain_text("第 5 行 price：超出价格限值")
    at_both_widths(page)
    choose(page, "prices.csv", prices(node))
    page.get_by_role("button", name="检查并起草").click()
    page.wait_for_url("**/w/tariff/spot_table?**")
    expect(page.get_by_text("0.315").first).to_be_visible()
    expect(page.get_by_role("button", name="发布", exact=True)).to_have_count(0)
    address = page.url
    page = enter("approver", path=address, width=PHONE)
    page.get_by_role("button", name="发布", exact=True).click()
    dialog = page.get_by_role("dialog", name="发布")
    dialog.get_by_role("button", name="发布", exact=True).click()
    expect(dialog).to_be_hidden()
    expect(page.locator(".detail__pair", has_text="状态")).to_contain_text("已发布")
    page.get_by_role("tab", name="受影响的账单").click()
    expect(page.get_by_text("没有在此之前按这些节点的现货价格计费的账单")).to_be_visible()
    at_both_widths(page)

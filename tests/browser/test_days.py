"""Holidays on their pages: a file with a fault is refused with its line, what ships is drafted, another person publishes it."""

from collections.abc import Callable

from playwright.sync_api import Page, expect
from tests.browser.conftest import Enter
from tests.browser.product import Product
from tests.browser.test_forms import choose


def test_holidays_are_taken_in_by_one_person_and_published_by_another(
    enter: Enter, billed: Product, accessible: Callable[[Page], None]
) -> None:
    page = enter("tariff", path="/w/tariff/day_table_draft", width=390)
    page.get_by_label("年或年月").fill("2026")
    page.get_by_label("文号").fill("国办发明电〔2025〕7号")
    choose(page, "broken.csv", "日期,日类型,节假日\n2026-05-01,节庆,劳动节\n")
    page.get_by_role("button", name="检查并起草").click()
    expect(page.locator(".state--problem")).to_contain_text("第 2 行 kind：未知的日类型")
    accessible(page)
    choose(page, "holidays.csv", "日期,日类型,节假日\n2026-05-01,节假日,劳动节\n2026-05-09,调休上班,劳动节\n")
    page.get_by_role("button", name="检查并起草").click()
    page.wait_for_url("**/w/tariff/day_table?**")
    expect(page.get_by_text("2026-05-09").first).to_be_visible()
    page = enter("approver", path=page.url, width=1440)
    page.get_by_role("button", name="发布", exact=True).click()
    dialog = page.get_by_role("dialog", name="发布")
    dialog.get_by_role("button", name="发布", exact=True).click()
    expect(dialog).to_be_hidden()
    expect(page.locator(".detail__pair", has_text="状态")).to_contain_text("已发布")
    page.get_by_role("tab", name="受影响的账单").click()
    expect(page.get_by_text("按现有日历、示数、合同和电价重算金额不变。").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    accessible(page)

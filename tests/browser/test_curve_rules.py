"""Rules of curves on their pages: a reader drafts a version, the manager publishes it, and the list says who did what."""

from collections.abc import Callable

from playwright.sync_api import Page, expect
from tests.browser.conftest import Enter


def test_a_rule_is_drafted_by_one_person_and_published_by_another(
    enter: Enter, accessible: Callable[[Page], None]
) -> None:
    page = enter("reader", path="/w/reading/curve_rules", width=1440)
    row = page.get_by_role("row").filter(has_text="曲线突变")
    expect(row).to_contain_text("倍数 10；电量下限（Wh） 1000")
    accessible(page)
    row.click()
    page.get_by_role("button", name="起草修改").click()
    page.wait_for_url("**/w/reading/curve_rule_draft?**")
    expect(page.get_by_label("取值 1")).to_have_value("10")
    page.get_by_label("取值 1").fill("0")
    page.get_by_label("生效日期").fill("2026-03-01")
    page.get_by_label("生效日期").press("Tab")
    page.get_by_label("事由").fill("三月起按十二倍判定")
    page.get_by_role("button", name="检查并起草").click()
    expect(page.locator(".state--problem")).to_contain_text("参数“倍数”：0 超出范围")
    page.get_by_label("取值 1").fill("12")
    accessible(page)
    page.get_by_role("button", name="检查并起草").click()
    page.wait_for_url("**/w/reading/curve_rule?**")
    expect(page.locator(".detail__pair", has_text="状态")).to_contain_text("草稿")
    page = enter("manager", path=page.url, width=390)
    expect(page.get_by_text("倍数", exact=True)).to_be_visible()
    page.get_by_role("button", name="发布", exact=True).click()
    dialog = page.get_by_role("dialog", name="发布")
    dialog.get_by_role("button", name="发布", exact=True).click()
    expect(dialog).to_be_hidden()
    expect(page.locator(".detail__pair", has_text="状态")).to_contain_text("已发布")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    accessible(page)

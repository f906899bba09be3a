"""The trial bill at the counter: typed registers, the bill beside its explanation, faults beside the field."""

from playwright.sync_api import expect
from tests.browser.conftest import Enter, Look


def test_a_clerk_tries_a_bill_and_reads_how_it_came_about(enter: Enter, at_both_widths: Look) -> None:
    page = enter("cashier", path="/w/billing/trial")
    page.get_by_role("combobox", name="电价代码").click()
    page.get_by_role("option", name="上海居民阶梯电价").click()
    page.get_by_label("起示数 1").fill("1240.6")
    page.get_by_label("止示数 1").fill("1000")
    page.get_by_label("本年前期电量").fill("3000")
    page.get_by_role("button", name="试算", exact=True).click()
    expect(page.locator(".field--wrong .field__say")).to_contain_text("第 1 行：止示数小于起示数 1240.60")
    page.get_by_label("起示数 1").fill("1000")
    page.get_by_label("止示数 1").fill("1240.6")
    page.get_by_role("button", name="试算", exact=True).click()
    expect(page.locator(".stat", has_text="合计金额").locator(".stat__value")).to_have_text("154.75")
    page.get_by_role("button", name="全部展开").click()
    expect(page.locator(".explain__how").first).to_contain_text("1240.60 - 1000.00 = 240.6 千瓦时，计费取整 241 千瓦时")
    at_both_widths(page)
    page.get_by_role("button", name="增加一行").click()
    page.get_by_label("或直接填计量值 2").fill("100")
    page.get_by_role("button", name="试算", exact=True).click()
    expect(
        page.locator(".state--problem, .field__say, .fields__elsewhere").filter(has_text="同一示数出现两次")
    ).to_be_visible()
    page.get_by_role("button", name="删除第 2 行").click()
    page.get_by_role("button", name="试算", exact=True).click()
    expect(page.locator(".stat", has_text="合计金额").locator(".stat__value")).to_have_text("154.75")

"""Late fees, penalties and corrections worked out on their page."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from tests.browser.conftest import Enter


@pytest.mark.parametrize("width", [1440, 390])
def test_a_clerk_works_out_a_late_fee_and_a_wrong_ratio(
    enter: Enter, accessible: Callable[[Page], None], width: int
) -> None:
    page = enter("billing", path="/w/billing/claims", width=width)
    page.get_by_role("button", name="计算", exact=True).click()
    expect(page.get_by_text("电费违约金须填写“缴清日期”。")).to_be_visible()
    page.get_by_label("欠费本金").fill("1000")
    for label, day in (("缴费期限", "2025-12-20"), ("缴清日期", "2026-01-10")):
        page.get_by_label(label).fill(day)
        page.keyboard.press("Enter")
    page.get_by_role("button", name="计算", exact=True).click()
    expect(page.locator(".stat", has_text="合计").locator(".stat__value").first).to_have_text("52.00")
    page.get_by_role("button", name="全部展开").click()
    expect(page.locator(".explain__how").first).to_contain_text("1000.00 × 2‰ × 11 = 22.00")
    page.get_by_role("combobox", name="业务").click()
    page.get_by_role("option", name="倍率差错退补").click()
    page.get_by_label("实际倍率").fill("120")
    page.get_by_label("计费倍率").fill("60")
    page.get_by_label("电量 1").fill("100")
    page.get_by_label("单价 1").fill("0.5")
    page.get_by_role("button", name="计算", exact=True).click()
    expect(page.locator(".stat", has_text="合计").locator(".stat__value").first).to_have_text("50.00")
    page.mouse.move(0, 0)
    accessible(page)

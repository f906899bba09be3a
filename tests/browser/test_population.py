"""A tariff tried on everybody, from the list of runs to the winners and losers by segment."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from tests.browser.conftest import Enter
from tests.browser.product import MONTH, Product


@pytest.mark.parametrize("width", [1440, 390])
def test_a_tariff_is_tried_on_everybody_and_the_losers_are_listed(
    enter: Enter, billed: Product, accessible: Callable[[Page], None], width: int
) -> None:
    page = enter("tariff", path="/w/tariff/population_runs?code=sh.resident.untiered", width=width)
    page.get_by_role("button", name="发起测算").click()
    page.get_by_label("起始月").fill(MONTH)
    page.get_by_label("截止月").fill(MONTH)
    page.get_by_role("dialog").get_by_role("button", name="发起测算").click()
    row = page.locator("tbody tr, .card").filter(has_text="sh.resident.untiered").first
    expect(row).to_be_visible()
    row.click()
    page.wait_for_url("**/w/tariff/population_run?*")
    expect(page.locator(".stat", has_text="状态").locator(".stat__value")).to_have_text("完成")
    segments = page.get_by_role("grid").first
    expect(segments).to_contain_text("居民生活")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    accessible(page)

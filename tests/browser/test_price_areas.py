"""Price areas of units on their page: one that does not exist is refused in words, another is proposed and withdrawn, or published
by another person."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from tests.browser.conftest import Enter, choose
from tests.browser.product import Product


@pytest.mark.parametrize(("width", "since"), [(1440, "2040-01-01"), (390, "2041-01-01")])
def test_a_unit_is_given_its_price_area_by_two_persons(
    enter: Enter, billed: Product, accessible: Callable[[Page], None], width: int, since: str
) -> None:
    page = enter("tariff", path="/w/tariff/unit_areas", width=width)
    expect(page.get_by_text("各单位今日价区")).to_be_visible()
    accessible(page)
    page.get_by_role("button", name="登记价区").click()
    dialog = page.get_by_role("dialog", name="登记价区")
    choose(dialog, "供电单位", "米山供电所")
    dialog.get_by_label("价区").fill("990000")
    # A day to come, so that no bill of another test is by it.
    dialog.get_by_label("起始日期").fill(since)
    dialog.get_by_role("button", name="登记价区").click()
    expect(dialog).to_contain_text("没有任何电价")
    dialog.get_by_label("价区").fill("310000")
    dialog.get_by_role("button", name="登记价区").click()
    expect(dialog).to_be_hidden()
    waiting = page.locator("tr, .card", has_text=since)
    expect(waiting.first).to_contain_text("待复核")
    accessible(page)
    # A slip is withdrawn before anybody publishes it, and entered anew.
    waiting.first.get_by_role("button", name="撤回").click()
    dialog = page.get_by_role("dialog", name="撤回")
    dialog.get_by_role("button", name="撤回", exact=True).click()
    expect(dialog).to_be_hidden()
    expect(page.get_by_text("没有待复核的登记")).to_be_visible()
    expect(waiting).to_have_count(0)
    with billed.session("tariff") as client:
        billed.ask(client, "tariff.propose_area", org="1405810.01", area="310000", from_day=since)
    page = enter("approver", path="/w/tariff/unit_areas", width=width)
    page.locator("tr, .card", has_text=since).first.get_by_role("button", name="发布").click()
    dialog = page.get_by_role("dialog", name="发布")
    dialog.get_by_role("button", name="发布", exact=True).click()
    expect(dialog).to_be_hidden()
    expect(page.get_by_text("没有待复核的登记")).to_be_visible()
    entered = page.locator("tr, .card", has_text=since)
    expect(entered.first).to_contain_text("310000")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")

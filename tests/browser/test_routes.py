"""Routes and their cycles on their pages: a month that was read is refused in words, a later one is taken and told."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from tests.browser.conftest import Enter, choose
from tests.browser.product import Product


@pytest.mark.parametrize(("width", "place", "since"), [(1440, 0, "2040-01-01"), (390, 1, "2041-03-01")])
def test_a_route_is_read_every_two_months_from_a_month_on(
    enter: Enter, billed: Product, accessible: Callable[[Page], None], width: int, place: int, since: str
) -> None:
    with billed.session("reader") as client:
        rows = billed.ask(client, "reading.routes")["rows"]
        area = [row for row in rows if row["account_count"]][place]
    page = enter("reader", path="/w/reading/routes", width=width)
    expect(page.get_by_text(area["name"]).first).to_be_visible()
    accessible(page)
    page.goto(f"/w/reading/route?route={area['route']}")
    expect(page.get_by_text("未登记周期，每月抄表")).to_be_visible()
    page.get_by_role("button", name="变更抄表周期").click()
    dialog = page.get_by_role("dialog", name="变更抄表周期")
    choose(dialog, "抄表周期", "双月抄表（双数月）")
    dialog.get_by_label("事由").fill("居民改双月抄表")
    dialog.get_by_label("生效日期").fill("2026-04-01")
    dialog.get_by_label("生效日期").press("Tab")
    dialog.get_by_role("button", name="变更抄表周期").click()
    expect(dialog).to_contain_text("2026-04 已抄表")
    dialog.get_by_label("生效日期").fill(since)
    dialog.get_by_label("生效日期").press("Tab")
    dialog.get_by_role("button", name="变更抄表周期").click()
    expect(dialog).to_be_hidden()
    stated = page.locator("tr, .card", has_text=since)
    expect(stated.first).to_contain_text("双月抄表（双数月）")
    accessible(page)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")

"""Reading books on their pages: a new one is made, its walk put in order by dragging, and both stand once another approves."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from tests.browser.conftest import Enter
from tests.browser.product import Product

UNIT, MONTH = "1405810.06", "2026-05"
BOOK = "SJ-07"


@pytest.fixture(scope="module")
def points(product: Product) -> list[str]:
    """The points of a book of a unit that no other test walks."""
    with product.session("reader") as client:
        product.ask(client, "reading.read_unit", month=MONTH, org=UNIT)
        books = product.ask(client, "reading.books", org=UNIT, limit=200)["rows"]
        book = min((row for row in books if row["point_count"] > 4), key=lambda row: row["point_count"])["book"]
        rows = product.ask(client, "reading.walk", book=book)["rows"]
    return [row["point_no"] for row in rows]


def walk(product: Product, **asked: Any) -> list[str]:
    with product.session("reader") as client:
        return [row["point_no"] for row in product.ask(client, "reading.walk", book=BOOK, **asked)["rows"]]


def approve(enter: Enter, url: str) -> Page:
    page = enter("manager", path=url)
    page.get_by_role("button", name="批准", exact=True).click()
    dialog = page.get_by_role("dialog", name="批准")
    dialog.get_by_label("事由").fill("现场核对属实")
    dialog.get_by_role("button", name="批准", exact=True).click()
    expect(page.locator(".detail__pair", has_text="状态")).to_contain_text("已批准")
    return page


@pytest.mark.scope("B04-01")
def test_a_book_is_made_put_in_order_by_dragging_and_approved_by_another_person(
    product: Product, points: list[str], enter: Enter, at_both_widths: Callable[[Page], None]
) -> None:
    one, two, three, four, *_ = points
    page = enter("reader", path="/w/reading/book_propose")
    today = page.evaluate("new Date().toLocaleDateString('sv')")
    page.get_by_label("抄表册").fill(BOOK)
    page.get_by_label("计量点（按行走顺序）").fill(" ".join([one, two, three, four]))
    page.get_by_label("抄表员").fill("reader")
    page.get_by_label("生效日期").fill(today)
    page.get_by_label("生效日期").press("Tab")
    page.get_by_label("事由").fill("新设抄表册")
    page.get_by_role("button", name="提交审批").click()
    page.wait_for_url("**/w/reading/book_change?**")
    # Who proposes does not decide.
    page.get_by_role("button", name="批准", exact=True).click()
    dialog = page.get_by_role("dialog", name="批准")
    dialog.get_by_label("事由").fill("本人申请")
    dialog.get_by_role("button", name="批准", exact=True).click()
    expect(dialog).to_contain_text("申请人以外的人审批")
    assert walk(product) == []
    approve(enter, page.url)
    assert walk(product) == [one, two, three, four]

    page = enter("reader", path=f"/w/reading/book?book={BOOK}")
    page.get_by_role("button", name="调整顺序").click()
    rows = page.locator(".walk-order__row")
    expect(rows).to_have_count(4)
    propose = page.get_by_role("button", name="提交审批")
    expect(propose).to_be_disabled()
    at_both_widths(page)
    page.set_viewport_size({"width": 1440, "height": 900})
    rows.nth(3).drag_to(rows.nth(0))
    expect(rows.nth(0)).to_contain_text(four)
    # As well without a pointer.
    page.get_by_role("button", name=f"{one} 下移").press("Enter")
    expect(page.get_by_text(f"{one} 移到第 3 位")).to_be_visible()
    expect(page.get_by_role("button", name=f"{one} 下移")).to_be_focused()
    propose.click()
    dialog = page.get_by_role("dialog", name="提交审批")
    dialog.get_by_label("生效日期").fill(today)
    dialog.get_by_label("生效日期").press("Tab")
    dialog.get_by_label("事由").fill("按现场行走顺序")
    dialog.get_by_role("button", name="提交审批").click()
    page.wait_for_url("**/w/reading/book_change?**")
    assert walk(product) == [one, two, three, four]
    approve(enter, page.url)
    assert walk(product) == [four, two, one, three]
    assert walk(product, on="2026-05-01") == []

    page = enter("manager", path=f"/w/reading/book?book={BOOK}")
    expect(page.get_by_role("row").filter(has_text="已批准")).to_have_count(2)
    at_both_widths(page)
    page = enter("manager", path=f"/w/reading/books?org={UNIT}")
    expect(page.get_by_role("row").filter(has_text=BOOK)).to_contain_text("reader")
    expect(page.get_by_role("heading", name="人员负荷")).to_be_visible()

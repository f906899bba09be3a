"""Reading books on their pages: a new one is made, its walk put in order by dragging, and both stand once another approves."""

import itertools
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
    expect(page.get_by_role("row").filter(has_text=BOOK)).to_contain_text("牛爱华")
    expect(page.get_by_role("heading", name="人员负荷")).to_be_visible()


def no_label_covers_another(page: Page) -> None:
    """Of names, numbers and the scale on the map."""
    boxes = page.locator(".walk-map text").evaluate_all(
        "all => all.map(one => one.getBBox()).map(box => [box.x, box.y + 2, box.x + box.width, box.y + box.height - 2])"
    )
    assert len(boxes) > 1
    for one, other in itertools.combinations(boxes, 2):
        apart = one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]
        assert apart, (one, other)


@pytest.mark.usefixtures("points")
@pytest.mark.scope("B04-02")
def test_new_accounts_are_taken_into_a_book_on_the_map_and_its_walk_is_dragged(
    product: Product, enter: Enter, at_both_widths: Callable[[Page], None], accessible: Callable[[Page], None]
) -> None:
    with product.session("reader") as client:
        books = product.ask(client, "reading.books", org=UNIT, limit=200)["rows"]
        # Of another book than the one whose points the test before moved.
        book = next(row["book"] for row in books if row["point_count"] == row["unplaced"] > 4)
        rows = product.ask(client, "reading.walk", book=book, limit=3)["rows"]
    one, two, three = (row["point_no"] for row in rows)
    page = enter("reader", path=f"/w/reading/book?book={book}")
    page.get_by_role("button", name="地图编排").click()
    drawn = page.locator(".walk-map__point")
    # Nobody put this book in order yet: all its points are new ones.
    expect(drawn.first).to_be_visible()
    assert page.locator(".walk-map__point.is-new").count() == drawn.count() > 3
    accessible(page)
    no_label_covers_another(page)

    def middle(point_no: str) -> tuple[float, float]:
        box = page.locator(f'[data-point="{point_no}"] circle').bounding_box()
        assert box is not None
        return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    def drag(begin: tuple[float, float], end: tuple[float, float]) -> None:
        page.mouse.move(*begin)
        page.mouse.down()
        page.mouse.move((begin[0] + end[0]) / 2, (begin[1] + end[1]) / 2)
        page.mouse.move(*end)
        page.mouse.up()

    said = page.get_by_role("status").first
    page.mouse.click(*middle(one))
    expect(said).to_contain_text(f"{one} 编入第 1 位")
    page.locator(f'[data-point="{two}"]').press("Enter")
    page.mouse.click(*middle(three))
    expect(page.locator(".walk-map__point:not(.is-new)")).to_have_count(3)
    order = page.locator(".walk-map__walk").get_attribute("points") or ""
    # The first lies between the others: dragged onto the second, it is walked after it, last of all.
    drag(middle(one), middle(two))
    expect(said).to_contain_text(f"{one} 移到第")
    assert page.locator(".walk-map__walk").get_attribute("points") != order
    map_ = page.locator(".walk-map").bounding_box()
    assert map_ is not None
    # The ground is dragged: the map moves, and nothing is taken in. Keys move it, come nearer and go back.
    corner, at = (map_["x"] + 3, map_["y"] + 3), middle(two)
    drag(corner, (corner[0] + 40, corner[1] + 25))
    assert middle(two) == pytest.approx((at[0] + 40, at[1] + 25), abs=1)
    page.get_by_role("group", name="抄表册地图").focus()
    page.keyboard.press("ArrowRight")
    assert middle(two) == pytest.approx((at[0] - 20, at[1] + 25), abs=1)
    bar = page.locator(".walk-map__scale text")
    scale = bar.text_content()
    page.keyboard.press("+")
    page.keyboard.press("+")
    assert bar.text_content() != scale
    page.keyboard.press("Home")
    assert middle(two) == pytest.approx(at, abs=1) and bar.text_content() == scale
    page.get_by_role("button", name="框选").click()
    drag((map_["x"] + 3, map_["y"] + 3), (map_["x"] + map_["width"] - 3, map_["y"] + map_["height"] - 3))
    expect(said).to_contain_text(f"编入 {drawn.count() - 3} 个")
    at_both_widths(page)
    no_label_covers_another(page)
    page.get_by_role("button", name="看周围").click()
    expect(page.locator(".walk-map__point.is-new").first).to_be_visible()
    page.get_by_role("button", name="只看本册").click()
    expect(page.locator(".walk-map__point.is-new")).to_have_count(0)
    # On a phone the whole book is within the map as well.
    page.wait_for_function(
        "[...document.querySelectorAll('.walk-map, .walk-map svg')].every((one) => one.clientWidth < 390)"
    )
    assert page.locator(".walk-map__point").count() >= len(order.split())
    page.set_viewport_size({"width": 1440, "height": 900})
    page.get_by_role("button", name="撤销").click()
    page.mouse.click(*middle(two))
    page.mouse.click(*middle(one))
    placed = [
        str(found)
        for found in page.locator(".walk-map__point:not(.is-new)").evaluate_all(
            "all => all.map((one) => [Number(one.textContent.match(/第 (\\d+) 位/)[1]), one.dataset.point])"
            ".sort((one, other) => one[0] - other[0]).map((one) => one[1])"
        )
    ]
    today = page.evaluate("new Date().toLocaleDateString('sv')")
    page.get_by_role("button", name="提交审批").click()
    dialog = page.get_by_role("dialog", name="提交审批")
    dialog.get_by_label("生效日期").fill(today)
    dialog.get_by_label("生效日期").press("Tab")
    dialog.get_by_label("事由").fill("新户编入抄表册")
    dialog.get_by_role("button", name="提交审批").click()
    page.wait_for_url("**/w/reading/book_change?**")
    approve(enter, page.url)
    with product.session("reader") as client:
        found = product.ask(client, "reading.walk", book=book, limit=2)["rows"]
    assert [(row["place"], row["point_no"]) for row in found] == [(1, placed[0]), (2, placed[1])]

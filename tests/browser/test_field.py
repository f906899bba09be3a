"""Field reading as people on the road use it: books given to a reader by two persons, orders on a phone without a network, what
became of each entry, and the office's word with the photo before its eyes."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, expect
from tests.browser.conftest import PHONE, WAIT_MS, Enter, Watch
from tests.browser.product import Product
from tests.browser.test_phone import small_targets

from denghuo.kernel.period import SHANGHAI

UNIT, NEXT_MONTH = "1405810.03", "2026-05"


@pytest.fixture(scope="module")
def book(product: Product) -> str:
    """The smallest book of a unit whose meters showed nothing at the end of May, so that their reads are held."""
    with product.session("reader") as client:
        product.ask(client, "reading.read_unit", month=NEXT_MONTH, org=UNIT)
        rows = product.ask(client, "reading.books", org=UNIT, limit=200)["rows"]
    return str(min((row for row in rows if row["point_count"] > 5), key=lambda row: row["point_count"])["book"])


@pytest.fixture
def road(product: Product, browser: Browser) -> Iterator[Page]:
    """A reader's phone on which nobody signed in yet; it knows where it is."""
    watch = Watch(product.url)
    context = browser.new_context(
        base_url=product.url,
        locale="zh-CN",
        viewport={"width": 390, "height": 844},
        device_scale_factor=2,
        is_mobile=True,
        has_touch=True,
        timezone_id="Asia/Shanghai",
        geolocation={"latitude": 35.798, "longitude": 112.923, "accuracy": 12},
        permissions=["geolocation"],
    )
    context.set_default_timeout(WAIT_MS)
    page = context.new_page()
    watch.over(page)
    yield page
    context.close()
    assert watch.faults == []


def orders_of(product: Product, book: str) -> list[dict[str, Any]]:
    with product.session("reader") as client:
        rows: list[dict[str, Any]] = product.ask(client, "reading.my_field_orders")["rows"]
    return [row for row in rows if row["book"] == book and row["state"] == "open"]


def above(order: dict[str, Any]) -> str:
    """A register a little above the last one."""
    whole, _, places = order["channels"][0]["last"].partition(".")
    return f"{int(whole) + 3}.{places}"


def assign(enter: Enter, book: str, at_both_widths: Callable[[Page], None]) -> None:
    """The reader asks for a book and the manager approves, each on their pages."""
    page = enter("reader", path=f"/w/reading/book_propose?book={book}")
    expect(page.get_by_label("抄表册")).to_have_value(book)
    page.get_by_label("抄表员").fill("reader")
    page.get_by_label("生效日期").fill(page.evaluate("new Date().toLocaleDateString('sv')"))
    page.get_by_label("生效日期").press("Tab")
    page.get_by_label("事由").fill("按片区派工")
    at_both_widths(page)
    page.get_by_role("button", name="提交审批").click()
    page.wait_for_url("**/w/reading/book_change?**")
    page = enter("manager", path=page.url)
    page.get_by_role("button", name="批准", exact=True).click()
    dialog = page.get_by_role("dialog", name="批准")
    dialog.get_by_label("事由").fill("同意派工")
    dialog.get_by_role("button", name="批准", exact=True).click()
    expect(page.locator(".detail__pair", has_text="状态")).to_contain_text("已批准")
    at_both_widths(page)


def test_a_reader_enters_without_a_network_and_the_office_decides(
    product: Product, book: str, road: Page, enter: Enter, at_both_widths: Callable[[Page], None], accessible: Any
) -> None:
    assign(enter, book, at_both_widths)
    page = enter("manager", path=f"/w/reading/books?org={UNIT}")
    expect(page.get_by_role("row").filter(has_text=book)).to_contain_text("牛爱华")
    # The load of staff: what has no reader yet is told beside the reader, whose share of the mean of one is the whole.
    expect(page.get_by_role("row").filter(has_text="100.00")).to_contain_text("牛爱华")
    at_both_widths(page)
    page = enter("manager", path=f"/w/reading/book?book={book}")
    expect(page.get_by_role("row").filter(has_text="已批准")).to_contain_text("秦望舒")
    with product.session("manager") as client:
        product.ask(client, "reading.make_field_orders", month=NEXT_MONTH, org=UNIT)
    first, second, third = orders_of(product, book)[:3]

    # At the office, with a network: sign in once.
    road.goto("/field")
    road.fill("input[name=username]", "reader")
    road.fill("input[name=password]", product.password("reader"))
    road.press("input[name=password]", "Enter")
    expect(road.locator(".field__order", has_text=first["meter_no"])).to_contain_text(first["address"])
    assert small_targets(road) == []
    accessible(road)
    road.evaluate("navigator.serviceWorker.ready")
    # The worker is there; what it keeps is there once it controls a page.
    road.reload()
    road.wait_for_function("navigator.serviceWorker.controller !== null")

    # In the stairwell.
    road.context.set_offline(True)
    road.reload()
    expect(road.locator(".offline")).to_contain_text("照常录入")
    road.get_by_text(first["meter_no"]).click()
    register = road.get_by_label("正向有功 总")
    register.fill("0.5")
    expect(road.get_by_text("小于上次示数")).to_be_visible()
    save = road.get_by_role("button", name="保存")
    expect(save).to_be_disabled()
    road.get_by_label("已现场核实，示数无误").check()
    expect(save).to_be_disabled()
    road.get_by_label("说明原因（必填）").fill("看错位")
    expect(save).to_be_enabled()
    register.fill("12345678")
    expect(road.get_by_text("表计显示不出这个数")).to_be_visible()
    register.fill(above(first))
    expect(road.get_by_text("小于上次示数")).to_have_count(0)
    photo = {"name": "meter.jpg", "mimeType": "image/jpeg", "buffer": road.screenshot(type="jpeg")}
    road.locator("input[type=file]").set_input_files(photo)
    expect(road.get_by_alt_text("表计照片")).to_be_visible()
    expect(road.get_by_text("已定位 · 35.798000, 112.923000 ±12 m")).to_be_visible()
    assert small_targets(road) == []
    accessible(road)
    save.click()
    for order in (second, third):
        road.get_by_text(order["meter_no"]).click()
        road.get_by_label("正向有功 总").fill(above(order))
        road.get_by_role("button", name="保存").click()
    expect(road.locator(".field__sums")).to_contain_text("3待上传")
    # The phone is put away and taken out again: nothing is lost.
    road.reload()
    expect(road.locator(".field__sums")).to_contain_text("3待上传")
    accessible(road)

    # Meanwhile the office settles one of them.
    with product.session("manager") as client:
        settled = {
            "month": NEXT_MONTH,
            "point_no": second["point_no"],
            "shown": above(second),
            "reason": "用户来电报数",
        }
        product.ask(client, "reading.resolve", **settled)
    road.context.set_offline(False)
    expect(road.locator(".field__sums")).to_contain_text("0待上传")
    expect(road.locator(".field__order", has_text=first["meter_no"])).to_contain_text("已收到，待审核")
    expect(road.locator(".field__mine", has_text=second["meter_no"])).to_contain_text("办公室已另行处理")

    page = enter("manager", path=f"/w/reading/field_order?order_no={first['order_no']}")
    expect(page.get_by_alt_text("表计照片，reader 拍摄")).to_be_visible()
    assert page.get_by_alt_text("表计照片，reader 拍摄").evaluate("image => image.naturalWidth") > 0
    at_both_widths(page)
    page.get_by_role("button", name="采用", exact=True).click()
    dialog = page.get_by_role("dialog", name="采用")
    dialog.get_by_label("事由").fill("照片与示数一致")
    dialog.get_by_role("button", name="采用", exact=True).click()
    expect(page.locator(".detail__pair", has_text="状态").first).to_contain_text("已采用")
    with product.session("manager") as client:
        (read,) = product.ask(client, "reading.reads", month=NEXT_MONTH, point_no=first["point_no"])["rows"]
    assert (read["status"], read["method"]) == ("valid", "manual")
    page = enter("manager", path=f"/w/point/point?point_no={first['point_no']}&month={NEXT_MONTH}")
    page.get_by_role("tab", name="月度结果").click()
    expect(page.get_by_text("起度：采集的零点示数（采用）；止度：人工录入（采用）")).to_be_visible()
    page = enter("manager", path=f"/w/reading/quality?month={NEXT_MONTH}")
    expect(page.get_by_role("row").nth(1)).to_contain_text("寺庄供电所")
    expect(page.get_by_role("row").last).to_contain_text("合计")
    at_both_widths(page)
    # On a phone a row has a line for each value that it shows, and none for the name that only the last one has.
    page.set_viewport_size({"width": PHONE, "height": 844})
    named = page.locator("td[data-label='行']")
    expect(named.first).to_be_hidden()
    expect(named.last).to_be_visible()

    page = enter("manager", path=f"/w/reading/field_order?order_no={third['order_no']}")
    page.get_by_role("button", name="退回重抄", exact=True).click()
    dialog = page.get_by_role("dialog", name="退回重抄")
    dialog.get_by_label("事由").fill("没有照片，请补拍")
    dialog.get_by_role("button", name="退回重抄", exact=True).click()
    expect(page.locator(".detail__pair", has_text="状态").first).to_contain_text("待抄")
    road.goto("/field#/")
    road.get_by_role("button", name="上传并更新").click()
    expect(road.locator(".field__order", has_text=third["meter_no"])).to_contain_text("已退回")
    expect(road.locator(".field__mine", has_text=first["meter_no"])).to_contain_text("已采用")
    expect(road.get_by_role("button", name="上传并更新")).to_be_enabled()
    accessible(road)

    page = enter("manager", path=f"/w/reading/field_orders?month={NEXT_MONTH}&state=accepted")
    expect(page.get_by_role("row").filter(has_text="已采用")).to_have_count(1)
    at_both_widths(page)


@pytest.fixture
def reading(product: Product, book: str, road: Page) -> Page:
    """The reader's phone with the orders of the book that is theirs."""
    with product.session("reader") as client:
        today = str(datetime.now(SHANGHAI).date())
        change = {"book": book, "reader": "reader", "effective_from": today, "reason": "按片区派工"}
        number = product.ask(client, "reading.propose_book_change", **change)["change_no"]
    with product.session("manager") as client:
        product.ask(client, "reading.approve_book_change", change_no=number, remark="同意派工")
        product.ask(client, "reading.make_field_orders", month=NEXT_MONTH, org=UNIT)
    road.goto("/field")
    road.fill("input[name=username]", "reader")
    road.fill("input[name=password]", product.password("reader"))
    road.press("input[name=password]", "Enter")
    expect(road.locator(".field__order").first).to_be_visible()
    return road


@pytest.mark.scope("B04-05")
def test_an_upload_that_breaks_off_goes_on_where_it_stood(product: Product, book: str, reading: Page) -> None:
    chosen = orders_of(product, book)[-2:]
    reading.context.set_offline(True)
    for order in chosen:
        reading.get_by_text(order["meter_no"]).click()
        reading.get_by_label("正向有功 总").fill(above(order))
        reading.get_by_role("button", name="保存").click()
    expect(reading.locator(".field__sums")).to_contain_text("2待上传")
    answers: list[int] = []

    def lost(route: Route) -> None:
        """The server takes the entries, and its answer is lost on the way."""
        answers.append(route.fetch().status)
        route.abort()

    reading.context.route("**/api/reading/sync_field", lost)
    reading.context.set_offline(False)
    send = reading.get_by_role("button", name="上传并更新")
    expect(reading.locator(".stale")).to_be_visible()
    assert answers and set(answers) == {200}
    expect(reading.locator(".field__sums")).to_contain_text("2待上传")
    reading.context.unroute("**/api/reading/sync_field")
    # The phone was put away in between.
    reading.reload()
    expect(reading.locator(".field__sums")).to_contain_text("0待上传")
    expect(send).to_be_enabled()
    with product.session("manager") as client:
        for order in chosen:
            kept = product.ask(client, "reading.field_order", order_no=order["order_no"])
            assert [one["state"] for one in kept["entries"]] == ["counted"]


def test_a_photo_that_the_server_refuses_is_told_to_its_reader_and_holds_up_nothing(
    product: Product, book: str, reading: Page
) -> None:
    road = reading
    order = orders_of(product, book)[-1]
    road.get_by_text(order["meter_no"]).click()
    road.context.set_offline(True)
    road.get_by_label("正向有功 总").fill(above(order))
    photo = {"name": "meter.jpg", "mimeType": "image/jpeg", "buffer": road.screenshot(type="jpeg")}
    road.locator("input[type=file]").set_input_files(photo)
    expect(road.get_by_alt_text("表计照片")).to_be_visible()
    road.get_by_role("button", name="保存").click()
    expect(road.locator(".field__sums")).to_contain_text("1待上传")
    # The phone's storage gives back something else than what was kept.
    road.evaluate(
        """() => new Promise((done) => {
            const opening = indexedDB.open('denghuo-field')
            opening.onsuccess = () => {
                const photos = opening.result.transaction('photos', 'readwrite').objectStore('photos')
                photos.getAll().onsuccess = ({target}) => {
                    for (const one of target.result) photos.put({...one, content: btoa('torn')})
                    photos.transaction.oncomplete = () => done(true)
                }
            }
        })"""
    )
    road.context.set_offline(False)
    expect(road.get_by_text("照片无法识别：照片须为 JPEG 或 PNG 文件，请重拍。")).to_be_visible()
    expect(road.locator(".field__sums")).to_contain_text("0待上传")
    expect(road.locator(".field__order", has_text=order["meter_no"])).to_contain_text("已收到，待审核")
    with product.session("manager") as client:
        kept = product.ask(client, "reading.field_order", order_no=order["order_no"])
    assert kept["state"] == "entered" and kept["counted"] is not None

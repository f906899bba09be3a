"""Plans beside the month's on their pages: a meter read for a reason by whom the plan names, an area read for its loss."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from tests.browser.conftest import Enter
from tests.browser.product import MONTH, Product
from tests.browser.test_field import road as road

UNIT, DAY = "1405810.04", "2026-05-20"


def submit(page: Page, title: str, **typed: str) -> None:
    page.get_by_role("button", name=title, exact=True).click()
    dialog = page.get_by_role("dialog", name=title)
    for label, value in typed.items():
        dialog.get_by_label(label.replace("_", "")).fill(value)
        page.keyboard.press("Tab")
    dialog.get_by_role("button", name=title, exact=True).click()
    page.wait_for_url("**/w/reading/special_plan?**")


@pytest.mark.scope("B04-03")
def test_a_meter_is_read_for_a_reason_and_an_area_for_its_loss(
    product: Product, road: Page, enter: Enter, at_both_widths: Callable[[Page], None], accessible: Any
) -> None:
    with product.session("manager") as client:
        point = product.ask(client, "point.find_points", org=UNIT, role="sale", limit=1)["rows"][0]
    page = enter("manager", path="/w/reading/special_plans")
    submit(page, "临时抄表", 计量点=point["point_no"], 抄表日=DAY, 抄表员="reader", 事由="客户申请校表")
    plan = page.url
    expect(page.locator(".detail__pair", has_text="未抄示数")).not_to_contain_text("0")
    at_both_widths(page)

    road.goto("/field")
    road.fill("input[name=username]", "reader")
    road.fill("input[name=password]", product.password("reader"))
    road.press("input[name=password]", "Enter")
    mine = road.locator(".field__order", has_text=point["meter_no"])
    expect(mine).to_contain_text("临时抄表")
    mine.click()
    expect(road.get_by_text("客户申请校表")).to_be_visible()
    accessible(road)
    with product.session("reader") as client:
        rows = product.ask(client, "reading.my_field_orders")["rows"]
    (order,) = [row for row in rows if row["meter_no"] == point["meter_no"] and row["plan_kind"]]
    for register, channel in zip(road.locator(".field__register").all(), order["channels"], strict=True):
        register.get_by_role("textbox").fill(channel["last"] or "100")
    confirm = road.get_by_label("已现场核实，示数无误")
    if confirm.count():
        confirm.check()
        road.get_by_label("说明原因（必填）").fill("空置")
    road.get_by_role("button", name="保存").click()
    expect(mine).to_contain_text("待审核")

    page.goto("/w/reading/field_orders?state=entered")
    page.get_by_role("row").filter(has_text="临时抄表").filter(has_text=point["meter_no"]).click()
    page.get_by_role("button", name="采用", exact=True).click()
    dialog = page.get_by_role("dialog", name="采用")
    dialog.get_by_label("事由").fill("示数与现场一致")
    dialog.get_by_role("button", name="采用", exact=True).click()
    page.goto(plan)
    expect(page.get_by_role("row").filter(has_text=point["meter_no"]).first).to_contain_text("现场抄表")
    expect(page.locator(".detail__pair", has_text="未抄示数")).to_contain_text("0")

    page.goto("/w/reading/special_plans")
    # Nobody has to come back for it: the row says when it was last looked for what was collected.
    expect(page.get_by_role("gridcell", name="最近取数时间 20").first).to_be_visible()
    submit(
        page, "线损抄表", 台区=point["area_no"], 起日=f"{MONTH}-05", 抄表日=f"{MONTH}-20", 事由="台区线损核查"
    )  # fmt: skip
    expect(page.get_by_role("row").filter(has_text="采集冻结").first).to_be_visible()
    page.get_by_role("button", name="台区线损").click()
    expect(page.locator(".stat", has_text="线损率").first.locator(".stat__value")).to_contain_text(".")
    expect(page.get_by_role("row").filter(has_text="台区关口").first).to_be_visible()
    at_both_widths(page)

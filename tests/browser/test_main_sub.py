"""Main and sub-meters on the page of a contract: a loop is told beside the field, with its meters and what to do."""

import pytest
from playwright.sync_api import expect
from tests.browser.conftest import Enter, Look
from tests.browser.product import Product

DAY = "2031-01-01"
"""On which nothing of these contracts is billed yet."""


@pytest.mark.scope("B04-12")
def test_a_loop_of_meters_is_refused_where_it_is_entered(enter: Enter, product: Product, at_both_widths: Look) -> None:
    with product.session("billing") as client:
        asked = {"tariff_class": "general_single_part", "kind": "supply", "limit": 2}
        first, second = product.ask(client, "contract.find_contracts", **asked)["rows"]
        main, other = (
            next(point for point in product.ask(client, "point.points_of", account_no=one["account_no"])["rows"])
            for one in (first, second)
        )
    page = enter("billing", path=f"/w/contract/contract?contract_no={first['contract_no']}")
    page.get_by_role("tab", name="专用条款").click()
    page.get_by_role("button", name="约定分算").click()
    form = page.get_by_role("dialog").last
    form.get_by_label("生效日期").fill(DAY)
    page.keyboard.press("Enter")
    form.get_by_label("计量点编号 1").fill(main["point_no"])
    form.get_by_role("combobox", name="分算方式 1").click()
    page.get_by_role("option", name="套表（分表）").click()
    form.get_by_label("事由").fill("核对总分表关系")
    form.get_by_role("button", name="约定分算").click()
    said = form.locator(".field--wrong .field__say")
    own = f"计量点 {main['point_no']}（表号 {main['meter_no']}）"
    expect(said).to_contain_text(f"总分表成环：{own}是本户总表，电能表不能从自身扣减")
    at_both_widths(page)
    form.get_by_label("计量点编号 1").fill(other["point_no"])
    form.get_by_role("button", name="约定分算").click()
    expect(said).to_contain_text(
        f"计量点 {other['point_no']}（表号 {other['meter_no']}）属于户号 {second['account_no']}"
    )
    form.get_by_label("分表户号（他户） 1").fill(first["account_no"])
    form.get_by_role("button", name="约定分算").click()
    expect(said.filter(has_text="请改正户号")).to_be_visible()
    form.get_by_label("分表户号（他户） 1").fill("")
    form.get_by_role("combobox", name="分算方式 1").click(force=True)
    page.get_by_role("option", name="定量").click()
    form.get_by_label("定量(月) 1").fill("200")
    form.get_by_role("button", name="约定分算").click()
    expect(form).to_be_hidden()

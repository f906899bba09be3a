"""Switching off and on in the browser: a guard forbids it with its reason; without one it waits for a second person."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from tests.browser.conftest import Enter, hidden_to_the_side
from tests.browser.product import DEMO

from denghuo.simulator.county import load


@pytest.mark.parametrize(("width", "place"), [(1440, 5), (390, 6)])
def test_a_guard_forbids_disconnection_and_else_a_second_person_is_waited_for(
    enter: Enter, accessible: Callable[[Page], None], width: int, place: int
) -> None:
    concentrators, _ = load(DEMO / "data")
    meter_no = next(one for one in concentrators if one.area_no == "TG004").meters[place].meter_no
    page = enter("manager", path="/w/acquisition/guards", width=width)
    page.get_by_role("button", name="设置闭锁").first.click()
    form = page.get_by_role("dialog").last
    form.get_by_role("combobox", name="闭锁类型").click()
    page.get_by_role("option", name="保电用户").click()
    form.get_by_role("combobox", name="供电单位").click()
    page.get_by_role("option").filter(has_text="高平市供电公司").first.click()
    form.get_by_label("表号").fill(meter_no)
    form.get_by_label("起始日期").fill("2020-01-01")
    form.get_by_label("事由").fill("重要医疗用户")
    form.get_by_role("button", name="设置闭锁").click()
    expect(page.locator(".bench")).to_contain_text(meter_no)
    accessible(page)
    for asked, said in (("停电（拉闸）", "重要医疗用户"), ("复电（合闸）", "待审批")):
        page.goto(f"/w/acquisition/request_switching?meter_no={meter_no}")
        page.get_by_role("combobox", name="操作").click()
        page.get_by_role("option", name=asked).click()
        page.get_by_label("事由").fill("欠费三个月，已三次催缴")
        page.get_by_role("button", name="提交审批").click()
        expect(page.locator(".bench")).to_contain_text(said)
        accessible(page)
    page.goto(f"/w/acquisition/switchings?meter_no={meter_no}")
    expect(page.locator("td", has_text=meter_no)).to_be_visible()
    assert hidden_to_the_side(page) <= 1

"""Households with free energy on their page: a list is taken, a wrong row is told with its remedy, an end has a reason, the auditor
sees both."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from tests.browser.conftest import Enter
from tests.browser.test_forms import choose

LIST = """户号,优惠类别,证件编号,起始月,截止月
5810100000027,低保,晋高低保-5810100000027,2028-01,2029-01
5810100000027,特困,晋高特困-1,2029-01,2030-01
"""


@pytest.mark.scope("B05-23")
def test_a_list_of_households_is_taken_and_one_is_ended(enter: Enter, accessible: Callable[[Page], None]) -> None:
    page = enter("billing", path="/w/contract/entitled", width=390)
    choose(page, "list.csv", LIST)
    page.get_by_role("button", name="核对并登记").click()
    expect(page.get_by_text("请写 五保 或 低保")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    accessible(page)
    page = enter("billing", path="/w/contract/entitled")
    row = page.locator("tbody tr", has_text="晋高低保-5810100000027")
    expect(row).to_contain_text("2029-01")
    row.get_by_role("button", name="提前终止").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("截止月").fill("2028-07")
    dialog.get_by_label("事由").fill("民政部门复核后取消")
    dialog.get_by_role("button", name="提前终止").click()
    expect(dialog).to_be_hidden()
    expect(row).to_contain_text("民政部门复核后取消")
    accessible(page)
    page = enter("auditor", path="/w/access/audit")
    for operation in ("核对并登记", "提前终止"):
        expect(page.locator("tbody tr", has_text=operation).first).to_contain_text("billing")

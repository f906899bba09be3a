"""Reading every two months on real pages: the route's cycle is changed by a date, the month between has no bill, and the bill of
both is read on a desk, on paper and on the phone."""

import re

from playwright.sync_api import Page, expect
from tests.browser.companies import PHONE_USERS
from tests.browser.conftest import Enter, Look, choose
from tests.browser.product import Product
from tests.browser.test_phone import signed_in

ROUTE, ACCOUNT = "TG001", PHONE_USERS[0]
APRIL, MAY, WAITED, BOTH = "2026-04", "2026-05", "2026-06", "2026-07"
DAYS = ("2026-06-01", "2026-07-31")


def test_a_route_is_read_every_two_months_and_one_bill_has_both(
    enter_months: Enter, months: Product, at_both_widths: Look
) -> None:
    for month in (APRIL, MAY):
        months.bill_month(month)
    page = enter_months("reader", path=f"/w/reading/route?route={ROUTE}")
    change_cycle(page, "双月抄表（单数月）", "2026-06-01")
    at_both_widths(page)

    months.bill_month(WAITED)
    page = enter_months("billing", path=f"/w/billing/bills?month={WAITED}")
    look_up(page, ACCOUNT)
    expect(page.locator(".state")).to_contain_text("没有符合条件的数据")

    months.bill_month(BOTH)
    page.goto(f"/w/billing/bills?month={BOTH}")
    look_up(page, ACCOUNT)
    page.get_by_role("grid", name="电费账单").locator("tbody tr", has_text=ACCOUNT).filter(has_text="居民生活").click()
    page.wait_for_url("**/w/billing/bill?bill_no=*")
    number = page.url[-22:]
    with months.session("billing") as client:
        one, two = (
            months.ask(client, "billing.bill", bill_no=f"{month.replace('-', '')}{ACCOUNT}101")
            for month in (APRIL, BOTH)
        )
    assert (two["bill_no"], two["from_on"], two["to_on"]) == (number, *DAYS)
    # Both months used what April did: whole kWh of two months are those of one twice, to a kWh.
    assert abs(int(two["energy"]) - 2 * int(one["energy"])) <= 1
    expect(page.locator(".stat", has_text="合计金额").locator(".stat__value")).to_have_text(two["amount"])
    for label, day in zip(("起抄日期", "止抄日期"), DAYS, strict=True):
        expect(page.locator(".detail__pair", has_text=label)).to_contain_text(day)
    page.get_by_role("button", name="全部展开").click()
    how = page.locator(".explain__how").first
    expect(how.locator(".how__sum")).to_contain_text(f"{two['energy']} kWh × 0.6170 = {two['amount']}")
    expect(how.locator(".how__registers tbody tr").first).to_contain_text("2026-06-01")
    at_both_widths(page)
    with page.expect_download() as kept:
        page.get_by_role("button", name="下载 PDF").click()
    assert kept.value.path().read_bytes().startswith(b"%PDF-") and number in kept.value.suggested_filename

    page.goto(f"/w/billing/change?bill_no={number}")
    days = page.get_by_role("row").filter(has_text="计费天数由 31 天变为 61 天").last
    expect(days).to_be_visible()
    at_both_widths(page)

    page = enter_months(path="/", width=390)
    page.goto("/phone")
    signed_in(page, ACCOUNT, months.password(ACCOUNT))
    page.locator(f"a[href*='/bill/{BOTH.replace('-', '')}{ACCOUNT}1']").first.click()
    page.wait_for_url(re.compile(r"#/bill/\d{22}$"))
    expect(page.get_by_text("6 月 1 日 – 7 月 31 日")).to_be_visible()
    expect(page.locator(".explain, main").first).to_contain_text(two["amount"])


def look_up(page: Page, account: str) -> None:
    page.get_by_role("textbox", name="户号或账单编号").fill(account)
    page.get_by_role("button", name="查询").click()


def change_cycle(page: Page, cycle: str, since: str) -> None:
    page.get_by_role("button", name="变更抄表周期").click()
    dialog = page.get_by_role("dialog", name="变更抄表周期")
    choose(dialog, "抄表周期", cycle)
    dialog.get_by_label("事由").fill("居民改双月抄表")
    dialog.get_by_label("生效日期").fill(since)
    dialog.get_by_label("生效日期").press("Tab")
    dialog.get_by_role("button", name="变更抄表周期").click()
    expect(dialog).to_be_hidden()
    expect(page.locator("tr, .card", has_text=since).first).to_contain_text(cycle)

"""A case of back-billing on its pages: opened from a bill, agreed to by the manager, its bill, and the invoices that follow."""

import json

from playwright.sync_api import Locator, Page, expect
from tests.browser.conftest import Enter, Look, choose
from tests.browser.product import MONTH, Product


def a_shop(product: Product) -> tuple[str, str]:
    """Account and bill of a business."""
    with product.session("billing") as client:
        found = product.ask(
            client, "billing.bills", month=MONTH, tariff_class="general_single_part", state="issued", limit=50
        )
        rows = [
            row
            for row in found["rows"]
            if row["kind"] == "supply" and not row["amount"].startswith(("-", "0.00")) and not row["case_no"]
        ]
        return rows[3]["account_no"], rows[3]["bill_no"]


def figure(page: Page, name: str) -> Locator:
    return page.locator(".stat", has_text=name).locator(".stat__value").first


def test_a_wrong_multiplier_is_settled_on_the_pages(enter: Enter, billed: Product, at_both_widths: Look) -> None:
    account, bill = a_shop(billed)
    page = enter("billing", path=f"/w/billing/bill?bill_no={bill}")
    page.get_by_role("button", name="申请开票").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="申请开票").click()
    expect(page.get_by_text("蓝字发票").first).to_be_visible()
    page.goto(f"/w/billing/bill?bill_no={bill}")
    expect(page.get_by_text("蓝字发票").first).to_be_visible()
    page.get_by_role("button", name="退补立案").click()
    page.wait_for_url("**/w/billing/open_case*")
    expect(page.get_by_role("textbox", name="户号", exact=True)).to_have_value(account)
    choose(page, "退补原因", "倍率差错", exact=True)
    real = page.get_by_label("倍率差错 实际倍率")
    real.fill("2")
    page.get_by_label("倍率差错 计费倍率").fill("2")
    page.get_by_label("事由").fill("现场核对互感器倍率不符")
    page.get_by_label("依据与证据").fill("现场核对记录及互感器铭牌照片")
    submit = page.get_by_role("button", name="计算并提交审批")
    submit.click()
    expect(page.get_by_text("应退应补为 0.00 元")).to_be_visible()
    at_both_widths(page)
    real.fill("3")
    submit.click()
    page.wait_for_url("**/w/billing/case?case_no=*")
    expect(figure(page, "办理状态")).to_have_text("待审批")
    amount = figure(page, "退补金额").inner_text()
    page.get_by_role("button", name="全部展开").click()
    expect(page.locator(".explain__how").first).to_contain_text(" - ")
    expect(page.get_by_text("更正系数 3/2").first).to_be_visible()
    at_both_widths(page)
    case = page.url

    with billed.session("manager") as client:
        (asked,) = [
            row
            for row in billed.ask(client, "workflow.approvals", state="pending", limit=100)["rows"]
            if account in json.dumps(row, ensure_ascii=False) and "退补" in json.dumps(row, ensure_ascii=False)
        ]
        billed.ask(client, "workflow.decide", approval_no=asked["approval_no"], agreed=True, remark="情况属实")
    with billed.session("billing") as client:
        done = billed.until(
            lambda: billed.ask(client, "billing.cases", account_no=account),
            lambda found: found["rows"][0]["state"] == "done",
        )["rows"][0]
        billed.until(
            lambda: billed.ask(client, "ledger.invoices", account_no=account),
            lambda found: len([row for row in found["rows"] if row["state"] == "issued"]) == 2,
        )
    page.goto(case)
    expect(figure(page, "办理状态")).to_have_text("已发行")
    page.goto(f"/w/billing/bill?bill_no={done['bill_no']}")
    expect(figure(page, "合计金额")).to_have_text(amount)
    expect(page.get_by_text("退补账单").first).to_be_visible()
    at_both_widths(page)
    with page.expect_download() as kept:
        page.get_by_role("button", name="下载 PDF").click()
    assert kept.value.path().read_bytes().startswith(b"%PDF-")

    page.goto(f"/w/ledger/invoices?account_no={account}")
    expect(page.get_by_text("沙箱税务开具").first).to_be_visible()
    expect(page.get_by_text("蓝字发票").first).to_be_visible()
    at_both_widths(page)

"""A change of customer on its pages: taken with a special reading, followed step by step to the final bill; larger households and
the day on which they expire."""

from typing import Any

from playwright.sync_api import expect
from tests.browser.conftest import Enter, Look
from tests.browser.product import MONTH, Product
from tests.browser.test_back_billing import figure


def residents(product: Product) -> list[dict[str, Any]]:
    """The first bills of residents that stand for the demo month."""
    with product.session("billing") as client:
        found = product.ask(client, "billing.bills", month=MONTH, tariff_class="resident", state="issued", limit=50)
        return [row for row in found["rows"] if row["kind"] == "supply" and row["bill_no"].endswith("101")]


def taken_back(product: Product, bill_no: str) -> None:
    """The bill is taken back by two persons, as the refusal asks for."""
    with product.session("billing") as client:
        asked = product.ask(client, "billing.reverse_bill", bill_no=bill_no, reason="过户前全减，按实际月数清算")
    with product.session("manager") as client:
        product.ask(client, "workflow.decide", approval_no=asked["approval_no"], agreed=True, remark="同意")
        product.until(
            lambda: product.ask(client, "billing.bill", bill_no=bill_no), lambda found: found["state"] == "reversed"
        )


def test_a_change_of_customer_is_taken_and_settled(enter: Enter, billed: Product, at_both_widths: Look) -> None:
    bill = residents(billed)[7]
    page = enter("billing", path="/w/billing/holder_changes")
    page.get_by_role("button", name="办理过户").click()
    page.wait_for_url("**/w/billing/change_holder*")
    page.goto(f"/w/billing/change_holder?account_no={bill['account_no']}")
    expect(page.get_by_role("textbox", name="户号", exact=True)).to_have_value(bill["account_no"])
    page.get_by_label("过户日期（新客户首日）").fill("2026-04-16")
    page.get_by_label("过户日期（新客户首日）").press("Enter")
    page.get_by_role("textbox", name="户名").fill("张伟")
    page.get_by_label("事由").fill("房屋买卖过户")
    submit = page.get_by_role("button", name="受理过户")
    submit.click()
    expect(page.get_by_text("请先全减该账单").first).to_be_visible()
    at_both_widths(page)
    taken_back(billed, bill["bill_no"])
    submit.click()
    page.wait_for_url("**/w/billing/holder_change?change_no=*")
    expect(figure(page, "办理环节")).to_have_text("已算清算电费")
    expect(figure(page, "账单状态")).to_have_text("已发行")
    at_both_widths(page)
    page.get_by_text(f"202604{bill['account_no']}1").last.click()
    page.wait_for_url("**/w/billing/bill?bill_no=*")
    page.get_by_role("button", name="全部展开").click()
    expect(page.get_by_text("阶梯清算").first).to_be_visible()


def test_larger_households_are_listed_until_they_expire(enter: Enter, product: Product, at_both_widths: Look) -> None:
    with product.session("billing") as client:
        (contract, *_) = product.ask(
            client, "contract.find_contracts", tariff_class="resident", kind="supply", limit=3
        )["rows"]
        product.ask(
            client,
            "contract.agree_special",
            contract_no=contract["contract_no"],
            effective_from="2026-06-01",
            persons=6,
            persons_since="2026-06-01",
            reason="六口之家，户口簿已核",
        )
    page = enter("billing", path="/w/contract/households")
    row = page.locator("tbody tr, .card, li", has_text=contract["account_no"]).first
    expect(row).to_contain_text("2028-06-30")
    at_both_widths(page)
    expect(row).to_contain_text("2028-06-30")

"""Fee control on its pages: agreed on the contract, the balance estimated, warned of once, paid in."""

from datetime import datetime

import pytest
from playwright.sync_api import expect
from tests.browser.conftest import Enter, Look
from tests.browser.product import Product

from denghuo.kernel.period import SHANGHAI


@pytest.mark.scope("B05-19")
def test_a_customer_under_fee_control_is_seen_with_the_balance(
    enter: Enter, product: Product, at_both_widths: Look
) -> None:
    with product.session("billing") as client:
        rows = product.ask(client, "contract.find_contracts", tariff_class="resident", kind="supply", limit=9)["rows"]
        row = rows[-1]
        number = row["account_no"]
        today = datetime.now(SHANGHAI).date().isoformat()
        limits = {"org": "1405810", "effective_from": today, "low_amount": "50.00", "reason": "费控预警标准"}
        product.ask(client, "ledger.set_balance_limit", **limits)
        page = enter("billing", path=f"/w/contract/contract?contract_no={row['contract_no']}")
        page.get_by_role("tab", name="费控").click()
        page.get_by_role("button", name="约定或取消费控").click()
        form = page.get_by_role("dialog").last
        form.get_by_label("生效日期").fill(today)
        page.keyboard.press("Enter")
        form.get_by_role("combobox", name="费控方式").click()
        page.get_by_role("option", name="远程费控").click()
        form.get_by_label("事由").fill("客户申请办理费控")
        form.get_by_role("button", name="约定或取消费控").click()
        expect(page.get_by_text("客户申请办理费控").first).to_be_visible()
        fallen = product.until(
            lambda: product.ask(client, "ledger.balance_warnings", account_no=number)["rows"],
            lambda found: found and found[0]["told"],
        )
        # Nothing was paid in: the month so far is owed, which is told once.
        assert [one["level"] for one in fallen] == ["exhausted"]
        # A notice of disconnection followed, or what stands against it.
        product.until(
            lambda: product.ask(client, "payment.interruptions", account_no=number)["rows"],
            lambda found: found and found[0]["due_at"] > found[0]["changed_at"],
        )
    page.goto(f"/w/payment/interruptions?account_no={number}")
    expect(page.locator(".bench")).to_contain_text(number)
    at_both_widths(page)
    page.goto("/w/ledger/balances")
    expect(page.get_by_text(number).first).to_be_visible()
    expect(page.get_by_text("余额用尽").first).to_be_visible()
    at_both_widths(page)
    page.get_by_role("tab", name="预警限额").click()
    expect(page.get_by_text("费控预警标准").first).to_be_visible()
    page.get_by_role("tab", name="预警记录").click()
    expect(page.get_by_role("tabpanel", name="预警记录").get_by_text(number).first).to_be_visible()
    at_both_widths(page)

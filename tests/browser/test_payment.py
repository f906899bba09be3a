"""A payment at the counter, from the search to the receipt and the change."""

import re
from collections.abc import Callable

from playwright.sync_api import Page, Route, expect
from tests.browser.conftest import Enter
from tests.browser.product import MONTH, Product


def an_account_that_owes(product: Product) -> tuple[str, str]:
    """An account of the cashier's station with one open item, and what it owes."""
    with product.session("cashier") as client:
        found = product.ask(client, "ledger.receivables", month=MONTH, state="open", kind="supply", limit=50)
        for row in found["rows"]:
            owed = product.ask(client, "ledger.owed", account_no=row["account_no"])
            if owed["due"] == row["rest"] and not owed["due"].startswith(("-", "0.00")):
                return row["account_no"], owed["due"]
    raise AssertionError("no account of the station owes anything")


def test_cash_is_taken_and_the_receipt_names_the_change(
    enter: Enter, billed: Product, accessible: Callable[[Page], None]
) -> None:
    account, due = an_account_that_owes(billed)
    page = enter("cashier", path="/w/payment/counter")
    page.get_by_label("户号/户名/电话/地址/拼音").fill(account)
    page.keyboard.press("Enter")
    expect(page.get_by_role("grid", name="柜台收费").locator("tbody tr")).to_have_count(1)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/w/payment/take?account_no={account}")
    expect(page.get_by_label("收款金额")).to_have_value(due)
    accessible(page)
    page.get_by_label("实收现金").fill("10000")
    told = page.locator(".form__derived")
    expect(told).to_contain_text("找零")
    assert int(re.sub(r"[^0-9]", "", told.locator("dd").inner_text())) == 1_000_000 - int(due.replace(".", ""))
    page.get_by_role("button", name="收款并出收据").click()
    page.wait_for_url("**/w/payment/receipt?receipt_no=*")
    change = page.locator(".stat", has_text="找零").locator(".stat__value")
    expect(change).to_have_text(re.compile(r"^[0-9,]+\.[0-9]{2}"))
    shown = int(re.sub(r"[^0-9]", "", change.inner_text().split("\n")[0].replace("元", "")))
    assert shown == 1_000_000 - int(due.replace(".", ""))
    accessible(page)
    with page.expect_download() as kept:
        page.get_by_role("button", name="下载收据").click()
    assert kept.value.path().read_bytes().startswith(b"%PDF-")
    with billed.session("cashier") as client:
        billed.until(lambda: billed.ask(client, "ledger.owed", account_no=account), lambda owed: owed["due"] == "0.00")
    page.goto(f"/w/payment/take?account_no={account}")
    expect(page.get_by_text("没有欠费，可以预存")).to_be_visible()


def test_a_search_is_taken_while_the_first_list_is_on_its_way(enter: Enter, billed: Product) -> None:
    account, _ = an_account_that_owes(billed)
    page = enter("cashier", path="/w/payment/payments")
    kept_back = list[Route]()
    page.route("**/api/customer/find_accounts", lambda route: kept_back.append(route))
    page.goto("/w/payment/counter")
    search = page.get_by_label("户号/户名/电话/地址/拼音")
    search.fill(account)
    search.press("Enter")
    billed.until(lambda: page.wait_for_timeout(100) or len(kept_back), lambda asked: asked == 2)
    kept_back[-1].continue_()
    expect(page.get_by_role("grid", name="柜台收费").locator("tbody tr")).to_have_count(1)


def test_amounts_that_cannot_be_taken_are_refused_beside_the_field(enter: Enter, billed: Product) -> None:
    account, _ = an_account_that_owes(billed)
    page = enter("cashier", path=f"/w/payment/take?account_no={account}")
    amount = page.get_by_label("收款金额")
    amount.wait_for()
    for wrong in ("0", "-1", "1000000000000000000", "1.234", "壹元"):
        amount.fill(wrong)
        page.get_by_role("button", name="收款并出收据").click()
        expect(
            page.locator(".field__say, .state--problem, .fields__elsewhere").filter(has_text=re.compile(r"\S")).first
        ).to_be_visible()
        assert "/w/payment/take" in page.url, wrong

"""Every page of every post opens: nothing broken, nothing refused, nothing named by its raw field."""

import pytest
from playwright.sync_api import expect
from tests.browser.conftest import Enter
from tests.browser.product import Product

STAFF = ["manager", "ledger", "tariff", "asset", "admin", "auditor", "cashier"]
TROUBLE = ".state--problem, .state--defect, .state--unavailable, .state--offline, .state--not-permitted"


@pytest.mark.parametrize("user", STAFF)
def test_every_page_of_the_menu_opens(enter: Enter, billed: Product, user: str) -> None:
    with billed.session(user) as client:
        menus = billed.ask(client, "application.menus", channel="pc")
    pages = [item["page"] for group in menus["groups"] for item in group["items"]]
    assert pages
    page = enter(user)
    troubled = []
    for name in pages:
        page.goto(f"/w/{name.replace('.', '/')}")
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        expect(page.locator(".skeleton, .block[aria-busy=true]")).to_have_count(0)
        for fault in page.locator(TROUBLE).all():
            troubled.append(f"{name}: {fault.inner_text()[:120]}")
    assert troubled == []

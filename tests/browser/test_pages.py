"""Every page of every post opens: nothing broken, nothing refused, no raw codes, nothing wider than a phone."""

import pytest
from playwright.sync_api import Page, ViewportSize, expect
from tests.browser.conftest import Enter
from tests.browser.product import Product

STAFF = ["manager", "ledger", "tariff", "asset", "admin", "auditor", "cashier"]
TROUBLE = ".state--problem, .state--defect, .state--unavailable, .state--offline, .state--not-permitted"


RAW = """() => [...document.querySelectorAll('td, th, dt, dd, label, .stat__label, .stat__value')]
  .filter(one => one.offsetParent && !/操作|权限|来源|计算式/.test(one.dataset.label ?? ''))
  .map(one => one.innerText.trim()).filter(text => /^[a-z0-9]+(_[a-z0-9]+)+$/.test(text))"""
"""Codes that stand on the page as they stand in the contract. Operations, permits and sources are shown by their names."""
PHONE: ViewportSize = {"width": 390, "height": 800}
DESK: ViewportSize = {"width": 1440, "height": 900}

MENUS: dict[str, list[str]] = {}


def menu_pages(product: Product, user: str) -> list[str]:
    """The pages of a user's menu, asked once."""
    if user not in MENUS:
        with product.session(user) as client:
            menus = product.ask(client, "application.menus", channel="pc")
        MENUS[user] = [item["page"] for group in menus["groups"] for item in group["items"]]
    return MENUS[user]


def follow(page: Page, name: str) -> None:
    """Opens a page from the menu, whose group may be folded, and waits until the one before is gone."""
    path = f"/w/{name.replace('.', '/')}"
    if page.url.endswith(path):
        return
    page.evaluate("document.querySelector('main .page').dataset.left = ''")
    page.locator(f".menu a[href='{path}']").dispatch_event("click")
    page.wait_for_url(f"**{path}")
    expect(page.locator("main .page[data-left]")).to_have_count(0)


@pytest.mark.parametrize("user", STAFF)
def test_every_page_of_the_menu_opens(enter: Enter, billed: Product, user: str) -> None:
    """Each page is opened once, by the first post that has it in its menu."""
    before = {page for other in STAFF[: STAFF.index(user)] for page in menu_pages(billed, other)}
    own = menu_pages(billed, user)
    assert own
    pages = [page for page in own if page not in before]
    page = enter(user)
    troubled = []
    for name in pages:
        follow(page, name)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        expect(page.locator(".skeleton, .block[aria-busy=true]")).to_have_count(0)
        for fault in page.locator(TROUBLE).all():
            troubled.append(f"{name}: {fault.inner_text()[:120]}")
        troubled += [f"{name}: raw {code}" for code in page.evaluate(RAW)]
        page.set_viewport_size(PHONE)
        if (wide := page.evaluate("document.documentElement.scrollWidth")) > PHONE["width"]:
            troubled.append(f"{name}: {wide} wide on a phone")
        page.set_viewport_size(DESK)
    assert troubled == []

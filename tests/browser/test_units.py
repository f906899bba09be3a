"""The board of a month by unit: how far each station is, and who is blocked, down to the exception."""

from playwright.sync_api import expect
from tests.browser.conftest import Enter, Look
from tests.browser.product import MONTH, Product


def test_the_board_tells_every_unit_and_the_blocked(enter: Enter, billed: Product, at_both_widths: Look) -> None:
    with billed.session("billing") as client:
        board = billed.ask(client, "billing.unit_board", month=MONTH)
        blocked = billed.ask(client, "billing.exceptions", month=MONTH, state="open")["rows"]
    page = enter("billing", path=f"/w/billing/units?month={MONTH}")
    assert board["rows"] and all(row["issued"] + row["open"] for row in board["rows"] if row["due"])
    issued = page.locator(".stat", has_text="已发行").locator(".stat__value").first
    expect(issued).to_have_text(f"{board['issued']:,}")
    for row in board["rows"]:
        expect(page.locator("main").get_by_text(f"{row['issued']:,}", exact=True).first).to_be_visible()
    if blocked:
        expect(page.locator("main").get_by_text(blocked[0]["account_no"]).first).to_be_visible()
    at_both_widths(page)


def test_a_station_sees_its_own_unit_only(enter: Enter, billed: Product) -> None:
    with billed.session("station") as client:
        rows = billed.ask(client, "billing.unit_board", month=MONTH)["rows"]
    assert {row["org"] for row in rows} == {"1405810.02"}
    page = enter("station", path=f"/w/billing/units?month={MONTH}")
    expect(page.get_by_text("三甲供电所").first).to_be_visible()
    expect(page.get_by_text("米山供电所")).to_have_count(0)

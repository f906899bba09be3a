"""The wall screen over the billed month: figures as the API gives them, live, letterboxed, in both languages."""

import re
from collections.abc import Callable

from playwright.sync_api import Browser, Page, expect
from tests.browser.conftest import WAIT_MS, Enter, Watch
from tests.browser.product import MONTH, Product


def wall(enter: Enter, user: str = "manager", language: str = "zh-CN") -> Page:
    page = enter(user, language=language)
    page.set_viewport_size({"width": 1920, "height": 1080})
    page.goto("/screen")
    page.wait_for_selector(".map .lamp")
    return page


def rounded(decimal: str, places: int) -> str:
    """Decimal text moved by `places` and rounded half up to two places, with thousands separated."""
    whole, _, fraction = decimal.partition(".")
    number, unit = int(whole + fraction), 10 ** (len(fraction) + places - 2)
    hundredths = (2 * number + unit) // (2 * unit)
    return f"{hundredths // 100:,}.{hundredths % 100:02d}"


def test_the_wall_shows_what_the_figures_say(enter: Enter, billed: Product, accessible: Callable[[Page], None]) -> None:
    page = wall(enter)
    with billed.session("manager") as client:
        figures = billed.ask(client, "analytics.values", month=MONTH)["figures"]
        areas = billed.ask(client, "analytics.place")["areas"]
    heads = page.locator(".heads li")
    expect(heads.nth(0)).to_contain_text(f"{figures['accounts']:,}")
    expect(heads.nth(1)).to_contain_text(rounded(figures["energy_sold"], 4))
    expect(heads.nth(2)).to_contain_text(rounded(figures["receivable"], 4))
    expect(page.locator(".map .lamp")).to_have_count(len(areas))
    expect(page.locator(".stages .is-done")).to_have_count(5)
    expect(page.locator(".facts li").first).to_be_visible()
    expect(page.locator(".top__fresh")).to_contain_text(re.compile(r"实时 · 数据时间 \d\d:\d\d:\d\d · 入仓滞后 \d+"))
    accessible(page)


def test_a_payment_moves_the_wall_within_seconds(enter: Enter, billed: Product) -> None:
    page = wall(enter)
    with billed.session("cashier") as client:
        found = billed.ask(client, "ledger.receivables", month=MONTH, state="open", kind="supply", limit=200)["rows"]
        # The last ones: the counter's own tests take the first.
        owing = found[-1]
        billed.ask(client, "payment.take_payment", account_no=owing["account_no"], amount=owing["rest"], method="cash")
    whole, _, fraction = owing["rest"].partition(".")
    expect(page.locator(".facts li").first).to_contain_text(f"收款 {int(whole):,}.{fraction} 元")
    # What the wall says was received is what the books say, to the digits that it shows.
    with billed.session("manager") as client:
        figures = billed.ask(client, "analytics.values", month=MONTH)["figures"]
    expect(page.locator(".sums div", has_text="实收").locator("b")).to_have_text(rounded(figures["received"], 4))


def test_it_is_letterboxed_and_stays_sharp_at_other_sizes(enter: Enter, billed: Product) -> None:
    page = wall(enter, language="en-GB")
    for width, height in ((1366, 768), (1000, 900), (2560, 1440)):
        page.set_viewport_size({"width": width, "height": height})
        # The wall follows a new size with its next frame.
        fitted = min(width, height * 16 / 9)
        page.wait_for_function(
            "fitted => Math.abs(document.querySelector('.wall').getBoundingClientRect().width - fitted) < 2", arg=fitted
        )
        box = page.locator(".wall").bounding_box()
        assert box is not None
        assert abs(box["width"] / box["height"] - 16 / 9) < 0.01
        assert box["x"] >= -1 and box["y"] >= -1 and box["width"] <= width + 1 and box["height"] <= height + 1
        assert abs((width - box["width"]) / 2 - box["x"]) <= 1 and abs((height - box["height"]) / 2 - box["y"]) <= 1
    canvas = page.locator("canvas").first
    if canvas.count():
        drawn = canvas.evaluate("node => node.width / node.clientWidth")
        assert drawn >= 1.3, "a wall of 2560 pixels is drawn with its own pixels"
    expect(page.locator(".top h1")).to_contain_text("Customer business")


def test_who_is_not_signed_in_is_led_to_the_door(product: Product, browser: Browser) -> None:
    watch = Watch(product.url)
    context = browser.new_context(base_url=product.url, locale="zh-CN", viewport={"width": 1366, "height": 768})
    context.set_default_timeout(WAIT_MS)
    page = context.new_page()
    watch.over(page)
    page.goto("/screen")
    expect(page.locator(".door")).to_contain_text("请先登录")
    expect(page.get_by_role("link", name="到工作台登录")).to_be_visible()
    context.close()
    assert watch.faults == []


def test_a_station_sees_its_own_lamps_alone(enter: Enter, billed: Product) -> None:
    with billed.session("station") as client:
        place = billed.ask(client, "analytics.place")
        stations = billed.ask(client, "analytics.values", month=MONTH)["stations"]
    assert len({area["org"] for area in place["areas"]}) == 1 and len(stations) == 1
    page = wall(enter, "station")
    expect(page.locator(".map .lamp")).to_have_count(len(place["areas"]))
    expect(page.locator(".callout")).to_have_count(1)

"""Signing in, finding one's way by keyboard, and seeing only what one may."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Page, expect
from tests.browser.conftest import Enter, sign_in
from tests.browser.product import Product

ACCOUNT = "5810100000027"


def test_a_wrong_password_is_said_and_the_right_one_opens_the_workbench(
    enter: Enter, product: Product, accessible: Callable[[Page], None]
) -> None:
    page = enter()
    accessible(page)
    page.fill("input[name=username]", "billing")
    page.fill("input[name=password]", "not the password")
    page.press("input[name=password]", "Enter")
    expect(page.get_by_role("alert")).to_be_visible()
    sign_in(page, "billing", product.password("billing"))
    expect(page.get_by_role("navigation", name="菜单")).to_contain_text("核算管理")
    accessible(page)


def test_a_deep_link_is_reached_after_signing_in(enter: Enter, product: Product) -> None:
    page = enter()
    page.goto("/w/customer/accounts")
    sign_in(page, "billing", product.password("billing"))
    expect(page.get_by_role("heading", level=1)).to_contain_text("客户档案")
    assert page.url.endswith("/w/customer/accounts")


def test_slash_finds_a_customer_by_pinyin_and_enter_opens_the_whole_view(
    enter: Enter, accessible: Callable[[Page], None]
) -> None:
    page = enter("billing")
    page.keyboard.press("/")
    page.keyboard.type("linqingjuan")
    first = page.get_by_role("option").first
    expect(first).to_contain_text(ACCOUNT)
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/w/customer/account?account_no={ACCOUNT}")
    expect(page.get_by_role("tab", name="账单", exact=True)).to_be_visible()
    page.get_by_role("tab", name="合同与计量").click()
    expect(page.get_by_role("grid", name="计量点")).to_be_visible()
    accessible(page)


def test_what_slash_finds_is_chosen_by_arrows(enter: Enter, accessible: Callable[[Page], None]) -> None:
    page = enter("billing")
    page.keyboard.press("/")
    page.keyboard.type("58101000000")
    options, box = page.get_by_role("option"), page.get_by_role("combobox").first
    expect(options.nth(2)).to_be_visible()
    for key, chosen in (
        ("ArrowDown", 1),
        ("ArrowUp", 0),
        ("ArrowUp", options.count() - 1),
        ("ArrowDown", 0),
        ("ArrowDown", 1),
    ):
        page.keyboard.press(key)
        expect(options.nth(chosen)).to_have_attribute("aria-selected", "true")
        assert box.get_attribute("aria-activedescendant") == options.nth(chosen).get_attribute("id")
        expect(page.locator("[role=option][aria-selected=true]")).to_have_count(1)
    accessible(page)
    account = options.nth(1).locator("strong").inner_text()
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/w/customer/account?account_no={account}")


def test_personal_data_is_masked_until_revealed_with_a_reason(enter: Enter) -> None:
    page = enter("billing", path=f"/w/customer/account?account_no={ACCOUNT}")
    expect(page.get_by_role("heading", level=1)).to_contain_text("林*")
    assert "林庆娟" not in page.content()
    page.get_by_role("button", name="查看完整信息").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("textbox").fill("核对欠费催缴电话")
    dialog.get_by_role("button", name="查看完整信息").click()
    expect(dialog).to_contain_text("林庆娟")


def test_a_list_is_worked_by_keyboard_alone(enter: Enter) -> None:
    page = enter("billing", path="/w/customer/accounts")
    page.get_by_label("户号/户名/电话/地址/拼音").fill("米西村")
    page.keyboard.press("Enter")
    expect(page.get_by_text("共 15 条")).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    drawer = page.locator(".el-drawer")
    expect(drawer).to_contain_text("客户全貌")
    page.keyboard.press("Escape")
    expect(drawer).to_be_hidden()


def test_the_language_changes_the_whole_page(enter: Enter, accessible: Callable[[Page], None]) -> None:
    page = enter("billing", path="/w/customer/accounts", language="en-US")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Customers")
    expect(page.get_by_role("columnheader", name="Account no.")).to_be_visible()
    accessible(page)


def test_a_station_clerk_sees_own_customers_only(enter: Enter) -> None:
    page = enter("station", path="/w/customer/accounts")
    grid = page.get_by_role("grid", name="客户档案")
    expect(grid.locator("tbody tr").first).to_be_visible()
    units = set(grid.locator("tbody td[data-label='供电单位']").all_inner_texts())
    assert units == {"三甲供电所"}
    page.goto(f"/w/customer/account?account_no={ACCOUNT}")
    expect(page.get_by_text("未找到该用户").first).to_be_visible()


@pytest.mark.parametrize(
    ("user", "has", "lacks"),
    [
        ("cashier", "柜台收费", "试算平衡表"),
        ("auditor", "审计日志", "柜台收费"),
        ("admin", "用户", "电费账单"),
        ("reader", "抄表进度", "柜台收费"),
    ],
)
def test_menus_are_those_of_the_post(enter: Enter, user: str, has: str, lacks: str) -> None:
    page = enter(user)
    folded = page.locator(".menu__head[aria-expanded=false]")
    while folded.count():
        folded.first.click()
    menu = page.get_by_role("navigation", name="菜单")
    expect(menu.get_by_role("link", name=has, exact=True)).to_be_visible()
    expect(menu.get_by_role("link", name=lacks, exact=True)).to_have_count(0)


def test_signing_out_closes_the_session_for_good(enter: Enter) -> None:
    page = enter("billing", path="/w/customer/accounts")
    page.locator(".top__user").click()
    page.get_by_role("menuitem", name="退出登录").click()
    page.wait_for_url("**/sign-in")
    page.go_back()
    page.goto("/w/customer/accounts")
    page.wait_for_url("**/sign-in?**")


@pytest.mark.parametrize("width", [390, 1366])
def test_nothing_is_wider_than_the_window(enter: Enter, width: int) -> None:
    page = enter("billing", path="/w/customer/accounts", width=width)
    expect(page.locator("tbody tr").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= width


FIRST_LIST_BYTES = 220_000


def test_the_first_list_page_is_light(enter: Enter, browser: Browser) -> None:
    """Everything that a browser with an empty cache gets for the first list, headers and all."""
    signed_in = enter("billing")
    state = signed_in.context.storage_state()
    context = browser.new_context(base_url=signed_in.context.pages[0].url.split("/w/")[0], storage_state=state)
    page = context.new_page()
    network = context.new_cdp_session(page)
    network.send("Network.enable")
    sizes: list[int] = []
    network.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
    page.goto("/w/customer/accounts")
    page.locator("tbody tr").first.wait_for()
    page.wait_for_load_state("networkidle")
    context.close()
    assert 50_000 < sum(sizes) < FIRST_LIST_BYTES, f"{sum(sizes)} bytes in {len(sizes)} replies"

"""The month's run in the browser: started by a button, followed live, its bills opened down to the register."""

import re
from collections.abc import Callable
from decimal import Decimal

import pytest
from playwright.sync_api import Page, expect
from tests.browser.conftest import Enter
from tests.browser.product import MONTH, RUN_S, Product

from denghuo_verify.main import main as verify


def test_the_month_is_started_followed_and_done(enter: Enter, accessible: Callable[[Page], None]) -> None:
    page = enter("billing", path=f"/w/billing/run?month={MONTH}")
    page.get_by_role("button", name="启动月度核算").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="启动月度核算").click()
    expect(dialog).to_be_hidden()
    steps = page.locator(".steps__item")
    expect(steps.first).to_be_visible()
    expect(page.locator(".steps__item.mark-good")).to_have_count(steps.count(), timeout=RUN_S * 1000)
    expect(page.get_by_role("progressbar").first).to_have_attribute("aria-valuenow", "100")
    issued = page.locator(".stat", has_text="已发行").locator(".stat__value")
    expect(issued).to_have_text(re.compile(r"^[1-9][0-9],?[0-9]*|^[1-9],[0-9]{3}"))
    accessible(page)


def test_a_month_that_was_not_started_is_not_followed(enter: Enter) -> None:
    page = enter("billing", path="/w/billing/run?month=2026-12")
    expect(page.locator(".state", has_text="2026-12").first).to_be_visible()
    expect(page.locator(".fresh__again").first).to_be_visible()
    expect(page.locator(".fresh__live")).to_have_count(0)


def test_a_bill_opens_down_to_its_registers_and_its_arithmetic(
    enter: Enter, billed: Product, accessible: Callable[[Page], None]
) -> None:
    page = enter("billing", path=f"/w/billing/bills?month={MONTH}")
    grid = page.get_by_role("grid", name="电费账单")
    grid.locator("tbody tr", has_text="居民生活").first.click()
    page.wait_for_url("**/w/billing/bill?bill_no=*")
    # A bill says where it belongs, in the crumbs and in the menu.
    above = page.get_by_role("navigation", name="位置")
    expect(above).to_contain_text("核算管理")
    expect(above.get_by_role("link", name="电费账单")).to_have_attribute("href", "/w/billing/bills")
    menu = page.get_by_role("navigation", name="菜单")
    expect(menu.locator("[aria-current=page]")).to_have_text("电费账单")
    line = page.locator(".explain__line").first
    line.click()
    how = page.locator(".explain__how").first
    expect(how.locator(".how__sum")).to_contain_text("×")
    expect(how.locator(".how__registers tbody tr").first).to_be_visible()
    expect(how.locator(".how__facts")).to_contain_text("依据文号")
    accessible(page)


def test_the_lines_of_a_bill_add_up_to_its_total(enter: Enter, billed: Product) -> None:
    page = enter("billing", path=f"/w/billing/bills?month={MONTH}")
    page.get_by_role("grid", name="电费账单").locator("tbody tr").first.click()
    page.wait_for_url("**/w/billing/bill?bill_no=*")
    page.locator(".explain__line").first.wait_for()
    amounts = [_fen(text) for text in page.locator(".explain__line td:last-child").all_inner_texts()]
    total = _fen(page.locator(".explain__total").inner_text())
    assert amounts and sum(amounts) == total
    # What each item comes to per kWh stands beside it; the items together are the bill.
    averages = page.get_by_role("grid", name="均价").locator("tbody tr").filter(has_text="—")
    assert sum(_fen(row.locator("td").nth(3).inner_text()) for row in averages.all()) == total


def _fen(text: str) -> int:
    return round(float(re.sub(r"[^0-9.−-]", "", text).replace("−", "-")) * 100)


def test_a_bill_is_kept_as_a_pdf(enter: Enter, billed: Product) -> None:
    page = enter("billing", path=f"/w/billing/bills?month={MONTH}")
    page.get_by_role("grid", name="电费账单").locator("tbody tr", has_text="已发行").first.click()
    with page.expect_download() as kept:
        page.get_by_role("button", name="下载 PDF").click()
    path = kept.value.path()
    assert path.read_bytes().startswith(b"%PDF-") and kept.value.suggested_filename.endswith(".pdf")


def test_a_bill_is_verified_from_the_files_of_its_page(enter: Enter, billed: Product) -> None:
    page = enter("billing", path=f"/w/billing/bills?month={MONTH}")
    page.get_by_role("grid", name="电费账单").locator("tbody tr", has_text="已发行").first.click()
    kept = {}
    for label in ("下载核验文件", "下载示数文件"):
        with page.expect_download() as found:
            page.get_by_role("button", name=label).click()
        kept[label] = str(found.value.path())
    files = [kept["下载核验文件"], "--readings", kept["下载示数文件"]]
    # The proof follows the issue by a job, so the figures alone are asked for here.
    assert verify([*files, "--without-proof"]) == 0


@pytest.mark.scope("B05-14")
@pytest.mark.parametrize("width", [1440, 390])
def test_the_review_lets_nearly_all_pass_and_names_where_to_look_for_the_rest(
    enter: Enter, billed: Product, accessible: Callable[[Page], None], width: int
) -> None:
    with billed.session("billing") as client:
        board = billed.ask(client, "billing.review_board", month=MONTH)
    assert board["accounts"] > 7_000 and Decimal(board["passed_share"]) >= Decimal("99.5")
    assert {row["cause"] for row in board["rules"]} == {"collection", "record"}
    page = enter("billing", path=f"/w/billing/review?month={MONTH}", width=width)
    expect(page.locator(".stat", has_text="自动通过率").locator(".stat__value").first).to_have_text(
        board["passed_share"]
    )
    for told in ("抄表示数未确定", "采集抄表", "档案"):
        expect(page.locator("main").get_by_text(told, exact=True).first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    accessible(page)


def test_a_held_bill_is_let_go_with_a_reason(enter: Enter, billed: Product) -> None:
    page = enter("billing", path="/w/billing/exceptions")
    page.locator(".filters__item", has_text="可放行").locator(".el-select__wrapper").click()
    page.get_by_role("option", name="是", exact=True).click()
    row = page.get_by_role("grid", name="核算异常").locator("tbody tr").first
    row.locator("td[data-label='户号']").click()
    drawer = page.locator(".el-drawer")
    expect(drawer).to_contain_text("怎么处理")
    drawer.get_by_role("button", name="放行").click()
    dialog = page.get_by_role("dialog", name="放行")
    dialog.get_by_role("textbox").fill("已电话核实，电量属实")
    dialog.get_by_role("button", name="放行").click()
    expect(dialog.get_by_role("status")).to_contain_text("发行")
    dialog.locator(".form__acts button").click()
    expect(drawer.get_by_text("已放行").first).to_be_visible()


@pytest.mark.scope("B05-15")
def test_a_held_read_is_accepted_and_the_account_is_billed(enter: Enter, billed: Product) -> None:
    """The zero run of the demo month: a clerk says that it is right, and the bill follows by itself."""
    page = enter("billing", path=f"/w/reading/exceptions?month={MONTH}")
    row = page.get_by_role("grid", name="抄表异常").locator("tbody tr", has_text="M01213")
    account = row.locator("td[data-label='户号']").inner_text()
    row.get_by_role("button", name="确认有效").click()
    dialog = page.get_by_role("dialog", name="确认有效")
    dialog.get_by_role("textbox").fill("现场核实：门店整月停业")
    dialog.get_by_role("button", name="确认有效").click()
    expect(dialog).to_be_hidden()
    with billed.session("billing") as client:
        billed.until(
            lambda: billed.ask(client, "billing.exceptions", keyword=account, code="read_held"),
            lambda found: {row["state"] for row in found["rows"]} == {"resolved"},
        )
    page.goto(f"/w/customer/account?account_no={account}")
    expect(page.locator("td[data-label='电费年月']").first).to_have_text(MONTH)


def test_a_station_sees_its_own_bills_only(enter: Enter, billed: Product) -> None:
    page = enter("station", path=f"/w/billing/bills?month={MONTH}")
    grid = page.get_by_role("grid", name="电费账单")
    grid.locator("tbody tr").first.wait_for()
    assert set(grid.locator("td[data-label='供电单位']").all_inner_texts()) == {"三甲供电所"}

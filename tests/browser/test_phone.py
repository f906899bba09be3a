"""The customer's phone: own bills explained, paid through the sandbox channel, in both languages, and honest without a network."""

import csv
import pathlib
import re
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect
from tests.browser.conftest import WAIT_MS, Watch
from tests.browser.product import MONTH, Product
from tests.service.reading.foreign.given import nem12

from denghuo_verify.main import main as verify

SMALLEST = 44


@dataclass(frozen=True)
class Customer:
    user: str
    password: str
    account: str


@pytest.fixture(scope="session")
def customer(billed: Product) -> Customer:
    """A customer of a unit whose accounts no other test pays, with a login of their own and a bill that is open."""
    with billed.session("ledger") as client:
        found = billed.ask(
            client,
            "ledger.receivables",
            month=MONTH,
            state="open",
            kind="supply",
            org="1405810.03",
            tariff_class="resident",
            limit=200,
        )
        account = found["rows"][-1]["account_no"]
    password = secrets.token_urlsafe(12)
    with billed.session("admin") as client:
        billed.ask(client, "access.enrol_customer", user_name=account, password=password, accounts=[account])
    return Customer(account, password, account)


@pytest.fixture
def phone(billed: Product, browser: Browser) -> Iterator[Callable[..., Page]]:
    """`phone("zh-CN")` gives the sign-in of the phone page on a phone's screen; watched like every page."""
    watch = Watch(billed.url)
    contexts = []

    def opened(language: str = "zh-CN") -> Page:
        context = browser.new_context(
            base_url=billed.url,
            locale=language,
            viewport={"width": 390, "height": 844},
            device_scale_factor=2,
            is_mobile=True,
            has_touch=True,
            timezone_id="Asia/Shanghai",
        )
        contexts.append(context)
        context.set_default_timeout(WAIT_MS)
        page = context.new_page()
        watch.over(page)
        page.goto("/phone")
        page.wait_for_selector("input[name=username]")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert watch.faults == []


def signed_in(page: Page, user: str, password: str) -> None:
    page.fill("input[name=username]", user)
    page.fill("input[name=password]", password)
    page.press("input[name=password]", "Enter")


def grouped(amount: str) -> str:
    whole, _, fraction = amount.partition(".")
    return f"{int(whole):,}.{fraction}"


def asked(page: Page, operation: str, request: dict[str, Any]) -> Any:
    """What the page itself would be answered: asked with its session and token."""
    return page.evaluate(
        """async ([operation, request]) => {
            const ask = (path, body, token) => fetch(`/api/${path.replace('.', '/')}`, {method: 'POST',
                headers: {'Content-Type': 'application/json', ...(token ? {'X-CSRF-Token': token} : {})},
                body: JSON.stringify(body)}).then((answer) => answer.json())
            const {csrf} = await ask('access.session', {})
            return ask(operation, request, csrf)
        }""",
        [operation, request],
    )


def small_targets(page: Page) -> list[str]:
    """Links, buttons and fields that a thumb cannot hit."""
    found: list[str] = page.evaluate(
        "least => [...document.querySelectorAll('a, button, select, summary, input')].filter(node => node.offsetParent)"
        ".filter(node => { const box = node.getBoundingClientRect(); return box.width < least || box.height < least })"
        ".map(node => node.className || node.tagName)",
        SMALLEST,
    )
    return found


def test_a_bill_is_read_line_by_line_and_paid(
    phone: Callable[..., Page], billed: Product, customer: Customer, accessible: Callable[[Page], None]
) -> None:
    page = phone()
    accessible(page)
    signed_in(page, customer.user, customer.password)
    page.wait_for_selector(".bills__one")
    bills = asked(page, "billing.my_bills", {})["rows"]
    supply = next(bill for bill in bills if bill["kind"] == "supply" and bill["month"] == MONTH)
    lines = asked(page, "billing.my_bill", {"bill_no": supply["bill_no"]})["lines"]
    expect(page.locator(".bills__one")).to_have_count(len(bills))
    expect(page.locator(".hero__amount")).to_have_text(re.compile(r"^[0-9,]+\.[0-9]{2}$"))
    accessible(page)
    assert small_targets(page) == []
    page.locator(f"a[href$='{supply['bill_no']}']").click()
    expect(page.locator(".bill__amount")).to_contain_text(grouped(supply["amount"]))
    expect(page.locator("details.line")).to_have_count(len(lines))
    first = page.locator("details.line").first
    first.locator("summary").click()
    expect(first.locator(".line__how")).to_contain_text(lines[0]["sentence"]["zh"][:20])
    expect(first.locator(".line__basis")).to_contain_text(lines[0]["document_no"])
    accessible(page)
    assert small_targets(page) == []
    with page.expect_download() as kept:
        page.get_by_role("button", name="下载账单").click()
    assert kept.value.path().read_bytes().startswith(b"%PDF-")
    with page.expect_download() as kept:
        page.get_by_role("button", name="下载核验文件").click()
    # The proof follows the issue by a job, so the figures alone are asked for here.
    assert kept.value.suggested_filename == f"bill-{supply['bill_no']}.json"
    assert verify([str(kept.value.path()), "--without-proof"]) == 0
    page.get_by_role("button", name=re.compile("缴费 ¥")).click()
    sheet = page.get_by_role("dialog", name="确认缴费")
    expect(sheet).to_contain_text("不会真的扣款")
    accessible(page)
    sheet.get_by_role("button", name="确认支付").click()
    expect(sheet).to_contain_text("支付成功")
    expect(sheet).to_contain_text(re.compile(r"收款凭证号 [A-Z]{2}[0-9]{18}"))
    accessible(page)
    sheet.get_by_role("button", name="完成").click()
    expect(page.locator(".bill__month .tag")).to_have_text("已缴清")
    page.goto("/phone#/payments")
    expect(page.locator(".payment").first).to_contain_text("沙箱")
    accessible(page)


def test_a_customer_downloads_his_own_data(
    phone: Callable[..., Page],
    billed: Product,
    customer: Customer,
    accessible: Callable[[Page], None],
    tmp_path: pathlib.Path,
) -> None:
    page = phone()
    signed_in(page, customer.user, customer.password)
    page.wait_for_selector(".bills__one")
    page.goto("/phone#/use")
    data = page.locator("section", has_text="我的用电数据")
    button = data.get_by_role("button", name="下载用电数据")
    # The newest month is chosen at first; whether that is this one depends on what was read meanwhile.
    for label in ("起始月份", "截止月份"):
        data.get_by_label(label).select_option(MONTH)
    data.get_by_label("文件格式").select_option("csv")
    button.scroll_into_view_if_needed()
    accessible(page)
    assert small_targets(page) == []
    # Whoever is read once a day has no quarter-hours to take away, and is told so.
    button.click()
    expect(data.get_by_role("alert")).to_contain_text("没有 15 分钟数据")
    meter = asked(page, "reading.my_reads", {"account_no": customer.account})["rows"][0]["meter_no"]
    values = nem12((f"{MONTH.replace('-', '')}10", ["0.05"] * 96, "A"), meter=meter, minutes=15)
    (tmp_path / "sent.csv").write_text(values, encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "denghuo",
        "--data",
        str(billed.folder),
        "import-readings",
        str(tmp_path / "sent.csv"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    with page.expect_download() as kept:
        button.click()
    assert kept.value.suggested_filename.startswith(f"{customer.account}-{MONTH}-01-")
    rows = list(csv.DictReader(kept.value.path().read_text("utf-8").splitlines()))
    assert len(rows) >= 96 and {row["meter_no"] for row in rows} == {meter}
    assert [
        row["kwh"] for row in rows if row["begins"].startswith(f"{MONTH}-10") and row["series"] == "active_fwd_wh"
    ] == ["0.05"] * 96


def test_anyone_compares_the_root_of_a_day_without_a_session(billed: Product) -> None:
    with billed.session("billing") as client:
        found = billed.ask(client, "billing.bills", month=MONTH, state="issued", limit=1)["rows"][0]
        run = billed.ask(client, "billing.bill", bill_no=found["bill_no"])["run_no"]
    asked = {"issued_on": found["issued_on"], "month": MONTH, "run_no": run}

    def root() -> dict[str, Any]:
        answer = httpx.post(f"{billed.url}/api/billing/day_root", json=asked)
        assert answer.status_code == 200
        told: dict[str, Any] = answer.json()
        return told

    assert re.fullmatch("[0-9a-f]{64}", billed.until(root, lambda told: told["run_root"])["run_root"])
    assert httpx.post(f"{billed.url}/api/billing/bill_file", json={"bill_no": found["bill_no"]}).status_code == 401


def test_every_page_in_english_is_accessible(
    phone: Callable[..., Page], billed: Product, customer: Customer, accessible: Callable[[Page], None]
) -> None:
    page = phone("en-GB")
    signed_in(page, customer.user, customer.password)
    expect(page.get_by_text("To be paid (yuan)")).to_be_visible()
    for name, seen in (("Usage", "Day by day"), ("Messages", "Messages"), ("Me", "Sign out")):
        page.locator("nav").get_by_text(name, exact=True).click()
        expect(page.get_by_text(seen).first).to_be_visible()
        accessible(page)
        assert small_targets(page) == []
    page.get_by_role("button", name=re.compile("Language")).click()
    expect(page.get_by_text("退出登录")).to_be_visible()
    assert page.evaluate("document.documentElement.lang") == "zh-CN"


def test_without_a_network_it_says_so_and_keeps_what_it_showed(
    phone: Callable[..., Page], billed: Product, customer: Customer
) -> None:
    page = phone()
    signed_in(page, customer.user, customer.password)
    page.locator(".bills__one").first.wait_for()
    page.context.set_offline(True)
    expect(page.locator(".offline")).to_contain_text("网络已断开")
    expect(page.locator(".bills__one").first).to_be_visible()
    page.context.set_offline(False)
    expect(page.locator(".offline")).to_have_count(0)


def test_a_wrong_password_is_told_and_staff_are_shown_their_door(
    phone: Callable[..., Page], billed: Product, customer: Customer
) -> None:
    page = phone()
    signed_in(page, customer.user, "wrong")
    expect(page.get_by_role("alert")).to_contain_text("用户名或密码不正确")
    signed_in(page, "manager", billed.password("manager"))
    expect(page.get_by_text("没有绑定户号")).to_be_visible()

"""A customer reports the meter on their phone on the reading day, and the office looks at what is doubtful: on a product whose
clock stands at that day."""

import datetime
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from tests.browser.companies import small_company
from tests.browser.conftest import WAIT_MS, Look, NewFolder, Watch, choose, sign_in
from tests.browser.product import Product, running
from tests.browser.test_phone import asked, signed_in, small_targets

UNIT, MONTH = "1405810.03", "2026-05"
AREAS = ("TG026", "TG027")
"""Of the unit."""
READING_DAY = datetime.datetime.fromisoformat("2026-06-01T10:00:00+08:00")


@dataclass(frozen=True)
class Home:
    account_no: str
    meter_no: str
    password: str


@pytest.fixture(scope="module")
def june(new_folder: NewFolder, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    company = small_company(tmp_path_factory.mktemp("company"), AREAS)
    with running(new_folder("june"), company, at=READING_DAY) as started:
        yield started


@pytest.fixture(scope="module")
def home(june: Product) -> Home:
    """A customer whose meter showed nothing at the end of May, so that its read is held; with a login."""
    with june.session("reader") as client:
        for month in ("2026-04", MONTH):
            june.ask(client, "reading.read_unit", month=month, org=UNIT)
        held = june.ask(client, "reading.reads", month=MONTH, org=UNIT, status="held", rule="missing", limit=200)[
            "rows"
        ]
        steady = june.ask(client, "reading.reads", month="2026-04", org=UNIT, status="valid", limit=200)["rows"]
    using = {row["account_no"] for row in steady if row["energy"] and Decimal(row["energy"]) > 60}
    found = next(row for row in held if row["role"] == "sale" and row["start"] and row["account_no"] in using)
    password = secrets.token_urlsafe(12)
    account_no = found["account_no"]
    with june.session("admin") as client:
        june.ask(client, "access.enrol_customer", user_name=account_no, password=password, accounts=[account_no])
    return Home(account_no, found["meter_no"], password)


@pytest.fixture
def at(june: Product, browser: Browser) -> Iterator[Callable[[str, int], Page]]:
    """`at("/phone", 390)` gives a watched page of the June product."""
    watch, contexts = Watch(june.url), list[BrowserContext]()

    def opened(path: str, width: int) -> Page:
        context = browser.new_context(
            base_url=june.url,
            locale="zh-CN",
            viewport={"width": width, "height": 900},
            timezone_id="Asia/Shanghai",
            reduced_motion="reduce",
        )
        contexts.append(context)
        context.set_default_timeout(WAIT_MS)
        page = context.new_page()
        watch.over(page)
        page.goto(path)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert watch.faults == []


def usual(register: dict[str, Any], days: int = 31) -> str:
    """What the register shows after so many usual days."""
    return str(round(Decimal(register["last"]) + days * Decimal(register["usual_a_day"])))


@pytest.mark.scope("B04-08")
def test_a_customer_reports_the_meter_and_the_office_looks_at_what_is_doubtful(
    june: Product, home: Home, at: Callable[[str, int], Page], at_both_widths: Look
) -> None:
    page = at("/phone", 390)
    page.wait_for_selector("input[name=username]")
    signed_in(page, home.account_no, home.password)
    page.locator("nav").get_by_text("用电", exact=True).click()
    page.get_by_role("link", name="自报读数").click()
    expect(page.get_by_role("heading", name=home.meter_no)).to_contain_text("现在可报")
    expect(page.locator(".field__facts")).to_contain_text("5 月 29 日 – 6 月 6 日")
    (meter,) = asked(page, "reading.my_meters", {"account_no": home.account_no})["rows"]
    (register,) = meter["registers"]
    send = page.get_by_role("button", name="报送")
    number, shown = page.get_by_label("电表上的编号"), page.get_by_label("正向有功 总")
    expect(send).to_be_disabled()
    assert small_targets(page) == []
    at_both_widths(page)

    # A neighbour's meter.
    number.fill("zzzz")
    shown.fill(usual(register))
    send.click()
    expect(page.get_by_role("alert")).to_contain_text(f"本户电表：{home.meter_no}")
    number.fill(home.meter_no[-4:])

    shown.fill("12345678901")
    expect(page.get_by_text("表计显示不出这个数")).to_be_visible()
    expect(send).to_be_disabled()
    shown.fill("0")
    expect(page.get_by_text("小于上次示数")).to_be_visible()
    expect(send).to_be_disabled()
    at_both_widths(page)
    shown.fill(usual(register))
    send.click()
    expect(page.get_by_text("已收到：已采用")).to_be_visible()
    expect(page.locator(".field__mine")).to_contain_text("已采用")
    assert small_targets(page) == []
    at_both_widths(page)

    def read() -> Any:
        with june.session("manager") as client:
            (row,) = june.ask(client, "reading.reads", month=MONTH, account_no=home.account_no)["rows"]
        return row

    told = june.until(read, lambda row: row["method"] == "self_read")
    assert (told["status"], told["rule"]) == ("valid", "self_read")
    page.goto("/phone#/use")
    expect(page.locator(".register").first).to_contain_text("您自报")

    # They had misread it: far above the usual, and they are sure.
    page.goto("/phone#/report")
    number.fill(home.meter_no[-4:])
    shown.fill(usual(register, 31 * 4))
    expect(page.get_by_text("远高于平常用量")).to_be_visible()
    expect(send).to_be_disabled()
    page.get_by_label("我已核对，电表确实这样显示").check()
    page.get_by_label("说明（可不填）").fill("装了空调")
    send.click()
    expect(page.get_by_text("已收到：供电所核实后采用")).to_be_visible()
    expect(page.locator(".field__mine").nth(1)).to_contain_text("已被后来的自报取代")

    desk = at("/sign-in", 1440)
    sign_in(desk, "manager", june.password("manager"))
    desk.goto(f"/w/reading/self_reads?month={MONTH}&state=waiting")
    row = desk.get_by_role("row").filter(has_text=home.account_no)
    expect(row).to_contain_text("远高于平常用量")
    at_both_widths(desk)
    row.click()
    desk.wait_for_url("**/w/reading/self_read?**")
    expect(desk.locator(".detail__pair", has_text="说明")).to_contain_text("装了空调")
    at_both_widths(desk)
    desk.get_by_role("button", name="采用", exact=True).click()
    dialog = desk.get_by_role("dialog", name="采用")
    dialog.get_by_label("事由").fill("电话核对，新装空调")
    dialog.get_by_role("button", name="采用", exact=True).click()
    expect(desk.locator(".detail__pair", has_text="状态")).to_contain_text("已核实采用")
    assert read()["method"] == "self_read"

    page.reload()
    expect(page.locator(".field__mine").first).to_contain_text("已核实采用")
    expect(page.locator(".field__mine").first).to_contain_text("电话核对，新装空调")

    # From the next reading day on the unit lets its customers report a day before it and two after.
    desk.goto("/w/reading/self_read_days")
    desk.get_by_role("button", name="登记自报时间").click()
    dialog = desk.get_by_role("dialog", name="登记自报时间")
    choose(dialog, "供电单位", "寺庄供电所")
    for label, value in (
        ("抄表日前(天)", "1"),
        ("抄表日后(天)", "2"),
        ("起始日期", "2026-06-02"),
        ("事由", "农忙季节"),
    ):
        dialog.get_by_label(label).fill(value)
        dialog.get_by_label(label).press("Tab")
    dialog.get_by_role("button", name="登记自报时间").click()
    expect(dialog).to_be_hidden()
    expect(desk.locator("tr, .card", has_text="2026-06-02").first).to_contain_text("农忙季节")
    at_both_widths(desk)
    with june.session("manager") as client:
        (unit,) = [
            row for row in june.ask(client, "reading.self_read_days", on="2026-07-01")["rows"] if row["org"] == UNIT
        ]
    assert (unit["days_before"], unit["days_after"], unit["by_unit"]) == (1, 2, UNIT)

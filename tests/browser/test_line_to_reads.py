"""A line of a bill down to the 15-minute reads of its meter and the document it rests on: the customer's phone and the clerk's page
say the same, word for word."""

import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from tests.browser.conftest import Enter
from tests.browser.product import MONTH, Product
from tests.browser.test_curve_checks import imports
from tests.browser.test_phone import asked, signed_in

DAY = f"{MONTH}-12"


@dataclass(frozen=True)
class Read:
    """A customer with a login, a bill of the month, and a day of reads of the meter: kWh of each quarter of an hour."""

    user: str
    password: str
    bill: dict[str, Any]
    meter: str
    kwh: list[str]


@pytest.fixture(scope="module")
def read(billed: Product, tmp_path_factory: pytest.TempPathFactory) -> Read:
    with billed.session("billing") as client:
        found = {"month": MONTH, "state": "issued", "kind": "supply", "org": "1405810.04", "tariff_class": "resident"}
        row = billed.ask(client, "billing.bills", **found, limit=1)["rows"][0]
        bill = billed.ask(client, "billing.bill", bill_no=row["bill_no"])
    meter = bill["registers"][0]["meter_no"]
    kwh = [f"{0.02 + slot / 1000:.3f}" for slot in range(96)]
    begins = datetime.fromisoformat(DAY)
    rows = [f"{meter},{begins + timedelta(minutes=15 * slot)},{value}" for slot, value in enumerate(kwh)]
    folder = tmp_path_factory.mktemp("reads")
    (folder / "day.csv").write_text("\n".join(["表号,时间,电量", *rows]), encoding="utf-8")
    (folder / "mapping.yaml").write_text("table: {meter: 表号, at: 时间, values: 电量}\n", encoding="utf-8")
    done = imports(billed.folder, folder / "mapping.yaml", folder / "day.csv")
    assert done.returncode == 0, done.stdout + done.stderr
    password = secrets.token_urlsafe(12)
    with billed.session("admin") as client:
        user = f"reads-{secrets.token_hex(4)}"
        billed.ask(client, "access.enrol_customer", user_name=user, password=password, accounts=[bill["account_no"]])
    return Read(user, password, bill, meter, kwh)


@pytest.mark.scope("X-01")
@pytest.mark.parametrize("width", [390, 1440])
def test_a_customer_opens_each_line_to_its_reads_and_the_document(
    enter: Enter, read: Read, accessible: Callable[[Page], None], width: int
) -> None:
    page = enter(path="/", width=width)
    page.goto("/phone")
    page.locator("input[name=username]").wait_for()
    signed_in(page, read.user, read.password)
    page.locator(f"a[href$='{read.bill['bill_no']}']").click()
    lines = page.locator("details.line")
    expect(lines).to_have_count(len(read.bill["lines"]))
    for place, line in enumerate(read.bill["lines"]):
        shown = lines.nth(place)
        shown.locator("summary").click()
        expect(shown.locator(".line__how")).to_contain_text(line["sentence"]["zh"])
        expect(shown.locator(".line__basis")).to_contain_text(line["document_no"])
        expect(shown.locator(".line__sum")).to_have_text(line["arithmetic"])
    accessible(page)
    lines.first.get_by_role("link", name=re.compile(read.meter)).click()
    page.get_by_label("日期").select_option(index=11)
    for place in (0, 1, 95):
        hour = page.locator("article.register").nth(place // 4)
        expect(hour.locator("dd").nth(place % 4)).to_have_text(str(float(read.kwh[place])))
    accessible(page)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    # Nobody else's meter.
    other = asked(
        page, "reading.my_curve_month", {"meter_no": "M00001" if read.meter != "M00001" else "M00002", "month": MONTH}
    )
    assert other["type"].endswith("/curve-not-found")


@pytest.mark.scope("X-01")
@pytest.mark.parametrize("width", [1440, 390])
def test_the_clerk_sees_the_same_lines_and_the_same_reads(
    enter: Enter, read: Read, accessible: Callable[[Page], None], width: int
) -> None:
    page = enter("billing", path=f"/w/billing/bill?bill_no={read.bill['bill_no']}", width=width)
    page.get_by_role("button", name="全部展开").click()
    told = page.locator(".explain__how")
    expect(told).to_have_count(len(read.bill["lines"]))
    for place, line in enumerate(read.bill["lines"]):
        expect(told.nth(place).locator(".how__sentence")).to_have_text(line["sentence"]["zh"])
        expect(told.nth(place).locator(".how__sum")).to_have_text(line["arithmetic"])
        expect(told.nth(place)).to_contain_text(line["document_no"])
    accessible(page)
    told.first.get_by_role("button", name=read.meter).first.click()
    page.wait_for_url("**/w/reading/meter_curve?**")
    page.get_by_label("日期").first.fill(DAY)
    page.keyboard.press("Enter")
    day = page.locator("section, .block", has=page.get_by_text("当日每 15 分钟电量")).last
    day.locator("summary").click()
    rows = day.locator("tbody tr")
    expect(rows).to_have_count(96)
    for place in (0, 1, 95):
        expect(rows.nth(place)).to_contain_text(str(float(read.kwh[place])))
    accessible(page)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")

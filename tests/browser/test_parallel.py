"""A parallel run in the browser: totals, the differences, one of them line by line in the drawer and as a page."""

import hashlib
from decimal import Decimal
from typing import Any

import pytest
from playwright.sync_api import expect
from tests.browser.conftest import Enter, Look
from tests.browser.product import MONTH, Product


@pytest.fixture(scope="session")
def compared(billed: Product) -> tuple[dict[str, Any], dict[str, Any]]:
    """A finished run of three old bills, the second of them 0.37 yuan more than ours: the run and that bill of ours."""
    with billed.session("billing") as client:
        asked = {"month": MONTH, "state": "issued", "kind": "supply", "tariff_class": "resident", "limit": 3}
        ours = billed.ask(client, "billing.bills", **asked)["rows"]
        old = [
            {"account_no": bill["account_no"], "amount": bill["amount"], "energy": bill["energy"], "file_line": line}
            for line, bill in enumerate(ours, 2)
        ]
        old[1]["amount"] = str(Decimal(old[1]["amount"]) + Decimal("0.37"))
        digest = hashlib.sha256(repr(old).encode()).hexdigest()
        run = billed.ask(client, "billing.begin_parallel_run", month=MONTH, digest=digest, file_name="旧系统.csv")
        billed.ask(client, "billing.hand_old_bills", run_no=run["run_no"], bills=old, last=True)
        done = billed.until(
            lambda: billed.ask(client, "billing.parallel_run", run_no=run["run_no"]),
            lambda found: found["state"] == "done",
        )
    return done, ours[1]


def test_a_difference_is_read_line_by_line(
    enter: Enter,
    compared: tuple[dict[str, Any], dict[str, Any]],
    at_both_widths: Look,
) -> None:
    run, bill = compared
    page = enter("billing", path=f"/w/billing/parallel_run?run_no={run['run_no']}")
    gate = page.locator(".stat", has_text="上线门槛").first
    expect(gate.get_by_text("不可上线")).to_be_visible()
    expect(page.get_by_text("仅本系统有").first).to_be_visible()
    at_both_widths(page)
    page.goto(
        f"/w/billing/parallel_difference?run_no={run['run_no']}&account_no={bill['account_no']}&kind=supply",
    )
    expect(page.get_by_text("未能解释").first).to_be_visible()
    expect(page.get_by_text("−0.37").first).to_be_visible()
    expect(page.get_by_text("电度电价").first).to_be_visible()
    expect(page.get_by_text(bill["bill_no"])).to_be_visible()
    at_both_widths(page)


def test_the_drawer_opens_from_the_list_of_differences(
    enter: Enter, compared: tuple[dict[str, Any], dict[str, Any]]
) -> None:
    run, bill = compared
    page = enter("billing", path=f"/w/billing/parallel_run?run_no={run['run_no']}")
    page.get_by_role("textbox", name="户号", exact=True).fill(bill["account_no"])
    page.get_by_role("button", name="查询").first.click()
    expect(page.locator("tbody tr", has_text="仅本系统有")).to_have_count(1)
    page.locator("tbody tr", has_text=bill["account_no"]).first.click()
    drawer = page.get_by_role("dialog")
    expect(drawer.get_by_text("逐行比对")).to_be_visible()
    expect(drawer.get_by_text("0.37").first).to_be_visible()

"""A table of readings imported beside the running product; its gap is estimated, told and drawn beside what was received."""

import pathlib
import subprocess
import sys
from datetime import datetime, timedelta

import pytest
from playwright.sync_api import expect
from tests.browser.conftest import Enter, Look
from tests.browser.product import Product
from tests.service.reading.foreign.given import nem12

from denghuo.service.reading.foreign.espi import read_espi

METER, OTHER, DAY = "M00001", "M00002", "2026-04-12"
MAPPING = "table: {meter: 表号, at: 时间, values: 电量}\nmeters: {old-1: M00001}\n"


@pytest.fixture(scope="module")
def imported(product: Product, tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the import said of a day with a gap of two hours and a row that cannot be read."""
    folder = tmp_path_factory.mktemp("readings")
    begins = datetime.fromisoformat(DAY)
    rows = [
        f"old-1,{begins + timedelta(minutes=15 * slot)},{0.05 + slot / 1000:.3f}"
        for slot in range(96)
        if not 40 <= slot < 48
    ]
    (folder / "april.csv").write_text("\n".join(["表号,时间,电量", *rows, "old-1,昨天,1"]), encoding="utf-8")
    (folder / "mapping.yaml").write_text(MAPPING, encoding="utf-8")
    done = imports(product.folder, folder / "mapping.yaml", folder / "april.csv")
    assert done.returncode == 1, done.stdout + done.stderr
    with product.session("reader") as client:
        product.until(
            lambda: product.ask(client, "reading.curve_exceptions", month=DAY[:7], meter_no=METER),
            lambda found: found["total"],
        )
    return done.stdout


def imports(data: pathlib.Path, mapping: pathlib.Path, file: pathlib.Path) -> "subprocess.CompletedProcess[str]":
    """A table of readings imported into the data folder of the running product."""
    return _denghuo(data, "import-readings", "--mapping", mapping, file)


def _denghuo(data: pathlib.Path, *arguments: str | pathlib.Path) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "denghuo", "--data", str(data), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300)


def test_a_gap_is_told_and_drawn(enter: Enter, at_both_widths: Look, imported: str, product: Product) -> None:
    assert "taken 88" in imported and "april.csv:90 时间 “昨天”" in imported
    # What counts is exported with its estimates beside the running product.
    target = product.folder / "out.csv"
    done = _denghuo(product.folder, "export-readings", "--format", "csv", "--from", DAY, "--to", DAY, target, METER)
    rows = target.read_text("utf-8").splitlines()
    assert done.returncode == 0 and len(rows) == 97, done.stdout + done.stderr
    assert sum(row.endswith(",1,denghuo register_linear") for row in rows) == 8
    page = enter("reader", path="/w/reading/curve_exceptions?month=2026-04")
    expect(page.locator(".bench")).to_contain_text(METER)
    expect(page.locator(".bench")).to_contain_text("示数差按直线分摊")
    at_both_widths(page)
    page.goto(f"/w/reading/checked_curve?meter_no={METER}&day={DAY}&series=active_fwd_wh")
    expect(page.get_by_text("估计点数", exact=True)).to_be_visible()
    expect(page.locator(".bench")).to_contain_text("空心点为估算")
    expect(page.get_by_role("img", name="当日曲线")).to_be_visible()
    at_both_widths(page)


def test_what_a_sender_estimated_is_told_so_and_passed_on_in_the_customers_file(
    enter: Enter, accessible: Look, at_both_widths: Look, product: Product, tmp_path: pathlib.Path
) -> None:
    day, values = "2026-04-08", ["0.125"] * 96
    said = nem12(
        (day.replace("-", ""), values, "V"), meter=OTHER, minutes=15, after=("400,1,92,A,,", "400,93,96,E52,,")
    )
    (tmp_path / "sent.csv").write_text(said, encoding="utf-8")
    done = _denghuo(product.folder, "import-readings", tmp_path / "sent.csv")
    assert done.returncode == 0 and "estimated by the sender 4" in done.stdout, done.stdout + done.stderr
    with product.session("reader") as client:
        asked = {"meter_no": OTHER, "day": day}
        product.until(
            lambda: product.ask(client, "reading.checked_curve", **asked),
            lambda curve: curve["statuses"][0] is not None,
        )
        account = product.ask(client, "reading.curve_exceptions", month=day[:7], meter_no=OTHER)["rows"][0][
            "account_no"
        ]
    page = enter("reader", path=f"/w/reading/checked_curve?meter_no={OTHER}&day={day}&series=active_fwd_wh")
    expect(page.locator(".block", has_text="需要核实的时段")).to_contain_text("nem12 E52")
    at_both_widths(page)
    for width in (1440, 390):
        page = enter("reader", path=f"/w/customer/account?account_no={account}", width=width)
        page.get_by_role("button", name="导出用电数据").click()
        dialog = page.get_by_role("dialog", name="导出用电数据")
        dialog.get_by_label("起始日期").fill(day)
        dialog.get_by_label("截止日期").fill(day)
        page.keyboard.press("Tab")
        accessible(page)
        with page.expect_download() as kept:
            dialog.get_by_role("button", name="导出用电数据").click()
        assert kept.value.suggested_filename == f"{account}-{day}-{day}.xml"
        path = pathlib.Path(kept.value.path())
        (block,) = read_espi(lambda path=path: path.open("rb"))  # type: ignore[misc]
        assert block.numbers.tolist() == [125] * 96 and block.marks is not None
        assert block.marks.codes.nonzero()[0].tolist() == [92, 93, 94, 95]


def test_a_clerk_enters_a_value_with_a_reason_and_withdraws_it(enter: Enter, accessible: Look, imported: str) -> None:
    assert "taken 88" in imported
    page = enter("reader", path=f"/w/reading/curve_exceptions?month={DAY[:7]}", width=1440)
    page.get_by_role("row").filter(has_text=METER).click()
    page.get_by_role("button", name="录入电量").click()
    dialog = page.get_by_role("dialog", name="录入电量")
    dialog.get_by_label("时段电量").fill("1.6")
    dialog.get_by_label("事由").fill("现场抄见补录")
    accessible(page)
    dialog.get_by_role("button", name="录入电量").click()
    expect(dialog).to_be_hidden()
    spans = page.locator(".block", has_text="需要核实的时段")
    expect(spans).to_contain_text("人工编辑")
    expect(spans).to_contain_text("人工录入")
    expect(page.locator(".block", has_text="现场抄见补录").last).to_contain_text("生效")

    page = enter("reader", path=page.url, width=390)
    page.get_by_role("button", name="处理时段").click()
    dialog = page.get_by_role("dialog", name="处理时段")
    dialog.get_by_label("起（时:分）").fill("10:00")
    dialog.get_by_label("止（时:分）").fill("12:00")
    dialog.get_by_label("处理", exact=True).click()
    page.get_by_role("option", name="撤回", exact=True).filter(visible=True).click()
    dialog.get_by_label("事由").fill("与现场不符，撤回")
    dialog.get_by_role("button", name="处理时段").click()
    expect(dialog).to_be_hidden()
    expect(page.locator(".bench")).to_contain_text("示数差按直线分摊")
    expect(page.locator(".bench")).to_contain_text("已失效")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    accessible(page)


def test_a_month_of_a_meter_shows_registers_curve_and_share_estimated(
    enter: Enter, at_both_widths: Look, imported: str
) -> None:
    assert "taken 88" in imported
    page = enter("reader", path=f"/w/reading/meter_month?meter_no={METER}&month={DAY[:7]}")
    expect(page.get_by_text("估计占比").first).to_be_visible()
    expect(page.get_by_role("img", name="全月曲线")).to_be_visible()
    expect(page.locator(".bench")).to_contain_text(DAY)
    at_both_widths(page)
    page.get_by_role("button", name="导出全月曲线").click()
    with page.expect_download() as kept:
        page.get_by_role("dialog").get_by_role("button", name="导出全月曲线").click()
    assert kept.value.suggested_filename == f"{METER}-{DAY[:7]}.csv"
    assert f"{METER},active_fwd_wh" in pathlib.Path(kept.value.path()).read_text("utf-8")

"""A sender's table is mapped by a form with a preview, imported from the page, and its refusals are read and kept as a file."""

import pathlib

from playwright.sync_api import expect
from tests.browser.conftest import PHONE, Enter, Look

HEAD = "表号,时间,电量\n"
DAY = "".join(f"M00044,2026-04-13T{slot // 4:02}:{slot % 4 * 15:02}:00,0.25\n" for slot in range(96))
STRANGERS = "".join(f"X{number:03},2026-04-13T00:00:00,1\n" for number in range(120))


def test_a_table_is_mapped_imported_and_its_refusals_are_kept(
    enter: Enter, at_both_widths: Look, tmp_path: pathlib.Path
) -> None:
    path = tmp_path / "四月电量.csv"
    path.write_text(HEAD + DAY + STRANGERS + "M00044,昨天,1\n", encoding="utf-8")
    page = enter("reader", path="/w/reading/mappings")
    page.get_by_role("button", name="新建映射").click()
    page.locator("input[type=file]").set_input_files(path)
    for label, value in (("表号列", "表号"), ("时刻列", "时刻"), ("电量列", "电量")):
        page.get_by_label(label, exact=True).fill(value)
    page.get_by_role("button", name="预览").click()
    expect(page.get_by_text("缺少必需的列").first).to_be_visible()
    page.get_by_label("时刻列", exact=True).fill("时间")
    page.get_by_role("button", name="预览").click()
    expect(page.locator("tbody tr", has_text="M00044").first).to_contain_text("0.25")
    at_both_widths(page)
    page.get_by_role("button", name="保存").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("映射代码").fill("village")
    dialog.get_by_label("名称").fill("村集中器日表")
    dialog.get_by_role("button", name="保存").click()
    expect(page.get_by_role("heading", name="村集中器日表")).to_be_visible()
    with page.expect_download() as kept:
        page.get_by_role("button", name="导出 YAML").click()
    assert "meter: 表号" in pathlib.Path(kept.value.path()).read_text("utf-8")

    page = enter("reader", path="/w/reading/imports")
    expect(page.locator(".el-select__selected-item", has_text="格式：自动识别")).to_be_visible()
    page.locator("input[type=file]").set_input_files(path)
    page.get_by_role("combobox", name="映射").click(force=True)
    page.get_by_role("option", name="village 村集中器日表").click()
    at_both_widths(page)
    page.get_by_role("button", name="导入", exact=True).click()
    expect(page.get_by_role("heading", name="四月电量.csv")).to_be_visible()
    expect(page.locator("tbody tr", has_text="昨天")).to_contain_text("不是有效时刻")
    expect(page.get_by_text("144.000").first).to_be_visible()
    # Done: of what the platform did not take all is counted.
    expect(page.get_by_text("121", exact=True).first).to_be_visible()
    at_both_widths(page)
    with page.expect_download() as file:
        page.get_by_role("button", name="下载全部拒收（CSV）").click()
    rows = pathlib.Path(file.value.path()).read_text("utf-8-sig").splitlines()
    assert len(rows) == 1 + 121 and sum("X" in row for row in rows) == 120
    # Those that the platform refused stand in the list of all refusals, by the name of their kind.
    page = enter("manager", path="/w/reading/refused")
    expect(page.locator("tbody tr", has_text="X119")).to_contain_text("不在档案")
    expect(page.get_by_text("unknown_subject")).to_have_count(0)
    page = enter("reader", path="/w/reading/imports", width=PHONE)
    expect(page.get_by_text("四月电量.csv").first).to_be_visible()

"""How pages stand in the window: nothing cut off, nothing that runs into its neighbour, no empty strips."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect
from tests.browser.conftest import Enter, hidden_to_the_side
from tests.browser.product import MONTH, Product

EDGES = """selector => [...document.querySelectorAll(selector)].map(cell => {
  const range = document.createRange()
  range.selectNodeContents(cell)
  const box = (cell.querySelector('.value, .table__sort') ?? range).getBoundingClientRect()
  return { left: box.left, right: box.right, number: cell.classList.contains('is-number') }
})"""


def settled(page: Page, path: str, wanted: str) -> None:
    page.goto(path)
    page.locator(wanted).first.wait_for()
    expect(page.locator(".skeleton, .block[aria-busy=true]")).to_have_count(0)


def test_a_name_stands_over_its_figures_and_a_list_ends_with_its_foot(enter: Enter, billed: Product) -> None:
    page = enter("manager")
    settled(page, f"/w/billing/bills?month={MONTH}", "tbody tr")
    names, values = page.evaluate(EDGES, ".table thead th"), page.evaluate(EDGES, ".table tbody tr:first-child td")
    assert any(name["number"] for name in names)
    for name, value in zip(names, values, strict=True):
        side = "right" if name["number"] else "left"
        # A tag has a little room of its own around its text.
        assert abs(name[side] - value[side]) <= 1, (name, value)
    for path in ("/w/billing/exceptions", "/w/billing/bills", "/w/point/exchanges"):
        settled(page, path, "tbody tr")
        rows, foot = (page.locator(part).bounding_box() for part in (".table-scroll", ".list-foot"))
        table = page.locator(".table").bounding_box()
        assert rows and foot and table
        assert rows["height"] <= table["height"] + 1, f"{path}: an empty strip under the last row"
        assert foot["y"] + foot["height"] <= 900, f"{path}: the foot is below the window"


@pytest.mark.parametrize(("width", "language"), [(1366, "zh-CN"), (1440, "en-GB")])
def test_tables_of_figures_fit_their_cards(enter: Enter, billed: Product, width: int, language: str) -> None:
    page = enter("manager", width=width, language=language)
    for path in (
        "/w/loss/areas",
        "/w/loss/feeders",
        "/w/analytics/overview",
        "/w/billing/exceptions",
        "/w/billing/bills",
        f"/w/reading/reads?month={MONTH}",
    ):
        settled(page, path, "tbody tr")
        assert hidden_to_the_side(page) <= 1, f"{path} at {width}"


def test_names_of_two_lines_have_room_in_the_menu(enter: Enter) -> None:
    page = enter("manager", language="en-GB", path="/w/contract/households")
    items = page.locator(".menu__item")
    expect(items.filter(has_text="Households with free energy")).to_be_visible()
    cut = "all => all.filter(one => one.scrollHeight > one.clientHeight + 1).map(one => one.innerText)"
    assert items.evaluate_all(cut) == []


def test_columns_that_the_reply_decides_on_are_there_whole_or_not_at_all(enter: Enter, billed: Product) -> None:
    page = enter("manager")
    settled(page, "/w/ledger/recovery", "tbody tr")
    grid = page.get_by_role("grid", name="明细")
    expect(grid.get_by_role("columnheader", name="用电类别")).to_have_count(0)
    units = grid.locator("td[data-label='供电单位']").all_inner_texts()
    assert "米山供电所" in units and "" not in units


def test_registers_of_a_bill_line_do_not_run_into_each_other(enter: Enter, billed: Product) -> None:
    page = enter("manager")
    settled(page, f"/w/billing/bills?month={MONTH}", "tbody tr")
    page.locator("tbody tr", has_text="居民生活").first.click()
    page.locator(".explain__line").first.click()
    page.locator(".how__registers tbody tr").first.wait_for()
    for row in ("thead th", "tbody tr:first-child td"):
        cells: list[Any] = page.evaluate(EDGES, f".how__registers {row}")
        for before, after in zip(cells, cells[1:], strict=False):
            assert after["left"] - before["right"] >= 10, (row, before, after)


def test_the_wall_sets_few_rows_at_the_top_and_the_company_apart(enter: Enter, billed: Product) -> None:
    page = enter("manager")
    page.set_viewport_size({"width": 1920, "height": 1080})
    page.goto("/screen")
    held = page.locator(".panel", has_text="待处理异常").locator(".bars li")
    held.first.wait_for()
    boxes = [row.bounding_box() for row in held.all()]
    assert all(box and box["height"] <= 50 for box in boxes)
    stations = page.locator(".panel", has_text="抄表").locator(".bars__name")
    expect(stations.first).to_be_visible()
    assert not [name for name in stations.all_inner_texts() if name.startswith("高平市")]

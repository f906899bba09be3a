"""Terminals and channels in the browser: a meter behind one that is online is read on demand."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect
from tests.browser.conftest import Enter, Look
from tests.browser.product import DEMO, Product
from tests.service.acquisition.field import Sims

from denghuo.simulator.county import Concentrator, load
from denghuo.simulator.terminal import Behaviour, Tally, Terminal

AREA = "TG001"


@pytest.fixture(scope="module")
def concentrator(product: Product) -> Iterator[Concentrator]:
    """The concentrator of an area, online as long as the tests of this file."""
    concentrators, county = load(DEMO / "data")
    chosen = next(one for one in concentrators if one.area_no == AREA)
    sims = Sims()
    sims.run(Terminal(chosen, county, Behaviour(heartbeat_s=2), Tally()).run(*product.front))
    yield chosen
    sims.stop()


def test_a_meter_is_read_on_demand(enter: Enter, at_both_widths: Look, concentrator: Concentrator) -> None:
    page = enter("reader", path=f"/w/acquisition/terminal?terminal_no={concentrator.terminal_no}")
    expect(page.get_by_text("在线", exact=True).first).to_be_visible()
    at_both_widths(page)
    page.get_by_role("button", name="召测", exact=True).first.click()
    expect(page.get_by_text("已应答", exact=True)).to_be_visible()
    expect(page.get_by_text("正向有功", exact=True)).to_be_visible()
    expect(page.locator(".page__head")).to_contain_text(concentrator.meters[0].meter_no)
    at_both_widths(page)


def test_a_terminal_is_found_with_its_connection_and_the_board_stands_beside_it(
    enter: Enter, accessible: Look, concentrator: Concentrator
) -> None:
    page = enter("reader", path=f"/w/acquisition/terminals?keyword={concentrator.terminal_no}")
    row = page.get_by_role("row", name=concentrator.terminal_no)
    expect(row).to_contain_text("在线")
    expect(row).to_contain_text("投运")
    accessible(page)
    page.goto("/w/acquisition/success")
    expect(page.locator(".bench")).to_contain_text("采集成功率")
    accessible(page)
    page.goto("/w/acquisition/work")
    expect(page.locator(".bench")).to_contain_text("采集运维")
    accessible(page)

"""Roll-outs in the browser: the clocks of a unit's terminals are checked, and times of use wait for a second person."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect
from tests.browser.conftest import Enter
from tests.browser.product import DEMO, Product
from tests.service.acquisition.field import Sims

from denghuo.simulator.county import Concentrator, load
from denghuo.simulator.terminal import Behaviour, Tally, Terminal


@pytest.fixture(scope="module")
def concentrator(product: Product) -> Iterator[Concentrator]:
    concentrators, county = load(DEMO / "data")
    chosen = next(one for one in concentrators if one.area_no == "TG003")
    sims = Sims()
    behaviour = Behaviour(heartbeat_s=2, faults=frozenset({"wrong_clock"}))
    sims.run(Terminal(chosen, county, behaviour, Tally()).run(*product.front))
    yield chosen
    sims.stop()


def test_clocks_are_checked_as_a_group(
    enter: Enter, accessible: Callable[[Page], None], concentrator: Concentrator, product: Product
) -> None:
    # A terminal is in use from its first login, which the record shows once it is there.
    page = enter("manager", path=f"/w/acquisition/terminal?terminal_no={concentrator.terminal_no}")
    expect(page.get_by_text("在线", exact=True).first).to_be_visible()
    page.goto("/w/acquisition/new_roll_out")
    page.get_by_role("combobox", name="下发内容").click()
    page.get_by_role("option", name="核对时钟").click()
    page.get_by_label("事由").fill("核对全部终端时钟")
    page.get_by_role("button", name="下发", exact=True).click()
    expect(page.locator(".page__head")).to_contain_text("下发任务")
    row = page.get_by_role("row", name=concentrator.terminal_no)
    expect(row).to_contain_text("成功")
    expect(row).to_contain_text("172")
    accessible(page)
    # Why one ended is told in the reader's language.
    with product.session("manager") as client:
        asked = product.ask(client, "acquisition.start_roll_out", kind="set_clock", reason="终端时钟偏差")
        product.ask(client, "workflow.withdraw", approval_no=asked["approval_no"])
        ref = {"roll_out_no": asked["roll_out_no"]}
        product.until(
            lambda: product.ask(client, "acquisition.roll_out", **ref), lambda found: found["state"] == "refused"
        )
    for language, said, other in (("zh-CN", "申请人已撤回", "Withdrawn"), ("en-US", "Withdrawn by who asked", "撤回")):
        page = enter("manager", path=f"/w/acquisition/roll_out?roll_out_no={ref['roll_out_no']}", language=language)
        expect(page.locator(".bench")).to_contain_text(said)
        expect(page.locator(".bench")).not_to_contain_text(other)


@pytest.mark.parametrize("width", [1440, 390])
def test_times_of_use_wait_for_a_second_person(
    enter: Enter, accessible: Callable[[Page], None], concentrator: Concentrator, width: int
) -> None:
    page = enter("manager", path="/w/acquisition/new_roll_out", width=width)
    page.get_by_role("combobox", name="下发内容").click()
    page.get_by_role("option", name="下发费率时段").click()
    page.get_by_label("起始时间 1").first.fill("08:00")
    page.get_by_role("combobox", name="费率 1").first.click()
    page.get_by_role("option", name="峰", exact=True).click()
    accessible(page)
    page.get_by_label("事由").fill("分时时段调整")
    page.get_by_role("button", name="下发", exact=True).click()
    expect(page.locator(".bench")).to_contain_text("时段表须从 00:00 起")

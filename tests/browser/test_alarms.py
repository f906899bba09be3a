"""Alarms in the browser: what happens to a meter is seen, looked into and closed with what was found."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect
from tests.browser.conftest import Enter, hidden_to_the_side
from tests.browser.product import DEMO, Product
from tests.service.acquisition.field import Sims

from denghuo.simulator.county import Concentrator, load
from denghuo.simulator.terminal import Behaviour, Tally, Terminal


@pytest.fixture(scope="module")
def concentrator(product: Product) -> Iterator[Concentrator]:
    """A concentrator whose first meter's cover was opened, and two phases of which are not as they should be."""
    concentrators, county = load(DEMO / "data")
    chosen = next(one for one in concentrators if one.area_no == "TG002")
    sims = Sims()
    faults = frozenset({"cover_open", "phase_loss", "power_loss"})
    sims.run(Terminal(chosen, county, Behaviour(heartbeat_s=2, faults=faults), Tally()).run(*product.front))
    yield chosen
    sims.stop()


@pytest.mark.parametrize(("width", "kind", "shown"), [(1440, "cover_open", "开表盖"), (390, "phase_loss", "断相")])
def test_an_alarm_is_acknowledged_and_closed(
    enter: Enter,
    product: Product,
    accessible: Callable[[Page], None],
    concentrator: Concentrator,
    width: int,
    kind: str,
    shown: str,
) -> None:
    page = enter(
        "reader", path=f"/w/acquisition/alarms?terminal_no={concentrator.terminal_no}&kind={kind}", width=width
    )
    seen = page.locator(".bench")
    expect(seen).to_contain_text(shown)
    expect(seen).to_contain_text(concentrator.meters[0].meter_no)
    assert hidden_to_the_side(page) <= 1
    accessible(page)
    seen.locator("td.is-lead").first.click()
    expect(page.locator(".page__head")).to_contain_text("告警详情")
    expect(page.get_by_text("新告警", exact=True)).to_be_visible()
    page.get_by_role("button", name="确认", exact=True).first.click()
    expect(page.get_by_text("已确认", exact=True)).to_be_visible()
    accessible(page)
    page.get_by_role("button", name="关闭", exact=True).first.click()
    form = page.get_by_role("dialog").last
    form.get_by_label("事由").fill("现场核查完毕")
    listed = f"{shown}：{concentrator.meters[0].meter_no}"
    todo = enter("reader", path="/w/workflow/todo", width=width)
    expect(todo.locator(".bench .state, .bench td").first).to_be_visible()
    expect(todo.get_by_text(listed)).to_have_count(int(kind == "cover_open"))
    form.get_by_role("button", name="关闭", exact=True).last.click()
    expect(page.get_by_text("已关闭", exact=True)).to_be_visible()
    expect(page.get_by_text("现场核查完毕", exact=True)).to_be_visible()
    with product.session("reader") as client:
        product.until(
            lambda: product.ask(client, "workflow.tasks", kind="acquisition.alarm", limit=200)["rows"],
            lambda rows: listed not in [row["title"]["zh"] for row in rows],
        )


@pytest.mark.parametrize(("width", "kind", "shown"), [(1440, "magnetic_field", "磁场"), (390, "reverse_power", "反向")])
def test_a_storm_is_one_matter_and_closed_together(
    enter: Enter,
    product: Product,
    accessible: Callable[[Page], None],
    concentrator: Concentrator,
    width: int,
    kind: str,
    shown: str,
) -> None:
    no, begun = concentrator.terminal_no, "2026-04-30T12:00:00+08:00"
    storm = [
        {"terminal_no": no, "number": meter.number, "kind": kind, "code": "ERC9", "begun_at": begun}
        for meter in concentrator.meters[:3]
    ]
    product.operate("acquisition.take_events", events=storm)
    with product.session("reader") as client:
        product.until(
            lambda: product.ask(client, "workflow.tasks", kind="acquisition.alarm", limit=200)["rows"],
            lambda rows: 3 in [row["count"] for row in rows],
        )
    page = enter("reader", path="/w/workflow/todo", width=width)
    row = page.locator("tr, .card").filter(has_text=f"{shown}").filter(has_text="西栗庄村公变台区（TG002）").first
    expect(row).to_contain_text("3")
    accessible(page)
    page.get_by_text("西栗庄村公变台区（TG002）").first.click()
    expect(page.locator(".page__head")).to_contain_text("同类告警")
    expect(page.locator(".bench")).to_contain_text("西栗庄村公变台区")
    expect(page.locator(".bench")).to_contain_text(concentrator.meters[2].meter_no)
    accessible(page)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    page.get_by_role("button", name="一并关闭").click()
    form = page.get_by_role("dialog").last
    form.get_by_label("事由").fill("表箱旁有磁性物体，已移走")
    form.get_by_role("button", name="一并关闭").last.click()
    expect(page.locator(".bench")).to_contain_text("都已关闭")
    with product.session("reader") as client:
        product.until(
            lambda: product.ask(client, "workflow.tasks", kind="acquisition.alarm", limit=200)["rows"],
            lambda rows: 3 not in [row["count"] for row in rows],
        )


def test_the_events_of_a_terminal_are_read_on_request(enter: Enter, concentrator: Concentrator) -> None:
    page = enter("reader", path=f"/w/acquisition/terminal?terminal_no={concentrator.terminal_no}")
    page.get_by_role("button", name="召读事件").click()
    page.get_by_role("dialog").last.get_by_role("button", name="召读事件").click()
    row = page.get_by_role("row", name=concentrator.terminal_no)
    expect(row).to_contain_text("已应答")
    expect(row).to_contain_text("3")

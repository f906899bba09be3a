"""Terminals and channels in the browser: a meter behind one that is online is read on demand, and the pages beside have rows."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from playwright.sync_api import expect
from tests.browser.conftest import Enter, Look
from tests.browser.product import DEMO, Product
from tests.service.acquisition.field import Sims

from denghuo.data.processing.database import Database
from denghuo.data.processing.dataset import Datasets
from denghuo.data.processing.embedded import EmbeddedServer
from denghuo.service.acquisition.front.brokers import Brokers, LinkSeen
from denghuo.service.host.binding import Store
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


def heard_by_broker(product: Product) -> None:
    """A connection to an MQTT broker that was lost, as a front writes it down; no broker need run for that."""
    dsn = EmbeddedServer(product.folder / "postgres").join()
    assert dsn is not None
    now = datetime.now(UTC)
    with Database(dsn) as database:
        store = Store(database, Datasets(database, product.folder / "datasets"), b"")
        broker = Brokers(store, "front-9", "mqtt://10.8.0.2:1883", lambda: now)
        broker.hold()
        broker.write(LinkSeen("refused", "sign_in", "Not authorized", now, now, 2, 1_204, 96, 3))


def test_pages_of_collection_keys_notices_and_brokers_show_their_rows(
    enter: Enter, product: Product, at_both_widths: Look, concentrator: Concentrator
) -> None:
    meter_no = concentrator.meters[0].meter_no
    with product.session("asset") as client:
        direct = {"terminal_no": "999999000077", "protocol": "dlms", "name": "高压用户直连表", "vendor": "甲厂"}
        direct |= {"channel": "ethernet", "org": "1405810.01", "endpoint": "127.0.0.1:9"}
        product.ask(client, "acquisition.register_terminal", **direct)
        keys = {"terminal_no": direct["terminal_no"], "version": 1, "check_value": "a1b2c3d4"}
        product.ask(client, "acquisition.use_keys", **keys, reason="出厂密钥启用")
    with product.session("manager") as client:
        given = {"meter_no": meter_no, "kind": "notice", "given_at": "2026-05-01T02:00:00Z", "way": "paper"}
        product.ask(client, "acquisition.record_notice", **given)
        policy = {"org": "1405810", "effective_from": "2099-01-01", "notice_days": 5, "call_minutes": 30}
        product.ask(client, "acquisition.set_switching_policy", **policy, source="省公司规定")
        route = {"org": "1405810", "kind": "clock_fault", "effective_from": "2099-01-01", "role": "asset_clerk"}
        product.ask(client, "acquisition.set_alarm_route", **route, due_days=3, reason="时钟异常派给计量人员")
        product.ask(client, "acquisition.start_collection", day="2026-04-10", kinds=["freeze"])
        product.until(
            lambda: product.ask(client, "acquisition.success", day="2026-04-10", by="terminal")["rows"],
            lambda rows: any(row["key"] == concentrator.terminal_no and row["done"] for row in rows),
        )
    heard_by_broker(product)
    page = enter("manager", path="/w/acquisition/success")
    for by, shown in (
        ("终端", concentrator.terminal_no),
        ("厂家", "厂"),
        ("通道", "移动公网"),
        ("单位", "供电所"),
    ):
        page.get_by_role("combobox", name="分组").first.click(force=True)
        page.get_by_role("option", name=by, exact=True).filter(visible=True).click()
        page.get_by_role("button", name="查询").first.click()
        expect(page.locator(".bench")).to_contain_text(shown)
        expect(page.locator(".bench")).to_contain_text("终端离线")
        at_both_widths(page)
    for path, said in (
        ("keys", "a1b2c3d4"),
        ("notices", meter_no),
        ("brokers", "Not authorized"),
        ("alarm_routes", "时钟异常"),
    ):
        page.goto(f"/w/acquisition/{path}")
        expect(page.locator(".bench")).to_contain_text(said)
        at_both_widths(page)

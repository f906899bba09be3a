"""Terminals registered in the browser: an MQTT one whose form says what is wrong, and a gateway that is dialled, read and asked
for its meters' clocks."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect
from tests.browser.conftest import Enter, Look
from tests.browser.product import Product
from tests.browser.test_forms import newcomer
from tests.service.acquisition.field import Sims, county, meters

from denghuo.simulator.county import Concentrator
from denghuo.simulator.gateway import Gateway
from denghuo.simulator.terminal import Behaviour, Tally

GATEWAY, MQTT, ORG = "140599000004", "140599000005", "1405810.01"


@pytest.fixture(scope="module")
def clerk(product: Product) -> str:
    return newcomer(product, "采集建档员", "asset_clerk", ORG)


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """A gateway with a bus of three meters."""
    sims, found = Sims(), list[int]()
    made = Gateway(Concentrator(GATEWAY, "dlt645", "TG001", meters(GATEWAY)), county(GATEWAY), Behaviour(), Tally())

    async def listen() -> None:
        found.append(await made.listen("127.0.0.1", 0))

    sims.do(listen())
    yield found[0]
    sims.do(made.shut())
    sims.stop()


def fill(page: Page, terminal_no: str, protocol: str, name: str, endpoint: str = "") -> None:
    page.get_by_label("终端地址").fill(terminal_no)
    page.get_by_role("combobox", name="规约").click()
    page.get_by_role("option", name=protocol).click()
    page.get_by_label("终端名称").fill(name)
    page.get_by_label("厂家").fill("甲厂")
    page.get_by_role("combobox", name="通道").click()
    page.get_by_role("option", name="光纤专网").click()
    if endpoint:
        page.get_by_label("网络地址").fill(endpoint)


def test_an_mqtt_terminal_is_registered_and_a_wrong_one_is_told_why(
    enter: Enter, at_both_widths: Look, clerk: str
) -> None:
    page = enter(clerk, path="/w/acquisition/terminals")
    page.get_by_role("button", name="登记终端").or_(page.get_by_role("link", name="登记终端")).first.click()
    fill(page, MQTT[:9], "MQTT", "和平里融合终端")
    # It dials us, so nobody is asked where it is.
    expect(page.get_by_label("网络地址")).to_have_count(0)
    choose_unit(page)
    at_both_widths(page)
    page.get_by_role("button", name="登记", exact=True).click()
    expect(page.locator(".bench")).to_contain_text("其他规约为12位")
    page.get_by_label("终端地址").fill(MQTT)
    page.get_by_role("button", name="登记", exact=True).click()
    expect(page.locator(".page__head")).to_contain_text("和平里融合终端")
    expect(page.get_by_text("从未上线", exact=True)).to_be_visible()
    expect(page.get_by_text("MQTT", exact=True)).to_be_visible()
    at_both_widths(page)
    page.goto("/w/acquisition/brokers")
    expect(page.locator(".bench")).to_contain_text("未配置消息服务器")
    at_both_widths(page)


def test_a_gateway_is_registered_dialled_and_its_meter_read(
    enter: Enter, at_both_widths: Look, product: Product, clerk: str, port: int
) -> None:
    page = enter(clerk, path="/w/acquisition/new_terminal")
    fill(page, GATEWAY, "DL/T 645", "老楼串口服务器", f"127.0.0.1:{port}")
    choose_unit(page)
    page.get_by_role("button", name="登记", exact=True).click()
    expect(page.locator(".page__head")).to_contain_text("老楼串口服务器")
    page.get_by_role("button", name="加装电能表").click()
    meter = meters(GATEWAY)[0]
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("测量点号").fill("1")
    dialog.get_by_label("表号").fill(meter.meter_no)
    dialog.get_by_label("通信地址").fill(meter.address)
    dialog.get_by_role("button", name="加装电能表").or_(dialog.get_by_role("button", name="确定")).first.click()
    expect(page.get_by_role("row", name=meter.meter_no).first).to_be_visible()
    expect(page.get_by_text("在线", exact=True).first).to_be_visible()
    at_both_widths(page)
    page.get_by_role("button", name="召测", exact=True).first.click()
    expect(page.get_by_text("已应答", exact=True)).to_be_visible()
    expect(page.get_by_text("正向有功", exact=True).first).to_be_visible()
    # Another in the records is not on the bus: which of the two failed is told.
    absent = {"terminal_no": GATEWAY, "number": 2, "meter_no": "M49999", "address": "000004009999"}
    with product.session(clerk) as client:
        product.ask(client, "acquisition.assign_meters", meters=[absent])
    page.go_back()
    page.get_by_role("button", name="核对时钟").click()
    given = page.get_by_role("row").filter(has_text="核对时钟").first
    expect(given).to_be_visible()
    page.reload()
    expect(given).to_contain_text("失败")
    at_both_widths(page)
    page.locator("tr, .card").filter(has_text="核对时钟").first.click()
    expect(page.locator(".page__head")).to_contain_text("下行命令")
    expect(page.locator("tr, .card").filter(has_text="M49999").first).to_contain_text("无应答")
    at_both_widths(page)


def choose_unit(page: Page) -> None:
    page.get_by_role("combobox", name="供电单位").click()
    page.get_by_role("option").first.click()

"""The frame decoder as a field technician uses it, at the desk and on the phone."""

from playwright.sync_api import expect
from tests.browser.conftest import Enter, Look

DIRECT = "7ea0190321326fd8e6e600c001c100080000010000ff0200601a7e"
VOLTAGE = "68 61 01 00 00 00 00 68 91 06 33 34 34 35 34 43 10 16"


def test_a_frame_is_read_field_by_field(enter: Enter, at_both_widths: Look) -> None:
    page = enter("reader", path="/w/acquisition/decode")
    frame = page.get_by_label("报文", exact=True)
    frame.fill(VOLTAGE.replace("10 16", "11 16"))
    page.get_by_role("button", name="解析", exact=True).click()
    expect(page.locator(".state--problem, .form")).to_contain_text(["第 16 字节：校验和不对，收到 11，应为 10"])
    frame.fill(f"00 11 {VOLTAGE}")
    page.get_by_role("button", name="解析", exact=True).click()
    expect(page.locator(".frame__title")).to_contain_text(["不属于任何报文的字节", "DL/T 645 电能表"])
    row = page.locator(".frame__fields tbody tr", has_text="A相电压").last
    expect(row.locator(".frame__value")).to_have_text("100.1 V")
    # Each reader has his own language alone, in the values too.
    control = page.locator(".frame__fields tbody tr", has_text="控制码").first.locator(".frame__value")
    expect(control).to_have_text("91 DL/T 645-2007 数据")
    row.get_by_role("button").click()
    expect(page.locator(".frame__byte.is-marked")).to_have_text(["34", "43"])
    page.mouse.move(0, 0)
    expect(row.get_by_role("button")).to_have_attribute("aria-pressed", "true")
    expect(page.locator(".frame__byte.is-marked")).to_have_text(["34", "43"])
    page.locator(".frame").nth(1).locator(".frame__byte").last.click()
    expect(page.locator(".frame__fields tr.is-marked .frame__name")).to_have_text(["结束符"])
    at_both_widths(page)
    frame.fill(DIRECT)
    page.get_by_role("button", name="解析", exact=True).click()
    expect(page.locator(".frame__title")).to_contain_text(["DLMS/COSEM（HDLC）"])
    expect(page.locator(".frame__fields")).to_contain_text("时钟 时间")

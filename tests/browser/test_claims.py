"""Late fees, penalties, corrections, refunds and compensations worked out on their page, a form for each."""

from playwright.sync_api import Locator, Page, expect
from tests.browser.conftest import Enter, Look, choose


def tab(page: Page, name: str) -> Locator:
    page.get_by_role("tab", name=name, exact=True).click()
    shown = page.get_by_role("tabpanel").filter(visible=True)
    expect(shown.get_by_role("button", name="计算", exact=True)).to_be_visible()
    return shown


def total(shown: Locator, amount: str) -> None:
    shown.get_by_role("button", name="计算", exact=True).click()
    expect(shown.locator(".stat", has_text="合计").locator(".stat__value").first).to_have_text(amount)


def day(page: Page, field: Locator, value: str) -> None:
    field.fill(value)
    page.keyboard.press("Enter")


def test_each_claim_has_its_form(enter: Enter, at_both_widths: Look) -> None:
    page = enter("billing", path="/w/billing/claims")
    late = tab(page, "违约金")
    late.get_by_label("账期 1", exact=True).first.fill("2025-12")
    late.get_by_label("欠费本金 1").fill("1000")
    day(page, late.get_by_label("缴费期限 1"), "2025-12-20")
    day(page, late.get_by_label("缴清日期"), "2026-01-10")
    total(late, "52.00")
    late.get_by_role("button", name="全部展开").click()
    expect(late.locator(".explain__how").first).to_contain_text("1000.00 × 2‰ × 11 = 22.00")
    at_both_widths(page)

    breach = tab(page, "违约用电")
    breach.get_by_role("button", name="计算", exact=True).click()
    expect(breach.get_by_text("请填写“擅自改变用电类别”或“擅自超过合同容量”")).to_be_visible()
    breach.get_by_label("擅自超过合同容量 容量/功率").fill("21")
    breach.get_by_label("擅自操作计量、负控装置 次数").fill("1")
    total(breach, "6,050.00")
    breach.get_by_label("擅自超过合同容量 基本电费月单价").fill("20")
    breach.get_by_role("button", name="计算", exact=True).click()
    expect(breach.get_by_text("请填写“起日”。")).to_be_visible()
    at_both_widths(page)

    theft = tab(page, "窃电")
    theft.get_by_label("功率 1").fill("2")
    choose(theft, "用途 1", "照明")
    theft.get_by_label("单价 1").first.fill("0.52")
    total(theft, "4,492.80")

    correction = tab(page, "退补电量")
    correction.get_by_label("电量 1", exact=True).fill("100")
    correction.get_by_label("单价 1").fill("0.5")
    correction.get_by_label("倍率差错 实际倍率").fill("120")
    correction.get_by_label("倍率差错 计费倍率").fill("60")
    total(correction, "50.00")

    refund = tab(page, "退补电费")
    refund.get_by_label("电量 1", exact=True).fill("-10")
    refund.get_by_label("单价 1").fill("0.617")
    total(refund, "−6.17")

    outage = tab(page, "停电赔偿")
    outage.get_by_label("上月电量").fill("30000")
    outage.get_by_label("停电分钟").fill("1800")
    outage.get_by_label("平均电价").fill("0.4")
    total(outage, "−2,000.00")

    temporary = tab(page, "临时用电")
    for label, value in (
        ("功率 1", "2"),
        ("每日小时 1", "8"),
        ("天数 1", "10"),
        ("项目 1", "电度电价"),
        ("单价 1", "0.8"),
    ):
        temporary.get_by_label(label).fill(value)
    total(temporary, "128.00")
    at_both_widths(page)
